//! Trust policies from the command line: made from flags, shown, and compared in words.
#![cfg(unix)]

use zk_attest::primitives::CeremonyKind;
use zk_vk_guard::policy::Policy;

use crate::kit::people::paper::{Ceremony, public, text};
use crate::kit::people::{key_file, peer, public_hex, unsigned_bundle};
use crate::kit::{Folder, refused, shown};

/// The flags of the policy that the bundle on paper satisfies.
fn flags() -> String {
    let named = |flag: &str, names: &[&str]| -> String {
        names.iter().map(|name| format!("--{flag} {name}={} ", public_hex(name))).collect()
    };
    [
        "--kind production --release-threshold 2 --auditor-threshold 1 --participant-threshold 1"
            .to_owned(),
        "--phase1-contributions 3 --phase2-contributions 3".to_owned(),
        named("release", &["release-1", "release-2", "release-3"]),
        named("auditor", &["auditor-1", "auditor-2"]),
        named("participant", &["alice", "bob", "carol"]),
        format!("--circuit attestation={}", Ceremony::circuit_digest("attestation")),
    ]
    .join(" ")
}

#[track_caller]
fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn each_command_has_help_with_an_example() {
    let folder = Folder::new();
    for command in ["policy new", "policy show", "policy diff", "policy pin"] {
        let help = folder.ours(&format!("{command} --help"));
        assert!(
            help.contains("Example") && help.contains(&format!("zk-ceremony {command}")),
            "{command}"
        );
    }
}

#[test]
fn flags_make_the_policy_that_a_signed_bundle_satisfies() {
    let folder = Folder::new();
    let (_, expected) = unsigned_bundle(&folder);
    let digest = folder.ours(&format!("policy new made.json {}", flags()));
    assert_eq!(folder.read("made.json"), expected.to_json());
    assert_eq!(digest, folder.ours("policy pin made.json"));
    for who in crate::kit::people::paper::SIGNERS {
        let key = key_file(&folder, who);
        folder.ours(&format!("bundle sign bundle.json --policy made.json --key {key}"));
    }
    folder.ours("bundle verify bundle.json --policy made.json");
    snapshot("policy_shown", &shown(&folder.run("policy show made.json")));
    let json: serde_json::Value =
        serde_json::from_str(&folder.ours("policy show made.json --json")).unwrap();
    assert_eq!(json["policy_sha256"], digest.trim());
    assert_eq!(json["policy"]["roles"]["release"]["threshold"], 2);
}

#[test]
fn pinning_a_policy_with_crlf_line_ends_warns() {
    let folder = Folder::new();
    folder.ours(&format!("policy new made.json {}", flags()));
    let lf = folder.run("policy pin made.json");
    assert_eq!((lf.code, lf.stderr.as_str()), (0, ""));
    let text = String::from_utf8(folder.read("made.json")).unwrap();
    folder.write("crlf.json", text.replace('\n', "\r\n").as_bytes());
    let crlf = folder.run("policy pin crlf.json");
    assert_eq!(crlf.code, 0, "{}", crlf.stderr);
    assert_ne!(crlf.stdout, lf.stdout);
    for words in ["crlf.json has CRLF line ends", "`* -text` in .gitattributes"] {
        assert!(crlf.stderr.contains(words), "{words}: {}", crlf.stderr);
    }
}

#[test]
fn keys_circuits_and_starts_may_be_files() {
    let folder = Folder::new();
    let circom =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/node_modules/.bin/circom2");
    assert!(circom.exists(), "circom is not installed: run `npm ci` in ci/, or ./ci/test.sh");
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../ci/circuits/one_constraint.circom");
    std::fs::copy(source, folder.path("one_constraint.circom")).unwrap();
    peer(&folder, circom.to_str().unwrap(), &["one_constraint.circom", "--r1cs"]);
    folder.ours("ptau new --power 4 0.ptau");
    let release = key_file(&folder, "release-1");
    let lines = "--kind production --release-threshold 1 --participant-threshold 1 \
                 --phase1-contributions 1 --phase2-contributions 1";
    let participants = format!("--phase2-participant \"bob smith={}\"", public_hex("bob"));
    let files = format!(
        "--release release-1={release} --circuit one=one_constraint.r1cs --circuit another={}",
        "ab".repeat(32)
    );
    folder.ours(&format!(
        "policy new policy.json {lines} {participants} {files} --phase1-start 0.ptau \
         --minimum-serial 4 --not-after 2027-12-31T00:00:00Z"
    ));
    let policy = Policy::from_json(&folder.read("policy.json")).unwrap();
    let sums = peer(&folder, "sha256sum", &["one_constraint.r1cs", "0.ptau"]).stdout;
    let mut sums = sums.lines().map(|line| line[..64].to_owned());
    let document = policy.document();
    assert_eq!(document.roles.release.keys[0].key, public("release-1"));
    assert_eq!(
        document.circuits.iter().map(|circuit| circuit.name.as_str()).collect::<Vec<_>>(),
        ["another", "one"],
        "sorted for the user"
    );
    assert_eq!(Some(document.circuits[1].circuit_sha256.to_string()), sums.next());
    assert_eq!(Some(document.accepted_phase1_starts[0].to_string()), sums.next());
    snapshot("policy_shown_with_everything", &shown(&folder.run("policy show policy.json")));
    refused(
        &folder,
        "policy_circuit_is_no_r1cs",
        &format!("policy new out.json {} --circuit two=0.ptau", flags()),
    );
    refused(
        &folder,
        "policy_start_is_no_ptau",
        &format!("policy new out.json {} --phase1-start one_constraint.r1cs", flags()),
    );
}

#[test]
fn an_unsound_policy_is_not_written() {
    let folder = Folder::new();
    let bob = public_hex("bob");
    folder.write("exists.json", b"precious");
    let new = |more: &str| format!("policy new out.json {} {more}", flags());
    let edited =
        |old: &str, new: &str| format!("policy new out.json {}", flags().replace(old, new));
    refused(
        &folder,
        "policy_threshold_too_high",
        &edited("--release-threshold 2", "--release-threshold 4"),
    );
    refused(
        &folder,
        "policy_threshold_zero",
        &edited("--release-threshold 2", "--release-threshold 0"),
    );
    refused(&folder, "policy_key_in_two_roles", &new(&format!("--auditor bob={bob}")));
    refused(
        &folder,
        "policy_circuit_twice",
        &new(&format!("--circuit attestation={}", "0".repeat(64))),
    );
    refused(
        &folder,
        "policy_too_few_participants",
        &edited("--phase2-contributions 3", "--phase2-contributions 4"),
    );
    refused(&folder, "policy_weak_key", &new(&format!("--auditor nobody={}", "0".repeat(64))));
    refused(&folder, "policy_key_without_name", &new(&format!("--auditor {bob}")));
    refused(&folder, "policy_key_file_missing", &new("--auditor dora=dora.pub"));
    refused(
        &folder,
        "policy_bad_circuit_name",
        &new(&format!("--circuit Boot={}", "0".repeat(64))),
    );
    refused(&folder, "policy_bad_date", &new("--not-after tomorrow"));
    refused(&folder, "policy_auditor_without_threshold", &edited("--auditor-threshold 1", ""));
    refused(&folder, "policy_exists", &format!("policy new exists.json {}", flags()));
    assert_eq!(folder.read("exists.json"), b"precious");
}

#[test]
fn an_edit_is_said_in_words() {
    let folder = Folder::new();
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let (old, mut new) = (ceremony.policy(), ceremony.policy());
    folder.write("old.json", &old.to_json());
    // A rotation and a revocation, and between them a change that should not slip through.
    new.roles.release.keys[2].key = public("release-3 of 2027");
    new.revoked_keys.push(public("release-3"));
    new.minimum_serial = 8;
    new.roles
        .auditor
        .as_mut()
        .unwrap()
        .keys
        .push(zk_vk_guard::policy::NamedKey { name: text("mallory"), key: public("mallory") });
    folder.write("new.json", &new.to_json());
    let run = folder.run("policy diff old.json new.json");
    assert!(
        run.code == 0
            && run
                .stdout
                .contains(&format!("new       {}\n", folder.ours("policy pin new.json").trim()))
    );
    snapshot("policy_diff", &shown(&run));
    let json: serde_json::Value =
        serde_json::from_str(&folder.ours("policy diff old.json new.json --json")).unwrap();
    let weaker = json["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["effect"] == "weaker")
        .count();
    assert_eq!((weaker, json["changes"].as_array().unwrap().len()), (2, 5));

    snapshot("policy_diff_of_the_same_file", &shown(&folder.run("policy diff old.json old.json")));
    let compact =
        serde_json::to_vec(&serde_json::from_slice::<serde_json::Value>(&old.to_json()).unwrap())
            .unwrap();
    folder.write("compact.json", &compact);
    snapshot(
        "policy_diff_of_other_white_space",
        &shown(&folder.run("policy diff old.json compact.json")),
    );
    folder.write("bad.json", b"{}");
    refused(&folder, "policy_diff_of_no_policy", "policy diff old.json bad.json");
    refused(&folder, "policy_show_of_no_policy", "policy show bad.json");
}
