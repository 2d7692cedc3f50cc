//! `ceremony new`: the folder, its rules, its circuits, and the start of phase 1.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use ceremony_core::format::bound_file::digest_file;
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::phase1::contribute::new;
use ceremony_folder::config::MAX_CONFIG_BYTES;
use ceremony_folder::{Ceremony, Config, Slot, Track};
use zk_attest::file::read_regular;
use zk_attest::primitives::CeremonyKind;
use zk_attest::statement::{Action, Phase};

use crate::cli::OutputArgs;
use crate::cli::ceremony::NewCeremony;
use crate::error::CliError;
use crate::folder::{
    AttestationDraft, FolderLock, NewStep, ensure_coordinator, open_ceremony_strict, verify_last,
    write_file,
};
use crate::output::{Output, open};
use crate::progress::Bars;
use crate::show::hex_groups;
use crate::signer::Signer;

/// What `ceremony new --template` prints.
pub(crate) const TEMPLATE: &str = include_str!("template.toml");

impl NewCeremony {
    pub(crate) fn run(self) -> Result<(), CliError> {
        if self.template {
            print!("{TEMPLATE}");
            return Ok(());
        }
        let (Some(root), Some(path)) = (&self.folder, &self.config) else {
            return Err(CliError::environment("give DIR and --config FILE")
                .hint("`cargo xtask ceremony new --help` has an example"));
        };
        let bytes = read_regular(path, MAX_CONFIG_BYTES)
            .map_err(|refusal| CliError::refusal(path, &refusal))?;
        let config = Config::from_toml(&bytes).map_err(|error| {
            CliError::artefact(format!("{}: {error}", path.display()))
                .hint("`cargo xtask ceremony new --template` prints a commented example")
        })?;
        let mut signer = self.signer.open()?;
        self.ensure_circuits_of(&config)?;
        fs::create_dir_all(root).map_err(|e| CliError::io(root, "creating", &e))?;
        let _lock = FolderLock::take(root)?;
        self.copy(root, &config)?;
        let ceremony = open_ceremony_strict(root)?;
        ensure_coordinator(&ceremony, signer.as_ref())?;
        if ceremony.phase1.steps.is_empty() {
            self.open_phase1(&ceremony, signer.as_mut())?;
        }
        announce(&open_ceremony_strict(root)?);
        Ok(())
    }

    /// Each circuit of the rules is given once, has the digest of the rules, and fits into the power.
    fn ensure_circuits_of(&self, config: &Config) -> Result<(), CliError> {
        for circuit in &config.document().circuits {
            let given: Vec<&Path> = self
                .circuit
                .iter()
                .filter(|given| given.name == circuit.name)
                .map(|given| given.path.as_path())
                .collect();
            let [path] = given.as_slice() else {
                return Err(CliError::environment(format!(
                    "circuit {}: its file is to be given once",
                    circuit.name
                ))
                .hint(format!("add --circuit {}=FILE.r1cs", circuit.name)));
            };
            let mut file = open(path)?;
            let found = digest_file(&mut file, &Bars::default())
                .map_err(|e| CliError::io(path, "reading", &e))?
                .sha256;
            if found.0 != circuit.sha256.0 {
                return Err(CliError::artefact(format!(
                    "{}: this is not the circuit of the rules\n  found     {found}\n  expected  {}",
                    path.display(),
                    circuit.sha256
                ))
                .hint("give the file that the rules were written for, or put its SHA-256 into ceremony.toml"));
            }
            let shape = R1cs::open(file).map_err(|e| CliError::format(path, &e))?.shape();
            let (needed, power) = (shape.power(), config.power());
            // The hash of a key whose .ptau has the circuit's own power cannot be reproduced from 2^15 on (formats page, section 6).
            let needed = needed.exponent() + u32::from(needed.exponent() >= 15);
            if needed > power.exponent() {
                return Err(CliError::artefact(format!(
                    "{}: the circuit does not fit into the power of the rules\n  found     power {power}\n  expected  at least {needed}",
                    path.display()
                ))
                .hint("set a higher power in ceremony.toml"));
            }
        }
        match self.circuit.iter().find(|given| {
            !config.document().circuits.iter().any(|circuit| circuit.name == given.name)
        }) {
            None => Ok(()),
            Some(unknown) => Err(CliError::environment(format!(
                "--circuit: the rules name no circuit {}",
                unknown.name
            ))
            .hint("name the circuits of ceremony.toml")),
        }
    }

    /// Rules and circuits. What is there already, from a run that was interrupted, must be the same.
    fn copy(&self, root: &Path, config: &Config) -> Result<(), CliError> {
        let folder = ceremony_folder::Folder::new(root);
        let rules = folder.config();
        match read_regular(&rules, MAX_CONFIG_BYTES) {
            Ok(found) if found == config.bytes() => {}
            Ok(_) => {
                return Err(CliError::environment(format!(
                    "{}: another ceremony is in this folder",
                    root.display()
                ))
                .hint("name another folder"));
            }
            Err(_) => write_file(&rules, config.bytes(), false)?,
        }
        write_file(&root.join(".gitignore"), b"private/\n.zk-ceremony*\n", true)?;
        for given in &self.circuit {
            let path = folder.r1cs(&given.name);
            let parent = folder.track(&Track::Circuit(given.name.clone()));
            fs::create_dir_all(&parent).map_err(|e| CliError::io(&parent, "creating", &e))?;
            let mut output =
                Output::create(&OutputArgs { path: path.clone(), force: true }, &[&given.path])?;
            let mut source = open(&given.path)?;
            std::io::copy(&mut source, &mut output)
                .map_err(|e| CliError::io(&path, "writing", &e))?;
            output.flush().map_err(|e| CliError::io(&path, "writing", &e))?;
            output.commit()?;
        }
        Ok(())
    }

    fn open_phase1(&self, ceremony: &Ceremony, signer: &mut dyn Signer) -> Result<(), CliError> {
        let mut step = NewStep::begin(ceremony, &Track::Phase1, Slot::Number(0))?;
        let path = step.path();
        match (&ceremony.config.document().phase1_start, &self.ptau) {
            (None, None) => {
                let challenge = new(ceremony.config.power(), &mut step.output, &Bars::default())
                    .map_err(|e| CliError::step(&path, &e))?;
                println!(
                    "{}: a new phase 1 of power {}\n  first challenge\n{}",
                    path.display(),
                    ceremony.config.power(),
                    hex_groups(challenge)
                );
            }
            (Some(start), Some(ptau)) => {
                let mut source = open(ptau)?;
                let found = digest_file(&mut source, &Bars::default())
                    .map_err(|e| CliError::io(ptau, "reading", &e))?
                    .sha256;
                if found.0 != start.sha256.0 {
                    return Err(CliError::artefact(format!(
                        "{}: this is not the file that the rules start from\n  found     {found}\n  expected  {}",
                        ptau.display(),
                        start.sha256
                    ))
                    .hint("fetch the file that ceremony.toml describes under [phase1_start]"));
                }
                std::io::Seek::rewind(&mut source)
                    .map_err(|e| CliError::io(ptau, "reading", &e))?;
                std::io::copy(&mut source, &mut step.output)
                    .map_err(|e| CliError::io(&path, "writing", &e))?;
                println!("{}: phase 1 starts from {}", path.display(), start.description);
            }
            (Some(start), None) => {
                return Err(CliError::environment(format!(
                    "the rules start from {}, and no file is given",
                    start.description
                ))
                .hint("add --ptau FILE"));
            }
            (None, Some(_)) => {
                return Err(CliError::environment("--ptau: the rules start from nothing")
                    .hint("describe the file in ceremony.toml under [phase1_start]"));
            }
        }
        step.commit(AttestationDraft::of_coordinator(ceremony, Action::Open, None)?, signer)?;
        verify_last(&open_ceremony_strict(ceremony.folder.root())?, &Track::Phase1)
    }
}

/// What a coordinator publishes when a ceremony opens.
fn announce(ceremony: &Ceremony) {
    let rules = ceremony.config.document();
    println!(
        "{}: ceremony {} ({}) is open",
        ceremony.folder.root().display(),
        rules.id,
        rules.kind
    );
    println!("  ceremony.toml      {}", ceremony.config.digest());
    println!(
        "  coordinator        {} ({})",
        rules.coordinator.name,
        rules.coordinator.key.fingerprint()
    );
    let first: Vec<&str> = ceremony
        .config
        .participants(Phase::One)
        .map(|participant| participant.name.as_str())
        .collect();
    if ceremony.config.has_own_phase1() {
        println!("  phase 1            {}", first.join(", "));
    }
    let second: Vec<&str> = ceremony
        .config
        .participants(Phase::Two)
        .map(|participant| participant.name.as_str())
        .collect();
    println!("  phase 2            {}", second.join(", "));
    if rules.kind == CeremonyKind::Rehearsal {
        println!("A rehearsal: no production policy will accept its keys.");
    }
    println!(
        "Publish the digest of ceremony.toml: every attestation names it. Next: cargo xtask ceremony status {}",
        ceremony.folder.root().display()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_a_sound_document() {
        let config = Config::from_toml(TEMPLATE.as_bytes()).unwrap();
        assert_eq!(config.document().kind, CeremonyKind::Production);
        assert!(TEMPLATE.len() < MAX_CONFIG_BYTES);
    }
}
