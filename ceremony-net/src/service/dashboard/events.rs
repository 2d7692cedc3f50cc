//! Server-sent events: which sections of the page changed, and the service's clock.
//!
//! ```text
//! event: section   data: {"id":...,"html":...}       a section that is another one now
//! event: now       data: seconds since 1970          after those of one moment, and as a heartbeat
//!                  id: fingerprints of all sections  what this browser has seen
//! ```
//!
//! What a browser has seen is all that is kept of it. An event is made for all of them at once, and
//! handed over when the connection takes it: one that takes nothing holds the event that it was
//! sent last, until the connection's own limit ends it, and then gets what is so at that time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::Stream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::super::core::Core;
use super::{Dashboard, Rendered};

/// Between two looks at what changed: a burst of changes is one.
const PAUSE: Duration = Duration::from_millis(250);
/// How often to look for what changes without being announced.
const LOOK: Duration = Duration::from_secs(5);
/// At least one event in this time, so that no proxy takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Digits of a section's fingerprint.
const FINGERPRINT: usize = 8;

/// The event that brings a section.
pub(super) fn section(id: &str, html: &str) -> Bytes {
    let data = serde_json::json!({ "id": id, "html": html });
    // JSON has no line feed outside of its texts, and writes those in them as \n.
    Bytes::from(format!("event: section\ndata: {data}\n\n"))
}

fn now(rendered: &Rendered) -> Bytes {
    let Rendered { now, seen, .. } = rendered;
    Bytes::from(format!("event: now\nid: {seen}\ndata: {now}\n\n"))
}

/// What one browser is told.
struct Listener<T> {
    core: Arc<Core>,
    dashboard: Dashboard,
    version: watch::Receiver<u64>,
    stopped: watch::Receiver<bool>,
    /// The fingerprints of what it has.
    seen: String,
    /// The version that this is of: what came after it is news, whenever it came.
    of: u64,
    /// What it is to be given next.
    ready: VecDeque<Bytes>,
    /// The last event.
    last: Option<Instant>,
    until: Instant,
    _counted: T,
}

/// What it lacks of a page: sections with another fingerprint than at their place before.
fn lacking(rendered: &Rendered, seen: &str) -> VecDeque<Bytes> {
    let seen = seen.as_bytes();
    let before = |n: usize| seen.get(n * FINGERPRINT..(n + 1) * FINGERPRINT);
    let sections = rendered.sections.iter().enumerate();
    let changed = sections.filter(|(n, (now, _))| before(*n) != Some(now.as_bytes()));
    changed.map(|(_, (_, event))| event.clone()).collect()
}

impl<T> Listener<T> {
    /// The next event, when there is one. None at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let is_first = self.last.is_none();
            if !is_first && !self.wait().await {
                return None;
            }
            let rendered = self.dashboard.current(&self.core).await?;
            self.of = rendered.version;
            let mut events = lacking(&rendered, &self.seen);
            let is_due = self.last.is_none_or(|last| last.elapsed() >= HEARTBEAT);
            if events.is_empty() && !is_due {
                continue;
            }
            events.push_back(now(&rendered));
            self.seen.clone_from(&rendered.seen);
            self.last = Some(Instant::now());
            self.ready = events;
        }
    }

    /// Waits until something may be news. False when this is over.
    async fn wait(&mut self) -> bool {
        let pause = Instant::now() + PAUSE;
        let look = Instant::now() + LOOK;
        let of = self.of;
        tokio::select! {
            _ = self.version.wait_for(|version| *version != of) => {}
            () = tokio::time::sleep_until(look.min(self.until)) => {}
            _ = self.stopped.wait_for(|stopped| *stopped) => return false,
        }
        if Instant::now() >= self.until {
            return false;
        }
        tokio::select! {
            () = tokio::time::sleep_until(pause) => true,
            _ = self.stopped.wait_for(|stopped| *stopped) => false,
        }
    }
}

/// Events for one browser that has seen these sections, for so long. `counted` lives as long as
/// they do.
pub(crate) fn stream<T: Send + 'static>(
    core: Arc<Core>,
    dashboard: Dashboard,
    stopped: watch::Receiver<bool>,
    seen: String,
    lasts: Duration,
    counted: T,
) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> + Send + 'static {
    let version = core.version.subscribe();
    let listener = Listener {
        core,
        dashboard,
        version,
        stopped,
        seen,
        of: 0,
        ready: VecDeque::new(),
        last: None,
        until: Instant::now() + lasts,
        _counted: counted,
    };
    futures_util::stream::unfold(listener, |mut listener| async move {
        listener.next().await.map(|event| (Ok(event), listener))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(fingerprints: &[&str]) -> Rendered {
        let event = |it: &&str| ((*it).to_owned(), section(it, "<p>\n\"&amp;\"</p>"));
        Rendered {
            page: Bytes::new(),
            sections: fingerprints.iter().map(event).collect(),
            seen: fingerprints.concat(),
            now: 7,
            version: 1,
        }
    }

    #[test]
    fn only_sections_that_are_others_are_sent() {
        let page = rendered(&["00000001", "00000002", "00000003"]);
        assert_eq!(lacking(&page, &page.seen).len(), 0);
        assert_eq!(lacking(&page, "").len(), 3);
        let found = lacking(&page, "00000001ffffffff00000003");
        assert_eq!(found, [section("00000002", "<p>\n\"&amp;\"</p>")]);
        // A cut, or nonsense.
        assert_eq!(lacking(&page, "00000001000").len(), 2);
        assert_eq!(lacking(&page, &"é".repeat(50)).len(), 3);
    }

    #[tokio::test]
    async fn a_browser_that_takes_nothing_holds_no_more_than_one_moment_and_its_time_ends() {
        use futures_util::StreamExt as _;
        let world = super::super::super::committing::tests::World::new(PAUSE, false);
        let counted = Arc::new(());
        let (_stop, stopped) = watch::channel(false);
        let told = |lasts| {
            let (core, stopped) = (world.core.clone(), stopped.clone());
            let dashboard = Dashboard::default();
            Box::pin(stream(core, dashboard, stopped, String::new(), lasts, counted.clone()))
        };
        // Everything that is there now, and then the end: nothing is waited for.
        let all = tokio::time::timeout(2 * LOOK, told(Duration::ZERO).collect::<Vec<_>>()).await;
        let all = all.expect("it does not end").into_iter();
        let all: Vec<_> = all.map(|event| event.unwrap()).collect();
        assert!(all.len() > 5 && all.last().unwrap().starts_with(b"event: now"), "{all:?}");
        // One takes a single event: the others of that moment wait, however much changes.
        let mut slow = told(LOOK / 10);
        slow.next().await.unwrap().unwrap();
        for _ in 0..100 {
            world.core.changed();
        }
        tokio::time::sleep(LOOK / 10).await;
        let rest = slow.by_ref().count().await;
        assert_eq!(rest + 1, all.len());
        // What is counted for it is over with it.
        assert_eq!(Arc::strong_count(&counted), 1);
    }

    #[test]
    fn an_event_is_one_line_of_data_whatever_is_in_it() {
        let event = String::from_utf8(section("id", "a\nb\r\nc\u{2028}\ndata: x\n\n").to_vec());
        let event = event.unwrap();
        assert!(event.starts_with("event: section\ndata: {") && event.ends_with("}\n\n"));
        assert_eq!(event.matches('\n').count(), 3);
        assert!(!event.contains('\r'));
        assert_eq!(now(&rendered(&["0a"])), "event: now\nid: 0a\ndata: 7\n\n");
    }
}
