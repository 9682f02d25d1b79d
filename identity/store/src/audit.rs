//! What happened, for people to read. Events are only ever added: the database itself refuses the rest.

use tenantry_directory::{OrganizationId, Timestamp};

use crate::{StoreError, Tx};

/// An event to be written.
#[derive(Clone, Debug, Default)]
pub struct NewEvent<'a> {
    /// Whose it is; `None`: the Backend's.
    pub organization_id: Option<OrganizationId>,
    /// Who did it: `user:7`, `manifest:<cluster>/<namespace>/<name>`, `cli`, `anonymous`.
    pub actor: &'a str,
    /// What was done: `session.started`, `user.role_changed`, …
    pub action: &'a str,
    /// To what: `user:7`, `key:<kid>`.
    pub subject: Option<&'a str>,
    /// The client's address.
    pub address: Option<&'a str>,
    /// More, without secrets.
    pub detail: Option<serde_json::Value>,
}

/// An event as written.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the same fields as in NewEvent")]
pub struct Event {
    pub id: i64,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub subject: Option<String>,
    pub address: Option<String>,
    pub detail: Option<serde_json::Value>,
}

/// Writes an event, as part of what it tells of.
pub async fn record(tx: &mut Tx, event: &NewEvent<'_>) -> Result<(), StoreError> {
    let sql = "INSERT INTO tenantry.audit_events (at, organization_id, actor, action, subject, address, detail) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = [
        tx.now.into(),
        event.organization_id.map(|id| id.0).into(),
        event.actor.into(),
        event.action.into(),
        event.subject.into(),
        event.address.into(),
        event.detail.as_ref().map(serde_json::Value::to_string).into(),
    ];
    tx.run(sql, &values).await.map(drop)
}

/// An organization's events, newest first, older than `before` where it is given.
pub async fn list(
    tx: &mut Tx,
    organization: OrganizationId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let sql = "SELECT id, at, actor, action, subject, address, detail FROM tenantry.audit_events \
        WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    let values = [organization.into(), before.unwrap_or(i64::MAX).into(), i64::from(limit).into()];
    let rows = tx.all(sql, &values).await?;
    rows.iter()
        .map(|row| {
            Ok(Event {
                id: row.int("id")?,
                at: row.at("at")?,
                actor: row.text("actor")?,
                action: row.text("action")?,
                subject: row.opt_text("subject")?,
                address: row.opt_text("address")?,
                detail: row.opt_text("detail")?.and_then(|detail| serde_json::from_str(&detail).ok()),
            })
        })
        .collect()
}
