//! What one part computes: reads its share of each section once, holds the bytes to the plan, and
//! sums.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use ark_ec::CurveGroup;
use ark_ff::AdditiveGroup;
use bn254_batch::Point;
use bn254_batch::curve::{Fr, G1Affine, G2Affine};
use sha2::{Digest, Sha256};

use super::{PartOf, Plan, bytes_of};
use crate::explain::{Explain, Finding};
use crate::format::FormatError;
use crate::format::bound_file::each_chunk;
use crate::format::points::{PointRun, ReadAhead};
use crate::hash::FileSha256;
use crate::phase1::lagrange::{Reader, factors, level_weights, points_of, weights};
use crate::phase1::place_of_run;
use crate::phase1::sections::{OVERLAP, no_powers};
use crate::phase1::verify::VerifyError;
use crate::progress::{NoProgress, Progress, SubProgress};
use crate::ratio::{Ratio, Successors};

/// The sums of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartSums {
    /// Of section 2, `(sum c_i P_i, sum c_i P_(i+1))` over the part's steps; none where it has no
    /// step.
    pub tau_g1: Option<Ratio<G1Affine>>,
    /// Of section 3.
    pub tau_g2: Option<Ratio<G2Affine>>,
    /// Of section 4.
    pub alpha_tau_g1: Option<Ratio<G1Affine>>,
    /// Of section 5.
    pub beta_tau_g1: Option<Ratio<G1Affine>>,
    /// Of a prepared file.
    pub lagrange: Option<LagrangeSums>,
}

/// `sum w_j L_j` over the part's points, infinity where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LagrangeSums {
    /// Of section 12, levels 0 to power.
    pub tau_g1: G1Affine,
    /// Of section 12, level power + 1.
    pub tau_g1_last: G1Affine,
    /// Of section 13.
    pub tau_g2: G2Affine,
    /// Of section 14.
    pub alpha_tau_g1: G1Affine,
    /// Of section 15.
    pub beta_tau_g1: G1Affine,
}

/// Why a part has no sums.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PartError {
    /// A point of the part shows by itself that the file is bad, or reading failed.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The bytes are not those that the plan was made of.
    #[error(
        "{place}: the bytes are not those that the plan was made of: found {found}, expected \
         {expected}"
    )]
    OtherBytes {
        /// Section, part, and where its bytes lie.
        place: String,
        /// SHA-256 of the bytes.
        found: FileSha256,
        /// That of the plan.
        expected: FileSha256,
    },
}

impl Explain for PartError {
    fn explain(&self) -> Finding {
        match self {
            Self::Verify(error) => error.explain(),
            Self::OtherBytes { found, expected, .. } => {
                Finding::compared("ptau-part/other-bytes", self, found, expected)
            }
        }
    }
}

impl From<std::io::Error> for PartError {
    fn from(error: std::io::Error) -> Self {
        Self::Verify(FormatError::from(error).into())
    }
}

impl PartSums {
    /// Reads the part's share of a file, and nothing else of it.
    ///
    /// # Errors
    /// [`PartError`]: the first point that is none, or bytes that are not the plan's.
    pub fn of_file<R: Read + Seek + Send>(
        source: &mut R,
        plan: &Plan,
        part: PartOf,
        progress: &dyn Progress,
    ) -> Result<Self, PartError> {
        let mut share = Share { source, plan, part, progress };
        let powers = plan.accumulator();
        progress.begin("summing a part", share.points());
        let sums = Self {
            tau_g1: share.steps(&powers.tau_g1)?,
            tau_g2: share.steps(&powers.tau_g2)?,
            alpha_tau_g1: share.steps(&powers.alpha_tau_g1)?,
            beta_tau_g1: share.steps(&powers.beta_tau_g1)?,
            lagrange: share.lagrange()?,
        };
        progress.end();
        Ok(sums)
    }
}

/// A part's share of a file.
struct Share<'a, R> {
    source: &'a mut R,
    plan: &'a Plan,
    part: PartOf,
    progress: &'a dyn Progress,
}

impl<R: Read + Seek + Send> Share<'_, R> {
    /// How many points it has, for the progress.
    fn points(&self) -> u64 {
        let count = |len: u64| {
            let own = self.part.points(len);
            own.end - own.start
        };
        let powers = self.plan.accumulator();
        let lagrange = self
            .plan
            .lagrange()
            .map_or(0, |(layout, _)| count(layout.tau_g1.len) + count(layout.tau_g2.len) * 3);
        count(powers.tau_g1.len) + count(powers.tau_g2.len) * 3 + lagrange
    }

    /// Check 5 of the steps of a section, but for the pairings; and of all points, that they are in
    /// the subgroup.
    fn steps<P: Point>(&mut self, run: &PointRun<P>) -> Result<Option<Ratio<P>>, PartError> {
        let range = self.part.with_border(run.len);
        if range.is_empty() {
            return Ok(None);
        }
        let mut rng = self.plan.seed().of(run.section, self.part.number());
        let mut sums = Successors::new(range.end - range.start);
        let progress = self.progress;
        self.held_to_the_plan(run, &range, |source| {
            let mut pieces = ReadAhead::new(source);
            pieces.want(run, range.clone(), OVERLAP);
            run.for_each_chunk_on_curve(range.clone(), &mut pieces, OVERLAP, |_, points| {
                sums.add(&points, &mut rng);
                progress.advance(points.len() as u64);
                Ok::<_, VerifyError>(())
            })
        })?;
        match sums.ratio(&mut rng) {
            Some(ratio) => Ok((range.end - range.start > 1).then_some(ratio)),
            None => {
                // Once more, for the point.
                self.held_to_the_plan(run, &range, |source| {
                    run.for_each_chunk_of(range.clone(), source, &mut rng, 0, |_, _, _| {
                        Ok::<_, VerifyError>(())
                    })
                })?;
                Err(no_powers(place_of_run(run)).into())
            }
        }
    }

    /// Check 7 of the part's points, but for the pairings.
    fn lagrange(&mut self) -> Result<Option<LagrangeSums>, PartError> {
        let plan = self.plan;
        let Some((layout, _)) = plan.lagrange() else { return Ok(None) };
        let (tau_g1, tau_g1_last) = self.weighted(&layout.tau_g1)?;
        let (tau_g2, _) = self.weighted(&layout.tau_g2)?;
        let (alpha_tau_g1, _) = self.weighted(&layout.alpha_tau_g1)?;
        let (beta_tau_g1, _) = self.weighted(&layout.beta_tau_g1)?;
        Ok(Some(LagrangeSums { tau_g1, tau_g1_last, tau_g2, alpha_tau_g1, beta_tau_g1 }))
    }

    /// The sums over levels 0 to power of a section, and over the level after that.
    fn weighted<P: Point>(&mut self, run: &PointRun<P>) -> Result<(P, P), PartError> {
        let range = self.part.points(run.len);
        let all = self.plan.levels();
        let (rho, factors) = shared(self.plan, run.section);
        let mut rng = self.plan.seed().of(run.section, self.part.number());
        let border = points_of(all).end.clamp(range.start, range.end);
        let (first, last) = (range.start..border, border..range.end);
        let (mut levels, mut level) = (P::Group::ZERO, P::Group::ZERO);
        let progress = &SubProgress(self.progress);
        self.held_to_the_plan(run, &range, |source| {
            let mut reader = Reader { source, rng: &mut rng, progress };
            if !first.is_empty() {
                levels = reader.sum(run, first, |start, count| {
                    Some(weights(rho, all, &factors, start, count))
                })?;
            }
            if !last.is_empty() {
                level = reader.sum(run, last, |start, count| {
                    level_weights(rho, all, all.last() + 1, start, count)
                })?;
            }
            Ok(())
        })?;
        Ok((levels.into_affine(), level.into_affine()))
    }

    /// Runs `read` on points of a section, and holds what it read to the plan, also and first of
    /// all where it found something.
    fn held_to_the_plan<P: Point>(
        &mut self,
        run: &PointRun<P>,
        points: &Range<u64>,
        read: impl FnOnce(&mut InOrder<'_, R>) -> Result<(), VerifyError>,
    ) -> Result<(), PartError> {
        let bytes = bytes_of(run, points);
        let mut source = InOrder { source: self.source, next: bytes.start, sha256: Sha256::new() };
        let found = read(&mut source);
        if let Err(error) = &found
            && error.is_environment()
        {
            return found.map_err(PartError::from);
        }
        let mut sha256 = source.sha256;
        if source.next != bytes.end {
            // It stopped at a bad point.
            sha256 = Sha256::new();
            each_chunk(self.source, bytes.clone(), &NoProgress, |chunk| sha256.update(chunk))?;
        }
        let sha256 = FileSha256(sha256.finalize().into());
        let expected = self.plan.piece(run.section, self.part);
        if sha256 != expected {
            return Err(PartError::OtherBytes {
                place: format!(
                    "{}, {}, bytes {} to {}",
                    place_of_run(run),
                    self.part,
                    bytes.start,
                    bytes.end
                ),
                found: sha256,
                expected,
            });
        }
        Ok(found?)
    }
}

/// rho, and the factors of a section's levels: what all parts have in common.
pub(super) fn shared(plan: &Plan, section: u32) -> (Fr, Vec<Fr>) {
    let seed = plan.seed();
    (seed.of(0, 0).scalar(), factors(plan.levels(), &mut seed.of(section, 0)))
}

/// A piece of a file that is read in order, once, and hashed.
struct InOrder<'a, R> {
    source: &'a mut R,
    next: u64,
    sha256: Sha256,
}

impl<R: Read> Read for InOrder<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(out)?;
        self.sha256.update(&out[..count]);
        self.next += count as u64;
        Ok(count)
    }
}

impl<R: Seek> Seek for InOrder<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        if to != SeekFrom::Start(self.next) {
            return Err(std::io::Error::other("a piece of a file is read in order"));
        }
        self.source.seek(to)
    }
}
