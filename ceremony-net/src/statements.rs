//! What is signed for the network and stays out of the ceremony's folder: sessions and tickets.

use serde::{Deserialize, Serialize};
use zk_attest::digest::ConfigDigest;
use zk_attest::envelope::Envelope;
use zk_attest::error::{Code, Refusal, Result};
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyId, Label, Timestamp};
use zk_attest::statement::{Predicate, Statement, Subject};

/// What a client signs to get a session. The subject is ceremony.toml.
///
/// The origin and the nonce make it useless for another service and for another time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionClaim {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// SHA-256 of its ceremony.toml.
    pub ceremony_toml_sha256: ConfigDigest,
    /// The service's address, as the client knows it.
    pub origin: Label,
    /// The service's challenge.
    pub nonce: Label,
    /// When.
    pub time: Timestamp,
}

impl Predicate for SessionClaim {
    const TYPE: &'static str = "urn:zk-ceremony:session:v1";
    const RENEW: &'static str = "use the version of this program that the coordinator names";
}

/// What the service signs about a place in the queue. The subject is ceremony.toml.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// SHA-256 of its ceremony.toml.
    pub ceremony_toml_sha256: ConfigDigest,
    /// Whose.
    pub key: PublicKey,
    /// Milliseconds since 1970 at which its holder entered the queue.
    pub since: u64,
}

impl Predicate for Ticket {
    const TYPE: &'static str = "urn:zk-ceremony:ticket:v1";
    const RENEW: &'static str = "join without a ticket, at the end of the queue";
}

/// An unsigned statement about a ceremony's rules.
///
/// # Errors
/// When it is too long to be signed.
pub fn about_rules<P: Predicate + Clone>(rules: ConfigDigest, predicate: P) -> Result<Envelope> {
    let subject = vec![Subject::new("ceremony.toml", rules.as_bytes())?];
    Statement { subject, predicate }.to_envelope()
}

/// The predicate of a statement that `key` signed.
///
/// # Errors
/// When the signature is not by that key, or it is another kind of statement.
pub fn signed_by<P: Predicate>(envelope: &Envelope, key: &PublicKey) -> Result<P> {
    if envelope.signers([key]).is_empty() {
        return Err(Refusal::new(Code::BadSignature, "the signature is not by this key")
            .expected(key.fingerprint()));
    }
    Ok(Statement::<P>::from_payload(envelope.payload())?.predicate)
}
