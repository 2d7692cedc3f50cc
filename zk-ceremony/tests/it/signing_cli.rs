//! Keys, signatures on bundles, and signing on another machine, from the command line.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;

use zk_vk_guard::bundle::{Bundle, OnExpiry};
use zk_vk_guard::policy::Policy;

use crate::kit::people::paper::{person, public, time};
use crate::kit::people::{
    keeps_secret, key_file, peer, public_hex, secret_file, set_mode, unsigned_bundle,
};
use crate::kit::{Folder, refused};

#[test]
fn each_command_has_help_with_an_example() {
    let folder = Folder::new();
    for command in [
        "key new",
        "key of",
        "bundle sign",
        "bundle merge",
        "bundle verify",
        "sign prepare",
        "sign raw",
        "sign attach",
    ] {
        let help = folder.ours(&format!("{command} --help"));
        assert!(
            help.contains("Example") && help.contains(&format!("zk-ceremony {command}")),
            "{command}"
        );
    }
    let help = folder.ours("sign --help");
    assert!(help.lines().all(|line| line.len() <= 100), "no line of a program is wrapped");
    for service in ["ED25519_SHA_512", "EC_SIGN_ED25519", "transit/sign/", "pkeyutl -sign -rawin"] {
        assert!(help.contains(service), "{service}");
    }
}

#[test]
fn a_new_key_is_private_is_read_by_openssl_and_is_never_overwritten() {
    let folder = Folder::new();
    let run = folder.run("key new release.pem");
    let key = run.stdout.trim().to_owned();
    assert_eq!((run.code, key.len()), (0, 64), "{}", run.stderr);
    assert_eq!(folder.path("release.pem").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let pem = String::from_utf8(folder.read("release.pem")).unwrap();
    assert!(
        pem.starts_with("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI") && pem.len() == 119,
        "what openssl writes, too"
    );
    keeps_secret(&run, pem.lines().nth(1).unwrap().as_bytes());

    assert_eq!(folder.ours("key show release.pem").trim(), key);
    peer(&folder, "openssl", &["pkey", "-in", "release.pem", "-pubout", "-out", "release.pub.pem"]);
    assert_eq!(folder.ours("key show release.pub.pem").trim(), key);

    refused(&folder, "signing_key_exists", "key new release.pem");
    assert_eq!(folder.read("release.pem"), pem.as_bytes());
    assert_ne!(folder.ours("key new release.pem --force").trim(), key);
}

#[test]
fn keys_of_openssl_and_ssh_keygen_sign_and_openssl_verifies() {
    let folder = Folder::new();
    unsigned_bundle(&folder);
    peer(&folder, "openssl", &["genpkey", "-algorithm", "ed25519", "-out", "openssl.pem"]);
    peer(&folder, "ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "alice", "-f", "ssh"]);
    folder.ours("key new ours.pem");
    folder.ours("sign prepare bundle.json bundle.pae");
    for file in ["openssl.pem", "ssh", "ours.pem"] {
        let key = folder.ours(&format!("key show {file}"));
        folder.ours(&format!("sign raw bundle.pae {file}.sig --key {file}"));
        let spki = [
            &b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"[..],
            &hex::decode(key.trim()).unwrap(),
        ]
        .concat();
        folder.write("key.der", &spki);
        let signature = format!("{file}.sig");
        let args = [
            "pkeyutl",
            "-verify",
            "-pubin",
            "-keyform",
            "DER",
            "-inkey",
            "key.der",
            "-rawin",
            "-in",
            "bundle.pae",
            "-sigfile",
            &signature,
        ];
        peer(&folder, "openssl", &args);
        folder.ours(&format!("bundle sign bundle.json --key {file}"));
    }
    assert_eq!(
        Bundle::from_json(&folder.read("bundle.json")).unwrap().envelope().signatures().len(),
        3
    );
    assert_eq!(folder.ours("key show ssh.pub"), folder.ours("key show ssh"));
}

#[test]
fn a_key_file_that_cannot_be_used_is_refused_with_its_cure() {
    let folder = Folder::new();
    unsigned_bundle(&folder);
    let alice = key_file(&folder, "alice");
    let pem = String::from_utf8(folder.read(&alice)).unwrap();
    folder.write("shared.pem", pem.as_bytes());
    set_mode(&folder, "shared.pem", 0o644);
    secret_file(&folder, "cut.pem", &pem.replace("\n-----END", "\n").replace("MC4C", "MC4"));
    secret_file(&folder, "damaged.pem", &pem.replace("MC4C", "MC5C"));
    secret_file(&folder, "long.pem", &(pem.clone() + &"x".repeat(20_000)));
    folder.write("public.pub", public_hex("alice").as_bytes());
    peer(
        &folder,
        "ssh-keygen",
        &["-q", "-t", "ed25519", "-N", "a passphrase", "-f", "ssh_encrypted"],
    );
    peer(&folder, "ssh-keygen", &["-q", "-t", "ecdsa", "-N", "", "-f", "ssh_ecdsa"]);
    peer(&folder, "openssl", &["genpkey", "-algorithm", "x25519", "-out", "x25519.pem"]);
    let args = [
        "genpkey",
        "-algorithm",
        "ed25519",
        "-aes256",
        "-pass",
        "pass:a passphrase",
        "-out",
        "encrypted.pem",
    ];
    peer(&folder, "openssl", &args);
    set_mode(&folder, "x25519.pem", 0o600);
    for (name, key) in [
        ("shared", "shared.pem"),
        ("cut", "cut.pem"),
        ("damaged", "damaged.pem"),
        ("too_long", "long.pem"),
        ("public", "public.pub"),
        ("missing", "nothing.pem"),
        ("folder", "."),
        ("ssh_encrypted", "ssh_encrypted"),
        ("ssh_ecdsa", "ssh_ecdsa"),
        ("x25519", "x25519.pem"),
        ("encrypted", "encrypted.pem"),
    ] {
        let line = format!("sign raw bundle.pae out.sig --key {key}");
        folder.ours("sign prepare bundle.json bundle.pae --force");
        refused(&folder, &format!("signing_key_{name}"), &line);
        keeps_secret(&folder.run(&line), pem.lines().nth(1).unwrap().as_bytes());
    }
    let bob = public_hex("bob");
    refused(
        &folder,
        "signing_another_public_key",
        &format!("bundle sign bundle.json --key {alice} --public-key {bob}"),
    );
    refused(&folder, "signing_no_signer", "bundle sign bundle.json");
    refused(
        &folder,
        "signing_two_signers",
        &format!("bundle sign bundle.json --key {alice} --ssh-agent --public-key {bob}"),
    );
    refused(&folder, "signing_program_without_key", "bundle sign bundle.json --signer-cmd true");
}

#[test]
fn signing_shows_what_is_approved_and_replaces_the_file_whole() {
    let folder = Folder::new();
    unsigned_bundle(&folder);
    let (release, auditor) = (key_file(&folder, "release-1"), key_file(&folder, "auditor-1"));
    let run = folder.run(&format!("bundle sign bundle.json --policy policy.json --key {release}"));
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (0, "bundle.json: 1 signatures\n"),
        "{}",
        run.stderr
    );
    keeps_secret(&run, &person("release-1").to_bytes());
    for words in [
        "ceremony     boot-2026 (production), serial 7",
        "NOT APPROVED",
        "can still sign: release-1",
        "release authority release-1)",
    ] {
        assert!(run.stderr.contains(words), "{words}\n{}", run.stderr);
    }
    let once = folder.read("bundle.json");
    let run = folder.run(&format!("bundle sign bundle.json --key {release}"));
    assert!(
        run.code == 0
            && run.stderr.contains("has signed already")
            && folder.read("bundle.json") == once
    );

    folder.ours(&format!("bundle sign bundle.json --out signed.json --key {auditor}"));
    assert!(
        folder.read("bundle.json") == once,
        "the original stays where --out names another file"
    );
    assert_eq!(
        Bundle::from_json(&folder.read("signed.json")).unwrap().envelope().signatures().len(),
        2
    );
    refused(
        &folder,
        "signing_out_exists",
        &format!("bundle sign bundle.json --out signed.json --key {auditor}"),
    );
    refused(
        &folder,
        "signing_out_is_input",
        &format!("bundle sign bundle.json --out bundle.json --force --key {auditor}"),
    );
    assert!(folder.read("bundle.json") == once);
}

#[test]
fn a_key_that_does_not_count_and_a_bundle_that_does_not_hold_together_are_not_signed() {
    let folder = Folder::new();
    let (parts, mut policy) = unsigned_bundle(&folder);
    let (mallory, release) = (key_file(&folder, "mallory"), key_file(&folder, "release-3"));
    policy.revoked_keys.push(public("release-3"));
    folder.write("revoked.json", &policy.to_json());
    refused(
        &folder,
        "signing_unknown_key",
        &format!("bundle sign bundle.json --policy policy.json --key {mallory}"),
    );
    refused(
        &folder,
        "signing_revoked_key",
        &format!("bundle sign bundle.json --policy revoked.json --key {release}"),
    );
    let mut other = parts;
    other.transcript[100] ^= 1;
    folder.write("other.json", &other.json());
    refused(
        &folder,
        "signing_inconsistent_bundle",
        &format!("bundle sign other.json --key {release}"),
    );
    folder.write(
        "envelope.json",
        &Bundle::from_json(&folder.read("bundle.json")).unwrap().envelope().to_json(),
    );
    refused(
        &folder,
        "signing_envelope_as_bundle",
        &format!("bundle sign envelope.json --key {release}"),
    );
}

#[test]
fn another_machine_signs_with_openssl_or_with_this_tool() {
    let folder = Folder::new();
    let (parts, _) = unsigned_bundle(&folder);
    let line = folder.ours("sign prepare bundle.json bundle.pae");
    assert_eq!(
        line,
        peer(&folder, "sha256sum", &["bundle.pae"]).stdout,
        "both sides print the same line"
    );
    assert_eq!(folder.read("bundle.pae"), parts.bundle().unwrap().envelope().pae());

    let (openssl, ours) = (key_file(&folder, "release-1"), key_file(&folder, "release-2"));
    peer(
        &folder,
        "openssl",
        &["pkeyutl", "-sign", "-rawin", "-inkey", &openssl, "-in", "bundle.pae", "-out", "1.sig"],
    );
    let run = folder.run(&format!("sign raw bundle.pae 2.sig --key {ours}"));
    assert!(
        run.stderr.contains(&line)
            && run.stderr.contains("verifying keys of ceremony boot-2026 (production), serial 7"),
        "{}",
        run.stderr
    );
    assert_eq!(folder.read("2.sig").len(), 64);
    peer(&folder, "openssl", &["base64", "-A", "-in", "2.sig", "-out", "2.b64"]);
    for (signature, who) in [("1.sig", "release-1"), ("2.b64", "release-2"), ("2.sig", "release-2")]
    {
        folder.ours(&format!(
            "sign attach bundle.json --signature {signature} --public-key {}",
            public_hex(who)
        ));
    }
    let bundle = Bundle::from_json(&folder.read("bundle.json")).unwrap();
    let signers = bundle.envelope().signers(&[public("release-1"), public("release-2")]);
    assert_eq!(
        (signers.len(), bundle.envelope().signatures().len()),
        (2, 2),
        "a signature that is there already is not added again"
    );

    folder.write("63.sig", &folder.read("1.sig")[..63]);
    folder.write("bad.sig", &[b'!'; 88]);
    let attach = |signature: &str, who: &str| {
        format!("sign attach bundle.json --signature {signature} --public-key {}", public_hex(who))
    };
    refused(&folder, "signing_attach_63_bytes", &attach("63.sig", "release-1"));
    refused(&folder, "signing_attach_no_base64", &attach("bad.sig", "release-1"));
    refused(&folder, "signing_attach_another_key", &attach("1.sig", "release-2"));
    refused(
        &folder,
        "signing_attach_weak_key",
        &format!("sign attach bundle.json --signature 1.sig --public-key {}", "0".repeat(64)),
    );
    assert_eq!(folder.read("bundle.json"), bundle.to_json().unwrap());
}

#[test]
fn a_manifest_that_nobody_signed_is_not_shown_and_nothing_is_signed() {
    let folder = Folder::new();
    let (parts, _) = unsigned_bundle(&folder);
    let (key, beside) = (key_file(&folder, "release-1"), "bundle.pae.manifest.json");
    folder.ours("sign prepare bundle.json bundle.pae");
    assert_eq!(folder.read(beside), parts.manifest);
    let line = format!("sign raw bundle.pae out.sig --key {key}");
    let shown = folder.run(&line).stderr;
    let circuit = parts.manifest().circuits[0].clone();
    for words in [
        "phase 1      3 contributions".to_owned(),
        format!("circuit      attestation: {}", circuit.circuit_sha256),
        format!("  program    attestation v1 ({})", circuit.program_hash),
        format!("  key        {}, 2 public inputs, 3 contributions", circuit.vk_sha256),
    ] {
        assert!(shown.contains(&words), "{words}\n{shown}");
    }
    std::fs::remove_file(folder.path("out.sig")).unwrap();
    let other = parts.clone().relist(|manifest| manifest.circuits[0].contributions = 2);
    folder.write(beside, &other.manifest);
    refused(&folder, "signing_raw_another_manifest", &line);
    // The bundle of a forger shows its own manifest: the statement is about another one.
    let mut forged = parts.clone();
    forged.manifest = other.manifest;
    folder.write("forged.json", &forged.json());
    refused(&folder, "signing_prepare_another_manifest", "sign prepare forged.json forged.pae");
    std::fs::remove_file(folder.path(beside)).unwrap();
    refused(&folder, "signing_raw_no_manifest", &line);
    folder.write("envelope.json", &parts.bundle().unwrap().envelope().to_json());
    refused(&folder, "signing_prepare_only_envelope", "sign prepare envelope.json envelope.pae");
}

#[test]
fn an_envelope_is_prepared_signed_and_attached_too() {
    let folder = Folder::new();
    let ceremony =
        crate::kit::people::paper::Ceremony::new(zk_attest::primitives::CeremonyKind::Production);
    let transcript = ceremony.transcript();
    let attested = transcript.circuits[0].steps[0].attested.as_ref().unwrap();
    folder.write(
        "0001.dsse.json",
        &zk_attest::envelope::Envelope::unsigned(attested.envelope.payload().to_vec())
            .unwrap()
            .to_json(),
    );
    let run = folder.run("sign prepare 0001.dsse.json step.pae");
    for words in [
        "contribution 1, phase 2 of circuit attestation, of ceremony boot-2026 (production)",
        "participant  alice",
        "subject      ",
    ] {
        assert!(run.stderr.contains(words), "{words}\n{}", run.stderr);
    }
    let alice = key_file(&folder, "alice");
    folder.ours(&format!("sign raw step.pae step.sig --key {alice}"));
    folder.ours(&format!("sign attach 0001.dsse.json --signature step.sig --public-key {alice}"));
    assert_eq!(folder.read("0001.dsse.json"), attested.envelope.to_json());
}

#[test]
fn nothing_but_a_prepared_statement_is_signed() {
    let folder = Folder::new();
    unsigned_bundle(&folder);
    folder.ours("sign prepare bundle.json good.pae");
    let alice = key_file(&folder, "alice");
    folder.write("text.pae", b"I owe you 100 coins");
    folder.write("longer.pae", &[&folder.read("good.pae")[..], b"\n"].concat());
    folder.write("other.pae", &zk_attest::envelope::pae("application/vnd.in-toto+json", b"{}"));
    folder.write("long.pae", &[b'x'; 5000]);
    for name in ["text", "longer", "other", "long"] {
        refused(
            &folder,
            &format!("signing_raw_{name}"),
            &format!("sign raw {name}.pae out.sig --key {alice}"),
        );
    }
    refused(
        &folder,
        "signing_raw_out_is_input",
        &format!("sign raw good.pae good.pae --force --key {alice}"),
    );
}

/// 3 of 5 release authorities and 2 of 3 auditors.
fn panel() -> (Folder, Policy) {
    let folder = Folder::new();
    let (_, mut policy) = unsigned_bundle(&folder);
    let named = |name: &str| zk_vk_guard::policy::NamedKey {
        name: crate::kit::people::paper::text(name),
        key: public(name),
    };
    let role = |prefix: &str, threshold, of| zk_vk_guard::policy::Role {
        threshold: std::num::NonZeroU32::new(threshold).unwrap(),
        keys: (1..=of).map(|i| named(&format!("{prefix}-{i}"))).collect(),
    };
    policy.roles.release = role("release", 3, 5);
    policy.roles.auditor = Some(role("auditor", 2, 3));
    policy.roles.participant.as_mut().unwrap().threshold = std::num::NonZeroU32::MIN;
    folder.write("policy.json", &policy.to_json());
    (folder, Policy::from_json(&policy.to_json()).unwrap())
}

#[test]
fn separate_copies_merge_in_any_order_and_no_smaller_combination_is_accepted() {
    let (folder, policy) = panel();
    let everybody = ["release-1", "release-3", "release-5", "auditor-1", "auditor-3", "alice"];
    for who in everybody {
        let key = key_file(&folder, who);
        // Each on a copy of its own, as the coordinator sent it.
        folder.ours(&format!(
            "bundle sign bundle.json --policy policy.json --out {who}.json --key {key}"
        ));
    }
    let merged = |name: &str, who: &[&str]| {
        let copies: Vec<String> = who.iter().map(|who| format!("{who}.json")).collect();
        folder.ours(&format!("bundle merge {name} --force {}", copies.join(" ")));
        folder.run(&format!("bundle verify {name} --policy policy.json --json"))
    };
    let orders: [[usize; 6]; 3] = [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [3, 0, 5, 2, 4, 1]];
    for order in orders {
        let run = merged("merged.json", &order.map(|i| everybody[i]));
        assert_eq!(run.code, 0, "{}", run.stderr);
        let shown: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(shown["result"], "good");
        assert_eq!(
            (
                shown["release"].as_array().unwrap().len(),
                shown["auditor"].as_array().unwrap().len()
            ),
            (3, 2)
        );
        let bundle = Bundle::from_json(&folder.read("merged.json")).unwrap();
        assert_eq!(
            bundle
                .verify(&policy, &time(crate::kit::people::paper::NOW), OnExpiry::Refuse)
                .unwrap()
                .approvals()
                .release
                .len(),
            3
        );
    }
    for left_out in 0..everybody.len() {
        let some: Vec<&str> = everybody
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != left_out)
            .map(|(_, who)| *who)
            .collect();
        let run = merged("some.json", &some);
        let shown: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(
            (run.code, shown["result"].as_str()),
            (1, Some("bad")),
            "without {}",
            everybody[left_out]
        );
        assert!(
            run.stderr.contains("too few signatures of role")
                && run.stderr.contains(everybody[left_out]),
            "{}",
            run.stderr
        );
        let bundle = Bundle::from_json(&folder.read("some.json")).unwrap();
        assert!(
            bundle
                .verify(&policy, &time(crate::kit::people::paper::NOW), OnExpiry::Refuse)
                .is_err()
        );
    }
    // Two merges of merges meet again, and a copy that comes twice counts once.
    folder.ours("bundle merge ab.json release-1.json release-3.json");
    folder.ours("bundle merge cd.json release-3.json auditor-1.json auditor-3.json alice.json");
    let run = folder.run("bundle merge all.json ab.json cd.json release-5.json ab.json");
    assert_eq!(run.stdout, "all.json: 6 signatures\n");
    assert!(run.stderr.contains("no signature was verified"), "{}", run.stderr);
    // A made-up signature in a copy, under the key id of a key that did not sign, is left out.
    let mut copy: serde_json::Value = serde_json::from_slice(&folder.read("all.json")).unwrap();
    let signatures = copy["envelope"]["signatures"].as_array_mut().unwrap();
    let mut made_up = signatures[0].clone();
    made_up["keyid"] = public("release-2").key_id().to_string().into();
    made_up["sig"] = format!("{}==", "A".repeat(86)).into();
    signatures.push(made_up);
    folder.write("more.json", copy.to_string().as_bytes());
    let run = folder.run("bundle merge kept.json more.json alice.json");
    assert_eq!(run.stdout, "kept.json: 7 signatures\n");
    let run =
        folder.run("bundle merge only.json more.json more.json all.json --policy policy.json");
    assert_eq!(run.stdout, "only.json: 6 signatures\n");
    assert!(run.stderr.contains("left out 1 that no key of the policy made"), "{}", run.stderr);
    let run = folder.run("bundle verify all.json --policy policy.json");
    assert!(
        run.code == 0
            && run
                .stdout
                .starts_with("all.json: good\n  ceremony     boot-2026 (production), serial 7\n"),
        "{}",
        run.stdout
    );
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("signing_verified", crate::kit::shown(&run)));
}

#[test]
fn copies_of_different_bundles_do_not_merge() {
    let (folder, _) = panel();
    let ceremony =
        crate::kit::people::paper::Ceremony::new(zk_attest::primitives::CeremonyKind::Production);
    folder.write(
        "later.json",
        &ceremony.parts().restate(|says| says.serial = 8).signed_by(&[]).json(),
    );
    folder.write(
        "rehearsal.json",
        &crate::kit::people::paper::Ceremony::new(zk_attest::primitives::CeremonyKind::Rehearsal)
            .parts()
            .json(),
    );
    refused(
        &folder,
        "signing_merge_another_statement",
        "bundle merge out.json bundle.json later.json",
    );
    refused(
        &folder,
        "signing_merge_another_transcript",
        "bundle merge out.json bundle.json rehearsal.json",
    );
    refused(
        &folder,
        "signing_merge_out_is_input",
        "bundle merge bundle.json bundle.json later.json --force",
    );
    refused(&folder, "signing_merge_one", "bundle merge out.json bundle.json");
    refused(&folder, "signing_verify_unsigned", "bundle verify bundle.json --policy policy.json");
    refused(&folder, "signing_verify_no_policy", "bundle verify bundle.json --policy nothing.json");
}
