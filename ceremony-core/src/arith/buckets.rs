//! Sums of many points with small coefficients: Pippenger's bucket method on affine points.
//!
//! A coefficient below 2^b is cut into signed digits of c bits, sum d_w 2^(c w) with d_w in [-2^(c-1), 2^(c-1)), and for every window w
//!
//! > sum_i d_(w,i) P_i = sum_(j = 1 .. 2^(c-1)) j B_j,  B_j = (sum over d = j of P_i) - (sum over d = -j of P_i).
//!
//! **One primitive does all the additions**: [`sum_by_key`] takes points sorted by key and replaces those of equal key by their
//! sum, halving every run in each round, so that a round is one batch of independent affine additions (5 products and a square
//! each, against 8 + 3 for a mixed Jacobian addition). The final weights are no chain of 2^c additions either: with j = s hi +
//! lo, s = 2^ceil(c/2),
//!
//! > sum j B_j = s sum_hi hi (sum_lo B) + sum_lo lo (sum_hi B),
//!
//! whose row and column sums are sums by key, and the bits of hi and lo are keys again. What is left is one point for each of
//! the b + 1 powers of two, added by Horner's rule.
//!
//! Nothing is assumed of the points but that they are on their curve: no endomorphism is used, and equal, opposite and infinite
//! points are legal. A transcript's first accumulator is n copies of the generator, for which every addition is a doubling.
//!
//! Sources: N. Pippenger (SIAM J. Comput. 9, 1980); D. Bernstein, J. Doumen, T. Lange, J.-J. Oosterwijk, "Faster batch forgery
//! identification" (INDOCRYPT 2012) for the signed digits; affine batches as in Y. El Housni and G. Botrel, "EdMSM" (2022).

use ark_ff::AdditiveGroup;
use rayon::prelude::*;

use super::engine::{Engine, Sum, negative};
use crate::curve::Point;

/// Bytes of points sorted into buckets at a time: the points, their sorted copy and the first round's sums stay near the
/// second-level cache.
const CHUNK_BYTES: usize = 1 << 20;

/// sum c_i P_i over the shorter of the two slices.
pub(super) fn linear_combination<E: Engine, P: Point>(engine: E, points: &[P], coefficients: &[u128]) -> P::Group {
    let n = points.len().min(coefficients.len());
    let (points, coefficients) = (&points[..n], &coefficients[..n]);
    let digits = Digits::for_length(n);
    let windows: Vec<Vec<P>> = (0..digits.windows)
        .into_par_iter()
        .map(|w| fill_buckets(engine, points, |i| digits.of(coefficients[i], w), digits.buckets()))
        .collect();
    weighted_sum(engine, &windows, digits.bits)
}

/// sum d_i P_i for small signed coefficients |d_i| <= `limit`, one sum for each vector of coefficients.
pub(super) fn small_combinations<E: Engine, P: Point>(engine: E, points: &[P], coefficients: &[Vec<i32>], limit: usize) -> Vec<P::Group> {
    coefficients
        .par_iter()
        .map(|coefficients| {
            let buckets = fill_buckets(engine, points, |i| coefficients[i], limit);
            weighted_sum(engine, &[buckets], 0)
        })
        .collect()
}

/// How 128-bit coefficients are cut.
struct Digits {
    /// c.
    bits: u32,
    windows: u32,
    /// 2^(c-1) in every window but the top one: added to a coefficient, it makes all those digits non-negative.
    offset: u128,
}

impl Digits {
    /// The width with the fewest additions: n + 2^c for each window. Widths that divide 128 would leave the top window a digit of
    /// c bits and a carry; they are left out.
    fn for_length(n: usize) -> Self {
        let cost = |c: u32| u64::from(128u32.div_ceil(c)) * (n as u64 + (1 << c));
        let bits = (3..=17).filter(|c| 128 % c != 0).min_by_key(|c| cost(*c)).unwrap_or(3);
        let windows = 128u32.div_ceil(bits);
        let offset = (0..windows - 1).fold(0, |sum, w| sum | 1 << (bits * w + bits - 1));
        Self { bits, windows, offset }
    }

    fn buckets(&self) -> usize {
        1 << (self.bits - 1)
    }

    fn of(&self, coefficient: u128, window: u32) -> i32 {
        let (sum, carry) = coefficient.overflowing_add(self.offset);
        let shift = self.bits * window;
        let digit = (sum >> shift) as i32 & ((1 << self.bits) - 1);
        if window + 1 < self.windows { digit - (1 << (self.bits - 1)) } else { digit | i32::from(carry) << (128 - shift) }
    }
}

/// B_1, B_2, ...: the sums of the points with each digit, less those with its negative.
fn fill_buckets<E: Engine, P: Point>(engine: E, points: &[P], digit: impl Fn(usize) -> i32, buckets: usize) -> Vec<P> {
    let chunk = (CHUNK_BYTES / size_of::<P>()).max(buckets);
    let mut filled = vec![P::zero(); buckets];
    let (mut sorted, mut digits) = (Vec::new(), Vec::new());
    for (start, points) in (0..).step_by(chunk).zip(points.chunks(chunk)) {
        digits.clear();
        digits.extend(points.iter().zip(start..).map(|(point, i)| if point.is_zero() { 0 } else { digit(i) }));
        // A bucket's sum so far is the first entry of its run.
        let mut counts: Vec<u32> = vec![0; buckets + 1];
        for digit in &digits {
            counts[digit.unsigned_abs() as usize] += 1;
        }
        counts[0] = 0;
        for (count, bucket) in counts[1..].iter_mut().zip(&filled) {
            *count += u32::from(!bucket.is_zero());
        }
        let mut next: Vec<u32> = counts.iter().scan(0, |end, count| Some(std::mem::replace(end, *end + count))).collect();
        sorted.clear();
        sorted.resize(counts.iter().map(|c| *c as usize).sum(), P::zero());
        for (bucket, next) in filled.iter().zip(&mut next[1..]).filter(|(bucket, _)| !bucket.is_zero()) {
            sorted[*next as usize] = *bucket;
            *next += 1;
        }
        for (point, digit) in points.iter().zip(&digits).filter(|(_, digit)| **digit != 0) {
            let next = &mut next[digit.unsigned_abs() as usize];
            sorted[*next as usize] = if *digit < 0 { negative(point) } else { *point };
            *next += 1;
        }
        sum_by_key(engine, &mut sorted, &mut counts);
        let mut sums = sorted.iter();
        for (bucket, _) in filled.iter_mut().zip(&counts[1..]).filter(|(_, count)| **count > 0) {
            *bucket = sums.next().copied().unwrap_or(P::zero());
        }
    }
    filled
}

/// Replaces each run of points by its sum. `counts` are the lengths of the runs, afterwards 0 or 1.
fn sum_by_key<E: Engine, P: Point>(engine: E, points: &mut Vec<P>, counts: &mut [u32]) {
    let mut sums = Vec::new();
    let mut halved: Vec<P> = Vec::new();
    while counts.iter().any(|count| *count > 1) {
        sums.clear();
        halved.clear();
        halved.resize(counts.iter().map(|count| count.div_ceil(2) as usize).sum(), P::zero());
        let (mut from, mut to) = (0, 0);
        for count in counts.iter_mut() {
            for pair in 0..*count / 2 {
                let left = from + 2 * pair;
                sums.push(Sum { left, right: left + 1, to: to + pair });
            }
            if *count % 2 == 1 {
                halved[(to + *count / 2) as usize] = points[(from + *count - 1) as usize];
            }
            from += *count;
            *count = count.div_ceil(2);
            to += *count;
        }
        engine.add(points, &sums, &mut halved);
        std::mem::swap(points, &mut halved);
    }
}

/// sum_w 2^(c w) sum_j j B_(w, j).
fn weighted_sum<E: Engine, P: Point>(engine: E, windows: &[Vec<P>], c: u32) -> P::Group {
    let tasks = windows.len().div_ceil(rayon::current_num_threads()).max(1);
    let powers: Vec<Vec<P>> = windows.par_chunks(tasks).flat_map(|windows| binary_weights(engine, windows)).collect();
    // Horner's rule: the point of weight 2^(c w + t) is powers[w][t], and t may exceed c - 1.
    let mut by_exponent: Vec<Vec<P>> = Vec::new();
    for (w, powers) in powers.into_iter().enumerate() {
        for (t, point) in powers.into_iter().enumerate() {
            let exponent = c as usize * w + t;
            by_exponent.resize(by_exponent.len().max(exponent + 1), Vec::new());
            by_exponent[exponent].push(point);
        }
    }
    by_exponent.iter().rev().fold(P::Group::ZERO, |mut sum, points| {
        sum.double_in_place();
        points.iter().for_each(|point| sum += point);
        sum
    })
}

/// For each window the points S_t with sum_j j B_j = sum_t 2^t S_t.
fn binary_weights<E: Engine, P: Point>(engine: E, windows: &[Vec<P>]) -> Vec<Vec<P>> {
    let bits = windows.iter().map(|buckets| buckets.len()).max().unwrap_or(0).checked_ilog2().map_or(0, |log| log as usize + 1);
    let low_bits = bits.div_ceil(2);
    let (columns, rows) = (1 << low_bits, 1 << (bits - low_bits));
    // Keys of a window: the columns, then the rows.
    let entries = windows.iter().enumerate().flat_map(|(w, buckets)| {
        let base = w * (columns + rows);
        buckets.iter().zip(1..).flat_map(move |(bucket, j)| [(base + j % columns, *bucket), (base + columns + j / columns, *bucket)])
    });
    let sums = grouped(engine, entries, windows.len() * (columns + rows));
    let entries = sums.iter().enumerate().flat_map(|(key, sum)| {
        let (w, key) = (key / (columns + rows), key % (columns + rows));
        let (first, weight) = if key < columns { (0, key) } else { (low_bits, key - columns) };
        (0..bits).filter(move |t| weight >> t & 1 == 1).map(move |t| (w * bits + first + t, *sum))
    });
    grouped(engine, entries, windows.len() * bits).chunks(bits.max(1)).map(<[P]>::to_vec).collect()
}

/// The sum of the points of each key below `keys`.
fn grouped<E: Engine, P: Point>(engine: E, entries: impl Iterator<Item = (usize, P)> + Clone, keys: usize) -> Vec<P> {
    let entries = entries.filter(|(_, point)| !point.is_zero());
    let mut counts = vec![0u32; keys];
    entries.clone().for_each(|(key, _)| counts[key] += 1);
    let mut next: Vec<usize> = counts.iter().scan(0, |end, count| Some(std::mem::replace(end, *end + *count as usize))).collect();
    let mut sorted = vec![P::zero(); counts.iter().map(|c| *c as usize).sum()];
    for (key, point) in entries {
        sorted[next[key]] = point;
        next[key] += 1;
    }
    sum_by_key(engine, &mut sorted, &mut counts);
    let mut sums = sorted.into_iter();
    counts.iter().map(|count| if *count > 0 { sums.next() } else { None }.unwrap_or(P::zero())).collect()
}
