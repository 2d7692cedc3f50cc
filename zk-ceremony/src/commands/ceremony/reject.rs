//! `ceremony reject`: a bad file, and everything that was built on it, leaves the chain by the
//! coordinator's signature.

use ceremony_core::format::bound_file::digest_file;
use ceremony_folder::steps::write_attestation;
use ceremony_folder::{AttestationDraft, Ceremony, FolderLock, Slot, StepName, Track, budget};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::FileDigest;
use zk_attest::statement::Action;

use super::{parse_label, this_tool};
use crate::cli::ceremony::RejectStep;
use crate::failure;
use crate::output::open;
use crate::progress::Bars;

impl RejectStep {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        // The chain need not hold: that is why a step is rejected.
        let ceremony = Ceremony::open(root)?;
        let mut signer = self.signer.open()?;
        ceremony.ensure_coordinator(signer.as_ref())?;
        let track = self.circuit.clone().map_or(Track::Phase1, Track::Circuit);
        if ceremony.chains().all(|chain| chain.track != track) {
            return Err(Diagnostic::environment(
                "rules-have-no",
                format_args!("the rules have no {track}"),
            )
            .hint("name a circuit of ceremony.toml with --circuit"));
        }
        if track == Track::Phase1 && ceremony.phase1.prepared.is_some() {
            return Err(Diagnostic::environment(
                "phase1-prepared",
                "phase 1 is prepared, and phase 2 builds on it: none of its steps can be taken out",
            )
            .hint("begin a new ceremony; this one's keys are not to be used"));
        }
        let first = self.slot()?;
        let reason = parse_label("--reason", &self.reason)?;
        let steps = ceremony.folder.unrejected(&track)?;
        let Some(position) = steps.iter().position(|name| name.slot == first) else {
            let there: Vec<String> = steps.iter().map(StepName::to_string).collect();
            return Err(Diagnostic::environment(
                "has-no-step-reject",
                format_args!("{track} has no step {} to reject", self.step),
            )
            .found(there.join(", "))
            .expected("a contribution or the beacon")
            .hint(format!("`{PROGRAM} ceremony status` lists the steps")));
        };
        let contributions =
            steps.iter().filter(|name| matches!(name.slot, Slot::Number(n) if n > 0)).count();
        budget::ensure_rejections(&ceremony, steps.len() - position)?;
        for name in &steps[position..] {
            let path = ceremony.folder.file(&track, *name);
            let mut file = open(&path)?;
            let digest = digest_file(&mut file, &Bars::default())
                .map_err(|e| failure::io(&path, "reading", &e))?;
            let index = match name.slot {
                Slot::Number(number) => number,
                _ => u32::try_from(contributions).unwrap_or(u32::MAX).saturating_add(1),
            };
            let why = if name.slot == first {
                reason.clone()
            } else {
                parse_label("reason", &format!("built on step {}, which is rejected", self.step))?
            };
            let said = AttestationDraft {
                reason: Some(why.clone()),
                ..AttestationDraft::of_coordinator(&ceremony, Action::Reject, None, &this_tool())
            };
            let predicate = said.attestation(&ceremony, &track, index);
            let out = ceremony.folder.rejection(&track, *name);
            write_attestation(
                &ceremony,
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

    fn slot(&self) -> Result<Slot, Diagnostic> {
        if self.step == "final" {
            return Ok(Slot::Final);
        }
        match self.step.parse() {
            Ok(number) if number > 0 => Ok(Slot::Number(number)),
            _ => Err(Diagnostic::environment(
                "not-rejectable",
                "this is not a step that can be rejected",
            )
            .found(&self.step)
            .expected("1, 2, ... or final")
            .hint("an opening is not rejected: begin a new ceremony")),
        }
    }
}
