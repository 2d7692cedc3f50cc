//! Everything that the dashboard shows, at one moment. The page and the events are made from this,
//! and from nothing else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ceremony_folder::report::parts::RecordedIn;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyKind, Timestamp};

use super::super::core::Core;
use super::super::publication::PublicationTold;
use super::super::security::Kind;
use super::super::state::State;
use super::folder::Folder;
use super::history::History;
use crate::protocol::StageInfo;

/// Participants of the queue that are shown.
const QUEUE: usize = 12;
/// Parties that are shown in the table.
const PARTIES: usize = 40;
/// Security events that are shown.
const NOTICED: usize = 8;

/// The turn that is being used.
#[derive(Debug)]
pub(crate) struct TurnShown {
    pub(crate) participant: String,
    pub(crate) key: PublicKey,
    /// Seconds since 1970.
    pub(crate) since: u64,
    /// When it runs out; none while the service verifies what came.
    pub(crate) until: Option<u64>,
    pub(crate) chains: Vec<String>,
    /// Bytes that came, and bytes that are to come, of uploads that have begun.
    pub(crate) uploaded: Option<(u64, u64)>,
}

/// A participant in the queue.
#[derive(Debug)]
pub(crate) struct QueueShown {
    pub(crate) name: String,
    pub(crate) is_here: bool,
    /// Since when, in seconds since 1970, as its ticket says.
    pub(crate) since: u64,
    /// When its turn may come, by the turns so far: as the service tells it.
    pub(crate) expected: Option<u64>,
    /// Until when it is kept back after a turn without a contribution.
    pub(crate) delayed: Option<u64>,
}

/// A person of the roster, and where they stand.
#[derive(Debug)]
pub(crate) struct PartyShown {
    pub(crate) name: String,
    pub(crate) fingerprint: String,
    pub(crate) given: usize,
    pub(crate) of: usize,
    pub(crate) standing: Standing,
    pub(crate) verified: Option<String>,
}

/// Where a person stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    Turn,
    Queue(usize),
    Given,
    Away,
    Nothing,
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) now: u64,
    pub(crate) ceremony: String,
    pub(crate) kind: CeremonyKind,
    pub(crate) rules: String,
    pub(crate) takes_enrolments: bool,
    pub(crate) origin: String,
    pub(crate) coordinator: (String, String),
    pub(crate) service_key: PublicKey,
    pub(crate) service_hex: String,
    pub(crate) stage: StageInfo,
    pub(crate) withheld: bool,
    pub(crate) bundle: bool,
    pub(crate) finished: bool,
    pub(crate) folder: Arc<Folder>,
    /// What the journal has of the shown steps of each chain.
    pub(crate) recorded: Vec<Vec<Option<RecordedIn>>>,
    pub(crate) turn: Option<TurnShown>,
    pub(crate) queue: Vec<QueueShown>,
    pub(crate) queue_left_out: usize,
    /// Who gets the turn next, of those who are here.
    pub(crate) next: Option<String>,
    pub(crate) parties: Vec<PartyShown>,
    pub(crate) parties_left_out: usize,
    pub(crate) history: History,
    pub(crate) noticed: Vec<(u64, &'static str)>,
    /// Name, words and how often.
    pub(crate) counts: Vec<(&'static str, &'static str, u64)>,
    /// Number and SHA-256 of the journal's last entry.
    pub(crate) head: Option<(u64, String)>,
    pub(crate) head_is_signed: bool,
    /// What became of publication; none where nothing is published.
    pub(crate) publication: Option<PublicationTold>,
    /// Keys whose audits this service takes.
    pub(crate) auditors: Vec<PublicKey>,
}

/// What was taken under the lock.
struct Live {
    turn: Option<TurnShown>,
    /// Key and presence of each participant in the queue.
    places: Vec<(PublicKey, bool)>,
    queue: Vec<QueueShown>,
    next: Option<PublicKey>,
    history: History,
    recorded: Vec<Vec<Option<RecordedIn>>>,
    head: Option<(u64, String)>,
    head_is_signed: bool,
    finished: bool,
}

fn live(state: &State, folder: &Folder, now: u64) -> Live {
    let instant = Instant::now();
    let turn = state.turn.as_ref().map(|turn| {
        let open = state.uploads.values();
        let sent = open.fold((0, 0), |(sent, all), it| (sent + it.offset, all + it.length));
        TurnShown {
            participant: turn.lease.participant.to_string(),
            key: turn.lease.key,
            since: turn.began,
            until: turn.deadline().map(|_| turn.began.saturating_add(turn.lease.seconds)),
            chains: turn.lease.chains.iter().map(|chain| chain.track().to_string()).collect(),
            uploaded: (sent.1 > 0).then_some(sent),
        }
    });
    let places =
        state.queue.iter().map(|it| (it.key, state.queue.is_present(&it.key, instant))).collect();
    // In whole seconds, rounded up: no turn is called over before it is.
    let at = |wait: Duration| now + wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let queue = state.first(QUEUE, instant).into_iter().map(|(it, expected)| {
        let delay = state.queue.delay(&it.key, instant);
        QueueShown {
            name: name(folder, &it.key),
            is_here: state.queue.is_present(&it.key, instant),
            since: it.since / 1000,
            expected: expected.map(at),
            delayed: (!delay.is_zero()).then(|| at(delay)),
        }
    });
    let entry = |file| state.step_entries.of(file);
    let last = state.journal.entries().last();
    Live {
        turn,
        queue: queue.collect(),
        places,
        next: state.turn.is_none().then(|| state.next_of_queue(instant)).flatten(),
        history: state.history.clone(),
        recorded: folder.chains.iter().map(|it| it.files.iter().map(entry).collect()).collect(),
        head: last.map(|last| (last.entry.number, last.sha256.to_string())),
        head_is_signed: !state.head_is_due,
        finished: state.finished || state.approved,
    }
}

impl Model {
    /// What is so now. The lock is held for what changes only.
    pub(crate) fn of(core: &Core, folder: Arc<Folder>) -> Self {
        let now = Timestamp::now().unix();
        let (view, live) = {
            let state = core.state();
            (state.view.clone(), live(&state, &folder, now))
        };
        let rules = view.ceremony.config.document();
        let coordinator = view.ceremony.roster.coordinator();
        let recent = core.security.recent();
        let noticed = recent.iter().rev().take(NOTICED);
        let count = |kind: &Kind| (kind.name(), words(*kind), core.security.count(*kind));
        let counts = Kind::ALL.iter().map(count);
        let parties = parties(&folder, &live);
        let holder = live.turn.as_ref().map(|turn| turn.key);
        let waiting = live.places.iter().filter(|(key, _)| Some(*key) != holder).count();
        Self {
            now,
            ceremony: rules.id.to_string(),
            kind: rules.kind,
            rules: view.ceremony.config.digest().to_string(),
            takes_enrolments: rules.enrolment.is_some(),
            origin: core.options.origin.to_string(),
            coordinator: (coordinator.name.to_string(), coordinator.key.fingerprint()),
            service_key: core.service_key,
            service_hex: core.service_key.to_string(),
            stage: view.stage(),
            withheld: view.withheld.is_some(),
            bundle: view.bundle,
            finished: live.finished,
            noticed: noticed.map(|it| (it.time, words(it.kind))).collect(),
            counts: counts.filter(|(.., count)| *count > 0).collect(),
            queue_left_out: waiting - live.queue.len(),
            queue: live.queue,
            next: live.next.map(|key| name(&folder, &key)),
            parties_left_out: folder.people.len() - parties.len(),
            parties,
            recorded: live.recorded,
            turn: live.turn,
            history: live.history,
            head: live.head,
            head_is_signed: live.head_is_signed,
            publication: core.options.publication.as_ref().map(|it| it.told()),
            auditors: core.options.auditors.clone(),
            folder,
        }
    }
}

fn name(folder: &Folder, key: &PublicKey) -> String {
    folder.names.get(key).cloned().unwrap_or_else(|| key.fingerprint())
}

/// Those who have the turn or wait come first, then those who contributed, then the others.
fn parties(folder: &Folder, live: &Live) -> Vec<PartyShown> {
    let holder = live.turn.as_ref().map(|turn| turn.key);
    let mut places: std::collections::HashMap<PublicKey, (usize, bool)> = Default::default();
    for (key, is_here) in live.places.iter().filter(|it| Some(it.0) != holder) {
        places.insert(*key, (places.len() + 1, *is_here));
    }
    let standing = |person: &super::folder::Person| match places.get(&person.key) {
        _ if holder == Some(person.key) => Standing::Turn,
        Some((place, true)) => Standing::Queue(*place),
        _ if person.given > 0 => Standing::Given,
        Some((_, false)) => Standing::Away,
        None => Standing::Nothing,
    };
    let mut all: Vec<_> = folder.people.iter().map(|it| (standing(it), it)).collect();
    all.sort_by_key(|(standing, person)| (*standing, std::cmp::Reverse(person.given)));
    let shown = |(standing, person): (Standing, &super::folder::Person)| PartyShown {
        name: person.name.clone(),
        fingerprint: person.key.fingerprint(),
        given: person.given,
        of: person.of,
        standing,
        verified: person.verified.clone(),
    };
    all.into_iter().take(PARTIES).map(shown).collect()
}

/// What was noticed, for people.
fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::FailedSession => "sessions that were not opened",
        Kind::RefusedSignature => "signatures that do not verify, or of no known signer",
        Kind::UnknownSession => "tokens of no session",
        Kind::RefusedStatement => "statements and approvals refused",
        Kind::RefusedContribution => "contributions refused",
        Kind::DamagedUpload => "parts of uploads damaged on the way",
        Kind::Oversize => "requests with too many bytes",
        Kind::Malformed => "requests not understood",
        Kind::RateLimit => "requests beyond the rate limit",
        Kind::TooManyDownloads => "downloads beyond the limit",
        Kind::TooManyListeners => "browsers beyond those that are told of changes",
        Kind::TooManyConnections => "connections beyond the limit",
        Kind::FailedHandshake => "TLS handshakes that failed",
        Kind::SlowBody => "bodies that did not come in time",
        Kind::ExpiredTurn => "turns that ran out",
        Kind::Unattributed => "requests of a proxy that does not say whose they are",
        Kind::Internal => "faults of the service itself",
    }
}
