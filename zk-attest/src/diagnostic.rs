//! One kind of error for people and programs: what is wrong and where, what was found and expected,
//! and what to do.
//!
//! Each crate has its own error enums. Each converts into a [`Diagnostic`]; only binaries render
//! one. The exit status of a command follows [`Diagnostic::blame`] and nothing else.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Blame {
    /// A file, a signature or a document: exit status 1.
    Artefact,
    /// The call, the machine or the network: exit status 2.
    Environment,
}

impl Blame {
    /// The exit status of a command that fails for this reason: 1 or 2.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Artefact => 1,
            Self::Environment => 2,
        }
    }
}

/// See the module's documentation.
///
/// ```
/// use zk_attest::diagnostic::Diagnostic;
///
/// let diagnostic = Diagnostic::artefact("digest", "this is not the attested file")
///     .at("0007.ptau")
///     .found("3f9a")
///     .expected("b712")
///     .hint("fetch it again");
/// assert_eq!(
///     diagnostic.to_string(),
///     "0007.ptau: this is not the attested file\n  found     3f9a\n  expected  b712"
/// );
/// ```
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// A stable name for programs.
    pub code: String,
    /// The file, option or step that it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub place: Option<String>,
    /// What is wrong.
    pub what: String,
    /// As it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub found: Option<String>,
    /// As it should be.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expected: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
    /// What is at fault.
    pub blame: Blame,
}

impl Diagnostic {
    /// Something given is at fault.
    pub fn artefact(code: impl Into<String>, what: impl fmt::Display) -> Self {
        Self::new(Blame::Artefact, code, what)
    }

    /// The call or its environment is at fault.
    pub fn environment(code: impl Into<String>, what: impl fmt::Display) -> Self {
        Self::new(Blame::Environment, code, what)
    }

    /// With nothing but its first line.
    pub fn new(blame: Blame, code: impl Into<String>, what: impl fmt::Display) -> Self {
        Self {
            code: code.into(),
            place: None,
            what: what.to_string(),
            found: None,
            expected: None,
            hint: None,
            blame,
        }
    }

    /// Names the place.
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = Some(place.to_string());
        self
    }

    /// Says what was found.
    pub fn found(mut self, found: impl fmt::Display) -> Self {
        self.found = Some(found.to_string());
        self
    }

    /// Says what was expected.
    pub fn expected(mut self, expected: impl fmt::Display) -> Self {
        self.expected = Some(expected.to_string());
        self
    }

    /// Says what to do.
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}

/// Everything but the hint.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.what)?;
        let parts = [("found     ", &self.found), ("expected  ", &self.expected)];
        for (label, part) in parts {
            if let Some(part) = part {
                write!(f, "\n  {label}{part}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}
