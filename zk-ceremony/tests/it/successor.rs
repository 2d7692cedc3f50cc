//! The successor of a ceremony: its rules, its bundle, and the policy's edit.

use std::fs;

use ceremony_folder::Config;
use zk_attest::digest::TranscriptDigest;

use crate::kit::ceremony::World;

/// A finished ceremony of alice and bob, whose bundle has the serial 3.
fn finished() -> World {
    let world = World::finished();
    world.ok("coordinator", "ceremony verify shared");
    world.ok("coordinator", "bundle create shared --serial 3 --not-after 2099-12-31T23:59:59Z");
    world
}

const NEXT: &str = "ceremony next shared next.toml --id next-ceremony";

fn rules(world: &World) -> Config {
    Config::from_toml(&world.read("coordinator", "next.toml")).unwrap()
}

fn transcript(world: &World) -> TranscriptDigest {
    TranscriptDigest::of(&fs::read(world.shared("transcript.json")).unwrap())
}

#[track_caller]
fn fails(world: &World, line: &str, words: &str) {
    let run = world.run("coordinator", line);
    assert!(run.code != 0 && run.stderr.contains(words), "{line}\n{}{}", run.stdout, run.stderr);
    assert!(!world.path("coordinator", "next.toml").exists(), "{line}");
}

#[test]
fn a_ceremony_has_a_successor_with_the_same_people_and_later_beacons() {
    let world = finished();
    let said = world.ok("coordinator", &format!("{NEXT} --phase1-round 300 --phase2-round 400"));
    assert!(said.contains("serial 3"), "{said}");
    let (old, new) = (fs::read(world.shared("ceremony.toml")).unwrap(), rules(&world));
    let old = Config::from_toml(&old).unwrap();
    let (old, new) = (old.document(), new.document());
    assert_eq!(new.id.as_str(), "next-ceremony");
    let predecessor = new.predecessor.unwrap();
    assert_eq!((predecessor.transcript_sha256, predecessor.serial), (transcript(&world), 3));
    assert_eq!(new.beacon.phase1.as_ref().unwrap().round, 300);
    assert_eq!(new.beacon.phase2.round, 400);
    assert_eq!(
        (&new.participants, &new.coordinator, &new.circuits, new.power),
        (&old.participants, &old.coordinator, &old.circuits, old.power)
    );

    // It is held, and its bundle goes on from the predecessor's without being told.
    let first = transcript(&world);
    fs::rename(world.shared(""), world.path("coordinator", "first")).unwrap();
    fs::rename(
        world.path("coordinator", "shared.private"),
        world.path("coordinator", "first.private"),
    )
    .ok();
    for who in ["alice", "bob"] {
        fs::remove_dir_all(world.path(who, "shared")).unwrap();
    }
    let open = "ceremony new shared --config next.toml --circuit main=circuit.r1cs --key key.pem";
    world.ok("coordinator", open);
    ["alice", "bob"].iter().for_each(|who| world.contribute(who));
    world.beacon();
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    ["alice", "bob"].iter().for_each(|who| world.contribute(who));
    world.beacon();
    world.ok("coordinator", "ceremony keygen shared");
    world.ok("coordinator", "ceremony verify shared");
    let next = world.ok("coordinator", "ceremony status shared");
    assert!(next.contains("bundle create shared --not-after 20"), "{next}");
    let create = "bundle create shared --not-after 2099-12-31T23:59:59Z";
    for (more, words) in [
        (" --serial 3", "not higher than that of the predecessor"),
        (&format!(" --predecessor {}", "00".repeat(32)), "another predecessor"),
    ] {
        let run = world.run("coordinator", &format!("{create}{more}"));
        assert!(run.code != 0 && run.stderr.contains(words), "{}{}", run.stdout, run.stderr);
    }
    let said = world.ok("coordinator", create);
    assert!(said.contains("serial 4") && said.contains(&first.to_string()), "{said}");

    // And the policy's edit.
    let alice = world.public_key("alice");
    world.ok(
        "coordinator",
        &format!(
            "policy new policy.json --kind rehearsal --release r={alice} --release-threshold 1 \
             --phase1-contributions 1 --phase2-contributions 1 --participant bob={} \
             --participant-threshold 1 --circuit main=circuit.r1cs --minimum-serial 3",
            world.public_key("bob")
        ),
    );
    let said = world.ok(
        "coordinator",
        "policy next policy.json next.json --bundle shared/bundle.json --revoke-predecessor",
    );
    for words in ["serial 4 and higher", &first.to_string()] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let unsigned = "policy next policy.json unsigned.json --bundle shared/bundle.json";
    let run = world.run("coordinator", unsigned);
    let words =
        ["does not accept the bundle yet", "bundle verify shared/bundle.json --policy unsi"];
    words.iter().for_each(|it| assert!(run.stderr.contains(it), "{it}: {}", run.stderr));
    for who in ["alice", "bob"] {
        let key = format!("--yes --key ../{who}/key.pem");
        world.ok("coordinator", &format!("bundle sign shared/bundle.json {key}"));
    }
    let signed = "policy next policy.json signed.json --bundle shared/bundle.json";
    let run = world.run("coordinator", signed);
    assert!(run.code == 0 && !run.stderr.contains("yet"), "{}", run.stderr);
    let again = "policy next next.json newer.json --bundle first/bundle.json";
    let run = world.run("coordinator", again);
    assert!(run.code != 0 && run.stderr.contains("would not accept this bundle"), "{}", run.stderr);
}

#[test]
fn a_successor_keeps_the_powers_and_leaves_out_whose_keys_are_revoked() {
    let world = finished();
    world.ok("coordinator", &format!("{NEXT} --keep-phase1 --phase2-round 400"));
    let new = rules(&world);
    let start = new.document().phase1_start.as_ref().unwrap();
    let prepared = fs::read(world.shared("phase1/prepared.ptau")).unwrap();
    assert_eq!(start.sha256, zk_attest::digest::FileDigest::of(&prepared));
    assert!(!new.has_own_phase1());
    let open = "ceremony new second --config next.toml --circuit main=circuit.r1cs --ptau \
                shared/phase1/prepared.ptau --key key.pem";
    world.ok("coordinator", open);

    fs::remove_file(world.path("coordinator", "next.toml")).unwrap();
    let (alice, bob) = (world.public_key("alice"), world.public_key("bob"));
    world.ok(
        "coordinator",
        &format!(
            "policy new policy.json --kind rehearsal --release r={alice} --release-threshold 1 \
             --phase1-contributions 1 --phase2-contributions 1 --participant bob={bob} \
             --participant-threshold 1 --circuit main=circuit.r1cs"
        ),
    );
    let policy = String::from_utf8(world.read("coordinator", "policy.json")).unwrap();
    let revoked =
        policy.replace("\"revoked_keys\": []", &format!("\"revoked_keys\": [\"{alice}\"]"));
    // Alice approves releases, too: another key takes that part.
    world.ok("coordinator", "key new release.pem");
    let release = world.ok("coordinator", "key show release.pem");
    let revoked = revoked.replacen(
        &format!("\"key\": \"{alice}\""),
        &format!("\"key\": \"{}\"", release.trim()),
        1,
    );
    world.write("coordinator", "policy.json", revoked.as_bytes());
    fails(
        &world,
        &format!("{NEXT} --phase1-round 300 --phase2-round 400 --policy policy.json"),
        "the rules are not sound",
    );
}

#[test]
fn a_successor_is_refused_by_its_cause() {
    let world = finished();
    let later = "--phase1-round 300 --phase2-round 400";
    for (more, words) in [
        ("--phase1-round 100 --phase2-round 400", "not later than the predecessor's"),
        ("--phase1-round 300 --phase2-round 200", "not later than the predecessor's"),
        ("--phase2-round 400", "the end is not named"),
        ("--phase1-round 300 --phase2-after 2098-01-01T00:00:00Z", "nobody knows when"),
        (&format!("{later} --serial 4"), "another serial"),
    ] {
        fails(&world, &format!("{NEXT} {more}"), words);
    }
    fs::remove_file(world.shared("bundle.json")).unwrap();
    fails(&world, &format!("{NEXT} {later}"), "the serial to go on from is not known");
    fs::remove_file(world.shared("transcript.json")).unwrap();
    fails(&world, &format!("{NEXT} {later} --serial 1"), "when it is finished");
    let open = World::new(&["alice"], |toml| toml);
    open.open();
    fails(&open, &format!("{NEXT} {later} --serial 1"), "an open phase");
}
