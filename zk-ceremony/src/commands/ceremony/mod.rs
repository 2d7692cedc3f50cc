//! `ceremony`: one command for each step of each party, and the rehearsal that runs them all.

mod accept;
mod archive;
mod attest;
mod audit;
mod close_phase;
mod contribute;
mod create_bundle;
mod new;
mod once;
mod rehearsal;
mod reject;
mod status;
mod verify;

use std::path::Path;

use ceremony_folder::{Ceremony, Depth, PartReport, Prior, Stray, Track, Verification};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::primitives::Label;

use crate::cli::ceremony::{CeremonyArgs, CeremonyCommand};
use crate::failure;
use crate::progress::Bars;

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
            Some(CeremonyCommand::Reject(command)) => command.run(),
            Some(CeremonyCommand::Tidy(command)) => command.run(),
            Some(CeremonyCommand::Audit(command)) => command.run(),
            Some(CeremonyCommand::Archive(command)) => command.run(),
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

/// What [`verify_last`] verifies, in signed words.
fn last_of(track: &Track) -> Label {
    match track {
        Track::Phase1 => Prior::Step.words(),
        Track::Circuit(_) => Prior::StepAndPrepared.words(),
    }
}

/// Verifies the last file of a chain and what it depends on.
fn verify_last(ceremony: &Ceremony, track: &Track) -> Result<(), Diagnostic> {
    let mut verification = Verification::new(ceremony, Depth::LastOf(track.clone()))?;
    for part in verification.run(&Bars::default())? {
        eprintln!("verified {}", part.title);
        print_remarks(&part);
    }
    Ok(())
}

/// What is unusual about a part that passed.
fn print_remarks(part: &PartReport) {
    for remark in part.checks.iter().filter_map(|check| check.remark) {
        eprintln!("  note: {remark}");
    }
}

/// A step is two files, and either is worth nothing without the other.
fn print_files_to_send(data: &Path, attestation: &Path) {
    println!(
        "  send both files    {}\n                     {}",
        data.display(),
        attestation.display()
    );
}
