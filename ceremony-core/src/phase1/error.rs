//! Why an operation of phase 1 failed.

use super::report::Failure;
use crate::entropy::OsRandomError;
use crate::explain::{Explain, Finding};
use crate::format::FormatError;
use crate::format::bound_file::{Change, DigestError};
use crate::format::ptau::{Levels, Power};
use crate::hash::Challenge;
use crate::secret_threads::ThreadsError;

/// Why a step of phase 1 made no file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// The input is not a sound file.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The input's chain of contributions fails a check.
    #[error(transparent)]
    Check(#[from] Box<Failure>),
    /// The output could not be written.
    #[error("writing failed: {0}")]
    Write(std::io::Error),
    /// No randomness.
    #[error(transparent)]
    OsRandom(#[from] OsRandomError),
    /// No threads to compute with the secrets on.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// The input ends with a beacon, after which nothing may follow.
    #[error(
        "the chain is closed: its last contribution is a beacon: found a beacon as contribution \
         {index}, expected a chain that is still open"
    )]
    Closed {
        /// Counted from 1.
        index: usize,
    },
    /// A beacon, or the use of the powers, needs a contribution before it, since everybody can
    /// recompute a beacon.
    #[error(
        "no participant has contributed: found 0 contributions that are not a beacon, expected at \
         least 1, or tau is publicly known"
    )]
    NobodyContributed,
    /// A file whose points were cut off: no challenge can be computed from what is left.
    #[error(
        "the file is truncated from a larger ceremony, so no one can contribute to it: found \
         power {power} of a ceremony of power {ceremony_power}, expected the whole file"
    )]
    TruncatedCeremony {
        /// The file's power.
        power: Power,
        /// The ceremony's.
        ceremony_power: Power,
    },
    /// The points are not those that the last record's challenge was computed from.
    #[error(
        "the points do not hash to the challenge that the file states: found {found}, expected \
         {expected}"
    )]
    Challenge {
        /// Over the points of the file.
        found: Challenge,
        /// As the last record states it (or the protocol, for a new file).
        expected: Challenge,
    },
    /// Level 28 comes with one for a domain of 2^29, which the scalar field does not have.
    #[error(
        "level 28 cannot be prepared: found level 28, which needs a domain of 2^29, expected at \
         most level 27"
    )]
    NoDomain,
    /// Levels that the powers do not reach to.
    #[error(
        "the powers do not reach to these levels: found levels {found}, expected at most level \
         {expected}, the power of the file"
    )]
    Levels {
        /// What was asked for.
        found: Levels,
        /// The file's power.
        expected: Power,
    },
    /// More parts than the largest level has points.
    #[error(
        "there are too few points for so many parts: found {found} parts, expected at most the \
         {points} points of level {level}",
        points = 1u64 << level
    )]
    TooManyParts {
        /// Parts.
        found: u32,
        /// The largest level that was asked for.
        level: u32,
    },
    /// What an interrupted preparation left is not of this input.
    #[error(
        "the unfinished output is of another preparation: found other powers, records or levels, \
         expected those of the input"
    )]
    OtherOutput,
    /// A response to another challenge.
    #[error("the response answers another challenge: found {found}, expected {expected}")]
    OtherChallenge {
        /// The first 64 bytes of the response.
        found: Challenge,
        /// The challenge of the file.
        expected: Challenge,
    },
}

impl StepError {
    /// Whether the environment failed (reading, writing, randomness), and not the artefact.
    #[must_use]
    pub fn is_environment(&self) -> bool {
        matches!(
            self,
            Self::Write(_)
                | Self::OsRandom(_)
                | Self::Threads(_)
                | Self::Format(FormatError::Io(_) | FormatError::OsRandom(_))
        )
    }
}

impl Explain for StepError {
    fn explain(&self) -> Finding {
        match self {
            Self::Format(error) => error.explain(),
            Self::Check(failure) => failure.explain(),
            Self::Write(_) => Finding::environment("ptau-step/write", self),
            Self::OsRandom(error) => error.explain(),
            Self::Threads(error) => error.explain(),
            Self::Closed { index } => Finding::compared(
                "ptau-step/closed",
                self,
                format_args!("a beacon as contribution {index}"),
                "a chain that is still open",
            ),
            Self::NobodyContributed => Finding::compared(
                "ptau-step/nobody-contributed",
                self,
                "0 contributions that are not a beacon",
                "at least 1, or tau is publicly known",
            ),
            Self::TruncatedCeremony { power, ceremony_power } => Finding::compared(
                "ptau-step/truncated-ceremony",
                self,
                format_args!("power {power} of a ceremony of power {ceremony_power}"),
                "the whole file",
            ),
            Self::Challenge { found, expected } => {
                Finding::compared("ptau-step/challenge", self, found, expected)
            }
            Self::NoDomain => Finding::compared(
                "ptau-step/no-domain",
                self,
                "level 28, which needs a domain of 2^29",
                "at most level 27",
            ),
            Self::Levels { found, expected } => Finding::compared(
                "ptau-step/levels",
                self,
                format_args!("levels {found}"),
                format_args!("at most level {expected}, the power of the file"),
            ),
            Self::TooManyParts { found, level } => Finding::compared(
                "ptau-step/too-many-parts",
                self,
                format_args!("{found} parts"),
                format_args!("at most the {} points of level {level}", 1u64 << level),
            ),
            Self::OtherOutput => Finding::compared(
                "ptau-step/other-output",
                self,
                "other powers, records or levels",
                "those of the input",
            ),
            Self::OtherChallenge { found, expected } => {
                Finding::compared("ptau-step/other-challenge", self, found, expected)
            }
        }
    }
}

/// Why a file was not verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is not a sound file.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A numbered check failed.
    #[error(transparent)]
    Failed(#[from] Box<Failure>),
    /// No randomness.
    #[error(transparent)]
    OsRandom(#[from] OsRandomError),
    /// The file changed while it was read.
    #[error("the file changed while it was verified: {0}")]
    Changed(Change),
}

impl From<DigestError> for VerifyError {
    fn from(error: DigestError) -> Self {
        match error {
            DigestError::Io(error) => Self::Format(error.into()),
            DigestError::Changed(change) => Self::Changed(change),
        }
    }
}

impl VerifyError {
    /// Whether the environment failed (reading, randomness), and not the artefact.
    #[must_use]
    pub fn is_environment(&self) -> bool {
        matches!(
            self,
            Self::OsRandom(_) | Self::Format(FormatError::Io(_) | FormatError::OsRandom(_))
        )
    }
}

impl Explain for VerifyError {
    fn explain(&self) -> Finding {
        match self {
            Self::Format(error) => error.explain(),
            Self::Failed(failure) => failure.explain(),
            Self::OsRandom(error) => error.explain(),
            Self::Changed(change) => Finding {
                code: "ptau-verify/changed",
                ..change.explain().inside("the file changed while it was verified")
            },
        }
    }
}
