//! Each numbered check of phase 1 has files that only this check refuses, or refuses first.
//! Attackers here know every secret and hide what they did by recomputing all hashes.

use std::io::Cursor;

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, PrimeField};
use bn254_batch::curve::{Fr, G1Affine, G2Affine};
use ceremony_core::entropy::Beacon;
use ceremony_core::format::bases_part::Residue;
use ceremony_core::format::bound_file::digest_file;
use ceremony_core::format::encoding::{Encoding, encode};
use ceremony_core::format::ptau::{AccumulatorHead, Contribution, Levels, Power, Ptau, PublicKey};
use ceremony_core::format::record::{ContributionKind, ContributorName};
use ceremony_core::hash::{Challenge, FileBlake2b, FileSha256};
use ceremony_core::phase1::challenge_response::export_challenge;
use ceremony_core::phase1::contribute::{StepError, contribute, new};
use ceremony_core::phase1::prepare::{Preparation, prepare};
use ceremony_core::phase1::verify::{
    Check, Expectations, Failure, Verified, VerifyError, verify, verify_new,
};
use ceremony_core::progress::NoProgress;
use testkit::flipping::{Fickle, Flipping};
use testkit::forge::{shift_point, with_section};
use testkit::ptau::{Model, Secrets, any_rng, outside_the_subgroup};

fn verify_with(model: &Model, expectations: &Expectations<'_>) -> Result<Verified, VerifyError> {
    verify(Cursor::new(model.bytes()), expectations, &NoProgress).map(|(_, verified)| verified)
}

fn failure_with(model: &Model, expectations: &Expectations<'_>) -> Failure {
    match verify_with(model, expectations) {
        Err(VerifyError::Failed(failure)) => *failure,
        Err(other) => panic!("refused for another reason: {other}"),
        Ok(_) => panic!("accepted"),
    }
}

fn failure(model: &Model) -> Failure {
    failure_with(model, &Expectations::default())
}

#[track_caller]
fn assert_fails(model: &Model, check: Check, place: &str) {
    let failure = failure(model);
    assert_eq!((failure.check, failure.place.as_str()), (check, place), "{failure}");
}

fn double<P: AffineRepr>(p: P) -> P {
    (p.into_group() + p.into_group()).into_affine()
}

// ---- good files ---------------------------------------------------------------------------------

#[test]
fn an_honest_chain_passes_every_check() {
    let mut model = Model::with_contributions(3, 2);
    model.beacon(b"a public value");
    let last = model.records.last().unwrap().next_challenge;
    model.prepare();
    let verified = verify_with(
        &model,
        &Expectations {
            min_contributions: 2,
            earlier: Some(&model.records[..1]),
            ..Default::default()
        },
    )
    .unwrap();
    let numbers: Vec<u32> = verified.checks.iter().map(|check| check.number()).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 10]);
    assert_eq!(verified.next_challenge, last);
    assert_eq!(verified.published, None);
}

#[test]
fn every_power_up_to_six_verifies() {
    for power in 1..=6 {
        let mut model = Model::with_contributions(power, 1);
        model.prepare();
        verify_with(&model, &Expectations::default()).unwrap();
    }
}

// ---- check 0 ------------------------------------------------------------------------------------

#[test]
fn a_file_without_contributions_is_refused() {
    assert_fails(&Model::new(2), Check::MinimumContributions, "chain of contributions");
}

#[test]
fn a_file_of_new_and_beacon_only_is_refused() {
    let mut model = Model::new(2);
    model.beacon_even_if_first(&[7]);
    let failure = failure(&model);
    assert_eq!(failure.check, Check::MinimumContributions);
    assert_eq!(failure.reason, "no participant has contributed, so tau is publicly known");
}

#[test]
fn the_kit_beacon_is_a_real_beacon() {
    let mut model = Model::with_contributions(2, 1);
    model.beacon_even_if_first(&[7]);
    verify_with(&model, &Expectations::default()).unwrap();
}

#[test]
fn fewer_contributions_than_the_minimum_are_refused() {
    let mut model = Model::with_contributions(2, 2);
    model.beacon(&[7]);
    let at_least = |min_contributions| Expectations { min_contributions, ..Default::default() };
    verify_with(&model, &at_least(2)).unwrap();
    let failure = failure_with(&model, &at_least(3));
    assert_eq!(
        (failure.check, failure.found.as_str()),
        (Check::MinimumContributions, "2 that are not a beacon")
    );
    verify_with(&model, &at_least(0)).unwrap();
}

// ---- check 1 ------------------------------------------------------------------------------------

#[test]
fn a_contribution_of_one_is_refused() {
    for which in 0..3 {
        let mut secrets = Secrets::of(1);
        *[&mut secrets.tau, &mut secrets.alpha, &mut secrets.beta][which] = Fr::from(1u64);
        let mut model = Model::with_contributions(2, 1);
        model.contribute(secrets);
        let failure = failure(&model);
        assert_eq!(
            (failure.check, failure.place.as_str()),
            (Check::ProofOfKnowledge, "contribution 2")
        );
        assert!(failure.found.contains("the secret is one"), "{failure}");
    }
}

#[test]
fn a_replayed_contribution_is_refused() {
    let mut model = Model::with_contributions(2, 1);
    let key = model.records[0].public_key;
    model.contribute_forged(Secrets::of(0), ContributionKind::Contribution, |_, forged| {
        *forged = key
    });
    assert_fails(&model, Check::ProofOfKnowledge, "contribution 2");
}

#[test]
fn swapped_contributions_break_the_link() {
    let mut model = Model::with_contributions(2, 3);
    model.records.swap(0, 1);
    assert_fails(&model, Check::ProofOfKnowledge, "contribution 1");
}

#[test]
fn a_removed_contribution_breaks_the_link() {
    let mut model = Model::with_contributions(2, 3);
    model.records.remove(1);
    assert_fails(&model, Check::ProofOfKnowledge, "contribution 2");
}

#[test]
fn each_of_the_nine_points_of_a_public_key_is_checked() {
    let alterations: [fn(&mut PublicKey); 9] = [
        |k| k.tau.g1_s = double(k.tau.g1_s),
        |k| k.tau.g1_sx = double(k.tau.g1_sx),
        |k| k.tau.g2_spx = double(k.tau.g2_spx),
        |k| k.alpha.g1_s = double(k.alpha.g1_s),
        |k| k.alpha.g1_sx = double(k.alpha.g1_sx),
        |k| k.alpha.g2_spx = double(k.alpha.g2_spx),
        |k| k.beta.g1_s = double(k.beta.g1_s),
        |k| k.beta.g1_sx = double(k.beta.g1_sx),
        |k| k.beta.g2_spx = double(k.beta.g2_spx),
    ];
    for (i, alter) in alterations.into_iter().enumerate() {
        let mut model = Model::with_contributions(2, 1);
        model
            .contribute_forged(Secrets::of(1), ContributionKind::Contribution, |_, key| alter(key));
        let failure = failure(&model);
        assert_eq!(
            (failure.check, failure.place.as_str()),
            (Check::ProofOfKnowledge, "contribution 2"),
            "point {i}"
        );
        let name = ["tau", "alpha", "beta"][i / 3];
        assert!(failure.found.starts_with(name), "{failure}");
    }
}

// ---- checks 2 and 3 -----------------------------------------------------------------------------

#[test]
fn each_of_the_five_key_points_is_checked_against_the_proof() {
    type Alteration = fn(&mut AccumulatorHead);
    let alterations: [(Alteration, Check, &str); 5] = [
        (|k| k.tau_g1 = double(k.tau_g1), Check::TauRatio, "[tau]1"),
        (|k| k.tau_g2 = double(k.tau_g2), Check::TauRatio, "[tau]2"),
        (|k| k.alpha_g1 = double(k.alpha_g1), Check::AlphaBetaRatio, "[alpha]1"),
        (|k| k.beta_g1 = double(k.beta_g1), Check::AlphaBetaRatio, "[beta]1"),
        (|k| k.beta_g2 = double(k.beta_g2), Check::AlphaBetaRatio, "[beta]2"),
    ];
    for (alter, check, name) in alterations {
        let mut model = Model::with_contributions(2, 1);
        model.contribute_forged(Secrets::of(1), ContributionKind::Contribution, |key_points, _| {
            alter(key_points)
        });
        let failure = failure(&model);
        assert_eq!((failure.check, failure.place.as_str()), (check, "contribution 2"), "{name}");
        assert!(failure.reason.starts_with(name), "{failure}");
    }
}

#[test]
fn a_contribution_in_the_middle_of_the_chain_is_checked_like_the_last() {
    let mut model = Model::with_contributions(2, 1);
    model.contribute_forged(Secrets::of(1), ContributionKind::Contribution, |k, _| {
        k.tau_g2 = double(k.tau_g2)
    });
    model.contribute(Secrets::of(2));
    assert_fails(&model, Check::TauRatio, "contribution 2");
}

// ---- check 4 ------------------------------------------------------------------------------------

#[test]
fn a_contribution_relabelled_as_a_beacon_is_refused() {
    let mut model = Model::with_contributions(2, 2);
    model.records[1].kind = ContributionKind::Beacon(Beacon::new(&[1], 10).unwrap());
    assert_fails(&model, Check::Beacon, "contribution 2");
}

#[test]
fn a_beacon_with_another_value_or_exponent_is_refused() {
    let mut model = Model::with_contributions(2, 1);
    model.beacon(&[1, 2, 3]);
    for (value, exponent) in [(&[1, 2, 4][..], 10), (&[1, 2, 3], 11)] {
        let mut other = model.clone();
        other.records[1].kind = ContributionKind::Beacon(Beacon::new(value, exponent).unwrap());
        assert_fails(&other, Check::Beacon, "contribution 2");
    }
}

#[test]
fn a_beacon_that_is_not_last_is_refused() {
    let mut model = Model::with_contributions(2, 1);
    model.beacon(&[1, 2, 3]);
    model.contribute(Secrets::of(2));
    let failure = failure(&model);
    assert_eq!((failure.check, failure.found.as_str()), (Check::Beacon, "contribution 2 of 3"));
}

#[test]
fn two_beacons_are_refused() {
    let mut model = Model::with_contributions(2, 1);
    model.beacon(&[1, 2, 3]);
    model.beacon_even_if_first(&[4, 5, 6]);
    let failure = failure(&model);
    assert_eq!((failure.check, failure.found.as_str()), (Check::Beacon, "contribution 2 of 3"));
}

#[test]
fn a_beacon_key_with_one_other_point_is_refused() {
    // The points of alpha and beta alone are those of other secrets; proofs and ratios hold.
    let mut model = Model::with_contributions(2, 1);
    let beacon = Beacon::new(&[9], 10).unwrap();
    model.contribute_forged(Secrets::of(5), ContributionKind::Beacon(beacon), |_, _| {});
    assert_fails(&model, Check::Beacon, "contribution 2");
}

// ---- check 5 ------------------------------------------------------------------------------------

/// Doubles element `index` of a section and says the section's name.
fn double_element(model: &mut Model, section: u32, index: usize) -> &'static str {
    match section {
        2 => model.tau_g1[index] = double(model.tau_g1[index]),
        3 => model.tau_g2[index] = double(model.tau_g2[index]),
        4 => model.alpha_tau_g1[index] = double(model.alpha_tau_g1[index]),
        5 => model.beta_tau_g1[index] = double(model.beta_tau_g1[index]),
        _ => model.beta_g2[index] = double(model.beta_g2[index]),
    }
    ["[tau^i]1", "[tau^i]2", "[alpha tau^i]1", "[beta tau^i]1", "[beta]2"][section as usize - 2]
}

fn length(section: u32, n: usize) -> usize {
    match section {
        2 => 2 * n - 1,
        6 => 1,
        _ => n,
    }
}

#[test]
fn each_section_altered_at_element_0_1_middle_and_last_is_refused_by_its_powers() {
    let good = Model::with_contributions(3, 2);
    for section in 2..=6 {
        let len = length(section, 8);
        for index in [0, 1, len / 2, len - 1].into_iter().filter(|i| *i < len) {
            let mut model = good.clone();
            let name = double_element(&mut model, section, index);
            model.rehash_last();
            let failure = failure(&model);
            assert_eq!(
                failure.check,
                Check::Powers,
                "section {section} element {index}: {failure}"
            );
            let first = index == 0 || (index == 1 && section < 4);
            let place = if first {
                format!("section {section} ({name}), element {index}")
            } else {
                format!("section {section} ({name})")
            };
            assert_eq!(failure.place, place);
        }
    }
}

#[test]
fn each_section_altered_without_new_hashes_is_refused() {
    let good = Model::with_contributions(3, 2);
    for section in 2..=6 {
        let len = length(section, 8);
        for index in [0, 1, len / 2, len - 1].into_iter().filter(|i| *i < len) {
            let mut model = good.clone();
            double_element(&mut model, section, index);
            assert_eq!(failure(&model).check, Check::Powers, "section {section} element {index}");
        }
    }
}

#[test]
fn a_section_with_another_ratio_of_powers_is_refused() {
    let times = |p: G1Affine, k: u64| (p.into_group() * Fr::from(k)).into_affine();
    let good = Model::with_contributions(3, 1);
    // Every element from the third on (the first two are bound by the record) follows a ratio of
    // its own.
    for section in 2..=5 {
        let mut model = good.clone();
        for i in 2..length(section, 8) {
            let k = 3u64.pow(i as u32 - 1);
            match section {
                2 => model.tau_g1[i] = times(model.tau_g1[i], k),
                3 => model.tau_g2[i] = (model.tau_g2[i].into_group() * Fr::from(k)).into_affine(),
                4 => model.alpha_tau_g1[i] = times(model.alpha_tau_g1[i], k),
                _ => model.beta_tau_g1[i] = times(model.beta_tau_g1[i], k),
            }
        }
        model.rehash_last();
        let failure = failure(&model);
        assert_eq!(failure.check, Check::Powers);
        assert!(failure.place.starts_with(&format!("section {section} ")), "{failure}");
    }
}

#[test]
fn opposite_errors_do_not_cancel() {
    // Two errors whose plain sum is zero: only random coefficients see them.
    let mut model = Model::with_contributions(3, 1);
    let error = G1Affine::generator().into_group();
    model.alpha_tau_g1[3] = (model.alpha_tau_g1[3].into_group() + error).into_affine();
    model.alpha_tau_g1[4] = (model.alpha_tau_g1[4].into_group() - error).into_affine();
    model.rehash_last();
    assert_fails(&model, Check::Powers, "section 4 ([alpha tau^i]1)");
}

/// Long enough that neighbours share coefficients.
fn long_file() -> Vec<u8> {
    testkit::choose_arithmetic();
    let (mut start, mut file) = (Cursor::new(Vec::new()), Cursor::new(Vec::new()));
    new(Power::new(10).unwrap(), &mut start, &NoProgress).unwrap();
    contribute(&mut Ptau::open(start).unwrap(), &mut file, any_rng(), None, &NoProgress).unwrap();
    file.into_inner()
}

#[test]
fn in_a_long_file_the_section_of_a_wrong_power_is_named_and_the_point_outside_the_subgroup() {
    let file = long_file();
    let error = |bytes: Vec<u8>| {
        verify(Cursor::new(bytes), &Expectations::default(), &NoProgress)
            .map(|_| "accepted")
            .unwrap_err()
    };
    verify(Cursor::new(&file), &Expectations::default(), &NoProgress).unwrap();
    for (section, name, len) in [
        (2, "[tau^i]1", 2047),
        (4, "[alpha tau^i]1", 1024),
        (5, "[beta tau^i]1", 1024),
        (3, "[tau^i]2", 1024),
    ] {
        for index in [3, 4, 700, len - 1] {
            let altered = with_section(&file, section, |points| match section {
                3 => shift_point::<G2Affine>(points, index),
                _ => shift_point::<G1Affine>(points, index),
            });
            match error(altered) {
                VerifyError::Failed(failure) => {
                    assert_eq!(
                        (failure.check, failure.place),
                        (Check::Powers, format!("section {section} ({name})")),
                        "element {index}"
                    );
                }
                other => panic!("{other}"),
            }
        }
    }
    let outside = encode(&[outside_the_subgroup()], Encoding::Montgomery);
    for index in [2, 3, 700, 1023] {
        let altered =
            with_section(&file, 3, |points| points[index * 128..][..128].copy_from_slice(&outside));
        assert_eq!(
            error(altered).to_string(),
            format!(
                "section 3 ([tau^i]2) element {index}: the point is outside the subgroup of order \
                 r"
            )
        );
    }
}

// ---- check 6 ------------------------------------------------------------------------------------

fn with_record(model: &Model, change: impl FnOnce(Contribution) -> Contribution) -> Model {
    let mut model = model.clone();
    let last = model.records.pop().unwrap();
    model.records.push(change(last));
    model
}

#[test]
fn a_corrupted_partial_hash_of_the_last_record_is_refused() {
    let good = Model::with_contributions(2, 2);
    // A byte of the chaining value, and a byte of the buffer that is still pending.
    for at in [130, 0] {
        let model = with_record(&good, |mut record| {
            record.partial_hash.0[at] ^= 1;
            record
        });
        let failure = failure(&model);
        assert_eq!(
            (failure.check, failure.place.as_str()),
            (Check::Hashes, "contribution 2"),
            "{failure}"
        );
        assert!(failure.reason.contains("response"), "{failure}");
    }
}

#[test]
fn an_altered_next_challenge_is_refused() {
    let model = with_record(&Model::with_contributions(2, 2), |mut record| {
        record.next_challenge.0[63] ^= 1;
        record
    });
    let failure = failure(&model);
    assert_eq!((failure.check, failure.place.as_str()), (Check::Hashes, "contribution 2"));
    assert!(failure.reason.contains("next challenge"), "{failure}");
}

#[test]
fn an_empty_next_challenge_is_refused() {
    let model = with_record(&Model::with_contributions(2, 2), |mut record| {
        record.next_challenge = Challenge([0; 64]);
        record
    });
    assert_fails(&model, Check::Hashes, "contribution 2");
}

#[test]
fn an_altered_challenge_of_an_earlier_record_breaks_the_link() {
    let mut model = Model::with_contributions(2, 2);
    model.records[0].next_challenge.0[0] ^= 1;
    assert_fails(&model, Check::ProofOfKnowledge, "contribution 2");
}

#[test]
fn the_response_hash_of_an_earlier_record_is_bound_by_the_known_chain_alone() {
    let known = Model::with_contributions(2, 2);
    let mut altered = known.clone();
    altered.records[0].partial_hash.0[0] ^= 1;
    // It covers an accumulator that is no longer in the file, and the next challenge, which covers
    // it, cannot be recomputed either.
    let (_, verified) =
        verify(Cursor::new(altered.bytes()), &Expectations::default(), &NoProgress).unwrap();
    assert_eq!(verified.next_challenge, known.records[1].next_challenge);
    let failure = failure_with(
        &altered,
        &Expectations { earlier: Some(&known.records[..1]), ..Default::default() },
    );
    assert_eq!((failure.check, failure.place.as_str()), (Check::Continuity, "contribution 1"));
}

// ---- check 7 ------------------------------------------------------------------------------------

#[test]
fn a_lagrange_level_altered_anywhere_is_refused() {
    let mut good = Model::with_contributions(3, 1);
    good.prepare();
    for section in 12..=15 {
        let levels = if section == 12 { 5 } else { 4 };
        for level in 0..levels {
            let n = 1usize << level;
            for index in [0, n / 2, n - 1] {
                let mut model = good.clone();
                let lagrange = model.lagrange.as_mut().unwrap();
                let at = n - 1 + index;
                match section {
                    12 => lagrange.tau_g1[at] = double(lagrange.tau_g1[at]),
                    13 => lagrange.tau_g2[at] = double(lagrange.tau_g2[at]),
                    14 => lagrange.alpha_tau_g1[at] = double(lagrange.alpha_tau_g1[at]),
                    _ => lagrange.beta_tau_g1[at] = double(lagrange.beta_tau_g1[at]),
                }
                let failure = failure(&model);
                assert_eq!(failure.check, Check::Lagrange);
                assert!(failure.place.starts_with(&format!("section {section} ")), "{failure}");
                assert!(failure.place.ends_with(&format!("level {level}")), "{failure}");
            }
        }
    }
}

#[test]
fn swapped_lagrange_elements_are_refused() {
    let mut model = Model::with_contributions(3, 1);
    model.prepare();
    model.lagrange.as_mut().unwrap().tau_g2.swap(8, 9);
    assert_fails(&model, Check::Lagrange, "section 13 (Lagrange [tau]2), level 3");
}

#[test]
fn the_lagrange_sections_of_another_ceremony_are_refused() {
    let mut model = Model::with_contributions(3, 1);
    let mut other = Model::with_contributions(3, 2);
    other.prepare();
    model.lagrange = other.lagrange;
    assert_eq!(failure(&model).check, Check::Lagrange);
}

// ---- check 8 ------------------------------------------------------------------------------------

#[test]
fn a_second_contribution_with_the_same_key_is_refused() {
    let mut model = Model::with_contributions(2, 1);
    model.contribute(Secrets::of(0));
    let failure = failure(&model);
    assert_eq!((failure.check, failure.place.as_str()), (Check::RepeatedKey, "contribution 2"));
    assert_eq!(failure.found, "a proof of contribution 1");
}

#[test]
fn a_single_repeated_proof_is_refused() {
    for which in 0..3 {
        let (first, mut second) = (Secrets::of(0), Secrets::of(1));
        match which {
            0 => second.tau = first.tau,
            1 => second.alpha = first.alpha,
            _ => second.beta = first.beta,
        }
        second.s[which] = first.s[which];
        let mut model = Model::with_contributions(2, 1);
        model.contribute(second);
        assert_fails(&model, Check::RepeatedKey, "contribution 2");
    }
}

/// The inverse of one of a contributor's secrets.
fn undo(secrets: Secrets, which: usize) -> Fr {
    [secrets.tau, secrets.alpha, secrets.beta][which].inverse().unwrap()
}

fn with_secret(mut secrets: Secrets, which: usize, value: Fr) -> Secrets {
    *[&mut secrets.tau, &mut secrets.alpha, &mut secrets.beta][which] = value;
    secrets
}

#[test]
fn contributions_to_phase_1_that_cancel_are_refused() {
    for (which, name) in ["[tau]1", "[alpha]1", "[beta]1"].into_iter().enumerate() {
        for sign in [Fr::ONE, -Fr::ONE] {
            // Back to the start, at once or after an honest contribution; back to a record.
            for (honest, undone, place, as_before) in [
                (1, vec![0], "contribution 2", "of the start"),
                (2, vec![0, 1], "contribution 3", "of the start"),
                (2, vec![1], "contribution 3", "of contribution 1"),
            ] {
                let mut model = Model::with_contributions(2, honest);
                let factor: Fr = undone.iter().map(|i| undo(Secrets::of(*i), which)).product();
                model.contribute(with_secret(Secrets::of(9), which, sign * factor));
                // The beacon makes what is left look random, and everybody can compute it.
                for closed in [false, true] {
                    if closed {
                        model.beacon_even_if_first(&[7]);
                    }
                    let failure = failure(&model);
                    assert_eq!(
                        (failure.check, failure.place.as_str()),
                        (Check::RepeatedKey, place),
                        "{failure}"
                    );
                    assert!(failure.found.starts_with(name), "{failure}");
                    assert!(failure.found.ends_with(as_before), "{failure}");
                }
            }
        }
    }
}

#[test]
fn contributions_that_cancel_are_not_built_on() {
    let mut model = Model::with_contributions(2, 1);
    model.contribute(with_secret(Secrets::of(9), 1, undo(Secrets::of(0), 1)));
    let refused = |error: StepError| match error {
        StepError::Check(failure) => assert_eq!(failure.check, Check::RepeatedKey),
        other => panic!("{other}"),
    };
    let out = || Cursor::new(Vec::new());
    refused(contribute(&mut model.open(), out(), any_rng(), None, &NoProgress).unwrap_err());
    refused(export_challenge(&mut model.open(), out(), &NoProgress).unwrap_err());
    refused(prepare(&mut model.open(), out(), &NoProgress).unwrap_err());
}

/// A file of power 3, whose highest power of tau is tau^14, with this tau.
fn with_tau(tau: Fr) -> Model {
    let mut model = Model::new(3);
    model.contribute(Secrets { tau, ..Secrets::of(1) });
    model
}

fn root_of_order(order: u64) -> Fr {
    // (r - 1) / order, by long division.
    let (mut exponent, mut rest) = ((-Fr::ONE).into_bigint(), 0u128);
    for limb in exponent.0.iter_mut().rev() {
        let value = rest << 64 | u128::from(*limb);
        (*limb, rest) = ((value / u128::from(order)) as u64, value % u128::from(order));
    }
    assert_eq!(rest, 0);
    Fr::from(5u64).pow(exponent)
}

#[test]
fn a_tau_of_small_order_is_refused_as_far_as_the_powers_show_it() {
    let small = |tau: Fr, element: &str| {
        let failure = failure(&with_tau(tau));
        assert_eq!(
            (failure.check, failure.place.as_str()),
            (Check::RepeatedKey, element),
            "{failure}"
        );
    };
    // -1 is an earlier key with another sign already.
    small(-Fr::ONE, "contribution 1");
    // A power that is 1, or -1.
    for (order, element) in [(3, 3), (4, 2), (8, 4), (9, 9), (13, 13), (16, 8), (18, 9), (26, 13)] {
        small(root_of_order(order), &format!("section 2 ([tau^i]1), element {element}"));
    }
    // Of the other orders the file shows nothing.
    for order in [29, 32, 1 << 28] {
        verify_with(&with_tau(root_of_order(order)), &Expectations::default()).unwrap();
    }
    // Nor is such a file prepared, in one piece or in parts.
    let (mut input, output) = (with_tau(root_of_order(16)).open(), || Cursor::new(Vec::new()));
    let levels = Levels::all(input.power());
    let (part, digest) = (Residue::new(2, 2).unwrap(), FileSha256([0; 32]));
    let whole = prepare(&mut input, output(), &NoProgress);
    let part = Preparation::begin_part(&mut input, output(), levels, part, digest, &NoProgress);
    for error in [whole.unwrap_err(), part.err().unwrap()] {
        assert!(matches!(&error, StepError::Check(f) if f.check == Check::RepeatedKey), "{error}");
    }
}

#[test]
fn an_honest_record_over_a_tau_of_small_order_mends_it() {
    let mut model = with_tau(root_of_order(8));
    model.contribute(Secrets::of(2));
    verify_with(&model, &Expectations::default()).unwrap();
}

#[test]
fn a_contribution_moved_onto_another_record_is_refused() {
    // The victim answered the start's challenge. The attacker's record claims to lead back to it.
    let (_, start) = Model::new(2).link();
    let mut model = Model::with_contributions(2, 1);
    model.records[0].next_challenge = start;
    model.contribute(Secrets::of(1));
    let failure_at_1 = failure(&model);
    assert_eq!(
        (failure_at_1.check, failure_at_1.place.as_str()),
        (Check::RepeatedKey, "contribution 1")
    );
    assert!(failure_at_1.found.ends_with("the start leads to it too"), "{failure_at_1}");
    // The same further up the chain.
    let mut model = Model::with_contributions(2, 2);
    model.records[1].next_challenge = model.records[0].next_challenge;
    model.contribute(Secrets::of(2));
    let failure_at_2 = failure(&model);
    assert_eq!(
        (failure_at_2.check, failure_at_2.place.as_str()),
        (Check::RepeatedKey, "contribution 2")
    );
    assert!(failure_at_2.found.ends_with("contribution 1 leads to it too"), "{failure_at_2}");
}

// ---- check 9 ------------------------------------------------------------------------------------

fn truncated() -> Model {
    let mut model = Model::with_contributions(4, 2);
    model.truncate(2);
    model.prepare();
    model
}

/// Cut after it was prepared: the last level of section 12 is that of the larger file.
fn truncated_after_preparing(power: u32) -> Model {
    let mut larger = Model::with_contributions(4, 2);
    let mut model = larger.clone();
    larger.prepare();
    model.truncate(power);
    model.prepare();
    model.lagrange.as_mut().unwrap().tau_g1 =
        larger.lagrange.unwrap().tau_g1[..(4 << power) - 1].to_vec();
    model
}

#[test]
fn a_file_truncated_after_it_was_prepared_keeps_a_full_last_level() {
    for power in 1..=3 {
        let model = truncated_after_preparing(power);
        let pinned =
            |model: &Model| Expectations { digest: Some(digest(model)), ..Default::default() };
        verify_with(&model, &pinned(&model)).unwrap();
        let (first, last) = ((2 << power) - 1, (4 << power) - 2);
        for index in [first, first + 2, last] {
            let mut altered = model.clone();
            let points = &mut altered.lagrange.as_mut().unwrap().tau_g1;
            points[index] = double(points[index]);
            let failure = failure_with(&altered, &pinned(&altered));
            assert_eq!(
                failure.place,
                format!("section 12 (Lagrange [tau]1), level {}", power + 1),
                "{failure}"
            );
        }
    }
}

#[test]
fn a_full_last_level_in_a_file_that_is_not_truncated_is_refused() {
    let mut larger = Model::with_contributions(3, 1);
    let mut model = larger.clone();
    model.prepare();
    // The level with the power that the file lacks, tau^15, in the place of infinity.
    let tau = Secrets::of(0).tau;
    larger.tau_g1.push((larger.tau_g1[14].into_group() * tau).into_affine());
    larger.prepare();
    model.lagrange = larger.lagrange;
    assert_fails(&model, Check::Lagrange, "section 12 (Lagrange [tau]1), level 4");
}

fn digest(model: &Model) -> FileBlake2b {
    FileBlake2b(ceremony_core::hash::Blake2b512::digest(&[&model.bytes()]))
}

#[test]
fn a_truncated_file_needs_a_digest() {
    let model = truncated();
    assert_fails(&model, Check::Digest, "file of power 2 from a ceremony of power 4");
    let pinned = Expectations { digest: Some(digest(&model)), ..Default::default() };
    let numbers: Vec<u32> =
        verify_with(&model, &pinned).unwrap().checks.iter().map(|check| check.number()).collect();
    assert_eq!(
        numbers,
        [0, 1, 2, 3, 4, 5, 7, 8, 9],
        "no hash binds the points, so check 6 is not claimed"
    );
}

#[test]
fn another_digest_than_the_given_one_is_refused() {
    for model in [truncated(), Model::with_contributions(2, 1)] {
        let wrong = Expectations { digest: Some(FileBlake2b([7; 64])), ..Default::default() };
        let failure = failure_with(&model, &wrong);
        assert_eq!((failure.check, failure.found), (Check::Digest, digest(&model).to_string()));
    }
}

#[test]
fn the_other_checks_hold_for_a_truncated_file_too() {
    let mut model = truncated();
    model.alpha_tau_g1[3] = double(model.alpha_tau_g1[3]);
    let pinned = Expectations { digest: Some(digest(&model)), ..Default::default() };
    assert_eq!(failure_with(&model, &pinned).check, Check::Powers);
}

#[test]
fn a_file_that_hides_its_truncation_is_refused() {
    let mut model = truncated();
    model.ceremony_power = model.power;
    // The hash states of the records have seen the bytes of a larger ceremony.
    let error = verify_with(&model, &Expectations::default()).map(drop).unwrap_err().to_string();
    assert!(error.contains("hash state after the wrong number of bytes"), "{error}");
}

// ---- check 10 -----------------------------------------------------------------------------------

#[test]
fn a_fork_of_the_known_chain_is_refused() {
    let known = Model::with_contributions(2, 2);
    let mut fork = Model::with_contributions(2, 1);
    fork.contribute(Secrets::of(9));
    fork.contribute(Secrets::of(10));
    let failure =
        failure_with(&fork, &Expectations { earlier: Some(&known.records), ..Default::default() });
    assert_eq!((failure.check, failure.place.as_str()), (Check::Continuity, "contribution 2"));
    assert_eq!(failure.expected, known.records[1].response_hash().to_string());
}

#[test]
fn a_chain_shorter_than_the_known_one_is_refused() {
    let (known, short) = (Model::with_contributions(2, 2), Model::with_contributions(2, 1));
    let failure =
        failure_with(&short, &Expectations { earlier: Some(&known.records), ..Default::default() });
    assert_eq!((failure.check, failure.found.as_str()), (Check::Continuity, "1 contributions"));
    verify_with(&known, &Expectations { earlier: Some(&short.records), ..Default::default() })
        .unwrap();
}

#[test]
fn a_contributor_renamed_in_a_known_record_is_a_fork() {
    let known = Model::with_contributions(2, 2);
    let mut renamed = known.clone();
    renamed.records[0].name = Some(ContributorName::new("somebody else"));
    verify_with(&renamed, &Expectations::default()).expect("nothing in the file binds a name");
    let failure = failure_with(
        &renamed,
        &Expectations { earlier: Some(&known.records), ..Default::default() },
    );
    assert_eq!(failure.check, Check::Continuity);
}

#[test]
fn a_proven_record_is_not_proven_again_and_a_new_one_is() {
    let good = Model::with_contributions(2, 3);
    let unproven = |index: usize| {
        let mut model = good.clone();
        let proof = &mut model.records[index].public_key.alpha;
        proof.g2_spx = double(proof.g2_spx);
        if index + 1 == model.records.len() {
            model.rehash_last();
        }
        assert_fails(&model, Check::ProofOfKnowledge, &format!("contribution {}", index + 1));
        model
    };
    let first = unproven(0);
    let after = |records, power| Expectations {
        earlier: Some(records),
        proven: Power::new(power),
        ..Default::default()
    };
    let ptau = Ptau::open(Cursor::new(first.bytes())).unwrap();
    let known = &ptau.contributions()[..1];
    verify_with(&first, &after(known, 2)).expect("it is not proven again");
    // What was proven elsewhere, or is another record, proves nothing.
    let failure = failure_with(&first, &after(known, 3));
    assert_eq!(failure.check, Check::ProofOfKnowledge);
    let failure = failure_with(&first, &after(&good.records[..1], 2));
    assert_eq!(failure.check, Check::Continuity);
    for (index, proven) in [(1, 1), (2, 1), (2, 2)] {
        let failure = failure_with(&unproven(index), &after(&good.records[..proven], 2));
        let place = format!("contribution {}", index + 1);
        assert_eq!((failure.check, failure.place), (Check::ProofOfKnowledge, place));
    }
}

#[test]
fn a_beacon_among_proven_records_still_ends_the_chain() {
    let mut known = Model::with_contributions(2, 1);
    known.beacon(&[7; 32]);
    let mut longer = known.clone();
    longer.contribute(Secrets::of(9));
    let proven =
        Expectations { earlier: Some(&known.records), proven: Power::new(2), ..Default::default() };
    let failure = failure_with(&longer, &proven);
    assert_eq!((failure.check, failure.place.as_str()), (Check::Beacon, "contribution 2"));
}

// ---- the file itself ----------------------------------------------------------------------------

#[test]
fn no_byte_of_a_file_is_read_twice() {
    for power in [2, 5] {
        let mut model = Model::with_contributions(power, 2);
        model.prepare();
        let bytes = model.bytes();
        // Whatever is read again is noise: what was verified and hashed is what was read first.
        let (_, verified) = verify(
            Fickle::new(&bytes, &vec![0xa5; bytes.len()]),
            &Expectations::default(),
            &NoProgress,
        )
        .unwrap();
        assert_eq!(verified.digests, digest_file(&mut Cursor::new(&bytes), &NoProgress).unwrap());
        let (_, digests) =
            verify_new(Fickle::new(&Model::new(power).bytes(), &[]), &NoProgress).unwrap();
        assert_eq!(
            digests,
            digest_file(&mut Cursor::new(Model::new(power).bytes()), &NoProgress).unwrap()
        );
    }
}

#[test]
fn a_file_that_changes_under_the_verifier_passes_for_what_was_read_or_not_at_all() {
    let bytes = Model::with_contributions(2, 1).bytes();
    // The last byte is the last letter of a name, which no hash binds.
    let at = bytes.len() - 1;
    let mut renamed = bytes.clone();
    renamed[at] ^= 1;
    let changing = |flip_at| {
        verify(Flipping::new(&bytes, at, flip_at), &Expectations::default(), &NoProgress)
            .unwrap()
            .1
            .digests
            .blake2b
    };
    let digest = |bytes: &[u8]| FileBlake2b(ceremony_core::hash::Blake2b512::digest(&[bytes]));
    assert_eq!(changing(1), digest(&renamed), "changed before it was opened");
    assert_eq!(changing(2), digest(&bytes), "changed after it was read");
}

#[test]
fn sections_in_another_order_are_kept_while_they_wait_for_their_turn() {
    let bytes = with_section_3_first(&Model::with_contributions(4, 1).bytes());
    let (_, verified) =
        verify(Fickle::new(&bytes, &[]), &Expectations::default(), &NoProgress).unwrap();
    assert_eq!(verified.digests, digest_file(&mut Cursor::new(&bytes), &NoProgress).unwrap());
}

#[test]
fn a_failing_file_that_changed_meanwhile_is_called_that() {
    let mut model = Model::with_contributions(2, 1);
    model.tau_g1[3] = double(model.tau_g1[3]);
    model.rehash_last();
    let bytes = model.bytes();
    let changing = |flip_at| {
        verify(
            Flipping::new(&bytes, bytes.len() - 1, flip_at),
            &Expectations::default(),
            &NoProgress,
        )
        .map(drop)
    };
    assert!(matches!(changing(u32::MAX), Err(VerifyError::Failed(_))));
    assert!(matches!(changing(2), Err(VerifyError::Changed { .. })));
}

#[test]
fn the_digest_that_was_asked_for_is_that_of_what_was_verified() {
    // Two files that both verify: the power that the last Lagrange level lacks is there or is not.
    let full = truncated_after_preparing(2);
    let mut lacking = full.clone();
    lacking.prepare();
    let [full, lacking] = [full, lacking].map(|model| model.bytes());
    assert!(full != lacking && full.len() == lacking.len());
    let expectations = Expectations {
        digest: Some(FileBlake2b(ceremony_core::hash::Blake2b512::digest(&[&full]))),
        ..Default::default()
    };
    verify(Cursor::new(&full), &expectations, &NoProgress).unwrap();
    let result = verify(Fickle::new(&full, &lacking), &expectations, &NoProgress);
    assert!(matches!(result, Err(VerifyError::Changed { .. })), "{:?}", result.map(drop));
}

/// The same file with sections 2 and 3 exchanged.
fn with_section_3_first(bytes: &[u8]) -> Vec<u8> {
    let size =
        |at: usize| 12 + u64::from_le_bytes(bytes[at + 4..at + 12].try_into().unwrap()) as usize;
    let second = 12 + size(12);
    let third = second + size(second);
    let fourth = third + size(third);
    [&bytes[..second], &bytes[third..fourth], &bytes[second..third], &bytes[fourth..]].concat()
}

#[test]
fn an_error_in_g2_alone_is_refused() {
    let mut model = Model::with_contributions(3, 1);
    model.tau_g2[7] = (model.tau_g2[7].into_group() + G2Affine::generator()).into_affine();
    model.rehash_last();
    assert_fails(&model, Check::Powers, "section 3 ([tau^i]2)");
}
