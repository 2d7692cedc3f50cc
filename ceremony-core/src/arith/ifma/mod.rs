//! The back end for processors with AVX-512 IFMA.
#![allow(unsafe_code)]

mod constants;
mod element;
mod equation;
mod fq;
mod interval;
mod jacobian;
mod multiply;
mod pairs;
mod transfer;

use super::engine::{Engine, Sum};
use crate::curve::{Fq, Fr, Point};

/// Proof that this processor has the instructions: the only way to one is [`Ifma::detect`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Ifma(());

impl Ifma {
    /// Asks the processor.
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma")).then_some(Self(()))
    }
}

impl Engine for Ifma {
    const TASK: usize = 512;

    fn multiply<P: Point>(self, points: &mut [P], scalars: &[Fr]) {
        match P::COORDINATES {
            // SAFETY: a value of this type exists only where the processor has avx512f and avx512ifma.
            2 => unsafe { multiply::multiply::<P, 1>(points, scalars) },
            // SAFETY: as above.
            _ => unsafe { multiply::multiply::<P, 2>(points, scalars) },
        }
    }

    fn add<P: Point>(self, points: &mut [P], sums: &[Sum]) {
        match P::COORDINATES {
            // SAFETY: as above.
            2 => unsafe { pairs::add::<P, 1>(points, sums) },
            // SAFETY: as above.
            _ => unsafe { pairs::add::<P, 2>(points, sums) },
        }
    }

    fn off_curve<P: Point>(self, points: &[P]) -> Option<usize> {
        match P::COORDINATES {
            // SAFETY: as above.
            2 => unsafe { equation::off_curve::<P, 1>(points) },
            // SAFETY: as above.
            _ => unsafe { equation::off_curve::<P, 2>(points) },
        }
    }

    fn lift_x<P: Point>(self, x: &[Fq]) -> Vec<P> {
        match P::COORDINATES {
            // SAFETY: as above.
            2 => unsafe { equation::lift_x::<P, 1>(x) },
            // SAFETY: as above.
            _ => unsafe { equation::lift_x::<P, 2>(x) },
        }
    }
}
