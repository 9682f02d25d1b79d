//! The authority's ports: TLS wherever another machine could listen in, a bound on connections, and time-outs on each of them.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

use crate::places::Places;

/// How long a peer may take to prove that it speaks TLS, and then to send a request's head.
const BEGIN_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection may rest between two requests; gates close theirs earlier.
const REST: Duration = Duration::from_mins(1);

/// A certificate and its key as PEM files, which somebody else keeps and renews.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, leaf first.
    pub certificate: PathBuf,
    /// The private key: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

/// What is wrong with a certificate or its key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file without what is expected in it.
    #[error("{path} holds no {what} in PEM form")]
    Pem {
        /// The file.
        path: PathBuf,
        /// "certificate" or "private key".
        what: &'static str,
    },
    /// The two do not belong together, or are of a kind that is not supported.
    #[error("the certificate {path} cannot be used: {source}; check that the key belongs to it")]
    Pair {
        /// The certificate's file.
        path: PathBuf,
        /// What the TLS library says.
        source: rustls::Error,
    },
}

impl TlsFiles {
    /// The server's side of handshakes with this pair: TLS 1.2 and 1.3, HTTP/1.1.
    pub(crate) fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|source| TlsError::Read { path: path.clone(), source })
        };
        let pem = read(&self.certificate)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain =
            chain.ok_or_else(|| TlsError::Pem { path: self.certificate.clone(), what: "certificate" })?;
        let pem = Zeroizing::new(read(&self.key)?);
        let key = PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|_| TlsError::Pem { path: self.key.clone(), what: "private key" })?;
        let pair = |source| TlsError::Pair { path: self.certificate.clone(), source };
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(pair)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(pair)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.max_early_data_size = 0;
        Ok(Arc::new(config))
    }
}

/// A port that is listened on, before anything answers there.
pub(crate) struct Port(TcpListener);

impl Port {
    /// Listens.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// What was bound.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Answers there until the handle says otherwise; over TLS where there is a certificate.
    pub fn serve(
        self,
        router: Router,
        tls: Option<RustlsConfig>,
        places: Places,
        tasks: &TaskTracker,
    ) -> io::Result<Handle<SocketAddr>> {
        let handle = Handle::new();
        let mut server = axum_server::from_tcp(self.0)?
            .handle(handle.clone())
            .first_request_timeout(BEGIN_WITHIN)
            .http1_only();
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(REST);
        let service = router.into_make_service();
        match tls {
            Some(config) => {
                let acceptor = RustlsAcceptor::new(config).handshake_timeout(BEGIN_WITHIN);
                let server = server.acceptor(acceptor.acceptor(places));
                tasks.spawn(async move { said(server.serve(service).await) });
            }
            None => {
                let server = server.acceptor(places);
                tasks.spawn(async move { said(server.serve(service).await) });
            }
        }
        Ok(handle)
    }
}

fn said(served: io::Result<()>) {
    if let Err(error) = served {
        tracing::error!(%error, "a listener of the authority ended");
    }
}
