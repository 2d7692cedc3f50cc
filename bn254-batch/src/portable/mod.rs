//! The back ends on words of 64 bits: one for every machine, and one for x86-64 with ADX.
//!
//! They differ in the field's arithmetic ([`residue::Arithmetic`]) and in nothing else.
//!
//! [`multiply`] is constant time: its sequence of operations and its memory accesses do not depend
//! on scalars, and neither do those of the field operations below it, which have no branch on a
//! value: reductions and negations take or leave the modulus under a mask ([`residue`]). That is
//! what the source says; a compiler may make a branch of a mask, and on x86-64 it was looked up
//! that this one does not. A point at infinity, which is public, and some hundreds of scalars in
//! all, 0 among them (counted in `glv`; in G2 some hundred thousand, see `gls`), take another path:
//! arkworks' multiplication.

#[cfg(target_arch = "x86_64")]
mod adx;
mod coordinate;
mod multiply;
mod pairs;
mod residue;

use coordinate::{Coordinate, coordinates};
use residue::{Arithmetic, Plain, Residue, Residue2};

use super::joint;
use super::kernels::{Kernels, Sum};
use crate::curve::{AffinePoint, Fq, Fr};

/// The kernels on this arithmetic. A value is proof that the processor has its instructions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scalar<A>(A);

/// Needs nothing of the processor.
pub(super) type Portable = Scalar<Plain>;

impl Portable {
    pub(super) const fn new() -> Self {
        Self(Plain)
    }
}

/// Needs BMI2 and ADX: the only way to one is [`Adx::detect`].
#[cfg(target_arch = "x86_64")]
pub(super) type Adx = Scalar<adx::TwoChains>;

#[cfg(target_arch = "x86_64")]
impl Adx {
    /// Asks the processor.
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("bmi2") && is_x86_feature_detected!("adx"))
            .then_some(Self(adx::TwoChains))
    }
}

impl<A: Arithmetic> Kernels for Scalar<A> {
    const TASK_BYTES: usize = 64 << 10;
    const ALIKE: usize = 1;

    fn combine<P: AffinePoint, const M: usize, const R: usize>(
        self,
        inputs: [&[P]; M],
        matrices: &[[[Fr; M]; R]],
    ) -> [Vec<P>; R] {
        joint::combine(self, inputs, matrices)
    }

    fn multiply<P: AffinePoint>(self, points: &mut [P], scalars: &[Fr]) {
        match P::COORDINATES {
            2 => multiply::multiply::<P, Residue<A>>(points, scalars),
            _ => multiply::multiply::<P, Residue2<A>>(points, scalars),
        }
    }

    fn add<P: AffinePoint>(self, points: &mut [P], sums: &[Sum]) {
        match P::COORDINATES {
            2 => pairs::add::<P, Residue<A>>(points, sums),
            _ => pairs::add::<P, Residue2<A>>(points, sums),
        }
    }

    fn off_curve<P: AffinePoint>(self, points: &[P]) -> Option<usize> {
        match P::COORDINATES {
            2 => points.iter().position(is_off_curve::<P, Residue<A>>),
            _ => points.iter().position(is_off_curve::<P, Residue2<A>>),
        }
    }

    fn lift_x<P: AffinePoint>(self, x: &[Fq]) -> Vec<P> {
        x.chunks_exact(P::COORDINATES / 2)
            .map(|x| P::from_x(x, false).unwrap_or(P::zero()))
            .collect()
    }
}

/// Neither y^2 = x^3 + b nor infinity.
fn is_off_curve<P: AffinePoint, F: Coordinate>(point: &P) -> bool {
    let (x, y) = coordinates::<P, F>(point);
    !(point.is_zero() || (y.square() - x.square() * x - F::curve_b()).is_zero())
}
