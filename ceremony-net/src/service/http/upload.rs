//! Uploads: tus 1.0 with creation, checksum and termination.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use http_body_util::BodyExt as _;
use sha2::{Digest as _, Sha256};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::primitives::CircuitName;

use super::super::core::Core;
use super::super::limits::BODY_PAUSE;
use super::super::uploads;
use super::{Answer, App, Refusal, Signed, blocking};
use crate::protocol::{MAX_PATCH_BYTES, Problem, TUS_EXTENSIONS, TUS_VERSION, tus};

/// What the upload protocol can do here.
#[utoipa::path(
    options, path = "/v1/uploads", responses((status = 204), (status = 429, body = Problem))
)]
pub(super) async fn upload_options() -> Response {
    let headers = [
        (tus::RESUMABLE, TUS_VERSION.to_owned()),
        (tus::VERSION, TUS_VERSION.to_owned()),
        (tus::EXTENSION, TUS_EXTENSIONS.to_owned()),
        (tus::MAX_SIZE, u64::MAX.to_string()),
        (tus::CHECKSUM_ALGORITHM, "sha256".to_owned()),
    ];
    (StatusCode::NO_CONTENT, headers.map(|(name, value)| (name, value))).into_response()
}

/// Refuses a client of another version of tus.
fn ensure_tus(headers: &HeaderMap) -> Answer<()> {
    if headers.get(tus::RESUMABLE).is_some_and(|version| version == TUS_VERSION) {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::PRECONDITION_FAILED,
        "tus-version",
        "uploads need the header Tus-Resumable: 1.0.0",
        "use a client of tus 1.0",
    ))
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    let text = headers.get(name)?.to_str().ok()?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn bad_header(name: &str) -> Refusal {
    Refusal(
        StatusCode::BAD_REQUEST,
        Box::new(
            Diagnostic::environment(
                "header",
                format_args!("the header {name} is missing or wrong"),
            )
            .hint("/v1/openapi.json says what it has"),
        ),
    )
}

/// A value of `Upload-Metadata`: names and base64 values, separated by commas.
fn metadata(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(tus::METADATA)?.to_str().ok()?;
    text.split(',').find_map(|pair| {
        let (found, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        let bytes = base64::engine::general_purpose::STANDARD.decode(value.trim()).ok()?;
        (found == name).then(|| String::from_utf8(bytes).ok()).flatten()
    })
}

/// Begins an upload for a chain of the turn.
#[utoipa::path(
    post, path = "/v1/uploads", security(("session" = [])),
    params(
        ("tus-resumable" = String, Header, description = "1.0.0"),
        ("upload-length" = u64, Header, description = "Bytes of the data file"),
        ("upload-metadata" = String, Header,
            description = "`turn`, and in phase 2 `circuit`, with base64 values"),
    ),
    responses(
        (status = 201), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem),
        (status = 413, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)
    )
)]
pub(super) async fn begin_upload(
    State(app): State<App>,
    Signed(key): Signed,
    headers: HeaderMap,
) -> Answer<Response> {
    ensure_tus(&headers)?;
    let length = number(&headers, tus::LENGTH).ok_or_else(|| bad_header("Upload-Length"))?;
    let turn = metadata(&headers, "turn").ok_or_else(|| bad_header("Upload-Metadata"))?;
    let circuit = metadata(&headers, "circuit")
        .map(|name| CircuitName::new(&name).map_err(|_| bad_header("Upload-Metadata")))
        .transpose()?;
    let core = app.core.clone();
    let begun = blocking(move || core.begin_upload(&key, &turn, circuit.as_ref(), length));
    let id = begun.await?;
    let headers = [
        (header::LOCATION.as_str(), format!("/v1/uploads/{id}")),
        (tus::RESUMABLE, TUS_VERSION.to_owned()),
        (tus::OFFSET, "0".to_owned()),
    ];
    Ok((StatusCode::CREATED, headers).into_response())
}

fn no_such_upload() -> Refusal {
    Diagnostic::environment(
        "no-such-upload",
        "you have no such upload: its turn is over, or it \
                             is someone else's",
    )
    .hint("begin it again, if you still have the turn")
    .into()
}

/// How many bytes of an upload came.
#[utoipa::path(
    head, path = "/v1/uploads/{id}", security(("session" = [])),
    params(("id" = String, Path), ("tus-resumable" = String, Header, description = "1.0.0")),
    responses((status = 200), (status = 401), (status = 404), (status = 412), (status = 429))
)]
pub(super) async fn upload_offset(
    State(app): State<App>,
    Signed(key): Signed,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Answer<Response> {
    ensure_tus(&headers)?;
    let state = app.core.state();
    let upload = state.upload_of(&key, &id).ok_or_else(no_such_upload)?;
    let headers = [
        (tus::RESUMABLE, TUS_VERSION.to_owned()),
        (tus::OFFSET, upload.offset.to_string()),
        (tus::LENGTH, upload.length.to_string()),
        (header::CACHE_CONTROL.as_str(), "no-store".to_owned()),
    ];
    Ok((StatusCode::OK, headers).into_response())
}

/// A request that writes to an upload. Whatever ends it, the upload can be written to again, from
/// where this one came to.
///
/// The thread that writes has a share in it, so that nobody else writes before that thread is done.
struct Part {
    core: Arc<Core>,
    id: String,
    begun: u64,
    written: AtomicU64,
    /// Only whole parts whose checksum fits count.
    keep: AtomicBool,
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut state = self.core.state();
        if let Some(upload) = state.uploads.get_mut(&self.id) {
            let written = self.written.load(Ordering::Relaxed);
            upload.busy = false;
            upload.offset =
                self.begun + if self.keep.load(Ordering::Relaxed) { written } else { 0 };
        }
        state.note_upload(&self.core.state_folder, &self.id);
    }
}

/// The next bytes of an upload.
#[utoipa::path(
    patch, path = "/v1/uploads/{id}", security(("session" = [])),
    params(
        ("id" = String, Path),
        ("tus-resumable" = String, Header, description = "1.0.0"),
        ("upload-offset" = u64, Header, description = "Where they begin"),
        ("upload-checksum" = Option<String>, Header, description = "`sha256 BASE64` of the body"),
    ),
    request_body(content = String, content_type = "application/offset+octet-stream"),
    responses(
        (status = 204), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 429, body = Problem), (status = 460, body = Problem),
        (status = 503, body = Problem)
    )
)]
pub(super) async fn upload_part(
    State(app): State<App>,
    Signed(key): Signed,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Response> {
    ensure_tus(&headers)?;
    let is_part = headers.get(header::CONTENT_TYPE).is_some_and(|it| it == tus::PART);
    if !is_part {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content-type",
            "a part of an upload has another type",
            "send Content-Type: application/offset+octet-stream",
        ));
    }
    let offset = number(&headers, tus::OFFSET).ok_or_else(|| bad_header("Upload-Offset"))?;
    let checksum = checksum(&headers)?;
    let (path, length) = {
        let mut state = app.core.state();
        state.upload_of(&key, &id).ok_or_else(no_such_upload)?;
        state.ensure_not_received()?;
        let Some(upload) = state.uploads.get_mut(&id) else { return Err(no_such_upload()) };
        if upload.busy {
            return Err(Diagnostic::environment("busy", "another request writes to this upload")
                .hint("wait until it ends")
                .into());
        }
        if upload.offset != offset {
            return Err(Refusal(
                StatusCode::CONFLICT,
                Box::new(
                    Diagnostic::environment("offset", "the upload goes on elsewhere")
                        .found(offset)
                        .expected(upload.offset)
                        .hint("ask for the offset with HEAD"),
                ),
            ));
        }
        upload.busy = true;
        (upload.path.clone(), upload.length)
    };
    let part = Arc::new(Part {
        core: app.core.clone(),
        id,
        begun: offset,
        written: AtomicU64::new(0),
        keep: AtomicBool::new(checksum.is_none()),
    });
    let failed = |error: std::io::Error| {
        Refusal::from(Diagnostic::environment(
            "writing",
            format_args!("writing the upload failed: {error}"),
        ))
    };
    let share = part.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let _share = share;
        uploads::open_at(&path, offset)
    });
    let opened = opened.await;
    let mut file = opened.map_err(std::io::Error::other).and_then(|it| it).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut body = body;
    let most = (length - offset).min(MAX_PATCH_BYTES);
    let too_late = || {
        Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "body",
            "no more bytes came for a while",
            "ask for the offset and send the rest",
        )
    };
    loop {
        let frame = tokio::time::timeout(BODY_PAUSE, body.frame()).await;
        let Some(frame) = frame.map_err(|_| too_late())? else { break };
        let frame = frame.map_err(|_| {
            Refusal::new(
                StatusCode::BAD_REQUEST,
                "body",
                "the body broke off",
                "ask for the offset and send the rest",
            )
        })?;
        let Ok(bytes) = frame.into_data() else { continue };
        if part.written.load(Ordering::Relaxed) + bytes.len() as u64 > most {
            part.keep.store(false, Ordering::Relaxed);
            return Err(Refusal(
                StatusCode::PAYLOAD_TOO_LARGE,
                Box::new(
                    Diagnostic::artefact("size", "more bytes than the upload or a request has")
                        .expected(format_args!("at most {most} bytes in this request"))
                        .hint("send the rest with the next request"),
                ),
            ));
        }
        hash.update(&bytes);
        let count = bytes.len() as u64;
        let share = part.clone();
        let written = tokio::task::spawn_blocking(move || {
            let file = uploads::write(file, &bytes)?;
            share.written.fetch_add(count, Ordering::Relaxed);
            Ok::<_, std::io::Error>(file)
        });
        let written = written.await;
        file = written.map_err(std::io::Error::other).and_then(|it| it).map_err(failed)?;
    }
    if let Some(expected) = checksum {
        if <[u8; 32]>::from(hash.finalize()) != expected {
            return Err(Refusal(
                StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST),
                Box::new(
                    Diagnostic::artefact("checksum", "the part was changed on the way")
                        .hint("send it again"),
                ),
            ));
        }
        part.keep.store(true, Ordering::Relaxed);
    }
    let end = offset + part.written.load(Ordering::Relaxed);
    if end == length {
        let synced = tokio::task::spawn_blocking(move || file.sync_all()).await;
        synced.map_err(std::io::Error::other).and_then(|it| it).map_err(failed)?;
    }
    drop(part);
    let headers = [(tus::RESUMABLE, TUS_VERSION.to_owned()), (tus::OFFSET, end.to_string())];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

fn checksum(headers: &HeaderMap) -> Answer<Option<[u8; 32]>> {
    let Some(value) = headers.get(tus::CHECKSUM) else { return Ok(None) };
    let parsed = value.to_str().ok().and_then(|it| it.split_once(' ')).and_then(|(name, text)| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
        (name == "sha256").then(|| bytes.try_into().ok()).flatten()
    });
    parsed.map(Some).ok_or_else(|| bad_header("Upload-Checksum"))
}

/// Ends an upload, which is removed.
#[utoipa::path(
    delete, path = "/v1/uploads/{id}", security(("session" = [])),
    params(("id" = String, Path), ("tus-resumable" = String, Header, description = "1.0.0")),
    responses(
        (status = 204), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem),
        (status = 429, body = Problem)
    )
)]
pub(super) async fn end_upload(
    State(app): State<App>,
    Signed(key): Signed,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Answer<Response> {
    ensure_tus(&headers)?;
    let mut state = app.core.state();
    let upload = state.upload_of(&key, &id).ok_or_else(no_such_upload)?;
    state.ensure_not_received()?;
    if upload.busy {
        return Err(Diagnostic::environment("busy", "a request writes to this upload")
            .hint("wait until it ends")
            .into());
    }
    if let Some(upload) = state.uploads.remove(&id) {
        upload.remove(&app.core.state_folder);
    }
    Ok((StatusCode::NO_CONTENT, [(tus::RESUMABLE, TUS_VERSION)]).into_response())
}
