//! What has to hold of everything that reads bytes, whatever the bytes.
//!
//! A target takes bytes from an unknown source and answers whether they were accepted; it panics
//! when a property does not hold. "No panic" is the least of them: what is accepted is the encoding
//! of what was understood, and what is verified is what was signed off.
//!
//! ```text
//! files      ptau bases_part r1cs zkey wtns challenge response
//! documents  verification_key envelope statement policy ceremony_toml bundle transcript snippet
//!            proof journal deployed ptau_plan ptau_part
//! archives   archive
//! verifiers  ptau_verify zkey_verify bundle_verify
//! stable     runs them without libFuzzer: seeds, then seeded mutations
//! ```
//!
//! A new target is a function here, a line in [`TARGETS`], a file in fuzz_targets/ with its
//! `[[bin]]`, and a folder of seeds with a good one.

mod archives;
mod documents;
mod files;
pub mod mutate;
pub mod stable;
mod verifiers;

pub use archives::archive;
pub use documents::{
    bundle, ceremony_toml, deployed, envelope, journal, policy, proof, ptau_part, ptau_plan,
    snippet, statement, transcript, verification_key,
};
pub use files::{bases_part, challenge, ptau, r1cs, response, wtns, zkey};
pub use verifiers::{bundle_verify, ptau_verify, zkey_verify};

/// A target: its name, which is also that of its folder of seeds, and what it runs.
pub type Target = (&'static str, fn(&[u8]) -> bool);

/// All of them.
pub const TARGETS: [Target; 24] = [
    ("ptau", ptau),
    ("bases_part", bases_part),
    ("r1cs", r1cs),
    ("zkey", zkey),
    ("wtns", wtns),
    ("challenge", challenge),
    ("response", response),
    ("verification_key", verification_key),
    ("envelope", envelope),
    ("statement", statement),
    ("policy", policy),
    ("ceremony_toml", ceremony_toml),
    ("bundle", bundle),
    ("transcript", transcript),
    ("snippet", snippet),
    ("proof", proof),
    ("journal", journal),
    ("deployed", deployed),
    ("ptau_plan", ptau_plan),
    ("ptau_part", ptau_part),
    ("archive", archive),
    ("ptau_verify", ptau_verify),
    ("zkey_verify", zkey_verify),
    ("bundle_verify", bundle_verify),
];
