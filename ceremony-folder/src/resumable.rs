//! Outputs of long computations, which a command that was interrupted goes on with.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ceremony_core::format::scratch::ScratchFile;

use crate::output::{Output, OutputError, OutputFault, Temporary, io_error, judge, place_of};
use crate::place::{Place, Readers};
use crate::store::ReadError;

/// Bytes of a note at most.
const MAX_NOTE_BYTES: u64 = 4096;

/// An output `OUT` that is made under the name `OUT.unfinished`, with a scratch file
/// `OUT.unfinished.scratch` and a note `OUT.unfinished.json` of what it is and how far it has come.
///
/// The note is written first, so a file of the first name without a note is unrelated and is not
/// touched. All three stay when the process ends after [`Keeper::keep`]; before that, and after
/// [`Self::commit`], they are removed.
///
/// In the folder of a ceremony the three names begin with `.zk-ceremony-`: no command that reads,
/// lists, packs or publishes the folder takes a hidden file for one of the ceremony's.
#[derive(Debug)]
pub struct Resumable {
    output: Output,
    scratch: (File, Temporary),
    /// The scratch file again.
    synced: File,
    note: (Place, Temporary),
    unfinished: PathBuf,
    found: Option<Found>,
}

/// What an earlier process left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The output, under the name that it has until it is finished.
    pub unfinished: PathBuf,
    /// What and how far.
    pub note: Vec<u8>,
}

/// With what a ceremony's working files begin.
const HIDDEN: &str = ".zk-ceremony-";

/// The names under which an output is made.
struct Names {
    /// Of the output, until it has its own.
    path: PathBuf,
    temporary: Place,
    scratch: Place,
    note: Place,
}

impl Names {
    /// Those of the output at `path`, each with a prefix.
    fn of(place: &Place, path: &Path, prefix: &str) -> Self {
        let name = path.file_name().unwrap_or_default();
        let name: OsString =
            [OsStr::new(prefix), name, OsStr::new(".unfinished")].into_iter().collect();
        let named = |suffix: &str| {
            let name: OsString = [name.as_os_str(), OsStr::new(suffix)].into_iter().collect();
            place.beside(name)
        };
        Self {
            temporary: named(""),
            scratch: named(".scratch"),
            note: named(".json"),
            path: path.with_file_name(&name),
        }
    }

    fn path(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    /// The note that an earlier process left, if what it is about is there.
    fn found(&self) -> Result<Option<Found>, OutputError> {
        let note = match self.note.open() {
            Ok(file) => Some(read_note(file, &self.path(".json"))?),
            Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) => return Err(in_the_way(self.path(".json"))),
        };
        let mut all = true;
        for (place, suffix) in [(&self.temporary, ""), (&self.scratch, ".scratch")] {
            let path = || self.path(suffix);
            let there = place.kind().map_err(|e| io_error(&path(), "opening", e))?.is_some();
            // Without a note the files are unrelated; with one, they are too little to resume.
            if there && note.is_none() {
                return Err(in_the_way(path()));
            }
            all &= there;
        }
        let found = |note| Found { unfinished: self.path.clone(), note };
        Ok(note.filter(|_| all).map(found))
    }
}

impl Resumable {
    /// All that [`Self::open`] judges, before there is a note to begin with: makes nothing, and
    /// returns the note that an earlier process left.
    ///
    /// # Errors
    /// As [`Self::open`], but for [`OutputFault::Busy`].
    pub fn judge(
        path: &Path,
        replace: bool,
        inputs: &[&Path],
    ) -> Result<Option<Found>, OutputError> {
        let place = place_of(path, replace, inputs)?;
        judge(&place, path, replace)?;
        Names::of(&place, path, "").found()
    }

    /// Judges the output as [`Output::create`] does, and opens what an earlier process left, or
    /// begins anew with a first note. `inputs` may not be the output.
    ///
    /// # Errors
    /// [`OutputFault`]: also [`OutputFault::Busy`] where another process is at it, and
    /// [`OutputFault::InTheWay`] for an unrelated file with one of the three names.
    pub fn open(
        path: &Path,
        replace: bool,
        inputs: &[&Path],
        first_note: &[u8],
    ) -> Result<Self, OutputError> {
        Self::at(&place_of(path, replace, inputs)?, path, replace, "", first_note)
    }

    /// An output in the folder of a ceremony, `name` below `root`, which nothing may have yet.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn in_ceremony(
        root: &Path,
        name: &Path,
        first_note: &[u8],
    ) -> Result<Self, OutputError> {
        let path = root.join(name);
        let place = Place::beneath(root, name, Some(Readers::Everyone))
            .map_err(|error| io_error(&path, "opening its folder", error))?;
        Self::at(&place, &path, false, HIDDEN, first_note)
    }

    fn at(
        place: &Place,
        path: &Path,
        replace: bool,
        prefix: &str,
        first_note: &[u8],
    ) -> Result<Self, OutputError> {
        judge(place, path, replace)?;
        let names = Names::of(place, path, prefix);
        let found = names.found()?;
        let scratch_path = names.path(".scratch");
        if found.is_none() {
            write_note(&names.note, first_note)
                .map_err(|e| io_error(&names.path(".json"), "writing", e))?;
        }
        let Names { path: unfinished, temporary, scratch, note } = names;
        let mut output = Output::resume(path, replace, temporary)?;
        if found.is_some() {
            output.keep().map_err(|error| io_error(path, "writing", error))?;
        }
        let file = match scratch.create_new(Readers::Everyone) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                scratch.open_for_append().map_err(|_| in_the_way(scratch_path))?
            }
            created => created.map_err(|e| io_error(&scratch_path, "creating", e))?,
        };
        let synced =
            file.try_clone().map_err(|error| io_error(path, "creating a temporary file", error))?;
        let mut this = Self {
            output,
            synced,
            scratch: (file, Temporary::registered(scratch)),
            note: (note.clone(), Temporary::registered(note)),
            unfinished,
            found,
        };
        // What an earlier process kept is kept on.
        if this.found.is_some() {
            let (output, _, mut keeper) = this.parts();
            keeper.keep_files(output).map_err(|error| io_error(path, "writing", error))?;
        }
        Ok(this)
    }

    /// What an earlier process left.
    #[must_use]
    pub fn found(&self) -> Option<&Found> {
        self.found.as_ref()
    }

    /// Where the output is until it is finished.
    #[must_use]
    pub fn unfinished(&self) -> &Path {
        &self.unfinished
    }

    /// The output, the scratch file, and what keeps them.
    pub fn parts(&mut self) -> (&mut Output, &mut ScratchFile, Keeper<'_>) {
        let Self { output, scratch: (file, scratch), note: (place, note), synced, .. } = self;
        (output, file, Keeper { synced, temporary: [scratch, note], note: place })
    }

    /// Gives the output its name and removes the rest.
    ///
    /// # Errors
    /// As [`Output::commit`].
    pub fn commit(self) -> Result<(), OutputError> {
        let (output, aids) = self.finish();
        output.commit()?;
        aids.remove();
        Ok(())
    }

    /// The finished output, which has no name yet, and what helped to make it. Whatever was kept
    /// stays until both are done with.
    pub(crate) fn finish(self) -> (Output, Aids) {
        let Self { output, scratch: (_, scratch), note: (_, note), .. } = self;
        (output, Aids { scratch, note })
    }

    /// Removes everything, also what was kept.
    pub fn discard(self) {
        let (output, aids) = self.finish();
        output.discard();
        aids.remove();
    }
}

/// The scratch file and the note of a finished output.
#[derive(Debug)]
pub struct Aids {
    scratch: Temporary,
    note: Temporary,
}

impl Aids {
    /// Removes both.
    pub fn remove(mut self) {
        self.scratch.end();
        self.note.end();
    }
}

/// Keeps an unfinished output for the next process.
pub struct Keeper<'a> {
    /// The scratch file, to flush it.
    synced: &'a File,
    temporary: [&'a mut Temporary; 2],
    note: &'a Place,
}

impl Keeper<'_> {
    /// Makes output and scratch file last, and then the note. Whatever happens after that, the next
    /// process finds them.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn keep(&mut self, output: &mut Output, note: &[u8]) -> io::Result<()> {
        self.keep_files(output)?;
        write_note(self.note, note)
    }

    fn keep_files(&mut self, output: &mut Output) -> io::Result<()> {
        output.keep()?;
        self.synced.sync_all()?;
        self.temporary.iter_mut().for_each(|temporary| temporary.keep());
        Ok(())
    }
}

fn in_the_way(path: PathBuf) -> OutputError {
    OutputError { path, fault: OutputFault::InTheWay }
}

fn read_note(file: File, path: &Path) -> Result<Vec<u8>, OutputError> {
    let mut note = Vec::new();
    file.take(MAX_NOTE_BYTES + 1)
        .read_to_end(&mut note)
        .map_err(|error| io_error(path, "reading", error))?;
    if note.len() as u64 > MAX_NOTE_BYTES { Err(in_the_way(path.into())) } else { Ok(note) }
}

/// Replaces the note as a whole.
fn write_note(place: &Place, note: &[u8]) -> io::Result<()> {
    let (mut file, temporary) = Temporary::beside(place, Readers::Everyone)?;
    file.write_all(note)?;
    file.sync_all()?;
    temporary.rename(place.name(), true)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Seek;

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.0.path()).unwrap();
            let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
            let mut names: Vec<String> =
                entries.map(|entry| name(entry).into_string().unwrap()).collect();
            names.sort();
            names
        }

        /// Opens an output and keeps it with a note.
        fn keep(&self, note: &[u8]) -> Resumable {
            let mut opened = self.open().unwrap();
            let (output, _, mut keeper) = opened.parts();
            keeper.keep(output, note).unwrap();
            opened
        }

        fn open(&self) -> Result<Resumable, OutputError> {
            Resumable::open(&self.path("out"), false, &[], b"first")
        }
    }

    const UNFINISHED: [&str; 3] =
        ["out.unfinished", "out.unfinished.json", "out.unfinished.scratch"];

    #[test]
    fn what_was_kept_is_there_for_the_next_process() {
        let folder = Folder::new();
        let mut first = folder.open().unwrap();
        assert_eq!(first.found(), None);
        let (output, scratch, mut keeper) = first.parts();
        output.write_all(b"half").unwrap();
        scratch.write_all(b"scratch").unwrap();
        keeper.keep(output, b"half done").unwrap();
        drop(first);
        assert_eq!(folder.names(), UNFINISHED);

        let mut second = folder.open().unwrap();
        assert_eq!(second.found().unwrap().note, b"half done");
        assert_eq!(second.found().unwrap().unfinished, folder.path(UNFINISHED[0]));
        let (output, scratch, _) = second.parts();
        let mut read = String::new();
        scratch.read_to_string(&mut read).unwrap();
        assert_eq!(read, "scratch");
        output.seek(io::SeekFrom::End(0)).unwrap();
        output.write_all(b" and half").unwrap();
        second.commit().unwrap();
        assert_eq!(folder.names(), ["out"]);
        assert_eq!(fs::read(folder.path("out")).unwrap(), b"half and half");
    }

    #[test]
    fn what_was_not_kept_vanishes_and_what_was_found_does_not() {
        let folder = Folder::new();
        drop(folder.open().unwrap());
        assert_eq!(folder.names(), [""; 0]);
        drop(folder.keep(b"note"));
        drop(folder.open().unwrap());
        assert_eq!(folder.names(), UNFINISHED);
    }

    #[test]
    fn what_is_discarded_vanishes_whatever_was_kept() {
        let folder = Folder::new();
        folder.keep(b"note").discard();
        assert_eq!(folder.names(), [""; 0]);
    }

    #[test]
    fn in_a_ceremony_the_working_files_are_hidden() {
        let folder = Folder::new();
        let open = || Resumable::in_ceremony(folder.0.path(), Path::new("out"), b"first").unwrap();
        let mut opened = open();
        let (output, _, mut keeper) = opened.parts();
        output.write_all(b"half").unwrap();
        keeper.keep(output, b"note").unwrap();
        drop(opened);
        assert_eq!(folder.names(), UNFINISHED.map(|name| format!("{HIDDEN}{name}")));
        let again = open();
        assert_eq!(again.found().unwrap().note, b"note");
        again.commit().unwrap();
        assert_eq!(folder.names(), ["out"]);
    }

    #[test]
    fn a_second_process_is_refused_and_takes_nothing_away() {
        let folder = Folder::new();
        let first = folder.keep(b"note");
        let error = folder.open().unwrap_err();
        assert!(matches!(error.fault, OutputFault::Busy), "{error}");
        first.commit().unwrap();
        assert_eq!(folder.names(), ["out"]);
    }

    #[test]
    fn a_file_in_the_way_is_not_touched() {
        for name in [UNFINISHED[0], UNFINISHED[2]] {
            let folder = Folder::new();
            fs::write(folder.path(name), b"precious").unwrap();
            let error = folder.open().unwrap_err();
            assert!(matches!(error.fault, OutputFault::InTheWay), "{error}");
            assert_eq!(fs::read(folder.path(name)).unwrap(), b"precious");
            assert_eq!(folder.names(), [name]);
        }
        let folder = Folder::new();
        fs::write(folder.path(UNFINISHED[1]), vec![b' '; 5000]).unwrap();
        let error = folder.open().unwrap_err();
        assert!(matches!(error.fault, OutputFault::InTheWay), "{error}");
    }

    #[test]
    fn without_one_of_its_files_a_note_counts_for_nothing() {
        for missing in [UNFINISHED[0], UNFINISHED[2]] {
            let folder = Folder::new();
            drop(folder.keep(b"note"));
            fs::remove_file(folder.path(missing)).unwrap();
            let again = folder.open().unwrap();
            assert_eq!(again.found(), None);
            assert_eq!(fs::read(folder.path(UNFINISHED[1])).unwrap(), b"first");
        }
    }

    #[test]
    fn what_stands_in_the_way_is_known_before_anything_is_made() {
        let judge = |folder: &Folder| Resumable::judge(&folder.path("out"), false, &[]);
        let folder = Folder::new();
        assert_eq!(judge(&folder).unwrap(), None);
        assert_eq!(folder.names(), [""; 0]);
        drop(folder.keep(b"note"));
        assert_eq!(judge(&folder).unwrap().unwrap().note, b"note");
        assert_eq!(folder.names(), UNFINISHED);
        fs::remove_file(folder.path(UNFINISHED[1])).unwrap();
        assert!(matches!(judge(&folder).unwrap_err().fault, OutputFault::InTheWay));
        fs::write(folder.path("out"), b"done").unwrap();
        assert!(matches!(judge(&folder).unwrap_err().fault, OutputFault::Exists));
    }

    #[test]
    fn an_output_that_is_there_is_refused_before_anything_is_made() {
        let folder = Folder::new();
        fs::write(folder.path("out"), b"done").unwrap();
        let error = folder.open().unwrap_err();
        assert!(matches!(error.fault, OutputFault::Exists), "{error}");
        assert_eq!(folder.names(), ["out"]);
    }
}
