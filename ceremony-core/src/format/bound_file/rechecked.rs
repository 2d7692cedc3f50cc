//! A file that is read in any order, and its digests afterwards.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::{Change, DigestError, FileDigests, Hashes, Pieces, each_chunk};
use crate::hash::FileSha256;
use crate::progress::Progress;

/// A file that records a digest for every piece it returns, so that the digests of the whole file,
/// taken at the end, are those **of what was read**: a file that changed in between, even there and
/// back, is refused.
///
/// For files that are read in parts, in any order, perhaps more than once. Where a file is read
/// from its beginning to its end, a [`StreamHashedFile`](super::StreamHashedFile) needs no second
/// reading.
#[derive(Debug)]
pub struct RecheckedFile<R> {
    source: R,
    length: u64,
    /// Where the next byte is read.
    position: u64,
    /// What was handed out: where it lies in the file, and its SHA-256.
    noted: Vec<(Range<u64>, [u8; 32])>,
}

impl<R: Read + Seek + Send> RecheckedFile<R> {
    /// Nothing read yet.
    ///
    /// # Errors
    /// When the file's length cannot be had.
    pub fn new(mut source: R) -> std::io::Result<Self> {
        let length = source.seek(SeekFrom::End(0))?;
        Ok(Self { source, length, position: 0, noted: Vec::new() })
    }

    /// Bytes of the file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads the whole file and holds it against what was read of it before.
    ///
    /// # Errors
    /// When reading fails; when bytes that were read are others now, or the file has another
    /// length.
    pub fn finish(&mut self, progress: &dyn Progress) -> Result<FileDigests, DigestError> {
        let mut hashes = Hashes::default();
        self.hold_against(progress, |chunk| hashes.update(chunk))?;
        Ok(hashes.finish(self.length).0)
    }

    /// [`Self::finish`] for the SHA-256 alone.
    ///
    /// # Errors
    /// As that.
    pub fn finish_sha256(&mut self, progress: &dyn Progress) -> Result<FileSha256, DigestError> {
        let mut sha256 = Sha256::new();
        self.hold_against(progress, |chunk| sha256.update(chunk))?;
        Ok(FileSha256(sha256.finalize().into()))
    }

    fn hold_against(
        &mut self,
        progress: &dyn Progress,
        mut hash: impl FnMut(&[u8]) + Send,
    ) -> Result<(), DigestError> {
        let length = self.source.seek(SeekFrom::End(0))?;
        if length != self.length {
            return Err(DigestError::Changed(Change::Length {
                found: length,
                expected: self.length,
            }));
        }
        let mut pieces = Pieces::new(self.noted.clone());
        each_chunk(&mut self.source, 0..length, progress, |chunk| {
            rayon::join(|| hash(chunk), || pieces.update(chunk));
        })?;
        let Some((found, expected)) = pieces.differing() else { return Ok(()) };
        Err(DigestError::Changed(Change::Bytes {
            found: FileSha256(found),
            expected: FileSha256(expected),
        }))
    }
}

impl<R: Read + Seek> Read for RecheckedFile<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.length.saturating_sub(self.position).min(out.len() as u64) as usize;
        if count == 0 {
            return Ok(0);
        }
        self.source.seek(SeekFrom::Start(self.position))?;
        let count = self.source.read(&mut out[..count])?;
        if count == 0 {
            return Err(super::became_shorter());
        }
        let end = self.position + count as u64;
        self.noted.push((self.position..end, Sha256::digest(&out[..count]).into()));
        self.position = end;
        Ok(count)
    }
}

impl<R: Read + Seek> Seek for RecheckedFile<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.position = super::seek_to(to, self.position, self.length)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::progress::NoProgress;

    fn bytes(n: usize) -> Vec<u8> {
        (0..n).map(|i| (i * i / 7) as u8).collect()
    }

    fn read(file: &mut RecheckedFile<Cursor<Vec<u8>>>, range: Range<usize>) {
        file.seek(SeekFrom::Start(range.start as u64)).unwrap();
        file.read_exact(&mut vec![0; range.len()]).unwrap();
    }

    #[test]
    fn a_file_that_stays_has_its_digests_whatever_was_read() {
        let bytes = bytes(5000);
        let digests = super::super::digest_file(&mut Cursor::new(&bytes), &NoProgress).unwrap();
        let mut file = RecheckedFile::new(Cursor::new(bytes.clone())).unwrap();
        for ranges in [&[][..], &[7..8, 7..9], &[4000..5000, 0..4096, 0..4096, 10..20, 4999..5000]]
        {
            ranges.iter().for_each(|range| read(&mut file, range.clone()));
            assert_eq!(file.finish(&NoProgress).unwrap(), digests);
            assert_eq!(file.finish_sha256(&NoProgress).unwrap(), digests.sha256);
        }
        // It ends where it ended.
        file.seek(SeekFrom::End(-1)).unwrap();
        assert_eq!(file.read(&mut [0; 9]).unwrap(), 1);
        assert_eq!(file.read(&mut [0; 9]).unwrap(), 0);
    }

    #[test]
    fn of_what_was_read_no_byte_may_change_for_good_or_for_a_while() {
        let bytes = bytes(5000);
        for (place, range, read_first) in [
            (0, 0..1, true),
            (4999, 100..5000, true),
            (2500, 0..5000, false),
            (99, 100..5000, true),
        ] {
            // Read before the change, or while it lasts.
            let mut file = RecheckedFile::new(Cursor::new(bytes.clone())).unwrap();
            let flip =
                |file: &mut RecheckedFile<Cursor<Vec<u8>>>| file.source.get_mut()[place] ^= 1;
            if read_first {
                read(&mut file, range.clone());
                flip(&mut file);
            } else {
                flip(&mut file);
                read(&mut file, range.clone());
                flip(&mut file);
            }
            let changed =
                matches!(file.finish_sha256(&NoProgress), Err(DigestError::Changed { .. }));
            assert_eq!(changed, range.contains(&place), "{place}");
        }
    }

    #[test]
    fn one_place_that_was_two_things_is_refused() {
        let mut file = RecheckedFile::new(Cursor::new(bytes(5000))).unwrap();
        read(&mut file, 10..20);
        file.source.get_mut()[15] ^= 1;
        read(&mut file, 10..20);
        assert!(matches!(file.finish(&NoProgress), Err(DigestError::Changed { .. })));
    }

    #[test]
    fn a_file_that_grew_or_shrank_has_changed() {
        for length in [4999, 5001] {
            let mut file = RecheckedFile::new(Cursor::new(bytes(5000))).unwrap();
            file.source.get_mut().resize(length, 0);
            let found = length as u64;
            assert!(
                matches!(file.finish(&NoProgress), Err(DigestError::Changed(Change::Length { found: f, expected: 5000 })) if f == found)
            );
        }
        let mut file = RecheckedFile::new(Cursor::new(bytes(5000))).unwrap();
        file.source.get_mut().truncate(10);
        assert!(file.read_exact(&mut [0; 100]).is_err());
    }
}
