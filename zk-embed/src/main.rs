//! `zk-embed`: writes the snippet of a bundle, or checks that the committed one is current.
//!
//! Exit codes: 0 good; 1 the bundle, the policy or the snippet is bad; 2 the call or its
//! environment is.

use std::path::PathBuf;
use std::process::ExitCode;

use ceremony_core::progress::NoProgress;
use clap::Parser;
use zk_attest::error::{Refusal, USUAL_BUNDLE, USUAL_POLICY, USUAL_SNIPPET};
use zk_attest::file::read_regular;
use zk_attest::primitives::{CeremonyKind, Timestamp};
use zk_embed::ceremony::{CeremonyCheckError, check_ceremony};
use zk_embed::{check, embed, replace};
use zk_vk_guard::bundle::{MAX_BUNDLE_BYTES, OnExpiry};
use zk_vk_guard::policy::MAX_POLICY_BYTES;
use zk_vk_guard::snippet::Options;

/// Writes the Rust source that embeds the verifying keys of an approved bundle.
///
/// The bundle must satisfy the trust policy, and every point of its keys is checked. Commit the
/// written file, outside of src/: the guard in build.rs compares it with the bundle in every build.
#[derive(Parser)]
#[command(
    version,
    after_help = "Example:\n  zk-embed --bundle zk/bundle.json --policy zk/trust-policy.json \
                  --out zk/verifying_key.rs\n  zk-embed --check    (in continuous integration)\n  \
                  zk-embed --ceremony ceremony/    (verifies the ceremony itself first)"
)]
struct Arguments {
    /// The bundle.
    #[arg(long, value_name = "FILE", default_value = USUAL_BUNDLE)]
    bundle: PathBuf,
    /// The trust policy that it has to satisfy.
    #[arg(long, value_name = "FILE", default_value = USUAL_POLICY)]
    policy: PathBuf,
    /// The snippet.
    #[arg(long, value_name = "FILE", default_value = USUAL_SNIPPET)]
    out: PathBuf,
    /// Write nothing: exit with 1, and the command that fixes it, unless the snippet is current.
    #[arg(long)]
    check: bool,
    /// Add `const` arkworks points and a `verify` with a fixed number of public inputs (and call
    /// `.arkworks()` on the guard).
    #[arg(long)]
    arkworks: bool,
    /// Verify the whole ceremony from its public files first, and that it is the bundle's.
    #[arg(long, value_name = "DIR")]
    ceremony: Option<PathBuf>,
}

/// What ends the program.
enum Failure {
    Refused(Refusal),
    Ceremony(CeremonyCheckError),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<CeremonyCheckError> for Failure {
    fn from(error: CeremonyCheckError) -> Self {
        Self::Ceremony(error)
    }
}

impl Arguments {
    fn run(&self) -> Result<(), Failure> {
        let now = Timestamp::now();
        // An expired bundle is not imported; one that was imported in time stays buildable, and its
        // check says so.
        let on_expiry = if self.check { OnExpiry::Warn } else { OnExpiry::Refuse };
        let policy = read_regular(&self.policy, MAX_POLICY_BYTES)?;
        let bundle = read_regular(&self.bundle, MAX_BUNDLE_BYTES)?;
        let embedded =
            embed(&bundle, &policy, Options { arkworks: self.arkworks }, &now, on_expiry)?;
        let provenance = embedded.bundle.provenance();
        if provenance.kind == CeremonyKind::Rehearsal {
            eprintln!("warning: the keys are of a rehearsal and protect nothing");
        }
        embedded.bundle.warnings().iter().for_each(|warning| eprintln!("warning: {warning}"));
        if let Some(folder) = &self.ceremony {
            check_ceremony(&embedded, folder, &NoProgress)?;
            eprintln!("verified: every file of the ceremony in {}", folder.display());
        }
        if self.check {
            check(&embedded, &self.out)?;
        } else {
            replace(&embedded, &self.out)?;
        }
        let done = if self.check { "current" } else { "written" };
        println!(
            "{done}: {}, serial {} of ceremony {} ({})",
            self.out.display(),
            provenance.serial,
            provenance.ceremony,
            provenance.kind
        );
        for (circuit, key) in embedded.bundle.circuits() {
            println!(
                "  {}: {} public inputs, VK_SHA256 {}",
                circuit.name,
                key.public_inputs(),
                circuit.vk_sha256
            );
        }
        println!("policy to pin in build.rs: {}", embedded.bundle.policy_digest());
        Ok(())
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let shown = [&arguments.policy, &arguments.bundle, &arguments.out]
        .map(|path| path.display().to_string());
    let code = match arguments.run() {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Refused(refusal)) => {
            let refusal = refusal.with_paths(&shown[0], &shown[1], &shown[2]);
            eprintln!("error: {refusal}");
            refusal.blame().exit_code()
        }
        Err(Failure::Ceremony(error)) => {
            eprintln!("error: {error}");
            error.blame().exit_code()
        }
    };
    ExitCode::from(code)
}
