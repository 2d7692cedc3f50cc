//! A finished ceremony folder in which somebody changes one thing: `ceremony verify` says what, and exits with 1.
//!
//! The first half needs no key beyond the ones that a party has; the second half is what a party could sign that is not so.

mod kit;

use std::fs;

use kit::ceremony::{World, circuit, copy};
use zk_vk_guard::digest::{ConfigDigest, ContributionHash, FileDigest};
use zk_vk_guard::names::{BeaconValue, CeremonyId, Kind, Text};
use zk_vk_guard::statement::Action;

/// Changes a finished folder, and expects a refusal that says these words.
fn tampered(words: &str, change: impl FnOnce(&World)) {
    let world = World::finished();
    change(&world);
    let run = world.run("coordinator", "ceremony verify shared --read-only");
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains(words), "{}", run.stderr);
}

macro_rules! tampered {
    ($($(#[$meta:meta])* $name:ident: $words:literal, $change:expr;)+) => { $(
        #[test]
        $(#[$meta])*
        fn $name() {
            tampered($words, $change);
        }
    )+ };
}

const ALICE: &str = "phase1/0001.dsse.json";
const BOB: &str = "phase1/0002.dsse.json";
const STRANGER: &str = "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e";

fn flip(world: &World, name: &str) {
    let mut bytes = fs::read(world.shared(name)).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(world.shared(name), bytes).unwrap();
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

#[test]
fn the_file_of_a_step_in_the_middle_is_missing() {
    let world = World::finished();
    fs::remove_file(world.shared("circuits/main/0001.zkey")).unwrap();
    let run = world.run("coordinator", "ceremony verify shared --read-only");
    // Not a bad file but a missing one: what to do is to fetch it.
    assert!(run.code == 2 && run.stderr.contains("0001.zkey") && run.stderr.contains("fetch"), "{}", run.stderr);
}

#[test]
fn the_folder_verifies_before_anybody_tampers_with_it() {
    World::finished().ok("coordinator", "ceremony verify shared --read-only");
}

tampered! {
    a_byte_of_the_first_contribution: "0001.ptau", |w| flip(w, "phase1/0001.ptau");
    a_byte_of_the_last_contribution: "final.ptau", |w| flip(w, "phase1/final.ptau");
    a_byte_of_the_prepared_file: "prepared.ptau", |w| flip(w, "phase1/prepared.ptau");
    a_byte_of_an_initial_key: "0000.zkey", |w| flip(w, "circuits/main/0000.zkey");
    a_byte_of_a_key_in_the_middle: "0001.zkey", |w| flip(w, "circuits/main/0001.zkey");
    a_byte_of_the_final_key: "final.zkey", |w| flip(w, "circuits/main/final.zkey");
    a_byte_of_an_attestation: "0001.dsse.json", |w| flip(w, ALICE);
    another_circuit: "not the circuit of the rules", |w| fs::write(w.shared("circuits/main/circuit.r1cs"), circuit(4)).unwrap();
    the_roster_is_edited: "ceremony.toml", |w| w.edit_rules("name = \"alice\"", "name = \"alicia\"");
    a_key_of_the_roster_is_edited: "ceremony.toml", |w| w.edit_rules(&w.public_key("alice").to_string(), STRANGER);
    a_minimum_is_edited: "ceremony.toml", |w| w.edit_rules("phase2 = 2", "phase2 = 1");
    the_beacon_plan_is_edited: "ceremony.toml", |w| w.edit_rules("round = 100", "round = 101");
    a_comment_in_the_rules: "ceremony.toml", |w| w.edit_rules("format", "# \nformat");
    another_coordinator: "0000.dsse.json", |w| w.edit_rules(&w.public_key("coordinator").to_string(), STRANGER);
    an_attestation_is_missing: "0001.dsse.json", |w| fs::remove_file(w.shared(ALICE)).unwrap();
    a_step_is_missing: "no place in the chain", |w| {
        fs::remove_file(w.shared("phase1/0001.ptau")).unwrap();
        fs::remove_file(w.shared(ALICE)).unwrap();
    };
    a_second_file_for_a_step: "second file", |w| {
        fs::copy(w.shared("phase1/0001.ptau"), w.shared("phase1/0001-2.ptau")).unwrap();
        fs::copy(w.shared(ALICE), w.shared("phase1/0001-2.dsse.json")).unwrap();
    };
    a_step_is_added_after_the_beacon: "no place", |w| {
        fs::copy(w.shared("phase1/0002.ptau"), w.shared("phase1/0004.ptau")).unwrap();
        fs::copy(w.shared(BOB), w.shared("phase1/0004.dsse.json")).unwrap();
    };
    a_step_is_added_before_the_beacon: "0003.dsse.json", |w| {
        fs::copy(w.shared("phase1/0002.ptau"), w.shared("phase1/0003.ptau")).unwrap();
        fs::copy(w.shared(BOB), w.shared("phase1/0003.dsse.json")).unwrap();
    };
    steps_in_another_order: "0001", |w| {
        w.swap("phase1/0001.ptau", "phase1/0002.ptau");
        w.swap(ALICE, BOB);
    };
    files_in_another_order: "not the file that", |w| w.swap("circuits/main/0001.zkey", "circuits/main/0002.zkey");
    an_attestation_of_another_phase: "phase differs", |w| w.swap(ALICE, "circuits/main/0001.dsse.json");
    an_attestation_of_another_ceremony: "ceremony differs", |w| {
        w.again(ALICE, "alice", |s| s.predicate.ceremony = CeremonyId::new("another").unwrap());
    };
    an_attestation_of_another_kind: "kind differs", |w| w.again(ALICE, "alice", |s| s.predicate.kind = Kind::Production);
    a_step_taken_out_without_the_coordinators_key: "final.reject.dsse.json", |w| {
        w.ok("coordinator", "ceremony reject shared final --circuit main --reason \"no\" --key key.pem");
        w.again("circuits/main/final.reject.dsse.json", "bob", |_| {});
    };
    a_link_instead_of_a_file: "not a regular file", |w| {
        fs::rename(w.shared("phase1/0001.ptau"), w.path("coordinator", "away.ptau")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(w.path("coordinator", "away.ptau"), w.shared("phase1/0001.ptau")).unwrap();
    };
}

tampered! {
    a_name_in_an_attestation: "bob contributes twice", |w| w.again(ALICE, "bob", |s| s.predicate.participant = text("bob"));
    a_contributor_outside_the_roster: "may not make it", |w| w.again(ALICE, "bob", |s| s.predicate.participant = text("mallory"));
    one_participant_signs_for_another: "does not verify", |w| w.again(ALICE, "bob", |_| {});
    one_participant_counts_once: "alice contributes twice", |w| {
        // Alice's key under Bob's number: she wants to be two of two.
        w.again(BOB, "alice", |s| s.predicate.participant = text("alice"));
    };
    a_beacon_relabelled_as_a_contribution: "final.dsse.json", |w| {
        w.again("phase1/final.dsse.json", "coordinator", |s| (s.predicate.action, s.predicate.beacon) = (Action::Contribution, None));
    };
    a_beacon_renamed_to_a_contribution: "bob contributes twice", |w| {
        fs::rename(w.shared("phase1/final.ptau"), w.shared("phase1/0003.ptau")).unwrap();
        fs::rename(w.shared("phase1/final.dsse.json"), w.shared("phase1/0003.dsse.json")).unwrap();
        w.again("phase1/0003.dsse.json", "bob", |s| {
            (s.predicate.action, s.predicate.beacon, s.predicate.participant) = (Action::Contribution, None, text("bob"));
        });
    };
    a_contribution_relabelled_as_a_beacon: "0001.dsse.json", |w| {
        w.again("circuits/main/0001.dsse.json", "alice", |s| s.predicate.action = Action::Beacon);
    };
    a_participants_beacon: "final.dsse.json", |w| w.again("circuits/main/final.dsse.json", "alice", |s| s.predicate.participant = text("alice"));
    a_beacon_of_another_round: "planned", |w| w.again("phase1/final.dsse.json", "coordinator", |s| s.predicate.beacon.as_mut().unwrap().round = 7);
    a_beacon_of_another_value: "another kind", |w| {
        w.again("phase1/final.dsse.json", "coordinator", |s| s.predicate.beacon.as_mut().unwrap().value = BeaconValue::new(&[9; 32]).unwrap());
    };
    another_contribution_hash: "not the attested contribution", |w| {
        w.again(ALICE, "alice", |s| s.predicate.contribution_hash = Some(ContributionHash([1; 64])));
    };
    a_contribution_without_its_hash: "lacks the hash", |w| w.again(ALICE, "alice", |s| s.predicate.contribution_hash = None);
    another_input: "input differs", |w| w.again(BOB, "bob", |s| s.predicate.input_sha256 = Some(FileDigest([1; 32])));
    another_number: "index differs", |w| w.again(BOB, "bob", |s| s.predicate.index = 3);
    an_attestation_of_two_files: "not of one file", |w| {
        w.again(ALICE, "alice", |s| {
            let first = s.subject[0].clone();
            s.subject.push(first);
        });
    };
    a_prepared_file_of_another_input: "prepared", |w| {
        w.again("phase1/prepared.dsse.json", "coordinator", |s| s.predicate.input_sha256 = Some(FileDigest([1; 32])));
    };
    a_rejection_without_a_reason: "reason", |w| {
        w.ok("coordinator", "ceremony reject shared final --circuit main --reason \"no\" --key key.pem");
        w.again("circuits/main/final.reject.dsse.json", "coordinator", |s| s.predicate.reason = None);
    };
    a_rejection_of_another_step: "another step", |w| {
        w.ok("coordinator", "ceremony reject shared final --circuit main --reason \"no\" --key key.pem");
        fs::rename(w.shared("circuits/main/final.reject.dsse.json"), w.shared("circuits/main/0002.reject.dsse.json")).unwrap();
    };
    a_start_that_is_not_the_generators: "0000", |w| {
        let bytes = fs::read(w.shared("phase1/0001.ptau")).unwrap();
        w.plant("phase1/0000.ptau", "coordinator", &bytes, ("phase1/0001", "alice"));
    };
    a_start_of_another_power: "another power", |w| {
        w.ok("coordinator", "ptau new --power 5 large.ptau");
        w.plant("phase1/0000.ptau", "coordinator", &w.read("coordinator", "large.ptau"), ("phase1/0001", "alice"));
    };
    two_contributions_in_one_step: "a step adds one record", |w| {
        w.ok("coordinator", "ptau contribute shared/phase1/0001.ptau twice.ptau --name alice");
        w.plant("phase1/0001.ptau", "alice", &w.read("coordinator", "twice.ptau"), ("phase1/0002", "bob"));
        w.with_hash_of("twice.ptau", ALICE, "alice");
    };
    two_contributions_in_one_step_of_phase_2: "a step adds one record", |w| {
        w.ok("coordinator", "zkey contribute shared/circuits/main/0001.zkey twice.zkey --name alice");
        w.plant("circuits/main/0001.zkey", "alice", &w.read("coordinator", "twice.zkey"), ("circuits/main/0002", "bob"));
        w.with_hash_of("twice.zkey", "circuits/main/0001.dsse.json", "alice");
    };
    a_fork_of_the_chain: "check 10", |w| {
        w.ok("coordinator", "ptau contribute shared/phase1/0000.ptau fork.ptau --name alice");
        w.ok("coordinator", "ptau contribute fork.ptau fork2.ptau --name bob");
        w.plant("phase1/0002.ptau", "bob", &w.read("coordinator", "fork2.ptau"), ("phase1/final", "coordinator"));
        w.with_hash_of("fork2.ptau", BOB, "bob");
    };
    an_unprepared_file_as_the_prepared_one: "not prepared", |w| {
        let bytes = fs::read(w.shared("phase1/final.ptau")).unwrap();
        w.plant("phase1/prepared.ptau", "coordinator", &bytes, ("circuits/main/0000", "coordinator"));
    };
    a_prepared_file_of_a_longer_chain: "prepared.ptau", |w| {
        w.ok("coordinator", "ptau contribute shared/phase1/0002.ptau longer.ptau --name x");
        w.ok("coordinator", "ptau contribute longer.ptau longest.ptau --name y");
        w.ok("coordinator", "ptau prepare longest.ptau prepared.ptau");
        w.plant("phase1/prepared.ptau", "coordinator", &w.read("coordinator", "prepared.ptau"), ("circuits/main/0000", "coordinator"));
    };
    // The keys after it are made from the honest one: only the comparison of neighbours shows it.
    a_key_in_the_middle_with_another_h: "0001.zkey", |w| {
        let mut bytes = fs::read(w.shared("circuits/main/0001.zkey")).unwrap();
        let h = section(&bytes, 9);
        let first: Vec<u8> = bytes[h..h + 64].to_vec();
        bytes.copy_within(h + 64..h + 128, h);
        bytes[h + 64..h + 128].copy_from_slice(&first);
        w.plant("circuits/main/0001.zkey", "alice", &bytes, ("circuits/main/0002", "bob"));
    };
    an_initial_key_with_a_delta_that_somebody_knows: "0000.zkey", |w| {
        w.ok("coordinator", "zkey contribute shared/circuits/main/0000.zkey once.zkey --name x");
        w.plant("circuits/main/0000.zkey", "coordinator", &w.read("coordinator", "once.zkey"), ("circuits/main/0001", "alice"));
    };
    // Rules under which the ceremony was never run, signed by everybody: too few contributions is still too few.
    fewer_contributions_than_the_rules_ask_for: "too few", |w| {
        let third = format!("\n[[participants]]\nname = \"carol\"\nkey = \"{STRANGER}\"\nphases = [1, 2]\n\n[beacon.phase1]");
        w.edit_rules("phase1 = 2", "phase1 = 3");
        w.edit_rules("\n[beacon.phase1]", &third);
        let digest = ConfigDigest::of(&fs::read(w.shared("ceremony.toml")).unwrap());
        for chain in ["phase1", "circuits/main"] {
            for (step, who) in [("0000", "coordinator"), ("0001", "alice"), ("0002", "bob"), ("final", "coordinator"), ("prepared", "coordinator")] {
                let file = format!("{chain}/{step}.dsse.json");
                if w.shared(&file).exists() {
                    w.again(&file, who, |s| s.predicate.ceremony_toml_sha256 = digest);
                }
            }
        }
    };
}

/// Where the data of a section begins.
fn section(bytes: &[u8], id: u32) -> usize {
    let mut at = 12;
    loop {
        let found = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        if found == id {
            return at + 12;
        }
        at += 12 + u64::from_le_bytes(bytes[at + 4..at + 12].try_into().unwrap()) as usize;
    }
}

/// Somebody who can write to the folder exchanges the file between its making and its signature: the signature is of what was made, and the
/// exchanged file is not that.
#[cfg(unix)]
#[test]
fn a_file_swapped_between_verification_and_signing() {
    let world = World::new(&["alice"], |toml| toml);
    world.open();
    world.carry("coordinator", "alice");
    // A sound contribution, but another one.
    world.ok("alice", "ptau contribute shared/phase1/0000.ptau other.ptau --name alice");
    // A signer that plants another file under the temporary name while it is asked to sign.
    let script = "#!/bin/sh\nfor f in shared/phase1/.zk-ceremony-*.partial; do rm -f \"$f\"; cp other.ptau \"$f\"; done\n\
                  cat > message.pae\nopenssl pkeyutl -sign -rawin -inkey key.pem -in message.pae\n";
    world.write("alice", "signer.sh", script.as_bytes());
    let key = world.public_key("alice");
    let line = format!("ceremony contribute shared --as alice --signer-cmd sh --signer-arg signer.sh --public-key {key}");
    let run = world.run("alice", &line);
    if run.code == 0 {
        let verified = world.run("alice", "ceremony verify shared");
        assert_eq!(verified.code, 1, "{}", verified.stdout);
        assert!(verified.stderr.contains("not the file that alice attested"), "{}", verified.stderr);
    } else {
        assert!(!world.path("alice", "shared/phase1/0001.ptau").exists(), "{}", run.stderr);
    }
    // The honest signer, for comparison.
    copy(&world.path("coordinator", "shared"), &world.path("alice", "again"));
    world.ok("alice", "ceremony contribute again --as alice --key key.pem");
    world.ok("alice", "ceremony verify again");
}
