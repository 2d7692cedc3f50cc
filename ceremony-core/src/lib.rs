//! Trusted setups for Groth16 on BN254: the mathematics and the file formats of a multi-party
//! ceremony. No printing, no clock, no network.
//!
//! # Notation
//!
//! | symbol | meaning | in code |
//! |---|---|---|
//! | `[x]1`, `[x]2` | x times the generator of G1, of G2 | `x_g1`, `x_g2` |
//! | tau, alpha, beta | the secrets of phase 1, products of all contributors' | `tau`, `alpha`, `beta` |
//! | delta | the secret of phase 2 | `delta` |
//! | N | number of powers, 2^power | [`format::ptau::Power::n`] |
//! | omega | 5^((r-1)/2^k), the root of the domain of size 2^k | [`bn254_batch::curve::root_of_unity`] |
//! | mont_le, uncompressed, compressed | the three encodings of a point | [`format::encoding::Encoding`] |
//!
//! # Papers
//!
//! - Groth16: J. Groth, *On the Size of Pairing-based Non-interactive Arguments*, 2016 (ePrint
//!   2016/260).
//! - BGM17: S. Bowe, A. Gabizon, I. Miers, *Scalable Multi-party Computation for zk-SNARK
//!   Parameters in the Random Beacon Model*, 2017 (ePrint 2017/1050).
//! - BCGTV15: E. Ben-Sasson, A. Chiesa, M. Green, E. Tromer, M. Virza, *Secure Sampling of Public
//!   Parameters for Succinct Zero Knowledge Proofs*, IEEE S&P 2015.
//!
//! # Reading order
//!
//! [`bn254_batch::params`] (the facts of the curve) and [`bn254_batch`] (operations on many
//! points), [`hash`] and [`draw`] (digests, points drawn from a seed), [`entropy`] (secrets,
//! beacons, randomness of verifiers), [`secret_threads`] (where secrets are computed with),
//! [`commit`] (what can be fixed of them beforehand), [`mod@format`] (bytes to points and records),
//! [`ratio`] (the one question that every verifier asks), [`phase1`], [`phase2`], [`keygen`] (the
//! finished key for arkworks). [`explain`], [`limits`] and [`progress`] serve all of them. Data
//! flows one way: files, points, ratios, phases, keys. The ceremony around them, with its folder
//! and its signatures, is `ceremony-folder`.
//!
//! Where to begin: [`phase1::verify::verify`], [`phase1::contribute::contribute`],
//! [`phase1::prepare::prepare`], [`phase2::initial_key::new_key`], [`phase2::verify::verify`] and
//! [`keygen::proving_key`] each have an example. [`proofs`] verifies proofs under the finished key.
//!
//! # Errors
//!
//! One type per operation. Its message is one line; [`explain::Explain`] gives the message in
//! parts, with what was found and what was expected. Nothing here panics on untrusted bytes.

pub mod commit;
pub mod draw;
pub mod entropy;
pub mod explain;
pub mod format;
pub mod hash;
pub mod keygen;
pub mod limits;
pub mod phase1;
pub mod phase2;
pub mod progress;
pub mod proofs;
pub mod ratio;
mod ratio_batch;
pub mod secret_threads;
