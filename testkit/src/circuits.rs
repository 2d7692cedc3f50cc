//! Circuits compiled by circom, and the reference tool as a test peer. Both come with `npm ci` in
//! `ci/`; a missing one fails the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder with the peers.
pub fn ci() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci").canonicalize().expect("the ci folder")
}

/// Compiles `ci/circuits/NAME.circom` into `dir`: NAME.r1cs and NAME_js/NAME.wasm. The compiler
/// runs once for each circuit, until its text or the locked peers change.
pub fn compile(name: &str, flags: &[&str], dir: &Path) -> PathBuf {
    super::choose_arithmetic();
    let source = format!("circuits/{name}.circom");
    let made_of = |file: &str| fs::read_to_string(ci().join(file)).unwrap();
    let stamp = made_of(&source) + &made_of("package-lock.json");
    let flagged = [&["circom", name], flags].concat().join("-");
    let kept = super::kept::folder(&flagged, &stamp, |root| {
        let compiler = ci().join("node_modules/.bin/circom2");
        let output = Command::new(&compiler)
            .current_dir(ci())
            .args([&source, "--r1cs", "--wasm", "-l", "node_modules", "-o"])
            .arg(root)
            .args(flags)
            .output()
            .unwrap_or_else(|e| panic!("{}: {e}; run `npm ci` in ci/", compiler.display()));
        assert!(output.status.success(), "circom2 {name}: {}", text(&output));
    });
    super::kept::copy(&kept, dir);
    dir.join(format!("{name}.r1cs"))
}

/// Runs snarkjs in `dir` and returns what it printed. Panics unless it exits with `success`.
pub fn snarkjs_exit(dir: &Path, args: &[&str], success: bool) -> String {
    let cli = ci().join("node_modules/snarkjs/build/cli.cjs");
    assert!(cli.is_file(), "{} is missing: run `npm ci` in ci/", cli.display());
    let output = Command::new("node").arg(cli).args(args).current_dir(dir).output().expect("node");
    let printed = text(&output);
    assert_eq!(output.status.success(), success, "snarkjs {args:?}: {printed}");
    printed
}

/// Runs snarkjs in `dir` and returns what it printed. Panics when it fails.
pub fn snarkjs(dir: &Path, args: &[&str]) -> String {
    snarkjs_exit(dir, args, true)
}

/// The hashes under "NAME:" in what snarkjs printed, as lower-case hex, in order.
pub fn printed_hashes(printed: &str, heading: &str) -> Vec<String> {
    let mut lines = printed.lines();
    let mut hashes = Vec::new();
    while let Some(line) = lines.next() {
        if line.contains(heading) {
            let hash: String = lines
                .by_ref()
                .take(4)
                .flat_map(|l| l.chars().filter(char::is_ascii_hexdigit))
                .collect();
            if hash.len() == 128 {
                hashes.push(hash);
            }
        }
    }
    hashes
}

fn text(output: &Output) -> String {
    let bytes = [&output.stdout[..], &output.stderr[..]].concat();
    // Without colours.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find('\u{1b}') {
        plain.push_str(&rest[..at]);
        rest = rest[at..].find('m').map_or("", |end| &rest[at + end + 1..]);
    }
    plain + rest
}
