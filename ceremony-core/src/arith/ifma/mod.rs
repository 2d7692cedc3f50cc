//! The back end for processors with AVX-512 IFMA.
#![allow(unsafe_code)]

mod constants;
mod element;
mod fq;
mod interval;
mod jacobian;
mod multiply;
mod transfer;

use rayon::prelude::*;

use crate::curve::{Fr, Point};

/// Proof that this processor has the instructions.
#[derive(Clone, Copy, Debug)]
pub struct Ifma(());

const TASK: usize = 512;

impl Ifma {
    /// Asks the processor.
    #[must_use]
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma")).then_some(Self(()))
    }

    /// P_i <- s_i P_i.
    pub fn mul_each<P: Point>(self, points: &mut [P], scalars: &[Fr]) {
        points.par_chunks_mut(TASK).zip(scalars.par_chunks(TASK)).for_each(|(points, scalars)| {
            // SAFETY: `self` exists only where the processor has avx512f and avx512ifma.
            unsafe {
                match P::COORDINATES {
                    2 => multiply::multiply::<P, 1>(points, scalars),
                    _ => multiply::multiply::<P, 2>(points, scalars),
                }
            }
        });
    }
}
