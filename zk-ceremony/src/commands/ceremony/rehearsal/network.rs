//! The rehearsal over a network: every party is one process with one command, and knows the
//! service's address and its own key.
//!
//! ```text
//! OUT/logs/      what each party printed          OUT/copies/    each party's working copy
//! OUT/tls/       a certificate for this machine   OUT/ceremony/  the folder that the service holds
//! OUT/prover/    the proving key, which was sealed to the prover and opened by it
//! ```

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use ceremony_folder::report::{Report, ReportedFile};
use ceremony_folder::{Ceremony, Folder};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::file::read_regular;
use zk_attest::primitives::Timestamp;

use super::{AUDITOR, COORDINATOR, RELEASE, Rehearsal, VALID_SECONDS, slug};
use crate::commands::ceremony::network::RECEIPTS;
use crate::failure;
use crate::output::write_file;

/// A second auditor, whom no policy names.
pub(super) const WITNESS: &str = "Second auditor";
/// Bytes of an identity of age at most, with room for a line's end.
const MAX_IDENTITY_BYTES: usize = 1024;
/// How long the service may take to listen.
const START: Duration = Duration::from_secs(60);
/// How often the parties are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A party at work.
pub(super) struct Party {
    pub(super) name: String,
    what: String,
    log: PathBuf,
    pub(super) child: Child,
    pub(super) ended: Option<ExitStatus>,
}

/// No party outlives a rehearsal that failed.
impl Drop for Party {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Rehearsal {
    /// Holds the whole ceremony, from the first contribution to the last approval.
    pub(super) fn over_network(&self) -> Result<(), Diagnostic> {
        for folder in ["logs", "copies", "tls"] {
            let folder = self.out.join(folder);
            fs::create_dir_all(&folder).map_err(|e| failure::io(&folder, "creating", &e))?;
        }
        let (certificate, key) = self.certificate()?;
        let port = free_port()?;
        let url = format!("https://localhost:{port}");
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let rules = Ceremony::open(&self.root())?.config.digest().to_string();
        let until = Timestamp::from_unix(Timestamp::now().unix() + VALID_SECONDS).to_string();
        let mut serve: Vec<String> = ["ceremony", "serve", "."].map(str::to_owned).into();
        for (option, value) in [
            ("--listen", format!("127.0.0.1:{port}")),
            ("--origin", url.clone()),
            ("--tls-cert", text(certificate.clone())),
            ("--tls-key", text(key)),
            ("--key", text(self.key(COORDINATOR))),
            ("--policy", text(self.zk("trust-policy.json"))),
            ("--auditor", self.public_key(WITNESS)?.to_string()),
            ("--not-after", until),
        ] {
            serve.extend([option.to_owned(), value]);
        }
        if let Some(witness) = &self.material.witness {
            let witness = format!("{}={}", self.material.name, witness.display());
            serve.extend(["--witness".into(), witness]);
        }
        serve.push("--random-beacons".into());
        serve.extend(["--seal-to".into(), self.prover()?]);
        let mut parties = vec![self.start(COORDINATOR, "holds the ceremony", &serve)?];
        wait_for(port, &mut parties)?;
        let common = |name: &str| {
            [
                ("--ca", text(certificate.clone())),
                ("--rules", rules.clone()),
                ("--key", text(self.key(name))),
            ]
            .into_iter()
            .flat_map(|(option, value)| [option.to_owned(), value])
            .collect::<Vec<_>>()
        };
        let copy = |name: &str| text(self.out.join("copies").join(slug(name)));
        for name in self.names() {
            let command =
                ["ceremony", "join", &url, "--as", name, "--approve", "--dir", &copy(name)];
            let command = [command.map(str::to_owned).to_vec(), common(name)].concat();
            parties.push(self.start(name, "contributes and approves", &command)?);
        }
        for name in [AUDITOR, WITNESS] {
            let command = ["ceremony", "mirror", &url, &copy(name), "--verify", "--as", name];
            let mut command = [command.map(str::to_owned).to_vec(), common(name)].concat();
            if name == AUDITOR {
                command.push("--approve".into());
            }
            parties.push(self.start(name, "verifies each step", &command)?);
        }
        for name in RELEASE {
            let command = ["ceremony", "approve", &url, "--yes", "--dir", &copy(name)];
            let command = [command.map(str::to_owned).to_vec(), common(name)].concat();
            parties.push(self.start(name, "verifies everything and signs", &command)?);
        }
        self.wait(&mut parties)
    }

    /// The recipient of the prover, whose identity is made for this rehearsal.
    fn prover(&self) -> Result<String, Diagnostic> {
        let path = self.prover_identity();
        if let Ok(text) = read_regular(&path, MAX_IDENTITY_BYTES) {
            let parsed = String::from_utf8_lossy(&text).trim().parse::<Identity>();
            let failed = |why: &str| Diagnostic::environment("identity", why).at(path.display());
            return parsed.map(|identity| identity.to_public().to_string()).map_err(failed);
        }
        let identity = Identity::generate();
        let text = identity.to_string();
        let mut output = crate::output::Output::create_private(&path, false, &[])?;
        writeln!(output, "{}", text.expose_secret())
            .map_err(|e| failure::io(&path, "writing", &e))?;
        output.commit()?;
        Ok(identity.to_public().to_string())
    }

    fn prover_identity(&self) -> PathBuf {
        self.out.join("keys").join("prover.age-identity")
    }

    /// Where the prover has the key that it opened.
    pub(super) fn opened_key(&self) -> PathBuf {
        self.out.join("prover").join(Folder::proving_key(&self.material.name))
    }

    /// What everybody does once all is done: the prover opens its key, participants hold the folder
    /// to their receipts. Answers with what the report shows of commitments, beacons, receipts and
    /// keys.
    pub(super) fn look_after(&self) -> Result<Vec<(&'static str, String)>, Diagnostic> {
        let folder = Folder::new(&self.root());
        let opened = self.opened_key();
        let sealed =
            folder.private().join(format!("{}.age", Folder::proving_key(&self.material.name)));
        if !opened.exists() {
            let place = self.out.join("prover");
            fs::create_dir_all(&place).map_err(|e| failure::io(&place, "creating", &e))?;
            let [sealed, identity, opened] = [&sealed, &self.prover_identity(), &opened]
                .map(|path| path.to_string_lossy().into_owned());
            self.party(
                "Prover",
                "opens the sealed proving key",
                &["key", "open", &sealed, "--identity", &identity, "--out", &opened],
            )?;
        }
        let mut receipts = 0;
        for name in self.names() {
            let kept = self.out.join("copies").join(slug(name)).join(RECEIPTS);
            let entries = fs::read_dir(&kept).map_err(|e| failure::io(&kept, "reading", &e))?;
            let paths: Vec<String> = entries
                .filter_map(|entry| Some(entry.ok()?.path().to_string_lossy().into_owned()))
                .collect();
            let mut command = vec!["ceremony", "find", ".", "--participant", name];
            command.extend(paths.iter().flat_map(|path| ["--receipt", path.as_str()]));
            self.party(name, "finds its receipts in the result", &command)?;
            receipts += paths.len();
        }
        let path = self.root().join("report.json");
        let bytes =
            read_regular(&path, Report::MAX_BYTES).map_err(|e| failure::refusal(&path, &e))?;
        let report: Report = serde_json::from_slice(&bytes).map_err(|error| {
            Diagnostic::artefact("report", format_args!("this is not a report: {error}"))
                .at(path.display())
        })?;
        Ok(seen(&report, receipts, &sealed))
    }

    pub(super) fn start(
        &self,
        name: &str,
        what: &str,
        arguments: &[String],
    ) -> Result<Party, Diagnostic> {
        let log = self.out.join("logs").join(format!("{}.log", slug(name)));
        let output = File::create(&log).map_err(|e| failure::io(&log, "creating", &e))?;
        let errors = output.try_clone().map_err(|e| failure::io(&log, "opening", &e))?;
        let mut command = Command::new(&self.program);
        if bn254_batch::backend() == bn254_batch::Instructions::Portable {
            command.arg("--portable-arithmetic");
        }
        command
            .args(arguments)
            .current_dir(self.root())
            // A proxy of the machine leads elsewhere.
            .env("NO_PROXY", "localhost,127.0.0.1")
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors);
        let child = command.spawn().map_err(|e| failure::io(&self.program, "running", &e))?;
        eprintln!("             {name:<16} {what}: {PROGRAM} {} ...", arguments[..2].join(" "));
        Ok(Party { name: name.into(), what: what.into(), log, child, ended: None })
    }

    /// Waits until every party has come to its end; the first that fails ends the rehearsal.
    fn wait(&self, parties: &mut [Party]) -> Result<(), Diagnostic> {
        while parties.iter().any(|party| party.ended.is_none()) {
            for party in parties.iter_mut().filter(|party| party.ended.is_none()) {
                let status = party
                    .child
                    .try_wait()
                    .map_err(|e| failure::io(&self.program, "waiting for", &e))?;
                let Some(status) = status else { continue };
                party.ended = Some(status);
                let seconds = self.started.elapsed().as_secs_f64();
                if !status.success() {
                    return Err(party.failed(status));
                }
                eprintln!("  {seconds:>7.2} s  {:<16} {}: done", party.name, party.what);
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// A certificate for this machine, made for this rehearsal, that is its own authority.
    pub(super) fn certificate(&self) -> Result<(PathBuf, PathBuf), Diagnostic> {
        let folder = self.out.join("tls");
        let (certificate, key) = (folder.join("localhost.pem"), folder.join("localhost.key"));
        if !certificate.exists() {
            let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
            let made = rcgen::generate_simple_self_signed(names).map_err(|error| {
                Diagnostic::environment("tls", format_args!("making a certificate failed: {error}"))
            })?;
            let mut output = crate::output::Output::create_private(&key, true, &[])?;
            output
                .write_all(made.signing_key.serialize_pem().as_bytes())
                .map_err(|e| failure::io(&key, "writing", &e))?;
            output.commit()?;
            write_file(&certificate, made.cert.pem().as_bytes(), false)?;
        }
        Ok((certificate, key))
    }
}

/// What a report says of what a ceremony over a network has.
fn seen(report: &Report, receipts: usize, sealed: &Path) -> Vec<(&'static str, String)> {
    let contributions: usize = report.builds.iter().map(|build| build.contributions).sum();
    let checked = |number: u32, folder: &str| {
        let has = |file: &&ReportedFile| {
            file.file.starts_with(folder)
                && file.checks.iter().any(|check| check.number == Some(number))
        };
        report.files.iter().filter(has).count()
    };
    let opened = checked(12, "phase1/") + checked(13, "circuits/");
    let mut seen = Vec::new();
    if !report.people.commitments.is_empty() {
        seen.push((
            "commitments",
            format!(
                "{opened} of {contributions} contributions open their makers' (checks 12 and 13)"
            ),
        ));
    }
    let beacons = report.chains.iter().flat_map(|chain| &chain.steps);
    let beacons: Vec<_> = beacons.filter_map(|step| step.beacon.as_ref()).collect();
    let verified = beacons.iter().filter(|beacon| beacon.verified_against_source).count();
    seen.push((
        "beacons",
        format!("{verified} of {} verified against their source", beacons.len()),
    ));
    seen.push((
        "receipts",
        format!("{receipts} of {contributions} contributions, each in the journal"),
    ));
    seen.push(("sealed key", format!("{}, opened by its prover", sealed.display())));
    for build in &report.builds {
        let digest = build.executable_sha256.as_deref().unwrap_or("of a build that was not named");
        seen.push(("build", format!("{} made with {digest} (self-reported)", build.share())));
    }
    seen
}

impl Party {
    /// What it printed so far.
    pub(super) fn printed(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// SIGKILL, as a power cut would.
    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        self.ended = self.child.wait().ok();
    }

    /// With the end of what it printed.
    pub(super) fn failed(&self, status: ExitStatus) -> Diagnostic {
        let printed = self.printed();
        let lines: Vec<&str> = printed.lines().collect();
        let end = lines[lines.len().saturating_sub(20)..].join("\n");
        Diagnostic::environment("failed-n", format_args!("{} failed ({status})\n{end}", self.what))
            .at(&self.name)
            .hint(format!("all of it is in {}", self.log.display()))
    }
}

/// A port that nobody listens on now: below those that Linux gives to any process that asks, which
/// may be taken again before the service has it.
pub(super) fn free_port() -> Result<u16, Diagnostic> {
    let begin = std::process::id() as u16;
    let mut ports = (0..200).map(|at| 12_000 + begin.wrapping_mul(97).wrapping_add(at) % 20_000);
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports
        .find(is_free)
        .ok_or_else(|| Diagnostic::environment("listen", "200 ports were tried, and none is free"))
}

/// Waits until the service listens.
pub(super) fn wait_for(port: u16, parties: &mut [Party]) -> Result<(), Diagnostic> {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if let Some(party) = parties.first_mut() {
            let ended = party.child.try_wait().ok().flatten();
            if let Some(status) = ended {
                party.ended = Some(status);
                return Err(party.failed(status));
            }
        }
        if begun.elapsed() > START {
            return Err(Diagnostic::environment("listen", "the service does not listen")
                .hint("its log is in OUT/logs"));
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}
