//! An immutable picture of the directory. A [`Snapshot`] makes the first one, each [`Change`] the next; pictures share
//! what did not change, so that a gate swaps one in without stopping. Revocations end when nothing they revoke lives.

mod apply;
mod change;
mod digest;
mod key;
mod snapshot;

use std::sync::Arc;

use imbl::{HashMap, HashSet};
use serde::{Deserialize, Serialize};

pub use apply::ApplyError;
pub use change::{Change, ChangeState};
pub use digest::Digest;
pub use key::{InvalidKey, PublicJwk, PublicKey, VerifyingKey};
pub use snapshot::Snapshot;

use crate::{BackendSettings, Kid, OrganizationId, SessionId, Timestamp, UserId};

/// What a gate knows at one version of the directory.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Version of the last change in it.
    pub version: i64,
    /// The chain of marks up to it.
    pub digest: Digest,
    /// The Backend.
    pub backend: Arc<BackendSettings>,
    /// Organizations, deleted ones left out.
    pub organizations: HashMap<OrganizationId, Arc<Organization>>,
    /// Keys that verify.
    pub keys: HashMap<Kid, Arc<VerifyingKey>>,
    /// Keys that came and are none, for a warning; their tokens are refused as of an unknown key.
    pub unusable_keys: HashSet<Kid>,
    /// Users whose older tokens no longer count.
    pub users: HashMap<UserId, MinEpoch>,
    /// Ended sessions, and until when that must be remembered.
    pub sessions: HashMap<SessionId, Timestamp>,
}

impl View {
    /// This picture without the revocations and keys whose time is over; `None` if nothing is.
    pub fn pruned(&self, now: Timestamp) -> Option<Self> {
        let mut next = self.clone();
        next.users.retain(|_, min| min.until > now);
        next.sessions.retain(|_, until| *until > now);
        next.keys.retain(|_, key| key.verifies_at(now));
        let same = next.users.len() == self.users.len()
            && next.sessions.len() == self.sessions.len()
            && next.keys.len() == self.keys.len();
        (!same).then_some(next)
    }
}

/// A tenant, as far as a gate needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its slug; never changes.
    pub slug: String,
    /// Its display name.
    pub name: String,
    /// Whether it is served.
    pub status: OrganizationStatus,
}

impl Organization {
    /// Whether its tokens count.
    pub fn is_active(&self) -> bool {
        self.status == OrganizationStatus::Active
    }
}

/// Whether an organization is served. A status that this version does not know is not active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationStatus {
    /// Served.
    Active,
    /// Every token of it is refused.
    Suspended,
    /// Gone, its row kept.
    Deleted,
    /// Something newer, or written by hand: not served.
    #[serde(other)]
    Unknown,
}

/// The least epoch of a user's tokens that still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinEpoch {
    /// Tokens with a lower epoch are refused.
    pub min_epoch: i64,
    /// When the last such token has expired: raised + longest access TTL + leeway.
    pub until: Timestamp,
}

impl MinEpoch {
    /// No token of the user counts: a user who is deleted or no longer active.
    pub const NONE: i64 = i64::MAX;
}

#[cfg(test)]
mod tests;
