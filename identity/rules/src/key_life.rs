//! When a signing key moves on: Pending (published, not used), Active (signs), Retiring (verifies), gone.
//!
//! The bounds of a key are fixed when it becomes active. A key is published for longer than any gate or reader of the
//! key set may lag behind before it signs, so that not one request fails across a rotation. The exceptions sign at once:
//! an organization's first key and one that replaces a revoked key.

use std::time::Duration;

use tenantry_directory::{Kid, Timestamp};

/// How long keys live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPolicy {
    /// Time between one key's activation and the next one's.
    pub rotate_every: Duration,
    /// Longest life of an access token.
    pub longest_ttl: Duration,
    /// Allowance for clocks, added to the last token's expiry.
    pub leeway: Duration,
    /// How long a key is published before it signs: above maxStaleness plus the key set's max-age.
    pub publish_ahead: Duration,
}

impl KeyPolicy {
    /// The bounds of a key that becomes active at `from`. It may sign for a tenth longer than its period, so that an
    /// authority that was away when the rotation was due still has a key that every reader knows; no longer, or a
    /// stolen key would outlive its successor's arrival by a whole period.
    pub fn bounds(&self, from: Timestamp) -> KeyBounds {
        let slack = (self.rotate_every / 10).max(self.publish_ahead.saturating_mul(2));
        let sign_until = from.plus(self.rotate_every).plus(slack);
        let verify_until = sign_until.plus(self.longest_ttl).plus(self.leeway);
        KeyBounds { active_from: from, sign_until, verify_until }
    }
}

/// The times that are fixed at activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyBounds {
    /// When the key begins to sign.
    pub active_from: Timestamp,
    /// When it stops, at the latest.
    pub sign_until: Timestamp,
    /// When the last token it signed has expired.
    pub verify_until: Timestamp,
}

impl KeyBounds {
    /// When a token signed at `now` may expire, if it should live for `ttl`: never after its key is gone, which matters
    /// where the life of tokens was made longer since the bounds were fixed.
    pub fn token_expiry(&self, now: Timestamp, ttl: Duration, leeway: Duration) -> Timestamp {
        now.plus(ttl).min(self.verify_until.minus(leeway))
    }
}

/// A key as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyTimes {
    /// Its name.
    pub kid: Kid,
    /// When it was made and so published.
    pub created_at: Timestamp,
    /// Its bounds; `None` while it is pending.
    pub bounds: Option<KeyBounds>,
    /// Dropped at once.
    pub revoked: bool,
}

/// Where a key stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Published, does not sign.
    Pending,
    /// May sign.
    Active,
    /// Verifies what it signed.
    Retiring,
    /// Nothing it signed counts.
    Gone,
}

impl KeyTimes {
    /// Where the key stands at `now`.
    pub fn state(&self, now: Timestamp) -> KeyState {
        match self.bounds {
            _ if self.revoked => KeyState::Gone,
            None => KeyState::Pending,
            Some(bounds) if now < bounds.active_from => KeyState::Pending,
            Some(bounds) if now < bounds.sign_until => KeyState::Active,
            Some(bounds) if now < bounds.verify_until => KeyState::Retiring,
            Some(_) => KeyState::Gone,
        }
    }
}

/// What to do to an organization's keys now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStep {
    /// Make a key that signs at once: there is none.
    CreateActive(KeyBounds),
    /// Make and publish the next key.
    CreatePending,
    /// Let a pending key sign.
    Activate(Kid, KeyBounds),
}

/// The one step that is due, if any. Applying it and asking again comes to rest. `rotation_asked` is when somebody
/// asked for a rotation, whatever the period says.
pub fn next_step(
    keys: &[KeyTimes],
    policy: &KeyPolicy,
    rotation_asked: Option<Timestamp>,
    now: Timestamp,
) -> Option<KeyStep> {
    let pending =
        keys.iter().filter(|k| !k.revoked && k.bounds.is_none()).min_by_key(|k| (k.created_at, k.kid));
    let newest = keys
        .iter()
        .filter(|key| key.state(now) == KeyState::Active)
        .filter_map(|key| key.bounds)
        .max_by_key(|bounds| bounds.active_from);
    let Some(newest) = newest else {
        let bounds = policy.bounds(now);
        return Some(match pending {
            Some(pending) => KeyStep::Activate(pending.kid, bounds),
            None => KeyStep::CreateActive(bounds),
        });
    };
    let asked = rotation_asked.filter(|asked| *asked > newest.active_from);
    let due = newest.active_from.plus(policy.rotate_every).min(asked.unwrap_or(Timestamp::MAX));
    match pending {
        None if now.plus(policy.publish_ahead) >= due => Some(KeyStep::CreatePending),
        Some(key) if now >= due && now >= key.created_at.plus(policy.publish_ahead) => {
            Some(KeyStep::Activate(key.kid, policy.bounds(now)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
