//! `.r1cs`: a circuit as a rank-1 constraint system (docs/formats.md, section 5).
//!
//! For every constraint i and the wires w (w_0 = 1, then the public outputs and inputs, then the
//! private ones): <A_i, w> * <B_i, w> = <C_i, w>. The three sparse matrices are read term by term
//! and never held: a large circuit has hundreds of millions.

use std::fmt;
use std::io::{Read, Seek, SeekFrom, Write};

use ark_ff::PrimeField;
use bn254_batch::curve::{FR_MODULUS, Fr};
use rayon::prelude::*;

use super::container::{Container, ContainerKind, ContainerWriter, Section, u32_at};
use super::encoding::{read_le, write_le};
use super::ptau::Power;
use super::{FormatError, TermDefect};
use crate::limits::{CHUNK_POINTS, CHUNK_TERMS, MAX_POWER};

/// The container of an `.r1cs`.
pub const R1CS: ContainerKind =
    ContainerKind { magic: b"r1cs", versions: &[1], ids: &[1, 2, 3, 4, 5] };

const HEADER: u32 = 1;
const CONSTRAINTS: u32 = 2;
const LABELS: u32 = 3;
const CUSTOM_GATES: [u32; 2] = [4, 5];
const HEADER_BYTES: u64 = 64;
/// wire u32, coefficient 32 bytes.
const TERM_BYTES: usize = 36;
/// Bytes read at a time.
const READ_BYTES: usize = CHUNK_TERMS * TERM_BYTES;

/// One of the three linear combinations of a constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Matrix {
    /// The left factor.
    A,
    /// The right factor.
    B,
    /// The product.
    C,
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A non-zero entry of a matrix: `matrix[constraint][wire] = value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Which matrix.
    pub matrix: Matrix,
    /// The row.
    pub constraint: u32,
    /// The column.
    pub wire: u32,
    /// The entry.
    pub value: Fr,
}

/// The numbers of a circuit, which fit together: there is a constraint, all named wires exist, and
/// a domain is large enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    wires: u32,
    outputs: u32,
    public_inputs: u32,
    private_inputs: u32,
    labels: u64,
    constraints: u32,
    power: Power,
}

impl Shape {
    /// A circuit with these numbers of wires (counting the constant one), public outputs, public
    /// inputs, private inputs, and constraints; as many labels as wires.
    ///
    /// # Errors
    /// [`FormatError::NoConstraints`]; [`FormatError::Header`] when there are fewer wires than
    /// named ones, or no domain of at most 2^28 points.
    pub fn new(
        wires: u32,
        outputs: u32,
        public_inputs: u32,
        private_inputs: u32,
        constraints: u32,
    ) -> Result<Self, FormatError> {
        if constraints == 0 {
            return Err(FormatError::NoConstraints);
        }
        let public = u64::from(outputs) + u64::from(public_inputs);
        let named = 1 + public + u64::from(private_inputs);
        if named > wires.into() {
            let (found, expected) =
                (wires.to_string(), format!("at least {named}, for one, outputs and inputs"));
            return Err(FormatError::Header { what: "the number of wires", found, expected });
        }
        let rows = u64::from(constraints) + public;
        let Some(power) = Power::new(rows.ilog2() + 1) else {
            let expected = format!("1 to 2^{MAX_POWER} - 1 with the {public} public wires");
            return Err(FormatError::Header {
                what: "the number of constraints",
                found: constraints.to_string(),
                expected,
            });
        };
        Ok(Self {
            wires,
            outputs,
            public_inputs,
            private_inputs,
            labels: wires.into(),
            constraints,
            power,
        })
    }

    /// Number of wires, the constant one included.
    #[must_use]
    pub fn wires(&self) -> u32 {
        self.wires
    }

    /// Number of public wires, outputs before inputs, the constant one not included.
    #[must_use]
    pub fn public(&self) -> u32 {
        self.outputs + self.public_inputs
    }

    /// Number of public outputs.
    #[must_use]
    pub fn outputs(&self) -> u32 {
        self.outputs
    }

    /// Number of private inputs.
    #[must_use]
    pub fn private_inputs(&self) -> u32 {
        self.private_inputs
    }

    /// Number of constraints.
    #[must_use]
    pub fn constraints(&self) -> u32 {
        self.constraints
    }

    /// The circuit's power k: the domain has N = 2^k points, the smallest number above constraints
    /// + public wires.
    #[must_use]
    pub fn power(&self) -> Power {
        self.power
    }
}

/// An open `.r1cs` whose structure and header are sound. Constraints are checked when they are
/// read.
#[derive(Debug)]
pub struct R1cs<R> {
    container: Container<R>,
    shape: Shape,
    constraints: Section,
}

impl<R: Read + Seek> R1cs<R> {
    /// Reads table and header.
    ///
    /// # Errors
    /// Every structural defect of the file; custom gates.
    pub fn open(source: R) -> Result<Self, FormatError> {
        let mut container = Container::open(source, R1CS)?;
        if CUSTOM_GATES.iter().any(|id| container.find(*id).is_some()) {
            return Err(FormatError::CustomGates);
        }
        let header = container.read_header(HEADER, HEADER_BYTES, FR_MODULUS)?;
        check_scalar_field(&header)?;
        let word = |i: usize| u32_at(&header, 36 + 4 * i);
        let labels = u64::from(word(4)) | u64::from(word(5)) << 32;
        let shape = Shape { labels, ..Shape::new(word(0), word(1), word(2), word(3), word(6))? };
        container.section(LABELS, 8 * u64::from(shape.wires))?;
        let constraints =
            container.find(CONSTRAINTS).ok_or(FormatError::MissingSection { id: CONSTRAINTS })?;
        // Three counts per constraint at least: what follows may be sized by the number of
        // constraints.
        let least = 12 * u64::from(shape.constraints);
        if constraints.size < least {
            return Err(FormatError::SectionSize {
                id: CONSTRAINTS,
                found: constraints.size,
                expected: least,
            });
        }
        Ok(Self { container, shape, constraints })
    }

    /// The circuit's numbers.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Reads all terms from the first: constraint by constraint, in each A before B before C.
    pub fn terms(&mut self) -> Terms<'_, R> {
        let remaining = self.constraints.size;
        Terms {
            file: self,
            buffer: Vec::new(),
            position: 0,
            remaining,
            constraint: 0,
            matrix: Matrix::A,
            left: None,
            ahead: None,
        }
    }

    /// The file behind the reader.
    pub fn source(&mut self) -> &mut R {
        self.container.source()
    }
}

/// R^2 where R is the Montgomery factor: x R = x R^2 / R.
const TO_MONTGOMERY: Fr = Fr::new_unchecked(Fr::R2);

/// A pass over the terms of a circuit. Begin again with [`R1cs::terms`].
#[derive(Debug)]
pub struct Terms<'a, R> {
    file: &'a mut R1cs<R>,
    buffer: Vec<u8>,
    /// Of the next byte in `buffer`.
    position: usize,
    /// Bytes of the section that are not yet in `buffer`.
    remaining: u64,
    constraint: u32,
    matrix: Matrix,
    /// Terms left in the open linear combination; `None` where its count comes next.
    left: Option<u32>,
    /// The next chunk, if it is there.
    ahead: Option<Walked>,
}

/// A chunk as it was found.
#[derive(Debug)]
struct Walked {
    /// With values that are neither checked nor in Montgomery form.
    terms: Vec<Term>,
    /// Whether this is a chunk, or all were there before; or what is wrong behind these terms.
    end: Result<bool, FormatError>,
}

impl<R: Read + Seek + Send> Terms<'_, R> {
    /// The next terms: at most [`CHUNK_TERMS`], from at most [`CHUNK_POINTS`] consecutive
    /// constraints. `None` after the last one, when the section is used up. The chunk after it is
    /// read meanwhile.
    ///
    /// # Errors
    /// A wire or coefficient out of range, a section that ends too early or too late; or reading
    /// fails. What comes after an error is not part of the circuit.
    pub fn next_chunk(&mut self) -> Result<Option<Vec<Term>>, FormatError> {
        let Walked { mut terms, end } = self.ahead.take().unwrap_or_else(|| self.walk());
        let convert = || {
            let canonical = terms.par_iter_mut().with_min_len(1 << 10).map(|term| {
                let canonical = term.value.0 < FR_MODULUS;
                term.value *= TO_MONTGOMERY;
                canonical
            });
            canonical.position_first(|canonical| !canonical)
        };
        let walk = || matches!(end, Ok(true)).then(|| self.walk());
        let (defect, ahead) = rayon::join(convert, walk);
        // A value comes before what ended the walk behind it.
        if let Some(index) = defect {
            let Term { constraint, matrix, .. } = terms[index];
            return Err(FormatError::Term { constraint, matrix, defect: TermDefect::NotCanonical });
        }
        self.ahead = ahead;
        Ok(end?.then_some(terms))
    }

    fn walk(&mut self) -> Walked {
        let mut terms = Vec::with_capacity(
            (self.available() / TERM_BYTES as u64).min(CHUNK_TERMS as u64) as usize,
        );
        let end = self.collect(&mut terms);
        Walked { terms, end }
    }
}

impl<R: Read + Seek> Terms<'_, R> {
    /// Collects the terms of a chunk, with values as they stand in the file. `false` if there is
    /// none left.
    fn collect(&mut self, terms: &mut Vec<Term>) -> Result<bool, FormatError> {
        let (shape, first) = (self.file.shape, self.constraint);
        while self.constraint < shape.constraints
            && terms.len() < CHUNK_TERMS
            && ((self.constraint - first) as usize) < CHUNK_POINTS
        {
            let (constraint, matrix) = (self.constraint, self.matrix);
            let at = |defect| FormatError::Term { constraint, matrix, defect };
            let Some(left) = self.left else {
                let count = u32_at(self.take(4)?, 0);
                let (found, expected) = (self.available(), u64::from(count) * TERM_BYTES as u64);
                if expected > found {
                    return Err(at(TermDefect::PastEnd { found, expected }));
                }
                self.left = Some(count);
                continue;
            };
            if left == 0 {
                self.left = None;
                (self.constraint, self.matrix) = match matrix {
                    Matrix::A => (constraint, Matrix::B),
                    Matrix::B => (constraint, Matrix::C),
                    Matrix::C => (constraint + 1, Matrix::A),
                };
                continue;
            }
            self.left = Some(left - 1);
            let bytes = self.take(TERM_BYTES)?;
            let wire = u32_at(bytes, 0);
            if wire >= shape.wires {
                return Err(at(TermDefect::Wire { found: wire, wires: shape.wires }));
            }
            terms.push(Term {
                matrix,
                constraint,
                wire,
                value: Fr::new_unchecked(read_le(&bytes[4..])),
            });
        }
        let surplus = self.available();
        if self.constraint == shape.constraints && surplus != 0 {
            let found = self.file.constraints.size;
            return Err(FormatError::SectionSize {
                id: CONSTRAINTS,
                found,
                expected: found - surplus,
            });
        }
        Ok(first < shape.constraints)
    }

    fn available(&self) -> u64 {
        self.remaining + (self.buffer.len() - self.position) as u64
    }

    /// The next `count` bytes of the section.
    fn take(&mut self, count: usize) -> Result<&[u8], FormatError> {
        if self.buffer.len() - self.position < count {
            self.buffer.drain(..self.position);
            self.position = 0;
            let (old, fresh) = (self.buffer.len(), self.remaining.min(READ_BYTES as u64));
            let Section { offset, size, .. } = self.file.constraints;
            let source = self.file.container.source();
            source.seek(SeekFrom::Start(offset + size - self.remaining))?;
            self.buffer.resize(old + fresh as usize, 0);
            if let Err(error) = source.read_exact(&mut self.buffer[old..]) {
                self.buffer.truncate(old);
                return Err(error.into());
            }
            self.remaining -= fresh;
            let found = self.buffer.len() as u64;
            if found < count as u64 {
                let defect = TermDefect::PastEnd { found, expected: count as u64 };
                return Err(FormatError::Term {
                    constraint: self.constraint,
                    matrix: self.matrix,
                    defect,
                });
            }
        }
        self.position += count;
        Ok(&self.buffer[self.position - count..self.position])
    }
}

/// A linear combination: coefficients and their wires.
pub type Row = Vec<(Fr, u32)>;

/// Writes a circuit, in the order of sections that compilers use. The label of a wire is its index.
///
/// # Errors
/// When writing fails, or when there are not as many constraints as the shape says.
pub fn write_r1cs<W: Write + Seek>(
    sink: W,
    shape: Shape,
    constraints: impl IntoIterator<Item = [Row; 3]>,
) -> std::io::Result<W> {
    let mut out = ContainerWriter::new(sink, R1CS, 3)?;
    out.begin(CONSTRAINTS)?;
    let mut written = 0u32;
    let mut bytes = Vec::new();
    for rows in constraints {
        for row in rows {
            bytes.extend((row.len() as u32).to_le_bytes());
            for (value, wire) in row {
                bytes.extend(wire.to_le_bytes());
                bytes.extend(scalar_bytes(value));
            }
        }
        written += 1;
        if bytes.len() >= READ_BYTES {
            out.write(&bytes)?;
            bytes.clear();
        }
    }
    out.write(&bytes)?;
    out.end()?;
    if written != shape.constraints {
        return Err(std::io::Error::other(format!(
            "{} constraints declared, {written} written",
            shape.constraints
        )));
    }
    out.begin(HEADER)?;
    out.write(&scalar_field_header())?;
    for word in [shape.wires, shape.outputs, shape.public_inputs, shape.private_inputs] {
        out.write(&word.to_le_bytes())?;
    }
    out.write(&shape.labels.to_le_bytes())?;
    out.write(&shape.constraints.to_le_bytes())?;
    out.end()?;
    out.begin(LABELS)?;
    let labels: Vec<u8> = (0..u64::from(shape.wires)).flat_map(u64::to_le_bytes).collect();
    out.write(&labels)?;
    out.end()?;
    out.finish()
}

/// 32 bytes, little-endian, normal form.
pub(super) fn scalar_bytes(value: Fr) -> [u8; 32] {
    let mut bytes = [0; 32];
    write_le(value.into_bigint(), &mut bytes);
    bytes
}

/// `n8 u32 | r`, with which the headers of `.r1cs` and `.wtns` begin.
pub(super) fn scalar_field_header() -> [u8; 36] {
    let mut bytes = [0; 36];
    bytes[0] = 32;
    write_le(FR_MODULUS, &mut bytes[4..]);
    bytes
}

/// Checks what [`scalar_field_header`] writes.
pub(super) fn check_scalar_field(header: &[u8]) -> Result<(), FormatError> {
    super::ptau::check_modulus(header, "the scalar field's modulus", FR_MODULUS)
}
