//! The circuit accepts what it should, and has the size that the documents name.
#![cfg(feature = "prover")]

use ark_bn254::Fr;
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystem, SynthesisError};
use attestation::circuit::{Attestation, WORDS, Witness};

fn witness(level: u8) -> Witness {
    let mut measurement = [7; WORDS];
    measurement[0] = u64::MAX;
    Witness { measurement, level, blinding: Fr::from(42u64) }
}

#[test]
fn a_machine_of_any_sufficient_level_satisfies_it() {
    for level in [3, 4, 255] {
        let cs = ConstraintSystem::<Fr>::new_ref();
        Attestation { witness: Some(witness(level)) }.generate_constraints(cs.clone()).unwrap();
        assert!(cs.is_satisfied().unwrap());
        println!("{} constraints", cs.num_constraints());
        assert!((2000..3000).contains(&cs.num_constraints()), "{}", cs.num_constraints());
        assert_eq!(cs.num_instance_variables(), 3);
    }
}

#[test]
fn a_machine_below_the_minimum_level_has_no_witness() {
    for level in [0, 2] {
        let cs = ConstraintSystem::<Fr>::new_ref();
        let made = Attestation { witness: Some(witness(level)) }.generate_constraints(cs);
        assert!(matches!(made, Err(SynthesisError::Unsatisfiable)));
    }
}

#[test]
fn level_words_and_blinding_are_all_bound() {
    let claim = witness(5).claim();
    assert_ne!(witness(6).claim().capsule, claim.capsule);
    assert_eq!(witness(6).claim().program, claim.program);
    assert_ne!(Witness { blinding: Fr::from(43u64), ..witness(5) }.claim().capsule, claim.capsule);
    for i in 0..WORDS {
        let mut other = witness(5);
        other.measurement[i] ^= 1;
        assert_ne!(other.claim().program, claim.program);
        assert_ne!(other.claim().capsule, claim.capsule);
    }
}
