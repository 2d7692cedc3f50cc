//! Digests of whole files: [`digest_file`] takes them in one go, a [`StreamHashedFile`] while the
//! file is read for something else, a [`RecheckedFile`] after parts of it were read.

mod rechecked;

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use sha2::{Digest, Sha256};

pub use self::rechecked::RecheckedFile;
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
pub fn digest_file<R: Read + Seek + Send>(
    source: &mut R,
    progress: &dyn Progress,
) -> std::io::Result<FileDigests> {
    let length = source.seek(SeekFrom::End(0))?;
    let mut hashes = Hashes::default();
    each_chunk(source, 0..length, progress, |chunk| hashes.update(chunk))?;
    Ok(hashes.finish(length).0)
}

/// The SHA-256 of a file alone, read likewise.
///
/// # Errors
/// When reading fails.
pub fn sha256_file<R: Read + Seek + Send>(
    source: &mut R,
    progress: &dyn Progress,
) -> std::io::Result<FileSha256> {
    let length = source.seek(SeekFrom::End(0))?;
    let mut sha256 = Sha256::new();
    each_chunk(source, 0..length, progress, |chunk| sha256.update(chunk))?;
    Ok(FileSha256(sha256.finalize().into()))
}

/// Both digests of the same bytes, and those of ranges of them.
#[derive(Debug, Default)]
struct Hashes {
    blake2b: Blake2b512,
    sha256: Sha256,
    ranges: RangeHashes,
}

impl Hashes {
    fn update(&mut self, bytes: &[u8]) {
        let Self { blake2b, sha256, ranges } = self;
        // For less, another core is not worth waking.
        const TWO_CORES: usize = 1 << 14;
        if bytes.len() < TWO_CORES {
            blake2b.update(bytes);
            sha256.update(bytes);
            ranges.update(bytes);
        } else {
            rayon::join(
                || rayon::join(|| blake2b.update(bytes), || sha256.update(bytes)),
                || ranges.update(bytes),
            );
        }
    }

    fn finish(self, length: u64) -> (FileDigests, Vec<FileSha256>) {
        let digests = FileDigests {
            blake2b: FileBlake2b(self.blake2b.finish()),
            sha256: FileSha256(self.sha256.finalize().into()),
            length,
        };
        // Every range ends inside the file, so none is missing.
        let ranges = self.ranges.digests.into_iter();
        (digests, ranges.map(|digest| FileSha256(digest.unwrap_or_default())).collect())
    }
}

/// The SHA-256 of ranges of a file, which may overlap, while its bytes go by in their order.
#[derive(Debug, Default)]
struct RangeHashes {
    /// In the order of their beginnings, the first one last, with their places in `digests`.
    waiting: Vec<(Range<u64>, usize)>,
    open: Vec<(Range<u64>, Sha256, usize)>,
    position: u64,
    /// None until the range has gone by.
    digests: Vec<Option<[u8; 32]>>,
}

impl RangeHashes {
    /// Nothing gone by yet. No range is empty.
    fn new(ranges: Vec<Range<u64>>) -> Self {
        let digests = vec![None; ranges.len()];
        let mut waiting: Vec<_> = ranges.into_iter().zip(0..).collect();
        waiting.sort_unstable_by_key(|(range, place)| {
            std::cmp::Reverse((range.start, range.end, *place))
        });
        Self { waiting, open: Vec::new(), position: 0, digests }
    }

    /// Takes in the next bytes of the file.
    fn update(&mut self, bytes: &[u8]) {
        let here = self.position..self.position + bytes.len() as u64;
        self.position = here.end;
        while let Some((range, place)) = self.waiting.pop_if(|(range, _)| range.start < here.end) {
            self.open.push((range, Sha256::new(), place));
        }
        let digests = &mut self.digests;
        self.open.retain_mut(|(range, sha256, place)| {
            let (start, end) =
                (range.start.max(here.start) - here.start, range.end.min(here.end) - here.start);
            sha256.update(&bytes[start as usize..end as usize]);
            let ends = range.end <= here.end;
            if ends {
                digests[*place] = Some(sha256.finalize_reset().into());
            }
            !ends
        });
    }
}

/// The bytes of a range, which ends inside the file.
pub(crate) fn each_chunk<R: Read + Seek + Send>(
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

/// A file that takes its digests while it is read: they are those **of the bytes that were read**,
/// so that a file that changes under its reader, even there and back, has the digest of what was
/// read or is refused.
///
/// Bytes are hashed in the order of the file, as soon as reading comes to where hashing stands.
/// What is read ahead is kept, hashed from memory when its turn comes, and handed out from there
/// when it is read again; so a reader who begins with the head and the small sections and goes on
/// with the others in their order reads every byte once. Of what is handed out unhashed, because it
/// was hashed before or is too much to keep, the place and an own digest are noted; at the end the
/// file is then read once more, and refused if it or one of these pieces is another.
#[derive(Debug)]
pub struct StreamHashedFile<R> {
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
    /// What was handed out and is not what was hashed: where it lies in the file, and its SHA-256.
    unseen: Vec<(Range<u64>, [u8; 32])>,
    /// Whether the file is read once more in any case.
    compare: bool,
}

/// Pieces of a file that is read once more from its beginning, held to their digests.
struct Pieces {
    ranges: RangeHashes,
    expected: Vec<[u8; 32]>,
}

impl Pieces {
    fn new(mut pieces: Vec<(Range<u64>, [u8; 32])>) -> Self {
        pieces.sort_unstable_by_key(|(range, sha256)| (range.start, range.end, *sha256));
        pieces.dedup();
        let (ranges, expected) = pieces.into_iter().unzip();
        Self { ranges: RangeHashes::new(ranges), expected }
    }

    /// Takes in the next bytes of the file.
    fn update(&mut self, bytes: &[u8]) {
        self.ranges.update(bytes);
    }

    /// One that is not what it was: as it is, as it was.
    fn differing(&self) -> Option<([u8; 32], [u8; 32])> {
        let found = self.ranges.digests.iter().zip(&self.expected);
        let mut found = found.filter_map(|(found, expected)| Some(((*found)?, *expected)));
        found.find(|(found, expected)| found != expected)
    }
}

/// Why a file has no digest.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The file changed while it was read.
    #[error("the file changed while it was read: {0}")]
    Changed(Change),
}

/// What became of a file while it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Change {
    /// It, or a part of it, has another SHA-256 than what was read of it first.
    #[error("another SHA-256: found {found}, expected {expected}")]
    Bytes {
        /// As it is.
        found: FileSha256,
        /// As it was.
        expected: FileSha256,
    },
    /// It became longer or shorter.
    #[error("another length: found {found} bytes, expected {expected} bytes")]
    Length {
        /// As it is.
        found: u64,
        /// As it was.
        expected: u64,
    },
}

impl<R: Read + Seek + Send> StreamHashedFile<R> {
    /// Bytes that are kept when they are read ahead: the records of the longest chain that is read
    /// at all, and more.
    const KEEP: usize = 1 << 23;

    /// Nothing read yet.
    ///
    /// # Errors
    /// When the file's length cannot be had.
    pub fn new(mut source: R) -> std::io::Result<Self> {
        let length = source.seek(SeekFrom::End(0))?;
        let hashes = Hashes::default();
        Ok(Self {
            source,
            length,
            position: 0,
            hashed: 0,
            hashes,
            ahead: BTreeMap::new(),
            kept: 0,
            unseen: Vec::new(),
            compare: false,
        })
    }

    /// The file itself, for reading that is not to be hashed.
    pub fn inner(&mut self) -> &mut R {
        &mut self.source
    }

    /// Has the SHA-256 of these ranges taken too, none of which is empty or has begun to be hashed.
    pub(crate) fn digest_ranges(&mut self, ranges: Vec<Range<u64>>) {
        debug_assert!(ranges.iter().all(|range| self.hashed <= range.start && !range.is_empty()));
        self.hashes.ranges = RangeHashes { position: self.hashed, ..RangeHashes::new(ranges) };
    }

    /// Has the file compared with what was read of it, even if no byte was read twice.
    pub fn compare(&mut self) {
        self.compare = true;
    }

    /// Hashes what was not read, and gives the file back with its digests.
    ///
    /// # Errors
    /// When reading fails; when bytes were read twice that differ, or the file has another length
    /// now.
    pub fn finish(self, progress: &dyn Progress) -> Result<(R, FileDigests), DigestError> {
        self.finish_ranges(progress).map(|(source, (digests, _))| (source, digests))
    }

    /// [`Self::finish`] with the digests of [`Self::digest_ranges`], in the same order.
    pub(crate) fn finish_ranges(
        mut self,
        progress: &dyn Progress,
    ) -> Result<(R, (FileDigests, Vec<FileSha256>)), DigestError> {
        self.hash_kept();
        while self.hashed < self.length {
            let end = self.next_kept(self.hashed);
            each_chunk(&mut self.source, self.hashed..end, progress, |chunk| {
                self.hashes.update(chunk)
            })?;
            self.hashed = end;
            self.hash_kept();
        }
        let (digests, ranges) = self.hashes.finish(self.length);
        let length = self.source.seek(SeekFrom::End(0))?;
        if self.compare || !self.unseen.is_empty() || length != self.length {
            let mut whole = Sha256::new();
            let mut pieces = Pieces::new(self.unseen);
            each_chunk(&mut self.source, 0..length, progress, |chunk| {
                rayon::join(|| whole.update(chunk), || pieces.update(chunk));
            })?;
            let whole = (whole.finalize().into(), digests.sha256.0);
            if let Some((found, expected)) = std::iter::once(whole)
                .chain(pieces.differing())
                .find(|(found, expected)| found != expected)
            {
                return Err(DigestError::Changed(Change::Bytes {
                    found: FileSha256(found),
                    expected: FileSha256(expected),
                }));
            }
        }
        Ok((self.source, (digests, ranges)))
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

impl<R: Read + Seek + Send> Read for StreamHashedFile<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let position = self.position;
        if let Some((start, piece)) = self.ahead.range(..=position).next_back()
            && let Some(rest) = usize::try_from(position - start)
                .ok()
                .and_then(|at| piece.get(at..))
                .filter(|rest| !rest.is_empty())
        {
            let count = rest.len().min(out.len());
            out[..count].copy_from_slice(&rest[..count]);
            self.position += count as u64;
            return Ok(count);
        }
        let count =
            self.next_kept(position).saturating_sub(position).min(out.len() as u64) as usize;
        if count == 0 {
            return Ok(0);
        }
        self.source.seek(SeekFrom::Start(position))?;
        let count = self.source.read(&mut out[..count])?;
        if count == 0 {
            return Err(became_shorter());
        }
        let read = &out[..count];
        if position == self.hashed {
            self.hashes.update(read);
            self.hashed += count as u64;
            self.hash_kept();
        } else if position > self.hashed && self.kept + count <= Self::KEEP {
            self.kept += count;
            self.ahead.insert(position, read.to_vec());
        } else {
            self.unseen.push((position..position + count as u64, Sha256::digest(read).into()));
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl<R: Read + Seek + Send> Seek for StreamHashedFile<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.position = seek_to(to, self.position, self.length)?;
        Ok(self.position)
    }
}

fn became_shorter() -> std::io::Error {
    std::io::Error::new(
        std::io::ErrorKind::UnexpectedEof,
        "the file became shorter while it was read",
    )
}

/// The position that is meant, in a file of that length.
fn seek_to(to: SeekFrom, position: u64, length: u64) -> std::io::Result<u64> {
    let (base, offset) = match to {
        SeekFrom::Start(position) => (position, 0),
        SeekFrom::End(offset) => (length, offset),
        SeekFrom::Current(offset) => (position, offset),
    };
    base.checked_add_signed(offset).ok_or(std::io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::progress::NoProgress;

    fn bytes(n: usize) -> Vec<u8> {
        (0..n).map(|i| (i * i / 7) as u8).collect()
    }

    fn digests(bytes: &[u8]) -> FileDigests {
        let sha256 = FileSha256(Sha256::digest(bytes).into());
        FileDigests {
            blake2b: FileBlake2b(Blake2b512::digest(&[bytes])),
            sha256,
            length: bytes.len() as u64,
        }
    }

    /// A file that becomes another one when its length is asked for the second time, which is at
    /// the end.
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

    fn changing(first: &[u8], then: &[u8]) -> StreamHashedFile<ChangesAtTheEnd> {
        StreamHashedFile::new(ChangesAtTheEnd {
            file: Cursor::new(first.to_vec()),
            then: then.to_vec(),
            measured: false,
        })
        .unwrap()
    }

    fn read_at(file: &mut StreamHashedFile<ChangesAtTheEnd>, range: Range<usize>) -> Vec<u8> {
        let mut out = vec![0; range.len()];
        file.seek(SeekFrom::Start(range.start as u64)).unwrap();
        file.read_exact(&mut out).unwrap();
        out
    }

    #[test]
    fn digests_are_those_of_the_bytes_for_every_length_around_a_chunk() {
        for n in [0, 1, 127, 128, 129, (1 << 22) - 1, 1 << 22, (1 << 22) + 1] {
            let bytes = bytes(n);
            assert_eq!(
                digest_file(&mut Cursor::new(&bytes), &NoProgress).unwrap(),
                digests(&bytes),
                "{n}"
            );
            assert_eq!(
                sha256_file(&mut Cursor::new(&bytes), &NoProgress).unwrap(),
                digests(&bytes).sha256,
                "{n}"
            );
        }
    }

    proptest! {
        #[test]
        fn however_a_file_is_read_bytes_and_digests_are_its_own(reads in prop::collection::vec((0usize..300, 0usize..80), 0..40)) {
            let bytes = bytes(300);
            let mut file = StreamHashedFile::new(Hesitant(Cursor::new(bytes.clone()), 1)).unwrap();
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
            prop_assert_eq!(file.finish(&NoProgress).unwrap().1, digests(&bytes));
        }
    }

    /// Gives one byte, or is interrupted, as often as not.
    struct Hesitant(Cursor<Vec<u8>>, u32);

    impl Read for Hesitant {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            self.1 = self.1.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match self.1 >> 30 {
                0 => Err(std::io::ErrorKind::Interrupted.into()),
                1 if !out.is_empty() => self.0.read(&mut out[..1]),
                _ => self.0.read(out),
            }
        }
    }

    impl Seek for Hesitant {
        fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn small_pieces_first_and_the_rest_in_order_need_no_second_reading() {
        let (first, then) = (bytes(5000), vec![9; 5000]);
        let mut file = changing(&first, &then);
        for range in [
            0..12,
            100..112,
            4000..4100,
            100..105,
            4050..4100,
            12..100,
            112..3000,
            3000..4000,
            100..112,
        ] {
            assert_eq!(read_at(&mut file, range.clone()), first[range]);
        }
        assert_eq!(file.finish(&NoProgress).unwrap().1, digests(&first));
    }

    #[test]
    fn bytes_that_are_read_from_the_file_again_are_compared_with_it() {
        let (first, then) = (bytes(5000), vec![9; 5000]);
        for again in [99..100, 0..1, 4999..5000] {
            let mut file = changing(&first, &then);
            read_at(&mut file, 0..5000);
            read_at(&mut file, again);
            let (found, expected) = (digests(&then).sha256, digests(&first).sha256);
            let error = file.finish(&NoProgress).unwrap_err();
            assert!(
                matches!(error, DigestError::Changed(Change::Bytes { found: f, expected: e }) if (f, e) == (found, expected)),
                "{error}"
            );
        }
    }

    /// A file in which every byte is one thing when it is read for the first time and another from
    /// then on.
    #[derive(Debug)]
    struct Fickle(Vec<u8>, Vec<u8>, Vec<bool>, usize);

    impl Read for Fickle {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let Self(first, then, read, position) = self;
            let count = out.len().min(first.len() - *position);
            for out in &mut out[..count] {
                *out = if std::mem::replace(&mut read[*position], true) {
                    then[*position]
                } else {
                    first[*position]
                };
                *position += 1;
            }
            Ok(count)
        }
    }

    impl Seek for Fickle {
        fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
            self.3 = match to {
                SeekFrom::Start(position) => position as usize,
                _ => self.0.len(),
            };
            Ok(self.3 as u64)
        }
    }

    #[test]
    fn a_piece_that_is_handed_out_unhashed_is_what_is_hashed_later() {
        let size = StreamHashedFile::<Fickle>::KEEP + 3000;
        for (differs, changed) in
            [(2000..size - 10, true), (size - 1..size, true), (1999..2000, true), (0..0, false)]
        {
            let then = bytes(size);
            let mut first = then.clone();
            first[differs.clone()].iter_mut().for_each(|byte| *byte ^= 1);
            let mut file =
                StreamHashedFile::new(Fickle(first, then, vec![false; size], 0)).unwrap();
            // Too much to keep, read before its turn; and hashed, and compared, with what it is
            // from now on.
            file.seek(SeekFrom::Start(1999)).unwrap();
            file.read_exact(&mut vec![0; size - 1999]).unwrap();
            assert_eq!(file.finish(&NoProgress).is_err(), changed, "{differs:?}");
        }
    }

    #[test]
    fn pieces_of_any_place_and_length_are_held_to_their_digests() {
        let file = bytes(1000);
        for piece in [1, 7, 64, 999, 1000, 1001] {
            for chunk in [1, 10, 333, 1000] {
                let ranges = || (0..1000).step_by(97).map(|start| start..1000.min(start + piece));
                let digests = || {
                    ranges()
                        .map(|r| (r.start as u64..r.end as u64, Sha256::digest(&file[r]).into()))
                        .collect::<Vec<_>>()
                };
                let differing = |file: &[u8], noted| {
                    let mut pieces = Pieces::new(noted);
                    file.chunks(chunk).for_each(|chunk| pieces.update(chunk));
                    let RangeHashes { waiting, open, .. } = &pieces.ranges;
                    assert!(waiting.is_empty() && open.is_empty());
                    pieces.differing().is_some()
                };
                assert!(!differing(&file, digests()));
                for place in [0, 97, 500, 999] {
                    let mut other = file.clone();
                    other[place] ^= 1;
                    assert_eq!(
                        differing(&other, digests()),
                        ranges().any(|range| range.contains(&place)),
                        "{piece} {chunk} {place}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_too_much_to_keep_is_compared() {
        let size = StreamHashedFile::<ChangesAtTheEnd>::KEEP + 10;
        let (first, then) = (bytes(size), vec![9; size]);
        for (range, kept) in [(1..size - 9, true), (1..size - 8, false)] {
            let mut file = changing(&first, &then);
            assert_eq!(read_at(&mut file, range.clone()), first[range]);
            // What was not kept is read and hashed now.
            assert_eq!(file.finish(&NoProgress).is_ok(), kept);
        }
    }

    #[test]
    fn a_file_that_grew_or_shrank_has_changed() {
        let first = bytes(5000);
        for then in [&bytes(5001)[..], &first[..4999]] {
            let mut file = changing(&first, then);
            read_at(&mut file, 0..5000);
            assert!(
                matches!(file.finish(&NoProgress), Err(DigestError::Changed { .. })),
                "{}",
                then.len()
            );
        }
    }

    #[test]
    fn a_comparison_can_be_asked_for() {
        let mut file = changing(&bytes(50), &[9; 50]);
        file.compare();
        assert!(matches!(file.finish(&NoProgress), Err(DigestError::Changed { .. })));
    }
}
