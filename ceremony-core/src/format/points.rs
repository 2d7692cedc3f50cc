//! Long runs of points, read in chunks. Whatever comes out of [`PointRun::read`] is canonical, on
//! its curve, in the subgroup of order r, and not infinity unless the run allows it.

use std::collections::VecDeque;
use std::io::{Read, Seek, SeekFrom};
use std::marker::PhantomData;
use std::ops::Range;

use bn254_batch::Point;

use super::FormatError;
use super::container::read_at;
use super::encoding::{Encoding, PointDefect, decode};
use crate::entropy::VerifierRng;
use crate::limits::CHUNK_POINTS;

/// `len` points of one group that lie one after another in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointRun<P> {
    /// The section's id, for messages (0 where the file has no sections).
    pub section: u32,
    /// What the points are, for messages.
    pub name: &'static str,
    /// Position of the first byte.
    pub offset: u64,
    /// Number of points.
    pub len: u64,
    /// Their encoding.
    pub encoding: Encoding,
    /// Whether infinity may occur.
    pub infinity: bool,
    /// The group.
    pub group: PhantomData<P>,
}

impl<P: Point> PointRun<P> {
    /// Bytes of the whole run.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.len * self.encoding.point_bytes::<P>() as u64
    }

    /// Start and length of consecutive chunks of [`CHUNK_POINTS`], each beginning with the last
    /// `overlap` points of the one before. A run of at most `overlap` points has one chunk.
    pub fn chunks(&self, overlap: u64) -> impl Iterator<Item = (u64, usize)> + use<P> {
        chunks_of(0..self.len, overlap)
    }

    /// `count` points from element `start` on; the caller stays inside the run.
    ///
    /// # Errors
    /// The first element that is not a point of the group, or is infinity where that is not
    /// allowed; or reading fails.
    pub fn read<R: Read + Seek>(
        &self,
        source: &mut R,
        rng: &mut VerifierRng,
        start: u64,
        count: usize,
    ) -> Result<Vec<P>, FormatError> {
        self.points(&self.read_bytes(source, start, count)?, rng, start)
    }

    /// The bytes of these points, for [`Self::points`].
    pub(crate) fn read_bytes<R: Read + Seek>(
        &self,
        source: &mut R,
        start: u64,
        count: usize,
    ) -> std::io::Result<Vec<u8>> {
        let size = self.encoding.point_bytes::<P>();
        read_at(source, self.offset + start * size as u64, count * size)
    }

    /// The second half of [`Self::read`].
    pub(crate) fn points(
        &self,
        bytes: &[u8],
        rng: &mut VerifierRng,
        start: u64,
    ) -> Result<Vec<P>, FormatError> {
        let points = self.parse(bytes, start)?;
        self.check_subgroup(&points, rng, start)?;
        Ok(points)
    }

    /// Hands all points to `visit`, in chunks as [`Self::chunks`] cuts them, with the index of each
    /// chunk's first point. The next chunk is read while one is visited.
    ///
    /// # Errors
    /// As [`Self::read`], and what `visit` returns.
    pub fn for_each_chunk<R, E>(
        &self,
        source: &mut R,
        rng: &mut VerifierRng,
        overlap: u64,
        visit: impl FnMut(u64, Vec<P>, &mut VerifierRng) -> Result<(), E> + Send,
    ) -> Result<(), E>
    where
        R: Read + Seek + Send,
        E: From<FormatError> + Send,
    {
        self.for_each_chunk_of(0..self.len, source, rng, overlap, visit)
    }

    /// [`Self::for_each_chunk`] of the points with these indices.
    ///
    /// # Errors
    /// As [`Self::for_each_chunk`].
    pub(crate) fn for_each_chunk_of<R, E>(
        &self,
        range: Range<u64>,
        source: &mut R,
        rng: &mut VerifierRng,
        overlap: u64,
        mut visit: impl FnMut(u64, Vec<P>, &mut VerifierRng) -> Result<(), E> + Send,
    ) -> Result<(), E>
    where
        R: Read + Seek + Send,
        E: From<FormatError> + Send,
    {
        let mut pieces = ReadAhead::new(source);
        pieces.want(self, range.clone(), overlap);
        for (start, _) in chunks_of(range, overlap) {
            pieces.next(|bytes| {
                let points = self.points(bytes, rng, start)?;
                visit(start, points, rng)
            })?;
        }
        Ok(())
    }

    /// [`Self::for_each_chunk_of`] for a caller that itself proves that the points are in the
    /// subgroup of order r: here they may be anywhere on their curve. All chunks of the range must
    /// be what `pieces` has next, with the same overlap.
    ///
    /// # Errors
    /// As [`Self::read`], but for points outside the subgroup, and what `visit` returns.
    pub(crate) fn for_each_chunk_on_curve<R, E>(
        &self,
        range: Range<u64>,
        pieces: &mut ReadAhead<'_, R>,
        overlap: u64,
        mut visit: impl FnMut(u64, Vec<P>) -> Result<(), E> + Send,
    ) -> Result<(), E>
    where
        R: Read + Seek + Send,
        E: From<FormatError> + Send,
    {
        let size = self.encoding.point_bytes::<P>();
        chunks_of(range, overlap).try_for_each(|(start, count)| {
            pieces.next(|bytes| {
                debug_assert_eq!(
                    bytes.len(),
                    count * size,
                    "pieces are wanted in the order in which they are visited"
                );
                visit(start, self.parse(bytes, start)?)
            })
        })
    }

    /// What `pieces` has next, which is the points from element `start` on. They are on their
    /// curve.
    pub(crate) fn next_on_curve<R: Read + Seek + Send>(
        &self,
        pieces: &mut ReadAhead<'_, R>,
        start: u64,
    ) -> Result<Vec<P>, FormatError> {
        pieces.next(|bytes| self.parse(bytes, start))
    }

    fn parse(&self, bytes: &[u8], start: u64) -> Result<Vec<P>, FormatError> {
        let points = decode::<P>(bytes, self.encoding)
            .map_err(|(index, defect)| self.defect(start, index, defect))?;
        match points.iter().position(|p| p.is_zero()) {
            Some(index) if !self.infinity => Err(self.defect(start, index, PointDefect::Infinity)),
            _ => Ok(points),
        }
    }

    /// Names the first of these points, the run's from `start` on, that is outside the subgroup of
    /// order r.
    pub(crate) fn check_subgroup(
        &self,
        points: &[P],
        rng: &mut VerifierRng,
        start: u64,
    ) -> Result<(), FormatError> {
        match rng.outside_subgroup(points) {
            Some(index) => Err(self.defect(start, index, PointDefect::OutsideSubgroup)),
            None => Ok(()),
        }
    }

    fn defect(&self, start: u64, index: usize, defect: PointDefect) -> FormatError {
        FormatError::Point {
            section: self.section,
            name: self.name,
            index: start + index as u64,
            defect,
        }
    }
}

fn chunks_of(range: Range<u64>, overlap: u64) -> impl Iterator<Item = (u64, usize)> {
    let (len, step) = (range.end - range.start, CHUNK_POINTS as u64);
    (0..len.saturating_sub(overlap).div_ceil(step).max(1))
        .map(move |i| (range.start + i * step, (len - i * step).min(step + overlap) as usize))
}

/// Chunks of one run or of several, or plain bytes, one after another, each read while the one
/// before is at work. No byte is read twice for their overlaps.
#[derive(Debug)]
pub(crate) struct ReadAhead<'a, R> {
    source: &'a mut R,
    wanted: VecDeque<Piece>,
    ready: Option<std::io::Result<Vec<u8>>>,
    /// The end of the piece that was read last.
    tail: Vec<u8>,
    /// The buffer of a piece that is done with.
    spare: Vec<u8>,
}

/// As long as a chunk of points of G1.
const PIECE_BYTES: u64 = 64 * CHUNK_POINTS as u64;

#[derive(Debug)]
struct Piece {
    offset: u64,
    bytes: usize,
    /// How many of its bytes are the last ones of the piece before.
    repeated: usize,
}

impl<'a, R: Read + Seek + Send> ReadAhead<'a, R> {
    pub(crate) fn new(source: &'a mut R) -> Self {
        Self { source, wanted: VecDeque::new(), ready: None, tail: Vec::new(), spare: Vec::new() }
    }

    /// Appends the chunks of a range of a run.
    pub(crate) fn want<P: Point>(&mut self, run: &PointRun<P>, range: Range<u64>, overlap: u64) {
        let (size, first) = (run.encoding.point_bytes::<P>(), range.start);
        self.wanted.extend(chunks_of(range, overlap).map(|(start, count)| Piece {
            offset: run.offset + start * size as u64,
            bytes: count * size,
            repeated: if start == first { 0 } else { overlap as usize * size },
        }));
    }

    /// Appends bytes as they are, in pieces of [`PIECE_BYTES`].
    pub(crate) fn want_bytes(&mut self, offset: u64, size: u64) {
        let pieces = (0..size).step_by(PIECE_BYTES as usize);
        self.wanted.extend(pieces.map(|start| Piece {
            offset: offset + start,
            bytes: PIECE_BYTES.min(size - start) as usize,
            repeated: 0,
        }));
    }

    /// Hands bytes that were wanted so, and that come next, to `visit`.
    pub(crate) fn next_bytes<E: From<FormatError> + Send>(
        &mut self,
        size: u64,
        mut visit: impl FnMut(&[u8]) -> Result<(), E> + Send,
    ) -> Result<(), E> {
        (0..size).step_by(PIECE_BYTES as usize).try_for_each(|_| self.next(&mut visit))
    }

    /// Reads the next piece, if that has not been done.
    pub(crate) fn read(&mut self) {
        if self.ready.is_none()
            && let Some(piece) = self.wanted.pop_front()
        {
            let overlap = self.wanted.front().map_or(0, |next| next.repeated);
            let bytes =
                piece.read(self.source, std::mem::take(&mut self.spare), &mut self.tail, overlap);
            if bytes.is_err() {
                self.wanted.clear();
            }
            self.ready = Some(bytes);
        }
    }

    /// Hands the next piece to `visit`, and reads the one after it meanwhile.
    fn next<T: Send, E: From<FormatError> + Send>(
        &mut self,
        visit: impl FnOnce(&[u8]) -> Result<T, E> + Send,
    ) -> Result<T, E> {
        self.read();
        let Some(bytes) = self.ready.take() else {
            return Err(FormatError::from(std::io::Error::other("no piece is left")).into());
        };
        let bytes = bytes.map_err(FormatError::from)?;
        let (visited, ()) = rayon::join(|| visit(&bytes), || self.read());
        self.spare = bytes;
        visited
    }
}

impl Piece {
    /// `tail` holds the end of the piece before, and then `overlap` bytes of this one.
    fn read<R: Read + Seek>(
        &self,
        source: &mut R,
        mut bytes: Vec<u8>,
        tail: &mut Vec<u8>,
        overlap: usize,
    ) -> std::io::Result<Vec<u8>> {
        bytes.resize(self.bytes, 0);
        let (repeated, fresh) = bytes.split_at_mut(self.repeated);
        repeated.copy_from_slice(tail);
        source.seek(SeekFrom::Start(self.offset + self.repeated as u64))?;
        source.read_exact(fresh)?;
        *tail = bytes[bytes.len() - overlap..].to_vec();
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use ark_ec::{AffineRepr, CurveGroup};
    use bn254_batch::curve::{G1Affine, G1Projective};

    use super::*;
    use crate::format::bound_file::StreamHashedFile;
    use crate::format::encoding::encode;
    use crate::progress::NoProgress;

    #[test]
    fn chunks_come_with_their_overlap_and_no_byte_is_read_twice() {
        /// Counts what is read.
        struct Counting(Cursor<Vec<u8>>, u64);
        impl Read for Counting {
            fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
                let count = self.0.read(out)?;
                self.1 += count as u64;
                Ok(count)
            }
        }
        impl Seek for Counting {
            fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
                self.0.seek(to)
            }
        }
        let all: Vec<G1Affine> = {
            let steps = std::iter::successors(Some(G1Affine::generator().into_group()), |p| {
                Some(*p + G1Affine::generator())
            });
            G1Projective::normalize_batch(&steps.take(2 * CHUNK_POINTS + 5).collect::<Vec<_>>())
        };
        let bytes = encode(&all, Encoding::Montgomery);
        let part = |offset: usize, len: usize| PointRun::<G1Affine> {
            section: 2,
            name: "",
            offset: offset as u64 * 64,
            len: len as u64,
            encoding: Encoding::Montgomery,
            infinity: false,
            group: PhantomData,
        };
        for cut in [1, 3, CHUNK_POINTS, CHUNK_POINTS + 1, CHUNK_POINTS + 2] {
            for overlap in [0, 1, 2] {
                let runs = [part(0, cut), part(cut, all.len() - cut)];
                let mut file =
                    StreamHashedFile::new(Counting(Cursor::new(bytes.clone()), 0)).unwrap();
                let mut pieces = ReadAhead::new(&mut file);
                runs.iter().for_each(|run| pieces.want(run, 0..run.len, overlap));
                for (run, expected) in runs.iter().zip([&all[..cut], &all[cut..]]) {
                    let mut seen = 0;
                    run.for_each_chunk_on_curve(
                        0..run.len,
                        &mut pieces,
                        overlap,
                        |start, points| {
                            assert!(
                                points == expected[start as usize..][..points.len()],
                                "{cut} {overlap} {start}"
                            );
                            assert_eq!(start, seen - overlap.min(seen));
                            seen = start + points.len() as u64;
                            Ok::<_, FormatError>(())
                        },
                    )
                    .unwrap();
                    assert_eq!(seen, run.len);
                }
                let (Counting(_, read), _) = file.finish(&NoProgress).unwrap();
                assert_eq!(read, bytes.len() as u64, "{cut} {overlap}");
            }
        }
    }

    #[test]
    fn after_a_piece_that_cannot_be_read_there_is_none() {
        let run = PointRun::<G1Affine> {
            section: 2,
            name: "",
            offset: 0,
            len: 2 * CHUNK_POINTS as u64,
            encoding: Encoding::Montgomery,
            infinity: false,
            group: PhantomData,
        };
        let mut file = Cursor::new(vec![0; 64]);
        let mut pieces = ReadAhead::new(&mut file);
        pieces.want(&run, 0..run.len, 1);
        for _ in 0..3 {
            assert!(matches!(pieces.next(|_| Ok::<_, FormatError>(())), Err(FormatError::Io(_))));
        }
    }

    #[test]
    fn chunks_cover_every_neighbouring_pair_once() {
        for len in [
            1,
            2,
            3,
            CHUNK_POINTS as u64,
            CHUNK_POINTS as u64 + 1,
            3 * CHUNK_POINTS as u64 + 1,
            3 * CHUNK_POINTS as u64 + 2,
        ] {
            let run = PointRun::<G1Affine> {
                section: 2,
                name: "",
                offset: 0,
                len,
                encoding: Encoding::Montgomery,
                infinity: false,
                group: PhantomData,
            };
            let mut next = 0;
            for (start, count) in run.chunks(1) {
                assert_eq!(start, next);
                next = start + count as u64 - 1;
            }
            assert_eq!(next, len - 1, "the last chunk ends with the last point");
            assert_eq!(run.chunks(0).map(|(_, count)| count as u64).sum::<u64>(), len);
        }
    }
}
