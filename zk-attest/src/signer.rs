//! What the ceremony and the bundle ask of the holder of a key.

use crate::diagnostic::Diagnostic;
use crate::envelope::Envelope;
use crate::key::{PublicKey, SignatureBytes};

/// Signs with one Ed25519 key.
pub trait Signer {
    /// The key.
    fn public_key(&self) -> &PublicKey;
    /// What kind of signer, for people: `key file release.pem`, `PKCS#11 token "release"`.
    fn description(&self) -> String;
    /// Signs the PAE of a statement. Implementations verify what comes back from the holder of the
    /// key.
    ///
    /// # Errors
    /// Whatever the signer has to say to people.
    fn sign(&mut self, message: &[u8]) -> Result<SignatureBytes, Diagnostic>;
}

/// Adds a signer's signature to an envelope.
///
/// # Errors
/// The signer's; or a signature that does not verify.
pub fn sign_envelope(signer: &mut dyn Signer, envelope: &mut Envelope) -> Result<(), Diagnostic> {
    let signature = signer.sign(&envelope.pae())?;
    let key = *signer.public_key();
    envelope.add_signature(&key, &signature).map_err(|refusal| {
        Diagnostic::environment("signature", refusal.what())
            .at(signer.description())
            .hint("the signer answered with a signature of another key or message")
    })
}
