//! Files that appear complete or not at all.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};

use zeroize::Zeroizing;

use crate::key_material::marked_key;
use crate::place::{Place, Readers};
use crate::store::EntryKind;

/// The temporary files being written, by number, so that an interrupt can remove them.
static PARTIAL: Mutex<Vec<(u64, Place)>> = Mutex::new(Vec::new());

/// Removes the unfinished files of this process: for a handler of interrupts, which ends the
/// process.
pub fn remove_unfinished() {
    let unfinished =
        PARTIAL.lock().map(|mut partial| std::mem::take(&mut *partial)).unwrap_or_default();
    for (_, place) in unfinished {
        let _ = place.remove();
    }
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", path.display())]
pub struct OutputError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub fault: OutputFault,
}

/// What can be wrong with an output.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputFault {
    /// It is one of the inputs.
    #[error("the output is also an input")]
    IsInput,
    /// Something of that name is there, and may not be replaced.
    #[error("the output exists already")]
    Exists,
    /// What is there is a private key, of which there may be no other copy.
    #[error("the output is a private key")]
    IsKey,
    /// What is there is a link, a folder, a pipe or a device, which is never replaced.
    #[error("the output is not a regular file")]
    NotRegular,
    /// An unrelated file has the name that an unfinished output needs.
    #[error("a file is in the way that belongs to no unfinished output")]
    InTheWay,
    /// Another process is writing it.
    #[error("another process is writing the output")]
    Busy,
    /// The system says why.
    #[error("{doing} failed: {error}")]
    Io {
        /// What failed.
        doing: &'static str,
        /// Why.
        error: io::Error,
    },
}

/// An output under a temporary name in its final folder. Dropped without [`Output::commit`] it
/// vanishes.
///
/// What is written goes to the disk while the rest is computed, so that little is left to wait for
/// at the end.
#[derive(Debug)]
pub struct Output {
    file: File,
    temporary: Temporary,
    path: PathBuf,
    replace: bool,
    /// Bytes written since the last attempt to send the file to the disk.
    unsynced: usize,
    /// Whether a write failed; the system may not tell of it again.
    failed: bool,
    syncing: Option<JoinHandle<io::Result<()>>>,
}

/// Start a flush to the disk, alongside the next writes, after this many bytes.
const SYNC_BYTES: usize = 4 << 20;

impl Output {
    /// Where it will be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Judges the output before any work is done, then creates the temporary file. `replace` allows
    /// a regular file to be there already.
    ///
    /// # Errors
    /// [`OutputFault`].
    pub fn create(path: &Path, replace: bool, inputs: &[&Path]) -> Result<Self, OutputError> {
        // Only another key takes the place of one, and keys are not written here.
        if replace && is_key(path) {
            return Err(OutputError { path: path.into(), fault: OutputFault::IsKey });
        }
        Self::named(path, replace, inputs, Readers::Everyone)
    }

    /// The same, readable by its owner only.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_private(
        path: &Path,
        replace: bool,
        inputs: &[&Path],
    ) -> Result<Self, OutputError> {
        Self::named(path, replace, inputs, Readers::Owner)
    }

    fn named(
        path: &Path,
        replace: bool,
        inputs: &[&Path],
        readers: Readers,
    ) -> Result<Self, OutputError> {
        Self::at(place_of(path, replace, inputs)?, path, replace, readers)
    }

    /// An output in a folder that is open. `path` is its name in messages.
    pub(crate) fn at(
        place: Place,
        path: &Path,
        replace: bool,
        readers: Readers,
    ) -> Result<Self, OutputError> {
        judge(&place, path, replace)?;
        let (file, temporary) = Temporary::beside(&place, readers)
            .map_err(|error| io_error(path, "creating a temporary file", error))?;
        Ok(Self::of(file, temporary, path, replace))
    }

    fn of(file: File, temporary: Temporary, path: &Path, replace: bool) -> Self {
        let path = path.into();
        Self { file, temporary, path, replace, unsynced: 0, failed: false, syncing: None }
    }

    /// An output that was judged, under a temporary name that the next process finds, with what is
    /// in it.
    pub(crate) fn resumed(file: File, temporary: Temporary, path: &Path, replace: bool) -> Self {
        Self::of(file, temporary, path, replace)
    }

    /// Forgets what is in it.
    pub(crate) fn empty(&self) -> io::Result<()> {
        self.file.set_len(0)
    }

    /// Flushes to the disk.
    ///
    /// # Errors
    /// When a write failed.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("an earlier write failed"));
        }
        self.end_sync()?;
        self.file.sync_all()
    }

    /// From now on the file stays under its temporary name when this is dropped, and on an
    /// interrupt.
    pub(crate) fn keep(&mut self) {
        self.temporary.keep();
    }

    /// Removes the file, also one that was kept.
    pub(crate) fn discard(mut self) {
        self.temporary.end();
    }

    /// Changes the name that [`Self::commit`] gives, within the same folder.
    pub(crate) fn rename(&mut self, name: &str) {
        self.path.set_file_name(name);
    }

    /// Flushes to the disk and gives the file its name.
    ///
    /// # Errors
    /// When a write failed, when the file cannot be renamed, or when its name was taken meanwhile.
    pub fn commit(mut self) -> Result<(), OutputError> {
        let earlier =
            if self.failed { Err(io::Error::other("an earlier write failed")) } else { Ok(()) };
        let synced = earlier.and_then(|()| self.end_sync()).and_then(|()| self.file.sync_all());
        synced.map_err(|error| io_error(&self.path, "writing", error))?;
        let Self { temporary, path, replace, .. } = self;
        match temporary.rename(path.file_name().unwrap_or_default(), replace) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(OutputError { path, fault: OutputFault::Exists })
            }
            Err(error) => Err(io_error(&path, "renaming the finished file", error)),
        }
    }

    /// Starts a flush in a thread of its own, unless one is running. Where no thread can be had,
    /// the commit flushes everything.
    fn begin_sync(&mut self) -> io::Result<()> {
        if self.syncing.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Ok(());
        }
        self.end_sync()?;
        self.unsynced = 0;
        let spawn = |file: File| Builder::new().name("sync".into()).spawn(move || file.sync_data());
        self.syncing = self.file.try_clone().and_then(spawn).ok();
        Ok(())
    }

    fn end_sync(&mut self) -> io::Result<()> {
        let ended = self.syncing.take().map(JoinHandle::join);
        ended
            .unwrap_or(Ok(Ok(())))
            .unwrap_or_else(|_| Err(io::Error::other("the thread that wrote to the disk panicked")))
    }
}

/// Judges an output that a user names.
pub(crate) fn place_of(path: &Path, replace: bool, inputs: &[&Path]) -> Result<Place, OutputError> {
    let refused = |fault| Err(OutputError { path: path.into(), fault });
    if inputs.iter().any(|input| same_file(input, path)) {
        return refused(OutputFault::IsInput);
    }
    // `..` and `/` are folders too.
    if path.file_name().is_none() {
        return refused(if replace { OutputFault::NotRegular } else { OutputFault::Exists });
    }
    Place::named(path).map_err(|error| io_error(path, "opening its folder", error))
}

/// Whether a private key that says so stands at a path. What cannot be read is for others to say.
fn is_key(path: &Path) -> bool {
    const LARGEST: u64 = 1 << 16;
    let is_small = |it: fs::Metadata| it.is_file() && it.len() <= LARGEST;
    path.symlink_metadata().is_ok_and(is_small)
        && fs::read(path).map(Zeroizing::new).is_ok_and(|it| marked_key(&it).is_some())
}

/// What stands where an output is to be.
pub(crate) fn judge(place: &Place, path: &Path, replace: bool) -> Result<(), OutputError> {
    let refused = |fault| Err(OutputError { path: path.into(), fault });
    match place.kind().map_err(|error| io_error(path, "opening", error))? {
        Some(_) if !replace => refused(OutputFault::Exists),
        Some(EntryKind::Folder | EntryKind::Other) => refused(OutputFault::NotRegular),
        _ => Ok(()),
    }
}

/// A file under a temporary name, which is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Temporary {
    place: Place,
    number: u64,
    /// Whether it stays: it has its name, or the next process goes on with it.
    stays: bool,
}

impl Temporary {
    /// Names tried before something must be wrong with the folder.
    const ATTEMPTS: usize = 1000;

    fn next_number() -> u64 {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        NUMBER.fetch_add(1, Ordering::Relaxed)
    }

    /// A file of this name.
    pub(crate) fn registered(place: Place) -> Self {
        Self::numbered(place, Self::next_number())
    }

    fn numbered(place: Place, number: u64) -> Self {
        if let Ok(mut partial) = PARTIAL.lock() {
            partial.push((number, place.clone()));
        }
        Self { place, number, stays: false }
    }

    /// A file of this name that is not removed: an earlier process kept it.
    pub(crate) fn kept(place: Place) -> Self {
        Self { place, number: Self::next_number(), stays: true }
    }

    /// From now on it is not removed.
    pub(crate) fn keep(&mut self) {
        self.stays = true;
        self.unregister();
    }

    /// From now on it is removed when this is dropped, but not on an interrupt.
    pub(crate) fn end(&mut self) {
        self.stays = false;
    }

    fn unregister(&self) {
        if let Ok(mut partial) = PARTIAL.lock() {
            partial.retain(|(number, _)| *number != self.number);
        }
    }

    pub(crate) fn beside(place: &Place, readers: Readers) -> io::Result<(File, Self)> {
        for _ in 0..Self::ATTEMPTS {
            let number = Self::next_number();
            let place =
                place.beside(format!(".zk-ceremony-{}-{number}.partial", std::process::id()));
            match place.create_new(readers) {
                // A process that had this number before was killed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => {
                    return Ok((created?, Self::numbered(place, number)));
                }
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    pub(crate) fn rename(mut self, name: &std::ffi::OsStr, replace: bool) -> io::Result<()> {
        self.place.rename(name, replace)?;
        self.stays = true;
        // The file has its name, whatever comes now: not every file system can sync a folder.
        let _ = self.place.sync_folder();
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.stays {
            let _ = self.place.remove();
        }
        self.unregister();
    }
}

pub(crate) fn io_error(path: &Path, doing: &'static str, error: io::Error) -> OutputError {
    OutputError { path: path.into(), fault: OutputFault::Io { doing, error } }
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (fs::canonicalize(a), fs::canonicalize(b)) {
        (Ok(a), Ok(b)) if a == b => true,
        _ => same_inode(a, b),
    }
}

#[cfg(unix)]
fn same_inode(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(a), Ok(b)) = (fs::metadata(a), fs::metadata(b)) else { return false };
    a.dev() == b.dev() && a.ino() == b.ino()
}

#[cfg(not(unix))]
fn same_inode(_: &Path, _: &Path) -> bool {
    false
}

impl Read for Output {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.file.read(bytes)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = if self.unsynced >= SYNC_BYTES { self.begin_sync() } else { Ok(()) }
            .and_then(|()| self.file.write(bytes));
        match &written {
            Ok(count) => self.unsynced += count,
            Err(error) => self.failed |= error.kind() != io::ErrorKind::Interrupted,
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Output {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_went_to_the_disk_in_pieces_is_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut output = Output::create(&path, false, &[]).unwrap();
        let piece = |i: u8| vec![i; SYNC_BYTES / 2 + 1];
        for i in 0..9 {
            output.write_all(&piece(i)).unwrap();
        }
        assert!(output.syncing.is_some());
        assert!(!path.exists());
        output.commit().unwrap();
        assert!(fs::read(&path).unwrap() == (0..9).flat_map(piece).collect::<Vec<u8>>());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// A caller that buffers may lose the error of the last write: a `BufWriter` that is dropped
    /// does.
    #[test]
    fn an_output_of_which_a_write_failed_is_not_committed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut output = Output::create(&path, false, &[]).unwrap();
        output.write_all(&[1; 100]).unwrap();
        output.unsynced = SYNC_BYTES;
        output.syncing =
            Some(Builder::new().spawn(|| Err(io::ErrorKind::StorageFull.into())).unwrap());
        while !output.syncing.as_ref().unwrap().is_finished() {}
        drop({
            let mut buffered = io::BufWriter::new(&mut output);
            buffered.write_all(&[2; 100]).unwrap();
            buffered
        });
        assert!(output.commit().is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_or_a_folder_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, b"kept").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        for path in [link.as_path(), folder.path()] {
            let refused = Output::create(path, true, &[]).unwrap_err();
            assert!(matches!(refused.fault, OutputFault::NotRegular), "{refused}");
        }
        assert_eq!(fs::read(&target).unwrap(), b"kept");
    }
}
