//! `ceremony mirror`: a copy that grows with the ceremony, verified as it grows.

use std::time::Instant;

use ceremony_folder::audit::keep;
use ceremony_folder::{Ceremony, Established, Verification};
use ceremony_net::client::Client;
use ceremony_net::protocol::{CeremonyInfo, StageInfo};
use ceremony_net::sync::WorkingCopy;
use zk_attest::diagnostic::{Blame, Diagnostic};
use zk_attest::envelope::Envelope;
use zk_attest::primitives::Label;

use super::agreed_rules;
use super::approve::Approver;
use crate::cli::network::MirrorArgs;
use crate::commands::ceremony::audit::{sign_result, sign_what_failed};
use crate::commands::ceremony::parse_label;
use crate::progress::Bars;

impl MirrorArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let client = self.service.client()?;
        let config = agreed_rules(&client, self.rules.as_deref())?;
        let mut copy = WorkingCopy::open(&self.folder, config)?;
        let mut established = Established::default();
        let mut info = client.info(None)?;
        loop {
            self.follow(&client, &mut copy, &mut established)?;
            let is_closed = info.stage == StageInfo::Closed;
            if self.once || self.is_the_end(&info) {
                break;
            }
            if is_closed && self.signs() && info.bundle {
                break;
            }
            info = client.info(Some(info.version))?;
        }
        if !self.signs() {
            return Ok(());
        }
        self.conclude(&client, &copy, established)
    }

    fn signs(&self) -> bool {
        self.verify && self.signer.is_named()
    }

    fn is_the_end(&self, info: &CeremonyInfo) -> bool {
        info.finished || info.stage == StageInfo::Closed && info.bundle && !self.signs()
    }

    /// Fetches what is new, and verifies it.
    fn follow(
        &self,
        client: &Client,
        copy: &mut WorkingCopy,
        established: &mut Established,
    ) -> Result<(), Diagnostic> {
        let updated = copy.update(client, |_| true, &Bars::default())?;
        copy.update_journal(client)?;
        for name in &updated.fetched {
            eprintln!("fetched {name}");
        }
        if !self.verify {
            return Ok(());
        }
        let ceremony = Ceremony::open(copy.root())?;
        if ceremony.phase1.steps.is_empty() {
            return Ok(());
        }
        let before = std::mem::take(established);
        let mut verification = Verification::following(&ceremony, before)?;
        let titles: Vec<String> =
            verification.parts().iter().map(|part| verification.title(part)).collect();
        for title in titles {
            let start = Instant::now();
            let Some(result) = verification.next_part(&Bars::default()) else { break };
            if let Err(error) = result {
                let error = Diagnostic::from(&error);
                self.report_failure(client, &ceremony, &title, &error)?;
                return Err(error);
            }
            eprintln!("verified {title} ({:.2} s)", start.elapsed().as_secs_f64());
        }
        *established = verification.established();
        Ok(())
    }

    fn auditor(&self) -> Result<(Label, Label), Diagnostic> {
        let name = parse_label("--as", self.name.as_deref().unwrap_or("mirror"))?;
        Ok((name, Label::from_static("each step verified once, as it appeared")))
    }

    /// Signs what does not hold, and tells the service.
    fn report_failure(
        &self,
        client: &Client,
        ceremony: &Ceremony,
        title: &str,
        error: &Diagnostic,
    ) -> Result<(), Diagnostic> {
        if !self.signs() || error.blame != Blame::Artefact {
            return Ok(());
        }
        let mut signer = self.signer.open()?;
        let text = error.to_string();
        let envelope = sign_what_failed(ceremony, title, &text, self.auditor()?, signer.as_mut())?;
        send(client, &envelope)
    }

    /// The signed result, sent to the service.
    fn conclude(
        &self,
        client: &Client,
        copy: &WorkingCopy,
        established: Established,
    ) -> Result<(), Diagnostic> {
        let ceremony = Ceremony::open_sound(copy.root())?;
        if ceremony.stage() != ceremony_folder::Stage::Closed {
            eprintln!("the ceremony is not finished: there is no result to sign yet");
            return Ok(());
        }
        let mut verification = Verification::following(&ceremony, established)?;
        verification.run(&Bars::default())?;
        let done = verification.finish()?;
        let mut signer = self.signer.open()?;
        let (envelope, files) = sign_result(&ceremony, &done, self.auditor()?, signer.as_mut())?;
        let key = *signer.public_key();
        let path = keep(&ceremony, &envelope, &[key]).map(|_| ceremony.folder.audits())?;
        println!("{}: {files} files verified, signed by {}", path.display(), key.fingerprint());
        println!("  transcript         {}", done.digest());
        send(client, &envelope)?;
        if !self.approve {
            return Ok(());
        }
        let verified = Some(done.digest());
        let approver = Approver { client, copy, verified, participant: None };
        approver.sign(signer.as_mut(), true)
    }
}

/// Sends a signed result. Somebody whom the coordinator does not hear keeps it.
fn send(client: &Client, envelope: &Envelope) -> Result<(), Diagnostic> {
    match client.send_statement(envelope) {
        Err(error) if error.blame == Blame::Artefact => {
            eprintln!("note: the service did not take the result: {error}");
            Ok(())
        }
        sent => sent,
    }
}
