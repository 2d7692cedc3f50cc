//! The operations of [`Point`], compiled here once for each of the two groups.
//!
//! The algorithms are generic over point and back end. Left generic in the public interface, they
//! would be compiled again in every crate that calls them, with that crate's optimisation.
//! [`BatchPoint`] has no generic method, so its implementations for G1 and G2 are compiled in this
//! crate.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;
use zeroize::Zeroize;

use super::indexed_sums::IndexedSums;
use super::kernels::{Kernels, negative};
use super::stride_sums::{StrideColumns, StrideSums};
use super::{Available, Backend, Direction, buckets, fft};
use crate::curve::{Fq, Fr, G1Affine, G2Affine, Point};

/// What [`Point`] requires of the two groups: the operations on many points. Call them through the
/// functions of the crate.
#[doc(hidden)]
pub trait BatchPoint: Sized {
    /// The point in projective coordinates.
    type Sum;
    fn mul_each(arith: Backend, points: &mut [Self], scalars: &[Fr]);
    fn mul_all(arith: Backend, points: &mut [Self], scalar: &Fr);
    fn linear_combination(arith: Backend, points: &[Self], coefficients: &[u128]) -> Self::Sum;
    fn group_fft(arith: Backend, points: &mut [Self], direction: Direction);
    fn butterflies(arith: Backend, lo: &mut [Self], hi: &mut [Self], twiddles: &[Fr]);
    fn off_curve(arith: Backend, points: &[Self]) -> Option<usize>;
    fn from_xs(arith: Backend, x: &[Fq], larger: &[bool]) -> Result<Vec<Self>, usize>;
    fn stride_sums(arith: Backend, points: u64) -> StrideSums<Self>;
    fn add_rows(sums: &mut StrideSums<Self>, points: &[Self], random: &mut dyn FnMut() -> u64);
    fn finish_rows(sums: StrideSums<Self>) -> StrideColumns<Self>
    where
        Self: Point;
    fn indexed_sums(arith: Backend, keys: usize) -> IndexedSums<Self>;
    fn add_keyed(sums: &mut IndexedSums<Self>, points: &[(u32, Self)]);
    fn sums_of_keys(sums: &mut IndexedSums<Self>, keys: Range<usize>) -> Vec<Self>;
}

macro_rules! batch_point {
    ($($point:ty)+) => { $(
        impl BatchPoint for $point {
            type Sum = <Self as ark_ec::AffineRepr>::Group;

            fn mul_each(arith: Backend, points: &mut [Self], scalars: &[Fr]) {
                let n = points.len().min(scalars.len());
                let scalars = |range| Cow::Borrowed(&scalars[range]);
                with_kernels!(arith, engine => multiply(engine, &mut points[..n], scalars));
            }

            fn mul_all(arith: Backend, points: &mut [Self], scalar: &Fr) {
                let scalars = |range: Range<usize>| Cow::Owned(vec![*scalar; range.len()]);
                with_kernels!(arith, engine => multiply(engine, points, scalars));
            }

            fn linear_combination(arith: Backend, points: &[Self], coefficients: &[u128]) -> Self::Sum {
                with_kernels!(arith, engine => buckets::linear_combination(engine, points, coefficients))
            }

            fn group_fft(arith: Backend, points: &mut [Self], direction: Direction) {
                with_kernels!(arith, engine => fft::group_fft(engine, points, direction));
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

            fn sums_of_keys(sums: &mut IndexedSums<Self>, keys: Range<usize>) -> Vec<Self> {
                sums.settled(keys)
            }
        }
    )+ };
}

batch_point! { G1Affine G2Affine }

fn off_curve<E: Kernels, P: Point>(engine: E, points: &[P]) -> Option<usize> {
    points
        .par_chunks(CHECK_TASK)
        .enumerate()
        .find_map_first(|(task, points)| engine.off_curve(points).map(|i| task * CHECK_TASK + i))
}

fn from_x<E: Kernels, P: Point>(engine: E, x: &[Fq], larger: &[bool]) -> Result<Vec<P>, usize> {
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
fn multiply<'a, E: Kernels, P: Point>(
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
