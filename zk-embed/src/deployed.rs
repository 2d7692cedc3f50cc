//! Whose key a deployed verifier has, and whether it is one that nobody can forge proofs for.
//!
//! [`read`] takes what an auditor has of a contract, and finds the verifying keys in it:
//!
//! ```text
//! what                        points are told apart by        so that is known
//! source of a contract        names: alpha, beta, IC, ..      the whole key
//! verification_key.json,      its members                     the whole key
//!   zk-embed's own JSON
//! code of a contract, in hex  their curve equation            the points, but not what each is for
//! ```
//!
//! [`judge`] holds one against the keys of a verified bundle, and refuses degenerate keys: two
//! contracts were drained in 2026 because delta was gamma in theirs, which these constants show.
//!
//! It reads constants, and what the rest of a program does with them is not looked at: a contract
//! may have the right key and never ask for it. Of code it can say less than of a source, and
//! [`Judged::parts_known`] says which it was.

mod bytecode;
mod points;
mod source;
mod token;

use std::collections::{BTreeMap, HashSet};

use ark_bn254::{Fq, G1Affine, G2Affine};
use ark_ec::AffineRepr as _;
use ceremony_core::format::verification_key::read_verification_key;
use ceremony_core::keygen::{VerifyingKey, VerifyingKeyDefect, check_verifying_key};
use serde::Deserialize;
use zk_attest::error::{Code, Refusal, Result};
use zk_attest::primitives::CircuitName;

use crate::Imported;
use crate::deep_check::ensure_inputs_bound;

/// Bytes that are read of a source, a document or code in hex at most.
pub const MAX_DEPLOYED_BYTES: usize = 4 << 20;

/// A verifier that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Verifier {
    /// As the source calls it.
    pub name: String,
    /// Its key.
    pub key: DeployedKey,
}

/// What is known of a verifier's key.
#[derive(Clone, Debug, PartialEq)]
pub enum DeployedKey {
    /// Each point with its part.
    Whole(Box<VerifyingKey>),
    /// The points, each once up to its sign, and not what they are for.
    Points {
        /// Of G1.
        g1: Vec<G1Affine>,
        /// Of G2.
        g2: Vec<G2Affine>,
        /// All numbers, which tell the signs.
        numbers: HashSet<Fq>,
    },
}

impl DeployedKey {
    /// The number of public inputs, where all points that are not alpha are input points.
    #[must_use]
    pub fn public_inputs(&self) -> usize {
        match self {
            Self::Whole(key) => key.gamma_abc_g1.len().saturating_sub(1),
            Self::Points { g1, .. } => g1.len().saturating_sub(2),
        }
    }
}

/// What was found in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The verifiers, at least one.
    pub verifiers: Vec<Verifier>,
    /// Numbers as long as a coordinate that are no part of a key, but for the two moduli: another
    /// key may hide there.
    pub other_numbers: usize,
}

/// What was found of a verifier that was not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The circuit whose key it is; none if there was no bundle to compare with.
    pub circuit: Option<CircuitName>,
    /// Whether each point is known to have its part.
    pub parts_known: bool,
    /// Whether gamma is the generator, as every key of this project and of snarkjs has it; none
    /// where it cannot be told.
    pub usual_gamma: Option<bool>,
}

/// The verifiers in a file.
///
/// # Errors
/// When there is none, or a key in it is not whole.
pub fn read(bytes: &[u8]) -> Result<Found> {
    let text = std::str::from_utf8(bytes).map_err(|_| {
        Refusal::new(Code::Malformed, "neither a source, nor a document, nor code in hex")
            .found("bytes that are not text")
            .expected("a .sol file, a verification_key.json, or the code of a contract in hex")
            .hint("write the code as hex digits: the result of a node's eth_getCode")
    })?;
    let text = text.trim();
    let whole = |verifiers| Found { verifiers, other_numbers: 0 };
    if text.starts_with('{') {
        return documents(text).map(whole);
    }
    match bytecode::digits(text) {
        Some(digits) => bytecode::verifier(&digits).map(|verifier| whole(vec![verifier])),
        None => source::verifiers(text),
    }
}

/// What [`export`](crate::export) writes in JSON, as far as it is read.
#[derive(Deserialize)]
struct Exported {
    circuits: BTreeMap<String, ExportedCircuit>,
}

#[derive(Deserialize)]
struct ExportedCircuit {
    verification_key: serde_json::Value,
}

/// The keys of a JSON document: one of snarkjs, or those of an export.
fn documents(text: &str) -> Result<Vec<Verifier>> {
    let key = |name: &str, text: &str| {
        let key = read_verification_key(text.as_bytes())
            .map_err(|error| Refusal::new(Code::Malformed, error).within(name))?;
        Ok(Verifier { name: name.into(), key: DeployedKey::Whole(Box::new(key)) })
    };
    match serde_json::from_str::<Exported>(text) {
        Ok(exported) if !exported.circuits.is_empty() => {
            let keys = exported.circuits.iter();
            keys.map(|(name, it)| key(name, &it.verification_key.to_string())).collect()
        }
        _ => Ok(vec![key("the key", text)?]),
    }
}

/// Holds a verifier against the keys of a bundle, if there is one, and refuses degenerate keys.
///
/// # Errors
/// When the key is degenerate, or is none of the bundle's.
pub fn judge(verifier: &Verifier, imported: Option<&Imported>) -> Result<Judged> {
    let within = |refusal: Refusal| refusal.within(&verifier.name);
    let usual_gamma = match &verifier.key {
        DeployedKey::Whole(key) => Some(ensure_sound(key).map_err(within)?),
        DeployedKey::Points { g2, .. } => {
            ensure_different(g2).map_err(within)?;
            None
        }
    };
    let parts_known = matches!(verifier.key, DeployedKey::Whole(_));
    let Some(imported) = imported else {
        return Ok(Judged { circuit: None, parts_known, usual_gamma });
    };
    let circuits = || imported.bundle().circuits().map(|(circuit, _)| &circuit.name);
    let found = circuits().zip(imported.keys()).find(|(_, key)| match &verifier.key {
        DeployedKey::Whole(found) => **found == **key,
        DeployedKey::Points { g1, g2, numbers } => points::same(g1, g2, numbers, key),
    });
    let Some((circuit, _)) = found else {
        let names: Vec<&str> = circuits().map(CircuitName::as_str).collect();
        return Err(within(
            Refusal::new(Code::SubjectMismatch, "the verifier's key is none of the bundle's")
                .found(nearest(&verifier.key, imported))
                .expected(format_args!("the key of circuit {}", names.join(" or ")))
                .hint(
                    "it was deployed with another key: make the contract again with \
                     `zk-embed --format solidity`, and deploy that",
                ),
        ));
    };
    Ok(Judged { circuit: Some(circuit.clone()), parts_known, usual_gamma })
}

/// Refuses a degenerate key, and says whether its gamma is the generator.
fn ensure_sound(key: &VerifyingKey) -> Result<bool> {
    let inputs = u32::try_from(key.gamma_abc_g1.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let usual = match check_verifying_key(key, inputs) {
        Ok(()) => true,
        // Unusual here, and no fault of a key that other tools made, unless nothing is bound by it.
        Err(VerifyingKeyDefect::Gamma) => {
            ensure_binding(key)?;
            false
        }
        Err(defect) => return Err(Refusal::new(Code::KeyDegenerate, defect).hint(REDEPLOY)),
    };
    ensure_inputs_bound(key).map_err(|refusal| refusal.hint(REDEPLOY))?;
    Ok(usual)
}

/// Refuses a gamma that lets any inputs pass.
fn ensure_binding(key: &VerifyingKey) -> Result<()> {
    let (beta, gamma) = (key.beta_g2, key.gamma_g2);
    let fault = if gamma.is_zero() {
        "gamma is infinity: a proof binds no input"
    } else if gamma == beta || gamma == -beta {
        "gamma is beta or its negative: anybody can forge proofs"
    } else {
        return Ok(());
    };
    Err(Refusal::new(Code::KeyDegenerate, fault).hint(REDEPLOY))
}

const REDEPLOY: &str = "stop using this contract: hold a ceremony for the circuit \
                        (RUNBOOK.md#preparation), and deploy a verifier of its bundle";

/// Of a key whose points have no names: beta, gamma and delta are three different points.
fn ensure_different(g2: &[G2Affine]) -> Result<()> {
    if g2.len() >= 3 {
        return Ok(());
    }
    Err(Refusal::new(
        Code::KeyDegenerate,
        "if this is a Groth16 verifier, two of beta, gamma and delta are the same point or \
         negatives of each other: where they are gamma and delta, phase 2 was skipped, and anybody \
         can forge proofs",
    )
    .found(format_args!("{} different points of G2", g2.len()))
    .expected("3")
    .hint(REDEPLOY))
}

/// Which parts of a key are whose.
fn nearest(found: &DeployedKey, imported: &Imported) -> String {
    let DeployedKey::Whole(found) = found else {
        return "points that are those of no circuit".into();
    };
    let circuits = imported.bundle().circuits().map(|(circuit, _)| &circuit.name);
    let of_same_circuit = circuits.zip(imported.keys()).find(|(_, key)| {
        found.alpha_g1 == key.alpha_g1
            && found.beta_g2 == key.beta_g2
            && found.gamma_abc_g1 == key.gamma_abc_g1
    });
    match of_same_circuit {
        Some((circuit, _)) => format!(
            "circuit {circuit} and its powers of tau, with another delta: another phase 2 than \
             the ceremony's, or one that goes on after it"
        ),
        None if imported.keys().iter().any(|key| key.alpha_g1 == found.alpha_g1) => {
            "the bundle's powers of tau, with another circuit".into()
        }
        None => "a key of other powers of tau".into(),
    }
}
