//! Files of other tools, versions and kinds, as people give them to commands: what they read then.

use std::path::{Path, PathBuf};

use crate::kit::ceremony::{World, copy};
use crate::kit::{Folder, Run};

/// The fixtures of ceremony-core, next to a circuit, its powers and a key.
fn folder() -> Folder {
    let folder = Folder::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ceremony-core/tests/fixtures");
    for from in ["other-kinds", "bellman-h"] {
        for entry in std::fs::read_dir(fixtures.join(from)).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            std::fs::copy(&path, folder.path(path.file_name().unwrap().to_str().unwrap())).unwrap();
        }
    }
    for name in ["0000.zkey", "0001.zkey"] {
        std::fs::copy(fixtures.join("old-circuit-hash").join(name), folder.path(name)).unwrap();
    }
    folder
}

/// A failed run, whose message and hint are these. No one is accused.
#[track_caller]
fn refused(run: &Run, what: &str, hint: &str) {
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    let (message, hints) = run.stderr.split_once("hint: ").unwrap_or_else(|| {
        panic!("no hint: {}", run.stderr);
    });
    assert!(message.contains(what), "{what}: {}", run.stderr);
    assert!(hints.contains(hint), "{hint}: {}", run.stderr);
    assert_eq!(hints.trim_end().lines().count(), 1, "{hints}");
    for word in ["damaged", "evidence", "reject", "faulty"] {
        assert!(!run.stderr.contains(word), "{word}: {}", run.stderr);
    }
}

#[test]
fn a_legal_file_of_another_kind_is_called_what_it_is() {
    let folder = folder();
    folder.ours("ptau new --power 2 new.ptau");
    folder.ours("ptau export-challenge new.ptau challenge");
    folder.ours("ptau contribute-challenge challenge response");
    folder.write("page.ptau", b"<!DOCTYPE html><html>404</html>");
    folder.write("packed.ptau", b"\x1f\x8b\x08\0\0\0\0\0\0\x03abcdef");
    folder.write("empty.ptau", b"");
    let table = [
        ("ptau verify lfs-pointer.ptau", "found     a Git LFS pointer", "`git lfs pull`"),
        ("zkey new circuit.r1cs lfs-pointer.ptau out.zkey", "Git LFS pointer", "`git lfs pull`"),
        ("ptau prepare packed.ptau out.ptau", "a gzip file", "`gunzip`"),
        ("ptau info page.ptau", "a web page", "download the file again"),
        ("ptau info empty.ptau", "an empty file", "fetch the file again"),
        ("ptau verify bls12381.ptau", "found     BLS12-381", "BN254 only"),
        ("zkey new bls12381.r1cs prepared.ptau out.zkey", "found     BLS12-381", "BN254 only"),
        ("zkey new goldilocks.r1cs prepared.ptau out.zkey", "found     Goldilocks", "BN254 only"),
        (
            "zkey new custom-template.r1cs prepared.ptau out.zkey",
            "custom gates",
            "without custom templates",
        ),
        (
            "zkey new no-constraints.r1cs prepared.ptau out.zkey",
            "the circuit has no constraints",
            "add a constraint",
        ),
        (
            "zkey new no-constraints-one-wire.r1cs prepared.ptau out.zkey",
            "the circuit has no constraints",
            "add a constraint",
        ),
        ("zkey info plonk.zkey", "found     PLONK", "zk-ceremony zkey new R1CS PTAU OUT"),
        ("zkey contribute plonk.zkey out.zkey --name a", "found     PLONK", "zkey new"),
        ("zkey verify circuit.r1cs prepared.ptau fflonk.zkey", "found     FFLONK", "zkey new"),
        (
            "zkey contribute bellman.mpcparams out.zkey --name a",
            "parameters of bellman",
            "snarkjs zkey import bellman",
        ),
        (
            "ptau contribute challenge out.ptau --name a",
            "found     a challenge file of phase 1",
            "zk-ceremony ptau contribute-challenge CHALLENGE RESPONSE",
        ),
        (
            "ptau contribute response out.ptau --name a",
            "found     a response file of phase 1",
            "zk-ceremony ptau import-response IN RESPONSE OUT --name NAME",
        ),
        (
            "ptau contribute-challenge new.ptau out",
            "found     powers of tau (.ptau)",
            "zk-ceremony ptau export-challenge IN OUT",
        ),
        (
            "ptau import-response new.ptau challenge out.ptau --name a",
            "found     a challenge file of phase 1",
            "zk-ceremony ptau contribute-challenge",
        ),
        ("ptau verify 0000.zkey", "found     a key with its phase 2 (.zkey)", "zkey --help"),
        ("zkey info new.ptau", "found     powers of tau (.ptau)", "ptau --help"),
        ("zkey info circuit.r1cs", "found     a circuit (.r1cs)", "zkey new R1CS PTAU OUT"),
        ("zkey verify circuit.r1cs 0000.zkey 0001.zkey", "expected  powers of tau", "zkey --help"),
        (
            "zkey verify prepared.ptau prepared.ptau 0001.zkey",
            "expected  a circuit (.r1cs)",
            "ptau --help",
        ),
        (
            "zkey verify 0001.zkey --from circuit.r1cs",
            "found     a circuit (.r1cs)",
            "zkey new R1CS PTAU OUT",
        ),
    ];
    for (line, what, hint) in table {
        let before = folder.names();
        refused(&folder.run(line), what, hint);
        assert_eq!(folder.names(), before, "{line}");
    }
}

#[test]
fn keys_of_old_tools_are_good_with_a_remark_in_text_and_json() {
    let folder = folder();
    let old = "the circuit hash writes infinity as snarkjs 0.4.10 to 0.6.11 did";
    let bellman = "H lacks its top power, as after `snarkjs zkey import bellman`";
    for (arguments, check, remark) in [
        ("circuit.r1cs prepared.ptau 0001.zkey", 3, Some(old)),
        ("0001.zkey --from 0000.zkey", 3, None),
        ("circuit.r1cs prepared.ptau after-import.zkey", 8, Some(bellman)),
        ("after-import.zkey --from before.zkey", 8, Some(bellman)),
    ] {
        let text = folder.ours(&format!("zkey verify {arguments}"));
        let json = folder.ours(&format!("zkey verify {arguments} --json"));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["result"], "good");
        let found = json["checks"].as_array().unwrap().iter().find(|c| c["number"] == check);
        let found = found.unwrap()["remark"].as_str();
        match remark {
            Some(remark) => {
                assert!(text.contains(remark), "{text}");
                assert!(found.unwrap().starts_with(remark), "{json}");
            }
            None => {
                assert!(!text.contains("snarkjs"), "{text}");
                assert_eq!(found, None);
            }
        }
    }
    // Both chains go on.
    folder.ours("zkey contribute 0001.zkey next.zkey --name alice");
    folder.ours("zkey verify circuit.r1cs prepared.ptau next.zkey --from 0001.zkey");
    folder.ours("zkey contribute after-import.zkey after.zkey --name alice");
    folder.ours("zkey verify circuit.r1cs prepared.ptau after.zkey --from after-import.zkey");
}

#[test]
fn a_key_without_its_contributions_is_unfinished_and_no_evidence() {
    let folder = folder();
    let run =
        folder.run("zkey verify circuit.r1cs prepared.ptau before.zkey --min-contributions 3");
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("zkey contribute IN OUT"), "{}", run.stderr);
    assert!(!run.stderr.contains("evidence"), "{}", run.stderr);
}

#[test]
fn a_name_that_does_not_fit_is_refused_before_the_work() {
    let folder = folder();
    folder.ours("ptau new --power 1 0.ptau");
    let name = "n".repeat(65);
    for line in [
        format!("ptau contribute 0.ptau 1.ptau --name {name}"),
        format!("zkey contribute before.zkey out.zkey --name {name}"),
        format!("zkey beacon 0001.zkey out.zkey --value 01 --exponent 10 --name {name}"),
        format!("ptau import-response 0.ptau none out.ptau --name {name}"),
    ] {
        let run = folder.run(&line);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains("--name: the name is too long"), "{}", run.stderr);
        assert!(run.stderr.contains("found     65 UTF-16 units"), "{}", run.stderr);
    }
    folder.ours(&format!("ptau contribute 0.ptau 1.ptau --name {}", "n".repeat(64)));
}

/// From the contribution to the reports: the remark is there, and nothing else is unusual.
#[test]
fn a_contribution_through_bellmans_format_is_part_of_a_finished_ceremony() {
    let world = World::new(&["alice", "bob"], |toml| toml);
    world.open();
    world.contribute("alice");
    world.contribute("bob");
    world.beacon();
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    world.carry("coordinator", "alice");
    let folder = Folder::new();
    copy(&world.path("alice", "shared"), &folder.path("shared"));
    let before = "shared/circuits/main/0000.zkey";
    folder.snarkjs(&format!("zkey export bellman {before} challenge"));
    folder.snarkjs("zkey bellman contribute bn128 challenge response -e=dice");
    folder.snarkjs(&format!("zkey import bellman {before} response mine.zkey -n=alice"));
    world.write("alice", "mine.zkey", &folder.read("mine.zkey"));
    let run = world.run(
        "alice",
        "ceremony attest shared mine.zkey --as alice --tool bellman --entropy dice --destruction \
         \"switched off\" --key key.pem",
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    let note = "note: H lacks its top power";
    assert!(run.stderr.contains(note), "{}", run.stderr);
    for file in ["0001.zkey", "0001.dsse.json"] {
        assert!(run.stdout.contains(&format!("shared/circuits/main/{file}\n")), "{}", run.stdout);
    }
    world.carry("alice", "coordinator");
    world.contribute("bob");
    world.beacon();
    let run = world.run("coordinator", "ceremony verify shared");
    assert_eq!(run.code, 0, "{}", run.stderr);
    // In the step that lost it, and in the final key, which is held against the circuit.
    assert_eq!(run.stderr.matches(note).count(), 2, "{}", run.stderr);
    let report: serde_json::Value =
        serde_json::from_slice(&world.read("coordinator", "shared/report.json")).unwrap();
    let remarks: Vec<&str> = report["files"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|file| file["checks"].as_array().unwrap())
        .filter_map(|check| check["remark"].as_str())
        .collect();
    assert_eq!(remarks.len(), 2, "{remarks:?}");
    let page = String::from_utf8(world.read("coordinator", "shared/report.html")).unwrap();
    assert!(page.contains("H lacks its top power"), "{page}");
    world.ok("coordinator", "ceremony keygen shared");
}
