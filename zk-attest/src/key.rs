//! Ed25519 public keys and the one place that verifies a signature.
//!
//! [`PublicKey`] holds the 32 bytes of a canonical encoding (y < p) of a point that is not of small
//! order. [`PublicKey::verify`] accepts (R, S) over a message iff S < L, R is not of small order,
//! and R is byte for byte the encoding of `[S]B - [SHA-512(R | A | M)]A`: the strictest of the
//! rules in use (RFC 8032 section 5.1.7 without the cofactor, plus the refusal of small order).
//! Each act of signing gives one signature under it: neither a third party nor a lenient build of
//! the library can make a second one from it.

use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::digest::{KeyId, from_hex};
use crate::error::{Code, Refusal, Result};
use crate::json::validated;

/// L, the order of the prime subgroup, little-endian (RFC 8032, section 5.1).
const GROUP_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];
/// p = 2^255 - 19, little-endian.
const FIELD_MODULUS: [u8; 32] = {
    let mut p = [0xff; 32];
    p[0] = 0xed;
    p[31] = 0x7f;
    p
};
/// SubjectPublicKeyInfo of an Ed25519 key, up to the 32 bytes of the key (RFC 8410, section 4).
const SPKI_PREFIX: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// A signature's 64 bytes: R, then S.
pub type SignatureBytes = [u8; 64];

/// An Ed25519 public key: see the module's documentation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Validates the 32 bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self> {
        // What is not a point may be a seed given by mistake, so it is not shown. The encodings
        // that are not canonical and the points of small order are few and published.
        let weak = |why: &str| Refusal::new(Code::WeakKey, format_args!("public key {why}"));
        let mut y = *bytes;
        y[31] &= 0x7f;
        if !is_below(&y, &FIELD_MODULUS) {
            return Err(weak("is not canonically encoded")
                .found(hex::encode(bytes))
                .expected("a y coordinate below 2^255 - 19"));
        }
        let point =
            VerifyingKey::from_bytes(bytes).map_err(|_| weak("is not a point of the curve"))?;
        if point.is_weak() {
            return Err(weak("has small order")
                .found(hex::encode(bytes))
                .expected("a key whose secret only its owner knows"));
        }
        Ok(Self(*bytes))
    }

    /// From 64 lower-case hex digits, the only form that documents hold. The text of a refused key
    /// is not shown: it may be a private key given by mistake.
    pub fn from_hex(text: &str) -> Result<Self> {
        let bytes = from_hex(text, "public key").map_err(|refusal| {
            refusal.with_code(Code::KeyFormat).found(format_args!("{} bytes", text.len()))
        })?;
        Self::from_bytes(&bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// SubjectPublicKeyInfo, DER.
    #[must_use]
    pub fn spki_der(&self) -> Vec<u8> {
        [&SPKI_PREFIX[..], &self.0].concat()
    }

    /// The key id that we write: SHA-256 of the SPKI DER. It is a hint for readers and decides
    /// nothing.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        KeyId::of(&self.spki_der())
    }

    /// The first 16 digits of the key id, for people.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let id = self.key_id().to_string();
        id.as_bytes()[..16]
            .chunks(4)
            .map(|four| String::from_utf8_lossy(four).into_owned())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Whether `signature` is by this key over `message`: see the module's documentation.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &SignatureBytes) -> bool {
        // Our own check of S comes first: under its feature `legacy_compatibility`, which any crate
        // of a build can switch on, the library checks only three bits of S.
        let mut s = [0; 32];
        s.copy_from_slice(&signature[32..]);
        is_below(&s, &GROUP_ORDER)
            && VerifyingKey::from_bytes(&self.0).is_ok_and(|key| {
                key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
            })
    }
}

/// a < b, both little-endian. Public values: no need for constant time.
fn is_below(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl TryFrom<String> for PublicKey {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self> {
        validated(Self::from_hex(&text))
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_key_is_not_quoted_unless_it_is_a_published_one() {
        let secret = "c0ffee".repeat(10);
        let mut not_points = 0;
        for i in 0..40u8 {
            let text = format!("{secret}{i:04x}");
            let Err(refusal) = PublicKey::from_hex(&text) else { continue };
            assert!(!refusal.to_string().contains("c0ffee"), "{refusal}");
            not_points += 1;
        }
        assert!(not_points > 5);
        let refusal = PublicKey::from_hex(&secret).unwrap_err();
        assert!(!refusal.to_string().contains("c0ffee"), "{refusal}");
        assert_eq!(refusal.found_text(), Some("60 bytes"));
    }

    #[test]
    fn every_key_of_small_order_is_weak_in_every_encoding() {
        // The eight points of small order, and the other encodings of those with y = 0 or 1.
        let order_8 = [
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        ];
        let mut weak: Vec<String> = Vec::new();
        for text in order_8 {
            weak.push(text.into());
            let last = u8::from_str_radix(&text[62..], 16).unwrap() | 0x80;
            weak.push(format!("{}{last:02x}", &text[..62]));
        }
        for first in ["00", "01"] {
            weak.push(format!("{first}{}", "00".repeat(31)));
            weak.push(format!("{first}{}80", "00".repeat(30)));
        }
        for first in ["ec", "ed", "ee"] {
            weak.push(format!("{first}{}7f", "ff".repeat(30)));
            weak.push(format!("{first}{}", "ff".repeat(31)));
        }
        for text in weak {
            assert_eq!(PublicKey::from_hex(&text).unwrap_err().code(), Code::WeakKey, "{text}");
        }
    }

    #[test]
    fn a_key_with_a_second_encoding_is_read_in_the_canonical_one_only() {
        // y = 3 is on the curve; 3 + p is the same point to a lenient decoder.
        let mut canonical = [0; 32];
        canonical[0] = 3;
        let mut other = FIELD_MODULUS;
        other[0] += 3;
        assert!(VerifyingKey::from_bytes(&other).is_ok(), "the library alone reads both");
        assert!(PublicKey::from_bytes(&canonical).is_ok());
        assert_eq!(PublicKey::from_bytes(&other).unwrap_err().code(), Code::WeakKey);
    }

    #[test]
    fn s_plus_the_group_order_is_refused() {
        let key =
            PublicKey::from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
                .unwrap();
        let mut signature = [0; 64];
        hex::decode_to_slice(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            &mut signature,
        )
        .unwrap();
        assert!(key.verify(b"", &signature));
        let mut carry = 0;
        for (s, l) in signature[32..].iter_mut().zip(GROUP_ORDER) {
            let sum = u16::from(*s) + u16::from(l) + carry;
            *s = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        assert!(!key.verify(b"", &signature));
        let mut s = [0; 32];
        s.copy_from_slice(&signature[32..]);
        assert!(!is_below(&s, &GROUP_ORDER), "it is our own check, the first one, that refuses it");
    }
}
