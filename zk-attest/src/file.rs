//! Reading and writing files in places that an attacker may control.
//!
//! Only regular files are read, each once and never beyond its limit. A written file appears under
//! its name complete or not at all.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Code, Refusal, Result};

/// Reads a regular file (a symbolic link to one is followed), and no more than `limit` bytes of it.
pub fn read_regular(path: &Path, limit: usize) -> Result<Vec<u8>> {
    // Checked before it is opened: opening a pipe would wait for its other end.
    let metadata = fs::metadata(path).map_err(|error| missing_or(path, &error))?;
    if !metadata.is_file() {
        return Err(Refusal::new(Code::FileKind, "not a regular file").in_file(path));
    }
    let mut bytes = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(limit as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| missing_or(path, &error))?;
    if bytes.len() > limit {
        return Err(Refusal::new(Code::TooLarge, "the file is too large")
            .in_file(path)
            .found(format_args!("{} bytes", metadata.len()))
            .expected(format_args!("at most {limit} bytes")));
    }
    Ok(bytes)
}

/// The same, for a path that must not lead out of the package.
pub fn read_inside(package: &Path, path: &Path, limit: usize) -> Result<Vec<u8>> {
    let package = package.canonicalize().map_err(|error| environment(package, &error))?;
    let real = package.join(path).canonicalize().map_err(|error| missing_or(path, &error))?;
    if !real.starts_with(&package) {
        return Err(Refusal::new(Code::FileOutside, "the path leads out of the package")
            .in_file(path)
            .found(real.display())
            .expected(format_args!("a file in {}", package.display())));
    }
    read_regular(&real, limit)
}

/// Writes to another name in the same folder and renames, so that the name never shows a
/// half-written file. `modified` sets the file's time.
pub fn write_whole(path: &Path, bytes: &[u8], modified: Option<SystemTime>) -> Result<()> {
    let part = part_of(path);
    remove(&part)?;
    let written = File::create_new(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        modified.map_or(Ok(()), |time| file.set_modified(time))?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&part, path)).map_err(|error| {
        let _ = fs::remove_file(&part);
        environment(path, &error)
    })
}

/// Where a file is written before it has its name.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// Refuses a path at which [`write_whole`] could not write: before work whose result goes there.
pub fn ensure_writable(path: &Path) -> Result<()> {
    let part = part_of(path);
    remove(&part)?;
    let made = File::create_new(&part).map(drop).and_then(|()| fs::remove_file(&part));
    made.map_err(|error| environment(path, &error))
}

/// Removes whatever is at a path.
pub fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(environment(path, &error)),
        _ => Ok(()),
    }
}

fn missing_or(path: &Path, error: &io::Error) -> Refusal {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            Refusal::new(Code::FileMissing, "there is no such file").in_file(path)
        }
        _ => environment(path, error),
    }
}

fn environment(path: &Path, error: &io::Error) -> Refusal {
    let hint = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => "make its folder first",
        _ => "check the file's permissions and the disk",
    };
    Refusal::new(Code::Environment, error).in_file(path).hint(hint)
}
