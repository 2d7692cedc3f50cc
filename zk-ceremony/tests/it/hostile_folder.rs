//! A shared folder in which someone has put something else in the place of a file: whatever stands
//! there, every command ends at once, and touches nothing outside the folder.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{CWD, FileType, Mode, makedev, mkfifoat, mknodat};

use crate::kit::ceremony::{VALUE, World, copy};
use crate::kit::split;

/// What stands in the place of a file or a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hostile {
    Pipe,
    LinkToFile,
    LinkToFolder,
    Folder,
    Device,
    Sparse,
}

const ALL: [Hostile; 6] = [
    Hostile::Pipe,
    Hostile::LinkToFile,
    Hostile::LinkToFolder,
    Hostile::Folder,
    Hostile::Device,
    Hostile::Sparse,
];

/// How far a ceremony has come: what is removed from a finished one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Phase1,
    Prepare,
    Phase2,
    Close,
    Finished,
}

impl Stage {
    fn lacks(self, path: &str) -> bool {
        let step = path.rsplit('/').next().unwrap_or_default();
        let of_phase = |phase: &str, from: &[&str]| {
            path.starts_with(phase) && from.iter().any(|name| step.starts_with(name))
        };
        let derived = path.contains("/ark")
            || path.contains("/snarkjs")
            || ["transcript", "report", "SHA256SUMS", "bundle", "audits", "private"]
                .iter()
                .any(|name| path.starts_with(name));
        match self {
            Self::Finished => false,
            Self::Close => derived || of_phase("circuits/main/", &["final"]),
            Self::Phase2 => derived || of_phase("circuits/main/", &["0001", "0002", "final"]),
            Self::Prepare => {
                derived
                    || of_phase("circuits/main/", &["0", "final"])
                    || step.starts_with("prepared")
            }
            Self::Phase1 => {
                Self::Prepare.lacks(path) || of_phase("phase1/", &["0001", "0002", "final"])
            }
        }
    }
}

/// Every command that takes a folder, at the stage at which it does its work. `heavy` ones verify
/// much.
const COMMANDS: [(&str, Stage, bool); 15] = [
    ("ceremony verify shared", Stage::Finished, true),
    ("ceremony verify shared --read-only", Stage::Finished, true),
    ("ceremony find shared --participant alice", Stage::Finished, true),
    ("ceremony keygen shared", Stage::Finished, true),
    ("ceremony audit shared --as carol --method \"read it\" --key key.pem", Stage::Finished, true),
    (
        "bundle create shared --serial 1 --not-after 2030-01-01T00:00:00Z --force",
        Stage::Finished,
        true,
    ),
    ("ceremony status shared", Stage::Finished, false),
    ("ceremony archive shared out.tar", Stage::Finished, false),
    (
        "ceremony new shared --config ceremony.toml --circuit main=circuit.r1cs --key key.pem",
        Stage::Finished,
        false,
    ),
    ("ceremony contribute shared --as alice --key alice.pem", Stage::Phase1, false),
    ("ceremony reject shared 1 --circuit main --reason no --key key.pem", Stage::Close, false),
    ("ceremony prepare shared --key key.pem", Stage::Prepare, false),
    ("ceremony contribute shared --as alice --key alice.pem", Stage::Phase2, false),
    (
        "ceremony attest shared made.zkey --as alice --tool t --entropy e --destruction d --key \
         alice.pem",
        Stage::Phase2,
        false,
    ),
    ("ceremony beacon shared --value VALUE --key key.pem", Stage::Close, false),
];

/// A finished ceremony with everything that a command writes, and what the commands are given.
struct Template {
    world: World,
    paths: Vec<String>,
}

impl Template {
    fn new() -> Self {
        let world = World::finished();
        let here = |line: &str| world.ok("coordinator", line);
        here("ceremony verify shared");
        here("ceremony keygen shared");
        here("bundle create shared --serial 1 --not-after 2030-01-01T00:00:00Z");
        world.ok("coordinator", "key new carol.pem");
        here("ceremony audit shared --as carol --method m --key carol.pem");
        here("zkey contribute shared/circuits/main/0000.zkey made.zkey --name alice");
        fs::copy(world.path("alice", "key.pem"), world.path("coordinator", "alice.pem")).unwrap();
        let mut paths = vec![".zk-ceremony.lock".to_owned(), "evidence".to_owned()];
        list(&world.shared(""), "", &mut paths);
        paths.sort();
        paths.dedup();
        assert!(paths.len() > 35, "{paths:?}");
        Self { world, paths }
    }
}

fn list(root: &Path, prefix: &str, paths: &mut Vec<String>) {
    for entry in fs::read_dir(root.join(prefix)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            list(root, &format!("{path}/"), paths);
        }
        paths.push(path);
    }
}

struct Case<'a> {
    command: &'a str,
    stage: Stage,
    path: &'a str,
    hostile: Hostile,
}

/// All bytes and times of what the commands must not touch.
type Outside = Vec<(PathBuf, Vec<u8>, SystemTime)>;

fn outside(root: &Path) -> Outside {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let modified = path.metadata().unwrap().modified().unwrap();
        let is_folder = path.is_dir();
        found.push((path.clone(), fs::read(&path).unwrap_or_default(), modified));
        if is_folder {
            found.extend(outside(&path));
        }
    }
    found.sort();
    found
}

impl Case<'_> {
    /// What went wrong, if anything did.
    fn run(&self, template: &Template) -> Result<(), String> {
        let machine = tempfile::tempdir().unwrap();
        let at = |name: &str| machine.path().join(name);
        copy(&template.world.path("coordinator", ""), machine.path());
        for path in template.paths.iter().filter(|path| self.stage.lacks(path)) {
            let path = at("shared").join(path);
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
        let away = tempfile::tempdir().unwrap();
        fs::create_dir(away.path().join("folder")).unwrap();
        fs::write(away.path().join("folder/0001.ptau"), b"canary").unwrap();
        fs::write(away.path().join("folder/.zk-ceremony-1-1.partial"), b"canary").unwrap();
        fs::write(away.path().join("key.pem"), b"canary").unwrap();
        self.plant(&at("shared").join(self.path), away.path());
        let before = (outside(away.path()), lengths(&at("shared")));

        let line = self.command.replace("VALUE", VALUE);
        let mut child = Command::new(env!("CARGO_BIN_EXE_zk-ceremony"))
            .args(split(&line))
            .current_dir(machine.path())
            .env("XDG_STATE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/state"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(at("stderr")).unwrap())
            .spawn()
            .unwrap();
        let start = Instant::now();
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if start.elapsed() > Duration::from_secs(30) => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    return Err("did not end".into());
                }
                None => std::thread::sleep(Duration::from_millis(3)),
            }
        };
        let said = fs::read_to_string(at("stderr")).unwrap();
        let clear =
            said.contains("error: ") && said.contains("hint: ") && !said.contains("panicked");
        match status.code() {
            Some(0) => {}
            Some(1) if clear => {}
            // A file where nothing should be yet lacks what belongs to it.
            Some(2) if clear && said.contains("No such file") => {}
            code => return Err(format!("ends with {code:?}:\n{said}")),
        }
        if outside(away.path()) != before.0 {
            return Err("touches what is outside".into());
        }
        let after = lengths(&at("shared"));
        match before.1.iter().find(|(path, was)| {
            *was > 0 && after.iter().any(|(now, length)| now == path && *length == 0)
        }) {
            Some((path, _)) => Err(format!("empties {}", path.display())),
            None => Ok(()),
        }
    }

    fn plant(&self, path: &Path, away: &Path) {
        let _ = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mode = Mode::RUSR | Mode::WUSR;
        match self.hostile {
            Hostile::Pipe => mkfifoat(CWD, path, mode).unwrap(),
            Hostile::LinkToFile => symlink(away.join("key.pem"), path).unwrap(),
            Hostile::LinkToFolder => symlink(away.join("folder"), path).unwrap(),
            Hostile::Folder => fs::create_dir(path).unwrap(),
            Hostile::Device => {
                let zero = makedev(1, 5);
                // Only the superuser makes devices.
                if mknodat(CWD, path, FileType::CharacterDevice, mode, zero).is_err() {
                    symlink("/dev/zero", path).unwrap();
                }
            }
            Hostile::Sparse => File::create(path).unwrap().set_len(40 << 30).unwrap(),
        }
    }
}

/// Every regular file that is not hidden, with its length.
fn lengths(root: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if metadata.is_file() && !entry.file_name().to_string_lossy().starts_with('.') {
                found.push((entry.path(), metadata.len()));
            }
        }
    }
    found
}

fn sweep(choose: impl Fn(usize, usize, usize) -> bool) {
    let template = Template::new();
    let mut cases = Vec::new();
    for (c, (command, stage, _)) in COMMANDS.iter().enumerate() {
        for (p, path) in template.paths.iter().enumerate() {
            for (k, hostile) in ALL.into_iter().enumerate() {
                // A folder in the place of a folder is none that an attacker needs. A rejection
                // signs the digest of what is there, however long it is.
                let is_folder = path == "evidence" || template.world.shared(path).is_dir();
                let legal = hostile == Hostile::Folder && is_folder
                    || hostile == Hostile::Sparse
                        && command.starts_with("ceremony reject")
                        && path.ends_with(".zkey");
                if !legal && choose(c, p, k) {
                    cases.push(Case { command, stage: *stage, path, hostile });
                }
            }
        }
    }
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|threads| {
        for _ in 0..std::thread::available_parallelism().map_or(2, |n| 2 * n.get()) {
            threads.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(what) = case.run(&template) {
                        let Case { command, path, hostile, .. } = case;
                        failures
                            .lock()
                            .unwrap()
                            .push(format!("{command}, {path} is {hostile:?}: {what}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(cases.len() > 300, "{}", cases.len());
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// A sixth of all combinations, or a twelfth of those that take long; each path meets each kind,
/// and each command each kind.
#[test]
fn whatever_stands_in_the_place_of_a_file_no_command_hangs_or_leaves_the_folder() {
    sweep(|command, path, kind| {
        let share = if COMMANDS[command].2 { 12 } else { 6 };
        (command + path + kind) % share == 0
    });
}

#[test]
#[ignore = "all combinations take minutes"]
fn no_combination_of_command_path_and_kind_hangs_or_leaves_the_folder() {
    sweep(|_, _, _| true);
}

/// Other files are named and stay where they are.
#[test]
fn an_archive_has_only_files_of_the_ceremony_and_evidence() {
    let world = World::finished();
    fs::create_dir_all(world.shared("evidence/photos")).unwrap();
    for name in ["evidence/photos/dice.txt", "notes.txt", "phase1/0003 (copy).ptau", ".env"] {
        fs::write(world.shared(name), b"some words").unwrap();
    }
    world.ok("coordinator", "ceremony verify shared");
    let run = world.run("coordinator", "ceremony archive shared out.tar");
    assert_eq!(run.code, 0, "{}", run.stderr);
    for name in ["notes.txt", "phase1/0003 (copy).ptau"] {
        assert!(run.stderr.contains(&format!("left out: {name} ")), "{}", run.stderr);
    }
    let tar = Command::new("tar").arg("-tf").arg(world.path("coordinator", "out.tar")).output();
    let archived = String::from_utf8(tar.unwrap().stdout).unwrap();
    let sums = fs::read_to_string(world.shared("SHA256SUMS")).unwrap();
    for list in [&archived, &sums] {
        assert!(list.contains("evidence/photos/dice.txt") && list.contains("circuits/main/final"));
        assert!(!list.contains("notes") && !list.contains("copy") && !list.contains(".env"));
    }
}

#[test]
fn a_private_key_anywhere_in_the_folder_stops_archive_and_sums() {
    let world = World::finished();
    world.ok("coordinator", "ceremony verify shared");
    let pem = fs::read_to_string(world.path("alice", "key.pem")).unwrap();
    let seed = hex::encode(crate::kit::ceremony::seed(&pem));
    for (name, text) in [
        ("coordinator.pem", pem.as_str()),
        ("phase1/alice.key", &pem),
        ("evidence/deeply/hidden/k", &format!("Bag Attributes\n{pem}")),
        ("audits/x.dsse.json", &pem),
        (".key", &seed),
        ("seed.hex", &format!("{seed}\n")),
        ("age.txt", "AGE-SECRET-KEY-1QQPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    ] {
        let path = world.shared(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        for line in ["ceremony archive shared out.tar", "ceremony verify shared"] {
            let run = world.run("coordinator", line);
            assert_eq!(run.code, 1, "{line} with {name}: {}", run.stdout);
            assert!(run.stderr.contains(name), "{}", run.stderr);
            assert!(run.stderr.contains("looks like a private key"), "{}", run.stderr);
            assert!(!run.stderr.contains(&seed[..8]) && !run.stderr.contains("MC4C"));
        }
        assert!(!world.path("coordinator", "out.tar").exists());
        fs::remove_file(path).unwrap();
    }
    // Keys of the rules are public, and a key that is not in the folder is nobody's business.
    fs::write(world.shared("evidence/alice.pub"), world.public_key("alice").to_string()).unwrap();
    fs::create_dir_all(world.shared("private")).unwrap();
    fs::write(world.shared("private/key.pem"), &pem).unwrap();
    world.ok("coordinator", "ceremony verify shared");
    world.ok("coordinator", "ceremony archive shared out.tar");
}

/// In the place of a small file stands one of 40 GB: each command names it, and reads little of it.
#[test]
fn a_small_file_that_is_endless_is_named_and_not_read() {
    let template = Template::new();
    for (path, commands) in [
        (
            "circuits/main/final.dsse.json",
            &["ceremony keygen shared", "ceremony audit shared --as carol --key key.pem"][..],
        ),
        ("circuits/main/ark/verifying_key.uncompressed.bin", &["ceremony archive shared a.tar"]),
        (
            "circuits/main/snarkjs/verification_key.json",
            &["ceremony archive shared a.tar", "ceremony verify shared"],
        ),
    ] {
        let world = &template.world;
        let kept = fs::read(world.shared(path)).unwrap();
        File::create(world.shared(path)).unwrap().set_len(40 << 30).unwrap();
        for line in commands {
            let run = world.run("coordinator", line);
            assert_eq!(run.code, 1, "{line}: {}", run.stderr);
            assert!(
                run.stderr.contains(path) && run.stderr.contains("large"),
                "{line}: {}",
                run.stderr
            );
        }
        fs::write(world.shared(path), kept).unwrap();
    }
    template.world.ok("coordinator", "ceremony verify shared");
}

/// Nothing is refused at the end that was known at the beginning.
#[test]
fn an_output_that_cannot_be_is_refused_before_the_work() {
    let world = World::finished();
    for (out, line) in [
        ("shared/report.html", "ceremony verify shared"),
        ("shared/SHA256SUMS", "ceremony verify shared"),
        ("shared.private/main.proving_key.bin", "ceremony keygen shared"),
        ("shared/bundle.json", "ceremony audit shared --as carol --method m --key key.pem"),
        ("out.tar", "ceremony archive shared out.tar --force"),
        (
            "out.json",
            "bundle create shared --serial 1 --not-after 2030-01-01T00:00:00Z --out out.json \
             --force",
        ),
    ] {
        let path = world.path("coordinator", out);
        fs::create_dir_all(&path).unwrap();
        let run = world.run("coordinator", line);
        assert_ne!(run.code, 0, "{line}");
        assert!(run.stderr.contains("not a regular file"), "{line}\n{}", run.stderr);
        assert!(!run.stderr.contains("verified "), "{line} works first\n{}", run.stderr);
        fs::remove_dir(&path).unwrap();
    }
}
