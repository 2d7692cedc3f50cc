//! Trusted setups for Groth16 on BN254.
pub mod arith;
pub mod curve;
