//! The facts of the curve that soundness rests on, on one page.
//!
//! Each fact says which argument uses it; a test holds each against arkworks. A second curve would
//! be a second implementation of [`CeremonyCurve`]. The facts of the protocol (first challenges,
//! digests of the public ceremony) are in `ceremony_core::phase1::perpetual_powers`.
//!
//! BN254 is the pairing-friendly curve `y^2 = x^3 + 3` over the field of
//! `q = 36 u^4 + 36 u^3 + 24 u^2 + 6 u + 1` elements, with `r = q - 6 u^2` points. G1 is the whole
//! curve; G2 is the subgroup of order r of a sextic twist over `Fq2`.

use std::fmt::Debug;

use ark_bn254::{Bn254, Fq, Fr, G1Affine, G2Affine, g1, g2};
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::SWCurveConfig;
use ark_ff::{BigInt, FftField, PrimeField};

mod sealed {
    pub trait Sealed {}
    impl Sealed for ark_bn254::Bn254 {}
}

/// A curve that ceremonies run on. Implemented by [`Bn254`] alone.
pub trait CeremonyCurve: Debug + sealed::Sealed {
    /// Points of the curve over the base field.
    type G1: AffineRepr<ScalarField = Fr>;
    /// Points of the twist.
    type G2: AffineRepr<ScalarField = Fr>;

    /// The curve's name in files and documents.
    const NAME: &'static str;
    /// The parameter u of the curve's family.
    const PARAMETER: u128;
    /// q, as four little-endian limbs. A coordinate is canonical when it is below.
    const BASE_MODULUS: BigInt<4>;
    /// r, as four little-endian limbs: the order of both groups.
    const SCALAR_MODULUS: BigInt<4>;
    /// The largest k with 2^k dividing r - 1: no FFT over the scalar field is longer than 2^k.
    const TWO_ADICITY: u32;
    /// The roots of all domains are powers of this scalar: omega = 5^((r-1) / 2^k).
    const ROOT_BASE: u64;
    /// The root of unity of the largest domain, 5^((r-1) / 2^28).
    const LARGEST_ROOT: Fr;
    /// `[1]1`, (1, 2).
    const G1_GENERATOR: Self::G1;
    /// `[1]2`, the generator that all tools use.
    const G2_GENERATOR: Self::G2;
    /// Points of G1's curve per point of order r. It is 1, so a point on the curve is a point of
    /// G1, and no test of membership is needed in G1.
    const G1_COFACTOR: u64;
    /// The smallest prime factors of the number of points of the twist divided by r, in ascending
    /// order; the rest is one prime above 2^160. A point of the twist outside G2 has a component
    /// whose order is at least the first of them.
    const G2_COFACTOR_FACTORS: &'static [u64];
    /// Bits of a random coefficient in a membership test. The coefficients are 2^13 different
    /// numbers below the smallest factor of the cofactor, so at most one of them makes a component
    /// outside the subgroup vanish: a test with one random combination errs with probability at
    /// most 2^-13.
    const MEMBERSHIP_COEFFICIENT_BITS: u32;
}

impl CeremonyCurve for Bn254 {
    type G1 = G1Affine;
    type G2 = G2Affine;

    const NAME: &'static str = "bn254";
    const PARAMETER: u128 = 4_965_661_367_192_848_881;
    const BASE_MODULUS: BigInt<4> = Fq::MODULUS;
    const SCALAR_MODULUS: BigInt<4> = Fr::MODULUS;
    const TWO_ADICITY: u32 = 28;
    const ROOT_BASE: u64 = 5;
    const LARGEST_ROOT: Fr = Fr::TWO_ADIC_ROOT_OF_UNITY;
    const G1_GENERATOR: G1Affine = g1::Config::GENERATOR;
    const G2_GENERATOR: G2Affine = g2::Config::GENERATOR;
    const G1_COFACTOR: u64 = 1;
    const G2_COFACTOR_FACTORS: &'static [u64] = &[10_069, 5_864_401, 1_875_725_156_269];
    const MEMBERSHIP_COEFFICIENT_BITS: u32 = 13;
}

const _: () = assert!(
    1 << Bn254::MEMBERSHIP_COEFFICIENT_BITS < Bn254::G2_COFACTOR_FACTORS[0],
    "two coefficients of a membership test never agree modulo a factor of the cofactor"
);

#[cfg(test)]
mod tests {
    use ark_ec::CurveConfig;
    use ark_ff::{BigInteger, Field, Zero};

    use super::*;

    /// The quotient and the remainder of limbs by a small number.
    fn divide(limbs: &[u64], by: u64) -> (Vec<u64>, u64) {
        let mut quotient = limbs.to_vec();
        let mut rest = 0u128;
        for limb in quotient.iter_mut().rev() {
            let dividend = rest << 64 | u128::from(*limb);
            *limb = (dividend / u128::from(by)) as u64;
            rest = dividend % u128::from(by);
        }
        (quotient, rest as u64)
    }

    #[test]
    fn g1_is_the_whole_curve() {
        assert_eq!(g1::Config::COFACTOR, [Bn254::G1_COFACTOR]);
    }

    #[test]
    fn the_moduli_are_those_of_the_family() {
        let mut difference = Bn254::BASE_MODULUS;
        assert!(!difference.sub_with_borrow(&Bn254::SCALAR_MODULUS));
        let six_u_squared = 6 * Bn254::PARAMETER * Bn254::PARAMETER;
        let (low, high) = (six_u_squared as u64, (six_u_squared >> 64) as u64);
        assert_eq!(difference, BigInt([low, high, 0, 0]));
    }

    /// The number of points of the twist is r (2 q - r).
    #[test]
    fn the_cofactor_of_g2_is_2_q_minus_r() {
        let mut cofactor = Bn254::BASE_MODULUS;
        assert!(!cofactor.mul2());
        assert!(!cofactor.sub_with_borrow(&Bn254::SCALAR_MODULUS));
        assert_eq!(g2::Config::COFACTOR, cofactor.0);
    }

    #[test]
    fn the_factors_divide_the_cofactor_and_none_is_smaller() {
        let mut rest = g2::Config::COFACTOR.to_vec();
        for factor in Bn254::G2_COFACTOR_FACTORS {
            let (quotient, remainder) = divide(&rest, *factor);
            assert_eq!(remainder, 0, "{factor}");
            rest = quotient;
        }
        assert!(rest[2] >> 32 != 0, "what is left is above 2^160");
        let smallest = Bn254::G2_COFACTOR_FACTORS[0];
        assert!((2..smallest).all(|n| divide(g2::Config::COFACTOR, n).1 != 0));
        assert!(1 << Bn254::MEMBERSHIP_COEFFICIENT_BITS < smallest);
    }

    #[test]
    fn no_domain_is_larger_than_2_to_the_two_adicity() {
        let mut odd = Bn254::SCALAR_MODULUS;
        odd.0[0] -= 1;
        let mut twos = 0;
        while odd.is_even() {
            odd.div2();
            twos += 1;
        }
        assert_eq!(twos, Bn254::TWO_ADICITY);
        assert_eq!(Bn254::LARGEST_ROOT, Fr::from(Bn254::ROOT_BASE).pow(odd));
    }

    #[test]
    fn the_generators_have_order_r() {
        fn has_order_r<P: AffineRepr>(generator: P) -> bool {
            !generator.is_zero() && generator.mul_bigint(Bn254::SCALAR_MODULUS) == P::Group::zero()
        }
        assert!(Bn254::G1_GENERATOR.is_on_curve() && has_order_r(Bn254::G1_GENERATOR));
        assert!(Bn254::G2_GENERATOR.is_on_curve() && has_order_r(Bn254::G2_GENERATOR));
    }
}
