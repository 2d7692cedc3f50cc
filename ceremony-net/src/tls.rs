//! Which cryptography TLS uses: one provider for both sides.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The provider of this crate, whatever else the process has installed.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
