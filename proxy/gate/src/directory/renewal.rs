use std::time::{Duration, Instant};

/// Of a stream's life, after how much of it a renewal that failed is tried again, and one that brings nothing fresh is renewed.
const SOON: u32 = 8;

/// When a stream makes way for the next. Any byte as `chance` spreads gates over half to all of the time, so that they do not all
/// come at once.
#[derive(Debug)]
pub(super) struct Renewal {
    life: Duration,
    due: Instant,
    over: Instant,
}

impl Renewal {
    /// That of a stream which was asked for at `asked_at`.
    pub fn new(life: Duration, asked_at: Instant, chance: u8) -> Self {
        Self { life, due: asked_at + spread(life, chance), over: asked_at + life * 2 }
    }

    /// Whether the next stream should be opened.
    pub fn is_due(&self, now: Instant) -> bool {
        now >= self.due
    }

    /// When this stream counts no longer, whether there is another or not.
    pub fn over(&self) -> Instant {
        self.over
    }

    /// There is no other stream yet.
    pub fn failed(&mut self, now: Instant, chance: u8) {
        self.due = now + spread(self.life / SOON, chance);
    }

    /// What this stream brings is not fresh: its connection may be slow, or it took long to be asked for.
    pub fn not_fresh(&mut self, now: Instant, chance: u8) {
        self.due = self.due.min(now + spread(self.life / SOON, chance));
    }
}

/// Half to all of it.
fn spread(whole: Duration, chance: u8) -> Duration {
    let half = whole / 2;
    half + half * u32::from(chance) / u32::from(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_mins(4);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn gates_that_came_together_come_again_at_different_times() {
        let now = Instant::now();
        for (chance, seconds) in [(0, 120), (51, 144), (255, 240)] {
            let renewal = Renewal::new(LIFE, now, chance);
            assert!(!renewal.is_due(now + (seconds - 1) * SECOND), "{chance}");
            assert!(renewal.is_due(now + seconds * SECOND), "{chance}");
        }
    }

    #[test]
    fn a_renewal_that_fails_is_tried_again_until_the_stream_counts_no_longer() {
        let now = Instant::now();
        let mut renewal = Renewal::new(LIFE, now, 255);
        renewal.failed(now + LIFE, 255);
        assert!(!renewal.is_due(now + LIFE + 29 * SECOND) && renewal.is_due(now + LIFE + 30 * SECOND));
        assert_eq!(renewal.over(), now + 2 * LIFE);
    }

    #[test]
    fn a_stream_that_brings_nothing_fresh_is_renewed_soon_and_not_later_and_later() {
        let now = Instant::now();
        let mut renewal = Renewal::new(LIFE, now, 255);
        for second in 0..30 {
            assert!(!renewal.is_due(now + second * SECOND));
            renewal.not_fresh(now + second * SECOND, 255);
        }
        assert!(renewal.is_due(now + 30 * SECOND));
    }
}
