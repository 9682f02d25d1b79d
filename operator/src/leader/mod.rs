//! Who writes: one operator at a time, by a Lease ([`lease`]). [`Leadership`] is what every write asks first.

mod lease;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub use lease::{Keeper, LeaseSettings};

use crate::trouble::Trouble;

/// Whether this process leads, by its own monotonic clock: a process that was stopped and wakes up late finds that it does not.
#[derive(Clone)]
pub struct Leadership(Arc<Inner>);

struct Inner {
    start: Instant,
    /// Milliseconds after `start` until which it leads; 0: it does not.
    until: AtomicU64,
    generation: AtomicI64,
}

impl Default for Leadership {
    fn default() -> Self {
        Self(Arc::new(Inner {
            start: Instant::now(),
            until: AtomicU64::new(0),
            generation: AtomicI64::new(0),
        }))
    }
}

impl Leadership {
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
        until.saturating_sub(self.0.start.elapsed())
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

    #[test]
    fn a_process_that_wakes_up_late_does_not_lead() {
        let leadership = Leadership::default();
        assert!(leadership.check().is_err(), "before it has the lease");
        leadership.leads_until(Instant::now() + Duration::from_millis(30), 3);
        assert!(leadership.check().is_ok());
        std::thread::sleep(Duration::from_millis(40));
        assert!(leadership.check().is_err());
        assert_eq!(leadership.generation(), 3);
    }
}
