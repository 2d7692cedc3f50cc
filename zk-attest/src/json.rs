//! Strict reading of JSON: a size limit before anything is parsed, and, for documents whose digest matters, one encoding only.
//!
//! The canonical encoding of a document is what `serde_json` writes for the validated value: no white space, fields in the order of the
//! struct, integers only, the shortest escapes. Comparing the re-encoding with the input refuses everything that a lenient parser would let
//! through at once: white space, escaped names, repeated fields, another order, other spellings of a number. Two readers can therefore not
//! see different things in the same signed bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Code, Refusal, Result};

/// Parses `bytes` after checking their number.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], limit: usize, what: &str) -> Result<T> {
    if bytes.len() > limit {
        return Err(Refusal::new(Code::TooLarge, format_args!("{what} is too large"))
            .found(format_args!("{} bytes", bytes.len()))
            .expected(format_args!("at most {limit} bytes")));
    }
    serde_json::from_slice(bytes).map_err(|error| explain(&error.to_string()).within(what))
}

/// serde carries errors as text only. A validated type's refusal is recognised in it by its last line, so that its code, and what it found and
/// expected, reach the reader; everything else is the parser's own complaint.
fn explain(error: &str) -> Refusal {
    let mut lines = error.lines();
    let first = lines.next().unwrap_or_default();
    let refused = first
        .strip_suffix(']')
        .and_then(|line| line.rsplit_once(" ["))
        .and_then(|(what, code)| Some((what, Code::from_text(code)?)));
    let Some((what, code)) = refused else { return Refusal::new(Code::Malformed, error) };
    let mut refusal = Refusal::new(code, what);
    for line in lines {
        if let Some(found) = line.strip_prefix("  found     ") {
            refusal = refusal.found(found);
        } else if let Some(expected) = line.strip_prefix("  expected  ") {
            refusal = refusal.expected(expected);
        } else if let Some(place) = line.rfind(" at line ") {
            refusal = refusal.within(line[place..].trim_start());
        }
    }
    refusal
}

/// Parses `bytes` and refuses them unless they are the canonical encoding of what they say.
pub fn parse_canonical<T: DeserializeOwned + Serialize>(
    bytes: &[u8],
    limit: usize,
    what: &str,
) -> Result<T> {
    let value = parse(bytes, limit, what)?;
    let canonical = encode(&value);
    if canonical == bytes {
        return Ok(value);
    }
    let at = canonical.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    let excerpt = |all: &[u8]| {
        String::from_utf8_lossy(&all[at.min(all.len())..(at + 24).min(all.len())]).into_owned()
    };
    Err(Refusal::new(
        Code::NotCanonical,
        format_args!("{what} is not in canonical form: it differs from byte {at} on"),
    )
    .found(excerpt(bytes))
    .expected(excerpt(&canonical)))
}

/// The canonical encoding.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // Documents hold strings, integers, lists and structs: nothing that serde_json can fail to write to memory.
    serde_json::to_vec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Serialize, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Doc {
        a: u64,
        b: Vec<String>,
    }

    fn code(text: &str) -> Code {
        parse_canonical::<Doc>(text.as_bytes(), 100, "doc").unwrap_err().code()
    }

    #[test]
    fn one_encoding_is_read_and_no_other() {
        assert_eq!(
            parse_canonical::<Doc>(br#"{"a":1,"b":["x"]}"#, 100, "doc").unwrap(),
            Doc { a: 1, b: vec!["x".into()] }
        );
        assert_eq!(code(r#"{"a": 1,"b":["x"]}"#), Code::NotCanonical);
        assert_eq!(code(r#"{"b":["x"],"a":1}"#), Code::NotCanonical);
        assert_eq!(code(r#"{"\u0061":1,"b":["x"]}"#), Code::NotCanonical);
        assert_eq!(code(r#"{"a":1,"b":["\u0078"]}"#), Code::NotCanonical);
        assert_eq!(code("{\"a\":1,\"b\":[\"x\"]}\n"), Code::NotCanonical);
        assert_eq!(code(r#"{"a":1,"a":1,"b":["x"]}"#), Code::Malformed);
        assert_eq!(code(r#"{"a":1,"b":["x"],"c":0}"#), Code::Malformed);
        assert_eq!(code(r#"{"a":1.0,"b":["x"]}"#), Code::Malformed);
        assert_eq!(code(r#"{"a":-0,"b":["x"]}"#), Code::Malformed);
        assert_eq!(code(r#"{"a":1e0,"b":["x"]}"#), Code::Malformed);
        assert_eq!(code(r#"{"a":18446744073709551616,"b":["x"]}"#), Code::Malformed);
        assert_eq!(code(r#"{"a":1,"b":["x"]}{}"#), Code::Malformed);
        assert_eq!(code(r#"{"a":1}"#), Code::Malformed);
        assert_eq!(code(&"[".repeat(100)), Code::Malformed);
        assert_eq!(code(&"[".repeat(101)), Code::TooLarge);
    }
}
