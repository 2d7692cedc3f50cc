//! Points out of numbers.

use ark_bn254::{Bn254, Fq, Fq2, G1Affine, G2Affine};
use ark_groth16::VerifyingKey;

/// The point of G1 with these coordinates.
pub(super) fn g1(x: Fq, y: Fq) -> Option<G1Affine> {
    let point = G1Affine::new_unchecked(x, y);
    point.is_on_curve().then_some(point)
}

/// The point of G2 with these coordinates, whichever of each pair comes first.
pub(super) fn g2(numbers: [Fq; 4]) -> Option<G2Affine> {
    let [a, b, c, d] = numbers;
    [[a, b, c, d], [b, a, d, c]].into_iter().find_map(|[x0, x1, y0, y1]| {
        let point = G2Affine::new_unchecked(Fq2::new(x0, x1), Fq2::new(y0, y1));
        (point.is_on_curve() && point.is_in_correct_subgroup_assuming_on_curve()).then_some(point)
    })
}

/// Whether these points are a key's, all of them and no others, each up to its sign.
pub(super) fn same(g1: &[G1Affine], g2: &[G2Affine], key: &VerifyingKey<Bn254>) -> bool {
    let in_g2 = [key.beta_g2, key.gamma_g2, key.delta_g2];
    let in_g1: Vec<_> = key.gamma_abc_g1.iter().chain([&key.alpha_g1]).copied().collect();
    g1.len() == in_g1.len()
        && g2.len() == in_g2.len()
        && in_g1.iter().all(|point| g1.contains(point) || g1.contains(&-*point))
        && in_g2.iter().all(|point| g2.contains(point) || g2.contains(&-*point))
}
