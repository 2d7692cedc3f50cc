//! Which part is at fault, once check 7 has failed for all of them together.
//!
//! The check of a whole level has the points of all parts in one sum. For one part it is the same
//! with what the part transforms ([`super::fold`]) in the place of the powers. Let n be the level's
//! length, m = n / M, r the part's residue, rho a random scalar, rho' = rho omega_n^r, and
//!
//! ```text
//! S = sum_(b<m) (rho'^m - 1) / (rho' omega_m^b - 1) L_(r+Mb),
//! A = 1/M sum_(k<M) omega_M^(-kr) [f tau^(mk)],
//! B = rho^m/M sum_(k<M) omega_M^(-kr) [f tau^(mk+m-1)].
//! ```
//!
//! The weights are the values of q(x) = sum_(i<m) rho^i x^i at omega_n^(r+Mb). And v(x) = 1/M
//! sum_(k<M) omega_M^(-kr) x^(mk) is 1 at these places and 0 at the other n - m, so that q v has
//! degree below n and these values: true points give S = [f q(tau) v(tau)], and (rho tau - 1) S =
//! tau B - A, an equation of the same form as that of [`crate::phase1::lagrange`].
//!
//! Points that differ from the true ones by E_b make the sides differ by a polynomial in rho of
//! degree below m, with coefficients that are the transform of the E_b up to roots of unity: it
//! vanishes for at most m - 1 of the r possible rho.
//!
//! Level p+1 of section 12 lacks the term with tau^(n-1), which has the weight rho^(m-1) / M
//! omega_M^r = rho^(m-1) v_(M-1). In B the last power becomes `rho^(m-1) [tau^(n-2)]`, with that
//! factor 1/M omega_M^r.

use std::io::{Read, Seek};

use ark_ff::{AdditiveGroup, Field};
use bn254_batch::Point;
use bn254_batch::curve::{Fr, root_of_unity};

use super::WrongPart;
use crate::entropy::VerifierRng;
use crate::format::FormatError;
use crate::format::bases_part::BasesPart;
use crate::format::points::PointRun;
use crate::format::ptau::{AccumulatorLayout, Ptau};
use crate::phase1::error::VerifyError;
use crate::phase1::lagrange::{LagrangeCheck, PowerEnds, Reader, level_weights};
use crate::phase1::{Part, place_of_run};
use crate::progress::{NoProgress, Progress};

/// The parts that are not what the powers make them, with the first place of each. The powers must
/// be powers (check 5).
pub(super) fn wrong_parts<R: Read + Seek + Send, S: Read + Seek + Send>(
    powers: &mut Ptau<R>,
    parts: &mut [BasesPart<S>],
    order: &[usize],
    progress: &dyn Progress,
) -> Result<Vec<WrongPart>, VerifyError> {
    let mut rng = VerifierRng::from_os()?;
    let (layout, source) = (powers.accumulator(), powers.source());
    let mut ends = PowerEnds::new();
    ends.add(Part::TauG1, 0, &layout.tau_g1.read(source, &mut rng, 0, 2)?);
    ends.add(Part::TauG2, 0, &layout.tau_g2.read(source, &mut rng, 0, 2)?);
    let rho = rng.scalar();
    let mut suspects = Suspects { check: LagrangeCheck::new(ends, rho), rho, layout, source, rng };
    progress.begin("looking for the part", parts.len() as u64);
    let mut wrong = Vec::new();
    for index in order {
        let found = &mut parts[*index];
        if let Some(place) = suspects.first_wrong(found)? {
            wrong.push(WrongPart { part: found.header().part, index: *index, place });
        }
        progress.advance(1);
    }
    progress.end();
    Ok(wrong)
}

struct Suspects<'a, R> {
    check: LagrangeCheck,
    rho: Fr,
    layout: AccumulatorLayout,
    source: &'a mut R,
    rng: VerifierRng,
}

impl<R: Read + Seek + Send> Suspects<'_, R> {
    /// The first section and level of a part that are not the powers'.
    fn first_wrong<S: Read + Seek + Send>(
        &mut self,
        part: &mut BasesPart<S>,
    ) -> Result<Option<String>, FormatError> {
        let (powers, run) = (self.layout, part.layout());
        if let Some(place) = self.section(part, &run.tau_g1, &powers.tau_g1)? {
            return Ok(Some(place));
        }
        if let Some(place) = self.section(part, &run.tau_g2, &powers.tau_g2)? {
            return Ok(Some(place));
        }
        if let Some(place) = self.section(part, &run.alpha_tau_g1, &powers.alpha_tau_g1)? {
            return Ok(Some(place));
        }
        self.section(part, &run.beta_tau_g1, &powers.beta_tau_g1)
    }

    fn section<S: Read + Seek + Send, P: Point>(
        &mut self,
        part: &mut BasesPart<S>,
        run: &PointRun<P>,
        powers: &PointRun<P>,
    ) -> Result<Option<String>, FormatError> {
        let (levels, of) = (part.layout().levels, part.header().part);
        for of_part in levels.first().. {
            let start = levels.start_of(of_part);
            if start == run.len {
                break;
            }
            let level = of_part + of.log_parts();
            let (Some(omega), Some(of_parts)) =
                (root_of_unity(level), root_of_unity(of.log_parts()))
            else {
                continue;
            };
            let residue = [u64::from(of.residue())];
            let rho = self.rho * omega.pow(residue);
            let mut reader =
                Reader { source: part.source(), rng: &mut self.rng, progress: &NoProgress };
            let sum = reader.sum(run, start..start + (1 << of_part), |start, count| {
                level_weights(rho, levels, of_part, start, count)
            })?;
            // s^-1 of 1/M sum_k s^-k ...
            let step = of_parts.pow(residue).inverse().unwrap_or(Fr::ONE);
            let mut factor = Fr::from(of.parts()).inverse().unwrap_or(Fr::ONE);
            let apart = 1u64 << of_part;
            let (mut head, mut tail) = (P::Group::ZERO, P::Group::ZERO);
            for k in 0..u64::from(of.parts()) {
                head += self.power(powers, apart * k)? * factor;
                // The one power that is missing, and the one before.
                let last = apart * (k + 1) - 1;
                let (last, exponent) =
                    if last < powers.len { (last, apart) } else { (last - 1, apart - 1) };
                tail += self.power(powers, last)? * (factor * self.rho.pow([exponent]));
                factor *= step;
            }
            if !self.check.is_geometric(sum, head, tail) {
                return Ok(Some(format!("{}, level {level}", place_of_run(run))));
            }
        }
        Ok(None)
    }

    fn power<P: Point>(&mut self, powers: &PointRun<P>, index: u64) -> Result<P, FormatError> {
        Ok(powers.read(self.source, &mut self.rng, index, 1)?[0])
    }
}
