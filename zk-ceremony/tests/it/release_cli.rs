//! Releases of the program: the list of sums, its signatures, and the files.
#![cfg(unix)]

use sha2::{Digest as _, Sha256};

use crate::kit::people::{key_file, peer, public_hex};
use crate::kit::{Folder, refused};

const STATE: &str = "release state SHA256SUMS SHA256SUMS.dsse.json --tag v0.1.0 --commit \
                     0123456789abcdef0123456789abcdef01234567 --toolchain \"rustc 1.95.0\" --image \
                     rust@sha256:00";

/// Two archives, and the list of their sums as sha256sum writes it.
fn archives() -> Folder {
    let folder = Folder::new();
    folder.write("linux.tar.gz", b"the program");
    folder.write("macos.tar.gz", b"the program, elsewhere");
    let sums = peer(&folder, "sha256sum", &["linux.tar.gz", "macos.tar.gz"]).stdout;
    folder.write("SHA256SUMS", sums.as_bytes());
    folder
}

/// The same, signed by these people.
fn signed_by(people: &[&str]) -> Folder {
    let folder = archives();
    folder.ours(STATE);
    for name in people {
        let key = key_file(&folder, name);
        folder.ours(&format!("release sign SHA256SUMS.dsse.json --key {key}"));
    }
    folder
}

/// `release verify` of a file under the keys of these people.
fn verify(file: &str, people: &[&str]) -> String {
    let keys = people.iter().map(|name| format!(" --release-key {}", public_hex(name)));
    format!("release verify {file}{}", keys.collect::<String>())
}

#[test]
fn each_release_command_has_help_with_an_example() {
    let folder = Folder::new();
    for command in ["release state", "release sign", "release verify"] {
        let help = folder.ours(&format!("{command} --help"));
        let shown = format!("zk-ceremony {command} ");
        assert!(help.contains("Example") && help.contains(&shown), "{command}");
    }
}

#[test]
fn a_file_that_enough_release_keys_signed_is_of_the_release() {
    let folder = signed_by(&["alice", "bob"]);
    let said = folder.ours(&verify("linux.tar.gz macos.tar.gz", &["alice", "bob"]));
    for line in [
        "SHA256SUMS: good".to_owned(),
        "release      v0.1.0, commit 0123456789abcdef0123456789abcdef01234567".into(),
        "built with   rustc 1.95.0".into(),
        format!("signed by    {}", public_hex("alice")),
        format!("signed by    {}", public_hex("bob")),
        "file         macos.tar.gz".into(),
    ] {
        assert!(said.contains(&line), "{line}\n{said}");
    }
    folder.ours(&(verify("linux.tar.gz", &["alice", "bob", "carol"]) + " --threshold 2"));
    let json = folder.ours(&(verify("linux.tar.gz", &["alice"]) + " --tag v0.1.0 --json"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (json["result"].as_str(), json["tag"].as_str(), json["files"][0].as_str()),
        (Some("good"), Some("v0.1.0"), Some("linux.tar.gz"))
    );
}

#[test]
fn what_is_not_of_the_release_is_refused() {
    let folder = signed_by(&["alice", "bob"]);
    let both = ["alice", "bob"];
    refused(&folder, "release_no_key", "release verify linux.tar.gz");
    refused(
        &folder,
        "release_too_few_signatures",
        &verify("linux.tar.gz", &["alice", "bob", "carol"]),
    );
    // The same key, given twice, is one key.
    refused(
        &folder,
        "release_threshold_above_keys",
        &(verify("linux.tar.gz", &["alice", "alice"]) + " --threshold 2"),
    );
    refused(&folder, "release_another_tag", &(verify("linux.tar.gz", &both) + " --tag v0.1.1"));
    folder.write("windows.zip", b"the program");
    refused(&folder, "release_not_listed", &verify("windows.zip", &both));
    folder.write("linux.tar.gz", b"another program");
    refused(&folder, "release_another_file", &verify("macos.tar.gz linux.tar.gz", &both));

    // A list that names the other program: nobody signed that one.
    let other = hex::encode(Sha256::digest(b"another program"));
    folder.write("SHA256SUMS", format!("{other}  linux.tar.gz\n").as_bytes());
    refused(&folder, "release_another_list", &verify("linux.tar.gz", &both));
    let key = key_file(&folder, "carol");
    let sign = format!("release sign SHA256SUMS.dsse.json --key {key}");
    refused(&folder, "release_sign_another_list", &sign);
    folder.write("SHA256SUMS", format!("{other}  ../linux.tar.gz\n").as_bytes());
    refused(&folder, "release_name_with_a_folder", &verify("linux.tar.gz", &both));
}

#[test]
fn a_statement_of_another_kind_says_nothing_about_a_release() {
    let folder = signed_by(&[]);
    crate::kit::people::unsigned_bundle(&folder);
    let key = key_file(&folder, "alice");
    folder.ours(&format!("bundle sign bundle.json --key {key}"));
    let bundle: serde_json::Value = serde_json::from_slice(&folder.read("bundle.json")).unwrap();
    folder.write("SHA256SUMS.dsse.json", bundle["envelope"].to_string().as_bytes());
    refused(&folder, "release_another_predicate", &verify("linux.tar.gz", &["alice"]));
}

#[test]
fn a_release_is_signed_on_another_machine_which_shows_it() {
    let folder = signed_by(&[]);
    let key = key_file(&folder, "alice");
    folder.ours("sign prepare SHA256SUMS.dsse.json release.pae");
    let raw = folder.run(&format!("sign raw release.pae release.sig --key {key}"));
    assert_eq!(raw.code, 0, "{}", raw.stderr);
    assert!(raw.stderr.contains("are release v0.1.0 of this program"), "{}", raw.stderr);
    let hex = public_hex("alice");
    folder.ours(&format!(
        "sign attach SHA256SUMS.dsse.json --signature release.sig --public-key {hex}"
    ));
    folder.ours(&verify("linux.tar.gz", &["alice"]));
}
