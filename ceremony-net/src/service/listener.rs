//! Connections: how many, how long they may take, and TLS.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use ceremony_folder::enrolment;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;
use zk_attest::diagnostic::Diagnostic;

use super::core::Core;
use super::counts::{Counted, Counts};
use super::dashboard::Dashboard;
use super::http::{App, Peer, router};
use super::in_use::Watch;
use super::limits::{
    CONNECTION_BUFFER, CONNECTIONS, CONNECTIONS_OF_ADDRESS, DOWNLOADS, DOWNLOADS_OF_ONE, HEAD_TIME,
    LISTENERS, LISTENERS_OF_ONE, OTHER_FILES, SEND_BUFFER, STATEMENTS, STATEMENTS_OF_ONE,
    STOP_TIME, STREAM_BUFFER, STREAMS,
};
use super::proxies::Proxies;
use super::rates::{Rates, network};
use super::security::{Kind, Security};

/// Connections that wait to be accepted: more than come in the moment between two.
const BACKLOG: u32 = 1024;

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<rustls::ServerConfig>,
    not_after: f64,
}

impl Tls {
    /// Reads PEM files: the chain, the server's own certificate first, and the private key.
    ///
    /// # Errors
    /// When they cannot be read, or do not belong together.
    pub fn read(chain: &Path, key: &Path) -> Result<Self, Diagnostic> {
        let refused = |path: &Path, error: &dyn std::fmt::Display, expected: &str| {
            Diagnostic::artefact("tls", format_args!("no TLS with this file: {error}"))
                .at(path.display())
                .expected(expected)
        };
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(chain)
            .and_then(Iterator::collect)
            .map_err(|error| refused(chain, &error, "certificates in PEM"))?;
        let secret = PrivateKeyDer::from_pem_file(key)
            // The error may quote what it found.
            .map_err(|_| refused(key, &"it has no private key", "a private key in PEM"))?;
        let not_after = certificates.first().and_then(not_after).unwrap_or_default();
        let config = rustls::ServerConfig::builder_with_provider(crate::tls::provider())
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(certificates, secret)
            });
        let mut config =
            config.map_err(|error| refused(chain, &error, "the certificate of the private key"))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), not_after })
    }

    /// When the certificate runs out, in seconds since 1970.
    pub(super) fn not_after(&self) -> f64 {
        self.not_after
    }
}

/// When a certificate runs out; none where it does not say so in a way that is understood.
fn not_after(certificate: &CertificateDer<'static>) -> Option<f64> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(parsed.validity().not_after.timestamp() as f64)
}

/// How many connections a listener has room for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// All in all.
    pub(crate) connections: usize,
    /// Of one address.
    pub(crate) of_address: usize,
}

impl Room {
    /// What a service is for.
    pub(crate) const SERVICE: Self =
        Self { connections: CONNECTIONS, of_address: CONNECTIONS_OF_ADDRESS };
}

/// How many connections and downloads the open files of this process are enough for.
fn room(files: usize) -> (usize, usize) {
    let files = files.saturating_sub(OTHER_FILES).max(8);
    let downloads = DOWNLOADS.min(files / 4);
    (CONNECTIONS.min(files - downloads), downloads)
}

/// The open files that this process may have, after it asked for as many as it can use.
#[cfg(unix)]
fn open_files() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = (CONNECTIONS + DOWNLOADS + OTHER_FILES) as u64;
    if limit.current.is_some_and(|now| now < wanted) {
        let before = limit.current;
        limit.current = Some(limit.maximum.map_or(wanted, |most| most.min(wanted)));
        if setrlimit(Resource::Nofile, limit).is_err() {
            limit.current = before;
        }
    }
    limit.current.and_then(|now| usize::try_from(now).ok()).unwrap_or(usize::MAX)
}

#[cfg(not(unix))]
fn open_files() -> usize {
    usize::MAX
}

/// Listens without TLS, and answers with these routes until it is told to stop.
pub(crate) async fn bare(
    router: Router,
    address: SocketAddr,
    wanted: Room,
    security: Arc<Security>,
    stopped: watch::Receiver<bool>,
) -> Result<(SocketAddr, JoinHandle<()>), Diagnostic> {
    let (listener, bound) = bind(address).await?;
    // Nobody enrols here.
    let rates = Arc::new(Rates::new(0));
    let connections = room(open_files()).0.min(wanted.connections);
    let admission = Admission {
        strangers: Counts::new(connections, wanted.of_address.min(connections)),
        proxied: Counts::new(connections, connections),
        proxies: Arc::new(Proxies(Vec::new())),
        security,
    };
    Ok((bound, tokio::spawn(accept(listener, router, None, rates, admission, stopped))))
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Diagnostic> {
    let failed = |error: std::io::Error| {
        Diagnostic::environment("listen", format_args!("listening failed: {error}"))
            .at(address)
            .hint("name another address with --listen, or stop what uses this one")
    };
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = socket.map_err(failed)?;
    #[cfg(unix)]
    socket.set_reuseaddr(true).map_err(failed)?;
    // Connections inherit it.
    socket.set_send_buffer_size(SEND_BUFFER).map_err(failed)?;
    socket.bind(address).map_err(failed)?;
    let listener = socket.listen(BACKLOG).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Listens, and answers until it is told to stop.
pub(crate) async fn listen(
    core: Arc<Core>,
    address: SocketAddr,
    tls: Option<Tls>,
    stopped: watch::Receiver<bool>,
) -> Result<(SocketAddr, JoinHandle<()>), Diagnostic> {
    let (listener, bound) = bind(address).await?;
    let most = enrolment::most_an_hour(&core.state().view.ceremony.config);
    let rates = Arc::new(Rates::new(most));
    let (connections, downloads) = room(open_files());
    if connections < CONNECTIONS {
        tracing::warn!("{connections} connections at most: this process may not open more files");
    }
    let proxies = Arc::new(Proxies(core.options.trusted_proxies.clone()));
    let security = core.security.clone();
    let router = router(App {
        core,
        rates: rates.clone(),
        proxies: proxies.clone(),
        downloads: Counts::new(downloads, DOWNLOADS_OF_ONE.min(downloads)),
        heavy: Arc::new(tokio::sync::Semaphore::new(1)),
        statements: Counts::new(STATEMENTS, STATEMENTS_OF_ONE),
        dashboard: Dashboard::default(),
        listeners: Counts::new(LISTENERS, LISTENERS_OF_ONE),
        stopped: stopped.clone(),
    });
    let acceptor = tls.map(|tls| TlsAcceptor::from(tls.config));
    let admission = Admission {
        strangers: Counts::new(connections, CONNECTIONS_OF_ADDRESS.min(connections)),
        proxied: Counts::new(connections, connections),
        proxies,
        security,
    };
    Ok((bound, tokio::spawn(accept(listener, router, acceptor, rates, admission, stopped))))
}

/// Which connections are let in. A proxy's are its clients': there is no limit of one address.
struct Admission {
    strangers: Arc<Counts<IpAddr>>,
    proxied: Arc<Counts<IpAddr>>,
    proxies: Arc<Proxies>,
    security: Arc<Security>,
}

impl Admission {
    fn admit(&self, peer: IpAddr) -> Option<Counted<IpAddr>> {
        let counts = if self.proxies.contains(peer) { &self.proxied } else { &self.strangers };
        let admitted = counts.admit(network(peer));
        if admitted.is_none() {
            self.security.note(Kind::TooManyConnections);
        }
        admitted
    }
}

async fn accept(
    listener: TcpListener,
    router: Router,
    acceptor: Option<TlsAcceptor>,
    rates: Arc<Rates>,
    admission: Admission,
    mut stopped: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files, for example: those that are open end some time.
                tracing::error!("accepting a connection failed: {error}");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        rates.forget_idle();
        let Some(counted) = admission.admit(peer.ip()) else { continue };
        let _ = stream.set_nodelay(true);
        let (router, acceptor, watcher) = (router.clone(), acceptor.clone(), graceful.watcher());
        let security = admission.security.clone();
        tokio::spawn(async move {
            let _counted = counted;
            let counts = security.counts_bytes();
            if !serve(stream, peer.ip(), router, acceptor, counts, watcher).await {
                security.note(Kind::FailedHandshake);
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(STOP_TIME, graceful.shutdown()).await;
}

/// TLS, where there is one, and then requests. What goes wrong on a connection is its client's
/// business. False when there was no connection: the handshake failed.
async fn serve(
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
    acceptor: Option<TlsAcceptor>,
    counts_bytes: bool,
    watcher: Watcher,
) -> bool {
    let Some(acceptor) = acceptor else {
        answer(stream, peer, router, (false, counts_bytes), watcher).await;
        return true;
    };
    let handshake = async {
        // A probe of the port is a client that says nothing and goes.
        match stream.peek(&mut [0]).await {
            Ok(0) | Err(_) => Ok(None),
            Ok(_) => acceptor.accept(stream).await.map(Some),
        }
    };
    match tokio::time::timeout(HEAD_TIME, handshake).await {
        Ok(Ok(Some(stream))) => {
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            answer(stream, peer, router, (is_http2, counts_bytes), watcher).await;
            true
        }
        Ok(Ok(None)) => true,
        Ok(Err(_)) | Err(_) => false,
    }
}

/// Answers requests until the connection is over. The version is known beforehand, so that nobody
/// holds a connection by not saying it.
async fn answer<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: IpAddr,
    router: Router,
    (is_http2, counts_bytes): (bool, bool),
    watcher: Watcher,
) {
    let watch = Watch::new(counts_bytes);
    let watched = watch.clone();
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let (router, watch, busy) = (router.clone(), watched.clone(), watched.request());
        async move {
            let request = request.map(|body| watch.question(body));
            let answer = router.oneshot(request).await;
            let answer = answer.map(|answer| answer.map(|body| watch.answer(body)));
            drop(busy);
            answer
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(CONNECTION_BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEAD_TIME)
        .keep_alive_timeout(HEAD_TIME)
        .max_concurrent_streams(STREAMS)
        .max_send_buf_size(STREAM_BUFFER)
        .max_header_list_size(16 * 1024);
    let builder = if is_http2 { builder.http2_only() } else { builder.http1_only() };
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    tokio::select! {
        _ = watcher.watch(connection) => {}
        () = watch.over() => {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::routing::get;
    use http_body_util::{BodyExt as _, Empty};
    use hyper::body::Bytes;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::Instant;

    use super::super::limits::{IDLE_TIME, METRICS_CONNECTIONS, STALL_TIME};
    use super::*;

    #[test]
    fn open_files_are_enough_for_what_is_let_in() {
        for files in [0, 100, 256, 1024, 4096, usize::MAX] {
            let (connections, downloads) = room(files);
            assert!(connections >= 1 && downloads >= 1, "{files}");
            if files > 2 * OTHER_FILES {
                assert!(connections + downloads + OTHER_FILES <= files, "{files}");
            }
        }
        assert_eq!(room(usize::MAX), (CONNECTIONS, DOWNLOADS));
        assert!(open_files() > OTHER_FILES);
        // A node's metrics are listened to by the same process.
        let (connections, downloads) = room(1024);
        assert!(connections + downloads + METRICS_CONNECTIONS + 128 <= 1024);
    }

    /// A connection whose client holds the other end, and the moment at which the service ended it.
    fn connect(is_http2: bool) -> (tokio::io::DuplexStream, JoinHandle<Instant>) {
        let (client, service) = tokio::io::duplex(1 << 16);
        let large = || async { vec![7; 1 << 20] };
        let router = Router::new().route("/large", get(large)).route("/", get(|| async { "ok" }));
        let peer = IpAddr::from([127, 0, 0, 1]);
        let task = tokio::spawn(async move {
            let kind = (is_http2, false);
            answer(service, peer, router, kind, GracefulShutdown::new().watcher()).await;
            Instant::now()
        });
        (client, task)
    }

    /// At this time, or one or two pieces later that still fit into a buffer.
    fn is_about(found: Duration, after: Duration) -> bool {
        found >= after && found <= 3 * after
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_no_answer_loses_its_connection() {
        for is_http2 in [false, true] {
            let (mut client, service) = connect(is_http2);
            let begun = Instant::now();
            if is_http2 {
                let (mut send, connection) =
                    hyper::client::conn::http2::Builder::new(TokioExecutor::new())
                        .initial_stream_window_size(1 << 15)
                        .handshake::<_, Empty<Bytes>>(TokioIo::new(client))
                        .await
                        .unwrap();
                let driver = tokio::spawn(connection);
                let request = hyper::Request::get("http://a/large").body(Empty::new()).unwrap();
                let answer = send.send_request(request).await.unwrap();
                let ended = service.await.unwrap() - begun;
                assert!(is_about(ended, STALL_TIME), "{ended:?}");
                assert!(answer.into_body().collect().await.is_err());
                let _ = driver.await;
            } else {
                client.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
                let ended = service.await.unwrap() - begun;
                assert!(is_about(ended, STALL_TIME), "{ended:?}");
                let mut taken = Vec::new();
                client.read_to_end(&mut taken).await.unwrap();
                assert!(taken.len() < 1 << 17, "{}", taken.len());
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_request_ends() {
        for is_http2 in [false, true] {
            let (client, service) = connect(is_http2);
            let begun = Instant::now();
            if is_http2 {
                let (mut send, connection) =
                    hyper::client::conn::http2::Builder::new(TokioExecutor::new())
                        .handshake::<_, Empty<Bytes>>(TokioIo::new(client))
                        .await
                        .unwrap();
                // Answers the service's pings for ever.
                let driver = tokio::spawn(connection);
                let request = hyper::Request::get("http://a/").body(Empty::new()).unwrap();
                let body = send.send_request(request).await.unwrap().into_body();
                assert_eq!(body.collect().await.unwrap().to_bytes(), "ok");
                let ended = service.await.unwrap() - begun;
                assert!(is_about(ended, IDLE_TIME), "{ended:?}");
                let _ = driver.await;
                drop(send);
            } else {
                let ended = service.await.unwrap() - begun;
                assert!(ended <= IDLE_TIME, "{ended:?}");
                drop(client);
            }
        }
    }
}
