//! Organizations: the rows that existing backends know their tenants by.

use tenantry_directory::{OrganizationId, Timestamp};
use tenantry_rules::holds::Status;
use tenantry_rules::slug::Slug;

use crate::sql::{Dialect, Row, Value};
use crate::{StoreError, Tx};

/// A tenant, as its row says.
#[derive(Clone, Debug)]
pub struct Organization {
    /// Never re-issued.
    pub id: OrganizationId,
    /// What people call it.
    pub name: String,
    /// Unique in the database.
    pub slug: String,
    /// Derived from its holds.
    pub status: Status,
    /// How many active users it may have; `None`: any number.
    pub max_users: Option<i64>,
    /// Free JSON of the application's.
    pub settings: serde_json::Value,
    /// When its row was made.
    pub created_at: Timestamp,
}

/// What [`read`] reads, of a table called `o`.
macro_rules! columns {
    () => {
        "o.id, o.name, o.slug, o.status, o.max_users, o.settings::text AS settings, o.created_at"
    };
}
pub(crate) use columns;

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM organizations o ", $rest)
    };
}

pub(crate) fn read(row: &Row) -> Result<Organization, StoreError> {
    let settings = row.opt_text("settings")?.unwrap_or_else(|| "{}".to_owned());
    Ok(Organization {
        id: row.organization("id")?,
        name: row.text("name")?,
        slug: row.text("slug")?,
        status: Status::from_column(&row.text("status")?),
        max_users: row.opt_int("max_users")?,
        settings: serde_json::from_str(&settings)
            .map_err(|error| StoreError::corrupt("organizations.settings", error.to_string()))?,
        created_at: row.opt_moment("created_at")?.unwrap_or_else(|| Timestamp::from_millis(0)),
    })
}

/// The organization with this id.
pub async fn by_id(tx: &mut Tx, id: OrganizationId) -> Result<Option<Organization>, StoreError> {
    tx.maybe(select!("WHERE id = $1"), &[id.into()]).await?.as_ref().map(read).transpose()
}

/// The organization with this slug.
pub async fn by_slug(tx: &mut Tx, slug: &Slug) -> Result<Option<Organization>, StoreError> {
    tx.maybe(select!("WHERE slug = $1"), &[slug.as_str().into()]).await?.as_ref().map(read).transpose()
}

/// Every organization, in order of id.
pub async fn list(tx: &mut Tx) -> Result<Vec<Organization>, StoreError> {
    tx.all(select!("ORDER BY id"), &[]).await?.iter().map(read).collect()
}

/// Those that no manifest owns, in order of id.
pub(crate) async fn list_unowned(tx: &mut Tx) -> Result<Vec<Organization>, StoreError> {
    let sql = select!(
        "WHERE NOT EXISTS (SELECT 1 FROM tenantry.ownership w WHERE w.organization_id = o.id) ORDER BY id"
    );
    tx.all(sql, &[]).await?.iter().map(read).collect()
}

/// Every organization's id, in order.
pub async fn ids(tx: &mut Tx) -> Result<Vec<OrganizationId>, StoreError> {
    let rows = tx.all("SELECT id FROM organizations ORDER BY id", &[]).await?;
    rows.iter().map(|row| row.organization("id")).collect()
}

/// Every organization's id but those of deleted ones, in order.
pub async fn living_ids(tx: &mut Tx) -> Result<Vec<OrganizationId>, StoreError> {
    let sql = "SELECT id FROM organizations WHERE status <> 'deleted' AND NOT EXISTS \
          (SELECT 1 FROM tenantry.tombstones WHERE organization_id = organizations.id) ORDER BY id";
    tx.all(sql, &[]).await?.iter().map(|row| row.organization("id")).collect()
}

/// Whether the organization was deleted for good, whatever its row says now, and though there be none.
pub(crate) async fn is_buried(tx: &mut Tx, id: OrganizationId) -> Result<bool, StoreError> {
    let sql = "SELECT organization_id FROM tenantry.tombstones WHERE organization_id = $1";
    Ok(tx.maybe(sql, &[id.into()]).await?.is_some())
}

/// Makes the row, open; the caller adds what belongs to it, holds too, in the same transaction.
pub(crate) async fn insert(
    tx: &mut Tx,
    slug: &Slug,
    name: &str,
    max_users: Option<i64>,
) -> Result<OrganizationId, StoreError> {
    let sql = match tx.dialect() {
        Dialect::Postgres => {
            "INSERT INTO organizations (name, slug, status, settings, max_users, created_at, updated_at) \
             VALUES ($1, $2, 'active', '{}', $3, $4, $4) RETURNING id"
        }
        // NULL is the next id. Without AUTOINCREMENT, in a table of another application's, that may be the id of an
        // organization that was purged.
        Dialect::Sqlite => {
            "INSERT INTO organizations (id, name, slug, status, settings, max_users, created_at, updated_at) \
             VALUES ((SELECT CASE WHEN max(t.organization_id) > (SELECT coalesce(max(id), 0) FROM organizations) \
                 AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'organizations') \
               THEN max(t.organization_id) + 1 END FROM tenantry.tombstones t), \
               $1, $2, 'active', '{}', $3, $4, $4) RETURNING id"
        }
    };
    let values = [name.into(), slug.as_str().into(), max_users.into(), Value::moment(tx.now)];
    tx.one(sql, &values).await?.organization("id")
}

/// Writes what a manifest says and no more, if anything differs: at rest nothing is written.
pub(crate) async fn update(
    tx: &mut Tx,
    row: &Organization,
    name: &str,
    max_users: Option<i64>,
    settings: &serde_json::Map<String, serde_json::Value>,
) -> Result<bool, StoreError> {
    let mut merged = row.settings.as_object().cloned().unwrap_or_default();
    merged.extend(settings.iter().map(|(key, value)| (key.clone(), value.clone())));
    let merged = serde_json::Value::Object(merged);
    if row.name == name && row.max_users == max_users && (settings.is_empty() || row.settings == merged) {
        return Ok(false);
    }
    let sql = "UPDATE organizations SET name = $2, max_users = $3, settings = $4::jsonb, updated_at = $5 \
        WHERE id = $1";
    let values =
        [row.id.into(), name.into(), max_users.into(), merged.to_string().into(), Value::moment(tx.now)];
    tx.run(sql, &values).await?;
    Ok(true)
}

/// Holds everybody else who would change this organization off until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, id: OrganizationId) -> Result<Option<Organization>, StoreError> {
    tx.maybe(select!("WHERE id = $1 FOR NO KEY UPDATE"), &[id.into()]).await?.as_ref().map(read).transpose()
}

pub(crate) async fn write_status(
    tx: &mut Tx,
    id: OrganizationId,
    status: Status,
) -> Result<bool, StoreError> {
    let sql = "UPDATE organizations SET status = $2, updated_at = $3 WHERE id = $1 AND status <> $2";
    Ok(tx.run(sql, &[id.into(), status.name().into(), Value::moment(tx.now)]).await? > 0)
}
