//! Who signs: the options that every signing command has in common, and the commands around keys
//! and signatures.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::OutputArgs;
use crate::host::examples;

/// Ways to sign, with worked examples. Shown by `sign --help`, to which every signing command
/// points.
pub(crate) const BACKENDS_HELP: &str = "\
Every command that signs takes one of these signers:

  --key release-1.pem
  --pkcs11-module /usr/lib/softhsm/libsofthsm2.so --key-label approval
  --ssh-agent --public-key ~/.ssh/id_ed25519.pub
  --signer-cmd ./aws-kms.sh --signer-arg alias/release-1 --public-key release-1.pub.pem

Where none is named, the key file that the variable ZK_CEREMONY_KEY names signs, if the command \
     cannot do without a signature.

What is signed is always the DSSE pre-authentication encoding (PAE) of a statement, at most 4096 \
     bytes, with plain Ed25519: no prehash. A signature is accepted only if it verifies under the \
     signer's key. --signer-cmd runs a program without a shell: the PAE on its stdin, the 64 \
     bytes of the signature or their base64 on its stdout, everything else on its stderr.

AWS KMS (key spec ECC_NIST_EDWARDS25519), aws-kms.sh:
  #!/bin/sh
  # $1: key id, ARN or alias/NAME
  exec aws kms sign --key-id \"$1\" --message fileb:///dev/stdin --message-type RAW \\
    --signing-algorithm ED25519_SHA_512 --query Signature --output text
Its public key:
  aws kms get-public-key --key-id alias/release-1 --query PublicKey --output text | base64 -d |
  openssl pkey -pubin -inform DER -out release-1.pub.pem

Google Cloud KMS (algorithm EC_SIGN_ED25519), gcloud-kms.sh:
  #!/bin/sh
  # $1: location, $2: keyring, $3: key, $4: version
  dir=$(mktemp -d) && trap 'rm -rf \"$dir\"' EXIT && cat >\"$dir/pae\" &&
  gcloud kms asymmetric-sign --location=\"$1\" --keyring=\"$2\" --key=\"$3\" --version=\"$4\" \\
    --input-file=\"$dir/pae\" --signature-file=\"$dir/sig\" >&2 && cat \"$dir/sig\"
Its public key:
  gcloud kms keys versions get-public-key 1 --location=L --keyring=R --key=K \\
    --output-file=release-1.pub.pem

HashiCorp Vault, or OpenBao with `bao` for `vault` (transit key of type ed25519), vault.sh:
  #!/bin/sh
  # $1: key. The answer is vault:vN:BASE64.
  base64 | tr -d '\\n' |
  vault write -field=signature \"transit/sign/$1\" input=- | cut -d: -f3
Its public key, 64 hex digits:
  vault read -format=json transit/keys/release-1 | jq -r '.data.keys[\"1\"].public_key' |
  base64 -d | od -An -tx1 | tr -d ' \\n'

openssl with an encrypted key file, openssl.sh (asks for the passphrase on the terminal):
  #!/bin/sh
  # $1: key file
  dir=$(mktemp -d) && trap 'rm -rf \"$dir\"' EXIT && cat >\"$dir/pae\" &&
  openssl pkeyutl -sign -rawin -inkey \"$1\" -in \"$dir/pae\"

A machine without a network; both sides print the SHA-256 of release.pae, to be compared:
  here   zk-ceremony sign prepare zk/bundle.json release.pae
         (writes release.pae.manifest.json too: circuits and keys. Carry both over.)
  there  zk-ceremony sign raw release.pae release.sig --key K.pem
  or     openssl pkeyutl -sign -rawin -inkey K.pem -in release.pae -out release.sig
  here   zk-ceremony sign attach zk/bundle.json --signature release.sig --public-key K.pub.pem";

/// After the help of `bundle sign`.
pub(crate) const SIGN_BUNDLE_HELP: &str = "\
Examples:
  zk-ceremony bundle sign zk/bundle.json --policy zk/trust-policy.json --key release-1.pem
  zk-ceremony bundle sign zk/bundle.json --policy zk/trust-policy.json \\
    --pkcs11-module /usr/lib/softhsm/libsofthsm2.so --key-label approval
  zk-ceremony bundle sign zk/bundle.json --out from-alice.json \\
    --ssh-agent --public-key ~/.ssh/id_ed25519.pub

Each signer adds its own signature, in any order, to the same file or to a copy (`bundle merge` \
                                           puts copies together). `sign --help` shows how to sign \
                                           with cloud key services, with tokens and on a machine \
                                           without a network.";

/// A bundle to be approved.
#[derive(Debug, Args)]
pub(crate) struct SignBundle {
    /// The bundle; the signature is added to it in place
    #[arg(value_name = "BUNDLE")]
    pub(crate) bundle: PathBuf,
    /// The policy that the bundle is for: the inspection shows who is missing, and a key that it
    /// does not name is refused
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Sign without asking
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

/// Where a signed document goes: back to where it was, or elsewhere.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// Write the signed document here, and leave the original as it is
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file of --out if it exists
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MergeBundles {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Keep only signatures that verify under a key of this policy, and say how many others there
    /// were
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<PathBuf>,
    /// Copies of one bundle
    #[arg(value_name = "BUNDLE", num_args = 2.., required = true)]
    pub(crate) bundles: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyBundle {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    pub(crate) bundle: PathBuf,
    /// The policy
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SignCommand {
    /// Write exactly the bytes to be signed, for another machine, and print their SHA-256
    #[command(after_long_help = examples("Example:\n  \
        zk-ceremony sign prepare zk/bundle.json release.pae\n\n\
        Of a bundle, release.pae.manifest.json is written too: the circuits and keys that are \
        approved.\nOn the other machine: `zk-ceremony sign raw release.pae release.sig --key \
        K.pem`, or\n`openssl pkeyutl -sign -rawin -inkey K.pem -in release.pae -out \
        release.sig`. `sha256sum release.pae` there must print the same line.\n\
        Bring release.sig back: `zk-ceremony sign attach`."))]
    Prepare(PrepareSigning),
    /// Show what prepared bytes say, sign them, and write the 64 bytes of the signature
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony sign raw release.pae release.sig --key K.pem\n\n\
            Anything but bytes that `sign prepare` wrote is refused: a key that signs statements \
            signs nothing else.")
    )]
    Raw(Box<SignRaw>),
    /// Add a signature that was made elsewhere, after verifying it
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony sign attach zk/bundle.json --signature release.sig --public-key K.pub.pem")
    )]
    Attach(AttachSignature),
}

#[derive(Debug, Args)]
pub(crate) struct PrepareSigning {
    /// The bundle (bundle.json), the envelope (NNNN.dsse.json, a part of a verification) or the
    /// plan of a verification in parts to be signed
    #[arg(value_name = "DOCUMENT")]
    pub(crate) document: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SignRaw {
    /// The bytes that `sign prepare` wrote
    #[arg(value_name = "PAE")]
    pub(crate) message: PathBuf,
    /// The manifest of the bundle that is approved, if it is not next to PAE, where `sign prepare`
    /// wrote it
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Sign without asking
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AttachSignature {
    /// The bundle, envelope or plan that was signed; the signature is added to it in place
    #[arg(value_name = "DOCUMENT")]
    pub(crate) document: PathBuf,
    /// The file with the signature: 64 bytes, or their base64
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: PathBuf,
    /// The signer's public key: 64 hex digits, or a file that `key show` reads
    #[arg(long, value_name = "HEX|FILE")]
    pub(crate) public_key: String,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

/// Who signs. Exactly one back end is to be named.
#[derive(Debug, Args)]
pub(crate) struct SignerArgs {
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
    /// The public key that must be the signer's: 64 hex digits, or a file that `key show` reads
    #[arg(long, value_name = "HEX|FILE", help_heading = "Signer")]
    pub(crate) public_key: Option<String>,
    #[command(flatten)]
    pub(crate) token: TokenArgs,
    /// One argument for the program of --signer-cmd; repeat it for more
    #[arg(
        long,
        value_name = "ARG",
        help_heading = "Signer",
        requires = "signer_cmd",
        allow_hyphen_values = true
    )]
    pub(crate) signer_arg: Vec<OsString>,
    /// How long --signer-cmd and --ssh-agent may take
    #[arg(
        long,
        value_name = "SECONDS",
        help_heading = "Signer",
        default_value = "60",
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    pub(crate) signer_timeout: u64,
}

/// The variable that names the key file of who gives no signer.
const USUAL_KEY: &str = "ZK_CEREMONY_KEY";

/// The key file to sign with where the command line names no signer.
pub(crate) fn usual_key() -> Option<PathBuf> {
    std::env::var_os(USUAL_KEY).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The back ends.
#[derive(Debug, Args)]
#[group(id = "signer", required = usual_key().is_none(), multiple = false)]
pub(crate) struct BackendArgs {
    /// Sign with a private key file: PKCS#8 PEM (`key new`, `openssl genpkey -algorithm ed25519`)
    /// or OpenSSH, not encrypted [default: the file that ZK_CEREMONY_KEY names]
    #[arg(long, value_name = "FILE", help_heading = "Signer")]
    pub(crate) key: Option<PathBuf>,
    /// Sign with a token (HSM, smart card) through this PKCS#11 module
    #[arg(long, value_name = "MODULE", help_heading = "Signer")]
    pub(crate) pkcs11_module: Option<PathBuf>,
    /// Sign with a program, run without a shell: message on its stdin, signature (64 bytes or
    /// their base64) on its stdout
    #[arg(long, value_name = "PROGRAM", help_heading = "Signer", requires = "public_key")]
    pub(crate) signer_cmd: Option<OsString>,
    /// Sign with the key of --public-key in the ssh-agent of SSH_AUTH_SOCK
    #[arg(long, help_heading = "Signer", requires = "public_key")]
    pub(crate) ssh_agent: bool,
}

/// Which key of which token, and where its PIN comes from: never the command line, which other
/// accounts can read.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// The token's label
    #[arg(long, value_name = "LABEL", help_heading = "Signer", requires = "pkcs11_module")]
    pub(crate) token_label: Option<String>,
    /// The token's serial number
    #[arg(long, value_name = "SERIAL", help_heading = "Signer", requires = "pkcs11_module")]
    pub(crate) token_serial: Option<String>,
    /// The key's label
    #[arg(long, value_name = "LABEL", help_heading = "Signer", requires = "pkcs11_module")]
    pub(crate) key_label: Option<String>,
    /// The key's id
    #[arg(long, value_name = "HEX", help_heading = "Signer", requires = "pkcs11_module")]
    pub(crate) key_id: Option<String>,
    /// Read the PIN from this file descriptor instead of asking
    #[arg(
        long,
        value_name = "N",
        help_heading = "Signer",
        requires = "pkcs11_module",
        conflicts_with = "pin_file"
    )]
    pub(crate) pin_fd: Option<u32>,
    /// Read the PIN from this file instead of asking
    #[arg(long, value_name = "FILE", help_heading = "Signer", requires = "pkcs11_module")]
    pub(crate) pin_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a private key from the operating system's randomness
    #[command(after_long_help = examples("Example:\n  \
        zk-ceremony key new release-1.pem\n\n\
        The file is PKCS#8 PEM, readable by its owner only; openssl reads it too. What is printed \
        is the public key, for policies and rosters."))]
    New(NewKeyFile),
    /// Print a public key as policies hold it, from hex digits, an SPKI PEM file, an ssh-ed25519
    /// line or a private key file
    #[command(
        after_long_help = examples("Examples:\n  \
            zk-ceremony key show ~/.ssh/id_ed25519.pub\n  \
            zk-ceremony key show release.pub.pem\n  \
            zk-ceremony key show release-1.pem")
    )]
    Show(ShowKey),
    /// Print the public key of a signer: what a token holds, or whether an ssh-agent has a key
    #[command(
        after_long_help = examples("Example:\n  \
            zk-ceremony key of --pkcs11-module /usr/lib/softhsm/libsofthsm2.so --key-label \
            approval")
    )]
    Of(Box<KeyOfSigner>),
    /// Seal a proving key in age's format: any one of the recipients opens it
    #[command(after_long_help = examples("Example:\n  \
        zk-ceremony key seal attestation.proving_key.bin --to age1... --to age1tag1... --out \
        attestation.proving_key.bin.age\n\n\
        Sealing keeps a proving key from those who may not prove; the soundness of proofs never \
        depends on it."))]
    Seal(super::sealing::SealFile),
    /// Open a sealed proving key, into a pipe or a file that its owner alone can read
    #[command(after_long_help = examples("Examples:\n  \
        zk-ceremony key open key.bin.age --identity me.txt | prover --key -\n  \
        zk-ceremony key open key.bin.age --pkcs11-module /usr/lib/softhsm/libsofthsm2.so \
        --key-label prover --out key.bin\n\n\
        What a pipe gets is checked part by part, and is whole only if the exit status is 0."))]
    Open(Box<super::sealing::OpenFile>),
    /// Print the age recipient of a P-256 key in a token
    #[command(after_long_help = examples("Example:\n  \
        zk-ceremony key recipient --pkcs11-module /usr/lib/softhsm/libsofthsm2.so --key-label \
        prover"))]
    Recipient(Box<super::sealing::RecipientOfToken>),
}

#[derive(Debug, Args)]
pub(crate) struct KeyOfSigner {
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
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
