//! `ceremony`: the whole chain, on a folder that its parties share.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use zk_attest::key::PublicKey;
use zk_attest::primitives::CircuitName;

use super::judge::JudgeArgs;
use super::network::{AppointArgs, ApproveArgs, IndexArgs, JoinArgs, MirrorArgs, ServeArgs};
use super::next::NextCeremony;
use super::publication::{ArchiveArgs, PublishArgs};
use super::signing::SignerArgs;
use super::{CHECKPOINT_EVERY, EntropyArgs};
use crate::host::examples;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct CeremonyArgs {
    #[command(subcommand)]
    pub(crate) command: Option<CeremonyCommand>,
    #[command(flatten)]
    pub(crate) rehearsal: RehearsalArgs,
}

/// The rehearsal: what runs without a subcommand.
#[derive(Debug, Args)]
pub(crate) struct RehearsalArgs {
    /// Rehearse with this circuit instead of the example's (its key is embedded in an empty crate,
    /// and no proof is made)
    #[arg(long, value_name = "R1CS")]
    pub(crate) circuit: Option<PathBuf>,
    /// Start from this .ptau instead of a new phase 1
    #[arg(long, value_name = "FILE")]
    pub(crate) ptau: Option<PathBuf>,
    /// Participants, each a process of its own
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5,
        value_parser = clap::value_parser!(u32).range(1..=20)
    )]
    pub(crate) participants: u32,
    /// Power of phase 1; by default what the circuit needs
    #[arg(long, value_name = "POWER", value_parser = clap::value_parser!(u32).range(1..=28))]
    pub(crate) power: Option<u32>,
    /// Folder to rehearse in; by default a new one in target/ceremony
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the rehearsal in --out (or the latest one) after its last finished step
    #[arg(long)]
    pub(crate) resume: bool,
    /// Checkout of this project whose guard the build uses; `cargo xtask` uses the one it is run
    /// in
    #[arg(long, value_name = "DIR")]
    pub(crate) checkout: Option<PathBuf>,
    /// Hold it over a network: every party a process that knows the service's address and its own
    /// key
    #[arg(long)]
    pub(crate) network: bool,
    /// With commitments to all secrets before the first contribution of each phase
    #[arg(long, requires = "network", conflicts_with_all = ["parties", "resume"])]
    pub(crate) commitments: bool,
    /// A load test: so many participants, of whom a few are at work at a time, and no bundle; says
    /// how many contributions an hour the service takes
    #[arg(
        long,
        value_name = "N",
        requires = "network",
        conflicts_with_all = ["participants", "resume"],
        value_parser = clap::value_parser!(u32).range(2..=zk_vk_guard::limits::MAX_PARTICIPANTS as i64)
    )]
    pub(crate) parties: Option<u32>,
    /// How many of a hundred are killed at some point of their turn and never come back
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = 0,
        requires = "parties",
        value_parser = clap::value_parser!(u32).range(0..=90)
    )]
    pub(crate) drop_out: u32,
    /// What the choice of those, and of the points, is drawn from
    #[arg(long, value_name = "N", default_value_t = 1, requires = "parties")]
    pub(crate) seed: u64,
    /// Stop after the snippet: build and test no crate
    #[arg(long)]
    pub(crate) no_build: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CeremonyCommand {
    /// Open a ceremony: coordinator
    #[command(after_long_help = examples("Examples:\n  \
        zk-ceremony ceremony new --template > ceremony.toml\n  \
        zk-ceremony ceremony new --check --config ceremony.toml --circuit \
        attestation=circuit.r1cs\n  \
        zk-ceremony ceremony new shared/ --config ceremony.toml --circuit \
        attestation=circuit.r1cs --key coordinator.pem"))]
    New(NewCeremony),
    /// Contribute: verify the step before yours, add your secret randomness, sign an attestation of
    /// it
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony ceremony contribute shared/ --as \"Alice\" --key alice.pem\n  \
            zk-ceremony ceremony contribute shared/ --as \"Alice\" --key alice.pem --prepared \
            verdicts \\\n    --auditor KEY --auditor KEY\n\n\
            Contributes wherever it is your turn: to phase 1, or to every circuit in phase 2. The \
            secret comes from the operating system; on a terminal you are asked for some text \
            that is mixed in, never shown and never stored. File and attestation appear together, \
            and only when both are complete.\n\n\
            In phase 2 the prepared file is verified first, once for all circuits. Anyone who \
            relies on auditors (`ceremony audit --so-far` signs their verdicts) or on an own earlier \
            verification saves that work, and need not even have the file: then the last key of \
            a circuit is verified from an earlier one that the same auditors (or you) verified.")
    )]
    Contribute(ContributeStep),
    /// Attest a contribution of yours that another tool made, snarkjs for example
    #[command(
        after_long_help = examples("Example:\n  \
            npx snarkjs powersoftau contribute shared/phase1/0001.ptau mine.ptau -n=Bob\n  \
            zk-ceremony ceremony attest shared/ mine.ptau --as \"Bob\" --tool \"snarkjs 0.7.6\" \
            --entropy \"snarkjs, and text I typed\" \\\n    \
            --destruction \"the machine was switched off\" --key bob.pem\n\n\
            Each file is verified against the step before it, copied into the folder, and \
            attested, as if it had been made here. In phase 2 one call takes the files of all \
            circuits, `mine-a.zkey mine-b.zkey`, each made from the file that `status` names as \
            the circuit's last.")
    )]
    Attest(AttestStep),
    /// Add contributions that came: each is verified first: coordinator
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony ceremony accept shared/ inbox/\n\n\
            Takes files and folders. Of each contribution, a data file and its attestation, it \
            verifies signature, turn, place, digest and mathematics; then both files get their \
            names, which must be free. Otherwise nothing changes, and you are told whom to ask \
            for what.")
    )]
    Accept(AcceptStep),
    /// Close the open phase with the planned public random value: coordinator
    #[command(
        after_long_help = examples("Examples (a round of drand, fetched and verified; then the block hash \
            that ceremony.toml announces):\n  \
            zk-ceremony ceremony beacon shared/ --wait --key coordinator.pem\n  \
            zk-ceremony ceremony beacon shared/ --value HEX --key coordinator.pem")
    )]
    Beacon(BeaconStep),
    /// Prepare the closed phase 1 and open phase 2 of every circuit: coordinator
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony ceremony prepare shared/ --key coordinator.pem\n\n\
            After an interruption the same command goes on from its last checkpoint.")
    )]
    Prepare(PrepareStep),
    /// Verify everything, then write verifying keys for arkworks and snarkjs, and proving keys into
    /// DIR.private/, next to the folder
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony ceremony keygen shared/ --witness attestation=witness.wtns\n  \
            zk-ceremony ceremony keygen shared/ --private /srv/prover\n\n\
            With a witness, a proof is made with the finished key and verified; without one the \
            keys are checked for consistency.")
    )]
    Keygen(KeygenStep),
    /// Verify every file, every signature and every proof; write transcript, reports and SHA256SUMS
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony ceremony verify shared/\n  \
            zk-ceremony ceremony verify shared/ --read-only --json\n\n\
            Exit status: 0 everything so far is good, which does not mean that the ceremony is \
            finished (--finished asks that), 1 something is not, 2 it could not be checked.")
    )]
    Verify(VerifyCeremony),
    /// Show whose turn it is, what is missing, what was verified, and the next command
    #[command(after_long_help = examples("Example:\n  zk-ceremony ceremony status shared/"))]
    Status(StatusArgs),
    /// Is my contribution in the result? Where, with which hash, and everything after it verified
    #[command(after_long_help = examples("Example:\n  \
        zk-ceremony ceremony find shared/ --participant Alice"))]
    Find(FindArgs),
    /// Write the rules of the next ceremony of a periodic one: the same people, later beacons
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony ceremony next shared/ next.toml --id example-2028-01 \\\n    \
            --phase1-after 2028-01-17T12:00:00Z --phase2-after 2028-01-24T12:00:00Z\n  \
            zk-ceremony ceremony next shared/ next.toml --id example-2028-01 --keep-phase1 \\\n    \
            --phase2-after 2028-01-24T12:00:00Z --policy zk/trust-policy.json\n\n\
            The rules name this ceremony's transcript and serial: the next bundle has a higher \
            one, and says what it replaces.")
    )]
    Next(NextCeremony),
    /// Hold two signed words of a service against each other: did it tell two stories?
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony ceremony judge mirror-of-ann/ mirror-of-ben/\n  \
            zk-ceremony ceremony judge receipt.dsse.json ben/journal.head.dsse.json --folder ben/\n\n\
            Exit status: 0 they contradict each other, which is printed as a proof, 1 they do not, \
            2 it could not be said.")
    )]
    Judge(JudgeArgs),
    /// Begin another round of commitments, before anybody has contributed: coordinator
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony ceremony recommit shared/ --reason \"Bob's machine restarted\" --key \
            coordinator.pem\n\n\
            For ceremonies whose participants commit to their secrets: a participant whose \
            process ended after its commitment cannot contribute. All commitments of this round \
            are void; everybody commits anew, to other secrets. Processes that run do it by themselves, the \
            others are started again. After the first contribution to the phase it is too late.")
    )]
    Recommit(RecommitArgs),
    /// Take a bad file, and what was built on it, out of the chain: coordinator
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony ceremony reject shared/ 3 --reason \"fails check 5\" --key \
            coordinator.pem\n\n\
            The files stay as evidence; the chain goes on from the step before.")
    )]
    Reject(RejectStep),
    /// Sign that you take part: your key, program, machine and time, before the rounds
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony ceremony enrol shared/ --as \"Alice\" --key alice.pem\n  \
            zk-ceremony ceremony enrol shared/ --as \"Zoe\" --key zoe.pem --phases 1,2 --out zoe.json\n\n\
            It commits you, and no secret. If you are not in the roster yet, and the rules allow \
            enrolment, the coordinator adds you with `admit`.")
    )]
    Enrol(EnrolArgs),
    /// Add people, and amendments that came, to the roster: coordinator
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony ceremony admit shared/ zoe.json yves.json --key coordinator.pem\n\n\
            Takes signed enrolments, and signs an amendment of the roster for each; and takes \
            amendments that were signed elsewhere (`replace-key`, `handover`), which need no key \
            of yours.")
    )]
    Admit(AdmitArgs),
    /// Sign with another key from now on: participant
    #[command(
        name = "replace-key",
        after_long_help = examples("Examples:\n  \
            zk-ceremony ceremony replace-key shared/ --as Alice --key new.pem --old-key old.pem \
            --reason \"a new token\"\n  \
            zk-ceremony ceremony replace-key shared/ --as Alice --key new.pem --reason \"the key \
            was lost\"\n\n\
            Without the old key, the coordinator (with deputies: as many of coordinator and \
            deputies as the rules say) has to agree with `countersign`. What was made with the \
            old key stays as it is; it makes nothing new.")
    )]
    ReplaceKey(ReplaceKeyArgs),
    /// Let a deputy act as coordinator from now on: coordinator or deputies
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony ceremony handover shared/ --to Dora --reason \"the coordinator is ill\" \
            --key dora.pem\n\n\
            It is in force when the new coordinator has signed it, and the present one or as many \
            deputies as the rules say: the others sign with `countersign`.")
    )]
    Handover(HandoverArgs),
    /// Sign an amendment of the roster that waits for signatures
    #[command(after_long_help = examples("Examples:\n  \
        zk-ceremony ceremony countersign shared/ --key emil.pem\n  \
        zk-ceremony ceremony countersign shared/ --withdraw"))]
    Countersign(CountersignArgs),
    /// Move files that are no step of a chain to strays/: late ones, twins, garbage
    #[command(
        after_long_help = examples("Example:\n  zk-ceremony ceremony tidy shared/\n\n\
            Such files are in nobody's way, and `status` names them. Nothing is overwritten or \
            removed.")
    )]
    Tidy(TidyArgs),
    /// Re-verify everything from public files, sign the result, and sign the bundle: auditor
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony ceremony audit shared/ --as \"Dana\" --key dana.pem\n  \
            zk-ceremony ceremony audit shared/ --so-far --as \"Dana\" --key dana.pem\n\n\
            Writes audits/FINGERPRINT.dsse.json, and adds the signature to bundle.json where \
            there is one: that is what a policy counts.\n\n\
            With --so-far it verifies what there is of a ceremony that is not finished, and signs \
            a verdict of each step, audits/FINGERPRINT/STEP.dsse.json: participants who trust \
            the auditor need not verify the prepared file again.")
    )]
    Audit(AuditArgs),
    /// Pack the public files into a tar file, the same bytes each time, and print its digest
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony ceremony archive shared/ ceremony.tar\n  \
            zk-ceremony ceremony archive shared/ --to s3://archive/ceremony.tar --retain-until \
            2036-12-31\n  \
            zk-ceremony ceremony archive --verify ceremony.tar\n\n\
            With --to the archive is checked, put under a lock that nobody can lift before the \
            date, and read back. Credentials come from the environment. --verify reads an archive \
            once, from a file, a store or a web server, and says what it checked and what not.")
    )]
    Archive(Box<ArchiveArgs>),
    /// Put the public files into a store, each once, and a signed list of them last
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony ceremony publish shared/ s3://bucket/prefix --key coordinator.pem\n  \
            zk-ceremony ceremony publish copy/ gs://bucket/prefix\n\n\
            Run it again after each step, and after any interruption: it puts what is missing. An \
            object that is there with other bytes is never overwritten. Without a key, the \
            index.json of the folder is published, as a copy by `mirror` has it. Readers run \
            `ceremony mirror https://BUCKET/PREFIX/ DIR`.")
    )]
    Publish(Box<PublishArgs>),
    /// Hold the ceremony over a network: queue, turns, verification, receipts: coordinator
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony ceremony serve shared/ --listen 0.0.0.0:8443 --origin \
            https://ceremony.example.org:8443 \\\n    \
            --tls-cert chain.pem --tls-key tls.pem --key coordinator.pem\n  \
            zk-ceremony ceremony serve shared/ --listen 127.0.0.1:8080 --origin \
            https://ceremony.example.org\n\n\
            With --key it also does the coordinator's steps: it closes a phase when its beacon is \
            there, prepares phase 2, makes keys and bundle, and ends when the policy is \
            satisfied. Without, the coordinator does them with the other commands on the same \
            folder, once `appoint` has let the service sign. The folder stays a ceremony \
            folder: contributions that are carried by hand come in with `accept` as before.")
    )]
    Serve(Box<ServeArgs>),
    /// Let a service hold the ceremony: coordinator
    #[command(after_long_help = examples("Example:\n  \
        zk-ceremony ceremony appoint shared/ --service-key HEX --origin \
        https://ceremony.example.org --key coordinator.pem"))]
    Appoint(AppointArgs),
    /// Take part over a network: wait for your turn, contribute, keep the receipt
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony ceremony join https://ceremony.example.org --as Alice --key alice.pem \
            --approve\n\n\
            Run it again after any interruption: your place in the queue is kept, and what was \
            sent already is not made twice. It may wait for hours; what you type for randomness \
            is asked for at the start.")
    )]
    Join(Box<JoinArgs>),
    /// Sign a list of the public files, for a bucket or a plain web server
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony ceremony index shared/ --key coordinator.pem\n\n\
            Writes index.json, signed by the coordinator's key or by that of a service that the \
            coordinator appointed. Copy the listed files to the bucket first, and index.json last: \
            `ceremony mirror https://BUCKET/PREFIX/ DIR` reads it, and the files next to it.")
    )]
    Index(IndexArgs),
    /// Copy a ceremony from its service or a bucket as it grows, and verify each step once
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony ceremony mirror https://ceremony.example.org copy/\n  \
            zk-ceremony ceremony mirror https://ceremony.example.org copy/ --verify --as Dana \
            --key dana.pem --approve\n  \
            zk-ceremony ceremony mirror s3://BUCKET/PREFIX copy/ --rules SHA256\n\n\
            With a key the result is signed, kept in the copy and sent to the service.")
    )]
    Mirror(Box<MirrorArgs>),
    /// Verify a finished ceremony from its service, and sign its bundle: release authority
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony ceremony approve https://ceremony.example.org --key release-1.pem")
    )]
    Approve(Box<ApproveArgs>),
}

pub(crate) fn circuit_name(text: &str) -> Result<CircuitName, String> {
    CircuitName::new(text).map_err(|refusal| refusal.what().to_owned())
}

/// A file that another tool made: FILE, or NAME=FILE where NAME can be a circuit's.
#[derive(Clone, Debug)]
pub(crate) struct MadeFile {
    pub(crate) circuit: Option<CircuitName>,
    pub(crate) path: PathBuf,
}

impl std::str::FromStr for MadeFile {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let named = text.split_once('=').and_then(|(name, path)| {
            Some(Self { circuit: Some(CircuitName::new(name).ok()?), path: path.into() })
        });
        Ok(named.unwrap_or_else(|| Self { circuit: None, path: text.into() }))
    }
}

/// A circuit's file, as NAME=FILE.
#[derive(Clone, Debug)]
pub(crate) struct NamedFile {
    pub(crate) name: CircuitName,
    pub(crate) path: PathBuf,
}

impl std::str::FromStr for NamedFile {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = text.split_once('=').ok_or("expected NAME=FILE")?;
        let name = circuit_name(name)?;
        Ok(Self { name, path: path.into() })
    }
}

#[derive(Debug, Args)]
pub(crate) struct FolderArg {
    /// The ceremony folder
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
#[command(mut_group("signer", |signer| signer.required(false)))] // printing the template needs none
pub(crate) struct NewCeremony {
    /// Print a commented ceremony.toml and do nothing more
    #[arg(long, exclusive = true)]
    pub(crate) template: bool,
    /// The ceremony folder to make
    #[arg(value_name = "DIR", required_unless_present_any = ["template", "check"])]
    pub(crate) folder: Option<PathBuf>,
    /// Say whether these rules, circuits and start can be opened, and write nothing
    #[arg(long, conflicts_with = "folder")]
    pub(crate) check: bool,
    /// The rules
    #[arg(long, value_name = "FILE", required_unless_present = "template")]
    pub(crate) config: Option<PathBuf>,
    /// A circuit of the rules, as NAME=FILE.r1cs; once for each
    #[arg(long, value_name = "NAME=R1CS")]
    pub(crate) circuit: Vec<NamedFile>,
    /// The file that phase 1 starts from, where the rules name one
    #[arg(long, value_name = "FILE")]
    pub(crate) ptau: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

/// How the prepared file of phase 1 comes to be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Prepared {
    /// Verify it, once for all circuits
    Verify,
    /// Rely on the signed verdicts of all auditors named with --auditor
    Verdicts,
    /// Rely on an own earlier verification of a file with the same digest
    Known,
}

pub(super) fn public_key(text: &str) -> Result<PublicKey, String> {
    PublicKey::from_hex(text.trim()).map_err(|refusal| refusal.what().to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct PreparedArgs {
    /// How phase 1's prepared file is verified, in phase 2; what you rely on becomes part of your
    /// attestation
    #[arg(long, value_name = "HOW", value_enum, default_value = "verify")]
    pub(crate) prepared: Prepared,
    /// With --prepared verdicts: the public key of an auditor whose signed verdict you rely on, in
    /// hexadecimal; once for each
    #[arg(long, value_name = "KEY", value_parser = public_key)]
    pub(crate) auditor: Vec<PublicKey>,
}

#[derive(Debug, Args)]
pub(crate) struct ContributeStep {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// Your name in the roster
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: String,
    /// Someone whose turn comes before yours and who is to be passed over, agreed with the
    /// coordinator; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) skip: Vec<String>,
    /// How you destroy the secret, in your words: it is signed and published
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "the program overwrote it in memory and ended; nothing was stored"
    )]
    pub(crate) destruction: String,
    #[command(flatten)]
    pub(crate) prepared: PreparedArgs,
    #[command(flatten)]
    pub(crate) entropy: EntropyArgs,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AttestStep {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// The file that you made from the last step's; in phase 2 one for each circuit. The file says
    /// of which circuit it is, or you do, as NAME=FILE
    #[arg(value_name = "[NAME=]FILE", required = true)]
    pub(crate) files: Vec<MadeFile>,
    /// Your name in the roster
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: String,
    /// The circuit of the only file: the same as NAME=FILE
    #[arg(long, value_name = "NAME", value_parser = circuit_name)]
    pub(crate) circuit: Option<CircuitName>,
    /// Someone whose turn comes before yours and who is to be passed over; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) skip: Vec<String>,
    /// Tool and version that made the file
    #[arg(long, value_name = "TEXT")]
    pub(crate) tool: String,
    /// Where its randomness came from, in your words
    #[arg(long, value_name = "TEXT")]
    pub(crate) entropy: String,
    /// How you destroy the secret, in your words
    #[arg(long, value_name = "TEXT")]
    pub(crate) destruction: String,
    #[command(flatten)]
    pub(crate) prepared: PreparedArgs,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AcceptStep {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// What came: files, or folders that have them
    #[arg(value_name = "INBOX", required = true)]
    pub(crate) inbox: Vec<PathBuf>,
    /// A participant whose turn comes before the sender's and who is to be passed over;
    /// may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) skip: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct BeaconStep {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    #[command(flatten)]
    pub(crate) value: BeaconSource,
    #[command(flatten)]
    pub(crate) endpoints: EndpointArgs,
    /// Wait for the round of drand that is not published yet
    #[arg(long, conflicts_with_all = ["value", "signature", "random"])]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct EndpointArgs {
    /// An endpoint of drand to ask for the round, as in https://api.drand.sh; may be repeated. By
    /// default those of the League of Entropy and of Cloudflare
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Vec<String>,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct BeaconSource {
    /// The public value: 1 to 255 bytes in hexadecimal
    #[arg(long, value_name = "HEX")]
    pub(crate) value: Option<String>,
    /// The signature of the round, where the rules name a chain of drand: 96 hexadecimal digits. It
    /// is verified, so it may come from anywhere; without it, endpoints of drand are asked
    #[arg(long, value_name = "HEX")]
    pub(crate) signature: Vec<String>,
    /// Draw the value from the operating system: in a rehearsal only, where nobody waits for a
    /// block
    #[arg(long)]
    pub(crate) random: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PrepareStep {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// Note how far the preparation has come whenever so many seconds have passed
    #[arg(long, value_name = "SECONDS", default_value_t = CHECKPOINT_EVERY)]
    pub(crate) checkpoint_every: u64,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct KeygenStep {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// A witness of a circuit, to prove with; once for each circuit
    #[arg(long, value_name = "NAME=WTNS")]
    pub(crate) witness: Vec<NamedFile>,
    /// Where the proving keys go, outside of the ceremony folder; DIR.private by default
    #[arg(long, value_name = "DIR2")]
    pub(crate) private: Option<PathBuf>,
    /// Write proving keys only sealed to this recipient (age1..., age1tag1... of a token, a
    /// plugin's age1NAME1...); may be repeated, and any one of them opens
    #[arg(long, value_name = "RECIPIENT")]
    pub(crate) seal_to: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyCeremony {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// Write nothing into the folder
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Fail unless the ceremony is finished: for archives
    #[arg(long)]
    pub(crate) finished: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The ceremony folder, or the address of its service
    #[arg(value_name = "DIR|URL")]
    pub(crate) folder: PathBuf,
    /// Certificates to trust besides the system's, in PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Talk to another machine without TLS: in a network that you trust only
    #[arg(long)]
    pub(crate) insecure_http: bool,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FindArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// Name in the roster, or public key
    #[arg(long, value_name = "NAME|KEY")]
    pub(crate) participant: String,
    /// A receipt that a service gave: the folder must have what it tells of; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: Vec<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RecommitArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// Why: it is signed and published
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RejectStep {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// The number of the step, or "final" for the beacon; 2-3 for the third attempt at step 2
    #[arg(value_name = "STEP")]
    pub(crate) step: String,
    /// Why: it is signed and published
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// The circuit, in phase 2
    #[arg(long, value_name = "NAME", value_parser = circuit_name)]
    pub(crate) circuit: Option<CircuitName>,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct EnrolArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// Your name: in the roster, or as it is to stand there
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: String,
    /// The phases that you will contribute to; those of the roster, or all that the rules take
    /// people for, if it is left out
    #[arg(long, value_name = "1,2", value_delimiter = ',')]
    pub(crate) phases: Vec<u8>,
    /// The machine that you will use, in your words
    #[arg(long, value_name = "TEXT", default_value = "not said")]
    pub(crate) machine: String,
    /// When you will be there, in your words
    #[arg(long, value_name = "TEXT", default_value = "not said")]
    pub(crate) window: String,
    /// File to write; enrolments/FINGERPRINT.dsse.json in the folder if it is left out
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
#[command(mut_group("signer", |signer| signer.required(false)))] // signed amendments need none
pub(crate) struct AdmitArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// Enrolments and amendments
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ReplaceKeyArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// Your name in the roster
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: String,
    /// The file of your key until now; other signers use `countersign`
    #[arg(long, value_name = "FILE")]
    pub(crate) old_key: Option<PathBuf>,
    /// Why: it is signed and published
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// The new key
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct HandoverArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// The deputy who takes over, or the coordinator of the rules, who comes back
    #[arg(long, value_name = "NAME")]
    pub(crate) to: String,
    /// Why: it is signed and published
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
#[command(mut_group("signer", |signer| signer.required(false)))] // withdrawing needs none
pub(crate) struct CountersignArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// Put the amendment away, into strays/, unsigned
    #[arg(long, conflicts_with = "signer")]
    pub(crate) withdraw: bool,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TidyArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// Your name, as reports are to show it
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: String,
    /// Verify what there is, and sign a verdict of each step: also before the ceremony is
    /// finished
    #[arg(long)]
    pub(crate) so_far: bool,
    /// What else you did, in your words: other tools, other machines
    #[arg(long, value_name = "TEXT", default_value = "this tool only")]
    pub(crate) method: String,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CreateBundle {
    #[command(flatten)]
    pub(crate) folder: FolderArg,
    /// Higher than that of every bundle before; left out, one more than that of the predecessor
    /// that the rules name
    #[arg(long, value_name = "N")]
    pub(crate) serial: Option<u64>,
    /// The last moment at which the bundle may be imported, as in 2027-12-31T23:59:59Z
    #[arg(long, value_name = "TIME")]
    pub(crate) not_after: String,
    /// Transcript hash of the ceremony that this one replaces
    #[arg(long, value_name = "HEX")]
    pub(crate) predecessor: Option<String>,
    /// File to write; bundle.json in the folder if it is left out
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
}
