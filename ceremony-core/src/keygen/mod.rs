//! The finished key for provers and verifiers of arkworks: `.zkey` -> `ProvingKey<Bn254>`,
//! `VerifyingKey<Bn254>` (Groth16, section 3.2).
//!
//! All points are those of the `.zkey`, but for H. Let Z = X^N - 1 vanish on the domain of N = 2^k
//! points, omega the 2N-th root of unity and Lambda the Lagrange basis of the domain of 2N points.
//! The `.zkey` has `H_j = [Lambda_(2j+1)(tau) / delta]1`; arkworks' default (libsnark) reduction
//! wants `h_i = [tau^i Z(tau) / delta]1`, i < N - 1. For a polynomial q of degree at most N - 2, q
//! Z has degree below 2N, vanishes at the even powers of omega and is -2 q at the odd ones, so
//!
//! sum_i q_i h_i = -2 sum_j q(omega^(2j+1)) H_j, and with q = X^i: h_i = -2 omega^i sum_j
//! omega^(2ij) H_j = -2 omega^i FFT_N(H)_i.
//!
//! The same holds where the `.ptau` had the circuit's own power and H_j lacks its tau^(2N-1) term:
//! the coefficient of X^(2N-1) in q Z is zero. The conversion is public; nothing is assumed but the
//! `.zkey`, which is to be verified ([`crate::phase2::verify`]).

mod convert;
mod selftest;
mod stream;

use bn254_batch::curve::Bn254;
pub use convert::{
    KeygenError, VerifyingKeyBytes, proving_key, verifying_key, verifying_key_bytes,
    write_proving_key,
};
pub use selftest::{SelfTestError, check_consistency, prove_and_verify};
pub use stream::{ExportError, export_proving_key};

pub use crate::phase2::degenerate::{VerifyingKeyDefect, check_verifying_key};

/// A proving key of arkworks, for its default reduction.
pub type ProvingKey = ark_groth16::ProvingKey<Bn254>;
/// A verifying key of arkworks.
pub type VerifyingKey = ark_groth16::VerifyingKey<Bn254>;
/// arkworks' prover and verifier, with its default (libsnark) reduction.
pub type Groth16 = ark_groth16::Groth16<Bn254>;
