//! People with key files, and a bundle for them to sign.
#![allow(dead_code, unreachable_pub)] // each test binary uses its own part

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use paper::{Ceremony, Parts, person, public};
pub use testkit::paper;
use zk_attest::primitives::CeremonyKind;
use zk_vk_guard::policy::PolicyDocument;

use crate::kit::{Folder, Run};

/// A production bundle that nobody has signed, at `bundle.json`, and the policy that it would
/// satisfy, at `policy.json`.
pub fn unsigned_bundle(folder: &Folder) -> (Parts, PolicyDocument) {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let parts = ceremony.parts().signed_by(&[]);
    folder.write("bundle.json", &parts.json());
    folder.write("policy.json", &ceremony.policy().to_json());
    (parts, ceremony.policy())
}

/// Writes a person's private key to `NAME.pem`, PKCS#8 of version 1 by the bytes of RFC 8410, and
/// returns the name of the file.
pub fn key_file(folder: &Folder, name: &str) -> String {
    let mut der = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
    der.extend(person(name).to_bytes());
    let file = format!("{name}.pem");
    secret_file(
        folder,
        &file,
        &format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(der)
        ),
    );
    file
}

/// Writes a file that only its owner can read.
pub fn secret_file(folder: &Folder, name: &str, text: &str) {
    folder.write(name, text.as_bytes());
    set_mode(folder, name, 0o600);
}

pub fn set_mode(folder: &Folder, name: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs a peer tool, which must succeed.
#[track_caller]
pub fn peer(folder: &Folder, program: &str, args: &[&str]) -> Run {
    let output = Command::new(program).args(args).current_dir(folder.path("")).output();
    let run: Run = output
        .unwrap_or_else(|error| {
            panic!("{program} is not installed ({error}): ./ci/test.sh installs it")
        })
        .into();
    assert_eq!(run.code, 0, "{program} {args:?}\n{}{}", run.stdout, run.stderr);
    run
}

/// That nothing printed holds a secret in any of the forms in which we or others write it.
#[track_caller]
pub fn keeps_secret(run: &Run, secret: &[u8]) {
    let text = String::from_utf8_lossy(secret).into_owned();
    for form in [text, hex::encode(secret), STANDARD.encode(secret)] {
        assert!(!run.stdout.contains(&form) && !run.stderr.contains(&form), "a secret is printed");
    }
}

/// A person's public key.
pub fn public_hex(name: &str) -> String {
    public(name).to_string()
}
