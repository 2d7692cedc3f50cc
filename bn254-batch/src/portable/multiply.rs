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
//! (Jacobian: 3 + 4 and 8 + 3, and a table of Jacobian points). Digits select from the table by a
//! masked scan.
//!
//! A denominator that is zero marks its point for arkworks' multiplication at the end and is
//! replaced by one, again under a mask.

use std::hint::black_box;

use super::coordinate::{Coordinate, coordinates, invert_all, point};
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
    denominators: Vec<F>,
    prefixes: Vec<F>,
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
        (0..WINDOW).for_each(|_| batch.double());
        (0..2 * F::DEGREE).for_each(|stream| batch.add(digit(stream, i)));
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
            denominators: Vec::with_capacity(n),
            prefixes: Vec::with_capacity(n),
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
        self.invert(|batch, k| batch.y[k].double());
        for ((x, y), inverse) in self.x.iter_mut().zip(&mut self.y).zip(&self.denominators) {
            let square = x.square();
            let lambda = (square.double() + square) * inverse;
            let x3 = lambda.square() - x.double();
            *y = lambda * (*x - x3) - *y;
            *x = x3;
        }
    }

    /// Q_k <- Q_k + operand(k).
    fn add(&mut self, operand: impl Fn(usize) -> (F, F)) {
        let operands: Vec<(F, F)> = (0..self.x.len()).map(operand).collect();
        self.invert(|batch, k| operands[k].0 - batch.x[k]);
        for (((x, y), (x2, y2)), inverse) in
            self.x.iter_mut().zip(&mut self.y).zip(&operands).zip(&self.denominators)
        {
            let lambda = (*y2 - *y) * inverse;
            let x3 = lambda.square() - *x - *x2;
            *y = lambda * (*x - x3) - *y;
            *x = x3;
        }
    }

    /// Fills `denominators` with the inverses of the denominators.
    fn invert(&mut self, denominator: impl Fn(&Self, usize) -> F) {
        let mut denominators = std::mem::take(&mut self.denominators);
        denominators.clear();
        for k in 0..self.x.len() {
            let d = denominator(self, k);
            let zero = mask(d.is_zero());
            self.exceptional[k] |= zero;
            denominators.push(d.select(&F::ONE, zero));
        }
        invert_all(&mut denominators, &mut self.prefixes, F::invert);
        self.denominators = denominators;
    }
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

/// All ones for `true`.
fn mask(condition: bool) -> u64 {
    black_box(u64::from(condition)).wrapping_neg()
}

#[cfg(test)]
mod tests {
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
        let entry = |j: u64| Entry {
            x: Fq::from(100 + j),
            phi_x: Fq::from(200 + j),
            y: Fq::from(2 * j + 1),
        };
        let table: [Entry<Fq>; TABLE] = std::array::from_fn(|j| entry(j as u64));
        for half in [0, u128::MAX, 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210] {
            for (i, nibble) in nibbles_of(half).enumerate() {
                let digit = 2 * nibble as i64 - 15;
                for phi in [false, true] {
                    let (x, y) = lookup(&table, half, i, phi);
                    assert_eq!(y, Fq::from(digit));
                    assert_eq!(x, Fq::from(if phi { 200 } else { 100 } + digit.unsigned_abs() / 2));
                }
            }
        }
    }
}
