//! Scalars as four odd quarters of 17 signed digits: what all back ends multiply points of G2 by.
//!
//! G2 has a second endomorphism, psi (untwist, Frobenius, twist), that acts on the r-torsion as
//! multiplication by q, that is by mu = 6 x^2 mod r; mu^4 - mu^2 + 1 = 0. So -mu^2 is the
//! eigenvalue of phi(x, y) = (beta x, y), with G1's beta, and 1, phi, psi, phi psi span what 1,
//! psi, psi^2, psi^3 do (S. Galbraith, X. Lin, M. Scott, EUROCRYPT 2009). Four numbers of a quarter
//! of the scalar's length need half the doublings of two.
//!
//! The vectors (a, b, c, d) with a - mu^2 b + mu c - mu^3 d = 0 mod r form a lattice of determinant
//! r, spanned by the rows
//!
//! > (-x - 1, x, -x, -2 x), (1, 1, -2 x - 1, 2 x), (2 x + 1, -2 x, 0, -1), (x, 2 x, 2 x + 1, x + 1)
//!
//! (its shortest ones by size reduction; a test has the determinant). For a scalar k let c be the
//! real coordinates of (k, 0, 0, 0), rounded down; what is left, (k, 0, 0, 0) - sum c_j v_j, is sum
//! f_j v_j with f_j in [0, 1.25), since the constants of [`Quarters::of`] err by less than a
//! quarter. Modulo 2 the four rows are a basis, so that exactly one of their 16 sums has the
//! parities that make all four quarters odd; it is found by additions modulo 2. With it, f_j is in
//! [-1, 1.25), and a quarter below 1.25 (5 x + 2) < 2^65 in absolute value: the absolute values of
//! a column add up to at most 5 x + 2.
//!
//! An odd k with |k| < 2^68 has exactly one expansion in 17 digits from {-15, -13, ..., 15}, as in
//! [`glv`](super::glv). The whole path from scalar to digits has neither branches nor memory
//! accesses that depend on the scalar.
//!
//! # Exceptional additions
//!
//! Before a digit of window i > 0 is added, a multiplication has summed (a, b, c, d) with entries
//! below 2^65 / 16^i + 16 in absolute value: an entry is the quarter over 16^i, rounded to a number
//! of the digits above. Each is an odd number times a power of 16, but for those that have their
//! digit of this window already, which are odd; none is zero, and none is the negative of the digit
//! that is added. No vector of the lattice but zero has all entries below 2 x, which is above 2^63
//! (tested). Therefore neither the sum nor the sum with the digit's multiple taken away or added is
//! a multiple of r, and an addition meets infinity, equal or opposite points **only in the last
//! window**, where the entries reach 2^65: that box has some thousands of vectors of the lattice,
//! and each of them, with each digit of each of the four additions, belongs to one scalar. Those,
//! some hundred thousand of 2^254, are found and computed again.

use ark_bn254::Config;
use ark_ec::bn::BnConfig;
use ark_ff::PrimeField;
use zeroize::Zeroize;

use super::glv::{product, quotient_by_r, short_halves};
use crate::curve::{AffinePoint, Bn254, Fq, Fq2, Fr};
use crate::params::CeremonyCurve;

/// Digits of a quarter; also the number of additions per quarter in a multiplication.
pub(super) const DIGITS: usize = 17;

/// The parameter of BN254.
const X: u128 = Bn254::PARAMETER;
const MINUS_X: u128 = X.wrapping_neg();

/// The rows, modulo 2^128.
const LATTICE: [[u128; 4]; 4] = [
    [MINUS_X - 1, X, MINUS_X, MINUS_X - X],
    [1, 1, MINUS_X - X - 1, 2 * X],
    [2 * X + 1, MINUS_X - X, 0, u128::MAX],
    [X, 2 * X, 2 * X + 1, X + 1],
];

/// floor(2^256 C_j / r), where k C_j / r are the coordinates of (k, 0, 0, 0): 12 x^3 + 6 x^2 - 2 x
/// - 1, 6 x^3 + 6 x^2 + x, 18 x^3 + 12 x^2 + 2 x, 12 x^3 + 6 x^2.
const COORDINATES: [[u64; 4]; 4] = [
    quotient_by_r(polynomial([-1, -2, 6, 12]), 256),
    quotient_by_r(polynomial([0, 1, 6, 6]), 256),
    quotient_by_r(polynomial([0, 2, 12, 18]), 256),
    quotient_by_r(polynomial([0, 0, 6, 12]), 256),
];

/// The value at x of a polynomial with these coefficients, the constant one first; run by the
/// compiler only.
const fn polynomial(coefficients: [i8; 4]) -> [u64; 4] {
    let mut value = [0u64; 4];
    let mut i = 4;
    while i > 0 {
        i -= 1;
        // value x + coefficient, modulo 2^256.
        let mut carry = 0u128;
        let sign = if coefficients[i] < 0 { u64::MAX } else { 0 };
        let mut limb = 0;
        while limb < 4 {
            let term = if limb == 0 { coefficients[i] as i64 as u64 } else { sign };
            carry += value[limb] as u128 * X + term as u128;
            value[limb] = carry as u64;
            carry >>= 64;
            limb += 1;
        }
    }
    value
}

/// The four quarters of a scalar, each as the 17 nibbles n_i of its biased form n.
///
/// A secret: erased when dropped.
pub(super) struct Quarters(pub(super) [u128; 4]);

impl Drop for Quarters {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The four quarters of a **public** scalar, k0 - mu^2 k1 + mu k2 - mu^3 k3 = k mod r, below 2^65
/// in absolute value. Where k or -k is below 2^64, it is the first one itself, and the others are
/// zero.
pub(super) fn short_quarters(scalar: &Fr) -> [i128; 4] {
    let [k, _] = short_halves(scalar);
    if k.unsigned_abs() < 1 << 64 && Fr::from(k) == *scalar {
        return [k, 0, 0, 0];
    }
    shortened(&scalar.into_bigint().0).map(u128::cast_signed)
}

/// psi of a point of G2.
pub(super) fn psi<P: AffinePoint>(point: P) -> P {
    let mut coordinates = point.coordinates();
    if let [x0, x1, y0, y1] = coordinates.as_mut() {
        let conjugate = |c0: &Fq, c1: &Fq| Fq2::new(*c0, -*c1);
        let x = conjugate(x0, x1) * Config::TWIST_MUL_BY_Q_X;
        let y = conjugate(y0, y1) * Config::TWIST_MUL_BY_Q_Y;
        [*x0, *x1, *y0, *y1] = [x.c0, x.c1, y.c0, y.c1];
    }
    P::from_coordinates(&coordinates)
}

/// (k, 0, 0, 0) less the vectors of its coordinates, rounded down; modulo 2^128, which knows small
/// numbers exactly.
fn shortened(k: &[u64; 4]) -> [u128; 4] {
    let mut quarters = [u128::from(k[0]) | u128::from(k[1]) << 64, 0, 0, 0];
    for (row, coordinate) in LATTICE.iter().zip(&COORDINATES) {
        let t = product(k, coordinate);
        subtract(&mut quarters, u128::from(t[4]) | u128::from(t[5]) << 64, row);
    }
    quarters
}

impl Quarters {
    /// k = k0 - mu^2 k1 + mu k2 - mu^3 k3 mod r, all odd.
    pub(super) fn of(scalar: &Fr) -> Self {
        let mut quarters = shortened(&scalar.into_bigint().0);
        let [a, b, c, d] = quarters.map(|k| !k & 1);
        for (row, chosen) in LATTICE.iter().zip([a ^ c ^ d, a ^ b ^ c ^ d, d, b ^ c]) {
            subtract(&mut quarters, chosen, row);
        }
        Self(quarters.map(biased))
    }
}

/// quarters - factor row.
fn subtract(quarters: &mut [u128; 4], factor: u128, row: &[u128; 4]) {
    for (quarter, entry) in quarters.iter_mut().zip(row) {
        *quarter = quarter.wrapping_sub(factor.wrapping_mul(*entry));
    }
}

/// (k + 2^68 - 1) / 2 for odd k given modulo 2^128, |k| < 2^68: (k - 1) / 2 is an arithmetic shift.
fn biased(k: u128) -> u128 {
    (k.cast_signed() >> 1).cast_unsigned().wrapping_add(1 << 67)
}

#[cfg(test)]
mod tests {
    use ark_ec::{AffineRepr, CurveGroup};
    use ark_ff::{AdditiveGroup, Field, UniformRand};

    use super::*;
    use crate::curve::{FR_MODULUS, G2Affine};
    use crate::glv::beta;

    fn mu() -> Fr {
        Fr::from(6 * X * X)
    }

    /// 1, -mu^2, mu, -mu^3.
    fn eigenvalues() -> [Fr; 4] {
        [Fr::ONE, -mu().square(), mu(), -mu().square() * mu()]
    }

    fn signed(entry: u128) -> Fr {
        Fr::from(entry.cast_signed())
    }

    #[test]
    fn the_rows_lie_in_the_lattice_and_their_determinant_is_r() {
        for row in LATTICE {
            let value: Fr = row.iter().zip(eigenvalues()).map(|(a, e)| signed(*a) * e).sum();
            assert_eq!(value, Fr::ZERO, "{row:?}");
        }
        // The first coordinates of the four rows times the cofactors of that column.
        let terms =
            LATTICE.iter().zip([[-1, -2, 6, 12], [0, 1, 6, 6], [0, 2, 12, 18], [0, 0, 6, 12]]);
        let determinant = terms.fold([0u64; 4], |sum, (row, cofactor)| {
            let term = product_modulo(&sign_extended(row[0]), &polynomial(cofactor));
            let mut carry = 0u128;
            std::array::from_fn(|i| {
                carry += u128::from(sum[i]) + u128::from(term[i]);
                let limb = carry as u64;
                carry >>= 64;
                limb
            })
        });
        assert_eq!(determinant, FR_MODULUS.0);
    }

    /// A vector whose entries are below 2 x in absolute value is a sum of the rows with factors of
    /// at most 8 / 3 in absolute value, by the inverse of the four rows.
    #[test]
    fn no_vector_of_the_lattice_but_zero_is_below_2_x() {
        let factors = || -3i128..=3;
        let mut shortest = i128::MAX;
        for (a, b) in factors().flat_map(|a| factors().map(move |b| (a, b))) {
            for (c, d) in factors().flat_map(|c| factors().map(move |d| (c, d))) {
                let entry = |i: usize| -> i128 {
                    let rows = LATTICE.iter().zip([a, b, c, d]);
                    rows.map(|(row, factor)| factor * row[i].cast_signed()).sum()
                };
                let longest = (0..4).map(|i| entry(i).abs()).max().unwrap_or(0);
                if [a, b, c, d] != [0; 4] {
                    shortest = shortest.min(longest);
                }
            }
        }
        assert_eq!(shortest, 2 * X.cast_signed());
    }

    fn sign_extended(entry: u128) -> [u64; 4] {
        let sign = (entry.cast_signed() >> 127) as u64;
        [entry as u64, (entry >> 64) as u64, sign, sign]
    }

    /// Modulo 2^256.
    fn product_modulo(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
        let t = product(a, b);
        [t[0], t[1], t[2], t[3]]
    }

    #[test]
    fn the_endomorphisms_have_these_eigenvalues() {
        let point = (G2Affine::generator() * Fr::from(77u64)).into_affine();
        let phi = G2Affine::new_unchecked(
            Fq2::new(
                point.x.c0 * beta::<crate::curve::G1Affine>(),
                point.x.c1 * beta::<crate::curve::G1Affine>(),
            ),
            point.y,
        );
        assert_eq!(phi, (point * eigenvalues()[1]).into_affine());
        assert_eq!(crate::subgroup::psi(point.into_group()), point * mu());
    }

    /// sum 16^i (2 n_i - 15), evaluated digit by digit.
    fn value(n: u128) -> Fr {
        assert!(n < 1 << 68);
        (0..DIGITS).rev().fold(Fr::ZERO, |sum, i| {
            sum * Fr::from(16u64) + Fr::from(2 * ((n >> (4 * i)) as u64 % 16)) - Fr::from(15u64)
        })
    }

    fn check(k: Fr) {
        let Quarters(quarters) = &Quarters::of(&k);
        let sum: Fr = quarters.iter().zip(eigenvalues()).map(|(n, e)| value(*n) * e).sum();
        assert_eq!(sum, k, "{k}");
        for n in quarters {
            let k = (2 * n).cast_signed() - ((1 << 68) - 1);
            assert!(k % 2 != 0 && k.unsigned_abs() < 1 << 65, "{k}");
        }
    }

    #[test]
    fn the_digits_of_every_scalar_add_up_to_it_and_no_quarter_is_even_or_long() {
        let entries = LATTICE.as_flattened().iter().map(|entry| signed(*entry));
        let mut corners: Vec<Fr> =
            entries.chain([0, 1, 2, 15, 16, 1u64 << 63].map(Fr::from)).collect();
        let products: Vec<Fr> = corners
            .iter()
            .flat_map(|a| eigenvalues().into_iter().flat_map(move |e| [*a * e, -*a * e, *a * a]))
            .collect();
        corners.extend(products);
        corners.iter().for_each(|k| (-3i64..=3).for_each(|d| check(*k + Fr::from(d))));
        let mut rng = ark_std::test_rng();
        (0..20_000).for_each(|_| check(Fr::rand(&mut rng)));
    }
}
