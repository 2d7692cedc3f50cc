//! Rejections: which signed words take a file out of its chain, and which are void.
//!
//! A rejection takes a file out if the coordinator signed the file's name and digest, and if
//! nothing stands on the file that may not fall. It is void where
//!
//! 1. it does not verify under the acting coordinator's key, or is of another file than the one of
//!    its name (who takes over signs the rejections that stand);
//! 2. a beacon of this chain, a rejected one included, or a preparation is built on the file: the
//!    beacon's value is public, so whatever took the file's place could be chosen knowing it;
//! 3. the folder's transcript, or its bundle, holds the file: the key is made and may be approved.
//!
//! So one signed rejection, copied into a finished ceremony, takes nothing out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use zk_attest::attestation::StepFacts;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::FileDigest;
use zk_attest::envelope::Envelope;
use zk_attest::primitives::{Beacon, Label};
use zk_attest::program::PROGRAM;
use zk_attest::signer::Signer;
use zk_attest::statement::Action;
use zk_vk_guard::bundle::{Bundle, MAX_BUNDLE_BYTES};
use zk_vk_guard::transcript::{CheckedTranscript, MAX_TRANSCRIPT_BYTES};

use crate::Ceremony;
use crate::chain::{Chain, Step};
use crate::claim::{Claim, Reader, envelope};
use crate::config::Config;
use crate::error::{CeremonyError, at, broken};
use crate::folder::{Folder, Slot, StepName, Track};
use crate::software::Software;
use crate::steps::{AttestationDraft, write_attestation};
use crate::stray::Stray;
use crate::tidy::put_away;

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
    /// SHA-256 of the file that it was made from, where the rejection says so.
    pub input: Option<FileDigest>,
    /// The value of a rejected beacon.
    pub beacon: Option<Beacon>,
    /// Who signed it as their contribution, where that holds and is here.
    pub contributor: Option<Label>,
}

/// Which steps of a chain may not be taken out, and why.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// Files below a beacon or a preparation, with the step that is built on them.
    below: BTreeMap<FileDigest, StepName>,
    /// Files of the folder's transcript or bundle, with its name.
    sealed: BTreeMap<FileDigest, &'static str>,
}

/// Why a file may not be taken out of its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bars {
    /// A beacon or a preparation is built on it.
    Below(StepName),
    /// The transcript or the bundle holds it.
    Sealed(&'static str),
}

impl Standing {
    /// What stands on the files of a chain.
    pub(crate) fn of<'a>(
        steps: impl IntoIterator<Item = &'a Step>,
        rejected: &[Rejected],
        sealed: &BTreeMap<FileDigest, &'static str>,
    ) -> Self {
        let mut inputs = BTreeMap::new();
        let mut roots = Vec::new();
        for step in steps {
            inputs.insert(step.file, step.words.input_sha256);
            if matches!(step.words.action, Action::Beacon | Action::Prepare) {
                roots.push((step.name, step.words.input_sha256));
            }
        }
        for gone in rejected {
            inputs.entry(gone.file).or_insert(gone.input);
            if gone.name.slot == Slot::Final {
                roots.push((gone.name, gone.input));
            }
        }
        let mut below = BTreeMap::new();
        for (root, mut file) in roots {
            // Each file is entered once, so that no circle of digests is walked for ever.
            while let Some(digest) = file
                && !below.contains_key(&digest)
            {
                below.insert(digest, root);
                file = inputs.get(&digest).copied().flatten();
            }
        }
        Self { below, sealed: sealed.clone() }
    }

    /// What keeps a file in its chain.
    pub(crate) fn bars(&self, file: FileDigest) -> Option<Bars> {
        let below = self.below.get(&file).copied().map(Bars::Below);
        below.or_else(|| self.sealed.get(&file).copied().map(Bars::Sealed))
    }
}

impl Reader<'_> {
    /// The rejection that stands next to a name.
    pub(crate) fn rejection(
        &self,
        name: StepName,
        claim: Option<&Claim>,
    ) -> Result<Rejected, CeremonyError> {
        let path = self.folder.rejection(&self.track, name);
        let bytes = self.folder.read(&path, Envelope::MAX_BYTES)?;
        let (envelope, words, subject) = envelope(&path, &bytes)?;
        let file = FileDigest(subject.digest.sha256.0);
        let Some(reason) = words.reason.clone() else {
            return Err(broken(&path, "the rejection gives no reason", "none", "a line of text"));
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
            .attested(&self.facts(), &envelope, &self.roster.coordinator().key)
            .map_err(at(&path))?;
        let may_go = match name.slot {
            Slot::Number(number) => number > 0 && number == words.index,
            Slot::Final => true,
            Slot::Prepared => false,
        };
        // The signed name says which attempt at the step: a copy of an earlier attempt's rejection
        // takes nothing out.
        if !may_go || subject.name.as_str() != name.to_string() {
            let found = format_args!("{}, step {}", subject.name, words.index);
            return Err(broken(&path, "the rejection is of another step", found, name));
        }
        if name.slot == Slot::Final && (words.beacon.is_none() || words.input_sha256.is_none()) {
            return Err(broken(
                &path,
                "the rejection of a beacon does not say which beacon",
                "neither its value nor its input",
                "both, so that no later beacon repeats them",
            ));
        }
        let said = claim.and_then(|claim| claim.said.as_ref().ok());
        let contributor = said
            .filter(|step| step.words.action == Action::Contribution)
            .map(|step| step.words.participant.clone());
        let attested = said.map(|step| step.file);
        if let Some(attested) = attested.filter(|attested| *attested != file) {
            return Err(broken(&path, "the rejection is of another file", file, attested));
        }
        Ok(Rejected {
            name,
            path: self.folder.file(&self.track, name),
            present: claim.is_some_and(|claim| claim.presence.file),
            index: words.index,
            envelope,
            reason,
            file,
            input: words.input_sha256,
            beacon: words.beacon,
            contributor,
        })
    }
}

/// The files that the folder's own transcript or bundle holds, by chain. Documents that do not
/// hold, or are of another ceremony, hold no file.
pub(crate) fn sealed(
    folder: &Folder,
    config: &Config,
) -> BTreeMap<Track, BTreeMap<FileDigest, &'static str>> {
    let mut found = BTreeMap::new();
    let transcript = folder
        .read(&folder.transcript(), MAX_TRANSCRIPT_BYTES)
        .ok()
        .and_then(|bytes| CheckedTranscript::from_json(&bytes).ok());
    let bundle = folder
        .read(&folder.bundle(), MAX_BUNDLE_BYTES)
        .ok()
        .and_then(|bytes| Bundle::from_json(&bytes).ok()?.checked_transcript().ok());
    // The bundle last: it weighs more.
    for (checked, what) in [(transcript, "transcript.json"), (bundle, "bundle.json")] {
        let Some(checked) = checked else { continue };
        let document = checked.transcript();
        let rules = config.document();
        if document.ceremony_toml_sha256 != config.digest() || document.ceremony != rules.id {
            continue;
        }
        let mut hold = |track, files: BTreeSet<FileDigest>| {
            found
                .entry(track)
                .or_insert_with(BTreeMap::new)
                .extend(files.into_iter().map(|file| (file, what)));
        };
        let steps = document.phase1.steps.iter().map(|step| step.step.file_sha256);
        hold(Track::Phase1, steps.collect());
        for circuit in &document.circuits {
            let steps = circuit.steps.iter().map(|step| step.file_sha256);
            hold(Track::Circuit(circuit.name.clone()), steps.collect());
        }
    }
    found
}

/// A step that leaves its chain.
#[derive(Clone, Debug)]
pub struct ToReject {
    /// The step.
    pub step: Step,
    /// The step that it is built on, where that is why it goes.
    pub on: Option<StepName>,
}

/// Why a step is not rejected.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RejectError {
    /// There is no such step.
    NoSuchStep {
        /// The chain.
        track: Track,
        /// What was asked for.
        wanted: String,
        /// The steps that there are.
        steps: Vec<StepName>,
        /// The ceremony folder.
        root: PathBuf,
    },
    /// What has the name is not a step.
    Stray {
        /// What it is.
        stray: Box<Stray>,
        /// The ceremony folder.
        root: PathBuf,
    },
    /// It may not go.
    Barred {
        /// The step.
        file: PathBuf,
        /// Why.
        bars: Bars,
    },
}

impl From<RejectError> for Diagnostic {
    fn from(error: RejectError) -> Self {
        match error {
            RejectError::NoSuchStep { track, wanted, steps, root } => {
                let steps: Vec<String> = steps.iter().map(StepName::to_string).collect();
                Self::environment(
                    "has-no-step-reject",
                    format_args!("{track} has no step {wanted} to reject"),
                )
                .found(steps.join(", "))
                .expected("a contribution or the beacon")
                .hint(format!("`{PROGRAM} ceremony status {}` lists the steps", root.display()))
            }
            RejectError::Stray { stray, root } => Self::environment(
                "not-a-step",
                "this file is not a step, so there is nothing to reject",
            )
            .at(stray.files.first().map_or(root.display(), |file| file.display()))
            .found(&stray.story)
            .expected("a step of the chain")
            .hint(format_args!(
                "`{PROGRAM} ceremony tidy {}` moves strays to strays/",
                root.display()
            )),
            RejectError::Barred { file, bars: Bars::Below(step) } => {
                let what = if step.slot == Slot::Prepared {
                    "phase 1 is prepared, and phase 2 builds on it: none of its steps can be \
                     taken out"
                } else {
                    "a beacon is built on this step, and its value is public: it can't be taken out"
                };
                Self::environment("not-rejectable", what)
                    .at(file.display())
                    .found(format_args!("{step}, built on it"))
                    .hint(
                        "begin a new ceremony, if this step is really bad; this one's keys are \
                         not to be used then",
                    )
            }
            RejectError::Barred { file, bars: Bars::Sealed(document) } => Self::environment(
                "not-rejectable",
                format_args!("{document} holds this step: the ceremony is finished"),
            )
            .at(file.display())
            .hint(
                "an approved key is taken back where it is trusted: revoke its transcript in the \
                 trust policy, and begin a new ceremony. A transcript that nobody was given can \
                 be moved out of the folder first",
            ),
        }
    }
}

impl Ceremony {
    /// The step of a name and all that is built on it, the last one first.
    ///
    /// # Errors
    /// [`RejectError`].
    pub fn to_reject(
        &self,
        chain: &Chain,
        slot: Slot,
        attempt: Option<u32>,
    ) -> Result<Vec<ToReject>, RejectError> {
        let is_wanted = |name: StepName| {
            name.slot == slot && attempt.is_none_or(|wanted| wanted == name.attempt)
        };
        let mut strays = chain.strays.iter();
        let is_stray = |name: StepName| {
            let mut strays = chain.strays.iter();
            strays.any(|stray| stray.name == name && !stray.is_rejection())
        };
        let mut signed =
            chain.steps.iter().chain(&chain.signed).filter(|step| !is_stray(step.name));
        let root = || self.folder.root().to_owned();
        let Some(named) = signed.find(|step| is_wanted(step.name)) else {
            if let Some(stray) = strays.find(|s| is_wanted(s.name) && !s.is_rejection()) {
                return Err(RejectError::Stray { stray: Box::new(stray.clone()), root: root() });
            }
            let first = StepName { slot, attempt: attempt.unwrap_or(1) };
            return Err(RejectError::NoSuchStep {
                track: chain.track.clone(),
                wanted: first.to_string(),
                steps: chain.steps.iter().skip(1).map(|step| step.name).collect(),
                root: root(),
            });
        };
        if let Some(bars) = chain.standing.bars(named.file) {
            return Err(RejectError::Barred { file: named.path.clone(), bars });
        }
        let mut all = vec![ToReject { step: named.clone(), on: None }];
        let mut next = 0;
        while let Some(base) = all.get(next).map(|gone| (gone.step.name, gone.step.file)) {
            let built = chain.signed.iter().filter(|step| {
                step.words.input_sha256 == Some(base.1)
                    && !is_stray(step.name)
                    && all.iter().all(|gone| gone.step.name != step.name)
            });
            let built: Vec<ToReject> =
                built.map(|step| ToReject { step: step.clone(), on: Some(base.0) }).collect();
            all.extend(built);
            next += 1;
        }
        all.reverse();
        Ok(all)
    }

    /// Signs and writes the rejection of a step. One that was void makes room.
    ///
    /// # Errors
    /// When signing or writing fails.
    pub fn reject(
        &self,
        track: &Track,
        step: &Step,
        reason: Label,
        software: &Software,
        signer: &mut dyn Signer,
    ) -> Result<(), Diagnostic> {
        let path = self.folder.rejection(track, step.name);
        for stray in self.strays().filter(|stray| stray.files.contains(&path)) {
            put_away(&self.folder, stray)?;
        }
        let said = AttestationDraft {
            input: step.words.input_sha256,
            beacon: step.words.beacon.clone(),
            reason: Some(reason),
            ..AttestationDraft::of_coordinator(self, Action::Reject, None, software)
        };
        let predicate = said.attestation(self, track, step.index);
        let name = step.name.to_string();
        write_attestation(self, &path, predicate, &name, &step.file, signer, false)
    }
}
