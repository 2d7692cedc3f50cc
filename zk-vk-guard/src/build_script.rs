//! The interface to cargo: in a build script, verify or fail.
//!
//! With the feature `zk-vk-provisioned` on, the crate's OUT_DIR holds a snippet after
//! [`Guard::run`] only if the nine steps below passed in this run, and it is then the canonical
//! text of a bundle that satisfies the pinned policy. With the feature off there is none.
//!
//! ```no_run
//! // the body of main in build.rs
//! zk_vk_guard::Guard::new("zk/trust-policy.json", "<SHA-256 of the policy>")
//!     .bundle("zk/bundle.json")
//!     .snippet("zk/verifying_key.rs")
//!     .run();
//! ```
//!
//! ```ignore
//! // src/lib.rs
//! #[cfg(feature = "zk-vk-provisioned")]
//! include!(concat!(env!("OUT_DIR"), "/verifying_key.rs"));
//! /// Whether this build embeds approved verifying keys.
//! pub const PROVISIONED: bool = cfg!(feature = "zk-vk-provisioned");
//! ```
//!
//! # When the guard runs
//!
//! With the feature on, the guard runs in **every** build. Cargo decides by modification times
//! whether to run a build script again, and these do not show that a release was unpacked over an
//! older one with the times kept, or that two checkouts share a target folder. So the script
//! declares that it depends on a file that cannot exist. The cost: cargo compiles the crate, and
//! the crates that depend on it, again in every such build. A debug build of a small crate with
//! nothing to do takes 0.5 s in place of 0.1 s (measured on two shared cores); a large crate should
//! keep the keys in a small one of their own.
//!
//! The guard itself takes some milliseconds for a usual ceremony. Its time grows with the
//! signatures in the transcript: cargo compiles build scripts without optimisation, and 64
//! contributions to each of 16 circuits then take 15 s. A workspace with such a bundle asks for
//! optimised build scripts, with which they take less than one:
//!
//! ```toml
//! [profile.dev.build-override]
//! opt-level = 1
//! [profile.release.build-override]
//! opt-level = 1
//! ```
//!
//! With the feature off the guard prints no `rerun-if` line at all, so that cargo's rule for the
//! rest of the build script stays what it is without the guard.
//!
//! # Features of a workspace
//!
//! Cargo unifies features: `cargo build --workspace --features other/zk-vk-provisioned`, or a
//! second crate that depends on this one with the feature, switches it on for every crate of that
//! build, and a crate that is built alone may have it off. So a crate that must not be built
//! without a key says so itself, and cannot be built without:
//!
//! ```ignore
//! const _: () = assert!(PROVISIONED);
//! ```
//!
//! # Where the files lie
//!
//! Policy, bundle and snippet lie inside the package, or behind a link whose target does: what is
//! outside is not in the package that cargo publishes or vendors, and no reviewer of the package
//! sees it. Crates of a workspace that need the same keys therefore share a crate and not a folder:
//! one small crate has `zk/`, the guard and the `include!`, and the others depend on it. That crate
//! also keeps what every build compiles again small.
//!
//! # Lints
//!
//! The snippet is one module that allows clippy's groups for itself, `clippy::restriction` among
//! them, and has documentation for every item, so that a crate with `#![deny(warnings,
//! missing_docs)]` and any of clippy's lints includes it as it is. A lint of clippy that the crate
//! *forbids* cannot be allowed again anywhere (E0453): deny it instead.
//!
//! # Cargo versions
//!
//! Directives have the form `cargo:KEY=VALUE`, which every cargo reads; the form `cargo::KEY=VALUE`
//! is an error in a package whose `rust-version` is below 1.77. The exception is `cargo::error`,
//! which has no older form. It is printed only by a script that then fails. Cargo 1.84 and later
//! show its text as the error, whatever the package's `rust-version`; older ones print the output
//! of the failed script, which contains it.

use std::path::{Path, PathBuf};

use crate::bundle::{Bundle, MAX_BUNDLE_BYTES, OnExpiry, VerifiedBundle};
use crate::policy::{MAX_POLICY_BYTES, Policy};
use crate::snippet::{self, MAX_SNIPPET_BYTES, Options};
use zk_attest::digest::PolicyDigest;
use zk_attest::error::{Code, HOW_TO_INSTALL, Refusal, Result, USUAL_BUNDLE, USUAL_SNIPPET};
use zk_attest::file::{read_inside, remove, write_whole};
use zk_attest::primitives::{CeremonyKind, Timestamp};
use zk_attest::version::OURS;

/// The file in OUT_DIR that the crate includes.
pub const OUT_FILE: &str = "verifying_key.rs";
/// The cargo feature that asks for embedded keys.
pub const FEATURE: &str = "zk-vk-provisioned";
/// Below a regular file there is no other, so no one can create this one: cargo finds it missing
/// and runs the script again.
const NEVER_EXISTS: &str = "runs-in-every-build";

/// What a build script asks for: see the module's documentation.
#[derive(Clone, Debug)]
#[must_use = "a guard that is not run guards nothing"]
pub struct Guard {
    policy: PathBuf,
    pin: String,
    bundle: PathBuf,
    snippet: PathBuf,
    options: Options,
    allow_rehearsal: bool,
}

/// What cargo tells a build script.
#[derive(Clone, Debug)]
pub struct BuildEnv {
    /// CARGO_MANIFEST_DIR.
    pub package: PathBuf,
    /// OUT_DIR.
    pub out_dir: PathBuf,
    /// Whether CARGO_FEATURE_ZK_VK_PROVISIONED is set: cargo's view.
    pub feature_requested: bool,
    /// Whether CARGO_CFG_FEATURE lists the feature: the compiler's view.
    pub feature_in_cfg: bool,
    /// The time.
    pub now: Timestamp,
}

impl BuildEnv {
    /// From the environment variables that cargo sets.
    ///
    /// # Errors
    /// `environment` where cargo set none of them.
    pub fn from_environment() -> Result<Self> {
        let directory = |name: &str| {
            let missing = || Refusal::new(Code::Environment, format_args!("{name} is not set"));
            std::env::var_os(name).map(PathBuf::from).ok_or_else(missing)
        };
        let cfg = std::env::var("CARGO_CFG_FEATURE").unwrap_or_default();
        Ok(Self {
            package: directory("CARGO_MANIFEST_DIR")?,
            out_dir: directory("OUT_DIR")?,
            feature_requested: std::env::var_os("CARGO_FEATURE_ZK_VK_PROVISIONED").is_some(),
            feature_in_cfg: cfg.split(',').any(|feature| feature == FEATURE),
            now: Timestamp::now(),
        })
    }
}

impl Guard {
    /// A guard for this policy (a path inside the package) and its SHA-256 in hex.
    pub fn new(policy: impl Into<PathBuf>, policy_sha256: &str) -> Self {
        Self {
            policy: policy.into(),
            pin: policy_sha256.into(),
            bundle: USUAL_BUNDLE.into(),
            snippet: USUAL_SNIPPET.into(),
            options: Options::default(),
            allow_rehearsal: false,
        }
    }

    /// The bundle, if it is not zk/bundle.json.
    pub fn bundle(mut self, path: impl Into<PathBuf>) -> Self {
        self.bundle = path.into();
        self
    }

    /// The committed snippet, if it is not zk/verifying_key.rs.
    pub fn snippet(mut self, path: impl Into<PathBuf>) -> Self {
        self.snippet = path.into();
        self
    }

    /// The snippet has `const` arkworks points and `verify` (zk-embed's `--arkworks`).
    pub fn arkworks(mut self) -> Self {
        self.options.arkworks = true;
        self
    }

    /// Accepts a rehearsal policy, with a warning in every build. For crates that are never
    /// released.
    pub fn allow_rehearsal(mut self) -> Self {
        self.allow_rehearsal = true;
        self
    }

    /// Guards this build: returns when there is nothing to guard or everything is approved.
    /// Otherwise it ends the build script, with exit code 1 where the artefact is at fault and 2
    /// where the environment is.
    pub fn run(self) {
        let done = BuildEnv::from_environment().and_then(|env| self.guard(&env));
        match done {
            Ok(directives) => directives.iter().for_each(|directive| println!("{directive}")),
            Err(refusal) => {
                let text = format!("zk-vk-guard {OURS}: {refusal}");
                text.lines().for_each(|line| println!("cargo::error={line}"));
                if refusal.hint_needs_our_programs() {
                    println!("cargo::error=note: {HOW_TO_INSTALL}");
                }
                std::process::exit(refusal.blame().exit_code().into());
            }
        }
    }

    /// The nine steps, in a given environment: the directives for cargo, or the refusal. Whatever
    /// goes wrong, OUT_DIR is left without a snippet.
    ///
    /// # Errors
    /// A code for each step that refuses: those of [`Bundle::verify`], `policy-pin`,
    /// `snippet-stale`, `feature-forced`, `file-missing` and others.
    pub fn guard(&self, env: &BuildEnv) -> Result<Vec<String>> {
        let out = env.out_dir.join(OUT_FILE);
        remove(&out)?;
        let shown =
            [&self.policy, &self.bundle, &self.snippet].map(|path| path.display().to_string());
        let done = self
            .approve(env, &out)
            .map_err(|refusal| refusal.with_paths(&shown[0], &shown[1], &shown[2]));
        if done.is_err() {
            // 9. No snippet is left behind.
            remove(&out)?;
        }
        done
    }

    fn approve(&self, env: &BuildEnv, out: &Path) -> Result<Vec<String>> {
        // 1. Cargo and compiler agree on whether keys are wanted.
        match (env.feature_requested, env.feature_in_cfg) {
            (false, false) => return Ok(Vec::new()),
            (true, true) => {}
            (requested, in_cfg) => {
                return Err(Refusal::new(
                    Code::FeatureForced,
                    format_args!("cargo and compiler disagree on the feature {FEATURE}"),
                )
                .found(format_args!("cargo: {}, compiler: {}", on(requested), on(in_cfg)))
                .expected("both the same"));
            }
        }
        // 2. Each file is read once.
        let read = |path: &Path, limit| {
            read_inside(&env.package, path, limit).map_err(|refusal| match refusal.code() {
                Code::FileMissing | Code::FileKind | Code::TooLarge => {
                    refusal.hint(format_args!("restore it: `git checkout -- {}`", path.display()))
                }
                _ => refusal,
            })
        };
        let policy = read(&self.policy, MAX_POLICY_BYTES)?;
        let bundle = read(&self.bundle, MAX_BUNDLE_BYTES)?;
        let snippet = read(&self.snippet, MAX_SNIPPET_BYTES)?;
        // 3. The policy is the pinned one, and sound.
        let policy = self.pinned(&policy)?;
        // 4, 5, 6. Signatures, canonical statement, everything that it says.
        let verified = Bundle::from_json(&bundle)?.verify(&policy, &env.now, OnExpiry::Warn)?;
        // 7. The committed snippet is the canonical text.
        let text = self.canonical(&verified, &snippet)?;
        // 8. What was checked is what is written.
        write_whole(out, text.as_bytes(), None)?;
        let mut directives =
            vec![format!("cargo:rerun-if-changed={}", out.join(NEVER_EXISTS).display())];
        directives.extend(
            warnings(&policy, &verified)
                .map(|warning| format!("cargo:warning=zk-vk-guard {OURS}: {warning}")),
        );
        Ok(directives)
    }

    fn pinned(&self, bytes: &[u8]) -> Result<Policy> {
        let found = PolicyDigest::of(bytes);
        let pin = PolicyDigest::from_hex(&self.pin).ok();
        if pin != Some(found) {
            let refusal =
                Refusal::new(Code::PolicyPin, "the policy is not the one that build.rs pins")
                    .found(found)
                    .expected(&self.pin);
            let converted =
                without_cr(bytes).is_some_and(|bytes| pin == Some(PolicyDigest::of(&bytes)));
            return Err(if converted { line_ends(refusal, &self.policy) } else { refusal });
        }
        let policy = Policy::from_json(bytes)?;
        if policy.kind() == CeremonyKind::Rehearsal && !self.allow_rehearsal {
            return Err(Refusal::new(
                Code::RehearsalNotAllowed,
                "the policy is of a rehearsal, whose keys protect nothing",
            ));
        }
        Ok(policy)
    }

    fn canonical(&self, verified: &VerifiedBundle, committed: &[u8]) -> Result<String> {
        let text = snippet::text(verified, self.options)?;
        if text.as_bytes() == committed {
            return Ok(text);
        }
        let line = text
            .as_bytes()
            .iter()
            .zip(committed)
            .take_while(|(a, b)| a == b)
            .filter(|(a, _)| **a == b'\n')
            .count()
            + 1;
        let what = format!(
            "the committed snippet is not the text that the approved bundle gives: see its line \
             {line}"
        );
        let refusal = snippet::stale(&String::from_utf8_lossy(committed), &what, self.options);
        let converted = without_cr(committed).as_deref() == Some(text.as_bytes());
        Err(if converted { line_ends(refusal, &self.snippet) } else { refusal })
    }
}

/// The bytes with LF in place of each CR LF, if there is one.
fn without_cr(bytes: &[u8]) -> Option<Vec<u8>> {
    let is_cr = |i: usize| bytes[i] == b'\r' && bytes.get(i + 1) == Some(&b'\n');
    let kept: Vec<u8> = (0..bytes.len()).filter(|i| !is_cr(*i)).map(|i| bytes[i]).collect();
    (kept.len() < bytes.len()).then_some(kept)
}

/// The refusal of a file that git's `core.autocrlf` has changed, and nothing else.
fn line_ends(refusal: Refusal, path: &Path) -> Refusal {
    let folder = path.parent().unwrap_or(Path::new("")).join("*");
    let shown = path.display();
    Refusal::new(
        refusal.code(),
        format_args!("{shown} has CRLF line ends, and is otherwise the right file"),
    )
    .hint(format_args!(
        "git has converted it (core.autocrlf): commit the line `{} -text` in .gitattributes, \
         delete the file, and run `git checkout -- {shown}`",
        folder.display()
    ))
}

fn on(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn warnings<'a>(
    policy: &'a Policy,
    verified: &'a VerifiedBundle,
) -> impl Iterator<Item = String> + 'a {
    let rehearsal = (policy.kind() == CeremonyKind::Rehearsal)
        .then(|| "the embedded verifying keys are of a rehearsal and protect nothing".to_owned());
    let overdue = verified.warnings().iter().map(|refusal| refusal.to_string().replace('\n', " "));
    rehearsal.into_iter().chain(overdue)
}
