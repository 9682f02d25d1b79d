use crate::{Kid, OrganizationId, Role, SessionId, Timestamp, UserId};

/// Who calls, as a verified access token says. Whether it still counts is [`super::check_current`]'s to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The organization; its name is in the view.
    pub organization_id: OrganizationId,
    /// Its slug.
    pub organization_slug: String,
    /// The user.
    pub user_id: UserId,
    /// The user's e-mail address; any Unicode text.
    pub email: String,
    /// Whether the address is known to be the user's.
    pub email_verified: bool,
    /// The user's full name; any Unicode text.
    pub name: String,
    /// The user's role.
    pub role: Role,
    /// The session.
    pub session_id: SessionId,
    /// The user's epoch when the token was minted.
    pub epoch: i64,
    /// `jti`.
    pub token_id: String,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`, without leeway.
    pub expires_at: Timestamp,
    /// The key that signed it.
    pub key: Kid,
}
