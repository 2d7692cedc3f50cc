//! The signed side of a ceremony folder: which files are steps of the chain, and who attests them.
//!
//! Reading a [`Chain`] proves, without opening a data file, that for each step
//!
//! 1. the attestation verifies under the key of the person who may make that step: the coordinator,
//!    or a participant of the phase, each once;
//! 2. it says what its place in the chain says: ceremony, rules, kind, phase, circuit, action,
//!    number, name, planned beacon;
//! 3. it started from the file that the step before it attests.
//!
//! A file leaves the chain only by the coordinator's rejection, which signs the file's name and
//! digest. The first step for which this does not hold ends the chain and is its
//! [`Chain::problem`]. That a data file is the attested one, and that its mathematics holds, is for
//! [`super::verify`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zk_attest::attestation::{CeremonyFacts, StepFacts};
use zk_attest::digest::FileDigest;
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{Beacon, Label};
use zk_attest::statement::{Action, CircuitReference, Statement, StepAttestation, Subject};

use crate::config::{Config, Participant};
use crate::error::{CeremonyError, at, broken};
use crate::folder::{Folder, Presence, Slot, StepName, Track};

/// One step whose attestation holds.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name in the folder.
    pub name: StepName,
    /// Its number: 0 opens; contributions and beacon count from 1; prepare follows the last.
    pub index: u32,
    /// The data file.
    pub path: PathBuf,
    /// Whether the data file is in this copy of the folder.
    pub present: bool,
    /// The key that attests it.
    pub key: PublicKey,
    /// The signed statement.
    pub envelope: Envelope,
    /// What it says.
    pub words: StepAttestation,
    /// SHA-256 of the data file, as attested.
    pub file: FileDigest,
}

/// A file that the coordinator took out of the chain.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// Its name in the folder.
    pub name: StepName,
    /// The data file.
    pub path: PathBuf,
    /// Whether the data file is still there.
    pub present: bool,
    /// The number that it claimed.
    pub index: u32,
    /// The signed rejection.
    pub envelope: Envelope,
    /// Why.
    pub reason: Label,
    /// SHA-256 of the file, as attested.
    pub file: FileDigest,
}

/// The steps of phase 1 or of one circuit, as far as they are attested.
#[derive(Debug)]
pub struct Chain {
    /// Which.
    pub track: Track,
    /// The opening, contributions, then the beacon.
    pub steps: Vec<Step>,
    /// The prepared file, in phase 1.
    pub prepared: Option<Step>,
    /// Files that were taken out.
    pub rejected: Vec<Rejected>,
    /// The first thing that is wrong. What comes after it is not looked at.
    pub problem: Option<Arc<CeremonyError>>,
}

impl Chain {
    /// Contributions, without opening and beacon.
    pub fn contributions(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.words.action == Action::Contribution)
    }

    /// Whether a beacon has closed it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.steps.last().is_some_and(|step| step.words.action == Action::Beacon)
    }

    /// Participants who have not contributed, in the order of the roster.
    #[must_use]
    pub fn waiting<'a>(&self, config: &'a Config) -> Vec<&'a Participant> {
        let done = |key| self.contributions().any(|step| step.key == key);
        config
            .participants(self.track.phase())
            .filter(|participant| !done(participant.key))
            .collect()
    }

    /// The name for another file of this chain: the first attempt that has no file yet.
    #[must_use]
    pub fn free_name(&self, slot: Slot) -> StepName {
        let taken = self
            .rejected
            .iter()
            .filter(|rejected| rejected.name.slot == slot)
            .map(|rejected| rejected.name.attempt);
        StepName { slot, attempt: taken.max().unwrap_or(0) + 1 }
    }
}

/// What reading the steps of one chain needs.
pub(crate) struct Reader<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) config: &'a Config,
    pub(crate) track: Track,
    /// The circuit, as attestations name it.
    pub(crate) circuit: Option<CircuitReference>,
    /// The prepared file, from which a circuit's chain starts.
    pub(crate) start: Option<FileDigest>,
}

/// What the place of a step says of it.
struct Expected<'a> {
    action: Action,
    index: u32,
    input: Option<FileDigest>,
    /// Who may have made it.
    makers: Vec<(&'a Label, &'a PublicKey)>,
}

impl Reader<'_> {
    /// Reads the chain as far as it holds.
    pub(crate) fn read(&self) -> Chain {
        let mut chain = Chain {
            track: self.track.clone(),
            steps: Vec::new(),
            prepared: None,
            rejected: Vec::new(),
            problem: None,
        };
        chain.problem = self.read_into(&mut chain).err().map(Arc::new);
        chain
    }

    fn read_into(&self, chain: &mut Chain) -> Result<(), CeremonyError> {
        let mut found = self.folder.scan(&self.track)?;
        // Attestations whose file never came do not make a step, unless later steps build on
        // it: then this copy lacks the file.
        let last = found
            .iter()
            .filter(|(_, presence)| presence.file && !presence.rejection)
            .map(|(name, _)| name.slot)
            .max();
        found
            .retain(|name, presence| presence.file || presence.rejection || Some(name.slot) < last);
        self.take_rejected(&mut found, chain)?;
        let mut live: BTreeMap<Slot, StepName> = BTreeMap::new();
        for name in found.keys() {
            if let Some(first) = live.insert(name.slot, *name) {
                let path = self.folder.file(&self.track, *name);
                return Err(broken(
                    &path,
                    format_args!("a second file for the place of {first}"),
                    "both in the chain",
                    "one of them, the other rejected",
                ));
            }
        }
        let mut number = 0;
        while let Some(name) = live.remove(&Slot::Number(number)) {
            self.step(name, chain, number)?;
            number += 1;
        }
        if let Some(name) = live.values().find(|name| matches!(name.slot, Slot::Number(_))) {
            return Err(self.no_place(*name, number));
        }
        if let Some(name) = live.remove(&Slot::Final) {
            self.step(name, chain, number)?;
            number += 1;
        }
        let closed = chain.is_closed() || !self.config.has_own_phase1();
        if self.track == Track::Phase1
            && closed
            && let Some(name) = live.remove(&Slot::Prepared)
        {
            let step = self.attested(name, &self.expected(name, chain, number))?;
            chain.prepared = Some(step);
        }
        match live.into_values().next() {
            None => Ok(()),
            Some(name) => Err(self.no_place(name, number)),
        }
    }

    fn no_place(&self, name: StepName, steps: u32) -> CeremonyError {
        let expected =
            "steps without a gap, nothing after the beacon, and no powers prepared before it";
        broken(
            &self.folder.file(&self.track, name),
            "the file has no place in the chain",
            format_args!("{name}, after {steps} steps"),
            expected,
        )
    }

    fn step(&self, name: StepName, chain: &mut Chain, index: u32) -> Result<(), CeremonyError> {
        let step = self.attested(name, &self.expected(name, chain, index))?;
        if let Some(earlier) = chain
            .contributions()
            .find(|earlier| step.words.action == Action::Contribution && earlier.key == step.key)
        {
            return Err(broken(
                &step.path,
                format_args!("{} contributes twice", step.words.participant),
                format_args!("steps {} and {}", earlier.index, step.index),
                "one contribution of each participant",
            ));
        }
        chain.steps.push(step);
        Ok(())
    }

    fn expected(&self, name: StepName, chain: &Chain, index: u32) -> Expected<'_> {
        let document = self.config.document();
        let coordinator = vec![(&document.coordinator.name, &document.coordinator.key)];
        let before = chain.steps.last().map(|step| step.file);
        match name.slot {
            Slot::Number(0) => {
                Expected { action: Action::Open, index: 0, input: self.start, makers: coordinator }
            }
            Slot::Number(_) => {
                let makers = self
                    .config
                    .participants(self.track.phase())
                    .map(|participant| (&participant.name, &participant.key))
                    .collect();
                Expected { action: Action::Contribution, index, input: before, makers }
            }
            Slot::Final => {
                Expected { action: Action::Beacon, index, input: before, makers: coordinator }
            }
            Slot::Prepared => {
                Expected { action: Action::Prepare, index, input: before, makers: coordinator }
            }
        }
    }

    /// Reads and verifies the attestation of a step.
    fn attested(&self, name: StepName, expected: &Expected<'_>) -> Result<Step, CeremonyError> {
        let (path, file_path) =
            (self.folder.attestation(&self.track, name), self.folder.file(&self.track, name));
        let (envelope, words, subject) = self.envelope(&path)?;
        let file = FileDigest(subject.digest.sha256.0);
        let maker = expected.makers.iter().find(|(name, _)| **name == words.participant);
        let Some((_, key)) = maker else {
            let names: Vec<&str> = expected.makers.iter().map(|(name, _)| name.as_str()).collect();
            return Err(broken(
                &path,
                "this step is signed by someone who is not allowed to perform it",
                &words.participant,
                if names.is_empty() { "nobody".into() } else { names.join(", ") },
            ));
        };
        if expected.action == Action::Beacon {
            self.planned_beacon(&path, words.beacon.as_ref())?;
        }
        let facts = StepFacts {
            phase: self.track.phase(),
            circuit: self.circuit.clone(),
            action: expected.action,
            index: expected.index,
            participant: Some(&words.participant),
            input: expected.input,
            file,
            contribution_hash: words.contribution_hash,
            beacon: words.beacon.as_ref(),
            reason: None,
        };
        facts.attested(&self.facts(), &envelope, key).map_err(at(&path))?;
        let is_step = matches!(expected.action, Action::Contribution | Action::Beacon);
        if words.contribution_hash.is_some() != is_step
            || words.beacon.is_some() != (expected.action == Action::Beacon)
        {
            return Err(broken(
                &path,
                "the attestation lacks the hash or the beacon of its step",
                "another set of fields",
                expected.action.as_str(),
            ));
        }
        let present = self.folder.is_present(&file_path);
        Ok(Step {
            name,
            index: expected.index,
            path: file_path,
            present,
            key: **key,
            envelope,
            words,
            file,
        })
    }

    fn planned_beacon(&self, path: &Path, beacon: Option<&Beacon>) -> Result<(), CeremonyError> {
        let plan = self.config.beacon(self.track.phase());
        match beacon {
            Some(b)
                if b.source == plan.source
                    && b.round == plan.round
                    && b.exponent.get() == plan.exponent =>
            {
                Ok(())
            }
            _ => Err(broken(
                path,
                "the beacon is not the planned one",
                beacon.map_or("none".into(), |b| {
                    format!("{}, round {}, 2^{}", b.source, b.round, b.exponent.get())
                }),
                format_args!("{}, round {}, 2^{}", plan.source, plan.round, plan.exponent),
            )),
        }
    }

    fn envelope(&self, path: &Path) -> Result<(Envelope, StepAttestation, Subject), CeremonyError> {
        let bytes = self.folder.read(path, Envelope::MAX_BYTES)?;
        let envelope = Envelope::from_json(&bytes).map_err(at(path))?;
        let Statement { subject, predicate } =
            Statement::<StepAttestation>::from_payload(envelope.payload()).map_err(at(path))?;
        match <[Subject; 1]>::try_from(subject) {
            Ok([subject]) => Ok((envelope, predicate, subject)),
            Err(subjects) => Err(broken(
                path,
                "the attestation is not of one file",
                format_args!("{} files", subjects.len()),
                "the step's data file",
            )),
        }
    }

    fn facts(&self) -> CeremonyFacts<'_> {
        let document = self.config.document();
        CeremonyFacts {
            ceremony: &document.id,
            ceremony_toml_sha256: self.config.digest(),
            kind: document.kind,
        }
    }

    /// Moves the files that the coordinator rejected from `found` to the chain's list.
    fn take_rejected(
        &self,
        found: &mut BTreeMap<StepName, Presence>,
        chain: &mut Chain,
    ) -> Result<(), CeremonyError> {
        let names: Vec<StepName> = found
            .iter()
            .filter(|(_, presence)| presence.rejection)
            .map(|(name, _)| *name)
            .collect();
        for name in names {
            let path = self.folder.rejection(&self.track, name);
            let (envelope, words, subject) = self.envelope(&path)?;
            let file = FileDigest(subject.digest.sha256.0);
            let Some(reason) = words.reason.clone() else {
                return Err(broken(
                    &path,
                    "the rejection gives no reason",
                    "none",
                    "a line of text",
                ));
            };
            let facts = StepFacts {
                reason: Some(&reason),
                ..StepFacts::by_coordinator(
                    self.track.phase(),
                    self.circuit.clone(),
                    Action::Reject,
                    words.index,
                    None,
                    file,
                )
            };
            facts
                .attested(&self.facts(), &envelope, &self.config.document().coordinator.key)
                .map_err(at(&path))?;
            let may_go = match name.slot {
                Slot::Number(number) => number > 0 && number == words.index,
                Slot::Final => true,
                Slot::Prepared => false,
            };
            // The signed name says which attempt at the step: a copy of an earlier attempt's
            // rejection takes nothing out.
            if !may_go || subject.name.as_str() != name.to_string() {
                let found = format_args!("{}, step {}", subject.name, words.index);
                return Err(broken(&path, "the rejection is of another step", found, name));
            }
            let present = found.remove(&name).is_some_and(|presence| presence.file);
            let data = self.folder.file(&self.track, name);
            chain.rejected.push(Rejected {
                name,
                path: data,
                present,
                index: words.index,
                envelope,
                reason,
                file,
            });
        }
        Ok(())
    }
}
