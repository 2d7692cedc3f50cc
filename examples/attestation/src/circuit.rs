//! The circuit, and the witness that satisfies it. 2 to 3 thousand constraints: nine Poseidon
//! permutations and 776 range-checked bits.

extern crate alloc;

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_crypto_primitives::sponge::constraints::CryptographicSpongeVar;
use ark_crypto_primitives::sponge::poseidon::constraints::PoseidonSpongeVar;
use ark_crypto_primitives::sponge::poseidon::{
    PoseidonConfig, PoseidonSponge, find_poseidon_ark_and_mds,
};
use ark_crypto_primitives::sponge::{CryptographicSponge, FieldBasedCryptographicSponge};
use ark_r1cs_std::alloc::AllocVar;
use ark_r1cs_std::boolean::Boolean;
use ark_r1cs_std::convert::ToBitsGadget;
use ark_r1cs_std::eq::EqGadget;
use ark_r1cs_std::fields::FieldVar;
use ark_r1cs_std::fields::fp::FpVar;
use ark_r1cs_std::uint8::UInt8;
use ark_r1cs_std::uint64::UInt64;
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError};

use crate::{Claim, MINIMUM_LEVEL};

/// Words of a measurement.
pub const WORDS: usize = 12;

/// Tags that keep the two uses of the hash apart.
const PROGRAM_TAG: u64 = 1;
const CAPSULE_TAG: u64 = 2;

/// What the prover knows.
#[derive(Clone, Copy, Debug)]
pub struct Witness {
    /// The measured words.
    pub measurement: [u64; WORDS],
    /// The level of the hardware, at least [`MINIMUM_LEVEL`].
    pub level: u8,
    /// Hides the level in the capsule.
    pub blinding: Fr,
}

impl Witness {
    /// The claim that this witness proves.
    #[must_use]
    pub fn claim(&self) -> Claim {
        let parameters = parameters();
        let program = hash(&parameters, PROGRAM_TAG, self.measurement.map(Fr::from));
        let capsule =
            hash(&parameters, CAPSULE_TAG, [program, Fr::from(self.level), self.blinding]);
        Claim { capsule, program }
    }
}

/// The circuit, with a witness for proving and without one for a setup. Public inputs: capsule,
/// program.
#[derive(Clone, Copy, Debug)]
pub struct Attestation {
    /// The witness, if there is one.
    pub witness: Option<Witness>,
}

/// Poseidon for BN254's scalar field: rate 2, capacity 1, x^5, 8 full and 57 partial rounds,
/// constants from the Grain LFSR.
fn parameters() -> PoseidonConfig<Fr> {
    let (full, partial, rate) = (8, 57, 2);
    let (ark, mds) = find_poseidon_ark_and_mds(254, rate, full, partial, 0);
    PoseidonConfig::new(full as usize, partial as usize, 5, mds, ark, rate, 1)
}

fn hash(parameters: &PoseidonConfig<Fr>, tag: u64, input: impl IntoIterator<Item = Fr>) -> Fr {
    let mut sponge = PoseidonSponge::new(parameters);
    let all: Vec<Fr> = [Fr::from(tag)].into_iter().chain(input).collect();
    sponge.absorb(&all);
    sponge.squeeze_native_field_elements(1)[0]
}

fn hash_gadget(
    cs: &ConstraintSystemRef<Fr>,
    parameters: &PoseidonConfig<Fr>,
    tag: u64,
    input: impl IntoIterator<Item = FpVar<Fr>>,
) -> Result<FpVar<Fr>, SynthesisError> {
    let mut sponge = PoseidonSpongeVar::new(cs.clone(), parameters);
    let all: Vec<FpVar<Fr>> = [FpVar::constant(Fr::from(tag))].into_iter().chain(input).collect();
    sponge.absorb(&all)?;
    Ok(sponge.squeeze_field_elements(1)?.remove(0))
}

impl ConstraintSynthesizer<Fr> for Attestation {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let known = || self.witness.ok_or(SynthesisError::AssignmentMissing);
        let claim = self.witness.map(|witness| witness.claim());
        let public = |value: fn(Claim) -> Fr| {
            FpVar::new_input(cs.clone(), || {
                claim.map(value).ok_or(SynthesisError::AssignmentMissing)
            })
        };
        let capsule = public(|claim| claim.capsule)?;
        let program = public(|claim| claim.program)?;

        // Each word is made of 64 bits, which is its range check.
        let word = |i: usize| -> Result<FpVar<Fr>, SynthesisError> {
            let word =
                UInt64::new_witness(cs.clone(), || known().map(|witness| witness.measurement[i]))?;
            Boolean::le_bits_to_fp(&word.to_bits_le()?)
        };
        let words = (0..WORDS).map(word).collect::<Result<Vec<_>, _>>()?;
        // level = MINIMUM_LEVEL + excess with 8 bits of excess: below the minimum there is none.
        let excess = self
            .witness
            .map(|witness| {
                witness.level.checked_sub(MINIMUM_LEVEL).ok_or(SynthesisError::Unsatisfiable)
            })
            .transpose()?;
        let excess =
            UInt8::new_witness(cs.clone(), || excess.ok_or(SynthesisError::AssignmentMissing))?;
        let level = Boolean::le_bits_to_fp(&excess.to_bits_le()?)? + Fr::from(MINIMUM_LEVEL);
        let blinding = FpVar::new_witness(cs.clone(), || known().map(|witness| witness.blinding))?;

        let parameters = parameters();
        hash_gadget(&cs, &parameters, PROGRAM_TAG, words)?.enforce_equal(&program)?;
        hash_gadget(&cs, &parameters, CAPSULE_TAG, [program, level, blinding])?
            .enforce_equal(&capsule)
    }
}
