//! The rehearsal: a whole ceremony on one machine, by the commands that real parties use, from the
//! first contribution to a guarded build.
//!
//! Every party is a process of its own that gets the shared folder and its own key. What to do next
//! is read from the folder, as real parties read it; a rehearsal that was interrupted therefore
//! goes on after its last finished step. The kind `rehearsal` is signed into every step, and
//! nothing but the kind tells these files from those of a production ceremony.
//!
//! ```text
//! OUT/ceremony/   the shared folder
//! OUT/keys/       one private key for each party
//! OUT/circuit/    circuit and witness
//! OUT/zk/         bundle, trust policy and snippet
//! OUT/embedded/   the crate that is built under the guard
//! OUT/prover/     the proving key, where it was sealed and its prover opened it
//! ```

mod guarded;
mod load;
mod material;
mod network;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bn254_batch::Instructions;
use ceremony_folder::{Ceremony, Folder, FolderLock, Stage};
use material::Material;
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::file::read_regular;
use zk_attest::key::PublicKey;
use zk_attest::primitives::Timestamp;
use zk_attest::statement::Phase;
use zk_vk_guard::bundle::{Bundle, MAX_BUNDLE_BYTES};

use crate::cli::ceremony::RehearsalArgs;
use crate::outcome::note;
use crate::output::write_file;
use crate::signer::read_public_key;
use crate::{failure, host};

/// Names for participants, in the order of the roster.
const NAMES: [&str; 20] = [
    "Alice", "Bob", "Carol", "Dave", "Erin", "Frank", "Grace", "Heidi", "Ivan", "Judy", "Karl",
    "Lena", "Mallory", "Niaj", "Olivia", "Peggy", "Quentin", "Rupert", "Sybil", "Trent",
];
/// Who signs the bundle with the participants. All release authorities and the auditor have to.
const RELEASE: [&str; 2] = ["Release 1", "Release 2"];
const AUDITOR: &str = "Auditor";
const COORDINATOR: &str = "Coordinator";
/// The bundle's last day: a rehearsal is looked at for a while, and never relied on.
const VALID_SECONDS: u64 = 10 * 365 * 86_400;

/// How long a process takes to start and to take the folder's lock.
const ORPHANS_BEGIN: Duration = Duration::from_millis(500);

/// A rehearsal on its way.
struct Rehearsal {
    out: PathBuf,
    /// This binary, which every party runs.
    program: PathBuf,
    participants: Vec<String>,
    material: Material,
    started: Instant,
}

impl RehearsalArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let started = Instant::now();
        // Known before the first key is made, and not after the last signature.
        let no_build = self.no_build || self.parties.is_some();
        let source = if no_build { None } else { Some(self.guard_source()?) };
        let out = self.folder()?;
        fs::create_dir_all(&out).map_err(|e| failure::io(&out, "creating", &e))?;
        let out = out.canonicalize().map_err(|e| failure::io(&out, "opening", &e))?;
        let program = std::env::current_exe().map_err(|e| {
            Diagnostic::environment(
                "finding-program-failed",
                format_args!("finding this program failed: {e}"),
            )
        })?;
        eprintln!("rehearsal in {}", out.display());
        let material = Material::gather(&self, &out)?;
        let people = self.participants as usize;
        let rehearsal = Rehearsal {
            out,
            program,
            participants: match self.parties {
                None => NAMES.map(str::to_owned).into_iter().take(people).collect(),
                Some(count) => (1..=count).map(|n| format!("Party {n}")).collect(),
            },
            material,
            started,
        };
        rehearsal.keys()?;
        if self.resume {
            rehearsal.wait_for_orphans()?;
        }
        if self.parties.is_some() {
            let load = load::Load::plan(&rehearsal, self.drop_out, self.seed)?;
            rehearsal.open(&load.rules())?;
            return load.run();
        }
        let minimum = u32::try_from(rehearsal.participants.len()).unwrap_or(u32::MAX);
        let committed = self.commitments;
        rehearsal.open(&material::Terms { order: "roster", minimum, committed })?;
        let mut seen = Vec::new();
        if self.network {
            rehearsal.write_policy()?;
            rehearsal.over_network()?;
            seen = rehearsal.look_after()?;
        } else {
            rehearsal.run_chain()?;
            rehearsal.finish()?;
        }
        rehearsal.approve()?;
        rehearsal.embed()?;
        let ran = started.elapsed();
        let built = source.map(|source| rehearsal.build(&source)).transpose()?;
        rehearsal.summary(ran.as_secs_f64(), built, &seen);
        Ok(())
    }

    /// The checkout whose guard the build uses.
    fn guard_source(&self) -> Result<PathBuf, Diagnostic> {
        let named = self.checkout.as_deref().or(host::checkout());
        let Some(root) = named else {
            return Err(Diagnostic::environment(
                "no-checkout",
                "the guarded build needs the guard's source",
            )
            .hint(
                "name a checkout of zk-ceremony with --checkout, or stop before the build with \
                 --no-build",
            ));
        };
        if root.join("zk-vk-guard/Cargo.toml").exists() && root.join("Cargo.lock").exists() {
            return root.canonicalize().map_err(|e| failure::io(root, "opening", &e));
        }
        Err(Diagnostic::environment("no-checkout", "this is not a checkout of zk-ceremony")
            .at(root.display())
            .expected("a folder with Cargo.lock and zk-vk-guard/")
            .hint("name one with --checkout, or stop before the build with --no-build"))
    }

    /// The folder to rehearse in: the one that was named, the latest, or a new one.
    fn folder(&self) -> Result<PathBuf, Diagnostic> {
        let exists = |path: &Path| path.join("ceremony").exists();
        match (&self.out, self.resume) {
            (Some(out), false) if exists(out) => {
                Err(Diagnostic::environment("rehearsal-exists", "a rehearsal is in this folder")
                    .at(out.display())
                    .hint("add --resume to go on with it, or name another folder"))
            }
            (Some(out), _) => Ok(out.clone()),
            (None, resume) => {
                let parent = host::checkout().map_or("target".into(), |root| root.join("target"));
                let parent = parent.join("ceremony");
                let latest = latest(&parent).filter(|_| resume);
                match latest {
                    None if resume => Err(Diagnostic::environment(
                        "no-rehearsal",
                        "there is no rehearsal to resume",
                    )
                    .at(parent.display())
                    .hint(format!("run `{PROGRAM} ceremony` without --resume"))),
                    None => Ok(parent.join(format!(
                        "rehearsal-{}",
                        Timestamp::now().as_str().replace(['-', ':'], "")
                    ))),
                    Some(latest) => Ok(latest),
                }
            }
        }
    }
}

/// The latest rehearsal: their names sort by time.
fn latest(parent: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(parent).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    entries
        .filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("rehearsal-"))
        })
        .max()
}

/// A name as it stands in file names.
fn slug(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

impl Rehearsal {
    fn root(&self) -> PathBuf {
        self.out.join("ceremony")
    }

    fn names(&self) -> Vec<&str> {
        self.participants.iter().map(String::as_str).collect()
    }

    fn key(&self, name: &str) -> PathBuf {
        self.out.join("keys").join(format!("{}.pem", slug(name)))
    }

    fn public_key(&self, name: &str) -> Result<PublicKey, Diagnostic> {
        read_public_key(&self.key(name))
    }

    fn zk(&self, name: &str) -> PathBuf {
        self.out.join("zk").join(name)
    }

    /// Runs a party: a process that gets the arguments, the shared folder as its working folder,
    /// and nothing to read from.
    fn party(&self, who: &str, what: &str, arguments: &[&str]) -> Result<(), Diagnostic> {
        let start = Instant::now();
        let mut command = Command::new(&self.program);
        if bn254_batch::backend() == Instructions::Portable {
            command.arg("--portable-arithmetic");
        }
        command.args(arguments).current_dir(self.root()).stdin(Stdio::null());
        // What a party has verified is its own, and none of this account's.
        command.env("XDG_STATE_HOME", self.out.join("keys").join(format!("{who}.state")));
        let output = command.output().map_err(|e| failure::io(&self.program, "running", &e))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Diagnostic::environment(
                "failed-n",
                format_args!("{what} failed ({})\n{}", output.status, said.trim_end()),
            )
            .at(who)
            .hint(format!("see to the cause, then run `{PROGRAM} ceremony --resume`")));
        }
        eprintln!("  {:>7.2} s  {who:<12} {what}", start.elapsed().as_secs_f64());
        Ok(())
    }

    /// A private key for each party.
    fn keys(&self) -> Result<(), Diagnostic> {
        let folder = self.out.join("keys");
        for folder in [&folder, &self.root(), &self.out.join("zk")] {
            fs::create_dir_all(folder).map_err(|e| failure::io(folder, "creating", &e))?;
        }
        let others = [AUDITOR, network::WITNESS, COORDINATOR];
        for name in self.names().iter().chain(&RELEASE).chain(&others) {
            let path = self.key(name);
            if !path.exists() {
                self.party(name, "makes a key", &["key", "new", &path.to_string_lossy()])?;
            }
        }
        Ok(())
    }

    /// A party of the run that was interrupted may still be at work: it gets a moment to begin, and
    /// the time that it needs to end.
    fn wait_for_orphans(&self) -> Result<(), Diagnostic> {
        std::thread::sleep(ORPHANS_BEGIN);
        Ok(FolderLock::take(&self.root()).map(drop)?)
    }

    /// Opens the ceremony, unless that was done.
    fn open(&self, terms: &material::Terms) -> Result<(), Diagnostic> {
        if !self.opened()? {
            let toml = self.out.join("ceremony.toml");
            if !toml.exists() {
                write_file(
                    &toml,
                    self.material
                        .rules(&self.names(), terms, |name| self.public_key(name))?
                        .as_bytes(),
                    false,
                )?;
            }
            let circuit = format!("{}={}", self.material.name, self.material.r1cs.display());
            let key = self.key(COORDINATOR).to_string_lossy().into_owned();
            let toml = toml.to_string_lossy().into_owned();
            let mut arguments = vec![
                "ceremony",
                "new",
                ".",
                "--config",
                &toml,
                "--circuit",
                &circuit,
                "--key",
                &key,
            ];
            let ptau = self.material.ptau.as_ref().map(|path| path.to_string_lossy().into_owned());
            arguments.extend(ptau.iter().flat_map(|path| ["--ptau", path.as_str()]));
            self.party(COORDINATOR, "opens the ceremony", &arguments)?;
        }
        Ok(())
    }

    /// Phase 1 and phase 2, step by step, as the folder asks for them.
    fn run_chain(&self) -> Result<(), Diagnostic> {
        let rules = Folder::new(&self.root()).config();
        loop {
            let ceremony = Ceremony::open(&self.root())?;
            if let Some(problem) = ceremony.problem() {
                return Err(Diagnostic::from(&**problem));
            }
            let done = match ceremony.stage() {
                Stage::Closed => break,
                Stage::Prepare => self.coordinate(
                    "prepares phase 1 and opens phase 2",
                    &["ceremony", "prepare", "."],
                ),
                Stage::Contributions(phase) => self.contribute_or_close(&ceremony, phase),
            };
            // What counts is the folder: a party of an interrupted run may have been quicker.
            if steps(&Ceremony::open(&self.root())?) == steps(&ceremony) {
                done?;
                return Err(Diagnostic::environment(
                    "step-vanished",
                    "a step was made and is not there",
                )
                .at(rules.display())
                .hint("run it again with --resume"));
            }
        }
        Ok(())
    }

    /// Whether the ceremony has its start.
    fn opened(&self) -> Result<bool, Diagnostic> {
        Ok(Folder::new(&self.root()).config().exists()
            && !Ceremony::open(&self.root())?.phase1.steps.is_empty())
    }

    fn contribute_or_close(&self, ceremony: &Ceremony, phase: Phase) -> Result<(), Diagnostic> {
        let number = u8::from(phase);
        let open =
            ceremony.chains().find(|chain| chain.track.phase() == phase && !chain.is_closed());
        match open.and_then(|chain| {
            ceremony.may_contribute(chain).first().map(|participant| participant.name.to_string())
        }) {
            Some(name) => {
                let key = self.key(&name).to_string_lossy().into_owned();
                self.party(
                    &name,
                    &format!("contributes to phase {number}"),
                    &["ceremony", "contribute", ".", "--as", &name, "--key", &key],
                )
            }
            None => self.coordinate(
                &format!("closes phase {number} with a beacon"),
                &["ceremony", "beacon", ".", "--random"],
            ),
        }
    }

    fn coordinate(&self, what: &str, arguments: &[&str]) -> Result<(), Diagnostic> {
        let key = self.key(COORDINATOR).to_string_lossy().into_owned();
        self.party(COORDINATOR, what, &[arguments, &["--key", &key]].concat())
    }

    /// Keys, the whole verification, transcript and reports.
    fn finish(&self) -> Result<(), Diagnostic> {
        let witness = self
            .material
            .witness
            .as_ref()
            .map(|path| format!("{}={}", self.material.name, path.display()));
        let mut arguments = vec!["ceremony", "keygen", "."];
        arguments.extend(witness.iter().flat_map(|witness| ["--witness", witness.as_str()]));
        let what = if witness.is_some() {
            "makes the keys, proves and verifies"
        } else {
            "makes the keys"
        };
        if !self.root().join("transcript.json").exists() {
            self.party(COORDINATOR, what, &arguments)?;
        }
        self.party(COORDINATOR, "verifies everything", &["ceremony", "verify", "."])
    }

    /// The demo policy, unless it was written.
    fn write_policy(&self) -> Result<PathBuf, Diagnostic> {
        let policy = self.zk("trust-policy.json");
        if !policy.exists() {
            write_file(
                &policy,
                &self
                    .material
                    .policy(&self.names(), &RELEASE, AUDITOR, |name| self.public_key(name))?,
                false,
            )?;
        }
        Ok(policy)
    }

    /// The bundle, signed to the demo policy by release authorities, auditor and participants.
    fn approve(&self) -> Result<(), Diagnostic> {
        let bundle = Folder::new(&self.root()).bundle();
        let policy = self.write_policy()?;
        if !bundle.exists() {
            let until = Timestamp::from_unix(Timestamp::now().unix() + VALID_SECONDS).to_string();
            self.party(
                COORDINATOR,
                "makes the bundle",
                &["bundle", "create", ".", "--serial", "1", "--not-after", &until],
            )?;
        }
        for name in RELEASE.iter().chain(&self.names()) {
            if !self.has_signed(&bundle, name)? {
                let key = self.key(name).to_string_lossy().into_owned();
                self.party(
                    name,
                    "signs the bundle",
                    &["bundle", "sign", "bundle.json", "--yes", "--key", &key],
                )?;
            }
        }
        if !self.has_signed(&bundle, AUDITOR)? {
            let key = self.key(AUDITOR).to_string_lossy().into_owned();
            self.party(
                AUDITOR,
                "verifies everything and signs",
                &["ceremony", "audit", ".", "--as", AUDITOR, "--key", &key],
            )?;
        }
        let bytes = fs::read(&bundle).map_err(|e| failure::io(&bundle, "reading", &e))?;
        write_file(&self.zk("bundle.json"), &bytes, true)?;
        let policy = policy.to_string_lossy().into_owned();
        self.party(
            COORDINATOR,
            "checks the bundle under the policy",
            &["bundle", "verify", "bundle.json", "--policy", &policy],
        )
    }

    fn has_signed(&self, bundle: &Path, name: &str) -> Result<bool, Diagnostic> {
        let refused = |refusal| failure::refusal(bundle, &refusal);
        let parsed = read_regular(bundle, MAX_BUNDLE_BYTES)
            .and_then(|bytes| Bundle::from_json(&bytes))
            .map_err(refused)?;
        Ok(!parsed.envelope().signers([&self.public_key(name)?]).is_empty())
    }

    fn summary(&self, ran: f64, built: Option<guarded::Built>, seen: &[(&str, String)]) {
        let root = self.root();
        note!("rehearsal finished in {:.1} s", self.started.elapsed().as_secs_f64());
        match built {
            Some(built) => note!(
                "  time               {ran:.1} s of ceremony, {:.1} s of compiling, {:.1} s of \
                 testing\n  guarded build      {}\n  embedded key       {}",
                built.compiling,
                built.testing,
                built.folder.display(),
                built.outcome
            ),
            None => note!("  time               {ran:.1} s of ceremony; no build was asked for"),
        }
        for (what, how) in seen {
            note!("  {what:<19}{how}");
        }
        note!("  report             {}", root.join("report.html").display());
        note!("  bundle, policy     {}", self.out.join("zk").display());
        note!("  keys               {}", self.out.join("keys").display());
        note!("These keys protect nothing: no production policy accepts them.");
        note!("next: {PROGRAM} ceremony new --template > ceremony.toml, and RUNBOOK.md");
    }
}

/// Steps of all chains, to see that one was added.
fn steps(ceremony: &Ceremony) -> usize {
    ceremony.chains().map(|chain| chain.steps.len() + usize::from(chain.prepared.is_some())).sum()
}
