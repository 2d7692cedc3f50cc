//! The initial key of a circuit: what phase 2 starts from, a function of an `.r1cs` and a prepared `.ptau` alone, with no secret of its own
//! (delta = gamma = 1).
//!
//! For a circuit of m constraints, n wires, l of them public, let N = 2^k be its domain, L_i the Lagrange basis of the domain, and tau, alpha,
//! beta the secrets of phase 1. The column polynomials (Groth16, section 2.3) are `A_s = sum_i A[i][s] L_i`, likewise B_s and C_s,
//! with the rows m + s of A, s <= l, holding wire s with coefficient 1: they make the public columns independent. The key is then
//! linear in what a prepared `.ptau` holds, `{[L_i(tau)]1}`, `{[L_i(tau)]2}`, `{[alpha L_i(tau)]1}`, `{[beta L_i(tau)]1}`:
//!
//! ```text
//! IC_s (s <= l), L_s (s > l) = sum_i A[i][s] [beta L_i]1 + B[i][s] [alpha L_i]1 + C[i][s] [L_i]1
//! A_s = sum_i A[i][s] [L_i]1    B1_s = sum_i B[i][s] [L_i]1    B2_s = sum_i B[i][s] [L_i]2
//! H_i = the Lagrange basis of the domain of 2N points at its odd places
//! ```
//!
//! Assumed, not checked here: the `.ptau` is verified (`phase1`), its Lagrange sections included. Points are checked to be on their
//! curves and in their groups. Neither file is held in memory: each sum is a pass over the circuit for
//! [`WIRES_PER_PASS`] wires at a time.

use std::io::{Read, Seek, Write};
use std::ops::Range;

use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField};
use rayon::prelude::*;

use crate::arith::{KeyedSums, mul_each};
use crate::curve::{FR_MODULUS, Fr, G1Affine, G2Affine, Point};
use crate::entropy::{OsRandomError, VerifierRng};
use crate::format::FormatError;
use crate::format::container::ContainerWriter;
use crate::format::encoding::{Encoding, encode, encode_into};
use crate::format::points::PointRun;
use crate::format::ptau::{LagrangeLayout, Power, Ptau};
use crate::format::r1cs::{Matrix, R1cs, Shape, Term};
use crate::format::zkey::{Header, ZKEY, push_coefficient, section, write_contributions, write_header};
use crate::hash::{Blake2b512, InitialKeyHash, update_points};
use crate::limits::{CHUNK_POINTS, CHUNK_TERMS, WIRES_PER_PASS};
use crate::progress::Progress;
use crate::ratio::scalar_combination;

/// The smallest power of a circuit whose initial key's hash includes one point more than it counts (formats page, section 6).
pub const SURPLUS_HASH_POWER: u32 = 15;

/// Why there is no initial key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The circuit cannot be read.
    #[error("the circuit (.r1cs): {0}")]
    R1cs(#[source] FormatError),
    /// The phase-1 file cannot be read.
    #[error("the powers of tau (.ptau): {0}")]
    Ptau(#[source] FormatError),
    /// The key cannot be written (or, while verifying, read).
    #[error("the key (.zkey): {0}")]
    Key(#[source] FormatError),
    /// The checks of points had no randomness.
    #[error(transparent)]
    OsRandom(#[from] OsRandomError),
    /// The phase-1 file has no Lagrange bases.
    #[error("the .ptau is not prepared for phase 2\n  found     no sections 12 to 15\n  expected  all of them: prepare it first")]
    NotPrepared,
    /// The circuit needs a larger phase 1.
    #[error("the .ptau is too small for the circuit\n  found     power {found}\n  expected  at least power {expected}")]
    PtauTooSmall {
        /// Of the `.ptau`.
        found: Power,
        /// Of the circuit.
        expected: Power,
    },
    /// Nobody contributed to phase 1, so that tau is publicly known.
    #[error(
        "nobody contributed to the .ptau\n  found     {records} records, all of them beacons\n  expected  a contribution that is not a beacon"
    )]
    NoContribution {
        /// Number of records.
        records: usize,
    },
    /// The initial key's hash would not be one that others can recompute.
    #[error(
        "a .ptau of the circuit's own power gives a key whose hash nobody can recompute, from power {SURPLUS_HASH_POWER} on\n  found     power {power}\n  expected  a .ptau of power {} or more",
        power.exponent() + 1
    )]
    EqualPower {
        /// Of the circuit and the `.ptau`.
        power: Power,
    },
    /// Section 4 counts its entries in 32 bits.
    #[error("too many terms in A and B\n  found     {found}\n  expected  at most {}", u32::MAX)]
    TooManyTerms {
        /// Those of the circuit and its input rows.
        found: u64,
    },
}

impl SetupError {
    /// Whether the environment failed (reading, writing, randomness), and not the artefact.
    #[must_use]
    pub fn is_environment(&self) -> bool {
        match self {
            Self::R1cs(error) | Self::Ptau(error) | Self::Key(error) => matches!(error, FormatError::Io(_) | FormatError::OsRandom(_)),
            other => matches!(other, Self::OsRandom(_)),
        }
    }
}

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

/// Writes the initial key of a circuit to `out`, an empty temporary file which is complete only when this returns `Ok`.
///
/// The bytes are those that snarkjs writes for the same two files. The `.ptau` is taken to be verified; that it has a contribution which is
/// not a beacon is checked once more.
///
/// # Errors
/// [`SetupError`]: files that do not fit together, or that cannot be read or written.
pub fn new_key<C: Read + Seek + Send, P: Read + Seek + Send, W: Write + Seek + Send>(
    r1cs: &mut R1cs<C>,
    ptau: &mut Ptau<P>,
    out: W,
    progress: &dyn Progress,
) -> Result<NewKey, SetupError> {
    let mut key = InitialKey::open(r1cs, ptau, progress)?;
    if !key.hash_is_defined() {
        return Err(SetupError::EqualPower { power: key.shape.power() });
    }
    let header = key.header()?;
    let mut writer = Writer(ContainerWriter::new(out, ZKEY, 10).map_err(write_error)?);
    write_header(&mut writer.0, &header).map_err(write_error)?;
    let initial_key_hash = key.build(&header, &mut writer)?.ok_or(SetupError::EqualPower { power: key.shape.power() })?;
    write_contributions(&mut writer.0, initial_key_hash, &[]).map_err(write_error)?;
    writer.0.finish().map_err(write_error)?;
    Ok(NewKey { shape: key.shape, header, initial_key_hash })
}

fn write_error(error: std::io::Error) -> SetupError {
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

/// Whoever wants the initial key: the writer of the file, and the verifier who compares.
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
    shape: Shape,
    rng: VerifierRng,
    progress: &'a dyn Progress,
}

impl<'a, C: Read + Seek + Send, P: Read + Seek + Send> InitialKey<'a, C, P> {
    /// Checks that the two files fit together.
    pub(super) fn open(r1cs: &'a mut R1cs<C>, ptau: &'a mut Ptau<P>, progress: &'a dyn Progress) -> Result<Self, SetupError> {
        let records = ptau.contributions();
        if records.iter().all(|c| c.is_beacon()) {
            return Err(SetupError::NoContribution { records: records.len() });
        }
        let shape = r1cs.shape();
        if ptau.power() < shape.power() {
            return Err(SetupError::PtauTooSmall { found: ptau.power(), expected: shape.power() });
        }
        let lagrange = ptau.lagrange().ok_or(SetupError::NotPrepared)?;
        Ok(Self { r1cs, ptau, lagrange, shape, rng: VerifierRng::from_os()?, progress })
    }

    /// False for a circuit of power 15 or more with a `.ptau` of the same power: the reference tool then hashes bytes that are no point.
    pub(super) fn hash_is_defined(&self) -> bool {
        self.shape.power().exponent() < SURPLUS_HASH_POWER || self.shape.power() < self.ptau.power()
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
            gamma_g2: crate::curve::G2_GENERATOR,
            delta_g1: crate::curve::G1_GENERATOR,
            delta_g2: crate::curve::G2_GENERATOR,
        })
    }

    /// Computes sections 4, 3, 9, 8, 5, 6, 7 (in this order, which is that of the reference tool's files) and the hash of the key, if it is
    /// defined.
    pub(super) fn build(&mut self, header: &Header, sink: &mut dyn Sink) -> Result<Option<InitialKeyHash>, SetupError> {
        let (wires, public) = (self.shape.wires(), self.shape.public());
        let LagrangeLayout { tau_g1, tau_g2, alpha_tau_g1, beta_tau_g1 } = self.lagrange;
        let combined = [(Matrix::A, beta_tau_g1), (Matrix::B, alpha_tau_g1), (Matrix::C, tau_g1)];
        let mut hash = Blake2b512::new();
        hash.update(&header.points_to_bytes(Encoding::Uncompressed));

        self.coefficients(sink)?;
        self.sums(section::IC, 0..public + 1, &combined, &mut hash, sink)?;
        self.hash_h(&mut hash)?;
        self.h(sink)?;
        self.sums(section::L, public + 1..wires, &combined, &mut hash, sink)?;
        self.sums(section::A, 0..wires, &[(Matrix::A, tau_g1)], &mut hash, sink)?;
        self.sums(section::B_G1, 0..wires, &[(Matrix::B, tau_g1)], &mut hash, sink)?;
        self.sums(section::B_G2, 0..wires, &[(Matrix::B, tau_g2)], &mut hash, sink)?;
        Ok(self.hash_is_defined().then(|| InitialKeyHash(hash.finish())))
    }

    fn ptau_points<G: Point>(&mut self, run: PointRun<G>, start: u64, count: usize) -> Result<Vec<G>, SetupError> {
        run.read(self.ptau.source(), &mut self.rng, start, count).map_err(SetupError::Ptau)
    }

    /// Section 4: per constraint the terms of A, then of B; then the input rows.
    fn coefficients(&mut self, sink: &mut dyn Sink) -> Result<(), SetupError> {
        let in_key = |term: &&Term| term.matrix != Matrix::C;
        let inputs = self.shape.public() + 1;
        let mut count = u64::from(inputs);
        // The first pass over the circuit counts, and refuses a malformed one before any work is done.
        let mut terms = self.r1cs.terms();
        while let Some(chunk) = terms.next_chunk().map_err(SetupError::R1cs)? {
            count += chunk.iter().filter(in_key).count() as u64;
        }
        let count = u32::try_from(count).map_err(|_| SetupError::TooManyTerms { found: count })?;

        sink.begin(section::COEFFICIENTS).map_err(SetupError::Key)?;
        sink.chunk(Chunk::Bytes(&count.to_le_bytes())).map_err(SetupError::Key)?;
        let mut bytes = Vec::new();
        let mut terms = self.r1cs.terms();
        let mut next = terms.next_chunk();
        while let Some(chunk) = next.map_err(SetupError::R1cs)? {
            let write = || {
                for term in chunk.iter().filter(in_key) {
                    push_coefficient(&mut bytes, (term.matrix == Matrix::B).into(), term.constraint, term.wire, term.value);
                }
                sink.chunk(Chunk::Bytes(&bytes)).map_err(SetupError::Key)?;
                bytes.clear();
                Ok::<_, SetupError>(())
            };
            let (written, read) = rayon::join(write, || terms.next_chunk());
            written?;
            next = read;
        }
        for start in (0..inputs).step_by(CHUNK_TERMS) {
            for wire in start..inputs.min(start + CHUNK_TERMS as u32) {
                push_coefficient(&mut bytes, 0, self.shape.constraints() + wire, wire, Fr::ONE);
            }
            sink.chunk(Chunk::Bytes(&bytes)).map_err(SetupError::Key)?;
            bytes.clear();
        }
        sink.end().map_err(SetupError::Key)
    }

    /// Section 9 with delta = 1: the odd entries of level k + 1, as they are.
    fn h(&mut self, sink: &mut dyn Sink) -> Result<(), SetupError> {
        let (n, level) = (self.shape.power().n(), 2 * self.shape.power().n() - 1);
        sink.begin(section::H).map_err(SetupError::Key)?;
        self.progress.begin("H", n);
        for start in (0..n).step_by(CHUNK_POINTS / 2) {
            let count = (n - start).min(CHUNK_POINTS as u64 / 2);
            let both = self.ptau_points(self.lagrange.tau_g1, level + 2 * start, 2 * count as usize)?;
            let odd: Vec<G1Affine> = both.into_iter().skip(1).step_by(2).collect();
            sink.chunk(Chunk::G1(&odd)).map_err(SetupError::Key)?;
            self.progress.advance(count);
        }
        self.progress.end();
        sink.end().map_err(SetupError::Key)
    }

    /// The part of the hash that stands for H: `{[tau^i (tau^N - 1)]1, i < N - 1}`, and from power 15 on one point more than is counted.
    fn hash_h(&mut self, hash: &mut Blake2b512) -> Result<(), SetupError> {
        let n = self.shape.power().n();
        let surplus = self.hash_is_defined() && self.shape.power().exponent() >= SURPLUS_HASH_POWER;
        let count = n - 1 + u64::from(surplus);
        let powers = self.ptau.accumulator().tau_g1;
        hash_count(hash, n - 1);
        let (mut waiting, mut encoded) = (Vec::new(), Vec::new());
        self.progress.begin("hash of H", count);
        for start in (0..count).step_by(CHUNK_POINTS) {
            let len = (count - start).min(CHUNK_POINTS as u64) as usize;
            let low = self.ptau_points(powers, start, len)?;
            let high = self.ptau_points(powers, start + n, len)?;
            let mut differences = KeyedSums::new(len);
            differences.add(&(0..).zip(high).collect::<Vec<_>>());
            differences.add(&(0..).zip(low).map(|(i, low)| (i, -low)).collect::<Vec<_>>());
            let differences = differences.sums(0..len);
            rayon::join(|| hash.update(&waiting), || encode_into(&differences, Encoding::Uncompressed, &mut encoded));
            std::mem::swap(&mut waiting, &mut encoded);
            self.progress.advance(len as u64);
        }
        hash.update(&waiting);
        self.progress.end();
        Ok(())
    }

    /// One section: for each wire the sum, over the given matrices, of entry (i, wire) times point i of the matrix's Lagrange run.
    fn sums<G: Point>(
        &mut self,
        section: u32,
        wires: Range<u32>,
        parts: &[(Matrix, PointRun<G>)],
        hash: &mut Blake2b512,
        sink: &mut dyn Sink,
    ) -> Result<(), SetupError>
    where
        for<'c> &'c [G]: Into<Chunk<'c>>,
    {
        sink.begin(section).map_err(SetupError::Key)?;
        hash_count(hash, wires.len() as u64);
        for start in wires.clone().step_by(WIRES_PER_PASS as usize) {
            let wires = start..wires.end.min(start.saturating_add(WIRES_PER_PASS));
            let mut sums = self.pass(section, wires.clone(), parts)?;
            for start in (0..wires.len()).step_by(CHUNK_POINTS) {
                let points = sums.sums(start..wires.len().min(start + CHUNK_POINTS));
                let chunk = || sink.chunk(points.as_slice().into());
                let ((), written) = rayon::join(|| update_points(hash, &points, Encoding::Uncompressed), chunk);
                written.map_err(SetupError::Key)?;
            }
        }
        sink.end().map_err(SetupError::Key)
    }

    /// One pass over the circuit for the sums of `wires`.
    fn pass<G: Point>(&mut self, section: u32, wires: Range<u32>, parts: &[(Matrix, PointRun<G>)]) -> Result<KeyedSums<G>, SetupError> {
        let mut sums = KeyedSums::new(wires.len());
        let (shape, level) = (self.shape, self.shape.power().n() - 1);
        self.progress.begin(section_name(section), shape.constraints().into());
        let mut done = 0;
        let mut terms = self.r1cs.terms();
        // The next terms are read, which one core does, while some are added.
        let mut next = terms.next_chunk();
        while let Some(chunk) = next.map_err(SetupError::R1cs)? {
            let (ptau, rng, sums) = (&mut *self.ptau, &mut self.rng, &mut sums);
            let add = || {
                for (matrix, run) in parts {
                    let relevant = |t: &&Term| t.matrix == *matrix && wires.contains(&t.wire) && t.value != Fr::ZERO;
                    let chunk: Vec<Term> = chunk.iter().filter(relevant).copied().collect();
                    add_terms(sums, wires.start, &chunk, |first, count| run.read(ptau.source(), rng, level + u64::from(first), count))?;
                }
                Ok(())
            };
            let (added, read) = rayon::join(add, || terms.next_chunk());
            added.map_err(SetupError::Ptau)?;
            next = read;
            let reached = chunk.last().map_or(done, |t| t.constraint);
            self.progress.advance((reached - done).into());
            done = reached;
        }
        // The input rows, wire s in row m + s of A.
        for (_, run) in parts.iter().filter(|(matrix, _)| *matrix == Matrix::A) {
            let inputs = wires.start..wires.end.min(shape.public() + 1);
            for start in inputs.clone().step_by(CHUNK_TERMS) {
                let row = |wire| Term { matrix: Matrix::A, constraint: shape.constraints() + wire, wire, value: Fr::ONE };
                let rows: Vec<Term> = (start..inputs.end.min(start + CHUNK_TERMS as u32)).map(row).collect();
                add_terms(&mut sums, wires.start, &rows, |first, count| {
                    run.read(self.ptau.source(), &mut self.rng, level + u64::from(first), count)
                })
                .map_err(SetupError::Ptau)?;
            }
        }
        self.progress.end();
        Ok(sums)
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

fn section_name(section: u32) -> &'static str {
    match section {
        section::IC => "IC",
        section::L => "L",
        section::A => "A",
        section::B_G1 => "B1",
        _ => "B2",
    }
}

fn hash_count(hash: &mut Blake2b512, count: u64) {
    // Every run has at most 2^32 - 1 points: their number is a u32 of the header.
    hash.update(&(count as u32).to_be_bytes());
}

/// Adds value * `P_constraint` to the sum of wire - `first_wire`, for terms in the order of their constraints. `read` gives the points of
/// consecutive constraints.
fn add_terms<G: Point>(
    sums: &mut KeyedSums<G>,
    first_wire: u32,
    terms: &[Term],
    read: impl FnOnce(u32, usize) -> Result<Vec<G>, FormatError>,
) -> Result<(), FormatError> {
    /// Entries for which the buckets of a combination pay.
    const MANY: usize = 256;
    let (Some(first), Some(last)) = (terms.first(), terms.last()) else { return Ok(()) };
    let points = read(first.constraint, (last.constraint - first.constraint) as usize + 1)?;

    // Most entries of compiled circuits are 1 or -1: no multiplication.
    let with_magnitude = |term: &Term| {
        let point = points[(term.constraint - first.constraint) as usize];
        let (magnitude, point) = if term.value.into_bigint() > HALF { (-term.value, -point) } else { (term.value, point) };
        (term.wire - first_wire, magnitude, point)
    };
    let terms: Vec<(u32, Fr, G)> = terms.par_iter().with_min_len(256).map(with_magnitude).collect();
    let (units, mut multiples): (Vec<_>, Vec<_>) = terms.into_iter().partition(|(_, magnitude, _)| *magnitude == Fr::ONE);
    let mut products: Vec<(u32, G)> = units.into_iter().map(|(wire, _, point)| (wire, point)).collect();
    // A wire with many others, such as the constant one, is one combination; the rest are multiplied one by one. Nothing here is secret.
    multiples.par_sort_by_key(|(wire, _, _)| *wire);
    let mut each = Vec::new();
    for of_wire in multiples.chunk_by(|(a, _, _), (b, _, _)| a == b) {
        if of_wire.len() < MANY {
            each.extend_from_slice(of_wire);
        } else {
            let (magnitudes, points): (Vec<Fr>, Vec<G>) = of_wire.iter().map(|(_, magnitude, point)| (*magnitude, *point)).unzip();
            products.push((of_wire[0].0, scalar_combination(&points, &magnitudes).into_affine()));
        }
    }
    let (magnitudes, mut multiplied): (Vec<Fr>, Vec<G>) = each.iter().map(|(_, magnitude, point)| (*magnitude, *point)).unzip();
    mul_each(&mut multiplied, &magnitudes);
    products.extend(each.iter().zip(multiplied).map(|((wire, _, _), point)| (*wire, point)));
    sums.add(&products);
    Ok(())
}

/// (r - 1) / 2: entries above are negative numbers, and shorter when negated.
const HALF: BigInt<4> = FR_MODULUS.divide_by_2_round_down();

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of every kind for a wire with many, one with as many as are multiplied one by one, and one with few.
    fn sums_are_those_of_the_products<G: Point>()
    where
        G::Group: CurveGroup<Affine = G>,
    {
        let points: Vec<G> = {
            let steps = std::iter::successors(Some(G::generator().into_group()), |p| Some(*p + G::generator()));
            G::Group::normalize_batch(&steps.take(400).collect::<Vec<_>>())
        };
        let entry = |i: u32| match i % 5 {
            0 => Fr::ONE,
            1 => -Fr::ONE,
            2 => Fr::from(i),
            3 => -Fr::from(i),
            _ => Fr::from(i).inverse().unwrap_or(Fr::ONE),
        };
        let wire = |i: u32| match i % 16 {
            0 => 70,
            1..9 => 64,
            _ => 3,
        };
        let first = 11;
        let term = |i: u32| Term { matrix: Matrix::A, constraint: first + i / 4, wire: wire(i), value: entry(i) };
        let terms: Vec<Term> = (0..1600).map(term).collect();
        let of_wire = |wire| terms.iter().filter(|t| t.wire == wire && t.value != Fr::ONE && t.value != -Fr::ONE).count();
        assert!(of_wire(64) > 256 && of_wire(70) < 256);
        let mut sums = KeyedSums::new(75);
        let read = |start: u32, count: usize| {
            assert_eq!((start, count), (first, 400));
            Ok(points.clone())
        };
        add_terms(&mut sums, 1, &terms, read).unwrap();
        for (sum, wire) in sums.sums(0..75).into_iter().zip(1..) {
            let of_wire = terms.iter().filter(|t| t.wire == wire);
            let log: Fr = of_wire.map(|t| t.value * Fr::from(t.constraint - first + 1)).sum();
            assert!(sum.into_group() == G::generator() * log, "{} {wire}", G::GROUP);
        }
    }

    #[test]
    fn a_wire_with_many_entries_has_the_sum_of_their_products() {
        sums_are_those_of_the_products::<G1Affine>();
        sums_are_those_of_the_products::<G2Affine>();
    }
}
