//! `policy new`, `show` and `pin`: whom a build trusts, written from flags, shown on one screen.

use std::fmt;
use std::io::Write as _;
use std::path::Path;

use ceremony_core::format::bound_file::digest_file;
use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::r1cs::R1cs;
use serde::Serialize;
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{CircuitDigest, FileDigest, PolicyDigest};
use zk_attest::error::Refusal;
use zk_attest::file::read_regular;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CircuitName, Label, Timestamp};
use zk_attest::statement::Phase;
use zk_vk_guard::policy::{
    MAX_POLICY_BYTES, MinimumContributions, NamedKey, ParticipantKey, Policy, PolicyCircuit,
    PolicyDocument, PolicyFormat, Role, RoleKey, Roles,
};

use crate::cli::PinPolicy;
use crate::cli::policy::{NewPolicy, PolicyCommand, ShowPolicy};
use crate::failure;
use crate::outcome;
use crate::output::open;
use crate::progress::Bars;
use crate::show::json;
use crate::signer::named_public_key;
use crate::watching::say;

impl PolicyCommand {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        match self {
            Self::New(command) => command.run(),
            Self::Show(command) => command.run(),
            Self::Diff(command) => command.run(),
            Self::Next(command) => command.run(),
            Self::Pin(command) => command.run(),
        }
    }
}

impl NewPolicy {
    fn run(self) -> Result<(), Diagnostic> {
        let mut output = self.output.create(&[])?;
        let bytes = self.document()?.to_json();
        let policy = Policy::from_json(&bytes).map_err(|refusal| {
            failure::refusal(
                &self.output.path,
                &refusal.hint(format!(
                    "nothing was written: change the arguments (`{PROGRAM} policy new --help`)"
                )),
            )
        })?;
        output.write_all(&bytes).map_err(|e| failure::io(&self.output.path, "writing", &e))?;
        output.commit()?;
        let path = &self.output.path;
        say!("{}: written. Commit it, and pin its digest in build.rs:", path.display());
        outcome::record(path, "trust policy");
        outcome::value("policy_sha256", policy.digest());
        Ok(())
    }

    fn document(&self) -> Result<PolicyDocument, Diagnostic> {
        let mut circuits =
            self.circuit.iter().map(|text| circuit(text)).collect::<Result<Vec<_>, _>>()?;
        circuits.sort_by_key(|circuit| circuit.name.module());
        let auditor = self.auditor_threshold.map(|threshold| {
            let keys = named_keys("--auditor", &self.auditor)?;
            Ok::<_, Diagnostic>(Role { threshold, keys })
        });
        let participant = self
            .participant_threshold
            .map(|threshold| Ok::<_, Diagnostic>(Role { threshold, keys: self.participants()? }));
        let verifier = self.verifier_threshold.map(|threshold| {
            let keys = named_keys("--verifier", &self.verifier)?;
            Ok::<_, Diagnostic>(Role { threshold, keys })
        });
        let not_after = self
            .not_after
            .as_deref()
            .map(|text| Timestamp::new(text).map_err(|refusal| argument("--not-after", &refusal)));
        Ok(PolicyDocument {
            format: PolicyFormat::V2,
            kind: self.kind.into(),
            roles: Roles {
                release: Role {
                    threshold: self.release_threshold,
                    keys: named_keys("--release", &self.release)?,
                },
                auditor: auditor.transpose()?,
                participant: participant.transpose()?,
                verifier: verifier.transpose()?,
            },
            minimum_contributions: MinimumContributions {
                phase1: self.phase1_contributions,
                phase2: self.phase2_contributions,
            },
            accepted_phase1_starts: self
                .phase1_start
                .iter()
                .map(|text| phase1_start(text))
                .collect::<Result<_, _>>()?,
            circuits,
            minimum_serial: self.minimum_serial,
            revoked_transcripts: Vec::new(),
            revoked_keys: Vec::new(),
            not_after: not_after.transpose()?,
            verified_beacons: self.verified_beacons,
        })
    }

    fn participants(&self) -> Result<Vec<ParticipantKey>, Diagnostic> {
        let groups: [(&str, &[String], &[Phase]); 3] = [
            ("--participant", &self.participant, &[Phase::One, Phase::Two]),
            ("--phase1-participant", &self.phase1_participant, &[Phase::One]),
            ("--phase2-participant", &self.phase2_participant, &[Phase::Two]),
        ];
        let mut all = Vec::new();
        for (flag, texts, phases) in groups {
            let keys = named_keys(flag, texts)?.into_iter();
            all.extend(keys.map(|NamedKey { name, key }| ParticipantKey {
                name,
                key,
                phases: phases.to_vec(),
            }));
        }
        Ok(all)
    }
}

/// A value on the command line that is refused.
fn argument(flag: &str, refusal: &Refusal) -> Diagnostic {
    failure::argument(flag, refusal).hint(format_args!("see `{PROGRAM} policy new --help`"))
}

/// The two halves of NAME=VALUE.
fn halves<'a>(flag: &str, text: &'a str) -> Result<(&'a str, &'a str), Diagnostic> {
    text.split_once('=').ok_or_else(|| {
        Diagnostic::environment("argument", format_args!("{flag} {text}: no name"))
            .expected("NAME=VALUE")
            .hint(format!("see `{PROGRAM} policy new --help`"))
    })
}

fn named_keys(flag: &str, texts: &[String]) -> Result<Vec<NamedKey>, Diagnostic> {
    let named = |text: &String| {
        let (name, key) = halves(flag, text)?;
        let name = Label::new(name).map_err(|refusal| argument(flag, &refusal))?;
        Ok(NamedKey { name, key: named_public_key(key)? })
    };
    texts.iter().map(named).collect()
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn circuit(text: &str) -> Result<PolicyCircuit, Diagnostic> {
    let (name, circuit) = halves("--circuit", text)?;
    let refused = |refusal: Refusal| argument("--circuit", &refusal);
    let circuit_sha256 = if is_digest(circuit) {
        CircuitDigest::from_hex(circuit).map_err(refused)?
    } else {
        let path = Path::new(circuit);
        R1cs::open(open(path)?).map_err(|e| failure::format(path, &e))?;
        CircuitDigest(sha256_of(path)?)
    };
    Ok(PolicyCircuit { name: CircuitName::new(name).map_err(refused)?, circuit_sha256 })
}

fn phase1_start(text: &str) -> Result<FileDigest, Diagnostic> {
    if is_digest(text) {
        return FileDigest::from_hex(text).map_err(|refusal| argument("--phase1-start", &refusal));
    }
    let path = Path::new(text);
    Ptau::open(open(path)?).map_err(|e| failure::format(path, &e))?;
    sha256_of(path).map(FileDigest)
}

fn sha256_of(path: &Path) -> Result<[u8; 32], Diagnostic> {
    digest_file(&mut open(path)?, &Bars::default())
        .map(|digests| digests.sha256.0)
        .map_err(|e| failure::io(path, "reading", &e))
}

pub(crate) fn read_policy(path: &Path) -> Result<Policy, Diagnostic> {
    read_bytes(path).map(|(policy, _)| policy)
}

/// A policy, and the bytes that its digest is of.
fn read_bytes(path: &Path) -> Result<(Policy, Vec<u8>), Diagnostic> {
    read_regular(path, MAX_POLICY_BYTES)
        .and_then(|bytes| Ok((Policy::from_json(&bytes)?, bytes)))
        .map_err(|refusal| failure::refusal(path, &refusal))
}

impl PinPolicy {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let (policy, bytes) = read_bytes(&self.policy)?;
        if bytes.windows(2).any(|pair| pair == b"\r\n") {
            let (shown, folder) = (self.policy.display(), self.policy.with_file_name("*"));
            eprintln!(
                "warning: {shown} has CRLF line ends: in a checkout with LF it has another digest"
            );
            eprintln!(
                "hint: if git made them (core.autocrlf), commit the line `{} -text` in \
                 .gitattributes, delete the file, run `git checkout -- {shown}` and pin it again",
                folder.display()
            );
        }
        outcome::value("policy_sha256", policy.digest());
        Ok(())
    }
}

/// What `policy show --json` prints.
#[derive(Serialize)]
struct ShownPolicy<'a> {
    policy_sha256: PolicyDigest,
    policy: &'a PolicyDocument,
}

impl ShowPolicy {
    fn run(self) -> Result<(), Diagnostic> {
        let policy = read_policy(&self.policy)?;
        let shown = ShownPolicy { policy_sha256: policy.digest(), policy: policy.document() };
        if self.json {
            return json(&shown);
        }
        print!("{shown}");
        Ok(())
    }
}

impl fmt::Display for ShownPolicy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = self.policy;
        writeln!(f, "policy         {}", self.policy_sha256)?;
        writeln!(
            f,
            "accepts        {} bundles of serial {} and higher",
            policy.kind, policy.minimum_serial
        )?;
        match &policy.not_after {
            Some(not_after) => writeln!(f, "review         by {not_after}")?,
            None => writeln!(f, "review         no last day")?,
        }
        let Roles { release, auditor, participant, verifier } = &policy.roles;
        let revoked = &policy.revoked_keys;
        role(f, "release", release, revoked, |_| String::new())?;
        auditor
            .iter()
            .try_for_each(|auditor| role(f, "auditor", auditor, revoked, |_| String::new()))?;
        let phases = |entry: &ParticipantKey| format!(", contributes to {}", phases(&entry.phases));
        participant
            .iter()
            .try_for_each(|participant| role(f, "participant", participant, revoked, phases))?;
        verifier.iter().try_for_each(|verifier| {
            role(f, "verifier", verifier, revoked, |_| ", of proofs".into())
        })?;
        let MinimumContributions { phase1, phase2 } = policy.minimum_contributions;
        writeln!(
            f,
            "contributions  at least {phase1} that count in phase 1, {phase2} in phase 2 of each \
             circuit"
        )?;
        policy
            .accepted_phase1_starts
            .iter()
            .try_for_each(|start| writeln!(f, "or phase 1 of  {start}"))?;
        if policy.verified_beacons {
            writeln!(f, "beacons        rounds of drand, verified with the chain's key")?;
        }
        policy.circuits.iter().try_for_each(|circuit| {
            writeln!(f, "circuit        {}  {}", circuit.circuit_sha256, circuit.name)
        })?;
        revoked.iter().try_for_each(|key| writeln!(f, "revoked        key {key}"))?;
        policy
            .revoked_transcripts
            .iter()
            .try_for_each(|transcript| writeln!(f, "revoked        transcript {transcript}"))
    }
}

fn role<K: RoleKey>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    role: &Role<K>,
    revoked: &[PublicKey],
    more: impl Fn(&K) -> String,
) -> fmt::Result {
    writeln!(f, "{title:<14} {} of {} must sign", role.threshold, role.valid_keys(revoked).len())?;
    for entry in &role.keys {
        let gone = if revoked.contains(entry.key()) { ", REVOKED" } else { "" };
        writeln!(f, "    {}  {}{}{gone}", entry.key().fingerprint(), entry.name(), more(entry))?;
    }
    Ok(())
}

/// "phase 1", "phases 1 and 2".
pub(super) fn phases(phases: &[Phase]) -> String {
    match phases {
        [one] => format!("phase {}", u8::from(*one)),
        several => format!(
            "phases {}",
            several
                .iter()
                .map(|phase| u8::from(*phase).to_string())
                .collect::<Vec<_>>()
                .join(" and ")
        ),
    }
}
