//! The operations on points of either group, compiled here once for each of the two groups.
//!
//! The algorithms are generic over point and back end. Left generic in the public interface, they
//! would be compiled again in every crate that calls them, with that crate's optimisation.
//! [`Point`] has no generic method, so its implementations for G1 and G2 are compiled in this
//! crate.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;
use zeroize::Zeroize;

use super::backend::{Backend, chosen, with_kernels};
use super::fft::Direction;
use super::indexed_sums::IndexedSums;
use super::kernels::{Kernels, negative};
use super::multiples::Multiple;
use super::stride_sums::{StrideColumns, StrideSums};
use super::{buckets, fft};
use crate::curve::{AffinePoint, Fq, Fr, G1Affine, G2Affine};

/// A point that the functions of this crate work on, by the batch: a bound of generic callers.
///
/// Implemented by [`G1Affine`] and [`G2Affine`]. The operations are called through the functions of
/// the crate, which say what they demand.
pub trait Point: AffinePoint {
    #[doc(hidden)]
    fn mul_each(arith: Backend, points: &mut [Self], scalars: &[Fr]);
    #[doc(hidden)]
    fn mul_all(arith: Backend, points: &mut [Self], scalar: &Fr);
    #[doc(hidden)]
    fn linear_combination(arith: Backend, points: &[Self], coefficients: &[u128]) -> Self::Group;
    #[doc(hidden)]
    fn group_fft(
        arith: Backend,
        points: &mut [Self],
        direction: Direction,
        done: &(dyn Fn(usize) + Sync),
    );
    #[doc(hidden)]
    fn butterflies(arith: Backend, lo: &mut [Self], hi: &mut [Self], twiddles: &[Fr]);
    #[doc(hidden)]
    fn off_curve(arith: Backend, points: &[Self]) -> Option<usize>;
    #[doc(hidden)]
    fn from_xs(arith: Backend, x: &[Fq], larger: &[bool]) -> Result<Vec<Self>, usize>;
    #[doc(hidden)]
    fn stride_sums(arith: Backend, points: u64) -> StrideSums<Self>;
    #[doc(hidden)]
    fn add_rows(sums: &mut StrideSums<Self>, points: &[Self], random: &mut dyn FnMut() -> u64);
    #[doc(hidden)]
    fn finish_rows(sums: StrideSums<Self>) -> StrideColumns<Self>;
    #[doc(hidden)]
    fn indexed_sums(arith: Backend, keys: usize) -> IndexedSums<Self>;
    #[doc(hidden)]
    fn add_keyed(sums: &mut IndexedSums<Self>, points: &[(u32, Self)]);
    #[doc(hidden)]
    fn add_multiples(sums: &mut IndexedSums<Self>, points: &[Self], multiples: &[Multiple]);
    #[doc(hidden)]
    fn sums_of_keys(sums: &mut IndexedSums<Self>, keys: Range<usize>) -> Vec<Self>;
}

macro_rules! batch_point {
    ($($point:ty)+) => { $(
        impl Point for $point {
            fn mul_each(arith: Backend, points: &mut [Self], scalars: &[Fr]) {
                let n = points.len().min(scalars.len());
                let scalars = |range| Cow::Borrowed(&scalars[range]);
                with_kernels!(arith, engine => multiply(engine, &mut points[..n], scalars));
            }

            fn mul_all(arith: Backend, points: &mut [Self], scalar: &Fr) {
                let scalars = |range: Range<usize>| Cow::Owned(vec![*scalar; range.len()]);
                with_kernels!(arith, engine => multiply(engine, points, scalars));
            }

            fn linear_combination(arith: Backend, points: &[Self], coefficients: &[u128]) -> Self::Group {
                with_kernels!(arith, engine => buckets::linear_combination(engine, points, coefficients))
            }

            fn group_fft(
                arith: Backend,
                points: &mut [Self],
                direction: Direction,
                done: &(dyn Fn(usize) + Sync),
            ) {
                with_kernels!(arith, engine => fft::group_fft(engine, points, direction, done));
            }

            fn butterflies(arith: Backend, lo: &mut [Self], hi: &mut [Self], twiddles: &[Fr]) {
                with_kernels!(arith, engine => fft::butterflies(engine, lo, hi, twiddles));
            }

            fn off_curve(arith: Backend, points: &[Self]) -> Option<usize> {
                with_kernels!(arith, engine => off_curve(engine, points))
            }

            fn from_xs(arith: Backend, x: &[Fq], larger: &[bool]) -> Result<Vec<Self>, usize> {
                with_kernels!(arith, engine => from_x(engine, x, larger))
            }

            fn stride_sums(arith: Backend, points: u64) -> StrideSums<Self> {
                StrideSums::begin(arith, points)
            }

            fn add_rows(sums: &mut StrideSums<Self>, points: &[Self], random: &mut dyn FnMut() -> u64) {
                sums.add_run(points, random);
            }

            fn finish_rows(sums: StrideSums<Self>) -> StrideColumns<Self> {
                sums.into_columns()
            }

            fn indexed_sums(arith: Backend, keys: usize) -> IndexedSums<Self> {
                IndexedSums::begin(arith, keys)
            }

            fn add_keyed(sums: &mut IndexedSums<Self>, points: &[(u32, Self)]) {
                sums.add_points(points);
            }

            fn add_multiples(
                sums: &mut IndexedSums<Self>,
                points: &[Self],
                multiples: &[Multiple],
            ) {
                sums.add_each_multiple(points, multiples);
            }

            fn sums_of_keys(sums: &mut IndexedSums<Self>, keys: Range<usize>) -> Vec<Self> {
                sums.settled(keys)
            }
        }
    )+ };
}

batch_point! { G1Affine G2Affine }

impl<P: Point> StrideSums<P> {
    /// No rows yet, of about `points` in all.
    #[must_use]
    pub fn new(points: u64) -> Self {
        chosen().stride_sums(points)
    }

    /// Adds the steps between neighbours of `points`, each step at least once, and every point to
    /// at least one column.
    ///
    /// `random` must be unpredictable to the author of the points, and be drawn from only after
    /// they are fixed.
    ///
    /// # Panics
    /// With fewer than [`STRIDE`](crate::STRIDE) + 1 points.
    pub fn add(&mut self, points: &[P], random: &mut dyn FnMut() -> u64) {
        P::add_rows(self, points, random);
    }

    /// The sums of the columns.
    #[must_use]
    pub fn finish(self) -> StrideColumns<P> {
        P::finish_rows(self)
    }
}

impl<P: Point> IndexedSums<P> {
    /// Infinity for each of the keys below `keys`.
    #[must_use]
    pub fn new(keys: usize) -> Self {
        chosen().indexed_sums(keys)
    }

    /// Adds each point to the sum of its key.
    ///
    /// # Panics
    /// If the key of a point, other than infinity, is not below the number of keys.
    pub fn add(&mut self, points: &[(u32, P)]) {
        P::add_keyed(self, points);
    }

    /// Adds multiples of `points`, which must have order r, to the sums of their keys. Not constant
    /// time: short numbers cost less, and so do several multiples of the same point.
    ///
    /// # Panics
    /// If a key is not below the number of keys, or there is no such point.
    pub fn add_multiples(&mut self, points: &[P], multiples: &[Multiple]) {
        P::add_multiples(self, points, multiples);
    }

    /// The sums of these keys, of what was added so far.
    ///
    /// # Panics
    /// If a key is not below the number of keys.
    #[must_use]
    pub fn sums(&mut self, keys: Range<usize>) -> Vec<P> {
        P::sums_of_keys(self, keys)
    }
}

fn off_curve<E: Kernels, P: AffinePoint>(engine: E, points: &[P]) -> Option<usize> {
    points
        .par_chunks(CHECK_TASK)
        .enumerate()
        .find_map_first(|(task, points)| engine.off_curve(points).map(|i| task * CHECK_TASK + i))
}

fn from_x<E: Kernels, P: AffinePoint>(
    engine: E,
    x: &[Fq],
    larger: &[bool],
) -> Result<Vec<P>, usize> {
    let coordinates = P::COORDINATES / 2;
    let mut points: Vec<P> =
        x.par_chunks(CHECK_TASK * coordinates).flat_map_iter(|x| engine.lift_x(x)).collect();
    points.truncate(larger.len());
    match points.par_iter().position_first(|point| point.is_zero()) {
        Some(i) => Err(i),
        None => {
            points
                .par_iter_mut()
                .zip(larger)
                .filter(|(point, larger)| point.y_is_larger() != **larger)
                .for_each(|(p, _)| *p = negative(p));
            Ok(points)
        }
    }
}

/// Points of one task of [`off_curve`] and [`from_x`]: these are cheap, or equal in length.
const CHECK_TASK: usize = 1024;

/// Multiplications in tasks that keep every core busy to the end.
fn multiply<'a, E: Kernels, P: AffinePoint>(
    engine: E,
    points: &mut [P],
    scalars: impl Fn(Range<usize>) -> Cow<'a, [Fr]> + Sync,
) {
    let length = E::TASK_BYTES / P::UNCOMPRESSED_BYTES;
    points.par_chunks_mut(length).with_max_len(1).enumerate().for_each(|(task, points)| {
        let start = task * length;
        let mut scalars = scalars(start..start + points.len());
        engine.multiply(points, &scalars);
        if let Cow::Owned(copies) = &mut scalars {
            copies.zeroize();
        }
    });
}
