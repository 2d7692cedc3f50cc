//! One of M parts of a preparation: of each level the Lagrange points with one index modulo M
//! (docs/formats.md, section 17).
//!
//! The file says which input it was computed from and what of it; that its points are the right
//! ones is for the combination to check.

use std::fmt;
use std::io::{Read, Seek, Write};
use std::str::FromStr;

use bn254_batch::curve::FQ_MODULUS;

use super::FormatError;
use super::container::{Container, ContainerKind, ContainerWriter, u32_at};
use super::encoding::write_le;
use super::ptau::{LagrangeLayout, Levels, Power, check_field, place, read_power};
use crate::hash::FileSha256;
use crate::limits::MAX_BASES_PARTS;

/// The container of a part.
pub const BASES_PART: ContainerKind =
    ContainerKind { magic: b"ptpa", versions: &[1], ids: &[HEADER, 12, 13, 14, 15] };

const HEADER: u32 = 1;
const HEADER_BYTES: u64 = 88;

/// Part I of M, counted from 1: the Lagrange points with an index of I - 1 modulo M. M is a power
/// of two.
///
/// ```
/// use ceremony_core::format::bases_part::Residue;
///
/// let part: Residue = "3/8".parse()?;
/// assert_eq!((part.number(), part.parts()), (3, 8));
/// assert_eq!(part.to_string(), "part 3 of 8");
/// for wrong in ["0/8", "9/8", "1/6", "1/128", "1", "a/b"] {
///     assert!(wrong.parse::<Residue>().is_err(), "{wrong}");
/// }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Residue {
    log_parts: u32,
    residue: u32,
}

impl Residue {
    /// Everything.
    pub const WHOLE: Self = Self { log_parts: 0, residue: 0 };

    /// Part `number` of `parts`, if there is one.
    #[must_use]
    pub fn new(number: u32, parts: u32) -> Option<Self> {
        let parts_fit = parts.is_power_of_two() && parts <= MAX_BASES_PARTS;
        (parts_fit && (1..=parts).contains(&number))
            .then(|| Self { log_parts: parts.ilog2(), residue: number - 1 })
    }

    /// I.
    #[must_use]
    pub fn number(self) -> u32 {
        self.residue + 1
    }

    /// M.
    #[must_use]
    pub fn parts(self) -> u32 {
        1 << self.log_parts
    }

    /// The index of its points modulo M.
    pub(crate) fn residue(self) -> u32 {
        self.residue
    }

    /// The binary logarithm of M.
    pub(crate) fn log_parts(self) -> u32 {
        self.log_parts
    }

    /// How many points it has of each of these levels, in the form of levels: M points of a level
    /// are one of a part. Levels of fewer than M points are in no part; where the last one is such
    /// a level, there is nothing to cut.
    #[must_use]
    pub fn levels_of(self, levels: Levels) -> Option<Levels> {
        let last = levels.last().checked_sub(self.log_parts)?;
        Levels::new(levels.first().saturating_sub(self.log_parts), last)
    }
}

impl fmt::Display for Residue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "part {} of {}", self.number(), self.parts())
    }
}

/// Not a part: what was read, for messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "found {0:?}, expected I/M with I from 1 to M, and M a power of two of at most \
     {MAX_BASES_PARTS}"
)]
pub struct NoResidue(String);

impl FromStr for Residue {
    type Err = NoResidue;

    /// `I/M`
    fn from_str(text: &str) -> Result<Self, NoResidue> {
        let number = |text: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        };
        text.split_once('/')
            .and_then(|(part, parts)| Self::new(number(part)?, number(parts)?))
            .ok_or_else(|| NoResidue(text.into()))
    }
}

/// What a part says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartHeader {
    /// SHA-256 of the `.ptau` that it was computed from.
    pub input: FileSha256,
    /// The power of that file.
    pub power: Power,
    /// The levels that all parts together are of; section 12 has one more.
    pub levels: Levels,
    /// Which part.
    pub part: Residue,
}

impl PartHeader {
    /// Where the points lie in a part that has nothing between its sections, from `start` on.
    ///
    /// # Errors
    /// When the largest level has fewer points than there are parts.
    fn layout(&self) -> Result<LagrangeLayout, FormatError> {
        let levels = self.part.levels_of(self.levels).ok_or_else(|| FormatError::Header {
            what: "the number of parts",
            found: self.part.parts().to_string(),
            expected: format!("at most the points of level {}", self.levels.last()),
        })?;
        Ok(LagrangeLayout::consecutive(levels, true, 0))
    }

    fn to_bytes(self) -> [u8; HEADER_BYTES as usize] {
        let mut bytes = [0; HEADER_BYTES as usize];
        bytes[..4].copy_from_slice(&32u32.to_le_bytes());
        write_le(FQ_MODULUS, &mut bytes[4..36]);
        bytes[36..40].copy_from_slice(&self.power.exponent().to_le_bytes());
        bytes[40..48].copy_from_slice(&self.levels.to_bytes());
        bytes[48..52].copy_from_slice(&self.part.number().to_le_bytes());
        bytes[52..56].copy_from_slice(&self.part.parts().to_le_bytes());
        bytes[56..].copy_from_slice(&self.input.0);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Self, FormatError> {
        check_field(bytes)?;
        let power = read_power("power", u32_at(bytes, 36))?;
        let (mut levels, mut input) = ([0; 8], [0; 32]);
        levels.copy_from_slice(&bytes[40..48]);
        input.copy_from_slice(&bytes[56..]);
        let levels = Levels::read(&levels, power)?;
        let (number, parts) = (u32_at(bytes, 48), u32_at(bytes, 52));
        let part = Residue::new(number, parts).ok_or_else(|| FormatError::Header {
            what: "the part",
            found: format!("{number} of {parts}"),
            expected: format!("1 to M of M, a power of two of at most {MAX_BASES_PARTS}"),
        })?;
        Ok(Self { input: FileSha256(input), power, levels, part })
    }
}

/// Writes the header and makes room for the points, which are zero until they are written.
///
/// # Errors
/// When writing fails, or the largest level has fewer points than there are parts.
pub fn write_part_header<W: Write + Seek>(
    sink: W,
    header: &PartHeader,
) -> std::io::Result<(W, LagrangeLayout)> {
    let mut layout = header.layout().map_err(std::io::Error::other)?;
    let mut out = ContainerWriter::new(sink, BASES_PART, 5)?;
    out.begin(HEADER)?;
    out.write(&header.to_bytes())?;
    out.end()?;
    let LagrangeLayout { tau_g1, tau_g2, alpha_tau_g1, beta_tau_g1, .. } = &mut layout;
    tau_g1.offset = out.skip(tau_g1.section, tau_g1.bytes())?;
    tau_g2.offset = out.skip(tau_g2.section, tau_g2.bytes())?;
    alpha_tau_g1.offset = out.skip(alpha_tau_g1.section, alpha_tau_g1.bytes())?;
    beta_tau_g1.offset = out.skip(beta_tau_g1.section, beta_tau_g1.bytes())?;
    Ok((out.finish()?, layout))
}

/// An open part whose structure and header are sound. Points are checked when they are read.
#[derive(Debug)]
pub struct BasesPart<R> {
    container: Container<R>,
    header: PartHeader,
    layout: LagrangeLayout,
}

impl<R: Read + Seek> BasesPart<R> {
    /// Reads table and header.
    ///
    /// # Errors
    /// Every structural defect of the file.
    pub fn open(source: R) -> Result<Self, FormatError> {
        let mut container = Container::open(source, BASES_PART)?;
        let bytes = container.read_header(HEADER, HEADER_BYTES, FQ_MODULUS)?;
        let header = PartHeader::read(&bytes)?;
        let mut layout = header.layout()?;
        place(&container, layout.tau_g1.section, &mut layout.tau_g1)?;
        place(&container, layout.tau_g2.section, &mut layout.tau_g2)?;
        place(&container, layout.alpha_tau_g1.section, &mut layout.alpha_tau_g1)?;
        place(&container, layout.beta_tau_g1.section, &mut layout.beta_tau_g1)?;
        Ok(Self { container, header, layout })
    }

    /// What it says of itself.
    #[must_use]
    pub fn header(&self) -> &PartHeader {
        &self.header
    }

    /// Where its points lie. The layout's levels are those of [`Residue::levels_of`].
    #[must_use]
    pub fn layout(&self) -> LagrangeLayout {
        self.layout
    }

    /// The file behind the reader.
    pub fn source(&mut self) -> &mut R {
        self.container.source()
    }
}
