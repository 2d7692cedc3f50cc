//! `key seal`, `open` and `recipient`.

use std::path::PathBuf;

use clap::Args;

use super::signing::TokenArgs;

/// Seals to each of these: any one of them opens.
#[derive(Debug, Args)]
pub(crate) struct SealFile {
    /// The proving key
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Who can open it: age1..., age1tag1... of a token, or a plugin's age1NAME1...; may be
    /// repeated
    #[arg(long, value_name = "RECIPIENT", required = true)]
    pub(crate) to: Vec<String>,
    /// Where the sealed file goes
    #[arg(long, value_name = "OUT")]
    pub(crate) out: PathBuf,
    /// Replace OUT if it exists
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OpenFile {
    /// The sealed file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Where the proving key goes, readable by its owner only; without it, to stdout, which must
    /// not be a terminal
    #[arg(long, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
    /// Replace OUT if it exists
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) opener: OpenerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RecipientOfToken {
    #[command(flatten)]
    pub(crate) opener: OpenerArgs,
}

/// What opens a sealed file.
#[derive(Debug, Args)]
pub(crate) struct OpenerArgs {
    /// A file with age identities
    #[arg(long, value_name = "FILE", conflicts_with = "pkcs11_module")]
    pub(crate) identity: Option<PathBuf>,
    /// Open with a P-256 key in a token, through this PKCS#11 module
    #[arg(long, value_name = "MODULE")]
    pub(crate) pkcs11_module: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) token: TokenArgs,
}
