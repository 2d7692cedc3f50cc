//! A whole ceremony: the folder that its parties share, from the rules to the transcript.
//!
//! ```text
//! Ceremony           rules and signed steps: who did what, in which order, attested by whose key
//! Verification       data file by data file: what is attested is there, its mathematics holds
//! VerifiedCeremony   exists only at the end of a Verification; has the transcript and the keys
//! ```
//!
//! ```no_run
//! use std::path::Path;
//!
//! use ceremony_core::progress::NoProgress;
//! use ceremony_folder::{Ceremony, Depth, Verification};
//!
//! let ceremony = Ceremony::open(Path::new("shared"))?;
//! let mut verification = Verification::new(&ceremony, Depth::EveryFile)?;
//! for part in verification.run(&NoProgress)? {
//!     println!("{}: {}", part.title, part.digests.sha256);
//! }
//! println!("transcript {}", verification.finish()?.digest());
//! # Ok::<(), ceremony_folder::CeremonyError>(())
//! ```
//!
//! The data flow one way, and only a [`VerifiedCeremony`] reaches key generation, a bundle or a
//! snippet. Nothing here writes to the folder.

pub mod accept;
pub mod amend;
pub mod approvals;
pub mod archive_check;
pub mod archive_file;
pub mod archive_set;
pub mod audit;
pub mod beacon;
pub mod budget;
pub mod chain;
mod claim;
pub mod commitment;
pub mod config;
pub mod digests;
mod document;
pub mod drand;
pub mod enrolment;
mod error;
pub mod evidence;
pub mod final_keys;
#[cfg(test)]
mod fixture;
pub mod folder;
pub mod foundation;
pub mod hints;
pub mod index;
pub mod journal;
pub mod judge;
pub mod key_material;
pub mod link;
mod lock;
mod memory;
pub mod next;
pub mod output;
pub mod parts;
mod place;
mod prior;
pub mod read_once;
mod refused;
mod rejection;
pub mod report;
pub mod resumable;
pub mod roster;
pub mod service;
pub mod software;
pub mod steps;
pub mod store;
pub mod stray;
pub mod tidy;
pub mod turns;
pub mod verdict;
pub mod verify;
mod walk;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub use accept::{Accepted, Delivered, Inbox, Refused};
pub use chain::{Chain, Rejected, Step};
use claim::Reader;
use commitment::Commitments;
pub use config::{Config, ConfigError};
use config::{ConfigCircuit, MAX_CONFIG_BYTES};
pub use document::{CircuitKey, VerifiedCeremony};
use error::at;
pub use error::{Cause, CeremonyError, explained};
pub use folder::{Folder, Slot, StepName, Track};
pub use foundation::{Base, Foundation, Needed, Unfounded};
pub use lock::{FolderLock, ServiceLock, remove_leftovers_of};
pub use prior::{Prior, Word};
pub use rejection::{Bars, RejectError, ToReject};
pub use roster::Roster;
pub use software::Software;
pub use steps::{AttestationDraft, LongStep, NewStep};
pub use stray::{Story, Stray};
pub use turns::{Half, TurnError};
pub use verdict::{Auditor, StepVerdict, Verdict};
pub use verify::{Depth, Established, Part, PartReport, Verification};
use zk_attest::digest::CircuitDigest;
use zk_attest::primitives::CircuitName;
use zk_attest::statement::{CircuitReference, Phase};

/// A ceremony as its folder's signed side shows it. No data file was opened.
#[derive(Debug)]
pub struct Ceremony {
    /// Where it is.
    pub folder: Folder,
    /// Its rules.
    pub config: Config,
    /// Its people, as they are now.
    pub roster: Roster,
    /// Phase 1.
    pub phase1: Chain,
    /// Phase 2 of each circuit, in the order of the rules.
    pub circuits: Vec<Chain>,
    /// What participants committed to, where the rules ask for it.
    pub commitments: Commitments,
}

/// What a ceremony waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Contributions to a phase, or its beacon.
    Contributions(Phase),
    /// The prepared file and the opening of phase 2.
    Prepare,
    /// Nothing: every chain is closed.
    Closed,
}

impl Ceremony {
    /// Reads the rules and the signed steps. Steps that do not hold do not fail this: they are the
    /// [`Chain::problem`] of their chain.
    ///
    /// # Errors
    /// When there are no sound rules.
    pub fn open(root: &Path) -> Result<Self, CeremonyError> {
        Self::read(Folder::new(root))
    }

    /// The same, of any folder.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn read(folder: Folder) -> Result<Self, CeremonyError> {
        let path = folder.config();
        let bytes = folder.read(&path, MAX_CONFIG_BYTES)?;
        let config = Config::from_toml(&bytes).map_err(at(&path))?;
        let roster = Roster::read(&folder, &config);
        Ok(Self::with_roster(folder, config, roster))
    }

    /// The ceremony as its folder is now: only what changed since is judged.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn again(&self) -> Result<Self, CeremonyError> {
        Self::read(self.folder.clone())
    }

    /// Reads the signed steps as these people make them.
    fn with_roster(folder: Folder, config: Config, roster: Roster) -> Self {
        let sealed = rejection::sealed(&folder, &config);
        let read = |track: Track, circuit, start| {
            let none = BTreeMap::new();
            let sealed = sealed.get(&track).unwrap_or(&none);
            Reader { folder: &folder, config: &config, roster: &roster, track, circuit, start }
                .read(sealed)
        };
        let phase1 = read(Track::Phase1, None, None);
        let start = phase1.prepared.as_ref().map(|prepared| prepared.file);
        let of = |circuit: &ConfigCircuit| {
            read(Track::Circuit(circuit.name.clone()), Some(reference(circuit)), start)
        };
        let circuits = config.document().circuits.iter().map(of).collect();
        let commitments = Commitments::read(&folder, &config, &roster);
        Self { folder, config, roster, phase1, circuits, commitments }
    }

    /// [`Self::open`], for a step to be added: everything that is signed must hold.
    ///
    /// # Errors
    /// As [`Self::open`], and [`Self::ensure_sound`].
    pub fn open_sound(root: &Path) -> Result<Self, CeremonyError> {
        let ceremony = Self::open(root)?;
        ceremony.ensure_sound()?;
        Ok(ceremony)
    }

    /// Refuses a ceremony whose signed side does not hold.
    ///
    /// # Errors
    /// [`Cause::Signed`], with the first problem.
    pub fn ensure_sound(&self) -> Result<(), CeremonyError> {
        match self.problem() {
            None => Ok(()),
            Some(problem) => {
                let (path, cause) = (problem.path.clone(), Cause::Signed(Arc::clone(problem)));
                Err(CeremonyError { path, cause })
            }
        }
    }

    /// Phase 1 and the circuits.
    pub fn chains(&self) -> impl Iterator<Item = &Chain> {
        std::iter::once(&self.phase1).chain(&self.circuits)
    }

    /// The first thing that is wrong, in the order of the data flow.
    #[must_use]
    pub fn problem(&self) -> Option<&Arc<CeremonyError>> {
        self.chains().find_map(|chain| chain.problem.as_ref()).or(self.commitments.unread())
    }

    /// What comes next.
    #[must_use]
    pub fn stage(&self) -> Stage {
        if self.phase1.prepared.is_none() {
            let closed = self.phase1.is_closed() || !self.config.has_own_phase1();
            return if closed { Stage::Prepare } else { Stage::Contributions(Phase::One) };
        }
        if self.circuits.iter().any(|chain| chain.steps.is_empty()) {
            return Stage::Prepare;
        }
        if self.circuits.iter().all(Chain::is_closed) {
            Stage::Closed
        } else {
            Stage::Contributions(Phase::Two)
        }
    }

    /// Refuses a ceremony in which a phase is open.
    ///
    /// # Errors
    /// When one is.
    pub fn ensure_closed(&self) -> Result<(), CeremonyError> {
        if self.stage() == Stage::Closed {
            return Ok(());
        }
        Err(error::broken(
            self.folder.root(),
            "the ceremony is not finished",
            "an open phase",
            "both phases closed by their beacons",
        ))
    }

    /// A circuit, as attestations name it.
    #[must_use]
    pub fn reference(&self, track: &Track) -> Option<CircuitReference> {
        let Track::Circuit(name) = track else { return None };
        self.config.document().circuits.iter().find(|circuit| circuit.name == *name).map(reference)
    }

    /// The digest that the rules give for a circuit.
    #[must_use]
    pub fn circuit_digest(&self, name: &CircuitName) -> Option<CircuitDigest> {
        self.reference(&Track::Circuit(name.clone())).map(|reference| reference.circuit_sha256)
    }
}

fn reference(circuit: &ConfigCircuit) -> CircuitReference {
    CircuitReference { name: circuit.name.clone(), circuit_sha256: circuit.sha256 }
}
