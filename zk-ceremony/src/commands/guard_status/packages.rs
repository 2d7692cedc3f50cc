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

/// A package and the folder of its workspace.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) package: Package,
    pub(super) root: PathBuf,
}

/// The folder of a workspace, then every package of it, then every package that one of them reaches
/// by path.
pub(super) fn find(manifest: &Path) -> Result<(PathBuf, Vec<Found>), Diagnostic> {
    let (root, mut packages) = workspace(manifest)?;
    let mut seen: BTreeSet<PathBuf> = packages.iter().map(|found| folder(&found.package)).collect();
    let mut waiting: VecDeque<PathBuf> =
        packages.iter().flat_map(|found| path_dependencies(&found.package)).collect();
    // Cargo answers with all packages of a workspace: only what is depended on is wanted.
    let mut known: BTreeMap<PathBuf, Found> = BTreeMap::new();
    while let Some(path) = waiting.pop_front() {
        let path = path.canonicalize().unwrap_or(path);
        if !seen.insert(path.clone()) {
            continue;
        }
        if !known.contains_key(&path) {
            let (_, others) = workspace(&path.join("Cargo.toml"))?;
            known.extend(others.into_iter().map(|found| (folder(&found.package), found)));
        }
        let found = known.get(&path);
        waiting.extend(found.iter().flat_map(|found| path_dependencies(&found.package)));
        packages.extend(found.cloned());
    }
    Ok((root, packages))
}

fn workspace(manifest: &Path) -> Result<(PathBuf, Vec<Found>), Diagnostic> {
    let described = metadata(manifest)?;
    let root = described.workspace_root.into_std_path_buf();
    let packages = described.packages.into_iter();
    Ok((root.clone(), packages.map(|package| Found { package, root: root.clone() }).collect()))
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

/// The build script.
pub(super) fn build_script(package: &Package) -> Option<PathBuf> {
    let target =
        package.targets.iter().find(|target| target.kind.contains(&TargetKind::CustomBuild))?;
    Some(target.src_path.clone().into_std_path_buf())
}

/// The folders that the package's own modules are read from: those of its targets, but not the
/// package's folder itself.
pub(super) fn source_folders(package: &Package) -> Vec<PathBuf> {
    source_folders_of(package, |kinds| !kinds.contains(&TargetKind::CustomBuild))
}

/// The same, of targets of some kinds. src/ is always one of them.
pub(super) fn source_folders_of(
    package: &Package,
    wanted: impl Fn(&[TargetKind]) -> bool,
) -> Vec<PathBuf> {
    let package_folder = folder(package);
    let folders = package
        .targets
        .iter()
        .filter(|target| wanted(&target.kind))
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
            format!(
                "add `{GUARD} = {{ path = \"CHECKOUT/{GUARD}\" }}` to [build-dependencies] of {}: \
                 {}",
                package.name,
                zk_attest::program::ON_NO_REGISTRY
            ),
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
                "{FEATURE} is a default feature: anyone who depends on the package embeds keys \
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
