//! The coordinate fields Fq and Fq2, as the kernels need them: limbs under a mask, and an inversion
//! whose operations do not depend on its operand.

use std::ops::{Add, Mul, Neg, Sub};

use ark_bn254::Config;
use ark_ec::AffineRepr;
use ark_ec::bn::BnConfig;
use ark_ec::short_weierstrass::SWCurveConfig;
use ark_ff::Field;

use super::residue::{Arithmetic, Q, Residue, Residue2};
use crate::curve::{AffinePoint, Fq, Fq2, G1Affine, G2Affine};

/// A coordinate of a point, of one or two elements of Fq.
pub(super) trait Coordinate:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Neg<Output = Self>
{
    /// The field's degree over Fq: 1 or 2.
    const DEGREE: usize;
    const ZERO: Self;
    const ONE: Self;
    /// b of the curve y^2 = x^3 + b over this field.
    fn curve_b() -> Self;
    /// From the elements of Fq, of which there are enough.
    fn read(parts: &[Fq]) -> Self;
    fn write(&self, parts: &mut [Fq]);
    /// psi(x, y), where the coordinates are those of G2 (see `gls`).
    fn psi(x: &Self, y: &Self) -> Option<(Self, Self)>;
    fn scale(&self, factor: &Fq) -> Self;
    fn square(&self) -> Self;
    /// All ones for zero, else none.
    fn zero_mask(&self) -> u64;
    /// Bitwise `self | other & mask`. With masks exactly one of which is all ones, and a zero
    /// `self` to begin with, a selection.
    fn or_masked(&mut self, other: &Self, mask: u64);
    /// By Fermat's theorem: the same operations for every value. 0 for 0.
    fn invert(&self) -> Self;
    /// By arkworks' algorithm, of Euclid's kind: faster. 0 for 0.
    fn invert_in_variable_time(&self) -> Self;

    #[inline(always)]
    fn double(&self) -> Self {
        *self + *self
    }

    #[inline(always)]
    fn triple(&self) -> Self {
        self.double() + *self
    }

    /// Not for secrets: a condition is made to be branched on.
    #[inline(always)]
    fn is_zero(&self) -> bool {
        self.zero_mask() != 0
    }

    /// `other` where the mask is all ones, `self` where it is zero.
    #[inline(always)]
    fn select(&self, other: &Self, mask: u64) -> Self {
        let mut out = Self::ZERO;
        out.or_masked(self, !mask);
        out.or_masked(other, mask);
        out
    }
}

impl<A: Arithmetic> Coordinate for Residue<A> {
    const DEGREE: usize = 1;
    const ZERO: Self = Self::ZERO;
    const ONE: Self = Self::ONE;

    #[inline(always)]
    fn curve_b() -> Self {
        Self::from_fq(&<G1Affine as AffineRepr>::Config::COEFF_B)
    }

    #[inline(always)]
    fn read(parts: &[Fq]) -> Self {
        Self::from_fq(&parts[0])
    }

    #[inline(always)]
    fn write(&self, parts: &mut [Fq]) {
        parts[0] = self.to_fq();
    }

    fn psi(_: &Self, _: &Self) -> Option<(Self, Self)> {
        None
    }

    #[inline(always)]
    fn scale(&self, factor: &Fq) -> Self {
        *self * Self::from_fq(factor)
    }

    #[inline(always)]
    fn square(&self) -> Self {
        (*self).square()
    }

    #[inline(always)]
    fn zero_mask(&self) -> u64 {
        (*self).zero_mask()
    }

    #[inline(always)]
    fn or_masked(&mut self, other: &Self, mask: u64) {
        self.or_masked(other, mask);
    }

    /// The power q - 2, four bits at a time. The exponent is public: what is looked up and what is
    /// left out depends on nothing else.
    #[inline(never)]
    fn invert(&self) -> Self {
        let mut powers = [*self; 16];
        for i in 2..powers.len() {
            powers[i] = powers[i - 1] * *self;
        }
        let mut exponent = Q;
        exponent[0] -= 2;
        let mut power = Self::ONE;
        for word in exponent.iter().rev() {
            for shift in (0..64).step_by(4).rev() {
                power = power.square().square().square().square();
                match (word >> shift) as usize & 15 {
                    0 => {}
                    digit => power = power * powers[digit],
                }
            }
        }
        power
    }

    fn invert_in_variable_time(&self) -> Self {
        self.to_fq().inverse().map_or(Self::ZERO, |inverse| Self::from_fq(&inverse))
    }
}

impl<A: Arithmetic> Coordinate for Residue2<A> {
    const DEGREE: usize = 2;
    const ZERO: Self = Self::ZERO;
    const ONE: Self = Self::ONE;

    #[inline(always)]
    fn curve_b() -> Self {
        let b = <G2Affine as AffineRepr>::Config::COEFF_B;
        Self::read(&[b.c0, b.c1])
    }

    #[inline(always)]
    fn read(parts: &[Fq]) -> Self {
        Self::new(Residue::from_fq(&parts[0]), Residue::from_fq(&parts[1]))
    }

    #[inline(always)]
    fn write(&self, parts: &mut [Fq]) {
        for (part, residue) in parts.iter_mut().zip(self.parts()) {
            *part = residue.to_fq();
        }
    }

    fn psi(x: &Self, y: &Self) -> Option<(Self, Self)> {
        let turned = |a: &Self, factor: Fq2| {
            let [c0, c1] = a.parts();
            Self::new(c0, -c1) * Self::read(&[factor.c0, factor.c1])
        };
        Some((turned(x, Config::TWIST_MUL_BY_Q_X), turned(y, Config::TWIST_MUL_BY_Q_Y)))
    }

    #[inline(always)]
    fn scale(&self, factor: &Fq) -> Self {
        let [c0, c1] = self.parts();
        Self::new(c0.scale(factor), c1.scale(factor))
    }

    #[inline(always)]
    fn square(&self) -> Self {
        (*self).square()
    }

    #[inline(always)]
    fn zero_mask(&self) -> u64 {
        let [c0, c1] = self.parts();
        c0.zero_mask() & c1.zero_mask()
    }

    #[inline(always)]
    fn or_masked(&mut self, other: &Self, mask: u64) {
        let ([mut c0, mut c1], [other0, other1]) = (self.parts(), other.parts());
        c0.or_masked(&other0, mask);
        c1.or_masked(&other1, mask);
        *self = Self::new(c0, c1);
    }

    fn invert(&self) -> Self {
        self.invert_with(Residue::invert)
    }

    fn invert_in_variable_time(&self) -> Self {
        self.invert_with(Residue::invert_in_variable_time)
    }
}

impl<A: Arithmetic> Residue2<A> {
    /// (c0 - c1 u) / (c0^2 + c1^2).
    fn invert_with(&self, invert: impl Fn(&Residue<A>) -> Residue<A>) -> Self {
        let [c0, c1] = self.parts();
        let inverse = invert(&(c0.square() + c1.square()));
        Self::new(c0 * inverse, -(c1 * inverse))
    }
}

/// x and y.
#[inline(always)]
pub(super) fn coordinates<P: AffinePoint, F: Coordinate>(point: &P) -> (F, F) {
    let coordinates = point.coordinates();
    let (x, y) = coordinates.as_ref().split_at(P::COORDINATES / 2);
    (F::read(x), F::read(y))
}

/// The point (x, y).
#[inline(always)]
pub(super) fn point<P: AffinePoint, F: Coordinate>(x: &F, y: &F) -> P {
    let mut coordinates = P::ZERO_COORDINATES;
    let (x_parts, y_parts) = coordinates.as_mut().split_at_mut(P::COORDINATES / 2);
    x.write(x_parts);
    y.write(y_parts);
    P::from_coordinates(&coordinates)
}

/// Elements that are inverted together: one inversion, and three products for each (P. Montgomery,
/// 1987).
pub(super) struct Inversion<F> {
    /// Each with the product of those before it.
    elements: Vec<(F, F)>,
    product: F,
}

impl<F: Coordinate> Inversion<F> {
    pub(super) fn with_capacity(elements: usize) -> Self {
        Self { elements: Vec::with_capacity(elements), product: F::ONE }
    }

    /// Takes one more element, which must not be zero.
    #[inline(always)]
    pub(super) fn push(&mut self, element: F) {
        self.elements.push((element, self.product));
        self.product = self.product * element;
    }

    /// The inverses, that of the last element first; none is left.
    #[inline(always)]
    pub(super) fn inverses(&mut self, invert: impl Fn(&F) -> F) -> impl Iterator<Item = F> {
        let mut inverse = invert(&std::mem::replace(&mut self.product, F::ONE));
        self.elements.drain(..).rev().map(move |(element, before)| {
            let this = inverse * before;
            inverse = inverse * element;
            this
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::residue::Plain;
    use super::*;

    /// Both inversions of both fields, and of zero in either form.
    fn inverts<F: Coordinate>(element: F) {
        let expected = if element.is_zero() { F::ZERO } else { F::ONE };
        assert!((element.invert() * element - expected).is_zero());
        assert!((element.invert_in_variable_time() - element.invert()).is_zero());
    }

    #[test]
    fn an_inverse_times_its_element_is_one_and_that_of_zero_is_zero() {
        type Element = Residue<Plain>;
        let mut elements: Vec<Element> =
            [0i64, 1, -1, 2, 3, -7, 1 << 40].map(|n| Element::from_fq(&Fq::from(n))).into();
        elements.push(elements[1] + elements[2]);
        for x in &elements {
            inverts(*x);
            elements.iter().for_each(|y| inverts(Residue2::new(*x, *y)));
        }
        let mut inversion = Inversion::with_capacity(6);
        for _ in 0..2 {
            elements[1..7].iter().for_each(|element| inversion.push(*element));
            let inverses = inversion.inverses(Element::invert).collect::<Vec<_>>();
            assert_eq!(inverses.len(), 6);
            for (inverse, element) in inverses.iter().rev().zip(&elements[1..7]) {
                assert!((*inverse * *element - Element::ONE).is_zero());
            }
        }
    }
}
