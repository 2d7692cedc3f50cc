//! Public keys as people have them: 64 hex digits, a PEM block (`BEGIN PUBLIC KEY`, RFC 8410), an
//! `ssh-ed25519` line (RFC 8709), or a private key file, whose public half is meant.
//!
//! People name the wrong file, and that may be a private key. So no message quotes what was read.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::{DecodePublicKey as _, PublicKeyBytes};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::key::PublicKey;

use super::Backend as _;
use super::contents::{block_start, contains, kind};
use super::file::{KeyFile, MAX_KEY_FILE_BYTES};
use super::secret::{open_regular, read_start};
use super::ssh_wire::Fields;
use crate::failure;

/// Longest public key: an ssh line with a long comment, or a PEM block with text before it.
const MAX_PUBLIC_KEY_BYTES: usize = 4096;

/// A public key given as hex digits, as an ssh line, or as the name of a file.
pub(crate) fn named_public_key(text: &str) -> Result<PublicKey, Diagnostic> {
    let written_out = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        || text.starts_with("ssh-ed25519 ");
    if written_out {
        return parse(text.as_bytes()).map_err(|bad| bad.error("the given key", text.len()));
    }
    read_public_key(Path::new(text))
}

/// A public key from a file.
pub(crate) fn read_public_key(path: &Path) -> Result<PublicKey, Diagnostic> {
    let file = open_regular(path)?;
    let length = file.metadata().map_err(|e| failure::io(path, "opening", &e))?.len();
    let bytes = read_start(file, path, MAX_KEY_FILE_BYTES)?;
    if contains(&bytes, b"PRIVATE KEY") {
        return KeyFile::open(path).map(|key| *key.public_key());
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX).max(bytes.len());
    let key = if length > MAX_PUBLIC_KEY_BYTES { Err(Bad::TooLong) } else { parse(&bytes) };
    key.map_err(|bad| bad.error(&path.display().to_string(), length))
}

/// Why something is not a public key that we accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bad {
    /// None of the forms: what it is instead.
    Form(&'static str),
    /// Longer than any public key.
    TooLong,
    /// A PEM block that is damaged, or a key of another algorithm.
    Pem,
    /// The same of an ssh line.
    Ssh,
    /// Hex digits, but not in lower case.
    UpperCase,
    /// Not the canonical encoding of a point of large order.
    Weak,
}

impl Bad {
    fn error(self, place: &str, length: usize) -> Diagnostic {
        let (program, found) = (PROGRAM, self);
        let (what, expected, hint) = match self {
            Self::Weak => (
                "this public key is weak: anyone could sign for it",
                "a canonically encoded Ed25519 point that does not have small order",
                "replace the key: `openssl genpkey -algorithm ed25519` makes one".to_owned(),
            ),
            _ => (
                "not an Ed25519 public key",
                "64 lower-case hex digits, a PEM block `BEGIN PUBLIC KEY`, or an ssh-ed25519 line",
                format!(
                    "name the file of the public key; `{program} key show FILE` prints the public \
                     half of a private key"
                ),
            ),
        };
        Diagnostic::artefact("public-key", what)
            .at(place)
            .found(format_args!("{length} bytes, {found}"))
            .expected(expected)
            .hint(hint)
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form(kind) => kind,
            Self::TooLong => "longer than any public key",
            Self::Pem => "a PEM block that is damaged or of another algorithm",
            Self::Ssh => "an ssh line that is damaged",
            Self::UpperCase => "hex digits in upper case",
            Self::Weak => "an Ed25519 public key",
        })
    }
}

fn parse(bytes: &[u8]) -> Result<PublicKey, Bad> {
    let text = std::str::from_utf8(bytes).map_err(|_| Bad::Form(kind(bytes)))?.trim();
    let key = if let Some(start) = block_start(text.as_bytes(), b" PUBLIC KEY-----") {
        PublicKeyBytes::from_public_key_pem(&text[start..]).map_err(|_| Bad::Pem)?.0
    } else if let Some(rest) = text.strip_prefix("ssh-ed25519 ") {
        ssh_key(rest).ok_or(Bad::Ssh)?
    } else {
        let mut key = [0; 32];
        hex::decode_to_slice(text, &mut key).map_err(|_| Bad::Form(kind(bytes)))?;
        // Documents hold one spelling, and so do we.
        if text.bytes().any(|digit| digit.is_ascii_uppercase()) {
            return Err(Bad::UpperCase);
        }
        key
    };
    PublicKey::from_bytes(&key).map_err(|_| Bad::Weak)
}

/// The key of an ssh line after its algorithm: a blob in base64, then a comment.
fn ssh_key(rest: &str) -> Option<[u8; 32]> {
    let blob = STANDARD.decode(rest.split_ascii_whitespace().next()?).ok()?;
    let mut fields = Fields::new(&blob);
    let (algorithm, key) = (fields.string()?, fields.string()?);
    let whole = algorithm == b"ssh-ed25519" && fields.rest().is_empty();
    key.try_into().ok().filter(|_| whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 8410, section 10.1.
    const PEM: &str = "-----BEGIN PUBLIC \
                       KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
                       -----END PUBLIC KEY-----\n";
    const HEX: &str = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";

    fn ssh_line() -> String {
        let blob = [b"\0\0\0\x0bssh-ed25519\0\0\0\x20", &hex::decode(HEX).unwrap()[..]].concat();
        format!("ssh-ed25519 {} alice@example.org", STANDARD.encode(blob))
    }

    #[test]
    fn pem_ssh_and_hex_of_one_key_are_one_key() {
        let key = PublicKey::from_hex(HEX).unwrap();
        let with_text = format!("Bag Attributes\n    friendlyName: k\n{PEM}");
        for text in
            [PEM, &PEM.replace('\n', "\r\n"), &with_text, HEX, &format!("{HEX}\n"), &ssh_line()]
        {
            assert_eq!(parse(text.as_bytes()), Ok(key), "{text}");
        }
    }

    #[test]
    fn other_keys_are_named_by_their_kind() {
        let x25519 = PEM.replace("K2Vw", "K2Vu");
        let cut = PEM.replace("-----END", "");
        for (text, bad) in [
            (x25519.as_str(), Bad::Pem),
            (&cut, Bad::Pem),
            ("ssh-rsa AAAAB3NzaC1yc2E=", Bad::Form("an ssh key of another algorithm")),
            ("ssh-ed25519 AAAA", Bad::Ssh),
            (&ssh_line().replace("AAAAI", "AAAAH"), Bad::Ssh),
            ("ssh-ed25519", Bad::Form("an ssh key of another algorithm")),
            ("", Bad::Form("an empty file")),
            (&HEX.to_uppercase(), Bad::UpperCase),
            (&HEX[1..], Bad::Form("hex digits")),
            (&"00".repeat(32), Bad::Weak),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(bad), "{text}");
        }
        assert_eq!(parse(&[0x30, 0x2e, 0x02, 0x01, 0x00, 0xff]), Err(Bad::Form("DER")));
    }
}
