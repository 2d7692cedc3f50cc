//! Files that appear complete or not at all.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};

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
    /// What is there is a link, a folder, a pipe or a device, which is never replaced.
    #[error("the output is not a regular file")]
    NotRegular,
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
        if inputs.iter().any(|input| same_file(input, path)) {
            return Err(OutputError { path: path.into(), fault: OutputFault::IsInput });
        }
        // `..` and `/` are folders too.
        if path.file_name().is_none() {
            let fault = if replace { OutputFault::NotRegular } else { OutputFault::Exists };
            return Err(OutputError { path: path.into(), fault });
        }
        let place =
            Place::named(path).map_err(|error| io_error(path, "opening its folder", error))?;
        Self::at(place, path, replace, readers)
    }

    /// An output in a folder that is open. `path` is its name in messages.
    pub(crate) fn at(
        place: Place,
        path: &Path,
        replace: bool,
        readers: Readers,
    ) -> Result<Self, OutputError> {
        let refused = |fault| Err(OutputError { path: path.into(), fault });
        match place.kind().map_err(|error| io_error(path, "opening", error))? {
            Some(_) if !replace => return refused(OutputFault::Exists),
            Some(EntryKind::Folder | EntryKind::Other) => return refused(OutputFault::NotRegular),
            _ => {}
        }
        let (file, temporary) = Temporary::beside(&place, readers)
            .map_err(|error| io_error(path, "creating a temporary file", error))?;
        let path = path.into();
        Ok(Self { file, temporary, path, replace, unsynced: 0, failed: false, syncing: None })
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

/// A file under a temporary name, which is removed when this is dropped.
#[derive(Debug)]
struct Temporary {
    place: Place,
    number: u64,
    renamed: bool,
}

impl Temporary {
    /// Names tried before something must be wrong with the folder.
    const ATTEMPTS: usize = 1000;

    fn beside(place: &Place, readers: Readers) -> io::Result<(File, Self)> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        for _ in 0..Self::ATTEMPTS {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let place =
                place.beside(format!(".zk-ceremony-{}-{number}.partial", std::process::id()));
            match place.create_new(readers) {
                // A process that had this number before was killed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => {
                    let file = created?;
                    if let Ok(mut partial) = PARTIAL.lock() {
                        partial.push((number, place.clone()));
                    }
                    return Ok((file, Self { place, number, renamed: false }));
                }
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn rename(mut self, name: &std::ffi::OsStr, replace: bool) -> io::Result<()> {
        self.place.rename(name, replace)?;
        self.renamed = true;
        // The file has its name, whatever comes now: not every file system can sync a folder.
        let _ = self.place.sync_folder();
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = self.place.remove();
        }
        if let Ok(mut partial) = PARTIAL.lock() {
            partial.retain(|(number, _)| *number != self.number);
        }
    }
}

fn io_error(path: &Path, doing: &'static str, error: io::Error) -> OutputError {
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
