//! Files that a ceremony gives once: the next time they must be the same.

use std::path::Path;

use ceremony_folder::steps::write_file;
use ceremony_folder::{Cause, Ceremony, CeremonyError};
use zk_attest::diagnostic::Diagnostic;

/// Writes a file that is the same each time. One that is there and differs is an error.
pub(super) fn write_once(ceremony: &Ceremony, path: &Path, bytes: &[u8]) -> Result<(), Diagnostic> {
    if ceremony.folder.is_present(path) {
        return ensure_same(ceremony, path, bytes);
    }
    Ok(write_file(ceremony, path, bytes, false)?)
}

/// Refuses a file that is not what this ceremony gives.
pub(super) fn ensure_same(
    ceremony: &Ceremony,
    path: &Path,
    bytes: &[u8],
) -> Result<(), Diagnostic> {
    let other = || {
        Diagnostic::artefact("not-of-this-ceremony", "it is not what this ceremony gives")
            .at(path.display())
            .hint(
                "it was altered: keep a copy as evidence, remove it, and run the same command \
                 again",
            )
    };
    match ceremony.folder.read(path, bytes.len()) {
        Ok(found) if found == bytes => Ok(()),
        Ok(_) | Err(CeremonyError { cause: Cause::TooLarge { .. }, .. }) => Err(other()),
        Err(error) => Err(error.into()),
    }
}
