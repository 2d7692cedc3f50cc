//! What the rules allow reaches a guarded build, and what does not is refused by `ceremony new`.
//!
//! The documents at their largest are in zk-vk-guard/tests/it/largest.rs; here are real ceremonies
//! of tiny circuits, from the rules to a crate that rustc compiles. The larger one takes minutes:
//!
//! ```text
//! cargo nextest run -p zk-ceremony --run-ignored only -E 'test(/^extremes::/)'
//! ```

use std::fs;
use std::io::Cursor;
use std::num::NonZeroU32;
use std::process::Command;

use bn254_batch::curve::Fr;
use ceremony_core::format::r1cs::{Shape, write_r1cs};
use zk_attest::digest::CircuitDigest;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyKind, CircuitName, Label, Timestamp};
use zk_vk_guard::Guard;
use zk_vk_guard::build_script::BuildEnv;
use zk_vk_guard::bundle::OnExpiry;
use zk_vk_guard::limits::MAX_PUBLIC_INPUTS;
use zk_vk_guard::policy::{
    MinimumContributions, NamedKey, Policy, PolicyCircuit, PolicyDocument, PolicyFormat, Role,
    Roles,
};
use zk_vk_guard::snippet::Options;

use crate::kit::ceremony::{World, circuit, with_circuits};

/// A world with rules of these circuits, the circuits, and the command that opens the ceremony.
fn world(people: &[&str], circuits: &[(String, Vec<u8>)]) -> (World, String) {
    let world = World::new(people, |toml| with_circuits(&toml, circuits));
    let mut line = "ceremony new shared --config ceremony.toml --key key.pem".to_owned();
    for (name, r1cs) in circuits {
        world.write("coordinator", &format!("{name}.r1cs"), r1cs);
        line += &format!(" --circuit {name}={name}.r1cs");
    }
    (world, line)
}

fn numbered(count: u32) -> Vec<(String, Vec<u8>)> {
    (0..count).map(|i| (format!("c{i:02}"), circuit(i + 1))).collect()
}

/// A whole ceremony, its bundle approved by one release authority, and the crate that embeds it.
fn reaches_a_guarded_build(participants: u32, circuits: u32) {
    let names: Vec<String> = (0..participants).map(|i| format!("p{i:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let circuits = numbered(circuits);
    let (world, open) = world(&names, &circuits);
    let begun = std::time::Instant::now();
    let coordinator = |line: &str| world.ok("coordinator", line);
    let beacon = |byte: &str| {
        let value = byte.repeat(32);
        coordinator(&format!("ceremony beacon shared --value {value} --key key.pem"));
    };
    let contribute = |who: &str| {
        coordinator(&format!("ceremony contribute shared --as {who} --key ../{who}/key.pem"))
    };
    coordinator(&open);
    names.iter().for_each(|who| drop(contribute(who)));
    beacon("01");
    coordinator("ceremony prepare shared --key key.pem");
    for who in &names {
        for (name, _) in &circuits {
            let made = world.path("coordinator", &format!("shared/circuits/{name}"));
            let steps = fs::read_dir(&made).unwrap().count();
            // One call makes the contributions that are due, for one circuit or for all.
            if steps < 3 + 2 * (1 + names.iter().position(|name| name == who).unwrap()) {
                contribute(who);
            }
        }
    }
    beacon("02");
    coordinator("ceremony keygen shared");
    coordinator("bundle create shared --serial 1 --not-after 2099-12-31T23:59:59Z");
    coordinator("key new release.pem");
    coordinator("bundle sign shared/bundle.json --yes --key release.pem");
    let key = PublicKey::from_hex(coordinator("key show release.pem").trim()).unwrap();
    println!("{participants} x {}: {:.0?} of ceremony", circuits.len(), begun.elapsed());

    let one = NonZeroU32::MIN;
    let policy = PolicyDocument {
        format: PolicyFormat::V2,
        kind: CeremonyKind::Rehearsal,
        roles: Roles {
            release: Role {
                threshold: one,
                keys: vec![NamedKey { name: Label::new("release").unwrap(), key }],
            },
            auditor: None,
            participant: None,
            verifier: None,
        },
        minimum_contributions: MinimumContributions {
            phase1: NonZeroU32::new(participants).unwrap(),
            phase2: NonZeroU32::new(participants).unwrap(),
        },
        accepted_phase1_starts: Vec::new(),
        circuits: circuits
            .iter()
            .map(|(name, r1cs)| PolicyCircuit {
                name: CircuitName::new(name).unwrap(),
                circuit_sha256: CircuitDigest::of(r1cs),
            })
            .collect(),
        minimum_serial: 1,
        revoked_transcripts: Vec::new(),
        revoked_keys: Vec::new(),
        not_after: None,
        verified_beacons: false,
    };
    let bundle = fs::read(world.shared("bundle.json")).unwrap();
    builds(&world, &bundle, &policy);
}

/// Embeds the keys, and compiles them as cargo would: the guard's nine steps, then rustc.
fn builds(world: &World, bundle: &[u8], policy: &PolicyDocument) {
    let now = Timestamp::now();
    let document = policy.to_json();
    let embedded =
        zk_embed::embed(bundle, &document, Options::default(), &now, OnExpiry::Refuse).unwrap();
    let package = world.path("coordinator", "crate");
    let out_dir = package.join("out");
    for folder in [&package.join("zk"), &out_dir] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(package.join("zk/bundle.json"), bundle).unwrap();
    fs::write(package.join("zk/trust-policy.json"), &document).unwrap();
    fs::write(package.join("zk/verifying_key.rs"), &embedded.text).unwrap();
    let pin = Policy::from_json(&document).unwrap().digest().to_string();
    let env = BuildEnv {
        package: package.clone(),
        out_dir: out_dir.clone(),
        feature_requested: true,
        feature_in_cfg: true,
        now,
    };
    Guard::new("zk/trust-policy.json", &pin).allow_rehearsal().guard(&env).unwrap();
    let count = policy.circuits.len();
    let library = format!(
        "#![no_std]\n#![deny(warnings, missing_docs)]\n//! Embeds keys.\n\
         include!(concat!(env!(\"OUT_DIR\"), \"/verifying_key.rs\"));\n\
         const _: () = assert!(verifying_keys::CIRCUITS.len() == {count});\n"
    );
    fs::write(package.join("lib.rs"), library).unwrap();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--edition", "2021", "--crate-type", "lib", "--emit", "metadata", "lib.rs"])
        .current_dir(&package)
        .env("OUT_DIR", &out_dir)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_ceremony_of_16_circuits_reaches_a_guarded_build() {
    reaches_a_guarded_build(1, 16);
}

#[test]
#[ignore = "takes minutes"]
fn a_ceremony_of_64_participants_and_6_circuits_reaches_a_guarded_build() {
    reaches_a_guarded_build(64, 6);
}

#[test]
fn what_reaches_no_guarded_build_is_refused_before_the_ceremony_opens() {
    let inputs = |count: u32| {
        let one = Fr::from(1u64);
        let shape = Shape::new(count + 2, 0, count, 0, 1).unwrap();
        let row = [vec![(one, 1)], vec![(one, 1)], vec![(one, count + 1)]];
        write_r1cs(Cursor::new(Vec::new()), shape, [row]).unwrap().into_inner()
    };
    // The same constraints in two files: one more private input changes a header and no key.
    let one = Fr::from(1u64);
    let same = |private: u32| {
        let shape = Shape::new(4, 0, 1, private, 1).unwrap();
        let row = [vec![(one, 1)], vec![(one, 1)], vec![(one, 2)]];
        write_r1cs(Cursor::new(Vec::new()), shape, [row]).unwrap().into_inner()
    };
    let named = |name: &str, r1cs: Vec<u8>| (name.to_owned(), r1cs);
    let too_many = MAX_PUBLIC_INPUTS + 1;
    for (circuits, power, said) in [
        (
            vec![named("a", inputs(too_many))],
            12,
            "more public inputs than a verifying key may have",
        ),
        (vec![named("a", same(0)), named("b", same(1))], 5, "a and b are the same constraints"),
        (vec![named("a", same(0)), named("b", same(0))], 5, "one circuit has two names"),
        (numbered(17), 5, "the number of circuits is out of range"),
    ] {
        let (world, open) = world(&["alice"], &circuits);
        let rules = String::from_utf8(world.read("coordinator", "ceremony.toml")).unwrap();
        let rules = rules.replace("power = 5", &format!("power = {power}"));
        world.write("coordinator", "ceremony.toml", rules.as_bytes());
        let run = world.run("coordinator", &open);
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(run.stderr.contains(said), "{said}\n{}", run.stderr);
        assert!(!world.shared("ceremony.toml").exists(), "{said}");
    }
}
