//! What every command has that runs for long: its log, and its metrics.

use std::net::SocketAddr;

use clap::{Args, ValueEnum};

/// How a command is watched.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Hand out metrics for Prometheus at http://ADDR/metrics, as in 127.0.0.1:9464
    #[arg(long, value_name = "ADDR", help_heading = "Watching")]
    pub(crate) metrics: Option<SocketAddr>,
    /// Hand them out on an address that other machines reach, without TLS: in a network that you
    /// trust only
    #[arg(long, requires = "metrics", help_heading = "Watching")]
    pub(crate) insecure_metrics: bool,
    /// How the log is written to stderr
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        default_value_t = LogFormat::Text,
        help_heading = "Watching"
    )]
    pub(crate) log: LogFormat,
    /// Send traces to this collector of OpenTelemetry (OTLP over HTTP), as in http://127.0.0.1:4318
    #[cfg(feature = "otel")]
    #[arg(long, value_name = "URL", help_heading = "Watching")]
    pub(crate) traces: Option<String>,
}

/// A form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// An object a line, for programs
    Json,
}
