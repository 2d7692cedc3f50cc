//! Small matrices of public scalars times vectors of points, for back ends whose additions are
//! affine and batched: see [`Kernels::combine`].
//!
//! > output r = sum_m k_(r,m) P_m
//!
//! Nothing here is secret, so digits that are zero cost nothing, and **all terms of an output share
//! its doublings** (E. Straus, 1964):
//!
//! > Q <- 2 Q;  Q <- Q + d P for each digit d of this place that is not zero,
//!
//! from the highest place down. The multiples 1, 3, ..., 15 of a point, and their images under the
//! endomorphisms, serve all terms in which it occurs.
//!
//! A term that is alone costs no less this way than by the constant-time multiplication, whose
//! additions come in fuller batches (measured: 1.05 to 1.3 times its time).

use super::gls::psi;
use super::glv::beta;
use super::kernels::{Kernels, Sum, negative};
use super::public_digits::{PLACES, TABLE, digits_of, images};
use crate::curve::{AffinePoint, Fr, G1Affine};

/// A digit of an output: the point of the tables that is added or taken away.
#[derive(Clone, Copy)]
struct Digit {
    output: u32,
    entry: u32,
    negative: bool,
}

/// The products, for one column each of the matrices.
pub(super) fn combine<E: Kernels, P: AffinePoint, const M: usize, const R: usize>(
    engine: E,
    inputs: [&[P]; M],
    matrices: &[[[Fr; M]; R]],
) -> [Vec<P>; R] {
    let columns = matrices.len();
    let n = R * columns;
    let tables = Tables::of(engine, &inputs.concat());
    let places = digits::<P, M, R>(matrices);
    // The sums, and then what is added to them in a batch.
    let mut points = vec![P::zero(); 2 * n];
    let mut begun = vec![false; n];
    let mut doublings: Vec<Sum> = Vec::with_capacity(n);
    let mut batch: Vec<Sum> = Vec::with_capacity(n);
    // The last batch in which an output took part.
    let (mut batches, mut part_in) = (0u32, vec![0u32; n]);
    for place in places.into_iter().rev() {
        engine.add(&mut points, &doublings);
        let mut left = place;
        while !left.is_empty() {
            batches += 1;
            batch.clear();
            left.retain(|digit| {
                let output = digit.output as usize;
                if part_in[output] == batches {
                    return true;
                }
                part_in[output] = batches;
                let point = tables.signed(digit);
                if begun[output] {
                    points[n + output] = point;
                    batch.push(Sum { left: digit.output, right: (n + output) as u32 });
                } else {
                    points[output] = point;
                    begun[output] = true;
                    doublings.push(Sum { left: digit.output, right: digit.output });
                }
                false
            });
            engine.add(&mut points, &batch);
        }
    }
    let mut rows = points[..n].chunks(columns.max(1)).map(<[P]>::to_vec);
    std::array::from_fn(|_| rows.next().unwrap_or_default())
}

/// The odd multiples of all inputs, and the images of these under the endomorphisms.
struct Tables<P> {
    points: Vec<P>,
}

impl<P: AffinePoint> Tables<P> {
    fn of<E: Kernels>(engine: E, inputs: &[P]) -> Self {
        let m = inputs.len();
        // 2 P_i, and behind them j P_i for the j of this turn and before.
        let mut points: Vec<P> = [inputs, inputs].concat();
        let double = |i: usize| Sum { left: i as u32, right: i as u32 };
        engine.add(&mut points, &(0..m).map(double).collect::<Vec<_>>());
        for j in 1..TABLE {
            let turn = (j + 1) * m;
            points.extend_from_within(turn - m..);
            let add = |i: usize| Sum { left: (turn + i) as u32, right: i as u32 };
            engine.add(&mut points, &(0..m).map(add).collect::<Vec<_>>());
        }
        let beta = beta::<G1Affine>();
        let mut table = Vec::with_capacity(m * images::<P>() * TABLE);
        for i in 0..m {
            let multiples = || (0..TABLE).map(|j| points[(j + 1) * m + i]);
            let phi = |point: P| {
                let mut coordinates = point.coordinates();
                for x in &mut coordinates.as_mut()[..P::COORDINATES / 2] {
                    *x *= beta;
                }
                P::from_coordinates(&coordinates)
            };
            table.extend(multiples());
            table.extend(multiples().map(phi));
            if images::<P>() == 4 {
                table.extend(multiples().map(psi));
                table.extend(multiples().map(psi).map(phi));
            }
        }
        Self { points: table }
    }

    fn signed(&self, digit: &Digit) -> P {
        let point = &self.points[digit.entry as usize];
        if digit.negative { negative(point) } else { *point }
    }
}

/// All digits, by place. Output r of a column is number r * columns + column.
fn digits<P: AffinePoint, const M: usize, const R: usize>(
    matrices: &[[[Fr; M]; R]],
) -> Vec<Vec<Digit>> {
    let mut places = vec![Vec::new(); PLACES];
    let columns = matrices.len();
    for (column, matrix) in matrices.iter().enumerate() {
        for (r, row) in matrix.iter().enumerate() {
            for (m, scalar) in row.iter().enumerate() {
                let first = (m * columns + column) * images::<P>() * TABLE;
                for digit in digits_of::<P>(scalar) {
                    places[digit.place].push(Digit {
                        output: (r * columns + column) as u32,
                        entry: (first + digit.image * TABLE + digit.entry()) as u32,
                        negative: digit.is_negative(),
                    });
                }
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use ark_ec::CurveGroup;
    use ark_ff::{AdditiveGroup, Field};

    use super::*;
    use crate::Point;
    use crate::backend::{Backend, with_kernels};
    use crate::curve::G2Affine;

    fn corners() -> Vec<Fr> {
        let two = Fr::from(2u64);
        let powers = [0u32, 1, 4, 5, 63, 64, 65, 126, 127, 128, 253];
        let around = |k: Fr| [k - Fr::ONE, k, k + Fr::ONE, -k];
        let mut corners: Vec<Fr> =
            powers.into_iter().flat_map(|power| around(two.pow([u64::from(power)]))).collect();
        corners.extend((1u64..9).map(|i| Fr::from(i).inverse().unwrap()));
        corners
    }

    /// Every pair of these points has a column for each matrix.
    fn pairs<P: Point>() -> Vec<[P; 2]> {
        let points = [Fr::from(3u64), Fr::from(7u64), Fr::ZERO, -Fr::from(3u64)]
            .map(|k| (P::generator() * k).into_affine());
        points.iter().flat_map(|p| points.map(|q| [*p, q])).collect()
    }

    fn with_engine<E: Kernels, P: Point>(engine: E) -> [Vec<P>; 4] {
        let (scalars, pairs) = (matrices(), pairs::<P>());
        // The last run is not full.
        let columns = scalars.len() * pairs.len() - 5;
        let input = |m: usize| (0..columns).map(|k| pairs[k % pairs.len()][m]).collect::<Vec<P>>();
        let matrices: Vec<[[Fr; 2]; 4]> =
            (0..columns).step_by(E::ALIKE).map(|k| scalars[k / pairs.len()]).collect();
        engine.combine([&input(0), &input(1)], &matrices)
    }

    fn matrices() -> Vec<[[Fr; 2]; 4]> {
        let corners = corners();
        let pairs = corners.iter().zip(corners.iter().cycle().skip(5));
        pairs.map(|(a, b)| [[*a, *b], [*a, -*a], [Fr::ZERO, *b], [Fr::ZERO; 2]]).collect()
    }

    fn are_summed<P: Point>() {
        let pairs = pairs::<P>();
        let product = |row: usize| -> Vec<P> {
            let sum = |matrix: &[[Fr; 2]; 4], [p, q]: &[P; 2]| -> P::Group {
                *p * matrix[row][0] + *q * matrix[row][1]
            };
            let sums: Vec<P::Group> = matrices()
                .iter()
                .flat_map(|matrix| pairs.iter().map(|pair| sum(matrix, pair)))
                .collect();
            P::Group::normalize_batch(&sums[..sums.len() - 5])
        };
        let expected: [Vec<P>; 4] = std::array::from_fn(product);
        for arith in Backend::all_and_modelled() {
            let found: [Vec<P>; 4] = with_kernels!(arith, engine => with_engine(engine));
            assert!(found == expected, "{} {}", P::GROUP, arith.backend());
        }
    }

    #[test]
    fn sums_of_multiples_are_those_of_arkworks() {
        are_summed::<G1Affine>();
        are_summed::<G2Affine>();
    }

    #[test]
    fn nothing_is_summed_without_columns() {
        for arith in Backend::all_and_modelled() {
            let nothing: [&[G1Affine]; 1] = [&[]];
            let [none] =
                with_kernels!(arith, engine => engine.combine(nothing, &[] as &[[[Fr; 1]; 1]]));
            assert!(none.is_empty());
        }
    }
}
