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
//! A long number is first cut into shorter ones by the endomorphisms
//! ([`public_digits`](super::public_digits)): two in G1, four in G2, so that its chain has half or
//! a quarter of the doublings. The images of 2^t P_i cost a product or two each. Where a row has
//! several of them, their digits are of width 5: odd, at most 15 in absolute value, and all but a
//! sixth are zero. Those of each absolute value d have a sum S_d of their own for each key, as
//! buckets do, and
//!
//! > sum of d S_d = R_1 + 2 (R_3 + R_5 + ... + R_15), where R_d = S_d + S_(d+2) + ... + S_15
//!
//! takes [`COLLECT`] additions for a key, however many long numbers it has.
//!
//! Doublings come in batches with a shared inversion, so that a few long numbers among short ones
//! would pay for an inversion in each of 127 steps. Those are multiplied one by one, by the back
//! end's constant-time multiplication: [`cut`] finds the length from which that is cheaper.

use std::ops::Range;

use rayon::prelude::*;

use super::gls::psi;
use super::glv::beta;
use super::indexed_sums::{Dealt, IndexedSums};
use super::kernels::{Kernels, Sum, negative};
use super::public_digits::{Digit, PLACES, TABLE, digits_of, ones_of};
use crate::curve::{AffinePoint, Fq, Fr, G1Affine};

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

/// Additions for a key that has long numbers: seven for the R_d, six to add them up, a doubling and
/// one more.
const COLLECT: usize = 2 * TABLE - 1;

/// A digit that is not zero, in 16 bits; in the order of their places.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Packed(u16);

impl Packed {
    fn of(digit: &Digit) -> Self {
        let parts = (digit.place << 6) | (digit.image << 4) | (digit.entry() << 1);
        Self(parts as u16 | u16::from(digit.is_negative()))
    }

    /// It counts 2^place times.
    fn place(self) -> u32 {
        u32::from(self.0 >> 6)
    }

    /// Of which image of the point.
    fn image(self) -> usize {
        usize::from(self.0 >> 4 & 3)
    }

    /// (|d| - 1) / 2.
    fn class(self) -> u32 {
        u32::from(self.0 >> 1 & 7)
    }

    fn is_negative(self) -> bool {
        self.0 & 1 == 1
    }
}

/// An entry with its digits.
struct Entry {
    key: u32,
    point: u32,
    scalar: Fr,
    digits: Vec<Packed>,
    /// Whether the digits are of width 5. In a chain, `key` is then its place among the keys that
    /// have such entries.
    is_wide: bool,
}

impl Entry {
    fn of(multiple: &Multiple) -> Self {
        let Multiple { key, point, scalar } = *multiple;
        Self { key, point, scalar, digits: packed(&ones_of(&scalar)), is_wide: false }
    }

    fn length(&self) -> u32 {
        self.digits.last().map_or(0, |digit| digit.place() + 1)
    }

    /// Additions for its digits, and its share of those for the key.
    fn weight(&self, collect: usize) -> usize {
        self.digits.len() + if self.is_wide { collect } else { 0 }
    }
}

fn packed(digits: &[Digit]) -> Vec<Packed> {
    let mut packed: Vec<Packed> = digits.iter().map(Packed::of).collect();
    packed.sort_unstable();
    packed
}

/// Gives wider digits to the numbers that gain by them, even if each is alone with its key, where
/// another one shares their doublings; and answers how many additions of [`COLLECT`] fall on each
/// of them. The entries come in the order of their points, and leave in the order of their points
/// and lengths.
fn widen<P: AffinePoint>(entries: &mut [Entry]) -> usize {
    let is_long = |entry: &Entry| entry.digits.len() > COLLECT;
    let rows = entries.par_chunk_by_mut(|a, b| a.point == b.point);
    rows.for_each(|row| {
        if row.iter().filter(|entry| is_long(entry)).count() > 1 {
            for entry in row.iter_mut().filter(|entry| is_long(entry)) {
                let digits = digits_of::<P>(&entry.scalar);
                if digits.len() + COLLECT < entry.digits.len() {
                    entry.digits = packed(&digits);
                    entry.is_wide = true;
                }
            }
        }
        row.sort_by_key(Entry::length);
    });
    let (wide, keys) = (entries.iter().filter(|entry| entry.is_wide).count(), wide_keys(entries));
    (COLLECT * keys.len()).div_ceil(wide.max(1))
}

/// The keys that have entries with wide digits, in their order.
fn wide_keys(entries: &[Entry]) -> Vec<u32> {
    let wide = entries.iter().filter(|entry| entry.is_wide);
    let mut keys: Vec<u32> = wide.map(|entry| entry.key).collect();
    keys.par_sort_unstable();
    keys.dedup();
    keys
}

/// Adds them all. The points must be in the r-torsion.
pub(super) fn add_multiples<E: Kernels, P: AffinePoint>(
    engine: E,
    sums: &mut IndexedSums<P>,
    points: &[P],
    multiples: &[Multiple],
) {
    let mut entries: Vec<Entry> = multiples.par_iter().with_min_len(1024).map(Entry::of).collect();
    entries.par_sort_unstable_by_key(|entry| entry.point);
    let collect = widen::<P>(&mut entries);
    let longest = cut(&entries, collect);
    let (mut short, long): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.length() <= longest);
    let keys = wide_keys(&short);
    for entry in short.iter_mut().filter(|entry| entry.is_wide) {
        entry.key = keys.partition_point(|key| *key < entry.key) as u32;
    }

    let mut rows: Vec<&[Entry]> = short.chunk_by(|a, b| a.point == b.point).collect();
    // The last entry of a row is its longest. Rows that go on longer come first.
    rows.par_sort_by_key(|row| std::cmp::Reverse(row.last().map(Entry::length)));
    let tasks = (rows.len() / ROWS_IN_TASK).clamp(1, 2 * rayon::current_num_threads());
    let mut wide = IndexedSums::begin(sums.backend(), TABLE * keys.len());
    let mut chains: Vec<Chains<'_, P>> = (0..tasks)
        .map(|task| Chains::new(rows.iter().skip(task).step_by(tasks).copied(), points))
        .collect();
    for start in (0..longest).step_by(STEPS as usize) {
        let end = longest.min(start + STEPS);
        let (plain, classes): (Vec<Dealt<P>>, Vec<Dealt<P>>) = chains
            .par_iter_mut()
            .with_max_len(1)
            .map(|chains| {
                let (mut plain, mut classes) = (sums.deal(), wide.deal());
                chains.steps(engine, start..end, (&mut plain, &mut classes));
                (plain, classes)
            })
            .unzip();
        sums.add_dealt(engine, &plain);
        wide.add_dealt(engine, &classes);
    }
    sums.add_points(&collected(engine, &mut wide, &keys));

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

/// The sum of each key, of its sums for each absolute value of a digit.
fn collected<E: Kernels, P: AffinePoint>(
    engine: E,
    wide: &mut IndexedSums<P>,
    keys: &[u32],
) -> Vec<(u32, P)> {
    let mut sums = wide.settled(0..TABLE * keys.len());
    let task = TABLE * (E::TASK_BYTES / P::UNCOMPRESSED_BYTES / TABLE).max(1);
    sums.par_chunks_mut(task).with_max_len(1).for_each(|sums| {
        let keys = sums.len() / TABLE;
        let mut add = |left: usize, right: usize| {
            let of = |key: usize| Sum {
                left: (key * TABLE + left) as u32,
                right: (key * TABLE + right) as u32,
            };
            engine.add(sums, &(0..keys).map(of).collect::<Vec<_>>());
        };
        let last = TABLE - 1;
        (0..last).rev().for_each(|class| add(class, class + 1));
        (1..last).rev().for_each(|class| add(last, class));
        add(last, last);
        add(0, last);
    });
    keys.iter().copied().zip(sums.into_iter().step_by(TABLE)).collect()
}

/// The length up to which entries are cheaper by doublings than by multiplications.
fn cut(entries: &[Entry], collect: usize) -> u32 {
    const LENGTHS: usize = PLACES + 1;
    // By length: entries, their digits, and rows that go on for that long and no longer.
    let mut count = [0; LENGTHS];
    let mut weight = [0; LENGTHS];
    for entry in entries {
        count[entry.length() as usize] += 1;
        weight[entry.length() as usize] += entry.weight(collect);
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
    /// How many digits of each entry of each row are done.
    done: Vec<Vec<u32>>,
    /// A doubling for each row.
    doublings: Vec<Sum>,
}

impl<'a, P: AffinePoint> Chains<'a, P> {
    fn new(rows: impl Iterator<Item = &'a [Entry]>, points: &[P]) -> Self {
        let rows: Vec<&[Entry]> = rows.collect();
        Self {
            points: rows.iter().map(|row| points[row[0].point as usize]).collect(),
            done: rows.iter().map(|row| vec![0; row.len()]).collect(),
            doublings: (0..rows.len() as u32).map(|i| Sum { left: i, right: i }).collect(),
            rows,
        }
    }

    /// What these digits add, and the doublings between them.
    fn steps<E: Kernels>(
        &mut self,
        engine: E,
        places: Range<u32>,
        (plain, classes): (&mut Dealt<P>, &mut Dealt<P>),
    ) {
        for t in places {
            let lasts = |row: &&[Entry], t: u32| row.last().is_some_and(|e| e.length() > t);
            let active = self.rows.partition_point(|row| lasts(row, t));
            let rows = self.rows[..active].iter().zip(&mut self.done).zip(&self.points);
            for ((row, done), point) in rows {
                for (entry, done) in row.iter().zip(done) {
                    let left = &entry.digits[*done as usize..];
                    let here = left.iter().take_while(|digit| digit.place() == t);
                    for digit in here {
                        *done += 1;
                        let signed =
                            |point: P| if digit.is_negative() { negative(&point) } else { point };
                        if entry.is_wide {
                            let class = TABLE as u32 * entry.key + digit.class();
                            classes.push(class, signed(image(point, digit.image())));
                        } else {
                            plain.push(entry.key, signed(turned(point, digit.image())));
                        }
                    }
                }
            }
            let again = self.rows[..active].partition_point(|row| lasts(row, t + 1));
            engine.add(&mut self.points, &self.doublings[..again]);
        }
    }
}

/// The point itself, or lambda times it.
fn turned<P: AffinePoint>(point: &P, image: usize) -> P {
    if image == 0 { *point } else { scaled(point, beta::<P>()) }
}

/// The point itself, phi of it, psi of it, phi of psi of it.
fn image<P: AffinePoint>(point: &P, image: usize) -> P {
    let point = if image & 2 == 0 { *point } else { psi(*point) };
    if image & 1 == 0 { point } else { scaled(&point, beta::<G1Affine>()) }
}

/// With another x, that many times the one before.
fn scaled<P: AffinePoint>(point: &P, factor: Fq) -> P {
    let mut coordinates = point.coordinates();
    for x in &mut coordinates.as_mut()[..P::COORDINATES / 2] {
        *x *= factor;
    }
    P::from_coordinates(&coordinates)
}

#[cfg(test)]
mod tests {
    use ark_ec::CurveGroup;
    use ark_ff::{AdditiveGroup, Field};

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
        assert!(cut(&entries_of(&multiples), COLLECT) >= 9);
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
        assert_eq!(cut(&alone(1000, short), COLLECT), 4);
        assert_eq!(cut(&alone(1000, long), COLLECT), 0);
        assert_eq!(cut(&alone(1, long), COLLECT), 0);
        let mut both = alone(1000, short);
        both.extend(
            alone(2, long).into_iter().map(|entry| Entry { point: 1000 + entry.point, ..entry }),
        );
        assert_eq!(cut(&both, COLLECT), 4);
        assert_eq!(cut(&[], COLLECT), 0);
    }

    /// Rows that many long numbers share are doubled, whatever the number of their keys.
    fn long_numbers_of_few_rows<P: Point>() {
        let mut state = Fr::from(7u64).inverse().unwrap();
        let mut scalar = || {
            state = state.square() + Fr::from(3u64);
            state
        };
        let multiples: Vec<Multiple> = (0..1500)
            .map(|i| Multiple { key: (i * i) % 97, point: i % 51, scalar: scalar() })
            .collect();
        let mut entries = entries_of(&multiples);
        let collect = widen::<P>(&mut entries);
        let keys = wide_keys(&entries);
        assert!(entries.iter().all(|entry| entry.is_wide));
        assert!(keys.len() < 97 && collect < COLLECT, "{} {collect}", keys.len());
        assert!(entries.is_sorted_by_key(|entry| (entry.point, entry.length())));
        let longest = cut(&entries, collect) as usize;
        assert!(longest >= PLACES / P::COORDINATES, "{longest}");
        // With more to pay for a key they would be multiplied.
        assert_eq!(cut(&entries, 5 * COLLECT), 0);
        // The last of the points is infinity.
        are_added::<P>(&multiples, 97, 51);
    }

    #[test]
    fn long_numbers_of_few_rows_are_doubled_and_summed_by_their_digits() {
        long_numbers_of_few_rows::<G1Affine>();
        long_numbers_of_few_rows::<G2Affine>();
    }

    #[test]
    fn a_long_number_that_is_alone_in_its_row_keeps_its_digits() {
        let mut entries = alone(100, Fr::from(3u64).inverse().unwrap());
        assert_eq!(widen::<G1Affine>(&mut entries), 0);
        assert!(entries.iter().all(|entry| !entry.is_wide && entry.digits.len() > COLLECT));
    }

    #[test]
    fn a_digit_is_what_it_was_after_it_was_packed() {
        for scalar in corners() {
            for digits in [ones_of(&scalar), digits_of::<G2Affine>(&scalar)] {
                for digit in &digits {
                    let packed = Packed::of(digit);
                    let value = 2 * packed.class() as i8 + 1;
                    let value = if packed.is_negative() { -value } else { value };
                    assert_eq!(
                        (packed.place() as usize, packed.image(), value),
                        (digit.place, digit.image, digit.value)
                    );
                }
            }
        }
    }
}
