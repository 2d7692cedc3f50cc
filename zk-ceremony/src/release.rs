//! A release of the program: a list of sums, and the signed statement about it (docs/formats.md,
//! section 15).
//!
//! A release is a set of files F_1, ..., F_n with names. The list `SHA256SUMS` holds SHA-256(F_i)
//! and the name of each; the statement's subject is SHA-256 of the list. So a reader who trusts
//! the release keys knows of a file in hand that it is F_i of that release, built from that commit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zk_attest::PROGRAM;
use zk_attest::digest::{CommitId, FileDigest};
use zk_attest::envelope::Envelope;
use zk_attest::error::{Code, Refusal};
use zk_attest::primitives::{Label, Timestamp};
use zk_attest::statement::{Predicate, Statement, Subject};

/// Name of the statement's subject.
pub(crate) const SUMS: &str = "SHA256SUMS";
/// Bytes of the list at most: names of 128 bytes for some hundreds of files. A release has a dozen.
pub(crate) const MAX_SUMS_BYTES: usize = 64 * 1024;
/// Bytes of a name at most. Those of a release have about fifty.
const MAX_NAME_BYTES: usize = 128;

/// What the holder of a release key signs: the files of the list are the release with this tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Release {
    /// The tag.
    pub(crate) tag: Label,
    /// The commit that the tag names, and that everything was built from.
    pub(crate) commit: CommitId,
    /// The compiler, as `rustc --version` calls it.
    pub(crate) toolchain: Label,
    /// The image in which the reproducible files were built, by digest.
    pub(crate) image: Label,
    /// When the statement was made.
    pub(crate) time: Timestamp,
}

impl Predicate for Release {
    const TYPE: &'static str = "urn:zk-ceremony:release:v1";
    const RENEW: &'static str = "take the newest release, or verify this one with the program that \
                                 belongs to it";
}

/// A list of sums, as `sha256sum` writes it for plain names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    bytes: Vec<u8>,
    files: BTreeMap<String, FileDigest>,
}

impl Sums {
    /// Reads a list: lines of a digest, two spaces and a name, each name once.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let text =
            std::str::from_utf8(bytes).map_err(|error| bad("not text", error, "lines of UTF-8"))?;
        let mut files = BTreeMap::new();
        for line in text.split_terminator('\n') {
            let (digest, name) =
                line.split_once("  ").filter(|(_, name)| is_plain(name)).ok_or_else(|| {
                    bad(
                        "a line of the list is not a sum",
                        format_args!("{line:?}"),
                        "64 hex digits, two spaces, and a name without folders",
                    )
                })?;
            let digest = FileDigest::from_hex(digest)?;
            if files.insert(name.to_owned(), digest).is_some() {
                return Err(bad("the list has a name twice", name, "each name once"));
            }
        }
        if files.is_empty() {
            return Err(bad("the list is empty", "no file", "the files of a release"));
        }
        Ok(Self { bytes: bytes.to_vec(), files })
    }

    /// The digest of the file of this name.
    pub(crate) fn get(&self, name: &str) -> Option<FileDigest> {
        self.files.get(name).copied()
    }

    /// The files, by name.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, FileDigest)> {
        self.files.iter().map(|(name, digest)| (name.as_str(), *digest))
    }

    /// SHA-256 of the list: the statement's subject.
    pub(crate) fn digest(&self) -> FileDigest {
        FileDigest::of(&self.bytes)
    }

    /// The statement that this list is a release.
    pub(crate) fn stated(&self, predicate: Release) -> Result<Statement<Release>, Refusal> {
        let subject = vec![Subject::new(SUMS, self.digest().as_bytes())?];
        Ok(Statement { subject, predicate })
    }

    /// What an envelope says of this list; refused if it is about another one.
    pub(crate) fn statement(&self, envelope: &Envelope) -> Result<Release, Refusal> {
        let statement = Statement::<Release>::from_payload(envelope.payload())?;
        let expected = self.stated(statement.predicate.clone())?;
        if statement.subject == expected.subject {
            return Ok(statement.predicate);
        }
        let found = statement
            .subject
            .iter()
            .map(|subject| format!("{}  {}", hex::encode(subject.digest.sha256.0), subject.name));
        Err(Refusal::new(Code::SubjectMismatch, "the statement is about another list of sums")
            .found(found.collect::<Vec<_>>().join(", "))
            .expected(format_args!("{}  {SUMS}", self.digest()))
            .hint("take list and statement from the same release"))
    }
}

/// Letters, digits and `. _ -`, as in the names of archives: no folder, no option, no hidden file.
fn is_plain(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    name.len() <= MAX_NAME_BYTES
        && name.bytes().all(allowed)
        && name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}

fn bad(
    what: &'static str,
    found: impl std::fmt::Display,
    expected: impl std::fmt::Display,
) -> Refusal {
    Refusal::new(Code::Malformed, what).found(found).expected(expected).hint(format_args!(
        "make the list with `sha256sum FILE...`; see `{PROGRAM} release --help`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(byte: u8, name: &str) -> String {
        format!("{}  {name}\n", hex::encode([byte; 32]))
    }

    fn release() -> Release {
        Release {
            tag: Label::new("v0.1.0").unwrap(),
            commit: CommitId([7; 20]),
            toolchain: Label::new("rustc 1.95.0").unwrap(),
            image: Label::new("rust@sha256:00").unwrap(),
            time: Timestamp::new("2026-11-27T00:00:00Z").unwrap(),
        }
    }

    #[test]
    fn the_statement_is_in_the_documented_form() {
        let sums = Sums::parse(line(1, "a.tar.gz").as_bytes()).unwrap();
        let payload = sums.stated(release()).unwrap().to_payload();
        let expected = format!(
            "{{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{{\"name\":\"SHA256SUMS\",\
             \"digest\":{{\"sha256\":\"{}\"}}}}],\"predicateType\":\"urn:zk-ceremony:release:v1\",\
             \"predicate\":{{\"tag\":\"v0.1.0\",\"commit\":\"{}\",\"toolchain\":\"rustc 1.95.0\",\
             \"image\":\"rust@sha256:00\",\"time\":\"2026-11-27T00:00:00Z\"}}}}",
            sums.digest(),
            "07".repeat(20)
        );
        assert_eq!(String::from_utf8(payload).unwrap(), expected);
    }

    #[test]
    fn a_statement_of_the_longest_texts_can_be_signed_by_a_key_service() {
        let longest = || Label::new(&"\"".repeat(185)).unwrap();
        let sums = Sums::parse(line(1, "a").as_bytes()).unwrap();
        let release =
            Release { tag: longest(), toolchain: longest(), image: longest(), ..release() };
        assert!(sums.stated(release).unwrap().to_envelope().is_ok());
    }

    #[test]
    fn a_statement_about_another_list_is_refused() {
        let sums = Sums::parse(line(1, "a").as_bytes()).unwrap();
        let other = Sums::parse(line(2, "a").as_bytes()).unwrap();
        let envelope = sums.stated(release()).unwrap().to_envelope().unwrap();
        assert_eq!(sums.statement(&envelope).unwrap(), release());
        assert_eq!(other.statement(&envelope).unwrap_err().code(), Code::SubjectMismatch);
        let mut named_otherwise = sums.stated(release()).unwrap();
        named_otherwise.subject = vec![Subject::new("OTHER", sums.digest().as_bytes()).unwrap()];
        let envelope = named_otherwise.to_envelope().unwrap();
        assert_eq!(sums.statement(&envelope).unwrap_err().code(), Code::SubjectMismatch);
    }

    #[test]
    fn a_list_has_plain_names_each_once() {
        let good = line(1, "zk-ceremony-x86_64.tar.gz") + &line(2, "b");
        let sums = Sums::parse(good.as_bytes()).unwrap();
        assert_eq!(sums.get("b"), Some(FileDigest([2; 32])));
        assert_eq!(sums.files().count(), 2);
        for name in ["../a", "/a", "a/b", "-a", ".a", "a b", "", "a\\b", "a\r", &"a".repeat(129)] {
            assert!(Sums::parse(line(1, name).as_bytes()).is_err(), "{name:?}");
        }
        let upper = line(0xab, "a").to_uppercase().replace("  A", "  a");
        for list in ["", "\n", "x  a\n", &(line(1, "a") + &line(2, "a")), &upper] {
            assert!(Sums::parse(list.as_bytes()).is_err(), "{list:?}");
        }
    }
}
