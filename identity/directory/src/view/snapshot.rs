use serde::{Deserialize, Serialize};

use super::{Digest, MinEpoch, Organization, PublicKey};
use crate::{BackendSettings, Kid, OrganizationId, SessionId, Timestamp, UserId};

/// The whole directory at one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Version of the last mark in it.
    pub version: i64,
    /// The chain up to that mark.
    pub digest: Digest,
    /// When the database was read: milliseconds after the stream was asked for, negative where it was before.
    pub read_at_ms: i64,
    /// Names of what a gate must understand to use this snapshot at all; empty in this version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub critical: Vec<String>,
    /// The Backend.
    pub backend: BackendSettings,
    /// Organizations, deleted ones left out.
    pub organizations: Vec<(OrganizationId, Organization)>,
    /// Keys that verify.
    pub keys: Vec<(Kid, PublicKey)>,
    /// Users whose older tokens no longer count.
    pub users: Vec<(UserId, MinEpoch)>,
    /// Ended sessions, and until when that must be remembered.
    pub sessions: Vec<(SessionId, Timestamp)>,
}
