//! Where the files of a ceremony are kept.
//!
//! Everything that reads a ceremony does so through a [`Store`], by paths relative to the store's
//! root. [`LocalDirectory`] is a folder on this machine. What it hands out are regular files: a
//! link, a pipe or a device under a ceremony's name is refused before a byte is read, and opening
//! one never waits.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

use crate::output::{Output, OutputError, OutputFault};

/// Bytes that can be read in any order.
pub trait Source: Read + Seek + Send {}

impl<T: Read + Seek + Send> Source for T {}

/// A file of a store, open for reading.
pub type Input = Box<dyn Source>;

/// A name in a folder of a store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// What stands there.
    pub kind: EntryKind,
}

/// What stands under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link, a pipe, a socket or a device.
    Other,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The system says why.
    #[error("reading failed: {0}")]
    Io(#[from] io::Error),
    /// It is a link, a folder, a pipe or a device.
    #[error("this is not a regular file")]
    NotRegular,
    /// It has more bytes than any file of its kind.
    #[error("the file is too large: at most {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

/// See the module's documentation. Paths are relative to the root and stay below it.
pub trait Store: Debug + Send + Sync {
    /// The names in a folder; none where there is no such folder.
    ///
    /// # Errors
    /// When the folder cannot be read, or has more than `limit` names.
    fn entries(&self, folder: &Path, limit: usize) -> io::Result<Vec<Entry>>;

    /// Whether something stands under a name.
    fn is_present(&self, path: &Path) -> bool;

    /// Opens a regular file.
    ///
    /// # Errors
    /// [`ReadError`].
    fn open(&self, path: &Path) -> Result<Input, ReadError>;

    /// Begins a file, which appears when it is complete ([`Output::commit`]). `replace` allows a
    /// regular file of that name to be there already.
    ///
    /// # Errors
    /// [`OutputError`].
    fn create(&self, path: &Path, replace: bool) -> Result<Output, OutputError>;

    /// Gives what stands under a name another one, which must be free.
    ///
    /// # Errors
    /// [`OutputError`]; [`OutputFault::Exists`] where the new name is taken.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), OutputError>;

    /// The bytes of a regular file, at most `limit`.
    ///
    /// # Errors
    /// [`ReadError`].
    fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        self.open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > limit { Err(ReadError::TooLarge { limit }) } else { Ok(bytes) }
    }
}

/// A folder on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalDirectory(PathBuf);

impl LocalDirectory {
    /// The folder at `root`, whether it is there or not.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self(root.into())
    }
}

impl Store for LocalDirectory {
    fn entries(&self, folder: &Path, limit: usize) -> io::Result<Vec<Entry>> {
        let listed = match std::fs::read_dir(self.0.join(folder)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            listed => listed?,
        };
        let mut entries = Vec::new();
        for entry in listed {
            let entry = entry?;
            if entries.len() >= limit {
                return Err(io::Error::other(format!("more than {limit} files in one folder")));
            }
            let kind = entry.file_type()?;
            let kind = match (kind.is_file(), kind.is_dir()) {
                (true, _) => EntryKind::File,
                (_, true) => EntryKind::Folder,
                _ => EntryKind::Other,
            };
            // A name that is not UTF-8 belongs to no ceremony, and nothing is opened by it.
            entries.push(match entry.file_name().into_string() {
                Ok(name) => Entry { name, kind },
                Err(name) => {
                    Entry { name: name.to_string_lossy().into_owned(), kind: EntryKind::Other }
                }
            });
        }
        Ok(entries)
    }

    fn is_present(&self, path: &Path) -> bool {
        self.0.join(path).symlink_metadata().is_ok()
    }

    fn open(&self, path: &Path) -> Result<Input, ReadError> {
        Ok(Box::new(open_regular(&self.0.join(path))?))
    }

    fn create(&self, path: &Path, replace: bool) -> Result<Output, OutputError> {
        let path = self.0.join(path);
        let parent = path.parent().unwrap_or(&self.0);
        std::fs::create_dir_all(parent).map_err(|error| OutputError {
            path: parent.into(),
            fault: OutputFault::Io { doing: "creating", error },
        })?;
        Output::create(&path, replace, &[])
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), OutputError> {
        let (from, to) = (self.0.join(from), self.0.join(to));
        let failed = |path: &Path, doing, error: io::Error| {
            let exists = error.kind() == ErrorKind::AlreadyExists;
            let fault = if exists { OutputFault::Exists } else { OutputFault::Io { doing, error } };
            OutputError { path: path.into(), fault }
        };
        let parent = to.parent().unwrap_or(&self.0);
        std::fs::create_dir_all(parent).map_err(|error| failed(parent, "creating", error))?;
        rename_new(&from, &to).map_err(|error| failed(&to, "moving to this name", error))
    }
}

/// Renames, if the new name is free.
#[cfg(target_os = "linux")]
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => rename_if_free(from, to),
        renamed => Ok(renamed?),
    }
}

#[cfg(not(target_os = "linux"))]
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    rename_if_free(from, to)
}

/// For file systems that cannot do both at once.
fn rename_if_free(from: &Path, to: &Path) -> io::Result<()> {
    if to.symlink_metadata().is_ok() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    std::fs::rename(from, to)
}

/// Opens a regular file for reading. Neither follows a link nor waits for a pipe's other end.
///
/// # Errors
/// [`ReadError::Io`] and [`ReadError::NotRegular`].
pub fn open_regular(path: &Path) -> Result<File, ReadError> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        options.custom_flags(flags.bits().cast_signed());
    }
    let opened = options.open(path);
    // A link gives an error whose number differs from system to system: ask what stands there.
    let is_regular = path.symlink_metadata().map(|metadata| metadata.is_file());
    match (opened, is_regular) {
        (_, Ok(false)) => Err(ReadError::NotRegular),
        (Ok(file), Ok(true)) if file.metadata()?.is_file() => Ok(file),
        (Ok(_), Ok(true)) => Err(ReadError::NotRegular),
        (Err(error), _) | (_, Err(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn only_regular_files_are_opened_and_a_pipe_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("file"), b"bytes").unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), mode).unwrap();
        let store = LocalDirectory::new(dir.path());
        assert_eq!(store.read(Path::new("file"), 5).unwrap(), b"bytes");
        let too_large = store.read(Path::new("file"), 4);
        assert!(matches!(too_large, Err(ReadError::TooLarge { limit: 4 })));
        for name in ["folder", "link", "pipe"] {
            let refused = store.open(Path::new(name));
            assert!(matches!(refused, Err(ReadError::NotRegular)), "{name}");
        }
        let device = open_regular(Path::new("/dev/zero"));
        assert!(matches!(device, Err(ReadError::NotRegular)));
        let missing = store.open(Path::new("missing")).map(drop);
        assert!(
            matches!(missing, Err(ReadError::Io(error)) if error.kind() == ErrorKind::NotFound)
        );
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_entries_and_a_crowded_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalDirectory::new(dir.path());
        assert_eq!(store.entries(Path::new("none"), 1).unwrap(), []);
        for name in ["a", "b"] {
            std::fs::write(dir.path().join(name), b"").unwrap();
        }
        assert_eq!(store.entries(Path::new(""), 2).unwrap().len(), 2);
        assert!(store.entries(Path::new(""), 1).is_err());
    }
}
