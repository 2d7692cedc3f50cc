//! `proof`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use zk_attest::primitives::CircuitName;

use super::ceremony::circuit_name;
use super::signing::SignerArgs;
use super::watching::WatchArgs;
use crate::host::examples;

#[derive(Debug, Subcommand)]
pub(crate) enum ProofCommand {
    /// Verify proofs under the key of an approved bundle, and say so in a signed verdict
    #[command(after_long_help = examples("Examples:\n  \
        zk-ceremony proof verify proof.json public.json --bundle zk/bundle.json --policy \
        zk/trust-policy.json\n  \
        zk-ceremony proof verify proof.bin public.bin --bundle zk/bundle.json --policy \
        zk/trust-policy.json --verdicts verdicts/ --key verifier.pem\n\n\
        Files that end in .json are snarkjs'; others are arkworks' canonical bytes (128 or 256 of \
        a proof, and the inputs as a Vec<Fr>). Many proofs are verified in one batch.\n\n\
        Exit status: 0 all hold, 1 one does not, or is no proof, 2 it could not be verified."))]
    Verify(Box<VerifyProofs>),
    /// Count the verdicts of distinct verifiers against a policy
    #[command(after_long_help = examples("Example:\n  \
        zk-ceremony proof tally verdicts/*.dsse.json --policy zk/trust-policy.json\n\n\
        Exit status: 0 enough verifiers found the proof to hold, 1 not, 2 it could not be \
        counted."))]
    Tally(TallyVerdicts),
    /// Verify proofs for others, over HTTP
    #[command(after_long_help = examples("Example:\n  \
        zk-ceremony proof serve --listen 127.0.0.1:8090 --bundle zk/bundle.json --policy \
        zk/trust-policy.json\n  \
        curl -s http://127.0.0.1:8090/v1/proofs -d '{\"proofs\":[{\"proof\":{...},\"public\":[\"1\"\
        ]}]}'\n\n\
        The answer has one true or false for each proof, in order. At most 1024 proofs a request."))]
    Serve(ServeProofs),
}

/// Which key proofs are verified with.
#[derive(Debug, Args)]
pub(crate) struct ProofKeyArgs {
    /// The bundle
    #[arg(long, value_name = "BUNDLE")]
    pub(crate) bundle: PathBuf,
    /// The policy
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: PathBuf,
    /// The circuit; may be left out where the bundle has one
    #[arg(long, value_name = "NAME", value_parser = circuit_name)]
    pub(crate) circuit: Option<CircuitName>,
}

#[derive(Debug, Args)]
#[command(mut_group("signer", |signer| signer.required(false)))] // only to verify needs no key
pub(crate) struct VerifyProofs {
    /// Proofs, each followed by its public inputs
    #[arg(value_name = "PROOF PUBLIC", num_args = 2.., required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) key: ProofKeyArgs,
    /// Write a signed verdict of each proof into this folder
    #[arg(long, value_name = "DIR", requires = "signer")]
    pub(crate) verdicts: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TallyVerdicts {
    /// Signed verdicts
    #[arg(value_name = "VERDICT", required = true)]
    pub(crate) verdicts: Vec<PathBuf>,
    /// The policy, which names the verifiers
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: PathBuf,
    /// The bundle, to hold the verdicts against the proof itself
    #[arg(long, value_name = "BUNDLE", requires_all = ["proof", "public"])]
    pub(crate) bundle: Option<PathBuf>,
    /// The proof that they must be about
    #[arg(long, value_name = "PROOF", requires_all = ["bundle", "public"])]
    pub(crate) proof: Option<PathBuf>,
    /// Its public inputs
    #[arg(long, value_name = "PUBLIC", requires_all = ["bundle", "proof"])]
    pub(crate) public: Option<PathBuf>,
    /// The circuit; may be left out where the bundle has one
    #[arg(long, value_name = "NAME", value_parser = circuit_name, requires = "bundle")]
    pub(crate) circuit: Option<CircuitName>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ServeProofs {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) key: ProofKeyArgs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
}
