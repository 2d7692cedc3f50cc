//! Files that no chain reaches: named, never signed over, in nobody's way. The story of a finished
//! ceremony that one stray file and the command that `status` advised destroyed, step by step.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zk_attest::primitives::{BeaconValue, Label};
use zk_attest::statement::Action;

use crate::kit::ceremony::{VALUE, World, copy, files};

const OTHER: &str = "ff02030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";

fn text(text: &str) -> Label {
    Label::new(text).unwrap()
}

/// Two of three contribute; carol is the one who comes late.
fn three() -> World {
    let world = World::new(&["alice", "bob", "carol"], |toml| {
        toml.replace("phase1 = 3", "phase1 = 2").replace("phase2 = 3", "phase2 = 2")
    });
    world.open();
    world
}

/// Carol's contribution, made on the folder as it is now, and kept on her machine.
fn carol_begins(world: &World) {
    world.carry("coordinator", "carol");
    world.ok("carol", "ceremony contribute shared --as carol --key key.pem");
}

/// Someone copies a step's two files from a machine into the coordinator's folder.
fn hand_in(world: &World, who: &str, step: &str, data: &str) {
    for ending in [data, "dsse.json"] {
        let name = format!("{step}.{ending}");
        fs::copy(world.path(who, &format!("shared/{name}")), world.shared(&name)).unwrap();
    }
}

/// What `verify` says of a folder with strays: it holds, and the stray is named.
#[track_caller]
fn holds_and_names(world: &World, words: &str) {
    let run = world.run("coordinator", "ceremony verify shared --read-only");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    let status = world.ok("coordinator", "ceremony status shared");
    assert!(status.contains(words), "{words}: {status}");
}

/// A rejection that must be refused, and change nothing.
#[track_caller]
fn not_rejected(world: &World, step: &str, words: &str) {
    let before = files(&world.shared(""));
    let line = format!("ceremony reject shared {step} --reason bad --key key.pem");
    let run = world.run("coordinator", &line);
    assert!(run.code != 0 && run.stderr.contains(words), "{step}: {}", run.stderr);
    assert!(files(&world.shared("")) == before, "{line} changes something");
}

#[test]
fn a_late_file_takes_nothing_out_of_a_ceremony_from_phase_1_to_its_approved_end() {
    let world = three();
    world.contribute("alice");
    world.contribute("bob");
    carol_begins(&world);
    world.beacon();
    hand_in(&world, "carol", "phase1/0003", "ptau");
    holds_and_names(&world, "late: carol signed it");
    not_rejected(&world, "3", "not a step");
    not_rejected(&world, "2", "a beacon is built on this step");
    not_rejected(&world, "1", "a beacon is built on this step");
    // Preparation is not bypassed by it, nor hindered.
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    holds_and_names(&world, "late: carol signed it");
    not_rejected(&world, "final", "phase 1 is prepared");
    not_rejected(&world, "3", "not a step");

    world.contribute("alice");
    world.contribute("bob");
    carol_begins(&world);
    world.beacon();
    // The coordinator's word on the last step, from a copy in which nothing was finished yet.
    copy(&world.shared(""), &world.path("coordinator", "copy"));
    let line = "ceremony reject copy final --circuit main --reason bad --key key.pem";
    world.ok("coordinator", line);

    world.ok("coordinator", "ceremony keygen shared");
    world.ok("coordinator", "ceremony verify shared");
    world.ok("coordinator", "bundle create shared --serial 1 --not-after 2099-12-31T23:59:59Z");
    let run = world.run("coordinator", "ceremony verify shared --read-only --finished");
    assert!(run.code == 1 && run.stderr.contains("nobody has approved"), "{}", run.stderr);
    world.ok("coordinator", "bundle sign shared/bundle.json --yes --key key.pem");
    let finished = "ceremony verify shared --read-only --finished";
    world.ok("coordinator", finished);
    let before = fs::read(world.shared("transcript.json")).unwrap();

    hand_in(&world, "carol", "circuits/main/0003", "zkey");
    holds_and_names(&world, "late: carol signed it");
    world.ok("coordinator", finished);
    not_rejected(&world, "3 --circuit main", "not a step");
    not_rejected(&world, "2 --circuit main", "a beacon is built on this step");
    not_rejected(&world, "final --circuit main", "bundle.json holds this step");
    fs::copy(
        world.path("coordinator", "copy/circuits/main/final.reject.dsse.json"),
        world.shared("circuits/main/final.reject.dsse.json"),
    )
    .unwrap();
    holds_and_names(&world, "takes nothing out: bundle.json holds the file");
    world.ok("coordinator", finished);

    // Out of the way, and nothing else moves.
    let told = world.ok("coordinator", "ceremony tidy shared");
    assert!(told.contains("strays/phase1/0003.ptau"), "{told}");
    assert!(world.shared("strays/circuits/main/final.reject.dsse.json").exists());
    assert!(!world.shared("phase1/0003.ptau").exists());
    let run = world.run("coordinator", finished);
    assert!(run.code == 0 && !run.stderr.contains("stray"), "{}", run.stderr);
    assert_eq!(fs::read(world.shared("transcript.json")).unwrap(), before);
    assert!(world.ok("coordinator", "ceremony tidy shared").contains("nothing to move"));
}

#[test]
fn a_twin_is_called_a_twin_and_is_moved_for_the_step_that_needs_its_name() {
    let world = World::new(&["alice", "bob", "carol"], |toml| {
        toml.replace("power = 4\n", "power = 4\norder = \"any\"\n")
    });
    world.open();
    world.contribute("alice");
    carol_begins(&world);
    world.contribute("bob");
    // Carol's second step comes second, and is given the next free number by hand.
    for ending in ["ptau", "dsse.json"] {
        let from = world.path("carol", &format!("shared/phase1/0002.{ending}"));
        fs::copy(from, world.shared(&format!("phase1/0003.{ending}"))).unwrap();
    }
    holds_and_names(&world, "twin of step 0002 by bob: carol signed it");
    world.contribute("carol");
    assert!(world.path("carol", "shared/strays/phase1/0003.ptau").exists());
    let status = world.ok("carol", "ceremony status shared");
    assert!(status.contains("3 contributions of at least 3"), "{status}");
    world.ok("carol", "ceremony verify shared --read-only");
}

#[test]
fn garbage_under_the_name_of_a_step_harms_nothing() {
    let world = World::finished();
    world.ok("coordinator", "ceremony verify shared");
    let before = fs::read(world.shared("transcript.json")).unwrap();
    fs::write(world.shared("phase1/0009.ptau"), b"no data").unwrap();
    fs::write(world.shared("phase1/0008.dsse.json"), b"{}").unwrap();
    for ending in ["zkey", "dsse.json"] {
        let name = |step: &str| world.shared(&format!("circuits/main/{step}.{ending}"));
        fs::copy(name("0002"), name("0002-2")).unwrap();
        fs::copy(name("0001"), name("0004")).unwrap();
    }
    // A prepared file of a circuit, and a beacon that a participant signs.
    for (from, to) in [("final", "prepared"), ("final", "final-2")] {
        for ending in ["zkey", "dsse.json"] {
            let name = |step: &str| world.shared(&format!("circuits/main/{step}.{ending}"));
            fs::copy(name(from), name(to)).unwrap();
        }
    }
    world.again("circuits/main/final-2.dsse.json", "alice", |s| {
        (s.predicate.participant, s.subject[0].name) = (text("alice"), text("final-2.zkey"));
        s.subject[0].digest.sha256 = zk_attest::statement::Sha256Hex([7; 32]);
    });
    for words in [
        "0009.ptau: not a step of this chain",
        "0008.dsse.json: not a step of this chain",
        "0002-2.zkey: a copy of step 0002",
        "0004.zkey: a copy of step 0001",
        "prepared.zkey: a copy of step final",
        "final-2.zkey: not a step of this chain",
    ] {
        holds_and_names(&world, words);
    }
    world.ok("coordinator", "ceremony verify shared");
    assert_eq!(fs::read(world.shared("transcript.json")).unwrap(), before);
    world.ok("coordinator", "ceremony tidy shared");
    assert!(world.shared("strays/phase1/0009.ptau").exists());
    world.ok("coordinator", "ceremony verify shared");
}

#[test]
fn a_rejection_that_vanished_is_missed() {
    let world = World::finished();
    let shared = |name: &str| world.shared(&format!("circuits/main/{name}"));
    fs::remove_file(shared("final.zkey")).unwrap();
    fs::remove_file(shared("final.dsse.json")).unwrap();
    world.ok("coordinator", "ceremony reject shared 2 --circuit main --reason bad --key key.pem");
    world.contribute("bob");
    world.ok("coordinator", "ceremony verify shared --read-only");
    copy(&world.shared(""), &world.path("coordinator", "renamed"));
    // The evidence is deleted: the second attempt says that there was a first.
    for name in ["0002.zkey", "0002.dsse.json", "0002.reject.dsse.json"] {
        fs::remove_file(shared(name)).unwrap();
    }
    for line in [
        "ceremony verify shared".to_owned(),
        "ceremony status shared".to_owned(),
        format!("ceremony beacon shared --value {VALUE} --key key.pem"),
    ] {
        let run = world.run("coordinator", &line);
        assert!(
            run.code == 1 && run.stderr.contains("0002.reject.dsse.json"),
            "{line}: {}",
            run.stderr
        );
    }
    // Another name does not help.
    let renamed = |name: &str| world.path("coordinator", &format!("renamed/circuits/main/{name}"));
    for ending in ["zkey", "dsse.json"] {
        let (from, to) = (format!("0002-2.{ending}"), format!("0002-7.{ending}"));
        fs::rename(renamed(&from), renamed(&to)).unwrap();
    }
    let run = world.run("coordinator", "ceremony verify renamed");
    assert!(run.code == 1 && run.stderr.contains("0002-2.zkey"), "{}", run.stderr);
}

#[test]
fn after_a_rejected_beacon_only_another_value_of_the_next_round_closes_the_chain() {
    let world = World::finished();
    let line = "ceremony reject shared final --circuit main --reason typo --key key.pem";
    let told = world.ok("coordinator", line);
    assert!(told.contains("round 201"), "{told}");
    let status = world.ok("coordinator", "ceremony status shared");
    assert!(status.contains("waits for a beacon") && status.contains("round 201"), "{status}");
    let beacon = |value: &str| {
        world.run("coordinator", &format!("ceremony beacon shared --value {value} --key key.pem"))
    };
    let again = beacon(VALUE);
    assert!(again.code != 0 && again.stderr.contains("which was rejected"), "{}", again.stderr);
    let other = beacon(OTHER);
    assert_eq!(other.code, 0, "{}", other.stderr);
    world.ok("coordinator", "ceremony verify shared");
    // A reader refuses the same value too, and the planned round a second time.
    let value = BeaconValue::new(&hex::decode(VALUE).unwrap()).unwrap();
    copy(&world.shared(""), &world.path("coordinator", "kept"));
    let refused = |words: &str| {
        let run = world.run("coordinator", "ceremony verify shared --read-only");
        assert!(run.code == 1 && run.stderr.contains(words), "{words}: {}", run.stderr);
    };
    fs::remove_file(world.shared("transcript.json")).unwrap();
    world.again("circuits/main/final-2.dsse.json", "coordinator", |s| {
        s.predicate.beacon.as_mut().unwrap().value = value;
    });
    refused("the value of a beacon that was rejected");
    copy(&world.path("coordinator", "kept"), &world.shared(""));
    world.again("circuits/main/final-2.dsse.json", "coordinator", |s| {
        s.predicate.beacon.as_mut().unwrap().round = 200;
    });
    refused("the beacon is not the planned one");
}

#[test]
fn a_contribution_after_a_rejected_beacon_is_late() {
    let world = three();
    world.contribute("alice");
    world.contribute("bob");
    carol_begins(&world);
    world.beacon();
    world.ok("coordinator", "ceremony reject shared final --reason typo --key key.pem");
    hand_in(&world, "carol", "phase1/0003", "ptau");
    holds_and_names(&world, "late: carol signed it");
    fs::remove_dir_all(world.path("carol", "shared")).unwrap();
    world.carry("coordinator", "carol");
    let run = world.run("carol", "ceremony contribute shared --as carol --key key.pem");
    assert!(run.code != 0 && run.stderr.contains("a beacon's value is public"), "{}", run.stderr);
    // And what is rejected below a rejected beacon stays.
    not_rejected(&world, "2", "a beacon is built on this step");
}

#[test]
fn a_rejection_that_is_not_the_coordinators_word_on_this_file_takes_nothing_out() {
    let file = "circuits/main/final.reject.dsse.json";
    let void = |words: &str, change: &dyn Fn(&World)| {
        let world = World::finished();
        let line = "ceremony reject shared final --circuit main --reason no --key key.pem";
        world.ok("coordinator", line);
        change(&world);
        holds_and_names(&world, words);
        let report = world.ok("coordinator", "ceremony verify shared --read-only --json");
        assert!(report.contains("\"finished\": true"), "{report}");
    };
    let signed = |signer: &'static str, edit: fn(&mut zk_attest::statement::StepAttestation)| {
        move |w: &World| w.again(file, signer, |s| edit(&mut s.predicate))
    };
    void("does not verify under the key", &signed("bob", |_| {}));
    void("gives no reason", &signed("coordinator", |words| words.reason = None));
    void("does not say which beacon", &signed("coordinator", |words| words.beacon = None));
    void("is of another file", &|w| {
        w.again(file, "coordinator", |s| {
            s.subject[0].digest.sha256 = zk_attest::statement::Sha256Hex([7; 32]);
        });
    });
    void("is of another step", &|w| {
        fs::rename(w.shared(file), w.shared("circuits/main/0002.reject.dsse.json")).unwrap();
    });
    void("is of another step", &|w| {
        let opening = "circuits/main/0000.reject.dsse.json";
        fs::rename(w.shared(file), w.shared(opening)).unwrap();
        w.again(opening, "coordinator", |s| {
            (s.predicate.index, s.subject[0].name) = (0, text("0000"));
        });
    });
    void("is of another step", &|w| {
        fs::remove_file(w.shared(file)).unwrap();
        let prepared = "phase1/prepared.reject.dsse.json";
        fs::copy(w.shared("phase1/prepared.dsse.json"), w.shared(prepared)).unwrap();
        w.again(prepared, "coordinator", |s| {
            (s.predicate.action, s.predicate.reason) = (Action::Reject, Some(text("no")));
            s.subject[0].name = text("prepared");
        });
    });
}

#[test]
fn a_rejection_of_an_earlier_attempt_takes_nothing_out() {
    let world = World::new(&["alice"], |toml| toml);
    world.open();
    world.contribute("alice");
    world.ok("coordinator", "ceremony reject shared 1 --reason withdrawn --key key.pem");
    world.contribute("alice");
    let at = |name: &str| world.shared(&format!("phase1/{name}.reject.dsse.json"));
    fs::copy(at("0001"), at("0001-2")).unwrap();
    holds_and_names(&world, "the rejection is of another step");
    let status = world.ok("coordinator", "ceremony status shared");
    assert!(status.contains("1 contributions of at least 1"), "{status}");
}

#[test]
fn what_is_built_on_a_rejected_step_goes_for_the_true_reason() {
    let world = World::new(&["alice", "bob", "carol"], |toml| toml);
    world.open();
    ["alice", "bob", "carol"].iter().for_each(|who| world.contribute(who));
    world.ok("coordinator", "ceremony reject shared 1 --reason bad --key key.pem");
    let reason = |name: &str| {
        world.words(&format!("phase1/{name}.reject.dsse.json")).predicate.reason.unwrap()
    };
    assert_eq!(reason("0001").as_str(), "bad");
    assert_eq!(reason("0002").as_str(), "built on 0001, which is rejected");
    assert_eq!(reason("0003").as_str(), "built on 0002, which is rejected");
}

#[test]
fn a_failed_audit_is_a_signed_report_that_everybody_sees() {
    let world = World::finished();
    world.carry("coordinator", "bob");
    let mut bytes = fs::read(world.path("bob", "shared/phase1/0002.ptau")).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    world.write("bob", "shared/phase1/0002.ptau", &bytes);
    let run = world.run("bob", "ceremony audit shared --as Dana --key key.pem");
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    copy(&world.path("bob", "shared/audits"), &world.shared("audits"));
    holds_and_names(&world, "FAILED AUDIT, signed by Dana");
    world.ok("coordinator", "ceremony verify shared");
    let page = fs::read_to_string(world.shared("report.html")).unwrap();
    assert!(page.contains("A failed audit") && page.contains("Dana"), "{page}");
    // Words that nobody signed are not shown.
    let name = fs::read_dir(world.shared("audits")).unwrap().next().unwrap().unwrap().path();
    let mut forged: serde_json::Value = serde_json::from_slice(&fs::read(&name).unwrap()).unwrap();
    let payload = STANDARD.decode(forged["payload"].as_str().unwrap()).unwrap();
    let payload = String::from_utf8(payload).unwrap().replace("Dana", "Erin");
    forged["payload"] = STANDARD.encode(payload).into();
    fs::write(&name, serde_json::to_vec(&forged).unwrap()).unwrap();
    let status = world.ok("coordinator", "ceremony status shared");
    assert!(!status.contains("FAILED AUDIT"), "{status}");
}
