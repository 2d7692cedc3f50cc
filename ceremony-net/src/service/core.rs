//! What a service knows and does, without a word of HTTP.
//!
//! All state is behind one lock that is held for moments; what takes long (reading the folder,
//! verifying) goes on outside of it and comes back with its result.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ceremony_core::progress::NoProgress;
use ceremony_folder::journal::{Event, Journal, Recorded};
use ceremony_folder::service::{Receipt, appointments};
use ceremony_folder::{Ceremony, FolderLock, Inbox, Refused, Step, Track};
use tokio::sync::watch;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::FileDigest;
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CircuitName, Label, Timestamp};
use zk_attest::program::PROGRAM;
use zk_attest::signer::{Signer, sign_envelope};

use super::limits::{JOURNAL_PART, RETRY, SPARE_BYTES};
use super::queue::Queue;
use super::sessions::{Expected, Sessions};
use super::state_folder::{StateFolder, free_bytes};
use super::turn::{Lease, RunningTurn};
use super::uploads::Upload;
use super::view::{SharedView, View};
use super::{Options, turn};
use crate::protocol::{
    CeremonyInfo, Completion, JournalInfo, JournalPart, PROTOCOL, Standing, Turn, TurnInfo, Verdict,
};
use crate::statements::{Ticket, about_rules, signed_by};

/// A service, as all of its parts share it.
pub(crate) struct Core {
    pub(crate) options: Options,
    pub(crate) state_folder: StateFolder,
    pub(crate) service_key: PublicKey,
    state: Mutex<State>,
    /// Rises with every change.
    pub(crate) version: watch::Sender<u64>,
    /// The last request.
    asked: Mutex<Instant>,
}

/// What the lock guards.
pub(crate) struct State {
    pub(crate) view: SharedView,
    pub(crate) sessions: Sessions,
    queue: Queue,
    turn: Option<RunningTurn>,
    pub(crate) uploads: BTreeMap<String, Upload>,
    /// What became of the last turn of each participant.
    verdicts: BTreeMap<PublicKey, Verdict>,
    journal: Journal,
    signer: Box<dyn Signer + Send>,
    /// Steps that the journal tells of.
    journaled: HashSet<FileDigest>,
    /// Participants of whom it tells that they joined.
    joined: HashSet<Label>,
    /// What was signed of its last entry.
    head: Option<Envelope>,
    /// Who was not there when it was their turn, in a ceremony with an order.
    skipped: BTreeSet<String>,
    /// Whose turn it is by the roster, and since when nobody came.
    awaited: Option<(PublicKey, Instant)>,
    /// How long the turns took that ended with a contribution.
    durations: Vec<Duration>,
    pub(crate) approved: bool,
    finished: bool,
}

impl Core {
    pub(crate) fn open(
        options: Options,
        signer: Box<dyn Signer + Send>,
    ) -> Result<Arc<Self>, Diagnostic> {
        let state_folder = StateFolder::open(&options.state)?;
        let service_key = *signer.public_key();
        // Removes what killed commands left, and waits for running ones.
        let lock = FolderLock::take(&options.folder)?;
        let view = View::read(&options.folder, None)?;
        view.ceremony.ensure_sound()?;
        let is_ours = appointments(&view.ceremony).into_iter().any(|appointed| {
            appointed.service_key == service_key && appointed.origin == options.origin
        });
        if !is_ours {
            return Err(Diagnostic::environment(
                "not-appointed",
                "the coordinator has not appointed this service",
            )
            .at(options.folder.display())
            .found(format_args!("no signed document for the key {service_key}"))
            .expected(format_args!("one for this key and {}", options.origin))
            .hint(format_args!(
                "let the coordinator run `{PROGRAM} ceremony appoint {} --service-key \
                 {service_key} --origin {}`",
                options.folder.display(),
                options.origin
            )));
        }
        let (journal, cut) = Journal::open(&view.ceremony)?;
        let now = Instant::now();
        let sessions = Sessions::new(now).map_err(|error| {
            Diagnostic::environment("no-randomness", format_args!("no randomness: {error}"))
        })?;
        let mut state = State {
            view: Arc::new(view),
            sessions,
            queue: Queue::default(),
            turn: None,
            uploads: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            journaled: HashSet::new(),
            joined: HashSet::new(),
            head: None,
            skipped: BTreeSet::new(),
            awaited: None,
            durations: Vec::new(),
            journal,
            signer,
            approved: false,
            finished: false,
        };
        state.remember();
        let begins = state.journal.entries().is_empty();
        state.note(if begins {
            Event::Opened { service: service_key }
        } else {
            Event::Restarted { cut }
        })?;
        // The folder's signed side cannot change while this waits for nothing.
        drop(lock);
        let lease = Lease::load(&state_folder);
        let uploads = Upload::load(&state_folder, lease.as_ref().map(|lease| lease.id.as_str()));
        state.uploads = uploads.into_iter().map(|upload| (upload.id.clone(), upload)).collect();
        if let Some(lease) = lease {
            let since = milliseconds();
            state.queue.join(lease.key, since, now);
            // A restart takes no time from anybody's turn.
            state.turn = Some(RunningTurn { lease, granted: now });
        }
        state.journal_folder()?;
        let core = Arc::new(Self {
            options,
            state_folder,
            service_key,
            state: Mutex::new(state),
            version: watch::Sender::new(1),
            asked: Mutex::new(now),
        });
        core.state().approved = core.is_approved();
        Ok(core)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A request that panicked left each field whole: none is changed in two steps that belong
        // together without the journal.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that somebody asked for something.
    pub(crate) fn asked(&self) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long nobody has asked for anything.
    pub(crate) fn quiet_for(&self) -> Duration {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// Tells everybody who waits for a change.
    pub(crate) fn changed(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    fn is_approved(&self) -> bool {
        let view = self.state().view.clone();
        let Some(approved) = &self.options.is_approved else { return false };
        let folder = &view.ceremony.folder;
        let limit = zk_vk_guard::bundle::MAX_BUNDLE_BYTES;
        folder.read(&folder.bundle(), limit).is_ok_and(|bytes| approved(&bytes))
    }

    /// Reads the folder again, if it changed, and notes what is new in it.
    pub(crate) fn refresh(&self, always: bool) -> Result<(), Diagnostic> {
        let before = self.state().view.clone();
        if !always && !before.is_stale(&self.options.folder) {
            return Ok(());
        }
        let view = View::read(&self.options.folder, Some(&before))?;
        if let Some(why) = &view.withheld {
            tracing::error!("no file is handed out: {why}");
        }
        let mut state = self.state();
        state.view = Arc::new(view);
        let noted = state.journal_folder();
        state.void_turn(&self.state_folder)?;
        drop(state);
        let approved = self.is_approved();
        self.state().approved = approved;
        self.changed();
        noted
    }

    /// What is due by itself: turns that ran out, and participants who did not come.
    pub(crate) fn tick(&self, now: Instant) -> Result<(), Diagnostic> {
        let mut state = self.state();
        let due = state.turn.as_ref().and_then(RunningTurn::deadline).is_some_and(|at| at <= now);
        let mut changed = due;
        if due {
            let event = |lease: &Lease| Event::Expired {
                participant: lease.participant.clone(),
                turn: lease.id.clone(),
            };
            state.end_turn(&self.state_folder, now, event)?;
        }
        changed |= state.pass_over(self.options.absent_after, now)?;
        drop(state);
        if changed {
            self.changed();
        }
        Ok(())
    }

    /// What is so now.
    pub(crate) fn info(&self) -> CeremonyInfo {
        let state = self.state();
        let (view, now) = (&state.view, Instant::now());
        let rules = view.ceremony.config.document();
        let name = |key: &PublicKey| state.name(key).map(ToString::to_string);
        let stage = view.stage();
        CeremonyInfo {
            protocol: PROTOCOL,
            version: *self.version.borrow(),
            ceremony: rules.id.to_string(),
            kind: rules.kind.to_string(),
            ceremony_toml_sha256: view.ceremony.config.digest().to_string(),
            origin: self.options.origin.to_string(),
            service_key: self.service_key.to_string(),
            stage,
            chains: view.chains(),
            queue: state.queue.iter().filter_map(|waiting| name(&waiting.key)).collect(),
            turn: state.turn.as_ref().map(|turn| TurnInfo {
                participant: turn.lease.participant.to_string(),
                since: now.saturating_duration_since(turn.granted).as_secs(),
                remaining: turn.remaining(now),
            }),
            journal: state.journal.entries().last().map(|last| JournalInfo {
                number: last.entry.number,
                sha256: last.sha256.to_string(),
            }),
            bundle: view.bundle,
            finished: state.finished || state.approved,
        }
    }

    /// Entries of the journal, from one on, as many as an answer takes.
    pub(crate) fn journal(&self, from: u64) -> Result<JournalPart, Diagnostic> {
        let state = self.state();
        let first = usize::try_from(from).unwrap_or(usize::MAX);
        let entries = state.journal.entries().get(first..).unwrap_or_default();
        let mut lines = String::new();
        let mut whole = true;
        for recorded in entries {
            if lines.len() > JOURNAL_PART {
                whole = false;
                break;
            }
            lines.push_str(&String::from_utf8_lossy(&zk_attest::json::encode(&recorded.entry)));
            lines.push('\n');
        }
        let head = whole.then(|| state.head.clone()).flatten();
        Ok(JournalPart { from, lines, head })
    }

    /// Says that nothing is left to be done.
    pub(crate) fn finish(&self) {
        self.state().finished = true;
        self.changed();
    }

    pub(crate) fn open_session(
        &self,
        envelope: &Envelope,
    ) -> Result<(zeroize::Zeroizing<String>, Label), Diagnostic> {
        let mut state = self.state();
        let view = state.view.clone();
        let expected = Expected { ceremony: &view.ceremony, origin: &self.options.origin };
        let (token, key) = state.sessions.open(envelope, &expected, Instant::now())?;
        let name = state.name(&key).cloned().unwrap_or_else(Label::none);
        Ok((token, name))
    }

    /// Puts a participant into the queue.
    pub(crate) fn join(
        &self,
        key: &PublicKey,
        ticket: Option<&Envelope>,
    ) -> Result<Envelope, Diagnostic> {
        let mut state = self.state();
        let rules = state.view.ceremony.config.digest();
        let since = match ticket {
            None => milliseconds(),
            Some(envelope) => {
                let ticket: Ticket =
                    signed_by(envelope, &self.service_key).map_err(|it| ticket_refused(&it))?;
                if ticket.key != *key || ticket.ceremony_toml_sha256 != rules {
                    return Err(Diagnostic::artefact(
                        "ticket",
                        "the ticket is somebody else's, or of another ceremony",
                    )
                    .found(ticket.key.fingerprint())
                    .expected(key.fingerprint())
                    .hint("join without a ticket, at the end of the queue"));
                }
                ticket.since
            }
        };
        let Some(name) = state.name(key).cloned() else {
            return Err(Diagnostic::artefact("not-in-roster", "the roster has no such key"));
        };
        let since = state.queue.join(*key, since, Instant::now());
        if state.joined.insert(name.clone()) {
            state.note(Event::Joined { participant: name })?;
        }
        let ceremony = state.view.ceremony.config.document().id.clone();
        let ticket = Ticket { ceremony, ceremony_toml_sha256: rules, key: *key, since };
        let mut envelope = about_rules(rules, ticket).map_err(|it| Diagnostic::from(&it))?;
        sign_envelope(state.signer.as_mut(), &mut envelope)?;
        drop(state);
        self.changed();
        Ok(envelope)
    }

    pub(crate) fn leave(&self, key: &PublicKey) -> Result<(), Diagnostic> {
        let mut state = self.state();
        state.give_back(&self.state_folder, key)?;
        state.queue.leave(key);
        drop(state);
        self.changed();
        Ok(())
    }

    pub(crate) fn give_back(&self, key: &PublicKey) -> Result<bool, Diagnostic> {
        let gave = self.state().give_back(&self.state_folder, key)?;
        self.changed();
        Ok(gave)
    }

    /// Where a participant stands, with the turn if it is theirs now.
    pub(crate) fn standing(&self, key: &PublicKey) -> Result<Standing, Diagnostic> {
        let now = Instant::now();
        let mut state = self.state();
        state.queue.saw(key, now);
        if let Some(turn) = state.turn_of(key) {
            if turn.lease.received.is_some() {
                return Ok(Standing::Received { verdict: Verdict::Verifying });
            }
            return Ok(Standing::Turn { turn: shown(turn, now) });
        }
        let open = state.open_to(key);
        if let Err(reason) = &open {
            // Of an open phase, there is nothing left for this participant.
            if state.is_done(key) {
                state.queue.leave(key);
                return Ok(Standing::Done { stage: state.view.stage() });
            }
            let reason = Diagnostic::from(reason.clone()).what;
            return Ok(state.waiting(key, reason, now));
        }
        if let Some(turn) = &state.turn {
            let reason = format!("{} has the turn", turn.lease.participant);
            return Ok(state.waiting(key, reason, now));
        }
        if !state.queue.contains(key) {
            return Err(Diagnostic::environment("not-in-queue", "you are not in the queue")
                .hint("join it: the service was started again, or you left it"));
        }
        let next = state.queue.next(now, |key| state.open_to(key).is_ok()).map(|next| next.key);
        match (next, open) {
            (Some(next), Ok(tracks)) if next == *key => self.grant(&mut state, key, &tracks, now),
            (next, _) => {
                let delay = state.queue.delay(key, now).as_secs();
                let reason = match next.and_then(|next| state.name(&next).cloned()) {
                    Some(name) => format!("{name} is next"),
                    None => format!("the last turn ended without a contribution: {delay} s"),
                };
                Ok(state.waiting(key, reason, now))
            }
        }
    }

    fn grant(
        &self,
        state: &mut State,
        key: &PublicKey,
        tracks: &[Track],
        now: Instant,
    ) -> Result<Standing, Diagnostic> {
        let view = state.view.clone();
        let chains = turn::chains(&view.ceremony, tracks, |path| view.size(path));
        let Some(chains) = chains else {
            let reason = "a file of the ceremony is missing on the service".into();
            return Ok(state.waiting(key, reason, now));
        };
        let needed: u64 = chains.iter().map(turn::LeasedChain::size_at_most).sum();
        let free = [self.state_folder.free_bytes(), free_bytes(&self.options.folder)];
        let room = free.into_iter().flatten().min().unwrap_or(u64::MAX);
        // Once as an upload, and once as a step.
        if room < 2 * needed + SPARE_BYTES {
            tracing::error!("no turn is granted: the disk has {room} bytes left");
            let reason = "the service's disk is full: the operator has been told".into();
            return Ok(state.waiting(key, reason, now));
        }
        let Some(participant) = state.name(key).cloned() else {
            return Ok(state.waiting(key, "not in the roster".into(), now));
        };
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| {
            Diagnostic::environment("no-randomness", format_args!("no randomness: {error}"))
        })?;
        let lease = Lease {
            id: hex::encode(random),
            participant: participant.clone(),
            key: *key,
            seconds: turn::seconds(self.options.turn_floor, &chains),
            chains,
            received: None,
        };
        lease.save(&self.state_folder)?;
        state.note(Event::Granted { participant, turn: lease.id.clone() })?;
        state.verdicts.remove(key);
        let turn = RunningTurn { lease, granted: now };
        let standing = Standing::Turn { turn: shown(&turn, now) };
        tracing::info!("{} has the turn", turn.lease.participant);
        state.turn = Some(turn);
        self.changed();
        Ok(standing)
    }

    /// Begins an upload for the turn of a participant.
    pub(crate) fn begin_upload(
        &self,
        key: &PublicKey,
        turn_id: &str,
        circuit: Option<&CircuitName>,
        length: u64,
    ) -> Result<String, Diagnostic> {
        let mut state = self.state();
        let turn = state.open_turn(key, turn_id)?;
        let chain = turn.lease.chains.iter().find(|chain| chain.circuit.as_ref() == circuit);
        let Some(chain) = chain else {
            return Err(Diagnostic::artefact("no-such-chain", "the turn has no such chain")
                .hint("upload for the chains that the turn names"));
        };
        let most = chain.size_at_most();
        if length > most || length == 0 {
            return Err(Diagnostic::artefact(
                "size",
                "no contribution of this chain has this size",
            )
            .found(format_args!("{length} bytes"))
            .expected(format_args!("at most {most} bytes"))
            .hint("contribute to the file that the turn names"));
        }
        let circuit = chain.circuit.clone();
        let upload = Upload::create(&self.state_folder, turn_id, circuit, length)?;
        let id = upload.id.clone();
        // One for each chain: a new one takes the place of one that did not work out.
        let older: Vec<String> = state
            .uploads
            .values()
            .filter(|other| other.circuit == upload.circuit && !other.busy)
            .map(|other| other.id.clone())
            .collect();
        for id in older {
            if let Some(older) = state.uploads.remove(&id) {
                older.remove(&self.state_folder);
            }
        }
        if state.uploads.values().any(|other| other.circuit == upload.circuit) {
            upload.remove(&self.state_folder);
            return Err(Diagnostic::environment("busy", "another upload of this chain is running")
                .hint("wait until it ends, or end it"));
        }
        state.uploads.insert(id.clone(), upload);
        Ok(id)
    }

    /// Everything of a turn came: its verification begins.
    pub(crate) fn complete(
        self: &Arc<Self>,
        key: &PublicKey,
        completion: &Completion,
    ) -> Result<(), Diagnostic> {
        let mut state = self.state();
        let turn = state.open_turn(key, &completion.turn)?.clone();
        let mut uploads = Vec::new();
        let circuits: Vec<Option<String>> = turn
            .lease
            .chains
            .iter()
            .map(|chain| chain.circuit.as_ref().map(ToString::to_string))
            .collect();
        let given: Vec<Option<String>> =
            completion.steps.iter().map(|step| step.circuit.clone()).collect();
        if circuits != given {
            let shown = |list: &[Option<String>]| {
                let names = list.iter().map(|it| it.clone().unwrap_or_else(|| "phase 1".into()));
                names.collect::<Vec<_>>().join(", ")
            };
            return Err(Diagnostic::artefact(
                "incomplete",
                "a turn is complete with one contribution to each of its chains, in their order",
            )
            .found(shown(&given))
            .expected(shown(&circuits))
            .hint("contribute to all chains of the turn"));
        }
        for (step, chain) in completion.steps.iter().zip(&turn.lease.chains) {
            let upload = state.uploads.get(&step.upload);
            let Some(upload) = upload.filter(|upload| upload.circuit == chain.circuit) else {
                return Err(Diagnostic::artefact("no-such-upload", "the turn has no such upload")
                    .hint("upload the data file first"));
            };
            if !upload.is_complete() || upload.busy {
                return Err(Diagnostic::artefact("unfinished", "the upload is not finished")
                    .found(format_args!("{} bytes", upload.offset))
                    .expected(format_args!("{} bytes", upload.length))
                    .hint("send the rest"));
            }
            uploads.push(upload.id.clone());
        }
        for (i, step) in completion.steps.iter().enumerate() {
            let bytes = step.attestation.to_json();
            self.state_folder.write(&Lease::attestation_name(i), &bytes)?;
        }
        let mut lease = turn.lease.clone();
        lease.received = Some(uploads);
        lease.save(&self.state_folder)?;
        let (participant, id) = (lease.participant.clone(), lease.id.clone());
        state.turn = Some(RunningTurn { lease, ..turn });
        state.note(Event::Received { participant, turn: id })?;
        drop(state);
        self.changed();
        Ok(())
    }

    /// Verifies what came in a turn, and takes it in. Runs as long as that takes.
    pub(crate) fn verify_received(&self) {
        let Some(lease) = self.received() else { return };
        let begun = Instant::now();
        let verdict = loop {
            match self.take_in(&lease) {
                Ok(verdict) => break verdict,
                Err(error) => {
                    // Not the participant's fault: the turn stays theirs until this works.
                    tracing::error!("verifying failed, and is tried again: {}", error.what);
                    std::thread::sleep(RETRY);
                }
            }
        };
        let good = matches!(verdict, Verdict::Accepted { .. });
        let what = if good { "taken in" } else { "refused" };
        let seconds = begun.elapsed().as_secs_f64();
        tracing::info!("{}'s contribution: {what} after {seconds:.2} s", lease.participant);
        let now = Instant::now();
        let mut state = self.state();
        if good {
            if let Some(turn) = &state.turn {
                let took = now.saturating_duration_since(turn.granted);
                state.durations.push(took);
            }
            state.queue.leave(&lease.key);
        } else {
            state.queue.failed(&lease.key, now);
        }
        state.verdicts.insert(lease.key, verdict);
        state.drop_turn(&self.state_folder);
        drop(state);
        if let Err(error) = self.refresh(true) {
            tracing::error!("reading the folder failed: {}", error.what);
        }
        self.changed();
    }

    pub(crate) fn received(&self) -> Option<Lease> {
        let state = self.state();
        let lease = &state.turn.as_ref()?.lease;
        lease.received.is_some().then(|| lease.clone())
    }

    /// One chain after the other, each with its entry in the journal. Fails only where nothing can
    /// be said of what came.
    fn take_in(&self, lease: &Lease) -> Result<Verdict, Diagnostic> {
        let _lock = FolderLock::take(&self.options.folder)?;
        let skip: Vec<String> = self.state().skipped.iter().cloned().collect();
        let mut receipts = Vec::new();
        let uploads = lease.received.clone().unwrap_or_default();
        for (i, (chain, upload)) in lease.chains.iter().zip(&uploads).enumerate() {
            let ceremony = Ceremony::open(&self.options.folder)?;
            let attestation = Lease::attestation(&self.state_folder, i);
            let data: Option<PathBuf> =
                self.state().uploads.get(upload).map(|upload| upload.path.clone());
            let refused = |error: Diagnostic, receipts: Vec<Envelope>| -> Result<_, Diagnostic> {
                let reason = ceremony_folder::audit::one_line(&error.to_string());
                self.state().note(Event::Refused {
                    participant: lease.participant.clone(),
                    turn: lease.id.clone(),
                    circuit: chain.circuit.clone(),
                    code: error.code.clone(),
                    reason,
                })?;
                Ok(Verdict::Refused { error: error.into(), receipts })
            };
            let inbox = match Inbox::read(std::slice::from_ref(&attestation)) {
                Ok(inbox) => inbox,
                Err(error) => return refused(error.into(), receipts),
            };
            let Some(delivered) = inbox.attestations.first() else {
                let error = Diagnostic::artefact("attestation", "this is no attestation of a step")
                    .hint("send the file that stands next to the data file");
                return refused(error, receipts);
            };
            if let Err(error) = of_the_turn(delivered, lease, chain) {
                return refused(error, receipts);
            }
            let files: Vec<PathBuf> = data.into_iter().collect();
            match ceremony.accept(delivered, &files, &skip, &NoProgress) {
                Ok(added) => {
                    let ceremony = Ceremony::open(&self.options.folder)?;
                    receipts.push(self.receipt(&ceremony, &added.track, added.step.file, lease)?);
                }
                // Taken in by the process before this one.
                Err(Refused::AlreadyHere { .. }) => {
                    let file = delivered.file();
                    receipts.push(self.receipt(&ceremony, &chain.track(), file, lease)?);
                }
                Err(Refused::Failed(error)) => return Err(error.into()),
                Err(Refused::Turn(error)) => return refused(error.into(), receipts),
                Err(error) => return refused(Diagnostic::from(error), receipts),
            }
        }
        Ok(Verdict::Accepted { receipts })
    }

    /// The receipt of a step that is in the folder, with its entry in the journal.
    fn receipt(
        &self,
        ceremony: &Ceremony,
        track: &Track,
        file: FileDigest,
        lease: &Lease,
    ) -> Result<Envelope, Diagnostic> {
        let chain = ceremony.chain(track)?;
        let Some(step) = chain.steps.iter().find(|step| step.file == file) else {
            return Err(
                Diagnostic::environment("vanished", "the step that was added is gone").at(track)
            );
        };
        let mut state = self.state();
        state.journal_step(track, step, Some(&lease.id))?;
        state.sign_receipt(ceremony, step)
    }

    /// Receipts of all contributions of a participant.
    pub(crate) fn receipts(&self, key: &PublicKey) -> Result<Vec<Envelope>, Diagnostic> {
        let mut state = self.state();
        let view = state.view.clone();
        let mine = view
            .ceremony
            .chains()
            .flat_map(|chain| chain.contributions())
            .filter(|step| step.key == *key);
        mine.map(|step| state.sign_receipt(&view.ceremony, step)).collect()
    }

    /// The verdict on the last turn of a participant.
    pub(crate) fn verdict(&self, key: &PublicKey) -> Option<Verdict> {
        let state = self.state();
        match state.turn_of(key) {
            Some(turn) if turn.lease.received.is_some() => Some(Verdict::Verifying),
            Some(_) => None,
            None => state.verdicts.get(key).cloned(),
        }
    }

    /// Adds a signature to the bundle.
    pub(crate) fn approve(
        &self,
        key: &PublicKey,
        signature: &zk_attest::key::SignatureBytes,
    ) -> Result<(), Diagnostic> {
        let known = self.options.approvers.contains(key) || self.state().name(key).is_some();
        if !known {
            return Err(Diagnostic::artefact("not-an-approver", "nobody waits for this key")
                .found(key.fingerprint())
                .expected("a key of the trust policy or of the roster"));
        }
        let _lock = FolderLock::take(&self.options.folder)?;
        let ceremony = Ceremony::open(&self.options.folder)?;
        let path = ceremony.folder.bundle();
        let bytes = ceremony.folder.read(&path, zk_vk_guard::bundle::MAX_BUNDLE_BYTES)?;
        let refused = |it: zk_attest::error::Refusal| Diagnostic::from(&it);
        let mut bundle = zk_vk_guard::bundle::Bundle::from_json(&bytes).map_err(refused)?;
        bundle.add_signature(key, signature).map_err(refused)?;
        let signed = bundle.to_json().map_err(refused)?;
        if signed != bytes {
            ceremony_folder::steps::write_file(&ceremony, &path, &signed, true)?;
            self.state().note(Event::Approval { key: *key })?;
        }
        self.refresh(true)
    }

    /// Keeps the signed result of an audit.
    pub(crate) fn take_audit(&self, envelope: &Envelope) -> Result<(), Diagnostic> {
        let _lock = FolderLock::take(&self.options.folder)?;
        let ceremony = Ceremony::open(&self.options.folder)?;
        let auditors = &self.options.auditors;
        let key = ceremony_folder::audit::keep(&ceremony, envelope, auditors)?;
        let document = FileDigest::of(&envelope.to_json());
        self.state().note(Event::Verdict { auditor: key, document })?;
        self.refresh(true)
    }
}

fn ticket_refused(refusal: &zk_attest::error::Refusal) -> Diagnostic {
    Diagnostic::from(refusal).hint("join without a ticket, at the end of the queue")
}

/// The attestation is by the holder of the turn, and for its chain.
fn of_the_turn(
    delivered: &ceremony_folder::Delivered,
    lease: &Lease,
    chain: &turn::LeasedChain,
) -> Result<(), Diagnostic> {
    let words = delivered.words();
    let circuit = words.circuit.as_ref().map(|circuit| &circuit.name);
    let found = (words.participant.as_str(), circuit, words.input_sha256);
    let expected = (lease.participant.as_str(), chain.circuit.as_ref(), Some(chain.head_sha256));
    if found == expected {
        return Ok(());
    }
    let shown =
        |(participant, circuit, input): (&str, Option<&CircuitName>, Option<FileDigest>)| {
            let chain = circuit.map_or("phase 1".into(), |circuit| format!("circuit {circuit}"));
            let input = input.map_or("nothing".into(), |input| input.to_string());
            format!("{participant}, {chain}, made from {input}")
        };
    Err(Diagnostic::artefact("not-of-this-turn", "the attestation is of another turn")
        .found(shown(found))
        .expected(shown(expected))
        .hint("contribute to the file that the turn names, as the participant whose turn it is"))
}

fn shown(turn: &RunningTurn, now: Instant) -> Turn {
    Turn {
        id: turn.lease.id.clone(),
        remaining: turn.remaining(now).unwrap_or_default(),
        chains: turn.lease.chains.iter().map(turn::LeasedChain::shown).collect(),
    }
}

/// Since 1970.
fn milliseconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(Timestamp::now().unix() * 1000, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

impl State {
    pub(crate) fn name(&self, key: &PublicKey) -> Option<&Label> {
        let roster = &self.view.ceremony.config.document().participants;
        roster.iter().find(|participant| participant.key == *key).map(|it| &it.name)
    }

    /// The chains to which a participant may contribute now.
    fn open_to(&self, key: &PublicKey) -> Result<Vec<Track>, ceremony_folder::TurnError> {
        let ceremony = &self.view.ceremony;
        let roster = &ceremony.config.document().participants;
        let Some(participant) = roster.iter().find(|it| it.key == *key) else {
            let roster = roster.iter().map(|it| it.name.to_string()).collect();
            let name = key.fingerprint();
            return Err(ceremony_folder::TurnError::NotInRoster { name, roster });
        };
        let skip: Vec<String> = self.skipped.iter().cloned().collect();
        ceremony.chains_open_to(participant, &skip)
    }

    /// Whether a participant has nothing to do in what the ceremony waits for.
    fn is_done(&self, key: &PublicKey) -> bool {
        use ceremony_folder::TurnError as T;
        let order = |error: &T| {
            matches!(error, T::AnothersTurn { .. }) // will come
        };
        match self.open_to(key) {
            Ok(_) => false,
            Err(error) => !order(&error),
        }
    }

    fn turn_of(&self, key: &PublicKey) -> Option<&RunningTurn> {
        self.turn.as_ref().filter(|turn| turn.lease.key == *key)
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
                                     back, or is somebody else's",
            )
            .hint("ask for your place in the queue again: it is kept")
        };
        let turn = self.turn_of(key).filter(|turn| turn.lease.id == id).ok_or_else(gone)?;
        if turn.lease.received.is_some() {
            return Err(Diagnostic::environment(
                "received",
                "everything of this turn came already",
            )
            .hint("ask for the verdict"));
        }
        Ok(turn)
    }

    fn waiting(&self, key: &PublicKey, reason: String, now: Instant) -> Standing {
        let may = |key: &PublicKey| self.open_to(key).is_ok();
        let ahead = self.queue.ahead(key, may);
        let running = self.turn.as_ref().map(|turn| now.saturating_duration_since(turn.granted));
        let mean = self
            .durations
            .iter()
            .sum::<Duration>()
            .checked_div(u32::try_from(self.durations.len()).unwrap_or(u32::MAX));
        let turns = u32::try_from(ahead).unwrap_or(u32::MAX);
        let expected = mean.map(|mean| {
            let current = running.map_or(Duration::ZERO, |running| mean.saturating_sub(running));
            (mean.saturating_mul(turns) + current).as_secs()
        });
        Standing::Waiting { ahead, expected, reason }
    }

    /// What a process before this one wrote.
    fn remember(&mut self) {
        for Recorded { entry, .. } in self.journal.entries() {
            match &entry.event {
                Event::Step { file, .. } => {
                    self.journaled.insert(*file);
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
        let recorded = self.journal.append(event)?;
        let view = self.view.clone();
        self.head = self.journal.sign_head(&view.ceremony, self.signer.as_mut())?;
        Ok(recorded)
    }

    /// Notes the steps that came into the folder.
    fn journal_folder(&mut self) -> Result<(), Diagnostic> {
        let view = self.view.clone();
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
        Ok(())
    }

    fn journal_step(
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

    fn sign_receipt(&mut self, ceremony: &Ceremony, step: &Step) -> Result<Envelope, Diagnostic> {
        let tells = |recorded: &&Recorded| matches!(&recorded.entry.event, Event::Step { file, .. } if *file == step.file);
        let Some(recorded) = self.journal.entries().iter().find(tells).cloned() else {
            return Err(Diagnostic::environment("journal", "the journal has no such step"));
        };
        let name = step.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Receipt::of(ceremony, step, &recorded).sign(&name, self.signer.as_mut())
    }

    /// Ends a turn without a contribution.
    fn end_turn(
        &mut self,
        folder: &StateFolder,
        now: Instant,
        event: impl Fn(&Lease) -> Event,
    ) -> Result<(), Diagnostic> {
        let Some(turn) = &self.turn else { return Ok(()) };
        let (event, key) = (event(&turn.lease), turn.lease.key);
        self.drop_turn(folder);
        self.queue.failed(&key, now);
        self.note(event)?;
        Ok(())
    }

    fn drop_turn(&mut self, folder: &StateFolder) {
        let chains = self.turn.take().map_or(0, |turn| turn.lease.chains.len());
        Lease::forget(folder);
        for chain in 0..chains {
            folder.remove(&Lease::attestation_name(chain));
        }
        for upload in std::mem::take(&mut self.uploads).into_values() {
            upload.remove(folder);
        }
    }

    fn give_back(&mut self, folder: &StateFolder, key: &PublicKey) -> Result<bool, Diagnostic> {
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
    fn void_turn(&mut self, folder: &StateFolder) -> Result<(), Diagnostic> {
        let Some(turn) = &self.turn else { return Ok(()) };
        let goes_on = turn.lease.received.is_some()
            || turn.lease.chains.iter().all(|chain| {
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
    fn pass_over(&mut self, after: Duration, now: Instant) -> Result<bool, Diagnostic> {
        use ceremony_folder::config::Order;
        let ceremony = &self.view.ceremony;
        if ceremony.config.document().order != Order::Roster || self.turn.is_some() {
            self.awaited = None;
            return Ok(false);
        }
        let roster = &ceremony.config.document().participants;
        let next = roster.iter().find(|it| self.open_to(&it.key).is_ok());
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
                if now.saturating_duration_since(since) < after
                    || self.skipped.contains(name.as_str())
                {
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
        [deadline, self.queue.next_change(now)].into_iter().flatten().min()
    }
}
