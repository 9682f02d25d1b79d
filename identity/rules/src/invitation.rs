//! Invitations: a 256-bit secret in a link, of which only the hash is stored, so that neither a copy of the database
//! nor a guess yields a usable link. What it grants stands in the row, never in the link (CVE-2026-1529).

use std::{fmt, time::Duration};

use aws_lc_rs::{constant_time, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;
use tenantry_directory::Timestamp;
use zeroize::Zeroizing;

use crate::random::{self, NoRandomness, Random};

/// How long an invitation may be accepted.
pub const INVITATION_TTL: Duration = Duration::from_hours(7 * 24);

const PREFIX: &str = "tni1_";
const SECRET_LEN: usize = 32;
const TEXT_LEN: usize = 43;

/// The secret of one invitation. It has no `Debug` and is wiped when dropped.
pub struct InvitationToken(Zeroizing<[u8; SECRET_LEN]>);

/// The text is no invitation token: wrong prefix, cut off, or altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a whole invitation link")]
pub struct MalformedInvitation;

impl InvitationToken {
    /// A new one.
    pub fn generate(random: &dyn Random) -> Result<Self, NoRandomness> {
        random::bytes(random).map(Self)
    }

    /// Reads exactly what [`Self::to_text`] writes; anything shorter, longer or not canonical is refused.
    pub fn parse(text: &str) -> Result<Self, MalformedInvitation> {
        let encoded = text.strip_prefix(PREFIX).ok_or(MalformedInvitation)?;
        let mut secret = Zeroizing::new([0; SECRET_LEN]);
        if encoded.len() != TEXT_LEN {
            return Err(MalformedInvitation);
        }
        match URL_SAFE_NO_PAD.decode_slice(encoded, secret.as_mut_slice()) {
            Ok(SECRET_LEN) => Ok(Self(secret)),
            _ => Err(MalformedInvitation),
        }
    }

    /// What goes into the fragment of the link: 48 characters.
    pub fn to_text(&self) -> SecretString {
        SecretString::from(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0.as_slice())))
    }

    /// What is stored and looked up by.
    pub fn digest(&self) -> InvitationDigest {
        let mut hash = [0; SECRET_LEN];
        hash.copy_from_slice(digest::digest(&digest::SHA256, self.0.as_slice()).as_ref());
        InvitationDigest(hash)
    }
}

/// SHA-256 of an invitation's secret.
#[derive(Debug, Clone, Copy)]
pub struct InvitationDigest([u8; SECRET_LEN]);

impl InvitationDigest {
    /// From a stored row.
    pub const fn from_bytes(bytes: [u8; SECRET_LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub const fn as_bytes(&self) -> &[u8; SECRET_LEN] {
        &self.0
    }
}

/// In constant time.
impl PartialEq for InvitationDigest {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for InvitationDigest {}

/// Lower-case hex, 64 characters.
impl fmt::Display for InvitationDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What the row of an invitation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvitationTimes {
    /// When it was sent.
    pub created_at: Timestamp,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// When it was withdrawn, or replaced by a newer one to the same address.
    pub revoked_at: Option<Timestamp>,
}

/// Whether an invitation may still be accepted. The person who holds the link is told no more than yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationState {
    /// It may.
    Pending,
    /// It was, once.
    Accepted,
    /// Withdrawn or superseded.
    Revoked,
    /// Too old.
    Expired,
}

impl InvitationTimes {
    /// The last moment at which it may be accepted.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at.plus(INVITATION_TTL)
    }

    /// The state at `now`.
    pub fn state(&self, now: Timestamp) -> InvitationState {
        if self.accepted_at.is_some() {
            InvitationState::Accepted
        } else if self.revoked_at.is_some() {
            InvitationState::Revoked
        } else if now >= self.expires_at() {
            InvitationState::Expired
        } else {
            InvitationState::Pending
        }
    }
}

#[cfg(test)]
mod tests;
