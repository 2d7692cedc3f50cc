//! `ceremony` without a subcommand.
use crate::cli::ceremony::RehearsalArgs;
use crate::error::CliError;
impl RehearsalArgs {
    pub(crate) fn run(self) -> Result<(), CliError> {
        Err(CliError::environment("being written"))
    }
}
