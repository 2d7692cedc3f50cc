//! Proofs that are verified one by one and in batches, and the encodings that they come in.

use ark_ff::PrimeField as _;
use ark_serialize::CanonicalSerialize as _;
use bn254_batch::curve::{Bn254, Fr};
use ceremony_core::format::proof::{
    ProofEncoding, ProofError, inputs_digest, proof_digest, read_inputs, read_proof,
};
use ceremony_core::proofs::{BatchError, Claim, ProofVerifier};
use testkit::simulated::Trapdoor;

fn some(seed: u8, count: usize) -> (ProofVerifier, Vec<Claim>) {
    let mut trapdoor = Trapdoor::new(seed, 2);
    let claims = (0..count).map(|_| trapdoor.claim()).collect();
    (ProofVerifier::new(trapdoor.key()), claims)
}

/// arkworks' own answer.
fn arkworks(claim: &Claim) -> bool {
    let prepared = ark_groth16::prepare_verifying_key(&Trapdoor::new(1, 2).key());
    ark_groth16::Groth16::<Bn254>::verify_proof(&prepared, &claim.proof, &claim.inputs).unwrap()
}

#[test]
fn proofs_that_hold_hold_alone_and_together() {
    for count in [0, 1, 2, 3, 7, 16] {
        let (key, claims) = some(1, count);
        assert_eq!(key.verify_batch(&claims).unwrap(), [0; 0]);
        for claim in &claims {
            assert!(key.verify(claim).unwrap() && arkworks(claim));
        }
    }
}

#[test]
fn every_part_of_a_proof_and_every_input_is_bound() {
    let (key, good) = some(1, 6);
    let other = Trapdoor::new(1, 2).claim().proof;
    let changes: [fn(&mut Claim, &ark_groth16::Proof<Bn254>); 7] = [
        |claim, other| claim.proof.a = other.a,
        |claim, other| claim.proof.b = other.b,
        |claim, other| claim.proof.c = other.c,
        |claim, _| claim.inputs[0] += Fr::from(1u64),
        |claim, _| claim.inputs[1] += Fr::from(1u64),
        |claim, _| claim.inputs.swap(0, 1),
        |claim, _| claim.proof.a = -claim.proof.a,
    ];
    for (i, change) in changes.iter().enumerate() {
        let mut claims = good.clone();
        change(&mut claims[4], &other);
        assert!(!key.verify(&claims[4]).unwrap(), "{i}");
        assert!(!arkworks(&claims[4]), "{i}");
        assert_eq!(key.verify_batch(&claims).unwrap(), [4], "{i}");
    }
}

#[test]
fn the_proofs_that_fail_are_named_wherever_they_stand() {
    let (key, good) = some(1, 21);
    for bad in [vec![0], vec![20], vec![9, 10], vec![0, 5, 19, 20], (0..21).collect()] {
        let mut claims = good.clone();
        for &i in &bad {
            claims[i].inputs[0] += Fr::from(1u64);
        }
        assert_eq!(key.verify_batch(&claims).unwrap(), bad);
    }
}

#[test]
fn errors_that_cancel_without_exponents_are_found() {
    let (key, good) = some(1, 4);
    // Without exponents only the sum of the inputs would be bound.
    let mut claims = good.clone();
    claims[1].inputs[0] += Fr::from(1u64);
    claims[2].inputs[0] -= Fr::from(1u64);
    assert_eq!(key.verify_batch(&claims).unwrap(), [1, 2]);
    // And only the sum of the C.
    let mut claims = good;
    let (c1, c2) = (claims[1].proof.c, claims[2].proof.c);
    (claims[1].proof.c, claims[2].proof.c) = (c2, c1);
    assert_eq!(key.verify_batch(&claims).unwrap(), [1, 2]);
}

#[test]
fn a_proof_of_another_key_does_not_hold() {
    let (key, _) = some(1, 0);
    let (_, others) = some(2, 3);
    assert_eq!(key.verify_batch(&others).unwrap(), [0, 1, 2]);
}

#[test]
fn another_number_of_inputs_is_refused_and_not_padded() {
    let (key, good) = some(1, 3);
    for change in [
        |inputs: &mut Vec<Fr>| inputs.truncate(1),
        |inputs: &mut Vec<Fr>| inputs.push(Fr::from(0u64)),
    ] {
        let mut claims = good.clone();
        change(&mut claims[1].inputs);
        assert!(matches!(
            key.verify_batch(&claims),
            Err(BatchError::Inputs { index: 1, expected: 2, .. })
        ));
        assert!(key.verify(&claims[1]).is_err());
    }
}

fn bytes(claim: &Claim, compressed: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    if compressed {
        claim.proof.serialize_compressed(&mut bytes).unwrap();
    } else {
        claim.proof.serialize_uncompressed(&mut bytes).unwrap();
    }
    bytes
}

fn snarkjs(claim: &Claim) -> String {
    let proof = &claim.proof;
    let fq2 = |x: &bn254_batch::curve::Fq2| format!("[\"{}\",\"{}\"]", x.c0, x.c1);
    format!(
        "{{\"pi_a\":[\"{}\",\"{}\",\"1\"],\"pi_b\":[{},{},[\"1\",\"0\"]],\"pi_c\":[\"{}\",\"{}\",\"\
         1\"],\"protocol\":\"groth16\",\"curve\":\"bn128\"}}",
        proof.a.x,
        proof.a.y,
        fq2(&proof.b.x),
        fq2(&proof.b.y),
        proof.c.x,
        proof.c.y
    )
}

#[test]
fn one_proof_has_one_digest_in_every_encoding() {
    let (_, claims) = some(1, 1);
    let claim = &claims[0];
    let digest = proof_digest(&claim.proof);
    for (bytes, encoding) in [
        (bytes(claim, true), ProofEncoding::Arkworks),
        (bytes(claim, false), ProofEncoding::Arkworks),
        (snarkjs(claim).into_bytes(), ProofEncoding::Snarkjs),
    ] {
        let read = read_proof(&bytes, encoding).unwrap();
        assert_eq!(read, claim.proof);
        assert_eq!(proof_digest(&read), digest);
    }
    let mut inputs = Vec::new();
    claim.inputs.serialize_compressed(&mut inputs).unwrap();
    let json = format!("[\"{}\", \"{}\"]", claim.inputs[0], claim.inputs[1]);
    for (bytes, encoding) in
        [(inputs, ProofEncoding::Arkworks), (json.into_bytes(), ProofEncoding::Snarkjs)]
    {
        let read = read_inputs(&bytes, encoding).unwrap();
        assert_eq!(read, claim.inputs);
        assert_eq!(inputs_digest(&read), inputs_digest(&claim.inputs));
    }
}

#[test]
fn inputs_of_the_modulus_and_above_are_refused() {
    let r = "21888242871839275222246405745257275088548364400416034343698204186575808495617";
    let below = "21888242871839275222246405745257275088548364400416034343698204186575808495616";
    let json =
        |text: &str| read_inputs(format!("[\"0\",\"{text}\"]").as_bytes(), ProofEncoding::Snarkjs);
    assert_eq!(json(below).unwrap()[1], -Fr::from(1u64));
    for bad in [
        r,
        "01",
        "-1",
        "+1",
        "",
        " 1",
        "0x1",
        "1e3",
        &"9".repeat(78),
        &format!("1{}", "0".repeat(77)),
    ] {
        assert!(matches!(json(bad), Err(ProofError::Input { index: 1 })), "{bad}");
    }
    let list = |scalar: [u8; 32]| {
        let bytes = [&1u64.to_le_bytes()[..], &scalar].concat();
        read_inputs(&bytes, ProofEncoding::Arkworks)
    };
    let mut modulus = [0; 32];
    for (bytes, limb) in modulus.as_chunks_mut::<8>().0.iter_mut().zip(Fr::MODULUS.0) {
        *bytes = limb.to_le_bytes();
    }
    assert!(matches!(list(modulus), Err(ProofError::Input { index: 0 })));
    assert!(matches!(list([0xff; 32]), Err(ProofError::Input { index: 0 })));
    modulus[0] -= 1;
    assert_eq!(list(modulus).unwrap(), [-Fr::from(1u64)]);
    for bad in [&[][..], &[1; 7], &[1, 0, 0, 0, 0, 0, 0, 0], &[0; 9], &[0xff; 8]] {
        assert!(matches!(
            read_inputs(bad, ProofEncoding::Arkworks),
            Err(ProofError::Arkworks { .. })
        ));
    }
}

#[test]
fn a_proof_has_one_spelling_and_points_of_its_groups() {
    let (_, claims) = some(1, 1);
    let good = bytes(&claims[0], true);
    let arkworks = |bytes: &[u8]| read_proof(bytes, ProofEncoding::Arkworks);
    arkworks(&good).unwrap();
    assert!(arkworks(&good[..127]).is_err());
    assert!(arkworks(&[good.clone(), vec![0]].concat()).is_err());
    // A coordinate and q: the same number, spelled in another way.
    for at in 0..128 {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        if let Ok(proof) = arkworks(&bytes) {
            assert_ne!(proof, claims[0].proof);
        }
    }
    let mut flagged = good.clone();
    flagged[31] |= 0x40;
    assert!(arkworks(&flagged).is_err());
    let json = snarkjs(&claims[0]);
    let of = |text: &str| read_proof(text.as_bytes(), ProofEncoding::Snarkjs);
    let x = claims[0].proof.a.x.to_string();
    for (from, to) in [
        (x.as_str(), "1"),
        (x.as_str(), "0"),
        ("groth16", "plonk"),
        ("bn128", "bls12381"),
        ("\"1\"]", "\"2\"]"),
        ("pi_a", "pi_x"),
        ("{", "["),
    ] {
        assert!(json.contains(from));
        assert!(of(&json.replacen(from, to, 1)).is_err(), "{from} {to}");
    }
    assert!(matches!(of(&" ".repeat(70_000)), Err(ProofError::TooLarge { .. })));
}
