//! Counts, sizes and orders that nothing else would stop: each check here has no second one behind
//! it.

use std::path::Path;

use ed25519_dalek::Signer;
use testkit::paper::{Ceremony, person, public, text, time};
use zk_attest::envelope::MAX_SIGNATURES;
use zk_attest::error::Code;
use zk_attest::file::read_regular;
use zk_attest::primitives::CeremonyKind;
use zk_vk_guard::bundle::{Bundle, BundlePlan, MAX_BUNDLE_BYTES};
use zk_vk_guard::policy::{MAX_KEYS, NamedKey, Policy};
use zk_vk_guard::transcript::CheckedTranscript;

fn two_circuits() -> Ceremony {
    Ceremony {
        circuits: vec![("attestation".into(), 2), ("wallet".into(), 1)],
        ..Ceremony::new(CeremonyKind::Production)
    }
}

#[test]
fn circuits_stand_in_rising_order_and_once() {
    let good = two_circuits().transcript();
    CheckedTranscript::from_json(&good.to_json()).unwrap();
    let mut swapped = good.clone();
    swapped.circuits.swap(0, 1);
    let refusal = CheckedTranscript::from_json(&swapped.to_json()).unwrap_err();
    assert!(
        refusal.code() == Code::ChainBroken && refusal.to_string().contains("rising order"),
        "{refusal}"
    );
    let mut twice = good.clone();
    twice.circuits[1] = twice.circuits[0].clone();
    assert!(
        CheckedTranscript::from_json(&twice.to_json())
            .unwrap_err()
            .to_string()
            .contains("rising order")
    );
}

#[test]
fn no_step_writes_the_file_that_the_chain_starts_from() {
    let mut transcript = Ceremony::new(CeremonyKind::Production).transcript();
    transcript.phase1.steps[0].step.file_sha256 = transcript.phase1.start.file_sha256;
    let refusal = CheckedTranscript::from_json(&transcript.to_json()).unwrap_err();
    assert!(
        refusal.code() == Code::ChainBroken
            && refusal.to_string().contains("is in the chain twice"),
        "{refusal}"
    );
}

#[test]
fn a_statement_is_of_all_circuits_of_its_transcript_and_of_no_other() {
    let ceremony = two_circuits();
    let policy = ceremony.policy();
    ceremony.parts().verify(&policy).unwrap();
    let mut fewer = ceremony.parts();
    fewer.keys.pop();
    fewer.relist(|p| drop(p.circuits.pop())).is_refused(&policy, Code::TranscriptDisagrees);
    let mut renamed = ceremony.parts();
    renamed.keys[1].0 = "zebra".into();
    renamed
        .relist(|p| p.circuits[1].name = zk_attest::primitives::CircuitName::new("zebra").unwrap())
        .is_refused(&policy, Code::TranscriptDisagrees);
    // The key has the number of inputs that the statement gives, the transcript gives another.
    let mut transcript = ceremony.transcript();
    transcript.circuits[1].public_inputs = 5;
    let forms =
        ceremony.circuits.iter().map(|(name, inputs)| ceremony.vk(name, *inputs).forms()).collect();
    testkit::paper::Parts::of(&transcript, forms)
        .relist(|p| p.circuits[1].public_inputs = 1)
        .is_refused(&policy, Code::TranscriptDisagrees);
}

#[test]
fn a_file_is_read_up_to_its_limit_and_no_further() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("limited");
    std::fs::write(&path, b"12345678").unwrap();
    assert_eq!(read_regular(&path, 8).unwrap(), b"12345678");
    let refusal = read_regular(&path, 7).unwrap_err();
    assert!(
        refusal.code() == Code::TooLarge && refusal.to_string().contains("at most 7 bytes"),
        "{refusal}"
    );
}

#[test]
fn a_role_has_a_limited_number_of_keys() {
    let mut policy = Ceremony::new(CeremonyKind::Production).policy();
    let fill = |n: usize| {
        (0..n)
            .map(|i| NamedKey { name: text(&format!("r{i}")), key: public(&format!("filler-{i}")) })
            .collect::<Vec<_>>()
    };
    policy.roles.release.keys = fill(MAX_KEYS);
    Policy::from_json(&policy.to_json()).unwrap();
    policy.roles.release.keys = fill(MAX_KEYS + 1);
    let refusal = Policy::from_json(&policy.to_json()).unwrap_err();
    assert!(
        refusal.code() == Code::PolicyUnsound && refusal.to_string().contains("too many keys"),
        "{refusal}"
    );
}

#[test]
fn signatures_and_their_key_ids_are_limited() {
    let mut parts = Ceremony::new(CeremonyKind::Production).parts();
    parts.signatures[0].0 = "k".repeat(256);
    parts.bundle().unwrap();
    parts.signatures[0].0 = "k".repeat(257);
    assert_eq!(parts.bundle().unwrap_err().code(), Code::TooLarge);
    let names: Vec<String> = (0..=MAX_SIGNATURES).map(|i| format!("filler-{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    parts.sign(&names[..MAX_SIGNATURES]);
    let mut bundle = parts.bundle().unwrap();
    let one_more = person(names[MAX_SIGNATURES]).sign(&bundle.envelope().pae()).to_bytes();
    assert_eq!(
        bundle.add_signature(&public(names[MAX_SIGNATURES]), &one_more).unwrap_err().code(),
        Code::TooLarge
    );
    parts.sign(&names);
    assert_eq!(parts.bundle().unwrap_err().code(), Code::TooLarge);
}

#[test]
fn a_bundle_that_no_build_would_read_is_not_written() {
    let mut parts = Ceremony::new(CeremonyKind::Production).parts();
    // As long as a bundle may be, but for less than a signature takes.
    let room = MAX_BUNDLE_BYTES - parts.json().len();
    let forms = &mut parts.keys[0].1;
    forms.uncompressed.resize(forms.uncompressed.len() + room / 4 * 3 - 3, 0);
    let mut bundle = parts.bundle().unwrap();
    bundle.to_json().unwrap();
    let signature = person("release-3").sign(&bundle.envelope().pae()).to_bytes();
    bundle.add_signature(&public("release-3"), &signature).unwrap();
    assert_eq!(bundle.to_json().unwrap_err().code(), Code::TooLarge);
}

#[test]
fn copies_of_one_statement_with_other_keys_or_transcripts_are_not_merged() {
    let parts = Ceremony::new(CeremonyKind::Production).parts();
    let mut bundle = parts.bundle().unwrap();
    bundle.merge(&parts.bundle().unwrap()).unwrap();
    let mut other_key = parts.clone();
    other_key.keys[0].1.compressed[0] ^= 1;
    assert_eq!(bundle.merge(&other_key.bundle().unwrap()).unwrap_err().code(), Code::MergeMismatch);
    let mut other_transcript = parts;
    other_transcript.transcript.push(b' ');
    assert_eq!(
        bundle.merge(&other_transcript.bundle().unwrap()).unwrap_err().code(),
        Code::MergeMismatch
    );
}

#[test]
fn a_plan_names_every_circuit_of_the_transcript() {
    let checked = CheckedTranscript::from_json(
        &Ceremony::new(CeremonyKind::Production).transcript().to_json(),
    )
    .unwrap();
    let plan = BundlePlan {
        serial: 1,
        issued: time(testkit::paper::NOW),
        not_after: time("2036-01-01T00:00:00Z"),
        predecessor: None,
        circuits: Vec::new(),
    };
    assert_eq!(Bundle::create(&checked, plan).unwrap_err().code(), Code::WrongCircuit);
}
