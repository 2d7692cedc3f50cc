//! Long runs of points, read in chunks. Whatever comes out of [`PointRun::read`] is canonical, on its curve, in the subgroup of order r,
//! and not infinity unless the run allows it.

use std::io::{Read, Seek};
use std::marker::PhantomData;

use super::FormatError;
use super::container::read_at;
use super::encoding::{Encoding, PointDefect, decode};
use crate::curve::Point;
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

    /// Start and length of consecutive chunks of [`CHUNK_POINTS`], each beginning with the last `overlap` points of the one before. A run
    /// of at most `overlap` points has one chunk.
    pub fn chunks(&self, overlap: u64) -> impl Iterator<Item = (u64, usize)> + use<P> {
        let (len, step) = (self.len, CHUNK_POINTS as u64);
        (0..len.saturating_sub(overlap).div_ceil(step).max(1)).map(move |i| (i * step, (len - i * step).min(step + overlap) as usize))
    }

    /// `count` points from element `start` on; the caller stays inside the run.
    ///
    /// # Errors
    /// The first element that is not a point of the group, or is infinity where that is not allowed; or reading fails.
    pub fn read<R: Read + Seek>(&self, source: &mut R, rng: &mut VerifierRng, start: u64, count: usize) -> Result<Vec<P>, FormatError> {
        let bytes = self.read_bytes(source, start, count)?;
        let points = self.parse(&bytes, start)?;
        self.check_subgroup(&points, rng, start)?;
        Ok(points)
    }

    /// Hands all points to `visit`, in chunks as [`Self::chunks`] cuts them, with the index of each chunk's first point. The next chunk is read
    /// while one is visited.
    ///
    /// # Errors
    /// As [`Self::read`], and what `visit` returns.
    pub fn for_each_chunk<R, E>(
        &self,
        source: &mut R,
        rng: &mut VerifierRng,
        overlap: u64,
        mut visit: impl FnMut(u64, Vec<P>, &mut VerifierRng) -> Result<(), E> + Send,
    ) -> Result<(), E>
    where
        R: Read + Seek + Send,
        E: From<FormatError> + Send,
    {
        self.for_each_chunk_on_curve(source, overlap, |start, points| {
            self.check_subgroup(&points, rng, start)?;
            visit(start, points, rng)
        })
    }

    /// [`Self::for_each_chunk`] for a caller who proves by himself that the points are in the subgroup of order r: here they may be anywhere on
    /// their curve.
    ///
    /// # Errors
    /// As [`Self::read`], but for points outside the subgroup, and what `visit` returns.
    pub(crate) fn for_each_chunk_on_curve<R, E>(
        &self,
        source: &mut R,
        overlap: u64,
        mut visit: impl FnMut(u64, Vec<P>) -> Result<(), E> + Send,
    ) -> Result<(), E>
    where
        R: Read + Seek + Send,
        E: From<FormatError> + Send,
    {
        let mut chunks = self.chunks(overlap);
        let mut read_next = move || chunks.next().map(|(start, count)| Ok((start, self.read_bytes(source, start, count)?))).transpose();
        let mut chunk: Result<_, FormatError> = read_next();
        while let Some((start, bytes)) = chunk? {
            let (visited, next) = rayon::join(|| visit(start, self.parse(&bytes, start)?), &mut read_next);
            visited?;
            chunk = next;
        }
        Ok(())
    }

    fn read_bytes<R: Read + Seek>(&self, source: &mut R, start: u64, count: usize) -> std::io::Result<Vec<u8>> {
        let size = self.encoding.point_bytes::<P>();
        read_at(source, self.offset + start * size as u64, count * size)
    }

    fn parse(&self, bytes: &[u8], start: u64) -> Result<Vec<P>, FormatError> {
        let points = decode::<P>(bytes, self.encoding).map_err(|(index, defect)| self.defect(start, index, defect))?;
        match points.iter().position(|p| p.is_zero()) {
            Some(index) if !self.infinity => Err(self.defect(start, index, PointDefect::Infinity)),
            _ => Ok(points),
        }
    }

    /// Names the first of these points, the run's from `start` on, that is outside the subgroup of order r.
    pub(crate) fn check_subgroup(&self, points: &[P], rng: &mut VerifierRng, start: u64) -> Result<(), FormatError> {
        match rng.outside_subgroup(points) {
            Some(index) => Err(self.defect(start, index, PointDefect::OutsideSubgroup)),
            None => Ok(()),
        }
    }

    fn defect(&self, start: u64, index: usize, defect: PointDefect) -> FormatError {
        FormatError::Point { section: self.section, name: self.name, index: start + index as u64, defect }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::G1Affine;

    #[test]
    fn chunks_cover_every_neighbouring_pair_once() {
        for len in [1, 2, 3, CHUNK_POINTS as u64, CHUNK_POINTS as u64 + 1, 3 * CHUNK_POINTS as u64 + 1, 3 * CHUNK_POINTS as u64 + 2] {
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
