//! `cargo xtask`: the ceremony's program with this checkout's example, and the checkout's chores.
//!
//! Every command but the chores is that of `zk-ceremony`. A rehearsal without `--circuit` runs the
//! example's circuit and builds its crate.

mod chores;
mod example;

use std::path::Path;
use std::process::ExitCode;

use zk_ceremony::Host;

/// How this binary is run.
const NAME: &str = "cargo xtask";

fn main() -> ExitCode {
    // cargo sets this for what it runs; this binary is not for use elsewhere.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR");
    let checkout = manifest.as_deref().map(Path::new).and_then(Path::parent);
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(done) = checkout.and_then(|checkout| chores::run(checkout, &words)) {
        return done;
    }
    zk_ceremony::main(Host {
        program: NAME,
        checkout: checkout.map(Path::to_owned),
        example: Some(&example::Attestation),
    })
}
