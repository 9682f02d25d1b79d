//! Who somebody is: tokens, passwords, what the backend is told, mail.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretRef;
use crate::{Period, forms};

/// Tokens and the keys that sign them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Tokens {
    /// What new keys sign with: EdDSA (default), ES256 or RS256. Keys that sign already go on until they are rotated.
    pub algorithm: Algorithm,
    /// How long an access token counts, from 1m to 1d. Default: 8h.
    pub access_ttl: Period,
    /// How long a session lasts without being used, longer than accessTtl, at most 365d. Default: 30d.
    pub refresh_ttl: Period,
    /// How long a key signs before the next one takes over, from four times maxStaleness to 365d. Default: 30d.
    pub rotate_every: Period,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::EdDsa,
            access_ttl: Period::hours(8),
            refresh_ttl: Period::hours(720),
            rotate_every: Period::hours(720),
        }
    }
}

/// What keys sign with (RFC 7518, RFC 8037).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Algorithm {
    /// Ed25519.
    #[default]
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA with P-256.
    #[serde(rename = "ES256")]
    Es256,
    /// RSA.
    #[serde(rename = "RS256")]
    Rs256,
}

/// What a password must be, and when guessing it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Passwords {
    /// The least number of characters, from 8 to 64. Default: 12.
    #[schemars(range(min = 8, max = 64))]
    pub min_length: u32,
    /// Whether passwords of less than 15 characters need upper and lower case, a digit and a special character. Default: true.
    pub composition: bool,
    /// How many wrong passwords lock the account, from 3 to 100. Default: 5.
    #[schemars(range(min = 3, max = 100))]
    pub lockout_after: u32,
    /// How long a locked account stays locked, from 1s to 30d. Default: 15m.
    pub lockout_for: Period,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { min_length: 12, composition: true, lockout_after: 5, lockout_for: Period::minutes(15) }
    }
}

/// What the backend is told of the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Identity {
    /// Whether the caller's own token reaches the backend. Default: false.
    pub forward_token: bool,
    /// The signed statement that goes with a request. strict (default): X-Tenantry-Assertion, signed with the gate's own
    /// key. none: the headers alone. legacy: Authorization, as the backend issued it before; not built yet.
    pub assertion: Assertion,
}

/// The signed statement that goes with the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Assertion {
    /// X-Tenantry-Assertion, signed with the gate's own key.
    #[default]
    Strict,
    /// Authorization, signed with the backend's `JWT_SECRET_KEY`.
    Legacy,
    /// None: the headers alone.
    None,
}

/// Tokens that the backend issued itself before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyIssuer {
    /// The key that they were signed with.
    pub key_ref: SecretRef,
    /// Until when they count.
    #[schemars(length(max = 35), regex(pattern = forms::MOMENT))]
    pub until: String,
}

/// How mail is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mail {
    /// The URL of the mail server, with its credentials.
    pub smtp_secret_ref: SecretRef,
    /// The sender.
    #[schemars(length(min = 3, max = 254), regex(pattern = forms::EMAIL))]
    pub from: String,
}
