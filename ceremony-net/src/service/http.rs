//! The service's addresses. Each handler reads what came into types, asks [`Core`], and answers.

mod pages;
mod upload;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{
    DefaultBodyLimit, Extension, FromRequest, FromRequestParts, Path, Query, Request, State,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use tracing::Instrument as _;
use utoipa::OpenApi;
use zk_attest::diagnostic::{Blame, Diagnostic};
use zk_attest::key::PublicKey;

use super::core::Core;
use super::counts::Counts;
use super::dashboard::Dashboard;
use super::files;
use super::limits::{BODY_PAUSE, CHALLENGE_TIME, ENVELOPE_BODY, SESSION_TIME};
use super::proxies::Proxies;
use super::rates::{Rates, network};
use super::security::Code;
use super::sessions::Holder;
use crate::protocol::{
    Approval, CeremonyInfo, Challenge, Completion, FileList, JournalPart, MAX_BODY_BYTES,
    MAX_WAIT_SECONDS, Problem, QueueAnswer, QueueRequest, Receipts, Session, SessionRequest,
    Standing, StatementRequest, Verdict,
};
use crate::trace;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) core: Arc<Core>,
    pub(crate) rates: Arc<Rates>,
    pub(crate) proxies: Arc<Proxies>,
    pub(crate) downloads: Arc<Counts<Whose>>,
    /// Held by a request that reads a whole bundle: one at a time, so that many take no more memory
    /// than one.
    pub(crate) heavy: Arc<tokio::sync::Semaphore>,
    /// Requests that wait for that, or have it.
    pub(crate) statements: Arc<Counts<Whose>>,
    pub(crate) dashboard: Dashboard,
    /// Browsers that are told of changes.
    pub(crate) listeners: Arc<Counts<Whose>>,
    /// Whether the service stops.
    pub(crate) stopped: tokio::sync::watch::Receiver<bool>,
}

/// The address that a request came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The address of a client, whoever it is: what a reverse proxy says, if there is one.
#[derive(Clone, Copy, Debug)]
struct Client(IpAddr);

/// Whose downloads are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Whose {
    Participant(PublicKey),
    Network(IpAddr),
}

/// Where more strangers of one network ask to be enrolled than an hour takes.
const ENROLMENTS_AN_HOUR: &str = "too-many-enrolments";

/// A refusal on its way out.
#[derive(Debug)]
pub(crate) struct Refusal(StatusCode, Box<Diagnostic>);

impl From<Diagnostic> for Refusal {
    fn from(diagnostic: Diagnostic) -> Self {
        let status = match (diagnostic.code.as_str(), diagnostic.blame) {
            (
                "busy" | "turn-over" | "received" | "not-in-queue" | "unfinished" | "no-bundle"
                // Of an enrolment: another one of this key is here, or it comes too late.
                | "enrolled-already" | "phase-over",
                _,
            ) => StatusCode::CONFLICT,
            (ENROLMENTS_AN_HOUR, _) => StatusCode::TOO_MANY_REQUESTS,
            ("size", _) => StatusCode::PAYLOAD_TOO_LARGE,
            // The client's.
            ("clock", _) => StatusCode::UNPROCESSABLE_ENTITY,
            ("no-such-upload" | "no-such-file", _) => StatusCode::NOT_FOUND,
            (_, Blame::Artefact) => StatusCode::UNPROCESSABLE_ENTITY,
            (_, Blame::Environment) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self(status, Box::new(diagnostic))
    }
}

impl Refusal {
    fn new(status: StatusCode, code: &str, what: &str, hint: &str) -> Self {
        Self(status, Box::new(Diagnostic::environment(code, what).hint(hint)))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if self.0 == StatusCode::SERVICE_UNAVAILABLE {
            crate::log::failure("a request failed: ", &self.1);
        }
        let after = match (self.0, self.1.code.as_str()) {
            (StatusCode::TOO_MANY_REQUESTS, ENROLMENTS_AN_HOUR) => Some("60"),
            (StatusCode::TOO_MANY_REQUESTS, _) => Some("1"),
            _ => None,
        };
        let code = Code(self.1.code.clone());
        let mut response = (self.0, Json(Problem::from(*self.1))).into_response();
        response.extensions_mut().insert(code);
        if let Some(after) = after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(after));
        }
        response
    }
}

type Answer<T> = Result<T, Refusal>;

/// The API's description, which the service hands out as `/v1/openapi.json`.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "zk-ceremony",
        description = "A trusted setup for Groth16 over a network. Bodies are JSON; what is signed \
                       in them are DSSE envelopes. Uploads are tus 1.0.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(
        pages::dashboard, pages::events, healthz, readyz, ceremony, list, journal, file, challenge, open_session, join, standing, leave,
        give_back, upload::upload_options, upload::begin_upload, upload::upload_offset, upload::upload_part, upload::end_upload, complete,
        verdict, receipts, statement, approval, openapi
    ),
    modifiers(&Token)
)]
struct Api;

/// The header that a session's requests carry.
struct Token;

impl utoipa::Modify for Token {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
        let components = api.components.get_or_insert_default();
        components.add_security_scheme(
            "session",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        );
    }
}

/// The API's description, as JSON.
///
/// # Errors
/// Never, for what is compiled in.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&Api::openapi())
}

/// All addresses.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/", get(pages::dashboard))
        .route("/v1/events", get(pages::events))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/v1/openapi.json", get(openapi))
        .route("/v1/ceremony", get(ceremony))
        .route("/v1/files", get(list))
        .route("/v1/journal", get(journal))
        .route("/v1/files/{*name}", get(file))
        .route("/v1/challenges", post(challenge))
        .route("/v1/sessions", post(open_session))
        .route("/v1/queue", get(standing).post(join).delete(leave))
        .route("/v1/turn", delete(give_back))
        .route("/v1/turn/attestations", post(complete).layer(DefaultBodyLimit::max(MAX_BODY_BYTES)))
        .route("/v1/turn/verdict", get(verdict))
        .route("/v1/receipts", get(receipts))
        .route("/v1/uploads", post(upload::begin_upload).options(upload::upload_options))
        .route(
            "/v1/uploads/{id}",
            axum::routing::head(upload::upload_offset)
                .patch(upload::upload_part)
                .delete(upload::end_upload)
                .options(upload::upload_options),
        )
        .route("/v1/statements", post(statement))
        .route("/v1/approvals", post(approval))
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_this_way)
        .layer(DefaultBodyLimit::max(ENVELOPE_BODY))
        .layer(middleware::from_fn_with_state(app.clone(), limit))
        .layer(middleware::from_fn_with_state(app.clone(), finish))
        .with_state(app)
}

/// Refuses those who ask too often, before anything is read.
async fn limit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(Peer(peer)) = request.extensions().get::<Peer>().copied() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let path = request.uri().path();
    let is_health = matches!(path, "/healthz" | "/readyz");
    let address = match app.proxies.client(peer, request.headers()) {
        Some(address) => address,
        // The proxy itself asks whether the service is there.
        None if is_health => peer,
        None => {
            return Refusal::new(
                StatusCode::BAD_REQUEST,
                "forwarded",
                "the reverse proxy does not say whose request this is",
                "let it set X-Forwarded-For, and no other header of that kind",
            )
            .into_response();
        }
    };
    let holder = bearer(request.headers())
        .map(|token| app.core.state().sessions.holder(token, Instant::now()));
    let allowed = match holder {
        Some(Holder::Of(key)) => app.rates.signed(&key),
        _ if is_health => true,
        _ if matches!(path, "/v1/sessions" | "/v1/challenges") => app.rates.session(address),
        _ => app.rates.anybody(address),
    };
    if !allowed {
        return too_many("too-many-requests", "too many requests from here").into_response();
    }
    app.core.asked();
    let whose = match holder {
        Some(Holder::Of(key)) => Whose::Participant(key),
        _ => Whose::Network(network(address)),
    };
    request.extensions_mut().insert(whose);
    request.extensions_mut().insert(Client(address));
    if let Some(holder) = holder {
        request.extensions_mut().insert(holder);
    }
    next.run(request).await
}

fn too_many(code: &str, what: &str) -> Refusal {
    let hint = "wait for a second; the client does that by itself";
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, code, what, hint)
}

/// What every answer carries; and what it says about its client is noted.
async fn finish(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let span = tracing::debug_span!("request", route = trace::route(&path));
    let parent = request.headers().get(trace::TRACEPARENT).and_then(|it| it.to_str().ok());
    trace::adopt(&span, parent);
    let mut response = next.run(request).instrument(span).await;
    app.core.security.answered(&path, &response);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The participant whose session a request carries.
struct Signed(PublicKey);

impl FromRequestParts<App> for Signed {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Answer<Self> {
        let (code, what, hint) = match parts.extensions.get::<Holder>() {
            Some(Holder::Of(key)) => return Ok(Self(*key)),
            Some(Holder::Replaced) => (
                "session-replaced",
                "another client has opened a session with the same key",
                "run one client with a key",
            ),
            Some(Holder::Unknown) => (
                "session-unknown",
                "the session is not known: it ran out, or the service was started again",
                "open another one: the client does that by itself",
            ),
            None => {
                ("session-missing", "this needs a session", "open one: /v1/openapi.json says how")
            }
        };
        Err(Refusal::new(StatusCode::UNAUTHORIZED, code, what, hint))
    }
}

/// A JSON body, with our own words where it is none.
struct Body_<T>(T);

impl<T: serde::de::DeserializeOwned> FromRequest<App> for Body_<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Answer<Self> {
        let is_json = request.headers().get(header::CONTENT_TYPE).is_some_and(|it| {
            it.to_str().is_ok_and(|it| it.split(';').next() == Some("application/json"))
        });
        if !is_json {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "content-type",
                "the body is not declared as JSON",
                "send Content-Type: application/json",
            ));
        }
        let read = tokio::time::timeout(BODY_PAUSE, Bytes::from_request(request, app)).await;
        let bytes = match read {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(rejection)) => {
                let status = rejection.status();
                return Err(Refusal::new(
                    status,
                    "body",
                    "the body could not be read",
                    "send fewer bytes: /v1/openapi.json has the limits",
                ));
            }
            Err(_) => {
                return Err(Refusal::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "body",
                    "the body did not come in time",
                    "send it again",
                ));
            }
        };
        let parsed = zk_attest::json::parse(&bytes, MAX_BODY_BYTES, "body");
        parsed.map(Self).map_err(|refusal| {
            Refusal(StatusCode::BAD_REQUEST, Box::new(Diagnostic::from(&refusal)))
        })
    }
}

/// Runs what may wait for a disk on a thread for that.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Diagnostic> + Send + 'static,
) -> Answer<T> {
    let span = tracing::Span::current();
    match tokio::task::spawn_blocking(move || span.in_scope(work)).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the service failed",
            "tell the operator the time of this request",
        )),
    }
}

/// An answer that is held back until it is news, or the time is up.
struct Held {
    until: tokio::time::Instant,
    version: tokio::sync::watch::Receiver<u64>,
}

impl Held {
    fn new(app: &App, seconds: Option<u64>) -> Self {
        let wait = Duration::from_secs(seconds.unwrap_or_default().min(MAX_WAIT_SECONDS));
        let version = app.core.version.subscribe();
        Self { until: tokio::time::Instant::now() + wait, version }
    }

    /// Waits until the answer may be another one. False when the time is up.
    async fn again(&mut self, app: &App) -> bool {
        if tokio::time::Instant::now() >= self.until {
            return false;
        }
        let due = app.core.state().next_change(Instant::now());
        let due = due.map(tokio::time::Instant::from_std);
        let wake = due.map_or(self.until, |due| due.min(self.until));
        tokio::select! {
            _ = self.version.changed() => {}
            () = tokio::time::sleep_until(wake) => {}
        }
        true
    }
}

/// A participant who waits for an answer. Ends with the request, and so with its link.
struct Here(App, PublicKey);

impl Here {
    fn new(app: &App, key: PublicKey) -> Self {
        app.core.state().poll_begins(&key);
        Self(app.clone(), key)
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.0.core.state().poll_ends(&self.1);
    }
}

/// How long to hold an answer back.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wait {
    wait: Option<u64>,
}

/// Which change to wait for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    after: Option<u64>,
    wait: Option<u64>,
}

/// A query string, with our own words where it is none of ours.
struct Asked<T>(T);

impl<T: serde::de::DeserializeOwned> FromRequestParts<App> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        let query = Query::<T>::from_request_parts(parts, app).await;
        query.map(|Query(it)| Self(it)).map_err(|_| {
            Refusal::new(
                StatusCode::BAD_REQUEST,
                "query",
                "the query is not understood",
                "/v1/openapi.json lists what can be asked",
            )
        })
    }
}

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = String)))]
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the service can hold turns.
#[utoipa::path(
    get, path = "/readyz",
    responses((status = 200, body = String), (status = 503, body = Problem))
)]
async fn readyz(State(app): State<App>) -> Response {
    match app.core.state().view.withheld {
        None => "ok\n".into_response(),
        Some(_) => Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "withheld",
            "no file of the ceremony is handed out",
            "the operator finds the reason in the service's log",
        )
        .into_response(),
    }
}

/// This description.
#[utoipa::path(get, path = "/v1/openapi.json", responses((status = 200, body = Object)))]
async fn openapi() -> Response {
    Json(Api::openapi()).into_response()
}

/// What is so now; with `after` and `wait`, what is so after the next change.
#[utoipa::path(
    get, path = "/v1/ceremony",
    params(
        ("after" = Option<u64>, Query, description = "A version that is known already"),
        ("wait" = Option<u64>, Query, description = "Seconds: 25, if it is more"),
    ),
    responses(
        (status = 200, body = CeremonyInfo), (status = 400, body = Problem),
        (status = 429, body = Problem)
    )
)]
async fn ceremony(
    State(app): State<App>,
    Asked(After { after, wait }): Asked<After>,
) -> Answer<Json<CeremonyInfo>> {
    let mut held = Held::new(&app, after.and(wait));
    loop {
        let info = app.core.info();
        if after != Some(info.version) || !held.again(&app).await {
            return Ok(Json(info));
        }
    }
}

/// The public files.
#[utoipa::path(
    get, path = "/v1/files",
    responses((status = 200, body = FileList), (status = 429, body = Problem))
)]
async fn list(State(app): State<App>) -> Json<FileList> {
    let view = app.core.state().view.clone();
    Json(FileList { files: view.files.values().cloned().collect() })
}

/// Which entries of the journal are asked for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FromEntry {
    from: Option<u64>,
}

/// Entries of the journal, from one on.
#[utoipa::path(
    get, path = "/v1/journal",
    params(("from" = Option<u64>, Query, description = "The first entry's number")),
    responses(
        (status = 200, body = JournalPart), (status = 400, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)
    )
)]
async fn journal(
    State(app): State<App>,
    Asked(FromEntry { from }): Asked<FromEntry>,
) -> Answer<Json<JournalPart>> {
    let core = app.core.clone();
    Ok(Json(blocking(move || core.journal(from.unwrap_or_default())).await?))
}

/// Whether a file is asked for here, wherever else it is.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Directly {
    direct: Option<bool>,
}

/// A public file; `ETag` is its SHA-256. A redirect leads to the same file where it is published.
#[utoipa::path(
    get, path = "/v1/files/{name}",
    params(
        ("name" = String, Path, description = "As `/v1/files` lists it"),
        ("direct" = Option<bool>, Query, description = "Without being sent elsewhere"),
        ("range" = Option<String>, Header, description = "One part"),
        ("if-range" = Option<String>, Header, description = "The part's file"),
    ),
    responses(
        (status = 200, content(
            (String = "application/octet-stream"), (String = "application/json"),
            (String = "text/plain"), (String = "text/html")
        )),
        (status = 206, content(
            (String = "application/octet-stream"), (String = "application/json"),
            (String = "text/plain"), (String = "text/html")
        )),
        (status = 304), (status = 307), (status = 400, body = Problem),
        (status = 404, body = Problem), (status = 416), (status = 429, body = Problem), (status = 503, body = Problem)
    )
)]
async fn file(
    State(app): State<App>,
    Extension(whose): Extension<Whose>,
    Asked(Directly { direct }): Asked<Directly>,
    method: Method,
    headers: HeaderMap,
    name: Result<Path<String>, axum::extract::rejection::PathRejection>,
) -> Answer<Response> {
    let view = app.core.state().view.clone();
    // Only what the list has can be asked for, letter by letter.
    let known = name.ok().and_then(|Path(name)| view.files.get(&name).cloned());
    let Some(file) = known else {
        return Err(Diagnostic::environment(
            "no-such-file",
            "the ceremony has no such public file",
        )
        .hint("/v1/files lists all of them")
        .into());
    };
    let elsewhere = app
        .core
        .options
        .elsewhere
        .as_ref()
        .filter(|_| method == Method::GET && direct != Some(true));
    if let Some(url) = elsewhere.and_then(|elsewhere| elsewhere.location(&file)) {
        return Ok(Redirect::temporary(url.as_str()).into_response());
    }
    let Some(counted) = app.downloads.admit(whose) else {
        return Err(too_many("too-many-downloads", "too many files are being fetched from here"));
    };
    let response = blocking(move || {
        let folder = &view.ceremony.folder;
        files::respond(&method, &headers, &file, || {
            Ok((folder.open(&folder.root().join(&file.name))?, counted))
        })
    });
    response.await
}

/// A challenge, to be signed for a session.
#[utoipa::path(
    post, path = "/v1/challenges",
    responses(
        (status = 200, body = Challenge), (status = 429, body = Problem),
        (status = 503, body = Problem)
    )
)]
async fn challenge(State(app): State<App>) -> Answer<Json<Challenge>> {
    let nonce = app.core.state().sessions.challenge(Instant::now()).map_err(|error| {
        Diagnostic::environment("no-randomness", format_args!("no randomness: {error}"))
    })?;
    Ok(Json(Challenge { nonce, expires: CHALLENGE_TIME.as_secs() }))
}

/// A session for the key that signed a challenge.
#[utoipa::path(
    post, path = "/v1/sessions", request_body = SessionRequest,
    responses(
        (status = 200, body = Session), (status = 400, body = Problem),
        (status = 408, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)
    )
)]
async fn open_session(
    State(app): State<App>,
    Body_(request): Body_<SessionRequest>,
) -> Answer<Json<Session>> {
    let core = app.core.clone();
    let (token, participant) = blocking(move || core.open_session(&request.envelope)).await?;
    Ok(Json(Session {
        token: token.to_string(),
        expires: SESSION_TIME.as_secs(),
        participant: participant.to_string(),
    }))
}

/// Enters the queue.
#[utoipa::path(
    post, path = "/v1/queue", request_body = QueueRequest, security(("session" = [])),
    responses(
        (status = 200, body = QueueAnswer), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 408, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem)
    )
)]
async fn join(
    State(app): State<App>,
    Signed(key): Signed,
    Body_(request): Body_<QueueRequest>,
) -> Answer<Json<QueueAnswer>> {
    let core = app.core.clone();
    let ticket = blocking(move || core.join(&key, request.ticket.as_ref())).await?;
    Ok(Json(QueueAnswer { ticket }))
}

/// Where the participant stands; grants the turn when it is theirs.
#[utoipa::path(
    get, path = "/v1/queue", security(("session" = [])),
    params(("wait" = Option<u64>, Query, description = "Seconds, 25 at most")),
    responses(
        (status = 200, body = Standing), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem)
    )
)]
async fn standing(
    State(app): State<App>,
    Signed(key): Signed,
    Asked(Wait { wait }): Asked<Wait>,
) -> Answer<Json<Standing>> {
    let _here = Here::new(&app, key);
    let mut first: Option<(usize, String)> = None;
    let mut held = Held::new(&app, wait);
    loop {
        let core = app.core.clone();
        let standing = blocking(move || core.standing(&key)).await?;
        // A place that is another one than at first is news.
        let is_news = match &standing {
            Standing::Waiting { ahead, reason, .. } => {
                let now = (*ahead, reason.clone());
                first.get_or_insert_with(|| now.clone()) != &now
            }
            _ => true,
        };
        if is_news || !held.again(&app).await {
            return Ok(Json(standing));
        }
    }
}

/// Leaves the queue, and gives the turn back.
#[utoipa::path(
    delete, path = "/v1/queue", security(("session" = [])),
    responses(
        (status = 204), (status = 401, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem)
    )
)]
async fn leave(State(app): State<App>, Signed(key): Signed) -> Answer<StatusCode> {
    let core = app.core.clone();
    blocking(move || core.leave(&key)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives the turn back, and keeps the place in the queue.
#[utoipa::path(
    delete, path = "/v1/turn", security(("session" = [])),
    responses(
        (status = 204), (status = 401, body = Problem), (status = 409, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)
    )
)]
async fn give_back(State(app): State<App>, Signed(key): Signed) -> Answer<StatusCode> {
    let core = app.core.clone();
    if blocking(move || core.give_back(&key)).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Diagnostic::environment("turn-over", "you have no turn that could be given back")
        .hint("ask where you stand")
        .into())
}

/// Everything of the turn was uploaded; here is what is signed of it.
#[utoipa::path(
    post, path = "/v1/turn/attestations", request_body = Completion, security(("session" = [])),
    responses(
        (status = 202, body = Verdict), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 408, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem)
    )
)]
async fn complete(
    State(app): State<App>,
    Signed(key): Signed,
    Body_(completion): Body_<Completion>,
) -> Answer<Response> {
    let core = app.core.clone();
    blocking(move || core.complete(&key, &completion)).await?;
    Ok((StatusCode::ACCEPTED, Json(Verdict::Verifying)).into_response())
}

/// What became of the participant's last turn.
#[utoipa::path(
    get, path = "/v1/turn/verdict", security(("session" = [])),
    params(("wait" = Option<u64>, Query, description = "Seconds, 25 at most")),
    responses(
        (status = 200, body = Verdict), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 429, body = Problem)
    )
)]
async fn verdict(
    State(app): State<App>,
    Signed(key): Signed,
    Asked(Wait { wait }): Asked<Wait>,
) -> Answer<Json<Verdict>> {
    let mut held = Held::new(&app, wait);
    let verdict = loop {
        let verdict = app.core.verdict(&key);
        if !matches!(verdict, Some(Verdict::Verifying)) || !held.again(&app).await {
            break verdict;
        }
    };
    verdict.map(Json).ok_or_else(|| {
        Refusal::new(
            StatusCode::NOT_FOUND,
            "no-verdict",
            "there is no verdict on a turn of yours",
            "ask for your receipts, or where you stand",
        )
    })
}

/// Receipts of everything of the participant that is in the ceremony.
#[utoipa::path(
    get, path = "/v1/receipts", security(("session" = [])),
    responses(
        (status = 200, body = Receipts), (status = 401, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)
    )
)]
async fn receipts(State(app): State<App>, Signed(key): Signed) -> Answer<Json<Receipts>> {
    let core = app.core.clone();
    let receipts = blocking(move || core.receipts(&key)).await?;
    Ok(Json(Receipts { receipts }))
}

/// Waits until nobody else reads or writes the folder's documents, if few wait already.
async fn one_at_a_time(app: &App, whose: Whose) -> Answer<impl Send + 'static> {
    let Some(counted) = app.statements.admit(whose) else {
        return Err(too_many("too-many-statements", "too many statements are being taken in"));
    };
    Ok((app.heavy.clone().acquire_owned().await, counted))
}

/// Keeps the signed result of an audit.
#[utoipa::path(
    post, path = "/v1/statements", request_body = StatementRequest,
    responses(
        (status = 204), (status = 400, body = Problem), (status = 408, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem)
    )
)]
async fn statement(
    State(app): State<App>,
    Extension(whose): Extension<Whose>,
    Extension(Client(address)): Extension<Client>,
    Body_(request): Body_<StatementRequest>,
) -> Answer<StatusCode> {
    let one = one_at_a_time(&app, whose).await?;
    let (core, rates) = (app.core.clone(), app.rates.clone());
    let work = move || {
        // A client that disconnects leaves the permit taken until this is done.
        let _one = one;
        core.take_statement(&request.envelope, || {
            if rates.enrolment(address) {
                return Ok(());
            }
            let what = "too many people have asked to take part from here in this hour";
            Err(Diagnostic::environment(ENROLMENTS_AN_HOUR, what)
                .hint("the client asks again by itself; or ask the coordinator"))
        })
    };
    blocking(work).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds a signature to the bundle.
#[utoipa::path(
    post, path = "/v1/approvals", request_body = Approval,
    responses(
        (status = 204), (status = 400, body = Problem), (status = 408, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem)
    )
)]
async fn approval(
    State(app): State<App>,
    Extension(whose): Extension<Whose>,
    Body_(approval): Body_<Approval>,
) -> Answer<StatusCode> {
    let key = PublicKey::from_hex(&approval.key).map_err(|it| Diagnostic::from(&it))?;
    let signature = zk_attest::digest::from_hex(&approval.signature, "signature")
        .map_err(|it| Diagnostic::from(&it))?;
    let one = one_at_a_time(&app, whose).await?;
    let core = app.core.clone();
    let work = move || {
        let _one = one;
        core.approve(&key, &signature)
    };
    blocking(work).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn nothing_here() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "no-such-address",
        "there is nothing here",
        "/v1/openapi.json lists what there is",
    )
}

async fn not_this_way() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "this address does not take this method",
        "/v1/openapi.json lists what there is",
    )
}
