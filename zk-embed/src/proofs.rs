//! Proofs under the keys of a verified bundle, and what several verifiers say of one.
//!
//! A [`ProofVerdict`] is signed over the statement that the release authority, the auditors and the
//! participants signed, the proof, its public inputs and the answer. [`tally`] proves of a set of
//! verdicts that so many distinct keys of the policy's role `verifier` found that one proof to
//! hold, for those inputs, under the key of that bundle: a signature of another key, over another
//! statement, proof or input, or the same key twice, adds nothing.

use std::collections::{BTreeMap, BTreeSet};

use ceremony_core::format::proof::{inputs_digest, proof_digest};
use ceremony_core::proofs::{Claim, ProofVerifier};
use serde::{Deserialize, Serialize};
use zk_attest::digest::{StatementDigest, VkDigest};
use zk_attest::envelope::Envelope;
use zk_attest::error::{Code, Refusal, Result};
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyId, CeremonyKind, CircuitName, Label, Timestamp};
use zk_attest::statement::{Predicate, Sha256Hex, Statement, Subject};
use zk_vk_guard::bundle::{Bundle, OnExpiry, VerifiedBundle};
use zk_vk_guard::policy::Policy;

use crate::{beacons, deep_check};

/// What a verdict's subject is called.
const PROOF: &str = "proof";

/// A circuit's key out of a verified bundle.
#[derive(Clone, Debug)]
pub struct CircuitVerifier {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// What it was for.
    pub kind: CeremonyKind,
    /// SHA-256 of the signed statement.
    pub statement: StatementDigest,
    /// The circuit.
    pub circuit: CircuitName,
    /// SHA-256 of its canonical compressed key.
    pub vk_sha256: VkDigest,
    /// Verifies proofs.
    pub verifier: ProofVerifier,
}

impl CircuitVerifier {
    /// Verifies a bundle under a policy, checks its keys' points, and takes the key of a circuit:
    /// of the only one, where none is named.
    ///
    /// # Errors
    /// As [`crate::embed`]; or no such circuit.
    pub fn from_bundle(
        bundle: &Bundle,
        policy: &Policy,
        circuit: Option<&CircuitName>,
        now: &Timestamp,
    ) -> Result<Self> {
        let bundle = bundle.verify(policy, now, OnExpiry::Refuse)?;
        let key = key_of(&bundle, circuit)?;
        beacons::ensure_verified(bundle.transcript().transcript())?;
        Ok(key)
    }

    /// What a verifier says of a proof.
    #[must_use]
    pub fn verdict(
        &self,
        claim: &Claim,
        holds: bool,
        key: PublicKey,
        tool: &Label,
    ) -> ProofVerdict {
        ProofVerdict {
            ceremony: self.ceremony.clone(),
            kind: self.kind,
            statement_sha256: self.statement,
            circuit: self.circuit.clone(),
            vk_sha256: self.vk_sha256,
            inputs_sha256: Sha256Hex(inputs_digest(&claim.inputs)),
            answer: if holds { Answer::Holds } else { Answer::Fails },
            key,
            tool: tool.clone(),
            time: Timestamp::now(),
        }
    }
}

fn key_of(bundle: &VerifiedBundle, wanted: Option<&CircuitName>) -> Result<CircuitVerifier> {
    let names: Vec<&str> = bundle.circuits().map(|(circuit, _)| circuit.name.as_str()).collect();
    let mut fitting = bundle
        .circuits()
        .filter(|(circuit, _)| wanted.is_none_or(|wanted| circuit.name == *wanted));
    let (Some((circuit, key)), None) = (fitting.next(), fitting.next()) else {
        return Err(Refusal::new(Code::WrongCircuit, "the proof's circuit is not known")
            .found(wanted.map_or("none named", CircuitName::as_str))
            .expected(names.join(" or "))
            .hint("name a circuit of the bundle with --circuit NAME"));
    };
    let checked = deep_check::deep_check(key)
        .map_err(|refusal| refusal.within(format_args!("circuit {}", circuit.name)))?;
    let provenance = bundle.provenance();
    Ok(CircuitVerifier {
        ceremony: provenance.ceremony.clone(),
        kind: provenance.kind,
        statement: bundle.statement_digest(),
        circuit: circuit.name.clone(),
        vk_sha256: circuit.vk_sha256,
        verifier: ProofVerifier::new(checked),
    })
}

/// What a verifier signs of a proof. The subject is the proof, with the SHA-256 of its canonical
/// uncompressed encoding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofVerdict {
    /// The ceremony that the key comes from.
    pub ceremony: CeremonyId,
    /// What it was for.
    pub kind: CeremonyKind,
    /// SHA-256 of the bundle's signed statement.
    pub statement_sha256: StatementDigest,
    /// The circuit.
    pub circuit: CircuitName,
    /// SHA-256 of its canonical compressed key.
    pub vk_sha256: VkDigest,
    /// SHA-256 of the public inputs, 32 bytes little-endian each.
    pub inputs_sha256: Sha256Hex,
    /// Whether the proof holds.
    pub answer: Answer,
    /// The key under which this verifies.
    pub key: PublicKey,
    /// Tool and version.
    pub tool: Label,
    /// When.
    pub time: Timestamp,
}

/// Whether a proof holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It does.
    Holds,
    /// It does not.
    Fails,
}

impl Predicate for ProofVerdict {
    const TYPE: &'static str = "urn:zk-ceremony:proof-verdict:v1";
    const RENEW: &'static str = "have the proof verified again with `proof verify`";
}

/// The statement of a verdict, to be signed.
///
/// # Errors
/// None that a verdict can cause.
pub fn statement(verdict: ProofVerdict, claim: &Claim) -> Result<Statement<ProofVerdict>> {
    let subject = Subject::new(PROOF, &proof_digest(&claim.proof))?;
    Ok(Statement { subject: vec![subject], predicate: verdict })
}

/// What verdicts are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct About {
    /// SHA-256 of the bundle's signed statement.
    pub statement_sha256: StatementDigest,
    /// The circuit.
    pub circuit: CircuitName,
    /// SHA-256 of its key.
    pub vk_sha256: VkDigest,
    /// SHA-256 of the proof.
    pub proof_sha256: Sha256Hex,
    /// SHA-256 of the public inputs.
    pub inputs_sha256: Sha256Hex,
}

impl About {
    /// What a verdict on a proof in hand is about.
    #[must_use]
    pub fn of(key: &CircuitVerifier, proof: &Claim) -> Self {
        Self {
            statement_sha256: key.statement,
            circuit: key.circuit.clone(),
            vk_sha256: key.vk_sha256,
            proof_sha256: Sha256Hex(proof_digest(&proof.proof)),
            inputs_sha256: Sha256Hex(inputs_digest(&proof.inputs)),
        }
    }
}

/// What verifiers found.
#[derive(Clone, Debug, Serialize)]
pub struct Tally {
    /// What it is about.
    pub about: About,
    /// Verifiers of the policy who found the proof to hold, by name.
    pub holds: Vec<Label>,
    /// Verifiers who found it not to.
    pub fails: Vec<Label>,
    /// Verifiers who said both, and count for neither.
    pub both: Vec<Label>,
    /// Verdicts by keys that are no verifiers of the policy, or are revoked.
    pub strangers: usize,
    /// How many verifiers must find it to hold.
    pub threshold: u32,
    /// How many verifiers of the policy are not revoked.
    pub verifiers: usize,
}

impl Tally {
    /// Whether enough distinct verifiers found the proof to hold.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.holds.len() >= self.threshold as usize
    }
}

/// Counts verdicts by distinct keys. All are about one proof: about `expected`, where the caller
/// has the proof.
///
/// # Errors
/// When the policy names no verifiers, a verdict is none or is not signed by the key that it names,
/// or two are about different things.
pub fn tally(
    verdicts: &[(String, Envelope)],
    policy: &Policy,
    expected: Option<About>,
) -> Result<Tally> {
    let document = policy.document();
    let Some(role) = &document.roles.verifier else {
        return Err(Refusal::new(Code::ThresholdNotMet, "the policy names no verifiers of proofs")
            .expected("the role verifier, with a threshold and keys"));
    };
    let valid = role.valid_keys(&document.revoked_keys);
    let mut about = expected;
    let mut said: BTreeMap<PublicKey, BTreeSet<Answer>> = BTreeMap::new();
    let mut strangers = BTreeSet::new();
    for (name, envelope) in verdicts {
        let (this, verdict) = read(envelope).map_err(|refusal| refusal.within(name))?;
        match &about {
            None => about = Some(this),
            Some(about) if *about == this => {}
            Some(about) => {
                return Err(Refusal::new(
                    Code::SubjectMismatch,
                    "the verdict is about something else than the others, or than the proof",
                )
                .within(name)
                .found(shown(&this))
                .expected(shown(about)));
            }
        }
        if valid.contains(&verdict.key) {
            said.entry(verdict.key).or_default().insert(verdict.answer);
        } else {
            strangers.insert(verdict.key);
        }
    }
    let Some(about) = about else {
        return Err(Refusal::new(Code::ThresholdNotMet, "there are no verdicts"));
    };
    let names = |answers: &[Answer]| -> Vec<Label> {
        let wanted: BTreeSet<Answer> = answers.iter().copied().collect();
        let keys = role.keys.iter().filter(|entry| said.get(&entry.key) == Some(&wanted));
        keys.map(|entry| entry.name.clone()).collect()
    };
    Ok(Tally {
        about,
        holds: names(&[Answer::Holds]),
        fails: names(&[Answer::Fails]),
        both: names(&[Answer::Holds, Answer::Fails]),
        strangers: strangers.len(),
        threshold: role.threshold.get(),
        verifiers: valid.len(),
    })
}

/// A verdict that is signed by the key that it names.
fn read(envelope: &Envelope) -> Result<(About, ProofVerdict)> {
    let Statement { subject, predicate } =
        Statement::<ProofVerdict>::from_payload(envelope.payload())?;
    if envelope.signers([&predicate.key]).is_empty() {
        return Err(Refusal::new(
            Code::BadSignature,
            "the verdict does not verify under the key that it names",
        )
        .expected(predicate.key));
    }
    let [subject] = subject.as_slice() else {
        return Err(Refusal::new(Code::SubjectMismatch, "the verdict is not of one proof"));
    };
    let about = About {
        statement_sha256: predicate.statement_sha256,
        circuit: predicate.circuit.clone(),
        vk_sha256: predicate.vk_sha256,
        proof_sha256: subject.digest.sha256,
        inputs_sha256: predicate.inputs_sha256,
    };
    Ok((about, predicate))
}

fn shown(about: &About) -> String {
    let hex = |digest: &Sha256Hex| String::from(*digest);
    format!(
        "statement {}, circuit {}, proof {}, inputs {}",
        about.statement_sha256,
        about.circuit,
        hex(&about.proof_sha256),
        hex(&about.inputs_sha256)
    )
}
