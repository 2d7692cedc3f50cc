//! What a signer sees before signing.

use testkit::paper::{Ceremony, time};
use zk_attest::primitives::CeremonyKind;
use zk_attest::statement::Phase;
use zk_vk_guard::Policy;

#[test]
fn one_screen_shows_what_is_approved_and_who_is_missing() {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let mut transcript = ceremony.transcript();
    ceremony.attest(
        &mut transcript.circuits[0].steps[1],
        Phase::Two,
        Some("attestation"),
        "mallory",
    );
    ceremony.attest(&mut transcript.circuits[0].steps[2], Phase::Two, Some("attestation"), "alice");
    transcript.rejected.push(ceremony.rejection(
        Phase::One,
        2,
        testkit::paper::file("bad"),
        "the ratio check failed",
    ));
    let parts = testkit::paper::Parts::of(&transcript, vec![ceremony.vk("attestation", 2).forms()])
        .signed_by(&["release-1"]);
    let policy = Policy::from_json(&ceremony.policy().to_json()).unwrap();
    let bundle = parts.bundle().unwrap();
    let shown = bundle.inspect(Some(&policy), &time(testkit::paper::NOW)).unwrap().to_string();
    println!("{shown}");
    assert!(
        shown.lines().count() <= 40 && shown.lines().all(|line| line.len() <= 200),
        "one screen"
    );
    for line in [
        "ceremony     boot-2026 (production), serial 7".to_owned(),
        format!("transcript   {}", zk_attest::digest::TranscriptDigest::of(&transcript.to_json())),
        format!("  key        {}, 2 public inputs", transcript.circuits[0].vk_sha256),
        format!("circuit attestation: key of {}", transcript.circuits[0].circuit_sha256),
        format!("    2  {}  bob  does not count", testkit::paper::public("mallory").fingerprint()),
        format!(
            "    3  {}  carol (whom the policy calls alice)",
            testkit::paper::public("alice").fingerprint()
        ),
        "rejected     phase 1, step 2: the ratio check failed".into(),
        format!(
            "  release      1 of 2 needed; signed: release-1 ({})",
            testkit::paper::public("release-1").fingerprint()
        ),
        "  auditor      0 of 1 needed; signed: nobody".into(),
        format!("NOT APPROVED under policy {}", policy.digest()),
    ] {
        assert!(shown.contains(&format!("{line}\n")), "{line}\n\n{shown}");
    }
    assert!(shown.contains("can still sign: release-2 ("));
    // Missing signatures do not hide what further signatures cannot fix.
    assert!(shown.contains("[too-few-contributions]"), "{shown}");
}

#[test]
fn an_approved_bundle_says_so_and_json_holds_the_same() {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let policy = Policy::from_json(&ceremony.policy().to_json()).unwrap();
    let inspection = ceremony
        .parts()
        .bundle()
        .unwrap()
        .inspect(Some(&policy), &time(testkit::paper::NOW))
        .unwrap();
    assert!(
        inspection.to_string().ends_with(&format!("APPROVED under policy {}\n", policy.digest()))
    );
    let json: serde_json::Value = serde_json::to_value(&inspection).unwrap();
    assert_eq!(json["verdict"]["approved"], true);
    assert_eq!(json["phase1"]["contributors"][0]["name"], "alice");
    assert_eq!(
        json["roles"][0]["not_signed"][0],
        format!("release-3 ({})", testkit::paper::public("release-3").fingerprint())
    );
}

#[test]
fn a_revoked_key_is_not_among_those_who_can_still_sign() {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let mut document = ceremony.policy();
    document.revoked_keys.push(testkit::paper::public("release-3"));
    let policy = Policy::from_json(&document.to_json()).unwrap();
    let bundle = ceremony.parts().signed_by(&["release-1", "release-3"]).bundle().unwrap();
    let shown = bundle.inspect(Some(&policy), &time(testkit::paper::NOW)).unwrap().to_string();
    let release_2 = format!("release-2 ({})", testkit::paper::public("release-2").fingerprint());
    assert!(shown.contains(&format!("can still sign: {release_2}\n")), "{shown}");
    assert!(
        shown.contains(
            "1 distinct keys of this role have signed; not signed: release-2\n  expected  at \
             least 2 of 2"
        ),
        "{shown}"
    );
}

#[test]
fn without_a_policy_nothing_is_called_approved() {
    let shown = Ceremony::new(CeremonyKind::Production)
        .parts()
        .bundle()
        .unwrap()
        .inspect(None, &time(testkit::paper::NOW))
        .unwrap()
        .to_string();
    assert!(!shown.contains("APPROVED") && shown.contains("no policy given"));
}

#[test]
fn a_bundle_whose_contents_do_not_belong_together_is_not_shown() {
    let mut parts = Ceremony::new(CeremonyKind::Production).parts();
    parts.transcript[700] ^= 1;
    assert!(parts.bundle().unwrap().inspect(None, &time(testkit::paper::NOW)).is_err());
}
