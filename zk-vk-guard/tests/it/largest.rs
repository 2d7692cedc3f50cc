//! What the counts of `limits` allow fits into the documents, with every text at its longest.
//!
//! The documents are made by the tests' kit and not by the code that is measured. They are built at
//! each combination of the smallest and the largest numbers.

use testkit::paper::{Ceremony, Parts, file, public, text};
use zk_attest::envelope::{MAX_PAE_BYTES, MAX_SIGNATURES, pae};
use zk_attest::primitives::Label;
use zk_attest::statement::Phase;
use zk_vk_guard::limits::{
    MAX_BUNDLE_BYTES, MAX_CIRCUITS, MAX_CONTRIBUTIONS, MAX_KEYS, MAX_PARTICIPANTS,
    MAX_POLICY_BYTES, MAX_PUBLIC_INPUTS, MAX_REJECTIONS, MAX_SNIPPET_BYTES, MAX_TRANSCRIPT_BYTES,
};
use zk_vk_guard::policy::{NamedKey, ParticipantKey, Policy, PolicyDocument, Role};
use zk_vk_guard::snippet::{self, Options};
use zk_vk_guard::transcript::Transcript;

/// A transcript with this many rejected files.
fn transcript(ceremony: &Ceremony, rejections: usize) -> Transcript {
    let reason = "r".repeat(Label::MAX_BYTES);
    let mut transcript = ceremony.transcript();
    // One signature for all: a rejection is about a file and not about a place.
    let one = ceremony.rejection(Phase::One, u32::MAX, file("rejected"), &reason);
    transcript.rejected = vec![one; rejections];
    transcript
}

fn parts(ceremony: &Ceremony, rejections: usize) -> Parts {
    let keys =
        ceremony.circuits.iter().map(|(name, inputs)| ceremony.vk(name, *inputs).forms()).collect();
    Parts::of(&transcript(ceremony, rejections), keys)
}

/// A policy of three full roles, with this ceremony's participants.
fn policy(ceremony: &Ceremony) -> PolicyDocument {
    let long = |i: usize| text(&format!("{i:03}{}", "\"".repeat((Label::MAX_BYTES - 3) / 2)));
    let filler = |role: &str, i: usize| public(&format!("{role}-{i}"));
    let role = |role: &str| {
        let keys = (1..=MAX_KEYS).map(|i| NamedKey { name: long(i), key: filler(role, i) });
        keys.collect::<Vec<_>>()
    };
    let mut document = ceremony.policy();
    document.roles.release.keys = role("release");
    document.roles.auditor.as_mut().unwrap().keys = role("auditor");
    let participants = ceremony.phase1.iter().take(MAX_KEYS).map(|name| ParticipantKey {
        name: text(name),
        key: public(name),
        phases: vec![Phase::One, Phase::Two],
    });
    let threshold = std::num::NonZeroU32::MIN;
    document.minimum_contributions.phase1 = threshold;
    document.minimum_contributions.phase2 = threshold;
    document.roles.participant = Some(Role { threshold, keys: participants.collect() });
    document
}

#[test]
fn every_statement_of_a_ceremony_with_the_longest_texts_is_within_what_key_services_sign() {
    let ceremony = Ceremony::largest(1, 1, 1);
    let transcript = transcript(&ceremony, 1);
    let (phase1, circuit) = (&transcript.phase1, &transcript.circuits[0]);
    let steps = phase1.steps.iter().map(|step| &step.step).chain(&circuit.steps);
    let mut envelopes: Vec<_> =
        steps.map(|step| &step.attested.as_ref().unwrap().envelope).collect();
    envelopes.extend([
        &phase1.start.attestation,
        &phase1.prepared.attestation,
        &circuit.opening,
        &transcript.rejected[0].attestation,
        &transcript.handovers[0].envelope,
    ]);
    let longest = envelopes.iter().map(|envelope| envelope.pae().len()).max().unwrap();
    // The subject's name is a file's name in our attestations, and may be any text in others'.
    let named = longest + Label::MAX_BYTES;
    println!("the longest attestation: {longest} bytes, {named} with the longest subject");
    assert!(named <= MAX_PAE_BYTES, "{named}");
}

#[test]
fn the_statement_about_a_bundle_has_one_size_however_much_there_is() {
    let of = |ceremony: &Ceremony| {
        let parts = parts(ceremony, 0).restate(|p| {
            p.serial = u64::MAX;
            p.predecessor = Some(zk_attest::digest::TranscriptDigest([9; 32]));
        });
        pae(&parts.payload_type, &parts.payload).len()
    };
    let one = of(&Ceremony::largest(1, 1, 1));
    assert_eq!(one, of(&Ceremony::largest(2, MAX_CIRCUITS, 3)));
    assert!(one <= MAX_PAE_BYTES / 3, "{one}");
}

#[test]
fn the_largest_of_everything_is_built_and_verified() {
    assert_eq!(MAX_KEYS * (1 + MAX_CIRCUITS), MAX_CONTRIBUTIONS);
    let ceremony = Ceremony::largest(MAX_KEYS, MAX_CIRCUITS, MAX_PUBLIC_INPUTS);
    let mut parts = parts(&ceremony, MAX_REJECTIONS);
    let document = policy(&ceremony);
    let names = ["release", "auditor"];
    let officers = names.iter().flat_map(|role| (1..=MAX_KEYS).map(move |i| format!("{role}-{i}")));
    let signers: Vec<String> = officers.chain(ceremony.phase1.iter().cloned()).collect();
    assert_eq!(signers.len(), MAX_SIGNATURES);
    parts.sign(&signers.iter().map(String::as_str).collect::<Vec<_>>());
    // Other tools may write longer key ids than ours.
    let mut foreign = parts.clone();
    foreign.signatures.iter_mut().for_each(|(keyid, _)| *keyid = "k".repeat(256));
    let size = foreign.json().len();
    let pinned = document.to_json();
    let begun = std::time::Instant::now();
    let verified = parts.verify(&document).unwrap();
    let took = begun.elapsed();
    println!(
        "transcript {} of {MAX_TRANSCRIPT_BYTES} bytes, bundle {} of {MAX_BUNDLE_BYTES}, policy {} \
         of {MAX_POLICY_BYTES}; verified in {took:.1?}",
        parts.transcript.len(),
        size,
        pinned.len(),
    );
    assert!(parts.transcript.len() <= MAX_TRANSCRIPT_BYTES);
    assert!(size <= MAX_BUNDLE_BYTES);
    assert!(pinned.len() <= MAX_POLICY_BYTES);
    Policy::from_json(&pinned).unwrap();
    let snippet = snippet::text(&verified, Options { arkworks: true }).unwrap();
    println!("snippet {} of {MAX_SNIPPET_BYTES} bytes", snippet.len());
}

#[test]
fn every_extreme_of_the_counts_is_verified() {
    // The largest of all three together is the test above.
    for (participants, circuits) in
        [(1, 1), (1, MAX_CIRCUITS), (MAX_KEYS, 1), (MAX_PARTICIPANTS, 1)]
    {
        for rejections in [0, MAX_REJECTIONS] {
            let ceremony = Ceremony::largest(participants, circuits, 0);
            let signers = ["release-1", "release-2", "auditor-1", &ceremony.phase1[0]];
            let parts = parts(&ceremony, rejections).signed_by(&signers);
            let verified = parts.verify(&policy(&ceremony));
            let refusal = verified.map(drop).err();
            assert_eq!(refusal, None, "{participants} x {circuits}, {rejections} rejected");
        }
    }
}
