//! A service that verifies proofs for others: `POST /v1/proofs`, many at once.
//!
//! It holds no secret and signs nothing: whoever needs to believe an answer asks several, or
//! verifies for themselves. Every request is bounded in bytes, proofs and time, and one batch is
//! computed at a time for each processor, so that nobody's proofs keep others' from being verified.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use ceremony_core::format::proof::read_claims;
use ceremony_core::proofs::{Claim, ProofVerifier};
use ceremony_folder::explained;
use serde::Serialize;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use zk_attest::diagnostic::Diagnostic;

use crate::metrics::{Step, families};
use crate::protocol::Problem;
use crate::service::{Kind, Listener, Room, Security, bare};

/// Proofs of a request at most.
pub const MAX_PROOFS: usize = 1024;
/// Bytes of a request at most: so many proofs of 800 bytes, with a few inputs each.
const MAX_REQUEST: usize = 4 << 20;
/// How long a request may take to come.
const BODY_TIME: Duration = Duration::from_secs(30);
/// How long it may wait for a processor.
const WAIT: Duration = Duration::from_secs(10);

/// What is said of a proof.
const RESULTS: [&str; 2] = ["invalid", "valid"];

/// What the answers are about.
#[derive(Clone, Debug, Serialize)]
pub struct Identity {
    /// The ceremony.
    pub ceremony: String,
    /// The circuit.
    pub circuit: String,
    /// SHA-256 of the bundle's signed statement.
    pub statement_sha256: String,
    /// SHA-256 of the key.
    pub vk_sha256: String,
}

#[derive(Serialize)]
struct Answers<'a> {
    #[serde(flatten)]
    identity: &'a Identity,
    /// Whether each proof holds, in the order of the request.
    answers: Vec<bool>,
}

struct Shared {
    verifier: ProofVerifier,
    identity: Identity,
    processors: Semaphore,
    security: Arc<Security>,
}

/// A service that listens, until it is stopped.
#[derive(Debug)]
pub struct ProofService {
    runtime: Runtime,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl ProofService {
    /// Listens.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn start(
        verifier: ProofVerifier,
        identity: Identity,
        address: SocketAddr,
    ) -> Result<Self, Diagnostic> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        for result in RESULTS {
            metrics::counter!(families::PROOFS, "result" => result).increment(0);
        }
        let security = Arc::new(Security::of(Listener::Api));
        security.begin(Kind::ALL);
        let shared = Arc::new(Shared {
            verifier,
            identity,
            processors: Semaphore::new(processors),
            security: security.clone(),
        });
        let router = Router::new()
            .route("/v1/proofs", post(verify))
            .route("/healthz", get(|| async { "ok\n" }))
            .layer(DefaultBodyLimit::max(MAX_REQUEST))
            .with_state(shared);
        let failed = |error: std::io::Error| {
            Diagnostic::environment("runtime", format_args!("starting threads failed: {error}"))
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .max_blocking_threads(processors)
            .thread_name("proofs")
            .build()
            .map_err(failed)?;
        let (stop, stopped) = watch::channel(false);
        let (address, server) =
            runtime.block_on(bare(router, address, Room::SERVICE, security, stopped))?;
        Ok(Self { runtime, address, stop, server })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it, when the requests that are open have their answers.
    pub fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.runtime.block_on(self.server);
    }
}

struct Refused(StatusCode, Box<Diagnostic>);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(Problem::from(*self.1))).into_response()
    }
}

async fn verify(
    State(shared): State<Arc<Shared>>,
    request: axum::extract::Request,
) -> Result<Response, Refused> {
    let late = || {
        let what = Diagnostic::environment("time", "the request did not come in time");
        Refused(StatusCode::REQUEST_TIMEOUT, Box::new(what))
    };
    let body =
        tokio::time::timeout(BODY_TIME, axum::body::to_bytes(request.into_body(), MAX_REQUEST))
            .await
            .map_err(|_| {
                shared.security.note(Kind::SlowBody);
                late()
            })?
            .map_err(|_| {
                shared.security.note(Kind::Oversize);
                let what = Diagnostic::artefact("too-large", "the request is too large")
                    .expected(format_args!("at most {MAX_REQUEST} bytes"));
                Refused(StatusCode::PAYLOAD_TOO_LARGE, Box::new(what))
            })?;
    let permit = tokio::time::timeout(WAIT, shared.processors.acquire()).await;
    let Ok(Ok(_permit)) = permit else {
        shared.security.note(Kind::RateLimit);
        let what = Diagnostic::environment("busy", "every processor verifies other proofs")
            .hint("send the request again");
        return Err(Refused(StatusCode::SERVICE_UNAVAILABLE, Box::new(what)));
    };
    let work = shared.clone();
    let answers = tokio::task::spawn_blocking(move || answer(&work.verifier, &body)).await;
    match answers {
        Ok(Ok(answers)) => {
            Ok(Json(Answers { identity: &shared.identity, answers }).into_response())
        }
        Ok(Err(refused)) => {
            shared.security.note(Kind::Malformed);
            Err(Refused(StatusCode::UNPROCESSABLE_ENTITY, Box::new(refused)))
        }
        Err(_) => {
            shared.security.note(Kind::Internal);
            let what = Diagnostic::environment("internal", "verifying broke off");
            Err(Refused(StatusCode::INTERNAL_SERVER_ERROR, Box::new(what)))
        }
    }
}

fn answer(verifier: &ProofVerifier, body: &Bytes) -> Result<Vec<bool>, Diagnostic> {
    let claims = read_claims(body).map_err(|error| explained(&error))?;
    if claims.len() > MAX_PROOFS {
        return Err(Diagnostic::artefact("too-many", "the request has too many proofs")
            .found(claims.len())
            .expected(format_args!("at most {MAX_PROOFS}")));
    }
    let claims: Vec<Claim> =
        claims.into_iter().map(|(proof, inputs)| Claim { proof, inputs }).collect();
    let begun = Instant::now();
    let bad = verifier.verify_batch(&claims).map_err(|error| explained(&error))?;
    Step::Proofs.took(begun.elapsed(), body.len() as u64);
    Step::Proofs.points().increment(claims.len() as u64);
    let mut answers = vec![true; claims.len()];
    for i in bad {
        answers[i] = false;
    }
    for holds in &answers {
        metrics::counter!(families::PROOFS, "result" => RESULTS[usize::from(*holds)]).increment(1);
    }
    Ok(answers)
}
