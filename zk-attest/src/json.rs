//! Strict reading of JSON: a size limit before anything is parsed, and, for documents whose digest
//! matters, one encoding only.
//!
//! The canonical encoding of a document is what `serde_json` writes for the validated value: no
//! white space, fields in the order of the struct, integers only, the shortest escapes. Comparing
//! the re-encoding with the input refuses everything that a lenient parser would let through at
//! once: white space, escaped names, repeated fields, another order, other spellings of a number.
//! So two readers cannot see different things in the same signed bytes.

use std::cell::RefCell;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Code, Refusal, Result};

thread_local! {
    /// Why a validated type refused its value, on its way past serde, whose errors carry text only.
    static REFUSED: RefCell<Option<Refusal>> = const { RefCell::new(None) };
}

/// Hands a validated type's refusal to the [`parse`] in progress, with all its parts. Every
/// `TryFrom` that serde calls returns through this function.
pub fn validated<T>(result: Result<T>) -> Result<T> {
    if let Err(refusal) = &result {
        REFUSED.set(Some(refusal.clone()));
    }
    result
}

/// Parses `bytes` after checking their number.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], limit: usize, what: &str) -> Result<T> {
    if bytes.len() > limit {
        return Err(Refusal::new(Code::TooLarge, format_args!("{what} is too large"))
            .found(format_args!("{} bytes", bytes.len()))
            .expected(format_args!("at most {limit} bytes")));
    }
    REFUSED.take();
    serde_json::from_slice(bytes).map_err(|error| explain(&error).within(what))
}

/// A validated type's refusal ends the parse: if there is one, it is the cause of the error.
/// Everything else is the parser's own complaint.
fn explain(error: &serde_json::Error) -> Refusal {
    match REFUSED.take() {
        Some(refusal) if error.is_data() && error.line() > 0 => {
            refusal.within(format_args!("at line {} column {}", error.line(), error.column()))
        }
        Some(refusal) if error.is_data() => refusal,
        _ => Refusal::new(Code::Malformed, error),
    }
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
    // Documents hold strings, integers, lists and structs, which serde_json cannot fail to write.
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

    /// Values of every validated type of this crate, each of them bad.
    #[test]
    fn the_refusal_of_a_validated_type_reaches_the_reader_with_all_its_parts() {
        use crate::{digest, envelope, key, primitives, statement};

        #[track_caller]
        fn refused<T: DeserializeOwned>(json: &str, code: Code, what: &str) {
            let refusal = match parse::<T>(json.as_bytes(), 1000, "doc") {
                Err(refusal) => refusal,
                Ok(_) => panic!("{json} is bad"),
            };
            assert_eq!((refusal.code(), refusal.what()), (code, what), "{refusal}");
            assert_eq!(refusal.place().unwrap().parts()[0], "doc");
            assert!(refusal.expected_text().is_some() || what.contains("base64"), "{refusal}");
        }

        refused::<digest::FileDigest>(r#""zz""#, Code::Malformed, "file digest is not hex");
        refused::<statement::Sha256Hex>(r#""zz""#, Code::Malformed, "subject digest is not hex");
        refused::<key::PublicKey>(r#""zz""#, Code::KeyFormat, "public key is not hex");
        refused::<primitives::Label>(r#""""#, Code::Text, "not a line of text");
        refused::<primitives::CircuitName>(r#""gen""#, Code::Text, "not a circuit name");
        refused::<primitives::CeremonyId>(r#""-""#, Code::Text, "not a ceremony id");
        refused::<primitives::Timestamp>(r#""now""#, Code::Text, "not a time");
        refused::<primitives::BeaconValue>(r#""zz""#, Code::Malformed, "beacon value is not hex");
        refused::<primitives::BeaconExponent>("9", Code::Malformed, "beacon exponent out of range");
        refused::<statement::Phase>("3", Code::Malformed, "no such phase");
        refused::<envelope::Envelope>(
            r#"{"payload":"","payloadType":"x","signatures":[]}"#,
            Code::PayloadType,
            "the envelope holds another type of payload",
        );
        // In a document, with its place.
        let digests = r#"["zz"]"#;
        let refusal = parse::<Vec<digest::FileDigest>>(digests.as_bytes(), 9, "doc").unwrap_err();
        assert_eq!(refusal.place().unwrap().to_string(), "doc: at line 1 column 6");
        assert_eq!(refusal.found_text(), Some("zz"));
    }

    #[test]
    fn text_that_imitates_a_refusal_is_only_text() {
        let json = r#"{"a":1,"b":[],"x [bad-signature]":0}"#;
        assert_eq!(code(json), Code::Malformed);
        // A refusal of an earlier parse is not that of a later one.
        let _ = validated::<()>(Err(Refusal::new(Code::WeakKey, "earlier")));
        assert_eq!(code(r#"{"a":1}"#), Code::Malformed);
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
