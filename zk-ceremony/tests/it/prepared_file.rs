//! Phase 2 of two circuits: the prepared file is verified once, or by the word of auditors or by an
//! own earlier verification; and a participant who sends one of two circuits is told.

use std::fs;

use zk_attest::digest::CircuitDigest;

use crate::kit::Run;
use crate::kit::ceremony::{World, circuit, copy, files};

/// Alice and bob, dana who has no part in it, and two circuits, a and b, that wait for alice.
fn world() -> World {
    let circuits = [("a", circuit(3)), ("b", circuit(4))];
    let listed = |(name, r1cs): &(&str, Vec<u8>)| {
        let digest = CircuitDigest::of(r1cs);
        format!(
            "\n[[circuits]]\nname = \"{name}\"\nsha256 = \"{digest}\"\nprogram = \"{name} v1\"\n"
        )
    };
    let world = World::new(&["alice", "bob"], |toml| {
        let (head, _) = toml.split_once("\n[[circuits]]").unwrap();
        head.to_owned() + &circuits.iter().map(listed).collect::<String>()
    });
    for (name, r1cs) in &circuits {
        world.write("coordinator", &format!("{name}.r1cs"), r1cs);
    }
    fs::create_dir(world.path("dana", "")).unwrap();
    world.ok("dana", "key new key.pem");
    world.ok(
        "coordinator",
        "ceremony new shared --config ceremony.toml --circuit a=a.r1cs --circuit b=b.r1cs --key \
         key.pem",
    );
    for who in ["alice", "bob"] {
        world.contribute(who);
    }
    world.beacon();
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    world
}

fn verified(world: &World, who: &str, step: &str) -> String {
    let bytes = world.read(who, &format!("shared/circuits/{step}.dsse.json"));
    let envelope = zk_attest::envelope::Envelope::from_json(&bytes).unwrap();
    let said: zk_attest::statement::Statement<zk_attest::statement::StepAttestation> =
        zk_attest::statement::Statement::from_payload(envelope.payload()).unwrap();
    said.predicate.verified.to_string()
}

fn contribute(world: &World, who: &str, more: &str) -> Run {
    world.run(who, &format!("ceremony contribute shared --as {who} --key key.pem {more}"))
}

#[track_caller]
fn is_refused(world: &World, who: &str, more: &str, words: &[&str]) {
    let before = files(&world.path(who, "shared"));
    let run = contribute(world, who, more);
    assert_ne!(run.code, 0, "{more}\n{}", run.stdout);
    for word in words {
        assert!(run.stderr.contains(word), "{more}: {word}\n{}", run.stderr);
    }
    assert!(before == files(&world.path(who, "shared")), "{more} changes something");
}

/// Dana verifies what there is, and alice gets her verdicts.
fn audited(world: &World) -> String {
    world.carry("coordinator", "dana");
    world.ok("dana", "ceremony audit shared --so-far --as Dana --key key.pem");
    world.carry("coordinator", "alice");
    copy(&world.path("dana", "shared/audits"), &world.path("alice", "shared/audits"));
    world.public_key("dana").to_string()
}

#[test]
fn the_prepared_file_is_verified_once_for_all_circuits_of_a_turn() {
    let world = world();
    let once = |said: &str| {
        for title in ["verified phase 1, prepared file", "verified circuit a", "verified circuit b"]
        {
            assert_eq!(said.matches(title).count(), 1, "{title}\n{said}");
        }
    };
    for who in ["alice", "bob"] {
        world.carry("coordinator", who);
        let run = contribute(&world, who, "");
        assert_eq!(run.code, 0, "{}", run.stderr);
        once(&run.stderr);
        world.carry(who, "coordinator");
    }
    let value = crate::kit::ceremony::VALUE;
    let run =
        world.run("coordinator", &format!("ceremony beacon shared --value {value} --key key.pem"));
    once(&run.stderr);
    world.ok("coordinator", "ceremony verify shared");
}

#[test]
fn an_auditors_signed_verdict_stands_in_for_the_prepared_file() {
    let world = world();
    let dana = audited(&world);
    let with = format!("--prepared verdicts --auditor {dana}");
    // The file is here: it is compared with, and not verified again.
    let run = contribute(&world, "alice", &format!("{with} --auditor {dana}"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!run.stderr.contains("verified phase 1, prepared file"), "{}", run.stderr);
    let said = "the step before it; the prepared file by the verdict of 1 auditor";
    assert_eq!(verified(&world, "alice", "a/0001"), said, "one key named twice counts once");
    world.carry("alice", "coordinator");
    // Bob has neither the prepared file nor a circuit: a first key and the last one suffice.
    world.carry("coordinator", "bob");
    for file in ["phase1/prepared.ptau", "circuits/a/circuit.r1cs", "circuits/b/circuit.r1cs"] {
        fs::remove_file(world.path("bob", &format!("shared/{file}"))).unwrap();
    }
    let run = contribute(&world, "bob", &with);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let said = "the step before it, from an earlier key; that key and the prepared file by the \
                verdict of 1 auditor";
    assert_eq!(verified(&world, "bob", "b/0002"), said);
    world.carry("bob", "coordinator");
    world.beacon();
    world.ok("coordinator", "ceremony verify shared");
    // Verdicts are public: archived, and listed.
    let sums = String::from_utf8(world.read("coordinator", "shared/SHA256SUMS")).unwrap();
    assert!(sums.contains("/1.prepared.dsse.json\n"), "{sums}");
}

#[test]
fn only_verdicts_of_the_named_keys_on_the_very_file_count() {
    let world = world();
    let dana = audited(&world);
    let bob = world.public_key("bob").to_string();
    is_refused(&world, "alice", "--prepared verdicts", &["names none"]);
    is_refused(&world, "alice", &format!("--auditor {dana}"), &["--prepared verdicts only"]);
    // Both are named, one has said nothing.
    let both = format!("--prepared verdicts --auditor {dana} --auditor {bob}");
    let silent = ["not known to be good", "no verdict of", "these files suffice"];
    is_refused(&world, "alice", &both, &silent);
    // Nor does dana's word under another key's name, or on another file.
    let audits = world.path("alice", "shared/audits");
    let folder = fs::read_dir(&audits).unwrap().next().unwrap().unwrap().path();
    let name = world.public_key("bob").fingerprint().replace(' ', "");
    copy(&folder, &audits.join(&name));
    is_refused(&world, "alice", &format!("--prepared verdicts --auditor {bob}"), &silent);
    fs::copy(folder.join("1.final.dsse.json"), folder.join("1.prepared.dsse.json")).unwrap();
    is_refused(&world, "alice", &format!("--prepared verdicts --auditor {dana}"), &silent);
}

#[test]
fn a_negative_verdict_stops_whoever_relies_on_its_auditor() {
    let world = world();
    world.carry("coordinator", "dana");
    let path = world.path("dana", "shared/phase1/prepared.ptau");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 40;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
    let run = world.run("dana", "ceremony audit shared --so-far --as Dana --key key.pem");
    assert!(run.code == 1 && run.stdout.contains("a negative verdict, signed"), "{}", run.stdout);
    world.carry("coordinator", "alice");
    copy(&world.path("dana", "shared/audits"), &world.path("alice", "shared/audits"));
    let dana = world.public_key("dana");
    let with = format!("--prepared verdicts --auditor {dana}");
    is_refused(&world, "alice", &with, &["Dana found that this file does not hold", "prepared"]);
    // Whoever verifies need not ask her.
    assert_eq!(contribute(&world, "alice", "").code, 0);
}

#[test]
fn known_is_what_the_same_user_has_verified_before() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = world();
    let dana = audited(&world);
    is_refused(&world, "alice", "--prepared known", &["not known to be good", "no verification"]);
    // What rests on somebody else's word is not remembered as one's own.
    let run = contribute(&world, "alice", &format!("--prepared verdicts --auditor {dana}"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    world.carry("alice", "coordinator");
    assert!(!world.state("alice").join("zk-ceremony/verified").exists());

    world.carry("coordinator", "bob");
    world.ok("bob", "ceremony verify shared --read-only");
    let noted = world.state("bob").join("zk-ceremony/verified");
    assert_eq!(fs::metadata(&noted).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&noted, fs::Permissions::from_mode(0o666)).unwrap();
    is_refused(&world, "bob", "--prepared known", &["other accounts can write to it"]);
    fs::set_permissions(&noted, fs::Permissions::from_mode(0o600)).unwrap();
    // Another file under the name of the known one.
    let prepared = world.path("bob", "shared/phase1/prepared.ptau");
    let good = fs::read(&prepared).unwrap();
    let mut bad = good.clone();
    let last = bad.len() - 40;
    bad[last] ^= 1;
    fs::write(&prepared, bad).unwrap();
    is_refused(&world, "bob", "--prepared known", &["prepared.ptau"]);
    fs::write(&prepared, good).unwrap();
    let run = contribute(&world, "bob", "--prepared known");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let said = "the step before it; the prepared file by an earlier verification of the same \
                digest";
    assert_eq!(verified(&world, "bob", "a/0002"), said);
}

#[test]
fn without_the_prepared_file_the_last_key_must_follow_from_the_known_one() {
    let world = world();
    let dana = audited(&world);
    world.contribute("alice");
    // Alice attests a key with two points of L exchanged: its records hold.
    let mut bytes = world.read("coordinator", "shared/circuits/a/0001.zkey");
    let l = bytes.len() / 2;
    bytes[l] ^= 1;
    world.replace("circuits/a/0001.zkey", "alice", &bytes);
    world.carry("coordinator", "bob");
    copy(&world.path("dana", "shared/audits"), &world.path("bob", "shared/audits"));
    fs::remove_file(world.path("bob", "shared/phase1/prepared.ptau")).unwrap();
    let with = format!("--prepared verdicts --auditor {dana}");
    is_refused(&world, "bob", &with, &["circuits/a/0001.zkey"]);
    // No known key is left to begin from.
    fs::remove_file(world.path("bob", "shared/circuits/a/0000.zkey")).unwrap();
    is_refused(&world, "bob", &with, &["no key of this circuit", "these files suffice"]);
}

#[test]
fn a_missing_file_is_called_missing_and_those_that_suffice_are_named() {
    let world = world();
    world.carry("coordinator", "alice");
    fs::remove_file(world.path("alice", "shared/phase1/prepared.ptau")).unwrap();
    let words = [
        "phase 1's prepared file is missing from this copy",
        "these files suffice: shared/phase1/prepared.ptau, shared/circuits/a/circuit.r1cs, \
         shared/circuits/a/0000.zkey",
        "--prepared verdicts --auditor KEY",
    ];
    is_refused(&world, "alice", "", &words);
    // What is not named is not needed.
    world.carry("coordinator", "alice");
    for file in ["phase1/0000.ptau", "phase1/0001.ptau", "phase1/final.ptau"] {
        fs::remove_file(world.path("alice", &format!("shared/{file}"))).unwrap();
    }
    assert_eq!(contribute(&world, "alice", "").code, 0);
}

const WORDS: &str = "--as alice --tool other --entropy dice --destruction burnt --key key.pem";

/// Alice's contributions, made elsewhere: `made-a.zkey` and `made-b.zkey`.
fn made(world: &World) {
    world.carry("coordinator", "alice");
    for name in ["a", "b"] {
        let last = format!("shared/circuits/{name}/0000.zkey");
        world.ok("alice", &format!("zkey contribute {last} made-{name}.zkey --name alice"));
    }
}

#[test]
fn attest_takes_the_files_of_all_circuits_in_one_call_and_finds_out_which_is_which() {
    let world = world();
    made(&world);
    let attest =
        |files: &str| world.run("alice", &format!("ceremony attest shared {files} {WORDS}"));
    let before = files(&world.path("alice", "shared"));
    // All or nothing.
    for (given, said) in [
        ("made-a.zkey shared/circuits/b/0000.zkey", "too few contributions"),
        ("made-a.zkey a=made-b.zkey", "two files for circuit a"),
        ("a=made-b.zkey b=made-a.zkey", "made-b.zkey"),
        ("made-a.zkey shared/circuits/a/circuit.r1cs", "another kind of file"),
    ] {
        let run = attest(given);
        assert!(run.code != 0 && run.stderr.contains(said), "{given}\n{}", run.stderr);
        assert!(before == files(&world.path("alice", "shared")), "{given} adds something");
    }
    let run = attest("made-b.zkey made-a.zkey");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stderr.matches("verified phase 1, prepared file").count(), 1, "{}", run.stderr);
    assert!(!run.stdout.contains("not yet to"), "{}", run.stdout);
    for name in ["a", "b"] {
        let taken = world.read("alice", &format!("shared/circuits/{name}/0001.zkey"));
        assert!(taken == world.read("alice", &format!("made-{name}.zkey")), "{name}");
    }
    world.carry("alice", "coordinator");
    world.contribute("bob");
    world.beacon();
    world.ok("coordinator", "ceremony verify shared");
}

#[test]
fn whoever_contributed_to_one_of_two_circuits_is_told_by_every_command() {
    let world = world();
    made(&world);
    let half = "alice contributed to a, not yet to b";
    let said = world.ok("alice", &format!("ceremony attest shared a=made-a.zkey {WORDS}"));
    assert!(said.contains(half), "{said}");
    let inbox = world.path("coordinator", "inbox");
    fs::create_dir(&inbox).unwrap();
    for file in ["0001.zkey", "0001.dsse.json"] {
        fs::copy(world.path("alice", &format!("shared/circuits/a/{file}")), inbox.join(file))
            .unwrap();
    }
    let said = world.ok("coordinator", "ceremony accept shared inbox");
    assert!(said.contains(half), "{said}");
    let said = world.ok("coordinator", "ceremony status shared");
    assert!(said.contains(half), "{said}");
    let status: serde_json::Value =
        serde_json::from_str(&world.ok("coordinator", "ceremony status shared --json")).unwrap();
    assert_eq!(
        status["halves"],
        serde_json::json!([{
            "participant": "alice", "contributed_to": ["a"], "not_yet_to": ["b"]
        }])
    );
    // The rest, and nobody is told any more.
    let said = world.ok("alice", "ceremony contribute shared --as alice --key key.pem");
    assert!(!said.contains("not yet to"), "{said}");
}

#[test]
fn status_names_the_file_to_contribute_to_next() {
    let world = world();
    world.contribute("alice");
    let said = world.ok("coordinator", "ceremony status shared");
    for name in ["a", "b"] {
        assert!(said.contains(&format!("last file: shared/circuits/{name}/0001.zkey")), "{said}");
    }
    assert_eq!(said.matches("last file:").count(), 2, "phase 1 is closed\n{said}");
    world.contribute("bob");
    world.beacon();
    let said = world.ok("coordinator", "ceremony status shared");
    assert!(!said.contains("last file:"), "{said}");
}
