//! What the parties put under `evidence/`: proofs of when something was there, made by others, and
//! whatever else belongs to the record.
//!
//! ```text
//! NAME.tsq NAME.tsr   RFC 3161: a query, and the answer of a time-stamping service
//! NAME.ots            OpenTimestamps
//! NAME.tlog.json      an entry of a transparency log, with its proof of inclusion
//! NAME.beacon.json    the answer of a beacon's source
//! ```
//!
//! What has one of these endings is small and begins as such a file does. Whether it proves what it
//! says is for the tools of whoever made it; RUNBOOK.md has the commands. Other names may be of any
//! kind and size.

use std::io::{Read as _, Seek as _, SeekFrom};

use ceremony_core::progress::NoProgress;
use serde::{Deserialize, Serialize};

use crate::archive_set::archive_set;
use crate::digests::KnownDigests;
use crate::error::CeremonyError;
use crate::store::Input;
use crate::{Ceremony, Folder};

/// The folder.
pub const EVIDENCE: &str = "evidence/";
/// What OpenTimestamps leaves of a proof that it has completed: no evidence.
pub(crate) const LEFT_BEHIND: &str = ".ots.bak";
/// Documents that evidence may be about, by the digest that it holds.
const SUBJECTS: [&str; 5] =
    ["transcript.json", "bundle.json", "SHA256SUMS", "index.json", "ceremony.toml"];

/// What a file of evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// What a time-stamping service was asked (RFC 3161).
    TimeStampQuery,
    /// What it answered.
    TimeStamp,
    /// A proof of OpenTimestamps.
    OpenTimestamps,
    /// An entry of a transparency log.
    LogEntry,
    /// What the source of a beacon answered.
    BeaconAnswer,
    /// Anything else.
    Other,
}

impl EvidenceKind {
    /// The kind that a name's ending says.
    #[must_use]
    pub fn of(name: &str) -> Self {
        [
            (".tsq", Self::TimeStampQuery),
            (".tsr", Self::TimeStamp),
            (".ots", Self::OpenTimestamps),
            (".tlog.json", Self::LogEntry),
            (".beacon.json", Self::BeaconAnswer),
        ]
        .into_iter()
        .find_map(|(ending, kind)| name.ends_with(ending).then_some(kind))
        .unwrap_or(Self::Other)
    }

    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::TimeStampQuery => "query for a time stamp (RFC 3161)",
            Self::TimeStamp => "time stamp (RFC 3161)",
            Self::OpenTimestamps => "proof of OpenTimestamps",
            Self::LogEntry => "entry of a transparency log",
            Self::BeaconAnswer => "answer of a beacon's source",
            Self::Other => "other",
        }
    }

    /// Bytes at most; none where there is no limit. An answer with a chain of certificates has 10
    /// kB, a proof of OpenTimestamps with several calendars 4 kB, a log entry with its proof 20 kB.
    fn limit(self) -> Option<usize> {
        match self {
            Self::TimeStampQuery => Some(16 << 10),
            Self::TimeStamp => Some(256 << 10),
            Self::OpenTimestamps | Self::LogEntry | Self::BeaconAnswer => Some(1 << 20),
            Self::Other => None,
        }
    }

    fn begins_right(self, bytes: &[u8]) -> bool {
        match self {
            // A sequence of DER.
            Self::TimeStampQuery | Self::TimeStamp => bytes.first() == Some(&0x30),
            Self::OpenTimestamps => bytes.starts_with(b"\0OpenTimestamps\0\0Proof\0"),
            Self::LogEntry | Self::BeaconAnswer => {
                let text = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
                matches!(text, Some(b'{' | b'['))
            }
            Self::Other => true,
        }
    }
}

/// Why a file under `evidence/` is not what its ending says.
pub(crate) fn refused(name: &str, source: &mut Input) -> std::io::Result<Option<&'static str>> {
    let kind = EvidenceKind::of(name);
    let Some(limit) = kind.limit() else { return Ok(None) };
    if source.seek(SeekFrom::End(0))? > limit as u64 {
        return Ok(Some("no evidence with this ending is as large"));
    }
    source.rewind()?;
    let mut bytes = Vec::new();
    source.take(64).read_to_end(&mut bytes)?;
    Ok((!kind.begins_right(&bytes)).then_some("it is not what its ending says"))
}

/// A file of evidence, as reports list it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedEvidence {
    /// Its name in the folder.
    pub name: String,
    /// What it is.
    pub kind: EvidenceKind,
    /// Bytes.
    pub size: u64,
    /// SHA-256, in hex.
    pub sha256: String,
    /// The document of this folder whose SHA-256 it has in it.
    #[serde(default)]
    pub names: Option<String>,
}

impl Ceremony {
    /// The evidence of this folder, by name.
    ///
    /// # Errors
    /// When the folder cannot be read, or has what must not be published.
    pub fn evidence(&self) -> Result<Vec<ReportedEvidence>, CeremonyError> {
        let mut digests = KnownDigests::default();
        let mut evidence = Vec::new();
        for file in archive_set(self)?.files {
            if !file.name.starts_with(EVIDENCE) {
                continue;
            }
            let (size, sha256) = digests.of(&self.folder, &file.path, &NoProgress)?;
            let kind = EvidenceKind::of(&file.name);
            let names = match kind.limit() {
                Some(limit) => {
                    let bytes = self.folder.read(&file.path, limit)?;
                    named(&self.folder, &bytes, &mut digests)?
                }
                None => None,
            };
            let sha256 = sha256.to_string();
            evidence.push(ReportedEvidence { name: file.name, kind, size, sha256, names });
        }
        Ok(evidence)
    }
}

/// The document whose SHA-256 some bytes have in them.
fn named(
    folder: &Folder,
    bytes: &[u8],
    digests: &mut KnownDigests,
) -> Result<Option<String>, CeremonyError> {
    for subject in SUBJECTS {
        let path = folder.root().join(subject);
        if !folder.is_present(&path) {
            continue;
        }
        let (_, digest) = digests.of(folder, &path, &NoProgress)?;
        let (raw, text) = (digest.0, digest.to_string());
        let has = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        if has(&raw) || has(text.as_bytes()) {
            return Ok(Some(subject.to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn what_is_not_what_its_ending_says_is_refused() {
        let large = vec![0x30; (256 << 10) + 1];
        for (name, bytes, refusal) in [
            ("evidence/a.tsr", &b"\x30\x03"[..], None),
            ("evidence/a.tsr", b"<html>", Some("it is not what its ending says")),
            ("evidence/a.tsr", b"", Some("it is not what its ending says")),
            ("evidence/a.tsr", &large, Some("no evidence with this ending is as large")),
            ("evidence/a.ots", b"\0OpenTimestamps\0\0Proof\0\xbf", None),
            ("evidence/a.ots", b"OpenTimestamps", Some("it is not what its ending says")),
            ("evidence/a.tlog.json", b" {}", None),
            ("evidence/a.beacon.json", b"nothing", Some("it is not what its ending says")),
            ("evidence/a.txt", &large, None),
        ] {
            let mut source: Input = Box::new(Cursor::new(bytes.to_vec()));
            assert_eq!(refused(name, &mut source).unwrap(), refusal, "{name}");
        }
    }
}
