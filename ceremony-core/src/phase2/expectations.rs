//! What a verifier asks of a chain of contributions.

use std::num::NonZeroU32;

use crate::format::zkey::Contribution;
use crate::hash::ContributionHash;

/// What a chain must have to be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectations {
    /// The minimum number of contributions that are not beacons.
    pub min_contributions: NonZeroU32,
    /// Whether a beacon must close the chain. If not, it may.
    pub beacon_required: bool,
    /// Contribution hashes that are already known, oldest first: the chain must begin with them.
    pub known: Vec<ContributionHash>,
    /// Records of a key of the same chain that was verified before. Where the chain begins with
    /// them, their proofs are not repeated.
    pub proven: Vec<Contribution>,
}

impl Default for Expectations {
    /// One contribution, a beacon or none, nothing known.
    fn default() -> Self {
        Self {
            min_contributions: NonZeroU32::MIN,
            beacon_required: false,
            known: Vec::new(),
            proven: Vec::new(),
        }
    }
}
