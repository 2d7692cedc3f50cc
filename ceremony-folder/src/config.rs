//! `ceremony.toml`: what a ceremony is, fixed before its first step. Every attestation names the
//! SHA-256 of its bytes.
//!
//! A [`Config`] that exists is sound:
//! 1. no key stands for two people: the coordinator's and the participants' keys (and names) are
//!    distinct;
//! 2. of each phase's participants there are at least as many as contributions are asked for,
//!    unless phase 1 is a closed file of another ceremony;
//! 3. both beacons are planned: source, round and exponent are known before anybody contributes, so
//!    that no one can choose the value;
//! 4. there is at least one circuit, in rising order of names, no more than a bundle can carry, and
//!    no two with one file or one program;
//! 5. everybody who may be in the roster in the end, with a contribution to each chain, fits into a
//!    transcript.

use std::num::NonZeroU32;

use ceremony_core::format::ptau::Power;
use ceremony_core::limits::{MAX_BEACON_EXPONENT, MIN_BEACON_EXPONENT};
use serde::{Deserialize, Serialize};
use zk_attest::amendment::Deputies;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{CircuitDigest, ConfigDigest, FileDigest, ProgramHash, TranscriptDigest};
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyId, CeremonyKind, CircuitName, Curve, Label};
use zk_attest::statement::Phase;
use zk_vk_guard::limits::MAX_DEPUTIES;

use crate::budget;
use crate::drand::{Chain, SOURCE};
use crate::key_material::key_material;

/// Bytes of a ceremony.toml at most: 512 participants with names of usual length and a page of
/// comments take half of it.
pub const MAX_CONFIG_BYTES: usize = 256 * 1024;

/// The version of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum ConfigFormat {
    #[serde(rename = "zk-ceremony/1")]
    V1,
}

/// Who may contribute when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// In the order of the roster.
    #[default]
    Roster,
    /// In any order.
    Any,
}

/// A sound ceremony.toml: see the module's documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    document: ConfigDocument,
    power: Power,
    digest: ConfigDigest,
    bytes: Vec<u8>,
}

/// The document, as it is written by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigDocument {
    /// The version of the document.
    #[serde(rename = "format")]
    _format: ConfigFormat,
    /// The ceremony's id.
    pub id: CeremonyId,
    /// What it is for.
    pub kind: CeremonyKind,
    /// The curve.
    pub curve: Curve,
    /// Phase 1 serves circuits of up to 2^power constraints.
    pub power: u8,
    /// Who may contribute when.
    #[serde(default)]
    pub order: Order,
    /// Contributions that each phase needs before its beacon.
    pub minimum_contributions: Minimum,
    /// Who opens, closes, prepares and rejects.
    pub coordinator: Person,
    /// Who may take over from the coordinator.
    pub deputies: Option<DeputyRule>,
    /// The roster.
    #[serde(default)]
    pub participants: Vec<Participant>,
    /// Whether others may be added to the roster while the ceremony goes on.
    pub enrolment: Option<EnrolmentRule>,
    /// What participants commit to before the rounds.
    pub commitments: Option<CommitmentRule>,
    /// The beacons.
    pub beacon: BeaconPlan,
    /// The file of another ceremony that phase 1 starts from.
    pub phase1_start: Option<ExternalStart>,
    /// The ceremony that this one succeeds.
    pub predecessor: Option<Predecessor>,
    /// The circuits.
    pub circuits: Vec<ConfigCircuit>,
}

/// The ceremony whose keys a ceremony's replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predecessor {
    /// SHA-256 of its transcript.
    pub transcript_sha256: TranscriptDigest,
    /// The serial of its bundle. The next one's is higher.
    pub serial: u64,
}

/// Contributions that each phase needs before its beacon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Minimum {
    /// Of phase 1; none where nobody contributes to it.
    pub phase1: Option<NonZeroU32>,
    /// Of phase 2, for every circuit.
    pub phase2: NonZeroU32,
}

/// A person with a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Name, as attestations and reports show it.
    pub name: Label,
    /// Key.
    pub key: PublicKey,
}

/// Who may take over if the coordinator cannot act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeputyRule {
    /// How many deputies have to agree.
    pub threshold: NonZeroU32,
    /// Who they are.
    pub people: Vec<Person>,
}

/// Who may be added to the roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentRule {
    /// For which phases. A phase that a beacon has closed takes nobody any more.
    pub phases: Vec<Phase>,
    /// How many people.
    pub maximum: u32,
}

/// What participants commit to before the first contribution of a phase. Without this rule they may
/// enrol, which commits people and no secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitmentRule {
    /// Whether they commit to their secrets: [`crate::commitment`].
    pub secrets: bool,
}

/// A person who contributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Participant {
    /// Name, as attestations and reports show it.
    pub name: Label,
    /// Key.
    pub key: PublicKey,
    /// Phases in which contributions are accepted.
    pub phases: Vec<Phase>,
}

/// The beacons that close the two phases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeaconPlan {
    /// Of phase 1; none where nobody contributes to it.
    pub phase1: Option<PlannedBeacon>,
    /// Of phase 2, the same for every circuit.
    pub phase2: PlannedBeacon,
}

/// A public random value that will exist later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawBeacon", into = "RawBeacon")]
pub struct PlannedBeacon {
    /// Where it will be published: in words, or "drand" and the chain's name.
    pub source: Label,
    /// The chain of drand, whose signature is verified; none where words name the source.
    pub drand: Option<&'static Chain>,
    /// Which of the source's values it will be.
    pub round: u64,
    /// It is hashed 2^exponent times.
    pub exponent: u8,
}

/// A planned beacon as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBeacon {
    source: Option<Label>,
    drand: Option<String>,
    round: u64,
    exponent: u8,
}

impl From<PlannedBeacon> for RawBeacon {
    fn from(PlannedBeacon { source, drand, round, exponent }: PlannedBeacon) -> Self {
        let drand = drand.map(|chain| chain.name().to_owned());
        Self { source: drand.is_none().then_some(source), drand, round, exponent }
    }
}

impl TryFrom<RawBeacon> for PlannedBeacon {
    type Error = String;
    fn try_from(raw: RawBeacon) -> Result<Self, String> {
        let RawBeacon { source, drand, round, exponent } = raw;
        let (source, drand) = match (source, drand) {
            (Some(source), None) if source.as_str().starts_with(SOURCE) => {
                return Err(format!(
                    "a source that begins with \"{SOURCE}\" says nothing of what is verified: \
                     write drand = \"NAME\" in its place, or begin with another word"
                ));
            }
            (Some(source), None) => (source, None),
            (None, Some(name)) => {
                let chain = Chain::named(&name).ok_or_else(|| {
                    let known: Vec<_> = Chain::names(CeremonyKind::Production).collect();
                    format!("no chain of drand that is known: expected {}", known.join(" or "))
                })?;
                if chain.time_of(round).is_none() {
                    return Err(format!("{name} has no round {round}"));
                }
                (chain.source(), Some(chain))
            }
            _ => return Err("a beacon has one of `source` and `drand`".into()),
        };
        Ok(Self { source, drand, round, exponent })
    }
}

/// A `.ptau` of another ceremony.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalStart {
    /// SHA-256 of the file.
    pub sha256: FileDigest,
    /// Where it comes from.
    pub description: Label,
    /// Whether participants of this ceremony contribute to it. Left out where a beacon has closed
    /// it, as it has the published files.
    #[serde(default)]
    pub extend: bool,
}

/// A circuit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigCircuit {
    /// Name.
    pub name: CircuitName,
    /// SHA-256 of the .r1cs file.
    pub sha256: CircuitDigest,
    /// What the project calls the program that the circuit proves.
    pub program: Label,
    /// The project's own hash of it; without it, the hash of the id.
    pub program_hash: Option<ProgramHash>,
}

/// Why a ceremony.toml is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Too many bytes.
    #[error(
        "the file is too large: found {found} bytes, expected at most {MAX_CONFIG_BYTES} bytes"
    )]
    TooLarge {
        /// How many.
        found: usize,
    },
    /// Not TOML, or not this document.
    #[error("{0}")]
    Toml(String),
    /// It contradicts itself.
    #[error("{what}: found {found}, expected {expected}")]
    Unsound {
        /// What is wrong.
        what: String,
        /// As it is.
        found: String,
        /// As it should be.
        expected: String,
    },
}

impl From<&ConfigError> for Diagnostic {
    fn from(error: &ConfigError) -> Self {
        match error {
            ConfigError::TooLarge { found } => Self::artefact("rules", "the file is too large")
                .found(format_args!("{found} bytes"))
                .expected(format_args!("at most {MAX_CONFIG_BYTES} bytes")),
            ConfigError::Toml(text) => Self::artefact("rules", text),
            ConfigError::Unsound { what, found, expected } => {
                Self::artefact("rules", what).found(found).expected(expected)
            }
        }
    }
}

impl Config {
    /// Reads a document and checks that it is sound.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn from_toml(bytes: &[u8]) -> Result<Self, ConfigError> {
        if bytes.len() > MAX_CONFIG_BYTES {
            return Err(ConfigError::TooLarge { found: bytes.len() });
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| ConfigError::Toml(format!("not UTF-8: {error}")))?;
        let document: ConfigDocument = toml::from_str(text)
            .map_err(|error| ConfigError::Toml(without_excerpt(&error, text)))?;
        let power = document.check()?;
        Ok(Self { document, power, digest: ConfigDigest::of(bytes), bytes: bytes.into() })
    }

    /// What it says.
    #[must_use]
    pub fn document(&self) -> &ConfigDocument {
        &self.document
    }

    /// SHA-256 of its bytes.
    #[must_use]
    pub fn digest(&self) -> ConfigDigest {
        self.digest
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The power of phase 1.
    #[must_use]
    pub fn power(&self) -> Power {
        self.power
    }

    /// Whether participants contribute to phase 1, and a beacon of this ceremony closes it.
    #[must_use]
    pub fn has_own_phase1(&self) -> bool {
        self.document.phase1_start.as_ref().is_none_or(|start| start.extend)
    }

    /// Whether every participant commits to the secrets of a phase before its first contribution.
    #[must_use]
    pub fn asks_for_committed_secrets(&self) -> bool {
        self.document.commitments.is_some_and(|rule| rule.secrets)
    }

    /// The participants whom the rules name for a phase. Who may contribute now is for
    /// [`Ceremony::roster`](crate::Ceremony::roster) to say.
    pub fn participants(&self, phase: Phase) -> impl Iterator<Item = &Participant> + Clone {
        self.document
            .participants
            .iter()
            .filter(move |participant| participant.phases.contains(&phase))
    }

    /// The deputies, as amendments are judged by them.
    #[must_use]
    pub fn deputies(&self) -> Option<Deputies> {
        self.document.deputies.as_ref().map(|deputies| Deputies {
            threshold: deputies.threshold,
            keys: deputies.people.iter().map(|person| person.key).collect(),
        })
    }

    /// Contributions that a phase needs before its beacon.
    #[must_use]
    pub fn minimum(&self, phase: Phase) -> u32 {
        let Minimum { phase1, phase2 } = self.document.minimum_contributions;
        if phase == Phase::One { phase1.map_or(1, NonZeroU32::get) } else { phase2.get() }
    }

    /// The beacon that closes a phase; none where the phase comes closed from elsewhere.
    #[must_use]
    pub fn beacon(&self, phase: Phase) -> Option<&PlannedBeacon> {
        match phase {
            Phase::One if self.has_own_phase1() => self.document.beacon.phase1.as_ref(),
            Phase::One => None,
            Phase::Two => Some(&self.document.beacon.phase2),
        }
    }
}

/// Where the parser stopped, and why. The line itself is not shown: people name the wrong file, and
/// that may be a key. In a file that holds one, names and values are not shown either.
fn without_excerpt(error: &toml::de::Error, text: &str) -> String {
    if let Some(kind) = key_material(text.as_bytes()) {
        return format!("not TOML, but {kind}");
    }
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let message: String = error.message().trim_end().chars().map(plain).take(500).collect();
    format!("line {line}, column {column}: {message}")
}

pub(crate) fn unsound<T>(
    what: impl Into<String>,
    found: impl ToString,
    expected: impl ToString,
) -> Result<T, ConfigError> {
    Err(ConfigError::Unsound {
        what: what.into(),
        found: found.to_string(),
        expected: expected.to_string(),
    })
}

impl ConfigCircuit {
    /// What verifiers will select the circuit's key by.
    #[must_use]
    pub fn hash(&self) -> ProgramHash {
        self.program_hash.unwrap_or_else(|| ProgramHash::of_id(self.program.as_str()))
    }
}

impl ConfigDocument {
    fn check(&self) -> Result<Power, ConfigError> {
        let Some(power) = Power::new(u32::from(self.power)) else {
            return unsound("the power is out of range", self.power, "1 to 28");
        };
        self.ensure_people_distinct()?;
        self.minimum_can_be_met()?;
        self.own_phase1_is_planned()?;
        for (phase, beacon) in [(1, self.beacon.phase1.as_ref()), (2, Some(&self.beacon.phase2))] {
            let Some(beacon) = beacon else { continue };
            if !(MIN_BEACON_EXPONENT..=MAX_BEACON_EXPONENT).contains(&beacon.exponent) {
                let expected = format!("{MIN_BEACON_EXPONENT} to {MAX_BEACON_EXPONENT}");
                return unsound(
                    format!("the exponent of phase {phase}'s beacon is out of range"),
                    beacon.exponent,
                    expected,
                );
            }
        }
        self.drand_is_sound()?;
        // The next serial has to exist, in TOML too.
        if let Some(Predecessor { serial, .. }) = self.predecessor
            && !(1..i64::MAX as u64).contains(&serial)
        {
            return unsound("the predecessor's serial is out of range", serial, "1 or more");
        }
        let modules: Vec<String> =
            self.circuits.iter().map(|circuit| circuit.name.module()).collect();
        if !modules.is_sorted_by(|a, b| a < b) {
            return unsound(
                "the circuits are not in rising order of their names, each name once",
                modules.join(", "),
                "rising names",
            );
        }
        self.commitments_can_be_made()?;
        budget::ensure_rules(&self.circuits)?;
        budget::ensure_roster(self)?;
        Ok(power)
    }

    /// A chain is one for ceremonies of this kind, and phase 2 does not begin with its beacon
    /// public.
    fn drand_is_sound(&self) -> Result<(), ConfigError> {
        let BeaconPlan { phase1, phase2 } = &self.beacon;
        for (phase, plan) in [(1, phase1.as_ref()), (2, Some(phase2))] {
            let Some((plan, chain)) = plan.and_then(|plan| Some((plan, plan.drand?))) else {
                continue;
            };
            if !chain.serves(self.kind) {
                let known: Vec<_> = Chain::names(self.kind).collect();
                return unsound(
                    format!("phase {phase}'s beacon is not one for a {} ceremony", self.kind),
                    &plan.source,
                    known.join(" or "),
                );
            }
        }
        let own = self.phase1_start.as_ref().is_none_or(|start| start.extend);
        let phase1 = phase1.as_ref().filter(|_| own);
        match (phase1.and_then(PlannedBeacon::time), phase2.time()) {
            (Some(first), Some(second)) if second.unix() <= first.unix() => unsound(
                "phase 2's beacon is public before phase 2 can begin",
                format_args!("published at {second}"),
                format_args!("after {first}, when phase 1's beacon is published"),
            ),
            _ => Ok(()),
        }
    }

    /// Everybody commits before the first contribution, so that nobody can be added after it.
    fn commitments_can_be_made(&self) -> Result<(), ConfigError> {
        let asked = self.commitments.is_some_and(|rule| rule.secrets);
        match &self.enrolment {
            Some(rule) if asked => unsound(
                "secrets are committed to by a roster that is complete before the first contribution",
                format!("[enrolment] of up to {} people", rule.maximum),
                "no [enrolment] next to [commitments] with secrets = true",
            ),
            _ => Ok(()),
        }
    }

    fn ensure_people_distinct(&self) -> Result<(), ConfigError> {
        let deputies = self.deputies.iter().flat_map(|deputies| &deputies.people);
        let coordinators = std::iter::once(&self.coordinator).chain(deputies);
        let participants =
            self.participants.iter().map(|participant| (&participant.name, &participant.key));
        let people: Vec<(&Label, &PublicKey)> =
            coordinators.map(|person| (&person.name, &person.key)).chain(participants).collect();
        for (i, (name, key)) in people.iter().enumerate() {
            if let Some((other, _)) = people[..i].iter().find(|(n, k)| n == name || k == key) {
                return unsound(
                    "two people have one name or one key",
                    format!("{other} and {name}"),
                    "one name and one key for each",
                );
            }
        }
        for participant in &self.participants {
            are_phases(&participant.phases, || format!("participant {}", participant.name))?;
        }
        if let Some(enrolment) = &self.enrolment {
            are_phases(&enrolment.phases, || "enrolment".into())?;
        }
        if let Some(DeputyRule { threshold, people }) = &self.deputies
            && (people.len() > MAX_DEPUTIES || threshold.get() as usize > people.len())
        {
            return unsound(
                "the deputies cannot act",
                format!("{} deputies, threshold {threshold}", people.len()),
                format!("1 to {MAX_DEPUTIES} deputies, and a threshold of at most as many"),
            );
        }
        Ok(())
    }

    /// Participants that a phase may have in the end: the roster, and whoever may be enrolled.
    pub(crate) fn most_participants(&self, phase: Phase) -> usize {
        let named =
            self.participants.iter().filter(|participant| participant.phases.contains(&phase));
        let enrolment = self.enrolment.iter().filter(|rule| rule.phases.contains(&phase));
        named.count() + enrolment.map(|rule| rule.maximum as usize).sum::<usize>()
    }

    /// A phase 1 to which participants contribute has a minimum and a beacon. One that comes closed
    /// from elsewhere needs neither.
    fn own_phase1_is_planned(&self) -> Result<(), ConfigError> {
        let lacks = if self.phase1_start.as_ref().is_some_and(|start| !start.extend) {
            None
        } else if self.minimum_contributions.phase1.is_none() {
            Some("phase1 under [minimum_contributions]")
        } else {
            self.beacon.phase1.is_none().then_some("[beacon.phase1]")
        };
        lacks.map_or(Ok(()), |lacks| {
            let what = "phase 1 lacks what closes it";
            let needed = "it, or a [phase1_start] that is closed and not extended";
            unsound(what, format!("no {lacks}"), needed)
        })
    }

    fn minimum_can_be_met(&self) -> Result<(), ConfigError> {
        let Minimum { phase1, phase2 } = self.minimum_contributions;
        for (phase, minimum) in [(Phase::One, phase1), (Phase::Two, Some(phase2))] {
            let Some(minimum) = minimum else { continue };
            let found = self.most_participants(phase);
            let waived = phase == Phase::One
                && self.phase1_start.as_ref().is_some_and(|start| !start.extend);
            if !waived && found < minimum.get() as usize {
                let what = format!(
                    "phase {} has fewer participants than the contributions it asks for",
                    u8::from(phase)
                );
                return unsound(what, found, format!("at least {minimum}"));
            }
        }
        Ok(())
    }
}

fn are_phases(phases: &[Phase], whose: impl FnOnce() -> String) -> Result<(), ConfigError> {
    if !phases.is_empty() && phases.is_sorted_by(|a, b| a < b) {
        return Ok(());
    }
    let what = format!("{} has no list of phases", whose());
    unsound(what, "another list", "[1], [2] or [1, 2]")
}

#[cfg(test)]
mod tests {
    use zk_attest::primitives::Timestamp;
    use zk_vk_guard::limits::{MAX_CIRCUITS, MAX_CONTRIBUTIONS, MAX_PARTICIPANTS};

    use super::*;

    const GOOD: &str = r#"
format = "zk-ceremony/1"
id = "test-1"
kind = "rehearsal"
curve = "bn254"
power = 8

[minimum_contributions]
phase1 = 1
phase2 = 1

[coordinator]
name = "Coordinator"
key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

[[participants]]
name = "Alice"
key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
phases = [1, 2]

[beacon.phase1]
source = "a chain"
round = 1
exponent = 10

[beacon.phase2]
source = "a chain"
round = 2
exponent = 10

[[circuits]]
name = "main"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
program = "main v1"
"#;

    fn with(from: &str, to: &str) -> Result<Config, ConfigError> {
        assert!(GOOD.contains(from), "{from}");
        Config::from_toml(GOOD.replacen(from, to, 1).as_bytes())
    }

    #[test]
    fn a_sound_document_is_read_whole() {
        let config = with("", "").unwrap();
        assert_eq!(config.document().id.as_str(), "test-1");
        assert_eq!(
            (config.power().exponent(), config.minimum(Phase::One), config.document().order),
            (8, 1, Order::Roster)
        );
        assert_eq!(config.participants(Phase::Two).count(), 1);
        assert_eq!(config.digest(), ConfigDigest::of(GOOD.as_bytes()));
    }

    #[test]
    fn a_document_that_contradicts_itself_is_refused() {
        let alice = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        let coordinator = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let circuit = &GOOD[GOOD.find("[[circuits]]").unwrap()..];
        for (from, to, what) in [
            ("power = 8", "power = 0", "power"),
            ("power = 8", "power = 29", "power"),
            ("phase1 = 1", "phase1 = 2", "fewer participants"),
            ("phase2 = 1", "phase2 = 0", "zero"),
            ("name = \"Alice\"", "name = \"Coordinator\"", "one name or one key"),
            (alice, coordinator, "one name or one key"),
            (alice, &alice.to_uppercase(), "public key"),
            ("phases = [1, 2]", "phases = []", "phases"),
            ("phases = [1, 2]", "phases = [2, 1]", "phases"),
            ("phases = [1, 2]", "phases = [1, 3]", "no such phase"),
            (
                "[beacon.phase1]",
                "[enrolment]\nphases = []\nmaximum = 1\n[beacon.phase1]",
                "enrolment has no list of phases",
            ),
            ("exponent = 10", "exponent = 9", "exponent"),
            ("exponent = 10", "exponent = 31", "exponent"),
            ("kind = \"rehearsal\"", "kind = \"demo\"", "unknown variant"),
            ("curve = \"bn254\"", "curve = \"bls12-381\"", "unknown variant"),
            ("id = \"test-1\"", "id = \"../test\"", "ceremony id"),
            ("power = 8", "power = 8\nfast = true", "unknown field"),
            ("power = 8", "power = 8\npower = 8", "duplicate key"),
            (circuit, &format!("{circuit}{circuit}"), "rising order"),
            (circuit, "", "circuits"),
            ("format = \"zk-ceremony/1\"", "format = \"zk-ceremony/2\"", "unknown variant"),
        ] {
            let error = with(from, to).unwrap_err().to_string();
            assert!(error.contains(what), "{to}: {error}");
        }
        assert!(matches!(Config::from_toml(b"\xff"), Err(ConfigError::Toml(_))));
    }

    #[test]
    fn an_error_tells_the_place_and_quotes_no_line() {
        let error = |text: &str| Config::from_toml(text.as_bytes()).unwrap_err().to_string();
        let misspelt = error(&GOOD.replacen("kind = \"rehearsal\"", "kind \"rehearsal\"", 1));
        assert!(misspelt.starts_with("line 4, column ") && !misspelt.contains("rehearsal"));
        let secret = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp";
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n");
        let as_value = format!("key = \"-----BEGIN PRIVATE KEY-----{secret}\"\n");
        for text in [&pem, secret, &as_value] {
            let error = error(text);
            assert!(!error.contains(&secret[..8]), "{error}");
        }
    }

    fn is_refused(text: &str, what: &str) {
        let error = Config::from_toml(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(what), "{what}: {error}");
    }

    #[test]
    fn a_document_ends_at_its_limit() {
        let full = GOOD.to_owned() + &"#".repeat(MAX_CONFIG_BYTES - GOOD.len());
        Config::from_toml(full.as_bytes()).unwrap();
        let over = full + "#";
        assert_eq!(
            Config::from_toml(over.as_bytes()),
            Err(ConfigError::TooLarge { found: MAX_CONFIG_BYTES + 1 })
        );
    }

    /// A sound document with this many participants, each with a name and a key of its own.
    fn with_participants(count: usize) -> String {
        let keys = (0u32..)
            .map(|i| ConfigDigest::of(&i.to_le_bytes()).to_string())
            .filter(|hex| PublicKey::from_hex(hex).is_ok());
        let roster: String = keys
            .take(count)
            .enumerate()
            .map(|(i, key)| {
                format!("[[participants]]\nname = \"p{i}\"\nkey = \"{key}\"\nphases = [1, 2]\n\n")
            })
            .collect();
        let (start, end) =
            (GOOD.find("[[participants]]").unwrap(), GOOD.find("[beacon.phase1]").unwrap());
        format!("{}{roster}{}", &GOOD[..start], &GOOD[end..])
    }

    /// One circuit, both phases: two contributions of each participant.
    #[test]
    fn a_roster_has_no_more_people_and_contributions_than_a_ceremony_holds() {
        let most = Config::from_toml(with_participants(MAX_PARTICIPANTS).as_bytes()).unwrap();
        assert_eq!(most.participants(Phase::One).count(), MAX_PARTICIPANTS);
        is_refused(&with_participants(MAX_PARTICIPANTS + 1), "too many participants");
        let enrolment = |participants: usize, maximum: usize| {
            let rule = format!("[enrolment]\nphases = [2]\nmaximum = {maximum}\n\n");
            with_participants(participants).replacen(
                "[beacon.phase1]",
                &format!("{rule}[beacon.phase1]"),
                1,
            )
        };
        Config::from_toml(enrolment(12, MAX_PARTICIPANTS - 12).as_bytes()).unwrap();
        is_refused(&enrolment(12, MAX_PARTICIPANTS - 11), "too many participants");
        // 17 chains of 64: the most that there may be. One of them more is too many.
        let circuits = |text: &str, count: usize| -> String {
            let at = text.find("[[circuits]]").unwrap();
            let circuit = |i: usize| {
                let digest = CircuitDigest::of(&i.to_le_bytes()).to_string();
                let named = text[at..].replacen("\"main\"", &format!("\"c{i:02}\""), 1);
                named.replacen(&"0".repeat(64), &digest, 1).replacen("main v1", &format!("c{i}"), 1)
            };
            format!("{}{}", &text[..at], (0..count).map(circuit).collect::<String>())
        };
        assert_eq!(MAX_CONTRIBUTIONS, 64 * 17);
        Config::from_toml(circuits(&with_participants(64), 16).as_bytes()).unwrap();
        let more = "more contributions than a transcript holds";
        is_refused(&circuits(&with_participants(65), 16), more);
        is_refused(&circuits(&enrolment(60, 5), 16), more);
        Config::from_toml(circuits(&enrolment(60, 4), 16).as_bytes()).unwrap();
    }

    #[test]
    fn deputies_are_people_of_their_own_and_enough_for_their_threshold() {
        let key = |text: &str| {
            let hash = |i: u32| ConfigDigest::of(format!("{text}{i}").as_bytes()).to_string();
            (0..).map(hash).find(|hex| PublicKey::from_hex(hex).is_ok()).unwrap()
        };
        let rule = |threshold: u32, people: &[(&str, String)]| {
            let people: Vec<String> = people
                .iter()
                .map(|(name, key)| format!("{{ name = \"{name}\", key = \"{key}\" }}"))
                .collect();
            let people = people.join(", ");
            let rule = format!("[deputies]\nthreshold = {threshold}\npeople = [{people}]\n\n");
            GOOD.replacen("[[participants]]", &format!("{rule}[[participants]]"), 1)
        };
        let two = [("Dora", key("d")), ("Emil", key("e"))];
        let config = Config::from_toml(rule(2, &two).as_bytes()).unwrap();
        assert_eq!(config.deputies().unwrap().keys.len(), 2);
        is_refused(&rule(3, &two), "the deputies cannot act");
        is_refused(&rule(0, &two), "zero");
        let many: Vec<_> = ('a'..='q').map(|c| (c.to_string(), key(&c.to_string()))).collect();
        let many: Vec<_> = many.iter().map(|(name, key)| (name.as_str(), key.clone())).collect();
        assert_eq!(many.len(), MAX_DEPUTIES + 1);
        is_refused(&rule(1, &many), "the deputies cannot act");
        is_refused(&rule(1, &[("Alice", key("a"))]), "one name or one key");
        let coordinator = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        is_refused(&rule(1, &[("Dora", coordinator.into())]), "one name or one key");
    }

    #[test]
    fn circuits_are_few_and_each_is_there_once() {
        let at = GOOD.find("[[circuits]]").unwrap();
        let of = |names: &[String]| {
            let circuits: String = names
                .iter()
                .map(|name| {
                    GOOD[at..]
                        .replacen("\"main\"", &format!("\"{name}\""), 1)
                        .replacen(
                            &"0".repeat(64),
                            &CircuitDigest::of(name.as_bytes()).to_string(),
                            1,
                        )
                        .replacen("main v1", &format!("{name} v1"), 1)
                })
                .collect();
            format!("{}{circuits}", &GOOD[..at])
        };
        let names =
            |count: usize| -> Vec<String> { (0..count).map(|i| format!("c{i:02}")).collect() };
        Config::from_toml(of(&names(MAX_CIRCUITS)).as_bytes()).unwrap();
        is_refused(&of(&names(MAX_CIRCUITS + 1)), "the number of circuits is out of range");
        let two = of(&["a".into(), "b".into()]);
        let digest = |name: &str| CircuitDigest::of(name.as_bytes()).to_string();
        is_refused(&two.replace(&digest("b"), &digest("a")), "one circuit has two names");
        is_refused(&two.replace("b v1", "a v1"), "the same program");
        let given = format!("\"a v1\"\nprogram_hash = \"{}\"", ProgramHash::of_id("b v1"));
        is_refused(&two.replace("\"a v1\"", &given), "the same program");
        let empty = GOOD[..at].replacen("format =", "circuits = []\nformat =", 1);
        is_refused(&empty, "the number of circuits is out of range");
        is_refused(&of(&["b".into(), "a".into()]), "not in rising order");
        is_refused(&of(&["a".into(), "a".into()]), "not in rising order");
        // Two names of one module are one name.
        is_refused(&of(&["a-b".into(), "a_b".into()]), "not in rising order");
    }

    #[test]
    fn both_beacons_have_work_that_somebody_can_do() {
        for (text, phase) in [("round = 1\nexponent = ", 1), ("round = 2\nexponent = ", 2)] {
            for (exponent, good) in [(9, false), (10, true), (30, true), (31, false)] {
                let result = with(&format!("{text}10"), &format!("{text}{exponent}"));
                match result {
                    Ok(config) => assert!(
                        good && config.beacon(Phase::try_from(phase).unwrap()).unwrap().exponent
                            == exponent
                    ),
                    Err(error) => {
                        let expected =
                            format!("the exponent of phase {phase}'s beacon is out of range");
                        assert!(!good && error.to_string().contains(&expected), "{error}");
                    }
                }
            }
        }
    }

    /// The first beacon as a round of a chain of drand.
    fn with_drand(name: &str, round: u64) -> Result<Config, ConfigError> {
        with("source = \"a chain\"\nround = 1\n", &format!("drand = \"{name}\"\nround = {round}\n"))
    }

    #[test]
    fn a_round_of_drand_is_named_by_its_chain() {
        let config = with_drand("quicknet", 1000).unwrap();
        let plan = config.beacon(Phase::One).unwrap();
        assert_eq!(plan.source.as_str(), "drand quicknet");
        assert_eq!(plan.time().unwrap().as_str(), "2023-08-23T15:59:24Z");
        let words = config.beacon(Phase::Two).unwrap();
        assert_eq!((words.drand, words.time()), (None, None));
        for (from, to, what) in [
            ("source = \"a chain\"", "drand = \"fastnet\"", "no chain of drand that is known"),
            ("source = \"a chain\"", "source = \"a\"\ndrand = \"quicknet\"", "one of `source`"),
            ("source = \"a chain\"\n", "", "one of `source`"),
            ("source = \"a chain\"", "source = \"drand quicknet\"", "says nothing"),
        ] {
            let error = with(from, to).unwrap_err().to_string();
            assert!(error.contains(what), "{to}: {error}");
        }
        for round in [0, 1 << 60] {
            let error = with_drand("quicknet", round).unwrap_err().to_string();
            assert!(error.contains("quicknet has no round"), "{error}");
        }
    }

    #[test]
    fn rules_of_kind_production_cannot_name_the_made_up_chain() {
        with_drand("made-up", 1).unwrap();
        let text = GOOD.replacen("source = \"a chain\"", "drand = \"made-up\"", 1).replacen(
            "\"rehearsal\"",
            "\"production\"",
            1,
        );
        is_refused(&text, "phase 1's beacon is not one for a production ceremony");
    }

    #[test]
    fn phase_2s_round_comes_after_phase_1s() {
        let both = |first: u64, second: u64| {
            GOOD.replacen("source = \"a chain\"", "drand = \"quicknet\"", 2)
                .replacen("round = 1\n", &format!("round = {first}\n"), 1)
                .replacen("round = 2\n", &format!("round = {second}\n"), 1)
        };
        Config::from_toml(both(7, 8).as_bytes()).unwrap();
        for second in [6, 7] {
            is_refused(&both(7, second), "public before phase 2 can begin");
        }
    }

    #[test]
    fn rules_with_a_round_that_is_published_are_not_opened() {
        let config = with_drand("quicknet", 1000).unwrap();
        let at = |text| config.ensure_rounds_to_come(&Timestamp::new(text).unwrap());
        at("2023-08-23T15:59:23Z").unwrap();
        for late in ["2023-08-23T15:59:24Z", "2026-01-01T00:00:00Z"] {
            let error = at(late).unwrap_err().to_string();
            assert!(error.contains("phase 1's beacon is public already"), "{error}");
        }
        with("", "").unwrap().ensure_rounds_to_come(&Timestamp::now()).unwrap();
    }

    #[test]
    fn a_phase_1_that_comes_closed_needs_neither_a_minimum_nor_a_beacon() {
        let (from, to) =
            (GOOD.find("[beacon.phase1]").unwrap(), GOOD.find("[beacon.phase2]").unwrap());
        let without_beacon = format!("{}{}", &GOOD[..from], &GOOD[to..]);
        let without_minimum = GOOD.replacen("phase1 = 1\n", "", 1);
        let neither = without_beacon.replacen("phase1 = 1\n", "", 1);
        let started = |text: &str, extend: bool| {
            let start = format!(
                "[phase1_start]\nsha256 = \"{}\"\ndescription = \"a file\"\nextend = {extend}\n\n",
                "0".repeat(64)
            );
            text.replacen("[beacon.phase2]", &format!("{start}[beacon.phase2]"), 1)
        };
        for (text, lacks) in [
            (&without_beacon, "no [beacon.phase1]"),
            (&without_minimum, "no phase1 under [minimum_contributions]"),
            (&neither, "no phase1 under [minimum_contributions]"),
        ] {
            is_refused(text, lacks);
            is_refused(&started(text, true), lacks);
            let closed = Config::from_toml(started(text, false).as_bytes()).unwrap();
            assert_eq!(closed.beacon(Phase::One), None);
        }
    }

    #[test]
    fn committed_secrets_are_asked_for_by_a_word_and_of_a_roster_that_is_complete() {
        let with_rule =
            |rule: &str| GOOD.replacen("[beacon.phase1]", &format!("{rule}[beacon.phase1]"), 1);
        let asks = |rule: &str| {
            Config::from_toml(with_rule(rule).as_bytes()).unwrap().asks_for_committed_secrets()
        };
        assert!(!asks(""));
        assert!(!asks("[commitments]\nsecrets = false\n"));
        assert!(asks("[commitments]\nsecrets = true\n"));
        is_refused(&with_rule("[commitments]\nrequired = true\n"), "unknown field");
        is_refused(&with_rule("[commitments]\n"), "missing field");
        is_refused(
            &with_rule("[commitments]\nsecrets = true\n[enrolment]\nphases = [2]\nmaximum = 1\n"),
            "a roster that is complete",
        );
    }

    #[test]
    fn enough_people_are_asked_for_each_phase_that_is_contributed_to() {
        let start = |extend: bool| {
            let start = format!(
                "[phase1_start]\nsha256 = \"{}\"\ndescription = \"a file\"\nextend = {extend}\n\n",
                "0".repeat(64)
            );
            format!("{start}[beacon.phase1]")
        };
        let two_of_one = |phase: u8| {
            GOOD.replacen(&format!("phase{phase} = 1"), &format!("phase{phase} = 2"), 1)
        };
        let few = |phase: u8| {
            format!("phase {phase} has fewer participants than the contributions it asks for")
        };
        is_refused(&two_of_one(1), &few(1));
        is_refused(&two_of_one(2), &few(2));
        for phase in [1, 2] {
            let only_other =
                GOOD.replacen("phases = [1, 2]", &format!("phases = [{}]", 3 - phase), 1);
            is_refused(&only_other, &few(phase));
            // Only the contributions to a closed file of another ceremony are not ours to count.
            let document = |extend| only_other.replacen("[beacon.phase1]", &start(extend), 1);
            assert_eq!(Config::from_toml(document(false).as_bytes()).is_ok(), phase == 1);
            is_refused(&document(true), &few(phase));
        }
    }
}
