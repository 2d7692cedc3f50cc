//! The FFT with points for values, in place.
//!
//! Decimation in time (Cooley, Tukey 1965) over bit-reversed input: layer by layer (a, b) <- (a + w
//! b, a - w b). Nearly all of the cost are the multiplications w b; the additions are affine and
//! batched.
//!
//! Two layers are taken at once where they may be: with u = omega_(4h)^j and i = omega_4 the two
//! layers of four points a, b, c, d are
//!
//! > e = u c + u^3 d,  f = i u c - i u^3 d,  g = u^2 b,
//! >
//! > (a, b, c, d) <- (a + g + e, a - g + f, a + g - e, a - g - f),
//!
//! so that three runs of doublings do for what four multiplications did
//! ([`combine`](Kernels::combine)). A back end on vectors wants the same twiddles for a vector's
//! points. In all but the last layers there are as many blocks as it has lanes, and butterfly j has
//! the same twiddle in each.
//!
//! The inverse transform's factor 1 / n costs next to nothing: a transform is linear, so that
//! scaling the *first half of the first block*, and in this and all later layers the twiddles of
//! the *first* block by 1 / n, keeps "the first block is scaled, the others are not" true from
//! layer to layer; after the last layer there is only the first block. It begins with the first
//! input; on vectors with the first layer whose twiddles need not be the same in all blocks.

use ark_ff::{Field, One, Zero};
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
const fn task<E: Kernels>() -> usize {
    if E::ALIKE == 1 { 1024 } else { 256 }
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
    let twiddles = powers(omega, n / 2);
    // Short transforms in shorter tasks, one for each core.
    let ways = if E::ALIKE == 1 { 4 } else { 2 };
    let shared = n / (ways * rayon::current_num_threads());
    let task_length = shared.next_power_of_two().clamp(16, task::<E>());
    let mut layer =
        Layer { half: 1, alike: false, task_length, twiddles: &twiddles, scale: Fr::one(), done };
    while layer.half < n {
        let Layer { half, .. } = layer;
        // How often the points can be halved until blocks are too few.
        let halvings = (n / half / E::ALIKE).checked_ilog2().unwrap_or(0);
        layer.alike = E::ALIKE > 1 && halvings > 0;
        if !layer.alike && layer.scale != scale {
            let first = &mut points[..half];
            engine.multiply(first, &vec![scale; half]);
            layer.scale = scale;
        }
        // The first layers have few twiddles that cost anything.
        if half >= 4 && halvings >= 2 && (layer.alike || halvings.is_multiple_of(2)) {
            layer.two(engine, points);
            layer.half *= 4;
        } else {
            layer.one(engine, points);
            layer.half *= 2;
        }
    }
}

/// A layer of a transform, or two.
struct Layer<'a> {
    half: usize,
    /// Whether butterflies with the same twiddle come together, as many as the back end wants.
    alike: bool,
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
        self.each_task(E::ALIKE, points, |place, [lo, hi]| {
            let twiddle = |k: usize| {
                let (block, j) = place(k);
                self.twiddle(block, j)
            };
            if self.alike {
                alike_butterfly_task(engine, lo, hi, twiddle);
            } else {
                butterfly_task(engine, lo, hi, twiddle);
            }
            (self.done)(lo.len() + hi.len());
        });
    }

    fn two<E: Kernels, P: AffinePoint>(&self, engine: E, points: &mut [P]) {
        // The second layer's twiddles; its block is the same.
        let second = Layer { half: 2 * self.half, ..*self };
        let i = self.twiddles[self.twiddles.len() / 2];
        self.each_task(E::ALIKE, points, |place, quarters| {
            let points: usize = quarters.iter().map(|quarter| quarter.len()).sum();
            double_butterfly_task(engine, quarters, i, |k| {
                let (block, j) = place(k);
                let scale = if block == 0 { self.scale } else { Fr::one() };
                (second.twiddle(1, j), scale)
            });
            (self.done)(2 * points);
        });
    }

    /// Cuts the points in blocks of `WAYS * half`, and these in as many runs, of which butterfly j
    /// takes a point each. A task has the same butterflies of some blocks, of `alike` at least
    /// where there are as many, and those with the same j next to each other. `work` gets its runs,
    /// and block and j of its butterfly k.
    fn each_task<P: AffinePoint, const WAYS: usize>(
        &self,
        alike: usize,
        points: &mut [P],
        work: impl Fn(&dyn Fn(usize) -> (usize, usize), [&mut [P]; WAYS]) + Sync,
    ) {
        let Self { half, task_length, .. } = *self;
        let blocks = (task_length / half).max(alike).min(points.len() / (WAYS * half));
        let length = (task_length / blocks).clamp(1, half);
        points.par_chunks_mut(blocks * WAYS * half).with_max_len(1).enumerate().for_each(
            |(group, points)| {
                // Of each task: its pieces of the runs of a block, block after block.
                let mut tasks: Vec<Vec<&mut [P]>> = Vec::new();
                tasks.resize_with(half / length, || Vec::with_capacity(blocks * WAYS));
                for run in points.chunks_mut(half) {
                    for (task, piece) in tasks.iter_mut().zip(run.chunks_mut(length)) {
                        task.push(piece);
                    }
                }
                tasks.into_par_iter().with_max_len(1).enumerate().for_each(|(task, mut pieces)| {
                    let place =
                        |k: usize| (group * blocks + k % blocks, task * length + k / blocks);
                    let butterflies = || (0..length).flat_map(|j| (0..blocks).map(move |b| (b, j)));
                    let mut runs: [Vec<P>; WAYS] = std::array::from_fn(|way| {
                        butterflies().map(|(b, j)| pieces[b * WAYS + way][j]).collect()
                    });
                    work(&place, runs.each_mut().map(Vec::as_mut_slice));
                    for (way, run) in runs.iter().enumerate() {
                        for ((b, j), point) in butterflies().zip(run) {
                            pieces[b * WAYS + way][j] = *point;
                        }
                    }
                });
            },
        );
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
    add_and_subtract(engine, lo, hi);
}

/// The same where as many neighbours have the same twiddle as the back end wants.
fn alike_butterfly_task<E: Kernels, P: AffinePoint>(
    engine: E,
    lo: &mut [P],
    hi: &mut [P],
    twiddle: impl Fn(usize) -> Fr,
) {
    let mut others: Vec<(&mut [P], Fr)> = hi
        .chunks_mut(E::ALIKE)
        .enumerate()
        .map(|(run, points)| (points, twiddle(run * E::ALIKE)))
        .filter(|(_, w)| !w.is_one())
        .collect();
    let inputs: Vec<P> = others.iter().flat_map(|(points, _)| points.iter().copied()).collect();
    let twiddles: Vec<[[Fr; 1]; 1]> = others.iter().map(|(_, w)| [[*w]]).collect();
    let [products] = engine.combine([&inputs], &twiddles);
    for ((points, _), products) in others.iter_mut().zip(products.chunks(E::ALIKE)) {
        points.copy_from_slice(products);
    }
    add_and_subtract(engine, lo, hi);
}

/// (a, b) <- (a + b, a - b), entry by entry of two slices of the same length.
fn add_and_subtract<E: Kernels, P: AffinePoint>(engine: E, lo: &mut [P], hi: &mut [P]) {
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
    let zero = Fr::zero();
    let matrix = |k| {
        let (u, scale) = twiddle(k);
        let square = u.square();
        let (for_c, for_d) = (u * scale, u * square * scale);
        [[zero, for_c, for_d], [zero, i * for_c, -i * for_d], [square * scale, zero, zero]]
    };
    let matrices: Vec<[[Fr; 3]; 3]> = (0..a.len()).step_by(E::ALIKE).map(matrix).collect();
    let [e, f, g] = engine.combine([b, c, d], &matrices);
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
