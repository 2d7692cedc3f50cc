//! The columns of a circuit's matrices, as sums of points: most of an initial key.
//!
//! For a matrix M and points P_i, one for each row i, the column of wire s is `sum_i M[i][s] P_i`.
//! A key has four kinds of them, in the notation of [`circuit`](super::circuit):
//!
//! | column | sum over the rows i | sections |
//! |---|---|---|
//! | [`Column::Combined`] | `A[i][s] [beta L_i]1 + B[i][s] [alpha L_i]1 + C[i][s] [L_i]1` | IC, L |
//! | [`Column::A`] | `A[i][s] [L_i]1` | A |
//! | [`Column::B1`] | `B[i][s] [L_i]1` | B1 |
//! | [`Column::B2`] | `B[i][s] [L_i]2` | B2 |
//!
//! One [`pass`] over circuit and points makes all that a [`Plan`] asks for. Neither is held in
//! memory: terms come in chunks, with the points of their rows, and the next ones are read while
//! some are added. Rows of the constraints come first, then the input rows: row m + s of A, s <= l,
//! has wire s with coefficient 1.

use std::io::{Read, Seek};
use std::ops::Range;

use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField};
use bn254_batch::Point;
use bn254_batch::curve::{FR_MODULUS, Fr, G1Affine, G2Affine};
use bn254_batch::{IndexedSums, Multiple};
use rayon::prelude::*;

use super::error::SetupError;
use crate::entropy::VerifierRng;
use crate::format::FormatError;
use crate::format::points::PointRun;
use crate::format::ptau::LagrangeLayout;
use crate::format::r1cs::{Matrix, R1cs, Shape, Term, Terms};
use crate::limits::CHUNK_TERMS;
use crate::progress::Progress;
use crate::ratio::scalar_combination;

/// A kind of column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Combined,
    A,
    B1,
    B2,
}

impl Column {
    pub(super) const ALL: [Self; 4] = [Self::Combined, Self::A, Self::B1, Self::B2];
}

/// What a pass is to make: these columns of these wires.
#[derive(Clone, Debug)]
pub(super) struct Plan<'a> {
    pub(super) wires: Range<u32>,
    pub(super) columns: &'a [Column],
}

impl Plan<'_> {
    fn has(&self, column: Column) -> bool {
        self.columns.contains(&column)
    }

    /// Whether the term changes a sum.
    fn needs(&self, term: &Term) -> bool {
        let used = match term.matrix {
            Matrix::A => self.has(Column::A),
            Matrix::B => self.has(Column::B1) || self.has(Column::B2),
            Matrix::C => false,
        };
        (used || self.has(Column::Combined))
            && self.wires.contains(&term.wire)
            && term.value != Fr::ZERO
    }

    fn sums<P: Point>(&self, column: Column) -> IndexedSums<P> {
        IndexedSums::new(if self.has(column) { self.wires.len() } else { 0 })
    }
}

/// Columns of a run of wires. Those that were not planned are of no wire.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) combined: IndexedSums<G1Affine>,
    pub(super) a: IndexedSums<G1Affine>,
    pub(super) b1: IndexedSums<G1Affine>,
    pub(super) b2: IndexedSums<G2Affine>,
}

/// The points of a domain: a level of the Lagrange sections, in an open file.
pub(super) struct Basis<'a, R> {
    pub(super) source: &'a mut R,
    pub(super) lagrange: LagrangeLayout,
    /// Where the level begins.
    pub(super) level: u64,
}

/// The rows of a circuit, chunk by chunk: constraints, then inputs.
pub(super) struct Rows<'a, R> {
    terms: Terms<'a, R>,
    shape: Shape,
    /// The inputs whose rows are left.
    inputs: Range<u32>,
}

impl<'a, R: Read + Seek + Send> Rows<'a, R> {
    pub(super) fn new(r1cs: &'a mut R1cs<R>) -> Self {
        let shape = r1cs.shape();
        Self { terms: r1cs.terms(), shape, inputs: 0..shape.public() + 1 }
    }

    /// The next terms, in the order of rows, as [`Terms::next_chunk`] limits them.
    pub(super) fn next(&mut self) -> Result<Option<Vec<Term>>, SetupError> {
        if let Some(terms) = self.terms.next_chunk().map_err(SetupError::R1cs)? {
            return Ok(Some(terms));
        }
        let m = self.shape.constraints();
        let row = |wire| Term { matrix: Matrix::A, constraint: m + wire, wire, value: Fr::ONE };
        let terms: Vec<Term> = self.inputs.by_ref().take(CHUNK_TERMS).map(row).collect();
        Ok((!terms.is_empty()).then_some(terms))
    }
}

/// Makes the planned columns. `also` sees all terms as they come, in the order of rows.
pub(super) fn pass<C: Read + Seek + Send, P: Read + Seek + Send>(
    plan: &Plan<'_>,
    r1cs: &mut R1cs<C>,
    basis: &mut Basis<'_, P>,
    rng: &mut VerifierRng,
    progress: &dyn Progress,
    mut also: impl FnMut(&[Term]) -> Result<(), SetupError> + Send,
) -> Result<Columns, SetupError> {
    let mut columns = Columns {
        combined: plan.sums(Column::Combined),
        a: plan.sums(Column::A),
        b1: plan.sums(Column::B1),
        b2: plan.sums(Column::B2),
    };
    let mut rows = Rows::new(r1cs);
    let mut read = || match rows.next()? {
        Some(terms) => Encoded::read(plan, terms, basis).map(Some).map_err(SetupError::Ptau),
        None => Ok(None),
    };
    let mut done = 0;
    let mut next = read();
    while let Some(chunk) = next? {
        let add = || rayon::join(|| columns.add(plan, &chunk, rng), || also(&chunk.terms));
        let ((added, others), following) = rayon::join(add, &mut read);
        added.map_err(SetupError::Ptau).and(others)?;
        next = following;
        let reached = chunk.terms.last().map_or(done, |term| term.constraint);
        progress.advance((reached - done).into());
        done = reached;
    }
    Ok(columns)
}

/// A chunk of terms, and the points of its rows as they lie in the file.
struct Encoded {
    terms: Vec<Term>,
    /// The rows of `terms` that a column needs.
    rows: Range<u32>,
    beta: Piece<G1Affine>,
    alpha: Piece<G1Affine>,
    tau_g1: Piece<G1Affine>,
    tau_g2: Piece<G2Affine>,
}

/// Points of a run, not yet checked; none where nothing needs them.
struct Piece<P> {
    run: PointRun<P>,
    start: u64,
    bytes: Vec<u8>,
}

impl<P: Point> Piece<P> {
    fn points(&self, rng: &mut VerifierRng) -> Result<Vec<P>, FormatError> {
        self.run.points(&self.bytes, rng, self.start)
    }
}

impl Encoded {
    fn read<R: Read + Seek>(
        plan: &Plan<'_>,
        terms: Vec<Term>,
        basis: &mut Basis<'_, R>,
    ) -> Result<Self, FormatError> {
        let needed = |term: &&Term| plan.needs(term);
        let rows = match (terms.iter().find(needed), terms.iter().rfind(needed)) {
            (Some(first), Some(last)) => first.constraint..last.constraint + 1,
            _ => 0..0,
        };
        let LagrangeLayout { tau_g1, tau_g2, alpha_tau_g1, beta_tau_g1, .. } = basis.lagrange;
        let any_g1 = plan.columns.iter().any(|column| *column != Column::B2);
        Ok(Self {
            beta: basis.piece(beta_tau_g1, &rows, plan.has(Column::Combined))?,
            alpha: basis.piece(alpha_tau_g1, &rows, plan.has(Column::Combined))?,
            tau_g1: basis.piece(tau_g1, &rows, any_g1)?,
            tau_g2: basis.piece(tau_g2, &rows, plan.has(Column::B2))?,
            terms,
            rows,
        })
    }
}

impl<R: Read + Seek> Basis<'_, R> {
    fn piece<P: Point>(
        &mut self,
        run: PointRun<P>,
        rows: &Range<u32>,
        needed: bool,
    ) -> Result<Piece<P>, FormatError> {
        let start = self.level + u64::from(rows.start);
        let bytes = run.read_bytes(self.source, start, if needed { rows.len() } else { 0 })?;
        Ok(Piece { run, start, bytes })
    }
}

impl Columns {
    fn add(
        &mut self,
        plan: &Plan<'_>,
        chunk: &Encoded,
        rng: &mut VerifierRng,
    ) -> Result<(), FormatError> {
        let Self { combined, a, b1, b2 } = self;
        let (beta, alpha, tau_g1) =
            (chunk.beta.points(rng)?, chunk.alpha.points(rng)?, chunk.tau_g1.points(rng)?);
        let entries = |matrix| Entries::new(plan, chunk, matrix);
        let (of_a, (of_b, of_c)) = rayon::join(
            || entries(Matrix::A),
            || rayon::join(|| entries(Matrix::B), || entries(Matrix::C)),
        );
        let in_combined = || {
            if plan.has(Column::Combined) {
                of_a.add_to(combined, &beta);
                of_b.add_to(combined, &alpha);
                of_c.add_to(combined, &tau_g1);
            }
        };
        let in_a = || plan.has(Column::A).then(|| of_a.add_to(a, &tau_g1));
        let in_b1 = || plan.has(Column::B1).then(|| of_b.add_to(b1, &tau_g1));
        let in_b2 = || {
            if plan.has(Column::B2) {
                of_b.add_to(b2, &chunk.tau_g2.points(rng)?);
            }
            Ok(())
        };
        let (done, _) =
            rayon::join(in_b2, || rayon::join(in_combined, || rayon::join(in_a, in_b1)));
        done
    }
}

/// The entries of one matrix in a chunk, by what they cost. Most entries of compiled circuits are 1
/// or -1, and need no multiplication. Nothing here is secret.
struct Entries {
    /// 1 and -1.
    units: Vec<Entry>,
    /// Wires with many others, such as the constant one: one combination for each.
    combinations: Vec<(u32, Vec<Entry>, Vec<Fr>)>,
    /// The rest.
    others: Vec<Multiple>,
}

/// A place in a matrix.
#[derive(Clone, Copy)]
struct Entry {
    /// Counted from the first wire of the plan.
    wire: u32,
    /// Counted from the first row of the chunk.
    row: u32,
    negative: bool,
}

impl Entry {
    /// The point of its row, or the negative.
    fn of<P: Point>(&self, points: &[P]) -> P {
        let point = points[self.row as usize];
        if self.negative { -point } else { point }
    }
}

/// (r - 1) / 2: entries above are negative numbers, and shorter when negated.
const HALF: BigInt<4> = FR_MODULUS.divide_by_2_round_down();

/// Entries of a wire for which the buckets of a combination pay.
const MANY: usize = 256;

impl Entries {
    fn new(plan: &Plan<'_>, chunk: &Encoded, matrix: Matrix) -> Self {
        let with_magnitude = |term: &Term| {
            let negative = term.value.into_bigint() > HALF;
            let entry = Entry {
                wire: term.wire - plan.wires.start,
                row: term.constraint - chunk.rows.start,
                negative,
            };
            (entry, if negative { -term.value } else { term.value })
        };
        let needed = chunk
            .terms
            .par_iter()
            .with_min_len(1024)
            .filter(|term| term.matrix == matrix && plan.needs(term));
        let (units, mut others): (Vec<_>, Vec<_>) =
            needed.map(with_magnitude).partition(|(_, magnitude)| *magnitude == Fr::ONE);
        others.par_sort_by_key(|(entry, _)| entry.wire);
        let units = units.into_iter().map(|(entry, _)| entry).collect();
        let mut entries = Self { units, combinations: Vec::new(), others: Vec::new() };
        for of_wire in others.chunk_by(|(a, _), (b, _)| a.wire == b.wire) {
            if of_wire.len() < MANY {
                entries.others.extend(of_wire.iter().map(|(entry, magnitude)| Multiple {
                    key: entry.wire,
                    point: entry.row,
                    scalar: if entry.negative { -*magnitude } else { *magnitude },
                }));
            } else {
                let (places, magnitudes) = of_wire.iter().copied().unzip();
                entries.combinations.push((of_wire[0].0.wire, places, magnitudes));
            }
        }
        entries
    }

    /// Adds value * point of the row to the sum of the wire, for each entry.
    fn add_to<P: Point>(&self, sums: &mut IndexedSums<P>, points: &[P])
    where
        P::Group: CurveGroup<Affine = P>,
    {
        let of =
            |entries: &[Entry]| entries.iter().map(|entry| entry.of(points)).collect::<Vec<P>>();
        let mut products: Vec<(u32, P)> =
            self.units.iter().map(|entry| (entry.wire, entry.of(points))).collect();
        let combination = |(wire, entries, magnitudes): &(u32, Vec<Entry>, Vec<Fr>)| {
            let sum: P::Group = scalar_combination(&of(entries), magnitudes);
            (*wire, sum.into_affine())
        };
        products.extend(self.combinations.iter().map(combination));
        sums.add(&products);
        sums.add_multiples(points, &self.others);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::marker::PhantomData;

    use super::*;
    use crate::format::encoding::{Encoding, encode};
    use crate::format::ptau::Levels;
    use crate::format::r1cs::{Row, write_r1cs};
    use crate::progress::NoProgress;

    const WIRES: u32 = 80;
    const PUBLIC: u32 = 5;
    const ROWS: u32 = 700;

    /// Entries of every kind, for a wire with many in a chunk, one with as many as are multiplied
    /// one by one, and ones with few.
    fn matrices() -> Vec<[Row; 3]> {
        let value = |i: u32| match i % 6 {
            0 => Fr::ONE,
            1 => -Fr::ONE,
            2 => Fr::from(i),
            3 => -Fr::from(i),
            4 => Fr::ZERO,
            _ => Fr::from(i).inverse().unwrap_or(Fr::ONE),
        };
        let row = |i: u32, salt: u32| {
            vec![
                (value(i + salt), 64),
                (value(7 * i + salt), (i * salt) % WIRES),
                (value(i / 3), i % 3 * 35),
            ]
        };
        (0..ROWS)
            .map(|i| [row(i, 1), row(i, 2), if i == 9 { Vec::new() } else { row(i, 3) }])
            .collect()
    }

    /// Points i + 1 and so on, times 1, 2, 3 and 4 in the four runs: logarithms are known.
    fn lagrange(rows: u32) -> (Cursor<Vec<u8>>, LagrangeLayout) {
        fn multiples<P: Point>(factor: u32, rows: u32) -> Vec<u8> {
            let step = P::generator() * Fr::from(factor);
            let steps = std::iter::successors(Some(step), |p| Some(*p + step));
            encode(
                &P::Group::normalize_batch(&steps.take(rows as usize).collect::<Vec<_>>()),
                Encoding::Montgomery,
            )
        }
        fn run<P: Point>(bytes: &mut Vec<u8>, factor: u32, rows: u32) -> PointRun<P> {
            let offset = bytes.len() as u64;
            bytes.extend(multiples::<P>(factor, rows));
            let (len, encoding) = (rows.into(), Encoding::Montgomery);
            PointRun {
                section: 0,
                name: "",
                offset,
                len,
                encoding,
                infinity: false,
                group: PhantomData,
            }
        }
        let mut bytes = Vec::new();
        let layout = LagrangeLayout {
            levels: Levels::new(0, 0).unwrap(),
            tau_g1: run(&mut bytes, 1, rows),
            tau_g2: run(&mut bytes, 2, rows),
            alpha_tau_g1: run(&mut bytes, 3, rows),
            beta_tau_g1: run(&mut bytes, 4, rows),
        };
        (Cursor::new(bytes), layout)
    }

    fn logs_are<P: Point>(sums: &mut IndexedSums<P>, logs: &[Fr], what: &str) {
        for (wire, (sum, log)) in sums.sums(0..logs.len()).into_iter().zip(logs).enumerate() {
            assert!(sum.into_group() == P::generator() * log, "{what} {wire}");
        }
    }

    #[test]
    fn columns_are_the_sums_of_entries_times_points_whatever_is_planned() {
        let matrices = matrices();
        let shape = Shape::new(WIRES, 2, PUBLIC - 2, 3, ROWS).unwrap();
        let mut file = Cursor::new(Vec::new());
        write_r1cs(&mut file, shape, matrices.clone()).unwrap();
        let mut r1cs = R1cs::open(file).unwrap();
        // Entry times logarithm of the row in the run of factor 1, by matrix and wire.
        let mut column = [const { [Fr::ZERO; WIRES as usize] }; 3];
        let log = |row: u32| Fr::from(row + 1);
        for (row, matrices) in (0..).zip(&matrices) {
            for (column, entries) in column.iter_mut().zip(matrices) {
                entries
                    .iter()
                    .for_each(|(value, wire)| column[*wire as usize] += *value * log(row));
            }
        }
        (0..=PUBLIC).for_each(|wire| column[0][wire as usize] += log(ROWS + wire));
        let [a, b, c] = column;
        let combined: Vec<Fr> =
            (0..WIRES as usize).map(|s| a[s] * Fr::from(4) + b[s] * Fr::from(3) + c[s]).collect();
        let b2 = b.map(|b| b + b);
        let many = |row: &[Row; 3]| {
            row[1].iter().filter(|(v, wire)| *wire == 64 && *v != Fr::ONE && *v != -Fr::ONE).count()
        };
        assert!(matrices.iter().map(many).sum::<usize>() > MANY);

        let (mut source, lagrange) = lagrange(ROWS + PUBLIC + 1);
        let mut rng = VerifierRng::from_os().unwrap();
        let plans: [&[Column]; 6] =
            [&Column::ALL, &[], &[Column::Combined], &[Column::A], &[Column::B1], &[Column::B2]];
        for (columns, wires) in plans
            .into_iter()
            .flat_map(|columns| [0..WIRES, 0..1, 3..70, 64..WIRES].map(|wires| (columns, wires)))
        {
            let plan = Plan { wires: wires.clone(), columns };
            let mut basis = Basis { source: &mut source, lagrange, level: 0 };
            let mut seen = Vec::new();
            let also = |terms: &[Term]| {
                seen.extend_from_slice(terms);
                Ok(())
            };
            let mut made = pass(&plan, &mut r1cs, &mut basis, &mut rng, &NoProgress, also).unwrap();
            assert_eq!(seen.len() as u32, 9 * ROWS - 3 + PUBLIC + 1);
            let of = |logs: &[Fr], column| {
                if columns.contains(&column) {
                    logs[wires.start as usize..wires.end as usize].to_vec()
                } else {
                    Vec::new()
                }
            };
            logs_are(&mut made.combined, &of(&combined, Column::Combined), "combined");
            logs_are(&mut made.a, &of(&a, Column::A), "A");
            logs_are(&mut made.b1, &of(&b, Column::B1), "B1");
            logs_are(&mut made.b2, &of(&b2, Column::B2), "B2");
        }
    }
}
