//! Every operation of every back end that this machine can run or model, against arkworks.

use std::sync::LazyLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use ark_ec::scalar_mul::{BatchMulPreprocessing, glv::GLVConfig};
use ark_ec::{AffineRepr, CurveGroup, PrimeGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use proptest::prelude::*;

use crate::curve::{AffinePoint as _, Fq, Fq2, Fr, G1Affine, G2Affine};
use crate::{Backend, Direction, Point};

/// What this processor has the instructions for, and the model; or the one named by
/// `BN254_BATCH_ONLY`, which an emulator is told to take.
static BACKENDS: LazyLock<Vec<Backend>> = LazyLock::new(|| {
    let only = std::env::var("BN254_BATCH_ONLY").ok();
    let is_asked_for = |arith: &Backend| match &only {
        Some(name) => !arith.is_modelled() && arith.backend().to_string() == *name,
        None => true,
    };
    let all: Vec<Backend> = Backend::all_and_modelled().filter(is_asked_for).collect();
    assert!(!all.is_empty(), "this machine cannot run {only:?}");
    let names: Vec<String> = all.iter().map(|arith| format!("{:?}", arith.0)).collect();
    println!("back ends that are compared: {}", names.join(", "));
    all
});

/// SplitMix64.
struct Random(u64);

impl Random {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn coefficient(&mut self) -> u128 {
        u128::from(self.word()) << 64 | u128::from(self.word())
    }

    fn scalar(&mut self) -> Fr {
        Fr::from(self.coefficient()) * Fr::from(self.coefficient()) + Fr::from(self.word())
    }

    fn scalars(&mut self, n: usize) -> Vec<Fr> {
        (0..n).map(|_| self.scalar()).collect()
    }
}

/// [s_i] by arkworks' fixed-base tables: an independent way to multiples of the generator, fast
/// enough for 10^5 of them.
fn multiples<P: Point>(scalars: &[Fr]) -> Vec<P> {
    BatchMulPreprocessing::<P::Group>::new(P::Group::generator(), scalars.len()).batch_mul(scalars)
}

/// A point of the twist outside the r-torsion.
fn outside() -> G2Affine {
    (1u64..)
        .filter_map(|i| G2Affine::get_point_from_x_unchecked(Fq2::new(Fq::from(i), Fq::ONE), false))
        .find(|p| !p.in_subgroup())
        .expect("most points of the twist are outside")
}

/// Random elements of every kind of test in bulk, for each back end and each group: an emulator is
/// told to take fewer.
static BULK: LazyLock<usize> = LazyLock::new(|| {
    let given = std::env::var("BN254_BATCH_BULK");
    given.map_or(100_000, |n| n.parse().expect("BN254_BATCH_BULK is not a number"))
});

/// How many of them a back end is given: the model is slow.
fn share(arith: Backend) -> usize {
    if arith.is_modelled() { *BULK / 50 } else { *BULK }
}

fn bulk_products<P: Point>() {
    let mut random = Random(1);
    let (logs, scalars) = (random.scalars(*BULK), random.scalars(*BULK));
    let points = multiples::<P>(&logs);
    let products: Vec<Fr> = logs.iter().zip(&scalars).map(|(a, b)| *a * b).collect();
    let expected = multiples::<P>(&products);
    for arith in BACKENDS.iter() {
        let n = share(*arith);
        let mut actual = points[..n].to_vec();
        arith.mul_each(&mut actual, &scalars[..n]);
        assert!(actual == expected[..n], "{} {}", P::GROUP, arith.backend());
    }
}

#[test]
fn many_products_in_g1_agree_with_fixed_base_tables() {
    bulk_products::<G1Affine>();
}

#[test]
fn many_products_in_g2_agree_with_fixed_base_tables() {
    bulk_products::<G2Affine>();
}

/// Scalars where something special happens in the recoding or in the additions.
fn corner_scalars() -> Vec<Fr> {
    const X: u128 = 4_965_661_367_192_848_881;
    let lambda = <<G1Affine as AffineRepr>::Config as GLVConfig>::LAMBDA;
    let small = [
        0,
        1,
        2,
        3,
        15,
        16,
        17,
        1 << 64,
        u128::MAX,
        1 << 127,
        6 * X * X + 2 * X,
        2 * X + 1,
        6 * X * X + 4 * X + 1,
    ]
    .map(Fr::from);
    let mut all = Vec::new();
    for a in small {
        for b in [Fr::ZERO, Fr::ONE, Fr::from(2u64), Fr::from(2 * X + 1), Fr::from(u128::MAX)] {
            all.extend([a + lambda * b, a - lambda * b, -a + lambda * b, -a - lambda * b]);
        }
    }
    all
}

/// All corner scalars times infinity, the generator, its negative and a random point.
fn corner_products<P: Point>() {
    let (scalars, points): (Vec<Fr>, Vec<P>) = corner_scalars()
        .into_iter()
        .flat_map(|s| {
            let g = P::generator().into_group();
            [
                P::zero(),
                g.into_affine(),
                (-g).into_affine(),
                (g * Fr::from(0x1234_5678u64)).into_affine(),
            ]
            .map(|p| (s, p))
        })
        .unzip();
    let expected: Vec<P> = points
        .iter()
        .zip(&scalars)
        .map(|(p, s)| p.mul_bigint(s.into_bigint()).into_affine())
        .collect();
    for arith in BACKENDS.iter() {
        let mut actual = points.clone();
        arith.mul_each(&mut actual, &scalars);
        for (i, scalar) in scalars.iter().enumerate() {
            assert_eq!(
                actual[i],
                expected[i],
                "{} {} of {:?} by {scalar}",
                P::GROUP,
                arith.backend(),
                points[i]
            );
        }
    }
}

#[test]
fn corner_scalars_and_infinity_in_g1() {
    corner_products::<G1Affine>();
}

#[test]
fn corner_scalars_and_infinity_in_g2() {
    corner_products::<G2Affine>();
}

/// Coefficients and points of every kind against a sum of single products.
fn combinations<P: Point>(sizes: &[usize], extra: &[P]) {
    let mut random = Random(2);
    for &n in sizes {
        let mut points = multiples::<P>(&random.scalars(n));
        let mut coefficients: Vec<u128> = (0..n).map(|_| random.coefficient()).collect();
        for i in 0..n {
            match i % 11 {
                1 => coefficients[i] = [0, 1, u128::MAX, 1 << 127, (1 << 127) - 1][i % 5],
                2 => points[i] = points[i - 1],
                3 => (points[i], coefficients[i]) = (points[i - 2], coefficients[i - 2]),
                4 => {
                    (points[i], coefficients[i]) =
                        ((-points[i - 2].into_group()).into_affine(), coefficients[i - 2])
                }
                5 => points[i] = P::zero(),
                6 if !extra.is_empty() => points[i] = extra[i % extra.len()],
                _ => {}
            }
        }
        let bigints: Vec<BigInt<4>> =
            coefficients.iter().map(|c| BigInt([*c as u64, (c >> 64) as u64, 0, 0])).collect();
        let expected = if extra.is_empty() {
            P::Group::msm_bigint(&points, &bigints)
        } else {
            points.iter().zip(&bigints).fold(P::Group::ZERO, |sum, (p, c)| sum + p.mul_bigint(c))
        };
        for arith in BACKENDS.iter().filter(|arith| n <= share(**arith)) {
            assert_eq!(
                arith.linear_combination(&points, &coefficients),
                expected,
                "{} {} n = {n}",
                P::GROUP,
                arith.backend()
            );
        }
    }
}

#[test]
fn linear_combinations_in_g1() {
    combinations::<G1Affine>(&[0, 1, 2, 3, 7, 8, 9, 31, 100, 1000, 20_000, *BULK], &[]);
}

#[test]
fn linear_combinations_in_g2() {
    combinations::<G2Affine>(&[0, 1, 2, 3, 7, 8, 9, 31, 100, 1000, 20_000, *BULK], &[]);
}

#[test]
fn linear_combinations_of_points_outside_the_subgroup() {
    let p = outside();
    let others = [
        p,
        (p + p).into_affine(),
        (-p.into_group()).into_affine(),
        (p + G2Affine::generator()).into_affine(),
    ];
    combinations::<G2Affine>(&[1, 10, 200], &others);
}

/// The first accumulator of a ceremony is n copies of the generator: every addition is a doubling.
#[test]
fn linear_combinations_of_equal_points() {
    let points = vec![G1Affine::generator(); 5000];
    let mut random = Random(3);
    let coefficients: Vec<u128> = (0..points.len()).map(|_| random.coefficient()).collect();
    let sum: Fr = coefficients.iter().map(|c| Fr::from(*c)).sum();
    for arith in BACKENDS.iter() {
        assert_eq!(
            arith.linear_combination(&points, &coefficients),
            points[0] * sum,
            "{}",
            arith.backend()
        );
    }
}

fn transforms<P: Point>(logs: &[u32]) {
    let mut random = Random(4);
    for &log in logs {
        let n = 1usize << log;
        let mut scalars = random.scalars(n);
        if n > 4 {
            scalars[1] = Fr::ZERO;
            scalars[3] = scalars[2];
        }
        let points = multiples::<P>(&scalars);
        let domain = Radix2EvaluationDomain::<Fr>::new(n).expect("a small domain");
        for (direction, expected) in [
            (Direction::Forward, multiples::<P>(&domain.fft(&scalars))),
            (Direction::Inverse, multiples::<P>(&domain.ifft(&scalars))),
        ] {
            for arith in BACKENDS.iter() {
                let mut actual = points.clone();
                let done = AtomicUsize::new(0);
                arith.group_fft(&mut actual, direction, &|points| {
                    done.fetch_add(points, Relaxed);
                });
                assert_eq!(done.into_inner(), n * log as usize, "points through a layer");
                assert!(
                    actual == expected,
                    "{} {} {direction:?} 2^{log}",
                    P::GROUP,
                    arith.backend()
                );
            }
        }
    }
}

#[test]
fn transforms_in_g1_agree_with_those_of_the_logarithms() {
    transforms::<G1Affine>(&[0, 1, 2, 3, 5, 9, 11]);
}

#[test]
fn transforms_in_g2_agree_with_those_of_the_logarithms() {
    transforms::<G2Affine>(&[0, 1, 4, 10]);
}

#[test]
fn butterflies_add_and_subtract() {
    let mut random = Random(5);
    let (a, b, mut w) = (random.scalars(700), random.scalars(700), random.scalars(700));
    w[..3].copy_from_slice(&[Fr::ZERO, Fr::ONE, -Fr::ONE]);
    // a = w b and a = -w b: one of the results is infinity, the other a doubling.
    let a: Vec<Fr> = (0..700)
        .map(|i| {
            if i % 9 == 0 {
                w[i] * b[i]
            } else if i % 9 == 1 {
                -w[i] * b[i]
            } else {
                a[i]
            }
        })
        .collect();
    let sums: Vec<Fr> = (0..700).map(|i| a[i] + w[i] * b[i]).collect();
    let differences: Vec<Fr> = (0..700).map(|i| a[i] - w[i] * b[i]).collect();
    for arith in BACKENDS.iter() {
        let (mut lo, mut hi) = (multiples::<G2Affine>(&a), multiples::<G2Affine>(&b));
        arith.butterflies(&mut lo, &mut hi, &w);
        assert!(
            lo == multiples::<G2Affine>(&sums) && hi == multiples::<G2Affine>(&differences),
            "{}",
            arith.backend()
        );
    }
}

#[test]
fn one_point_outside_the_subgroup_is_found_among_many() {
    let mut random = Random(6);
    let points = multiples::<G2Affine>(&random.scalars(3000));
    for arith in BACKENDS.iter() {
        assert_eq!(
            arith.outside_subgroup(&points, &mut || random.word()),
            None,
            "{}",
            arith.backend()
        );
        for (place, n) in [(0, 1), (5, 10), (0, 3000), (1234, 3000), (2999, 3000)] {
            let mut points = points[..n].to_vec();
            points[place] = (points[place] + outside()).into_affine();
            assert_eq!(
                arith.outside_subgroup(&points, &mut || random.word()),
                Some(place),
                "{}",
                arith.backend()
            );
        }
    }
}

fn points_off_the_curve<P: Point>() {
    let mut random = Random(7);
    let mut points = multiples::<P>(&random.scalars(3001));
    points[17] = P::zero();
    for arith in BACKENDS.iter() {
        assert_eq!(arith.off_curve(&points), None, "{} {}", P::GROUP, arith.backend());
        assert_eq!(arith.off_curve::<P>(&[]), None);
        for place in [0, 7, 8, 1500, 3000] {
            for coordinate in 0..P::COORDINATES {
                let mut points = points.clone();
                let mut coordinates = points[place].coordinates();
                coordinates.as_mut()[coordinate] += Fq::ONE;
                points[place] = P::from_coordinates(&coordinates);
                assert_eq!(
                    arith.off_curve(&points),
                    Some(place),
                    "{} {}",
                    P::GROUP,
                    arith.backend()
                );
            }
        }
        let mut half_zero = P::generator().coordinates();
        half_zero.as_mut()[..P::COORDINATES / 2].fill(Fq::ZERO);
        assert_eq!(arith.off_curve(&[P::zero(), P::from_coordinates(&half_zero)]), Some(1));
    }
}

#[test]
fn points_off_the_curve_are_found() {
    points_off_the_curve::<G1Affine>();
    points_off_the_curve::<G2Affine>();
}

fn compressed_points<P: Point>() {
    let mut random = Random(8);
    let points = multiples::<P>(&random.scalars(*BULK));
    let larger: Vec<bool> = points.iter().map(P::y_is_larger).collect();
    let x: Vec<Fq> = points
        .iter()
        .flat_map(|p| p.coordinates().as_ref()[..P::COORDINATES / 2].to_vec())
        .collect();
    for arith in BACKENDS.iter() {
        let n = share(*arith);
        let x = &x[..n * P::COORDINATES / 2];
        assert!(
            arith.from_x::<P>(x, &larger[..n]).as_deref() == Ok(&points[..n]),
            "{} {}",
            P::GROUP,
            arith.backend()
        );
        assert_eq!(arith.off_curve(&points), None, "{} {}", P::GROUP, arith.backend());
        assert_eq!(arith.from_x::<P>(&[], &[]), Ok(vec![]));
        // Small x; about half of them belong to no point; every answer is compared.
        for i in 0u64..100 {
            let x: Vec<Fq> =
                (0..P::COORDINATES as u64 / 2).map(|j| Fq::from(i) * Fq::from(j + 1)).collect();
            let expected = P::from_x(&x, true).map(|p| vec![p]).ok_or(0);
            assert_eq!(
                arith.from_x::<P>(&x, &[true]),
                expected,
                "{} {} {i}",
                P::GROUP,
                arith.backend()
            );
        }
    }
}

#[test]
fn compressed_points_come_back() {
    compressed_points::<G1Affine>();
    compressed_points::<G2Affine>();
}

fn any_scalar() -> impl Strategy<Value = Fr> {
    prop_oneof![
        3 => any::<u64>().prop_map(|seed| Random(seed).scalar()),
        1 => proptest::sample::select(corner_scalars()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn products_of_any_length_and_kind(logs in proptest::collection::vec((any_scalar(), any_scalar()), 0..70), all in any_scalar()) {
        let (logs, scalars): (Vec<Fr>, Vec<Fr>) = logs.into_iter().unzip();
        let each: Vec<Fr> = logs.iter().zip(&scalars).map(|(a, s)| *a * s).collect();
        let same: Vec<Fr> = logs.iter().map(|a| *a * all).collect();
        let (g1, g2) = (multiples::<G1Affine>(&logs), multiples::<G2Affine>(&logs));
        for arith in BACKENDS.iter() {
            let (mut p, mut q) = (g1.clone(), g2.clone());
            arith.mul_each(&mut p, &scalars);
            arith.mul_each(&mut q, &scalars);
            prop_assert_eq!(&p, &multiples::<G1Affine>(&each));
            prop_assert_eq!(&q, &multiples::<G2Affine>(&each));
            (p, q) = (g1.clone(), g2.clone());
            arith.mul_all(&mut p, &all);
            arith.mul_all(&mut q, &all);
            prop_assert_eq!(&p, &multiples::<G1Affine>(&same));
            prop_assert_eq!(&q, &multiples::<G2Affine>(&same));
        }
    }

    #[test]
    fn combinations_of_any_length_and_kind(terms in proptest::collection::vec((0i64..6, prop_oneof![any::<u128>(), 0u128..4]), 0..200)) {
        let points: Vec<G1Affine> = multiples(&terms.iter().map(|(log, _)| Fr::from(log - 2)).collect::<Vec<_>>());
        let coefficients: Vec<u128> = terms.iter().map(|(_, c)| *c).collect();
        let expected: Fr = terms.iter().map(|(log, c)| Fr::from(log - 2) * Fr::from(*c)).sum();
        for arith in BACKENDS.iter() {
            prop_assert_eq!(arith.linear_combination(&points, &coefficients), G1Affine::generator() * expected);
        }
    }
}
