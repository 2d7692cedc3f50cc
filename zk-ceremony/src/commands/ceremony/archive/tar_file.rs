//! The tar file of an archive: the same folder gives the same bytes. Names are sorted, there is no
//! owner and no time, and nothing comes after the end.

use std::io::{Read, Seek as _, SeekFrom, Write};

use ceremony_core::progress::Progress;
use ceremony_folder::Ceremony;
use ceremony_folder::archive_check::ArchiveCheck;
use ceremony_folder::archive_set::PublicFile;
use sha2::{Digest as _, Sha256};
use zk_attest::diagnostic::Diagnostic;

use crate::failure;

/// Zeros that may follow the last file: two blocks, and what programs fill up to.
const MAX_END_BYTES: usize = 20 * 512;

/// Writes the files, in a folder of this name.
pub(super) fn write(
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
            .map_err(|e| failure::io(&file.path, "reading", &e))?;
        let mut header = header(length);
        tar.append_data(&mut header, format!("{prefix}/{}", file.name), &mut source)
            .map_err(failed)?;
    }
    tar.into_inner().and_then(|mut inner| inner.flush()).map_err(failed)
}

/// What is said of a file, but for its name.
fn header(length: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(length);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// What one pass over a tar file found.
pub(super) struct Passed {
    pub(super) check: ArchiveCheck,
    /// The folder in which the files are.
    pub(super) prefix: String,
    pub(super) sha256: String,
    pub(super) length: u64,
}

/// Reads a tar file once, from its beginning to its end, and takes each file of it.
pub(super) fn read(source: impl Read, progress: &dyn Progress) -> Result<Passed, Diagnostic> {
    let bad = |what: &str| Diagnostic::artefact("archive", what);
    let failed = |error: std::io::Error| {
        // What is wrong with a header comes as an error of reading, too, but not of these kinds.
        use std::io::ErrorKind::{InvalidData, Other, UnexpectedEof};
        if matches!(error.kind(), Other | UnexpectedEof | InvalidData) {
            bad(&format!("this is no archive: {error}"))
        } else {
            Diagnostic::environment("reading", format_args!("reading failed: {error}"))
        }
    };
    let mut hashed = Hashed { source, hash: Sha256::new(), length: 0 };
    let mut archive = tar::Archive::new(&mut hashed);
    let mut check = ArchiveCheck::default();
    let mut prefix: Option<String> = None;
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let path = entry.path_bytes().into_owned();
        let named = std::str::from_utf8(&path).ok().and_then(|path| path.split_once('/'));
        let Some((folder, name)) = named else {
            return Err(bad("an archive has one folder with everything in it")
                .found(String::from_utf8_lossy(&path)));
        };
        if prefix.get_or_insert_with(|| folder.to_owned()) != folder {
            return Err(bad("the archive has more than one folder").found(folder));
        }
        let mut expected = header(entry.size());
        // A name that is too long for a header is in an entry of its own.
        if expected.set_path(format!("{folder}/{name}")).is_ok() {
            expected.set_cksum();
            if expected.as_bytes() != entry.header().as_bytes() {
                return Err(bad(
                    "the archive says something else of a file than its name and size",
                )
                .at(name)
                .expected("a regular file without owner and time")
                .hint("the archive was not made by `ceremony archive`: unpack it with care"));
            }
        } else if !entry.header().entry_type().is_file() {
            return Err(bad("an archive has nothing but files").at(name));
        }
        let (name, size) = (name.to_owned(), entry.size());
        progress.begin(&format!("checking {name}"), size);
        let taken = check.file(&name, size, &mut entry, progress);
        progress.end();
        taken?;
    }
    let Some(prefix) = prefix else { return Err(bad("the archive is empty")) };
    let mut end = Vec::new();
    hashed.by_ref().take(MAX_END_BYTES as u64 + 1).read_to_end(&mut end).map_err(failed)?;
    if end.len() > MAX_END_BYTES || end.iter().any(|byte| *byte != 0) {
        return Err(bad("something follows the end of the archive"));
    }
    let (sha256, length) = (hex::encode(hashed.hash.finalize()), hashed.length);
    Ok(Passed { check, prefix, sha256, length })
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
