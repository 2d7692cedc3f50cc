//! `ceremony attest`: contributions that another tool made, verified, taken into the folder, and
//! attested by their maker. One call takes the files of all circuits.

use std::path::Path;

use ceremony_core::format::record::ContributionKind;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::hash::FileSha256;
use ceremony_folder::link::{Linked, link};
use ceremony_folder::{
    AttestationDraft, Cause, Ceremony, CeremonyError, FolderLock, NewStep, Slot, Software, Step,
    Track,
};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::ContributionHash;
use zk_attest::statement::Action;

use super::contribute::ensure_no_commitments;
use super::reject::say_moved;
use super::{made_step, parse_label, say_halves};
use crate::cli::ceremony::{AttestStep, MadeFile};
use crate::failure;
use crate::output::open;
use crate::progress::Bars;

/// A file that was verified, and is to be attested.
struct Made<'a> {
    track: Track,
    before: &'a Step,
    step: NewStep<'a>,
    hash: ContributionHash,
    file: FileSha256,
}

impl AttestStep {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open_sound(root)?;
        ensure_no_commitments(&ceremony, "no other tool can open a commitment that was made here")?;
        let mut signer = self.signer.open()?;
        let participant = ceremony.participant(&self.name, signer.as_ref())?.clone();
        let turns = ceremony.chains_open_to(&participant, &self.skip)?;
        let tracks = self.tracks(&ceremony, &turns)?;
        let said = parse_label;
        let (tool, entropy) = (said("--tool", &self.tool)?, said("--entropy", &self.entropy)?);
        let destruction = said("--destruction", &self.destruction)?;
        let prior = self.prepared.verify_last(&ceremony, &tracks)?;
        // All are verified before one is added.
        let mut all = Vec::new();
        for (file, track) in self.files.iter().zip(tracks) {
            all.push(verified(&ceremony, &file.path, track)?);
        }
        for made in all {
            let (path, attestation) = (made.step.path(), made.step.attestation_path());
            let said = AttestationDraft {
                action: Action::Contribution,
                software: Software::another(tool.clone()),
                participant: participant.name.clone(),
                input: Some(made.before.file),
                contribution_hash: Some(made.hash),
                beacon: None,
                entropy: entropy.clone(),
                destruction: destruction.clone(),
                verified: prior.clone(),
                reason: None,
            };
            made.step.commit_verified(said, made.file, signer.as_mut())?;
            made_step(
                (&path, &attestation),
                format_args!("{}, contribution {}", made.track, made.before.index + 1),
                (made.file, made.hash),
                signer.as_ref(),
            );
        }
        say_halves(root, &participant.name);
        Ok(())
    }

    /// The chain that each file belongs to.
    fn tracks(&self, ceremony: &Ceremony, turns: &[Track]) -> Result<Vec<Track>, Diagnostic> {
        let mut tracks: Vec<Track> = Vec::new();
        for file in &self.files {
            let track = self.track(ceremony, turns, file)?;
            if tracks.contains(&track) {
                return Err(Diagnostic::environment(
                    "one-chain-twice",
                    format_args!("two files for {track}"),
                )
                .at(file.path.display())
                .expected("one contribution to each circuit")
                .hint("name the file that you made from the last step"));
            }
            tracks.push(track);
        }
        Ok(tracks)
    }

    fn track(
        &self,
        ceremony: &Ceremony,
        turns: &[Track],
        file: &MadeFile,
    ) -> Result<Track, Diagnostic> {
        let named = file.circuit.as_ref().or(self.circuit.as_ref());
        if let Some(name) = named {
            let wanted = Track::Circuit(name.clone());
            return turns.iter().find(|track| **track == wanted).cloned().ok_or_else(|| {
                Diagnostic::environment("not-your-turn", "it is not your turn for this circuit")
                    .at(&wanted)
                    .hint(format!("`{PROGRAM} ceremony status` says whose turn it is"))
            });
        }
        match turns {
            [track] => Ok(track.clone()),
            _ => by_circuit_hash(ceremony, turns, &file.path),
        }
    }
}

/// The circuit whose last key has the file's circuit hash: no two circuits of a ceremony have the
/// same.
fn by_circuit_hash(ceremony: &Ceremony, turns: &[Track], path: &Path) -> Result<Track, Diagnostic> {
    let key = Zkey::open(open(path)?).map_err(|e| failure::format(path, &e))?;
    let hash = key.initial_key_hash();
    for track in turns {
        let head = ceremony.head(track)?;
        let last = Zkey::open(ceremony.folder.open(&head.path)?)
            .map_err(|e| failure::format(&head.path, &e))?;
        if last.initial_key_hash() == hash {
            return Ok(track.clone());
        }
    }
    let names: Vec<String> = turns.iter().map(Track::to_string).collect();
    Err(Diagnostic::artefact("of-no-circuit", "this key is of no circuit that waits for you")
        .at(path.display())
        .found(format_args!("circuit hash {hash}"))
        .expected(format_args!("a key made from the last one of {}", names.join(" or ")))
        .hint("contribute to the last file of each circuit; or say which one it is: NAME=FILE"))
}

/// Verifies a file against the last step of its chain.
fn verified<'a>(ceremony: &'a Ceremony, file: &Path, track: Track) -> Result<Made<'a>, Diagnostic> {
    let before = ceremony.head(&track)?;
    let mut step = NewStep::begin(ceremony, &track, Slot::Number(before.index + 1))?;
    say_moved(&step.put_away);
    // The copy is verified, so that what is verified is what is attested.
    std::io::copy(&mut open(file)?, &mut step.output)
        .map_err(|e| failure::io(file, "copying", &e))?;
    let linked = link(ceremony, before, file, &mut step.output, &Bars::default())
        .map_err(|error| of_own_file(file, &error))?;
    for remark in &linked.remarks {
        eprintln!("note: {}", remark.text());
    }
    let hash = one_more(file, &linked)?;
    Ok(Made { track, before, step, hash, file: linked.file })
}

/// What a participant does about a file of their own is not what others do about it.
fn of_own_file(file: &Path, error: &CeremonyError) -> Diagnostic {
    match &error.cause {
        _ if error.path != file => error.into(),
        Cause::Format(e) => failure::format(file, e),
        Cause::Phase1(e) => failure::verify(file, e),
        Cause::Phase2(e) => failure::verify_key(file, e),
        _ => Diagnostic::from(error).hint("contribute once, to the last file of the folder"),
    }
}

fn one_more(file: &Path, linked: &Linked) -> Result<ContributionHash, Diagnostic> {
    match &linked.last {
        Some((hash, ContributionKind::Contribution)) if linked.records == linked.before + 1 => {
            Ok(*hash)
        }
        _ => Err(Diagnostic::artefact(
            "not-one-more",
            "this is not one contribution more than the last step",
        )
        .at(file.display())
        .found(format_args!("{} records", linked.records))
        .expected(format_args!("{}, the last no beacon", linked.before + 1))
        .hint("contribute once, to the last file of the folder")),
    }
}
