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
use crate::key_material::{Look, search};
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
            match self.refuse_a_key(&name, &path) {
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

    fn refuse_a_key(&self, name: &str, path: &Path) -> Result<(), CeremonyError> {
        let source = self.ceremony.folder.open(path)?;
        let is_public = |bytes: &[u8]| self.known.is_public_key(bytes);
        let quotes = self.known.place(name) == Place::Document && !name.starts_with(EVIDENCE);
        let look = if quotes { Look::AtLines } else { Look::Everywhere };
        match search(source.take(MAX_DOCUMENT_BYTES), look, is_public).map_err(at(path))? {
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{self, Cursor, Write as _};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::Folder;
    use crate::fixture::rules;
    use crate::output::{Output, OutputError};
    use crate::store::{Input, ReadError, Readers, Store};

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

    fn begun() -> (tempfile::TempDir, Ceremony) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ceremony.toml"), rules()).unwrap();
        let ceremony = Ceremony::open(folder.path()).unwrap();
        (folder, ceremony)
    }

    /// What is taken, and what is left out.
    fn sorted(ceremony: &Ceremony) -> Result<(Vec<String>, Vec<String>), String> {
        let found = archive_set(ceremony).map_err(|error| error.to_string())?;
        Ok((found.files.into_iter().map(|file| file.name).collect(), found.left_out))
    }

    #[track_caller]
    fn refused(ceremony: &Ceremony, why: &str) {
        let refused = sorted(ceremony).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_taken_has_a_name_of_a_ceremony_and_hidden_files_are_not_named() {
        let (folder, ceremony) = begun();
        let write = |name: &str, bytes: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        let taken = [
            "ceremony.toml",
            "circuits/main/ark/verifying_key.compressed.bin",
            "circuits/main/circuit.r1cs",
            "evidence/1/2/3/a.txt",
            "phase1/0001.dsse.json",
            "phase1/0001.ptau",
        ];
        let left_out = [
            // Nobody could show it, or write it on every system.
            "evidence/a:b.txt",
            "evidence/a\u{1b}b.txt",
            "evidence/a.ots.bak",
            "circuits/other/circuit.r1cs",
            "notes.txt",
            "phase1/1.ptau",
        ];
        for name in taken.into_iter().skip(1).chain(left_out) {
            write(name, "text");
        }
        // It lists the others.
        write(crate::index::INDEX, "{}");
        // Not what its ending says, and nobody's evidence.
        for name in [".hidden", "evidence/.a.tsr", "phase1/.0002.ptau"] {
            write(name, "text");
        }
        // They are of other programs, and of an earlier version.
        for name in [".git/config", "evidence/.cache/a", "private/seed"] {
            write(name, KEY);
        }
        let mut expected = left_out.map(str::to_owned);
        expected.sort();
        let found = sorted(&ceremony).unwrap();
        assert_eq!(found, (taken.map(str::to_owned).to_vec(), expected.to_vec()));
        // A key is found in whatever has no place, and in hidden files.
        for name in ["notes.txt", ".env", "phase1/.0002.ptau", "evidence/a.txt"] {
            write(name, KEY);
            refused(&ceremony, "private key");
            write(name, "text");
        }
        sorted(&ceremony).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn an_archive_has_neither_links_nor_devices_nor_names_that_end_a_line() {
        let (folder, ceremony) = begun();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("evidence/1/2/3")).unwrap();
        sorted(&ceremony).unwrap();
        let other = "it is a link, a device, or one too many";
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        for name in ["evidence/a", "a"] {
            std::os::unix::fs::symlink(at("ceremony.toml"), at(name)).unwrap();
            refused(&ceremony, other);
            fs::remove_file(at(name)).unwrap();
            rustix::fs::mkfifoat(rustix::fs::CWD, at(name), mode).unwrap();
            refused(&ceremony, other);
            fs::remove_file(at(name)).unwrap();
        }
        // Below the deepest folder there is none, though it has nothing.
        fs::create_dir(at("evidence/1/2/3/4")).unwrap();
        refused(&ceremony, other);
        fs::remove_dir(at("evidence/1/2/3/4")).unwrap();
        for name in ["a\nb", "a\rb", "a\\b", "evidence/a\nb"] {
            fs::write(at(name), "text").unwrap();
            refused(&ceremony, "its name has a line break or a backslash");
            fs::remove_file(at(name)).unwrap();
        }
        fs::create_dir(at("evidence/a\nb")).unwrap();
        refused(&ceremony, "its name has a line break or a backslash");
    }

    /// A folder of so many steps and these files, each of which is said to have so many bytes.
    #[derive(Debug, Default)]
    struct Said {
        steps: usize,
        files: Vec<&'static str>,
        size: u64,
        /// How often files are opened before they are gone.
        opened: Option<AtomicUsize>,
    }

    /// Four bytes, whatever its end is said to be.
    struct Long(u64, Cursor<&'static [u8]>);

    impl io::Read for Long {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1.read(buffer)
        }
    }

    impl io::Seek for Long {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            match to {
                SeekFrom::End(0) => Ok(self.0),
                _ => self.1.seek(to),
            }
        }
    }

    impl Store for Said {
        fn entries(&self, folder: &Path, _: usize) -> io::Result<Vec<Entry>> {
            let entry = |kind, name: &str| Entry { name: name.into(), kind };
            if folder != Path::new("") {
                return Ok(vec![entry(EntryKind::File, "0001.ptau"); self.steps]);
            }
            let files = self.files.iter().map(|name| entry(EntryKind::File, name));
            Ok([entry(EntryKind::Folder, "phase1")].into_iter().chain(files).collect())
        }
        fn is_present(&self, _: &Path) -> bool {
            true
        }
        fn open(&self, _: &Path) -> Result<Input, ReadError> {
            if let Some(opened) = &self.opened
                && opened.fetch_sub(1, Ordering::Relaxed) == 0
            {
                opened.store(0, Ordering::Relaxed);
                return Err(ReadError::Io(io::ErrorKind::NotFound.into()));
            }
            Ok(Box::new(Long(self.size, Cursor::new(b"text"))))
        }
        fn create(&self, _: &Path, _: bool, _: Readers) -> Result<Output, OutputError> {
            unreachable!()
        }
        fn rename(&self, _: &Path, _: &Path) -> Result<(), OutputError> {
            unreachable!()
        }
    }

    /// How many files are taken, and how many are left out.
    fn counted(said: Said) -> Result<(usize, usize), String> {
        let (_folder, mut ceremony) = begun();
        ceremony.folder = Folder::in_store(Path::new("a"), Arc::new(said));
        sorted(&ceremony).map(|(files, left_out)| (files.len(), left_out.len()))
    }

    #[test]
    fn a_document_is_no_larger_than_a_ceremonys_and_other_files_are_of_any_size() {
        let of =
            |size, name| counted(Said { steps: 1, files: vec![name], size, ..Said::default() });
        assert_eq!(of(MAX_DOCUMENT_BYTES, "report.json"), Ok((2, 0)));
        let large = of(MAX_DOCUMENT_BYTES + 1, "report.json").unwrap_err();
        assert!(large.contains("no document of a ceremony is as large"), "{large}");
        for (name, counts) in [("notes.txt", (1, 1)), (".hidden", (1, 0))] {
            assert_eq!(of(MAX_DOCUMENT_BYTES + 1, name), Ok(counts), "{name}");
        }
    }

    #[test]
    fn a_key_is_looked_for_as_far_into_a_file_as_documents_reach() {
        let (folder, ceremony) = begun();
        let with_key_at = |at: u64| {
            let mut file = fs::File::create(folder.path().join("notes.txt")).unwrap();
            file.seek(SeekFrom::Start(at)).unwrap();
            file.write_all(KEY.as_bytes()).unwrap();
        };
        with_key_at(MAX_DOCUMENT_BYTES - KEY.len() as u64);
        refused(&ceremony, "private key");
        with_key_at(MAX_DOCUMENT_BYTES);
        assert_eq!(sorted(&ceremony).unwrap().1, ["notes.txt"]);
    }

    #[test]
    fn a_folder_has_no_more_files_than_a_ceremony() {
        let of = |files| counted(Said { steps: MAX_FILES - 1, files, ..Said::default() });
        assert_eq!(of(vec!["report.json"]), Ok((MAX_FILES, 0)));
        for files in [vec!["report.json", "report.html"], vec!["notes.txt", "report.html"]] {
            let refused = of(files).unwrap_err();
            assert!(refused.contains("one too many"), "{refused}");
        }
    }

    #[test]
    fn a_file_that_gets_another_name_while_the_folder_is_read_is_no_failure() {
        for opened in [0, 1] {
            let opened = Some(AtomicUsize::new(opened));
            let said = Said { files: vec!["report.json"], opened, ..Said::default() };
            assert_eq!(counted(said), Ok((0, 0)));
        }
    }

    #[test]
    fn a_public_name_is_one_that_an_archive_can_have() {
        let names = PublicNames::of(&crate::fixture::config());
        for name in ["ceremony.toml", "phase1/0001.ptau", "evidence/1/2/3/a.txt"] {
            assert!(names.has(name), "{name}");
        }
        for name in [
            "evidence/1/2/3/4/a.txt",
            "evidence/.a.txt",
            "evidence/../a.txt",
            "evidence//a.txt",
            "evidence/a:b.txt",
            "evidence/a\nb.txt",
            "notes.txt",
            "phase1/1.ptau",
            "circuits/other/circuit.r1cs",
            "private/seed",
        ] {
            assert!(!names.has(name), "{name:?}");
        }
    }
}
