//! The FFT with points for values, in place.
//!
//! Decimation in time (Cooley, Tukey 1965) over bit-reversed input: layer by layer (a, b) <- (a + w
//! b, a - w b). Nearly all of the cost are the multiplications w b; the additions are affine and
//! batched.
//!
//! The inverse transform's factor 1 / n costs nothing: a transform is linear, so that scaling the
//! *first* input and, in every layer, the twiddles of the *first* block by 1 / n keeps "the first
//! block is scaled, the others are not" true from layer to layer; after the last layer there is
//! only the first block. That is one multiplication more for each layer (where w = 1 would have
//! needed none), instead of n.

use ark_ff::{Field, One};
use rayon::prelude::*;

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
const TASK: usize = 256;

/// See [`super::group_fft`].
pub(super) fn group_fft<E: Kernels, P: AffinePoint>(
    engine: E,
    points: &mut [P],
    direction: Direction,
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
    let task_length = (n / (2 * rayon::current_num_threads())).next_power_of_two().clamp(16, TASK);
    let mut half = 1;
    while half < n {
        let twiddle = |block: usize, j: usize| {
            let w = twiddles[j * (n / (2 * half))];
            if block == 0 { w * scale } else { w }
        };
        if half < task_length {
            let blocks = (task_length / half).max(1);
            points.par_chunks_mut(2 * half * blocks).with_max_len(1).enumerate().for_each(
                |(task, points)| {
                    let (mut lo, mut hi) =
                        (Vec::with_capacity(task_length), Vec::with_capacity(task_length));
                    for block in points.chunks(2 * half) {
                        lo.extend_from_slice(&block[..half]);
                        hi.extend_from_slice(&block[half..]);
                    }
                    butterfly_task(engine, &mut lo, &mut hi, |k| {
                        twiddle(task * blocks + k / half, k % half)
                    });
                    for ((block, lo), hi) in
                        points.chunks_mut(2 * half).zip(lo.chunks(half)).zip(hi.chunks(half))
                    {
                        block[..half].copy_from_slice(lo);
                        block[half..].copy_from_slice(hi);
                    }
                },
            );
        } else {
            points.par_chunks_mut(2 * half).with_max_len(1).enumerate().for_each(
                |(block, points)| {
                    let (lo, hi) = points.split_at_mut(half);
                    let halves = lo.par_chunks_mut(task_length).zip(hi.par_chunks_mut(task_length));
                    halves.with_max_len(1).enumerate().for_each(|(task, (lo, hi))| {
                        butterfly_task(engine, lo, hi, |k| twiddle(block, task * task_length + k));
                    });
                },
            );
        }
        half *= 2;
    }
}

/// See [`super::butterflies`].
pub(super) fn butterflies<E: Kernels, P: AffinePoint>(
    engine: E,
    lo: &mut [P],
    hi: &mut [P],
    twiddles: &[Fr],
) {
    let tasks = lo.par_chunks_mut(TASK).zip(hi.par_chunks_mut(TASK)).zip(twiddles.par_chunks(TASK));
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
    // [a, b, a, -b]: the first sums replace the first run, the differences the third.
    let mut runs: Vec<P> =
        [&*lo, &*hi, &*lo].into_iter().flatten().copied().chain(hi.iter().map(negative)).collect();
    let sum = |left: usize| Sum { left: left as u32, right: (left + n) as u32 };
    let sums: Vec<Sum> = (0..n).map(sum).chain((2 * n..3 * n).map(sum)).collect();
    engine.add(&mut runs, &sums);
    lo.copy_from_slice(&runs[..n]);
    hi.copy_from_slice(&runs[2 * n..3 * n]);
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
