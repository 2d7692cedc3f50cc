//! The kernels, for processors that have been seen to have the instructions.

use std::cell::Cell;
use std::thread::LocalKey;

use super::pairs::Pending;
use super::{alike, equation, isa, multiply, pairs};
use crate::curve::{AffinePoint, Fq, Fr};
use crate::kernels::{Kernels, Sum};

thread_local! {
    // Some 200 KiB each, which would be mapped and unmapped for every batch. Public values.
    static PENDING_G1: Cell<Vec<Pending<1>>> = const { Cell::new(Vec::new()) };
    static PENDING_G2: Cell<Vec<Pending<2>>> = const { Cell::new(Vec::new()) };
}

/// Takes the thread's buffer out while it is used; a caller that wants it meanwhile gets an empty
/// one.
fn with_buffer<T>(buffer: &'static LocalKey<Cell<Vec<T>>>, work: impl FnOnce(&mut Vec<T>)) {
    let mut taken = buffer.take();
    work(&mut taken);
    buffer.set(taken);
}

/// Proof that this processor has the instructions: the only way to one is [`Engine::detect`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Engine(());

impl Engine {
    /// Asks the processor.
    pub(crate) fn detect() -> Option<Self> {
        isa::detected().then_some(Self(()))
    }
}

impl Kernels for Engine {
    const TASK_BYTES: usize = 16 << 10;
    const ALIKE: usize = multiply::INTERLEAVE * isa::LANES;

    fn combine<P: AffinePoint, const M: usize, const R: usize>(
        self,
        inputs: [&[P]; M],
        matrices: &[[[Fr; M]; R]],
    ) -> [Vec<P>; R] {
        match P::COORDINATES {
            // SAFETY: a value of this type exists only where the processor has the instructions.
            2 => unsafe { alike::combine::<P, 1, M, R>(inputs, matrices) },
            // SAFETY: as above.
            _ => unsafe { alike::combine::<P, 2, M, R>(inputs, matrices) },
        }
    }

    fn multiply<P: AffinePoint>(self, points: &mut [P], scalars: &[Fr]) {
        match P::COORDINATES {
            // SAFETY: as above.
            2 => unsafe { multiply::multiply::<P, 1>(points, scalars) },
            // SAFETY: as above.
            _ => unsafe { multiply::multiply::<P, 2>(points, scalars) },
        }
    }

    fn add<P: AffinePoint>(self, points: &mut [P], sums: &[Sum]) {
        match P::COORDINATES {
            2 => with_buffer(&PENDING_G1, |pending| {
                // SAFETY: as above.
                unsafe { pairs::add::<P, 1>(points, sums, pending) }
            }),
            _ => with_buffer(&PENDING_G2, |pending| {
                // SAFETY: as above.
                unsafe { pairs::add::<P, 2>(points, sums, pending) }
            }),
        }
    }

    fn off_curve<P: AffinePoint>(self, points: &[P]) -> Option<usize> {
        match P::COORDINATES {
            // SAFETY: as above.
            2 => unsafe { equation::off_curve::<P, 1>(points) },
            // SAFETY: as above.
            _ => unsafe { equation::off_curve::<P, 2>(points) },
        }
    }

    fn lift_x<P: AffinePoint>(self, x: &[Fq]) -> Vec<P> {
        match P::COORDINATES {
            // SAFETY: as above.
            2 => unsafe { equation::lift_x::<P, 1>(x) },
            // SAFETY: as above.
            _ => unsafe { equation::lift_x::<P, 2>(x) },
        }
    }
}
