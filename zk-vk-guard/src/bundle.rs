//! The bundle: one file with the signed statement, the manifest, the verifying keys and the
//! transcript, and its one verification.
//!
//! [`Bundle`] is bytes that parsed. [`VerifiedBundle`], which only [`Bundle::verify`] makes, proves
//! under a [`Policy`] that
//!
//! 1. release authority, auditors and participants have signed the statement's bytes, each role to
//!    its threshold of distinct keys;
//! 2. those bytes are a canonical statement;
//! 3. its subjects are the digests of the manifest and of the transcript that the bundle carries;
//!    the manifest is canonical and lists the keys that the bundle carries; these are sound as
//!    bytes ([`VerifyingKeyBytes`]), the transcript as a document ([`CheckedTranscript`]);
//!    statement, manifest and transcript say the same of the ceremony, its circuits, keys and
//!    counts;
//! 4. kind, circuits, serial, phase-1 start, contributions, revocations and dates are as the policy
//!    says.
//!
//! The signatures come first: nothing in the statement is read before its bytes are known to be
//! approved. Creating, signing, merging and inspecting use the same parts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::policy::Policy;
use crate::transcript::{CheckedTranscript, CircuitChain, Origin, contributions};
use crate::verifying_key::{EncodedVerifyingKey, VerifyingKeyBytes};
use zk_attest::digest::{
    ManifestDigest, PolicyDigest, ProgramHash, StatementDigest, TranscriptDigest,
};
use zk_attest::document_format;
use zk_attest::envelope::{Envelope, from_base64, to_base64};
use zk_attest::error::{Code, Refusal, Result};
use zk_attest::json;
use zk_attest::key::{PublicKey, SignatureBytes};
use zk_attest::manifest::{CircuitProvenance, Manifest, ManifestFormat, ProgramRule};
use zk_attest::primitives::{CircuitName, Label, ProofSystem, Timestamp};
use zk_attest::statement::{Phase, Provenance, Statement, Subject};

pub use crate::limits::MAX_BUNDLE_BYTES;

document_format!(
    /// The version of the document.
    BundleFormat,
    V2 = "zk-ceremony-bundle/2",
    "make the bundle again from the ceremony with `bundle create`, have it signed again, and run \
     `zk-embed`"
);

/// A bundle that is not verified yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawBundle", into = "RawBundle")]
pub struct Bundle {
    envelope: Envelope,
    manifest: Vec<u8>,
    verifying_keys: Vec<BundleKey>,
    transcript: Vec<u8>,
}

/// A verifying key in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BundleKey {
    circuit: CircuitName,
    key: EncodedVerifyingKey,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBundle {
    format: BundleFormat,
    envelope: Envelope,
    manifest: String,
    verifying_keys: Vec<BundleKey>,
    transcript: String,
}

impl TryFrom<RawBundle> for Bundle {
    type Error = Refusal;
    fn try_from(raw: RawBundle) -> Result<Self> {
        let manifest = json::validated(from_base64(&raw.manifest, "manifest"))?;
        let transcript = json::validated(from_base64(&raw.transcript, "transcript"))?;
        let RawBundle { envelope, verifying_keys, .. } = raw;
        Ok(Self { envelope, manifest, verifying_keys, transcript })
    }
}

impl From<Bundle> for RawBundle {
    fn from(bundle: Bundle) -> Self {
        Self {
            format: BundleFormat::V2,
            envelope: bundle.envelope,
            manifest: to_base64(&bundle.manifest),
            verifying_keys: bundle.verifying_keys,
            transcript: to_base64(&bundle.transcript),
        }
    }
}

/// What the creator of a bundle decides; everything else comes from the transcript.
#[derive(Clone, Debug)]
pub struct BundlePlan {
    /// Higher than that of every earlier bundle.
    pub serial: u64,
    /// When the statement is made.
    pub issued: Timestamp,
    /// The last moment at which it may be imported.
    pub not_after: Timestamp,
    /// The transcript of the ceremony that this one replaces.
    pub predecessor: Option<TranscriptDigest>,
    /// Program and key of each circuit of the transcript, in its order.
    pub circuits: Vec<PlannedCircuit>,
}

/// One circuit of a [`BundlePlan`].
#[derive(Clone, Debug)]
pub struct PlannedCircuit {
    /// Name, as in the transcript.
    pub name: CircuitName,
    /// The program, as the project calls it.
    pub program_id: Label,
    /// The project's own hash of it; [`ProgramHash::of_id`] where there is none.
    pub program_hash: Option<ProgramHash>,
    /// The verifying key.
    pub key: EncodedVerifyingKey,
}

/// What to do with an expired bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExpiry {
    /// Refuse it: for imports.
    Refuse,
    /// Accept it, with a warning in [`VerifiedBundle::warnings`]: for builds, which must stay
    /// reproducible.
    Warn,
}

/// Who of each role has signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approvals {
    /// Release authorities.
    pub release: BTreeSet<PublicKey>,
    /// Auditors.
    pub auditor: BTreeSet<PublicKey>,
    /// Participants.
    pub participant: BTreeSet<PublicKey>,
}

/// A bundle's contents, which belong together but may not be approved.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    pub(crate) provenance: Provenance,
    pub(crate) manifest: Manifest,
    pub(crate) keys: Vec<VerifyingKeyBytes>,
    pub(crate) transcript: CheckedTranscript,
}

/// A bundle that satisfies a policy: see the module's documentation.
#[derive(Clone, Debug)]
pub struct VerifiedBundle {
    contents: Contents,
    statement_digest: StatementDigest,
    policy_digest: PolicyDigest,
    approvals: Approvals,
    warnings: Vec<Refusal>,
}

impl Bundle {
    /// Reads a bundle.
    ///
    /// # Errors
    /// `malformed`, or `too-large` above [`MAX_BUNDLE_BYTES`]. Whether its parts belong together is
    /// for [`Self::verify`] and [`Self::inspect`] to say.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        json::parse(bytes, MAX_BUNDLE_BYTES, "bundle")
    }

    /// The file's bytes, with a line feed at the end.
    ///
    /// # Errors
    /// `too-large`, above [`MAX_BUNDLE_BYTES`].
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut bytes = json::encode(self);
        bytes.push(b'\n');
        if bytes.len() > MAX_BUNDLE_BYTES {
            return Err(Refusal::new(Code::TooLarge, "the bundle is too large")
                .found(format_args!("{} bytes", bytes.len()))
                .expected(format_args!("at most {MAX_BUNDLE_BYTES} bytes"))
                .hint(
                    "make the bundle smaller: fewer circuits, or shorter texts in the \
                     attestations",
                ));
        }
        Ok(bytes)
    }

    /// Makes an unsigned bundle. One that could not be verified once it is signed is refused.
    ///
    /// # Errors
    /// Those of [`Self::verify`] that are about what it holds, and `message-too-long`.
    pub fn create(transcript: &CheckedTranscript, plan: BundlePlan) -> Result<Self> {
        let chain = transcript.transcript();
        if plan.circuits.len() != chain.circuits.len() {
            return Err(Refusal::new(
                Code::WrongCircuit,
                "the plan and the transcript have different numbers of circuits",
            ));
        }
        let mut circuits = Vec::new();
        for (planned, circuit) in plan.circuits.iter().zip(&chain.circuits) {
            let key = VerifyingKeyBytes::check(&planned.key, circuit.public_inputs)
                .map_err(|refusal| refusal.within(&planned.name))?;
            circuits.push(CircuitProvenance {
                name: planned.name.clone(),
                program_id: planned.program_id.clone(),
                program_rule: if planned.program_hash.is_some() {
                    ProgramRule::Given
                } else {
                    ProgramRule::Id
                },
                program_hash: planned
                    .program_hash
                    .unwrap_or_else(|| ProgramHash::of_id(planned.program_id.as_str())),
                circuit_sha256: circuit.circuit_sha256,
                vk_sha256: key.sha256(),
                vk_uncompressed_sha256: key.uncompressed_sha256(),
                public_inputs: circuit.public_inputs,
                contributions: count(&circuit.steps),
            });
        }
        let provenance = Provenance {
            ceremony: chain.ceremony.clone(),
            kind: chain.kind,
            curve: chain.curve,
            proof_system: ProofSystem::Groth16,
            serial: plan.serial,
            issued: plan.issued,
            not_after: plan.not_after,
            predecessor: plan.predecessor,
        };
        let manifest = Manifest {
            format: ManifestFormat::V1,
            phase1_contributions: count(chain.phase1.steps.iter().map(|step| &step.step)),
            circuits,
        };
        let statement = Statement::of_bundle(provenance, manifest.digest(), transcript.digest())?;
        let verifying_keys = plan
            .circuits
            .into_iter()
            .map(|planned| BundleKey { circuit: planned.name, key: planned.key })
            .collect();
        let bundle = Self {
            envelope: statement.to_envelope()?,
            manifest: manifest.to_json(),
            verifying_keys,
            transcript: transcript.bytes().into(),
        };
        bundle.contents()?;
        bundle.to_json()?;
        Ok(bundle)
    }

    /// The envelope, with the bytes to be signed.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The manifest's bytes, unchecked.
    #[must_use]
    pub fn manifest_bytes(&self) -> &[u8] {
        &self.manifest
    }

    /// Adds a signature after verifying that it is by `key`.
    ///
    /// # Errors
    /// `bad-signature`, or `too-large` where there is no room for one more.
    pub fn add_signature(&mut self, key: &PublicKey, signature: &SignatureBytes) -> Result<()> {
        self.envelope.add_signature(key, signature)
    }

    /// The same bundle with the signatures only that verify under one of these keys, under our own
    /// key ids.
    #[must_use]
    pub fn only_signed_by<'a>(&self, keys: impl IntoIterator<Item = &'a PublicKey>) -> Self {
        let signers = self.envelope.signers(keys);
        let mut bundle = self.clone();
        if let Some(envelope) = self.envelope.signed_only_by(&signers) {
            bundle.envelope = envelope;
        }
        bundle
    }

    /// Adds the signatures of another copy of the same bundle.
    ///
    /// # Errors
    /// `merge-mismatch` where it is another bundle; `too-large`.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.verifying_keys != other.verifying_keys
            || self.transcript != other.transcript
            || self.manifest != other.manifest
        {
            return Err(Refusal::new(
                Code::MergeMismatch,
                "the two bundles hold different manifests, keys or transcripts",
            ));
        }
        self.envelope.merge(&other.envelope)
    }

    /// The one verification: see the module's documentation.
    ///
    /// # Errors
    /// The first check that does not hold: `threshold-not-met` of the signatures;
    /// `subject-mismatch`, `chain-broken`, `attestation-invalid`, `key-degenerate` and other codes
    /// of the contents; `kind-not-allowed`, `wrong-circuit`, `serial-too-low`,
    /// `too-few-contributions` and others of the policy; `expired` if `on_expiry` refuses that.
    pub fn verify(
        &self,
        policy: &Policy,
        now: &Timestamp,
        on_expiry: OnExpiry,
    ) -> Result<VerifiedBundle> {
        let approvals = self.approvals(policy)?;
        let contents = self.contents()?;
        contents.check_policy(policy)?;
        let overdue: Vec<Refusal> = contents.overdue(policy, now).collect();
        match (overdue.first(), on_expiry) {
            (Some(refusal), OnExpiry::Refuse) => Err(refusal.clone()),
            _ => Ok(VerifiedBundle {
                statement_digest: StatementDigest::of(self.envelope.payload()),
                policy_digest: policy.digest(),
                contents,
                approvals,
                warnings: overdue,
            }),
        }
    }

    /// What a signer asks before signing: whether the policy, and the day, refuse more than that
    /// signatures are missing. Further signatures cannot fix that.
    ///
    /// # Errors
    /// Those of [`Self::verify`], but `threshold-not-met`.
    pub fn ensure_signable(&self, policy: &Policy, now: &Timestamp) -> Result<()> {
        let contents = self.contents()?;
        contents.check_policy(policy)?;
        contents.overdue(policy, now).next().map_or(Ok(()), Err)
    }

    /// Who of each role has signed, or a refusal if these are too few.
    fn approvals(&self, policy: &Policy) -> Result<Approvals> {
        let document = policy.document();
        let (roles, revoked) = (&document.roles, document.revoked_keys.as_slice());
        let signers = self.envelope.signers(policy.keys());
        Ok(Approvals {
            release: roles.release.check("release", &signers, revoked)?,
            auditor: roles
                .auditor
                .as_ref()
                .map(|role| role.check("auditor", &signers, revoked))
                .transpose()?
                .unwrap_or_default(),
            participant: roles
                .participant
                .as_ref()
                .map(|role| role.check("participant", &signers, revoked))
                .transpose()?
                .unwrap_or_default(),
        })
    }

    /// Reads the contents and checks that they belong together.
    pub(crate) fn contents(&self) -> Result<Contents> {
        let stated = Statement::<Provenance>::from_payload(self.envelope.payload())?;
        let carried = Statement::of_bundle(
            stated.predicate.clone(),
            ManifestDigest::of(&self.manifest),
            TranscriptDigest::of(&self.transcript),
        )?;
        if stated.subject != carried.subject {
            let shown = |all: &[Subject]| {
                all.iter()
                    .map(|s| format!("{} {}", s.name, hex::encode(s.digest.sha256.0)))
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            return Err(Refusal::new(
                Code::SubjectMismatch,
                "the statement is about other documents than those in the bundle",
            )
            .found(shown(&stated.subject))
            .expected(shown(&carried.subject)));
        }
        let manifest = Manifest::from_json(&self.manifest)?;
        let keys = self.keys(&manifest)?;
        let transcript = CheckedTranscript::from_json(&self.transcript)
            .map_err(|refusal| refusal.within("transcript"))?;
        let contents = Contents { provenance: stated.predicate, manifest, keys, transcript };
        contents.ensure_statement_sound()?;
        contents.statement_matches_transcript()?;
        Ok(contents)
    }

    /// The keys, each checked as bytes and against the digests that the manifest gives.
    fn keys(&self, manifest: &Manifest) -> Result<Vec<VerifyingKeyBytes>> {
        let named = self.verifying_keys.iter().map(|key| &key.circuit);
        if !named.eq(manifest.circuits.iter().map(|circuit| &circuit.name)) {
            return Err(Refusal::new(
                Code::SubjectMismatch,
                "the bundle holds keys of other circuits than the manifest names",
            ));
        }
        let pairs = self.verifying_keys.iter().zip(&manifest.circuits);
        pairs
            .map(|(BundleKey { circuit, key }, stated)| {
                key_as_stated(key, stated).map_err(|refusal| refusal.within(circuit))
            })
            .collect()
    }
}

fn key_as_stated(
    forms: &EncodedVerifyingKey,
    stated: &CircuitProvenance,
) -> Result<VerifyingKeyBytes> {
    let key = VerifyingKeyBytes::check(forms, stated.public_inputs)?;
    let mismatch = |form: &str| {
        Refusal::new(
            Code::SubjectMismatch,
            format_args!("the {form} verifying key is not the one that was signed"),
        )
    };
    if key.sha256() != stated.vk_sha256 {
        return Err(mismatch("compressed").found(key.sha256()).expected(stated.vk_sha256));
    }
    if key.uncompressed_sha256() != stated.vk_uncompressed_sha256 {
        return Err(mismatch("uncompressed")
            .found(key.uncompressed_sha256())
            .expected(stated.vk_uncompressed_sha256));
    }
    Ok(key)
}

fn count<'a>(steps: impl IntoIterator<Item = &'a crate::transcript::Step>) -> u32 {
    u32::try_from(contributions(steps).count()).unwrap_or(u32::MAX)
}

impl Contents {
    /// What statement and manifest must fulfil by themselves.
    fn ensure_statement_sound(&self) -> Result<()> {
        let provenance = &self.provenance;
        let unsound = |what: &str| Refusal::new(Code::Malformed, what);
        if provenance.not_after.unix() < provenance.issued.unix() {
            return Err(unsound("not_after lies before issued")
                .within("statement")
                .found(&provenance.not_after)
                .expected(format_args!("after {}", provenance.issued)));
        }
        let (mut hashes, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for circuit in &self.manifest.circuits {
            if !keys.insert(circuit.vk_sha256) {
                return Err(Refusal::new(
                    Code::KeyDegenerate,
                    "two circuits have the same verifying key: a proof of one would pass as a \
                     proof of the other",
                )
                .within(&circuit.name)
                .found(circuit.vk_sha256));
            }
            let expected = ProgramHash::of_id(circuit.program_id.as_str());
            if circuit.program_rule == ProgramRule::Id && circuit.program_hash != expected {
                return Err(unsound("the program hash is not that of the program id")
                    .within("manifest")
                    .found(circuit.program_hash)
                    .expected(expected));
            }
            if !hashes.insert(circuit.program_hash) {
                return Err(unsound(
                    "two circuits have the same program hash, by which keys are looked up",
                )
                .within("manifest")
                .found(circuit.program_hash));
            }
        }
        Ok(())
    }

    /// The statement says about the ceremony what the transcript says.
    fn statement_matches_transcript(&self) -> Result<()> {
        let (provenance, manifest) = (&self.provenance, &self.manifest);
        let transcript = self.transcript.transcript();
        let chains = manifest.circuits.iter().zip(&transcript.circuits);
        let same = [
            ("ceremony", provenance.ceremony == transcript.ceremony),
            ("kind", provenance.kind == transcript.kind),
            ("curve", provenance.curve == transcript.curve),
            (
                "number of contributions to phase 1",
                manifest.phase1_contributions
                    == count(transcript.phase1.steps.iter().map(|step| &step.step)),
            ),
            ("number of circuits", manifest.circuits.len() == transcript.circuits.len()),
            ("name of a circuit", chains.clone().all(|(stated, chain)| stated.name == chain.name)),
            (
                "digest of a circuit",
                chains.clone().all(|(stated, chain)| stated.circuit_sha256 == chain.circuit_sha256),
            ),
            (
                "number of public inputs",
                chains.clone().all(|(stated, chain)| stated.public_inputs == chain.public_inputs),
            ),
            ("digest of a verifying key", chains.clone().all(same_key)),
            (
                "number of contributions to phase 2",
                chains.clone().all(|(stated, chain)| stated.contributions == count(&chain.steps)),
            ),
            (
                "predecessor, which is this ceremony itself",
                provenance.predecessor != Some(self.transcript.digest()),
            ),
        ];
        match same.iter().find(|(_, same)| !same) {
            None => Ok(()),
            Some((field, _)) => Err(Refusal::new(
                Code::TranscriptDisagrees,
                format_args!("statement and transcript differ in the {field}"),
            )),
        }
    }

    /// Everything that the policy asks for beyond signatures and dates.
    fn check_policy(&self, policy: &Policy) -> Result<()> {
        let (document, provenance, transcript) =
            (policy.document(), &self.provenance, self.transcript.transcript());
        if provenance.kind != document.kind {
            return Err(Refusal::new(
                Code::KindNotAllowed,
                "the bundle's kind does not match the policy",
            )
            .found(provenance.kind)
            .expected(document.kind));
        }
        let stated =
            self.manifest.circuits.iter().map(|circuit| (&circuit.name, circuit.circuit_sha256));
        let wanted =
            document.circuits.iter().map(|circuit| (&circuit.name, circuit.circuit_sha256));
        if !stated.clone().eq(wanted.clone()) {
            let shown = |all: Vec<_>| {
                all.into_iter()
                    .map(|(name, digest)| format!("{name} {digest}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            return Err(Refusal::new(
                Code::WrongCircuit,
                "the bundle is for other circuits than the policy names",
            )
            .found(shown(stated.collect()))
            .expected(shown(wanted.collect())));
        }
        if provenance.serial < document.minimum_serial {
            return Err(Refusal::new(
                Code::SerialTooLow,
                "the bundle is older than the policy accepts",
            )
            .found(format_args!("serial {}", provenance.serial))
            .expected(format_args!("at least {}", document.minimum_serial)));
        }
        if document.revoked_transcripts.contains(&self.transcript.digest()) {
            return Err(Refusal::new(
                Code::TranscriptRevoked,
                "the policy revokes this transcript",
            )
            .found(self.transcript.digest()));
        }
        let successors = transcript.handovers.iter().map(|handover| &handover.coordinator);
        let mut coordinators = std::iter::once(&transcript.coordinator).chain(successors);
        if let Some(revoked) = coordinators.find(|key| policy.is_revoked(key)) {
            return Err(Refusal::new(
                Code::KeyRevoked,
                "the policy revokes the key of the ceremony's coordinator",
            )
            .found(revoked));
        }
        if document.verified_beacons {
            self.ensure_beacons_signed()?;
        }
        self.check_phase1(policy)?;
        for circuit in &document.circuits {
            policy
                .check_contributions(
                    Phase::Two,
                    &self.transcript.phase2_contributors(&circuit.name),
                )
                .map_err(|refusal| refusal.within(format_args!("circuit {}", circuit.name)))?;
        }
        Ok(())
    }

    /// Every beacon has the signature that its value is the digest of: no beacon is read whose
    /// value is another one. Whose signature it is, this crate does not know.
    fn ensure_beacons_signed(&self) -> Result<()> {
        for (place, beacon) in self.transcript.transcript().beacons() {
            if beacon.signature.is_none() {
                return Err(Refusal::new(
                    Code::BeaconUnverified,
                    "the policy asks for beacons that are verified, and nobody can verify this one",
                )
                .within(place)
                .found(format_args!(
                    "{}, round {}, without a signature",
                    beacon.source, beacon.round
                ))
                .expected("a round of drand with its signature"));
            }
        }
        Ok(())
    }

    fn check_phase1(&self, policy: &Policy) -> Result<()> {
        let start = &self.transcript.transcript().phase1.start;
        let accepted = &policy.document().accepted_phase1_starts;
        match start.origin {
            Origin::New => policy
                .check_contributions(Phase::One, &self.transcript.phase1_contributors())
                .map_err(|refusal| refusal.within("phase 1")),
            Origin::External if accepted.contains(&start.file_sha256) => Ok(()),
            Origin::External => Err(Refusal::new(
                Code::Phase1Start,
                "phase 1 starts from a file that the policy does not accept",
            )
            .found(start.file_sha256)
            .expected(if accepted.is_empty() {
                "no external start".into()
            } else {
                accepted.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
            })),
        }
    }

    /// What has expired.
    fn overdue(&self, policy: &Policy, now: &Timestamp) -> impl Iterator<Item = Refusal> {
        let dates = [
            (Code::Expired, "the bundle", Some(self.provenance.not_after.clone())),
            (Code::PolicyExpired, "the policy", policy.document().not_after.clone()),
        ];
        dates.into_iter().filter_map(move |(code, what, not_after)| {
            let not_after = not_after.filter(|not_after| not_after.unix() < now.unix())?;
            Some(
                Refusal::new(code, format_args!("{what} has expired"))
                    .found(format_args!("not_after {not_after}, and it is {now}")),
            )
        })
    }
}

fn same_key((stated, chain): (&CircuitProvenance, &CircuitChain)) -> bool {
    stated.vk_sha256 == chain.vk_sha256
        && stated.vk_uncompressed_sha256 == chain.vk_uncompressed_sha256
}

impl VerifiedBundle {
    /// What was signed.
    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.contents.provenance
    }

    /// What was signed, circuit by circuit.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.contents.manifest
    }

    /// SHA-256 of the signed bytes.
    #[must_use]
    pub fn statement_digest(&self) -> StatementDigest {
        self.statement_digest
    }

    /// The policy that it satisfies.
    #[must_use]
    pub fn policy_digest(&self) -> PolicyDigest {
        self.policy_digest
    }

    /// The ceremony's chain.
    #[must_use]
    pub fn transcript(&self) -> &CheckedTranscript {
        &self.contents.transcript
    }

    /// Circuits and their keys, by rising name.
    pub fn circuits(&self) -> impl Iterator<Item = (&CircuitProvenance, &VerifyingKeyBytes)> {
        self.contents.manifest.circuits.iter().zip(&self.contents.keys)
    }

    /// Who has signed.
    #[must_use]
    pub fn approvals(&self) -> &Approvals {
        &self.approvals
    }

    /// What has expired, if [`OnExpiry::Warn`] accepted it.
    #[must_use]
    pub fn warnings(&self) -> &[Refusal] {
        &self.warnings
    }
}
