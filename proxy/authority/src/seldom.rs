//! What strangers can cause without end is counted each time and told seldom.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two tellings.
const AGAIN: Duration = Duration::from_mins(1);

/// Something that is told at most once a minute.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    told_at: Option<Instant>,
    untold: u64,
}

impl Seldom {
    /// It happened once more; how often since it was last told, where it is to be told now.
    pub fn count(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.untold += 1;
        if state.told_at.is_some_and(|told_at| now.saturating_duration_since(told_at) < AGAIN) {
            return None;
        }
        state.told_at = Some(now);
        Some(std::mem::take(&mut state.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_strangers_is_a_line_a_minute_with_their_number() {
        let (seldom, now) = (Seldom::default(), Instant::now());
        assert_eq!(seldom.count(now), Some(1), "the first at once");
        for millis in 0..59_999 {
            assert_eq!(seldom.count(now + Duration::from_millis(millis)), None);
        }
        assert_eq!(seldom.count(now + AGAIN), Some(60_000));
        assert_eq!(seldom.count(now + AGAIN), None);
    }
}
