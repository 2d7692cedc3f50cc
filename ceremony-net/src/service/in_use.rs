//! Whether a connection is still used: by a request that is worked on, or by an answer that its
//! client takes.
//!
//! TCP and HTTP/2 let a client stop reading for as long as it likes, with a connection, a file and
//! the buffers of an answer held meanwhile. So each answer goes out in pieces, and one of which no
//! piece was taken for a while ends its connection.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use super::limits::{ANSWER_PIECE, IDLE_TIME, STALL_TIME};
use crate::metrics::families::{RECEIVED, SENT};

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Watch {
    seen: Mutex<Seen>,
    /// Whether bytes of bodies are counted in metrics.
    counts_bytes: bool,
}

#[derive(Debug)]
struct Seen {
    /// Requests that are worked on.
    requests: usize,
    /// When the last one ended, or an answer did.
    rests: Instant,
    /// When the last piece of each answer was taken.
    answers: HashMap<u64, Instant>,
    next: u64,
}

/// A request that is worked on as long as this lives.
pub(crate) struct Busy(Arc<Watch>);

/// The body of a request, which is counted.
struct Question {
    body: hyper::body::Incoming,
    counts: bool,
}

/// An answer on its way.
struct Answer {
    body: Body,
    rest: Bytes,
    id: u64,
    watch: Arc<Watch>,
}

impl Watch {
    pub(crate) fn new(counts_bytes: bool) -> Arc<Self> {
        let seen = Seen { requests: 0, rests: Instant::now(), answers: HashMap::new(), next: 0 };
        Arc::new(Self { seen: Mutex::new(seen), counts_bytes })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body of a request, counted.
    pub(crate) fn question(&self, body: hyper::body::Incoming) -> Body {
        Body::new(Question { body, counts: self.counts_bytes })
    }

    /// A request came.
    pub(crate) fn request(self: &Arc<Self>) -> Busy {
        self.seen().requests += 1;
        Busy(self.clone())
    }

    /// The answer to it, watched.
    pub(crate) fn answer(self: &Arc<Self>, body: Body) -> Body {
        let id = {
            let mut seen = self.seen();
            let id = seen.next;
            seen.next += 1;
            seen.answers.insert(id, Instant::now());
            id
        };
        Body::new(Answer { body, rest: Bytes::new(), id, watch: self.clone() })
    }

    /// Comes back when nobody uses the connection any more.
    pub(crate) async fn over(&self) {
        loop {
            let due = {
                let seen = self.seen();
                let stalls = seen.answers.values().min().map(|last| *last + STALL_TIME);
                let is_idle = seen.requests == 0 && seen.answers.is_empty();
                stalls.or_else(|| is_idle.then(|| seen.rests + IDLE_TIME))
            };
            match due {
                Some(due) if due <= Instant::now() => return,
                Some(due) => tokio::time::sleep_until(due).await,
                // Looked at again soon after it may have become idle.
                None => tokio::time::sleep(IDLE_TIME).await,
            }
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut seen = self.0.seen();
        seen.requests -= 1;
        seen.rests = Instant::now();
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let mut seen = self.watch.seen();
        seen.answers.remove(&self.id);
        seen.rests = Instant::now();
    }
}

impl HttpBody for Question {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
        if let Some(bytes) = bytes.filter(|_| self.counts) {
            metrics::counter!(RECEIVED).increment(bytes.len() as u64);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => self.rest = bytes,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let length = self.rest.len().min(ANSWER_PIECE);
        let piece = self.rest.split_to(length);
        let id = self.id;
        self.watch.seen().answers.insert(id, Instant::now());
        if self.watch.counts_bytes {
            metrics::counter!(SENT).increment(length as u64);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, inner) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt as _;

    use super::*;

    /// Seconds until a connection is over.
    async fn over(watch: &Watch) -> u64 {
        let begun = Instant::now();
        watch.over().await;
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_nobody_uses_is_over_after_a_while() {
        let watch = Watch::new(false);
        assert_eq!(over(&watch).await, IDLE_TIME.as_secs());
        let busy = watch.request();
        let later = Duration::from_secs(86_400);
        assert!(tokio::time::timeout(later, watch.over()).await.is_err(), "while it is worked on");
        drop(busy);
        assert_eq!(over(&watch).await, IDLE_TIME.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_taken_ends_its_connection_whatever_else_goes_on() {
        let watch = Watch::new(false);
        let bytes = vec![7; ANSWER_PIECE + 1];
        let mut answer = watch.answer(Body::from(bytes.clone()));
        assert_eq!(answer.size_hint().exact(), Some(bytes.len() as u64));
        let _busy = watch.request();
        assert_eq!(over(&watch).await, STALL_TIME.as_secs());
        // Slowly is well.
        let mut found = Vec::new();
        while let Some(piece) = answer.frame().await {
            found.extend(piece.unwrap().into_data().unwrap());
            let soon = STALL_TIME - Duration::from_secs(1);
            assert!(tokio::time::timeout(soon, watch.over()).await.is_err());
            assert_eq!(answer.size_hint().exact(), Some((bytes.len() - found.len()) as u64));
        }
        assert_eq!(found, bytes);
        drop(answer);
        assert!(watch.seen().answers.is_empty());
    }
}
