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

/// Reads a file from its beginning to its end.
///
/// # Errors
/// When reading fails.
pub fn digest_file<R: Read + Seek>(source: &mut R, progress: &dyn Progress) -> std::io::Result<FileDigests> {
    const CHUNK: usize = 1 << 22;
    let length = source.seek(SeekFrom::End(0))?;
    source.seek(SeekFrom::Start(0))?;
    progress.begin("taking digests", length);
    let (mut blake2b, mut sha256) = (Blake2b512::new(), Sha256::new());
    let mut chunk = vec![0; CHUNK.min(usize::try_from(length).unwrap_or(CHUNK)).max(1)];
    let mut read = 0;
    loop {
        let count = source.read(&mut chunk)?;
        if count == 0 {
            break;
        }
        rayon::join(|| blake2b.update(&chunk[..count]), || sha256.update(&chunk[..count]));
        read += count as u64;
        progress.advance(count as u64);
    }
    progress.end();
    Ok(FileDigests { blake2b: FileBlake2b(blake2b.finish()), sha256: FileSha256(sha256.finalize().into()), length: read })
}
