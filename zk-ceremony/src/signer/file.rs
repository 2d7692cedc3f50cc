//! Private key files: PKCS#8 PEM of version 1 (RFC 5208, what openssl and `key new` write) and 2
//! (RFC 5958, with the public key), and OpenSSH's own format (PROTOCOL.key), each without
//! encryption. Text before the PEM block is skipped, as openssl does.
//!
//! Buffers that hold the secret are wiped after use. No message quotes a byte of the file.

use std::fmt;
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::spki::Error as SpkiError;
use ed25519_dalek::pkcs8::spki::der::pem::{self, LineEnding};
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, EncodePrivateKey as _, Error as Pkcs8Error, KeypairBytes,
};
use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::key::PublicKey;

use super::Backend;
use super::contents::{block_start, contains};
use super::secret::{open_regular, read_secret, read_start};
use super::ssh_wire::Fields;

/// Longest private key file. Ed25519 keys take less than 1 KiB and the longest RSA keys less than
/// this, so that an RSA key gets its own message.
pub(super) const MAX_KEY_FILE_BYTES: usize = 16 * 1024;
/// First bytes of an OpenSSH private key (PROTOCOL.key).
const OPENSSH_MAGIC: &[u8] = b"openssh-key-v1\0";

/// A private key that was read from a file.
pub(crate) struct KeyFile {
    path: PathBuf,
    secret: SigningKey,
    public: PublicKey,
}

impl KeyFile {
    /// Reads a key file that only its owner can read.
    pub(crate) fn open(path: &Path) -> Result<Self, Diagnostic> {
        let text = read_secret_text(path)?;
        let secret = parse(&text).map_err(|unusable| unusable.of_file(path))?;
        let public = public_half(&secret).ok_or_else(|| Unusable::WeakKey.of_file(path))?;
        Ok(Self { path: path.to_owned(), secret, public })
    }

    /// A new key from the operating system's randomness, and its PEM text.
    pub(crate) fn generate() -> Result<(PublicKey, Zeroizing<String>), Diagnostic> {
        // Version 1, without the public key: what openssl writes, and what every reader reads.
        let mut pair = KeypairBytes { secret_key: [0; 32], public_key: None };
        getrandom::fill(&mut pair.secret_key).map_err(|e| {
            Diagnostic::environment(
                "operating-system-gave-no",
                format_args!("the operating system gave no randomness: {e}"),
            )
        })?;
        let pem = pair.to_pkcs8_pem(LineEnding::LF).map_err(|e| {
            Diagnostic::environment("internal", format_args!("writing PEM failed: {e}"))
        })?;
        // Read back as any reader will, so that the public key that is shown belongs to the text
        // that is written.
        let secret = parse(&pem)
            .map_err(|unusable| Diagnostic::environment("environment", unusable.to_string()))?;
        let public = public_half(&secret).ok_or_else(|| {
            Diagnostic::environment("new-key", format_args!("new key: {}", Unusable::WeakKey))
        })?;
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

    fn answer(&mut self, message: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        Ok(self.secret.sign(message).to_bytes().to_vec())
    }
}

fn public_half(secret: &SigningKey) -> Option<PublicKey> {
    PublicKey::from_bytes(secret.verifying_key().as_bytes()).ok()
}

fn read_secret_text(path: &Path) -> Result<Zeroizing<String>, Diagnostic> {
    // Before its mode is judged: a public key may be readable by everyone.
    if !contains(&read_start(open_regular(path)?, path, MAX_KEY_FILE_BYTES)?, b"PRIVATE KEY") {
        return Err(Unusable::NotAKey.of_file(path));
    }
    let bytes = read_secret(path, MAX_KEY_FILE_BYTES)?;
    std::str::from_utf8(&bytes)
        .map(|text| Zeroizing::new(text.to_owned()))
        .map_err(|_| Unusable::NotAKey.of_file(path))
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
    /// Cut off, altered, or more than one key.
    Damaged,
    /// The public key in the file does not belong to the private key. Signing with the wrong half
    /// would reveal the key.
    PublicDiffers,
    /// A public key that is refused. No private key is known to have one.
    WeakKey,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAKey => "not a private key in PKCS#8 PEM or OpenSSH format",
            Self::EncryptedPkcs8 | Self::EncryptedOpenssh => "the private key is encrypted",
            Self::OtherAlgorithm => "a private key of another algorithm",
            Self::Damaged => "the private key is damaged",
            Self::PublicDiffers => "the file's public key does not belong to its private key",
            Self::WeakKey => "the public key of this private key is weak",
        })
    }
}

impl Unusable {
    fn of_file(&self, path: &Path) -> Diagnostic {
        let refused = Diagnostic::artefact("private-key", self).at(path.display());
        let refused = match self {
            Self::OtherAlgorithm => refused.expected("Ed25519"),
            _ => refused,
        };
        refused.hint(self.hint(path))
    }

    fn hint(&self, path: &Path) -> String {
        let (path, program) = (path.display(), PROGRAM);
        match self {
            Self::EncryptedOpenssh => format!(
                "run `ssh-add {path}`, which asks for the passphrase, then sign with --ssh-agent \
                 --public-key {path}.pub"
            ),
            Self::EncryptedPkcs8 => format!(
                "sign with --signer-cmd and a program that asks for the passphrase (`{program} \
                 sign --help` has one that uses openssl)"
            ),
            Self::Damaged | Self::PublicDiffers => "restore the key from its backup".into(),
            Self::NotAKey | Self::OtherAlgorithm | Self::WeakKey => format!(
                "make a key with `{program} key new FILE`, or with `openssl genpkey -algorithm \
                 ed25519`"
            ),
        }
    }
}

/// Reads the first private key block of the text.
fn parse(text: &str) -> Result<SigningKey, Unusable> {
    let start = block_start(text.as_bytes(), b"PRIVATE KEY-----").ok_or(Unusable::NotAKey)?;
    let block = &text[start..];
    match pem::decode_label(block.as_bytes()) {
        Ok("PRIVATE KEY") => parse_pkcs8(block),
        Ok("OPENSSH PRIVATE KEY") => parse_openssh(block),
        Ok("ENCRYPTED PRIVATE KEY") => Err(Unusable::EncryptedPkcs8),
        Ok("RSA PRIVATE KEY" | "EC PRIVATE KEY" | "DSA PRIVATE KEY") => {
            Err(Unusable::OtherAlgorithm)
        }
        _ => Err(Unusable::NotAKey),
    }
}

fn parse_pkcs8(text: &str) -> Result<SigningKey, Unusable> {
    let pair = KeypairBytes::from_pkcs8_pem(text).map_err(|error| match error {
        Pkcs8Error::PublicKey(SpkiError::OidUnknown { .. }) => Unusable::OtherAlgorithm,
        _ => Unusable::Damaged,
    })?;
    // What can still fail is the comparison with the public key in the file.
    SigningKey::try_from(&pair).map_err(|_| Unusable::PublicDiffers)
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
    const V1: &str = "-----BEGIN PRIVATE \
                      KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                      -----END PRIVATE KEY-----\n";
    const V2: &str = "-----BEGIN PRIVATE \
                      KEY-----\nMHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                      oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB\n\
                      Z9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
    const X25519: &str = "-----BEGIN PRIVATE \
                          KEY-----\nMC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/\
                          HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

    fn public(text: &str) -> String {
        public_half(&parse(text).unwrap()).unwrap().to_string()
    }

    #[test]
    fn both_versions_of_pkcs8_hold_the_key_of_the_rfc() {
        assert_eq!(public(V1), PUBLIC);
        assert_eq!(public(V2), PUBLIC);
        assert_eq!(public(&V1.replace('\n', "\r\n")), PUBLIC);
    }

    /// The RFC's key in OpenSSH's format, by PROTOCOL.key. (Files of ssh-keygen itself are read in
    /// tests/signing_cli.rs.)
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
