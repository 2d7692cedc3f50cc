//! A copy of a ceremony that lacks a file: every command says which, and none accuses anyone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::{fs, io};

use ceremony_core::progress::NoProgress;
use ceremony_folder::output::{Output, OutputError};
use ceremony_folder::report::{Report, sums};
use ceremony_folder::store::{Entry, Input, LocalDirectory, ReadError, Readers, Store};
use ceremony_folder::{Ceremony, Depth, Folder, Verification};

use crate::kit::ceremony::World;

/// The finished ceremony without the attestation of Alice's contribution to phase 1, which a report
/// calls good.
fn without_an_attestation() -> World {
    let world = World::finished();
    world.ok("coordinator", "ceremony verify shared");
    fs::remove_file(world.shared("phase1/0001.dsse.json")).unwrap();
    world
}

#[test]
fn find_names_the_missing_file_and_does_not_say_that_a_contribution_is_missing() {
    let world = without_an_attestation();
    for who in ["alice", "bob"] {
        let run = world.run("coordinator", &format!("ceremony find shared --participant {who}"));
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains("0001.dsse.json"), "{}", run.stderr);
        assert!(!run.stderr.contains("no contribution of"), "{}", run.stderr);
        assert_eq!(run.stdout, "", "nothing is said of a chain that was not read");
    }
}

#[test]
fn verify_blames_the_copy_and_not_the_ceremony() {
    let world = without_an_attestation();
    let run = world.run("coordinator", "ceremony verify shared --json");
    assert_eq!(run.code, 2, "{}", run.stderr);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["result"], "error");
    assert!(run.stderr.contains("0001.dsse.json"), "{}", run.stderr);
    assert!(run.stderr.contains("fetch the folder"), "{}", run.stderr);
    assert!(!run.stderr.contains("do not build on this file"), "{}", run.stderr);
}

#[test]
fn status_of_an_incomplete_copy_claims_nothing_about_what_it_did_not_read() {
    let world = without_an_attestation();
    let run = world.run("coordinator", "ceremony status shared");
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(!run.stdout.contains("verified: good"), "{}", run.stdout);
    assert!(run.stdout.contains("phase 1: does not hold beyond what follows"), "{}", run.stdout);
    let next = run.stdout.lines().find(|line| line.starts_with("next: ")).unwrap();
    assert!(next.contains("fetch the folder"), "{next}");
}

/// Counts how often each file is opened.
#[derive(Debug)]
struct Counting {
    store: LocalDirectory,
    opened: Mutex<BTreeMap<PathBuf, usize>>,
}

impl Store for Counting {
    fn entries(&self, folder: &Path, limit: usize) -> io::Result<Vec<Entry>> {
        self.store.entries(folder, limit)
    }

    fn is_present(&self, path: &Path) -> bool {
        self.store.is_present(path)
    }

    fn open(&self, path: &Path) -> Result<Input, ReadError> {
        *self.opened.lock().unwrap().entry(path.into()).or_default() += 1;
        self.store.open(path)
    }

    fn create(&self, path: &Path, replace: bool, by: Readers) -> Result<Output, OutputError> {
        self.store.create(path, replace, by)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), OutputError> {
        self.store.rename(from, to)
    }
}

#[test]
fn sums_are_of_the_bytes_that_were_verified_and_read_no_verified_file_again() {
    let world = World::finished();
    let root = world.shared("");
    let store = LocalDirectory::new(&root);
    let store = Arc::new(Counting { store, opened: Mutex::default() });
    let ceremony = Ceremony::read(Folder::in_store(&root, store.clone())).unwrap();
    let mut report = Report::begin(&ceremony, "a test").unwrap();
    let mut verification = Verification::new(&ceremony, Depth::EveryFile).unwrap();
    while let Some(part) = verification.next_part(&NoProgress) {
        report.passed(&ceremony, &part.unwrap(), 0.0);
    }
    report.finished(&verification.finish().unwrap());

    let before = store.opened.lock().unwrap().clone();
    let lines = sums(&ceremony, &report, &NoProgress).unwrap();
    let after = store.opened.lock().unwrap().clone();
    let verified: Vec<&str> = report.files.iter().map(|file| file.file.as_str()).collect();
    assert!(verified.len() >= 8, "{verified:?}");
    let circuits = after.keys().filter(|path| path.ends_with("circuit.r1cs"));
    for path in verified.iter().map(Path::new).chain(circuits.map(PathBuf::as_path)) {
        assert_eq!(before.get(path), after.get(path), "{} is read again", path.display());
    }
    for file in &report.files {
        assert!(lines.contains(&format!("{}  {}\n", file.sha256, file.file)), "{}", file.file);
    }
    // What the standard tool says of them.
    fs::write(world.shared("SHA256SUMS"), lines).unwrap();
    let check = std::process::Command::new("sha256sum")
        .args(["--check", "--quiet", "SHA256SUMS"])
        .current_dir(&root)
        .status()
        .unwrap();
    assert!(check.success());
}
