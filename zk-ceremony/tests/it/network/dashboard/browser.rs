//! The dashboard in a real browser: Chromium, driven by playwright-core.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ceremony_folder::drand::QUICKNET;
use serde_json::{Value, json};
use zk_attest::primitives::Timestamp;

use super::super::party::Party;
use super::super::{Net, wait_until};
use super::faults::{TEXTS, renamed};
use super::is_refused;

const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "dave"];

fn ci() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci")
}

/// The script that drives the browser, with what it is to do.
fn script(net: &Net, what: &str, name: &str) -> Child {
    for module in ["playwright-core", "axe-core"] {
        let path = ci().join("node_modules").join(module);
        assert!(path.exists(), "{module} is not installed: ./ci/test.sh installs it");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/network/dashboard");
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard");
    std::fs::create_dir_all(&pictures).unwrap();
    Command::new("node")
        .arg(script.join("browser.mjs"))
        .args([what, &net.origin, name])
        .arg(pictures)
        .env("PEERS", ci())
        .env("HOME", net.world.path("coordinator", ""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node is not installed: ./ci/test.sh installs it")
}

/// What it found, which must be nothing bad.
#[track_caller]
fn found(mut script: Child) -> Value {
    let mut said = String::new();
    script.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    ended(script, &said)
}

#[track_caller]
fn ended(script: Child, said: &str) -> Value {
    let output = script.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|_| panic!("{said}\n{errors}"))
}

/// Looks at the page in each way in which people look at it.
#[track_caller]
fn look(net: &Net, scene: &str) {
    let found = found(script(net, "look", scene));
    assert_eq!(found["looks"], 3, "{found}");
    for problem in ["violations", "console", "requests", "differences", "unreached", "unseen"] {
        assert_eq!(found[problem], json!([]), "{scene}: {found:#}");
    }
    assert!(found["stops"].as_u64().unwrap() > 10, "{found}");
}

#[test]
fn hostile_names_are_text_in_a_browser_too_when_the_page_comes_and_when_it_changes() {
    let people = ["a", "b", "c", "d", "e", "f"];
    let long = "漢W".repeat(60);
    let names: Vec<String> = TEXTS.iter().map(|it| (*it).to_owned()).chain([long]).collect();
    let mut net = Net::with_rules(&people, |toml| renamed(toml, &people, &names));
    net.serve_without_end("--turn 600");
    let parties = people.map(|who| Party::new(&net, who));
    let mut hostile = script(&net, "hostile", &json!(names).to_string());
    let mut lines = BufReader::new(hostile.stdout.take().unwrap()).lines();
    let ready = lines.next();
    assert!(matches!(&ready, Some(Ok(line)) if line == "ready"), "{ready:?}");
    // What changes comes by events, and becomes part of the page.
    parties[0].turn();
    for party in &parties[1..] {
        assert_eq!(party.post("/v1/queue", &json!({})).status, 200);
    }
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let found = ended(hostile, &rest.join("\n"));
    for problem in ["violations", "console", "requests", "differences"] {
        assert_eq!(found[problem], json!([]), "{problem}: {found:#}");
    }
    assert_eq!(found["looks"], 2, "before and after: {found}");
}

/// Rules whose beacons are rounds of drand in some days.
fn in_days(toml: String) -> String {
    let now = Timestamp::now().unix();
    let round = |days: u64| QUICKNET.first_round_after(&Timestamp::from_unix(now + days * 86_400));
    [("100", 2), ("200", 9)].iter().fold(toml, |toml, (old, days)| {
        let old = format!("source = \"a chain\"\nround = {old}\n");
        let new = format!("drand = \"quicknet\"\nround = {}\n", round(*days));
        assert!(toml.contains(&old));
        toml.replacen(&old, &new, 1)
    })
}

#[test]
fn the_page_can_be_read_by_anyone_and_follows_the_ceremony_by_itself() {
    let mut net = Net::with_rules(&PEOPLE, in_days);
    std::fs::create_dir(net.world.path("dana", "")).unwrap();
    net.world.ok("dana", "key new key.pem");
    net.serve_without_end(&format!("--turn 600 --auditor {}", net.world.public_key("dana")));
    look(&net, "empty");

    // A contribution comes while a browser looks.
    let mut live = script(&net, "live", "alice");
    let mut lines = BufReader::new(live.stdout.take().unwrap()).lines();
    let ready = lines.next();
    assert!(
        matches!(&ready, Some(Ok(line)) if line == "ready"),
        "{ready:?}\n{:?}",
        live.wait_with_output()
    );
    net.join("alice", "--phase 1").ok();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let found = ended(live, &rest.join("\n"));
    assert_eq!(found["same"], true, "the page was loaded again: {found}");
    assert_eq!(found["open"], true, "what was open was closed: {found}");
    assert_eq!(found["focused"], true, "the focus was lost: {found}");
    assert_eq!((&found["console"], &found["requests"]), (&json!([]), &json!([])), "{found}");
    let said = found["said"].as_array().unwrap();
    assert!((1..=4).contains(&said.len()), "a screen reader is told: {found}");

    // In the middle: one has contributed, one has the turn, one waits, and one verifies.
    let line = format!(
        "ceremony mirror {} mirror --rules {} --verify --as Dana --key key.pem",
        net.origin, net.rules
    );
    let mirror = net.spawn("dana", &line);
    let (bob, carol) = (Party::new(&net, "bob"), Party::new(&net, "carol"));
    bob.turn();
    assert_eq!(carol.post("/v1/queue", &json!({})).status, 200);
    assert_eq!(carol.send("GET", "/v1/queue", &[], b"").json()["state"], "waiting");
    wait_until("both steps are verified", || net.events_of("verdict").len() >= 2);
    look(&net, "middle");
    assert_eq!(bob.send("DELETE", "/v1/turn", &[], b"").status, 204);
    assert_eq!(carol.send("DELETE", "/v1/queue", &[], b"").status, 204);
    assert_eq!(bob.send("DELETE", "/v1/queue", &[], b"").status, 204);

    is_refused(&net, "dave");
    look(&net, "refused");
    drop(mirror);
}

#[test]
fn a_closed_ceremony_can_be_read_by_anyone_too() {
    let mut net = Net::new(&PEOPLE[..3]);
    std::fs::create_dir(net.world.path("dana", "")).unwrap();
    net.world.ok("dana", "key new key.pem");
    let auditor = net.world.public_key("dana");
    net.serve_unattended(&format!("--stay --auditor {auditor}"));
    let line = format!(
        "ceremony mirror {} mirror --rules {} --verify --as Dana --key key.pem",
        net.origin, net.rules
    );
    let mirror = net.spawn("dana", &line);
    let parties: Vec<_> = PEOPLE[..3].iter().map(|who| net.join(who, "")).collect();
    parties.into_iter().for_each(|party| drop(party.ok()));
    wait_until("the bundle is made", || net.world.shared("bundle.json").exists());
    mirror.ok();
    wait_until("the page shows it", || super::page(&net).contains("nothing is left to be done"));
    look(&net, "closed");
}
