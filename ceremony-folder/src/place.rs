//! A name in a folder that is open.
//!
//! On unix each part of a path is opened relative to the part before, so that what was judged is
//! what is used, whatever the path leads to meanwhile. Below the root of a ceremony no part may be
//! a link. Elsewhere each part is looked at before the path is used.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Component, Path};

#[cfg(not(unix))]
use other as system;
#[cfg(unix)]
use unix as system;

use crate::store::{Entry, EntryKind, ReadError};

/// See the module's documentation.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    folder: system::Folder,
    name: OsString,
}

/// Who may read a new file and look into a new folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Whom the process's umask allows.
    Everyone,
    /// The owner only.
    Owner,
}

impl Place {
    /// The place that a user names. Links on the way to its folder are the user's own.
    pub(crate) fn named(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(ErrorKind::IsADirectory)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = system::Folder::open(parent.unwrap_or(Path::new(".")))?;
        Ok(Self { folder, name: name.into() })
    }

    /// The place of `path` below `root`. `make` makes the folders on the way that are missing.
    pub(crate) fn beneath(root: &Path, path: &Path, make: Option<Readers>) -> io::Result<Self> {
        let name = path.file_name().ok_or(ErrorKind::IsADirectory)?;
        let parent = path.parent().unwrap_or(Path::new(""));
        Ok(Self { folder: folder_beneath(root, parent, make)?, name: name.into() })
    }

    /// The name in its folder.
    pub(crate) fn name(&self) -> &OsStr {
        &self.name
    }

    /// Another name in the same folder.
    pub(crate) fn beside(&self, name: impl Into<OsString>) -> Self {
        Self { folder: self.folder.clone(), name: name.into() }
    }

    /// What stands there, if anything does. A link is not followed.
    pub(crate) fn kind(&self) -> io::Result<Option<EntryKind>> {
        match self.folder.kind(&self.name) {
            Ok(kind) => Ok(Some(kind)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens a regular file for reading. Neither follows a link nor waits for a pipe's other end.
    pub(crate) fn open(&self) -> Result<File, ReadError> {
        self.regular(self.folder.open_file(&self.name))
    }

    fn regular(&self, opened: io::Result<File>) -> Result<File, ReadError> {
        // A link gives an error whose number differs from system to system: ask what stands there.
        match (opened, self.folder.kind(&self.name)) {
            (_, Ok(EntryKind::Folder | EntryKind::Other)) => Err(ReadError::NotRegular),
            (Ok(file), Ok(EntryKind::File)) if file.metadata()?.is_file() => Ok(file),
            (Ok(_), Ok(EntryKind::File)) => Err(ReadError::NotRegular),
            (Err(error), _) | (_, Err(error)) => Err(error.into()),
        }
    }

    /// Opens a regular file for reading and writing. What is in it stays.
    pub(crate) fn open_for_append(&self) -> Result<File, ReadError> {
        self.regular(self.folder.open_for_append(&self.name))
    }

    /// Makes a file for reading and writing where nothing stands.
    pub(crate) fn create_new(&self, readers: Readers) -> io::Result<File> {
        self.folder.create_new(&self.name, readers)
    }

    /// Gives the file another name in its folder.
    pub(crate) fn rename(&self, name: &OsStr, replace: bool) -> io::Result<()> {
        self.folder.rename(&self.name, &self.folder, name, replace)
    }

    /// Moves what stands there to another place, which must be free.
    pub(crate) fn move_to(&self, to: &Self) -> io::Result<()> {
        self.folder.rename(&self.name, &to.folder, &to.name, false)
    }

    /// Whether a file that was opened under this name still has it.
    pub(crate) fn is(&self, file: &File) -> io::Result<bool> {
        match self.folder.open_file(&self.name) {
            Ok(there) => system::are_one(file, &there),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Waits until the folder's names are on the disk.
    pub(crate) fn sync_folder(&self) -> io::Result<()> {
        self.folder.sync()
    }

    /// Removes the file.
    pub(crate) fn remove(&self) -> io::Result<()> {
        self.folder.remove(&self.name)
    }
}

/// The names in the folder at `path` below `root`, at most `limit`: one more is [`TooMany`].
pub(crate) fn entries_beneath(root: &Path, path: &Path, limit: usize) -> io::Result<Vec<Entry>> {
    match folder_beneath(root, path, None).and_then(|folder| folder.entries(limit)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed,
    }
}

fn folder_beneath(root: &Path, path: &Path, make: Option<Readers>) -> io::Result<system::Folder> {
    let mut folder =
        system::Folder::open(if root == Path::new("") { Path::new(".") } else { root })?;
    for part in path.components() {
        // A path of a ceremony has no `..` and does not begin at a root.
        let Component::Normal(part) = part else { return Err(ErrorKind::InvalidInput.into()) };
        folder = match folder.enter(part, make) {
            Ok(entered) => entered,
            // The error of a link differs from system to system: ask what stands there.
            Err(_) if folder.kind(part).is_ok_and(|kind| kind != EntryKind::Folder) => {
                let what = "a folder on the way is a link or a file";
                return Err(io::Error::new(ErrorKind::NotADirectory, what));
            }
            Err(error) => return Err(error),
        };
    }
    Ok(folder)
}

/// A folder has more names than this.
#[derive(Debug, thiserror::Error)]
#[error("more than {0} names in one folder")]
pub(crate) struct TooMany(pub(crate) usize);

fn too_many(limit: usize) -> io::Error {
    io::Error::other(TooMany(limit))
}

/// A name that is not UTF-8 belongs to no ceremony, and nothing is opened by it.
fn entry(name: &OsStr, kind: EntryKind) -> Entry {
    match name.to_str() {
        Some(name) => Entry { name: name.into(), kind },
        None => Entry { name: name.to_string_lossy().into_owned(), kind: EntryKind::Other },
    }
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::fs::File;
    use std::io;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;
    use std::sync::Arc;

    use rustix::fs::{
        AtFlags, CWD, Dir, FileType, Mode, OFlags, fsync, linkat, mkdirat, openat, renameat,
        statat, unlinkat,
    };
    use rustix::io::Errno;

    use super::{Entry, EntryKind, Readers, entry, too_many};

    /// Enough to go on from a folder that only its owner may list.
    #[cfg(target_os = "linux")]
    const SEARCH: OFlags = OFlags::PATH;
    #[cfg(not(target_os = "linux"))]
    const SEARCH: OFlags = OFlags::RDONLY;

    #[derive(Clone, Debug)]
    pub(super) struct Folder(Arc<OwnedFd>);

    /// Whether both are the same file.
    pub(super) fn are_one(a: &File, b: &File) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt;
        let (a, b) = (a.metadata()?, b.metadata()?);
        Ok(a.dev() == b.dev() && a.ino() == b.ino())
    }

    impl Folder {
        pub(super) fn open(path: &Path) -> io::Result<Self> {
            let flags = SEARCH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            Ok(Self(Arc::new(openat(CWD, path, flags, Mode::empty())?)))
        }

        pub(super) fn enter(&self, part: &OsStr, make: Option<Readers>) -> io::Result<Self> {
            let flags = SEARCH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let open = || openat(&self.0, part, flags, Mode::empty());
            let opened = match (open(), make) {
                (Err(Errno::NOENT), Some(readers)) => {
                    let mode = match readers {
                        Readers::Everyone => 0o777,
                        Readers::Owner => 0o700,
                    };
                    match mkdirat(&self.0, part, Mode::from_raw_mode(mode)) {
                        Ok(()) | Err(Errno::EXIST) => open(),
                        Err(error) => Err(error),
                    }
                }
                (opened, _) => opened,
            };
            Ok(Self(Arc::new(opened?)))
        }

        pub(super) fn kind(&self, name: &OsStr) -> io::Result<EntryKind> {
            let found = statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
            Ok(kind(FileType::from_raw_mode(found.st_mode)))
        }

        pub(super) fn open_file(&self, name: &OsStr) -> io::Result<File> {
            let flags = OFlags::RDONLY
                | OFlags::NOFOLLOW
                | OFlags::NONBLOCK
                | OFlags::NOCTTY
                | OFlags::CLOEXEC;
            Ok(openat(&self.0, name, flags, Mode::empty())?.into())
        }

        pub(super) fn open_for_append(&self, name: &OsStr) -> io::Result<File> {
            let flags = OFlags::RDWR
                | OFlags::NOFOLLOW
                | OFlags::NONBLOCK
                | OFlags::NOCTTY
                | OFlags::CLOEXEC;
            Ok(openat(&self.0, name, flags, Mode::empty())?.into())
        }

        pub(super) fn create_new(&self, name: &OsStr, readers: Readers) -> io::Result<File> {
            let flags =
                OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mode = match readers {
                Readers::Everyone => 0o666,
                Readers::Owner => 0o600,
            };
            Ok(openat(&self.0, name, flags, Mode::from_raw_mode(mode))?.into())
        }

        pub(super) fn rename(
            &self,
            from: &OsStr,
            into: &Self,
            to: &OsStr,
            replace: bool,
        ) -> io::Result<()> {
            if replace {
                return Ok(renameat(&self.0, from, &into.0, to)?);
            }
            #[cfg(target_os = "linux")]
            {
                use rustix::fs::{RenameFlags, renameat_with};
                match renameat_with(&self.0, from, &into.0, to, RenameFlags::NOREPLACE) {
                    // Not every file system knows it.
                    Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
                    renamed => return Ok(renamed?),
                }
            }
            linkat(&self.0, from, &into.0, to, AtFlags::empty())?;
            Ok(unlinkat(&self.0, from, AtFlags::empty())?)
        }

        pub(super) fn sync(&self) -> io::Result<()> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            Ok(fsync(openat(&self.0, ".", flags, Mode::empty())?)?)
        }

        pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
            Ok(unlinkat(&self.0, name, AtFlags::empty())?)
        }

        pub(super) fn entries(&self, limit: usize) -> io::Result<Vec<Entry>> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let mut entries = Vec::new();
            for found in Dir::new(openat(&self.0, ".", flags, Mode::empty())?)? {
                let found = found?;
                let name = OsStr::from_bytes(found.file_name().to_bytes());
                if name == "." || name == ".." {
                    continue;
                }
                if entries.len() >= limit {
                    return Err(too_many(limit));
                }
                let kind = match found.file_type() {
                    FileType::Unknown => self.kind(name)?,
                    known => kind(known),
                };
                entries.push(entry(name, kind));
            }
            Ok(entries)
        }
    }

    fn kind(file_type: FileType) -> EntryKind {
        match file_type {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Folder,
            _ => EntryKind::Other,
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::ffi::OsStr;
    use std::fs::{self, File};
    use std::io::{self, ErrorKind};
    use std::path::{Path, PathBuf};

    use super::{Entry, EntryKind, Readers, entry, too_many};

    #[derive(Clone, Debug)]
    pub(super) struct Folder(PathBuf);

    /// Whether both are the same file: here a file that is open keeps its name.
    pub(super) fn are_one(_: &File, _: &File) -> io::Result<bool> {
        Ok(true)
    }

    impl Folder {
        pub(super) fn open(path: &Path) -> io::Result<Self> {
            if fs::metadata(path)?.is_dir() {
                Ok(Self(path.into()))
            } else {
                Err(ErrorKind::NotADirectory.into())
            }
        }

        pub(super) fn enter(&self, part: &OsStr, make: Option<Readers>) -> io::Result<Self> {
            let folder = Self(self.0.join(part));
            match (self.kind(part), make) {
                (Err(error), Some(_)) if error.kind() == ErrorKind::NotFound => {
                    fs::create_dir(&folder.0)?;
                }
                (Err(error), _) => return Err(error),
                (Ok(EntryKind::Folder), _) => {}
                (Ok(_), _) => return Err(ErrorKind::NotADirectory.into()),
            }
            Ok(folder)
        }

        pub(super) fn kind(&self, name: &OsStr) -> io::Result<EntryKind> {
            Ok(kind(self.0.join(name).symlink_metadata()?.file_type()))
        }

        pub(super) fn open_file(&self, name: &OsStr) -> io::Result<File> {
            match self.kind(name)? {
                EntryKind::File => File::open(self.0.join(name)),
                _ => Err(ErrorKind::InvalidInput.into()),
            }
        }

        pub(super) fn open_for_append(&self, name: &OsStr) -> io::Result<File> {
            match self.kind(name)? {
                EntryKind::File => File::options().read(true).write(true).open(self.0.join(name)),
                _ => Err(ErrorKind::InvalidInput.into()),
            }
        }

        pub(super) fn create_new(&self, name: &OsStr, _: Readers) -> io::Result<File> {
            File::options().read(true).write(true).create_new(true).open(self.0.join(name))
        }

        pub(super) fn rename(
            &self,
            from: &OsStr,
            into: &Self,
            to: &OsStr,
            replace: bool,
        ) -> io::Result<()> {
            let (from, to) = (self.0.join(from), into.0.join(to));
            if replace {
                return patiently(|| fs::rename(&from, &to));
            }
            patiently(|| fs::hard_link(&from, &to))?;
            patiently(|| fs::remove_file(&from))
        }

        /// These systems give a folder no way to wait for.
        pub(super) fn sync(&self) -> io::Result<()> {
            Ok(())
        }

        pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
            fs::remove_file(self.0.join(name))
        }

        pub(super) fn entries(&self, limit: usize) -> io::Result<Vec<Entry>> {
            let mut entries = Vec::new();
            for found in fs::read_dir(&self.0)? {
                let found = found?;
                if entries.len() >= limit {
                    return Err(too_many(limit));
                }
                entries.push(entry(&found.file_name(), kind(found.file_type()?)));
            }
            Ok(entries)
        }
    }

    /// Tries again for two seconds where access is denied: a virus scanner or a preview may have
    /// the file open for a moment, and the work of hours is in it.
    fn patiently(act: impl Fn() -> io::Result<()>) -> io::Result<()> {
        for wait in [20, 80, 300, 600, 1000] {
            match act() {
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    std::thread::sleep(std::time::Duration::from_millis(wait));
                }
                result => return result,
            }
        }
        act()
    }

    fn kind(file_type: fs::FileType) -> EntryKind {
        match (file_type.is_file(), file_type.is_dir()) {
            (true, _) => EntryKind::File,
            (_, true) => EntryKind::Folder,
            _ => EntryKind::Other,
        }
    }
}
