//! What can be typed.

mod audit_verifier;
pub(crate) mod ceremony;
mod documents;
mod guard_status;
pub(crate) mod judge;
mod misplaced;
pub(crate) mod network;
pub(crate) mod next;
pub(crate) mod parts;
pub(crate) mod policy;
pub(crate) mod proof;
pub(crate) mod publication;
pub(crate) mod release;
pub(crate) mod sealing;
pub(crate) mod signing;
pub(crate) mod watching;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::LazyLock;

pub(crate) use audit_verifier::AuditVerifier;
use bn254_batch::Backend;
use ceremony_core::format::ptau::{Levels, NoLevels};
use clap::{Args, Parser, Subcommand};
pub(crate) use documents::{Completions, Man};
pub(crate) use guard_status::GuardStatus;
pub(crate) use misplaced::parse;
use zk_attest::digest::FileDigest;

use crate::host::examples;
use crate::progress::Shown;

/// The version, the commit, the target and the compiler, and which arithmetic this machine can run.
/// Asked without choosing it, which `--portable-arithmetic` may still do.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let best = Backend::fastest().backend();
    let commit = match env!("BUILD_COMMIT") {
        "" => String::new(),
        commit => format!("commit: {commit}, "),
    };
    format!(
        "{} ({commit}{}, {}, arithmetic: {best})",
        env!("CARGO_PKG_VERSION"),
        env!("BUILD_TARGET"),
        env!("BUILD_RUSTC"),
    )
});

/// Trusted setups for Groth16 on BN254, from the first contribution to the compiled binary.
#[derive(Debug, Parser)]
#[command(
    name = "zk-ceremony",
    version = VERSION.as_str(),
    propagate_version = true,
    max_term_width = 120
)]
pub(crate) struct Cli {
    /// Use the portable arithmetic even where the processor has instructions for a faster one, for
    /// comparing
    #[arg(long, global = true)]
    pub(crate) portable_arithmetic: bool,
    /// Print one JSON document on stdout: what was made or found, or the failure in its parts
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print only what the command is run for, questions and errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// How long work shows how far it is, on stderr
    #[arg(
        long,
        global = true,
        value_name = "HOW",
        default_value = "auto",
        hide_default_value = true,
        value_enum
    )]
    pub(crate) progress: Shown,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole chain: a rehearsal without a subcommand, or one step of a real ceremony
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony ceremony                      rehearse everything, from the first \
            contribution to a guarded build\n  \
            zk-ceremony ceremony --resume             go on after an interruption\n  \
            zk-ceremony ceremony new --template       begin a real one")
    )]
    Ceremony(Box<ceremony::CeremonyArgs>),
    /// Phase 1: powers of tau, on .ptau files and on challenge and response files
    #[command(subcommand)]
    Ptau(PtauCommand),
    /// Phase 2: the keys of one circuit, on .zkey files
    #[command(subcommand)]
    Zkey(ZkeyCommand),
    /// Bundles of approved verifying keys
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Trust policies: whose signatures a build asks for
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Proofs under the key of an approved bundle: verify many, sign and count verdicts, serve
    #[command(subcommand)]
    Proof(proof::ProofCommand),
    /// Releases of this program: which files they are, by the word of its release keys
    #[command(subcommand)]
    Release(release::ReleaseCommand),
    /// Sign on another machine: bytes out, signature back. Its help shows every way to sign
    #[command(subcommand, after_long_help = signing::BACKENDS_HELP)]
    Sign(signing::SignCommand),
    /// Keys: make one, show a public one
    #[command(subcommand)]
    Key(signing::KeyCommand),
    /// Before a release: whether every package of a workspace that embeds verifying keys does so
    /// under a guard
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony guard-status\n  \
            zk-ceremony guard-status --manifest-path ../wallet/Cargo.toml --json\n  \
            zk-ceremony guard-status --guard ../reviewed/zk-vk-guard\n  \
            zk-ceremony guard-status --build\n  \
            zk-ceremony guard-status --build -- --profile dist --target wasm32-wasip1\n  \
            zk-ceremony guard-status --package wallet --binary target/release/wallet\n\n\
            A package is judged if its build script, its Cargo.toml and its sources hold only \
            known forms. `--build` looks at what the compiler read, which settles what the \
            sources leave open.\n\n\
            Exit status: 0 every such package is well wired, 1 one is not or cannot be judged, or \
            its keys are not found in the binary, 2 it could not be looked at (or there is none).")
    )]
    GuardStatus(GuardStatus),
    /// Whose key a deployed verifier has: a contract's source or code against an approved bundle
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony audit-verifier Verifier.sol --bundle zk/bundle.json --policy \
            zk/trust-policy.json\n  \
            zk-ceremony audit-verifier code.hex --bundle zk/bundle.json --policy \
            zk/trust-policy.json   (the result of a node's eth_getCode)\n  \
            zk-ceremony audit-verifier Verifier.sol        (a contract of other people: only \
            whether its key is degenerate)\n\n\
            It looks for the numbers of the key, of a source by their names, of code by the curve's \
            equation. What the rest of the contract does with them is not looked at: compare the source with `zk-embed --format solidity`, and the code \
            with what that source compiles to.\n\n\
            Exit status: 0 the key is the bundle's (without one: not degenerate), 1 it is not, \
            2 it could not be read.")
    )]
    AuditVerifier(AuditVerifier),
    /// Print what a shell needs to complete commands and options
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony completions bash > ~/.local/share/bash-completion/completions/zk-ceremony")
    )]
    Completions(Completions),
    /// Write a man page for each command
    #[command(after_long_help = examples("Example:\n  zk-ceremony man ~/.local/share/man/man1"))]
    Man(Man),
}

#[derive(Debug, Subcommand)]
pub(crate) enum BundleCommand {
    /// Verify a finished ceremony, and make the bundle that its approvers sign
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony bundle create shared/ --serial 1 --not-after 2028-12-31T23:59:59Z")
    )]
    Create(ceremony::CreateBundle),
    /// Show on one screen what a bundle approves, who has signed, and what a policy still misses
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony bundle inspect zk/bundle.json --policy zk/trust-policy.json\n\n\
            Exit status: 0 the bundle is sound (and satisfies the policy, if one is given), 1 it \
            is not, 2 it could not be read.")
    )]
    Inspect(InspectBundle),
    /// Approve a bundle: show what it approves, and add a signature to it
    #[command(after_long_help = signing::SIGN_BUNDLE_HELP)]
    Sign(Box<signing::SignBundle>),
    /// Put the signatures of several copies of one bundle together
    #[command(
        after_long_help = examples("Example (two people signed a copy each):\n  \
            zk-ceremony bundle merge merged.json zk/bundle.json from-alice.json from-bob.json")
    )]
    Merge(signing::MergeBundles),
    /// Hold a bundle against a policy, as a guarded build does
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony bundle verify zk/bundle.json --policy zk/trust-policy.json\n\n\
            Exit status: 0 the bundle satisfies the policy, 1 it does not, 2 it could not be read.")
    )]
    Verify(signing::VerifyBundle),
}

#[derive(Debug, Args)]
pub(crate) struct InspectBundle {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    pub(crate) bundle: PathBuf,
    /// The policy to hold it against
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PinPolicy {
    /// The policy
    #[arg(value_name = "POLICY")]
    pub(crate) policy: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PtauCommand {
    /// Open a ceremony: a file with tau = alpha = beta = 1
    #[command(after_long_help = examples("Example:\n  zk-ceremony ptau new --power 14 0000.ptau"))]
    New(New),
    /// Contribute your own secret randomness, which is forgotten afterwards
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony ptau contribute 0000.ptau 0001.ptau --name \"Alice\"\n\n\
            The secret comes from the operating system. On a terminal you are asked for some text \
            that is mixed in, never shown and never stored; --entropy-file mixes in a file \
            instead (dice throws, say). Contribute on a machine that nobody else shares.")
    )]
    Contribute(Contribute),
    /// Close the chain with a public random value that nobody could choose
    #[command(
        after_long_help = examples("Example (a block hash announced beforehand):\n  \
            zk-ceremony ptau beacon 0003.ptau final.ptau \\\n    \
            --value 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20 --exponent 10")
    )]
    Beacon(BeaconArgs),
    /// Compute the Lagrange bases that phase 2 reads
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony ptau prepare final.ptau prepared.ptau\n  \
            zk-ceremony ptau prepare final.ptau prepared.ptau --levels circuit.r1cs\n  \
            zk-ceremony ptau prepare final.ptau prepared.ptau --levels 14..20\n\n\
            Examples (in parts, on many machines; ops/batch runs them under Slurm and \
            Kubernetes):\n  \
            zk-ceremony ptau prepare final.ptau part-1.ptpart --part 1/8   (and so on, to 8/8)\n  \
            zk-ceremony ptau prepare final.ptau prepared.ptau --combine part-*.ptpart\n\n\
            A preparation that was interrupted goes on when the same command is given again. \
            Until it ends, what is made is next to OUT, as OUT.unfinished, OUT.unfinished.scratch \
            and OUT.unfinished.json; remove all three to begin anew.\n\n\
            snarkjs reads files with all levels only. `zkey new` also takes a file that is not \
            prepared, and computes what its circuit needs.")
    )]
    Prepare(Prepare),
    /// Attach Lagrange bases computed by someone else, once they are verified
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony ptau import-lagrange final.ptau downloaded-prepared.ptau prepared.ptau\n\n\
            The result is verified like `ptau verify` does it, checks 1 to 8: that takes a \
            fourteenth of the time of `ptau prepare`. Of LAGRANGE only sections 12 to 15 (or 111 \
            to 115) are taken, and of IN nothing is changed.")
    )]
    ImportLagrange(ImportLagrange),
    /// Check everything about a file
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony ptau verify prepared.ptau --min-contributions 3\n  \
            zk-ceremony ptau verify 0002.ptau --from 0001.ptau --json\n  \
            zk-ceremony ptau verify powersOfTau28_hez_final_14.ptau\n\n\
            Examples (in parts, on many machines; ops/batch runs them under Slurm and \
            Kubernetes):\n  \
            zk-ceremony ptau verify prepared.ptau --plan 8 --out plan.json --key K.pem\n  \
            zk-ceremony ptau verify prepared.ptau --plan-file plan.json --part 1/8 --out \
            part-1.json --key K.pem   (and so on, to 8/8)\n  \
            zk-ceremony ptau verify --combine plan.json part-*.json --trusted K.pub\n\n\
            Exit status: 0 the file is good, 1 it is not, 2 it could not be checked.")
    )]
    Verify(Box<Verify>),
    /// Show what a file says of itself, without checking its points
    #[command(after_long_help = examples("Example:\n  zk-ceremony ptau info 0002.ptau --json"))]
    Info(Info),
    /// Write the challenge file for the next participant
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony ptau export-challenge 0001.ptau challenge_0002")
    )]
    ExportChallenge(ExportChallenge),
    /// Answer a challenge file with a response file
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony ptau contribute-challenge challenge_0002 response_0002")
    )]
    ContributeChallenge(ContributeChallenge),
    /// Append the contribution of a response file
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony ptau import-response 0001.ptau response_0002 0002.ptau --name \"Bob\"")
    )]
    ImportResponse(ImportResponse),
}

/// Where a file is written.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// File to write; it appears only when it is complete
    #[arg(value_name = "OUT")]
    pub(crate) path: PathBuf,
    /// Replace OUT if it exists
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EntropyArgs {
    /// Mix the bytes of this file into the randomness (at most 1 MiB), instead of asking
    #[arg(long, value_name = "FILE")]
    pub(crate) entropy_file: Option<PathBuf>,
}

/// A beacon's public value.
#[derive(Debug, Args)]
pub(crate) struct BeaconValueArgs {
    /// The public value: 1 to 255 bytes in hexadecimal
    #[arg(long, value_name = "HEX")]
    pub(crate) value: String,
    /// The value is hashed 2^EXPONENT times (10 to 30)
    #[arg(long)]
    pub(crate) exponent: u8,
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// The file serves circuits of up to 2^POWER constraints
    #[arg(long, value_name = "POWER", value_parser = clap::value_parser!(u32).range(1..=28))]
    pub(crate) power: u32,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Contribute {
    /// The file to build on
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Your name, for display: nothing in the file binds it
    #[arg(long)]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) entropy: EntropyArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BeaconArgs {
    /// The file to build on
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) beacon: BeaconValueArgs,
    /// A name for the beacon, for display
    #[arg(long)]
    pub(crate) name: Option<String>,
}

/// Seconds between checkpoints, where no one says otherwise.
pub(crate) const CHECKPOINT_EVERY: u64 = 10;

#[derive(Debug, Args)]
pub(crate) struct Prepare {
    /// The file whose powers to take, closed by a beacon or not
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Only what circuits of these sizes need: the levels N to M (domains of 2^N to 2^M), or the
    /// one of a circuit; all without it
    #[arg(long, value_name = "R1CS|N|N..M")]
    pub(crate) levels: Option<LevelsOrCircuit>,
    /// Note how far the work has come whenever so many seconds have passed
    #[arg(long, value_name = "SECONDS", default_value_t = CHECKPOINT_EVERY)]
    pub(crate) checkpoint_every: u64,
    #[command(flatten)]
    pub(crate) parts: parts::PreparePartsArgs,
}

/// Levels, or a circuit that tells which.
#[derive(Clone, Debug)]
pub(crate) enum LevelsOrCircuit {
    Levels(Levels),
    Circuit(PathBuf),
}

impl FromStr for LevelsOrCircuit {
    type Err = NoLevels;

    fn from_str(text: &str) -> Result<Self, NoLevels> {
        let numbers = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if numbers { text.parse().map(Self::Levels) } else { Ok(Self::Circuit(text.into())) }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ImportLagrange {
    /// The file whose powers to take
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// A prepared file of the same powers, from anybody
    #[arg(value_name = "LAGRANGE")]
    pub(crate) lagrange: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(mut_group("signer", |signer| signer.required(false)))] // only a plan and parts are signed
pub(crate) struct Verify {
    /// The file to check; with --combine, the documents of all parts
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// An earlier file of the same ceremony, whose contributions must come first
    #[arg(long, value_name = "EARLIER")]
    pub(crate) from: Option<PathBuf>,
    /// Contributions that are not a beacon; at least 1 is always asked
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) min_contributions: u32,
    /// The file's BLAKE2b-512 (128 hexadecimal digits), required for a truncated file that is not
    /// a published one
    #[arg(long, value_name = "HEX")]
    pub(crate) digest: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) parts: parts::PartsArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Info {
    /// The file to describe
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Print the description as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportChallenge {
    /// The file to build on
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ContributeChallenge {
    /// The challenge file
    #[arg(value_name = "CHALLENGE")]
    pub(crate) challenge: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) entropy: EntropyArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ImportResponse {
    /// The file that the challenge was exported from
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// The response file
    #[arg(value_name = "RESPONSE")]
    pub(crate) response: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// The participant's name, for display: nothing in the file binds it
    #[arg(long)]
    pub(crate) name: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ZkeyCommand {
    /// Make the initial key of a circuit
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony zkey new circuit.r1cs prepared.ptau 0000.zkey\n\n\
            Everybody can use a key without contributions to forge proofs: collect contributions \
            before anything else. The .ptau is to be verified once with `ptau verify`; `zkey \
            verify` does so too.")
    )]
    New(NewKey),
    /// Contribute your own secret randomness, which is forgotten afterwards
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony zkey contribute 0000.zkey 0001.zkey --name \"Alice\"")
    )]
    Contribute(Contribute),
    /// Close the chain with a public random value that nobody could choose
    #[command(
        after_long_help = examples("Example (a block hash announced beforehand):\n  \
            zk-ceremony zkey beacon 0003.zkey final.zkey \\\n    \
            --value 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20 --exponent 10")
    )]
    Beacon(BeaconArgs),
    /// Check everything about a key: circuit, phase 1, every contribution
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony zkey verify circuit.r1cs prepared.ptau final.zkey --min-contributions \
            3\n  \
            zk-ceremony zkey verify 0004.zkey --from 0003.zkey     (cheaper: 0003.zkey was \
            verified before)\n  \
            zk-ceremony zkey verify circuit.r1cs prepared.ptau 0004.zkey --from 0003.zkey \
            --json\n  \
            zk-ceremony zkey verify other.r1cs prepared.ptau other.zkey --ptau-verified \
            3f8c...     (`ptau verify` called it good)\n\n\
            Exit status: 0 the key is good, 1 it is not, 2 it could not be checked.")
    )]
    Verify(VerifyKey),
    /// Show what a key says of itself, without checking its points
    #[command(after_long_help = examples("Example:\n  zk-ceremony zkey info 0002.zkey --json"))]
    Info(Info),
    /// Write the verifying key as JSON, for snarkjs and the tools around it
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony zkey export-verification-key final.zkey verification_key.json")
    )]
    ExportVerificationKey(ExportVerificationKey),
    /// Write proving and verifying key for arkworks
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony zkey export-ark final.zkey --proving-key pk.bin --verifying-key vk.bin \
            \\\n    \
            --r1cs circuit.r1cs --witness witness.wtns\n\n\
            The proving key is for arkworks' default reduction, in canonical uncompressed \
            encoding; the verifying key in canonical compressed encoding. Before anything is \
            written the keys are checked against each other and, given a witness, by a proof.")
    )]
    ExportArk(ExportArk),
}

#[derive(Debug, Args)]
pub(crate) struct NewKey {
    /// The circuit, as circom writes it
    #[arg(value_name = "R1CS")]
    pub(crate) r1cs: PathBuf,
    /// The powers of tau, verified; the Lagrange bases for the circuit are computed where they are
    /// not prepared
    #[arg(value_name = "PTAU")]
    pub(crate) ptau: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyKey {
    /// R1CS PTAU ZKEY, or with --from just ZKEY
    #[arg(value_name = "FILE", num_args = 1..=3, required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// An earlier key of the same chain, which was verified: its contributions must come first
    #[arg(long, value_name = "EARLIER")]
    pub(crate) from: Option<PathBuf>,
    /// Contributions that are not a beacon
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) min_contributions: std::num::NonZeroU32,
    /// Contributions to PTAU that are not a beacon
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) ptau_min_contributions: u32,
    /// BLAKE2b-512 of PTAU (128 hexadecimal digits), required if it is truncated and not a
    /// published file
    #[arg(long, value_name = "HEX")]
    pub(crate) ptau_digest: Option<String>,
    /// SHA-256 of PTAU (64 hexadecimal digits) as `ptau verify` printed it for you: PTAU is not
    /// verified again, and must be that file
    #[arg(
        long,
        value_name = "HEX",
        value_parser = FileDigest::from_hex,
        conflicts_with_all = ["ptau_digest", "ptau_min_contributions"]
    )]
    pub(crate) ptau_verified: Option<FileDigest>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportVerificationKey {
    /// The finished key
    #[arg(value_name = "ZKEY")]
    pub(crate) zkey: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArk {
    /// The finished key
    #[arg(value_name = "ZKEY")]
    pub(crate) zkey: PathBuf,
    /// Where to write the proving key (canonical, uncompressed)
    #[arg(long, value_name = "PK")]
    pub(crate) proving_key: PathBuf,
    /// Where to write the verifying key (canonical, compressed)
    #[arg(long, value_name = "VK")]
    pub(crate) verifying_key: PathBuf,
    /// Where to write the verifying key once more (canonical, uncompressed)
    #[arg(long, value_name = "VK")]
    pub(crate) verifying_key_uncompressed: Option<PathBuf>,
    /// The circuit, to prove with the exported key before it is written
    #[arg(long, value_name = "R1CS", requires = "witness")]
    pub(crate) r1cs: Option<PathBuf>,
    /// A witness of the circuit
    #[arg(long, value_name = "WTNS", requires = "r1cs")]
    pub(crate) witness: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long)]
    pub(crate) force: bool,
}
