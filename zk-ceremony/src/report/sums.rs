//! `SHA256SUMS`: the digests of all public files, for `sha256sum --check`.

use std::path::Path;

use ceremony_core::format::bound_file::digest_file;

use crate::archive_set::public_files;
use crate::error::CliError;
use crate::output::open;
use crate::progress::Bars;

/// The lines, sorted by name; not of the file itself.
pub(crate) fn sums(root: &Path) -> Result<String, CliError> {
    let mut lines = String::new();
    for file in public_files(root)?.iter().filter(|file| file.name != "SHA256SUMS") {
        let mut source = open(&file.path)?;
        let digests = digest_file(&mut source, &Bars::default())
            .map_err(|e| CliError::io(&file.path, "reading", &e))?;
        lines += &format!("{}  {}\n", digests.sha256, file.name);
    }
    Ok(lines)
}
