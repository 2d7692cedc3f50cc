//! `ceremony appoint`: the coordinator lets a service hold the ceremony.

use ceremony_folder::service::appoint;
use ceremony_folder::{Ceremony, FolderLock};
use zk_attest::diagnostic::Diagnostic;

use crate::cli::network::AppointArgs;
use crate::outcome::note;
use crate::signer::named_public_key;

impl AppointArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open_sound(root)?;
        let mut signer = self.signer.open()?;
        let key = named_public_key(&self.service_key)?;
        let origin = ceremony_net::client::origin(&self.origin).map_err(|it| it.at("--origin"))?;
        appoint(&ceremony, key, &origin, signer.as_mut())?;
        note!(
            "the service with the key {} may hold {} at {origin}",
            key.fingerprint(),
            ceremony.config.document().id
        );
        Ok(())
    }
}
