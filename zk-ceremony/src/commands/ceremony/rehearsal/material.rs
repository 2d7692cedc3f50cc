//! What a rehearsal starts from: circuit, witness, powers of tau, and the rules and the demo policy written for them.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use ceremony_core::format::bound_file::digest_file;
use ceremony_core::format::ptau::{Contribution, Ptau};
use ceremony_core::format::r1cs::R1cs;
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
use crate::error::CliError;
use crate::folder::{text, write_file};
use crate::host::{self, Example};
use crate::output::open;
use crate::progress::Bars;

/// Exponent of the rehearsal's beacons: the least, for nobody could have chosen the value anyway.
const BEACON_EXPONENT: u8 = 10;

/// See the module's documentation.
pub(super) struct Material {
    /// The circuit's name.
    pub(super) name: CircuitName,
    /// What it is the circuit of, if not of a file that was named.
    pub(super) example: Option<&'static dyn Example>,
    pub(super) r1cs: PathBuf,
    pub(super) witness: Option<PathBuf>,
    pub(super) ptau: Option<PathBuf>,
    power: u32,
    circuit_sha256: CircuitDigest,
    start: Option<Start>,
}

/// A .ptau of somebody else's.
#[derive(Debug)]
struct Start {
    sha256: FileDigest,
    /// Whether contributions can be added.
    open: bool,
}

impl Material {
    /// Writes the example's circuit and a witness, or takes the files that were named.
    pub(super) fn gather(arguments: &RehearsalArgs, out: &Path) -> Result<Self, CliError> {
        let folder = out.join("circuit");
        fs::create_dir_all(&folder).map_err(|e| CliError::io(&folder, "creating", &e))?;
        let example = if arguments.circuit.is_none() { Some(needed_example()?) } else { None };
        let name = example.map_or("rehearsed", Example::name);
        let r1cs = match &arguments.circuit {
            Some(path) => path.canonicalize().map_err(|e| CliError::io(path, "opening", &e))?,
            None => folder.join(format!("{name}.r1cs")),
        };
        let witness = example.map(|_| folder.join(format!("{name}.wtns")));
        if let (Some(example), Some(witness)) = (example, &witness)
            && !r1cs.exists()
        {
            let failed = |why| CliError::environment(format!("the example's circuit: {why}"));
            write_file(witness, &example.witness().map_err(failed)?, true)?;
            write_file(&r1cs, &example.r1cs().map_err(failed)?, true)?;
        }
        let mut file = open(&r1cs)?;
        let digest = digest_file(&mut file, &Bars::default())
            .map_err(|e| CliError::io(&r1cs, "reading", &e))?
            .sha256;
        let shape = R1cs::open(file).map_err(|e| CliError::format(&r1cs, &e))?.shape();
        let needed = shape.power().exponent();
        // From 2^15 on a .ptau of the circuit's own power gives a key whose hash cannot be reproduced.
        let needed = needed + u32::from(needed >= 15);
        let ptau = arguments
            .ptau
            .as_ref()
            .map(|path| path.canonicalize().map_err(|e| CliError::io(path, "opening", &e)))
            .transpose()?;
        let (power, start) = match &ptau {
            None => (arguments.power.unwrap_or(needed), None),
            Some(path) => {
                let mut file = open(path)?;
                let sha256 = FileDigest(
                    digest_file(&mut file, &Bars::default())
                        .map_err(|e| CliError::io(path, "reading", &e))?
                        .sha256
                        .0,
                );
                let ptau = Ptau::<File>::open(file).map_err(|e| CliError::format(path, &e))?;
                let open = !ptau.is_truncated()
                    && !ptau.contributions().last().is_some_and(Contribution::is_beacon);
                (ptau.power().exponent(), Some(Start { sha256, open }))
            }
        };
        if power < needed {
            return Err(CliError::environment(format!(
                "the circuit does not fit\n  found     power {power}\n  expected  at least {needed}, for {} constraints and {} public inputs",
                shape.constraints(),
                shape.public()
            ))
            .hint("give a larger --power or --ptau"));
        }
        let name =
            CircuitName::new(name).map_err(|refusal| CliError::environment(refusal.to_string()))?;
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
        key: impl Fn(&str) -> Result<PublicKey, CliError>,
    ) -> Result<String, CliError> {
        let id = format!(
            "rehearsal-{}",
            Timestamp::now().as_str().replace(['-', ':'], "").to_lowercase()
        );
        let minimum = participants.len();
        let mut toml = format!(
            "# A rehearsal: its keys protect nothing.\nformat = \"zk-ceremony/1\"\nid = \"{id}\"\nkind = \"rehearsal\"\ncurve = \"bn254\"\npower = {}\norder = \
             \"roster\"\n\n[minimum_contributions]\nphase1 = {minimum}\nphase2 = {minimum}\n\n[coordinator]\nname = \"{COORDINATOR}\"\nkey = \"{}\"\n",
            self.power,
            key(COORDINATOR)?
        );
        let phases: Vec<String> =
            self.phases().into_iter().map(|phase| u8::from(phase).to_string()).collect();
        // Writing into a String cannot fail.
        for name in participants {
            let _ = write!(
                toml,
                "\n[[participants]]\nname = \"{name}\"\nkey = \"{}\"\nphases = [{}]\n",
                key(name)?,
                phases.join(", ")
            );
        }
        for (phase, round) in [("phase1", 1), ("phase2", 2)] {
            let _ = write!(
                toml,
                "\n[beacon.{phase}]\nsource = \"the operating system, at the time: this is a rehearsal\"\nround = {round}\nexponent = {BEACON_EXPONENT}\n"
            );
        }
        if let Some(start) = &self.start {
            let _ = write!(
                toml,
                "\n[phase1_start]\nsha256 = \"{}\"\ndescription = \"a file named for the rehearsal\"\nextend = {}\n",
                start.sha256, start.open
            );
        }
        let _ = write!(
            toml,
            "\n[[circuits]]\nname = \"{}\"\nsha256 = \"{}\"\nprogram = \"{} (rehearsal)\"\n",
            self.name, self.circuit_sha256, self.name
        );
        Ok(toml)
    }

    /// The demo policy: every release authority, the auditor, and most participants have to sign; every contribution counts.
    pub(super) fn policy(
        &self,
        participants: &[&str],
        release: &[&str],
        auditor: &str,
        key: impl Fn(&str) -> Result<PublicKey, CliError>,
    ) -> Result<Vec<u8>, CliError> {
        let count = |n: usize| {
            NonZeroU32::new(u32::try_from(n).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN)
        };
        let name = |name: &str| -> Result<Label, CliError> { text("name", name) };
        let named = |who: &&str| -> Result<NamedKey, CliError> {
            Ok(NamedKey { name: name(who)?, key: key(who)? })
        };
        let participant = |who: &&str| -> Result<ParticipantKey, CliError> {
            Ok(ParticipantKey { name: name(who)?, key: key(who)?, phases: self.phases() })
        };
        let minimum = count(participants.len());
        let document = PolicyDocument {
            format: PolicyFormat::V1,
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
        };
        let bytes = document.to_json();
        Policy::from_json(&bytes).map_err(|refusal| {
            CliError::environment(format!("the demo policy of {}: {refusal}", slug(COORDINATOR)))
        })?;
        Ok(bytes)
    }
}

/// The example of the program that runs.
fn needed_example() -> Result<&'static dyn Example, CliError> {
    host::example().ok_or_else(|| {
        CliError::environment("this program brings no example to rehearse with")
            .hint("name a circuit with --circuit")
    })
}
