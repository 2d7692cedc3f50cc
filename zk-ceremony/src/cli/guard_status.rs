//! `guard-status`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct GuardStatus {
    /// Cargo.toml of the workspace, or of a package
    #[arg(long, value_name = "PATH", default_value = "Cargo.toml")]
    pub(crate) manifest_path: PathBuf,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
