//! How long a resource waits after failures: longer each time, never quite as long as another's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tenantry_rules::random::{Random, SystemRandom};

/// The first pause.
const FIRST: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST: Duration = Duration::from_mins(5);
/// How often a resource is looked at that somebody has to do something for.
const STALLED: Duration = Duration::from_mins(2);

/// Failures in a row, by kind, namespace and name.
#[derive(Clone, Default)]
pub struct Pauses(Arc<Mutex<HashMap<String, u32>>>);

impl Pauses {
    /// The pause after one more failure: no longer than until the resource would be looked at anyway.
    pub fn after_failure(&self, key: &str, anyway: Duration) -> Duration {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(key.to_owned()).or_default();
        let pause = FIRST.saturating_mul(1_u32 << (*count).min(10)).min(LONGEST).min(anyway);
        *count = count.saturating_add(1);
        jittered(pause)
    }

    /// The pause while somebody has to do something.
    pub fn stalled() -> Duration {
        jittered(STALLED)
    }

    /// A success ends the row.
    pub fn succeeded(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Between three quarters of it and all of it, so that thousands do not come back at once.
pub fn jittered(pause: Duration) -> Duration {
    let mut byte = [0_u8; 1];
    if SystemRandom.fill(&mut byte).is_err() {
        return pause;
    }
    pause.mul_f64(0.75 + 0.25 * f64::from(byte[0]) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_five_minutes_and_begin_anew_after_a_success() {
        let pauses = Pauses::default();
        let waited: Vec<Duration> = (0..20).map(|_| pauses.after_failure("a", Duration::MAX)).collect();
        assert!(waited[0] <= FIRST && waited[0] >= FIRST.mul_f64(0.75));
        assert!(waited[4] > waited[0] * 8);
        assert!(waited.iter().all(|pause| *pause <= LONGEST));
        assert!(waited[19] >= LONGEST.mul_f64(0.75));
        assert!(pauses.after_failure("a", Duration::from_secs(30)) <= Duration::from_secs(30));
        pauses.succeeded("a");
        assert!(pauses.after_failure("a", Duration::MAX) <= FIRST);
    }
}
