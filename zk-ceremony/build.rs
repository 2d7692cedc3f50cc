//! Tells the program which source of the guard it was built with: `guard-status` compares it with
//! the guard that a project builds with. Nothing is told where the sources of the guard do not lie
//! next to this crate.
//!
//! Tells it for which target and by which compiler it is built.
//!
//! Tells it, too, which commit its sources are, which attestations name: in an optimised build, as
//! it is used for ceremonies. Other builds are made while sources are edited.

use std::path::Path;
use std::process::Command;

#[path = "src/source_commit.rs"]
mod source_commit;
#[path = "src/source_digest.rs"]
mod source_digest;

fn main() {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/source_digest.rs");
    println!("cargo::rerun-if-changed=src/source_commit.rs");
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
    let mut commit = None;
    if std::env::var_os("PROFILE").is_some_and(|profile| profile == "release") {
        let (named, depends_on) = source_commit::of(Path::new(&here));
        for path in depends_on {
            println!("cargo::rerun-if-changed={}", path.display());
        }
        commit = named;
    }
    println!("cargo::rustc-env=BUILD_COMMIT={}", commit.unwrap_or_default());
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=BUILD_TARGET={target}");
    println!("cargo::rustc-env=BUILD_RUSTC={}", compiler().unwrap_or_else(|| "rustc".to_owned()));
}

/// What the compiler calls itself, such as "rustc 1.95.0".
fn compiler() -> Option<String> {
    let output = Command::new(std::env::var_os("RUSTC")?).arg("--version").output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    let words: Vec<&str> = said.split_whitespace().take(2).collect();
    Some(words.join(" ")).filter(|name| !name.is_empty())
}
