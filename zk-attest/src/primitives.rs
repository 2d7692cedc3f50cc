//! Small validated values: identifiers, free text, times, byte strings, and the closed choices of
//! the documents.
//!
//! Each has one spelling, checked while it is read (`Raw` -> validated), so that no later code
//! meets an invalid one.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Code, Refusal, Result, is_plain};
use crate::json::validated;
use crate::private_key::marked_key;

/// Implements the string form of a validated newtype.
macro_rules! string_form {
    ($($name:ident)+) => { $(
        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Refusal;
            fn try_from(text: String) -> Result<Self> {
                validated(Self::new(&text))
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    )+ };
}

/// Id of a ceremony: 1 to 64 of `a-z 0-9 . _ -`, beginning with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CeremonyId(String);

/// Every word that some edition of Rust keeps for itself and that could be a circuit's name (The
/// Rust Reference, "Keywords"): strict and reserved ones. A weak keyword is a legal module name. A
/// test of zk-vk-guard compares the list with syn.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// The primitive types that could be a circuit's name: a module of that name would hide the type
/// from the code around it.
const PRIMITIVES: [&str; 19] = [
    "bool", "char", "f16", "f32", "f64", "f128", "i8", "i16", "i32", "i64", "i128", "isize", "str",
    "u8", "u16", "u32", "u64", "u128", "usize",
];

/// Names that Windows keeps for devices, whatever follows a dot (Microsoft, "Naming Files, Paths,
/// and Namespaces"). COM and LPT go with each digit.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Whether no file of this name, or of this name and an ending, can be made on Windows.
fn is_a_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name);
    let port = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    let digit = |it: &str| matches!(it.as_bytes(), [b'0'..=b'9']);
    DEVICES.contains(&stem) || port.is_some_and(digit)
}

/// Name of a circuit: 1 to 48 of `a-z 0-9 - _`, beginning with a letter. With `-` read as `_` it is
/// the name of a Rust module: snake case (no two of `-` and `_` in a row), and neither a keyword
/// nor a primitive type. Nor is it a name that Windows keeps for a device: files have it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CircuitName(String);

/// One line of free text that a person wrote: 1 to 370 bytes as JSON writes it, where `"` and `\`
/// take two, no control characters, no marks that hide or reorder text, and nothing that begins as
/// a private key does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

/// A moment in UTC, `YYYY-MM-DDTHH:MM:SSZ`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(String);

/// The name of the arithmetic that a program computes with: 1 to 16 of `a-z 0-9 -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arithmetic(String);

string_form! { CeremonyId CircuitName Label Timestamp Arithmetic }

fn refuse<T>(what: &str, found: &str, expected: &str) -> Result<T> {
    Err(Refusal::new(Code::Text, what).found(found).expected(expected))
}

impl CeremonyId {
    /// Validates an id.
    pub fn new(text: &str) -> Result<Self> {
        let first =
            text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let allowed = first
            && text.len() <= 64
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'));
        if !allowed {
            return refuse(
                "not a ceremony id",
                text,
                "1 to 64 of a-z 0-9 . _ - beginning with a letter or digit",
            );
        }
        if text.ends_with('.') || is_a_device(text) {
            return refuse(
                "not a ceremony id",
                text,
                "a name that a file can have on every system: no dot at the end, no device of \
                 Windows",
            );
        }
        Ok(Self(text.into()))
    }
}

impl CircuitName {
    /// Validates a name.
    pub fn new(text: &str) -> Result<Self> {
        let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        let allowed = first
            && text.len() <= 48
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        let module = text.replace('-', "_");
        if !allowed {
            return refuse(
                "not a circuit name",
                text,
                "1 to 48 of a-z 0-9 - _ beginning with a letter",
            );
        }
        if module.contains("__") {
            return refuse("not a circuit name", text, "no two of - and _ in a row");
        }
        if KEYWORDS.contains(&module.as_str()) || PRIMITIVES.contains(&module.as_str()) {
            return refuse("not a circuit name", text, "a name that is not a word of Rust");
        }
        if is_a_device(text) {
            return refuse("not a circuit name", text, "a name that is no device of Windows");
        }
        Ok(Self(text.into()))
    }

    /// The Rust module that holds this circuit's constants.
    #[must_use]
    pub fn module(&self) -> String {
        self.0.replace('-', "_")
    }
}

impl Arithmetic {
    /// Validates a name.
    pub fn new(text: &str) -> Result<Self> {
        let allowed = |b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if matches!(text.len(), 1..=16) && text.bytes().all(allowed) {
            return Ok(Self(text.into()));
        }
        refuse("not a name of arithmetic", text, "1 to 16 of a-z 0-9 -")
    }
}

impl Label {
    /// Bytes of a text in JSON at most. All texts of an attestation, its beacon and its digests
    /// together stay within the 4096 bytes that key services sign.
    pub const MAX_BYTES: usize = 370;

    /// The word for what is not there: "none".
    #[must_use]
    pub fn none() -> Self {
        Self("none".into())
    }

    /// A line that the program itself brings; "none" where it is not a label.
    #[must_use]
    pub fn from_static(text: &'static str) -> Self {
        Self::new(text).unwrap_or_else(|_| Self::none())
    }

    /// Validates a text.
    pub fn new(text: &str) -> Result<Self> {
        // Every line of text is published.
        if let Some(kind) = marked_key(text.as_bytes()) {
            return refuse("a private key in a line of text", kind, "text without a private key");
        }
        let escapes = text.bytes().filter(|b| matches!(b, b'"' | b'\\')).count();
        if !text.is_empty()
            && text.len() + escapes <= Self::MAX_BYTES
            && text.trim() == text
            && text.chars().all(is_plain)
        {
            return Ok(Self(text.into()));
        }
        refuse(
            "not a line of text",
            text,
            "1 to 370 bytes (quotation marks and backslashes count twice), no control characters, \
             no space at either end",
        )
    }
}

impl Timestamp {
    /// Validates a moment.
    pub fn new(text: &str) -> Result<Self> {
        match Self::seconds_of(text) {
            Some(_) => Ok(Self(text.into())),
            None => refuse("not a time", text, "UTC, as in 2027-01-31T23:59:59Z"),
        }
    }

    /// The moment `seconds` after the first of January 1970, up to the year 9999.
    #[must_use]
    pub fn from_unix(seconds: u64) -> Self {
        let seconds = seconds.min(253_402_300_799);
        let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
        let mut year = 1970;
        while days >= days_in_year(year) {
            days -= days_in_year(year);
            year += 1;
        }
        let mut month = 1;
        while days >= days_in_month(year, month) {
            days -= days_in_month(year, month);
            month += 1;
        }
        Self(format!(
            "{year:04}-{month:02}-{:02}T{:02}:{:02}:{:02}Z",
            days + 1,
            rest / 3600,
            rest / 60 % 60,
            rest % 60
        ))
    }

    /// The clock of this machine.
    #[must_use]
    pub fn now() -> Self {
        let since =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self::from_unix(since.as_secs())
    }

    /// Seconds since the first of January 1970.
    #[must_use]
    pub fn unix(&self) -> u64 {
        Self::seconds_of(&self.0).unwrap_or_default()
    }

    fn seconds_of(text: &str) -> Option<u64> {
        let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
        let shape = b"dddd-dd-ddTdd:dd:ddZ";
        let fits = bytes
            .iter()
            .zip(shape)
            .all(|(b, s)| if *s == b'd' { b.is_ascii_digit() } else { b == s });
        if !fits {
            return None;
        }
        let number = |from: usize, to: usize| {
            bytes[from..to].iter().fold(0u64, |n, b| n * 10 + u64::from(b - b'0'))
        };
        let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
        let (hour, minute, second) = (number(11, 13), number(14, 16), number(17, 19));
        if year < 1970
            || !(1..=12).contains(&month)
            || day < 1
            || day > days_in_month(year, month)
            || hour > 23
            || minute > 59
            || second > 59
        {
            return None;
        }
        let days: u64 = (1970..year).map(days_in_year).sum::<u64>()
            + (1..month).map(|m| days_in_month(year, m)).sum::<u64>()
            + day
            - 1;
        Some(days * 86_400 + hour * 3600 + minute * 60 + second)
    }
}

fn is_leap(year: u64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// What a ceremony is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CeremonyKind {
    /// A trial: its keys protect nothing, and no production policy accepts them.
    Rehearsal,
    /// The real thing.
    Production,
}

impl fmt::Display for CeremonyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rehearsal => "rehearsal",
            Self::Production => "production",
        })
    }
}

/// The curve of a ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Curve {
    /// BN254, also called bn128 and alt_bn128.
    Bn254,
}

impl Curve {
    /// The name, as in documents and snippets.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bn254 => "bn254",
        }
    }
}

/// The proof system of a ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProofSystem {
    /// Groth16.
    Groth16,
}

/// A public random value that no one could choose, and where to look it up.
///
/// A beacon that was read and has a signature has the value that the signature gives: SHA-256 of
/// it. That the signature is its source's is not said: this crate knows no source's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawBeacon")]
pub struct Beacon {
    /// Where the value comes from, in words.
    pub source: Label,
    /// Round, height or slot at that source.
    pub round: u64,
    /// The value: 1 to 255 bytes.
    pub value: BeaconValue,
    /// What the source signed the round with, where it is a drand chain.
    pub signature: Option<DrandSignature>,
    /// The value is hashed 2^exponent times.
    pub exponent: BeaconExponent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBeacon {
    source: Label,
    round: u64,
    value: BeaconValue,
    signature: Option<DrandSignature>,
    exponent: BeaconExponent,
}

impl TryFrom<RawBeacon> for Beacon {
    type Error = Refusal;
    fn try_from(raw: RawBeacon) -> Result<Self> {
        let RawBeacon { source, round, value, signature, exponent } = raw;
        let given = signature.as_ref().map(DrandSignature::value);
        let is_drand = source.as_str().starts_with("drand ");
        validated(match given {
            Some(_) if !is_drand => Err(Refusal::new(
                Code::Malformed,
                "a beacon that no chain of drand is the source of has a signature of one",
            )
            .found(source)
            .expected("drand, and the name of the chain")),
            Some(given) if given != value => Err(Refusal::new(
                Code::Malformed,
                "the beacon's value is not that of its signature",
            )
            .found(hex::encode(value.as_bytes()))
            .expected(hex::encode(given.as_bytes()))),
            _ => Ok(Self { source, round, value, signature, exponent }),
        })
    }
}

/// What a drand chain signs a round with: a compressed point of G1 of BLS12-381, 48 bytes, as
/// lower-case hex. That it is a point, and a signature, is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DrandSignature([u8; 48]);

impl DrandSignature {
    /// Wraps the bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 48]) -> Self {
        Self(bytes)
    }

    /// Reads 96 hex digits.
    pub fn from_hex(text: &str) -> Result<Self> {
        let mut bytes = [0; 48];
        let lower = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) if lower => Ok(Self(bytes)),
            _ => Err(Refusal::new(Code::Malformed, "this is no signature of a drand chain")
                .found(text)
                .expected("96 lower-case hex digits")),
        }
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 48] {
        &self.0
    }

    /// What the chain publishes as the round's randomness: SHA-256 of the signature.
    #[must_use]
    pub fn value(&self) -> BeaconValue {
        BeaconValue(Sha256::digest(self.0).to_vec())
    }
}

impl fmt::Display for DrandSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl TryFrom<String> for DrandSignature {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self> {
        validated(Self::from_hex(&text))
    }
}

impl From<DrandSignature> for String {
    fn from(signature: DrandSignature) -> Self {
        signature.to_string()
    }
}

/// The bytes of a beacon: 1 to 255 of them (the length is one byte in the files), as lower-case
/// hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BeaconValue(Vec<u8>);

impl BeaconValue {
    /// Validates the length.
    pub fn new(bytes: &[u8]) -> Result<Self> {
        match bytes.len() {
            1..=255 => Ok(Self(bytes.into())),
            n => Err(Refusal::new(Code::Malformed, "beacon value of the wrong length")
                .found(format_args!("{n} bytes"))
                .expected("1 to 255 bytes")),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<String> for BeaconValue {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self> {
        let lower =
            text.len() <= 510 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        validated(match hex::decode(&text) {
            Ok(bytes) if lower => Self::new(&bytes),
            _ => Err(Refusal::new(Code::Malformed, "beacon value is not hex")
                .found(text)
                .expected("lower-case hex of 1 to 255 bytes")),
        })
    }
}

impl From<BeaconValue> for String {
    fn from(value: BeaconValue) -> Self {
        hex::encode(value.0)
    }
}

/// Exponent of a beacon's work, 10 to 30: what `ceremony-core` computes, creator and verifier
/// alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct BeaconExponent(u8);

impl BeaconExponent {
    /// Validates the exponent.
    pub fn new(exponent: u8) -> Result<Self> {
        if (10..=30).contains(&exponent) {
            return Ok(Self(exponent));
        }
        Err(Refusal::new(Code::Malformed, "beacon exponent out of range")
            .found(exponent)
            .expected("10 to 30"))
    }

    /// The exponent.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for BeaconExponent {
    type Error = Refusal;
    fn try_from(exponent: u8) -> Result<Self> {
        validated(Self::new(exponent))
    }
}

impl From<BeaconExponent> for u8 {
    fn from(exponent: BeaconExponent) -> Self {
        exponent.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_round_trip_through_seconds() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2026-11-20T17:47:38Z", 1_795_196_858),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(Timestamp::new(text).unwrap().unix(), seconds);
            assert_eq!(Timestamp::from_unix(seconds).as_str(), text);
        }
    }

    #[test]
    fn days_that_no_calendar_has_are_refused() {
        for text in [
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00",
            "2026-1-01T00:00:00Z ",
            "1969-12-31T23:59:59Z",
        ] {
            assert!(Timestamp::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_that_no_file_on_windows_can_have_is_refused() {
        for bad in ["con", "nul", "aux", "prn", "com1", "com0", "lpt9"] {
            assert!(CircuitName::new(bad).is_err(), "{bad}");
            assert!(CeremonyId::new(bad).is_err(), "{bad}");
            assert!(CeremonyId::new(&format!("{bad}.2026")).is_err(), "{bad}");
        }
        for good in ["cone", "com", "com10", "lpt", "console", "auxiliary"] {
            assert!(CircuitName::new(good).is_ok(), "{good}");
            assert!(CeremonyId::new(good).is_ok(), "{good}");
        }
        assert!(CeremonyId::new("x.").is_err());
        assert!(CeremonyId::new("x.con").is_ok());
    }

    #[test]
    fn a_circuit_name_is_always_a_module_name() {
        // The last ones are weak keywords and other words of Rust that a module may have as its
        // name.
        for good in
            ["attestation", "boot-attestation_2", "a", "a-", "raw", "union", "auto", "core", "safe"]
        {
            assert_eq!(CircuitName::new(good).unwrap().module(), good.replace('-', "_"));
        }
        for bad in [
            "",
            "Attestation",
            "9lives",
            "loop",
            "gen",
            "try",
            "yield",
            "self",
            "super",
            "crate",
            "a b",
            "a/b",
            "a.b",
            "-a",
            "_a",
            "é",
            &"a".repeat(49),
            "a--b",
            "a__b",
            "a-_b",
            "a_-b",
            "a--",
            "u8",
            "str",
            "usize",
        ] {
            assert_eq!(CircuitName::new(bad).unwrap_err().code(), Code::Text, "{bad}");
        }
    }

    #[test]
    fn a_beacon_with_a_signature_has_the_value_that_the_signature_gives() {
        // Round 1000 of drand's quicknet.
        let signature = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125\
                         e342b73a8dd2bacbe47e4b6b63ed5e39";
        let value = "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd";
        let text = |value: &str, signature: &str| {
            format!(
                r#"{{"source":"drand quicknet","round":1000,"value":"{value}","signature":{signature},"exponent":10}}"#
            )
        };
        let quoted = format!("\"{signature}\"");
        let read = |text: &str| serde_json::from_str::<Beacon>(text);
        let good = read(&text(value, &quoted)).unwrap();
        assert_eq!(serde_json::to_string(&good).unwrap(), text(value, &quoted));
        let other = value.replace('f', "e");
        read(&text(&other, "null")).unwrap();
        let refused = read(&text(&other, &quoted)).unwrap_err().to_string();
        assert!(refused.contains("not that of its signature"), "{refused}");
        let text_of_another = text(value, &quoted).replace("drand quicknet", "a chain");
        let refused = read(&text_of_another).unwrap_err().to_string();
        assert!(refused.contains("that no chain of drand is the source of"), "{refused}");
        for bad in [&signature[2..], &signature.to_uppercase(), ""] {
            let refused = read(&text(value, &format!("\"{bad}\""))).unwrap_err().to_string();
            assert!(refused.contains("no signature of a drand chain"), "{refused}");
        }
    }

    #[test]
    fn text_that_hides_or_reorders_is_refused() {
        assert!(Label::new("Zoë from Łódź, with dice").is_ok());
        for bad in [
            "",
            " a",
            "a ",
            "a\nb",
            "a\u{1b}[31m",
            "abc\u{202e}cba",
            "a\u{200b}b",
            &"x".repeat(513),
        ] {
            assert!(Label::new(bad).is_err(), "{bad:?}");
        }
    }
}
