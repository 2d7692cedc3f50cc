//! What a signer must see before approving a bundle, on one screen: the ceremony, who contributed,
//! what is approved, and who is missing.
//!
//! An [`Inspection`] exists only for a bundle whose contents belong together. Its last line says
//! whether a policy is satisfied.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::bundle::{Bundle, OnExpiry};
use crate::policy::{Policy, Role, RoleKey};
use crate::transcript::{CheckedTranscript, Origin, Step, Transcript};
use zk_attest::digest::{ManifestDigest, StatementDigest};
use zk_attest::error::Result;
use zk_attest::key::PublicKey;
use zk_attest::manifest::{CircuitProvenance, Manifest};
use zk_attest::primitives::{Beacon, Timestamp};
use zk_attest::statement::{Phase, Provenance};

/// What is being approved: see the module's documentation. Serializes for `--json`.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The statement's predicate.
    pub provenance: Provenance,
    /// What the bundle holds, circuit by circuit: the document that the statement names.
    pub manifest: Manifest,
    /// SHA-256 of the manifest, which is the statement's first subject.
    pub manifest_sha256: ManifestDigest,
    /// SHA-256 of the bytes to be signed.
    pub statement_sha256: StatementDigest,
    /// SHA-256 of the transcript.
    pub transcript_sha256: zk_attest::digest::TranscriptDigest,
    /// Fingerprint of the coordinator's key.
    pub coordinator: String,
    /// Fingerprints of the keys of whoever took over.
    pub successors: Vec<String>,
    /// Phase 1.
    pub phase1: InspectedPhase,
    /// Phase 2 of each circuit, in the order of the manifest.
    pub phase2: Vec<InspectedPhase>,
    /// Files that the coordinator took out of the chain, with the reason.
    pub rejected: Vec<String>,
    /// Signatures, role by role; empty without a policy.
    pub roles: Vec<InspectedRole>,
    /// Number of signatures of the envelope, by any key.
    pub signatures: usize,
    /// The policy's verdict; none without a policy.
    pub verdict: Option<Verdict>,
}

/// One phase of the chain.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedPhase {
    /// "phase 1", or the circuit.
    pub title: String,
    /// What it starts from.
    pub start: String,
    /// Who contributed, in order.
    pub contributors: Vec<Contributor>,
    /// The beacon that closed it.
    pub beacon: Option<Beacon>,
}

/// A contribution.
#[derive(Clone, Debug, Serialize)]
pub struct Contributor {
    /// The name in the roster.
    pub name: String,
    /// Fingerprint of the key that attested it; none if it is not attested.
    pub fingerprint: Option<String>,
    /// What the policy calls the holder of that key.
    pub known_as: Option<String>,
    /// Whether it counts under the policy.
    pub counts: Option<bool>,
}

/// A role of the policy.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedRole {
    /// Its name.
    pub role: String,
    /// How many must sign.
    pub threshold: u32,
    /// Who has.
    pub signed: Vec<String>,
    /// Who has not, and still can.
    pub not_signed: Vec<String>,
}

/// The policy's verdict.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// SHA-256 of the policy.
    pub policy_sha256: zk_attest::digest::PolicyDigest,
    /// Whether it is satisfied.
    pub approved: bool,
    /// If not: the first reason.
    pub refusal: Option<String>,
}

impl Bundle {
    /// The transcript of a bundle whose contents belong together.
    ///
    /// # Errors
    /// Those of [`Bundle::verify`] that are about what it holds.
    pub fn checked_transcript(&self) -> Result<CheckedTranscript> {
        Ok(self.contents()?.transcript)
    }

    /// Inspects the bundle, under a policy if there is one. Refused if its contents do not belong
    /// together: then there is nothing to approve.
    ///
    /// # Errors
    /// Those of [`Bundle::verify`] that are about what it holds. That a policy is not satisfied is
    /// part of the inspection.
    pub fn inspect(&self, policy: Option<&Policy>, now: &Timestamp) -> Result<Inspection> {
        let contents = self.contents()?;
        let transcript = contents.transcript.transcript();
        let steps1 = transcript.phase1.steps.iter().map(|step| &step.step);
        let start1 = match transcript.phase1.start.origin {
            Origin::New => format!("new, power {}", transcript.phase1.power),
            Origin::External => format!(
                "external file {}, power {}",
                transcript.phase1.start.file_sha256, transcript.phase1.power
            ),
        };
        let phase2 = transcript.circuits.iter().map(|circuit| {
            let title = format!("circuit {}", circuit.name);
            inspected(
                title,
                format!("key of {}", circuit.circuit_sha256),
                circuit.steps.iter(),
                Phase::Two,
                policy,
            )
        });
        Ok(Inspection {
            statement_sha256: StatementDigest::of(self.envelope().payload()),
            transcript_sha256: contents.transcript.digest(),
            coordinator: transcript.coordinator.fingerprint(),
            successors: transcript
                .handovers
                .iter()
                .map(|handover| handover.coordinator.fingerprint())
                .collect(),
            phase1: inspected("phase 1".into(), start1, steps1, Phase::One, policy),
            phase2: phase2.collect(),
            rejected: rejected(transcript),
            roles: policy.map(|policy| self.roles(policy)).unwrap_or_default(),
            signatures: self.envelope().signatures().len(),
            verdict: policy.map(|policy| {
                // Missing signatures come last: they hide nothing that a signer must know.
                let refusal = self
                    .ensure_signable(policy, now)
                    .and_then(|()| self.verify(policy, now, OnExpiry::Refuse).map(drop))
                    .err()
                    .map(|refusal| refusal.without_hint());
                Verdict { policy_sha256: policy.digest(), approved: refusal.is_none(), refusal }
            }),
            manifest_sha256: contents.manifest.digest(),
            manifest: contents.manifest,
            provenance: contents.provenance,
        })
    }

    fn roles(&self, policy: &Policy) -> Vec<InspectedRole> {
        let signers = self.envelope().signers(policy.keys());
        let revoked = policy.document().revoked_keys.as_slice();
        let roles = &policy.document().roles;
        let release = Some(inspected_role("release", &roles.release, &signers, revoked));
        let auditor =
            roles.auditor.as_ref().map(|role| inspected_role("auditor", role, &signers, revoked));
        let participant = roles
            .participant
            .as_ref()
            .map(|role| inspected_role("participant", role, &signers, revoked));
        [release, auditor, participant].into_iter().flatten().collect()
    }
}

/// A revoked key counts neither as signed nor as missing.
fn inspected_role<K: RoleKey>(
    name: &str,
    role: &Role<K>,
    signers: &BTreeSet<PublicKey>,
    revoked: &[PublicKey],
) -> InspectedRole {
    let valid = role.keys.iter().filter(|entry| !revoked.contains(entry.key()));
    let (has, has_not): (Vec<&K>, Vec<&K>) = valid.partition(|entry| signers.contains(entry.key()));
    let shown = |entries: Vec<&K>| {
        entries
            .iter()
            .map(|entry| format!("{} ({})", entry.name(), entry.key().fingerprint()))
            .collect()
    };
    InspectedRole {
        role: name.into(),
        threshold: role.threshold.get(),
        signed: shown(has),
        not_signed: shown(has_not),
    }
}

fn inspected<'a>(
    title: String,
    start: String,
    steps: impl Iterator<Item = &'a Step>,
    phase: Phase,
    policy: Option<&Policy>,
) -> InspectedPhase {
    let (beacons, contributions): (Vec<&Step>, Vec<&Step>) =
        steps.partition(|step| step.beacon.is_some());
    let contributors = contributions.iter().map(|step| {
        let key = step.attested.as_ref().map(|attested| attested.key);
        Contributor {
            name: step.name.to_string(),
            fingerprint: key.map(|key| key.fingerprint()),
            known_as: policy.and_then(|policy| policy.name_of(&key?)).map(ToString::to_string),
            counts: policy.map(|policy| {
                key.is_some_and(|key| !policy.counted(phase, &[key].into()).is_empty())
            }),
        }
    });
    InspectedPhase {
        title,
        start,
        contributors: contributors.collect(),
        beacon: beacons.first().and_then(|step| step.beacon.clone()),
    }
}

fn rejected(transcript: &Transcript) -> Vec<String> {
    let shown = transcript.rejected.iter().map(|rejection| {
        let place = rejection
            .circuit
            .as_ref()
            .map_or_else(|| "phase 1".to_owned(), |name| format!("circuit {name}"));
        format!("{place}, step {}: {}", rejection.index, rejection.reason)
    });
    shown.collect()
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provenance = &self.provenance;
        writeln!(
            f,
            "ceremony     {} ({}), serial {}",
            provenance.ceremony, provenance.kind, provenance.serial
        )?;
        writeln!(
            f,
            "issued       {}, importable until {}",
            provenance.issued, provenance.not_after
        )?;
        if let Some(predecessor) = provenance.predecessor {
            writeln!(f, "replaces     transcript {predecessor}")?;
        }
        writeln!(f, "coordinator  {}", self.coordinator)?;
        for successor in &self.successors {
            writeln!(f, "  then       {successor}")?;
        }
        writeln!(f, "transcript   {}", self.transcript_sha256)?;
        writeln!(f, "manifest     {}", self.manifest_sha256)?;
        writeln!(f, "statement    {}", self.statement_sha256)?;
        write!(f, "\n{}", self.phase1)?;
        for (circuit, phase) in self.manifest.circuits.iter().zip(&self.phase2) {
            write!(f, "\n{phase}")?;
            key_lines(f, circuit)?;
        }
        self.rejected.iter().try_for_each(|rejected| writeln!(f, "rejected     {rejected}"))?;
        writeln!(f, "\nsignatures   {}", self.signatures)?;
        for role in &self.roles {
            writeln!(
                f,
                "  {:<12} {} of {} needed; signed: {}",
                role.role,
                role.signed.len(),
                role.threshold,
                listed(&role.signed)
            )?;
            if role.signed.len() < role.threshold as usize {
                writeln!(f, "  {:<12} can still sign: {}", "", listed(&role.not_signed))?;
            }
        }
        match &self.verdict {
            None => writeln!(f, "no policy given: who has to sign is not known"),
            Some(Verdict { policy_sha256, approved: true, .. }) => {
                writeln!(f, "APPROVED under policy {policy_sha256}")
            }
            Some(Verdict { policy_sha256, refusal, .. }) => {
                writeln!(f, "NOT APPROVED under policy {policy_sha256}")?;
                writeln!(f, "{}", refusal.as_deref().unwrap_or_default())
            }
        }
    }
}

fn key_lines(f: &mut fmt::Formatter<'_>, circuit: &CircuitProvenance) -> fmt::Result {
    writeln!(f, "  program    {} ({})", circuit.program_id, circuit.program_hash)?;
    writeln!(f, "  key        {}, {} public inputs", circuit.vk_sha256, circuit.public_inputs)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nobody".into() } else { names.join(", ") }
}

impl fmt::Display for InspectedPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.title, self.start)?;
        for (contributor, index) in self.contributors.iter().zip(1..) {
            let key = contributor.fingerprint.as_deref().unwrap_or("not attested");
            // A roster may give a key any name; the policy's name decides.
            let known_as =
                contributor.known_as.iter().filter(|known_as| **known_as != contributor.name);
            let known_as: String =
                known_as.map(|known_as| format!(" (whom the policy calls {known_as})")).collect();
            let counts = if contributor.counts == Some(false) { "  does not count" } else { "" };
            writeln!(f, "  {index:>3}  {key:<19}  {}{known_as}{counts}", contributor.name)?;
        }
        if let Some(beacon) = &self.beacon {
            writeln!(
                f,
                "  beacon     {}, round {}, 2^{} iterations, {}",
                beacon.source,
                beacon.round,
                beacon.exponent.get(),
                if beacon.signature.is_some() {
                    "signed: zk-embed verifies it with the chain's key"
                } else {
                    "not compared with its source"
                }
            )?;
        }
        Ok(())
    }
}
