//! The trust policy: whose signatures, how many, over what. A downstream project commits it, and
//! pins its SHA-256 in build.rs.
//!
//! A [`Policy`] that exists is sound:
//! 1. in each role 1 <= threshold <= number of keys that are not revoked; no key is weak, and none
//!    is listed twice;
//! 2. each phase has at least as many participants as it needs contributions;
//! 3. a production policy names participants for phase 2, and for phase 1 participants or the
//!    external files that it may start from;
//! 4. it names at least one circuit, each once.
//!
//! [`Role::check`] is the only threshold count in this crate. It counts *distinct 32-byte keys* out
//! of the set that [`Envelope::signers`](zk_attest::envelope::Envelope::signers) returned, minus
//! the revoked ones.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::limits::MAX_CIRCUITS;

use zk_attest::digest::{CircuitDigest, FileDigest, PolicyDigest, TranscriptDigest};
use zk_attest::document_format;
use zk_attest::error::{Code, Refusal, Result};
use zk_attest::json;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyKind, CircuitName, Label, Timestamp};
use zk_attest::statement::Phase;

pub use crate::limits::{MAX_KEYS, MAX_POLICY_BYTES};

document_format!(
    /// The version of the document.
    PolicyFormat,
    V2 = "zk-trust-policy/2",
    "write zk-trust-policy/2 in its first line, review it, and pin it again: it then approves \
     bundles of the present version"
);

/// A sound trust policy: see the module's documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    document: PolicyDocument,
    digest: PolicyDigest,
}

/// The document as people write it. [`Policy::from_json`] makes it a policy, or says what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// The version of the document.
    pub format: PolicyFormat,
    /// The kind of bundle that is accepted.
    pub kind: CeremonyKind,
    /// Who approves.
    pub roles: Roles,
    /// How many contributions must count in each phase.
    pub minimum_contributions: MinimumContributions,
    /// SHA-256 of .ptau files that a phase 1 may start from. Such a start stands in for phase 1's
    /// own contributions.
    pub accepted_phase1_starts: Vec<FileDigest>,
    /// The circuits: a bundle holds exactly these.
    pub circuits: Vec<PolicyCircuit>,
    /// The lowest serial that is accepted.
    pub minimum_serial: u64,
    /// Transcripts that are no longer accepted.
    pub revoked_transcripts: Vec<TranscriptDigest>,
    /// Keys that no longer count in any role or step.
    pub revoked_keys: Vec<PublicKey>,
    /// The last moment at which the policy itself may be used without a review.
    pub not_after: Option<Timestamp>,
    /// Whether every beacon must be a round of drand, whose signature the transcript carries: this
    /// crate holds the value to the signature, and what embeds keys verifies it with the chain's
    /// key.
    #[serde(default, skip_serializing_if = "is_false")]
    pub verified_beacons: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Who approves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Release authorities.
    pub release: Role<NamedKey>,
    /// Auditors, who have verified the ceremony for themselves.
    pub auditor: Option<Role<NamedKey>>,
    /// Participants: the keys whose contributions count, and how many of them must approve the
    /// final key.
    pub participant: Option<Role<ParticipantKey>>,
    /// Those whose verdicts on single proofs count, and how many of them must find a proof to hold.
    /// They approve no bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifier: Option<Role<NamedKey>>,
}

/// Keys, and how many of them must sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role<K> {
    /// How many.
    pub threshold: NonZeroU32,
    /// Which keys.
    pub keys: Vec<K>,
}

/// A key with the name that reports show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedKey {
    /// Whose.
    pub name: Label,
    /// The key.
    pub key: PublicKey,
}

/// A participant's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParticipantKey {
    /// Whose.
    pub name: Label,
    /// The key.
    pub key: PublicKey,
    /// The phases in which its contributions count.
    pub phases: Vec<Phase>,
}

/// How many contributions must count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinimumContributions {
    /// In phase 1, unless it starts from an accepted external file.
    pub phase1: NonZeroU32,
    /// In phase 2, for each circuit.
    pub phase2: NonZeroU32,
}

/// A circuit that the project uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyCircuit {
    /// Name.
    pub name: CircuitName,
    /// SHA-256 of the .r1cs file.
    pub circuit_sha256: CircuitDigest,
}

/// An entry of a role.
pub trait RoleKey {
    /// Whose.
    fn name(&self) -> &Label;
    /// The key.
    fn key(&self) -> &PublicKey;
}

impl RoleKey for NamedKey {
    fn name(&self) -> &Label {
        &self.name
    }
    fn key(&self) -> &PublicKey {
        &self.key
    }
}

impl RoleKey for ParticipantKey {
    fn name(&self) -> &Label {
        &self.name
    }
    fn key(&self) -> &PublicKey {
        &self.key
    }
}

impl<K: RoleKey> Role<K> {
    /// The keys of this role that are not revoked.
    #[must_use]
    pub fn valid_keys(&self, revoked: &[PublicKey]) -> BTreeSet<PublicKey> {
        self.keys.iter().map(|entry| *entry.key()).filter(|key| !revoked.contains(key)).collect()
    }

    /// The threshold function: who of this role has signed, or a refusal if these are too few.
    pub fn check(
        &self,
        role: &str,
        signers: &BTreeSet<PublicKey>,
        revoked: &[PublicKey],
    ) -> Result<BTreeSet<PublicKey>> {
        let valid = self.valid_keys(revoked);
        let counted: BTreeSet<PublicKey> = valid.intersection(signers).copied().collect();
        if counted.len() >= self.threshold.get() as usize {
            return Ok(counted);
        }
        let can_sign = |entry: &&K| valid.contains(entry.key()) && !counted.contains(entry.key());
        let missing: Vec<&str> =
            self.keys.iter().filter(can_sign).map(|entry| entry.name().as_str()).collect();
        Err(Refusal::new(Code::ThresholdNotMet, format_args!("too few signatures of role {role}"))
            .found(format_args!(
                "{} distinct keys of this role have signed; not signed: {}",
                counted.len(),
                missing.join(", ")
            ))
            .expected(format_args!("at least {} of {}", self.threshold, valid.len())))
    }

    fn is_sound(
        &self,
        role: &str,
        revoked: &[PublicKey],
        seen: &mut BTreeSet<PublicKey>,
    ) -> Result<()> {
        if self.keys.len() > MAX_KEYS {
            return Err(unsound(format_args!("role {role} has too many keys"))
                .found(self.keys.len())
                .expected(format_args!("at most {MAX_KEYS}")));
        }
        for entry in &self.keys {
            if !seen.insert(*entry.key()) {
                return Err(unsound(format_args!(
                    "the key of {} is listed twice; one key has one role",
                    entry.name()
                ))
                .found(entry.key()));
            }
        }
        let valid = self.valid_keys(revoked).len();
        if (self.threshold.get() as usize) > valid {
            return Err(unsound(format_args!("the threshold of role {role} cannot be met")).found(
                format_args!("threshold {}, {valid} keys that are not revoked", self.threshold),
            ));
        }
        Ok(())
    }
}

fn unsound(what: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::PolicyUnsound, what)
}

impl Policy {
    /// Reads a policy and checks that it is sound.
    ///
    /// # Errors
    /// `malformed`, `too-large`, or `policy-unsound`: thresholds that nobody can meet,
    /// a key in two roles, a circuit twice.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let document: PolicyDocument =
            json::parse(bytes, MAX_POLICY_BYTES, "policy").map_err(|refusal| {
                match refusal.code() {
                    Code::Malformed => refusal.with_code(Code::PolicyUnsound),
                    _ => refusal,
                }
            })?;
        document.is_sound()?;
        Ok(Self { document, digest: PolicyDigest::of(bytes) })
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> &PolicyDocument {
        &self.document
    }

    /// SHA-256 of its bytes: the pin.
    #[must_use]
    pub fn digest(&self) -> PolicyDigest {
        self.digest
    }

    /// The kind of bundle that it accepts.
    #[must_use]
    pub fn kind(&self) -> CeremonyKind {
        self.document.kind
    }

    /// Every key of every role.
    pub fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        let roles = &self.document.roles;
        let auditors = roles.auditor.iter().flat_map(|role| &role.keys);
        let participants = roles.participant.iter().flat_map(|role| &role.keys);
        roles
            .release
            .keys
            .iter()
            .chain(auditors)
            .map(RoleKey::key)
            .chain(participants.map(RoleKey::key))
    }

    /// What a policy calls the holder of a key.
    #[must_use]
    pub fn name_of(&self, key: &PublicKey) -> Option<&Label> {
        let roles = &self.document.roles;
        let named = roles
            .release
            .keys
            .iter()
            .chain(roles.auditor.iter().flat_map(|role| &role.keys))
            .chain(roles.verifier.iter().flat_map(|role| &role.keys));
        let participants = roles.participant.iter().flat_map(|role| &role.keys);
        named
            .map(|entry| (&entry.key, &entry.name))
            .chain(participants.map(|entry| (&entry.key, &entry.name)))
            .find(|(k, _)| *k == key)
            .map(|(_, name)| name)
    }

    /// Those of the contributors whose contributions count in a phase: named for that phase (or, if
    /// a rehearsal policy names no one, any key that attests), and not revoked.
    #[must_use]
    pub fn counted(&self, phase: Phase, contributors: &BTreeSet<PublicKey>) -> BTreeSet<PublicKey> {
        let named = self.document.participants_of(phase);
        let open = self.document.roles.participant.is_none();
        contributors
            .iter()
            .filter(|key| (open || named.contains(key)) && !self.is_revoked(key))
            .copied()
            .collect()
    }

    /// Refuses a count of contributions below the phase's minimum.
    pub fn check_contributions(
        &self,
        phase: Phase,
        contributors: &BTreeSet<PublicKey>,
    ) -> Result<()> {
        let minimum = match phase {
            Phase::One => self.document.minimum_contributions.phase1,
            Phase::Two => self.document.minimum_contributions.phase2,
        };
        let counted = self.counted(phase, contributors).len();
        if counted >= minimum.get() as usize {
            return Ok(());
        }
        Err(Refusal::new(Code::TooFewContributions, "too few contributions count")
            .found(format_args!(
                "{counted} attested by distinct participants whom the policy names for phase {}",
                u8::from(phase)
            ))
            .expected(format_args!("at least {minimum}")))
    }

    /// Whether a key is revoked.
    #[must_use]
    pub fn is_revoked(&self, key: &PublicKey) -> bool {
        self.document.revoked_keys.contains(key)
    }
}

impl PolicyDocument {
    /// The document as it is committed: indented, with a line feed at its end.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Participants of a phase who are not revoked.
    fn participants_of(&self, phase: Phase) -> BTreeSet<PublicKey> {
        let entries = self.roles.participant.iter().flat_map(|role| &role.keys);
        entries
            .filter(|entry| {
                entry.phases.contains(&phase) && !self.revoked_keys.contains(&entry.key)
            })
            .map(|entry| entry.key)
            .collect()
    }

    fn is_sound(&self) -> Result<()> {
        let Roles { release, auditor, participant, verifier } = &self.roles;
        let mut seen = BTreeSet::new();
        release.is_sound("release", &self.revoked_keys, &mut seen)?;
        if let Some(auditor) = auditor {
            auditor.is_sound("auditor", &self.revoked_keys, &mut seen)?;
        }
        if let Some(participant) = participant {
            participant.is_sound("participant", &self.revoked_keys, &mut seen)?;
            if let Some(entry) = participant
                .keys
                .iter()
                .find(|entry| entry.phases.is_empty() || !entry.phases.is_sorted_by(|a, b| a < b))
            {
                return Err(unsound(format_args!(
                    "participant {} needs phases [1], [2] or [1, 2]",
                    entry.name
                )));
            }
        }
        if let Some(verifier) = verifier {
            verifier.is_sound("verifier", &self.revoked_keys, &mut seen)?;
        }
        self.names_its_participants()?;
        if self.circuits.len() > MAX_CIRCUITS {
            return Err(unsound("there are too many circuits: no ceremony has as many")
                .found(self.circuits.len())
                .expected(format_args!("at most {MAX_CIRCUITS}")));
        }
        if self.circuits.is_empty()
            || !self.circuits.is_sorted_by(|a, b| a.name.module() < b.name.module())
        {
            return Err(unsound(
                "there must be at least one circuit, and the names must be in rising order, each \
                 once",
            ));
        }
        Ok(())
    }

    fn names_its_participants(&self) -> Result<()> {
        let minimum = self.minimum_contributions;
        for (phase, minimum) in [(Phase::One, minimum.phase1), (Phase::Two, minimum.phase2)] {
            let named = self.participants_of(phase).len();
            let waived = phase == Phase::One && !self.accepted_phase1_starts.is_empty();
            if named == 0
                && (waived
                    || self.roles.participant.is_none() && self.kind == CeremonyKind::Rehearsal)
            {
                continue;
            }
            if named < minimum.get() as usize {
                return Err(unsound(format_args!(
                    "the policy names too few participants for phase {}",
                    u8::from(phase)
                ))
                .found(format_args!("{named} who are not revoked"))
                .expected(format_args!("at least minimum_contributions, which is {minimum}")));
            }
        }
        Ok(())
    }
}
