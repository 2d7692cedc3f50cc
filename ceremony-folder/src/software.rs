//! The program that makes a step: what it is called, and which build of this one it is.
//!
//! A build says of itself what it is, and nothing can verify that from outside: a program that was
//! changed may name the digest of one that was not. It helps people who are honest to find out
//! later what they ran, for instance when a build turns out to be faulty.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;

use ceremony_core::format::bound_file::sha256_file;
use ceremony_core::progress::NoProgress;
use zk_attest::digest::{CommitId, FileDigest};
use zk_attest::primitives::{Arithmetic, Label};
use zk_attest::statement::Build;

/// See the module's documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Software {
    /// Name and version.
    pub tool: Label,
    /// Which build of this program; none of another program, which says nothing of itself here.
    pub build: Option<Build>,
}

impl Software {
    /// The running program: its name and version, and the commit that its sources are, if it was
    /// built from one. The arithmetic is chosen now, if it was not.
    #[must_use]
    pub fn running(tool: Label, commit: Option<CommitId>) -> Self {
        let arithmetic = Arithmetic::new(&bn254_batch::backend().to_string()).ok();
        let build = arithmetic.map(|arithmetic| Build {
            commit,
            executable_sha256: executable_sha256(),
            arithmetic,
        });
        Self { tool, build }
    }

    /// A program that is not this one, as its user calls it.
    #[must_use]
    pub fn another(tool: Label) -> Self {
        Self { tool, build: None }
    }
}

/// SHA-256 of the file of the running program, where the system shows it. Computed once: what runs
/// does not change, whatever happens to the file's name.
#[must_use]
pub fn executable_sha256() -> Option<FileDigest> {
    static DIGEST: OnceLock<Option<FileDigest>> = OnceLock::new();
    *DIGEST.get_or_init(|| {
        let mut file = executable().ok()?;
        let digest = sha256_file(&mut file, &NoProgress).ok()?;
        Some(FileDigest(digest.0))
    })
}

/// On Linux the file that runs, also where its name was given to another one since.
fn executable() -> io::Result<File> {
    let running = cfg!(target_os = "linux").then(|| PathBuf::from("/proc/self/exe"));
    match running.map(File::open) {
        Some(Ok(file)) => Ok(file),
        _ => File::open(std::env::current_exe()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_program_is_named_by_the_digest_of_its_file_and_another_by_its_name_alone() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let tool = Label::from_static("zk-ceremony 0.1.0");
        let build = Software::running(tool.clone(), Some(CommitId([7; 20]))).build.unwrap();
        assert_eq!(build.executable_sha256, Some(FileDigest::of(&bytes)));
        assert_eq!(build.commit, Some(CommitId([7; 20])));
        assert_eq!(build.arithmetic.as_str(), bn254_batch::backend().to_string());
        assert_eq!(Software::another(tool).build, None);
    }

    #[test]
    fn every_arithmetic_has_a_name_that_an_attestation_can_carry() {
        for instructions in bn254_batch::Instructions::ALL {
            Arithmetic::new(&instructions.to_string()).unwrap();
        }
    }
}
