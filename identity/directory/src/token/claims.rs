use serde::{Deserialize, Serialize};

use crate::{OrganizationId, Role, SessionId, UserId};

/// What an access token says: exactly these claims. Times are whole seconds since the Unix epoch (`NumericDate`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// `<publicUrl>/o/<organization id>`.
    pub iss: String,
    /// The Backend: `<namespace>/<name>`.
    pub aud: String,
    /// Who asked for the token; [`super::CLIENT_ID`].
    pub client_id: String,
    /// The user's id, as text.
    pub sub: String,
    /// When it was minted.
    pub iat: i64,
    /// Before this it does not count.
    pub nbf: i64,
    /// From this on it does not count.
    pub exp: i64,
    /// Names this token alone.
    pub jti: String,
    /// Its session.
    pub sid: SessionId,
    /// The user's epoch when it was minted.
    pub epoch: i64,
    /// Always [`super::ACCESS`].
    #[serde(rename = "type")]
    pub kind: String,
    /// The user.
    pub user_id: UserId,
    /// The user's organization.
    pub organization_id: OrganizationId,
    /// Its slug.
    pub organization_slug: String,
    /// The user's e-mail address.
    pub email: String,
    /// Whether the address is known to be the user's.
    pub email_verified: bool,
    /// The user's full name.
    pub name: String,
    /// The user's role.
    pub role: Role,
}
