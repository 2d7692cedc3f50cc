//! Why an operation of phase 2 failed.

use super::report::{Check, Failure, Report};
use crate::entropy::OsRandomError;
use crate::explain::{Explain, Finding};
use crate::format::FormatError;
use crate::format::bound_file::Change;
use crate::format::ptau::{Levels, Power};
use crate::limits::MAX_CONTRIBUTIONS;
use crate::phase1::contribute::StepError;
use crate::secret_threads::ThreadsError;

/// The smallest power of a circuit whose initial key's hash includes one point more than it counts
/// (docs/formats.md, section 6).
pub const SURPLUS_HASH_POWER: u32 = 15;

/// Why no initial key was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The circuit cannot be read.
    #[error("the circuit (.r1cs): {0}")]
    R1cs(#[source] FormatError),
    /// The phase-1 file cannot be read.
    #[error("the powers of tau (.ptau): {0}")]
    Ptau(#[source] FormatError),
    /// The key cannot be written (or, while verifying, read).
    #[error("the key (.zkey): {0}")]
    Key(#[source] FormatError),
    /// The checks of points had no randomness.
    #[error(transparent)]
    OsRandom(#[from] OsRandomError),
    /// The phase-1 file has no Lagrange bases.
    #[error(
        "the .ptau is not prepared for phase 2: found no sections 12 to 15, expected all of them: \
         prepare it first"
    )]
    NotPrepared,
    /// The phase-1 file has Lagrange bases of other sizes only.
    #[error(
        "the .ptau is not prepared for circuits of this size: found levels {found}, expected \
         level {expected}"
    )]
    NotThisLevel {
        /// Of the `.ptau`.
        found: Levels,
        /// Of the circuit.
        expected: Power,
    },
    /// The Lagrange bases that the phase-1 file lacks could not be computed.
    #[error("preparing the powers of tau (.ptau): {0}")]
    Prepare(#[source] StepError),
    /// The circuit needs a larger phase 1.
    #[error(
        "the .ptau is too small for the circuit: found power {found}, expected at least power \
         {expected}"
    )]
    PtauTooSmall {
        /// Of the `.ptau`.
        found: Power,
        /// Of the circuit.
        expected: Power,
    },
    /// No one contributed to phase 1, so that tau is publicly known.
    #[error(
        "no participant contributed to the .ptau: found {records} records, all of them beacons, \
         expected a contribution that is not a beacon"
    )]
    NoContribution {
        /// Number of records.
        records: usize,
    },
    /// The records or powers of the phase-1 file show that tau, alpha or beta may be known.
    #[error("the powers of tau (.ptau): {0}")]
    Phase1(#[source] Box<crate::phase1::verify::Failure>),
    /// The hash of the initial key covers what the reference tool finds behind section 2.
    #[error(
        "section 3 does not follow section 2 in the .ptau, which has the circuit's own power, so \
         the circuit hash cannot be derived: found section 3 at byte {found}, expected byte \
         {expected}"
    )]
    SectionOrder {
        /// Where section 3 begins.
        found: u64,
        /// Where it would begin as the next section.
        expected: u64,
    },
    /// Section 4 counts its entries in 32 bits.
    #[error("too many terms in A and B: found {found}, expected at most {}", u32::MAX)]
    TooManyTerms {
        /// Those of the circuit and its input rows.
        found: u64,
    },
}

impl SetupError {
    /// Whether the environment failed (reading, writing, randomness), and not the artefact.
    #[must_use]
    pub fn is_environment(&self) -> bool {
        match self {
            Self::R1cs(error) | Self::Ptau(error) | Self::Key(error) => {
                matches!(error, FormatError::Io(_) | FormatError::OsRandom(_))
            }
            Self::Prepare(error) => error.is_environment(),
            other => matches!(other, Self::OsRandom(_)),
        }
    }
}

impl Explain for SetupError {
    fn explain(&self) -> Finding {
        match self {
            Self::R1cs(error) => error.explain().inside("the circuit (.r1cs)"),
            Self::Ptau(error) => error.explain().inside("the powers of tau (.ptau)"),
            Self::Key(error) => error.explain().inside("the key (.zkey)"),
            Self::OsRandom(error) => error.explain(),
            Self::NotPrepared => Finding::compared(
                "zkey-setup/not-prepared",
                self,
                "no sections 12 to 15",
                "all of them: prepare it first",
            ),
            Self::NotThisLevel { found, expected } => Finding::compared(
                "zkey-setup/not-this-level",
                self,
                format_args!("levels {found}"),
                format_args!("level {expected}"),
            ),
            Self::Prepare(error) => error.explain().inside("the powers of tau (.ptau)"),
            Self::PtauTooSmall { found, expected } => Finding::compared(
                "zkey-setup/ptau-too-small",
                self,
                format_args!("power {found}"),
                format_args!("at least power {expected}"),
            ),
            Self::NoContribution { records } => Finding::compared(
                "zkey-setup/no-contribution",
                self,
                format_args!("{records} records, all of them beacons"),
                "a contribution that is not a beacon",
            ),
            Self::Phase1(failure) => failure.explain().inside("the powers of tau (.ptau)"),
            Self::SectionOrder { found, expected } => Finding::compared(
                "zkey-setup/section-order",
                self,
                format_args!("section 3 at byte {found}"),
                format_args!("byte {expected}"),
            ),
            Self::TooManyTerms { found } => Finding::compared(
                "zkey-setup/too-many-terms",
                self,
                found,
                format_args!("at most {}", u32::MAX),
            ),
        }
    }
}

/// Why a contribution was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContributeError {
    /// The key to build on cannot be read.
    #[error("the key (.zkey): {0}")]
    Input(#[from] FormatError),
    /// The new key cannot be written.
    #[error("writing the new key: {0}")]
    Output(#[source] std::io::Error),
    /// The checks of points had no randomness.
    #[error(transparent)]
    OsRandom(#[from] OsRandomError),
    /// No threads to compute with the secret on.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// A beacon has closed the chain.
    #[error(
        "a beacon has closed this chain: found a beacon as contribution {index}, expected \
         contributions only, the beacon comes last"
    )]
    Closed {
        /// Which record is the beacon, counted from 1.
        index: usize,
    },
    /// No further record would be read back.
    #[error(
        "the chain is full: found {found} contributions, expected less than {MAX_CONTRIBUTIONS}"
    )]
    Full {
        /// Number of records.
        found: usize,
    },
    /// The secret drawn was zero, which happens once in 2^254 draws of an honest generator.
    #[error("the random number generator gave zero as the secret: it is broken")]
    ZeroSecret,
}

impl ContributeError {
    /// Whether the environment failed (reading, writing, randomness), and not the artefact.
    #[must_use]
    pub fn is_environment(&self) -> bool {
        match self {
            Self::Input(error) => matches!(error, FormatError::Io(_) | FormatError::OsRandom(_)),
            other => matches!(
                other,
                Self::Output(_) | Self::OsRandom(_) | Self::Threads(_) | Self::ZeroSecret
            ),
        }
    }
}

impl Explain for ContributeError {
    fn explain(&self) -> Finding {
        match self {
            Self::Input(error) => error.explain().inside("the key (.zkey)"),
            Self::Output(_) => Finding::environment("zkey-contribute/output", self),
            Self::OsRandom(error) => error.explain(),
            Self::Threads(error) => error.explain(),
            Self::Closed { index } => Finding::compared(
                "zkey-contribute/closed",
                self,
                format_args!("a beacon as contribution {index}"),
                "contributions only, the beacon comes last",
            ),
            Self::Full { found } => Finding::compared(
                "zkey-contribute/full",
                self,
                format_args!("{found} contributions"),
                format_args!("less than {MAX_CONTRIBUTIONS}"),
            ),
            Self::ZeroSecret => Finding::environment("zkey-contribute/zero-secret", self),
        }
    }
}

/// Why a key is not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The key cannot be read.
    #[error("the key (.zkey): {0}")]
    Key(#[source] FormatError),
    /// The earlier key cannot be read.
    #[error("the earlier key (.zkey): {0}")]
    Earlier(#[source] FormatError),
    /// The initial key cannot be rebuilt.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The random combinations had no randomness.
    #[error(transparent)]
    OsRandom(#[from] OsRandomError),
    /// A file changed while it was read.
    #[error("{file} changed while it was verified: {change}")]
    Changed {
        /// Which.
        file: &'static str,
        /// How.
        change: Change,
    },
    /// The header is not of the circuit and phase 1, neither of which was verified.
    #[error("the key is refused: {}", refusals(each(.0)))]
    Header(Vec<(Check, Failure)>),
    /// Checks failed.
    #[error("the key is refused: {}", refusals(.0.failures()))]
    Refused(Box<Report>),
}

impl VerifyError {
    /// Whether the environment failed (reading, randomness), and not the artefact.
    #[must_use]
    pub fn is_environment(&self) -> bool {
        let environment =
            |error: &FormatError| matches!(error, FormatError::Io(_) | FormatError::OsRandom(_));
        match self {
            Self::Key(error) | Self::Earlier(error) => environment(error),
            Self::Setup(error) => error.is_environment(),
            Self::OsRandom(_) => true,
            Self::Changed { .. } | Self::Header(_) | Self::Refused(_) => false,
        }
    }
}

impl Explain for VerifyError {
    fn explain(&self) -> Finding {
        match self {
            Self::Key(error) => error.explain().inside("the key (.zkey)"),
            Self::Earlier(error) => error.explain().inside("the earlier key (.zkey)"),
            Self::Setup(error) => error.explain(),
            Self::OsRandom(error) => error.explain(),
            Self::Changed { file, change } => Finding {
                code: "zkey-verify/changed",
                ..change.explain().inside(format_args!("{file} changed while it was verified"))
            },
            Self::Header(failures) => refused(self, each(failures)),
            Self::Refused(report) => refused(self, report.failures()),
        }
    }
}

fn each(failures: &[(Check, Failure)]) -> impl Iterator<Item = (Check, &Failure)> {
    failures.iter().map(|(check, failure)| (*check, failure))
}

fn refused<'a>(
    error: &VerifyError,
    mut failures: impl Iterator<Item = (Check, &'a Failure)>,
) -> Finding {
    match (failures.next(), failures.next()) {
        (Some((check, failure)), None) => {
            failure.explain().inside(check).inside("the key is refused")
        }
        (first, _) => {
            let code = first.map_or("zkey-verify/refused", |(_, f)| f.explain().code);
            Finding::new(code, error)
        }
    }
}

/// The failed checks with their reasons, in one line.
fn refusals<'a>(failures: impl Iterator<Item = (Check, &'a Failure)>) -> String {
    failures.map(|(check, failure)| format!("{check}: {failure}")).collect::<Vec<_>>().join("; ")
}
