//! The turn that is being used: kept on the disk, so that it outlives the service's process.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ceremony_folder::folder::slashed;
use ceremony_folder::{Ceremony, Track};
use serde::{Deserialize, Serialize};
use zk_attest::digest::FileDigest;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CircuitName, Label};

use super::limits::{BYTES_PER_SECOND, RECORD_BYTES};
use super::state_folder::StateFolder;
use crate::protocol::{HeadInfo, TurnChain};

const TURN: &str = "turn.json";
const MAX_TURN_BYTES: usize = 64 * 1024;

/// A chain of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeasedChain {
    pub(crate) circuit: Option<CircuitName>,
    pub(crate) head_index: u32,
    pub(crate) head_file: String,
    pub(crate) head_sha256: FileDigest,
    pub(crate) head_size: u64,
    pub(crate) step: String,
}

impl LeasedChain {
    pub(crate) fn track(&self) -> Track {
        self.circuit.clone().map_or(Track::Phase1, Track::Circuit)
    }

    pub(crate) fn size_at_most(&self) -> u64 {
        Self::size_after(self.head_size)
    }

    /// The most that a contribution to a file of this size can have.
    pub(super) fn size_after(head_size: u64) -> u64 {
        head_size + RECORD_BYTES
    }

    pub(crate) fn shown(&self) -> TurnChain {
        TurnChain {
            circuit: self.circuit.as_ref().map(ToString::to_string),
            head: HeadInfo {
                index: self.head_index,
                file: self.head_file.clone(),
                sha256: self.head_sha256.to_string(),
                size: self.head_size,
            },
            step: self.step.clone(),
            size_at_most: self.size_at_most(),
        }
    }
}

/// What is kept of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lease {
    pub(crate) id: String,
    pub(crate) participant: Label,
    pub(crate) key: PublicKey,
    pub(crate) chains: Vec<LeasedChain>,
    /// Seconds from the grant.
    pub(crate) seconds: u64,
    /// The upload of each chain, once everything came. From then on the turn is the service's.
    pub(crate) received: Option<Vec<String>>,
}

/// A turn on its way. Its time is measured by a clock that nobody can set.
#[derive(Clone, Debug)]
pub(crate) struct RunningTurn {
    pub(crate) lease: Lease,
    pub(crate) granted: Instant,
    /// The same by the clock, in seconds since 1970: for people, and for nothing that is decided.
    pub(crate) began: u64,
}

impl RunningTurn {
    /// When the turn ends by itself: never while the service verifies what came. This is the one
    /// place that says so, whatever state the turn is in.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.lease.received {
            None => Some(self.granted + Duration::from_secs(self.lease.seconds)),
            Some(_) => None,
        }
    }

    pub(crate) fn remaining(&self, now: Instant) -> Option<u64> {
        self.deadline().map(|at| at.saturating_duration_since(now).as_secs())
    }
}

/// Seconds of a turn over these chains: a floor, and the time that moving the files takes twice.
pub(crate) fn seconds(floor: Duration, chains: &[LeasedChain]) -> u64 {
    let bytes: u64 = chains.iter().map(|chain| chain.head_size).sum();
    floor.as_secs() + 4 * bytes / BYTES_PER_SECOND
}

/// The chains of a turn, as the folder has them now.
pub(crate) fn chains(
    ceremony: &Ceremony,
    tracks: &[Track],
    size: impl Fn(&Path) -> Option<u64>,
) -> Option<Vec<LeasedChain>> {
    let of = |track: &Track| {
        let chain = ceremony.chain(track).ok()?;
        let head = chain.steps.last()?;
        let circuit = match track {
            Track::Phase1 => None,
            Track::Circuit(name) => Some(name.clone()),
        };
        Some(LeasedChain {
            circuit,
            head_index: head.index,
            head_file: relative(ceremony, &head.path),
            head_sha256: head.file,
            head_size: size(&head.path)?,
            step: chain.free_name(ceremony_folder::Slot::Number(head.index + 1)).to_string(),
        })
    };
    tracks.iter().map(of).collect()
}

/// A path of the folder as the protocol names it.
pub(crate) fn relative(ceremony: &Ceremony, path: &Path) -> String {
    slashed(path.strip_prefix(ceremony.folder.root()).unwrap_or(path))
}

impl Lease {
    /// Reads the turn that a process before this one left.
    pub(crate) fn load(state: &StateFolder) -> Option<Self> {
        let bytes = state.read(TURN, MAX_TURN_BYTES).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    pub(crate) fn save(&self, state: &StateFolder) -> Result<(), ceremony_folder::CeremonyError> {
        state.write(TURN, &serde_json::to_vec(self).unwrap_or_default())
    }

    pub(crate) fn forget(state: &StateFolder) {
        state.remove(TURN);
    }

    /// Where the attestation of a chain is kept until it is verified.
    pub(crate) fn attestation(state: &StateFolder, chain: usize) -> PathBuf {
        state.path(&Self::attestation_name(chain))
    }

    pub(crate) fn attestation_name(chain: usize) -> String {
        format!("turn-{chain}.dsse.json")
    }
}
