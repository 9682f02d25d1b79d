//! Invitations: one pending for an address in an organization, used once. Only a digest of the secret is kept.

use tenantry_directory::{OrganizationId, Role, Timestamp, UserId};
use tenantry_rules::email::Email;
use tenantry_rules::invitation::{INVITATION_TTL, InvitationDigest};

use crate::sql::Row;
use crate::{StoreError, Tx};

/// An invitation to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewInvitation<'a> {
    /// Into which organization.
    pub organization_id: OrganizationId,
    /// Whom.
    pub email: &'a Email,
    /// What they are called.
    pub full_name: &'a str,
    /// What they shall be.
    pub role: &'a Role,
    /// Of the secret in the link.
    pub digest: &'a InvitationDigest,
    /// By whom.
    pub invited_by: UserId,
}

/// An invitation.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Public within its organization.
    pub id: i64,
    /// Into which organization.
    pub organization_id: OrganizationId,
    /// As it was written.
    pub email: String,
    /// What they are called.
    pub full_name: String,
    /// What they shall be.
    pub role: String,
    /// By whom.
    pub invited_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// The last moment at which it may be accepted.
    pub expires_at: Timestamp,
}

macro_rules! columns {
    () => {
        "id, organization_id, typed_email, full_name, role, invited_by, created_at, expires_at"
    };
}

fn read(row: &Row) -> Result<Invitation, StoreError> {
    Ok(Invitation {
        id: row.int("id")?,
        organization_id: row.organization("organization_id")?,
        email: row.text("typed_email")?,
        full_name: row.text("full_name")?,
        role: row.text("role")?,
        invited_by: row.user("invited_by")?,
        created_at: row.at("created_at")?,
        expires_at: row.at("expires_at")?,
    })
}

/// Invites; an earlier pending invitation of the same address to the same organization is superseded.
pub async fn create(tx: &mut Tx, new: &NewInvitation<'_>) -> Result<Invitation, StoreError> {
    let sql = "UPDATE tenantry.invitations SET closed_at = $3, outcome = 'superseded' \
        WHERE organization_id = $1 AND email = $2 AND closed_at IS NULL";
    tx.run(sql, &[new.organization_id.into(), new.email.key().into(), tx.now.into()]).await?;
    let sql = concat!(
        "INSERT INTO tenantry.invitations (organization_id, email, typed_email, full_name, role, secret_digest, ",
        "invited_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING ",
        columns!()
    );
    let values = [
        new.organization_id.into(),
        new.email.key().into(),
        new.email.as_str().into(),
        new.full_name.into(),
        new.role.as_str().into(),
        new.digest.as_bytes().as_slice().into(),
        new.invited_by.into(),
        tx.now.into(),
        tx.now.plus(INVITATION_TTL).into(),
    ];
    read(&tx.one(sql, &values).await?)
}

/// The organization's pending invitations, newest first.
pub async fn pending(tx: &mut Tx, organization: OrganizationId) -> Result<Vec<Invitation>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM tenantry.invitations WHERE organization_id = $1 AND closed_at IS NULL AND expires_at > $2 ",
        "ORDER BY id DESC"
    );
    tx.all(sql, &[organization.into(), tx.now.into()]).await?.iter().map(read).collect()
}

/// Withdraws a pending invitation of this organization; whether there was one.
pub async fn withdraw(tx: &mut Tx, organization: OrganizationId, id: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE tenantry.invitations SET closed_at = $3, outcome = 'withdrawn' \
        WHERE id = $1 AND organization_id = $2 AND closed_at IS NULL";
    Ok(tx.run(sql, &[id.into(), organization.into(), tx.now.into()]).await? > 0)
}

/// The pending invitation with this secret, untouched: to show whom it is for.
pub async fn by_digest(tx: &mut Tx, digest: &InvitationDigest) -> Result<Option<Invitation>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM tenantry.invitations WHERE secret_digest = $1 AND closed_at IS NULL AND expires_at > $2"
    );
    tx.maybe(sql, &[digest.as_bytes().as_slice().into(), tx.now.into()]).await?.as_ref().map(read).transpose()
}

/// Uses the pending invitation with this secret up. Of two who try at once one gets it; rolled back, it is whole.
pub async fn accept(tx: &mut Tx, digest: &InvitationDigest) -> Result<Option<Invitation>, StoreError> {
    let sql = concat!(
        "UPDATE tenantry.invitations SET closed_at = $2, outcome = 'accepted' ",
        "WHERE secret_digest = $1 AND closed_at IS NULL AND expires_at > $2 RETURNING ",
        columns!()
    );
    tx.maybe(sql, &[digest.as_bytes().as_slice().into(), tx.now.into()]).await?.as_ref().map(read).transpose()
}

/// Notes which user came of an accepted invitation.
pub async fn set_accepted_user(tx: &mut Tx, id: i64, user: UserId) -> Result<(), StoreError> {
    let sql = "UPDATE tenantry.invitations SET accepted_user_id = $2 WHERE id = $1";
    tx.run(sql, &[id.into(), user.into()]).await.map(drop)
}
