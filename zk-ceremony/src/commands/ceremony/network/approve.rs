//! `ceremony approve`: verifies a finished ceremony from its service, and signs its bundle.

use std::path::Path;

use ceremony_folder::final_keys::{ensure_of_last_files, last_files};
use ceremony_folder::{Ceremony, Track};
use ceremony_net::client::Client;
use ceremony_net::sync::WorkingCopy;
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{FileDigest, TranscriptDigest};
use zk_attest::key::PublicKey;
use zk_attest::primitives::{Label, Timestamp};
use zk_vk_guard::bundle::Bundle;
use zk_vk_guard::transcript::CheckedTranscript;

use super::is_signed_side;
use crate::cli::network::{ApproveArgs, VerifyLevel};
use crate::commands::ceremony::bundle_in;
use crate::commands::ceremony::verify::verified;
use crate::commands::sign::confirm;
use crate::failure;
use crate::outcome::note;
use crate::progress::Bars;
use crate::signer::Signer;
use crate::watching::say;

/// Files that an approval needs.
pub(super) fn is_needed(level: VerifyLevel, name: &str) -> bool {
    level == VerifyLevel::All || is_signed_side(name)
}

/// A signer about to approve a bundle, with a working copy that has what is needed.
pub(super) struct Approver<'a> {
    pub(super) client: &'a Client,
    pub(super) copy: &'a WorkingCopy,
    /// The transcript of a whole verification; without it, the bundle is held to the signed side
    /// and to the last file of each circuit.
    pub(super) verified: Option<TranscriptDigest>,
    /// Whose contributions have to be in the result.
    pub(super) participant: Option<Label>,
}

impl ApproveArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let client = self.service.client()?;
        let mut signer = self.signer.open()?;
        let (config, dir) = self.rules.agreed(&client)?;
        let mut copy = WorkingCopy::open(&dir, config)?;
        let mut info = client.info(None)?;
        if !info.bundle {
            say!("waiting for the bundle");
        }
        while !info.bundle {
            info = client.info(Some(info.version))?;
        }
        // Before the large files are fetched and verified.
        copy.update(&client, is_signed_side, &Bars::default())?;
        let key = *signer.public_key();
        if has_signed(&bundle_in(&copy.ceremony(copy.root())?)?, &key) {
            return Ok(());
        }
        copy.update(&client, |name| is_needed(self.verify, name), &Bars::default())?;
        let verified = whole_verification(&mut copy, &client, self.verify)?;
        let approver = Approver { client: &client, copy: &copy, verified, participant: None };
        approver.sign(signer.as_mut(), self.yes)
    }
}

/// Verifies every file, if that is what is asked for; fetches the last file of each circuit if not,
/// whose keys the bundle must have.
pub(super) fn whole_verification(
    copy: &mut WorkingCopy,
    client: &Client,
    level: VerifyLevel,
) -> Result<Option<TranscriptDigest>, Diagnostic> {
    if level != VerifyLevel::All {
        let last = last_files(&copy.ceremony(copy.root())?);
        copy.update(client, |name| last.iter().any(|it| it == name), &Bars::default())?;
        return Ok(None);
    }
    // It tells whether commitments came before contributions.
    copy.update_journal(client)?;
    let ceremony = Ceremony::open_sound(copy.root())?;
    Ok(Some(verified(&ceremony)?.digest()))
}

/// Whether there is nothing to do, which is said.
fn has_signed(bundle: &Bundle, key: &PublicKey) -> bool {
    let has_signed = bundle.envelope().signers([key]).contains(key);
    if has_signed {
        note!("this key has signed already");
    }
    has_signed
}

fn another_ceremony(path: &Path) -> Diagnostic {
    Diagnostic::artefact("another-ceremony", "the bundle is of another ceremony")
        .at(path.display())
        .hint("tell the coordinator, and do not sign it")
}

/// A transcript tells of the steps that are signed in this folder, and of no others.
fn ensure_tells(
    ceremony: &Ceremony,
    transcript: &CheckedTranscript,
    path: &Path,
) -> Result<(), Diagnostic> {
    let document = transcript.transcript();
    if document.ceremony_toml_sha256 != ceremony.config.digest() {
        return Err(another_ceremony(path)
            .found(document.ceremony_toml_sha256)
            .expected(ceremony.config.digest()));
    }
    for chain in ceremony.chains() {
        let signed: Vec<FileDigest> = chain.steps.iter().skip(1).map(|step| step.file).collect();
        let told: Vec<FileDigest> = match &chain.track {
            Track::Phase1 => {
                document.phase1.steps.iter().map(|step| step.step.file_sha256).collect()
            }
            Track::Circuit(name) => document
                .circuit(name)
                .map(|circuit| circuit.steps.iter().map(|step| step.file_sha256).collect())
                .unwrap_or_default(),
        };
        if signed != told {
            return Err(another_ceremony(path)
                .at(&chain.track)
                .found(format_args!("{} other steps", told.len()))
                .expected(format_args!("the {} signed steps of the chain", signed.len())));
        }
    }
    Ok(())
}

impl Approver<'_> {
    /// Verifies, shows, signs and sends.
    pub(super) fn sign(&self, signer: &mut dyn Signer, yes: bool) -> Result<(), Diagnostic> {
        let ceremony = self.copy.ceremony(self.copy.root())?;
        ceremony.ensure_sound()?;
        let path = ceremony.folder.bundle();
        let refused = |refusal| failure::refusal(&path, &refusal);
        let bundle = bundle_in(&ceremony)?;
        let inspection = bundle.inspect(None, &Timestamp::now()).map_err(refused)?;
        if let Some(name) = &self.participant {
            self.ensure_in_the_result(&ceremony, name)?;
        }
        if let Some(transcript) = self.verified.filter(|it| *it != inspection.transcript_sha256) {
            return Err(another_ceremony(&path)
                .found(inspection.transcript_sha256)
                .expected(transcript));
        }
        let transcript = bundle.checked_transcript().map_err(refused)?;
        ensure_tells(&ceremony, &transcript, &path)?;
        if self.verified.is_none() {
            ensure_of_last_files(&ceremony, &transcript, &Bars::default())?;
        }
        say!("{inspection}");
        let key = *signer.public_key();
        if has_signed(&bundle, &key) {
            return Ok(());
        }
        confirm(
            &format!(
                "Approve this bundle with {} (key {})?",
                signer.description(),
                key.fingerprint()
            ),
            yes,
        )?;
        let signature = signer.sign(&bundle.envelope().pae())?;
        self.client.approve(&key, &signature)?;
        note!("the bundle is signed with {} (key {})", signer.description(), key.fingerprint());
        Ok(())
    }

    /// Every chain that is closed has this participant's contribution, if it takes part in it.
    fn ensure_in_the_result(&self, ceremony: &Ceremony, name: &Label) -> Result<(), Diagnostic> {
        let roster = ceremony.roster.everybody();
        let phases = roster
            .iter()
            .find(|it| it.name == *name)
            .map(|it| it.phases.clone())
            .unwrap_or_default();
        for chain in ceremony.chains().filter(|chain| phases.contains(&chain.track.phase())) {
            let own = chain.contributions().find(|step| step.words.participant == *name);
            if let Some(step) = own {
                say!("{}: your contribution is step {}", chain.track, step.index);
            } else if !chain.steps.is_empty()
                && (chain.track != Track::Phase1 || ceremony.config.has_own_phase1())
            {
                return Err(Diagnostic::artefact(
                    "not-in-the-chain",
                    format_args!("no contribution of {name} is in the result"),
                )
                .at(&chain.track)
                .hint(format_args!(
                    "if you have a receipt: `{PROGRAM} ceremony find {} --participant \"{name}\" \
                     --receipt FILE`",
                    self.copy.root().display()
                )));
            }
        }
        Ok(())
    }
}
