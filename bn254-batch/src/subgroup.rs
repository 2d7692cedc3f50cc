//! Which points of the twist are in the subgroup of order r, for all of them at the price of a few
//! additions each.
//!
//! Ten random combinations with coefficients uniform in [-2^12, 2^12) are tested instead of every
//! point. The cofactor of BN254's G2 is 10069 * 5864401 * 1875725156269 * (a large prime). Let a
//! point have a component outside the r-torsion; the component has order at least 10069 > 2^13, so
//! for any choice of the other coefficients at most one value of this point's coefficient makes the
//! combination's component vanish: a combination misses it with probability at most 2^-13, ten
//! independent ones with 2^-130.
//!
//! Longer coefficients would not do with fewer combinations: a component of order 10069 vanishes
//! with probability about 1/10069 in a combination, whatever its coefficients.

use ark_ec::CurveGroup;
use rayon::prelude::*;

use super::buckets::small_combinations;
use super::kernels::Kernels;
use crate::curve::{AffinePoint, Bn254, G2Affine};
use crate::params::CeremonyCurve;

const COMBINATIONS: usize = 10;
/// 2^13 < 10069, the smallest prime factor of the cofactor.
const COEFFICIENT_BITS: u32 = Bn254::MEMBERSHIP_COEFFICIENT_BITS;
/// Coefficients are in [-2^12, 2^12).
const LIMIT: i32 = 1 << (COEFFICIENT_BITS - 1);
/// With fewer points, a test for each is cheaper than the buckets.
const FEW: usize = 64;

/// See [`super::outside_subgroup`].
pub(super) fn outside_subgroup<E: Kernels>(
    engine: E,
    points: &[G2Affine],
    random: &mut dyn FnMut() -> u64,
) -> Option<usize> {
    if points.len() > FEW {
        let mut coefficients: Vec<Vec<i32>> =
            (0..COMBINATIONS).map(|_| Vec::with_capacity(points.len())).collect();
        for _ in points {
            // Four coefficients to a word: drawing is the one step that only one core does.
            for combinations in coefficients.chunks_mut(4) {
                let word = random();
                for (combination, shift) in
                    combinations.iter_mut().zip((0..).step_by(COEFFICIENT_BITS as usize))
                {
                    combination.push(((word >> shift) as i32 & (2 * LIMIT - 1)) - LIMIT);
                }
            }
        }
        let sums = small_combinations(engine, points, &coefficients, LIMIT as usize);
        if sums.par_iter().with_max_len(1).all(|sum| sum.into_affine().in_subgroup()) {
            return None;
        }
    }
    points.par_iter().with_max_len(1).position_first(|p| !p.in_subgroup())
}
