//! `ceremony new`: the folder, its rules, its circuits, and the start of phase 1.

use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::path::Path;

use ceremony_core::format::bound_file::digest_file;
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::phase1::contribute::new;
use ceremony_folder::config::MAX_CONFIG_BYTES;
use ceremony_folder::{
    AttestationDraft, Ceremony, Config, Folder, FolderLock, NewStep, Slot, Track, budget,
};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::file::read_regular;
use zk_attest::primitives::{CeremonyKind, Label, Timestamp};
use zk_attest::statement::{Action, Phase};

use super::participant_page::page;
use super::prepared::verify_last;
use super::this_software;
use crate::cli::ceremony::NewCeremony;
use crate::failure;
use crate::outcome::{self, Made, made, note};
use crate::output::open;
use crate::progress::Bars;
use crate::show::leave_stdout;
use crate::signer::Signer;

/// What `ceremony new --template` prints.
pub(crate) const TEMPLATE: &str = include_str!("template.toml");

impl NewCeremony {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        if self.template {
            leave_stdout();
            print!("{}", TEMPLATE.replace("zk-ceremony ", &format!("{PROGRAM} ")));
            return Ok(());
        }
        let arguments = |what: &str| {
            Diagnostic::environment("arguments", what)
                .hint(format!("`{PROGRAM} ceremony new --help` has an example"))
        };
        let Some(path) = &self.config else { return Err(arguments("give --config FILE")) };
        let bytes = read_regular(path, MAX_CONFIG_BYTES)
            .map_err(|refusal| failure::refusal(path, &refusal))?;
        let config = Config::from_toml(&bytes).map_err(|error| {
            Diagnostic::from(&error).at(path.display()).hint(format_args!(
                "`{PROGRAM} ceremony new --template` prints a commented example"
            ))
        })?;
        // All that can be refused is refused before there is a folder.
        self.ensure_circuits_of(&config)?;
        config.ensure_rounds_to_come(&Timestamp::now()).map_err(|error| {
            Diagnostic::from(&error).at(path.display()).hint(
                "write rounds into ceremony.toml that are published when everybody has contributed",
            )
        })?;
        let start = self.start(&config)?;
        if self.check {
            announce(outcome::found(path, "these rules can be opened"), &config);
            return Ok(());
        }
        let Some(root) = &self.folder else { return Err(arguments("give DIR")) };
        let mut signer = self.signer.open()?;
        config.ensure_coordinator(signer.as_ref())?;
        let folder = Folder::new(root);
        ensure_no_other(&folder, &config)?;
        fs::create_dir_all(root).map_err(|e| failure::io(root, "creating", &e))?;
        let _lock = FolderLock::take(root)?;
        self.copy(&folder, &config)?;
        let ceremony = Ceremony::open_sound(root)?;
        if ceremony.phase1.steps.is_empty() {
            open_phase1(&ceremony, start, signer.as_mut())?;
        }
        Ceremony::open_sound(root)?;
        let (id, kind) = (&config.document().id, config.document().kind);
        announce(made(root, format_args!("ceremony {id} ({kind}) is open")), &config);
        made(&folder.participant_page(), "the page to mail to participants");
        note!(
            "Publish the digest of ceremony.toml: every attestation names it. Next: {PROGRAM} \
             ceremony status {}",
            root.display()
        );
        Ok(())
    }

    /// Each circuit of the rules is given once, has the digest of the rules, and fits into the
    /// power and the budget.
    fn ensure_circuits_of(&self, config: &Config) -> Result<(), Diagnostic> {
        let mut files = Vec::new();
        for circuit in &config.document().circuits {
            let given: Vec<&Path> = self
                .circuit
                .iter()
                .filter(|given| given.name == circuit.name)
                .map(|given| given.path.as_path())
                .collect();
            let [path] = given.as_slice() else {
                return Err(Diagnostic::environment(
                    "circuit-its-file-given",
                    format_args!("circuit {}: its file is to be given once", circuit.name),
                )
                .hint(format!("add --circuit {}=FILE.r1cs", circuit.name)));
            };
            let mut file = open(path)?;
            let found = digest_file(&mut file, &Bars::default())
                .map_err(|e| failure::io(path, "reading", &e))?
                .sha256;
            if found.0 != circuit.sha256.0 {
                return Err(Diagnostic::artefact(
                    "another-circuit",
                    "this is not the circuit of the rules",
                )
                .at(path.display())
                .found(found)
                .expected(circuit.sha256)
                .hint(
                    "give the file that the rules were written for, or put its SHA-256 into \
                     ceremony.toml",
                ));
            }
            let r1cs = R1cs::open(file).map_err(|e| failure::format(path, &e))?;
            let (needed, power) = (r1cs.shape().power(), config.power());
            if needed > power {
                return Err(Diagnostic::artefact(
                    "power-too-small",
                    "the circuit does not fit into the power of the rules",
                )
                .at(path.display())
                .found(format_args!("power {power}"))
                .expected(format_args!("at least {needed}"))
                .hint("set a higher power in ceremony.toml"));
            }
            files.push((circuit.name.clone(), r1cs));
        }
        budget::ensure_circuits(&mut files)?;
        match self.circuit.iter().find(|given| {
            !config.document().circuits.iter().any(|circuit| circuit.name == given.name)
        }) {
            None => Ok(()),
            Some(unknown) => Err(Diagnostic::environment(
                "rules-name-no-circuit",
                format_args!("the rules name no circuit {}", unknown.name),
            )
            .at("--circuit")
            .hint("name the circuits of ceremony.toml")),
        }
    }

    /// The file that phase 1 starts from, which is the one that the rules pin; none where it starts
    /// from nothing.
    fn start(&self, config: &Config) -> Result<Option<Start>, Diagnostic> {
        match (&config.document().phase1_start, &self.ptau) {
            (None, None) => Ok(None),
            (Some(start), Some(ptau)) => {
                let mut file = open(ptau)?;
                let found = digest_file(&mut file, &Bars::default())
                    .map_err(|e| failure::io(ptau, "reading", &e))?
                    .sha256;
                if found.0 != start.sha256.0 {
                    return Err(Diagnostic::artefact(
                        "another-start",
                        "this is not the file that the rules start from",
                    )
                    .at(ptau.display())
                    .found(found)
                    .expected(start.sha256)
                    .hint("fetch the file that ceremony.toml describes under [phase1_start]"));
                }
                file.rewind().map_err(|e| failure::io(ptau, "reading", &e))?;
                Ok(Some(Start { file, description: start.description.clone() }))
            }
            (Some(start), None) => Err(Diagnostic::environment(
                "rules-start-from-no",
                format_args!("the rules start from {}, and no file is given", start.description),
            )
            .hint("add --ptau FILE")),
            (None, Some(_)) => {
                Err(Diagnostic::environment("no-start-in-rules", "the rules start from nothing")
                    .at("--ptau")
                    .hint("describe the file in ceremony.toml under [phase1_start]"))
            }
        }
    }

    /// Rules and circuits. What is there already is from a run that was interrupted.
    fn copy(&self, folder: &Folder, config: &Config) -> Result<(), Diagnostic> {
        let rules = folder.config();
        if !folder.is_present(&rules) {
            write(folder, &rules, config.bytes(), false)?;
        }
        ensure_no_other(folder, config)?;
        let ignored = folder.root().join(".gitignore");
        write(folder, &ignored, b"private/\n.zk-ceremony*\n", true)?;
        write(folder, &folder.participant_page(), page(config).as_bytes(), true)?;
        for given in &self.circuit {
            let path = folder.r1cs(&given.name);
            let mut output = folder.create(&path, true)?;
            let mut source = open(&given.path)?;
            std::io::copy(&mut source, &mut output)
                .map_err(|e| failure::io(&path, "writing", &e))?;
            output.flush().map_err(|e| failure::io(&path, "writing", &e))?;
            output.commit()?;
        }
        Ok(())
    }
}

/// The external file that phase 1 starts from.
struct Start {
    file: File,
    description: Label,
}

/// Refuses a folder that has other rules.
fn ensure_no_other(folder: &Folder, config: &Config) -> Result<(), Diagnostic> {
    let rules = folder.config();
    match folder.read(&rules, MAX_CONFIG_BYTES) {
        Ok(found) if found == config.bytes() => Ok(()),
        Ok(_) => {
            Err(Diagnostic::environment("another-ceremony", "another ceremony is in this folder")
                .at(folder.root().display())
                .hint("name another folder"))
        }
        Err(error) if folder.is_present(&rules) => Err(error.into()),
        Err(_) => Ok(()),
    }
}

fn open_phase1(
    ceremony: &Ceremony,
    start: Option<Start>,
    signer: &mut dyn Signer,
) -> Result<(), Diagnostic> {
    let mut step = NewStep::begin(ceremony, &Track::Phase1, Slot::Number(0))?;
    let path = step.path();
    match start {
        None => {
            let challenge = new(ceremony.config.power(), &mut step.output, &Bars::default())
                .map_err(|e| failure::step(&path, &e))?;
            let power = ceremony.config.power();
            made(&path, format_args!("a new phase 1 of power {power}"))
                .hash("first challenge", challenge);
        }
        Some(mut start) => {
            std::io::copy(&mut start.file, &mut step.output)
                .map_err(|e| failure::io(&path, "writing", &e))?;
            made(&path, format_args!("phase 1 starts from {}", start.description));
        }
    }
    step.commit(
        AttestationDraft::of_coordinator(ceremony, Action::Open, None, &this_software()),
        signer,
        &Bars::default(),
    )?;
    verify_last(&Ceremony::open_sound(ceremony.folder.root())?, &[Track::Phase1])?;
    Ok(())
}

/// Writes a small file whole.
fn write(folder: &Folder, path: &Path, bytes: &[u8], replace: bool) -> Result<(), Diagnostic> {
    let mut output = folder.create(path, replace)?;
    output.write_all(bytes).map_err(|e| failure::io(path, "writing", &e))?;
    Ok(output.commit()?)
}

/// What a coordinator publishes when a ceremony opens.
fn announce(open: Made, config: &Config) {
    let rules = config.document();
    let coordinator = &rules.coordinator;
    let mut open = open.line("ceremony.toml", config.digest()).line(
        "coordinator",
        format_args!("{} ({})", coordinator.name, coordinator.key.fingerprint()),
    );
    let names = |phase| {
        let names: Vec<&str> =
            config.participants(phase).map(|participant| participant.name.as_str()).collect();
        names.join(", ")
    };
    if config.has_own_phase1() {
        open = open.line("phase 1", names(Phase::One));
    }
    open = open.line("phase 2", names(Phase::Two));
    if config.asks_for_committed_secrets() {
        open = open.line(
            "commitments",
            format_args!(
                "to all secrets, before the first contribution of each phase: contributions are \
                 made with `{PROGRAM} ceremony join` only, none with other tools"
            ),
        );
        warn_of_minima(config);
    }
    for phase in [Phase::One, Phase::Two] {
        let Some(plan) = config.beacon(phase) else { continue };
        let time = plan.time().map_or_else(String::new, |time| format!(", published at {time}"));
        open = open.line(
            &format!("beacon of phase {}", u8::from(phase)),
            format_args!("{}, round {}{time}", plan.source, plan.round),
        );
    }
    drop(open);
    if rules.kind == CeremonyKind::Rehearsal {
        note!("A rehearsal: no production policy will accept its keys.");
    }
}

/// One who misses the round of commitments, or whose process ends after it, cannot come later.
fn warn_of_minima(config: &Config) {
    for phase in [Phase::One, Phase::Two] {
        let people = config.participants(phase).count();
        let minimum = config.minimum(phase) as usize;
        if (phase == Phase::Two || config.has_own_phase1()) && people <= minimum {
            let number = u8::from(phase);
            eprintln!(
                "warning: phase {number} needs all of its {people} participants, and with \
                 commitments nobody can come later: one absence ends the ceremony\nhint: name a \
                 few more participants, or lower minimum_contributions.phase{number}"
            );
        }
    }
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
