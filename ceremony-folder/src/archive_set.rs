//! The files of a ceremony folder that everyone may have: those that a ceremony of these rules has,
//! and what lies under `evidence/`. Everything else stays where it is, and a private key anywhere
//! in the folder stops the command: what is archived or listed cannot be called back.

use std::collections::BTreeSet;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use zk_attest::key::PublicKey;

use crate::error::{Cause, CeremonyError, at};
use crate::evidence::{self, EVIDENCE};
use crate::folder::{StepName, Track};
use crate::key_material::search;
use crate::store::{Entry, EntryKind};
use crate::{Ceremony, Config};

/// Files of a folder at most: three for each of 4096 contributions to each of 17 chains is far
/// below it.
pub(crate) const MAX_FILES: usize = 1 << 18;
/// Folders in folders at most: `circuits/NAME/ark` is the deepest of a ceremony's own.
const MAX_DEPTH: usize = 4;
/// Bytes of a document at most: above the limits of all of them, and far below a disk. Other files
/// are searched for a key as far as this: one name can stand for any number of bytes.
const MAX_DOCUMENT_BYTES: u64 = 64 << 20;

/// A public file: its name in the folder, with `/` between the parts, and its path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicFile {
    /// The name.
    pub name: String,
    /// The path.
    pub path: PathBuf,
}

/// What is in a folder, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArchiveSet {
    /// What everyone may have.
    pub files: Vec<PublicFile>,
    /// What is not a file of the ceremony: neither archived nor listed. `private/` and hidden files
    /// are not named.
    pub left_out: Vec<String>,
}

/// Sorts out what is in a ceremony's folder.
///
/// # Errors
/// When a folder cannot be read, has something that is neither file nor folder, or has a private
/// key.
pub fn archive_set(ceremony: &Ceremony) -> Result<ArchiveSet, CeremonyError> {
    let mut walk =
        Walk { ceremony, known: Known::of_ceremony(ceremony), found: ArchiveSet::default() };
    walk.folder("", 0)?;
    walk.found.files.sort();
    walk.found.left_out.sort();
    Ok(walk.found)
}

/// The names of public files that a ceremony of some rules may have. Made once for many names: what
/// the rules name is gone through for it.
pub struct PublicNames(Known);

impl PublicNames {
    /// Of a ceremony with these rules.
    #[must_use]
    pub fn of(rules: &Config) -> Self {
        Self(Known::of(rules))
    }

    /// Whether this is one of them, with `/` between its parts.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let depth = name.split('/').count();
        is_plain_name(name) && depth <= MAX_DEPTH + 1 && self.0.place(name) != Place::Elsewhere
    }
}

impl std::fmt::Debug for PublicNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublicNames").finish_non_exhaustive()
    }
}

/// Whether a name, with `/` between the parts, can be shown as it is and is one on every system: no
/// hidden part, no way out of its folder, and nothing that a terminal obeys or cannot show.
#[must_use]
pub fn is_plain_name(name: &str) -> bool {
    let unusual = |c: char| match c {
        '\\' | ':' => true,
        '\'' | '"' => false,
        // Controls, and characters that turn or hide what is around them.
        _ => c.escape_debug().count() != 1,
    };
    name.split('/')
        .all(|part| !part.is_empty() && !part.starts_with('.') && !part.contains(unusual))
}

/// Whether a name is that of points or constraints: large, and the last part of a step to appear.
#[must_use]
pub fn is_data(name: &str) -> bool {
    [".ptau", ".zkey", ".r1cs"].iter().any(|ending| name.ends_with(ending))
}

/// Whether the document of this name may be written anew while a ceremony goes on. Steps, rules and
/// commitments never change; whoever takes over as coordinator signs the rejections that stand.
#[must_use]
pub fn is_replaceable(name: &str) -> bool {
    if name.ends_with(".reject.dsse.json") {
        return true;
    }
    name != "ceremony.toml"
        && !["phase1/", "circuits/", "commitments/", EVIDENCE]
            .iter()
            .any(|folder| name.starts_with(folder))
}

/// Whether files of this name change: documents that are written anew, and evidence, which others'
/// programs complete (`ots upgrade`), and which may be seen while it is copied.
#[must_use]
pub fn is_versioned(name: &str) -> bool {
    is_replaceable(name) || name.starts_with(EVIDENCE)
}

struct Walk<'a> {
    ceremony: &'a Ceremony,
    known: Known,
    found: ArchiveSet,
}

impl Walk<'_> {
    fn folder(&mut self, prefix: &str, depth: usize) -> Result<(), CeremonyError> {
        let folder = &self.ceremony.folder;
        let here = folder.root().join(prefix);
        let entries = folder.store().entries(Path::new(prefix), MAX_FILES).map_err(at(&here))?;
        for Entry { name, kind } in entries {
            let hidden = name.starts_with('.');
            if kind != EntryKind::File && hidden || prefix.is_empty() && name == "private" {
                continue;
            }
            let path = here.join(&name);
            if name.contains(['\n', '\r', '\\']) {
                return Err(unusual(&path, "its name has a line break or a backslash"));
            }
            let name = format!("{prefix}{name}");
            let seen = self.found.files.len() + self.found.left_out.len();
            match kind {
                EntryKind::Folder if depth < MAX_DEPTH => {
                    self.folder(&format!("{name}/"), depth + 1)?;
                }
                EntryKind::File if seen < MAX_FILES => self.file(name, path, hidden)?,
                _ => return Err(unusual(&path, "it is a link, a device, or one too many")),
            }
        }
        Ok(())
    }

    fn file(&mut self, name: String, path: PathBuf, hidden: bool) -> Result<(), CeremonyError> {
        // It lists the others, and is made anew wherever they are published.
        if name == crate::index::INDEX {
            return Ok(());
        }
        let place = self.known.place(&name);
        if place != Place::Data {
            match self.refuse_a_key(&path) {
                // It got another name since the folder was listed, as temporary files do.
                Err(error) if error.is_missing() => return Ok(()),
                judged => judged?,
            }
        }
        if place == Place::Document && !hidden {
            let mut source = match self.ceremony.folder.open(&path) {
                Err(error) if error.is_missing() => return Ok(()),
                opened => opened?,
            };
            if name.starts_with(EVIDENCE) {
                if let Some(why) = evidence::refused(&name, &mut source).map_err(at(&path))? {
                    return Err(unusual(&path, why));
                }
            } else if source.seek(SeekFrom::End(0)).map_err(at(&path))? > MAX_DOCUMENT_BYTES {
                return Err(unusual(&path, "no document of a ceremony is as large"));
            }
        }
        match place {
            _ if hidden => {}
            // `evidence/` may have any name; a reader takes none that is not plain.
            Place::Data | Place::Document if !is_plain_name(&name) => {
                self.found.left_out.push(name);
            }
            Place::Data | Place::Document => self.found.files.push(PublicFile { name, path }),
            Place::Elsewhere => self.found.left_out.push(name),
        }
        Ok(())
    }

    fn refuse_a_key(&self, path: &Path) -> Result<(), CeremonyError> {
        let source = self.ceremony.folder.open(path)?;
        let is_public = |bytes: &[u8]| self.known.is_public_key(bytes);
        match search(source.take(MAX_DOCUMENT_BYTES), is_public).map_err(at(path))? {
            Some(kind) => {
                Err(CeremonyError { path: path.into(), cause: Cause::KeyMaterial { kind } })
            }
            None => Ok(()),
        }
    }
}

/// Where a file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The place of a file of points or constraints, which verification holds to its digest.
    Data,
    /// A document of the ceremony, an exported key, or evidence.
    Document,
    /// No place of a ceremony.
    Elsewhere,
}

/// What the rules of a ceremony name.
struct Known {
    tracks: Vec<(String, Track)>,
    keys: BTreeSet<String>,
}

impl Known {
    fn of(config: &Config) -> Self {
        let rules = config.document();
        let circuits = rules.circuits.iter().map(|circuit| {
            (format!("circuits/{}/", circuit.name), Track::Circuit(circuit.name.clone()))
        });
        let tracks = circuits.chain([("phase1/".to_owned(), Track::Phase1)]).collect();
        let participants = rules.participants.iter().map(|participant| &participant.key);
        let deputies = rules.deputies.iter().flat_map(|deputies| &deputies.people);
        let keys = participants
            .chain(deputies.map(|person| &person.key))
            .chain([&rules.coordinator.key])
            .map(PublicKey::to_string)
            .collect();
        Self { tracks, keys }
    }

    /// The same, with the keys of whoever came later.
    fn of_ceremony(ceremony: &Ceremony) -> Self {
        let mut known = Self::of(&ceremony.config);
        known.keys.extend(ceremony.roster.keys().map(|(_, key)| key.to_string()));
        known
    }

    fn is_public_key(&self, bytes: &[u8]) -> bool {
        std::str::from_utf8(bytes).is_ok_and(|text| self.keys.contains(text.trim()))
    }

    fn place(&self, name: &str) -> Place {
        const DOCUMENTS: [&str; 9] = [
            "ceremony.toml",
            crate::folder::PARTICIPANT_PAGE,
            crate::journal::JOURNAL,
            crate::journal::JOURNAL_HEAD,
            "transcript.json",
            "report.json",
            "report.html",
            "bundle.json",
            "SHA256SUMS",
        ];
        const OF_A_CIRCUIT: [&str; 3] = [
            "ark/verifying_key.compressed.bin",
            "ark/verifying_key.uncompressed.bin",
            "snarkjs/verification_key.json",
        ];
        let signed = name.strip_suffix(".dsse.json");
        let document = signed.and_then(|name| {
            ["audits/", "services/"].iter().find_map(|folder| name.strip_prefix(folder))
        });
        // A folder each, with nothing below it.
        let person = signed.and_then(|name| {
            let folders = [
                crate::roster::ROSTER,
                crate::enrolment::ENROLMENTS,
                crate::commitment::COMMITMENTS,
            ];
            folders.iter().find_map(|folder| name.strip_prefix(folder)?.strip_prefix('/'))
        });
        if DOCUMENTS.contains(&name)
            || name.starts_with(EVIDENCE) && !name.ends_with(evidence::LEFT_BEHIND)
            // Results of audits, and below them verdicts, a folder for each auditor.
            || document.is_some_and(|name| name.split('/').count() <= 2)
            || person.is_some_and(|name| !name.contains('/'))
        {
            return Place::Document;
        }
        let in_track = |(folder, track): &(String, Track)| {
            Some((name.strip_prefix(folder.as_str())?, track.clone()))
        };
        let Some((name, track)) = self.tracks.iter().find_map(in_track) else {
            return Place::Elsewhere;
        };
        let is_step = |ending: &str| {
            name.strip_suffix(ending).is_some_and(|stem| StepName::parse(stem).is_some())
        };
        let data = match &track {
            Track::Phase1 => is_step(".ptau"),
            Track::Circuit(_) => is_step(".zkey") || name == "circuit.r1cs",
        };
        let exported = track != Track::Phase1 && OF_A_CIRCUIT.contains(&name);
        if data {
            Place::Data
        } else if exported || is_step(".reject.dsse.json") || is_step(".dsse.json") {
            Place::Document
        } else {
            Place::Elsewhere
        }
    }
}

fn unusual(path: &Path, why: &'static str) -> CeremonyError {
    CeremonyError { path: path.into(), cause: Cause::DoesNotBelong { why } }
}
