//! What a rehearsal starts from: circuit, witness, powers of tau, and the rules and the demo policy
//! written for them.

use std::fs::{self, File};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use ceremony_core::format::bound_file::digest_file;
use ceremony_core::format::ptau::{Contribution, Ptau};
use ceremony_core::format::r1cs::R1cs;
use serde::Serialize;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{CircuitDigest, FileDigest};
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyKind, CircuitName, Label, Timestamp};
use zk_attest::statement::Phase;
use zk_vk_guard::policy::{
    MinimumContributions, NamedKey, ParticipantKey, Policy, PolicyCircuit, PolicyDocument,
    PolicyFormat, Role, Roles,
};

use super::{COORDINATOR, slug};
use crate::cli::ceremony::RehearsalArgs;
use crate::commands::ceremony::parse_label;
use crate::failure;
use crate::host::{self, Example};
use crate::output::{open, write_file};
use crate::progress::Bars;

/// Exponent of the rehearsal's beacons: the smallest, because nobody is there to choose the value.
const BEACON_EXPONENT: u8 = 10;

/// See the module's documentation.
pub(super) struct Material {
    /// The circuit's name.
    pub(super) name: CircuitName,
    /// The example that it belongs to, unless a file was named.
    pub(super) example: Option<&'static dyn Example>,
    pub(super) r1cs: PathBuf,
    pub(super) witness: Option<PathBuf>,
    pub(super) ptau: Option<PathBuf>,
    power: u32,
    circuit_sha256: CircuitDigest,
    start: Option<Start>,
}

/// Who comes when, and how many have to.
pub(super) struct Terms {
    pub(super) order: &'static str,
    pub(super) minimum: u32,
    /// Whether participants commit to their secrets before each phase.
    pub(super) committed: bool,
}

/// A .ptau file from outside the rehearsal.
#[derive(Debug)]
struct Start {
    sha256: FileDigest,
    /// Whether contributions can be added.
    open: bool,
}

impl Material {
    /// Writes the example's circuit and a witness, or takes the named files.
    pub(super) fn gather(arguments: &RehearsalArgs, out: &Path) -> Result<Self, Diagnostic> {
        let folder = out.join("circuit");
        fs::create_dir_all(&folder).map_err(|e| failure::io(&folder, "creating", &e))?;
        let example = if arguments.circuit.is_none() { Some(needed_example()?) } else { None };
        let name = example.map_or("rehearsed", Example::name);
        let r1cs = match &arguments.circuit {
            Some(path) => path.canonicalize().map_err(|e| failure::io(path, "opening", &e))?,
            None => folder.join(format!("{name}.r1cs")),
        };
        let witness = example.map(|_| folder.join(format!("{name}.wtns")));
        if let (Some(example), Some(witness)) = (example, &witness)
            && !r1cs.exists()
        {
            let failed = |why| {
                Diagnostic::environment(
                    "example-s-circuit",
                    format_args!("the example's circuit: {why}"),
                )
            };
            write_file(witness, &example.witness().map_err(failed)?, true)?;
            write_file(&r1cs, &example.r1cs().map_err(failed)?, true)?;
        }
        let mut file = open(&r1cs)?;
        let digest = digest_file(&mut file, &Bars::default())
            .map_err(|e| failure::io(&r1cs, "reading", &e))?
            .sha256;
        let shape = R1cs::open(file).map_err(|e| failure::format(&r1cs, &e))?.shape();
        let needed = shape.power().exponent();
        let ptau = arguments
            .ptau
            .as_ref()
            .map(|path| path.canonicalize().map_err(|e| failure::io(path, "opening", &e)))
            .transpose()?;
        let (power, start) = match &ptau {
            None => (arguments.power.unwrap_or(needed), None),
            Some(path) => {
                let mut file = open(path)?;
                let sha256 = FileDigest(
                    digest_file(&mut file, &Bars::default())
                        .map_err(|e| failure::io(path, "reading", &e))?
                        .sha256
                        .0,
                );
                let ptau = Ptau::<File>::open(file).map_err(|e| failure::format(path, &e))?;
                let open = !ptau.is_truncated()
                    && !ptau.contributions().last().is_some_and(Contribution::is_beacon);
                (ptau.power().exponent(), Some(Start { sha256, open }))
            }
        };
        if power < needed {
            return Err(Diagnostic::environment("power-too-small", "the circuit does not fit")
                .found(format_args!("power {power}"))
                .expected(format_args!(
                    "at least {needed}, for {} constraints and {} public inputs",
                    shape.constraints(),
                    shape.public()
                ))
                .hint("give a larger --power or --ptau"));
        }
        let name = CircuitName::new(name)
            .map_err(|refusal| Diagnostic::environment("environment", refusal.to_string()))?;
        Ok(Self {
            name,
            example,
            r1cs,
            witness,
            ptau,
            power,
            circuit_sha256: CircuitDigest(digest.0),
            start,
        })
    }

    /// Phases to which participants contribute.
    fn phases(&self) -> Vec<Phase> {
        if self.start.as_ref().is_none_or(|start| start.open) {
            vec![Phase::One, Phase::Two]
        } else {
            vec![Phase::Two]
        }
    }

    /// ceremony.toml.
    pub(super) fn rules(
        &self,
        participants: &[&str],
        &Terms { order, minimum, committed }: &Terms,
        key: impl Fn(&str) -> Result<PublicKey, Diagnostic>,
    ) -> Result<String, Diagnostic> {
        let phases = self.phases();
        let beacon = |round| PlannedBeacon {
            source: "the operating system, at the time: this is a rehearsal",
            round,
            exponent: BEACON_EXPONENT,
        };
        let rules = Rules {
            format: "zk-ceremony/1",
            id: format!(
                "rehearsal-{}",
                Timestamp::now().as_str().replace(['-', ':'], "").to_lowercase()
            ),
            kind: CeremonyKind::Rehearsal,
            curve: "bn254",
            power: self.power,
            order,
            minimum_contributions: Minimum { phase1: minimum, phase2: minimum },
            coordinator: Person { name: COORDINATOR, key: key(COORDINATOR)? },
            participants: participants
                .iter()
                .map(|name| Ok(Participant { name, key: key(name)?, phases: &phases }))
                .collect::<Result<_, Diagnostic>>()?,
            commitments: committed.then_some(Commitments { secrets: true }),
            beacon: Beacons { phase1: beacon(1), phase2: beacon(2) },
            phase1_start: self.start.as_ref().map(|start| ExternalStart {
                sha256: start.sha256,
                description: "a file named for the rehearsal",
                extend: start.open,
            }),
            circuits: [Circuit {
                name: &self.name,
                sha256: self.circuit_sha256,
                program: format!("{} (rehearsal)", self.name),
            }],
        };
        let toml = toml::to_string(&rules).map_err(|e| {
            Diagnostic::environment(
                "writing-ceremony-toml-failed",
                format_args!("writing ceremony.toml failed: {e}"),
            )
        })?;
        Ok(format!("# A rehearsal: its keys protect nothing.\n{toml}"))
    }

    /// The demo policy: every release authority, the auditor, and most participants have to sign;
    /// every contribution counts.
    pub(super) fn policy(
        &self,
        participants: &[&str],
        release: &[&str],
        auditor: &str,
        key: impl Fn(&str) -> Result<PublicKey, Diagnostic>,
    ) -> Result<Vec<u8>, Diagnostic> {
        let count = |n: usize| {
            NonZeroU32::new(u32::try_from(n).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN)
        };
        let name = |name: &str| -> Result<Label, Diagnostic> { parse_label("name", name) };
        let named = |who: &&str| -> Result<NamedKey, Diagnostic> {
            Ok(NamedKey { name: name(who)?, key: key(who)? })
        };
        let participant = |who: &&str| -> Result<ParticipantKey, Diagnostic> {
            Ok(ParticipantKey { name: name(who)?, key: key(who)?, phases: self.phases() })
        };
        let minimum = count(participants.len());
        let document = PolicyDocument {
            format: PolicyFormat::V2,
            kind: CeremonyKind::Rehearsal,
            roles: Roles {
                release: Role {
                    threshold: count(release.len()),
                    keys: release.iter().map(named).collect::<Result<_, _>>()?,
                },
                auditor: Some(Role { threshold: NonZeroU32::MIN, keys: vec![named(&auditor)?] }),
                participant: Some(Role {
                    threshold: count(participants.len() / 2 + 1),
                    keys: participants.iter().map(participant).collect::<Result<_, _>>()?,
                }),
                verifier: None,
            },
            minimum_contributions: MinimumContributions { phase1: minimum, phase2: minimum },
            accepted_phase1_starts: self.start.iter().map(|start| start.sha256).collect(),
            circuits: vec![PolicyCircuit {
                name: self.name.clone(),
                circuit_sha256: self.circuit_sha256,
            }],
            minimum_serial: 1,
            revoked_transcripts: Vec::new(),
            revoked_keys: Vec::new(),
            not_after: None,
            verified_beacons: false,
        };
        let bytes = document.to_json();
        Policy::from_json(&bytes).map_err(|refusal| {
            Diagnostic::environment(
                "demo-policy",
                format_args!("the demo policy of {}: {refusal}", slug(COORDINATOR)),
            )
        })?;
        Ok(bytes)
    }
}

// ceremony.toml as it is written, with the fields of `ceremony_folder::config::ConfigDocument`.

#[derive(Serialize)]
struct Rules<'a> {
    format: &'static str,
    id: String,
    kind: CeremonyKind,
    curve: &'static str,
    power: u32,
    order: &'static str,
    minimum_contributions: Minimum,
    coordinator: Person<'a>,
    participants: Vec<Participant<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commitments: Option<Commitments>,
    beacon: Beacons,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase1_start: Option<ExternalStart>,
    circuits: [Circuit<'a>; 1],
}

#[derive(Serialize)]
struct Minimum {
    phase1: u32,
    phase2: u32,
}

#[derive(Serialize)]
struct Person<'a> {
    name: &'a str,
    key: PublicKey,
}

#[derive(Serialize)]
struct Participant<'a> {
    name: &'a str,
    key: PublicKey,
    phases: &'a [Phase],
}

#[derive(Serialize)]
struct Commitments {
    secrets: bool,
}

#[derive(Serialize)]
struct Beacons {
    phase1: PlannedBeacon,
    phase2: PlannedBeacon,
}

#[derive(Serialize)]
struct PlannedBeacon {
    source: &'static str,
    round: u64,
    exponent: u8,
}

#[derive(Serialize)]
struct ExternalStart {
    sha256: FileDigest,
    description: &'static str,
    extend: bool,
}

#[derive(Serialize)]
struct Circuit<'a> {
    name: &'a CircuitName,
    sha256: CircuitDigest,
    program: String,
}

/// The example of the running program.
fn needed_example() -> Result<&'static dyn Example, Diagnostic> {
    host::example().ok_or_else(|| {
        Diagnostic::environment("no-example", "this program brings no example to rehearse with")
            .hint("name a circuit with --circuit")
    })
}

#[cfg(test)]
mod tests {
    use ceremony_folder::Config;

    use super::*;

    #[test]
    fn the_rules_are_read_back_whatever_the_names_are() {
        let material = |start| Material {
            name: CircuitName::new("square").unwrap(),
            example: None,
            r1cs: PathBuf::new(),
            witness: None,
            ptau: None,
            power: 12,
            circuit_sha256: CircuitDigest([7; 32]),
            start,
        };
        let names = ["Ana \"the first\"", "back\\slash", "Zoë ]] = # {}"];
        let key = |name: &str| {
            let secret = zk_attest::digest::sha256(name.as_bytes());
            let public = ed25519_dalek::SigningKey::from_bytes(&secret).verifying_key();
            Ok(PublicKey::from_bytes(public.as_bytes()).unwrap())
        };
        for start in [None, Some(Start { sha256: FileDigest([9; 32]), open: true })] {
            let external = start.is_some();
            let terms = Terms { order: "roster", minimum: 3, committed: external };
            let toml = material(start).rules(&names, &terms, key).unwrap();
            let config = Config::from_toml(toml.as_bytes()).unwrap();
            let rules = config.document();
            let read: Vec<String> = rules.participants.iter().map(|p| p.name.to_string()).collect();
            assert_eq!(read, names);
            assert_eq!(rules.phase1_start.is_some(), external);
            assert_eq!(config.asks_for_committed_secrets(), external);
            assert!(rules.power == 12 && rules.kind == CeremonyKind::Rehearsal);
        }
    }
}
