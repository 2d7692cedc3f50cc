//! The one question that every verification asks: do two pairs of points have the same ratio?
//!
//! - [`same_ratio`]: b = x a and y = x X for one x, that is e(a, y) = e(b, X).
//! - [`proves_knowledge`]: whoever made `(s, s x, x R)` knew x, for an R that was not known before s and s x were fixed (BGM17, section 5).
//! - [`Successors`]: P_(i+1) = x P_i for all i of a long run of points, by one random combination.
//! - [`Multiples`]: Q_i = x P_i for all i of two runs, likewise.
//!
//! The combinations have coefficients of 128 bits from the OS. If one of the n equations is wrong, its term is a non-zero group element times a
//! coefficient, and for any choice of the other coefficients at most one value of this one makes the sum vanish (the group's order
//! is above 2^128): the combination is wrong too, but for an error of 2^-128.

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, PrimeField};

use crate::arith::linear_combination;
use crate::curve::{Fr, G1Affine, G2Affine, Point, pairings_agree};
use crate::entropy::VerifierRng;
use crate::format::record::ProofOfKnowledge;

/// Two points of one group: the second is the first times an unknown x.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio<P>(pub P, pub P);

/// e(a.0, b.1) = e(a.1, b.0), with no point infinity.
#[must_use]
pub fn same_ratio(a: Ratio<G1Affine>, b: Ratio<G2Affine>) -> bool {
    [a.0, a.1].iter().all(|p| !is_infinity(p)) && [b.0, b.1].iter().all(|p| !is_infinity(p)) && pairings_agree(a.0, b.1, a.1, b.0)
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

/// Checks a proof of knowledge against the point R that hashing gives.
///
/// # Errors
/// [`KnowledgeDefect`].
pub fn proves_knowledge(proof: &ProofOfKnowledge, r: G2Affine) -> Result<(), KnowledgeDefect> {
    if is_infinity(&proof.g1_s) || is_infinity(&proof.g1_sx) || is_infinity(&proof.g2_spx) {
        return Err(KnowledgeDefect::Infinity);
    }
    if proof.g1_s == proof.g1_sx {
        return Err(KnowledgeDefect::One);
    }
    if same_ratio(Ratio(proof.g1_s, proof.g1_sx), Ratio(r, proof.g2_spx)) { Ok(()) } else { Err(KnowledgeDefect::Pairing) }
}

fn is_infinity<P: Point>(point: &P) -> bool {
    point.is_zero()
}

/// Collects a run of points, chunk by chunk, into one ratio that is x iff P_(i+1) = x P_i for all i: (sum c_i P_i, sum c_i P_(i+1)).
#[derive(Debug)]
pub struct Successors<P: Point>(P::Group, P::Group);

impl<P: Point> Default for Successors<P> {
    fn default() -> Self {
        Self(P::Group::ZERO, P::Group::ZERO)
    }
}

impl<P: Point> Successors<P> {
    /// Adds a chunk, whose first point is the last one of the chunk before.
    pub fn add(&mut self, points: &[P], rng: &mut VerifierRng) {
        let [_, successors @ ..] = points else { return };
        let coefficients = rng.coefficients(successors.len());
        add_combinations(&mut self.0, &points[..successors.len()], &mut self.1, successors, &coefficients);
    }

    /// The collected ratio.
    #[must_use]
    pub fn ratio(self) -> Ratio<P>
    where
        P::Group: CurveGroup<Affine = P>,
    {
        Ratio(self.0.into_affine(), self.1.into_affine())
    }
}

/// Collects two runs of points, chunk by chunk, into one ratio that is x iff Q_i = x P_i for all i: (sum c_i P_i, sum c_i Q_i).
#[derive(Debug)]
pub struct Multiples<P: Point>(P::Group, P::Group);

impl<P: Point> Default for Multiples<P> {
    fn default() -> Self {
        Self(P::Group::ZERO, P::Group::ZERO)
    }
}

impl<P: Point> Multiples<P> {
    /// Adds the points P_i and Q_i of the same places.
    ///
    /// # Panics
    /// If the two chunks have different lengths: a caller that compares runs has compared their lengths.
    pub fn add(&mut self, before: &[P], after: &[P], rng: &mut VerifierRng) {
        assert_eq!(before.len(), after.len(), "chunks of different lengths");
        let coefficients = rng.coefficients(before.len());
        add_combinations(&mut self.0, before, &mut self.1, after, &coefficients);
    }

    /// The collected ratio.
    #[must_use]
    pub fn ratio(self) -> Ratio<P>
    where
        P::Group: CurveGroup<Affine = P>,
    {
        Ratio(self.0.into_affine(), self.1.into_affine())
    }
}

/// x += sum c_i P_i and y += sum c_i Q_i, side by side: one sum fills the pauses of the other.
fn add_combinations<P: Point>(x: &mut P::Group, p: &[P], y: &mut P::Group, q: &[P], coefficients: &[u128]) {
    rayon::join(|| *x += linear_combination(p, coefficients), || *y += linear_combination(q, coefficients));
}

/// sum k_i P_i for full scalars, as two combinations of 128 bits.
#[must_use]
pub(crate) fn scalar_combination<P: Point>(points: &[P], scalars: &[Fr]) -> P::Group {
    let half = |limbs: [u64; 4], at: usize| u128::from(limbs[at]) | u128::from(limbs[at + 1]) << 64;
    let (low, high): (Vec<u128>, Vec<u128>) = scalars.iter().map(|k| k.into_bigint().0).map(|k| (half(k, 0), half(k, 2))).unzip();
    let (mut sum, low) = rayon::join(|| linear_combination(points, &high), || linear_combination(points, &low));
    for _ in 0..128 {
        sum.double_in_place();
    }
    sum + low
}
