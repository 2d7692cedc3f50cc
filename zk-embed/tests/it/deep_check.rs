//! Keys that pass every check on bytes, and whose points are bad all the same.

use ark_bn254::{Fq, Fq2, G1Affine, G2Affine};
use ark_ff::{BigInteger, PrimeField};
use kit::{Ceremony, Vk, time};
use testkit::paper as kit;
use zk_attest::error::Code;
use zk_attest::primitives::CeremonyKind;
use zk_embed::deep_check::deep_check;
use zk_embed::embed;
use zk_vk_guard::bundle::OnExpiry;
use zk_vk_guard::snippet::Options;
use zk_vk_guard::verifying_key::{EncodedVerifyingKey, VerifyingKeyBytes};

#[track_caller]
fn refused(code: Code, forms: &EncodedVerifyingKey) {
    let key = VerifyingKeyBytes::check(forms, 2).expect("the bytes alone show nothing");
    assert_eq!(deep_check(&key).expect_err("this must be refused").code(), code);
    // And the same through the door that users come in by, with everything signed.
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let refusal = embed(
        &ceremony.parts_of_key(forms.clone()).json(),
        &ceremony.policy().to_json(),
        Options::default(),
        &time(kit::NOW),
        OnExpiry::Refuse,
    )
    .expect_err("this must be refused");
    assert_eq!(refusal.code(), code, "{refusal}");
    assert!(
        refusal.place().unwrap().parts()[0].ends_with("attestation"),
        "the circuit is named: {refusal}"
    );
}

#[test]
fn sound_keys_are_accepted_and_are_the_same_key() {
    for i in 0..10 {
        let vk = Vk::new(&format!("key {i}"), i);
        let parsed = deep_check(&VerifyingKeyBytes::check(&vk.forms(), i).unwrap()).unwrap();
        assert_eq!(
            (parsed.alpha_g1, parsed.beta_g2, parsed.delta_g2, parsed.gamma_abc_g1),
            (vk.alpha, vk.beta, vk.delta, vk.ic)
        );
    }
}

fn bytes(x: Fq) -> Vec<u8> {
    x.into_bigint().to_bytes_le()
}

#[test]
fn an_x_of_no_point_is_refused() {
    let x = (1u64..)
        .map(Fq::from)
        .find(|x| G1Affine::get_point_from_x_unchecked(*x, false).is_none())
        .unwrap();
    let mut forms = Vk::new("key", 2).forms();
    forms.compressed[..32].copy_from_slice(&bytes(x));
    forms.uncompressed[..32].copy_from_slice(&bytes(x));
    forms.uncompressed[32..64].copy_from_slice(&bytes(Fq::from(5)));
    refused(Code::KeyPoint, &forms);
}

#[test]
fn a_y_that_is_not_on_the_curve_is_refused() {
    for at in [32, 64 + 64, 320 + 64, 456 + 64 + 32] {
        let mut forms = Vk::new("key", 2).forms();
        forms.uncompressed[at] ^= 1;
        refused(Code::KeyPoint, &forms);
    }
}

#[test]
fn a_point_of_g2_outside_of_the_subgroup_is_refused() {
    let outside = |g2: &G2Affine| !g2.is_in_correct_subgroup_assuming_on_curve();
    let point = (1u64..)
        .filter_map(|i| {
            G2Affine::get_point_from_x_unchecked(Fq2::new(Fq::from(i), Fq::from(1)), false)
        })
        .find(outside)
        .unwrap();
    let edits: [fn(&mut Vk, G2Affine); 2] =
        [|vk, point| vk.beta = point, |vk, point| vk.delta = point];
    for edit in edits {
        let mut vk = Vk::new("key", 2);
        edit(&mut vk, point);
        refused(Code::KeyPoint, &vk.forms());
    }
}

#[test]
fn two_equal_input_points_are_refused() {
    let mut vk = Vk::new("key", 2);
    vk.ic[2] = vk.ic[1];
    // The bytes show it already; the deep check's own test is next to its code.
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let refusal = embed(
        &ceremony.parts_of_key(vk.forms()).json(),
        &ceremony.policy().to_json(),
        Options::default(),
        &time(kit::NOW),
        OnExpiry::Refuse,
    )
    .unwrap_err();
    assert_eq!(refusal.code(), Code::KeyDegenerate, "{refusal}");
    assert!(refusal.what().contains("input points"), "{refusal}");
}
