//! Who may write for a cluster: operators are counted, and one that was replaced writes nothing, however late it wakes up.

use crate::sql::Dialect;
use crate::{StoreError, Tx};

/// The number under which a handle writes.
#[derive(Clone, Debug)]
pub(crate) struct Fence {
    cluster: String,
    generation: i64,
}

impl Fence {
    /// Makes this number the one that may write, unless a higher one does.
    pub(crate) async fn raise(tx: &mut Tx, cluster: &str, generation: i64) -> Result<Self, StoreError> {
        let sql = "INSERT INTO tenantry.fence (cluster, generation) VALUES ($1, $2) \
            ON CONFLICT (cluster) DO UPDATE SET generation = excluded.generation \
            WHERE fence.generation < excluded.generation";
        let sqlite = "INSERT INTO tenantry.fence (cluster, generation) VALUES ($1, $2) \
            ON CONFLICT (cluster) DO UPDATE SET generation = excluded.generation \
            WHERE tenantry_fence.generation < excluded.generation";
        let sql = if tx.dialect() == Dialect::Postgres { sql } else { sqlite };
        tx.run(sql, &[cluster.into(), generation.into()]).await?;
        let fence = Self { cluster: cluster.to_owned(), generation };
        fence.check(tx).await?;
        Ok(fence)
    }

    /// Refuses a transaction of a lower number. The lock lasts until the transaction ends, so that a higher number waits for it.
    pub(crate) async fn check(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let sql = "SELECT generation FROM tenantry.fence WHERE cluster = $1 FOR SHARE";
        let row = tx.maybe(sql, &[self.cluster.as_str().into()]).await?;
        let leader = row.map(|row| row.int("generation")).transpose()?.unwrap_or(i64::MAX);
        if leader != self.generation {
            return Err(StoreError::Fenced { leader, ours: self.generation });
        }
        Ok(())
    }
}
