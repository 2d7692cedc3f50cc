//! Who signs: the options that every signing command has in common, and the commands around keys and signatures.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::OutputArgs;

/// Who signs. Exactly one back end is to be named.
#[derive(Debug, Args)]
pub(crate) struct SignerArgs {
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
    /// The public key that must be the signer's: 64 hex digits, or a file that `key show` reads
    #[arg(long, value_name = "HEX|FILE", help_heading = "Signer")]
    pub(crate) public_key: Option<String>,
}

/// The back ends.
#[derive(Debug, Args)]
#[group(id = "signer", required = true, multiple = false)]
pub(crate) struct BackendArgs {
    /// Sign with a private key file: PKCS#8 PEM (`key new`, `openssl genpkey -algorithm ed25519`) or OpenSSH, not encrypted
    #[arg(long, value_name = "FILE", help_heading = "Signer")]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a private key from the operating system's randomness
    #[command(after_help = "Example:\n  cargo xtask key new release-1.pem\n\n\
        The file is PKCS#8 PEM, readable by its owner only; openssl reads it too. What is printed is the public key, for policies and rosters.")]
    New(NewKeyFile),
    /// Print a public key as policies hold it, from hex digits, an SPKI PEM file, an ssh-ed25519 line or a private key file
    #[command(after_help = "Examples:\n  cargo xtask key show ~/.ssh/id_ed25519.pub\n  cargo xtask key show release.pub.pem\n  \
        cargo xtask key show release-1.pem")]
    Show(ShowKey),
}

#[derive(Debug, Args)]
pub(crate) struct NewKeyFile {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ShowKey {
    /// The file with the key
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}
