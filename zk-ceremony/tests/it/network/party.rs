//! A participant by hand: every request as a test says it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ceremony_net::statements::{SessionClaim, about_rules};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zk_attest::digest::ConfigDigest;
use zk_attest::envelope::Envelope;
use zk_attest::primitives::{Label, Timestamp};

use super::http::{Answer, send};
use super::{Net, wait_until};
use crate::kit::ceremony::seed;

pub(super) const JSON: (&str, &str) = ("Content-Type", "application/json");
pub(super) const TUS: (&str, &str) = ("Tus-Resumable", "1.0.0");
pub(super) const PART: (&str, &str) = ("Content-Type", "application/offset+octet-stream");

pub(super) fn is(expected: (u16, &str)) -> (u16, String) {
    (expected.0, expected.1.to_owned())
}

pub(super) fn sign(net: &Net, who: &str, envelope: &mut Envelope) {
    let pem = String::from_utf8(net.world.read(who, "key.pem")).unwrap();
    let signature = SigningKey::from_bytes(&seed(&pem)).sign(&envelope.pae()).to_bytes();
    envelope.add_signature(&net.world.public_key(who), &signature).unwrap();
}

pub(super) fn challenge(net: &Net) -> String {
    let answer = send(net.address, "POST", "/v1/challenges", &[], b"");
    answer.json()["nonce"].as_str().unwrap().to_owned()
}

pub(super) fn claim(net: &Net, nonce: &str) -> SessionClaim {
    SessionClaim {
        ceremony: serde_json::from_value(json!("test-ceremony")).unwrap(),
        ceremony_toml_sha256: ConfigDigest::from_hex(&net.rules).unwrap(),
        origin: Label::new(&net.origin).unwrap(),
        nonce: Label::new(nonce).unwrap(),
        time: Timestamp::now(),
    }
}

/// A request for a session, signed by somebody.
pub(super) fn request(net: &Net, who: &str, edit: impl FnOnce(&mut SessionClaim)) -> Vec<u8> {
    let mut claim = claim(net, &challenge(net));
    edit(&mut claim);
    let mut envelope = about_rules(claim.ceremony_toml_sha256, claim).unwrap();
    sign(net, who, &mut envelope);
    serde_json::to_vec(&json!({ "envelope": envelope })).unwrap()
}

pub(super) fn open(net: &Net, request: &[u8]) -> Answer {
    send(net.address, "POST", "/v1/sessions", &[JSON], request)
}

/// Somebody with a session.
pub(super) struct Party<'a> {
    net: &'a Net,
    who: &'a str,
    pub(super) bearer: String,
}

impl<'a> Party<'a> {
    pub(super) fn new(net: &'a Net, who: &'a str) -> Self {
        let answer = open(net, &request(net, who, |_| {}));
        assert_eq!(answer.status, 200, "{answer:?}");
        let bearer = format!("Bearer {}", answer.json()["token"].as_str().unwrap());
        Self { net, who, bearer }
    }

    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut headers = vec![("Authorization", self.bearer.as_str())];
        headers.extend(more);
        send(self.net.address, method, path, &headers, body)
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[JSON], body.to_string().as_bytes())
    }

    /// Enters the queue and waits for the turn.
    pub(super) fn turn(&self) -> Value {
        let joined = self.post("/v1/queue", &json!({}));
        assert_eq!(joined.status, 200, "{joined:?}");
        let mut turn = Value::Null;
        wait_until("the turn", || {
            let standing = self.send("GET", "/v1/queue?wait=1", &[], b"").json();
            turn = standing["turn"].clone();
            standing["state"] == "turn"
        });
        turn
    }

    pub(super) fn begin(&self, turn: &str, length: usize) -> Answer {
        self.begin_for(turn, None, length)
    }

    fn begin_for(&self, turn: &str, circuit: Option<&str>, length: usize) -> Answer {
        let length = length.to_string();
        let mut metadata = format!("turn {}", STANDARD.encode(turn));
        if let Some(circuit) = circuit {
            metadata += &format!(",circuit {}", STANDARD.encode(circuit));
        }
        let headers = [TUS, ("Upload-Length", &length), ("Upload-Metadata", &metadata)];
        self.send("POST", "/v1/uploads", &headers, b"")
    }

    pub(super) fn part(
        &self,
        upload: &str,
        offset: usize,
        body: &[u8],
        checksum: Option<&[u8]>,
    ) -> Answer {
        let offset = offset.to_string();
        let checksum =
            checksum.map(|bytes| format!("sha256 {}", STANDARD.encode(Sha256::digest(bytes))));
        let mut headers = vec![TUS, PART, ("Upload-Offset", offset.as_str())];
        headers.extend(checksum.as_deref().map(|checksum| ("Upload-Checksum", checksum)));
        self.send("PATCH", upload, &headers, body)
    }

    /// Uploads data for a turn, and gives the upload's path.
    pub(super) fn upload(&self, turn: &str, data: &[u8]) -> String {
        self.upload_for(turn, None, data)
    }

    pub(super) fn upload_for(&self, turn: &str, circuit: Option<&str>, data: &[u8]) -> String {
        let begun = self.begin_for(turn, circuit, data.len());
        assert_eq!(begun.status, 201, "{begun:?}");
        let upload = begun.header("location").unwrap().to_owned();
        let sent = self.part(&upload, 0, data, Some(data));
        assert_eq!(sent.status, 204, "{sent:?}");
        upload
    }

    pub(super) fn complete(&self, turn: &str, upload: &str, attestation: &[u8]) -> Answer {
        let upload = upload.rsplit('/').next().unwrap();
        let attestation: Value = serde_json::from_slice(attestation).unwrap();
        let steps = json!([{ "circuit": null, "upload": upload, "attestation": attestation }]);
        self.post("/v1/turn/attestations", &json!({ "turn": turn, "steps": steps }))
    }

    /// What became of the turn.
    pub(super) fn verdict(&self) -> Value {
        let mut verdict = Value::Null;
        wait_until("the verdict", || {
            verdict = self.send("GET", "/v1/turn/verdict?wait=1", &[], b"").json();
            verdict["verdict"] != "verifying"
        });
        verdict
    }

    /// Contributes to a copy of the folder by hand: data file and attestation, by their names.
    pub(super) fn contribution(&self) -> (String, String) {
        self.net.world.carry("coordinator", self.who);
        let line = format!("ceremony contribute shared --as {} --key key.pem", self.who);
        self.net.world.ok(self.who, &line);
        let made = super::names(&self.net.world.path(self.who, "shared/phase1"));
        let last = made.iter().rev().find(|name| name.ends_with(".ptau")).unwrap();
        let attestation = last.replace(".ptau", ".dsse.json");
        (format!("shared/phase1/{last}"), format!("shared/phase1/{attestation}"))
    }
}

/// No token, address of a client, or name of a file system in the log.
pub(super) fn log_tells_nothing(net: &Net, bearers: &[&str]) {
    let said = net.service.as_ref().unwrap().said();
    let root = net.world.path("coordinator", "").display().to_string();
    let is_log = |line: &&str| [" INFO ", " WARN ", " ERROR "].iter().any(|it| line.contains(it));
    for line in said.lines().filter(is_log) {
        assert!(!line.contains(root.trim_end_matches('/')), "{line}");
        assert!(!line.contains("127.0.0.1"), "{line}");
        assert!(
            !bearers.iter().any(|it| line.contains(it.trim_start_matches("Bearer "))),
            "{line}"
        );
    }
    let journal = net.journal_text();
    assert!(!journal.contains(root.trim_end_matches('/')), "{journal}");
    assert!(!journal.contains("127.0.0.1"), "{journal}");
}
