//! How results are printed.

use std::fmt::Display;

use serde::Serialize;

use crate::error::CliError;

/// 64 bytes as people compare them: four lines of four words, as other tools print them too.
pub(crate) fn words(digest: impl Display) -> String {
    let hex = digest.to_string();
    let words: Vec<&str> = hex.as_bytes().chunks(8).filter_map(|word| std::str::from_utf8(word).ok()).collect();
    words.chunks(4).map(|line| format!("    {}", line.join(" "))).collect::<Vec<_>>().join("\n")
}

/// Prints JSON to stdout.
pub(crate) fn json(value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(|e| CliError::environment(format!("writing JSON failed: {e}")))?;
    println!("{text}");
    Ok(())
}
