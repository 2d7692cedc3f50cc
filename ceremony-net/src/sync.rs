//! A working copy of a ceremony's folder, brought up to date from a service.
//!
//! Nothing that comes is believed: names are those of a ceremony's files, digests are the attested
//! ones, and who reads the copy verifies it as any other folder. A file that is here and differs is
//! never overwritten if it is a step: it goes to `strays/`, like whatever else is no step of the
//! chain.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, io};

use ceremony_core::format::ptau::Power;
use ceremony_core::progress::{NoProgress, Progress};
use ceremony_folder::archive_set::{PublicNames, is_data, is_replaceable, is_versioned};
use ceremony_folder::digests::KnownDigests;
use ceremony_folder::evidence::EVIDENCE;
use ceremony_folder::folder::slashed;
use ceremony_folder::journal::{JOURNAL, JOURNAL_HEAD, Journal, MAX_JOURNAL_BYTES, Recorded};
use ceremony_folder::output::{Output, OutputError};
use ceremony_folder::service::{SERVICES, may_appoint};
use ceremony_folder::steps::write_file;
use ceremony_folder::store::{Entry, EntryKind, Input, LocalDirectory, ReadError, Readers, Store};
use ceremony_folder::{Ceremony, Config, Folder, FolderLock, Step, Track};
use zk_attest::diagnostic::{Blame, Diagnostic};
use zk_attest::digest::ConfigDigest;
use zk_attest::program::PROGRAM;

use crate::client::Client;
use crate::protocol::{FileInfo, FileList};

/// Where a file is until it is complete. Hidden, so that no command takes it for a file of the
/// ceremony.
const PARTIAL: &str = ".zk-ceremony-fetch";
/// The largest ceremony.toml.
const MAX_RULES_BYTES: usize = ceremony_folder::config::MAX_CONFIG_BYTES;
/// The largest document that is replaced: a bundle, a journal.
const MAX_DOCUMENT_BYTES: u64 = 64 << 20;
/// The same of all together: several times what the largest ceremony has.
const MAX_DOCUMENTS_BYTES: u64 = 1 << 30;
/// Bytes of a `.ptau` for each power of tau at most, with two sets of Lagrange sections, and for
/// its records.
const LARGEST_ROW: u64 = 2 << 10;
const LARGEST_PTAU: u64 = 64 << 20;
/// How often a list is asked for while its files are replaced, and how long to wait in between: a
/// service looks at its folder every second.
const ATTEMPTS: u32 = 20;
const REPLACED: Duration = Duration::from_millis(500);
/// The longest pause before a list that was empty is asked for again.
const WITHHELD: Duration = Duration::from_secs(10);
const RULES: &str = "ceremony.toml";

/// Where a copy gets its files from.
pub trait Source {
    /// The public files there are.
    ///
    /// # Errors
    /// When it is not reached.
    fn files(&self) -> Result<FileList, Diagnostic>;

    /// How long an empty list is asked for again, before it is taken for one.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// A small file, whole, with the digest of the list.
    ///
    /// # Errors
    /// When it is not reached, or has something else.
    fn small_file(&self, file: &FileInfo, limit: usize) -> Result<Vec<u8>, Diagnostic>;

    /// Fetches a file to `partial`, and goes on from what an earlier attempt left there.
    ///
    /// # Errors
    /// When it is not reached, or has other bytes than it says.
    fn fetch(
        &self,
        file: &FileInfo,
        partial: &Path,
        progress: &dyn Progress,
    ) -> Result<(), Diagnostic>;
}

/// See the module's documentation.
#[derive(Debug)]
pub struct WorkingCopy {
    root: PathBuf,
    store: LocalDirectory,
    /// Remembers the steps that it was read with.
    folder: Folder,
    config: Config,
    /// The names that files may have.
    public: PublicNames,
    /// Digests of files here.
    known: KnownDigests,
    /// Files that the service had at the last update.
    remote: BTreeSet<String>,
    /// The copy of the journal, once it was read.
    journal: Option<Journal>,
}

/// What came with an update.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Updated {
    /// New files.
    pub fetched: Vec<String>,
    /// Files that differed, and where they are now.
    pub set_aside: Vec<(String, PathBuf)>,
}

/// Refuses a list by its sizes, before anything of it fills a disk. Evidence may have any; circuits
/// and keys are as large as a circuit has terms, which no rule says.
fn ensure_of_a_ceremony(files: &[FileInfo], power: Power) -> Result<(), Diagnostic> {
    let too_large = |at: &str, found: u64, limit: u64| {
        Err(Diagnostic::artefact("too-large", "no file of this ceremony is so large")
            .at(at)
            .found(format_args!("{found} bytes"))
            .expected(format_args!("at most {limit} bytes"))
            .hint("tell the coordinator: the service is not what it says"))
    };
    let mut documents = 0u64;
    for FileInfo { name, size, .. } in files {
        let limit = if name.ends_with(".ptau") {
            LARGEST_PTAU + LARGEST_ROW * power.n()
        } else if is_data(name) || name.starts_with(EVIDENCE) {
            continue;
        } else {
            documents = documents.saturating_add(*size);
            MAX_DOCUMENT_BYTES
        };
        if *size > limit {
            return too_large(name, *size, limit);
        }
    }
    if documents > MAX_DOCUMENTS_BYTES {
        return too_large("all documents together", documents, MAX_DOCUMENTS_BYTES);
    }
    Ok(())
}

/// Fetches the rules of a ceremony.
///
/// # Errors
/// When the service is not reached, or has no sound rules.
pub fn rules(source: &dyn Source, files: &FileList) -> Result<Config, Diagnostic> {
    if files.files.is_empty() {
        return Err(withheld());
    }
    let Some(file) = files.files.iter().find(|file| file.name == RULES) else {
        return Err(Diagnostic::environment("no-rules", "the service hands out no rules")
            .expected(RULES)
            .hint("tell the coordinator: the service's log has the reason"));
    };
    let bytes = source.small_file(file, MAX_RULES_BYTES)?;
    Config::from_toml(&bytes).map_err(|error| Diagnostic::from(&error).at(RULES))
}

impl WorkingCopy {
    /// Opens a copy, or begins one, of the ceremony with these rules.
    ///
    /// # Errors
    /// When the folder has another ceremony, or cannot be written.
    pub fn open(root: &Path, config: Config) -> Result<Self, Diagnostic> {
        let failed = |error: io::Error| {
            Diagnostic::environment("writing", format_args!("making the folder failed: {error}"))
                .at(root.display())
        };
        fs::create_dir_all(root).map_err(failed)?;
        let store = LocalDirectory::new(root);
        let mut copy = Self {
            root: root.into(),
            store,
            folder: Folder::new(root),
            public: PublicNames::of(&config),
            config,
            known: KnownDigests::default(),
            remote: BTreeSet::new(),
            journal: None,
        };
        let path = copy.folder.config();
        if copy.store.is_present(Path::new(RULES)) {
            let bytes = copy.folder.read(&path, MAX_RULES_BYTES)?;
            let (found, expected) = (ConfigDigest::of(&bytes), copy.config.digest());
            if found != expected {
                return Err(Diagnostic::environment(
                    "another-ceremony",
                    "the folder has another ceremony",
                )
                .at(path.display())
                .found(found)
                .expected(expected)
                .hint("name another folder with --dir"));
            }
        } else {
            let bytes = copy.config.bytes().to_vec();
            copy.write(RULES, &bytes)?;
        }
        fs::create_dir_all(copy.root.join(PARTIAL)).map_err(failed)?;
        Ok(copy)
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The rules.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), Diagnostic> {
        use std::io::Write as _;
        let failed = |error: io::Error| {
            Diagnostic::environment("writing", format_args!("writing failed: {error}")).at(name)
        };
        let mut output = self
            .store
            .create(Path::new(name), true, Readers::Everyone)
            .map_err(ceremony_folder::CeremonyError::from)?;
        output.write_all(bytes).map_err(failed)?;
        Ok(output.commit().map_err(ceremony_folder::CeremonyError::from)?)
    }

    /// Fetches those of the service's files that are wanted and not here, the signed side first: a
    /// data file without its attestation is nothing. What is replaced meanwhile is fetched again.
    ///
    /// # Errors
    /// When the service is not reached, or names files that a ceremony does not have.
    pub fn update(
        &mut self,
        source: &dyn Source,
        wanted: impl Fn(&str) -> bool,
        progress: &dyn Progress,
    ) -> Result<Updated, Diagnostic> {
        let _lock = FolderLock::take(&self.root)?;
        let mut updated = Updated::default();
        for attempt in 1.. {
            let listed = all_files(source)?;
            self.remote = listed.files.iter().map(|file| file.name.clone()).collect();
            let mut files: Vec<FileInfo> = listed
                .files
                .into_iter()
                .filter(|file| file.name != RULES && wanted(&file.name))
                .collect();
            ensure_of_a_ceremony(&files, self.config.power())?;
            files.sort_by_key(|file| (is_data(&file.name), file.name.clone()));
            let fetched =
                files.iter().try_for_each(|file| self.fetch(source, file, &mut updated, progress));
            match fetched {
                Err(error) if error.code == "changed" && attempt < ATTEMPTS => {
                    std::thread::sleep(REPLACED);
                }
                fetched => {
                    fetched?;
                    break;
                }
            }
        }
        Ok(updated)
    }

    fn fetch(
        &mut self,
        source: &dyn Source,
        file: &FileInfo,
        updated: &mut Updated,
        progress: &dyn Progress,
    ) -> Result<(), Diagnostic> {
        let name = &file.name;
        if !self.public.has(name) {
            return Err(Diagnostic::artefact("name", "a ceremony has no file of this name")
                .at(name)
                .hint("tell the coordinator: the service is not what it says"));
        }
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if file.sha256.len() != 64 || !file.sha256.bytes().all(hex) {
            return Err(Diagnostic::artefact("protocol", "this is no SHA-256")
                .at(name)
                .found(&file.sha256)
                .expected("64 hexadecimal digits"));
        }
        if self.digest(name)?.is_some_and(|found| found == file.sha256) {
            return Ok(());
        }
        if let Some(to) = self.set_aside(name)? {
            updated.set_aside.push((name.clone(), to));
        }
        let partial = self.root.join(PARTIAL).join(&file.sha256);
        source.fetch(file, &partial, progress).map_err(|mut error| {
            if error.code == "damaged" && is_versioned(name) {
                error.code = "changed".into();
            }
            error
        })?;
        self.put(&partial, name)?;
        updated.fetched.push(name.clone());
        Ok(())
    }

    /// Brings the copy of the journal up to date. The journal that is here stays when the service's
    /// is another one, which is kept in `strays/` then, as far as the service shows it: two signed
    /// heads, with their lines, for `ceremony judge`.
    ///
    /// # Errors
    /// When the service is not reached, or its journal does not go on from the one that is here.
    pub fn update_journal(&mut self, client: &Client) -> Result<(), Diagnostic> {
        match self.follow_journal(client) {
            Err(error) if error.blame == Blame::Artefact => Err(self.keep_other(client, error)),
            followed => followed,
        }
    }

    /// The entries of the copy of the journal, as far as it was brought up to date.
    #[must_use]
    pub fn journal(&self) -> &[Recorded] {
        self.journal.as_ref().map_or(&[], |journal| journal.entries())
    }

    fn keep_other(&mut self, client: &Client, error: Diagnostic) -> Diagnostic {
        let [lines, head] = [JOURNAL, JOURNAL_HEAD].map(|name| format!("strays/other.{name}"));
        let mut other = String::new();
        let mut from = 0;
        let signed = loop {
            let Ok(part) = client.journal(from) else { break None };
            from += part.lines.lines().count() as u64;
            other.push_str(&part.lines);
            if part.head.is_some() || part.lines.is_empty() || other.len() > MAX_JOURNAL_BYTES {
                break part.head;
            }
        };
        let Some(signed) = signed else { return error };
        let kept = self
            .write(&lines, other.as_bytes())
            .and_then(|()| self.write(&head, &signed.to_json()));
        if kept.is_err() {
            return error;
        }
        let root = self.root.display();
        Diagnostic { code: "history-changed".into(), ..error }.hint(format_args!(
            "keep this folder, and tell the participants: `{PROGRAM} ceremony judge {root} \
             {root}/{head} --journal {root}/{lines}` says whether the service contradicts itself"
        ))
    }

    fn follow_journal(&mut self, client: &Client) -> Result<(), Diagnostic> {
        let _lock = FolderLock::take(&self.root)?;
        let ceremony = Ceremony::read(self.folder.clone())?;
        let journal = match self.journal.take().filter(Journal::is_current) {
            Some(journal) => journal,
            None => Journal::open(&ceremony)?.0,
        };
        let journal = self.journal.insert(journal);
        loop {
            let here = journal.entries().len() as u64;
            let part = client.journal(here)?;
            journal.append_lines(&part.lines)?;
            let Some(head) = part.head else {
                if part.lines.is_empty() {
                    return Ok(());
                }
                continue;
            };
            ceremony.signed_head(journal.entries(), &head)?;
            let path = self.root.join(JOURNAL_HEAD);
            return Ok(write_file(&ceremony, &path, &head.to_json(), true)?);
        }
    }

    /// The ceremony as its signed side tells it, with the data files that the service has and this
    /// copy has not. New files go to this copy. `shown` is what paths begin with.
    ///
    /// # Errors
    /// When there are no sound rules.
    pub fn ceremony(&self, shown: &Path) -> Result<Ceremony, Diagnostic> {
        let store = Listed { local: self.store.clone(), names: self.remote.clone() };
        let folder = Folder::in_store(shown, Arc::new(store)).remembering(&self.folder);
        Ok(Ceremony::read(folder)?)
    }

    /// Whether the service had a file at the last update.
    #[must_use]
    pub fn is_listed(&self, name: &str) -> bool {
        self.remote.contains(name)
    }

    /// Moves a step of this copy that the service does not have, data file and attestation, to
    /// `strays/`, and says where they are now.
    ///
    /// # Errors
    /// When moving fails.
    pub fn set_step_aside(
        &mut self,
        ceremony: &Ceremony,
        track: &Track,
        step: &Step,
    ) -> Result<Vec<PathBuf>, Diagnostic> {
        let _lock = FolderLock::take(&self.root)?;
        // The data file last: without its attestation it is no step.
        let paths = [ceremony.folder.attestation(track, step.name), step.path.clone()];
        let mut moved = Vec::new();
        for path in paths {
            let name = slashed(path.strip_prefix(ceremony.folder.root()).unwrap_or(&path));
            moved.extend(self.set_aside(&name)?);
        }
        Ok(moved)
    }

    /// Gives a fetched file its name.
    fn put(&mut self, partial: &Path, name: &str) -> Result<(), Diagnostic> {
        if is_replaceable(name) {
            let bytes = fs::read(partial).map_err(|error| {
                Diagnostic::environment("reading", format_args!("reading failed: {error}"))
                    .at(partial.display())
            })?;
            if name == JOURNAL {
                self.ensure_goes_on(&bytes)?;
            }
            if name.starts_with(SERVICES)
                && !may_appoint(&Ceremony::read(self.folder.clone())?, name, &bytes)
            {
                let _ = fs::remove_file(partial);
                return Err(Diagnostic::artefact("appointment", "this appoints no service")
                    .at(name)
                    .expected("an appointment that a coordinator of this ceremony signed")
                    .hint("tell the coordinator: what is there is not what it says"));
            }
            self.write(name, &bytes)?;
            let _ = fs::remove_file(partial);
            return Ok(());
        }
        // Makes the folders on the way, and refuses links in them.
        drop(
            self.store
                .create(Path::new(name), false, Readers::Everyone)
                .map_err(ceremony_folder::CeremonyError::from)?,
        );
        let from = partial.strip_prefix(&self.root).unwrap_or(partial);
        self.store
            .rename(from, Path::new(name))
            .map_err(|error| ceremony_folder::CeremonyError::from(error).into())
    }

    /// A journal only grows: another one tells another history.
    fn ensure_goes_on(&self, journal: &[u8]) -> Result<(), Diagnostic> {
        let here = match self.store.read(Path::new(JOURNAL), MAX_JOURNAL_BYTES) {
            Ok(here) => here,
            Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                return Err(Diagnostic::environment("reading", error).at(JOURNAL));
            }
        };
        if journal.starts_with(&here) {
            return Ok(());
        }
        Err(Diagnostic::artefact(
            "history-changed",
            "the journal there does not go on from the one that this copy has",
        )
        .at(JOURNAL)
        .found(format_args!("{} bytes that begin otherwise", journal.len()))
        .expected(format_args!("the {} bytes that are here, and more", here.len()))
        .hint("keep this copy, and tell the participants"))
    }

    /// Keeps a document of the source itself in this copy.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&mut self, name: &str, bytes: &[u8]) -> Result<(), Diagnostic> {
        let _lock = FolderLock::take(&self.root)?;
        self.write(name, bytes)
    }

    /// The SHA-256 of a file that is here.
    fn digest(&mut self, name: &str) -> Result<Option<String>, Diagnostic> {
        let path = self.root.join(name);
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        let (_, digest) = self.known.of(&Folder::new(&self.root), &path, &NoProgress)?;
        Ok(Some(digest.to_string()))
    }

    /// Moves a step's file that differs from the service's out of the way.
    fn set_aside(&mut self, name: &str) -> Result<Option<PathBuf>, Diagnostic> {
        if is_replaceable(name) || !self.store.is_present(Path::new(name)) {
            return Ok(None);
        }
        for number in 1..1000 {
            let ending = if number == 1 { String::new() } else { format!(".{number}") };
            let to = PathBuf::from(format!("strays/{name}{ending}"));
            match self.store.rename(Path::new(name), &to) {
                Ok(()) => return Ok(Some(to)),
                Err(error)
                    if matches!(error.fault, ceremony_folder::output::OutputFault::Exists) => {}
                Err(error) => return Err(ceremony_folder::CeremonyError::from(error).into()),
            }
        }
        Err(Diagnostic::environment("strays", "too many files of one name in strays/").at(name))
    }
}

/// What a source hands out. A ceremony has its rules at least: an empty list says that something
/// is withheld, and must not be read as if everything were gone.
fn all_files(source: &dyn Source) -> Result<FileList, Diagnostic> {
    let begun = Instant::now();
    let mut pause = REPLACED;
    loop {
        let listed = source.files()?;
        if !listed.files.is_empty() {
            return Ok(listed);
        }
        if begun.elapsed() + pause >= source.patience() {
            return Err(withheld());
        }
        if pause == REPLACED {
            tracing::warn!("{}: asking again", withheld().what);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(WITHHELD);
    }
}

/// Why there is nothing to fetch.
fn withheld() -> Diagnostic {
    Diagnostic::environment("withheld", "the service hands out no file of the ceremony")
        .expected("its public files, the rules among them")
        .hint(
            "tell the coordinator: something in the folder must not be handed out, and the \
             service's log says what; run the same command again once that is fixed",
        )
}

/// A folder of which some files are elsewhere.
#[derive(Debug)]
struct Listed {
    local: LocalDirectory,
    names: BTreeSet<String>,
}

impl Store for Listed {
    fn entries(&self, folder: &Path, limit: usize) -> io::Result<Vec<Entry>> {
        let mut entries = self.local.entries(folder, limit)?;
        let prefix = slashed(folder);
        let prefix = if prefix.is_empty() { prefix } else { format!("{prefix}/") };
        for name in self.names.iter().filter_map(|name| name.strip_prefix(&prefix)) {
            let is_new = !name.contains('/') && !entries.iter().any(|entry| entry.name == name);
            if is_new && entries.len() < limit {
                entries.push(Entry { name: name.into(), kind: EntryKind::File });
            }
        }
        Ok(entries)
    }

    fn is_present(&self, path: &Path) -> bool {
        self.local.is_present(path) || self.names.contains(&slashed(path))
    }

    fn open(&self, path: &Path) -> Result<Input, ReadError> {
        self.local.open(path)
    }

    fn create(&self, path: &Path, replace: bool, by: Readers) -> Result<Output, OutputError> {
        self.local.create(path, replace, by)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), OutputError> {
        self.local.rename(from, to)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use zk_attest::key::PublicKey;

    use super::*;

    fn config() -> Config {
        let key = |seed| {
            let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
            PublicKey::from_bytes(secret.verifying_key().as_bytes()).unwrap()
        };
        let text = format!(
            "format = \"zk-ceremony/1\"\nid = \"test-1\"\nkind = \"rehearsal\"\ncurve = \
             \"bn254\"\npower = 8\n\n[minimum_contributions]\nphase1 = 1\nphase2 = \
             1\n\n[coordinator]\nname = \"coordinator\"\nkey = \"{}\"\n\n[[participants]]\nname = \
             \"alice\"\nkey = \"{}\"\nphases = [1, 2]\n\n[beacon.phase1]\nsource = \"a \
             chain\"\nround = 1\nexponent = 10\n\n[beacon.phase2]\nsource = \"a chain\"\nround = \
             2\nexponent = 10\n\n[[circuits]]\nname = \"main\"\nsha256 = \"{}\"\nprogram = \"main \
             v1\"\n",
            key(1),
            key(2),
            "00".repeat(32)
        );
        Config::from_toml(text.as_bytes()).unwrap()
    }

    /// Lists one file, and does not have it.
    struct Lists(FileInfo, Cell<bool>);

    impl Source for Lists {
        fn files(&self) -> Result<FileList, Diagnostic> {
            Ok(FileList { files: vec![self.0.clone()] })
        }

        fn small_file(&self, _: &FileInfo, _: usize) -> Result<Vec<u8>, Diagnostic> {
            unreachable!()
        }

        fn fetch(&self, _: &FileInfo, _: &Path, _: &dyn Progress) -> Result<(), Diagnostic> {
            self.1.set(true);
            Err(Diagnostic::environment("network", "it is not here"))
        }
    }

    /// Withholds everything, so many times.
    struct Withholds(Cell<u32>);

    impl Source for Withholds {
        fn files(&self) -> Result<FileList, Diagnostic> {
            let left = self.0.get();
            self.0.set(left.saturating_sub(1));
            let file = FileInfo { name: RULES.into(), size: 1, sha256: "0a".repeat(32) };
            Ok(FileList { files: if left == 0 { vec![file] } else { Vec::new() } })
        }

        fn patience(&self) -> Duration {
            2 * REPLACED
        }

        fn small_file(&self, _: &FileInfo, _: usize) -> Result<Vec<u8>, Diagnostic> {
            unreachable!()
        }

        fn fetch(&self, _: &FileInfo, _: &Path, _: &dyn Progress) -> Result<(), Diagnostic> {
            unreachable!()
        }
    }

    #[test]
    fn an_empty_list_is_said_to_be_withheld_if_it_stays_so() {
        let folder = tempfile::tempdir().unwrap();
        let mut copy = WorkingCopy::open(folder.path(), config()).unwrap();
        let mut update = |times| copy.update(&Withholds(Cell::new(times)), |_| true, &NoProgress);
        update(1).unwrap();
        let error = update(u32::MAX).unwrap_err();
        assert_eq!((error.code.as_str(), error.place.as_deref()), ("withheld", None));
    }

    /// Has one file, and not the one it should be.
    struct Junk(&'static str);

    impl Source for Junk {
        fn files(&self) -> Result<FileList, Diagnostic> {
            let sha256 = zk_attest::digest::FileDigest::of(b"{}").to_string();
            Ok(FileList { files: vec![FileInfo { name: self.0.into(), size: 2, sha256 }] })
        }

        fn small_file(&self, _: &FileInfo, _: usize) -> Result<Vec<u8>, Diagnostic> {
            unreachable!()
        }

        fn fetch(&self, _: &FileInfo, to: &Path, _: &dyn Progress) -> Result<(), Diagnostic> {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, "{}").unwrap();
            Ok(())
        }
    }

    /// Anybody who answers for a bucket lists what they like, before an index is held to its
    /// signature.
    #[test]
    fn an_appointment_that_no_coordinator_signed_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut copy = WorkingCopy::open(folder.path(), config()).unwrap();
        let name = "services/0000000000000000.dsse.json";
        fs::create_dir(folder.path().join("services")).unwrap();
        fs::write(folder.path().join(name), "what was here").unwrap();
        for junk in [name, "services/x.dsse.json"] {
            let error = copy.update(&Junk(junk), |_| true, &NoProgress).unwrap_err();
            assert_eq!(error.code, "appointment");
        }
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), b"what was here");
        assert_eq!(fs::read_dir(folder.path().join("services")).unwrap().count(), 1);
    }

    #[test]
    fn what_a_list_says_of_a_file_is_judged_before_the_file_is_fetched() {
        let folder = tempfile::tempdir().unwrap();
        let mut copy = WorkingCopy::open(folder.path(), config()).unwrap();
        let mut refused = |name: &str, size: u64, sha256: &str| {
            let file = FileInfo { name: name.into(), size, sha256: sha256.into() };
            let source = Lists(file, Cell::new(false));
            let code = copy.update(&source, |_| true, &NoProgress).unwrap_err().code;
            assert_eq!(source.1.get(), code == "network", "{name}, {size} bytes, {sha256}");
            code.to_string()
        };
        let digest = "0a".repeat(32);
        assert_eq!(refused("report.json", MAX_DOCUMENT_BYTES, &digest), "network");
        assert_eq!(refused("phase1/0001.ptau", 1 << 26, &digest), "network");
        assert_eq!(refused("phase1/0001.ptau", 1 << 27, &digest), "too-large");
        for name in ["circuits/main/0001.zkey", "evidence/film.mp4"] {
            assert_eq!(refused(name, 1 << 40, &digest), "network");
        }
        // A document is held in memory before it gets its name.
        for name in ["report.json", "journal.jsonl", "roster/0001.dsse.json"] {
            assert_eq!(refused(name, MAX_DOCUMENT_BYTES + 1, &digest), "too-large");
        }
        let document = |i| FileInfo {
            name: format!("phase1/{i:04}.dsse.json"),
            size: MAX_DOCUMENT_BYTES,
            sha256: digest.clone(),
        };
        let documents: Vec<FileInfo> = (1..18).map(document).collect();
        let power = config().power();
        ensure_of_a_ceremony(&documents[..16], power).unwrap();
        let error = ensure_of_a_ceremony(&documents, power).unwrap_err();
        assert_eq!(error.place.as_deref(), Some("all documents together"));
        // Part of a path.
        let up = format!("../{}", &digest[3..]);
        for sha256 in ["", &digest[1..], &digest.to_uppercase(), &up] {
            assert_eq!(refused("report.json", 1, sha256), "protocol");
        }
        for name in ["notes.txt", "../report.json", "evidence/a\nb", "private/key.pem"] {
            assert_eq!(refused(name, 1, &digest), "name");
        }
    }
}
