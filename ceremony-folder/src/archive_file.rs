//! The tar file of an archive: the same folder gives the same bytes. Names are sorted, there is no
//! owner and no time, and nothing comes after the end.

use std::io::{Read, Seek as _, SeekFrom, Write};

use ceremony_core::progress::Progress;
use sha2::{Digest as _, Sha256};
use zk_attest::diagnostic::Diagnostic;

use crate::Ceremony;
use crate::archive_check::ArchiveCheck;
use crate::archive_set::{PublicFile, is_plain_name};
use crate::error::at;

/// Zeros that may follow the last file: two blocks, and what programs fill up to.
const MAX_END_BYTES: usize = 20 * 512;

/// Bytes of a block: a header has one, and files are filled up to whole ones.
const BLOCK: usize = 512;
/// Bytes of a name with its folder at most: what a plain header holds.
const MAX_NAME_BYTES: usize = 255;

/// Writes the files, in a folder of this name.
///
/// # Errors
/// When a file cannot be read, changes meanwhile, or has a name that no archive holds.
pub fn write(
    ceremony: &Ceremony,
    files: &[PublicFile],
    prefix: &str,
    output: &mut impl Write,
) -> Result<(), Diagnostic> {
    let failed = |error: std::io::Error| {
        Diagnostic::environment("io", format_args!("writing failed: {error}"))
    };
    let mut tar = tar::Builder::new(std::io::BufWriter::new(output));
    for file in files {
        let mut source = ceremony.folder.open(&file.path)?;
        let length = source
            .seek(SeekFrom::End(0))
            .and_then(|length| source.rewind().map(|()| length))
            .map_err(at(&file.path))?;
        let Some(header) = header(&format!("{prefix}/{}", file.name), length) else {
            return Err(Diagnostic::environment("name", "no archive holds so long a name")
                .at(file.path.display())
                .expected(format_args!(
                    "{MAX_NAME_BYTES} bytes with the ceremony's name, and 100 after the last /"
                ))
                .hint("give the file a shorter name, and run `ceremony verify` again"));
        };
        // A file that grows meanwhile must not shift what follows.
        let mut source = source.take(length);
        tar.append(&header, &mut source).map_err(failed)?;
        if source.limit() > 0 {
            return Err(Diagnostic::environment("changed", "the file became shorter meanwhile")
                .at(file.path.display()));
        }
    }
    tar.into_inner().and_then(|mut inner| inner.flush()).map_err(failed)
}

/// The header of a file: plain ustar, which every program reads. None for a name that needs more.
fn header(name: &str, length: u64) -> Option<tar::Header> {
    let mut header = tar::Header::new_ustar();
    header.set_size(length);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    (name.len() <= MAX_NAME_BYTES).then_some(())?;
    header.set_path(name).ok()?;
    header.set_cksum();
    Some(header)
}

/// What one pass over a tar file found.
#[derive(Debug)]
pub struct Passed {
    /// Its files, which are held to nothing yet.
    pub check: ArchiveCheck,
    /// The folder in which the files are.
    pub prefix: String,
    /// SHA-256 of all of it.
    pub sha256: String,
    /// Its bytes.
    pub length: u64,
}

/// Reads a tar file once, from its beginning to its end, and takes each file of it. A header is one
/// block, and must be the one that [`write()`] makes of its name and size: what other programs put
/// before a header, as long as they like, is refused unread.
///
/// # Errors
/// When it cannot be read, or is no archive of this kind.
pub fn read(source: impl Read, progress: &dyn Progress) -> Result<Passed, Diagnostic> {
    let bad = |what: &str| Diagnostic::artefact("archive", what);
    let mut hashed = Hashed { source, hash: Sha256::new(), length: 0 };
    let mut check = ArchiveCheck::default();
    let mut prefix: Option<String> = None;
    loop {
        let begun = hashed.length;
        let mut block = [0; BLOCK];
        match fill(&mut hashed, &mut block)? {
            BLOCK => {}
            0 if begun == 0 => return Err(bad("the archive is empty")),
            _ => return Err(bad("the archive breaks off").found(format_args!("{begun} bytes"))),
        }
        if block == [0; BLOCK] {
            break;
        }
        let (path, size) = described(&block)?;
        // Nothing of a name is shown before it is known to be one.
        let Some((folder, name)) = path.split_once('/') else {
            return Err(
                bad("an archive has one folder with everything in it").found(path.escape_debug())
            );
        };
        if !is_plain_name(&path) {
            return Err(bad("a ceremony has no file of this name").at(path.escape_debug()));
        }
        if prefix.get_or_insert_with(|| folder.to_owned()) != folder {
            return Err(bad("the archive has more than one folder").found(folder));
        }
        if header(&path, size).is_none_or(|expected| *expected.as_bytes() != block) {
            return Err(bad("the archive says something else of a file than its name and size")
                .at(name)
                .expected("a regular file without owner and time, in a plain header")
                .hint("the archive was not made by `ceremony archive`: unpack it with care"));
        }
        progress.begin(&format!("checking {name}"), size);
        let taken = check.file(name, size, &mut hashed, progress);
        progress.end();
        taken?;
        let mut rest = [0; BLOCK];
        let rest = &mut rest[..padding(size)];
        if fill(&mut hashed, rest)? < rest.len() {
            return Err(bad("the archive breaks off in this file").at(name));
        }
        if rest.iter().any(|byte| *byte != 0) {
            return Err(bad("something follows this file, before the next one").at(name));
        }
    }
    let Some(prefix) = prefix else { return Err(bad("the archive is empty")) };
    let mut end = vec![0; MAX_END_BYTES + 1];
    let count = fill(&mut hashed, &mut end)?;
    if count > MAX_END_BYTES || end[..count].iter().any(|byte| *byte != 0) {
        return Err(bad("something follows the end of the archive"));
    }
    if count < BLOCK {
        return Err(bad("the archive breaks off").found(format_args!("{} bytes", hashed.length)));
    }
    let (sha256, length) = (hex::encode(hashed.hash.finalize()), hashed.length);
    Ok(Passed { check, prefix, sha256, length })
}

/// The name and the size that a header has.
fn described(block: &[u8; BLOCK]) -> Result<(String, u64), Diagnostic> {
    let bad = |what: &str| Diagnostic::artefact("archive", what);
    let header = tar::Header::from_byte_slice(block);
    let Some(ustar) = header.as_ustar() else {
        return Err(bad("this is not an archive, or not a plain one")
            .expected("headers of the kind ustar")
            .hint("the archive was not made by `ceremony archive`: unpack it with care"));
    };
    let size =
        header.entry_size().map_err(|_| bad("this is not an archive: a size is not a number"))?;
    match String::from_utf8(ustar.path_bytes().into_owned()) {
        Ok(path) => Ok((path, size)),
        Err(error) => {
            Err(bad("a name is not text").found(error.as_bytes().escape_ascii().to_string()))
        }
    }
}

/// Zeros after a file of this size.
fn padding(size: u64) -> usize {
    // Less than a block.
    (size.wrapping_neg() % BLOCK as u64) as usize
}

/// Reads until a buffer is full or the source ends; gives how much was read.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> Result<usize, Diagnostic> {
    let mut count = 0;
    while count < buffer.len() {
        match source.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                return Err(Diagnostic::environment(
                    "reading",
                    format_args!("reading failed: {error}"),
                ));
            }
        }
    }
    Ok(count)
}

/// A source that is hashed as it is read.
struct Hashed<R> {
    source: R,
    hash: Sha256,
    length: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.length += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use ceremony_core::progress::NoProgress;

    use super::*;
    use crate::Folder;
    use crate::output::{Output, OutputError};
    use crate::store::{Entry, Input, ReadError, Readers, Store};

    /// A file of which the system says another length than is read of it then.
    #[derive(Debug)]
    struct Changing {
        said: u64,
        bytes: std::io::Cursor<Vec<u8>>,
    }

    impl Read for Changing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.bytes.read(buffer)
        }
    }

    impl std::io::Seek for Changing {
        fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
            match to {
                SeekFrom::End(0) => Ok(self.said),
                _ => self.bytes.seek(to),
            }
        }
    }

    /// Each of its files has four bytes, and is said to have this many.
    #[derive(Debug)]
    struct Said(u64);

    impl Store for Said {
        fn entries(&self, _: &Path, _: usize) -> std::io::Result<Vec<Entry>> {
            Ok(Vec::new())
        }
        fn is_present(&self, _: &Path) -> bool {
            true
        }
        fn open(&self, _: &Path) -> Result<Input, ReadError> {
            let bytes = std::io::Cursor::new(b"four".to_vec());
            Ok(Box::new(Changing { said: self.0, bytes }))
        }
        fn create(&self, _: &Path, _: bool, _: Readers) -> Result<Output, OutputError> {
            unreachable!()
        }
        fn rename(&self, _: &Path, _: &Path) -> Result<(), OutputError> {
            unreachable!()
        }
    }

    #[test]
    fn a_file_that_grows_meanwhile_shifts_no_other_and_one_that_shrinks_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ceremony.toml"), crate::fixture::rules()).unwrap();
        let mut ceremony = Ceremony::open(folder.path()).unwrap();
        let mut written = |said| {
            ceremony.folder = Folder::in_store(Path::new("a"), Arc::new(Said(said)));
            let files = ["evidence/a", "evidence/b"]
                .map(|name| PublicFile { name: name.into(), path: PathBuf::from("a").join(name) });
            let mut tar = Vec::new();
            write(&ceremony, &files, "test-1", &mut tar).map(|()| tar)
        };
        for (said, bytes) in [(4, &b"four"[..]), (3, b"fou")] {
            let tar = written(said).unwrap();
            assert_eq!((&tar[512..][..bytes.len()], &tar[1536..][..bytes.len()]), (bytes, bytes));
            let passed = read(&tar[..], &NoProgress).unwrap();
            assert_eq!((passed.prefix.as_str(), passed.length), ("test-1", tar.len() as u64));
        }
        let error = written(5).unwrap_err();
        assert_eq!((error.code.as_str(), error.what.contains("became shorter")), ("changed", true));
    }

    #[test]
    fn a_name_is_as_long_as_a_plain_header_holds() {
        let name =
            |folder: usize, file: usize| format!("{}/{}", "a".repeat(folder), "b".repeat(file));
        for (folder, file, fits) in
            [(154, 100, true), (155, 99, true), (155, 100, false), (20, 101, false)]
        {
            assert_eq!(header(&name(folder, file), 1).is_some(), fits, "{folder} and {file}");
        }
    }
}
