//! The ceremony behind a bundle, verified from its public files.
//!
//! [`check_ceremony`] proves that every file, signature and proof in the folder holds, and that the
//! resulting transcript is the one that the bundle's signers approved.

use std::fmt;
use std::path::Path;

use ceremony_core::progress::Progress;
use ceremony_folder::{Ceremony, CeremonyError, Depth, Verification};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::{Blame, Diagnostic};
use zk_attest::error::{Code, Refusal};

use crate::Embedded;

/// Why a folder is not accepted as the ceremony of a bundle.
#[derive(Debug)]
#[non_exhaustive]
pub enum CeremonyCheckError {
    /// The ceremony in the folder does not verify, or could not be read.
    Ceremony(Box<CeremonyError>),
    /// It verifies, but it is another ceremony.
    OtherCeremony(Refusal),
}

impl CeremonyCheckError {
    /// What is at fault.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Ceremony(error) => Diagnostic::from(&**error).blame,
            Self::OtherCeremony(refusal) => refusal.blame(),
        }
    }
}

impl From<CeremonyError> for CeremonyCheckError {
    fn from(error: CeremonyError) -> Self {
        Self::Ceremony(error.into())
    }
}

impl fmt::Display for CeremonyCheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ceremony(error) => write!(
                f,
                "{error}\nhint: run `{PROGRAM} ceremony verify DIR` on the folder, and fetch it \
                 again from where it is published"
            ),
            Self::OtherCeremony(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for CeremonyCheckError {}

/// Verifies the ceremony in `folder`, and that it is the one of the bundle.
pub fn check_ceremony(
    embedded: &Embedded,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<(), CeremonyCheckError> {
    let ceremony = Ceremony::open(folder)?;
    let rules = embedded.bundle.transcript().transcript().ceremony_toml_sha256;
    ensure_same(folder, ceremony.config.digest(), rules)?;
    let mut verification = Verification::new(&ceremony, Depth::EveryFile)?;
    ceremony.ensure_closed()?;
    verification.run(progress)?;
    let done = verification.finish()?;
    ensure_same(folder, done.digest(), embedded.bundle.transcript().digest())
}

/// Holds what the folder has to what the bundle has of its ceremony.
fn ensure_same<T: PartialEq + fmt::Display>(
    folder: &Path,
    found: T,
    expected: T,
) -> Result<(), CeremonyCheckError> {
    if found == expected {
        return Ok(());
    }
    Err(CeremonyCheckError::OtherCeremony(
        Refusal::new(Code::TranscriptDisagrees, "this is not the bundle's ceremony")
            .in_file(folder)
            .found(found)
            .expected(expected)
            .hint("name the folder of the ceremony that the bundle was made from"),
    ))
}
