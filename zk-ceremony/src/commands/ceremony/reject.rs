//! `ceremony reject`: a bad step, and everything that was built on it, leaves the chain by the
//! coordinator's signature. `ceremony tidy`: files that are not steps go to `strays/`.

use ceremony_folder::tidy::PutAway;
use ceremony_folder::{Ceremony, FolderLock, RejectError, Slot, Track, budget};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;

use super::{parse_label, this_software};
use crate::cli::ceremony::{RejectStep, TidyArgs};
use crate::outcome::{made, note};
use crate::watching::say;

impl RejectStep {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        // The chain need not hold: that is why a step is rejected.
        let ceremony = Ceremony::open(root)?;
        let mut signer = self.signer.open()?;
        ceremony.ensure_coordinator(signer.as_ref())?;
        let track = self.circuit.clone().map_or(Track::Phase1, Track::Circuit);
        let Some(chain) = ceremony.chains().find(|chain| chain.track == track) else {
            return Err(Diagnostic::environment(
                "rules-have-no",
                format_args!("the rules have no {track}"),
            )
            .hint("name a circuit of ceremony.toml with --circuit"));
        };
        let (slot, attempt) = self.place()?;
        let reason = parse_label("--reason", &self.reason)?;
        let steps = ceremony.to_reject(chain, slot, attempt).map_err(|refused| {
            match (&refused, &chain.problem) {
                // Where the chain does not hold, that is why the step is not there.
                (RejectError::NoSuchStep { .. } | RejectError::Stray { .. }, Some(problem)) => {
                    Diagnostic::from(&**problem)
                }
                _ => refused.into(),
            }
        })?;
        budget::ensure_rejections(&ceremony, steps.len())?;
        let mut rejected = Vec::new();
        // The last one first: an interrupted command leaves no step on a rejected one.
        for gone in &steps {
            let why = match gone.on {
                None => reason.clone(),
                Some(on) => parse_label("reason", &format!("built on {on}, which is rejected"))?,
            };
            ceremony.reject(&track, &gone.step, why.clone(), &this_software(), signer.as_mut())?;
            rejected.push((gone, why));
        }
        for (gone, why) in rejected.iter().rev() {
            made(&gone.step.path, "rejected").line("sha256", gone.step.file).line("reason", why);
        }
        say_spent(&ceremony.again()?, &track);
        let plan = ceremony.config.beacon(track.phase()).filter(|_| slot == Slot::Final);
        if let Some(plan) = plan {
            note!(
                "{track} takes no contribution any more: the value of this beacon is public. Next: \
                 {PROGRAM} ceremony beacon {} with the value of round {}",
                root.display(),
                chain.beacon_round(plan).saturating_add(1)
            );
        }
        Ok(())
    }

    /// The step that is named: a number, "final", or the name of a file with its attempt.
    fn place(&self) -> Result<(Slot, Option<u32>), Diagnostic> {
        let (place, attempt) = match self.step.split_once('-') {
            None => (self.step.as_str(), Some(None)),
            Some((place, attempt)) => (place, attempt.parse().ok().map(Some)),
        };
        let slot = match place {
            "final" => Some(Slot::Final),
            number => number.parse().ok().filter(|number| *number > 0).map(Slot::Number),
        };
        slot.zip(attempt).ok_or_else(|| {
            Diagnostic::environment("not-rejectable", "this is not a step that can be rejected")
                .found(&self.step)
                .expected("1, 2, ... or final; 2-3 for the third attempt at step 2")
                .hint("an opening is not rejected: begin a new ceremony")
        })
    }
}

/// Names those whose committed secrets are gone, and says whether the others are enough.
fn say_spent(ceremony: &Ceremony, track: &Track) {
    let Ok(chain) = ceremony.chain(track) else { return };
    let roster = ceremony.roster.participants(track.phase());
    let spent: Vec<&str> = roster
        .filter(|person| ceremony.is_spent(chain, &person.name))
        .map(|person| person.name.as_str())
        .collect();
    if spent.is_empty() {
        return;
    }
    note!(
        "{track}: the committed secrets are gone of {}: no other contribution of theirs comes, and \
         nobody waits for it",
        spent.join(", ")
    );
    let found = chain.contributions().count() + ceremony.still_to_come(chain).len();
    let minimum = ceremony.config.minimum(track.phase()) as usize;
    if found < minimum {
        say!(
            "warning: {track} cannot come to its minimum of {minimum} any more, only to {found}: \
             begin a new ceremony"
        );
    }
}

impl TidyArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open(root)?;
        for stray in ceremony.strays() {
            note!("{}: {}", super::named(stray), stray.story);
        }
        let moved = ceremony.tidy()?;
        say_moved(&moved);
        if moved.is_empty() {
            note!("{}: nothing to move", root.display());
        }
        Ok(())
    }
}

/// Names what was moved out of the way.
pub(super) fn say_moved(moved: &[PutAway]) {
    for PutAway { from, to } in moved {
        made(from, format_args!("moved to {}", to.display()));
    }
}
