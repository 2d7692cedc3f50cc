//! Private keys, told by what a file says, in every form that people keep them in. A file that
//! holds one is neither published nor quoted.

use std::io::{ErrorKind, Read};

use zeroize::Zeroizing;
use zk_attest::private_key::line_with_key;
pub use zk_attest::private_key::{contains, marked_key};

/// A file of 64 hexadecimal digits: a seed, a public key and a SHA-256 look the same.
pub const HEX_KEY_DIGITS: &str = "64 hexadecimal digits and nothing else, as a seed has";

/// The kind of private key that `bytes` are or hold. A key that was compressed or encrypted by
/// another program is not seen.
#[must_use]
pub fn key_material(bytes: &[u8]) -> Option<&'static str> {
    marked_key(bytes).or_else(|| shaped_key(bytes))
}

/// The kind of a private key that only its shape tells.
fn shaped_key(bytes: &[u8]) -> Option<&'static str> {
    let trimmed = bytes.trim_ascii();
    if is_der_key(bytes) {
        Some("a private key in DER")
    } else if is_hex(trimmed, 64) {
        Some(HEX_KEY_DIGITS)
    } else if is_hex(trimmed, 128) {
        Some("128 hexadecimal digits and nothing else, as a private key has")
    } else if is_base64_of_32_bytes(trimmed) {
        Some("32 bytes in base64 and nothing else, as a seed has")
    } else if matches!(bytes.len(), 32 | 64) && !bytes.iter().all(|byte| is_text(*byte)) {
        Some("32 or 64 bytes and nothing else, as a seed or a private key has")
    } else {
        None
    }
}

/// Bytes that are looked at together. A key of 64 KiB with its mark is in one of the windows whole,
/// however large the file is.
const WINDOW: usize = 1 << 20;
const OVERLAP: usize = 1 << 16;

/// Where in a file a private key is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Everywhere.
    Everywhere,
    /// Where it begins a line. A document that a program wrote has the words of others inside its
    /// lines; they may be about keys, and must not keep it from being published.
    AtLines,
}

/// Looks through a whole source for a private key, whatever its size. Digits that `is_public` knows
/// are none.
///
/// # Errors
/// When reading fails.
pub fn search(
    mut source: impl Read,
    look: Look,
    is_public: impl Fn(&[u8]) -> bool,
) -> std::io::Result<Option<&'static str>> {
    let marked = |bytes: &[u8]| match look {
        Look::Everywhere => marked_key(bytes),
        Look::AtLines => line_with_key(bytes),
    };
    let mut bytes = Zeroizing::new(vec![0; WINDOW]);
    let mut have = fill(&mut source, &mut bytes)?;
    if have < WINDOW {
        let kind = marked(&bytes[..have]).or_else(|| shaped_key(&bytes[..have]));
        return Ok(kind.filter(|kind| *kind != HEX_KEY_DIGITS || !is_public(&bytes[..have])));
    }
    loop {
        // What is larger than a window is no key by itself: only marks count.
        if let Some(kind) = marked(&bytes[..have]) {
            return Ok(Some(kind));
        }
        if have < WINDOW {
            return Ok(None);
        }
        bytes.copy_within(WINDOW - OVERLAP.., 0);
        have = OVERLAP + fill(&mut source, &mut bytes[OVERLAP..])?;
    }
}

/// Reads until a buffer is full or the source ends; gives how much was read.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match source.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// A DER sequence as long as the file that begins with a small version number: PKCS#1, PKCS#8,
/// SEC1 and PKCS#12. Public keys and certificates begin with a sequence; a query for a time stamp
/// (RFC 3161) has version 1 and then a sequence of a sequence, where PKCS#8 names an algorithm.
fn is_der_key(bytes: &[u8]) -> bool {
    let [0x30, rest @ ..] = bytes else { return false };
    let (length, content) = match rest {
        [short @ 0..=0x7f, content @ ..] => (usize::from(*short), content),
        [0x81, length, content @ ..] => (usize::from(*length), content),
        [0x82, high, low, content @ ..] => (usize::from(*high) << 8 | usize::from(*low), content),
        _ => return false,
    };
    let is_query = matches!(content, [0x02, 0x01, 0x01, 0x30, _, 0x30, ..]);
    length <= content.len()
        && content.len() - length <= 2
        && !is_query
        && matches!(content, [0x02, 0x01, 0x00 | 0x01 | 0x03, ..])
}

fn is_hex(text: &[u8], digits: usize) -> bool {
    let text = text.strip_prefix(b"0x").unwrap_or(text);
    text.len() == digits && text.iter().all(u8::is_ascii_hexdigit)
}

fn is_base64_of_32_bytes(text: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let digits = text.strip_suffix(b"=").unwrap_or(text);
    digits.len() == 43 && digits.iter().all(digit)
}

fn is_text(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_for_a_time_stamp_is_no_key_and_a_second_version_of_pkcs_8_is_one() {
        let query =
            [&[0x30, 0x39, 0x02, 0x01, 0x01, 0x30, 0x31, 0x30, 0x0d][..], &[6; 50]].concat();
        assert_eq!(key_material(&query), None);
        let key = [&[0x30, 0x51, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03][..], &[7; 74]].concat();
        assert_eq!(key_material(&key), Some("a private key in DER"));
    }

    #[test]
    fn a_key_is_found_wherever_it_is_in_a_file_of_any_size() {
        let key = b"\n-----BEGIN PRIVATE KEY-----\nMC4C\n";
        for before in [0, 10, WINDOW - 40, WINDOW - 20, WINDOW, 2 * WINDOW - OVERLAP - 9, 5 << 20] {
            let text = [&vec![b'x'; before][..], key, b"\nmore"].concat();
            let found = search(text.as_slice(), Look::Everywhere, |_| false).unwrap();
            assert_eq!(found, Some("a private key in a block of text"), "{before}");
        }
        assert_eq!(
            search(vec![b'x'; 3 * WINDOW].as_slice(), Look::Everywhere, |_| false).unwrap(),
            None
        );
        let digits = "ab".repeat(32);
        assert_eq!(
            search(digits.as_bytes(), Look::Everywhere, |_| false).unwrap(),
            Some(HEX_KEY_DIGITS)
        );
        assert_eq!(
            search(digits.as_bytes(), Look::Everywhere, |it| it == digits.as_bytes()).unwrap(),
            None
        );
        // The end of a large file is no file of its own.
        let large = [&vec![b'\n'; WINDOW - OVERLAP][..], &[b'\n'; OVERLAP], &[0xd5; 32]].concat();
        assert_eq!(search(large.as_slice(), Look::Everywhere, |_| false).unwrap(), None);
    }

    #[test]
    fn a_private_key_is_told_in_every_form() {
        let hex = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let der = [&[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05][..], &[7; 41]].concat();
        let sec1 = [&[0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20][..], &[7; 114]].concat();
        let rsa = [&[0x30, 0x82, 0x04, 0xa3, 0x02, 0x01, 0x00][..], &[7; 1184]].concat();
        let upper = hex.to_uppercase();
        let both = format!("{hex}{hex}");
        let prefixed = format!("0x{hex}\n");
        let text = |text: &'static str| text.as_bytes();
        for key in [
            text("-----BEGIN PRIVATE KEY-----\nMC4C"),
            text("Bag Attributes\r\n-----BEGIN ENCRYPTED PRIVATE KEY-----\r\n"),
            text("-----BEGIN EC PRIVATE KEY-----"),
            text("-----BEGIN OPENSSH PRIVATE KEY-----"),
            text("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"),
            text("-----BEGIN PGP PRIVATE KEY BLOCK-----"),
            text("{\"key\": \"-----BEGIN PRIVATE KEY-----\\nMC4C\"}"),
            text("# created: today\nAGE-SECRET-KEY-1GFP"),
            text("PuTTY-User-Key-File-3: ssh-ed25519"),
            text("untrusted comment: minisign encrypted secret key\nRWRT"),
            text("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"nWGx\",\"x\":\"11qY\"}"),
            b"openssh-key-v1\0\0\0\0\x04none",
            &der,
            &sec1,
            &rsa,
            hex.as_bytes(),
            upper.as_bytes(),
            prefixed.as_bytes(),
            both.as_bytes(),
            text("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=\n"),
            &[0xd5; 32],
            &[0xd5; 64],
        ] {
            assert!(key_material(key).is_some(), "{:?}", String::from_utf8_lossy(key));
        }
    }

    #[test]
    fn what_is_public_is_no_private_key() {
        let certificate = [&[0x30, 0x82, 0x01, 0x00, 0x30, 0x81, 0xa0][..], &[7; 253]].concat();
        let spki = [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70][..], &[7; 35]].concat();
        let sums = format!("{}  ceremony.toml\n", "ab".repeat(32));
        let text = |text: &'static str| text.as_bytes();
        for public in [
            text(""),
            text("-----BEGIN PUBLIC KEY-----\nMCow"),
            text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA alice"),
            text("untrusted comment: minisign public key\nRWQf"),
            text("Keep your PRIVATE KEY to yourself, and BEGIN now."),
            text("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qY\"}"),
            text("a note of exactly 32 characters."),
            sums.as_bytes(),
            &certificate,
            &spki,
            &[7; 33],
        ] {
            assert_eq!(key_material(public), None, "{:?}", String::from_utf8_lossy(public));
        }
    }
}
