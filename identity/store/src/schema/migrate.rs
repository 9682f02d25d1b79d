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
    Migration { version: 3, name: "keyring", sql: include_str!("../../migrations/0003_keyring.sql") },
    Migration { version: 4, name: "rate_limits", sql: include_str!("../../migrations/0004_rate_limits.sql") },
];

const APPLICATION_TABLES: &str = include_str!("../../migrations/application.sql");

/// Any number that no other program is likely to take; the same in every version of ours.
const POSTGRES_LOCK: &str = "SELECT pg_advisory_xact_lock(7309940115214463841)::text";

/// Brings the schema up to date, in one transaction. Whoever comes second waits and finds it done.
pub(crate) async fn migrate(tx: &mut Tx) -> Result<(), OpenError> {
    let mut user = String::new();
    if tx.dialect() == Dialect::Postgres {
        user = check_server(tx).await?;
        tx.one(POSTGRES_LOCK, &[]).await?;
        // Not CREATE SCHEMA IF NOT EXISTS alone: that asks for the right to create even where nothing is to do.
        if tx.maybe("SELECT 1 AS one FROM pg_namespace WHERE nspname = 'tenantry'", &[]).await?.is_none() {
            let made = tx.script("CREATE SCHEMA tenantry").await;
            made.map_err(needs(|| format!("CREATE SCHEMA tenantry AUTHORIZATION {user}")))?;
        }
    }
    let applied = applied(tx).await?;
    let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if applied > known {
        return Err(OpenError::NewerDatabase { applied, known });
    }
    if introspect::is_missing(tx).await? {
        make_application_tables(tx, &user).await?;
    }
    introspect::check(tx).await?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > applied) {
        tx.script(migration.sql).await?;
        let sql = "INSERT INTO tenantry.migrations (version, name, applied_at) VALUES ($1, $2, $3)";
        tx.run(sql, &[migration.version.into(), migration.name.into(), tx.now.into()]).await?;
    }
    let restored = triggers::restore(tx).await;
    restored.map_err(needs(|| {
        format!("GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON organizations, users TO {user}")
    }))?;
    Ok(())
}

/// Where the application looks for its tables. The schema of ours is left out: PostgreSQL looks first into the one that is called as
/// its user, and ours is wherever the user is called `tenantry`.
async fn make_application_tables(tx: &mut Tx, user: &str) -> Result<(), OpenError> {
    if tx.dialect() == Dialect::Sqlite {
        return Ok(tx.script(APPLICATION_TABLES).await?);
    }
    let sql = "SELECT quote_ident(name) AS name FROM unnest(current_schemas(false)) WITH ORDINALITY AS path (name, place) \
        WHERE name <> 'tenantry' ORDER BY place LIMIT 1";
    let Some(found) = tx.maybe(sql, &[]).await? else {
        return Err(OpenError::Unusable {
            problem: "the database has no schema in which the user's tables could be".to_owned(),
            remedy: format!("run: GRANT USAGE, CREATE ON SCHEMA public TO {user}"),
        });
    };
    let schema = found.text("name")?;
    tx.one("SELECT set_config('search_path', $1, true) AS path", &[schema.as_str().into()]).await?;
    let made = tx.script(APPLICATION_TABLES).await;
    made.map_err(needs(|| format!("GRANT USAGE, CREATE ON SCHEMA {schema} TO {user}")))
}

/// What a user who lacks a right is told to run.
fn needs(statement: impl FnOnce() -> String) -> impl FnOnce(StoreError) -> OpenError {
    move |error| {
        if error.lacks_rights() {
            OpenError::Rights { statement: statement(), source: error }
        } else {
            error.into()
        }
    }
}

/// The user's name. What the triggers are written with came with PostgreSQL 13.
async fn check_server(tx: &mut Tx) -> Result<String, OpenError> {
    let sql = "SELECT current_setting('server_version_num')::bigint / 10000 AS version, quote_ident(current_user) AS name";
    let server = tx.one(sql, &[]).await?;
    let version = server.int("version")?;
    if version < 13 {
        return Err(OpenError::Unusable {
            problem: format!("the database server is PostgreSQL {version}"),
            remedy: "use PostgreSQL 13 or newer".to_owned(),
        });
    }
    Ok(server.text("name")?)
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
