//! `ceremony attest`: a contribution that another tool made, verified, taken into the folder, and attested by its maker.

use ceremony_core::format::ptau::{Contribution as PtauRecord, Ptau};
use ceremony_core::format::record::ContributionKind;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::hash::FileSha256;
use ceremony_core::phase1::verify::{Expectations, verify as verify_ptau};
use ceremony_core::phase2::verify::{Digests, Expectations as KeyExpectations, verify_from};
use ceremony_folder::{Slot, Step, Track};
use zk_attest::digest::ContributionHash;
use zk_attest::statement::{Action, Phase};

use super::contribute::{participant, turns};
use crate::cli::ceremony::AttestStep;
use crate::commands::zkey::verify_error;
use crate::error::CliError;
use crate::folder::{
    AttestationDraft, FolderLock, NewStep, ensure_unchanged, input, open_ceremony_strict, text,
    verify_last,
};
use crate::output::{Output, open};
use crate::progress::Bars;
use crate::show::hex_groups;

impl AttestStep {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = open_ceremony_strict(root)?;
        let mut signer = self.signer.open()?;
        let participant = participant(&ceremony, &self.name, signer.as_ref())?.clone();
        let track = self.track(turns(&ceremony, &participant, &self.skip)?)?;
        let said = |option: &str, words: &str| text(option, words);
        let (tool, entropy) = (said("--tool", &self.tool)?, said("--entropy", &self.entropy)?);
        let destruction = said("--destruction", &self.destruction)?;
        verify_last(&ceremony, &track)?;
        let chain = ceremony.chains().find(|chain| chain.track == track);
        let Some(before) = chain.and_then(|chain| chain.steps.last()) else {
            return Err(CliError::artefact(format!("{track}: the chain has no opening"))
                .hint("the coordinator opens it first"));
        };
        let number = before.index + 1;
        let mut step = NewStep::begin(&ceremony, &track, Slot::Number(number))?;
        // The copy is verified, so that what is verified is what is attested.
        std::io::copy(&mut open(&self.file)?, &mut step.output)
            .map_err(|e| CliError::io(&self.file, "copying", &e))?;
        let (hash, verified) = match track.phase() {
            Phase::One => self.phase1(before, &mut step.output)?,
            Phase::Two => self.phase2(before, &mut step.output)?,
        };
        let path = step.path();
        let said = AttestationDraft {
            action: Action::Contribution,
            tool,
            participant: participant.name.clone(),
            input: Some(before.file),
            contribution_hash: Some(hash),
            beacon: None,
            entropy,
            destruction,
            reason: None,
        };
        step.commit_verified(said, verified, signer.as_mut())?;
        println!(
            "{}: {track}, contribution {number}, attested by {}",
            path.display(),
            signer.public_key().fingerprint()
        );
        println!(
            "  sha256             {}\n  contribution hash (publish it)\n{}",
            verified,
            hex_groups(hash)
        );
        Ok(())
    }

    /// The chain that the file belongs to.
    fn track(&self, turns: Vec<Track>) -> Result<Track, CliError> {
        let wanted = self.circuit.clone().map(Track::Circuit);
        let mut fitting =
            turns.into_iter().filter(|track| wanted.as_ref().is_none_or(|wanted| wanted == track));
        match (fitting.next(), fitting.next()) {
            (Some(track), None) => Ok(track),
            (Some(_), Some(_)) => {
                Err(CliError::environment("several circuits wait for your contribution")
                    .hint("name one with --circuit"))
            }
            (None, _) => Err(CliError::environment("it is not your turn for this circuit")
                .hint("`cargo xtask ceremony status` says whose turn it is")),
        }
    }

    /// The contribution's hash, and the digest of the file that was verified.
    fn phase1(
        &self,
        before: &Step,
        made: &mut Output,
    ) -> Result<(ContributionHash, FileSha256), CliError> {
        let mut input =
            Ptau::open(input(&before.path)?).map_err(|e| CliError::format(&before.path, &e))?;
        ensure_unchanged(&before.path, input.source(), &before.file)?;
        let earlier = input.contributions();
        let expectations = Expectations { earlier: Some(earlier), ..Expectations::default() };
        let (ptau, verified) = verify_ptau(made, &expectations, &Bars::default())
            .map_err(|e| CliError::verify(&self.file, &e))?;
        let last = ptau.contributions().last().filter(|record| !PtauRecord::is_beacon(record));
        let hash = self.one_more(
            ptau.contributions().len(),
            earlier.len(),
            last.map(|record| ContributionHash(record.response_hash().0)),
        )?;
        Ok((hash, verified.digests.sha256))
    }

    /// As [`Self::phase1`].
    fn phase2(
        &self,
        before: &Step,
        made: &mut Output,
    ) -> Result<(ContributionHash, FileSha256), CliError> {
        let mut earlier =
            Zkey::open(input(&before.path)?).map_err(|e| CliError::format(&before.path, &e))?;
        let mut key = Zkey::open(made).map_err(|e| CliError::format(&self.file, &e))?;
        let report =
            verify_from(&mut earlier, &mut key, &KeyExpectations::default(), &Bars::default())
                .map_err(|e| verify_error(&self.file, &e))?;
        ensure_unchanged(&before.path, earlier.source(), &before.file)?;
        let (Digests::Whole { key: verified, .. } | Digests::Incremental { key: verified, .. }) =
            report.digests;
        let records = &report.contributions;
        let last = records.last().filter(|record| record.kind == ContributionKind::Contribution);
        let hash = self.one_more(
            records.len(),
            earlier.contributions().len(),
            last.map(|record| ContributionHash(record.hash.0)),
        )?;
        Ok((hash, verified.sha256))
    }

    fn one_more(
        &self,
        found: usize,
        before: usize,
        hash: Option<ContributionHash>,
    ) -> Result<ContributionHash, CliError> {
        hash.filter(|_| found == before + 1).ok_or_else(|| {
            CliError::artefact(format!(
                "{}: this is not one contribution more than the last step\n  found     {found} records\n  expected  {}, the last no beacon",
                self.file.display(),
                before + 1
            ))
            .hint("contribute once, to the last file of the folder")
        })
    }
}
