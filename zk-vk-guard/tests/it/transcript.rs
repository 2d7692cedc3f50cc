//! The transcript's own chain check, and how contributions count under a policy.

use std::num::NonZeroU32;

use ed25519_dalek::Signer as _;
use testkit::paper::{
    Ceremony, Parts, challenge, file, person, public, sign_amendment, sign_amendment_of, sign_step,
    text,
};
use zk_attest::amendment::{Amendment, Change, Deputies};
use zk_attest::digest::{ConfigDigest, TranscriptDigest, VkDigest};
use zk_attest::envelope::Envelope;
use zk_attest::error::Code;
use zk_attest::primitives::{Beacon, BeaconValue, CeremonyId, CeremonyKind, Timestamp};
use zk_attest::statement::{Action, Phase, Statement, StepAttestation};
use zk_vk_guard::limits::{MAX_DEPUTIES, MAX_HANDOVERS};
use zk_vk_guard::transcript::{
    CheckedTranscript, Handover, MAX_TRANSCRIPT_BYTES, Origin, Transcript,
};

fn ceremony() -> Ceremony {
    Ceremony::new(CeremonyKind::Production)
}

/// The bundle of a transcript that was changed after it was made; keys as the ceremony made them.
fn bundle_of(transcript: &Transcript) -> Parts {
    Parts::of(transcript, vec![ceremony().vk("attestation", 2).forms()])
}

#[track_caller]
fn refused(code: Code, edit: impl FnOnce(&mut Transcript)) {
    let mut transcript = ceremony().transcript();
    edit(&mut transcript);
    let refusal =
        CheckedTranscript::from_json(&transcript.to_json()).expect_err("this must be refused");
    assert_eq!(refusal.code(), code, "{refusal}");
    bundle_of(&transcript).is_refused(&ceremony().policy(), code);
}

#[test]
fn an_honest_chain_is_accepted_and_its_contributors_are_counted() {
    let transcript = ceremony().transcript();
    let checked = CheckedTranscript::from_json(&transcript.to_json()).unwrap();
    assert_eq!(checked.digest(), TranscriptDigest::of(&transcript.to_json()));
    assert_eq!(checked.phase1_contributors(), ["alice", "bob", "carol"].map(public).into());
    assert_eq!(
        checked.phase2_contributors(&transcript.circuits[0].name),
        checked.phase1_contributors()
    );
}

#[test]
fn another_encoding_of_the_transcript_is_refused() {
    let good = String::from_utf8(ceremony().transcript().to_json()).unwrap();
    for (from, to, code) in [
        (":", ": ", Code::NotCanonical),
        ("\"kind\"", "\"k\\u0069nd\"", Code::NotCanonical),
        ("\"rejected\":[]", "\"rejected\":[],\"extra\":1", Code::Malformed),
        ("\"rejected\":[]", "\"rejected\":[],\"rejected\":[]", Code::Malformed),
        ("zk-ceremony-transcript/3", "zk-ceremony-transcript/4", Code::FormatVersion),
        ("==", "", Code::NotCanonical),
    ] {
        assert!(good.contains(from), "{from}");
        assert_eq!(
            CheckedTranscript::from_json(good.replacen(from, to, 1).as_bytes()).unwrap_err().code(),
            code,
            "{to}"
        );
    }
    assert_eq!(
        CheckedTranscript::from_json(&vec![b' '; MAX_TRANSCRIPT_BYTES + 1]).unwrap_err().code(),
        Code::TooLarge
    );
}

#[test]
fn swapped_missing_and_repeated_steps_break_the_link() {
    refused(Code::ChainBroken, |t| t.phase1.steps.swap(0, 1));
    refused(Code::ChainBroken, |t| drop(t.phase1.steps.remove(1)));
    refused(Code::ChainBroken, |t| t.phase1.steps.insert(1, t.phase1.steps[0].clone()));
    refused(Code::ChainBroken, |t| t.circuits[0].steps.swap(0, 1));
    refused(Code::ChainBroken, |t| drop(t.circuits[0].steps.remove(0)));
    refused(Code::ChainBroken, |t| t.circuits[0].steps[1].index = 1);
}

#[test]
fn a_challenge_that_was_not_published_breaks_the_link() {
    refused(Code::ChainBroken, |t| t.phase1.steps[1].challenge = challenge("another"));
    refused(Code::ChainBroken, |t| t.phase1.steps[1].next_challenge = challenge("another"));
    refused(Code::ChainBroken, |t| t.phase1.start.challenge = challenge("another"));
    refused(Code::ChainBroken, |t| t.phase1.steps[3].next_challenge = t.phase1.start.challenge);
}

#[test]
fn a_file_that_is_not_the_one_before_breaks_the_link() {
    refused(Code::ChainBroken, |t| t.phase1.steps[1].step.input_sha256 = file("another"));
    refused(Code::ChainBroken, |t| t.phase1.prepared.input_sha256 = file("another"));
    refused(Code::ChainBroken, |t| t.circuits[0].steps[0].input_sha256 = file("another"));
    refused(Code::ChainBroken, |t| t.circuits[0].final_sha256 = file("another"));
    refused(Code::AttestationInvalid, |t| {
        t.circuits[0].initial_sha256 = file("another");
        t.circuits[0].steps[0].input_sha256 = file("another");
    });
}

#[test]
fn a_repeated_file_or_contribution_is_refused() {
    refused(Code::ChainBroken, |t| {
        t.circuits[0].steps[1].contribution_hash = t.circuits[0].steps[0].contribution_hash
    });
    refused(Code::ChainBroken, |t| {
        t.circuits[0].steps[0].contribution_hash = t.phase1.steps[0].step.contribution_hash
    });
    refused(Code::ChainBroken, |t| t.circuits[0].initial_sha256 = t.phase1.prepared.file_sha256);
}

#[test]
fn a_step_that_writes_a_file_of_the_chain_again_is_refused_even_if_attested() {
    // The contribution that changes nothing: what it wrote is what it read.
    refused(Code::ChainBroken, |t| {
        let steps = &mut t.circuits[0].steps;
        let repeated = steps[0].file_sha256;
        steps[1].file_sha256 = repeated;
        ceremony().attest(&mut steps[1], Phase::Two, Some("attestation"), "bob");
        steps[2].input_sha256 = repeated;
        ceremony().attest(&mut steps[2], Phase::Two, Some("attestation"), "carol");
    });
    // The preparation that prepares nothing.
    refused(Code::ChainBroken, |t| {
        let closed = t.phase1.prepared.input_sha256;
        t.phase1.prepared.file_sha256 = closed;
        t.phase1.prepared.attestation =
            ceremony().coordinated(Phase::One, None, Action::Prepare, 5, Some(closed), closed);
        t.circuits[0].opening = ceremony().coordinated(
            Phase::Two,
            Some("attestation"),
            Action::Open,
            0,
            Some(closed),
            t.circuits[0].initial_sha256,
        );
    });
}

#[test]
fn each_phase_ends_with_its_one_beacon_after_at_least_one_contribution() {
    refused(Code::ChainBroken, |t| drop(t.phase1.steps.pop()));
    refused(Code::ChainBroken, |t| drop(t.circuits[0].steps.pop()));
    refused(Code::ChainBroken, |t| t.phase1.steps[0].step.beacon = Some(Ceremony::beacon()));
    refused(Code::ChainBroken, |t| t.circuits[0].steps.clear());
    for (phase1, phase2) in [(0, 3), (3, 0)] {
        let mut short = ceremony();
        short.phase1.truncate(phase1);
        short.phase2.truncate(phase2);
        assert_eq!(
            CheckedTranscript::from_json(&short.transcript().to_json()).unwrap_err().code(),
            Code::ChainBroken
        );
    }
}

#[test]
fn circuits_stand_in_order_and_each_once() {
    refused(Code::ChainBroken, |t| t.phase1.power = 29);
    let mut twice = ceremony().transcript();
    twice.circuits.push(twice.circuits[0].clone());
    assert_eq!(
        CheckedTranscript::from_json(&twice.to_json()).unwrap_err().code(),
        Code::ChainBroken
    );
    let mut empty = ceremony().transcript();
    empty.circuits.clear();
    assert_eq!(
        CheckedTranscript::from_json(&empty.to_json()).unwrap_err().code(),
        Code::ChainBroken
    );
}

#[test]
fn a_relabelled_step_contradicts_its_attestation() {
    refused(Code::AttestationInvalid, |t| t.phase1.steps[0].step.name = text("mallory"));
    refused(Code::AttestationInvalid, |t| {
        t.phase1.steps[3].step.beacon.as_mut().unwrap().round += 1
    });
    refused(Code::AttestationInvalid, |t| {
        t.phase1.steps.pop();
        t.phase1.steps[2].step.beacon = Some(Ceremony::beacon());
        t.phase1.prepared.input_sha256 = t.phase1.steps[2].step.file_sha256;
    });
    refused(Code::AttestationInvalid, |t| {
        t.phase1.steps[0].step.contribution_hash = testkit::paper::contribution_hash("another")
    });
    refused(Code::AttestationInvalid, |t| t.ceremony_toml_sha256 = ConfigDigest::of(b"edited"));
    refused(Code::AttestationInvalid, |t| {
        t.circuits[0].circuit_sha256 = Ceremony::circuit_digest("another")
    });
}

#[test]
fn openings_beacons_and_preparation_need_the_coordinators_key() {
    refused(Code::AttestationInvalid, |t| t.coordinator = public("mallory"));
    refused(Code::AttestationInvalid, |t| t.phase1.steps[3].step.attested = None);
    refused(Code::AttestationInvalid, |t| {
        ceremony().attest(&mut t.phase1.steps[3].step, Phase::One, None, "mallory")
    });
    refused(Code::AttestationInvalid, |t| {
        t.phase1.prepared.attestation = t.phase1.start.attestation.clone()
    });
    refused(Code::AttestationInvalid, |t| {
        t.circuits[0].opening = t.phase1.start.attestation.clone()
    });
    refused(Code::AttestationInvalid, |t| {
        ceremony().attest(&mut t.circuits[0].steps[3], Phase::Two, Some("attestation"), "alice")
    });
}

#[test]
fn a_removed_attestation_lowers_the_count() {
    let mut transcript = ceremony().transcript();
    transcript.phase1.steps[1].step.attested = None;
    let refusal =
        bundle_of(&transcript).is_refused(&ceremony().policy(), Code::TooFewContributions);
    assert_eq!(refusal.place().unwrap().parts()[0], "phase 1", "{refusal}");
    let mut transcript = ceremony().transcript();
    transcript.circuits[0].steps[2].attested = None;
    let refusal =
        bundle_of(&transcript).is_refused(&ceremony().policy(), Code::TooFewContributions);
    assert_eq!(refusal.place().unwrap().parts()[0], "circuit attestation", "{refusal}");
    let mut policy = ceremony().policy();
    policy.minimum_contributions.phase2 = NonZeroU32::new(2).unwrap();
    bundle_of(&transcript).verify(&policy).unwrap();
}

#[test]
fn a_forged_attestation_is_refused() {
    // Mallory signs what bob should have said.
    refused(Code::AttestationInvalid, |t| {
        let words = ceremony().words_of(&t.phase1.steps[1].step, Phase::One, None);
        let forged = sign_step(&words, t.phase1.steps[1].step.file_sha256, "mallory");
        t.phase1.steps[1].step.attested.as_mut().unwrap().envelope = forged;
    });
}

#[test]
fn an_attestation_by_somebody_whom_the_policy_does_not_name_does_not_count() {
    let mut transcript = ceremony().transcript();
    ceremony().attest(&mut transcript.phase1.steps[1].step, Phase::One, None, "mallory");
    bundle_of(&transcript).is_refused(&ceremony().policy(), Code::TooFewContributions);
}

#[test]
fn an_attestation_moved_to_another_step_or_circuit_is_refused() {
    refused(Code::AttestationInvalid, |t| {
        t.phase1.steps[1].step.attested = t.phase1.steps[0].step.attested.clone()
    });
    refused(Code::AttestationInvalid, |t| {
        t.circuits[0].steps[0].attested = t.phase1.steps[0].step.attested.clone()
    });
    let mut two = ceremony();
    two.circuits.push(("transfer".into(), 1));
    let mut transcript = two.transcript();
    transcript.circuits[1].steps[0].attested = transcript.circuits[0].steps[0].attested.clone();
    assert_eq!(
        CheckedTranscript::from_json(&transcript.to_json()).unwrap_err().code(),
        Code::AttestationInvalid
    );
}

#[test]
fn an_attestation_of_another_ceremony_is_refused() {
    let attempts: [fn(&mut Ceremony); 3] = [
        |c| c.id = "boot-2025".into(),
        |c| c.toml = "another ceremony.toml".into(),
        |c| c.kind = CeremonyKind::Rehearsal,
    ];
    for edit in attempts {
        refused(Code::AttestationInvalid, |t| {
            let mut other = ceremony();
            edit(&mut other);
            other.attest(&mut t.phase1.steps[1].step, Phase::One, None, "bob");
        });
    }
}

#[test]
fn every_field_of_an_attestation_is_compared() {
    let edits: [fn(&mut StepAttestation); 8] = [
        |w| w.phase = Phase::Two,
        |w| {
            w.circuit = Some(zk_attest::statement::CircuitReference {
                name: zk_attest::primitives::CircuitName::new("a").unwrap(),
                circuit_sha256: Ceremony::circuit_digest("a"),
            })
        },
        |w| w.action = Action::Beacon,
        |w| w.index += 1,
        |w| w.participant = text("carol"),
        |w| w.input_sha256 = None,
        |w| w.contribution_hash = None,
        |w| w.beacon = Some(Ceremony::beacon()),
    ];
    for (i, edit) in edits.into_iter().enumerate() {
        let mut transcript = ceremony().transcript();
        let step = &mut transcript.phase1.steps[1].step;
        let mut words = ceremony().words_of(step, Phase::One, None);
        edit(&mut words);
        step.attested.as_mut().unwrap().envelope = sign_step(&words, step.file_sha256, "bob");
        assert_eq!(
            CheckedTranscript::from_json(&transcript.to_json()).unwrap_err().code(),
            Code::AttestationInvalid,
            "edit {i}"
        );
    }
    refused(Code::AttestationInvalid, |t| {
        let step = &mut t.phase1.steps[1].step;
        let words = ceremony().words_of(step, Phase::One, None);
        step.attested.as_mut().unwrap().envelope = sign_step(&words, file("another"), "bob");
    });
    // The time, the participant's own words and what they verified are theirs alone.
    let mut transcript = ceremony().transcript();
    let step = &mut transcript.phase1.steps[1].step;
    let mut words = ceremony().words_of(step, Phase::One, None);
    (words.time, words.destruction) = (Timestamp::from_unix(0), text("burnt"));
    words.verified = text("nothing");
    step.attested.as_mut().unwrap().envelope = sign_step(&words, step.file_sha256, "bob");
    CheckedTranscript::from_json(&transcript.to_json()).unwrap();
}

#[test]
fn one_key_that_contributes_twice_counts_once() {
    let mut twice = ceremony();
    twice.phase1[2] = "alice".into();
    assert!(twice.transcript().phase1.steps.len() == 4);
    twice.parts().is_refused(&ceremony().policy(), Code::TooFewContributions);
    let mut twice = ceremony();
    twice.phase2[2] = "alice".into();
    twice.parts().is_refused(&ceremony().policy(), Code::TooFewContributions);
}

#[test]
fn a_beacon_is_no_contribution() {
    // The coordinator's beacon does not fill up a missing participant, even where the policy names
    // the coordinator.
    let mut ceremony = ceremony();
    ceremony.phase2.truncate(2);
    ceremony.coordinator = "carol".into();
    ceremony.parts().is_refused(&ceremony.policy(), Code::TooFewContributions);
}

#[test]
fn an_external_start_is_accepted_only_by_its_digest() {
    let mut external = ceremony();
    external.origin = Origin::External;
    external.phase1.clear();
    let parts = external.parts();
    let refusal = parts.is_refused(&external.policy(), Code::Phase1Start);
    assert!(refusal.to_string().contains("no external start"));
    let mut policy = external.policy();
    policy.accepted_phase1_starts.push(file("another start"));
    parts.is_refused(&policy, Code::Phase1Start);
    policy.accepted_phase1_starts.push(file("boot-2026 start"));
    parts.verify(&policy).unwrap();
    // A new start may not call itself an accepted one: it is counted.
    let mut short = ceremony();
    short.phase1.truncate(1);
    short.parts().is_refused(&policy, Code::TooFewContributions);
}

#[test]
fn rejected_files_are_attested_and_stay_out_of_the_chain() {
    let mut transcript = ceremony().transcript();
    transcript.rejected.push(ceremony().rejection(
        Phase::One,
        2,
        file("bad"),
        "the ratio check failed",
    ));
    bundle_of(&transcript).verify(&ceremony().policy()).unwrap();
    refused(Code::AttestationInvalid, |t| {
        t.rejected.push(ceremony().rejection(Phase::One, 2, file("bad"), "why"));
        t.rejected[0].reason = text("another reason");
    });
    refused(Code::ChainBroken, |t| {
        t.rejected.push(ceremony().rejection(
            Phase::One,
            2,
            t.phase1.steps[1].step.file_sha256,
            "why",
        ))
    });
    refused(Code::ChainBroken, |t| {
        t.rejected.push(ceremony().rejection(Phase::Two, 2, file("bad"), "a circuit is missing"))
    });
    refused(Code::AttestationInvalid, |t| {
        let mut other = ceremony();
        other.coordinator = "mallory".into();
        t.rejected.push(other.rejection(Phase::One, 2, file("bad"), "why"));
    });
}

#[test]
fn a_key_digest_of_the_transcript_is_the_statements() {
    let mut transcript = ceremony().transcript();
    transcript.circuits[0].vk_sha256 = VkDigest::of(b"another");
    let mut parts = bundle_of(&ceremony().transcript());
    parts.transcript = transcript.to_json();
    let provenance = parts.provenance();
    parts.state(&provenance);
    parts.is_refused(&ceremony().policy(), Code::TranscriptDisagrees);
}

/// Changes an attestation and signs it again.
fn again(envelope: &mut Envelope, who: &str, edit: impl FnOnce(&mut Statement<StepAttestation>)) {
    let mut statement = Statement::<StepAttestation>::from_payload(envelope.payload()).unwrap();
    edit(&mut statement);
    let mut signed = statement.to_envelope().unwrap();
    signed.add_signature(&public(who), &person(who).sign(&signed.pae()).to_bytes()).unwrap();
    *envelope = signed;
}

/// The second step of phase 1, signed under another name.
fn second_step_as(transcript: &mut Transcript, name: &str) {
    let attested = transcript.phase1.steps[1].step.attested.as_mut().unwrap();
    again(&mut attested.envelope, "bob", |s| s.subject[0].name = text(name));
}

#[test]
fn a_second_attempt_needs_the_rejection_of_the_first() {
    for name in ["0002-2.ptau", "0003.ptau", "0002-02.ptau", "0002.zkey", "step"] {
        refused(Code::ChainBroken, |t| second_step_as(t, name));
    }
    let rejection = |phase, index| ceremony().rejection(phase, index, file("bad"), "why");
    let mut transcript = ceremony().transcript();
    second_step_as(&mut transcript, "0002-2.ptau");
    transcript.rejected.push(rejection(Phase::One, 2));
    CheckedTranscript::from_json(&transcript.to_json()).unwrap();
    // That of another step does not do.
    transcript.rejected[0] = rejection(Phase::One, 3);
    assert!(CheckedTranscript::from_json(&transcript.to_json()).is_err());
    second_step_as(&mut transcript, "0002-3.ptau");
    transcript.rejected[0] = rejection(Phase::One, 2);
    assert!(CheckedTranscript::from_json(&transcript.to_json()).is_err());
}

#[test]
fn the_value_of_a_rejected_beacon_is_not_used_again() {
    let mut transcript = ceremony().transcript();
    let last = transcript.phase1.steps.len() - 1;
    let beacon = transcript.phase1.steps[last].step.beacon.clone();
    let coordinator = |envelope: &mut Envelope, edit: &dyn Fn(&mut Statement<StepAttestation>)| {
        again(envelope, "coordinator", |s| edit(s));
    };
    let attested = transcript.phase1.steps[last].step.attested.as_mut().unwrap();
    coordinator(&mut attested.envelope, &|s| s.subject[0].name = text("final-2.ptau"));
    let mut gone = ceremony().rejection(Phase::One, 4, file("bad"), "why");
    let other = BeaconValue::new(&[0x5a; 32]).unwrap();
    coordinator(&mut gone.attestation, &|s| {
        s.subject[0].name = text("final");
        s.predicate.beacon = beacon.clone().map(|b| Beacon { value: other.clone(), ..b });
    });
    transcript.rejected.push(gone);
    CheckedTranscript::from_json(&transcript.to_json()).unwrap();
    coordinator(&mut transcript.rejected[0].attestation, &|s| s.predicate.beacon = beacon.clone());
    let refusal = CheckedTranscript::from_json(&transcript.to_json()).unwrap_err();
    assert_eq!(refusal.code(), Code::ChainBroken, "{refusal}");
}

/// Two of dora, emil and fred make dora the coordinator, who makes the last beacon.
fn handed_over() -> Ceremony {
    let name = |name: &str| name.to_owned();
    Ceremony {
        deputies: Some((2, ["dora", "emil", "fred"].map(name).into())),
        handovers: vec![(name("dora"), ["dora", "emil"].map(name).into())],
        ..ceremony()
    }
}

#[track_caller]
fn handover_refused(code: Code, edit: impl FnOnce(&mut Ceremony, &mut Transcript)) {
    let mut ceremony = handed_over();
    let mut transcript = ceremony.transcript();
    edit(&mut ceremony, &mut transcript);
    let refusal =
        CheckedTranscript::from_json(&transcript.to_json()).expect_err("this must be refused");
    assert_eq!(refusal.code(), code, "{refusal}");
}

#[test]
fn a_deputy_who_took_over_makes_the_coordinators_steps() {
    let transcript = handed_over().transcript();
    CheckedTranscript::from_json(&transcript.to_json()).unwrap();
    bundle_of(&transcript).verify(&handed_over().policy()).unwrap();
    // By the coordinator's own word too, and back again.
    let name = |name: &str| name.to_owned();
    let mut twice = handed_over();
    twice.handovers = vec![
        (name("dora"), ["dora", "coordinator"].map(name).into()),
        (name("coordinator"), ["dora", "coordinator"].map(name).into()),
    ];
    CheckedTranscript::from_json(&twice.transcript().to_json()).unwrap();
    // Without the handover the same steps are nobody's.
    handover_refused(Code::AttestationInvalid, |_, t| t.handovers.clear());
}

/// The beacon is dora's only if it was made after she took over, and the coordinator's only before.
#[test]
fn a_coordinators_key_counts_for_the_steps_of_its_time() {
    let with_heads = |edit: fn(&mut Ceremony, &mut Amendment)| {
        move |c: &mut Ceremony, t: &mut Transcript| {
            let mut said = c.amendment(1, "dora");
            edit(c, &mut said);
            t.handovers[0].envelope = sign_amendment(&said, &["dora", "emil"]);
        }
    };
    // After the beacon itself, after what is nowhere, and before the chain had begun: then the
    // opening, which the coordinator made, is nobody's.
    let beacon = |t: &Transcript| t.circuits[0].final_sha256;
    handover_refused(Code::AttestationInvalid, move |c, t| {
        let mut said = c.amendment(1, "dora");
        said.heads[1].file = beacon(t);
        t.handovers[0].envelope = sign_amendment(&said, &["dora", "emil"]);
    });
    handover_refused(
        Code::AttestationInvalid,
        with_heads(|_, said| said.heads[1].file = file("nowhere")),
    );
    handover_refused(Code::AttestationInvalid, with_heads(|_, said| said.heads.truncate(1)));
    handover_refused(Code::AttestationInvalid, with_heads(|_, said| drop(said.heads.remove(0))));
    // The coordinator's beacon after the handover.
    handover_refused(Code::AttestationInvalid, |c, t| {
        let step = t.circuits[0].steps.last_mut().unwrap();
        step.name = text("coordinator");
        c.attest(step, Phase::Two, Some("attestation"), "coordinator");
    });
    // Rejections count under the last coordinator's key, whenever they were made.
    let rejection = |who: &'static str, head: Option<&'static str>| {
        let (mut by, ceremony) = (handed_over(), handed_over());
        by.coordinator = who.into();
        by.handovers.clear();
        let mut transcript = ceremony.transcript();
        let rejected = file("a rejected key");
        transcript.rejected.push(by.rejection(Phase::One, 9, rejected, "bad"));
        if let Some(head) = head {
            // What was made after a rejected step was made after what that one was built on.
            let mut said = ceremony.amendment(1, "dora");
            said.heads[0].file = file(head);
            transcript.handovers[0].envelope = sign_amendment(&said, &["dora", "emil"]);
        }
        CheckedTranscript::from_json(&transcript.to_json()).map(drop).map_err(|it| it.code())
    };
    assert_eq!(rejection("dora", None), Ok(()));
    assert_eq!(rejection("coordinator", None), Err(Code::AttestationInvalid));
    assert_eq!(rejection("dora", Some("a rejected key")), Err(Code::AttestationInvalid));
}

#[test]
fn a_revoked_key_of_whoever_took_over_refuses_the_bundle() {
    let mut policy = handed_over().policy();
    policy.revoked_keys = vec![public("dora")];
    bundle_of(&handed_over().transcript()).is_refused(&policy, Code::KeyRevoked);
}

#[test]
fn a_handover_needs_the_signatures_that_the_rules_say() {
    let again = |signers: &'static [&'static str]| {
        move |c: &mut Ceremony, t: &mut Transcript| {
            t.handovers[0].envelope = sign_amendment(&c.amendment(1, "dora"), signers);
        }
    };
    for signers in [
        &["emil", "fred"][..],
        &["dora"],
        &["coordinator"],
        &["dora", "alice"],
        &["alice", "bob"],
        &[],
    ] {
        handover_refused(Code::ThresholdNotMet, again(signers));
    }
    // Whoever was coordinator has no say any more.
    handover_refused(Code::ThresholdNotMet, |c, t| {
        let said = c.amendment(2, "emil");
        let envelope = sign_amendment(&said, &["coordinator", "emil"]);
        t.handovers.push(Handover { coordinator: public("emil"), envelope });
    });
}

#[test]
fn a_handover_is_to_a_deputy_of_the_rules_and_of_this_ceremony() {
    let to = |who: &'static str, edit: fn(&mut Amendment)| {
        move |c: &mut Ceremony, t: &mut Transcript| {
            let mut said = c.amendment(1, who);
            edit(&mut said);
            let envelope = sign_amendment(&said, &["dora", "emil", who]);
            t.handovers[0] = Handover { coordinator: public(who), envelope };
        }
    };
    let as_it_is: fn(&mut Amendment) = |_| ();
    handover_refused(Code::AttestationInvalid, to("alice", as_it_is));
    handover_refused(Code::AttestationInvalid, to("coordinator", as_it_is));
    handover_refused(Code::AttestationInvalid, to("dora", |it| it.number = 0));
    handover_refused(Code::AttestationInvalid, to("dora", |it| it.kind = CeremonyKind::Rehearsal));
    handover_refused(
        Code::AttestationInvalid,
        to("dora", |it| it.ceremony_toml_sha256 = ConfigDigest::of(b"another")),
    );
    handover_refused(
        Code::AttestationInvalid,
        to("dora", |it| it.ceremony = CeremonyId::new("another").unwrap()),
    );
    handover_refused(
        Code::AttestationInvalid,
        to("dora", |it| {
            let (participant, key) = (text("dora"), public("dora"));
            it.change = Change::Enrol { participant, key, phases: vec![Phase::One] };
        }),
    );
    handover_refused(Code::AttestationInvalid, |_, t| {
        t.handovers[0].coordinator = public("emil");
    });
    // One amendment in the place of two.
    handover_refused(Code::AttestationInvalid, |c, t| {
        let envelope = sign_amendment(&c.amendment(1, "emil"), &["dora", "emil"]);
        t.handovers.push(Handover { coordinator: public("emil"), envelope });
    });
    handover_refused(Code::PredicateType, |_, t| {
        t.handovers[0].envelope = t.phase1.start.attestation.clone();
    });
    // Words of another ceremony over these rules, and these words over another's.
    let another = ConfigDigest::of(b"another");
    handover_refused(Code::AttestationInvalid, |c, t| {
        let said = Amendment { ceremony_toml_sha256: another, ..c.amendment(1, "dora") };
        let rules = ConfigDigest::of(c.toml.as_bytes());
        t.handovers[0].envelope = sign_amendment_of(&said, rules, &["dora", "emil"]);
    });
    handover_refused(Code::AttestationInvalid, |c, t| {
        let said = c.amendment(1, "dora");
        t.handovers[0].envelope = sign_amendment_of(&said, another, &["dora", "emil"]);
    });
    // Somebody whom no rule names, and who then acts as coordinator.
    let stranger = Ceremony {
        handovers: vec![("mallory".into(), ["dora", "emil", "mallory"].map(str::to_owned).into())],
        ..handed_over()
    };
    let refusal = CheckedTranscript::from_json(&stranger.transcript().to_json()).unwrap_err();
    assert!(refusal.what().contains("does not make this deputy the coordinator"), "{refusal}");
}

#[test]
fn the_rule_of_the_deputies_is_sound() {
    let rule = |edit: fn(&mut Deputies)| {
        move |_: &mut Ceremony, t: &mut Transcript| edit(t.deputies.as_mut().unwrap())
    };
    handover_refused(Code::ChainBroken, rule(|it| it.threshold = NonZeroU32::new(4).unwrap()));
    handover_refused(Code::ChainBroken, rule(|it| it.keys.push(public("dora"))));
    handover_refused(Code::ChainBroken, rule(|it| it.keys.push(public("coordinator"))));
    handover_refused(
        Code::ChainBroken,
        rule(|it| {
            it.keys.extend((0..MAX_DEPUTIES).map(|i| public(&format!("deputy {i}"))));
        }),
    );
    handover_refused(Code::ChainBroken, |_, t| {
        let one = t.handovers[0].clone();
        t.handovers = vec![one; MAX_HANDOVERS + 1];
    });
}
