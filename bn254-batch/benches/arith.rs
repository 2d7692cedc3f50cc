//! The kernels of each back end against arkworks, in one run, on one thread.
//!
//! Baselines: `Affine * Fr` (double-and-add in ark-bn254 0.6), `Projective * Fr` (its GLV),
//! `VariableBaseMSM::msm_bigint`, the FFT of ark-poly on projective points with the normalisation
//! that a file needs, a subgroup check for each point, and the verification of a contribution with
//! one (`plain`). Criterion's throughput column gives elements per second, elements being points,
//! terms, or powers of tau of the contribution; `ci/bench-peers.sh --kernels` makes a table of
//! ratios from it.

use std::hint::black_box;
use std::time::Duration;

use ark_ec::scalar_mul::BatchMulPreprocessing;
use ark_ec::{AffineRepr, CurveGroup, PrimeGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, BigInt, Field};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use bn254_batch::Point;
use bn254_batch::curve::{AffinePoint as _, Fq, Fr, G1Affine, G2Affine, pairings_agree};
use bn254_batch::{Backend, Direction, Instructions, StrideColumns};
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput};

use testkit::plain;

/// Multiplications of one batch.
const PRODUCTS: usize = 2048;
/// Multiplications by arkworks that stand for as many.
const BASELINE_PRODUCTS: usize = 64;
const TERMS: usize = 1 << 14;
const TRANSFORM: usize = 1 << 10;
const CHECKED: usize = 1 << 14;

fn main() {
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_global()
        .expect("the first pool of the process");
    let mut criterion = Criterion::default()
        .configure_from_args()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500));
    products::<G1Affine>(&mut criterion);
    products::<G2Affine>(&mut criterion);
    combinations::<G1Affine>(&mut criterion);
    combinations::<G2Affine>(&mut criterion);
    transforms::<G1Affine>(&mut criterion);
    verification(&mut criterion);
    subgroup(&mut criterion);
    membership::<G1Affine>(&mut criterion);
    membership::<G2Affine>(&mut criterion);
    criterion.final_summary();
}

/// SplitMix64.
fn words() -> impl FnMut() -> u64 {
    let mut state = 7u64;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn scalars(n: usize) -> Vec<Fr> {
    let mut word = words();
    let mut wide = || Fr::from(u128::from(word()) << 64 | u128::from(word()));
    (0..n).map(|_| wide() * wide() + wide()).collect()
}

fn points<P: Point>(n: usize) -> Vec<P> {
    let step = P::Group::generator() * scalars(1)[0];
    let walk: Vec<P::Group> =
        std::iter::successors(Some(step.double()), |p| Some(*p + step)).take(n).collect();
    P::Group::normalize_batch(&walk)
}

/// [s_i] by arkworks' fixed-base tables.
fn multiples<P: Point>(scalars: &[Fr]) -> Vec<P> {
    BatchMulPreprocessing::<P::Group>::new(P::Group::generator(), scalars.len()).batch_mul(scalars)
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    criterion.benchmark_group(name)
}

fn products<P: Point>(criterion: &mut Criterion) {
    let (points, scalars) = (points::<P>(PRODUCTS), scalars(PRODUCTS));
    let mut group = group(criterion, &format!("products-{}", P::GROUP));
    group.throughput(Throughput::Elements(PRODUCTS as u64));
    for arith in Backend::all() {
        group.bench_function(arith.backend().to_string(), |b| {
            b.iter_batched_ref(
                || points.clone(),
                |points| arith.mul_each(points, &scalars),
                BatchSize::LargeInput,
            );
        });
    }
    group.throughput(Throughput::Elements(BASELINE_PRODUCTS as u64));
    group.bench_function("arkworks-affine", |b| {
        b.iter(|| {
            points
                .iter()
                .zip(&scalars)
                .take(BASELINE_PRODUCTS)
                .map(|(p, s)| *p * s)
                .fold(P::Group::ZERO, |sum, p| sum + p)
        });
    });
    group.bench_function("arkworks-glv", |b| {
        b.iter(|| {
            points
                .iter()
                .zip(&scalars)
                .take(BASELINE_PRODUCTS)
                .map(|(p, s)| p.into_group() * s)
                .fold(P::Group::ZERO, |sum, p| sum + p)
        });
    });
}

fn combinations<P: Point>(criterion: &mut Criterion) {
    let points = points::<P>(TERMS);
    let mut word = words();
    let coefficients: Vec<u128> =
        (0..TERMS).map(|_| u128::from(word()) << 64 | u128::from(word())).collect();
    let bigints: Vec<BigInt<4>> =
        coefficients.iter().map(|c| BigInt([*c as u64, (c >> 64) as u64, 0, 0])).collect();
    let mut group = group(criterion, &format!("combination-{}", P::GROUP));
    group.throughput(Throughput::Elements(TERMS as u64));
    for arith in Backend::all() {
        group.bench_function(arith.backend().to_string(), |b| {
            b.iter(|| arith.linear_combination(black_box(&points), &coefficients))
        });
    }
    group.bench_function("arkworks-msm", |b| {
        b.iter(|| P::Group::msm_bigint(black_box(&points), &bigints))
    });
}

fn transforms<P: Point>(criterion: &mut Criterion) {
    let points = points::<P>(TRANSFORM);
    let mut group = group(criterion, &format!("transform-{}", P::GROUP));
    group.throughput(Throughput::Elements(TRANSFORM as u64));
    for arith in Backend::all() {
        group.bench_function(arith.backend().to_string(), |b| {
            b.iter_batched_ref(
                || points.clone(),
                |points| arith.group_fft(points, Direction::Inverse, &|_| ()),
                BatchSize::LargeInput,
            );
        });
    }
    let domain = Radix2EvaluationDomain::<Fr>::new(TRANSFORM).expect("a power of two");
    let groups: Vec<P::Group> = points.iter().map(|p| p.into_group()).collect();
    group.bench_function("arkworks-ifft", |b| {
        b.iter(|| P::Group::normalize_batch(&domain.ifft(&groups)))
    });
}

/// One combination of the columns and of those after them.
fn neighbours<P: Point<Group: CurveGroup<Affine = P>>>(
    columns: &StrideColumns<P>,
    word: &mut impl FnMut() -> u64,
) -> [P; 2] {
    let coefficients: Vec<Fr> = (1..columns.sums.len())
        .map(|_| Fr::from(u128::from(word()) << 64 | u128::from(word())))
        .collect();
    [&columns.sums[..], &columns.sums[1..]].map(|sums| {
        sums.iter().zip(&coefficients).map(|(sum, c)| *sum * c).sum::<P::Group>().into_affine()
    })
}

/// The four long sections of one contribution: every point's membership, and the ratio of its
/// neighbours. The form of this crate, on each back end, against the plain one.
fn verification(criterion: &mut Criterion) {
    const POWER: u32 = 14;
    let n = 1usize << POWER;
    let [tau, alpha, beta] = [3, 4, 5].map(|i| scalars(i)[i - 1]);
    let powers = |factor: Fr, n| {
        std::iter::successors(Some(factor), |power| Some(*power * tau)).take(n).collect::<Vec<_>>()
    };
    let tau_powers = powers(Fr::ONE, 2 * n - 1);
    let (tau_g1, tau_g2) =
        (multiples::<G1Affine>(&tau_powers), multiples::<G2Affine>(&tau_powers[..n]));
    let [alpha, beta] = [alpha, beta].map(|factor| multiples::<G1Affine>(&powers(factor, n)));
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    let mut word = words();
    let mut group = group(criterion, "verification");
    group.throughput(Throughput::Elements(n as u64));
    for arith in Backend::all() {
        group.bench_function(arith.backend().to_string(), |b| {
            b.iter(|| {
                let (mut in_g1, mut in_g2) = (
                    arith.stride_sums::<G1Affine>(4 * n as u64),
                    arith.stride_sums::<G2Affine>(n as u64),
                );
                assert_eq!(arith.off_curve(black_box(&tau_g2)), None);
                in_g2.add(&tau_g2, &mut word);
                for section in [&tau_g1, &alpha, &beta] {
                    assert_eq!(arith.off_curve(section), None);
                    in_g1.add(section, &mut word);
                }
                let (in_g1, in_g2) = (in_g1.finish(), in_g2.finish());
                assert!(in_g2.in_subgroup);
                let [a, b] = neighbours(&in_g1, &mut word);
                assert!(pairings_agree(a, tau_g2[1], b, g2));
                let [a, b] = neighbours(&in_g2, &mut word);
                assert!(pairings_agree(tau_g1[1], a, g1, b));
            });
        });
    }
    group.bench_function("subgroup-check-per-point", |b| {
        b.iter(|| assert!(plain::verify(&tau_g1, &tau_g2, &alpha, &beta)))
    });
}

fn subgroup(criterion: &mut Criterion) {
    let points = points::<G2Affine>(CHECKED);
    let mut group = group(criterion, "subgroup-G2");
    group.throughput(Throughput::Elements(CHECKED as u64));
    for arith in Backend::all() {
        let mut word = words();
        group.bench_function(arith.backend().to_string(), |b| {
            b.iter(|| arith.outside_subgroup(black_box(&points), &mut word))
        });
    }
    group.throughput(Throughput::Elements(BASELINE_PRODUCTS as u64));
    group.bench_function("each-point", |b| {
        b.iter(|| points.iter().take(BASELINE_PRODUCTS).all(|p| p.in_subgroup()))
    });
}

/// Curve equations, and y from x.
fn membership<P: Point>(criterion: &mut Criterion) {
    const POINTS: usize = 1024;
    let points = points::<P>(POINTS);
    let x: Vec<Fq> = points
        .iter()
        .flat_map(|p| p.coordinates().as_ref()[..P::COORDINATES / 2].to_vec())
        .collect();
    let mut group = group(criterion, &format!("on-curve-{}", P::GROUP));
    group.throughput(Throughput::Elements(POINTS as u64));
    for arith in Backend::all() {
        group.bench_function(arith.backend().to_string(), |b| {
            b.iter(|| arith.off_curve(black_box(&points)))
        });
    }
    group.bench_function("arkworks", |b| {
        b.iter(|| black_box(&points).iter().all(|p| p.satisfies_curve_equation()))
    });
    group.finish();
    let mut group = self::group(criterion, &format!("from-x-{}", P::GROUP));
    group.throughput(Throughput::Elements(POINTS as u64));
    for arith in Backend::all() {
        let name = if arith.backend() == Instructions::Portable {
            "arkworks".to_owned()
        } else {
            arith.backend().to_string()
        };
        group
            .bench_function(name, |b| b.iter(|| arith.from_x::<P>(black_box(&x), &[true; POINTS])));
    }
}
