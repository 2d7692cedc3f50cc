//! All parts together: the pairings on their sums, and the verdict.

use std::collections::BTreeMap;

use ark_ec::CurveGroup;
use bn254_batch::Point;
use bn254_batch::curve::{AffinePoint as _, G1Affine, G2Affine};
use rayon::prelude::*;

use super::sums::shared;
use super::{LagrangeSums, PartOf, PartSums, Plan};
use crate::explain::{Explain, Finding};
use crate::format::points::PointRun;
use crate::phase1::lagrange::{Ends, LagrangeCheck, not_the_basis};
use crate::phase1::place_of_run;
use crate::phase1::records::check_chain;
use crate::phase1::report::{Expectations, Verified};
use crate::phase1::sections::no_powers;
use crate::phase1::verify::{VerifyError, check_digest, check_expected};
use crate::progress::Progress;
use crate::ratio::{Ratio, ratio_is};

/// Why parts together are no verification.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CombineError {
    /// A part that the plan has is not there.
    #[error("{0} is missing")]
    Missing(PartOf),
    /// A part that the plan does not have.
    #[error("there is no such part: found {found}, expected 1 to {parts}")]
    NoSuchPart {
        /// Its number.
        found: u32,
        /// As many are there.
        parts: u32,
    },
    /// A part whose sums are not those of its share, whatever that holds.
    #[error("{part}: {what}")]
    Sums {
        /// The part.
        part: PartOf,
        /// What is wrong with them.
        what: &'static str,
    },
    /// The file fails a check.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

impl Explain for CombineError {
    fn explain(&self) -> Finding {
        match self {
            Self::Missing(_) => Finding::new("ptau-combine/missing", self),
            Self::NoSuchPart { found, parts } => Finding::compared(
                "ptau-combine/no-such-part",
                self,
                found,
                format_args!("1 to {parts}"),
            ),
            Self::Sums { .. } => Finding::new("ptau-combine/sums", self),
            Self::Verify(error) => error.explain(),
        }
    }
}

/// Finishes what plan and parts have begun: the same checks as
/// [`verify`](crate::phase1::verify::verify), with the same report. That plan and sums were made by
/// someone to be believed is for the caller to know.
///
/// # Errors
/// A part that is missing or misshapen; the first check that fails. A wrong step is told with
/// section and part; a wrong Lagrange point with its section, for its equation is about all parts
/// at once.
pub fn combine(
    plan: &Plan,
    sums: &BTreeMap<u32, PartSums>,
    expectations: &Expectations<'_>,
    progress: &dyn Progress,
) -> Result<Verified, CombineError> {
    let parts = plan.content().parts;
    if let Some(found) = sums.keys().find(|number| plan.part(**number).is_none()) {
        return Err(CombineError::NoSuchPart { found: *found, parts });
    }
    let parts: Vec<(PartOf, &PartSums)> = (1..=parts)
        .filter_map(|number| plan.part(number))
        .map(|part| match sums.get(&part.number()) {
            Some(sums) => Ok((part, sums)),
            None => Err(CombineError::Missing(part)),
        })
        .collect::<Result<_, _>>()?;
    parts.par_iter().try_for_each(|(part, sums)| check_shape(plan, *part, sums))?;
    let records = plan.contributions();
    let (kind, digests) = (plan.kind(), plan.content().digests);
    let last = check_expected(records, expectations).map_err(VerifyError::from)?;
    check_digest(kind, &digests.blake2b, expectations).map_err(VerifyError::from)?;
    check_chain(records, kind.ceremony_power, progress).map_err(VerifyError::from)?;
    // 5
    let tau = (last.key_points.tau_g1, last.key_points.tau_g2);
    let powers = plan.accumulator();
    check_steps(&parts, &powers.tau_g1, tau, |sums| sums.tau_g1)?;
    check_steps(&parts, &powers.tau_g2, tau, |sums| sums.tau_g2)?;
    check_steps(&parts, &powers.alpha_tau_g1, tau, |sums| sums.alpha_tau_g1)?;
    check_steps(&parts, &powers.beta_tau_g1, tau, |sums| sums.beta_tau_g1)?;
    // 7
    check_lagrange(plan, &parts)?;
    Ok(Verified::of(digests, last, kind, expectations))
}

/// Sums are there exactly where the part has something to sum, and those in G2 are in the subgroup.
fn check_shape(plan: &Plan, part: PartOf, sums: &PartSums) -> Result<(), CombineError> {
    let PartSums { tau_g1, tau_g2, alpha_tau_g1, beta_tau_g1, lagrange } = sums;
    let powers = plan.accumulator();
    let steps = |len: u64, is_some: bool| {
        let read = part.with_border(len);
        is_some == (read.end - read.start > 1)
    };
    let whole = steps(powers.tau_g1.len, tau_g1.is_some())
        && steps(powers.tau_g2.len, tau_g2.is_some())
        && steps(powers.alpha_tau_g1.len, alpha_tau_g1.is_some())
        && steps(powers.beta_tau_g1.len, beta_tau_g1.is_some())
        && lagrange.is_some() == plan.lagrange().is_some();
    let wrong = |what| Err(CombineError::Sums { part, what });
    if !whole {
        return wrong("its sums are not those of the sections that it has a share of");
    }
    let in_g2 = tau_g2.iter().flat_map(|Ratio(x, y)| [x, y]);
    if !in_g2.chain(lagrange.iter().map(|it| &it.tau_g2)).all(|point| point.in_subgroup()) {
        return wrong("a sum of points of G2 is outside the subgroup of order r");
    }
    Ok(())
}

/// Check 5 of a section, part by part.
fn check_steps<P: Point>(
    parts: &[(PartOf, &PartSums)],
    run: &PointRun<P>,
    tau: (G1Affine, G2Affine),
    ratio: impl Fn(&PartSums) -> Option<Ratio<P>> + Sync,
) -> Result<(), VerifyError> {
    let wrong = parts
        .par_iter()
        .with_max_len(1)
        .find_first(|(_, sums)| ratio(sums).is_some_and(|ratio| !ratio_is(ratio, tau)));
    let Some((part, _)) = wrong else { return Ok(()) };
    let read = part.with_border(run.len);
    Err(no_powers(format!(
        "{}, {part}, elements {} to {}",
        place_of_run(run),
        read.start,
        read.end - 1
    )))
}

/// Check 7.
fn check_lagrange(plan: &Plan, parts: &[(PartOf, &PartSums)]) -> Result<(), VerifyError> {
    let Some((layout, ends)) = plan.lagrange() else { return Ok(()) };
    let sums: Vec<LagrangeSums> = parts.iter().filter_map(|(_, sums)| sums.lagrange).collect();
    let (power, truncated) = (plan.kind().power.exponent(), plan.kind().is_truncated());
    let (rho, _) = shared(plan, 0);
    let check = LagrangeCheck::new(ends.clone(), rho);
    let section = Section { plan, check: &check, sums: &sums };
    let ends = check.powers();
    section.levels(&layout.tau_g1, &ends.tau_g1, |sums| sums.tau_g1)?;
    // No domain of 2^29 exists: such a level is bound by the file's digest (check 9).
    if bn254_batch::curve::root_of_unity(power + 1).is_some() {
        let sum = sums.iter().map(|sums| sums.tau_g1_last).sum();
        if !check.level_of_twice_the_size_is(sum, power + 1, truncated) {
            let place = format!("{}, level {}", place_of_run(&layout.tau_g1), power + 1);
            return Err(not_the_basis(place));
        }
    }
    section.levels(&layout.tau_g2, &ends.tau_g2, |sums| sums.tau_g2)?;
    section.levels(&layout.alpha_tau_g1, &ends.alpha_tau_g1, |sums| sums.alpha_tau_g1)?;
    section.levels(&layout.beta_tau_g1, &ends.beta_tau_g1, |sums| sums.beta_tau_g1)
}

/// What the levels of each section are compared with.
struct Section<'a> {
    plan: &'a Plan,
    check: &'a LagrangeCheck,
    sums: &'a [LagrangeSums],
}

impl Section<'_> {
    fn levels<P: Point<Group: CurveGroup<Affine = P>>>(
        &self,
        run: &PointRun<P>,
        ends: &Ends<P>,
        sum: impl Fn(&LagrangeSums) -> P,
    ) -> Result<(), VerifyError> {
        let (_, factors) = shared(self.plan, run.section);
        let sum: P::Group = self.sums.iter().map(sum).map(|sum| sum.into_group()).sum();
        if self.check.levels_are(sum, self.plan.levels(), &factors, ends) {
            return Ok(());
        }
        Err(not_the_basis(format!("{}, parts 1 to {}", place_of_run(run), self.sums.len())))
    }
}
