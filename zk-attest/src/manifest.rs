//! The manifest: what a bundle holds, circuit by circuit.
//!
//! A [`Provenance`](crate::statement::Provenance) names the SHA-256 of this document, so that what
//! is signed has the same size for one circuit and for sixteen. Every signer is shown the
//! manifest: a digest alone says nothing about what it approves.

use serde::{Deserialize, Serialize};

use crate::digest::{CircuitDigest, ManifestDigest, ProgramHash, VkDigest, VkUncompressedDigest};
use crate::document_format;
use crate::error::Result;
use crate::json;
use crate::primitives::{CircuitName, Label};

/// Bytes of a manifest at most: sixteen circuits take half of it.
pub const MAX_MANIFEST_BYTES: usize = 32 * 1024;

document_format!(
    /// The version of the document.
    ManifestFormat,
    V1 = "zk-ceremony-manifest/1",
    "make the bundle again with `bundle create`, and have it signed again"
);

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of the document.
    pub format: ManifestFormat,
    /// Contributions to phase 1 that are not a beacon, those of an external start not counted.
    pub phase1_contributions: u32,
    /// The circuits, by rising name.
    pub circuits: Vec<CircuitProvenance>,
}

/// One circuit of a [`Manifest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CircuitProvenance {
    /// Name.
    pub name: CircuitName,
    /// The program that the circuit proves, as the project calls it.
    pub program_id: Label,
    /// How `program_hash` comes from `program_id`.
    pub program_rule: ProgramRule,
    /// What verifiers select the key by.
    pub program_hash: ProgramHash,
    /// SHA-256 of the .r1cs file.
    pub circuit_sha256: CircuitDigest,
    /// SHA-256 of the key's compressed form.
    pub vk_sha256: VkDigest,
    /// SHA-256 of the key's uncompressed form.
    pub vk_uncompressed_sha256: VkUncompressedDigest,
    /// Number of public inputs.
    pub public_inputs: u32,
    /// Contributions to phase 2 that are not a beacon.
    pub contributions: u32,
}

/// Where a program hash comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgramRule {
    /// [`ProgramHash::of_id`], which readers recompute.
    Id,
    /// The project's own rule, which readers cannot check.
    Given,
}

impl Manifest {
    /// Reads the document in its one encoding.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        json::parse_canonical(bytes, MAX_MANIFEST_BYTES, "manifest")
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        json::encode(self)
    }

    /// SHA-256 of the canonical bytes: what the statement names.
    #[must_use]
    pub fn digest(&self) -> ManifestDigest {
        ManifestDigest::of(&self.to_json())
    }
}
