//! What every command has in common: one document with `--json`, silence with `--quiet`, help,
//! completions, man pages, the usual key, and cheap checks before expensive work.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::kit::ceremony::{VALUE, World};
use super::kit::{Folder, Run};

/// The one document that a command printed, whose made files are there.
#[track_caller]
fn document(line: &str, run: &Run, path: impl Fn(&str) -> std::path::PathBuf) -> Value {
    assert_eq!(run.code, 0, "{line}\n{}{}", run.stdout, run.stderr);
    let document: Value = serde_json::from_str(&run.stdout)
        .unwrap_or_else(|error| panic!("{line}: {error}\n{}", run.stdout));
    assert_eq!(document["result"], "done", "{line}\n{document:#}");
    for made in document["made"].as_array().into_iter().flatten() {
        let file = made["file"].as_str().unwrap();
        assert!(path(file).exists(), "{line}: {file} is not there");
    }
    document
}

/// The name of the only file, or of the first of them.
fn first_made(document: &Value) -> &str {
    document["made"][0]["file"].as_str().unwrap_or_default()
}

#[test]
fn every_command_on_files_that_makes_something_says_what_in_one_document() {
    let folder = Folder::new();
    folder.write("circuit.r1cs", &super::kit::ceremony::circuit(3));
    let lines = [
        ("ptau new --power 4 0.ptau", "0.ptau"),
        ("ptau contribute 0.ptau 1.ptau --name a", "1.ptau"),
        ("ptau export-challenge 1.ptau challenge", "challenge"),
        ("ptau contribute-challenge challenge response", "response"),
        ("ptau import-response 1.ptau response 2.ptau --name b", "2.ptau"),
        (&format!("ptau beacon 2.ptau 3.ptau --value {VALUE} --exponent 10"), "3.ptau"),
        ("ptau prepare 3.ptau prepared.ptau", "prepared.ptau"),
        ("zkey new circuit.r1cs prepared.ptau 0.zkey", "0.zkey"),
        ("zkey contribute 0.zkey 1.zkey --name a", "1.zkey"),
        (&format!("zkey beacon 1.zkey 2.zkey --value {VALUE} --exponent 10"), "2.zkey"),
        ("zkey export-verification-key 2.zkey vk.json", "vk.json"),
        ("zkey export-ark 2.zkey --proving-key pk --verifying-key vk", "pk"),
        ("key new key.pem", "key.pem"),
    ];
    for (line, made) in lines {
        let run = folder.run(&format!("{line} --json"));
        let document = document(line, &run, |file| folder.path(file));
        assert_eq!(first_made(&document), made, "{line}\n{document:#}");
    }
    let closed = folder.run("ptau import-response 3.ptau response 4.ptau --name c");
    assert!(closed.stderr.contains("`zk-ceremony ptau prepare 3.ptau"), "{}", closed.stderr);
    let shown = folder.run("key show key.pem --json");
    let key: Value = serde_json::from_str(&shown.stdout).unwrap();
    let plain = folder.ours("key show key.pem");
    assert_eq!(key["public_key"], plain.trim(), "the document has what is printed without --json");
}

#[test]
fn every_step_of_a_ceremony_says_what_it_made_in_one_document() {
    let world = World::new(&["alice"], |toml| toml);
    let make = |line: &str| {
        let run = world.run("coordinator", &format!("{line} --json"));
        document(line, &run, |file| world.path("coordinator", file))
    };
    make("ceremony new --check --config ceremony.toml --circuit main=circuit.r1cs");
    make("ceremony new shared --config ceremony.toml --circuit main=circuit.r1cs --key key.pem");
    let contribute = "ceremony contribute shared --as alice --key ../alice/key.pem";
    let beacon = format!("ceremony beacon shared --value {VALUE} --key key.pem");
    let made = make(contribute);
    assert_eq!(first_made(&made), "shared/phase1/0001.ptau");
    assert_eq!(made["made"][0]["contribution_hash"].as_str().unwrap().len(), 128, "{made:#}");
    assert_eq!(made["made"][0]["send_both_files"][1], "shared/phase1/0001.dsse.json");
    assert_eq!(first_made(&make(&beacon)), "shared/phase1/final.ptau");
    make("ceremony prepare shared --key key.pem");
    make(contribute);
    make(&beacon);
    assert_eq!(make("ceremony keygen shared")["made"].as_array().unwrap().len(), 4);
    let bundle = "bundle create shared --serial 1 --not-after 2040-01-01T00:00:00Z";
    assert_eq!(first_made(&make(bundle)), "shared/bundle.json");
    make("bundle sign shared/bundle.json --yes --key key.pem");
    make("ceremony audit shared --as Alice --key ../alice/key.pem");
    make("sign prepare shared/bundle.json b.pae");
    make("sign raw b.pae b.sig --yes --key ../alice/key.pem");
    world.ok("coordinator", "ceremony verify shared");
    make("ceremony index shared --key key.pem");
    make("ceremony archive shared archive.tar");
    let checked = make("ceremony archive --verify archive.tar");
    assert_eq!(checked["found"][0]["what"], "whole", "{checked:#}");
    let failed = world.run("coordinator", "ceremony archive shared archive.tar --json");
    assert_eq!(failed.code, 2);
    let failed: Value = serde_json::from_str(&failed.stdout).unwrap();
    assert_eq!(failed["result"], "error", "{failed:#}");
}

/// A script, a template and a key are what they are, and no document follows them.
#[test]
fn what_goes_into_a_file_or_pipe_is_whole_by_itself() {
    let folder = Folder::new();
    for line in ["completions bash", "ceremony new --template"] {
        assert_eq!(folder.ours(&format!("--json {line}")), folder.ours(line), "{line}");
    }
}

#[test]
fn a_quiet_command_prints_what_it_is_run_for_and_nothing_else() {
    let folder = Folder::new();
    let key = folder.run("key new key.pem --quiet");
    assert_eq!((key.stdout.trim().len(), key.stderr.as_str()), (64, ""), "{}", key.stderr);
    for line in ["ptau new --power 4 0.ptau -q", "ptau contribute 0.ptau 1.ptau --name a --quiet"] {
        let run = folder.run(line);
        assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""), "{line}");
    }
    let refused = folder.run("ptau new --power 4 0.ptau --quiet");
    assert!(refused.code == 2 && refused.stderr.contains("exists already"), "{}", refused.stderr);
}

#[test]
fn who_names_no_signer_signs_with_the_usual_key_and_who_names_one_with_that() {
    let world = World::new(&["alice"], |toml| toml);
    let open = "ceremony new shared --config ceremony.toml --circuit main=circuit.r1cs";
    let nobody = world.run("coordinator", open);
    assert!(nobody.code == 2 && nobody.stderr.contains("ZK_CEREMONY_KEY"), "{}", nobody.stderr);
    let usual = |who: &'static str, line: &str| {
        let key = world.path(who, "key.pem");
        world.run_with("coordinator", line, move |command| command.env("ZK_CEREMONY_KEY", key))
    };
    let run = usual("coordinator", open);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = usual("alice", "ceremony contribute shared --as alice");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let beacon = format!("ceremony beacon shared --value {VALUE}");
    let other = usual("alice", &beacon);
    assert!(other.code != 0, "a participant's key makes no beacon: {}", other.stdout);
    let run = usual("alice", &format!("{beacon} --key key.pem"));
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn what_is_cheap_to_refuse_is_refused_before_the_work() {
    let world = World::finished();
    world.write("coordinator", "bad.wtns", b"no witness");
    let keygen = world.run("coordinator", "ceremony keygen shared --witness main=bad.wtns");
    assert!(keygen.code != 0 && keygen.stderr.contains("bad.wtns"), "{}", keygen.stderr);
    assert!(!keygen.stderr.contains("verified"), "{}", keygen.stderr);
    let keygen = world.run("coordinator", "ceremony keygen shared --witness other=bad.wtns");
    assert!(keygen.stderr.contains("no circuit other"), "{}", keygen.stderr);
    assert!(!keygen.stderr.contains("verified"), "{}", keygen.stderr);

    // Each command, and what it says before it has verified or packed anything.
    let _ = fs::remove_file(world.shared("bundle.json"));
    let refused = |line: &str, code: i32, what: &str| {
        let run = world.run("coordinator", line);
        assert_eq!(run.code, code, "{line}\n{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(what), "{line}\n{}", run.stderr);
        assert!(!run.stderr.contains("verified"), "{line}\n{}", run.stderr);
    };
    let create = "bundle create shared --serial 1 --not-after 2020-12-31T23:59:59Z";
    refused(create, 2, "--not-after: this moment is past");
    refused("ceremony verify shared --finished", 1, "a verifying key is missing");
    world.ok("coordinator", "key new other.pem");
    refused("ceremony index shared --key other.pem", 2, "a list of the files counts by");
    world.write("coordinator", "shared/bundle.json", b"{}");
    let audit = "ceremony audit shared --as Ann --method reading --key other.pem";
    refused(audit, 1, "bundle.json");
    assert!(fs::read_dir(world.shared("audits")).is_ok_and(|it| it.count() == 0), "none is signed");
    fs::remove_file(world.shared("bundle.json")).unwrap();
    world.ok("coordinator", "ceremony verify shared");
    fs::create_dir_all(world.shared("evidence")).unwrap();
    world.write("coordinator", "shared/evidence/late.txt", b"after the sums");
    refused("ceremony archive shared out.tar", 1, "SHA256SUMS does not name this file");

    let world = World::new(&["alice", "bob"], |toml| toml);
    world.open();
    world.contribute("alice");
    let run = world.run("coordinator", "ceremony verify shared --finished");
    assert!(run.code == 1 && run.stderr.contains("phase 1 is open"), "{}", run.stderr);
    assert!(!run.stderr.contains("verified"), "{}", run.stderr);
    let line = "ceremony contribute shared --as bob --key ../bob/key.pem --entropy-file none";
    let run = world.run("coordinator", line);
    assert!(run.code == 2 && run.stderr.contains("none: opening failed"), "{}", run.stderr);
    assert!(!run.stderr.contains("verified"), "{}", run.stderr);
}

#[test]
fn the_version_names_target_compiler_and_arithmetic() {
    let said = Folder::new().ours("--version");
    for part in ["zk-ceremony 0.", std::env::consts::ARCH, "rustc 1.", "arithmetic: "] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(said.lines().count(), 1);
}

#[test]
fn short_help_is_short_and_whole_help_has_the_examples() {
    let folder = Folder::new();
    for command in ["ceremony join", "ceremony serve", "zkey verify", "sign", "bundle sign"] {
        let short = folder.ours(&format!("{command} -h"));
        let whole = folder.ours(&format!("{command} --help"));
        let lines = |text: &str| text.lines().count();
        assert!(!short.contains("Example") && lines(&whole) > lines(&short), "{command}\n{short}");
        assert!(short.contains("--help"), "{command} says where there is more\n{short}");
    }
}

#[test]
fn there_are_completions_for_each_shell() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = folder.ours(&format!("completions {shell}"));
        for word in ["zk-ceremony", "contribute", "guard-status", "--pkcs11-module"] {
            let word = if shell == "fish" { word.trim_start_matches("--") } else { word };
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let script = folder.ours("completions bash");
    folder.write("script", script.as_bytes());
    let checked = std::process::Command::new("bash")
        .args(["-n", "script"])
        .current_dir(folder.path(""))
        .status()
        .unwrap();
    assert!(checked.success(), "bash reads it");
}

#[test]
fn there_is_a_man_page_for_each_command() {
    let folder = Folder::new();
    folder.ours("man pages");
    let pages: BTreeSet<String> = fs::read_dir(folder.path("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for page in ["zk-ceremony.1", "zk-ceremony-ceremony-join.1", "zk-ceremony-key-new.1"] {
        assert!(pages.contains(page), "{page} of {pages:?}");
    }
    // Each command that its parent's page lists has a page.
    let above = fs::read_to_string(folder.path("pages/zk-ceremony-ceremony.1")).unwrap();
    let listed = folder.ours("ceremony --help");
    let listed = listed.lines().skip_while(|line| *line != "Commands:").skip(1);
    let mut commands = 0;
    for line in listed.take_while(|line| !line.is_empty()) {
        let Some(name) = line.strip_prefix("  ").and_then(|it| it.split_whitespace().next()) else {
            continue;
        };
        if name == "help" || line.starts_with("   ") {
            continue;
        }
        commands += 1;
        assert!(pages.contains(&format!("zk-ceremony-ceremony-{name}.1")), "{name}");
        assert!(above.contains(&name.replace('-', "\\-")), "{name}");
    }
    assert!(commands > 20, "{commands}");
    let again = folder.run("man pages");
    assert!(again.code == 2 && again.stderr.contains("exists already"), "{}", again.stderr);
    folder.ours("man pages --force");
}
