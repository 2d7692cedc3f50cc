//! `ceremony`: one command for each step of each party, and the rehearsal that runs them all.

mod archive;
mod attest;
mod audit;
mod bundle;
mod close_phase;
mod contribute;
mod new;
mod rehearsal;
mod reject;
mod status;
mod verify;

use crate::cli::ceremony::{CeremonyArgs, CeremonyCommand};
use crate::error::CliError;

impl CeremonyArgs {
    pub(crate) fn run(self) -> Result<(), CliError> {
        match self.command {
            None => self.rehearsal.run(),
            Some(CeremonyCommand::New(command)) => command.run(),
            Some(CeremonyCommand::Contribute(command)) => command.run(),
            Some(CeremonyCommand::Attest(command)) => command.run(),
            Some(CeremonyCommand::Beacon(command)) => command.run(),
            Some(CeremonyCommand::Prepare(command)) => command.run_prepare(),
            Some(CeremonyCommand::Keygen(command)) => command.run(),
            Some(CeremonyCommand::Verify(command)) => command.run(),
            Some(CeremonyCommand::Status(command)) => command.run(),
            Some(CeremonyCommand::Find(command)) => command.run(),
            Some(CeremonyCommand::Reject(command)) => command.run(),
            Some(CeremonyCommand::Audit(command)) => command.run(),
            Some(CeremonyCommand::Archive(command)) => command.run(),
        }
    }
}
