use secrecy::{ExposeSecret, SecretString};
use tenantry_directory::OrganizationId;
use tenantry_rules::holds::{Holds, Status};
use tenantry_rules::slug::Slug;

use crate::organizations::{self, Organization};
use crate::ownership::{self, Owner, Ownership};
use crate::secrets::{self, Secret, SecretName};
use crate::sql::Row;
use crate::{Store, StoreError, Tx, holds};

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

/// One organization and who owns it, with what else is to be known of both. Either may be missing.
macro_rules! facts {
    ($which:literal, $id:literal, $from:literal) => {
        concat!(
            "SELECT ",
            $which,
            " AS found_by, ",
            organizations::columns!(),
            ", ",
            ownership::columns!(),
            ", EXISTS (SELECT 1 FROM tenantry.tombstones t WHERE t.organization_id = ",
            $id,
            ") AS buried, EXISTS (SELECT 1 FROM tenantry.registrations r WHERE r.organization_id = ",
            $id,
            ") AS registered, EXISTS (SELECT 1 FROM tenantry.signing_keys k WHERE k.organization_id = ",
            $id,
            ") AS has_signing_key, (SELECT string_agg(h.kind, ',') FROM tenantry.holds h WHERE h.organization_id = ",
            $id,
            ") AS holds FROM ",
            $from
        )
    };
}

/// The manifest's row and the one with the slug, which is often the same: in one statement, because an operator at rest asks nothing
/// else, of thousands of manifests again and again.
const LOOK: &str = concat!(
    facts!(
        "'manifest'",
        "w.organization_id",
        "tenantry.ownership w LEFT JOIN organizations o ON o.id = w.organization_id \
         WHERE w.cluster = $1 AND w.namespace = $2 AND w.name = $3"
    ),
    " UNION ALL ",
    facts!(
        "'slug'",
        "o.id",
        "organizations o LEFT JOIN tenantry.ownership w ON w.organization_id = o.id WHERE o.slug = $4"
    )
);

/// Looks at what stands there; reads only, one state of the database.
pub async fn observe(store: &Store, owner: &Owner, slug: &Slug) -> Result<Observed, StoreError> {
    let mut tx = store.read().await?;
    let place = [(&owner.cluster).into(), (&owner.namespace).into(), (&owner.name).into()];
    let values = place.into_iter().chain([slug.as_str().into()]).collect::<Vec<_>>();
    let rows = tx.all(LOOK, &values).await?;
    let mut observed = Observed { owned: None, slug: SlugState::Free };
    for row in &rows {
        match row.text("found_by")?.as_str() {
            // An adopted table may have a slug twice: the first counts, as it does where it is written.
            "slug" if observed.slug != SlugState::Free => {}
            "slug" => observed.slug = slug_state(row)?,
            // Somebody may have deleted the row by hand: what was owned is gone.
            _ if row.opt_int("id")?.is_none() => {}
            _ => observed.owned = Some(owned(&mut tx, row).await?),
        }
    }
    tx.rollback().await?;
    Ok(observed)
}

async fn owned(tx: &mut Tx, row: &Row) -> Result<OwnedRow, StoreError> {
    let organization = organizations::read(row)?;
    let names = [SecretName::DataKey, SecretName::AdminPassword];
    let [data_keys, password] = secrets::list_each(tx, Some(organization.id), names).await?;
    Ok(OwnedRow {
        buried: row.bool("buried")?,
        holds: row
            .opt_text("holds")?
            .map_or_else(|| Ok(Holds::default()), |kinds| holds::read(kinds.split(',')))?,
        data_keys,
        has_signing_key: row.bool("has_signing_key")?,
        admin_password: password.first().and_then(|secret| {
            let (email, password) = secret.value.expose_secret().split_once('\n')?;
            Some((email.to_owned(), SecretString::from(password)))
        }),
        organization,
        ownership: ownership::read(row)?,
    })
}

fn slug_state(row: &Row) -> Result<SlugState, StoreError> {
    let organization = organizations::read(row)?;
    let id = organization.id;
    if row.opt_text("cluster")?.is_some() {
        return Ok(SlugState::Owned { owner: ownership::read(row)?.owner, id });
    }
    if organization.status == Status::Deleted || row.bool("buried")? {
        return Ok(SlugState::Deleted { id });
    }
    Ok(SlugState::Unowned { id, registered: row.bool("registered")? })
}

/// Organizations that no manifest owns, in order of id: they registered themselves, or were there before.
pub async fn unowned(store: &Store) -> Result<Vec<Organization>, StoreError> {
    let mut tx = store.read().await?;
    let mut found = organizations::list_unowned(&mut tx).await?;
    tx.rollback().await?;
    found.retain(|row| row.status != Status::Deleted);
    Ok(found)
}

/// Manifests of the cluster that own something which is neither kept after them nor deleted with them.
pub async fn owned_by_cluster(store: &Store, cluster: &str) -> Result<Vec<Owner>, StoreError> {
    let mut tx = store.read().await?;
    let living = ownership::list_living(&mut tx, cluster).await?;
    tx.rollback().await?;
    Ok(living.into_iter().map(|ownership| ownership.owner).collect())
}
