//! What a gate must know of one row, now.

use std::time::Duration;

use tenantry_directory::view::{Organization, OrganizationStatus, PublicKey};
use tenantry_directory::{ChangeState, Kid, MinEpoch, OrganizationId, SessionId, Timestamp, UserId};
use tenantry_rules::holds::Status;

use crate::sql::Row;
use crate::{StoreError, Tx, backend, organizations};

/// Access tokens never lived longer than this, whatever the settings were when they were made.
const LONGEST_ACCESS_TTL: Duration = Duration::from_hours(24);
const LEEWAY: Duration = Duration::from_mins(1);

/// For how long a revocation must be remembered: until no token that it revokes can be alive.
pub(super) struct Memory(Duration);

impl Memory {
    pub(super) async fn read(tx: &mut Tx) -> Result<Self, StoreError> {
        let settings = backend::settings(tx).await?;
        let access_ttl = settings.map_or(LONGEST_ACCESS_TTL, |settings| settings.access_ttl);
        Ok(Self(access_ttl.max(LONGEST_ACCESS_TTL) + LEEWAY))
    }

    pub(super) fn until(&self, revoked_at: Timestamp) -> Timestamp {
        revoked_at.plus(self.0)
    }

    /// What was revoked before this is forgotten.
    pub(super) fn since(&self, now: Timestamp) -> Timestamp {
        now.minus(self.0)
    }
}

/// The state of the row that a mark names. `None`: a kind that this program does not know.
pub(super) async fn of(
    tx: &mut Tx,
    memory: &Memory,
    kind: &str,
    key: &str,
) -> Result<Option<ChangeState>, StoreError> {
    Ok(Some(match kind {
        "backend" => backend::settings(tx)
            .await?
            .map_or(ChangeState::Nothing, |settings| ChangeState::Backend(Box::new(settings))),
        "organization" => match key.parse() {
            Ok(id) => ChangeState::Organization { id, organization: organization(tx, id).await? },
            Err(_) => ChangeState::Nothing,
        },
        "user" => match key.parse() {
            Ok(id) => user(tx, memory, id).await?,
            Err(_) => ChangeState::Nothing,
        },
        "session" => match key.parse() {
            Ok(id) => session(tx, memory, id).await?,
            Err(_) => ChangeState::Nothing,
        },
        "key" => match key.parse() {
            Ok(kid) => ChangeState::Key { kid, key: public_key(tx, kid).await? },
            Err(_) => ChangeState::Nothing,
        },
        _ => return Ok(None),
    }))
}

/// `None` for one that is gone or deleted.
async fn organization(tx: &mut Tx, id: OrganizationId) -> Result<Option<Organization>, StoreError> {
    Ok(organizations::by_id(tx, id).await?.and_then(|row| shown(&row)))
}

pub(super) fn shown(row: &organizations::Organization) -> Option<Organization> {
    let status = match row.status {
        Status::Active => OrganizationStatus::Active,
        Status::Suspended => OrganizationStatus::Suspended,
        Status::Deleted => return None,
    };
    Some(Organization { slug: row.slug.clone(), name: row.name.clone(), status })
}

async fn user(tx: &mut Tx, memory: &Memory, id: UserId) -> Result<ChangeState, StoreError> {
    let sql = concat!(
        "SELECT a.user_id, a.epoch, a.epoch_changed_at, u.is_active FROM tenantry.accounts a ",
        "LEFT JOIN users u ON u.id = a.user_id WHERE a.user_id = $1"
    );
    let Some(row) = tx.maybe(sql, &[id.into()]).await? else { return Ok(ChangeState::Nothing) };
    let (_, min) = min_epoch(&row, memory)?;
    if min.until <= tx.now || min.min_epoch <= 1 {
        return Ok(ChangeState::Nothing);
    }
    Ok(ChangeState::User { id, min_epoch: min.min_epoch, until: min.until })
}

/// Of a row of `accounts` joined with `users`: a user that is gone or shut out has no token that counts.
pub(super) fn min_epoch(row: &Row, memory: &Memory) -> Result<(UserId, MinEpoch), StoreError> {
    let min_epoch = if row.bool("is_active")? { row.int("epoch")? } else { MinEpoch::NONE };
    let until = memory.until(row.at("epoch_changed_at")?);
    Ok((row.user("user_id")?, MinEpoch { min_epoch, until }))
}

async fn session(tx: &mut Tx, memory: &Memory, id: SessionId) -> Result<ChangeState, StoreError> {
    let sql = "SELECT ended_at FROM tenantry.sessions WHERE id = $1";
    let ended_at = match tx.maybe(sql, &[id.to_string().into()]).await? {
        Some(row) => row.opt_at("ended_at")?,
        // Deleted by hand: when, nobody knows; now is late enough.
        None => Some(tx.now),
    };
    Ok(match ended_at.map(|at| memory.until(at)) {
        Some(until) if until > tx.now => ChangeState::Session { id, until },
        _ => ChangeState::Nothing,
    })
}

async fn public_key(tx: &mut Tx, kid: Kid) -> Result<Option<PublicKey>, StoreError> {
    let sql = "SELECT kid, organization_id, public_key, verify_until, revoked_at FROM tenantry.signing_keys \
        WHERE kid = $1 AND revoked_at IS NULL AND (verify_until IS NULL OR verify_until > $2)";
    let row = tx.maybe(sql, &[kid.to_string().into(), tx.now.into()]).await?;
    row.as_ref().map(read_key).transpose().map(|key| key.map(|(_, key)| key))
}

pub(super) fn read_key(row: &Row) -> Result<(Kid, PublicKey), StoreError> {
    let kid =
        row.text("kid")?.parse().map_err(|_| StoreError::corrupt("signing_keys.kid", "is no key id"))?;
    let jwk = serde_json::from_str(&row.text("public_key")?)
        .map_err(|error| StoreError::corrupt("signing_keys.public_key", error.to_string()))?;
    let organization = row.organization("organization_id")?;
    Ok((kid, PublicKey { organization, jwk, verify_until: row.opt_at("verify_until")? }))
}
