//! Keys that older versions of the reference tool made, or that took a way around it.
//!
//! tests/fixtures/README.md says how the files were made.

use std::io::Cursor;

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::Field;
use bn254_batch::curve::{Fr, G1Affine, root_of_unity};
use bn254_batch::{geometric, mul_each};
use ceremony_core::format::encoding::{Encoding, decode, encode};
use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::keygen::{check_consistency, proving_key};
use ceremony_core::phase2::verify::{
    Check, Expectations, Failure, Remark, Report, VerifyError, verify, verify_from, verify_initial,
};
use ceremony_core::progress::NoProgress;
use testkit::forge::{Step, section, with_hash, with_section};

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn open(key: &[u8]) -> Zkey<Cursor<&[u8]>> {
    Zkey::open(Cursor::new(key)).unwrap()
}

/// Against the circuit and the powers of tau of one of the two folders.
fn against(folder: &str, key: &[u8]) -> Result<Report, VerifyError> {
    let (r1cs, ptau) =
        (fixture(&format!("{folder}/circuit.r1cs")), fixture(&format!("{folder}/prepared.ptau")));
    let mut r1cs = R1cs::open(Cursor::new(r1cs)).unwrap();
    let mut ptau = Ptau::open(Cursor::new(ptau)).unwrap();
    let mut key = open(key);
    if key.contributions().is_empty() {
        return verify_initial(&mut r1cs, &mut ptau, &mut key, &NoProgress);
    }
    verify(&mut r1cs, &mut ptau, &mut key, &Expectations::default(), &NoProgress)
}

fn from(earlier: &[u8], key: &[u8]) -> Result<Report, VerifyError> {
    verify_from(&mut open(earlier), &mut open(key), &Expectations::default(), &NoProgress)
}

fn refused(result: Result<Report, VerifyError>) -> Report {
    match result {
        Err(VerifyError::Refused(report)) => *report,
        other => panic!("not refused: {other:?}"),
    }
}

// The circuit hash of snarkjs 0.4.10 to 0.6.11.

#[test]
fn a_circuit_hash_with_flagged_infinity_is_accepted_with_a_remark() {
    let (initial, one) =
        (fixture("old-circuit-hash/0000.zkey"), fixture("old-circuit-hash/0001.zkey"));
    for key in [&initial, &one] {
        let report = against("old-circuit-hash", key).unwrap();
        assert_eq!(report.remarks, [Remark::FlaggedInfinity]);
        assert_eq!(report.remark(Check::Transcript), Some(Remark::FlaggedInfinity));
        assert_eq!(report.initial_key_hash, open(&one).initial_key_hash());
    }
    // Against an earlier key there is one form, that of the earlier key.
    assert_eq!(from(&initial, &one).unwrap().remarks, []);
    let two = Step::honest("ours").apply(&one);
    assert_eq!(against("old-circuit-hash", &two).unwrap().remarks, [Remark::FlaggedInfinity]);
    from(&one, &two).unwrap();
}

#[test]
fn a_circuit_hash_of_today_has_no_remark() {
    assert_eq!(against("bellman-h", &fixture("bellman-h/before.zkey")).unwrap().remarks, []);
}

/// Both folders have the same circuit and the same powers of tau.
#[test]
fn a_chain_has_one_form_of_the_circuit_hash_throughout() {
    for file in ["circuit.r1cs", "prepared.ptau"] {
        assert_eq!(
            fixture(&format!("old-circuit-hash/{file}")),
            fixture(&format!("bellman-h/{file}"))
        );
    }
    let (old, new) = (fixture("old-circuit-hash/0000.zkey"), fixture("bellman-h/before.zkey"));
    let (old_hash, new_hash) = (open(&old).initial_key_hash(), open(&new).initial_key_hash());
    assert_ne!(old_hash, new_hash);
    let one = fixture("old-circuit-hash/0001.zkey");
    let exchanged = with_hash(&one, new_hash);
    let report = refused(against("old-circuit-hash", &exchanged));
    assert!(report.failed().contains(&Check::Transcript), "{report:?}");
    let report = refused(from(&with_hash(&old, new_hash), &one));
    assert!(report.failed().contains(&Check::Transcript), "{report:?}");
    // A third hash is none of the two, whatever the contributions build on.
    let mut other = old_hash;
    other.0[63] ^= 1;
    let forged = Step::honest("forged").apply(&with_hash(&old, other));
    let report = refused(against("old-circuit-hash", &forged));
    assert_eq!(report.failed(), [Check::Transcript]);
    assert!(
        report.failures().all(|(_, failure)| matches!(
            failure,
            Failure::InitialKeyHash { found, expected } if *found == other && *expected == new_hash
        )),
        "{report:?}"
    );
}

// H of bellman's format.

#[test]
fn an_h_that_went_through_bellmans_format_is_accepted_with_a_remark() {
    let (before, after) =
        (fixture("bellman-h/before.zkey"), fixture("bellman-h/after-import.zkey"));
    for report in [against("bellman-h", &after).unwrap(), from(&before, &after).unwrap()] {
        assert_eq!(report.remarks, [Remark::NoTopPower]);
        assert_eq!(report.remark(Check::Divided), Some(Remark::NoTopPower));
        assert_eq!(report.failed(), []);
    }
    // The key that arkworks uses is as good as ever: check 11.
    let mut key = open(&after);
    let proving = proving_key(&mut key, &NoProgress).unwrap();
    check_consistency(&mut key, &proving).unwrap();
}

#[test]
fn a_top_power_once_lost_stays_lost() {
    let (before, after) =
        (fixture("bellman-h/before.zkey"), fixture("bellman-h/after-import.zkey"));
    let next = Step::honest("next").apply(&after);
    assert_eq!(against("bellman-h", &next).unwrap().remarks, [Remark::NoTopPower]);
    // Nothing is lost in this step.
    assert_eq!(from(&after, &next).unwrap().remarks, []);
    // What was lost does not come back: here with the power that the key before had.
    let factor = Step::honest("next").queries.1.inverse().unwrap();
    let top = top_power(&before);
    let restored = along_z(&next, (top * factor).into_affine());
    assert_eq!(refused(from(&after, &restored)).failed(), [Check::Divided]);
}

#[test]
fn an_h_that_lacks_another_power_is_refused() {
    let after = fixture("bellman-h/after-import.zkey");
    let n = open(&after).header().power.n();
    // h_0 is infinity: H_i changes by a point that is the same for all i.
    let h = points(&after);
    let shift = (sum(&h) * (-Fr::from(n).inverse().unwrap())).into_affine();
    let key = with_h(&after, |h| h.iter().map(|h| (*h + shift).into_affine()).collect());
    assert_eq!(sum(&points(&key)), G1Affine::zero());
    assert_eq!(refused(against("bellman-h", &key)).failed(), [Check::Divided]);
}

/// The first contributor adds z_i E, where E makes h_(N-1) the point of IC that belongs to a public
/// input, over delta. An honest contributor divides it by the own secret, and everybody can take it
/// out of the key. All that no honest proof notices.
#[test]
fn an_h_with_a_chosen_top_power_is_refused() {
    let initial = fixture("bellman-h/before.zkey");
    let mallory = Step::honest("mallory");
    let one = mallory.apply(&initial);
    let delta = mallory.secret;
    let ic: Vec<G1Affine> = decode(&section(&initial, 3), Encoding::Montgomery).unwrap();
    let wanted = (ic[1] * delta.inverse().unwrap()).into_affine();
    let forged = along_z(&one, (wanted - top_power(&one)).into_affine());
    assert_eq!(refused(against("bellman-h", &forged)).failed(), [Check::Divided]);
    assert_eq!(refused(from(&initial, &forged)).failed(), [Check::Divided]);

    // What it is good for: after Alice, the key gives IC_1 over the delta of both.
    let alice = Step::honest("alice");
    let finished = alice.apply(&forged);
    let both = (delta * alice.secret).inverse().unwrap();
    assert_eq!(top_power(&finished), (ic[1] * both).into_affine());
    assert_eq!(refused(against("bellman-h", &finished)).failed(), [Check::Divided]);
    // The step from Mallory's key to Alice's is right by itself: her key must have been verified.
    from(&forged, &finished).unwrap();
}

fn points(key: &[u8]) -> Vec<G1Affine> {
    decode(&section(key, 9), Encoding::Montgomery).unwrap()
}

fn with_h(key: &[u8], change: impl FnOnce(Vec<G1Affine>) -> Vec<G1Affine>) -> Vec<u8> {
    let h = change(points(key));
    with_section(key, 9, |s| *s = encode(&h, Encoding::Montgomery))
}

fn sum(points: &[G1Affine]) -> G1Affine {
    points
        .iter()
        .map(|point| point.into_group())
        .sum::<bn254_batch::curve::G1Projective>()
        .into_affine()
}

/// z_0, z_1, ...
fn z(count: usize) -> Vec<Fr> {
    let root = root_of_unity(count.ilog2() + 1).unwrap();
    geometric(&root, &root.square(), count)
}

/// h_(N-1) = 2 sum z_i^-1 H_i
fn top_power(key: &[u8]) -> G1Affine {
    let mut h = points(key);
    let factors: Vec<Fr> =
        z(h.len()).iter().map(|z| Fr::from(2u64) * z.inverse().unwrap()).collect();
    mul_each(&mut h, &factors);
    sum(&h)
}

/// Adds `extra` to h_(N-1): z_i E with E = extra / (2N).
fn along_z(key: &[u8], extra: G1Affine) -> Vec<u8> {
    with_h(key, |h| {
        let scale = (Fr::from(2u64) * Fr::from(h.len() as u64)).inverse().unwrap();
        h.iter().zip(z(h.len())).map(|(h, z)| (*h + extra * (z * scale)).into_affine()).collect()
    })
}
