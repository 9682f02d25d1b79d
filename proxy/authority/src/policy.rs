//! What a Backend's manifest says of sign-up, passwords and keys; gates need none of it.

use std::time::Duration;

use tenantry_directory::{BackendSettings, KeyAlgorithm};
use tenantry_rules::key_life::KeyPolicy;
use tenantry_rules::lockout::LockoutPolicy;
use tenantry_rules::password::PasswordPolicy;

/// For how long readers may keep a key set (`Cache-Control: max-age`).
pub const JWKS_MAX_AGE: Duration = Duration::from_mins(5);
/// Slack between the moment the slowest reader knows a key and its first signature.
const PUBLISH_SLACK: Duration = Duration::from_mins(1);
/// Allowance for clocks after a token's expiry.
pub(crate) const LEEWAY: Duration = Duration::from_secs(30);

/// How the authority decides.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether anybody may register an organization.
    pub registration_open: bool,
    /// What a new password must be.
    pub passwords: PasswordPolicy,
    /// Wrong passwords that lock, and for how long.
    pub lockout: LockoutPolicy,
    /// What new signing keys sign with.
    pub algorithm: KeyAlgorithm,
    /// Time between two keys of an organization.
    pub rotate_every: Duration,
    /// Most active users of a self-registered organization; `None`: any number.
    pub registered_max_users: Option<u32>,
}

impl Policy {
    /// How long keys live, given how far gates and readers may lag behind.
    pub fn keys(&self, settings: &BackendSettings) -> KeyPolicy {
        KeyPolicy {
            rotate_every: self.rotate_every,
            longest_ttl: settings.access_ttl,
            leeway: LEEWAY,
            publish_ahead: settings.max_staleness + JWKS_MAX_AGE + PUBLISH_SLACK,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            registration_open: false,
            passwords: PasswordPolicy::default(),
            lockout: LockoutPolicy { after: 5, lock_for: Duration::from_mins(15) },
            algorithm: KeyAlgorithm::EdDsa,
            rotate_every: Duration::from_hours(720),
            registered_max_users: None,
        }
    }
}
