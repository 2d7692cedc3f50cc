//! A step against the one before it: what `join --verify step` asks before it contributes.

use std::fs;

use ceremony_core::progress::NoProgress;
use ceremony_folder::foundation::{Base, Foundation};
use ceremony_folder::{Ceremony, Config, Depth, Track, Verification};
use zk_attest::primitives::CircuitName;

use crate::kit::ceremony::World;

/// Where the points [tau^i]1 begin in a `.ptau`, and the bytes of one.
const POINTS: usize = 80;
const POINT: usize = 64;

/// Alice, bob and carol have contributed to phase 1.
fn world() -> World {
    let world = World::new(&["alice", "bob", "carol"], |toml| toml);
    world.open();
    ["alice", "bob", "carol"].iter().for_each(|who| world.contribute(who));
    world
}

fn verify(world: &World) -> Result<(), String> {
    let ceremony = Ceremony::open(&world.shared("")).unwrap();
    ceremony.verify_newest(&Track::Phase1, &NoProgress).map_err(|error| error.to_string())
}

#[test]
fn a_step_of_phase_1_is_verified_with_two_files_however_many_came_before() {
    let world = world();
    for gone in ["0000", "0001"] {
        fs::remove_file(world.shared(&format!("phase1/{gone}.ptau"))).unwrap();
    }
    verify(&world).unwrap();
    fs::remove_file(world.shared("phase1/0002.ptau")).unwrap();
    verify(&world).unwrap_err();
}

#[test]
fn a_step_of_phase_1_that_does_not_follow_from_the_one_before_is_refused() {
    let world = world();
    let good = fs::read(world.shared("phase1/0003.ptau")).unwrap();
    let refused = |bytes: &[u8], what: &str| {
        world.replace("phase1/0003.ptau", "carol", bytes);
        let error = verify(&world).unwrap_err();
        assert!(error.contains(what), "{error}");
    };
    let mut exchanged = good.clone();
    exchanged[POINTS + 5 * POINT..POINTS + 7 * POINT].rotate_left(POINT);
    refused(&exchanged, "tau");
    // The file of the step before has the right points of one record less.
    refused(&fs::read(world.shared("phase1/0002.ptau")).unwrap(), "a step adds one record");
    // One of another chain, with as many records.
    let other = self::world();
    refused(&fs::read(other.shared("phase1/0003.ptau")).unwrap(), "contribution 1");
    world.replace("phase1/0003.ptau", "carol", &good);
    verify(&world).unwrap();
}

/// Who verifies one step alone knows as well whether its maker committed to its secrets, whatever
/// it is held against.
#[test]
fn a_newest_step_opens_the_commitment_of_its_maker() {
    let world = World::finished();
    for name in ["final.zkey", "final.dsse.json"] {
        fs::remove_file(world.shared(&format!("circuits/main/{name}"))).unwrap();
    }
    let track = Track::Circuit(CircuitName::new("main").unwrap());
    let mut ceremony = Ceremony::open(&world.shared("")).unwrap();
    let from = |base| Depth::LastFrom(vec![Foundation { track: track.clone(), from: base }]);
    let verified = |ceremony: &Ceremony| {
        let alone = ceremony.verify_newest(&track, &NoProgress);
        let from = [Base::Key(0), Base::Key(1), Base::Rebuilt].map(|base| {
            Verification::new(ceremony, from(base)).unwrap().run(&NoProgress).map(drop)
        });
        [alone].into_iter().chain(from).collect::<Vec<_>>()
    };
    for verified in verified(&ceremony) {
        verified.unwrap();
    }
    // The same chain, under rules that ask for commitments, of which there are none.
    let rules = fs::read_to_string(world.shared("ceremony.toml")).unwrap();
    let rules = rules.replacen(
        "\n[beacon.phase1]",
        "\n[commitments]\nsecrets = true\n\n[beacon.phase1]",
        1,
    );
    ceremony.config = Config::from_toml(rules.as_bytes()).unwrap();
    for verified in verified(&ceremony) {
        let refused = verified.unwrap_err().to_string();
        assert!(refused.contains("bob did not commit to the secrets"), "{refused}");
    }
}

#[test]
fn a_folder_that_is_read_again_is_judged_as_it_is_now() {
    let world = world();
    let ceremony = Ceremony::open(&world.shared("")).unwrap();
    let steps = || ceremony.again().unwrap().phase1.steps.len();
    assert_eq!(steps(), 4);
    let path = world.shared("phase1/0003.dsse.json");
    let good = fs::read(&path).unwrap();
    world.again("phase1/0003.dsse.json", "bob", |_| ());
    assert_eq!(steps(), 3);
    fs::write(&path, b"{}").unwrap();
    assert_eq!(steps(), 3);
    fs::write(&path, good).unwrap();
    assert_eq!(steps(), 4);
    // The same bytes in another place are another step.
    fs::rename(&path, world.shared("phase1/0004.dsse.json")).unwrap();
    assert_eq!(steps(), 3);
}
