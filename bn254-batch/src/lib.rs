//! The heavy operations on points, and nothing that knows of ceremonies.
//!
//! | operation | used by | secret scalars |
//! |---|---|---|
//! | [`mul_each`]: P_i <- s_i P_i | phase 1 contribution | yes |
//! | [`mul_all`]: P_i <- s P_i | phase 2 contribution | yes |
//! | [`linear_combination`]: sum c_i P_i, c_i < 2^128 | every ratio check | no |
//! | [`StrideSums`]: the same with a coefficient for each row of neighbours | check of the powers of tau | no |
//! | [`IndexedSums`]: sums of points, and of multiples of points, by key | phase 2 setup | no |
//! | [`group_fft`], [`butterflies`]: the FFT with points for values | prepare, keys for arkworks | no |
//! | [`outside_subgroup`]: which G2 point is not in the r-torsion | every file read, but for [`StrideSums`] | no |
//! | [`off_curve`]: which point is not on its curve | every file read | no |
//! | [`from_x`]: compressed points | responses | no |
//!
//! Points are affine, in and out, and lie on their curve (the readers in `format` see to that);
//! infinity is a legal value everywhere. [`linear_combination`], [`StrideSums`], the sums of
//! [`IndexedSums`] and [`outside_subgroup`] take points of the whole curve; multiplications,
//! multiples and transforms use an endomorphism and need points of order r. All operations use all
//! cores through rayon.
//!
//! # Back ends
//!
//! Algorithms are written once, over two kernels that a back end provides (`engine`): a batch of
//! scalar multiplications and a batch of affine additions. The back end is chosen when the first
//! operation runs: [`Instructions::Ifma`] where the processor has AVX-512 IFMA,
//! [`Instructions::AvxIfma`] where it has AVX-IFMA, [`Instructions::Adx`] where it has BMI2 and
//! ADX, else [`Instructions::Portable`];
//! [`force_portable`] before that chooses the last. [`Backend`] names one explicitly, to compare
//! them.
//!
//! # Secrets
//!
//! The multiplications are constant time in their scalars: no branch and no address depends on
//! them. `portable` and `vector` state precisely what that covers. Recoded scalars and copies of
//! them on the heap are erased after use; registers and spilled stack slots are not, so a process
//! that handled a secret should end soon after.

mod backend;
mod buckets;
mod concrete;
pub mod curve;
mod fft;
mod gls;
mod glv;
mod indexed_sums;
mod joint;
mod kernels;
mod multiples;
pub mod params;
mod portable;
mod public_digits;
mod recoding;
mod scalars;
mod stride_sums;
mod subgroup;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod vector;

pub use self::backend::{Backend, Instructions, backend, force_portable};
use self::backend::{chosen, with_kernels};
pub use self::concrete::Point;
pub use self::fft::Direction;
pub use self::indexed_sums::IndexedSums;
pub use self::multiples::Multiple;
pub use self::scalars::geometric;
pub use self::stride_sums::{STRIDE, StrideColumns, StrideSums};
use crate::curve::{Fq, Fr, G2Affine};

/// P_i <- s_i P_i, in place, for points of order r. Constant time. The shorter of the two slices
/// decides the length; callers pass equal ones.
pub fn mul_each<P: Point>(points: &mut [P], scalars: &[Fr]) {
    chosen().mul_each(points, scalars);
}

/// P_i <- s P_i, in place, for points of order r. Constant time.
pub fn mul_all<P: Point>(points: &mut [P], scalar: &Fr) {
    chosen().mul_all(points, scalar);
}

/// sum c_i P_i over the shorter of the two slices, for points anywhere on the curve.
#[must_use]
pub fn linear_combination<P: Point>(points: &[P], coefficients: &[u128]) -> P::Group {
    chosen().linear_combination(points, coefficients)
}

/// The FFT of `points` of order r (in place, natural order in and out) over the domain of that size
/// with root 5^((r-1)/n).
///
/// # Panics
/// If the length is not a power of two up to 2^28: callers take it from a checked header.
pub fn group_fft<P: Point>(points: &mut [P], direction: Direction) {
    chosen().group_fft(points, direction, &|_| ());
}

/// [`group_fft`](fn@group_fft) that tells, from any thread, of points that have gone through a
/// layer: n of them in each of the log2 n layers.
///
/// # Panics
/// As that.
pub fn group_fft_telling<P: Point>(
    points: &mut [P],
    direction: Direction,
    done: &(dyn Fn(usize) + Sync),
) {
    chosen().group_fft(points, direction, done);
}

/// One layer of a decimation-in-time FFT on two runs of points of order r: (a, b) <- (a + w b, a -
/// w b), entry by entry of the shortest slice. For transforms that do not fit in memory.
pub fn butterflies<P: Point>(lo: &mut [P], hi: &mut [P], twiddles: &[Fr]) {
    chosen().butterflies(lo, hi, twiddles);
}

/// The index of a point that is not in the subgroup of order r, or `None` when all are (up to an
/// error of 2^-130). The points must be on the curve.
///
/// `random` must be unpredictable to the author of the points, and be drawn from only after they
/// are fixed. The error is argued in `subgroup`: ten random combinations with coefficients of 13
/// bits, each blind to a point outside the subgroup with probability at most 2^-13.
pub fn outside_subgroup(points: &[G2Affine], random: &mut dyn FnMut() -> u64) -> Option<usize> {
    chosen().outside_subgroup(points, random)
}

/// The index of the first point that is neither on its curve nor infinity. Coordinates are field
/// elements, so below q.
#[must_use]
pub fn off_curve<P: Point>(points: &[P]) -> Option<usize> {
    chosen().off_curve(points)
}

/// The points with these x (`P::COORDINATES` / 2 elements each) and, of their two y, the
/// lexicographically larger one where `larger` says so (arkworks' order, as in
/// [`from_x`](curve::AffinePoint::from_x) of one point).
///
/// # Errors
/// The index of the first x for which x^3 + b is not a square.
pub fn from_x<P: Point>(x: &[Fq], larger: &[bool]) -> Result<Vec<P>, usize> {
    chosen().from_x(x, larger)
}

impl Backend {
    /// See [`mul_each`](fn@mul_each).
    pub fn mul_each<P: Point>(self, points: &mut [P], scalars: &[Fr]) {
        P::mul_each(self, points, scalars);
    }

    /// See [`mul_all`](fn@mul_all).
    pub fn mul_all<P: Point>(self, points: &mut [P], scalar: &Fr) {
        P::mul_all(self, points, scalar);
    }

    /// See [`linear_combination`](fn@linear_combination).
    #[must_use]
    pub fn linear_combination<P: Point>(self, points: &[P], coefficients: &[u128]) -> P::Group {
        P::linear_combination(self, points, coefficients)
    }

    /// See [`StrideSums::new`].
    #[must_use]
    pub fn stride_sums<P: Point>(self, points: u64) -> StrideSums<P> {
        P::stride_sums(self, points)
    }

    /// See [`IndexedSums::new`].
    #[must_use]
    pub fn indexed_sums<P: Point>(self, keys: usize) -> IndexedSums<P> {
        P::indexed_sums(self, keys)
    }

    /// See [`group_fft_telling`].
    ///
    /// # Panics
    /// As that.
    pub fn group_fft<P: Point>(
        self,
        points: &mut [P],
        direction: Direction,
        done: &(dyn Fn(usize) + Sync),
    ) {
        P::group_fft(self, points, direction, done);
    }

    /// See [`butterflies`](fn@butterflies).
    pub fn butterflies<P: Point>(self, lo: &mut [P], hi: &mut [P], twiddles: &[Fr]) {
        P::butterflies(self, lo, hi, twiddles);
    }

    /// See [`outside_subgroup`](fn@outside_subgroup).
    pub fn outside_subgroup(
        self,
        points: &[G2Affine],
        random: &mut dyn FnMut() -> u64,
    ) -> Option<usize> {
        with_kernels!(self, engine => subgroup::outside_subgroup(engine, points, random))
    }

    /// See [`off_curve`](fn@off_curve).
    #[must_use]
    pub fn off_curve<P: Point>(self, points: &[P]) -> Option<usize> {
        P::off_curve(self, points)
    }

    /// See [`from_x`](fn@from_x).
    ///
    /// # Errors
    /// As that.
    pub fn from_x<P: Point>(self, x: &[Fq], larger: &[bool]) -> Result<Vec<P>, usize> {
        P::from_xs(self, x, larger)
    }
}
