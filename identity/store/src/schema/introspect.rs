//! What `organizations` and `users` look like. Tables of another application are used as they are, where they can
//! be; what cannot work is refused with the statement that would make it work.

use crate::open::OpenError;
use crate::sql::Dialect;
use crate::{StoreError, Tx};

/// A column that we read or write, and PostgreSQL's names of the types that it may have.
struct Needed {
    table: &'static str,
    column: &'static str,
    types: &'static [&'static str],
    definition: &'static str,
}

const INTEGER: &[&str] = &["int8", "int4"];
const TEXT: &[&str] = &["text", "varchar", "citext"];
const JSON: &[&str] = &["jsonb", "json"];
const BOOLEAN: &[&str] = &["bool"];
const MOMENT: &[&str] = &["timestamptz", "timestamp"];

macro_rules! needed {
    ($($table:literal: $($column:literal $types:ident $definition:literal),* $(,)?);* $(;)?) => {
        &[$($(Needed { table: $table, column: $column, types: $types, definition: $definition },)*)*]
    };
}

const NEEDED: &[Needed] = needed! {
    "organizations":
        "id" INTEGER "BIGINT",
        "name" TEXT "TEXT",
        "slug" TEXT "TEXT",
        "status" TEXT "TEXT NOT NULL DEFAULT 'active'",
        "settings" JSON "JSONB NOT NULL DEFAULT '{}'",
        "max_users" INTEGER "BIGINT",
        "created_at" MOMENT "TIMESTAMPTZ",
        "updated_at" MOMENT "TIMESTAMPTZ";
    "users":
        "id" INTEGER "BIGINT",
        "organization_id" INTEGER "BIGINT",
        "email" TEXT "TEXT",
        "hashed_password" TEXT "TEXT",
        "full_name" TEXT "TEXT",
        "role" TEXT "TEXT",
        "is_active" BOOLEAN "BOOLEAN NOT NULL DEFAULT TRUE",
        "last_login" MOMENT "TIMESTAMPTZ",
        "failed_login_attempts" INTEGER "BIGINT NOT NULL DEFAULT 0",
        "locked_until" MOMENT "TIMESTAMPTZ",
        "created_at" MOMENT "TIMESTAMPTZ",
        "updated_at" MOMENT "TIMESTAMPTZ";
};

/// Whether neither table exists. One without the other is another application's and is looked at by [`check`].
pub(crate) async fn is_missing(tx: &mut Tx) -> Result<bool, StoreError> {
    Ok(columns(tx, "organizations").await?.is_empty() && columns(tx, "users").await?.is_empty())
}

/// Refuses tables that we could not work with.
pub(crate) async fn check(tx: &mut Tx) -> Result<(), OpenError> {
    for table in ["organizations", "users"] {
        let columns = columns(tx, table).await?;
        if columns.is_empty() {
            return Err(OpenError::Unusable {
                problem: format!("of the tables organizations and users, {table} is missing"),
                remedy: format!("create {table}, or use a database of its own for Tenantry"),
            });
        }
        for needed in NEEDED.iter().filter(|needed| needed.table == table) {
            check_column(tx.dialect(), needed, &columns)?;
        }
    }
    Ok(())
}

fn check_column(dialect: Dialect, needed: &Needed, columns: &[(String, String)]) -> Result<(), OpenError> {
    let Needed { table, column, types, definition } = needed;
    let Some((_, found)) = columns.iter().find(|(name, _)| name == column) else {
        return Err(OpenError::Unusable {
            problem: format!("the table {table} has no column {column}"),
            remedy: format!("run: ALTER TABLE {table} ADD COLUMN {column} {definition}"),
        });
    };
    // SQLite's columns hold values of any type; only PostgreSQL's bind us.
    if dialect == Dialect::Postgres && !types.contains(&found.as_str()) {
        let word = definition.split(' ').next().unwrap_or(definition);
        return Err(OpenError::Unusable {
            problem: format!("the column {table}.{column} is of type {found}"),
            remedy: format!(
                "run: ALTER TABLE {table} ALTER COLUMN {column} TYPE {word} USING {column}::{word}"
            ),
        });
    }
    Ok(())
}

async fn columns(tx: &mut Tx, table: &'static str) -> Result<Vec<(String, String)>, StoreError> {
    let sql = match tx.dialect() {
        Dialect::Postgres => {
            "SELECT a.attname::text AS name, t.typname::text AS type FROM pg_attribute a \
             JOIN pg_type t ON t.oid = a.atttypid \
             WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped"
        }
        Dialect::Sqlite => "SELECT name, lower(type) AS type FROM pragma_table_info($1)",
    };
    let rows = tx.all(sql, &[table.into()]).await?;
    rows.iter().map(|row| Ok((row.text("name")?, row.text("type")?))).collect()
}
