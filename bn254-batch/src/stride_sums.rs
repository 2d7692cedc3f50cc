//! Random combinations of long runs in which neighbours share a coefficient, and with them the
//! membership of all points.
//!
//! To show that P_(i+1) = x P_i along a run one compares sum c_i P_i with sum c_i P_(i+1), two sums
//! over all points. Here the run is cut into rows of [`STRIDE`] steps, and all steps of row j have
//! the one random coefficient u_j. That alone would prove nothing, for errors within a row could
//! cancel; so the sums are kept apart by column,
//!
//! > Q_k = sum_j u_j P_(j,k),  k = 0 .. STRIDE,  where P_(j,k) is point k of row j and P_(j,STRIDE)
//! > is the first point of row j + 1,
//!
//! and Q_(k+1) = x Q_k is to be shown for each k. If step k of a row j is wrong, its error E =
//! P_(j,k+1) - x P_(j,k) is not zero, and for points of order r (which is shown below) and any
//! choice of the other coefficients at most one u_j makes Q_(k+1) - x Q_k vanish. Each point is now
//! added up once, and one in [`STRIDE`] twice, instead of each twice.
//!
//! **Coefficients are drawn digit by digit**: u_j = sum_w 2^(c w) d_(j,w) with d_(j,w) uniform in
//! [-2^(c-1), 2^(c-1)), for as many windows w that 2^128 or more coefficients are possible, all
//! different and far below r. The bucket method then needs no recoding, and its intermediate
//! results
//!
//! > S_(k,w) = sum_j d_(j,w) P_(j,k)
//!
//! are, for each column, independent random combinations with coefficients of c bits. By the
//! argument of `subgroup`, with c <= 13, a point outside the subgroup of order r leaves S_(k,w)
//! inside with probability at most 2^-c, and all of them with at most 2^-128: the test of every
//! S_(k,w), some dozens, is a test of every point.
//!
//! Sums grow as the run streams by and are finished once, so that long runs pay for their buckets
//! once.

use std::ops::Range;

use ark_ec::CurveGroup;
use ark_ff::AdditiveGroup;
use rayon::prelude::*;

use super::backend::{Backend, with_kernels};
use super::buckets::{Sums, binary_weights, horner};
use crate::curve::{AffinePoint, Bn254};
use crate::params::CeremonyCurve;

/// Steps of a row. More rows save additions of points and cost buckets.
pub const STRIDE: usize = 4;

/// Bits of a digit, at most: 2^13 < 10069, the smallest prime factor of the cofactor of G2.
const MAX_DIGIT_BITS: u32 = Bn254::MEMBERSHIP_COEFFICIENT_BITS;

/// Additions that take as long as a test of membership in G2.
const TEST: u64 = 600;

/// Growing sums of rows of [`STRIDE`] + 1 neighbours, column by column, with one random coefficient
/// of at least 128 bits for each row: Q_k = sum_j u_j P_(j,k).
///
/// Q_(k+1) = x Q_k for all k iff P_(i+1) = x P_i for all neighbours, up to an error of 2^-128,
/// where all points are in the subgroup of order r; and whether they are, the same sums tell
/// ([`StrideColumns::in_subgroup`]). The points may be anywhere on their curve.
#[derive(Clone, Debug)]
pub struct StrideSums<P> {
    arith: Backend,
    /// c
    bits: u32,
    windows: usize,
    tasks: Vec<Task<P>>,
}

/// What one core does: the sums S_(k,w) with k * windows + w in this range.
#[derive(Clone, Debug)]
struct Task<P> {
    units: Range<usize>,
    sums: Sums<P>,
}

/// What the rows add up to.
#[derive(Clone, Debug)]
pub struct StrideColumns<P: AffinePoint> {
    /// Q_0, ..., Q_ROW.
    pub sums: [P::Group; STRIDE + 1],
    /// Whether all points are in the subgroup of order r, up to an error of 2^-128.
    pub in_subgroup: bool,
}

impl<P: AffinePoint> StrideSums<P> {
    pub(super) fn begin(arith: Backend, points: u64) -> Self {
        let rows = (points / STRIDE as u64).min(1 << 32);
        let cost = |bits: u32| u64::from(128u32.div_ceil(bits)) * (rows + (1 << bits) + TEST);
        let bits = (3..=MAX_DIGIT_BITS).min_by_key(|bits| cost(*bits)).unwrap_or(MAX_DIGIT_BITS);
        let windows = 128usize.div_ceil(bits as usize);
        let units = (STRIDE + 1) * windows;
        let tasks: Vec<Range<usize>> = shares(units, rayon::current_num_threads()).collect();
        let tasks = tasks
            .into_par_iter()
            .with_max_len(1)
            .map(|units| Task { sums: Sums::new(units.len() << (bits - 1)), units })
            .collect();
        Self { arith, bits, windows, tasks }
    }

    pub(super) fn add_run(&mut self, points: &[P], random: &mut dyn FnMut() -> u64) {
        assert!(points.len() > STRIDE, "a row has {} points", STRIDE + 1);
        let steps = points.len() - 1;
        // The last row may take in steps of the one before.
        let rows: Vec<&[P]> = (0..steps.div_ceil(STRIDE))
            .map(|j| &points[(j * STRIDE).min(steps - STRIDE)..])
            .collect();
        let digits: Vec<Vec<i32>> =
            (0..self.windows).map(|_| digits(self.bits, rows.len(), random)).collect();
        let (windows, buckets) = (self.windows, 1 << (self.bits - 1));
        with_kernels!(self.arith, engine => self.tasks.par_iter_mut().with_max_len(1).for_each(|Task { units, sums }| {
            for (unit, first) in units.clone().zip((0..).step_by(buckets)) {
                let (column, window) = (unit / windows, unit % windows);
                for (row, digit) in rows.iter().zip(&digits[window]) {
                    sums.add_signed(engine, first, *digit, &row[column]);
                }
            }
        }));
    }

    pub(super) fn into_columns(self) -> StrideColumns<P> {
        let Self { arith, bits, windows, tasks } = self;
        let buckets = 1 << (bits - 1);
        let sums: Vec<P::Group> = with_kernels!(arith, engine => tasks
            .into_par_iter()
            .with_max_len(1)
            .flat_map_iter(|task| binary_weights(engine, task.sums, buckets))
            .map(|powers| horner(&powers))
            .collect());
        let in_subgroup = P::Group::normalize_batch(&sums)
            .par_iter()
            .with_max_len(1)
            .all(AffinePoint::in_subgroup);
        let mut columns = [P::Group::ZERO; STRIDE + 1];
        columns.par_iter_mut().zip(sums.par_chunks(windows)).with_max_len(1).for_each(
            |(column, windows)| {
                for sum in windows.iter().rev() {
                    for _ in 0..bits {
                        column.double_in_place();
                    }
                    *column += sum;
                }
            },
        );
        StrideColumns { sums: columns, in_subgroup }
    }
}

/// Four tasks for each core, which even out what else runs there, such as the hashing of the same
/// points. Each has a pool of its own, so they are few: with six, short runs lost to their memory
/// what they had won. What a core has left at the end is a small one where cores are a power of
/// two, for rayon deals the list out by halves.
fn shares(units: usize, cores: usize) -> impl Iterator<Item = Range<usize>> {
    const SHARES: [usize; 4] = [3, 2, 2, 1];
    let of = cores * SHARES.iter().sum::<usize>();
    let ends = SHARES.iter().cycle().take(cores * SHARES.len()).scan(0, |sum, share| {
        *sum += share;
        Some(*sum)
    });
    let ends = ends.map(move |sum| units * sum / of);
    ends.scan(0, |start, end| Some(std::mem::replace(start, end)..end))
        .filter(|units| !units.is_empty())
}

/// `n` digits, uniform in [-2^(bits-1), 2^(bits-1)).
fn digits(bits: u32, n: usize, random: &mut dyn FnMut() -> u64) -> Vec<i32> {
    let each = (u64::BITS / bits) as usize;
    let mut digits = Vec::with_capacity(n + each);
    while digits.len() < n {
        let word = random();
        digits.extend(
            (0..each)
                .map(|i| (word >> (i as u32 * bits)) as i32 & ((1 << bits) - 1))
                .map(|digit| digit - (1 << (bits - 1))),
        );
    }
    digits.truncate(n);
    digits
}

#[cfg(test)]
mod tests {
    use chacha20::ChaCha20Rng;
    use chacha20::rand_core::{Rng as _, SeedableRng as _};

    use super::*;
    use crate::Instructions;
    use crate::curve::{Fr, G1Affine, G2Affine};

    /// The same words for the same seed.
    fn words(seed: u8) -> impl FnMut() -> u64 {
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        move || rng.next_u64()
    }

    /// Runs of logarithms 1, 2, 3, ..., against the sums of the logarithms with the coefficients
    /// that the same words give.
    fn columns_are_the_sums_with_the_drawn_coefficients<P: crate::Point>(
        lengths: &[usize],
        points: u64,
    ) {
        let runs: Vec<Vec<u64>> = lengths.iter().map(|n| (1..=*n as u64).collect()).collect();
        for arith in Backend::all_and_modelled() {
            let mut sums = arith.stride_sums::<P>(points);
            let (bits, windows) = (sums.bits, sums.windows);
            let (mut drawn, mut again) = (words(7), words(7));
            let mut expected = [Fr::ZERO; STRIDE + 1];
            for run in &runs {
                let run_of_points: Vec<P> = {
                    let steps = std::iter::successors(Some(P::generator().into_group()), |p| {
                        Some(*p + P::generator())
                    });
                    P::Group::normalize_batch(&steps.take(run.len()).collect::<Vec<_>>())
                };
                sums.add(&run_of_points, &mut drawn);
                let rows = (run.len() - 1).div_ceil(STRIDE);
                let digits: Vec<Vec<i32>> =
                    (0..windows).map(|_| digits(bits, rows, &mut again)).collect();
                for row in 0..rows {
                    let coefficient = digits
                        .iter()
                        .rev()
                        .fold(Fr::ZERO, |u, d| u * Fr::from(1u64 << bits) + Fr::from(d[row]));
                    let start = (row * STRIDE).min(run.len() - 1 - STRIDE);
                    expected
                        .iter_mut()
                        .zip(&run[start..])
                        .for_each(|(sum, log)| *sum += coefficient * Fr::from(*log));
                }
            }
            let columns = sums.finish();
            assert!(columns.in_subgroup);
            assert_eq!(
                columns.sums,
                expected.map(|log| P::generator() * log),
                "{} {} {lengths:?}",
                P::GROUP,
                arith.backend()
            );
        }
    }

    #[test]
    fn columns_of_runs_of_all_lengths() {
        columns_are_the_sums_with_the_drawn_coefficients::<G1Affine>(&[5], 5);
        columns_are_the_sums_with_the_drawn_coefficients::<G1Affine>(&[6, 7, 8, 9, 10, 300], 400);
        columns_are_the_sums_with_the_drawn_coefficients::<G1Affine>(&[3000, 5, 2049], 1 << 24);
        columns_are_the_sums_with_the_drawn_coefficients::<G2Affine>(&[513, 6], 600);
    }

    #[test]
    fn digits_are_drawn_from_the_whole_range() {
        for bits in 3..=MAX_DIGIT_BITS {
            let half = 1 << (bits - 1);
            assert_eq!(digits(bits, 9, &mut || 0), [-half; 9]);
            assert_eq!(digits(bits, 9, &mut || u64::MAX), [half - 1; 9]);
            let mut word = words(bits as u8);
            let many = digits(bits, 1 << 16, &mut word);
            for value in -half..half {
                let (found, expected) = (
                    many.iter().filter(|digit| **digit == value).count() as f64,
                    f64::from(1u32 << (16 - bits)),
                );
                assert!(
                    (found - expected).abs() < 8.0 * expected.sqrt(),
                    "{value} of {bits} bits: {found}"
                );
            }
        }
    }

    #[test]
    fn tasks_share_all_units_on_any_number_of_cores() {
        for cores in (1..=65).chain([1000]) {
            for units in [1, 5, 50, 65, 215] {
                let shares: Vec<Range<usize>> = shares(units, cores).collect();
                assert!(shares.len() <= 4 * cores && shares.iter().all(|share| !share.is_empty()));
                assert_eq!(
                    shares.into_iter().flatten().collect::<Vec<_>>(),
                    (0..units).collect::<Vec<_>>()
                );
            }
        }
    }

    #[test]
    fn enough_coefficients_for_any_length() {
        for points in [0, 1, 1000, 1 << 16, 1 << 30, u64::MAX] {
            let sums =
                Backend::new(Instructions::Portable).unwrap().stride_sums::<G2Affine>(points);
            assert!(
                sums.windows * sums.bits as usize >= 128
                    && sums.windows * (sums.bits as usize) < 250
                    && sums.bits <= MAX_DIGIT_BITS
            );
            let units: Vec<usize> = sums.tasks.iter().flat_map(|task| task.units.clone()).collect();
            assert_eq!(units, (0..(STRIDE + 1) * sums.windows).collect::<Vec<_>>());
        }
    }
}
