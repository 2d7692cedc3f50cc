//! The limits of a service, each with its reason.

use std::time::Duration;

/// Connections at the same time, where the system gives so many open files: each takes at most two
/// buffers of [`CONNECTION_BUFFER`].
pub(crate) const CONNECTIONS: usize = 2048;
/// Connections of one address: a company's participants, auditors and mirrors behind one address,
/// and room below [`CONNECTIONS`] for others.
pub(crate) const CONNECTIONS_OF_ADDRESS: usize = 512;
/// Files that are being fetched at the same time: each takes an open file and a piece of
/// [`PIECE`] bytes.
pub(crate) const DOWNLOADS: usize = 512;
/// Of one participant, or of one address without a session: a working copy fetches one after the
/// other, and a company's auditors share an address.
pub(crate) const DOWNLOADS_OF_ONE: usize = 64;
/// Browsers that are told of changes at the same time: each takes a connection, and the event that
/// it was sent last.
pub(crate) const LISTENERS: usize = 256;
/// Of one address: an office that looks together, and room for others.
pub(crate) const LISTENERS_OF_ONE: usize = 32;
/// How long one is told of changes before it has to ask again, as browsers do by themselves.
pub(crate) const LISTENING: Duration = Duration::from_secs(3600);
/// Connections to a node's metrics: a few Prometheus servers, and people who look.
pub(crate) const METRICS_CONNECTIONS: usize = 64;
/// Open files for everything else: uploads, the folder, its lock, the journal, what is verified,
/// and the connections to metrics.
pub(crate) const OTHER_FILES: usize = 128 + METRICS_CONNECTIONS;
/// How long a client may take no piece of an answer: what a link that is cut for a minute needs,
/// and as long as our client waits for an answer.
pub(crate) const STALL_TIME: Duration = Duration::from_secs(120);
/// How long a connection may be open without a request.
pub(crate) const IDLE_TIME: Duration = Duration::from_secs(60);
/// Bytes of an answer that are given to a connection at a time: slow clients take one in
/// [`STALL_TIME`].
pub(crate) const ANSWER_PIECE: usize = 16 * 1024;
/// Bytes that the system keeps of what a client has not taken: at 10 ms to the other side that is
/// 50 MB a second, and it bounds what a stalled connection costs.
pub(crate) const SEND_BUFFER: u32 = 512 * 1024;
/// Bytes that are kept of an answer on HTTP/2 beyond its client's window.
pub(crate) const STREAM_BUFFER: usize = 64 * 1024;
/// Bytes that are buffered for a connection: the longest head of a request, and no body.
pub(crate) const CONNECTION_BUFFER: usize = 32 * 1024;
/// Requests at the same time on one HTTP/2 connection: a client has a poll and a transfer.
pub(crate) const STREAMS: u32 = 16;
/// How long a client may take for a TLS handshake, or for the head of a request.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(15);
/// How long the next bytes of a body may take: a link that is cut for a minute loses one request,
/// and not its turn.
pub(crate) const BODY_PAUSE: Duration = Duration::from_secs(30);
/// Bytes of a body that has one envelope at most, with every signature that it can have.
pub(crate) const ENVELOPE_BODY: usize = 256 * 1024;
/// How long running requests get when the service stops.
pub(crate) const STOP_TIME: Duration = Duration::from_secs(10);

/// Requests a second by one address without a session, and how many at once: a page that is loaded
/// anew with everything on it, by a few people.
pub(crate) const REQUESTS: (u32, u32) = (50, 400);
/// The same for sessions and challenges, which are asked for once by each client: apart, so that
/// a flood of other requests keeps no client from beginning.
pub(crate) const SESSION_REQUESTS: (u32, u32) = (50, 200);
/// The same by one participant with a session: uploads in small parts are many requests.
pub(crate) const SIGNED_REQUESTS: (u32, u32) = (200, 1000);
/// Requests at the same time that wait for the one place at the folder's documents (statements and
/// approvals), or have it: each takes up to [`ENVELOPE_BODY`], and the last one waits as long as
/// all before it. More than the people of a small ceremony who commit or approve at once; the
/// client comes again.
pub(crate) const STATEMENTS: usize = 16;
/// Of one participant, or of one network without a session: room for others.
pub(crate) const STATEMENTS_OF_ONE: usize = 8;
/// Addresses that are remembered: a limiter's memory is bounded by forgetting the idle ones.
pub(crate) const REMEMBERED: usize = 1 << 16;

/// How long a challenge is good for: a person may have to type a PIN.
pub(crate) const CHALLENGE_TIME: Duration = Duration::from_secs(180);
/// How far a session's signed time may be from ours. A challenge bounds its age already, so that
/// this only notices a clock that would put wrong times into attestations.
pub(crate) const CLOCK_SKEW: Duration = Duration::from_secs(2 * 3600);
/// How long a session lasts after its last request.
pub(crate) const SESSION_TIME: Duration = Duration::from_secs(3600);
/// Sessions that were replaced by newer ones and are remembered, so that the older client is told.
pub(crate) const REPLACED_SESSIONS: usize = 256;

/// How long a participant counts as present that has no request open: as long as the next one may
/// take on a slow link. A client that is gone holds up whoever is behind it for so long.
pub(crate) const PRESENT: Duration = Duration::from_secs(15);
/// The first delay after a turn without a contribution; it doubles with each.
pub(crate) const FIRST_DELAY: Duration = Duration::from_secs(2);
/// The longest delay.
pub(crate) const LONGEST_DELAY: Duration = Duration::from_secs(600);
/// A turn's time beyond its floor, by bytes to be moved: fetching and sending at this speed.
pub(crate) const BYTES_PER_SECOND: u64 = 125_000;
/// What a contribution adds to a file at most: one record with the longest name.
pub(crate) const RECORD_BYTES: u64 = 4096;
/// Bytes that stay free on the disk whatever is uploaded.
pub(crate) const SPARE_BYTES: u64 = 64 << 20;

/// Bytes of the journal in one answer, give or take an entry: below what a client reads at most.
pub(crate) const JOURNAL_PART: usize = 256 * 1024;
/// How often the folder is looked at for changes that others made.
pub(crate) const LOOK: Duration = Duration::from_secs(1);
/// How long to wait before a verification that could not be made is tried again.
pub(crate) const RETRY: Duration = Duration::from_secs(5);
/// Bytes of a file that are read at a time to be sent.
pub(crate) const PIECE: usize = 256 * 1024;
