//! One writer at a time.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use zk_vk_guard::limits::MAX_KEYS;

use crate::error::{Cause, CeremonyError, at};
use crate::folder::MAX_ENTRIES;
use crate::place::{Place, Readers, entries_beneath};
use crate::store::{Entry, EntryKind};

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

/// Held as long as a service holds a folder, beside its journal: two services would write two
/// histories into one file. Other commands do not ask for it.
#[derive(Debug)]
pub struct ServiceLock(
    #[expect(dead_code, reason = "the lock lasts as long as the file is open")] File,
);

impl ServiceLock {
    /// Takes the lock. None where another service has it, on this machine.
    ///
    /// # Errors
    /// When the lock file cannot be made, or is not a regular file.
    pub fn take(root: &Path) -> Result<Option<Self>, CeremonyError> {
        let file = lock_file(&root.join(".zk-ceremony-service.lock"))?;
        match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            // A file system without locks: whoever starts two services there is on their own.
            Ok(()) | Err(fs::TryLockError::Error(_)) => Ok(Some(Self(file))),
        }
    }
}

/// The lock file, made where it is missing. What is there is never truncated and never followed.
fn lock_file(path: &Path) -> Result<File, CeremonyError> {
    let failed = |error: std::io::Error| match error.kind() {
        // Where there is no folder, the lock is not what is missing.
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            CeremonyError { path: path.with_file_name("ceremony.toml"), cause: Cause::Io(error) }
        }
        _ => CeremonyError { path: path.into(), cause: Cause::Write { doing: "creating", error } },
    };
    let place = Place::named(path).map_err(failed)?;
    match place.create_new(Readers::Everyone) {
        Ok(file) => Ok(file),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => place.open().map_err(at(path)),
        Err(error) => Err(failed(error)),
    }
}

/// Removes temporary files of commands that were killed. Under the lock nothing else writes to the
/// chains' folders, so none of them is in use.
fn remove_leftovers(root: &Path) {
    let list = |folder: &Path| entries_beneath(root, folder, MAX_ENTRIES).unwrap_or_default();
    let circuits = Path::new("circuits");
    let circuits = list(circuits).into_iter().map(|circuit| circuits.join(circuit.name));
    // Exported keys and verdicts have folders in these.
    let deeper =
        circuits.flat_map(|circuit| [circuit.join("ark"), circuit.join("snarkjs"), circuit]);
    let audits = Path::new("audits");
    let auditors = list(audits).into_iter().filter(|entry| entry.kind == EntryKind::Folder);
    let auditors = auditors.take(MAX_KEYS).map(|entry| audits.join(entry.name));
    let folders = deeper.chain(auditors).chain(["phase1", "audits", ""].map(PathBuf::from));
    for folder in folders.collect::<Vec<_>>() {
        remove_partial(root, &folder);
    }
}

/// Removes what killed commands left in a folder that only they write to.
pub fn remove_leftovers_of(folder: &Path) {
    remove_partial(folder, Path::new(""));
}

fn remove_partial(root: &Path, folder: &Path) {
    let entries = entries_beneath(root, folder, MAX_ENTRIES).unwrap_or_default();
    let unfinished: BTreeSet<String> = entries
        .iter()
        .filter(|entry| entry.name.ends_with(".unfinished"))
        .map(|entry| entry.name.clone())
        .collect();
    for Entry { name, kind } in entries {
        // What helped to make an output that is finished: its command was killed just then.
        let aid = [".scratch", ".json"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let is_of_finished =
            aid.is_some_and(|of| of.ends_with(".unfinished") && !unfinished.contains(of));
        // Another thread of this process may be writing its own, without the lock.
        let ours = format!(".zk-ceremony-{}-", std::process::id());
        let leftover = name.starts_with(".zk-ceremony-")
            && (name.ends_with(".partial") && !name.starts_with(&ours) || is_of_finished);
        if leftover && kind == EntryKind::File {
            let _ = Place::beneath(root, &folder.join(name), None).and_then(|it| it.remove());
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

    #[test]
    fn a_folder_has_one_service_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let held = ServiceLock::take(dir.path()).unwrap();
        assert!(held.is_some());
        assert!(ServiceLock::take(dir.path()).unwrap().is_none());
        // Commands go on beside it.
        FolderLock::take(dir.path()).unwrap();
        drop(held);
        assert!(ServiceLock::take(dir.path()).unwrap().is_some());
    }
}
