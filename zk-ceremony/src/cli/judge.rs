//! `ceremony judge`.

use std::path::PathBuf;

use clap::Args;
use zk_attest::key::PublicKey;

#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// A journal's signed head, a receipt, or a copy of the ceremony (whose head it is then)
    #[arg(value_name = "A")]
    pub(crate) one: PathBuf,
    /// Another one
    #[arg(value_name = "B")]
    pub(crate) other: PathBuf,
    /// A copy of the ceremony: it has the coordinator's appointments of services
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// The service's public key, where there is no copy of the ceremony; may be repeated
    #[arg(long, value_name = "KEY", value_parser = super::ceremony::public_key)]
    pub(crate) service: Vec<PublicKey>,
    /// Lines of a journal, where A and B are of different lines; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Vec<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
