//! What all workers share: only what is read, or counted with atomics.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tenantry_directory::Timestamp;
use tenantry_directory::stream::Known;
use tokio::sync::watch;

use crate::assertion::AssertionKey;
use crate::config::{AuthorityEndpoint, GateClock};
use crate::metrics::Metrics;
use crate::tls::Certificates;

/// How far a gate is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Takes new connections.
    Serving,
    /// As before, but sends clients elsewhere: no connection is used for more than it is being used for.
    Leaving,
    /// Takes none, lets requests end.
    Draining,
    /// Cuts what is left.
    Stopped,
}

/// Shared by every thread of a gate.
pub(crate) struct Shared {
    /// The directory as last heard; `None` before the first snapshot.
    pub known: ArcSwapOption<Known>,
    pub clock: GateClock,
    pub authority: AuthorityEndpoint,
    pub assertion: AssertionKey,
    pub certificates: Certificates,
    pub metrics: Metrics,
    pub phase: watch::Sender<Phase>,
    /// Workers, for dividing limits among them.
    pub workers: usize,
}

impl Shared {
    /// What is known now.
    pub fn known(&self) -> Option<Arc<Known>> {
        self.known.load_full()
    }

    /// The wall clock.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.now_millis())
    }
}
