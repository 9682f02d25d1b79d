use std::sync::Arc;

use sqlx::{AssertSqlSafe, Postgres, Sqlite};
use tenantry_directory::Timestamp;
use tenantry_rules::clock::Clock;
use tenantry_rules::sealing::Keyring;

use super::value::{bind_postgres, bind_sqlite};
use super::{Dialect, Row, Value, statement};
use crate::StoreError;
use crate::open::Pool;

/// What every transaction of one store shares.
pub(crate) struct Shared {
    pub(crate) dialect: Dialect,
    pub(crate) keyring: Keyring,
    pub(crate) backend: String,
    /// `None`: the database's own clock.
    pub(crate) clock: Option<Arc<dyn Clock>>,
}

/// One transaction. Dropped without [`Tx::commit`], it leaves nothing behind.
pub struct Tx {
    connection: Connection,
    shared: Arc<Shared>,
    /// The one `now` of this transaction.
    pub now: Timestamp,
}

enum Connection {
    Postgres(sqlx::Transaction<'static, Postgres>),
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

/// The database's time, and bounds on how long a statement of ours may hold others up. Set per transaction,
/// because a pooler between us and the database keeps nothing else.
const POSTGRES_START: &str = "SELECT (extract(epoch FROM now()) * 1000)::bigint AS now, \
     set_config('lock_timeout', '10s', true), set_config('statement_timeout', '30s', true)";
const SQLITE_START: &str =
    "SELECT CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) AS now";

pub(crate) async fn begin_write(pool: &Pool, shared: &Arc<Shared>) -> Result<Tx, StoreError> {
    let connection = match pool {
        Pool::Postgres(pool) => Connection::Postgres(
            // Named, because a database may have another default; our conditional updates are made for this one.
            pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?,
        ),
        // IMMEDIATE: a transaction that reads first and writes later must not find its snapshot outdated.
        Pool::Sqlite { writer, .. } => Connection::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
    };
    start(connection, shared).await
}

pub(crate) async fn begin_read(pool: &Pool, shared: &Arc<Shared>) -> Result<Tx, StoreError> {
    let connection = match pool {
        Pool::Postgres(pool) => {
            Connection::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
        }
        Pool::Sqlite { reader, .. } => Connection::Sqlite(reader.begin().await?),
    };
    start(connection, shared).await
}

async fn start(connection: Connection, shared: &Arc<Shared>) -> Result<Tx, StoreError> {
    let mut tx = Tx { connection, shared: Arc::clone(shared), now: Timestamp::from_millis(0) };
    let start = match shared.dialect {
        Dialect::Postgres => POSTGRES_START,
        Dialect::Sqlite => SQLITE_START,
    };
    let database = tx.one(start, &[]).await?.at("now")?;
    tx.now = shared.clock.as_ref().map_or(database, Clock::now);
    Ok(tx)
}

impl Tx {
    /// Makes everything done in this transaction durable, at once.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.connection {
            Connection::Postgres(tx) => tx.commit().await?,
            Connection::Sqlite(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Undoes everything done in this transaction.
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self.connection {
            Connection::Postgres(tx) => tx.rollback().await?,
            Connection::Sqlite(tx) => tx.rollback().await?,
        }
        Ok(())
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.shared.dialect
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.shared.keyring
    }

    pub(crate) fn backend_identity(&self) -> &str {
        &self.shared.backend
    }

    /// Runs a statement; how many rows it touched.
    pub(crate) async fn run(&mut self, sql: &'static str, values: &[Value]) -> Result<u64, StoreError> {
        let sql = AssertSqlSafe(statement(self.shared.dialect, sql).into_owned());
        Ok(match &mut self.connection {
            Connection::Postgres(tx) => {
                bind_postgres(sqlx::query(sql), values).execute(&mut **tx).await?.rows_affected()
            }
            Connection::Sqlite(tx) => {
                bind_sqlite(sqlx::query(sql), values).execute(&mut **tx).await?.rows_affected()
            }
        })
    }

    pub(crate) async fn all(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.all_of(statement(self.shared.dialect, sql).into_owned(), values).await
    }

    /// As [`Self::all`], for a statement put together from names that the database itself gave, already in its dialect.
    pub(crate) async fn all_of(&mut self, sql: String, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let sql = AssertSqlSafe(sql);
        Ok(match &mut self.connection {
            Connection::Postgres(tx) => {
                let rows = bind_postgres(sqlx::query(sql), values).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
            Connection::Sqlite(tx) => {
                let rows = bind_sqlite(sqlx::query(sql), values).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
        })
    }

    pub(crate) async fn maybe(
        &mut self,
        sql: &'static str,
        values: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.all(sql, values).await?.into_iter().next())
    }

    pub(crate) async fn one(&mut self, sql: &'static str, values: &[Value]) -> Result<Row, StoreError> {
        self.maybe(sql, values).await?.ok_or(StoreError::Database(sqlx::Error::RowNotFound))
    }

    /// Runs a script of several statements, without parameters.
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.script_of(statement(self.shared.dialect, sql).into_owned()).await
    }

    /// Runs a script that was put together from our own words, already in the dialect's.
    pub(crate) async fn script_of(&mut self, sql: String) -> Result<(), StoreError> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        let done = match &mut self.connection {
            Connection::Postgres(tx) => sql.execute(&mut **tx).await.map(|_| ()),
            Connection::Sqlite(tx) => sql.execute(&mut **tx).await.map(|_| ()),
        };
        Ok(done?)
    }
}
