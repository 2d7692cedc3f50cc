//! Trusted setups for Groth16 on BN254.

pub mod arith;
pub mod curve;
pub mod entropy;
pub mod format;
pub mod hash;
pub mod keygen;
pub mod limits;
pub mod phase1;
pub mod phase2;
pub mod progress;
pub mod ratio;
mod scalars;
