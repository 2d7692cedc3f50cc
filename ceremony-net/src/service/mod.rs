//! The service that holds a ceremony: `ceremony serve`.
//!
//! ```text
//! listener   connections, TLS, their limits       core       sessions, queue, turns, verification
//! http       requests into types, and back        view       the folder as it is
//! files      ranges of files                      elsewhere  where they can be fetched instead
//!                                                 intake     what came: verified and taken in
//! in_use     connections that nobody uses         reconcile  what a crash left out of the journal
//! proxies    whose request it is                  counts     how many there are of something
//! security   what was refused, and how often      gauges     what metrics tell
//! dashboard  all of it, for people                publication  what became of it
//! ```
//!
//! What must survive is in two places: the ceremony's folder, and the service's own folder, which
//! has its key, the turn and what was uploaded in it. Sessions and presence may be lost; clients
//! come back by themselves.

mod committing;
mod core;
mod counts;
mod dashboard;
mod elsewhere;
mod files;
mod gauges;
mod http;
mod in_use;
mod intake;
mod limits;
mod listener;
mod proxies;
mod publication;
mod queue;
mod rates;
mod reconcile;
mod security;
mod sessions;
mod state;
mod state_folder;
mod turn;
mod uploads;
mod view;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use elsewhere::Elsewhere;
pub use http::openapi_json;
pub(crate) use limits::METRICS_CONNECTIONS;
pub use listener::Tls;
pub(crate) use listener::{Room, bare};
pub use proxies::Network;
pub use publication::Publication;
pub(crate) use security::{Kind, Listener, Security};
pub(crate) use state_folder::free_bytes;
use tokio::sync::watch;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{Label, Timestamp};
use zk_attest::signer::Signer;

use self::core::Core;
use self::limits::LOOK;
use crate::protocol::CeremonyInfo;

/// Whether the bytes of a bundle have the approvals that they need.
pub type IsApproved = Box<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// How a service is run.
pub struct Options {
    /// The ceremony's folder.
    pub folder: PathBuf,
    /// The service's own folder.
    pub state: PathBuf,
    /// The address that clients use.
    pub origin: Label,
    /// Seconds of a turn at least, beyond the time that moving its files takes.
    pub turn_floor: Duration,
    /// In a ceremony with an order: how long to wait for whoever is next and not there.
    pub absent_after: Duration,
    /// Where participants commit to their secrets: how long commitments to a phase are taken after
    /// the first one, if not everybody has committed by then.
    pub commit_within: Duration,
    /// Keys whose approval of the bundle is waited for, besides the participants'.
    pub approvers: Vec<PublicKey>,
    /// Keys whose audits are taken in.
    pub auditors: Vec<PublicKey>,
    /// Reverse proxies that say whose request it is.
    pub trusted_proxies: Vec<Network>,
    /// Whether a bundle is approved.
    pub is_approved: Option<IsApproved>,
    /// Until when the policy holds, for those who watch.
    pub policy_not_after: Option<Timestamp>,
    /// A file that is touched when a backup was made, for those who watch.
    pub backup_stamp: Option<PathBuf>,
    /// Where clients are sent for files that are published there.
    pub elsewhere: Option<Elsewhere>,
    /// What became of publication, where this process publishes, for people.
    pub publication: Option<Publication>,
}

/// Without the closure.
impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// A service that listens.
pub struct Service {
    core: Arc<Core>,
    runtime: tokio::runtime::Runtime,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: tokio::task::JoinHandle<()>,
    worker: std::thread::JoinHandle<()>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Service {
    /// Starts a service: reads the folder, goes on with a turn that was interrupted, and listens.
    ///
    /// # Errors
    /// When the ceremony does not hold, the coordinator has not appointed the service's key, or the
    /// address cannot be had.
    pub fn start(
        options: Options,
        signer: Box<dyn Signer + Send>,
        address: SocketAddr,
        tls: Option<Tls>,
    ) -> Result<Self, Diagnostic> {
        let core = Core::open(options, signer)?;
        let not_after = tls.as_ref().map_or(0.0, Tls::not_after);
        metrics::gauge!(crate::metrics::families::CERTIFICATE_NOT_AFTER).set(not_after);
        let failed = |error: std::io::Error| {
            Diagnostic::environment("runtime", format_args!("starting threads failed: {error}"))
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            // Threads that wait for disks; what computes has threads of its own.
            .max_blocking_threads(64)
            .thread_name("service")
            .build()
            .map_err(failed)?;
        let (stop, stopped) = watch::channel(false);
        let (address, server) =
            runtime.block_on(listener::listen(core.clone(), address, tls, stopped.clone()))?;
        let worker = {
            let (core, stopped) = (core.clone(), stopped);
            std::thread::Builder::new()
                .name("verifier".into())
                .spawn(move || work(&core, &stopped))
                .map_err(failed)?
        };
        Ok(Self { core, runtime, address, stop, server, worker })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the gauges of [`crate::metrics`] to what is so at the moment of a call.
    #[must_use]
    pub fn collect(&self) -> crate::metrics::Collect {
        let core = self.core.clone();
        Box::new(move || core.tell())
    }

    /// What is so now.
    #[must_use]
    pub fn info(&self) -> CeremonyInfo {
        self.core.info()
    }

    /// Whether nobody is here who waits for a turn or has one.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.core.is_idle()
    }

    /// How long nobody has asked for anything.
    #[must_use]
    pub fn quiet_for(&self) -> Duration {
        self.core.quiet_for()
    }

    /// Whether what goes on beside the requests still goes on.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.worker.is_finished()
    }

    /// Says that the folder was changed by this process.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn refresh(&self) -> Result<(), Diagnostic> {
        self.core.refresh(true)
    }

    /// Waits until something changes, or the time is up.
    pub fn wait(&self, at_most: Duration) {
        let mut version = self.core.version.subscribe();
        self.runtime.block_on(async {
            let _ = tokio::time::timeout(at_most, version.changed()).await;
        });
    }

    /// Tells clients that nothing is left to be done.
    pub fn finish(&self) {
        self.core.finish();
    }

    /// Stops: no new requests, running ones get a moment, a running verification is finished. A
    /// turn stays whose it is, for the next process.
    pub fn stop(self) {
        let _ = self.stop.send(true);
        self.core.changed();
        let _ = self.runtime.block_on(self.server);
        let _ = self.worker.join();
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

/// What goes on beside the requests: what is due, what others changed in the folder, and one
/// verification after the other.
fn work(core: &Arc<Core>, stopped: &watch::Receiver<bool>) {
    let stopping = || *stopped.borrow();
    let watcher = {
        let (core, stopped) = (core.clone(), stopped.clone());
        std::thread::Builder::new().name("watcher".into()).spawn(move || {
            while !*stopped.borrow() {
                let looked = core.tick(Instant::now()).and_then(|()| core.refresh(false));
                if let Err(error) = looked {
                    crate::log::failure("looking at the folder failed: ", &error);
                }
                std::thread::sleep(LOOK);
            }
        })
    };
    let _ = core.verifier.set(std::thread::current());
    while !stopping() {
        if core.received().is_some() {
            core.verify_received(&stopping);
        } else {
            // Woken when something came; looked at anyway, to stop.
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }
    if let Ok(watcher) = watcher {
        let _ = watcher.join();
    }
}
