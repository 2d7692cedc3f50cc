//! `ceremony`: one command for each step of each party, and the rehearsal that runs them all.

mod accept;
mod archive;
mod attest;
mod audit;
mod beacon;
mod close_phase;
mod contribute;
mod create_bundle;
mod judge;
mod network;
mod new;
mod next;
mod once;
mod participant_page;
mod people;
mod prepared;
mod publish;
mod rehearsal;
mod reject;
mod status;
mod verify;

use std::fmt::Display;
use std::path::Path;

use ceremony_folder::{Ceremony, PartReport, Software, Stray};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::CommitId;
use zk_attest::primitives::Label;
use zk_vk_guard::bundle::{Bundle, MAX_BUNDLE_BYTES};

use crate::cli::ceremony::{CeremonyArgs, CeremonyCommand};
use crate::failure;
use crate::outcome::{self, note};
use crate::signer::Signer;
use crate::watching::say;

/// The bundle of a ceremony's folder.
fn bundle_in(ceremony: &Ceremony) -> Result<Bundle, Diagnostic> {
    let path = ceremony.folder.bundle();
    Bundle::from_json(&ceremony.folder.read(&path, MAX_BUNDLE_BYTES)?)
        .map_err(|refusal| failure::refusal(&path, &refusal))
}

impl CeremonyArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        match self.command {
            None => self.rehearsal.run(),
            Some(CeremonyCommand::New(command)) => command.run(),
            Some(CeremonyCommand::Contribute(command)) => command.run(),
            Some(CeremonyCommand::Attest(command)) => command.run(),
            Some(CeremonyCommand::Accept(command)) => command.run(),
            Some(CeremonyCommand::Beacon(command)) => command.run(),
            Some(CeremonyCommand::Prepare(command)) => command.run_prepare(),
            Some(CeremonyCommand::Keygen(command)) => command.run(),
            Some(CeremonyCommand::Verify(command)) => command.run(),
            Some(CeremonyCommand::Status(command)) => command.run(),
            Some(CeremonyCommand::Find(command)) => command.run(),
            Some(CeremonyCommand::Judge(command)) => command.run(),
            Some(CeremonyCommand::Next(command)) => command.run(),
            Some(CeremonyCommand::Recommit(command)) => command.run(),
            Some(CeremonyCommand::Reject(command)) => command.run(),
            Some(CeremonyCommand::Tidy(command)) => command.run(),
            Some(CeremonyCommand::Enrol(command)) => command.run(),
            Some(CeremonyCommand::Admit(command)) => command.run(),
            Some(CeremonyCommand::ReplaceKey(command)) => command.run(),
            Some(CeremonyCommand::Handover(command)) => command.run(),
            Some(CeremonyCommand::Countersign(command)) => command.run(),
            Some(CeremonyCommand::Audit(command)) => command.run(),
            Some(CeremonyCommand::Archive(command)) => command.run(),
            Some(CeremonyCommand::Publish(command)) => command.run(),
            Some(CeremonyCommand::Serve(command)) => command.run(),
            Some(CeremonyCommand::Appoint(command)) => command.run(),
            Some(CeremonyCommand::Index(command)) => command.run(),
            Some(CeremonyCommand::Join(command)) => command.run(),
            Some(CeremonyCommand::Mirror(command)) => command.run(),
            Some(CeremonyCommand::Approve(command)) => command.run(),
        }
    }
}

/// A line that a person wrote, for a signed document.
pub(crate) fn parse_label(option: &str, text: &str) -> Result<Label, Diagnostic> {
    Label::new(text).map_err(|refusal| failure::argument(option, &refusal))
}

/// A stray, by its first file.
fn named(stray: &Stray) -> String {
    let file = stray.files.first().map(|file| file.display().to_string());
    file.unwrap_or_else(|| stray.name.to_string())
}

/// What attestations call this program.
fn this_tool() -> Label {
    Label::from_static(concat!("zk-ceremony ", env!("CARGO_PKG_VERSION")))
}

/// What made a step, where this program did.
pub(crate) fn this_software() -> Software {
    let commit = CommitId::from_hex(env!("BUILD_COMMIT")).ok();
    Software::running(this_tool(), commit)
}

/// What is unusual about a part that passed.
fn print_remarks(part: &PartReport) {
    for remark in part.checks.iter().filter_map(|check| check.remark) {
        say!("  note: {remark}");
    }
}

/// Says to which circuits somebody has not contributed yet, having contributed to another.
fn say_halves(root: &Path, name: &Label) {
    // The step is made, whatever else is in the folder.
    let Ok(ceremony) = Ceremony::open(root) else { return };
    for half in ceremony.halves().iter().filter(|half| half.name == *name) {
        note!("note: {half}");
    }
}

/// Tells of a contribution: two files, either of which is worth nothing without the other.
fn made_step(
    (data, attestation): (&Path, &Path),
    what: impl Display,
    (sha256, hash): (impl Display, impl Display),
    signer: &dyn Signer,
) {
    outcome::made(data, format_args!("{what}, attested by {}", signer.public_key().fingerprint()))
        .line("sha256", sha256)
        .hash("contribution hash (publish it)", hash)
        .lines("send both files", &[data, attestation].map(|path| path.display().to_string()));
}
