//! Batches of affine additions with one inversion for each: lambda = (y2 - y1) / (x2 - x1), x3 =
//! lambda^2 - x1 - x2, y3 = lambda (x1 - x3) - y1; and lambda = 3 x^2 / (2 y) for equal points.

use super::coordinate::{Coordinate, Inversion, coordinates, point};
use crate::curve::AffinePoint;
use crate::kernels::Sum;

/// Additions that share an inversion: enough for it to disappear, few enough for the operands to
/// stay in the first cache levels.
const BLOCK: usize = 1024;

/// `points[left] += points[right]`, for indices that are all different.
pub(super) fn add<P: AffinePoint, F: Coordinate>(points: &mut [P], sums: &[Sum]) {
    let mut denominators = Inversion::<F>::with_capacity(sums.len().min(BLOCK));
    for sums in sums.chunks(BLOCK) {
        for sum in sums {
            let [left, right] = [sum.left, sum.right].map(|i| &points[i as usize]);
            denominators.push(denominator(left, right));
        }
        let inverses = denominators.inverses(F::invert_in_variable_time);
        for (sum, inverse) in sums.iter().rev().zip(inverses) {
            let [left, right] = [sum.left, sum.right].map(|i| &points[i as usize]);
            points[sum.left as usize] = finish(left, right, &inverse);
        }
    }
}

/// What lambda divides by; one where the sum needs no lambda.
fn denominator<P: AffinePoint, F: Coordinate>(left: &P, right: &P) -> F {
    let ((x1, y1), (x2, y2)) = (coordinates::<P, F>(left), coordinates::<P, F>(right));
    let d = x2 - x1;
    if left.is_zero() || right.is_zero() {
        F::ONE
    } else if !d.is_zero() {
        d
    } else if (y2 - y1).is_zero() {
        y1.double()
    } else {
        F::ONE
    }
}

fn finish<P: AffinePoint, F: Coordinate>(left: &P, right: &P, inverse: &F) -> P {
    let ((x1, y1), (x2, y2)) = (coordinates::<P, F>(left), coordinates::<P, F>(right));
    let numerator = if left.is_zero() {
        return *right;
    } else if right.is_zero() {
        return *left;
    } else if !(x2 - x1).is_zero() {
        y2 - y1
    } else if (y2 - y1).is_zero() {
        x1.square().triple()
    } else {
        return P::zero();
    };
    let lambda = numerator * *inverse;
    let x3 = lambda.square() - x1 - x2;
    point(&x3, &(lambda * (x1 - x3) - y1))
}
