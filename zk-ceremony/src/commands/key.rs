//! `key`: make a private key, show a public one, ask a signer for its own.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};

use zk_attest::diagnostic::Diagnostic;

use crate::cli::sealing::{OpenFile, RecipientOfToken, SealFile};
use crate::cli::signing::{KeyOfSigner, NewKeyFile, ShowKey};
use crate::failure;
use crate::output::{Output, open};
use crate::sealed::{self, Recipients, TokenIdentity};
use crate::signer::{KeyFile, read_public_key};

impl NewKeyFile {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let mut output = self.output.create_private(&[])?;
        let (key, pem) = KeyFile::generate()?;
        output
            .write_all(pem.as_bytes())
            .map_err(|e| failure::io(&self.output.path, "writing", &e))?;
        output.commit()?;
        eprintln!(
            "{}: private key, mode 0600: keep it secret, and keep a backup",
            self.output.path.display()
        );
        eprintln!("fingerprint  {}", key.fingerprint());
        println!("{key}");
        Ok(())
    }
}

impl ShowKey {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        println!("{}", read_public_key(&self.file)?);
        Ok(())
    }
}

impl KeyOfSigner {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let signer = self.signer.open()?;
        eprintln!("{}, fingerprint {}", signer.description(), signer.public_key().fingerprint());
        println!("{}", signer.public_key());
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
        eprintln!("{}: sealed to {recipients:?}, any one of whom opens it", self.out.display());
        Ok(())
    }
}

impl OpenFile {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let input = open(&self.file)?;
        let Some(path) = &self.out else {
            let mut stdout = io::stdout().lock();
            if stdout.is_terminal() {
                return Err(Diagnostic::environment("terminal", "a key is no text for a terminal")
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
        eprintln!("{}: opened, {length} bytes, mode 0600", path.display());
        Ok(())
    }
}

impl RecipientOfToken {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        println!("{}", TokenIdentity::open(&self.opener)?.recipient()?);
        Ok(())
    }
}
