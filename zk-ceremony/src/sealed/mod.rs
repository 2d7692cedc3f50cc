//! Proving keys at rest in age's format: sealed to several parties, each of whom opens them.
//!
//! A recipient is what `age` knows (X25519, `age1...`; a plugin's, `age1NAME1...`), or a P-256 key
//! in a token, `age1tag1...`, to which any age client can seal, and which [`token`] opens without
//! the private half leaving the token. A verifier needs none of this: who has a proving key can
//! make proofs of true statements, and no others.

mod hpke;
mod token;

use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::str::FromStr;

use age::{Callbacks, DecryptError, Decryptor, Encryptor, IdentityFile};
use zeroize::Zeroizing;
use zk_attest::diagnostic::Diagnostic;

use crate::cli::sealing::OpenerArgs;
use crate::prompt;
use crate::signer::secret::read_secret;
pub(crate) use token::TokenIdentity;

/// Bytes of a file with identities at most.
const MAX_IDENTITY_BYTES: usize = 64 * 1024;
/// Bytes that are moved at once, and wiped after.
const PART: usize = 64 * 1024;
/// Recipients at most: a header is read whole.
const MAX_RECIPIENTS: usize = 32;

/// Those to whom a file is sealed.
pub(crate) struct Recipients(Vec<Box<dyn age::Recipient + Send>>);

impl std::fmt::Debug for Recipients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} recipients", self.0.len())
    }
}

impl Recipients {
    /// Reads recipients as age writes them.
    pub(crate) fn parse(texts: &[String]) -> Result<Self, Diagnostic> {
        if texts.is_empty() || texts.len() > MAX_RECIPIENTS {
            return Err(Diagnostic::environment("recipients", "nobody or too many to seal to")
                .found(format_args!("{} recipients", texts.len()))
                .expected(format_args!("1 to {MAX_RECIPIENTS}")));
        }
        texts.iter().map(|text| recipient(text)).collect::<Result<_, _>>().map(Self)
    }

    /// Seals what is written into the answer, which must be finished.
    pub(crate) fn seal<W: Write>(
        &self,
        output: W,
    ) -> Result<age::stream::StreamWriter<W>, Diagnostic> {
        let failed = |error: &dyn std::fmt::Display| {
            Diagnostic::environment("sealing", format_args!("sealing failed: {error}"))
        };
        let all = self.0.iter().map(|recipient| recipient.as_ref() as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(all).map_err(|error| failed(&error))?;
        encryptor.wrap_output(output).map_err(|error| failed(&error))
    }
}

fn recipient(text: &str) -> Result<Box<dyn age::Recipient + Send>, Diagnostic> {
    let refused = |why: &dyn std::fmt::Display| {
        Diagnostic::environment("recipient", format_args!("this is not a recipient: {why}"))
            .at("a recipient")
            // What looks like an identity is secret.
            .found(if text.to_ascii_uppercase().starts_with("AGE-") { "an identity" } else { text })
            .expected("age1..., age1tag1... of a token, or a plugin's age1NAME1...")
            .hint(
                "`age-keygen -y` prints the recipient of an identity, `key recipient` that of a \
                 token",
            )
    };
    if text.starts_with("age1tag1") {
        let recipient = age::tag::Recipient::from_str(text).map_err(|why| refused(&why))?;
        return Ok(Box::new(recipient));
    }
    if let Ok(recipient) = age::x25519::Recipient::from_str(text) {
        return Ok(Box::new(recipient));
    }
    let plugin = age::plugin::Recipient::from_str(text).map_err(|why| refused(&why))?;
    let name = plugin.plugin().to_owned();
    let recipient = age::plugin::RecipientPluginV1::new(&name, &[plugin], &[], Terminal)
        .map_err(|error| refused(&error))?;
    Ok(Box::new(recipient))
}

/// What plugins ask and say.
#[derive(Clone, Copy)]
struct Terminal;

impl Callbacks for Terminal {
    fn display_message(&self, message: &str) {
        eprintln!("{}", message.escape_debug());
    }

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn request_public_string(&self, _: &str) -> Option<String> {
        None
    }

    fn request_passphrase(&self, description: &str) -> Option<age::secrecy::SecretString> {
        let asked = format!("{}: ", description.escape_debug());
        prompt::hidden(&asked).ok().map(|typed| typed.to_string().into())
    }
}

/// Opens a sealed file and writes what is in it, part by part. What is written is whole only when
/// this returns: the caller gives it a name after.
pub(crate) fn open(
    sealed: &Path,
    input: impl Read,
    opener: &OpenerArgs,
    output: &mut impl Write,
) -> Result<u64, Diagnostic> {
    let refused = |error: DecryptError| refusal(sealed, &error);
    let decryptor = Decryptor::new_buffered(BufReader::new(input)).map_err(refused)?;
    let mut opened = match &opener.identity {
        Some(path) => {
            let bytes = read_secret(path, MAX_IDENTITY_BYTES)?;
            let file = IdentityFile::from_buffer(&bytes[..]).map_err(|_| {
                // The error may quote what it found.
                Diagnostic::environment("identity", "this is not a file of age identities")
                    .at(path.display())
                    .expected("AGE-SECRET-KEY-1... or AGE-PLUGIN-NAME-1..., one in a line")
            })?;
            let identities = file.with_callbacks(Terminal).into_identities().map_err(refused)?;
            let all = identities.iter().map(|it| it.as_ref() as &dyn age::Identity);
            decryptor.decrypt(all).map_err(refused)?
        }
        None => {
            let identity = TokenIdentity::open(opener)?;
            let opened = decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity));
            opened.map_err(|error| identity.failure().unwrap_or_else(|| refusal(sealed, &error)))?
        }
    };
    let mut part = Zeroizing::new(vec![0; PART]);
    let mut length = 0;
    loop {
        let read = match opened.read(&mut part) {
            Ok(0) => return Ok(length),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                return Err(Diagnostic::artefact(
                    "sealed-damaged",
                    format_args!("the sealed file is not as it was made: {error}"),
                )
                .at(sealed.display())
                .hint("take another copy of it: nothing of this one is kept"));
            }
        };
        output.write_all(&part[..read]).map_err(|error| {
            Diagnostic::environment("writing", format_args!("writing failed: {error}"))
        })?;
        length += read as u64;
    }
}

fn refusal(sealed: &Path, error: &DecryptError) -> Diagnostic {
    match error {
        DecryptError::NoMatchingKeys => {
            Diagnostic::environment("not-a-recipient", "the file is not sealed to this key")
                .at(sealed.display())
                .hint("open it with the identity or the token of one of its recipients")
        }
        DecryptError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            Diagnostic::environment("io", format_args!("reading failed: {error}"))
                .at(sealed.display())
        }
        error => Diagnostic::artefact(
            "sealed-damaged",
            format_args!("this is not a sealed file, or it is damaged: {}", one_line(error)),
        )
        .at(sealed.display())
        .hint("take another copy of it"),
    }
}

fn one_line(error: &impl std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
