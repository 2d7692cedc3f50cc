//! What can be typed about trust policies.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use zk_attest::primitives::CeremonyKind;

use super::next::NextPolicy;
use super::{OutputArgs, PinPolicy};
use crate::host::examples;

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Write a policy, and print the digest that build.rs pins
    #[command(
        after_long_help = examples(
            "Example (2 of 3 release authorities and 1 of 2 auditors approve, 3 of the named \
            participants must have contributed):\n  \
            zk-ceremony policy new zk/trust-policy.json --kind production \\\n    \
            --release r1=r1.pub.pem --release r2=HEX --release r3=id_ed25519.pub \
            --release-threshold 2 \\\n    \
            --auditor audit-co=HEX --auditor lab=HEX --auditor-threshold 1 \\\n    \
            --participant alice=HEX --participant bob=HEX --participant carol=HEX \\\n    \
            --participant-threshold 1 --phase1-contributions 3 --phase2-contributions 3 \\\n    \
            --circuit attestation=circuit.r1cs\n\n\
            Everything that is not sound (a threshold that cannot be met, a key in two places, \
            ...) is refused. Revoking is an edit of the file; `policy diff` says what an edit \
            changes.")
    )]
    New(Box<NewPolicy>),
    /// Show on one screen whom a policy trusts with what
    #[command(after_long_help = examples("Example:\n  zk-ceremony policy show zk/trust-policy.json"))]
    Show(ShowPolicy),
    /// Say in words what an edit of a policy changes
    #[command(after_long_help = examples("Example (the committed policy against the edited one):\n  \
        git show HEAD:zk/trust-policy.json >old.json\n  \
        zk-ceremony policy diff old.json zk/trust-policy.json\n\n\
        Exit status: 0 the two were compared, whatever they say, 1 one of them is no sound \
        policy, 2 one could not be read. For scripts: in the output of --json, `changes` is empty \
        if both say the same, and the `effect` of a change is \"weaker\", \"stronger\" or \
        \"neutral\"."))]
    Diff(DiffPolicies),
    /// Edit a policy for the bundle of the next ceremony, and say in words what changes
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony policy next zk/trust-policy.json next-policy.json --bundle bundle.json \\\n    \
            --revoke-predecessor --not-after 2029-03-31T00:00:00Z\n\n\
            No bundle below the serial of this one is accepted any more. People are not changed: \
            who is new in the roster is an edit of its own.")
    )]
    Next(NextPolicy),
    /// Check that a policy is sound, and print the digest that build.rs pins
    #[command(after_long_help = examples("Example:\n  zk-ceremony policy pin zk/trust-policy.json"))]
    Pin(PinPolicy),
}

/// The kinds of ceremony, as they are typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KindArg {
    /// Keys that protect something
    Production,
    /// A trial
    Rehearsal,
}

impl From<KindArg> for CeremonyKind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Production => Self::Production,
            KindArg::Rehearsal => Self::Rehearsal,
        }
    }
}

/// A KEY is 64 hex digits, an ssh-ed25519 line, or a file that `key show` reads.
#[derive(Debug, Args)]
pub(crate) struct NewPolicy {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// The kind of bundle to accept
    #[arg(long)]
    pub(crate) kind: KindArg,
    /// A release authority; KEY is 64 hex digits, an ssh-ed25519 line, or a file that `key show`
    /// reads
    #[arg(long, value_name = "NAME=KEY", required = true)]
    pub(crate) release: Vec<String>,
    /// How many release authorities must sign
    #[arg(long, value_name = "K")]
    pub(crate) release_threshold: NonZeroU32,
    /// An auditor
    #[arg(long, value_name = "NAME=KEY", requires = "auditor_threshold")]
    pub(crate) auditor: Vec<String>,
    /// How many auditors must sign
    #[arg(long, value_name = "K", requires = "auditor")]
    pub(crate) auditor_threshold: Option<NonZeroU32>,
    /// A participant whose contributions count in both phases
    #[arg(long, value_name = "NAME=KEY", requires = "participant_threshold")]
    pub(crate) participant: Vec<String>,
    /// A participant whose contributions count in phase 1 only
    #[arg(long, value_name = "NAME=KEY", requires = "participant_threshold")]
    pub(crate) phase1_participant: Vec<String>,
    /// A participant whose contributions count in phase 2 only
    #[arg(long, value_name = "NAME=KEY", requires = "participant_threshold")]
    pub(crate) phase2_participant: Vec<String>,
    /// How many participants must approve the final key
    #[arg(long, value_name = "K")]
    pub(crate) participant_threshold: Option<NonZeroU32>,
    /// A verifier, whose verdicts on single proofs count
    #[arg(long, value_name = "NAME=KEY", requires = "verifier_threshold")]
    pub(crate) verifier: Vec<String>,
    /// How many verifiers must find a proof to hold
    #[arg(long, value_name = "K", requires = "verifier")]
    pub(crate) verifier_threshold: Option<NonZeroU32>,
    /// How many contributions must count in phase 1
    #[arg(long, value_name = "N")]
    pub(crate) phase1_contributions: NonZeroU32,
    /// How many contributions must count in phase 2, for each circuit
    #[arg(long, value_name = "N")]
    pub(crate) phase2_contributions: NonZeroU32,
    /// A .ptau file that phase 1 may start from instead: the file, or its SHA-256
    #[arg(long, value_name = "SHA256|PTAU")]
    pub(crate) phase1_start: Vec<String>,
    /// A circuit: its name, and its .r1cs file or that file's SHA-256
    #[arg(long, value_name = "NAME=SHA256|R1CS", required = true)]
    pub(crate) circuit: Vec<String>,
    /// The lowest serial of a bundle to accept
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) minimum_serial: u64,
    /// Ask that every beacon is a round of drand, verified with the chain's key
    #[arg(long)]
    pub(crate) verified_beacons: bool,
    /// The last moment at which the policy may be used without a review (2027-12-31T00:00:00Z)
    #[arg(long, value_name = "TIME")]
    pub(crate) not_after: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowPolicy {
    /// The policy
    #[arg(value_name = "POLICY")]
    pub(crate) policy: PathBuf,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DiffPolicies {
    /// The policy before the edit
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The policy after it
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
