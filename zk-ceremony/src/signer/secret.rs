//! Reading files that hold secrets: keys and PINs. Like ssh, we refuse files that other accounts
//! can read.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;
use zk_attest::diagnostic::Diagnostic;

use crate::failure;
use crate::output::open;
#[cfg(not(unix))]
use crate::watching::say;

/// Reads a file of at most `limit` bytes, which only its owner can read.
pub(crate) fn read_secret(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, Diagnostic> {
    let file = open_regular(path)?;
    refuse_if_shared(path, &file)?;
    let bytes = read_bounded(file, limit).map_err(|e| failure::io(path, "reading", &e))?;
    bytes.ok_or_else(|| {
        Diagnostic::environment("too-long-secret", "too long for a secret")
            .at(path.display())
            .expected(format_args!("at most {limit} bytes"))
            .hint("name another file")
    })
}

/// Reads to the end of `source`. `None` if that is past `limit`.
pub(super) fn read_bounded(
    source: impl std::io::Read,
    limit: usize,
) -> std::io::Result<Option<Zeroizing<Vec<u8>>>> {
    // Allocated at full size: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    source.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() <= limit))
}

/// Reads at most `limit` bytes from the start of a file.
pub(super) fn read_start(
    file: File,
    path: &Path,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, Diagnostic> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit));
    file.take(limit as u64)
        .read_to_end(&mut bytes)
        .map_err(|e| failure::io(path, "reading", &e))?;
    Ok(bytes)
}

/// Opens a regular file. Its kind is checked before it is opened: opening a pipe would wait for the
/// other end.
pub(super) fn open_regular(path: &Path) -> Result<File, Diagnostic> {
    let metadata = fs::metadata(path)
        .map_err(|e| failure::io(path, "opening", &e).hint("name a file that exists"))?;
    if !metadata.is_file() {
        return Err(Diagnostic::environment("not-regular", "not a regular file")
            .at(path.display())
            .hint("name a file"));
    }
    open(path)
}

#[cfg(unix)]
fn refuse_if_shared(path: &Path, file: &File) -> Result<(), Diagnostic> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode =
        file.metadata().map_err(|e| failure::io(path, "opening", &e))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let shown = path.display().to_string();
    Err(Diagnostic::environment("secret-readable-by-others", "other accounts can read this secret")
        .at(&shown)
        .found(format_args!("mode {mode:04o}"))
        .expected("mode 0600, its owner only")
        .hint(format!(
            "run `chmod 600 {shown}` (on a stick whose file system keeps no modes: copy it to this \
             machine's disk first); if other people use this machine, replace the secret as well"
        )))
}

#[cfg(not(unix))]
fn refuse_if_shared(path: &Path, _: &File) -> Result<(), Diagnostic> {
    say!(
        "note: who else can read {} is not checked on this system: keep it where only your account \
         can",
        path.display()
    );
    Ok(())
}
