//! Whether the guard that a package builds with is the guard: a name proves nothing.
//!
//! A guard in a folder is compared, byte for byte, with the source that this program was built
//! with, or its folder with the one that the user has reviewed. A guard from a registry or from git
//! is compared with the checksum, or the source with its commit, that the user states: both are
//! what Cargo.lock has.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use cargo_metadata::{Dependency, DependencyKind};
use zk_attest::file::read_regular;
use zk_vk_guard::build_script::FEATURE;

use super::finding::Finding;
use super::packages::{self, Found, GUARD};
use crate::source_digest;

const MAX_LOCK_BYTES: usize = 16 * 1024 * 1024;
const CODE: &str = "guard-source";
/// The only other package of this project below the guard.
const ATTEST: &str = "zk-attest";
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The guard that the user has reviewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reviewed {
    /// A folder.
    Folder(PathBuf),
    /// The checksum of a registry's package, as Cargo.lock has it.
    Checksum(String),
    /// A git source with its commit, as Cargo.lock has it.
    Git(String),
}

impl FromStr for Reviewed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_hex = |text: &str| text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() == 64 && is_hex(text) {
            return Ok(Self::Checksum(text.to_owned()));
        }
        if text.starts_with("registry+") || text.starts_with("sparse+") {
            return Err("of a package from a registry, give the checksum in Cargo.lock".into());
        }
        if text.starts_with("git+") {
            return match text.rsplit_once('#') {
                Some((_, commit)) if commit.len() >= 40 && is_hex(commit) => {
                    Ok(Self::Git(text.to_owned()))
                }
                _ => Err("give the whole source in Cargo.lock, with `#` and the commit".into()),
            };
        }
        Ok(Self::Folder(text.into()))
    }
}

/// What is wrong with the source of the guard of a package, one of these.
pub(super) fn findings(
    found: &Found,
    packages: &[Found],
    reviewed: Option<&Reviewed>,
) -> Vec<Finding> {
    let guards =
        found.package.dependencies.iter().filter(|dependency| {
            dependency.name == GUARD && dependency.kind == DependencyKind::Build
        });
    let found = guards.filter_map(|guard| match &guard.path {
        Some(path) => in_folder(path.as_std_path(), packages, reviewed),
        None => in_lock(guard, &found.root, reviewed),
    });
    found.collect()
}

fn in_folder(path: &Path, packages: &[Found], reviewed: Option<&Reviewed>) -> Option<Finding> {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match reviewed {
        Some(Reviewed::Folder(folder)) => {
            let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone());
            (real != folder)
                .then(|| differs(&real.display().to_string(), &folder.display().to_string()))
        }
        Some(Reviewed::Checksum(other) | Reviewed::Git(other)) => {
            Some(differs(&format!("the folder {}", real.display()), other))
        }
        None => {
            let why = unlike_ours(&real, packages)?;
            Some(Finding::unjudged(
                CODE,
                real.display(),
                why,
                format!(
                    "look at that source, and say that it is the guard with `--guard {}`; or use \
                     the guard of the checkout that this program was built from",
                    real.display(),
                ),
            ))
        }
    }
}

/// Why a folder does not hold the source that this program was built with; none if it does.
fn unlike_ours(folder: &Path, packages: &[Found]) -> Option<String> {
    let ours = [(GUARD, env!("GUARD_SOURCE_SHA256")), (ATTEST, env!("ATTEST_SOURCE_SHA256"))];
    let mut waiting = vec![(folder.to_owned(), GUARD)];
    while let Some((folder, name)) = waiting.pop() {
        let expected = ours.iter().find(|(ours, _)| *ours == name).map_or("", |(_, digest)| digest);
        if expected.is_empty() {
            return Some(format!("this program was built without the source of {name}"));
        }
        let found = source_digest::of(&folder);
        if found.as_deref().ok() != Some(expected) {
            return Some(format!(
                "the source of {name} is not the one that this program was built with"
            ));
        }
        let real = folder.canonicalize().unwrap_or(folder);
        let Some(found) = packages.iter().find(|found| packages::folder(&found.package) == real)
        else {
            return Some(format!("cargo does not describe {}", real.display()));
        };
        for dependency in
            found.package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development)
        {
            match &dependency.path {
                Some(path) if dependency.name == ATTEST && dependency.rename.is_none() => {
                    waiting.push((path.clone().into_std_path_buf(), ATTEST));
                }
                None if dependency.rename.is_none() && is_registry(dependency) => {}
                _ => {
                    return Some(format!(
                        "{name} takes {} from elsewhere than this program's does",
                        dependency.name
                    ));
                }
            }
        }
    }
    None
}

fn is_registry(dependency: &Dependency) -> bool {
    dependency.source.as_ref().is_some_and(|source| source.repr == REGISTRY)
}

/// A guard that is in no folder: what Cargo.lock has of it.
fn in_lock(guard: &Dependency, root: &Path, reviewed: Option<&Reviewed>) -> Option<Finding> {
    let declared = guard.source.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
    let unjudged = |what: &str| {
        Some(Finding::unjudged(
            CODE,
            "Cargo.toml",
            format!("the guard comes from {declared}, and {what}"),
            format!(
                "look at that source, and state it with `--guard`, as Cargo.lock has it: the \
                 checksum, or git+URL#COMMIT; {}",
                zk_attest::program::ON_NO_REGISTRY
            ),
        ))
    };
    let lock = read_regular(&root.join("Cargo.lock"), MAX_LOCK_BYTES)
        .ok()
        .and_then(|bytes| String::from_utf8_lossy(&bytes).parse::<toml::Table>().ok());
    let Some(lock) = lock else {
        return unjudged(&format!("no Cargo.lock says which one it is with {FEATURE} on"));
    };
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let locked: Vec<&toml::Value> = packages
        .filter(|package| package.get("name").and_then(toml::Value::as_str) == Some(GUARD))
        .collect();
    let [locked] = locked.as_slice() else {
        return unjudged(&format!("Cargo.lock has {} packages of its name", locked.len()));
    };
    let of =
        |key: &str| locked.get(key).and_then(toml::Value::as_str).unwrap_or("nothing").to_owned();
    match reviewed {
        Some(Reviewed::Checksum(stated)) => {
            (of("checksum") != *stated).then(|| differs(&of("checksum"), stated))
        }
        Some(Reviewed::Git(stated)) => {
            (of("source") != *stated).then(|| differs(&of("source"), stated))
        }
        Some(Reviewed::Folder(stated)) => Some(differs(&declared, &stated.display().to_string())),
        None => unjudged("its name proves nothing"),
    }
}

fn differs(found: &str, stated: &str) -> Finding {
    Finding::error(
        CODE,
        format!("the guard is not the stated one: found {found}, expected {stated}"),
        "build with the guard that was reviewed; or look at this one, and state it with `--guard`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reviewed_guard_is_a_folder_a_checksum_or_a_commit() {
        let checksum = "ab".repeat(32);
        let git = format!("git+https://example.org/zk?branch=main#{}", "c".repeat(40));
        assert_eq!(checksum.parse(), Ok(Reviewed::Checksum(checksum.clone())));
        assert_eq!(git.parse(), Ok(Reviewed::Git(git.clone())));
        assert_eq!("../zk-vk-guard".parse(), Ok(Reviewed::Folder("../zk-vk-guard".into())));
        for unclear in [
            "registry+https://example.org",
            "sparse+https://example.org/",
            "git+https://example.org/zk?branch=main",
        ] {
            assert!(unclear.parse::<Reviewed>().is_err(), "{unclear}");
        }
    }
}
