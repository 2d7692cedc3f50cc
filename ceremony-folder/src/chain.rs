//! The signed side of a ceremony folder: which files are steps of the chain, and who attests them.
//!
//! A chain is its opening, and then each step whose attestation names the file before it as its
//! input: the digest decides, and not the order of names (docs/formats.md, section 10). Reading a
//! [`Chain`] proves, without opening a data file, that for each step
//!
//! 1. the attestation verifies under the key that the person who may make that step had at that
//!    point of the chain: the coordinator, or a participant of the phase, each once;
//! 2. it says what its place in the chain says: ceremony, rules, kind, phase, circuit, action,
//!    number, name of the file, planned beacon;
//! 3. it started from the file that the step before it attests;
//! 4. all attempts before it at the same place were rejected by the coordinator.
//!
//! Everything else under a step's name is a [`Stray`] and harms nothing, with one exception: where
//! the signatures prove that steps are missing or do not hold, that is the [`Chain::problem`]. That
//! a data file is the attested one, and that its mathematics holds, is for [`super::verify`].

use std::path::PathBuf;
use std::sync::Arc;

use zk_attest::digest::FileDigest;
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::Label;
use zk_attest::statement::{Action, StepAttestation};

use crate::config::{Participant, PlannedBeacon};
use crate::error::CeremonyError;
use crate::folder::{Slot, StepName, Track};
pub use crate::rejection::Rejected;
use crate::rejection::Standing;
use crate::roster::{Roster, Term};
use crate::stray::Stray;

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
    /// The keys that its maker had and that signed it, with the time of each.
    pub(crate) held: Vec<(PublicKey, Term)>,
    /// The signed statement.
    pub envelope: Envelope,
    /// What it says.
    pub words: StepAttestation,
    /// SHA-256 of the data file, as attested.
    pub file: FileDigest,
}

impl Step {
    /// Whether a key of its maker's signed it.
    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.held.iter().any(|(held, _)| held == key)
    }
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
    /// Files that are no part of it.
    pub strays: Vec<Stray>,
    /// The first thing that is wrong. The steps end before it.
    pub problem: Option<Arc<CeremonyError>>,
    /// Steps that are signed as they should be, whether the chain reaches them or not.
    pub(crate) signed: Vec<Step>,
    /// What may not be taken out.
    pub(crate) standing: Standing,
}

impl Chain {
    pub(crate) fn empty(track: Track) -> Self {
        Self {
            track,
            steps: Vec::new(),
            prepared: None,
            rejected: Vec::new(),
            strays: Vec::new(),
            problem: None,
            signed: Vec::new(),
            standing: Standing::default(),
        }
    }

    /// Contributions, without opening and beacon.
    pub fn contributions(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.words.action == Action::Contribution)
    }

    /// Whether a beacon has closed it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.steps.last().is_some_and(|step| step.words.action == Action::Beacon)
    }

    /// The beacon, rejected or unfinished, after which no contribution can come: its value is
    /// public, so that only another beacon can follow.
    #[must_use]
    pub fn awaits_beacon(&self) -> Option<StepName> {
        let head = self.steps.last().filter(|_| !self.is_closed())?;
        let closing = |name: StepName, input| {
            (name.slot == Slot::Final && input == Some(head.file)).then_some(name)
        };
        let rejected = self.rejected.iter().map(|gone| closing(gone.name, gone.input));
        let signed = self.signed.iter().map(|step| closing(step.name, step.words.input_sha256));
        rejected.chain(signed).flatten().next()
    }

    /// The round of its beacon: the planned one, and one more for each beacon that was rejected.
    #[must_use]
    pub fn beacon_round(&self, plan: &PlannedBeacon) -> u64 {
        let rejected = self.free_name(Slot::Final).attempt - 1;
        plan.round.saturating_add(u64::from(rejected))
    }

    /// The contribution of a participant, whichever key it was signed with.
    #[must_use]
    pub fn contribution_of(&self, participant: &Label) -> Option<&Step> {
        self.contributions().find(|step| step.words.participant == *participant)
    }

    /// Participants who have not contributed, in the order of the roster.
    #[must_use]
    pub fn waiting<'a>(&self, roster: &'a Roster) -> Vec<&'a Participant> {
        let of_phase = roster.participants(self.track.phase());
        of_phase.filter(|person| self.contribution_of(&person.name).is_none()).collect()
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
