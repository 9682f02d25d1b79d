//! Starting the authority: its listeners, the publishers, the upkeep.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use tenantry_rules::random::{Random, SystemRandom};
use tenantry_store::Store;
use tokio::io::DuplexStream;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::gates::{self, Asked, Gates};
use crate::guess::Queues;
use crate::hashing::HashingPool;
use crate::limits::{Limiter, LocalLimiter, Quotas};
use crate::listen::{Port, TlsError, TlsFiles};
use crate::metrics::Metrics;
use crate::places::Places;
use crate::policy::Policy;
use crate::problem::Problem;
use crate::seldom::Seldom;
use crate::state::{AppState, Inner};
use crate::{admin, edge, files, pages, publish, routes, stream, upkeep};

/// Bytes of the directory stream that may wait for a follower in this process.
const STREAM_BUFFER: usize = 256 * 1024;
/// How long requests in flight may take to end.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Most connections to the listener for probes.
const MOST_PROBES: usize = 256;

/// Most connections at a time, by listener. Beyond that the oldest that has not shown a gate's credential is closed for a new one, or
/// the new one where all have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MostConnections {
    /// For requests.
    pub requests: usize,
    /// The directory stream: one a gate, and another for a moment every few minutes.
    pub stream: usize,
}

impl Default for MostConnections {
    fn default() -> Self {
        Self { requests: 4096, stream: 1024 }
    }
}

/// What an authority is started with.
pub struct AuthorityConfig {
    /// Where gates reach it; port 0 allowed. Without `tls` only a loopback address.
    pub listen: SocketAddr,
    /// Where gates of other processes follow the directory.
    pub stream: Option<SocketAddr>,
    /// Probes and metrics.
    pub admin: Option<SocketAddr>,
    /// The certificate for `listen` and `stream`.
    pub tls: Option<TlsFiles>,
    /// Most connections.
    pub connections: MostConnections,
    /// Who is a gate.
    pub gates: Arc<dyn Gates>,
    /// The database, with the Backend's settings in it.
    pub store: Store,
    /// What the manifest says of sign-up, passwords and keys.
    pub policy: Policy,
    /// Rate limits; `None`: counted in this process, with the default quotas.
    pub limiter: Option<Box<dyn Limiter>>,
    /// Where secrets come from; `None`: the system.
    pub random: Option<Arc<dyn Random>>,
}

/// Why an authority did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener could not be bound.
    #[error(
        "the authority cannot listen on {address}: {source}; stop what listens there, or choose another address"
    )]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// Credentials and passwords would cross a network in the clear.
    #[error(
        "without a certificate the authority may only listen on a loopback address such as 127.0.0.1, not {0}; give it one"
    )]
    PlainNotLoopback(SocketAddr),
    /// The certificate or its key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No threads for hashing.
    #[error("the threads for password hashing cannot be started: {0}")]
    Threads(#[source] std::io::Error),
}

/// The identity plane.
pub struct Authority;

/// What was bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// For requests.
    pub requests: SocketAddr,
    /// The directory stream.
    pub stream: Option<SocketAddr>,
    /// Probes and metrics.
    pub admin: Option<SocketAddr>,
}

/// A started authority.
pub struct Running {
    addresses: Addresses,
    state: AppState,
    tls: Option<(TlsFiles, RustlsConfig)>,
    handles: Vec<Handle<SocketAddr>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Authority {
    /// Binds the listeners and starts everything on the current runtime, of which there must be one.
    pub fn start(config: AuthorityConfig) -> Result<Running, StartError> {
        let open = [Some(config.listen), config.stream];
        if let Some(address) = open.into_iter().flatten().find(|address| !address.ip().is_loopback())
            && config.tls.is_none()
        {
            return Err(StartError::PlainNotLoopback(address));
        }
        let tls = match config.tls {
            Some(files) => {
                let loaded = RustlsConfig::from_config(files.load()?);
                Some((files, loaded))
            }
            None => None,
        };
        let requests = Bound::new(config.listen)?;
        let stream = config.stream.map(Bound::new).transpose()?;
        let admin = config.admin.map(Bound::new).transpose()?;
        let addresses = Addresses {
            requests: requests.address,
            stream: stream.as_ref().map(|bound| bound.address),
            admin: admin.as_ref().map(|bound| bound.address),
        };
        let state = AppState(Arc::new(Inner {
            store: config.store,
            hashing: HashingPool::start_default().map_err(StartError::Threads)?,
            limiter: ArcSwap::from_pointee(
                config.limiter.unwrap_or_else(|| Box::new(LocalLimiter::new(Quotas::default()))),
            ),
            random: config.random.unwrap_or_else(|| Arc::new(SystemRandom)),
            policy: ArcSwap::from_pointee(config.policy),
            log: publish::Log::default(),
            view: ArcSwapOption::empty(),
            published: watch::Sender::new(0),
            changed: Notify::new(),
            queues: Queues::default(),
            metrics: Metrics::new(),
            strangers: Seldom::default(),
            leaving: AtomicBool::new(false),
        }));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let pair = tls.as_ref().map(|(_, pair)| pair.clone());
        let most = config.connections;
        files::make_room(most.requests.saturating_add(most.stream).saturating_add(MOST_PROBES));
        let places = |listener, most| Places::new(most, state.metrics.connections(listener));
        let router = router(state.clone(), Arc::clone(&config.gates));
        let mut handles =
            vec![requests.serve(router, pair.clone(), places("requests", most.requests), &tasks)?];
        if let Some(stream_port) = stream {
            let router = stream::router(state.clone(), config.gates, stop.clone(), tasks.clone());
            handles.push(stream_port.serve(router, pair, places("stream", most.stream), &tasks)?);
        }
        if let Some(admin_port) = admin {
            let router = admin::router(state.clone());
            handles.push(admin_port.serve(router, None, places("admin", MOST_PROBES), &tasks)?);
        }
        tasks.spawn(publish::read_for_all(state.clone(), stop.clone()));
        tasks.spawn(upkeep::run(state.clone(), stop.clone()));
        Ok(Running { addresses, state, tls, handles, stop, tasks })
    }
}

/// A port and what it was bound to.
struct Bound {
    port: Port,
    address: SocketAddr,
}

impl Bound {
    fn new(address: SocketAddr) -> Result<Self, StartError> {
        let bind = |source| StartError::Bind { address, source };
        let port = Port::bind(address).map_err(bind)?;
        let address = port.address().map_err(bind)?;
        Ok(Self { port, address })
    }

    fn serve(
        self,
        router: Router,
        tls: Option<RustlsConfig>,
        places: Places,
        tasks: &TaskTracker,
    ) -> Result<Handle<SocketAddr>, StartError> {
        let Self { port, address } = self;
        port.serve(router, tls, places, tasks).map_err(|source| StartError::Bind { address, source })
    }
}

/// Everything the authority answers, behind the proof that a gate asks.
fn router(state: AppState, gates: Arc<dyn Gates>) -> Router {
    Router::new()
        .merge(routes::router())
        .merge(pages::router())
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(from_fn_with_state(state.clone(), edge::trace))
        .layer(from_fn_with_state(Asked { state: state.clone(), gates }, gates::only_a_gate))
        .with_state(state)
}

impl Running {
    /// What was bound.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Reads the certificate again. Connections that stand keep theirs; a bad pair is refused and the old one serves on.
    pub fn reload_tls(&self) -> Result<(), TlsError> {
        if let Some((files, pair)) = &self.tls {
            pair.reload_from_config(files.load()?);
        }
        Ok(())
    }

    /// Says to probes that requests should go elsewhere; those that come are still answered.
    pub fn leave(&self) {
        self.state.leaving.store(true, Ordering::Release);
    }

    /// A new directory stream for a gate in this process: the encoded frames that a network would carry.
    pub fn follow(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(STREAM_BUFFER);
        let now = Instant::now();
        self.tasks.spawn(publish::to_follower(self.state.clone(), None, now, ours, self.stop.clone()));
        theirs
    }

    /// Takes another policy from now on.
    pub fn set_policy(&self, policy: Policy) {
        self.state.policy.store(Arc::new(policy));
    }

    /// Counts with another limiter from now on; what was counted before is forgotten.
    pub fn set_limiter(&self, limiter: Box<dyn Limiter>) {
        self.state.limiter.store(Arc::new(limiter));
    }

    /// Waits until it has read the directory and can answer, at most `limit`; false where it was not in time.
    pub async fn wait_ready(&self, limit: Duration) -> bool {
        let mut published = self.state.published.subscribe();
        tokio::time::timeout(limit, published.wait_for(|version| *version > 0))
            .await
            .is_ok_and(|ready| ready.is_ok())
    }

    /// Passwords hashed or compared since the start: what logins cost, as a count.
    pub fn passwords_hashed(&self) -> u64 {
        self.state.hashing.jobs_done()
    }

    /// Tells the publishers that something was written, so that they look before their next poll.
    pub fn changed(&self) {
        self.state.changed.notify_waiters();
    }

    /// Ends the streams, lets requests in flight finish within ten seconds, and waits for all of it.
    pub async fn stop(&self) {
        self.leave();
        self.stop.cancel();
        for handle in &self.handles {
            handle.graceful_shutdown(Some(STOP_WITHIN));
        }
        self.tasks.close();
        self.tasks.wait().await;
    }
}
