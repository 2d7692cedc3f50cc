//! `key`: make a private key, show a public one, ask a signer for its own.

use std::io::Write as _;

use zk_attest::diagnostic::Diagnostic;

use crate::cli::signing::{KeyOfSigner, NewKeyFile, ShowKey};
use crate::failure;
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
