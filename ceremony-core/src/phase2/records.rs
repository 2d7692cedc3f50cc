//! What header and records of a key tell by themselves: checks 2 to 6, 9 and 10 of docs/formats.md,
//! section 7. They are cheap, whatever the circuit's size, and come before the comparison with the
//! initial key.

use std::collections::HashMap;
use std::io::{Read, Seek};

use bn254_batch::curve::{Fq, G1_GENERATOR, G1Affine, G2_GENERATOR, G2Affine};
use bn254_batch::mul_all;
use rayon::prelude::*;

use super::contribute::TranscriptHasher;
use super::degenerate::check_verifying_key_points;
use super::expectations::Expectations;
use super::report::{Check, Failure, Findings};
use crate::draw::hash_to_g2;
use crate::entropy::{ContributionRng, VerifierRng};
use crate::format::record::ContributionKind;
use crate::format::zkey::{Contribution, Header, Zkey};
use crate::hash::{ContributionHash, TranscriptHash};
use crate::progress::Progress;
use crate::ratio::{KnowledgeDefect, Ratio, same_ratio, verify_proof_of_knowledge};
use crate::ratio_batch::RatioBatch;

/// Checks 2 to 6, 9 and 10: all that header and records tell by themselves. The proofs of records
/// that are `proven` are not repeated.
pub(super) fn check_records<K: Read + Seek + Send>(
    key: &Zkey<K>,
    expectations: &Expectations,
    proven: &[Contribution],
    findings: &mut Findings,
    progress: &dyn Progress,
) {
    let (header, records) = (key.header(), key.contributions());
    check_contributions(records, expectations, findings);
    let delta = check_delta_ratios(key, proven, findings, progress);
    check_header_delta(header, delta, findings);

    // 9: the length of IC is that of its section, which `Zkey::open` holds against the number of
    // public wires.
    let ic = key.layout().ic.len;
    if let Err(defect) = check_verifying_key_points(
        &header.alpha_g1,
        &header.beta_g2,
        &header.gamma_g2,
        &header.delta_g2,
        ic,
        header.public,
    ) {
        findings.add(Check::VerifyingKey, defect);
    }
    check_continuity(records, &expectations.known, findings);

    // Last: a beacon's value may take minutes to hash.
    if let Some((last, earlier)) = records.split_last()
        && last.is_beacon()
        && findings.is_empty()
    {
        check_beacon(last, earlier.len() + 1, findings, progress);
    }
}

/// Check 2: enough contributions, and a beacon at the end where there is to be one.
fn check_contributions(
    records: &[Contribution],
    expectations: &Expectations,
    findings: &mut Findings,
) {
    let (found, expected) = (
        records.iter().filter(|c| !c.is_beacon()).count(),
        expectations.min_contributions.get() as usize,
    );
    if found < expected {
        findings.add(Check::Contributions, Failure::TooFewContributions { found, expected });
    }
    match records.iter().position(Contribution::is_beacon) {
        Some(index) if index + 1 != records.len() => {
            findings.add(
                Check::Contributions,
                Failure::BeaconNotLast { contribution: index + 1, records: records.len() },
            );
        }
        None if expectations.beacon_required => {
            findings.add(Check::Contributions, Failure::NoBeacon);
        }
        _ => {}
    }
}

/// Checks 3 and 4: each record's transcript, its proof of knowledge, and that it changed delta by
/// the secret it proves to know. Returns the last record's delta.
fn check_delta_ratios<K: Read + Seek + Send>(
    key: &Zkey<K>,
    proven: &[Contribution],
    findings: &mut Findings,
    progress: &dyn Progress,
) -> G1Affine {
    let records = key.contributions();
    progress.begin("contributions", records.len() as u64);
    let (mut hasher, mut delta) = (TranscriptHasher::new(&key.initial_key_hash()), G1_GENERATOR);
    let links: Vec<Link<'_>> = records
        .iter()
        .map(|record| {
            let transcript = hasher.transcript(&record.proof.g1_s, &record.proof.g1_sx);
            let before = std::mem::replace(&mut delta, record.delta_g1);
            hasher.add(record);
            Link { record, transcript, before }
        })
        .collect();
    // A record says the same as one that was proven if it is the same, and its transcript, which is
    // compared below, is too.
    let proven = records.iter().zip(proven).take_while(|(record, known)| record == known).count();
    let proofs = links[..proven].iter().map(|_| Proofs::HOLD);
    let proofs: Vec<Proofs> = proofs
        .chain(
            links[proven..]
                .par_chunks(BATCH)
                .flat_map_iter(|links| {
                    let proofs = prove(links);
                    progress.advance(links.len() as u64);
                    proofs
                })
                .collect::<Vec<_>>(),
        )
        .collect();
    let mut seen = Seen::default();
    for ((link, Proofs { known, ratio }), contribution) in links.into_iter().zip(proofs).zip(1..) {
        let Link { record, transcript: expected, .. } = link;
        if record.transcript != expected {
            findings.add(
                Check::Transcript,
                Failure::Transcript { contribution, found: record.transcript, expected },
            );
        }
        if let Err(defect) = known {
            findings.add(Check::Knowledge, Failure::Knowledge { contribution, defect });
        }
        if !ratio {
            findings.add(Check::Knowledge, Failure::DeltaRatio { contribution });
        }
        seen.check(record, contribution, findings);
    }
    progress.end();
    delta
}

/// A record and what it follows.
struct Link<'a> {
    record: &'a Contribution,
    /// What its transcript must be.
    transcript: TranscriptHash,
    /// delta before it.
    before: G1Affine,
}

/// What check 4 found of a record.
struct Proofs {
    known: Result<(), KnowledgeDefect>,
    ratio: bool,
}

impl Proofs {
    const HOLD: Self = Self { known: Ok(()), ratio: true };
}

/// Records whose proofs are one product of pairings: enough for the final exponentiation to
/// disappear, and few enough for memory.
const BATCH: usize = 64;

/// Check 4 of some records: all at once, and one by one where that fails or there are no random
/// numbers to be had.
fn prove(links: &[Link<'_>]) -> Vec<Proofs> {
    let bases: Vec<G2Affine> =
        links.par_iter().with_max_len(1).map(|link| hash_to_g2(&link.transcript.0)).collect();
    // One record alone has little to share.
    if links.len() > 1 {
        let mut batch = RatioBatch::default();
        for (Link { record, before, .. }, r) in links.iter().zip(&bases) {
            batch.add_proof(&record.proof, *r);
            batch.add(Ratio(*before, record.delta_g1), Ratio(*r, record.proof.g2_spx));
        }
        if VerifierRng::from_os().is_ok_and(|mut rng| batch.holds(&mut rng)) {
            return links.iter().map(|_| Proofs::HOLD).collect();
        }
    }
    let one = |(link, r): (&Link<'_>, &G2Affine)| {
        let Link { record, before, .. } = link;
        let (known, ratio) = rayon::join(
            || verify_proof_of_knowledge(&record.proof, *r),
            || same_ratio(Ratio(*before, record.delta_g1), Ratio(*r, record.proof.g2_spx)),
        );
        Proofs { known, ratio }
    };
    links.par_iter().zip(&bases).with_max_len(1).map(one).collect()
}

/// Check 6: the header has the last record's delta, the same in both groups.
fn check_header_delta(header: &Header, delta: G1Affine, findings: &mut Findings) {
    if header.delta_g1 != delta {
        findings.add(
            Check::FinalDelta,
            Failure::HeaderDelta { found: header.delta_g1, expected: delta },
        );
    }
    if !same_ratio(Ratio(G1_GENERATOR, header.delta_g1), Ratio(G2_GENERATOR, header.delta_g2)) {
        findings.add(Check::FinalDelta, Failure::DeltaGroups);
    }
}

/// Check 10.
pub(super) fn check_continuity(
    records: &[Contribution],
    known: &[ContributionHash],
    findings: &mut Findings,
) {
    if records.len() < known.len() {
        findings.add(
            Check::Continuity,
            Failure::Missing { found: records.len(), expected: known.len() },
        );
    }
    let mut pairs = records.iter().map(Contribution::hash).zip(known).zip(1..);
    if let Some(((found, expected), contribution)) =
        pairs.find(|((found, expected), _)| found != *expected)
    {
        findings
            .add(Check::Continuity, Failure::Forked { contribution, found, expected: *expected });
    }
}

/// Points of the records so far, each with the record it came from.
#[derive(Default)]
struct Seen {
    g1: HashMap<G1Affine, usize>,
    /// By x: a delta and its negative are the same to whoever knows one of them.
    deltas: HashMap<Fq, usize>,
}

impl Seen {
    /// A secret used twice shows as a repeated s with its s x; contributions that cancel each
    /// other, and secrets 1 and -1, as a delta that is plus or minus an earlier one.
    fn check(&mut self, record: &Contribution, contribution: usize, findings: &mut Findings) {
        let repeated = |earlier, what| Failure::Repeated { contribution, earlier, what };
        for (point, what) in [(record.proof.g1_s, "s"), (record.proof.g1_sx, "sx")] {
            if let Some(earlier) =
                self.g1.insert(point, contribution).filter(|earlier| *earlier != contribution)
            {
                findings.add(Check::Knowledge, repeated(earlier, what));
            }
        }
        self.deltas.entry(G1_GENERATOR.x).or_insert(0);
        if let Some(earlier) = self.deltas.insert(record.delta_g1.x, contribution) {
            findings.add(Check::Knowledge, repeated(earlier, "plus or minus delta"));
        }
    }
}

/// Check 5. That delta changed by the beacon's factor follows from s, s x and check 4.
fn check_beacon(
    record: &Contribution,
    contribution: usize,
    findings: &mut Findings,
    progress: &dyn Progress,
) {
    let ContributionKind::Beacon(beacon) = &record.kind else { return };
    let mut rng = ContributionRng::from_beacon(beacon, progress).generator();
    let delta = rng.secret();
    let s = rng.g1();
    let mut sx = [s];
    mul_all(&mut sx, delta.expose());
    for (what, same) in [("s", s == record.proof.g1_s), ("sx", sx[0] == record.proof.g1_sx)] {
        if !same {
            findings.add(Check::Beacon, Failure::BeaconValue { contribution, what });
        }
    }
}
