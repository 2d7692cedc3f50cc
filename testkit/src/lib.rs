//! What the tests build files with.
#![allow(missing_docs)]

use std::path::{Path, PathBuf};

pub mod circuits;
pub mod drand;
pub mod flipping;
pub mod forge;
pub mod kept;
pub mod known_tau;
pub mod memory;
pub mod mixed;
pub mod pages;
pub mod paper;
pub mod plain;
pub mod ptau;
pub mod simulated;
pub mod squares;

/// Which arithmetic the tests are to use.
const ARITHMETIC: &str = "CEREMONY_TEST_ARITHMETIC";

/// Takes the portable arithmetic for the whole test where CEREMONY_TEST_ARITHMETIC=portable asks
/// for it. What the kit builds files with calls this first, and it panics where it comes too late
/// to have an effect.
pub fn choose_arithmetic() {
    match std::env::var(ARITHMETIC).as_deref() {
        Ok("portable") => assert!(
            bn254_batch::force_portable(),
            "another arithmetic was in use before the test chose"
        ),
        Ok(other) => panic!("{ARITHMETIC}={other}: only `portable` is known"),
        Err(_) => {}
    }
}

/// The one target folder for all crates that are built under the guard, by tests and by rehearsals
/// of this checkout: the guard and what it needs are compiled once. `tmp` is CARGO_TARGET_TMPDIR.
pub fn guarded_target(tmp: &str) -> PathBuf {
    Path::new(tmp).with_file_name("ceremony").join("build")
}

/// Cargo as a user of the guard runs it: what tells this checkout's cargo how to build is left out.
pub fn cargo_of_a_user(command: &mut std::process::Command) -> &mut std::process::Command {
    for (name, _) in std::env::vars_os() {
        let inherited = name.to_string_lossy();
        if ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"].contains(&&*inherited)
            || inherited.starts_with("CARGO_PROFILE_")
        {
            command.env_remove(&name);
        }
    }
    command
}

/// The examples of README.md, which must compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
