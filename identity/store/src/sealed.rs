//! Sealed columns: which tables have them, whether the keyring opens them, and sealing anew under a newer key.

use tenantry_directory::OrganizationId;
use tenantry_rules::sealing::Place;
use zeroize::Zeroizing;

use crate::open::OpenError;
use crate::{Store, StoreError, Tx};

/// A table with a column `sealed`, and `sealed_by` beside it. `organization_id` 0 stands for the Backend's own.
struct Table {
    name: &'static str,
    keys: &'static str,
    under_key: &'static str,
    under_others: &'static str,
    replace: &'static str,
}

/// The name of the row that says which keyring the database is sealed with.
const MARK: &str = "keyring";

const TABLES: &[Table] = &[
    Table {
        name: "backend",
        keys: "SELECT sealed_by FROM tenantry.backend WHERE sealed_by IS NOT NULL",
        under_key: "SELECT CAST(0 AS BIGINT) AS organization_id, 'keyring' AS row_name, sealed FROM tenantry.backend \
            WHERE sealed_by = $1",
        under_others: "SELECT CAST(0 AS BIGINT) AS organization_id, 'keyring' AS row_name, sealed FROM tenantry.backend \
            WHERE sealed_by <> $1",
        replace: "UPDATE tenantry.backend SET sealed = $3, sealed_by = $4 \
            WHERE $1 = 0 AND $2 = 'keyring' AND sealed = $5",
    },
    Table {
        name: "signing_keys",
        keys: "SELECT DISTINCT sealed_by FROM tenantry.signing_keys",
        under_key: "SELECT organization_id, kid AS row_name, sealed FROM tenantry.signing_keys \
            WHERE sealed_by = $1 LIMIT 1",
        under_others: "SELECT organization_id, kid AS row_name, sealed FROM tenantry.signing_keys \
            WHERE sealed_by <> $1 LIMIT 100",
        replace: "UPDATE tenantry.signing_keys SET sealed = $3, sealed_by = $4 \
            WHERE organization_id = $1 AND kid = $2 AND sealed = $5",
    },
    Table {
        name: "secrets",
        keys: "SELECT DISTINCT sealed_by FROM tenantry.secrets",
        under_key: "SELECT organization_id, name || '/' || generation::text AS row_name, sealed \
            FROM tenantry.secrets WHERE sealed_by = $1 LIMIT 1",
        under_others: "SELECT organization_id, name || '/' || generation::text AS row_name, sealed \
            FROM tenantry.secrets WHERE sealed_by <> $1 LIMIT 100",
        replace: "UPDATE tenantry.secrets SET sealed = $3, sealed_by = $4 \
            WHERE organization_id = $1 AND name || '/' || generation::text = $2 AND sealed = $5",
    },
    Table {
        name: "sessions",
        keys: "SELECT DISTINCT sealed_by FROM tenantry.sessions WHERE ended_at IS NULL",
        under_key: "SELECT organization_id, id AS row_name, sealed FROM tenantry.sessions \
            WHERE sealed_by = $1 AND ended_at IS NULL LIMIT 1",
        under_others: "SELECT organization_id, id AS row_name, sealed FROM tenantry.sessions \
            WHERE sealed_by <> $1 AND ended_at IS NULL LIMIT 100",
        replace: "UPDATE tenantry.sessions SET sealed = $3, sealed_by = $4 \
            WHERE organization_id = $1 AND id = $2 AND sealed = $5",
    },
];

fn place<'a>(table: &'a str, organization: Option<OrganizationId>, row: &'a str) -> Place<'a> {
    Place { table, organization, row }
}

fn whose(id: OrganizationId) -> Option<OrganizationId> {
    (id.0 != 0).then_some(id)
}

pub(crate) fn seal(
    tx: &Tx,
    table: &str,
    organization: Option<OrganizationId>,
    row: &str,
    value: &[u8],
) -> Result<Vec<u8>, StoreError> {
    Ok(tx.keyring().seal(place(table, organization, row), value)?)
}

pub(crate) fn open(
    tx: &Tx,
    table: &str,
    organization: Option<OrganizationId>,
    row: &str,
    blob: &[u8],
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    Ok(tx.keyring().open(place(table, organization, row), blob)?)
}

/// Refuses to go on without a key that something is sealed under, or with another key of its name: a secret is
/// never made anew because it could not be read.
pub(crate) async fn check(tx: &mut Tx) -> Result<(), OpenError> {
    for table in TABLES {
        for row in tx.all(table.keys, &[]).await? {
            let key = row.text("sealed_by")?;
            if !tx.keyring().ids().any(|id| id == key) {
                return Err(OpenError::SealingKeyMissing { key });
            }
            if let Some(row) = tx.maybe(table.under_key, &[key.as_str().into()]).await? {
                let (organization, name) = (row.organization("organization_id")?, row.text("row_name")?);
                open(tx, table.name, whose(organization), &name, &row.bytes("sealed")?)
                    .map_err(|source| OpenError::SealingKeyWrong { key, source })?;
            }
        }
    }
    Ok(())
}

impl Store {
    /// Marks an unmarked database as sealed with this keyring, and refuses one that another marked meanwhile. Meant for whoever opened it,
    /// once the keyring is kept and before anything is sealed. Writes nothing where the mark stands.
    pub async fn mark_keyring(&self) -> Result<(), OpenError> {
        let marked = "SELECT 1 AS one FROM tenantry.backend WHERE sealed_by IS NOT NULL";
        if self.read().await?.maybe(marked, &[]).await?.is_none() {
            let mut tx = self.write().await?;
            let mark = seal(&tx, "backend", None, MARK, MARK.as_bytes())?;
            let sealing = tx.keyring().sealing_id().to_owned();
            let sql = "UPDATE tenantry.backend SET sealed = $1, sealed_by = $2 WHERE only_row = 1 AND sealed_by IS NULL";
            tx.run(sql, &[mark.into(), sealing.into()]).await?;
            tx.commit().await?;
        }
        check(&mut self.read().await?).await
    }

    /// Seals again, under the keyring's first key, what is sealed under its others; how many rows. Meant for the
    /// background: a hundred rows a transaction, each replaced only if it is still what was read.
    pub async fn reseal(&self) -> Result<u64, StoreError> {
        let mut count = 0;
        for table in TABLES {
            loop {
                let mut tx = self.write().await?;
                let resealed = reseal_some(&mut tx, table).await?;
                tx.commit().await?;
                count += resealed;
                if resealed == 0 {
                    break;
                }
            }
        }
        Ok(count)
    }
}

async fn reseal_some(tx: &mut Tx, table: &Table) -> Result<u64, StoreError> {
    let sealing = tx.keyring().sealing_id().to_owned();
    let mut count = 0;
    for row in tx.all(table.under_others, &[sealing.as_str().into()]).await? {
        let (id, name, old) =
            (row.organization("organization_id")?, row.text("row_name")?, row.bytes("sealed")?);
        let value = open(tx, table.name, whose(id), &name, &old)?;
        let new = seal(tx, table.name, whose(id), &name, &value)?;
        let values = [id.into(), name.into(), new.into(), sealing.as_str().into(), old.into()];
        count += tx.run(table.replace, &values).await?;
    }
    Ok(count)
}
