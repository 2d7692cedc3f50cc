//! Attestations: who vouches for which step of a ceremony.
//!
//! [`StepFacts::attested`] proves that one signature of an envelope is by the given key, that its
//! payload is a canonical [`StepAttestation`], and that this says about the step exactly what the
//! reader already knows: ceremony, rules, kind, phase, circuit, action, number, name, input,
//! output, hash, beacon and reason. It returns what only the signer knows (tool, entropy,
//! destruction, what was verified, time).
//!
//! The transcript's check and the ceremony folder's use this one function, so that an attestation
//! which verified in the folder cannot fail in the transcript.

use crate::digest::{ConfigDigest, ContributionHash, FileDigest};
use crate::envelope::Envelope;
use crate::error::{Code, Refusal, Result};
use crate::key::PublicKey;
use crate::primitives::{Beacon, CeremonyId, CeremonyKind, Label};
use crate::statement::{Action, CircuitReference, Phase, Statement, StepAttestation};

/// The ceremony that a step belongs to.
#[derive(Clone, Copy, Debug)]
pub struct CeremonyFacts<'a> {
    /// Its id.
    pub ceremony: &'a CeremonyId,
    /// SHA-256 of its ceremony.toml.
    pub ceremony_toml_sha256: ConfigDigest,
    /// What it is for.
    pub kind: CeremonyKind,
}

/// What a reader knows about a step.
#[derive(Clone, Debug)]
pub struct StepFacts<'a> {
    /// The phase.
    pub phase: Phase,
    /// The circuit, in phase 2.
    pub circuit: Option<CircuitReference>,
    /// What was done.
    pub action: Action,
    /// The step's number.
    pub index: u32,
    /// Who did it; none if only the key says so.
    pub participant: Option<&'a Label>,
    /// SHA-256 of the file that it started from. Not compared for a rejection, which repeats what
    /// the rejected step says.
    pub input: Option<FileDigest>,
    /// SHA-256 of the file that it wrote (or rejected).
    pub file: FileDigest,
    /// The hash that tools show, of a contribution or beacon.
    pub contribution_hash: Option<ContributionHash>,
    /// The parameters of a beacon. Not compared for a rejection either.
    pub beacon: Option<&'a Beacon>,
    /// The reason of a rejection.
    pub reason: Option<&'a Label>,
}

impl<'a> StepFacts<'a> {
    /// A step by the coordinator that is neither a beacon nor a rejection.
    #[must_use]
    pub fn by_coordinator(
        phase: Phase,
        circuit: Option<CircuitReference>,
        action: Action,
        index: u32,
        input: Option<FileDigest>,
        file: FileDigest,
    ) -> Self {
        Self {
            phase,
            circuit,
            action,
            index,
            participant: None,
            input,
            file,
            contribution_hash: None,
            beacon: None,
            reason: None,
        }
    }

    /// Verifies that `key` attests this step in `envelope`: the signature, then each field.
    pub fn attested(
        &self,
        ceremony: &CeremonyFacts<'a>,
        envelope: &Envelope,
        key: &PublicKey,
    ) -> Result<StepAttestation> {
        if envelope.signers([key]).is_empty() {
            return Err(Refusal::new(
                Code::AttestationInvalid,
                "the attestation does not verify under the key that comes with it",
            )
            .expected(key));
        }
        let Statement { subject, predicate } =
            Statement::<StepAttestation>::from_payload(envelope.payload()).map_err(|refusal| {
                refusal.with_code(Code::AttestationInvalid).within("attestation")
            })?;
        let rejects = self.action == Action::Reject;
        let same = [
            ("ceremony", &predicate.ceremony == ceremony.ceremony),
            (
                "digest of ceremony.toml",
                predicate.ceremony_toml_sha256 == ceremony.ceremony_toml_sha256,
            ),
            ("kind", predicate.kind == ceremony.kind),
            ("phase", predicate.phase == self.phase),
            ("circuit", predicate.circuit == self.circuit),
            ("action", predicate.action == self.action),
            ("index", predicate.index == self.index),
            ("name", self.participant.is_none_or(|name| &predicate.participant == name)),
            ("input", rejects || predicate.input_sha256 == self.input),
            ("contribution hash", predicate.contribution_hash == self.contribution_hash),
            ("beacon", rejects || predicate.beacon.as_ref() == self.beacon),
            ("reason", predicate.reason.as_ref() == self.reason),
            ("file", matches!(subject.as_slice(), [file] if file.digest.sha256.0 == self.file.0)),
        ];
        match same.iter().find(|(_, same)| !same) {
            None => Ok(predicate),
            Some((field, _)) => Err(Refusal::new(
                Code::AttestationInvalid,
                format_args!("the attestation is about another step: its {field} differs"),
            )),
        }
    }
}
