//! The ceremony folder: which file has which name.
//!
//! ```text
//! ceremony.toml
//! phase1/          0000.ptau 0000.dsse.json  0001.ptau 0001.dsse.json ...
//!                  final.ptau final.dsse.json  prepared.ptau prepared.dsse.json
//! circuits/NAME/   circuit.r1cs  0000.zkey 0000.dsse.json  0001.zkey ...
//!                  final.zkey final.dsse.json
//!                  ark/verifying_key.compressed.bin ark/verifying_key.uncompressed.bin
//!                  snarkjs/verification_key.json
//! transcript.json  report.json  report.html  bundle.json  SHA256SUMS  audits/*.dsse.json
//! PARTICIPANT.md   for people: no command reads it
//!
//! ../DIR.private/  proving keys: beside the folder
//! ```
//!
//! Steps only add files, so that a folder can be copied and synchronised. A step exists when its
//! data file does: its maker writes the attestation first. A file that was taken out of the
//! chain stays, with `NNNN.reject.dsse.json` next to it, and the next attempt at the same step is
//! `NNNN-2`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ceremony_core::limits::MAX_CONTRIBUTIONS;
use zk_attest::primitives::CircuitName;
use zk_attest::statement::Phase;

use crate::error::{CeremonyError, at};
use crate::memory::Memory;
use crate::output::{Output, OutputError};
use crate::read_once::ReadOnce;
use crate::resumable::Resumable;
use crate::store::{Entry, EntryKind, Input, LocalDirectory, Readers, Store};

/// Entries of one folder at most: three files for each contribution that a chain can have, and some
/// more for second attempts.
pub(crate) const MAX_ENTRIES: usize = 4 * MAX_CONTRIBUTIONS as usize;

/// The page for participants.
pub(crate) const PARTICIPANT_PAGE: &str = "PARTICIPANT.md";

/// Where strays go: no part of a chain.
pub(crate) const STRAYS: &str = "strays";

/// One chain of files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Track {
    /// Powers of tau.
    Phase1,
    /// The keys of one circuit.
    Circuit(CircuitName),
}

impl Track {
    /// The phase that it belongs to.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self {
            Self::Phase1 => Phase::One,
            Self::Circuit(_) => Phase::Two,
        }
    }

    /// The circuit, in phase 2.
    #[must_use]
    pub fn circuit(&self) -> Option<&CircuitName> {
        match self {
            Self::Phase1 => None,
            Self::Circuit(name) => Some(name),
        }
    }

    pub(crate) fn extension(&self) -> &'static str {
        match self {
            Self::Phase1 => "ptau",
            Self::Circuit(_) => "zkey",
        }
    }
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phase1 => f.write_str("phase 1"),
            Self::Circuit(name) => write!(f, "circuit {name}"),
        }
    }
}

/// The place of a file in its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// 0 opens, 1, 2, ... are contributions.
    Number(u32),
    /// The beacon.
    Final,
    /// The Lagrange bases of phase 1.
    Prepared,
}

/// A file's name, without its ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepName {
    /// Its place.
    pub slot: Slot,
    /// 1, and one more for each attempt that was taken out of the chain.
    pub attempt: u32,
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.slot {
            Slot::Number(number) => write!(f, "{number:04}")?,
            Slot::Final => f.write_str("final")?,
            Slot::Prepared => f.write_str("prepared")?,
        }
        if self.attempt > 1 { write!(f, "-{}", self.attempt) } else { Ok(()) }
    }
}

impl StepName {
    /// The first attempt at a place.
    #[must_use]
    pub fn first(slot: Slot) -> Self {
        Self { slot, attempt: 1 }
    }

    /// The name that is written so, if there is one: each name has one spelling.
    pub(crate) fn parse(stem: &str) -> Option<Self> {
        let (slot, attempt) = stem
            .split_once('-')
            .map_or((stem, Some(1)), |(slot, attempt)| (slot, attempt.parse().ok()));
        let slot = match slot {
            "final" => Slot::Final,
            "prepared" => Slot::Prepared,
            number => Slot::Number(number.parse().ok()?),
        };
        Some(Self { slot, attempt: attempt? }).filter(|name| name.to_string() == stem)
    }
}

/// A path with `/` between its parts, as names in lists have it.
#[must_use]
pub fn slashed(path: &Path) -> String {
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// What stands in a folder under one name: at least one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Presence {
    pub(crate) file: bool,
    pub(crate) attestation: bool,
    pub(crate) rejection: bool,
    /// A link, a folder, a pipe or a device under one of its names.
    pub(crate) irregular: Option<PathBuf>,
}

/// A ceremony folder: the names of its files, and the store that has them.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    store: Arc<dyn Store>,
    memory: Arc<Memory>,
}

impl Folder {
    /// The folder at `root` on this machine, whatever is in it.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self::in_store(root, Arc::new(LocalDirectory::new(root)))
    }

    /// The same for a command that looks at everything: each small file is read once.
    #[must_use]
    pub fn read_once(root: &Path) -> Self {
        Self::in_store(root, Arc::new(ReadOnce::new(LocalDirectory::new(root))))
    }

    /// The folder that a store has. `root` is what paths begin with in reports and messages.
    #[must_use]
    pub fn in_store(root: &Path, store: Arc<dyn Store>) -> Self {
        Self { root: root.into(), store, memory: Arc::default() }
    }

    /// The same folder, with what is known of the steps of another one, or of the same one before.
    #[must_use]
    pub fn remembering(self, other: &Self) -> Self {
        Self { memory: other.memory.clone(), ..self }
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What has the files.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// A path of this folder, as its store names it.
    fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }

    /// The names of one kind in a folder below this one, in order; none where the folder is
    /// missing.
    pub(crate) fn names(
        &self,
        below: &Path,
        kind: EntryKind,
        limit: usize,
    ) -> Result<Vec<String>, CeremonyError> {
        let mut entries =
            self.store.entries(self.relative(below), limit).map_err(at(&self.root.join(below)))?;
        entries.retain(|entry| entry.kind == kind);
        entries.sort();
        Ok(entries.into_iter().map(|entry| entry.name).collect())
    }

    /// Opens a file of this folder.
    ///
    /// # Errors
    /// When it is not there, is not a regular file, or cannot be opened.
    pub fn open(&self, path: &Path) -> Result<Input, CeremonyError> {
        self.store.open(self.relative(path)).map_err(at(path))
    }

    /// The bytes of a file of this folder, at most `limit`.
    ///
    /// # Errors
    /// As [`Self::open`]; or when there are more bytes.
    pub fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, CeremonyError> {
        self.store.read(self.relative(path), limit).map_err(at(path))
    }

    /// Whether something stands at a path of this folder.
    #[must_use]
    pub fn is_present(&self, path: &Path) -> bool {
        self.store.is_present(self.relative(path))
    }

    /// Begins a file of this folder, which appears when it is complete.
    ///
    /// # Errors
    /// When the output is refused, or no temporary file can be made.
    pub fn create(&self, path: &Path, replace: bool) -> Result<Output, CeremonyError> {
        Ok(self.store.create(self.relative(path), replace, Readers::Everyone)?)
    }

    /// [`Self::create`] for a long computation, on this machine: a process that was interrupted is
    /// gone on with.
    ///
    /// # Errors
    /// As [`Resumable::open`].
    pub(crate) fn create_resumable(
        &self,
        path: &Path,
        first_note: &[u8],
    ) -> Result<Resumable, CeremonyError> {
        Ok(Resumable::in_ceremony(&self.root, self.relative(path), first_note)?)
    }

    /// Gives a file of this folder another name, which must be free.
    ///
    /// # Errors
    /// [`OutputError`].
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<(), OutputError> {
        self.store.rename(self.relative(from), self.relative(to))
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The rules.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.root.join("ceremony.toml")
    }

    /// The page for participants, which no command reads.
    #[must_use]
    pub fn participant_page(&self) -> PathBuf {
        self.root.join(PARTICIPANT_PAGE)
    }

    /// The transcript document.
    #[must_use]
    pub fn transcript(&self) -> PathBuf {
        self.root.join("transcript.json")
    }

    /// The bundle.
    #[must_use]
    pub fn bundle(&self) -> PathBuf {
        self.root.join("bundle.json")
    }

    /// Where what is not published goes: beside the folder, so that no copy of the folder has it.
    #[must_use]
    pub fn private(&self) -> PathBuf {
        // `.` and `..` have no name of their own.
        let real = || self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
        let root = if self.root.file_name().is_some() { self.root.clone() } else { real() };
        let mut name = root.file_name().unwrap_or_default().to_owned();
        name.push(".private");
        root.with_file_name(name)
    }

    /// Signed results of audits.
    #[must_use]
    pub fn audits(&self) -> PathBuf {
        self.root.join("audits")
    }

    /// Where the files of a chain are.
    #[must_use]
    pub fn track(&self, track: &Track) -> PathBuf {
        match track {
            Track::Phase1 => self.root.join("phase1"),
            Track::Circuit(name) => self.root.join("circuits").join(name.as_str()),
        }
    }

    /// A circuit's constraint system.
    #[must_use]
    pub fn r1cs(&self, circuit: &CircuitName) -> PathBuf {
        self.track(&Track::Circuit(circuit.clone())).join("circuit.r1cs")
    }

    /// The data file of a step.
    #[must_use]
    pub fn file(&self, track: &Track, name: StepName) -> PathBuf {
        self.track(track).join(format!("{name}.{}", track.extension()))
    }

    /// The attestation of a step.
    #[must_use]
    pub fn attestation(&self, track: &Track, name: StepName) -> PathBuf {
        self.track(track).join(format!("{name}.dsse.json"))
    }

    /// The coordinator's rejection of a step.
    #[must_use]
    pub fn rejection(&self, track: &Track, name: StepName) -> PathBuf {
        self.track(track).join(format!("{name}.reject.dsse.json"))
    }

    /// Where strays of a chain are put, out of everybody's way.
    #[must_use]
    pub fn strays(&self, track: &Track) -> PathBuf {
        let strays = self.root.join(STRAYS);
        match track {
            Track::Phase1 => strays.join("phase1"),
            Track::Circuit(name) => strays.join("circuits").join(name.as_str()),
        }
    }

    /// The finished verifying key of a circuit, canonical compressed, canonical uncompressed, and
    /// as JSON.
    #[must_use]
    pub fn verifying_keys(&self, circuit: &CircuitName) -> [PathBuf; 3] {
        let folder = self.track(&Track::Circuit(circuit.clone()));
        [
            "ark/verifying_key.compressed.bin",
            "ark/verifying_key.uncompressed.bin",
            "snarkjs/verification_key.json",
        ]
        .map(|name| folder.join(name))
    }

    /// The name of a circuit's proving key for arkworks, in a folder that is not published.
    #[must_use]
    pub fn proving_key(circuit: &CircuitName) -> String {
        format!("{circuit}.proving_key.bin")
    }

    /// The steps that have a file in a chain's folder. Names that belong to no step are left alone.
    pub(crate) fn scan(
        &self,
        track: &Track,
    ) -> Result<BTreeMap<StepName, Presence>, CeremonyError> {
        let mut found: BTreeMap<StepName, Presence> = BTreeMap::new();
        let data = format!(".{}", track.extension());
        let folder = self.track(track);
        for Entry { name, kind } in
            self.store.entries(self.relative(&folder), MAX_ENTRIES).map_err(at(&folder))?
        {
            // The longer ending first: a rejection is an attestation too.
            let parsed = [".reject.dsse.json", ".dsse.json", data.as_str()]
                .into_iter()
                .find_map(|ending| Some((StepName::parse(name.strip_suffix(ending)?)?, ending)));
            if let Some((step, ending)) = parsed {
                let presence = found.entry(step).or_default();
                if kind != EntryKind::File {
                    presence.irregular = Some(folder.join(&name));
                }
                match ending {
                    ".reject.dsse.json" => presence.rejection = true,
                    ".dsse.json" => presence.attestation = true,
                    _ => presence.file = true,
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_private_is_beside_the_folder() {
        for (root, private) in [("a/shared", "a/shared.private"), ("shared/", "shared.private")] {
            assert_eq!(Folder::new(Path::new(root)).private(), Path::new(private));
        }
        let here = std::env::current_dir().unwrap();
        let mut name = here.file_name().unwrap().to_owned();
        name.push(".private");
        let private = Folder::new(Path::new(".")).private();
        assert_eq!(private, here.canonicalize().unwrap().with_file_name(name));
    }

    #[test]
    fn a_step_has_one_name() {
        for (text, slot, attempt) in [
            ("0000", Slot::Number(0), 1),
            ("0012-2", Slot::Number(12), 2),
            ("12345", Slot::Number(12_345), 1),
            ("final", Slot::Final, 1),
            ("prepared-3", Slot::Prepared, 3),
        ] {
            let name = StepName::parse(text).unwrap();
            assert_eq!((name, name.to_string().as_str()), (StepName { slot, attempt }, text));
        }
        for text in [
            "",
            "1",
            "00001",
            "0001-1",
            "0001-0",
            "0001-02",
            "0001-",
            "0001-2-2",
            "+001",
            "Final",
            "0001 ",
            "final-x",
            "99999999999",
        ] {
            assert_eq!(StepName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_folder_of_too_many_files_is_not_read_to_its_end() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(root.path());
        let track = folder.track(&Track::Phase1);
        std::fs::create_dir(&track).unwrap();
        for i in 0..MAX_ENTRIES {
            std::fs::File::create(track.join(format!("{i}.txt"))).unwrap();
        }
        assert!(folder.scan(&Track::Phase1).unwrap().is_empty());
        std::fs::File::create(track.join("one.txt")).unwrap();
        let error = folder.scan(&Track::Phase1).unwrap_err().to_string();
        assert!(error.contains("more than 16384"), "{error}");
    }
}
