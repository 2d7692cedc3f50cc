//! `ceremony beacon`, `prepare` and `keygen`: what the coordinator does between and after the contributions.

use std::fs;
use std::io::{BufReader, Seek as _, Write as _};
use std::path::Path;

use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::record::ContributorName;
use ceremony_core::format::verification_key::write_verification_key;
use ceremony_core::format::wtns::read_wtns;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::keygen;
use ceremony_core::phase2::arkworks::AssignedCircuit;
use ceremony_core::{phase1, phase2};
use ceremony_folder::{Ceremony, Chain, CircuitKey, Slot, Stage, Step, Track};
use zk_attest::digest::ContributionHash;
use zk_attest::primitives::CeremonyKind;
use zk_attest::statement::{Action, Phase};

use super::verify::verified;
use crate::cli::OutputArgs;
use crate::cli::ceremony::{BeaconStep, CoordinatorStep, KeygenStep};
use crate::commands::zkey::{contribute_error, keygen_error, self_test_error, setup_error};
use crate::error::CliError;
use crate::folder::{
    AttestationDraft, FolderLock, NewStep, beacon, ensure_coordinator, ensure_unchanged, input,
    open_ceremony_strict, text, verify_last, write_file,
};
use crate::output::{Output, open};
use crate::progress::Bars;
use crate::show::hex_groups;
use crate::signer::Signer;

impl BeaconStep {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = open_ceremony_strict(root)?;
        let mut signer = self.signer.open()?;
        ensure_coordinator(&ceremony, signer.as_ref())?;
        let Stage::Contributions(phase) = ceremony.stage() else {
            return Err(CliError::environment("no phase is open, so there is none to close").hint(
                format!("`cargo xtask ceremony status {}` says what comes next", root.display()),
            ));
        };
        let open: Vec<&Chain> = ceremony
            .chains()
            .filter(|chain| chain.track.phase() == phase && !chain.is_closed())
            .collect();
        for chain in &open {
            ensure_enough(&ceremony, chain)?;
        }
        let value = self.value(ceremony.config.document().kind)?;
        for chain in &open {
            verify_last(&ceremony, &chain.track)?;
        }
        for chain in open {
            close(&ceremony, chain, &value, signer.as_mut())?;
        }
        Ok(())
    }

    fn value(&self, kind: CeremonyKind) -> Result<Vec<u8>, CliError> {
        match &self.value.value {
            Some(hex) => hex::decode(hex)
                .map_err(|e| CliError::environment(format!("--value: {e}")).hint("give the beacon's bytes in hexadecimal, without 0x")),
            None if kind == CeremonyKind::Rehearsal => {
                let mut value = vec![0; 32];
                getrandom::fill(&mut value).map_err(|e| CliError::environment(format!("the operating system gives no randomness: {e}")))?;
                Ok(value)
            }
            None => Err(CliError::environment(
                "--random is for rehearsals\n  found     a ceremony of kind production\n  expected  a value that nobody could choose",
            )
            .hint("give the announced value with --value HEX")),
        }
    }
}

/// Refuses a beacon before there are the contributions that the rules ask for.
fn ensure_enough(ceremony: &Ceremony, chain: &Chain) -> Result<(), CliError> {
    let (found, expected) =
        (chain.contributions().count(), ceremony.config.minimum(chain.track.phase()) as usize);
    if found >= expected {
        return Ok(());
    }
    let next: Vec<&str> =
        chain.next(&ceremony.config).iter().map(|participant| participant.name.as_str()).collect();
    Err(CliError::environment(format!(
        "{}: too few contributions for the beacon\n  found     {found}\n  expected  at least {expected}",
        chain.track
    ))
    .hint(format!("wait for {}", next.join(" or "))))
}

fn close(
    ceremony: &Ceremony,
    chain: &Chain,
    value: &[u8],
    signer: &mut dyn Signer,
) -> Result<(), CliError> {
    let track = &chain.track;
    let Some(before) = chain.steps.last() else { return Err(unopened(track)) };
    let (beacon, attested) = beacon(ceremony, track, value)?;
    let mut step = NewStep::begin(ceremony, track, Slot::Final)?;
    let name = ContributorName::new(ceremony.config.document().coordinator.name.as_str());
    let hash = match track.phase() {
        Phase::One => {
            let mut input =
                Ptau::open(input(&before.path)?).map_err(|e| CliError::format(&before.path, &e))?;
            let record = phase1::contribute::apply_beacon(
                &mut input,
                &mut step.output,
                beacon,
                Some(name),
                &Bars::default(),
            );
            let record = record.map_err(|e| CliError::step(&before.path, &e))?;
            ensure_unchanged(&before.path, input.source(), &before.file)?;
            ContributionHash(record.response_hash().0)
        }
        Phase::Two => {
            let mut input =
                Zkey::open(input(&before.path)?).map_err(|e| CliError::format(&before.path, &e))?;
            let made = phase2::contribute::apply_beacon(
                &mut input,
                &mut step.output,
                &beacon,
                Some(&name),
                &Bars::default(),
            );
            let made = made.map_err(|e| contribute_error(&before.path, &e))?;
            ensure_unchanged(&before.path, input.source(), &before.file)?;
            ContributionHash(made.hash.0)
        }
    };
    let path = step.path();
    let said = AttestationDraft {
        contribution_hash: Some(hash),
        beacon: Some(attested),
        entropy: text("entropy", "the beacon's public value, and nothing else")?,
        ..AttestationDraft::of_coordinator(ceremony, Action::Beacon, Some(before.file))?
    };
    let digests = step.commit(said, signer)?;
    println!(
        "{}: {track} is closed by its beacon\n  sha256             {}\n  contribution hash\n{}",
        path.display(),
        digests.sha256,
        hex_groups(hash)
    );
    Ok(())
}

fn unopened(track: &Track) -> CliError {
    CliError::artefact(format!("{track}: the chain has no opening"))
        .hint("the coordinator opens it with `cargo xtask ceremony new` or `prepare`")
}

impl CoordinatorStep {
    /// Prepares phase 1, then opens each circuit. What is done already is left alone.
    pub(crate) fn run_prepare(self) -> Result<(), CliError> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = open_ceremony_strict(root)?;
        let mut signer = self.signer.open()?;
        ensure_coordinator(&ceremony, signer.as_ref())?;
        if ceremony.stage() != Stage::Prepare {
            let what = if ceremony.phase1.prepared.is_some() {
                "phase 2 is open already"
            } else {
                "phase 1 is not closed yet"
            };
            return Err(CliError::environment(what).hint(format!(
                "`cargo xtask ceremony status {}` says what comes next",
                root.display()
            )));
        }
        let Some(last) = ceremony.phase1.steps.last() else { return Err(unopened(&Track::Phase1)) };
        if ceremony.phase1.prepared.is_none() {
            verify_last(&ceremony, &Track::Phase1)?;
            prepare(&ceremony, last, signer.as_mut())?;
        }
        let ceremony = open_ceremony_strict(root)?;
        let Some(prepared) = &ceremony.phase1.prepared else {
            return Err(unopened(&Track::Phase1));
        };
        let unopened: Vec<&Chain> =
            ceremony.circuits.iter().filter(|chain| chain.steps.is_empty()).collect();
        if let Some(first) = unopened.first() {
            // Verifies the prepared file: the circuits' chains have no last step yet.
            verify_last(&ceremony, &first.track)?;
        }
        for chain in unopened {
            open_circuit(&ceremony, &chain.track, prepared, signer.as_mut())?;
        }
        Ok(())
    }
}

fn prepare(ceremony: &Ceremony, last: &Step, signer: &mut dyn Signer) -> Result<(), CliError> {
    let mut input = Ptau::open(input(&last.path)?).map_err(|e| CliError::format(&last.path, &e))?;
    let mut step = NewStep::begin(ceremony, &Track::Phase1, Slot::Prepared)?;
    if input.lagrange().is_some() {
        // It came prepared: the same file under the name that phase 2 reads.
        let mut source = BufReader::with_capacity(1 << 20, input.source());
        source
            .rewind()
            .and_then(|()| std::io::copy(&mut source, &mut step.output))
            .map_err(|e| CliError::io(&last.path, "copying", &e))?;
    } else {
        phase1::prepare::prepare(&mut input, &mut step.output, &Bars::default())
            .map_err(|e| CliError::step(&last.path, &e))?;
    }
    ensure_unchanged(&last.path, input.source(), &last.file)?;
    let path = step.path();
    let digests = step.commit(
        AttestationDraft::of_coordinator(ceremony, Action::Prepare, Some(last.file))?,
        signer,
    )?;
    println!(
        "{}: prepared for circuits of up to 2^{} constraints\n  sha256             {}",
        path.display(),
        input.power(),
        digests.sha256
    );
    Ok(())
}

fn open_circuit(
    ceremony: &Ceremony,
    track: &Track,
    prepared: &Step,
    signer: &mut dyn Signer,
) -> Result<(), CliError> {
    let Track::Circuit(name) = track else { return Err(unopened(track)) };
    let r1cs_path = ceremony.folder.r1cs(name);
    let mut r1cs = R1cs::open(input(&r1cs_path)?).map_err(|e| CliError::format(&r1cs_path, &e))?;
    let mut ptau =
        Ptau::open(input(&prepared.path)?).map_err(|e| CliError::format(&prepared.path, &e))?;
    let mut step = NewStep::begin(ceremony, track, Slot::Number(0))?;
    let path = step.path();
    let key =
        phase2::initial_key::new_key(&mut r1cs, &mut ptau, &mut step.output, &Bars::default())
            .map_err(|e| setup_error(&r1cs_path, &prepared.path, &path, &e))?;
    ensure_unchanged(&prepared.path, ptau.source(), &prepared.file)?;
    if let Some(digest) = ceremony.circuit_digest(name) {
        ensure_unchanged(&r1cs_path, r1cs.source(), &zk_attest::digest::FileDigest(digest.0))?;
    }
    let digests = step.commit(
        AttestationDraft::of_coordinator(ceremony, Action::Open, Some(prepared.file))?,
        signer,
    )?;
    println!(
        "{}: initial key of {track}, {} constraints, {} public inputs\n  sha256             {}\n  circuit hash\n{}",
        path.display(),
        key.shape.constraints(),
        key.shape.public(),
        digests.sha256,
        hex_groups(key.initial_key_hash)
    );
    Ok(())
}

impl KeygenStep {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = open_ceremony_strict(root)?;
        let done = verified(&ceremony)?;
        for key in done.keys() {
            let witness = self
                .witness
                .iter()
                .find(|witness| witness.name == key.name)
                .map(|witness| witness.path.as_path());
            write_keys(&ceremony, key, witness)?;
        }
        if let Some(unknown) = self
            .witness
            .iter()
            .find(|witness| !done.keys().iter().any(|key| key.name == witness.name))
        {
            return Err(CliError::environment(format!(
                "--witness: the ceremony has no circuit {}",
                unknown.name
            ))
            .hint("name a circuit of ceremony.toml"));
        }
        Ok(())
    }
}

/// Writes the keys of a circuit. A verifying key that stands there already must be the same.
fn write_keys(
    ceremony: &Ceremony,
    key: &CircuitKey,
    witness: Option<&Path>,
) -> Result<(), CliError> {
    let track = Track::Circuit(key.name.clone());
    let Some(last) =
        ceremony.chains().find(|chain| chain.track == track).and_then(|chain| chain.steps.last())
    else {
        return Err(unopened(&track));
    };
    let mut source =
        Zkey::open(input(&last.path)?).map_err(|e| CliError::format(&last.path, &e))?;
    let proving_key = keygen::proving_key(&mut source, &Bars::default())
        .map_err(|e| keygen_error(&last.path, &e))?;
    keygen::check_consistency(&mut source, &proving_key)
        .map_err(|e| self_test_error(&last.path, &e))?;
    ensure_unchanged(&last.path, source.source(), &last.file)?;
    if proving_key.vk != key.verifying_key {
        return Err(CliError::artefact(format!(
            "{}: the key changed after it was verified",
            last.path.display()
        ))
        .hint(
            "copy the folder to a place that nobody else writes to, and run the same command again",
        ));
    }
    if let Some(path) = witness {
        let values = read_wtns(open(path)?).map_err(|e| CliError::format(path, &e))?;
        let r1cs_path = ceremony.folder.r1cs(&key.name);
        let mut r1cs =
            R1cs::open(open(&r1cs_path)?).map_err(|e| CliError::format(&r1cs_path, &e))?;
        let circuit = AssignedCircuit::new(&mut r1cs, values).map_err(|e| {
            CliError::of_key(
                path,
                &e,
                false,
                "give a witness that the circuit's own program calculated",
            )
        })?;
        keygen::prove_and_verify(&proving_key, &circuit)
            .map_err(|e| self_test_error(&last.path, &e))?;
    }
    let json = write_verification_key(&key.verifying_key)
        .map_err(|e| CliError::environment(e.to_string()))?;
    let contents: [&[u8]; 3] = [&key.bytes.compressed, &key.bytes.uncompressed, json.as_bytes()];
    for (path, bytes) in ceremony.folder.verifying_keys(&key.name).iter().zip(contents) {
        write_once(path, bytes)?;
        println!("{}: verifying key of {track}", path.display());
    }
    let path = ceremony.folder.proving_key(&key.name);
    make_private(&ceremony.folder.private())?;
    let mut output = Output::create_private(&OutputArgs { path: path.clone(), force: true }, &[])?;
    let mut buffered = std::io::BufWriter::new(&mut output);
    keygen::write_proving_key(&proving_key, &mut buffered).map_err(|e| keygen_error(&path, &e))?;
    buffered.flush().map_err(|e| CliError::io(&path, "writing", &e))?;
    drop(buffered);
    output.commit()?;
    let tested = if witness.is_some() {
        "a proof was made and verified"
    } else {
        "no witness given: checked for consistency only"
    };
    println!("{}: proving key for arkworks\n  self-test          {tested}", path.display());
    Ok(())
}

/// Writes a file that is the same each time: one that is there and differs is an error.
pub(super) fn write_once(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|e| CliError::io(parent, "creating", &e))?;
    match fs::read(path) {
        Ok(found) if found == bytes => Ok(()),
        Ok(_) => Err(CliError::artefact(format!("{}: it is not what this ceremony gives", path.display()))
            .hint("somebody altered it: keep a copy as evidence, remove it, and run the same command again")),
        Err(_) => write_file(path, bytes, false),
    }
}

/// A folder for its owner only, which git leaves alone.
fn make_private(path: &Path) -> Result<(), CliError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|e| CliError::io(path, "creating", &e))?;
    write_file(&path.join(".gitignore"), b"*\n", true)
}
