//! Traces of a turn, across client and service.
//!
//! This crate opens spans and knows no tracer. A program that has one says here how a span is
//! carried from one process to the other: in the header `traceparent` of W3C's Trace Context.
//! Without it, nothing is carried. Spans are named by what is done, and have no name of anybody.

use std::sync::OnceLock;

use tracing::Span;

/// The header.
pub(crate) const TRACEPARENT: &str = "traceparent";
/// Bytes of a header that is looked at, at most: those of version 0, and room for later ones.
const MAX_HEADER_BYTES: usize = 128;

/// How spans are carried.
#[derive(Clone, Copy, Debug)]
pub struct Carrier {
    /// The header that names the span in which this thread is; none where that is not traced.
    pub header: fn() -> Option<String>,
    /// Makes a span a child of the one that a header names. What is no such header changes nothing.
    pub adopt: fn(&Span, &str),
}

static CARRIER: OnceLock<Carrier> = OnceLock::new();

/// Has spans carried like this. The first call counts.
pub fn carry_with(carrier: Carrier) {
    let _ = CARRIER.set(carrier);
}

/// The header for a request that is being made, or for work that goes on in another thread.
pub(crate) fn header() -> Option<String> {
    CARRIER.get().and_then(|carrier| (carrier.header)())
}

/// Makes a span a child of the one that a header names.
pub(crate) fn adopt(span: &Span, header: Option<&str>) {
    let header = header.filter(|header| header.len() <= MAX_HEADER_BYTES);
    if let (Some(carrier), Some(header)) = (CARRIER.get(), header) {
        (carrier.adopt)(span, header);
    }
}

/// What a path is for, of a closed list.
pub(crate) fn route(path: &str) -> &'static str {
    const ROUTES: [&str; 11] = [
        "approvals",
        "ceremony",
        "challenges",
        "files",
        "journal",
        "queue",
        "receipts",
        "sessions",
        "statements",
        "turn",
        "uploads",
    ];
    let second = path.strip_prefix("/v1/").and_then(|rest| rest.split('/').next());
    ROUTES.into_iter().find(|route| second == Some(*route)).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_of_a_closed_list() {
        assert_eq!(route("/v1/files/phase1/0001.ptau"), "files");
        assert_eq!(route("/v1/turn/attestations"), "turn");
        for other in ["", "/", "/v1", "/v1/", "/v1/filesystem", "/v2/files", "/healthz", "files"] {
            assert_eq!(route(other), "other", "{other}");
        }
    }
}
