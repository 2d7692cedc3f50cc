//! Scalar multiplication of many points in step: P_i <- s_i P_i.
//!
//! The scalars' streams (see `recoding`) have odd digits, and all points go through the same
//! operations, in G1
//!
//! > Q <- d_31 P + e_31 phi(P);  thirty-one times  Q <- 16 Q + d_i P + e_i phi(P),
//!
//! and in G2 likewise with four multiples and 17 digits, in affine coordinates: each step is one
//! batch of additions or doublings that share an inversion, taken as a power so that its operations
//! do not depend on its operand. A doubling costs 5 products and 2 squares, an addition 5 and 1
//! (Jacobian: 3 + 4 and 8 + 3, and a table of Jacobian points); the last doubling of a window and
//! the addition after it are one step of 9 and 2. Digits select from the table by a masked scan.
//!
//! A denominator that is zero marks its point for arkworks' multiplication at the end and is
//! replaced by one, again under a mask. Which scalars have one is counted in `glv` and `gls`; that
//! 16 S + T is summed here as (8 S + T) + 8 S adds those with 8 S = +-T, which is a vector of the
//! lattice as short as theirs, in the last window only.

use std::hint::black_box;

use super::coordinate::{Coordinate, Inversion, coordinates, point};
use crate::curve::{AffinePoint, Fr, G1Affine};
use crate::glv::beta;
use crate::kernels::exceptional_product;
use crate::recoding::{Streams, TABLE, WINDOW, digits};

/// The points of a task, in step.
struct Batch<F> {
    x: Vec<F>,
    y: Vec<F>,
    /// All ones where a denominator was zero.
    exceptional: Vec<u64>,
    /// What the step at hand adds. Kept: new memory for each step would cost more than some of its
    /// arithmetic.
    operands: Vec<(F, F)>,
    denominators: Inversion<F>,
}

/// An odd multiple of a point: x, beta x, y.
#[derive(Clone, Copy)]
struct Entry<F> {
    x: F,
    phi_x: F,
    y: F,
}

/// `points[i] <- scalars[i] points[i]` for one task.
pub(super) fn multiply<P: AffinePoint, F: Coordinate>(points: &mut [P], scalars: &[Fr]) {
    let streams: Vec<Streams> = scalars.iter().map(Streams::of::<P>).collect();
    let mut batch = Batch::<F>::of(points);
    let tables = batch.tables();
    let digit = |stream: usize, i: usize| {
        let (tables, streams) = (&tables[stream / 2], &streams);
        move |k: usize| lookup(&tables[k], streams[k].0[stream], i, stream % 2 == 1)
    };
    let top = digits(F::DEGREE) - 1;
    batch.start(digit(0, top));
    (1..2 * F::DEGREE).for_each(|stream| batch.add(digit(stream, top)));
    for i in (0..top).rev() {
        (1..WINDOW).for_each(|_| batch.double());
        batch.double_and_add(digit(0, i));
        (1..2 * F::DEGREE).for_each(|stream| batch.add(digit(stream, i)));
    }
    for (i, (p, scalar)) in points.iter_mut().zip(scalars).enumerate() {
        *p = if batch.exceptional[i] == 0 {
            point(&batch.x[i], &batch.y[i])
        } else {
            exceptional_product(p, scalar)
        };
    }
}

impl<F: Coordinate> Batch<F> {
    fn of<P: AffinePoint>(points: &[P]) -> Self {
        let (x, y): (Vec<F>, Vec<F>) = points.iter().map(coordinates::<P, F>).unzip();
        let n = points.len();
        Self {
            x,
            y,
            exceptional: vec![0; n],
            operands: Vec::with_capacity(n),
            denominators: Inversion::with_capacity(n),
        }
    }

    /// 1, 3, ..., 15 times each point, and in G2 also those of psi of each; the batch is left in no
    /// particular state.
    fn tables(&mut self) -> Vec<Vec<[Entry<F>; TABLE]>> {
        let beta = beta::<G1Affine>();
        let entry = |x: &F, y: &F| Entry { x: *x, phi_x: x.scale(&beta), y: *y };
        let mut tables: Vec<_> =
            self.x.iter().zip(&self.y).map(|(x, y)| [entry(x, y); TABLE]).collect();
        self.double();
        let doubles: Vec<(F, F)> = self.x.iter().copied().zip(self.y.iter().copied()).collect();
        self.x
            .iter_mut()
            .zip(&mut self.y)
            .zip(&tables)
            .for_each(|((x, y), table)| (*x, *y) = (table[0].x, table[0].y));
        for j in 1..TABLE {
            self.add(|k| doubles[k]);
            for ((table, x), y) in tables.iter_mut().zip(&self.x).zip(&self.y) {
                table[j] = entry(x, y);
            }
        }
        let turned = |Entry { x, y, .. }| F::psi(&x, &y).map(|(x, y)| entry(&x, &y));
        let turned: Vec<[Entry<F>; TABLE]> = if F::DEGREE == 2 {
            tables.iter().map(|table| table.map(|e| turned(e).unwrap_or(e))).collect()
        } else {
            Vec::new()
        };
        vec![tables, turned]
    }

    /// Q_k <- operand(k).
    fn start(&mut self, operand: impl Fn(usize) -> (F, F)) {
        for (k, (x, y)) in self.x.iter_mut().zip(&mut self.y).enumerate() {
            (*x, *y) = operand(k);
        }
    }

    fn double(&mut self) {
        for (y, exceptional) in self.y.iter().zip(&mut self.exceptional) {
            self.denominators.push(not_zero(y.double(), exceptional));
        }
        let inverses = self.denominators.inverses(F::invert);
        for ((x, y), inverse) in self.x.iter_mut().zip(&mut self.y).rev().zip(inverses) {
            let lambda = x.square().triple() * inverse;
            let x3 = lambda.square() - x.double();
            *y = lambda * (*x - x3) - *y;
            *x = x3;
        }
    }

    /// Q_k <- Q_k + operand(k).
    fn add(&mut self, operand: impl Fn(usize) -> (F, F)) {
        self.fetch(operand);
        let points = self.x.iter_mut().zip(&mut self.y).zip(&self.operands);
        let inverses = self.denominators.inverses(F::invert);
        for (((x, y), (x2, y2)), inverse) in points.rev().zip(inverses) {
            let lambda = (*y2 - *y) * inverse;
            let x3 = lambda.square() - *x - *x2;
            *y = lambda * (*x - x3) - *y;
            *x = x3;
        }
    }

    /// Q_k <- 2 Q_k + operand(k), as (Q_k + operand(k)) + Q_k without the y of the sum in brackets
    /// (K. Eisentraeger, K. Lauter, P. Montgomery, CT-RSA 2003): y3 = lambda (x - x3) - y, and the
    /// second lambda is (y - y3) / (x - x3) = 2 y / (x - x3) - lambda.
    fn double_and_add(&mut self, operand: impl Fn(usize) -> (F, F)) {
        self.fetch(operand);
        let points = self.x.iter().zip(&self.y).zip(&mut self.operands);
        let inverses = self.denominators.inverses(F::invert);
        for (((x, y), operand), inverse) in points.rev().zip(inverses) {
            let (x2, y2) = *operand;
            let lambda = (y2 - *y) * inverse;
            *operand = (lambda.square() - *x - x2, lambda);
        }
        for ((x, (x3, _)), exceptional) in
            self.x.iter().zip(&self.operands).zip(&mut self.exceptional)
        {
            self.denominators.push(not_zero(*x - *x3, exceptional));
        }
        let points = self.x.iter_mut().zip(&mut self.y).zip(&self.operands);
        let inverses = self.denominators.inverses(F::invert);
        for (((x, y), (x3, lambda)), inverse) in points.rev().zip(inverses) {
            let lambda = y.double() * inverse - *lambda;
            let x4 = lambda.square() - *x - *x3;
            *y = lambda * (*x - x4) - *y;
            *x = x4;
        }
    }

    /// The operands, and the denominators of their sums with the points.
    fn fetch(&mut self, operand: impl Fn(usize) -> (F, F)) {
        self.operands.clear();
        for (k, (x, exceptional)) in self.x.iter().zip(&mut self.exceptional).enumerate() {
            let operand = operand(k);
            self.denominators.push(not_zero(operand.0 - *x, exceptional));
            self.operands.push(operand);
        }
    }
}

/// The denominator, or one and a mark in place of zero.
#[inline(always)]
fn not_zero<F: Coordinate>(denominator: F, exceptional: &mut u64) -> F {
    let zero = denominator.zero_mask();
    *exceptional |= zero;
    denominator.select(&F::ONE, zero)
}

/// The point that digit i of a half selects, reading the whole table.
fn lookup<F: Coordinate>(table: &[Entry<F>; TABLE], half: u128, i: usize, phi: bool) -> (F, F) {
    let nibble = (half >> (WINDOW * i)) as u64 & 15;
    // 2 n - 15 is negative for n < 8; its absolute value is 2 j + 1 with j = n - 8, or j = 7 - n.
    let negative = black_box((nibble >> 3).wrapping_sub(1));
    let index = (nibble ^ negative) & 7;
    let (mut x, mut y) = (F::ZERO, F::ZERO);
    scan(table, index, |entry, here| {
        x.or_masked(if phi { &entry.phi_x } else { &entry.x }, here);
        y.or_masked(&entry.y, here);
    });
    let minus_y = -y;
    (x, y.select(&minus_y, negative))
}

/// Visits every entry in order, whatever the index: with all ones for the entry at `index`, and
/// zero for the others.
#[inline]
fn scan<T>(table: &[T], index: u64, mut visit: impl FnMut(&T, u64)) {
    for (j, entry) in (0u64..).zip(table) {
        visit(entry, black_box(((index ^ j).wrapping_sub(1) >> 63).wrapping_neg()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::residue::{Plain, Residue};
    use super::*;
    use crate::curve::Fq;
    use crate::glv::nibbles_of;

    #[test]
    fn a_lookup_visits_every_entry_whatever_the_index() {
        let table: [usize; TABLE] = std::array::from_fn(|j| j);
        for index in 0..TABLE {
            let mut visited = Vec::new();
            scan(&table, index as u64, |entry, mask| visited.push((*entry, mask)));
            let expected: Vec<(usize, u64)> =
                (0..TABLE).map(|j| (j, if j == index { u64::MAX } else { 0 })).collect();
            assert_eq!(visited, expected);
        }
    }

    /// Entry j stands for 2 j + 1: y shows the signed digit, x and phi_x tell which coordinate was
    /// taken.
    #[test]
    fn a_lookup_gives_the_digit_at_every_place() {
        type Element = Residue<Plain>;
        let element = |n: u64| Element::from_fq(&Fq::from(n));
        let entry =
            |j: u64| Entry { x: element(100 + j), phi_x: element(200 + j), y: element(2 * j + 1) };
        let table: [Entry<Element>; TABLE] = std::array::from_fn(|j| entry(j as u64));
        for half in [0, u128::MAX, 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210] {
            for (i, nibble) in nibbles_of(half).enumerate() {
                let digit = 2 * nibble as i64 - 15;
                for phi in [false, true] {
                    let (x, y) = lookup(&table, half, i, phi);
                    let first = if phi { 200 } else { 100 };
                    assert_eq!(y.to_fq(), Fq::from(digit));
                    assert_eq!(x.to_fq(), Fq::from(first + digit.unsigned_abs() / 2));
                }
            }
        }
    }
}
