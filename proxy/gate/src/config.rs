//! What a process gives its gate: addresses, certificate, authority, directory, and where to publish the assertion key.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::authority::{Credential, Trust};
use crate::directory::DirectorySource;

/// Everything a gate needs to start. What belongs to the Backend arrives through the directory instead.
pub struct GateConfig {
    /// TLS listeners. Port 0 is allowed; [`crate::Running::addresses`] says what was bound.
    pub listen: Vec<SocketAddr>,
    /// Plaintext listeners: loopback addresses only, anything else is refused at start.
    pub plain: Vec<SocketAddr>,
    /// Probes, metrics and the assertion key set.
    pub admin: Option<SocketAddr>,
    /// Where the certificate comes from.
    pub tls: TlsSource,
    /// Threads that serve requests, each with a runtime, listeners and upstream pool of its own; 0 means one a core.
    pub workers: usize,
    /// Where `/api/auth/*`, key sets and pages are served.
    pub authority: AuthorityEndpoint,
    /// Where directory frames come from.
    pub directory: Arc<dyn DirectorySource>,
    /// `jwks.json` with the public half of the assertion key is written here; no file where it is `None`.
    pub assertion_folder: Option<PathBuf>,
    /// The time that tokens are judged by.
    pub clock: GateClock,
}

/// The certificate for the TLS listeners.
#[derive(Debug, Clone)]
pub enum TlsSource {
    /// `tls.crt` and `tls.key` in this folder; made on first start for the loopback names and `names`.
    Folder {
        /// Created with mode 0700 where it does not exist.
        folder: PathBuf,
        /// Further DNS names and addresses, usually the host of the public URL.
        names: Vec<String>,
    },
    /// PEM files that somebody else keeps; read again by [`crate::Running::reload_tls`].
    Files {
        /// The chain, leaf first.
        certificate: PathBuf,
        /// The private key: PKCS#8, PKCS#1 or SEC1.
        key: PathBuf,
    },
}

/// One of the authority's listeners as the gate reaches it.
#[derive(Clone)]
pub struct AuthorityEndpoint {
    /// `host:port`, looked up at each new connection.
    pub address: String,
    /// Who counts as the authority. `None` is plain HTTP, which [`crate::Gate::start`] takes for this machine alone.
    pub tls: Option<Trust>,
    /// Proves to the authority that a request comes from a gate; sent as `x-tenantry-gate`.
    pub credential: Credential,
}

impl fmt::Debug for AuthorityEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorityEndpoint").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Reads the wall clock, or whatever a test puts in its place: milliseconds since the Unix epoch.
#[derive(Clone)]
pub struct GateClock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl GateClock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::from_fn(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }

    /// Any source of time.
    pub fn from_fn(now_millis: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_millis))
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_millis(&self) -> i64 {
        (self.0)()
    }
}

impl Default for GateClock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for GateClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GateClock")
    }
}
