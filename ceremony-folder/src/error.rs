//! Why a ceremony folder is not accepted: which file, what was found, what was expected.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use zk_attest::error::Refusal;

use crate::config::ConfigError;
use ceremony_core::format::FormatError;
use ceremony_core::{keygen, phase1, phase2};

/// What is wrong with a ceremony folder, and where.
#[derive(Debug)]
pub struct CeremonyError {
    /// The file that it is about.
    pub path: PathBuf,
    /// What is wrong with it.
    pub cause: Cause,
}

/// What can be wrong with a file of a ceremony.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The rules are no rules.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It could not be read.
    #[error("reading failed: {0}")]
    Io(#[from] io::Error),
    /// It is not a sound file.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// An attestation (or the transcript) is not what it should be.
    #[error("{}", without_hint(.0))]
    Attestation(#[from] Refusal),
    /// The signed side of the ceremony does not hold, so that there is nothing to verify.
    #[error("{0}")]
    Signed(String),
    /// A step of phase 1 does not verify.
    #[error(transparent)]
    Phase1(#[from] phase1::verify::VerifyError),
    /// A step of phase 2 does not verify.
    #[error(transparent)]
    Phase2(#[from] phase2::verify::VerifyError),
    /// The finished key is no key.
    #[error(transparent)]
    Keygen(#[from] keygen::KeygenError),
    /// The files do not belong together.
    #[error("{what}\n  found     {found}\n  expected  {expected}")]
    Chain {
        /// What is wrong.
        what: String,
        /// As it is.
        found: String,
        /// As it should be.
        expected: String,
    },
}

/// The guard's hints speak of bundles in a project; those of a ceremony are for the command line to give.
fn without_hint(refusal: &Refusal) -> String {
    let text = refusal.to_string();
    text.split_once("\nhint: ").map_or(text.as_str(), |(message, _)| message).to_owned()
}

impl fmt::Display for CeremonyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, cause) = (self.path.display().to_string(), self.cause.to_string());
        // Some causes name the file themselves.
        let cause =
            cause.strip_prefix(&path).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&cause);
        write!(f, "{path}: {cause}")
    }
}

impl std::error::Error for CeremonyError {}

impl CeremonyError {
    /// Whether the environment failed (reading, randomness), and not the artefact.
    #[must_use]
    pub fn is_environment(&self) -> bool {
        match &self.cause {
            Cause::Io(_) | Cause::Format(FormatError::Io(_) | FormatError::OsRandom(_)) => true,
            Cause::Attestation(refusal) => refusal.code().is_environment(),
            Cause::Phase1(error) => error.is_environment(),
            Cause::Phase2(error) => error.is_environment(),
            Cause::Keygen(error) => {
                matches!(error, keygen::KeygenError::OsRandom(_) | keygen::KeygenError::Output(_))
            }
            _ => false,
        }
    }
}

/// Names the file that an error is about.
pub(crate) fn at<C: Into<Cause>>(path: &Path) -> impl FnOnce(C) -> CeremonyError {
    let path = path.to_owned();
    move |cause| CeremonyError { path, cause: cause.into() }
}

/// Files that do not belong together.
pub(crate) fn broken(
    path: &Path,
    what: impl fmt::Display,
    found: impl fmt::Display,
    expected: impl fmt::Display,
) -> CeremonyError {
    CeremonyError {
        path: path.into(),
        cause: Cause::Chain {
            what: what.to_string(),
            found: found.to_string(),
            expected: expected.to_string(),
        },
    }
}
