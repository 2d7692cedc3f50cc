//! The files of a ceremony folder that everybody may have: everything but `private/`, hidden files and half-written ones.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::CliError;

/// Files of a folder at most: three for each of 4096 contributions to each of 17 chains is far below it.
const MAX_FILES: usize = 1 << 18;
/// Folders in folders at most: `circuits/NAME/ark` is the deepest.
const MAX_DEPTH: usize = 4;

/// A public file: its name in the folder, with `/` between the parts, and its path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PublicFile {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// All of them, sorted by name.
pub(crate) fn public_files(root: &Path) -> Result<Vec<PublicFile>, CliError> {
    let mut files = Vec::new();
    walk(root, "", 0, &mut files)?;
    files.sort();
    Ok(files)
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<PublicFile>,
) -> Result<(), CliError> {
    let entries = fs::read_dir(folder).map_err(|e| CliError::io(folder, "reading", &e))?;
    for entry in entries {
        let entry = entry.map_err(|e| CliError::io(folder, "reading", &e))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(|e| CliError::io(&path, "reading", &e))?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            return Err(unusual(&path, "its name is not UTF-8"));
        };
        if name.starts_with('.') || (prefix.is_empty() && name == "private") {
            continue;
        }
        if name.contains(['\n', '\r', '\\']) {
            return Err(unusual(&path, "its name has a line break or a backslash"));
        }
        if kind.is_dir() && depth < MAX_DEPTH {
            walk(&path, &format!("{prefix}{name}/"), depth + 1, files)?;
        } else if kind.is_file() && files.len() < MAX_FILES {
            files.push(PublicFile { name: format!("{prefix}{name}"), path });
        } else {
            return Err(unusual(&path, "it is a link, a device, or one too many"));
        }
    }
    Ok(())
}

fn unusual(path: &Path, why: &str) -> CliError {
    CliError::artefact(format!(
        "{}: this does not belong into a ceremony folder: {why}",
        path.display()
    ))
    .hint("remove it, and run the same command again")
}
