//! A vector of coordinates at a time: elements of Fq (D = 1, for G1) or of Fq2 = Fq(u), u^2 = -1
//! (D = 2, for G2).
//!
//! The curve formulas are written once over `D`. A product in Fq2 is schoolbook with two
//! reductions,
//!
//! > (a0 + a1 u)(b0 + b1 u) = (a0 b0 - a1 b1) + (a0 b1 + a1 b0) u,
//!
//! whose sums and differences are taken on columns: 200 + 102 multiply-adds. Karatsuba's form saves
//! 50 of them and pays for it with two carry passes and thirty additions, which compete for the
//! same execution ports on Intel's cores. A square takes 110 + 102.

use bn254_batch_macros::kernel;

use super::fq::{FqLanes, Raw, Wide};
use super::isa::{self, Mask};
use crate::vector::constants::Limbs;

/// Normalised coordinates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<const D: usize>(pub(super) [FqLanes; D]);

/// Coordinates before a carry pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawElement<const D: usize>(pub(super) [Raw; D]);

/// Products of coordinates before reduction.
#[derive(Clone, Copy, Debug)]
pub(super) struct WideElement<const D: usize>([Wide; D]);

impl<const D: usize> Element<D> {
    #[inline]
    #[kernel]
    pub(super) fn zero() -> Self {
        Self([FqLanes::zero(); D])
    }

    #[inline]
    #[kernel]
    pub(super) fn one() -> Self {
        let mut out = Self::zero();
        out.0[0] = FqLanes::one();
        out
    }

    #[inline]
    #[kernel]
    pub(super) fn mul_wide(&self, other: &Self) -> WideElement<D> {
        let (a, b) = (&self.0, &other.0);
        let mut out = WideElement([a[0].mul_wide(&b[0]); D]);
        if D == 2 {
            out.0[0] = out.0[0].sub(&a[1].mul_wide(&b[1]));
            out.0[1] = a[0].mul_wide(&b[1]).plus_product(&a[1], &b[0]);
        }
        out
    }

    #[inline]
    #[kernel]
    pub(super) fn square_wide(&self) -> WideElement<D> {
        let a = &self.0;
        let mut out = WideElement([a[0].square_wide(); D]);
        if D == 2 {
            out.0[0] = out.0[0].sub(&a[1].square_wide());
            out.0[1] = a[0].mul_wide(&a[1]).double();
        }
        out
    }

    #[inline]
    #[kernel]
    pub(super) fn mul(&self, other: &Self) -> RawElement<D> {
        self.mul_wide(other).reduce()
    }

    #[inline]
    #[kernel]
    pub(super) fn square(&self) -> RawElement<D> {
        self.square_wide().reduce()
    }

    /// The product with an element of Fq.
    #[inline]
    #[kernel]
    pub(super) fn scale(&self, factor: &FqLanes) -> Self {
        let mut out = *self;
        for x in &mut out.0 {
            *x = x.mul(factor).carry::<0>();
        }
        out
    }

    #[inline]
    #[kernel]
    pub(super) fn raw(&self) -> RawElement<D> {
        let mut out = RawElement([self.0[0].raw(); D]);
        for (out, x) in out.0.iter_mut().zip(&self.0) {
            *out = x.raw();
        }
        out
    }

    /// The same in all lanes.
    #[inline]
    #[kernel]
    pub(super) fn constant(limbs: &[Limbs; 2]) -> Self {
        let mut out = Self::zero();
        for (out, limbs) in out.0.iter_mut().zip(limbs) {
            *out = FqLanes::splat(limbs);
        }
        out
    }

    /// a0 - a1 u, in Fq2.
    #[inline]
    #[kernel]
    pub(super) fn conjugate(&self) -> Self {
        let mut out = *self;
        if D == 2 {
            out.0[1] = FqLanes::zero().raw().sub(&self.0[1].raw()).carry::<2>();
        }
        out
    }

    /// A factor, and its product with this, which is in Fq.
    #[inline]
    #[kernel]
    pub(super) fn to_base_field(self) -> (Self, Self) {
        if D == 2 {
            let conjugate = self.conjugate();
            (conjugate, self.mul(&conjugate).carry::<0, 1, 0>())
        } else {
            (Self::one(), self)
        }
    }

    /// Lane by lane: `other` where the mask is set.
    #[inline]
    #[kernel]
    pub(super) fn select(&self, mask: Mask, other: &Self) -> Self {
        let mut out = *self;
        for (out, other) in out.0.iter_mut().zip(&other.0) {
            *out = out.select(mask, other);
        }
        out
    }

    #[inline]
    #[kernel]
    pub(super) fn is_zero(&self) -> Mask {
        let mut mask = isa::all();
        for x in &self.0 {
            mask = isa::both(mask, x.is_zero());
        }
        mask
    }

    /// The lanes that are 0, of coordinates below p.
    #[inline]
    #[kernel]
    pub(super) fn is_canonical_zero(&self) -> Mask {
        let mut mask = isa::all();
        for x in &self.0 {
            mask = isa::both(mask, x.is_canonical_zero());
        }
        mask
    }

    /// The inverse, by a power in Fq, in constant time; 0 for 0.
    #[kernel]
    pub(super) fn invert(&self) -> Self {
        self.invert_with(|x| x.invert())
    }

    /// The inverse through one in Fq. In Fq2: (a0 - a1 u) / (a0^2 + a1^2).
    #[inline]
    #[kernel]
    pub(super) fn invert_with(&self, invert: impl Fn(FqLanes) -> FqLanes) -> Self {
        let a = &self.0;
        let mut out = *self;
        if D == 1 {
            out.0[0] = invert(a[0]);
        } else {
            let inverse =
                invert(a[0].mul_wide(&a[0]).plus_product(&a[1], &a[1]).reduce().carry::<0>());
            out.0[0] = a[0].mul(&inverse).carry::<0>();
            out.0[1] = FqLanes::zero().raw().sub(&a[1].mul(&inverse)).carry::<2>();
        }
        out
    }

    /// Subtracts p from the coordinates that are at least p.
    #[inline]
    #[kernel]
    pub(super) fn less_p(&self) -> Self {
        let mut out = *self;
        for x in &mut out.0 {
            *x = x.less_p();
        }
        out
    }
}

impl<const D: usize> RawElement<D> {
    #[inline]
    #[kernel]
    pub(super) fn add(&self, other: &Self) -> Self {
        let mut out = *self;
        for (out, other) in out.0.iter_mut().zip(&other.0) {
            *out = out.add(other);
        }
        out
    }

    #[inline]
    #[kernel]
    pub(super) fn sub(&self, other: &Self) -> Self {
        let mut out = *self;
        for (out, other) in out.0.iter_mut().zip(&other.0) {
            *out = out.sub(other);
        }
        out
    }

    #[inline]
    #[kernel]
    pub(super) fn double(&self) -> Self {
        let mut out = *self;
        for x in &mut out.0 {
            *x = x.double();
        }
        out
    }

    #[inline]
    #[kernel]
    pub(super) fn triple(&self) -> Self {
        self.double().add(self)
    }

    /// The negative in the lanes of the mask.
    #[inline]
    #[kernel]
    pub(super) fn negate(&self, mask: Mask) -> Self {
        let mut out = *self;
        for x in &mut out.0 {
            *x = x.negate(mask);
        }
        out
    }

    /// Adds a multiple of p and carries: `K` p in Fq; `K0` p and `K1` p to the two coordinates in
    /// Fq2.
    #[inline]
    #[kernel]
    pub(super) fn carry<const K: usize, const K0: usize, const K1: usize>(&self) -> Element<D> {
        let mut out = Element([FqLanes::zero(); D]);
        if D == 1 {
            out.0[0] = self.0[0].carry::<K>();
        } else {
            out.0[0] = self.0[0].carry::<K0>();
            out.0[1] = self.0[1].carry::<K1>();
        }
        out
    }
}

impl<const D: usize> RawElement<D> {
    /// Carries any value in (-6.6 p, 3.9 p) to a representative below 1.67 p; see [`Raw::fold`].
    #[inline]
    #[kernel]
    pub(super) fn fold(&self) -> Element<D> {
        let mut out = Element([FqLanes::zero(); D]);
        for (out, x) in out.0.iter_mut().zip(&self.0) {
            *out = x.fold();
        }
        out
    }
}

impl<const D: usize> WideElement<D> {
    #[inline]
    #[kernel]
    pub(super) fn sub(&self, other: &Self) -> Self {
        let mut out = *self;
        for (out, other) in out.0.iter_mut().zip(&other.0) {
            *out = out.sub(other);
        }
        out
    }

    #[inline]
    #[kernel]
    pub(super) fn double(&self) -> Self {
        let mut out = *self;
        for x in &mut out.0 {
            *x = x.double();
        }
        out
    }

    #[inline]
    #[kernel]
    pub(super) fn reduce(&self) -> RawElement<D> {
        let mut out = RawElement([self.0[0].reduce(); D]);
        if D == 2 {
            out.0[1] = self.0[1].reduce();
        }
        out
    }
}
