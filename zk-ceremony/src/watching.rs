//! What a command that runs for long tells those who watch it: its log, and its metrics.

#[cfg(feature = "otel")]
mod traces;

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use ceremony_net::metrics::{Endpoint, Node};
use tracing_subscriber::filter::LevelFilter;
#[cfg(not(feature = "otel"))]
use tracing_subscriber::layer::Identity;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry};
use zk_attest::diagnostic::Diagnostic;

use crate::cli::watching::{LogFormat, WatchArgs};
use crate::failure;
use crate::{outcome, progress};

/// Whether everything that is said on stderr is said by the log.
static AS_JSON: AtomicBool = AtomicBool::new(false);

/// What goes on as long as the command does.
pub(crate) struct Watched {
    /// Where metrics are handed out.
    pub(crate) metrics: Option<Endpoint>,
    #[cfg(feature = "otel")]
    _traces: Option<traces::Traces>,
}

impl Watched {
    /// Lets those who watch see that the command did what it is for, and ends on its own.
    pub(crate) fn finish(&mut self, is_stopped: impl Fn() -> bool) {
        if let Some(endpoint) = self.metrics.take() {
            endpoint.finish(is_stopped);
        }
    }
}

impl WatchArgs {
    /// Begins the log, and hands out metrics where that is asked for. Before anything is counted.
    pub(crate) fn begin(&self, node: Node) -> Result<Watched, Diagnostic> {
        #[cfg(feature = "otel")]
        let (traces, tracer) =
            self.traces.as_deref().map(|url| traces::begin(url, node)).transpose()?.unzip();
        #[cfg(feature = "otel")]
        let layer = tracer.map(traces::layer);
        #[cfg(not(feature = "otel"))]
        let layer: Option<Identity> = None;
        log_to_stderr(self.log, layer);
        let metrics = self.metrics.map(|address| self.hand_out(address, node)).transpose()?;
        Ok(Watched {
            metrics,
            #[cfg(feature = "otel")]
            _traces: traces,
        })
    }

    fn hand_out(&self, address: SocketAddr, node: Node) -> Result<Endpoint, Diagnostic> {
        if !address.ip().is_loopback() && !self.insecure_metrics {
            return Err(without_tls(address));
        }
        let endpoint = Endpoint::start(address, node)?;
        tell(format_args!("metrics: http://{}/metrics", endpoint.address()));
        Ok(endpoint)
    }
}

fn without_tls(address: SocketAddr) -> Diagnostic {
    Diagnostic::environment("metrics", "metrics are handed out without TLS")
        .at("--metrics")
        .found(address)
        .expected("an address of this machine, such as 127.0.0.1:9464")
        .hint("in a network that you trust, add --insecure-metrics")
}

/// Writes what happens to stderr: one line each, without addresses. Spans are for `more` only.
fn log_to_stderr(format: LogFormat, more: impl Layer<Registry> + Send + Sync) {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => {
            AS_JSON.store(true, Ordering::Relaxed);
            lines.json().flatten_event(true).boxed()
        }
    };
    // Another one may be there already.
    let _ = tracing_subscriber::registry()
        .with(more)
        .with(lines.with_filter(LevelFilter::INFO))
        .try_init();
}

/// Says a line to people on stderr; in the log's form, where everything there is to have it.
pub(crate) fn tell(line: fmt::Arguments<'_>) {
    if outcome::is_quiet() {
        return;
    }
    if AS_JSON.load(Ordering::Relaxed) {
        tracing::info!("{line}");
    } else {
        eprintln!("{}", failure::for_terminal(&line.to_string()));
    }
}

/// Says why something failed.
pub(crate) fn complain(error: &Diagnostic) {
    if AS_JSON.load(Ordering::Relaxed) {
        ceremony_net::log::failure("", error);
    } else {
        eprintln!("{}", failure::render(error));
    }
}

/// Whether bars would be in the way: of lines that a program reads.
pub(crate) fn has_bars() -> bool {
    !AS_JSON.load(Ordering::Relaxed) && progress::are_bars_asked()
}

/// `eprintln!`, in the log's form.
macro_rules! say {
    ($($words:tt)*) => { $crate::watching::tell(format_args!($($words)*)) };
}
pub(crate) use say;
