//! The receiver of HPKE (RFC 9180) whose private key computes one thing, the Diffie-Hellman value:
//! base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, one message.
//!
//! ```text
//! dh = x(skR enc)          the token's part
//! shared = ExtractAndExpand(dh, enc | pkR)
//! key, nonce = KeySchedule(shared, info)      plaintext = Open(key, nonce, "", ciphertext)
//! ```
//!
//! `info` is what age gives for its recipients of type p256tag.

use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What age binds its tagged recipients to.
pub(super) const INFO: &[u8] = b"age-encryption.org/p256tag";

const KEM: &[u8] = b"KEM\x00\x10";
const SUITE: &[u8] = b"HPKE\x00\x10\x00\x01\x00\x03";

type Secret = Zeroizing<[u8; 32]>;

/// HMAC-SHA256 of the parts, one after the other.
pub(super) fn mac(key: &[u8], parts: &[&[u8]]) -> Secret {
    // Any length of key will do.
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key)
        .unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default()));
    parts.iter().for_each(|part| mac.update(part));
    Zeroizing::new(mac.finalize().into_bytes().into())
}

fn extract(salt: &[u8], suite: &[u8], label: &[u8], ikm: &[u8]) -> Secret {
    mac(salt, &[b"HPKE-v1", suite, label, ikm])
}

/// At most one block of HKDF-Expand.
fn expand(prk: &Secret, suite: &[u8], label: &[u8], info: &[u8], length: u8) -> Secret {
    mac(&**prk, &[&[0, length], b"HPKE-v1", suite, label, info, &[1]])
}

/// Opens a ciphertext; none where it is not of this key.
pub(super) fn open(
    dh: &Zeroizing<Vec<u8>>,
    enc: &[u8; 65],
    public: &[u8; 65],
    ciphertext: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let context = [&enc[..], &public[..]].concat();
    let shared = expand(&extract(b"", KEM, b"eae_prk", dh), KEM, b"shared_secret", &context, 32);
    let psk = extract(b"", SUITE, b"psk_id_hash", b"");
    let info = extract(b"", SUITE, b"info_hash", INFO);
    let schedule = [&[0][..], &*psk, &*info].concat();
    let secret = extract(&*shared, SUITE, b"secret", b"");
    let key = expand(&secret, SUITE, b"key", &schedule, 32);
    let nonce = expand(&secret, SUITE, b"base_nonce", &schedule, 12);
    let cipher = ChaCha20Poly1305::new_from_slice(&*key).ok()?;
    cipher.decrypt(Nonce::from_slice(&nonce[..12]), ciphertext).ok().map(Zeroizing::new)
}
