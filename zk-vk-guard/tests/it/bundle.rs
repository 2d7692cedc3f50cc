//! The verification of a bundle: one test for each thing that it refuses, made with valid
//! signatures wherever signatures are not the point.

use std::num::NonZeroU32;

use ed25519_dalek::Signer;
use testkit::paper::{Ceremony, Parts, SIGNERS, person, public, text, time};
use zk_attest::digest::{
    CircuitDigest, ProgramHash, TranscriptDigest, VkDigest, VkUncompressedDigest,
};
use zk_attest::envelope::{MAX_SIGNATURES, pae};
use zk_attest::error::Code;
use zk_attest::primitives::{CeremonyKind, CircuitName};
use zk_vk_guard::bundle::{Bundle, BundlePlan, MAX_BUNDLE_BYTES, OnExpiry, PlannedCircuit};
use zk_vk_guard::policy::{NamedKey, Policy, PolicyDocument, Role};
use zk_vk_guard::transcript::CheckedTranscript;

fn production() -> (Parts, PolicyDocument) {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    (ceremony.parts(), ceremony.policy())
}

#[test]
fn an_approved_bundle_verifies_and_says_by_whom() {
    let (parts, policy) = production();
    let verified = parts.verify(&policy).unwrap();
    assert_eq!(verified.approvals().release, [public("release-1"), public("release-2")].into());
    assert_eq!(verified.approvals().auditor, [public("auditor-1")].into());
    assert_eq!(verified.approvals().participant, [public("alice")].into());
    assert_eq!(verified.circuits().next().unwrap().1.public_inputs(), 2);
    assert!(verified.warnings().is_empty());
}

#[test]
fn both_base64_alphabets_and_missing_padding_are_read_and_one_form_is_written() {
    let (parts, policy) = production();
    let text = String::from_utf8(parts.json()).unwrap();
    let bundle = Bundle::from_json(text.as_bytes()).unwrap();
    assert_eq!(bundle.to_json().unwrap(), text.as_bytes());
    let start = text.find("\"envelope\"").unwrap();
    let end = text.find("\"verifying_keys\"").unwrap();
    let (head, envelope, tail) = (&text[..start], &text[start..end], &text[end..]);
    // Slashes also stand in the payload type.
    let url_safe = envelope
        .replace('+', "-")
        .replace('/', "_")
        .replace("application_vnd.in-toto-json", testkit::paper::PAYLOAD_TYPE)
        .replace("=\"", "\"")
        .replace("=\"", "\"");
    assert_ne!(url_safe, envelope);
    let read = Bundle::from_json(format!("{head}{url_safe}{tail}").as_bytes()).unwrap();
    assert_eq!(read, bundle);
    assert!(
        read.verify(
            &Policy::from_json(&policy.to_json()).unwrap(),
            &time(testkit::paper::NOW),
            OnExpiry::Refuse
        )
        .is_ok()
    );
}

#[test]
fn too_few_signatures_of_a_role_are_refused() {
    let (parts, policy) = production();
    for signers in [
        &["release-1", "auditor-1", "alice"][..],
        &["release-1", "release-2", "alice"],
        &["release-1", "release-2", "auditor-1"],
        &[],
    ] {
        parts.clone().signed_by(signers).is_refused(&policy, Code::ThresholdNotMet);
    }
    let refusal = parts
        .signed_by(&["release-1", "auditor-1", "alice"])
        .is_refused(&policy, Code::ThresholdNotMet);
    assert!(refusal.to_string().contains("not signed: release-2, release-3"), "{refusal}");
}

#[test]
fn a_repeated_signature_counts_once() {
    let (parts, policy) = production();
    parts
        .signed_by(&["release-1", "release-1", "release-1", "auditor-1", "alice"])
        .is_refused(&policy, Code::ThresholdNotMet);
}

#[test]
fn one_key_under_two_key_ids_counts_once() {
    let (mut parts, policy) = production();
    parts.sign(&["release-1", "release-1", "auditor-1", "alice"]);
    parts.signatures[1].0 = public("release-2").key_id().to_string();
    parts.is_refused(&policy, Code::ThresholdNotMet);
    parts.signatures[1].0 = "another name".into();
    parts.is_refused(&policy, Code::ThresholdNotMet);
}

#[test]
fn key_ids_decide_nothing() {
    let (mut parts, policy) = production();
    for (keyid, _) in &mut parts.signatures {
        keyid.clear();
    }
    parts.verify(&policy).unwrap();
    let swapped = [public("alice"), public("bob")].map(|key| key.key_id().to_string());
    parts.signatures[0].0.clone_from(&swapped[0]);
    parts.signatures[1].0.clone_from(&swapped[1]);
    parts.verify(&policy).unwrap();
}

#[test]
fn a_key_of_one_role_does_not_sign_for_another() {
    let (parts, policy) = production();
    parts
        .clone()
        .signed_by(&["release-1", "auditor-1", "auditor-2", "alice"])
        .is_refused(&policy, Code::ThresholdNotMet);
    parts
        .clone()
        .signed_by(&["release-1", "release-2", "release-3", "alice"])
        .is_refused(&policy, Code::ThresholdNotMet);
    parts
        .signed_by(&["release-1", "alice", "bob", "auditor-1"])
        .is_refused(&policy, Code::ThresholdNotMet);
}

#[test]
fn every_bit_of_a_signature_matters() {
    let (parts, policy) = production();
    for bit in (0..512).step_by(7) {
        let mut parts = parts.clone();
        parts.signatures[0].1[bit / 8] ^= 1 << (bit % 8);
        parts.is_refused(&policy, Code::ThresholdNotMet);
    }
}

#[test]
fn signatures_of_another_length_are_refused() {
    let (parts, policy) = production();
    for length in [0, 63, 65, 128] {
        let mut parts = parts.clone();
        parts.signatures[0].1.resize(length, 0);
        parts.is_refused(&policy, Code::Malformed);
    }
}

#[test]
fn s_plus_l_is_refused() {
    let (mut parts, policy) = production();
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (s, l) in parts.signatures[0].1[32..].iter_mut().zip(L) {
        let sum = u16::from(*s) + u16::from(l) + carry;
        *s = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    parts.is_refused(&policy, Code::ThresholdNotMet);
}

#[test]
fn an_ed25519ph_signature_is_refused() {
    use sha2::Digest;
    let (mut parts, policy) = production();
    let message = pae(&parts.payload_type, &parts.payload);
    let prehashed = person("release-1")
        .sign_prehashed(sha2::Sha512::new().chain_update(&message), None)
        .unwrap();
    parts.signatures[0].1 = prehashed.to_bytes().to_vec();
    parts.is_refused(&policy, Code::ThresholdNotMet);
}

#[test]
fn a_signature_over_the_bare_payload_is_refused() {
    let (mut parts, policy) = production();
    parts.signatures[0].1 = person("release-1").sign(&parts.payload).to_bytes().to_vec();
    parts.is_refused(&policy, Code::ThresholdNotMet);
}

#[test]
fn every_byte_of_the_statement_is_signed() {
    let (parts, policy) = production();
    for at in (0..parts.payload.len()).step_by(31) {
        let mut parts = parts.clone();
        parts.payload[at] ^= 1;
        parts.is_refused(&policy, Code::ThresholdNotMet);
    }
}

#[test]
fn another_payload_type_is_refused_even_when_signed() {
    let (mut parts, policy) = production();
    parts.payload_type = "application/json".into();
    parts.sign(&SIGNERS);
    parts.is_refused(&policy, Code::PayloadType);
}

#[test]
fn another_statement_or_predicate_type_is_refused_even_when_signed() {
    let (parts, policy) = production();
    parts
        .clone()
        .repay(|p| p.replace("bundle-provenance:v2", "step-attestation:v4"))
        .is_refused(&policy, Code::PredicateType);
    parts
        .repay(|p| p.replace("in-toto.io/Statement/v1", "in-toto.io/Statement/v0.1"))
        .is_refused(&policy, Code::PredicateType);
}

#[test]
fn documents_of_another_version_are_called_that_and_the_message_says_what_to_do() {
    let (parts, policy) = production();
    let refused = parts
        .clone()
        .repay(|p| p.replace("bundle-provenance:v2", "bundle-provenance:v1"))
        .is_refused(&policy, Code::FormatVersion);
    assert!(refused.hint_text().contains("bundle create"), "{refused}");
    let refused = parts
        .clone()
        .rewrite(|m| m.replace("zk-ceremony-manifest/1", "zk-ceremony-manifest/2"))
        .is_refused(&policy, Code::FormatVersion);
    assert!(refused.hint_text().contains("update"), "{refused}");
    // The first version of a bundle had no manifest: it is refused for its version all the same.
    let manifest =
        format!("\"manifest\":\"{}\",", testkit::paper::base64_standard(&parts.manifest));
    let json = String::from_utf8(parts.json()).unwrap();
    assert!(json.contains(&manifest));
    let first = json.replace(&manifest, "").replace("zk-ceremony-bundle/2", "zk-ceremony-bundle/1");
    let refused = Bundle::from_json(first.as_bytes()).unwrap_err();
    assert_eq!(refused.code(), Code::FormatVersion);
    assert!(refused.what().contains("version 1"), "{refused}");
    assert!(refused.hint_text().contains("bundle create"), "{refused}");
    let document = String::from_utf8(policy.to_json()).unwrap();
    let refused = Policy::from_json(document.replace("policy/2", "policy/1").as_bytes());
    assert_eq!(refused.unwrap_err().code(), Code::FormatVersion);
    let text = String::from_utf8(parts.transcript).unwrap().replace("transcript/3", "transcript/2");
    let refused = CheckedTranscript::from_json(text.as_bytes()).unwrap_err();
    assert_eq!(refused.code(), Code::FormatVersion);
}

#[test]
fn a_manifest_in_another_encoding_is_refused_even_when_signed() {
    let (parts, policy) = production();
    let refused = |code: Code, edit: fn(String) -> String| {
        parts.clone().rewrite(edit).is_refused(&policy, code)
    };
    refused(Code::NotCanonical, |m| m.replacen(',', ", ", 1));
    refused(Code::NotCanonical, |m| format!("{m}\n"));
    refused(Code::Malformed, |m| m.replace("\"circuits\":", "\"circuits\":[],\"circuits\":"));
    refused(Code::Malformed, |m| m.replace("\"circuits\":", "\"note\":1,\"circuits\":"));
    refused(Code::Malformed, |m| m.replace("\"program_rule\":\"id\"", "\"program_rule\":\"any\""));
    // One that nobody signed.
    let mut other = parts.clone();
    let mut manifest = other.manifest();
    manifest.circuits[0].contributions += 1;
    other.manifest = manifest.to_json();
    other.is_refused(&policy, Code::SubjectMismatch);
}

#[test]
fn a_statement_in_another_encoding_is_refused_even_when_signed() {
    let (parts, policy) = production();
    let refused = |code: Code, edit: fn(String) -> String| {
        parts.clone().repay(edit).is_refused(&policy, code)
    };
    refused(Code::NotCanonical, |p| p.replacen(',', ", ", 1));
    refused(Code::NotCanonical, |p| format!("{p}\n"));
    refused(Code::NotCanonical, |p| p.replace("\"ceremony\"", "\"c\\u0065remony\""));
    refused(Code::NotCanonical, |p| p.replace("\"boot-2026\"", "\"b\\u006fot-2026\""));
    refused(Code::NotCanonical, |p| {
        p.replace(
            "\"kind\":\"production\",\"curve\":\"bn254\"",
            "\"curve\":\"bn254\",\"kind\":\"production\"",
        )
    });
    refused(Code::Malformed, |p| p.replace("\"serial\":7", "\"serial\":7,\"serial\":7"));
    refused(Code::Malformed, |p| p.replace("\"serial\":7", "\"serial\":7,\"note\":\"x\""));
    refused(Code::Malformed, |p| p.replace("\"serial\":7", "\"serial\":7.0"));
    refused(Code::Malformed, |p| p.replace("\"serial\":7", "\"serial\":\"7\""));
    refused(Code::Malformed, |p| p.replace("\"serial\":7,", ""));
    refused(Code::Malformed, |p| p.replace("groth16", "plonk"));
    refused(Code::Malformed, |p| p.replace("bn254", "bls12_381"));
}

#[test]
fn unknown_and_repeated_fields_of_the_bundle_are_refused() {
    let (parts, _) = production();
    let good = String::from_utf8(parts.json()).unwrap();
    for (from, to) in [
        ("{\"format\"", "{\"extra\":1,\"format\""),
        ("\"payloadType\"", "\"extra\":1,\"payloadType\""),
        ("\"keyid\"", "\"extra\":1,\"keyid\""),
        ("\"circuit\"", "\"extra\":1,\"circuit\""),
        ("\"compressed\"", "\"extra\":1,\"compressed\""),
        ("zk-ceremony-bundle/2", "zk-ceremony-parcel/2"),
        ("{\"format\":\"zk-ceremony-bundle/2\",", "{"),
        ("\"manifest\":", "\"manifest\":\"\",\"manifest\":"),
        ("\"transcript\":", "\"transcript\":\"\",\"transcript\":"),
    ] {
        assert!(good.contains(from));
        assert_eq!(
            Bundle::from_json(good.replacen(from, to, 1).as_bytes()).unwrap_err().code(),
            Code::Malformed,
            "{to}"
        );
    }
}

#[test]
fn nothing_is_parsed_beyond_the_size_limits() {
    let (parts, policy) = production();
    let mut json = parts.json();
    json.resize(MAX_BUNDLE_BYTES + 1, b' ');
    assert_eq!(Bundle::from_json(&json).unwrap_err().code(), Code::TooLarge);
    json.pop();
    assert!(
        Bundle::from_json(&json).is_ok(),
        "white space around the document is not signed and harms nobody"
    );
    let mut many = parts.clone();
    many.signatures = vec![parts.signatures[0].clone(); MAX_SIGNATURES + 1];
    many.is_refused(&policy, Code::TooLarge);
    parts.repay(|p| p + &" ".repeat(4096)).is_refused(&policy, Code::MessageTooLong);
}

#[test]
fn one_byte_of_a_verifying_key_or_of_the_transcript_is_noticed() {
    let (parts, policy) = production();
    for at in [0, 40, 100, 200, 230, 300] {
        let mut parts = parts.clone();
        parts.keys[0].1.compressed[at] ^= 1;
        assert!(parts.verify(&policy).is_err(), "byte {at}");
    }
    for at in (0..parts.transcript.len()).step_by(997) {
        let mut parts = parts.clone();
        parts.transcript[at] ^= 1;
        parts.is_refused(&policy, Code::SubjectMismatch);
    }
}

#[test]
fn a_sound_key_of_another_ceremony_is_refused() {
    let (mut parts, policy) = production();
    parts.keys[0].1 = testkit::paper::Vk::new("another", 2).forms();
    parts.is_refused(&policy, Code::SubjectMismatch);
}

#[test]
fn each_form_of_a_key_has_its_own_digest_in_the_statement() {
    // Statement and transcript agree on a digest that is not the key's.
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let forms = ceremony.vk("attestation", 2).forms();
    let edits: [fn(&mut zk_vk_guard::transcript::CircuitChain); 2] = [
        |c| c.vk_sha256 = VkDigest([1; 32]),
        |c| c.vk_uncompressed_sha256 = VkUncompressedDigest([1; 32]),
    ];
    for edit in edits {
        let mut transcript = ceremony.transcript();
        edit(&mut transcript.circuits[0]);
        Parts::of(&transcript, vec![forms.clone()])
            .is_refused(&ceremony.policy(), Code::SubjectMismatch);
    }
}

#[test]
fn every_circuit_has_its_key_and_no_other_has() {
    let mut ceremony = Ceremony::new(CeremonyKind::Production);
    ceremony.circuits.push(("transfer".into(), 2));
    let (parts, policy) = (ceremony.parts(), ceremony.policy());
    let refused =
        |edit: fn(&mut Vec<(String, zk_vk_guard::verifying_key::EncodedVerifyingKey)>)| {
            let mut parts = parts.clone();
            edit(&mut parts.keys);
            parts.is_refused(&policy, Code::SubjectMismatch)
        };
    refused(|keys| drop(keys.pop()));
    refused(|keys| keys.push(keys[0].clone()));
    refused(|keys| keys.swap(0, 1));
    refused(|keys| keys[1].0 = "another".into());
    refused(|keys| (keys[0].1, keys[1].1) = (keys[1].1.clone(), keys[0].1.clone()));
}

#[test]
fn subjects_must_be_exactly_manifest_and_transcript() {
    let (parts, policy) = production();
    let extra = r#""subject":[{"name":"x","digest":{"sha256":"0000000000000000000000000000000000000000000000000000000000000000"}},"#;
    parts
        .clone()
        .repay(|p| p.replace(r#""subject":["#, extra))
        .is_refused(&policy, Code::SubjectMismatch);
    parts
        .clone()
        .repay(|p| p.replace("manifest.json", "manifest.txt"))
        .is_refused(&policy, Code::SubjectMismatch);
    let digest = parts.manifest().digest().to_string();
    parts
        .repay(|p| p.replacen(&digest, &"00".repeat(32), 1))
        .is_refused(&policy, Code::SubjectMismatch);
}

#[test]
fn a_bundle_of_another_circuit_is_refused() {
    let (parts, policy) = production();
    let mut other = policy.clone();
    other.circuits[0].circuit_sha256 = CircuitDigest::of(b"another.r1cs");
    parts.is_refused(&other, Code::WrongCircuit);
    other.circuits[0] = policy.circuits[0].clone();
    other.circuits[0].name = CircuitName::new("transfer").unwrap();
    parts.is_refused(&other, Code::WrongCircuit);
    let mut two = policy.clone();
    two.circuits.push(other.circuits[0].clone());
    parts.is_refused(&two, Code::WrongCircuit);
    let mut ceremony = Ceremony::new(CeremonyKind::Production);
    ceremony.circuits.push(("transfer".into(), 3));
    ceremony.parts().is_refused(&policy, Code::WrongCircuit);
    ceremony.parts().verify(&ceremony.policy()).unwrap();
}

#[test]
fn kind_serial_and_dates_are_the_policys() {
    let (parts, policy) = production();
    Ceremony::new(CeremonyKind::Rehearsal).parts().is_refused(&policy, Code::KindNotAllowed);
    parts.is_refused(&Ceremony::new(CeremonyKind::Rehearsal).policy(), Code::KindNotAllowed);
    let mut newer = policy.clone();
    newer.minimum_serial = 7;
    parts.verify(&newer).unwrap();
    newer.minimum_serial = 8;
    parts.is_refused(&newer, Code::SerialTooLow);
    let overdue = parts.clone().restate(|p| {
        (p.issued, p.not_after) = (time("2026-01-01T00:00:00Z"), time("2026-11-20T11:59:59Z"))
    });
    overdue.is_refused(&policy, Code::Expired);
    let verified = overdue
        .bundle()
        .unwrap()
        .verify(
            &Policy::from_json(&policy.to_json()).unwrap(),
            &time(testkit::paper::NOW),
            OnExpiry::Warn,
        )
        .unwrap();
    assert_eq!(verified.warnings()[0].code(), Code::Expired);
    let mut old_policy = policy.clone();
    old_policy.not_after = Some(time("2026-11-20T11:59:59Z"));
    parts.is_refused(&old_policy, Code::PolicyExpired);
    parts
        .restate(|p| p.not_after = time("2026-11-20T11:59:59Z"))
        .is_refused(&policy, Code::Malformed);
}

#[test]
fn revoked_transcripts_and_keys_are_refused() {
    let (parts, policy) = production();
    let revoking = |edit: fn(&mut PolicyDocument)| {
        let mut policy = policy.clone();
        edit(&mut policy);
        policy
    };
    let mut transcript = policy.clone();
    transcript.revoked_transcripts.push(TranscriptDigest::of(&parts.transcript));
    parts.is_refused(&transcript, Code::TranscriptRevoked);
    parts.is_refused(&revoking(|p| p.revoked_keys.push(public("coordinator"))), Code::KeyRevoked);
    parts
        .is_refused(&revoking(|p| p.revoked_keys.push(public("release-1"))), Code::ThresholdNotMet);
    parts
        .is_refused(&revoking(|p| p.revoked_keys.push(public("auditor-1"))), Code::ThresholdNotMet);
    let fewer = revoking(|p| {
        p.revoked_keys.push(public("bob"));
        p.minimum_contributions.phase1 = NonZeroU32::new(2).unwrap();
        p.minimum_contributions.phase2 = p.minimum_contributions.phase1;
    });
    parts.verify(&fewer).unwrap();
}

#[test]
fn the_statement_may_not_contradict_the_transcript() {
    let (parts, policy) = production();
    let refused = |edit: fn(&mut zk_attest::statement::Provenance)| {
        parts.clone().restate(edit).is_refused(&policy, Code::TranscriptDisagrees)
    };
    let unlisted = |edit: fn(&mut zk_attest::manifest::Manifest)| {
        parts.clone().relist(edit).is_refused(&policy, Code::TranscriptDisagrees)
    };
    refused(|p| p.ceremony = zk_attest::primitives::CeremonyId::new("another").unwrap());
    refused(|p| p.kind = CeremonyKind::Rehearsal);
    unlisted(|m| m.phase1_contributions = 4);
    unlisted(|m| m.circuits[0].contributions = 4);
    unlisted(|m| m.circuits[0].circuit_sha256 = CircuitDigest::of(b"x"));
    // A key that the statement names but the ceremony did not make.
    let mut other = parts.clone();
    let vk = testkit::paper::Vk::new("another", 2).forms();
    other.keys[0].1 = vk.clone();
    other
        .relist(|p| {
            p.circuits[0].vk_sha256 = VkDigest::of(&vk.compressed);
            p.circuits[0].vk_uncompressed_sha256 = VkUncompressedDigest::of(&vk.uncompressed);
        })
        .is_refused(&policy, Code::TranscriptDisagrees);
    parts
        .clone()
        .relist(|p| p.circuits[0].program_hash = ProgramHash([9; 32]))
        .is_refused(&policy, Code::Malformed);
    parts.clone().relist(|p| p.circuits[0].public_inputs = 3).is_refused(&policy, Code::KeyLength);
    let own = TranscriptDigest::of(&parts.transcript);
    parts.restate(|p| p.predecessor = Some(own)).is_refused(&policy, Code::TranscriptDisagrees);
}

#[test]
fn two_circuits_of_one_program_are_refused() {
    let mut ceremony = Ceremony::new(CeremonyKind::Production);
    ceremony.circuits.push(("transfer".into(), 3));
    ceremony
        .parts()
        .relist(|p| {
            p.circuits[1].program_id = p.circuits[0].program_id.clone();
            p.circuits[1].program_hash = p.circuits[0].program_hash;
        })
        .is_refused(&ceremony.policy(), Code::Malformed);
}

#[test]
fn signatures_are_checked_before_anything_that_they_cover_is_read() {
    let (mut parts, policy) = production();
    parts.payload = b"no statement at all".to_vec();
    parts.is_refused(&policy, Code::ThresholdNotMet);
}

fn plan(ceremony: &Ceremony) -> BundlePlan {
    let circuits = ceremony.circuits.iter().map(|(name, inputs)| PlannedCircuit {
        name: CircuitName::new(name).unwrap(),
        program_id: text(&format!("{name} v1")),
        program_hash: None,
        key: ceremony.vk(name, *inputs).forms(),
    });
    BundlePlan {
        serial: 7,
        issued: time(testkit::paper::NOW),
        not_after: time("2036-01-01T00:00:00Z"),
        predecessor: None,
        circuits: circuits.collect(),
    }
}

#[test]
fn a_created_bundle_is_signed_by_each_on_a_copy_and_merged_in_any_order() {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let transcript = CheckedTranscript::from_json(&ceremony.transcript().to_json()).unwrap();
    let unsigned = Bundle::create(&transcript, plan(&ceremony)).unwrap();
    assert_eq!(
        unsigned.envelope().payload(),
        ceremony.parts().payload,
        "create states what an honest hand would"
    );
    assert_eq!(unsigned.manifest_bytes(), ceremony.parts().manifest);
    let policy = Policy::from_json(&ceremony.policy().to_json()).unwrap();
    let verify =
        |bundle: &Bundle| bundle.verify(&policy, &time(testkit::paper::NOW), OnExpiry::Refuse);
    let copies = SIGNERS.map(|who| {
        let mut copy = Bundle::from_json(&unsigned.to_json().unwrap()).unwrap();
        copy.add_signature(&public(who), &person(who).sign(&copy.envelope().pae()).to_bytes())
            .unwrap();
        copy
    });
    for order in [[0, 1, 2, 3], [3, 1, 0, 2]] {
        let mut merged = unsigned.clone();
        for i in order {
            assert_eq!(verify(&merged).unwrap_err().code(), Code::ThresholdNotMet);
            merged.merge(&copies[i]).unwrap();
            merged.merge(&copies[i]).unwrap();
        }
        assert_eq!(merged.envelope().signatures().len(), 4);
        verify(&merged).unwrap();
    }
    let mut copy = copies[0].clone();
    copy.add_signature(
        &public("release-1"),
        &person("release-1").sign(&copy.envelope().pae()).to_bytes(),
    )
    .unwrap();
    assert_eq!(copy.envelope().signatures().len(), 1);
    assert_eq!(
        copy.add_signature(
            &public("bob"),
            &person("alice").sign(&copy.envelope().pae()).to_bytes()
        )
        .unwrap_err()
        .code(),
        Code::BadSignature
    );
    let mut next = plan(&ceremony);
    next.serial = 8;
    assert_eq!(
        copy.merge(&Bundle::create(&transcript, next).unwrap()).unwrap_err().code(),
        Code::MergeMismatch
    );
}

#[test]
fn one_verifying_key_under_two_names_is_refused_even_if_signed() {
    let ceremony = Ceremony {
        circuits: vec![("attestation".into(), 2), ("wallet".into(), 2)],
        ..Ceremony::new(CeremonyKind::Production)
    };
    ceremony.parts().verify(&ceremony.policy()).unwrap();
    let refusal = ceremony.parts_of_one_key().is_refused(&ceremony.policy(), Code::KeyDegenerate);
    assert!(refusal.what().contains("the same verifying key"), "{refusal}");
    assert_eq!(refusal.place().unwrap().parts(), ["wallet"]);
}

#[test]
fn every_combination_of_3_of_5_and_2_of_3_is_decided_by_its_counts() {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let mut document = ceremony.policy();
    let names = [
        "release-1",
        "release-2",
        "release-3",
        "release-4",
        "release-5",
        "auditor-1",
        "auditor-2",
        "auditor-3",
    ];
    let keys = |names: &[&str]| {
        names.iter().map(|name| NamedKey { name: text(name), key: public(name) }).collect()
    };
    document.roles.release =
        Role { threshold: NonZeroU32::new(3).unwrap(), keys: keys(&names[..5]) };
    document.roles.auditor =
        Some(Role { threshold: NonZeroU32::new(2).unwrap(), keys: keys(&names[5..]) });
    let policy = Policy::from_json(&document.to_json()).unwrap();
    let transcript = CheckedTranscript::from_json(&ceremony.transcript().to_json()).unwrap();
    let unsigned = Bundle::create(&transcript, plan(&ceremony)).unwrap();
    let copy_of = |who: &str| {
        let mut copy = unsigned.clone();
        copy.add_signature(&public(who), &person(who).sign(&copy.envelope().pae()).to_bytes())
            .unwrap();
        copy
    };
    let (copies, participant) = (names.map(copy_of), copy_of("bob"));
    for subset in 0u32..256 {
        let mut merged = participant.clone();
        let chosen = (0..8).rev().filter(|i| subset >> i & 1 == 1);
        chosen.for_each(|i| merged.merge(&copies[i]).unwrap());
        let enough = (subset & 0b1_1111).count_ones() >= 3 && (subset >> 5).count_ones() >= 2;
        assert_eq!(
            merged.verify(&policy, &time(testkit::paper::NOW), OnExpiry::Refuse).is_ok(),
            enough,
            "{subset:#b}"
        );
    }
}
