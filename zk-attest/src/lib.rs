//! The shared vocabulary of a ceremony: what is signed, by whom, and over which bytes.
//!
//! ```text
//! digest, primitives, key   small validated values        error        why something is refused
//! envelope                  DSSE: signatures over bytes   statement    what a signature says
//! attestation               who vouches for a step        manifest     what a bundle holds
//! amendment                 what changes in the roster
//! json, version             one strict encoding           diagnostic   errors in parts
//! file                      bounded reads, whole writes
//! ```
//!
//! The guard, the ceremony's crates and the program read and write the same documents with these
//! types. There is no curve arithmetic, no Rust syntax and no network access here. Untrusted bytes
//! are bounded before they are parsed, and parsing them cannot panic.

#![deny(clippy::incompatible_msrv)]

pub mod amendment;
pub mod attestation;
pub mod diagnostic;
pub mod digest;
pub mod envelope;
pub mod error;
pub mod file;
pub mod json;
pub mod key;
pub mod manifest;
pub mod primitives;
pub mod private_key;
pub mod program;
pub mod signer;
pub mod statement;
pub mod version;

pub use program::PROGRAM;
