//! Many ratios compared at once: all records of a chain cost one product of pairings.
//!
//! The statement `e(a, Y) = e(b, X)` holds iff `e(a, Y) e(-b, X)` is 1 in a group of order r. Of
//! many such values, each raised to a random exponent of 128 bits that is drawn after all points
//! are fixed, the product is 1 if all are; if one is not, at most one exponent in 2^128 makes it
//! so, whatever the others are. The exponents go to the points of G1, where a multiplication is
//! cheapest, and terms with the same point of G2 are added up before they are paired.
//!
//! A batch says that all statements hold, or nothing: which of them fails is found by asking each
//! one ([`crate::ratio::same_ratio`]).

use std::collections::HashMap;

use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, One};
use bn254_batch::curve::{Bn254, Fr, G1Affine, G1Projective, G2Affine};
use bn254_batch::mul_each;

use crate::entropy::VerifierRng;
use crate::format::record::ProofOfKnowledge;
use crate::ratio::Ratio;

/// Statements that two ratios are the same.
#[derive(Debug, Default)]
pub(crate) struct RatioBatch {
    statements: Vec<(Ratio<G1Affine>, Ratio<G2Affine>)>,
    degenerate: bool,
}

impl RatioBatch {
    /// What [`crate::ratio::same_ratio`] asks.
    pub(crate) fn add(&mut self, in_g1: Ratio<G1Affine>, in_g2: Ratio<G2Affine>) {
        self.degenerate |=
            in_g1.0.is_zero() || in_g1.1.is_zero() || in_g2.0.is_zero() || in_g2.1.is_zero();
        self.statements.push((in_g1, in_g2));
    }

    /// What [`crate::ratio::verify_proof_of_knowledge`] asks.
    pub(crate) fn add_proof(&mut self, proof: &ProofOfKnowledge, r: G2Affine) {
        self.degenerate |= proof.g1_s == proof.g1_sx;
        self.add(Ratio(proof.g1_s, proof.g1_sx), Ratio(r, proof.g2_spx));
    }

    /// Whether all statements hold, but for an error of 2^-128.
    ///
    /// All points must be fixed, and of order r or infinity.
    pub(crate) fn holds(self, rng: &mut VerifierRng) -> bool {
        if self.degenerate {
            return false;
        }
        let exponents = rng.coefficients(self.statements.len());
        let (mut points, mut scalars) = (Vec::new(), Vec::new());
        let (mut places, mut in_g2) = (HashMap::new(), Vec::new());
        let mut terms = Vec::new();
        for ((in_g1, ratio), exponent) in self.statements.iter().zip(exponents) {
            for (point, other) in [(in_g1.0, ratio.1), (-in_g1.1, ratio.0)] {
                points.push(point);
                scalars.push(Fr::from(exponent));
                terms.push(*places.entry(other).or_insert_with(|| {
                    in_g2.push(other);
                    in_g2.len() - 1
                }));
            }
        }
        mul_each(&mut points, &scalars);
        let mut sums = vec![G1Projective::ZERO; in_g2.len()];
        for (point, place) in points.into_iter().zip(terms) {
            sums[place] += point;
        }
        Bn254::multi_pairing(G1Projective::normalize_batch(&sums), in_g2).0.is_one()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ratio::same_ratio;

    fn g1(log: u64) -> G1Affine {
        (G1Affine::generator() * Fr::from(log)).into_affine()
    }

    fn g2(log: u64) -> G2Affine {
        (G2Affine::generator() * Fr::from(log)).into_affine()
    }

    fn all_hold(statements: &[(Ratio<G1Affine>, Ratio<G2Affine>)]) -> bool {
        let mut batch = RatioBatch::default();
        statements.iter().for_each(|(in_g1, in_g2)| batch.add(*in_g1, *in_g2));
        batch.holds(&mut VerifierRng::from_os().unwrap())
    }

    /// x, 2 x, ... of both groups, with points of G2 that occur again.
    fn statements() -> Vec<(Ratio<G1Affine>, Ratio<G2Affine>)> {
        (1..9)
            .map(|i| {
                let x = 3 + i / 3;
                (Ratio(g1(i), g1(i * x)), Ratio(g2(i / 2 + 1), g2((i / 2 + 1) * x)))
            })
            .collect()
    }

    #[test]
    fn statements_that_hold_hold_together() {
        assert!(all_hold(&[]));
        assert!(all_hold(&statements()));
    }

    #[test]
    fn one_wrong_statement_is_enough() {
        for place in 0..statements().len() {
            let mut wrong = statements();
            wrong[place].0.1 = g1(1_000_003);
            assert!(!same_ratio(wrong[place].0, wrong[place].1));
            assert!(!all_hold(&wrong), "{place}");
            let mut wrong = statements();
            wrong[place].1.0 = g2(1_000_003);
            assert!(!all_hold(&wrong), "{place}");
        }
    }

    #[test]
    fn errors_that_cancel_without_exponents_are_found() {
        let (good, error) = (statements(), g1(17));
        let mut wrong = good.clone();
        // Both have the same point of G2 in this place.
        wrong[1].1 = wrong[0].1;
        wrong[1].0 = wrong[0].0;
        assert!(all_hold(&wrong));
        wrong[0].0.0 = (wrong[0].0.0 + error).into_affine();
        wrong[1].0.0 = (wrong[1].0.0 - error).into_affine();
        assert!(!all_hold(&wrong));
    }

    #[test]
    fn infinity_proves_nothing() {
        for place in 0..4 {
            let mut wrong = statements();
            let (in_g1, in_g2) = &mut wrong[3];
            match place {
                0 => in_g1.0 = G1Affine::zero(),
                1 => in_g1.1 = G1Affine::zero(),
                2 => in_g2.0 = G2Affine::zero(),
                _ => in_g2.1 = G2Affine::zero(),
            }
            assert!(!all_hold(&wrong), "{place}");
        }
        let all = Ratio(G1Affine::zero(), G1Affine::zero());
        assert!(!all_hold(&[(all, Ratio(g2(1), g2(2)))]));
    }

    #[test]
    fn a_proof_of_one_is_none() {
        let (s, r) = (g1(5), g2(7));
        let proof = |x: u64| ProofOfKnowledge {
            g1_s: s,
            g1_sx: (s * Fr::from(x)).into_affine(),
            g2_spx: (r * Fr::from(x)).into_affine(),
        };
        let holds = |x| {
            let mut batch = RatioBatch::default();
            batch.add_proof(&proof(x), r);
            batch.holds(&mut VerifierRng::from_os().unwrap())
        };
        assert!(holds(3) && !holds(1));
    }
}
