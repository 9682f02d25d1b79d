//! The triggers: each change that a gate must hear of leaves a mark, whoever made it, and audit events stay as
//! they are. A migration tool that re-creates a table drops its triggers, so they are looked for again and again.

use crate::sql::Dialect;
use crate::{StoreError, Tx};

/// A table whose changes are marked.
struct Marked {
    table: &'static str,
    kind: &'static str,
    key: &'static str,
    inserts: bool,
    /// A deletion counts only under this condition.
    deletes_when: &'static str,
    /// An update counts when one of these changes.
    columns: &'static [&'static str],
}

const MARKED: &[Marked] = &[
    Marked {
        table: "organizations",
        kind: "organization",
        key: "id",
        inserts: true,
        deletes_when: "",
        columns: &["id", "slug", "name", "status"],
    },
    Marked {
        table: "users",
        kind: "user",
        key: "id",
        inserts: true,
        deletes_when: "",
        columns: &["id", "organization_id", "role", "is_active", "hashed_password"],
    },
    Marked {
        table: "tenantry.accounts",
        kind: "user",
        key: "user_id",
        inserts: false,
        deletes_when: "",
        columns: &["user_id", "epoch"],
    },
    Marked {
        table: "tenantry.holds",
        kind: "organization",
        key: "organization_id",
        inserts: true,
        deletes_when: "",
        columns: &["organization_id", "kind"],
    },
    Marked {
        table: "tenantry.tombstones",
        kind: "organization",
        key: "organization_id",
        inserts: true,
        deletes_when: "",
        columns: &["organization_id"],
    },
    Marked {
        table: "tenantry.sessions",
        kind: "session",
        key: "id",
        inserts: false,
        deletes_when: "WHEN (OLD.ended_at IS NULL)",
        columns: &["id", "ended_at", "user_id", "organization_id"],
    },
    Marked {
        table: "tenantry.signing_keys",
        kind: "key",
        key: "kid",
        inserts: true,
        deletes_when: "",
        columns: &["kid", "organization_id", "public_key", "sign_until", "verify_until", "revoked_at"],
    },
    Marked {
        table: "tenantry.backend",
        kind: "backend",
        key: "only_row",
        inserts: true,
        deletes_when: "",
        columns: &["identity", "settings"],
    },
];

const AUDIT: &str = "tenantry.audit_events";

const FUNCTIONS: &str = include_str!("../../migrations/functions.postgres.sql");

struct Trigger {
    table: String,
    name: String,
    sql: String,
}

/// Looks for every trigger and makes those that are missing, disabled or altered. If any was, whoever reads the
/// directory is told to read all of it: marks may be missing. Whether anything had to be made.
pub(crate) async fn restore(tx: &mut Tx) -> Result<bool, StoreError> {
    let wanted = wanted(tx.dialect());
    let mut missing = Vec::new();
    for trigger in &wanted {
        if !stands(tx, trigger).await? {
            missing.push(trigger);
        }
    }
    if missing.is_empty() {
        return Ok(false);
    }
    if tx.dialect() == Dialect::Postgres {
        tx.script(FUNCTIONS).await?;
    }
    for Trigger { table, name, sql } in missing {
        let drop = match tx.dialect() {
            Dialect::Postgres => format!("DROP TRIGGER IF EXISTS {name} ON {table}"),
            Dialect::Sqlite => format!("DROP TRIGGER IF EXISTS {name}"),
        };
        tx.script_of(drop).await?;
        tx.script_of(sql.clone()).await?;
    }
    mark_everything(tx).await?;
    Ok(true)
}

/// Tells every reader of the directory to read all of it again.
pub(crate) async fn mark_everything(tx: &mut Tx) -> Result<(), StoreError> {
    let sql = "UPDATE tenantry.directory_head SET version = version + 1 RETURNING version";
    let version = tx.one(sql, &[]).await?.int("version")?;
    let nonce = match tx.dialect() {
        Dialect::Postgres => "SELECT replace(gen_random_uuid()::text, '-', '') AS nonce",
        Dialect::Sqlite => "SELECT lower(hex(randomblob(16))) AS nonce",
    };
    let nonce = tx.one(nonce, &[]).await?.text("nonce")?;
    let sql = "INSERT INTO tenantry.directory_changes (version, kind, key, nonce) VALUES ($1, 'everything', '', $2)";
    tx.run(sql, &[version.into(), nonce.into()]).await.map(drop)
}

async fn stands(tx: &mut Tx, trigger: &Trigger) -> Result<bool, StoreError> {
    let values = [trigger.table.as_str().into(), trigger.name.as_str().into()];
    Ok(match tx.dialect() {
        Dialect::Postgres => {
            let sql = "SELECT 1 AS one FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid \
                JOIN pg_namespace n ON n.oid = p.pronamespace WHERE t.tgrelid = to_regclass($1) \
                AND t.tgname = $2 AND t.tgenabled IN ('O', 'A') AND n.nspname = 'tenantry'";
            tx.maybe(sql, &values).await?.is_some()
        }
        Dialect::Sqlite => {
            let sql = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = $1 AND name = $2";
            let row = tx.maybe(sql, &values).await?;
            row.map(|row| row.text("sql")).transpose()?.is_some_and(|sql| sql == trigger.sql)
        }
    })
}

fn wanted(dialect: Dialect) -> Vec<Trigger> {
    match dialect {
        Dialect::Postgres => MARKED.iter().flat_map(postgres_marks).chain(postgres_guards()).collect(),
        Dialect::Sqlite => MARKED.iter().flat_map(sqlite_marks).chain(sqlite_guards()).collect(),
    }
}

fn postgres_marks(marked: &Marked) -> Vec<Trigger> {
    let Marked { table, kind, key, inserts, deletes_when, columns } = marked;
    let differ: Vec<_> =
        columns.iter().map(|column| format!("OLD.{column} IS DISTINCT FROM NEW.{column}")).collect();
    let trigger = |name: &str, event: &str, when: &str| Trigger {
        table: (*table).to_owned(),
        name: name.to_owned(),
        sql: format!(
            "CREATE CONSTRAINT TRIGGER {name} AFTER {event} ON {table} DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW {when} EXECUTE FUNCTION tenantry.mark('{kind}', '{key}')"
        ),
    };
    let mut triggers = vec![
        trigger("tenantry_mark_delete", "DELETE", deletes_when),
        trigger("tenantry_mark_update", "UPDATE", &format!("WHEN ({})", differ.join(" OR "))),
        Trigger {
            table: (*table).to_owned(),
            name: "tenantry_mark_truncate".to_owned(),
            sql: format!(
                "CREATE TRIGGER tenantry_mark_truncate AFTER TRUNCATE ON {table} \
                 FOR EACH STATEMENT EXECUTE FUNCTION tenantry.mark_everything()"
            ),
        },
    ];
    if *inserts {
        triggers.push(trigger("tenantry_mark_insert", "INSERT", ""));
    }
    triggers
}

fn postgres_guards() -> impl Iterator<Item = Trigger> {
    [
        ("tenantry_refuse_change", "UPDATE OR DELETE", "ROW"),
        ("tenantry_refuse_truncate", "TRUNCATE", "STATEMENT"),
    ]
    .into_iter()
    .map(|(name, event, each)| Trigger {
        table: AUDIT.to_owned(),
        name: name.to_owned(),
        sql: format!(
            "CREATE TRIGGER {name} BEFORE {event} ON {AUDIT} \
                 FOR EACH {each} EXECUTE FUNCTION tenantry.refuse_change()"
        ),
    })
}

/// In words that the sqlite3 3.40 program knows too: it is what people change rows with.
fn sqlite_marks(marked: &Marked) -> Vec<Trigger> {
    let Marked { table, kind, key, inserts, deletes_when, columns } = marked;
    let table = table.replace("tenantry.", "tenantry_");
    let mark = |key: String, only_where: &str| {
        format!(
            "UPDATE tenantry_directory_head SET version = version + 1 {only_where}; \
             INSERT INTO tenantry_directory_changes (version, kind, key, nonce) \
             SELECT version, '{kind}', {key}, lower(hex(randomblob(16))) FROM tenantry_directory_head {only_where};"
        )
    };
    let trigger = |event: &str, when: &str, body: String| {
        let name = format!("tenantry_mark_{table}_{}", event.to_lowercase());
        let sql = format!("CREATE TRIGGER {name} AFTER {event} ON {table} {when} BEGIN {body} END");
        Trigger { table: table.clone(), name, sql }
    };
    let differ: Vec<_> = columns.iter().map(|column| format!("OLD.{column} IS NOT NEW.{column}")).collect();
    let both = mark(format!("OLD.{key}"), "")
        + " "
        + &mark(format!("NEW.{key}"), &format!("WHERE OLD.{key} IS NOT NEW.{key}"));
    let mut triggers = vec![
        trigger("DELETE", deletes_when, mark(format!("OLD.{key}"), "")),
        trigger("UPDATE", &format!("WHEN {}", differ.join(" OR ")), both),
    ];
    if *inserts {
        triggers.push(trigger("INSERT", "", mark(format!("NEW.{key}"), "")));
    }
    triggers
}

fn sqlite_guards() -> impl Iterator<Item = Trigger> {
    ["UPDATE", "DELETE"].into_iter().map(|event| {
        let table = AUDIT.replace("tenantry.", "tenantry_");
        let name = format!("tenantry_refuse_{}", event.to_lowercase());
        let sql = format!(
            "CREATE TRIGGER {name} BEFORE {event} ON {table} \
             BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END"
        );
        Trigger { table, name, sql }
    })
}
