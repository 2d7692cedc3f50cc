//! What a service keeps for itself, outside of the ceremony's folder and readable by its owner
//! only: its key, the turn, and what is being uploaded.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use ceremony_folder::store::{LocalDirectory, Readers, Store as _};
use ceremony_folder::{CeremonyError, FolderLock};
use zk_attest::diagnostic::Diagnostic;

/// The folder, held by one service.
#[derive(Debug)]
pub(crate) struct StateFolder {
    root: PathBuf,
    store: LocalDirectory,
    _lock: FolderLock,
}

impl StateFolder {
    /// Makes the folder where it is missing, and takes it for this service.
    pub(crate) fn open(root: &Path) -> Result<Self, Diagnostic> {
        let failed = |error: std::io::Error| {
            Diagnostic::environment("state", format_args!("making the folder failed: {error}"))
                .at(root.display())
                .hint("name a folder of the service's own with --state")
        };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(root).map_err(failed)?;
        builder.create(root.join("uploads")).map_err(failed)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(root).map_err(failed)?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(Diagnostic::environment(
                    "state",
                    "others can look into the service's folder",
                )
                .at(root.display())
                .found(format_args!("mode {:o}", mode & 0o777))
                .expected("mode 700")
                .hint(format_args!("chmod 700 {}", root.display())));
            }
        }
        let lock = FolderLock::take(root)?;
        Ok(Self { root: root.into(), store: LocalDirectory::new(root), _lock: lock })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn read(
        &self,
        name: &str,
        limit: usize,
    ) -> Result<Vec<u8>, ceremony_folder::store::ReadError> {
        self.store.read(Path::new(name), limit)
    }

    /// Writes a small file whole, in place of one that is there.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), CeremonyError> {
        let mut output = self.store.create(Path::new(name), true, Readers::Owner)?;
        output.write_all(bytes).map_err(|error| ceremony_folder::output::OutputError {
            path: self.path(name),
            fault: ceremony_folder::output::OutputFault::Io { doing: "writing", error },
        })?;
        Ok(output.commit()?)
    }

    pub(crate) fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.path(name));
    }

    /// Bytes that are free on its disk; none where the system does not say.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        free_bytes(&self.root)
    }
}

/// Bytes that are free for the service on the disk of a folder.
#[cfg(unix)]
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
pub(crate) fn free_bytes(_: &Path) -> Option<u64> {
    None
}
