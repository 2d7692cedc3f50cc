//! `ceremony beacon`, `prepare` and `keygen`: what the coordinator does between and after the
//! contributions.

use std::io::{BufReader, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ceremony_core::format::bound_file::RecheckedFile;
use ceremony_core::format::ptau::{Levels, Ptau};
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::record::ContributorName;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::phase2::arkworks::AssignedCircuit;
use ceremony_core::{phase1, phase2};
use ceremony_folder::beacon::{PublicValue, planned_beacon};
use ceremony_folder::resumable::Aids;
use ceremony_folder::steps::{ensure_unchanged, open_input};
use ceremony_folder::store::{Input, LocalDirectory, Readers, Store as _};
use ceremony_folder::{
    AttestationDraft, Cause, Ceremony, Chain, CircuitKey, Folder, FolderLock, LongStep, NewStep,
    Prior, Slot, Stage, Step, Track, TurnError, VerifiedCeremony, remove_leftovers_of,
};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::ContributionHash;
use zk_attest::primitives::{CircuitName, Label};
use zk_attest::statement::{Action, Phase};

use super::once::write_once;
use super::prepared::verify_last;
use super::reject::say_moved;
use super::verify::{exported, verified};
use super::{parse_label, this_software};
use crate::cli::ceremony::{KeygenStep, NamedFile, PrepareStep};
use crate::commands::ptau_prepare::{Work, prepare_resumably};
use crate::failure;
use crate::outcome::made;
use crate::output::Output;
use crate::progress::Bars;
use crate::proving_key;
use crate::sealed::Recipients;
use crate::signer::Signer;

/// Closes every chain of the open phase. The caller holds the folder's lock.
pub(super) fn close_chains(
    ceremony: &Ceremony,
    value: &PublicValue,
    signer: &mut dyn Signer,
) -> Result<(), Diagnostic> {
    ceremony.ensure_coordinator(signer)?;
    let open = ceremony.chains_to_close()?;
    ceremony.ensure_none_came_late().map_err(|error| {
        Diagnostic::from(error).hint(format_args!(
            "take the step out with `{PROGRAM} ceremony reject {} STEP --reason TEXT`, then close \
             the phase",
            ceremony.folder.root().display()
        ))
    })?;
    let tracks: Vec<Track> = open.iter().map(|chain| chain.track.clone()).collect();
    // Judged before the work.
    for track in &tracks {
        planned_beacon(ceremony, track, value)?;
    }
    let verified = verify_last(ceremony, &tracks)?;
    for chain in open {
        close(ceremony, chain, (value, &verified), signer)?;
    }
    Ok(())
}

fn close(
    ceremony: &Ceremony,
    chain: &Chain,
    (value, verified): (&PublicValue, &Label),
    signer: &mut dyn Signer,
) -> Result<(), Diagnostic> {
    let track = &chain.track;
    let before = ceremony.head(track)?;
    let (beacon, attested) = planned_beacon(ceremony, track, value)?;
    let mut step = NewStep::begin(ceremony, track, Slot::Final)?;
    say_moved(&step.put_away);
    let name = ContributorName::new(ceremony.roster.coordinator().name.as_str());
    let hash = match track.phase() {
        Phase::One => {
            let mut input = Ptau::open(open_input(ceremony, &before.path)?)
                .map_err(|e| failure::format(&before.path, &e))?;
            let record = phase1::contribute::apply_beacon(
                &mut input,
                &mut step.output,
                beacon,
                Some(name),
                &Bars::default(),
            );
            let record = record.map_err(|e| failure::step(&before.path, &e))?;
            ensure_unchanged(&before.path, input.source(), &before.file, &Bars::default())?;
            ContributionHash(record.response_hash().0)
        }
        Phase::Two => {
            let mut input = Zkey::open(open_input(ceremony, &before.path)?)
                .map_err(|e| failure::format(&before.path, &e))?;
            let made = phase2::contribute::apply_beacon(
                &mut input,
                &mut step.output,
                &beacon,
                Some(&name),
                &Bars::default(),
            );
            let made = made.map_err(|e| failure::contribute_key(&before.path, &e))?;
            ensure_unchanged(&before.path, input.source(), &before.file, &Bars::default())?;
            ContributionHash(made.hash.0)
        }
    };
    let path = step.path();
    let said = AttestationDraft {
        contribution_hash: Some(hash),
        beacon: Some(attested),
        entropy: parse_label("entropy", "the beacon's public value, and nothing else")?,
        verified: verified.clone(),
        ..AttestationDraft::of_coordinator(
            ceremony,
            Action::Beacon,
            Some(before.file),
            &this_software(),
        )
    };
    let digests = step.commit(said, signer, &Bars::default())?;
    made(&path, format_args!("{track} is closed by its beacon"))
        .line("sha256", digests.sha256)
        .hash("contribution hash", hash);
    Ok(())
}

fn unopened(track: &Track) -> Diagnostic {
    TurnError::Unopened { track: track.clone() }.into()
}

impl PrepareStep {
    /// Prepares phase 1, then opens each circuit. What is done already is left alone.
    pub(crate) fn run_prepare(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open_sound(root)?;
        let mut signer = self.signer.open()?;
        ceremony.ensure_coordinator(signer.as_ref())?;
        if ceremony.stage() != Stage::Prepare {
            let what = if ceremony.phase1.prepared.is_some() {
                "phase 2 is open already"
            } else {
                "phase 1 is not closed yet"
            };
            return Err(Diagnostic::environment("environment", what).hint(format!(
                "`{PROGRAM} ceremony status {}` says what comes next",
                root.display()
            )));
        }
        prepare_phase2(root, Duration::from_secs(self.checkpoint_every), signer.as_mut())
    }
}

/// Prepares phase 1, with a checkpoint now and then, and opens each circuit. The caller holds the
/// folder's lock.
pub(super) fn prepare_phase2(
    root: &Path,
    checkpoint_every: Duration,
    signer: &mut dyn Signer,
) -> Result<(), Diagnostic> {
    {
        let ceremony = Ceremony::open_sound(root)?;
        ceremony.ensure_coordinator(signer)?;
        let last = ceremony.head(&Track::Phase1)?;
        if ceremony.phase1.prepared.is_none() {
            verify_last(&ceremony, &[Track::Phase1])?;
            prepare(&ceremony, last, checkpoint_every, signer)?;
        }
        let ceremony = Ceremony::open_sound(root)?;
        let Some(prepared) = &ceremony.phase1.prepared else {
            return Err(unopened(&Track::Phase1));
        };
        let unopened: Vec<&Chain> =
            ceremony.circuits.iter().filter(|chain| chain.steps.is_empty()).collect();
        // The prepared file: the circuits' chains have no last step yet.
        let tracks: Vec<Track> = unopened.iter().map(|chain| chain.track.clone()).collect();
        verify_last(&ceremony, &tracks)?;
        for chain in unopened {
            open_circuit(&ceremony, &chain.track, prepared, signer)?;
        }
        Ok(())
    }
}

fn prepare(
    ceremony: &Ceremony,
    last: &Step,
    checkpoint_every: Duration,
    signer: &mut dyn Signer,
) -> Result<(), Diagnostic> {
    let mut input = Ptau::open(open_input(ceremony, &last.path)?)
        .map_err(|e| failure::format(&last.path, &e))?;
    let levels = Levels::all(input.power());
    let is_prepared = input.lagrange().is_some_and(|own| own.levels == levels);
    let (step, aids) = if is_prepared {
        (copied(ceremony, last, &mut input)?, None)
    } else {
        let (step, aids) = computed(ceremony, last, &mut input, levels, checkpoint_every)?;
        (step, Some(aids))
    };
    let path = step.path();
    let digests = step.commit(
        AttestationDraft {
            verified: Prior::Step.words(),
            ..AttestationDraft::of_coordinator(
                ceremony,
                Action::Prepare,
                Some(last.file),
                &this_software(),
            )
        },
        signer,
        &Bars::default(),
    )?;
    if let Some(aids) = aids {
        aids.remove();
    }
    let power = input.power();
    made(&path, format_args!("prepared for circuits of up to 2^{power} constraints"))
        .line("sha256", digests.sha256);
    Ok(())
}

/// A file that came prepared: the same under the name that phase 2 reads.
fn copied<'a>(
    ceremony: &'a Ceremony,
    last: &Step,
    input: &mut Ptau<RecheckedFile<Input>>,
) -> Result<NewStep<'a>, Diagnostic> {
    let mut step = NewStep::begin(ceremony, &Track::Phase1, Slot::Prepared)?;
    say_moved(&step.put_away);
    let mut source = BufReader::with_capacity(1 << 20, input.source());
    source
        .rewind()
        .and_then(|()| std::io::copy(&mut source, &mut step.output))
        .map_err(|e| failure::io(&last.path, "copying", &e))?;
    ensure_unchanged(&last.path, input.source(), &last.file, &Bars::default())?;
    Ok(step)
}

/// What an earlier process had read of the input is not held to its digest here: what it made is
/// verified with the rest of the prepared file, before a circuit is opened.
fn computed<'a>(
    ceremony: &'a Ceremony,
    last: &Step,
    input: &mut Ptau<RecheckedFile<Input>>,
    levels: Levels,
    checkpoint_every: Duration,
) -> Result<(NewStep<'a>, Aids), Diagnostic> {
    let work = Work::new("ceremony prepare", last.file, levels, None);
    let note = work.first_note();
    let mut step = LongStep::begin(ceremony, &Track::Phase1, Slot::Prepared, &note)?;
    say_moved(&step.put_away);
    let files = (&work, &mut step.files);
    prepare_resumably((&last.path, &mut *input), levels, None, files, checkpoint_every)?;
    if let Err(error) = ensure_unchanged(&last.path, input.source(), &last.file, &Bars::default()) {
        // What was made of other bytes is of no use; a disk that fails takes nothing away.
        if matches!(error.cause, Cause::Changed(_)) {
            step.files.discard();
        }
        return Err(error.into());
    }
    Ok(step.finish())
}

fn open_circuit(
    ceremony: &Ceremony,
    track: &Track,
    prepared: &Step,
    signer: &mut dyn Signer,
) -> Result<(), Diagnostic> {
    let Track::Circuit(name) = track else { return Err(unopened(track)) };
    let r1cs_path = ceremony.folder.r1cs(name);
    let mut r1cs = R1cs::open(open_input(ceremony, &r1cs_path)?)
        .map_err(|e| failure::format(&r1cs_path, &e))?;
    let mut ptau = Ptau::open(open_input(ceremony, &prepared.path)?)
        .map_err(|e| failure::format(&prepared.path, &e))?;
    let mut step = NewStep::begin(ceremony, track, Slot::Number(0))?;
    say_moved(&step.put_away);
    let path = step.path();
    let key =
        phase2::initial_key::new_key(&mut r1cs, &mut ptau, &mut step.output, &Bars::default())
            .map_err(|e| failure::setup(&r1cs_path, &prepared.path, &path, &e))?;
    ensure_unchanged(&prepared.path, ptau.source(), &prepared.file, &Bars::default())?;
    if let Some(digest) = ceremony.circuit_digest(name) {
        ensure_unchanged(
            &r1cs_path,
            r1cs.source(),
            &zk_attest::digest::FileDigest(digest.0),
            &Bars::default(),
        )?;
    }
    let digests = step.commit(
        AttestationDraft {
            verified: Prior::Prepared.words(),
            ..AttestationDraft::of_coordinator(
                ceremony,
                Action::Open,
                Some(prepared.file),
                &this_software(),
            )
        },
        signer,
        &Bars::default(),
    )?;
    let (constraints, public) = (key.shape.constraints(), key.shape.public());
    let what = format!("initial key of {track}, {constraints} constraints, {public} public inputs");
    made(&path, what).line("sha256", digests.sha256).hash("circuit hash", key.initial_key_hash);
    Ok(())
}

impl KeygenStep {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open_sound(root)?;
        ensure_usable(&ceremony, &self.witness, &self.seal_to)?;
        let keys = Keys::begin(&ceremony, self.private.as_deref(), &self.seal_to)?;
        keys.write(&verified(&ceremony)?, &self.witness)
    }
}

/// Keys about to be written: their places were judged, before the work of a verification.
pub(super) struct Keys<'a> {
    ceremony: &'a Ceremony,
    private: Private,
    recipients: Option<Recipients>,
}

impl<'a> Keys<'a> {
    pub(super) fn begin(
        ceremony: &'a Ceremony,
        private: Option<&Path>,
        seal_to: &[String],
    ) -> Result<Self, Diagnostic> {
        let recipients = if seal_to.is_empty() { None } else { Some(Recipients::parse(seal_to)?) };
        let private = Private::begin(ceremony, private)?;
        for circuit in &ceremony.config.document().circuits {
            drop(private.create(&private_name(&circuit.name, recipients.is_some()))?);
        }
        Ok(Self { ceremony, private, recipients })
    }

    /// Writes the keys of every circuit of the verified ceremony.
    pub(super) fn write(
        &self,
        done: &VerifiedCeremony,
        witnesses: &[NamedFile],
    ) -> Result<(), Diagnostic> {
        for key in done.keys() {
            let witness = witnesses
                .iter()
                .find(|witness| witness.name == key.name)
                .map(|witness| witness.path.as_path());
            write_keys(self.ceremony, &self.private, key, witness, self.recipients.as_ref())?;
        }
        Ok(())
    }
}

/// Refuses what keys cannot be tested with or sealed to, before the work of a verification.
pub(super) fn ensure_usable(
    ceremony: &Ceremony,
    witnesses: &[NamedFile],
    seal_to: &[String],
) -> Result<(), Diagnostic> {
    if !seal_to.is_empty() {
        Recipients::parse(seal_to)?;
    }
    let circuits = &ceremony.config.document().circuits;
    for witness in witnesses {
        if circuits.iter().all(|circuit| circuit.name != witness.name) {
            return Err(Diagnostic::environment(
                "ceremony-has-no-circuit",
                format_args!("the ceremony has no circuit {}", witness.name),
            )
            .at("--witness")
            .hint("name a circuit of ceremony.toml"));
        }
        assigned(ceremony, &witness.name, &witness.path)?;
    }
    Ok(())
}

/// A circuit of the ceremony with a witness, which satisfies it.
fn assigned(
    ceremony: &Ceremony,
    name: &CircuitName,
    witness: &Path,
) -> Result<AssignedCircuit, Diagnostic> {
    let r1cs_path = ceremony.folder.r1cs(name);
    let mut r1cs = R1cs::open(ceremony.folder.open(&r1cs_path)?)
        .map_err(|e| failure::format(&r1cs_path, &e))?;
    proving_key::assigned(&mut r1cs, witness)
}

/// Writes the keys of a circuit. A verifying key that stands there already must be the same.
fn write_keys(
    ceremony: &Ceremony,
    private: &Private,
    key: &CircuitKey,
    witness: Option<&Path>,
    recipients: Option<&Recipients>,
) -> Result<(), Diagnostic> {
    let track = Track::Circuit(key.name.clone());
    let last = ceremony.head(&track)?;
    let mut source = Zkey::open(open_input(ceremony, &last.path)?)
        .map_err(|e| failure::format(&last.path, &e))?;
    let circuit = witness.map(|path| assigned(ceremony, &key.name, path)).transpose()?;
    let mut output = private.create(&private_name(&key.name, recipients.is_some()))?;
    let path = output.path().to_owned();
    let from = (&mut source, last.path.as_path());
    let vk = match recipients {
        None => proving_key::write(from, circuit.as_ref(), &mut output, &path)?,
        Some(recipients) => {
            let mut sealed = recipients.seal(&mut output)?;
            let vk = proving_key::write(from, circuit.as_ref(), &mut sealed, &path)?;
            sealed.finish().map_err(|error| failure::io(&path, "writing", &error))?;
            vk
        }
    };
    ensure_unchanged(&last.path, source.source(), &last.file, &Bars::default())?;
    if vk != key.verifying_key {
        return Err(Diagnostic::artefact("changed", "the key changed after it was verified")
            .at(last.path.display())
            .hint(
                "copy the folder to a place that nothing else writes to, and run the same command \
             again",
            ));
    }
    for (path, bytes) in exported(ceremony, key)? {
        write_once(ceremony, &path, &bytes)?;
        made(&path, format_args!("verifying key of {track}"));
    }
    output.commit()?;
    made(&path, "proving key for arkworks")
        .line("self-test", proving_key::tested(circuit.is_some()));
    Ok(())
}

/// What a proving key's file is called.
fn private_name(circuit: &CircuitName, is_sealed: bool) -> String {
    let name = Folder::proving_key(circuit);
    if is_sealed { format!("{name}.age") } else { name }
}

/// A folder for its owner only, outside of the ceremony's, which git leaves alone.
struct Private(PathBuf);

impl Private {
    fn begin(ceremony: &Ceremony, given: Option<&Path>) -> Result<Self, Diagnostic> {
        let root = ceremony.folder.root();
        let folder = given.map_or_else(|| ceremony.folder.private(), Path::to_owned);
        // As far as it is there, links followed: what is missing will be made below.
        let real = |path: &Path| path.canonicalize().ok();
        let there =
            std::path::absolute(&folder).map_err(|e| failure::io(&folder, "opening", &e))?;
        let there = there.ancestors().find_map(real);
        if there.zip(real(root)).is_some_and(|(there, root)| there.starts_with(root)) {
            return Err(Diagnostic::environment(
                "private-inside",
                "proving keys do not go into the ceremony folder, which is copied and published",
            )
            .at(folder.display())
            .found(format_args!("a folder in {}", root.display()))
            .expected(ceremony.folder.private().display())
            .hint("leave out --private, or name a folder elsewhere"));
        }
        let private = Self(folder);
        let mut ignored = private.create(".gitignore")?;
        let path = ignored.path().to_owned();
        ignored.write_all(b"*\n").map_err(|e| failure::io(&path, "writing", &e))?;
        ignored.commit()?;
        remove_leftovers_of(&private.0);
        Ok(private)
    }

    /// Begins a file that its owner alone can read.
    fn create(&self, name: &str) -> Result<Output, Diagnostic> {
        let parent = self.0.parent().unwrap_or(Path::new(""));
        let folder = Path::new(self.0.file_name().unwrap_or_default());
        if folder == Path::new("") {
            return Err(Diagnostic::environment("option", "this is not the name of a folder")
                .at(self.0.display())
                .hint("name a folder that can be made"));
        }
        let store = LocalDirectory::new(parent);
        Ok(store.create(&folder.join(name), true, Readers::Owner)?)
    }
}
