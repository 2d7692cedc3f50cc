//! The coordinate fields Fq and Fq2, with what the kernels need beyond [`Field`]: limbs under a
//! mask, and an inversion whose operations do not depend on its operand.

use ark_bn254::Config;
use ark_ec::bn::BnConfig;
use ark_ff::{Field, PrimeField};

use crate::curve::{AffinePoint, Fq, Fq2};

/// A coordinate of a point, of one or two elements of Fq.
pub(super) trait Coordinate: Field {
    /// The field's degree over Fq: 1 or 2.
    const DEGREE: usize;
    /// From the elements of Fq, of which there are enough.
    fn read(parts: &[Fq]) -> Self;
    fn write(&self, parts: &mut [Fq]);
    /// psi(x, y), where the coordinates are those of G2 (see `gls`).
    fn psi(x: &Self, y: &Self) -> Option<(Self, Self)>;
    fn scale(&self, factor: &Fq) -> Self;
    /// Bitwise `self | other & mask`. With masks exactly one of which is all ones, and a zero
    /// `self` to begin with, a selection.
    fn or_masked(&mut self, other: &Self, mask: u64);
    /// By Fermat's theorem: the same operations for every value. 0 for 0.
    fn invert(&self) -> Self;

    /// `other` where the mask is all ones, `self` where it is zero.
    fn select(&self, other: &Self, mask: u64) -> Self {
        let mut out = Self::ZERO;
        out.or_masked(self, !mask);
        out.or_masked(other, mask);
        out
    }
}

impl Coordinate for Fq {
    const DEGREE: usize = 1;

    fn read(parts: &[Fq]) -> Self {
        parts[0]
    }

    fn write(&self, parts: &mut [Fq]) {
        parts[0] = *self;
    }

    fn psi(_: &Self, _: &Self) -> Option<(Self, Self)> {
        None
    }

    fn scale(&self, factor: &Fq) -> Self {
        *self * factor
    }

    fn or_masked(&mut self, other: &Self, mask: u64) {
        for (limb, other) in self.0.0.iter_mut().zip(other.0.0) {
            *limb |= other & mask;
        }
    }

    fn invert(&self) -> Self {
        let mut exponent = Self::MODULUS;
        exponent.0[0] -= 2;
        self.pow(exponent)
    }
}

impl Coordinate for Fq2 {
    const DEGREE: usize = 2;

    fn read(parts: &[Fq]) -> Self {
        Self::new(parts[0], parts[1])
    }

    fn write(&self, parts: &mut [Fq]) {
        parts[0] = self.c0;
        parts[1] = self.c1;
    }

    fn psi(x: &Self, y: &Self) -> Option<(Self, Self)> {
        let conjugate = |a: &Self| Self::new(a.c0, -a.c1);
        Some((conjugate(x) * Config::TWIST_MUL_BY_Q_X, conjugate(y) * Config::TWIST_MUL_BY_Q_Y))
    }

    fn scale(&self, factor: &Fq) -> Self {
        Self::new(self.c0 * factor, self.c1 * factor)
    }

    fn or_masked(&mut self, other: &Self, mask: u64) {
        self.c0.or_masked(&other.c0, mask);
        self.c1.or_masked(&other.c1, mask);
    }

    /// (a0 - a1 u) / (a0^2 + a1^2).
    fn invert(&self) -> Self {
        let inverse = (self.c0.square() + self.c1.square()).invert();
        Self::new(self.c0 * inverse, -(self.c1 * inverse))
    }
}

/// x and y.
pub(super) fn coordinates<P: AffinePoint, F: Coordinate>(point: &P) -> (F, F) {
    let coordinates = point.coordinates();
    let (x, y) = coordinates.as_ref().split_at(P::COORDINATES / 2);
    (F::read(x), F::read(y))
}

/// The point (x, y).
pub(super) fn point<P: AffinePoint, F: Coordinate>(x: &F, y: &F) -> P {
    let mut coordinates = P::ZERO_COORDINATES;
    let (x_parts, y_parts) = coordinates.as_mut().split_at_mut(P::COORDINATES / 2);
    x.write(x_parts);
    y.write(y_parts);
    P::from_coordinates(&coordinates)
}

/// Replaces every element, none of which may be zero, by its inverse: one inversion and three
/// products an element (P. Montgomery, 1987).
pub(super) fn invert_all<F: Coordinate>(
    elements: &mut [F],
    prefixes: &mut Vec<F>,
    invert: impl Fn(&F) -> F,
) {
    prefixes.clear();
    let mut product = F::ONE;
    for element in elements.iter() {
        prefixes.push(product);
        product *= element;
    }
    let mut inverse = invert(&product);
    for (element, prefix) in elements.iter_mut().zip(prefixes).rev() {
        let this = inverse * *prefix;
        inverse *= *element;
        *element = this;
    }
}
