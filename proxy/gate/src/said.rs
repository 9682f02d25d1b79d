//! A log that repeats the same sentence several times a second hides the rest.

use std::time::{Duration, Instant};

/// Between two tellings of the same.
const AGAIN: Duration = Duration::from_mins(1);
/// Most sentences that are remembered.
const MOST: usize = 16;

/// What was said lately.
#[derive(Debug, Default)]
pub(crate) struct Said(Vec<(String, Instant)>);

impl Said {
    /// Whether this was not said within the last minute; from now on it was.
    pub fn is_news(&mut self, sentence: &str, now: Instant) -> bool {
        self.0.retain(|(_, at)| now.saturating_duration_since(*at) < AGAIN);
        if self.0.iter().any(|(said, _)| said == sentence) {
            return false;
        }
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push((sentence.to_owned(), now));
        true
    }

    /// Forgets everything; whether there was anything.
    pub fn is_over(&mut self) -> bool {
        !std::mem::take(&mut self.0).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_once_a_minute_and_something_else_at_once() {
        let (mut said, now) = (Said::default(), Instant::now());
        assert!(said.is_news("refused", now));
        assert!(!said.is_news("refused", now + Duration::from_secs(59)));
        assert!(said.is_news("reset", now + Duration::from_secs(59)));
        assert!(!said.is_news("reset", now + Duration::from_secs(61)));
        assert!(said.is_news("refused", now + Duration::from_secs(61)));
        assert!(said.is_over() && !said.is_over());
        assert!(said.is_news("refused", now + Duration::from_secs(61)));
    }

    #[test]
    fn sentences_without_end_take_no_memory_without_end() {
        let (mut said, now) = (Said::default(), Instant::now());
        for count in 0..1000 {
            assert!(said.is_news(&count.to_string(), now));
        }
        assert_eq!(said.0.len(), MOST);
    }
}
