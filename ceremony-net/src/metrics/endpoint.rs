//! `/metrics` on a listener of its own, which a flood of scrapes and slow readers cannot exhaust.
//!
//! A page is rendered at most once in [`FRESH`], however many ask for it, and connections have the
//! limits of every listener here.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use zk_attest::diagnostic::Diagnostic;

use super::families::{BUILD, FAMILIES, FINISHED, Type, WORK_SECONDS};
use super::work::{Of, Step};
use crate::service::{Kind, Listener, METRICS_CONNECTIONS, Room, Security, bare};

/// How often samples are added up: without it they wait for a scrape, which may never come.
const UPKEEP: Duration = Duration::from_secs(5);
/// How long a page is handed out: scrapes that come faster share one.
const FRESH: Duration = Duration::from_millis(250);
/// How long a node that is done stays, so that a scrape tells of it: four of the intervals in
/// `ops/prometheus.yml`.
const LAST_WORD: Duration = Duration::from_secs(60);
/// Connections at the same time, and of one address: a few Prometheus servers, and people who look.
const CONNECTIONS: Room = Room { connections: METRICS_CONNECTIONS, of_address: 16 };
/// Bounds of [`WORK_SECONDS`]: from a test's ceremony to a day.
const BUCKETS: [f64; 15] = [
    0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 7200.0, 14_400.0, 43_200.0,
    86_400.0,
];

/// The kinds of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// `ceremony serve`
    Service,
    /// `ceremony join`
    Participant,
    /// `ceremony mirror`
    Mirror,
    /// `proof serve`
    Proofs,
}

impl Node {
    /// Its name, in metrics and traces.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Participant => "participant",
            Self::Mirror => "mirror",
            Self::Proofs => "proofs",
        }
    }

    fn steps(self) -> Vec<Step> {
        let verify = Of::ALL.map(Step::Verify);
        let (of_phase1, of_phase2) = (Step::Contribute(Of::Phase1), Step::Contribute(Of::Phase2));
        let more: &[Step] = match self {
            Self::Proofs => return vec![Step::Proofs],
            Self::Service => &[],
            Self::Participant => &[of_phase1, of_phase2, Step::Download, Step::Upload],
            Self::Mirror => &[Step::Download],
        };
        [&verify, more].concat()
    }
}

/// What is to be told at the moment of a scrape.
pub type Collect = Box<dyn Fn() + Send + Sync>;

struct Shared {
    handle: PrometheusHandle,
    #[cfg(target_os = "linux")]
    process: metrics_process::Collector,
    collect: OnceLock<Collect>,
    page: Mutex<Option<(Instant, Bytes)>>,
    /// Whether a page was asked for.
    asked: AtomicBool,
    /// Whether the node is done, and whether a page that says so was given.
    finished: AtomicBool,
    told: AtomicBool,
}

/// A listener, until it is dropped.
pub struct Endpoint {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    // Dropped last, with what runs on it.
    runtime: Option<(Runtime, JoinHandle<()>)>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Installs the process's recorder, and listens. Before anything is to be counted.
    ///
    /// # Errors
    /// When the address cannot be had, or this process has an endpoint already.
    pub fn start(address: SocketAddr, node: Node) -> Result<Self, Diagnostic> {
        let handle = recorder()?;
        for family in FAMILIES {
            describe(family);
        }
        let version = env!("CARGO_PKG_VERSION");
        metrics::gauge!(BUILD, "node" => node.name(), "version" => version).set(1.0);
        metrics::gauge!(FINISHED).set(0.0);
        node.steps().into_iter().for_each(Step::begin);
        let security = Security::of(Listener::Metrics);
        security.begin(&[Kind::TooManyConnections]);
        if matches!(node, Node::Participant | Node::Mirror) {
            metrics::counter!(super::families::RETRIES).increment(0);
            metrics::counter!(super::families::CLIENT_REFUSALS).increment(0);
        }
        metrics::counter!(super::families::RECEIVED).increment(0);
        metrics::counter!(super::families::SENT).increment(0);
        let shared = Arc::new(Shared {
            handle,
            #[cfg(target_os = "linux")]
            process: process(),
            collect: OnceLock::new(),
            page: Mutex::new(None),
            asked: AtomicBool::new(false),
            finished: AtomicBool::new(false),
            told: AtomicBool::new(false),
        });
        let router = Router::new().route("/metrics", get(page)).with_state(shared.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            // One page is rendered at a time.
            .max_blocking_threads(1)
            .enable_all()
            .thread_name("metrics")
            .build()
            .map_err(|error| {
                Diagnostic::environment("runtime", format_args!("starting threads failed: {error}"))
            })?;
        let upkeep = shared.handle.clone();
        runtime.spawn(async move {
            let mut every = tokio::time::interval(UPKEEP);
            loop {
                every.tick().await;
                upkeep.run_upkeep();
            }
        });
        let (stop, stopped) = watch::channel(false);
        let listening = bare(router, address, CONNECTIONS, Arc::new(security), stopped);
        let (address, server) = runtime
            .block_on(listening)
            .map_err(|error| error.hint("name another address with --metrics"))?;
        Ok(Self { shared, address, stop, runtime: Some((runtime, server)) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is called before each page: sets gauges to what is so now. The first call counts.
    pub fn collect_with(&self, collect: Collect) {
        let _ = self.shared.collect.set(collect);
    }

    /// Says that the node has nothing more to do, and stays until a scrape has told of it, a minute
    /// at most, or until `is_stopped`. Without this, its end looks like a failure to those who
    /// watch. A watcher that never asked is not waited for.
    pub fn finish(mut self, is_stopped: impl Fn() -> bool) {
        self.shared.finish();
        let until = Instant::now() + LAST_WORD;
        let is_awaited = self.shared.asked.load(Ordering::SeqCst);
        while is_awaited
            && !self.shared.told.load(Ordering::SeqCst)
            && Instant::now() < until
            && !is_stopped()
        {
            std::thread::sleep(Duration::from_millis(50));
        }
        // The answer that tells of it goes out whole.
        let _ = self.stop.send(true);
        if let Some((runtime, server)) = self.runtime.take() {
            let _ = runtime.block_on(server);
            runtime.shutdown_background();
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some((runtime, server)) = self.runtime.take() {
            server.abort();
            runtime.shutdown_background();
        }
    }
}

fn recorder() -> Result<PrometheusHandle, Diagnostic> {
    let failed = |error: &dyn std::fmt::Display| {
        Diagnostic::environment("metrics", format_args!("metrics cannot be kept: {error}"))
    };
    let buckets = Matcher::Full(WORK_SECONDS.into());
    PrometheusBuilder::new()
        .set_buckets_for_metric(buckets, &BUCKETS)
        .map_err(|error| failed(&error))?
        .install_recorder()
        .map_err(|error| failed(&error))
}

#[cfg(target_os = "linux")]
fn process() -> metrics_process::Collector {
    let process = metrics_process::Collector::default();
    process.describe();
    process
}

fn describe(family: &super::Family) {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    match (family.kind, family.unit()) {
        (Type::Counter, Some(unit)) => describe_counter!(family.name, unit, family.help),
        (Type::Counter, None) => describe_counter!(family.name, family.help),
        (Type::Gauge, Some(unit)) => describe_gauge!(family.name, unit, family.help),
        (Type::Gauge, None) => describe_gauge!(family.name, family.help),
        (Type::Histogram, Some(unit)) => describe_histogram!(family.name, unit, family.help),
        (Type::Histogram, None) => describe_histogram!(family.name, family.help),
    }
}

async fn page(State(shared): State<Arc<Shared>>) -> Response {
    let Ok(page) = tokio::task::spawn_blocking(move || shared.page()).await else {
        return axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, page).into_response()
}

impl Shared {
    /// From here on, every page says that the node is done.
    fn finish(&self) {
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        metrics::gauge!(FINISHED).set(1.0);
        *page = None;
        self.finished.store(true, Ordering::SeqCst);
    }

    fn page(&self) -> Bytes {
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        self.asked.store(true, Ordering::SeqCst);
        self.told.store(self.finished.load(Ordering::SeqCst), Ordering::SeqCst);
        if let Some((_, bytes)) = page.as_ref().filter(|(made, _)| made.elapsed() < FRESH) {
            return bytes.clone();
        }
        #[cfg(target_os = "linux")]
        self.process.collect();
        if let Some(collect) = self.collect.get() {
            collect();
        }
        let bytes = Bytes::from(self.handle.render());
        *page = Some((Instant::now(), bytes.clone()));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::*;

    fn scrape(address: SocketAddr) -> String {
        let mut link = TcpStream::connect(address).unwrap();
        let request = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        link.write_all(request).unwrap();
        let mut text = String::new();
        link.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_node_that_is_done_stays_until_a_scrape_has_told_of_it() {
        let endpoint = Endpoint::start(([127, 0, 0, 1], 0).into(), Node::Mirror).unwrap();
        let address = endpoint.address();
        assert!(scrape(address).contains("\nceremony_node_finished 0\n"));
        let ends = std::thread::spawn(move || endpoint.finish(|| false));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!ends.is_finished(), "no watcher was told");
        // Not the page of a moment ago.
        assert!(scrape(address).contains("\nceremony_node_finished 1\n"));
        ends.join().unwrap();
        assert!(TcpStream::connect(address).is_err());
    }

    #[test]
    fn scrapes_that_come_faster_share_a_page_and_a_later_one_has_its_own() {
        let endpoint = Endpoint::start(([127, 0, 0, 1], 0).into(), Node::Mirror).unwrap();
        let made = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = made.clone();
        endpoint.collect_with(Box::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        }));
        let begun = Instant::now();
        for _ in 0..5 {
            scrape(endpoint.address());
        }
        // One for each time that a page may have become too old meanwhile.
        let at_most = 1 + usize::try_from(begun.elapsed().as_millis() / FRESH.as_millis()).unwrap();
        assert!(made.load(Ordering::SeqCst) <= at_most);
        let before = made.load(Ordering::SeqCst);
        std::thread::sleep(FRESH);
        scrape(endpoint.address());
        assert_eq!(made.load(Ordering::SeqCst), before + 1);
    }

    #[test]
    fn a_node_without_a_watcher_ends_at_once() {
        let begun = Instant::now();
        let endpoint = Endpoint::start(([127, 0, 0, 1], 0).into(), Node::Participant).unwrap();
        endpoint.finish(|| false);
        assert!(begun.elapsed() < LAST_WORD / 4);
    }

    #[test]
    fn who_stops_a_node_does_not_wait_for_a_scrape() {
        let begun = Instant::now();
        let endpoint = Endpoint::start(([127, 0, 0, 1], 0).into(), Node::Service).unwrap();
        scrape(endpoint.address());
        endpoint.finish(|| true);
        assert!(begun.elapsed() < LAST_WORD / 4);
    }
}
