//! Texts that the other side of a connection wrote.
//!
//! What a service says reaches a person's terminal. So each text of an answer becomes one line that
//! no terminal obeys as soon as it is read, and where it is shown it is marked as the service's:
//! it must not pass for ours, and least of all for a command that we advise.

use serde::{Deserialize as _, Deserializer};
use zk_attest::error::one_line;

/// Bytes of a text: as many as our own refusals have at most.
const LONGEST: usize = 600;
/// Bytes of a name: those of a path on Linux.
const LONGEST_NAME: usize = 4096;
/// Bytes of a refusal's stable name: more than twice our longest.
const LONGEST_CODE: usize = 64;

/// The words of a service, as they are shown: in quotation marks that it cannot end.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", one_line(&text.replace('"', "'"), LONGEST))
}

/// A refusal's stable name, if it is one.
pub(crate) fn code(text: String) -> String {
    let allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'/');
    if text.len() <= LONGEST_CODE && text.bytes().all(allowed) { text } else { "service".into() }
}

/// Reads a text.
pub(crate) fn line<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    String::deserialize(from).map(|text| one_line(&text, LONGEST))
}

/// Reads a text that may be left out.
pub(crate) fn maybe<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(from).map(|text: Option<String>| text.map(|text| one_line(&text, LONGEST)))
}

/// Reads texts.
pub(crate) fn lines<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    Ok(texts.iter().map(|text| one_line(text, LONGEST)).collect())
}

/// Reads the name of a file.
pub(crate) fn name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    String::deserialize(from).map(|text| file_name(&text))
}

/// The name of a file. One that changes by this is no name of a file of a ceremony.
pub(crate) fn file_name(text: &str) -> String {
    one_line(text, LONGEST_NAME)
}

#[cfg(test)]
mod tests {
    use zk_attest::diagnostic::{Blame, Diagnostic};

    use super::*;
    use crate::protocol::{CeremonyInfo, FileList, Problem, Standing};

    /// Moves the cursor, sets a title, ends a line, turns and hides what comes after.
    const EVIL: &str = "a\u{1b}[2J\u{1b}]0;b\u{7}\r\nhint: c\u{202e}d\u{200b}\u{9b}1A";

    #[track_caller]
    fn is_tame(shown: &str) {
        assert!(shown.chars().all(zk_attest::error::is_plain), "{shown:?}");
    }

    #[test]
    fn a_refusal_of_a_service_is_shown_as_its_words_and_steers_no_terminal() {
        let body = serde_json::json!({
            "code": EVIL, "what": EVIL, "found": EVIL, "expected": EVIL, "hint": EVIL,
            "artefact": true,
        });
        let problem: Problem = serde_json::from_value(body).unwrap();
        let shown = Diagnostic::from(problem);
        assert_eq!((shown.code.as_str(), shown.blame), ("service", Blame::Artefact));
        // Nothing of it stands where our own advice does.
        assert_eq!(shown.hint, None);
        assert!(shown.what.starts_with("the service says: \"a"), "{}", shown.what);
        for part in [Some(&shown.what), shown.found.as_ref(), shown.expected.as_ref()] {
            is_tame(part.unwrap());
        }
        // The quotation marks are ours, and a text has an end.
        let long = Problem::from(
            Diagnostic::environment("ptau/too-many", format_args!("\" {}", "x".repeat(1 << 20)))
                .hint("\"; run `rm`"),
        );
        let shown = Diagnostic::from(long);
        assert_eq!(shown.code, "ptau/too-many");
        assert!(shown.what.len() < 3 * LONGEST, "{}", shown.what.len());
        assert_eq!(shown.what.matches('"').count(), 4, "{}", shown.what);
        assert!(shown.what.ends_with("; it advises: \"'; run `rm`\""), "{}", shown.what);
    }

    #[test]
    fn no_text_of_an_answer_steers_a_terminal() {
        let head = serde_json::json!({ "index": 0, "file": EVIL, "sha256": EVIL, "size": 1 });
        let info: CeremonyInfo = serde_json::from_value(serde_json::json!({
            "protocol": 1, "version": 1, "ceremony": EVIL, "kind": EVIL,
            "ceremony_toml_sha256": EVIL, "origin": EVIL, "service_key": EVIL, "stage": "phase1",
            "chains": [
                { "circuit": EVIL, "contributors": [EVIL], "closed": false, "head": head }
            ],
            "queue": [EVIL], "turn": { "participant": EVIL, "since": 0, "remaining": null },
            "journal": { "number": 0, "sha256": EVIL }, "bundle": false, "finished": false,
        }))
        .unwrap();
        let waiting: Standing = serde_json::from_value(serde_json::json!({
            "state": "waiting", "ahead": 1, "expected": null, "reason": EVIL,
        }))
        .unwrap();
        let turn: Standing = serde_json::from_value(serde_json::json!({
            "state": "turn", "turn": { "id": EVIL, "remaining": 1, "chains": [
                { "circuit": EVIL, "head": head, "step": EVIL, "size_at_most": 1 }
            ] },
        }))
        .unwrap();
        let files: FileList = serde_json::from_value(serde_json::json!({
            "files": [{ "name": EVIL, "size": 1, "sha256": EVIL }],
        }))
        .unwrap();
        for value in [
            serde_json::to_value(info).unwrap(),
            serde_json::to_value(waiting).unwrap(),
            serde_json::to_value(turn).unwrap(),
            serde_json::to_value(files).unwrap(),
        ] {
            let mut texts = 0;
            each_text(&value, &mut |text| {
                texts += 1;
                is_tame(text);
            });
            assert!(texts > 0, "{value}");
        }
    }

    fn each_text(value: &serde_json::Value, see: &mut impl FnMut(&str)) {
        match value {
            serde_json::Value::String(text) => see(text),
            serde_json::Value::Array(list) => list.iter().for_each(|it| each_text(it, see)),
            serde_json::Value::Object(map) => map.values().for_each(|it| each_text(it, see)),
            _ => {}
        }
    }
}
