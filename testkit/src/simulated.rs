//! Proofs without a circuit: who knows the secrets of a key makes a proof of anything.

use ark_bn254::{Bn254, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr as _, CurveGroup as _};
use ark_ff::{Field as _, PrimeField as _};
use ceremony_core::proofs::Claim;
use sha2::{Digest as _, Sha512};

/// The secrets of a key.
pub struct Trapdoor {
    alpha: Fr,
    beta: Fr,
    gamma: Fr,
    delta: Fr,
    ic: Vec<Fr>,
    drawn: Drawn,
}

/// Scalars that look random, and are the same for the same seed.
struct Drawn(u8, u64);

impl Drawn {
    fn next(&mut self) -> Fr {
        self.1 += 1;
        let hash = Sha512::new().chain_update([self.0]).chain_update(self.1.to_le_bytes());
        Fr::from_le_bytes_mod_order(&hash.finalize())
    }
}

fn g1(x: Fr) -> G1Affine {
    (G1Affine::generator() * x).into_affine()
}

fn g2(x: Fr) -> G2Affine {
    (G2Affine::generator() * x).into_affine()
}

impl Trapdoor {
    /// Of a key with so many public inputs; the same for the same seed.
    pub fn new(seed: u8, inputs: usize) -> Self {
        let mut drawn = Drawn(seed, 0);
        let [alpha, beta, delta] = [(); 3].map(|()| drawn.next());
        let ic = (0..=inputs).map(|_| drawn.next()).collect();
        // What ceremonies make has gamma = 1.
        Self { alpha, beta, gamma: Fr::from(1u64), delta, ic, drawn }
    }

    pub fn key(&self) -> ark_groth16::VerifyingKey<Bn254> {
        ark_groth16::VerifyingKey {
            alpha_g1: g1(self.alpha),
            beta_g2: g2(self.beta),
            gamma_g2: g2(self.gamma),
            delta_g2: g2(self.delta),
            gamma_abc_g1: self.ic.iter().map(|x| g1(*x)).collect(),
        }
    }

    /// A proof of random inputs, which holds.
    pub fn claim(&mut self) -> Claim {
        let [a, b] = [(); 2].map(|()| self.drawn.next());
        let inputs: Vec<Fr> = self.ic[1..].iter().map(|_| self.drawn.next()).collect();
        let l = self.ic[0] + inputs.iter().zip(&self.ic[1..]).map(|(x, ic)| *x * ic).sum::<Fr>();
        let c = (a * b - self.alpha * self.beta - self.gamma * l)
            * self.delta.inverse().expect("not zero");
        Claim { proof: ark_groth16::Proof { a: g1(a), b: g2(b), c: g1(c) }, inputs }
    }
}
