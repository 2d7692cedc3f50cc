//! The secrets of one contribution, and the public points that go with them.

use bn254_batch::Point;
use bn254_batch::curve::{Fr, G1Affine};
use bn254_batch::{geometric, mul_each};
use zeroize::Zeroizing;

use super::{Part, SecretName, pok_base_point};
use crate::entropy::{ContributionRng, Secret};
use crate::format::ptau::{AccumulatorHead, PublicKey};
use crate::format::record::ProofOfKnowledge;
use crate::hash::Challenge;
use crate::ratio::Ratio;

/// What a contribution is made from: the three secrets, which it consumes, and the public points
/// that go with them.
pub(crate) struct TauSecrets {
    tau: Secret,
    alpha: Secret,
    beta: Secret,
    s: [G1Affine; 3],
}

impl TauSecrets {
    /// Draws tau, alpha, beta, then a point for each.
    pub(crate) fn draw(rng: ContributionRng) -> Self {
        let mut rng = rng.generator();
        let (tau, alpha, beta) = (rng.secret(), rng.secret(), rng.secret());
        Self { tau, alpha, beta, s: std::array::from_fn(|_| rng.g1()) }
    }

    /// What the proofs of knowledge hold that does not depend on a challenge: s and s x of each
    /// secret x.
    pub(crate) fn opening(&self) -> [[G1Affine; 2]; 3] {
        let pair = |name: SecretName, secret: &Secret| {
            let s = self.s[name as usize];
            [s, times(s, secret)]
        };
        [
            pair(SecretName::Tau, &self.tau),
            pair(SecretName::Alpha, &self.alpha),
            pair(SecretName::Beta, &self.beta),
        ]
    }

    /// The proofs of knowledge that answer `challenge`.
    pub(super) fn public_key(&self, challenge: &Challenge) -> PublicKey {
        let proof = |name: SecretName, secret: &Secret| {
            let g1_s = self.s[name as usize];
            let g1_sx = times(g1_s, secret);
            ProofOfKnowledge {
                g1_s,
                g1_sx,
                g2_spx: times(pok_base_point(name, challenge, Ratio(g1_s, g1_sx)), secret),
            }
        };
        let (tau, (alpha, beta)) = rayon::join(
            || proof(SecretName::Tau, &self.tau),
            || {
                rayon::join(
                    || proof(SecretName::Alpha, &self.alpha),
                    || proof(SecretName::Beta, &self.beta),
                )
            },
        );
        PublicKey { tau, alpha, beta }
    }

    /// The key points after this contribution.
    pub(super) fn key_points(&self, before: &AccumulatorHead) -> AccumulatorHead {
        AccumulatorHead {
            tau_g1: times(before.tau_g1, &self.tau),
            tau_g2: times(before.tau_g2, &self.tau),
            alpha_g1: times(before.alpha_g1, &self.alpha),
            beta_g1: times(before.beta_g1, &self.beta),
            beta_g2: times(before.beta_g2, &self.beta),
        }
    }

    /// What the entries `start..start + len` of a part are multiplied by: c tau^i, with c = 1,
    /// alpha or beta.
    pub(super) fn factors(&self, part: Part, start: u64, len: usize) -> Zeroizing<Vec<Fr>> {
        let power = self.tau.power(start);
        let first = match part {
            Part::TauG1 | Part::TauG2 => power,
            Part::AlphaTauG1 => power.times(&self.alpha),
            Part::BetaTauG1 | Part::BetaG2 => power.times(&self.beta),
        };
        Zeroizing::new(geometric(first.expose(), self.tau.expose(), len))
    }
}

fn times<P: Point>(point: P, secret: &Secret) -> P {
    let mut points = [point];
    mul_each(&mut points, std::slice::from_ref(secret.expose()));
    points[0]
}
