//! Sums of a few multiples each, by public scalars, for back ends whose additions are affine and
//! batched.
//!
//! > output o = sum_i k_(o,i) P_i
//!
//! Nothing here is secret, so digits that are zero cost nothing, and **all terms of an output share
//! its doublings** (E. Straus, 1964):
//!
//! > Q <- 2 Q;  Q <- Q + d P for each digit d of this place that is not zero,
//!
//! from the highest place down. A scalar is cut in two halves by phi in G1, in four quarters by phi
//! and psi in G2 ([`glv`](super::glv), [`gls`](super::gls)), and each of these numbers is written
//! in non-adjacent form of width 5: odd digits from -15 to 15, one in six places. The multiples 1,
//! 3, ..., 15 of a point, and their images, serve all terms in which it occurs.
//!
//! A term that is alone costs no less this way than by the constant-time multiplication, whose
//! additions come in fuller batches (measured: 1.05 to 1.3 times its time).

use super::gls::{psi, short_quarters};
use super::glv::{beta, short_halves};
use super::kernels::{Kernels, Sum, negative};
use crate::curve::{AffinePoint, Fr, G1Affine};

/// Odd multiples of a point: 1, 3, ..., 15.
const TABLE: usize = 8;
/// Bits of a digit.
const WIDTH: u32 = 5;
/// Places of a number below 2^127, and one for the carry of its highest digit.
const PLACES: usize = 128;

/// An output: the terms `(input, scalar)` that it adds up. A term with a zero scalar adds nothing.
pub(super) type Terms = [(u32, Fr); 2];

/// A digit that is not zero: which output it counts for, and the point of the tables that is added
/// or taken away.
#[derive(Clone, Copy)]
struct Digit {
    output: u32,
    entry: u32,
    negative: bool,
}

/// The outputs, each the sum of its terms. The inputs must be in the r-torsion.
pub(super) fn combine<E: Kernels, P: AffinePoint>(
    engine: E,
    inputs: &[P],
    outputs: &[Terms],
) -> Vec<P> {
    let n = outputs.len();
    let tables = Tables::of(engine, inputs);
    let places = digits::<P>(outputs);
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
    points.truncate(n);
    points
}

/// The odd multiples of all inputs, and the images of these under the endomorphisms.
struct Tables<P> {
    points: Vec<P>,
}

/// Images of a point: itself and phi of it, in G2 also psi of both.
const fn images<P: AffinePoint>() -> usize {
    P::COORDINATES
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

/// All digits, by place.
fn digits<P: AffinePoint>(outputs: &[Terms]) -> Vec<Vec<Digit>> {
    let mut places = vec![Vec::new(); PLACES];
    let images = images::<P>();
    for (output, terms) in (0..).zip(outputs) {
        for (input, scalar) in terms {
            let mut add = |image: usize, number: i128| {
                let first = (*input as usize * images + image) * TABLE;
                for (place, digit) in non_adjacent(number) {
                    let entry = (first + digit.unsigned_abs() as usize / 2) as u32;
                    places[place].push(Digit { output, entry, negative: digit < 0 });
                }
            };
            if images == 4 {
                short_quarters(scalar).into_iter().enumerate().for_each(|(i, k)| add(i, k));
            } else {
                short_halves(scalar).into_iter().enumerate().for_each(|(i, k)| add(i, k));
            }
        }
    }
    places
}

/// The digits of a number below 2^127 in absolute value that are not zero, with their places: odd,
/// from -15 to 15, and among [`WIDTH`] neighbouring places there is one at most.
fn non_adjacent(number: i128) -> impl Iterator<Item = (usize, i8)> {
    let (mut left, mut place) = (number, 0);
    std::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let zeros = left.trailing_zeros();
        left >>= zeros;
        place += zeros as usize;
        // The residue modulo 32 that is nearest to zero.
        let residue = (left & ((1 << WIDTH) - 1)) as i8;
        let digit = if residue < 1 << (WIDTH - 1) { residue } else { residue - (1 << WIDTH) };
        // Below 2^127 there is room: the number shrinks, or the first digit leaves at most 2^127.
        left = (left >> 1) - i128::from(digit >> 1);
        let found = (place, digit);
        place += 1;
        Some(found)
    })
}

#[cfg(test)]
mod tests {
    use ark_ec::{AffineRepr, CurveGroup};
    use ark_ff::{AdditiveGroup, Field};
    use proptest::prelude::*;

    use super::*;
    use crate::backend::{Backend, with_kernels};
    use crate::curve::G2Affine;
    use crate::{Instructions, Point};

    fn corners() -> Vec<Fr> {
        let two = Fr::from(2u64);
        let powers = [0u32, 1, 4, 5, 63, 64, 65, 126, 127, 128, 253];
        let around = |k: Fr| [k - Fr::ONE, k, k + Fr::ONE, -k];
        let mut corners: Vec<Fr> =
            powers.into_iter().flat_map(|power| around(two.pow([u64::from(power)]))).collect();
        corners.extend((1u64..9).map(|i| Fr::from(i).inverse().unwrap()));
        corners
    }

    /// Every pair of corners, of two points, of a point and infinity, and of a point with itself.
    fn are_summed<P: Point>() {
        let inputs: Vec<P> = [Fr::from(3u64), Fr::from(7u64), Fr::ZERO, -Fr::from(3u64)]
            .map(|k| (P::generator() * k).into_affine())
            .to_vec();
        let corners = corners();
        let pairs = [(0, 1), (0, 2), (0, 0), (0, 3), (2, 2)];
        let outputs: Vec<Terms> = corners
            .iter()
            .zip(corners.iter().cycle().skip(5))
            .flat_map(|(a, b)| pairs.map(|(i, j)| [(i, *a), (j, *b)]))
            .chain(corners.iter().flat_map(|a| [[(0, *a), (0, -*a)], [(0, *a), (3, *a)]]))
            .chain(corners.iter().map(|a| [(0, *a), (0, Fr::ZERO)]))
            .collect();
        let sum = |terms: &Terms| -> P::Group {
            terms.iter().map(|(input, scalar)| inputs[*input as usize] * scalar).sum()
        };
        let expected: Vec<P::Group> = outputs.iter().map(sum).collect();
        let expected = P::Group::normalize_batch(&expected);
        for arith in Backend::all_and_modelled() {
            let found = with_kernels!(arith, engine => combine(engine, &inputs, &outputs));
            assert!(found == expected, "{} {}", P::GROUP, arith.backend());
        }
    }

    #[test]
    fn sums_of_multiples_are_those_of_arkworks() {
        are_summed::<G1Affine>();
        are_summed::<G2Affine>();
        let nothing = Backend::new(Instructions::Portable).unwrap();
        let none: [Vec<G1Affine>; 2] = [(&[][..], &[][..]), (&[G1Affine::generator()], &[])]
            .map(|(inputs, outputs)| with_kernels!(nothing, e => combine(e, inputs, outputs)));
        assert!(none.iter().all(Vec::is_empty));
    }

    proptest! {
        #[test]
        fn digits_are_those_of_the_number_and_stand_apart(
            number in any::<i128>(), shift in 0u32..127,
        ) {
            let number = number >> shift >> 1;
            let digits: Vec<(usize, i8)> = non_adjacent(number).collect();
            let mut sum = 0i128;
            for (place, digit) in &digits {
                prop_assert!(digit % 2 != 0 && (-15..16).contains(digit));
                prop_assert!(*place < PLACES);
                sum = sum.wrapping_add(i128::from(*digit).wrapping_shl(*place as u32));
            }
            prop_assert_eq!(sum, number);
            prop_assert!(digits.windows(2).all(|pair| pair[1].0 >= pair[0].0 + WIDTH as usize));
        }
    }
}
