//! The bodies of answers. Their field names are a contract with front ends.

use chrono::{DateTime, SecondsFormat};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use tenantry_directory::{OrganizationId, Timestamp, UserId};
use tenantry_store::{Organization, User};

use crate::tokens::TokenPair;

/// `access_token`, `refresh_token`, `token_type`, `expires_in` (RFC 6749, section 5.1).
#[derive(Serialize)]
pub(crate) struct TokenAnswer {
    access_token: String,
    refresh_token: String,
    token_type: &'static str,
    expires_in: u64,
}

impl From<&TokenPair> for TokenAnswer {
    fn from(pair: &TokenPair) -> Self {
        Self {
            access_token: pair.access_token.expose_secret().to_owned(),
            refresh_token: pair.refresh_token.expose_secret().to_owned(),
            token_type: "bearer",
            expires_in: pair.expires_in,
        }
    }
}

/// A user, without anything that guards the account.
#[derive(Serialize, Clone)]
pub(crate) struct UserAnswer {
    pub id: UserId,
    pub email: String,
    pub email_verified: bool,
    pub full_name: String,
    pub role: String,
    pub is_active: bool,
    pub organization_id: OrganizationId,
    pub created_at: String,
    pub last_login: Option<String>,
}

impl UserAnswer {
    pub fn new(user: &User, email_verified: bool) -> Self {
        Self {
            id: user.id,
            email: user.email.clone(),
            email_verified,
            full_name: user.full_name.clone(),
            role: user.role.clone(),
            is_active: user.is_active,
            organization_id: user.organization_id,
            created_at: moment(user.created_at),
            last_login: user.last_login.map(moment),
        }
    }
}

/// An organization as its members see it.
#[derive(Serialize, Clone)]
pub(crate) struct OrganizationAnswer {
    pub id: OrganizationId,
    pub name: String,
    pub slug: String,
    pub status: &'static str,
    pub max_users: Option<i64>,
    pub created_at: String,
}

impl From<&Organization> for OrganizationAnswer {
    fn from(organization: &Organization) -> Self {
        Self {
            id: organization.id,
            name: organization.name.clone(),
            slug: organization.slug.clone(),
            status: organization.status.name(),
            max_users: organization.max_users,
            created_at: moment(organization.created_at),
        }
    }
}

/// A sentence for people.
#[derive(Serialize)]
pub(crate) struct MessageAnswer {
    pub message: &'static str,
}

/// RFC 3339 in UTC, to the millisecond.
pub(crate) fn moment(at: Timestamp) -> String {
    DateTime::from_timestamp_millis(at.millis())
        .map_or_else(String::new, |at| at.to_rfc3339_opts(SecondsFormat::Millis, true))
}
