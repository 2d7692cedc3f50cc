//! Files named where a public key, a private key or a signature is expected: whatever they hold, no
//! message quotes it.
#![cfg(unix)]

use crate::kit::people::paper::person;
use crate::kit::people::{
    keeps_secret, key_file, peer, public_hex, secret_file, set_mode, unsigned_bundle,
};
use crate::kit::{Folder, Run};

/// Runs a command that must not print seven characters in a row, or four bytes in hex, of the file.
#[track_caller]
fn quotes_nothing(folder: &Folder, line: &str, file: &str) -> Run {
    let run = folder.run(line);
    let printed = format!("{}{}", run.stdout, run.stderr).replace(file, "");
    let bytes = folder.read(file);
    keeps_secret(&run, &bytes);
    let text = String::from_utf8_lossy(&bytes);
    // Lines that name the kind of key are no secret, and messages name it too.
    let labels = ["-----", "PuTTY-User-Key-File", "untrusted comment:", "# created:"];
    for secret in text.lines().filter(|line| !labels.iter().any(|label| line.contains(label))) {
        for part in secret.as_bytes().windows(7).filter_map(|part| std::str::from_utf8(part).ok()) {
            assert!(!printed.contains(part), "{line} prints {part:?} of {file}:\n{printed}");
        }
    }
    for part in bytes.windows(4) {
        assert!(!printed.contains(&hex::encode(part)), "{line} prints bytes of {file}:\n{printed}");
    }
    run
}

/// Private keys of every form that people have, as files.
fn private_keys(folder: &Folder) -> Vec<&'static str> {
    let pem = String::from_utf8(folder.read(&key_file(folder, "alice"))).unwrap();
    let body = pem.lines().nth(1).unwrap().to_owned();
    let openssl = |args: &[&str]| peer(folder, "openssl", args);
    openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-out", "sec1.pem"]);
    openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sec1-bare.pem"]);
    openssl(&["pkey", "-in", "alice.pem", "-outform", "DER", "-out", "pkcs8.der"]);
    openssl(&["ec", "-in", "sec1.pem", "-outform", "DER", "-out", "sec1.der"]);
    folder.write("seed.bin", &person("alice").to_bytes());
    folder.write("seed64.bin", &[person("alice").to_bytes(), person("bob").to_bytes()].concat());
    folder.write("seed.b64", body.as_bytes());
    folder.write("seed.hex", (hex::encode(person("alice").to_bytes()) + "00").as_bytes());
    // Not the encoding of a point, so that it cannot pass for a public key.
    folder.write("seed-as-key.hex", format!("02{}", "17".repeat(31)).as_bytes());
    folder.write(
        "age.txt",
        b"# created: a while ago\nAGE-SECRET-KEY-1QQPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQQPZRY9X8GF2TVDW0S\n",
    );
    folder.write(
        "putty.ppk",
        b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: eddsa-key\nPrivate-Lines: 1\nAAAAIDEMO+PRIVATE+PART+OF+A+MADE+UP+KEY+AAAAAAAAAAAAAA\nPrivate-MAC: 00\n",
    );
    folder.write(
        "minisign.key",
        format!("untrusted comment: minisign encrypted secret key\n{body}\n").as_bytes(),
    );
    folder.write("no-begin.pem", format!("{body}\n-----END PRIVATE KEY-----\n").as_bytes());
    folder.write("vault.json", format!("{{\"k\": \"{body}\"}}").as_bytes());
    folder.write("long.txt", body.repeat(90).as_bytes());
    vec![
        "sec1.pem",
        "sec1-bare.pem",
        "pkcs8.der",
        "sec1.der",
        "seed.bin",
        "seed64.bin",
        "seed.b64",
        "seed.hex",
        "seed-as-key.hex",
        "age.txt",
        "putty.ppk",
        "minisign.key",
        "no-begin.pem",
        "vault.json",
        "long.txt",
    ]
}

#[test]
fn no_private_key_is_quoted_where_another_file_is_expected() {
    let folder = Folder::new();
    unsigned_bundle(&folder);
    let files = private_keys(&folder);
    let alice = public_hex("alice");
    for mode in [0o600, 0o644] {
        for file in &files {
            set_mode(&folder, file, mode);
            for line in [
                format!("key show {file}"),
                format!("sign attach bundle.json --signature {file} --public-key {alice}"),
                format!("sign attach bundle.json --signature {file} --public-key {file}"),
                format!("bundle sign bundle.json --key {file}"),
                format!("key of --ssh-agent --public-key {file}"),
                format!(
                    "policy new out.json --kind production --release a={file} --release-threshold \
                     1"
                ),
            ] {
                let run = quotes_nothing(&folder, &line, file);
                assert_ne!(run.code, 0, "{line}");
            }
        }
    }
}

#[test]
fn a_file_that_is_not_a_public_key_is_named_by_length_and_kind() {
    let folder = Folder::new();
    private_keys(&folder);
    for (file, found) in [
        ("sec1.der", "121 bytes, DER"),
        ("pkcs8.der", "48 bytes, DER"),
        ("seed.bin", "32 bytes, binary data"),
        ("seed.b64", "64 bytes, text"),
        ("seed.hex", "66 bytes, hex digits"),
        ("seed-as-key.hex", "64 bytes, an Ed25519 public key"),
        ("age.txt", " bytes, an age private key"),
        ("putty.ppk", " bytes, a PuTTY private key"),
        ("minisign.key", " bytes, a minisign or signify private key"),
        ("long.txt", "5760 bytes, longer than any public key"),
    ] {
        let run = folder.run(&format!("key show {file}"));
        let words = format!("{found}\n");
        assert!(run.code == 1 && run.stderr.contains(&words), "{file}\n{}", run.stderr);
    }
}

/// `openssl pkcs12` writes "Bag Attributes" before the key; openssl's readers skip them, and so do
/// ours.
#[test]
fn text_before_the_pem_block_is_skipped() {
    let folder = Folder::new();
    unsigned_bundle(&folder);
    let pem = String::from_utf8(folder.read(&key_file(&folder, "alice"))).unwrap();
    let bags = "Bag Attributes\n    friendlyName: k\nKey Attributes: <No Attributes>\n";
    secret_file(&folder, "bags.pem", &format!("{bags}{pem}"));
    secret_file(&folder, "bags-crlf.pem", &format!("{bags}{pem}").replace('\n', "\r\n"));
    peer(&folder, "openssl", &["pkey", "-in", "bags.pem", "-pubout", "-out", "public.pem"]);
    let public = String::from_utf8(folder.read("public.pem")).unwrap();
    folder.write("public-bags.pem", format!("{bags}{public}").as_bytes());
    for file in ["bags.pem", "bags-crlf.pem", "public-bags.pem"] {
        assert_eq!(folder.ours(&format!("key show {file}")).trim(), public_hex("alice"), "{file}");
    }
    folder.ours("bundle sign bundle.json --key bags.pem");
}

/// A private key that others can read is refused under whatever name it is given.
#[test]
fn a_private_key_with_text_before_it_is_held_to_its_mode() {
    let folder = Folder::new();
    let pem = String::from_utf8(folder.read(&key_file(&folder, "alice"))).unwrap();
    let padding = "a line of text before the key\n".repeat(300);
    folder.write("shared.pem", format!("{padding}{pem}").as_bytes());
    set_mode(&folder, "shared.pem", 0o644);
    let run = quotes_nothing(&folder, "key show shared.pem", "shared.pem");
    assert!(run.code == 2 && run.stderr.contains("other accounts can read this secret"));
}
