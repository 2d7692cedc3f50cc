//! The files of a ceremony folder that everyone may have: all but `private/`, `strays/`, hidden
//! files and half-written ones.

use std::path::{Path, PathBuf};

use crate::error::{Cause, CeremonyError, at};
use crate::folder::{Folder, STRAYS};
use crate::store::{Entry, EntryKind};

/// Files of a folder at most: three for each of 4096 contributions to each of 17 chains is far
/// below it.
const MAX_FILES: usize = 1 << 18;
/// Folders in folders at most: `circuits/NAME/ark` is the deepest.
const MAX_DEPTH: usize = 4;

/// A public file: its name in the folder, with `/` between the parts, and its path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicFile {
    /// The name.
    pub name: String,
    /// The path.
    pub path: PathBuf,
}

/// All of them, sorted by name.
///
/// # Errors
/// When a folder cannot be read, or has something that does not belong there.
pub fn public_files(folder: &Folder) -> Result<Vec<PublicFile>, CeremonyError> {
    let mut files = Vec::new();
    walk(folder, "", 0, &mut files)?;
    files.sort();
    Ok(files)
}

fn walk(
    folder: &Folder,
    prefix: &str,
    depth: usize,
    files: &mut Vec<PublicFile>,
) -> Result<(), CeremonyError> {
    let here = folder.root().join(prefix);
    let entries = folder.store().entries(Path::new(prefix), MAX_FILES).map_err(at(&here))?;
    for Entry { name, kind } in entries {
        if name.starts_with('.') || (prefix.is_empty() && ["private", STRAYS].contains(&&*name)) {
            continue;
        }
        let path = here.join(&name);
        if name.contains(['\n', '\r', '\\']) {
            return Err(unusual(&path, "its name has a line break or a backslash"));
        }
        if kind == EntryKind::Folder && depth < MAX_DEPTH {
            walk(folder, &format!("{prefix}{name}/"), depth + 1, files)?;
        } else if kind == EntryKind::File && files.len() < MAX_FILES {
            files.push(PublicFile { name: format!("{prefix}{name}"), path });
        } else {
            return Err(unusual(&path, "it is a link, a device, or one too many"));
        }
    }
    Ok(())
}

fn unusual(path: &Path, why: &'static str) -> CeremonyError {
    CeremonyError { path: path.into(), cause: Cause::DoesNotBelong { why } }
}
