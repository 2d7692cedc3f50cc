//! Connections: how many, how long they may take, and TLS.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;
use zk_attest::diagnostic::Diagnostic;

use super::core::Core;
use super::http::{App, Peer, router};
use super::limits::{
    CONNECTION_BUFFER, CONNECTIONS, CONNECTIONS_OF_ADDRESS, HEAD_TIME, STOP_TIME, STREAMS,
};
use super::rates::{Rates, network};

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct Tls(Arc<rustls::ServerConfig>);

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
        let config = rustls::ServerConfig::builder_with_provider(crate::tls::provider())
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(certificates, secret)
            });
        let mut config =
            config.map_err(|error| refused(chain, &error, "the certificate of the private key"))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

/// Connections by address.
#[derive(Debug, Default)]
struct Counts(Mutex<HashMap<IpAddr, usize>>);

/// A connection that is counted as long as this lives.
struct Counted(Arc<Counts>, IpAddr);

impl Counts {
    /// Counts a connection, if there may be one more.
    fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Counted> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = counts.values().sum();
        let of_address = counts.get(&address).copied().unwrap_or_default();
        if all >= CONNECTIONS || of_address >= CONNECTIONS_OF_ADDRESS {
            return None;
        }
        counts.insert(address, of_address + 1);
        Some(Counted(self.clone(), address))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.1);
            }
        }
    }
}

/// Listens, and answers until it is told to stop.
pub(crate) async fn listen(
    core: Arc<Core>,
    address: SocketAddr,
    tls: Option<Tls>,
    stopped: watch::Receiver<bool>,
) -> Result<(SocketAddr, JoinHandle<()>), Diagnostic> {
    let failed = |error: std::io::Error| {
        Diagnostic::environment("listen", format_args!("listening failed: {error}"))
            .at(address)
            .hint("name another address with --listen, or stop what uses this one")
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let rates = Arc::new(Rates::new());
    let router =
        router(App { core, rates: rates.clone(), heavy: Arc::new(tokio::sync::Semaphore::new(1)) });
    let acceptor = tls.map(|Tls(config)| TlsAcceptor::from(config));
    Ok((bound, tokio::spawn(accept(listener, router, acceptor, rates, stopped))))
}

async fn accept(
    listener: TcpListener,
    router: Router,
    acceptor: Option<TlsAcceptor>,
    rates: Arc<Rates>,
    mut stopped: watch::Receiver<bool>,
) {
    let counts = Arc::new(Counts::default());
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
        let Some(counted) = counts.admit(network(peer.ip())) else { continue };
        let _ = stream.set_nodelay(true);
        let (router, acceptor, watcher) = (router.clone(), acceptor.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _counted = counted;
            serve(stream, peer.ip(), router, acceptor, watcher).await;
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(STOP_TIME, graceful.shutdown()).await;
}

async fn serve(
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
    acceptor: Option<TlsAcceptor>,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let service = router.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        request
    });
    let service = TowerToHyperService::new(service);
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
        .max_header_list_size(16 * 1024);
    // What goes wrong on a connection is its client's business. The version is known beforehand, so
    // that nobody holds a connection by not saying it.
    match acceptor {
        None => {
            let builder = builder.http1_only();
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            let _ = watcher.watch(connection.into_owned()).await;
        }
        Some(acceptor) => {
            let Ok(Ok(stream)) = tokio::time::timeout(HEAD_TIME, acceptor.accept(stream)).await
            else {
                return;
            };
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let builder = if is_http2 { builder.http2_only() } else { builder.http1_only() };
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            let _ = watcher.watch(connection.into_owned()).await;
        }
    }
}
