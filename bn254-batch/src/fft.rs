//! The FFT with points for values, in place.
//!
//! Decimation in time (Cooley, Tukey 1965) over bit-reversed input: layer by layer (a, b) <- (a + w
//! b, a - w b). Nearly all of the cost are the multiplications w b; the additions are affine and
//! batched.
//!
//! Where the back end makes sums of multiples from additions (`joint`), two layers are taken at
//! once. With u = omega_(4h)^j and i = omega_4 the two layers of four points a, b, c, d are
//!
//! > e = u c + u^3 d,  f = i u c - i u^3 d,  g = u^2 b,
//! >
//! > (a, b, c, d) <- (a + g + e, a - g + f, a + g - e, a - g - f),
//!
//! so that three runs of doublings do for what four multiplications did.
//!
//! The inverse transform's factor 1 / n costs nothing: a transform is linear, so that scaling the
//! *first* input and, in every layer, the twiddles of the *first* block by 1 / n keeps "the first
//! block is scaled, the others are not" true from layer to layer; after the last layer there is
//! only the first block. That is one multiplication more for each layer (where w = 1 would have
//! needed none), instead of n.

use ark_ff::{Field, One, Zero};
use rayon::prelude::*;

use super::joint::{Terms, combine};
use super::kernels::{Kernels, Sum, negative};
use crate::curve::{AffinePoint, Fr, root_of_unity};

/// Which way a [`group_fft`](fn@crate::group_fft) goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Coefficients to values: y_i = sum_j omega^(ij) x_j.
    Forward,
    /// Values to coefficients: x_i = 2^-k sum_j omega^(-ij) y_j. Applied to powers [tau^j] it gives
    /// the Lagrange basis [L_i(tau)].
    Inverse,
}

/// Butterflies in a task: enough for the shared inversions to disappear.
const fn task<E: Kernels>() -> usize {
    if E::JOINT { 1024 } else { 256 }
}

/// See [`super::group_fft`].
pub(super) fn group_fft<E: Kernels, P: AffinePoint>(
    engine: E,
    points: &mut [P],
    direction: Direction,
    done: &(dyn Fn(usize) + Sync),
) {
    let n = points.len();
    assert!(n.is_power_of_two(), "an FFT over {n} points");
    let omega = root_of_unity(n.trailing_zeros()).expect("the domain fits the field's two-adicity");
    let (omega, scale) = match direction {
        Direction::Forward => (omega, Fr::one()),
        Direction::Inverse => (
            omega.inverse().expect("a root of unity is not zero"),
            Fr::from(n as u64).inverse().expect("2^k is not zero mod r"),
        ),
    };
    bit_reverse(points);
    if scale != Fr::one() {
        engine.multiply(&mut points[..1], &[scale]);
    }
    let twiddles = powers(omega, n / 2);
    // Short transforms in shorter tasks, one for each core.
    let ways = if E::JOINT { 4 } else { 2 };
    let shared = n / (ways * rayon::current_num_threads());
    let task_length = shared.next_power_of_two().clamp(16, task::<E>());
    let mut half = 1;
    while half < n {
        let layer = Layer { half, task_length, twiddles: &twiddles, scale, done };
        // The first layers have few twiddles that cost anything.
        if E::JOINT && half >= 4 && (n / half).trailing_zeros().is_multiple_of(2) {
            layer.two(engine, points);
            half *= 4;
        } else {
            layer.one(engine, points);
            half *= 2;
        }
    }
}

/// A layer of a transform, or two.
struct Layer<'a> {
    half: usize,
    /// Butterflies in a task.
    task_length: usize,
    /// omega^0, omega^1, ..., of which there are half as many as points.
    twiddles: &'a [Fr],
    /// What the twiddles of the first block are scaled by.
    scale: Fr,
    /// Is told of points that have gone through a layer.
    done: &'a (dyn Fn(usize) + Sync),
}

impl Layer<'_> {
    /// omega_(2 half)^j, scaled.
    fn twiddle(&self, block: usize, j: usize) -> Fr {
        let w = self.twiddles[j * (self.twiddles.len() / self.half)];
        if block == 0 { w * self.scale } else { w }
    }

    fn one<E: Kernels, P: AffinePoint>(&self, engine: E, points: &mut [P]) {
        self.each_task(points, |first, [lo, hi]| {
            let points = lo.len() + hi.len();
            butterfly_task(engine, lo, hi, |k| {
                self.twiddle((first + k) / self.half, (first + k) % self.half)
            });
            (self.done)(points);
        });
    }

    fn two<E: Kernels, P: AffinePoint>(&self, engine: E, points: &mut [P]) {
        // The second layer's twiddles; its block is the same.
        let second = Layer { half: 2 * self.half, ..*self };
        let i = self.twiddles[self.twiddles.len() / 2];
        self.each_task(points, |first, quarters| {
            let points: usize = quarters.iter().map(|quarter| quarter.len()).sum();
            double_butterfly_task(engine, quarters, i, |k| {
                let (block, j) = ((first + k) / self.half, (first + k) % self.half);
                let scale = if block == 0 { self.scale } else { Fr::one() };
                (second.twiddle(1, j), scale)
            });
            (self.done)(2 * points);
        });
    }

    /// Cuts the points in blocks of `WAYS * half`, and these in as many runs, of which butterfly k
    /// takes a point each. `work` gets the number of the first butterfly and the runs of a task.
    fn each_task<P: AffinePoint, const WAYS: usize>(
        &self,
        points: &mut [P],
        work: impl Fn(usize, [&mut [P]; WAYS]) + Sync,
    ) {
        let Self { half, task_length, .. } = *self;
        if half < task_length {
            let task_length = task_length.min(points.len() / WAYS);
            points.par_chunks_mut(WAYS * task_length).with_max_len(1).enumerate().for_each(
                |(task, points)| {
                    let mut runs: [Vec<P>; WAYS] =
                        std::array::from_fn(|_| Vec::with_capacity(task_length));
                    for (i, piece) in points.chunks(half).enumerate() {
                        runs[i % WAYS].extend_from_slice(piece);
                    }
                    work(task * task_length, runs.each_mut().map(Vec::as_mut_slice));
                    for (i, piece) in points.chunks_mut(half).enumerate() {
                        let from = i / WAYS * half;
                        piece.copy_from_slice(&runs[i % WAYS][from..from + half]);
                    }
                },
            );
        } else {
            points.par_chunks_mut(WAYS * half).with_max_len(1).enumerate().for_each(
                |(block, points)| {
                    // The runs' tasks, one of each run after another.
                    let mut tasks: Vec<Vec<&mut [P]>> = Vec::new();
                    tasks.resize_with(half / task_length, || Vec::with_capacity(WAYS));
                    for run in points.chunks_mut(half) {
                        for (task, piece) in tasks.iter_mut().zip(run.chunks_mut(task_length)) {
                            task.push(piece);
                        }
                    }
                    tasks.into_par_iter().with_max_len(1).enumerate().for_each(|(task, runs)| {
                        if let Ok(runs) = <[&mut [P]; WAYS]>::try_from(runs) {
                            work(block * half + task * task_length, runs);
                        }
                    });
                },
            );
        }
    }
}

/// See [`super::butterflies`].
pub(super) fn butterflies<E: Kernels, P: AffinePoint>(
    engine: E,
    lo: &mut [P],
    hi: &mut [P],
    twiddles: &[Fr],
) {
    let task = task::<E>().min((lo.len() / rayon::current_num_threads()).max(16));
    let tasks = lo.par_chunks_mut(task).zip(hi.par_chunks_mut(task)).zip(twiddles.par_chunks(task));
    tasks.with_max_len(1).for_each(|((lo, hi), twiddles)| {
        let n = lo.len().min(hi.len()).min(twiddles.len());
        butterfly_task(engine, &mut lo[..n], &mut hi[..n], |k| twiddles[k]);
    });
}

/// (a, b) <- (a + w b, a - w b), entry by entry of two slices of the same length.
fn butterfly_task<E: Kernels, P: AffinePoint>(
    engine: E,
    lo: &mut [P],
    hi: &mut [P],
    twiddle: impl Fn(usize) -> Fr,
) {
    let n = lo.len();
    let (indices, twiddles): (Vec<usize>, Vec<Fr>) = (0..n)
        .filter(|k| !hi[*k].is_zero())
        .map(|k| (k, twiddle(k)))
        .filter(|(_, w)| !w.is_one())
        .unzip();
    let mut products: Vec<P> = indices.iter().map(|k| hi[*k]).collect();
    engine.multiply(&mut products, &twiddles);
    for (k, product) in indices.iter().zip(&products) {
        hi[*k] = *product;
    }
    let [sums, differences] = sums_and_differences(engine, lo, hi);
    lo.copy_from_slice(&sums);
    hi.copy_from_slice(&differences);
}

/// Two layers of four runs of the same length; `twiddle` gives u, and what b, c and d are scaled
/// by.
fn double_butterfly_task<E: Kernels, P: AffinePoint>(
    engine: E,
    [a, b, c, d]: [&mut [P]; 4],
    i: Fr,
    twiddle: impl Fn(usize) -> (Fr, Fr),
) {
    let n = a.len();
    let inputs = [&*b, &*c, &*d].concat();
    let mut outputs: Vec<Terms> = Vec::with_capacity(3 * n);
    let (of_c, of_d) = (|k: usize| (n + k) as u32, |k: usize| (2 * n + k) as u32);
    for k in 0..n {
        let (u, scale) = twiddle(k);
        let square = u.square();
        let (for_c, for_d) = (u * scale, u * square * scale);
        outputs.push([(of_c(k), for_c), (of_d(k), for_d)]);
        outputs.push([(of_c(k), i * for_c), (of_d(k), -i * for_d)]);
        outputs.push([(k as u32, square * scale), (0, Fr::zero())]);
    }
    let products = combine(engine, &inputs, &outputs);
    let every_third = |from: usize| products.iter().skip(from).step_by(3).copied();
    let (e, f, g): (Vec<P>, Vec<P>, Vec<P>) =
        (every_third(0).collect(), every_third(1).collect(), every_third(2).collect());
    let [with_b, without_b] = sums_and_differences(engine, a, &g);
    let [first, third] = sums_and_differences(engine, &with_b, &e);
    let [second, fourth] = sums_and_differences(engine, &without_b, &f);
    for (run, result) in [a, b, c, d].into_iter().zip([first, second, third, fourth]) {
        run.copy_from_slice(&result);
    }
}

/// a + b and a - b, entry by entry of two slices of the same length.
fn sums_and_differences<E: Kernels, P: AffinePoint>(engine: E, a: &[P], b: &[P]) -> [Vec<P>; 2] {
    let n = a.len();
    // [a, b, a, -b]: the sums replace the first run, the differences the third.
    let mut runs: Vec<P> =
        [a, b, a].into_iter().flatten().copied().chain(b.iter().map(negative)).collect();
    let sum = |left: usize| Sum { left: left as u32, right: (left + n) as u32 };
    let sums: Vec<Sum> = (0..n).map(sum).chain((2 * n..3 * n).map(sum)).collect();
    engine.add(&mut runs, &sums);
    [runs[..n].to_vec(), runs[2 * n..3 * n].to_vec()]
}

/// base^0, base^1, ..., base^(n-1).
fn powers(base: Fr, n: usize) -> Vec<Fr> {
    std::iter::successors(Some(Fr::one()), |w| Some(*w * base)).take(n).collect()
}

fn bit_reverse<T>(values: &mut [T]) {
    let log_n = values.len().trailing_zeros();
    for i in 0..values.len() {
        let j = if log_n == 0 { 0 } else { i.reverse_bits() >> (usize::BITS - log_n) };
        if i < j {
            values.swap(i, j);
        }
    }
}
