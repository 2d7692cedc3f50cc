//! DSSE envelopes: a payload, its type, and Ed25519 signatures over `PAE(type, payload)`.
//!
//! ```text
//! PAE(t, p) = "DSSEv1" SP len(t) SP t SP len(p) SP p          (lengths in decimal bytes)
//! ```
//!
//! A signature's `keyid` is a hint and decides nothing: [`Envelope::signers`] tries every given key
//! and returns the set of *distinct keys* under which some signature verifies. Thresholds count
//! nothing but that set, so a signature that is repeated, even under another key id, counts once.
//!
//! ```
//! use ed25519_dalek::{Signer as _, SigningKey};
//! use zk_attest::envelope::Envelope;
//! use zk_attest::key::PublicKey;
//!
//! # fn main() -> zk_attest::error::Result<()> {
//! let secret = SigningKey::from_bytes(&[7; 32]);
//! let alice = PublicKey::from_bytes(secret.verifying_key().as_bytes())?;
//!
//! let mut envelope = Envelope::unsigned(b"{}".to_vec())?;
//! let signature = secret.sign(&envelope.pae()).to_bytes();
//! envelope.add_signature(&alice, &signature)?;
//!
//! let read = Envelope::from_json(&envelope.to_json())?;
//! assert_eq!(read.signers([&alice]), [alice].into());
//! # Ok(())
//! # }
//! ```

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};

use crate::error::{Code, Refusal, Result};
use crate::json::validated;
use crate::key::{PublicKey, SignatureBytes};

/// The payload type of all our envelopes: in-toto statements.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// Bytes of a PAE at most: the message limit of the large cloud key services for a plain (not
/// prehashed) Ed25519 signature.
pub const MAX_PAE_BYTES: usize = 4096;
/// Signatures of an envelope at most: one by every key that a policy can name, in three roles of
/// 64.
pub const MAX_SIGNATURES: usize = 192;
const FEWER_SIGNATURES: &str = "leave out signatures that no policy asks for";

/// Base64 of all documents: one canonical form is written; both alphabets are read, with or without
/// padding, but never with stray bits.
const fn engine(alphabet: &Alphabet) -> GeneralPurpose {
    GeneralPurpose::new(
        alphabet,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    )
}
const STANDARD_ALPHABET: GeneralPurpose = engine(&STANDARD);
const URL_SAFE_ALPHABET: GeneralPurpose = engine(&URL_SAFE);

/// Writes the canonical base64: standard alphabet, padded.
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD_ALPHABET.encode(bytes)
}

/// Reads base64 of the alphabet that its characters belong to. (A mixture belongs to neither.)
pub fn from_base64(text: &str, what: &str) -> Result<Vec<u8>> {
    let engine = if text.contains(['-', '_']) { &URL_SAFE_ALPHABET } else { &STANDARD_ALPHABET };
    engine.decode(text).map_err(|error| {
        Refusal::new(Code::Malformed, format_args!("{what} is not base64: {error}"))
    })
}

/// The bytes that are signed.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// A signed in-toto statement: see the module's documentation. The payload is bytes;
/// [`crate::statement`] reads them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawEnvelope", into = "RawEnvelope")]
pub struct Envelope {
    payload: Vec<u8>,
    signatures: Vec<EnvelopeSignature>,
}

/// One signature, with the signer's hint at the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeSignature {
    /// What the signer calls the key; we write the hex SHA-256 of the SPKI DER.
    pub keyid: String,
    /// R | S.
    pub signature: SignatureBytes,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawEnvelope {
    payload: String,
    payload_type: String,
    signatures: Vec<RawSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSignature {
    #[serde(default)]
    keyid: String,
    sig: String,
}

impl TryFrom<RawEnvelope> for Envelope {
    type Error = Refusal;

    fn try_from(raw: RawEnvelope) -> Result<Self> {
        validated(Self::from_raw(raw))
    }
}

impl Envelope {
    fn from_raw(raw: RawEnvelope) -> Result<Self> {
        if raw.payload_type != PAYLOAD_TYPE {
            return Err(Refusal::new(
                Code::PayloadType,
                "the envelope holds another type of payload",
            )
            .found(raw.payload_type)
            .expected(PAYLOAD_TYPE));
        }
        if raw.signatures.len() > MAX_SIGNATURES {
            return Err(Refusal::new(Code::TooLarge, "too many signatures")
                .found(raw.signatures.len())
                .expected(format_args!("at most {MAX_SIGNATURES}"))
                .hint(FEWER_SIGNATURES));
        }
        let mut envelope = Self::unsigned(from_base64(&raw.payload, "payload")?)?;
        for RawSignature { keyid, sig } in raw.signatures {
            if keyid.len() > 256 {
                return Err(Refusal::new(Code::TooLarge, "key id is too long")
                    .found(keyid.len())
                    .expected("at most 256 bytes")
                    .hint("sign again, or shorten the key id: it is only a hint"));
            }
            let bytes = from_base64(&sig, "signature")?;
            let signature = SignatureBytes::try_from(bytes.as_slice()).map_err(|_| {
                Refusal::new(Code::Malformed, "signature of the wrong length")
                    .found(format_args!("{} bytes", bytes.len()))
                    .expected("64 bytes")
            })?;
            envelope.signatures.push(EnvelopeSignature { keyid, signature });
        }
        Ok(envelope)
    }
}

impl From<Envelope> for RawEnvelope {
    fn from(envelope: Envelope) -> Self {
        let signatures = envelope
            .signatures
            .into_iter()
            .map(|s| RawSignature { keyid: s.keyid, sig: to_base64(&s.signature) });
        Self {
            payload: to_base64(&envelope.payload),
            payload_type: PAYLOAD_TYPE.into(),
            signatures: signatures.collect(),
        }
    }
}

impl Envelope {
    /// Bytes of an envelope's JSON at most: the payload and all signatures in base64, with the
    /// longest key ids.
    pub const MAX_BYTES: usize = 128 * 1024;

    /// An envelope without signatures.
    pub fn unsigned(payload: Vec<u8>) -> Result<Self> {
        let length = pae(PAYLOAD_TYPE, &payload).len();
        if length > MAX_PAE_BYTES {
            return Err(Refusal::new(
                Code::MessageTooLong,
                "the statement is too long to be signed by a key service",
            )
            .found(format_args!("{length} bytes"))
            .expected(format_args!("at most {MAX_PAE_BYTES} bytes")));
        }
        Ok(Self { payload, signatures: Vec::new() })
    }

    /// Reads an envelope that is a file of its own (`NNNN.dsse.json`).
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        crate::json::parse(bytes, Self::MAX_BYTES, "envelope")
    }

    /// The canonical JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        crate::json::encode(self)
    }

    /// The payload. Do not trust it before calling [`Self::signers`].
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The bytes that signers sign.
    #[must_use]
    pub fn pae(&self) -> Vec<u8> {
        pae(PAYLOAD_TYPE, &self.payload)
    }

    /// The signatures, unverified.
    #[must_use]
    pub fn signatures(&self) -> &[EnvelopeSignature] {
        &self.signatures
    }

    /// Those of `keys` under which some signature verifies.
    ///
    /// The hints order the work and decide nothing: a signature that does not verify under the key
    /// it names is tried against the others.
    #[must_use]
    pub fn signers<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a PublicKey>,
    ) -> BTreeSet<PublicKey> {
        let message = self.pae();
        let keys: BTreeMap<String, PublicKey> =
            keys.into_iter().map(|key| (key.key_id().to_string(), *key)).collect();
        let mut signers = BTreeSet::new();
        let (hinted, others): (Vec<_>, Vec<_>) = self.signatures.iter().partition(|s| {
            keys.get(&s.keyid).is_some_and(|key| key.verify(&message, &s.signature))
        });
        signers.extend(hinted.iter().filter_map(|s| keys.get(&s.keyid)));
        for other in others {
            let signer = keys
                .values()
                .find(|key| !signers.contains(*key) && key.verify(&message, &other.signature))
                .copied();
            signers.extend(signer);
        }
        signers
    }

    /// The same payload with the one signature that verifies under `key`, and our own key id: what
    /// a document keeps of an envelope that came from someone else.
    #[must_use]
    pub fn signed_only_by<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a PublicKey>,
    ) -> Option<Self> {
        let message = self.pae();
        let mut signatures = Vec::new();
        for key in keys {
            let signature = self.signatures.iter().find(|s| key.verify(&message, &s.signature))?;
            let keyid = key.key_id().to_string();
            signatures.push(EnvelopeSignature { keyid, signature: signature.signature });
        }
        Some(Self { payload: self.payload.clone(), signatures })
    }

    /// The envelope as we keep one that came from someone else: signed with this key only, in our
    /// own form. Key ids, further signatures and the form of the JSON are not signed, and anyone
    /// who passes an envelope on can change them; what they change must not make another document.
    ///
    /// # Errors
    /// When no signature verifies under the key.
    pub fn only_by(&self, key: &PublicKey) -> Result<Self> {
        self.signed_only_by([key]).ok_or_else(|| {
            Refusal::new(Code::BadSignature, "the statement is not signed with the key it names")
                .expected(key)
        })
    }

    /// Adds a signature after verifying that it is by `key`. A second signature by the same key
    /// changes nothing.
    pub fn add_signature(&mut self, key: &PublicKey, signature: &SignatureBytes) -> Result<()> {
        let message = self.pae();
        if !key.verify(&message, signature) {
            return Err(Refusal::new(
                Code::BadSignature,
                "the signature does not verify under the key named for it",
            )
            .expected(key));
        }
        if self.signers([key]).contains(key) {
            return Ok(());
        }
        self.push(EnvelopeSignature { keyid: key.key_id().to_string(), signature: *signature })
    }

    /// Adds the signatures of another copy of the same envelope.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.payload != other.payload {
            return Err(Refusal::new(
                Code::MergeMismatch,
                "the two envelopes hold different statements",
            ));
        }
        for signature in &other.signatures {
            if !self.signatures.iter().any(|s| s.signature == signature.signature) {
                self.push(signature.clone())?;
            }
        }
        Ok(())
    }

    fn push(&mut self, signature: EnvelopeSignature) -> Result<()> {
        if self.signatures.len() == MAX_SIGNATURES {
            return Err(Refusal::new(Code::TooLarge, "too many signatures")
                .expected(format_args!("at most {MAX_SIGNATURES}"))
                .hint(FEWER_SIGNATURES));
        }
        self.signatures.push(signature);
        Ok(())
    }
}
