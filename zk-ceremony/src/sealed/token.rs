//! A P-256 key in a PKCS#11 token, as one that age files are sealed to.
//!
//! Its recipient is age's own type for hardware, `age1tag1...`, stanza `p256tag` (C2SP): sealing
//! needs no token and no program of ours. To open, the token computes the Diffie-Hellman value
//! (CKM_ECDH1_DERIVE); its private half never leaves it. What the token answers is believed only if
//! the file key it gives fits the file.

use std::cell::RefCell;

use age::DecryptError;
use age_core::format::{FileKey, Stanza};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;
use zk_attest::diagnostic::Diagnostic;

use super::hpke;
use crate::cli::sealing::OpenerArgs;
use crate::signer::pkcs11::{TokenSession, fault};

const STANZA: &str = "p256tag";
const PREFIX: bech32::Hrp = bech32::Hrp::parse_unchecked("age1tag");

/// A key in a token, with a session that may use it.
pub(crate) struct TokenIdentity {
    token: TokenSession,
    private: ObjectHandle,
    /// The public key, uncompressed.
    public: [u8; 65],
    /// What went wrong at the token, where something did.
    failure: RefCell<Option<Diagnostic>>,
}

impl TokenIdentity {
    /// Logs in to the named token and finds the named key.
    pub(crate) fn open(opener: &OpenerArgs) -> Result<Self, Diagnostic> {
        let Some(module) = &opener.pkcs11_module else {
            return Err(Diagnostic::environment("arguments", "nothing to open the file with")
                .hint("give --identity FILE, or --pkcs11-module MODULE and --key-label LABEL"));
        };
        let token = TokenSession::open(module, &opener.token)?;
        let private = token.one_key(&opener.token, ObjectClass::PRIVATE_KEY, KeyType::EC)?;
        let public_object = token.one_key(&opener.token, ObjectClass::PUBLIC_KEY, KeyType::EC)?;
        let attributes = token
            .session
            .get_attributes(public_object, &[AttributeType::EcPoint])
            .map_err(|error| fault(&token.shown, "reading the public key", &error))?;
        let point = attributes.into_iter().find_map(|attribute| match attribute {
            Attribute::EcPoint(point) => uncompressed(&point),
            _ => None,
        });
        let Some(public) = point else {
            return Err(Diagnostic::environment("pkcs11-key", "the key is not one of P-256")
                .at(&token.shown)
                .expected("a point of 65 bytes on prime256v1")
                .hint(
                    "make one in the token, for example with `pkcs11-tool --keypairgen --key-type \
                     EC:prime256v1 --usage-derive`",
                ));
        };
        Ok(Self { token, private, public, failure: RefCell::new(None) })
    }

    /// What others seal to.
    pub(crate) fn recipient(&self) -> Result<String, Diagnostic> {
        bech32::encode::<bech32::Bech32>(PREFIX, &self.compressed())
            .map_err(|error| Diagnostic::environment("internal", error))
    }

    /// What went wrong at the token, in the last attempt to open something.
    pub(super) fn failure(&self) -> Option<Diagnostic> {
        self.failure.borrow_mut().take()
    }

    fn compressed(&self) -> [u8; 33] {
        let mut bytes = [0; 33];
        bytes[0] = 2 | (self.public[64] & 1);
        bytes[1..].copy_from_slice(&self.public[1..33]);
        bytes
    }

    /// Whether a stanza with this encapsulated key is for this key: age's tag of both.
    fn tag(&self, enc: &[u8; 65]) -> [u8; 4] {
        let of_key = Sha256::digest(self.compressed());
        let tag = hpke::mac(hpke::INFO, &[enc, &of_key[..4]]);
        [tag[0], tag[1], tag[2], tag[3]]
    }

    /// The Diffie-Hellman value, computed in the token.
    fn shared(&self, enc: &[u8; 65]) -> Result<Zeroizing<Vec<u8>>, Diagnostic> {
        let session = &self.token.session;
        let failed =
            |doing: &str, error: &cryptoki::error::Error| fault(&self.token.shown, doing, error);
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::GENERIC_SECRET),
            Attribute::Token(false),
            Attribute::Sensitive(false),
            Attribute::Extractable(true),
            Attribute::ValueLen(32.into()),
        ];
        let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), enc));
        let secret = session.derive_key(&mechanism, self.private, &template).map_err(|error| {
            failed("deriving", &error).hint(
                "the token must offer CKM_ECDH1_DERIVE for this key, and the key must be allowed \
                 to derive",
            )
        })?;
        let value = session.get_attributes(secret, &[AttributeType::Value]);
        let _ = session.destroy_object(secret);
        let value = value.map_err(|error| failed("reading the derived value", &error))?;
        let found = value.into_iter().find_map(|attribute| match attribute {
            Attribute::Value(bytes) => Some(Zeroizing::new(bytes)),
            _ => None,
        });
        found.filter(|bytes| bytes.len() == 32).ok_or_else(|| {
            Diagnostic::environment("pkcs11", "the token derived no value of 32 bytes")
                .at(&self.token.shown)
        })
    }

    fn file_key(&self, enc: &[u8; 65], body: &[u8]) -> Result<FileKey, DecryptError> {
        let shared = self.shared(enc).map_err(|diagnostic| {
            *self.failure.borrow_mut() = Some(diagnostic);
            DecryptError::KeyDecryptionFailed
        })?;
        // The stanza is for this key: it was altered, or the value is not the one that was derived
        // with it.
        let opened = hpke::open(&shared, enc, &self.public, body).ok_or_else(|| {
            *self.failure.borrow_mut() = Some(
                Diagnostic::artefact(
                    "sealed-damaged",
                    "the sealed file is damaged, or the token's answer does not open it",
                )
                .at(&self.token.shown)
                .hint("try another copy of the file, then another recipient's token"),
            );
            DecryptError::DecryptionFailed
        })?;
        let bytes = <[u8; 16]>::try_from(opened.as_slice());
        let mut bytes = Zeroizing::new(bytes.map_err(|_| DecryptError::InvalidHeader)?);
        Ok(FileKey::init_with_mut(|key| std::mem::swap(key, &mut *bytes)))
    }
}

impl age::Identity for TokenIdentity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        if stanza.tag != STANZA {
            return None;
        }
        let [tag, enc] = stanza.args.as_slice() else {
            return Some(Err(DecryptError::InvalidHeader));
        };
        let decoded = |text: &str| STANDARD_NO_PAD.decode(text).ok();
        let tag = decoded(tag).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
        let enc = decoded(enc).and_then(|bytes| <[u8; 65]>::try_from(bytes).ok());
        let (Some(tag), Some(enc)) = (tag, enc) else {
            return Some(Err(DecryptError::InvalidHeader));
        };
        if tag != self.tag(&enc) {
            return None;
        }
        // A file key of 16 bytes and the tag of its cipher.
        if stanza.body.len() != 32 || p256::PublicKey::from_sec1_bytes(&enc).is_err() {
            return Some(Err(DecryptError::InvalidHeader));
        }
        Some(self.file_key(&enc, &stanza.body))
    }
}

/// The point of CKA_EC_POINT: an OCTET STRING in DER, or, of some tokens, the bytes alone.
fn uncompressed(point: &[u8]) -> Option<[u8; 65]> {
    let bytes = point.strip_prefix(&[0x04, 65]).unwrap_or(point);
    let bytes = <[u8; 65]>::try_from(bytes).ok()?;
    p256::PublicKey::from_sec1_bytes(&bytes).is_ok().then_some(bytes)
}
