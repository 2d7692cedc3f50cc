//! Check 7: each level of the Lagrange sections belongs to the powers.
//!
//! Level k holds L_j for the domain of size n = 2^k, where L_j should be the basis polynomial j at tau, times the section's factor. For a
//! random scalar rho let f(x) = sum_(i<n) rho^i x^i. Interpolation on the domain says f(tau) = sum_j f(omega^j) L_j(tau), and both sides are
//! cheap without an FFT:
//!
//! ```text
//! sum_(i<n) rho^i [tau^i]  =  sum_j (rho^n - 1) / (rho omega^j - 1) L_j
//! ```
//!
//! If the L_j differ from the true ones by E_j, the difference of the two sides is sum_j f(omega^j) E_j = sum_i rho^i (sum_j omega^(ij) E_j), a
//! polynomial in rho of degree below n whose coefficients are the DFT of the E_j and so not all zero: it vanishes for at most n of
//! the r possible rho, an error of at most 2^(29-253). One rho serves all levels, so the left sides are prefixes of one sum, taken while sections
//! 2 to 5 stream by.
//!
//! Level p+1 of section 12 wants the power 2N-1, which section 2 does not have. A file that was prepared as it is has infinity in its place, on both sides.
//! A file truncated after it was prepared still has the level of the larger file, with the true power in it: there the difference of the sides,
//! divided by rho^(2N-1), must be `[tau^(2N-1)]1`, which has the ratio tau to the last element of section 2.

use std::io::{Read, Seek};

use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, Field, batch_inversion};
use rayon::prelude::*;

use super::Part;
use super::verify::{Check, Failure, VerifyError, place_of_run};
use crate::curve::{Fr, G1Affine, G1Projective, G2Projective, Point, root_of_unity};
use crate::entropy::VerifierRng;
use crate::format::FormatError;
use crate::format::points::PointRun;
use crate::format::ptau::Ptau;
use crate::limits::CHUNK_POINTS;
use crate::progress::Progress;
use crate::ratio::{Ratio, ratio_is, scalar_combination};
use crate::scalars::geometric;

/// The left sides: for each part, sum_(i<2^k) rho^i P_i for k = 0, 1, ... and last the sum over all.
pub(super) struct LagrangeCheck {
    rho: Fr,
    tau_g1: Prefixes<G1Projective>,
    tau_g2: Prefixes<G2Projective>,
    alpha_tau_g1: Prefixes<G1Projective>,
    beta_tau_g1: Prefixes<G1Projective>,
    /// [tau^(2N-2)]1
    last_tau_g1: G1Affine,
}

/// Sums over the first 2^k terms, for every k reached so far, and the running sum.
struct Prefixes<G> {
    at_powers_of_two: Vec<G>,
    running: G,
}

impl<G: AdditiveGroup> Prefixes<G> {
    fn new() -> Self {
        Self { at_powers_of_two: Vec::new(), running: G::ZERO }
    }

    /// The sum over the first min(2^k, all) terms.
    fn level(&self, k: u32) -> G {
        self.at_powers_of_two.get(k as usize).copied().unwrap_or(self.running)
    }

    /// Adds the terms from index `start` on.
    fn add<P: Point<Group = G>>(&mut self, rho: Fr, start: u64, points: &[P]) {
        let mut done = 0;
        while done < points.len() {
            let at = start + done as u64;
            // To the next power of two, or to the end of the chunk.
            let until = if at == 0 { 1 } else { at.checked_next_power_of_two().map_or(u64::MAX, |p| if p == at { 2 * at } else { p }) };
            let count = usize::try_from(until - at).unwrap_or(usize::MAX).min(points.len() - done);
            let scalars = geometric(rho.pow([at]), rho, count);
            self.running += scalar_combination(&points[done..done + count], &scalars);
            done += count;
            if (start + done as u64).is_power_of_two() {
                self.at_powers_of_two.push(self.running);
            }
        }
    }
}

impl LagrangeCheck {
    /// Draws rho. The file must be fixed by now.
    pub(super) fn new(rng: &mut VerifierRng) -> Self {
        Self {
            rho: rng.scalar(),
            tau_g1: Prefixes::new(),
            tau_g2: Prefixes::new(),
            alpha_tau_g1: Prefixes::new(),
            beta_tau_g1: Prefixes::new(),
            last_tau_g1: G1Affine::identity(),
        }
    }

    /// Takes in the powers of a part from index `start` on.
    pub(super) fn powers<P: Point>(&mut self, part: Part, start: u64, points: &[P]) {
        let rho = self.rho;
        match (part, P::as_g1(points), P::as_g2(points)) {
            (Part::TauG1, Some(points), _) => {
                self.tau_g1.add(rho, start, points);
                self.last_tau_g1 = points.last().copied().unwrap_or(self.last_tau_g1);
            }
            (Part::TauG2, _, Some(points)) => self.tau_g2.add(rho, start, points),
            (Part::AlphaTauG1, Some(points), _) => self.alpha_tau_g1.add(rho, start, points),
            (Part::BetaTauG1, Some(points), _) => self.beta_tau_g1.add(rho, start, points),
            _ => {}
        }
    }

    /// Reads every level of the four sections and compares.
    pub(super) fn check<R: Read + Seek + Send>(
        &self,
        ptau: &mut Ptau<R>,
        rng: &mut VerifierRng,
        progress: &dyn Progress,
    ) -> Result<(), VerifyError> {
        let Some(layout) = ptau.lagrange() else { return Ok(()) };
        let p = ptau.power().exponent();
        let truncated = ptau.is_truncated();
        let tau = ptau.contributions().last().map(|record| (record.key_points.tau_g1, record.key_points.tau_g2));
        let source = ptau.source();
        progress
            .begin("checking sections 12 to 15", layout.tau_g1.len + layout.tau_g2.len + layout.alpha_tau_g1.len + layout.beta_tau_g1.len);
        for level in 0..=p {
            let sum = self.level_sum(source, rng, &layout.tau_g1, level, progress)?;
            expect(sum == Some(self.tau_g1.level(level)), &layout.tau_g1, level)?;
        }
        // No domain of 2^29 exists: a prepared file of power 28 is bound by its digest (check 9), and its last level is read for its points only.
        if let Some(sum) = self.level_sum(source, rng, &layout.tau_g1, p + 1, progress)? {
            let rest = sum - self.tau_g1.running;
            let is_next_power = || {
                let weight = self.rho.pow([2 * (1u64 << p) - 1]).inverse().unwrap_or(Fr::ZERO);
                let next = (rest * weight).into_affine();
                truncated && tau.is_some_and(|tau| ratio_is(Ratio(self.last_tau_g1, next), tau))
            };
            expect(rest == G1Projective::ZERO || is_next_power(), &layout.tau_g1, p + 1)?;
        }
        for level in 0..=p {
            let sum = self.level_sum(source, rng, &layout.tau_g2, level, progress)?;
            expect(sum == Some(self.tau_g2.level(level)), &layout.tau_g2, level)?;
        }
        for (run, powers) in [(layout.alpha_tau_g1, &self.alpha_tau_g1), (layout.beta_tau_g1, &self.beta_tau_g1)] {
            for level in 0..=p {
                let sum = self.level_sum(source, rng, &run, level, progress)?;
                expect(sum == Some(powers.level(level)), &run, level)?;
            }
        }
        progress.end();
        Ok(())
    }

    /// The right side for one level, or `None` where the field has no such domain. Reads and checks every point either way.
    fn level_sum<R: Read + Seek + Send, P: Point>(
        &self,
        source: &mut R,
        rng: &mut VerifierRng,
        run: &PointRun<P>,
        level: u32,
        progress: &dyn Progress,
    ) -> Result<Option<P::Group>, FormatError> {
        let omega = root_of_unity(level);
        let n = 1u64 << level;
        let mut sum = omega.map(|_| P::Group::ZERO);
        let mut start = 0;
        while start < n {
            let count = (n - start).min(CHUNK_POINTS as u64) as usize;
            let points = run.read(source, rng, n - 1 + start, count)?;
            if let (Some(sum), Some(omega)) = (&mut sum, omega) {
                *sum += scalar_combination(&points, &interpolation(self.rho, omega, level, start, count));
            }
            start += count as u64;
            progress.advance(count as u64);
        }
        Ok(sum)
    }
}

fn expect<P>(holds: bool, run: &PointRun<P>, level: u32) -> Result<(), VerifyError> {
    if holds {
        return Ok(());
    }
    Err(VerifyError::Failed(Box::new(Failure {
        check: Check::Lagrange,
        place: format!("{}, level {level}", place_of_run(run)),
        reason: "the level is not the Lagrange basis of the powers",
        found: "a random combination with another value".into(),
        expected: "the value of the same polynomial from the powers".into(),
    })))
}

/// (rho^n - 1) / (rho omega^j - 1) for j = start, start + 1, ..., where n = 2^level.
fn interpolation(rho: Fr, omega: Fr, level: u32, start: u64, count: usize) -> Vec<Fr> {
    let numerator = rho.pow([1u64 << level]) - Fr::ONE;
    let mut weights = geometric(rho * omega.pow([start]), omega, count);
    weights.par_chunks_mut(1 << 10).for_each(|weights| {
        weights.iter_mut().for_each(|w| *w -= Fr::ONE);
        batch_inversion(weights);
        weights.iter_mut().for_each(|w| *w *= numerator);
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
            let weights = interpolation(rho, omega, level, 0, n);
            for (j, weight) in weights.iter().enumerate() {
                let x = omega.pow([j as u64]);
                let value: Fr = (0..n as u64).map(|i| rho.pow([i]) * x.pow([i])).sum();
                assert_eq!(*weight, value);
            }
            assert_eq!(interpolation(rho, omega, level, n as u64 / 2, n - n / 2), weights[n / 2..]);
        }
    }
}
