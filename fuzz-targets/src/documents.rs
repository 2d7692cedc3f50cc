//! JSON documents and the snippet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use ark_serialize::CanonicalSerialize as _;
use ceremony_core::format::proof::{
    ProofEncoding, proof_digest, read_claims, read_inputs, read_proof,
};
use ceremony_core::format::verification_key::{read_verification_key, write_verification_key};
use ceremony_core::keygen::check_verifying_key;
use ceremony_core::phase1::parts::{PartSums, Plan, combine};
use ceremony_core::phase1::verify::Expectations;
use ceremony_core::progress::NoProgress;
use ceremony_folder::audit::{AuditFailure, AuditResult};
use ceremony_folder::commitment::Commitment;
use ceremony_folder::enrolment::Enrolment;
use ceremony_folder::journal::{JournalHead, read_entries};
use ceremony_folder::parts::{PlanDocument, PtauPart, PtauPlan, part_of_plan};
use ceremony_folder::service::{Appointment, Receipt};
use ceremony_folder::{Config, StepVerdict};
use zk_attest::amendment::Amendment;
use zk_attest::digest::FileDigest;
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::Timestamp;
use zk_attest::statement::{Predicate, Provenance, Statement, StepAttestation};
use zk_vk_guard::bundle::Bundle;
use zk_vk_guard::policy::{Policy, RoleKey};
use zk_vk_guard::snippet::serial_of;
use zk_vk_guard::transcript::CheckedTranscript;

const TRANSCRIPT: &[u8] = include_bytes!("../../fuzz/seeds/transcript/good-external.json");
const PLAN: &[u8] = include_bytes!("../../fuzz/seeds/ptau_plan/good-prepared.json");
const PARTS: [&[u8]; 2] = [
    include_bytes!("../../fuzz/seeds/ptau_part/good-1-of-2.json"),
    include_bytes!("../../fuzz/seeds/ptau_part/good-2-of-2.json"),
];

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

/// The plan of a small file, and its parts, which are those of the seeds.
struct Planned {
    plan: Plan,
    sums: BTreeMap<u32, PartSums>,
}

static PLANNED: LazyLock<Planned> = LazyLock::new(|| {
    let document = PlanDocument::from_json(PLAN).expect("a good plan");
    let (plan, _) = document.plan().expect("a good plan");
    let part = |bytes: &&[u8]| {
        let envelope = Envelope::from_json(bytes).expect("a good part");
        part_of_plan(&plan, &envelope).expect("a good part")
    };
    let sums = PARTS.iter().map(part).collect();
    Planned { plan, sums }
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

/// A statement is accepted in its one encoding, and as one kind of statement.
pub fn statement(data: &[u8]) -> bool {
    fn read<P: Predicate + Clone>(data: &[u8]) -> Option<Vec<u8>> {
        Statement::<P>::from_payload(data).ok().map(|statement| statement.to_payload())
    }
    let readings = [
        read::<Provenance>(data),
        read::<StepAttestation>(data),
        read::<Amendment>(data),
        read::<Enrolment>(data),
        read::<Commitment>(data),
        read::<StepVerdict>(data),
        read::<AuditResult>(data),
        read::<AuditFailure>(data),
        read::<Appointment>(data),
        read::<Receipt>(data),
        read::<JournalHead>(data),
        read::<PtauPlan>(data),
        read::<PtauPart>(data),
    ];
    let mut readings = readings.into_iter().flatten();
    let Some(payload) = readings.next() else { return false };
    assert!(payload == data, "what is accepted is its own encoding");
    assert!(readings.next().is_none(), "a statement has one meaning");
    true
}

/// A journal is accepted in its one encoding, each line held to the one before, and read in two
/// parts it says the same.
pub fn journal(data: &[u8]) -> bool {
    let path = Path::new("journal.jsonl");
    let before = FileDigest::of(b"");
    let Ok(entries) = read_entries(path, data, 0, before) else { return false };
    let mut written = Vec::new();
    let mut previous = before;
    for (number, recorded) in (0_u64..).zip(&entries) {
        assert_eq!((recorded.entry.number, recorded.entry.previous), (number, previous));
        let line = zk_attest::json::encode(&recorded.entry);
        previous = FileDigest::of(&line);
        assert_eq!(recorded.sha256, previous);
        written.extend_from_slice(&line);
        written.push(b'\n');
    }
    assert!(written == data, "what is accepted is its own encoding");
    if let Some(first) = entries.first() {
        let end = data.iter().position(|byte| *byte == b'\n').expect("a whole line") + 1;
        let rest = read_entries(path, &data[end..], 1, first.sha256).expect("the rest of it");
        assert_eq!(rest, entries[1..]);
        assert!(rest.is_empty() || read_entries(path, &data[end..], 0, before).is_err());
    }
    !entries.is_empty()
}

/// A plan is accepted in its one encoding, and is the one that its envelope names. The parts of
/// another plan do not make it hold.
pub fn ptau_plan(data: &[u8]) -> bool {
    let Ok(document) = PlanDocument::from_json(data) else { return false };
    assert!(document.to_json() == data, "what is accepted is its own encoding");
    let Ok((plan, _)) = document.plan() else { return false };
    let said = Statement::<PtauPlan>::from_payload(document.envelope.payload())
        .expect("it was read before");
    assert_eq!(
        (said.predicate.plan.0, said.predicate.parts),
        (plan.digest(), plan.content().parts)
    );
    let again = Plan::new(plan.content().clone()).expect("it was made before");
    assert_eq!(again.digest(), plan.digest());
    let parts = plan.content().parts;
    assert!(plan.part(0).is_none() && plan.part(parts + 1).is_none() && plan.part(parts).is_some());
    let verified = combine(&plan, &PLANNED.sums, &Expectations::default(), &NoProgress).is_ok();
    // Weighted sums of Lagrange points are those of one plan.
    let is_the_seeds = plan.digest() == PLANNED.plan.digest();
    assert!(!verified || plan.content().ends.is_none() || is_the_seeds, "parts of another plan");
    true
}

/// A part is one of the plan's, and its sums are judged whatever they are: those of the seeds
/// verify together, and do not once one is another part's.
pub fn ptau_part(data: &[u8]) -> bool {
    let Planned { plan, sums } = &*PLANNED;
    let Ok(envelope) = Envelope::from_json(data) else { return false };
    let Ok((number, found)) = part_of_plan(plan, &envelope) else { return false };
    let said = Statement::<PtauPart>::from_payload(envelope.payload()).expect("it was read before");
    assert!(said.to_payload() == envelope.payload(), "what is accepted is its own encoding");
    assert!(plan.part(number).is_some(), "a part that the plan does not have");
    let is_the_seeds = sums.get(&number) == Some(&found);
    let all = sums.clone().into_iter().chain([(number, found.clone())]).collect();
    let verified = combine(plan, &all, &Expectations::default(), &NoProgress).is_ok();
    assert!(verified || !is_the_seeds, "the parts of the seeds are good");
    let twice = sums.iter().any(|(of, sums)| *of != number && *sums == found);
    assert!(!(verified && twice), "the sums of one part stand for another's");
    true
}

/// What is found in a contract has whole keys, and is judged; a comment at its end changes nothing.
pub fn deployed(data: &[u8]) -> bool {
    let Ok(found) = zk_embed::deployed::read(data) else { return false };
    assert!(!found.verifiers.is_empty(), "nothing was found, and called something");
    for verifier in &found.verifiers {
        let _ = zk_embed::deployed::judge(verifier, None);
        if let zk_embed::deployed::DeployedKey::Whole(key) = &verifier.key {
            assert!(!key.gamma_abc_g1.is_empty(), "a key without input points");
            assert!(key.delta_g2.is_on_curve() && key.alpha_g1.is_on_curve());
        }
    }
    true
}

/// A proof and its inputs have one digest each, whatever they are written in, and arkworks' bytes
/// are read in one spelling only.
pub fn proof(data: &[u8]) -> bool {
    let of_bytes = read_proof(data, ProofEncoding::Arkworks);
    if let Ok(proof) = &of_bytes {
        let (mut compressed, mut uncompressed) = (Vec::new(), Vec::new());
        proof.serialize_compressed(&mut compressed).expect("memory takes it");
        proof.serialize_uncompressed(&mut uncompressed).expect("memory takes it");
        assert!(data == compressed || data == uncompressed, "a second spelling");
        for again in [compressed, uncompressed] {
            let again = read_proof(&again, ProofEncoding::Arkworks).expect("it was just written");
            assert_eq!(proof_digest(&again), proof_digest(proof));
        }
    }
    let inputs = read_inputs(data, ProofEncoding::Arkworks);
    if let Ok(inputs) = &inputs {
        assert_eq!(data.len(), 8 + 32 * inputs.len(), "inputs of another length");
    }
    let claims = read_claims(data);
    let as_json = read_proof(data, ProofEncoding::Snarkjs);
    let listed = read_inputs(data, ProofEncoding::Snarkjs);
    assert!(claims.is_err() || as_json.is_err(), "one document, two meanings");
    of_bytes.is_ok() || inputs.is_ok() || claims.is_ok() || as_json.is_ok() || listed.is_ok()
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
