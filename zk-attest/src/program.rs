//! How the program is called in hints.
//!
//! Hints of every crate name the commands of one program. It is called `zk-ceremony` unless the
//! process says otherwise, as `cargo xtask` does in a checkout of the project.

use std::fmt;
use std::sync::OnceLock;

/// The name as it is shipped.
pub const SHIPPED: &str = crate::error::program!();

/// Where the packages that hints name come from. A name on a registry belongs to the first who
/// takes it first, so no hint tells to install or to add one by name alone.
pub const ON_NO_REGISTRY: &str = "this project's packages are on no registry, and who has taken \
                                  their names there is not this project; CHECKOUT is a checkout of \
                                  this project";

static NAME: OnceLock<&'static str> = OnceLock::new();

/// The program's name, for `format!("run `{PROGRAM} ...`")`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program;

/// See [`Program`].
pub const PROGRAM: Program = Program;

impl Program {
    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAME.get().copied().unwrap_or(SHIPPED)
    }

    /// Calls it so from now on. The first call of a process counts.
    pub fn call(self, name: &'static str) {
        let _ = NAME.set(name);
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
