//! The numbered checks of a powers-of-tau file (docs/formats.md, section 7, phase 1; the numbers
//! are the same).
//!
//! | check | statement |
//! |---|---|
//! | 0 | at least one contribution (or the policy's minimum) is not a beacon |
//! | 1 | each contributor knew its tau, alpha and beta, and none of them was 1 |
//! | 2 | tau' = t tau in both groups |
//! | 3 | alpha' = a alpha in G1; beta' = b beta in both groups |
//! | 4 | a beacon's key is the one that its public value gives; at most one beacon, as the last record |
//! | 5 | the first elements are those of the last record, and each section is a run of powers of tau |
//! | 6 | the points hash to the last record's response and challenge |
//! | 7 | each level of the Lagrange sections belongs to the powers |
//! | 8 | no public key, accumulated key or challenge occurs twice, and tau has no small order |
//! | 9 | a truncated file, whose points no hash binds, has a digest that is known (as has a prepared file of power 28) |
//! | 10 | the file continues the chain that is already known |
//!
//! Checks 1 to 4 follow the record i and the one before it, in that order, for i = 1, 2, ...; so
//! the first failure named is the earliest.
//!
//! The digests are those of the bytes that were checked ([`StreamHashedFile`]): a file that changes
//! under the verifier passes for what was read of it, or not at all. Random coefficients never
//! leave the process; those of the sums are drawn after the points that they are for were read,
//! those of check 7 before.

use std::io::{Read, Seek};

use bn254_batch::Point;
use bn254_batch::curve::FR_TWO_ADICITY;

pub use super::error::VerifyError;
use super::lagrange::LagrangeCheck;
use super::records::check_continuity;
pub use super::records::{check_chain, check_minimum};
pub use super::report::{Check, Expectations, Failure, Verified};
use super::sections::check_sections;
use super::{EachPart, Part, each_part, perpetual_powers};
use crate::entropy::VerifierRng;
use crate::format::FormatError;
use crate::format::bound_file::{Change, DigestError, FileDigests, StreamHashedFile, digest_file};
use crate::format::points::PointRun;
use crate::format::ptau::{Contribution, Levels, Power, Ptau};
use crate::hash::{FileBlake2b, FileSha256};
use crate::progress::Progress;

/// Opens a file and runs every check on it.
///
/// ```
/// # use std::io::Cursor;
/// # use ceremony_core::entropy::ContributionRng;
/// # use ceremony_core::format::ptau::{Power, Ptau};
/// # use ceremony_core::phase1::contribute::{contribute, new};
/// use ceremony_core::phase1::verify::{Expectations, verify};
/// use ceremony_core::progress::NoProgress;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let mut start = Cursor::new(Vec::new());
/// # new(Power::new(3).ok_or("too large")?, &mut start, &NoProgress)?;
/// # let mut contributed = Cursor::new(Vec::new());
/// # let rng = ContributionRng::from_os_and_text(b"")?;
/// # contribute(&mut Ptau::open(start)?, &mut contributed, rng, None, &NoProgress)?;
/// // Any `Read + Seek + Send`: a file, or bytes in memory.
/// let (ptau, verified) = verify(contributed, &Expectations::default(), &NoProgress)?;
/// assert_eq!(ptau.contributions().len(), 1);
/// println!("verified SHA-256 {}", verified.digests.sha256);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The first defect or failing check. In sections 2 to 6, what a point shows by itself and the
/// first elements of all sections come before ratios and membership in the subgroup.
pub fn verify<R: Read + Seek + Send>(
    source: R,
    expectations: &Expectations<'_>,
    progress: &dyn Progress,
) -> Result<(Ptau<R>, Verified), VerifyError> {
    let known = expectations.proven.zip(expectations.earlier);
    let mut ptau = open(source, known)?;
    let last = check_expected(ptau.contributions(), expectations)?.clone();
    let known = known_digests(&mut ptau, expectations, progress)?;
    let proven = expectations
        .earlier
        .filter(|_| expectations.proven == Some(ptau.ceremony_power()))
        .map_or(0, <[_]>::len);
    let points = check_points(&mut ptau, &last, proven, progress);
    let (ptau, WholeRead { digests, .. }) = finish(ptau, points, progress)?;
    same_digests(known, &digests)?;
    let kind = Kind::of(&ptau);
    Ok((ptau, Verified::of(digests, &last, kind, expectations)))
}

/// Checks 0 and 10, on the records alone. Returns the last one.
pub(super) fn check_expected<'a>(
    records: &'a [Contribution],
    expectations: &Expectations<'_>,
) -> Result<&'a Contribution, Box<Failure>> {
    let last = check_minimum(records, expectations.min_contributions)?;
    expectations.earlier.map_or(Ok(()), |earlier| check_continuity(earlier, records))?;
    Ok(last)
}

/// What of a file decides which checks there are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) power: Power,
    pub(super) ceremony_power: Power,
    /// Of a file that is prepared.
    pub(super) levels: Option<Levels>,
}

impl Kind {
    pub(super) fn of<R: Read + Seek>(ptau: &Ptau<R>) -> Self {
        let (power, ceremony_power) = (ptau.power(), ptau.ceremony_power());
        let levels = ptau.lagrange().map(|lagrange| lagrange.levels);
        Self { power, ceremony_power, levels }
    }

    pub(super) fn is_truncated(self) -> bool {
        self.power != self.ceremony_power
    }

    /// Whether the file has a Lagrange level for a domain of 2^29, which the scalar field does not
    /// have.
    fn has_level_29(self) -> bool {
        self.levels.is_some_and(|levels| levels.last() == FR_TWO_ADICITY)
    }

    /// Whether check 9 is asked.
    fn needs_digest(self, expectations: &Expectations<'_>) -> bool {
        self.is_truncated() || self.has_level_29() || expectations.digest.is_some()
    }

    /// The checks that a verification runs, in order.
    fn checks(self, expectations: &Expectations<'_>) -> Vec<Check> {
        let asked = [
            (Check::MinimumContributions, true),
            (Check::ProofOfKnowledge, true),
            (Check::TauRatio, true),
            (Check::AlphaBetaRatio, true),
            (Check::Beacon, true),
            (Check::Powers, true),
            (Check::Hashes, !self.is_truncated()),
            (Check::Lagrange, self.levels.is_some()),
            (Check::RepeatedKey, true),
            (Check::Digest, self.needs_digest(expectations)),
            (Check::Continuity, expectations.earlier.is_some()),
        ];
        asked.into_iter().filter_map(|(check, asked)| asked.then_some(check)).collect()
    }
}

impl Verified {
    /// What holds of a file once all its checks have passed.
    pub(super) fn of(
        digests: FileDigests,
        last: &Contribution,
        kind: Kind,
        expectations: &Expectations<'_>,
    ) -> Self {
        Self {
            digests,
            published: perpetual_powers::published(&digests.blake2b),
            next_challenge: last.next_challenge,
            checks: kind.checks(expectations),
        }
    }
}

/// Where everything hangs on the digest, it is looked at before the hours of work (check 9), which
/// must then have been on a file of that digest.
pub(super) fn known_digests<R: Read + Seek + Send>(
    ptau: &mut Ptau<StreamHashedFile<R>>,
    expectations: &Expectations<'_>,
    progress: &dyn Progress,
) -> Result<Option<FileDigests>, VerifyError> {
    let kind = Kind::of(ptau);
    if !kind.needs_digest(expectations) {
        return Ok(None);
    }
    let digests = digest_file(ptau.source().inner(), progress).map_err(FormatError::Io)?;
    check_digest(kind, &digests.blake2b, expectations)?;
    Ok(Some(digests))
}

/// Whether the file that was read is the one whose digest was known before.
pub(super) fn same_digests(
    known: Option<FileDigests>,
    digests: &FileDigests,
) -> Result<(), VerifyError> {
    match known.filter(|known| known != digests) {
        None => Ok(()),
        Some(known) => Err(VerifyError::Changed(Change::Bytes {
            found: digests.sha256,
            expected: known.sha256,
        })),
    }
}

pub(super) fn open<R: Read + Seek + Send>(
    source: R,
    known: Option<(Power, &[Contribution])>,
) -> Result<Ptau<StreamHashedFile<R>>, FormatError> {
    Ptau::open_knowing(StreamHashedFile::new(source)?, known)
}

/// Ends the reading of a file with its digests, or with what was found. A file that changes
/// meanwhile says nothing about the one that was to be verified, so that comes before what was
/// found in it.
pub(super) fn finish<R: Read + Seek + Send, T>(
    mut ptau: Ptau<StreamHashedFile<R>>,
    found: Result<T, VerifyError>,
    progress: &dyn Progress,
) -> Result<(Ptau<R>, WholeRead<T>), VerifyError> {
    match found {
        Ok(found) => {
            let (ptau, (digests, ranges)) = ptau.map_source(|file| file.finish_ranges(progress))?;
            Ok((ptau, WholeRead { digests, found, ranges }))
        }
        Err(error) => {
            if !error.is_environment() {
                ptau.source().compare();
                if let Err(changed @ DigestError::Changed(_)) =
                    ptau.map_source(|file| file.finish(progress))
                {
                    return Err(changed.into());
                }
            }
            Err(error)
        }
    }
}

/// What the reading of a file gave.
pub(super) struct WholeRead<T> {
    pub(super) digests: FileDigests,
    pub(super) found: T,
    /// The digests of the ranges that were asked for.
    pub(super) ranges: Vec<FileSha256>,
}

/// Verifies that a file is the start that [`new`](super::contribute::new) writes: tau = alpha =
/// beta = 1, and nothing contributed.
///
/// # Errors
/// As [`verify`]; a point that is not the generator fails [`Check::Powers`].
pub fn verify_new<R: Read + Seek + Send>(
    source: R,
    progress: &dyn Progress,
) -> Result<(Ptau<R>, FileDigests), VerifyError> {
    struct AllGenerators<'a, R>(&'a mut R, VerifierRng, &'a dyn Progress);
    impl<R: Read + Seek + Send> EachPart for AllGenerators<'_, R> {
        type Error = VerifyError;
        fn part<P: Point>(&mut self, part: Part, run: &PointRun<P>) -> Result<(), VerifyError> {
            let Self(source, rng, progress) = self;
            run.for_each_chunk(*source, rng, 0, |start, points, _| {
                if let Some(i) = points.iter().position(|point| *point != P::generator()) {
                    let place = format!("section {}, point {}", part as u32, start + i as u64);
                    return Err(not_new(
                        place,
                        "a start has tau = alpha = beta = 1",
                        "another point",
                        "the generator",
                    ));
                }
                progress.advance(points.len() as u64);
                Ok(())
            })
        }
    }
    let mut ptau = open(source, None)?;
    let records = ptau.contributions().len();
    if records > 0 || ptau.is_truncated() || ptau.lagrange().is_some() {
        let found = format!(
            "{records} contributions, truncated: {}, prepared: {}",
            ptau.is_truncated(),
            ptau.lagrange().is_some()
        );
        return Err(not_new(
            "file".into(),
            "this is not the start of a ceremony",
            &found,
            "no contribution, neither truncated nor prepared",
        ));
    }
    let layout = ptau.accumulator();
    progress.begin("checking generators", layout.points());
    let rng = VerifierRng::from_os()?;
    let generators = each_part(&layout, &mut AllGenerators(ptau.source(), rng, progress));
    progress.end();
    let (ptau, WholeRead { digests, .. }) = finish(ptau, generators, progress)?;
    Ok((ptau, digests))
}

fn not_new(place: String, reason: &'static str, found: &str, expected: &str) -> VerifyError {
    Box::new(Failure {
        check: Check::Powers,
        place,
        reason,
        found: found.into(),
        expected: expected.into(),
    })
    .into()
}

/// Check 9, and any digest that the verifier names.
pub(super) fn check_digest(
    kind: Kind,
    digest: &FileBlake2b,
    expectations: &Expectations<'_>,
) -> Result<(), Box<Failure>> {
    let expected = expectations.digest;
    if !kind.needs_digest(expectations)
        || expected == Some(*digest)
        || (expected.is_none() && perpetual_powers::published(digest).is_some())
    {
        return Ok(());
    }
    let reason = if expected.is_some() {
        "the file has another digest"
    } else if !kind.is_truncated() {
        "the last Lagrange level of a prepared file of power 28 has no domain to check it on, and \
         its digest is not a published one"
    } else {
        "the file is truncated from a larger ceremony, so no hash in it binds its points, and its \
         digest is not a published one"
    };
    Err(Box::new(Failure {
        check: Check::Digest,
        place: if kind.is_truncated() {
            format!("file of power {} from a ceremony of power {}", kind.power, kind.ceremony_power)
        } else {
            "file".into()
        },
        reason,
        found: digest.to_string(),
        expected: expected.map_or_else(
            || "a published digest, or one given by the verifier".into(),
            |d| d.to_string(),
        ),
    }))
}

/// Checks 1 to 8: the records, of which the proofs of the first `proven` are known to hold, and
/// then the points.
pub(super) fn check_points<R: Read + Seek + Send>(
    ptau: &mut Ptau<R>,
    last: &Contribution,
    proven: usize,
    progress: &dyn Progress,
) -> Result<(), VerifyError> {
    let mut rng = VerifierRng::from_os()?;
    let powers = check_sections(ptau, last, proven, &mut rng, progress)?;
    LagrangeCheck::new(powers, rng.scalar()).check(ptau, &mut rng, progress)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No domain of 2^29 can be verified, so the file must be one whose digest is known.
    #[test]
    fn check_9_is_asked_of_prepared_files_of_power_28_and_of_no_smaller_ones() {
        let asked = |power, is_prepared| {
            let power = Power::new(power).unwrap();
            let levels = if is_prepared { Some(Levels::all(power)) } else { None };
            let kind = Kind { power, ceremony_power: power, levels };
            kind.checks(&Expectations::default()).contains(&Check::Digest)
        };
        assert!(asked(28, true));
        assert!(!asked(28, false) && !asked(27, true));
    }
}
