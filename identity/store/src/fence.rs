//! Who may write for a cluster: operators are counted, and one that was replaced writes nothing, however late it wakes up.

use crate::sql::Dialect;
use crate::{StoreError, Tx};

/// The number under which a handle writes.
#[derive(Clone, Debug)]
pub(crate) struct Fence {
    cluster: String,
    generation: i64,
}

/// Whoever sleeps in the middle of a transaction is thrown out by the database, or its lock would keep a successor out for as
/// long as it sleeps. [`RAISE_WITHIN`] is longer than that.
const POSTGRES_CHECK: &str = "SELECT generation, set_config('idle_in_transaction_session_timeout', '10s', true) \
    FROM tenantry.fence WHERE cluster = $1 FOR SHARE";
const RAISE_WITHIN: &str = "SELECT set_config('lock_timeout', '20s', true)";

impl Fence {
    /// Makes this number the one that may write, unless a higher one does.
    pub(crate) async fn raise(tx: &mut Tx, cluster: &str, generation: i64) -> Result<Self, StoreError> {
        let sql = "INSERT INTO tenantry.fence (cluster, generation) VALUES ($1, $2) \
            ON CONFLICT (cluster) DO UPDATE SET generation = excluded.generation \
            WHERE fence.generation < excluded.generation";
        let sqlite = "INSERT INTO tenantry.fence (cluster, generation) VALUES ($1, $2) \
            ON CONFLICT (cluster) DO UPDATE SET generation = excluded.generation \
            WHERE tenantry_fence.generation < excluded.generation";
        let sql = match tx.dialect() {
            Dialect::Postgres => {
                tx.one(RAISE_WITHIN, &[]).await?;
                sql
            }
            Dialect::Sqlite => sqlite,
        };
        tx.run(sql, &[cluster.into(), generation.into()]).await?;
        let fence = Self { cluster: cluster.to_owned(), generation };
        fence.check(tx).await?;
        Ok(fence)
    }

    /// Refuses a transaction of a lower number. The lock lasts until the transaction ends, so that a higher number waits for it.
    pub(crate) async fn check(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let sql = match tx.dialect() {
            Dialect::Postgres => POSTGRES_CHECK,
            Dialect::Sqlite => "SELECT generation FROM tenantry.fence WHERE cluster = $1",
        };
        let row = tx.maybe(sql, &[self.cluster.as_str().into()]).await?;
        let leader = row.map(|row| row.int("generation")).transpose()?.unwrap_or(i64::MAX);
        if leader != self.generation {
            return Err(StoreError::Fenced { leader, ours: self.generation });
        }
        Ok(())
    }
}
