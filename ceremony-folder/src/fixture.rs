//! People and rules for tests.

use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::FileDigest;
use zk_attest::envelope::Envelope;
use zk_attest::key::{PublicKey, SignatureBytes};
use zk_attest::primitives::Label;
use zk_attest::signer::Signer;
use zk_attest::statement::{Action, Predicate, Statement, StepAttestation, Subject};

use crate::chain::{Rejected, Step};
use crate::folder::{Slot, StepName};
use crate::software::Software;
use crate::{AttestationDraft, Ceremony, Config, Track};

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

/// The first contribution to phase 1.
pub(crate) fn contribution(ceremony: &Ceremony, who: &str) -> Step {
    let software = Software::another(label("a tool"));
    let draft = AttestationDraft {
        action: Action::Contribution,
        participant: label(who),
        ..AttestationDraft::of_coordinator(ceremony, Action::Open, None, &software)
    };
    let words: StepAttestation = draft.attestation(ceremony, &Track::Phase1, 1);
    let file = FileDigest::of(who.as_bytes());
    let subject = Subject::new("0001.ptau", file.as_bytes()).unwrap();
    Step {
        name: StepName::first(Slot::Number(1)),
        index: 1,
        path: "0001.ptau".into(),
        present: true,
        key: key(who),
        held: Vec::new(),
        envelope: signed(&Statement { subject: vec![subject], predicate: words.clone() }, &[who]),
        words,
        file,
    }
}

/// The same, taken out.
pub(crate) fn rejected(made: Step) -> Rejected {
    Rejected {
        name: made.name,
        path: made.path,
        present: true,
        index: made.index,
        envelope: made.envelope,
        reason: label("a test"),
        file: made.file,
        input: None,
        beacon: None,
        contributor: Some(made.words.participant),
    }
}
