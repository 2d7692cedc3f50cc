//! What is costly to make and the same for every test is made once and kept below the target
//! folder. cargo-nextest starts a process for each test: the first to take the lock makes it.

use std::env::current_exe;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of that name, which `make` fills unless it was filled under the same stamp before.
/// Others use it too: nobody writes into it.
pub fn folder(name: &str, stamp: &str, make: impl FnOnce(&Path)) -> PathBuf {
    super::choose_arithmetic();
    // What cargo calls CARGO_TARGET_TMPDIR, of target/PROFILE/deps/TESTS.
    let tmp = current_exe().unwrap().ancestors().nth(3).unwrap().join("tmp/kept");
    fs::create_dir_all(&tmp).unwrap();
    let beside = |ending: &str| tmp.join(format!("{name}.{ending}"));
    let lock = fs::File::create(beside("lock")).unwrap();
    lock.lock().unwrap(); // until it is dropped
    let root = tmp.join(name);
    if fs::read_to_string(beside("stamp")).ok().as_deref() != Some(stamp) {
        let _ = fs::remove_dir_all(&root);
        fs::create_dir(&root).unwrap();
        make(&root);
        fs::write(beside("stamp"), stamp).unwrap();
    }
    root
}

/// The bytes that `make` gives, kept in a file of that name.
pub fn bytes(name: &str, stamp: &str, make: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    fs::read(folder(name, stamp, |root| fs::write(root.join(name), make()).unwrap()).join(name))
        .unwrap()
}

/// A stamp that changes when these tests are compiled again, or one of these programs, and when
/// another arithmetic is chosen.
pub fn built(programs: &[&Path]) -> String {
    let tests = current_exe().unwrap();
    let modified = |program: &Path| fs::metadata(program).unwrap().modified().unwrap();
    let programs = programs.iter().copied().chain([&*tests]);
    let times: String = programs.map(|program| format!("{:?}\n", modified(program))).collect();
    times + &std::env::var(super::ARITHMETIC).unwrap_or_default()
}

/// Copies what a folder holds into another one, which is made if it is not there.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            match fs::copy(&path, &target) {
                // A service that runs has given a temporary file its name meanwhile.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && !path.exists() => {}
                copied => drop(copied.unwrap()),
            }
        }
    }
}
