//! The round of commitments before the contributions of a phase, where the rules ask for it.
//!
//! It begins with the phase, and ends when everybody has committed, or when the time for it is over
//! since the first commitment and there are as many as the phase needs contributions. What there is
//! of it is in the folder and in the journal, so that it goes on after a restart. No turn is
//! granted before its end, and no commitment taken after it. Another round begins when the
//! coordinator signs it, as long as nobody has contributed
//! ([`ceremony_folder::commitment::rounds`]).

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use ceremony_folder::commitment::{Commitment, Standing, Uncommitted, too_late};
use ceremony_folder::config::Participant;
use ceremony_folder::journal::{Event, Recorded};
use ceremony_folder::{Ceremony, Chain, Stage, TurnError};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::FileDigest;
use zk_attest::primitives::{Label, Timestamp};
use zk_attest::statement::Phase;

use super::state::State;

/// What the journal tells of commitments.
#[derive(Debug, Default)]
pub(super) struct Commitments {
    /// When the first one to a phase came.
    since: BTreeMap<Phase, u64>,
    /// Documents that it tells of.
    noted: HashSet<FileDigest>,
    /// The last round of a phase that it tells of, where it is not the first.
    rounds: BTreeMap<Phase, u32>,
    closed: BTreeSet<Phase>,
    unopened: BTreeSet<(Phase, Label)>,
}

impl Commitments {
    /// Takes in an entry.
    pub(super) fn take(&mut self, recorded: &Recorded) {
        match &recorded.entry.event {
            Event::Committed { phase, document, .. } => {
                self.since.entry(*phase).or_insert(recorded.entry.time.unix());
                self.noted.insert(*document);
            }
            Event::CommitmentRound { phase, round, .. } => {
                self.rounds.insert(*phase, *round);
                self.closed.remove(phase);
                self.since.remove(phase);
            }
            Event::CommitmentsClosed { phase } => {
                self.closed.insert(*phase);
            }
            Event::Unopened { participant, phase } => {
                self.unopened.insert((*phase, participant.clone()));
            }
            _ => {}
        }
    }
}

impl State {
    /// The open phase, while commitments to it are being made.
    pub(super) fn committing(&self) -> Option<Phase> {
        let ceremony = &self.view.ceremony;
        match ceremony.stage() {
            Stage::Contributions(phase) if ceremony.config.asks_for_committed_secrets() => {
                (!self.commitments.closed.contains(&phase)).then_some(phase)
            }
            _ => None,
        }
    }

    /// Refuses a turn as long as commitments are being made, and to who is not in the journal: a
    /// commitment that was laid into the folder after the round is none.
    pub(super) fn ensure_committed(&self, participant: &Participant) -> Result<(), TurnError> {
        let Some(phase) = self.committing().filter(|phase| participant.phases.contains(phase))
        else {
            return self.ensure_noted(participant);
        };
        let ceremony = &self.view.ceremony;
        let found = ceremony.commitments.of_phase(phase).count();
        Err(TurnError::Committing { phase, found, of: ceremony.roster.participants(phase).count() })
    }

    fn ensure_noted(&self, participant: &Participant) -> Result<(), TurnError> {
        let ceremony = &self.view.ceremony;
        let Stage::Contributions(phase) = ceremony.stage() else { return Ok(()) };
        match ceremony.commitments.of(&participant.name, phase) {
            Ok(kept) if !self.commitments.noted.contains(&kept.document) => {
                let (name, found) = (participant.name.clone(), Uncommitted::Missing);
                Err(TurnError::Uncommitted { name, phase, found })
            }
            _ => Ok(()),
        }
    }

    /// Refuses commitments after their round.
    pub(super) fn ensure_takes_commitments(&self, phase: Phase) -> Result<(), Diagnostic> {
        if self.commitments.closed.contains(&phase) {
            return Err(too_late(phase, "the round of commitments is over"));
        }
        Ok(())
    }

    /// Refuses what the journal told of already, and that is not of this round: anybody can send
    /// a commitment of an earlier one again.
    pub(super) fn ensure_of_this_round(
        &self,
        said: &Commitment,
        document: FileDigest,
    ) -> Result<(), Diagnostic> {
        if !self.commitments.noted.contains(&document) {
            return Ok(());
        }
        Err(Diagnostic::artefact("commitments-round", "the round of this commitment has ended")
            .found(format_args!("a commitment of {} that is void", said.participant))
            .expected("another commitment, to secrets that are drawn anew")
            .hint("`ceremony join` commits anew by itself"))
    }

    /// Ends the round of commitments when its time has come, and says whether it did.
    pub(super) fn close_commitments(&mut self, within: Duration) -> Result<bool, Diagnostic> {
        let Some(phase) = self.committing() else { return Ok(false) };
        let ceremony = &self.view.ceremony;
        // What cannot be read now may be read the next time, and the end of a round is for good.
        if ceremony.ensure_sound().is_err() {
            return Ok(false);
        }
        let committed =
            |person: &&Participant| ceremony.commitments.of(&person.name, phase).is_ok();
        let everybody = ceremony.roster.participants(phase).count();
        let found = ceremony.roster.participants(phase).filter(committed).count();
        let enough = found >= ceremony.config.minimum(phase) as usize;
        let since = self.commitments.since.get(&phase);
        let waited = since.map_or(0, |since| Timestamp::now().unix().saturating_sub(*since));
        // By hand, a contribution may come at any time.
        let begun = ceremony.contributed_to(phase).is_some();
        if found < everybody && !(enough && waited >= within.as_secs()) && !begun {
            return Ok(false);
        }
        self.note(Event::CommitmentsClosed { phase })?;
        Ok(true)
    }

    /// Notes a commitment, once.
    pub(super) fn note_commitment(
        &mut self,
        said: &Commitment,
        document: FileDigest,
    ) -> Result<(), Diagnostic> {
        // Another look at the folder may have come first.
        if self.commitments.noted.contains(&document) {
            return Ok(());
        }
        let (participant, phase) = (said.participant.clone(), said.phase);
        self.note(Event::Committed { participant, phase, document }).map(drop)
    }

    /// Notes rounds that the coordinator began, before any commitment to them is noted.
    pub(super) fn note_rounds(&mut self, ceremony: &Ceremony) -> Result<(), Diagnostic> {
        for begun in ceremony.commitments.rounds() {
            let (phase, round) = (begun.said.phase, begun.said.round);
            let noted = self.commitments.rounds.get(&phase).copied().unwrap_or(1);
            if round > noted && ceremony.contributed_to(phase).is_none() {
                let document = begun.document;
                self.note(Event::CommitmentRound { phase, round, document })?;
            }
        }
        Ok(())
    }

    /// Notes commitments that are in the folder and that the journal does not tell of: those that a
    /// process kept and was killed before it could note them. Too late they are not noted, and do
    /// not count.
    pub(super) fn note_commitments(&mut self) -> Result<(), Diagnostic> {
        let view = self.view.clone();
        self.note_rounds(&view.ceremony)?;
        let Some(phase) = self.committing() else { return Ok(()) };
        if view.ceremony.ensure_takes_commitments(phase).is_err() {
            return Ok(());
        }
        for kept in view.ceremony.commitments.of_phase(phase) {
            self.note_commitment(&kept.said, kept.document)?;
        }
        Ok(())
    }

    /// Notes who committed to a phase that is closed, and did not contribute to it.
    pub(super) fn note_unopened(&mut self) -> Result<(), Diagnostic> {
        let view = self.view.clone();
        for phase in [Phase::One, Phase::Two] {
            for kept in view.ceremony.commitments.of_phase(phase) {
                let place = (phase, kept.said.participant.clone());
                let of_phase = |chain: &&Chain| chain.track.phase() == phase;
                let closed = match view.ceremony.standing(kept) {
                    Standing::NotOpened => true,
                    Standing::Rejected => {
                        view.ceremony.chains().filter(of_phase).all(Chain::is_closed)
                    }
                    Standing::Waiting | Standing::Contributed => false,
                };
                if closed && !self.commitments.unopened.contains(&place) {
                    let (phase, participant) = place;
                    self.note(Event::Unopened { participant, phase })?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
