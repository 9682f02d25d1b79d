//! TLS 1.2 and 1.3 for clients, with ALPN for HTTP/2 and HTTP/1.1. `certificate` makes or reads the pair.

mod certificate;

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{cipher_suite, default_provider, kx_group};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::TlsSource;
use crate::start::TlsError;

/// The pair that new connections get; those that stand keep theirs.
#[derive(Clone)]
pub(crate) struct Certificates {
    source: TlsSource,
    current: Arc<Current>,
}

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Certificates {
    /// Reads the pair, or makes it where it is ours to make.
    pub fn open(source: TlsSource) -> Result<Self, TlsError> {
        let pair = certificate::load(&source, &provider())?;
        Ok(Self { source, current: Arc::new(Current(ArcSwap::from_pointee(pair))) })
    }

    /// Reads the pair again; a bad one is refused and the old one stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        let pair = certificate::load(&self.source, &provider())?;
        self.current.0.store(Arc::new(pair));
        Ok(())
    }

    /// The server's side of handshakes. No early data: a request could be replayed.
    pub fn server_config(&self) -> Result<ServerConfig, TlsError> {
        let generate = |error: rustls::Error| TlsError::Generate(error.to_string());
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(generate)?
            .with_no_client_auth()
            .with_cert_resolver(self.current.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ignore_client_order = true;
        config.send_tls13_tickets = 1;
        config.max_early_data_size = 0;
        config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().map_err(generate)?;
        Ok(config)
    }
}

/// AES-128-GCM first: the cheapest of the strong suites on machines that have AES instructions.
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
        ..default_provider()
    }
}
