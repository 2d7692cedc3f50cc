//! What the user reads when something is wrong: the parts that the libraries give, with the command
//! that helps.

use std::io;
use std::path::Path;

use ceremony_core::format::FormatError;
use ceremony_core::keygen::{ExportError, KeygenError, SelfTestError};
use ceremony_core::phase1::contribute::StepError;
use ceremony_core::phase1::verify::{Check, VerifyError};
use ceremony_core::phase2::contribute::ContributeError;
use ceremony_core::phase2::initial_key::SetupError;
use ceremony_core::phase2::verify::{
    Check as KeyCheck, Failure, Report, VerifyError as KeyVerifyError,
};
use ceremony_folder::{explained, hints};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::{Blame, Diagnostic};
use zk_attest::error::{Code, Refusal, is_plain};

/// As a person reads it: `error:` then, where there is something to do, `hint:`.
pub(crate) fn render(error: &Diagnostic) -> String {
    let hint = error.hint.as_ref().map_or_else(String::new, |hint| format!("\nhint: {hint}"));
    for_terminal(&format!("error: {error}{hint}"))
}

/// Without what a terminal obeys, whoever wrote it: a name of a file may be part of it.
pub(crate) fn for_terminal(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        if is_plain(c) || matches!(c, '\n' | '\t') {
            shown.push(c);
        } else {
            shown.extend(c.escape_unicode());
        }
    }
    shown
}

/// The system could not read or write.
pub(crate) fn io(path: &Path, doing: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::environment("io", format_args!("{doing} failed: {error}")).at(path.display())
}

/// The operating system gives no randomness.
pub(crate) fn no_randomness(error: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::environment(
        "randomness",
        format_args!("the operating system gives no randomness: {error}"),
    )
}

/// What the documents' own checks refuse, which brings its own hint.
pub(crate) fn refusal(path: &Path, refusal: &Refusal) -> Diagnostic {
    let mut parts = Diagnostic::from(refusal);
    if let Some(hint) = hint_for_the_file(path, refusal) {
        parts.hint = Some(hint);
    }
    if refusal.place().and_then(|place| place.file()).is_some() {
        return parts;
    }
    // The place inside the file, if any, comes after the file.
    let inside = refusal.place().map_or_else(String::new, |place| format!(": {place}"));
    parts.at(format_args!("{}{inside}", path.display()))
}

/// The usual hints speak of the files of a guarded crate. Here the file has a name of its own.
fn hint_for_the_file(path: &Path, refusal: &Refusal) -> Option<String> {
    let file = path.display();
    match refusal.code() {
        _ if !refusal.has_usual_hint() => None,
        Code::Malformed | Code::NotCanonical | Code::SubjectMismatch => {
            Some("name the right file, or fetch it again".into())
        }
        Code::PolicyUnsound => Some(format!("correct it, then run `{PROGRAM} policy pin {file}`")),
        Code::ThresholdNotMet
        | Code::KindNotAllowed
        | Code::WrongCircuit
        | Code::TooFewContributions => Some(format!(
            "run `{PROGRAM} bundle inspect {file} --policy POLICY`, and ask the release authority \
             for an approved bundle"
        )),
        Code::PayloadType | Code::PredicateType => {
            Some("name the right file: this one signs something else".into())
        }
        _ => None,
    }
}

/// A value on the command line that is refused.
pub(crate) fn argument(option: &str, refusal: &Refusal) -> Diagnostic {
    Diagnostic { blame: Blame::Environment, hint: None, ..Diagnostic::from(refusal) }.at(option)
}

/// A bundle that does not satisfy the policy it is held against.
pub(crate) fn not_approved(path: &Path, reason: Option<String>) -> Diagnostic {
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    Diagnostic::artefact("not-approved", format_args!("not approved under the policy{reason}"))
        .at(path.display())
}

/// A file that could not be opened as what it should be.
pub(crate) fn format(path: &Path, error: &FormatError) -> Diagnostic {
    explained(error).at(path.display()).hint(hints::for_format(error))
}

fn check_hint(check: Check) -> String {
    match check {
        Check::MinimumContributions => format!(
            "collect the missing contributions with `{PROGRAM} ptau contribute IN OUT --name \
             NAME`; to a closed chain nothing can be added: contribute to the last file from \
             before its beacon, and close that one"
        ),
        Check::Digest => "compare with the digest that the ceremony's organisers publish, and \
                          give that one"
            .into(),
        Check::Continuity => "find out from the coordinator which of the two files is the \
                              ceremony's, and keep both as evidence"
            .into(),
        _ => "do not build on this file: keep it as evidence, and continue from the last file \
              that verified"
            .into(),
    }
}

/// A step of phase 1 that made no file. `path` is its input.
pub(crate) fn step(path: &Path, error: &StepError) -> Diagnostic {
    let input = path.display();
    let hint = match error {
        StepError::Format(error) => hints::for_format(error),
        StepError::Check(failure) => check_hint(failure.check),
        StepError::Closed { .. } => format!(
            "contribute to the last file from before the beacon, or continue with `{PROGRAM} ptau \
             prepare {input} prepared.ptau`"
        ),
        StepError::NobodyContributed => {
            format!("run `{PROGRAM} ptau contribute {input} OUT --name NAME` first")
        }
        StepError::TruncatedCeremony { .. } => {
            "take the ceremony's whole file, which the coordinator publishes".into()
        }
        StepError::Challenge { .. } | StepError::OtherChallenge { .. } => {
            "the file was altered or belongs to another step: fetch it again from the coordinator"
                .into()
        }
        StepError::NoDomain => {
            "ask for levels up to 27 with --levels, or download the published prepared file".into()
        }
        StepError::TooManyParts { .. } => "ask for fewer parts, or for larger levels".into(),
        StepError::Levels { expected, .. } => {
            format!("ask for levels of at most {expected}, or take a file of a larger power")
        }
        _ => "nothing was written: fix the cause and retry".into(),
    };
    explained(error).at(input).hint(hint)
}

/// A `.ptau` that did not verify.
pub(crate) fn verify(path: &Path, error: &VerifyError) -> Diagnostic {
    let hint = match error {
        VerifyError::Format(error) => hints::for_format(error),
        VerifyError::Failed(failure) => check_hint(failure.check),
        VerifyError::Changed { .. } => {
            "copy the file to a folder that nothing else writes to, and verify the copy".into()
        }
        _ => "run the same command again".into(),
    };
    explained(error).at(path.display()).hint(hint)
}

/// An initial key that was not made. The paths are those of circuit, powers of tau and key.
pub(crate) fn setup(r1cs: &Path, ptau: &Path, out: &Path, error: &SetupError) -> Diagnostic {
    let (path, hint) = match error {
        SetupError::Ptau(error) => (ptau, hints::for_format(error)),
        SetupError::R1cs(error) => (r1cs, hints::for_format(error)),
        SetupError::NotPrepared => {
            (ptau, format!("run `{PROGRAM} ptau prepare IN OUT` and give its output"))
        }
        SetupError::NotThisLevel { .. } => (
            ptau,
            format!(
                "run `{PROGRAM} ptau prepare IN OUT --levels {}` and give its output",
                r1cs.display()
            ),
        ),
        SetupError::Prepare(error) => return step(ptau, error),
        SetupError::PtauTooSmall { .. } => {
            (ptau, "take a ceremony of the expected power or more".into())
        }
        SetupError::NoContribution { .. } => (
            ptau,
            format!("collect contributions with `{PROGRAM} ptau contribute`, then prepare again"),
        ),
        SetupError::Phase1(failure) => (ptau, check_hint(failure.check)),
        SetupError::SectionOrder { .. } => (
            ptau,
            "take a .ptau whose sections are in ascending order, or one of a larger power".into(),
        ),
        SetupError::Key(_) | SetupError::OsRandom(_) => {
            (out, "nothing was written: fix the cause and retry".into())
        }
        _ => (r1cs, "give a smaller circuit: a key counts its terms in 32 bits".into()),
    };
    explained(error).at(path.display()).hint(hint)
}

/// A step of phase 2 that made no key. `path` is its input.
pub(crate) fn contribute_key(path: &Path, error: &ContributeError) -> Diagnostic {
    let hint = match error {
        ContributeError::Input(error) => hints::for_format(error),
        ContributeError::Closed { .. } => "build on the key before the beacon".into(),
        _ => "nothing was written: fix the cause and retry".into(),
    };
    explained(error).at(path.display()).hint(hint)
}

/// What to do about a key that was read and refused: by the first check that it fails, since what
/// comes after may follow from it.
fn refused_key_hint(report: &Report) -> String {
    match report.failed().first() {
        Some(KeyCheck::InitialKey) => {
            "give the circuit and the .ptau that the key was made from".into()
        }
        Some(KeyCheck::Contributions) => format!(
            "a key needs its contributions, and nothing after its beacon: collect them with \
             `{PROGRAM} zkey contribute IN OUT --name NAME`, from the last key that has no beacon"
        ),
        Some(KeyCheck::Continuity) => "find out from the coordinator which of the two keys is the \
                                       ceremony's, and keep both as evidence"
            .into(),
        Some(KeyCheck::Transcript)
            if report.failures().all(|(_, failure)| {
                matches!(failure, Failure::InitialKeyHash { .. } | Failure::Section { .. })
            }) =>
        {
            "give the circuit and the .ptau that the key was made from; if you did, do not build \
             on this key, and keep it as evidence"
                .into()
        }
        _ => "do not build on this key: keep it as evidence, and continue from the last file \
              that verified"
            .into(),
    }
}

/// A key that did not verify.
pub(crate) fn verify_key(path: &Path, error: &KeyVerifyError) -> Diagnostic {
    let hint = match error {
        KeyVerifyError::Key(error) => hints::for_format(error),
        KeyVerifyError::Earlier(_) => {
            "the earlier key cannot be used: verify from circuit and .ptau instead".into()
        }
        KeyVerifyError::Setup(SetupError::Ptau(error) | SetupError::R1cs(error)) => {
            hints::for_format(error)
        }
        KeyVerifyError::Setup(SetupError::NotPrepared) => {
            format!("give the prepared .ptau, see `{PROGRAM} ptau prepare --help`")
        }
        KeyVerifyError::Setup(SetupError::NotThisLevel { .. }) => {
            format!("prepare it for the circuit, see `{PROGRAM} ptau prepare --help`")
        }
        KeyVerifyError::Setup(SetupError::Phase1(failure)) => check_hint(failure.check),
        KeyVerifyError::Setup(_) | KeyVerifyError::Header(_) => {
            "give the circuit and the .ptau that the key was made from".into()
        }
        KeyVerifyError::Changed { .. } => {
            "copy the files to a folder that nothing else writes to, and verify the copies".into()
        }
        KeyVerifyError::Refused(report) => refused_key_hint(report),
        _ => "run the same command again".to_owned(),
    };
    explained(error).at(path.display()).hint(hint)
}

/// A key that cannot be exported.
pub(crate) fn keygen(path: &Path, error: &KeygenError) -> Diagnostic {
    let error = explained(error).at(path.display());
    if error.blame == Blame::Environment {
        return error;
    }
    error.hint(format_args!("export only a key that `{PROGRAM} zkey verify` calls good"))
}

/// The same, of one that goes from a `.zkey` to another file piece by piece.
pub(crate) fn export(key: &Path, out: &Path, error: &ExportError) -> Diagnostic {
    match error {
        ExportError::Keygen(error @ (KeygenError::Output(_) | KeygenError::Scratch(_))) => {
            keygen(out, error)
        }
        ExportError::Keygen(error) => keygen(key, error),
        ExportError::SelfTest(error) => self_test(key, error),
        _ => explained(error).at(key.display()),
    }
}

/// A key that does not make proofs that it accepts.
pub(crate) fn self_test(path: &Path, error: &SelfTestError) -> Diagnostic {
    explained(error)
        .at(path.display())
        .hint(format_args!("do not use this key: verify it with `{PROGRAM} zkey verify`"))
}
