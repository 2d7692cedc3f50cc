//! `policy pin`, `key show` and `bundle inspect`, which the guard's messages send people to.

use crate::kit::Folder;

const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

#[test]
fn a_key_is_shown_as_policies_hold_it() {
    let folder = Folder::new();
    // The public key of RFC 8032's first test, in the three forms that people have.
    folder.write("hex", KEY.as_bytes());
    folder.write(
        "pem",
        b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n",
    );
    folder.write("ssh", b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea alice@example\n");
    for file in ["hex", "pem", "ssh"] {
        assert_eq!(folder.ours(&format!("key show {file}")).trim(), KEY, "{file}");
    }
    folder.write("bad", b"no key at all");
    let run = folder.run("key show bad");
    assert_eq!(run.code, 1);
    assert!(run.stderr.starts_with("error: bad: "), "{}", run.stderr);
}

#[test]
fn what_is_no_policy_or_bundle_is_refused() {
    let folder = Folder::new();
    folder.write("empty.json", b"{}");
    for (line, code) in [
        ("policy pin empty.json", 1),
        ("bundle inspect empty.json", 1),
        ("policy pin nothing.json", 2),
        ("bundle inspect nothing.json --json", 2),
    ] {
        let run = folder.run(line);
        assert_eq!(run.code, code, "{line}\n{}", run.stderr);
        // What fails under --json says so in JSON.
        assert_eq!(run.stdout.contains("\"diagnostic\""), line.ends_with("--json"), "{line}");
        assert!(
            (run.stdout.is_empty() || line.ends_with("--json"))
                && run.stderr.contains("error: ")
                && run.stderr.contains("hint: "),
            "{line}\n{}",
            run.stderr
        );
    }
}

#[test]
fn each_command_has_help_with_an_example() {
    let folder = Folder::new();
    for command in ["policy pin", "key show", "bundle inspect"] {
        let help = folder.ours(&format!("{command} --help"));
        assert!(
            help.contains("Example") && help.contains(&format!("zk-ceremony {command}")),
            "{command}"
        );
    }
}
