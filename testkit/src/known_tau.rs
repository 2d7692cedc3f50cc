//! A `.ptau` whose tau, alpha and beta the test knows: every section is a list of scalars times a
//! generator, so that a prepared file of power 16 takes seconds. It has one contribution with a
//! valid record, the step from 1 to those secrets.

use std::io::Cursor;

use ark_ec::scalar_mul::BatchMulPreprocessing;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, PrimeField, batch_inversion};
use bn254_batch::Point;
use bn254_batch::curve::{Fr, G1Affine, G1Projective, G2Affine, G2Projective, root_of_unity};
use ceremony_core::draw::hash_to_g2;
use ceremony_core::entropy::Beacon;
use ceremony_core::format::container::ContainerWriter;
use ceremony_core::format::encoding::{Encoding, encode};
use ceremony_core::format::ptau::{
    AccumulatorHead, Contribution, PTAU, Power, PublicKey, finish_response, write_contributions,
    write_header,
};
use ceremony_core::format::record::{ContributionKind, ContributorName, ProofOfKnowledge};
use ceremony_core::hash::{Blake2b512, Challenge};

/// The secrets of a phase 1.
#[derive(Clone, Copy)]
pub struct Secrets {
    pub tau: Fr,
    pub alpha: Fr,
    pub beta: Fr,
}

/// Secrets that depend on a label alone.
pub fn secrets(label: &str) -> Secrets {
    Secrets {
        tau: scalar(label, "tau"),
        alpha: scalar(label, "alpha"),
        beta: scalar(label, "beta"),
    }
}

/// A scalar that depends on two labels alone.
pub fn scalar(label: &str, name: &str) -> Fr {
    Fr::from_le_bytes_mod_order(&Blake2b512::digest(&[label.as_bytes(), b"/", name.as_bytes()]))
}

/// What the contribution record says of its origin.
pub fn participant() -> ContributionKind {
    ContributionKind::Contribution
}

/// A record that calls itself a beacon.
pub fn beacon() -> ContributionKind {
    ContributionKind::Beacon(Beacon::new(&[7; 32], 10).unwrap())
}

/// `[s]` for each scalar.
pub fn times_g1(scalars: &[Fr]) -> Vec<G1Affine> {
    BatchMulPreprocessing::new(G1Projective::from(G1Affine::generator()), scalars.len())
        .batch_mul(scalars)
}

/// `[s]` for each scalar, in G2.
pub fn times_g2(scalars: &[Fr]) -> Vec<G2Affine> {
    BatchMulPreprocessing::new(G2Projective::from(G2Affine::generator()), scalars.len())
        .batch_mul(scalars)
}

fn powers(base: Fr, factor: Fr, n: usize) -> Vec<Fr> {
    std::iter::successors(Some(factor), |p| Some(*p * base)).take(n).collect()
}

/// L_i(tau) for the domain of 2^k points: omega^i (tau^n - 1) / (n (tau - omega^i)).
pub fn lagrange(tau: Fr, k: u32) -> Vec<Fr> {
    let n = 1u64 << k;
    let roots = powers(root_of_unity(k).unwrap(), Fr::ONE, n as usize);
    let scale = (tau.pow([n]) - Fr::ONE) / Fr::from(n);
    let mut values: Vec<Fr> = roots.iter().map(|root| tau - root).collect();
    batch_inversion(&mut values);
    values.iter().zip(&roots).map(|(value, root)| scale * root * value).collect()
}

/// The last level of section 12: as [`lagrange`], without the term of tau^(n-1), which the file
/// does not have.
fn lagrange_without_last(tau: Fr, k: u32) -> Vec<Fr> {
    let n = 1u64 << k;
    let omega = root_of_unity(k).unwrap();
    let missing = tau.pow([n - 1]) / Fr::from(n);
    let factors = powers(omega.inverse().unwrap().pow([n - 1]), missing, n as usize);
    lagrange(tau, k).into_iter().zip(factors).map(|(l, m)| l - m).collect()
}

/// A prepared `.ptau` of `power`, with one record of the given kind.
pub fn prepared(power: u32, secrets: Secrets, kind: ContributionKind) -> Vec<u8> {
    build(power, secrets, kind, Preparation::Levels(0, power + 1))
}

/// The same for circuits of one level: the Lagrange bases of other levels are generators, and cost
/// nothing.
pub fn prepared_for(level: u32, power: u32, secrets: Secrets) -> Vec<u8> {
    build(power, secrets, participant(), Preparation::Levels(level, level + 1))
}

/// The same without sections 12 to 15.
pub fn unprepared(power: u32, secrets: Secrets) -> Vec<u8> {
    build(power, secrets, participant(), Preparation::None)
}

/// A `.ptau` of the right structure with generators for Lagrange bases, for tests that are refused
/// before these are read.
pub fn hollow(power: u32, secrets: Secrets) -> Vec<u8> {
    build(power, secrets, participant(), Preparation::Hollow)
}

#[derive(PartialEq, Eq)]
enum Preparation {
    None,
    Hollow,
    /// The bases from the first level to the second.
    Levels(u32, u32),
}

fn build(
    power: u32,
    secrets: Secrets,
    kind: ContributionKind,
    preparation: Preparation,
) -> Vec<u8> {
    super::choose_arithmetic();
    let Secrets { tau, alpha, beta } = secrets;
    let n = 1usize << power;
    let tau_powers = powers(tau, Fr::ONE, 2 * n - 1);
    let accumulator = Accumulator {
        tau_g1: times_g1(&tau_powers),
        tau_g2: times_g2(&tau_powers[..n]),
        alpha_g1: times_g1(&powers(tau, alpha, n)),
        beta_g1: times_g1(&powers(tau, beta, n)),
        beta_g2: times_g2(&[beta])[0],
    };
    let record = record(power, secrets, &accumulator, kind);

    let sections = if preparation == Preparation::None { 7 } else { 11 };
    let mut out = ContainerWriter::new(Cursor::new(Vec::new()), PTAU, sections).unwrap();
    let power = Power::new(power).unwrap();
    write_header(&mut out, power, power).unwrap();
    let section = |id: u32, bytes: Vec<u8>, out: &mut ContainerWriter<_>| {
        out.begin(id).unwrap();
        out.write(&bytes).unwrap();
        out.end().unwrap();
    };
    section(2, lem(&accumulator.tau_g1), &mut out);
    section(3, lem(&accumulator.tau_g2), &mut out);
    section(4, lem(&accumulator.alpha_g1), &mut out);
    section(5, lem(&accumulator.beta_g1), &mut out);
    section(6, lem(&[accumulator.beta_g2]), &mut out);
    write_contributions(&mut out, &[record]).unwrap();
    let k = power.exponent();
    match preparation {
        Preparation::None => {}
        Preparation::Hollow => {
            section(12, lem(&vec![G1Affine::generator(); 4 * n - 1]), &mut out);
            section(13, lem(&vec![G2Affine::generator(); 2 * n - 1]), &mut out);
            section(14, lem(&vec![G1Affine::generator(); 2 * n - 1]), &mut out);
            section(15, lem(&vec![G1Affine::generator(); 2 * n - 1]), &mut out);
        }
        Preparation::Levels(from, to) => {
            let basis = |level: u32| match level {
                _ if !(from..=to).contains(&level) => Basis::Generators(1 << level),
                last if last == k + 1 => Basis::Scalars(lagrange_without_last(tau, last)),
                level => Basis::Scalars(lagrange(tau, level)),
            };
            let mut levels: Vec<Basis> = (0..=k + 1).map(basis).collect();
            section(12, bases(&levels, Fr::ONE, times_g1), &mut out);
            levels.pop();
            section(13, bases(&levels, Fr::ONE, times_g2), &mut out);
            section(14, bases(&levels, alpha, times_g1), &mut out);
            section(15, bases(&levels, beta, times_g1), &mut out);
        }
    }
    out.finish().unwrap().into_inner()
}

/// The points of one level of a Lagrange section.
enum Basis {
    Generators(usize),
    Scalars(Vec<Fr>),
}

/// A Lagrange section: all levels, times a factor.
fn bases<P: Point>(levels: &[Basis], factor: Fr, times: fn(&[Fr]) -> Vec<P>) -> Vec<u8> {
    let scalars = levels.iter().flat_map(|basis| match basis {
        Basis::Generators(_) => [].iter(),
        Basis::Scalars(scalars) => scalars.iter(),
    });
    let mut points = times(&scalars.map(|l| factor * l).collect::<Vec<_>>()).into_iter();
    let all = levels.iter().flat_map(|basis| match basis {
        Basis::Generators(size) => vec![P::generator(); *size],
        Basis::Scalars(scalars) => points.by_ref().take(scalars.len()).collect(),
    });
    lem(&all.collect::<Vec<P>>())
}

struct Accumulator {
    tau_g1: Vec<G1Affine>,
    tau_g2: Vec<G2Affine>,
    alpha_g1: Vec<G1Affine>,
    beta_g1: Vec<G1Affine>,
    beta_g2: G2Affine,
}

impl Accumulator {
    fn hash(&self, hash: &mut Blake2b512, encoding: Encoding) {
        hash.update(&encode(&self.tau_g1, encoding));
        hash.update(&encode(&self.tau_g2, encoding));
        hash.update(&encode(&self.alpha_g1, encoding));
        hash.update(&encode(&self.beta_g1, encoding));
        hash.update(&encode(&[self.beta_g2], encoding));
    }
}

/// The record of the step from all generators to the secrets.
fn record(
    power: u32,
    secrets: Secrets,
    after: &Accumulator,
    kind: ContributionKind,
) -> Contribution {
    let n = 1usize << power;
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    let initial = Accumulator {
        tau_g1: vec![g1; 2 * n - 1],
        tau_g2: vec![g2; n],
        alpha_g1: vec![g1; n],
        beta_g1: vec![g1; n],
        beta_g2: g2,
    };
    let mut challenge = Blake2b512::new();
    challenge.update(&Blake2b512::digest(&[]));
    initial.hash(&mut challenge, Encoding::Uncompressed);
    let challenge = challenge.finish();

    let proof = |personalisation: u8, secret: Fr| {
        let g1_s = (g1 * scalar("proof", &personalisation.to_string())).into_affine();
        let g1_sx = (g1_s * secret).into_affine();
        let hash = Blake2b512::digest(&[
            &[personalisation],
            &challenge,
            &encode(&[g1_s, g1_sx], Encoding::Uncompressed),
        ]);
        ProofOfKnowledge { g1_s, g1_sx, g2_spx: (hash_to_g2(&hash) * secret).into_affine() }
    };
    let public_key = PublicKey {
        tau: proof(0, secrets.tau),
        alpha: proof(1, secrets.alpha),
        beta: proof(2, secrets.beta),
    };
    let key_points = AccumulatorHead {
        tau_g1: after.tau_g1[1],
        tau_g2: after.tau_g2[1],
        alpha_g1: after.alpha_g1[0],
        beta_g1: after.beta_g1[0],
        beta_g2: after.beta_g2,
    };
    let mut response = Blake2b512::new();
    response.update(&challenge);
    after.hash(&mut response, Encoding::Compressed);
    let mut next = Blake2b512::new();
    next.update(&finish_response(response.clone(), &public_key).0);
    after.hash(&mut next, Encoding::Uncompressed);
    Contribution::new(
        key_points,
        public_key,
        &response,
        Challenge(next.finish()),
        kind,
        Some(ContributorName::new("known tau")),
    )
}

fn lem<P: Point>(points: &[P]) -> Vec<u8> {
    encode(points, Encoding::Montgomery)
}
