//! The one question that every verification asks: do two pairs of points have the same ratio?
//!
//! - [`same_ratio`]: b = x a and y = x X for one x, that is e(a, y) = e(b, X).
//! - [`verify_proof_of_knowledge`]: the author of `(s, s x, x R)` knew x, for an R that was not
//!   known before s and s x were fixed (BGM17, section 5).
//! - [`Successors`]: P_(i+1) = x P_i for all i of long runs of points, by random combinations.
//!
//! The combinations have coefficients of 128 bits from the OS. If one of the n equations is wrong,
//! its term is a non-zero group element times a coefficient, and for any choice of the other
//! coefficients at most one value of this one makes the sum vanish (the group's order is above
//! 2^128): the combination is wrong too, but for an error of 2^-128. [`Successors`] has a
//! coefficient for each row of steps instead of each step, and the argument of
//! [`bn254_batch::StrideSums`].

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, PrimeField};
use bn254_batch::Point;
use bn254_batch::curve::{Fr, G1Affine, G2Affine, pairings_agree};
use bn254_batch::{STRIDE, StrideColumns, StrideSums, linear_combination};
use rayon::prelude::*;

use crate::entropy::VerifierRng;
use crate::explain::{Explain, Finding};
use crate::format::record::ProofOfKnowledge;

/// Two points of one group: the second is the first times an unknown x.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio<P>(pub P, pub P);

/// e(a.0, b.1) = e(a.1, b.0), with no point infinity.
#[must_use]
pub fn same_ratio(a: Ratio<G1Affine>, b: Ratio<G2Affine>) -> bool {
    [a.0, a.1].iter().all(|p| !is_infinity(p))
        && [b.0, b.1].iter().all(|p| !is_infinity(p))
        && pairings_agree(a.0, b.1, a.1, b.0)
}

/// Whether a ratio in either group is x, given as `[x]1` and `[x]2`.
#[must_use]
pub fn ratio_is<P: Point>(ratio: Ratio<P>, x: (G1Affine, G2Affine)) -> bool {
    let pair = [ratio.0, ratio.1];
    match (P::as_g1(&pair), P::as_g2(&pair)) {
        (Some(&[a, b]), _) => same_ratio(Ratio(a, b), Ratio(G2Affine::generator(), x.1)),
        (_, Some(&[a, b])) => same_ratio(Ratio(G1Affine::generator(), x.0), Ratio(a, b)),
        _ => false,
    }
}

/// Why a proof of knowledge proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KnowledgeDefect {
    /// s x = s: the contribution is 1 and changes nothing.
    #[error("the secret is one, so the contribution changes nothing")]
    One,
    /// A point is infinity.
    #[error("a point of the proof is infinity")]
    Infinity,
    /// e(s, x R) is not e(s x, R).
    #[error("e(s, spx) differs from e(sx, R)")]
    Pairing,
}

impl Explain for KnowledgeDefect {
    fn explain(&self) -> Finding {
        let code = match self {
            Self::One => "proof-of-knowledge/one",
            Self::Infinity => "proof-of-knowledge/infinity",
            Self::Pairing => "proof-of-knowledge/pairing",
        };
        Finding::new(code, self)
    }
}

/// Checks a proof of knowledge against the point R that hashing gives.
///
/// # Errors
/// [`KnowledgeDefect`].
pub fn verify_proof_of_knowledge(
    proof: &ProofOfKnowledge,
    r: G2Affine,
) -> Result<(), KnowledgeDefect> {
    if is_infinity(&proof.g1_s) || is_infinity(&proof.g1_sx) || is_infinity(&proof.g2_spx) {
        return Err(KnowledgeDefect::Infinity);
    }
    if proof.g1_s == proof.g1_sx {
        return Err(KnowledgeDefect::One);
    }
    if same_ratio(Ratio(proof.g1_s, proof.g1_sx), Ratio(r, proof.g2_spx)) {
        Ok(())
    } else {
        Err(KnowledgeDefect::Pairing)
    }
}

fn is_infinity<P: Point>(point: &P) -> bool {
    point.is_zero()
}

/// Collects runs of points, chunk by chunk, into one ratio that is x iff P_(i+1) = x P_i for all
/// neighbours, by the rows of [`StrideSums`]. Of the points it asks nothing but that they are on
/// their curve.
#[derive(Debug)]
pub struct Successors<P: Point> {
    rows: StrideSums<P>,
    /// What came in chunks too short for rows: (sum c_i P_i, sum c_i P_(i+1)).
    short: (P::Group, P::Group),
    outside: bool,
}

impl<P: Point> Successors<P> {
    /// With fewer points in a chunk, buckets for each column cost more than they save.
    const FEW: usize = 1 << 9;

    /// Nothing yet, of runs that will have about `points` points together.
    #[must_use]
    pub fn new(points: u64) -> Self {
        Self {
            rows: StrideSums::new(points),
            short: (P::Group::ZERO, P::Group::ZERO),
            outside: false,
        }
    }

    /// Adds a chunk, whose first point is the last one of the chunk before if it goes on with the
    /// same run.
    pub fn add(&mut self, points: &[P], rng: &mut VerifierRng) {
        if points.len() > Self::FEW {
            return self.rows.add(points, &mut || rng.word());
        }
        self.outside |= rng.outside_subgroup(points).is_some();
        let [_, successors @ ..] = points else { return };
        let coefficients = rng.coefficients(successors.len());
        let (x, y) = &mut self.short;
        add_combinations(x, &points[..successors.len()], y, successors, &coefficients);
    }

    /// The collected ratio, if all points are in the subgroup of order r. That this ratio is x
    /// while some neighbours have another one, or that a point is outside the subgroup, has a
    /// probability of at most 2^-127: 2^-128 for the rows or the test of membership, and the same
    /// again for the combination of the columns.
    #[must_use]
    pub fn ratio(self, rng: &mut VerifierRng) -> Option<Ratio<P>> {
        let StrideColumns { sums, in_subgroup } = self.rows.finish();
        if self.outside || !in_subgroup {
            return None;
        }
        let (mut x, mut y) = self.short;
        let coefficients = rng.coefficients(STRIDE);
        let combination = |sums: &[P::Group]| -> P::Group {
            sums.par_iter()
                .zip(&coefficients)
                .with_max_len(1)
                .map(|(sum, coefficient)| *sum * Fr::from(*coefficient))
                .sum()
        };
        let (first, second) =
            rayon::join(|| combination(&sums[..STRIDE]), || combination(&sums[1..]));
        x += first;
        y += second;
        Some(Ratio(x.into_affine(), y.into_affine()))
    }
}

/// x += sum c_i P_i and y += sum c_i Q_i, side by side: one sum fills the pauses of the other.
fn add_combinations<P: Point>(
    x: &mut P::Group,
    p: &[P],
    y: &mut P::Group,
    q: &[P],
    coefficients: &[u128],
) {
    rayon::join(
        || *x += linear_combination(p, coefficients),
        || *y += linear_combination(q, coefficients),
    );
}

/// sum k_i P_i for full scalars, as two combinations of 128 bits.
#[must_use]
pub(crate) fn scalar_combination<P: Point>(points: &[P], scalars: &[Fr]) -> P::Group {
    let half = |limbs: [u64; 4], at: usize| u128::from(limbs[at]) | u128::from(limbs[at + 1]) << 64;
    let (low, high): (Vec<u128>, Vec<u128>) =
        scalars.iter().map(|k| k.into_bigint().0).map(|k| (half(k, 0), half(k, 2))).unzip();
    let (mut sum, low) =
        rayon::join(|| linear_combination(points, &high), || linear_combination(points, &low));
    for _ in 0..128 {
        sum.double_in_place();
    }
    sum + low
}

#[cfg(test)]
mod tests {
    use ark_ec::PrimeGroup;
    use ark_ff::Field;
    use bn254_batch::curve::{AffinePoint, FR_MODULUS, Fq, Fq2};

    use super::*;

    const X: u64 = 0x1234_5678_9abc_def1;

    /// `[1], [x], [x^2], ...`
    fn powers<P: Point>(n: usize) -> Vec<P> {
        let powers =
            std::iter::successors(Some(P::generator().into_group()), |p| Some(*p * Fr::from(X)));
        P::Group::normalize_batch(&powers.take(n).collect::<Vec<_>>())
    }

    fn ratio_is_x<P: Point>(chunks: &[&[P]]) -> bool {
        let mut rng = VerifierRng::from_os().unwrap();
        let mut successors = Successors::new(chunks.iter().map(|chunk| chunk.len() as u64).sum());
        chunks.iter().for_each(|chunk| successors.add(chunk, &mut rng));
        let x = Fr::from(X);
        let x =
            ((G1Affine::generator() * x).into_affine(), (G2Affine::generator() * x).into_affine());
        successors.ratio(&mut rng).is_some_and(|ratio| ratio_is(ratio, x))
    }

    /// A run long enough for rows, and one that is not.
    const LENGTHS: [usize; 2] = [522, 9];

    fn every_wrong_neighbour_is_found<P: Point>() {
        for n in LENGTHS {
            let run = powers::<P>(n);
            assert!(
                ratio_is_x(&[&run]) && ratio_is_x(&[&run[..n - 2], &run[n - 3..]]),
                "{} {n}",
                P::GROUP
            );
            for place in [0, 1, 2, 3, 4, 5, n / 2, n - 5, n - 2, n - 1] {
                let mut run = run.clone();
                run[place] = (run[place] + P::generator()).into_affine();
                assert!(!ratio_is_x(&[&run]), "{} {n} {place}", P::GROUP);
            }
            // Errors D and -D of two steps of one row.
            let mut run = run.clone();
            let d = P::generator().into_group();
            run[n - 2] = (run[n - 2] + d).into_affine();
            run[n - 1] = (run[n - 1] + d * (Fr::from(X) - Fr::ONE)).into_affine();
            assert!(!ratio_is_x(&[&run]), "{} {n}: errors that cancel", P::GROUP);
        }
    }

    #[test]
    fn a_wrong_step_is_found_in_every_chunk_and_across_their_borders() {
        let run = powers::<G1Affine>(1600);
        // The first point of a chunk is the last of the one before.
        let chunks =
            |run: &[G1Affine]| ratio_is_x(&[&run[..515], &run[514..1030], &run[1029..1600]]);
        assert!(chunks(&run));
        for place in [0, 513, 514, 515, 1028, 1029, 1030, 1031, 1599] {
            let mut run = run.clone();
            run[place] = (run[place] + G1Affine::generator()).into_affine();
            assert!(!chunks(&run), "{place}");
        }
    }

    #[test]
    fn every_wrong_neighbour_is_found_in_both_groups() {
        every_wrong_neighbour_is_found::<G1Affine>();
        every_wrong_neighbour_is_found::<G2Affine>();
    }

    #[test]
    fn a_point_outside_the_subgroup_is_found_wherever_it_is_even_if_its_component_has_a_small_order()
     {
        // (2q - r) / 10069: the curve has r (2q - r) points.
        const COFACTOR_OVER_10069: [u64; 4] = [
            0x6c3c_d334_915f_1659,
            0x2071_42f7_671a_f448,
            0x9e28_bcf6_5b56_81da,
            0x0001_3af7_a58f_ce69,
        ];
        let on_curve =
            |i: u64| G2Affine::get_point_from_x_unchecked(Fq2::new(Fq::from(i), Fq::ONE), false);
        let any = (1..).filter_map(on_curve).find(|p| !AffinePoint::in_subgroup(p)).unwrap();
        let of_order_10069 =
            |p: G2Affine| p.mul_bigint(COFACTOR_OVER_10069).mul_bigint(FR_MODULUS).into_affine();
        let small = (1..).filter_map(on_curve).map(of_order_10069).find(|p| !p.is_zero()).unwrap();
        assert!(small.mul_bigint([10069u64]).into_affine().is_zero());
        for n in LENGTHS {
            let run = powers::<G2Affine>(n);
            for component in [any, small] {
                for place in [0, 1, 3, 4, 5, n / 2, n - 1] {
                    let mut run = run.clone();
                    run[place] = (run[place] + component).into_affine();
                    let mut rng = VerifierRng::from_os().unwrap();
                    let mut successors = Successors::new(n as u64);
                    successors.add(&run, &mut rng);
                    assert_eq!(successors.ratio(&mut rng), None, "{n} {place}");
                }
            }
        }
    }
}
