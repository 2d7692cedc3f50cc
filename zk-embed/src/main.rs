//! `zk-embed`: writes the keys of a bundle as source, or checks that the committed file is current.
//!
//! Exit codes: 0 good; 1 the bundle, the policy or the snippet is bad; 2 the call or its
//! environment is.

use std::path::PathBuf;
use std::process::ExitCode;

use ceremony_core::progress::NoProgress;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser};
use zk_attest::error::{Refusal, USUAL_BUNDLE, USUAL_POLICY, USUAL_SNIPPET};
use zk_attest::file::{ensure_writable, read_regular};
use zk_attest::primitives::{CeremonyKind, Timestamp};
use zk_embed::ceremony::{CeremonyCheckError, check_ceremony};
use zk_embed::export::Format;
use zk_embed::{Imported, Language, check, ensure_newest, replace};
use zk_vk_guard::bundle::{MAX_BUNDLE_BYTES, OnExpiry};
use zk_vk_guard::policy::MAX_POLICY_BYTES;
use zk_vk_guard::snippet::Options;

/// Writes the Rust source that embeds the verifying keys of an approved bundle, or a file for other
/// languages.
///
/// The bundle must satisfy the trust policy, and every point of its keys is checked. Commit the
/// written file, outside of src/: the guard in build.rs compares it with the bundle in every build.
/// What is written in other languages no build compares: let `--check` do it in continuous
/// integration.
#[derive(Parser)]
#[command(
    version,
    after_help = "Example:\n  zk-embed --bundle zk/bundle.json --policy zk/trust-policy.json \
                  --out zk/verifying_key.rs\n  zk-embed --check    (in continuous integration)\n  \
                  zk-embed --ceremony ceremony/    (verifies the ceremony itself first)\n  \
                  zk-embed --format solidity --out contracts/Verifier.sol\n  \
                  zk-embed --format solidity --out contracts/Verifier.sol --check"
)]
struct Arguments {
    /// The bundle.
    #[arg(long, value_name = "FILE", default_value = USUAL_BUNDLE)]
    bundle: PathBuf,
    /// The trust policy that it has to satisfy.
    #[arg(long, value_name = "FILE", default_value = USUAL_POLICY)]
    policy: PathBuf,
    /// The file to write or check [default: zk/verifying_key.rs, or that of the format].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What to write: Rust for the guard, a contract for Ethereum, a key for Solana's
    /// groth16-solana, or snarkjs' keys in JSON or TypeScript, or coordinates in Go.
    #[arg(long, value_name = "FORMAT", default_value = "rust", value_parser = formats())]
    format: Choice,
    /// Write nothing: exit with 1, and the command that fixes it, unless the file is current.
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

/// A format; none is Rust's snippet.
#[derive(Clone, Copy)]
struct Choice(Option<Format>);

/// The formats by their names.
fn formats() -> impl TypedValueParser<Value = Choice> {
    let names = ["rust"].into_iter().chain(Format::ALL.map(|(name, _)| name));
    PossibleValuesParser::new(names).map(|chosen| {
        let other = Format::ALL.into_iter().find(|(name, _)| *name == chosen);
        Choice(other.map(|(_, format)| format))
    })
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
    fn language(&self) -> Language {
        match self.format.0 {
            None => Language::Rust(Options { arkworks: self.arkworks }),
            Some(format) => Language::Other(format),
        }
    }

    /// The file that is written or checked.
    fn out(&self) -> PathBuf {
        let usual = self.format.0.map_or(USUAL_SNIPPET, Format::usual_file);
        self.out.clone().unwrap_or_else(|| usual.into())
    }

    fn run(&self) -> Result<(), Failure> {
        let out = &self.out();
        let now = Timestamp::now();
        // An expired bundle is not imported; one that was imported in time stays buildable, and its
        // check says so.
        let on_expiry = if self.check { OnExpiry::Warn } else { OnExpiry::Refuse };
        let policy = read_regular(&self.policy, MAX_POLICY_BYTES)?;
        let bundle = read_regular(&self.bundle, MAX_BUNDLE_BYTES)?;
        let embedded =
            Imported::new(&bundle, &policy, &now, on_expiry)?.embedded(self.language())?;
        let provenance = embedded.bundle.provenance();
        if provenance.kind == CeremonyKind::Rehearsal {
            eprintln!("warning: the keys are of a rehearsal and protect nothing");
        }
        embedded.bundle.warnings().iter().for_each(|warning| eprintln!("warning: {warning}"));
        // Before the work of a verification.
        if self.check {
            check(&embedded, out)?;
        } else {
            ensure_newest(&embedded, out)?;
            ensure_writable(out)?;
        }
        if let Some(folder) = &self.ceremony {
            check_ceremony(&embedded, folder, &NoProgress)?;
            eprintln!("verified: every file of the ceremony in {}", folder.display());
        }
        if !self.check {
            replace(&embedded, out)?;
        }
        let done = if self.check { "current" } else { "written" };
        println!(
            "{done}: {}, serial {} of ceremony {} ({})",
            out.display(),
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
        if self.format.0.is_none() {
            println!("policy to pin in build.rs: {}", embedded.bundle.policy_digest());
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.arkworks && arguments.format.0.is_some() {
        let what = "--arkworks is for the format rust only";
        Arguments::command().error(ErrorKind::ArgumentConflict, what).exit();
    }
    let shown = [&arguments.policy, &arguments.bundle, &arguments.out()]
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

#[cfg(test)]
mod tests {
    use testkit::pages::{blocks, documentation, inline_calls};

    use super::*;

    #[test]
    fn every_call_in_the_documentation_is_understood() {
        let mut count = 0;
        for (page, text) in documentation() {
            let shown = blocks(&text);
            let shells = shown.iter().filter(|block| block.is_shell());
            let calls = shells.flat_map(|block| block.calls("zk-embed"));
            let calls = calls.chain(inline_calls(&text, "zk-embed"));
            // Some leave words out.
            for call in calls.filter(|call| !call.iter().any(|word| word == "...")) {
                let typed = std::iter::once("zk-embed").chain(call.iter().map(String::as_str));
                let error = Arguments::try_parse_from(typed).err();
                assert!(error.is_none(), "{page}: {call:?}\n{error:?}");
                count += 1;
            }
        }
        assert!(count > 15, "{count} calls are left");
    }
}
