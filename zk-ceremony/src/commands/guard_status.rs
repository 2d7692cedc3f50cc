//! `guard-status`: before a release, whether every package that embeds verifying keys does so under
//! a guard.
//!
//! A package is looked at if it has the feature, the guard as a build-dependency, or a source that
//! includes a snippet. It is *well wired* if with the feature on it can embed only what the guard
//! has checked, and the guard would accept its files as they stand. Where that cannot be told from
//! the files, it *cannot be judged*.

mod assembly;
mod binary;
mod build_rs;
mod built;
mod dep_info;
mod finding;
mod guard_source;
mod includes;
mod judge;
mod manifest;
mod packages;
mod scan;
mod sources;
mod tokens;

use std::path::Path;

use binary::{Artefact, Binary};
use build_rs::GuardCall;
use built::{Build, Built};
use cargo_metadata::Package;
use finding::{Finding, Level};
pub(crate) use guard_source::Reviewed;
use judge::Embeds;
use packages::Found;
use serde::Serialize;
use sources::{Folders, SOURCE_UNJUDGED};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::error::HOW_TO_INSTALL;
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
    verdict: &'static str,
    allows_rehearsals: Option<bool>,
    embeds: Option<Embeds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    built: Option<Built>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary: Option<Binary>,
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
        let artefact = self.binary.as_deref().map(Artefact::read).transpose()?;
        let wanted = |found: &&Found| {
            self.package.as_ref().is_none_or(|name| found.package.name.as_str() == name)
        };
        let mut statuses = Vec::new();
        for found in packages.iter().filter(wanted) {
            statuses.extend(self.status(found, &packages, &root, artefact.as_ref())?);
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
                "{bad} of {} packages that embed verifying keys {are} not well wired, or cannot be \
                 judged",
                statuses.len()
            ),
        )
        .hint(format!(
            "follow the hints, each in the folder of its package, and run `{PROGRAM} \
             guard-status` again before the release"
        )))
    }

    /// A package's status; none where it embeds nothing.
    fn status(
        &self,
        found: &Found,
        packages: &[Found],
        root: &Path,
        artefact: Option<&Artefact>,
    ) -> Result<Option<Status>, Diagnostic> {
        let package = &found.package;
        // The guard's own sources hold a snippet's tokens. A name alone excuses nobody who embeds.
        let may_embed = packages::has_feature(package) || packages::has_guard(package);
        if package.name.as_str() == packages::GUARD && !may_embed {
            return Ok(None);
        }
        let folders = Folders {
            package: packages::folder(package),
            modules: packages::source_folders(package),
            shipped: manifest::shipped_folders(package),
        };
        let folder = &folders.package;
        let call = packages::build_script(package).map(|path| {
            let text = read_regular(&path, MAX_BUILD_SCRIPT_BYTES)
                .map_err(|refusal| Finding::refusal(Level::Error, &refusal))?;
            build_rs::read(&String::from_utf8_lossy(&text), &relative(&path, folder))
        });
        let known = call.as_ref().and_then(|call| call.as_ref().ok()).cloned();
        let mut sources = sources::read(&folders, known.as_ref().map(|call| call.snippet.as_str()));
        let embeds_without_guard =
            sources.findings.iter().any(|finding| finding.level == Level::Error);
        if !may_embed && sources.including.is_empty() && !embeds_without_guard {
            return Ok(None);
        }
        let mut findings = packages::manifest_findings(package);
        findings.extend(manifest::findings(package, &found.root));
        findings.extend(guard_source::findings(found, packages, self.guard.as_ref()));
        let mut embeds = None;
        match call {
            None => findings.push(Finding::error(
                "build-script",
                "the package has no build script",
                "write build.rs as the guard's documentation shows",
            )),
            Some(Err(finding)) => findings.push(finding),
            Some(Ok(call)) => {
                findings.extend(in_sources(folder, package, &call));
                let (found, found_embeds) = judge::judge(folder, &call)?;
                findings.extend(found);
                embeds = found_embeds;
            }
        }
        if sources.including.is_empty() {
            findings.push(sources::include_missing());
        }
        findings.append(&mut sources.findings);
        let (mut built, mut binary) = (None, None);
        if self.build || artefact.is_some() {
            let expected = judge::expected(folder, known.as_ref());
            if self.build {
                let build = Build { target: self.target_dir.as_deref(), arguments: &self.cargo };
                let (found, evidence) = built::look(found, &sources, &expected, &build)?;
                if evidence.is_empty() {
                    findings.iter_mut().for_each(settled);
                }
                built = Some(found);
                findings.extend(evidence);
            }
            if let Some(artefact) = artefact {
                let (found, not_found) = artefact.look(&expected);
                binary = found;
                findings.extend(not_found);
            }
        }
        findings.sort_by_key(|finding| finding.level);
        findings.dedup();
        let worst = findings.iter().map(|finding| finding.level).min();
        Ok(Some(Status {
            package: package.name.to_string(),
            version: package.version.to_string(),
            folder: relative(folder, root),
            wired: worst.is_none_or(|level| level == Level::Warning),
            verdict: match worst {
                Some(Level::Error) => "not wired",
                Some(Level::Unjudged) => "cannot be judged",
                Some(Level::Warning) | None => "wired",
            },
            allows_rehearsals: known.map(|call| call.allow_rehearsal),
            embeds,
            built,
            binary,
            findings,
        }))
    }
}

/// What the sources leave open, a build has shown: which files the compiler reads.
fn settled(finding: &mut Finding) {
    if finding.code == SOURCE_UNJUDGED {
        finding.level = Level::Warning;
        finding.what += "; what was built here read no other keys";
    }
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
            if status.verdict == "not wired" { "NOT WIRED" } else { status.verdict }.into(),
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
        let Some(status) = at.checked_sub(1).map(|at| &statuses[at]) else { continue };
        let evidence = status.built.iter().flat_map(Built::lines);
        evidence
            .chain(status.binary.iter().flat_map(Binary::lines))
            .for_each(|line| println!("  {line}"));
        for Finding { level, code, what, hint } in &status.findings {
            println!("  {:<8} [{code}] {what}; hint: {hint}", level.as_str());
        }
    }
    if statuses.iter().flat_map(|status| &status.findings).any(|f| f.hint.contains("zk-embed")) {
        println!("note: {HOW_TO_INSTALL}");
    }
}
