//! The steps that make files: what they refuse, and that challenge and response files lead to the
//! same place.

use std::io::Cursor;

use ceremony_core::entropy::Beacon;
use ceremony_core::format::encoding::{Encoding, encode};
use ceremony_core::format::ptau::{Contribution, PUBLIC_KEY_BYTES, Power, Ptau};
use ceremony_core::phase1::challenge_response::{
    contribute_challenge, export_challenge, import_response,
};
use ceremony_core::phase1::contribute::{StepError, apply_beacon, contribute, new};
use ceremony_core::phase1::prepare::prepare;
use ceremony_core::phase1::verify::{Check, Expectations, VerifyError, verify};
use ceremony_core::progress::NoProgress;
use testkit::ptau::{Model, any_rng, outside_the_subgroup};

fn contributed(model: &Model) -> Result<Vec<u8>, StepError> {
    let mut out = Cursor::new(Vec::new());
    contribute(&mut model.open(), &mut out, any_rng(), None, &NoProgress)?;
    Ok(out.into_inner())
}

fn prepared(model: &Model) -> Result<Vec<u8>, StepError> {
    let mut out = Cursor::new(Vec::new());
    prepare(&mut model.open(), &mut out, &NoProgress)?;
    Ok(out.into_inner())
}

fn verified(bytes: Vec<u8>) -> Result<Vec<Contribution>, VerifyError> {
    verify(Cursor::new(bytes), &Expectations::default(), &NoProgress)
        .map(|(ptau, _)| ptau.contributions().to_vec())
}

#[test]
fn a_new_file_is_the_accumulator_of_ones() {
    testkit::choose_arithmetic();
    let mut out = Cursor::new(Vec::new());
    let challenge = new(Power::new(3).unwrap(), &mut out, &NoProgress).unwrap();
    let model = Model::read(out.into_inner());
    assert_eq!(model.bytes(), Model::new(3).bytes());
    assert_eq!(challenge, Model::new(3).link().1);
}

#[test]
fn the_first_challenge_of_power_1_is_the_published_one() {
    assert_eq!(
        ceremony_core::phase1::first_challenge(Power::new(1).unwrap()).to_string(),
        "e809c07e01ec4d01624089c1f4009ec9ba62964e9056113d2fa6f3bfdf29ff2cc4ebcda749cd53327598cb0caac7dbe3b50cda3f75c64f87845ce6345fd964e4"
    );
}

#[test]
fn a_contribution_to_a_part_of_two_chunks_verifies() {
    let power = Power::new(14).unwrap();
    assert!(2 * power.n() - 1 > ceremony_core::limits::CHUNK_POINTS as u64);
    let (mut first, mut second) = (Cursor::new(Vec::new()), Cursor::new(Vec::new()));
    new(power, &mut first, &NoProgress).unwrap();
    contribute(&mut Ptau::open(first).unwrap(), &mut second, any_rng(), None, &NoProgress).unwrap();
    assert_eq!(verified(second.into_inner()).unwrap().len(), 1);
}

#[test]
fn a_chain_of_library_steps_verifies_and_keeps_the_records() {
    let model = Model::with_contributions(3, 1);
    let second = contributed(&model).unwrap();
    let mut out = Cursor::new(Vec::new());
    apply_beacon(
        &mut Ptau::open(Cursor::new(second)).unwrap(),
        &mut out,
        Beacon::new(&[1], 10).unwrap(),
        None,
        &NoProgress,
    )
    .unwrap();
    let mut last = Cursor::new(Vec::new());
    prepare(&mut Ptau::open(out).unwrap(), &mut last, &NoProgress).unwrap();
    let records = verified(last.into_inner()).unwrap();
    assert_eq!(records[0], model.records[0]);
    assert_eq!(
        records.iter().map(Contribution::is_beacon).collect::<Vec<_>>(),
        [false, false, true]
    );
}

#[test]
fn prepared_sections_equal_those_of_arkworks_fft() {
    let mut model = Model::with_contributions(4, 2);
    let ours = prepared(&model).unwrap();
    model.prepare();
    let theirs = model.bytes();
    assert_eq!(ours.len(), theirs.len());
    // The kit writes section 7 last, the library before the Lagrange sections: compare section by
    // section.
    let section = |bytes: &[u8], id: u32| {
        let mut at = 12;
        loop {
            let size = u64::from_le_bytes(bytes[at + 4..at + 12].try_into().unwrap()) as usize;
            if bytes[at..at + 4] == id.to_le_bytes() {
                return bytes[at + 12..at + 12 + size].to_vec();
            }
            at += 12 + size;
        }
    };
    for id in [1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15] {
        assert!(section(&ours, id) == section(&theirs, id), "section {id}");
    }
}

#[test]
fn nobody_contributes_after_a_beacon() {
    let mut model = Model::with_contributions(2, 1);
    model.beacon(&[1]);
    assert!(matches!(contributed(&model), Err(StepError::Closed { index: 2 })));
    let beacon = Beacon::new(&[1], 10).unwrap();
    let second =
        apply_beacon(&mut model.open(), Cursor::new(Vec::new()), beacon, None, &NoProgress);
    assert!(matches!(second, Err(StepError::Closed { index: 2 })));
}

#[test]
fn a_beacon_on_a_new_file_is_refused() {
    let beacon = Beacon::new(&[1], 10).unwrap();
    let result =
        apply_beacon(&mut Model::new(2).open(), Cursor::new(Vec::new()), beacon, None, &NoProgress);
    assert!(matches!(result, Err(StepError::NobodyContributed)));
}

#[test]
fn a_file_that_only_a_beacon_contributed_to_is_not_prepared() {
    let mut model = Model::new(2);
    assert!(
        matches!(prepared(&model), Err(StepError::Check(f)) if f.check == Check::MinimumContributions)
    );
    model.beacon_even_if_first(&[7]);
    assert!(
        matches!(prepared(&model), Err(StepError::Check(f)) if f.check == Check::MinimumContributions)
    );
}

#[test]
fn a_bad_chain_is_neither_continued_nor_prepared() {
    let mut model = Model::with_contributions(2, 3);
    model.records.swap(0, 1);
    assert!(
        matches!(contributed(&model), Err(StepError::Check(f)) if f.check == Check::ProofOfKnowledge)
    );
    assert!(
        matches!(prepared(&model), Err(StepError::Check(f)) if f.check == Check::ProofOfKnowledge)
    );
}

#[test]
fn points_that_are_not_those_of_the_challenge_are_not_built_on() {
    let mut model = Model::with_contributions(2, 1);
    model.alpha_tau_g1[3] = model.alpha_tau_g1[2];
    assert!(matches!(contributed(&model), Err(StepError::Challenge { .. })));
    let export = export_challenge(&mut model.open(), Vec::new(), &NoProgress);
    assert!(matches!(export, Err(StepError::Challenge { .. })));
}

#[test]
fn a_truncated_file_is_not_contributed_to_but_stays_marked_when_prepared() {
    let mut model = Model::with_contributions(3, 1);
    model.truncate(2);
    assert!(matches!(contributed(&model), Err(StepError::TruncatedCeremony { .. })));
    let ptau = Ptau::open(Cursor::new(prepared(&model).unwrap())).unwrap();
    assert_eq!((ptau.power().exponent(), ptau.ceremony_power().exponent()), (2, 3));
}

// ---- challenge and response ---------------------------------------------------------------------

fn challenge_of(model: &Model) -> Vec<u8> {
    let mut out = Vec::new();
    export_challenge(&mut model.open(), &mut out, &NoProgress).unwrap();
    out
}

fn respond(challenge: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    contribute_challenge(Cursor::new(challenge.to_vec()), &mut out, any_rng(), &NoProgress)
        .unwrap();
    out
}

fn import(model: &Model, response: &[u8]) -> Result<Vec<u8>, StepError> {
    let mut out = Cursor::new(Vec::new());
    import_response(
        &mut model.open(),
        Cursor::new(response.to_vec()),
        &mut out,
        None,
        &NoProgress,
    )?;
    Ok(out.into_inner())
}

#[test]
fn a_challenge_file_hashes_to_the_next_challenge() {
    for model in [Model::new(2), Model::with_contributions(2, 2)] {
        let file = challenge_of(&model);
        assert_eq!(ceremony_core::hash::Blake2b512::digest(&[&file]), model.link().1.0);
    }
}

#[test]
fn a_response_hashes_to_the_contribution_hash_of_its_record() {
    let model = Model::with_contributions(2, 1);
    let response = respond(&challenge_of(&model));
    let records = verified(import(&model, &response).unwrap()).unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(records[1].response_hash().0, ceremony_core::hash::Blake2b512::digest(&[&response]));
}

#[test]
fn a_response_to_another_challenge_is_refused() {
    let (model, other) = (Model::with_contributions(2, 1), Model::with_contributions(2, 2));
    let response = respond(&challenge_of(&other));
    assert!(matches!(import(&model, &response), Err(StepError::OtherChallenge { .. })));
    let other_power = respond(&challenge_of(&Model::new(3)));
    assert!(
        import(&Model::new(2), &other_power)
            .unwrap_err()
            .to_string()
            .contains("the response's power")
    );
}

#[test]
fn a_response_file_of_any_other_length_is_refused() {
    let model = Model::new(1);
    let response = respond(&challenge_of(&model));
    for length in (0..response.len()).step_by(7).chain([response.len() - 1]) {
        let error = import(&model, &response[..length]).unwrap_err().to_string();
        let expected =
            if length == 0 { "found an empty file" } else { "the length does not fit a response" };
        assert!(error.contains(expected), "{error}");
    }
    let error = contribute_challenge(Cursor::new(response), Vec::new(), any_rng(), &NoProgress)
        .unwrap_err()
        .to_string();
    assert!(error.contains("found a response file of phase 1, expected a challenge"), "{error}");
}

#[test]
fn an_altered_point_in_a_challenge_or_response_is_refused() {
    let model = Model::with_contributions(1, 1);
    let challenge = challenge_of(&model);
    let response = respond(&challenge);
    // Every point of the response, by a byte of its x; and the proofs at the end.
    for at in (64..response.len()).step_by(16) {
        let mut altered = response.clone();
        altered[at + 15] ^= 1;
        let outcome = import(&model, &altered)
            .map_err(|e| e.to_string())
            .and_then(|bytes| verified(bytes).map_err(|e| e.to_string()));
        assert!(outcome.is_err(), "byte {}", at + 15);
    }
    for at in (64..challenge.len()).step_by(32) {
        let mut altered = challenge.clone();
        altered[at + 31] ^= 1;
        let result = contribute_challenge(Cursor::new(altered), Vec::new(), any_rng(), &NoProgress);
        assert!(matches!(result, Err(StepError::Format(_))), "byte {}", at + 31);
    }
}

#[test]
fn a_response_whose_proofs_fail_is_refused_on_import() {
    let model = Model::with_contributions(2, 1);
    let response = respond(&challenge_of(&model));
    let mut forged = response.clone();
    let other = respond(&challenge_of(&model));
    let at = response.len() - PUBLIC_KEY_BYTES;
    forged[at..].copy_from_slice(&other[at..]);
    assert!(
        matches!(import(&model, &forged), Err(StepError::Check(f)) if f.check == Check::TauRatio)
    );
}

#[test]
fn infinity_in_a_response_is_refused_in_every_section() {
    let model = Model::new(1);
    let response = respond(&challenge_of(&model));
    // Starts of the five sections of power 1 in C: 3, 2 (of 64 bytes), 2, 2, 1.
    for (start, size) in [(64, 32), (160, 64), (288, 32), (352, 32), (416, 64)] {
        let mut altered = response.clone();
        altered[start..start + size].fill(0);
        altered[start] = 0x40;
        let error = import(&model, &altered).unwrap_err().to_string();
        assert!(error.contains("infinity"), "{error}");
    }
}

#[test]
fn g2_points_of_a_response_outside_the_subgroup_are_refused() {
    let model = Model::new(1);
    let mut response = respond(&challenge_of(&model));
    response[224..288].copy_from_slice(&encode(&[outside_the_subgroup()], Encoding::Compressed));
    let error = import(&model, &response).unwrap_err().to_string();
    assert_eq!(error, "[tau^i]2 element 1: the point is outside the subgroup of order r");
    let mut challenge = challenge_of(&model);
    let at = 64 + 3 * 64 + 128;
    challenge[at..at + 128]
        .copy_from_slice(&encode(&[outside_the_subgroup()], Encoding::Uncompressed));
    let error = contribute_challenge(Cursor::new(challenge), Vec::new(), any_rng(), &NoProgress)
        .unwrap_err()
        .to_string();
    assert_eq!(error, "[tau^i]2 element 1: the point is outside the subgroup of order r");
}

#[test]
fn secrets_differ_between_runs() {
    let model = Model::with_contributions(1, 1);
    assert_ne!(contributed(&model).unwrap(), contributed(&model).unwrap());
}
