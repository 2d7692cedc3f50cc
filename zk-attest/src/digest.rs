//! Digests and hashes, one type per meaning: a verifying key's SHA-256 cannot be compared with a
//! policy's.
//!
//! All are written as lower-case hex of exactly their length, and no other spelling is read, so
//! that a document has one encoding.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Code, Refusal};
use crate::json::validated;

/// SHA-256 of some bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Reads exactly `N` bytes of lower-case hex.
pub fn from_hex<const N: usize>(text: &str, what: &str) -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    let lower = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() != 2 * N || !lower || hex::decode_to_slice(text, &mut bytes).is_err() {
        return Err(Refusal::new(Code::Malformed, format_args!("{what} is not hex"))
            .found(text)
            .expected(format_args!("{} lower-case hex digits", 2 * N)));
    }
    Ok(bytes)
}

macro_rules! hashes {
    ($($(#[doc = $doc:literal])+ $name:ident [$n:literal] $what:literal;)+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub [u8; $n]);

        impl $name {
            /// From lower-case hex of exactly the right length.
            pub fn from_hex(text: &str) -> Result<Self, Refusal> {
                from_hex(text, $what).map(Self)
            }

            /// The bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $n] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Refusal;
            fn try_from(text: String) -> Result<Self, Refusal> {
                validated(Self::from_hex(&text))
            }
        }

        impl From<$name> for String {
            fn from(hash: $name) -> Self {
                hash.to_string()
            }
        }
    )+ };
}

macro_rules! sha256_of {
    ($($name:ident)+) => { $(
        impl $name {
            /// SHA-256 of these bytes.
            #[must_use]
            pub fn of(bytes: &[u8]) -> Self {
                Self(sha256(bytes))
            }
        }
    )+ };
}

hashes! {
    /// SHA-256 of a trust policy's bytes: the literal in build.rs.
    PolicyDigest[32] "policy digest";
    /// SHA-256 of a statement's bytes, which are what was signed.
    StatementDigest[32] "statement digest";
    /// SHA-256 of a bundle's manifest, which the statement names.
    ManifestDigest[32] "manifest digest";
    /// SHA-256 of the transcript document: *the transcript hash*.
    TranscriptDigest[32] "transcript digest";
    /// SHA-256 of ceremony.toml.
    ConfigDigest[32] "digest of ceremony.toml";
    /// SHA-256 of an amendment's payload.
    AmendmentDigest[32] "digest of an amendment";
    /// SHA-256 of a file of the ceremony (.ptau, .zkey).
    FileDigest[32] "file digest";
    /// SHA-256 of a circuit's .r1cs file.
    CircuitDigest[32] "circuit digest";
    /// SHA-256 of a verifying key in canonical compressed form.
    VkDigest[32] "verifying-key digest";
    /// SHA-256 of a verifying key in canonical uncompressed form.
    VkUncompressedDigest[32] "digest of the uncompressed verifying key";
    /// What a verifier selects its key by: see [`ProgramHash::of_id`].
    ProgramHash[32] "program hash";
    /// SHA-256 of a public key's SPKI DER, as written into envelopes.
    KeyId[32] "key id";
    /// The commit of the sources that a program was built from: git's SHA-1.
    CommitId[20] "commit";
    /// SHA-256 by which a participant commits to the secrets of a contribution.
    CommitmentDigest[32] "commitment";
    /// What the parts of a verification name their plan by.
    PlanDigest[32] "plan digest";
    /// Bytes of an operating system's randomness, in a plan.
    PlanNonce[32] "nonce";
    /// SHA-256 of the bytes that a part of a verification reads of a section.
    PieceDigest[32] "digest of a piece";
    /// BLAKE2b-512 of a file of the ceremony, by which public ceremonies name theirs.
    FileBlake2bDigest[64] "file's BLAKE2b-512";
    /// BLAKE2b-512: the challenge of a phase-1 step.
    ChallengeHash[64] "challenge hash";
    /// BLAKE2b-512: what tools show as a contribution's hash (phase 1: the response hash).
    ContributionHash[64] "contribution hash";
    /// BLAKE2b-512 over a circuit's initial parameters.
    CsHash[64] "cs_hash";
}

sha256_of! {
    PolicyDigest StatementDigest TranscriptDigest ConfigDigest AmendmentDigest FileDigest
    CircuitDigest VkDigest VkUncompressedDigest KeyId ManifestDigest CommitmentDigest
}

impl ProgramHash {
    /// Our rule: SHA-256 over this tag and the program's id. Projects with their own rule give the
    /// hash as hex.
    pub const DOMAIN: &'static [u8] = b"zk-ceremony program id v1\0";

    /// The hash of a program's id.
    #[must_use]
    pub fn of_id(id: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(Self::DOMAIN);
        hash.update(id.as_bytes());
        Self(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_hex_of_the_exact_length_is_read() {
        let good = "ab".repeat(32);
        assert_eq!(FileDigest::from_hex(&good).unwrap().to_string(), good);
        for bad in [
            "AB".repeat(32),
            "ab".repeat(31),
            "ab".repeat(33),
            "zz".repeat(32),
            format!(" {}", "ab".repeat(32)),
            String::new(),
        ] {
            assert_eq!(FileDigest::from_hex(&bad).unwrap_err().code(), Code::Malformed, "{bad}");
        }
    }

    #[test]
    fn a_program_hash_is_separated_from_a_plain_hash_of_the_id() {
        assert_ne!(ProgramHash::of_id("a").0, sha256(b"a"));
    }
}
