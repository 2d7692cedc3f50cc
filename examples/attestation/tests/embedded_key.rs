//! Proofs under the embedded key: lines "proof capsule program verdict", canonical compressed hex,
//! then `true` or `false`. The file is the one next to this test, or, for a build with another key,
//! the one that ATTESTATION_PROOFS names.
#![cfg(feature = "zk-vk-provisioned")]

use ark_serialize::CanonicalDeserialize;
use attestation::{Claim, Rejected, verify};

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

#[test]
fn the_embedded_key_decides_as_expected() {
    const { assert!(attestation::PROVISIONED) };
    let path = std::env::var("ATTESTATION_PROOFS")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proofs.txt").into());
    let (mut accepted, mut rejected) = (0, 0);
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let [proof, capsule, program, verdict] =
            line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let field =
            |hex: &str| CanonicalDeserialize::deserialize_compressed(&bytes(hex)[..]).unwrap();
        let claim = Claim { capsule: field(capsule), program: field(program) };
        let mut proof = bytes(proof);
        match verify(&proof, &claim) {
            Ok(()) => accepted += 1,
            Err(Rejected::DoesNotHold) => rejected += 1,
            Err(Rejected::Malformed) => panic!("{line}"),
        }
        assert_eq!(verify(&proof, &claim).is_ok(), verdict == "true", "{line}");
        proof.push(0);
        assert_eq!(verify(&proof, &claim), Err(Rejected::Malformed));
        assert_eq!(verify(&proof[..127], &claim), Err(Rejected::Malformed));
    }
    println!("{accepted} accepted, {rejected} rejected");
    assert!(accepted > 0 && rejected > 0);
}
