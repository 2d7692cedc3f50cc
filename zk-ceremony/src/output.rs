//! Files that appear complete or not at all.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread::{Builder, JoinHandle};

use tempfile::NamedTempFile;

use crate::cli::OutputArgs;
use crate::error::CliError;
use crate::prompt;

/// The temporary files being written, so that an interrupt can remove them.
static PARTIAL: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Makes Ctrl-C and a polite kill remove the half-written temporary file, and put the terminal back if a question is open. Without a handler (none could
/// be installed) such a file stays behind under its temporary name, and the output still never appears half-written.
pub(crate) fn leave_nothing_behind_when_interrupted() {
    let _ = ctrlc::set_handler(|| {
        for path in
            PARTIAL.lock().map(|mut partial| std::mem::take(&mut *partial)).unwrap_or_default()
        {
            let _ = fs::remove_file(path);
        }
        prompt::restore_terminal();
        std::process::exit(130);
    });
}

/// An output under a temporary name in its final folder. Dropped without [`Output::commit`] it vanishes.
///
/// What is written goes to the disk while the rest is computed, so that little is left to wait for at the end.
#[derive(Debug)]
pub(crate) struct Output {
    file: NamedTempFile,
    path: PathBuf,
    force: bool,
    /// Bytes written since the last attempt to send the file to the disk.
    unsynced: usize,
    /// Whether a write failed; the system may not tell of it again.
    failed: bool,
    syncing: Option<JoinHandle<io::Result<()>>>,
}

/// So many bytes are worth a trip to the disk.
const SYNC_BYTES: usize = 4 << 20;

impl Output {
    /// Where it will be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses an output that is one of the inputs or (without `--force`) exists, then creates the temporary file.
    pub(crate) fn create(args: &OutputArgs, inputs: &[&Path]) -> Result<Self, CliError> {
        Self::create_with_mode(args, inputs, 0o666)
    }

    /// The same, readable by its owner only.
    pub(crate) fn create_private(args: &OutputArgs, inputs: &[&Path]) -> Result<Self, CliError> {
        Self::create_with_mode(args, inputs, 0o600)
    }

    #[cfg_attr(not(unix), expect(unused_variables, reason = "files have no mode there"))]
    fn create_with_mode(args: &OutputArgs, inputs: &[&Path], mode: u32) -> Result<Self, CliError> {
        let path = &args.path;
        for input in inputs {
            if same_file(input, path) {
                return Err(CliError::environment(format!(
                    "{}: the output is also an input",
                    path.display()
                ))
                .hint("name another file for OUT: inputs stay as evidence"));
            }
        }
        if !args.force && path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".zk-ceremony-").suffix(".partial");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
        let file = builder
            .tempfile_in(folder)
            .map_err(|e| CliError::io(folder, "creating a temporary file", &e))?;
        if let Ok(mut partial) = PARTIAL.lock() {
            partial.push(file.path().to_owned());
        }
        Ok(Self {
            file,
            path: path.clone(),
            force: args.force,
            unsynced: 0,
            failed: false,
            syncing: None,
        })
    }

    /// Flushes to the disk and gives the file its name.
    pub(crate) fn commit(mut self) -> Result<(), CliError> {
        let earlier =
            if self.failed { Err(io::Error::other("an earlier write failed")) } else { Ok(()) };
        let synced =
            earlier.and_then(|()| self.end_sync()).and_then(|()| self.file.as_file().sync_all());
        synced.map_err(|e| CliError::io(&self.path, "writing", &e))?;
        let Self { file, path, force, .. } = self;
        let temporary = file.path().to_owned();
        let persisted = if force { file.persist(&path) } else { file.persist_noclobber(&path) };
        if let Ok(mut partial) = PARTIAL.lock() {
            partial.retain(|path| *path != temporary);
        }
        match persisted {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(exists(&path)),
            Err(error) => Err(CliError::io(&path, "renaming the finished file", &error.error)),
        }
    }

    /// Sends what was written to the disk, beside what comes next, unless that is under way. Where that cannot be, the end does it all.
    fn begin_sync(&mut self) -> io::Result<()> {
        if self.syncing.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Ok(());
        }
        self.end_sync()?;
        self.unsynced = 0;
        let spawn = |file: File| Builder::new().name("sync".into()).spawn(move || file.sync_data());
        self.syncing = self.file.as_file().try_clone().and_then(spawn).ok();
        Ok(())
    }

    fn end_sync(&mut self) -> io::Result<()> {
        let ended = self.syncing.take().map(JoinHandle::join);
        ended
            .unwrap_or(Ok(Ok(())))
            .unwrap_or_else(|_| Err(io::Error::other("the thread that wrote to the disk panicked")))
    }
}

fn exists(path: &Path) -> CliError {
    CliError::environment(format!("{}: the output exists already", path.display()))
        .hint("name another file, or add --force to replace it")
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
    matches!((fs::metadata(a), fs::metadata(b)), (Ok(a), Ok(b)) if a.dev() == b.dev() && a.ino() == b.ino())
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

/// Opens a regular file for reading.
pub(crate) fn open(path: &Path) -> Result<File, CliError> {
    let file = File::open(path).map_err(|e| CliError::io(path, "opening", &e))?;
    let metadata = file.metadata().map_err(|e| CliError::io(path, "opening", &e))?;
    if !metadata.is_file() {
        return Err(CliError::environment(format!("{}: not a regular file", path.display()))
            .hint("name a file"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_went_to_the_disk_in_pieces_is_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut output =
            Output::create(&OutputArgs { path: path.clone(), force: false }, &[]).unwrap();
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

    /// Whoever buffers may lose the error of the last write, as a `BufWriter` that is dropped does.
    #[test]
    fn an_output_of_which_a_write_failed_is_not_committed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut output =
            Output::create(&OutputArgs { path: path.clone(), force: false }, &[]).unwrap();
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
}
