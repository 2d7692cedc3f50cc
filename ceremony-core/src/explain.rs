//! The parts of an error message, for programs that display it.
//!
//! Every error of this crate is a type with typed fields. [`Explain`] gives the parts of its
//! message separately, so that no caller has to take a message apart again. This crate knows
//! nothing about commands, so the advice on what to do next is the caller's.
//!
//! `Display` of an error is one line, and it is the same as `Display` of its [`Finding`]:
//! `what: found X, expected Y`.

use std::fmt;

/// The parts of an error message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A stable name, `operation/variant` in kebab case: `ptau-verify/changed`.
    pub code: &'static str,
    /// What is wrong, with its place inside the file where there is one. One line.
    pub what: String,
    /// The value that was found.
    pub found: Option<String>,
    /// The value that was expected.
    pub expected: Option<String>,
    /// Whether the environment failed (I/O, randomness) rather than the artefact.
    pub is_environment: bool,
}

/// An error that can be displayed in parts.
pub trait Explain: std::error::Error {
    /// The parts.
    fn explain(&self) -> Finding;
}

impl Finding {
    /// A finding whose message is all there is to say.
    pub(crate) fn new(code: &'static str, error: &impl fmt::Display) -> Self {
        let what = error.to_string();
        Self { code, what, found: None, expected: None, is_environment: false }
    }

    /// A finding in the artefact, with both values. `error` displays them at its end.
    pub(crate) fn compared(
        code: &'static str,
        error: &impl fmt::Display,
        found: impl fmt::Display,
        expected: impl fmt::Display,
    ) -> Self {
        let mut finding = Self::new(code, error);
        let (found, expected) = (found.to_string(), expected.to_string());
        let tail = format!(": found {found}, expected {expected}");
        debug_assert!(finding.what.ends_with(&tail), "{} does not end in {tail}", finding.what);
        finding.what.truncate(finding.what.len().saturating_sub(tail.len()));
        finding.found = Some(found);
        finding.expected = Some(expected);
        finding
    }

    /// A failure of the environment.
    pub(crate) fn environment(code: &'static str, error: &impl fmt::Display) -> Self {
        Self { is_environment: true, ..Self::new(code, error) }
    }

    /// The same finding, said to be inside of something.
    pub(crate) fn inside(self, place: impl fmt::Display) -> Self {
        Self { what: format!("{place}: {}", self.what), ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match (&self.found, &self.expected) {
            (Some(found), Some(expected)) => write!(f, ": found {found}, expected {expected}"),
            (Some(found), None) => write!(f, ": found {found}"),
            (None, Some(expected)) => write!(f, ": expected {expected}"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::BeaconError;
    use crate::format::encoding::PointDefect;
    use crate::format::ptau::{Levels, Power};
    use crate::format::r1cs::Matrix;
    use crate::format::{FormatError, RecordDefect, TermDefect};
    use crate::hash::FileSha256;
    use crate::keygen::KeygenError;
    use crate::phase1::contribute::StepError;
    use crate::phase1::parts::PlanError;
    use crate::phase1::prepare::{CombinePartsError, ImportError};
    use crate::phase1::verify::{Check, Failure, VerifyError};
    use crate::phase2::initial_key::SetupError;

    /// What `error` says, after checking that its one line is its parts in a row.
    fn parts(error: &impl Explain) -> (&'static str, String, Option<String>, Option<String>, bool) {
        let finding = error.explain();
        assert_eq!(finding.to_string(), error.to_string());
        assert!(!error.to_string().contains('\n'));
        (finding.code, finding.what, finding.found, finding.expected, finding.is_environment)
    }

    fn both(found: &str, expected: &str) -> (Option<String>, Option<String>) {
        (Some(found.into()), Some(expected.into()))
    }

    #[test]
    fn errors_about_levels_end_in_what_was_found_and_expected() {
        let (levels, power) = (Levels::new(2, 9).unwrap(), Power::new(4).unwrap());
        let differs = CombinePartsError::Differs {
            index: 1,
            what: "their levels",
            found: levels.to_string(),
            expected: power.to_string(),
        };
        let (found, expected) = (FileSha256([1; 32]), FileSha256([2; 32]));
        let errors: [&dyn Explain; 10] = [
            &StepError::Levels { found: levels, expected: power },
            &StepError::OtherOutput,
            &StepError::NoDomain,
            &SetupError::NotThisLevel { found: levels, expected: power },
            &StepError::TooManyParts { found: 8, level: 2 },
            &differs,
            &CombinePartsError::OtherInput { found, expected },
            &ImportError::NotPrepared,
            &ImportError::OtherPower { found: power, expected: power },
            &PlanError::SomeLevels(levels),
        ];
        for error in errors {
            let finding = error.explain();
            assert!(finding.found.is_some() && finding.expected.is_some(), "{finding}");
        }
    }

    #[test]
    fn an_error_gives_what_found_and_expected_separately() {
        let record = |defect| FormatError::Record { index: 2, defect };
        let (found, expected) = both("9", "10 to 30 (2^exponent hash iterations)");
        assert_eq!(
            parts(&SetupError::Ptau(record(RecordDefect::Beacon(BeaconError::Exponent(9))))),
            (
                "beacon/exponent",
                "the powers of tau (.ptau): contribution 2: beacon exponent out of range".into(),
                found,
                expected,
                false
            )
        );
        let (found, expected) = both("7", "less than 5");
        assert_eq!(
            parts(&FormatError::Term {
                constraint: 3,
                matrix: Matrix::B,
                defect: TermDefect::Wire { found: 7, wires: 5 }
            }),
            (
                "term/wire",
                "constraint 3, B: wire index out of range".into(),
                found,
                expected,
                false
            )
        );
        let (found, expected) = both("[1, 3]", "all of them or none");
        assert_eq!(
            parts(&FormatError::PartlyPrepared { found: vec![1, 3] }),
            (
                "format/partly-prepared",
                "sections 12 to 15 belong together".into(),
                found,
                expected,
                false
            )
        );
        let (found, expected) = both("2^28 points", "at most 2^27");
        assert_eq!(
            parts(&KeygenError::DomainTooLarge { found: 28 }),
            (
                "keygen/domain-too-large",
                "the circuit's domain is too large for the conversion of H".into(),
                found,
                expected,
                false
            )
        );
    }

    #[test]
    fn a_failed_check_names_the_place_the_reason_and_its_number() {
        let failure = Failure {
            check: Check::TauRatio,
            place: "contribution 1".into(),
            reason: "tau differs",
            found: "a".into(),
            expected: "b".into(),
        };
        let (found, expected) = both("a", "b");
        assert_eq!(
            parts(&StepError::Check(Box::new(failure.clone()))),
            (
                "ptau-verify/tau-ratio",
                "contribution 1: tau differs (phase 1, check 2)".into(),
                found,
                expected,
                false
            )
        );
        assert_eq!(
            parts(&VerifyError::Failed(Box::new(failure.clone()))).0,
            failure.explain().code
        );
    }

    #[test]
    fn a_reading_that_failed_is_the_environments_at_any_depth() {
        let denied = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        for finding in [
            FormatError::Io(denied()).explain(),
            SetupError::R1cs(denied().into()).explain(),
            VerifyError::Format(denied().into()).explain(),
            StepError::Write(denied()).explain(),
        ] {
            assert!(finding.is_environment, "{finding}");
        }
        let point = FormatError::Point {
            section: 2,
            name: "tauG1",
            index: 0,
            defect: PointDefect::Infinity,
        };
        assert!(!point.explain().is_environment);
    }
}
