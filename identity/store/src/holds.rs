//! Why an organization is closed. Its status follows from its holds; each writer lifts only its own.

use tenantry_directory::OrganizationId;
use tenantry_rules::holds::{Hold, Holds, Status};

use crate::{StoreError, Tx, organizations};

/// The holds on an organization.
pub async fn of(tx: &mut Tx, id: OrganizationId) -> Result<Holds, StoreError> {
    let rows = tx.all("SELECT kind FROM tenantry.holds WHERE organization_id = $1", &[id.into()]).await?;
    let kinds: Vec<String> = rows.iter().map(|row| row.text("kind")).collect::<Result<_, _>>()?;
    read(kinds.iter().map(String::as_str))
}

/// The holds of these names.
pub(crate) fn read<'a>(kinds: impl Iterator<Item = &'a str>) -> Result<Holds, StoreError> {
    let hold = |kind: &str| {
        kind.parse::<Hold>().map_err(|error| StoreError::corrupt("holds.kind", error.to_string()))
    };
    kinds.map(hold).collect()
}

/// Closes the organization for this reason; whether that is new. There may be no such organization.
pub async fn place(
    tx: &mut Tx,
    id: OrganizationId,
    hold: Hold,
    reason: Option<&str>,
) -> Result<bool, StoreError> {
    if observe(tx, id).await?.is_none() {
        return Ok(false);
    }
    let placed = add(tx, id, hold, reason).await?;
    settle(tx, id).await?;
    Ok(placed)
}

/// Takes this reason away; whether it was there. Others keep the organization closed.
pub async fn lift(tx: &mut Tx, id: OrganizationId, hold: Hold) -> Result<bool, StoreError> {
    observe(tx, id).await?;
    let lifted = remove(tx, id, hold).await?;
    settle(tx, id).await?;
    Ok(lifted)
}

/// What the status must be, from the holds and, where it was written by hand, from the row. A status written by
/// hand becomes a hold, or lifts the one that an earlier hand placed. `None`: there is no such organization.
pub async fn observe(tx: &mut Tx, id: OrganizationId) -> Result<Option<Status>, StoreError> {
    // Looked at without a lock first: an application's long transaction must not hold a publisher up.
    let Some(row) = organizations::by_id(tx, id).await? else { return Ok(None) };
    if row.status == due(tx, id).await? {
        return Ok(Some(row.status));
    }
    let Some(row) = organizations::lock(tx, id).await? else { return Ok(None) };
    let due = due(tx, id).await?;
    if row.status == due || due == Status::Deleted {
        organizations::write_status(tx, id, due).await?;
        return Ok(Some(due));
    }
    let before = of(tx, id).await?;
    let after = before.after_writing_by_hand(row.status);
    if after.contains(Hold::External) {
        add(tx, id, Hold::External, Some("status written by hand")).await?;
    } else {
        remove(tx, id, Hold::External).await?;
    }
    settle(tx, id).await.map(Some)
}

/// As [`observe`], for every organization.
pub(crate) async fn observe_all(tx: &mut Tx) -> Result<(), StoreError> {
    for id in organizations::ids(tx).await? {
        observe(tx, id).await?;
    }
    Ok(())
}

async fn add(tx: &mut Tx, id: OrganizationId, hold: Hold, reason: Option<&str>) -> Result<bool, StoreError> {
    let sql = "INSERT INTO tenantry.holds (organization_id, kind, reason, since) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (organization_id, kind) DO NOTHING";
    Ok(tx.run(sql, &[id.into(), hold.name().into(), reason.into(), tx.now.into()]).await? > 0)
}

async fn remove(tx: &mut Tx, id: OrganizationId, hold: Hold) -> Result<bool, StoreError> {
    let sql = "DELETE FROM tenantry.holds WHERE organization_id = $1 AND kind = $2";
    Ok(tx.run(sql, &[id.into(), hold.name().into()]).await? > 0)
}

async fn due(tx: &mut Tx, id: OrganizationId) -> Result<Status, StoreError> {
    if organizations::is_buried(tx, id).await? {
        return Ok(Status::Deleted);
    }
    Ok(of(tx, id).await?.status())
}

pub(crate) async fn settle(tx: &mut Tx, id: OrganizationId) -> Result<Status, StoreError> {
    let status = due(tx, id).await?;
    organizations::write_status(tx, id, status).await?;
    Ok(status)
}
