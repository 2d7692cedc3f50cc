//! Traces, sent to a collector of OpenTelemetry: OTLP over HTTP, as protobuf.

use std::collections::HashMap;
use std::time::Duration;

use ceremony_net::metrics::Node;
use ceremony_net::trace::{Carrier, carry_with};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry::{KeyValue, trace::SpanContext};
use opentelemetry_otlp::{Protocol, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use zk_attest::diagnostic::Diagnostic;

/// How long a collector may take for one batch: nothing waits for it, but for the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Traces that are sent until this is dropped.
pub(super) struct Traces(SdkTracerProvider);

impl Drop for Traces {
    fn drop(&mut self) {
        // What is left is sent. A collector that is gone loses it.
        let _ = self.0.shutdown();
    }
}

/// Begins to send traces to a collector.
pub(super) fn begin(url: &str, node: Node) -> Result<(Traces, SdkTracer), Diagnostic> {
    let failed = |error: &dyn std::fmt::Display| {
        Diagnostic::environment("traces", format_args!("traces cannot be sent: {error}"))
            .at("--traces")
            .found(url)
            .expected("the address of a collector, as in http://127.0.0.1:4318")
    };
    ceremony_net::client::install_tls();
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", url.trim_end_matches('/')))
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| failed(&error))?;
    let resource = Resource::builder_empty()
        .with_service_name("zk-ceremony")
        .with_attributes([
            KeyValue::new("node", node.name()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ])
        .build();
    let provider =
        SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let tracer = provider.tracer("zk-ceremony");
    carry_with(Carrier { header, adopt });
    Ok((Traces(provider), tracer))
}

/// What takes the spans of this program's own crates: not those of what sends them.
pub(super) fn layer<S>(tracer: SdkTracer) -> impl tracing_subscriber::Layer<S> + Send + Sync
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a> + Send + Sync,
{
    // No events: lines of the log name participants.
    let own = filter_fn(|metadata| {
        let is_own = ["ceremony_net", "zk_ceremony"]
            .into_iter()
            .any(|own| metadata.target().split("::").next() == Some(own));
        metadata.is_span() && is_own
    });
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_filter(own.with_max_level_hint(LevelFilter::DEBUG))
}

fn header() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let context: &SpanContext = span.span_context();
    context.is_valid().then(|| {
        format!(
            "00-{}-{}-{:02x}",
            context.trace_id(),
            context.span_id(),
            context.trace_flags().to_u8()
        )
    })
}

fn adopt(span: &Span, header: &str) {
    let carried = HashMap::from([("traceparent".to_owned(), header.to_owned())]);
    let parent = TraceContextPropagator::new().extract(&carried);
    if parent.span().span_context().is_valid() {
        let _ = span.set_parent(parent);
    }
}
