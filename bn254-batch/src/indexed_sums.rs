//! Sums of points by key: a sparse matrix of ones times a vector of points.
//!
//! The rows of a circuit's matrices name few wires each, and neighbours name neighbours; so keys
//! are dealt out to the tasks in turn, and each task adds what is its own in batches of affine
//! additions ([`Sums`]). What comes out is affine already.

use std::ops::Range;

use rayon::prelude::*;

use super::backend::{Backend, with_kernels};
use super::buckets::Sums;
use super::kernels::Kernels;
use super::multiples::{self, Multiple};
use crate::curve::AffinePoint;

/// Growing sums of points, one for each key. The points may be anywhere on their curve.
#[derive(Clone, Debug)]
pub struct IndexedSums<P> {
    arith: Backend,
    keys: usize,
    /// Task t of n has the keys t, t + n, t + 2 n, ...
    tasks: Vec<Sums<P>>,
}

impl<P: AffinePoint> IndexedSums<P> {
    pub(super) fn begin(arith: Backend, keys: usize) -> Self {
        // Four tasks for each core even out what else runs there.
        let tasks = 4 * rayon::current_num_threads();
        Self {
            arith,
            keys,
            tasks: (0..tasks)
                .map(|task| Sums::new(keys.saturating_sub(task).div_ceil(tasks)))
                .collect(),
        }
    }

    pub(super) fn backend(&self) -> Backend {
        self.arith
    }

    pub(super) fn add_points(&mut self, points: &[(u32, P)]) {
        let tasks = self.tasks.len();
        with_kernels!(self.arith, engine => self.tasks.par_iter_mut().with_max_len(1).enumerate().for_each(|(task, sums)| {
            for (key, point) in points {
                let key = *key as usize;
                if key % tasks == task {
                    sums.add(engine, key / tasks, *point);
                }
            }
        }));
    }

    pub(super) fn add_each_multiple(&mut self, points: &[P], multiples: &[Multiple]) {
        with_kernels!(self.arith, engine => {
            multiples::add_multiples(engine, self, points, multiples);
        });
    }

    /// No points yet.
    pub(super) fn deal(&self) -> Dealt<P> {
        Dealt(vec![Vec::new(); self.tasks.len()])
    }

    /// Adds what was dealt out.
    pub(super) fn add_dealt<E: Kernels>(&mut self, engine: E, dealt: &[Dealt<P>]) {
        self.tasks.par_iter_mut().with_max_len(1).enumerate().for_each(|(task, sums)| {
            for (key, point) in dealt.iter().flat_map(|dealt| &dealt.0[task]) {
                sums.add(engine, *key, *point);
            }
        });
    }

    pub(super) fn settled(&mut self, keys: Range<usize>) -> Vec<P> {
        assert!(keys.end <= self.keys, "{keys:?} of {}", self.keys);
        with_kernels!(self.arith, engine => self.tasks.par_iter_mut().with_max_len(1).for_each(|sums| sums.settle(engine)));
        let tasks = self.tasks.len();
        keys.into_par_iter()
            .with_min_len(1024)
            .map(|key| self.tasks[key % tasks].sum(key / tasks))
            .collect()
    }
}

/// Points with the task that adds each, and its key there.
pub(super) struct Dealt<P>(Vec<Vec<(usize, P)>>);

impl<P> Dealt<P> {
    #[inline]
    pub(super) fn push(&mut self, key: u32, point: P) {
        let (key, tasks) = (key as usize, self.0.len());
        self.0[key % tasks].push((key / tasks, point));
    }
}

#[cfg(test)]
mod tests {
    use ark_ec::CurveGroup;
    use ark_ff::AdditiveGroup;

    use super::*;
    use crate::curve::{G1Affine, G2Affine};

    /// Points of small logarithms, so that equal ones, opposite ones and infinity meet in every
    /// order.
    fn sums_are_those_of_the_points<P: crate::Point>() {
        let multiples: Vec<P> = {
            let steps = std::iter::successors(Some(P::Group::ZERO), |p| Some(*p + P::generator()));
            P::Group::normalize_batch(&steps.take(5).collect::<Vec<_>>())
        };
        let signed = |i: u32| {
            let point = multiples[(i % 5) as usize];
            if (i / 5).is_multiple_of(2) { point } else { crate::kernels::negative(&point) }
        };
        let step = |state: u32| state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let random: Vec<u32> = std::iter::successors(Some(7), |state| Some(step(*state)))
            .map(|state| state >> 8)
            .take(20_000)
            .collect();
        for keys in [1, 2, 7, 8, 9, 1000, 30_000] {
            // The second half goes to one key.
            let key = |i: usize| if i.is_multiple_of(2) { random[i] % keys } else { keys / 2 };
            let points: Vec<(u32, P)> =
                (0..random.len()).map(|i| (key(i), signed(random[i] / 64))).collect();
            let mut expected = vec![P::Group::ZERO; keys as usize];
            points.iter().for_each(|(key, point)| expected[*key as usize] += *point);
            let expected = P::Group::normalize_batch(&expected);
            for arith in Backend::all_and_modelled() {
                let mut sums = arith.indexed_sums(keys as usize);
                points.chunks(6_000).for_each(|points| {
                    sums.add(points);
                    let _ = sums.sums(0..1);
                });
                let middle = keys as usize / 2;
                let halves = [sums.sums(middle..keys as usize), sums.sums(0..middle)];
                assert!(
                    halves == [&expected[middle..], &expected[..middle]],
                    "{} {} {keys}",
                    P::GROUP,
                    arith.backend()
                );
            }
        }
    }

    #[test]
    fn sums_by_key_are_those_of_the_points_of_each_key() {
        sums_are_those_of_the_points::<G1Affine>();
        sums_are_those_of_the_points::<G2Affine>();
    }

    #[test]
    fn a_key_without_points_has_infinity() {
        assert_eq!(IndexedSums::<G1Affine>::new(3).sums(0..3), [G1Affine::identity(); 3]);
        assert!(IndexedSums::<G2Affine>::new(0).sums(0..0).is_empty());
    }
}
