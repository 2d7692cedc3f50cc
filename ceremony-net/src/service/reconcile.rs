//! What folder and state say, and the journal does not: put into it once, when a service starts.
//!
//! A process may be killed between two writes. The order of writes is such that the second one can
//! be made up for:
//!
//! ```text
//! a turn begins      the lease is saved, then it is noted        noted now
//! everything came    the lease says so, then it is noted         noted now
//! a turn ends        it is noted, then the lease is removed      removed now
//! a step comes       it is in the folder, then it is noted       noted now, or with its turn
//! a refusal          it is noted, then the turn ends             verified again, noted once
//! an audit           it is in the folder, then it is noted       noted now
//! an approval        it is in the bundle, then it is noted       noted now
//! the lease is lost  with the state folder                       its turn is noted as run out
//! ```

use ceremony_folder::journal::Event;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::FileDigest;
use zk_attest::primitives::Label;
use zk_vk_guard::bundle::{Bundle, MAX_BUNDLE_BYTES};

use super::Options;
use super::state::State;
use super::state_folder::StateFolder;
use super::turn::Lease;

/// What the journal tells of a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    granted: bool,
    received: bool,
    refused: bool,
    /// A step came in it.
    step: bool,
    /// It ran out, or was given back.
    ended: bool,
}

impl State {
    fn told(&self, turn: &str) -> Told {
        let mut told = Told::default();
        for recorded in self.journal.entries() {
            match &recorded.entry.event {
                Event::Granted { turn: id, .. } if id == turn => told.granted = true,
                Event::Received { turn: id, .. } if id == turn => told.received = true,
                Event::Refused { turn: id, .. } if id == turn => told.refused = true,
                Event::Step { turn: Some(id), .. } if id == turn => told.step = true,
                Event::Expired { turn: id, .. } | Event::GivenUp { turn: id, .. } if id == turn => {
                    told.ended = true;
                }
                _ => {}
            }
        }
        told
    }

    /// Whether the journal tells of the refusal of what came in a turn.
    pub(super) fn tells_of_refusal(&self, turn: &str) -> bool {
        self.told(turn).refused
    }

    /// The turn that goes on, after the journal was brought up to date.
    pub(super) fn reconcile(
        &mut self,
        folder: &StateFolder,
        options: &Options,
    ) -> Result<Option<Lease>, Diagnostic> {
        let lease = self.reconcile_turn(Lease::load(folder), folder)?;
        self.end_lost_turn(lease.as_ref())?;
        self.note_audits(options)?;
        self.note_approvals(options)?;
        Ok(lease)
    }

    fn reconcile_turn(
        &mut self,
        lease: Option<Lease>,
        folder: &StateFolder,
    ) -> Result<Option<Lease>, Diagnostic> {
        let Some(lease) = lease else { return Ok(None) };
        let told = self.told(&lease.id);
        if told.ended {
            Lease::forget(folder);
            return Ok(None);
        }
        let (participant, turn) = (lease.participant.clone(), lease.id.clone());
        if !told.granted {
            self.note(Event::Granted { participant: participant.clone(), turn: turn.clone() })?;
        }
        if lease.received.is_some() && !told.received {
            self.note(Event::Received { participant, turn })?;
        }
        Ok(Some(lease))
    }

    /// The last turn that was granted has an end, or goes on.
    fn end_lost_turn(&mut self, lease: Option<&Lease>) -> Result<(), Diagnostic> {
        let last: Option<(Label, String)> =
            self.journal.entries().iter().rev().find_map(|recorded| match &recorded.entry.event {
                Event::Granted { participant, turn } => Some((participant.clone(), turn.clone())),
                _ => None,
            });
        let Some((participant, turn)) = last else { return Ok(()) };
        let told = self.told(&turn);
        let goes_on = lease.is_some_and(|lease| lease.id == turn);
        if goes_on || told.ended || told.refused || told.step {
            return Ok(());
        }
        self.note(Event::Expired { participant, turn }).map(drop)
    }

    /// Notes what auditors left who are heard.
    fn note_audits(&mut self, options: &Options) -> Result<(), Diagnostic> {
        let view = self.view.clone();
        for (auditor, bytes) in
            ceremony_folder::audit::documents(&view.ceremony, &options.auditors)?
        {
            let document = FileDigest::of(&bytes);
            if self.verdicts_noted.insert(document) {
                self.note(Event::Verdict { auditor, document })?;
            }
        }
        Ok(())
    }

    /// Notes approvals that are in the bundle.
    fn note_approvals(&mut self, options: &Options) -> Result<(), Diagnostic> {
        let view = self.view.clone();
        let folder = &view.ceremony.folder;
        let bytes = folder.read(&folder.bundle(), MAX_BUNDLE_BYTES);
        let bundle = bytes.ok().and_then(|bytes| Bundle::from_json(&bytes).ok());
        let Some(bundle) = bundle else { return Ok(()) };
        let roster = view.ceremony.roster.everybody();
        let known = roster.iter().map(|participant| &participant.key).chain(&options.approvers);
        for key in bundle.envelope().signers(known) {
            if !self.approvals_noted.contains(&key) {
                self.note_approval(&key)?;
            }
        }
        Ok(())
    }
}
