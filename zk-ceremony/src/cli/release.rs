//! What can be typed about releases of the program.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::OutputArgs;
use super::signing::{SignerArgs, TargetArgs};
use crate::host::examples;

#[derive(Debug, Subcommand)]
pub(crate) enum ReleaseCommand {
    /// Write the statement that a list of sums is a release, for the holders of the release keys
    /// to sign
    #[command(
        after_long_help = examples("Example (what the release workflow runs):\n  \
            zk-ceremony release state SHA256SUMS SHA256SUMS.dsse.json --tag v0.1.0 \\\n    \
            --commit \"$(git rev-parse HEAD)\" --toolchain \"$(rustc --version)\" \\\n    \
            --image rust:1.95.0-slim-bookworm@sha256:...")
    )]
    State(StateRelease),
    /// Show what a release's statement says, and add a signature to it
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony release sign SHA256SUMS.dsse.json --key release-1.pem\n  \
            zk-ceremony release sign SHA256SUMS.dsse.json --pkcs11-module \
            /usr/lib/softhsm/libsofthsm2.so --key-label release\n\n\
            Before you sign, build the tag yourself and compare: `ci/rebuild.sh SHA256SUMS` in a \
            checkout. `sign prepare`, `sign raw` and `sign attach` sign the statement on a machine \
            without a network.")
    )]
    Sign(Box<SignRelease>),
    /// Verify files of a release: the signatures on its list of sums, then each file's sum
    #[command(
        after_long_help = examples("Example (two of three release keys must have signed):\n  \
            zk-ceremony release verify ARCHIVE.tar.gz --release-key HEX --release-key HEX \
            \\\n    \
            --release-key r3.pub.pem --threshold 2\n\n\
            Exit status: 0 every named file is of the release, 1 one is not, or too few keys have \
            signed, 2 something could not be read.")
    )]
    Verify(VerifyRelease),
}

#[derive(Debug, Args)]
pub(crate) struct StateRelease {
    /// The list of sums, as `sha256sum` writes it
    #[arg(value_name = "SHA256SUMS")]
    pub(crate) sums: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// The release's tag
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: String,
    /// The commit that everything was built from, 40 hex digits
    #[arg(long, value_name = "HEX")]
    pub(crate) commit: String,
    /// The compiler, as `rustc --version` calls it
    #[arg(long, value_name = "TEXT")]
    pub(crate) toolchain: String,
    /// The image that the reproducible files were built in, by digest
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: String,
}

#[derive(Debug, Args)]
pub(crate) struct SignRelease {
    /// The statement; the signature is added to it in place
    #[arg(value_name = "STATEMENT")]
    pub(crate) statement: PathBuf,
    /// The list of sums that it is about
    #[arg(long, value_name = "FILE", default_value = "SHA256SUMS")]
    pub(crate) sums: PathBuf,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Sign without asking
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyRelease {
    /// The files that you have
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The release's list of sums
    #[arg(long, value_name = "FILE", default_value = "SHA256SUMS")]
    pub(crate) sums: PathBuf,
    /// The signed statement about the list
    #[arg(long, value_name = "FILE", default_value = "SHA256SUMS.dsse.json")]
    pub(crate) statement: PathBuf,
    /// A release key that you trust: 64 hex digits, or a file that `key show` reads; may be
    /// repeated
    #[arg(long = "release-key", value_name = "HEX|FILE", required = true)]
    pub(crate) release_keys: Vec<String>,
    /// How many of the release keys must have signed, if not all of them
    #[arg(long, value_name = "N")]
    pub(crate) threshold: Option<NonZeroUsize>,
    /// The tag that it must be: an older release is signed as well
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
