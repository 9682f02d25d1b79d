//! Limits that several authorities count together, in their database: passwords, new accounts and invitations, whose attempts write there
//! anyway. What is asked often and guards little (refreshes, reads) is counted in each process.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use tenantry_store::Store;
use tenantry_store::rate_limits::Rate;

use super::{Counting, Key, Limiter, LocalLimiter, Quotas, Scope};

/// A limiter whose counts live in the database.
pub struct SharedLimiter {
    store: Store,
    quotas: Quotas,
    local: LocalLimiter,
}

impl SharedLimiter {
    /// Goes on with what is counted in the database.
    pub fn new(store: Store, quotas: Quotas) -> Self {
        Self { store, quotas, local: LocalLimiter::new(quotas) }
    }

    async fn count(&self, scope: Scope, key: &Key) -> Result<(), Duration> {
        // First here: whoever floods one process is kept away from the database.
        self.local.count(scope, key)?;
        let Some(name) = shared_name(scope) else { return Ok(()) };
        let (burst, every) = self.quotas.of(scope, key);
        let attempt = self.store.attempt(&digest_of(name, key), Rate { burst, every }).await;
        // A database that is away opens nothing: this process has counted.
        attempt.unwrap_or_else(|error| {
            tracing::warn!(%error, "an attempt was counted in this process alone");
            Ok(())
        })
    }
}

impl Limiter for SharedLimiter {
    fn check<'a>(&'a self, scope: Scope, key: &'a Key) -> Counting<'a> {
        Box::pin(self.count(scope, key))
    }

    fn forget_idle(&self) {
        self.local.forget_idle();
        let store = self.store.clone();
        tokio::spawn(async move {
            if let Err(error) = store.forget_attempts().await {
                tracing::warn!(%error, "attempts that are over were not forgotten");
            }
        });
    }
}

fn shared_name(scope: Scope) -> Option<&'static str> {
    match scope {
        Scope::Password => Some("password"),
        Scope::Enrol => Some("enrol"),
        Scope::Invite => Some("invite"),
        Scope::Refresh | Scope::Other => None,
    }
}

/// The database keeps no addresses and no names of accounts that may not exist.
fn digest_of(scope: &str, key: &Key) -> String {
    let text = match key {
        Key::Address(address) => format!("{scope} address {address}"),
        Key::Account(account) => format!("{scope} account {account}"),
    };
    hex::encode(digest(&SHA256, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_different_kinds_and_scopes_are_counted_apart() {
        let address = Key::address("192.0.2.7".parse().unwrap());
        let same = Key::account("192.0.2.7");
        let all = [
            digest_of("password", &address),
            digest_of("password", &same),
            digest_of("enrol", &address),
            digest_of("enrol", &same),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[index + 1..].contains(one) && !one.contains("192"));
        }
    }
}
