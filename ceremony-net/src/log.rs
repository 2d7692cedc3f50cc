//! Failures as the log has them: every part of what is known of one is a field of its own.

use zk_attest::diagnostic::Diagnostic;

/// Logs a failure. `doing` begins the line, and says what failed; it may be empty.
pub fn failure(doing: &str, error: &Diagnostic) {
    tracing::error!(
        code = error.code.as_str(),
        place = error.place.as_deref(),
        found = error.found.as_deref(),
        expected = error.expected.as_deref(),
        hint = error.hint.as_deref(),
        "{doing}{}",
        error.what
    );
}
