//! The parts of a preparation, put together into the prepared file.
//!
//! Parts are believed in nothing. What they say of themselves serves to tell early, and by name,
//! which of them do not belong together; then the points are checked one by one, and the file that
//! they make with checks 1 to 8 of [`verify`](crate::phase1::verify), of which check 7 shows that
//! every level is the basis of these powers. So who made a part does not matter, and it needs no
//! signature.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Seek, SeekFrom, Write};

use bn254_batch::{Direction, Point, group_fft};

use super::blame::wrong_parts;
use super::level::Transform;
use super::{check_input, copy_powers};
use crate::entropy::VerifierRng;
use crate::explain::{Explain, Finding};
use crate::format::FormatError;
use crate::format::bases_part::{BasesPart, PartHeader, Residue};
use crate::format::bound_file::digest_file;
use crate::format::container::ContainerWriter;
use crate::format::encoding::{Encoding, encode};
use crate::format::points::PointRun;
use crate::format::ptau::{LagrangeLayout, Levels, PTAU, Ptau, write_levels};
use crate::hash::FileSha256;
use crate::limits::FFT_IN_MEMORY_POINTS;
use crate::phase1::error::{StepError, VerifyError};
use crate::phase1::records::check_minimum;
use crate::phase1::report::Check;
use crate::phase1::verify::check_points;
use crate::progress::Progress;

/// Why parts make no prepared file. A part is named by its index among those that were given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CombinePartsError {
    /// The file with the powers is not fit for it, or the output cannot be written.
    #[error(transparent)]
    Step(#[from] StepError),
    /// Parts are not there.
    #[error("{}, so nothing is combined", Missing(.missing, *.of))]
    Missing {
        /// Their numbers, at least one.
        missing: Vec<u32>,
        /// How many parts there should be.
        of: u32,
    },
    /// A part is there twice.
    #[error("{part} is given twice")]
    Twice {
        /// The part.
        part: Residue,
        /// The two.
        indices: [usize; 2],
    },
    /// A part that does not belong to most of the others.
    #[error("the parts differ in {what}: found {found}, expected {expected}")]
    Differs {
        /// The other part.
        index: usize,
        /// By what that is told.
        what: &'static str,
        /// Its value.
        found: String,
        /// That of most parts.
        expected: String,
    },
    /// Check 7 failed, and no part is at fault as it is read now.
    #[error(
        "the prepared file is wrong and no part is found at fault: parts changed while they were \
         combined, or this machine computes wrongly ({0})"
    )]
    NoPartAtFault(#[source] VerifyError),
    /// Parts of another file than the one with the powers.
    #[error("the parts are of another file: found parts of {found}, expected {expected}")]
    OtherInput {
        /// What they say.
        found: FileSha256,
        /// SHA-256 of the file with the powers.
        expected: FileSha256,
    },
    /// A part cannot be read, or has bytes that are no point of the group.
    #[error("{part}: {error}")]
    Part {
        /// The part.
        part: Residue,
        /// Its index.
        index: usize,
        /// What is wrong.
        error: FormatError,
    },
    /// Points that are not those of the powers, and the parts that they are in.
    #[error(
        "the points are not the Lagrange basis of the powers (phase 1, check 7): found others in \
         {}, expected that basis in every part",
        list(.0)
    )]
    Wrong(Vec<WrongPart>),
    /// The file that was made fails a check, and no part is at fault: its powers are none.
    #[error(transparent)]
    Check(VerifyError),
}

/// A part that is not what the powers make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongPart {
    /// The part.
    pub part: Residue,
    /// Its index among those that were given.
    pub index: usize,
    /// The first section and level that are wrong.
    pub place: String,
}

impl fmt::Display for WrongPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.part, self.place)
    }
}

struct Missing<'a>(&'a [u32], u32);

impl fmt::Display for Missing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self([one], of) => write!(f, "part {one} of {of} is missing"),
            Self(many, of) => {
                let many: Vec<String> = many.iter().map(u32::to_string).collect();
                write!(f, "parts {} of {of} are missing", many.join(", "))
            }
        }
    }
}

fn list(wrong: &[WrongPart]) -> String {
    wrong.iter().map(WrongPart::to_string).collect::<Vec<_>>().join("; ")
}

impl Explain for CombinePartsError {
    fn explain(&self) -> Finding {
        match self {
            Self::Step(error) => error.explain(),
            Self::Missing { .. } => Finding::environment("ptau-combine-parts/missing", self),
            Self::Twice { .. } => Finding::new("ptau-combine-parts/twice", self),
            Self::Differs { found, expected, .. } => {
                Finding::compared("ptau-combine-parts/differs", self, found, expected)
            }
            Self::NoPartAtFault(_) => {
                Finding::environment("ptau-combine-parts/no-part-at-fault", self)
            }
            Self::OtherInput { found, expected } => Finding::compared(
                "ptau-combine-parts/other-input",
                self,
                format_args!("parts of {found}"),
                expected,
            ),
            Self::Part { part, error, .. } => error.explain().inside(part),
            Self::Wrong(wrong) => Finding::compared(
                "ptau-combine-parts/wrong",
                self,
                format_args!("others in {}", list(wrong)),
                "that basis in every part",
            ),
            Self::Check(error) => error.explain(),
        }
    }
}

/// Writes `input` with the Lagrange sections of its parts, which may be given in any order, and
/// verifies the result: checks 1 to 8. It is, byte for byte, what
/// [`Preparation`](super::Preparation) writes. Returns its levels.
///
/// Levels of fewer points than there are parts are computed here. [`Preparation::begin_part`]
/// has an example.
///
/// [`Preparation::begin_part`]: super::Preparation::begin_part
///
/// # Errors
/// [`CombinePartsError`]; `output` is then to be thrown away.
pub fn combine_parts<R, S, W>(
    input: &mut Ptau<R>,
    parts: &mut [BasesPart<S>],
    output: W,
    progress: &dyn Progress,
) -> Result<Levels, CombinePartsError>
where
    R: Read + Seek + Send,
    S: Read + Seek + Send,
    W: Read + Write + Seek + Send,
{
    combine_in_pieces(input, parts, output, FFT_IN_MEMORY_POINTS as u64 / 4, progress)
}

/// The same, with so many points of a level in memory at a time.
pub(super) fn combine_in_pieces<R, S, W>(
    input: &mut Ptau<R>,
    parts: &mut [BasesPart<S>],
    mut output: W,
    in_memory: u64,
    progress: &dyn Progress,
) -> Result<Levels, CombinePartsError>
where
    R: Read + Seek + Send,
    S: Read + Seek + Send,
    W: Read + Write + Seek + Send,
{
    let headers: Vec<PartHeader> = parts.iter().map(|part| *part.header()).collect();
    let (first, order) = in_order(&headers)?;
    let levels = first.levels;
    if first.power != input.power() {
        return Err(differs(0, "the power of their file", first.power, input.power()));
    }
    check_input(input, levels, progress)?;
    let digests =
        digest_file(input.source(), progress).map_err(|e| StepError::from(FormatError::from(e)))?;
    if first.input != digests.sha256 {
        let (found, expected) = (first.input, digests.sha256);
        return Err(CombinePartsError::OtherInput { found, expected });
    }

    let mut rng = VerifierRng::from_os().map_err(StepError::from)?;
    let all = levels == Levels::all(input.power());
    let sections = if all { 11 } else { 12 };
    let mut out = ContainerWriter::new(&mut output, PTAU, sections).map_err(StepError::Write)?;
    copy_powers(input, &mut out, &mut rng, progress)?;
    if !all {
        write_levels(&mut out, levels).map_err(StepError::Write)?;
    }
    let (powers, to) = (input.accumulator(), LagrangeLayout::consecutive(levels, all, 0));
    progress.begin("putting the parts together", to.points());
    let mut together = Together {
        transform: Transform {
            source: input.source(),
            rng: &mut rng,
            in_memory,
            part: Residue::WHOLE,
            progress,
        },
        levels,
        of: first.part,
        order: &order,
        parts,
        out: &mut out,
    };
    together.section(&powers.tau_g1, &to.tau_g1, |part| part.tau_g1)?;
    together.section(&powers.tau_g2, &to.tau_g2, |part| part.tau_g2)?;
    together.section(&powers.alpha_tau_g1, &to.alpha_tau_g1, |part| part.alpha_tau_g1)?;
    together.section(&powers.beta_tau_g1, &to.beta_tau_g1, |part| part.beta_tau_g1)?;
    progress.end();
    out.finish().map_err(StepError::Write)?;

    output.seek(SeekFrom::Start(0)).map_err(StepError::Write)?;
    let mut written = Ptau::open(output).map_err(|e| CombinePartsError::Check(e.into()))?;
    let last = check_minimum(written.contributions(), 1).map_err(StepError::from)?.clone();
    match check_points(&mut written, &last, 0, progress) {
        Ok(()) => Ok(levels),
        Err(error) => Err(whose_fault(&mut written, parts, &order, error, progress)),
    }
}

/// Whether the parts belong together, and are all there, each once: what they say, and their
/// indices in the order of their numbers.
fn in_order(headers: &[PartHeader]) -> Result<(PartHeader, Vec<usize>), CombinePartsError> {
    let missing = |missing, of| Err(CombinePartsError::Missing { missing, of });
    // What most parts say, so that the odd one is named.
    let common =
        |header: &PartHeader| (header.part.parts(), header.levels, header.input, header.power);
    let alike = |header: &&PartHeader| {
        headers.iter().filter(|other| common(other) == common(header)).count()
    };
    let Some(first) = headers.iter().rev().max_by_key(alike) else { return missing(vec![1], 1) };
    let mut found: BTreeMap<Residue, usize> = BTreeMap::new();
    for (index, header) in headers.iter().enumerate() {
        let PartHeader { input, power, levels, part } = header;
        let of = first.part.parts();
        if part.parts() != of {
            return Err(differs(index, "how many there are", part.parts(), of));
        }
        if *levels != first.levels {
            return Err(differs(index, "their levels", levels, first.levels));
        }
        if *input != first.input {
            return Err(differs(index, "the SHA-256 of their file", input, first.input));
        }
        if *power != first.power {
            return Err(differs(index, "the power of their file", power, first.power));
        }
        if let Some(other) = found.insert(*part, index) {
            return Err(CombinePartsError::Twice { part: *part, indices: [other, index] });
        }
    }
    let of = first.part.parts();
    let is_missing =
        |number: &u32| Residue::new(*number, of).is_none_or(|part| !found.contains_key(&part));
    let not_there: Vec<u32> = (1..=of).filter(is_missing).collect();
    if !not_there.is_empty() {
        return missing(not_there, of);
    }
    Ok((*first, found.into_values().collect()))
}

fn differs(
    index: usize,
    what: &'static str,
    found: impl fmt::Display,
    expected: impl fmt::Display,
) -> CombinePartsError {
    let (found, expected) = (found.to_string(), expected.to_string());
    CombinePartsError::Differs { index, what, found, expected }
}

/// Where check 7 failed, the parts that are at fault.
fn whose_fault<R: Read + Seek + Send, S: Read + Seek + Send>(
    written: &mut Ptau<R>,
    parts: &mut [BasesPart<S>],
    order: &[usize],
    error: VerifyError,
    progress: &dyn Progress,
) -> CombinePartsError {
    if !matches!(&error, VerifyError::Failed(failure) if failure.check == Check::Lagrange) {
        return CombinePartsError::Check(error);
    }
    match wrong_parts(written, parts, order, progress) {
        Ok(wrong) if !wrong.is_empty() => CombinePartsError::Wrong(wrong),
        Ok(_) | Err(_) => CombinePartsError::NoPartAtFault(error),
    }
}

/// Puts sections together, level by level.
struct Together<'a, R, S, W> {
    /// For the levels that are in no part.
    transform: Transform<'a, R>,
    levels: Levels,
    /// Any of the parts, for their number.
    of: Residue,
    order: &'a [usize],
    parts: &'a mut [BasesPart<S>],
    out: &'a mut ContainerWriter<W>,
}

impl<R: Read + Seek + Send, S: Read + Seek + Send, W: Write + Seek> Together<'_, R, S, W> {
    fn section<P: Point>(
        &mut self,
        powers: &PointRun<P>,
        to: &PointRun<P>,
        of_part: impl Fn(&LagrangeLayout) -> PointRun<P>,
    ) -> Result<(), CombinePartsError> {
        self.out.begin(to.section).map_err(StepError::Write)?;
        for level in self.levels.first().. {
            if self.levels.start_of(level) == to.len {
                break;
            }
            match level.checked_sub(self.of.log_parts()) {
                Some(of_parts) => self.interleave(of_parts, &of_part)?,
                None => {
                    let mut points: Vec<P> = self.transform.powers(powers, 0, 1 << level)?;
                    group_fft(&mut points, Direction::Inverse);
                    self.write(&encode(&points, Encoding::Montgomery), points.len() as u64)?;
                }
            }
        }
        self.out.end().map_err(StepError::Write)?;
        Ok(())
    }

    /// A level that has 2^`level` points in each part.
    fn interleave<P: Point>(
        &mut self,
        level: u32,
        of_part: &impl Fn(&LagrangeLayout) -> PointRun<P>,
    ) -> Result<(), CombinePartsError> {
        let (size, parts) = (Encoding::Montgomery.point_bytes::<P>(), self.of.parts() as usize);
        let piece = (self.transform.in_memory / parts as u64).max(1);
        for at in (0..1 << level).step_by(piece as usize) {
            let count = piece.min((1 << level) - at) as usize;
            let mut level_bytes = vec![0; count * parts * size];
            for (residue, index) in self.order.iter().enumerate() {
                let part = &mut self.parts[*index];
                let (header, layout) = (*part.header(), part.layout());
                let run = of_part(&layout);
                let start = layout.levels.start_of(level) + at;
                let bytes = run
                    .read_bytes(part.source(), start, count)
                    .map_err(FormatError::from)
                    .and_then(|bytes| run.points(&bytes, self.transform.rng, start).map(|_| bytes))
                    .map_err(|error| CombinePartsError::Part {
                        part: header.part,
                        index: *index,
                        error,
                    })?;
                let places = level_bytes[residue * size..].chunks_mut(parts * size);
                for (place, point) in places.zip(bytes.chunks_exact(size)) {
                    place[..size].copy_from_slice(point);
                }
            }
            self.write(&level_bytes, (count * parts) as u64)?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8], points: u64) -> Result<(), StepError> {
        self.out.write(bytes).map_err(StepError::Write)?;
        self.transform.progress.advance(points);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::entropy::ContributionRng;
    use crate::format::ptau::Power;
    use crate::format::scratch::ScratchFile;
    use crate::phase1::contribute::{contribute, new};
    use crate::phase1::prepare::{Checkpoint, Preparation, prepare};
    use crate::progress::NoProgress;

    type File = Cursor<Vec<u8>>;

    fn contributed(power: u32) -> Ptau<File> {
        let [mut fresh, mut contributed] = [(); 2].map(|()| Cursor::new(Vec::new()));
        new(Power::new(power).unwrap(), &mut fresh, &NoProgress).unwrap();
        let rng = ContributionRng::from_os_and_text(b"").unwrap();
        contribute(&mut Ptau::open(fresh).unwrap(), &mut contributed, rng, None, &NoProgress)
            .unwrap();
        Ptau::open(contributed).unwrap()
    }

    fn begin(
        input: &mut Ptau<File>,
        part: Residue,
        in_memory: usize,
    ) -> Preparation<'_, File, File> {
        let (levels, out) = (Levels::all(input.power()), Cursor::new(Vec::new()));
        let digest = digest_file(input.source(), &NoProgress).unwrap().sha256;
        let begun = Preparation::begin_part(input, out, levels, part, digest, &NoProgress).unwrap();
        Preparation { in_memory, ..begun }
    }

    fn made(
        input: &mut Ptau<File>,
        part: Residue,
        in_memory: usize,
        scratch: Option<&mut ScratchFile>,
    ) -> Vec<u8> {
        let begun = begin(input, part, in_memory);
        begun.finish(scratch, &mut |_, _, _| Ok(())).unwrap().into_inner()
    }

    #[test]
    fn parts_through_files_and_put_together_in_pieces_are_the_prepared_file() {
        let mut input = contributed(5);
        let mut whole = Cursor::new(Vec::new());
        prepare(&mut input, &mut whole, &NoProgress).unwrap();
        for parts in [1, 4] {
            let number = |number| Residue::new(number, parts).unwrap();
            let mut kept = Vec::new();
            for part in (1..=parts).map(number) {
                let expected = made(&mut input, part, 1 << 10, None);
                // Levels of 2^6 / M points: of one, two or many blocks, and the folds in pieces.
                for in_memory in [2, 4, 16] {
                    let alone = made(&mut input, part, in_memory, None);
                    assert!(alone == expected, "{part}, {in_memory} points in memory");
                    let mut scratch = Cursor::new(Vec::new());
                    let with_file = made(&mut input, part, in_memory, Some(&mut scratch));
                    assert!(with_file == expected, "{part}, {in_memory} points and a file");
                }
                kept.push(expected);
            }
            for in_memory in [1, 8, 1 << 10] {
                let open = |bytes: &Vec<u8>| BasesPart::open(Cursor::new(bytes.clone())).unwrap();
                let mut parts: Vec<_> = kept.iter().map(open).collect();
                let mut out = Cursor::new(Vec::new());
                combine_in_pieces(&mut input, &mut parts, &mut out, in_memory, &NoProgress)
                    .unwrap();
                assert!(out == whole, "{in_memory} points in memory");
            }
        }
    }

    #[test]
    fn a_part_goes_on_from_every_moment() {
        let mut input = contributed(4);
        let part = Residue::new(3, 4).unwrap();
        let whole = made(&mut input, part, 2, None);
        let header = *BasesPart::open(Cursor::new(whole.clone())).unwrap().header();
        let mut moments = Vec::new();
        let mut scratch = Cursor::new(Vec::new());
        begin(&mut input, part, 2)
            .finish(Some(&mut scratch), &mut |output, scratch, checkpoint| {
                let (scratch, mut copy) = (scratch.unwrap(), Vec::new());
                scratch.seek(SeekFrom::Start(0))?;
                scratch.read_to_end(&mut copy)?;
                moments.push((checkpoint, output.clone(), Cursor::new(copy)));
                Ok(())
            })
            .unwrap();
        assert!(moments.len() > 30, "{}", moments.len());
        for (checkpoint, output, mut scratch) in moments {
            let resumed =
                Preparation::resume_part(&mut input, output, &header, checkpoint, &NoProgress);
            let resumed = Preparation { in_memory: 2, ..resumed.unwrap() };
            let out = resumed.finish(Some(&mut scratch), &mut |_, _, _| Ok(())).unwrap();
            assert!(*out.get_ref() == whole, "{checkpoint:?}");
        }
    }

    #[test]
    fn an_output_of_another_part_is_not_gone_on_with() {
        let mut input = contributed(3);
        let part = |number| Residue::new(number, 4).unwrap();
        let output = begin(&mut input, part(2), 8).output;
        let header = *BasesPart::open(output.clone()).unwrap().header();
        let resumed = |input: &mut Ptau<File>, output: File, header: &PartHeader| {
            let done = Checkpoint::default();
            Preparation::resume_part(input, output, header, done, &NoProgress).err()
        };
        assert!(resumed(&mut input, output.clone(), &header).is_none());
        let mut cut = output.clone().into_inner();
        cut.pop();
        let headers = [
            (output.clone(), PartHeader { part: part(3), ..header }),
            (output.clone(), PartHeader { part: Residue::new(2, 8).unwrap(), ..header }),
            (output.clone(), PartHeader { levels: Levels::new(2, 3).unwrap(), ..header }),
            (output.clone(), PartHeader { input: FileSha256([1; 32]), ..header }),
            (Cursor::new(cut), header),
        ];
        for (output, header) in headers {
            let error = resumed(&mut input, output, &header);
            assert!(matches!(error, Some(StepError::OtherOutput)), "{error:?}");
        }
        let error = resumed(&mut contributed(4), output, &header);
        assert!(matches!(error, Some(StepError::OtherOutput)), "{error:?}");
    }
}
