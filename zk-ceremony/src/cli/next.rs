//! `ceremony next`, `policy next`: the successor of a ceremony.

use std::path::PathBuf;

use clap::Args;
use zk_attest::primitives::{CeremonyId, Timestamp};

use super::OutputArgs;
use super::ceremony::FolderArg;

fn id(text: &str) -> Result<CeremonyId, String> {
    CeremonyId::new(text).map_err(|refusal| refusal.what().to_owned())
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::new(text)
        .map_err(|refusal| format!("{}: write it as 2027-12-31T23:59:59Z, in UTC", refusal.what()))
}

#[derive(Debug, Args)]
pub(crate) struct NextCeremony {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// The id of the next ceremony
    #[arg(long, value_name = "ID", value_parser = id)]
    pub(crate) id: CeremonyId,
    /// Leave out whose keys this policy revokes
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// The serial of this ceremony's bundle, where bundle.json is not in the folder
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..i64::MAX as u64))]
    pub(crate) serial: Option<u64>,
    /// Start from the prepared powers of this ceremony instead of a new phase 1
    #[arg(long, conflicts_with_all = ["phase1_round", "phase1_after"])]
    pub(crate) keep_phase1: bool,
    /// The beacon's round that ends phase 1
    #[arg(long, value_name = "N", conflicts_with = "phase1_after")]
    pub(crate) phase1_round: Option<u64>,
    /// Phase 1 ends with the first round of drand after this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) phase1_after: Option<Timestamp>,
    /// The beacon's round that ends phase 2
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "phase2_after",
        required_unless_present = "phase2_after"
    )]
    pub(crate) phase2_round: Option<u64>,
    /// Phase 2 ends with the first round of drand after this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) phase2_after: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(crate) struct NextPolicy {
    /// The policy until now
    #[arg(value_name = "POLICY")]
    pub(crate) policy: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// The bundle of the next ceremony: no bundle below its serial is accepted any more
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: PathBuf,
    /// Revoke the transcript that the bundle names as its predecessor
    #[arg(long)]
    pub(crate) revoke_predecessor: bool,
    /// The last moment at which the policy may be used without a review
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) not_after: Option<Timestamp>,
}
