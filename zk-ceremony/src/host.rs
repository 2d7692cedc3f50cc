//! What the binary that runs this library brings along: its name, and an example to rehearse with.
//!
//! `zk-ceremony` is the shipped program and brings no example. `cargo xtask` is the same program in
//! a checkout of the project, with the checkout's example.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ceremony_core::keygen::ProvingKey;
use zk_attest::PROGRAM;

/// See the module's documentation.
pub struct Host {
    /// How the program is called, in hints and examples.
    pub program: &'static str,
    /// A checkout of this project: the guard that a rehearsal builds with.
    pub checkout: Option<PathBuf>,
    /// What a rehearsal without `--circuit` runs.
    pub example: Option<&'static dyn Example>,
}

/// A circuit to rehearse with, whose crate embeds its key.
///
/// Errors are lines for people.
pub trait Example: Send + Sync {
    /// The circuit's name.
    fn name(&self) -> &'static str;
    /// Its crate, below the checkout.
    fn package(&self) -> &Path;
    /// The circuit, as an `.r1cs` file.
    fn r1cs(&self) -> Result<Vec<u8>, String>;
    /// A random witness of it, as a `.wtns` file.
    fn witness(&self) -> Result<Vec<u8>, String>;
    /// Claims with proofs made with this key, some true and some false, as the crate's test reads
    /// them.
    fn proofs(&self, key: &ProvingKey) -> Result<String, String>;
}

static HOST: OnceLock<Host> = OnceLock::new();

/// Makes this the process's host. The first call counts.
pub(crate) fn install(host: Host) {
    PROGRAM.call(host.program);
    let _ = HOST.set(host);
}

/// The text of a command's examples, which name the program as it is shipped.
pub(crate) fn examples(text: &str) -> String {
    text.replace(zk_attest::program::SHIPPED, PROGRAM.name())
}

/// A checkout of this project, if the program was built for one.
pub(crate) fn checkout() -> Option<&'static Path> {
    HOST.get().and_then(|host| host.checkout.as_deref())
}

/// The example, if there is one.
pub(crate) fn example() -> Option<&'static dyn Example> {
    HOST.get().and_then(|host| host.example)
}
