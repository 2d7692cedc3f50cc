//! `key`: make a private key, show a public one, ask a signer for its own.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};

use zk_attest::diagnostic::Diagnostic;

use crate::cli::sealing::{OpenFile, RecipientOfToken, SealFile};
use crate::cli::signing::{KeyOfSigner, NewKeyFile, ShowKey};
use crate::failure;
use crate::outcome::{self, made};
use crate::output::{Output, READERS, open};
use crate::sealed::{self, Recipients, TokenIdentity};
use crate::show::leave_stdout;
use crate::signer::{KeyFile, read_public_key};
use crate::watching::say;

impl NewKeyFile {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let mut output = self.output.create_private(&[])?;
        let (key, pem) = KeyFile::generate()?;
        output
            .write_all(pem.as_bytes())
            .map_err(|e| failure::io(&self.output.path, "writing", &e))?;
        output.commit()?;
        let path = &self.output.path;
        say!("{}: private key, {READERS}: keep it secret, and keep a backup", path.display());
        say!("fingerprint  {}", key.fingerprint());
        outcome::record(path, "private key");
        outcome::value("public_key", key);
        Ok(())
    }
}

impl ShowKey {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        outcome::value("public_key", read_public_key(&self.file)?);
        Ok(())
    }
}

impl KeyOfSigner {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let signer = self.signer.open()?;
        say!("{}, fingerprint {}", signer.description(), signer.public_key().fingerprint());
        outcome::value("public_key", signer.public_key());
        Ok(())
    }
}

impl SealFile {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let recipients = Recipients::parse(&self.to)?;
        let mut input: File = open(&self.file)?;
        let mut output = Output::create(&self.out, self.force, &[&self.file])?;
        let failed = |error| failure::io(&self.out, "writing", &error);
        let mut sealed = recipients.seal(&mut output)?;
        io::copy(&mut input, &mut sealed).map_err(failed)?;
        sealed.finish().map_err(failed)?;
        output.commit()?;
        made(&self.out, format_args!("sealed to {recipients:?}, any one of whom opens it"));
        Ok(())
    }
}

impl OpenFile {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let input = open(&self.file)?;
        let Some(path) = &self.out else {
            leave_stdout();
            let mut stdout = io::stdout().lock();
            if stdout.is_terminal() {
                return Err(Diagnostic::environment(
                    "terminal",
                    "a key is not text for a terminal",
                )
                .hint("send it into a pipe, or give --out FILE"));
            }
            sealed::open(&self.file, input, &self.opener, &mut stdout)?;
            return stdout
                .flush()
                .map_err(|error| failure::io("stdout".as_ref(), "writing", &error));
        };
        let mut output = Output::create_private(path, self.force, &[&self.file])?;
        let length = sealed::open(&self.file, input, &self.opener, &mut output)?;
        output.commit()?;
        made(path, format_args!("opened, {length} bytes, {READERS}"));
        Ok(())
    }
}

impl RecipientOfToken {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        outcome::value("recipient", TokenIdentity::open(&self.opener)?.recipient()?);
        Ok(())
    }
}
