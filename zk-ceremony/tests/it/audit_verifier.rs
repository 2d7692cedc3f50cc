//! `audit-verifier`: what an auditor is told of a contract. That keys are found in the contracts of
//! all generators is tested in zk-embed.

use testkit::simulated::Trapdoor;
use zk_attest::primitives::Timestamp;
use zk_embed::export::Format;
use zk_embed::{Imported, Language};
use zk_vk_guard::bundle::OnExpiry;

use crate::proof_cli::World;

const BUNDLE: &str = "--bundle bundle.json --policy policy.json";

fn world() -> World {
    let world = World::new();
    let (bundle, policy) = (world.folder.read("bundle.json"), world.folder.read("policy.json"));
    let imported = Imported::new(&bundle, &policy, &Timestamp::now(), OnExpiry::Refuse).unwrap();
    let text = imported.embedded(Language::Other(Format::Solidity)).unwrap().text;
    world.folder.write("Verifier.sol", text.as_bytes());
    world
}

#[test]
fn a_contract_of_the_bundle_is_called_that_and_what_was_not_compared_is_not() {
    let world = world();
    let said = world.folder.ours(&format!("audit-verifier Verifier.sol {BUNDLE}"));
    assert!(said.starts_with("Verifier.sol: of the bundle of ceremony boot-2026, statement "));
    assert!(said.contains("has the key of circuit attestation of the bundle"), "{said}");
    let said = world.folder.ours("audit-verifier Verifier.sol");
    assert!(said.starts_with("Verifier.sol: compared with no bundle\n"), "{said}");
    assert!(said.contains("whose key it is was not checked"), "{said}");
    assert!(said.contains("only numbers were looked at"), "{said}");
    let right = format!("audit-verifier Verifier.sol {BUNDLE} --circuit attestation");
    world.folder.ours(&right);
    let wrong = world.folder.run(&format!("audit-verifier Verifier.sol {BUNDLE} --circuit other"));
    assert!(wrong.code == 1 && wrong.stderr.contains("another circuit's"), "{}", wrong.stderr);

    let said = world.folder.ours(&format!("audit-verifier Verifier.sol {BUNDLE} --json"));
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["result"], "of-the-bundle");
    assert_eq!(said["verifiers"][0]["circuit"], "attestation");
    assert_eq!(said["verifiers"][0]["public_inputs"], 2);
    assert_eq!((&said["kind"], &said["other_numbers"]), (&"production".into(), &0.into()));
}

#[test]
fn a_contract_of_another_key_is_refused_with_what_it_has() {
    let world = world();
    let text = String::from_utf8(world.folder.read("Verifier.sol")).unwrap();
    let (ours, other) = (Trapdoor::new(1, 2).key(), Trapdoor::new(2, 2).key());
    let exchanged = [
        (ours.delta_g2.x.c0, other.delta_g2.x.c0),
        (ours.delta_g2.x.c1, other.delta_g2.x.c1),
        (ours.delta_g2.y.c0, other.delta_g2.y.c0),
        (ours.delta_g2.y.c1, other.delta_g2.y.c1),
    ];
    let with = |numbers: &[(ark_bn254::Fq, ark_bn254::Fq)]| {
        numbers
            .iter()
            .fold(text.clone(), |text, (from, to)| text.replace(&from.to_string(), &to.to_string()))
    };
    world.folder.write("other.sol", with(&exchanged).as_bytes());
    let gamma = ours.gamma_g2;
    let as_gamma = [
        (ours.delta_g2.x.c0, gamma.x.c0),
        (ours.delta_g2.x.c1, gamma.x.c1),
        (ours.delta_g2.y.c0, gamma.y.c0),
        (ours.delta_g2.y.c1, gamma.y.c1),
    ];
    world.folder.write("forgeable.sol", with(&as_gamma).as_bytes());
    for (file, bundle, words) in [
        ("other.sol", BUNDLE, "none of the bundle's"),
        ("other.sol", BUNDLE, "with another delta"),
        ("forgeable.sol", BUNDLE, "phase 2 was skipped"),
        ("forgeable.sol", "", "phase 2 was skipped"),
    ] {
        let run = world.folder.run(&format!("audit-verifier {file} {bundle}"));
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(run.stderr.contains(words), "{}", run.stderr);
        assert!(run.stderr.contains(file), "{}", run.stderr);
    }
    let run = world.folder.run("audit-verifier other.sol --bundle bundle.json");
    assert_eq!(run.code, 2, "{}", run.stderr);
}
