//! `ceremony accept`: what comes is verified first and added after, and the sender of what is not
//! added is told why.

use std::fs;

use zk_attest::digest::FileDigest;
use zk_attest::primitives::CeremonyId;
use zk_attest::statement::Sha256Hex;

use crate::kit::ceremony::{World, files};

/// Alice and Bob may contribute in any order.
fn any_order() -> World {
    let world = World::new(&["alice", "bob"], |toml| {
        toml.replace("power = 4\n", "power = 4\norder = \"any\"\n")
    });
    world.open();
    world
}

/// Someone contributes to a copy and puts the two new files into the coordinator's inbox.
fn send(world: &World, who: &str, step: &str) {
    world.carry("coordinator", who);
    world.ok(who, &format!("ceremony contribute shared --as {who} --key key.pem"));
    let inbox = world.path("coordinator", &format!("from-{who}"));
    fs::create_dir_all(&inbox).unwrap();
    for ending in ["ptau", "dsse.json"] {
        let name = format!("{step}.{ending}");
        // The names are nobody's business: the attestation decides.
        let to = inbox.join(format!("mine.{ending}"));
        fs::copy(world.path(who, &format!("shared/phase1/{name}")), to).unwrap();
    }
}

/// `accept` refuses, changes nothing, and says these words.
#[track_caller]
fn refused(world: &World, inbox: &str, words: &[&str]) {
    let before = files(&world.shared(""));
    let run = world.run("coordinator", &format!("ceremony accept shared {inbox}"));
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    for words in words {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    assert!(files(&world.shared("")) == before, "accept changes something");
}

#[test]
fn of_two_contributors_at_once_one_is_in_and_one_is_told() {
    let world = any_order();
    send(&world, "alice", "0001");
    send(&world, "bob", "0001");
    let told = world.ok("coordinator", "ceremony accept shared from-alice");
    assert!(told.contains("step 0001 by alice, verified and added"), "{told}");
    refused(
        &world,
        "from-bob",
        &["twin of step 0001 by alice", "bob's contribution came second", "--as \"bob\""],
    );
    // The same once more harms nothing, and Bob's new one is taken.
    let told = world.ok("coordinator", "ceremony accept shared from-alice");
    assert!(told.contains("here already"), "{told}");
    fs::remove_dir_all(world.path("bob", "shared")).unwrap();
    send(&world, "bob", "0002");
    world.ok("coordinator", "ceremony accept shared from-bob");
    world.ok("coordinator", "ceremony verify shared --read-only");
    world.beacon();
}

#[test]
fn what_comes_late_damaged_half_or_from_elsewhere_is_called_so() {
    let world = any_order();
    send(&world, "alice", "0001");
    let at = |name: &str| world.path("coordinator", &format!("from-alice/{name}"));
    let (data, attestation) =
        (fs::read(at("mine.ptau")).unwrap(), fs::read(at("mine.dsse.json")).unwrap());

    let mut damaged = data.clone();
    damaged[200] ^= 1;
    fs::write(at("mine.ptau"), &damaged).unwrap();
    refused(&world, "from-alice", &["NOT the bytes that alice signed"]);
    fs::remove_file(at("mine.ptau")).unwrap();
    refused(&world, "from-alice", &["half a contribution", "the data file that alice signed"]);
    fs::write(at("mine.ptau"), &data).unwrap();
    fs::remove_file(at("mine.dsse.json")).unwrap();
    refused(&world, "from-alice", &["no attestation came with this file"]);

    // Signed, and bad.
    fs::write(at("mine.ptau"), &damaged).unwrap();
    fs::write(at("mine.dsse.json"), &attestation).unwrap();
    let edit = |digest: Vec<u8>| {
        move |s: &mut zk_attest::statement::Statement<_>| {
            s.subject[0].digest.sha256 = Sha256Hex(FileDigest::of(&digest).0);
        }
    };
    world.attest_again("coordinator", "from-alice/mine.dsse.json", "alice", edit(damaged));
    refused(&world, "from-alice", &["these ARE the bytes that alice signed"]);

    // By nobody of the roster, and of another ceremony.
    fs::write(at("mine.ptau"), &data).unwrap();
    fs::write(at("mine.dsse.json"), &attestation).unwrap();
    world.attest_again("coordinator", "from-alice/mine.dsse.json", "coordinator", |_| {});
    refused(&world, "from-alice", &["does not verify"]);
    fs::write(at("mine.dsse.json"), &attestation).unwrap();
    world.attest_again("coordinator", "from-alice/mine.dsse.json", "alice", |s| {
        s.predicate.ceremony = CeremonyId::new("another").unwrap();
    });
    refused(&world, "from-alice", &["of another ceremony"]);

    // What was good all along.
    fs::write(at("mine.dsse.json"), &attestation).unwrap();
    world
        .ok("coordinator", "ceremony accept shared from-alice/mine.ptau from-alice/mine.dsse.json");
    world.ok("coordinator", "ceremony verify shared --read-only");
}

#[test]
fn a_contribution_out_of_turn_or_after_the_beacon_is_refused() {
    let world = World::new(&["alice", "bob"], |toml| toml.replace("phase1 = 2", "phase1 = 1"));
    world.open();
    world.carry("coordinator", "bob");
    world.ok("bob", "ceremony contribute shared --as bob --skip alice --key key.pem");
    fs::create_dir(world.path("coordinator", "inbox")).unwrap();
    for ending in ["ptau", "dsse.json"] {
        let from = world.path("bob", &format!("shared/phase1/0001.{ending}"));
        fs::copy(from, world.path("coordinator", &format!("inbox/0001.{ending}"))).unwrap();
    }
    let run = world.run("coordinator", "ceremony accept shared inbox");
    assert!(run.code != 0 && run.stderr.contains("not your turn"), "{}", run.stderr);
    assert!(!world.shared("phase1/0001.ptau").exists());
    world.ok("coordinator", "ceremony accept shared inbox --skip alice");
    // Alice begins, the beacon comes, Alice's file comes.
    world.carry("coordinator", "alice");
    world.ok("alice", "ceremony contribute shared --as alice --key key.pem");
    world.beacon();
    fs::remove_dir_all(world.path("coordinator", "inbox")).unwrap();
    fs::create_dir(world.path("coordinator", "inbox")).unwrap();
    for ending in ["ptau", "dsse.json"] {
        let from = world.path("alice", &format!("shared/phase1/0002.{ending}"));
        fs::copy(from, world.path("coordinator", &format!("inbox/0002.{ending}"))).unwrap();
    }
    refused(&world, "inbox", &["alice's contribution came too late", "arrived after it"]);
}

#[cfg(unix)]
#[test]
fn an_inbox_of_links_and_pipes_opens_none_of_them() {
    let world = any_order();
    let inbox = world.path("coordinator", "inbox");
    fs::create_dir(&inbox).unwrap();
    std::os::unix::fs::symlink(world.path("coordinator", "key.pem"), inbox.join("a.ptau")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(inbox.join("b.dsse.json")).status();
    assert!(made.unwrap().success());
    refused(&world, "inbox", &["the inbox has no file"]);
    refused(&world, "inbox/b.dsse.json", &["not a regular file"]);
}

/// Someone contributes to a copy, for all circuits, and puts the new files into the inbox.
fn send_keys(world: &World, who: &str, step: &str) {
    let _ = fs::remove_dir_all(world.path(who, "shared"));
    world.carry("coordinator", who);
    let line = format!("ceremony contribute shared --as {who} --key key.pem");
    for circuit in ["one", "two"] {
        if !world.path(who, &format!("shared/circuits/{circuit}/{step}.zkey")).exists() {
            world.ok(who, &line);
        }
        for ending in ["zkey", "dsse.json"] {
            let name = format!("shared/circuits/{circuit}/{step}.{ending}");
            let inbox = world.path("coordinator", &format!("from-{who}"));
            fs::create_dir_all(&inbox).unwrap();
            fs::copy(world.path(who, &name), inbox.join(format!("{circuit}.{ending}"))).unwrap();
        }
    }
}

#[test]
fn in_phase_2_each_circuit_has_a_place_for_a_contribution_and_what_comes_second_is_told() {
    let world = World::two_circuits();
    send_keys(&world, "alice", "0001");
    send_keys(&world, "bob", "0001");
    // One circuit comes first, the other later with both.
    let alone = "ceremony accept shared from-alice/one.zkey from-alice/one.dsse.json";
    let told = world.ok("coordinator", alone);
    assert_eq!(told.matches("step 0001 by alice, verified and added").count(), 1, "{told}");
    assert!(!world.shared("circuits/two/0001.zkey").exists());
    let told = world.ok("coordinator", "ceremony accept shared from-alice");
    assert_eq!(told.matches("step 0001 by alice: here already").count(), 1, "{told}");
    assert_eq!(told.matches("step 0001 by alice, verified and added").count(), 1, "{told}");
    let before = files(&world.shared(""));
    let run = world.run("coordinator", "ceremony accept shared from-bob");
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert_eq!(run.stderr.matches("twin of step 0001 by alice").count(), 2, "{}", run.stderr);
    assert!(files(&world.shared("")) == before, "accept changes something");

    // Bob and Carol go again. Bob's files have each other's names, which harms nothing.
    send_keys(&world, "bob", "0002");
    send_keys(&world, "carol", "0002");
    let at = |name: &str| world.path("coordinator", &format!("from-bob/{name}"));
    for (from, to) in
        [("one.zkey", "away.zkey"), ("two.zkey", "one.zkey"), ("away.zkey", "two.zkey")]
    {
        fs::rename(at(from), at(to)).unwrap();
    }
    let told = world.ok("coordinator", "ceremony accept shared from-bob");
    assert_eq!(told.matches("step 0002 by bob, verified and added").count(), 2, "{told}");
    world.ok("coordinator", "ceremony verify shared --read-only");
    world.beacon();
    let run = world.run("coordinator", "ceremony accept shared from-carol");
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    // Before the beacon came Bob, and that is what Carol is told.
    assert_eq!(run.stderr.matches("twin of step 0002 by bob").count(), 2, "{}", run.stderr);
}

#[test]
fn in_phase_2_a_key_that_is_late_damaged_bad_or_of_another_circuit_is_called_so() {
    let world = World::two_circuits();
    send_keys(&world, "alice", "0001");
    world.ok("coordinator", "ceremony accept shared from-alice");
    send_keys(&world, "bob", "0002");
    let at = |name: &str| world.path("coordinator", &format!("from-bob/{name}"));
    let kept: Vec<Vec<u8>> = ["one.zkey", "one.dsse.json", "two.zkey", "two.dsse.json"]
        .map(|name| fs::read(at(name)).unwrap())
        .into();
    let [one, signed, two, _] = &kept[..] else { panic!() };

    // The other circuit's chain takes what is good, whatever this one's is.
    let mut damaged = one.clone();
    damaged[one.len() / 2] ^= 1;
    fs::write(at("one.zkey"), &damaged).unwrap();
    let run = world.run("coordinator", "ceremony accept shared from-bob");
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("NOT the bytes that bob signed"), "{}", run.stderr);
    assert!(!world.shared("circuits/one/0002.zkey").exists());
    assert!(world.shared("circuits/two/0002.zkey").exists());
    fs::remove_file(at("two.zkey")).unwrap();
    fs::remove_file(at("two.dsse.json")).unwrap();

    // Signed for this circuit: a damaged file, and the key of the other one.
    for bytes in [&damaged, two] {
        fs::write(at("one.zkey"), bytes).unwrap();
        fs::write(at("one.dsse.json"), signed).unwrap();
        world.attest_again("coordinator", "from-bob/one.dsse.json", "bob", |s| {
            s.subject[0].digest.sha256 = Sha256Hex(FileDigest::of(bytes).0);
        });
        refused(&world, "from-bob", &["these ARE the bytes that bob signed"]);
    }

    // Half, and what was good all along.
    fs::write(at("one.dsse.json"), signed).unwrap();
    fs::remove_file(at("one.zkey")).unwrap();
    refused(&world, "from-bob", &["half a contribution", "the data file that bob signed"]);
    fs::write(at("one.zkey"), one).unwrap();
    world.ok("coordinator", "ceremony accept shared from-bob");

    // Carol begins, the beacon comes, Carol's files come.
    send_keys(&world, "carol", "0003");
    world.beacon();
    let run = world.run("coordinator", "ceremony accept shared from-carol");
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert_eq!(
        run.stderr.matches("carol's contribution came too late").count(),
        2,
        "{}",
        run.stderr
    );
    world.ok("coordinator", "ceremony verify shared");
}

#[test]
fn nothing_is_added_while_another_chain_does_not_hold() {
    let world = World::two_circuits();
    send_keys(&world, "alice", "0001");
    let alone = "ceremony accept shared from-alice/one.zkey from-alice/one.dsse.json";
    let good = fs::read(world.shared("circuits/two/0000.dsse.json")).unwrap();
    world.again("circuits/two/0000.dsse.json", "alice", |_| ());
    let run = world.run("coordinator", alone);
    assert!(run.code == 1 && run.stderr.contains("two/0000.dsse.json"), "{}", run.stderr);
    assert!(!world.shared("circuits/one/0001.zkey").exists());
    fs::write(world.shared("circuits/two/0000.dsse.json"), good).unwrap();
    world.ok("coordinator", alone);
}
