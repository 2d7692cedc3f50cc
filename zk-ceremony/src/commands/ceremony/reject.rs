//! `ceremony reject`: a bad file, and everything that was built on it, leaves the chain by the coordinator's signature.

use ceremony_core::format::bound_file::digest_file;
use ceremony_folder::{Slot, StepName, Track};
use zk_attest::digest::FileDigest;
use zk_attest::statement::Action;

use crate::cli::ceremony::RejectStep;
use crate::error::CliError;
use crate::folder::{
    AttestationDraft, FolderLock, attestation_of, ensure_coordinator, read, text, write_attestation,
};
use crate::output::open;
use crate::progress::Bars;

impl RejectStep {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        // The chain need not hold: that is why somebody rejects.
        let ceremony = read(root)?;
        let mut signer = self.signer.open()?;
        ensure_coordinator(&ceremony, signer.as_ref())?;
        let track = self.circuit.clone().map_or(Track::Phase1, Track::Circuit);
        if ceremony.chains().all(|chain| chain.track != track) {
            return Err(CliError::environment(format!("the rules have no {track}"))
                .hint("name a circuit of ceremony.toml with --circuit"));
        }
        if track == Track::Phase1 && ceremony.phase1.prepared.is_some() {
            return Err(CliError::environment(
                "phase 1 is prepared, and phase 2 builds on it: none of its steps can be taken out",
            )
            .hint("begin a new ceremony; this one's keys are not to be used"));
        }
        let first = self.slot()?;
        let reason = text("--reason", &self.reason)?;
        let steps = ceremony
            .folder
            .unrejected(&track)
            .map_err(|e| CliError::io(&ceremony.folder.track(&track), "reading", &e))?;
        let Some(position) = steps.iter().position(|name| name.slot == first) else {
            let there: Vec<String> = steps.iter().map(StepName::to_string).collect();
            return Err(CliError::environment(format!(
                "{track} has no step {} to reject\n  found     {}\n  expected  a contribution or the beacon",
                self.step,
                there.join(", ")
            ))
            .hint("`cargo xtask ceremony status` lists the steps"));
        };
        let contributions =
            steps.iter().filter(|name| matches!(name.slot, Slot::Number(n) if n > 0)).count();
        for name in &steps[position..] {
            let path = ceremony.folder.file(&track, *name);
            let mut file = open(&path)?;
            let digest = digest_file(&mut file, &Bars::default())
                .map_err(|e| CliError::io(&path, "reading", &e))?;
            let index = match name.slot {
                Slot::Number(number) => number,
                _ => u32::try_from(contributions).unwrap_or(u32::MAX).saturating_add(1),
            };
            let why = if name.slot == first {
                reason.clone()
            } else {
                text("reason", &format!("built on step {}, which is rejected", self.step))?
            };
            let said = AttestationDraft {
                reason: Some(why.clone()),
                ..AttestationDraft::of_coordinator(&ceremony, Action::Reject, None)?
            };
            let predicate = attestation_of(&ceremony, &track, index, said)?;
            let out = ceremony.folder.rejection(&track, *name);
            write_attestation(
                &out,
                predicate,
                &name.to_string(),
                &FileDigest(digest.sha256.0),
                signer.as_mut(),
                false,
            )?;
            println!(
                "{}: rejected\n  sha256             {}\n  reason             {why}",
                path.display(),
                digest.sha256
            );
        }
        Ok(())
    }

    fn slot(&self) -> Result<Slot, CliError> {
        if self.step == "final" {
            return Ok(Slot::Final);
        }
        match self.step.parse() {
            Ok(number) if number > 0 => Ok(Slot::Number(number)),
            _ => Err(CliError::environment(format!(
                "this is not a step that can be rejected\n  found     {}\n  expected  1, 2, ... or final",
                self.step
            ))
            .hint("an opening is not rejected: begin a new ceremony")),
        }
    }
}
