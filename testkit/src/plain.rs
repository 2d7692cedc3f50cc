//! The ratio and membership checks of one contribution as one would write them with arkworks: a
//! subgroup check for each point, and two sums with 128-bit coefficients for each of the four
//! sections.

use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{PrimeField, UniformRand};
use bn254_batch::curve::{Fr, G1Affine, G1Projective, G2Affine, G2Projective, pairings_agree};
use rayon::prelude::*;

/// Whether all points are in their groups and every section is a run of powers of tau.
pub fn verify(
    tau_g1: &[G1Affine],
    tau_g2: &[G2Affine],
    alpha: &[G1Affine],
    beta: &[G1Affine],
) -> bool {
    let mut rng = ark_std::test_rng();
    let member =
        tau_g2.par_iter().all(|p| p.is_on_curve() && p.is_in_correct_subgroup_assuming_on_curve())
            && [tau_g1, alpha, beta].iter().all(|s| s.par_iter().all(|p| p.is_on_curve()));
    let coefficients: Vec<_> =
        (0..tau_g1.len()).map(|_| Fr::from(u128::rand(&mut rng)).into_bigint()).collect();
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    let g1_holds = [tau_g1, alpha, beta].iter().all(|s| {
        let n = s.len() - 1;
        let a = G1Projective::msm_bigint(&s[..n], &coefficients[..n]).into_affine();
        let b = G1Projective::msm_bigint(&s[1..], &coefficients[..n]).into_affine();
        pairings_agree(a, tau_g2[1], b, g2)
    });
    let n = tau_g2.len() - 1;
    let a = G2Projective::msm_bigint(&tau_g2[..n], &coefficients[..n]).into_affine();
    let b = G2Projective::msm_bigint(&tau_g2[1..], &coefficients[..n]).into_affine();
    member && g1_holds && pairings_agree(tau_g1[1], a, g1, b)
}
