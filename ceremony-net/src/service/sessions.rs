//! Sessions: a signed challenge in exchange for a random token, of which only the SHA-256 is kept.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Instant;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{Label, Timestamp};
use zk_attest::statement::Statement;

use super::limits::{CHALLENGE_TIME, CLOCK_SKEW, REPLACED_SESSIONS, SESSION_TIME};
use crate::statements::SessionClaim;

/// What a claim is held against.
pub(crate) struct Expected<'a> {
    pub(crate) ceremony: &'a ceremony_folder::Ceremony,
    pub(crate) origin: &'a Label,
}

/// A token, as it is kept.
type TokenHash = [u8; 32];

#[derive(Debug)]
struct Open {
    key: PublicKey,
    last: Instant,
}

/// Open sessions, at most one for each key.
pub(crate) struct Sessions {
    /// Makes and knows challenges, so that those who only ask for one take no memory.
    secret: Zeroizing<[u8; 32]>,
    started: Instant,
    open: HashMap<TokenHash, Open>,
    /// Those whose key has a newer session.
    replaced: VecDeque<TokenHash>,
    /// Challenges that were answered, until they run out.
    used: HashMap<[u8; 16], Instant>,
}

/// Without the secret.
impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").field("open", &self.open.len()).finish_non_exhaustive()
    }
}

/// Who a token belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// An open session of this key.
    Of(PublicKey),
    /// A session whose key has a newer one.
    Replaced,
    /// Nobody.
    Unknown,
}

impl Sessions {
    pub(crate) fn new(now: Instant) -> Result<Self, getrandom::Error> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut_slice())?;
        Ok(Self {
            secret,
            started: now,
            open: HashMap::new(),
            replaced: VecDeque::new(),
            used: HashMap::new(),
        })
    }

    /// A new challenge: milliseconds since the start and eight random bytes, then a code of both
    /// that only this service can make.
    pub(crate) fn challenge(&self, now: Instant) -> Result<String, getrandom::Error> {
        let mut bytes = [0; 16];
        let age = now.saturating_duration_since(self.started).as_millis();
        bytes[..8].copy_from_slice(&u64::try_from(age).unwrap_or(u64::MAX).to_be_bytes());
        getrandom::fill(&mut bytes[8..])?;
        Ok(format!("{}{}", hex::encode(bytes), hex::encode(self.code(&bytes))))
    }

    fn code(&self, bytes: &[u8; 16]) -> [u8; 16] {
        let mut code = [0; 16];
        // HMAC takes keys of any length.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.secret.as_slice()) {
            mac.update(bytes);
            code.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        }
        code
    }

    /// The random part of a challenge of ours that is still good.
    fn known(&self, nonce: &str, now: Instant) -> Option<[u8; 16]> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(nonce, &mut bytes).ok()?;
        let (head, code) = bytes.split_first_chunk::<16>()?;
        if !bool::from(self.code(head).ct_eq(code)) {
            return None;
        }
        let (made, _) = head.split_first_chunk::<8>()?;
        let made = std::time::Duration::from_millis(u64::from_be_bytes(*made));
        let age = now.saturating_duration_since(self.started).checked_sub(made)?;
        (age <= CHALLENGE_TIME).then_some(*head)
    }

    /// What a claim says, if it answers an open challenge of ours. Cheap, so that signatures are
    /// verified only of claims that somebody asked to make.
    pub(crate) fn claim(
        &mut self,
        envelope: &Envelope,
        now: Instant,
    ) -> Result<SessionClaim, Diagnostic> {
        if envelope.signatures().len() != 1 {
            return Err(Diagnostic::artefact("signatures", "a session has one signature")
                .found(envelope.signatures().len())
                .expected(1));
        }
        let claim = Statement::<SessionClaim>::from_payload(envelope.payload())
            .map_err(|refusal| Diagnostic::from(&refusal))?
            .predicate;
        self.open_challenge(&claim, now)?;
        Ok(claim)
    }

    fn open_challenge(
        &mut self,
        claim: &SessionClaim,
        now: Instant,
    ) -> Result<[u8; 16], Diagnostic> {
        self.used.retain(|_, until| *until > now);
        let challenge = self.known(claim.nonce.as_str(), now);
        challenge.filter(|challenge| !self.used.contains_key(challenge)).ok_or_else(|| {
            Diagnostic::artefact(
                "challenge",
                "the session answers no open challenge: it was used, is too old, or not ours",
            )
            .hint("ask for a new one: the client does that by itself")
        })
    }

    /// Opens a session for the key that signed a claim, and gives its token.
    pub(crate) fn open(
        &mut self,
        claim: &SessionClaim,
        key: PublicKey,
        now: Instant,
    ) -> Result<Zeroizing<String>, Diagnostic> {
        let challenge = self.open_challenge(claim, now)?;
        self.used.insert(challenge, now + CHALLENGE_TIME);
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|error| {
            Diagnostic::environment("no-randomness", format_args!("no randomness: {error}"))
        })?;
        let token = Zeroizing::new(hex::encode(bytes.as_slice()));
        let older: HashSet<TokenHash> =
            self.open.iter().filter(|(_, open)| open.key == key).map(|(hash, _)| *hash).collect();
        self.open.retain(|hash, open| {
            !older.contains(hash) && now.saturating_duration_since(open.last) < SESSION_TIME
        });
        self.replaced.extend(older);
        while self.replaced.len() > REPLACED_SESSIONS {
            self.replaced.pop_front();
        }
        self.open.insert(hash(&token), Open { key, last: now });
        Ok(token)
    }

    /// Whose token this is. A lookup by hash takes no time that depends on a token's bytes in a way
    /// that helps to find one.
    pub(crate) fn holder(&mut self, token: &str, now: Instant) -> Holder {
        let hash = hash(token);
        if self.replaced.iter().any(|known| bool::from(known.ct_eq(&hash))) {
            return Holder::Replaced;
        }
        match self.open.get_mut(&hash) {
            Some(open) if now.saturating_duration_since(open.last) < SESSION_TIME => {
                open.last = now;
                Holder::Of(open.key)
            }
            _ => Holder::Unknown,
        }
    }
}

/// The participant who signed a claim, if it is for this ceremony and this service, now.
pub(crate) fn claimant(
    envelope: &Envelope,
    claim: &SessionClaim,
    expected: &Expected<'_>,
) -> Result<PublicKey, Diagnostic> {
    let rules = expected.ceremony.config.digest();
    if claim.ceremony_toml_sha256 != rules {
        return Err(Diagnostic::artefact("another-ceremony", "the session is for other rules")
            .found(claim.ceremony_toml_sha256)
            .expected(rules)
            .hint("ask the coordinator for the ceremony's address and rules"));
    }
    if claim.origin != *expected.origin {
        return Err(Diagnostic::artefact(
            "another-origin",
            "the session is for another address than this service's",
        )
        .found(&claim.origin)
        .expected(expected.origin)
        .hint("use the address that the service was started with"));
    }
    let ours = Timestamp::now().unix();
    if claim.time.unix().abs_diff(ours) > CLOCK_SKEW.as_secs() {
        return Err(Diagnostic::environment("clock", "the two clocks differ by hours")
            .found(&claim.time)
            .expected(Timestamp::from_unix(ours))
            .hint("set this machine's clock: attestations carry its time"));
    }
    let roster = expected.ceremony.roster.everybody();
    let signers = envelope.signers(roster.iter().map(|participant| &participant.key));
    signers.first().copied().ok_or_else(|| {
        Diagnostic::artefact("not-in-roster", "no participant of this ceremony signed this")
            .expected("a key of the roster in ceremony.toml")
            .hint("use the key that the coordinator put into the roster")
    })
}

fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_some_time_after_its_last_request() {
        let mut now = Instant::now();
        let mut sessions = Sessions::new(now).unwrap();
        let claim = serde_json::json!({
            "ceremony": "test",
            "ceremony_toml_sha256": "00".repeat(32),
            "origin": "https://a.example",
            "nonce": sessions.challenge(now).unwrap(),
            "time": "2026-01-01T00:00:00Z",
        });
        let claim: SessionClaim = serde_json::from_value(claim).unwrap();
        let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let key = PublicKey::from_hex(key).unwrap();
        let token = sessions.open(&claim, key, now).unwrap();
        let moment = std::time::Duration::from_millis(1);
        for _ in 0..3 {
            now += SESSION_TIME - moment;
            assert_eq!(sessions.holder(&token, now), Holder::Of(key));
        }
        assert_eq!(sessions.holder(&token, now + SESSION_TIME), Holder::Unknown);
        assert_eq!(sessions.holder("another", now), Holder::Unknown);
    }

    #[test]
    fn a_challenge_is_good_for_its_time_and_for_the_service_that_made_it() {
        let now = Instant::now();
        let (ours, others) = (Sessions::new(now).unwrap(), Sessions::new(now).unwrap());
        let nonce = ours.challenge(now).unwrap();
        assert!(ours.known(&nonce, now).is_some());
        assert!(ours.known(&nonce, now + CHALLENGE_TIME).is_some());
        let later = now + CHALLENGE_TIME + std::time::Duration::from_millis(1);
        assert!(ours.known(&nonce, later).is_none());
        assert!(others.known(&nonce, now).is_none());
        for at in 0..nonce.len() {
            let mut forged = nonce.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            assert!(ours.known(std::str::from_utf8(&forged).unwrap(), now).is_none(), "{at}");
        }
    }
}
