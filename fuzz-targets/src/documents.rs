//! JSON documents and the snippet.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use ceremony_core::format::verification_key::{read_verification_key, write_verification_key};
use ceremony_core::keygen::check_verifying_key;
use ceremony_folder::Config;
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::Timestamp;
use zk_attest::statement::{Provenance, Statement, StepAttestation};
use zk_vk_guard::bundle::Bundle;
use zk_vk_guard::policy::{Policy, RoleKey};
use zk_vk_guard::snippet::serial_of;
use zk_vk_guard::transcript::CheckedTranscript;

const TRANSCRIPT: &[u8] = include_bytes!("../../fuzz/seeds/transcript/good-external.json");

/// The key that signed the seeds, the payload that it signed, and the key of RFC 8032's first test,
/// which signed none of it.
struct Signed {
    coordinator: PublicKey,
    stranger: PublicKey,
    payloads: Vec<Vec<u8>>,
}

static SIGNED: LazyLock<Signed> = LazyLock::new(|| {
    let transcript = CheckedTranscript::from_json(TRANSCRIPT).expect("a good transcript");
    let transcript = transcript.transcript();
    let steps = transcript
        .circuits
        .iter()
        .flat_map(|circuit| &circuit.steps)
        .filter_map(|step| step.attested.as_ref());
    let steps: Vec<&Envelope> = steps.map(|attested| &attested.envelope).collect();
    let coordinated =
        [&transcript.phase1.start.attestation, &transcript.phase1.prepared.attestation];
    let openings = transcript.circuits.iter().map(|circuit| &circuit.opening);
    let payloads = coordinated
        .into_iter()
        .chain(openings)
        .chain(steps)
        .map(|envelope| envelope.payload().to_vec());
    let stranger =
        PublicKey::from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    Signed {
        coordinator: transcript.coordinator,
        stranger: stranger.expect("a key"),
        payloads: payloads.collect(),
    }
});

/// What is read is written and read again as the same key, and only canonical, distinct numbers are
/// read; the degenerate-key check answers.
pub fn verification_key(data: &[u8]) -> bool {
    let Ok(key) = read_verification_key(data) else { return false };
    let text = write_verification_key(&key).expect("what was read can be written");
    let again = read_verification_key(text.as_bytes()).expect("what was written can be read");
    assert!(key == again);
    assert_eq!(
        text,
        write_verification_key(&again).expect("what was read can be written"),
        "writing is a fixed point"
    );
    let _ = check_verifying_key(
        &key,
        u32::try_from(key.gamma_abc_g1.len() - 1).expect("bounded by the file's size"),
    );
    true
}

/// Reading and writing is a fixed point; no one is found to have signed what they did not sign.
pub fn envelope(data: &[u8]) -> bool {
    let Ok(envelope) = Envelope::from_json(data) else { return false };
    let canonical = envelope.to_json();
    assert_eq!(Envelope::from_json(&canonical).expect("what was written can be read"), envelope);
    let signers = envelope.signers([&SIGNED.stranger, &SIGNED.coordinator]);
    assert!(!signers.contains(&SIGNED.stranger), "a key that never signed has signed");
    if !signers.is_empty() {
        assert!(
            SIGNED.payloads.iter().any(|payload| payload == envelope.payload()),
            "a signature for a payload that was never signed"
        );
    }
    true
}

/// A statement is accepted in its one encoding.
pub fn statement(data: &[u8]) -> bool {
    let provenance =
        Statement::<Provenance>::from_payload(data).map(|statement| statement.to_payload());
    let attestation =
        Statement::<StepAttestation>::from_payload(data).map(|statement| statement.to_payload());
    assert!(provenance.is_err() || attestation.is_err(), "a statement has one meaning");
    match provenance.or(attestation) {
        Ok(payload) => {
            assert!(payload == data, "what is accepted is its own encoding");
            true
        }
        Err(_) => false,
    }
}

/// Every threshold of an accepted policy can be met by distinct keys, no key has two roles, and
/// writing is a fixed point.
pub fn policy(data: &[u8]) -> bool {
    let Ok(policy) = Policy::from_json(data) else { return false };
    let document = policy.document();
    let again = Policy::from_json(&document.to_json()).expect("what was written can be read");
    assert_eq!(again.document(), document);
    let keys: Vec<&PublicKey> = policy.keys().collect();
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "one key, one role");
    let revoked = &document.revoked_keys;
    let met = |threshold: u32, keys: Vec<&PublicKey>| {
        keys.iter().filter(|key| !revoked.contains(key)).count() >= threshold as usize
    };
    let roles = &document.roles;
    assert!(met(
        roles.release.threshold.get(),
        roles.release.keys.iter().map(RoleKey::key).collect()
    ));
    assert!(
        roles
            .auditor
            .iter()
            .all(|role| met(role.threshold.get(), role.keys.iter().map(RoleKey::key).collect()))
    );
    assert!(
        roles
            .participant
            .iter()
            .all(|role| met(role.threshold.get(), role.keys.iter().map(RoleKey::key).collect()))
    );
    true
}

/// Writing is a fixed point; a bundle whose contents belong together shows what its statement says.
pub fn bundle(data: &[u8]) -> bool {
    let Ok(bundle) = Bundle::from_json(data) else { return false };
    if let Ok(written) = bundle.to_json() {
        assert_eq!(Bundle::from_json(&written).expect("what was written can be read"), bundle);
    }
    if let Ok(inspection) = bundle.inspect(None, &Timestamp::from_unix(1_800_000_000)) {
        let stated = Statement::<Provenance>::from_payload(bundle.envelope().payload())
            .expect("inspected before");
        assert_eq!(stated.predicate, inspection.provenance);
        assert!(inspection.to_string().contains(inspection.provenance.ceremony.as_str()));
    }
    true
}

/// A transcript is accepted in its one encoding, and counts no more contributors than it has
/// contributions.
pub fn transcript(data: &[u8]) -> bool {
    let Ok(transcript) = CheckedTranscript::from_json(data) else { return false };
    let document = transcript.transcript();
    assert!(document.to_json() == data, "what is accepted is its own encoding");
    assert!(transcript.phase1_contributors().len() <= document.phase1.steps.len());
    for circuit in &document.circuits {
        assert!(
            transcript.phase2_contributors(&circuit.name).len() < circuit.steps.len(),
            "the beacon is not a contribution"
        );
    }
    true
}

/// The serial of a text does not depend on what stands around it in comments, and no text exhausts
/// the stack.
pub fn snippet(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let serial = serial_of(text);
    if serial.is_some() {
        assert_eq!(serial_of(&format!("// a comment\n{text}\n// another\n")), serial);
    }
    serial.is_some()
}

/// What is read is bounded, names no one twice, and does not depend on a comment, which the digest
/// does.
pub fn ceremony_toml(data: &[u8]) -> bool {
    let Ok(config) = Config::from_toml(data) else { return false };
    assert_eq!(config.bytes(), data);
    let document = config.document();
    let keys: BTreeSet<&PublicKey> = document
        .participants
        .iter()
        .map(|participant| &participant.key)
        .chain([&document.coordinator.key])
        .collect();
    assert_eq!(keys.len(), document.participants.len() + 1, "one key stands for two people");
    assert!(!document.circuits.is_empty());
    let commented = [data, b"\n# a comment\n"].concat();
    // Only the limit on the file's size can refuse it now.
    if let Ok(again) = Config::from_toml(&commented) {
        assert_eq!(again.document(), document);
        assert_ne!(again.digest(), config.digest());
    }
    true
}
