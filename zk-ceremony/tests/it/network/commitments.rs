//! Ceremonies whose participants commit to their secrets before the first contribution of a phase.

use std::fs;

use ceremony_core::commit::{KeptSeed, Opening, SEED_BYTES};
use ceremony_folder::commitment::Commitment;
use ceremony_folder::{Ceremony, Track};
use serde_json::{Value, json};
use zk_attest::digest::FileDigest;
use zk_attest::envelope::Envelope;
use zk_attest::primitives::Label;
use zk_attest::statement::{Action, Phase, Sha256Hex, Statement, Subject};

use super::http::{Answer, send};
use super::party::{JSON, Party, is, sign};
use super::{Net, Running, names, wait_until};
use crate::kit::ceremony::World;

pub(super) const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

/// The rule, in rules that need this many contributions.
pub(super) fn asked(toml: &str, minimum: usize) -> String {
    toml.replacen("phase1 = 3", &format!("phase1 = {minimum}"), 1)
        .replacen("phase2 = 3", &format!("phase2 = {minimum}"), 1)
        .replacen("\n[beacon.phase1]", "\n[commitments]\nsecrets = true\n\n[beacon.phase1]", 1)
}

pub(super) fn net(minimum: usize) -> Net {
    Net::with_rules(&PEOPLE, |toml| asked(&toml, minimum))
}

pub(super) fn opening() -> Opening {
    KeptSeed::draw(vec![0; SEED_BYTES], b"").unwrap().phase1_opening().unwrap()
}

/// A commitment to phase 1, signed by its maker.
pub(super) fn commitment(net: &Net, who: &str, opening: &Opening) -> Commitment {
    let ceremony = Ceremony::open(&net.world.shared("")).unwrap();
    let openings = [(Track::Phase1, opening.clone())];
    let (name, key) = (Label::new(who).unwrap(), net.world.public_key(who));
    let tool = Label::new("a test").unwrap();
    Commitment::new(&ceremony, Phase::One, (&name, &key), &openings, tool)
}

pub(super) fn signed(net: &Net, who: &str, said: &Commitment) -> Envelope {
    let subject = Subject::new("ceremony.toml", said.ceremony_toml_sha256.as_bytes()).unwrap();
    let statement = Statement { subject: vec![subject], predicate: said.clone() };
    let mut envelope = statement.to_envelope().unwrap();
    sign(net, who, &mut envelope);
    envelope
}

pub(super) fn post(net: &Net, envelope: &Envelope) -> Answer {
    let body = serde_json::to_vec(&json!({ "envelope": envelope })).unwrap();
    send(net.address, "POST", "/v1/statements", &[JSON], &body)
}

pub(super) fn kept(net: &Net) -> Vec<String> {
    let folder = net.world.shared("commitments");
    let mut kept = if folder.exists() { names(&folder) } else { Vec::new() };
    // Those that are being written have other names.
    kept.retain(|name| name.ends_with(".dsse.json") && !name.starts_with('.'));
    kept
}

/// The journal's events about commitments and contributions, as `TYPE WHO`, without what comes
/// twice.
pub(super) fn order(net: &Net) -> Vec<String> {
    let shown = |event: Value| {
        let kind = event["type"].as_str()?;
        let who = event["participant"].as_str().unwrap_or("-");
        match kind {
            "committed" => Some(format!("committed {}", event["phase"])),
            "commitment-round" => Some(format!("round {} of {}", event["round"], event["phase"])),
            "commitments-closed" => Some(format!("closed {}", event["phase"])),
            "unopened" => Some(format!("unopened {} {who}", event["phase"])),
            "step" if event["action"] == "contribution" => {
                Some(if event["circuit"].is_null() { "step 1" } else { "step 2" }.to_owned())
            }
            _ => None,
        }
    };
    let mut order: Vec<String> = net.events().into_iter().filter_map(shown).collect();
    order.dedup();
    order
}

fn report(world: &World) -> Value {
    serde_json::from_slice(&fs::read(world.shared("report.json")).unwrap()).unwrap()
}

/// The files whose checks have this number.
fn checked(report: &Value, number: u64) -> Vec<String> {
    let files = report["files"].as_array().unwrap().iter();
    let has = |file: &&Value| {
        file["checks"].as_array().unwrap().iter().any(|check| check["number"] == number)
    };
    files.filter(has).map(|file| file["file"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn fails(world: &World, words: &str) {
    let run = world.run("coordinator", "ceremony verify shared --read-only");
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains(words), "{}", run.stderr);
}

#[test]
fn everybody_commits_before_the_first_contribution_and_each_contribution_opens_it() {
    let mut net = net(3);
    net.serve_unattended("");
    let parties: Vec<Running> = PEOPLE.iter().map(|who| net.join(who, "--approve")).collect();
    for party in parties {
        let said = party.ok();
        assert!(said.contains("you have committed to your secrets of phase 2"), "{said}");
    }
    net.service.take().unwrap().ok();
    let expected = ["committed 1", "closed 1", "step 1", "committed 2", "closed 2", "step 2"];
    assert_eq!(order(&net), expected, "{}", net.journal_text());
    assert_eq!(kept(&net).len(), 6);
    let world = &net.world;
    let said = world.ok("coordinator", "ceremony verify shared");
    for line in
        ["Phase 1: check 12: 3 contributions open", "Phase 2: check 13: 3 contributions open"]
    {
        assert!(said.contains(line), "{said}");
    }
    let report = report(world);
    let of = |folder: &str, ending: &str| {
        (1..=3).map(|n| format!("{folder}/000{n}.{ending}")).collect::<Vec<_>>()
    };
    // Check 12 of phase 2 is another one, which words as beacons do not have.
    assert_eq!(checked(&report, 12), of("phase1", "ptau"));
    assert_eq!(checked(&report, 13), of("circuits/main", "zkey"));
    let page = fs::read_to_string(world.shared("report.html")).unwrap();
    assert!(page.contains("<h2>Commitments</h2>") && !page.contains("NOT OPENED"), "{page}");
    let entropy = report["chains"][0]["steps"][1]["entropy"].as_str().unwrap();
    assert!(entropy.contains("committed to before the phase"), "{entropy}");

    // The same folder, without what shows it.
    let journal = fs::read(world.shared("journal.jsonl")).unwrap();
    let head = fs::read(world.shared("journal.head.dsse.json")).unwrap();
    fs::remove_file(world.shared("journal.jsonl")).unwrap();
    fs::remove_file(world.shared("journal.head.dsse.json")).unwrap();
    fails(world, "nothing shows that the commitments came before the contributions");
    fs::write(world.shared("journal.jsonl"), journal).unwrap();
    fs::write(world.shared("journal.head.dsse.json"), head).unwrap();
    let alices = format!(
        "commitments/1.{}.dsse.json",
        world.public_key("alice").fingerprint().replace(' ', "")
    );
    let good = fs::read(world.shared(&alices)).unwrap();
    fs::remove_file(world.shared(&alices)).unwrap();
    fails(world, "alice did not commit to the secrets of this contribution");
    // Another one that alice signs: it is opened by other points, and the journal has not told of
    // it.
    let other = signed(&net, "alice", &commitment(&net, "alice", &opening()));
    fs::write(world.shared(&alices), other.to_json()).unwrap();
    fails(world, "the contribution does not open the commitment of alice");
    fs::write(world.shared(&alices), good).unwrap();
    world.ok("coordinator", "ceremony verify shared --read-only");
}

#[test]
fn who_commits_and_does_not_contribute_is_passed_over_and_named() {
    let mut net = net(2);
    net.serve_unattended("--close-after 1");
    // Carol's process ends after her commitment, and with it her secrets.
    let carol = net.join("carol", "");
    wait_until("carol has committed", || kept(&net).len() == 1);
    carol.kill();
    let again = net.join("carol", "").end();
    assert_eq!(again.code, 2, "{}", again.stderr);
    assert!(again.stderr.contains("they are gone"), "{}", again.stderr);
    let parties: Vec<Running> =
        ["alice", "bob"].iter().map(|who| net.join(who, "--phase 1")).collect();
    for party in parties {
        party.ok();
    }
    wait_until("phase 1 is closed without her", || {
        net.events_of("unopened").len() == 1 && net.world.shared("phase1/prepared.ptau").exists()
    });
    assert_eq!(net.events_of("unopened")[0]["participant"], "carol");
    let status = net.world.ok("coordinator", "ceremony status shared");
    let named = status.lines().find(|line| line.contains("carol") && line.contains("NOT OPENED"));
    assert!(named.is_some(), "{status}");
    drop(net.service.take());
    let said = net.world.ok("coordinator", "ceremony verify shared");
    assert!(said.contains("NOT OPENED: carol"), "{said}");
    let page = fs::read_to_string(net.world.shared("report.html")).unwrap();
    assert!(page.contains("NOT OPENED"), "{page}");
    // For phase 2, she may commit anew.
    let before = order(&net);
    assert_eq!(before, ["committed 1", "closed 1", "step 1", "unopened 1 carol"]);
}

#[test]
fn a_commitment_after_the_round_is_refused_and_so_is_a_turn_without_one() {
    let mut net = net(2);
    net.serve_without_end("--commit-within 6");
    let parties: Vec<Running> =
        ["alice", "bob"].iter().map(|who| net.join(who, "--phase 1")).collect();
    for party in parties {
        party.ok();
    }
    let late = net.join("carol", "--phase 1").end();
    assert_eq!(late.code, 1, "{}", late.stderr);
    assert!(late.stderr.contains("takes no commitment any more"), "{}", late.stderr);
    // And by somebody who asks for a turn all the same.
    let carol = Party::new(&net, "carol");
    assert_eq!(carol.post("/v1/queue", &json!({})).status, 200);
    let standing = carol.send("GET", "/v1/queue", &[], b"").json();
    assert_eq!(standing["state"], "done", "{standing}");
    assert_eq!(order(&net), ["committed 1", "closed 1", "step 1"]);
}

#[test]
fn the_service_takes_one_commitment_of_each_and_no_other_document() {
    let mut net = net(3);
    net.serve_without_end("");
    let good = commitment(&net, "alice", &opening());
    let envelope = signed(&net, "alice", &good);
    for (answer, expected) in [
        (post(&net, &signed(&net, "bob", &good)), (422, "broken")),
        (
            post(
                &net,
                &signed(
                    &net,
                    "bob",
                    &Commitment { key: net.world.public_key("bob"), ..good.clone() },
                ),
            ),
            (422, "not-in-roster"),
        ),
        (
            post(&net, &signed(&net, "alice", &Commitment { chains: vec![], ..good.clone() })),
            (422, "broken"),
        ),
    ] {
        assert_eq!(answer.status, expected.0, "{answer:?}");
    }
    assert_eq!(kept(&net).len(), 0);
    // The same one may come again, another one not.
    for _ in 0..2 {
        let answer = post(&net, &envelope);
        assert!(matches!(answer.status, 200..=204), "{answer:?}");
    }
    let second = post(&net, &signed(&net, "alice", &commitment(&net, "alice", &opening())));
    assert_eq!(second.refusal(), is((422, "committed-already")), "{second:?}");
    assert_eq!(kept(&net).len(), 1);
    assert_eq!(net.events_of("committed").len(), 1);
    // Nobody gets a turn before the round is over.
    let alice = Party::new(&net, "alice");
    assert_eq!(alice.post("/v1/queue", &json!({})).status, 200);
    let standing = alice.send("GET", "/v1/queue", &[], b"").json();
    assert_eq!(standing["state"], "waiting", "{standing}");
    // It goes on where it was, also after a crash.
    net.kill_service();
    net.serve_without_end("");
    assert_eq!(net.events_of("committed").len(), 1);
    for who in ["bob", "carol"] {
        let answer = post(&net, &signed(&net, who, &commitment(&net, who, &opening())));
        assert!(matches!(answer.status, 200..=204), "{answer:?}");
    }
    assert_eq!(order(&net), ["committed 1", "closed 1"]);
}

#[test]
fn a_contribution_with_other_secrets_than_those_committed_to_is_refused() {
    let mut net = net(3);
    net.serve_without_end("");
    for who in PEOPLE {
        let answer = post(&net, &signed(&net, who, &commitment(&net, who, &opening())));
        assert!(matches!(answer.status, 200..=204), "{answer:?}");
    }
    let alice = Party::new(&net, "alice");
    let turn = alice.turn();
    let world = &net.world;
    world.carry("coordinator", "alice");
    world.ok(
        "alice",
        "ptau contribute shared/phase1/0000.ptau shared/phase1/0001.ptau --name alice",
    );
    let data = world.read("alice", "shared/phase1/0001.ptau");
    let info = world.ok("alice", "ptau info shared/phase1/0001.ptau --json");
    let info: Value = serde_json::from_str(&info).unwrap();
    let hash = info["contributions"][0]["contribution_hash"].clone();
    let start = FileDigest::of(&world.read("alice", "shared/phase1/0000.ptau"));
    let opened = world.read("alice", "shared/phase1/0000.dsse.json");
    world.write("alice", "shared/phase1/0001.dsse.json", &opened);
    world.attest_again("alice", "shared/phase1/0001.dsse.json", "alice", |statement| {
        statement.subject[0].name = Label::new("0001.ptau").unwrap();
        statement.subject[0].digest.sha256 = Sha256Hex(FileDigest::of(&data).0);
        let said = &mut statement.predicate;
        (said.action, said.index) = (Action::Contribution, 1);
        said.participant = Label::new("alice").unwrap();
        said.input_sha256 = Some(start);
        said.contribution_hash = Some(serde_json::from_value(hash).unwrap());
    });
    let id = turn["id"].as_str().unwrap();
    let upload = alice.upload(id, &data);
    let attestation = world.read("alice", "shared/phase1/0001.dsse.json");
    let sent = alice.complete(id, &upload, &attestation);
    assert!(matches!(sent.status, 200..=204), "{sent:?}");
    let verdict = alice.verdict();
    assert_eq!(verdict["verdict"], "refused", "{verdict}");
    assert!(verdict.to_string().contains("does not open the commitment of alice"), "{verdict}");
    assert!(!world.shared("phase1/0001.ptau").exists());
    // By hand it is refused, too.
    let run = world.run("coordinator", "ceremony accept shared ../alice/shared/phase1");
    assert_ne!(run.code, 0);
    assert!(run.stderr.contains("does not open the commitment of alice"), "{}", run.stderr);
}

#[test]
fn commands_that_end_and_other_tools_are_refused_and_told_why() {
    let world = World::new(&["alice"], |toml| {
        asked(&toml.replace("phase1 = 1", "phase1 = 3").replace("phase2 = 1", "phase2 = 3"), 1)
    });
    let said = world.ok(
        "coordinator",
        "ceremony new shared --config ceremony.toml --circuit main=circuit.r1cs --key key.pem",
    );
    assert!(
        said.contains("contributions are made with `zk-ceremony ceremony join` only"),
        "{said}"
    );
    world.carry("coordinator", "alice");
    world.refused(
        "commitments_need_join",
        "alice",
        "ceremony contribute shared --as alice --key key.pem",
    );
    world.write("alice", "made.ptau", b"made with another tool");
    world.refused(
        "commitments_and_other_tools",
        "alice",
        "ceremony attest shared made.ptau --as alice --tool \"snarkjs 0.7.6\" --entropy dice \
         --destruction none --key key.pem",
    );
    let status = world.ok("coordinator", "ceremony status shared");
    assert!(status.contains("ceremony join URL --as \"alice\""), "{status}");
}
