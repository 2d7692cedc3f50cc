//! The transcript: one canonical document of a ceremony's whole chain, and the checks that need
//! nothing else.
//!
//! ```text
//! phase 1   start -> step 1 -> ... -> step n (beacon) -> prepared file
//! phase 2   prepared file -> initial key -> step 1 -> ... -> step m (beacon) = final key
//!           final key -> verifying key                                        (for each circuit)
//! ```
//!
//! [`CheckedTranscript`] proves about a document that
//! 1. it is in canonical form, with the right parts in the right order;
//! 2. each step's input is the file before it, in phase 1 each challenge is the one that the step
//!    before left, and no file, challenge or contribution is in the chain twice;
//! 3. every attestation verifies under the key that comes with it, and says exactly what its step
//!    says;
//! 4. openings, beacons, preparation and rejections are attested by the coordinator's key, or by
//!    that of a deputy who took over as the deputies' rule says, so that no one else added or
//!    dropped a step;
//! 5. a step whose signed name is that of a second or later attempt at its place comes with the
//!    rejections of all attempts before it, and no beacon has the value of a rejected one.
//!
//! It does not prove the mathematics: that a file multiplies the one before it by a known secret is
//! checked by the ceremony's verification, which alone writes this document, and by the auditors
//! who sign the statement. What it adds: every reader of the document can count the contributions
//! by distinct participants' keys, and need not trust a stated number.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use zk_attest::amendment::{AMENDMENT_SUBJECT, Amendment, Change, Deputies, Head};
use zk_attest::attestation::{CeremonyFacts, StepFacts};
use zk_attest::digest::{
    ChallengeHash, CircuitDigest, ConfigDigest, ContributionHash, CsHash, FileDigest,
    TranscriptDigest, VkDigest, VkUncompressedDigest,
};
use zk_attest::document_format;
use zk_attest::envelope::Envelope;
use zk_attest::error::{Code, Refusal, Result};
use zk_attest::json;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{Beacon, CeremonyId, CeremonyKind, CircuitName, Curve, Label};
use zk_attest::statement::{Action, CircuitReference, Phase, Statement, StepAttestation};

pub use crate::limits::MAX_TRANSCRIPT_BYTES;
use crate::limits::{MAX_DEPUTIES, MAX_HANDOVERS};

document_format!(
    /// The version of the document.
    TranscriptFormat,
    V3 = "zk-ceremony-transcript/3",
    "write it again with `ceremony verify`"
);

/// The document, as it was read. Trust it only through [`CheckedTranscript`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcript {
    /// The version of the document.
    pub format: TranscriptFormat,
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// What it is for.
    pub kind: CeremonyKind,
    /// The curve.
    pub curve: Curve,
    /// SHA-256 of ceremony.toml.
    pub ceremony_toml_sha256: ConfigDigest,
    /// The key that attests openings, beacons, preparation and rejections.
    pub coordinator: PublicKey,
    /// Who may take over from the coordinator.
    pub deputies: Option<Deputies>,
    /// Who took over, in that order.
    pub handovers: Vec<Handover>,
    /// Phase 1.
    pub phase1: Phase1,
    /// Phase 2 of each circuit, by rising name.
    pub circuits: Vec<CircuitChain>,
    /// Files that were taken out of the chain.
    pub rejected: Vec<Rejection>,
}

/// A deputy, or the first coordinator again, took over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// The key that attests the coordinator's steps from then on.
    pub coordinator: PublicKey,
    /// The signed amendment, with the signatures that count.
    pub envelope: Envelope,
}

/// The powers of tau.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase1 {
    /// The power: 2^power is the largest domain.
    pub power: u8,
    /// What the chain starts from.
    pub start: Phase1Start,
    /// Contributions, then the beacon. May be empty where the start is external.
    pub steps: Vec<Phase1Step>,
    /// The prepared file.
    pub prepared: Prepared,
}

/// The start of phase 1, attested by the coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase1Start {
    /// New, or another ceremony.
    pub origin: Origin,
    /// SHA-256 of the .ptau file.
    pub file_sha256: FileDigest,
    /// The challenge that the first step answers.
    pub challenge: ChallengeHash,
    /// The opening.
    pub attestation: Envelope,
}

/// Where a phase 1 comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The generators: all randomness is this ceremony's own.
    New,
    /// An existing .ptau: its contributions are not ours to attest, and the policy names its
    /// digest.
    External,
}

/// One step of phase 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase1Step {
    /// The challenge that it answers.
    pub challenge: ChallengeHash,
    /// The challenge that it leaves.
    pub next_challenge: ChallengeHash,
    /// What it has in common with a step of phase 2.
    pub step: Step,
}

/// A contribution or a beacon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// 1, 2, ...
    pub index: u32,
    /// The contributor's name, for display.
    pub name: Label,
    /// The beacon's parameters; none for a contribution.
    pub beacon: Option<Beacon>,
    /// SHA-256 of the file that the step started from.
    pub input_sha256: FileDigest,
    /// SHA-256 of the file that it wrote.
    pub file_sha256: FileDigest,
    /// Phase 1: the response hash. Phase 2: the contribution hash.
    pub contribution_hash: ContributionHash,
    /// Who vouches for it. A contribution that is not attested is part of the chain but never
    /// counts.
    pub attested: Option<Attested>,
}

/// An attestation with the key that it is to be verified under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attested {
    /// The key.
    pub key: PublicKey,
    /// The signed statement.
    pub envelope: Envelope,
}

/// The prepared phase-1 file, from which every circuit starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prepared {
    /// SHA-256 of the closed phase-1 file.
    pub input_sha256: FileDigest,
    /// SHA-256 of the prepared file; the same as the input where an external start came prepared.
    pub file_sha256: FileDigest,
    /// The coordinator's attestation.
    pub attestation: Envelope,
}

/// Phase 2 of one circuit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CircuitChain {
    /// Name.
    pub name: CircuitName,
    /// SHA-256 of the .r1cs file.
    pub circuit_sha256: CircuitDigest,
    /// Number of public inputs.
    pub public_inputs: u32,
    /// BLAKE2b-512 over the initial parameters.
    pub cs_hash: CsHash,
    /// SHA-256 of the initial .zkey.
    pub initial_sha256: FileDigest,
    /// The coordinator's attestation of it.
    pub opening: Envelope,
    /// Contributions, then the beacon.
    pub steps: Vec<Step>,
    /// SHA-256 of the final .zkey: the beacon's file.
    pub final_sha256: FileDigest,
    /// SHA-256 of the verifying key, canonical compressed.
    pub vk_sha256: VkDigest,
    /// SHA-256 of the verifying key, canonical uncompressed.
    pub vk_uncompressed_sha256: VkUncompressedDigest,
}

/// A file that the coordinator took out of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejection {
    /// The phase.
    pub phase: Phase,
    /// The circuit, in phase 2.
    pub circuit: Option<CircuitName>,
    /// The number that the file claimed.
    pub index: u32,
    /// SHA-256 of the file.
    pub file_sha256: FileDigest,
    /// Why.
    pub reason: Label,
    /// The coordinator's attestation.
    pub attestation: Envelope,
}

impl Transcript {
    /// The canonical bytes: transcript.json.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        json::encode(self)
    }

    /// The beacons that closed its chains, each with the chain's name.
    pub fn beacons(&self) -> impl Iterator<Item = (String, &Beacon)> {
        let phase1 = self.phase1.steps.iter().map(|step| ("phase 1".to_owned(), &step.step));
        let circuits = self.circuits.iter().flat_map(|circuit| {
            circuit.steps.iter().map(|step| (format!("circuit {}", circuit.name), step))
        });
        phase1.chain(circuits).filter_map(|(place, step)| Some((place, step.beacon.as_ref()?)))
    }

    /// The chain of a circuit.
    #[must_use]
    pub fn circuit(&self, name: &CircuitName) -> Option<&CircuitChain> {
        self.circuits.iter().find(|circuit| &circuit.name == name)
    }
}

impl CircuitChain {
    /// The circuit, as attestations name it.
    #[must_use]
    pub fn reference(&self) -> CircuitReference {
        CircuitReference { name: self.name.clone(), circuit_sha256: self.circuit_sha256 }
    }
}

/// Steps that are contributions, not beacons.
pub fn contributions<'a>(
    steps: impl IntoIterator<Item = &'a Step>,
) -> impl Iterator<Item = &'a Step> {
    steps.into_iter().filter(|step| step.beacon.is_none())
}

/// A transcript whose document passed the checks of the module's documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedTranscript {
    transcript: Transcript,
    digest: TranscriptDigest,
    bytes: Vec<u8>,
}

impl CheckedTranscript {
    /// Reads and checks the document.
    ///
    /// # Errors
    /// `malformed`, `too-large`, `not-canonical`; `chain-broken` where steps do not follow one
    /// another; `attestation-invalid` where a signature does not verify or says something else.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let transcript: Transcript =
            json::parse_canonical(bytes, MAX_TRANSCRIPT_BYTES, "transcript")?;
        Chain {
            transcript: &transcript,
            handovers: Vec::new(),
            rejected: BTreeMap::new(),
            files: BTreeSet::new(),
            hashes: BTreeSet::new(),
            challenges: BTreeSet::new(),
        }
        .check()?;
        Ok(Self { transcript, digest: TranscriptDigest::of(bytes), bytes: bytes.into() })
    }

    /// What it says.
    #[must_use]
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// The transcript hash.
    #[must_use]
    pub fn digest(&self) -> TranscriptDigest {
        self.digest
    }

    /// The document.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Distinct keys that vouch for a contribution to phase 1.
    #[must_use]
    pub fn phase1_contributors(&self) -> BTreeSet<PublicKey> {
        contributors(self.transcript.phase1.steps.iter().map(|step| &step.step))
    }

    /// Distinct keys that vouch for a contribution to a circuit's phase 2.
    #[must_use]
    pub fn phase2_contributors(&self, circuit: &CircuitName) -> BTreeSet<PublicKey> {
        contributors(
            self.transcript.circuit(circuit).into_iter().flat_map(|circuit| &circuit.steps),
        )
    }
}

fn contributors<'a>(steps: impl IntoIterator<Item = &'a Step>) -> BTreeSet<PublicKey> {
    contributions(steps)
        .filter_map(|step| step.attested.as_ref())
        .map(|attested| attested.key)
        .collect()
}

/// A walk along a chain, with what it has seen so far.
struct Chain<'a> {
    transcript: &'a Transcript,
    /// Who took over, with the last step of each chain that there was then.
    handovers: Vec<(PublicKey, Vec<Head>)>,
    /// What each rejected file was made from, as the rejection says.
    rejected: BTreeMap<FileDigest, Option<FileDigest>>,
    files: BTreeSet<FileDigest>,
    hashes: BTreeSet<ContributionHash>,
    challenges: BTreeSet<ChallengeHash>,
}

/// The coordinators along one chain, each from the step on that was its last one when they took
/// over.
struct Acting {
    first: PublicKey,
    /// Who took over after which file of the chain. None: the chain had not begun.
    later: Vec<(PublicKey, Option<FileDigest>)>,
    passed: usize,
    files: BTreeSet<FileDigest>,
}

impl Acting {
    /// The one who makes the coordinator's next step.
    fn key(&self) -> &PublicKey {
        match self.passed {
            0 => &self.first,
            passed => &self.later[passed - 1].0,
        }
    }

    fn everybody(&self) -> impl Iterator<Item = &PublicKey> {
        std::iter::once(&self.first).chain(self.later.iter().map(|(key, _)| key))
    }

    /// A file was added to the chain.
    fn pass(&mut self, file: FileDigest) {
        self.files.insert(file);
        self.look();
    }

    fn look(&mut self) {
        let passed = |(_, head): &&(PublicKey, Option<FileDigest>)| {
            head.is_none_or(|head| self.files.contains(&head))
        };
        self.passed += self.later[self.passed..].iter().take_while(passed).count();
    }
}

impl<'a> Chain<'a> {
    fn check(mut self) -> Result<()> {
        self.handovers().map_err(|refusal| refusal.within("handovers"))?;
        for rejection in &self.transcript.rejected {
            let input = said(&rejection.attestation)?.1.input_sha256;
            self.rejected.insert(rejection.file_sha256, input);
        }
        let phase1 = &self.transcript.phase1;
        self.phase1(phase1).map_err(|refusal| refusal.within("phase 1"))?;
        let circuits = &self.transcript.circuits;
        if circuits.is_empty() {
            return Err(broken("the transcript has no circuit"));
        }
        let modules: Vec<String> = circuits.iter().map(|circuit| circuit.name.module()).collect();
        if !modules.is_sorted_by(|a, b| a < b) {
            return Err(broken("circuits are not in rising order of their names, each name once")
                .found(modules.join(", ")));
        }
        for circuit in circuits {
            self.phase2(circuit, phase1.prepared.file_sha256)
                .map_err(|refusal| refusal.within(format_args!("circuit {}", circuit.name)))?;
        }
        for rejection in &self.transcript.rejected {
            self.rejection(rejection).map_err(|refusal| {
                refusal.within(format_args!("rejected file {}", rejection.file_sha256))
            })?;
        }
        let steps = phase1.steps.iter().map(|step| (&step.step, None));
        let of = |circuit: &'a CircuitChain| {
            circuit.steps.iter().map(move |step| (step, Some(&circuit.name)))
        };
        for (step, circuit) in steps.chain(circuits.iter().flat_map(of)) {
            self.attempt(step, circuit).map_err(|refusal| {
                let chain = circuit.map_or("phase 1".into(), |name| format!("circuit {name}"));
                refusal.within(chain)
            })?;
        }
        Ok(())
    }

    /// Everyone who took over was asked to by those who may ask.
    fn handovers(&mut self) -> Result<()> {
        let Transcript { coordinator, deputies, handovers, .. } = self.transcript;
        if let Some(deputies) = deputies {
            let distinct: BTreeSet<&PublicKey> = deputies.keys.iter().collect();
            if distinct.len() != deputies.keys.len()
                || distinct.len() > MAX_DEPUTIES
                || distinct.contains(coordinator)
                || deputies.threshold.get() as usize > distinct.len()
            {
                return Err(broken("the rule of the deputies is not sound").found(format_args!(
                    "threshold {}, {} keys",
                    deputies.threshold,
                    deputies.keys.len()
                )));
            }
        }
        if handovers.len() > MAX_HANDOVERS {
            return Err(broken("too many handovers")
                .found(handovers.len())
                .expected(format_args!("at most {MAX_HANDOVERS}")));
        }
        let deputy_keys = || deputies.iter().flat_map(|deputies| &deputies.keys);
        let (mut acting, mut number) = (coordinator, 0);
        for handover in handovers {
            let key = &handover.coordinator;
            let said = self.handover(&handover.envelope)?;
            let hands_over = matches!(&said.change, Change::Handover { key: to, .. } if to == key);
            let may = key != acting && (key == coordinator || deputy_keys().any(|it| it == key));
            if !hands_over || !may || said.number <= number {
                return Err(unattested(
                    "handover",
                    "the amendment does not make this deputy the coordinator",
                )
                .found(key));
            }
            let signers = handover.envelope.signers(deputy_keys().chain([acting, key]));
            said.authorised(&signers, acting, deputies.as_ref())?;
            (acting, number) = (key, said.number);
            self.handovers.push((*key, said.heads));
        }
        Ok(())
    }

    /// The coordinators along a chain.
    fn acting(&self, circuit: Option<&CircuitName>) -> Acting {
        let standing = |mut head: Option<FileDigest>| {
            // What was made after a rejected step was made after what that one was built on.
            for _ in 0..self.rejected.len() {
                match head.and_then(|head| self.rejected.get(&head)) {
                    Some(input) => head = *input,
                    None => break,
                }
            }
            head
        };
        let from = |(key, heads): &(PublicKey, Vec<Head>)| {
            let head = heads.iter().find(|head| head.circuit.as_ref() == circuit);
            (*key, standing(head.map(|head| head.file)))
        };
        let mut acting = Acting {
            first: self.transcript.coordinator,
            later: self.handovers.iter().map(from).collect(),
            passed: 0,
            files: BTreeSet::new(),
        };
        acting.look();
        acting
    }

    /// An amendment of this ceremony.
    fn handover(&self, envelope: &Envelope) -> Result<Amendment> {
        let Statement { subject, predicate: said } =
            Statement::<Amendment>::from_payload(envelope.payload())?;
        let Transcript { ceremony, ceremony_toml_sha256, kind, .. } = self.transcript;
        let is_ours = said.ceremony == *ceremony
            && said.ceremony_toml_sha256 == *ceremony_toml_sha256
            && said.kind == *kind
            && matches!(subject.as_slice(), [it] if it.name.as_str() == AMENDMENT_SUBJECT
                && it.digest.sha256.0 == ceremony_toml_sha256.0);
        if is_ours {
            return Ok(said);
        }
        Err(unattested("handover", "the amendment is of another ceremony").found(said.ceremony))
    }

    fn phase1(&mut self, phase: &'a Phase1) -> Result<()> {
        if !(1..=28).contains(&phase.power) {
            return Err(broken("the power is out of range").found(phase.power).expected("1 to 28"));
        }
        let start = &phase.start;
        let mut acting = self.acting(None);
        self.new_file(start.file_sha256, "start")?;
        self.new_challenge(start.challenge, "start")?;
        self.coordinated(
            acting.key(),
            &start.attestation,
            "start",
            &StepFacts::by_coordinator(Phase::One, None, Action::Open, 0, None, start.file_sha256),
        )?;
        if start.origin == Origin::New || !phase.steps.is_empty() {
            ends_with_its_only_beacon(
                phase.steps.iter().map(|step| &step.step),
                start.origin == Origin::New,
            )?;
        }
        acting.pass(start.file_sha256);
        let (mut file, mut challenge) = (start.file_sha256, start.challenge);
        for (step, index) in phase.steps.iter().zip(1..) {
            if step.challenge != challenge {
                return Err(broken(format_args!(
                    "step {index} does not build on the published challenge"
                ))
                .found(step.challenge)
                .expected(challenge));
            }
            self.new_challenge(step.next_challenge, "step")?;
            self.step(&step.step, index, None, file, acting.key())?;
            acting.pass(step.step.file_sha256);
            (file, challenge) = (step.step.file_sha256, step.next_challenge);
        }
        let prepared = &phase.prepared;
        linked(prepared.input_sha256, file, "the prepared file")?;
        if prepared.file_sha256 != prepared.input_sha256 {
            self.new_file(prepared.file_sha256, "prepared file")?;
        } else if start.origin == Origin::New || !phase.steps.is_empty() {
            return Err(broken(
                "the prepared file is the closed file itself, which has no Lagrange bases",
            ));
        }
        let index = u32::try_from(phase.steps.len()).unwrap_or(u32::MAX).saturating_add(1);
        let expected = StepFacts::by_coordinator(
            Phase::One,
            None,
            Action::Prepare,
            index,
            Some(prepared.input_sha256),
            prepared.file_sha256,
        );
        // The same file under another name: it was prepared before whatever names it.
        let signers = prepared.attestation.signers(acting.everybody());
        let key = match signers.first() {
            Some(key) if prepared.file_sha256 == prepared.input_sha256 => key,
            _ => acting.key(),
        };
        self.coordinated(key, &prepared.attestation, "prepared file", &expected)
    }

    fn phase2(&mut self, circuit: &'a CircuitChain, prepared: FileDigest) -> Result<()> {
        let mut acting = self.acting(Some(&circuit.name));
        self.new_file(circuit.initial_sha256, "initial key")?;
        let expected = StepFacts::by_coordinator(
            Phase::Two,
            Some(circuit.reference()),
            Action::Open,
            0,
            Some(prepared),
            circuit.initial_sha256,
        );
        self.coordinated(acting.key(), &circuit.opening, "opening", &expected)?;
        acting.pass(circuit.initial_sha256);
        ends_with_its_only_beacon(&circuit.steps, true)?;
        let mut file = circuit.initial_sha256;
        for (step, index) in circuit.steps.iter().zip(1..) {
            self.step(step, index, Some(circuit), file, acting.key())?;
            acting.pass(step.file_sha256);
            file = step.file_sha256;
        }
        linked(circuit.final_sha256, file, "the final key")
    }

    fn step(
        &mut self,
        step: &'a Step,
        index: u32,
        circuit: Option<&'a CircuitChain>,
        file: FileDigest,
        acting: &PublicKey,
    ) -> Result<()> {
        let phase = if circuit.is_some() { Phase::Two } else { Phase::One };
        let place = format!("step {index}");
        if step.index != index {
            return Err(broken("a step carries another number").found(step.index).expected(index));
        }
        linked(step.input_sha256, file, &place)?;
        self.new_file(step.file_sha256, &place)?;
        if !self.hashes.insert(step.contribution_hash) {
            return Err(broken(format_args!("{place} repeats a contribution"))
                .found(step.contribution_hash));
        }
        let action = if step.beacon.is_some() { Action::Beacon } else { Action::Contribution };
        let expected = StepFacts {
            phase,
            circuit: circuit.map(CircuitChain::reference),
            action,
            index,
            participant: Some(&step.name),
            input: Some(step.input_sha256),
            file: step.file_sha256,
            contribution_hash: Some(step.contribution_hash),
            beacon: step.beacon.as_ref(),
            reason: None,
        };
        match (&step.attested, action) {
            (Some(attested), Action::Beacon) if attested.key != *acting => Err(unattested(
                &place,
                "the beacon is attested by another key than the coordinator's",
            )
            .found(attested.key)
            .expected(acting)),
            (Some(attested), _) => {
                self.attested(&attested.envelope, &attested.key, &place, &expected)
            }
            (None, Action::Beacon) => {
                Err(unattested(&place, "the coordinator has not attested the beacon"))
            }
            (None, _) => Ok(()),
        }
    }

    fn rejection(&mut self, rejection: &'a Rejection) -> Result<()> {
        if self.files.contains(&rejection.file_sha256) {
            return Err(broken("a rejected file is part of the chain"));
        }
        let circuit = match (&rejection.circuit, rejection.phase) {
            (None, Phase::One) => None,
            (Some(name), Phase::Two) => Some(
                self.transcript
                    .circuit(name)
                    .ok_or_else(|| broken("no such circuit").found(name))?,
            ),
            _ => return Err(broken("a circuit belongs to phase 2, and to phase 2 only")),
        };
        let expected = StepFacts {
            reason: Some(&rejection.reason),
            ..StepFacts::by_coordinator(
                rejection.phase,
                circuit.map(CircuitChain::reference),
                Action::Reject,
                rejection.index,
                None,
                rejection.file_sha256,
            )
        };
        let last = self.handovers.last().map_or(&self.transcript.coordinator, |(key, _)| key);
        self.coordinated(last, &rejection.attestation, "rejection", &expected)
    }

    /// A step's signed name says which attempt at its place it is. All attempts before it are in
    /// the list of rejections, so that none of them vanishes.
    fn attempt(&self, step: &Step, circuit: Option<&CircuitName>) -> Result<()> {
        let Some(attested) = &step.attested else { return Ok(()) };
        let place =
            if step.beacon.is_some() { "final".to_owned() } else { format!("{:04}", step.index) };
        let ending = if circuit.is_some() { "zkey" } else { "ptau" };
        let (name, _) = said(&attested.envelope)?;
        let attempt = attempt_of(&name, &place, ending).ok_or_else(|| {
            broken(format_args!("step {} is signed under another name", step.index))
                .found(&name)
                .expected(format_args!("{place}.{ending}, or a later attempt at it"))
        })?;
        let rejections =
            self.transcript.rejected.iter().filter(|gone| gone.circuit.as_ref() == circuit);
        let mut rejected = BTreeSet::new();
        for rejection in rejections {
            let (name, words) = said(&rejection.attestation)?;
            let value = |beacon: &Beacon| beacon.value.clone();
            let gone = words.beacon.as_ref().map(value);
            if gone.is_some() && gone == step.beacon.as_ref().map(value) {
                return Err(broken("the beacon has the value of a beacon that was rejected"));
            }
            rejected.insert(name.to_string());
        }
        let name = |attempt: u32| match attempt {
            1 => place.clone(),
            later => format!("{place}-{later}"),
        };
        match (1..attempt).map(name).find(|name| !rejected.contains(name)) {
            None => Ok(()),
            Some(missing) => Err(broken(format_args!(
                "step {} is attempt {attempt} at its place, and the rejection of an earlier one \
                 is missing",
                step.index
            ))
            .found(format_args!("{} rejections", self.transcript.rejected.len()))
            .expected(format_args!("the rejection of {missing}"))),
        }
    }

    fn new_file(&mut self, file: FileDigest, place: &str) -> Result<()> {
        if self.files.insert(file) {
            Ok(())
        } else {
            Err(broken(format_args!("{place}: the same file is in the chain twice")).found(file))
        }
    }

    fn new_challenge(&mut self, challenge: ChallengeHash, place: &str) -> Result<()> {
        if self.challenges.insert(challenge) {
            Ok(())
        } else {
            Err(broken(format_args!("{place}: the same challenge occurs twice")).found(challenge))
        }
    }

    /// Verifies a step of the coordinator who acts at that point.
    fn coordinated(
        &self,
        acting: &PublicKey,
        envelope: &Envelope,
        place: &str,
        expected: &StepFacts<'_>,
    ) -> Result<()> {
        self.attested(envelope, acting, place, expected)
    }

    fn attested(
        &self,
        envelope: &Envelope,
        key: &PublicKey,
        place: &str,
        expected: &StepFacts<'_>,
    ) -> Result<()> {
        let Transcript { ceremony, ceremony_toml_sha256, kind, .. } = self.transcript;
        let facts =
            CeremonyFacts { ceremony, ceremony_toml_sha256: *ceremony_toml_sha256, kind: *kind };
        expected.attested(&facts, envelope, key).map(drop).map_err(|refusal| refusal.within(place))
    }
}

/// The name that an attestation signs, and its words.
fn said(envelope: &Envelope) -> Result<(Label, StepAttestation)> {
    let Statement { subject, predicate } =
        Statement::<StepAttestation>::from_payload(envelope.payload())?;
    match subject.into_iter().next() {
        Some(subject) => Ok((subject.name, predicate)),
        None => Err(broken("an attestation has no subject")),
    }
}

/// Which attempt at a place a file's name is of. Each name has one spelling.
fn attempt_of(name: &Label, place: &str, ending: &str) -> Option<u32> {
    let stem = name.as_str().strip_suffix(ending)?.strip_suffix('.')?;
    match stem.strip_prefix(place)? {
        "" => Some(1),
        rest => {
            let attempt: u32 = rest.strip_prefix('-')?.parse().ok()?;
            (attempt > 1 && format!("-{attempt}") == rest).then_some(attempt)
        }
    }
}

fn broken(what: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::ChainBroken, what)
}

fn unattested(place: &str, what: &str) -> Refusal {
    Refusal::new(Code::AttestationInvalid, what).within(place)
}

fn linked(found: FileDigest, expected: FileDigest, what: &str) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(broken(format_args!("{what} does not start from the file before it"))
        .found(found)
        .expected(expected))
}

fn ends_with_its_only_beacon<'a>(
    steps: impl IntoIterator<Item = &'a Step>,
    needs_contribution: bool,
) -> Result<()> {
    let beacons: Vec<bool> = steps.into_iter().map(|step| step.beacon.is_some()).collect();
    let Some((&last, earlier)) = beacons.split_last() else {
        return Err(broken("the chain has no steps").expected("contributions, then a beacon"));
    };
    if !last || earlier.contains(&true) {
        return Err(broken("the chain does not end with its one beacon"));
    }
    if needs_contribution && earlier.is_empty() {
        return Err(broken("the chain has no contribution: its secret is public")
            .expected("at least one contribution before the beacon"));
    }
    Ok(())
}
