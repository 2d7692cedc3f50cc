//! What Cargo.toml, cargo's configuration and rust-toolchain.toml say about which sources are
//! compiled, and with what.
//!
//! Only tables that cannot change that are on the lists here. Configuration counts as far up as the
//! repository goes, which may be above the workspace; what is above that is the user's own, belongs
//! to the machine, and is not looked at.

use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Package, TargetKind};
use zk_attest::file::read_regular;

use super::finding::Finding;
use super::packages::{self, GUARD};
use super::scan::is_reserved;

const MAX_BYTES: usize = 1024 * 1024;
const CODE: &str = "manifest-unjudged";
/// Tables of Cargo.toml.
const MANIFEST: [&str; 15] = [
    "badges",
    "bench",
    "bin",
    "build-dependencies",
    "dependencies",
    "dev-dependencies",
    "example",
    "features",
    "hints",
    "lib",
    "lints",
    "package",
    "profile",
    "target",
    "test",
];
/// Tables of cargo's configuration.
const CONFIGURATION: [&str; 12] = [
    "alias",
    "cache",
    "cargo-new",
    "future-incompat-report",
    "http",
    "install",
    "net",
    "profile",
    "registries",
    "registry",
    "resolver",
    "term",
];
/// Keys of its table `build`.
const BUILD: [&str; 5] = ["build-dir", "dep-info-basedir", "incremental", "jobs", "target-dir"];

/// What is on none of the lists.
pub(super) fn findings(package: &Package, root: &Path) -> Vec<Finding> {
    let folder = packages::folder(package);
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let mut findings = targets(package, &folder);
    findings.extend(dependencies(package));
    let manifests = [folder.join("Cargo.toml"), root.join("Cargo.toml")];
    for path in &manifests[..if folder == root { 1 } else { 2 }] {
        unknown(path, &root, &mut findings, |table, _| {
            MANIFEST.contains(&table) || table == "workspace"
        });
    }
    for folder in configured(&folder, &root) {
        for name in [".cargo/config.toml", ".cargo/config"] {
            unknown(&folder.join(name), &root, &mut findings, |table, value| {
                CONFIGURATION.contains(&table)
                    || table == "build"
                        && value.as_table().is_some_and(|table| {
                            table.keys().all(|key| BUILD.contains(&key.as_str()))
                        })
            });
        }
        for name in ["rust-toolchain.toml", "rust-toolchain"] {
            unknown(&folder.join(name), &root, &mut findings, |_, value| {
                value.get("path").is_none()
            });
        }
    }
    findings
}

/// The folders whose configuration is a project's: from the package's up to that of the repository,
/// or of the workspace where there is no repository.
fn configured<'a>(folder: &'a Path, root: &'a Path) -> impl Iterator<Item = &'a Path> {
    let repository = root.ancestors().find(|folder| folder.join(".git").exists());
    let top = repository.unwrap_or(root);
    folder.ancestors().take_while(move |folder| folder.starts_with(top))
}

/// The tables of a file that are not known; a file that is not there has none.
fn unknown(
    path: &Path,
    root: &Path,
    findings: &mut Vec<Finding>,
    known: impl Fn(&str, &toml::Value) -> bool,
) {
    if path.symlink_metadata().is_err() {
        return;
    }
    let shown = path.strip_prefix(root).unwrap_or(path).display().to_string();
    let text = match read_regular(path, MAX_BYTES) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(refusal) => {
            findings.push(unjudged(&shown, refusal.what()));
            return;
        }
    };
    // The old form of rust-toolchain is one word.
    let is_word = path.ends_with("rust-toolchain") && text.lines().count() == 1;
    match text.parse::<toml::Table>() {
        Ok(table) => {
            for (key, _) in table.iter().filter(|(key, value)| !known(key, value)) {
                let line = text.lines().position(|line| names_table(line, key)).unwrap_or(0) + 1;
                let what = format!("`{key}` can change what is compiled, or with what");
                findings.push(unjudged(&format!("{shown}:{line}"), &what));
            }
        }
        Err(_) if is_word => {}
        Err(error) => findings.push(unjudged(&shown, error.message())),
    }
}

/// Whether a line begins a table, or an entry, of this name.
fn names_table(line: &str, key: &str) -> bool {
    let rest = line.trim_start_matches(['[', ' ', '"']).strip_prefix(key);
    rest.is_some_and(|rest| rest.starts_with([']', '.', '=', ' ', '"']))
}

/// Libraries and programs lie in src/, and one build script in the package.
fn targets(package: &Package, folder: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(links) = &package.links {
        let what = format!(
            "`links = \"{links}\"` lets cargo's configuration put other output in the place of \
             the build script's"
        );
        findings.push(unjudged("Cargo.toml", &what));
    }
    let mut scripts = 0;
    for target in &package.targets {
        let path = target.src_path.as_std_path();
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let shown = path.strip_prefix(folder).unwrap_or(path).display();
        if target.kind.contains(&TargetKind::CustomBuild) {
            scripts += 1;
            if !real.starts_with(folder) {
                findings.push(unjudged("Cargo.toml", &format!("its build script is {shown}")));
            }
        } else if is_shipped(&target.kind) && !real.starts_with(folder.join("src")) {
            let what = format!("the target {} is {shown}, outside of src/", target.name);
            findings.push(unjudged("Cargo.toml", &what));
        }
    }
    if scripts > 1 {
        findings.push(unjudged("Cargo.toml", "there are several build scripts"));
    }
    findings
}

/// Whether a target is a library or a program.
pub(super) fn is_shipped(kinds: &[TargetKind]) -> bool {
    !kinds.iter().any(|kind| {
        matches!(
            kind,
            TargetKind::CustomBuild | TargetKind::Test | TargetKind::Bench | TargetKind::Example
        )
    })
}

/// Where the modules of libraries and programs lie.
pub(super) fn shipped_folders(package: &Package) -> Vec<PathBuf> {
    packages::source_folders_of(package, is_shipped)
}

/// A build script of known forms needs the guard alone.
fn dependencies(package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    for dependency in &package.dependencies {
        let known_as = dependency.rename.as_ref().unwrap_or(&dependency.name);
        let is_guard = dependency.name == GUARD;
        if is_guard && dependency.rename.is_some() || known_as == GUARD && !is_guard {
            let what = format!("`{known_as}` is the package {}", dependency.name);
            findings.push(unjudged("Cargo.toml", &what));
        } else if dependency.kind == DependencyKind::Build && !is_guard {
            let what = format!("the build script can use {} as well as the guard", dependency.name);
            findings.push(unjudged("Cargo.toml", &what));
        } else if is_reserved(known_as) {
            let what = format!("a dependency has the toolchain's name `{known_as}`");
            findings.push(unjudged("Cargo.toml", &what));
        }
    }
    findings
}

fn unjudged(place: &str, what: &str) -> Finding {
    Finding::unjudged(
        CODE,
        place,
        what,
        "take it out of this workspace: give the crate that embeds keys a plain Cargo.toml, with \
         src/lib.rs or src/main.rs, build.rs, and the guard as its only build-dependency",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_counts_as_far_up_as_the_repository_goes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (root, package) = (at("mono/repo/wallet"), at("mono/repo/wallet/keys"));
        std::fs::create_dir_all(&package).unwrap();
        let found = |n: usize| configured(&package, &root).count() == n;
        assert!(found(2));
        // A worktree and a submodule have a file of this name.
        std::fs::write(at("mono/.git"), "gitdir: elsewhere").unwrap();
        assert!(found(4));
        std::fs::create_dir(root.join(".git")).unwrap();
        assert!(found(2));
    }
}
