//! The group law on a vector of points at a time, in Jacobian coordinates: (X : Y' : Z) is the
//! affine point (X / Z^2, Y' / (2 Z^3)).
//!
//! Keeping Y' = 2 Y removes the factors 8 and 4 of the textbook formulas, and with them the growth
//! of the lazy-reduction bounds: the intervals of the coordinates settle in Fq and in Fq2 without
//! any conditional subtraction. Both curves have a = 0, and no formula reads b: they hold unchanged
//! on every isomorphic curve, which the tables of `multiply` make use of.
//!
//! Multiples of p are added where a difference could be negative; the debug intervals (see
//! `interval`) prove each of them sufficient.
//!
//! Source: D. Bernstein, T. Lange, Explicit-Formulas Database, short Weierstrass curves with a = 0,
//! Jacobian coordinates, dbl-2009-l and madd-2007-bl, rewritten for Y'.
//!
//! Exceptional cases of [`Jacobian::add`] (an operand at infinity, equal or opposite operands) make
//! Z = 0, and Z = 0 persists through every later operation, so that one test at the end of a chain
//! finds them. There are no points of order two on either curve (both group orders are odd).

use bn254_batch_macros::kernel;

use super::element::Element;
use super::isa::Mask;

/// Affine points, (X, Y') = (x, 2 y).
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine<const D: usize> {
    pub(super) x: Element<D>,
    pub(super) y2: Element<D>,
}

/// Points in Jacobian coordinates with Y' = 2 Y.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jacobian<const D: usize> {
    pub(super) x: Element<D>,
    pub(super) y2: Element<D>,
    pub(super) z: Element<D>,
}

impl<const D: usize> Jacobian<D> {
    /// 2 P: three products and four squares, two of which share a reduction.
    ///
    /// B = Y'^2, S = X B, M = 3 X^2, X3 = M^2 - 2 S, Y3' = 2 M (S - X3) - B^2, Z3 = Y' Z.
    #[inline]
    #[kernel]
    pub(super) fn double(&self) -> Self {
        let b = self.y2.square().carry::<0, 1, 0>();
        let s = self.x.mul(&b);
        let m = self.x.square().triple().carry::<0, 1, 0>();
        let z = self.y2.mul(&self.z).carry::<0, 1, 0>();
        let x = m.square().sub(&s.double()).carry::<3, 3, 3>();
        let w = s.sub(&x.raw()).carry::<5, 5, 5>();
        let y2 = m.mul_wide(&w).double().sub(&b.square_wide()).reduce().carry::<1, 1, 1>();
        Self { x, y2, z }
    }

    /// P + Q, or P - Q in the lanes of `negate`, for affine Q: eight products and three squares,
    /// two of which share a reduction. Also returns 2 H, the factor from the old Z to the new one.
    ///
    /// H = x_Q Z^2 - X, I = 4 H^2, J = H I, V = X I, r = +-y'_Q Z^3 - Y',
    /// X3 = r^2 - J - 2 V, Y3' = 2 (r (V - X3) - Y' J), Z3 = 2 Z H.
    #[inline]
    #[kernel]
    pub(super) fn add(&self, q: &Affine<D>, negate: Mask) -> (Self, Element<D>) {
        let zz = self.z.square().carry::<0, 1, 0>();
        let h = q.x.mul(&zz).sub(&self.x.raw()).carry::<8, 5, 5>();
        let zzz = self.z.mul(&zz).carry::<0, 1, 0>();
        let r = q.y2.mul(&zzz).negate(negate).sub(&self.y2.raw()).carry::<5, 7, 5>();
        let i = h.square().double().double().carry::<0, 2, 0>();
        let j = h.mul(&i).carry::<0, 1, 0>();
        let v = self.x.mul(&i);
        let z = self.z.mul(&h).double().carry::<0, 1, 0>();
        let x = r.square().sub(&j.raw()).sub(&v.double());
        let x = if D == 1 { x.carry::<6, 0, 0>() } else { x.fold() };
        let w = v.sub(&x.raw()).carry::<8, 3, 3>();
        let y2 = r.mul_wide(&w).sub(&self.y2.mul_wide(&j)).double().reduce().carry::<1, 1, 1>();
        (Self { x, y2, z }, h.raw().double().carry::<0, 0, 0>())
    }
}
