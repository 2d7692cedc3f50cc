//! What is wrong with a package's guard, and how to fix it.

use std::fmt::Display;

use serde::Serialize;
use zk_attest::error::Refusal;

/// Whether a finding makes a package count as not well wired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// It does.
    Error,
    /// Nobody can say until a person has looked. It counts as an error.
    Unjudged,
    /// It does not, and a release engineer should know of it.
    Warning,
}

impl Level {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Unjudged => "unjudged",
            Self::Warning => "warning",
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// A stable name: the guard's own code where it is the guard that refuses.
    pub(super) code: &'static str,
    pub(super) what: String,
    pub(super) hint: String,
}

impl Finding {
    pub(super) fn error(
        code: &'static str,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { level: Level::Error, code, what: what.into(), hint: hint.into() }
    }

    /// What is on no list of known forms, at this place.
    pub(super) fn unjudged(
        code: &'static str,
        place: impl Display,
        what: impl Display,
        hint: impl Into<String>,
    ) -> Self {
        let what = format!("cannot be judged: {place}: {what}");
        Self { level: Level::Unjudged, ..Self::error(code, what, hint) }
    }

    pub(super) fn warning(
        code: &'static str,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { level: Level::Warning, ..Self::error(code, what, hint) }
    }

    /// What the build would refuse, on one line.
    pub(super) fn refusal(level: Level, refusal: &Refusal) -> Self {
        let place = refusal.place().map(|place| format!("{place}: ")).unwrap_or_default();
        let mut what = place + refusal.what();
        for (word, part) in [("found", refusal.found_text()), ("expected", refusal.expected_text())]
        {
            what.extend(part.map(|part| format!(", {word} {part}")));
        }
        Self { level, code: refusal.code().as_str(), what, hint: refusal.hint_text().to_owned() }
    }
}
