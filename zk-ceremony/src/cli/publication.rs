//! `ceremony publish` and `ceremony archive`: what leaves for stores that others read.

use std::path::PathBuf;
use std::time::Duration;

use ceremony_publish::Access;
use clap::Args;

use super::ceremony::FolderArg;
use super::signing::SignerArgs;

/// How a store is reached. Credentials are in the environment, or in the files of the vendor's
/// tools.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// Certificates to trust besides the system's when talking to the store, in PEM
    #[arg(long, value_name = "FILE", help_heading = "Store")]
    store_ca: Option<PathBuf>,
    /// Talk to a store on another machine without TLS: in a network that you trust only
    #[arg(long, help_heading = "Store")]
    store_insecure_http: bool,
    /// How long one request to the store is tried again
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 180,
        help_heading = "Store",
        value_parser = clap::value_parser!(u64).range(1..=1_000_000)
    )]
    store_patience: u64,
}

impl StoreArgs {
    pub(crate) fn access(&self) -> Access {
        Access {
            ca: self.store_ca.clone(),
            insecure_http: self.store_insecure_http,
            patience: Duration::from_secs(self.store_patience),
        }
    }
}

#[derive(Debug, Args)]
// A copy has an index already, which somebody else signed.
#[command(mut_group("signer", |signer| signer.required(false)))]
pub(crate) struct PublishArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// Where to: s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///FOLDER
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// Read back and hash what is there already, whatever the store says of it
    #[arg(long)]
    pub(crate) read_back: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ArchiveArgs {
    /// The ceremony folder
    #[arg(value_name = "DIR", required_unless_present = "verify")]
    pub(crate) folder: Option<PathBuf>,
    /// The tar file to write
    #[arg(value_name = "OUT.tar", required_unless_present_any = ["verify", "to"])]
    pub(crate) out: Option<PathBuf>,
    /// Replace OUT.tar if it exists
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Put the archive there, under an object lock in compliance mode, and read the lock and every
    /// byte back: s3://BUCKET/NAME.tar
    #[arg(long, value_name = "URL", requires = "retain_until")]
    pub(crate) to: Option<String>,
    /// Until when nobody can change or delete it, not even you: as in 2036-12-31 or
    /// 2036-12-31T23:59:59Z
    #[arg(long, value_name = "DATE", requires = "to")]
    pub(crate) retain_until: Option<String>,
    /// Check an archive, without unpacking it: a file, or the address of one in a store
    #[arg(long, value_name = "FILE|URL", conflicts_with_all = ["folder", "out", "to"])]
    pub(crate) verify: Option<String>,
    /// With --verify: SHA-256 of ceremony.toml, as the coordinator announced it; an archive of
    /// other rules is refused
    #[arg(long, value_name = "SHA256", requires = "verify")]
    pub(crate) rules: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}
