//! A powers-of-tau file as plain vectors: made, altered and written by code of its own, so that the
//! library is not judged by itself.

use std::io::Cursor;

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::Field;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use bn254_batch::Point;
use bn254_batch::curve::{AffinePoint, Fq, Fq2, Fr, G1Affine, G2Affine};
use ceremony_core::draw::hash_to_g2;
use ceremony_core::entropy::{Beacon, ContributionRng};
use ceremony_core::format::container::ContainerWriter;
use ceremony_core::format::encoding::{Encoding, encode};
use ceremony_core::format::ptau::{
    AccumulatorHead, Contribution, PTAU, Power, PublicKey, finish_response, write_contributions,
    write_header,
};
use ceremony_core::format::record::{ContributionKind, ContributorName, ProofOfKnowledge};
use ceremony_core::hash::{Blake2b512, Challenge, ResponseHash};
use ceremony_core::phase1::contribute::apply_beacon;
use ceremony_core::progress::NoProgress;

/// The Lagrange sections, level after level.
#[derive(Clone, Default)]
pub struct Lagrange {
    pub tau_g1: Vec<G1Affine>,
    pub tau_g2: Vec<G2Affine>,
    pub alpha_tau_g1: Vec<G1Affine>,
    pub beta_tau_g1: Vec<G1Affine>,
}

/// A `.ptau` in memory.
#[derive(Clone)]
pub struct Model {
    pub power: u32,
    pub ceremony_power: u32,
    pub tau_g1: Vec<G1Affine>,
    pub tau_g2: Vec<G2Affine>,
    pub alpha_tau_g1: Vec<G1Affine>,
    pub beta_tau_g1: Vec<G1Affine>,
    pub beta_g2: Vec<G2Affine>,
    pub records: Vec<Contribution>,
    pub lagrange: Option<Lagrange>,
}

/// The secrets of a contribution, and the logarithms of its three points s.
#[derive(Clone, Copy)]
pub struct Secrets {
    pub tau: Fr,
    pub alpha: Fr,
    pub beta: Fr,
    pub s: [Fr; 3],
}

impl Secrets {
    /// Different ones for different seeds.
    pub fn of(seed: u64) -> Self {
        let scalar =
            |i: u64| (Fr::from(seed) * Fr::from(1_000_003u64) + Fr::from(7 * i + 11)).square();
        Self {
            tau: scalar(1),
            alpha: scalar(2),
            beta: scalar(3),
            s: [scalar(4), scalar(5), scalar(6)],
        }
    }
}

fn times<P: Point<Group: CurveGroup<Affine = P>>>(p: P, k: Fr) -> P {
    (p.into_group() * k).into_affine()
}

/// The public key of the three secrets with the three points s, for a challenge.
fn public_key(secrets: [Fr; 3], s: [G1Affine; 3], challenge: &Challenge) -> PublicKey {
    let proof = |name: usize| {
        let (g1_s, g1_sx) = (s[name], times(s[name], secrets[name]));
        let r = hash_to_g2(&Blake2b512::digest(&[
            &[name as u8],
            &challenge.0,
            &encode(&[g1_s, g1_sx], Encoding::Uncompressed),
        ]));
        ProofOfKnowledge { g1_s, g1_sx, g2_spx: times(r, secrets[name]) }
    };
    PublicKey { tau: proof(0), alpha: proof(1), beta: proof(2) }
}

impl Model {
    /// tau = alpha = beta = 1.
    pub fn new(power: u32) -> Self {
        super::choose_arithmetic();
        let n = 1 << power;
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        Self {
            power,
            ceremony_power: power,
            tau_g1: vec![g1; 2 * n - 1],
            tau_g2: vec![g2; n],
            alpha_tau_g1: vec![g1; n],
            beta_tau_g1: vec![g1; n],
            beta_g2: vec![g2],
            records: Vec::new(),
            lagrange: None,
        }
    }

    /// A file with `count` honest contributions.
    pub fn with_contributions(power: u32, count: u64) -> Self {
        let mut model = Self::new(power);
        for seed in 0..count {
            model.contribute(Secrets::of(seed));
        }
        model
    }

    /// The response hash and challenge that the next contribution answers.
    pub fn link(&self) -> (ResponseHash, Challenge) {
        match self.records.last() {
            Some(last) => (last.response_hash(), last.next_challenge),
            None => {
                let blank = ResponseHash(Blake2b512::digest(&[]));
                (blank, Model::new(self.power).challenge(&blank))
            }
        }
    }

    fn hash_sections(&self, hash: &mut Blake2b512, encoding: Encoding) {
        hash.update(&encode(&self.tau_g1, encoding));
        hash.update(&encode(&self.tau_g2, encoding));
        hash.update(&encode(&self.alpha_tau_g1, encoding));
        hash.update(&encode(&self.beta_tau_g1, encoding));
        hash.update(&encode(&self.beta_g2, encoding));
    }

    fn challenge(&self, response: &ResponseHash) -> Challenge {
        let mut hash = Blake2b512::new();
        hash.update(&response.0);
        self.hash_sections(&mut hash, Encoding::Uncompressed);
        Challenge(hash.finish())
    }

    /// An honest contribution.
    pub fn contribute(&mut self, secrets: Secrets) {
        self.contribute_forged(secrets, ContributionKind::Contribution, |_, _| {});
    }

    /// A contribution whose key points and public key are changed by `forge` before everything is
    /// hashed.
    pub fn contribute_forged(
        &mut self,
        x: Secrets,
        kind: ContributionKind,
        forge: impl FnOnce(&mut AccumulatorHead, &mut PublicKey),
    ) {
        let (_, challenge) = self.link();
        let s = x.s.map(|s| times(G1Affine::generator(), s));
        let mut public_key = public_key([x.tau, x.alpha, x.beta], s, &challenge);
        let power_of_tau = |i: usize| x.tau.pow([i as u64]);
        self.tau_g1.iter_mut().enumerate().for_each(|(i, p)| *p = times(*p, power_of_tau(i)));
        self.tau_g2.iter_mut().enumerate().for_each(|(i, p)| *p = times(*p, power_of_tau(i)));
        self.alpha_tau_g1
            .iter_mut()
            .enumerate()
            .for_each(|(i, p)| *p = times(*p, x.alpha * power_of_tau(i)));
        self.beta_tau_g1
            .iter_mut()
            .enumerate()
            .for_each(|(i, p)| *p = times(*p, x.beta * power_of_tau(i)));
        self.beta_g2[0] = times(self.beta_g2[0], x.beta);
        let mut key_points = self.key_points();
        forge(&mut key_points, &mut public_key);
        self.push_record(challenge, key_points, public_key, kind);
    }

    fn key_points(&self) -> AccumulatorHead {
        AccumulatorHead {
            tau_g1: self.tau_g1[1],
            tau_g2: self.tau_g2[1],
            alpha_g1: self.alpha_tau_g1[0],
            beta_g1: self.beta_tau_g1[0],
            beta_g2: self.beta_g2[0],
        }
    }

    fn push_record(
        &mut self,
        challenge: Challenge,
        key_points: AccumulatorHead,
        public_key: PublicKey,
        kind: ContributionKind,
    ) {
        let mut response = Blake2b512::new();
        response.update(&challenge.0);
        self.hash_sections(&mut response, Encoding::Compressed);
        let next = self.challenge(&finish_response(response.clone(), &public_key));
        let name = Some(ContributorName::new(&format!("participant {}", self.records.len() + 1)));
        self.records.push(Contribution::new(key_points, public_key, &response, next, kind, name));
    }

    /// Makes the last record's hashes those of the points as they are now: how an attacker hides an
    /// alteration.
    pub fn rehash_last(&mut self) {
        let last = self.records.pop().unwrap();
        let (_, challenge) = self.link();
        self.push_record(challenge, last.key_points, last.public_key, last.kind);
    }

    /// Takes the last record's key points from the sections, so that only ratios can betray an
    /// alteration.
    pub fn retake_key_points(&mut self) {
        self.records.last_mut().unwrap().key_points = self.key_points();
        self.rehash_last();
    }

    /// An honest beacon, made by the library.
    pub fn beacon(&mut self, value: &[u8]) {
        let beacon = Beacon::new(value, 10).unwrap();
        let mut out = Cursor::new(Vec::new());
        apply_beacon(&mut self.open(), &mut out, beacon, None, &NoProgress).unwrap();
        *self = Self::read(out.into_inner());
    }

    /// A beacon on whatever is there, even on a new file, which the library refuses to make.
    pub fn beacon_even_if_first(&mut self, value: &[u8]) {
        let beacon = Beacon::new(value, 10).unwrap();
        let ([tau, alpha, beta], s) = beacon_secrets(&beacon);
        let (_, challenge) = self.link();
        let key = public_key([tau, alpha, beta], s, &challenge);
        self.contribute_forged(
            Secrets { tau, alpha, beta, s: [Fr::ONE; 3] },
            ContributionKind::Beacon(beacon),
            |_, k| *k = key,
        );
    }

    /// Lagrange sections by arkworks' FFT.
    pub fn prepare(&mut self) {
        fn levels<P: Point<Group: CurveGroup<Affine = P>>>(powers: &[P], last: u32) -> Vec<P> {
            let mut out = Vec::new();
            for level in 0..=last {
                let n = 1 << level;
                let mut values: Vec<P::Group> =
                    (0..n).map(|i| powers.get(i).map_or(P::zero(), |p| *p).into_group()).collect();
                Radix2EvaluationDomain::<Fr>::new(n).unwrap().ifft_in_place(&mut values);
                out.extend(P::Group::normalize_batch(&values));
            }
            out
        }
        self.lagrange = Some(Lagrange {
            tau_g1: levels(&self.tau_g1, self.power + 1),
            tau_g2: levels(&self.tau_g2, self.power),
            alpha_tau_g1: levels(&self.alpha_tau_g1, self.power),
            beta_tau_g1: levels(&self.beta_tau_g1, self.power),
        });
    }

    /// Cuts the points down to a smaller power, as for a reduced file.
    pub fn truncate(&mut self, power: u32) {
        let n = 1 << power;
        self.power = power;
        self.tau_g1.truncate(2 * n - 1);
        self.tau_g2.truncate(n);
        self.alpha_tau_g1.truncate(n);
        self.beta_tau_g1.truncate(n);
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let sections = if self.lagrange.is_some() { 11 } else { 7 };
        let mut out = ContainerWriter::new(Cursor::new(Vec::new()), PTAU, sections).unwrap();
        write_header(
            &mut out,
            Power::new(self.power).unwrap(),
            Power::new(self.ceremony_power).unwrap(),
        )
        .unwrap();
        let mut section = |id: u32, bytes: Vec<u8>| {
            out.begin(id).unwrap();
            out.write(&bytes).unwrap();
            out.end().unwrap();
        };
        let lem = Encoding::Montgomery;
        section(2, encode(&self.tau_g1, lem));
        section(3, encode(&self.tau_g2, lem));
        section(4, encode(&self.alpha_tau_g1, lem));
        section(5, encode(&self.beta_tau_g1, lem));
        section(6, encode(&self.beta_g2, lem));
        if let Some(lagrange) = &self.lagrange {
            section(12, encode(&lagrange.tau_g1, lem));
            section(13, encode(&lagrange.tau_g2, lem));
            section(14, encode(&lagrange.alpha_tau_g1, lem));
            section(15, encode(&lagrange.beta_tau_g1, lem));
        }
        write_contributions(&mut out, &self.records).unwrap();
        out.finish().unwrap().into_inner()
    }

    /// The file, opened by the library.
    pub fn open(&self) -> ceremony_core::format::ptau::Ptau<Cursor<Vec<u8>>> {
        ceremony_core::format::ptau::Ptau::open(Cursor::new(self.bytes())).unwrap()
    }

    /// A model of an unprepared file.
    pub fn read(bytes: Vec<u8>) -> Self {
        use ceremony_core::entropy::VerifierRng;
        let mut ptau = ceremony_core::format::ptau::Ptau::open(Cursor::new(bytes)).unwrap();
        let (layout, mut rng) = (ptau.accumulator(), VerifierRng::from_os().unwrap());
        let (power, ceremony_power) = (ptau.power().exponent(), ptau.ceremony_power().exponent());
        let records = ptau.contributions().to_vec();
        let source = ptau.source();
        Self {
            power,
            ceremony_power,
            tau_g1: layout.tau_g1.read(source, &mut rng, 0, layout.tau_g1.len as usize).unwrap(),
            tau_g2: layout.tau_g2.read(source, &mut rng, 0, layout.tau_g2.len as usize).unwrap(),
            alpha_tau_g1: layout
                .alpha_tau_g1
                .read(source, &mut rng, 0, layout.alpha_tau_g1.len as usize)
                .unwrap(),
            beta_tau_g1: layout
                .beta_tau_g1
                .read(source, &mut rng, 0, layout.beta_tau_g1.len as usize)
                .unwrap(),
            beta_g2: layout.beta_g2.read(source, &mut rng, 0, 1).unwrap(),
            records,
            lagrange: None,
        }
    }
}

/// tau, alpha, beta and the three points s that a beacon gives: SHA-256 iterated, ChaCha20 keyed by
/// it, draws as in docs/formats.md, section 3.
fn beacon_secrets(beacon: &Beacon) -> ([Fr; 3], [G1Affine; 3]) {
    use ark_ff::{BigInt, PrimeField};
    use bn254_batch::curve::Fq;
    use chacha20::ChaCha20Rng;
    use chacha20::rand_core::{Rng, SeedableRng};
    use sha2::{Digest, Sha256};
    let mut hash = beacon.value().to_vec();
    for _ in 0..1u64 << beacon.exponent() {
        hash = Sha256::digest(&hash).to_vec();
    }
    let seed: Vec<u8> = hash.chunks(4).flat_map(|word| word.iter().rev().copied()).collect();
    let mut rng = ChaCha20Rng::from_seed(seed.try_into().unwrap());
    fn draw(rng: &mut ChaCha20Rng, modulus: BigInt<4>) -> BigInt<4> {
        loop {
            let mut limbs: [u64; 4] = std::array::from_fn(|_| {
                let high = u64::from(rng.next_u32());
                high << 32 | u64::from(rng.next_u32())
            });
            limbs[3] &= u64::MAX >> 2;
            if BigInt(limbs) < modulus {
                return BigInt(limbs);
            }
        }
    }
    let secrets = std::array::from_fn(|_| Fr::new_unchecked(draw(&mut rng, Fr::MODULUS)));
    let points = std::array::from_fn(|_| {
        loop {
            let x = Fq::new_unchecked(draw(&mut rng, Fq::MODULUS));
            let greatest = rng.next_u32() & 1 == 1;
            if let Some(point) = G1Affine::get_point_from_x_unchecked(x, greatest) {
                return point;
            }
        }
    });
    (secrets, points)
}

/// A generator for contributions whose secrets do not matter.
pub fn any_rng() -> ContributionRng {
    ContributionRng::from_os_and_text(b"test").unwrap()
}

/// A point on G2's curve and outside its subgroup.
pub fn outside_the_subgroup() -> G2Affine {
    (1u64..)
        .filter_map(|x| {
            G2Affine::get_point_from_x_unchecked(Fq2::new(Fq::from(x), Fq::from(0u64)), false)
        })
        .find(|p| !AffinePoint::in_subgroup(p))
        .unwrap()
}
