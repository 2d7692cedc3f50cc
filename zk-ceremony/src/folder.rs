//! Writing steps into a ceremony folder: one process at a time, a step's file and attestation together, nothing half-done.
//!
//! The attestation gets its name first and the data file last, so that a step exists only when both are there. An attestation whose file never came is
//! not part of the chain, and the next attempt replaces it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ceremony_core::entropy::Beacon;
use ceremony_core::format::FormatError;
use ceremony_core::format::bound_file::{
    Change, DigestError, FileDigests, RecheckedFile, digest_file,
};
use ceremony_core::hash::FileSha256;
use ceremony_folder::{Cause, Ceremony, CeremonyError, Depth, Slot, StepName, Track, Verification};
use zk_attest::digest::{ContributionHash, FileDigest};
use zk_attest::primitives::{
    Beacon as AttestedBeacon, BeaconExponent, BeaconValue, Label, Timestamp,
};
use zk_attest::statement::{Action, Statement, StepAttestation, Subject};

use crate::cli::OutputArgs;
use crate::error::CliError;
use crate::output::{Output, open};
use crate::progress::Bars;
use crate::signer::{Signer, sign_envelope};

/// How long a command waits for another one.
const LOCK_PATIENCE: Duration = Duration::from_secs(120);

/// Held while a command works in a folder; another one on the same machine is refused meanwhile.
#[derive(Debug)]
pub(crate) struct FolderLock(
    #[expect(dead_code, reason = "the lock lasts as long as the file is open")] File,
);

impl FolderLock {
    pub(crate) fn take(root: &Path) -> Result<Self, CliError> {
        let path = root.join(".zk-ceremony.lock");
        let file = File::create(&path).map_err(|e| CliError::io(&path, "creating", &e))?;
        // Another command's step may be about to finish: wait for it, but not for ever.
        let deadline = Instant::now() + LOCK_PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(200))
                }
                Err(fs::TryLockError::WouldBlock) => {
                    return Err(CliError::environment(format!(
                        "{}: another command is working in this folder",
                        root.display()
                    ))
                    .hint("wait until it has ended, then run the same command again"));
                }
                // A file system without locks: steps still appear whole or not at all.
                Err(fs::TryLockError::Error(_)) => break,
            }
        }
        remove_leftovers(root);
        Ok(Self(file))
    }
}

/// Removes temporary files of commands that were killed. Under the lock nobody writes to the chains' folders, so none of them is in use.
fn remove_leftovers(root: &Path) {
    let circuits = fs::read_dir(root.join("circuits"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    for folder in circuits.chain([root.join("phase1")]) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(".zk-ceremony-") && name.ends_with(".partial") {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Reads the signed side of a folder.
pub(crate) fn read(root: &Path) -> Result<Ceremony, CliError> {
    Ceremony::open(root).map_err(|error| CliError::ceremony(&error))
}

/// Reads the signed side of a folder to add a step to it: everything that is signed must hold.
pub(crate) fn open_ceremony_strict(root: &Path) -> Result<Ceremony, CliError> {
    let ceremony = read(root)?;
    match ceremony.problem() {
        None => Ok(ceremony),
        Some(problem) => Err(CliError::ceremony(problem)),
    }
}

/// Verifies the last file of a chain and what it depends on.
pub(crate) fn verify_last(ceremony: &Ceremony, track: &Track) -> Result<(), CliError> {
    let mut verification = Verification::new(ceremony, Depth::LastOf(track.clone()))
        .map_err(|error| CliError::ceremony(&error))?;
    for part in verification.run(&Bars::default()).map_err(|error| CliError::ceremony(&error))? {
        eprintln!("verified {}", part.title);
    }
    Ok(())
}

/// Refuses a signer that is not the coordinator's.
pub(crate) fn ensure_coordinator(ceremony: &Ceremony, signer: &dyn Signer) -> Result<(), CliError> {
    let coordinator = &ceremony.config.document().coordinator;
    if *signer.public_key() == coordinator.key {
        return Ok(());
    }
    Err(CliError::environment(format!(
        "this step is the coordinator's\n  found     {} ({})\n  expected  {} ({})",
        signer.public_key(),
        signer.description(),
        coordinator.key,
        coordinator.name
    ))
    .hint("sign with the key that ceremony.toml names under [coordinator]"))
}

/// A line that a person wrote, for a signed document.
pub(crate) fn text(option: &str, text: &str) -> Result<Label, CliError> {
    Label::new(text).map_err(|refusal| {
        CliError::environment(format!("{option}: {refusal}").replace("\nhint: ", "\n  mend      "))
    })
}

/// What attestations call this program.
pub(crate) fn this_tool() -> Result<Label, CliError> {
    text("tool", concat!("zk-ceremony ", env!("CARGO_PKG_VERSION")))
}

/// What only the maker of a step knows.
#[derive(Clone, Debug)]
pub(crate) struct AttestationDraft {
    pub(crate) action: Action,
    /// Tool and version that made the file.
    pub(crate) tool: Label,
    pub(crate) participant: Label,
    pub(crate) input: Option<FileDigest>,
    pub(crate) contribution_hash: Option<ContributionHash>,
    pub(crate) beacon: Option<AttestedBeacon>,
    pub(crate) entropy: Label,
    pub(crate) destruction: Label,
    pub(crate) reason: Option<Label>,
}

impl AttestationDraft {
    /// Of a step without secret randomness.
    pub(crate) fn of_coordinator(
        ceremony: &Ceremony,
        action: Action,
        input: Option<FileDigest>,
    ) -> Result<Self, CliError> {
        let none = text("entropy", "none")?;
        Ok(Self {
            action,
            tool: this_tool()?,
            participant: ceremony.config.document().coordinator.name.clone(),
            input,
            contribution_hash: None,
            beacon: None,
            entropy: none.clone(),
            destruction: none,
            reason: None,
        })
    }
}

/// A step that is being made.
pub(crate) struct NewStep<'a> {
    ceremony: &'a Ceremony,
    track: Track,
    name: StepName,
    index: u32,
    /// The data file, under a temporary name.
    pub(crate) output: Output,
}

impl<'a> NewStep<'a> {
    /// Makes room for a step at the end of a chain.
    pub(crate) fn begin(
        ceremony: &'a Ceremony,
        track: &Track,
        slot: Slot,
    ) -> Result<Self, CliError> {
        let chain = ceremony.chains().find(|chain| chain.track == *track);
        let (name, steps) = chain
            .map_or((StepName::first(slot), 0), |chain| (chain.free_name(slot), chain.steps.len()));
        let folder = ceremony.folder.track(track);
        fs::create_dir_all(&folder).map_err(|e| CliError::io(&folder, "creating", &e))?;
        let output = Output::create(
            &OutputArgs { path: ceremony.folder.file(track, name), force: false },
            &[],
        )?;
        Ok(Self {
            ceremony,
            track: track.clone(),
            name,
            index: u32::try_from(steps).unwrap_or(u32::MAX),
            output,
        })
    }

    /// Where the data file will be.
    pub(crate) fn path(&self) -> PathBuf {
        self.output.path().to_owned()
    }

    /// Signs the attestation of the data file as it is, and gives both files their names.
    pub(crate) fn commit(
        mut self,
        words: AttestationDraft,
        signer: &mut dyn Signer,
    ) -> Result<FileDigests, CliError> {
        let digests = digest_file(&mut self.output, &Bars::default())
            .map_err(|e| CliError::io(&self.path(), "reading", &e))?;
        self.commit_verified(words, digests.sha256, signer)?;
        Ok(digests)
    }

    /// [`Self::commit`] of a data file that was verified: what is signed is the digest of what was verified, whatever the file has become since.
    pub(crate) fn commit_verified(
        self,
        words: AttestationDraft,
        verified: FileSha256,
        signer: &mut dyn Signer,
    ) -> Result<(), CliError> {
        let attestation = self.ceremony.folder.attestation(&self.track, self.name);
        let predicate = attestation_of(self.ceremony, &self.track, self.index, words)?;
        write_attestation(
            &attestation,
            predicate,
            &file_name(&self.path()),
            &FileDigest(verified.0),
            signer,
            true,
        )?;
        self.output.commit()
    }
}

/// The signed words of a step.
pub(crate) fn attestation_of(
    ceremony: &Ceremony,
    track: &Track,
    index: u32,
    words: AttestationDraft,
) -> Result<StepAttestation, CliError> {
    let rules = ceremony.config.document();
    Ok(StepAttestation {
        ceremony: rules.id.clone(),
        ceremony_toml_sha256: ceremony.config.digest(),
        kind: rules.kind,
        phase: track.phase(),
        circuit: ceremony.reference(track),
        action: words.action,
        index,
        participant: words.participant,
        input_sha256: words.input,
        contribution_hash: words.contribution_hash,
        beacon: words.beacon,
        tool: words.tool,
        entropy: words.entropy,
        destruction: words.destruction,
        reason: words.reason,
        time: Timestamp::now(),
    })
}

/// Signs a statement about one file and writes its envelope.
pub(crate) fn write_attestation(
    path: &Path,
    predicate: StepAttestation,
    subject: &str,
    file: &FileDigest,
    signer: &mut dyn Signer,
    replace: bool,
) -> Result<(), CliError> {
    let refused = |refusal| CliError::refusal(path, &refusal);
    let statement = Statement {
        subject: vec![Subject::new(subject, file.as_bytes()).map_err(refused)?],
        predicate,
    };
    let mut envelope = statement.to_envelope().map_err(refused)?;
    sign_envelope(signer, &mut envelope)?;
    write_file(path, &envelope.to_json(), replace)
}

/// Writes a small file whole.
pub(crate) fn write_file(path: &Path, bytes: &[u8], replace: bool) -> Result<(), CliError> {
    let mut output = Output::create(&OutputArgs { path: path.into(), force: replace }, &[])?;
    output.write_all(bytes).map_err(|e| CliError::io(path, "writing", &e))?;
    output.commit()
}

/// An input of a step, to be held to its attested digest by [`ensure_unchanged`].
pub(crate) fn input(path: &Path) -> Result<RecheckedFile<File>, CliError> {
    RecheckedFile::new(open(path)?).map_err(|e| CliError::io(path, "reading", &e))
}

/// Refuses what was made of an input if the file is not the attested one, or was another one while it was read.
pub(crate) fn ensure_unchanged(
    path: &Path,
    file: &mut RecheckedFile<File>,
    expected: &FileDigest,
) -> Result<(), CliError> {
    let change = match file.finish_sha256(&Bars::default()) {
        Ok(found) if found.0 == expected.0 => return Ok(()),
        Ok(found) => Change::Bytes { found, expected: FileSha256(expected.0) },
        Err(DigestError::Changed(change)) => change,
        Err(DigestError::Io(error)) => return Err(CliError::io(path, "reading", &error)),
    };
    Err(CliError::artefact(format!(
        "{}: the file changed while it was used\n{change}",
        path.display()
    ))
    .hint("copy the folder to a place that nobody else writes to, and run the same command again"))
}

/// The name of a path's last part, for subjects.
fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The planned beacon of a phase with its value, as it is computed and as it is attested.
pub(crate) fn beacon(
    ceremony: &Ceremony,
    track: &Track,
    value: &[u8],
) -> Result<(Beacon, AttestedBeacon), CliError> {
    let plan = ceremony.config.beacon(track.phase());
    let refused = |refusal: zk_attest::error::Refusal| {
        CliError::environment(format!("--value: {}", refusal.what()))
    };
    let beacon =
        Beacon::new(value, plan.exponent).map_err(|e| CliError::environment(e.to_string()))?;
    let attested = AttestedBeacon {
        source: plan.source.clone(),
        round: plan.round,
        value: BeaconValue::new(value).map_err(refused)?,
        exponent: BeaconExponent::new(plan.exponent).map_err(refused)?,
    };
    Ok((beacon, attested))
}

impl CliError {
    /// Something wrong with a ceremony folder.
    pub(crate) fn ceremony(error: &CeremonyError) -> Self {
        let made = if error.is_environment() {
            Self::environment(error.to_string())
        } else {
            Self::artefact(error.to_string())
        };
        if error.path.ends_with("ceremony.toml") && error.is_environment() {
            return made.hint(
                "name a ceremony folder: `cargo xtask ceremony new --help` says how to make one",
            );
        }
        made.hint(match &error.cause {
            Cause::Config(_) => {
                "correct ceremony.toml before the first step (`cargo xtask ceremony new --template` prints an example); after it, restore the file: every \
                 attestation names its digest"
            }
            Cause::Io(_) | Cause::Format(FormatError::Io(_)) => "if the file is missing, fetch the folder from the coordinator again",
            Cause::Attestation(refusal) if refusal.code().is_environment() => {
                "fetch the folder again: every step has an attestation beside its file; a file that nobody attests is taken out with `cargo xtask ceremony reject`"
            }
            _ => {
                "do not build on this file: fetch it again; if it is the same at its source, the coordinator takes it out with `cargo xtask ceremony reject`"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;

    use super::*;

    #[test]
    fn an_input_that_is_another_file_for_a_while_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0001.zkey");
        let (good, other) = ([1; 100], [2; 100]);
        let digest = |bytes: &[u8]| {
            FileDigest(
                digest_file(&mut std::io::Cursor::new(bytes), &Bars::default()).unwrap().sha256.0,
            )
        };
        // What is there while it is read, and what is there in the end.
        for (read, then, expected, sound) in [
            (good, good, good, true),
            (other, good, good, false),
            (good, other, good, false),
            (good, other, other, false),
            (good, good, other, false),
        ] {
            fs::write(&path, read).unwrap();
            let mut file = input(&path).unwrap();
            file.read_exact(&mut [0; 10]).unwrap();
            fs::write(&path, then).unwrap();
            assert_eq!(
                ensure_unchanged(&path, &mut file, &digest(&expected)).is_ok(),
                sound,
                "{} {} {}",
                read[0],
                then[0],
                expected[0]
            );
        }
    }
}
