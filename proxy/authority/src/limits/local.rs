//! Limits counted in this process (governor's GCRA, keyed).

use std::future::ready;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::{Counting, Key, Limiter, Scope};

type Keyed<C> = RateLimiter<Key, DashMapStateStore<Key>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// Counts per scope, for addresses and accounts apart: (burst, time in which one attempt is given back).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Passwords per account; the lockout is the guard against guessing, this one against floods.
    pub password_account: (u32, Duration),
    /// Passwords per address (an office may share one).
    pub password_address: (u32, Duration),
    /// Registrations and accepted invitations per address.
    pub enrol_address: (u32, Duration),
    /// Registrations for one e-mail address.
    pub enrol_account: (u32, Duration),
    /// Invitations per administrator and address.
    pub invite: (u32, Duration),
    /// Refreshes per session and address.
    pub refresh: (u32, Duration),
    /// Everything else.
    pub other: (u32, Duration),
}

impl Quotas {
    /// What counts for a key.
    pub(super) fn of(&self, scope: Scope, key: &Key) -> (u32, Duration) {
        let is_account = matches!(key, Key::Account(_));
        match scope {
            Scope::Password if is_account => self.password_account,
            Scope::Password => self.password_address,
            Scope::Enrol if is_account => self.enrol_account,
            Scope::Enrol => self.enrol_address,
            Scope::Invite => self.invite,
            Scope::Refresh => self.refresh,
            Scope::Other => self.other,
        }
    }
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            password_account: (60, Duration::from_secs(2)),
            password_address: (120, Duration::from_millis(500)),
            enrol_address: (30, Duration::from_secs(10)),
            enrol_account: (10, Duration::from_mins(1)),
            invite: (60, Duration::from_secs(5)),
            refresh: (240, Duration::from_millis(250)),
            other: (600, Duration::from_millis(50)),
        }
    }
}

/// A limiter whose counts live in this process.
pub struct LocalLimiter<C: Clock = DefaultClock> {
    tables: [(Scope, Keyed<C>, Keyed<C>); 5],
}

impl LocalLimiter {
    /// Starts with nothing counted.
    pub fn new(quotas: Quotas) -> Self {
        Self::with_clock(quotas, &DefaultClock::default())
    }
}

impl<C: Clock + Clone> LocalLimiter<C> {
    /// As `new`, on a clock of the caller's.
    pub fn with_clock(quotas: Quotas, clock: &C) -> Self {
        let table = |quota| Keyed::dashmap_with_clock(gcra(quota), clock.clone());
        let pair = |scope, account, address| (scope, table(account), table(address));
        Self {
            tables: [
                pair(Scope::Password, quotas.password_account, quotas.password_address),
                pair(Scope::Enrol, quotas.enrol_account, quotas.enrol_address),
                pair(Scope::Invite, quotas.invite, quotas.invite),
                pair(Scope::Refresh, quotas.refresh, quotas.refresh),
                pair(Scope::Other, quotas.other, quotas.other),
            ],
        }
    }
}

impl<C: Clock> LocalLimiter<C> {
    /// Counts an attempt, or says how long to wait.
    pub fn count(&self, scope: Scope, key: &Key) -> Result<(), Duration> {
        for (of, accounts, addresses) in &self.tables {
            if *of == scope {
                let table = if matches!(key, Key::Account(_)) { accounts } else { addresses };
                return table
                    .check_key(key)
                    .map_err(|not_until| not_until.wait_time_from(table.clock().now()));
            }
        }
        Ok(())
    }
}

fn gcra((burst, every): (u32, Duration)) -> Quota {
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(every).unwrap_or_else(|| Quota::per_second(burst)).allow_burst(burst)
}

impl<C> Limiter for LocalLimiter<C>
where
    C: Clock + Send + Sync,
    C::Instant: Send + Sync,
{
    fn check<'a>(&'a self, scope: Scope, key: &'a Key) -> Counting<'a> {
        Box::pin(ready(self.count(scope, key)))
    }

    fn forget_idle(&self) {
        for (_, accounts, addresses) in &self.tables {
            for table in [accounts, addresses] {
                table.retain_recent();
                table.shrink_to_fit();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn a_burst_passes_then_the_wait_is_told() {
        let clock = FakeRelativeClock::default();
        let quotas = Quotas { password_account: (3, Duration::from_secs(2)), ..Quotas::default() };
        let limiter = LocalLimiter::with_clock(quotas, &clock);
        let (ada, bob) = (Key::account("ada@example.com"), Key::account("bob@example.com"));
        for _ in 0..3 {
            assert_eq!(limiter.count(Scope::Password, &ada), Ok(()));
        }
        assert_eq!(limiter.count(Scope::Password, &ada), Err(Duration::from_secs(2)));
        assert_eq!(limiter.count(Scope::Password, &bob), Ok(()));
        assert_eq!(limiter.count(Scope::Enrol, &ada), Ok(()));
        clock.advance(Duration::from_secs(2));
        assert_eq!(limiter.count(Scope::Password, &ada), Ok(()));
        limiter.forget_idle();
    }
}
