//! `ptau prepare` in parts: by hand, as schedulers run it, and with parts that are not what they
//! should be.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bn254_batch::curve::{G1Affine, G2Affine};
use serde_json::Value;
use testkit::forge::{shift_point, with_section};
use testkit::ptau::Model;

use crate::kit::{Folder, Run, refused};

/// A folder with powers of tau (`1.ptau`), the same in every run.
fn powers() -> Folder {
    let folder = Folder::new();
    folder.write("1.ptau", &Model::with_contributions(4, 2).bytes());
    folder
}

/// The same, with all parts.
fn parts(of: u32, options: &str) -> Folder {
    let folder = powers();
    for part in 1..=of {
        folder.ours(&format!("ptau prepare 1.ptau part-{part}.ptpart --part {part}/{of}{options}"));
    }
    folder
}

const FOUR: &str = "part-1.ptpart part-2.ptpart part-3.ptpart part-4.ptpart";

#[test]
fn parts_are_combined_to_the_prepared_file() {
    let folder = parts(4, "");
    folder.ours("ptau prepare 1.ptau whole.ptau");
    let made = folder.ours(&format!("ptau prepare 1.ptau prepared.ptau --combine {FOUR}"));
    assert!(made.contains("prepared.ptau: prepared from 4 parts, and verified"), "{made}");
    assert!(folder.read("prepared.ptau") == folder.read("whole.ptau"));
    folder.ours("ptau verify prepared.ptau --min-contributions 2");
    let names = folder.names();
    assert!(names.iter().all(|name| !name.contains("unfinished")), "{names:?}");

    // In any order, and with an answer for programs.
    let line = "part-3.ptpart part-1.ptpart part-4.ptpart part-2.ptpart";
    let said = folder.ours(&format!("ptau prepare 1.ptau again.ptau --json --combine {line}"));
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["made"][0]["file"], "again.ptau");
    assert_eq!(said["made"][0]["levels"], "0..4");
    assert!(folder.read("again.ptau") == folder.read("whole.ptau"));
    let said = folder.ours("ptau prepare 1.ptau part-1.ptpart --part 1/4 --json --force");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["made"][0]["what"], "part 1 of 4 of the preparation for levels 0..4");
}

#[test]
fn parts_of_some_levels_make_the_file_for_these_levels() {
    let folder = parts(2, " --levels 2..3");
    folder.ours("ptau prepare 1.ptau whole.ptau --levels 2..3");
    folder.ours("ptau prepare 1.ptau some.ptau --combine part-1.ptpart part-2.ptpart");
    assert!(folder.read("some.ptau") == folder.read("whole.ptau"));
}

#[test]
fn a_part_that_cannot_be_made_is_refused_before_anything_is() {
    let folder = powers();
    folder.write("0.ptau", &Model::new(4).bytes());
    folder.write("there.ptpart", b"precious");
    for (name, line) in [
        ("prepare_part_of_three", "ptau prepare 1.ptau out.ptpart --part 1/3"),
        ("prepare_part_beyond_the_last", "ptau prepare 1.ptau out.ptpart --part 5/4"),
        ("prepare_part_of_too_many", "ptau prepare 1.ptau out.ptpart --part 1/32"),
        ("prepare_part_of_small_levels", "ptau prepare 1.ptau out.ptpart --part 1/8 --levels 2"),
        ("prepare_part_of_nobodys_powers", "ptau prepare 0.ptau out.ptpart --part 1/2"),
        ("prepare_part_that_is_there", "ptau prepare 1.ptau there.ptpart --part 1/2"),
    ] {
        refused(&folder, name, line);
    }
    assert_eq!(folder.read("there.ptpart"), b"precious");
    for line in [
        "out.ptau --part 1/2 --combine part-1.ptpart",
        "out.ptau --levels 2 --combine part-1.ptpart",
        "out.ptau --combine",
    ] {
        assert_eq!(folder.run(&format!("ptau prepare 1.ptau {line}")).code, 2, "{line}");
    }
}

#[test]
fn parts_that_do_not_belong_together_are_refused_by_name() {
    let folder = parts(4, "");
    let combine = |parts: &str| format!("ptau prepare 1.ptau out.ptau --combine {parts}");
    refused(&folder, "prepare_parts_missing", &combine("part-1.ptpart part-4.ptpart"));
    std::fs::copy(folder.path("part-2.ptpart"), folder.path("copy.ptpart")).unwrap();
    refused(&folder, "prepare_parts_twice", &combine(&format!("{FOUR} copy.ptpart")));
    folder.ours("ptau prepare 1.ptau levels.ptpart --part 4/4 --levels 2..4");
    let three = "part-1.ptpart part-2.ptpart part-3.ptpart";
    refused(&folder, "prepare_parts_of_other_levels", &combine(&format!("{three} levels.ptpart")));
    folder.ours("ptau prepare 1.ptau eighth.ptpart --part 4/8");
    refused(
        &folder,
        "prepare_parts_of_another_number",
        &combine(&format!("{three} eighth.ptpart")),
    );
    folder.write("2.ptau", &Model::with_contributions(4, 3).bytes());
    folder.ours("ptau prepare 2.ptau strange.ptpart --part 4/4");
    refused(&folder, "prepare_parts_of_two_files", &combine(&format!("{three} strange.ptpart")));
    let line = format!("ptau prepare 2.ptau out.ptau --combine {FOUR}");
    refused(&folder, "prepare_parts_of_another_file", &line);
    refused(&folder, "prepare_parts_that_are_none", &combine("1.ptau"));
    let bytes = folder.read("part-3.ptpart");
    folder.write("cut.ptpart", &bytes[..bytes.len() - 1]);
    refused(
        &folder,
        "prepare_part_cut",
        &combine("part-1.ptpart part-2.ptpart cut.ptpart part-4.ptpart"),
    );
    refused(
        &folder,
        "prepare_parts_onto_a_part",
        &format!("ptau prepare 1.ptau part-1.ptpart --force --combine {FOUR}"),
    );
    refused(&folder, "prepare_part_verified", "ptau verify part-1.ptpart");
}

#[test]
fn a_wrong_part_is_named_with_the_command_that_makes_it_again() {
    let folder = parts(4, " --levels 3..4");
    let good = folder.read("part-2.ptpart");
    let wrong = with_section(&good, 13, |points| shift_point::<G2Affine>(points, 5));
    folder.write("part-2.ptpart", &wrong);
    let line = format!("ptau prepare 1.ptau out.ptau --combine {FOUR}");
    refused(&folder, "prepare_part_wrong", &line);
    let other = folder.read("part-4.ptpart");
    folder.write(
        "part-4.ptpart",
        &with_section(&other, 15, |points| shift_point::<G1Affine>(points, 0)),
    );
    refused(&folder, "prepare_two_parts_wrong", &line);
    folder.write("part-2.ptpart", &with_section(&good, 14, |points| points[..64].fill(0)));
    refused(&folder, "prepare_part_with_infinity", &line);
}

// ---- ops/batch ----------------------------------------------------------------------------------

fn batch(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/batch").join(file).canonicalize().unwrap()
}

/// The variables that the scripts read.
fn stage_command(folder: &Folder, parts: u32, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env("PROGRAM", env!("CARGO_BIN_EXE_zk-ceremony"))
        .env("FILE", folder.path("1.ptau"))
        .env("WORK", folder.path("work"))
        .env("PARTS", parts.to_string())
        .env_remove("LEVELS")
        .env_remove("SLURM_ARRAY_TASK_ID")
        .env_remove("JOB_COMPLETION_INDEX")
        .stdin(Stdio::null());
    command
}

#[test]
fn eight_processes_at_once_prepare_a_file_by_the_script_of_the_schedulers() {
    let folder = powers();
    folder.ours("ptau prepare 1.ptau whole.ptau");
    std::fs::create_dir(folder.path("work")).unwrap();
    let run = |stage: &str, variable: Option<(&str, u32)>| {
        let mut command = stage_command(&folder, 8, &batch("prepare-stage.sh"));
        command.arg(stage).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some((name, number)) = variable {
            command.env(name, number.to_string());
        }
        command.spawn().unwrap()
    };
    let done = |child: std::process::Child| Run::from(child.wait_with_output().unwrap());
    // Slurm counts tasks from 1, Kubernetes its pods from 0: half of the parts by each.
    let parts: Vec<_> = (1..=4)
        .map(|task| run("part", Some(("SLURM_ARRAY_TASK_ID", task))))
        .chain((4..8).map(|index| run("part", Some(("JOB_COMPLETION_INDEX", index)))))
        .collect();
    for part in parts.into_iter().map(done) {
        assert_eq!(part.code, 0, "{}", part.stderr);
    }
    // A machine that was lost, and its part once more; one that is there is not made again.
    std::fs::remove_file(folder.path("work/part-5.ptpart")).unwrap();
    let combined = done(run("combine", None));
    assert_eq!(combined.code, 2, "{}", combined.stderr);
    for words in ["part 5 of 8 is missing", "part-5.ptpart --part 5/8"] {
        assert!(combined.stderr.contains(words), "{}", combined.stderr);
    }
    for there in [false, true] {
        let part = done(run("part", Some(("SLURM_ARRAY_TASK_ID", 5))));
        assert_eq!(part.code, 0, "{}", part.stderr);
        assert_eq!(part.stdout.contains("part-5.ptpart is there"), there, "{}", part.stdout);
    }
    let combined = done(run("combine", None));
    assert_eq!(combined.code, 0, "{}", combined.stderr);
    assert!(folder.read("work/prepared.ptau") == folder.read("whole.ptau"));
    assert_eq!(done(run("nothing", None)).code, 2);
}

#[test]
fn slurm_gets_an_array_of_parts_then_the_combination() {
    let folder = powers();
    folder.ours("ptau prepare 1.ptau whole.ptau --levels 2..3");
    // Runs what it is given at once, and gives a number for it.
    let sbatch = r#"#!/bin/bash
set -e
tasks=
for word in "$@"; do
    case $word in
    --array=1-*) tasks=$(seq 1 "${word#--array=1-}") ;;
    --dependency=* | --mem=*) echo "$word" >>"$WORK/asked" ;;
    esac
done
stage=("${@: -2}")
if [ -n "$tasks" ]; then
    for task in $tasks; do SLURM_ARRAY_TASK_ID=$task "${stage[@]}" >/dev/null; done
else
    "${stage[@]}" >"$WORK/${stage[1]}.out"
fi
echo 42
"#;
    std::fs::create_dir(folder.path("bin")).unwrap();
    folder.write("bin/sbatch", sbatch.as_bytes());
    let made =
        Command::new("chmod").args(["+x", "bin/sbatch"]).current_dir(folder.path("")).status();
    assert!(made.unwrap().success());
    let path = format!("{}:{}", folder.path("bin").display(), std::env::var("PATH").unwrap());
    let mut command = stage_command(&folder, 4, &batch("prepare.sbatch"));
    command.env("PATH", path).env("LEVELS", "2..3").arg("--mem=2G");
    let run: Run = command.output().unwrap().into();
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let asked = String::from_utf8(folder.read("work/asked")).unwrap();
    assert_eq!(asked.lines().collect::<Vec<_>>(), ["--mem=2G", "--dependency=afterany:42"]);
    assert!(folder.read("work/prepared.ptau") == folder.read("whole.ptau"));
}

#[test]
fn the_preparing_job_of_kubernetes_is_an_indexed_one_that_runs_the_script() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/.venv/bin/python");
    assert!(python.exists(), "PyYAML is not installed: ./ci/test.sh installs it into ci/.venv");
    let script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))";
    let text = std::fs::read_to_string(batch("prepare-job.yaml")).unwrap();
    for (stage, count) in [("part", "16"), ("combine", "1")] {
        let filled = text.replace("STAGE", stage).replace("COUNT", count).replace("IMAGE", "i:1");
        let folder = Folder::new();
        folder.write("job.yaml", filled.as_bytes());
        let file = std::fs::File::open(folder.path("job.yaml")).unwrap();
        let run: Run =
            Command::new(&python).args(["-c", script]).stdin(file).output().unwrap().into();
        assert_eq!(run.code, 0, "{}", run.stderr);
        let job: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((&job["kind"], &job["apiVersion"]), (&"Job".into(), &"batch/v1".into()));
        assert_eq!(job["spec"]["completionMode"], "Indexed");
        assert_eq!(job["spec"]["completions"].to_string(), count);
        let pod = &job["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let command = serde_json::json!(["bash", "/stage/prepare-stage.sh", stage]);
        assert_eq!(container["command"], command);
        // Every mount has its volume.
        let names = |list: &Value| -> Vec<String> {
            let list = list.as_array().unwrap().iter();
            list.map(|it| it["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&container["volumeMounts"]), names(&pod["volumes"]));
    }
    // The script names options that exist.
    let help = Folder::new().ours("ptau prepare --help");
    let stage = std::fs::read_to_string(batch("prepare-stage.sh")).unwrap();
    let options: Vec<&str> = stage
        .split(|c: char| c.is_whitespace() || c == '(')
        .filter(|word| word.starts_with("--"))
        .collect();
    assert_eq!(options.len(), 3, "{options:?}");
    for option in options {
        assert!(help.split_whitespace().any(|word| word == option), "{option}");
    }
}
