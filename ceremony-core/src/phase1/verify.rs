//! The numbered checks of a powers-of-tau file (formats page, section 7, phase 1; the numbers are the same).
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
//! | 8 | no public key occurs twice |
//! | 9 | a truncated file, whose points no hash binds, has a digest that is known (as has a prepared file of power 28) |
//! | 10 | the file continues the chain that is already known |
//!
//! Checks 1 to 4 follow the record i and the one before it, in that order, for i = 1, 2, ...; so the first failure named is the earliest.
//!
//! The digests are those of the bytes that were checked ([`StreamHashedFile`]): a file that changes under the verifier passes for what was read of it,
//! or not at all. Random coefficients never leave the process; those of the sums are drawn after the points that they are for were read, those
//! of check 7 before.

use std::io::{Read, Seek};

use ark_ec::AffineRepr;
use rayon::prelude::*;

use super::contribute::TauSecrets;
use super::lagrange::LagrangeCheck;
use super::{
    ChainHead, EachPart, Part, SecretName, each_part, perpetual_powers, pok_base_point, read_ahead,
};
use crate::entropy::{ContributionRng, OsRandomError, VerifierRng};
use crate::format::FormatError;
use crate::format::bound_file::{Change, DigestError, FileDigests, StreamHashedFile, digest_file};
use crate::format::encoding::{Encoding, compress_into, encode, encode_into};
use crate::format::points::{PointRun, ReadAhead};
use crate::format::ptau::{AccumulatorHead, Contribution, Power, Ptau, PublicKey, finish_response};
use crate::format::record::{ContributionKind, ProofOfKnowledge};
use crate::hash::{Blake2b512, Challenge, FileBlake2b};
use crate::progress::Progress;
use crate::ratio::{Ratio, Successors, ratio_is, same_ratio, verify_proof_of_knowledge};
use bn254_batch::curve::{FR_TWO_ADICITY, G1Affine, G2Affine, Point};

/// A numbered check of phase 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// 0: enough participants contributed.
    MinimumContributions = 0,
    /// 1: proofs of knowledge.
    ProofOfKnowledge = 1,
    /// 2: tau's ratio.
    TauRatio = 2,
    /// 3: alpha's and beta's ratios.
    AlphaBetaRatio = 3,
    /// 4: beacons.
    Beacon = 4,
    /// 5: first elements and power ratios.
    Powers = 5,
    /// 6: response hash and next challenge.
    Hashes = 6,
    /// 7: Lagrange sections.
    Lagrange = 7,
    /// 8: no public key twice.
    RepeatedKey = 8,
    /// 9: the digest of a truncated file.
    Digest = 9,
    /// 10: the known chain is continued.
    Continuity = 10,
}

impl Check {
    /// Its number in the list.
    #[must_use]
    pub fn number(self) -> u32 {
        self as u32
    }

    /// What holds when it passes.
    #[must_use]
    pub fn statement(self) -> &'static str {
        match self {
            Self::MinimumContributions => "enough participants contributed",
            Self::ProofOfKnowledge => "every contributor knew its secrets",
            Self::TauRatio => "tau is multiplied alike in both groups",
            Self::AlphaBetaRatio => "alpha and beta are multiplied as proved",
            Self::Beacon => "the beacon is recomputed, single and last",
            Self::Powers => "every section is a run of powers of tau",
            Self::Hashes => "the points hash to the last response and challenge",
            Self::Lagrange => "the Lagrange sections belong to the powers",
            Self::RepeatedKey => "no public key occurs twice",
            Self::Digest => "the file's digest is the expected one",
            Self::Continuity => "the known chain is continued",
        }
    }
}

/// A check that failed: where, what was found, what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason} (phase 1, check {})\n  found     {found}\n  expected  {expected}", check.number())]
pub struct Failure {
    /// Which check.
    pub check: Check,
    /// Contribution, section or file.
    pub place: String,
    /// What is wrong.
    pub reason: &'static str,
    /// As it is.
    pub found: String,
    /// As it should be.
    pub expected: String,
}

/// Why a file was not verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is not a sound file.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A numbered check failed.
    #[error(transparent)]
    Failed(#[from] Box<Failure>),
    /// No randomness.
    #[error(transparent)]
    OsRandom(#[from] OsRandomError),
    /// The file changed while it was read.
    #[error("the file changed while it was verified\n{0}")]
    Changed(Change),
}

impl From<DigestError> for VerifyError {
    fn from(error: DigestError) -> Self {
        match error {
            DigestError::Io(error) => Self::Format(error.into()),
            DigestError::Changed(change) => Self::Changed(change),
        }
    }
}

impl VerifyError {
    /// Whether the environment failed (reading, randomness), and not the artefact.
    #[must_use]
    pub fn is_environment(&self) -> bool {
        matches!(
            self,
            Self::OsRandom(_) | Self::Format(FormatError::Io(_) | FormatError::OsRandom(_))
        )
    }
}

/// What the verifier asks beyond the file itself.
#[derive(Clone, Debug)]
pub struct Expectations<'a> {
    /// Contributions that are not a beacon; at least 1 is always asked.
    pub min_contributions: u32,
    /// The file's BLAKE2b-512, where the verifier knows it from elsewhere.
    pub digest: Option<FileBlake2b>,
    /// Records that are known already and must come first.
    pub earlier: Option<&'a [Contribution]>,
}

impl Default for Expectations<'_> {
    fn default() -> Self {
        Self { min_contributions: 1, digest: None, earlier: None }
    }
}

/// What a successful verification has established.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Digests of the bytes that were verified.
    pub digests: FileDigests,
    /// The public file with that digest, if it is one.
    pub published: Option<&'static perpetual_powers::PublicFile>,
    /// The challenge for the next contributor.
    pub next_challenge: Challenge,
    /// Checks that were run, each once, in order; all passed.
    pub checks: Vec<Check>,
}

/// Opens a file and runs every check on it.
///
/// # Errors
/// The first defect or failing check. In sections 2 to 6, what a point shows by itself and the first elements of all sections come before ratios and
/// membership in the subgroup.
pub fn verify<R: Read + Seek + Send>(
    source: R,
    expectations: &Expectations<'_>,
    progress: &dyn Progress,
) -> Result<(Ptau<R>, Verified), VerifyError> {
    let mut ptau = open(source)?;
    let mut checks = vec![
        Check::MinimumContributions,
        Check::ProofOfKnowledge,
        Check::TauRatio,
        Check::AlphaBetaRatio,
        Check::Beacon,
        Check::Powers,
        Check::RepeatedKey,
    ];
    let last = check_minimum(ptau.contributions(), expectations.min_contributions)?.clone();
    if let Some(earlier) = expectations.earlier {
        check_continuity(earlier, ptau.contributions())?;
        checks.push(Check::Continuity);
    }
    let mut known = None;
    if ptau.is_truncated() || has_level_29(&ptau) || expectations.digest.is_some() {
        // Where everything hangs on the digest, it is looked at before the hours of work, which must then have been on a file of that digest.
        let digests = digest_file(ptau.source().inner(), progress).map_err(FormatError::Io)?;
        check_digest(&ptau, &digests.blake2b, expectations.digest)?;
        checks.push(Check::Digest);
        known = Some(digests);
    }
    let points = check_points(&mut ptau, &last, progress);
    let (ptau, digests) = finish(ptau, points, progress)?;
    if !ptau.is_truncated() {
        checks.push(Check::Hashes);
    }
    if ptau.lagrange().is_some() {
        checks.push(Check::Lagrange);
    }
    checks.sort_unstable();
    if let Some(known) = known.filter(|known| *known != digests) {
        return Err(VerifyError::Changed(Change::Bytes {
            found: digests.sha256,
            expected: known.sha256,
        }));
    }
    let published = perpetual_powers::published(&digests.blake2b);
    Ok((ptau, Verified { digests, published, next_challenge: last.next_challenge, checks }))
}

fn open<R: Read + Seek + Send>(source: R) -> Result<Ptau<StreamHashedFile<R>>, FormatError> {
    Ptau::open(StreamHashedFile::new(source)?)
}

/// Ends the reading of a file with its digests, or with what was found. A file that changes meanwhile says nothing about the one that was to be
/// verified, so that comes before what was found in it.
fn finish<R: Read + Seek + Send>(
    mut ptau: Ptau<StreamHashedFile<R>>,
    found: Result<(), VerifyError>,
    progress: &dyn Progress,
) -> Result<(Ptau<R>, FileDigests), VerifyError> {
    if let Err(error) = found {
        if !error.is_environment() {
            ptau.source().compare();
            if let Err(changed @ DigestError::Changed(_)) =
                ptau.map_source(|file| file.finish(progress))
            {
                return Err(changed.into());
            }
        }
        return Err(error);
    }
    Ok(ptau.map_source(|file| file.finish(progress))?)
}

/// Verifies that a file is the start that [`new`](super::contribute::new) writes: tau = alpha = beta = 1, and nothing contributed.
///
/// # Errors
/// As [`verify`]; what is no generator fails [`Check::Powers`].
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
    let mut ptau = open(source)?;
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
    finish(ptau, generators, progress)
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

/// Check 0. A file of only `new` and a beacon has a tau that everybody can compute.
///
/// Returns the last record.
///
/// # Errors
/// When fewer than `minimum` (and than 1) contributions are not a beacon.
pub fn check_minimum(
    records: &[Contribution],
    minimum: u32,
) -> Result<&Contribution, Box<Failure>> {
    let (found, expected) =
        (records.iter().filter(|r| !r.is_beacon()).count(), minimum.max(1) as usize);
    records.last().filter(|_| found >= expected).ok_or_else(|| {
        Box::new(Failure {
            check: Check::MinimumContributions,
            place: "chain of contributions".into(),
            reason: if found == 0 {
                "no participant has contributed, so tau is publicly known"
            } else {
                "too few participants contributed"
            },
            found: format!("{found} that are not a beacon"),
            expected: format!("at least {expected}"),
        })
    })
}

/// Check 10.
fn check_continuity(
    earlier: &[Contribution],
    records: &[Contribution],
) -> Result<(), Box<Failure>> {
    let fail = |place: String, reason, found: String, expected: String| {
        Err(Box::new(Failure { check: Check::Continuity, place, reason, found, expected }))
    };
    if records.len() < earlier.len() {
        let place = "chain of contributions".into();
        return fail(
            place,
            "contributions are missing",
            format!("{} contributions", records.len()),
            format!("at least {}", earlier.len()),
        );
    }
    for (i, (known, record)) in earlier.iter().zip(records).enumerate() {
        if known != record {
            let (found, expected) =
                (record.response_hash().to_string(), known.response_hash().to_string());
            return fail(place_of(i), "the chain forks from the known one", found, expected);
        }
    }
    Ok(())
}

/// Check 9, and any digest that the verifier names.
fn check_digest<R: Read + Seek + Send>(
    ptau: &Ptau<R>,
    digest: &FileBlake2b,
    expected: Option<FileBlake2b>,
) -> Result<(), Box<Failure>> {
    if expected == Some(*digest)
        || (expected.is_none() && perpetual_powers::published(digest).is_some())
    {
        return Ok(());
    }
    let reason = if expected.is_some() {
        "the file has another digest"
    } else if !ptau.is_truncated() {
        "the last Lagrange level of a prepared file of power 28 has no domain to check it on, and its digest is not a published one"
    } else {
        "the file is truncated from a larger ceremony, so no hash in it binds its points, and its digest is not a published one"
    };
    Err(Box::new(Failure {
        check: Check::Digest,
        place: if ptau.is_truncated() {
            format!(
                "file of power {} from a ceremony of power {}",
                ptau.power(),
                ptau.ceremony_power()
            )
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

/// Whether the file has a Lagrange level for a domain of 2^29, which the scalar field does not have.
fn has_level_29<R: Read + Seek + Send>(ptau: &Ptau<R>) -> bool {
    ptau.lagrange().is_some() && ptau.power().exponent() == FR_TWO_ADICITY
}

fn place_of(index: usize) -> String {
    format!("contribution {}", index + 1)
}

/// Checks 1 to 4 and 8 on the records alone, which are looked at side by side.
///
/// # Errors
/// The first record, and its first check, that fails. A beacon may be hashed before that is known.
pub fn check_chain(
    records: &[Contribution],
    ceremony_power: Power,
    progress: &dyn Progress,
) -> Result<(), Box<Failure>> {
    let failure = records.par_iter().with_max_len(1).enumerate().find_map_first(|(i, record)| {
        check_record(record, &records[..i], records.len(), ceremony_power, progress).err()
    });
    failure.map_or(Ok(()), Err)
}

/// Checks 1 to 4 and 8 of a record that follows some earlier ones, in a chain of so many.
fn check_record(
    record: &Contribution,
    earlier: &[Contribution],
    of: usize,
    ceremony_power: Power,
    progress: &dyn Progress,
) -> Result<(), Box<Failure>> {
    let place = || place_of(earlier.len());
    let fail = |check, reason, found, expected| {
        Err(Box::new(Failure { check, place: place(), reason, found, expected }))
    };
    let link = ChainHead::after(earlier, ceremony_power);
    let PublicKey { tau, alpha, beta } = &record.public_key;
    let base = |name, proof: &ProofOfKnowledge| {
        pok_base_point(name, &link.challenge, Ratio(proof.g1_s, proof.g1_sx))
    };
    let (r_tau, (r_alpha, r_beta)) = rayon::join(
        || base(SecretName::Tau, tau),
        || rayon::join(|| base(SecretName::Alpha, alpha), || base(SecretName::Beta, beta)),
    );
    // 1
    let proofs = [("tau", tau, r_tau), ("alpha", alpha, r_alpha), ("beta", beta, r_beta)];
    // 2 and 3
    let (before, after) = (&link.key_points, &record.key_points);
    let g1 = |a, b, proof: &ProofOfKnowledge, r| (Ratio(a, b), Ratio(r, proof.g2_spx));
    let g2 = |proof: &ProofOfKnowledge, a, b| (Ratio(proof.g1_s, proof.g1_sx), Ratio(a, b));
    let ratios = [
        (
            Check::TauRatio,
            "[tau]1 is not the one before times the proven secret",
            g1(before.tau_g1, after.tau_g1, tau, r_tau),
        ),
        (
            Check::TauRatio,
            "[tau]2 is not the one before times the proven secret",
            g2(tau, before.tau_g2, after.tau_g2),
        ),
        (
            Check::AlphaBetaRatio,
            "[alpha]1 is not the one before times the proven secret",
            g1(before.alpha_g1, after.alpha_g1, alpha, r_alpha),
        ),
        (
            Check::AlphaBetaRatio,
            "[beta]1 is not the one before times the proven secret",
            g1(before.beta_g1, after.beta_g1, beta, r_beta),
        ),
        (
            Check::AlphaBetaRatio,
            "[beta]2 is not the one before times the proven secret",
            g2(beta, before.beta_g2, after.beta_g2),
        ),
    ];
    let (proof, ratio) = rayon::join(
        || {
            proofs.par_iter().with_max_len(1).find_map_first(|(name, proof, r)| {
                Some((name, verify_proof_of_knowledge(proof, *r).err()?))
            })
        },
        || {
            ratios
                .par_iter()
                .with_max_len(1)
                .find_first(|(_, _, (in_g1, in_g2))| !same_ratio(*in_g1, *in_g2))
        },
    );
    if let Some((name, defect)) = proof {
        let expected = format!("a proof made for challenge {}", link.challenge);
        return fail(
            Check::ProofOfKnowledge,
            "the proof of knowledge does not hold",
            format!("{name}: {defect}"),
            expected,
        );
    }
    if let Some((check, reason, _)) = ratio {
        return fail(
            *check,
            reason,
            "another ratio".into(),
            "the ratio that the public key proves".into(),
        );
    }
    // 4
    if let ContributionKind::Beacon(beacon) = &record.kind {
        if earlier.len() + 1 != of {
            let found = format!("{} of {of}", place());
            return fail(
                Check::Beacon,
                "the beacon is not the last contribution",
                found,
                "one beacon, as the last contribution".into(),
            );
        }
        let drawn = TauSecrets::draw(ContributionRng::from_beacon(beacon, progress))
            .public_key(&link.challenge);
        if drawn != record.public_key {
            let first = |key: &PublicKey| hex_of(&encode(&[key.tau.g1_s], Encoding::Compressed));
            let expected = format!("{} (tau's s)", first(&drawn));
            return fail(
                Check::Beacon,
                "the public key is not the beacon's",
                first(&record.public_key),
                expected,
            );
        }
    }
    // 8
    if let Some(j) = earlier.iter().position(|earlier| shares_proof(earlier, record)) {
        let (found, expected) =
            (format!("a proof of {}", place_of(j)), "a public key of its own".into());
        return fail(Check::RepeatedKey, "the public key repeats an earlier one", found, expected);
    }
    Ok(())
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Whether any of the three proofs of one record stands in the other.
fn shares_proof(a: &Contribution, b: &Contribution) -> bool {
    let proofs = |record: &Contribution| {
        [record.public_key.tau, record.public_key.alpha, record.public_key.beta]
    };
    proofs(a).iter().any(|p| proofs(b).iter().any(|q| p.g1_s == q.g1_s && p.g1_sx == q.g1_sx))
}

/// Checks 1 to 8: the records, and then the points.
fn check_points<R: Read + Seek + Send>(
    ptau: &mut Ptau<R>,
    last: &Contribution,
    progress: &dyn Progress,
) -> Result<(), VerifyError> {
    let mut rng = VerifierRng::from_os()?;
    match check_sections(ptau, last, &mut rng, progress)? {
        Some(lagrange) => lagrange.check(ptau, &mut rng, progress),
        None => Ok(()),
    }
}

/// Checks 1 to 4 and 8 while the first chunk is read; 5 and 6, in one pass over sections 2 to 6; what check 7 needs of the powers is kept on the way.
fn check_sections<R: Read + Seek + Send>(
    ptau: &mut Ptau<R>,
    last: &Contribution,
    rng: &mut VerifierRng,
    progress: &dyn Progress,
) -> Result<Option<LagrangeCheck>, VerifyError> {
    let records = ptau.contributions().to_vec();
    let count = records.len();
    let (truncated, ceremony_power) = (ptau.is_truncated(), ptau.ceremony_power());
    let before = ChainHead::after(&records[..count - 1], ceremony_power);
    let layout = ptau.accumulator();
    let lagrange = ptau.lagrange().map(|_| LagrangeCheck::new(rng));
    let mut response = Blake2b512::new();
    response.update(&before.challenge.0);
    let mut next = Blake2b512::new();
    next.update(&last.response_hash().0);
    let tau = (last.key_points.tau_g1, last.key_points.tau_g2);
    let g1 = Successors::new(layout.tau_g1.len + layout.alpha_tau_g1.len + layout.beta_tau_g1.len);
    let g2 = Successors::new(layout.tau_g2.len);
    let key_points = last.key_points;
    let mut pieces = read_ahead(ptau.source(), &layout, OVERLAP);
    rayon::join(|| check_chain(&records, ceremony_power, progress), || pieces.read()).0?;
    let mut pass = SectionPass {
        pieces,
        rng,
        key_points,
        g1,
        g2,
        response,
        next,
        uncompressed: Vec::new(),
        compressed: Vec::new(),
        lagrange,
        progress,
    };
    progress.begin("checking sections 2 to 6", layout.points());
    each_part(&layout, &mut pass)?;
    progress.end();
    let SectionPass { g1, g2, response, next, lagrange, .. } = pass;
    // 5
    let mut other_rng = VerifierRng::from_os()?;
    let (powers_g1, powers_g2) = rayon::join(
        || g1.ratio(rng).is_some_and(|ratio| ratio_is(ratio, tau)),
        || g2.ratio(&mut other_rng).is_some_and(|ratio| ratio_is(ratio, tau)),
    );
    if !powers_g1 || !powers_g2 {
        each_part(&layout, &mut Suspects { source: ptau.source(), rng, tau, progress })?;
        return Err(no_powers("sections 2 to 6".into()));
    }
    // 6
    if !truncated {
        let fail = |reason, found: String, expected: String| {
            Err(VerifyError::Failed(Box::new(Failure {
                check: Check::Hashes,
                place: place_of(count - 1),
                reason,
                found,
                expected,
            })))
        };
        let computed = finish_response(response, &last.public_key);
        if computed != last.response_hash() {
            return fail(
                "the points do not hash to the stated response",
                last.response_hash().to_string(),
                computed.to_string(),
            );
        }
        let computed = Challenge(next.finish());
        if computed != last.next_challenge {
            return fail(
                "the points do not hash to the stated next challenge",
                last.next_challenge.to_string(),
                computed.to_string(),
            );
        }
    }
    Ok(lagrange)
}

/// Points with which a chunk begins that were in the one before, so that no pair of neighbours is missed.
const OVERLAP: u64 = 1;

struct SectionPass<'a, R> {
    pieces: ReadAhead<'a, R>,
    rng: &'a mut VerifierRng,
    key_points: AccumulatorHead,
    /// The neighbours in sections 2, 4 and 5, which all have the ratio tau.
    g1: Successors<G1Affine>,
    /// Those in section 3, and with them the membership of sections 3 and 6.
    g2: Successors<G2Affine>,
    /// `challenge before | C(sections)`
    response: Blake2b512,
    /// `response hash | U(sections)`
    next: Blake2b512,
    /// Buffers for a chunk in each encoding.
    uncompressed: Vec<u8>,
    compressed: Vec<u8>,
    lagrange: Option<LagrangeCheck>,
    progress: &'a dyn Progress,
}

impl<R: Read + Seek + Send> EachPart for SectionPass<'_, R> {
    type Error = VerifyError;
    fn part<P: Point>(&mut self, part: Part, run: &PointRun<P>) -> Result<(), VerifyError> {
        let Self {
            pieces,
            rng,
            key_points,
            g1,
            g2,
            response,
            next,
            uncompressed,
            compressed,
            lagrange,
            progress,
        } = self;
        run.for_each_chunk_on_curve(pieces, OVERLAP, |start, points| {
            if start == 0 {
                run.check_subgroup(&points[..points.len().min(2)], rng, start)?;
                check_first_elements(part, run, &points, key_points)?;
            }
            // The first point of every chunk but the first was the last of the one before.
            let fresh = &points[usize::from(start > 0)..];
            if let Some(lagrange) = lagrange {
                lagrange.powers(part, start + u64::from(start > 0), fresh);
            }
            encode_into(fresh, Encoding::Uncompressed, uncompressed);
            compress_into::<P>(uncompressed, compressed);
            // Hashing runs on one core; the sums keep both busy around it.
            rayon::join(
                || rayon::join(|| response.update(compressed), || next.update(uncompressed)),
                || match (P::as_g1(&points), P::as_g2(&points)) {
                    (Some(points), _) => g1.add(points, rng),
                    (_, Some(points)) => g2.add(points, rng),
                    _ => {}
                },
            );
            progress.advance(fresh.len() as u64);
            Ok(())
        })
    }
}

/// Section by section, once the combination of all has failed: names the point that is outside the subgroup, or the section that is no run of powers.
struct Suspects<'a, R> {
    source: &'a mut R,
    rng: &'a mut VerifierRng,
    tau: (G1Affine, G2Affine),
    progress: &'a dyn Progress,
}

impl<R: Read + Seek + Send> EachPart for Suspects<'_, R> {
    type Error = VerifyError;
    fn part<P: Point>(&mut self, part: Part, run: &PointRun<P>) -> Result<(), VerifyError> {
        let mut successors = Successors::new(run.len);
        self.progress.begin("looking for the section", run.len);
        run.for_each_chunk(self.source, self.rng, OVERLAP, |_, points, rng| {
            successors.add(&points, rng);
            self.progress.advance(points.len() as u64);
            Ok::<_, VerifyError>(())
        })?;
        self.progress.end();
        let powers = part == Part::BetaG2
            || successors.ratio(self.rng).is_some_and(|ratio| ratio_is(ratio, self.tau));
        if powers { Ok(()) } else { Err(no_powers(place_of_run(run))) }
    }
}

fn no_powers(place: String) -> VerifyError {
    VerifyError::Failed(Box::new(Failure {
        check: Check::Powers,
        place,
        reason: "the elements are not successive powers of tau",
        found: "a random combination of neighbours with another ratio".into(),
        expected: "the ratio [tau] of the last record for every pair of neighbours".into(),
    }))
}

/// The first elements of a part: the generator where it begins with tau^0, and the key points of the last record.
fn check_first_elements<P: Point>(
    part: Part,
    run: &PointRun<P>,
    points: &[P],
    key: &AccumulatorHead,
) -> Result<(), Box<Failure>> {
    let g1 = |p: G1Affine| p.coordinates().to_vec();
    let g2 = |p: G2Affine| p.coordinates().to_vec();
    let expected = match part {
        Part::TauG1 => vec![
            ("the generator", g1(G1Affine::generator())),
            ("the last record's [tau]1", g1(key.tau_g1)),
        ],
        Part::TauG2 => vec![
            ("the generator", g2(G2Affine::generator())),
            ("the last record's [tau]2", g2(key.tau_g2)),
        ],
        Part::AlphaTauG1 => vec![("the last record's [alpha]1", g1(key.alpha_g1))],
        Part::BetaTauG1 => vec![("the last record's [beta]1", g1(key.beta_g1))],
        Part::BetaG2 => vec![("the last record's [beta]2", g2(key.beta_g2))],
    };
    for (i, (name, expected)) in expected.iter().enumerate() {
        if points[i].coordinates().as_ref() != expected {
            return Err(Box::new(Failure {
                check: Check::Powers,
                place: format!("{}, element {i}", place_of_run(run)),
                reason: "a first element is not the one that was proved",
                found: hex_of(&encode(&points[i..=i], Encoding::Compressed)),
                expected: (*name).into(),
            }));
        }
    }
    Ok(())
}

pub(super) fn place_of_run<P>(run: &PointRun<P>) -> String {
    format!("section {} ({})", run.section, run.name)
}
