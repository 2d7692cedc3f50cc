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
//! Levels are made one after another (`level`), each at its place in the output. An interrupted
//! [`Preparation`] goes on from its last [`Checkpoint`].
//!
//! M machines can share the work without talking to each other: [`Preparation::begin_part`] makes
//! the points with one index modulo M (`fold`), in a file of their own, and [`combine_parts`] puts
//! M of these files together and verifies the result.

mod blame;
mod combine;
mod fold;
mod import;
pub(crate) mod level;

use std::io::{self, Read, Seek, Write};

use bn254_batch::Point;
use bn254_batch::curve::FR_TWO_ADICITY;

pub use self::combine::{CombinePartsError, WrongPart, combine_parts};
pub use self::import::{ImportError, import_lagrange};
use self::level::{Sides, Transform};
use super::error::StepError;
use super::records::{check_chain, check_minimum, check_order};
use super::{EachPart, Part, each_part};
use crate::entropy::VerifierRng;
use crate::format::bases_part::{BasesPart, PartHeader, Residue, write_part_header};
use crate::format::container::ContainerWriter;
use crate::format::encoding::{Encoding, encode};
use crate::format::points::PointRun;
use crate::format::ptau::{
    AccumulatorLayout, LagrangeLayout, Levels, PTAU, Ptau, write_contributions, write_header,
    write_levels,
};
use crate::format::scratch::ScratchFile;
use crate::hash::FileSha256;
use crate::limits::FFT_IN_MEMORY_POINTS;
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
    let levels = Levels::all(input.power());
    Preparation::begin(input, output, levels, progress)?.finish(None, &mut |_, _, _| Ok(()))?;
    Ok(())
}

/// How far a [`Preparation`] has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// Levels that are done, over all sections, in order.
    pub levels: u32,
    /// Steps of the next one that are done, if it is one of many steps.
    pub steps: u64,
    /// Whether what comes next overwrites what the work since the last checkpoint was made from: an
    /// earlier checkpoint is then no longer good.
    pub required: bool,
}

/// [`prepare`] for some levels, and one that can be interrupted.
///
/// ```
/// # use std::io::Cursor;
/// # use ceremony_core::entropy::ContributionRng;
/// # use ceremony_core::format::ptau::{Power, Ptau};
/// # use ceremony_core::phase1::contribute::{contribute, new};
/// use ceremony_core::format::ptau::Levels;
/// use ceremony_core::phase1::prepare::{Checkpoint, Preparation};
/// use ceremony_core::progress::NoProgress;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let mut start = Cursor::new(Vec::new());
/// # new(Power::new(4).ok_or("too large")?, &mut start, &NoProgress)?;
/// # let mut contributed = Cursor::new(Vec::new());
/// # let rng = ContributionRng::from_os_and_text(b"")?;
/// # contribute(&mut Ptau::open(start)?, &mut contributed, rng, None, &NoProgress)?;
/// let mut input = Ptau::open(contributed)?;
/// let (levels, mut output) = ("2..3".parse::<Levels>()?, Cursor::new(Vec::new()));
/// let mut last = Checkpoint::default();
/// Preparation::begin(&mut input, &mut output, levels, &NoProgress)?.finish(
///     None,
///     // Here a program makes `output` last, and then notes the checkpoint.
///     &mut |_output, _scratch, checkpoint| Ok(last = checkpoint),
/// )?;
/// assert_eq!(last.levels, 9);
/// assert_eq!(Ptau::open(output)?.lagrange().map(|lagrange| lagrange.levels), Some(levels));
/// # Ok(())
/// # }
/// ```
pub struct Preparation<'a, R, W> {
    input: &'a mut Ptau<R>,
    output: W,
    layout: LagrangeLayout,
    part: Residue,
    done: Checkpoint,
    in_memory: usize,
    rng: VerifierRng,
    progress: &'a dyn Progress,
}

impl<'a, R: Read + Seek + Send, W: Read + Write + Seek + Send> Preparation<'a, R, W> {
    /// Writes everything but the levels, and makes room for them.
    ///
    /// # Errors
    /// As [`prepare`], and when the powers do not reach to the levels.
    pub fn begin(
        input: &'a mut Ptau<R>,
        output: W,
        levels: Levels,
        progress: &'a dyn Progress,
    ) -> Result<Self, StepError> {
        check_input(input, levels, progress)?;
        let mut rng = VerifierRng::from_os()?;
        let all = levels == Levels::all(input.power());
        let sections = if all { 11 } else { 12 };
        let mut out = ContainerWriter::new(output, PTAU, sections).map_err(StepError::Write)?;
        copy_powers(input, &mut out, &mut rng, progress)?;
        if !all {
            write_levels(&mut out, levels).map_err(StepError::Write)?;
        }
        let mut layout = LagrangeLayout::consecutive(levels, all, 0);
        reserve(&mut out, &mut layout.tau_g1)?;
        reserve(&mut out, &mut layout.tau_g2)?;
        reserve(&mut out, &mut layout.alpha_tau_g1)?;
        reserve(&mut out, &mut layout.beta_tau_g1)?;
        let output = out.finish().map_err(StepError::Write)?;
        let (done, in_memory) = (Checkpoint::default(), FFT_IN_MEMORY_POINTS);
        let part = Residue::WHOLE;
        Ok(Self { input, output, layout, part, done, in_memory, rng, progress })
    }

    /// The same for one part of M: the output holds the part's points and nothing else.
    /// `digest` must be that of the input: by it [`combine_parts`] tells whether the parts are of
    /// one file.
    ///
    /// ```
    /// # use std::io::Cursor;
    /// # use ceremony_core::entropy::ContributionRng;
    /// # use ceremony_core::format::ptau::{Power, Ptau};
    /// # use ceremony_core::phase1::contribute::{contribute, new};
    /// use ceremony_core::format::bases_part::{BasesPart, Residue};
    /// use ceremony_core::format::bound_file::digest_file;
    /// use ceremony_core::format::ptau::Levels;
    /// use ceremony_core::phase1::prepare::{Preparation, combine_parts, prepare};
    /// use ceremony_core::progress::NoProgress;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut start = Cursor::new(Vec::new());
    /// # new(Power::new(3).ok_or("too large")?, &mut start, &NoProgress)?;
    /// # let mut contributed = Cursor::new(Vec::new());
    /// # let rng = ContributionRng::from_os_and_text(b"")?;
    /// # contribute(&mut Ptau::open(start)?, &mut contributed, rng, None, &NoProgress)?;
    /// let mut input = Ptau::open(contributed)?;
    /// let levels = Levels::all(input.power());
    /// let mut parts = Vec::new();
    /// for number in 1..=2 {
    ///     // On a machine of its own.
    ///     let part = Residue::new(number, 2).ok_or("no such part")?;
    ///     let digest = digest_file(input.source(), &NoProgress)?.sha256;
    ///     let out = Cursor::new(Vec::new());
    ///     let begun =
    ///         Preparation::begin_part(&mut input, out, levels, part, digest, &NoProgress)?;
    ///     parts.push(BasesPart::open(begun.finish(None, &mut |_, _, _| Ok(()))?)?);
    /// }
    /// let mut combined = Cursor::new(Vec::new());
    /// combine_parts(&mut input, &mut parts, &mut combined, &NoProgress)?;
    ///
    /// let mut prepared = Cursor::new(Vec::new());
    /// prepare(&mut input, &mut prepared, &NoProgress)?;
    /// assert_eq!(combined, prepared);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`check_preparation`]; when tau has a small order, and when writing fails.
    pub fn begin_part(
        input: &'a mut Ptau<R>,
        output: W,
        levels: Levels,
        part: Residue,
        digest: FileSha256,
        progress: &'a dyn Progress,
    ) -> Result<Self, StepError> {
        check_preparation(input, levels, part, progress)?;
        let mut rng = VerifierRng::from_os()?;
        // As a whole preparation does on its way; all parts would be made for nothing.
        let powers = input.accumulator().tau_g1;
        progress.begin("checking the order of tau", powers.len);
        powers.for_each_chunk(input.source(), &mut rng, 0, |start, points, _| {
            progress.advance(points.len() as u64);
            Ok::<_, StepError>(check_order(start, &points)?)
        })?;
        progress.end();
        let header = PartHeader { input: digest, power: input.power(), levels, part };
        let (output, layout) = write_part_header(output, &header).map_err(StepError::Write)?;
        let (done, in_memory) = (Checkpoint::default(), FFT_IN_MEMORY_POINTS);
        Ok(Self { input, output, layout, part, done, in_memory, rng, progress })
    }

    /// [`Self::resume`] for what [`Self::begin_part`] began.
    ///
    /// # Errors
    /// As [`Self::begin_part`], and [`StepError::OtherOutput`] for an output of another part or
    /// input.
    pub fn resume_part(
        input: &'a mut Ptau<R>,
        mut output: W,
        header: &PartHeader,
        done: Checkpoint,
        progress: &'a dyn Progress,
    ) -> Result<Self, StepError> {
        let part = header.part;
        check_preparation(input, header.levels, part, progress)?;
        let begun = BasesPart::open(&mut output).map_err(|_| StepError::OtherOutput)?;
        if begun.header() != header || header.power != input.power() {
            return Err(StepError::OtherOutput);
        }
        let (layout, rng) = (begun.layout(), VerifierRng::from_os()?);
        let in_memory = FFT_IN_MEMORY_POINTS;
        Ok(Self { input, output, layout, part, done, in_memory, rng, progress })
    }

    /// Goes on with an output that is as it was at a checkpoint, or has more of what comes after
    /// it. `input` must be the file that it was begun with: of the output only the structure and
    /// the records are looked at here.
    ///
    /// # Errors
    /// As [`prepare`], and [`StepError::OtherOutput`] for an output of other powers, records or
    /// levels.
    pub fn resume(
        input: &'a mut Ptau<R>,
        mut output: W,
        levels: Levels,
        done: Checkpoint,
        progress: &'a dyn Progress,
    ) -> Result<Self, StepError> {
        check_input(input, levels, progress)?;
        let begun = Ptau::open(&mut output).map_err(|_| StepError::OtherOutput)?;
        let layout = begun
            .lagrange()
            .filter(|layout| {
                layout.levels == levels
                    && (begun.power(), begun.ceremony_power())
                        == (input.power(), input.ceremony_power())
                    && begun.contributions() == input.contributions()
            })
            .ok_or(StepError::OtherOutput)?;
        let (part, rng) = (Residue::WHOLE, VerifierRng::from_os()?);
        let in_memory = FFT_IN_MEMORY_POINTS;
        Ok(Self { input, output, layout, part, done, in_memory, rng, progress })
    }

    /// Makes the levels. `reached` is told whenever some work is done, with the output and the
    /// scratch file: once it has made both last, the preparation can be resumed from that
    /// checkpoint, with both files. It may leave out checkpoints that are not
    /// [`required`](Checkpoint::required). Without a scratch file a level of more than
    /// [`FFT_IN_MEMORY_POINTS`] can only be made anew, and `reached` is told once it is done.
    ///
    /// # Errors
    /// As [`prepare`], and what `reached` returns.
    pub fn finish(
        mut self,
        scratch: Option<&mut ScratchFile>,
        reached: &mut Reached<'_, W>,
    ) -> Result<W, StepError> {
        let powers = self.input.accumulator();
        Bases {
            transform: Transform {
                source: self.input.source(),
                rng: &mut self.rng,
                in_memory: self.in_memory as u64,
                part: self.part,
                progress: self.progress,
            },
            sides: Sides { at: 0, output: &mut self.output, scratch },
            levels: self.layout.levels,
            done: self.done,
            number: 0,
            reached,
        }
        .make(&self.layout, &powers)?;
        self.output.flush().map_err(StepError::Write)?;
        Ok(self.output)
    }
}

/// What is told of a preparation on its way: output, scratch file, and how far it has come.
pub type Reached<'a, W> =
    dyn FnMut(&mut W, Option<&mut ScratchFile>, Checkpoint) -> io::Result<()> + 'a;

/// Makes these levels alone, in a file of their own. The input is checked as by [`prepare`].
pub(crate) fn levels_beside<R: Read + Seek + Send>(
    input: &mut Ptau<R>,
    mut output: &mut ScratchFile,
    levels: Levels,
    progress: &dyn Progress,
) -> Result<LagrangeLayout, StepError> {
    check_input(input, levels, progress)?;
    let (powers, layout) = (input.accumulator(), LagrangeLayout::consecutive(levels, false, 0));
    Bases {
        transform: Transform {
            source: input.source(),
            rng: &mut VerifierRng::from_os()?,
            in_memory: FFT_IN_MEMORY_POINTS as u64,
            part: Residue::WHOLE,
            progress,
        },
        sides: Sides { at: 0, output: &mut output, scratch: None },
        levels,
        done: Checkpoint::default(),
        number: 0,
        reached: &mut |_, _, _| Ok(()),
    }
    .make(&layout, &powers)?;
    Ok(layout)
}

/// What can be said against a preparation, or a part of one, before a point is read.
///
/// # Errors
/// [`StepError`]: levels that the powers do not reach to, or of fewer points than there are parts;
/// a chain in which nobody contributed, or that fails its checks.
pub fn check_preparation<R: Read + Seek + Send>(
    input: &Ptau<R>,
    levels: Levels,
    part: Residue,
    progress: &dyn Progress,
) -> Result<(), StepError> {
    if part.levels_of(levels).is_none() {
        return Err(StepError::TooManyParts { found: part.parts(), level: levels.last() });
    }
    check_input(input, levels, progress)
}

fn check_input<R: Read + Seek + Send>(
    input: &Ptau<R>,
    levels: Levels,
    progress: &dyn Progress,
) -> Result<(), StepError> {
    if levels.last() > input.power().exponent() {
        return Err(StepError::Levels { found: levels, expected: input.power() });
    }
    if levels.last() == FR_TWO_ADICITY {
        return Err(StepError::NoDomain);
    }
    check_minimum(input.contributions(), 1)?;
    Ok(check_chain(input.contributions(), input.ceremony_power(), progress)?)
}

/// The levels of all sections, one after another.
struct Bases<'a, 'r, R, W> {
    transform: Transform<'a, R>,
    sides: Sides<'a, W>,
    /// As the output has them: in a part, a level of M points is one of one point.
    levels: Levels,
    done: Checkpoint,
    /// Of the level that is made.
    number: u32,
    reached: &'a mut Reached<'r, W>,
}

impl<R: Read + Seek + Send, W: Read + Write + Seek + Send> Bases<'_, '_, R, W> {
    fn make(
        &mut self,
        layout: &LagrangeLayout,
        powers: &AccumulatorLayout,
    ) -> Result<(), StepError> {
        self.section(&layout.tau_g1, &powers.tau_g1)?;
        self.section(&layout.tau_g2, &powers.tau_g2)?;
        self.section(&layout.alpha_tau_g1, &powers.alpha_tau_g1)?;
        self.section(&layout.beta_tau_g1, &powers.beta_tau_g1)?;
        // A checkpoint of more levels than there are is of something else.
        if self.done.levels > self.number { Err(StepError::OtherOutput) } else { Ok(()) }
    }

    fn section<P: Point>(
        &mut self,
        to: &PointRun<P>,
        powers: &PointRun<P>,
    ) -> Result<(), StepError> {
        let Self { transform, sides, levels, done, number, reached } = self;
        transform.progress.begin(&format!("preparing section {}", to.section), to.len);
        for level in levels.first().. {
            let start = levels.start_of(level);
            if start == to.len {
                break;
            }
            if *number < done.levels {
                transform.progress.advance(1 << level);
            } else {
                let steps = if *number == done.levels { done.steps } else { 0 };
                sides.at = to.offset + start * P::UNCOMPRESSED_BYTES as u64;
                let level = level + transform.part.log_parts();
                transform.level(powers, level, sides, steps, &mut |sides, progress| {
                    let levels = *number + u32::from(progress.last);
                    let steps = if progress.last { 0 } else { progress.steps };
                    let checkpoint = Checkpoint { levels, steps, required: progress.required };
                    reached(sides.output, sides.scratch.as_deref_mut(), checkpoint)
                })?;
            }
            *number += 1;
        }
        transform.progress.end();
        Ok(())
    }
}

/// Sections 1 to 7, with all membership checks.
fn copy_powers<R: Read + Seek + Send, W: Write + Seek + Send>(
    input: &mut Ptau<R>,
    out: &mut ContainerWriter<W>,
    rng: &mut VerifierRng,
    progress: &dyn Progress,
) -> Result<(), StepError> {
    write_header(out, input.power(), input.ceremony_power()).map_err(StepError::Write)?;
    let (layout, records) = (input.accumulator(), input.contributions().to_vec());
    progress.begin("copying powers", layout.points());
    each_part(&layout, &mut Copying { source: input.source(), out, rng, progress })?;
    progress.end();
    write_contributions(out, &records).map_err(StepError::Write)
}

struct Copying<'a, R, W> {
    source: &'a mut R,
    out: &'a mut ContainerWriter<W>,
    rng: &'a mut VerifierRng,
    progress: &'a dyn Progress,
}

impl<R: Read + Seek + Send, W: Write + Seek + Send> EachPart for Copying<'_, R, W> {
    type Error = StepError;

    fn part<P: Point>(&mut self, part: Part, run: &PointRun<P>) -> Result<(), StepError> {
        let Self { source, out, rng, progress } = self;
        out.begin(run.section).map_err(StepError::Write)?;
        run.for_each_chunk(*source, rng, 0, |start, points, _| {
            if let (Part::TauG1, Some(powers)) = (part, P::as_g1(&points)) {
                check_order(start, powers)?;
            }
            out.write(&encode(&points, Encoding::Montgomery)).map_err(StepError::Write)?;
            progress.advance(points.len() as u64);
            Ok::<_, StepError>(())
        })?;
        out.end().map_err(StepError::Write)?;
        Ok(())
    }
}

/// Begins and ends a section whose points are written later.
fn reserve<W: Write + Seek, P: Point>(
    out: &mut ContainerWriter<W>,
    run: &mut PointRun<P>,
) -> Result<(), StepError> {
    run.offset = out.skip(run.section, run.bytes()).map_err(StepError::Write)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, SeekFrom};

    use super::*;
    use crate::entropy::ContributionRng;
    use crate::format::ptau::Power;
    use crate::phase1::contribute::{contribute, new};
    use crate::progress::NoProgress;

    type File = Cursor<Vec<u8>>;

    fn contributed(power: u32) -> Ptau<File> {
        let mut fresh = Cursor::new(Vec::new());
        new(Power::new(power).unwrap(), &mut fresh, &NoProgress).unwrap();
        let mut contributed = Cursor::new(Vec::new());
        let rng = ContributionRng::from_os_and_text(b"").unwrap();
        contribute(&mut Ptau::open(fresh).unwrap(), &mut contributed, rng, None, &NoProgress)
            .unwrap();
        Ptau::open(contributed).unwrap()
    }

    fn begin(input: &mut Ptau<File>, in_memory: usize) -> Preparation<'_, File, File> {
        let (levels, out) = (Levels::all(input.power()), Cursor::new(Vec::new()));
        let begun = Preparation::begin(input, out, levels, &NoProgress).unwrap();
        Preparation { in_memory, ..begun }
    }

    #[test]
    fn a_level_through_the_file_equals_one_in_memory() {
        let mut input = contributed(4);
        let mut prepared = |in_memory, scratch: Option<&mut ScratchFile>| {
            let begun = begin(&mut input, in_memory);
            begun.finish(scratch, &mut |_, _, _| Ok(())).unwrap().into_inner()
        };
        let whole = prepared(1 << 10, None);
        for in_memory in [1, 2, 4, 16] {
            assert!(prepared(in_memory, None) == whole, "{in_memory} points in memory");
            let mut scratch = Cursor::new(Vec::new());
            assert!(prepared(in_memory, Some(&mut scratch)) == whole, "{in_memory} and a file");
        }
    }

    /// The files as they are whenever something is told, and what is told.
    fn moments(input: &mut Ptau<File>, in_memory: usize) -> Vec<(Checkpoint, File, File)> {
        let mut moments = Vec::new();
        let mut scratch = Cursor::new(Vec::new());
        begin(input, in_memory)
            .finish(Some(&mut scratch), &mut |output, scratch, checkpoint| {
                let (scratch, mut copy) = (scratch.unwrap(), Vec::new());
                scratch.seek(SeekFrom::Start(0))?;
                scratch.read_to_end(&mut copy)?;
                moments.push((checkpoint, output.clone(), Cursor::new(copy)));
                Ok(())
            })
            .unwrap();
        moments
    }

    #[test]
    fn from_every_moment_on_a_preparation_goes_on_from_the_last_checkpoint_that_it_needs() {
        let mut input = contributed(3);
        let levels = Levels::all(input.power());
        for in_memory in [2, 4] {
            let moments = moments(&mut input, in_memory);
            let whole = moments.last().unwrap().1.get_ref().clone();
            let (mut kept, mut resumed) = (Checkpoint::default(), 0);
            for (checkpoint, output, scratch) in moments {
                if checkpoint.required {
                    kept = checkpoint;
                }
                // From the last one that had to be kept, and from the newest.
                for from in [kept, checkpoint] {
                    let (output, mut scratch) = (output.clone(), scratch.clone());
                    let resume = Preparation::resume(&mut input, output, levels, from, &NoProgress);
                    let resume = Preparation { in_memory, ..resume.unwrap() };
                    let mut told = 0;
                    let out = resume
                        .finish(Some(&mut scratch), &mut |_, _, checkpoint| {
                            told += 1;
                            assert!(
                                (checkpoint.levels, checkpoint.steps) > (from.levels, from.steps)
                            );
                            Ok(())
                        })
                        .unwrap();
                    assert!(*out.get_ref() == whole, "{in_memory} {from:?} {checkpoint:?}");
                    resumed += told;
                }
            }
            assert!(resumed > 100, "{resumed}");
        }
    }

    #[test]
    fn an_output_of_other_powers_records_or_levels_is_not_gone_on_with() {
        let (mut input, mut other) = (contributed(3), contributed(3));
        let all = Levels::all(input.power());
        let output = begin(&mut input, 8).output;
        let refused = |input: &mut Ptau<File>, output: File, levels| {
            let done = Checkpoint::default();
            let error = Preparation::resume(input, output, levels, done, &NoProgress).err();
            assert!(matches!(error, Some(StepError::OtherOutput)), "{error:?}");
        };
        refused(&mut other, output.clone(), all);
        refused(&mut contributed(4), output.clone(), Levels::all(Power::new(4).unwrap()));
        refused(&mut input, output.clone(), Levels::new(1, 3).unwrap());
        let mut cut = output.clone().into_inner();
        cut.pop();
        refused(&mut input, Cursor::new(cut), all);
        assert!(
            Preparation::resume(&mut input, output, all, Checkpoint::default(), &NoProgress)
                .is_ok()
        );
    }

    #[test]
    fn what_cannot_be_kept_ends_the_preparation() {
        let mut input = contributed(2);
        let full = || Err(io::ErrorKind::StorageFull.into());
        let error = begin(&mut input, 8).finish(None, &mut |_, _, _| full()).unwrap_err();
        assert!(matches!(error, StepError::Write(_)), "{error}");
    }
}
