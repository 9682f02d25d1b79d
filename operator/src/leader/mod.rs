//! Who writes: one operator at a time, by a Lease ([`lease`], kept where [`leases`] says). [`Leadership`] is what every write asks first.

mod lease;
mod leases;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub use lease::{Keeper, LeaseSettings};
pub use leases::LeaseError;

use crate::trouble::Trouble;

/// Whether this process leads, by its own monotonic clock: a process that was stopped and wakes up late finds that it does not.
#[derive(Clone)]
pub struct Leadership(Arc<Inner>);

struct Inner {
    clock: Box<dyn Fn() -> Instant + Send + Sync>,
    start: Instant,
    /// Milliseconds after `start` until which it leads; 0: it does not.
    until: AtomicU64,
    generation: AtomicI64,
}

impl Default for Leadership {
    fn default() -> Self {
        Self::by(Instant::now)
    }
}

impl Leadership {
    /// By a clock that never goes back.
    fn by(clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        let start = clock();
        let clock = Box::new(clock);
        Self(Arc::new(Inner { clock, start, until: AtomicU64::new(0), generation: AtomicI64::new(0) }))
    }

    fn now(&self) -> Instant {
        (self.0.clock)()
    }

    /// Refuses a write of a process that does not lead.
    pub fn check(&self) -> Result<(), Trouble> {
        if self.leads() {
            return Ok(());
        }
        Err(Trouble::passing("LeaseLost", "another operator leads: nothing is written"))
    }

    /// Whether it leads now.
    pub fn leads(&self) -> bool {
        self.left() > Duration::ZERO
    }

    /// For how long it leads, unless the lease is renewed.
    pub fn left(&self) -> Duration {
        let until = Duration::from_millis(self.0.until.load(Ordering::Acquire));
        until.saturating_sub(self.now() - self.0.start)
    }

    /// Counts leaders: every one has a higher number than those before it.
    pub fn generation(&self) -> i64 {
        self.0.generation.load(Ordering::Acquire)
    }

    fn leads_until(&self, until: Instant, generation: i64) {
        self.0.generation.store(generation, Ordering::Release);
        let until = until.saturating_duration_since(self.0.start).as_millis();
        self.0.until.store(u64::try_from(until).unwrap_or(u64::MAX), Ordering::Release);
    }

    fn resigns(&self) {
        self.0.until.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that stands still until it is moved.
    #[derive(Clone)]
    pub(super) struct Hands(Instant, Arc<AtomicU64>);

    impl Default for Hands {
        fn default() -> Self {
            Self(Instant::now(), Arc::default())
        }
    }

    impl Hands {
        pub(super) fn pass(&self, time: Duration) {
            self.1.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::AcqRel);
        }

        fn now(&self) -> Instant {
            self.0 + Duration::from_millis(self.1.load(Ordering::Acquire))
        }

        pub(super) fn leadership(&self) -> Leadership {
            let hands = self.clone();
            Leadership::by(move || hands.now())
        }
    }

    #[test]
    fn a_process_that_wakes_up_late_does_not_lead() {
        let hands = Hands::default();
        let leadership = hands.leadership();
        assert!(leadership.check().is_err(), "before it has the lease");
        leadership.leads_until(hands.now() + Duration::from_secs(8), 3);
        hands.pass(Duration::from_secs(7));
        assert!(leadership.check().is_ok());
        hands.pass(Duration::from_secs(1));
        assert!(leadership.check().is_err());
        assert_eq!(leadership.generation(), 3);
    }
}
