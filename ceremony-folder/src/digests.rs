//! Digests of a folder's files, computed again only where a file changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ceremony_core::format::bound_file::sha256_file;
use ceremony_core::progress::Progress;
use zk_attest::digest::FileDigest;

use crate::Folder;
use crate::error::{CeremonyError, at};

/// What a file looks like from outside: its bytes, and when it was changed.
type Stamp = (u64, Option<SystemTime>);

/// See the module's documentation. For what is signed or served; what is verified is read.
#[derive(Clone, Debug, Default)]
pub struct KnownDigests(BTreeMap<PathBuf, (Stamp, FileDigest)>);

impl KnownDigests {
    /// The bytes and the SHA-256 of a file of a folder on this machine.
    ///
    /// # Errors
    /// When it is not there, is no regular file, or cannot be read.
    pub fn of(
        &mut self,
        folder: &Folder,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<(u64, FileDigest), CeremonyError> {
        let metadata = path.symlink_metadata().map_err(at(path))?;
        // Taken before the content: what changes meanwhile is read again next time.
        let stamp = (metadata.len(), metadata.modified().ok());
        if let Some((known, digest)) = self.0.get(path)
            && *known == stamp
        {
            return Ok((stamp.0, *digest));
        }
        let mut file = folder.open(path)?;
        let digest = FileDigest(sha256_file(&mut file, progress).map_err(at(path))?.0);
        self.0.insert(path.into(), (stamp, digest));
        Ok((stamp.0, digest))
    }

    /// Forgets files that are not among these.
    pub fn keep(&mut self, is_there: impl Fn(&Path) -> bool) {
        self.0.retain(|path, _| is_there(path));
    }
}
