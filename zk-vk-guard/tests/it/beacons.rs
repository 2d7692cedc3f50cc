//! Policies that ask for beacons which can be verified.

use testkit::paper::{Ceremony, text};
use zk_attest::error::Code;
use zk_attest::primitives::{Beacon, CeremonyKind, DrandSignature};
use zk_vk_guard::policy::Policy;

/// Round 1000 of quicknet, as drand published it.
fn published() -> Beacon {
    let hex = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4\
               b6b63ed5e39";
    let signature = DrandSignature::from_hex(hex).unwrap();
    Beacon {
        source: text("drand quicknet"),
        round: 1000,
        value: signature.value(),
        signature: Some(signature),
        ..Ceremony::beacon()
    }
}

#[test]
fn a_beacon_without_a_signature_is_refused_where_the_policy_asks_for_one() {
    let unsigned = Ceremony::new(CeremonyKind::Production);
    let mut policy = unsigned.policy();
    unsigned.parts().verify(&policy).unwrap();
    policy.verified_beacons = true;
    let refusal = unsigned.parts().is_refused(&policy, Code::BeaconUnverified);
    assert!(refusal.to_string().contains("without a signature"), "{refusal}");
    let signed = Ceremony { beacon: published(), ..unsigned };
    signed.parts().verify(&policy).unwrap();
}

#[test]
fn every_beacon_is_asked_for_its_signature() {
    let ceremony = Ceremony { beacon: published(), ..Ceremony::new(CeremonyKind::Production) };
    let policy = {
        let mut policy = ceremony.policy();
        policy.verified_beacons = true;
        policy
    };
    let forms = || {
        let keys = ceremony.circuits.iter();
        keys.map(|(name, inputs)| ceremony.vk(name, *inputs).forms()).collect()
    };
    let unsigned = Ceremony { beacon: Ceremony::beacon(), ..ceremony.clone() };
    let (signed, other) = (ceremony.transcript(), unsigned.transcript());
    for phase in [1, 2] {
        let mut transcript = signed.clone();
        if phase == 1 {
            let (at, last) =
                (transcript.phase1.steps.len() - 1, other.phase1.steps.last().unwrap());
            transcript.phase1.steps[at].step = last.step.clone();
        } else {
            let at = transcript.circuits[0].steps.len() - 1;
            transcript.circuits[0].steps[at] = other.circuits[0].steps[at].clone();
        }
        testkit::paper::Parts::of(&transcript, forms()).is_refused(&policy, Code::BeaconUnverified);
    }
    testkit::paper::Parts::of(&signed, forms()).verify(&policy).unwrap();
}

#[test]
fn a_value_that_is_not_its_signatures_is_read_in_no_transcript() {
    let mut beacon = published();
    beacon.value = DrandSignature::new([7; 48]).value();
    let ceremony = Ceremony { beacon, ..Ceremony::new(CeremonyKind::Production) };
    let refusal = ceremony.parts().is_refused(&ceremony.policy(), Code::Malformed);
    assert!(refusal.to_string().contains("not that of its signature"), "{refusal}");
}

#[test]
fn a_policy_that_does_not_speak_of_beacons_is_as_before() {
    let mut policy = Ceremony::new(CeremonyKind::Production).policy();
    let before = policy.to_json();
    assert!(!String::from_utf8_lossy(&before).contains("verified_beacons"));
    assert!(!Policy::from_json(&before).unwrap().document().verified_beacons);
    policy.verified_beacons = true;
    assert!(Policy::from_json(&policy.to_json()).unwrap().document().verified_beacons);
}
