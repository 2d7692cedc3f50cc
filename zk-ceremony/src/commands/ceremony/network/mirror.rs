//! `ceremony mirror`: a copy that grows with the ceremony, verified as it grows.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use ceremony_folder::audit::{keep, one_line};
use ceremony_folder::{Auditor, Ceremony, Established, Stage, Step, Track, Verification};
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
use crate::commands::ceremony::{parse_label, this_tool};
use crate::progress::Bars;
use crate::signer::Signer;

/// How a mirror says that it verified.
const METHOD: &str = "each step verified once, as it appeared";

/// A copy that is being kept.
struct Mirror<'a> {
    client: &'a Client,
    copy: WorkingCopy,
    verifies: bool,
    established: Established,
    /// Who signs verdicts, and the result.
    signing: Option<Signing>,
}

struct Signing {
    signer: Box<dyn Signer>,
    name: Label,
}

impl MirrorArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let client = self.service.client()?;
        let signing = if self.verify && self.signer.is_named() {
            let name = parse_label("--as", self.name.as_deref().unwrap_or("mirror"))?;
            Some(Signing { signer: self.signer.open()?, name })
        } else {
            None
        };
        let config = agreed_rules(&client, self.rules.as_deref())?;
        let mut mirror = Mirror {
            client: &client,
            copy: WorkingCopy::open(&self.folder, config)?,
            verifies: self.verify,
            established: Established::default(),
            signing,
        };
        let mut info = client.info(None)?;
        loop {
            mirror.follow()?;
            if self.once || mirror.has_all(&info) {
                break;
            }
            info = client.info(Some(info.version))?;
        }
        mirror.conclude(self.approve)
    }
}

impl Mirror<'_> {
    /// Whether nothing more is to come: a mirror that signs does so while the service waits for
    /// it.
    fn has_all(&self, info: &CeremonyInfo) -> bool {
        let is_complete = info.stage == StageInfo::Closed && info.bundle;
        info.finished || is_complete && self.signing.is_some()
    }

    /// Fetches what is new, and verifies it.
    fn follow(&mut self) -> Result<(), Diagnostic> {
        let steps = self.steps()?;
        let updated = self.copy.update(self.client, |_| true, &Bars::default())?;
        if let Some((name, kept)) = updated.set_aside.iter().find(|(name, _)| steps.contains(name))
        {
            // Steps never change: this is another history, and the copy is the evidence.
            return Err(Diagnostic::artefact(
                "history-changed",
                "the service has another file under the name of a step that this copy has",
            )
            .at(name)
            .found(format_args!("another file; the one before is kept as {}", kept.display()))
            .expected("the same file")
            .hint("keep this copy and the journal, and tell the participants"));
        }
        self.copy.update_journal(self.client)?;
        for name in &updated.fetched {
            eprintln!("fetched {name}");
        }
        let ceremony = Ceremony::open(self.copy.root())?;
        if !self.verifies || ceremony.phase1.steps.is_empty() {
            return Ok(());
        }
        let before = std::mem::take(&mut self.established);
        let mut verification = Verification::following(&ceremony, before)?;
        for part in verification.parts().to_vec() {
            let (title, step) = (verification.title(&part), verification.step(&part));
            let start = Instant::now();
            let Some(result) = verification.next_part(&Bars::default()) else { break };
            if let Err(error) = result {
                let error = Diagnostic::from(&error);
                if error.blame == Blame::Artefact {
                    self.give_verdict(&ceremony, step, Some(one_line(&error.to_string())))?;
                    self.report_failure(&ceremony, &title, &error)?;
                }
                return Err(error);
            }
            eprintln!("verified {title} ({:.2} s)", start.elapsed().as_secs_f64());
            self.give_verdict(&ceremony, step, None)?;
        }
        self.established = verification.established();
        Ok(())
    }

    /// The names of the files of this copy's steps.
    fn steps(&self) -> Result<BTreeSet<String>, Diagnostic> {
        let ceremony = Ceremony::open(self.copy.root())?;
        let folder = &ceremony.folder;
        let relative = |path: &Path| {
            let path = path.strip_prefix(folder.root()).unwrap_or(path);
            path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
        };
        let mut names = BTreeSet::new();
        for chain in ceremony.chains() {
            for step in chain.steps.iter().chain(&chain.prepared).filter(|step| step.present) {
                names.insert(relative(&step.path));
                names.insert(relative(&folder.attestation(&chain.track, step.name)));
            }
        }
        Ok(names)
    }

    /// Signs a verdict of a step, keeps it and sends it.
    fn give_verdict(
        &mut self,
        ceremony: &Ceremony,
        step: Option<(&Track, &Step)>,
        bad: Option<Label>,
    ) -> Result<(), Diagnostic> {
        let (Some(signing), Some((track, step))) = (&mut self.signing, step) else {
            return Ok(());
        };
        let auditor = Auditor { name: signing.name.clone(), tool: this_tool() };
        let signer = signing.signer.as_mut();
        let path = ceremony.write_verdict(track, step, bad, &auditor, signer)?;
        let bytes = ceremony.folder.read(&path, Envelope::MAX_BYTES)?;
        let envelope = Envelope::from_json(&bytes).map_err(|it| Diagnostic::from(&it))?;
        self.send(&envelope)
    }

    /// Signs what does not hold, and tells the service.
    fn report_failure(
        &mut self,
        ceremony: &Ceremony,
        title: &str,
        error: &Diagnostic,
    ) -> Result<(), Diagnostic> {
        let Some(signing) = &mut self.signing else { return Ok(()) };
        let words = (signing.name.clone(), Label::from_static(METHOD));
        let text = error.to_string();
        let envelope = sign_what_failed(ceremony, title, &text, words, signing.signer.as_mut())?;
        self.send(&envelope)
    }

    /// The signed result of a finished ceremony, sent to the service; and the approval.
    fn conclude(mut self, approve: bool) -> Result<(), Diagnostic> {
        let ceremony = Ceremony::open_sound(self.copy.root())?;
        let Some(signing) = &mut self.signing else { return Ok(()) };
        if ceremony.stage() != Stage::Closed {
            eprintln!("the ceremony is not finished: there is no result to sign yet");
            return Ok(());
        }
        let established = std::mem::take(&mut self.established);
        let mut verification = Verification::following(&ceremony, established)?;
        verification.run(&Bars::default())?;
        let done = verification.finish()?;
        let words = (signing.name.clone(), Label::from_static(METHOD));
        let (envelope, files) = sign_result(&ceremony, &done, words, signing.signer.as_mut())?;
        let key = *signing.signer.public_key();
        keep(&ceremony, &envelope, &[key])?;
        println!(
            "{}: {files} files verified, signed by {}",
            ceremony.folder.audits().display(),
            key.fingerprint()
        );
        println!("  transcript         {}", done.digest());
        self.send(&envelope)?;
        let Some(signing) = self.signing.as_mut().filter(|_| approve) else { return Ok(()) };
        let verified = Some(done.digest());
        let approver =
            Approver { client: self.client, copy: &self.copy, verified, participant: None };
        approver.sign(signing.signer.as_mut(), true)
    }

    /// Sends a signed result. An auditor whom the service does not accept keeps it.
    fn send(&self, envelope: &Envelope) -> Result<(), Diagnostic> {
        match self.client.send_statement(envelope) {
            Err(error) if error.blame == Blame::Artefact => {
                eprintln!("note: the service did not take the result: {error}");
                Ok(())
            }
            sent => sent,
        }
    }
}
