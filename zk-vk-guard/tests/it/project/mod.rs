//! A downstream crate on disk, and cargo runs on it.

#![allow(dead_code, unreachable_pub, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use testkit::paper::{NOW, Parts, time};
use zk_attest::error::Code;
use zk_vk_guard::bundle::OnExpiry;
use zk_vk_guard::policy::{Policy, PolicyDocument};
use zk_vk_guard::snippet::{self, Options};

static TURN: Mutex<()> = Mutex::new(());

pub fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Clone)]
pub struct Project {
    pub dir: PathBuf,
    pub policy: Vec<u8>,
    pub bundle: Vec<u8>,
    pub snippet: String,
    pub pin: String,
    /// Calls on the builder, before `.run()`.
    pub calls: String,
    /// The lines of the manifest that give the edition and the oldest Rust.
    pub edition: &'static str,
    /// Whether a second crate of the workspace tries to weaken the guard by features.
    pub sibling: bool,
}

pub struct Outcome {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

const LIB: &str = r#"//! A crate as a user would write it.
#![no_std]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]

#[cfg(feature = "zk-vk-provisioned")]
include!(concat!(env!("OUT_DIR"), "/verifying_key.rs"));

/// Whether this build embeds approved verifying keys.
pub const PROVISIONED: bool = cfg!(feature = "zk-vk-provisioned");
"#;

const MAIN: &str = r#"//! Says what the library holds.
fn main() {
    println!("PROVISIONED {}", guarded::PROVISIONED);
    #[cfg(feature = "zk-vk-provisioned")]
    {
        use guarded::verifying_keys::{attestation, by_program_hash};
        let digits = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        println!("VK_SHA256 {}", digits(&attestation::VK_SHA256));
        println!("found {}", by_program_hash(&attestation::PROGRAM_HASH).unwrap().name);
        assert!(by_program_hash(&[0; 32]).is_none());
    }
}
"#;

const SIBLING_BUILD: &str = r#"//! Switches lenient features on for the whole build, and shows that they are on.
use ed25519_dalek::{Signature, Signer, SigningKey};

const L: [u8; 32] = [0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];

fn main() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let mut bytes = key.sign(b"message").to_bytes();
    let mut carry = 0;
    for (s, l) in bytes[32..].iter_mut().zip(L) {
        let sum = u16::from(*s) + u16::from(l) + carry;
        *s = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    if key.verifying_key().verify_strict(b"message", &Signature::from_bytes(&bytes)).is_ok() {
        println!("cargo::warning=the lenient library accepts S + L");
    }
}
"#;

impl Project {
    /// A project in which everything is in order.
    pub fn of(parts: &Parts, policy: &PolicyDocument) -> Self {
        Self::new(parts, policy, OnExpiry::Refuse)
    }

    /// The same, of a bundle that may have expired.
    pub fn with_any_date(parts: &Parts, policy: &PolicyDocument) -> Self {
        Self::new(parts, policy, OnExpiry::Warn)
    }

    fn new(parts: &Parts, document: &PolicyDocument, on_expiry: OnExpiry) -> Self {
        let policy = Policy::from_json(&document.to_json()).unwrap();
        let verified = parts.bundle().unwrap().verify(&policy, &time(NOW), on_expiry).unwrap();
        Self {
            dir: Path::new(env!("CARGO_TARGET_TMPDIR")).join("guarded"),
            policy: document.to_json(),
            bundle: parts.json(),
            snippet: snippet::text(&verified, Options::default()).unwrap(),
            pin: policy.digest().to_string(),
            calls: String::new(),
            edition: "edition = \"2024\"",
            sibling: false,
        }
    }

    /// Replaces the policy and pins it.
    pub fn set_policy(&mut self, bytes: Vec<u8>) {
        self.pin = zk_attest::digest::PolicyDigest::of(&bytes).to_string();
        self.policy = bytes;
    }

    /// Writes the crate. Sources that did not change are left alone, so that cargo compiles them
    /// once.
    pub fn write(&self) {
        let put = |path: &str, bytes: &[u8]| {
            let path = self.dir.join(path);
            if fs::read(&path).ok().as_deref() != Some(bytes) {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                let _ = fs::remove_file(&path);
                fs::write(path, bytes).unwrap();
            }
        };
        let guard = env!("CARGO_MANIFEST_DIR");
        let members = if self.sibling { r#""sibling""# } else { "" };
        put(
            "Cargo.toml",
            format!(
                "[package]\nname = \"guarded\"\nversion = \"0.0.0\"\n{}\npublish = \
                 false\n\n[features]\nzk-vk-provisioned = []\n\n[build-dependencies]\nzk-vk-guard \
                 = {{ path = \"{guard}\" }}\n\n[workspace]\nmembers = [{members}]\nresolver = \
                 \"3\"\n",
                self.edition
            )
            .as_bytes(),
        );
        put(
            "build.rs",
            format!(
                "//! Guards the key.\nfn main() {{\n    \
                 zk_vk_guard::Guard::new(\"zk/trust-policy.json\", \"{}\"){}.run();\n}}\n",
                self.pin, self.calls
            )
            .as_bytes(),
        );
        put("src/lib.rs", LIB.as_bytes());
        put("src/main.rs", MAIN.as_bytes());
        put("zk/trust-policy.json", &self.policy);
        put("zk/bundle.json", &self.bundle);
        put("zk/verifying_key.rs", self.snippet.as_bytes());
        put(
            "sibling/Cargo.toml",
            b"[package]\nname = \"sibling\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[build-dependencies]\n\
              ed25519-dalek = { version = \"3\", features = [\"legacy_compatibility\"] }\n\
              serde_json = { version = \"1\", features = [\"arbitrary_precision\", \"unbounded_depth\"] }\n",
        );
        put("sibling/build.rs", SIBLING_BUILD.as_bytes());
        put("sibling/src/lib.rs", b"//! Nothing.\n");
        self.lock();
    }

    /// The lock file of this repository, cut down by cargo to what the crate needs: no version but
    /// the tested ones, and no network.
    fn lock(&self) {
        let ours = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock")).unwrap();
        let manifests = ["Cargo.toml", "sibling/Cargo.toml"]
            .map(|path| fs::read(self.dir.join(path)).unwrap())
            .concat();
        let inputs = zk_attest::digest::FileDigest::of(&[ours.clone(), manifests].concat());
        let (lock, kept) = (self.dir.join("Cargo.lock"), self.dir.join(format!("{inputs}.lock")));
        if !kept.exists() {
            fs::write(&lock, ours).unwrap();
            let outcome = self.cargo_command(&["update", "--workspace", "--offline"], &[]);
            assert!(outcome.success, "{}", outcome.stderr);
            fs::copy(&lock, &kept).unwrap();
        }
        fs::copy(&kept, &lock).unwrap();
    }

    /// Gives every file of the crate a time before any build.
    pub fn set_old_times(&self) {
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for folder in ["", "src", "zk"] {
            for entry in fs::read_dir(self.dir.join(folder)).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_file() {
                    fs::File::options()
                        .append(true)
                        .open(entry.path())
                        .and_then(|file| file.set_modified(long_ago))
                        .unwrap();
                }
            }
        }
    }

    pub fn cargo(&self, arguments: &[&str]) -> Outcome {
        self.cargo_with(arguments, &[])
    }

    /// Writes the crate and runs cargo on it.
    pub fn cargo_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
        self.write();
        self.locked(arguments, environment)
    }

    /// Runs cargo on the crate as it stands.
    pub fn cargo_as_is(&self, arguments: &[&str]) -> Outcome {
        self.locked(arguments, &[])
    }

    fn locked(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
        let (command, rest) = arguments.split_first().unwrap();
        self.cargo_command(&[&[*command, "--offline", "--locked"], rest].concat(), environment)
    }

    fn cargo_command(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
        let mut command = Command::new(env!("CARGO"));
        command
            .current_dir(&self.dir)
            .args(arguments)
            .env("CARGO_TARGET_DIR", self.target())
            .env("CARGO_TERM_COLOR", "never");
        let output = testkit::cargo_of_a_user(&mut command)
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Outcome {
            success: output.status.success(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    fn target(&self) -> PathBuf {
        testkit::guarded_target(env!("CARGO_TARGET_TMPDIR"))
    }

    fn out_dirs(&self) -> Vec<PathBuf> {
        let build = fs::read_dir(self.target().join("debug/build")).into_iter().flatten().flatten();
        build
            .map(|entry| entry.path().join("out"))
            .filter(|out| {
                out.is_dir()
                    && out
                        .parent()
                        .unwrap()
                        .file_name()
                        .unwrap()
                        .to_string_lossy()
                        .starts_with("guarded-")
            })
            .collect()
    }

    /// Every snippet that stands in an OUT_DIR of this crate.
    pub fn snippets_in_out_dirs(&self) -> Vec<String> {
        self.out_dirs()
            .iter()
            .filter_map(|out| fs::read_to_string(out.join("verifying_key.rs")).ok())
            .collect()
    }

    /// Puts a text where the crate includes from, and says in how many places.
    pub fn plant(&self, text: &str) -> usize {
        let dirs = self.out_dirs();
        dirs.iter().for_each(|out| fs::write(out.join("verifying_key.rs"), text).unwrap());
        dirs.len()
    }

    pub fn clear_out_dirs(&self) {
        for out in self.out_dirs() {
            let _ = fs::remove_file(out.join("verifying_key.rs"));
        }
    }

    /// Builds with the feature on, and expects this refusal.
    #[track_caller]
    pub fn is_refused(&self, code: Code) -> Outcome {
        let _turn = turn();
        self.clear_out_dirs();
        let workspace: &[&str] = if self.sibling { &["--workspace"] } else { &[] };
        let outcome =
            self.cargo(&[&["check", "--features", "zk-vk-provisioned"], workspace].concat());
        outcome.is_refused(self, code);
        outcome
    }
}

impl Outcome {
    #[track_caller]
    pub fn is_refused(&self, project: &Project, code: Code) {
        assert!(!self.success, "this build must fail");
        assert!(self.stderr.contains(&format!("[{code}]")), "expected [{code}]:\n{}", self.stderr);
        assert!(self.stderr.contains("hint: "), "{}", self.stderr);
        assert!(project.snippets_in_out_dirs().is_empty(), "no snippet may be left in OUT_DIR");
    }
}
