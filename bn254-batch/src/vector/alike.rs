//! Small matrices of public scalars times vectors of points, where the columns of two vectors have
//! the same scalars: see `Kernels::combine`.
//!
//! All lanes go the same way, so that digits that are zero cost nothing here either, and a digit
//! names its table's entry: a third fewer additions than in `multiply`, and no scans. All terms of
//! a sum share its doublings, as in `joint`, and all sums of a column its tables.
//!
//! The points that are summed must be on one curve, and the tables of `multiply` are each on their
//! own: that of P on the curve of its u, those of Q on the one of its v. An isomorphism is given by
//! any factor. So the table of P is taken to u v by v, which is one more factor in what takes its
//! last entry there, and that of Q by u, at the cost of a product each.

use ark_ec::CurveGroup;
use ark_ff::Zero;

use bn254_batch_macros::kernel;

use super::element::Element;
use super::isa::{self, LANES};
use super::jacobian::{Affine, Jacobian};
use super::multiply::{Entry, INTERLEAVE, OddMultiples, Tables, settle};
use super::transfer::load;
use crate::curve::{AffinePoint, Fr};
use crate::public_digits::{Digit, digits_of};
use crate::recoding::TABLE;

/// A digit of a sum, and the input whose multiple it adds.
type Of<T> = (usize, T);

/// The products: `inputs` of one length, and a matrix for each two vectors of columns.
#[kernel]
pub(super) fn combine<P: AffinePoint, const D: usize, const M: usize, const R: usize>(
    inputs: [&[P]; M],
    matrices: &[[[Fr; M]; R]],
) -> [Vec<P>; R] {
    const { assert!(crate::public_digits::TABLE == TABLE) };
    let columns = inputs[0].len();
    let mut sums = [const { Vec::new() }; R];
    for (run, matrix) in matrices.iter().enumerate() {
        let from = run * INTERLEAVE * LANES;
        let to = columns.min(from + INTERLEAVE * LANES);
        let of_run = Inputs::<D, M>::of(inputs.map(|points| &points[from..to]));
        for (sums, row) in sums.iter_mut().zip(matrix) {
            sums.extend(of_run.sum(&digits::<P>(row)));
        }
    }
    let mut out = [const { Vec::new() }; R];
    for (r, (out, sums)) in out.iter_mut().zip(&mut sums).enumerate() {
        *out = vec![P::zero(); columns];
        sums.truncate(columns.div_ceil(LANES));
        settle(out, sums, |k, _| {
            let row = &matrices[k / (INTERLEAVE * LANES)][r];
            let mut sum = P::Group::zero();
            for (points, scalar) in inputs.iter().zip(row) {
                // Infinity is common among exceptions, and no multiplication.
                if !points[k].is_zero() && !scalar.is_zero() {
                    sum += points[k] * scalar;
                }
            }
            sum.into_affine()
        });
    }
    out
}

/// The digits of a row, from the highest place down.
fn digits<P: AffinePoint>(row: &[Fr]) -> Vec<Of<Digit>> {
    let of = |(m, scalar)| digits_of::<P>(scalar).into_iter().map(move |digit| (m, digit));
    let mut digits: Vec<Of<Digit>> = row.iter().enumerate().flat_map(of).collect();
    digits.sort_unstable_by_key(|(_, digit)| std::cmp::Reverse(digit.place));
    digits
}

/// The tables of two vectors of columns.
struct Inputs<const D: usize, const M: usize> {
    /// By input: those of its vectors.
    tables: Vec<[Tables<D>; INTERLEAVE]>,
    /// The Z that takes the curve of a vector's tables back to the original one.
    scales: [Element<D>; INTERLEAVE],
}

impl<const D: usize, const M: usize> Inputs<D, M> {
    #[kernel]
    fn of<P: AffinePoint>(inputs: [&[P]; M]) -> Self {
        let mut tables = vec![[[[Entry::zero(); TABLE]; D]; INTERLEAVE]; M];
        let mut scales = [Element::one(); INTERLEAVE];
        for (g, scale) in scales.iter_mut().enumerate() {
            let mut multiples = Vec::with_capacity(M);
            for points in &inputs {
                let (from, to) = (points.len().min(g * LANES), points.len().min((g + 1) * LANES));
                let [x, y] = load::<P, D>(&points[from..to]);
                multiples.push(OddMultiples::of(&x, &y));
            }
            // What the other inputs' curves need, for each: first from those before it.
            let mut ratios = [Element::one(); M];
            for (ratio, multiples) in ratios.iter_mut().zip(&multiples) {
                *ratio = *scale;
                *scale = scale.mul(&multiples.scale).carry::<0, 1, 0>();
            }
            let (factor, in_base_field) = scale.to_base_field();
            *scale = in_base_field;
            let mut after = factor;
            for ((ratio, multiples), tables) in ratios.iter().zip(&multiples).zip(&mut tables).rev()
            {
                multiples.flatten(ratio.mul(&after).carry::<0, 1, 0>(), &mut tables[g]);
                after = after.mul(&multiples.scale).carry::<0, 1, 0>();
            }
        }
        Self { tables, scales }
    }

    /// The entry of a digit in one of the vectors.
    #[inline]
    #[kernel]
    fn entry(&self, (m, digit): &Of<Digit>, g: usize) -> Affine<D> {
        let entry = &self.tables[*m][g][digit.image / 2][digit.entry()];
        let x = if digit.image % 2 == 1 { entry.phi_x } else { entry.point.x };
        Affine { x, y2: entry.point.y2 }
    }

    /// The sums of two vectors; infinity if there are no digits.
    #[kernel]
    fn sum(&self, digits: &[Of<Digit>]) -> [Jacobian<D>; INTERLEAVE] {
        let zero = Element::zero();
        let mut sums = [Jacobian { x: zero, y2: zero, z: zero }; INTERLEAVE];
        let Some((first, rest)) = digits.split_first() else { return sums };
        let sign = |digit: &Digit| if digit.is_negative() { isa::all() } else { isa::none() };
        for (g, sum) in sums.iter_mut().enumerate() {
            let Affine { x, y2 } = self.entry(first, g);
            let y2 = y2.raw().negate(sign(&first.1)).carry::<2, 3, 2>();
            *sum = Jacobian { x, y2, z: Element::one() };
        }
        let mut place = first.1.place;
        for digit in rest {
            for _ in digit.1.place..place {
                for sum in &mut sums {
                    *sum = sum.double();
                }
            }
            place = digit.1.place;
            for (g, sum) in sums.iter_mut().enumerate() {
                *sum = sum.add(&self.entry(digit, g), sign(&digit.1)).0;
            }
        }
        for _ in 0..place {
            for sum in &mut sums {
                *sum = sum.double();
            }
        }
        for (sum, scale) in sums.iter_mut().zip(&self.scales) {
            sum.z = sum.z.mul(scale).carry::<0, 1, 0>();
        }
        sums
    }
}
