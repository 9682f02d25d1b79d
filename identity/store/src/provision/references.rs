//! Who references an organization's rows: every foreign key that points at `organizations` or `users`, and every
//! other application's table with a column `organization_id`. Their names come from the database's own catalogue and
//! are quoted.

use std::collections::BTreeMap;
use std::fmt;

use tenantry_directory::OrganizationId;

use crate::sql::{Dialect, Row};
use crate::{StoreError, Tx};

/// Rows of one table that refer to an organization or its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The table, with its schema where that is not the usual one.
    pub table: String,
    /// The column, or columns with commas.
    pub column: String,
    /// How many rows.
    pub rows: i64,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} rows)", self.table, self.rows)
    }
}

/// A way to reference an organization, and the statement that counts who does.
struct Way {
    table: String,
    column: String,
    count: String,
}

const POSTGRES_KEYS: &str = "SELECT k.oid::bigint AS key_id, n.nspname::text AS schema_name, r.relname::text AS table_name, \
       pg_table_is_visible(r.oid) AS visible, k.confrelid = to_regclass('users') AS to_users, \
       coalesce(k.conrelid = to_regclass('users'), false) AS from_users, \
       coalesce(k.conrelid = to_regclass('organizations'), false) AS from_organizations, \
       a.attname::text AS column_name, b.attname::text AS target_column \
     FROM pg_constraint k JOIN pg_class r ON r.oid = k.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace \
       CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS pair (attnum, target, place) \
       JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = pair.attnum \
       JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = pair.target \
     WHERE k.contype = 'f' AND k.conparentid = 0 \
       AND k.confrelid IN (to_regclass('organizations'), to_regclass('users')) ORDER BY k.oid, pair.place";
const SQLITE_KEYS: &str = "SELECT f.id AS key_id, '' AS schema_name, m.name AS table_name, 1 AS visible, \
       lower(f.\"table\") = 'users' AS to_users, lower(m.name) = 'users' AS from_users, \
       lower(m.name) = 'organizations' AS from_organizations, \
       f.\"from\" AS column_name, coalesce(f.\"to\", 'id') AS target_column \
     FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f \
     WHERE m.type = 'table' AND lower(f.\"table\") IN ('organizations', 'users') ORDER BY m.name, f.id, f.seq";

const POSTGRES_COLUMNS: &str = "SELECT n.nspname::text AS schema_name, r.relname::text AS table_name, \
       pg_table_is_visible(r.oid) AS visible, a.attname::text AS column_name, \
       t.typname IN ('int2', 'int4', 'int8') AS is_integer \
     FROM pg_attribute a JOIN pg_class r ON r.oid = a.attrelid JOIN pg_namespace n ON n.oid = r.relnamespace \
       JOIN pg_type t ON t.oid = a.atttypid \
     WHERE lower(a.attname) = 'organization_id' AND a.attnum > 0 AND NOT a.attisdropped \
       AND r.relkind IN ('r', 'p') AND NOT r.relispartition AND r.oid IS DISTINCT FROM to_regclass('users') \
       AND n.nspname NOT IN ('tenantry', 'information_schema') AND left(n.nspname, 3) <> 'pg_' ORDER BY 1, 2";
const SQLITE_COLUMNS: &str = "SELECT '' AS schema_name, m.name AS table_name, 1 AS visible, c.name AS column_name, \
       1 AS is_integer FROM sqlite_master m JOIN pragma_table_info(m.name) c \
     WHERE m.type = 'table' AND lower(c.name) = 'organization_id' AND lower(m.name) <> 'users' \
       AND substr(m.name, 1, 9) <> 'tenantry_' ORDER BY m.name";

/// Makes a row-level policy that hides rows from us an error, where it would make us count too few.
pub(super) async fn see_everything(tx: &mut Tx) -> Result<(), StoreError> {
    if tx.dialect() == Dialect::Postgres {
        tx.one("SELECT set_config('row_security', 'off', true)", &[]).await?;
    }
    Ok(())
}

/// Every row of others that references the organization's, by table and column.
pub(super) async fn find(tx: &mut Tx, id: OrganizationId) -> Result<Vec<Reference>, StoreError> {
    let mut found = BTreeMap::new();
    for Way { table, column, count } in ways(tx).await? {
        let rows = tx.all_of(count, &[id.into()]).await?;
        let rows = rows.first().map_or(Ok(0), |row| row.int("count"))?;
        // A column may be found both ways; either counts the same rows.
        if rows > 0 {
            let known = found.entry((table, column)).or_insert(0);
            *known = rows.max(*known);
        }
    }
    Ok(found.into_iter().map(|((table, column), rows)| Reference { table, column, rows }).collect())
}

async fn ways(tx: &mut Tx) -> Result<Vec<Way>, StoreError> {
    let dialect = tx.dialect();
    let (keys, columns) = match dialect {
        Dialect::Postgres => (POSTGRES_KEYS, POSTGRES_COLUMNS),
        Dialect::Sqlite => (SQLITE_KEYS, SQLITE_COLUMNS),
    };
    let mut ways = Vec::new();
    let rows = tx.all(keys, &[]).await?;
    let identity = |row: &Row| {
        Ok::<_, StoreError>((row.text("schema_name")?, row.text("table_name")?, row.int("key_id")?))
    };
    let mut rest = rows.as_slice();
    while let Some(first) = rest.first() {
        let key = identity(first)?;
        let mut length = 1;
        while let Some(row) = rest.get(length)
            && identity(row)? == key
        {
            length += 1;
        }
        let (columns, others) = rest.split_at(length);
        ways.push(by_key(dialect, columns)?);
        rest = others;
    }
    for row in tx.all(columns, &[]).await? {
        ways.push(by_column(dialect, &row)?);
    }
    Ok(ways)
}

/// A foreign key of one or more columns. Rows that go with the organization do not count: its users, and what they
/// say of each other.
fn by_key(dialect: Dialect, columns: &[Row]) -> Result<Way, StoreError> {
    let mut names = Vec::new();
    let mut joined = Vec::new();
    for row in columns {
        let (from, to) = (row.text("column_name")?, row.text("target_column")?);
        joined.push(format!("r.{} = t.{}", quoted(&from), quoted(&to)));
        names.push(from);
    }
    let Some(first) = columns.first() else {
        return Err(StoreError::corrupt("pg_constraint", "has no columns"));
    };
    let (target, whose) =
        if first.bool("to_users")? { ("users", "organization_id") } else { ("organizations", "id") };
    let differs = match dialect {
        Dialect::Postgres => "IS DISTINCT FROM",
        Dialect::Sqlite => "IS NOT",
    };
    let own = if first.bool("from_users")? {
        format!(" AND r.organization_id {differs} $1")
    } else if first.bool("from_organizations")? && target == "organizations" {
        " AND r.id <> $1".to_owned()
    } else {
        String::new()
    };
    let count = format!(
        "SELECT count(*) AS count FROM {} AS r WHERE EXISTS \
         (SELECT 1 FROM {target} AS t WHERE t.{whose} = $1 AND {}){own}",
        qualified(first)?,
        joined.join(" AND ")
    );
    Ok(Way { table: shown(first)?, column: names.join(", "), count })
}

fn by_column(dialect: Dialect, row: &Row) -> Result<Way, StoreError> {
    let column = row.text("column_name")?;
    let name = quoted(&column);
    let is_it = if dialect == Dialect::Sqlite || row.bool("is_integer")? {
        format!("{name} = $1")
    } else {
        format!("{name}::text = $1::text")
    };
    let count = format!("SELECT count(*) AS count FROM {} WHERE {is_it}", qualified(row)?);
    Ok(Way { table: shown(row)?, column, count })
}

fn qualified(row: &Row) -> Result<String, StoreError> {
    let (schema, table) = (row.text("schema_name")?, quoted(&row.text("table_name")?));
    Ok(if schema.is_empty() { table } else { format!("{}.{table}", quoted(&schema)) })
}

fn shown(row: &Row) -> Result<String, StoreError> {
    let (schema, table) = (row.text("schema_name")?, row.text("table_name")?);
    Ok(if row.bool("visible")? { table } else { format!("{schema}.{table}") })
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
