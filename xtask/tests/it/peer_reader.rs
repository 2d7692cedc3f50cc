//! A second reader, written in Python from docs/formats.md alone, reads the real files.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn read(kind: &str, file: &Path) -> Output {
    Command::new("python3")
        .arg(root().join("ci/formats_reader.py"))
        .arg(kind)
        .arg(file)
        .output()
        .expect("python3 is not installed: run ./ci/test.sh, which installs it")
}

#[track_caller]
fn good(kind: &str, file: &Path) -> serde_json::Value {
    let output = read(kind, file);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{kind} {}: {said}", file.display());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The seeds of a fuzz target that its real reader accepts.
fn seeds(target: &str) -> Vec<PathBuf> {
    let folder = root().join("fuzz/seeds").join(target);
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_good = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("good");
    let mut good: Vec<PathBuf> = all.filter(is_good).collect();
    good.sort();
    good
}

#[test]
fn headers_and_records_of_ptau_files_are_what_the_specification_says() {
    use ceremony_core::format::ptau::Ptau;
    let files = seeds("ptau");
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let ours = Ptau::open(std::fs::File::open(&file).unwrap()).unwrap();
        let theirs = good("ptau", &file);
        assert_eq!(theirs["power"], ours.power().exponent(), "{}", file.display());
        assert_eq!(theirs["ceremony_power"], ours.ceremony_power().exponent());
        let records = theirs["contributions"].as_array().unwrap();
        assert_eq!(records.len(), ours.contributions().len(), "{}", file.display());
        for (theirs, ours) in records.iter().zip(ours.contributions()) {
            assert_eq!(theirs["next_challenge"], ours.next_challenge.to_string());
        }
    }
}

#[test]
fn transcripts_and_bundles_are_what_the_specification_says() {
    for file in seeds("transcript") {
        let ours = zk_attest::digest::sha256(&std::fs::read(&file).unwrap());
        let theirs = good("transcript", &file).to_string();
        assert!(theirs.contains(&hex::encode(ours)), "{}: {theirs}", file.display());
    }
    for file in [root().join("examples/attestation/zk/bundle.json")].iter().chain(&seeds("bundle"))
    {
        good("bundle", file);
    }
}

#[test]
fn a_changed_byte_is_refused_by_the_second_reader_too() {
    let dir = tempfile::tempdir().unwrap();
    let changed = dir.path().join("changed");
    let ptau = std::fs::read(&seeds("ptau")[0]).unwrap();
    let transcript = std::fs::read(&seeds("transcript")[0]).unwrap();
    // In a coordinate of section 2, and in the first digest of a document.
    let digit = transcript.windows(9).position(|w| w == b"_sha256\":").unwrap() + 10;
    for (kind, bytes, at) in [("ptau", &ptau, 0), ("transcript", &transcript, digit)] {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        std::fs::write(&changed, &bytes).unwrap();
        let output = read(kind, &changed);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{kind}: {said}");
        assert_eq!(said.lines().count(), 1, "one line, and not a traceback: {said}");
    }
}
