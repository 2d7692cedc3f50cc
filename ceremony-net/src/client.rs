//! Requests to a service: sent again until they work, as long as there is time.
//!
//! Whatever comes back is read into types, with a limit before it is read. A failure of the network
//! is tried again, with growing pauses; a refusal is not, and comes back as the service said it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use ceremony_core::progress::Progress;
use ceremony_folder::service::is_this_machine;
use reqwest::blocking::{Body, RequestBuilder, Response};
use reqwest::{Method, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::ConfigDigest;
use zk_attest::envelope::Envelope;
use zk_attest::error::one_line;
use zk_attest::key::SignatureBytes;
use zk_attest::primitives::{CeremonyId, Label, Timestamp};
use zk_attest::signer::{Signer, sign_envelope};

use crate::fetch::PART;
use crate::metrics::families::{CLIENT_REFUSALS, CLOCK, RECEIVED, RETRIES, SENT};
use crate::metrics::{Measured, Step};
use crate::protocol::{
    Approval, CeremonyInfo, Challenge, Completion, JournalPart, MAX_BODY_BYTES, MAX_WAIT_SECONDS,
    PROTOCOL, Problem, QueueAnswer, QueueRequest, Receipts, Session, SessionRequest, Standing,
    StatementRequest, TUS_VERSION, Verdict, tus,
};
use crate::statements::{SessionClaim, about_rules};
use crate::trace;

/// How long one request may take. What is moved in it is so little that a slow link can do it.
const REQUEST_TIME: Duration = Duration::from_secs(120);
/// The first pause after a failure; it doubles with each, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// How long nobody is told that something is tried again: as long as a service takes to start anew.
const SILENT: Duration = Duration::from_secs(15);
/// And then how often, as long as it goes on.
const TOLD_AGAIN: Duration = Duration::from_secs(300);

/// How a service is reached.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Its address, as the coordinator gave it.
    pub url: String,
    /// Certificates to trust besides the system's, in PEM.
    pub ca: Option<PathBuf>,
    /// Whether the address may be one without TLS that is not of this machine.
    pub insecure_http: bool,
    /// How long the network may fail before the command gives up.
    pub patience: Duration,
}

/// A service, and the session with it, if one was opened.
pub struct Client {
    http: reqwest::blocking::Client,
    base: Url,
    origin: Label,
    insecure_http: bool,
    pub(crate) patience: Duration,
    /// Whether files come from the service itself, wherever it sends its clients.
    pub(crate) direct: AtomicBool,
    /// Whether a file came from where it sent this one.
    pub(crate) was_elsewhere: AtomicBool,
    /// The session, which every request carries once there is one: what asks for the state of the
    /// ceremony and for files then counts as its participant's, and not as its address's.
    token: Mutex<Option<Zeroizing<String>>>,
}

/// Without the token.
impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Why a request did not bring what it should.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The network, or a service that is busy: to be tried again.
    Again(Diagnostic),
    /// A refusal.
    Refused(StatusCode, Diagnostic),
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Again(diagnostic) | Failure::Refused(_, diagnostic) => diagnostic,
        }
    }
}

/// An address as sessions are bound to it: scheme, host and port, written in one way.
///
/// # Errors
/// When it is no address.
pub fn origin(url: &str) -> Result<Label, Diagnostic> {
    let refused = |what: &str| {
        Diagnostic::environment("url", what).found(url).expected("https://HOST[:PORT]")
    };
    let parsed = Url::parse(url).map_err(|error| refused(&error.to_string()))?;
    if !matches!(parsed.scheme(), "https" | "http") || parsed.host_str().is_none() {
        return Err(refused("this is not the address of a service"));
    }
    Label::new(&parsed.origin().ascii_serialization()).map_err(|refusal| refused(refusal.what()))
}

/// Gives the process what TLS computes with, which everything that makes requests here needs.
pub fn install_tls() {
    // Another one may have been installed by this process; either will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Refuses an address without TLS on another machine.
fn is_safe(url: &Url, insecure_http: bool) -> Result<(), Diagnostic> {
    let refused = |what: &str| Diagnostic::environment("url", what).expected("https://HOST[:PORT]");
    let Some(host) = url.host_str() else { return Err(refused("the address has no host")) };
    match url.scheme() {
        "https" => Ok(()),
        "http" if insecure_http || is_this_machine(host) => Ok(()),
        "http" => Err(refused("without TLS, anybody on the way could use your session")
            .hint("use https, or add --insecure-http in a network that you trust")),
        _ => Err(refused("this is not the address of a service")),
    }
}

impl Client {
    /// Prepares requests to a service. Sends none.
    ///
    /// # Errors
    /// When the address is none, or would send a session over a network without TLS.
    pub fn new(options: &ClientOptions) -> Result<Self, Diagnostic> {
        let refused = |what: &str| {
            Diagnostic::environment("url", what).found(&options.url).expected("https://HOST[:PORT]")
        };
        let mut base = Url::parse(&options.url).map_err(|error| refused(&error.to_string()))?;
        is_safe(&base, options.insecure_http).map_err(|error| error.found(&options.url))?;
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        base.set_query(None);
        base.set_fragment(None);
        let origin = origin(base.as_str())?;
        install_tls();
        let mut builder = reqwest::blocking::Client::builder()
            .user_agent(concat!("zk-ceremony/", env!("CARGO_PKG_VERSION")))
            .timeout(REQUEST_TIME)
            .connect_timeout(Duration::from_secs(15))
            .redirect(reqwest::redirect::Policy::none());
        if let Some(path) = &options.ca {
            let failed = |what: String| {
                Diagnostic::environment("ca", what)
                    .at(path.display())
                    .expected("certificates in PEM")
            };
            let pem = zk_attest::file::read_regular(path, 1 << 20)
                .map_err(|error| failed(error.to_string()))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|error| failed(error.to_string()))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let http = builder
            .build()
            .map_err(|error| refused(&format!("preparing requests failed: {error}")))?;
        Ok(Self {
            http,
            base,
            origin,
            insecure_http: options.insecure_http,
            patience: options.patience,
            token: Mutex::default(),
            direct: AtomicBool::new(false),
            was_elsewhere: AtomicBool::new(false),
        })
    }

    /// The address that sessions are for.
    #[must_use]
    pub fn origin(&self) -> &Label {
        &self.origin
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let (path, query) = path.split_once('?').map_or((path, None), |(p, q)| (p, Some(q)));
        url.set_path(&format!("{}{path}", self.base.path()));
        url.set_query(query);
        url
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, self.url(path));
        if let Some(header) = trace::header() {
            request = request.header(trace::TRACEPARENT, header);
        }
        match self.token().as_deref() {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    fn token(&self) -> MutexGuard<'_, Option<Zeroizing<String>>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request without the session, to another address.
    pub(crate) fn bare(&self, url: Url) -> RequestBuilder {
        self.http.get(url)
    }

    /// Whether something may be fetched from an address that a service names.
    pub(crate) fn may_be_asked(&self, url: &Url) -> bool {
        let plain = url.username().is_empty() && url.password().is_none();
        let here = |url: &Url| url.host_str().is_some_and(is_this_machine);
        // A service elsewhere sends nobody to their own machine.
        plain && is_safe(url, self.insecure_http).is_ok() && (!here(url) || here(&self.base))
    }

    /// Sends a request once, whatever the answer says.
    pub(crate) fn send_once(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let failed = |error| Failure::Again(self.unreachable(&error));
        let request = request.build().map_err(failed)?;
        let length = request.body().and_then(Body::as_bytes).map_or(0, <[u8]>::len);
        let response = self.http.execute(request).map_err(failed)?;
        metrics::counter!(SENT).increment(length as u64);
        Ok(response)
    }

    /// Sends a request once.
    pub(crate) fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = self.send_once(request)?;
        note_clock(&response);
        self.judge(response)
    }

    /// An answer, if it is a good one.
    pub(crate) fn judge(&self, response: Response) -> Result<Response, Failure> {
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let busy = matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504);
        let bytes = read_limited(response, MAX_BODY_BYTES).map_err(|error| {
            // A refusal that broke off says nothing yet.
            Failure::Again(
                Diagnostic::environment("network", format_args!("the answer broke off: {error}"))
                    .at(&self.base),
            )
        })?;
        let diagnostic = serde_json::from_slice::<Problem>(&bytes).ok().map_or_else(
            || {
                Diagnostic::environment("http", "the service refused the request")
                    .at(&self.base)
                    .found(status)
                    .expected("an answer of a zk-ceremony service")
                    .hint("check the address with the coordinator")
            },
            Diagnostic::from,
        );
        if busy {
            return Err(Failure::Again(diagnostic));
        }
        metrics::counter!(CLIENT_REFUSALS).increment(1);
        Err(Failure::Refused(status, diagnostic))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Diagnostic {
        // The innermost cause is what people can act on: a name, a certificate, a refused port.
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        Diagnostic::environment("network", format_args!("the service was not reached: {cause}"))
            .at(&self.base)
            .hint("check the address and this machine's network; run the same command again")
    }

    /// Sends a request until it works, is refused, or the time is up.
    pub(crate) fn insist<T>(
        &self,
        until: Option<Instant>,
        mut attempt: impl FnMut() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut tell = begun + SILENT;
        loop {
            let failure = match attempt() {
                Err(Failure::Again(diagnostic)) => diagnostic,
                done => return done,
            };
            let end = until.unwrap_or(begun + self.patience);
            if Instant::now() + pause >= end {
                return Err(Failure::Again(failure));
            }
            if Instant::now() >= tell {
                tell = Instant::now() + TOLD_AGAIN;
                tracing::warn!("trying again: {}", failure.what);
            } else {
                tracing::debug!("trying again: {}", failure.what);
            }
            metrics::counter!(RETRIES).increment(1);
            std::thread::sleep(jittered(pause));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn json<T: DeserializeOwned>(&self, response: Response) -> Result<T, Failure> {
        self.json_limited(response, MAX_BODY_BYTES)
    }

    pub(crate) fn json_limited<T: DeserializeOwned>(
        &self,
        response: Response,
        limit: usize,
    ) -> Result<T, Failure> {
        let bytes = read_limited(response, limit).map_err(|error| {
            Failure::Again(
                Diagnostic::environment("network", format_args!("the answer broke off: {error}"))
                    .at(&self.base),
            )
        })?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Failure::Refused(
                StatusCode::OK,
                Diagnostic::environment(
                    "protocol",
                    // Which may quote the answer.
                    format_args!(
                        "the answer is not one of a zk-ceremony service: {}",
                        one_line(&error.to_string(), 200)
                    ),
                )
                .at(&self.base)
                .hint("check the address with the coordinator, and this program's version"),
            )
        })
    }

    /// What is so now, or after the version that is known.
    ///
    /// # Errors
    /// When the service is not reached, or speaks another version.
    pub fn info(&self, after: Option<u64>) -> Result<CeremonyInfo, Diagnostic> {
        let path = match after {
            None => "v1/ceremony".to_owned(),
            Some(after) => format!("v1/ceremony?after={after}&wait={MAX_WAIT_SECONDS}"),
        };
        let info: CeremonyInfo =
            self.insist(None, || self.json(self.send(self.request(Method::GET, &path))?))?;
        if info.protocol != PROTOCOL {
            return Err(Diagnostic::environment("protocol", "the service speaks another version")
                .at(&self.base)
                .found(info.protocol)
                .expected(PROTOCOL)
                .hint("use the version of this program that the coordinator names"));
        }
        Ok(info)
    }

    /// Entries of the journal, from one on.
    ///
    /// # Errors
    /// When the service is not reached.
    pub fn journal(&self, from: u64) -> Result<JournalPart, Diagnostic> {
        let path = format!("v1/journal?from={from}");
        Ok(self.insist(None, || self.json(self.send(self.request(Method::GET, &path))?))?)
    }

    /// Sends the signed result of an audit.
    ///
    /// # Errors
    /// When the service is not reached, or refuses it.
    pub fn send_statement(&self, envelope: &Envelope) -> Result<(), Diagnostic> {
        let request = StatementRequest { envelope: envelope.clone() };
        self.post("v1/statements", &request)
    }

    /// Sends an approval of the bundle.
    ///
    /// # Errors
    /// When the service is not reached, or refuses it.
    pub fn approve(
        &self,
        key: &zk_attest::key::PublicKey,
        signature: &SignatureBytes,
    ) -> Result<(), Diagnostic> {
        let approval =
            Approval { key: key.to_string(), signature: hex::encode(signature.as_slice()) };
        self.post("v1/approvals", &approval)
    }

    fn post(&self, path: &str, body: &impl Serialize) -> Result<(), Diagnostic> {
        Ok(self.insist(None, || self.send(self.request(Method::POST, path).json(body)).map(drop))?)
    }
}

/// A participant's session. It is opened when it is needed, and again when the service has
/// forgotten it.
pub struct Participant<'a> {
    client: &'a Client,
    ceremony: CeremonyId,
    rules: ConfigDigest,
    signer: &'a mut dyn Signer,
    part: usize,
}

/// Without the signer.
impl std::fmt::Debug for Participant<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Participant").field("ceremony", &self.ceremony).finish_non_exhaustive()
    }
}

impl<'a> Participant<'a> {
    /// A participant of the ceremony with these rules.
    #[must_use]
    pub fn new(
        client: &'a Client,
        ceremony: CeremonyId,
        rules: ConfigDigest,
        signer: &'a mut dyn Signer,
    ) -> Self {
        Self { client, ceremony, rules, signer, part: PART.0 }
    }

    /// Who signs.
    pub fn signer(&mut self) -> &mut dyn Signer {
        self.signer
    }

    fn open_session(&mut self) -> Result<Zeroizing<String>, Diagnostic> {
        let client = self.client;
        let challenge: Challenge = client.insist(None, || {
            client.json(client.send(client.request(Method::POST, "v1/challenges"))?)
        })?;
        let refused = |refusal: zk_attest::error::Refusal| Diagnostic::from(&refusal);
        let claim = SessionClaim {
            ceremony: self.ceremony.clone(),
            ceremony_toml_sha256: self.rules,
            origin: client.origin.clone(),
            nonce: Label::new(&challenge.nonce).map_err(refused)?,
            time: Timestamp::now(),
        };
        let mut envelope = about_rules(self.rules, claim).map_err(refused)?;
        sign_envelope(self.signer, &mut envelope)?;
        let request = SessionRequest { envelope };
        // Not twice: an answer that was lost has used the challenge up.
        let session: Session = client
            .json(client.send(client.request(Method::POST, "v1/sessions").json(&request))?)?;
        Ok(Zeroizing::new(session.token))
    }

    /// Sends a request of the session until it works, opening another session where that is needed.
    fn signed<T>(
        &mut self,
        until: Option<Instant>,
        mut attempt: impl FnMut(&Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let client = self.client;
        client.insist(until, || {
            if client.token().is_none() {
                let opened = self.open_session().map_err(|error| {
                    // A refused session stays refused; one that did not come may come.
                    let again = ["network", "too-many-requests", "challenge", "busy"];
                    if again.contains(&error.code.as_str()) {
                        Failure::Again(error)
                    } else {
                        Failure::Refused(StatusCode::UNAUTHORIZED, error)
                    }
                })?;
                *client.token() = Some(opened);
            }
            match attempt(client) {
                Err(Failure::Refused(StatusCode::UNAUTHORIZED, error))
                    // An answer to HEAD has no words.
                    if matches!(error.code.as_str(), "session-unknown" | "http") =>
                {
                    *client.token() = None;
                    Err(Failure::Again(error))
                }
                result => result,
            }
        })
    }

    /// Enters the queue.
    ///
    /// # Errors
    /// When the service refuses, or is not reached.
    pub fn join(&mut self, ticket: Option<Envelope>) -> Result<Envelope, Diagnostic> {
        let body = QueueRequest { ticket };
        let answer: QueueAnswer = self.signed(None, |client| {
            let request = client.request(Method::POST, "v1/queue");
            client.json(client.send(request.json(&body))?)
        })?;
        Ok(answer.ticket)
    }

    /// Where the participant stands. None where the service does not know that it waits.
    ///
    /// # Errors
    /// When the service refuses, or is not reached.
    pub fn standing(&mut self, wait: bool) -> Result<Option<Standing>, Diagnostic> {
        let path = format!("v1/queue?wait={}", if wait { MAX_WAIT_SECONDS } else { 0 });
        let answer = self
            .signed(None, |client| client.json(client.send(client.request(Method::GET, &path))?));
        match answer {
            Ok(standing) => Ok(Some(standing)),
            Err(Failure::Refused(StatusCode::CONFLICT, error)) if error.code == "not-in-queue" => {
                Ok(None)
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// Gives the turn back.
    ///
    /// # Errors
    /// When the service is not reached, or the turn is over already.
    pub fn give_back(&mut self) -> Result<(), Diagnostic> {
        // A client that gives up does not wait for a network that is down.
        let soon = Some(Instant::now() + Duration::from_secs(5));
        Ok(self.signed(soon, |client| {
            client.send(client.request(Method::DELETE, "v1/turn")).map(drop)
        })?)
    }

    /// Uploads the data file of a chain of a turn, and gives the upload's name. Ends when the turn
    /// does.
    ///
    /// # Errors
    /// When the file cannot be read, the service refuses it, or the time is up.
    pub fn upload(
        &mut self,
        turn: &str,
        circuit: Option<&str>,
        path: &Path,
        until: Instant,
        progress: &dyn Progress,
    ) -> Result<String, Diagnostic> {
        let failed = |error: std::io::Error| {
            Diagnostic::environment("reading", format_args!("reading failed: {error}"))
                .at(path.display())
        };
        let mut file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let mut metadata = format!("turn {}", encode(turn));
        if let Some(circuit) = circuit {
            metadata.push_str(&format!(",circuit {}", encode(circuit)));
        }
        let location = self.signed(Some(until), |client| {
            let request = client
                .request(Method::POST, "v1/uploads")
                .header(tus::RESUMABLE, TUS_VERSION)
                .header(tus::LENGTH, length)
                .header(tus::METADATA, &metadata);
            let response = client.send(request)?;
            let location = response.headers().get("location").and_then(|it| it.to_str().ok());
            let id = location
                .and_then(|it| it.rsplit('/').next())
                .filter(|id| id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            id.map(str::to_owned).ok_or_else(|| {
                let what = "the service did not name the upload";
                Failure::Refused(response.status(), Diagnostic::environment("protocol", what))
            })
        })?;
        let measured = Measured::begin(Step::Upload, progress);
        measured.begin(&format!("sending {}", path.display()), length);
        let sent = self.send_parts(&location, &mut file, length, until, &measured);
        measured.end();
        sent.map_err(|error| if error.place.is_none() { error.at(path.display()) } else { error })?;
        measured.done(length);
        Ok(location)
    }

    fn send_parts(
        &mut self,
        id: &str,
        file: &mut File,
        length: u64,
        until: Instant,
        progress: &dyn Progress,
    ) -> Result<(), Diagnostic> {
        let path = format!("v1/uploads/{id}");
        let mut offset = 0;
        let mut shown = 0;
        while offset < length {
            let mut bytes =
                vec![0; usize::try_from(length - offset).unwrap_or(usize::MAX).min(self.part)];
            file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes)).map_err(
                |error| Diagnostic::environment("reading", format_args!("reading failed: {error}")),
            )?;
            let digest = Sha256::digest(&bytes);
            let checksum =
                format!("sha256 {}", base64::engine::general_purpose::STANDARD.encode(digest));
            let sent = self.signed(Some(Instant::now()), |client| {
                let request = client
                    .request(Method::PATCH, &path)
                    .header(tus::RESUMABLE, TUS_VERSION)
                    .header(tus::OFFSET, offset)
                    .header(tus::CHECKSUM, &checksum)
                    .header("content-type", tus::PART)
                    .body(bytes.clone());
                client.send(request).map(drop)
            });
            match sent {
                Ok(()) => {
                    offset += bytes.len() as u64;
                    self.part = (self.part * 2).min(PART.2);
                }
                Err(Failure::Refused(StatusCode::NOT_FOUND, _)) => return Err(upload_is_gone()),
                Err(Failure::Refused(status, error)) => {
                    // Where the upload stands is not where this side believed, or the part was
                    // damaged on the way: ask, and go on from there.
                    let asks = matches!(status.as_u16(), 400 | 409 | 460);
                    if !asks || Instant::now() >= until {
                        return Err(error);
                    }
                    self.part = (self.part / 2).max(PART.1);
                    std::thread::sleep(jittered(FIRST_PAUSE));
                    offset = self.offset(&path, until)?;
                }
                Err(Failure::Again(error)) => {
                    if Instant::now() >= until {
                        return Err(error);
                    }
                    self.part = (self.part / 2).max(PART.1);
                    std::thread::sleep(jittered(FIRST_PAUSE));
                    offset = self.offset(&path, until)?;
                }
            }
            progress.advance(offset.saturating_sub(shown));
            shown = shown.max(offset);
        }
        Ok(())
    }

    /// How many bytes of an upload the service has.
    fn offset(&mut self, path: &str, until: Instant) -> Result<u64, Diagnostic> {
        let asked = self.signed(Some(until), |client| {
            let request = client.request(Method::HEAD, path).header(tus::RESUMABLE, TUS_VERSION);
            let response = client.send(request)?;
            let offset = response.headers().get(tus::OFFSET).and_then(|it| it.to_str().ok());
            offset.and_then(|it| it.parse().ok()).ok_or_else(|| {
                let what = "the service did not say how much it has";
                Failure::Refused(response.status(), Diagnostic::environment("protocol", what))
            })
        });
        match asked {
            // An answer to HEAD has no words.
            Err(Failure::Refused(StatusCode::NOT_FOUND, _)) => Err(upload_is_gone()),
            asked => Ok(asked?),
        }
    }

    /// Says that everything of a turn is uploaded.
    ///
    /// # Errors
    /// When the service refuses it, or is not reached in time.
    pub fn complete(&mut self, completion: &Completion, until: Instant) -> Result<(), Diagnostic> {
        let sent = self.signed(Some(until), |client| {
            let request = client.request(Method::POST, "v1/turn/attestations");
            client.send(request.json(completion)).map(drop)
        });
        match sent {
            // The answer to an earlier attempt was lost.
            Err(Failure::Refused(_, error)) if error.code == "received" => Ok(()),
            sent => Ok(sent?),
        }
    }

    /// What became of the turn. None where the service knows of none.
    ///
    /// # Errors
    /// When the service is not reached.
    pub fn verdict(&mut self) -> Result<Option<Verdict>, Diagnostic> {
        let path = format!("v1/turn/verdict?wait={MAX_WAIT_SECONDS}");
        let answer = self
            .signed(None, |client| client.json(client.send(client.request(Method::GET, &path))?));
        match answer {
            Ok(verdict) => Ok(Some(verdict)),
            Err(Failure::Refused(StatusCode::NOT_FOUND, _)) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Receipts of everything of this participant that is in the ceremony.
    ///
    /// # Errors
    /// When the service is not reached.
    pub fn receipts(&mut self) -> Result<Vec<Envelope>, Diagnostic> {
        let answer: Receipts = self.signed(None, |client| {
            client.json(client.send(client.request(Method::GET, "v1/receipts"))?)
        })?;
        Ok(answer.receipts)
    }
}

/// What an upload that vanished means.
fn upload_is_gone() -> Diagnostic {
    Diagnostic::environment("turn-over", "the turn ran out before everything was sent")
        .hint("the place in the queue is kept")
}

/// All bytes of a body, if there are no more than `limit`.
pub(crate) fn read_limited(response: Response, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    response.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(std::io::Error::other("the answer is longer than any answer"));
    }
    metrics::counter!(RECEIVED).increment(bytes.len() as u64);
    Ok(bytes)
}

/// Notes how far this machine's clock is from the service's, as the answer's `Date` has it: to the
/// second, and later by the time that the answer took.
fn note_clock(response: &Response) {
    let date = response.headers().get(reqwest::header::DATE).and_then(|it| it.to_str().ok());
    let Some(theirs) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else { return };
    let since = theirs.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let offset = i128::from(Timestamp::now().unix()) - i128::from(since);
    metrics::gauge!(CLOCK).set(offset as f64);
}

/// A pause between half and whole, so that clients do not come all at once.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [0; 1];
    let _ = getrandom::fill(&mut byte);
    pause / 2 + pause * u32::from(byte[0]) / 512
}
