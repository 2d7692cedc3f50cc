//! A ceremony between machines that share nothing but a folder that is carried around, and what its
//! parties read when something is wrong.

use std::fs;
use std::process::Command;

use zk_attest::digest::FileDigest;
use zk_attest::statement::Sha256Hex;
use zk_vk_guard::transcript::CheckedTranscript;

use crate::kit::ceremony::{VALUE, World, copy, files};

const COMMANDS: [&str; 15] = [
    "new",
    "contribute",
    "attest",
    "beacon",
    "prepare",
    "keygen",
    "verify",
    "status",
    "find",
    "reject",
    "audit",
    "accept",
    "tidy",
    "archive",
    "",
];

#[test]
fn every_command_has_help_with_an_example() {
    let world = World::new(&[], |toml| toml);
    for command in COMMANDS {
        let help = world.ok("coordinator", &format!("ceremony {command} --help"));
        assert!(help.contains("Example") && help.contains("zk-ceremony ceremony"), "{command}");
    }
    assert!(world.ok("coordinator", "bundle create --help").contains("Example"));
}

#[test]
fn two_people_and_a_coordinator_make_keys_that_both_tools_accept() {
    let people = ["alice", "bob"];
    let world = World::new(&people, |toml| toml);
    world.open();
    let status = |who: &str| -> serde_json::Value {
        serde_json::from_str(&world.ok(who, "ceremony status shared --json")).unwrap()
    };
    assert_eq!(status("coordinator")["waiting_for"], serde_json::json!(["alice"]));
    world.contribute("alice");
    assert_eq!(status("coordinator")["waiting_for"], serde_json::json!(["bob"]));
    assert!(
        world.ok("coordinator", "ceremony verify shared").contains("NOT FINISHED; good so far")
    );
    world.contribute("bob");
    assert_eq!(status("coordinator")["waiting_for"], serde_json::json!(["Coordinator"]));
    world.beacon();
    assert!(status("coordinator")["next"].as_str().unwrap().contains("prepare"));
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    people.iter().for_each(|who| world.contribute(who));
    world.beacon();
    assert!(status("coordinator")["next"].as_str().unwrap().contains("keygen"));
    world.ok("coordinator", "ceremony keygen shared");
    world.ok("coordinator", "ceremony verify shared");
    let now = status("coordinator");
    assert_eq!(
        (&now["verified"]["result"], &now["verified"]["steps_since"]),
        (&serde_json::json!("good"), &serde_json::json!(0))
    );
    assert!(now["next"].as_str().unwrap().contains("bundle create"));

    // An auditor with snarkjs alone.
    let snarkjs = crate::kit::Folder::new();
    copy(&world.path("coordinator", "shared"), &snarkjs.path("shared"));
    assert!(
        snarkjs
            .snarkjs("powersoftau verify shared/phase1/prepared.ptau")
            .contains("Powers of Tau Ok!")
    );
    let line = "zkey verify shared/circuits/main/circuit.r1cs shared/phase1/prepared.ptau \
                shared/circuits/main/final.zkey";
    assert!(snarkjs.snarkjs(line).contains("ZKey Ok!"));
    snarkjs.snarkjs("zkey export verificationkey shared/circuits/main/final.zkey theirs.json");
    let json = |bytes: Vec<u8>| -> serde_json::Value { serde_json::from_slice(&bytes).unwrap() };
    assert_eq!(
        json(snarkjs.read("shared/circuits/main/snarkjs/verification_key.json")),
        json(snarkjs.read("theirs.json"))
    );

    // Standard tools accept the sums, and notice a changed byte.
    let sums = |root: &std::path::Path| {
        Command::new("sha256sum")
            .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
            .current_dir(root)
            .output()
            .unwrap()
    };
    assert!(sums(&snarkjs.path("shared")).status.success());
    snarkjs.write("shared/phase1/0001.dsse.json", b"{}");
    assert!(!sums(&snarkjs.path("shared")).status.success());

    // Each participant finds the contribution in the result.
    for who in people {
        world.carry("coordinator", who);
        let found: serde_json::Value = serde_json::from_str(
            &world.ok(who, &format!("ceremony find shared --participant {who} --json")),
        )
        .unwrap();
        assert_eq!(
            (&found["verified"], found["contributions"].as_array().unwrap().len()),
            (&serde_json::json!(true), 2)
        );
        assert!(
            found["contributions"]
                .as_array()
                .unwrap()
                .iter()
                .all(|step| step["in_the_result"] == true)
        );
    }
}

#[test]
fn the_same_folder_gives_the_same_transcript_and_archive_everywhere() {
    let world = World::whole(&["alice"]);
    world.carry("coordinator", "alice");
    for who in ["coordinator", "alice"] {
        world.ok(who, "ceremony verify shared");
    }
    let transcript = world.read("coordinator", "shared/transcript.json");
    assert_eq!(transcript, world.read("alice", "shared/transcript.json"));
    let checked = CheckedTranscript::from_json(&transcript).unwrap();
    assert_eq!(checked.phase1_contributors().len(), 1);
    assert_eq!(checked.transcript().circuits[0].steps.len(), 2);

    // Reports carry times; without them the archives of two copies are the same, and proving keys
    // are in neither.
    world.ok("coordinator", "ceremony keygen shared");
    fs::create_dir(world.path("coordinator", "elsewhere")).unwrap();
    // SHA256SUMS does not name the keys, and no reader would take such an archive.
    let run = world.run("coordinator", "ceremony archive shared elsewhere/a.tar");
    assert!(run.code == 1 && run.stderr.contains("ceremony verify shared"), "{}", run.stderr);
    assert!(!world.path("coordinator", "elsewhere/a.tar").exists());
    world.ok("coordinator", "ceremony verify shared");
    world.carry("coordinator", "alice");
    world.ok("coordinator", "ceremony archive shared elsewhere/a.tar");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    world.ok("alice", "ceremony archive shared a.tar");
    let tar = world.read("coordinator", "elsewhere/a.tar");
    assert!(tar == world.read("alice", "a.tar"));
    let has = |needle: &str| tar.windows(needle.len()).any(|window| window == needle.as_bytes());
    assert!(has("test-ceremony/circuits/main/final.zkey") && !has("PRIVATE KEY"));
    let list = Command::new("tar").arg("-tf").arg(world.path("alice", "a.tar")).output().unwrap();
    let names = String::from_utf8_lossy(&list.stdout);
    assert!(list.status.success() && names.contains("test-ceremony/transcript.json"), "{names}");
    assert!(!names.contains("private") && !names.contains(".lock"), "{names}");
}

#[test]
fn what_a_participant_can_meet_names_cause_and_cure() {
    let world = World::new(&["alice", "bob"], |toml| toml);
    world.open();
    world.carry("coordinator", "alice");
    world.carry("coordinator", "bob");
    world.refused(
        "ceremony_out_of_turn",
        "bob",
        "ceremony contribute shared --as bob --key key.pem",
    );
    world.refused(
        "ceremony_not_in_the_roster",
        "bob",
        "ceremony contribute shared --as mallory --key key.pem",
    );
    world.refused(
        "ceremony_another_key",
        "bob",
        "ceremony contribute shared --as alice --key key.pem",
    );
    world.refused(
        "ceremony_not_the_coordinator",
        "bob",
        &format!("ceremony beacon shared --value {VALUE} --key key.pem"),
    );
    world.refused(
        "ceremony_beacon_too_early",
        "coordinator",
        &format!("ceremony beacon shared --value {VALUE} --key key.pem"),
    );
    world.refused(
        "ceremony_prepare_too_early",
        "coordinator",
        "ceremony prepare shared --key key.pem",
    );
    world.refused("ceremony_keygen_too_early", "coordinator", "ceremony keygen shared");
    world.refused("ceremony_find_nobody", "bob", "ceremony find shared --participant mallory");
    world.refused("ceremony_find_not_yet", "bob", "ceremony find shared --participant bob");
    world.refused("ceremony_no_folder", "bob", "ceremony status nowhere");
    world.refused(
        "ceremony_new_again",
        "coordinator",
        "ceremony new other --config ceremony.toml --key key.pem",
    );
    world.contribute("alice");
    world.carry("coordinator", "alice");
    world.refused("ceremony_twice", "alice", "ceremony contribute shared --as alice --key key.pem");
    // Passed over by agreement.
    let world = World::new(&["alice", "bob"], |toml| toml);
    world.open();
    world.ok("coordinator", "ceremony status shared");
    world.carry("coordinator", "bob");
    world.ok("bob", "ceremony contribute shared --as bob --skip alice --key key.pem");
}

#[test]
fn rules_that_contradict_the_files_open_nothing() {
    let world = World::new(&["alice"], |toml| toml);
    let toml = String::from_utf8(world.read("coordinator", "ceremony.toml")).unwrap();
    let new = "ceremony new shared --config bad.toml --circuit main=circuit.r1cs --key key.pem";
    for (name, from, to) in [
        ("ceremony_new_power", "power = 4", "power = 1"),
        ("ceremony_new_typo", "power = 4", "pwoer = 4"),
        ("ceremony_new_minimum", "phase2 = 1", "phase2 = 2"),
    ] {
        world.write("coordinator", "bad.toml", toml.replace(from, to).as_bytes());
        world.refused(name, "coordinator", new);
    }
    let digest = toml.lines().find(|line| line.starts_with("sha256")).unwrap();
    world.write(
        "coordinator",
        "bad.toml",
        toml.replace(digest, &format!("sha256 = \"{}\"", "0".repeat(64))).as_bytes(),
    );
    world.refused("ceremony_new_other_circuit", "coordinator", new);
}

#[test]
fn rules_are_checked_without_opening_and_a_refusal_leaves_no_folder() {
    let world = World::new(&["alice"], |toml| toml);
    let rules = "--config ceremony.toml --circuit main=circuit.r1cs";
    let checked = world.ok("coordinator", &format!("ceremony new --check {rules}"));
    assert!(checked.contains("these rules can be opened") && checked.contains("alice"));
    let bad = String::from_utf8(world.read("coordinator", "ceremony.toml")).unwrap();
    world.write("coordinator", "bad.toml", bad.replace("power = 4", "power = 1").as_bytes());
    let refused = "ceremony new --check --config bad.toml --circuit main=circuit.r1cs";
    assert_eq!(world.run("coordinator", refused).code, 1);
    // Not the coordinator's key.
    let key = world.path("alice", "key.pem").display().to_string();
    let refused = world.run("coordinator", &format!("ceremony new shared {rules} --key {key}"));
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("this step is the coordinator's"), "{}", refused.stderr);
    assert!(!world.path("coordinator", "shared").exists());
    world.open();
}

#[test]
fn a_circuit_of_power_15_opens_with_that_power() {
    let world = World::new(&["alice"], |toml| toml);
    let toml = String::from_utf8(world.read("coordinator", "ceremony.toml")).unwrap();
    let circuit = testkit::squares::squares(15);
    let digest = toml.lines().find(|line| line.starts_with("sha256")).unwrap();
    let rules = toml
        .replace("power = 4", "power = 15")
        .replace(digest, &format!("sha256 = \"{}\"", FileDigest::of(&circuit)));
    world.write("coordinator", "large.toml", rules.as_bytes());
    world.write("coordinator", "large.r1cs", &circuit);
    world.ok(
        "coordinator",
        "ceremony new large --config large.toml --circuit main=large.r1cs --key key.pem",
    );
}

#[test]
fn a_production_ceremony_takes_no_beacon_out_of_the_hat() {
    let world = World::new(&["alice"], |toml| toml.replace("\"rehearsal\"", "\"production\""));
    world.open();
    world.contribute("alice");
    world.refused(
        "ceremony_random_beacon",
        "coordinator",
        "ceremony beacon shared --random --key key.pem",
    );
    world.beacon();
}

/// Replaces a step's file, and has its maker attest the new bytes.
fn replace_attested(
    world: &World,
    name: &str,
    extension: &str,
    who: &str,
    edit: impl FnOnce(&mut Vec<u8>),
) {
    let mut bytes = world.read("coordinator", &format!("shared/{name}.{extension}"));
    edit(&mut bytes);
    let digest = FileDigest::of(&bytes);
    world.write("coordinator", &format!("shared/{name}.{extension}"), &bytes);
    world.attest_again("coordinator", &format!("shared/{name}.dsse.json"), who, |statement| {
        statement.subject[0].digest.sha256 = Sha256Hex(digest.0);
    });
}

#[test]
fn a_bad_contribution_is_named_rejected_and_replaced() {
    let world = World::new(&["alice", "bob"], |toml| toml);
    world.open();
    world.contribute("alice");
    world.contribute("bob");
    // Bob attests a file with two powers of tau swapped: everything that is signed holds, the
    // mathematics does not.
    replace_attested(&world, "phase1/0002", "ptau", "bob", |bytes| {
        let section = 12 + 12 + 44 + 12;
        let (a, b) = (section + 5 * 64, section + 6 * 64);
        let first: Vec<u8> = bytes[a..a + 64].to_vec();
        bytes.copy_within(b..b + 64, a);
        bytes[b..b + 64].copy_from_slice(&first);
    });
    let run = world.run("coordinator", "ceremony verify shared");
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("0002.ptau") && run.stderr.contains("check 5"), "{}", run.stderr);
    let report: serde_json::Value =
        serde_json::from_slice(&world.read("coordinator", "shared/report.json")).unwrap();
    assert_eq!(report["result"], "bad");
    assert_eq!(report["failure"]["title"], "phase 1, step 2 (contribution): bob");
    assert!(
        String::from_utf8(world.read("coordinator", "shared/report.html"))
            .unwrap()
            .contains("What does not hold")
    );
    world.refused(
        "ceremony_beacon_on_a_bad_file",
        "coordinator",
        &format!("ceremony beacon shared --value {VALUE} --key key.pem"),
    );

    world.refused(
        "ceremony_reject_not_there",
        "coordinator",
        "ceremony reject shared 7 --reason \"is bad\" --key key.pem",
    );
    world.ok(
        "coordinator",
        "ceremony reject shared 2 --reason \"fails check 5 of phase 1\" --key key.pem",
    );
    world.contribute("bob");
    assert!(world.path("coordinator", "shared/phase1/0002-2.ptau").exists());
    assert!(world.path("coordinator", "shared/phase1/0002.ptau").exists(), "the evidence stays");
    world.beacon();
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    world.refused(
        "ceremony_reject_too_late",
        "coordinator",
        "ceremony reject shared 1 --reason \"is bad\" --key key.pem",
    );
    world.contribute("alice");
    world.contribute("bob");
    // In phase 2, what was built on a rejected step goes with it.
    world.ok(
        "coordinator",
        "ceremony reject shared 1 --circuit main --reason \"alice withdraws\" --key key.pem",
    );
    world.contribute("alice");
    world.contribute("bob");
    world.beacon();
    world.ok("coordinator", "ceremony verify shared");
    let checked =
        CheckedTranscript::from_json(&world.read("coordinator", "shared/transcript.json")).unwrap();
    assert_eq!(checked.transcript().rejected.len(), 3);
    assert!(world.path("coordinator", "shared/circuits/main/0002.reject.dsse.json").exists());
}

#[test]
fn nobody_but_the_coordinator_takes_a_step_out() {
    let world = World::whole(&["alice", "bob"]);
    world.refused(
        "ceremony_reject_by_another",
        "bob",
        "ceremony reject shared 1 --reason \"no\" --circuit main --key key.pem",
    );
}

#[test]
fn read_only_writes_nothing_and_what_was_written_before_must_be_the_same() {
    let world = World::whole(&["alice"]);
    let before = files(&world.path("coordinator", "shared"));
    world.ok("coordinator", "ceremony verify shared --read-only --json");
    assert!(files(&world.path("coordinator", "shared")) == before);
    world.ok("coordinator", "ceremony keygen shared");
    world.ok("coordinator", "ceremony verify shared");
    world.write("coordinator", "shared/transcript.json", b"{}");
    assert!(
        world
            .run("coordinator", "ceremony verify shared")
            .stderr
            .contains("it is not what this ceremony gives"),
        "transcript edited"
    );
    fs::remove_file(world.path("coordinator", "shared/transcript.json")).unwrap();
    world.write("coordinator", "shared/circuits/main/ark/verifying_key.compressed.bin", b"x");
    assert_eq!(world.run("coordinator", "ceremony verify shared").code, 1, "exported key edited");
}

#[test]
fn an_attestation_whose_file_never_came_is_replaced() {
    let world = World::new(&["alice", "bob"], |toml| toml);
    world.open();
    world.contribute("alice");
    // Killed between the two renames.
    fs::remove_file(world.path("coordinator", "shared/phase1/0001.ptau")).unwrap();
    fs::write(world.path("coordinator", "shared/phase1/.zk-ceremony-abc.partial"), b"half")
        .unwrap();
    fs::remove_file(world.path("alice", "shared/phase1/0001.ptau")).unwrap();
    world.contribute("alice");
    world.contribute("bob");
    world.ok("coordinator", "ceremony verify shared");
    world.beacon();
    assert!(
        !world.path("coordinator", "shared/phase1/.zk-ceremony-abc.partial").exists(),
        "leftovers go"
    );
}

#[test]
fn an_attestation_whose_file_never_came_is_replaced_after_a_rejection_too() {
    let world = World::finished();
    for name in ["final.zkey", "final.dsse.json"] {
        fs::remove_file(world.shared(&format!("circuits/main/{name}"))).unwrap();
    }
    world.ok(
        "coordinator",
        "ceremony reject shared 2 --circuit main --reason \"bob withdraws\" --key key.pem",
    );
    world.contribute("bob");
    fs::remove_file(world.shared("circuits/main/0002-2.zkey")).unwrap();
    fs::remove_file(world.path("bob", "shared/circuits/main/0002-2.zkey")).unwrap();
    world.contribute("bob");
    world.beacon();
    world.ok("coordinator", "ceremony verify shared");
}

#[test]
fn each_step_says_what_its_maker_had_verified() {
    let world = World::finished();
    for (file, words) in [
        ("phase1/0000", "nothing"),
        ("phase1/0001", "the step before it"),
        ("phase1/final", "the step before it"),
        ("phase1/prepared", "the step before it"),
        ("circuits/main/0000", "phase 1's prepared file"),
        ("circuits/main/0002", "the step before it and phase 1's prepared file"),
        ("circuits/main/final", "the step before it and phase 1's prepared file"),
    ] {
        let said = world.words(&format!("{file}.dsse.json")).predicate.verified;
        assert_eq!(said.as_str(), words, "{file}");
    }
    // Whoever reads an attestation, or the report, sees it.
    world.ok("coordinator", "ceremony verify shared");
    let report = String::from_utf8(world.read("coordinator", "shared/report.html")).unwrap();
    assert!(report.contains("<dd>the step before it and phase 1&#39;s prepared file</dd>"));
}

#[test]
fn a_participant_needs_only_the_last_file_of_the_chain() {
    let world = World::new(&["alice", "bob"], |toml| toml);
    world.open();
    world.contribute("alice");
    world.carry("coordinator", "bob");
    fs::remove_file(world.path("bob", "shared/phase1/0000.ptau")).unwrap();
    world.ok("bob", "ceremony contribute shared --as bob --key key.pem");
    let status = world.ok("bob", "ceremony status shared");
    assert!(status.contains("not in this copy: shared/phase1/0000.ptau"), "{status}");
    assert_ne!(world.run("bob", "ceremony verify shared").code, 0, "an audit needs every file");
}

#[test]
fn a_phase_1_of_somebody_elses_is_pinned_and_continued_or_taken_as_it_is() {
    let open = crate::kit::Folder::new();
    open.ours("ptau new --power 4 0.ptau");
    open.ours("ptau contribute 0.ptau 1.ptau --name else");
    open.ours(&format!("ptau beacon 1.ptau 2.ptau --value {VALUE} --exponent 10"));
    open.ours("ptau prepare 2.ptau prepared.ptau");
    // Cut to this power from a larger one, without a beacon: nobody can contribute to what is left
    // of it.
    open.ours("ptau new --power 5 5.ptau");
    open.ours("ptau contribute 5.ptau 6.ptau --name else");
    open.ours("ptau prepare 6.ptau cut.ptau");
    open.snarkjs("powersoftau truncate cut.ptau");
    let cut =
        open.names().into_iter().find(|name| name.contains("04.ptau")).expect("a file of power 4");
    for (file, extend) in
        [("1.ptau", true), ("2.ptau", false), ("prepared.ptau", false), (cut.as_str(), false)]
    {
        let bytes = open.read(file);
        let digest = FileDigest::of(&bytes);
        let start = format!(
            "\n[phase1_start]\nsha256 = \"{digest}\"\ndescription = \"a file\"\nextend = \
             {extend}\n\n[[circuits]]"
        );
        let world = World::new(&["alice"], |toml| {
            let toml = toml.replace("\n[[circuits]]", &start);
            // What nobody contributes to has no minimum and no beacon.
            let (head, rest) = toml.split_once("[beacon.phase1]").unwrap();
            let (_, phase2) = rest.split_once("[beacon.phase2]").unwrap();
            let closed = format!("{head}[beacon.phase2]{phase2}").replace("phase1 = 1\n", "");
            if extend { toml.clone() } else { closed }
        });
        world.write("coordinator", "start.ptau", &bytes);
        let new =
            "ceremony new shared --config ceremony.toml --circuit main=circuit.r1cs --key key.pem";
        assert_eq!(world.run("coordinator", new).code, 2, "the file is asked for");
        assert!(!world.path("coordinator", "shared").exists());
        world.write("coordinator", "other.ptau", &open.read("0.ptau"));
        assert_eq!(
            world.run("coordinator", &format!("{new} --ptau other.ptau")).code,
            1,
            "another file is refused"
        );
        assert!(!world.path("coordinator", "shared").exists());
        world.ok("coordinator", &format!("{new} --ptau start.ptau"));
        if extend {
            world.contribute("alice");
            world.beacon();
        }
        world.ok("coordinator", "ceremony prepare shared --key key.pem");
        world.contribute("alice");
        world.beacon();
        world.ok("coordinator", "ceremony verify shared");
        let checked =
            CheckedTranscript::from_json(&world.read("coordinator", "shared/transcript.json"))
                .unwrap();
        assert_eq!(checked.transcript().phase1.start.file_sha256, digest);
        assert_eq!(checked.phase1_contributors().len(), usize::from(extend));
        // Closed or not is what the file says, not what the rules hope.
        let wrong = World::new(&["alice"], |toml| {
            toml.replace(
                "\n[[circuits]]",
                &start.replace(&format!("extend = {extend}"), &format!("extend = {}", !extend)),
            )
        });
        wrong.write("coordinator", "start.ptau", &bytes);
        let run = wrong.run("coordinator", &format!("{new} --ptau start.ptau"));
        assert!(
            run.code == 1 && run.stderr.contains("whether participants contribute"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn auditor_and_release_authority_sign_what_the_folder_gives() {
    let world = World::whole(&["alice"]);
    world.ok("coordinator", "ceremony keygen shared");
    world.refused(
        "ceremony_bundle_without_date",
        "coordinator",
        "bundle create shared --serial 1 --not-after tomorrow",
    );
    world.ok("coordinator", "ceremony audit shared --as Dana --key key.pem");
    assert_eq!(fs::read_dir(world.path("coordinator", "shared/audits")).unwrap().count(), 1);
    world.ok("coordinator", "ceremony verify shared");
    world.ok("coordinator", "bundle create shared --serial 1 --not-after 2099-12-31T23:59:59Z");
    world.refused(
        "ceremony_bundle_exists",
        "coordinator",
        "bundle create shared --serial 2 --not-after 2099-12-31T23:59:59Z",
    );
    world.ok("coordinator", "bundle sign shared/bundle.json --yes --key key.pem");
    world.carry("coordinator", "alice");
    world.ok("alice", "ceremony audit shared --as Alice --method \"snarkjs too\" --key key.pem");
    let bundle =
        zk_vk_guard::Bundle::from_json(&world.read("alice", "shared/bundle.json")).unwrap();
    let keys = [world.public_key("coordinator"), world.public_key("alice")];
    assert_eq!(bundle.envelope().signers(&keys).len(), 2);
    // A bundle of another ceremony is not signed.
    let other = World::whole(&["alice"]);
    other.ok("coordinator", "bundle create shared --serial 1 --not-after 2099-12-31T23:59:59Z");
    world.write("alice", "shared/bundle.json", &other.read("coordinator", "shared/bundle.json"));
    let run = world.run("alice", "ceremony audit shared --as Alice --key key.pem");
    assert!(run.code == 1 && run.stderr.contains("another ceremony"), "{}", run.stderr);
}

#[test]
fn a_verification_that_did_not_see_every_file_finishes_nothing() {
    use ceremony_core::progress::NoProgress;
    use ceremony_folder::{Ceremony, Depth, Verification};
    let world = World::whole(&["alice"]);
    let ceremony = Ceremony::open(&world.path("coordinator", "shared")).unwrap();
    let refused = |verification: Verification<'_>, what: &str| {
        let error = verification.finish().unwrap_err().to_string();
        assert!(error.contains("not every file was verified"), "{what}: {error}");
    };
    refused(Verification::new(&ceremony, Depth::EveryFile).unwrap(), "nothing was verified");
    let mut half = Verification::new(&ceremony, Depth::EveryFile).unwrap();
    half.next_part(&NoProgress).unwrap().unwrap();
    refused(half, "one file was verified");
    for track in ceremony.chains().map(|chain| chain.track.clone()) {
        let mut last = Verification::new(&ceremony, Depth::LastOf(vec![track])).unwrap();
        last.run(&NoProgress).unwrap();
        refused(last, "only the last file of a chain was verified");
    }
    // What failed is over: neither the file after it nor the same one once more, and no end,
    // although every part was begun.
    for (bad, more) in [("phase1/0000.ptau", 7), ("circuits/main/final.zkey", 0)] {
        let good = world.read("coordinator", &format!("shared/{bad}"));
        fs::write(world.shared(bad), b"bad").unwrap();
        let mut failed = Verification::new(&ceremony, Depth::EveryFile).unwrap();
        failed.run(&NoProgress).unwrap_err();
        assert!(
            (0..=more).all(|_| failed.next_part(&NoProgress).is_none()),
            "nothing comes after {bad}"
        );
        refused(failed, bad);
        fs::write(world.shared(bad), good).unwrap();
    }
    let mut all = Verification::new(&ceremony, Depth::EveryFile).unwrap();
    all.run(&NoProgress).unwrap();
    assert_eq!(all.finish().unwrap().keys().len(), 1);
    // A ceremony that is not over has no end either, however much of it was verified.
    world.ok(
        "coordinator",
        "ceremony reject shared final --circuit main --reason \"no\" --key key.pem",
    );
    let open = Ceremony::open(&world.path("coordinator", "shared")).unwrap();
    let mut all = Verification::new(&open, Depth::EveryFile).unwrap();
    all.run(&NoProgress).unwrap();
    let error = all.finish().unwrap_err().to_string();
    assert!(error.contains("both phases closed by their beacons"), "{error}");
}

/// Five parties, two of whom have nothing but snarkjs and our command for the attestation.
#[test]
fn five_parties_of_whom_two_contribute_with_snarkjs() {
    let people = ["alice", "bob", "carol", "dave", "erin"];
    let world = World::new(&people, |toml| toml);
    world.open();
    let attest = "--tool \"snarkjs 0.7.6\" --entropy \"snarkjs and dice\" --destruction \"the \
                  machine was switched off\" --key key.pem";
    let with_snarkjs = |who: &str, kind: &str, last: &str, made: &str| {
        world.carry("coordinator", who);
        let folder = crate::kit::Folder::new();
        copy(&world.path(who, "shared"), &folder.path("shared"));
        folder.snarkjs(&format!("{kind} contribute shared/{last} {made} -n={who} -e=dice"));
        world.write(who, made, &folder.read(made));
        world.ok(who, &format!("ceremony attest shared {made} --as {who} {attest}"));
        world.carry(who, "coordinator");
    };
    world.contribute("alice");
    with_snarkjs("bob", "powersoftau", "phase1/0001.ptau", "mine.ptau");
    world.contribute("carol");
    with_snarkjs("dave", "powersoftau", "phase1/0003.ptau", "mine.ptau");
    world.contribute("erin");
    world.beacon();
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    world.contribute("alice");
    with_snarkjs("bob", "zkey", "circuits/main/0001.zkey", "mine.zkey");
    world.contribute("carol");
    with_snarkjs("dave", "zkey", "circuits/main/0003.zkey", "mine.zkey");
    // What is not one contribution more than the last step is not attested.
    world.carry("coordinator", "erin");
    world.ok("erin", "zkey contribute shared/circuits/main/0004.zkey once.zkey --name erin");
    world.ok("erin", "zkey contribute once.zkey twice.zkey --name erin");
    world.refused(
        "ceremony_attest_two",
        "erin",
        &format!("ceremony attest shared twice.zkey --as erin {attest}"),
    );
    world.ok("erin", "zkey contribute shared/circuits/main/0003.zkey fork.zkey --name erin");
    world.refused(
        "ceremony_attest_fork",
        "erin",
        &format!("ceremony attest shared fork.zkey --as erin {attest}"),
    );
    world.refused(
        "ceremony_attest_not_a_key",
        "erin",
        &format!("ceremony attest shared shared/ceremony.toml --as erin {attest}"),
    );
    world.contribute("erin");
    world.beacon();
    world.ok("coordinator", "ceremony keygen shared");
    world.ok("coordinator", "ceremony verify shared");
    let snarkjs = crate::kit::Folder::new();
    copy(&world.path("coordinator", "shared"), &snarkjs.path("shared"));
    assert!(
        snarkjs
            .snarkjs("powersoftau verify shared/phase1/prepared.ptau")
            .contains("Powers of Tau Ok!")
    );
    let line = "zkey verify shared/circuits/main/circuit.r1cs shared/phase1/prepared.ptau \
                shared/circuits/main/final.zkey";
    assert!(snarkjs.snarkjs(line).contains("ZKey Ok!"));
    let checked =
        CheckedTranscript::from_json(&world.read("coordinator", "shared/transcript.json")).unwrap();
    assert_eq!(checked.phase1_contributors().len(), 5);
}

#[test]
fn no_secret_is_in_arguments_output_or_files() {
    let world = World::new(&["alice"], |toml| toml);
    let secret = "correct-horse-battery-staple-0451";
    world.write("alice", "dice.txt", secret.as_bytes());
    let pem = String::from_utf8(world.read("alice", "key.pem")).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    world.open();
    world.carry("coordinator", "alice");
    let line = "ceremony contribute shared --as alice --entropy-file dice.txt --key key.pem";
    let run = world.run("alice", line);
    assert_eq!(run.code, 0, "{}", run.stderr);
    world.carry("alice", "coordinator");
    let mut said = format!("{line}{}{}", run.stdout, run.stderr);
    for line in [
        "ceremony verify shared",
        "ceremony verify shared --json",
        "ceremony status shared",
        "ceremony find shared --participant alice --json",
    ] {
        let run = world.run("coordinator", line);
        said += &format!("{}{}", run.stdout, run.stderr);
    }
    let mut everything = said.into_bytes();
    files(&world.path("coordinator", "shared"))
        .into_iter()
        .for_each(|(_, bytes)| everything.extend(bytes));
    let seed = crate::kit::ceremony::seed(&pem);
    let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    for needle in [secret.as_bytes(), body.as_bytes(), hex.as_bytes(), &seed[..]] {
        assert!(!everything.windows(needle.len()).any(|window| window == needle));
    }
    assert!(
        everything.windows(5).any(|window| window == b"alice"),
        "the search finds what is there"
    );
}
