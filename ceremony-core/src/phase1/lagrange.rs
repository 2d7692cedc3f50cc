//! Check 7: each level of the Lagrange sections belongs to the powers.
//!
//! Level k holds L_j for the domain of size n = 2^k, where L_j should be the basis polynomial j at
//! tau, times the section's factor f. For a random scalar rho let p(x) = sum_(i<n) rho^i x^i.
//! Interpolation on the domain says p(tau) = sum_j p(omega^j) L_j(tau), with values that are cheap
//! to have, and p(tau) is a geometric sum. So for
//!
//! ```text
//! S = sum_j (rho^n - 1) / (rho omega^j - 1) L_j
//! ```
//!
//! it is to be shown that `(rho tau - 1) S = rho^n [f tau^n] - [f]`. The sections are known to be
//! powers of tau by now (check 5), and hold `[f tau^(n-1)]`, so one product of pairings tells:
//!
//! ```text
//! e(S, rho [tau]2 - [1]2) = e(rho^n [f tau^(n-1)]1, [tau]2) e(-[f]1, [1]2),
//! ```
//!
//! and in G2 with the sides exchanged. No sum over the powers is needed.
//!
//! If the L_j differ from the true ones by E_j, the difference of the two values of S is sum_j
//! p(omega^j) E_j = sum_i rho^i (sum_j omega^(ij) E_j), a polynomial in rho of degree below n whose
//! coefficients are the DFT of the E_j and so not all zero: it vanishes for at most n - 1 of the r
//! possible rho. With rho = 1 / tau, for which the equation says nothing, that is an error of at
//! most n / r < 2^(29-253). One rho serves everything. Levels 0 to p of a section are compared at
//! once, combined by random scalars lambda_k (a further 1 / r); level p+1 alone.
//!
//! Level p+1 of section 12 wants the power 2N-1, which section 2 does not have. A file that was
//! prepared as it is has infinity in its place, on both sides: the sum has 2N - 1 terms. A file
//! truncated after it was prepared still has the level of the larger file, with the true power in
//! it: a sum of 2N terms.

use std::io::{Read, Seek};
use std::ops::Range;

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, Field, serial_batch_inversion_and_mul};
use bn254_batch::curve::{
    AffinePoint as _, Fr, G1Affine, G1Projective, G2Affine, pairings_agree, pairings_cancel,
    root_of_unity,
};
use bn254_batch::{Point, geometric};
use rayon::prelude::*;

use super::error::VerifyError;
use super::report::{Check, Failure};
use super::{Part, place_of_run};
use crate::entropy::VerifierRng;
use crate::format::FormatError;
use crate::format::points::PointRun;
use crate::format::ptau::{LagrangeLayout, Levels, Ptau};
use crate::progress::Progress;
use crate::ratio::scalar_combination;

/// What the check needs of the powers, kept while sections 2 to 5 stream by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowerEnds {
    /// Of section 2.
    pub tau_g1: Ends<G1Affine>,
    /// Of section 3.
    pub tau_g2: Ends<G2Affine>,
    /// Of section 4.
    pub alpha_tau_g1: Ends<G1Affine>,
    /// Of section 5.
    pub beta_tau_g1: Ends<G1Affine>,
    /// `[tau^2]2`, which a file of power 1 does not have.
    pub tau_squared_g2: Option<G2Affine>,
}

/// The element 2^k - 1 of a run of powers for k = 0, 1, ..., and the last one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends<P> {
    /// For k = 0, 1, ..., power.
    pub of_levels: Vec<P>,
    /// The last element.
    pub last: P,
}

/// Levels of the Lagrange sections against the powers, at one point rho.
pub(super) struct LagrangeCheck {
    rho: Fr,
    powers: PowerEnds,
}

impl<P: Point> Ends<P> {
    fn new() -> Self {
        Self { of_levels: Vec::new(), last: P::zero() }
    }

    /// Takes in the elements from index `start` on.
    fn add(&mut self, start: u64, points: &[P]) {
        while let Some(point) = ((1u64 << self.of_levels.len()) - 1)
            .checked_sub(start)
            .and_then(|i| points.get(i as usize))
        {
            self.of_levels.push(*point);
        }
        self.last = points.last().copied().unwrap_or(self.last);
    }
}

impl PowerEnds {
    pub(super) fn new() -> Self {
        let (tau_g1, tau_g2, alpha_tau_g1, beta_tau_g1) =
            (Ends::new(), Ends::new(), Ends::new(), Ends::new());
        Self { tau_g1, tau_g2, alpha_tau_g1, beta_tau_g1, tau_squared_g2: None }
    }

    /// Takes in the powers of a part from index `start` on.
    pub(super) fn add<P: Point>(&mut self, part: Part, start: u64, points: &[P]) {
        match (part, P::as_g1(points), P::as_g2(points)) {
            (Part::TauG1, Some(points), _) => self.tau_g1.add(start, points),
            (Part::TauG2, _, Some(points)) => {
                self.tau_g2.add(start, points);
                if start == 0 {
                    self.tau_squared_g2 = points.get(2).copied();
                }
            }
            (Part::AlphaTauG1, Some(points), _) => self.alpha_tau_g1.add(start, points),
            (Part::BetaTauG1, Some(points), _) => self.beta_tau_g1.add(start, points),
            _ => {}
        }
    }
}

impl LagrangeCheck {
    /// rho must be random, and unknown to the author of the file until the file is fixed.
    pub(super) fn new(powers: PowerEnds, rho: Fr) -> Self {
        Self { rho, powers }
    }

    /// Reads every level of the four sections and compares.
    pub(super) fn check<R: Read + Seek + Send>(
        &self,
        ptau: &mut Ptau<R>,
        rng: &mut VerifierRng,
        progress: &dyn Progress,
    ) -> Result<(), VerifyError> {
        let Some(layout) = ptau.lagrange() else { return Ok(()) };
        let (power, truncated) = (ptau.power().exponent(), ptau.is_truncated());
        let LagrangeLayout { levels, tau_g1, tau_g2, alpha_tau_g1, beta_tau_g1 } = layout;
        progress.begin("checking the Lagrange sections", layout.points());
        let mut reader = Reader { source: ptau.source(), rng, progress };
        let powers = &self.powers;
        // Section 12 has one level more. Of the powers that this one is a combination of, the file
        // has all but the last if it is the file's own, and all otherwise.
        match Levels::new(levels.first(), levels.last() + 1).filter(|_| levels.last() < power) {
            Some(levels) => self.levels(&mut reader, &tau_g1, levels, &powers.tau_g1)?,
            None => {
                self.levels(&mut reader, &tau_g1, levels, &powers.tau_g1)?;
                self.level_of_twice_the_size(&mut reader, &tau_g1, levels, truncated)?;
            }
        }
        self.levels(&mut reader, &tau_g2, levels, &powers.tau_g2)?;
        self.levels(&mut reader, &alpha_tau_g1, levels, &powers.alpha_tau_g1)?;
        self.levels(&mut reader, &beta_tau_g1, levels, &powers.beta_tau_g1)?;
        progress.end();
        Ok(())
    }

    /// Levels of a section, with which it begins, in one combination; where that fails, level by
    /// level to name the first bad one.
    fn levels<R: Read + Seek + Send, P: Point>(
        &self,
        reader: &mut Reader<'_, R>,
        run: &PointRun<P>,
        levels: Levels,
        powers: &Ends<P>,
    ) -> Result<(), VerifyError> {
        let factors = factors(levels, reader.rng);
        let points = points_of(levels);
        let sum = reader.sum(run, points.clone(), |start, count| {
            Some(weights(self.rho, levels, &factors, start, count))
        })?;
        if self.levels_are(sum, levels, &factors, powers) {
            return Ok(());
        }
        reader.progress.begin("looking for the level", points.end);
        let ends = powers.of_levels.iter().skip(levels.first() as usize);
        for (level, last) in (levels.first()..=levels.last()).zip(ends) {
            if let Some(sum) = self.level_sum(reader, run, levels, level)? {
                let holds = self.is_geometric(
                    sum,
                    powers.of_levels[0].into_group(),
                    *last * self.rho.pow([1 << level]),
                );
                expect(holds, run, level)?;
            }
        }
        Err(not_the_basis(place_of_run(run)))
    }

    /// Level p+1 of section 12, which follows its other levels.
    fn level_of_twice_the_size<R: Read + Seek + Send>(
        &self,
        reader: &mut Reader<'_, R>,
        run: &PointRun<G1Affine>,
        levels: Levels,
        truncated: bool,
    ) -> Result<(), VerifyError> {
        let level = levels.last() + 1;
        // No domain of 2^29 exists: a prepared file of power 28 is bound by its digest (check 9),
        // and its last level is read for its points only.
        let Some(sum) = self.level_sum(reader, run, levels, level)? else { return Ok(()) };
        expect(self.level_of_twice_the_size_is(sum, level, truncated), run, level)
    }

    /// Whether levels of a section, each with its factor, sum up to `sum`.
    pub(super) fn levels_are<P: Point>(
        &self,
        sum: P::Group,
        levels: Levels,
        factors: &[Fr],
        powers: &Ends<P>,
    ) -> bool {
        // Which levels there are is the header's word, not that of what was collected.
        let (first, last) = (levels.first() as usize, levels.last() as usize);
        let Some(ends) = powers.of_levels.get(first..=last) else { return false };
        let (mut head, mut tail) = (P::Group::ZERO, P::Group::ZERO);
        for ((level, factor), last) in (levels.first()..).zip(factors).zip(ends) {
            head += powers.of_levels[0] * factor;
            tail += *last * (self.rho.pow([1 << level]) * factor);
        }
        self.is_geometric(sum, head, tail)
    }

    /// Whether level p+1 of section 12 sums up to `sum`.
    pub(super) fn level_of_twice_the_size_is(
        &self,
        sum: G1Projective,
        level: u32,
        truncated: bool,
    ) -> bool {
        let weight = self.rho.pow([(1 << level) - 1]);
        let (one, last) = (self.powers.tau_g1.of_levels[0], self.powers.tau_g1.last);
        self.is_geometric(sum, one.into_group(), last * weight)
            || (truncated && self.has_next_power(sum, weight))
    }

    /// What the powers are.
    pub(super) fn powers(&self) -> &PowerEnds {
        &self.powers
    }

    /// Whether a sum over 2N terms has the true power 2N - 1, whose weight is given, in its last
    /// term.
    fn has_next_power(&self, sum: G1Projective, weight: Fr) -> bool {
        let PowerEnds { tau_g1, tau_g2, tau_squared_g2, .. } = &self.powers;
        let (one, last) = (&tau_g1.of_levels, tau_g1.last);
        match *tau_squared_g2 {
            // (rho tau - 1) S = rho^(2N) tau^(2N) - 1, and tau^(2N) = tau^(2N-2) tau^2.
            Some(tau_squared) => pairings_cancel([
                (sum.into_affine(), self.rho_tau_minus_one_g2()),
                ((last * -(weight * self.rho)).into_affine(), tau_squared),
                (one[0], tau_g2.of_levels[0]),
            ]),
            // N = 2: S = 1 + rho tau + rho^2 tau^2 + rho^3 tau^3, and section 2 has the first
            // three.
            None => {
                let rest = sum - one[0] - one[1] * self.rho - last * self.rho.square();
                pairings_agree(
                    rest.into_affine(),
                    tau_g2.of_levels[0],
                    (last * weight).into_affine(),
                    tau_g2.of_levels[1],
                )
            }
        }
    }

    /// (rho tau - 1) `sum` = tau `tail` - `head`.
    pub(super) fn is_geometric<G: CurveGroup<Affine: Point>>(
        &self,
        sum: G,
        head: G,
        tail: G,
    ) -> bool {
        let points = G::normalize_batch(&[sum, head, tail]);
        let ([one_g1, tau_g1, ..], [one_g2, tau_g2, ..]) =
            (&self.powers.tau_g1.of_levels[..], &self.powers.tau_g2.of_levels[..])
        else {
            return false;
        };
        match (G::Affine::as_g1(&points), G::Affine::as_g2(&points)) {
            (Some(&[sum, head, tail]), _) => pairings_cancel([
                (sum, self.rho_tau_minus_one_g2()),
                (head, *one_g2),
                (-tail, *tau_g2),
            ]),
            (_, Some(&[sum, head, tail])) => {
                let rho_tau_minus_one = (*tau_g1 * self.rho - one_g1).into_affine();
                pairings_cancel([(rho_tau_minus_one, sum), (*one_g1, head), (-*tau_g1, tail)])
            }
            _ => false,
        }
    }

    fn rho_tau_minus_one_g2(&self) -> G2Affine {
        let tau_g2 = &self.powers.tau_g2.of_levels;
        (tau_g2[1] * self.rho - tau_g2[0]).into_affine()
    }

    /// S for one level, or `None` where the field has no such domain. Reads and checks every point
    /// either way.
    fn level_sum<R: Read + Seek + Send, P: Point>(
        &self,
        reader: &mut Reader<'_, R>,
        run: &PointRun<P>,
        levels: Levels,
        level: u32,
    ) -> Result<Option<P::Group>, FormatError> {
        let first = levels.start_of(level);
        let sum = reader.sum(run, first..first + (1 << level), |start, count| {
            level_weights(self.rho, levels, level, start, count)
        })?;
        Ok(root_of_unity(level).map(|_| sum))
    }
}

/// The points of these levels in a section.
pub(super) fn points_of(levels: Levels) -> Range<u64> {
    0..levels.start_of(levels.last() + 1)
}

/// lambda_k for these levels of a section.
pub(super) fn factors(levels: Levels, rng: &mut VerifierRng) -> Vec<Fr> {
    (levels.first()..=levels.last()).map(|_| rng.scalar()).collect()
}

/// Where the sections are read from.
pub(super) struct Reader<'a, R> {
    pub(super) source: &'a mut R,
    pub(super) rng: &'a mut VerifierRng,
    pub(super) progress: &'a dyn Progress,
}

impl<R: Read + Seek + Send> Reader<'_, R> {
    /// sum_j w_j P_j for the points of a run with indices in `range`, where `weights(start, count)`
    /// gives w_start and those after it, or `None` for points that are only to be read and checked.
    pub(super) fn sum<P: Point>(
        &mut self,
        run: &PointRun<P>,
        range: Range<u64>,
        weights: impl Fn(u64, usize) -> Option<Vec<Fr>> + Sync + Send,
    ) -> Result<P::Group, FormatError> {
        let mut sum = P::Group::ZERO;
        run.for_each_chunk_of(range, self.source, self.rng, 0, |start, points, _| {
            if let Some(weights) = weights(start, points.len()) {
                sum += scalar_combination(&points, &weights);
            }
            self.progress.advance(points.len() as u64);
            Ok::<_, FormatError>(())
        })?;
        Ok(sum)
    }
}

fn expect<P>(holds: bool, run: &PointRun<P>, level: u32) -> Result<(), VerifyError> {
    if holds { Ok(()) } else { Err(not_the_basis(format!("{}, level {level}", place_of_run(run)))) }
}

pub(super) fn not_the_basis(place: String) -> VerifyError {
    VerifyError::Failed(Box::new(Failure {
        check: Check::Lagrange,
        place,
        reason: "the level is not the Lagrange basis of the powers",
        found: "a random combination with another value".into(),
        expected: "the value of the same polynomial from the powers".into(),
    }))
}

/// The weights of `count` points of a section from `start` on, over its levels: those of
/// [`interpolation`], with a factor for each level.
pub(super) fn weights(
    rho: Fr,
    levels: Levels,
    factors: &[Fr],
    start: u64,
    count: usize,
) -> Vec<Fr> {
    let mut weights = Vec::with_capacity(count);
    for (level, factor) in (levels.first()..).zip(factors) {
        let (first, n) = (levels.start_of(level), 1u64 << level);
        let (from, until) = (start.max(first), (start + count as u64).min(first + n));
        if let Some(omega) = root_of_unity(level).filter(|_| from < until) {
            weights.extend(interpolation(
                rho,
                omega,
                level,
                from - first,
                (until - from) as usize,
                *factor,
            ));
        }
    }
    weights
}

/// The weights of `count` points of a section from `start` on, all of one level; none where the
/// field has no such domain.
pub(super) fn level_weights(
    rho: Fr,
    levels: Levels,
    level: u32,
    start: u64,
    count: usize,
) -> Option<Vec<Fr>> {
    let (omega, first) = (root_of_unity(level)?, levels.start_of(level));
    Some(interpolation(rho, omega, level, start - first, count, Fr::ONE))
}

/// `factor` (rho^n - 1) / (rho omega^j - 1) for j = start, start + 1, ..., where n = 2^level.
fn interpolation(rho: Fr, omega: Fr, level: u32, start: u64, count: usize, factor: Fr) -> Vec<Fr> {
    let numerator = (rho.pow([1u64 << level]) - Fr::ONE) * factor;
    let mut weights = geometric(&(rho * omega.pow([start])), &omega, count);
    weights.par_chunks_mut(1 << 10).with_max_len(1).for_each(|weights| {
        weights.iter_mut().for_each(|w| *w -= Fr::ONE);
        serial_batch_inversion_and_mul(weights, &numerator);
    });
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolation_weights_are_the_values_of_the_geometric_polynomial() {
        let rho = Fr::from(123_456_789u64);
        for level in 0..5 {
            let (n, omega) = (1usize << level, root_of_unity(level).unwrap());
            let weights = interpolation(rho, omega, level, 0, n, Fr::ONE);
            for (j, weight) in weights.iter().enumerate() {
                let x = omega.pow([j as u64]);
                let value: Fr = (0..n as u64).map(|i| rho.pow([i]) * x.pow([i])).sum();
                assert_eq!(*weight, value);
            }
            assert_eq!(
                interpolation(rho, omega, level, n as u64 / 2, n - n / 2, Fr::ONE),
                weights[n / 2..]
            );
        }
    }

    #[test]
    fn a_section_cut_anywhere_has_the_same_weights() {
        let (rho, factors) =
            (Fr::from(987_654_321u64), [3, 5, 7, 11, 13].map(|f| Fr::from(f as u64)));
        for (first, last) in [(0, 4), (0, 0), (2, 4), (3, 3)] {
            let levels = Levels::new(first, last).unwrap();
            let factors = &factors[first as usize..=last as usize];
            let points = (2usize << last) - (1 << first);
            let whole = weights(rho, levels, factors, 0, points);
            let by_level: Vec<Fr> = (first..=last)
                .zip(factors)
                .flat_map(|(level, factor)| {
                    let omega = root_of_unity(level).unwrap();
                    interpolation(rho, omega, level, 0, 1 << level, *factor)
                })
                .collect();
            assert_eq!(whole, by_level);
            for piece in 1..points {
                let cut: Vec<Fr> = (0..points)
                    .step_by(piece)
                    .flat_map(|start| {
                        let count = piece.min(points - start);
                        weights(rho, levels, factors, start as u64, count)
                    })
                    .collect();
                assert_eq!(cut, whole, "levels {levels} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn the_ends_of_a_run_that_comes_in_pieces_are_those_of_the_whole() {
        let point = |i: usize| (G1Affine::generator() * Fr::from(i as u64 + 1)).into_affine();
        let run: Vec<G1Affine> = (0..63).map(point).collect();
        for piece in 1..=run.len() {
            let mut ends = Ends::new();
            run.chunks(piece)
                .enumerate()
                .for_each(|(i, points)| ends.add((i * piece) as u64, points));
            assert_eq!(ends.of_levels, [0, 1, 3, 7, 15, 31].map(point), "in pieces of {piece}");
            assert_eq!(ends.last, point(62));
        }
    }
}
