//! What refers to an organization's rows: foreign keys, and columns that are named as if they were.

use std::fmt;

use tenantry_directory::OrganizationId;

use crate::sql::{Dialect, Row};
use crate::{StoreError, Tx};

/// Rows of one table that refer to an organization or its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The table, with its schema where that is not the usual one.
    pub table: String,
    /// The column.
    pub column: String,
    /// How many rows.
    pub rows: i64,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} rows)", self.table, self.rows)
    }
}

/// A column that may refer to the organization, or to its users.
struct Column {
    shown: String,
    quoted: String,
    name: String,
    users: bool,
}

/// Foreign keys on one column to organizations(id) or users(id), and every other column called `organization_id`, outside of ours.
const POSTGRES: &str = "SELECT n.nspname::text AS schema, t.relname::text AS name, a.attname::text AS col, \
        CASE WHEN c.confrelid = to_regclass('users') THEN 'users' ELSE 'organizations' END AS target \
    FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] \
    WHERE c.contype = 'f' AND c.conparentid = 0 AND c.confrelid IN (to_regclass('organizations'), to_regclass('users')) \
    UNION SELECT n.nspname::text, t.relname::text, a.attname::text, 'organizations' \
    FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
        JOIN pg_type y ON y.oid = a.atttypid \
    WHERE a.attname = 'organization_id' AND NOT a.attisdropped AND t.relkind IN ('r', 'p') AND NOT t.relispartition \
        AND y.typname IN ('int8', 'int4', 'int2', 'numeric') \
        AND n.nspname NOT IN ('tenantry', 'pg_catalog', 'information_schema') \
    ORDER BY 1, 2, 3";

const SQLITE: &str = "SELECT '' AS schema, m.name AS name, f.\"from\" AS col, lower(f.\"table\") AS target \
    FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f \
    WHERE m.type = 'table' AND m.name NOT LIKE 'tenantry\\_%' ESCAPE '\\' \
        AND lower(f.\"table\") IN ('organizations', 'users') \
    UNION SELECT '', m.name, c.name, 'organizations' FROM sqlite_master m JOIN pragma_table_info(m.name) c \
    WHERE m.type = 'table' AND m.name NOT LIKE 'tenantry\\_%' ESCAPE '\\' AND lower(c.name) = 'organization_id' \
    ORDER BY 2, 3";

fn column(row: &Row) -> Result<Column, StoreError> {
    let (schema, name, column) = (row.text("schema")?, row.text("name")?, row.text("col")?);
    let quoted =
        if schema.is_empty() { quote(&name) } else { format!("{}.{}", quote(&schema), quote(&name)) };
    let shown = if schema.is_empty() || schema == "public" { name } else { format!("{schema}.{name}") };
    Ok(Column { shown, quoted, name: column, users: row.text("target")? == "users" })
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Everything that refers to the organization or its users, the users themselves aside.
pub(super) async fn references(tx: &mut Tx, id: OrganizationId) -> Result<Vec<Reference>, StoreError> {
    let sql = if tx.dialect() == Dialect::Postgres { POSTGRES } else { SQLITE };
    let rows = tx.all_of(sql.to_owned(), &[]).await?;
    let columns = rows.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let mut found = Vec::new();
    for Column { shown, quoted, name: column, users } in columns {
        // The users' own column is what ties them to the organization: they go along.
        if shown == "users" && !users {
            continue;
        }
        let wanted = if users { "IN (SELECT id FROM users WHERE organization_id = $1)" } else { "= $1" };
        let sql = format!("SELECT count(*) AS rows FROM {quoted} WHERE {} {wanted}", quote(&column));
        let rows = tx.all_of(sql, &[id.into()]).await?;
        let rows = rows.first().map(|row| row.int("rows")).transpose()?.unwrap_or(0);
        if rows > 0 {
            found.push(Reference { table: shown, column, rows });
        }
    }
    Ok(found)
}
