//! Making a step: a step's data file and its attestation appear together, nothing half-done.
//!
//! The attestation gets its name first and the data file last, so that a step exists only when both
//! are there. An attestation whose file never came is not part of the chain, and the next attempt
//! replaces it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use ceremony_core::format::bound_file::{
    Change, DigestError, FileDigests, RecheckedFile, digest_file,
};
use ceremony_core::hash::FileSha256;
use ceremony_core::progress::Progress;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{ContributionHash, FileDigest};
use zk_attest::primitives::{Beacon as AttestedBeacon, Label, Timestamp};
use zk_attest::signer::{Signer, sign_envelope};
use zk_attest::statement::{Action, Statement, StepAttestation, Subject};

use crate::Ceremony;
use crate::error::{Cause, CeremonyError, at};
use crate::folder::{Slot, StepName, Track};
use crate::output::Output;
use crate::prior::Prior;
use crate::resumable::{Aids, Resumable};
use crate::software::Software;
use crate::store::Input;
use crate::tidy::PutAway;

/// What only the maker of a step knows.
#[derive(Clone, Debug)]
pub struct AttestationDraft {
    /// What the step is.
    pub action: Action,
    /// What made the file.
    pub software: Software,
    /// Who made it.
    pub participant: Label,
    /// SHA-256 of the file it was made from.
    pub input: Option<FileDigest>,
    /// Of a contribution or a beacon.
    pub contribution_hash: Option<ContributionHash>,
    /// Of a beacon.
    pub beacon: Option<AttestedBeacon>,
    /// Sources of randomness, in words.
    pub entropy: Label,
    /// How the secret was destroyed, in words.
    pub destruction: Label,
    /// What its maker had verified before.
    pub verified: Label,
    /// Of a rejection.
    pub reason: Option<Label>,
}

impl AttestationDraft {
    /// Of a step without secret randomness.
    #[must_use]
    pub fn of_coordinator(
        ceremony: &Ceremony,
        action: Action,
        input: Option<FileDigest>,
        software: &Software,
    ) -> Self {
        let none = Label::none();
        Self {
            action,
            software: software.clone(),
            participant: ceremony.roster.coordinator().name.clone(),
            input,
            contribution_hash: None,
            beacon: None,
            entropy: none.clone(),
            destruction: none,
            verified: Prior::Nothing.words(),
            reason: None,
        }
    }

    /// The signed words of the step.
    #[must_use]
    pub fn attestation(self, ceremony: &Ceremony, track: &Track, index: u32) -> StepAttestation {
        let rules = ceremony.config.document();
        StepAttestation {
            ceremony: rules.id.clone(),
            ceremony_toml_sha256: ceremony.config.digest(),
            kind: rules.kind,
            phase: track.phase(),
            circuit: ceremony.reference(track),
            action: self.action,
            index,
            participant: self.participant,
            input_sha256: self.input,
            contribution_hash: self.contribution_hash,
            beacon: self.beacon,
            tool: self.software.tool,
            build: self.software.build,
            entropy: self.entropy,
            destruction: self.destruction,
            verified: self.verified,
            reason: self.reason,
            time: Timestamp::now(),
        }
    }
}

/// A step that is being made.
#[derive(Debug)]
pub struct NewStep<'a> {
    ceremony: &'a Ceremony,
    track: Track,
    name: StepName,
    index: u32,
    /// The data file, under a temporary name.
    pub output: Output,
    /// Strays that had the step's name, and where they are now.
    pub put_away: Vec<PutAway>,
}

impl<'a> NewStep<'a> {
    /// Makes room for a step at the end of a chain. A stray that has the step's name is moved to
    /// `strays/`.
    ///
    /// # Errors
    /// When no file can be made there.
    pub fn begin(ceremony: &'a Ceremony, track: &Track, slot: Slot) -> Result<Self, CeremonyError> {
        let (name, index) = next_name(ceremony, track, slot);
        let put_away = ceremony.make_room(track, name)?;
        let output = ceremony.folder.create(&ceremony.folder.file(track, name), false)?;
        Ok(Self { ceremony, track: track.clone(), name, index, output, put_away })
    }

    /// Where the data file will be.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.output.path().to_owned()
    }

    /// Where its attestation will be.
    #[must_use]
    pub fn attestation_path(&self) -> PathBuf {
        self.ceremony.folder.attestation(&self.track, self.name)
    }

    /// Signs the attestation of the data file as it is, and gives both files their names.
    ///
    /// # Errors
    /// When reading, signing or writing fails. Nothing has appeared then.
    pub fn commit(
        mut self,
        draft: AttestationDraft,
        signer: &mut dyn Signer,
        progress: &dyn Progress,
    ) -> Result<FileDigests, Diagnostic> {
        let digests = digest_file(&mut self.output, progress).map_err(at(&self.path()))?;
        self.commit_verified(draft, digests.sha256, signer)?;
        Ok(digests)
    }

    /// [`Self::commit`] of a data file that was verified: what is signed is the digest of what was
    /// verified, whatever the file has become since.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn commit_verified(
        self,
        draft: AttestationDraft,
        verified: FileSha256,
        signer: &mut dyn Signer,
    ) -> Result<(), Diagnostic> {
        let path = self.path();
        let subject = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let attestation = self.attestation_path();
        let predicate = draft.attestation(self.ceremony, &self.track, self.index);
        let digest = FileDigest(verified.0);
        write_attestation(self.ceremony, &attestation, predicate, &subject, &digest, signer, true)?;
        Ok(self.output.commit()?)
    }
}

/// The name of a chain's next step of this kind, and its index.
fn next_name(ceremony: &Ceremony, track: &Track, slot: Slot) -> (StepName, u32) {
    let chain = ceremony.chains().find(|chain| chain.track == *track);
    let (name, steps) = chain
        .map_or((StepName::first(slot), 0), |chain| (chain.free_name(slot), chain.steps.len()));
    (name, u32::try_from(steps).unwrap_or(u32::MAX))
}

/// A step whose data file takes long to compute: a process that was interrupted is gone on with.
#[derive(Debug)]
pub struct LongStep<'a> {
    ceremony: &'a Ceremony,
    track: Track,
    name: StepName,
    index: u32,
    /// The data file, as far as it has come.
    pub files: Resumable,
    /// Strays that had the step's name, and where they are now.
    pub put_away: Vec<PutAway>,
}

impl<'a> LongStep<'a> {
    /// As [`NewStep::begin`]. The note says of what, if there is none yet.
    ///
    /// # Errors
    /// As [`NewStep::begin`]; also where a file is in the way of the working files.
    pub fn begin(
        ceremony: &'a Ceremony,
        track: &Track,
        slot: Slot,
        first_note: &[u8],
    ) -> Result<Self, CeremonyError> {
        let (name, index) = next_name(ceremony, track, slot);
        let put_away = ceremony.make_room(track, name)?;
        let path = ceremony.folder.file(track, name);
        let files = ceremony.folder.create_resumable(&path, first_note)?;
        Ok(Self { ceremony, track: track.clone(), name, index, files, put_away })
    }

    /// The step, to be committed, and what is to be removed after that.
    #[must_use]
    pub fn finish(self) -> (NewStep<'a>, Aids) {
        let Self { ceremony, track, name, index, files, put_away } = self;
        let (output, aids) = files.finish();
        (NewStep { ceremony, track, name, index, output, put_away }, aids)
    }
}

/// Signs a statement about one file and writes its envelope.
///
/// # Errors
/// When the words do not fit a statement, or signing or writing fails.
pub fn write_attestation(
    ceremony: &Ceremony,
    path: &Path,
    predicate: StepAttestation,
    subject: &str,
    file: &FileDigest,
    signer: &mut dyn Signer,
    replace: bool,
) -> Result<(), Diagnostic> {
    let subject = Subject::new(subject, file.as_bytes()).map_err(at(path))?;
    let statement = Statement { subject: vec![subject], predicate };
    let mut envelope = statement.to_envelope().map_err(at(path))?;
    sign_envelope(signer, &mut envelope)?;
    write_file(ceremony, path, &envelope.to_json(), replace)?;
    Ok(())
}

/// Writes a small file of a ceremony whole.
///
/// # Errors
/// When it is there already (without `replace`), or cannot be written.
pub fn write_file(
    ceremony: &Ceremony,
    path: &Path,
    bytes: &[u8],
    replace: bool,
) -> Result<(), CeremonyError> {
    let mut output = ceremony.folder.create(path, replace)?;
    let failed = |error| CeremonyError {
        path: path.into(),
        cause: Cause::Write { doing: "writing", error },
    };
    output.write_all(bytes).map_err(failed)?;
    Ok(output.commit()?)
}

/// Opens an input of a step, to be held to its attested digest by [`ensure_unchanged`].
///
/// # Errors
/// When it cannot be read.
pub fn open_input(ceremony: &Ceremony, path: &Path) -> Result<RecheckedFile<Input>, CeremonyError> {
    RecheckedFile::new(ceremony.folder.open(path)?).map_err(at(path))
}

/// Refuses what was made of an input if the file is not the attested one, or was another one while
/// it was read.
///
/// # Errors
/// [`Cause::Changed`]; or when reading fails.
pub fn ensure_unchanged(
    path: &Path,
    file: &mut RecheckedFile<Input>,
    expected: &FileDigest,
    progress: &dyn Progress,
) -> Result<(), CeremonyError> {
    let change = match file.finish_sha256(progress) {
        Ok(found) if found.0 == expected.0 => return Ok(()),
        Ok(found) => Change::Bytes { found, expected: FileSha256(expected.0) },
        Err(DigestError::Changed(change)) => change,
        Err(DigestError::Io(error)) => return Err(at(path)(error)),
    };
    Err(CeremonyError { path: path.into(), cause: Cause::Changed(change) })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Cursor, Read as _};

    use ceremony_core::progress::NoProgress;

    use super::*;
    use crate::store::open_regular;

    #[test]
    fn an_input_that_is_another_file_for_a_while_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0001.zkey");
        let (good, other) = ([1; 100], [2; 100]);
        let digest = |bytes: &[u8]| {
            FileDigest(digest_file(&mut Cursor::new(bytes), &NoProgress).unwrap().sha256.0)
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
            let input: Input = Box::new(open_regular(&path).unwrap());
            let mut file = RecheckedFile::new(input).unwrap();
            file.read_exact(&mut [0; 10]).unwrap();
            fs::write(&path, then).unwrap();
            let unchanged = ensure_unchanged(&path, &mut file, &digest(&expected), &NoProgress);
            assert_eq!(unchanged.is_ok(), sound, "{} {} {}", read[0], then[0], expected[0]);
        }
    }
}
