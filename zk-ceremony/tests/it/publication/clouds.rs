//! Azure and Google Cloud Storage, which do the same as S3 by other means: Azurite, and
//! fake-gcs-server behind a front for the XML API (google.py says what each of them does).

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::faults::{large, noise, with_large_file};
use super::stores::{installed, python, run};
use crate::kit::Run;
use crate::kit::ceremony::World;
use crate::network::proxy::{Fault, Proxy};
use crate::network::{free_port, wait_until};

const ACCOUNT: &str = "testaccount";
/// In base64, as Azure has them.
const KEY: &str = "dGhlIGtleSBvZiB0aGlzIHRlc3QncyBhY2NvdW50";
const WRONG_KEY: &str = "YW5vdGhlciBrZXkgdGhhbiB0aGUgYWNjb3VudCdz";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Vendor {
    Azure,
    Google,
}

/// A server, and what it keeps. A bucket whose name begins with `public` is read by everyone.
struct Cloud {
    vendor: Vendor,
    child: Child,
    address: SocketAddr,
    kept: tempfile::TempDir,
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/publication").join(name)
}

fn ci() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci")
}

/// A key pair for a service account.
fn account_key(folder: &Path, name: &str) {
    let pem = folder.join(format!("{name}.pem"));
    for (words, out) in
        [("genrsa 2048", pem.clone()), ("rsa -pubout", pem.with_extension("pub.pem"))]
    {
        let mut command = Command::new("openssl");
        command.args(words.split(' '));
        if words.starts_with("rsa") {
            command.arg("-in").arg(&pem);
        }
        let made = command.stderr(Stdio::null()).output().expect("openssl is not installed");
        assert!(made.status.success());
        fs::write(out, made.stdout).unwrap();
    }
    let key = serde_json::json!({
        "type": "service_account",
        "private_key": fs::read_to_string(&pem).unwrap(),
        "private_key_id": name,
        "client_email": "publisher@test.example",
    });
    fs::write(folder.join(format!("{name}.json")), key.to_string()).unwrap();
}

impl Cloud {
    fn start(vendor: Vendor) -> Self {
        let kept = tempfile::tempdir().unwrap();
        let port = free_port().to_string();
        let mut command = match vendor {
            Vendor::Azure => {
                let mut command = Command::new("node");
                command.arg(installed(ci().join("node_modules/azurite/dist/src/blob/main.js")));
                command.args(["--blobHost", "127.0.0.1", "--blobPort", &port, "--silent"]);
                command.args(["--disableProductStyleUrl", "--disableTelemetry"]);
                command.arg("--skipApiVersionCheck").arg("--location").arg(kept.path());
                command.env("AZURITE_ACCOUNTS", format!("{ACCOUNT}:{KEY}"));
                command
            }
            Vendor::Google => {
                account_key(kept.path(), "key");
                let mut command = Command::new(python());
                command.arg(script("google.py")).arg("serve").arg(kept.path()).arg(&port);
                command
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let address: SocketAddr = format!("127.0.0.1:{port}").parse().unwrap();
        wait_until("the store listens", || {
            assert!(child.try_wait().unwrap().is_none(), "the store ended");
            TcpStream::connect(address).is_ok()
        });
        Self { vendor, child, address, kept }
    }

    fn scheme(&self) -> &'static str {
        match self.vendor {
            Vendor::Azure => "az",
            Vendor::Google => "gs",
        }
    }

    /// What the owner of the buckets does; lines.
    fn own(&self, words: &[&str]) -> Vec<String> {
        self.as_owner()(words)
    }

    /// The same, for what happens while something else goes on.
    fn as_owner(&self) -> impl Fn(&[&str]) -> Vec<String> + Send + use<> {
        let (vendor, address, kept) = (self.vendor, self.address, self.kept.path().to_owned());
        move |words| {
            let mut command = match vendor {
                Vendor::Azure => {
                    let mut command = Command::new("node");
                    let endpoint = format!("http://{address}/{ACCOUNT}");
                    command.arg(script("azure.mjs")).args([&endpoint, ACCOUNT, KEY]);
                    command.env("PEERS", ci());
                    command
                }
                Vendor::Google => {
                    let mut command = Command::new(python());
                    let port = fs::read_to_string(kept.join("port")).unwrap();
                    command.arg(script("google.py")).args(["owner", &port]);
                    command
                }
            };
            let output = command.args(words).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{words:?}: {said}");
            String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
        }
    }

    fn create(&self, bucket: &str) {
        let is_public = self.vendor == Vendor::Azure && bucket.starts_with("public");
        self.own(&[if is_public { "create-public" } else { "create" }, bucket]);
    }

    /// What our program is told by its environment, of a server at this address.
    fn environment(&self, endpoint: &str) -> Vec<(String, String)> {
        let of = |pairs: &[(&str, String)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
        };
        match self.vendor {
            Vendor::Azure => of(&[
                ("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT.into()),
                ("AZURE_STORAGE_ACCOUNT_KEY", KEY.into()),
                ("AZURE_STORAGE_ENDPOINT", format!("{endpoint}/{ACCOUNT}")),
            ]),
            Vendor::Google => of(&[
                (
                    "GOOGLE_APPLICATION_CREDENTIALS",
                    self.kept.path().join("key.json").display().to_string(),
                ),
                ("GOOGLE_BASE_URL", endpoint.into()),
            ]),
        }
    }

    /// Runs our program, with something in between.
    fn run_at(&self, at: SocketAddr, world: &World, who: &str, line: &str) -> Run {
        let line = line.replace("URL", &format!("{}://", self.scheme()));
        run(world, who, &line, self.environment(&format!("http://{at}")))
    }

    fn run(&self, world: &World, who: &str, line: &str) -> Run {
        self.run_at(self.address, world, who, line)
    }

    #[track_caller]
    fn ok(&self, world: &World, who: &str, line: &str) -> String {
        let run = self.run(world, who, line);
        assert_eq!(run.code, 0, "{line}\n{}{}", run.stdout, run.stderr);
        run.stdout
    }

    #[track_caller]
    fn refused(&self, world: &World, line: &str, code: i32, what: &str) -> String {
        let run = self.run(world, "coordinator", line);
        assert_eq!(run.code, code, "{line}\n{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(what), "{what}: {}", run.stderr);
        run.stderr
    }
}

/// `URL` is the scheme of the vendor.
const PUBLISH: &str = "ceremony publish shared URLpublic/one/two --key key.pem";

fn is_part(asked: &str) -> bool {
    asked.contains("comp=block&") || asked.contains("partNumber=")
}

fn everything(vendor: Vendor) {
    let cloud = Cloud::start(vendor);
    cloud.create("public");
    let world = with_large_file();
    // The link breaks at the third part; then the store does not name what came. Each run after
    // that does what is left.
    let (parts, stage) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, now) = (parts.clone(), stage.clone());
    let proxy = Proxy::start(cloud.address, move |method, asked| {
        let is_named = method == "PUT" && asked.replace("%2E", ".").ends_with("large.bin");
        match (is_part(asked), now.load(Ordering::SeqCst)) {
            (true, stage) => {
                let number = count.fetch_add(1, Ordering::SeqCst);
                if number >= 2 && stage == 0 { Fault::CutRequest(9) } else { Fault::None }
            }
            (false, 1) if is_named => Fault::Answer(503),
            _ => Fault::None,
        }
    });
    let publish = |more: &str| {
        let line = format!("{PUBLISH}{more}");
        cloud.run_at(proxy.address, &world, "coordinator", &line)
    };
    let run = publish(" --store-patience 1");
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    let sent = parts.load(Ordering::SeqCst);
    stage.store(1, Ordering::SeqCst);
    let run = publish(" --store-patience 1");
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert_eq!(parts.load(Ordering::SeqCst), sent + 1, "{:?}", proxy.seen.lock().unwrap());
    assert!(!cloud.own(&["list", "public"]).contains(&"one/two/index.json".to_owned()));
    stage.store(2, Ordering::SeqCst);
    let run = publish("");
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(parts.load(Ordering::SeqCst), sent + 1, "{:?}", proxy.seen.lock().unwrap());
    drop(proxy);
    assert!(run.stdout.contains("the index is new"), "{}", run.stdout);
    let left = fs::read_dir(world.shared(".zk-ceremony-publish")).unwrap().count();
    assert_eq!(left, 0, "what was written down of the upload");
    // What is there is what the list names, byte by byte, and nothing else.
    let listed = fs::read(world.shared("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&listed).unwrap();
    let mut expected: Vec<String> =
        index["files"].as_array().unwrap().iter().map(|it| it["name"].to_string()).collect();
    expected.push("\"index.json\"".into());
    let mut there: Vec<String> = cloud
        .own(&["list", "public"])
        .iter()
        .map(|name| {
            let name = name.strip_prefix("one/two/").unwrap_or_else(|| panic!("{name}"));
            let plain = name.strip_prefix("versions/").map(|rest| rest.split_once('/').unwrap().1);
            format!("{:?}", plain.unwrap_or(name))
        })
        .collect();
    expected.sort();
    there.sort();
    assert_eq!(there, expected);
    let back = world.path("coordinator", "back");
    let get = |name: &str| {
        cloud.own(&["get", "public", name, &back.display().to_string()]);
        fs::read(&back).unwrap()
    };
    assert!(get(&format!("one/two/{}", large())) == noise(20 << 20));
    assert_eq!(get("one/two/index.json"), listed);
    // Again: nothing; with one object less: that one; with a new document: it and the list.
    let again = "ceremony publish shared URLpublic/one/two";
    for more in ["", " --read-back"] {
        let said = cloud.ok(&world, "coordinator", &format!("{again}{more}"));
        assert!(said.contains("0 files put") && said.contains("the index is the same"), "{said}");
    }
    cloud.own(&["delete", "public", "one/two/phase1/0001.ptau"]);
    let said = cloud.ok(&world, "coordinator", again);
    assert!(
        said.contains("published phase1/0001.ptau\n") && said.contains("1 files put"),
        "{said}"
    );
    std::thread::sleep(std::time::Duration::from_millis(1100)); // it names seconds
    world.ok("coordinator", "ceremony verify shared");
    let said = cloud.ok(&world, "coordinator", PUBLISH);
    assert!(said.contains("published report.json") && said.contains("index is new"), "{said}");
    mirrored_and_archived(&cloud, &world);
}

/// From the store alone: as everyone may, and by those with credentials; and a whole archive.
fn mirrored_and_archived(cloud: &Cloud, world: &World) {
    let rules = fs::read(world.shared("ceremony.toml")).unwrap();
    let rules = zk_attest::digest::FileDigest::of(&rules);
    fs::create_dir(world.path("dana", "")).unwrap();
    let account = if cloud.vendor == Vendor::Azure { format!("/{ACCOUNT}") } else { String::new() };
    let web = format!("http://{}{account}/public/one/two", cloud.address);
    for (from, to) in [(web.as_str(), "copy"), ("URLpublic/one/two", "other")] {
        let line = format!("ceremony mirror {from} {to} --rules {rules} --once --verify");
        let run = cloud.run(world, "dana", &line);
        assert_eq!(run.code, 0, "{from}: {}{}", run.stdout, run.stderr);
        for file in ["phase1/0001.ptau", "circuits/main/final.zkey", "index.json"] {
            let here = world.read("dana", &format!("{to}/{file}"));
            assert!(here == fs::read(world.shared(file)).unwrap(), "{from}: {file}");
        }
        for secret in [KEY, "X-Goog-Signature", "sig="] {
            assert!(!(run.stdout.clone() + &run.stderr).contains(secret), "{secret}");
        }
    }
    // What is not public is not to be had without credentials, and with them.
    cloud.create("closed");
    cloud.ok(world, "coordinator", "ceremony publish shared URLclosed/one/two");
    let line = |from: &str, to: &str| {
        format!("ceremony mirror {from} {to} --rules {rules} --once --patience 2")
    };
    let run = world.run("dana", &line(&web.replace("public", "closed"), "third"));
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    cloud.ok(world, "dana", &line("URLclosed/one/two", "third"));
    // An archive is read there; it is locked by the vendor's own tools.
    world.ok("coordinator", "ceremony archive shared a.tar");
    let path = world.path("coordinator", "a.tar").display().to_string();
    cloud.own(&["put", "closed", "a.tar", &path]);
    let said = cloud.ok(world, "coordinator", "ceremony archive --verify URLclosed/a.tar");
    assert!(said.contains("closed/a.tar: whole"), "{said}");
    let store = if cloud.vendor == Vendor::Azure { "Azure" } else { "Google Cloud Storage" };
    cloud.refused(
        world,
        "ceremony archive shared --to URLclosed/b.tar --retain-until 2099-01-01",
        2,
        &format!("this program cannot lock an object in {store}"),
    );
    assert!(!cloud.own(&["list", "closed"]).contains(&"b.tar".to_owned()));
}

#[test]
fn azure_has_what_was_published_goes_on_after_a_cut_and_is_mirrored() {
    everything(Vendor::Azure);
}

#[test]
fn google_has_what_was_published_goes_on_after_a_cut_and_is_mirrored() {
    everything(Vendor::Google);
}

fn what_does_not_fit(vendor: Vendor) {
    let cloud = Cloud::start(vendor);
    cloud.create("public");
    let world = with_large_file();
    let other = world.path("coordinator", "other");
    let put = |name: &str, bytes: &[u8]| {
        fs::write(&other, bytes).unwrap();
        cloud.own(&["put", "public", name, &other.display().to_string()]);
    };
    let kept = |name: &str| {
        let back = world.path("coordinator", "back");
        cloud.own(&["get", "public", name, &back.display().to_string()]);
        fs::read(&back).unwrap()
    };
    // Other bytes, of one piece and of several, are told of with both digests, and stay.
    for (name, mut bytes) in [
        ("phase1/0001.ptau".to_owned(), fs::read(world.shared("phase1/0001.ptau")).unwrap()),
        (large(), noise(20 << 20)),
    ] {
        let name = format!("one/two/{name}");
        let ours = zk_attest::digest::FileDigest::of(&bytes).to_string();
        bytes[100] ^= 1;
        let theirs = zk_attest::digest::FileDigest::of(&bytes).to_string();
        put(&name, &bytes);
        let said = cloud.refused(&world, PUBLISH, 1, "has this object already, with other bytes");
        assert!(said.contains(&ours) && said.contains(&theirs), "{said}");
        assert!(kept(&name) == bytes, "{name} was overwritten");
        assert!(!cloud.own(&["list", "public"]).contains(&"one/two/index.json".to_owned()));
        cloud.own(&["delete", "public", &name]);
    }
    // A name that is taken after the look at what is there, and while parts are sent.
    for name in ["phase1/0001.ptau".to_owned(), large()] {
        let (owner, path) = (cloud.as_owner(), other.display().to_string());
        fs::write(&other, b"another account's").unwrap();
        let there = format!("one/two/{name}");
        // The run before may have put it.
        if cloud.own(&["list", "public"]).contains(&there) {
            cloud.own(&["delete", "public", &there]);
        }
        let (taken, end) = (there.clone(), name.rsplit('/').next().unwrap().to_owned());
        let proxy = Proxy::start(cloud.address, move |method, asked| {
            if method == "PUT" && asked.replace("%2E", ".").ends_with(&end) {
                owner(&["put", "public", &taken, &path]);
            }
            Fault::None
        });
        let run = cloud.run_at(proxy.address, &world, "coordinator", PUBLISH);
        drop(proxy);
        assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains("with other bytes"), "{}", run.stderr);
        assert_eq!(kept(&there), b"another account's");
        let is_aside = |it: &String| it.contains("/uploads/");
        assert!(!cloud.own(&["list", "public"]).iter().any(is_aside), "it is taken away");
        cloud.own(&["delete", "public", &there]);
    }
    // A list that is not ours, and one that is older than the one there.
    put("one/two/index.json", b"{}");
    cloud.refused(&world, PUBLISH, 1, "not an index of this ceremony");
    cloud.own(&["delete", "public", "one/two/index.json"]);
    cloud.ok(&world, "coordinator", PUBLISH);
    let old = fs::read(world.shared("index.json")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100)); // it names seconds
    cloud.ok(&world, "coordinator", PUBLISH);
    // One that is replaced between the look and the writing.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let (owner, path) = (cloud.as_owner(), other.display().to_string());
    fs::write(&other, b"{}").unwrap();
    let proxy = Proxy::start(cloud.address, move |method, asked| {
        if method == "PUT" && asked.replace("%2E", ".").ends_with("index.json") {
            owner(&["put", "public", "one/two/index.json", &path]);
        }
        Fault::None
    });
    let run = cloud.run_at(proxy.address, &world, "coordinator", PUBLISH);
    drop(proxy);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert_eq!(kept("one/two/index.json"), b"{}");
    cloud.own(&["delete", "public", "one/two/index.json"]);
    cloud.ok(&world, "coordinator", PUBLISH);
    fs::write(world.shared("index.json"), old).unwrap();
    let line = "ceremony publish shared URLpublic/one/two";
    cloud.refused(&world, line, 2, "was not signed before this one");
    wrong_credentials(&cloud, &world);
}

fn wrong_credentials(cloud: &Cloud, world: &World) {
    let mut environment = cloud.environment(&format!("http://{}", cloud.address));
    match cloud.vendor {
        Vendor::Azure => environment[1].1 = WRONG_KEY.into(),
        Vendor::Google => {
            account_key(cloud.kept.path(), "wrong");
            environment[0].1 = cloud.kept.path().join("wrong.json").display().to_string();
        }
    }
    let line = PUBLISH.replace("URL", &format!("{}://", cloud.scheme()));
    let line = format!("{line} --store-patience 1");
    let said = run(world, "coordinator", &line, environment);
    assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
    assert!(said.stderr.contains("check the credentials"), "{}", said.stderr);
    for secret in [WRONG_KEY, KEY, "SharedKey", "Bearer", "PRIVATE KEY"] {
        assert!(!(said.stdout.clone() + &said.stderr).contains(secret), "{secret}");
    }
    // Without TLS, this machine's own servers only.
    let far = cloud.environment("http://192.0.2.1");
    let named = &far.last().unwrap().0.clone();
    let said = run(world, "coordinator", &line, far);
    assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
    assert!(said.stderr.contains("without TLS") && said.stderr.contains(named), "{}", said.stderr);
}

#[test]
fn azure_keeps_what_is_there_with_other_bytes() {
    what_does_not_fit(Vendor::Azure);
}

#[test]
fn google_keeps_what_is_there_with_other_bytes() {
    what_does_not_fit(Vendor::Google);
}

#[test]
fn a_copy_that_azure_has_only_begun_counts_when_its_bytes_are_there() {
    let cloud = Cloud::start(Vendor::Azure);
    cloud.create("public");
    let world = with_large_file();
    // As long as the copy goes on, its size is right and its bytes are others.
    let looks = Arc::new(AtomicUsize::new(usize::MAX));
    let left = looks.clone();
    let proxy = Proxy::start(cloud.address, move |method, asked| {
        let is_copy = method == "GET" && asked.replace("%2F", "/").contains("evidence/large.bin");
        let is_pending = |left: usize| left.checked_sub(1);
        let goes_on = || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, is_pending).is_ok();
        if is_copy && goes_on() { Fault::FlipAnswer(9 << 20) } else { Fault::None }
    });
    let is_aside = |it: &String| it.contains("/uploads/");
    for _ in 0..2 {
        let line = format!("{PUBLISH} --store-patience 1");
        let run = cloud.run_at(proxy.address, &world, "coordinator", &line);
        assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains("has not copied an upload yet"), "{}", run.stderr);
        let there = cloud.own(&["list", "public"]);
        assert!(there.iter().any(is_aside), "the copy needs what it is made of: {there:?}");
        assert!(!there.contains(&"one/two/index.json".to_owned()), "{there:?}");
    }
    looks.store(2, Ordering::SeqCst);
    let run = cloud.run_at(proxy.address, &world, "coordinator", PUBLISH);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(looks.load(Ordering::SeqCst), 0, "it was waited for");
    let there = cloud.own(&["list", "public"]);
    assert!(!there.iter().any(is_aside), "{there:?}");
}
