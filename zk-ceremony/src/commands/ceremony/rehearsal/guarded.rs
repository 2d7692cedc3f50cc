//! The end of the rehearsal: the snippet, and a crate that is built with it under the guard, in a
//! folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use ark_serialize::CanonicalDeserialize as _;
use ceremony_core::keygen::ProvingKey;
use ceremony_folder::Folder;
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::PolicyDigest;
use zk_attest::primitives::Timestamp;
use zk_vk_guard::bundle::OnExpiry;
use zk_vk_guard::policy::MAX_POLICY_BYTES;
use zk_vk_guard::snippet::Options;

use super::Rehearsal;
use crate::failure;
use crate::host::Example;
use crate::output::write_file;

/// What was built.
pub(super) struct Built {
    pub(super) folder: PathBuf,
    pub(super) compiling: f64,
    pub(super) testing: f64,
    pub(super) outcome: String,
}

impl Rehearsal {
    /// The snippet of the approved bundle, as `zk-embed` makes it.
    pub(super) fn embed(&self) -> Result<(), Diagnostic> {
        let (policy, bundle, out) =
            (self.zk("trust-policy.json"), self.zk("bundle.json"), self.zk("verifying_key.rs"));
        let read = |path: &Path, limit| {
            zk_attest::file::read_regular(path, limit)
                .map_err(|refusal| failure::refusal(path, &refusal))
        };
        let (policy_bytes, bundle_bytes) = (
            read(&policy, MAX_POLICY_BYTES)?,
            read(&bundle, zk_vk_guard::bundle::MAX_BUNDLE_BYTES)?,
        );
        let embedded = zk_embed::embed(
            &bundle_bytes,
            &policy_bytes,
            Options { arkworks: true },
            &Timestamp::now(),
            OnExpiry::Refuse,
        )
        .map_err(|refusal| failure::refusal(&bundle, &refusal))?;
        zk_embed::replace(&embedded, &out).map_err(|refusal| failure::refusal(&out, &refusal))?;
        eprintln!(
            "             snippet      {} (serial {})",
            out.display(),
            embedded.bundle.provenance().serial
        );
        Ok(())
    }

    /// Builds a copy of the example with the key, and has it verify proofs made with the ceremony's
    /// proving key.
    pub(super) fn build(&self, source: &Path) -> Result<Built, Diagnostic> {
        let folder = self.out.join("embedded");
        let pin = self.pin()?;
        match self.material.example {
            Some(example) => copy_example(source, example, &folder, &pin)?,
            None => write_crate(source, &folder, &pin)?,
        }
        for name in ["trust-policy.json", "bundle.json", "verifying_key.rs"] {
            let bytes =
                fs::read(self.zk(name)).map_err(|e| failure::io(&self.zk(name), "reading", &e))?;
            put(&folder.join("zk").join(name), &bytes)?;
        }
        let lock = source.join("Cargo.lock");
        put(
            &folder.join("Cargo.lock"),
            &fs::read(&lock).map_err(|e| failure::io(&lock, "reading", &e))?,
        )?;
        let proofs = folder.join("proofs.txt");
        if let Some(example) = self.material.example
            && !proofs.exists()
        {
            put(&proofs, self.proofs(example)?.as_bytes())?;
        }
        // One target folder for all rehearsals of a checkout: the second compiles the new key only.
        let target = source.join("target").join("ceremony").join("build");
        let start = Instant::now();
        eprintln!(
            "             compiling    {} with the feature zk-vk-provisioned",
            folder.display()
        );
        cargo(&folder, &target, &["test", "--no-run"], &proofs)?;
        let compiling = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let output = cargo(&folder, &target, &["test", "--test", "embedded_key"], &proofs)?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let outcome = said
            .lines()
            .find(|line| line.contains(" accepted, "))
            .unwrap_or("embedded; no proof was asked for")
            .to_owned();
        Ok(Built { folder, compiling, testing: start.elapsed().as_secs_f64(), outcome })
    }

    /// The digest that build.rs pins.
    fn pin(&self) -> Result<String, Diagnostic> {
        let path = self.zk("trust-policy.json");
        let bytes = fs::read(&path).map_err(|e| failure::io(&path, "reading", &e))?;
        Ok(PolicyDigest::of(&bytes).to_string())
    }

    /// What the example's test reads, made with the ceremony's proving key.
    fn proofs(&self, example: &dyn Example) -> Result<String, Diagnostic> {
        let opened = self.opened_key();
        let private = Folder::new(&self.root()).private();
        let path = match opened.exists() {
            true => opened,
            false => private.join(Folder::proving_key(&self.material.name)),
        };
        let bytes = fs::read(&path).map_err(|e| failure::io(&path, "reading", &e))?;
        // Our own file, written a moment ago by a process that checked its points.
        let key = ProvingKey::deserialize_uncompressed_unchecked(&bytes[..]).map_err(|e| {
            Diagnostic::environment("proving-key", e)
                .at(path.display())
                .hint(format!("run `{PROGRAM} ceremony keygen` again"))
        })?;
        example.proofs(&key).map_err(|why| Diagnostic::environment("example", why))
    }
}

/// The example as it is, but for the pin, the guard's path, and a workspace of its own.
fn copy_example(
    source: &Path,
    example: &dyn Example,
    folder: &Path,
    pin: &str,
) -> Result<(), Diagnostic> {
    let example = source.join(example.package());
    let read = |name: &str| {
        fs::read_to_string(example.join(name))
            .map_err(|e| failure::io(&example.join(name), "reading", &e))
    };
    let guard = toml_string(&source.join("zk-vk-guard"));
    let manifest = read("Cargo.toml")?.replace("\"../../zk-vk-guard\"", &guard);
    put(&folder.join("Cargo.toml"), format!("{manifest}\n[workspace]\n").as_bytes())?;
    // The committed build script pins the committed policy, once.
    let committed = PolicyDigest::of(read("zk/trust-policy.json")?.as_bytes()).to_string();
    let build = read("build.rs")?;
    if build.matches(&committed).count() != 1 {
        return Err(Diagnostic::environment(
            "example",
            "it does not pin the committed policy once",
        )
        .at(example.join("build.rs").display())
        .expected(&committed)
        .hint("restore the example with `git checkout`"));
    }
    put(&folder.join("build.rs"), build.replace(&committed, pin).as_bytes())?;
    for name in ["src/lib.rs", "src/circuit.rs", "tests/embedded_key.rs"] {
        put(&folder.join(name), read(name)?.as_bytes())?;
    }
    Ok(())
}

/// For another circuit than the example's: the smallest crate that embeds a key.
fn write_crate(source: &Path, folder: &Path, pin: &str) -> Result<(), Diagnostic> {
    let guard = toml_string(&source.join("zk-vk-guard"));
    let manifest = format!(
        "[package]\nname = \"embedded\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = \
         false\n\n[features]\nzk-vk-provisioned = []\n\n[dependencies]\nark-bn254 = {{ version = \
         \"0.6\", default-features = false, features = [\"curve\"] }}\nark-ec = {{ version = \
         \"0.6\", default-features = false }}\nark-ff = {{ version = \"0.6\", default-features = \
         false }}\nark-groth16 = {{ version = \"0.6\", default-features = false \
         }}\n\n[build-dependencies]\nzk-vk-guard = {{ path = {guard} }}\n\n[workspace]\n"
    );
    let build = format!(
        "fn main() {{\n    zk_vk_guard::Guard::new(\"zk/trust-policy.json\", \"{pin}\")\n        \
         .bundle(\"zk/bundle.json\")\n        .snippet(\"zk/verifying_key.rs\")\n        \
         .arkworks()\n        .allow_rehearsal()\n        .run();\n}}\n"
    );
    let library = "//! Embeds the key of a rehearsal.\n#![no_std]\n\n#[cfg(feature = \
                   \"zk-vk-provisioned\")]\ninclude!(concat!(env!(\"OUT_DIR\"), \
                   \"/verifying_key.rs\"));\n\n/// Whether a key is embedded.\npub const \
                   PROVISIONED: bool = cfg!(feature = \"zk-vk-provisioned\");\n";
    let test = "#[test]\nfn the_key_is_embedded() {\n    assert!(embedded::PROVISIONED);\n    \
                assert!(!embedded::verifying_keys::rehearsed::VK.is_empty());\n}\n";
    for (name, content) in [
        ("Cargo.toml", manifest.as_str()),
        ("build.rs", &build),
        ("src/lib.rs", library),
        ("tests/embedded_key.rs", test),
    ] {
        put(&folder.join(name), content.as_bytes())?;
    }
    Ok(())
}

/// A path as a TOML string.
fn toml_string(path: &Path) -> String {
    toml::Value::String(path.display().to_string()).to_string()
}

/// Writes a file unless it has these bytes already, so that cargo does not build again what is
/// built.
fn put(path: &Path, bytes: &[u8]) -> Result<(), Diagnostic> {
    if fs::read(path).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|e| failure::io(parent, "creating", &e))?;
    write_file(path, bytes, true)
}

/// Runs cargo in the crate, as a user would: its own profile, no flags from outside.
fn cargo(
    folder: &Path,
    target: &Path,
    arguments: &[&str],
    proofs: &Path,
) -> Result<Output, Diagnostic> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command
        .current_dir(folder)
        .args(arguments)
        .args(["--features", "zk-vk-provisioned"])
        .args(["--", "--nocapture"].iter().filter(|_| !arguments.contains(&"--no-run")))
        .env("CARGO_TARGET_DIR", target)
        .env("ATTESTATION_PROOFS", proofs)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PROFILE_") {
            command.env_remove(name);
        }
    }
    let output = command.output().map_err(|e| failure::io(Path::new(&cargo), "running", &e))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Diagnostic::artefact(
        "guarded-build-failed-n",
        format_args!("the guarded build failed in {}\n{}", folder.display(), said.trim_end()),
    )
    .hint(format!(
        "the last lines say what the guard refuses and how to fix it; then run `{PROGRAM} \
         ceremony --resume`"
    )))
}
