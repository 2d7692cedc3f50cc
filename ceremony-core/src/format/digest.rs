//! Digests of whole files: [`digest_file`] takes them in one go, a [`HashedFile`] while the file is read for something else.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

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
    let length = source.seek(SeekFrom::End(0))?;
    let mut hashes = Hashes::default();
    each_chunk(source, 0..length, progress, |chunk| hashes.update(chunk))?;
    Ok(hashes.finish(length))
}

/// The SHA-256 of a file alone, read likewise.
///
/// # Errors
/// When reading fails.
pub fn sha256_file<R: Read + Seek + Send>(source: &mut R, progress: &dyn Progress) -> std::io::Result<FileSha256> {
    let length = source.seek(SeekFrom::End(0))?;
    let mut sha256 = Sha256::new();
    each_chunk(source, 0..length, progress, |chunk| sha256.update(chunk))?;
    Ok(FileSha256(sha256.finalize().into()))
}

/// Both digests of the same bytes.
#[derive(Clone, Debug, Default)]
struct Hashes {
    blake2b: Blake2b512,
    sha256: Sha256,
}

impl Hashes {
    fn update(&mut self, bytes: &[u8]) {
        // For less, another core is not worth waking.
        const TWO_CORES: usize = 1 << 14;
        if bytes.len() < TWO_CORES {
            self.blake2b.update(bytes);
            self.sha256.update(bytes);
        } else {
            rayon::join(|| self.blake2b.update(bytes), || self.sha256.update(bytes));
        }
    }

    fn finish(self, length: u64) -> FileDigests {
        FileDigests { blake2b: FileBlake2b(self.blake2b.finish()), sha256: FileSha256(self.sha256.finalize().into()), length }
    }
}

/// The bytes of a range, which ends inside the file.
fn each_chunk<R: Read + Seek + Send>(
    source: &mut R,
    range: Range<u64>,
    progress: &dyn Progress,
    mut hash: impl FnMut(&[u8]) + Send,
) -> std::io::Result<()> {
    const CHUNK: u64 = 1 << 22;
    source.seek(SeekFrom::Start(range.start))?;
    progress.begin("taking digests", range.end - range.start);
    let mut left = range.end - range.start;
    let mut read = |chunk: &mut Vec<u8>| {
        chunk.resize(CHUNK.min(left) as usize, 0);
        left -= chunk.len() as u64;
        source.read_exact(chunk)
    };
    let (mut chunk, mut next) = (Vec::new(), Vec::new());
    read(&mut chunk)?;
    while !chunk.is_empty() {
        let ((), result) = rayon::join(|| hash(&chunk), || read(&mut next));
        progress.advance(chunk.len() as u64);
        result?;
        std::mem::swap(&mut chunk, &mut next);
    }
    progress.end();
    Ok(())
}

/// A file that takes its digests while it is read: they are those **of the bytes that were read**, so that a file that changes under its reader,
/// even there and back, has the digest of what was read or is refused.
///
/// Bytes are hashed in the order of the file, as soon as reading comes to where hashing stands. What is read ahead is kept, hashed from memory
/// when its turn comes, and handed out from there when it is read again; so a reader who begins with the head and the small sections and goes
/// on with the others in their order reads every byte once. A file that is read in any other way, so that some byte was read from it twice, is
/// hashed a second time at the end, and refused if it has changed.
#[derive(Debug)]
pub struct HashedFile<R> {
    source: R,
    length: u64,
    /// Where the next byte is read.
    position: u64,
    /// The bytes before this one are hashed.
    hashed: u64,
    hashes: Hashes,
    /// What was read ahead of the hashes, by position. No two pieces overlap.
    ahead: BTreeMap<u64, Vec<u8>>,
    /// Bytes in `ahead`.
    kept: usize,
    /// Whether a byte was handed out that the hashes did not, or will not, see as it was.
    unseen: bool,
}

/// Why a file has no digest.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The file changed while it was read.
    #[error("the file changed while it was read\n  found     {found}\n  expected  {expected}")]
    Changed {
        /// SHA-256 of the file as it is.
        found: FileSha256,
        /// SHA-256 of what was read.
        expected: FileSha256,
    },
}

impl<R: Read + Seek + Send> HashedFile<R> {
    /// Bytes that are kept when they are read ahead: the records of the longest chain that is read at all, and more.
    const KEEP: usize = 1 << 23;

    /// Nothing read yet.
    ///
    /// # Errors
    /// When the file's length cannot be had.
    pub fn new(mut source: R) -> std::io::Result<Self> {
        let length = source.seek(SeekFrom::End(0))?;
        let hashes = Hashes::default();
        Ok(Self { source, length, position: 0, hashed: 0, hashes, ahead: BTreeMap::new(), kept: 0, unseen: false })
    }

    /// The file itself, for reading that has nothing to do with the digests.
    pub fn inner(&mut self) -> &mut R {
        &mut self.source
    }

    /// Has the file compared with what was read of it, even if no byte was read twice.
    pub fn compare(&mut self) {
        self.unseen = true;
    }

    /// Hashes what was not read, and gives the file back with its digests.
    ///
    /// # Errors
    /// When reading fails, or when the file has changed and bytes of it were read twice or its length is another one.
    pub fn finish(mut self, progress: &dyn Progress) -> Result<(R, FileDigests), DigestError> {
        self.hash_kept();
        while self.hashed < self.length {
            let end = self.next_kept(self.hashed);
            each_chunk(&mut self.source, self.hashed..end, progress, |chunk| self.hashes.update(chunk))?;
            self.hashed = end;
            self.hash_kept();
        }
        let digests = self.hashes.finish(self.length);
        if self.unseen || self.source.seek(SeekFrom::End(0))? != self.length {
            let (found, expected) = (sha256_file(&mut self.source, progress)?, digests.sha256);
            if found != expected {
                return Err(DigestError::Changed { found, expected });
            }
        }
        Ok((self.source, digests))
    }

    /// Where the next kept piece after `position` begins, or the file ends.
    fn next_kept(&self, position: u64) -> u64 {
        self.ahead.range(position..).next().map_or(self.length, |(start, _)| *start)
    }

    /// Hashes the kept pieces that are next.
    fn hash_kept(&mut self) {
        while let Some(piece) = self.ahead.get(&self.hashed) {
            self.hashes.update(piece);
            self.hashed += piece.len() as u64;
        }
    }
}

impl<R: Read + Seek + Send> Read for HashedFile<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let position = self.position;
        if let Some((start, piece)) = self.ahead.range(..=position).next_back()
            && let Some(rest) = piece.get((position - start) as usize..).filter(|rest| !rest.is_empty())
        {
            let count = rest.len().min(out.len());
            out[..count].copy_from_slice(&rest[..count]);
            self.position += count as u64;
            return Ok(count);
        }
        let count = self.next_kept(position).saturating_sub(position).min(out.len() as u64) as usize;
        self.source.seek(SeekFrom::Start(position))?;
        let count = self.source.read(&mut out[..count])?;
        let read = &out[..count];
        if position == self.hashed {
            self.hashes.update(read);
            self.hashed += count as u64;
            self.hash_kept();
        } else if position > self.hashed && self.kept + count <= Self::KEEP && count > 0 {
            self.kept += count;
            self.ahead.insert(position, read.to_vec());
        } else {
            self.unseen |= count > 0;
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl<R: Read + Seek + Send> Seek for HashedFile<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let (base, offset) = match to {
            SeekFrom::Start(position) => (position, 0),
            SeekFrom::End(offset) => (self.length, offset),
            SeekFrom::Current(offset) => (self.position, offset),
        };
        self.position = base.checked_add_signed(offset).ok_or(std::io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::progress::Silent;

    fn bytes(n: usize) -> Vec<u8> {
        (0..n).map(|i| (i * i / 7) as u8).collect()
    }

    fn digests(bytes: &[u8]) -> FileDigests {
        let sha256 = FileSha256(Sha256::digest(bytes).into());
        FileDigests { blake2b: FileBlake2b(Blake2b512::digest(&[bytes])), sha256, length: bytes.len() as u64 }
    }

    /// A file that becomes another one when its length is asked for the second time, which is at the end.
    #[derive(Debug)]
    struct ChangesAtTheEnd {
        file: Cursor<Vec<u8>>,
        then: Vec<u8>,
        measured: bool,
    }

    impl Read for ChangesAtTheEnd {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            self.file.read(out)
        }
    }

    impl Seek for ChangesAtTheEnd {
        fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
            if to == SeekFrom::End(0) && std::mem::replace(&mut self.measured, true) {
                *self.file.get_mut() = std::mem::take(&mut self.then);
            }
            self.file.seek(to)
        }
    }

    fn changing(first: &[u8], then: &[u8]) -> HashedFile<ChangesAtTheEnd> {
        HashedFile::new(ChangesAtTheEnd { file: Cursor::new(first.to_vec()), then: then.to_vec(), measured: false }).unwrap()
    }

    fn read_at(file: &mut HashedFile<ChangesAtTheEnd>, range: Range<usize>) -> Vec<u8> {
        let mut out = vec![0; range.len()];
        file.seek(SeekFrom::Start(range.start as u64)).unwrap();
        file.read_exact(&mut out).unwrap();
        out
    }

    #[test]
    fn digests_are_those_of_the_bytes_for_every_length_around_a_chunk() {
        for n in [0, 1, 127, 128, 129, (1 << 22) - 1, 1 << 22, (1 << 22) + 1] {
            let bytes = bytes(n);
            assert_eq!(digest_file(&mut Cursor::new(&bytes), &Silent).unwrap(), digests(&bytes), "{n}");
            assert_eq!(sha256_file(&mut Cursor::new(&bytes), &Silent).unwrap(), digests(&bytes).sha256, "{n}");
        }
    }

    proptest! {
        #[test]
        fn however_a_file_is_read_bytes_and_digests_are_its_own(reads in prop::collection::vec((0usize..300, 0usize..80), 0..40)) {
            let bytes = bytes(300);
            let mut file = HashedFile::new(Cursor::new(&bytes)).unwrap();
            for (start, count) in reads {
                let mut out = vec![0; count];
                file.seek(SeekFrom::Start(start as u64)).unwrap();
                let expected = &bytes[start..bytes.len().min(start + count)];
                if expected.len() == count {
                    file.read_exact(&mut out).unwrap();
                    prop_assert_eq!(&out[..], expected);
                } else {
                    prop_assert!(file.read_exact(&mut out).is_err());
                }
            }
            prop_assert_eq!(file.finish(&Silent).unwrap().1, digests(&bytes));
        }
    }

    #[test]
    fn small_pieces_first_and_the_rest_in_order_need_no_second_reading() {
        let (first, then) = (bytes(5000), vec![9; 5000]);
        let mut file = changing(&first, &then);
        for range in [0..12, 100..112, 4000..4100, 100..105, 4050..4100, 12..100, 112..3000, 3000..4000, 100..112] {
            assert_eq!(read_at(&mut file, range.clone()), first[range]);
        }
        assert_eq!(file.finish(&Silent).unwrap().1, digests(&first));
    }

    #[test]
    fn bytes_that_are_read_from_the_file_again_are_compared_with_it() {
        let (first, then) = (bytes(5000), vec![9; 5000]);
        for again in [99..100, 0..1, 4999..5000] {
            let mut file = changing(&first, &then);
            read_at(&mut file, 0..5000);
            read_at(&mut file, again);
            let (found, expected) = (digests(&then).sha256, digests(&first).sha256);
            let error = file.finish(&Silent).unwrap_err();
            assert!(matches!(error, DigestError::Changed { found: f, expected: e } if (f, e) == (found, expected)), "{error}");
        }
    }

    #[test]
    fn what_is_too_much_to_keep_is_compared() {
        let size = HashedFile::<ChangesAtTheEnd>::KEEP + 10;
        let (first, then) = (bytes(size), vec![9; size]);
        for (range, kept) in [(1..size - 9, true), (1..size - 8, false)] {
            let mut file = changing(&first, &then);
            assert_eq!(read_at(&mut file, range.clone()), first[range]);
            // What was not kept is read and hashed now.
            assert_eq!(file.finish(&Silent).is_ok(), kept);
        }
    }

    #[test]
    fn a_file_that_grew_or_shrank_has_changed() {
        let first = bytes(5000);
        for then in [&bytes(5001)[..], &first[..4999]] {
            let mut file = changing(&first, then);
            read_at(&mut file, 0..5000);
            assert!(matches!(file.finish(&Silent), Err(DigestError::Changed { .. })), "{}", then.len());
        }
    }

    #[test]
    fn a_comparison_can_be_asked_for() {
        let mut file = changing(&bytes(50), &[9; 50]);
        file.compare();
        assert!(matches!(file.finish(&Silent), Err(DigestError::Changed { .. })));
    }
}
