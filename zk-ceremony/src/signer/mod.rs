//! Whoever signs: one interface over key files, key services, agents and tokens.
//!
//! A back end hands a message to whatever holds the key, and is not believed: [`Checked`] is the one way from a back end to a [`Signer`]. It
//! lets nothing be signed but the PAE of an in-toto statement, and nothing come back but 64 bytes that verify under the key that was named.

#[cfg(unix)]
mod agent;
mod command;
mod file;
mod pkcs11;
mod secret;
mod ssh_wire;

use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zk_attest::envelope::{Envelope, PAYLOAD_TYPE};
use zk_attest::file::read_regular;
use zk_attest::key::{PublicKey, SignatureBytes};

pub(crate) use crate::cli::signing::SignerArgs;
use crate::error::CliError;

pub(crate) use file::KeyFile;

/// Characters of a public key with its comment: an ssh line with a long one.
const MAX_PUBLIC_KEY_BYTES: usize = 4096;

/// Somebody who signs with one Ed25519 key.
pub(crate) trait Signer {
    /// The key.
    fn public_key(&self) -> &PublicKey;
    /// What kind of signer, for people ("key file release.pem", "PKCS#11 token \"release\"").
    fn description(&self) -> String;
    /// Signs a PAE. What comes back has been verified under [`Signer::public_key`].
    fn sign(&mut self, message: &[u8]) -> Result<SignatureBytes, CliError>;
}

/// Something that holds a key.
trait Backend {
    fn public_key(&self) -> &PublicKey;
    fn description(&self) -> String;
    /// What it answers to a message: bytes that nobody has looked at.
    fn answer(&mut self, message: &[u8]) -> Result<Vec<u8>, CliError>;
}

/// A back end whose messages and answers are checked.
struct Checked<B>(B);

impl<B: Backend> Signer for Checked<B> {
    fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }

    fn description(&self) -> String {
        self.0.description()
    }

    fn sign(&mut self, message: &[u8]) -> Result<SignatureBytes, CliError> {
        envelope_of_pae(message)?;
        let answer = self.0.answer(message)?;
        let fault = |what: String| CliError::environment(format!("{}: {what}", self.description()));
        let signature = SignatureBytes::try_from(answer.as_slice()).map_err(|_| {
            fault(format!("the answer is no Ed25519 signature\n  found     {} bytes\n  expected  64 bytes, R then S", answer.len()))
                .hint("have the signer return a plain (not prehashed) Ed25519 signature, raw or in base64")
        })?;
        if self.public_key().verify(message, &signature) {
            return Ok(signature);
        }
        Err(fault(format!("the signature does not verify\n  expected  one by {} over the message as it is", self.public_key()))
            .hint("the signer holds another key, or signs a hash of the message: name the right key, and ask it for plain Ed25519"))
    }
}

impl SignerArgs {
    /// The signer that was named, whose key is the one that `--public-key` names, if it does.
    pub(crate) fn open(&self) -> Result<Box<dyn Signer>, CliError> {
        let named = self.public_key.as_deref().map(named_public_key).transpose()?;
        let needed = || {
            named.ok_or_else(|| {
                CliError::environment("the signer's public key is not known")
                    .hint("add --public-key HEX")
            })
        };
        let limit = Duration::from_secs(self.signer_timeout);
        let backend = &self.backend;
        let signer: Box<dyn Signer> = if let Some(path) = &backend.key {
            Box::new(Checked(KeyFile::open(path)?))
        } else if let Some(module) = &backend.pkcs11_module {
            Box::new(Checked(pkcs11::Token::open(module, &self.token, named)?))
        } else if let Some(program) = &backend.signer_cmd {
            Box::new(Checked(command::Program::new(program, &self.signer_arg, needed()?, limit)))
        } else {
            open_agent(needed()?, limit)?
        };
        match named {
            Some(named) if named != *signer.public_key() => Err(CliError::environment(format!(
                "{}: not the key that --public-key names\n  found     {}\n  expected  {named}",
                signer.description(),
                signer.public_key()
            ))
            .hint("name the signer of that key, or the public key of that signer")),
            _ => Ok(signer),
        }
    }
}

#[cfg(unix)]
fn open_agent(key: PublicKey, limit: Duration) -> Result<Box<dyn Signer>, CliError> {
    Ok(Box::new(Checked(agent::Agent::open(key, limit)?)))
}

#[cfg(not(unix))]
fn open_agent(_: PublicKey, _: Duration) -> Result<Box<dyn Signer>, CliError> {
    Err(CliError::environment("--ssh-agent needs a Unix system")
        .hint("sign with --key, --pkcs11-module or --signer-cmd"))
}

/// The signature in a program's answer or in a file: 64 bytes or their base64, with a line feed or without. The length says which, so that
/// nothing is tried twice. Other lengths are handed on as they are, to be refused as what they are.
pub(crate) fn decode_signature(bytes: &[u8]) -> Result<Vec<u8>, base64::DecodeError> {
    let line = bytes.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    // 64 bytes are a signature even if the last one is a line feed.
    match line.filter(|_| bytes.len() != 64).unwrap_or(bytes) {
        base64 if base64.len() == 88 => STANDARD.decode(base64),
        raw => Ok(raw.to_vec()),
    }
}

/// What `work` answers, unless it takes too long. Work that hangs is left behind: the process is about to end with an error.
fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (send, receive) = mpsc::sync_channel(1);
    thread::spawn(move || send.send(work()));
    receive.recv_timeout(limit).ok()
}

/// Adds the signer's signature to an envelope.
pub(crate) fn sign_envelope(
    signer: &mut dyn Signer,
    envelope: &mut Envelope,
) -> Result<(), CliError> {
    let signature = signer.sign(&envelope.pae())?;
    envelope
        .add_signature(signer.public_key(), &signature)
        .map_err(|refusal| CliError::refusal(Path::new("envelope"), &refusal))
}

/// The envelope of which these bytes are the PAE. Nothing else is ever signed: a key that signs our statements signs only those.
pub(crate) fn envelope_of_pae(message: &[u8]) -> Result<Envelope, CliError> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} ", PAYLOAD_TYPE.len());
    let rest = message.strip_prefix(head.as_bytes());
    let payload = rest.and_then(|rest| {
        rest.iter().position(|byte| *byte == b' ').map(|space| &rest[space + 1..])
    });
    let envelope = payload.and_then(|payload| Envelope::unsigned(payload.to_vec()).ok());
    envelope.filter(|envelope| envelope.pae() == message).ok_or_else(|| {
        CliError::artefact("these bytes are not the PAE of a statement\n  expected  \"DSSEv1 28 application/vnd.in-toto+json\", the length, the statement; at most 4096 bytes")
            .hint("make the file with `cargo xtask sign prepare` and carry it over unchanged")
    })
}

/// A public key given as hex digits, as an ssh line, or as the name of a file.
pub(crate) fn named_public_key(text: &str) -> Result<PublicKey, CliError> {
    let written_out = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        || text.starts_with("ssh-ed25519 ");
    if written_out {
        return PublicKey::from_text(text)
            .map_err(|refusal| CliError::refusal(Path::new(text), &refusal));
    }
    read_public_key(Path::new(text))
}

/// A public key from a file: hex digits, SPKI PEM, an ssh line, or a private key file, whose public half it is.
pub(crate) fn read_public_key(path: &Path) -> Result<PublicKey, CliError> {
    if file::is_private(path)? {
        return KeyFile::open(path).map(|key| *key.public_key());
    }
    let bytes = read_regular(path, MAX_PUBLIC_KEY_BYTES);
    let key = bytes.and_then(|bytes| PublicKey::from_text(&String::from_utf8_lossy(&bytes)));
    key.map_err(|refusal| CliError::refusal(path, &refusal))
}

#[cfg(test)]
mod tests {
    use zk_attest::envelope::pae;

    use super::*;

    /// A back end that answers what it is told to.
    struct Liar(PublicKey, Vec<u8>);

    impl Backend for Liar {
        fn public_key(&self) -> &PublicKey {
            &self.0
        }
        fn description(&self) -> String {
            "liar".into()
        }
        fn answer(&mut self, _: &[u8]) -> Result<Vec<u8>, CliError> {
            Ok(self.1.clone())
        }
    }

    fn rfc8032() -> PublicKey {
        PublicKey::from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
            .unwrap()
    }

    #[test]
    fn an_answer_that_is_no_signature_of_the_key_is_refused() {
        for (length, words) in
            [(0, "0 bytes"), (63, "63 bytes"), (65, "65 bytes"), (64, "does not verify")]
        {
            let error = Checked(Liar(rfc8032(), vec![7; length]))
                .sign(&pae(PAYLOAD_TYPE, b"{}"))
                .unwrap_err()
                .to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_signature_is_read_raw_and_in_base64_with_and_without_a_line_feed() {
        // A signature may itself end in a line feed.
        let signature: Vec<u8> = (0..63).chain([b'\n']).collect();
        let base64 = STANDARD.encode(&signature).into_bytes();
        for form in [&signature, &base64] {
            for end in ["", "\n", "\r\n"] {
                assert_eq!(
                    decode_signature(&[form, end.as_bytes()].concat()).unwrap(),
                    signature,
                    "{end:?}"
                );
            }
        }
    }

    #[test]
    fn other_lengths_stay_what_they_are_and_are_refused_later() {
        for length in [0, 1, 63, 65, 86, 87, 89, 4096] {
            assert_eq!(decode_signature(&vec![b'A'; length]).unwrap().len(), length);
        }
        assert!(decode_signature(&[b'!'; 88]).is_err());
    }

    #[test]
    fn only_the_pae_of_a_statement_is_signed() {
        let good = pae(PAYLOAD_TYPE, b"{\"a\": 1}");
        assert_eq!(envelope_of_pae(&good).unwrap().payload(), b"{\"a\": 1}");
        let longer = [&good[..], b" "].concat();
        let text = |old: &str, new: &str| {
            String::from_utf8(good.clone()).unwrap().replace(old, new).into_bytes()
        };
        let too_long = pae(PAYLOAD_TYPE, &[b' '; 4096]);
        for bad in [
            &b""[..],
            b"hello",
            &longer,
            &good[..good.len() - 1],
            &text("DSSEv1", "DSSEv2"),
            &text(" 8 ", " 08 "),
            &text("in-toto+json", "in-toto+yaml"),
            &pae("text/plain", b"{}"),
            &too_long,
        ] {
            assert!(envelope_of_pae(bad).is_err(), "{}", String::from_utf8_lossy(bad));
            assert!(
                Checked(Liar(rfc8032(), vec![]))
                    .sign(bad)
                    .unwrap_err()
                    .to_string()
                    .contains("not the PAE")
            );
        }
    }
}
