//! What the user reads when something is wrong: what it is, what was found, what was expected, and what to do.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use ceremony_core::format::FormatError;
use ceremony_core::phase1::contribute::StepError;
use ceremony_core::phase1::verify::{Check, VerifyError};
use zk_attest::error::Refusal;

/// Who is to blame, which is also the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blame {
    Artefact,
    Environment,
}

/// A failure, as it is printed: `error:` then, where there is something to do, `hint:`.
#[derive(Debug)]
pub(crate) struct CliError {
    blame: Blame,
    message: String,
    hint: Option<String>,
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, "\nhint: {hint}"))
    }
}

impl CliError {
    /// The tool, its arguments or its surroundings are at fault.
    pub(crate) fn environment(message: impl Into<String>) -> Self {
        Self { blame: Blame::Environment, message: message.into(), hint: None }
    }

    /// What was given is at fault.
    pub(crate) fn artefact(message: impl Into<String>) -> Self {
        Self { blame: Blame::Artefact, message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn io(path: &Path, doing: &str, error: &io::Error) -> Self {
        Self::environment(format!("{}: {doing} failed: {error}", path.display()))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.blame {
            Blame::Artefact => 1,
            Blame::Environment => 2,
        })
    }

    /// For JSON: `"bad"` where the artefact is to blame, else `"error"`; the message; the hint.
    pub(crate) fn parts(&self) -> (&'static str, &str, Option<&str>) {
        let result = if self.blame == Blame::Artefact { "bad" } else { "error" };
        (result, &self.message, self.hint.as_deref())
    }

    /// A `.ptau` that could not be opened.
    pub(crate) fn format(path: &Path, error: &FormatError) -> Self {
        let blame = if matches!(error, FormatError::Io(_) | FormatError::OsRandom(_)) {
            Blame::Environment
        } else {
            Blame::Artefact
        };
        Self {
            blame,
            message: format!("{}: {error}", path.display()),
            hint: Some(format_hint(error)),
        }
    }

    /// What the guard's library refuses, which brings its own hint.
    pub(crate) fn refusal(path: &Path, refusal: &Refusal) -> Self {
        let blame =
            if refusal.code().is_environment() { Blame::Environment } else { Blame::Artefact };
        let text = refusal.to_string();
        let (message, hint) = text
            .split_once("\nhint: ")
            .map_or((text.as_str(), None), |(message, hint)| (message, Some(hint.to_owned())));
        // Refusals to read a file name it themselves.
        let shown = path.display().to_string();
        let message = if message.starts_with(&shown) {
            message.to_owned()
        } else {
            format!("{shown}: {message}")
        };
        Self { blame, message, hint }
    }

    /// A bundle that does not satisfy the policy it is held against.
    pub(crate) fn not_approved(path: &Path, refusal: Option<String>) -> Self {
        let reason = refusal.map_or_else(String::new, |reason| format!(": {reason}"));
        Self {
            blame: Blame::Artefact,
            message: format!("{}: not approved under the policy{reason}", path.display()),
            hint: None,
        }
    }

    /// A step of phase 2: its own message, after the file it is about, and the hint that fits.
    pub(crate) fn of_key(
        path: &Path,
        error: &impl fmt::Display,
        environment: bool,
        hint: &str,
    ) -> Self {
        let blame = if environment { Blame::Environment } else { Blame::Artefact };
        Self { blame, message: format!("{}: {error}", path.display()), hint: Some(hint.into()) }
    }

    /// A step of phase 1 that made no file. `path` is its input.
    pub(crate) fn step(path: &Path, error: &StepError) -> Self {
        let input = path.display();
        let hint = match error {
            StepError::Format(error) => format_hint(error),
            StepError::Check(failure) => check_hint(failure.check),
            StepError::Closed { .. } => {
                format!("build on the file before the beacon, or go on with `cargo xtask ptau prepare {input} prepared.ptau`")
            }
            StepError::NobodyContributed => format!("run `cargo xtask ptau contribute {input} OUT --name NAME` first"),
            StepError::TruncatedCeremony { .. } => "take the ceremony's whole file, which the coordinator publishes".into(),
            StepError::Challenge { .. } | StepError::OtherChallenge { .. } => {
                "the file was altered or belongs to another step: fetch it again from the coordinator".into()
            }
            StepError::NoDomain => "take a ceremony of at most power 27, or its prepared file as published".into(),
            _ => "nothing was written: see to the cause and run the same command again".into(),
        };
        let blame = if error.is_environment() { Blame::Environment } else { Blame::Artefact };
        Self { blame, message: format!("{input}: {error}"), hint: Some(hint) }
    }

    /// A file that was not verified.
    pub(crate) fn verify(path: &Path, error: &VerifyError) -> Self {
        let hint = match error {
            VerifyError::Format(error) => format_hint(error),
            VerifyError::Failed(failure) => check_hint(failure.check),
            VerifyError::Changed { .. } => {
                "copy the file to a folder that nobody else writes to, and verify the copy".into()
            }
            _ => "run the same command again".into(),
        };
        let blame = if error.is_environment() { Blame::Environment } else { Blame::Artefact };
        Self { blame, message: format!("{}: {error}", path.display()), hint: Some(hint) }
    }
}

fn format_hint(error: &FormatError) -> String {
    match error {
        FormatError::Io(_) | FormatError::OsRandom(_) => "run the same command again",
        FormatError::Magic { .. } => "name the right file: `cargo xtask ptau --help` says which kind each command reads",
        FormatError::Truncated { .. } | FormatError::SectionPastEnd { .. } => {
            "the download is incomplete: fetch the file again and compare its digest"
        }
        _ => "the file is damaged or was made by a faulty tool: fetch it again and compare its digest",
    }
    .into()
}

fn check_hint(check: Check) -> String {
    match check {
        Check::MinimumContributions => "collect the missing contributions with `cargo xtask ptau contribute IN OUT --name NAME`",
        Check::Digest => "compare with the digest that the ceremony's organisers publish, and give it with --digest",
        Check::Continuity => "find out from the coordinator which of the two files is the ceremony's, and keep both as evidence",
        _ => "do not build on this file: keep it as evidence, and go on from the last good one",
    }
    .into()
}
