//! Private key files: PKCS#8 PEM of version 1 (RFC 5208, what openssl and `key new` write) and 2 (RFC 5958, with the public key), and OpenSSH's
//! own format (PROTOCOL.key), each without encryption.
//!
//! Whatever holds the secret is overwritten after its use.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signer as _, SigningKey};
use pkcs8::der::asn1::ObjectIdentifier;
use pkcs8::der::pem::{self, LineEnding};
use pkcs8::{PrivateKeyInfoRef, SecretDocument};
use zeroize::Zeroizing;
use zk_attest::key::PublicKey;

use super::Backend;
use super::secret::{open_regular, read_secret};
use super::ssh_wire::Fields;
use crate::error::CliError;

/// Bytes of a private key file at most. Those of Ed25519 are below 1 KiB, the longest RSA keys below this: they deserve their own message.
const MAX_KEY_FILE_BYTES: usize = 16 * 1024;
/// id-Ed25519 (RFC 8410, section 3).
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// `PrivateKeyInfo` of an Ed25519 key, version 1, up to the 32 bytes of the key (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
/// What an OpenSSH private key begins with (PROTOCOL.key).
const OPENSSH_MAGIC: &[u8] = b"openssh-key-v1\0";

/// A private key that was read from a file.
pub(crate) struct KeyFile {
    path: PathBuf,
    secret: SigningKey,
    public: PublicKey,
}

impl KeyFile {
    /// Reads a key file that only its owner can read.
    pub(crate) fn open(path: &Path) -> Result<Self, CliError> {
        let text = read_secret_text(path)?;
        let of_file = |unusable: Unusable| {
            CliError::artefact(format!("{}: {unusable}", path.display())).hint(unusable.hint(path))
        };
        let secret = parse(&text).map_err(of_file)?;
        let public = public_half(&secret).map_err(|refusal| CliError::refusal(path, &refusal))?;
        Ok(Self { path: path.to_owned(), secret, public })
    }

    /// A new key from the operating system's randomness, and its PEM text.
    pub(crate) fn generate() -> Result<(PublicKey, Zeroizing<String>), CliError> {
        let mut der = Zeroizing::new([0; 48]);
        let (prefix, seed) = der.split_at_mut(PKCS8_PREFIX.len());
        prefix.copy_from_slice(&PKCS8_PREFIX);
        getrandom::fill(seed).map_err(|e| {
            CliError::environment(format!("the operating system gave no randomness: {e}"))
        })?;
        let pem = pem::encode_string("PRIVATE KEY", LineEnding::LF, &*der).map(Zeroizing::new);
        let pem = pem.map_err(|e| CliError::environment(format!("writing PEM failed: {e}")))?;
        // Read back as any reader will, so that the public key that is shown is that of the text that is written.
        let secret = parse(&pem).map_err(|unusable| CliError::environment(unusable.to_string()))?;
        let public = public_half(&secret)
            .map_err(|refusal| CliError::refusal(Path::new("new key"), &refusal))?;
        Ok((public, pem))
    }
}

impl Backend for KeyFile {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn description(&self) -> String {
        format!("key file {}", self.path.display())
    }

    fn answer(&mut self, message: &[u8]) -> Result<Vec<u8>, CliError> {
        Ok(self.secret.sign(message).to_bytes().to_vec())
    }
}

fn public_half(secret: &SigningKey) -> zk_attest::error::Result<PublicKey> {
    PublicKey::from_bytes(secret.verifying_key().as_bytes())
}

/// Whether a file's first line says that it is a private key.
pub(super) fn is_private(path: &Path) -> Result<bool, CliError> {
    let mut start = Zeroizing::new([0; 64]);
    let mut filled = 0;
    let mut file = open_regular(path)?;
    while filled < start.len() {
        match file.read(&mut start[filled..]).map_err(|e| CliError::io(path, "reading", &e))? {
            0 => break,
            n => filled += n,
        }
    }
    let line =
        start[..filled].trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(line.starts_with(b"-----BEGIN ") && line.trim_ascii_end().ends_with(b"PRIVATE KEY-----"))
}

fn read_secret_text(path: &Path) -> Result<Zeroizing<String>, CliError> {
    let not_a_key = || {
        CliError::artefact(format!("{}: {}", path.display(), Unusable::NotAKey))
            .hint(Unusable::NotAKey.hint(path))
    };
    if !is_private(path)? {
        return Err(not_a_key());
    }
    let bytes = read_secret(path, MAX_KEY_FILE_BYTES)?;
    std::str::from_utf8(&bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| not_a_key())
}

/// Why a file gives no key. Nothing of the file is ever quoted.
#[derive(Debug)]
enum Unusable {
    /// No PEM block of a private key.
    NotAKey,
    /// A PKCS#8 key behind a passphrase.
    EncryptedPkcs8,
    /// An OpenSSH key behind a passphrase.
    EncryptedOpenssh,
    /// RSA, ECDSA, X25519, ...
    OtherAlgorithm,
    /// Cut off, altered, or of several keys.
    Damaged,
    /// The file's public key is not that of its private key. Whoever signed with the wrong half would give the key away.
    PublicDiffers,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAKey => "no private key in PKCS#8 PEM or OpenSSH format",
            Self::EncryptedPkcs8 | Self::EncryptedOpenssh => "the private key is encrypted",
            Self::OtherAlgorithm => "a private key of another algorithm\n  expected  Ed25519",
            Self::Damaged => "the private key is damaged",
            Self::PublicDiffers => "the file's public key does not belong to its private key",
        })
    }
}

impl Unusable {
    fn hint(&self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::EncryptedOpenssh => {
                format!("run `ssh-add {path}`, which asks for the passphrase, then sign with --ssh-agent --public-key {path}.pub")
            }
            Self::EncryptedPkcs8 => {
                "sign with --signer-cmd and a program that asks for the passphrase (`cargo xtask sign --help` has one around openssl)"
                    .into()
            }
            Self::Damaged | Self::PublicDiffers => "take the key from its backup".into(),
            Self::NotAKey | Self::OtherAlgorithm => {
                "make a key with `cargo xtask key new FILE`, or with `openssl genpkey -algorithm ed25519`".into()
            }
        }
    }
}

fn parse(text: &str) -> Result<SigningKey, Unusable> {
    match pem::decode_label(text.as_bytes()) {
        Ok("PRIVATE KEY") => parse_pkcs8(text),
        Ok("OPENSSH PRIVATE KEY") => parse_openssh(text),
        Ok("ENCRYPTED PRIVATE KEY") => Err(Unusable::EncryptedPkcs8),
        Ok("RSA PRIVATE KEY" | "EC PRIVATE KEY" | "DSA PRIVATE KEY") => {
            Err(Unusable::OtherAlgorithm)
        }
        _ => Err(Unusable::NotAKey),
    }
}

fn parse_pkcs8(text: &str) -> Result<SigningKey, Unusable> {
    let (_, document) = SecretDocument::from_pem(text).map_err(|_| Unusable::Damaged)?;
    let info = PrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| Unusable::Damaged)?;
    if info.algorithm.oid != ED25519 {
        return Err(Unusable::OtherAlgorithm);
    }
    // An OCTET STRING within the OCTET STRING (RFC 8410, section 7).
    let seed = info
        .private_key
        .as_bytes()
        .strip_prefix(&[0x04, 0x20])
        .and_then(|seed| <&[u8; 32]>::try_from(seed).ok());
    let secret = SigningKey::from_bytes(
        seed.filter(|_| info.algorithm.parameters.is_none()).ok_or(Unusable::Damaged)?,
    );
    match info.public_key.map(|public| public.as_bytes() == Some(secret.verifying_key().as_bytes()))
    {
        Some(false) => Err(Unusable::PublicDiffers),
        _ => Ok(secret),
    }
}

fn parse_openssh(text: &str) -> Result<SigningKey, Unusable> {
    let mut decoder =
        pem::Decoder::new_detect_wrap(text.as_bytes()).map_err(|_| Unusable::Damaged)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(decoder.remaining_len()));
    decoder.decode_to_end(&mut bytes).map_err(|_| Unusable::Damaged)?;
    let (private, cipher) = openssh_private_part(&bytes).ok_or(Unusable::Damaged)?;
    if cipher != b"none" {
        return Err(Unusable::EncryptedOpenssh);
    }
    let mut fields = Fields::new(private);
    let checks = (fields.number(), fields.number());
    if checks.0.is_none() || checks.0 != checks.1 {
        return Err(Unusable::Damaged);
    }
    if fields.string().ok_or(Unusable::Damaged)? != b"ssh-ed25519" {
        return Err(Unusable::OtherAlgorithm);
    }
    let parts = (fields.string(), fields.string(), fields.string());
    let (Some(public), Some(pair), Some(_comment)) = parts else { return Err(Unusable::Damaged) };
    let (Some(seed), true) = (
        pair.first_chunk::<32>(),
        pair.len() == 64 && fields.rest().iter().zip(1..).all(|(pad, i)| *pad == i),
    ) else {
        return Err(Unusable::Damaged);
    };
    let secret = SigningKey::from_bytes(seed);
    let derived = secret.verifying_key();
    if derived.as_bytes() == public && derived.as_bytes() == &pair[32..] {
        Ok(secret)
    } else {
        Err(Unusable::PublicDiffers)
    }
}

/// The private part of an OpenSSH file of one key, and the name of its cipher.
fn openssh_private_part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = Fields::new(bytes.strip_prefix(OPENSSH_MAGIC)?);
    let (cipher, _kdf, _options) = (fields.string()?, fields.string()?, fields.string()?);
    if fields.number()? != 1 {
        return None;
    }
    let (_public, private) = (fields.string()?, fields.string()?);
    Some((private, cipher))
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 8410, section 10.3: version 1, then version 2 with attributes and public key.
    const V1: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    const V2: &str = "-----BEGIN PRIVATE KEY-----\nMHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\noB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB\nZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
    const X25519: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

    fn public(text: &str) -> String {
        public_half(&parse(text).unwrap()).unwrap().to_string()
    }

    #[test]
    fn both_versions_of_pkcs8_hold_the_key_of_the_rfc() {
        assert_eq!(public(V1), PUBLIC);
        assert_eq!(public(V2), PUBLIC);
        assert_eq!(public(&V1.replace('\n', "\r\n")), PUBLIC);
    }

    /// The RFC's key in OpenSSH's format, by PROTOCOL.key. (Files of ssh-keygen itself are read in tests/signing_cli.rs.)
    fn openssh(
        cipher: &str,
        keys: u32,
        algorithm: &str,
        checks: [u32; 2],
        public_from: &str,
    ) -> String {
        let string =
            |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
        let seed = *parse(V1).unwrap().as_bytes();
        let public = hex::decode(public_from).unwrap();
        let [first, second] = checks.map(u32::to_be_bytes);
        let pair = [&seed[..], &public].concat();
        let mut private = [
            &first[..],
            &second,
            &string(algorithm.as_bytes()),
            &string(&public),
            &string(&pair),
            &string(b"a comment"),
        ]
        .concat();
        private.extend(1..=u8::try_from(8 - private.len() % 8).unwrap());
        let outer = [
            OPENSSH_MAGIC,
            &string(cipher.as_bytes()),
            &string(b"none"),
            &string(b""),
            &keys.to_be_bytes(),
            &string(&[&string(algorithm.as_bytes())[..], &string(&public)].concat()),
            &string(&private),
        ];
        pem::encode_string("OPENSSH PRIVATE KEY", LineEnding::LF, &outer.concat()).unwrap()
    }

    fn good_openssh() -> String {
        openssh("none", 1, "ssh-ed25519", [5, 5], PUBLIC)
    }

    #[test]
    fn an_openssh_file_holds_the_key_too() {
        assert_eq!(public(&good_openssh()), PUBLIC);
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let (key, pem) = KeyFile::generate().unwrap();
        let (other, _) = KeyFile::generate().unwrap();
        assert!(public(&pem) == key.to_string() && key != other);
    }

    #[test]
    fn other_algorithms_encryption_and_mismatches_are_named() {
        let openssh = |cipher, keys, algorithm, checks, public| {
            parse(&openssh(cipher, keys, algorithm, checks, public)).unwrap_err()
        };
        let rfc8032 = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert!(matches!(
            openssh("aes256-ctr", 1, "ssh-ed25519", [5, 5], PUBLIC),
            Unusable::EncryptedOpenssh
        ));
        assert!(matches!(openssh("none", 1, "ssh-rsa", [5, 5], PUBLIC), Unusable::OtherAlgorithm));
        assert!(matches!(openssh("none", 2, "ssh-ed25519", [5, 5], PUBLIC), Unusable::Damaged));
        assert!(matches!(openssh("none", 1, "ssh-ed25519", [5, 6], PUBLIC), Unusable::Damaged));
        assert!(matches!(
            openssh("none", 1, "ssh-ed25519", [5, 5], rfc8032),
            Unusable::PublicDiffers
        ));
        assert!(matches!(parse(X25519), Err(Unusable::OtherAlgorithm)));
        assert!(matches!(
            parse(&V1.replace("PRIVATE", "ENCRYPTED PRIVATE")),
            Err(Unusable::EncryptedPkcs8)
        ));
        assert!(matches!(parse(&V2.replace("Z9w7", "Z9w6")), Err(Unusable::PublicDiffers)));
        for text in [
            "",
            "-----BEGIN PRIVATE KEY-----",
            PUBLIC,
            "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n",
        ] {
            assert!(matches!(parse(text), Err(Unusable::NotAKey)), "{text}");
        }
    }

    #[test]
    fn no_cut_and_no_changed_byte_reads_as_another_key() {
        for text in [V1, V2, &good_openssh()] {
            let whole = public(text);
            for end in 0..text.trim_end().len() {
                assert!(parse(&text[..end]).is_err(), "cut at {end}");
            }
            for at in 0..text.len() {
                let mut changed = text.as_bytes().to_vec();
                changed[at] ^= 1;
                let Ok(changed) = String::from_utf8(changed) else { continue };
                // Version 1 carries no public key to compare with: a changed seed is another key.
                if let (Ok(key), false) = (parse(&changed), text == V1) {
                    assert_eq!(public_half(&key).unwrap().to_string(), whole, "byte {at}");
                }
            }
        }
    }
}
