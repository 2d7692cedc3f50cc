//! The back end for every machine, on arkworks' field arithmetic.
//!
//! [`multiply`] is constant time down to arkworks' field operations: its sequence of operations and
//! its memory accesses do not depend on scalars. What remains is inside those: ark-ff reduces a
//! Montgomery product, a sum and a difference by a *conditional* subtraction or addition of the
//! modulus, and negates by testing for zero; the compiler may turn these into branches. They depend
//! on intermediate values, each of which is the coordinate of a multiple of the point, and not on
//! scalar bits directly. A point at infinity, which is public, and some hundreds of scalars in all,
//! 0 among them (counted in `glv`), take another path: arkworks' multiplication.

mod coordinate;
mod multiply;
mod pairs;

use super::kernels::{Kernels, Sum};
use crate::curve::{AffinePoint, Fq, Fq2, Fr};

/// Needs nothing of the processor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Portable;

impl Kernels for Portable {
    const TASK_BYTES: usize = 32 << 10;
    const JOINT: bool = true;

    fn multiply<P: AffinePoint>(self, points: &mut [P], scalars: &[Fr]) {
        match P::COORDINATES {
            2 => multiply::multiply::<P, Fq>(points, scalars),
            _ => multiply::multiply::<P, Fq2>(points, scalars),
        }
    }

    fn add<P: AffinePoint>(self, points: &mut [P], sums: &[Sum]) {
        match P::COORDINATES {
            2 => pairs::add::<P, Fq>(points, sums),
            _ => pairs::add::<P, Fq2>(points, sums),
        }
    }

    fn off_curve<P: AffinePoint>(self, points: &[P]) -> Option<usize> {
        points.iter().position(|p| !(p.is_zero() || p.satisfies_curve_equation()))
    }

    fn lift_x<P: AffinePoint>(self, x: &[Fq]) -> Vec<P> {
        x.chunks_exact(P::COORDINATES / 2)
            .map(|x| P::from_x(x, false).unwrap_or(P::zero()))
            .collect()
    }
}
