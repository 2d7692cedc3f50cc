//! What a verification of phase 1 asks and what it reports: the numbered checks, a failed one, and
//! success.

use super::perpetual_powers;
use crate::explain::{Explain, Finding};
use crate::format::bound_file::FileDigests;
use crate::format::ptau::{Contribution, Power};
use crate::hash::{Challenge, FileBlake2b};

/// A numbered check of phase 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// 0: enough participants contributed.
    MinimumContributions = 0,
    /// 1: proofs of knowledge.
    ProofOfKnowledge = 1,
    /// 2: tau's ratio.
    TauRatio = 2,
    /// 3: alpha's and beta's ratios.
    AlphaBetaRatio = 3,
    /// 4: beacons.
    Beacon = 4,
    /// 5: first elements and power ratios.
    Powers = 5,
    /// 6: response hash and next challenge.
    Hashes = 6,
    /// 7: Lagrange sections.
    Lagrange = 7,
    /// 8: no public key, accumulated key or challenge twice, and no tau of small order.
    RepeatedKey = 8,
    /// 9: the digest of a truncated file.
    Digest = 9,
    /// 10: the known chain is continued.
    Continuity = 10,
}

impl Check {
    /// Its number in the list.
    #[must_use]
    pub fn number(self) -> u32 {
        self as u32
    }

    /// What holds when it passes.
    #[must_use]
    pub fn statement(self) -> &'static str {
        match self {
            Self::MinimumContributions => "enough participants contributed",
            Self::ProofOfKnowledge => "every contributor knew its secrets",
            Self::TauRatio => "tau is multiplied alike in both groups",
            Self::AlphaBetaRatio => "alpha and beta are multiplied as proved",
            Self::Beacon => "the beacon is recomputed, single and last",
            Self::Powers => "every section is a run of powers of tau",
            Self::Hashes => "the points hash to the last response and challenge",
            Self::Lagrange => "the Lagrange sections belong to the powers",
            Self::RepeatedKey => "no key or challenge occurs twice, and tau has no small order",
            Self::Digest => "the file's digest is the expected one",
            Self::Continuity => "the known chain is continued",
        }
    }
}

/// A check that failed: where, what was found, what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason} (phase 1, check {}): found {found}, expected {expected}", check.number())]
pub struct Failure {
    /// Which check.
    pub check: Check,
    /// Contribution, section or file.
    pub place: String,
    /// What is wrong.
    pub reason: &'static str,
    /// As it is.
    pub found: String,
    /// As it should be.
    pub expected: String,
}

impl Explain for Failure {
    fn explain(&self) -> Finding {
        let code = match self.check {
            Check::MinimumContributions => "ptau-verify/minimum-contributions",
            Check::ProofOfKnowledge => "ptau-verify/proof-of-knowledge",
            Check::TauRatio => "ptau-verify/tau-ratio",
            Check::AlphaBetaRatio => "ptau-verify/alpha-beta-ratio",
            Check::Beacon => "ptau-verify/beacon",
            Check::Powers => "ptau-verify/powers",
            Check::Hashes => "ptau-verify/hashes",
            Check::Lagrange => "ptau-verify/lagrange",
            Check::RepeatedKey => "ptau-verify/repeated-key",
            Check::Digest => "ptau-verify/digest",
            Check::Continuity => "ptau-verify/continuity",
        };
        Finding::compared(code, self, &self.found, &self.expected)
    }
}

/// What the verifier asks beyond the file itself.
#[derive(Clone, Debug)]
pub struct Expectations<'a> {
    /// Contributions that are not a beacon; at least 1 is always asked.
    pub min_contributions: u32,
    /// The file's BLAKE2b-512, where the verifier knows it from elsewhere.
    pub digest: Option<FileBlake2b>,
    /// Records that are known already and must come first.
    pub earlier: Option<&'a [Contribution]>,
    /// Where the earlier records are those of a file that passed [`verify`](super::verify::verify):
    /// that file's ceremony power. Their proofs are not repeated then.
    pub proven: Option<Power>,
}

impl Default for Expectations<'_> {
    fn default() -> Self {
        Self { min_contributions: 1, digest: None, earlier: None, proven: None }
    }
}

/// What a successful verification has established.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Digests of the bytes that were verified.
    pub digests: FileDigests,
    /// The public file with that digest, if it is one.
    pub published: Option<&'static perpetual_powers::PublishedPtau>,
    /// The challenge for the next contributor.
    pub next_challenge: Challenge,
    /// Checks that were run, each once, in order; all passed.
    pub checks: Vec<Check>,
}
