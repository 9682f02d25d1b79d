use super::{introspect, triggers};
use crate::open::OpenError;
use crate::sql::Dialect;
use crate::{StoreError, Tx};

/// One step of our own schema. A step that has been released is never edited: a new one follows it.
struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "identity", sql: include_str!("../../migrations/0001_identity.sql") },
    Migration { version: 2, name: "operator", sql: include_str!("../../migrations/0002_operator.sql") },
];

const APPLICATION_TABLES: &str = include_str!("../../migrations/application.sql");

/// Any number that no other program is likely to take; the same in every version of ours.
const POSTGRES_LOCK: &str = "SELECT pg_advisory_xact_lock(7309940115214463841)::text";

/// Brings the schema up to date, in one transaction. Whoever comes second waits and finds it done.
pub(crate) async fn migrate(tx: &mut Tx) -> Result<(), OpenError> {
    if tx.dialect() == Dialect::Postgres {
        check_version(tx).await?;
        tx.one(POSTGRES_LOCK, &[]).await?;
        // Not CREATE SCHEMA IF NOT EXISTS alone: that asks for the right to create even where nothing is to do.
        if tx.maybe("SELECT 1 AS one FROM pg_namespace WHERE nspname = 'tenantry'", &[]).await?.is_none() {
            tx.script("CREATE SCHEMA tenantry").await?;
        }
    }
    let applied = applied(tx).await?;
    let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if applied > known {
        return Err(OpenError::NewerDatabase { applied, known });
    }
    if introspect::is_missing(tx).await? {
        tx.script(APPLICATION_TABLES).await?;
    }
    introspect::check(tx).await?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > applied) {
        tx.script(migration.sql).await?;
        let sql = "INSERT INTO tenantry.migrations (version, name, applied_at) VALUES ($1, $2, $3)";
        tx.run(sql, &[migration.version.into(), migration.name.into(), tx.now.into()]).await?;
    }
    triggers::restore(tx).await?;
    Ok(())
}

/// What the triggers are written with came with PostgreSQL 13.
async fn check_version(tx: &mut Tx) -> Result<(), OpenError> {
    let sql = "SELECT current_setting('server_version_num')::bigint / 10000 AS version";
    let version = tx.one(sql, &[]).await?.int("version")?;
    if version < 13 {
        return Err(OpenError::Unusable {
            problem: format!("the database server is PostgreSQL {version}"),
            remedy: "use PostgreSQL 13 or newer".to_owned(),
        });
    }
    Ok(())
}

async fn applied(tx: &mut Tx) -> Result<i64, StoreError> {
    let table = match tx.dialect() {
        Dialect::Postgres => {
            "SELECT 1 AS one FROM pg_tables WHERE schemaname = 'tenantry' AND tablename = 'migrations'"
        }
        Dialect::Sqlite => {
            "SELECT 1 AS one FROM sqlite_master WHERE type = 'table' AND name = 'tenantry_migrations'"
        }
    };
    if tx.maybe(table, &[]).await?.is_none() {
        tx.script(
            "CREATE TABLE tenantry.migrations \
             (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)",
        )
        .await?;
    }
    let sql = "SELECT coalesce(max(version), 0) AS version FROM tenantry.migrations";
    tx.one(sql, &[]).await?.int("version")
}
