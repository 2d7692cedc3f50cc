//! One digest of everything that cargo compiles of a package without generated code: Cargo.toml,
//! build.rs and src/. Used by build.rs too.

use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

/// What is read.
pub(crate) const PARTS: [&str; 3] = ["Cargo.toml", "build.rs", "src"];
/// More than ten times what the guard has.
const MAX_FILES: usize = 1000;
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// SHA-256, in hex, over each file's path and content, both after their lengths, sorted by path.
/// Links and devices are errors: they could be another file when cargo reads them.
pub(crate) fn of(package: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    let mut waiting: Vec<String> = PARTS.map(str::to_owned).into();
    while let Some(path) = waiting.pop() {
        let whole = package.join(&path);
        let kind = match whole.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound && path == "build.rs" => continue,
            metadata => metadata?,
        };
        if kind.is_dir() {
            for entry in std::fs::read_dir(&whole)? {
                let name = entry?.file_name().into_string().map_err(|_| invalid(&path))?;
                waiting.push(format!("{path}/{name}"));
            }
        } else if kind.is_file() && kind.len() <= MAX_BYTES && files.len() < MAX_FILES {
            files.push(path);
        } else {
            return Err(invalid(&path));
        }
    }
    files.sort();
    let mut hasher = Sha256::new();
    for path in files {
        for part in [path.as_bytes(), &std::fs::read(package.join(&path))?] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn invalid(path: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{path} is no regular file of a source"))
}
