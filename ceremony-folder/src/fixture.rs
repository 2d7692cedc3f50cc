//! People and rules for tests.

use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::FileDigest;
use zk_attest::envelope::Envelope;
use zk_attest::key::{PublicKey, SignatureBytes};
use zk_attest::primitives::Label;
use zk_attest::signer::Signer;
use zk_attest::statement::{Predicate, Statement};

use crate::Config;

/// Who coordinates.
pub(crate) const COORDINATOR: &str = "coordinator";

/// Everybody's key is made from their name.
fn secret(name: &str) -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&FileDigest::of(name.as_bytes()).0)
}

pub(crate) fn key(name: &str) -> PublicKey {
    PublicKey::from_bytes(secret(name).verifying_key().as_bytes()).unwrap()
}

/// Alice contributes to both phases, dora is the deputy, and up to two people may be enrolled for
/// phase 2.
pub(crate) fn rules() -> String {
    format!(
        "format = \"zk-ceremony/1\"\nid = \"test-1\"\nkind = \"rehearsal\"\ncurve = \
         \"bn254\"\npower = 8\n\n[minimum_contributions]\nphase1 = 1\nphase2 = \
         1\n\n[coordinator]\nname = \"coordinator\"\nkey = \"{}\"\n\n[deputies]\nthreshold = \
         1\npeople = [{{ name = \"dora\", key = \"{}\" }}]\n\n[[participants]]\nname = \
         \"alice\"\nkey = \"{}\"\nphases = [1, 2]\n\n[enrolment]\nphases = [2]\nmaximum = \
         2\n\n[beacon.phase1]\nsource = \"a chain\"\nround = 1\nexponent = \
         10\n\n[beacon.phase2]\nsource = \"a chain\"\nround = 2\nexponent = \
         10\n\n[[circuits]]\nname = \"main\"\nsha256 = \"{}\"\nprogram = \"main v1\"\n",
        key(COORDINATOR),
        key("dora"),
        key("alice"),
        "00".repeat(32)
    )
}

pub(crate) fn config() -> Config {
    Config::from_toml(rules().as_bytes()).unwrap()
}

pub(crate) fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

/// Who holds the key of this name.
pub(crate) struct Holder(&'static str, PublicKey);

impl Holder {
    pub(crate) fn of(name: &'static str) -> Self {
        Self(name, key(name))
    }
}

impl Signer for Holder {
    fn public_key(&self) -> &PublicKey {
        &self.1
    }

    fn description(&self) -> String {
        self.0.to_owned()
    }

    fn sign(&mut self, message: &[u8]) -> Result<SignatureBytes, Diagnostic> {
        Ok(ed25519_dalek::Signer::sign(&secret(self.0), message).to_bytes())
    }
}

/// A statement with these people's signatures.
pub(crate) fn signed<P: Predicate + Clone>(statement: &Statement<P>, signers: &[&str]) -> Envelope {
    let mut envelope = statement.to_envelope().unwrap();
    for signer in signers {
        let signature = ed25519_dalek::Signer::sign(&secret(signer), &envelope.pae()).to_bytes();
        envelope.add_signature(&key(signer), &signature).unwrap();
    }
    envelope
}
