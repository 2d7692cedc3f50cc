//! A finished ceremony folder in which one thing is changed: `ceremony verify` says what, and
//! exits with 1.
//!
//! The first half needs no key beyond the ones that a party has; the second half is what a party
//! could sign that is not so.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use ceremony_core::progress::{NoProgress, Progress};
use ceremony_folder::{Ceremony, Depth, Part, Track, Verification};
use zk_attest::digest::{ConfigDigest, ContributionHash, FileDigest};
use zk_attest::primitives::{
    BeaconExponent, BeaconValue, CeremonyId, CeremonyKind, CircuitName, Label,
};
use zk_attest::statement::Action;

use crate::kit::ceremony::{VALUE, World, circuit, copy};

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

fn text(text: &str) -> Label {
    Label::new(text).unwrap()
}

#[test]
fn the_file_of_a_step_in_the_middle_is_missing() {
    let world = World::finished();
    fs::remove_file(world.shared("circuits/main/0001.zkey")).unwrap();
    let run = world.run("coordinator", "ceremony verify shared --read-only");
    // Not a bad file but a missing one: what to do is to fetch it.
    assert!(
        run.code == 2 && run.stderr.contains("0001.zkey") && run.stderr.contains("fetch"),
        "{}",
        run.stderr
    );
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
    a_step_is_missing: "a step is missing", |w| {
        fs::remove_file(w.shared("phase1/0001.ptau")).unwrap();
        fs::remove_file(w.shared(ALICE)).unwrap();
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
    an_attestation_of_another_kind: "kind differs", |w| w.again(ALICE, "alice", |s| s.predicate.kind = CeremonyKind::Production);
    the_same_start_in_other_bytes: "0000.ptau: this is not the file that Coordinator attested", |w| reorder(w, "phase1/0000.ptau");
    the_same_contribution_in_other_bytes: "0001.ptau: this is not the file that alice attested", |w| reorder(w, "phase1/0001.ptau");
    the_same_prepared_file_in_other_bytes: "prepared.ptau: this is not the file that Coordinator attested", |w| {
        // Before phase 2 is open, nothing but the prepared file itself shows it.
        fs::remove_dir_all(w.shared("circuits/main")).unwrap();
        reorder(w, "phase1/prepared.ptau");
    };
    the_same_initial_key_in_other_bytes: "0000.zkey: this is not the file that Coordinator attested", |w| reorder(w, "circuits/main/0000.zkey");
    the_same_key_in_other_bytes: "0001.zkey: this is not the file that alice attested", |w| reorder(w, "circuits/main/0001.zkey");
    the_same_final_key_in_other_bytes: "final.zkey: this is not the file that Coordinator attested", |w| reorder(w, "circuits/main/final.zkey");
    the_same_circuit_in_other_bytes: "not the circuit of the rules", |w| reorder(w, "circuits/main/circuit.r1cs");
    a_link_instead_of_an_attestation: "0001.dsse.json: this is not a regular file", |w| {
        fs::rename(w.shared(ALICE), w.path("coordinator", "away.json")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(w.path("coordinator", "away.json"), w.shared(ALICE)).unwrap();
    };
    a_link_instead_of_a_circuit: "this is not a regular file", |w| {
        fs::rename(w.shared("circuits/main/circuit.r1cs"), w.path("coordinator", "away.r1cs")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(w.path("coordinator", "away.r1cs"), w.shared("circuits/main/circuit.r1cs")).unwrap();
    };
    a_link_instead_of_a_file: "0001.ptau: this is not a regular file", |w| {
        fs::rename(w.shared("phase1/0001.ptau"), w.path("coordinator", "away.ptau")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(w.path("coordinator", "away.ptau"), w.shared("phase1/0001.ptau")).unwrap();
    };
}

tampered! {
    a_name_in_an_attestation: "bob contributes twice", |w| w.again(ALICE, "bob", |s| s.predicate.participant = text("bob"));
    a_contributor_outside_the_roster: "not allowed to perform it", |w| w.again(ALICE, "bob", |s| s.predicate.participant = text("mallory"));
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
            s.subject[0].name = text("0003.ptau");
        });
    };
    a_contribution_relabelled_as_a_beacon: "0001.dsse.json", |w| {
        w.again("circuits/main/0001.dsse.json", "alice", |s| s.predicate.action = Action::Beacon);
    };
    a_participants_beacon: "final.dsse.json", |w| w.again("phase1/final.dsse.json", "alice", |s| s.predicate.participant = text("alice"));
    a_contribution_with_the_words_of_a_beacon: "lacks the hash or the beacon of its step", |w| {
        let beacon = w.words("phase1/final.dsse.json").predicate.beacon;
        w.again(ALICE, "alice", |s| s.predicate.beacon = beacon);
    };
    a_beacon_of_another_source: "planned", |w| {
        w.again("phase1/final.dsse.json", "coordinator", |s| s.predicate.beacon.as_mut().unwrap().source = text("a hat"));
    };
    a_beacon_of_another_exponent: "planned", |w| {
        w.again("phase1/final.dsse.json", "coordinator", |s| {
            s.predicate.beacon.as_mut().unwrap().exponent = BeaconExponent::new(11).unwrap();
        });
    };
    a_beacon_of_another_round: "planned", |w| w.again("phase1/final.dsse.json", "coordinator", |s| s.predicate.beacon.as_mut().unwrap().round = 7);
    a_beacon_of_another_value: "another kind", |w| {
        w.again("phase1/final.dsse.json", "coordinator", |s| s.predicate.beacon.as_mut().unwrap().value = BeaconValue::new(&[9; 32]).unwrap());
    };
    another_contribution_hash: "not the attested contribution", |w| {
        w.again(ALICE, "alice", |s| s.predicate.contribution_hash = Some(ContributionHash([1; 64])));
    };
    another_contribution_hash_in_phase_2: "not the attested contribution", |w| {
        w.again("circuits/main/0001.dsse.json", "alice", |s| s.predicate.contribution_hash = Some(ContributionHash([1; 64])));
    };
    a_beacon_of_another_value_in_phase_2: "another kind", |w| {
        w.again("circuits/main/final.dsse.json", "coordinator", |s| s.predicate.beacon.as_mut().unwrap().value = BeaconValue::new(&[9; 32]).unwrap());
    };
    a_contribution_without_its_hash: "lacks the hash", |w| w.again(ALICE, "alice", |s| s.predicate.contribution_hash = None);
    another_input: "input differs", |w| w.again(BOB, "bob", |s| s.predicate.input_sha256 = Some(FileDigest([1; 32])));
    a_number_that_was_signed_for_another_name: "another name than the one that was signed", |w| w.again(BOB, "bob", |s| s.subject[0].name = text("0002-2.ptau"));
    a_name_that_no_step_has: "another name than the one that was signed", |w| w.again(BOB, "bob", |s| s.subject[0].name = text("step"));
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
    powers_prepared_before_the_beacon: "the file has no place in the chain", |w| {
        fs::remove_dir_all(w.shared("circuits/main")).unwrap();
        fs::remove_file(w.shared("phase1/final.ptau")).unwrap();
        fs::remove_file(w.shared("phase1/final.dsse.json")).unwrap();
        w.ok("coordinator", "ptau prepare shared/phase1/0002.ptau early.ptau");
        w.replace("phase1/prepared.ptau", "coordinator", &w.read("coordinator", "early.ptau"));
        let closed = FileDigest::of(&fs::read(w.shared("phase1/0002.ptau")).unwrap());
        w.again("phase1/prepared.dsse.json", "coordinator", |s| (s.predicate.index, s.predicate.input_sha256) = (3, Some(closed)));
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
    an_unprepared_file_as_the_prepared_one: "prepared.ptau: the file is not prepared", |w| {
        // Prepared is what a circuit is opened from; here none is.
        fs::remove_dir_all(w.shared("circuits/main")).unwrap();
        let bytes = fs::read(w.shared("phase1/final.ptau")).unwrap();
        w.replace("phase1/prepared.ptau", "coordinator", &bytes);
    };
    a_prepared_file_of_another_chain: "(phase 1, check 10)", |w| {
        fs::remove_dir_all(w.shared("circuits/main")).unwrap();
        w.ok("coordinator", "ptau contribute shared/phase1/0000.ptau fork.ptau --name alice");
        w.ok("coordinator", "ptau contribute fork.ptau fork2.ptau --name bob");
        w.ok("coordinator", &format!("ptau beacon fork2.ptau fork3.ptau --value {VALUE} --exponent 10"));
        w.ok("coordinator", "ptau prepare fork3.ptau prepared.ptau");
        w.replace("phase1/prepared.ptau", "coordinator", &w.read("coordinator", "prepared.ptau"));
    };
    a_prepared_file_of_a_longer_chain: "prepared.ptau", |w| {
        w.ok("coordinator", "ptau contribute shared/phase1/0002.ptau longer.ptau --name x");
        w.ok("coordinator", "ptau contribute longer.ptau longest.ptau --name y");
        w.ok("coordinator", "ptau prepare longest.ptau prepared.ptau");
        w.plant("phase1/prepared.ptau", "coordinator", &w.read("coordinator", "prepared.ptau"), ("circuits/main/0000", "coordinator"));
    };
    a_final_key_that_continues_another_key: "contribution 2 is not the one already known", |w| {
        w.ok("coordinator", "zkey contribute shared/circuits/main/0001.zkey fork.zkey --name bob");
        w.ok("coordinator", &format!("zkey beacon fork.zkey final.zkey --value {VALUE} --exponent 10"));
        w.replace("circuits/main/final.zkey", "coordinator", &w.read("coordinator", "final.zkey"));
        w.with_hash_of("final.zkey", "circuits/main/final.dsse.json", "coordinator");
    };
    a_final_key_without_a_beacon: "no beacon closes the chain", |w| {
        w.ok("coordinator", "zkey contribute shared/circuits/main/0002.zkey open.zkey --name Coordinator");
        w.replace("circuits/main/final.zkey", "coordinator", &w.read("coordinator", "open.zkey"));
        w.with_hash_of("open.zkey", "circuits/main/final.dsse.json", "coordinator");
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
    // Rules under which the ceremony was never run, signed by everybody: too few contributions is
    // still too few.
    fewer_contributions_than_the_rules_ask_for: "final.ptau: chain of contributions: too few participants contributed", |w| under_other_rules(w, "phase1 = 2", "phase1 = 3");
    fewer_contributions_to_a_circuit_than_the_rules_ask_for: "too few contributions that are not beacons", |w| {
        under_other_rules(w, "phase2 = 2", "phase2 = 3");
    };
}

/// Edits the rules of a finished ceremony, adds a third participant who never came, and has
/// everybody sign every step again.
fn under_other_rules(w: &World, from: &str, to: &str) {
    let third = format!(
        "\n[[participants]]\nname = \"carol\"\nkey = \"{STRANGER}\"\nphases = [1, \
         2]\n\n[beacon.phase1]"
    );
    w.edit_rules(from, to);
    w.edit_rules("\n[beacon.phase1]", &third);
    let digest = ConfigDigest::of(&fs::read(w.shared("ceremony.toml")).unwrap());
    for chain in ["phase1", "circuits/main"] {
        for (step, who) in [
            ("0000", "coordinator"),
            ("0001", "alice"),
            ("0002", "bob"),
            ("final", "coordinator"),
            ("prepared", "coordinator"),
        ] {
            let file = format!("{chain}/{step}.dsse.json");
            if w.shared(&file).exists() {
                w.again(&file, who, |s| s.predicate.ceremony_toml_sha256 = digest);
            }
        }
    }
}

/// The same sections in another order: a file that says the same in other bytes.
fn reordered(bytes: &[u8]) -> Vec<u8> {
    let mut sections = Vec::new();
    let mut at = 12;
    while at < bytes.len() {
        let size = u64::from_le_bytes(bytes[at + 4..at + 12].try_into().unwrap()) as usize;
        sections.push(&bytes[at..at + 12 + size]);
        at += 12 + size;
    }
    sections.rotate_right(1);
    [&[&bytes[..12]], &sections[..]].concat().concat()
}

fn reorder(world: &World, name: &str) {
    let bytes = fs::read(world.shared(name)).unwrap();
    let other = reordered(&bytes);
    assert!(other != bytes && other.len() == bytes.len());
    fs::write(world.shared(name), other).unwrap();
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

/// Someone who can write to the folder exchanges the file between its making and its signature:
/// the signature is of what was made, and the exchanged file is not that.
#[cfg(unix)]
#[test]
fn a_file_swapped_between_verification_and_signing() {
    let world = World::new(&["alice"], |toml| toml);
    world.open();
    world.carry("coordinator", "alice");
    // A sound contribution, but another one.
    world.ok("alice", "ptau contribute shared/phase1/0000.ptau other.ptau --name alice");
    // A signer that plants another file under the temporary name while it is asked to sign.
    let script = "#!/bin/sh\nfor f in shared/phase1/.zk-ceremony-*.partial; do rm -f \"$f\"; cp \
                  other.ptau \"$f\"; done\ncat > message.pae\nopenssl pkeyutl -sign -rawin -inkey \
                  key.pem -in message.pae\n";
    world.write("alice", "signer.sh", script.as_bytes());
    let key = world.public_key("alice");
    let line = format!(
        "ceremony contribute shared --as alice --signer-cmd sh --signer-arg signer.sh \
         --public-key {key}"
    );
    let run = world.run("alice", &line);
    if run.code == 0 {
        let verified = world.run("alice", "ceremony verify shared");
        assert_eq!(verified.code, 1, "{}", verified.stdout);
        assert!(
            verified.stderr.contains("not the file that alice attested"),
            "{}",
            verified.stderr
        );
    } else {
        assert!(!world.path("alice", "shared/phase1/0001.ptau").exists(), "{}", run.stderr);
    }
    // The honest signer, for comparison.
    copy(&world.path("coordinator", "shared"), &world.path("alice", "again"));
    world.ok("alice", "ceremony contribute again --as alice --key key.pem");
    world.ok("alice", "ceremony verify again");
}

/// Verifies what a contributor builds on, and no more.
fn last_of_main(world: &World) -> Result<(), String> {
    let ceremony = Ceremony::open(&world.shared("")).unwrap();
    let main = Track::Circuit(CircuitName::new("main").unwrap());
    let mut verification = Verification::new(&ceremony, Depth::LastOf(vec![main])).unwrap();
    verification.run(&NoProgress).map(drop).map_err(|error| error.to_string())
}

#[test]
fn a_contributor_to_a_circuit_sees_too_few_contributions_to_phase_1() {
    let world = World::finished();
    last_of_main(&world).unwrap();
    under_other_rules(&world, "phase1 = 2", "phase1 = 3");
    let error = last_of_main(&world).unwrap_err();
    assert!(
        error.contains("prepared.ptau") && error.contains("too few participants contributed"),
        "{error}"
    );
}

#[test]
fn a_contributor_to_a_circuit_sees_powers_of_another_size() {
    let world = World::finished();
    world.ok("coordinator", "ptau new --power 5 0.ptau");
    world.ok("coordinator", "ptau contribute 0.ptau 1.ptau --name x");
    world.ok("coordinator", "ptau contribute 1.ptau 2.ptau --name y");
    world.ok("coordinator", "ptau prepare 2.ptau other.ptau");
    world.plant(
        "phase1/prepared.ptau",
        "coordinator",
        &world.read("coordinator", "other.ptau"),
        ("circuits/main/0000", "coordinator"),
    );
    let error = last_of_main(&world).unwrap_err();
    assert!(error.contains("prepared.ptau: the file has another power than the rules"), "{error}");
}

/// A finished ceremony of alice, on prepared powers of somebody else's.
fn on_powers_of_somebody_elses() -> World {
    let powers = crate::kit::Folder::new();
    powers.ours("ptau new --power 4 0.ptau");
    powers.ours("ptau contribute 0.ptau 1.ptau --name else");
    powers.ours(&format!("ptau beacon 1.ptau 2.ptau --value {VALUE} --exponent 10"));
    powers.ours("ptau prepare 2.ptau prepared.ptau");
    let bytes = powers.read("prepared.ptau");
    let start = format!(
        "\n[phase1_start]\nsha256 = \"{}\"\ndescription = \"a file\"\n\n[[circuits]]",
        FileDigest::of(&bytes)
    );
    let world = World::new(&["alice"], |toml| toml.replace("\n[[circuits]]", &start));
    world.write("coordinator", "start.ptau", &bytes);
    world.ok(
        "coordinator",
        "ceremony new shared --config ceremony.toml --circuit main=circuit.r1cs --ptau start.ptau \
         --key key.pem",
    );
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    world.contribute("alice");
    world.beacon();
    world
}

#[test]
fn powers_of_somebody_elses_are_the_pinned_ones() {
    let refused = |words: &str, change: &dyn Fn(&World)| {
        let world = on_powers_of_somebody_elses();
        world.ok("coordinator", "ceremony verify shared --read-only");
        change(&world);
        let run = world.run("coordinator", "ceremony verify shared --read-only");
        assert!(run.code == 1 && run.stderr.contains(words), "{words}: {}", run.stderr);
    };
    refused("0000.ptau: this is not the file that the rules start from", &|w| {
        let other = reordered(&fs::read(w.shared("phase1/0000.ptau")).unwrap());
        w.plant("phase1/0000.ptau", "coordinator", &other, ("phase1/prepared", "coordinator"));
        w.plant(
            "phase1/prepared.ptau",
            "coordinator",
            &other,
            ("circuits/main/0000", "coordinator"),
        );
    });
    refused("prepared.ptau: this is not the file that Coordinator attested", &|w| {
        flip(w, "phase1/prepared.ptau")
    });
    refused("0000.ptau: the file has another power than the rules", &|w| {
        w.edit_rules("power = 4", "power = 5");
        let digest = ConfigDigest::of(&fs::read(w.shared("ceremony.toml")).unwrap());
        for (step, who) in [
            ("phase1/0000", "coordinator"),
            ("phase1/prepared", "coordinator"),
            ("circuits/main/0000", "coordinator"),
            ("circuits/main/0001", "alice"),
            ("circuits/main/final", "coordinator"),
        ] {
            w.again(&format!("{step}.dsse.json"), who, |s| {
                s.predicate.ceremony_toml_sha256 = digest
            });
        }
    });
}

/// Puts other bytes of the same length into a file when the work tells of itself for the n-th time.
struct Changer {
    file: PathBuf,
    turns: Vec<(usize, Vec<u8>)>,
    seen: AtomicUsize,
    /// The moment at which the last of its steps began.
    last_step: AtomicUsize,
}

impl Changer {
    fn new(file: PathBuf, turns: Vec<(usize, Vec<u8>)>) -> Self {
        Self { file, turns, seen: AtomicUsize::new(0), last_step: AtomicUsize::new(0) }
    }

    fn moment(&self) -> usize {
        let now = self.seen.fetch_add(1, Ordering::Relaxed);
        for (_, bytes) in self.turns.iter().filter(|(n, _)| *n == now) {
            // In place: whoever has the file open reads these from now on.
            fs::OpenOptions::new().write(true).open(&self.file).unwrap().write_all(bytes).unwrap();
        }
        now
    }
}

impl Progress for Changer {
    fn begin(&self, _: &str, _: u64) {
        let now = self.moment();
        self.last_step.store(now, Ordering::Relaxed);
    }
    fn advance(&self, _: u64) {
        self.moment();
    }
    fn end(&self) {
        self.moment();
    }
}

/// A part passes only if what was read is what was attested, whatever the file has become since.
#[test]
fn a_file_that_changes_at_any_moment_of_its_verification_passes_as_the_attested_one_or_not_at_all()
{
    let world = World::finished();
    let ceremony = Ceremony::open(&world.shared("")).unwrap();
    let parts = Verification::new(&ceremony, Depth::EveryFile).unwrap().parts().to_vec();
    let mut moments = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let files: &[&str] = match part {
            Part::Phase1(0) => &["phase1/0000.ptau"],
            Part::Phase1(2) => &["phase1/0002.ptau"],
            Part::Prepared => &["phase1/prepared.ptau"],
            Part::Circuit(0, 0) => {
                &["circuits/main/circuit.r1cs", "phase1/prepared.ptau", "circuits/main/0000.zkey"]
            }
            // Read once: circuit, prepared file and the key before it are not looked at again.
            Part::Circuit(0, 2) => &["circuits/main/0002.zkey"],
            Part::Circuit(0, 3) => &["circuits/main/final.zkey"],
            _ => &[],
        };
        for file in files {
            let (path, good) = (world.shared(file), fs::read(world.shared(file)).unwrap());
            let mut refused = 0;
            let step = if matches!(part, Part::Phase1(_)) { 1 } else { 5 };
            for n in (0..).step_by(step) {
                let mut verification = Verification::new(&ceremony, Depth::EveryFile).unwrap();
                for _ in 0..i {
                    verification.next_part(&NoProgress).unwrap().unwrap();
                }
                let changer = Changer::new(path.clone(), vec![(n, reordered(&good))]);
                let result = verification.next_part(&changer).unwrap();
                fs::write(&path, &good).unwrap();
                match result {
                    Ok(report) if report.path == path => {
                        assert_eq!(report.digests.sha256.0, FileDigest::of(&good).0)
                    }
                    Ok(_) => {}
                    Err(error) => {
                        let error = error.to_string();
                        let changed = ["changed while", "is not the file that"]
                            .iter()
                            .any(|words| error.contains(words));
                        assert!(
                            changed || matches!(part, Part::Circuit(..)),
                            "{part:?}, {file}, moment {n}: {error}"
                        );
                        refused += 1;
                    }
                }
                if changer.seen.into_inner() <= n {
                    moments.push((n / step, refused));
                    break;
                }
            }
        }
    }
    assert!(
        moments.len() == 8 && moments.iter().all(|(moments, refused)| *moments > 2 && *refused > 2),
        "{moments:?}"
    );
}

/// What becomes the verifying key is of the bytes that were attested, even if the file is good
/// whenever it is checked.
#[test]
fn a_final_key_that_is_another_one_between_its_checks_gives_no_verifying_key() {
    let world = World::finished();
    let ceremony = Ceremony::open(&world.shared("")).unwrap();
    let file = world.shared("circuits/main/final.zkey");
    let good = fs::read(&file).unwrap();
    // Another first point of IC.
    let mut other = good.clone();
    let ic = section(&good, 3);
    other.copy_within(ic + 64..ic + 128, ic);
    assert!(other != good);
    let run = |changer: &Changer| {
        let mut verification = Verification::new(&ceremony, Depth::EveryFile).unwrap();
        let parts = verification.parts().to_vec();
        let [earlier @ .., Part::Circuit(0, 3)] = &parts[..] else { panic!("{parts:?}") };
        for _ in earlier {
            verification.next_part(&NoProgress).unwrap().unwrap();
        }
        let result = verification.next_part(changer).unwrap();
        fs::write(&file, &good).unwrap();
        result.map(|_| verification.finish().unwrap())
    };
    let calm = Changer::new(file.clone(), Vec::new());
    let key = run(&calm).unwrap().keys()[0].verifying_key.clone();
    // The verifying key is read after the last moment of the checks: what changes then was not seen
    // by them.
    let end = calm.seen.into_inner();
    let mut refused = 0;
    for n in (0..end - 1).step_by(3).chain([end - 1]) {
        for back in [n + 1, end] {
            let changes = vec![(n, other.clone()), (back, good.clone())];
            match run(&Changer::new(file.clone(), changes)) {
                Ok(verified) => {
                    assert_eq!(verified.keys()[0].verifying_key, key, "moments {n} to {back}")
                }
                Err(error) => {
                    let after = error.to_string().contains("another verifying key");
                    assert!(after || n < end - 1, "moments {n} to {back}: {error}");
                    refused += usize::from(after);
                }
            }
        }
    }
    assert!(refused > 0, "a key that changed after its checks");
}
