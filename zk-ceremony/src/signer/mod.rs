//! Signers: one interface for key files, key services, agents and tokens.
//!
//! A back end passes a message to whatever holds the key, and its answer is not trusted.
//! [`Checked`] is the only way to turn a back end into a [`Signer`]. It signs nothing except the
//! PAE of an in-toto statement, and accepts only 64 bytes that verify under the named key.

#[cfg(unix)]
mod agent;
mod command;
mod contents;
mod file;
pub(crate) mod pkcs11;
mod public_key;
pub(crate) mod secret;
mod ssh_wire;

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;
use std::{fmt, thread};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
pub(crate) use file::KeyFile;
pub(crate) use public_key::{named_public_key, read_public_key};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::envelope::{Envelope, PAYLOAD_TYPE};
use zk_attest::key::{PublicKey, SignatureBytes};
pub(crate) use zk_attest::signer::Signer;

pub(crate) use crate::cli::signing::SignerArgs;
use crate::cli::signing::usual_key;

/// Something that holds a key.
trait Backend {
    fn public_key(&self) -> &PublicKey;
    fn description(&self) -> String;
    /// Its answer to a message: unchecked bytes.
    fn answer(&mut self, message: &[u8]) -> Result<Vec<u8>, Diagnostic>;
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

    fn sign(&mut self, message: &[u8]) -> Result<SignatureBytes, Diagnostic> {
        envelope_of_pae(message)?;
        let answer = self.0.answer(message)?;
        let fault = |what: &str| Diagnostic::environment("signature", what).at(self.description());
        let signature = SignatureBytes::try_from(answer.as_slice()).map_err(|_| {
            fault("the answer is not an Ed25519 signature")
                .found(format_args!("{} bytes", answer.len()))
                .expected("64 bytes, R then S")
                .hint(
                    "make the signer return a plain (not prehashed) Ed25519 signature, raw or in \
                 base64",
                )
        })?;
        if self.public_key().verify(message, &signature) {
            return Ok(signature);
        }
        let signer = self.public_key();
        Err(fault("the signature does not verify")
            .expected(format_args!("a signature by {signer} over the message itself"))
            .hint(
            "the signer has a different key, or signs a hash of the message: name the right key, \
             and ask for plain Ed25519",
        ))
    }
}

impl SignerArgs {
    /// Whether a signer is named.
    pub(crate) fn is_named(&self) -> bool {
        let backend = &self.backend;
        let programs = backend.signer_cmd.is_some() || backend.ssh_agent;
        backend.key.is_some() || backend.pkcs11_module.is_some() || programs
    }

    /// Whether there is a signer: one that is named, or the usual key.
    pub(crate) fn is_there(&self) -> bool {
        self.is_named() || usual_key().is_some()
    }

    /// Opens the named signer, or else the usual key. If `--public-key` is given, the signer must
    /// have that key.
    pub(crate) fn open(&self) -> Result<Box<dyn Signer>, Diagnostic> {
        let named = self.public_key.as_deref().map(named_public_key).transpose()?;
        let needed = || {
            named.ok_or_else(|| {
                Diagnostic::environment(
                    "signer-s-public-key",
                    "the signer's public key is not known",
                )
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
        } else if backend.ssh_agent {
            open_agent(needed()?, limit)?
        } else if let Some(path) = usual_key() {
            Box::new(Checked(KeyFile::open(&path)?))
        } else {
            return Err(Diagnostic::environment("no-signer", "who signs is not said")
                .expected("--key FILE, another signer, or a key file that ZK_CEREMONY_KEY names")
                .hint(format_args!("`{PROGRAM} sign --help` shows every way to sign")));
        };
        match named {
            Some(named) if named != *signer.public_key() => Err(Diagnostic::environment(
                "not-key-public-key",
                "not the key that --public-key names",
            )
            .at(signer.description())
            .found(signer.public_key())
            .expected(named)
            .hint("name the signer that has this key, or the public key of this signer")),
            _ => Ok(signer),
        }
    }
}

/// A key file, for threads of its own.
pub(crate) fn open_key_file(path: &Path) -> Result<Box<dyn Signer + Send>, Diagnostic> {
    Ok(Box::new(Checked(KeyFile::open(path)?)))
}

#[cfg(unix)]
fn open_agent(key: PublicKey, limit: Duration) -> Result<Box<dyn Signer>, Diagnostic> {
    Ok(Box::new(Checked(agent::Agent::open(key, limit)?)))
}

#[cfg(not(unix))]
fn open_agent(_: PublicKey, _: Duration) -> Result<Box<dyn Signer>, Diagnostic> {
    Err(Diagnostic::environment("ssh-agent", "--ssh-agent needs a Unix system")
        .hint("sign with --key, --pkcs11-module or --signer-cmd"))
}

/// Something that should be base64 and is not. It quotes nothing: people name a key file instead of
/// a signature.
#[derive(Debug)]
pub(crate) struct NotBase64;

impl fmt::Display for NotBase64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("88 bytes that are not the base64 of 64 bytes")
    }
}

/// The signature in a program's answer or in a file: 64 bytes or their base64, with or without a
/// line feed. The length says which, so nothing is tried twice. Other lengths are returned
/// unchanged; the caller refuses them.
pub(crate) fn decode_signature(bytes: &[u8]) -> Result<Vec<u8>, NotBase64> {
    let line = bytes.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    // 64 bytes are a signature even if the last one is a line feed.
    match line.filter(|_| bytes.len() != 64).unwrap_or(bytes) {
        base64 if base64.len() == 88 => STANDARD.decode(base64).map_err(|_| NotBase64),
        raw => Ok(raw.to_vec()),
    }
}

/// The result of `work`, unless it takes too long. A thread that hangs is left behind: the process
/// is about to exit with an error.
fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (send, receive) = mpsc::sync_channel(1);
    thread::spawn(move || send.send(work()));
    receive.recv_timeout(limit).ok()
}

/// The envelope whose PAE these bytes are. Nothing else is ever signed: a key that signs our
/// statements signs only those.
pub(crate) fn envelope_of_pae(message: &[u8]) -> Result<Envelope, Diagnostic> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} ", PAYLOAD_TYPE.len());
    let rest = message.strip_prefix(head.as_bytes());
    let payload = rest.and_then(|rest| {
        rest.iter().position(|byte| *byte == b' ').map(|space| &rest[space + 1..])
    });
    let envelope = payload.and_then(|payload| Envelope::unsigned(payload.to_vec()).ok());
    envelope.filter(|envelope| envelope.pae() == message).ok_or_else(|| {
        Diagnostic::artefact("not-a-pae", "these bytes are not the PAE of a statement")
            .expected(
                "\"DSSEv1 28 application/vnd.in-toto+json\", the length, the statement; at most \
                 4096 bytes",
            )
            .hint(format!("make the file with `{PROGRAM} sign prepare` and copy it unchanged"))
    })
}

#[cfg(test)]
mod tests {
    use zk_attest::envelope::pae;

    use super::*;

    /// A back end with a fixed answer.
    struct Liar(PublicKey, Vec<u8>);

    impl Backend for Liar {
        fn public_key(&self) -> &PublicKey {
            &self.0
        }
        fn description(&self) -> String {
            "liar".into()
        }
        fn answer(&mut self, _: &[u8]) -> Result<Vec<u8>, Diagnostic> {
            Ok(self.1.clone())
        }
    }

    fn rfc8032() -> PublicKey {
        PublicKey::from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
            .unwrap()
    }

    #[test]
    fn an_answer_that_is_not_a_signature_by_the_key_is_refused() {
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
