//! The back end for every machine: arkworks' group law, spread over the cores by rayon.

use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, Field};
use rayon::prelude::*;

use super::Direction;
use crate::curve::{Fr, G2Affine, Point, root_of_unity};

/// Points handled by one task: large enough to share one inversion, small enough to keep both cores busy to the end.
const TASK: usize = 256;

/// P_i <- s_i P_i, in place. The shorter of the two slices decides the length; callers pass equal ones.
pub fn mul_each<P: Point>(points: &mut [P], scalars: &[Fr]) {
    points.par_chunks_mut(TASK).zip(scalars.par_chunks(TASK)).for_each(|(points, scalars)| {
        let products: Vec<P::Group> = points.iter().zip(scalars).map(|(p, s)| p.into_group() * s).collect();
        points.copy_from_slice(&affine::<P>(&products));
    });
}

/// P_i <- s P_i, in place.
pub fn mul_all<P: Point>(points: &mut [P], scalar: &Fr) {
    points.par_chunks_mut(TASK).for_each(|points| {
        let products: Vec<P::Group> = points.iter().map(|p| p.into_group() * scalar).collect();
        points.copy_from_slice(&affine::<P>(&products));
    });
}

/// sum c_i P_i over the shorter of the two slices, for coefficients of 128 bits.
pub fn linear_combination<P: Point>(points: &[P], coefficients: &[u128]) -> P::Group {
    bucket_sum(points, coefficients, 128)
}

/// The index of a point that is not in the subgroup of order r, or `None` when all are (up to an error of 2^-130).
///
/// Ten random combinations with coefficients uniform in [0, 2^13) are tested instead of every point. The cofactor of BN254's G2 is
/// 10069 * 5864401 * 1875725156269 * (a large prime). Let a point have a component outside the r-torsion; the component has order at
/// least 10069 > 2^13, so for any choice of the other coefficients at most one value of this point's coefficient makes the
/// combination's component vanish: a combination misses it with probability at most 2^-13, ten independent ones with 2^-130.
/// `random` must be unpredictable to whoever made the points, and be drawn from only after they are fixed.
pub fn outside_subgroup(points: &[G2Affine], random: &mut dyn FnMut() -> u64) -> Option<usize> {
    const COMBINATIONS: usize = 10;
    const BITS: u32 = 13;
    let mut suspicious = false;
    if points.len() <= COMBINATIONS {
        suspicious = true;
    } else {
        for _ in 0..COMBINATIONS {
            let coefficients: Vec<u128> = (0..points.len()).map(|_| u128::from(random() >> (64 - BITS))).collect();
            suspicious |= !bucket_sum(points, &coefficients, BITS).into_affine().in_subgroup();
        }
    }
    if suspicious { points.par_iter().position_first(|p| !p.in_subgroup()) } else { None }
}

/// The FFT of `points` (in place, natural order in and out) over the domain of that size with root 5^((r-1)/n).
///
/// # Panics
/// If the length is not a power of two up to 2^28: callers take it from a checked header.
pub fn group_fft<P: Point>(points: &mut [P], direction: Direction) {
    let log_n = points.len().trailing_zeros();
    assert!(points.len().is_power_of_two(), "an FFT over {} points", points.len());
    let omega = root_of_unity(log_n).expect("the domain fits the field's two-adicity");
    let omega = match direction {
        Direction::Forward => omega,
        Direction::Inverse => omega.inverse().expect("a root of unity is not zero"),
    };
    let mut values: Vec<P::Group> = points.par_iter().map(|p| p.into_group()).collect();
    bit_reverse(&mut values);
    let twiddles = powers(omega, values.len() / 2);
    let mut half = 1;
    while half < values.len() {
        let stride = values.len() / (2 * half);
        if stride >= rayon::current_num_threads() {
            values.par_chunks_mut(2 * half).for_each(|block| {
                let (lo, hi) = block.split_at_mut(half);
                for (j, (lo, hi)) in lo.iter_mut().zip(hi).enumerate() {
                    butterfly::<P>(lo, hi, &twiddles[j * stride]);
                }
            });
        } else {
            for block in values.chunks_mut(2 * half) {
                let (lo, hi) = block.split_at_mut(half);
                lo.par_iter_mut().zip(hi).enumerate().for_each(|(j, (lo, hi))| butterfly::<P>(lo, hi, &twiddles[j * stride]));
            }
        }
        half *= 2;
    }
    if direction == Direction::Inverse {
        let n_inverse = Fr::from(values.len() as u64).inverse().expect("2^k is not zero mod r");
        values.par_iter_mut().for_each(|v| *v *= n_inverse);
    }
    points.par_chunks_mut(TASK).zip(values.par_chunks(TASK)).for_each(|(points, values)| points.copy_from_slice(&affine::<P>(values)));
}

/// One layer of a decimation-in-time FFT on two runs of points: (a, b) <- (a + w b, a - w b), entry by entry. For transforms that do
/// not fit in memory.
pub fn butterflies<P: Point>(lo: &mut [P], hi: &mut [P], twiddles: &[Fr]) {
    lo.par_chunks_mut(TASK).zip(hi.par_chunks_mut(TASK)).zip(twiddles.par_chunks(TASK)).for_each(|((lo, hi), twiddles)| {
        let mut both: Vec<P::Group> = lo.iter().chain(hi.iter()).map(|p| p.into_group()).collect();
        let (a, b) = both.split_at_mut(lo.len());
        for ((a, b), w) in a.iter_mut().zip(b).zip(twiddles) {
            butterfly::<P>(a, b, w);
        }
        let both = affine::<P>(&both);
        let (a, b) = both.split_at(lo.len());
        lo.copy_from_slice(a);
        hi.copy_from_slice(b);
    });
}

fn butterfly<P: Point>(a: &mut P::Group, b: &mut P::Group, w: &Fr) {
    let t = if *w == Fr::ONE { *b } else { *b * w };
    *b = *a - t;
    *a += t;
}

fn affine<P: Point>(points: &[P::Group]) -> Vec<P>
where
    P::Group: CurveGroup<Affine = P>,
{
    P::Group::normalize_batch(points)
}

/// base^0, base^1, ..., base^(n-1).
fn powers(base: Fr, n: usize) -> Vec<Fr> {
    std::iter::successors(Some(Fr::ONE), |w| Some(*w * base)).take(n).collect()
}

fn bit_reverse<T>(values: &mut [T]) {
    let log_n = values.len().trailing_zeros();
    for i in 0..values.len() {
        let j = if log_n == 0 { 0 } else { i.reverse_bits() >> (usize::BITS - log_n) };
        if i < j {
            values.swap(i, j);
        }
    }
}

/// Pippenger's bucket method over coefficients below 2^bits: windows in parallel, each a pass over all points.
fn bucket_sum<P: Point>(points: &[P], coefficients: &[u128], bits: u32) -> P::Group {
    let n = points.len().min(coefficients.len());
    // ln n + 2: the usual optimum of n additions against 2^c bucket additions for each of bits / c windows.
    let c = if n < 32 { 3 } else { (n.ilog2() * 69 / 100 + 2).min(bits) };
    let mask = (1u128 << c) - 1;
    let windows: Vec<P::Group> = (0..bits.div_ceil(c))
        .into_par_iter()
        .map(|w| {
            let mut buckets = vec![P::Group::ZERO; mask as usize];
            for (p, k) in points.iter().zip(coefficients) {
                let digit = ((k >> (w * c)) & mask) as usize;
                if digit != 0 {
                    buckets[digit - 1] += p;
                }
            }
            let (mut running, mut sum) = (P::Group::ZERO, P::Group::ZERO);
            for bucket in buckets.into_iter().rev() {
                running += bucket;
                sum += running;
            }
            sum
        })
        .collect();
    windows.into_iter().rev().fold(P::Group::ZERO, |mut acc, window| {
        for _ in 0..c {
            acc.double_in_place();
        }
        acc + window
    })
}
