//! What the points of a `.ptau` prove: checks 5 and 6, in one pass over sections 2 to 6.

use std::io::{Read, Seek};

use ark_ec::AffineRepr;
use bn254_batch::Point;
use bn254_batch::curve::{AffinePoint as _, G1Affine, G2Affine};

use super::error::VerifyError;
use super::lagrange::PowerEnds;
use super::records::{check_chain_after, check_order, hex_of, place_of};
use super::report::{Check, Failure};
use super::{ChainHead, EachPart, Part, each_part, place_of_run, read_ahead};
use crate::entropy::VerifierRng;
use crate::format::encoding::{Encoding, compress_into, encode, encode_into};
use crate::format::points::{PointRun, ReadAhead};
use crate::format::ptau::{AccumulatorHead, Contribution, Ptau, finish_response};
use crate::hash::{Blake2b512, Challenge};
use crate::progress::Progress;
use crate::ratio::{Successors, ratio_is};

/// Checks 1 to 4 and 8 while the first chunk is read; 5 and 6, in one pass over sections 2 to 6;
/// what check 7 needs of the powers is kept on the way. The proofs of the first `proven` records
/// are known to hold.
pub(super) fn check_sections<R: Read + Seek + Send>(
    ptau: &mut Ptau<R>,
    last: &Contribution,
    proven: usize,
    rng: &mut VerifierRng,
    progress: &dyn Progress,
) -> Result<PowerEnds, VerifyError> {
    let layout = ptau.accumulator();
    let sums = Sums {
        g1: Successors::new(layout.tau_g1.len + layout.alpha_tau_g1.len + layout.beta_tau_g1.len),
        g2: Successors::new(layout.tau_g2.len),
    };
    let Passed { sums, hashes, powers } = pass(ptau, last, proven, Some(sums), rng, progress)?;
    // 5
    let tau = (last.key_points.tau_g1, last.key_points.tau_g2);
    let mut other_rng = VerifierRng::from_os()?;
    if let Some(Sums { g1, g2 }) = sums {
        let (powers_g1, powers_g2) = rayon::join(
            || g1.ratio(rng).is_some_and(|ratio| ratio_is(ratio, tau)),
            || g2.ratio(&mut other_rng).is_some_and(|ratio| ratio_is(ratio, tau)),
        );
        if !powers_g1 || !powers_g2 {
            each_part(&layout, &mut Suspects { source: ptau.source(), rng, tau, progress })?;
            return Err(no_powers("sections 2 to 6".into()));
        }
    }
    hashes.check(ptau, last)?;
    Ok(powers)
}

/// What of [`check_sections`] cannot be cut into parts: all of it but the powers and the membership
/// of sections 2 to 5. With the first element of section 6 being that of a record, whose membership
/// is known, nothing of that section is left.
pub(super) fn check_undivided<R: Read + Seek + Send>(
    ptau: &mut Ptau<R>,
    last: &Contribution,
    progress: &dyn Progress,
) -> Result<PowerEnds, VerifyError> {
    let mut rng = VerifierRng::from_os()?;
    let Passed { hashes, powers, .. } = pass(ptau, last, 0, None, &mut rng, progress)?;
    hashes.check(ptau, last)?;
    Ok(powers)
}

/// What a pass over sections 2 to 6 leaves to be compared.
struct Passed {
    sums: Option<Sums>,
    hashes: Hashes,
    powers: PowerEnds,
}

/// The sums of neighbours.
struct Sums {
    /// Of sections 2, 4 and 5, which all have the ratio tau.
    g1: Successors<G1Affine>,
    /// Of section 3, and with them the membership of sections 3 and 6.
    g2: Successors<G2Affine>,
}

/// The hashes of sections 2 to 6.
struct Hashes {
    /// `challenge before | compressed(sections)`
    response: Blake2b512,
    /// `response hash | uncompressed(sections)`
    next: Blake2b512,
}

impl Hashes {
    /// Check 6.
    fn check<R: Read + Seek>(self, ptau: &Ptau<R>, last: &Contribution) -> Result<(), VerifyError> {
        if ptau.is_truncated() {
            return Ok(());
        }
        let fail = |reason, found: String, expected: String| {
            Err(VerifyError::Failed(Box::new(Failure {
                check: Check::Hashes,
                place: place_of(ptau.contributions().len() - 1),
                reason,
                found,
                expected,
            })))
        };
        let computed = finish_response(self.response, &last.public_key);
        if computed != last.response_hash() {
            return fail(
                "the points do not hash to the stated response",
                last.response_hash().to_string(),
                computed.to_string(),
            );
        }
        let computed = Challenge(self.next.finish());
        if computed != last.next_challenge {
            return fail(
                "the points do not hash to the stated next challenge",
                last.next_challenge.to_string(),
                computed.to_string(),
            );
        }
        Ok(())
    }
}

fn pass<R: Read + Seek + Send>(
    ptau: &mut Ptau<R>,
    last: &Contribution,
    proven: usize,
    sums: Option<Sums>,
    rng: &mut VerifierRng,
    progress: &dyn Progress,
) -> Result<Passed, VerifyError> {
    let records = ptau.contributions().to_vec();
    let count = records.len();
    let ceremony_power = ptau.ceremony_power();
    let before = ChainHead::after(&records[..count - 1], ceremony_power);
    let layout = ptau.accumulator();
    let mut response = Blake2b512::new();
    response.update(&before.challenge.0);
    let mut next = Blake2b512::new();
    next.update(&last.response_hash().0);
    let mut pieces = read_ahead(ptau.source(), &layout, OVERLAP);
    let chain = || check_chain_after(proven, &records, ceremony_power, progress);
    rayon::join(chain, || pieces.read()).0?;
    let mut pass = SectionPass {
        pieces,
        rng,
        key_points: last.key_points,
        sums,
        hashes: Hashes { response, next },
        uncompressed: Vec::new(),
        compressed: Vec::new(),
        powers: PowerEnds::new(),
        progress,
    };
    progress.begin("checking sections 2 to 6", layout.points());
    each_part(&layout, &mut pass)?;
    progress.end();
    let SectionPass { sums, hashes, powers, .. } = pass;
    Ok(Passed { sums, hashes, powers })
}

/// Points with which a chunk begins that were in the one before, so that no pair of neighbours is
/// missed.
pub(super) const OVERLAP: u64 = 1;

struct SectionPass<'a, R> {
    pieces: ReadAhead<'a, R>,
    rng: &'a mut VerifierRng,
    key_points: AccumulatorHead,
    /// None where others sum.
    sums: Option<Sums>,
    hashes: Hashes,
    /// Buffers for a chunk in each encoding.
    uncompressed: Vec<u8>,
    compressed: Vec<u8>,
    powers: PowerEnds,
    progress: &'a dyn Progress,
}

impl<R: Read + Seek + Send> EachPart for SectionPass<'_, R> {
    type Error = VerifyError;
    fn part<P: Point>(&mut self, part: Part, run: &PointRun<P>) -> Result<(), VerifyError> {
        let Self {
            pieces,
            rng,
            key_points,
            sums,
            hashes: Hashes { response, next },
            uncompressed,
            compressed,
            powers,
            progress,
        } = self;
        run.for_each_chunk_on_curve(0..run.len, pieces, OVERLAP, |start, points| {
            if start == 0 {
                run.check_subgroup(&points[..points.len().min(2)], rng, start)?;
                check_first_elements(part, run, &points, key_points)?;
            }
            // The first point of every chunk but the first was the last of the one before.
            let fresh = &points[usize::from(start > 0)..];
            if let (Part::TauG1, Some(powers)) = (part, P::as_g1(&points)) {
                check_order(start, powers)?;
            }
            powers.add(part, start + u64::from(start > 0), fresh);
            encode_into(fresh, Encoding::Uncompressed, uncompressed);
            compress_into::<P>(uncompressed, compressed);
            // Hashing runs on one core; the sums keep both busy around it.
            rayon::join(
                || rayon::join(|| response.update(compressed), || next.update(uncompressed)),
                || match (sums.as_mut(), P::as_g1(&points), P::as_g2(&points)) {
                    (Some(sums), Some(points), _) => sums.g1.add(points, rng),
                    (Some(sums), _, Some(points)) => sums.g2.add(points, rng),
                    _ => {}
                },
            );
            progress.advance(fresh.len() as u64);
            Ok(())
        })
    }
}

/// Section by section, once the combination of all has failed: names the point that is outside the
/// subgroup, or the section that is not a run of powers.
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

pub(super) fn no_powers(place: String) -> VerifyError {
    VerifyError::Failed(Box::new(Failure {
        check: Check::Powers,
        place,
        reason: "the elements are not successive powers of tau",
        found: "a random combination of neighbours with another ratio".into(),
        expected: "the ratio [tau] of the last record for every pair of neighbours".into(),
    }))
}

/// The first elements of a part: the generator where it begins with tau^0, and the key points of
/// the last record.
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
