//! Tells the program which source of the guard it was built with: `guard-status` compares it with
//! the guard that a project builds with. Nothing is told where the sources of the guard do not lie
//! next to this crate.

use std::path::Path;

#[path = "src/source_digest.rs"]
mod source_digest;

fn main() {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/source_digest.rs");
    for (package, variable) in
        [("zk-vk-guard", "GUARD_SOURCE_SHA256"), ("zk-attest", "ATTEST_SOURCE_SHA256")]
    {
        let folder = Path::new(&here).join("..").join(package);
        let digest = source_digest::of(&folder).unwrap_or_default();
        if !digest.is_empty() {
            for part in source_digest::PARTS.iter().filter(|part| folder.join(part).exists()) {
                println!("cargo::rerun-if-changed={}", folder.join(part).display());
            }
        }
        println!("cargo::rustc-env={variable}={digest}");
    }
}
