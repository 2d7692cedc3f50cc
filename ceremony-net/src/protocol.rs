//! What service and clients say to each other: bodies of requests and answers, as JSON.
//!
//! Digests, keys and hashes are lower-case hex. Times of day appear in signed documents only; what
//! a client has to wait for is a number of seconds from now, so that clocks need not agree.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zk_attest::diagnostic::Diagnostic;

use crate::words;

/// The version that this crate speaks.
pub const PROTOCOL: u32 = 1;

/// Seconds that an answer may be held back while nothing changes.
pub const MAX_WAIT_SECONDS: u64 = 25;
/// Bytes of a JSON body at most: the attestations of sixteen circuits, each with every signature
/// that an envelope can have, take less.
pub const MAX_BODY_BYTES: usize = 4 << 20;
/// Bytes of one request of an upload at most. A client sends the rest with the next request.
pub const MAX_PATCH_BYTES: u64 = 64 << 20;
/// The version of tus, the protocol of uploads.
pub const TUS_VERSION: &str = "1.0.0";
/// Its extensions that the service has.
pub const TUS_EXTENSIONS: &str = "creation,checksum,termination";
/// The headers of tus.
pub mod tus {
    /// The protocol's version.
    pub const RESUMABLE: &str = "tus-resumable";
    /// Versions that the service speaks.
    pub const VERSION: &str = "tus-version";
    /// Extensions that the service has.
    pub const EXTENSION: &str = "tus-extension";
    /// Bytes of an upload at most.
    pub const MAX_SIZE: &str = "tus-max-size";
    /// Algorithms of the checksum extension.
    pub const CHECKSUM_ALGORITHM: &str = "tus-checksum-algorithm";
    /// Bytes of the whole upload.
    pub const LENGTH: &str = "upload-length";
    /// Bytes that the service has.
    pub const OFFSET: &str = "upload-offset";
    /// Names and base64 values.
    pub const METADATA: &str = "upload-metadata";
    /// Algorithm and base64 digest of a request's body.
    pub const CHECKSUM: &str = "upload-checksum";
    /// The type of a part.
    pub const PART: &str = "application/offset+octet-stream";
}

/// `GET /v1/ceremony`: what is so now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CeremonyInfo {
    /// The protocol's version, 1.
    pub protocol: u32,
    /// Rises with every change. Ask with `after=` this to be told of the next one.
    pub version: u64,
    /// The ceremony's id.
    #[serde(deserialize_with = "words::line")]
    pub ceremony: String,
    /// `rehearsal` or `production`.
    #[serde(deserialize_with = "words::line")]
    pub kind: String,
    /// SHA-256 of ceremony.toml.
    #[serde(deserialize_with = "words::line")]
    pub ceremony_toml_sha256: String,
    /// The service's address, to which sessions are bound.
    #[serde(deserialize_with = "words::line")]
    pub origin: String,
    /// The service's public key.
    #[serde(deserialize_with = "words::line")]
    pub service_key: String,
    /// What the ceremony waits for.
    pub stage: StageInfo,
    /// The chains.
    pub chains: Vec<ChainInfo>,
    /// Participants in the queue.
    #[serde(deserialize_with = "words::lines")]
    pub queue: Vec<String>,
    /// The turn that is being used.
    pub turn: Option<TurnInfo>,
    /// The journal's last entry.
    pub journal: Option<JournalInfo>,
    /// Whether a bundle is there to be approved.
    pub bundle: bool,
    /// Whether nothing is left to be done: every chain is closed, and the bundle has the approvals
    /// that it needs.
    pub finished: bool,
}

/// What a ceremony waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StageInfo {
    /// Contributions to phase 1, or its beacon.
    Phase1,
    /// The coordinator, who prepares phase 2.
    Prepare,
    /// Contributions to phase 2, or its beacon.
    Phase2,
    /// Nothing: every chain is closed.
    Closed,
}

/// A chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChainInfo {
    /// The circuit; none for phase 1.
    #[serde(default, deserialize_with = "words::maybe")]
    pub circuit: Option<String>,
    /// Who contributed, in order.
    #[serde(deserialize_with = "words::lines")]
    pub contributors: Vec<String>,
    /// Whether a beacon has closed it.
    pub closed: bool,
    /// Its last step.
    pub head: Option<HeadInfo>,
}

/// The last step of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeadInfo {
    /// Its number.
    pub index: u32,
    /// The name of its data file.
    #[serde(deserialize_with = "words::name")]
    pub file: String,
    /// SHA-256 of it.
    #[serde(deserialize_with = "words::line")]
    pub sha256: String,
    /// Bytes of it.
    pub size: u64,
}

/// A turn, as everybody may know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TurnInfo {
    /// Whose.
    #[serde(deserialize_with = "words::line")]
    pub participant: String,
    /// Seconds since it was granted.
    pub since: u64,
    /// Seconds until it runs out; none while the service verifies what came.
    pub remaining: Option<u64>,
}

/// The journal's last entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JournalInfo {
    /// Its number.
    pub number: u64,
    /// SHA-256 of its line.
    #[serde(deserialize_with = "words::line")]
    pub sha256: String,
}

/// `GET /v1/events`: an event of the dashboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PageEvent {
    /// `section`, when one is another one now; `now`, after those of one moment and as a heartbeat.
    pub event: String,
    /// Of `section`: JSON with the section's `id` and `html`; of `now`: seconds since 1970.
    pub data: String,
    /// Of `now`: what this browser has seen, to be sent as `Last-Event-ID` or in `seen`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// `GET /v1/files`: what can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileList {
    /// Sorted by name.
    pub files: Vec<FileInfo>,
}

/// A public file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileInfo {
    /// Its name in the folder, with `/` between the parts.
    #[serde(deserialize_with = "words::name")]
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// Its SHA-256.
    #[serde(deserialize_with = "words::line")]
    pub sha256: String,
}

/// `GET /v1/journal`: entries of the journal, and the signed head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JournalPart {
    /// The number of the first entry.
    pub from: u64,
    /// Lines of journal.jsonl, each with its line feed.
    pub lines: String,
    /// What the service signed of its last entry, when these lines reach it.
    #[schema(value_type = Option<Object>)]
    pub head: Option<zk_attest::envelope::Envelope>,
}

/// `POST /v1/challenges`: what to sign for a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Challenge {
    /// Sixteen random bytes, in hex, good for one session.
    pub nonce: String,
    /// Seconds for which it is good.
    pub expires: u64,
}

/// `POST /v1/sessions`: a signed answer to a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionRequest {
    /// The DSSE envelope of a session statement.
    #[schema(value_type = Object)]
    pub envelope: zk_attest::envelope::Envelope,
}

/// A session.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// For the header `Authorization: Bearer`.
    pub token: String,
    /// Seconds for which it is good after each request.
    pub expires: u64,
    /// Whose it is.
    #[serde(deserialize_with = "words::line")]
    pub participant: String,
}

/// Without the token.
impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("participant", &self.participant).finish_non_exhaustive()
    }
}

/// `POST /v1/queue`: to be put into the queue, at the place of an earlier ticket if there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueRequest {
    /// A ticket that the service signed before.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub ticket: Option<zk_attest::envelope::Envelope>,
}

/// A place in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueAnswer {
    /// To be shown again after a restart of either side.
    #[schema(value_type = Object)]
    pub ticket: zk_attest::envelope::Envelope,
}

/// `GET /v1/queue`: where a participant stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Standing {
    /// In the queue.
    Waiting {
        /// Participants who come before.
        ahead: usize,
        /// Seconds until the turn, by the turns so far; none before the first.
        expected: Option<u64>,
        /// Why not now, in words.
        #[serde(deserialize_with = "words::line")]
        reason: String,
    },
    /// The participant has the turn.
    Turn {
        /// What to do in it.
        turn: Turn,
    },
    /// What came in the turn is being verified, or was.
    Received {
        /// The verdict so far.
        verdict: Verdict,
    },
    /// Nothing to do in this phase.
    Done {
        /// What the ceremony waits for.
        stage: StageInfo,
    },
}

/// A turn: contribute to each of the chains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Turn {
    /// Its name.
    #[serde(deserialize_with = "words::line")]
    pub id: String,
    /// Seconds that are left.
    pub remaining: u64,
    /// The chains.
    pub chains: Vec<TurnChain>,
}

/// A chain of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TurnChain {
    /// The circuit; none for phase 1.
    #[serde(default, deserialize_with = "words::maybe")]
    pub circuit: Option<String>,
    /// The file to contribute to.
    pub head: HeadInfo,
    /// The name of the file to be made, without its folder and ending.
    #[serde(deserialize_with = "words::line")]
    pub step: String,
    /// Its bytes at most.
    pub size_at_most: u64,
}

/// `POST /v1/turn/attestations`: everything is uploaded, and this is signed of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Completion {
    /// The turn.
    pub turn: String,
    /// One for each chain, in the order of the turn's chains.
    pub steps: Vec<CompletedStep>,
}

/// A contribution of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompletedStep {
    /// The circuit; none for phase 1.
    pub circuit: Option<String>,
    /// The upload that has the data file.
    pub upload: String,
    /// The step's attestation.
    #[schema(value_type = Object)]
    pub attestation: zk_attest::envelope::Envelope,
}

/// What became of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// It is being verified.
    Verifying,
    /// Everything was taken in.
    Accepted {
        /// The service's signed receipts, one for each chain.
        #[schema(value_type = Vec<Object>)]
        receipts: Vec<zk_attest::envelope::Envelope>,
    },
    /// Something was refused.
    Refused {
        /// Why.
        error: Problem,
        /// Receipts of the chains that were taken in before.
        #[schema(value_type = Vec<Object>)]
        receipts: Vec<zk_attest::envelope::Envelope>,
    },
}

/// `GET /v1/receipts`: of everything of this participant that is in the ceremony.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipts {
    /// The signed receipts.
    #[schema(value_type = Vec<Object>)]
    pub receipts: Vec<zk_attest::envelope::Envelope>,
}

/// `POST /v1/statements`: a signed document about the ceremony.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementRequest {
    /// The result of an audit.
    #[schema(value_type = Object)]
    pub envelope: zk_attest::envelope::Envelope,
}

/// `POST /v1/approvals`: a signature on the bundle's statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The signer's public key.
    pub key: String,
    /// The signature, in hex.
    pub signature: String,
}

/// Why a request was refused. The HTTP status says for programs what kind of refusal it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A stable name.
    #[serde(deserialize_with = "words::line")]
    pub code: String,
    /// What is wrong.
    #[serde(deserialize_with = "words::line")]
    pub what: String,
    /// As it is.
    #[serde(default, deserialize_with = "words::maybe", skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// As it should be.
    #[serde(default, deserialize_with = "words::maybe", skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What to do about it.
    #[serde(default, deserialize_with = "words::maybe", skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether the thing that was sent is at fault, and not the call or the service.
    pub artefact: bool,
}

/// Without the place: it names a file of the service's machine.
impl From<Diagnostic> for Problem {
    fn from(diagnostic: Diagnostic) -> Self {
        let artefact = diagnostic.blame == zk_attest::diagnostic::Blame::Artefact;
        let Diagnostic { code, what, found, expected, hint, .. } = diagnostic;
        Self { code, what, found, expected, hint, artefact }
    }
}

/// As the service's words, its advice included: a hint is what this program advises.
impl From<Problem> for Diagnostic {
    fn from(problem: Problem) -> Self {
        let Problem { code, what, found, expected, hint, artefact } = problem;
        let advice =
            hint.map_or_else(String::new, |hint| format!("; it advises: {}", words::quoted(&hint)));
        let what = format!("the service says: {}{advice}", words::quoted(&what));
        let new = if artefact { Self::artefact } else { Self::environment };
        Self { found, expected, ..new(words::code(code), what) }
    }
}
