//! A ceremony on paper, for tests: keys, attestations, transcripts, statements, policies and
//! bundles, each open to be corrupted before it is signed. Statements and bundles are put together
//! here by hand and not by the library's own `create`, so that every refusal of the verification
//! can be reached with valid signatures. The verifying keys come from arkworks, whose encoding is
//! the one we claim to read.

use std::num::NonZeroU32;

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::PrimeField;
use ark_serialize::{CanonicalSerialize, Compress};
use ed25519_dalek::{Signer, SigningKey};
use zk_attest::amendment::*;
use zk_attest::digest::*;
use zk_attest::envelope::{Envelope, pae};
use zk_attest::error::{Code, Refusal};
use zk_attest::key::PublicKey;
use zk_attest::manifest::*;
use zk_attest::primitives::*;
use zk_attest::statement::*;
use zk_vk_guard::bundle::{Bundle, OnExpiry, VerifiedBundle};
use zk_vk_guard::limits::{MAX_DEPUTIES, MAX_HANDOVERS};
use zk_vk_guard::policy::*;
use zk_vk_guard::transcript::*;
use zk_vk_guard::verifying_key::EncodedVerifyingKey;

pub const NOW: &str = "2026-11-20T12:00:00Z";
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The test key of a person: derived from the name, so that a test can name whom it means.
pub fn person(name: &str) -> SigningKey {
    SigningKey::from_bytes(&sha256(format!("test key of {name}").as_bytes()))
}

pub fn public(name: &str) -> PublicKey {
    PublicKey::from_bytes(person(name).verifying_key().as_bytes()).unwrap()
}

pub fn text(text: &str) -> Label {
    Label::new(text).unwrap()
}

pub fn time(text: &str) -> Timestamp {
    Timestamp::new(text).unwrap()
}

fn wide(label: &str) -> [u8; 64] {
    let mut bytes = [0; 64];
    let first = sha256(label.as_bytes());
    bytes[..32].copy_from_slice(&first);
    bytes[32..].copy_from_slice(&sha256(&first));
    bytes
}

pub fn file(label: &str) -> FileDigest {
    FileDigest::of(label.as_bytes())
}

pub fn challenge(label: &str) -> ChallengeHash {
    ChallengeHash(wide(label))
}

pub fn contribution_hash(label: &str) -> ContributionHash {
    ContributionHash(wide(label))
}

/// A verifying key as points.
#[derive(Clone)]
pub struct Vk {
    pub alpha: G1Affine,
    pub beta: G2Affine,
    pub gamma: G2Affine,
    pub delta: G2Affine,
    pub ic: Vec<G1Affine>,
}

impl Vk {
    pub fn new(label: &str, public_inputs: u32) -> Self {
        let scalar = |what: &str| Fr::from_le_bytes_mod_order(&wide(&format!("{label} {what}")));
        let g1 = |what: &str| (G1Affine::generator() * scalar(what)).into_affine();
        let g2 = |what: &str| (G2Affine::generator() * scalar(what)).into_affine();
        Self {
            alpha: g1("alpha"),
            beta: g2("beta"),
            gamma: G2Affine::generator(),
            delta: g2("delta"),
            ic: Self::distinct(g1("ic"), g1("ic step"), public_inputs as usize + 1),
        }
    }

    /// So many points, each a step from the one before: thousands take no time.
    fn distinct(first: G1Affine, step: G1Affine, count: usize) -> Vec<G1Affine> {
        let points = std::iter::successors(Some(first.into_group()), |point| Some(*point + step));
        G1Projective::normalize_batch(&points.take(count).collect::<Vec<_>>())
    }

    pub fn forms(&self) -> EncodedVerifyingKey {
        let bytes = |mode: Compress| {
            let mut bytes = Vec::new();
            self.alpha.serialize_with_mode(&mut bytes, mode).unwrap();
            for point in [self.beta, self.gamma, self.delta] {
                point.serialize_with_mode(&mut bytes, mode).unwrap();
            }
            self.ic.serialize_with_mode(&mut bytes, mode).unwrap();
            bytes
        };
        EncodedVerifyingKey { compressed: bytes(Compress::Yes), uncompressed: bytes(Compress::No) }
    }
}

/// A ceremony to be.
#[derive(Clone)]
pub struct Ceremony {
    pub id: String,
    pub kind: CeremonyKind,
    pub toml: String,
    pub coordinator: String,
    /// Threshold and names of the deputies.
    pub deputies: Option<(u32, Vec<String>)>,
    /// Who takes over, and who signs for it. The last one makes the steps from phase 1's beacon on.
    pub handovers: Vec<(String, Vec<String>)>,
    pub origin: Origin,
    pub phase1: Vec<String>,
    pub phase2: Vec<String>,
    pub circuits: Vec<(String, u32)>,
    /// What a participant writes about tool, randomness and destruction, where it is not the usual.
    pub words: Option<String>,
    pub beacon: Beacon,
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Ceremony {
    pub fn new(kind: CeremonyKind) -> Self {
        Self {
            id: "boot-2026".into(),
            kind,
            toml: "ceremony.toml".into(),
            coordinator: "coordinator".into(),
            deputies: None,
            handovers: Vec::new(),
            origin: Origin::New,
            phase1: names(&["alice", "bob", "carol"]),
            phase2: names(&["alice", "bob", "carol"]),
            circuits: vec![("attestation".into(), 2)],
            words: None,
            beacon: Self::beacon(),
        }
    }

    /// As much of everything as there may be: participants, circuits, inputs, and the longest
    /// texts.
    pub fn largest(participants: usize, circuits: usize, inputs: u32) -> Self {
        // Quotation marks take two bytes in JSON.
        let long = |head: &str| {
            let room = Label::MAX_BYTES - head.len();
            format!("{head}{}{}", "\"".repeat(room / 2), "x".repeat(room % 2))
        };
        let people: Vec<String> = (0..participants).map(|i| long(&format!("p{i:02}"))).collect();
        let name = |i: usize| format!("c{i:02}{}", "x".repeat(45));
        let deputies: Vec<String> = (0..MAX_DEPUTIES).map(|i| long(&format!("d{i:02}"))).collect();
        let threshold = u32::try_from(MAX_DEPUTIES).unwrap();
        Self {
            id: "i".repeat(64),
            coordinator: long("coordinator"),
            handovers: (0..MAX_HANDOVERS)
                .map(|i| (deputies[i].clone(), deputies.clone()))
                .collect(),
            deputies: Some((threshold, deputies)),
            phase1: people.clone(),
            phase2: people,
            circuits: (0..circuits).map(|i| (name(i), inputs)).collect(),
            words: Some(long("w")),
            beacon: Beacon {
                source: text(&long("b")),
                round: u64::MAX,
                value: BeaconValue::new(&[0xff; 255]).unwrap(),
                signature: None,
                exponent: BeaconExponent::new(30).unwrap(),
            },
            ..Self::new(CeremonyKind::Production)
        }
    }

    fn words(
        &self,
        phase: Phase,
        action: Action,
        index: u32,
        participant: &str,
    ) -> StepAttestation {
        let said = |usual: &str| text(self.words.as_deref().unwrap_or(usual));
        StepAttestation {
            ceremony: CeremonyId::new(&self.id).unwrap(),
            ceremony_toml_sha256: ConfigDigest::of(self.toml.as_bytes()),
            kind: self.kind,
            phase,
            circuit: None,
            action,
            index,
            participant: text(participant),
            input_sha256: None,
            contribution_hash: None,
            beacon: None,
            tool: said("zk-ceremony 0.1.0"),
            build: Some(Build {
                commit: Some(CommitId([0xc0; 20])),
                executable_sha256: Some(file("the program")),
                arithmetic: Arithmetic::new("arithmetic-of-16").unwrap(),
            }),
            entropy: said("the operating system, and dice"),
            destruction: said("the machine was switched off"),
            // The tool's words. Its longest are those of contributions, which have no beacon.
            verified: text("the step before it and phase 1's prepared file"),
            reason: None,
            time: time(NOW),
        }
    }

    pub fn circuit_digest(name: &str) -> CircuitDigest {
        CircuitDigest::of(format!("{name}.r1cs").as_bytes())
    }

    fn label(&self, phase: Phase, circuit: Option<&str>, index: u32, who: &str) -> String {
        format!("{} {} {} {index} {who}", self.id, u8::from(phase), circuit.unwrap_or("-"))
    }

    fn step(
        &self,
        phase: Phase,
        circuit: Option<&str>,
        who: &str,
        index: u32,
        input: FileDigest,
        beacon: Option<Beacon>,
    ) -> Step {
        let label = self.label(phase, circuit, index, who);
        let mut step = Step {
            index,
            name: text(who),
            beacon,
            input_sha256: input,
            file_sha256: file(&label),
            contribution_hash: contribution_hash(&label),
            attested: None,
        };
        self.attest(&mut step, phase, circuit, who);
        step
    }

    /// Signs a step as it stands with `who`'s key.
    pub fn attest(&self, step: &mut Step, phase: Phase, circuit: Option<&str>, who: &str) {
        let words = self.words_of(step, phase, circuit);
        step.attested =
            Some(Attested { key: public(who), envelope: sign_step(&words, step.file_sha256, who) });
    }

    pub fn words_of(&self, step: &Step, phase: Phase, circuit: Option<&str>) -> StepAttestation {
        let action = if step.beacon.is_some() { Action::Beacon } else { Action::Contribution };
        StepAttestation {
            circuit: circuit.map(reference),
            input_sha256: Some(step.input_sha256),
            contribution_hash: Some(step.contribution_hash),
            beacon: step.beacon.clone(),
            ..self.words(phase, action, step.index, step.name.as_str())
        }
    }

    pub fn coordinated(
        &self,
        phase: Phase,
        circuit: Option<&str>,
        action: Action,
        index: u32,
        input: Option<FileDigest>,
        output: FileDigest,
    ) -> Envelope {
        let words = StepAttestation {
            circuit: circuit.map(reference),
            input_sha256: input,
            ..self.words(phase, action, index, &self.coordinator)
        };
        sign_step(&words, output, &self.coordinator)
    }

    pub fn rejection(
        &self,
        phase: Phase,
        index: u32,
        rejected: FileDigest,
        reason: &str,
    ) -> Rejection {
        let words = StepAttestation {
            reason: Some(text(reason)),
            ..self.words(phase, Action::Reject, index, self.acting())
        };
        let attestation = sign_step(&words, rejected, self.acting());
        Rejection {
            phase,
            circuit: None,
            index,
            file_sha256: rejected,
            reason: text(reason),
            attestation,
        }
    }

    pub fn beacon() -> Beacon {
        Beacon {
            source: text("drand, default chain"),
            round: 5_000_000,
            value: BeaconValue::new(&[7; 32]).unwrap(),
            signature: None,
            exponent: BeaconExponent::new(10).unwrap(),
        }
    }

    fn numbered(names: &[String]) -> impl Iterator<Item = (&String, u32)> {
        names.iter().zip(1..)
    }

    pub fn transcript(&self) -> Transcript {
        let start_file = file(&format!("{} start", self.id));
        let start = Phase1Start {
            origin: self.origin,
            file_sha256: start_file,
            challenge: challenge(&format!("{} 0", self.id)),
            attestation: self.coordinated(Phase::One, None, Action::Open, 0, None, start_file),
        };
        let (mut last, mut steps) = (start_file, Vec::new());
        let closing = u32::try_from(self.phase1.len()).unwrap() + 1;
        let mut everyone: Vec<_> =
            Self::numbered(&self.phase1).map(|(who, i)| (who.clone(), i, None)).collect();
        if !everyone.is_empty() {
            everyone.push((self.coordinator.clone(), closing, Some(self.beacon.clone())));
        }
        for (who, index, beacon) in everyone {
            let step = self.step(Phase::One, None, &who, index, last, beacon);
            last = step.file_sha256;
            let [challenge, next_challenge] =
                [index - 1, index].map(|i| challenge(&format!("{} {i}", self.id)));
            steps.push(Phase1Step { challenge, next_challenge, step });
        }
        let prepared_file = file(&format!("{} prepared", self.id));
        let index = u32::try_from(steps.len()).unwrap() + 1;
        let prepared = Prepared {
            input_sha256: last,
            file_sha256: prepared_file,
            attestation: self.coordinated(
                Phase::One,
                None,
                Action::Prepare,
                index,
                Some(last),
                prepared_file,
            ),
        };
        Transcript {
            format: TranscriptFormat::V3,
            ceremony: CeremonyId::new(&self.id).unwrap(),
            kind: self.kind,
            curve: Curve::Bn254,
            ceremony_toml_sha256: ConfigDigest::of(self.toml.as_bytes()),
            coordinator: public(&self.coordinator),
            deputies: self.deputies.as_ref().map(|(threshold, names)| Deputies {
                threshold: NonZeroU32::new(*threshold).unwrap(),
                keys: names.iter().map(|name| public(name)).collect(),
            }),
            handovers: (1..).zip(&self.handovers).map(|(i, it)| self.handover(i, it)).collect(),
            phase1: Phase1 { power: 14, start, steps, prepared },
            circuits: self
                .circuits
                .iter()
                .map(|(name, inputs)| self.circuit(name, *inputs, prepared_file))
                .collect(),
            rejected: Vec::new(),
        }
    }

    /// The key that signs what the coordinator makes at the end.
    fn acting(&self) -> &str {
        self.handovers.last().map_or(&self.coordinator, |(name, _)| name)
    }

    /// A handover after the last contribution to each circuit.
    pub fn amendment(&self, number: u32, to: &str) -> Amendment {
        let (who, index) = Self::numbered(&self.phase2).last().unwrap();
        let head = |(name, _): &(String, u32)| Head {
            circuit: Some(CircuitName::new(name).unwrap()),
            file: file(&self.label(Phase::Two, Some(name), index, who)),
        };
        let prepared = Head { circuit: None, file: file(&format!("{} prepared", self.id)) };
        Amendment {
            ceremony: CeremonyId::new(&self.id).unwrap(),
            ceremony_toml_sha256: ConfigDigest::of(self.toml.as_bytes()),
            kind: self.kind,
            number,
            previous: (number > 1).then(|| AmendmentDigest::of(b"the one before")),
            change: Change::Handover { coordinator: text(to), key: public(to) },
            heads: std::iter::once(prepared).chain(self.circuits.iter().map(head)).collect(),
            reason: text(self.words.as_deref().unwrap_or("the coordinator is ill")),
            time: time(NOW),
        }
    }

    fn handover(&self, number: u32, (to, signers): &(String, Vec<String>)) -> Handover {
        let signers: Vec<&str> = signers.iter().map(String::as_str).collect();
        let envelope = sign_amendment(&self.amendment(number, to), &signers);
        Handover { coordinator: public(to), envelope }
    }

    fn circuit(&self, name: &str, public_inputs: u32, prepared: FileDigest) -> CircuitChain {
        let initial = file(&format!("{} {name} initial", self.id));
        let (mut last, mut steps) = (initial, Vec::new());
        for (who, index) in Self::numbered(&self.phase2) {
            let step = self.step(Phase::Two, Some(name), who, index, last, None);
            last = step.file_sha256;
            steps.push(step);
        }
        let index = u32::try_from(steps.len()).unwrap() + 1;
        steps.push(self.step(
            Phase::Two,
            Some(name),
            self.acting(),
            index,
            last,
            Some(self.beacon.clone()),
        ));
        let forms = self.vk(name, public_inputs).forms();
        CircuitChain {
            name: CircuitName::new(name).unwrap(),
            circuit_sha256: Self::circuit_digest(name),
            public_inputs,
            cs_hash: CsHash(wide(name)),
            initial_sha256: initial,
            opening: self.coordinated(
                Phase::Two,
                Some(name),
                Action::Open,
                0,
                Some(prepared),
                initial,
            ),
            final_sha256: steps.last().unwrap().file_sha256,
            steps,
            vk_sha256: VkDigest::of(&forms.compressed),
            vk_uncompressed_sha256: VkUncompressedDigest::of(&forms.uncompressed),
        }
    }

    pub fn vk(&self, name: &str, public_inputs: u32) -> Vk {
        Vk::new(&format!("{} {name}", self.id), public_inputs)
    }

    pub fn parts(&self) -> Parts {
        let keys =
            self.circuits.iter().map(|(name, inputs)| self.vk(name, *inputs).forms()).collect();
        Parts::of(&self.transcript(), keys)
    }

    /// A bundle in which everything is signed and consistent, about this key instead of the first
    /// circuit's own.
    pub fn parts_of_key(&self, forms: EncodedVerifyingKey) -> Parts {
        let mut transcript = self.transcript();
        transcript.circuits[0].vk_sha256 = VkDigest::of(&forms.compressed);
        transcript.circuits[0].vk_uncompressed_sha256 =
            VkUncompressedDigest::of(&forms.uncompressed);
        let others = self.circuits[1..].iter().map(|(name, inputs)| self.vk(name, *inputs).forms());
        Parts::of(&transcript, [forms].into_iter().chain(others).collect())
    }

    /// A bundle in which everything is signed and consistent, and every circuit has the first one's
    /// key.
    pub fn parts_of_one_key(&self) -> Parts {
        let (name, inputs) = &self.circuits[0];
        let forms = self.vk(name, *inputs).forms();
        let mut transcript = self.transcript();
        for circuit in &mut transcript.circuits {
            circuit.vk_sha256 = VkDigest::of(&forms.compressed);
            circuit.vk_uncompressed_sha256 = VkUncompressedDigest::of(&forms.uncompressed);
        }
        Parts::of(&transcript, vec![forms; self.circuits.len()])
    }

    /// The policy that this ceremony satisfies: 2 of 3 release authorities, 1 of 2 auditors, 1
    /// participant, 3 contributions in each phase.
    pub fn policy(&self) -> PolicyDocument {
        let role = |threshold: u32, names: &[&str]| Role {
            threshold: NonZeroU32::new(threshold).unwrap(),
            keys: names
                .iter()
                .map(|name| NamedKey { name: text(name), key: public(name) })
                .collect(),
        };
        let participants = ["alice", "bob", "carol"].map(|name| ParticipantKey {
            name: text(name),
            key: public(name),
            phases: vec![Phase::One, Phase::Two],
        });
        let three = NonZeroU32::new(3).unwrap();
        PolicyDocument {
            format: PolicyFormat::V2,
            kind: self.kind,
            roles: Roles {
                release: role(2, &["release-1", "release-2", "release-3"]),
                auditor: Some(role(1, &["auditor-1", "auditor-2"])),
                participant: Some(Role { threshold: NonZeroU32::MIN, keys: participants.into() }),
                verifier: None,
            },
            minimum_contributions: MinimumContributions { phase1: three, phase2: three },
            accepted_phase1_starts: Vec::new(),
            circuits: self
                .circuits
                .iter()
                .map(|(name, _)| PolicyCircuit {
                    name: CircuitName::new(name).unwrap(),
                    circuit_sha256: Self::circuit_digest(name),
                })
                .collect(),
            minimum_serial: 1,
            revoked_transcripts: Vec::new(),
            revoked_keys: Vec::new(),
            not_after: None,
            verified_beacons: false,
        }
    }
}

fn reference(name: &str) -> CircuitReference {
    CircuitReference {
        name: CircuitName::new(name).unwrap(),
        circuit_sha256: Ceremony::circuit_digest(name),
    }
}

pub fn sign_step(words: &StepAttestation, output: FileDigest, who: &str) -> Envelope {
    let stem = match words.action {
        Action::Beacon => "final".to_owned(),
        Action::Prepare => "prepared".to_owned(),
        _ => format!("{:04}", words.index),
    };
    let name = match (words.action, &words.circuit) {
        (Action::Reject, _) => stem,
        (_, None) => format!("{stem}.ptau"),
        (_, Some(_)) => format!("{stem}.zkey"),
    };
    let statement = Statement {
        subject: vec![Subject::new(&name, output.as_bytes()).unwrap()],
        predicate: words.clone(),
    };
    let mut envelope = statement.to_envelope().unwrap();
    envelope.add_signature(&public(who), &person(who).sign(&envelope.pae()).to_bytes()).unwrap();
    envelope
}

/// An amendment, signed by these.
pub fn sign_amendment(said: &Amendment, signers: &[&str]) -> Envelope {
    sign_amendment_of(said, said.ceremony_toml_sha256, signers)
}

/// The same with another subject.
pub fn sign_amendment_of(said: &Amendment, digest: ConfigDigest, signers: &[&str]) -> Envelope {
    let statement = Statement {
        subject: vec![Subject::new(AMENDMENT_SUBJECT, digest.as_bytes()).unwrap()],
        predicate: said.clone(),
    };
    let mut envelope = statement.to_envelope().unwrap();
    for who in signers {
        let signature = person(who).sign(&envelope.pae()).to_bytes();
        envelope.add_signature(&public(who), &signature).unwrap();
    }
    envelope
}

/// A bundle in parts.
#[derive(Clone)]
pub struct Parts {
    pub payload_type: String,
    pub payload: Vec<u8>,
    pub signatures: Vec<(String, Vec<u8>)>,
    pub manifest: Vec<u8>,
    pub keys: Vec<(String, EncodedVerifyingKey)>,
    pub transcript: Vec<u8>,
}

pub const SIGNERS: [&str; 4] = ["release-1", "release-2", "auditor-1", "alice"];

impl Parts {
    /// An honest statement about a transcript, signed by [`SIGNERS`].
    pub fn of(transcript: &Transcript, forms: Vec<EncodedVerifyingKey>) -> Self {
        let count = |steps: &[Step]| u32::try_from(contributions(steps).count()).unwrap();
        let phase1: Vec<Step> =
            transcript.phase1.steps.iter().map(|step| step.step.clone()).collect();
        let circuits = transcript.circuits.iter().map(|circuit| CircuitProvenance {
            name: circuit.name.clone(),
            program_id: text(&format!("{} v1", circuit.name)),
            program_rule: ProgramRule::Id,
            program_hash: ProgramHash::of_id(&format!("{} v1", circuit.name)),
            circuit_sha256: circuit.circuit_sha256,
            vk_sha256: circuit.vk_sha256,
            vk_uncompressed_sha256: circuit.vk_uncompressed_sha256,
            public_inputs: circuit.public_inputs,
            contributions: count(&circuit.steps),
        });
        let provenance = Provenance {
            ceremony: transcript.ceremony.clone(),
            kind: transcript.kind,
            curve: transcript.curve,
            proof_system: ProofSystem::Groth16,
            serial: 7,
            issued: time(NOW),
            not_after: time("2036-01-01T00:00:00Z"),
            predecessor: None,
        };
        let manifest = Manifest {
            format: ManifestFormat::V1,
            phase1_contributions: count(&phase1),
            circuits: circuits.collect(),
        };
        let keys =
            transcript.circuits.iter().map(|circuit| circuit.name.to_string()).zip(forms).collect();
        let mut parts = Self {
            payload_type: PAYLOAD_TYPE.into(),
            payload: Vec::new(),
            signatures: Vec::new(),
            manifest: manifest.to_json(),
            keys,
            transcript: transcript.to_json(),
        };
        parts.state(&provenance);
        parts
    }

    /// States `provenance` about manifest and transcript as they are, and signs it again.
    pub fn state(&mut self, provenance: &Provenance) {
        let subject = [
            ("manifest.json", *ManifestDigest::of(&self.manifest).as_bytes()),
            ("transcript.json", *TranscriptDigest::of(&self.transcript).as_bytes()),
        ];
        let subject = subject.map(|(name, digest)| Subject::new(name, &digest).unwrap()).into();
        self.payload = Statement { subject, predicate: provenance.clone() }.to_payload();
        self.sign(&SIGNERS);
    }

    pub fn manifest(&self) -> Manifest {
        Manifest::from_json(&self.manifest).unwrap()
    }

    /// Changes the manifest, and signs a statement about the result.
    pub fn relist(mut self, edit: impl FnOnce(&mut Manifest)) -> Self {
        let mut manifest = self.manifest();
        edit(&mut manifest);
        self.manifest = manifest.to_json();
        self.restate(|_| ())
    }

    /// Replaces the manifest's text, and signs a statement about the result.
    pub fn rewrite(mut self, edit: impl FnOnce(String) -> String) -> Self {
        self.manifest = edit(String::from_utf8(self.manifest).unwrap()).into_bytes();
        self.restate(|_| ())
    }

    pub fn provenance(&self) -> Provenance {
        Statement::from_payload(&self.payload).unwrap().predicate
    }

    /// Changes the statement and signs the result.
    pub fn restate(mut self, edit: impl FnOnce(&mut Provenance)) -> Self {
        let mut provenance = self.provenance();
        edit(&mut provenance);
        self.state(&provenance);
        self
    }

    /// Replaces the payload's text and signs the result.
    pub fn repay(mut self, edit: impl FnOnce(String) -> String) -> Self {
        self.payload = edit(String::from_utf8(self.payload).unwrap()).into_bytes();
        self.sign(&SIGNERS);
        self
    }

    pub fn sign(&mut self, who: &[&str]) {
        let message = pae(&self.payload_type, &self.payload);
        self.signatures = who
            .iter()
            .map(|who| {
                (public(who).key_id().to_string(), person(who).sign(&message).to_bytes().to_vec())
            })
            .collect();
    }

    pub fn signed_by(mut self, who: &[&str]) -> Self {
        self.sign(who);
        self
    }

    pub fn json(&self) -> Vec<u8> {
        let base64 = |bytes: &[u8]| base64_standard(bytes);
        let signatures: Vec<String> = self
            .signatures
            .iter()
            .map(|(keyid, sig)| format!(r#"{{"keyid":"{keyid}","sig":"{}"}}"#, base64(sig)))
            .collect();
        let keys: Vec<String> = self
            .keys
            .iter()
            .map(|(name, forms)| {
                format!(
                    r#"{{"circuit":"{name}","key":{{"compressed":"{}","uncompressed":"{}"}}}}"#,
                    base64(&forms.compressed),
                    base64(&forms.uncompressed)
                )
            })
            .collect();
        let envelope = format!(
            r#"{{"payload":"{}","payloadType":"{}","signatures":[{}]}}"#,
            base64(&self.payload),
            self.payload_type,
            signatures.join(",")
        );
        format!(
            "{{\"format\":\"zk-ceremony-bundle/2\",\"envelope\":{envelope},\"manifest\":\"{}\",\
             \"verifying_keys\":[{}],\"transcript\":\"{}\"}}\n",
            base64(&self.manifest),
            keys.join(","),
            base64(&self.transcript)
        )
        .into_bytes()
    }

    pub fn bundle(&self) -> Result<Bundle, Refusal> {
        Bundle::from_json(&self.json())
    }

    pub fn verify(&self, policy: &PolicyDocument) -> Result<VerifiedBundle, Refusal> {
        self.bundle()?.verify(&Policy::from_json(&policy.to_json())?, &time(NOW), OnExpiry::Refuse)
    }

    #[track_caller]
    pub fn is_refused(&self, policy: &PolicyDocument, code: Code) -> Refusal {
        let refusal = self.verify(policy).expect_err("this must be refused");
        assert_eq!(refusal.code(), code, "{refusal}");
        assert!(!refusal.hint_text().is_empty());
        refusal
    }
}

/// Base64 of the tests' own, so that the reader under test is not checked against its own writer.
pub fn base64_standard(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks(3)
        .flat_map(|three| {
            let word = three.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte))
                << (8 * (3 - three.len()));
            (0..4).map(move |i| {
                if i <= three.len() {
                    char::from(ALPHABET[(word >> (18 - 6 * i)) as usize & 63])
                } else {
                    '='
                }
            })
        })
        .collect()
}
