//! Proofs under the embedded key: lines "proof capsule program verdict", canonical compressed hex,
//! then `true` or `false`. The file is the one next to this test, or, for a build with another key,
//! the one that ATTESTATION_PROOFS names.
#![cfg(feature = "zk-vk-provisioned")]

use ark_serialize::CanonicalDeserialize;
use attestation::{Claim, Rejected, verify};

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// Proofs, their claims, and whether they hold.
fn cases() -> Vec<(Vec<u8>, Claim, bool)> {
    let path = std::env::var("ATTESTATION_PROOFS")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proofs.txt").into());
    let case = |line: &str| {
        let [proof, capsule, program, verdict] =
            line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let field =
            |hex: &str| CanonicalDeserialize::deserialize_compressed(&bytes(hex)[..]).unwrap();
        let claim = Claim { capsule: field(capsule), program: field(program) };
        (bytes(proof), claim, verdict == "true")
    };
    std::fs::read_to_string(path).unwrap().lines().map(case).collect()
}

#[test]
fn the_embedded_key_decides_as_expected() {
    const { assert!(attestation::PROVISIONED) };
    let (mut accepted, mut rejected) = (0, 0);
    for (mut proof, claim, holds) in cases() {
        match verify(&proof, &claim) {
            Ok(()) => accepted += 1,
            Err(Rejected::DoesNotHold) => rejected += 1,
            Err(Rejected::Malformed) => panic!("{proof:?}"),
        }
        assert_eq!(verify(&proof, &claim).is_ok(), holds, "{proof:?}");
        proof.push(0);
        assert_eq!(verify(&proof, &claim), Err(Rejected::Malformed));
        assert_eq!(verify(&proof[..127], &claim), Err(Rejected::Malformed));
    }
    println!("{accepted} accepted, {rejected} rejected");
    assert!(accepted > 0 && rejected > 0);
}

/// 128 bits of this process's randomness.
fn exponent() -> u128 {
    use std::hash::{BuildHasher as _, RandomState};
    let word = || u128::from(RandomState::new().hash_one(0));
    word() << 64 | word()
}

#[test]
fn proofs_that_hold_hold_together_and_one_that_does_not_is_enough() {
    use attestation::verifying_keys::attestation::verify_batch;

    let claims: Vec<_> = cases()
        .into_iter()
        .map(|(proof, claim, holds)| {
            let proof = ark_groth16::Proof::deserialize_compressed(proof.as_slice()).unwrap();
            ((proof, [claim.capsule, claim.program]), holds)
        })
        .collect();
    let good: Vec<_> =
        claims.iter().filter(|(_, holds)| *holds).map(|(it, _)| it.clone()).collect();
    assert!(good.len() > 1 && verify_batch(&good, exponent));
    assert!(verify_batch(&[], exponent));
    for (bad, _) in claims.iter().filter(|(_, holds)| !holds) {
        let mut all = good.clone();
        all.insert(1, bad.clone());
        assert!(!verify_batch(&all, exponent));
    }
    // Errors that cancel where every exponent is the same.
    let mut swapped = good.clone();
    let c = swapped[0].0.c;
    swapped[0].0.c = swapped[1].0.c;
    swapped[1].0.c = c;
    assert!(verify_batch(&swapped, || 1) && !verify_batch(&swapped, exponent));
}
