//! What can be typed of `audit-verifier`.

use std::path::PathBuf;

use clap::Args;
use zk_attest::primitives::CircuitName;

use super::ceremony::circuit_name;

/// A deployed verifier, and the bundle to hold it against.
#[derive(Debug, Args)]
pub(crate) struct AuditVerifier {
    /// Source of a contract, verification_key.json or zk-embed's JSON, or a contract's code in hex;
    /// - reads from the standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The bundle whose key it should have
    #[arg(long, value_name = "BUNDLE", requires = "policy")]
    pub(crate) bundle: Option<PathBuf>,
    /// The policy that the bundle has to satisfy
    #[arg(long, value_name = "POLICY", requires = "bundle")]
    pub(crate) policy: Option<PathBuf>,
    /// The circuit whose key every verifier in the file should have
    #[arg(long, value_name = "NAME", value_parser = circuit_name, requires = "bundle")]
    pub(crate) circuit: Option<CircuitName>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
