//! Runs our binary and the peer tools in a folder of their own.
#![allow(dead_code, unreachable_pub)] // each test binary uses its own part

pub mod ceremony;
pub mod dated;
pub mod people;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder that vanishes with the test.
pub struct Folder(tempfile::TempDir);

/// What a run printed and how it ended.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// Every file name, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.0.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Runs our binary.
    pub fn run(&self, line: &str) -> Run {
        self.run_with(line, |command| command)
    }

    /// Runs our binary, with an environment or an input of its own.
    pub fn run_with(&self, line: &str, prepare: impl FnOnce(&mut Command) -> &mut Command) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zk-ceremony"));
        command.args(split(line)).current_dir(self.0.path()).stdin(Stdio::null());
        command.env("XDG_STATE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/state"));
        prepare(&mut command).output().unwrap().into()
    }

    /// Runs our binary, which must succeed.
    #[track_caller]
    pub fn ours(&self, line: &str) -> String {
        let run = self.run(line);
        assert_eq!(run.code, 0, "{line}\n{}{}", run.stdout, run.stderr);
        run.stdout
    }

    /// Runs snarkjs, which must be installed (`./ci/test.sh` does that) and succeed.
    #[track_caller]
    pub fn snarkjs(&self, line: &str) -> String {
        let cli =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/node_modules/snarkjs/build/cli.cjs");
        assert!(cli.exists(), "snarkjs is not installed: run `npm ci` in ci/, or ./ci/test.sh");
        let run: Run = Command::new("node")
            .arg(cli)
            .args(split(line))
            .current_dir(self.0.path())
            .output()
            .unwrap()
            .into();
        assert_eq!(run.code, 0, "snarkjs {line}\n{}{}", run.stdout, run.stderr);
        run.stdout
    }

    /// `verify --json` of ours.
    #[track_caller]
    pub fn verified(&self, file: &str) -> serde_json::Value {
        serde_json::from_str(&self.ours(&format!("ptau verify {file} --json"))).unwrap()
    }
}

/// Words between spaces; quoted ones may contain spaces.
pub fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (i, part) in line.split('"').enumerate() {
        if i % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// All 64-byte hashes that follow a line containing `label` in snarkjs' output, in order.
pub fn hashes_after(output: &str, label: &str) -> Vec<String> {
    let lines: Vec<&str> = output.lines().collect();
    lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.to_lowercase().contains(&label.to_lowercase()))
        .map(|(i, _)| {
            lines[i + 1..].iter().take(4).flat_map(|l| l.split_whitespace()).collect::<String>()
        })
        .collect()
}

/// Exit status and both streams, without hashes, which differ from run to run, and without the line
/// about locked memory, which differs from machine to machine.
pub fn shown(run: &Run) -> String {
    let said = run.stderr.split_inclusive('\n').filter(|line| !line.starts_with("memory: "));
    let (code, stdout, stderr) = (run.code, &run.stdout, said.collect::<String>());
    let text = format!("exit status {code}\n--- stdout\n{stdout}--- stderr\n{stderr}");
    let mut out = String::new();
    let mut hex = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_digit() || ('a'..='f').contains(&c) {
            hex.push(c);
            continue;
        }
        out.push_str(if hex.len() >= 64 { "[hash]" } else { &hex });
        hex.clear();
        out.push(c);
    }
    out.trim_end().to_owned()
}

/// Runs a command that must fail, leave the folder as it was, and say so in the snapshot of that
/// name.
#[track_caller]
pub fn refused(folder: &Folder, name: &str, line: &str) {
    refused_with(folder, name, line, |command| command);
}

/// The same, with an environment or an input of its own.
#[track_caller]
pub fn refused_with(
    folder: &Folder,
    name: &str,
    line: &str,
    prepare: impl FnOnce(&mut Command) -> &mut Command,
) {
    let before = folder.names();
    let run = folder.run_with(line, prepare);
    assert_ne!(run.code, 0, "{line}");
    assert_eq!(folder.names(), before, "{line} leaves something behind");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
        .bind(|| insta::assert_snapshot!(name, format!("$ zk-ceremony {line}\n{}", shown(&run))));
}
