//! Sums of multiples by key: a sparse matrix of public numbers times a vector of points.
//!
//! > sum of key s = sum over its entries (s, i, k) of k P_i.
//!
//! Nothing here is secret, so a number costs what it is long. Each is written in non-adjacent form,
//! `k = sum_t d_t 2^t` with d_t in {-1, 0, 1}, of which a third are not zero, and
//!
//! > k P_i = sum_t d_t (2^t P_i)
//!
//! is not computed at all: the points `2^t P_i` are doubled from each other, *once for all entries
//! of row i*, and each digit that is not zero is one more affine addition to the sum of its key.
//! The bits of a number, `sum_j 2^j x_j`, are a chain of doublings with one addition each.
//!
//! A number above 2^127 in absolute value is first cut in two below it, k = a + lambda b, by the
//! endomorphism phi ([`glv`](super::glv)); b P_i is a sum of the phi(2^t P_i), which cost a product
//! each.
//!
//! Doublings come in batches with a shared inversion, so that a few long numbers among short ones
//! would pay for an inversion in each of 127 steps. Those are multiplied one by one, by the back
//! end's constant-time multiplication: [`cut`] finds the length from which that is cheaper.

use std::ops::Range;

use rayon::prelude::*;

use super::glv::{beta, short_halves};
use super::indexed_sums::{Dealt, IndexedSums};
use super::kernels::{Kernels, Sum, negative};
use crate::curve::{AffinePoint, Fq, Fr};

/// An entry of the matrix: `scalar` times the point of index `point` belongs to the sum of `key`.
#[derive(Clone, Copy, Debug)]
pub struct Multiple {
    /// Which sum.
    pub key: u32,
    /// Which point.
    pub point: u32,
    /// How often.
    pub scalar: Fr,
}

/// What affine doublings, inversions and multiplications cost, in affine additions (measured on
/// the portable and the IFMA back end; what matters is the order of magnitude).
mod cost {
    pub(super) const DOUBLING: usize = 1;
    pub(super) const INVERSION: usize = 80;
    pub(super) const MULTIPLICATION: usize = 110;
}

/// Rows whose doublings share an inversion at least, where there are as many.
const ROWS_IN_TASK: usize = 512;

/// Digits that are looked at before what they add is added: keeps memory flat.
const STEPS: u32 = 8;

/// An entry with its digits: where the sum of 2^t P, and of phi(2^t P), has a digit 1 and -1.
struct Entry {
    key: u32,
    point: u32,
    scalar: Fr,
    digits: [Digits; 2],
}

#[derive(Clone, Copy, Default)]
struct Digits {
    plus: u128,
    minus: u128,
}

impl Digits {
    /// Of a number below 2^127 in absolute value.
    fn of(number: i128) -> Self {
        let n = number.unsigned_abs();
        let half = n >> 1;
        let sum = n + half;
        let (plus, minus) = (sum & !half, half & !sum);
        if number < 0 { Self { plus: minus, minus: plus } } else { Self { plus, minus } }
    }

    fn length(self) -> u32 {
        u128::BITS - (self.plus | self.minus).leading_zeros()
    }

    fn weight(self) -> usize {
        (self.plus | self.minus).count_ones() as usize
    }

    /// Digit t, if it is not zero: whether it is negative.
    #[inline]
    fn at(self, t: u32) -> Option<bool> {
        let bit = |word: u128| word >> t & 1 == 1;
        (bit(self.plus) || bit(self.minus)).then(|| bit(self.minus))
    }
}

impl Entry {
    fn of(multiple: &Multiple) -> Self {
        let Multiple { key, point, scalar } = *multiple;
        Self { key, point, scalar, digits: short_halves(&scalar).map(Digits::of) }
    }

    fn length(&self) -> u32 {
        self.digits.iter().map(|digits| digits.length()).max().unwrap_or(0)
    }

    fn weight(&self) -> usize {
        self.digits.iter().map(|digits| digits.weight()).sum()
    }
}

/// Adds them all. The points must be in the r-torsion.
pub(super) fn add_multiples<E: Kernels, P: AffinePoint>(
    engine: E,
    sums: &mut IndexedSums<P>,
    points: &[P],
    multiples: &[Multiple],
) {
    let mut entries: Vec<Entry> = multiples.par_iter().with_min_len(1024).map(Entry::of).collect();
    entries.par_sort_unstable_by_key(|entry| (entry.point, entry.length()));
    let longest = cut(&entries);
    let (short, long): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.length() <= longest);

    let mut rows: Vec<&[Entry]> = short.chunk_by(|a, b| a.point == b.point).collect();
    // The last entry of a row is its longest. Rows that go on longer come first.
    rows.par_sort_by_key(|row| std::cmp::Reverse(row.last().map(Entry::length)));
    let tasks = (rows.len() / ROWS_IN_TASK).clamp(1, 2 * rayon::current_num_threads());
    let mut chains: Vec<Chains<'_, P>> = (0..tasks)
        .map(|task| Chains::new(rows.iter().skip(task).step_by(tasks).copied(), points))
        .collect();
    for start in (0..longest).step_by(STEPS as usize) {
        let end = longest.min(start + STEPS);
        let products: Vec<Dealt<P>> = chains
            .par_iter_mut()
            .with_max_len(1)
            .map(|chains| {
                let mut products = sums.deal();
                chains.steps(engine, start..end, &mut products);
                products
            })
            .collect();
        sums.add_dealt(engine, &products);
    }

    let mut products: Vec<P> = long.iter().map(|entry| points[entry.point as usize]).collect();
    let scalars: Vec<Fr> = long.iter().map(|entry| entry.scalar).collect();
    let task = E::TASK_BYTES / P::UNCOMPRESSED_BYTES;
    products
        .par_chunks_mut(task)
        .zip(scalars.par_chunks(task))
        .with_max_len(1)
        .for_each(|(points, scalars)| engine.multiply(points, scalars));
    let products: Vec<(u32, P)> =
        long.iter().zip(products).map(|(entry, product)| (entry.key, product)).collect();
    sums.add_points(&products);
}

/// The length up to which entries are cheaper by doublings than by multiplications.
fn cut(entries: &[Entry]) -> u32 {
    const LENGTHS: usize = u128::BITS as usize + 1;
    // By length: entries, their digits, and rows that go on for that long and no longer.
    let mut count = [0; LENGTHS];
    let mut weight = [0; LENGTHS];
    for entry in entries {
        count[entry.length() as usize] += 1;
        weight[entry.length() as usize] += entry.weight();
    }
    // Rows by the length of their longest entry that is not above l, summed over l' < l: doublings
    // up to l. A row has an entry of each of its lengths; the next longer one adds the difference.
    let mut doublings = [0; LENGTHS];
    for row in entries.chunk_by(|a, b| a.point == b.point) {
        let mut before = 0;
        for entry in row {
            let length = entry.length() as usize;
            doublings[length] += length - before;
            before = length;
        }
    }
    let mut cheapest = (0, count.iter().skip(1).sum::<usize>() * cost::MULTIPLICATION);
    let (mut so_far, mut left) = (0, cheapest.1);
    for l in 1..LENGTHS {
        if count[l] == 0 {
            continue;
        }
        so_far += weight[l] + doublings[l] * cost::DOUBLING;
        left -= count[l] * cost::MULTIPLICATION;
        let total = so_far + left + l * cost::INVERSION;
        if total < cheapest.1 {
            cheapest = (l as u32, total);
        }
    }
    cheapest.0
}

/// The doublings of some rows.
struct Chains<'a, P> {
    /// 2^t P of each row, rows that go on longer first.
    points: Vec<P>,
    rows: Vec<&'a [Entry]>,
    /// A doubling for each row.
    doublings: Vec<Sum>,
}

impl<'a, P: AffinePoint> Chains<'a, P> {
    fn new(rows: impl Iterator<Item = &'a [Entry]>, points: &[P]) -> Self {
        let rows: Vec<&[Entry]> = rows.collect();
        Self {
            points: rows.iter().map(|row| points[row[0].point as usize]).collect(),
            doublings: (0..rows.len() as u32).map(|i| Sum { left: i, right: i }).collect(),
            rows,
        }
    }

    /// What these digits add, and the doublings between them.
    fn steps<E: Kernels>(&mut self, engine: E, digits: Range<u32>, products: &mut Dealt<P>) {
        let beta = beta::<P>();
        for t in digits {
            let lasts = |row: &&[Entry], t: u32| row.last().is_some_and(|e| e.length() > t);
            let active = self.rows.partition_point(|row| lasts(row, t));
            for (row, point) in self.rows[..active].iter().zip(&self.points) {
                for Entry { key, digits: [plain, turned], .. } in *row {
                    if let Some(minus) = plain.at(t) {
                        products.push(*key, if minus { negative(point) } else { *point });
                    }
                    if let Some(minus) = turned.at(t) {
                        let point = endomorphism(point, beta);
                        products.push(*key, if minus { negative(&point) } else { point });
                    }
                }
            }
            let again = self.rows[..active].partition_point(|row| lasts(row, t + 1));
            engine.add(&mut self.points, &self.doublings[..again]);
        }
    }
}

/// phi(P) = lambda P.
fn endomorphism<P: AffinePoint>(point: &P, beta: Fq) -> P {
    let mut coordinates = point.coordinates();
    for x in &mut coordinates.as_mut()[..P::COORDINATES / 2] {
        *x *= beta;
    }
    P::from_coordinates(&coordinates)
}

#[cfg(test)]
mod tests {
    use ark_ec::CurveGroup;
    use ark_ff::{AdditiveGroup, Field};
    use proptest::prelude::*;

    use super::*;
    use crate::Point;
    use crate::backend::Backend;
    use crate::curve::{G1Affine, G2Affine};

    /// [1], [2], ... and infinity.
    fn points<P: Point>(n: u64) -> Vec<P> {
        let points: Vec<P::Group> = (1..n).map(|i| P::generator() * Fr::from(i)).collect();
        let mut points = P::Group::normalize_batch(&points);
        points.push(P::zero());
        points
    }

    fn are_added<P: Point>(multiples: &[Multiple], keys: u32, n: u64) {
        let points = points::<P>(n);
        let mut expected = vec![P::Group::ZERO; keys as usize];
        for Multiple { key, point, scalar } in multiples {
            expected[*key as usize] += points[*point as usize] * scalar;
        }
        let expected = P::Group::normalize_batch(&expected);
        for arith in Backend::all_and_modelled() {
            let mut sums = arith.indexed_sums::<P>(keys as usize);
            sums.add_multiples(&points, multiples);
            assert!(sums.sums(0..keys as usize) == expected, "{} {}", P::GROUP, arith.backend());
        }
    }

    /// Numbers at every border: of the signs, of the halves, of the field.
    fn corners() -> Vec<Fr> {
        let powers = [0u32, 1, 2, 3, 7, 64, 126, 127, 128, 200, 253];
        let two = Fr::from(2u64);
        let around = |k: Fr| [k - Fr::ONE, k, k + Fr::ONE, -k];
        powers.into_iter().flat_map(|power| around(two.pow([u64::from(power)]))).collect()
    }

    #[test]
    fn numbers_at_every_border_are_added_alone_and_together() {
        let multiples: Vec<Multiple> = (0..)
            .zip(corners())
            .map(|(i, scalar)| Multiple { key: i % 7, point: i % 5, scalar })
            .collect();
        are_added::<G1Affine>(&multiples, 7, 5);
        are_added::<G2Affine>(&multiples, 7, 5);
        for multiple in multiples {
            are_added::<G1Affine>(&[multiple], 7, 5);
        }
        are_added::<G1Affine>(&[], 3, 1);
    }

    /// Enough rows for the doublings to pay, in several tasks, whatever their lengths.
    #[test]
    fn many_rows_share_their_doublings() {
        let corners = corners();
        let rows = 5 * ROWS_IN_TASK as u32;
        let bits = (0..rows).flat_map(|point| {
            let length = [1, 9, 40, 127, 254][point as usize % 5];
            (0..length).map(move |j| (point, j))
        });
        let mut multiples: Vec<Multiple> = bits
            .map(|(point, j)| {
                let scalar = Fr::from(2u64).pow([j]);
                Multiple { key: (point + j as u32) % 1000, point, scalar }
            })
            .collect();
        multiples.extend((0..rows).map(|point| {
            let scalar = corners[point as usize % corners.len()];
            Multiple { key: point % 1000, point, scalar }
        }));
        assert!(cut(&entries_of(&multiples)) >= 9);
        are_added::<G1Affine>(&multiples, 1000, rows.into());
    }

    fn entries_of(multiples: &[Multiple]) -> Vec<Entry> {
        let mut entries: Vec<Entry> = multiples.iter().map(Entry::of).collect();
        entries.sort_unstable_by_key(|entry| (entry.point, entry.length()));
        entries
    }

    /// Rows of one entry each.
    fn alone(n: u32, scalar: Fr) -> Vec<Entry> {
        let multiple = |point| Multiple { key: 0, point, scalar };
        entries_of(&(0..n).map(multiple).collect::<Vec<_>>())
    }

    #[test]
    fn few_long_numbers_are_multiplied_and_many_short_ones_are_not() {
        let (short, long) = (Fr::from(9u64), Fr::from(3u64).inverse().unwrap());
        assert_eq!(cut(&alone(1000, short)), 4);
        assert_eq!(cut(&alone(1000, long)), 0);
        assert_eq!(cut(&alone(1, long)), 0);
        let mut both = alone(1000, short);
        both.extend(
            alone(2, long).into_iter().map(|entry| Entry { point: 1000 + entry.point, ..entry }),
        );
        assert_eq!(cut(&both), 4);
        assert_eq!(cut(&[]), 0);
    }

    proptest! {
        #[test]
        fn digits_are_those_of_the_number_and_no_two_neighbours_are_not_zero(
            number in any::<i128>(), shift in 0u32..127,
        ) {
            let number = number >> shift >> 1;
            let digits = Digits::of(number);
            let used = digits.plus | digits.minus;
            prop_assert_eq!(digits.plus & digits.minus, 0);
            prop_assert_eq!(used & (used >> 1), 0);
            prop_assert_eq!(digits.plus.wrapping_sub(digits.minus).cast_signed(), number);
            prop_assert!(used >> 1 == 0 || digits.length() <= 128);
            prop_assert_eq!(digits.weight(), (0..128).filter(|t| digits.at(*t).is_some()).count());
        }
    }
}
