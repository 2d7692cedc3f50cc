//! The edge to cargo: in a build script, verify or fail.
//!
//! With the feature `zk-vk-provisioned` on, the crate's OUT_DIR holds a snippet after [`Guard::run`] only if the nine steps below passed in
//! this run; and it is then the canonical text of a bundle that satisfies the pinned policy. With the feature off it holds none.
//!
//! ```no_run
//! // the body of build.rs' main function
//! zk_vk_guard::Guard::new("zk/trust-policy.json", "<SHA-256 of the policy>").bundle("zk/bundle.json").snippet("zk/verifying_key.rs").run();
//! ```
//!
//! ```ignore
//! // src/lib.rs
//! #[cfg(feature = "zk-vk-provisioned")]
//! include!(concat!(env!("OUT_DIR"), "/verifying_key.rs"));
//! /// Whether this build embeds approved verifying keys.
//! pub const PROVISIONED: bool = cfg!(feature = "zk-vk-provisioned");
//! ```

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::bundle::{Bundle, MAX_BUNDLE_BYTES, OnExpiry, VerifiedBundle};
use crate::policy::{MAX_POLICY_BYTES, Policy};
use crate::snippet::{self, MAX_SNIPPET_BYTES, Options};
use zk_attest::digest::PolicyDigest;
use zk_attest::error::{Code, Refusal, Result, USUAL_BUNDLE, USUAL_SNIPPET};
use zk_attest::file::{read_inside, remove, write_whole};
use zk_attest::primitives::{CeremonyKind, Timestamp};

/// The file in OUT_DIR that the crate includes.
pub const OUT_FILE: &str = "verifying_key.rs";
/// The cargo feature that asks for embedded keys.
pub const FEATURE: &str = "zk-vk-provisioned";

/// What a build script asks for: see the module's documentation.
#[derive(Clone, Debug)]
#[must_use = "a guard that does not run guards nothing"]
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
    /// From the environment that cargo makes.
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

    /// Accepts a rehearsal policy, with a warning in every build. For crates that are never released.
    pub fn allow_rehearsal(mut self) -> Self {
        self.allow_rehearsal = true;
        self
    }

    /// Guards this build: returns when there is nothing to guard or everything is approved, and otherwise ends the build script with exit code 1.
    pub fn run(self) {
        let done = BuildEnv::from_environment().and_then(|surroundings| self.guard(&surroundings));
        match done {
            Ok(directives) => directives.iter().for_each(|directive| println!("{directive}")),
            Err(refusal) => {
                let text = format!("zk-vk-guard: {refusal}");
                text.lines().for_each(|line| println!("cargo::error={line}"));
                std::process::exit(1);
            }
        }
    }

    /// The nine steps, for given surroundings: the directives to cargo, or the refusal. Whatever goes wrong, OUT_DIR is left without a snippet.
    pub fn guard(&self, surroundings: &BuildEnv) -> Result<Vec<String>> {
        let out = surroundings.out_dir.join(OUT_FILE);
        remove(&out)?;
        let shown =
            [&self.policy, &self.bundle, &self.snippet].map(|path| path.display().to_string());
        let done = self
            .steps(surroundings, &out)
            .map_err(|refusal| refusal.with_paths(&shown[0], &shown[1], &shown[2]));
        if done.is_err() {
            // 9. No snippet is left behind.
            remove(&out)?;
        }
        done
    }

    fn steps(&self, surroundings: &BuildEnv, out: &Path) -> Result<Vec<String>> {
        let mut directives = vec!["cargo::rerun-if-changed=build.rs".to_owned()];
        // 1. Cargo and compiler agree on whether keys are wanted.
        match (surroundings.feature_requested, surroundings.feature_in_cfg) {
            (false, false) => return Ok(directives),
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
        let read = |path, limit| read_inside(&surroundings.package, path, limit);
        let policy = read(&self.policy, MAX_POLICY_BYTES)?;
        let bundle = read(&self.bundle, MAX_BUNDLE_BYTES)?;
        let snippet = read(&self.snippet, MAX_SNIPPET_BYTES)?;
        // 3. The policy is the pinned one, and sound.
        let policy = self.pinned(&policy)?;
        // 4, 5, 6. Signatures, canonical statement, everything that it says.
        let verified =
            Bundle::from_json(&bundle)?.verify(&policy, &surroundings.now, OnExpiry::Warn)?;
        // 7. The committed snippet is the canonical text.
        let text = self.canonical(&verified, &snippet)?;
        // 8. What was checked is what is written.
        // Cargo runs the script again when a watched file is newer than the last run. This one must not be, unless somebody changes it.
        write_whole(
            out,
            text.as_bytes(),
            Some(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400)),
        )?;
        directives.extend(
            self.watched(out).map(|path| format!("cargo::rerun-if-changed={}", path.display())),
        );
        directives.extend(
            warnings(&policy, &verified)
                .map(|warning| format!("cargo::warning=zk-vk-guard: {warning}")),
        );
        Ok(directives)
    }

    fn pinned(&self, bytes: &[u8]) -> Result<Policy> {
        let found = PolicyDigest::of(bytes);
        if PolicyDigest::from_hex(&self.pin).ok() != Some(found) {
            return Err(Refusal::new(
                Code::PolicyPin,
                "the policy is not the one that build.rs pins",
            )
            .found(found)
            .expected(&self.pin));
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
        Err(Refusal::new(
            Code::SnippetStale,
            format_args!("the committed snippet is not the text that the approved bundle gives: see its line {line}"),
        )
        .hint(format_args!("run `{}`", snippet::command(self.options))))
    }

    /// What cargo watches. The written file is among it, so that an edit in OUT_DIR is undone by the next build.
    fn watched<'a>(&'a self, out: &'a Path) -> impl Iterator<Item = &'a Path> {
        [&self.policy, &self.bundle, &self.snippet].into_iter().map(PathBuf::as_path).chain([out])
    }
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
