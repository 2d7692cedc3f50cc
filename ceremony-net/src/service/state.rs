//! What changes while a service runs: who waits, whose turn it is, what came, and the journal.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ceremony_folder::journal::{Event, Journal, Recorded};
use ceremony_folder::service::Receipt;
use ceremony_folder::{Ceremony, Step, Track};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::FileDigest;
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{Label, Timestamp};
use zk_attest::signer::Signer;

use super::committing::Commitments;
use super::dashboard::history::{History, StepEntries};
use super::queue::Queue;
use super::security::{Kind, Security};
use super::sessions::Sessions;
use super::state_folder::StateFolder;
use super::turn::{Lease, RunningTurn};
use super::uploads::Upload;
use super::view::SharedView;
use crate::protocol::{Standing, Verdict};

/// What the lock guards.
pub(crate) struct State {
    pub(crate) view: SharedView,
    pub(super) security: Arc<Security>,
    pub(crate) sessions: Sessions,
    pub(super) queue: Queue,
    pub(super) turn: Option<RunningTurn>,
    pub(crate) uploads: BTreeMap<String, Upload>,
    /// What became of the last turn of each participant.
    pub(super) verdicts: BTreeMap<PublicKey, Verdict>,
    pub(super) journal: Journal,
    /// What its entries tell, for people.
    pub(super) history: History,
    pub(super) step_entries: StepEntries,
    pub(super) signer: Box<dyn Signer + Send>,
    /// The trace of what came in the turn.
    pub(super) trace: Option<String>,
    /// Steps that the journal tells of.
    pub(super) journaled: HashSet<FileDigest>,
    /// Amendments of the roster that the journal tells of.
    pub(super) amendments_noted: u32,
    /// Participants of whom it tells that they joined.
    pub(super) joined: HashSet<Label>,
    /// What it tells of commitments.
    pub(super) commitments: Commitments,
    /// What was signed of its last entry.
    pub(super) head: Option<Envelope>,
    /// Whether the last entry is not signed yet.
    pub(super) head_is_due: bool,
    /// Audits and verdicts that the journal tells of.
    pub(super) verdicts_noted: HashSet<FileDigest>,
    /// Keys of whose approvals it tells.
    pub(super) approvals_noted: HashSet<PublicKey>,
    /// Who was not there when it was their turn, in a ceremony with an order.
    pub(super) skipped: BTreeSet<String>,
    /// Whose turn it is by the roster, and since when nobody came.
    pub(super) awaited: Option<(PublicKey, Instant)>,
    /// How long the turns took that ended with a contribution.
    pub(super) durations: Vec<Duration>,
    /// Until when the bundle may be imported.
    pub(super) bundle_not_after: Option<Timestamp>,
    pub(crate) approved: bool,
    pub(super) finished: bool,
}

impl State {
    pub(crate) fn name(&self, key: &PublicKey) -> Option<&Label> {
        let roster = self.view.ceremony.roster.everybody();
        roster.iter().find(|participant| participant.key == *key).map(|it| &it.name)
    }

    /// The chains to which a participant may contribute now.
    pub(super) fn open_to(
        &self,
        key: &PublicKey,
    ) -> Result<Vec<Track>, ceremony_folder::TurnError> {
        let ceremony = &self.view.ceremony;
        let roster = ceremony.roster.everybody();
        let Some(participant) = roster.iter().find(|it| it.key == *key) else {
            let roster = roster.iter().map(|it| it.name.to_string()).collect();
            let name = key.fingerprint();
            return Err(ceremony_folder::TurnError::NotInRoster { name, roster });
        };
        self.ensure_committed(participant)?;
        let skip: Vec<String> = self.skipped.iter().cloned().collect();
        ceremony.chains_open_to(participant, &skip)
    }

    /// Whether a participant has nothing to do in what the ceremony waits for.
    pub(super) fn is_done(&self, key: &PublicKey) -> bool {
        use ceremony_folder::TurnError as T;
        let order = |error: &T| {
            matches!(error, T::AnothersTurn { .. } | T::Committing { .. }) // will come
        };
        match self.open_to(key) {
            Ok(_) => false,
            // It may have been among those that could not be read.
            Err(T::Uncommitted { .. }) if self.view.ceremony.commitments.unread().is_some() => {
                false
            }
            Err(error) => !order(&error),
        }
    }

    pub(crate) fn poll_begins(&mut self, key: &PublicKey) {
        self.queue.poll_begins(key, Instant::now());
    }

    pub(crate) fn poll_ends(&mut self, key: &PublicKey) {
        self.queue.poll_ends(key, Instant::now());
    }

    pub(super) fn turn_of(&self, key: &PublicKey) -> Option<&RunningTurn> {
        self.turn.as_ref().filter(|turn| turn.lease.key == *key)
    }

    /// Notes on the disk how far an upload came.
    pub(crate) fn note_upload(&self, folder: &StateFolder, id: &str) {
        if let (Some(upload), Some(turn)) = (self.uploads.get(id), &self.turn) {
            upload.note(folder, &turn.lease.id);
        }
    }

    /// An upload of the turn that a participant has.
    pub(crate) fn upload_of(&self, key: &PublicKey, id: &str) -> Option<&Upload> {
        self.turn_of(key)?;
        self.uploads.get(id)
    }

    /// The turn that a participant has and has not completed.
    pub(crate) fn open_turn(&self, key: &PublicKey, id: &str) -> Result<&RunningTurn, Diagnostic> {
        let gone = || {
            Diagnostic::environment(
                "turn-over",
                "you do not have this turn: it ran out, was given \
                                     back, or is someone else's",
            )
            .hint("ask for your place in the queue again: it is kept")
        };
        let turn = self.turn_of(key).filter(|turn| turn.lease.id == id).ok_or_else(gone)?;
        self.ensure_not_received()?;
        Ok(turn)
    }

    /// Refuses to change what came: from the moment at which everything did, it is the service's.
    pub(crate) fn ensure_not_received(&self) -> Result<(), Diagnostic> {
        if self.turn.as_ref().is_none_or(|turn| turn.lease.received.is_none()) {
            return Ok(());
        }
        Err(Diagnostic::environment("received", "everything of this turn came already")
            .hint("ask for the verdict"))
    }

    /// How long a turn takes that ends with a contribution, by those so far.
    pub(super) fn mean_turn(&self) -> Option<Duration> {
        let count = u32::try_from(self.durations.len()).unwrap_or(u32::MAX);
        self.durations.iter().sum::<Duration>().checked_div(count)
    }

    pub(super) fn waiting(&self, key: &PublicKey, reason: String, now: Instant) -> Standing {
        let may = |key: &PublicKey| self.open_to(key).is_ok();
        let ahead = self.queue.ahead(key, may);
        let holder = self.turn.as_ref().map(|turn| turn.lease.key);
        let turns = self.queue.ahead(key, |it| Some(*it) != holder && may(it));
        let expected = self.expected(turns, now).map(|wait| wait.as_secs());
        Standing::Waiting { ahead, expected, reason }
    }

    /// How long a participant waits who has so many turns before its own besides the running one,
    /// if turns take as long as those so far.
    fn expected(&self, turns: usize, now: Instant) -> Option<Duration> {
        let mean = self.mean_turn()?;
        let running = self.turn.as_ref().map(|turn| now.saturating_duration_since(turn.granted));
        let current = running.map_or(Duration::ZERO, |running| mean.saturating_sub(running));
        Some(mean.saturating_mul(u32::try_from(turns).unwrap_or(u32::MAX)) + current)
    }

    /// The first of the queue without whoever has the turn, each with how long it may still wait:
    /// the same that [`Self::waiting`] tells them. Goes once through the queue.
    pub(crate) fn first(
        &self,
        most: usize,
        now: Instant,
    ) -> Vec<(&super::queue::Waiting, Option<Duration>)> {
        let holder = self.turn.as_ref().map(|turn| turn.lease.key);
        let others = self.queue.iter().filter(|it| Some(it.key) != holder);
        let mut turns = 0;
        let shown = others.take(most).map(|it| {
            let expected = self.expected(turns, now);
            turns += usize::from(self.open_to(&it.key).is_ok());
            (it, expected)
        });
        shown.collect()
    }

    /// Who gets the turn next, of those who are here.
    pub(crate) fn next_of_queue(&self, now: Instant) -> Option<PublicKey> {
        self.queue.next(now, |key| self.open_to(key).is_ok()).map(|next| next.key)
    }

    /// What a process before this one wrote.
    pub(super) fn remember(&mut self) {
        for recorded in self.journal.entries() {
            self.history.take(recorded);
            self.step_entries.take(recorded);
            self.commitments.take(recorded);
            match &recorded.entry.event {
                Event::Step { file, .. } => {
                    self.journaled.insert(*file);
                }
                Event::Amended { number, .. } => self.amendments_noted = *number,
                Event::Verdict { document, .. } => {
                    self.verdicts_noted.insert(*document);
                }
                Event::Approval { key } => {
                    self.approvals_noted.insert(*key);
                }
                Event::Joined { participant } => {
                    self.joined.insert(participant.clone());
                }
                Event::Skipped { participant } => {
                    self.skipped.insert(participant.to_string());
                }
                _ => {}
            }
        }
    }

    /// Writes an entry of the journal, and signs it as the last one.
    pub(crate) fn note(&mut self, event: Event) -> Result<Recorded, Diagnostic> {
        let kind = match &event {
            Event::Refused { .. } => Some(Kind::RefusedContribution),
            Event::Expired { .. } => Some(Kind::ExpiredTurn),
            _ => None,
        };
        let recorded = self.journal.append(event)?;
        super::gauges::observe(&self.view, &recorded.entry.event);
        if let Some(kind) = kind {
            self.security.note(kind);
        }
        self.history.take(&recorded);
        self.step_entries.take(&recorded);
        self.commitments.take(&recorded);
        self.head_is_due = true;
        self.sign_due_head();
        Ok(recorded)
    }

    /// Signs the last entry. The entry is there, whether this works or not: if not, it is tried
    /// again.
    pub(super) fn sign_due_head(&mut self) {
        if !self.head_is_due {
            return;
        }
        let view = self.view.clone();
        match self.journal.sign_head(&view.ceremony, self.signer.as_mut()) {
            Ok(head) => (self.head, self.head_is_due) = (head, false),
            Err(error) => {
                self.head = None;
                crate::log::failure("signing the journal failed, and is tried again: ", &error);
            }
        }
    }

    /// Notes the amendments and the steps that came into the folder.
    pub(super) fn journal_folder(&mut self) -> Result<(), Diagnostic> {
        let view = self.view.clone();
        for amended in view.ceremony.roster.amendments() {
            let number = amended.said.number;
            if number > self.amendments_noted {
                self.note(Event::Amended { number, document: amended.digest() })?;
                self.amendments_noted = number;
            }
        }
        self.note_commitments()?;
        for chain in view.ceremony.chains() {
            for step in chain.steps.iter().chain(&chain.prepared) {
                // What came in a turn is noted with its turn.
                let in_turn = self.turn.as_ref().is_some_and(|turn| {
                    turn.lease.received.is_some() && turn.lease.key == step.key
                });
                if !in_turn {
                    self.journal_step(&chain.track, step, None)?;
                }
            }
        }
        self.note_unopened()
    }

    pub(super) fn journal_step(
        &mut self,
        track: &Track,
        step: &Step,
        turn: Option<&str>,
    ) -> Result<(), Diagnostic> {
        if self.journaled.contains(&step.file) {
            return Ok(());
        }
        let circuit = match track {
            Track::Phase1 => None,
            Track::Circuit(name) => Some(name.clone()),
        };
        self.note(Event::Step {
            circuit,
            step: step.name.to_string(),
            action: step.words.action,
            participant: step.words.participant.clone(),
            file: step.file,
            turn: turn.map(str::to_owned),
        })?;
        self.journaled.insert(step.file);
        Ok(())
    }

    pub(super) fn sign_receipt(
        &mut self,
        ceremony: &Ceremony,
        step: &Step,
    ) -> Result<Envelope, Diagnostic> {
        let tells = |recorded: &&Recorded| matches!(&recorded.entry.event, Event::Step { file, .. } if *file == step.file);
        let Some(recorded) = self.journal.entries().iter().find(tells).cloned() else {
            return Err(Diagnostic::environment("journal", "the journal has no such step"));
        };
        let name = step.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Receipt::of(ceremony, step, &recorded).sign(&name, self.signer.as_mut())
    }

    pub(super) fn note_approval(&mut self, key: &PublicKey) -> Result<(), Diagnostic> {
        self.note(Event::Approval { key: *key })?;
        self.approvals_noted.insert(*key);
        Ok(())
    }

    /// Ends a turn without a contribution. The journal says so first: a process that is killed in
    /// between finds a turn that is over, and not one that nobody knows the end of.
    pub(super) fn end_turn(
        &mut self,
        folder: &StateFolder,
        now: Instant,
        event: impl Fn(&Lease) -> Event,
    ) -> Result<(), Diagnostic> {
        let Some(turn) = &self.turn else { return Ok(()) };
        let (event, key) = (event(&turn.lease), turn.lease.key);
        self.note(event)?;
        self.drop_turn(folder);
        self.queue.failed(&key, now);
        Ok(())
    }

    pub(super) fn drop_turn(&mut self, folder: &StateFolder) {
        let chains = self.turn.take().map_or(0, |turn| turn.lease.chains.len());
        Lease::forget(folder);
        for chain in 0..chains {
            folder.remove(&Lease::attestation_name(chain));
        }
        for upload in std::mem::take(&mut self.uploads).into_values() {
            upload.remove(folder);
        }
    }

    pub(super) fn give_back(
        &mut self,
        folder: &StateFolder,
        key: &PublicKey,
    ) -> Result<bool, Diagnostic> {
        let open = self.turn_of(key).is_some_and(|turn| turn.lease.received.is_none());
        if open {
            let event = |lease: &Lease| Event::GivenUp {
                participant: lease.participant.clone(),
                turn: lease.id.clone(),
            };
            self.end_turn(folder, Instant::now(), event)?;
        }
        Ok(open)
    }

    /// Ends a turn whose chains went on in another way: by hand, or by a beacon.
    pub(super) fn void_turn(&mut self, folder: &StateFolder) -> Result<(), Diagnostic> {
        let Some(turn) = &self.turn else { return Ok(()) };
        // A key that was replaced has no turn any more.
        let is_in = self.name(&turn.lease.key).is_some();
        // Nor has anybody, when a round of commitments begins anew.
        let is_in = is_in && self.committing().is_none();
        let goes_on = turn.lease.received.is_some()
            || is_in
                && turn.lease.chains.iter().all(|chain| {
                    let head = self.view.ceremony.head(&chain.track());
                    head.is_ok_and(|head| head.file == chain.head_sha256)
                });
        if goes_on {
            return Ok(());
        }
        let event = |lease: &Lease| Event::GivenUp {
            participant: lease.participant.clone(),
            turn: lease.id.clone(),
        };
        self.end_turn(folder, Instant::now(), event)
    }

    /// In a ceremony with an order: whoever is next and stays away is passed over after a while,
    /// if somebody else is there.
    pub(super) fn pass_over(&mut self, after: Duration, now: Instant) -> Result<bool, Diagnostic> {
        use ceremony_folder::config::Order;
        let ceremony = &self.view.ceremony;
        if ceremony.config.document().order != Order::Roster || self.turn.is_some() {
            self.awaited = None;
            return Ok(false);
        }
        let roster = ceremony.roster.everybody();
        // Whoever was passed over may still come, and is not waited for.
        let is_passed_over = |name: &Label| self.skipped.contains(name.as_str());
        let next =
            roster.iter().find(|it| !is_passed_over(&it.name) && self.open_to(&it.key).is_ok());
        let Some(next) = next.filter(|next| !self.queue.is_present(&next.key, now)) else {
            self.awaited = None;
            return Ok(false);
        };
        let somebody = self
            .queue
            .iter()
            .any(|other| other.key != next.key && self.queue.is_present(&other.key, now));
        let (key, name) = (next.key, next.name.clone());
        match self.awaited {
            Some((awaited, since)) if awaited == key && somebody => {
                if now.saturating_duration_since(since) < after {
                    return Ok(false);
                }
                self.skipped.insert(name.to_string());
                self.awaited = None;
                self.note(Event::Skipped { participant: name })?;
                Ok(true)
            }
            Some((awaited, _)) if awaited == key => Ok(false),
            _ => {
                self.awaited = Some((key, now));
                Ok(false)
            }
        }
    }

    /// When something is due by itself.
    pub(crate) fn next_change(&self, now: Instant) -> Option<Instant> {
        let deadline = self.turn.as_ref().and_then(RunningTurn::deadline);
        let due = [deadline, self.queue.next_change(now)].into_iter().flatten();
        // What is past is for the watcher, which looks every second.
        due.filter(|at| *at > now).min()
    }
}
