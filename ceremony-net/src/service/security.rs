//! What a service refused and noticed: how often, and the last few of it.
//!
//! Made for people who watch: the dashboard shows it, and metrics count it. An event has a kind, of
//! a closed list, and a time. Nothing of it comes from outside: no address, no name, no token.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;
use axum::response::Response;
use zk_attest::primitives::Timestamp;

use crate::metrics::families::{REQUESTS, SECURITY};

/// Events that are remembered: what fits on a page.
const REMEMBERED: usize = 64;

macro_rules! kinds {
    ($($(#[$doc:meta])+ $kind:ident = $name:literal,)+) => {
        /// What can be noticed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Kind {
            $($(#[$doc])+ $kind,)+
        }

        impl Kind {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$kind),+];

            /// Its name, in metrics and on pages.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }
    };
}

kinds! {
    /// A session that was not opened: a challenge that is not open, other rules, another origin.
    FailedSession = "failed_session",
    /// A signature that does not verify, or of nobody whose signature counts.
    RefusedSignature = "refused_signature",
    /// A token of no session: it ran out, the service was started again, or it was guessed.
    UnknownSession = "unknown_session",
    /// A signed statement or an approval that was not taken in.
    RefusedStatement = "refused_statement",
    /// A contribution that was not taken in.
    RefusedContribution = "refused_contribution",
    /// A part of an upload that is not what its checksum says.
    DamagedUpload = "damaged_upload",
    /// More bytes than the request, or the upload, may have.
    Oversize = "oversize",
    /// A request that is not understood.
    Malformed = "malformed",
    /// Too many requests from one address or of one participant.
    RateLimit = "rate_limit",
    /// Too many files fetched at the same time.
    TooManyDownloads = "too_many_downloads",
    /// Too many browsers that are told of changes at the same time.
    TooManyListeners = "too_many_listeners",
    /// A connection that was not let in.
    TooManyConnections = "too_many_connections",
    /// A TLS handshake that failed. A connection that ends without a byte is none: so health
    /// checkers look whether a port is open.
    FailedHandshake = "failed_handshake",
    /// A body that did not come in time.
    SlowBody = "slow_body",
    /// A turn that ran out.
    ExpiredTurn = "expired_turn",
    /// A request of a reverse proxy that does not say whose it is.
    Unattributed = "unattributed",
    /// A fault of the service itself.
    Internal = "internal",
}

/// Whose listener notices something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    /// What the node is there for: a ceremony, or proofs.
    Api,
    /// The one of `/metrics`.
    Metrics,
}

impl Listener {
    fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Metrics => "metrics",
        }
    }
}

/// One that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) kind: Kind,
    /// Seconds since 1970.
    pub(crate) time: u64,
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Security {
    listener: Listener,
    counts: [AtomicU64; Kind::ALL.len()],
    recent: Mutex<VecDeque<Event>>,
}

impl Security {
    /// Of a listener, which has seen nothing yet.
    pub(crate) fn of(listener: Listener) -> Self {
        Self {
            listener,
            counts: std::array::from_fn(|_| AtomicU64::default()),
            recent: Mutex::default(),
        }
    }

    /// Whether bodies count as what the node moves: pages of metrics are not that.
    pub(crate) fn counts_bytes(&self) -> bool {
        self.listener == Listener::Api
    }

    /// Makes the counters of these kinds, from 0 on.
    pub(crate) fn begin(&self, kinds: &[Kind]) {
        kinds.iter().for_each(|kind| self.counter(*kind).increment(0));
    }

    fn counter(&self, kind: Kind) -> metrics::Counter {
        metrics::counter!(SECURITY, "listener" => self.listener.name(), "kind" => kind.name())
    }

    /// Notes that something happened, now.
    pub(crate) fn note(&self, kind: Kind) {
        self.counts[kind as usize].fetch_add(1, Ordering::Relaxed);
        self.counter(kind).increment(1);
        let event = Event { kind, time: Timestamp::now().unix() };
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() == REMEMBERED {
            recent.pop_front();
        }
        recent.push_back(event);
    }

    /// Counts an answer to a request at a path, and notes what it says about its client.
    pub(crate) fn answered(&self, path: &str, response: &Response) {
        let code = match response.status().as_u16() {
            ..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            500.. => "5xx",
        };
        metrics::counter!(REQUESTS, "code" => code).increment(1);
        if let Some(kind) = of_answer(path, response.status(), response.extensions().get()) {
            self.note(kind);
        }
    }

    /// How often something happened since this process began.
    pub(crate) fn count(&self, kind: Kind) -> u64 {
        self.counts[kind as usize].load(Ordering::Relaxed)
    }

    /// The last events, the newest last: at most 64.
    pub(crate) fn recent(&self) -> Vec<Event> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

/// The code of a refusal, which its answer carries for [`Security::answered`].
#[derive(Clone, Debug)]
pub(crate) struct Code(pub(crate) String);

/// What an answer to a request at a path says about its client, if it is worth noticing.
fn of_answer(path: &str, status: StatusCode, code: Option<&Code>) -> Option<Kind> {
    let code = code.map_or("", |Code(code)| code.as_str());
    let is_statement = matches!(path, "/v1/statements" | "/v1/approvals");
    match (status.as_u16(), code) {
        (200..400, _) => None,
        (401, "session-unknown") => Some(Kind::UnknownSession),
        (_, "bad-signature" | "not-in-roster" | "not-an-approver" | "not-an-auditor") => {
            Some(Kind::RefusedSignature)
        }
        (429, "too-many-downloads") => Some(Kind::TooManyDownloads),
        (429, "too-many-listeners") => Some(Kind::TooManyListeners),
        (429, _) => Some(Kind::RateLimit),
        (413, _) => Some(Kind::Oversize),
        (408, _) => Some(Kind::SlowBody),
        (460, _) => Some(Kind::DamagedUpload),
        (400, "forwarded") => Some(Kind::Unattributed),
        (400 | 405 | 414 | 415, _) => Some(Kind::Malformed),
        (422, _) if path == "/v1/sessions" => Some(Kind::FailedSession),
        (422, _) if is_statement => Some(Kind::RefusedStatement),
        (500, _) => Some(Kind::Internal),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_counted_and_the_last_of_it_is_remembered() {
        let security = Security::of(Listener::Api);
        for _ in 0..REMEMBERED {
            security.note(Kind::Oversize);
        }
        security.note(Kind::RateLimit);
        assert_eq!(security.count(Kind::Oversize), 64);
        assert_eq!(security.count(Kind::RateLimit), 1);
        assert_eq!(security.count(Kind::Internal), 0);
        let recent = security.recent.lock().unwrap();
        assert_eq!(recent.len(), REMEMBERED);
        assert_eq!(recent.back().unwrap().kind, Kind::RateLimit);
    }

    #[test]
    fn kinds_have_names_of_their_own_and_are_in_order() {
        let mut names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert!(Kind::ALL.iter().enumerate().all(|(i, kind)| *kind as usize == i));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Kind::ALL.len());
    }

    #[test]
    fn refusals_are_what_they_say_and_other_answers_are_nothing() {
        let code = |code: &str| Some(Code(code.into()));
        for (path, status, found, expected) in [
            ("/v1/sessions", 200, None, None),
            ("/v1/sessions", 422, code("challenge"), Some(Kind::FailedSession)),
            ("/v1/sessions", 422, code("another-origin"), Some(Kind::FailedSession)),
            ("/v1/sessions", 422, code("not-in-roster"), Some(Kind::RefusedSignature)),
            ("/v1/statements", 422, code("bad-signature"), Some(Kind::RefusedSignature)),
            ("/v1/statements", 422, code("format"), Some(Kind::RefusedStatement)),
            ("/v1/approvals", 422, code("not-an-approver"), Some(Kind::RefusedSignature)),
            ("/v1/queue", 401, code("session-unknown"), Some(Kind::UnknownSession)),
            ("/v1/queue", 401, code("session-missing"), None),
            ("/v1/queue", 429, code("too-many-requests"), Some(Kind::RateLimit)),
            ("/v1/files/a", 429, code("too-many-downloads"), Some(Kind::TooManyDownloads)),
            ("/v1/events", 429, code("too-many-listeners"), Some(Kind::TooManyListeners)),
            ("/v1/files/a", 404, code("no-such-file"), None),
            ("/v1/uploads", 413, code("size"), Some(Kind::Oversize)),
            ("/v1/uploads/a", 460, code("checksum"), Some(Kind::DamagedUpload)),
            ("/v1/uploads/a", 408, code("body"), Some(Kind::SlowBody)),
            ("/v1/uploads/a", 409, code("offset"), None),
            ("/v1/queue", 400, code("body"), Some(Kind::Malformed)),
            ("/v1/queue", 400, code("forwarded"), Some(Kind::Unattributed)),
            ("/v1/queue", 500, code("internal"), Some(Kind::Internal)),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(of_answer(path, status, found.as_ref()), expected, "{path} {found:?}");
        }
    }
}
