//! What header and records of a key tell by themselves: checks 2 to 6, 9 and 10 of docs/formats.md,
//! section 7. They are cheap, whatever the circuit's size, and come before the comparison with the
//! initial key.

use std::collections::HashMap;
use std::io::{Read, Seek};

use bn254_batch::curve::{G1_GENERATOR, G1Affine, G2_GENERATOR};
use bn254_batch::mul_all;
use rayon::prelude::*;

use super::contribute::Chain;
use super::degenerate::check_verifying_key_points;
use super::expectations::Expectations;
use super::report::{Check, Failure, Findings};
use crate::entropy::ContributionRng;
use crate::format::record::ContributionKind;
use crate::format::zkey::{Contribution, Zkey};
use crate::hash::{ContributionHash, Transcript};
use crate::progress::Progress;
use crate::ratio::{Ratio, same_ratio, verify_proof_of_knowledge};
use crate::sample::hash_to_g2;

/// Checks 2 to 6, 9 and 10: all that header and records tell by themselves.
pub(super) fn check_records<K: Read + Seek + Send>(
    key: &Zkey<K>,
    policy: &Expectations,
    findings: &mut Findings,
    progress: &dyn Progress,
) {
    let (header, records) = (key.header(), key.contributions());

    // 2
    let (found, expected) = (
        records.iter().filter(|c| !c.is_beacon()).count(),
        policy.min_contributions.get() as usize,
    );
    if found < expected {
        findings.add(Check::Contributions, Failure::TooFewContributions { found, expected });
    }
    let beacon = records.iter().position(Contribution::is_beacon);
    match beacon {
        Some(index) if index + 1 != records.len() => {
            findings.add(
                Check::Contributions,
                Failure::BeaconNotLast { contribution: index + 1, records: records.len() },
            );
        }
        None if policy.beacon_required => findings.add(Check::Contributions, Failure::NoBeacon),
        _ => {}
    }

    // 3 and 4
    progress.begin("contributions", records.len() as u64);
    let (mut chain, mut delta) = (Chain::new(&key.initial_key_hash()), G1_GENERATOR);
    let links: Vec<_> = records
        .iter()
        .map(|record| {
            let (transcript, before) =
                (chain.transcript(&record.proof.g1_s, &record.proof.g1_sx), delta);
            chain.add(record);
            delta = record.delta_g1;
            (record, transcript, before)
        })
        .collect();
    let prove = |(record, transcript, before): &(&Contribution, Transcript, G1Affine)| {
        let r = hash_to_g2(&transcript.0);
        let known = || verify_proof_of_knowledge(&record.proof, r);
        let ratio = || same_ratio(Ratio(*before, record.delta_g1), Ratio(r, record.proof.g2_spx));
        let proofs = rayon::join(known, ratio);
        progress.advance(1);
        proofs
    };
    let proofs: Vec<_> = links.par_iter().with_max_len(1).map(prove).collect();
    let mut seen = Seen::default();
    for (((record, expected, _), (known, ratio)), contribution) in
        links.into_iter().zip(proofs).zip(1..)
    {
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

    // 6
    if header.delta_g1 != delta {
        findings.add(
            Check::FinalDelta,
            Failure::HeaderDelta { found: header.delta_g1, expected: delta },
        );
    }
    if !same_ratio(Ratio(G1_GENERATOR, header.delta_g1), Ratio(G2_GENERATOR, header.delta_g2)) {
        findings.add(Check::FinalDelta, Failure::DeltaGroups);
    }

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

    // 10
    check_continuity(records, &policy.known, findings);

    // 5, last: a beacon's value may take minutes to hash.
    if let Some(index) = beacon
        && index + 1 == records.len()
        && findings.is_empty()
    {
        check_beacon(&records[index], index + 1, findings, progress);
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
    deltas: HashMap<G1Affine, usize>,
}

impl Seen {
    /// A secret used twice shows as a repeated s with its s x; contributions that cancel each other
    /// as a repeated delta.
    fn check(&mut self, record: &Contribution, contribution: usize, findings: &mut Findings) {
        let repeated = |earlier, what| Failure::Repeated { contribution, earlier, what };
        for (point, what) in [(record.proof.g1_s, "s"), (record.proof.g1_sx, "sx")] {
            if let Some(earlier) =
                self.g1.insert(point, contribution).filter(|earlier| *earlier != contribution)
            {
                findings.add(Check::Knowledge, repeated(earlier, what));
            }
        }
        self.deltas.entry(G1_GENERATOR).or_insert(0);
        if let Some(earlier) = self.deltas.insert(record.delta_g1, contribution) {
            findings.add(Check::Knowledge, repeated(earlier, "delta"));
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
