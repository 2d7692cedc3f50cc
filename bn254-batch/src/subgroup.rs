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
//!
//! A single point Q is tested with the endomorphism psi (untwist, Frobenius, twist), which acts on
//! the subgroup as q, that is as 6x^2 modulo r, where x is the curve's parameter of 63 bits:
//!
//! ```text
//! f(psi) Q = [x + 1]Q + psi([x]Q) + psi^2([x]Q) - psi^3([2x]Q) = 0
//! ```
//!
//! (Dai, Lin, Zhao and Zhou, eprint 2022/348). For points of the subgroup it holds, since
//! f(6x^2) = 0 modulo r. For others it does not: psi^2 - t psi + q = 0, so that f(psi) Q = 0 gives
//! [N]Q = 0 for the norm N of f, the resultant of f and T^2 - tT + q. The order of Q divides r
//! times the cofactor; N is a multiple of r, and has no factor in common with the cofactor, so that
//! the order of Q divides r. One multiplication by x instead of one by 6x^2: half the time.

use ark_ec::bn::BnConfig;
use ark_ec::{AdditiveGroup as _, AffineRepr as _, CurveGroup};
use ark_ff::Field as _;
use rayon::prelude::*;

use super::buckets::small_combinations;
use super::kernels::Kernels;
use crate::curve::{AffinePoint, Bn254, G2Affine, G2Projective};
use crate::params::CeremonyCurve;

const COMBINATIONS: usize = 10;
/// 2^13 < 10069, the smallest prime factor of the cofactor.
const COEFFICIENT_BITS: u32 = Bn254::MEMBERSHIP_COEFFICIENT_BITS;
/// Coefficients are in [-2^12, 2^12).
const LIMIT: i32 = 1 << (COEFFICIENT_BITS - 1);
/// With fewer points, a test for each is cheaper than the buckets.
const FEW: usize = 64;

/// Whether a point of the twist is in the subgroup.
pub(crate) fn is_member(point: &G2Affine) -> bool {
    let by_x = point.mul_bigint(ark_bn254::Config::X);
    let once = psi(by_x);
    let twice = psi(once);
    by_x + point + once + twice == psi(twice).double()
}

/// Untwist, Frobenius, twist.
pub(super) fn psi(point: G2Projective) -> G2Projective {
    let mut mapped = point;
    for coordinate in [&mut mapped.x, &mut mapped.y, &mut mapped.z] {
        coordinate.frobenius_map_in_place(1);
    }
    mapped.x *= ark_bn254::Config::TWIST_MUL_BY_Q_X;
    mapped.y *= ark_bn254::Config::TWIST_MUL_BY_Q_Y;
    mapped
}

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

#[cfg(test)]
mod tests {
    use ark_ff::{PrimeField as _, UniformRand as _};
    use ark_std::rand::SeedableRng as _;
    use ark_std::rand::rngs::StdRng;

    use super::*;
    use crate::curve::{Fq2, Fr};

    /// A point of the twist, as good as never in the subgroup.
    fn anywhere(rng: &mut StdRng) -> G2Affine {
        loop {
            if let Some(point) = G2Affine::get_point_from_x_unchecked(Fq2::rand(rng), false) {
                return point;
            }
        }
    }

    /// The cofactor without one of its prime factors.
    fn without(factor: u64) -> Vec<u64> {
        let (mut rest, mut quotient) = (0_u128, [0; 4]);
        let cofactor = <<G2Affine as ark_ec::AffineRepr>::Config as ark_ec::CurveConfig>::COFACTOR;
        for (limb, quotient) in cofactor.iter().zip(&mut quotient).rev() {
            rest = rest << 64 | u128::from(*limb);
            *quotient = (rest / u128::from(factor)) as u64;
            rest %= u128::from(factor);
        }
        assert_eq!(rest, 0, "{factor} divides the cofactor");
        quotient.into()
    }

    #[test]
    fn exactly_the_points_of_the_subgroup_are_members() {
        let mut rng = StdRng::seed_from_u64(1);
        assert!(is_member(&G2Affine::zero()));
        for _ in 0..20 {
            let member = (G2Affine::generator() * Fr::rand(&mut rng)).into_affine();
            assert!(is_member(&member));
            let point = anywhere(&mut rng);
            assert!(!is_member(&point));
            assert_eq!(is_member(&point), point.is_in_correct_subgroup_assuming_on_curve());
            assert!(is_member(&point.clear_cofactor()));
        }
        // Points of a small order, alone and on top of a member.
        let r = Fr::MODULUS;
        for factor in [10069, 5_864_401, 1_875_725_156_269] {
            let point = anywhere(&mut rng).mul_bigint(r).into_affine();
            let small = point.mul_bigint(without(factor)).into_affine();
            assert!(!small.is_zero() && small.mul_bigint([factor]).into_affine().is_zero());
            assert!(!is_member(&small), "order {factor}");
            assert!(!is_member(&(small + G2Affine::generator()).into_affine()), "order {factor}");
        }
    }
}
