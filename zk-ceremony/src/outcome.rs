//! What a command made, told once: as lines for people, or with `--json` as one document.
//!
//! ```json
//! {
//!   "result": "done",
//!   "made": [{ "file": "0001.zkey", "what": "contribution 1 added", "contribution_hash": "..." }],
//!   "notes": ["Next: ..."]
//! }
//! ```
//!
//! What was only looked at is in `found`, in the same form. Values that a command is run for, such
//! as the public key of `key new`, are fields beside these. Where nothing was made, found or noted,
//! the field is left out.

use std::fmt::{self, Display};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use serde_json::{Map, Value};
use zk_attest::diagnostic::Diagnostic;

use crate::show;

/// How results are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    /// Lines on stdout.
    Lines,
    /// One document on stdout.
    Json,
    /// Only what the command was run for.
    Quiet,
}

static VOICE: AtomicU8 = AtomicU8::new(Voice::Lines as u8);

/// What there is to tell, until the end. In the order in which it came.
#[derive(Debug, Default)]
struct Told {
    values: Map<String, Value>,
    made: Vec<Value>,
    found: Vec<Value>,
    notes: Vec<String>,
}

static TOLD: Mutex<Option<Told>> = Mutex::new(None);

/// Whether stderr has errors, questions and nothing else.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Says how results are told, before the command runs.
pub(crate) fn begin(as_json: bool, quiet: bool) {
    let voice = match (as_json, quiet) {
        (true, _) => Voice::Json,
        (false, true) => Voice::Quiet,
        (false, false) => Voice::Lines,
    };
    VOICE.store(voice as u8, Ordering::Relaxed);
    QUIET.store(quiet, Ordering::Relaxed);
}

fn is(voice: Voice) -> bool {
    VOICE.load(Ordering::Relaxed) == voice as u8
}

/// Whether stderr is for errors and questions only.
pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

fn keep(change: impl FnOnce(&mut Told)) {
    // A panic elsewhere ends the process: what is kept is whole.
    let mut told = TOLD.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    change(told.get_or_insert_default());
}

/// A file that was made or looked at, or another thing that has a name, and its lines.
pub(crate) struct Made {
    fields: Map<String, Value>,
    is_new: bool,
}

/// Tells of a file that was made.
pub(crate) fn made(path: &Path, what: impl Display) -> Made {
    let mut made = found(path, what);
    made.is_new = true;
    made
}

/// Tells of something that was looked at, in the same form. In the document it is in `found`.
pub(crate) fn found(path: &Path, what: impl Display) -> Made {
    let file = path.display();
    if is(Voice::Lines) {
        println!("{file}: {what}");
    }
    let fields = [("file", file.to_string()), ("what", what.to_string())];
    let fields = fields.map(|(name, text)| (name.to_owned(), Value::String(text)));
    Made { fields: fields.into_iter().collect(), is_new: false }
}

/// The same, where only the document tells of it: people see it in another way.
pub(crate) fn record(path: &Path, what: impl Display) {
    if is(Voice::Json) {
        made(path, what);
    }
}

impl Made {
    /// Adds a line, such as "sha256".
    pub(crate) fn line(self, label: &str, value: impl Display) -> Self {
        if is(Voice::Lines) {
            println!("  {label:<18} {value}");
        }
        self.field(label, value)
    }

    /// Adds lines below one label; in the document, a list.
    pub(crate) fn lines(mut self, label: &str, values: &[String]) -> Self {
        if is(Voice::Lines) {
            let labels = std::iter::once(label).chain(std::iter::repeat(""));
            labels.zip(values).for_each(|(label, value)| println!("  {label:<18} {value}"));
        }
        self.fields.insert(field_name(label), values.into());
        self
    }

    /// Adds a hash of 64 bytes that people compare by eye. In the document it is in one piece, and
    /// what stands in parentheses after its label is left out.
    pub(crate) fn hash(self, label: &str, hash: impl Display) -> Self {
        if is(Voice::Lines) {
            println!("  {label}\n{}", show::hex_groups(&hash));
        }
        self.field(label, hash)
    }

    fn field(mut self, label: &str, value: impl Display) -> Self {
        self.fields.insert(field_name(label), Value::String(value.to_string()));
        self
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if is(Voice::Json) {
            let fields = Value::Object(std::mem::take(&mut self.fields));
            keep(|told| {
                let list = if self.is_new { &mut told.made } else { &mut told.found };
                list.push(fields);
            });
        }
    }
}

/// "contribution hash (publish it)" is `contribution_hash`.
fn field_name(label: &str) -> String {
    let name = label.split(" (").next().unwrap_or(label);
    name.replace([' ', '-', '.'], "_")
}

/// Tells a value that the command was run for. It alone is printed, also with `--quiet`.
pub(crate) fn value(name: &str, value: impl Display) {
    if is(Voice::Json) {
        keep(|told| {
            told.values.insert(name.to_owned(), Value::String(value.to_string()));
        });
    } else {
        println!("{value}");
    }
}

/// Tells a line, see [`note!`].
pub(crate) fn tell(line: fmt::Arguments<'_>) {
    if is(Voice::Lines) {
        println!("{line}");
    } else if is(Voice::Json) {
        keep(|told| told.notes.push(line.to_string()));
    }
}

/// Tells a line that is worth knowing but not what the command is run for, on stdout.
macro_rules! note {
    ($($line:tt)*) => { $crate::outcome::tell(format_args!($($line)*)) };
}
pub(crate) use note;

/// What was made until now, for the document of a failure.
pub(crate) fn made_so_far() -> Vec<Value> {
    let mut made = Vec::new();
    keep(|told| made.extend(told.made.iter().cloned()));
    made
}

/// Prints the document, unless the command printed one of its own.
pub(crate) fn end() -> Result<(), Diagnostic> {
    if !is(Voice::Json) || show::has_printed_json() {
        return Ok(());
    }
    let mut document = Map::from_iter([("result".to_owned(), Value::from("done"))]);
    keep(|told| {
        document.append(&mut told.values);
        for (name, list) in [("made", &mut told.made), ("found", &mut told.found)] {
            if !list.is_empty() {
                document.insert(name.into(), std::mem::take(list).into());
            }
        }
        if !told.notes.is_empty() {
            document.insert("notes".into(), std::mem::take(&mut told.notes).into());
        }
    });
    show::json(&document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_makes_the_name_of_a_field() {
        assert_eq!(field_name("contribution hash (publish it)"), "contribution_hash");
        assert_eq!(field_name("self-test"), "self_test");
        assert_eq!(field_name("ceremony.toml"), "ceremony_toml");
    }
}
