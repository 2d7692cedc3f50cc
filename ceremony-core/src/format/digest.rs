//! Digests of whole files, taken in chunks.

use std::io::{Read, Seek, SeekFrom};

use sha2::{Digest, Sha256};

use crate::hash::{Blake2b512, FileBlake2b, FileSha256};
use crate::progress::Progress;

/// The digests of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileDigests {
    /// BLAKE2b-512, by which public ceremonies name their files.
    pub blake2b: FileBlake2b,
    /// SHA-256, by which attestations name theirs.
    pub sha256: FileSha256,
    /// Length in bytes.
    pub length: u64,
}

/// Reads a file from its beginning to its end. The next chunk is read while one is hashed.
///
/// # Errors
/// When reading fails.
pub fn digest_file<R: Read + Seek + Send>(source: &mut R, progress: &dyn Progress) -> std::io::Result<FileDigests> {
    let (mut blake2b, mut sha256) = (Blake2b512::new(), Sha256::new());
    let length = each_chunk(source, progress, |chunk| {
        rayon::join(|| blake2b.update(chunk), || sha256.update(chunk));
    })?;
    Ok(FileDigests { blake2b: FileBlake2b(blake2b.finish()), sha256: FileSha256(sha256.finalize().into()), length })
}

/// The SHA-256 of a file alone, read likewise.
///
/// # Errors
/// When reading fails.
pub fn sha256_file<R: Read + Seek + Send>(source: &mut R, progress: &dyn Progress) -> std::io::Result<FileSha256> {
    let mut sha256 = Sha256::new();
    each_chunk(source, progress, |chunk| sha256.update(chunk))?;
    Ok(FileSha256(sha256.finalize().into()))
}

/// The whole file, and its length.
fn each_chunk<R: Read + Seek + Send>(source: &mut R, progress: &dyn Progress, mut hash: impl FnMut(&[u8]) + Send) -> std::io::Result<u64> {
    const CHUNK: u64 = 1 << 22;
    let length = source.seek(SeekFrom::End(0))?;
    source.seek(SeekFrom::Start(0))?;
    progress.begin("taking digests", length);
    let mut read = |chunk: &mut Vec<u8>| {
        chunk.clear();
        source.take(CHUNK).read_to_end(chunk)
    };
    let (mut chunk, mut next) = (Vec::new(), Vec::new());
    let mut total = read(&mut chunk)? as u64;
    while !chunk.is_empty() {
        let ((), result) = rayon::join(|| hash(&chunk), || read(&mut next));
        progress.advance(chunk.len() as u64);
        total += result? as u64;
        std::mem::swap(&mut chunk, &mut next);
    }
    progress.end();
    Ok(total)
}
