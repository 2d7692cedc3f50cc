//! A verification of phase 1 by N machines, each of which reads its share of the points.
//!
//! # What is divided
//!
//! Almost all work is in two statements about long runs of points (checks 5 and 7 of
//! [`verify`](super::verify)), and both are sums over the points. Part I of N takes the points with
//! indices in `[len (I-1)/N, len I/N)` of each of the sections 2 to 5 and, of a prepared file, 12
//! to 15. Of sections 2 to 5 it also takes the first point of the next part: a step from one power
//! to the next belongs to the part of its first point, so that none is missed at a border.
//!
//! | document | who makes it | what it says |
//! |---|---|---|
//! | [`Plan`] | one reading of the whole file, [`Plan::of_file`] | everything that no part can say: structure, checks 0 to 4, 6, 8, 9, 10, the first elements of check 5, section 6; digests of the file and of each part's bytes |
//! | [`PartSums`] | N readings of a share each, [`PartSums::of_file`] | every point of the share is on its curve and in the subgroup; sums of the steps; weighted sums of the Lagrange points |
//! | [`combine`] | no reading | the pairings on the sums, and checks 0 to 4, 8, 9, 10 once more |
//!
//! A part gives sums and no verdict. Anyone can repeat a part and finds the same sums bit for bit,
//! so a wrong part convicts its signer; a verdict would be one bit that a machine that did nothing
//! guesses. And the weighted sums of check 7 mean nothing until all of them are added up.
//!
//! # Why the coefficients may be known
//!
//! Here the coefficients cannot come from one machine's operating system. They are a function of
//! the plan's digest D, part and section (`PlanSeed`): ChaCha20 keyed by SHA-256(name | D | section
//! | part). With SHA-256 as a random oracle this is the transformation of Fiat and Shamir: D binds
//! every byte that a part reads (a part refuses other bytes), so the coefficients are drawn, once
//! and for all, when the points can no longer be changed; that they are known afterwards helps no
//! one. Each argument about one file stays as it is, for none asks more than coefficients that are
//! uniform and independent of the points:
//!
//! - membership in G2: every window of [`bn254_batch::StrideSums`], every combination of
//!   [`bn254_batch::outside_subgroup`] has coefficients of at most 13 bits, below the smallest
//!   prime factor 10069 of the cofactor; 10 independent ones miss a point with probability 2^-128,
//! - steps: at most 2^-127 (`Successors` in [`crate::ratio`]), for each part,
//! - Lagrange levels: at most 2^29 / r + 1 / r < 2^-224, for rho and the factors of the levels,
//!   which all parts share.
//!
//! A file with any fault has one that a part must find or a sum must show, so one try passes with
//! probability at most 2^-127. What is new: an author can make many files, or many plans, and look
//! whether one passes. After q tries (evaluations of SHA-256) some file with a fault passes with
//! probability at most q 2^-127: the short coefficients of membership are no easier to find one by
//! one, since all of a part are drawn from one key, and a try draws them all anew.
//!
//! And the plan holds 32 bytes of the planner's operating system, drawn after the last byte was
//! read. So an author who does not make the plan has one try for each plan of others, as with
//! [`verify`](super::verify::verify), and the bound with q concerns only a planner who sides with
//! the author. Such a planner can lie more cheaply about the digests; whoever combines names the
//! keys that are believed, and is told what each of them said.

mod combine;
mod plan;
mod sums;

use std::fmt;
use std::ops::Range;

use bn254_batch::Point;

pub use self::combine::{CombineError, combine};
pub use self::plan::{Plan, PlanContent, PlanError, PlannedSection, PlanningError};
pub use self::sums::{LagrangeSums, PartError, PartSums};
pub use super::lagrange::{Ends, PowerEnds};
use crate::format::points::PointRun;
use crate::format::ptau::{AccumulatorLayout, LagrangeLayout};

/// Parts at most: some thousands of machines. A plan of that many has 2.2 MiB of digests.
pub const MAX_PARTS: u32 = 4096;

/// Part I of N, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartOf {
    number: u32,
    of: u32,
}

impl PartOf {
    /// A part, if there is one of this number.
    #[must_use]
    pub fn new(number: u32, of: u32) -> Option<Self> {
        ((1..=MAX_PARTS).contains(&of) && (1..=of).contains(&number)).then_some(Self { number, of })
    }

    /// I.
    #[must_use]
    pub fn number(self) -> u32 {
        self.number
    }

    /// N.
    #[must_use]
    pub fn of(self) -> u32 {
        self.of
    }

    /// The part's own points, of `len`.
    fn points(self, len: u64) -> Range<u64> {
        let start = |number: u32| len * u64::from(number) / u64::from(self.of);
        start(self.number - 1)..start(self.number)
    }

    /// The points between which its steps are: its own, and the next part's first.
    fn with_border(self, len: u64) -> Range<u64> {
        match self.points(len) {
            own if own.is_empty() => own,
            own => own.start..(own.end + 1).min(len),
        }
    }
}

impl fmt::Display for PartOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "part {} of {}", self.number, self.of)
    }
}

/// What is asked of a section that is cut into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// 2 to 5: steps between neighbours.
    Powers,
    /// 12 to 15: weighted points.
    Lagrange,
}

impl Cut {
    /// The points that a part reads.
    fn read(self, part: PartOf, len: u64) -> Range<u64> {
        match self {
            Self::Powers => part.with_border(len),
            Self::Lagrange => part.points(len),
        }
    }
}

/// Where some points of a run lie.
fn bytes_of<P: Point>(run: &PointRun<P>, points: &Range<u64>) -> Range<u64> {
    let size = run.encoding.point_bytes::<P>() as u64;
    run.offset + points.start * size..run.offset + points.end * size
}

/// Something that is done to each section that is cut.
trait EachCut {
    type Error;
    fn section<P: Point>(&mut self, cut: Cut, run: &mut PointRun<P>) -> Result<(), Self::Error>;
}

/// Visits sections 2 to 5 and, where there are such, 12 to 15.
fn each_cut<V: EachCut>(
    powers: &mut AccumulatorLayout,
    lagrange: Option<&mut LagrangeLayout>,
    visitor: &mut V,
) -> Result<(), V::Error> {
    visitor.section(Cut::Powers, &mut powers.tau_g1)?;
    visitor.section(Cut::Powers, &mut powers.tau_g2)?;
    visitor.section(Cut::Powers, &mut powers.alpha_tau_g1)?;
    visitor.section(Cut::Powers, &mut powers.beta_tau_g1)?;
    let Some(lagrange) = lagrange else { return Ok(()) };
    visitor.section(Cut::Lagrange, &mut lagrange.tau_g1)?;
    visitor.section(Cut::Lagrange, &mut lagrange.tau_g2)?;
    visitor.section(Cut::Lagrange, &mut lagrange.alpha_tau_g1)?;
    visitor.section(Cut::Lagrange, &mut lagrange.beta_tau_g1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_every_point_once_and_every_step_once() {
        for len in [0, 1, 2, 7, 8, 127, 4096, (1 << 30) - 1] {
            for of in [1, 2, 3, 8, 100, MAX_PARTS] {
                let (mut points, mut steps) = (0, 0);
                for part in (1..=of).map(|number| PartOf::new(number, of).unwrap()) {
                    let (own, read) = (part.points(len), part.with_border(len));
                    assert_eq!((own.start, own.end.min(len)), (points, own.end), "{part} of {len}");
                    points = own.end;
                    // A step is named by its first point.
                    if read.end - read.start > 1 {
                        assert_eq!(read.start, steps, "{part} of {len}");
                        steps = read.end - 1;
                    }
                }
                assert_eq!((points, steps), (len, len.saturating_sub(1)), "{of} of {len}");
            }
        }
    }

    #[test]
    fn there_is_no_part_0_none_above_the_number_of_parts_and_no_more_than_4096() {
        for (number, of) in [(0, 8), (9, 8), (1, 0), (0, 0), (1, MAX_PARTS + 1), (u32::MAX, 8)] {
            assert_eq!(PartOf::new(number, of), None, "{number}/{of}");
        }
        assert!(PartOf::new(MAX_PARTS, MAX_PARTS).is_some());
    }
}
