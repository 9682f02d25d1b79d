use tenantry_directory::OrganizationId;
use tenantry_rules::audit::AuditKind;
use tenantry_rules::random::Random;
use tenantry_rules::slug::Slug;

use super::found::{FoundError, give_keys, make_admin, note};
use super::plan::{Admin, FirstKey};
use crate::organizations::{self, Organization};
use crate::users::{User, UserError};
use crate::{StoreError, Tx};

/// An organization that somebody founds for themselves.
pub struct Registration<'a> {
    /// Made from the name.
    pub slug: &'a Slug,
    /// What people call it.
    pub name: &'a str,
    /// Most active users; `None`: any number.
    pub max_users: Option<u32>,
    /// Whoever registers.
    pub admin: Admin<'a>,
    /// How its first signing key is made.
    pub first_key: FirstKey,
}

/// What came of it.
pub struct Registered {
    /// The new organization.
    pub organization: Organization,
    /// Its administrator.
    pub user: User,
}

/// Why nobody was registered. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// An organization with this slug exists, or existed.
    #[error("an organization of this name exists already")]
    SlugTaken,
    /// A user with this address exists.
    #[error("this e-mail address is taken")]
    EmailTaken,
    /// Keys could not be made, or the store failed.
    #[error(transparent)]
    Found(#[from] FoundError),
}

impl From<StoreError> for RegisterError {
    fn from(error: StoreError) -> Self {
        Self::Found(error.into())
    }
}

/// Founds an organization: rows and keys, as a manifest's. The caller may begin a session in the same transaction;
/// after an error it must drop it.
pub async fn register(
    tx: &mut Tx,
    random: &dyn Random,
    new: &Registration<'_>,
) -> Result<Registered, RegisterError> {
    if organizations::by_slug(tx, new.slug).await?.is_some() {
        return Err(RegisterError::SlugTaken);
    }
    let max_users = new.max_users.map(i64::from);
    let id = match organizations::insert(tx, new.slug, new.name, max_users).await {
        Ok(id) => id,
        Err(error) if error.is_duplicate() => return Err(RegisterError::SlugTaken),
        Err(error) => return Err(error.into()),
    };
    let sql = "INSERT INTO tenantry.registrations (organization_id, registered_at) VALUES ($1, $2)";
    tx.run(sql, &[id.into(), tx.now.into()]).await?;
    let actor = format!("registration:{id}");
    note(tx, id, &actor, AuditKind::OrganizationRegistered, None).await?;
    give_keys(tx, random, id, &actor, new.first_key, &[]).await?;
    let user = make_admin(tx, id, &actor, &new.admin).await.map_err(|error| match error {
        UserError::EmailTaken => RegisterError::EmailTaken,
        UserError::Store(error) => error.into(),
        UserError::LimitReached | UserError::NotFound => {
            StoreError::corrupt("organizations.max_users", "leaves no room for an administrator").into()
        }
    })?;
    let organization = organizations::by_id(tx, id).await?;
    let organization =
        organization.ok_or_else(|| StoreError::corrupt("organizations", "lost a row that was just made"))?;
    Ok(Registered { organization, user })
}

pub(super) async fn is_registered(tx: &mut Tx, id: OrganizationId) -> Result<bool, StoreError> {
    let sql = "SELECT organization_id FROM tenantry.registrations WHERE organization_id = $1";
    Ok(tx.maybe(sql, &[id.into()]).await?.is_some())
}
