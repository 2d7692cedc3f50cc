//! A policy that contradicts itself is refused before it decides anything.

use std::num::NonZeroU32;

use testkit::paper::{Ceremony, file, public, text};
use zk_attest::error::Code;
use zk_attest::primitives::{CeremonyKind, CircuitName};
use zk_attest::statement::Phase;
use zk_vk_guard::policy::{MAX_POLICY_BYTES, NamedKey, Policy, PolicyCircuit, PolicyDocument};

fn production() -> PolicyDocument {
    Ceremony::new(CeremonyKind::Production).policy()
}

#[track_caller]
fn unsound(edit: impl FnOnce(&mut PolicyDocument)) {
    let mut document = production();
    edit(&mut document);
    let refusal = Policy::from_json(&document.to_json()).expect_err("this must be refused");
    assert_eq!(refusal.code(), Code::PolicyUnsound, "{refusal}");
}

fn n(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

#[test]
fn a_sound_policy_is_read_and_pinned_by_its_bytes() {
    let bytes = production().to_json();
    let policy = Policy::from_json(&bytes).unwrap();
    assert_eq!(policy.document(), &production());
    let indented_otherwise = serde_json::to_vec(&production()).unwrap();
    assert_ne!(Policy::from_json(&indented_otherwise).unwrap().digest(), policy.digest());
    assert_eq!(policy.name_of(&public("auditor-2")).unwrap().as_str(), "auditor-2");
}

#[test]
fn thresholds_stand_between_one_and_the_number_of_keys() {
    unsound(|p| p.roles.release.threshold = n(4));
    unsound(|p| p.roles.auditor.as_mut().unwrap().threshold = n(3));
    unsound(|p| p.roles.participant.as_mut().unwrap().threshold = n(4));
    unsound(|p| p.roles.auditor.as_mut().unwrap().keys.clear());
    let zero = String::from_utf8(production().to_json()).unwrap().replacen(
        "\"threshold\": 2",
        "\"threshold\": 0",
        1,
    );
    assert_eq!(Policy::from_json(zero.as_bytes()).unwrap_err().code(), Code::PolicyUnsound);
}

#[test]
fn revoked_keys_do_not_count_towards_a_threshold() {
    unsound(|p| p.revoked_keys = vec![public("release-1"), public("release-2")]);
    unsound(|p| p.revoked_keys = vec![public("alice")]);
}

#[test]
fn one_key_has_one_role_and_stands_there_once() {
    let named = |name: &str| NamedKey { name: text("another name"), key: public(name) };
    unsound(|p| p.roles.release.keys.push(named("release-1")));
    unsound(|p| p.roles.release.keys.push(named("auditor-1")));
    unsound(|p| p.roles.auditor.as_mut().unwrap().keys.push(named("alice")));
}

#[test]
fn a_weak_key_is_refused() {
    let good = String::from_utf8(production().to_json()).unwrap();
    for weak in [
        format!("01{}", "00".repeat(31)),
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a".into(),
        format!("ee{}7f", "ff".repeat(30)),
    ] {
        let text = good.replacen(&public("release-3").to_string(), &weak, 1);
        assert_ne!(text, good);
        let refusal = Policy::from_json(text.as_bytes()).unwrap_err();
        assert_eq!(refusal.code(), Code::WeakKey, "{refusal}");
        assert!(refusal.to_string().contains(&weak), "{refusal}");
    }
}

#[test]
fn a_production_policy_names_its_participants() {
    unsound(|p| p.roles.participant = None);
    unsound(|p| {
        p.roles
            .participant
            .as_mut()
            .unwrap()
            .keys
            .iter_mut()
            .for_each(|key| key.phases = vec![Phase::One])
    });
    unsound(|p| {
        p.roles
            .participant
            .as_mut()
            .unwrap()
            .keys
            .iter_mut()
            .for_each(|key| key.phases = vec![Phase::Two])
    });
    unsound(|p| p.roles.participant.as_mut().unwrap().keys[0].phases.clear());
    unsound(|p| {
        p.roles.participant.as_mut().unwrap().keys[0].phases = vec![Phase::Two, Phase::One]
    });
    unsound(|p| p.minimum_contributions.phase1 = n(4));
    unsound(|p| p.minimum_contributions.phase2 = n(4));
    let mut pinned = production();
    pinned
        .roles
        .participant
        .as_mut()
        .unwrap()
        .keys
        .iter_mut()
        .for_each(|key| key.phases = vec![Phase::Two]);
    pinned.accepted_phase1_starts.push(file("a public file"));
    Policy::from_json(&pinned.to_json()).unwrap();
}

#[test]
fn a_rehearsal_policy_that_names_nobody_counts_whoever_attests() {
    let ceremony = Ceremony::new(CeremonyKind::Rehearsal);
    let mut policy = ceremony.policy();
    (policy.roles.participant, policy.roles.auditor) = (None, None);
    ceremony.parts().verify(&policy).unwrap();
    policy.revoked_keys.push(public("bob"));
    ceremony.parts().is_refused(&policy, Code::TooFewContributions);
    policy.revoked_keys.clear();
    policy.minimum_contributions.phase2 = n(4);
    ceremony.parts().is_refused(&policy, Code::TooFewContributions);
}

#[test]
fn circuits_are_named_and_each_once() {
    unsound(|p| p.circuits.clear());
    unsound(|p| p.circuits.push(p.circuits[0].clone()));
    let circuit = |name: &str| PolicyCircuit {
        name: CircuitName::new(name).unwrap(),
        circuit_sha256: Ceremony::circuit_digest(name),
    };
    unsound(|p| p.circuits = vec![circuit("b"), circuit("a")]);
    unsound(|p| p.circuits = vec![circuit("a-b"), circuit("a_b")]);
}

#[test]
fn unknown_and_repeated_fields_are_refused() {
    let good = String::from_utf8(production().to_json()).unwrap();
    for (from, to) in [
        ("\"minimum_serial\": 1", "\"minimum_serial\": 1, \"minimum_serial\": 0"),
        ("\"minimum_serial\": 1", "\"minimum_serial\": 1, \"allow_expired\": true"),
        ("\"threshold\": 2", "\"threshold\": 2, \"optional\": true"),
        ("\"phase1\": 3", "\"phase1\": 0"),
        ("\"kind\": \"production\"", "\"kind\": \"any\""),
        ("\"revoked_keys\": [],", ""),
    ] {
        assert!(good.contains(from), "{from}");
        assert_eq!(
            Policy::from_json(good.replacen(from, to, 1).as_bytes()).unwrap_err().code(),
            Code::PolicyUnsound,
            "{to}"
        );
    }
    assert_eq!(
        Policy::from_json(&vec![b' '; MAX_POLICY_BYTES + 1]).unwrap_err().code(),
        Code::TooLarge
    );
}
