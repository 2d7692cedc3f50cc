//! `cargo xtask`: the ceremony's program with this checkout's example.
//!
//! Every command is that of `zk-ceremony`. A rehearsal without `--circuit` runs the example's
//! circuit and builds its crate.

mod example;

use std::path::Path;
use std::process::ExitCode;

use zk_ceremony::Host;

fn main() -> ExitCode {
    // cargo sets this for what it runs; this binary is not for use elsewhere.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR");
    let checkout = manifest.as_deref().map(Path::new).and_then(Path::parent);
    zk_ceremony::main(Host {
        program: "cargo xtask",
        checkout: checkout.map(Path::to_owned),
        example: Some(&example::Attestation),
    })
}
