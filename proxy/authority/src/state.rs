//! What every request shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use tenantry_directory::{BackendSettings, View};
use tenantry_rules::random::Random;
use tenantry_store::{Store, Tx};
use tokio::sync::{Notify, watch};

use crate::guess::Queues;
use crate::hashing::HashingPool;
use crate::limits::{Key, Limiter, Scope};
use crate::metrics::Metrics;
use crate::policy::Policy;
use crate::problem::Problem;
use crate::publish::Log;
use crate::seldom::Seldom;

/// How long an answer waits for gates to hear what it changed.
const PUBLISH_WITHIN: Duration = Duration::from_secs(1);

/// A handle on the authority's state; cloning shares it.
#[derive(Clone)]
pub(crate) struct AppState(pub Arc<Inner>);

pub(crate) struct Inner {
    pub store: Store,
    pub hashing: HashingPool,
    pub limiter: ArcSwap<Box<dyn Limiter>>,
    pub random: Arc<dyn Random>,
    pub policy: ArcSwap<Policy>,
    /// What gates are told of the directory.
    pub log: Log,
    /// The directory as this process publishes it.
    pub view: ArcSwapOption<View>,
    /// The version of `view`.
    pub published: watch::Sender<i64>,
    /// Wakes the publishers before their next poll.
    pub changed: Notify,
    pub queues: Queues,
    pub metrics: Metrics,
    /// Peers that showed no gate's credential.
    pub strangers: Seldom,
    /// Whether it is about to stop.
    pub leaving: AtomicBool,
}

impl std::ops::Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl AppState {
    /// Whether it is about to stop.
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    /// The directory as it was last published; 503 before the first time.
    pub fn view(&self) -> Result<Arc<View>, Problem> {
        self.view.load_full().ok_or_else(Problem::unavailable)
    }

    /// What gates know of the Backend.
    pub fn settings(&self) -> Result<Arc<BackendSettings>, Problem> {
        Ok(self.view()?.backend.clone())
    }

    /// Counts an attempt against the client's address, then against an account.
    pub async fn limit(
        &self,
        scope: Scope,
        address: std::net::IpAddr,
        account: Option<&str>,
    ) -> Result<(), Problem> {
        let limiter = self.limiter.load_full();
        limiter.check(scope, &Key::address(address)).await.map_err(Problem::too_many)?;
        if let Some(account) = account {
            limiter.check(scope, &Key::account(account)).await.map_err(Problem::too_many)?;
        }
        Ok(())
    }

    /// Commits, and waits until what it changed has been published, so that the client's next request meets gates that
    /// know of it. A publisher that does not keep up delays the answer by a second at most.
    pub async fn commit_and_publish(&self, mut tx: Tx) -> Result<(), Problem> {
        let before = tenantry_store::directory::head(&mut tx).await?;
        tx.commit().await?;
        let mut published = self.published.subscribe();
        self.changed.notify_waiters();
        let wait = async {
            // On PostgreSQL the marks get their versions while committing: the head moves past what was seen before.
            let target = self.head().await.unwrap_or(before);
            published.wait_for(|version| *version >= target).await.map(drop)
        };
        if tokio::time::timeout(PUBLISH_WITHIN, wait).await.is_err() {
            tracing::warn!("gates have not heard of a change within a second");
        }
        Ok(())
    }

    async fn head(&self) -> Option<i64> {
        let mut tx = self.store.read().await.ok()?;
        let head = tenantry_store::directory::head(&mut tx).await.ok();
        tx.rollback().await.ok()?;
        head
    }
}
