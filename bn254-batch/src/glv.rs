//! Scalars as two odd halves of 32 signed digits: what all back ends multiply points of G1 by.
//!
//! Both groups have an endomorphism phi(x, y) = (beta x, y), beta^3 = 1, that acts on the r-torsion
//! as multiplication by lambda, lambda^2 + lambda + 1 = 0 mod r (Gallant, Lambert, Vanstone, CRYPTO
//! 2001). With x = 4965661367192848881, the parameter of BN254, the pairs (a, b) with a + lambda b
//! = 0 mod r form the lattice spanned by
//!
//! > v1 = (6 x^2 + 2 x, -(2 x + 1)),  v2 = (2 x + 1, 6 x^2 + 4 x + 1),
//!
//! of determinant r. For a scalar k let c1 and c2 be the real coordinates of (k, 0) in that basis,
//! rounded down; then (k, 0) - c1 v1 - c2 v2 is f1 v1 + f2 v2 with f1, f2 in [0, 1 + 2^-66), and
//! represents k. Modulo 2, v1 = (0, 1) and v2 = (1, 1): exactly one of {0, v1, v2, v1 + v2}
//! subtracted from it leaves both halves odd. Both stay below (1 + 2^-66) (6 x^2 + 6 x + 2) < 2^127
//! in absolute value.
//!
//! An odd k with |k| < 2^128 has exactly one expansion in 32 digits from {-15, -13, ..., 15}: with
//! n = (k + 2^128 - 1) / 2, whose nibbles are n_i,
//!
//! > k = 2 n - (2^128 - 1) = sum 16^i (2 n_i - 15).
//!
//! No digit is zero and nothing is carried: the recoding is a shift (the all-odd form of M. Joye
//! and M. Tunstall, AFRICACRYPT 2009). The whole path from scalar to digits has neither branches
//! nor memory accesses that depend on the scalar.
//!
//! # Exceptional additions
//!
//! Before a digit of window i is added, a multiplication has summed (a, b) with |a|, |b| < 2^124
//! while i > 0, and neither is zero: each is an odd number times a power of 16. No vector of the
//! lattice but zero has both entries below 2^126 in absolute value. Therefore (a, b), (a +- d_i, b)
//! and (a, b +- e_i) are not multiples of r, and an addition meets infinity, equal or opposite
//! points **only in the last window**: for k = lambda e_0, 2 d_0 + lambda e_0, 2 lambda e_0 and 0,
//! some hundreds of scalars in all.

use ark_ec::AffineRepr;
use ark_ec::scalar_mul::glv::GLVConfig;
use ark_ff::{Field, PrimeField};
use zeroize::Zeroize;

use crate::curve::{AffinePoint, Bn254, FR_MODULUS, Fq, Fr, G1Affine};
use crate::params::CeremonyCurve;

/// Digits of a half; also the number of additions per half in a multiplication.
pub(super) const DIGITS: usize = 32;
/// Bits of a digit.
#[cfg(test)]
const WINDOW: usize = super::recoding::WINDOW;

/// 6 x^2 + 2 x, even.
const V1_0: u128 = 6 * X * X + 2 * X;
/// 2 x + 1, the negative of v1's second and v2's first coordinate.
const V2_0: u128 = 2 * X + 1;
/// 6 x^2 + 4 x + 1, odd.
const V2_1: u128 = 6 * X * X + 4 * X + 1;
/// The parameter of BN254.
const X: u128 = Bn254::PARAMETER;
/// floor(2^320 (6 x^2 + 4 x + 1) / r).
const V2_1_OVER_R: [u64; 4] = quotient_by_r(limbs(V2_1), 320);
/// floor(2^320 (2 x + 1) / r).
const V2_0_OVER_R: [u64; 4] = quotient_by_r(limbs(V2_0), 320);

const fn limbs(n: u128) -> [u64; 4] {
    [n as u64, (n >> 64) as u64, 0, 0]
}

/// The two halves of a scalar, each as the 32 nibbles n_i of its biased form n.
///
/// A secret: erased when dropped.
pub(super) struct Halves(pub(super) [u128; 2]);

impl Drop for Halves {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Halves {
    /// k = k1 + lambda k2 mod r, both odd.
    pub(super) fn of(scalar: &Fr) -> Self {
        let k = scalar.into_bigint().0;
        let [mut c1, mut c2] = coordinates(&k);
        c2 += 1 ^ ((u128::from(k[0]) ^ c2) & 1);
        c1 += 1 ^ ((c1 ^ c2) & 1);
        Self(remainder(&k, [c1, c2]).map(biased))
    }
}

/// The two halves of a **public** scalar, k1 + lambda k2 = k, below 2^127 in absolute value. Where
/// k or -k is, it is the first one itself, and the second is zero.
pub(super) fn short_halves(scalar: &Fr) -> [i128; 2] {
    let short = |k: &Fr| {
        let [low, high, 0, 0] = k.into_bigint().0 else { return None };
        i128::try_from(u128::from(low) | u128::from(high) << 64).ok()
    };
    if let Some(k) = short(scalar).or_else(|| short(&-*scalar).map(|k| -k)) {
        return [k, 0];
    }
    let k = scalar.into_bigint().0;
    remainder(&k, coordinates(&k)).map(u128::cast_signed)
}

/// c1 and c2, rounded down.
fn coordinates(k: &[u64; 4]) -> [u128; 2] {
    [product_over_2_320(k, &V2_1_OVER_R), product_over_2_320(k, &V2_0_OVER_R)]
}

/// (k, 0) - c1 v1 - c2 v2, modulo 2^128: the halves are below 2^127 in absolute value, so that this
/// knows them exactly.
fn remainder(k: &[u64; 4], [c1, c2]: [u128; 2]) -> [u128; 2] {
    let low = u128::from(k[0]) | u128::from(k[1]) << 64;
    let k1 = low.wrapping_sub(c1.wrapping_mul(V1_0)).wrapping_sub(c2.wrapping_mul(V2_0));
    let k2 = c1.wrapping_mul(V2_0).wrapping_sub(c2.wrapping_mul(V2_1));
    [k1, k2]
}

/// beta of phi for the group of these points: in G2 the same lambda needs its square.
pub(super) fn beta<P: AffinePoint>() -> Fq {
    let beta = <<G1Affine as AffineRepr>::Config as GLVConfig>::ENDO_COEFFS[0];
    if P::as_g2(&[]).is_some() { beta.square() } else { beta }
}

/// The 32 nibbles of a biased half, from the lowest.
#[cfg(test)]
pub(super) fn nibbles_of(half: u128) -> impl Iterator<Item = u8> {
    (0..DIGITS).map(move |i| (half >> (WINDOW * i)) as u8 & 15)
}

/// (k + 2^128 - 1) / 2 for odd k given modulo 2^128, |k| < 2^127: (k - 1) / 2 is an arithmetic
/// shift.
fn biased(k: u128) -> u128 {
    (k.cast_signed() >> 1).cast_unsigned() ^ (1 << 127)
}

/// floor(a b / 2^320), which must be below 2^128.
fn product_over_2_320(a: &[u64; 4], b: &[u64; 4]) -> u128 {
    let t = product(a, b);
    u128::from(t[5]) | u128::from(t[6]) << 64
}

/// a b.
pub(super) fn product(a: &[u64; 4], b: &[u64; 4]) -> [u64; 8] {
    let mut t = [0u64; 8];
    for i in 0..4 {
        let mut carry = 0u128;
        for j in 0..4 {
            carry += u128::from(t[i + j]) + u128::from(a[i]) * u128::from(b[j]);
            t[i + j] = carry as u64;
            carry >>= 64;
        }
        t[i + 4] = carry as u64;
    }
    t
}

/// floor(2^shift n / r), which must be below 2^256, bit by bit: run by the compiler only.
pub(super) const fn quotient_by_r(n: [u64; 4], shift: usize) -> [u64; 4] {
    let r = FR_MODULUS.0;
    let mut remainder = [0u64; 4];
    let mut quotient = [0u64; 4];
    let mut bit = shift + 256;
    while bit > 0 {
        bit -= 1;
        let next = if bit >= shift {
            let at = bit - shift;
            n[at / 64] >> (at % 64) & 1
        } else {
            0
        };
        // The remainder is below r < 2^254, so that its double fits.
        remainder = [
            remainder[0] << 1 | next,
            remainder[1] << 1 | remainder[0] >> 63,
            remainder[2] << 1 | remainder[1] >> 63,
            remainder[3] << 1 | remainder[2] >> 63,
        ];
        let mut difference = [0; 4];
        let mut borrow = false;
        let mut i = 0;
        while i < 4 {
            let (d, b1) = remainder[i].overflowing_sub(r[i]);
            let (d, b2) = d.overflowing_sub(borrow as u64);
            difference[i] = d;
            borrow = b1 | b2;
            i += 1;
        }
        if !borrow {
            remainder = difference;
            quotient[bit / 64] |= 1 << (bit % 64);
        }
    }
    quotient
}

#[cfg(test)]
mod tests {
    use ark_ff::AdditiveGroup;

    use super::*;

    fn lambda() -> Fr {
        <<G1Affine as AffineRepr>::Config as GLVConfig>::LAMBDA
    }

    /// sum 16^i (2 n_i - 15), evaluated digit by digit.
    fn value(n: u128) -> Fr {
        (0..DIGITS).rev().fold(Fr::ZERO, |sum, i| {
            let digit = (n >> (WINDOW * i)) as u64 % 16;
            sum * Fr::from(16u64) + Fr::from(2 * digit) - Fr::from(15u64)
        })
    }

    fn check(k: Fr) {
        let Halves([n1, n2]) = &Halves::of(&k);
        assert_eq!(value(*n1) + lambda() * value(*n2), k, "{k}");
        let halves = short_halves(&k);
        assert!(halves.iter().all(|half| half.unsigned_abs() < 1 << 127), "{k}");
        let [a, b] = halves.map(Fr::from);
        assert_eq!(a + lambda() * b, k, "{k}");
    }

    #[test]
    fn the_basis_has_determinant_r_and_lies_in_the_lattice() {
        let [a, b, c] = [V1_0, V2_0, V2_1].map(Fr::from);
        assert_eq!(a, lambda() * b);
        assert_eq!(b + lambda() * c, Fr::ZERO);
    }

    /// No scalar, however short, has fewer digits than another or a digit zero: what a
    /// multiplication does cannot depend on it.
    #[test]
    fn both_halves_have_32_digits_none_of_them_zero_even_of_0_1_and_minus_1() {
        for k in [Fr::ZERO, Fr::ONE, -Fr::ONE, lambda(), -lambda()] {
            let Halves(halves) = &Halves::of(&k);
            let mut sums = [Fr::ZERO; 2];
            for (half, sum) in halves.iter().zip(&mut sums) {
                let digits: Vec<i64> = nibbles_of(*half).map(|n| 2 * i64::from(n) - 15).collect();
                assert_eq!(digits.len(), DIGITS);
                assert!(digits.iter().all(|d| d % 2 != 0 && d.abs() <= 15), "{digits:?}");
                *sum = digits
                    .iter()
                    .rev()
                    .fold(Fr::ZERO, |sum, d| sum * Fr::from(16u64) + Fr::from(*d));
            }
            assert_eq!(sums[0] + lambda() * sums[1], k);
        }
    }

    #[test]
    fn the_digits_of_every_scalar_add_up_to_it() {
        let lattice = [V1_0, V2_0, V2_1, 1, 2, 15, 16, u128::MAX, 1 << 127].map(Fr::from);
        let mut corners = vec![
            Fr::ZERO,
            Fr::ONE,
            -Fr::ONE,
            lambda(),
            -lambda(),
            lambda() + Fr::ONE,
            -lambda() - Fr::ONE,
        ];
        for a in lattice {
            for b in lattice {
                corners.extend([a + lambda() * b, a - lambda() * b, -a + lambda() * b, a * b]);
            }
        }
        corners.iter().for_each(|k| (-3i64..=3).for_each(|d| check(*k + Fr::from(d))));
        // A walk through the field: k <- k^2 + 7.
        std::iter::successors(Some(Fr::from(3u64)), |k| Some(k.square() + Fr::from(7u64)))
            .take(20_000)
            .for_each(check);
    }
}
