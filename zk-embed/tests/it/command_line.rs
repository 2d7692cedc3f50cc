//! The command as a developer and as continuous integration meet it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use kit::{Ceremony, Parts, time};
use testkit::paper as kit;
use zk_attest::primitives::CeremonyKind;

struct Folder {
    dir: tempfile::TempDir,
}

struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Folder {
    fn new(parts: &Parts, ceremony: &Ceremony) -> Self {
        let folder = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(folder.path("zk")).unwrap();
        fs::write(folder.path("zk/bundle.json"), parts.json()).unwrap();
        fs::write(folder.path("zk/trust-policy.json"), ceremony.policy().to_json()).unwrap();
        folder
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn snippet(&self) -> Option<String> {
        fs::read_to_string(self.path("zk/verifying_key.rs")).ok()
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        let output = Command::new(env!("CARGO_BIN_EXE_zk-embed"))
            .current_dir(self.dir.path())
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Outcome {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

fn production() -> (Ceremony, Parts) {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let parts = ceremony.parts();
    (ceremony, parts)
}

#[test]
fn the_snippet_is_written_and_is_then_current() {
    let (ceremony, parts) = production();
    let folder = Folder::new(&parts, &ceremony);
    let written = folder.run(&[]);
    assert_eq!(written.code, Some(0), "{}", written.stderr);
    assert!(
        written.stdout.starts_with(
            "written: zk/verifying_key.rs, serial 7 of ceremony boot-2026 (production)\n"
        ),
        "{}",
        written.stdout
    );
    assert!(
        written.stdout.contains(&format!("VK_SHA256 {}", parts.manifest().circuits[0].vk_sha256))
    );
    assert!(written.stdout.contains("policy to pin in build.rs: "));
    let checked = folder.run(&["--check"]);
    assert_eq!((checked.code, checked.stderr.as_str()), (Some(0), ""));
    assert_eq!(folder.run(&[]).code, Some(0), "writing it again changes nothing");
    assert_eq!(fs::read_dir(folder.path("zk")).unwrap().count(), 3, "no temporary file is left");
}

#[test]
fn a_stale_or_missing_snippet_fails_the_check_with_the_command_that_fixes_it() {
    let (ceremony, parts) = production();
    let folder = Folder::new(&parts, &ceremony);
    let missing = folder.run(&["--check"]);
    assert_eq!(missing.code, Some(1));
    assert_eq!(
        missing.stderr,
        "error: the committed file zk/verifying_key.rs is missing [snippet-stale]\nhint: run \
         `zk-embed --bundle zk/bundle.json --policy zk/trust-policy.json --out \
         zk/verifying_key.rs`\n"
    );
    assert_eq!(folder.snippet(), None, "a check writes nothing");
    folder.run(&[]);
    fs::write(folder.path("zk/verifying_key.rs"), folder.snippet().unwrap() + "\n").unwrap();
    assert_eq!(folder.run(&["--check"]).code, Some(1));
    folder.run(&[]);
    let other = folder.run(&["--check", "--arkworks", "--out", "./zk/verifying_key.rs"]);
    assert!(
        other.stderr.ends_with("--out ./zk/verifying_key.rs --arkworks`\n"),
        "{}",
        other.stderr
    );
}

#[test]
fn an_older_serial_does_not_replace_a_newer_one() {
    let (ceremony, parts) = production();
    let folder = Folder::new(&parts, &ceremony);
    assert_eq!(folder.run(&[]).code, Some(0));
    let before = folder.snippet();
    fs::write(folder.path("zk/bundle.json"), parts.clone().restate(|p| p.serial = 6).json())
        .unwrap();
    let older = folder.run(&[]);
    assert_eq!(older.code, Some(1));
    assert!(
        older.stderr.contains("[serial-too-low]\n  found     serial 6\n  expected  at least 7"),
        "{}",
        older.stderr
    );
    assert_eq!(folder.snippet(), before);
    fs::write(folder.path("zk/bundle.json"), parts.restate(|p| p.serial = 8).json()).unwrap();
    assert_eq!(folder.run(&[]).code, Some(0));
    assert!(folder.snippet().unwrap().contains("pub const SERIAL: u64 = 8;"));
}

#[test]
fn an_expired_bundle_is_not_imported() {
    let (ceremony, parts) = production();
    let expired = parts.restate(|p| {
        (p.issued, p.not_after) = (time("2020-01-01T00:00:00Z"), time("2020-02-01T00:00:00Z"))
    });
    let folder = Folder::new(&expired, &ceremony);
    let outcome = folder.run(&[]);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("the bundle has expired [expired]"), "{}", outcome.stderr);
    assert_eq!(folder.snippet(), None);
}

#[test]
fn a_rehearsal_is_embedded_with_a_warning() {
    let ceremony = Ceremony::new(CeremonyKind::Rehearsal);
    let folder = Folder::new(&ceremony.parts(), &ceremony);
    let outcome = folder.run(&[]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(outcome.stderr, "warning: the keys are of a rehearsal and protect nothing\n");
    assert!(folder.snippet().unwrap().contains("pub const PRODUCTION: bool = false;"));
}

#[test]
fn an_unapproved_bundle_leaves_no_file() {
    let (ceremony, parts) = production();
    let folder = Folder::new(&parts.signed_by(&["release-1"]), &ceremony);
    let outcome = folder.run(&[]);
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr.contains("[threshold-not-met]") && outcome.stderr.contains("hint: "),
        "{}",
        outcome.stderr
    );
    assert_eq!(folder.snippet(), None);
}

#[test]
fn the_tools_own_trouble_has_another_exit_code() {
    let (ceremony, parts) = production();
    let folder = Folder::new(&parts, &ceremony);
    let missing = folder.run(&["--bundle", "nowhere.json"]);
    assert_eq!(missing.code, Some(2));
    assert!(
        missing
            .stderr
            .starts_with("error: nowhere.json: there is no such file [file-missing]\nhint: "),
        "{}",
        missing.stderr
    );
    assert_eq!(folder.run(&["--out", "nowhere/verifying_key.rs"]).code, Some(2));
    assert_eq!(folder.run(&["--no-such-option"]).code, Some(2));
    assert_eq!(folder.run(&["--bundle", "zk"]).code, Some(1), "a folder is a bad artefact");
    assert!(folder.run(&["--help"]).stdout.contains("Example:"));
}

#[test]
fn other_formats_are_written_checked_and_never_go_back() {
    let (ceremony, parts) = production();
    let folder = Folder::new(&parts, &ceremony);
    for (format, file) in [
        ("solidity", "zk/Verifier.sol"),
        ("solana", "zk/verifying_key_solana.rs"),
        ("json", "zk/verifying_keys.json"),
        ("typescript", "zk/verifying_keys.ts"),
        ("go", "zk/verifying_keys.go"),
    ] {
        let missing = folder.run(&["--format", format, "--check"]);
        assert_eq!(missing.code, Some(1), "{format}");
        let hint = format!("hint: run `zk-embed --format {format} --bundle zk/bundle.json");
        assert!(missing.stderr.contains(&hint), "{}", missing.stderr);
        let written = folder.run(&["--format", format]);
        assert_eq!(written.code, Some(0), "{}", written.stderr);
        assert!(written.stdout.starts_with(&format!("written: {file}, serial 7 of ")));
        assert!(!written.stdout.contains("pin in build.rs"), "no build pins it");
        assert_eq!(folder.run(&["--format", format, "--check"]).code, Some(0), "{format}");

        let text = fs::read_to_string(folder.path(file)).unwrap();
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{format}");
        let edited = text.replacen("1", "2", 1);
        fs::write(folder.path(file), &edited).unwrap();
        assert_eq!(folder.run(&["--format", format, "--check"]).code, Some(1), "{format}");
        let newer = match format {
            "json" => text.replace("\"serial\": 7", "\"serial\": 8"),
            "typescript" => text.replace("SERIAL = 7n", "SERIAL = 8n"),
            "go" => text.replace("uint64 = 7", "uint64 = 8"),
            "solana" => text.replace("BUNDLE_SERIAL: u64 = 7", "BUNDLE_SERIAL: u64 = 8"),
            _ => text.replace("SERIAL = 7;", "SERIAL = 8;"),
        };
        assert_ne!(newer, text, "{format}");
        fs::write(folder.path(file), &newer).unwrap();
        let refused = folder.run(&["--format", format]);
        assert_eq!(refused.code, Some(1), "{format}");
        assert!(refused.stderr.contains("[serial-too-low]"), "{}", refused.stderr);
        assert_eq!(fs::read_to_string(folder.path(file)).unwrap(), newer);
    }
    // The hint names the file that was asked for.
    let elsewhere = folder.run(&["--format", "solidity", "--out", "Other.sol", "--check"]);
    assert!(elsewhere.stderr.contains(" --out Other.sol`"), "{}", elsewhere.stderr);
    let both = folder.run(&["--format", "json", "--arkworks"]);
    assert_eq!(both.code, Some(2), "{}", both.stderr);
    assert_eq!(folder.run(&["--format", "cobol"]).code, Some(2));
}
