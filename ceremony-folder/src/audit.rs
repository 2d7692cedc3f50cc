//! The signed result of an audit: who re-verified which ceremony, with what, and that everything
//! held.
//!
//! The subject is the transcript document. It is evidence next to the bundle: what a policy counts
//! is the auditor's signature on the bundle's statement.

use serde::{Deserialize, Serialize};
use zk_attest::digest::{ConfigDigest, TranscriptDigest};
use zk_attest::primitives::{CeremonyId, CeremonyKind, Label, Timestamp};
use zk_attest::statement::Predicate;

/// What an auditor signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditResult {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// What it is for.
    pub kind: CeremonyKind,
    /// SHA-256 of its ceremony.toml.
    pub ceremony_toml_sha256: ConfigDigest,
    /// The transcript that the auditor's own verification gave.
    pub transcript_sha256: TranscriptDigest,
    /// Data files that were verified.
    pub files: u32,
    /// Who.
    pub auditor: Label,
    /// Tool and version.
    pub tool: Label,
    /// What else was done, in the auditor's words.
    pub method: Label,
    /// When.
    pub time: Timestamp,
}

impl Predicate for AuditResult {
    const TYPE: &'static str = "urn:zk-ceremony:audit:v1";
}
