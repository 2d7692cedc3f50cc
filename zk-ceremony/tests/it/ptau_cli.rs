//! The manners of `ptau`: what a participant reads when something is wrong, exit statuses, and
//! files that appear whole or not at all.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::kit::{Folder, refused};

const COMMANDS: [&str; 10] = [
    "new",
    "contribute",
    "beacon",
    "prepare",
    "verify",
    "info",
    "export-challenge",
    "contribute-challenge",
    "import-response",
    "import-lagrange",
];

/// A folder with a new file, one contribution, a beacon, a challenge and a response.
fn ceremony() -> Folder {
    let folder = Folder::new();
    folder.ours("ptau new --power 2 0.ptau");
    folder.ours("ptau contribute 0.ptau 1.ptau --name alice");
    folder.ours("ptau beacon 1.ptau 2.ptau --value 0102 --exponent 10");
    folder.ours("ptau export-challenge 1.ptau challenge");
    folder.ours("ptau contribute-challenge challenge response");
    folder
}

#[test]
fn every_command_has_help_with_an_example() {
    let folder = Folder::new();
    for command in COMMANDS {
        let help = folder.ours(&format!("ptau {command} --help"));
        assert!(help.contains("Example"), "{command}");
        assert!(help.contains(&format!("zk-ceremony ptau {command}")), "{command}");
    }
    insta::assert_snapshot!("help_of_verify", folder.ours("ptau verify --help"));
}

#[test]
fn a_missing_input_is_an_environment_error() {
    let folder = Folder::new();
    refused(&folder, "missing_input", "ptau contribute nothing.ptau out.ptau --name alice");
}

#[test]
fn a_folder_in_the_place_of_a_file_is_refused() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("folder")).unwrap();
    refused(&folder, "folder_for_a_file", "ptau verify folder");
}

#[test]
fn an_output_that_is_an_input_is_refused_under_every_name() {
    let folder = ceremony();
    std::fs::hard_link(folder.path("1.ptau"), folder.path("linked.ptau")).unwrap();
    let before = folder.read("1.ptau");
    refused(&folder, "output_is_input", "ptau contribute 1.ptau 1.ptau --name alice --force");
    refused(
        &folder,
        "output_is_hard_link_of_input",
        "ptau contribute 1.ptau linked.ptau --name alice --force",
    );
    refused(&folder, "output_is_input_by_another_path", "ptau prepare 1.ptau ./1.ptau --force");
    refused(
        &folder,
        "output_is_the_response",
        "ptau import-response 1.ptau response response --name bob --force",
    );
    assert!(folder.read("1.ptau") == before);
}

#[test]
fn an_existing_output_stays_without_force() {
    let folder = ceremony();
    folder.write("out.ptau", b"precious");
    refused(&folder, "output_exists", "ptau contribute 1.ptau out.ptau --name alice");
    assert_eq!(folder.read("out.ptau"), b"precious");
    folder.ours("ptau contribute 1.ptau out.ptau --name alice --force");
    folder.verified("out.ptau");
}

#[test]
fn a_refused_input_leaves_an_existing_output_alone_even_with_force() {
    let folder = ceremony();
    folder.write("out.ptau", b"precious");
    refused(&folder, "closed_chain", "ptau contribute 2.ptau out.ptau --name alice --force");
    assert_eq!(folder.read("out.ptau"), b"precious");
}

#[test]
fn errors_that_a_participant_can_meet_name_cause_and_cure() {
    let folder = ceremony();
    let good = folder.read("1.ptau");
    folder.write("cut.ptau", &good[..good.len() / 2]);
    folder.write("trailing.ptau", &[&good[..], b"x"].concat());
    folder.write("text.ptau", b"this is a text, no ceremony");
    let mut altered = good.clone();
    altered[300] ^= 1;
    folder.write("altered.ptau", &altered);
    let mut challenge = folder.read("challenge");
    challenge[0] ^= 1;
    folder.write("other-challenge", &challenge);
    folder.ours("ptau contribute-challenge other-challenge other-response");
    refused(&folder, "truncated", "ptau contribute cut.ptau out.ptau --name alice");
    refused(&folder, "trailing", "ptau verify trailing.ptau");
    refused(&folder, "another_kind_of_file", "ptau verify text.ptau");
    refused(&folder, "altered_point", "ptau contribute altered.ptau out.ptau --name alice");
    refused(&folder, "nobody_contributed", "ptau verify 0.ptau");
    refused(&folder, "beacon_first", "ptau beacon 0.ptau out.ptau --value 01 --exponent 10");
    refused(&folder, "prepare_first", "ptau prepare 0.ptau out.ptau");
    refused(&folder, "too_few", "ptau verify 1.ptau --min-contributions 2");
    refused(
        &folder,
        "response_to_another_challenge",
        "ptau import-response 1.ptau other-response out.ptau --name bob",
    );
    refused(&folder, "not_a_response", "ptau import-response 1.ptau challenge out.ptau --name bob");
    refused(&folder, "not_a_challenge", "ptau contribute-challenge response out");
    refused(&folder, "wrong_digest", &format!("ptau verify 1.ptau --digest {}", "00".repeat(64)));
    refused(&folder, "malformed_digest", "ptau verify 1.ptau --digest 0123");
    refused(&folder, "beacon_exponent_63", "ptau beacon 1.ptau out.ptau --value 01 --exponent 63");
    refused(
        &folder,
        "beacon_without_value",
        "ptau beacon 1.ptau out.ptau --value 0x01 --exponent 10",
    );
    refused(&folder, "power_29", "ptau new --power 29 out.ptau");
}

#[test]
fn both_arithmetics_make_files_that_the_other_accepts() {
    let folder = ceremony();
    folder.ours("--portable-arithmetic ptau contribute 1.ptau portable.ptau --name bob");
    folder.ours("ptau verify portable.ptau");
    folder.ours("ptau verify 1.ptau --portable-arithmetic");
    let version = folder.ours("--version");
    let known = ["portable", "adx", "avx-ifma", "avx512-ifma"];
    let known = known.map(|name| format!("arithmetic: {name})"));
    assert!(known.iter().any(|known| version.contains(known)), "{version}");
}

#[test]
fn a_fork_is_named() {
    let folder = ceremony();
    folder.ours("ptau contribute 0.ptau other.ptau --name mallory");
    refused(&folder, "fork", "ptau verify other.ptau --from 1.ptau");
    folder.ours("ptau verify 2.ptau --from 1.ptau");
}

#[test]
fn verify_as_json_says_good_bad_or_error() {
    let folder = ceremony();
    let result = |line: &str| {
        let run = folder.run(line);
        let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        (run.code, json["result"].as_str().unwrap().to_owned())
    };
    assert_eq!(result("ptau verify 2.ptau --json"), (0, "good".into()));
    assert_eq!(result("ptau verify 0.ptau --json"), (1, "bad".into()));
    assert_eq!(result("ptau verify nothing.ptau --json"), (2, "error".into()));
    let info: serde_json::Value =
        serde_json::from_str(&folder.ours("ptau info 2.ptau --json")).unwrap();
    assert_eq!(info["contributions"].as_array().unwrap().len(), 2);
    assert!(info.get("result").is_none(), "info does not judge");
}

#[test]
fn piped_output_has_no_progress_bars() {
    let folder = ceremony();
    let run = folder.run("ptau contribute 1.ptau out.ptau --name bob");
    // A system that does not lock memory is told of.
    let said: Vec<&str> = run.stderr.lines().filter(|line| !line.starts_with("memory: ")).collect();
    assert_eq!(
        said,
        ["randomness: the operating system (no terminal to ask on, no --entropy-file)"]
    );
    assert!(!run.stdout.contains('\r') && !run.stdout.contains('\u{1b}'));
}

#[test]
fn an_entropy_file_is_mixed_in_and_never_printed() {
    let folder = ceremony();
    folder.write("dice", b"6 1 3 2 6 5 secret-throws");
    folder.write("huge", &vec![0; (1 << 20) + 1]);
    for out in ["a.ptau", "b.ptau"] {
        let run =
            folder.run(&format!("ptau contribute 1.ptau {out} --name bob --entropy-file dice"));
        assert_eq!(run.code, 0);
        assert!(!(run.stdout + &run.stderr).contains("secret-throws"));
        folder.verified(out);
    }
    assert!(
        folder.read("a.ptau") != folder.read("b.ptau"),
        "the operating system's randomness is always there"
    );
    refused(
        &folder,
        "too_much_entropy",
        "ptau contribute 1.ptau out.ptau --name bob --entropy-file huge",
    );
}

#[test]
fn a_hostile_name_cannot_steer_the_terminal() {
    let folder = ceremony();
    folder.ours("ptau contribute 1.ptau evil.ptau --name \"\u{1b}[2Jpwned\u{202e}\"");
    let shown = folder.ours("ptau info evil.ptau") + &folder.ours("ptau verify evil.ptau");
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'));
    assert!(shown.contains("pwned"));
}

#[test]
fn an_interrupted_contribution_leaves_nothing_behind() {
    let folder = Folder::new();
    folder.ours("ptau new --power 13 0.ptau");
    let mut child = Command::new(env!("CARGO_BIN_EXE_zk-ceremony"))
        .args(["ptau", "contribute", "0.ptau", "1.ptau", "--name", "alice"])
        .current_dir(folder.path(""))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while folder.names().len() < 2 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was interrupted");
        std::thread::sleep(Duration::from_millis(5));
    }
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(folder.names(), ["0.ptau"]);
}
