//! `ceremony serve`, `join`, `mirror`, `approve` and `appoint`: a ceremony over a network.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::EntropyArgs;
use super::ceremony::FolderArg;
use super::signing::SignerArgs;
use super::watching::WatchArgs;

/// How a service is reached.
#[derive(Debug, Args)]
pub(crate) struct ServiceArgs {
    /// The service's address, as the coordinator gave it
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// Certificates to trust besides the system's, in PEM
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    pub(crate) ca: Option<PathBuf>,
    /// Talk to another machine without TLS: in a network that you trust only
    #[arg(long, help_heading = "Network")]
    pub(crate) insecure_http: bool,
    /// How long the network may fail before the command gives up
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 3600,
        help_heading = "Network",
        value_parser = clap::value_parser!(u64).range(1..=1_000_000)
    )]
    pub(crate) patience: u64,
}

/// The rules that a client goes by.
#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    /// SHA-256 of ceremony.toml, as the coordinator announced it; without it you are asked
    #[arg(long, value_name = "SHA256")]
    pub(crate) rules: Option<String>,
    /// The working copy of the ceremony's folder; by default a folder with the ceremony's id
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

/// How much a client verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerifyLevel {
    /// The newest file against the one before it: enough for your contribution to count
    Step,
    /// The newest file and what it stands on: the whole of its chain's record
    Chain,
    /// Every file of the ceremony
    All,
}

#[derive(Debug, Args)]
// Without a key, the operator makes the coordinator's steps with other commands.
#[command(mut_group("signer", |signer| signer.required(false)))]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// Address and port to listen on, as in 0.0.0.0:8443
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// The address that participants use, as in https://ceremony.example.org; sessions are bound
    /// to it
    #[arg(long, value_name = "URL")]
    pub(crate) origin: Option<String>,
    /// The certificate, with the chain that leads to it, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Listen without TLS on an address that other machines reach: behind a reverse proxy only
    #[arg(long, conflicts_with = "tls_cert")]
    pub(crate) insecure_http: bool,
    /// A reverse proxy, by address or network as in 10.0.0.0/8: who asks is taken from the last
    /// entry of its X-Forwarded-For, or Forwarded, that is no such proxy; may be repeated
    #[arg(long, value_name = "ADDR|CIDR")]
    pub(crate) trusted_proxy: Vec<ceremony_net::service::Network>,
    /// The service's own folder, for its key and what is being uploaded; by default DIR.service
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Seconds of a turn at least, beyond the time that moving its files takes
    #[arg(long, value_name = "SECONDS", default_value_t = 600,
          value_parser = clap::value_parser!(u64).range(1..=604_800))]
    pub(crate) turn: u64,
    /// In a ceremony with an order: seconds to wait for the one who is next and not there, while
    /// others are; a day (86400), or five minutes (300) where participants commit to their
    /// secrets, which is for one session
    #[arg(long, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) absent_after: Option<u64>,
    /// Where participants commit to their secrets: take commitments to a phase for this long after
    /// the first one, if not everybody has committed by then
    #[arg(long, value_name = "SECONDS", default_value_t = 600,
          value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) commit_within: u64,
    /// The trust policy whose approvals are waited for, and whose auditors are heard
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<PathBuf>,
    /// Hear this auditor, too: a public key, or a file that has it; may be repeated
    #[arg(long, value_name = "HEX|FILE")]
    pub(crate) auditor: Vec<String>,
    /// Close a phase when this file has its beacon's value, in hexadecimal: "1=FILE" or "2=FILE". A
    /// round of drand is fetched by itself when its time has come; a file for it has the signature
    #[arg(long, value_name = "PHASE=FILE", requires = "signer")]
    pub(crate) beacon: Vec<BeaconFile>,
    #[command(flatten)]
    pub(crate) endpoints: super::ceremony::EndpointArgs,
    /// Draw beacons from the operating system: in a rehearsal only
    #[arg(long, requires = "signer", conflicts_with = "beacon")]
    pub(crate) random_beacons: bool,
    /// Close a phase that has its minimum when nobody has come for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400, requires = "signer",
          value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) close_after: u64,
    /// Add anyone who asks for it to the roster, as far as the rules allow
    #[arg(long, requires = "signer")]
    pub(crate) enrol_all: bool,
    /// The serial number of the bundle; left out, one more than that of the predecessor that the
    /// rules name, or 1
    #[arg(long, value_name = "N")]
    pub(crate) serial: Option<u64>,
    /// The last moment at which the bundle may be imported, as in 2027-12-31T23:59:59Z; without it
    /// no bundle is made
    #[arg(long, value_name = "TIME", requires = "signer")]
    pub(crate) not_after: Option<String>,
    /// A witness of a circuit, to prove with when the keys are made; once for each circuit
    #[arg(long, value_name = "NAME=WTNS", requires = "signer")]
    pub(crate) witness: Vec<super::ceremony::NamedFile>,
    /// Seal the proving keys to this recipient, as `ceremony keygen --seal-to` does; may be
    /// repeated
    #[arg(long, value_name = "RECIPIENT", requires = "signer")]
    pub(crate) seal_to: Vec<String>,
    /// Go on when everything is done
    #[arg(long)]
    pub(crate) stay: bool,
    /// Publish each file there when it is in the ceremony, and a list that the service signs: a
    /// store, as `ceremony publish` has it
    #[arg(long, value_name = "URL")]
    pub(crate) publish: Option<String>,
    /// Send clients there for files that are published: the store's public address
    #[arg(long, value_name = "URL", requires = "publish")]
    pub(crate) redirect_downloads: Option<String>,
    #[command(flatten)]
    pub(crate) store: super::publication::StoreArgs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    /// A file that your backup touches when it is done: its time is in the metrics
    #[arg(long, value_name = "FILE", requires = "metrics", help_heading = "Watching")]
    pub(crate) backup_stamp: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

/// Where a phase's beacon will be found.
#[derive(Clone, Debug)]
pub(crate) struct BeaconFile {
    pub(crate) phase: u8,
    pub(crate) path: PathBuf,
}

impl std::str::FromStr for BeaconFile {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some(("1", path)) => Ok(Self { phase: 1, path: path.into() }),
            Some(("2", path)) => Ok(Self { phase: 2, path: path.into() }),
            _ => Err("expected 1=FILE or 2=FILE".into()),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct AppointArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// The service's public key, as `serve` prints it
    #[arg(long, value_name = "HEX|FILE")]
    pub(crate) service_key: String,
    /// The address that participants use
    #[arg(long, value_name = "URL")]
    pub(crate) origin: String,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
    /// Your name in the roster
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) rules: RulesArgs,
    /// Sign first that you take part; someone who is not in the roster yet asks to be added by
    /// it, and waits
    #[arg(long)]
    pub(crate) enrol: bool,
    /// With --enrol: the machine that you use, in your words
    #[arg(long, value_name = "TEXT", default_value = "not said", requires = "enrol")]
    pub(crate) machine: String,
    /// With --enrol: when you are there, in your words
    #[arg(long, value_name = "TEXT", default_value = "not said", requires = "enrol")]
    pub(crate) window: String,
    /// Contribute to this phase only
    #[arg(long, value_name = "1|2", value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(crate) phase: Option<u8>,
    /// What to verify before you contribute
    #[arg(long, value_enum, default_value_t = VerifyLevel::Step)]
    pub(crate) verify: VerifyLevel,
    /// Stay until the end: find yourself in the result, and sign the bundle
    #[arg(long)]
    pub(crate) approve: bool,
    /// How you destroy the secret, in your words: it is signed and published
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "the program overwrote it in memory and ended; nothing was stored"
    )]
    pub(crate) destruction: String,
    #[command(flatten)]
    pub(crate) entropy: EntropyArgs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
#[command(mut_group("signer", |signer| signer.required(false)))] // only to copy needs no key
pub(crate) struct MirrorArgs {
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
    /// Where to copy to
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// SHA-256 of ceremony.toml, as the coordinator announced it; without it you are asked
    #[arg(long, value_name = "SHA256")]
    pub(crate) rules: Option<String>,
    /// Verify each step as it appears, once
    #[arg(long)]
    pub(crate) verify: bool,
    /// Your name, as reports are to show it
    #[arg(long = "as", value_name = "NAME", requires = "signer")]
    pub(crate) name: Option<String>,
    /// Sign the bundle as well, when it is there and everything was verified
    #[arg(long, requires = "signer", requires = "verify")]
    pub(crate) approve: bool,
    /// Copy what is there now, and end
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
    #[command(flatten)]
    pub(crate) rules: RulesArgs,
    /// What to verify before you sign
    #[arg(long, value_enum, default_value_t = VerifyLevel::All)]
    pub(crate) verify: VerifyLevel,
    /// Sign without asking
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}
