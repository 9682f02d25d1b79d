//! Access tokens, minted and verified from one definition (RFC 9068, with the care of RFC 8725).
//!
//! - `claims`: what a token says, for both sides
//! - `mint`: signing it
//! - `strict_json`, `parse`: taking a token apart, refusing whatever two parsers could read differently
//! - `verify`: whose it is, whether it is genuine, and what it says: an [`Identity`]
//! - `current`: whether that identity still counts; the only check a cached token needs
//! - `ours`: whether a credential is ours at all

mod algorithm;
mod claims;
mod current;
mod identity;
mod mint;
mod ours;
mod parse;
mod refusal;
mod strict_json;
mod verify;

use std::time::Duration;

pub use algorithm::KeyAlgorithm;
pub use claims::AccessClaims;
pub use current::check_current;
pub use identity::Identity;
pub use mint::{MintError, SigningKey};
pub use ours::is_ours;
pub use refusal::Refusal;
pub use verify::{verify, verify_signature_and_claims};

/// `typ` of an access token (RFC 9068 §2.1).
pub const TOKEN_TYPE: &str = "at+jwt";
/// Claim `type` of an access token.
pub const ACCESS: &str = "access";
/// `client_id` of tokens that the authority's own endpoints issue.
pub const CLIENT_ID: &str = "tenantry";
/// Longest token that is looked at.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// How far another machine's clock may be ahead (`iat`, `nbf`).
pub const CLOCK_LEEWAY: Duration = Duration::from_secs(30);
/// How long after `exp` a token still counts.
pub const EXPIRY_LEEWAY: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
