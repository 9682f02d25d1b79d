//! How often a Backend's entries of the vault were written by this process. What somebody asked for is written at once, also
//! when they correct it a minute later; two that fight over a Secret do not fill the vault with versions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// As often as once in 15 minutes, but for four in a row.
const AT_ONCE: usize = 4;
const WINDOW: TimeDelta = TimeDelta::hours(1);

/// When entries were written, by name.
#[derive(Clone, Default)]
pub struct Puts(Arc<Mutex<HashMap<String, Vec<DateTime<Utc>>>>>);

impl Puts {
    /// Whether an entry may be written without waiting.
    pub fn has_room(&self, entry: &str, now: DateTime<Utc>) -> bool {
        let puts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = puts.get(entry).map_or(0, |puts| puts.iter().filter(|at| is_late(**at, now)).count());
        lately < AT_ONCE
    }

    /// Notes that it is written.
    pub fn note(&self, entry: &str, now: DateTime<Utc>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let puts = all.entry(entry.to_owned()).or_default();
        puts.retain(|at| is_late(*at, now));
        puts.push(now);
    }
}

fn is_late(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - at < WINDOW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_in_a_row_are_written_at_once_and_then_four_an_hour() {
        let (puts, start) = (Puts::default(), DateTime::UNIX_EPOCH);
        let at = |minutes| start + TimeDelta::minutes(minutes);
        for minute in 0..4 {
            assert!(puts.has_room("a", at(minute)), "{minute}");
            puts.note("a", at(minute));
        }
        assert!(!puts.has_room("a", at(4)) && puts.has_room("b", at(4)));
        assert!(!puts.has_room("a", at(59)));
        assert!(puts.has_room("a", at(60)));
        puts.note("a", at(60));
        assert!(!puts.has_room("a", at(60)) && puts.has_room("a", at(61)));
    }
}
