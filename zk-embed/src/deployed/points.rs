//! Numbers, and points out of numbers.

use std::collections::HashSet;

use ark_bn254::{Fq, Fq2, G1Affine, G2Affine};
use ark_ff::BigInt;
use ceremony_core::keygen::VerifyingKey;

/// A number below 2^256 in decimal or, after 0x, in hex. Digits may be grouped by `_`.
pub(super) fn number(digits: &str) -> Option<BigInt<4>> {
    // The longest have 78 digits.
    if digits.len() > 128 {
        return None;
    }
    let digits = digits.replace('_', "");
    match digits.strip_prefix("0x") {
        Some(hex) if (1..=64).contains(&hex.len()) => {
            let padded = format!("{hex:0>64}");
            let mut limbs = [0; 4];
            for (i, limb) in limbs.iter_mut().rev().enumerate() {
                *limb = u64::from_str_radix(padded.get(16 * i..16 * i + 16)?, 16).ok()?;
            }
            Some(BigInt(limbs))
        }
        Some(_) => None,
        None if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
        None => None,
    }
}

/// The point of G1 with these coordinates; (0, 0) is infinity.
pub(super) fn g1(x: Fq, y: Fq) -> Option<G1Affine> {
    if x == Fq::from(0_u64) && y == x {
        return Some(G1Affine::identity());
    }
    let point = G1Affine::new_unchecked(x, y);
    point.is_on_curve().then_some(point)
}

/// The point of G2 with these coordinates, whichever of each pair comes first; all 0 is infinity.
pub(super) fn g2(numbers: [Fq; 4]) -> Option<G2Affine> {
    if numbers.iter().all(|number| *number == Fq::from(0_u64)) {
        return Some(G2Affine::identity());
    }
    let [a, b, c, d] = numbers;
    [[a, b, c, d], [b, a, d, c]].into_iter().find_map(|[x0, x1, y0, y1]| {
        let point = G2Affine::new_unchecked(Fq2::new(x0, x1), Fq2::new(y0, y1));
        (point.is_on_curve() && point.is_in_correct_subgroup_assuming_on_curve()).then_some(point)
    })
}

/// Whether these points and numbers are a key's: as many points, alpha and the input points as they
/// are, and beta, gamma and delta as they are or all three negated.
pub(super) fn same(
    g1: &[G1Affine],
    g2: &[G2Affine],
    numbers: &HashSet<Fq>,
    key: &VerifyingKey,
) -> bool {
    let in_g2 = [key.beta_g2, key.gamma_g2, key.delta_g2];
    let has_g1 = |point: &G1Affine| numbers.contains(&point.x) && numbers.contains(&point.y);
    let has_g2 = |point: &G2Affine| {
        [point.x.c0, point.x.c1, point.y.c0, point.y.c1].iter().all(|it| numbers.contains(it))
    };
    g1.len() == key.gamma_abc_g1.len() + 1
        && g2.len() == in_g2.len()
        && key.gamma_abc_g1.iter().chain([&key.alpha_g1]).all(has_g1)
        && (in_g2.iter().all(has_g2) || in_g2.iter().all(|point| has_g2(&-*point)))
}

#[cfg(test)]
mod tests {
    use ark_ff::PrimeField as _;

    use super::*;

    #[test]
    fn a_number_is_read_in_both_bases_and_never_reduced() {
        let q_minus_1 = -Fq::from(1_u64);
        let read = |digits: &str| number(digits).and_then(Fq::from_bigint);
        assert_eq!(read(&q_minus_1.to_string()), Some(q_minus_1));
        let q = "21888242871839275222246405745257275088696311157297823662689037894645226208583";
        assert!(number(q).is_some() && read(q).is_none());
        assert_eq!(read("0x_ff"), Some(Fq::from(255_u64)));
        assert_eq!(read("1_000"), Some(Fq::from(1000_u64)));
        for other in ["0x", "1e30", "0xg", &"9".repeat(79), &format!("0x{}", "1".repeat(65))] {
            assert!(number(other).is_none(), "{other}");
        }
    }
}
