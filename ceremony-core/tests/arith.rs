//! Both back ends against arkworks.
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::PrimeField;
use ceremony_core::arith::ifma::Ifma;
use ceremony_core::curve::{Fr, G1Affine, G2Affine, Point};

struct Random(u64);
impl Random {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn scalar(&mut self) -> Fr {
        let bytes: Vec<u8> = (0..6).flat_map(|_| self.word().to_le_bytes()).collect();
        Fr::from_le_bytes_mod_order(&bytes)
    }
}

fn points<P: Point>(n: usize, random: &mut Random) -> Vec<P> {
    let mut p = P::generator() * random.scalar();
    let step = P::generator() * random.scalar();
    let all: Vec<P::Group> = (0..n).map(|_| { p += step; p }).collect();
    P::Group::normalize_batch(&all)
}

fn check<P: Point>(n: usize) {
    let mut random = Random(1);
    let ps = points::<P>(n, &mut random);
    let ss: Vec<Fr> = (0..n).map(|_| random.scalar()).collect();
    let mut out = ps.clone();
    Ifma::detect().unwrap().mul_each(&mut out, &ss);
    let mut bad = 0;
    for i in 0..n {
        let e = (ps[i] * ss[i]).into_affine();
        if e != out[i] { bad += 1; }
    }
    assert_eq!(bad, 0);
    let n = 1 << 14;
    let mut ps = points::<P>(n, &mut random);
    let ss: Vec<Fr> = (0..n).map(|_| random.scalar()).collect();
    let t = std::time::Instant::now();
    rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(|| Ifma::detect().unwrap().mul_each(&mut ps, &ss));
    println!("{} ns/pt ifma", t.elapsed().as_nanos() / n as u128);
    let t = std::time::Instant::now();
    for i in 0..500 { ps[i] = (ps[i] * ss[i]).into_affine(); }
    println!("{} ns/pt ark", t.elapsed().as_nanos() / 500 as u128);
}

#[test]
fn g1() { check::<G1Affine>(100); }
#[test]
fn g2() { check::<G2Affine>(100); }
