//! `--build`: what the compiler really read.
//!
//! Cargo builds the package with the feature on, in an empty target folder. rustc's dep-info then
//! names every file that went into each library and program, whatever macro included it. The file
//! from OUT_DIR is compared with the canonical text of the package's own policy and bundle. This is
//! evidence for one profile, one platform and one set of features, which the report names. It runs
//! the package's build scripts: only build what you would build anyway.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::{Message, TargetKind};
use serde::Serialize;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::FileDigest;
use zk_attest::error::Refusal;
use zk_attest::file::read_regular;
use zk_embed::Embedded;
use zk_vk_guard::build_script::{FEATURE, OUT_FILE};
use zk_vk_guard::snippet::serial_of;

use super::dep_info::{self, DepInfo};
use super::finding::Finding;
use super::manifest::{self, is_shipped};
use super::packages::{self, Found};
use super::sources::{MAX_SOURCE_BYTES, Sources};
use crate::failure;

/// Lines of cargo's own messages that a finding quotes at most.
const MAX_LINES: usize = 12;

/// How to build.
#[derive(Debug)]
pub(super) struct Build<'a> {
    /// Instead of an empty folder.
    pub(super) target: Option<&'a Path>,
    /// Instead of `--release`.
    pub(super) arguments: &'a [String],
}

/// What was found, for `--json`.
#[derive(Debug, Serialize)]
pub(super) struct Built {
    /// The command.
    command: String,
    /// The libraries and programs that were looked at.
    targets: Vec<String>,
    /// Keys that went into one of them.
    embeds: Vec<Keys>,
}

/// A file with keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Keys {
    target: String,
    file: String,
    sha256: String,
    serial: Option<u64>,
    /// As the file states them.
    vk_sha256: Vec<String>,
    /// Whether it is the text that the guard writes for the package's policy and bundle.
    canonical: bool,
}

impl Built {
    /// Lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("built    `{}`: {}", self.command, self.targets.join(", "))];
        lines.extend(self.embeds.iter().map(|keys| {
            let serial = keys.serial.map_or_else(|| "?".to_owned(), |serial| serial.to_string());
            let whose = if keys.canonical { "the guard's text" } else { "NOT THE GUARD'S" };
            format!("embeds   {}: {} (serial {serial}), {whose}", keys.target, keys.file)
        }));
        lines
    }
}

/// What cargo said.
#[derive(Default)]
struct Said {
    finished: Option<bool>,
    out_dirs: BTreeSet<PathBuf>,
    errors: String,
}

/// Builds a package and looks at what went into it.
pub(super) fn look(
    found: &Found,
    sources: &Sources,
    expected: &Result<Vec<Embedded>, Refusal>,
    build: &Build<'_>,
) -> Result<(Built, Vec<Finding>), Diagnostic> {
    let empty = tempfile::tempdir().map_err(|error| {
        failure::io(&std::env::temp_dir(), "creating a temporary folder", &error)
    })?;
    let target = build.target.unwrap_or(empty.path());
    let target = std::path::absolute(target).unwrap_or_else(|_| target.to_owned());
    dep_info::forget(&target, found.package.name.as_str());
    let mut arguments = vec!["build".to_owned(), "--features".into(), FEATURE.into()];
    if found.root.join("Cargo.lock").exists() {
        arguments.push("--locked".into());
    }
    if build.arguments.is_empty() {
        arguments.push("--release".into());
    }
    arguments.extend_from_slice(build.arguments);
    let command = format!("cargo {}", arguments.join(" "));
    let said = cargo(found, &arguments, &target)?;
    let mut built = Built { command, targets: Vec::new(), embeds: Vec::new() };
    if said.finished != Some(true) {
        let errors = said.errors.lines().filter(|line| line.starts_with("error"));
        let errors = errors.take(MAX_LINES).collect::<Vec<_>>().join(" | ");
        if said.finished.is_none() {
            return Err(Diagnostic::environment(
                "cargo-cannot-build",
                format_args!("cargo cannot begin the build: {errors}"),
            )
            .at(found.package.manifest_path.as_str())
            .hint(format!("run `{}` in that folder", built.command)));
        }
        let what = format!("the build fails: {errors}");
        let hint = format!("run `{}` in the package's folder", built.command);
        return Ok((built, vec![Finding::error("built-fails", what, hint)]));
    }
    let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
    let mut look = Look {
        found,
        sources,
        expected,
        target: real(target.clone()),
        out_dirs: said.out_dirs.into_iter().map(real).collect(),
        shipped: manifest::shipped_folders(&found.package),
        embeds: BTreeSet::new(),
        findings: Vec::new(),
    };
    let runs = dep_info::find(&target);
    for described in &found.package.targets {
        let root = real(described.src_path.clone().into_std_path_buf());
        let is_of = |run: &&DepInfo| look.root(run).as_ref() == Some(&root);
        let runs: Vec<&DepInfo> = runs.iter().filter(is_of).collect();
        if described.kind.contains(&TargetKind::CustomBuild) {
            runs.into_iter().for_each(|run| look.script(run));
        } else if is_shipped(&described.kind) && runs.is_empty() {
            look.findings.push(Finding::warning(
                "built-not-all",
                format!("the target {} was not built, and not looked at", described.name),
                "give cargo the features that it needs, after `--`",
            ));
        } else if is_shipped(&described.kind) {
            built.targets.push(described.name.clone());
            runs.into_iter().for_each(|run| look.run(&described.name, run));
        }
    }
    if !look.embeds.iter().any(|keys| keys.canonical) {
        let why = match expected {
            Ok(_) => String::new(),
            Err(refusal) => format!(", and there is none: {}", refusal.what()),
        };
        look.findings.push(Finding::error(
            "built-embeds-nothing",
            format!("nothing that was built holds what the guard writes{why}"),
            "correct what the other findings say, and build again",
        ));
    }
    built.embeds = look.embeds.into_iter().collect();
    Ok((built, look.findings))
}

fn cargo(found: &Found, arguments: &[String], target: &Path) -> Result<Said, Diagnostic> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let (first, rest) = arguments.split_at(1);
    let output = Command::new(&program)
        .current_dir(packages::folder(&found.package))
        .args(first)
        .args(["--message-format", "json-render-diagnostics", "--target-dir"])
        .arg(target)
        .arg("--manifest-path")
        .arg(found.package.manifest_path.as_std_path())
        .args(rest)
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failure::io(Path::new(&program), "running", &error))?;
    let mut said =
        Said { errors: String::from_utf8_lossy(&output.stderr).into_owned(), ..Said::default() };
    for message in Message::parse_stream(output.stdout.as_slice()).flatten() {
        match message {
            Message::BuildScriptExecuted(script) if script.package_id == found.package.id => {
                said.out_dirs.insert(script.out_dir.into_std_path_buf());
            }
            Message::BuildFinished(finished) => said.finished = Some(finished.success),
            _ => {}
        }
    }
    Ok(said)
}

struct Look<'a> {
    found: &'a Found,
    sources: &'a Sources,
    expected: &'a Result<Vec<Embedded>, Refusal>,
    target: PathBuf,
    /// Of the package's build script.
    out_dirs: BTreeSet<PathBuf>,
    shipped: Vec<PathBuf>,
    embeds: BTreeSet<Keys>,
    findings: Vec<Finding>,
}

impl Look<'_> {
    /// Cargo runs rustc in the workspace's folder.
    fn real(&self, input: &Path) -> PathBuf {
        let path = self.found.root.join(input);
        path.canonicalize().unwrap_or(path)
    }

    fn root(&self, run: &DepInfo) -> Option<PathBuf> {
        run.inputs.first().map(|input| self.real(input))
    }

    fn shown(&self, path: &Path) -> String {
        let folder = packages::folder(&self.found.package);
        match path.strip_prefix(&self.target) {
            Ok(inside) => format!("target/{}", inside.display()),
            Err(_) => path.strip_prefix(&folder).unwrap_or(path).display().to_string(),
        }
    }

    /// The build script is one file.
    fn script(&mut self, run: &DepInfo) {
        let others: Vec<PathBuf> =
            run.inputs.iter().skip(1).map(|input| self.real(input)).collect();
        for other in others {
            self.findings.push(Finding::unjudged(
                "built-script-reads",
                "the build script",
                format_args!("it is compiled with {}", self.shown(&other)),
                "write build.rs as one file of the known forms",
            ));
        }
    }

    /// A library or a program.
    fn run(&mut self, target: &str, run: &DepInfo) {
        if let Some(told) = &run.out_dir {
            let told = self.real(told);
            if !self.out_dirs.contains(&told) {
                let script: Vec<String> =
                    self.out_dirs.iter().map(|path| self.shown(path)).collect();
                let script =
                    if script.is_empty() { "that did not run".into() } else { script.join(", ") };
                self.findings.push(Finding::error(
                    "built-out-dir",
                    format!(
                        "rustc was told that OUT_DIR of {target} is {}, not the build script's: \
                         {script}",
                        self.shown(&told)
                    ),
                    "take `cargo:rustc-env=OUT_DIR` out of build.rs, and `links` out of Cargo.toml",
                ));
            }
        }
        for input in &run.inputs {
            let path = self.real(input);
            self.input(target, &path);
        }
    }

    fn input(&mut self, target: &str, path: &Path) {
        let text = read_regular(path, MAX_SOURCE_BYTES)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let Ok(text) = text else {
            return self.findings.push(Finding::unjudged(
                "built-reads-other",
                target,
                format_args!("it was built with {}, which cannot be read now", self.shown(path)),
                "build again while nothing else changes the files",
            ));
        };
        let is_guards = self.out_dirs.iter().any(|out| path == out.join(OUT_FILE));
        if !is_guards && serial_of(&text).is_none() {
            let is_source = self.shipped.iter().any(|folder| path.starts_with(folder));
            if !is_source && !self.sources.data.contains(path) {
                self.findings.push(Finding::unjudged(
                    "built-reads-other",
                    target,
                    format_args!(
                        "it was built with {}, which is not a source of the package and not the \
                         guard's",
                        self.shown(path)
                    ),
                    "look at that file, or move what needs it to another crate",
                ));
            }
            return;
        }
        let canonical =
            is_guards && self.expected.iter().flatten().any(|expected| expected.text == text);
        let keys = Keys {
            target: target.to_owned(),
            file: self.shown(path),
            sha256: FileDigest::of(text.as_bytes()).to_string(),
            serial: serial_of(&text),
            vk_sha256: stated_keys(&text),
            canonical,
        };
        if !canonical {
            let what = format!("{target} embeds {}", described(&keys, self.expected, &text));
            let hint = "find out who put it there; do not release what was built here";
            self.findings.push(Finding::error("built-embeds-other", what, hint));
        }
        self.embeds.insert(keys);
    }
}

/// A file that is not the guard's text, in one line.
fn described(keys: &Keys, expected: &Result<Vec<Embedded>, Refusal>, text: &str) -> String {
    let serial =
        keys.serial.map_or_else(|| "no serial".to_owned(), |serial| format!("serial {serial}"));
    let stated = keys.vk_sha256.join(", ");
    let stated = if stated.is_empty() { "not stated" } else { &stated };
    let why = match expected {
        Ok(expected) => {
            let line = expected.first().map_or(0, |expected| {
                expected.text.lines().zip(text.lines()).take_while(|(a, b)| a == b).count() + 1
            });
            format!("not the text that the guard writes: see its line {line}")
        }
        Err(refusal) => format!("which the policy does not approve: {}", refusal.what()),
    };
    format!("{} (SHA-256 {}, {serial}, VK_SHA256 {stated}), {why}", keys.file, keys.sha256)
}

/// The digests that a snippet states after each `VK_SHA256`.
fn stated_keys(text: &str) -> Vec<String> {
    const NAME: &str = "const VK_SHA256";
    let digest = |rest: &str| {
        let until =
            rest.find(';').and_then(|end| rest[end + 1..].find(';').map(|more| end + more + 2));
        let statement = &rest[..until.unwrap_or(rest.len())];
        let mut words = statement.split(|c: char| !c.is_ascii_hexdigit());
        words.find(|word| word.len() == 64).map(str::to_owned)
    };
    text.match_indices(NAME).filter_map(|(at, _)| digest(&text[at..])).collect()
}
