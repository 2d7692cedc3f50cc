//! What can be typed to verify a `.ptau` in parts, or to prepare one.

use std::path::PathBuf;

use ceremony_core::format::bases_part::Residue;
use ceremony_core::phase1::parts::PartOf;
use clap::Args;
use zk_attest::diagnostic::Diagnostic;

use super::signing::SignerArgs;

/// Plan, part, or combination; without any of them one machine verifies the whole file.
#[derive(Debug, Args)]
pub(crate) struct PartsArgs {
    /// Cut the verification into N parts: read FILE once, check what cannot be cut, and write the
    /// signed plan to --out
    #[arg(
        long,
        value_name = "N",
        help_heading = "In parts",
        requires = "out",
        value_parser = clap::value_parser!(u32).range(1..=4096)
    )]
    pub(crate) plan: Option<u32>,
    /// Do part I of N: read its share of FILE and nothing else, and write its signed sums to --out
    #[arg(
        long,
        value_name = "I/N",
        help_heading = "In parts",
        requires_all = ["plan_file", "out"],
        conflicts_with_all = ["plan", "from", "digest", "min_contributions"],
        value_parser = part_of
    )]
    pub(crate) part: Option<PartOf>,
    /// The plan that the part belongs to
    #[arg(long, value_name = "PLAN", help_heading = "In parts", requires = "part")]
    pub(crate) plan_file: Option<PathBuf>,
    /// Combine the parts of this plan, which are given as FILE, into the verdict on the whole file
    #[arg(
        long,
        value_name = "PLAN",
        help_heading = "In parts",
        requires = "trusted",
        conflicts_with_all = ["plan", "part", "out", "signer"]
    )]
    pub(crate) combine: Option<PathBuf>,
    /// A key that plan and parts may be signed by: 64 hex digits, or a file that `key show` reads;
    /// may be repeated
    #[arg(long, value_name = "HEX|FILE", help_heading = "In parts", requires = "combine")]
    pub(crate) trusted: Vec<String>,
    /// Where to write the plan or the part
    #[arg(long, value_name = "FILE", help_heading = "In parts")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file of --out if it exists
    #[arg(long, help_heading = "In parts", requires = "out")]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

impl PartsArgs {
    /// What a verification by one machine has no use for.
    pub(crate) fn refuse_signer(&self) -> Result<(), Diagnostic> {
        if self.out.is_none() && !self.signer.is_named() {
            return Ok(());
        }
        Err(Diagnostic::environment("arguments", "only a plan and parts are written and signed")
            .expected("--plan N, or --part I/N with --plan-file PLAN")
            .hint("leave --out and the signer out to verify the whole file here"))
    }
}

/// A part of a preparation, or the parts; without either one machine prepares the whole file.
#[derive(Debug, Args)]
pub(crate) struct PreparePartsArgs {
    /// Make part I of M, and write nothing else to OUT; M is a power of two of at most 64, and is
    /// the same for all parts, as --levels is
    #[arg(long, value_name = "I/M", help_heading = "In parts")]
    pub(crate) part: Option<Residue>,
    /// Put all parts together into the prepared file, and verify it, whoever made them
    #[arg(
        long,
        value_name = "PART",
        help_heading = "In parts",
        num_args = 1..,
        conflicts_with_all = ["part", "levels"]
    )]
    pub(crate) combine: Vec<PathBuf>,
}

/// "3/8"
fn part_of(text: &str) -> Result<PartOf, String> {
    let number = |text: &str| text.parse::<u32>().ok();
    text.split_once('/')
        .and_then(|(part, of)| PartOf::new(number(part)?, number(of)?))
        .ok_or_else(|| "I/N with I from 1 to N, and N at most 4096".into())
}
