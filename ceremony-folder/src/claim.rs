//! One name of a chain's folder: what stands there, and what is signed of it.
//!
//! A [`Claim`] is judged by itself, without the chain: is there an attestation, of this ceremony
//! and this chain, by the key of a person who may make such a step, under the name that it was
//! signed for? Whether the chain reaches it is for [`super::chain`].

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zk_attest::attestation::{CeremonyFacts, StepFacts};
use zk_attest::digest::FileDigest;
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{Beacon, Label};
use zk_attest::statement::{Action, CircuitReference, Statement, StepAttestation, Subject};

use crate::chain::Step;
use crate::config::Config;
use crate::error::{Cause, CeremonyError, at, broken};
use crate::folder::{Folder, Presence, Slot, StepName, Track};
use crate::memory;
use crate::roster::{Maker, Roster, Term};

/// What stands under a name, and what is signed of it.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) name: StepName,
    pub(crate) presence: Presence,
    pub(crate) said: Result<Step, Unfit>,
}

/// Why the file under a name is not a step of any chain of this ceremony.
#[derive(Clone, Debug)]
pub(crate) struct Unfit {
    pub(crate) error: Arc<CeremonyError>,
    /// The digest that the attestation gives, no matter who signed it.
    pub(crate) file: Option<FileDigest>,
    /// Where all but the name holds: the step under the name that was signed.
    pub(crate) misnamed: Option<Box<Step>>,
}

impl From<CeremonyError> for Unfit {
    fn from(error: CeremonyError) -> Self {
        Self { error: Arc::new(error), file: None, misnamed: None }
    }
}

impl Claim {
    /// The digest of the file that this claims to be.
    pub(crate) fn file(&self) -> Option<FileDigest> {
        self.said.as_ref().map_or_else(|unfit| unfit.file, |step| Some(step.file))
    }
}

/// What reading the signed side of one chain needs.
pub(crate) struct Reader<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) config: &'a Config,
    pub(crate) roster: &'a Roster,
    pub(crate) track: Track,
    /// The circuit, as attestations name it.
    pub(crate) circuit: Option<CircuitReference>,
    /// The prepared file, from which a circuit's chain starts.
    pub(crate) start: Option<FileDigest>,
}

impl Reader<'_> {
    /// Reads and judges what stands under a name of this chain's folder.
    pub(crate) fn claim(&self, name: StepName, presence: Presence) -> Claim {
        let said = match &presence.irregular {
            Some(path) => {
                Err(CeremonyError { path: path.clone(), cause: Cause::NotRegular }.into())
            }
            None => self
                .folder
                .read(&self.folder.attestation(&self.track, name), Envelope::MAX_BYTES)
                .map_err(Unfit::from)
                .and_then(|bytes| self.said(name, &bytes)),
        };
        let present = |step: Step| Step { present: presence.file, ..step };
        let said = said.map(present).map_err(|unfit| Unfit {
            misnamed: unfit.misnamed.map(|step| Box::new(present(*step))),
            ..unfit
        });
        Claim { name, presence, said }
    }

    /// The step that an attestation makes of the file under a name.
    pub(crate) fn said(&self, name: StepName, bytes: &[u8]) -> Result<Step, Unfit> {
        let path = self.folder.attestation(&self.track, name);
        let key = memory::key(self, &path, bytes);
        self.folder.memory().recall(key, || self.said_anew(name, path, bytes))
    }

    fn said_anew(&self, name: StepName, path: PathBuf, bytes: &[u8]) -> Result<Step, Unfit> {
        let (envelope, words, subject) = envelope(&path, bytes)?;
        let file = FileDigest(subject.digest.sha256.0);
        let unfit = |error: CeremonyError| Unfit { file: Some(file), ..error.into() };
        let signed = self.signed_name(&subject);
        // Under the signed name, so that any other fault is reported before the name.
        let step =
            self.judge(signed.unwrap_or(name), &path, envelope, words, file).map_err(unfit)?;
        if signed == Some(name) {
            return Ok(step);
        }
        let cause = Cause::Misnamed {
            found: self.file_name(name),
            signed: subject.name.clone(),
            step: signed,
        };
        let error = CeremonyError { path, cause };
        Err(Unfit { misnamed: signed.map(|_| Box::new(step)), ..unfit(error) })
    }

    /// The step that a signed name is of.
    pub(crate) fn signed_name(&self, subject: &Subject) -> Option<StepName> {
        let stem = subject.name.as_str().strip_suffix(self.track.extension())?;
        StepName::parse(stem.strip_suffix('.')?)
    }

    pub(crate) fn file_name(&self, name: StepName) -> String {
        format!("{name}.{}", self.track.extension())
    }

    /// Verifies an attestation as that of the step of a name.
    fn judge(
        &self,
        name: StepName,
        path: &Path,
        envelope: Envelope,
        words: StepAttestation,
        file: FileDigest,
    ) -> Result<Step, CeremonyError> {
        let (action, index) = match name.slot {
            Slot::Number(0) => (Action::Open, 0),
            Slot::Number(number) => (Action::Contribution, number),
            Slot::Final => (Action::Beacon, words.index),
            Slot::Prepared => (Action::Prepare, words.index),
        };
        let makers = self.roster.makers(action, self.track.phase());
        let of_the_name: Vec<&Maker<'_>> =
            makers.iter().filter(|maker| *maker.name == words.participant).collect();
        // The keys that signed it, of those that its maker had: which of them had its time is for
        // the walk to say.
        let signers = envelope.signers(of_the_name.iter().map(|maker| maker.key));
        let signed = of_the_name.iter().filter(|maker| signers.contains(maker.key));
        let held: Vec<(PublicKey, Term)> = signed.map(|maker| (*maker.key, maker.term)).collect();
        let last = of_the_name.last().map(|maker| (*maker.key, maker.term));
        let Some((key, _)) = held.first().copied().or(last) else {
            let names: BTreeSet<&str> = makers.iter().map(|maker| maker.name.as_str()).collect();
            return Err(broken(
                path,
                "this step is signed by someone who is not allowed to perform it",
                &words.participant,
                if names.is_empty() {
                    "nobody".into()
                } else {
                    names.into_iter().collect::<Vec<_>>().join(", ")
                },
            ));
        };
        let facts = StepFacts {
            phase: self.track.phase(),
            circuit: self.circuit.clone(),
            action,
            index,
            participant: Some(&words.participant),
            input: words.input_sha256,
            file,
            contribution_hash: words.contribution_hash,
            beacon: words.beacon.as_ref(),
            reason: None,
        };
        facts.attested(&self.facts(), &envelope, &key).map_err(at(path))?;
        let is_step = matches!(action, Action::Contribution | Action::Beacon);
        if words.contribution_hash.is_some() != is_step
            || words.beacon.is_some() != (action == Action::Beacon)
        {
            return Err(broken(
                path,
                "the attestation lacks the hash or the beacon of its step",
                "another set of fields",
                action.as_str(),
            ));
        }
        if name.slot == Slot::Prepared && self.track != Track::Phase1 {
            return Err(broken(
                path,
                "the file has no place in the chain",
                "a prepared file of a circuit",
                "powers of tau are prepared, in phase 1",
            ));
        }
        let path = self.data(path);
        Ok(Step { name, index, path, present: false, key, held, envelope, words, file })
    }

    /// The data file next to an attestation.
    fn data(&self, attestation: &Path) -> PathBuf {
        let name = attestation.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.strip_suffix(".dsse.json").unwrap_or(&name);
        attestation.with_file_name(format!("{stem}.{}", self.track.extension()))
    }

    /// Refuses a beacon that is not the planned one. Each beacon that was rejected before it makes
    /// the round one higher.
    pub(crate) fn planned_beacon(&self, step: &Step) -> Result<(), CeremonyError> {
        let path = self.folder.attestation(&self.track, step.name);
        let Some(plan) = self.config.beacon(self.track.phase()) else {
            return Err(broken(
                &path,
                "the beacon is not the planned one",
                "a beacon of a phase that comes closed from elsewhere",
                "none",
            ));
        };
        let round = plan.round.saturating_add(u64::from(step.name.attempt - 1));
        let shown = |source: &Label, round: u64, exponent: u8| {
            format!("{source}, round {round}, 2^{exponent}")
        };
        let is_planned = |b: &Beacon| {
            b.source == plan.source && b.round == round && b.exponent.get() == plan.exponent
        };
        if let Some(beacon) = &step.words.beacon
            && beacon.signature.is_some() != plan.drand.is_some()
        {
            let shown = |signed| if signed { "a signature" } else { "no signature" };
            return Err(broken(
                &path,
                format_args!("the beacon is not one of {}", plan.source),
                shown(beacon.signature.is_some()),
                shown(plan.drand.is_some()),
            ));
        }
        match &step.words.beacon {
            Some(beacon) if is_planned(beacon) => Ok(()),
            beacon => Err(broken(
                &path,
                "the beacon is not the planned one",
                beacon
                    .as_ref()
                    .map_or("none".into(), |b| shown(&b.source, b.round, b.exponent.get())),
                shown(&plan.source, round, plan.exponent),
            )),
        }
    }

    pub(crate) fn facts(&self) -> CeremonyFacts<'_> {
        let document = self.config.document();
        CeremonyFacts {
            ceremony: &document.id,
            ceremony_toml_sha256: self.config.digest(),
            kind: document.kind,
        }
    }
}

/// The parts of a step's attestation, whose signature nobody has looked at.
pub(crate) fn envelope(
    path: &Path,
    bytes: &[u8],
) -> Result<(Envelope, StepAttestation, Subject), CeremonyError> {
    let envelope = Envelope::from_json(bytes).map_err(at(path))?;
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
