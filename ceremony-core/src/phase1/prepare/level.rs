//! One level of one section, in memory or, if it is too long for that, through files.
//!
//! What is transformed are the powers, or what a part makes of them ([`super::fold`]): in a part of
//! M, a level has an M-th of its points, and each of these steps too.
//!
//! A long level of n powers is dealt out to B = n / M blocks of M by the index modulo B (blocks in
//! bit-reversed order), each block is transformed in memory, and log2(B) passes of butterflies
//! combine them (decimation in time). Each of these phases is cut in steps that read their points
//! from one *side* and write them to the other: the level's own place in the output, and a scratch
//! file. So a step that was interrupted can be made again. Without a scratch file both sides are
//! the same place, and a level that was interrupted is lost.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use ark_ff::Field;
use bn254_batch::curve::{Fr, root_of_unity};
use bn254_batch::{Direction, Point, butterflies, geometric, group_fft_telling, mul_all};

use super::StepError;
use super::fold::{fold, twist};
use crate::entropy::VerifierRng;
use crate::format::bases_part::Residue;
use crate::format::container::read_at;
use crate::format::encoding::{Encoding, decode_own, encode};
use crate::format::points::PointRun;
use crate::format::scratch::ScratchFile;
use crate::limits::CHUNK_POINTS;
use crate::progress::Progress;

/// Where powers come from and how they are transformed.
pub(super) struct Transform<'a, R> {
    pub(super) source: &'a mut R,
    pub(super) rng: &'a mut VerifierRng,
    /// Points of the longest transform in memory, a power of two.
    pub(super) in_memory: u64,
    /// Which of a level's points are made.
    pub(super) part: Residue,
    pub(super) progress: &'a dyn Progress,
}

/// The two places where the points of a level are while they are worked on.
pub(super) struct Sides<'a, W> {
    /// Where the level begins in the output.
    pub(super) at: u64,
    pub(super) output: &'a mut W,
    pub(super) scratch: Option<&'a mut ScratchFile>,
}

/// Writes the inverse transform of all of a run, whose length is a power of two, to the beginning
/// of a file of its own, with transforms of at most `in_memory` points in memory.
pub(crate) fn inverse_transform<R: Read + Seek + Send, P: Point>(
    source: &mut R,
    run: &PointRun<P>,
    mut output: &mut ScratchFile,
    in_memory: u64,
    rng: &mut VerifierRng,
    progress: &dyn Progress,
) -> Result<(), StepError> {
    let mut sides = Sides { at: 0, output: &mut output, scratch: None };
    let part = Residue::WHOLE;
    Transform { source, rng, part, in_memory, progress }.level(
        run,
        run.len.ilog2(),
        &mut sides,
        0,
        &mut |_, _| Ok(()),
    )
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Output,
    Scratch,
}

impl<W: Read + Write + Seek> Sides<'_, W> {
    fn read<P: Point>(
        &mut self,
        side: Side,
        index: u64,
        count: usize,
    ) -> Result<Vec<P>, StepError> {
        let (at, bytes) = (index * P::UNCOMPRESSED_BYTES as u64, count * P::UNCOMPRESSED_BYTES);
        let bytes = match (side, &mut self.scratch) {
            (Side::Scratch, Some(scratch)) => read_at(scratch, at, bytes),
            _ => read_at(self.output, self.at + at, bytes),
        };
        Ok(decode_own(&bytes.map_err(StepError::Write)?))
    }

    fn write<P: Point>(&mut self, side: Side, index: u64, points: &[P]) -> Result<(), StepError> {
        fn put<S: Write + Seek + ?Sized>(sink: &mut S, at: u64, bytes: &[u8]) -> io::Result<()> {
            sink.seek(SeekFrom::Start(at))?;
            sink.write_all(bytes)
        }
        let at = index * P::UNCOMPRESSED_BYTES as u64;
        let bytes = encode(points, Encoding::Montgomery);
        match (side, &mut self.scratch) {
            (Side::Scratch, Some(scratch)) => put(*scratch, at, &bytes),
            _ => put(self.output, self.at + at, &bytes),
        }
        .map_err(StepError::Write)
    }
}

/// How a long level is cut in steps.
struct Steps {
    /// The level.
    level: u32,
    /// Points of it that are made, and of a block.
    n: u64,
    block: u64,
    /// Points that are dealt out in a step.
    dealt: u64,
}

/// One of them.
#[derive(Clone, Copy)]
enum Step {
    /// The inputs from here on are dealt out to the blocks.
    Deal(u64),
    /// The block that begins here is transformed.
    Block(u64),
    /// Butterflies j, j + 1, ... of the pair of runs that begins at `pair`.
    Butterflies { pair: u64, half: u64, j: u64 },
}

impl Steps {
    fn of(level: u32, n: u64, block: u64) -> Self {
        Self { level, n, block, dealt: (CHUNK_POINTS as u64).max(n / block).min(n) }
    }

    fn blocks(&self) -> u64 {
        self.n / self.block
    }

    /// Butterflies in a step of a pass.
    fn butterflies(half: u64) -> u64 {
        half.min(CHUNK_POINTS as u64 / 2)
    }

    /// All of them, in order, by phase.
    fn phases(&self) -> Vec<Vec<Step>> {
        let starts = |length: u64| (0..self.n).step_by(length as usize);
        let mut phases = vec![
            starts(self.dealt).map(Step::Deal).collect(),
            starts(self.block).map(Step::Block).collect(),
        ];
        let mut half = self.block;
        while half < self.n {
            let of_pair = |pair| {
                let js = (0..half).step_by(Self::butterflies(half) as usize);
                js.map(move |j| Step::Butterflies { pair, half, j })
            };
            phases.push(starts(2 * half).flat_map(of_pair).collect());
            half *= 2;
        }
        phases
    }

    /// Which side a phase, counted from 0, writes to. The last one writes to the output.
    fn side_after(&self, phase: u32) -> Side {
        let left = 1 + self.blocks().ilog2() - phase;
        if left.is_multiple_of(2) { Side::Output } else { Side::Scratch }
    }
}

/// What is done of a level.
pub(super) struct Done {
    pub(super) steps: u64,
    /// Whether that is all.
    pub(super) last: bool,
    /// See [`Checkpoint::required`](super::Checkpoint::required).
    pub(super) required: bool,
}

impl<R: Read + Seek + Send> Transform<'_, R> {
    /// Makes a level, or the part's points of it, all but the first `done` steps, and tells after
    /// each what is done now.
    pub(super) fn level<P: Point, W: Read + Write + Seek + Send>(
        &mut self,
        powers: &PointRun<P>,
        level: u32,
        sides: &mut Sides<'_, W>,
        done: u64,
        reached: &mut dyn FnMut(&mut Sides<'_, W>, Done) -> io::Result<()>,
    ) -> Result<(), StepError> {
        let n = 1u64 << (level - self.part.log_parts());
        if n <= self.in_memory {
            let mut points = self.inputs(powers, level, 0, n)?;
            self.transform(&mut points, n);
            sides.write(Side::Output, 0, &points)?;
            let done = Done { steps: 1, last: true, required: false };
            return reached(sides, done).map_err(StepError::Write);
        }
        let steps = Steps::of(level, n, self.in_memory);
        let phases = steps.phases();
        let count: u64 = phases.iter().map(|phase| phase.len() as u64).sum();
        let resumable = sides.scratch.is_some();
        let done = if resumable { done.min(count) } else { 0 };
        let share = |step: u64| (u128::from(n) * u128::from(step) / u128::from(count)) as u64;
        self.progress.advance(share(done));
        let mut made = 0;
        for (number, phase) in (0..).zip(&phases) {
            let (from, to) = (steps.side_after(number.max(1) - 1), steps.side_after(number));
            for (step, left) in phase.iter().zip((0..phase.len()).rev()) {
                made += 1;
                if made <= done {
                    continue;
                }
                let units = share(made) - share(made - 1);
                self.step(powers, &steps, *step, sides, (from, to), units)?;
                let last = made == count;
                if resumable || last {
                    let now = Done { steps: made, last, required: left == 0 };
                    reached(sides, now).map_err(StepError::Write)?;
                }
            }
        }
        Ok(())
    }

    /// One step of a long level, from one side to the other.
    fn step<P: Point, W: Read + Write + Seek>(
        &mut self,
        powers: &PointRun<P>,
        steps: &Steps,
        step: Step,
        sides: &mut Sides<'_, W>,
        (from, to): (Side, Side),
        units: u64,
    ) -> Result<(), StepError> {
        match step {
            Step::Deal(start) => {
                self.deal(powers, steps, start, sides, to)?;
                self.progress.advance(units);
            }
            Step::Block(start) => {
                // The transform of a block divides by its own length; what is left of 1/n is
                // 1/blocks.
                let rest = Fr::from(steps.blocks()).inverse().unwrap_or(Fr::ONE);
                let mut points: Vec<P> = sides.read(from, start, steps.block as usize)?;
                self.transform(&mut points, units);
                mul_all(&mut points, &rest);
                sides.write(to, start, &points)?;
            }
            Step::Butterflies { pair, half, j } => {
                let omega = root_of_unity(half.ilog2() + 1)
                    .ok_or(StepError::NoDomain)?
                    .inverse()
                    .unwrap_or(Fr::ONE);
                let length = Steps::butterflies(half) as usize;
                let mut lo: Vec<P> = sides.read(from, pair + j, length)?;
                let mut hi: Vec<P> = sides.read(from, pair + half + j, length)?;
                butterflies(&mut lo, &mut hi, &geometric(&omega.pow([j]), &omega, length));
                sides.write(to, pair + j, &lo)?;
                sides.write(to, pair + half + j, &hi)?;
                self.progress.advance(units);
            }
        }
        Ok(())
    }

    /// The inverse transform in memory, which takes minutes if it is long: its progress comes to
    /// `units`.
    fn transform<P: Point>(&self, points: &mut [P], units: u64) {
        let through = points.len() as u64 * u64::from(points.len().ilog2());
        let done = AtomicU64::new(0);
        let share = |done: u64| {
            (u128::from(units) * u128::from(done)).checked_div(through.into()).unwrap_or(0) as u64
        };
        group_fft_telling(points, Direction::Inverse, &|points| {
            let before = done.fetch_add(points as u64, Relaxed);
            self.progress.advance(share(before + points as u64) - share(before));
        });
        if through == 0 {
            self.progress.advance(units);
        }
    }

    /// Deals some inputs out to the blocks.
    fn deal<P: Point, W: Read + Write + Seek>(
        &mut self,
        powers: &PointRun<P>,
        steps: &Steps,
        start: u64,
        sides: &mut Sides<'_, W>,
        to: Side,
    ) -> Result<(), StepError> {
        let blocks = steps.blocks();
        let points: Vec<P> = self.inputs(powers, steps.level, start, steps.dealt)?;
        for b in 0..blocks {
            let residue = b.reverse_bits() >> (64 - blocks.ilog2());
            let dealt: Vec<P> =
                points.iter().skip(residue as usize).step_by(blocks as usize).copied().collect();
            sides.write(to, b * steps.block + start / blocks, &dealt)?;
        }
        Ok(())
    }

    /// `count` inputs of a level's transform from `start` on: powers, or what the part folds of
    /// them, in pieces for which no more than [`Self::in_memory`] powers are read.
    fn inputs<P: Point>(
        &mut self,
        powers: &PointRun<P>,
        level: u32,
        start: u64,
        count: u64,
    ) -> Result<Vec<P>, StepError> {
        let part = self.part;
        if part == Residue::WHOLE {
            return self.powers(powers, start, count);
        }
        let parts = u64::from(part.parts());
        let (apart, piece) = ((1 << level) / parts, (self.in_memory / parts).max(1));
        let mut inputs = Vec::with_capacity(count as usize);
        for at in (start..start + count).step_by(piece as usize) {
            let length = piece.min(start + count - at);
            let mut runs = Vec::with_capacity((length * parts) as usize);
            for k in 0..parts {
                runs.extend(self.powers(powers, at + k * apart, length)?);
            }
            let mut folded = fold(runs, part).ok_or(StepError::NoDomain)?;
            twist(&mut folded, level, part, at).ok_or(StepError::NoDomain)?;
            inputs.append(&mut folded);
        }
        Ok(inputs)
    }

    /// `count` powers from `start` on, with infinity beyond the last.
    pub(super) fn powers<P: Point>(
        &mut self,
        powers: &PointRun<P>,
        start: u64,
        count: u64,
    ) -> Result<Vec<P>, StepError> {
        let there = powers.len.saturating_sub(start).min(count) as usize;
        let mut points = powers.read(self.source, self.rng, start, there)?;
        points.resize(count as usize, P::zero());
        Ok(points)
    }
}
