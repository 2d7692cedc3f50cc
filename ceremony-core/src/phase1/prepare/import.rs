//! Lagrange sections computed by someone else.

use std::io::{Read, Seek, SeekFrom, Write};

use bn254_batch::Point;

use super::{check_input, copy_powers};
use crate::entropy::VerifierRng;
use crate::explain::{Explain, Finding};
use crate::format::FormatError;
use crate::format::bound_file::each_chunk;
use crate::format::container::ContainerWriter;
use crate::format::points::PointRun;
use crate::format::ptau::{LagrangeLayout, PTAU, Power, Ptau, write_levels};
use crate::phase1::error::{StepError, VerifyError};
use crate::phase1::records::check_minimum;
use crate::phase1::verify::check_points;
use crate::progress::{NoProgress, Progress};

/// Why no Lagrange sections were taken over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file with the powers is not fit for it, or the output cannot be written.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The file with the Lagrange sections cannot be read.
    #[error(transparent)]
    Other(FormatError),
    /// It has none.
    #[error(
        "no Lagrange bases to take: found a file without Lagrange bases, expected sections 12 to 15"
    )]
    NotPrepared,
    /// It is of another power, so that its last level differs even where the powers are the same.
    #[error("the Lagrange bases are of another power: found {found}, expected {expected}")]
    OtherPower {
        /// Of the file with the Lagrange sections.
        found: Power,
        /// Of the file with the powers.
        expected: Power,
    },
    /// The two together fail a check: powers that are none, or a level that is not theirs.
    #[error(transparent)]
    Check(VerifyError),
}

impl Explain for ImportError {
    fn explain(&self) -> Finding {
        match self {
            Self::Step(error) => error.explain(),
            Self::Other(error) => error.explain(),
            Self::NotPrepared => Finding::compared(
                "ptau-import/not-prepared",
                self,
                "a file without Lagrange bases",
                "sections 12 to 15",
            ),
            Self::OtherPower { found, expected } => {
                Finding::compared("ptau-import/other-power", self, found, expected)
            }
            Self::Check(error) => error.explain(),
        }
    }
}

/// Writes `input` with the Lagrange sections of `other`, and verifies the result: checks 1 to 8,
/// of which check 7 shows that every level is the basis of these powers. That costs a fraction of
/// computing them. Nothing else of `other` is used. A truncated file stays marked as one, and has
/// no digest that is known.
///
/// ```
/// # use std::io::Cursor;
/// # use ceremony_core::entropy::ContributionRng;
/// # use ceremony_core::format::ptau::{Power, Ptau};
/// # use ceremony_core::phase1::contribute::{contribute, new};
/// use ceremony_core::phase1::prepare::{import_lagrange, prepare};
/// use ceremony_core::progress::NoProgress;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let mut start = Cursor::new(Vec::new());
/// # new(Power::new(3).ok_or("too large")?, &mut start, &NoProgress)?;
/// # let mut contributed = Cursor::new(Vec::new());
/// # let rng = ContributionRng::from_os_and_text(b"")?;
/// # contribute(&mut Ptau::open(start)?, &mut contributed, rng, None, &NoProgress)?;
/// let mut input = Ptau::open(contributed)?;
/// // Someone with a larger machine does this.
/// let mut theirs = Cursor::new(Vec::new());
/// prepare(&mut input, &mut theirs, &NoProgress)?;
///
/// let mut ours = Cursor::new(Vec::new());
/// import_lagrange(&mut input, &mut Ptau::open(theirs.clone())?, &mut ours, &NoProgress)?;
/// assert_eq!(ours, theirs);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ImportError`]; `output` is then to be thrown away.
pub fn import_lagrange<R, O, W>(
    input: &mut Ptau<R>,
    other: &mut Ptau<O>,
    mut output: W,
    progress: &dyn Progress,
) -> Result<(), ImportError>
where
    R: Read + Seek + Send,
    O: Read + Seek + Send,
    W: Read + Write + Seek + Send,
{
    let layout = other.lagrange().ok_or(ImportError::NotPrepared)?;
    if other.power() != input.power() {
        let (found, expected) = (other.power(), input.power());
        return Err(ImportError::OtherPower { found, expected });
    }
    check_input(input, layout.levels, progress)?;
    let mut rng = VerifierRng::from_os().map_err(StepError::from)?;
    let LagrangeLayout { levels, tau_g1, tau_g2, alpha_tau_g1, beta_tau_g1 } = layout;
    // As the other file has them: some levels may also be all there are.
    let all = tau_g1.section == LagrangeLayout::consecutive(levels, true, 0).tau_g1.section;
    let mut out = ContainerWriter::new(&mut output, PTAU, if all { 11 } else { 12 })
        .map_err(StepError::Write)?;
    copy_powers(input, &mut out, &mut rng, progress)?;
    if !all {
        write_levels(&mut out, levels).map_err(StepError::Write)?;
    }
    progress.begin("copying Lagrange bases", bytes_of(&layout));
    copy_section(&tau_g1, other.source(), &mut out, progress)?;
    copy_section(&tau_g2, other.source(), &mut out, progress)?;
    copy_section(&alpha_tau_g1, other.source(), &mut out, progress)?;
    copy_section(&beta_tau_g1, other.source(), &mut out, progress)?;
    progress.end();
    out.finish().map_err(StepError::Write)?;

    output.seek(SeekFrom::Start(0)).map_err(StepError::Write)?;
    let mut written = Ptau::open(output).map_err(|e| ImportError::Check(e.into()))?;
    let last = check_minimum(written.contributions(), 1).map_err(StepError::from)?.clone();
    check_points(&mut written, &last, 0, progress).map_err(ImportError::Check)
}

fn bytes_of(layout: &LagrangeLayout) -> u64 {
    layout.tau_g1.bytes()
        + layout.tau_g2.bytes()
        + layout.alpha_tau_g1.bytes()
        + layout.beta_tau_g1.bytes()
}

fn copy_section<P: Point, O: Read + Seek + Send, W: Write + Seek + Send>(
    run: &PointRun<P>,
    source: &mut O,
    out: &mut ContainerWriter<W>,
    progress: &dyn Progress,
) -> Result<(), ImportError> {
    out.begin(run.section).map_err(StepError::Write)?;
    let mut written = Ok(());
    each_chunk(source, run.offset..run.offset + run.bytes(), &NoProgress, |bytes| {
        if written.is_ok() {
            written = out.write(bytes);
        }
        progress.advance(bytes.len() as u64);
    })
    .map_err(|e| ImportError::Other(e.into()))?;
    written.and_then(|()| out.end()).map_err(StepError::Write)?;
    Ok(())
}
