//! Handing out files: whole or in part, each under its SHA-256.

use std::io::{Read as _, Seek as _, SeekFrom};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use ceremony_folder::archive_set::is_data;
use ceremony_folder::store::Input;
use zk_attest::diagnostic::Diagnostic;

use super::limits::PIECE;
use crate::protocol::FileInfo;

/// The one page among the files, and what a browser may do for it: it brings its own style sheet,
/// and nothing else.
const REPORT: &str = "report.html";
const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                             form-action 'none'; frame-ancestors 'none'";

/// What of a file is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    /// First byte, and one past the last.
    Part(u64, u64),
    /// No byte of the file.
    Nothing,
}

/// A `Range` of one part; anything else asks for the whole file.
fn asked(range: Option<&str>, size: u64) -> Asked {
    let Some(range) = range.and_then(|range| range.strip_prefix("bytes=")) else {
        return Asked::Whole;
    };
    let digits = |text: &str| {
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<u64>().ok()).flatten()
    };
    let Some((first, last)) = range.split_once('-') else { return Asked::Whole };
    match (digits(first), digits(last)) {
        (None, Some(count)) if first.is_empty() => {
            if count == 0 || size == 0 {
                Asked::Nothing
            } else {
                Asked::Part(size.saturating_sub(count), size)
            }
        }
        (Some(first), _) if first >= size => Asked::Nothing,
        (Some(first), None) if last.is_empty() => Asked::Part(first, size),
        (Some(first), Some(last)) if first <= last => {
            Asked::Part(first, size.min(last.saturating_add(1)))
        }
        _ => Asked::Whole,
    }
}

/// The answer to a request for a file. `open` is called only if bytes are sent; what comes with the
/// file is kept as long as it is open.
pub(crate) fn respond<T: Send + 'static>(
    method: &Method,
    headers: &HeaderMap,
    file: &FileInfo,
    open: impl FnOnce() -> Result<(Input, T), Diagnostic>,
) -> Result<Response, Diagnostic> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|it| it.to_str().ok());
    let tag = format!("\"{}\"", file.sha256);
    let known = text(header::IF_NONE_MATCH)
        .is_some_and(|tags| tags.split(',').any(|it| it.trim() == tag || it.trim() == "*"));
    if known {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        set(response.headers_mut(), header::ETAG, &tag);
        return Ok(response);
    }
    // A part of another file would be worth nothing.
    let same = text(header::IF_RANGE).is_none_or(|it| it == tag);
    let asked = if same { asked(text(header::RANGE), file.size) } else { Asked::Whole };
    let (status, first, end) = match asked {
        Asked::Whole => (StatusCode::OK, 0, file.size),
        Asked::Part(first, end) => (StatusCode::PARTIAL_CONTENT, first, end),
        Asked::Nothing => {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            let range = format!("bytes */{}", file.size);
            set(response.headers_mut(), header::CONTENT_RANGE, &range);
            return Ok(response);
        }
    };
    let body = if method == Method::HEAD { Body::empty() } else { body(open()?, first, end)? };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    set(headers, header::ETAG, &tag);
    set(headers, header::ACCEPT_RANGES, "bytes");
    set(headers, header::CONTENT_LENGTH, &(end - first).to_string());
    set(headers, header::CONTENT_TYPE, content_type(&file.name));
    set(headers, header::CACHE_CONTROL, caching(&file.name));
    if file.name == REPORT {
        set(headers, header::CONTENT_SECURITY_POLICY, REPORT_POLICY);
    }
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{}", end - 1, file.size);
        set(headers, header::CONTENT_RANGE, &range);
    }
    Ok(response)
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Nothing is shown in a browser as a page of this origin, but the report, which has no script.
fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("json" | "jsonl") => "application/json",
        Some("toml") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Steps never change; documents may be replaced.
fn caching(name: &str) -> &'static str {
    if is_data(name) { "public, max-age=31536000, immutable" } else { "no-cache" }
}

/// The bytes, read in pieces as the client takes them: a slow client holds a piece, and no thread.
fn body<T: Send + 'static>(
    (mut file, kept): (Input, T),
    first: u64,
    end: u64,
) -> Result<Body, Diagnostic> {
    file.seek(SeekFrom::Start(first)).map_err(|error| {
        Diagnostic::environment("reading", format_args!("reading a file failed: {error}"))
    })?;
    let begin = (file, kept, end - first);
    let pieces = futures_util::stream::try_unfold(begin, |(mut file, kept, left)| async move {
        if left == 0 {
            return Ok::<_, std::io::Error>(None);
        }
        let length = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; length];
            file.read_exact(&mut piece).map(|()| (file, piece))
        });
        let (file, piece) = read.await.map_err(std::io::Error::other)??;
        Ok(Some((Bytes::from(piece), (file, kept, left - length as u64))))
    });
    Ok(Body::from_stream(pieces))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood_and_others_ask_for_the_whole_file() {
        for (range, expected) in [
            (Some("bytes=0-0"), Asked::Part(0, 1)),
            (Some("bytes=5-"), Asked::Part(5, 10)),
            (Some("bytes=5-99"), Asked::Part(5, 10)),
            (Some("bytes=-3"), Asked::Part(7, 10)),
            (Some("bytes=-30"), Asked::Part(0, 10)),
            (Some("bytes=0-18446744073709551615"), Asked::Part(0, 10)),
            (Some("bytes=10-"), Asked::Nothing),
            (Some("bytes=-0"), Asked::Nothing),
            (Some("bytes=5-4"), Asked::Whole),
            (Some("bytes=0-1,3-4"), Asked::Whole),
            (Some("bytes=+1-2"), Asked::Whole),
            (Some("bytes=-"), Asked::Whole),
            (Some("lines=0-1"), Asked::Whole),
            (None, Asked::Whole),
        ] {
            assert_eq!(asked(range, 10), expected, "{range:?}");
        }
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Nothing);
    }
}
