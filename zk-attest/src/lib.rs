//! The shared vocabulary of a ceremony: what is signed, by whom, and over which bytes.
//!
//! ```text
//! digest, names, key    small validated values          error         why something is refused
//! envelope              DSSE: signatures over bytes     statement     what a signature says
//! attestation           who vouches for a step          json          one strict encoding
//! file                  bounded reads, whole writes
//! ```
//!
//! The guard, the ceremony's crates and the program write and read the same documents with these types.
//! There is no curve arithmetic and no Rust syntax here, and no network. Bytes from outside are bounded
//! before they are parsed, and parsing them cannot panic.

pub mod attestation;
pub mod diagnostic;
pub mod digest;
pub mod envelope;
pub mod error;
pub mod file;
pub mod json;
pub mod key;
pub mod primitives;
pub mod statement;
