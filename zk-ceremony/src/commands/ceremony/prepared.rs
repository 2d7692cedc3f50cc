//! What is verified before a step is made: the last files of the chains that it adds to, and
//! phase 1's prepared file, once, or by the word of somebody who has verified it.

use ceremony_folder::{
    Base, Ceremony, Depth, Needed, Prior, Step, Track, Unfounded, Verdict, Verification, Word,
};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::primitives::Label;
use zk_attest::statement::Phase;

use super::print_remarks;
use crate::cli::ceremony::{Prepared, PreparedArgs};
use crate::known::Known;
use crate::progress::Bars;
use crate::watching::say;

/// Verifies the last files of these chains and what they depend on, each file once. Answers with
/// what was verified, in signed words.
pub(super) fn verify_last(ceremony: &Ceremony, tracks: &[Track]) -> Result<Label, Diagnostic> {
    run(ceremony, Depth::LastOf(tracks.to_vec()))?;
    let in_phase_2 = tracks.iter().any(|track| track.phase() == Phase::Two);
    Ok(if in_phase_2 { Prior::StepAndPrepared } else { Prior::Step }.words())
}

impl PreparedArgs {
    /// The same, with the prepared file verified as the user says.
    pub(super) fn verify_last(
        &self,
        ceremony: &Ceremony,
        tracks: &[Track],
    ) -> Result<Label, Diagnostic> {
        self.ensure_auditors()?;
        let in_phase_2 = tracks.iter().any(|track| track.phase() == Phase::Two);
        if self.prepared == Prepared::Verify || !in_phase_2 {
            ensure_here(ceremony, &ceremony.needed(tracks), self.prepared)?;
            return verify_last(ceremony, tracks);
        }
        let founded = match self.prepared {
            Prepared::Known => {
                let known = Known::read()?;
                ceremony.foundations(tracks, |track, step| known.has(ceremony, track, step))
            }
            _ => {
                self.ensure_not_bad(ceremony, tracks)?;
                ceremony.foundations(tracks, |track, step| self.is_good(ceremony, track, step))
            }
        };
        let foundations = founded.map_err(|why| self.unfounded(ceremony, tracks, &why))?;
        ensure_here(ceremony, &ceremony.needed_from(&foundations), self.prepared)?;
        let rebuilt = foundations.iter().all(|of| of.from == Base::Rebuilt);
        run(ceremony, Depth::LastFrom(foundations))?;
        let on = match self.prepared {
            Prepared::Known => Word::Own,
            _ => Word::Verdicts(self.auditors()),
        };
        Ok(Prior::StepRelying { rebuilt, on }.words())
    }

    fn ensure_auditors(&self) -> Result<(), Diagnostic> {
        let wanted = self.prepared == Prepared::Verdicts;
        if wanted != self.auditor.is_empty() {
            return Ok(());
        }
        let what = if wanted {
            "--prepared verdicts relies on auditors, and names none"
        } else {
            "auditors count with --prepared verdicts only"
        };
        Err(Diagnostic::environment("option", what)
            .at("--auditor")
            .hint("name each auditor whom you trust: --prepared verdicts --auditor KEY"))
    }

    /// Distinct keys.
    fn auditors(&self) -> usize {
        self.auditor.iter().collect::<std::collections::BTreeSet<_>>().len()
    }

    fn is_good(&self, ceremony: &Ceremony, track: &Track, step: &Step) -> bool {
        self.auditor.iter().all(|key| {
            let said = ceremony.verdict(key, track, step);
            said.is_some_and(|said| said.verdict == Verdict::Good)
        })
    }

    /// A negative verdict of an auditor who counts stops the step, whatever it is of.
    fn ensure_not_bad(&self, ceremony: &Ceremony, tracks: &[Track]) -> Result<(), Diagnostic> {
        let prepared = ceremony.phase1.prepared.iter().map(|step| (&Track::Phase1, step));
        let chains = ceremony.chains().filter(|chain| tracks.contains(&chain.track));
        let keys = chains.flat_map(|chain| chain.steps.iter().map(|step| (&chain.track, step)));
        for (track, step) in prepared.chain(keys) {
            for key in &self.auditor {
                let said = ceremony.verdict(key, track, step);
                if let Some(said) = said.filter(|said| said.verdict == Verdict::Bad) {
                    let reason = said.reason.map(|reason| reason.to_string()).unwrap_or_default();
                    return Err(Diagnostic::artefact(
                        "bad-verdict",
                        format_args!("{} found that this file does not hold", said.auditor),
                    )
                    .at(step.path.display())
                    .found(format_args!("{reason} ({}, {})", key.fingerprint(), said.time))
                    .hint("do not build on it: ask the coordinator and the auditor"));
                }
            }
        }
        Ok(())
    }

    fn unfounded(&self, ceremony: &Ceremony, tracks: &[Track], why: &Unfounded) -> Diagnostic {
        let step = match why {
            Unfounded::Prepared => {
                ceremony.phase1.prepared.as_ref().map(|step| (&Track::Phase1, step))
            }
            Unfounded::Circuit(track) => {
                let chain = ceremony.circuits.iter().find(|chain| chain.track == *track);
                chain.and_then(|chain| Some((&chain.track, chain.steps.first()?)))
            }
        };
        let Some((track, step)) = step else {
            return Diagnostic::environment("unopened", "phase 2 has not been opened")
                .at(ceremony.folder.root().display())
                .hint("the coordinator opens it");
        };
        let what = match why {
            Unfounded::Prepared => "the prepared file is not known to be good",
            Unfounded::Circuit(_) => {
                "the prepared file is not in this copy, and no key of this circuit that is here \
                 is known to be good"
            }
        };
        let found = match self.prepared {
            Prepared::Known => {
                let noted = Known::path().map(|path| path.display().to_string());
                format!("no verification of {} in {}", step.file, noted.unwrap_or_default())
            }
            _ => {
                let silent =
                    self.auditor.iter().filter(|key| ceremony.verdict(key, track, step).is_none());
                let silent: Vec<String> = silent.map(|key| key.fingerprint()).collect();
                format!("no verdict of {} by {}", step.file, silent.join(", "))
            }
        };
        Diagnostic::environment("not-known", what).at(step.path.display()).found(found).hint(
            format!(
                "verify it: leave out --prepared; these files suffice: {}",
                shown(&ceremony.needed(tracks))
            ),
        )
    }
}

/// Refuses to begin where a file is missing, and says which suffice.
fn ensure_here(ceremony: &Ceremony, needed: &Needed, how: Prepared) -> Result<(), Diagnostic> {
    let Some(missing) = needed.missing.first() else { return Ok(()) };
    let is_prepared = ceremony.phase1.prepared.as_ref().is_some_and(|step| step.path == *missing);
    let what = if is_prepared {
        "phase 1's prepared file is missing from this copy"
    } else {
        "a file that this step needs is missing from this copy"
    };
    let mut hint = format!("fetch what is missing; these files suffice: {}", shown(needed));
    if is_prepared && how == Prepared::Verify {
        hint += &format!(
            ". Without the prepared file: `--prepared verdicts --auditor KEY` or `--prepared \
             known`, see `{PROGRAM} ceremony contribute --help`"
        );
    }
    let all: Vec<String> = needed.missing.iter().map(|path| path.display().to_string()).collect();
    Err(Diagnostic::environment("missing-file", what)
        .at(missing.display())
        .found(format_args!("no {}", all.join(", no ")))
        .hint(hint))
}

fn shown(needed: &Needed) -> String {
    let files: Vec<String> = needed.files.iter().map(|path| path.display().to_string()).collect();
    files.join(", ")
}

fn run(ceremony: &Ceremony, depth: Depth) -> Result<(), Diagnostic> {
    let relying = matches!(depth, Depth::LastFrom(_));
    let mut verification = Verification::new(ceremony, depth)?;
    for part in verification.run(&Bars::default())? {
        say!("verified {}", part.title);
        print_remarks(&part);
    }
    if !relying {
        // What rests on somebody's word is not one's own verification.
        let steps = verification.parts().iter().filter_map(|part| verification.step(part));
        Known::note(ceremony, steps);
    }
    Ok(())
}
