//! Five wrong passwords lock an account for a quarter of an hour, exactly, even under parallel guesses.
//!
//! An attempt is reserved before its password is hashed and settled after, so that attempts in flight count as if
//! they were wrong: no more of them run at once than may still fail. A right password is then taken off again, so
//! right ones never lock. The store does each step as one conditional UPDATE on a row per address, known or not.

use std::time::Duration;

use tenantry_directory::Timestamp;

/// An attempt not settled after this long died with its process and no longer counts.
pub const STALE_ATTEMPT: Duration = Duration::from_mins(1);

/// `passwords.lockoutAfter` and `passwords.lockoutFor` of a Backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockoutPolicy {
    /// Wrong passwords until the lock.
    pub after: u32,
    /// How long the lock lasts.
    pub lock_for: Duration,
}

impl Default for LockoutPolicy {
    fn default() -> Self {
        Self { after: 5, lock_for: Duration::from_mins(15) }
    }
}

/// The row of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lockout {
    /// Wrong passwords since the last right one or the end of the last lock.
    pub failures: u32,
    /// Attempts reserved and not yet settled.
    pub in_flight: u32,
    /// When the newest attempt was reserved.
    pub reserved_at: Option<Timestamp>,
    /// Locked while this lies in the future.
    pub locked_until: Option<Timestamp>,
}

/// What may be done with an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Hash, then settle.
    Reserved,
    /// Too many attempts in flight: wait for one to settle, or answer 429. Nothing was reserved.
    Busy,
    /// Spend the time of a verification and answer as a wrong password. Nothing was reserved.
    Locked,
}

/// How a reserved attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The password was right: earlier wrong ones are forgotten.
    Right,
    /// The password was wrong, or there is no such account.
    Wrong,
    /// It was never judged (an error, a cancelled request).
    Abandoned,
}

impl Lockout {
    /// Whether an attempt may begin at `now`, and the row after it.
    #[must_use]
    pub fn reserve(mut self, policy: LockoutPolicy, now: Timestamp) -> (Admission, Self) {
        if self.is_locked(now) {
            return (Admission::Locked, self);
        }
        if self.locked_until.take().is_some() {
            self.failures = 0;
        }
        let stale = |at: Timestamp| now.saturating_since(at) >= STALE_ATTEMPT;
        if self.reserved_at.is_none_or(stale) {
            self.in_flight = 0;
        }
        if self.failures.saturating_add(self.in_flight) >= policy.after.max(1) {
            return (Admission::Busy, self);
        }
        self.in_flight += 1;
        self.reserved_at = Some(now);
        (Admission::Reserved, self)
    }

    /// The row after a reserved attempt came to its end at `now`.
    #[must_use]
    pub fn settle(mut self, policy: LockoutPolicy, outcome: Outcome, now: Timestamp) -> Self {
        self.in_flight = self.in_flight.saturating_sub(1);
        match outcome {
            Outcome::Abandoned => {}
            // A lock that came in the meantime (after a stale attempt was given up) stays.
            Outcome::Right if self.is_locked(now) => {}
            Outcome::Right => self.failures = 0,
            Outcome::Wrong => {
                self.failures = self.failures.saturating_add(1);
                if self.failures >= policy.after && !self.is_locked(now) {
                    self.locked_until = Some(now.plus(policy.lock_for));
                }
            }
        }
        self
    }

    /// Whether the account is locked at `now`.
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests;
