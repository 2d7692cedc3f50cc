//! The initial key is, byte for byte, the one that snarkjs makes of the same two files.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::OnceLock;

use ark_ff::Field;
use bn254_batch::curve::root_of_unity;
use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::phase2::initial_key::{SetupError, new_key};
use ceremony_core::progress::NoProgress;
use testkit::circuits::{compile, printed_hashes, snarkjs};
use testkit::forge::{assemble, sections};
use testkit::ptau::{Model, Secrets};
use testkit::{kept, known_tau};

fn ptau_13() -> &'static [u8] {
    static PTAU: OnceLock<Vec<u8>> = OnceLock::new();
    PTAU.get_or_init(|| {
        kept::bytes("phase2-setup-13.ptau", &kept::built(&[]), || {
            known_tau::prepared(13, known_tau::secrets("setup"), known_tau::participant())
        })
    })
}

/// Our key and what made it.
fn ours(r1cs: &Path, ptau: &[u8]) -> Result<(Vec<u8>, String), SetupError> {
    let mut circuit = R1cs::open(fs::File::open(r1cs).unwrap()).unwrap();
    let mut ptau = Ptau::open(Cursor::new(ptau)).unwrap();
    let mut out = Cursor::new(Vec::new());
    let made = new_key(&mut circuit, &mut ptau, &mut out, &NoProgress)?;
    Ok((out.into_inner(), made.initial_key_hash.to_string()))
}

fn equals_snarkjs(name: &str, flags: &[&str], ptau: &[u8], power: u32) {
    let dir = tempfile::tempdir().unwrap();
    let r1cs = compile(name, flags, dir.path());
    fs::write(dir.path().join("prepared.ptau"), ptau).unwrap();
    let printed = snarkjs(
        dir.path(),
        &["zkey", "new", &format!("{name}.r1cs"), "prepared.ptau", "theirs.zkey"],
    );
    let (ours, hash) = ours(&r1cs, ptau).unwrap();
    let circuit = R1cs::open(fs::File::open(&r1cs).unwrap()).unwrap();
    assert_eq!(circuit.shape().power().exponent(), power, "the power that this test is about");
    let theirs = fs::read(dir.path().join("theirs.zkey")).unwrap();
    let difference = ours.iter().zip(&theirs).position(|(a, b)| a != b);
    assert_eq!((ours.len(), difference), (theirs.len(), None), "{name}");
    assert_eq!(printed_hashes(&printed, "Circuit hash"), [hash]);
}

#[test]
fn one_constraint_equals_snarkjs() {
    equals_snarkjs("one_constraint", &[], ptau_13(), 2);
}

#[test]
fn no_public_input_equals_snarkjs() {
    equals_snarkjs("no_public", &[], ptau_13(), 2);
}

#[test]
fn many_public_inputs_equal_snarkjs() {
    equals_snarkjs("many_public", &[], ptau_13(), 9);
}

#[test]
fn columns_at_infinity_equal_snarkjs() {
    equals_snarkjs("infinity_columns", &["--O0"], ptau_13(), 3);
}

#[test]
fn a_poseidon_chain_near_two_to_the_12_equals_snarkjs() {
    equals_snarkjs("poseidon_chain", &["--O2"], ptau_13(), 12);
}

#[test]
fn domain_two_to_the_15_equals_snarkjs() {
    let ptau = known_tau::prepared_for(15, 16, known_tau::secrets("setup"));
    equals_snarkjs("squares", &[], &ptau, 15);
}

#[test]
fn a_ptau_of_the_circuits_own_power_equals_snarkjs() {
    let secrets = known_tau::secrets("setup");
    equals_snarkjs(
        "one_constraint",
        &[],
        &known_tau::prepared(2, secrets, known_tau::participant()),
        2,
    );
    equals_snarkjs(
        "many_public",
        &[],
        &known_tau::prepared(9, secrets, known_tau::participant()),
        9,
    );
}

#[test]
fn from_power_15_on_a_ptau_of_the_circuits_own_power_has_its_sections_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let r1cs = compile("squares", &[], dir.path());
    let ptau = known_tau::hollow(15, known_tau::secrets("setup"));
    let mut reordered = sections(&ptau);
    reordered.swap(1, 2);
    let error = ours(&r1cs, &assemble(&ptau, &reordered)).unwrap_err().to_string();
    assert!(error.contains("section 3 does not follow section 2"), "{error}");
}

#[test]
fn a_ptau_that_is_too_small_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let r1cs = compile("many_public", &[], dir.path());
    let error =
        ours(&r1cs, &known_tau::prepared(8, known_tau::secrets("setup"), known_tau::participant()))
            .unwrap_err();
    assert!(matches!(error, SetupError::PtauTooSmall { .. }), "{error}");
}

#[test]
fn a_ptau_that_is_not_prepared_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let r1cs = compile("one_constraint", &[], dir.path());
    let error = ours(&r1cs, &known_tau::unprepared(4, known_tau::secrets("setup"))).unwrap_err();
    assert!(matches!(error, SetupError::NotPrepared), "{error}");
}

#[test]
fn a_prepared_ptau_of_only_a_beacon_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let r1cs = compile("one_constraint", &[], dir.path());
    let error =
        ours(&r1cs, &known_tau::prepared(4, known_tau::secrets("setup"), known_tau::beacon()))
            .unwrap_err();
    assert!(matches!(error, SetupError::NoContribution { records: 1 }), "{error}");
}

#[test]
fn a_prepared_ptau_whose_contributions_cancel_or_whose_tau_has_a_small_order_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let r1cs = compile("one_constraint", &[], dir.path());
    let (first, root) = (Secrets::of(0), root_of_unity(4).unwrap());
    let undo = Secrets { alpha: first.alpha.inverse().unwrap(), ..Secrets::of(1) };
    let small = Secrets { tau: root * first.tau.inverse().unwrap(), ..Secrets::of(1) };
    for (secrets, place) in [(undo, "contribution 2"), (small, "section 2 ([tau^i]1), element 8")] {
        let mut model = Model::with_contributions(3, 1);
        model.contribute(secrets);
        model.prepare();
        let error = ours(&r1cs, &model.bytes()).map(drop).unwrap_err().to_string();
        assert!(error.starts_with(&format!("the powers of tau (.ptau): {place}: ")), "{error}");
        assert!(error.contains("(phase 1, check 8)"), "{error}");
    }
}

#[test]
fn snarkjs_accepts_the_ptau_of_the_test_kit() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("p.ptau"),
        known_tau::prepared(4, known_tau::secrets("setup"), known_tau::participant()),
    )
    .unwrap();
    let printed = snarkjs(dir.path(), &["powersoftau", "verify", "p.ptau"]);
    assert!(printed.contains("Powers of Tau Ok!"), "{printed}");
}
