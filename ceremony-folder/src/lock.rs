//! One writer at a time.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{Cause, CeremonyError};
use crate::store::open_regular;

/// How long a command waits for another one.
const PATIENCE: Duration = Duration::from_secs(120);

/// Held while a command works in a folder; another one on the same machine is refused meanwhile.
#[derive(Debug)]
pub struct FolderLock(
    #[expect(dead_code, reason = "the lock lasts as long as the file is open")] File,
);

impl FolderLock {
    /// Takes the lock, waiting for a command that is about to finish, and removes what killed ones
    /// left.
    ///
    /// # Errors
    /// When the lock file cannot be made, is not a regular file, or stays locked.
    pub fn take(root: &Path) -> Result<Self, CeremonyError> {
        let path = root.join(".zk-ceremony.lock");
        let file = lock_file(&path)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(200));
                }
                Err(fs::TryLockError::WouldBlock) => {
                    return Err(CeremonyError { path: root.into(), cause: Cause::Busy });
                }
                // A file system without locks: steps still appear whole or not at all.
                Err(fs::TryLockError::Error(_)) => break,
            }
        }
        remove_leftovers(root);
        Ok(Self(file))
    }
}

/// The lock file, made where it is missing. What is there is never truncated and never followed.
fn lock_file(path: &Path) -> Result<File, CeremonyError> {
    let rules = path.with_file_name("ceremony.toml");
    let failed = |error| CeremonyError {
        path: path.into(),
        cause: Cause::Write { doing: "creating", error },
    };
    match File::create_new(path) {
        Ok(file) => Ok(file),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => open_regular(path)
            .map_err(|error| CeremonyError { path: path.into(), cause: error.into() }),
        // Where there is no folder, the lock is not what is missing.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(CeremonyError { path: rules, cause: Cause::Io(error) })
        }
        Err(error) => Err(failed(error)),
    }
}

/// Removes temporary files of commands that were killed. Under the lock nothing else writes to the
/// chains' folders, so none of them is in use.
fn remove_leftovers(root: &Path) {
    let circuits = fs::read_dir(root.join("circuits"));
    let circuits = circuits.into_iter().flatten().flatten().map(|entry| entry.path());
    let folders: Vec<PathBuf> = circuits.chain([root.join("phase1"), root.into()]).collect();
    for entry in folders.iter().flat_map(fs::read_dir).flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(".zk-ceremony-") && name.ends_with(".partial") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn in_a_folder_that_does_not_exist_the_rules_are_missing_and_not_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let error = FolderLock::take(&dir.path().join("nowhere")).unwrap_err();
        assert!(error.path.ends_with("nowhere/ceremony.toml"), "{error}");
        assert!(error.is_environment());
    }

    #[test]
    fn a_lock_that_is_a_link_or_a_pipe_is_refused_and_its_target_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (key, lock) = (dir.path().join("key.pem"), dir.path().join(".zk-ceremony.lock"));
        fs::write(&key, b"secret").unwrap();
        std::os::unix::fs::symlink(&key, &lock).unwrap();
        assert!(FolderLock::take(dir.path()).is_err());
        assert_eq!(fs::read(&key).unwrap(), b"secret");
        fs::remove_file(&lock).unwrap();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &lock, mode).unwrap();
        assert!(FolderLock::take(dir.path()).is_err());
        fs::remove_file(&lock).unwrap();
        FolderLock::take(dir.path()).unwrap();
        FolderLock::take(dir.path()).unwrap();
    }
}
