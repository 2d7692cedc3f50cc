//! What a back end provides. Everything else (buckets, transforms, the subgroup check) is written
//! once, over this.

use ark_ec::CurveGroup;

use crate::curve::{AffinePoint, Fq, Fr};

/// One addition of a batch: `points[left] += points[right]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum {
    pub(super) left: u32,
    pub(super) right: u32,
}

/// A back end: two kernels, each for one task on one thread.
pub(super) trait Kernels: Copy + Send + Sync {
    /// What the points weigh that are given to one call of [`Self::multiply`]: enough of them for
    /// the shared inversions to disappear, and few enough for the cores to end together.
    const TASK_BYTES: usize;

    /// P_i <- s_i P_i for two slices of the same length, in constant time as far as the back end's
    /// documentation says. The points must be in the r-torsion.
    fn multiply<P: AffinePoint>(self, points: &mut [P], scalars: &[Fr]);

    /// How many neighbouring columns have the same scalars in [`Self::combine`].
    const ALIKE: usize;

    /// Small matrices of **public** scalars times vectors of as many points:
    ///
    /// > out\[r\]\[k\] = sum_m matrices[k / ALIKE]\[r\]\[m\] inputs\[m\]\[k\],
    ///
    /// the terms of a sum sharing its doublings. Not constant time. The inputs are of one length,
    /// and the points must be in the r-torsion.
    fn combine<P: AffinePoint, const M: usize, const R: usize>(
        self,
        inputs: [&[P]; M],
        matrices: &[[[Fr; M]; R]],
    ) -> [Vec<P>; R];

    /// Affine additions with shared inversions; no index occurs twice in a batch. Equal and
    /// opposite points and infinity are legal; the points may be anywhere on the curve. Not
    /// constant time.
    fn add<P: AffinePoint>(self, points: &mut [P], sums: &[Sum]);

    /// The first point that is neither on the curve nor infinity.
    fn off_curve<P: AffinePoint>(self, points: &[P]) -> Option<usize>;

    /// For each x (`P::COORDINATES` / 2 elements) the point with one of its two y, or infinity
    /// where x is on no point.
    fn lift_x<P: AffinePoint>(self, x: &[Fq]) -> Vec<P>;
}

/// -P.
pub(super) fn negative<P: AffinePoint>(point: &P) -> P {
    let mut coordinates = point.coordinates();
    for y in &mut coordinates.as_mut()[P::COORDINATES / 2..] {
        *y = -*y;
    }
    P::from_coordinates(&coordinates)
}

/// s P, where the formulas that all scalars share gave nothing. Infinity, which a key may have
/// thousands of, needs no multiplication: arkworks' own splits the scalar in integers on the heap,
/// which nothing erases.
pub(super) fn exceptional_product<P: AffinePoint>(point: &P, scalar: &Fr) -> P {
    if point.is_zero() { *point } else { (*point * scalar).into_affine() }
}
