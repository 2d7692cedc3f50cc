//! The initial key of a circuit: what phase 2 starts from, a function of an `.r1cs` and a prepared
//! `.ptau` alone, with no secret of its own (delta = gamma = 1).
//!
//! For a circuit of m constraints, n wires, l of them public, let N = 2^k be its domain, L_i the
//! Lagrange basis of the domain, and tau, alpha, beta the secrets of phase 1. The column
//! polynomials (Groth16, section 2.3) are `A_s = sum_i A[i][s] L_i`, likewise B_s and C_s, with the
//! rows m + s of A, s <= l, holding wire s with coefficient 1: they make the public columns
//! independent. The key is then linear in what a prepared `.ptau` holds, `{[L_i(tau)]1}`,
//! `{[L_i(tau)]2}`, `{[alpha L_i(tau)]1}`, `{[beta L_i(tau)]1}`:
//!
//! ```text
//! IC_s (s <= l), L_s (s > l) = sum_i A[i][s] [beta L_i]1 + B[i][s] [alpha L_i]1 + C[i][s] [L_i]1
//! A_s = sum_i A[i][s] [L_i]1    B1_s = sum_i B[i][s] [L_i]1    B2_s = sum_i B[i][s] [L_i]2
//! H_i = the Lagrange basis of the domain of 2N points at its odd places
//! ```
//!
//! Assumed, not checked here: the `.ptau` is verified (`phase1`), its Lagrange sections included.
//! Points are checked to be on their curves and in their groups. Neither file is held in memory:
//! sums are made in one pass over the circuit, or, for one of more than [`WIRES_AT_ONCE`] wires, in
//! a pass for each section and [`WIRES_PER_PASS`] of them.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use bn254_batch::IndexedSums;
use bn254_batch::Point;
use bn254_batch::curve::{G1Affine, G2Affine};

pub use super::error::{SURPLUS_HASH_POWER, SetupError};
use super::initial_hash::{Encoded, InitialHash, InitialKeyHashes};
use super::qap::{self, Basis, Column, Columns, Plan, Rows};
use super::surplus::{self, SECTION_TABLE_ENTRY_BYTES};
use crate::entropy::VerifierRng;
use crate::format::FormatError;
use crate::format::container::ContainerWriter;
use crate::format::encoding::{Encoding, encode};
use crate::format::points::{PointRun, ReadAhead};
use crate::format::ptau::{AccumulatorLayout, LagrangeLayout, Levels, Power, Ptau};
use crate::format::r1cs::{Matrix, R1cs, Shape, Term};
use crate::format::scratch::Scratch;
use crate::format::zkey::{
    Header, ZKEY, push_coefficient, section, write_contributions, write_header,
};
use crate::hash::InitialKeyHash;
use crate::limits::{CHUNK_POINTS, WIRES_AT_ONCE, WIRES_PER_PASS};
use crate::phase1::prepare::levels_beside;
use crate::phase1::records::{check_fresh_chain, check_order};
use crate::progress::Progress;

/// What was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// The circuit's numbers.
    pub shape: Shape,
    /// Sizes and points of the key.
    pub header: Header,
    /// The `cs_hash`, shown by tools as the circuit hash.
    pub initial_key_hash: InitialKeyHash,
}

/// Writes the initial key of a circuit to `out`, an empty temporary file which is complete only
/// when this returns `Ok`.
///
/// The bytes are those that snarkjs writes for the same two files. The `.ptau` is taken to be
/// verified; what is cheap is checked once more: it has a contribution which is not a beacon, its
/// records do not cancel, no challenge occurs twice, and tau is no root of unity of a domain.
///
/// ```
/// # use std::io::Cursor;
/// # use ceremony_core::entropy::ContributionRng;
/// # use ceremony_core::format::ptau::{Power, Ptau};
/// # use ceremony_core::phase1::contribute::{contribute, new};
/// # use ceremony_core::phase1::prepare::prepare;
/// # use bn254_batch::curve::Fr;
/// # use ceremony_core::format::r1cs::{Shape, write_r1cs};
/// use ceremony_core::format::r1cs::R1cs;
/// use ceremony_core::format::zkey::Zkey;
/// use ceremony_core::phase2::initial_key::new_key;
/// use ceremony_core::progress::NoProgress;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let mut start = Cursor::new(Vec::new());
/// # new(Power::new(3).ok_or("too large")?, &mut start, &NoProgress)?;
/// # let mut contributed = Cursor::new(Vec::new());
/// # let rng = ContributionRng::from_os_and_text(b"")?;
/// # contribute(&mut Ptau::open(start)?, &mut contributed, rng, None, &NoProgress)?;
/// # let mut prepared = Cursor::new(Vec::new());
/// # prepare(&mut Ptau::open(contributed)?, &mut prepared, &NoProgress)?;
/// # let one = Fr::from(1u64);
/// # let shape = Shape::new(3, 1, 0, 1, 1)?;
/// # let square = [vec![(one, 2)], vec![(one, 2)], vec![(one, 1)]];
/// # let circuit = write_r1cs(Cursor::new(Vec::new()), shape, [square])?;
/// let (mut circuit, mut ptau) = (R1cs::open(circuit)?, Ptau::open(prepared)?);
/// let mut key = Cursor::new(Vec::new());
/// let made = new_key(&mut circuit, &mut ptau, &mut key, &NoProgress)?;
/// assert_eq!(Zkey::open(key)?.initial_key_hash(), made.initial_key_hash);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`SetupError`]: files that do not fit together, or that cannot be read or written.
pub fn new_key<C: Read + Seek + Send, P: Read + Seek + Send, W: Write + Seek + Send>(
    r1cs: &mut R1cs<C>,
    ptau: &mut Ptau<P>,
    out: W,
    progress: &dyn Progress,
) -> Result<NewKey, SetupError> {
    InitialKey::open(r1cs, ptau, progress)?.write(out)
}

/// Where the Lagrange bases for a circuit of this size are. Those that the file lacks are made, in
/// its scratch file.
fn bases<P: Read + Seek + Send>(
    ptau: &mut Ptau<P>,
    power: Power,
    progress: &dyn Progress,
) -> Result<(LagrangeLayout, Option<Box<dyn Scratch>>), SetupError> {
    let own = ptau.lagrange();
    if let Some(lagrange) = own.filter(|lagrange| lagrange.levels.has(power)) {
        return Ok((lagrange, None));
    }
    let Some(mut scratch) = ptau.take_scratch() else {
        let missing = |found| SetupError::NotThisLevel { found, expected: power };
        return Err(own.map_or(SetupError::NotPrepared, |own| missing(own.levels)));
    };
    let lagrange = levels_beside(ptau, &mut *scratch, Levels::of(power), progress)
        .map_err(SetupError::Prepare)?;
    Ok((lagrange, Some(scratch)))
}

fn file_of_bases<'a, P: Read + Seek>(
    ptau: &'a mut Ptau<P>,
    scratch: &'a mut Option<Box<dyn Scratch>>,
) -> BasesFile<'a, P> {
    match scratch {
        Some(file) => BasesFile::Scratch(&mut **file),
        None => BasesFile::Ptau(ptau.source()),
    }
}

/// The file that has the Lagrange bases.
enum BasesFile<'a, R> {
    Ptau(&'a mut R),
    Scratch(&'a mut dyn Scratch),
}

impl<R: Read + Seek> Read for BasesFile<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Ptau(file) => file.read(bytes),
            Self::Scratch(file) => file.read(bytes),
        }
    }
}

impl<R: Read + Seek> Seek for BasesFile<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Ptau(file) => file.seek(to),
            Self::Scratch(file) => file.seek(to),
        }
    }
}

fn write_error(error: io::Error) -> SetupError {
    SetupError::Key(error.into())
}

struct Writer<W>(ContainerWriter<W>);

impl<W: Write + Seek + Send> Sink for Writer<W> {
    fn begin(&mut self, section: u32) -> Result<(), FormatError> {
        Ok(self.0.begin(section)?)
    }

    fn chunk(&mut self, chunk: Chunk<'_>) -> Result<(), FormatError> {
        let lem = Encoding::Montgomery;
        match chunk {
            Chunk::Bytes(bytes) => self.0.write(bytes)?,
            Chunk::G1(points) => self.0.write(&encode(points, lem))?,
            Chunk::G2(points) => self.0.write(&encode(points, lem))?,
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), FormatError> {
        self.0.end()?;
        Ok(())
    }
}

/// A piece of a section of the initial key.
#[derive(Clone, Copy)]
pub(super) enum Chunk<'a> {
    Bytes(&'a [u8]),
    G1(&'a [G1Affine]),
    G2(&'a [G2Affine]),
}

/// A consumer of the initial key's sections: the file writer, or the verifier that compares.
pub(super) trait Sink: Send {
    fn begin(&mut self, section: u32) -> Result<(), FormatError>;
    fn chunk(&mut self, chunk: Chunk<'_>) -> Result<(), FormatError>;
    fn end(&mut self) -> Result<(), FormatError>;
}

/// The initial key of a circuit, computed section by section.
pub(super) struct InitialKey<'a, C, P> {
    r1cs: &'a mut R1cs<C>,
    ptau: &'a mut Ptau<P>,
    lagrange: LagrangeLayout,
    /// Where the Lagrange bases are, if not in the `.ptau` itself.
    scratch: Option<Box<dyn Scratch>>,
    shape: Shape,
    rng: VerifierRng,
    progress: &'a dyn Progress,
    /// [`WIRES_AT_ONCE`] and [`WIRES_PER_PASS`].
    wires_at_once: u32,
    wires_per_pass: u32,
}

impl<'a, C: Read + Seek + Send, P: Read + Seek + Send> InitialKey<'a, C, P> {
    /// Checks that the two files fit together, and lays the bases of the domain ready.
    pub(super) fn open(
        r1cs: &'a mut R1cs<C>,
        ptau: &'a mut Ptau<P>,
        progress: &'a dyn Progress,
    ) -> Result<Self, SetupError> {
        Self::fitting(r1cs, ptau, progress)?.with_bases()
    }

    /// Checks that the two files fit together: enough for the header.
    pub(super) fn fitting(
        r1cs: &'a mut R1cs<C>,
        ptau: &'a mut Ptau<P>,
        progress: &'a dyn Progress,
    ) -> Result<Self, SetupError> {
        let records = ptau.contributions();
        if records.iter().all(|c| c.is_beacon()) {
            return Err(SetupError::NoContribution { records: records.len() });
        }
        let shape = r1cs.shape();
        if ptau.power() < shape.power() {
            return Err(SetupError::PtauTooSmall { found: ptau.power(), expected: shape.power() });
        }
        let (wires_at_once, wires_per_pass) = (WIRES_AT_ONCE, WIRES_PER_PASS);
        let mut key = Self {
            r1cs,
            ptau,
            lagrange: LagrangeLayout::consecutive(Levels::of(shape.power()), false, 0),
            scratch: None,
            shape,
            rng: VerifierRng::from_os()?,
            progress,
            wires_at_once,
            wires_per_pass,
        };
        key.check_ptau()?;
        Ok(key)
    }

    /// Lays the bases of the domain ready: what the sections are made of.
    pub(super) fn with_bases(mut self) -> Result<Self, SetupError> {
        if self.ptau.lagrange().is_none() && !self.ptau.has_scratch() {
            return Err(SetupError::NotPrepared);
        }
        (self.lagrange, self.scratch) = bases(self.ptau, self.shape.power(), self.progress)?;
        Ok(self)
    }

    /// Whether the hash of the key covers one point more than it counts (docs/formats.md, section
    /// 6).
    fn has_surplus(&self) -> bool {
        self.shape.power().exponent() >= SURPLUS_HASH_POWER
    }

    /// Refuses powers that are known, as phase 1's check 8 does, in the records and in
    /// [tau^(2^i)]1; and an order of sections in which the hash cannot be derived.
    fn check_ptau(&mut self) -> Result<(), SetupError> {
        check_fresh_chain(self.ptau.contributions(), self.ptau.ceremony_power())
            .map_err(SetupError::Phase1)?;
        let AccumulatorLayout { tau_g1, tau_g2, .. } = self.ptau.accumulator();
        for i in (0..=self.ptau.power().exponent()).map(|k| 1 << k) {
            let power = self.ptau_points(tau_g1, i, 1)?;
            check_order(i, &power).map_err(SetupError::Phase1)?;
        }
        let (found, expected) =
            (tau_g2.offset, tau_g1.offset + tau_g1.bytes() + SECTION_TABLE_ENTRY_BYTES);
        if self.has_surplus() && self.ptau.power() == self.shape.power() && found != expected {
            return Err(SetupError::SectionOrder { found, expected });
        }
        Ok(())
    }

    /// Writes the whole file.
    fn write<W: Write + Seek + Send>(&mut self, out: W) -> Result<NewKey, SetupError> {
        let header = self.header()?;
        let mut writer = Writer(ContainerWriter::new(out, ZKEY, 10).map_err(write_error)?);
        write_header(&mut writer.0, &header).map_err(write_error)?;
        let (hashes, ()) = self.build(&header, &mut writer, |_, _| ())?;
        let initial_key_hash = hashes.zeros;
        write_contributions(&mut writer.0, initial_key_hash, &[]).map_err(write_error)?;
        writer.0.finish().map_err(write_error)?;
        Ok(NewKey { shape: self.shape, header, initial_key_hash })
    }

    /// Section 2: delta = gamma = 1.
    pub(super) fn header(&mut self) -> Result<Header, SetupError> {
        let powers = self.ptau.accumulator();
        Ok(Header {
            wires: self.shape.wires(),
            public: self.shape.public(),
            power: self.shape.power(),
            alpha_g1: self.ptau_points(powers.alpha_tau_g1, 0, 1)?[0],
            beta_g1: self.ptau_points(powers.beta_tau_g1, 0, 1)?[0],
            beta_g2: self.ptau_points(powers.beta_g2, 0, 1)?[0],
            gamma_g2: bn254_batch::curve::G2_GENERATOR,
            delta_g1: bn254_batch::curve::G1_GENERATOR,
            delta_g2: bn254_batch::curve::G2_GENERATOR,
        })
    }

    /// Computes sections 4, 3, 9, 8, 5, 6, 7 (in this order, which is that of the reference tool's
    /// files) and the hashes of the key. `afterwards` gets the two files once all
    /// that is needed of them is read, in parallel with what is left to do.
    pub(super) fn build<T: Send>(
        &mut self,
        header: &Header,
        sink: &mut dyn Sink,
        afterwards: impl FnOnce(&mut R1cs<C>, &mut Ptau<P>) -> T + Send,
    ) -> Result<(InitialKeyHashes, T), SetupError> {
        let (wires, public) = (self.shape.wires(), self.shape.public());
        let ic = (section::IC, 0..public + 1);
        let others = [
            (section::L, public + 1..wires),
            (section::A, 0..wires),
            (section::B_G1, 0..wires),
            (section::B_G2, 0..wires),
        ];
        let mut hash = InitialHash::new();
        hash.update(&header.points_to_bytes(Encoding::Uncompressed));

        let after = if wires <= self.wires_at_once {
            // All columns come from the pass that section 4 takes anyway.
            let mut columns = self.coefficients(&Column::ALL, sink)?;
            let mut out = ColumnWriter { hash: &mut hash, sink };
            let mut section = |out: &mut ColumnWriter<'_>, (id, wires): (u32, Range<u32>)| {
                out.begin(id, &wires)?;
                out.columns(id, &mut columns, wires.start as usize..wires.end as usize)?;
                out.end()
            };
            section(&mut out, ic)?;
            self.hash_h(out.hash)?;
            self.h(out.sink)?;
            let rest = || others.into_iter().try_for_each(|other| section(&mut out, other));
            let (written, after) = rayon::join(rest, || afterwards(self.r1cs, self.ptau));
            written?;
            after
        } else {
            self.coefficients(&[], sink)?;
            let mut out = ColumnWriter { hash: &mut hash, sink };
            self.in_passes(&mut out, ic)?;
            self.hash_h(out.hash)?;
            self.h(out.sink)?;
            others.into_iter().try_for_each(|other| self.in_passes(&mut out, other))?;
            afterwards(self.r1cs, self.ptau)
        };
        Ok((hash.finish(), after))
    }

    /// A section of sums, with a pass over the circuit for as many wires as are held at a time.
    fn in_passes(
        &mut self,
        out: &mut ColumnWriter<'_>,
        (section, wires): (u32, Range<u32>),
    ) -> Result<(), SetupError> {
        out.begin(section, &wires)?;
        for start in wires.clone().step_by(self.wires_per_pass as usize) {
            let wires = start..wires.end.min(start.saturating_add(self.wires_per_pass));
            let plan = Plan { wires: wires.clone(), columns: &[column_of(section)] };
            let mut columns = self.pass(section_name(section), &plan, |_| Ok(()))?;
            out.columns(section, &mut columns, 0..wires.len())?;
        }
        out.end()
    }

    fn ptau_points<G: Point>(
        &mut self,
        run: PointRun<G>,
        start: u64,
        count: usize,
    ) -> Result<Vec<G>, SetupError> {
        run.read(self.ptau.source(), &mut self.rng, start, count).map_err(SetupError::Ptau)
    }

    /// Section 4: per constraint the terms of A, then of B; then the input rows. And, on the way,
    /// these columns of all wires.
    fn coefficients(
        &mut self,
        columns: &[Column],
        sink: &mut dyn Sink,
    ) -> Result<Columns, SetupError> {
        let in_key = |term: &&Term| term.matrix != Matrix::C;
        // The first pass over the circuit counts, and refuses a malformed one before any work is
        // done.
        let (mut count, mut rows) = (0, Rows::new(self.r1cs));
        while let Some(terms) = rows.next()? {
            count += terms.iter().filter(in_key).count() as u64;
        }
        let count = u32::try_from(count).map_err(|_| SetupError::TooManyTerms { found: count })?;

        sink.begin(section::COEFFICIENTS).map_err(SetupError::Key)?;
        sink.chunk(Chunk::Bytes(&count.to_le_bytes())).map_err(SetupError::Key)?;
        let mut bytes = Vec::new();
        let write = |terms: &[Term]| {
            bytes.clear();
            for term in terms.iter().filter(in_key) {
                push_coefficient(
                    &mut bytes,
                    (term.matrix == Matrix::B).into(),
                    term.constraint,
                    term.wire,
                    term.value,
                );
            }
            sink.chunk(Chunk::Bytes(&bytes)).map_err(SetupError::Key)
        };
        let plan = Plan { wires: 0..self.shape.wires(), columns };
        let columns = self.pass(
            if columns.is_empty() { "coefficients" } else { "coefficients and columns" },
            &plan,
            write,
        )?;
        sink.end().map_err(SetupError::Key)?;
        Ok(columns)
    }

    fn pass(
        &mut self,
        step: &str,
        plan: &Plan<'_>,
        also: impl FnMut(&[Term]) -> Result<(), SetupError> + Send,
    ) -> Result<Columns, SetupError> {
        let Self { r1cs, ptau, lagrange, scratch, shape, rng, progress, .. } = self;
        let mut file = file_of_bases(ptau, scratch);
        let level = lagrange.levels.start_of(shape.power().exponent());
        let mut basis = Basis { source: &mut file, lagrange: *lagrange, level };
        progress.begin(step, u64::from(shape.constraints()) + u64::from(shape.public()));
        let columns = qap::pass(plan, r1cs, &mut basis, rng, *progress, also)?;
        progress.end();
        Ok(columns)
    }

    /// Section 9 with delta = 1: the odd entries of level k + 1, as they are.
    fn h(&mut self, sink: &mut dyn Sink) -> Result<(), SetupError> {
        let n = self.shape.power().n();
        let level = self.lagrange.levels.start_of(self.shape.power().exponent() + 1);
        let (run, all) = (self.lagrange.tau_g1, level..level + 2 * n);
        let mut file = file_of_bases(self.ptau, &mut self.scratch);
        let mut pieces = ReadAhead::new(&mut file);
        pieces.want(&run, all.clone(), 0);
        sink.begin(section::H).map_err(SetupError::Key)?;
        self.progress.begin("H", n);
        // Chunks begin at even entries.
        for start in all.step_by(CHUNK_POINTS) {
            let both = run.next_on_curve(&mut pieces, start).map_err(SetupError::Ptau)?;
            let odd: Vec<G1Affine> = both.into_iter().skip(1).step_by(2).collect();
            sink.chunk(Chunk::G1(&odd)).map_err(SetupError::Key)?;
            self.progress.advance(odd.len() as u64);
        }
        self.progress.end();
        sink.end().map_err(SetupError::Key)
    }

    /// The part of the hash that stands for H: `{[tau^i (tau^N - 1)]1, i < N - 1}`, and from power
    /// 15 on one point more than is counted.
    fn hash_h(&mut self, hash: &mut InitialHash) -> Result<(), SetupError> {
        let n = self.shape.power().n();
        // Where the `.ptau` has no larger power, the last point to be hashed is none of the file.
        let (surplus, in_file) = (self.has_surplus(), self.shape.power() < self.ptau.power());
        let count = n - 1 + u64::from(surplus && in_file);
        let powers = self.ptau.accumulator().tau_g1;
        hash_count(hash, n - 1);
        let chunks = || {
            (0..count)
                .step_by(CHUNK_POINTS)
                .map(|start| start..count.min(start + CHUNK_POINTS as u64))
        };
        let mut pieces = ReadAhead::new(self.ptau.source());
        for low in chunks() {
            pieces.want(&powers, low.clone(), 0);
            pieces.want(&powers, low.start + n..low.end + n, 0);
        }
        self.progress.begin("hash of H", count);
        for low in chunks() {
            hash.make_next(|encoded| {
                let len = (low.end - low.start) as usize;
                let mut differences = IndexedSums::new(len);
                let subtracted = powers.next_on_curve(&mut pieces, low.start)?;
                differences
                    .add(&(0..).zip(subtracted).map(|(i, low)| (i, -low)).collect::<Vec<_>>());
                let high = powers.next_on_curve(&mut pieces, low.start + n)?;
                differences.add(&(0..).zip(high).collect::<Vec<_>>());
                encoded.set(&differences.sums(0..len));
                Ok(())
            })
            .map_err(SetupError::Ptau)?;
            self.progress.advance(low.end - low.start);
        }
        self.progress.end();
        if surplus && !in_file {
            let last = self.ptau_points(powers, n - 1, 1)?[0];
            hash.update(&surplus::uncompressed(self.ptau.power(), last));
        }
        Ok(())
    }
}

/// Hashes columns and hands them on.
struct ColumnWriter<'a> {
    hash: &'a mut InitialHash,
    sink: &'a mut dyn Sink,
}

impl ColumnWriter<'_> {
    fn begin(&mut self, section: u32, wires: &Range<u32>) -> Result<(), SetupError> {
        hash_count(self.hash, wires.len() as u64);
        self.sink.begin(section).map_err(SetupError::Key)
    }

    fn end(&mut self) -> Result<(), SetupError> {
        self.sink.end().map_err(SetupError::Key)
    }

    /// The columns of these wires, counted from the first one of the plan.
    fn columns(
        &mut self,
        section: u32,
        columns: &mut Columns,
        wires: Range<usize>,
    ) -> Result<(), SetupError> {
        match column_of(section) {
            Column::Combined => self.write(&mut columns.combined, wires),
            Column::A => self.write(&mut columns.a, wires),
            Column::B1 => self.write(&mut columns.b1, wires),
            Column::B2 => self.write(&mut columns.b2, wires),
        }
    }

    fn write<G: Point>(
        &mut self,
        sums: &mut IndexedSums<G>,
        wires: Range<usize>,
    ) -> Result<(), SetupError>
    where
        for<'c> &'c [G]: Into<Chunk<'c>>,
    {
        for start in wires.clone().step_by(CHUNK_POINTS) {
            let next = |encoded: &mut Encoded| {
                let points = sums.sums(start..wires.end.min(start + CHUNK_POINTS));
                encoded.set(&points);
                self.sink.chunk(points.as_slice().into())
            };
            self.hash.make_next(next).map_err(SetupError::Key)?;
        }
        Ok(())
    }
}

impl<'a> From<&'a [G1Affine]> for Chunk<'a> {
    fn from(points: &'a [G1Affine]) -> Self {
        Self::G1(points)
    }
}

impl<'a> From<&'a [G2Affine]> for Chunk<'a> {
    fn from(points: &'a [G2Affine]) -> Self {
        Self::G2(points)
    }
}

fn column_of(section: u32) -> Column {
    match section {
        section::IC | section::L => Column::Combined,
        section::A => Column::A,
        section::B_G1 => Column::B1,
        _ => Column::B2,
    }
}

fn section_name(section: u32) -> &'static str {
    match section {
        section::IC => "IC",
        section::L => "L",
        section::A => "A",
        section::B_G1 => "B1",
        _ => "B2",
    }
}

fn hash_count(hash: &mut InitialHash, count: u64) {
    // Every run has at most 2^32 - 1 points: their number is a u32 of the header.
    hash.update(&(count as u32).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use ark_ff::Field;

    use super::*;
    use crate::entropy::ContributionRng;
    use crate::format::r1cs::write_r1cs;
    use crate::phase1::contribute;
    use crate::phase1::prepare::prepare;
    use crate::progress::NoProgress;

    #[test]
    fn a_key_is_the_same_whether_its_columns_come_in_one_pass_or_in_many() {
        let (wires, constraints) = (21, 27);
        let row = |i: u32| {
            (0..i % 3)
                .map(|j| {
                    (
                        bn254_batch::curve::Fr::from(i + j + 1).pow([u64::from(i % 2)]),
                        (5 * i + j) % wires,
                    )
                })
                .collect()
        };
        let shape = Shape::new(wires, 1, 3, 2, constraints).unwrap();
        let circuit = write_r1cs(
            Cursor::new(Vec::new()),
            shape,
            (0..constraints).map(|i| [row(i), row(i + 1), row(i + 2)]),
        )
        .unwrap();
        let (mut fresh, mut contributed, mut prepared) =
            (Cursor::new(Vec::new()), Cursor::new(Vec::new()), Cursor::new(Vec::new()));
        contribute::new(shape.power(), &mut fresh, &NoProgress).unwrap();
        let rng = ContributionRng::from_os_and_text(b"").unwrap();
        contribute::contribute(
            &mut Ptau::open(&mut fresh).unwrap(),
            &mut contributed,
            rng,
            None,
            &NoProgress,
        )
        .unwrap();
        prepare(&mut Ptau::open(&mut contributed).unwrap(), &mut prepared, &NoProgress).unwrap();
        let (mut r1cs, mut ptau) = (R1cs::open(circuit).unwrap(), Ptau::open(prepared).unwrap());
        let mut with = |at_once, per_pass| {
            let mut key = InitialKey::open(&mut r1cs, &mut ptau, &NoProgress).unwrap();
            (key.wires_at_once, key.wires_per_pass) = (at_once, per_pass);
            let mut out = Cursor::new(Vec::new());
            let made = key.write(&mut out).unwrap();
            (out.into_inner(), made)
        };
        let at_once = with(wires, 1);
        for per_pass in [1, 4, 17, 20, 21, 1000] {
            assert!(with(wires - 1, per_pass) == at_once, "{per_pass}");
        }
    }
}
