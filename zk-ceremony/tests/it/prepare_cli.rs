//! Preparing from the command line: some levels, levels of others, none at all, and an
//! interruption.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testkit::circuits::compile;

use crate::kit::ceremony::World;
use crate::kit::{Folder, refused};

/// A folder with powers of tau (`1.ptau`).
fn powers(power: u32) -> Folder {
    let folder = Folder::new();
    folder.ours(&format!("ptau new --power {power} 0.ptau"));
    folder.ours("ptau contribute 0.ptau 1.ptau --name alice");
    folder
}

fn json(folder: &Folder, line: &str) -> serde_json::Value {
    serde_json::from_str(&folder.ours(line)).unwrap()
}

#[test]
fn a_circuits_levels_serve_for_its_key_and_verify() {
    let folder = powers(6);
    compile("one_constraint", &[], &folder.path(""));
    folder.ours("ptau prepare 1.ptau all.ptau");
    let made = folder.ours("ptau prepare 1.ptau some.ptau --levels one_constraint.r1cs");
    assert!(made.contains("prepared for circuits of levels 2"), "{made}");
    folder.ours("ptau prepare 1.ptau more.ptau --levels 2..4");
    assert!(folder.read("some.ptau").len() < folder.read("more.ptau").len());
    assert!(folder.read("more.ptau").len() < folder.read("all.ptau").len());

    let info = json(&folder, "ptau info more.ptau --json");
    assert_eq!((&info["prepared"], &info["levels"]), (&true.into(), &"2..4".into()));
    assert_eq!(json(&folder, "ptau info all.ptau --json").get("levels"), None);
    for file in ["some.ptau", "more.ptau"] {
        let verified = json(&folder, &format!("ptau verify {file} --json"));
        let checks = verified["checks"].as_array().unwrap();
        assert!(checks.iter().any(|check| check["number"] == 7), "{verified}");
    }

    folder.ours("zkey new one_constraint.r1cs all.ptau all.zkey");
    let made = folder.ours("zkey new one_constraint.r1cs 1.ptau none.zkey");
    assert!(made.contains("is not prepared for circuits of 2^2 rows"), "{made}");
    folder.ours("zkey new one_constraint.r1cs some.ptau some.zkey");
    for key in ["some.zkey", "none.zkey"] {
        assert!(folder.read(key) == folder.read("all.zkey"), "{key}");
    }
    folder.ours("zkey contribute none.zkey 1.zkey --name bob");
    folder.ours("zkey verify one_constraint.r1cs 1.ptau 1.zkey");
    folder.ours("zkey verify one_constraint.r1cs some.ptau 1.zkey");
    assert!(folder.snarkjs("zkey verify one_constraint.r1cs all.ptau 1.zkey").contains("ZKey Ok!"));
    let names = folder.names();
    assert!(names.iter().all(|name| !name.contains("unfinished")), "{names:?}");
}

#[test]
fn bases_of_another_tool_are_attached_once_they_are_verified() {
    let folder = powers(3);
    folder.snarkjs("powersoftau prepare phase2 1.ptau theirs.ptau");
    folder.ours("ptau import-lagrange 1.ptau theirs.ptau ours.ptau");
    folder.ours("ptau prepare 1.ptau computed.ptau");
    assert!(folder.read("ours.ptau") == folder.read("computed.ptau"));
    folder.ours("ptau contribute 1.ptau 2.ptau --name bob");
    refused(&folder, "bases_of_other_powers", "ptau import-lagrange 2.ptau theirs.ptau 3.ptau");
    refused(&folder, "no_bases_to_import", "ptau import-lagrange 2.ptau 1.ptau 3.ptau");
    assert!(!folder.path("3.ptau").exists());
}

#[test]
fn levels_that_cannot_be_are_refused_before_anything_is_made() {
    let folder = powers(3);
    refused(&folder, "levels_beyond_the_power", "ptau prepare 1.ptau out.ptau --levels 2..9");
    refused(&folder, "levels_the_wrong_way_round", "ptau prepare 1.ptau out.ptau --levels 3..2");
    refused(&folder, "levels_of_no_circuit", "ptau prepare 1.ptau out.ptau --levels 1.ptau");
    assert_eq!(folder.names(), ["0.ptau", "1.ptau"]);
}

#[test]
fn all_that_is_known_at_the_beginning_is_refused_before_the_input_is_hashed() {
    let folder = powers(3);
    let note = |levels: &str| {
        let work = serde_json::json!({
            "unfinished": "ptau prepare", "program": "another 1.0", "input": "00", "levels": levels
        });
        let note = serde_json::json!({ "work": work }).to_string();
        folder.write("out.ptau.unfinished.json", note.as_bytes());
    };
    folder.write("out.ptau.unfinished", b"?");
    folder.write("out.ptau.unfinished.scratch", b"?");
    let refused = |line: &str, words: &[&str]| {
        let run = folder.run(&format!("ptau prepare {line}"));
        assert_ne!(run.code, 0, "{line}: {}", run.stderr);
        for word in words {
            assert!(run.stderr.contains(word), "{line}: {word}\n{}", run.stderr);
        }
        run.stderr
    };
    // The note's input is another one, which only the digest tells: it is told last.
    let words = ["another preparation was interrupted", "found     input 00, levels 0..3"];
    note("0..3");
    refused("1.ptau out.ptau", &words);
    let said = refused("1.ptau out.ptau --levels 2", &["found     a preparation of levels 0..3"]);
    assert!(!said.contains("input"), "{said}");
    refused("0.ptau out.ptau", &["no participant has contributed"]);
    note("2..9");
    refused("1.ptau out.ptau --levels 2..9", &["the powers do not reach to these levels"]);
    folder.write("out.ptau", b"there");
    refused("1.ptau out.ptau --levels 2..9", &["the output exists already"]);
    refused("1.ptau 1.ptau --levels 2..9", &["the output is also an input"]);
}

/// Runs `line` in a folder until it has noted a checkpoint, and kills it.
fn killed_on_the_way(folder: &Path, line: &str, note: &str) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_zk-ceremony"))
        .args(line.split(' '))
        .current_dir(folder)
        .env("XDG_STATE_HOME", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (path, begun) = (folder.join(note), Instant::now());
    let noted = || std::fs::read_to_string(&path).is_ok_and(|note| note.contains("\"levels\":2"));
    while !noted() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        assert!(begun.elapsed() < Duration::from_secs(120), "no checkpoint was noted");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_preparation_that_was_killed_goes_on_where_it_was() {
    let folder = powers(11);
    folder.ours("ptau prepare 1.ptau whole.ptau");
    let line = "ptau prepare 1.ptau out.ptau --checkpoint-every 0";
    killed_on_the_way(&folder.path(""), line, "out.ptau.unfinished.json");
    assert!(!folder.path("out.ptau").exists());
    let unfinished =
        ["out.ptau.unfinished", "out.ptau.unfinished.json", "out.ptau.unfinished.scratch"];
    let there =
        || folder.names().into_iter().filter(|name| name.starts_with("out")).collect::<Vec<_>>();
    assert_eq!(there(), unfinished);

    // Not with other powers, nor with other levels.
    folder.ours("ptau contribute 1.ptau 2.ptau --name bob");
    for line in ["ptau prepare 2.ptau out.ptau", "ptau prepare 1.ptau out.ptau --levels 3"] {
        let run = folder.run(line);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains("another preparation was interrupted"), "{}", run.stderr);
        assert!(run.stderr.contains("out.ptau.unfinished.json"), "{}", run.stderr);
        assert_eq!(there(), unfinished);
    }
    let made = folder.ours("ptau prepare 1.ptau out.ptau");
    assert!(made.contains("going on with out.ptau.unfinished"), "{made}");
    assert!(folder.read("out.ptau") == folder.read("whole.ptau"));
    assert_eq!(there(), ["out.ptau"]);
}

#[test]
fn a_ceremony_goes_on_after_a_kill_and_no_one_sees_what_is_unfinished() {
    let world = World::new(&["alice"], |toml| toml.replace("power = 4", "power = 11"));
    world.open();
    world.contribute("alice");
    world.beacon();
    world.ok("coordinator", "ptau prepare shared/phase1/final.ptau whole.ptau");
    let before = names(&world);
    let note = "shared/phase1/.zk-ceremony-prepared.ptau.unfinished.json";
    let line = "ceremony prepare shared --key key.pem --checkpoint-every 0";
    let listed = |name: &str| {
        world.ok("coordinator", &format!("ceremony archive shared {name}"));
        let tar = world.read("coordinator", name);
        let mut names: Vec<String> = tar::Archive::new(&tar[..])
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        names.sort();
        names
    };
    let packed = listed("before.tar");
    killed_on_the_way(&world.path("coordinator", ""), line, note);
    assert!(!world.shared("phase1/prepared.ptau").exists());
    let unfinished = ["", ".json", ".scratch"]
        .map(|suffix| format!(".zk-ceremony-prepared.ptau.unfinished{suffix}"));
    let left: Vec<String> =
        names(&world).into_iter().filter(|name| !before.contains(name)).collect();
    assert_eq!(left, unfinished);

    // What is packed, listed, verified or shown is as it was.
    assert_eq!(listed("after.tar"), packed);
    world.ok("coordinator", "ceremony verify shared --read-only");
    let status = world.ok("coordinator", "ceremony status shared");
    assert!(!status.contains("unfinished"), "{status}");
    world.ok("coordinator", "ceremony index shared --key key.pem");
    let index = String::from_utf8(world.read("coordinator", "shared/index.json")).unwrap();
    assert!(!index.contains("unfinished"), "what a mirror fetches");
    std::fs::remove_file(world.shared("index.json")).unwrap();

    // A note of another file's preparation is not gone on with.
    let noted = world.read("coordinator", note);
    let text = String::from_utf8(noted.clone()).unwrap();
    let digest = zk_attest::digest::FileDigest::of(&world.read("coordinator", "whole.ptau"));
    let input = serde_json::from_str::<serde_json::Value>(&text).unwrap()["work"]["input"].clone();
    let other = text.replace(input.as_str().unwrap(), &digest.to_string());
    world.write("coordinator", note, other.as_bytes());
    let run = world.run("coordinator", line);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("another preparation was interrupted"), "{}", run.stderr);
    world.write("coordinator", note, &noted);

    let run = world.run("coordinator", "ceremony prepare shared --key key.pem");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let words = "going on with shared/phase1/.zk-ceremony-prepared.ptau.unfinished, after ";
    assert!(run.stdout.contains(words), "{}", run.stdout);
    assert!(
        world.read("coordinator", "shared/phase1/prepared.ptau")
            == world.read("coordinator", "whole.ptau")
    );
    let names = names(&world);
    assert!(names.iter().all(|name| !name.contains("unfinished")), "{names:?}");
    world.ok("coordinator", "ceremony verify shared --read-only");
}

/// What is in the coordinator's folder of phase 1, sorted.
fn names(world: &World) -> Vec<String> {
    let entries = std::fs::read_dir(world.shared("phase1")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_part_that_was_killed_goes_on_where_it_was() {
    let folder = powers(10);
    folder.ours("ptau prepare 1.ptau whole.ptpart --part 2/2");
    let line = "ptau prepare 1.ptau out.ptpart --part 2/2";
    let note = "out.ptpart.unfinished.json";
    killed_on_the_way(&folder.path(""), &format!("{line} --checkpoint-every 0"), note);
    // Not as another part, nor as the whole.
    for line in [&line.replace("2/2", "1/2"), "ptau prepare 1.ptau out.ptpart"] {
        let run = folder.run(line);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains("another preparation was interrupted"), "{}", run.stderr);
        assert!(run.stderr.contains("levels 0..10, part 2 of 2"), "{}", run.stderr);
    }
    let made = folder.ours(line);
    assert!(made.contains("going on with out.ptpart.unfinished"), "{made}");
    assert!(folder.read("out.ptpart") == folder.read("whole.ptpart"));
}

#[test]
fn a_file_that_has_the_name_of_an_unfinished_one_stays() {
    let folder = powers(2);
    folder.write("out.ptau.unfinished", b"precious");
    refused(&folder, "unfinished_in_the_way", "ptau prepare 1.ptau out.ptau");
    assert_eq!(folder.read("out.ptau.unfinished"), b"precious");
    folder.write("other.ptau.unfinished.json", b"{}");
    folder.write("other.ptau.unfinished", b"?");
    folder.write("other.ptau.unfinished.scratch", b"?");
    refused(&folder, "unfinished_without_sense", "ptau prepare 1.ptau other.ptau");
}
