//! Phase 1 against the plain forms in arkworks, in one run: batch scalar multiplication,
//! verification, group FFT.
//!
//! "plain" is what a straightforward implementation would write: `Affine * Fr` point by point, a
//! subgroup check per point, ark-poly's FFT over projective points. Every pair uses all cores or
//! (the multiplications and the FFT) what rayon gives both.

use std::hint::black_box;
use std::io::Cursor;
use std::time::Duration;

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::UniformRand;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use bn254_batch::Point;
use bn254_batch::curve::{Fr, G1Projective, G2Projective};
use bn254_batch::{Direction, group_fft, mul_each};
use ceremony_core::entropy::ContributionRng;
use ceremony_core::format::ptau::{Power, Ptau};
use ceremony_core::phase1::contribute::{contribute, new};
use ceremony_core::phase1::verify::{Expectations, verify};
use ceremony_core::progress::NoProgress;
use criterion::{Criterion, criterion_group, criterion_main};
use rayon::prelude::*;

use testkit::plain;

const POINTS: usize = 1 << 10;

fn random<G: CurveGroup>(n: usize) -> Vec<G::Affine> {
    let mut rng = ark_std::test_rng();
    G::normalize_batch(&(0..n).map(|_| G::rand(&mut rng)).collect::<Vec<_>>())
}

fn multiplication(c: &mut Criterion) {
    fn group<P: Point<Group: CurveGroup<Affine = P>>>(c: &mut Criterion, points: Vec<P>) {
        let mut rng = ark_std::test_rng();
        let scalars: Vec<Fr> = points.iter().map(|_| Fr::rand(&mut rng)).collect();
        let mut group = c.benchmark_group(format!("multiply {POINTS} points of {}", P::GROUP));
        group.bench_function("arkworks Affine * Fr", |b| {
            b.iter(|| {
                let products: Vec<P::Group> =
                    points.par_iter().zip(&scalars).map(|(p, s)| *p * *s).collect();
                P::Group::normalize_batch(&products)
            });
        });
        group.bench_function("arkworks Projective * Fr (GLV)", |b| {
            b.iter(|| {
                let products: Vec<P::Group> =
                    points.par_iter().zip(&scalars).map(|(p, s)| p.into_group() * s).collect();
                P::Group::normalize_batch(&products)
            });
        });
        group.bench_function("mul_each", |b| {
            b.iter(|| {
                let mut points = points.clone();
                mul_each(&mut points, &scalars);
                points
            });
        });
    }
    group(c, random::<G1Projective>(POINTS));
    group(c, random::<G2Projective>(POINTS));
}

fn fft(c: &mut Criterion) {
    let points = random::<G1Projective>(POINTS);
    let mut group = c.benchmark_group(format!("inverse FFT over {POINTS} points of G1"));
    group.bench_function("ark-poly", |b| {
        let domain = Radix2EvaluationDomain::<Fr>::new(POINTS).unwrap();
        b.iter(|| {
            let mut values: Vec<G1Projective> = points.iter().map(|p| p.into_group()).collect();
            domain.ifft_in_place(&mut values);
            G1Projective::normalize_batch(&values)
        });
    });
    group.bench_function("group_fft", |b| {
        b.iter(|| {
            let mut points = points.clone();
            group_fft(&mut points, Direction::Inverse);
            points
        });
    });
}

fn verification(c: &mut Criterion) {
    use ceremony_core::entropy::VerifierRng;
    const POWER: u32 = 12;
    let mut fresh = Cursor::new(Vec::new());
    new(Power::new(POWER).unwrap(), &mut fresh, &NoProgress).unwrap();
    let mut file = Cursor::new(Vec::new());
    contribute(
        &mut Ptau::open(fresh).unwrap(),
        &mut file,
        ContributionRng::from_os_and_text(b"").unwrap(),
        None,
        &NoProgress,
    )
    .unwrap();
    let bytes = file.into_inner();
    let mut ptau = Ptau::open(Cursor::new(bytes.clone())).unwrap();
    let (layout, mut rng) = (ptau.accumulator(), VerifierRng::from_os().unwrap());
    let n = 1usize << POWER;
    let tau_g1 = layout.tau_g1.read(ptau.source(), &mut rng, 0, 2 * n - 1).unwrap();
    let tau_g2 = layout.tau_g2.read(ptau.source(), &mut rng, 0, n).unwrap();
    let alpha = layout.alpha_tau_g1.read(ptau.source(), &mut rng, 0, n).unwrap();
    let beta = layout.beta_tau_g1.read(ptau.source(), &mut rng, 0, n).unwrap();
    let mut group = c.benchmark_group(format!("verify one contribution of power {POWER}"));
    group.sample_size(10);
    group.bench_function("arkworks, subgroup check per point (no hashing)", |b| {
        b.iter(|| assert!(plain::verify(&tau_g1, &tau_g2, &alpha, &beta)));
    });
    group.bench_function("verify (whole file, hashes included)", |b| {
        b.iter(|| {
            black_box(
                verify(Cursor::new(bytes.clone()), &Expectations::default(), &NoProgress)
                    .unwrap()
                    .1,
            )
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4)).sample_size(10);
    targets = multiplication, fft, verification
}
criterion_main!(benches);
