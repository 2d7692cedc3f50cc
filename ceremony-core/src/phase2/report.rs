//! What a verification of phase 2 says: every numbered check with its result.

use std::fmt;

use bn254_batch::curve::G1Affine;

use super::degenerate::VerifyingKeyDefect;
use crate::explain::{Explain, Finding};
use crate::format::bound_file::FileDigests;
use crate::format::record::{ContributionKind, ContributorName};
use crate::format::zkey::Header;
use crate::hash::{ContributionHash, FileSha256, InitialKeyHash, TranscriptHash};
use crate::ratio::KnowledgeDefect;

/// The checks of docs/formats.md, section 7, "Phase 2", with their numbers there. Number 11, a
/// random prove-and-verify, is [`crate::keygen`]'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Check {
    /// 1: the key is one of this circuit, by its sizes. (Incrementally: of the circuit of the
    /// earlier key.)
    InitialKey = 1,
    /// 2: enough contributions that are not beacons, and the beacon last.
    Contributions = 2,
    /// 3: the initial key's hash is that of circuit and phase 1, in one of two spellings
    /// ([`Remark::FlaggedInfinity`]; incrementally: that of the earlier key), and each record's
    /// transcript that of all before it.
    Transcript = 3,
    /// 4: each contributor knew the factor by which delta changed; no factor is one, and no proof
    /// is used twice.
    Knowledge = 4,
    /// 5: the beacon is what its public value gives.
    Beacon = 5,
    /// 6: the key's delta is that of the last record, the same in both groups.
    FinalDelta = 6,
    /// 7: alpha, beta, gamma and sections 3 to 7 are those of the initial (earlier) key.
    Unchanged = 7,
    /// 8: L and H are those of the initial (earlier) key divided by delta, H perhaps without its
    /// top power ([`Remark::NoTopPower`]).
    Divided = 8,
    /// 9: the verifying key is not degenerate.
    VerifyingKey = 9,
    /// 10: the contributions already known are where they were.
    Continuity = 10,
}

impl Check {
    /// All, in order.
    pub const ALL: [Self; 10] = [
        Self::InitialKey,
        Self::Contributions,
        Self::Transcript,
        Self::Knowledge,
        Self::Beacon,
        Self::FinalDelta,
        Self::Unchanged,
        Self::Divided,
        Self::VerifyingKey,
        Self::Continuity,
    ];

    /// The number in docs/formats.md, section 7.
    #[must_use]
    pub fn number(self) -> u32 {
        self as u32
    }

    /// What holds when the check passes.
    #[must_use]
    pub fn statement(self) -> &'static str {
        match self {
            Self::InitialKey => "the key is one of this circuit",
            Self::Contributions => "enough contributions, and no beacon before the last",
            Self::Transcript => "the chain of hashes from the initial key is unbroken",
            Self::Knowledge => "each contributor knew a fresh factor of delta",
            Self::Beacon => "the beacon is what its public value gives",
            Self::FinalDelta => "delta is that of the last contribution",
            Self::Unchanged => "everything but delta, L and H is that of the initial key",
            Self::Divided => "L and H are those of the initial key divided by delta",
            Self::VerifyingKey => "the verifying key is not degenerate",
            Self::Continuity => "the contributions already known are the first ones",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "check {}: {}", self.number(), self.statement())
    }
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed(Vec<Failure>),
    /// A cheaper check failed before.
    NotReached,
}

/// Why a key that passed a check is not what the tools of today write. It is as good as one that
/// is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Remark {
    /// Of check 3: the `cs_hash` is that of the initial key with infinity written as 0x40 and
    /// zeros, as snarkjs 0.4.10 to 0.6.11 did.
    FlaggedInfinity,
    /// Of check 8: H is that of the initial key divided by delta, without its top power, as after a
    /// passage through bellman's format (docs/decisions/0009-h-without-its-top-power.md).
    NoTopPower,
}

impl Remark {
    /// The check that it is about.
    #[must_use]
    pub fn check(self) -> Check {
        match self {
            Self::FlaggedInfinity => Check::Transcript,
            Self::NoTopPower => Check::Divided,
        }
    }

    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::FlaggedInfinity => {
                "the circuit hash writes infinity as snarkjs 0.4.10 to 0.6.11 did; it binds the \
                 same initial key"
            }
            Self::NoTopPower => {
                "H lacks its top power, as after `snarkjs zkey import bellman`; no proof uses it"
            }
        }
    }
}

/// Why a check failed. Contributions are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A number of the header is not the circuit's.
    #[error("{what} is not the circuit's: found {found}, expected {expected}")]
    Size {
        /// Which number.
        what: &'static str,
        /// Of the key.
        found: u64,
        /// Of the circuit or the earlier key.
        expected: u64,
    },
    /// Fewer contributions than the policy wants.
    #[error(
        "too few contributions that are not beacons: found {found}, expected at least {expected}"
    )]
    TooFewContributions {
        /// Of the key.
        found: usize,
        /// Of the policy.
        expected: usize,
    },
    /// Contributions in what should be the initial key.
    #[error("this is not an initial key: it has contributions: found {found}, expected none")]
    Contributed {
        /// Of the key.
        found: usize,
    },
    /// A beacon with something after it.
    #[error(
        "contribution {contribution} is a beacon and not the last: found {records} contributions, \
         expected the beacon to close the chain"
    )]
    BeaconNotLast {
        /// The beacon.
        contribution: usize,
        /// How many there are.
        records: usize,
    },
    /// The policy wants a beacon.
    #[error("no beacon closes the chain")]
    NoBeacon,
    /// Another initial key.
    #[error(
        "the initial key's hash (circuit hash) is not that of circuit and phase 1: found {found}, \
         expected {expected}"
    )]
    InitialKeyHash {
        /// As the file says.
        found: InitialKeyHash,
        /// As rebuilt.
        expected: InitialKeyHash,
    },
    /// A record that does not build on those before it.
    #[error(
        "contribution {contribution} does not build on those before it: found transcript {found}, \
         expected transcript {expected}"
    )]
    Transcript {
        /// Which.
        contribution: usize,
        /// As the file says.
        found: TranscriptHash,
        /// Of what is before it.
        expected: TranscriptHash,
    },
    /// A proof of knowledge that does not hold.
    #[error("contribution {contribution}: {defect}")]
    Knowledge {
        /// Which.
        contribution: usize,
        /// Why.
        defect: KnowledgeDefect,
    },
    /// delta did not change by the proven factor.
    #[error("contribution {contribution}: delta is not the one before times the proven factor")]
    DeltaRatio {
        /// Which.
        contribution: usize,
    },
    /// A point that another record has too.
    #[error("contribution {contribution} repeats a point of contribution {earlier} ({what})")]
    Repeated {
        /// Which.
        contribution: usize,
        /// Which before it; 0 stands for the initial key.
        earlier: usize,
        /// The point.
        what: &'static str,
    },
    /// Not what the beacon's value gives.
    #[error(
        "contribution {contribution} is not what its beacon value gives: found another {what}, \
         expected the one drawn from the beacon"
    )]
    BeaconValue {
        /// Which.
        contribution: usize,
        /// The point that differs.
        what: &'static str,
    },
    /// The header's delta is not the last record's.
    #[error(
        "[delta]1 of the key is not that of the last contribution: found {found}, expected \
         {expected}"
    )]
    HeaderDelta {
        /// Of the header.
        found: G1Affine,
        /// Of the last record.
        expected: G1Affine,
    },
    /// Two deltas.
    #[error("[delta]1 and [delta]2 of the key are not the same number")]
    DeltaGroups,
    /// A point of the header changed.
    #[error("{what} is not that of the initial key")]
    HeaderPoint {
        /// Which.
        what: &'static str,
    },
    /// A section that has to stay changed.
    #[error("section {section}{}: not that of the initial key", at_byte(*.byte))]
    Section {
        /// Which.
        section: u32,
        /// The first byte that differs; the length of the shorter one where one is the beginning
        /// of the other. Not known where the earlier key was not read again.
        byte: Option<u64>,
    },
    /// A section that is not the initial one over delta.
    #[error("section {section} ({name}) is not that of the initial key divided by delta")]
    NotDivided {
        /// Which.
        section: u32,
        /// L or H.
        name: &'static str,
    },
    /// A verifying key that accepts anything, or that no one can use.
    #[error(transparent)]
    VerifyingKey(#[from] VerifyingKeyDefect),
    /// A chain that leaves the known one.
    #[error(
        "contribution {contribution} is not the one already known: found {found}, expected \
         {expected}"
    )]
    Forked {
        /// Which.
        contribution: usize,
        /// Its hash.
        found: ContributionHash,
        /// The known hash.
        expected: ContributionHash,
    },
    /// A chain that is shorter than the known one.
    #[error("contributions already known are missing: found {found}, expected at least {expected}")]
    Missing {
        /// Of the key.
        found: usize,
        /// Known.
        expected: usize,
    },
}

impl Explain for Failure {
    fn explain(&self) -> Finding {
        match self {
            Self::Size { found, expected, .. } => {
                Finding::compared("zkey-verify/size", self, found, expected)
            }
            Self::TooFewContributions { found, expected } => Finding::compared(
                "zkey-verify/too-few-contributions",
                self,
                found,
                format_args!("at least {expected}"),
            ),
            Self::Contributed { found } => {
                Finding::compared("zkey-verify/contributed", self, found, "none")
            }
            Self::BeaconNotLast { records, .. } => Finding::compared(
                "zkey-verify/beacon-not-last",
                self,
                format_args!("{records} contributions"),
                "the beacon to close the chain",
            ),
            Self::NoBeacon => Finding::new("zkey-verify/no-beacon", self),
            Self::InitialKeyHash { found, expected } => {
                Finding::compared("zkey-verify/initial-key-hash", self, found, expected)
            }
            Self::Transcript { found, expected, .. } => Finding::compared(
                "zkey-verify/transcript",
                self,
                format_args!("transcript {found}"),
                format_args!("transcript {expected}"),
            ),
            Self::Knowledge { .. } => Finding::new("zkey-verify/knowledge", self),
            Self::DeltaRatio { .. } => Finding::new("zkey-verify/delta-ratio", self),
            Self::Repeated { .. } => Finding::new("zkey-verify/repeated", self),
            Self::BeaconValue { what, .. } => Finding::compared(
                "zkey-verify/beacon-value",
                self,
                format_args!("another {what}"),
                "the one drawn from the beacon",
            ),
            Self::HeaderDelta { found, expected } => {
                Finding::compared("zkey-verify/header-delta", self, found, expected)
            }
            Self::DeltaGroups => Finding::new("zkey-verify/delta-groups", self),
            Self::HeaderPoint { .. } => Finding::new("zkey-verify/header-point", self),
            Self::Section { .. } => Finding::new("zkey-verify/section", self),
            Self::NotDivided { .. } => Finding::new("zkey-verify/not-divided", self),
            Self::VerifyingKey(defect) => defect.explain(),
            Self::Forked { found, expected, .. } => {
                Finding::compared("zkey-verify/forked", self, found, expected)
            }
            Self::Missing { found, expected } => Finding::compared(
                "zkey-verify/missing",
                self,
                found,
                format_args!("at least {expected}"),
            ),
        }
    }
}

fn at_byte(byte: Option<u64>) -> String {
    byte.map_or_else(String::new, |byte| format!(", byte {byte}"))
}

/// One contribution, for display and for comparison with what its maker published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContributionSummary {
    /// Counted from 1.
    pub index: usize,
    /// The hash that its maker published.
    pub hash: ContributionHash,
    /// Participant or beacon, as the file says; no hash binds it, but a wrong beacon is found.
    pub kind: ContributionKind,
    /// As the file says; no hash binds it.
    pub name: Option<ContributorName>,
}

/// The digests of the files that were verified, those of the bytes that were checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digests {
    /// Of [`super::verify::verify`]. The `.ptau`'s must be the one that phase 1's verification
    /// gave.
    Whole {
        /// The `.r1cs`: the circuit digest.
        circuit: FileSha256,
        /// The `.ptau`.
        powers: FileSha256,
        /// The `.zkey`.
        key: FileDigests,
    },
    /// Of [`super::verify::verify_from`]. The earlier `.zkey`'s must be the one that its
    /// verification gave.
    Incremental {
        /// The earlier `.zkey`.
        earlier: FileSha256,
        /// The `.zkey`.
        key: FileDigests,
    },
}

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Sizes and points of the key.
    pub header: Header,
    /// The `cs_hash`, as the file says; the circuit's when [`Check::Transcript`] passed.
    pub initial_key_hash: InitialKeyHash,
    /// The records, oldest first.
    pub contributions: Vec<ContributionSummary>,
    /// What was read.
    pub digests: Digests,
    /// Each check with its result, in order of number.
    pub checks: Vec<(Check, Outcome)>,
    /// What is unusual about checks that passed.
    pub remarks: Vec<Remark>,
}

impl Report {
    /// The result of one check.
    #[must_use]
    pub fn outcome(&self, check: Check) -> &Outcome {
        self.checks
            .iter()
            .find(|(c, _)| *c == check)
            .map_or(&Outcome::NotReached, |(_, outcome)| outcome)
    }

    /// What is unusual about a check that passed.
    #[must_use]
    pub fn remark(&self, check: Check) -> Option<Remark> {
        self.remarks.iter().copied().find(|remark| remark.check() == check)
    }

    /// Failures with their checks, in order.
    pub fn failures(&self) -> impl Iterator<Item = (Check, &Failure)> {
        self.checks.iter().flat_map(|(check, outcome)| {
            let failures: &[Failure] =
                if let Outcome::Failed(failures) = outcome { failures } else { &[] };
            failures.iter().map(|failure| (*check, failure))
        })
    }

    /// The checks that failed, in order.
    #[must_use]
    pub fn failed(&self) -> Vec<Check> {
        self.checks
            .iter()
            .filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_)))
            .map(|(check, _)| *check)
            .collect()
    }

    /// Number of contributions that are not beacons.
    #[must_use]
    pub fn participants(&self) -> usize {
        self.contributions.iter().filter(|c| c.kind == ContributionKind::Contribution).count()
    }
}

/// Failures, by check.
#[derive(Default)]
pub(super) struct Findings(pub(super) Vec<(Check, Failure)>);

impl Findings {
    pub(super) fn add(&mut self, check: Check, failure: impl Into<Failure>) {
        self.0.push((check, failure.into()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
