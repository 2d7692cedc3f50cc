//! The guard as its users meet it: a crate of its own, built by cargo, with the feature on, off and
//! forced, and with every file corrupted in turn.
//!
//! Each refusal must end the build with its code and a hint, and leave no snippet in any OUT_DIR.
//! The crate and its target folder are shared by all tests, which therefore take turns; the guard
//! is compiled once.

use std::num::NonZeroU32;

use ed25519_dalek::Signer;
use testkit::paper::{Ceremony, Parts, SIGNERS, person, public, text, time};
use zk_attest::digest::{CircuitDigest, TranscriptDigest};
use zk_attest::error::Code;
use zk_attest::primitives::{CeremonyKind, CircuitName};
use zk_vk_guard::bundle::MAX_BUNDLE_BYTES;
use zk_vk_guard::policy::PolicyDocument;

use crate::project::{Project, turn};

fn production() -> (Parts, PolicyDocument) {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    (ceremony.parts(), ceremony.policy())
}

/// A build of the good snippet with a corrupted bundle.
#[track_caller]
fn bundle_refused(code: Code, corrupt: impl FnOnce(&mut Parts)) {
    let (mut parts, policy) = production();
    let mut project = Project::of(&parts, &policy);
    corrupt(&mut parts);
    project.bundle = parts.json();
    project.is_refused(code);
}

/// A build under a policy that was changed, and pinned again.
#[track_caller]
fn policy_refused(code: Code, edit: impl FnOnce(&mut PolicyDocument)) {
    let (parts, mut policy) = production();
    let mut project = Project::of(&parts, &policy);
    edit(&mut policy);
    project.set_policy(policy.to_json());
    project.is_refused(code);
}

/// A build with a corrupted snippet.
#[track_caller]
fn snippet_refused(edit: impl FnOnce(String) -> String) {
    let (parts, policy) = production();
    let mut project = Project::of(&parts, &policy);
    let text = edit(project.snippet.clone());
    assert_ne!(text, project.snippet);
    project.snippet = text;
    project.is_refused(Code::SnippetStale);
}

#[test]
fn with_the_feature_the_crate_holds_the_approved_key() {
    let (parts, policy) = production();
    let project = Project::of(&parts, &policy);
    let _turn = turn();
    let outcome = project.cargo(&["run", "--features", "zk-vk-provisioned"]);
    assert!(outcome.success, "{}", outcome.stderr);
    assert_eq!(
        outcome.stdout,
        format!(
            "PROVISIONED true\nVK_SHA256 {}\nfound attestation\n",
            parts.manifest().circuits[0].vk_sha256
        )
    );
}

#[test]
fn without_the_feature_there_is_no_key_and_no_work() {
    let (parts, policy) = production();
    let mut project = Project::of(&parts, &policy);
    // Nothing of this is even read.
    (project.bundle, project.snippet, project.pin) =
        (b"corrupted".to_vec(), "corrupted".into(), "corrupted".into());
    let _turn = turn();
    project.clear_out_dirs();
    let outcome = project.cargo(&["run"]);
    assert!(outcome.success, "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "PROVISIONED false\n");
    assert!(project.snippets_in_out_dirs().is_empty());
    // What an older build left there goes when the script runs.
    let planted = project.plant("old");
    project.pin = "corrupted again".into();
    assert!(project.cargo(&["check"]).success);
    assert_eq!(
        project.snippets_in_out_dirs().len(),
        planted - 1,
        "one OUT_DIR is of a build without the feature"
    );
}

#[test]
fn a_feature_forced_by_cfg_is_refused() {
    let (parts, policy) = production();
    let project = Project::of(&parts, &policy);
    let _turn = turn();
    project.clear_out_dirs();
    let outcome =
        project.cargo_with(&["check"], &[("RUSTFLAGS", "--cfg feature=\"zk-vk-provisioned\"")]);
    outcome.is_refused(&project, Code::FeatureForced);
    // Past cargo's back there is nothing to include.
    let outcome =
        project.cargo(&["rustc", "--lib", "--", "--cfg", "feature=\"zk-vk-provisioned\""]);
    assert!(!outcome.success && outcome.stderr.contains("couldn't read"), "{}", outcome.stderr);
    assert!(project.snippets_in_out_dirs().is_empty());
}

#[test]
fn a_snippet_planted_while_the_feature_was_off_is_not_what_is_built() {
    let (parts, policy) = production();
    let project = Project::of(&parts, &policy);
    let _turn = turn();
    assert!(project.cargo(&["check"]).success);
    assert!(project.cargo(&["check", "--features", "zk-vk-provisioned"]).success);
    let planted = project
        .snippet
        .replace(&parts.manifest().circuits[0].circuit_sha256.to_string(), &"00".repeat(32));
    assert!(project.plant(&planted) >= 2, "one OUT_DIR for each state of the feature");
    assert!(project.cargo(&["check", "--features", "zk-vk-provisioned"]).success);
    assert!(
        project.snippets_in_out_dirs().contains(&project.snippet),
        "the guard has put the approved text back"
    );
    project.plant(&planted);
    let mut corrupted = project.clone();
    corrupted.bundle[200] ^= 1;
    corrupted.write();
    let outcome = corrupted.cargo(&["check", "--features", "zk-vk-provisioned"]);
    assert!(!outcome.success);
    assert!(!corrupted.snippets_in_out_dirs().contains(&project.snippet));
}

#[test]
fn every_build_with_the_feature_runs_the_guard() {
    let (parts, policy) = production();
    let project = Project::of(&parts, &policy);
    let _turn = turn();
    let check = ["check", "--verbose", "--features", "zk-vk-provisioned"];
    assert!(project.cargo(&check).success);
    let again = project.cargo_as_is(&check);
    assert!(again.success && again.stderr.contains("build-script-build"), "{}", again.stderr);
    // An edit in OUT_DIR is undone, and so is one of the bundle that leaves its meaning as it was.
    project.plant("corrupted");
    assert!(project.cargo(&check).success);
    assert!(project.snippets_in_out_dirs().contains(&project.snippet));
    let mut touched = project;
    touched.bundle.push(b'\n');
    let outcome = touched.cargo(&check);
    assert!(outcome.success && outcome.stderr.contains("build-script-build"), "{}", outcome.stderr);
}

#[test]
fn without_the_feature_the_guard_tells_cargo_nothing() {
    let (parts, policy) = production();
    let project = Project::of(&parts, &policy);
    let _turn = turn();
    let check = ["check", "--verbose"];
    assert!(project.cargo(&check).success);
    let again = project.cargo_as_is(&check);
    assert!(again.success && !again.stderr.contains("build-script-build"), "{}", again.stderr);
    // Cargo's own rule is in force: any file of the package may matter to the build script.
    let note = project.dir.join("a-file-that-other-code-of-build-rs-reads");
    std::fs::write(&note, b"new").unwrap();
    let outcome = project.cargo_as_is(&check);
    std::fs::remove_file(note).unwrap();
    assert!(outcome.success && outcome.stderr.contains("build-script-build"), "{}", outcome.stderr);
}

/// A project whose policy asks for a higher serial than its bundle has, with times of long ago.
fn outdated(parts: &Parts, mut policy: PolicyDocument) -> Project {
    let mut project = Project::of(parts, &policy);
    policy.minimum_serial = 8;
    project.set_policy(policy.to_json());
    project
}

#[track_caller]
fn is_refused_although_nothing_is_new(project: &Project) {
    let outcome = project.cargo(&["run", "--features", "zk-vk-provisioned"]);
    assert!(!outcome.success && outcome.stdout.is_empty(), "{}", outcome.stdout);
    // Cargo may even keep the older build script, with the older pin: that refuses, too.
    let codes = ["[policy-pin]", "[serial-too-low]"];
    assert!(codes.iter().any(|code| outcome.stderr.contains(code)), "{}", outcome.stderr);
    assert!(project.snippets_in_out_dirs().is_empty());
}

#[test]
fn a_release_unpacked_over_an_older_one_with_its_times_kept_is_guarded() {
    let (parts, policy) = production();
    let project = Project::of(&parts, &policy);
    let _turn = turn();
    project.clear_out_dirs();
    assert!(project.cargo(&["run", "--features", "zk-vk-provisioned"]).success);
    let release = outdated(&parts, policy);
    release.write();
    release.set_old_times();
    is_refused_although_nothing_is_new(&release);
}

#[test]
fn two_checkouts_that_share_a_target_folder_are_each_guarded() {
    let (parts, policy) = production();
    let mut old = outdated(&parts, policy.clone());
    old.dir = old.dir.with_file_name("guarded-elsewhere");
    let new = Project::of(&parts, &policy);
    let _turn = turn();
    new.clear_out_dirs();
    old.write();
    old.set_old_times();
    assert!(new.cargo(&["run", "--features", "zk-vk-provisioned"]).success);
    is_refused_although_nothing_is_new(&old);
}

#[test]
fn files_that_git_has_given_crlf_are_refused_with_that_reason() {
    let (parts, policy) = production();
    let crlf = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\n', "\r\n");
    let good = Project::of(&parts, &policy);
    let mut converted = good.clone();
    converted.policy = crlf(&good.policy).into_bytes();
    let outcome = converted.is_refused(Code::PolicyPin);
    assert!(
        outcome.stderr.contains("zk/trust-policy.json has CRLF line ends"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("`zk/* -text` in .gitattributes"), "{}", outcome.stderr);
    let mut converted = good.clone();
    converted.snippet = crlf(good.snippet.as_bytes());
    let outcome = converted.is_refused(Code::SnippetStale);
    assert!(
        outcome.stderr.contains("zk/verifying_key.rs has CRLF line ends"),
        "{}",
        outcome.stderr
    );
    // Another policy with CRLF is another policy.
    let mut other = good;
    other.policy = crlf(&other.policy).replace("\"threshold\": 2", "\"threshold\": 1").into_bytes();
    let outcome = other.is_refused(Code::PolicyPin);
    assert!(!outcome.stderr.contains("CRLF"), "{}", outcome.stderr);
}

#[test]
fn a_crate_with_an_old_rust_version_is_guarded_and_told_why() {
    let (parts, policy) = production();
    let mut project = Project::of(&parts, &policy);
    project.edition = "edition = \"2021\"\nrust-version = \"1.56\"";
    {
        let _turn = turn();
        let outcome = project.cargo(&["check", "--features", "zk-vk-provisioned"]);
        assert!(outcome.success, "{}", outcome.stderr);
    }
    project.pin = "00".repeat(32);
    let outcome = project.is_refused(Code::PolicyPin);
    assert!(
        outcome
            .stderr
            .contains("error: guarded@0.0.0: zk-vk-guard 0.1.0: the policy is not the one"),
        "{}",
        outcome.stderr
    );
    assert!(!outcome.stderr.contains("1.77"), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("run `cargo install --locked --path zk-embed`"),
        "the programs of the hint are on no registry: {}",
        outcome.stderr
    );
}

#[test]
fn one_byte_of_the_verifying_key() {
    bundle_refused(Code::KeyFormsDisagree, |p| p.keys[0].1.compressed[1] ^= 1);
    bundle_refused(Code::SubjectMismatch, |p| {
        // An honest key with the one thing that bytes cannot show to be wrong: y of IC[0] on no
        // curve.
        let uncompressed = &mut p.keys[0].1.uncompressed;
        uncompressed[456 + 32] ^= 1;
    });
}

#[test]
fn one_byte_of_the_transcript() {
    bundle_refused(Code::SubjectMismatch, |p| p.transcript[700] ^= 1);
}

#[test]
fn one_byte_of_a_signature() {
    bundle_refused(Code::ThresholdNotMet, |p| p.signatures[2].1[10] ^= 1);
}

#[test]
fn one_byte_of_the_statement() {
    bundle_refused(Code::ThresholdNotMet, |p| p.payload[300] ^= 1);
}

/// A text whose first digit after `field` is another one.
fn with_another_digit(text: String, field: &str) -> String {
    let at = text.find(field).unwrap() + field.len();
    let digit = if text[at..].starts_with('0') { "1" } else { "0" };
    let mut text = text;
    text.replace_range(at..=at, digit);
    text
}

#[test]
fn one_byte_of_any_digest_even_if_signed() {
    for document in ["manifest.json", "transcript.json"] {
        bundle_refused(Code::SubjectMismatch, |parts| {
            let field = format!("{document}\",\"digest\":{{\"sha256\":\"");
            *parts = parts.clone().repay(|payload| with_another_digit(payload, &field));
        });
    }
    for (code, field) in [
        (Code::SubjectMismatch, "\"vk_sha256\":\""),
        (Code::SubjectMismatch, "\"vk_uncompressed_sha256\":\""),
        (Code::TranscriptDisagrees, "\"circuit_sha256\":\""),
        (Code::Malformed, "\"program_hash\":\""),
    ] {
        bundle_refused(code, |parts| {
            *parts = parts.clone().rewrite(|manifest| with_another_digit(manifest, field));
        });
    }
}

#[test]
fn one_byte_of_the_policy() {
    let (parts, policy) = production();
    let mut project = Project::of(&parts, &policy);
    let at = project.policy.len() - 2;
    project.policy.insert(at, b' ');
    let outcome = project.is_refused(Code::PolicyPin);
    assert!(outcome.stderr.contains("policy pin zk/trust-policy.json"), "{}", outcome.stderr);
}

#[test]
fn a_wrong_pin() {
    let (parts, policy) = production();
    for pin in ["", "00", &"00".repeat(32)] {
        let mut project = Project::of(&parts, &policy);
        project.pin = pin.into();
        project.is_refused(Code::PolicyPin);
    }
}

#[test]
fn a_threshold_that_is_not_met() {
    bundle_refused(Code::ThresholdNotMet, |p| p.sign(&["release-1", "auditor-1", "alice"]));
    policy_refused(Code::ThresholdNotMet, |p| {
        p.roles.release.threshold = NonZeroU32::new(3).unwrap()
    });
}

#[test]
fn one_signer_twice() {
    bundle_refused(Code::ThresholdNotMet, |p| {
        p.sign(&["release-1", "release-1", "auditor-1", "alice"])
    });
}

#[test]
fn one_key_under_two_key_ids() {
    bundle_refused(Code::ThresholdNotMet, |p| {
        p.sign(&["release-1", "release-1", "auditor-1", "alice"]);
        p.signatures[1].0 = public("release-2").key_id().to_string();
    });
}

#[test]
fn a_key_of_another_role() {
    bundle_refused(Code::ThresholdNotMet, |p| {
        p.sign(&["release-1", "auditor-1", "auditor-2", "alice"])
    });
}

#[test]
fn a_weak_key() {
    let (parts, policy) = production();
    let mut project = Project::of(&parts, &policy);
    let weak = format!("01{}", "00".repeat(31));
    project.set_policy(
        String::from_utf8(policy.to_json())
            .unwrap()
            .replace(&public("release-3").to_string(), &weak)
            .into_bytes(),
    );
    project.is_refused(Code::WeakKey);
}

#[test]
fn an_ed25519ph_signature() {
    use sha2::Digest;
    bundle_refused(Code::ThresholdNotMet, |p| {
        let message = zk_attest::envelope::pae(&p.payload_type, &p.payload);
        let prehashed = person("release-1")
            .sign_prehashed(sha2::Sha512::new().chain_update(&message), None)
            .unwrap();
        p.signatures[0].1 = prehashed.to_bytes().to_vec();
    });
}

/// S + L, which is the same scalar to a lenient verifier.
fn malleate(parts: &mut Parts) {
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
}

#[test]
fn a_signature_with_s_plus_l() {
    bundle_refused(Code::ThresholdNotMet, malleate);
}

#[test]
fn a_crate_of_the_same_workspace_cannot_weaken_the_guard() {
    let (mut parts, policy) = production();
    let mut project = Project::of(&parts, &policy);
    project.sibling = true;
    {
        let _turn = turn();
        let outcome = project.cargo(&["check", "--workspace", "--features", "zk-vk-provisioned"]);
        assert!(outcome.success, "{}", outcome.stderr);
        // The sibling's build script shows that the lenient library does accept S + L in this very
        // build.
        assert!(outcome.stderr.contains("the lenient library accepts S + L"), "{}", outcome.stderr);
    }
    malleate(&mut parts);
    project.bundle = parts.json();
    project.is_refused(Code::ThresholdNotMet);
}

#[test]
fn a_statement_in_another_encoding() {
    bundle_refused(Code::NotCanonical, |p| *p = p.clone().repay(|s| s.replacen(',', ", ", 1)));
    bundle_refused(Code::Malformed, |p| {
        *p = p.clone().repay(|s| s.replace("\"serial\":7", "\"serial\":7,\"serial\":7"))
    });
    bundle_refused(Code::Malformed, |p| {
        *p = p.clone().repay(|s| s.replace("\"serial\":7", "\"serial\":7,\"note\":1"))
    });
    bundle_refused(Code::NotCanonical, |p| {
        *p = p.clone().repay(|s| s.replace("\"serial\"", "\"seri\\u0061l\""))
    });
}

#[test]
fn another_payload_or_predicate_type() {
    bundle_refused(Code::PayloadType, |p| {
        p.payload_type = "application/json".into();
        p.sign(&SIGNERS);
    });
    bundle_refused(Code::PredicateType, |p| {
        *p = p.clone().repay(|s| s.replace("bundle-provenance", "step-attestation"))
    });
}

#[test]
fn a_bundle_of_another_circuit() {
    policy_refused(Code::WrongCircuit, |p| {
        p.circuits[0].circuit_sha256 = CircuitDigest::of(b"another.r1cs")
    });
    policy_refused(Code::WrongCircuit, |p| {
        p.circuits[0].name = CircuitName::new("transfer").unwrap()
    });
}

#[test]
fn an_older_serial() {
    policy_refused(Code::SerialTooLow, |p| p.minimum_serial = 8);
}

#[test]
fn a_revoked_transcript_or_key() {
    let transcript = TranscriptDigest::of(&production().0.transcript);
    policy_refused(Code::TranscriptRevoked, |p| p.revoked_transcripts.push(transcript));
    policy_refused(Code::ThresholdNotMet, |p| p.revoked_keys.push(public("release-2")));
}

#[test]
fn a_rehearsal_under_a_production_policy() {
    let (parts, policy) = production();
    let mut project = Project::of(&parts, &policy);
    project.bundle = Ceremony::new(CeremonyKind::Rehearsal).parts().json();
    project.is_refused(Code::KindNotAllowed);
}

#[test]
fn a_rehearsal_policy_needs_the_build_scripts_consent_and_then_warns() {
    let rehearsal = Ceremony::new(CeremonyKind::Rehearsal);
    let mut project = Project::of(&rehearsal.parts(), &rehearsal.policy());
    project.is_refused(Code::RehearsalNotAllowed);
    project.calls = ".allow_rehearsal()".into();
    let _turn = turn();
    for _ in 0..2 {
        let outcome = project.cargo(&["check", "--features", "zk-vk-provisioned"]);
        assert!(outcome.success, "{}", outcome.stderr);
        assert!(
            outcome.stderr.contains("of a rehearsal and protect nothing"),
            "on every build: {}",
            outcome.stderr
        );
    }
}

#[test]
fn compressed_and_uncompressed_key_that_disagree_even_if_signed() {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let mut forms = ceremony.vk("attestation", 2).forms();
    forms.uncompressed = testkit::paper::Vk::new("another", 2).forms().uncompressed;
    key_refused(Code::KeyFormsDisagree, forms);
}

/// A build in which everything is signed and consistent, but the key is bad.
#[track_caller]
fn key_refused(code: Code, forms: zk_vk_guard::verifying_key::EncodedVerifyingKey) {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let mut project = Project::of(&ceremony.parts(), &ceremony.policy());
    project.bundle = ceremony.parts_of_key(forms).json();
    project.is_refused(code);
}

#[test]
fn delta_equal_to_gamma() {
    for negate in [false, true] {
        let mut vk = Ceremony::new(CeremonyKind::Production).vk("attestation", 2);
        vk.delta = if negate { -vk.gamma } else { vk.gamma };
        key_refused(Code::KeyDegenerate, vk.forms());
    }
}

#[test]
fn a_truncated_or_over_long_key() {
    let good = Ceremony::new(CeremonyKind::Production).vk("attestation", 2).forms();
    let mut forms = good.clone();
    forms.compressed.truncate(300);
    key_refused(Code::KeyLength, forms);
    let mut forms = good;
    forms.compressed.push(0);
    key_refused(Code::KeyLength, forms);
}

#[test]
fn fewer_contributions_than_the_minimum() {
    let mut short = Ceremony::new(CeremonyKind::Production);
    short.phase2.pop();
    let mut project = Project::of(&production().0, &production().1);
    project.bundle = short.parts().json();
    project.is_refused(Code::TooFewContributions);
}

#[test]
fn a_transcript_that_does_not_link() {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let mut transcript = ceremony.transcript();
    transcript.phase1.steps.swap(0, 1);
    transcript_refused(Code::ChainBroken, &transcript);
}

#[track_caller]
fn transcript_refused(code: Code, transcript: &zk_vk_guard::transcript::Transcript) {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let mut project = Project::of(&ceremony.parts(), &ceremony.policy());
    project.bundle = Parts::of(transcript, vec![ceremony.vk("attestation", 2).forms()]).json();
    project.is_refused(code);
}

#[test]
fn an_attestation_removed_forged_moved_of_another_ceremony_or_signed_twice_by_one_key() {
    use zk_attest::statement::Phase;
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let mut removed = ceremony.transcript();
    removed.phase1.steps[1].step.attested = None;
    transcript_refused(Code::TooFewContributions, &removed);
    let mut forged = ceremony.transcript();
    let words = ceremony.words_of(&forged.phase1.steps[1].step, Phase::One, None);
    let envelope =
        testkit::paper::sign_step(&words, forged.phase1.steps[1].step.file_sha256, "mallory");
    forged.phase1.steps[1].step.attested.as_mut().unwrap().envelope = envelope;
    transcript_refused(Code::AttestationInvalid, &forged);
    let mut moved = ceremony.transcript();
    moved.phase1.steps[1].step.attested = moved.phase1.steps[0].step.attested.clone();
    transcript_refused(Code::AttestationInvalid, &moved);
    let mut foreign = ceremony.transcript();
    let mut other = ceremony.clone();
    other.id = "boot-2025".into();
    other.attest(&mut foreign.phase1.steps[1].step, Phase::One, None, "bob");
    transcript_refused(Code::AttestationInvalid, &foreign);
    let mut twice = ceremony;
    twice.phase2[2] = "alice".into();
    transcript_refused(Code::TooFewContributions, &twice.transcript());
}

#[test]
fn an_expired_bundle_builds_with_a_warning() {
    let (parts, policy) = production();
    let parts = parts.restate(|p| {
        (p.issued, p.not_after) = (time("2020-01-01T00:00:00Z"), time("2020-02-01T00:00:00Z"))
    });
    let project = Project::with_any_date(&parts, &policy);
    let _turn = turn();
    let outcome = project.cargo(&["check", "--features", "zk-vk-provisioned"]);
    assert!(
        outcome.success && outcome.stderr.contains("the bundle has expired [expired]"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_bundle_that_is_missing_a_directory_a_link_out_of_the_package_or_too_large() {
    let (parts, policy) = production();
    let project = Project::of(&parts, &policy);
    let path = project.dir.join("zk/bundle.json");
    let _turn = turn();
    let check = |code: Code, make: &dyn Fn()| {
        project.write();
        std::fs::remove_file(&path).unwrap();
        make();
        let outcome = project.cargo_as_is(&["check", "--features", "zk-vk-provisioned"]);
        outcome.is_refused(&project, code);
        let _ = std::fs::remove_file(&path);
        let _ = std::fs::remove_dir(&path);
    };
    check(Code::FileMissing, &|| ());
    check(Code::FileKind, &|| std::fs::create_dir(&path).unwrap());
    let outside = project.dir.with_file_name("outside.json");
    std::fs::write(&outside, &project.bundle).unwrap();
    check(Code::FileOutside, &|| std::os::unix::fs::symlink(&outside, &path).unwrap());
    check(Code::FileOutside, &|| std::os::unix::fs::symlink("/dev/zero", &path).unwrap());
    check(Code::TooLarge, &|| {
        let mut bytes = project.bundle.clone();
        bytes.resize(MAX_BUNDLE_BYTES + 1, b'\n');
        std::fs::write(&path, bytes).unwrap();
    });
}

#[test]
fn a_link_within_the_package_is_followed() {
    let (parts, policy) = production();
    let project = Project::of(&parts, &policy);
    let path = project.dir.join("zk/bundle.json");
    let _turn = turn();
    project.write();
    std::fs::rename(&path, project.dir.join("zk/bundle-7.json")).unwrap();
    std::os::unix::fs::symlink("bundle-7.json", &path).unwrap();
    let outcome = project.cargo_as_is(&["check", "--features", "zk-vk-provisioned"]);
    std::fs::remove_file(&path).unwrap();
    assert!(outcome.success, "{}", outcome.stderr);
}

#[test]
fn a_missing_snippet() {
    let (parts, policy) = production();
    let project = Project::of(&parts, &policy);
    let _turn = turn();
    project.write();
    std::fs::remove_file(project.dir.join("zk/verifying_key.rs")).unwrap();
    // What another guard left: each has a folder of its own.
    project.clear_out_dirs();
    project
        .cargo_as_is(&["check", "--features", "zk-vk-provisioned"])
        .is_refused(&project, Code::FileMissing);
}

#[test]
fn an_edited_snippet() {
    let vk = production().0.keys[0].1.compressed.clone();
    let digits =
        |bytes: &[u8]| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let other = testkit::paper::Vk::new("another", 2).forms().compressed;
    // alpha, in the key's first line
    snippet_refused(|s| s.replace(&digits(&vk[..32]), &digits(&other[..32])));
    snippet_refused(|s| s.replace("PRODUCTION: bool = true", "PRODUCTION: bool = false"));
}

#[test]
fn a_reformatted_snippet() {
    snippet_refused(|s| s.replace("    ", "\t"));
    snippet_refused(|s| s + "\n");
    snippet_refused(|s| s.lines().skip(4).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_snippet_with_an_extra_item_or_a_twin_under_cfg() {
    snippet_refused(|s| s + "pub const EXTRA: u8 = 0;\n");
    snippet_refused(|s| {
        s.replacen(
            "pub const N_PUBLIC",
            "#[cfg(not(debug_assertions))]\npub const N_PUBLIC: usize = \
             0;\n#[cfg(debug_assertions)]\npub const N_PUBLIC",
            1,
        )
    });
}

#[test]
fn a_snippet_of_another_circuit() {
    let mut other = Ceremony::new(CeremonyKind::Production);
    other.circuits = vec![("transfer".into(), 3)];
    let text = Project::of(&other.parts(), &other.policy()).snippet;
    snippet_refused(|_| text);
}

#[test]
fn a_snippet_made_with_other_options() {
    let (parts, policy) = production();
    let mut project = Project::of(&parts, &policy);
    project.calls = ".arkworks()".into();
    let outcome = project.is_refused(Code::SnippetStale);
    assert!(outcome.stderr.contains("--out zk/verifying_key.rs --arkworks"), "{}", outcome.stderr);
}

#[test]
fn a_snippet_of_an_older_format_is_called_that() {
    let (parts, policy) = production();
    let mut project = Project::of(&parts, &policy);
    project.snippet = "pub mod verifying_keys { pub const SERIAL: u64 = 7u64; }".into();
    let outcome = project.is_refused(Code::SnippetStale);
    assert!(outcome.stderr.contains("snippet format 1"), "{}", outcome.stderr);
}

#[test]
fn the_snippet_is_included_as_it_is_under_every_lint_of_clippy() {
    let (parts, policy) = production();
    let project = Project::of(&parts, &policy);
    let _turn = turn();
    let groups = ["all", "pedantic", "nursery", "restriction"].map(|g| format!("-Wclippy::{g}"));
    let mut line = vec!["clippy", "--lib", "--features", "zk-vk-provisioned", "--"];
    line.extend(groups.iter().map(String::as_str));
    let outcome = project.cargo(&line);
    assert!(outcome.stderr.contains("guarded v0.0.0"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("verifying_key.rs"), "{}", outcome.stderr);
}

#[test]
fn a_policy_that_names_no_phase_2_participants() {
    policy_refused(Code::PolicyUnsound, |p| p.roles.participant = None);
}

#[test]
fn hints_name_the_crates_own_paths() {
    let (parts, policy) = production();
    let mut project = Project::of(&parts, &policy);
    project.calls = ".snippet(\"zk/../zk/verifying_key.rs\")".into();
    project.snippet.push(' ');
    let outcome = project.is_refused(Code::SnippetStale);
    assert!(outcome.stderr.contains("--out zk/../zk/verifying_key.rs"), "{}", outcome.stderr);
}

#[test]
fn an_unsigned_change_of_the_kit_would_be_noticed() {
    // The kit signs by hand; were its signatures not the library's idea of one, every refusal above
    // would prove nothing.
    let (parts, policy) = production();
    assert!(parts.verify(&policy).is_ok());
    let message = zk_attest::envelope::pae(&parts.payload_type, &parts.payload);
    assert_eq!(parts.signatures[0].1, person("release-1").sign(&message).to_bytes());
    assert_eq!(text("x").as_str(), "x");
}
