//! From powers to Lagrange bases: level k of a section is the inverse FFT of its first n = 2^k
//! powers,
//!
//! ```text
//! [L_j(tau)] = 1/n sum_(i<n) omega^(-ij) [tau^i],   omega = 5^((r-1)/n)
//! ```
//!
//! since L_j(x) = 1/n sum_i omega^(-ij) x^i. Level p+1 of section 12 has 2N-1 powers and infinity
//! in the place of the missing one.
//!
//! A level of at most [`FFT_IN_MEMORY_POINTS`] points is transformed in memory. A longer one uses
//! its own place in the output file: the powers are dealt out to B = n / M blocks by their index
//! modulo B (blocks in bit-reversed order), each block is transformed in memory, and log2(B) passes
//! of butterflies stream over the file (decimation in time).

use std::io::{Read, Seek, SeekFrom, Write};

use ark_ff::Field;
use bn254_batch::Point;
use bn254_batch::curve::{FR_TWO_ADICITY, Fr, root_of_unity};
use bn254_batch::{Direction, butterflies, group_fft, mul_all};

use super::error::StepError;
use super::records::{check_chain, check_minimum, check_order};
use crate::entropy::VerifierRng;
use crate::format::container::{ContainerWriter, read_at};
use crate::format::encoding::{Encoding, decode_own, encode};
use crate::format::points::PointRun;
use crate::format::ptau::{PTAU, Ptau, write_contributions, write_header};
use crate::limits::{CHUNK_POINTS, FFT_IN_MEMORY_POINTS};
use crate::progress::Progress;

/// Writes `input` with its Lagrange sections, for all levels. The records' chain is checked, the
/// powers are read with all membership checks, and tau's order is not small; the powers' ratios are
/// for [`super::verify`]. A truncated file stays marked as one.
///
/// ```
/// # use std::io::Cursor;
/// # use ceremony_core::entropy::ContributionRng;
/// # use ceremony_core::format::ptau::{Power, Ptau};
/// # use ceremony_core::phase1::contribute::{contribute, new};
/// use ceremony_core::phase1::prepare::prepare;
/// use ceremony_core::progress::NoProgress;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let mut start = Cursor::new(Vec::new());
/// # new(Power::new(3).ok_or("too large")?, &mut start, &NoProgress)?;
/// # let mut contributed = Cursor::new(Vec::new());
/// # let rng = ContributionRng::from_os_and_text(b"")?;
/// # contribute(&mut Ptau::open(start)?, &mut contributed, rng, None, &NoProgress)?;
/// let mut input = Ptau::open(contributed)?;
/// let mut prepared = Cursor::new(Vec::new());
/// prepare(&mut input, &mut prepared, &NoProgress)?;
/// assert!(Ptau::open(prepared)?.lagrange().is_some());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`StepError`], also when no participant has contributed; `output` is then incomplete and must be
/// thrown away.
pub fn prepare<R: Read + Seek + Send, W: Read + Write + Seek + Send>(
    input: &mut Ptau<R>,
    output: W,
    progress: &dyn Progress,
) -> Result<(), StepError> {
    prepare_within(input, output, FFT_IN_MEMORY_POINTS, progress)
}

fn prepare_within<R: Read + Seek + Send, W: Read + Write + Seek + Send>(
    input: &mut Ptau<R>,
    output: W,
    in_memory: usize,
    progress: &dyn Progress,
) -> Result<(), StepError> {
    let power = input.power().exponent();
    if power == FR_TWO_ADICITY {
        return Err(StepError::NoDomain);
    }
    check_minimum(input.contributions(), 1)?;
    check_chain(input.contributions(), input.ceremony_power(), progress)?;
    let powers = input.accumulator();
    let mut out = ContainerWriter::new(output, PTAU, 11).map_err(StepError::Write)?;
    write_header(&mut out, input.power(), input.ceremony_power()).map_err(StepError::Write)?;
    let records = input.contributions().to_vec();
    let mut job =
        Job { source: input.source(), rng: VerifierRng::from_os()?, out, in_memory, progress };
    progress.begin("copying powers", powers.points());
    job.copy(&powers.tau_g1)?;
    job.copy(&powers.tau_g2)?;
    job.copy(&powers.alpha_tau_g1)?;
    job.copy(&powers.beta_tau_g1)?;
    job.copy(&powers.beta_g2)?;
    progress.end();
    write_contributions(&mut job.out, &records).map_err(StepError::Write)?;
    job.lagrange(12, power + 1, &powers.tau_g1)?;
    job.lagrange(13, power, &powers.tau_g2)?;
    job.lagrange(14, power, &powers.alpha_tau_g1)?;
    job.lagrange(15, power, &powers.beta_tau_g1)?;
    job.out.finish().map_err(StepError::Write)?;
    Ok(())
}

struct Job<'a, R, W> {
    source: &'a mut R,
    rng: VerifierRng,
    out: ContainerWriter<W>,
    in_memory: usize,
    progress: &'a dyn Progress,
}

impl<R: Read + Seek + Send, W: Read + Write + Seek + Send> Job<'_, R, W> {
    fn copy<P: Point>(&mut self, run: &PointRun<P>) -> Result<(), StepError> {
        self.out.begin(run.section).map_err(StepError::Write)?;
        let Self { source, rng, out, progress, .. } = self;
        run.for_each_chunk(*source, rng, 0, |start, points, _| {
            if let (2, Some(powers)) = (run.section, P::as_g1(&points)) {
                check_order(start, powers)?;
            }
            out.write(&encode(&points, Encoding::Montgomery)).map_err(StepError::Write)?;
            progress.advance(points.len() as u64);
            Ok::<_, StepError>(())
        })?;
        self.out.end().map_err(StepError::Write)?;
        Ok(())
    }

    /// Levels 0 to `last` of one section.
    fn lagrange<P: Point>(
        &mut self,
        section: u32,
        last: u32,
        powers: &PointRun<P>,
    ) -> Result<(), StepError> {
        self.progress.begin(&format!("preparing section {section}"), (1 << (last + 1)) - 1);
        self.out.begin(section).map_err(StepError::Write)?;
        for level in 0..=last {
            if 1usize << level <= self.in_memory {
                let mut points = self.powers(powers, 0, 1 << level)?;
                group_fft(&mut points, Direction::Inverse);
                self.out.write(&encode(&points, Encoding::Montgomery)).map_err(StepError::Write)?;
                self.progress.advance(1 << level);
            } else {
                self.long_level(powers, level)?;
            }
        }
        self.out.end().map_err(StepError::Write)?;
        self.progress.end();
        Ok(())
    }

    /// `count` powers from `start` on, with infinity beyond the last.
    fn powers<P: Point>(
        &mut self,
        powers: &PointRun<P>,
        start: u64,
        count: usize,
    ) -> Result<Vec<P>, StepError> {
        let there = powers.len.saturating_sub(start).min(count as u64) as usize;
        let mut points = powers.read(self.source, &mut self.rng, start, there)?;
        points.resize(count, P::zero());
        Ok(points)
    }

    /// A level that does not fit in memory, through its own place in the output.
    fn long_level<P: Point>(&mut self, powers: &PointRun<P>, level: u32) -> Result<(), StepError> {
        let n = 1u64 << level;
        let block = self.in_memory as u64;
        let blocks = n / block;
        let at = self.out.sink().stream_position().map_err(StepError::Write)?;
        let mut place = Place { at, sink: self.out.sink() };
        // Deal the powers out.
        let chunk = (CHUNK_POINTS as u64).max(blocks).min(n);
        for start in (0..n).step_by(chunk as usize) {
            let there = powers.len.saturating_sub(start).min(chunk) as usize;
            let mut points = powers.read(self.source, &mut self.rng, start, there)?;
            points.resize(chunk as usize, P::zero());
            for b in 0..blocks {
                let residue = b.reverse_bits() >> (64 - blocks.ilog2());
                let dealt: Vec<P> = points
                    .iter()
                    .skip(residue as usize)
                    .step_by(blocks as usize)
                    .copied()
                    .collect();
                place.write(b * block + start / blocks, &dealt)?;
            }
        }
        // Transform the blocks. The transform of a block divides by its own length; what is left of
        // 1/n is 1/blocks.
        let rest = Fr::from(blocks).inverse().unwrap_or(Fr::ONE);
        for b in 0..blocks {
            let mut points: Vec<P> = place.read(b * block, block as usize)?;
            group_fft(&mut points, Direction::Inverse);
            mul_all(&mut points, &rest);
            place.write(b * block, &points)?;
        }
        // Combine them.
        let mut half = block;
        while half < n {
            let omega = root_of_unity(half.ilog2() + 1)
                .ok_or(StepError::NoDomain)?
                .inverse()
                .unwrap_or(Fr::ONE);
            let chunk = half.min(CHUNK_POINTS as u64 / 2);
            for pair in (0..n).step_by(2 * half as usize) {
                for j in (0..half).step_by(chunk as usize) {
                    let mut lo: Vec<P> = place.read(pair + j, chunk as usize)?;
                    let mut hi: Vec<P> = place.read(pair + half + j, chunk as usize)?;
                    butterflies(
                        &mut lo,
                        &mut hi,
                        &bn254_batch::geometric(&omega.pow([j]), &omega, chunk as usize),
                    );
                    place.write(pair + j, &lo)?;
                    place.write(pair + half + j, &hi)?;
                }
            }
            half *= 2;
        }
        self.progress.advance(n);
        let end = at + n * P::UNCOMPRESSED_BYTES as u64;
        self.out.sink().seek(SeekFrom::Start(end)).map_err(StepError::Write)?;
        Ok(())
    }
}

/// Random access to points that this process writes.
struct Place<'a, W> {
    at: u64,
    sink: &'a mut W,
}

impl<W: Read + Write + Seek + Send> Place<'_, W> {
    fn read<P: Point>(&mut self, index: u64, count: usize) -> Result<Vec<P>, StepError> {
        let size = P::UNCOMPRESSED_BYTES;
        let bytes = read_at(self.sink, self.at + index * size as u64, count * size)
            .map_err(StepError::Write)?;
        Ok(decode_own(&bytes))
    }

    fn write<P: Point>(&mut self, index: u64, points: &[P]) -> Result<(), StepError> {
        let offset = self.at + index * P::UNCOMPRESSED_BYTES as u64;
        self.sink.seek(SeekFrom::Start(offset)).map_err(StepError::Write)?;
        self.sink.write_all(&encode(points, Encoding::Montgomery)).map_err(StepError::Write)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::entropy::ContributionRng;
    use crate::format::ptau::Power;
    use crate::phase1::contribute::{contribute, new};
    use crate::progress::NoProgress;

    #[test]
    fn a_level_through_the_file_equals_one_in_memory() {
        let mut fresh = Cursor::new(Vec::new());
        new(Power::new(4).unwrap(), &mut fresh, &NoProgress).unwrap();
        let mut contributed = Cursor::new(Vec::new());
        let rng = ContributionRng::from_os_and_text(b"").unwrap();
        contribute(&mut Ptau::open(fresh).unwrap(), &mut contributed, rng, None, &NoProgress)
            .unwrap();
        let prepared = |in_memory| {
            let mut out = Cursor::new(Vec::new());
            prepare_within(
                &mut Ptau::open(contributed.clone()).unwrap(),
                &mut out,
                in_memory,
                &NoProgress,
            )
            .unwrap();
            out.into_inner()
        };
        let whole = prepared(1 << 10);
        for in_memory in [1, 2, 4, 16] {
            assert!(prepared(in_memory) == whole, "{in_memory} points in memory");
        }
    }
}
