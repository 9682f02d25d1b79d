use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);

/// How long to wait before the stream is opened again: twice as long after each failure.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Backoff {
    /// The last stream was of use.
    pub fn reset(&mut self) {
        self.next = FIRST;
    }

    /// The next pause. `chance`, any byte, makes it half to all of what is due, so that gates that lost the same authority do not
    /// all come back at once.
    pub fn pause(&mut self, chance: u8) -> Duration {
        let half = self.next / 2;
        self.next = (self.next * 2).min(LONGEST);
        half + half * u32::from(chance) / u32::from(u8::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds_and_begin_anew_after_a_good_stream() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u128> = (0..7).map(|_| backoff.pause(255).as_millis()).collect();
        assert_eq!(pauses, [200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(backoff.pause(0).as_millis(), 2500);
        backoff.reset();
        assert_eq!(backoff.pause(0).as_millis(), 100);
    }
}
