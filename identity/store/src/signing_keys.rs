//! The keys that organizations sign access tokens with: public halves for gates and key sets, private ones sealed.
//! When a key moves on is decided by `tenantry_rules::key_life`; here its times are kept.

use tenantry_directory::view::PublicJwk;
use tenantry_directory::{KeyAlgorithm, Kid, OrganizationId, SigningKey, Timestamp};
use tenantry_rules::key_life::{KeyBounds, KeyTimes};
use tenantry_rules::signing::GeneratedKey;

use crate::sql::Row;
use crate::{StoreError, Tx, sealed};

/// A key as kept, without its private half.
#[derive(Clone, Debug)]
pub struct Key {
    /// Whose tokens it signs.
    pub organization_id: OrganizationId,
    /// Its public half.
    pub jwk: PublicJwk,
    /// Its name, and where it stands in its life.
    pub times: KeyTimes,
}

impl Key {
    /// Its name.
    pub fn kid(&self) -> Kid {
        self.times.kid
    }

    /// The one algorithm it signs with.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.jwk.algorithm()
    }
}

macro_rules! columns {
    () => {
        "kid, organization_id, public_key, created_at, active_from, sign_until, verify_until, revoked_at"
    };
}

fn read(row: &Row) -> Result<Key, StoreError> {
    let bounds = match (row.opt_at("active_from")?, row.opt_at("sign_until")?, row.opt_at("verify_until")?) {
        (Some(active_from), Some(sign_until), Some(verify_until)) => {
            Some(KeyBounds { active_from, sign_until, verify_until })
        }
        _ => None,
    };
    Ok(Key {
        organization_id: row.organization("organization_id")?,
        jwk: serde_json::from_str(&row.text("public_key")?)
            .map_err(|error| StoreError::corrupt("signing_keys.public_key", error.to_string()))?,
        times: KeyTimes {
            kid: row
                .text("kid")?
                .parse()
                .map_err(|_| StoreError::corrupt("signing_keys.kid", "is no key id"))?,
            created_at: row.at("created_at")?,
            bounds,
            revoked: row.opt_at("revoked_at")?.is_some(),
        },
    })
}

/// Keeps a new key: one that signs within `bounds`, or one that is only published yet.
pub async fn create(
    tx: &mut Tx,
    organization: OrganizationId,
    key: &GeneratedKey,
    bounds: Option<KeyBounds>,
) -> Result<(), StoreError> {
    let kid = key.kid.to_string();
    let blob = sealed::seal(tx, "signing_keys", Some(organization), &kid, &key.pkcs8)?;
    let public = serde_json::to_string(&key.jwk)
        .map_err(|error| StoreError::corrupt("signing_keys.public_key", error.to_string()))?;
    let sql = "INSERT INTO tenantry.signing_keys (kid, organization_id, algorithm, public_key, sealed, sealed_by, \
          created_at, active_from, sign_until, verify_until) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let values = [
        kid.into(),
        organization.into(),
        key.jwk.algorithm().name().into(),
        public.into(),
        blob.into(),
        tx.keyring().sealing_id().into(),
        tx.now.into(),
        bounds.map(|bounds| bounds.active_from).into(),
        bounds.map(|bounds| bounds.sign_until).into(),
        bounds.map(|bounds| bounds.verify_until).into(),
    ];
    tx.run(sql, &values).await.map(drop)
}

/// Every key of the organization that is not gone, oldest first: pending ones too, revoked ones not. What a key
/// set publishes, and what `key_life` judges.
pub async fn list(tx: &mut Tx, organization: OrganizationId) -> Result<Vec<Key>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM tenantry.signing_keys WHERE organization_id = $1 AND revoked_at IS NULL ",
        "AND (verify_until IS NULL OR verify_until > $2) ORDER BY created_at, kid"
    );
    tx.all(sql, &[organization.into(), tx.now.into()]).await?.iter().map(read).collect()
}

/// When somebody last asked for the next key, whatever the period says. The request is followed once a later key signs.
pub async fn rotation_asked(
    tx: &mut Tx,
    organization: OrganizationId,
) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT requested_at FROM tenantry.rotation_requests WHERE organization_id = $1";
    tx.maybe(sql, &[organization.into()]).await?.map(|row| row.at("requested_at")).transpose()
}

/// Forgets what was asked for until `active_from`, when a key began to sign: part of its activation.
pub async fn rotation_done(
    tx: &mut Tx,
    organization: OrganizationId,
    active_from: Timestamp,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM tenantry.rotation_requests WHERE organization_id = $1 AND requested_at <= $2";
    tx.run(sql, &[organization.into(), active_from.into()]).await.map(drop)
}

/// The key that signs now: the one that became active last.
pub async fn signing(tx: &mut Tx, organization: OrganizationId) -> Result<Option<SigningKey>, StoreError> {
    let sql = "SELECT kid, public_key, sealed FROM tenantry.signing_keys WHERE organization_id = $1 \
        AND revoked_at IS NULL AND active_from <= $2 AND (sign_until IS NULL OR sign_until > $2) \
        ORDER BY active_from DESC, kid LIMIT 1";
    let Some(row) = tx.maybe(sql, &[organization.into(), tx.now.into()]).await? else { return Ok(None) };
    let kid = row.text("kid")?;
    let pkcs8 = sealed::open(tx, "signing_keys", Some(organization), &kid, &row.bytes("sealed")?)?;
    let corrupt = |problem: String| StoreError::corrupt("signing_keys", problem);
    let jwk: PublicJwk =
        serde_json::from_str(&row.text("public_key")?).map_err(|error| corrupt(error.to_string()))?;
    let kid = kid.parse().map_err(|_| corrupt("has a kid that is no key id".to_owned()))?;
    SigningKey::from_pkcs8(kid, jwk.algorithm(), &pkcs8).map(Some).map_err(|error| corrupt(error.to_string()))
}

/// Lets a pending key of this organization sign; whether it was pending. Its bounds are fixed by it.
pub async fn activate(
    tx: &mut Tx,
    organization: OrganizationId,
    kid: Kid,
    bounds: KeyBounds,
) -> Result<bool, StoreError> {
    let sql = "UPDATE tenantry.signing_keys SET active_from = $3, sign_until = $4, verify_until = $5 \
        WHERE kid = $1 AND organization_id = $2 AND active_from IS NULL AND revoked_at IS NULL";
    let values = [
        kid.to_string().into(),
        organization.into(),
        bounds.active_from.into(),
        bounds.sign_until.into(),
        bounds.verify_until.into(),
    ];
    Ok(tx.run(sql, &values).await? > 0)
}

/// Holds off everybody else who would move the organization's keys on, until the transaction ends: to be called
/// before [`list`] where a step of `key_life` follows. `false`: the organization is gone or deleted, and gets no key.
pub async fn lock(tx: &mut Tx, organization: OrganizationId) -> Result<bool, StoreError> {
    let found = crate::organizations::lock(tx, organization).await?.is_some();
    Ok(found && !crate::organizations::is_buried(tx, organization).await?)
}

/// Revokes a key of this organization at once; whether it counted until now.
pub async fn revoke(tx: &mut Tx, organization: OrganizationId, kid: Kid) -> Result<bool, StoreError> {
    let sql = "UPDATE tenantry.signing_keys SET revoked_at = $3 \
        WHERE kid = $1 AND organization_id = $2 AND revoked_at IS NULL";
    Ok(tx.run(sql, &[kid.to_string().into(), organization.into(), tx.now.into()]).await? > 0)
}

/// Revokes every key of an organization; how many.
pub(crate) async fn revoke_all(tx: &mut Tx, organization: OrganizationId) -> Result<u64, StoreError> {
    let sql = "UPDATE tenantry.signing_keys SET revoked_at = $2 \
        WHERE organization_id = $1 AND revoked_at IS NULL";
    tx.run(sql, &[organization.into(), tx.now.into()]).await
}

/// Whether the organization ever had a key, even one that is gone.
pub(crate) async fn has_any(tx: &mut Tx, organization: OrganizationId) -> Result<bool, StoreError> {
    let sql = "SELECT kid FROM tenantry.signing_keys WHERE organization_id = $1 LIMIT 1";
    Ok(tx.maybe(sql, &[organization.into()]).await?.is_some())
}
