//! Where the files of a ceremony are kept.
//!
//! Everything that reads a ceremony does so through a [`Store`], by paths relative to the store's
//! root. [`LocalDirectory`] is a folder on this machine. What it hands out are regular files: a
//! link, a pipe or a device under a ceremony's name is refused before a byte is read, and opening
//! one never waits. No folder on the way to a file may be a link either, so that nothing outside is
//! read or written.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use crate::output::{Output, OutputError, OutputFault};
pub use crate::place::Readers;
use crate::place::{Place, entries_beneath};

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

    /// Begins a file, which appears when it is complete ([`Output::commit`]), and makes its folder.
    /// `replace` allows a regular file of that name to be there already.
    ///
    /// # Errors
    /// [`OutputError`].
    fn create(&self, path: &Path, replace: bool, by: Readers) -> Result<Output, OutputError>;

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
        entries_beneath(&self.0, folder, limit)
    }

    fn is_present(&self, path: &Path) -> bool {
        let kind = Place::beneath(&self.0, path, None).and_then(|place| place.kind());
        kind.is_ok_and(|kind| kind.is_some())
    }

    fn open(&self, path: &Path) -> Result<Input, ReadError> {
        Ok(Box::new(Place::beneath(&self.0, path, None)?.open()?))
    }

    fn create(&self, path: &Path, replace: bool, by: Readers) -> Result<Output, OutputError> {
        let shown = self.0.join(path);
        let place = Place::beneath(&self.0, path, Some(by)).map_err(|error| OutputError {
            path: shown.clone(),
            fault: OutputFault::Io { doing: "opening its folder", error },
        })?;
        Output::at(place, &shown, replace, by)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), OutputError> {
        let shown = self.0.join(to);
        let failed = |error: io::Error| {
            let fault = match error.kind() {
                io::ErrorKind::AlreadyExists => OutputFault::Exists,
                _ => OutputFault::Io { doing: "moving to this name", error },
            };
            OutputError { path: shown.clone(), fault }
        };
        let to = Place::beneath(&self.0, to, Some(Readers::Everyone)).map_err(failed)?;
        let from = Place::beneath(&self.0, from, None).map_err(failed)?;
        from.move_to(&to).map_err(failed)
    }
}

/// Opens a regular file that a user names. Neither follows a link there nor waits for a pipe's
/// other end.
///
/// # Errors
/// [`ReadError::Io`] and [`ReadError::NotRegular`].
pub fn open_regular(path: &Path) -> Result<File, ReadError> {
    Place::named(path)?.open()
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

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

    /// Links below the root lead nowhere; the root itself may be reached by one.
    #[cfg(unix)]
    #[test]
    fn a_folder_that_is_a_link_leads_neither_reads_nor_writes_outside() {
        use std::os::unix::fs::symlink;

        let dir = tempfile::tempdir().unwrap();
        let (inside, outside) = (dir.path().join("inside"), dir.path().join("outside"));
        std::fs::create_dir_all(inside.join("circuits/real")).unwrap();
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("file"), b"outside").unwrap();
        std::fs::write(inside.join("circuits/real/file"), b"inside").unwrap();
        symlink(&outside, inside.join("circuits/main")).unwrap();
        symlink(&inside, dir.path().join("alias")).unwrap();
        let store = LocalDirectory::new(&dir.path().join("alias"));
        assert_eq!(store.read(Path::new("circuits/real/file"), 9).unwrap(), b"inside");
        let not_a_folder = |error: &io::Error| error.kind() == ErrorKind::NotADirectory;
        let path = Path::new("circuits/main/file");
        assert!(
            matches!(store.open(path).map(drop), Err(ReadError::Io(error)) if not_a_folder(&error))
        );
        assert!(!store.is_present(path));
        assert!(not_a_folder(&store.entries(Path::new("circuits/main"), 9).unwrap_err()));
        for new in ["circuits/main/file", "circuits/main/new", "circuits/main/folder/new"] {
            let refused = store.create(Path::new(new), true, Readers::Everyone).unwrap_err();
            assert!(
                matches!(&refused.fault, OutputFault::Io { error, .. } if not_a_folder(error)),
                "{refused}"
            );
        }
        for outside in ["../outside/file", "/etc/hostname"] {
            assert!(store.open(Path::new(outside)).is_err(), "{outside}");
        }
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
        assert_eq!(std::fs::read(outside.join("file")).unwrap(), b"outside");
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
