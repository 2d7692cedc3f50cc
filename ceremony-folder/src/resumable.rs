//! Outputs of long computations, which a command that was interrupted goes on with.

use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
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
/// A file of the first name that has bytes and no note is unrelated and is not touched. Who has the
/// lock of the output may touch the others. All three stay when the process ends after
/// [`Keeper::keep`]; before that, and after [`Self::commit`], they are removed.
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
    ///
    /// The output is made first, then the note, then the scratch file: without a note, an output
    /// that has bytes is unrelated, and so is a scratch file.
    fn found(&self) -> Result<Option<Found>, OutputError> {
        let note = match self.note.open() {
            Ok(file) => Some(read_note(file, &self.path(".json"))?),
            Err(ReadError::Io(error)) if error.kind() == ErrorKind::NotFound => None,
            Err(_) => return Err(in_the_way(self.path(".json"))),
        };
        let output = self.length(&self.temporary, "")?;
        let scratch = self.length(&self.scratch, ".scratch")?;
        if note.is_none() {
            let unrelated = [(output.filter(|length| *length > 0), ""), (scratch, ".scratch")];
            if let Some((_, suffix)) = unrelated.into_iter().find(|(there, _)| there.is_some()) {
                return Err(in_the_way(self.path(suffix)));
            }
        }
        // With a note and less than all three, they are too little to go on with.
        let all = output.is_some() && scratch.is_some();
        let found = |note| Found { unfinished: self.path.clone(), note };
        Ok(note.filter(|_| all).map(found))
    }

    /// Bytes of a file that is there.
    fn length(&self, place: &Place, suffix: &str) -> Result<Option<u64>, OutputError> {
        match place.open().and_then(|file| Ok(file.metadata()?.len())) {
            Ok(length) => Ok(Some(length)),
            Err(ReadError::Io(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(ReadError::Io(error)) => Err(io_error(&self.path(suffix), "opening", error)),
            Err(_) => Err(in_the_way(self.path(suffix))),
        }
    }

    /// Refuses an output that another process is at.
    fn ensure_idle(&self, path: &Path) -> Result<(), OutputError> {
        // Of what cannot be opened, `found` speaks.
        let is_busy = |file: File| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        if self.temporary.open().is_ok_and(is_busy) { Err(busy(path)) } else { Ok(()) }
    }

    /// The output, which no other process has, and whether it was made here.
    fn take(&self, path: &Path) -> Result<(File, bool), OutputError> {
        let failed = |error| io_error(path, "creating a temporary file", error);
        loop {
            let (file, made) = match self.temporary.create_new(Readers::Everyone) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    match self.temporary.open_for_append() {
                        Ok(file) => (file, false),
                        // It got its own name meanwhile.
                        Err(ReadError::Io(error)) if error.kind() == ErrorKind::NotFound => {
                            continue;
                        }
                        Err(ReadError::Io(error)) => return Err(failed(error)),
                        Err(_) => return Err(in_the_way(self.path.clone())),
                    }
                }
                created => (created.map_err(failed)?, true),
            };
            // A file system without locks: there, two at once are the user's own risk.
            if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
                return Err(busy(path));
            }
            // The process that had the lock before may have finished it, or removed it.
            if self.temporary.is(&file).map_err(failed)? {
                return Ok((file, made));
            }
        }
    }
}

impl Resumable {
    /// All that [`Self::open`] judges, before there is a note to begin with: makes nothing, and
    /// returns the note that an earlier process left.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn judge(
        path: &Path,
        replace: bool,
        inputs: &[&Path],
    ) -> Result<Option<Found>, OutputError> {
        let place = place_of(path, replace, inputs)?;
        judge(&place, path, replace)?;
        let names = Names::of(&place, path, "");
        names.ensure_idle(path)?;
        names.found()
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
        // Nothing is made next to what is in the way.
        names.found()?;
        let (file, made) = names.take(path)?;
        // What was judged may have changed until the lock was had.
        let found = judge(place, path, replace).and_then(|()| names.found()).inspect_err(|_| {
            if made {
                let _ = names.temporary.remove();
            }
        })?;
        // A note speaks of an output that was there.
        let found = found.filter(|_| !made);
        // What an earlier process kept stays, whatever comes now.
        let temporary = |place: &Place| match found {
            Some(_) => Temporary::kept(place.clone()),
            None => Temporary::registered(place.clone()),
        };
        let output = Output::resumed(file, temporary(&names.temporary), path, replace);
        let note = temporary(&names.note);
        if found.is_none() {
            output.empty().map_err(|e| io_error(path, "writing", e))?;
            write_note(&names.note, first_note)
                .map_err(|e| io_error(&names.path(".json"), "writing", e))?;
        }
        let scratch_path = names.path(".scratch");
        let file = match names.scratch.create_new(Readers::Everyone) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                names.scratch.open_for_append().map_err(|_| in_the_way(scratch_path.clone()))?
            }
            created => created.map_err(|e| io_error(&scratch_path, "creating", e))?,
        };
        let scratch = temporary(&names.scratch);
        if found.is_none() {
            file.set_len(0).map_err(|e| io_error(&scratch_path, "writing", e))?;
        }
        let synced =
            file.try_clone().map_err(|error| io_error(path, "creating a temporary file", error))?;
        Ok(Self {
            output,
            synced,
            scratch: (file, scratch),
            note: (names.note, note),
            unfinished: names.path,
            found,
        })
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
        output.sync()?;
        self.synced.sync_all()?;
        write_note(self.note, note)?;
        // All of them or none: one alone would only be in the way.
        output.keep();
        self.temporary.iter_mut().for_each(|temporary| temporary.keep());
        Ok(())
    }
}

fn busy(path: &Path) -> OutputError {
    OutputError { path: path.into(), fault: OutputFault::Busy }
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
    temporary.rename(place.name(), true)?;
    // What it says must not be older than what comes next. Not every file system can sync a folder.
    match place.sync_folder() {
        Err(error) if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Err(error)
        }
        _ => Ok(()),
    }
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
        let judge = || Resumable::judge(&folder.path("out"), false, &[]);
        for error in [folder.open().unwrap_err(), judge().unwrap_err()] {
            assert!(matches!(error.fault, OutputFault::Busy), "{error}");
        }
        first.commit().unwrap();
        assert_eq!(folder.names(), ["out"]);
        drop(Resumable::open(&folder.path("other"), false, &[], b"first").unwrap());
        assert_eq!(Resumable::judge(&folder.path("other"), false, &[]).unwrap(), None);
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
    fn what_is_begun_anew_has_nothing_of_what_was_there() {
        let folder = Folder::new();
        for (missing, other) in [(UNFINISHED[2], UNFINISHED[0]), (UNFINISHED[0], UNFINISHED[2])] {
            let mut first = folder.open().unwrap();
            let (output, scratch, mut keeper) = first.parts();
            output.write_all(b"much longer").unwrap();
            scratch.write_all(b"much longer").unwrap();
            keeper.keep(output, b"note").unwrap();
            drop(first);
            fs::remove_file(folder.path(missing)).unwrap();
            let again = folder.open().unwrap();
            assert_eq!(fs::read(folder.path(other)).unwrap(), b"");
            again.discard();
        }
    }

    /// A process that was killed before it had noted anything leaves an empty file.
    #[test]
    fn an_empty_output_without_a_note_is_not_in_the_way() {
        let folder = Folder::new();
        fs::write(folder.path(UNFINISHED[0]), b"").unwrap();
        let opened = folder.open().unwrap();
        assert_eq!(opened.found(), None);
        opened.commit().unwrap();
        assert_eq!(folder.names(), ["out"]);
    }

    /// Who waited for the lock may hold what is the finished output by now.
    #[test]
    fn a_file_that_has_another_name_by_now_is_not_the_unfinished_one() {
        let folder = Folder::new();
        let place = Place::named(&folder.path(UNFINISHED[0])).unwrap();
        let first = folder.keep(b"note");
        let file = place.open().unwrap();
        assert!(place.is(&file).unwrap());
        first.commit().unwrap();
        assert!(!place.is(&file).unwrap());
        fs::write(folder.path(UNFINISHED[0]), b"another").unwrap();
        assert!(!place.is(&file).unwrap());
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
