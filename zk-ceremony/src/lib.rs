//! The command line of the ceremony. `cli` declares, [`main`] is one match, and each command has a
//! `run`.
//!
//! Data goes to stdout, everything else to stderr. Exit status: 0 good, 1 the artefact is bad, 2
//! the tool or its environment failed.

mod cli;
mod commands;
#[cfg(test)]
mod documented;
mod failure;
mod host;
mod known;
mod memory;
mod outcome;
mod output;
mod progress;
mod prompt;
mod proving_key;
mod release;
mod sealed;
mod show;
mod signer;
#[cfg(test)]
mod source_commit;
mod source_digest;
mod watching;

use std::process::ExitCode;

use cli::signing::KeyCommand;
use cli::{BundleCommand, Command};
pub use host::{Example, Host};

/// A reader of our output may stop reading (`| head`): that is not our fault and not a reason for
/// a backtrace.
fn end_quietly_when_nobody_reads() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        if said.starts_with("failed printing to") && said.contains("Broken pipe") {
            std::process::exit(141); // as a shell reports a program that SIGPIPE ended
        }
        usual(panic);
    }));
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main(host: Host) -> ExitCode {
    memory::refuse_dumps();
    host::install(host);
    end_quietly_when_nobody_reads();
    let cli = cli::parse();
    outcome::begin(cli.json, cli.quiet);
    progress::show(cli.progress);
    if cli.portable_arithmetic && !bn254_batch::force_portable() {
        eprintln!("warning: --portable-arithmetic came too late and has no effect");
    }
    output::clean_up_when_interrupted();
    // Commands that have a flag of this name for their results share it.
    let as_json = cli.json;
    let result = match cli.command {
        Command::Ceremony(command) => command.run(),
        Command::Ptau(command) => command.run(),
        Command::Zkey(command) => command.run(),
        Command::Bundle(BundleCommand::Create(command)) => command.run(),
        Command::Bundle(BundleCommand::Inspect(command)) => command.run(),
        Command::Bundle(BundleCommand::Sign(command)) => command.run(),
        Command::Bundle(BundleCommand::Merge(command)) => command.run(),
        Command::Bundle(BundleCommand::Verify(command)) => command.run(),
        Command::Sign(command) => command.run(),
        Command::Policy(command) => command.run(),
        Command::Proof(command) => command.run(),
        Command::Release(command) => command.run(),
        Command::Key(KeyCommand::New(command)) => command.run(),
        Command::Key(KeyCommand::Show(command)) => command.run(),
        Command::Key(KeyCommand::Seal(command)) => command.run(),
        Command::Key(KeyCommand::Open(command)) => command.run(),
        Command::Key(KeyCommand::Recipient(command)) => command.run(),
        Command::GuardStatus(command) => command.run(),
        Command::AuditVerifier(command) => command.run(),
        Command::Key(KeyCommand::Of(command)) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    };
    match result.and_then(|()| outcome::end()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if as_json {
                let _ = show::failure_as_json(None, &error);
            }
            watching::complain(&error);
            ExitCode::from(error.blame.exit_code())
        }
    }
}
