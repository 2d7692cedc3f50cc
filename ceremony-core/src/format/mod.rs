//! Files as bytes: containers, encodings, and the strict readers that turn both into points and
//! records.
//!
//! A reader here proves structure and membership (canonical coordinates, on the curve, in the
//! subgroup), never meaning: which ratios hold between points is for `phase1` and `phase2`, which
//! this module does not know.

pub mod bases_part;
pub mod bound_file;
pub mod container;
pub mod encoding;
mod explain;
pub mod kind;
mod levels;
pub mod points;
pub mod proof;
pub mod ptau;
pub mod r1cs;
pub mod record;
pub mod scratch;
pub mod verification_key;
pub mod wtns;
pub mod zkey;

use std::fmt;

use encoding::PointDefect;
use kind::FileKind;

use crate::entropy::{BeaconError, OsRandomError};
use crate::hash::HashStateError;

/// Why a file is not what its format says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// Reading failed.
    #[error("reading failed: {0}")]
    Io(#[from] std::io::Error),
    /// The subgroup check had no randomness.
    #[error(transparent)]
    OsRandom(#[from] OsRandomError),
    /// A file of another kind than the reader's.
    #[error("this is another kind of file: found {found}, expected {expected}")]
    Kind {
        /// As far as it is recognised.
        found: FileKind,
        /// The reader's.
        expected: FileKind,
    },
    /// A file of the reader's kind for another curve.
    #[error("this file is for another curve: found {found}, expected BN254 (bn128, alt_bn128)")]
    Curve {
        /// Its name.
        found: &'static str,
    },
    /// A `.zkey` of another proof system.
    #[error("this key is for another proof system: found {found}, expected Groth16")]
    ProofSystem {
        /// Its name.
        found: &'static str,
    },
    /// A version that is not read.
    #[error("unsupported version: found {found}, expected one of {expected:?}")]
    Version {
        /// As the file says.
        found: u32,
        /// Those that are read.
        expected: &'static [u32],
    },
    /// The file ends inside its head or table of sections.
    #[error(
        "the file is truncated at byte {offset}: found {found} bytes, expected {expected} bytes"
    )]
    Truncated {
        /// Where the missing piece begins.
        offset: u64,
        /// Bytes there.
        found: u64,
        /// Bytes needed.
        expected: u64,
    },
    /// A count above its limit.
    #[error("too many {what}: found {found}, expected at most {limit}")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// As the file says.
        found: u64,
        /// See [`crate::limits`].
        limit: u64,
    },
    /// A section that the format does not have.
    #[error("unknown section {id} at byte {offset}")]
    UnknownSection {
        /// Its id.
        id: u32,
        /// Where its table entry is.
        offset: u64,
    },
    /// Two sections with one id.
    #[error("section {id} occurs twice, the second time at byte {offset}")]
    DuplicateSection {
        /// The id.
        id: u32,
        /// Where the second entry is.
        offset: u64,
    },
    /// A section that would end after the file does.
    #[error(
        "section {id} reaches past the end of the file: found {found} bytes, expected {expected} \
         bytes"
    )]
    SectionPastEnd {
        /// Its id.
        id: u32,
        /// Bytes left in the file.
        found: u64,
        /// Bytes that the table gives it.
        expected: u64,
    },
    /// Bytes after the last section.
    #[error("{surplus} bytes follow the last section, which ends at byte {offset}")]
    TrailingBytes {
        /// Where the last section ends.
        offset: u64,
        /// How many bytes follow.
        surplus: u64,
    },
    /// A section that must be there.
    #[error("section {id} is missing")]
    MissingSection {
        /// Its id.
        id: u32,
    },
    /// A section whose size is not what the header implies.
    #[error("section {id} has the wrong size: found {found} bytes, expected {expected} bytes")]
    SectionSize {
        /// Its id.
        id: u32,
        /// As the table says.
        found: u64,
        /// As the header implies.
        expected: u64,
    },
    /// A section above the limit for what is read at once.
    #[error("section {id} is too large: found {found} bytes, expected at most {limit} bytes")]
    SectionTooLarge {
        /// Its id.
        id: u32,
        /// As the table says.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// Sections that come only together.
    #[error("sections 12 to 15 belong together: found {found:?}, expected all of them or none")]
    PartlyPrepared {
        /// Those that are there.
        found: Vec<u32>,
    },
    /// A header field with a value that this curve or format does not have.
    #[error("{what} is not that of this format: found {found}, expected {expected}")]
    Header {
        /// The field.
        what: &'static str,
        /// As the file says.
        found: String,
        /// What it must be.
        expected: String,
    },
    /// A file of fixed layout (challenge, response) whose length fits no power.
    #[error("the length does not fit {what}: found {found} bytes, expected {expected}")]
    Length {
        /// Which kind of file.
        what: FileKind,
        /// Its length.
        found: u64,
        /// The formula.
        expected: &'static str,
    },
    /// Bytes that are not a point, or a point that may not be here.
    #[error("{section} element {index}: {defect}", section = SectionName(*section, name))]
    Point {
        /// The section's id (0 where the file has none).
        section: u32,
        /// What the section holds.
        name: &'static str,
        /// Which element.
        index: u64,
        /// Why.
        defect: PointDefect,
    },
    /// A contribution record that cannot be read.
    #[error("contribution {index}: {defect}")]
    Record {
        /// Counted from 1.
        index: usize,
        /// Why.
        defect: RecordDefect,
    },
    /// A circuit with custom gates, which Groth16 does not have.
    #[error("the circuit uses custom gates (sections 4 and 5), which Groth16 does not have")]
    CustomGates,
    /// A circuit that states nothing.
    #[error("the circuit has no constraints: found 0, expected at least 1")]
    NoConstraints,
    /// A term of a constraint.
    #[error("constraint {constraint}, {matrix}: {defect}")]
    Term {
        /// Counted from 0.
        constraint: u32,
        /// Which of its three linear combinations.
        matrix: r1cs::Matrix,
        /// Why.
        defect: TermDefect,
    },
    /// An entry of a `.zkey`'s section 4.
    #[error("section 4 (coefficients) element {index}: {defect}")]
    Coefficient {
        /// Counted from 0.
        index: u64,
        /// Why.
        defect: TermDefect,
    },
    /// A witness value that is not below r.
    #[error(
        "section 2 (witness) element {index}: the value is not below the scalar field's modulus"
    )]
    WitnessValue {
        /// Counted from 0.
        index: u64,
    },
}

impl FormatError {
    /// Whether this is a legal file that belongs elsewhere, and not a damaged one.
    #[must_use]
    pub fn is_another_kind(&self) -> bool {
        matches!(
            self,
            Self::Kind { .. }
                | Self::Curve { .. }
                | Self::ProofSystem { .. }
                | Self::CustomGates
                | Self::NoConstraints
        )
    }
}

/// Why an entry of a sparse matrix cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TermDefect {
    /// The wire does not exist.
    #[error("wire index out of range: found {found}, expected less than {wires}")]
    Wire {
        /// As the file says.
        found: u32,
        /// Number of wires.
        wires: u32,
    },
    /// The row does not exist.
    #[error("constraint index out of range: found {found}, expected less than {rows}")]
    Row {
        /// As the file says.
        found: u32,
        /// Number of rows.
        rows: u64,
    },
    /// The coefficient is not below r.
    #[error("the coefficient is not below the scalar field's modulus")]
    NotCanonical,
    /// A matrix other than A and B.
    #[error("unknown matrix: found {0}, expected 0 (A) or 1 (B)")]
    Matrix(u32),
    /// The section ends before the terms do.
    #[error("the section ends inside: found {found} bytes, expected {expected} bytes")]
    PastEnd {
        /// Bytes left in the section.
        found: u64,
        /// Bytes needed.
        expected: u64,
    },
}

/// Why a contribution record cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordDefect {
    /// The section ends inside the record.
    #[error("the record is truncated: found {found} bytes, expected {expected} bytes")]
    Truncated {
        /// Bytes left.
        found: usize,
        /// Bytes needed.
        expected: usize,
    },
    /// A point of the record.
    #[error("{name}: {defect}")]
    Point {
        /// Which.
        name: &'static str,
        /// Why.
        defect: PointDefect,
    },
    /// The exported hash state.
    #[error(transparent)]
    HashState(#[from] HashStateError),
    /// A type other than contribution and beacon.
    #[error("unknown type: found {0}, expected 0 (contribution) or 1 (beacon)")]
    Type(u32),
    /// Parameters that are not `id, value` with known, strictly ascending ids within the declared
    /// length.
    #[error("malformed parameters: {0}")]
    Parameters(&'static str),
    /// Parameters above their limit.
    #[error("too many parameter bytes: found {0}, expected at most {limit}", limit = crate::limits::MAX_PARAMETER_BYTES)]
    ParametersTooLong(u32),
    /// A beacon with a value or exponent out of range.
    #[error(transparent)]
    Beacon(#[from] BeaconError),
}

struct SectionName<'a>(u32, &'a str);

impl fmt::Display for SectionName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str(self.1) } else { write!(f, "section {} ({})", self.0, self.1) }
    }
}
