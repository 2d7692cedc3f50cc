//! Envelopes across implementations: PyPI's securesystemslib (the library behind in-toto and TUF)
//! verifies ours, and we verify one of its.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use testkit::paper::{Ceremony, base64_standard, person, public};
use zk_attest::envelope::Envelope;
use zk_attest::primitives::CeremonyKind;
use zk_attest::statement::{Provenance, Statement};

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn ask(question: &Value) -> Value {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/.venv/bin/python");
    assert!(
        python.exists(),
        "securesystemslib is not installed: ./ci/test.sh installs it into ci/.venv"
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dsse_peer.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn securesystemslib_and_we_verify_each_others_envelopes() {
    let signers = ["release-1", "release-2"];
    let parts = Ceremony::new(CeremonyKind::Production).parts().signed_by(&signers);
    let ours = parts.bundle().unwrap().envelope().clone();
    let keys: Vec<Value> = signers
        .iter()
        .map(|who| json!({ "keyid": public(who).key_id().to_string(), "public": public(who).to_string(), "seed": digits(person(who).as_bytes()) }))
        .collect();
    let envelope: Value = serde_json::from_slice(&ours.to_json()).unwrap();
    let answer = ask(
        &json!({ "envelope": envelope, "keys": keys, "payload": base64_standard(&parts.payload) }),
    );
    assert_eq!(answer["two_of_two"], true);
    assert_eq!(answer["three_of_two"], false);
    assert_eq!(answer["tampered"], false);

    let theirs = Envelope::from_json(answer["envelope"].to_string().as_bytes()).unwrap();
    assert_eq!(theirs.signers(&signers.map(public)), signers.map(public).into());
    assert_eq!(theirs.signers(&[public("release-3")]).len(), 0);
    assert_eq!(
        Statement::<Provenance>::from_payload(theirs.payload()).unwrap().predicate,
        parts.provenance()
    );
    // Their envelope in the place of ours: two release authorities have signed, the other roles
    // have not.
    let mut bundle: Value = serde_json::from_slice(&parts.json()).unwrap();
    bundle["envelope"] = answer["envelope"].clone();
    let mut policy = Ceremony::new(CeremonyKind::Production).policy();
    let verify = |policy: &zk_vk_guard::policy::PolicyDocument| {
        zk_vk_guard::Bundle::from_json(bundle.to_string().as_bytes()).unwrap().verify(
            &zk_vk_guard::Policy::from_json(&policy.to_json()).unwrap(),
            &testkit::paper::time(testkit::paper::NOW),
            zk_vk_guard::bundle::OnExpiry::Refuse,
        )
    };
    policy.roles.auditor = None;
    assert!(verify(&policy).is_err(), "no participant has approved");
    policy.roles.release.threshold = std::num::NonZeroU32::new(3).unwrap();
    assert!(verify(&policy).is_err(), "3 of 2");
}
