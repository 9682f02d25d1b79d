use secrecy::{ExposeSecret, SecretString};
use tenantry_directory::OrganizationId;
use tenantry_rules::holds::{Holds, Status};
use tenantry_rules::slug::Slug;

use super::register::is_registered;
use crate::organizations::{self, Organization};
use crate::ownership::{self, Owner, Ownership};
use crate::secrets::{self, Secret, SecretName};
use crate::{Store, StoreError, Tx, holds, signing_keys};

/// What stands in the database for a manifest.
#[derive(Clone, Debug)]
pub struct Observed {
    /// What the manifest owns.
    pub owned: Option<OwnedRow>,
    /// Who has the slug that it wants.
    pub slug: SlugState,
}

/// What a manifest owns.
#[derive(Clone, Debug)]
pub struct OwnedRow {
    /// The row.
    pub organization: Organization,
    /// What is recorded of the manifest.
    pub ownership: Ownership,
    /// Why it is closed.
    pub holds: Holds,
    /// Whether it is a tombstone, whatever its row says.
    pub buried: bool,
    /// Its data keys, the newest first.
    pub data_keys: Vec<Secret>,
    /// Whether it ever had a signing key.
    pub has_signing_key: bool,
    /// Its first administrator's address and password, where that was generated.
    pub admin_password: Option<(String, SecretString)>,
}

/// Who has a slug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlugState {
    /// Nobody.
    Free,
    /// A manifest, perhaps the one that asks.
    Owned {
        /// Which.
        owner: Owner,
        /// Its row.
        id: OrganizationId,
    },
    /// A row that no manifest owns.
    Unowned {
        /// Its id.
        id: OrganizationId,
        /// Whether it registered itself.
        registered: bool,
    },
    /// A tombstone that no manifest owns.
    Deleted {
        /// Its id.
        id: OrganizationId,
    },
}

/// Looks at what stands there; reads only, one state of the database.
pub async fn observe(store: &Store, owner: &Owner, slug: &Slug) -> Result<Observed, StoreError> {
    let mut tx = store.read().await?;
    let owned = match ownership::at(&mut tx, owner).await? {
        Some(ownership) => owned(&mut tx, ownership).await?,
        None => None,
    };
    let slug = slug_state(&mut tx, slug).await?;
    tx.rollback().await?;
    Ok(Observed { owned, slug })
}

async fn owned(tx: &mut Tx, ownership: Ownership) -> Result<Option<OwnedRow>, StoreError> {
    let id = ownership.organization_id;
    // Somebody may have deleted the row by hand: what was owned is gone.
    let Some(organization) = organizations::by_id(tx, id).await? else { return Ok(None) };
    let password = secrets::list(tx, Some(id), SecretName::AdminPassword).await?;
    Ok(Some(OwnedRow {
        buried: organizations::is_buried(tx, id).await?,
        holds: holds::of(tx, id).await?,
        data_keys: secrets::list(tx, Some(id), SecretName::DataKey).await?,
        has_signing_key: signing_keys::has_any(tx, id).await?,
        admin_password: password.first().and_then(|secret| {
            let (email, password) = secret.value.expose_secret().split_once('\n')?;
            Some((email.to_owned(), SecretString::from(password)))
        }),
        organization,
        ownership,
    }))
}

async fn slug_state(tx: &mut Tx, slug: &Slug) -> Result<SlugState, StoreError> {
    let Some(row) = organizations::by_slug(tx, slug).await? else { return Ok(SlugState::Free) };
    let id = row.id;
    if let Some(ownership) = ownership::of(tx, id).await? {
        return Ok(SlugState::Owned { owner: ownership.owner, id });
    }
    if row.status == Status::Deleted || organizations::is_buried(tx, id).await? {
        return Ok(SlugState::Deleted { id });
    }
    Ok(SlugState::Unowned { id, registered: is_registered(tx, id).await? })
}

/// Organizations that no manifest owns, in order of id: they registered themselves, or were there before.
pub async fn unowned(store: &Store) -> Result<Vec<Organization>, StoreError> {
    let mut tx = store.read().await?;
    let mut found = Vec::new();
    for row in organizations::list(&mut tx).await? {
        if row.status != Status::Deleted && ownership::of(&mut tx, row.id).await?.is_none() {
            found.push(row);
        }
    }
    tx.rollback().await?;
    Ok(found)
}

/// Manifests of the cluster that own something which is neither kept after them nor deleted with them.
pub async fn owned_by_cluster(store: &Store, cluster: &str) -> Result<Vec<Owner>, StoreError> {
    let mut tx = store.read().await?;
    let mut owners = Vec::new();
    for ownership in ownership::list(&mut tx, cluster).await? {
        let id = ownership.organization_id;
        let retained = holds::of(&mut tx, id).await?.contains(tenantry_rules::holds::Hold::Retained);
        let exists = organizations::by_id(&mut tx, id).await?.is_some();
        if exists && !retained && !organizations::is_buried(&mut tx, id).await? {
            owners.push(ownership.owner);
        }
    }
    tx.rollback().await?;
    Ok(owners)
}
