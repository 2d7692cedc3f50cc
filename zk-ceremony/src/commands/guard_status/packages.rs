//! The packages of a workspace and its path dependencies, as cargo describes them without a
//! network.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, TargetKind};
use zk_attest::diagnostic::Diagnostic;
use zk_vk_guard::build_script::FEATURE;

use super::finding::Finding;

/// The guard, as Cargo.toml names it.
pub(super) const GUARD: &str = "zk-vk-guard";

/// Every package of the workspace, then every package that one of them reaches by path, and the
/// workspace's folder.
pub(super) fn find(manifest: &Path) -> Result<(PathBuf, Vec<Package>), Diagnostic> {
    let workspace = metadata(manifest)?;
    let root = workspace.workspace_root.clone().into_std_path_buf();
    let mut packages = workspace.packages;
    let mut seen: BTreeSet<PathBuf> = packages.iter().map(folder).collect();
    let mut waiting: VecDeque<PathBuf> = packages.iter().flat_map(path_dependencies).collect();
    while let Some(path) = waiting.pop_front() {
        let path = path.canonicalize().unwrap_or(path);
        if !seen.insert(path.clone()) {
            continue;
        }
        // Cargo answers with all packages of the workspace that this one is in: only the one that
        // is depended on is wanted.
        let found = metadata(&path.join("Cargo.toml"))?
            .packages
            .into_iter()
            .find(|package| folder(package) == path);
        waiting.extend(found.iter().flat_map(path_dependencies));
        packages.extend(found);
    }
    Ok((root, packages))
}

fn metadata(manifest: &Path) -> Result<Metadata, Diagnostic> {
    let described = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec();
    described.map_err(|error| {
        let error = error.to_string();
        Diagnostic::environment(
            "cargo-cannot-describe-workspace",
            format_args!("cargo cannot describe the workspace: {}", error.trim()),
        )
        .at(manifest.display())
        .hint("name the workspace's Cargo.toml with --manifest-path")
    })
}

/// The folder of a package, without symbolic links.
pub(super) fn folder(package: &Package) -> PathBuf {
    let folder = package
        .manifest_path
        .parent()
        .map_or_else(PathBuf::new, |path| path.as_std_path().to_owned());
    folder.canonicalize().unwrap_or(folder)
}

fn path_dependencies(package: &Package) -> impl Iterator<Item = PathBuf> + '_ {
    package
        .dependencies
        .iter()
        .filter_map(|dependency| dependency.path.clone())
        .map(cargo_metadata::camino::Utf8PathBuf::into_std_path_buf)
}

/// Whether the guard is a build-dependency.
pub(super) fn has_guard(package: &Package) -> bool {
    package
        .dependencies
        .iter()
        .any(|dependency| dependency.name == GUARD && dependency.kind == DependencyKind::Build)
}

/// Whether the package can be asked for keys.
pub(super) fn has_feature(package: &Package) -> bool {
    package.features.contains_key(FEATURE)
}

/// What build.rs calls the guard's crate.
pub(super) fn guard_name(package: &Package) -> String {
    let mut named = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.name == GUARD && dependency.kind == DependencyKind::Build);
    let renamed = named.next().and_then(|dependency| dependency.rename.clone());
    renamed.unwrap_or_else(|| GUARD.to_owned()).replace('-', "_")
}

/// The build script.
pub(super) fn build_script(package: &Package) -> Option<PathBuf> {
    let target =
        package.targets.iter().find(|target| target.kind.contains(&TargetKind::CustomBuild))?;
    Some(target.src_path.clone().into_std_path_buf())
}

/// The folders that the package's own modules are read from: those of its targets, but not the
/// package's folder itself.
pub(super) fn source_folders(package: &Package) -> Vec<PathBuf> {
    let package_folder = folder(package);
    let targets =
        package.targets.iter().filter(|target| !target.kind.contains(&TargetKind::CustomBuild));
    let folders = targets
        .filter_map(|target| target.src_path.parent())
        .map(|path| path.as_std_path().to_owned());
    let folders: BTreeSet<PathBuf> = folders
        .chain([package_folder.join("src")])
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    folders.into_iter().filter(|path| *path != package_folder).collect()
}

/// What Cargo.toml alone shows to be wrong.
pub(super) fn manifest_findings(package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !has_feature(package) {
        findings.push(Finding::error(
            "feature-missing",
            format!("Cargo.toml has no feature {FEATURE}, without which the guard does nothing"),
            format!("add `{FEATURE} = []` to [features]"),
        ));
    }
    let guards: Vec<_> =
        package.dependencies.iter().filter(|dependency| dependency.name == GUARD).collect();
    let mut in_builds =
        guards.iter().filter(|dependency| dependency.kind == DependencyKind::Build).peekable();
    if in_builds.peek().is_none() {
        let elsewhere = if guards.is_empty() {
            "no dependency"
        } else {
            "a dependency, but no build-dependency"
        };
        findings.push(Finding::error(
            "build-dependency",
            format!("{GUARD} is {elsewhere}"),
            format!("run `cargo add --build {GUARD} --package {}`", package.name),
        ));
    } else if in_builds.all(|dependency| dependency.optional || dependency.target.is_some()) {
        findings.push(Finding::error(
            "guard-optional",
            format!("{GUARD} is a build-dependency only of some builds, and guards only these"),
            format!(
                "move it to [build-dependencies], without `optional`: with {FEATURE} off it costs \
                 nothing but its compilation"
            ),
        ));
    }
    if in_default(&package.features) {
        findings.push(Finding::warning(
            "feature-in-default",
            format!(
                "{FEATURE} is a default feature: whoever depends on the package embeds keys \
                 without asking"
            ),
            "leave it out of `default`, and name it where the release is built",
        ));
    }
    findings
}

/// Whether `default` leads to the feature, by whatever way.
fn in_default(features: &BTreeMap<String, Vec<String>>) -> bool {
    let mut reached = BTreeSet::from(["default"]);
    let mut waiting = vec!["default"];
    while let Some(feature) = waiting.pop() {
        let enabled = features.get(feature).into_iter().flatten();
        waiting.extend(enabled.map(String::as_str).filter(|name| reached.insert(name)));
    }
    reached.contains(FEATURE)
}
