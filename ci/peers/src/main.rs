//! Scalar multiplication in G1 and G2 by every back end of `bn254-batch` that this processor has,
//! by arkworks, by mcl and by halo2curves: the same points and scalars, one thread, in turns.
//!
//! Prints a Markdown table: microseconds of the processor's time a product, the least and the
//! median of the rounds, and the ratio of arkworks' `Affine * Fr` to it. All products are compared
//! before they count. Those of mcl stay in its own coordinates, all others are made affine.
//!
//! mcl and halo2curves (as arkworks) multiply one point at a time and in a time that depends on the
//! scalar; `bn254-batch` multiplies many, in constant time.

use std::hint::black_box;

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup, PrimeGroup};
use ark_ff::{BigInteger, PrimeField, UniformRand};
use bn254_batch::{Backend, Point};
use cpu_time::ProcessTime;
use halo2curves::bn256 as halo2;
use halo2curves::ff::PrimeField as _;
use halo2curves::group::Curve as _;

/// Products of a batch, and of those that multiply one by one.
const BATCH: usize = 4096;
const SINGLE: usize = 256;
const ROUNDS: usize = 9;

/// One way to the products of the first points.
struct Way<'a, P> {
    name: String,
    products: usize,
    multiply: Box<dyn FnMut(bool) -> Vec<P> + 'a>,
    micros: Vec<f64>,
}

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the first pool");
    assert!(mcl_rust::init(mcl_rust::CurveType::SNARK), "mcl has no BN254");
    println!("| group | library | us, least | median | arkworks `Affine * Fr` to it |");
    println!("|---|---|---|---|---|");
    measure::<G1Affine>("G1", [&mcl_g1, &halo2_g1]);
    measure::<G2Affine>("G2", [&mcl_g2, &halo2_g2]);
}

/// Multiplies, and hands out the products if it is asked to.
type Multiply<P> = Box<dyn FnMut(bool) -> Vec<P>>;
type Peer<P> = dyn Fn(&[P], &[Fr]) -> Multiply<P>;

fn measure<P: Point>(group: &str, [mcl, halo2]: [&Peer<P>; 2]) {
    let rng = &mut ark_std::test_rng();
    let scalars: Vec<Fr> = (0..BATCH).map(|_| Fr::rand(rng)).collect();
    let points: Vec<P::Group> = (0..BATCH).map(|_| P::Group::generator() * Fr::rand(rng)).collect();
    let points = P::Group::normalize_batch(&points);
    let (few, few_scalars) = (&points[..SINGLE], &scalars[..SINGLE]);

    let mut ways = vec![
        Way::new("arkworks, `Affine * Fr`", SINGLE, |_| {
            let products: Vec<P::Group> =
                few.iter().zip(few_scalars).map(|(p, s)| *p * s).collect();
            P::Group::normalize_batch(&products)
        }),
        Way::new("arkworks, `Projective * Fr` (GLV)", SINGLE, |_| {
            let products: Vec<P::Group> =
                few.iter().zip(few_scalars).map(|(p, s)| p.into_group() * s).collect();
            P::Group::normalize_batch(&products)
        }),
        Way::new("mcl", SINGLE, mcl(few, few_scalars)),
        Way::new("halo2curves (asm)", SINGLE, halo2(few, few_scalars)),
    ];
    for backend in Backend::all() {
        let (points, scalars) = (&points, &scalars);
        let name = format!("bn254-batch, {}", backend.backend());
        ways.push(Way::new(&name, BATCH, move |_| {
            let mut products = points.clone();
            backend.mul_each(&mut products, scalars);
            products
        }));
    }
    let expected = (ways[0].multiply)(true);
    for way in &mut ways {
        assert!((way.multiply)(true)[..SINGLE] == expected, "{} multiplies wrongly", way.name);
    }
    for _ in 0..ROUNDS {
        for way in &mut ways {
            let start = ProcessTime::now();
            black_box((way.multiply)(false));
            way.micros.push(start.elapsed().as_secs_f64() * 1e6 / way.products as f64);
        }
    }
    for way in &mut ways {
        way.micros.sort_by(f64::total_cmp);
    }
    let least = ways[0].micros[0];
    for Way { name, micros, .. } in &ways {
        let (first, median) = (micros[0], micros[ROUNDS / 2]);
        println!("| {group} | {name} | {first:.2} | {median:.2} | {:.1} |", least / first);
    }
}

impl<'a, P> Way<'a, P> {
    fn new(name: &str, products: usize, multiply: impl FnMut(bool) -> Vec<P> + 'a) -> Self {
        Self { name: name.to_owned(), products, multiply: Box::new(multiply), micros: Vec::new() }
    }
}

fn mcl_scalars(scalars: &[Fr]) -> Vec<mcl_rust::Fr> {
    scalars
        .iter()
        .map(|s| mcl_rust::Fr::from_str(&s.into_bigint().to_string(), 10).expect("a scalar"))
        .collect()
}

fn decimal(x: &Fq) -> String {
    x.into_bigint().to_string()
}

/// Affine coordinates as mcl writes them: `1 x y`.
fn numbers(text: &str) -> Vec<Fq> {
    text.split(' ').skip(1).map(|number| number.parse().expect("a coordinate")).collect()
}

fn mcl_g1(points: &[G1Affine], scalars: &[Fr]) -> Multiply<G1Affine> {
    let scalars = mcl_scalars(scalars);
    let text = |p: &G1Affine| format!("1 {} {}", decimal(&p.x), decimal(&p.y));
    let points: Vec<_> =
        points.iter().map(|p| mcl_rust::G1::from_str(&text(p), 10).expect("a point")).collect();
    Box::new(move |read_them| {
        let mut products = vec![mcl_rust::G1::zero(); points.len()];
        for ((product, p), s) in products.iter_mut().zip(&points).zip(&scalars) {
            mcl_rust::G1::mul(product, p, s);
        }
        let read = |p: &mcl_rust::G1| match numbers(&p.get_str(10))[..] {
            [x, y] => G1Affine::new_unchecked(x, y),
            _ => G1Affine::zero(),
        };
        black_box(&products);
        products.iter().filter(|_| read_them).map(read).collect()
    })
}

fn mcl_g2(points: &[G2Affine], scalars: &[Fr]) -> Multiply<G2Affine> {
    let scalars = mcl_scalars(scalars);
    let text = |p: &G2Affine| {
        let [a, b, c, d] = [&p.x.c0, &p.x.c1, &p.y.c0, &p.y.c1].map(decimal);
        format!("1 {a} {b} {c} {d}")
    };
    let points: Vec<_> =
        points.iter().map(|p| mcl_rust::G2::from_str(&text(p), 10).expect("a point")).collect();
    Box::new(move |read_them| {
        let mut products = vec![mcl_rust::G2::zero(); points.len()];
        for ((product, p), s) in products.iter_mut().zip(&points).zip(&scalars) {
            mcl_rust::G2::mul(product, p, s);
        }
        let read = |p: &mcl_rust::G2| match numbers(&p.get_str(10))[..] {
            [a, b, c, d] => G2Affine::new_unchecked(Fq2::new(a, b), Fq2::new(c, d)),
            _ => G2Affine::zero(),
        };
        black_box(&products);
        products.iter().filter(|_| read_them).map(read).collect()
    })
}

fn halo2_scalars(scalars: &[Fr]) -> Vec<halo2::Fr> {
    scalars.iter().map(|s| halo2::Fr::from_repr(repr(*s).into()).expect("a scalar")).collect()
}

fn repr(x: impl PrimeField) -> [u8; 32] {
    x.into_bigint().to_bytes_le().try_into().expect("32 bytes")
}

fn to_halo2(x: &Fq) -> halo2::Fq {
    halo2::Fq::from_repr(repr(*x).into()).expect("a coordinate")
}

fn from_halo2(x: &halo2::Fq) -> Fq {
    Fq::from_le_bytes_mod_order(x.to_repr().as_ref())
}

fn halo2_g1(points: &[G1Affine], scalars: &[Fr]) -> Multiply<G1Affine> {
    let scalars = halo2_scalars(scalars);
    let points: Vec<_> =
        points.iter().map(|p| halo2::G1Affine { x: to_halo2(&p.x), y: to_halo2(&p.y) }).collect();
    Box::new(move |read_them| {
        let products: Vec<halo2::G1> = points.iter().zip(&scalars).map(|(p, s)| p * s).collect();
        let mut affine = vec![halo2::G1Affine::default(); products.len()];
        halo2::G1::batch_normalize(&products, &mut affine);
        let read =
            |p: &halo2::G1Affine| G1Affine::new_unchecked(from_halo2(&p.x), from_halo2(&p.y));
        black_box(&affine);
        affine.iter().filter(|_| read_them).map(read).collect()
    })
}

fn halo2_g2(points: &[G2Affine], scalars: &[Fr]) -> Multiply<G2Affine> {
    let scalars = halo2_scalars(scalars);
    let element = |x: &Fq2| halo2::Fq2::new(to_halo2(&x.c0), to_halo2(&x.c1));
    let points: Vec<_> =
        points.iter().map(|p| halo2::G2Affine { x: element(&p.x), y: element(&p.y) }).collect();
    Box::new(move |read_them| {
        let products: Vec<halo2::G2> = points.iter().zip(&scalars).map(|(p, s)| p * s).collect();
        let mut affine = vec![halo2::G2Affine::default(); products.len()];
        halo2::G2::batch_normalize(&products, &mut affine);
        let element = |x: &halo2::Fq2| Fq2::new(from_halo2(x.c0()), from_halo2(x.c1()));
        let read = |p: &halo2::G2Affine| G2Affine::new_unchecked(element(&p.x), element(&p.y));
        black_box(&affine);
        affine.iter().filter(|_| read_them).map(read).collect()
    })
}
