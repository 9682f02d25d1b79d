use tenantry_directory::OrganizationId;
use tenantry_rules::audit::AuditKind;
use tenantry_rules::holds::{Hold, Holds, Status};
use tenantry_rules::random::Random;
use tenantry_rules::secrets::is_encryption_key;

use super::found::{FoundError, give_keys, make_admin, note};
use super::plan::{AdminOutcome, Adoption, ProvisionPlan, Provisioned};
use super::rotate::rotate;
use crate::organizations::{self, Organization};
use crate::ownership::{self, Owner};
use crate::users::{self, UserError};
use crate::{Store, StoreError, Tx, holds};

/// Why a plan was not carried out. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// Another manifest's.
    #[error("the slug {slug:?} belongs to the Organization {namespace}/{name}; choose another slug")]
    SlugOwned {
        /// Which.
        slug: String,
        /// Of the owner.
        namespace: String,
        /// Of the owner.
        name: String,
    },
    /// A row that nothing owns.
    #[error(
        "an organization with the slug {slug:?} exists already (id {id}) and no manifest owns it; \
         to take it over set adoptionPolicy: Adopt"
    )]
    SlugUnowned {
        /// Which.
        slug: String,
        /// Its row.
        id: OrganizationId,
    },
    /// A self-registered organization.
    #[error(
        "the organization with the slug {slug:?} registered itself (id {id}); \
         to take it over, with the administrators it has, set adoptId: {id}"
    )]
    SlugRegistered {
        /// Which.
        slug: String,
        /// Its row.
        id: OrganizationId,
    },
    /// A tombstone.
    #[error("the slug {slug:?} belonged to an organization that was deleted (id {id}); choose another slug")]
    SlugDeleted {
        /// Which.
        slug: String,
        /// Its row.
        id: OrganizationId,
    },
    /// A slug is for good.
    #[error("the slug cannot be changed from {from:?} to {to:?}; set it back, or make another Organization")]
    SlugChanged {
        /// The row's.
        from: String,
        /// The manifest's.
        to: String,
    },
    /// The administrator's address.
    #[error("admin.email {email:?} is the address of a user of another organization; use another address")]
    AdminEmailTaken {
        /// Which.
        email: String,
    },
    /// A key in a projection that cannot be one.
    #[error(
        "a DATA_KEY that stands in the organization's Secret, and not in the database, is not URL-safe base64 of 32 bytes; \
         put the right key there, or delete the Secret if the key is of no use"
    )]
    DataKeyForm,
    /// No room for the administrator.
    #[error("limits.users leaves no room for the administrator; raise it")]
    NoRoomForAdmin,
    /// Keys could not be made, or the store failed.
    #[error(transparent)]
    Found(#[from] FoundError),
}

impl From<StoreError> for ProvisionError {
    fn from(error: StoreError) -> Self {
        Self::Found(error.into())
    }
}

/// Whether a plan for this manifest must name an administrator: before it is carried out the first time.
pub async fn needs_admin(store: &Store, owner: &Owner) -> Result<bool, StoreError> {
    let mut tx = store.read().await?;
    let ownership = ownership::at(&mut tx, owner).await?;
    tx.rollback().await?;
    Ok(ownership.is_none_or(|ownership| ownership.bootstrap_admin_at.is_none()))
}

/// Makes the database match a manifest, in one transaction. Carried out again it writes nothing.
pub async fn apply(
    store: &Store,
    random: &dyn Random,
    plan: &ProvisionPlan<'_>,
) -> Result<Provisioned, ProvisionError> {
    let mut attempt = 1;
    loop {
        match apply_once(store, random, plan).await {
            // Another process made the same row, or was in the way: what it left is looked at again.
            Err(ProvisionError::Found(FoundError::Store(error)))
                if attempt < ATTEMPTS && (error.is_duplicate() || error.is_transient()) =>
            {
                attempt += 1;
            }
            result => return result,
        }
    }
}

const ATTEMPTS: u32 = 4;

async fn apply_once(
    store: &Store,
    random: &dyn Random,
    plan: &ProvisionPlan<'_>,
) -> Result<Provisioned, ProvisionError> {
    let mut tx = store.write().await?;
    let provisioned = apply_in(&mut tx, random, plan).await?;
    if provisioned.changed {
        tx.commit().await?;
    } else {
        tx.rollback().await?;
    }
    Ok(provisioned)
}

async fn apply_in(
    tx: &mut Tx,
    random: &dyn Random,
    plan: &ProvisionPlan<'_>,
) -> Result<Provisioned, ProvisionError> {
    if !plan.data_keys.iter().all(is_encryption_key) {
        return Err(ProvisionError::DataKeyForm);
    }
    let actor = format!("manifest:{}", plan.owner.path());
    let (row, created, mut changed) = row_for(tx, plan, &actor).await?;
    let id = row.id;
    let max_users = plan.max_users.map(i64::from);
    if organizations::update(tx, &row, plan.name, max_users, plan.settings).await? {
        changed = true;
        if !created {
            note(tx, id, &actor, AuditKind::OrganizationChanged, None).await?;
        }
    }
    let held = if created { Holds::NONE } else { holds::of(tx, id).await? };
    for (hold, wanted) in [(Hold::Manifest, plan.suspended), (Hold::Retained, false)] {
        if held.contains(hold) != wanted {
            set_hold(tx, id, &actor, hold, wanted).await?;
            changed = true;
        }
    }
    let given = give_keys(tx, random, id, &actor, plan.first_key, plan.data_keys).await?;
    let rotated = match plan.rotate {
        // The database is older than what shows these keys: the request was followed after it was saved.
        Some(asked) if given.known_elsewhere => {
            ownership::see_rotate(tx, id, asked).await?;
            false
        }
        asked => rotate(tx, random, id, &actor, asked).await?,
    };
    changed |= given.any;
    let admin = admin(tx, id, &actor, plan).await?;
    changed |= rotated | matches!(admin, AdminOutcome::Created | AdminOutcome::Existing);
    Ok(Provisioned { organization_id: id, created, changed, admin, rotated })
}

/// The plan's row: its own, one that it may take over, or a new one.
async fn row_for(
    tx: &mut Tx,
    plan: &ProvisionPlan<'_>,
    actor: &str,
) -> Result<(Organization, bool, bool), ProvisionError> {
    if let Some(owned) = ownership::at(tx, plan.owner).await? {
        match organizations::lock(tx, owned.organization_id).await? {
            Some(row) if organizations::is_buried(tx, row.id).await? => {
                return Err(ProvisionError::SlugDeleted { slug: row.slug, id: row.id });
            }
            Some(row) if row.slug == plan.slug.as_str() => {
                let id = row.id;
                let followed = ownership::follow(tx, id, &plan.owner.uid, plan.deletion_policy).await?;
                return Ok((row, false, followed));
            }
            Some(row) => {
                return Err(ProvisionError::SlugChanged { from: row.slug, to: plan.slug.to_string() });
            }
            // Somebody deleted the row; what was owned is gone.
            None => ownership::release(tx, owned.organization_id).await?,
        }
    }
    let (row, created) = match organizations::by_slug(tx, plan.slug).await? {
        Some(row) => (may_adopt(tx, row, plan).await?, false),
        None => (insert(tx, plan).await?, true),
    };
    ownership::claim(tx, row.id, plan.owner, plan.deletion_policy).await?;
    if let Some(rotate) = plan.rotate {
        ownership::see_rotate(tx, row.id, rotate).await?;
    }
    note(tx, row.id, actor, AuditKind::OrganizationProvisioned, None).await?;
    Ok((row, created, true))
}

async fn insert(tx: &mut Tx, plan: &ProvisionPlan<'_>) -> Result<Organization, ProvisionError> {
    let max_users = plan.max_users.map(i64::from);
    let id = organizations::insert(tx, plan.slug, plan.name, max_users).await?;
    let row = organizations::by_id(tx, id).await?;
    row.ok_or_else(|| StoreError::corrupt("organizations", "lost a row that was just made").into())
}

async fn may_adopt(
    tx: &mut Tx,
    row: Organization,
    plan: &ProvisionPlan<'_>,
) -> Result<Organization, ProvisionError> {
    let (slug, id) = (row.slug.clone(), row.id);
    if row.status == Status::Deleted || organizations::is_buried(tx, id).await? {
        return Err(ProvisionError::SlugDeleted { slug, id });
    }
    if let Some(other) = ownership::of(tx, id).await? {
        let Owner { namespace, name, .. } = other.owner;
        return Err(ProvisionError::SlugOwned { slug, namespace, name });
    }
    let registered = super::register::is_registered(tx, id).await?;
    match plan.adoption {
        Adoption::AdoptId(wanted) if wanted == id => Ok(row),
        Adoption::Adopt if !registered => Ok(row),
        _ if registered => Err(ProvisionError::SlugRegistered { slug, id }),
        _ => Err(ProvisionError::SlugUnowned { slug, id }),
    }
}

async fn set_hold(
    tx: &mut Tx,
    id: OrganizationId,
    actor: &str,
    hold: Hold,
    wanted: bool,
) -> Result<(), StoreError> {
    let kind = if wanted {
        holds::place(tx, id, hold, None).await?;
        AuditKind::OrganizationHeld
    } else {
        holds::lift(tx, id, hold).await?;
        AuditKind::OrganizationReleased
    };
    note(tx, id, actor, kind, Some(hold.name())).await
}

async fn admin(
    tx: &mut Tx,
    id: OrganizationId,
    actor: &str,
    plan: &ProvisionPlan<'_>,
) -> Result<AdminOutcome, ProvisionError> {
    let Some(admin) = &plan.admin else { return Ok(AdminOutcome::None) };
    if !ownership::take_bootstrap(tx, id).await? {
        return Ok(AdminOutcome::MadeBefore);
    }
    if users::by_email(tx, admin.email).await?.is_some_and(|user| user.organization_id == id) {
        return Ok(AdminOutcome::Existing);
    }
    match make_admin(tx, id, actor, admin).await {
        Ok(_) => Ok(AdminOutcome::Created),
        Err(UserError::EmailTaken) => Err(ProvisionError::AdminEmailTaken { email: admin.email.to_string() }),
        Err(UserError::LimitReached | UserError::NotFound) => Err(ProvisionError::NoRoomForAdmin),
        Err(UserError::Store(error)) => Err(error.into()),
    }
}
