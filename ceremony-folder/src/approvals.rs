//! What a ceremony's folder tells of the signatures on its bundle. Whose count is for a policy to
//! say, and a folder has none: of a signature by a key that it does not know nothing is known.

use zk_attest::key::PublicKey;
use zk_vk_guard::bundle::Bundle;

use crate::Ceremony;
use crate::error::{CeremonyError, broken};

/// The signatures of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approvals {
    /// How many keys signed it, of people of the roster and of auditors whose results are here.
    pub verified: usize,
    /// Signatures that verify under none of those.
    pub unknown: usize,
}

impl Approvals {
    /// Looks at every signature of a bundle.
    ///
    /// # Errors
    /// When one names a key of the ceremony and does not verify under it. Messages name the bundle
    /// in the folder.
    pub fn of(ceremony: &Ceremony, bundle: &Bundle) -> Result<Self, CeremonyError> {
        let mut keys: Vec<PublicKey> = ceremony.roster.keys().map(|(_, key)| *key).collect();
        keys.extend(ceremony.audits()?.iter().map(|audit| audit.key));
        let envelope = bundle.envelope();
        let (message, signers) = (envelope.pae(), envelope.signers(&keys));
        let mut unknown = 0;
        for signature in envelope.signatures() {
            if signers.iter().any(|key| key.verify(&message, &signature.signature)) {
                continue;
            }
            if let Some(key) = keys.iter().find(|key| key.key_id().to_string() == signature.keyid) {
                return Err(broken(
                    &ceremony.folder.bundle(),
                    "a signature of the bundle does not verify under the key that it names",
                    "other bytes",
                    format_args!("a signature by {}", key.fingerprint()),
                ));
            }
            unknown += 1;
        }
        Ok(Self { verified: signers.len(), unknown })
    }
}
