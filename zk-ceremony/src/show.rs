//! How results are printed, and what several commands read from their arguments.

use std::fmt::Display;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use ceremony_core::entropy::Beacon;
use ceremony_core::format::record::{ContributionKind, ContributorName};
use ceremony_core::hash::FileBlake2b;
use ceremony_core::limits::MAX_NAME_UTF16;
use serde::Serialize;
use zk_attest::diagnostic::{Blame, Diagnostic};

use crate::cli::BeaconValueArgs;
use crate::outcome;

/// 64 bytes as people compare them: four lines of four words, as other tools print them too.
pub(crate) fn hex_groups(digest: impl Display) -> String {
    let hex = digest.to_string();
    let words: Vec<&str> =
        hex.as_bytes().chunks(8).filter_map(|word| std::str::from_utf8(word).ok()).collect();
    words.chunks(4).map(|line| format!("    {}", line.join(" "))).collect::<Vec<_>>().join("\n")
}

/// What `--json` prints for a bad file, or for one that could not be checked.
#[derive(Serialize)]
struct ShownFailure<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// "bad" where the artefact is to blame, else "error".
    result: &'static str,
    /// The message as one text.
    error: String,
    hint: Option<&'a str>,
    /// The message in parts.
    diagnostic: &'a Diagnostic,
    /// What had been made before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    made: Vec<serde_json::Value>,
}

/// Whether this process has printed its one document, or what else stdout is for.
static PRINTED: AtomicBool = AtomicBool::new(false);

/// Leaves stdout to what the command writes there: with `--json`, too, nothing else is printed.
pub(crate) fn leave_stdout() {
    PRINTED.store(true, Ordering::Relaxed);
}

/// Whether a command has printed its document.
pub(crate) fn has_printed_json() -> bool {
    PRINTED.load(Ordering::Relaxed)
}

/// Prints a failure as JSON, unless the command printed its own document.
pub(crate) fn failure_as_json(file: Option<&Path>, error: &Diagnostic) -> Result<(), Diagnostic> {
    if has_printed_json() {
        return Ok(());
    }
    json(&ShownFailure {
        file: file.map(|file| file.display().to_string()),
        result: if error.blame == Blame::Artefact { "bad" } else { "error" },
        error: error.to_string(),
        hint: error.hint.as_deref(),
        diagnostic: error,
        made: outcome::made_so_far(),
    })
}

/// Prints the result of a verification, as JSON or for reading, and hands a failure on.
pub(crate) fn verification<T: Serialize>(
    file: &Path,
    result: Result<T, Diagnostic>,
    as_json: bool,
    print: impl FnOnce(&T),
) -> Result<(), Diagnostic> {
    match &result {
        Ok(shown) if as_json => json(shown)?,
        Ok(shown) => {
            println!("{}: good", file.display());
            print(shown);
        }
        Err(error) if as_json => failure_as_json(Some(file), error)?,
        Err(_) => {}
    }
    result.map(drop)
}

/// A record, as it is shown.
#[derive(Serialize)]
pub(crate) struct ShownRecord {
    pub(crate) index: usize,
    pub(crate) kind: &'static str,
    /// Not bound by anything in the file.
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beacon_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beacon_exponent: Option<u8>,
    contribution_hash: String,
    /// Of phase 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_challenge: Option<String>,
}

impl ShownRecord {
    pub(crate) fn new(
        index: usize,
        kind: &ContributionKind,
        name: Option<&ContributorName>,
        contribution_hash: impl Display,
        next_challenge: Option<String>,
    ) -> Self {
        let beacon = match kind {
            ContributionKind::Contribution => None,
            ContributionKind::Beacon(beacon) => Some(beacon),
        };
        Self {
            index,
            kind: if beacon.is_some() { "beacon" } else { "contribution" },
            name: name.map(ContributorName::cleaned),
            beacon_value: beacon.map(|b| hex::encode(b.value())),
            beacon_exponent: beacon.map(Beacon::exponent),
            contribution_hash: contribution_hash.to_string(),
            next_challenge,
        }
    }

    pub(crate) fn print(&self) {
        println!("  {} {}: {}", self.kind, self.index, self.name.as_deref().unwrap_or("(no name)"));
        if let (Some(value), Some(exponent)) = (&self.beacon_value, self.beacon_exponent) {
            println!("    value {value}, hashed 2^{exponent} times");
        }
        println!("   contribution hash\n{}", hex_groups(&self.contribution_hash));
        if let Some(next) = &self.next_challenge {
            println!("   next challenge\n{}", hex_groups(next));
        }
    }
}

/// A check that passed, as it is shown.
#[derive(Serialize)]
pub(crate) struct ShownCheck {
    pub(crate) number: u32,
    pub(crate) statement: &'static str,
    /// What is unusual about it, where something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remark: Option<&'static str>,
}

impl ShownCheck {
    pub(crate) fn print(&self) {
        println!("  check {:>2} passed    {}", self.number, self.statement);
        if let Some(remark) = self.remark {
            println!("                     {remark}");
        }
    }
}

/// A BLAKE2b-512 given on the command line.
pub(crate) fn parse_digest(option: &str, hex: &str) -> Result<FileBlake2b, Diagnostic> {
    let mut bytes = [0; 64];
    hex::decode_to_slice(hex, &mut bytes).map_err(|e| {
        Diagnostic::environment("option", e)
            .at(option)
            .hint("give the BLAKE2b-512 as 128 hexadecimal digits")
    })?;
    Ok(FileBlake2b(bytes))
}

/// A name given with --name, which goes into the file. None is cut in silence.
pub(crate) fn contributor_name(name: &str) -> Result<ContributorName, Diagnostic> {
    ContributorName::whole(name).ok_or_else(|| {
        Diagnostic::environment("name-too-long", "the name is too long for the file")
            .at("--name")
            .found(format_args!("{} UTF-16 units", name.encode_utf16().count()))
            .expected(format_args!("at most {MAX_NAME_UTF16}"))
            .hint("shorten it: it is for display only")
    })
}

impl BeaconValueArgs {
    /// The beacon, if its value and exponent are in range.
    pub(crate) fn beacon(&self) -> Result<Beacon, Diagnostic> {
        let value = hex::decode(&self.value).map_err(|e| {
            Diagnostic::environment("option", e)
                .at("--value")
                .hint("give the beacon's bytes in hexadecimal, without 0x")
        })?;
        Beacon::new(&value, self.exponent).map_err(|e| Diagnostic::environment("internal", e))
    }
}

/// Prints JSON to stdout.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Diagnostic> {
    let text = serde_json::to_string_pretty(value).map_err(|e| {
        Diagnostic::environment("internal", format_args!("writing JSON failed: {e}"))
    })?;
    println!("{text}");
    PRINTED.store(true, Ordering::Relaxed);
    Ok(())
}
