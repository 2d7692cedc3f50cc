//! What an error says, in parts, for programs that show it.
//!
//! Each error of this crate is an enum with typed fields. [`Explain`] gives the parts of its message
//! separately, so that no caller takes a message apart again. The crate knows nothing of commands, so
//! what to do next is for the caller to say.

/// The parts of an error's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A stable name, `operation/variant` in kebab case: `ptau-verify/challenge`.
    pub code: &'static str,
    /// What is wrong, with the place inside the file where there is one. One line.
    pub what: String,
    /// As it is.
    pub found: Option<String>,
    /// As it should be.
    pub expected: Option<String>,
    /// Whether the environment failed (reading, randomness) and not the artefact.
    pub is_environment: bool,
}

/// An error that can be shown in parts.
pub trait Explain: std::error::Error {
    /// The parts.
    fn explain(&self) -> Finding;
}
