//! Sums of many points with small coefficients: Pippenger's bucket method on affine points.
//!
//! A coefficient below 2^128 is cut into signed digits of c bits, sum d_w 2^(c w) with d_w in
//! [-2^(c-1), 2^(c-1)), and for every window w
//!
//! > sum_i d_(w,i) P_i = sum_(j = 1 .. 2^(c-1)) j B_j,  B_j = (sum over d = j of P_i) - (sum over d
//! > = -j of P_i).
//!
//! **One primitive does all the additions**: [`Sums`] takes points with keys and adds those of
//! equal key, pair by pair, in batches of independent affine additions (5 products and a square
//! each, against 8 + 3 for a mixed Jacobian addition). The weights j are no chain of 2^c dependent
//! additions either: with j = s hi + lo, s = 2^ceil(c/2),
//!
//! > sum j B_j = s sum_hi hi (sum_lo B) + sum_lo lo (sum_hi B),
//!
//! whose row and column sums are sums by key, and the bits of hi and lo are keys again. What is
//! left is one point for each power of two, added by Horner's rule.
//!
//! Nothing is assumed of the points but that they are on their curve: no endomorphism is used, and
//! equal, opposite and infinite points are legal. A transcript's first accumulator is n copies of
//! the generator, for which every addition is a doubling.
//!
//! Sources: N. Pippenger (SIAM J. Comput. 9, 1980); D. Bernstein, J. Doumen, T. Lange, J.-J.
//! Oosterwijk, "Faster batch forgery identification" (INDOCRYPT 2012), for the signed digits; Y. El
//! Housni, G. Botrel, "EdMSM" (2022), for affine batches.

use ark_ff::AdditiveGroup;
use rayon::prelude::*;

use super::kernels::{Kernels, Sum, negative};
use crate::curve::AffinePoint;

/// Additions in a batch: the inversion disappears, and the operands, a quarter of a MiB, stay in
/// the second-level cache.
const fn batch<P: AffinePoint>() -> usize {
    (128 << 10) / P::UNCOMPRESSED_BYTES
}

/// sum c_i P_i over the shorter of the two slices.
pub(super) fn linear_combination<E: Kernels, P: AffinePoint>(
    engine: E,
    points: &[P],
    coefficients: &[u128],
) -> P::Group {
    let n = points.len().min(coefficients.len());
    let (points, coefficients) = (&points[..n], &coefficients[..n]);
    let digits = Digits::for_length(n);
    // Two tasks for each core even out what else runs there; the windows of a task share its
    // batches.
    let windows: Vec<u32> = (0..digits.windows).collect();
    let task = windows.len().div_ceil(2 * rayon::current_num_threads());
    let powers: Vec<Vec<P>> = windows
        .par_chunks(task)
        .with_max_len(1)
        .flat_map_iter(|windows| {
            let mut sums = Sums::new(windows.len() * digits.buckets());
            for (window, first) in windows.iter().zip((0..).step_by(digits.buckets())) {
                for (point, coefficient) in points.iter().zip(coefficients) {
                    sums.add_signed(engine, first, digits.of(*coefficient, *window), point);
                }
            }
            binary_weights(engine, sums, digits.buckets())
        })
        .collect();
    // The point of weight 2^(c w + t) is powers[w][t]; t may reach c - 1.
    let exponents = digits.bits as usize * powers.len();
    (0..exponents).rev().fold(P::Group::ZERO, |mut sum, exponent| {
        sum.double_in_place();
        if let Some(point) =
            powers[exponent / digits.bits as usize].get(exponent % digits.bits as usize)
        {
            sum += point;
        }
        sum
    })
}

/// sum d_i P_i for each of the vectors of small coefficients, |d_i| <= `limit`.
pub(super) fn small_combinations<E: Kernels, P: AffinePoint>(
    engine: E,
    points: &[P],
    coefficients: &[Vec<i32>],
    limit: usize,
) -> Vec<P::Group> {
    coefficients
        .par_iter()
        .with_max_len(1)
        .flat_map_iter(|coefficients| {
            let mut sums = Sums::new(limit);
            for (point, coefficient) in points.iter().zip(coefficients) {
                sums.add_signed(engine, 0, *coefficient, point);
            }
            binary_weights(engine, sums, limit)
        })
        .map(|powers| horner(&powers))
        .collect()
}

/// sum_t 2^t S_t.
pub(super) fn horner<P: AffinePoint>(powers: &[P]) -> P::Group {
    powers.iter().rev().fold(P::Group::ZERO, |mut sum, point| {
        sum.double_in_place();
        sum + point
    })
}

/// How 128-bit coefficients are cut.
struct Digits {
    /// c.
    bits: u32,
    windows: u32,
    /// 2^(c-1) in every window but the top one: added to a coefficient, it makes all those digits
    /// non-negative.
    offset: u128,
}

impl Digits {
    /// The width with the fewest additions: n + 2 * 2^(c-1) for each window. Widths that divide 128
    /// would leave the top window a digit of c bits and a carry; they are left out.
    fn for_length(n: usize) -> Self {
        let cost = |c: u32| u64::from(128u32.div_ceil(c)) * (n as u64 + (1 << c));
        let bits = (3..=15).filter(|c| 128 % c != 0).min_by_key(|c| cost(*c)).unwrap_or(3);
        let windows = 128u32.div_ceil(bits);
        let offset = (0..windows - 1).fold(0, |sum, w| sum | 1 << (bits * w + bits - 1));
        Self { bits, windows, offset }
    }

    fn buckets(&self) -> usize {
        1 << (self.bits - 1)
    }

    #[inline]
    fn of(&self, coefficient: u128, window: u32) -> i32 {
        let (sum, carry) = coefficient.overflowing_add(self.offset);
        let shift = self.bits * window;
        let digit = (sum >> shift) as i32 & ((1 << self.bits) - 1);
        if window + 1 < self.windows {
            digit - (1 << (self.bits - 1))
        } else {
            digit | i32::from(carry) << (128 - shift)
        }
    }
}

/// Points being added up by key.
///
/// Each key has at most one point waiting. A second one makes a pair and leaves none; a full batch
/// of pairs is added, and the sums come in again as points. Slots of the pool are used again, so
/// that memory is flat: one point for each key, and two for each addition of a batch.
#[derive(Clone, Debug)]
pub(super) struct Sums<P> {
    /// The slot of the waiting point, or [`NOBODY`].
    waiting: Vec<u32>,
    pool: Vec<P>,
    free: Vec<u32>,
    /// The pairs of the next batch, and their keys: the first `filled` entries.
    pairs: Vec<Sum>,
    keys: Vec<u32>,
    filled: usize,
}

const NOBODY: u32 = u32::MAX;

impl<P: AffinePoint> Sums<P> {
    pub(super) fn new(keys: usize) -> Self {
        let batch = batch::<P>();
        // All that the pool will ever hold: growing would copy it.
        let pool = Vec::with_capacity(keys + 2 * batch + 1);
        let pairs = vec![Sum { left: 0, right: 0 }; batch + 1];
        Self {
            waiting: vec![NOBODY; keys],
            pool,
            free: Vec::with_capacity(batch),
            pairs,
            keys: vec![0; batch + 1],
            filled: 0,
        }
    }

    /// Adds the point, or its negative, to the bucket of |digit|; the bucket of 1 has key `first`.
    #[inline]
    pub(super) fn add_signed<E: Kernels>(
        &mut self,
        engine: E,
        first: usize,
        digit: i32,
        point: &P,
    ) {
        if digit != 0 {
            let key = first + digit.unsigned_abs() as usize - 1;
            self.add(engine, key, if digit < 0 { negative(point) } else { *point });
        }
    }

    /// Adds the point to the sum of `key`.
    #[inline]
    pub(super) fn add<E: Kernels>(&mut self, engine: E, key: usize, point: P) {
        if point.is_zero() {
            return;
        }
        let slot = match self.free.pop() {
            Some(slot) => {
                self.pool[slot as usize] = point;
                slot
            }
            None => {
                self.pool.push(point);
                (self.pool.len() - 1) as u32
            }
        };
        self.enter(key as u32, slot);
        while self.filled == batch::<P>() {
            self.add_batch(engine);
        }
    }

    /// Written without a branch: whether another sum waits is a coin toss that no predictor wins.
    #[inline]
    fn enter(&mut self, key: u32, slot: u32) {
        let waiting = &mut self.waiting[key as usize];
        self.pairs[self.filled] = Sum { left: *waiting, right: slot };
        self.keys[self.filled] = key;
        let paired = *waiting != NOBODY;
        *waiting = if paired { NOBODY } else { slot };
        self.filled += usize::from(paired);
    }

    fn add_batch<E: Kernels>(&mut self, engine: E) {
        engine.add(&mut self.pool, &self.pairs[..self.filled]);
        // New pairs overwrite old ones that have been read: there is at most one for each.
        for i in 0..std::mem::take(&mut self.filled) {
            let Sum { left, right } = self.pairs[i];
            self.free.push(right);
            self.enter(self.keys[i], left);
        }
    }

    /// The sum for each key. Leaves this empty, for `keys` keys, in the same memory: new memory
    /// costs a fault for each page, a tenth of the time of short runs.
    fn finish<E: Kernels>(&mut self, engine: E, keys: usize) -> Vec<P> {
        self.settle(engine);
        let sums = (0..self.waiting.len()).map(|key| self.sum(key)).collect();
        self.waiting.clear();
        self.waiting.resize(keys, NOBODY);
        self.pool.clear();
        self.free.clear();
        sums
    }

    /// Adds what is left to add.
    pub(super) fn settle<E: Kernels>(&mut self, engine: E) {
        while self.filled > 0 {
            self.add_batch(engine);
        }
    }

    /// The sum for a key, after [`Self::settle`].
    pub(super) fn sum(&self, key: usize) -> P {
        match self.waiting[key] {
            NOBODY => P::zero(),
            slot => self.pool[slot as usize],
        }
    }
}

/// For each run of `buckets` keys, with the sums B_1, B_2, ..., the points S_t with sum_j j B_j =
/// sum_t 2^t S_t.
pub(super) fn binary_weights<E: Kernels, P: AffinePoint>(
    engine: E,
    mut sums: Sums<P>,
    buckets: usize,
) -> Vec<Vec<P>> {
    // Weights are 1 ..= buckets.
    let bits = buckets.checked_ilog2().map_or(0, |log| log as usize + 1);
    let low_bits = bits.div_ceil(2);
    let (columns, rows) = (1 << low_bits, 1 << (bits - low_bits));
    let runs = sums.waiting.len() / buckets;
    // Keys of a run: the columns, then the rows.
    let points = sums.finish(engine, runs * (columns + rows));
    for (run, points) in points.chunks(buckets).enumerate() {
        let first = run * (columns + rows);
        for (j, point) in (1..).zip(points) {
            sums.add(engine, first + j % columns, *point);
            sums.add(engine, first + columns + j / columns, *point);
        }
    }
    let lines = sums.finish(engine, runs * bits);
    for (run, lines) in lines.chunks(columns + rows).enumerate() {
        for (i, point) in lines.iter().enumerate() {
            let (first, weight) = if i < columns { (0, i) } else { (low_bits, i - columns) };
            for t in (0..bits).filter(|t| weight >> t & 1 == 1) {
                sums.add(engine, run * bits + first + t, *point);
            }
        }
    }
    sums.finish(engine, 0).chunks(bits).map(<[P]>::to_vec).collect()
}
