//! The command line of the ceremony. `cli` declares, `main` is one match, and each command has a `run`.
//!
//! Data goes to stdout, everything else to stderr. Exit status: 0 good, 1 the artefact is bad, 2 the tool or its environment failed.

mod cli;
mod commands;
mod error;
mod folder;
mod output;
mod progress;
mod public_files;
mod report;
mod show;
mod signer;

use std::process::ExitCode;

use clap::Parser;
use cli::signing::KeyCommand;
use cli::{BundleCommand, Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.portable_arithmetic && !ceremony_core::arith::force_portable() {
        eprintln!("warning: --portable-arithmetic came too late and has no effect");
    }
    output::remove_partial_output_when_interrupted();
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
        Command::Key(KeyCommand::New(command)) => command.run(),
        Command::Key(KeyCommand::Show(command)) => command.run(),
        Command::GuardStatus(command) => command.run(),
        Command::Key(KeyCommand::Of(command)) => command.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            error.exit_code()
        }
    }
}
