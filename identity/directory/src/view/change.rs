use serde::{Deserialize, Serialize};

use super::{Digest, Organization, PublicKey};
use crate::{BackendSettings, Kid, OrganizationId, SessionId, Timestamp, UserId};

/// One mark of the directory, with the state its row had when the mark was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// One more than that of the change before.
    pub version: i64,
    /// Kind of row, as the trigger wrote it.
    pub kind: String,
    /// Key of the row, as the trigger wrote it.
    pub key: String,
    /// Random text that the trigger drew.
    pub nonce: String,
    /// The chain after this mark.
    pub digest: Digest,
    /// Whether a gate that does not know `state` must stop trusting what it knows.
    pub critical: bool,
    /// What the row says now; it may already be newer than the mark.
    pub state: ChangeState,
}

impl Change {
    /// The change that follows `previous`, with its digest computed. Critical, since what this version sends
    /// revokes or configures.
    pub fn following(
        previous: &Digest,
        version: i64,
        kind: impl Into<String>,
        key: impl Into<String>,
        nonce: impl Into<String>,
        state: ChangeState,
    ) -> Self {
        let (kind, key, nonce) = (kind.into(), key.into(), nonce.into());
        let digest = previous.next(version, &kind, &key, &nonce);
        let critical = state != ChangeState::Nothing;
        Self { version, kind, key, nonce, digest, critical, state }
    }
}

/// What a marked row says now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// The Backend's settings.
    Backend(Box<BackendSettings>),
    /// An organization; `None` when its row is gone.
    Organization {
        /// Which.
        id: OrganizationId,
        /// Its row.
        organization: Option<Organization>,
    },
    /// A key; `None` when it no longer verifies.
    Key {
        /// Which.
        kid: Kid,
        /// Its public half.
        key: Option<PublicKey>,
    },
    /// A user's minimum epoch.
    User {
        /// Which.
        id: UserId,
        /// Tokens with a lower epoch are refused.
        min_epoch: i64,
        /// Until when that must be remembered.
        until: Timestamp,
    },
    /// A session that ended.
    Session {
        /// Which.
        id: SessionId,
        /// Until when that must be remembered.
        until: Timestamp,
    },
    /// Nothing a gate needs to know; the mark counts in the chain all the same.
    Nothing,
}

impl ChangeState {
    /// Names that `Deserialize` knows; another one is of a newer authority.
    pub(crate) const NAMES: [&'static str; 6] =
        ["backend", "organization", "key", "user", "session", "nothing"];
}
