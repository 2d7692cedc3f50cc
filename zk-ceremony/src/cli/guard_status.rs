//! `guard-status`.

use std::path::PathBuf;

use clap::Args;

use crate::commands::guard_status::Reviewed;

#[derive(Debug, Args)]
pub(crate) struct GuardStatus {
    /// Cargo.toml of the workspace, or of a package
    #[arg(long, value_name = "PATH", default_value = "Cargo.toml")]
    pub(crate) manifest_path: PathBuf,
    /// Only this package
    #[arg(long, short, value_name = "NAME")]
    pub(crate) package: Option<String>,
    /// The guard that you have reviewed: its folder; or the checksum, or git+URL#COMMIT, that
    /// Cargo.lock has. Without it, only the source that this program was built with is the guard
    #[arg(long, value_name = "SOURCE")]
    pub(crate) guard: Option<Reviewed>,
    /// Build each package too, in an empty folder and with the feature on, and compare what the
    /// compiler read with what the guard writes. Runs the packages' build scripts
    #[arg(long)]
    pub(crate) build: bool,
    /// With --build: build in this folder, instead of an empty one. Of what is in it, only the
    /// package itself is built anew; the rest is trusted
    #[arg(long, value_name = "DIR", requires = "build")]
    pub(crate) target_dir: Option<PathBuf>,
    /// Look for the approved keys in this program or library, too
    #[arg(long, value_name = "FILE")]
    pub(crate) binary: Option<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// With --build: arguments for `cargo build`, instead of --release
    #[arg(last = true, requires = "build", value_name = "CARGO ARGUMENTS")]
    pub(crate) cargo: Vec<String>,
}
