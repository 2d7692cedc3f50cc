//! What `zk-embed --ceremony` asks of a folder: the whole ceremony behind the bundle, and no other.

use std::fs;

use ceremony_core::progress::NoProgress;
use zk_attest::primitives::Timestamp;
use zk_embed::ceremony::{CeremonyCheckError, check_ceremony};
use zk_embed::{Embedded, embed};
use zk_vk_guard::bundle::OnExpiry;
use zk_vk_guard::snippet::Options;

use crate::kit::ceremony::World;

/// The embedded bundle of the finished ceremony, which alice and bob have approved.
fn embedded(world: &World) -> Embedded {
    world.ok("coordinator", "bundle create shared --serial 1 --not-after 2099-12-31T23:59:59Z");
    world.ok(
        "coordinator",
        &format!(
            "policy new policy.json --kind rehearsal --release r={} --release-threshold 1 \
             --phase1-contributions 1 --phase2-contributions 1 --participant bob={} \
             --participant-threshold 1 --circuit main=circuit.r1cs --minimum-serial 1",
            world.public_key("alice"),
            world.public_key("bob")
        ),
    );
    for who in ["alice", "bob"] {
        let key = format!("--yes --key ../{who}/key.pem");
        world.ok("coordinator", &format!("bundle sign shared/bundle.json {key}"));
    }
    let (bundle, policy) =
        (fs::read(world.shared("bundle.json")), world.read("coordinator", "policy.json"));
    let (now, options) = (Timestamp::now(), Options { arkworks: false });
    embed(&bundle.unwrap(), &policy, options, &now, OnExpiry::Refuse).unwrap()
}

fn checked(embedded: &Embedded, world: &World) -> Result<(), CeremonyCheckError> {
    check_ceremony(embedded, &world.shared(""), &NoProgress)
}

#[test]
fn the_ceremony_of_the_bundle_is_verified_to_its_last_file() {
    let world = World::finished();
    let embedded = embedded(&world);
    checked(&embedded, &world).unwrap();
    for name in ["phase1/0001.ptau", "phase1/prepared.ptau", "circuits/main/0002.zkey"] {
        let path = world.shared(name);
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        bad[good.len() / 2] ^= 1;
        fs::write(&path, bad).unwrap();
        let error = checked(&embedded, &world).unwrap_err();
        assert!(matches!(error, CeremonyCheckError::Ceremony(_)), "{name}: {error}");
        fs::write(&path, good).unwrap();
    }
    checked(&embedded, &world).unwrap();
}

#[test]
fn another_ceremony_is_told_before_any_of_its_points_is_read() {
    let world = World::finished();
    let embedded = embedded(&world);
    let other = World::whole(&["alice", "bob"]);
    fs::write(other.shared("phase1/0001.ptau"), b"damaged").unwrap();
    let error = checked(&embedded, &other).unwrap_err();
    assert!(matches!(error, CeremonyCheckError::OtherCeremony(_)), "{error}");
    assert!(error.to_string().contains("this is not the bundle's ceremony"), "{error}");

    // So is one that goes on.
    for name in ["final.zkey", "final.dsse.json"] {
        fs::remove_file(world.shared(&format!("circuits/main/{name}"))).unwrap();
    }
    fs::write(world.shared("phase1/0001.ptau"), b"damaged").unwrap();
    let error = checked(&embedded, &world).unwrap_err();
    assert!(error.to_string().contains("the ceremony is not finished"), "{error}");
}

#[test]
fn a_ceremony_of_the_same_rules_with_other_contributions_is_another() {
    let world = World::finished();
    let embedded = embedded(&world);
    fs::rename(world.shared(""), world.path("coordinator", "first")).unwrap();
    for who in ["alice", "bob"] {
        fs::remove_dir_all(world.path(who, "shared")).unwrap();
    }
    world.open();
    ["alice", "bob"].iter().for_each(|who| world.contribute(who));
    world.beacon();
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    ["alice", "bob"].iter().for_each(|who| world.contribute(who));
    world.beacon();
    let error = checked(&embedded, &world).unwrap_err();
    assert!(matches!(error, CeremonyCheckError::OtherCeremony(_)), "{error}");
}
