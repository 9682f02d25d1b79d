//! Starting the authority: a loopback listener for gates, the publishers, the upkeep.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use secrecy::SecretString;
use tenantry_rules::random::{Random, SystemRandom};
use tenantry_store::Store;
use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::edge;
use crate::guess::Queues;
use crate::hashing::HashingPool;
use crate::limits::{Limiter, LocalLimiter, Quotas};
use crate::policy::Policy;
use crate::problem::Problem;
use crate::state::{AppState, Inner};
use crate::{pages, publish, routes, upkeep};

/// Bytes of the directory stream that may wait for a follower in this process.
const STREAM_BUFFER: usize = 256 * 1024;

/// What an authority is started with.
pub struct AuthorityConfig {
    /// Where gates reach it; loopback in stand-alone, port 0 allowed.
    pub listen: SocketAddr,
    /// What a gate proves itself with.
    pub credential: SecretString,
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
    /// The listener could not be bound.
    #[error("the authority cannot listen on {address}: {source}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// No threads for hashing.
    #[error("the threads for password hashing cannot be started: {0}")]
    Threads(#[source] std::io::Error),
}

/// The identity plane.
pub struct Authority;

/// A started authority.
pub struct Running {
    address: SocketAddr,
    state: AppState,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Authority {
    /// Binds the listener and starts everything on the current runtime.
    pub async fn start(config: AuthorityConfig) -> Result<Running, StartError> {
        let bind = |source| StartError::Bind { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
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
        }));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let router = router(state.clone(), config.credential);
        let stopped = stop.clone();
        tasks.spawn(async move {
            let served =
                axum::serve(listener, router).with_graceful_shutdown(stopped.cancelled_owned()).await;
            if let Err(error) = served {
                tracing::error!(%error, "the authority's listener ended");
            }
        });
        tasks.spawn(publish::read_for_all(state.clone(), stop.clone()));
        tasks.spawn(upkeep::run(state.clone(), stop.clone()));
        Ok(Running { address, state, stop, tasks })
    }
}

/// Everything the authority answers, behind the proof that a gate asks.
fn router(state: AppState, credential: SecretString) -> Router {
    Router::new()
        .merge(routes::router())
        .merge(pages::router())
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(from_fn(edge::trace))
        .layer(from_fn_with_state(Arc::new(credential), edge::only_a_gate))
        .with_state(state)
}

impl Running {
    /// Where gates reach it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A new directory stream for a gate in this process: the encoded frames that a network would carry.
    pub fn follow(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(STREAM_BUFFER);
        self.tasks.spawn(publish::to_follower(self.state.clone(), None, ours, self.stop.clone()));
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

    /// Ends the streams, lets requests in flight finish, and waits for all of it.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
