//! Names and constants of BN254: the one place that names `ark-bn254`.
//!
//! Notation of this crate: `q` the base field's modulus, `r` the scalar field's, `[x]1 = x * G1`,
//! `[x]2 = x * G2`. A point is affine and at infinity when all its coordinates are zero (the point
//! (0, 0) is on neither curve), which is arkworks' representation as well as that of the files.

use std::fmt::Debug;

pub use ark_bn254::g1::G1Affine;
pub use ark_bn254::g2::G2Affine;
pub use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Projective, G2Projective};
use ark_ec::AffineRepr;
use ark_ec::pairing::Pairing;
use ark_ff::{AdditiveGroup, BigInt, Field, One};

use crate::params::CeremonyCurve;

/// `[1]1`, the generator (1, 2).
pub const G1_GENERATOR: G1Affine = Bn254::G1_GENERATOR;
/// `[1]2`, the generator of the r-torsion that all tools use.
pub const G2_GENERATOR: G2Affine = Bn254::G2_GENERATOR;
/// `q`, as four little-endian limbs.
pub const FQ_MODULUS: BigInt<4> = Bn254::BASE_MODULUS;
/// `r`, as four little-endian limbs.
pub const FR_MODULUS: BigInt<4> = Bn254::SCALAR_MODULUS;
/// The largest `k` with `2^k` dividing `r - 1`: no FFT over the scalar field is longer than `2^28`.
pub const FR_TWO_ADICITY: u32 = Bn254::TWO_ADICITY;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::G1Affine {}
    impl Sealed for super::G2Affine {}
}

/// An affine point of one of the two groups, seen as a short list of base-field coordinates.
///
/// Implemented by [`G1Affine`] and [`G2Affine`] alone, so that everything that reads, writes,
/// hashes or moves points is written once. The operations on many points are those of
/// [`Point`](crate::Point).
pub trait AffinePoint:
    AffineRepr<ScalarField = Fr, Group: Send + Sync + Copy>
    + Copy
    + Debug
    + Send
    + Sync
    + sealed::Sealed
{
    /// Base-field coordinates of a point: 2 in G1 (x, y), 4 in G2 (x.c0, x.c1, y.c0, y.c1).
    const COORDINATES: usize;
    /// Bytes of an uncompressed point, in files (mont_le) as in hashes (uncompressed).
    const UNCOMPRESSED_BYTES: usize = Self::COORDINATES * 32;
    /// Bytes of a compressed point.
    const COMPRESSED_BYTES: usize = Self::COORDINATES * 16;
    /// `"G1"` or `"G2"`, for messages.
    const GROUP: &'static str;
    /// The coordinates, as an array of [`Self::COORDINATES`] elements.
    type Coordinates: AsRef<[Fq]> + AsMut<[Fq]> + Copy + Send;

    /// All coordinates zero.
    const ZERO_COORDINATES: Self::Coordinates;

    /// The coordinates in file order; all zero at infinity.
    fn coordinates(&self) -> Self::Coordinates;
    /// The point with these coordinates, which is **not** checked to lie on the curve.
    fn from_coordinates(coordinates: &Self::Coordinates) -> Self;
    /// y^2 = x^3 + b, or infinity.
    fn satisfies_curve_equation(&self) -> bool;
    /// Whether the point is in the subgroup of order r (always, in G1).
    fn in_subgroup(&self) -> bool;
    /// The same slice as points of G1, if that is the group.
    fn as_g1(points: &[Self]) -> Option<&[G1Affine]>;
    /// The same slice as points of G2, if that is the group: what has to be checked for membership
    /// in the subgroup.
    fn as_g2(points: &[Self]) -> Option<&[G2Affine]>;
    /// The points, if the group is G1.
    fn from_g1(points: Vec<G1Affine>) -> Option<Vec<Self>>;
    /// The points, if the group is G2.
    fn from_g2(points: Vec<G2Affine>) -> Option<Vec<Self>>;
    /// The point with this x and the lexicographically larger y (arkworks' order, which for Fq2
    /// compares c1 first) iff `larger`. `None` where x^3 + b is not a square.
    fn from_x(x: &[Fq], larger: bool) -> Option<Self>;
    /// y > -y in the same order. False at infinity.
    fn y_is_larger(&self) -> bool;
}

impl AffinePoint for G1Affine {
    const COORDINATES: usize = 2;
    const GROUP: &'static str = "G1";
    type Coordinates = [Fq; 2];
    const ZERO_COORDINATES: [Fq; 2] = [Fq::ZERO; 2];

    fn coordinates(&self) -> [Fq; 2] {
        [self.x, self.y]
    }

    fn from_coordinates(&[x, y]: &[Fq; 2]) -> Self {
        Self::new_unchecked(x, y)
    }

    fn satisfies_curve_equation(&self) -> bool {
        self.is_on_curve()
    }

    fn in_subgroup(&self) -> bool {
        true
    }

    fn as_g1(points: &[Self]) -> Option<&[G1Affine]> {
        Some(points)
    }

    fn as_g2(_: &[Self]) -> Option<&[G2Affine]> {
        None
    }

    fn from_g1(points: Vec<G1Affine>) -> Option<Vec<Self>> {
        Some(points)
    }

    fn from_g2(_: Vec<G2Affine>) -> Option<Vec<Self>> {
        None
    }

    fn from_x(x: &[Fq], larger: bool) -> Option<Self> {
        Self::get_point_from_x_unchecked(*x.first()?, larger)
    }

    fn y_is_larger(&self) -> bool {
        self.y > -self.y
    }
}

impl AffinePoint for G2Affine {
    const COORDINATES: usize = 4;
    const GROUP: &'static str = "G2";
    type Coordinates = [Fq; 4];
    const ZERO_COORDINATES: [Fq; 4] = [Fq::ZERO; 4];

    fn coordinates(&self) -> [Fq; 4] {
        [self.x.c0, self.x.c1, self.y.c0, self.y.c1]
    }

    fn from_coordinates(&[x0, x1, y0, y1]: &[Fq; 4]) -> Self {
        Self::new_unchecked(Fq2::new(x0, x1), Fq2::new(y0, y1))
    }

    fn satisfies_curve_equation(&self) -> bool {
        self.is_on_curve()
    }

    fn in_subgroup(&self) -> bool {
        crate::subgroup::is_member(self)
    }

    fn as_g1(_: &[Self]) -> Option<&[G1Affine]> {
        None
    }

    fn as_g2(points: &[Self]) -> Option<&[G2Affine]> {
        Some(points)
    }

    fn from_g1(_: Vec<G1Affine>) -> Option<Vec<Self>> {
        None
    }

    fn from_g2(points: Vec<G2Affine>) -> Option<Vec<Self>> {
        Some(points)
    }

    fn from_x(x: &[Fq], larger: bool) -> Option<Self> {
        let (&c0, &c1) = (x.first()?, x.get(1)?);
        Self::get_point_from_x_unchecked(Fq2::new(c0, c1), larger)
    }

    fn y_is_larger(&self) -> bool {
        self.y > -self.y
    }
}

/// `e(a, x) = e(b, y)`, as `e(a, x) * e(-b, y) = 1`.
///
/// Callers see to it that no operand is infinity where that would make the statement empty.
#[must_use]
pub fn pairings_agree(a: G1Affine, x: G2Affine, b: G1Affine, y: G2Affine) -> bool {
    pairings_cancel([(a, x), (-b, y)])
}

/// `e(a_1, x_1) * e(a_2, x_2) * ... = 1`, as one multi-pairing.
#[must_use]
pub fn pairings_cancel<const N: usize>(pairs: [(G1Affine, G2Affine); N]) -> bool {
    Bn254::multi_pairing(pairs.map(|(a, _)| a), pairs.map(|(_, x)| x)).0.is_one()
}

/// `omega = 5^((r-1) / 2^k)`, a primitive `2^k`-th root of unity; the root of arkworks and of the
/// files. `None` for `k > 28`.
#[must_use]
pub fn root_of_unity(k: u32) -> Option<Fr> {
    if k > FR_TWO_ADICITY {
        return None;
    }
    let mut omega = Bn254::LARGEST_ROOT;
    for _ in k..FR_TWO_ADICITY {
        omega.square_in_place();
    }
    Some(omega)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_unity_is_a_power_of_five() {
        let r_minus_1_over_2_28 = {
            let mut e = FR_MODULUS;
            e.0[0] -= 1;
            for _ in 0..FR_TWO_ADICITY {
                ark_ff::BigInteger::div2(&mut e);
            }
            e
        };
        assert_eq!(root_of_unity(28), Some(Fr::from(5u64).pow(r_minus_1_over_2_28)));
        assert_eq!(root_of_unity(1), Some(-Fr::from(1u64)));
        assert_eq!(root_of_unity(29), None);
    }

    #[test]
    fn infinity_is_all_zero_and_on_neither_curve_equation() {
        assert_eq!(G1Affine::zero().coordinates(), G1Affine::ZERO_COORDINATES);
        assert_eq!(G2Affine::zero().coordinates(), G2Affine::ZERO_COORDINATES);
        assert!(G1Affine::from_coordinates(&G1Affine::ZERO_COORDINATES).is_zero());
        assert!(G2Affine::from_coordinates(&G2Affine::ZERO_COORDINATES).is_zero());
    }
}
