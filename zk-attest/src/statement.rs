//! in-toto statements (v1): what a signature says.
//!
//! A statement names *subjects* (files, by SHA-256) and a *predicate* about them. Two predicates
//! are ours: [`Provenance`], which approves a bundle's verifying keys, and [`StepAttestation`], by
//! which the author of a ceremony's step vouches for it. A payload is read in its canonical form
//! only: no unknown field, no second encoding of the same content.
//!
//! A participant attests a contribution, and a reader verifies it:
//!
//! ```
//! use ed25519_dalek::{Signer as _, SigningKey};
//! use zk_attest::digest::{ConfigDigest, ContributionHash, FileDigest};
//! use zk_attest::envelope::Envelope;
//! use zk_attest::key::PublicKey;
//! use zk_attest::primitives::{Arithmetic, CeremonyId, CeremonyKind, Label, Timestamp};
//! use zk_attest::statement::{Action, Build, Phase, Statement, StepAttestation, Subject};
//!
//! # fn main() -> zk_attest::error::Result<()> {
//! let file = FileDigest::of(b"the bytes of 0002.ptau");
//! let attestation = StepAttestation {
//!     ceremony: CeremonyId::new("boot-2026")?,
//!     ceremony_toml_sha256: ConfigDigest::of(b"the bytes of ceremony.toml"),
//!     kind: CeremonyKind::Production,
//!     phase: Phase::One,
//!     circuit: None,
//!     action: Action::Contribution,
//!     index: 2,
//!     participant: Label::new("Alice")?,
//!     input_sha256: Some(FileDigest::of(b"the bytes of 0001.ptau")),
//!     contribution_hash: Some(ContributionHash([0x3f; 64])),
//!     beacon: None,
//!     tool: Label::new("zk-ceremony 0.1.0")?,
//!     build: Some(Build {
//!         commit: None,
//!         executable_sha256: Some(FileDigest::of(b"the bytes of the program")),
//!         arithmetic: Arithmetic::new("portable")?,
//!     }),
//!     entropy: Label::new("the operating system and dice")?,
//!     destruction: Label::new("the machine was switched off")?,
//!     verified: Label::new("the step before it")?,
//!     reason: None,
//!     time: Timestamp::new("2026-11-20T12:00:00Z")?,
//! };
//! let statement = Statement {
//!     subject: vec![Subject::new("0002.ptau", file.as_bytes())?],
//!     predicate: attestation,
//! };
//! let secret = SigningKey::from_bytes(&[7; 32]);
//! let alice = PublicKey::from_bytes(secret.verifying_key().as_bytes())?;
//! let mut envelope = statement.to_envelope()?;
//! envelope.add_signature(&alice, &secret.sign(&envelope.pae()).to_bytes())?;
//!
//! // The reader: signatures first, then the canonical form, then the content.
//! let envelope = Envelope::from_json(&envelope.to_json())?;
//! assert!(envelope.signers([&alice]).contains(&alice));
//! let read = Statement::<StepAttestation>::from_payload(envelope.payload())?;
//! assert_eq!(read, statement);
//! # Ok(())
//! # }
//! ```

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::digest::{
    CircuitDigest, CommitId, ConfigDigest, ContributionHash, FileDigest, ManifestDigest,
    StatementDigest, TranscriptDigest, from_hex,
};
use crate::envelope::{Envelope, MAX_PAE_BYTES};
use crate::error::{Code, Refusal, Result};
use crate::primitives::{
    Arithmetic, Beacon, CeremonyId, CeremonyKind, CircuitName, Curve, Label, ProofSystem, Timestamp,
};
use crate::{json, version};

/// `_type` of every statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// Name of a provenance statement's first subject.
pub const MANIFEST_SUBJECT: &str = "manifest.json";
/// Name of its second one.
pub const TRANSCRIPT_SUBJECT: &str = "transcript.json";

/// One of our predicates.
pub trait Predicate: Serialize + DeserializeOwned {
    /// `predicateType`.
    const TYPE: &'static str;
    /// How a statement of an older version is replaced.
    const RENEW: &'static str;
}

impl Predicate for Provenance {
    const TYPE: &'static str = "urn:zk-ceremony:bundle-provenance:v2";
    const RENEW: &'static str =
        "make the bundle again with `bundle create`, and have it signed again";
}

impl Predicate for StepAttestation {
    const TYPE: &'static str = "urn:zk-ceremony:step-attestation:v4";
    const RENEW: &'static str = "it was made with an older zk-ceremony: end that ceremony with the \
                                 version that began it, or begin a new one";
}

/// A statement with a predicate of type `P`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<P> {
    /// What it is about.
    pub subject: Vec<Subject>,
    /// What it says.
    pub predicate: P,
}

/// A file, by name and digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Name, for people.
    pub name: Label,
    /// Digest, for deciding.
    pub digest: SubjectDigest,
}

/// in-toto's digest set; only SHA-256 is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectDigest {
    /// SHA-256 of the file.
    pub sha256: Sha256Hex,
}

/// A subject's SHA-256, whatever kind of file it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256Hex(pub [u8; 32]);

impl TryFrom<String> for Sha256Hex {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self> {
        json::validated(from_hex(&text, "subject digest").map(Self))
    }
}

impl From<Sha256Hex> for String {
    fn from(digest: Sha256Hex) -> Self {
        hex::encode(digest.0)
    }
}

impl Subject {
    /// A subject. The digest loses its type here, so callers pass the bytes of a typed digest.
    pub fn new(name: &str, sha256: &[u8; 32]) -> Result<Self> {
        Ok(Self { name: Label::new(name)?, digest: SubjectDigest { sha256: Sha256Hex(*sha256) } })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw<P> {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: P,
}

/// The two type fields, read first, so that a statement of another type is refused for its type and
/// not for its fields.
#[derive(Deserialize)]
struct Types {
    #[serde(rename = "_type")]
    statement_type: String,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    #[serde(rename = "subject")]
    _subject: IgnoredAny,
    #[serde(rename = "predicate")]
    _predicate: IgnoredAny,
}

impl<P: Predicate> Statement<P> {
    /// Reads an envelope's payload: types first, then the canonical form.
    pub fn from_payload(payload: &[u8]) -> Result<Self> {
        let types: Types = json::parse(payload, MAX_PAE_BYTES, "statement")?;
        for (found, expected) in
            [(types.statement_type, STATEMENT_TYPE), (types.predicate_type, P::TYPE)]
        {
            if found != expected {
                let refusal = match version::ensure(&found, expected, P::RENEW) {
                    Err(refusal) if refusal.code() == Code::FormatVersion => refusal,
                    _ => Refusal::new(Code::PredicateType, "the statement has another type"),
                };
                return Err(refusal.found(found).expected(expected));
            }
        }
        let raw: Raw<P> = json::parse_canonical(payload, MAX_PAE_BYTES, "statement")?;
        Ok(Self { subject: raw.subject, predicate: raw.predicate })
    }

    /// The canonical payload.
    #[must_use]
    pub fn to_payload(&self) -> Vec<u8>
    where
        P: Clone,
    {
        json::encode(&Raw {
            statement_type: STATEMENT_TYPE.into(),
            subject: self.subject.clone(),
            predicate_type: P::TYPE.into(),
            predicate: self.predicate.clone(),
        })
    }

    /// The canonical payload, in an envelope for signatures.
    pub fn to_envelope(&self) -> Result<Envelope>
    where
        P: Clone,
    {
        Envelope::unsigned(self.to_payload())
    }

    /// SHA-256 of the canonical payload.
    #[must_use]
    pub fn digest(&self) -> StatementDigest
    where
        P: Clone,
    {
        StatementDigest::of(&self.to_payload())
    }
}

/// What release authority, auditors and approving participants sign: these keys came out of this
/// ceremony, for these circuits.
///
/// Subjects: the [manifest](crate::manifest), which lists circuits and keys, then the transcript
/// document. So a statement has the same size however many circuits there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// What it is for.
    pub kind: CeremonyKind,
    /// The curve.
    pub curve: Curve,
    /// The proof system.
    pub proof_system: ProofSystem,
    /// Rises with every bundle of a project; a policy sets the lowest that it accepts.
    pub serial: u64,
    /// When the statement was made.
    pub issued: Timestamp,
    /// The last moment at which the bundle may be imported.
    pub not_after: Timestamp,
    /// The transcript of the ceremony that this one replaces.
    pub predecessor: Option<TranscriptDigest>,
}

impl Statement<Provenance> {
    /// The statement about a manifest and a transcript.
    pub fn of_bundle(
        predicate: Provenance,
        manifest: ManifestDigest,
        transcript: TranscriptDigest,
    ) -> Result<Self> {
        let subject = vec![
            Subject::new(MANIFEST_SUBJECT, manifest.as_bytes())?,
            Subject::new(TRANSCRIPT_SUBJECT, transcript.as_bytes())?,
        ];
        Ok(Self { subject, predicate })
    }
}

/// What the author of a ceremony's step signs. The subject is the file that the step wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepAttestation {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// SHA-256 of its ceremony.toml: rules, roster and beacon plan.
    pub ceremony_toml_sha256: ConfigDigest,
    /// What the ceremony is for.
    pub kind: CeremonyKind,
    /// The phase.
    pub phase: Phase,
    /// The circuit, in phase 2.
    pub circuit: Option<CircuitReference>,
    /// What was done.
    pub action: Action,
    /// The step's number within its phase: 0 opens, contributions and beacon count from 1, prepare
    /// follows the last.
    pub index: u32,
    /// Who did it, as the roster says.
    pub participant: Label,
    /// SHA-256 of the file that the step started from; none where a phase 1 starts from nothing.
    pub input_sha256: Option<FileDigest>,
    /// The hash that tools show for the contribution or beacon; none for the other actions.
    pub contribution_hash: Option<ContributionHash>,
    /// The beacon's parameters; none for the other actions.
    pub beacon: Option<Beacon>,
    /// Tool and version.
    pub tool: Label,
    /// Which build of this program made the file; none where another program did.
    pub build: Option<Build>,
    /// The sources of randomness, in words. For an action without secret randomness: "none".
    pub entropy: Label,
    /// How the secret was destroyed, in the participant's words. For an action without one:
    /// "none".
    pub destruction: Label,
    /// What its maker had verified before making it, in the tool's words.
    pub verified: Label,
    /// Why a file was rejected; none for the other actions.
    pub reason: Option<Label>,
    /// When.
    pub time: Timestamp,
}

/// Which build of this program made a step, by its own word: nobody else can tell what ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The commit that its sources are, unchanged; none where the build does not know one.
    pub commit: Option<CommitId>,
    /// SHA-256 of the program's file; none where the system does not show it.
    pub executable_sha256: Option<FileDigest>,
    /// What it computed with.
    pub arithmetic: Arithmetic,
}

/// A circuit, in an attestation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CircuitReference {
    /// Name.
    pub name: CircuitName,
    /// SHA-256 of the .r1cs file.
    pub circuit_sha256: CircuitDigest,
}

/// A phase of a ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Phase {
    /// Powers of tau, for any circuit.
    One,
    /// One circuit.
    Two,
}

impl TryFrom<u8> for Phase {
    type Error = Refusal;
    fn try_from(number: u8) -> Result<Self> {
        json::validated(match number {
            1 => Ok(Self::One),
            2 => Ok(Self::Two),
            _ => {
                Err(Refusal::new(Code::Malformed, "no such phase").found(number).expected("1 or 2"))
            }
        })
    }
}

impl From<Phase> for u8 {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::One => 1,
            Phase::Two => 2,
        }
    }
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Publishes the file that a phase starts from (coordinator).
    Open,
    /// Adds secret randomness (participant).
    Contribution,
    /// Adds public randomness and closes the phase (coordinator).
    Beacon,
    /// Adds the Lagrange bases to the closed phase 1 (coordinator).
    Prepare,
    /// Takes a bad file out of the chain (coordinator).
    Reject,
}

impl Action {
    /// The word, as in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Contribution => "contribution",
            Self::Beacon => "beacon",
            Self::Prepare => "prepare",
            Self::Reject => "reject",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str) -> Label {
        Label::new(text).unwrap()
    }

    fn step() -> Statement<StepAttestation> {
        let predicate = StepAttestation {
            ceremony: CeremonyId::new("boot-2026").unwrap(),
            ceremony_toml_sha256: ConfigDigest::of(b"rules"),
            kind: CeremonyKind::Production,
            phase: Phase::One,
            circuit: None,
            action: Action::Contribution,
            index: 1,
            participant: label("Alice"),
            input_sha256: Some(FileDigest::of(b"0000.ptau")),
            contribution_hash: Some(ContributionHash([3; 64])),
            beacon: None,
            tool: label("zk-ceremony 0.1.0"),
            build: Some(Build {
                commit: Some(CommitId([1; 20])),
                executable_sha256: Some(FileDigest::of(b"the program")),
                arithmetic: Arithmetic::new("portable").unwrap(),
            }),
            entropy: label("dice"),
            destruction: label("switched off"),
            verified: label("the step before it"),
            reason: None,
            time: Timestamp::from_unix(0),
        };
        let file = FileDigest::of(b"0001.ptau");
        Statement { subject: vec![Subject::new("0001.ptau", file.as_bytes()).unwrap()], predicate }
    }

    #[test]
    fn a_step_says_what_its_maker_had_verified() {
        let payload = String::from_utf8(step().to_payload()).unwrap();
        let field = ",\"verified\":\"the step before it\"";
        assert!(payload.contains(&format!("\"destruction\":\"switched off\"{field}")), "{payload}");
        let read = Statement::<StepAttestation>::from_payload(payload.as_bytes()).unwrap();
        assert_eq!(read, step());
        let without = payload.replace(field, "");
        let refused = Statement::<StepAttestation>::from_payload(without.as_bytes()).unwrap_err();
        assert_eq!(refused.code(), Code::Malformed, "{refused}");
    }

    /// The field of a payload that says which build made the step.
    fn build_of(payload: &str) -> String {
        let begin = payload.find(",\"build\"").unwrap();
        payload[begin..payload.find(",\"entropy\"").unwrap()].to_owned()
    }

    #[test]
    fn a_step_says_which_build_made_it_in_one_spelling() {
        let payload = String::from_utf8(step().to_payload()).unwrap();
        let build = build_of(&payload);
        let expected = format!(
            ",\"build\":{{\"commit\":\"{}\",\"executable_sha256\":\"{}\",\"arithmetic\":\"portable\"}}",
            "01".repeat(20),
            FileDigest::of(b"the program"),
        );
        assert_eq!(build, expected);
        let read = |to: &str| {
            Statement::<StepAttestation>::from_payload(payload.replace(&build, to).as_bytes())
        };
        assert_eq!(read(",\"build\":null").unwrap().predicate.build, None);
        for bad in [
            String::new(),
            build.replace("portable", "Portable"),
            build.replace("portable", ""),
            build.replace("portable", "a-name-of-17-bytes"),
            build.replace(&"01".repeat(20), &"01".repeat(32)),
            build.replace(",\"arithmetic\":\"portable\"", ""),
        ] {
            read(&bad).unwrap_err();
        }
    }

    #[test]
    fn a_step_of_an_older_version_is_refused_for_its_version_and_says_what_to_do() {
        let payload = String::from_utf8(step().to_payload()).unwrap();
        let older = payload
            .replace("step-attestation:v4", "step-attestation:v3")
            .replace(&build_of(&payload), "");
        let refused = Statement::<StepAttestation>::from_payload(older.as_bytes()).unwrap_err();
        assert_eq!(refused.code(), Code::FormatVersion);
        assert_eq!(refused.hint_text(), <StepAttestation as Predicate>::RENEW);
        let newer = payload.replace("step-attestation:v4", "step-attestation:v5");
        let refused = Statement::<StepAttestation>::from_payload(newer.as_bytes()).unwrap_err();
        assert_eq!(refused.code(), Code::FormatVersion);
    }
}
