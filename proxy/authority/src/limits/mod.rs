//! Rate limits, per client address and per account.
//!
//! `Limiter` is the trait; `local` keeps the counts in this process, `shared` in the database that several authorities share.

mod local;
mod shared;

use std::future::Future;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::time::Duration;

pub use local::{LocalLimiter, Quotas};
pub use shared::SharedLimiter;

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Passwords tried: login, change-password, confirmations.
    Password,
    /// Accounts made: register, accept-invite.
    Enrol,
    /// Invitations sent.
    Invite,
    /// Refresh tokens exchanged.
    Refresh,
    /// Everything else below `/api/auth`.
    Other,
}

/// Who is counted: a client's address, or an account whether or not it exists.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// An IPv4 address, or the /64 of an IPv6 one: a subscriber holds a whole /64.
    Address(IpAddr),
    /// The key form of an e-mail address or an id in text.
    Account(String),
}

impl Key {
    /// The key of a client address.
    pub fn address(address: IpAddr) -> Self {
        Self::Address(network_of(address))
    }

    /// The key of an account name.
    pub fn account(name: impl Into<String>) -> Self {
        Self::Account(name.into())
    }
}

/// A pending decision: an attempt was counted, or how long to wait.
pub type Counting<'a> = Pin<Box<dyn Future<Output = Result<(), Duration>> + Send + 'a>>;

/// Decides whether one more attempt is allowed.
pub trait Limiter: Send + Sync {
    /// Counts an attempt, or says how long to wait.
    fn check<'a>(&'a self, scope: Scope, key: &'a Key) -> Counting<'a>;
    /// Drops counts that do not matter any more.
    fn forget_idle(&self) {}
}

fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => {
                let s = v6.segments();
                IpAddr::V6(Ipv6Addr::new(s[0], s[1], s[2], s[3], 0, 0, 0, 0))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(address: &str) -> Key {
        Key::address(address.parse().unwrap())
    }

    #[test]
    fn bypass_37_an_ipv6_subscriber_is_counted_by_its_slash_64() {
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    }

    #[test]
    fn bypass_37_a_mapped_ipv4_address_is_the_ipv4_address() {
        assert_eq!(key("::ffff:192.0.2.7"), key("192.0.2.7"));
        assert_ne!(key("::ffff:192.0.2.7"), key("::ffff:192.0.2.8"));
    }
}
