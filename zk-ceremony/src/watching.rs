//! What a command that runs for long tells those who watch it: its log, and its metrics.

use std::fmt;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use ceremony_net::metrics::{Endpoint, Node};
use tracing_subscriber::filter::LevelFilter;
use zk_attest::diagnostic::Diagnostic;

use crate::cli::watching::{LogFormat, WatchArgs};
use crate::failure;

/// Whether everything that is said on stderr is said by the log.
static AS_JSON: AtomicBool = AtomicBool::new(false);

impl WatchArgs {
    /// Begins the log, and hands out metrics where that is asked for. Before anything is counted.
    pub(crate) fn begin(&self, node: Node) -> Result<Option<Endpoint>, Diagnostic> {
        log_to_stderr(self.log);
        let Some(address) = self.metrics else { return Ok(None) };
        if !address.ip().is_loopback() && !self.insecure_metrics {
            return Err(without_tls(address));
        }
        let endpoint = Endpoint::start(address, node)?;
        tell(format_args!("metrics: http://{}/metrics", endpoint.address()));
        Ok(Some(endpoint))
    }
}

fn without_tls(address: SocketAddr) -> Diagnostic {
    Diagnostic::environment("metrics", "metrics are handed out without TLS")
        .at("--metrics")
        .found(address)
        .expected("an address of this machine, such as 127.0.0.1:9464")
        .hint("in a network that you trust, add --insecure-metrics")
}

/// Writes what happens to stderr: one line each, without addresses.
fn log_to_stderr(format: LogFormat) {
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .with_max_level(LevelFilter::INFO);
    // Another one may be there already.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => {
            AS_JSON.store(true, Ordering::Relaxed);
            builder.json().flatten_event(true).try_init()
        }
    };
}

/// Says a line to people on stderr; in the log's form, where everything there is to have it.
pub(crate) fn tell(line: fmt::Arguments<'_>) {
    if AS_JSON.load(Ordering::Relaxed) {
        tracing::info!("{line}");
    } else {
        eprintln!("{line}");
    }
}

/// Says why something failed.
pub(crate) fn complain(error: &Diagnostic) {
    if AS_JSON.load(Ordering::Relaxed) {
        tracing::error!(code = error.code.as_str(), hint = error.hint.as_deref(), "{}", error.what);
    } else {
        eprintln!("{}", failure::render(error));
    }
}

/// Whether bars would be in the way: of lines that a program reads.
pub(crate) fn has_bars() -> bool {
    !AS_JSON.load(Ordering::Relaxed) && std::io::stderr().is_terminal()
}

/// `eprintln!`, in the log's form.
macro_rules! say {
    ($($words:tt)*) => { $crate::watching::tell(format_args!($($words)*)) };
}
pub(crate) use say;
