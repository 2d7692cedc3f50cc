//! Proofs and their public inputs, as provers write them (docs/formats.md, section 13).
//!
//! | | proof | public inputs |
//! |---|---|---|
//! | snarkjs, JSON | pi_a, pi_b, pi_c: projective, decimal | a list of decimal strings |
//! | arkworks, bytes | `Proof<Bn254>`, 128 bytes compressed or 256 uncompressed | count u64, then 32 bytes each |
//!
//! What is read is canonical: coordinates below q, inputs below r, points on their curves and in
//! their groups, and nothing left over. So a proof and its inputs have one digest each, whatever
//! they were written in.

use ark_ff::{BigInteger as _, PrimeField as _};
use ark_serialize::{CanonicalDeserialize as _, CanonicalSerialize as _};
use bn254_batch::curve::{Bn254, Fr};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::explain::{Explain, Finding};

use super::verification_key::{JsonError, JsonG1, JsonG2, read_g1, read_g2, read_number};
use crate::limits::{MAX_PROOF_BYTES, MAX_PUBLIC_INPUT_BYTES};

/// A proof of arkworks.
pub type Proof = ark_groth16::Proof<Bn254>;

/// How proof and inputs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofEncoding {
    /// snarkjs' `proof.json` and `public.json`.
    Snarkjs,
    /// arkworks' canonical bytes.
    Arkworks,
}

/// Why bytes are no proof, or no public inputs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// More bytes than any proof or list of inputs has.
    #[error("the file is too large: found {found} bytes, expected at most {limit} bytes")]
    TooLarge {
        /// How many.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Not the document, of another system or curve, or a point that is none.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Not arkworks' canonical encoding.
    #[error("not {what} in arkworks' canonical encoding: {why}")]
    Arkworks {
        /// Of what.
        what: &'static str,
        /// Why not.
        why: String,
    },
    /// An input that is not a number below r in its one spelling.
    #[error(
        "public input {index}: not a number below the scalar field's modulus in its one spelling"
    )]
    Input {
        /// Which, from 0.
        index: usize,
    },
    /// One proof of several.
    #[error("proof {index}: {error}")]
    Claim {
        /// Which, from 0.
        index: usize,
        /// What is wrong with it.
        error: Box<ProofError>,
    },
}

#[derive(Deserialize)]
struct JsonProof {
    pi_a: JsonG1,
    pi_b: JsonG2,
    pi_c: JsonG1,
    protocol: Option<String>,
    curve: Option<String>,
}

impl JsonProof {
    fn read(self) -> Result<Proof, ProofError> {
        for (what, found, expected) in
            [("protocol", self.protocol, "groth16"), ("curve", self.curve, "bn128")]
        {
            if let Some(found) = found.filter(|found| found != expected) {
                return Err(JsonError::Kind { what, found, expected }.into());
            }
        }
        Ok(Proof {
            a: read_g1(&self.pi_a, "pi_a")?,
            b: read_g2(&self.pi_b, "pi_b")?,
            c: read_g1(&self.pi_c, "pi_c")?,
        })
    }
}

impl Explain for ProofError {
    fn explain(&self) -> Finding {
        match self {
            Self::TooLarge { .. } => Finding::new("proof/too-large", self),
            Self::Json(_) => Finding::new("proof/json", self),
            Self::Arkworks { .. } => Finding::new("proof/arkworks", self),
            Self::Input { .. } => Finding::new("proof/input", self),
            Self::Claim { index, error } => error.explain().inside(format_args!("proof {index}")),
        }
    }
}

/// Reads a proof.
///
/// # Errors
/// [`ProofError`].
pub fn read_proof(bytes: &[u8], encoding: ProofEncoding) -> Result<Proof, ProofError> {
    ensure_size(bytes, MAX_PROOF_BYTES)?;
    match encoding {
        ProofEncoding::Snarkjs => {
            let json: JsonProof = serde_json::from_slice(bytes).map_err(JsonError::Json)?;
            json.read()
        }
        ProofEncoding::Arkworks => {
            let refused = |why: String| ProofError::Arkworks { what: "a proof", why };
            let (proof, again) = match bytes.len() {
                128 => {
                    let proof = Proof::deserialize_compressed(bytes);
                    let proof = proof.map_err(|error| refused(error.to_string()))?;
                    let mut again = Vec::new();
                    proof
                        .serialize_compressed(&mut again)
                        .map_err(|error| refused(error.to_string()))?;
                    (proof, again)
                }
                256 => {
                    let proof = Proof::deserialize_uncompressed(bytes);
                    let proof = proof.map_err(|error| refused(error.to_string()))?;
                    (proof.clone(), encoded(&proof).to_vec())
                }
                other => {
                    return Err(refused(format!("{other} bytes are not 128 or 256")));
                }
            };
            if again != bytes {
                return Err(refused("it is spelled in another way".into()));
            }
            Ok(proof)
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonClaims {
    proofs: Vec<JsonClaim>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonClaim {
    proof: JsonProof,
    public: Vec<String>,
}

/// Reads proofs with their public inputs out of one document,
/// `{"proofs": [{"proof": ..., "public": [...]}, ...]}`, each as snarkjs writes it. The caller
/// bounds the bytes.
///
/// # Errors
/// [`ProofError`], with the place of the proof.
pub fn read_claims(bytes: &[u8]) -> Result<Vec<(Proof, Vec<Fr>)>, ProofError> {
    let claims: JsonClaims = serde_json::from_slice(bytes).map_err(JsonError::Json)?;
    let read = |(index, claim): (usize, JsonClaim)| {
        let both = claim.proof.read().and_then(|proof| Ok((proof, json_inputs(&claim.public)?)));
        both.map_err(|error| ProofError::Claim { index, error: Box::new(error) })
    };
    claims.proofs.into_iter().enumerate().map(read).collect()
}

fn json_inputs(numbers: &[String]) -> Result<Vec<Fr>, ProofError> {
    let read =
        |(index, text): (usize, &String)| read_number(text).ok_or(ProofError::Input { index });
    numbers.iter().enumerate().map(read).collect()
}

/// Reads public inputs.
///
/// # Errors
/// [`ProofError`].
pub fn read_inputs(bytes: &[u8], encoding: ProofEncoding) -> Result<Vec<Fr>, ProofError> {
    ensure_size(bytes, MAX_PUBLIC_INPUT_BYTES)?;
    match encoding {
        ProofEncoding::Snarkjs => {
            let numbers: Vec<String> = serde_json::from_slice(bytes).map_err(JsonError::Json)?;
            json_inputs(&numbers)
        }
        ProofEncoding::Arkworks => {
            let refused =
                |why: &str| ProofError::Arkworks { what: "a list of scalars", why: why.into() };
            let (count, scalars) =
                bytes.split_first_chunk().ok_or_else(|| refused("fewer than 8 bytes"))?;
            let (scalars, rest) = scalars.as_chunks::<32>();
            if !rest.is_empty() || u64::from_le_bytes(*count) != scalars.len() as u64 {
                return Err(refused("its length is not that of its count"));
            }
            let read = |(index, scalar): (usize, &[u8; 32])| {
                Fr::deserialize_compressed(&scalar[..]).map_err(|_| ProofError::Input { index })
            };
            scalars.iter().enumerate().map(read).collect()
        }
    }
}

fn ensure_size(bytes: &[u8], limit: usize) -> Result<(), ProofError> {
    if bytes.len() <= limit {
        return Ok(());
    }
    Err(ProofError::TooLarge { found: bytes.len(), limit })
}

/// arkworks' uncompressed encoding of a proof.
fn encoded(proof: &Proof) -> [u8; 256] {
    let mut bytes = [0; 256];
    // A proof has this size, and writing into memory does not fail.
    let written = proof.serialize_uncompressed(&mut bytes[..]);
    debug_assert!(written.is_ok());
    bytes
}

/// SHA-256 of a proof's canonical uncompressed encoding (256 bytes).
#[must_use]
pub fn proof_digest(proof: &Proof) -> [u8; 32] {
    Sha256::digest(encoded(proof)).into()
}

/// SHA-256 of public inputs, 32 bytes little-endian each.
#[must_use]
pub fn inputs_digest(inputs: &[Fr]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for input in inputs {
        hash.update(input.into_bigint().to_bytes_le());
    }
    hash.finalize().into()
}
