//! Whether an archive is whole, from one pass over its files in the order in which they come.
//!
//! A finished [`ArchiveCheck`] proves that
//!
//! 1. every file of the archive is one that a ceremony of its rules has, once;
//! 2. every step and rejection is signed by whoever may make it, the steps of each chain follow one
//!    another by their digests, and every data file that a chain reaches is there and has the
//!    attested SHA-256; every circuit is that of the rules;
//! 3. the archive has exactly the files of its signed index, where it has one, and exactly those of
//!    `SHA256SUMS`, where it has that, with these digests: for a reader, one of the two must be
//!    there;
//! 4. the journal, if there is one, is whole and signed, and tells of no step that is not there;
//! 5. the transcript, if there is one, is the one of these rules, steps and rejections; the bundle,
//!    if there is one, is of this transcript, and every exported key is the one that it names.
//!
//! Data files are hashed as they pass, and nothing of them is kept. It does not prove the
//! mathematics of a contribution: that is [`crate::verify`], on an unpacked archive. Neither does
//! it know which rules somebody meant: [`CheckedArchive::rules`] is for the caller to compare.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ceremony_core::progress::Progress;
use sha2::{Digest as _, Sha256};
use zk_attest::diagnostic::{Blame, Diagnostic};
use zk_attest::digest::{ConfigDigest, FileDigest, TranscriptDigest};
use zk_attest::primitives::CeremonyId;
use zk_vk_guard::bundle::Bundle;
use zk_vk_guard::transcript::CheckedTranscript;

use crate::approvals::Approvals;
use crate::archive_set::{MAX_FILES, PublicFile, PublicNames, is_data, is_plain_name};
use crate::document::ensure_of_folder;
use crate::error::{CeremonyError, at, broken};
use crate::evidence::EVIDENCE;
use crate::folder::slashed;
use crate::index::{INDEX, Index, IndexClaim};
use crate::output::{Output, OutputError, OutputFault};
use crate::store::{Entry, EntryKind, Input, ReadError, Readers, Store};
use crate::{Ceremony, Folder, Stage, Track};

/// Bytes of one document at most.
const MAX_DOCUMENT_BYTES: u64 = 64 << 20;
/// Bytes of all documents at most: they are held until the last file has passed.
const MAX_HELD_BYTES: u64 = 512 << 20;
/// The list for standard tools.
const SUMS: &str = "SHA256SUMS";

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct ArchiveCheck {
    files: BTreeMap<String, (u64, FileDigest)>,
    documents: BTreeMap<String, Vec<u8>>,
    held: u64,
}

/// Whether an archive must have a list of its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// Without one, a reader cannot know whether it is whole.
    Needed,
    /// It is held to those that are there: what its maker asks, who has the folder.
    WhereThere,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct CheckedArchive {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// SHA-256 of its rules.
    pub rules: ConfigDigest,
    /// Files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Signed steps whose data files were held to their digests.
    pub steps: usize,
    /// What was signed of the list of files; none where the archive has no index.
    pub index: Option<IndexClaim>,
    /// Whether `SHA256SUMS` was there.
    pub sums: bool,
    /// Entries of the journal, where there is one.
    pub journal: Option<usize>,
    /// The transcript that is there.
    pub transcript: Option<TranscriptDigest>,
    /// Exported keys that are the transcript's.
    pub keys: usize,
    /// Exported keys that were held to nothing: in JSON, or without a transcript.
    pub other_keys: usize,
    /// Whether there are reports, which were held to the lists only.
    pub reports: bool,
    /// Signatures of the bundle; none where there is no bundle.
    pub approvals: Option<Approvals>,
    /// Signed results of audits: good ones, failed ones.
    pub audits: (usize, usize),
    /// Files of evidence.
    pub evidence: usize,
    /// Files under a step's name that no chain reaches.
    pub strays: usize,
    /// Whether every chain is closed.
    pub closed: bool,
}

impl ArchiveCheck {
    /// Takes the next file. `name` is its name in the ceremony's folder.
    ///
    /// # Errors
    /// When it is there twice, is too large for what it is, or breaks off.
    pub fn file(
        &mut self,
        name: &str,
        size: u64,
        source: &mut dyn Read,
        progress: &dyn Progress,
    ) -> Result<(), Diagnostic> {
        let bad = |what: &str| Diagnostic::artefact("archive", what).at(name);
        if !is_plain_name(name) {
            return Err(Diagnostic::artefact("archive", "a ceremony has no file of this name")
                .at(name.escape_debug()));
        }
        if self.files.contains_key(name) {
            return Err(bad("the archive has this file twice"));
        }
        if self.files.len() >= MAX_FILES {
            return Err(bad("the archive has more files than a ceremony")
                .expected(format_args!("at most {MAX_FILES}")));
        }
        let is_kept = !is_data(name) && !name.starts_with(EVIDENCE);
        if is_kept {
            self.held = self.held.saturating_add(size);
            if size > MAX_DOCUMENT_BYTES || self.held > MAX_HELD_BYTES {
                return Err(bad("no document of a ceremony is as large")
                    .found(format_args!("{size} bytes")));
            }
        }
        let (mut hash, mut kept, mut left) = (Sha256::new(), Vec::new(), size);
        let mut buffer = vec![0; 1 << 18];
        while left > 0 {
            let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let count = source.read(&mut buffer[..most]).map_err(|error| {
                Diagnostic::environment("reading", format_args!("reading failed: {error}")).at(name)
            })?;
            if count == 0 {
                return Err(bad("the archive breaks off in this file")
                    .found(format_args!("{} bytes", size - left))
                    .expected(format_args!("{size} bytes")));
            }
            hash.update(&buffer[..count]);
            if is_kept {
                kept.extend_from_slice(&buffer[..count]);
            }
            left -= count as u64;
            progress.advance(count as u64);
        }
        self.files.insert(name.to_owned(), (size, FileDigest(hash.finalize().into())));
        if is_kept {
            self.documents.insert(name.to_owned(), kept);
        }
        Ok(())
    }

    /// Says what the archive is, once all its files have passed. `shown` is what it is called.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn finish(self, shown: &Path, lists: Lists) -> Result<CheckedArchive, Diagnostic> {
        // Everything has been read: a document that is not there is the archive's fault.
        self.judge(shown, lists).map_err(|error| Diagnostic { blame: Blame::Artefact, ..error })
    }

    fn judge(self, shown: &Path, lists: Lists) -> Result<CheckedArchive, Diagnostic> {
        let Self { files, documents, .. } = self;
        let names: BTreeSet<String> = files.keys().cloned().collect();
        let index = documents.get(INDEX).cloned();
        let sums = documents.get(SUMS).cloned();
        let store = Passed { names, documents };
        let ceremony = Ceremony::read(Folder::in_store(shown, Arc::new(store)))?;
        let public = PublicNames::of(&ceremony.config);
        for name in files.keys().filter(|name| *name != INDEX) {
            if !public.has(name) {
                return Err(Diagnostic::artefact("archive", "a ceremony has no file of this name")
                    .at(shown.join(name).display())
                    .hint("someone added it: do not trust what came with it"));
            }
        }
        let (steps, reached) = ensure_attested(&ceremony, &files)?;
        let claim = index
            .map(|bytes| ensure_indexed(&ceremony, &Index::from_json(&bytes)?, &files))
            .transpose()?;
        if let Some(sums) = &sums {
            ensure_summed(&ceremony, sums, &files)?;
        }
        if lists == Lists::Needed && claim.is_none() && sums.is_none() {
            return Err(without_a_list(shown));
        }
        let journal = ceremony.journal()?.map(|journal| journal.entries.len());
        let read = |path: &Path, limit| {
            let present = ceremony.folder.is_present(path);
            present.then(|| ceremony.folder.read(path, limit)).transpose()
        };
        let transcript =
            read(&ceremony.folder.transcript(), zk_vk_guard::limits::MAX_TRANSCRIPT_BYTES)?
                .map(|bytes| CheckedTranscript::from_json(&bytes))
                .transpose()
                .map_err(at(&ceremony.folder.transcript()))?;
        if let Some(transcript) = &transcript {
            ensure_of_folder(&ceremony, transcript)?;
        }
        let keys = ensure_keys(&ceremony, transcript.as_ref(), &files)?;
        let exported = files.keys().filter(|name| is_exported_key(name)).count();
        let transcript = transcript.map(|it| it.digest());
        let bundle = read(&ceremony.folder.bundle(), zk_vk_guard::bundle::MAX_BUNDLE_BYTES)?;
        let approvals = bundle.map(|bytes| ensure_of(&ceremony, &bytes, transcript)).transpose()?;
        let strays = files.keys().filter(|it| is_data(it) && !reached.contains(*it)).count();
        Ok(CheckedArchive {
            ceremony: ceremony.config.document().id.clone(),
            rules: ceremony.config.digest(),
            files: files.len(),
            bytes: files.values().map(|(size, _)| size).sum(),
            steps,
            index: claim,
            sums: sums.is_some(),
            journal,
            transcript,
            keys,
            other_keys: exported - keys,
            reports: files.keys().any(|name| name.starts_with("report.")),
            approvals,
            audits: (ceremony.audits()?.len(), ceremony.failed_audits()?.len()),
            evidence: files.keys().filter(|name| name.starts_with(EVIDENCE)).count(),
            strays,
            closed: ceremony.stage() == Stage::Closed,
        })
    }
}

/// Holds every data file that a signature reaches to its digest; gives their number, and the names
/// of all files that something signed names.
fn ensure_attested(
    ceremony: &Ceremony,
    files: &BTreeMap<String, (u64, FileDigest)>,
) -> Result<(usize, BTreeSet<String>), Diagnostic> {
    ceremony.ensure_sound()?;
    let root = ceremony.folder.root();
    let name_of = |path: &Path| slashed(path.strip_prefix(root).unwrap_or(path));
    let mut reached = BTreeSet::new();
    let mut hold = |path: &Path, digest: FileDigest, is_needed: bool| {
        let name = name_of(path);
        let found = files.get(&name).map(|(_, found)| *found);
        reached.insert(name);
        match found {
            Some(found) if found == digest => Ok(true),
            None if !is_needed => Ok(false),
            Some(found) => Err(broken(path, "the file is not the attested one", found, digest)),
            None => Err(broken(path, "the file is missing", "no file", digest)),
        }
    };
    let mut steps = 0;
    for chain in ceremony.chains() {
        for step in chain.steps.iter().chain(&chain.prepared) {
            hold(&step.path, step.file, true)?;
            steps += 1;
        }
        for gone in &chain.rejected {
            // Rejected files may be gone; what is there is what was rejected.
            hold(&gone.path, gone.file, false)?;
        }
        if let Track::Circuit(name) = &chain.track {
            let digest = ceremony.circuit_digest(name).map(|digest| FileDigest(digest.0));
            if let Some(digest) = digest {
                hold(&ceremony.folder.r1cs(name), digest, true)?;
            }
        }
    }
    Ok((steps, reached))
}

/// Holds the files to the signed list.
fn ensure_indexed(
    ceremony: &Ceremony,
    index: &Index,
    files: &BTreeMap<String, (u64, FileDigest)>,
) -> Result<IndexClaim, Diagnostic> {
    let claim = index.signed(ceremony)?;
    let listed = index.files().iter().map(|file| (file.name.clone(), file.sha256)).collect();
    ensure_listed(ceremony, INDEX, &listed, files)?;
    Ok(claim)
}

fn without_a_list(shown: &Path) -> Diagnostic {
    Diagnostic::artefact(
        "archive",
        "the archive has no list of its files: nobody can say whether it is whole",
    )
    .at(shown.display())
    .expected(format_args!("{INDEX}, signed, or {SUMS}"))
    .hint("run `ceremony verify` and `ceremony index` on the folder, and archive it again")
}

/// What [`ArchiveCheck`] will say of an archive of these files by their names alone, before they
/// are packed.
///
/// # Errors
/// When `SHA256SUMS` names others, or no list is there where one is needed.
pub fn ensure_named(
    ceremony: &Ceremony,
    files: &[PublicFile],
    lists: Lists,
) -> Result<(), Diagnostic> {
    let names: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let sums = ceremony.folder.root().join(SUMS);
    if names.contains(SUMS) {
        let limit = usize::try_from(MAX_DOCUMENT_BYTES).unwrap_or(usize::MAX);
        let listed = summed(ceremony, &ceremony.folder.read(&sums, limit)?)?;
        ensure_names(ceremony, SUMS, &listed, names)?;
    } else if lists == Lists::Needed && !names.contains(INDEX) {
        return Err(without_a_list(ceremony.folder.root()));
    }
    Ok(())
}

/// Holds the files to `SHA256SUMS`.
fn ensure_summed(
    ceremony: &Ceremony,
    sums: &[u8],
    files: &BTreeMap<String, (u64, FileDigest)>,
) -> Result<(), CeremonyError> {
    ensure_listed(ceremony, SUMS, &summed(ceremony, sums)?, files)
}

/// What `SHA256SUMS` names.
fn summed(ceremony: &Ceremony, sums: &[u8]) -> Result<BTreeMap<String, FileDigest>, CeremonyError> {
    let path = ceremony.folder.root().join(SUMS);
    let mut listed = BTreeMap::new();
    for line in String::from_utf8_lossy(sums).lines() {
        let entry = line
            .split_once("  ")
            .and_then(|(digest, name)| Some((name.to_owned(), FileDigest::from_hex(digest).ok()?)));
        let Some((name, digest)) = entry else {
            return Err(broken(
                &path,
                "this is not a list of sums",
                line,
                "SHA256, two spaces, a name",
            ));
        };
        if listed.insert(name, digest).is_some() {
            let what = "the list of sums has a name twice";
            return Err(broken(&path, what, line, "each name once"));
        }
    }
    Ok(listed)
}

/// Holds the files to a list, both ways. The two lists are in neither.
fn ensure_listed(
    ceremony: &Ceremony,
    list: &str,
    listed: &BTreeMap<String, FileDigest>,
    files: &BTreeMap<String, (u64, FileDigest)>,
) -> Result<(), CeremonyError> {
    ensure_names(ceremony, list, listed, files.keys().map(String::as_str).collect())?;
    let differs = listed.iter().find_map(|(name, digest)| {
        let (_, found) = files.get(name)?;
        (found != digest).then_some((name, found, digest))
    });
    match differs {
        Some((name, found, digest)) => {
            let path = ceremony.folder.root().join(name);
            Err(broken(&path, format!("the file is not the one that {list} names"), found, digest))
        }
        None => Ok(()),
    }
}

/// The same of names alone.
fn ensure_names(
    ceremony: &Ceremony,
    list: &str,
    listed: &BTreeMap<String, FileDigest>,
    names: BTreeSet<&str>,
) -> Result<(), CeremonyError> {
    let path = |name: &str| -> PathBuf { ceremony.folder.root().join(name) };
    if let Some((name, digest)) = listed.iter().find(|(name, _)| !names.contains(name.as_str())) {
        let what = format!("a file that {list} names is missing");
        return Err(broken(&path(name), what, "no file", digest));
    }
    // Whoever sums does not know the index yet, which lists the sums.
    let is_free = |name: &str| name == list || name == INDEX;
    match names.into_iter().find(|name| !is_free(name) && !listed.contains_key(*name)) {
        Some(name) => {
            let what = format!("{list} does not name this file");
            Err(broken(
                &path(name),
                what,
                "a file that is not in the list",
                "only files of the list",
            ))
        }
        None => Ok(()),
    }
}

/// Holds the exported keys in arkworks' encodings to those of the transcript; gives their number.
fn ensure_keys(
    ceremony: &Ceremony,
    transcript: Option<&CheckedTranscript>,
    files: &BTreeMap<String, (u64, FileDigest)>,
) -> Result<usize, CeremonyError> {
    let mut held = 0;
    let circuits = transcript.into_iter().flat_map(|it| &it.transcript().circuits);
    for circuit in circuits {
        let [compressed, uncompressed, _] = ceremony.folder.verifying_keys(&circuit.name);
        let named =
            [(compressed, circuit.vk_sha256.0), (uncompressed, circuit.vk_uncompressed_sha256.0)];
        for (path, expected) in named {
            let name = slashed(path.strip_prefix(ceremony.folder.root()).unwrap_or(&path));
            let Some((_, found)) = files.get(&name) else { continue };
            if found.0 != expected {
                let what = "the verifying key is not the one of the transcript";
                return Err(broken(&path, what, found, FileDigest(expected)));
            }
            held += 1;
        }
    }
    Ok(held)
}

/// Whether a public file is a verifying key of a circuit, exported.
fn is_exported_key(name: &str) -> bool {
    let folder = name.strip_prefix("circuits/").and_then(|name| name.split_once('/'));
    folder.is_some_and(|(_, name)| name.starts_with("ark/") || name.starts_with("snarkjs/"))
}

/// Holds the bundle to the transcript that is there, and its signatures to the keys that are known.
fn ensure_of(
    ceremony: &Ceremony,
    bundle: &[u8],
    transcript: Option<TranscriptDigest>,
) -> Result<Approvals, Diagnostic> {
    let path = ceremony.folder.bundle();
    let bundle = Bundle::from_json(bundle).map_err(at(&path))?;
    let of = bundle.checked_transcript().map_err(at(&path))?.digest();
    if Some(of) != transcript {
        let found = transcript.map_or("no transcript.json".into(), |it| it.to_string());
        let what = "the bundle is of another transcript than the archive's";
        return Err(broken(&path, what, found, of).into());
    }
    Ok(Approvals::of(ceremony, &bundle)?)
}

/// The files that passed, of which the documents were kept.
#[derive(Debug)]
struct Passed {
    names: BTreeSet<String>,
    documents: BTreeMap<String, Vec<u8>>,
}

fn read_only(path: &Path) -> OutputError {
    let error = io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "an archive is only read");
    OutputError { path: path.into(), fault: OutputFault::Io { doing: "writing", error } }
}

impl Store for Passed {
    fn entries(&self, folder: &Path, limit: usize) -> io::Result<Vec<Entry>> {
        let prefix = match slashed(folder) {
            prefix if prefix.is_empty() => prefix,
            prefix => format!("{prefix}/"),
        };
        let below = self.names.range(prefix.clone()..);
        let below = below.map_while(|name| name.strip_prefix(&prefix));
        let mut entries: Vec<Entry> = Vec::new();
        for name in below {
            let (name, kind) = match name.split_once('/') {
                Some((folder, _)) => (folder, EntryKind::Folder),
                None => (name, EntryKind::File),
            };
            if entries.last().is_some_and(|last| last.name == name) {
                continue;
            }
            if entries.len() == limit {
                return Err(io::Error::other(format!("more than {limit} names")));
            }
            entries.push(Entry { name: name.to_owned(), kind });
        }
        Ok(entries)
    }

    fn is_present(&self, path: &Path) -> bool {
        self.names.contains(&slashed(path))
    }

    fn open(&self, path: &Path) -> Result<Input, ReadError> {
        match self.documents.get(&slashed(path)) {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            None => Err(ReadError::Io(io::ErrorKind::NotFound.into())),
        }
    }

    fn create(&self, path: &Path, _: bool, _: Readers) -> Result<Output, OutputError> {
        Err(read_only(path))
    }

    fn rename(&self, from: &Path, _: &Path) -> Result<(), OutputError> {
        Err(read_only(from))
    }
}

#[cfg(test)]
mod tests {
    use ceremony_core::progress::NoProgress;

    use super::*;

    #[test]
    fn a_document_and_all_of_them_are_no_larger_than_a_ceremonys() {
        let too_large = "no document of a ceremony is as large";
        let take = |check: &mut ArchiveCheck, name: &str, size| {
            check.file(name, size, &mut io::empty(), &NoProgress).unwrap_err().what
        };
        // Nothing comes: what is refused is refused unread.
        let breaks = "the archive breaks off in this file";
        let mut check = ArchiveCheck::default();
        assert_eq!(take(&mut check, "report.json", MAX_DOCUMENT_BYTES + 1), too_large);
        let mut check = ArchiveCheck::default();
        for n in 0..MAX_HELD_BYTES / MAX_DOCUMENT_BYTES {
            assert_eq!(take(&mut check, &format!("report.{n}"), MAX_DOCUMENT_BYTES), breaks);
        }
        assert_eq!(take(&mut check, "report.html", 1), too_large);
        // Points and evidence are not held.
        for name in ["phase1/0001.ptau", "evidence/large.bin"] {
            assert_eq!(take(&mut check, name, MAX_HELD_BYTES + 1), breaks);
        }
        check.file("evidence/twice", 0, &mut io::empty(), &NoProgress).unwrap();
        assert_eq!(take(&mut check, "evidence/twice", 0), "the archive has this file twice");
        for name in ["../up", "a//b", ".hidden", "a\u{1b}b"] {
            assert_eq!(take(&mut check, name, 0), "a ceremony has no file of this name");
        }
    }

    #[test]
    fn an_archive_has_no_more_files_than_a_ceremony() {
        let mut check = ArchiveCheck::default();
        let mut take =
            |n: usize| check.file(&format!("evidence/{n}"), 0, &mut io::empty(), &NoProgress);
        for n in 0..MAX_FILES {
            take(n).unwrap();
        }
        let error = take(MAX_FILES).unwrap_err();
        assert_eq!(error.what, "the archive has more files than a ceremony");
    }
}
