//! What the records of a `.ptau` prove by themselves: checks 0 to 4, 8 and 10.

use ark_ec::AffineRepr;
use rayon::prelude::*;

use super::report::{Check, Failure};
use super::secrets::TauSecrets;
use super::{ChainHead, SecretName, pok_base_point};
use crate::entropy::{ContributionRng, VerifierRng};
use crate::format::encoding::{Encoding, encode};
use crate::format::ptau::{AccumulatorHead, Contribution, Power, PublicKey};
use crate::format::record::{ContributionKind, ProofOfKnowledge};
use crate::progress::Progress;
use crate::ratio::{Ratio, same_ratio, verify_proof_of_knowledge};
use crate::ratio_batch::RatioBatch;
use bn254_batch::curve::{G1Affine, G2Affine};

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
pub(super) fn check_continuity(
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

pub(super) fn place_of(index: usize) -> String {
    format!("contribution {}", index + 1)
}

/// Checks 1 to 4 and 8 on the records alone.
///
/// # Errors
/// The first record, and its first check, that fails. A beacon may be hashed before that is known.
pub fn check_chain(
    records: &[Contribution],
    ceremony_power: Power,
    progress: &dyn Progress,
) -> Result<(), Box<Failure>> {
    check_chain_after(0, records, ceremony_power, progress)
}

/// [`check_chain`] of records of which the first `proven` passed it, in a ceremony of this power:
/// their proofs are not repeated. That no beacon is among them is asked once more, for what
/// follows is new.
pub(super) fn check_chain_after(
    proven: usize,
    records: &[Contribution],
    ceremony_power: Power,
    progress: &dyn Progress,
) -> Result<(), Box<Failure>> {
    let start = ChainHead::after(&[], ceremony_power);
    let (old, new) = records.split_at(proven.min(records.len()));
    if !new.is_empty()
        && let Some(i) = old.iter().position(Contribution::is_beacon)
    {
        return Err(beacon_not_last(i, records.len()));
    }
    let all_proven = prove_together(records, old.len(), &start);
    let failure = (old.len()..records.len()).into_par_iter().with_max_len(1).find_map_first(|i| {
        let (record, earlier) = (&records[i], &records[..i]);
        let link = earlier.last().map_or(start, ChainHead::of);
        let proofs = || if all_proven { Ok(()) } else { check_proofs(record, i, &link) };
        proofs()
            .and_then(|()| check_beacon(record, i, records.len(), &link, progress))
            .and_then(|()| check_fresh(record, earlier, &start))
            .err()
    });
    failure.map_or(Ok(()), Err)
}

/// Records whose proofs are one product of pairings: enough for the final exponentiation to
/// disappear, and few enough for memory.
const BATCH: usize = 64;

/// Whether checks 1 to 3 hold for all records from `first` on. If not, or if there are no random
/// numbers to be had, each record is to be asked for itself.
fn prove_together(records: &[Contribution], first: usize, start: &ChainHead) -> bool {
    // One record alone has little to share.
    if records.len() < first + 2 {
        return false;
    }
    let indices: Vec<usize> = (first..records.len()).collect();
    indices.par_chunks(BATCH).all(|indices| {
        let statements: Vec<Statements<'_>> = indices
            .par_iter()
            .with_max_len(1)
            .map(|i| {
                let link = records[..*i].last().map_or(*start, ChainHead::of);
                Statements::of(&records[*i], &link)
            })
            .collect();
        let mut batch = RatioBatch::default();
        for Statements { proofs, ratios } in &statements {
            proofs.iter().for_each(|(_, proof, r)| batch.add_proof(proof, *r));
            ratios.iter().for_each(|(_, _, (in_g1, in_g2))| batch.add(*in_g1, *in_g2));
        }
        VerifierRng::from_os().is_ok_and(|mut rng| batch.holds(&mut rng))
    })
}

/// Check 8 on all records, without the others: what a reader of a verified file can ask again at no
/// cost.
pub(crate) fn check_fresh_chain(
    records: &[Contribution],
    ceremony_power: Power,
) -> Result<(), Box<Failure>> {
    let start = ChainHead::after(&[], ceremony_power);
    records
        .iter()
        .enumerate()
        .try_for_each(|(i, record)| check_fresh(record, &records[..i], &start))
}

/// What checks 1 to 3 say of a record.
struct Statements<'a> {
    /// 1: name, proof, R.
    proofs: [(&'static str, &'a ProofOfKnowledge, G2Affine); 3],
    /// 2 and 3: two ratios that are the same, and what is wrong if they are not.
    ratios: [(Check, &'static str, SameRatio); 5],
}

/// Two ratios that are to be the same.
type SameRatio = (Ratio<G1Affine>, Ratio<G2Affine>);

impl<'a> Statements<'a> {
    fn of(record: &'a Contribution, link: &ChainHead) -> Self {
        let PublicKey { tau, alpha, beta } = &record.public_key;
        let base = |name, proof: &ProofOfKnowledge| {
            pok_base_point(name, &link.challenge, Ratio(proof.g1_s, proof.g1_sx))
        };
        let (r_tau, (r_alpha, r_beta)) = rayon::join(
            || base(SecretName::Tau, tau),
            || rayon::join(|| base(SecretName::Alpha, alpha), || base(SecretName::Beta, beta)),
        );
        let proofs = [("tau", tau, r_tau), ("alpha", alpha, r_alpha), ("beta", beta, r_beta)];
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
        Self { proofs, ratios }
    }
}

/// Checks 1 to 3 of one record.
fn check_proofs(record: &Contribution, index: usize, link: &ChainHead) -> Result<(), Box<Failure>> {
    let fail = |check, reason, found: &str, expected| {
        let (place, found) = (place_of(index), found.into());
        Err(Box::new(Failure { check, place, reason, found, expected }))
    };
    let Statements { proofs, ratios } = Statements::of(record, link);
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
        return fail(
            Check::ProofOfKnowledge,
            "the proof of knowledge does not hold",
            &format!("{name}: {defect}"),
            format!("a proof made for challenge {}", link.challenge),
        );
    }
    if let Some((check, reason, _)) = ratio {
        let expected = "the ratio that the public key proves".into();
        return fail(*check, reason, "another ratio", expected);
    }
    Ok(())
}

/// Check 4 of one record, in a chain of `of`.
fn check_beacon(
    record: &Contribution,
    index: usize,
    of: usize,
    link: &ChainHead,
    progress: &dyn Progress,
) -> Result<(), Box<Failure>> {
    let ContributionKind::Beacon(beacon) = &record.kind else { return Ok(()) };
    if index + 1 != of {
        return Err(beacon_not_last(index, of));
    }
    let drawn = TauSecrets::draw(ContributionRng::from_beacon(beacon, progress))
        .public_key(&link.challenge);
    if drawn == record.public_key {
        return Ok(());
    }
    let first = |key: &PublicKey| hex_of(&encode(&[key.tau.g1_s], Encoding::Compressed));
    Err(Box::new(Failure {
        check: Check::Beacon,
        place: place_of(index),
        reason: "the public key is not the beacon's",
        found: first(&record.public_key),
        expected: format!("{} (tau's s)", first(&drawn)),
    }))
}

fn beacon_not_last(index: usize, of: usize) -> Box<Failure> {
    let place = place_of(index);
    Box::new(Failure {
        check: Check::Beacon,
        reason: "the beacon is not the last contribution",
        found: format!("{place} of {of}"),
        expected: "one beacon, as the last contribution".into(),
        place,
    })
}

/// Check 8 of one record: nothing that must be new was there before.
///
/// A key that returns is the mark of contributions that cancel, and what cancels leaves a chain
/// whose length says nothing. A challenge that returns lets a contribution that answered it stand
/// where its maker never put it.
fn check_fresh(
    record: &Contribution,
    earlier: &[Contribution],
    start: &ChainHead,
) -> Result<(), Box<Failure>> {
    let fail = |reason, found, expected: &str| {
        Err(Box::new(Failure {
            check: Check::RepeatedKey,
            place: place_of(earlier.len()),
            reason,
            found,
            expected: expected.into(),
        }))
    };
    if let Some(j) = earlier.iter().position(|earlier| shares_proof(earlier, record)) {
        let found = format!("a proof of {}", place_of(j));
        return fail("the public key repeats an earlier one", found, "a public key of its own");
    }
    let before = || {
        let start = ("the start".to_owned(), &start.key_points, &start.challenge);
        let records = earlier.iter().enumerate();
        std::iter::once(start)
            .chain(records.map(|(j, r)| (place_of(j), &r.key_points, &r.next_challenge)))
    };
    let keys = |k: &AccumulatorHead| {
        [("[tau]1", k.tau_g1), ("[alpha]1", k.alpha_g1), ("[beta]1", k.beta_g1)]
    };
    let new = keys(&record.key_points);
    for (place, known, _) in before() {
        let returned = new.iter().zip(keys(known)).find(|((_, a), (_, b))| is_plus_or_minus(a, b));
        if let Some(((name, _), _)) = returned {
            return fail(
                "the contributions up to here cancel",
                format!("{name} is plus or minus that of {place}"),
                "keys that no one had before",
            );
        }
    }
    if let Some((place, ..)) = before().find(|(_, _, known)| **known == record.next_challenge) {
        return fail(
            "the next challenge occurs twice",
            format!("{}, and {place} leads to it too", record.next_challenge),
            "a challenge of its own",
        );
    }
    Ok(())
}

fn is_plus_or_minus(a: &G1Affine, b: &G1Affine) -> bool {
    *a == *b || *a == -*b
}

/// The part of check 8 that is about the points of section 2: no `[tau^i]1` but the first is plus
/// or minus the generator.
///
/// With all 2N - 1 powers this excludes every tau of an order up to 2N - 2, and of an even order up
/// to 4N - 4; among them the roots of unity of every domain that the file has a basis for.
pub(crate) fn check_order(start: u64, powers: &[G1Affine]) -> Result<(), Box<Failure>> {
    let one = G1Affine::generator();
    match (start..).zip(powers).find(|(i, power)| *i > 0 && is_plus_or_minus(power, &one)) {
        None => Ok(()),
        Some((i, power)) => Err(Box::new(Failure {
            check: Check::RepeatedKey,
            place: format!("section 2 ([tau^i]1), element {i}"),
            reason: "tau has a small multiplicative order",
            found: format!("tau^{i} = {}1", if *power == one { "" } else { "-" }),
            expected: "no power of tau that is 1 or -1".into(),
        })),
    }
}

pub(super) fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Whether any of the three proofs of one record stands in the other.
fn shares_proof(a: &Contribution, b: &Contribution) -> bool {
    let proofs = |record: &Contribution| {
        [record.public_key.tau, record.public_key.alpha, record.public_key.beta]
    };
    proofs(a).iter().any(|p| proofs(b).iter().any(|q| p.g1_s == q.g1_s && p.g1_sx == q.g1_sx))
}
