//! Copies from a plain web server, that of Python, which knows nothing of ceremonies nor of ranges.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ceremony_core::progress::NoProgress;
use ceremony_folder::Ceremony;
use ceremony_folder::digests::KnownDigests;

use super::{Net, free_port, names, wait_until};
use crate::kit::Run;
use crate::kit::dated::index_of;

pub(crate) struct Web(Child, u16);

impl Web {
    fn of(net: &Net, folder: &str) -> Self {
        Self::serving(&net.world.path("coordinator", folder))
    }

    pub(crate) fn port(&self) -> u16 {
        self.1
    }

    pub(crate) fn serving(folder: &Path) -> Self {
        let port = free_port();
        let child = Command::new("python3")
            .args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string()])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 is not installed");
        wait_until("the web server listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self(child, port)
    }

    /// Copies what there is to a folder of dana's.
    fn mirror(&self, net: &Net, to: &str, more: &str) -> Run {
        let (port, rules) = (self.1, &net.rules);
        // The server has a folder above the ceremony's, too.
        let line = format!(
            "ceremony mirror http://127.0.0.1:{port}/shared {to} --rules {rules} --once \
             --patience 2 {more}"
        );
        net.world.run("dana", &line)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_mirror_of_a_plain_web_server_is_the_folder() {
    let mut net = Net::new(&["alice"]);
    fs::create_dir(net.world.path("dana", "")).unwrap();
    net.world.ok("dana", "key new key.pem");
    let web = Web::of(&net, "");
    let run = web.mirror(&net, "copy", "");
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("neither a service nor an index"), "{}", run.stderr);
    // Signed by the coordinator, while there is one step; then by the service, at the end.
    net.world.ok("coordinator", "ceremony index shared --key key.pem");
    let run = web.mirror(&net, "copy", "--verify");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("fetched phase1/0000"), "{}", run.stderr);
    net.serve_unattended("");
    net.join("alice", "").ok();
    let service = net.service.take().unwrap();
    service.ok();
    let transcript = net.transcript("coordinator", "shared");
    net.world.ok("coordinator", "ceremony index shared --key shared.service/service.pem");
    // An attempt before this one left half of a file.
    let listed = fs::read_to_string(net.world.shared("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let file = index["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["name"].as_str().unwrap().ends_with(".zkey"));
    let (name, sha256) = (&file.unwrap()["name"], file.unwrap()["sha256"].as_str().unwrap());
    let half = fs::read(net.world.shared(name.as_str().unwrap())).unwrap();
    let partial = net.world.path("dana", "copy/.zk-ceremony-fetch").join(sha256);
    fs::write(partial, &half[..half.len() / 2]).unwrap();
    let run = web.mirror(&net, "copy", "--verify --as Dana --key key.pem");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!run.stderr.contains("fetched phase1/0000"), "{}", run.stderr);
    assert_eq!(net.transcript("dana", "copy"), transcript);
    // It can be published as it is.
    assert_eq!(fs::read_to_string(net.world.path("dana", "copy/index.json")).unwrap(), listed);
    let audits = names(&net.world.path("dana", "copy/audits"));
    assert!(audits.len() > 5, "{audits:?}");
    what_does_not_hold_is_refused(&net, &web, &index);
}

#[test]
fn a_list_dated_tomorrow_does_not_stop_a_mirror_until_then() {
    let net = Net::new(&["alice"]);
    fs::create_dir(net.world.path("dana", "")).unwrap();
    let web = Web::of(&net, "");
    let ceremony = Ceremony::open(&net.world.shared("")).unwrap();
    let files = ceremony.public_files(&mut KnownDigests::default(), &NoProgress).unwrap();
    let path = net.world.shared("index.json");
    let tomorrow = index_of(&net.world, &ceremony, &files, 86_400);
    fs::write(&path, &tomorrow).unwrap();
    let run = web.mirror(&net, "copy", "");
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("is dated in the future"), "{}", run.stderr);
    assert!(run.stderr.contains("signed by "), "{}", run.stderr);
    // A copy that has it, of a version that took it, goes on as well.
    let kept = net.world.path("dana", "copy/index.json");
    for there in [false, true] {
        net.world.ok("coordinator", "ceremony index shared --key key.pem");
        if there {
            fs::write(&kept, &tomorrow).unwrap();
        }
        let run = web.mirror(&net, "copy", "");
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(fs::read(&kept).unwrap() == fs::read(&path).unwrap());
    }
}

fn what_does_not_hold_is_refused(net: &Net, web: &Web, index: &serde_json::Value) {
    let path = net.world.shared("index.json");
    let good = fs::read(&path).unwrap();
    let refused = |what: &str| {
        let _ = fs::remove_dir_all(net.world.path("dana", "other"));
        let run = web.mirror(net, "other", "");
        assert!(run.code != 0 && run.stderr.contains(what), "{what}: {}", run.stderr);
    };
    // Another list under the same signature.
    let mut shorter = index.clone();
    shorter["files"].as_array_mut().unwrap().pop();
    fs::write(&path, shorter.to_string()).unwrap();
    refused("the index is not the one that was signed");
    // The right key named, and a signature that it did not make.
    let mut forged = index.clone();
    let signature = &mut forged["envelope"]["signatures"][0]["sig"];
    let text = signature.as_str().unwrap().to_owned();
    let first = if text.starts_with('A') { 'B' } else { 'A' };
    *signature = format!("{first}{}", &text[1..]).into();
    fs::write(&path, forged.to_string()).unwrap();
    refused("neither the coordinator nor a service of this ceremony signed the index");
    // A name that leads elsewhere, before anything of it is written.
    let mut elsewhere = index.clone();
    elsewhere["files"][0]["name"] = "services/../../../elsewhere".into();
    fs::write(&path, elsewhere.to_string()).unwrap();
    refused("a ceremony has no file of this name");
    fs::write(&path, "{}").unwrap();
    refused("index");
    fs::write(&path, &good).unwrap();
    // A stranger's signature.
    fs::create_dir_all(net.world.path("mallory", "")).unwrap();
    net.world.ok("mallory", "key new key.pem");
    let mallory = net.world.path("mallory", "key.pem").display().to_string();
    let run = net.world.run("coordinator", &format!("ceremony index shared --key {mallory}"));
    assert!(run.stderr.contains("a list of the files counts by"), "{}", run.stderr);
    assert_eq!(fs::read(&path).unwrap(), good);
    // Another file than the listed one.
    let data = net.world.shared("ceremony.toml");
    let rules = fs::read(&data).unwrap();
    fs::write(&data, [&rules[..], b"# more\n"].concat()).unwrap();
    refused("ceremony.toml");
    fs::write(&data, rules).unwrap();
    // Another history.
    let journal = net.world.shared("journal.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, text.replacen("alice", "mallo", 1)).unwrap();
    net.world.ok("coordinator", "ceremony index shared --key key.pem");
    let run = web.mirror(net, "copy", "");
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("does not go on from the one"), "{}", run.stderr);
}
