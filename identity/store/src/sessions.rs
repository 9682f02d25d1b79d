//! Sessions: what a refresh token belongs to. A rotation is one conditional UPDATE on the generation, so that no
//! token ever gets two different successors; an end is felt by every gate through its mark.

use std::time::Duration;

use tenantry_directory::{OrganizationId, SessionId, Timestamp, UserId};
use tenantry_rules::random::Random;
use tenantry_rules::refresh::{Generation, RotationTrail, SessionSecret, SessionState, new_session_id};

use crate::sealed;
use crate::sql::Row;
use crate::{StoreError, Tx};

/// A session to be begun.
#[derive(Clone, Copy, Debug)]
pub struct NewSession<'a> {
    /// Who signed in.
    pub user_id: UserId,
    /// Where.
    pub organization_id: OrganizationId,
    /// How long its refresh token lives.
    pub ttl: Duration,
    /// The client's address, for the list of sessions.
    pub address: Option<&'a str>,
    /// What the client calls itself, cut to 200 characters.
    pub user_agent: Option<&'a str>,
}

/// A session, with what judges its refresh tokens (`tenantry_rules::refresh::decide`).
pub struct Session {
    /// Public: it is in every token.
    pub id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// Where.
    pub organization_id: OrganizationId,
    /// Secret, generation, trail and end.
    pub state: SessionState,
    /// When it began.
    pub created_at: Timestamp,
    /// When its password was last proved.
    pub authenticated_at: Timestamp,
}

/// A session as its user sees it.
#[derive(Clone, Debug)]
pub struct SessionSummary {
    /// Its id.
    pub id: SessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last refreshed.
    pub last_used_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Where it began.
    pub address: Option<String>,
    /// What the client called itself.
    pub user_agent: Option<String>,
}

/// Begins a session; its first refresh token is `state.secret.token(id, state.generation)`.
pub async fn create(tx: &mut Tx, random: &dyn Random, new: &NewSession<'_>) -> Result<Session, StoreError> {
    let id = new_session_id(random)?;
    let secret = SessionSecret::generate(random)?;
    let sealed = sealed::seal(tx, "sessions", Some(new.organization_id), &id.to_string(), secret.expose())?;
    let expires_at = tx.now.plus(new.ttl);
    let user_agent: Option<String> = new.user_agent.map(|name| name.chars().take(200).collect());
    let sql = "INSERT INTO tenantry.sessions (id, user_id, organization_id, sealed, sealed_by, generation, trail, \
          created_at, rotated_at, authenticated_at, expires_at, address, user_agent) \
        VALUES ($1, $2, $3, $4, $9, 0, '', $5, $5, $5, $6, $7, $8)";
    let values = [
        id.to_string().into(),
        new.user_id.into(),
        new.organization_id.into(),
        sealed.into(),
        tx.now.into(),
        expires_at.into(),
        new.address.into(),
        user_agent.into(),
        tx.keyring().sealing_id().into(),
    ];
    tx.run(sql, &values).await?;
    let state = SessionState {
        secret,
        generation: Generation::default(),
        trail: RotationTrail::default(),
        expires_at,
        is_ended: false,
    };
    Ok(Session {
        id,
        user_id: new.user_id,
        organization_id: new.organization_id,
        state,
        created_at: tx.now,
        authenticated_at: tx.now,
    })
}

/// The session with this id, ended or not.
pub async fn by_id(tx: &mut Tx, id: SessionId) -> Result<Option<Session>, StoreError> {
    let sql = "SELECT id, user_id, organization_id, sealed, generation, trail, created_at, authenticated_at, \
        expires_at, ended_at FROM tenantry.sessions WHERE id = $1";
    let Some(row) = tx.maybe(sql, &[id.to_string().into()]).await? else { return Ok(None) };
    read(tx, &row).map(Some)
}

fn read(tx: &Tx, row: &Row) -> Result<Session, StoreError> {
    let organization_id = row.organization("organization_id")?;
    let name = row.text("id")?;
    let secret = sealed::open(tx, "sessions", Some(organization_id), &name, &row.bytes("sealed")?)?;
    let corrupt = |column| StoreError::corrupt(column, "is not what we wrote");
    Ok(Session {
        id: name.parse().map_err(|_| corrupt("sessions.id"))?,
        user_id: row.user("user_id")?,
        organization_id,
        state: SessionState {
            secret: SessionSecret::from_bytes(&secret).ok_or_else(|| corrupt("sessions.sealed"))?,
            generation: Generation::from_column(row.int("generation")?)
                .ok_or_else(|| corrupt("sessions.generation"))?,
            trail: row.text("trail")?.parse().map_err(|_| corrupt("sessions.trail"))?,
            expires_at: row.at("expires_at")?,
            is_ended: row.opt_at("ended_at")?.is_some(),
        },
        created_at: row.at("created_at")?,
        authenticated_at: row.at("authenticated_at")?,
    })
}

/// Moves a session from one generation on to the next and gives it a new term. `false`: another request was first,
/// or it ended; look again.
pub async fn rotate(
    tx: &mut Tx,
    id: SessionId,
    from: Generation,
    trail: &RotationTrail,
    ttl: Duration,
) -> Result<bool, StoreError> {
    let sql = "UPDATE tenantry.sessions SET generation = $3, trail = $4, rotated_at = $5, expires_at = $6 \
        WHERE id = $1 AND generation = $2 AND ended_at IS NULL AND expires_at > $5";
    let values = [
        id.to_string().into(),
        from.to_column().into(),
        from.next().to_column().into(),
        trail.to_string().into(),
        tx.now.into(),
        tx.now.plus(ttl).into(),
    ];
    Ok(tx.run(sql, &values).await? > 0)
}

/// Notes that the session's user proved the password again.
pub async fn set_authenticated(tx: &mut Tx, id: SessionId) -> Result<(), StoreError> {
    let sql = "UPDATE tenantry.sessions SET authenticated_at = $2 WHERE id = $1";
    tx.run(sql, &[id.to_string().into(), tx.now.into()]).await.map(drop)
}

/// Ends a session, everywhere; whether it was still on.
pub async fn end(tx: &mut Tx, id: SessionId, reason: &str) -> Result<bool, StoreError> {
    let sql =
        "UPDATE tenantry.sessions SET ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL";
    Ok(tx.run(sql, &[id.to_string().into(), tx.now.into(), reason.into()]).await? > 0)
}

/// Ends a session of this user and no other's; whether there was one.
pub async fn end_own(tx: &mut Tx, user: UserId, id: SessionId, reason: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE tenantry.sessions SET ended_at = $2, end_reason = $3 \
        WHERE id = $1 AND user_id = $4 AND ended_at IS NULL";
    Ok(tx.run(sql, &[id.to_string().into(), tx.now.into(), reason.into(), user.into()]).await? > 0)
}

/// Ends a user's sessions, but for the one to keep; how many.
pub async fn end_all(
    tx: &mut Tx,
    user: UserId,
    keep: Option<SessionId>,
    reason: &str,
) -> Result<u64, StoreError> {
    let sql = "UPDATE tenantry.sessions SET ended_at = $2, end_reason = $3 \
        WHERE user_id = $1 AND ended_at IS NULL AND id <> $4";
    let keep = keep.map_or_else(String::new, |id| id.to_string());
    tx.run(sql, &[user.into(), tx.now.into(), reason.into(), keep.into()]).await
}

/// Ends every session of an organization; how many.
pub(crate) async fn end_organization(
    tx: &mut Tx,
    organization: OrganizationId,
    reason: &str,
) -> Result<u64, StoreError> {
    let sql = "UPDATE tenantry.sessions SET ended_at = $2, end_reason = $3 \
        WHERE organization_id = $1 AND ended_at IS NULL";
    tx.run(sql, &[organization.into(), tx.now.into(), reason.into()]).await
}

/// A user's sessions that are on, the latest used first.
pub async fn list(tx: &mut Tx, user: UserId) -> Result<Vec<SessionSummary>, StoreError> {
    let sql = "SELECT id, created_at, rotated_at, expires_at, address, user_agent FROM tenantry.sessions \
        WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY rotated_at DESC, id";
    let rows = tx.all(sql, &[user.into(), tx.now.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(SessionSummary {
                id: row
                    .text("id")?
                    .parse()
                    .map_err(|_| StoreError::corrupt("sessions.id", "is not what we wrote"))?,
                created_at: row.at("created_at")?,
                last_used_at: row.at("rotated_at")?,
                expires_at: row.at("expires_at")?,
                address: row.opt_text("address")?,
                user_agent: row.opt_text("user_agent")?,
            })
        })
        .collect()
}
