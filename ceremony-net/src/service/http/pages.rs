//! For people with a browser: the dashboard, and what it is told of changes.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::super::dashboard::{POLICY, stream};
use super::super::limits::LISTENING;
use super::{Answer, App, Asked, Refusal, Whose, too_many};
use crate::protocol::{PageEvent, Problem};

/// The header that browsers repeat an event's id in.
const LAST_EVENT: &str = "last-event-id";
/// Bytes of what a browser has seen at most: more than the fingerprints of any page's sections.
const MAX_SEEN: usize = 1024;

/// The ceremony as a page.
#[utoipa::path(
    get, path = "/",
    responses(
        (status = 200, content((String = "text/html"))),
        (status = 429, body = Problem), (status = 500, body = Problem)
    )
)]
pub(super) async fn dashboard(State(app): State<App>) -> Answer<Response> {
    let Some(rendered) = app.dashboard.current(&app.core).await else {
        return Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the page could not be made",
            "tell the operator the time of this request; /v1/ceremony has the same facts",
        ));
    };
    let mut response = Body::from(rendered.page.clone()).into_response();
    let headers = response.headers_mut();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, html);
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// What a browser has seen, and how long it listens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listening {
    seen: Option<String>,
    wait: Option<u64>,
}

/// Sections of the dashboard as they change: server-sent events.
#[utoipa::path(
    get, path = "/v1/events",
    params(
        ("seen" = Option<String>, Query,
            description = "The id of the last event; `data-seen` of the page"),
        ("last-event-id" = Option<String>, Header, description = "The same, as browsers send it"),
        ("wait" = Option<u64>, Query, description = "Seconds: 3600, if it is more or missing"),
    ),
    responses(
        (status = 200, content((PageEvent = "text/event-stream"))),
        (status = 400, body = Problem), (status = 429, body = Problem)
    )
)]
pub(super) async fn events(
    State(app): State<App>,
    Extension(whose): Extension<Whose>,
    headers: HeaderMap,
    Asked(Listening { seen, wait }): Asked<Listening>,
) -> Answer<Response> {
    let repeated = headers.get(LAST_EVENT).and_then(|it| it.to_str().ok());
    let mut seen = repeated.map(str::to_owned).or(seen).unwrap_or_default();
    if seen.len() > MAX_SEEN {
        seen = String::new();
    }
    let Some(counted) = app.listeners.admit(whose) else {
        let what = "too many browsers are told of changes from here";
        return Err(too_many("too-many-listeners", what));
    };
    let lasts = wait.map_or(LISTENING, |wait| Duration::from_secs(wait).min(LISTENING));
    let App { core, dashboard, stopped, .. } = app;
    let body = Body::from_stream(stream(core, dashboard, stopped, seen, lasts, counted));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // nginx hands events on only when it is told not to collect them.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}
