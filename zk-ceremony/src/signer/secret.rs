//! Reading files that hold secrets: keys and PINs. Like ssh, we refuse those that other accounts can read.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::CliError;
use crate::output::open;

/// Reads a file of at most `limit` bytes, which only its owner can read.
pub(super) fn read_secret(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let file = open_regular(path)?;
    refuse_if_shared(path, &file)?;
    let bytes = read_bounded(file, limit).map_err(|e| CliError::io(path, "reading", &e))?;
    bytes.ok_or_else(|| {
        CliError::environment(format!(
            "{}: too long for a secret\n  expected  at most {limit} bytes",
            path.display()
        ))
        .hint("name another file")
    })
}

/// Reads to the end of `source`; none where that is past `limit`.
pub(super) fn read_bounded(
    source: impl std::io::Read,
    limit: usize,
) -> std::io::Result<Option<Zeroizing<Vec<u8>>>> {
    // With all of its room from the start: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    source.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() <= limit))
}

/// Opens a regular file. Looked at before it is opened: opening a pipe would wait for its other end.
pub(super) fn open_regular(path: &Path) -> Result<File, CliError> {
    let metadata = fs::metadata(path)
        .map_err(|e| CliError::io(path, "opening", &e).hint("name a file that exists"))?;
    if !metadata.is_file() {
        return Err(CliError::environment(format!("{}: not a regular file", path.display()))
            .hint("name a file"));
    }
    open(path)
}

#[cfg(unix)]
fn refuse_if_shared(path: &Path, file: &File) -> Result<(), CliError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().map_err(|e| CliError::io(path, "opening", &e))?.permissions().mode()
        & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let shown = path.display();
    Err(CliError::environment(format!(
        "{shown}: other accounts can read this secret\n  found     mode {mode:04o}\n  expected  mode 0600, its owner only"
    ))
    .hint(format!("run `chmod 600 {shown}`; if others use this machine, replace the secret as well")))
}

#[cfg(not(unix))]
fn refuse_if_shared(_: &Path, _: &File) -> Result<(), CliError> {
    Ok(())
}
