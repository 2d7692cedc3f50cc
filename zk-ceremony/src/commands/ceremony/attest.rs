//! `ceremony attest`: a contribution that another tool made, verified, taken into the folder, and
//! attested by its maker.

use ceremony_core::format::ptau::{Contribution as PtauRecord, Ptau};
use ceremony_core::format::record::ContributionKind;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::hash::FileSha256;
use ceremony_core::phase1::verify::{Expectations, verify as verify_ptau};
use ceremony_core::phase2::verify::{Digests, Expectations as KeyExpectations, verify_from};
use ceremony_folder::steps::{ensure_unchanged, open_input};
use ceremony_folder::{AttestationDraft, Ceremony, FolderLock, NewStep, Slot, Step, Track};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::ContributionHash;
use zk_attest::statement::{Action, Phase};

use super::reject::say_moved;
use super::{last_of, parse_label, print_files_to_send, verify_last};
use crate::cli::ceremony::AttestStep;
use crate::failure;
use crate::output::{Output, open};
use crate::progress::Bars;
use crate::show::hex_groups;

impl AttestStep {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open_sound(root)?;
        let mut signer = self.signer.open()?;
        let participant = ceremony.participant(&self.name, signer.as_ref())?.clone();
        let track = self.track(ceremony.chains_open_to(&participant, &self.skip)?)?;
        let said = parse_label;
        let (tool, entropy) = (said("--tool", &self.tool)?, said("--entropy", &self.entropy)?);
        let destruction = said("--destruction", &self.destruction)?;
        verify_last(&ceremony, &track)?;
        let before = ceremony.head(&track)?;
        let number = before.index + 1;
        let mut step = NewStep::begin(&ceremony, &track, Slot::Number(number))?;
        say_moved(&step.put_away);
        // The copy is verified, so that what is verified is what is attested.
        std::io::copy(&mut open(&self.file)?, &mut step.output)
            .map_err(|e| failure::io(&self.file, "copying", &e))?;
        let (hash, verified) = match track.phase() {
            Phase::One => self.phase1(&ceremony, before, &mut step.output)?,
            Phase::Two => self.phase2(&ceremony, before, &mut step.output)?,
        };
        let (path, attestation) = (step.path(), step.attestation_path());
        let said = AttestationDraft {
            action: Action::Contribution,
            tool,
            participant: participant.name.clone(),
            input: Some(before.file),
            contribution_hash: Some(hash),
            beacon: None,
            entropy,
            destruction,
            verified: last_of(&track),
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
        print_files_to_send(&path, &attestation);
        Ok(())
    }

    /// The chain that the file belongs to.
    fn track(&self, turns: Vec<Track>) -> Result<Track, Diagnostic> {
        let wanted = self.circuit.clone().map(Track::Circuit);
        let mut fitting =
            turns.into_iter().filter(|track| wanted.as_ref().is_none_or(|wanted| wanted == track));
        match (fitting.next(), fitting.next()) {
            (Some(track), None) => Ok(track),
            (Some(_), Some(_)) => Err(Diagnostic::environment(
                "several-circuits",
                "several circuits wait for your contribution",
            )
            .hint("name one with --circuit")),
            (None, _) => Err(Diagnostic::environment(
                "not-your-turn",
                "it is not your turn for this circuit",
            )
            .hint(format!("`{PROGRAM} ceremony status` says whose turn it is"))),
        }
    }

    /// The contribution's hash, and the digest of the file that was verified.
    fn phase1(
        &self,
        ceremony: &Ceremony,
        before: &Step,
        made: &mut Output,
    ) -> Result<(ContributionHash, FileSha256), Diagnostic> {
        let mut input = Ptau::open(open_input(ceremony, &before.path)?)
            .map_err(|e| failure::format(&before.path, &e))?;
        ensure_unchanged(&before.path, input.source(), &before.file, &Bars::default())?;
        let earlier = input.contributions();
        // The file that they are of was verified before the copy was made.
        let proven = Some(input.ceremony_power());
        let expectations =
            Expectations { earlier: Some(earlier), proven, ..Expectations::default() };
        let (ptau, verified) = verify_ptau(made, &expectations, &Bars::default())
            .map_err(|e| failure::verify(&self.file, &e))?;
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
        ceremony: &Ceremony,
        before: &Step,
        made: &mut Output,
    ) -> Result<(ContributionHash, FileSha256), Diagnostic> {
        let mut earlier = Zkey::open(open_input(ceremony, &before.path)?)
            .map_err(|e| failure::format(&before.path, &e))?;
        let mut key = Zkey::open(made).map_err(|e| failure::format(&self.file, &e))?;
        let report =
            verify_from(&mut earlier, &mut key, &KeyExpectations::default(), &Bars::default())
                .map_err(|e| failure::verify_key(&self.file, &e))?;
        for remark in &report.remarks {
            eprintln!("note: {}", remark.text());
        }
        ensure_unchanged(&before.path, earlier.source(), &before.file, &Bars::default())?;
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
    ) -> Result<ContributionHash, Diagnostic> {
        hash.filter(|_| found == before + 1).ok_or_else(|| {
            Diagnostic::artefact(
                "not-one-more",
                "this is not one contribution more than the last step",
            )
            .at(self.file.display())
            .found(format_args!("{found} records"))
            .expected(format_args!("{}, the last no beacon", before + 1))
            .hint("contribute once, to the last file of the folder")
        })
    }
}
