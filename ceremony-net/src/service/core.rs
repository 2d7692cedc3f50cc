//! What a service knows and does, without a word of HTTP.
//!
//! All state is behind one lock that is held for moments; what takes long (reading the folder,
//! verifying) goes on outside of it and comes back with its result.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use ceremony_folder::commitment::{self, Commitment};
use ceremony_folder::enrolment::{self, Enrolment, Kept};
use ceremony_folder::journal::{Event, Journal};
use ceremony_folder::service::appointments;
use ceremony_folder::{Ceremony, FolderLock, ServiceLock, Track};
use tokio::sync::watch;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::FileDigest;
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CircuitName, Label, Timestamp};
use zk_attest::program::PROGRAM;
use zk_attest::signer::{Signer, sign_envelope};
use zk_attest::statement::{Provenance, Statement};

use super::dashboard::history::{History, StepEntries};
use super::limits::{JOURNAL_PART, SPARE_BYTES};
use super::queue::Queue;
use super::security::{Kind, Listener, Security};
use super::sessions::{Expected, Sessions, claimant};
use super::state::State;
use super::state_folder::{StateFolder, free_bytes};
use super::turn::{Lease, RunningTurn};
use super::uploads::Upload;
use super::view::View;
use super::{Options, turn};
use crate::protocol::{
    CeremonyInfo, JournalInfo, JournalPart, PROTOCOL, Standing, Turn, TurnInfo, Verdict,
};
use crate::statements::{Ticket, about_rules, signed_by};

/// A service, as all of its parts share it.
pub(crate) struct Core {
    pub(crate) options: Options,
    pub(crate) state_folder: StateFolder,
    pub(crate) service_key: PublicKey,
    /// Nobody else writes to the journal.
    _held: ServiceLock,
    state: Mutex<State>,
    /// What was refused and noticed.
    pub(crate) security: Arc<Security>,
    /// Rises with every change.
    pub(crate) version: watch::Sender<u64>,
    /// The last request.
    asked: Mutex<Instant>,
    /// The thread that verifies, to be woken when there is something to verify.
    pub(crate) verifier: OnceLock<Thread>,
    /// Held while the folder is read, so that what was read earlier is never set later.
    refreshing: Mutex<()>,
    /// A contribution is being taken in: the folder is locked, and read at the end of it.
    pub(super) taking_in: AtomicBool,
}

impl Core {
    pub(crate) fn open(
        options: Options,
        signer: Box<dyn Signer + Send>,
    ) -> Result<Arc<Self>, Diagnostic> {
        let state_folder = StateFolder::open(&options.state)?;
        let service_key = *signer.public_key();
        let Some(held) = ServiceLock::take(&options.folder)? else {
            return Err(Diagnostic::environment("held", "another service holds this ceremony")
                .at(options.folder.display())
                .expected("one service for a folder")
                .hint("stop the other one first; it goes on from where it was, with its --state"));
        };
        // Removes what killed commands left, and waits for running ones.
        let lock = FolderLock::take(&options.folder)?;
        let view = View::read(&options.folder, None)?;
        view.ceremony.ensure_sound()?;
        let is_ours = appointments(&view.ceremony)?.into_iter().any(|appointed| {
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
        let security = Arc::new(Security::of(Listener::Api));
        let mut state = State {
            security: security.clone(),
            view: Arc::new(view),
            sessions,
            queue: Queue::default(),
            turn: None,
            uploads: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            trace: None,
            journaled: HashSet::new(),
            amendments_noted: 0,
            joined: HashSet::new(),
            commitments: super::committing::Commitments::default(),
            head: None,
            verdicts_noted: HashSet::new(),
            approvals_noted: HashSet::new(),
            head_is_due: false,
            skipped: BTreeSet::new(),
            awaited: None,
            durations: Vec::new(),
            history: History::default(),
            step_entries: StepEntries::default(),
            journal,
            signer,
            bundle_not_after: None,
            approved: false,
            finished: false,
        };
        security.begin(Kind::ALL);
        super::gauges::begin(&state.view);
        for recorded in state.journal.entries() {
            super::gauges::observe(&state.view, &recorded.entry.event);
        }
        state.remember();
        let begins = state.journal.entries().is_empty();
        state.note(if begins {
            Event::Opened { service: service_key }
        } else {
            Event::Restarted { cut }
        })?;
        // The folder's signed side cannot change while this waits for nothing.
        drop(lock);
        let lease = state.reconcile(&state_folder, &options)?;
        let uploads = Upload::load(&state_folder, lease.as_ref().map(|lease| lease.id.as_str()));
        state.uploads = uploads.into_iter().map(|upload| (upload.id.clone(), upload)).collect();
        if let Some(lease) = lease {
            let since = milliseconds();
            state.queue.join(lease.key, since);
            // A restart takes no time from anybody's turn.
            state.turn = Some(RunningTurn { lease, granted: now, began: Timestamp::now().unix() });
        }
        state.journal_folder()?;
        let core = Arc::new(Self {
            options,
            state_folder,
            service_key,
            _held: held,
            state: Mutex::new(state),
            security,
            version: watch::Sender::new(1),
            asked: Mutex::new(now),
            verifier: OnceLock::new(),
            refreshing: Mutex::new(()),
            taking_in: AtomicBool::new(false),
        });
        core.look_at_bundle();
        Ok(core)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A request that panicked left each field whole: none is changed in two steps that belong
        // together without the journal.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a request came.
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

    /// Whether the bundle is approved, and until when it may be imported.
    fn look_at_bundle(&self) {
        let view = self.state().view.clone();
        let folder = &view.ceremony.folder;
        let limit = zk_vk_guard::bundle::MAX_BUNDLE_BYTES;
        let bytes = folder.read(&folder.bundle(), limit).ok();
        let approved = match (&bytes, &self.options.is_approved) {
            (Some(bytes), Some(approved)) => approved(bytes),
            _ => false,
        };
        let bundle = bytes.and_then(|bytes| zk_vk_guard::bundle::Bundle::from_json(&bytes).ok());
        let stated = bundle.and_then(|bundle| {
            Statement::<Provenance>::from_payload(bundle.envelope().payload()).ok()
        });
        let not_after = stated.map(|stated| stated.predicate.not_after);
        let mut state = self.state();
        (state.approved, state.bundle_not_after) = (approved, not_after);
    }

    /// Reads the folder again, if it changed, and notes what is new in it.
    pub(crate) fn refresh(&self, always: bool) -> Result<(), Diagnostic> {
        if !always && self.taking_in.load(Ordering::Relaxed) {
            return Ok(());
        }
        let _one = self.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
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
        self.look_at_bundle();
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
        changed |= state.close_commitments(self.options.commit_within)?;
        state.sign_due_head();
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

    /// Whether nobody is here who waits for a turn or has one.
    pub(crate) fn is_idle(&self) -> bool {
        let (state, now) = (self.state(), Instant::now());
        let mut waiting = state.queue.iter();
        state.turn.is_none() && !waiting.any(|it| state.queue.is_present(&it.key, now))
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
        let claim = self.state().sessions.claim(envelope, Instant::now())?;
        // Signatures are verified without the lock, for which every request waits.
        let view = self.state().view.clone();
        let expected = Expected { ceremony: &view.ceremony, origin: &self.options.origin };
        let key = claimant(envelope, &claim, &expected)?;
        let mut state = self.state();
        let token = state.sessions.open(&claim, key, Instant::now())?;
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
                        "the ticket is someone else's, or of another ceremony",
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
        let is_new = !state.queue.contains(key);
        let since = state.queue.join(*key, since);
        if state.joined.insert(name.clone()) {
            state.note(Event::Joined { participant: name })?;
        }
        let ceremony = state.view.ceremony.config.document().id.clone();
        let ticket = Ticket { ceremony, ceremony_toml_sha256: rules, key: *key, since };
        let mut envelope = about_rules(rules, ticket).map_err(|it| Diagnostic::from(&it))?;
        sign_envelope(state.signer.as_mut(), &mut envelope)?;
        drop(state);
        // Every change ends all long polls: one who enters again changes nothing.
        if is_new {
            self.changed();
        }
        Ok(envelope)
    }

    pub(crate) fn leave(&self, key: &PublicKey) -> Result<(), Diagnostic> {
        let mut state = self.state();
        let gave = state.give_back(&self.state_folder, key)?;
        let left = state.queue.leave(key);
        drop(state);
        if gave || left {
            self.changed();
        }
        Ok(())
    }

    pub(crate) fn give_back(&self, key: &PublicKey) -> Result<bool, Diagnostic> {
        let gave = self.state().give_back(&self.state_folder, key)?;
        if gave {
            self.changed();
        }
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
        if !state.queue.contains(key) {
            return Err(Diagnostic::environment("not-in-queue", "you are not in the queue")
                .hint("join it: the service was started again, or you left it"));
        }
        if let Some(turn) = &state.turn {
            let reason = format!("{} has the turn", turn.lease.participant);
            return Ok(state.waiting(key, reason, now));
        }
        let next = state.next_of_queue(now);
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
        let turn = RunningTurn { lease, granted: now, began: Timestamp::now().unix() };
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

    /// Receipts of all contributions of a participant.
    pub(crate) fn receipts(&self, key: &PublicKey) -> Result<Vec<Envelope>, Diagnostic> {
        let mut state = self.state();
        let view = state.view.clone();
        // Those made with an earlier key of theirs too.
        let Some(name) = state.name(key).cloned() else { return Ok(Vec::new()) };
        let mine = view.ceremony.chains().filter_map(|chain| chain.contribution_of(&name));
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
                .expected("a key of the trust policy or of the roster")
                .hint(
                    "the coordinator gives the service the trust policy that names the key, with \
                     --policy",
                ));
        }
        let view = self.state().view.clone();
        let folder = &view.ceremony.folder;
        if !folder.is_present(&folder.bundle()) {
            return Err(Diagnostic::environment("no-bundle", "there is no bundle yet")
                .hint("approve it when it is there: /v1/ceremony says whether it is"));
        }
        // Public keys are public: junk signatures must not reach the folder's lock. Nor must those
        // that are there: a bundle, and so every signature on it, is public, too.
        let (before, signed) = self.with_signature(&view.ceremony, key, signature)?;
        if signed == before {
            return Ok(());
        }
        let _lock = FolderLock::take(&self.options.folder)?;
        let ceremony = view.ceremony.again()?;
        let (before, signed) = self.with_signature(&ceremony, key, signature)?;
        if signed != before {
            let path = ceremony.folder.bundle();
            ceremony_folder::steps::write_file(&ceremony, &path, &signed, true)?;
            self.state().note_approval(key)?;
            self.refresh(true)?;
        }
        Ok(())
    }

    /// The bundle as it is, and with one signature more.
    fn with_signature(
        &self,
        ceremony: &Ceremony,
        key: &PublicKey,
        signature: &zk_attest::key::SignatureBytes,
    ) -> Result<(Vec<u8>, Vec<u8>), Diagnostic> {
        let folder = &ceremony.folder;
        let bytes = folder.read(&folder.bundle(), zk_vk_guard::bundle::MAX_BUNDLE_BYTES)?;
        let refused = |it: zk_attest::error::Refusal| Diagnostic::from(&it);
        let mut bundle = zk_vk_guard::bundle::Bundle::from_json(&bytes).map_err(refused)?;
        bundle.add_signature(key, signature).map_err(refused)?;
        let signed = bundle.to_json().map_err(refused)?;
        Ok((bytes, signed))
    }

    /// Keeps a signed statement: an enrolment, a commitment, or the result of an audit. `may_ask`
    /// is asked about a stranger's enrolment that is new, once each.
    pub(crate) fn take_statement(
        &self,
        envelope: &Envelope,
        may_ask: impl FnOnce() -> Result<(), Diagnostic>,
    ) -> Result<(), Diagnostic> {
        let payload = envelope.payload();
        if Statement::<Enrolment>::from_payload(payload).is_ok() {
            self.take_enrolment(envelope, may_ask)
        } else if Statement::<Commitment>::from_payload(payload).is_ok() {
            self.take_commitment(envelope)
        } else {
            self.take_audit(envelope)
        }
    }

    fn take_commitment(&self, envelope: &Envelope) -> Result<(), Diagnostic> {
        let view = self.state().view.clone();
        // Before the lock: others wait for it.
        let path = Path::new("commitment");
        let said = Commitment::read(path, &envelope.to_json(), &view.ceremony.config)?;
        let envelope = &as_kept(envelope, &said.key)?;
        let bytes = envelope.to_json();
        // Commitments are public: sending one again changes nothing.
        let is_here = view.ceremony.commitments.of_phase(said.phase).any(|kept| kept.said == said);
        if is_here && !view.is_stale(&self.options.folder) {
            return Ok(());
        }
        // Held until the journal has it: no contribution comes in between.
        let lock = FolderLock::take(&self.options.folder)?;
        let ceremony = view.ceremony.again()?;
        // Nobody ends the round between these three.
        let mut state = self.state();
        // The coordinator may have begun another round since the folder was read.
        state.note_rounds(&ceremony)?;
        // The one that is here may be sent again at any time.
        if !ceremony.commitments.of_phase(said.phase).any(|kept| kept.said == said) {
            let fits = state.ensure_of_this_round(&said, FileDigest::of(&bytes));
            if let Err(error) = fits.and_then(|()| state.ensure_takes_commitments(said.phase)) {
                drop(state);
                drop(lock);
                // Who commits anew reads first which round it is. Nothing is read where nothing
                // changed: whoever is refused could send the same again and again.
                self.refresh(false)?;
                return Err(error);
            }
        }
        let kept = commitment::keep(&ceremony, envelope)?;
        if matches!(kept, commitment::Kept::New(_)) {
            state.note_commitment(&said, FileDigest::of(&bytes))?;
        }
        drop(state);
        drop(lock);
        if let commitment::Kept::Already(_) = kept {
            return Ok(());
        }
        self.refresh(true)?;
        if self.state().close_commitments(self.options.commit_within)? {
            self.changed();
        }
        Ok(())
    }

    fn take_enrolment(
        &self,
        envelope: &Envelope,
        may_ask: impl FnOnce() -> Result<(), Diagnostic>,
    ) -> Result<(), Diagnostic> {
        let view = self.state().view.clone();
        // Before the lock, for which others wait: whatever can be answered without it.
        let path = Path::new("enrolment");
        let said = Enrolment::read(path, &envelope.to_json(), &view.ceremony.config)?;
        let envelope = &as_kept(envelope, &said.key)?;
        if said.is_here(&view.ceremony)? {
            return Ok(());
        }
        said.ensure_has_room(&view.ceremony)?;
        if !said.is_of_the_roster(&view.ceremony) {
            may_ask()?;
        }
        let lock = FolderLock::take(&self.options.folder)?;
        let ceremony = view.ceremony.again()?;
        // Enrolments are public: sending one again changes nothing.
        let Kept::New(said) = enrolment::keep(&ceremony, envelope)? else { return Ok(()) };
        let document = FileDigest::of(&envelope.to_json());
        self.state().note(Event::Enrolled { participant: said.participant, document })?;
        drop(lock);
        self.refresh(true)
    }

    fn take_audit(&self, envelope: &Envelope) -> Result<(), Diagnostic> {
        // Before the lock: others wait for it.
        let key = ceremony_folder::audit::signer(envelope, &self.options.auditors)?;
        let envelope = &as_kept(envelope, &key)?;
        let document = FileDigest::of(&envelope.to_json());
        // Audits are public: sending one again changes nothing.
        if self.state().verdicts_noted.contains(&document) {
            return Ok(());
        }
        let view = self.state().view.clone();
        let _lock = FolderLock::take(&self.options.folder)?;
        let ceremony = view.ceremony.again()?;
        let auditors = &self.options.auditors;
        let key = ceremony_folder::audit::keep(&ceremony, envelope, auditors)?;
        let is_failed = ceremony_folder::audit::is_failure(envelope);
        let result = super::gauges::AUDITS[usize::from(is_failed)];
        metrics::counter!(crate::metrics::families::AUDITS, "result" => result).increment(1);
        let mut state = self.state();
        state.note(Event::Verdict { auditor: key, document })?;
        state.verdicts_noted.insert(document);
        drop(state);
        self.refresh(true)
    }
}

/// A statement in the form in which it is kept, whatever its sender wrote around it: its digest is
/// that of the document.
fn as_kept(envelope: &Envelope, key: &PublicKey) -> Result<Envelope, Diagnostic> {
    envelope.only_by(key).map_err(|refusal| Diagnostic::from(&refusal))
}

fn ticket_refused(refusal: &zk_attest::error::Refusal) -> Diagnostic {
    Diagnostic::from(refusal).hint("join without a ticket, at the end of the queue")
}

fn shown(turn: &RunningTurn, now: Instant) -> Turn {
    Turn {
        id: turn.lease.id.clone(),
        remaining: turn.remaining(now).unwrap_or_default(),
        chains: turn.lease.chains.iter().map(turn::LeasedChain::shown).collect(),
    }
}

/// Since 1970.
pub(super) fn milliseconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(Timestamp::now().unix() * 1000, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
