//! What the command line says of itself: completions for shells, and man pages.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use zk_attest::diagnostic::Diagnostic;

use super::Cli;
use crate::failure;
use crate::outcome::made;
use crate::output::write_file;
use crate::show::leave_stdout;

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The folder to write them to; it is made if it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Replace pages that exist
    #[arg(long)]
    force: bool,
}

/// What both are written for, whatever the program is called here.
fn program() -> clap::Command {
    Cli::command().name(zk_attest::program::SHIPPED)
}

impl Completions {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let mut text = Vec::new();
        leave_stdout();
        clap_complete::generate(self.shell, &mut program(), zk_attest::program::SHIPPED, &mut text);
        print!("{}", String::from_utf8_lossy(&text));
        Ok(())
    }
}

impl Man {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        std::fs::create_dir_all(&self.folder)
            .map_err(|e| failure::io(&self.folder, "creating", &e))?;
        let mut pages = 0;
        // `zk-ceremony-key-new.1`, as git has it.
        let mut waiting = vec![(None::<String>, program())];
        while let Some((parent, command)) = waiting.pop() {
            let name = match parent {
                None => command.get_name().to_owned(),
                Some(parent) => format!("{parent}-{}", command.get_name()),
            };
            let below = command.get_subcommands().filter(|below| below.get_name() != "help");
            waiting.extend(below.map(|below| (Some(name.clone()), below.clone())));
            let mut page = Vec::new();
            let path = self.folder.join(format!("{name}.1"));
            let command = command.name(name.clone()).bin_name(name.replace('-', " "));
            clap_mangen::Man::new(command)
                .title(name)
                .render(&mut page)
                .map_err(|e| failure::io(&path, "writing", &e))?;
            write_file(&path, &page, self.force)?;
            pages += 1;
        }
        made(&self.folder, format_args!("{pages} man pages"));
        Ok(())
    }
}
