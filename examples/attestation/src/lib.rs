//! Boot attestation: a machine proves that it runs a given program on hardware of at least a given
//! level, and shows neither the measured words nor the level.
//!
//! The statement, for public `capsule` and `program`: there are 64-bit words m_1 .. m_12, a level
//! and a blinding with
//!
//! ```text
//! program = H(1, m_1, ..., m_12)        capsule = H(2, program, level, blinding)
//! MINIMUM_LEVEL <= level < MINIMUM_LEVEL + 256
//! ```
//!
//! where H is Poseidon over the scalar field of BN254. The verifier, which is this crate without
//! its feature `prover`, is `no_std` and holds its key as constants; build.rs has the guard that
//! decides which key that is.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "prover")]
pub mod circuit;

use ark_bn254::Fr;
#[cfg(feature = "zk-vk-provisioned")]
use ark_serialize::CanonicalDeserialize as _;

#[cfg(feature = "zk-vk-provisioned")]
include!(concat!(env!("OUT_DIR"), "/verifying_key.rs"));

/// Whether this build embeds an approved verifying key. Without one there is no `verify` function.
pub const PROVISIONED: bool = cfg!(feature = "zk-vk-provisioned");

/// The lowest level of hardware that can make a proof.
pub const MINIMUM_LEVEL: u8 = 3;

/// What a proof is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Commits to the program, the level and a blinding.
    pub capsule: Fr,
    /// Hash of the measured words.
    pub program: Fr,
}

/// Why a proof was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// The bytes are not exactly one canonical proof with valid points.
    Malformed,
    /// The proof does not hold for this claim.
    DoesNotHold,
}

/// Verifies a proof (canonical compressed bytes) of a claim under the embedded key.
#[cfg(feature = "zk-vk-provisioned")]
pub fn verify(proof: &[u8], claim: &Claim) -> Result<(), Rejected> {
    let mut rest = proof;
    let proof =
        ark_groth16::Proof::deserialize_compressed(&mut rest).map_err(|_| Rejected::Malformed)?;
    if !rest.is_empty() {
        return Err(Rejected::Malformed);
    }
    if verifying_keys::attestation::verify(&proof, &[claim.capsule, claim.program]) {
        Ok(())
    } else {
        Err(Rejected::DoesNotHold)
    }
}
