//! Crashes between two writes: what folder and state say is in the journal once after a restart.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::send;
use super::party::{JSON, Party};
use super::{Net, names, wait_until};

/// Takes entries off the end of the journal, up to the first of a kind, as if they had not been
/// written yet.
fn forget_from(net: &Net, kind: &str) {
    let text = net.journal_text();
    let lines: Vec<&str> = text.lines().collect();
    let is_it = |line: &&str| {
        serde_json::from_str::<Value>(line).unwrap()["event"]["type"].as_str() == Some(kind)
    };
    let at = lines.iter().position(is_it).unwrap_or_else(|| panic!("no {kind}: {text}"));
    let kept: String = lines[..at].iter().map(|line| format!("{line}\n")).collect();
    fs::write(net.world.shared("journal.jsonl"), kept).unwrap();
}

fn copy(from: &Path, to: &Path) {
    for name in names(from) {
        let path = to.join(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(from.join(&name), path).unwrap();
    }
}

#[test]
fn a_turn_that_was_saved_and_not_noted_is_noted_once() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("");
    let turn = Party::new(&net, "alice").turn();
    net.kill_service();
    forget_from(&net, "granted");
    net.serve_without_end("");
    let granted = net.events_of("granted");
    assert_eq!(granted.len(), 1, "{}", net.journal_text());
    assert_eq!(granted[0]["turn"], turn["id"]);
    // The same for everything that came.
    let alice = Party::new(&net, "alice");
    let (data, attestation) = alice.contribution();
    let (data, attestation) =
        (net.world.read("alice", &data), net.world.read("alice", &attestation));
    let id = turn["id"].as_str().unwrap();
    let upload = alice.upload(id, &data);
    let folder = net.hold_folder();
    assert_eq!(alice.complete(id, &upload, &attestation).status, 202);
    net.kill_service();
    forget_from(&net, "received");
    drop(folder);
    net.serve_without_end("");
    wait_until("it is taken in", || net.contributions() == ["phase1 alice"]);
    for kind in ["granted", "received"] {
        assert_eq!(net.events_of(kind).len(), 1, "{}", net.journal_text());
    }
    net.kill_service();
    net.serve_without_end("");
    for kind in ["granted", "received", "step"] {
        let count = if kind == "step" { 2 } else { 1 };
        assert_eq!(net.events_of(kind).len(), count, "{}", net.journal_text());
    }
    net.world.ok("coordinator", "ceremony verify shared");
}

#[test]
fn a_turn_whose_end_is_noted_does_not_go_on() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("--turn 2");
    Party::new(&net, "alice").turn();
    let turn = fs::read(net.state("turn.json")).unwrap();
    wait_until("the turn runs out", || !net.events_of("expired").is_empty());
    net.kill_service();
    fs::write(net.state("turn.json"), turn).unwrap();
    net.serve_without_end("");
    assert!(net.turn().is_none());
    assert_eq!(net.events_of("expired").len(), 1, "{}", net.journal_text());
    net.join("bob", "--phase 1").ok();
    assert_eq!(net.events_of("granted").len(), 2, "{}", net.journal_text());
}

#[test]
fn a_turn_that_was_lost_with_the_services_folder_has_an_end() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("");
    let turn = Party::new(&net, "alice").turn();
    net.kill_service();
    fs::remove_file(net.state("turn.json")).unwrap();
    for _ in 0..2 {
        net.serve_without_end("");
        let ended = net.events_of("expired");
        assert_eq!(ended.len(), 1, "{}", net.journal_text());
        assert_eq!(ended[0]["turn"], turn["id"]);
        net.kill_service();
    }
}

#[test]
fn a_refusal_is_noted_once_however_often_it_is_found() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("");
    let alice = Party::new(&net, "alice");
    let turn = alice.turn();
    let (data, attestation) = alice.contribution();
    let mut data = net.world.read("alice", &data);
    data[3000] ^= 1;
    let attestation = net.world.read("alice", &attestation);
    let id = turn["id"].as_str().unwrap();
    let upload = alice.upload(id, &data);
    let folder = net.hold_folder();
    assert_eq!(alice.complete(id, &upload, &attestation).status, 202);
    let (state, kept) = (net.state(""), net.world.path("coordinator", "kept"));
    copy(&state, &kept);
    drop(folder);
    assert_eq!(alice.verdict()["verdict"], "refused");
    net.kill_service();
    // As it was after the line of the journal, and before the end of the turn.
    copy(&kept, &state);
    net.serve_without_end("");
    wait_until("the turn ends", || net.turn().is_none());
    assert_eq!(net.events_of("refused").len(), 1, "{}", net.journal_text());
    let alice = Party::new(&net, "alice");
    assert_eq!(alice.verdict()["verdict"], "refused");
}

#[test]
fn audits_and_approvals_that_are_there_and_not_noted_are_noted() {
    let mut net = Net::new(&["alice"]);
    fs::create_dir(net.world.path("dana", "")).unwrap();
    net.world.ok("dana", "key new key.pem");
    let auditor = format!("--auditor {} --stay", net.world.public_key("dana"));
    net.serve_unattended(&auditor);
    let (origin, rules) = (net.origin.clone(), net.rules.clone());
    let dana = net.spawn(
        "dana",
        &format!(
            "ceremony mirror {origin} mirror --rules {rules} --verify --as Dana --key key.pem \
             --approve"
        ),
    );
    net.join("alice", "--approve").ok();
    dana.ok();
    let of = |net: &Net, kind: &str, field: &str| {
        let mut found: Vec<String> =
            net.events_of(kind).iter().map(|it| it[field].as_str().unwrap().to_owned()).collect();
        found.sort();
        found
    };
    let (verdicts, approvals) = (of(&net, "verdict", "document"), of(&net, "approval", "key"));
    assert!(verdicts.len() > 5 && approvals.len() == 2, "{}", net.journal_text());
    net.kill_service();
    forget_from(&net, "verdict");
    for _ in 0..2 {
        net.serve_unattended(&auditor);
        assert_eq!(of(&net, "verdict", "document"), verdicts, "{}", net.journal_text());
        assert_eq!(of(&net, "approval", "key"), approvals, "{}", net.journal_text());
        net.kill_service();
    }
    // A signature that is none is refused without waiting for the folder.
    net.serve_unattended(&auditor);
    let folder = net.hold_folder();
    let begun = Instant::now();
    let key = net.world.public_key("alice").to_string();
    let junk = json!({ "key": key, "signature": "00".repeat(64) }).to_string();
    let answer = send(net.address, "POST", "/v1/approvals", &[JSON], junk.as_bytes());
    assert_eq!(answer.status, 422, "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(20), "it waits for the folder");
    drop(folder);
    net.kill_service();
    net.world.ok("coordinator", "ceremony verify shared");
}

#[test]
fn a_folder_that_a_service_holds_is_refused_to_another_one() {
    let mut net = Net::new(&["alice"]);
    net.serve_without_end("");
    let another = net.spawn(
        "coordinator",
        "ceremony serve shared --listen 127.0.0.1:0 --origin http://127.0.0.1:1 --key key.pem \
         --state another",
    );
    let run = another.end();
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("another service holds this ceremony"), "{}", run.stderr);
    let openings = net.events_of("opened").len() + net.events_of("restarted").len();
    assert_eq!(openings, 1, "{}", net.journal_text());
    net.join("alice", "--phase 1").ok();
    net.kill_service();
    net.serve_without_end("--state another");
}
