//! `guard-status`: before a release, whether every package that embeds verifying keys does so under
//! a guard.
//!
//! A package is looked at if it has the feature, the guard as a build-dependency, or a source that
//! includes a snippet. It is *well wired* if with the feature on it can embed only what the guard
//! has checked, and the guard would accept its files as they stand.

mod build_rs;
mod finding;
mod judge;
mod packages;
mod sources;
mod tokens;

use std::path::Path;

use build_rs::GuardCall;
use cargo_metadata::Package;
use finding::{Finding, Level};
use judge::Embeds;
use serde::Serialize;
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::file::read_regular;

use crate::cli::GuardStatus;
use crate::show::json;

/// Bytes of a build script at most.
const MAX_BUILD_SCRIPT_BYTES: usize = 1024 * 1024;

/// A package, as it is shown.
#[derive(Debug, Serialize)]
struct Status {
    package: String,
    version: String,
    /// Relative to the workspace.
    folder: String,
    wired: bool,
    allows_rehearsals: Option<bool>,
    embeds: Option<Embeds>,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Report<'a> {
    result: &'static str,
    packages: &'a [Status],
}

impl GuardStatus {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let (root, packages) = packages::find(&self.manifest_path)?;
        let mut statuses = Vec::new();
        for package in &packages {
            statuses.extend(status(package, &root)?);
        }
        if statuses.is_empty() {
            return Err(Diagnostic::environment(
                "no-embedding-package",
                "no package here embeds verifying keys",
            )
            .at(self.manifest_path.display())
            .hint("name the workspace that does with --manifest-path"));
        }
        let bad = statuses.iter().filter(|status| !status.wired).count();
        if self.json {
            json(&Report { result: if bad == 0 { "good" } else { "bad" }, packages: &statuses })?;
        } else {
            print(&statuses);
        }
        if bad == 0 {
            return Ok(());
        }
        let are = if bad == 1 { "is" } else { "are" };
        Err(Diagnostic::artefact(
            "packages-embed-verifying-keys",
            format_args!(
                "{bad} of {} packages that embed verifying keys {are} not well wired",
                statuses.len()
            ),
        )
        .hint(format!(
            "follow the hints, each in the folder of its package, and run `{PROGRAM} \
             guard-status` again before the release"
        )))
    }
}

/// A package's status; none where it embeds nothing.
fn status(package: &Package, root: &Path) -> Result<Option<Status>, Diagnostic> {
    if package.name.as_str() == packages::GUARD {
        return Ok(None);
    }
    let folder = packages::folder(package);
    let call = packages::build_script(package).map(|path| {
        let text = read_regular(&path, MAX_BUILD_SCRIPT_BYTES)
            .map_err(|refusal| Finding::refusal(Level::Error, &refusal))?;
        build_rs::read(&String::from_utf8_lossy(&text), &packages::guard_name(package))
    });
    let committed =
        call.as_ref().and_then(|call| call.as_ref().ok()).map(|call| call.snippet.as_str());
    let mut sources = sources::read(&folder, &packages::source_folders(package), committed);
    let embeds_without_guard =
        sources.findings.iter().any(|finding| finding.code != "source-unjudged");
    if !packages::has_feature(package)
        && !packages::has_guard(package)
        && sources.including.is_empty()
        && !embeds_without_guard
    {
        return Ok(None);
    }
    let mut findings = packages::manifest_findings(package);
    let mut allows_rehearsals = None;
    let mut embeds = None;
    match call {
        None => findings.push(Finding::error(
            "build-script",
            "the package has no build script",
            "write build.rs as the guard's documentation shows",
        )),
        Some(Err(finding)) => findings.push(finding),
        Some(Ok(call)) => {
            findings.extend(in_sources(&folder, package, &call));
            let (found, found_embeds) = judge::judge(&folder, &call)?;
            findings.extend(found);
            (allows_rehearsals, embeds) = (Some(call.allow_rehearsal), found_embeds);
        }
    }
    if sources.including.is_empty() {
        findings.push(sources::include_missing());
    }
    findings.append(&mut sources.findings);
    findings.sort_by_key(|finding| finding.level);
    findings.dedup();
    Ok(Some(Status {
        package: package.name.to_string(),
        version: package.version.to_string(),
        folder: relative(&folder, root),
        wired: findings.iter().all(|finding| finding.level == Level::Warning),
        allows_rehearsals,
        embeds,
        findings,
    }))
}

/// A committed snippet where a `mod` can reach it, whatever it holds.
fn in_sources(folder: &Path, package: &Package, call: &GuardCall) -> Option<Finding> {
    let snippet = folder.join(&call.snippet);
    let snippet = snippet.canonicalize().unwrap_or(snippet);
    packages::source_folders(package).iter().any(|sources| snippet.starts_with(sources)).then(
        || {
            let what = format!(
                "{} lies among the package's own modules, where a `mod` takes it past the guard",
                call.snippet
            );
            Finding::error(
                "snippet-in-sources",
                what,
                "move it to zk/verifying_key.rs, and name that in build.rs",
            )
        },
    )
}

fn relative(folder: &Path, root: &Path) -> String {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    match folder.strip_prefix(&root) {
        Ok(inside) if inside.as_os_str().is_empty() => ".".into(),
        Ok(inside) => inside.display().to_string(),
        Err(_) => folder.display().to_string(),
    }
}

fn print(statuses: &[Status]) {
    let mut rows =
        vec![["PACKAGE", "GUARD", "KIND", "SERIAL", "CEREMONY", "FOLDER"].map(str::to_owned)];
    for status in statuses {
        let embeds = status.embeds.as_ref();
        let shown = |value: Option<String>| value.unwrap_or_else(|| "-".into());
        rows.push([
            format!("{} {}", status.package, status.version),
            if status.wired { "wired" } else { "NOT WIRED" }.into(),
            shown(embeds.map(|embeds| embeds.kind.to_string())),
            shown(embeds.map(|embeds| embeds.serial.to_string())),
            shown(embeds.map(|embeds| embeds.ceremony.to_string())),
            status.folder.clone(),
        ]);
    }
    let widths: [usize; 6] = std::array::from_fn(|column| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
    });
    for (at, row) in rows.iter().enumerate() {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("{}", cells.join("  ").trim_end());
        for Finding { level, code, what, hint } in
            at.checked_sub(1).iter().flat_map(|at| &statuses[*at].findings)
        {
            println!("  {:<7} [{code}] {what}; hint: {hint}", level.as_str());
        }
    }
}
