//! The transcript of a verified ceremony: the document whose SHA-256 the bundle's statement names.
//!
//! The same folder always gives the same bytes: nothing of the verifier (time, machine, order of
//! work) goes in.

use ceremony_core::keygen::{VerifyingKey, VerifyingKeyBytes};
use zk_attest::digest::{ChallengeHash, CsHash, TranscriptDigest, VkDigest, VkUncompressedDigest};
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::CircuitName;
use zk_attest::statement::Action;
use zk_vk_guard::transcript as guard;
use zk_vk_guard::transcript::{
    Attested, CheckedTranscript, CircuitChain, Handover, Origin, Phase1, Phase1Start, Phase1Step,
    Prepared, Rejection, Transcript, TranscriptFormat,
};

use crate::chain::{Chain, Step};
use crate::error::{CeremonyError, at, broken};
use crate::folder::Track;
use crate::roster::Amended;
use crate::{Ceremony, Config};

/// A ceremony whose every step verified. Only [`super::Verification::finish`] makes one.
#[derive(Debug)]
pub struct VerifiedCeremony {
    config: Config,
    transcript: CheckedTranscript,
    keys: Vec<CircuitKey>,
}

/// The finished verifying key of a circuit.
#[derive(Clone, Debug)]
pub struct CircuitKey {
    /// Which circuit.
    pub name: CircuitName,
    /// Number of public inputs.
    pub public_inputs: u32,
    /// The key.
    pub verifying_key: VerifyingKey,
    /// Its canonical encodings.
    pub bytes: VerifyingKeyBytes,
}

impl VerifiedCeremony {
    /// The document, checked as every later reader will check it.
    pub(crate) fn new(
        ceremony: &Ceremony,
        challenges: &[ChallengeHash],
        keys: Vec<(CsHash, CircuitKey)>,
    ) -> Result<Self, CeremonyError> {
        let root = ceremony.folder.root();
        let unfinished = || {
            broken(
                root,
                "the ceremony is not finished",
                "a chain without its end",
                "closed chains with a prepared phase 1",
            )
        };
        let proved: Vec<KeyFacts> = keys.iter().map(KeyFacts::of).collect();
        let transcript = document(ceremony, challenges, &proved).ok_or_else(unfinished)?;
        let transcript = CheckedTranscript::from_json(&transcript.to_json())
            .map_err(at(&ceremony.folder.transcript()))?;
        Ok(Self {
            config: ceremony.config.clone(),
            transcript,
            keys: keys.into_iter().map(|(_, key)| key).collect(),
        })
    }

    /// The rules.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The transcript.
    #[must_use]
    pub fn transcript(&self) -> &CheckedTranscript {
        &self.transcript
    }

    /// The transcript hash.
    #[must_use]
    pub fn digest(&self) -> TranscriptDigest {
        self.transcript.digest()
    }

    /// The verifying keys, in the order of the circuits.
    #[must_use]
    pub fn keys(&self) -> &[CircuitKey] {
        &self.keys
    }
}

/// What only the mathematics says of a circuit.
struct KeyFacts {
    public_inputs: u32,
    cs_hash: CsHash,
    vk: VkDigest,
    vk_uncompressed: VkUncompressedDigest,
}

impl KeyFacts {
    fn of((cs_hash, key): &(CsHash, CircuitKey)) -> Self {
        Self {
            public_inputs: key.public_inputs,
            cs_hash: *cs_hash,
            vk: VkDigest::of(&key.bytes.compressed),
            vk_uncompressed: VkUncompressedDigest::of(&key.bytes.uncompressed),
        }
    }
}

/// Holds a transcript to the attestations of a folder: it must be the one that a verification of
/// this folder writes, but for what only the mathematics says, which is the transcript's own word:
/// challenges, constraint systems and verifying keys.
pub(crate) fn ensure_of_folder(
    ceremony: &Ceremony,
    transcript: &CheckedTranscript,
) -> Result<(), CeremonyError> {
    let said = transcript.transcript();
    let steps = said.phase1.steps.iter();
    let challenges: Vec<ChallengeHash> = std::iter::once(said.phase1.start.challenge)
        .chain(steps.map(|step| step.next_challenge))
        .collect();
    let keys: Vec<KeyFacts> = said
        .circuits
        .iter()
        .map(|circuit| KeyFacts {
            public_inputs: circuit.public_inputs,
            cs_hash: circuit.cs_hash,
            vk: circuit.vk_sha256,
            vk_uncompressed: circuit.vk_uncompressed_sha256,
        })
        .collect();
    let path = ceremony.folder.transcript();
    let rules = ceremony.config.digest();
    if said.ceremony_toml_sha256 != rules {
        let what = "the transcript is of other rules";
        return Err(broken(&path, what, said.ceremony_toml_sha256, rules));
    }
    if document(ceremony, &challenges, &keys).as_ref() != Some(said) {
        return Err(broken(
            &path,
            "the transcript does not tell of the steps that are there",
            format_args!("transcript {}", transcript.digest()),
            "the transcript that `ceremony verify` writes of these attestations",
        ));
    }
    Ok(())
}

fn document(
    ceremony: &Ceremony,
    challenges: &[ChallengeHash],
    keys: &[KeyFacts],
) -> Option<Transcript> {
    let rules = ceremony.config.document();
    let acting = &ceremony.roster.coordinator().key;
    let (start, steps) = ceremony.phase1.steps.split_first()?;
    let (challenge, next) = challenges.split_first()?;
    let prepared = ceremony.phase1.prepared.as_ref()?;
    let phase1_step = |(i, step): (usize, &Step)| {
        Some(Phase1Step {
            challenge: *challenges.get(i)?,
            next_challenge: *next.get(i)?,
            step: recorded(step)?,
        })
    };
    let phase1 = Phase1 {
        power: rules.power,
        start: Phase1Start {
            origin: if rules.phase1_start.is_some() { Origin::External } else { Origin::New },
            file_sha256: start.file,
            challenge: *challenge,
            attestation: kept(start)?,
        },
        steps: steps.iter().enumerate().map(phase1_step).collect::<Option<_>>()?,
        prepared: Prepared {
            input_sha256: prepared.words.input_sha256?,
            file_sha256: prepared.file,
            attestation: kept(prepared)?,
        },
    };
    // A finished verification has a key of every circuit, each closed by its beacon: pairing them
    // below must not depend on that being so.
    if keys.len() != ceremony.circuits.len() {
        return None;
    }
    let circuits =
        ceremony.circuits.iter().zip(keys).map(|(chain, key)| circuit(ceremony, chain, key));
    Some(Transcript {
        format: TranscriptFormat::V3,
        ceremony: rules.id.clone(),
        kind: rules.kind,
        curve: rules.curve,
        ceremony_toml_sha256: ceremony.config.digest(),
        coordinator: rules.coordinator.key,
        deputies: ceremony.config.deputies(),
        handovers: ceremony.roster.handovers().map(handover).collect::<Option<_>>()?,
        phase1,
        circuits: circuits.collect::<Option<_>>()?,
        rejected: ceremony
            .chains()
            .flat_map(|chain| rejected(chain, acting))
            .collect::<Option<_>>()?,
    })
}

fn circuit(ceremony: &Ceremony, chain: &Chain, key: &KeyFacts) -> Option<CircuitChain> {
    let (opening, steps) = chain.steps.split_first()?;
    let reference = ceremony.reference(&chain.track)?;
    Some(CircuitChain {
        name: reference.name,
        circuit_sha256: reference.circuit_sha256,
        public_inputs: key.public_inputs,
        cs_hash: key.cs_hash,
        initial_sha256: opening.file,
        opening: kept(opening)?,
        steps: steps.iter().map(recorded).collect::<Option<_>>()?,
        final_sha256: steps.last().filter(|step| step.words.action == Action::Beacon)?.file,
        vk_sha256: key.vk,
        vk_uncompressed_sha256: key.vk_uncompressed,
    })
}

fn recorded(step: &Step) -> Option<guard::Step> {
    Some(guard::Step {
        index: step.index,
        name: step.words.participant.clone(),
        beacon: step.words.beacon.clone(),
        input_sha256: step.words.input_sha256?,
        file_sha256: step.file,
        contribution_hash: step.words.contribution_hash?,
        attested: Some(Attested { key: step.key, envelope: kept(step)? }),
    })
}

/// A step's envelope with the signature that attests it and no other: what a participant adds to an
/// envelope takes no room in the transcript.
fn kept(step: &Step) -> Option<Envelope> {
    step.envelope.signed_only_by([&step.key])
}

/// An amendment that made another person the coordinator, with the signatures that count.
fn handover(amended: &Amended) -> Option<Handover> {
    let envelope = amended.envelope.signed_only_by(&amended.signers)?;
    Some(Handover { coordinator: *amended.said.new_key(), envelope })
}

fn rejected<'a>(
    chain: &'a Chain,
    coordinator: &'a PublicKey,
) -> impl Iterator<Item = Option<Rejection>> + 'a {
    let circuit = match &chain.track {
        Track::Phase1 => None,
        Track::Circuit(name) => Some(name.clone()),
    };
    chain.rejected.iter().map(move |rejected| {
        Some(Rejection {
            phase: chain.track.phase(),
            circuit: circuit.clone(),
            index: rejected.index,
            file_sha256: rejected.file,
            reason: rejected.reason.clone(),
            attestation: rejected.envelope.signed_only_by([coordinator])?,
        })
    })
}
