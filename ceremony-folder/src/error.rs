//! Why a ceremony folder is not accepted, or a step not made: which file, what was found, what was
//! expected, and what to do.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use ceremony_core::explain::{Explain, Finding};
use ceremony_core::format::FormatError;
use ceremony_core::format::bound_file::Change;
use ceremony_core::{keygen, phase1, phase2};
use zk_attest::diagnostic::{Blame, Diagnostic};
use zk_attest::error::Refusal;
use zk_attest::primitives::Label;
use zk_attest::program::PROGRAM;

use crate::config::ConfigError;
use crate::folder::{Slot, StepName};
use crate::hints;
use crate::output::{OutputError, OutputFault};
use crate::place::TooMany;
use crate::store::ReadError;

/// What is wrong with a ceremony folder, and where.
#[derive(Debug)]
pub struct CeremonyError {
    /// The file that it is about.
    pub path: PathBuf,
    /// What is wrong with it.
    pub cause: Cause,
}

/// What can be wrong with a file of a ceremony.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// `ceremony.toml` is invalid.
    Config(ConfigError),
    /// It could not be read.
    Io(io::Error),
    /// It is a link, a folder, a pipe or a device.
    NotRegular,
    /// A folder on the way to it is a link, or a file.
    NotAFolder,
    /// It has more bytes than any file of its kind.
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// It is a folder with more names than a ceremony's has.
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// It could not be written.
    Write {
        /// What failed.
        doing: &'static str,
        /// Why.
        error: io::Error,
    },
    /// An output was refused, or could not be written.
    Output(OutputFault),
    /// Another command is working in the folder.
    Busy,
    /// It is not a sound file.
    Format(FormatError),
    /// An attestation (or the transcript) is not what it should be.
    Attestation(Refusal),
    /// The signed side of the ceremony does not hold, so that there is nothing to verify.
    Signed(Arc<CeremonyError>),
    /// A step of phase 1 does not verify.
    Phase1(phase1::verify::VerifyError),
    /// A step of phase 2 does not verify.
    Phase2(phase2::verify::VerifyError),
    /// The final key is invalid.
    Keygen(keygen::KeygenError),
    /// The file changed while it was used.
    Changed(Change),
    /// Something that is not a file of a ceremony.
    DoesNotBelong {
        /// Why not.
        why: &'static str,
    },
    /// A private key, in a folder that is shared.
    KeyMaterial {
        /// Its kind.
        kind: &'static str,
    },
    /// A signed step is built on a step that is not in this copy.
    Gap {
        /// The step that is built on it.
        step: StepName,
    },
    /// A second attempt at a place, without the rejection of the first.
    NoRejection {
        /// The attempt that was rejected, as its successor's name says.
        attempt: StepName,
    },
    /// A step's file has another name than the one that its maker signed.
    Misnamed {
        /// The file's name.
        found: String,
        /// The signed one.
        signed: Label,
        /// The step of the signed name, if it is one.
        step: Option<StepName>,
    },
    /// The files do not belong together.
    Chain {
        /// What is wrong.
        what: String,
        /// As it is.
        found: String,
        /// As it should be.
        expected: String,
    },
}

macro_rules! causes {
    ($($from:ty => $variant:ident,)+) => { $(
        impl From<$from> for Cause {
            fn from(error: $from) -> Self {
                Self::$variant(error)
            }
        }
    )+ };
}

causes! {
    ConfigError => Config,
    FormatError => Format,
    Refusal => Attestation,
    phase1::verify::VerifyError => Phase1,
    phase2::verify::VerifyError => Phase2,
    keygen::KeygenError => Keygen,
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        let too_many = error.get_ref().and_then(|inner| inner.downcast_ref::<TooMany>());
        match (error.kind(), too_many) {
            (io::ErrorKind::NotADirectory, _) => Self::NotAFolder,
            (_, Some(TooMany(limit))) => Self::TooMany { limit: *limit },
            _ => Self::Io(error),
        }
    }
}

impl From<ReadError> for Cause {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error.into(),
            ReadError::NotRegular => Self::NotRegular,
            ReadError::TooLarge { limit } => Self::TooLarge { limit },
        }
    }
}

impl From<OutputError> for CeremonyError {
    fn from(error: OutputError) -> Self {
        Self { path: error.path, cause: Cause::Output(error.fault) }
    }
}

/// The parts of an error of `ceremony-core`, without a place and without a hint.
pub fn explained(error: &impl Explain) -> Diagnostic {
    let Finding { code, what, found, expected, is_environment } = error.explain();
    let blame = if is_environment { Blame::Environment } else { Blame::Artefact };
    Diagnostic { found, expected, ..Diagnostic::new(blame, code, what) }
}

/// A refusal of the documents' own checks. Hints that speak of bundles in a project are left out:
/// those of a ceremony are added by the caller.
fn refused(refusal: &Refusal) -> Diagnostic {
    Diagnostic { hint: None, ..Diagnostic::from(refusal) }
}

impl From<&OutputError> for Diagnostic {
    fn from(error: &OutputError) -> Self {
        output_fault(&error.fault).at(error.path.display())
    }
}

impl From<OutputError> for Diagnostic {
    fn from(error: OutputError) -> Self {
        Self::from(&error)
    }
}

fn output_fault(fault: &OutputFault) -> Diagnostic {
    let (code, hint) = match fault {
        OutputFault::IsInput => {
            ("output-is-input", "name another file for OUT: inputs stay as evidence")
        }
        OutputFault::IsKey => {
            ("output-is-key", "name another file: a key may be the only one; remove it by hand")
        }
        OutputFault::Exists => ("output-exists", "name another file, or add --force to replace it"),
        OutputFault::NotRegular => {
            ("output-not-regular", "name another file: only a regular file is replaced")
        }
        OutputFault::InTheWay => {
            ("output-in-the-way", "move that file away, or name another output")
        }
        OutputFault::Busy => {
            ("output-busy", "wait until the other process has ended, or name another output")
        }
        OutputFault::Io { .. } => return Diagnostic::environment("io", fault),
    };
    Diagnostic::environment(code, fault).hint(hint)
}

fn not_a_folder() -> Diagnostic {
    Diagnostic::artefact("not-a-folder", "a folder on the way to this file is none")
        .found("a link, or a file")
        .expected("a folder")
        .hint("put a folder in its place: nothing outside the ceremony is read or written")
}

impl Cause {
    /// The error of a reader that was given a legal file of another kind: no one is to blame for
    /// its bytes.
    fn misplaced(&self) -> Option<&FormatError> {
        use phase2::initial_key::SetupError;
        use phase2::verify::VerifyError;

        let error = match self {
            Self::Format(error)
            | Self::Phase1(phase1::verify::VerifyError::Format(error))
            | Self::Phase2(
                VerifyError::Key(error)
                | VerifyError::Earlier(error)
                | VerifyError::Setup(SetupError::R1cs(error) | SetupError::Ptau(error)),
            ) => error,
            _ => return None,
        };
        error.is_another_kind().then_some(error)
    }

    /// The parts, without a place.
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Config(error) => error.into(),
            Self::Io(error) => {
                Diagnostic::environment("io", format_args!("reading failed: {error}"))
            }
            Self::NotRegular => Diagnostic::artefact("not-regular", "this is not a regular file")
                .found("a link, a folder or a device")
                .expected("the file itself"),
            Self::NotAFolder => not_a_folder(),
            Self::TooLarge { limit } => Diagnostic::artefact("too-large", "the file is too large")
                .expected(format_args!("at most {limit} bytes")),
            Self::TooMany { limit } => {
                Diagnostic::environment("too-many", "there are too many names in this folder")
                    .found(format_args!("more than {limit}"))
                    .expected(format_args!("at most {limit}"))
            }
            Self::Write { doing, error } => {
                Diagnostic::environment("io", format_args!("{doing} failed: {error}"))
            }
            // Made by someone who can write to the folder, not named by the user.
            Self::Output(OutputFault::NotRegular) => Self::NotRegular.diagnostic(),
            Self::Output(OutputFault::Io { error, .. })
                if error.kind() == io::ErrorKind::NotADirectory =>
            {
                not_a_folder()
            }
            Self::Output(fault) => output_fault(fault),
            Self::Busy => {
                Diagnostic::environment("busy", "another command is working in this folder")
            }
            Self::Format(error) => explained(error),
            Self::Attestation(refusal) => refused(refusal),
            Self::Signed(error) => error.cause.diagnostic(),
            Self::Phase1(error) => explained(error),
            Self::Phase2(error) => explained(error),
            Self::Keygen(error) => explained(error),
            Self::Changed(change) => {
                let parts = explained(change);
                Diagnostic {
                    code: "changed".into(),
                    what: "the file changed while it was used".into(),
                    ..parts
                }
            }
            Self::DoesNotBelong { why } => Diagnostic::artefact(
                "does-not-belong",
                format_args!("this does not belong in a ceremony folder: {why}"),
            )
            .hint("remove it, and run the same command again"),
            Self::KeyMaterial { kind } => Diagnostic::artefact(
                "private-key-in-folder",
                "this looks like a private key, and the folder is shared",
            )
            .found(kind)
            .expected("only public files")
            .hint(
                "move it out of the folder, and replace the key if anyone has seen a copy; if it \
                 is no key, write into the file what it is",
            ),
            Self::Gap { step } => Diagnostic::artefact(
                "step-missing",
                "a step is missing: a signed step builds on it",
            )
            .found(format_args!("step {step}, signed as built on a file that is not here"))
            .expected("every step before it")
            .hint(format_args!(
                "fetch the folder again; if the coordinator's own copy lacks the file too, step \
                 {step} can be taken out with `{PROGRAM} ceremony reject`"
            )),
            Self::NoRejection { attempt } => Diagnostic::artefact(
                "rejection-missing",
                "this is another attempt at a place whose earlier attempt nobody rejected",
            )
            .found(format_args!("no rejection of {attempt} that the coordinator signed"))
            .expected(format_args!("{attempt}.reject.dsse.json"))
            .hint(
                "fetch the folder again: a rejection and what it rejects stay in the folder as \
                 evidence",
            ),
            Self::Misnamed { found, signed, step } => {
                let parts = Diagnostic::artefact(
                    "chain",
                    "the file has another name than the one that was signed",
                )
                .found(found)
                .expected(signed);
                match step {
                    Some(step) => parts.hint(format_args!(
                        "if no file is called {signed} yet, rename this one to it, and its \
                         attestation to {step}.dsse.json"
                    )),
                    None => parts,
                }
            }
            Self::Chain { what, found, expected } => {
                Diagnostic::artefact("chain", what).found(found).expected(expected)
            }
        }
    }
}

impl From<&CeremonyError> for Diagnostic {
    fn from(error: &CeremonyError) -> Self {
        let parts = error.cause.diagnostic().at(error.path.display());
        if parts.hint.is_some() {
            return parts;
        }
        if let Some(error) = error.root_cause().misplaced() {
            return parts.hint(hints::for_format(error));
        }
        let rules = error.path.ends_with("ceremony.toml");
        let hint = match &error.cause {
            Cause::Io(error) | Cause::Write { error, .. }
                if error.kind() == io::ErrorKind::PermissionDenied =>
            {
                "look at the permissions of the file and its folders".into()
            }
            _ if rules && parts.blame == Blame::Environment => format!(
                "name a ceremony folder: `{PROGRAM} ceremony new --help` says how to make one"
            ),
            Cause::Config(_) => format!(
                "correct ceremony.toml before the first step (`{PROGRAM} ceremony new --template` \
                 prints an example); after it, restore the file: every attestation names its \
                 digest"
            ),
            Cause::Write { .. } | Cause::Output(_) => "fix the cause and retry".into(),
            Cause::TooMany { .. } => "move away what is not the ceremony's".into(),
            Cause::Busy => "wait for it to finish, then run the same command again".into(),
            Cause::Changed(_) => "copy the folder to a place that nothing else writes to, and run \
                                  the same command again"
                .into(),
            _ if matches!(error.root_cause(), Cause::Attestation(_))
                && parts.blame == Blame::Environment =>
            {
                format!(
                    "fetch the folder again: every step has an attestation next to its file; a \
                     file without one is moved away with `{PROGRAM} ceremony tidy`"
                )
            }
            _ if parts.blame == Blame::Environment => {
                "if the file is missing, fetch the folder from the coordinator again".into()
            }
            _ if is_rejectable(&error.path) => format!(
                "do not build on this file: fetch it again; if a fresh copy fails too, ask the \
                 coordinator to reject it with `{PROGRAM} ceremony reject`"
            ),
            _ => "do not build on this file: fetch it again; if a fresh copy fails too, tell the \
                  coordinator: it is not a step that can be rejected"
                .into(),
        };
        parts.hint(hint)
    }
}

impl From<CeremonyError> for Diagnostic {
    fn from(error: CeremonyError) -> Self {
        Self::from(&error)
    }
}

impl fmt::Display for CeremonyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.diagnostic().at(self.path.display()).fmt(f)
    }
}

impl std::error::Error for CeremonyError {}

impl CeremonyError {
    /// Whether there is no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(&self.cause, Cause::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// Whether the environment failed (reading, randomness), and not the artefact.
    #[must_use]
    pub fn is_environment(&self) -> bool {
        self.cause.diagnostic().blame == Blame::Environment
    }

    /// What is wrong, in one line.
    pub(crate) fn in_words(&self) -> String {
        self.cause.diagnostic().what
    }

    /// The cause, below [`Cause::Signed`].
    fn root_cause(&self) -> &Cause {
        match &self.cause {
            Cause::Signed(error) => error.root_cause(),
            cause => cause,
        }
    }
}

/// Whether a file, or the one that an attestation belongs to, is a step that can be taken out of a
/// chain: a contribution or a beacon. Openings, prepared files and all others are not.
fn is_rejectable(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = [".ptau", ".zkey", ".dsse.json"].iter().find_map(|end| name.strip_suffix(end));
    let step = stem.and_then(StepName::parse);
    step.is_some_and(|step| !matches!(step.slot, Slot::Number(0) | Slot::Prepared))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_rejected_is_advised_to_be() {
        let hint = |name: &str| {
            Diagnostic::from(&broken(Path::new(name), "it is wrong", 1, 2)).hint.unwrap()
        };
        for name in ["phase1/0001.ptau", "circuits/a/0012-2.zkey", "circuits/a/final.dsse.json"] {
            assert!(hint(name).contains("ceremony reject"), "{name}");
        }
        for name in [
            "phase1/0000.ptau",
            "phase1/prepared.ptau",
            "phase1/prepared.dsse.json",
            "circuits/a/0000.zkey",
            "circuits/a/0000.dsse.json",
            "circuits/a/circuit.r1cs",
            "transcript.json",
            "shared",
        ] {
            assert!(!hint(name).contains("ceremony reject"), "{name}");
        }
    }
}
