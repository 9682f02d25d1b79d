//! Secrets for backends, sealed: an organization's data keys, the Backend's own keys. Made once; the row is the
//! truth, and everything that shows it elsewhere is a projection of it.

use secrecy::{ExposeSecret, SecretString};
use tenantry_directory::{OrganizationId, Timestamp};

use crate::{StoreError, Tx, sealed};

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretName {
    /// An organization's encryption key (`DATA_KEY`).
    DataKey,
    /// The password that was generated for its first administrator, with the address: `address\npassword`.
    AdminPassword,
    /// The Backend's `JWT_SECRET_KEY`.
    JwtSecretKey,
    /// The Backend's `ENCRYPTION_KEY`.
    EncryptionKey,
}

impl SecretName {
    /// The word in the column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DataKey => "data_key",
            Self::AdminPassword => "admin_password",
            Self::JwtSecretKey => "jwt_secret_key",
            Self::EncryptionKey => "encryption_key",
        }
    }
}

/// A secret, opened. Its `Debug` shows no value.
#[derive(Clone, Debug)]
pub struct Secret {
    /// Counts up from 1 with each rotation.
    pub generation: i64,
    /// The text that backends get.
    pub value: SecretString,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Every still-valid generation, the newest first. `None`: the Backend's own.
pub async fn list(
    tx: &mut Tx,
    organization: Option<OrganizationId>,
    name: SecretName,
) -> Result<Vec<Secret>, StoreError> {
    let [secrets] = list_each(tx, organization, [name]).await?;
    Ok(secrets)
}

/// As [`list`], for several names.
pub(crate) async fn list_each<const N: usize>(
    tx: &mut Tx,
    organization: Option<OrganizationId>,
    names: [SecretName; N],
) -> Result<[Vec<Secret>; N], StoreError> {
    let sql = "SELECT name, generation, sealed, created_at FROM tenantry.secrets \
        WHERE organization_id = $1 AND retired_at IS NULL ORDER BY generation DESC";
    let rows = tx.all(sql, &[column(organization).into()]).await?;
    let mut found = names.map(|_| Vec::new());
    for row in rows {
        let written = row.text("name")?;
        let Some(at) = names.iter().position(|name| name.as_str() == written) else { continue };
        let generation = row.int("generation")?;
        let value = sealed::open(
            tx,
            "secrets",
            organization,
            &format!("{written}/{generation}"),
            &row.bytes("sealed")?,
        )?;
        let value = std::str::from_utf8(&value)
            .map_err(|_| StoreError::corrupt("secrets.sealed", "does not hold a text"))?;
        found[at].push(Secret {
            generation,
            value: value.to_owned().into(),
            created_at: row.at("created_at")?,
        });
    }
    Ok(found)
}

/// Keeps `value` as the first generation, unless there is one; whether it was kept.
pub async fn create_first(
    tx: &mut Tx,
    organization: Option<OrganizationId>,
    name: SecretName,
    value: &SecretString,
) -> Result<bool, StoreError> {
    create(tx, organization, name, 1, value).await
}

/// Keeps `value` as the newest generation; the earlier ones stay valid.
pub(crate) async fn create_next(
    tx: &mut Tx,
    organization: Option<OrganizationId>,
    name: SecretName,
    value: &SecretString,
) -> Result<(), StoreError> {
    let sql = "SELECT coalesce(max(generation), 0) AS newest FROM tenantry.secrets \
        WHERE organization_id = $1 AND name = $2";
    let newest = tx.one(sql, &[column(organization).into(), name.as_str().into()]).await?.int("newest")?;
    create(tx, organization, name, newest + 1, value).await.map(drop)
}

async fn create(
    tx: &mut Tx,
    organization: Option<OrganizationId>,
    name: SecretName,
    generation: i64,
    value: &SecretString,
) -> Result<bool, StoreError> {
    let row_name = format!("{}/{generation}", name.as_str());
    let blob = sealed::seal(tx, "secrets", organization, &row_name, value.expose_secret().as_bytes())?;
    let sql = "INSERT INTO tenantry.secrets (organization_id, name, generation, sealed, sealed_by, created_at) \
        VALUES ($1, $2, $6, $3, $4, $5) ON CONFLICT (organization_id, name, generation) DO NOTHING";
    let values = [
        column(organization).into(),
        name.as_str().into(),
        blob.into(),
        tx.keyring().sealing_id().into(),
        tx.now.into(),
        generation.into(),
    ];
    Ok(tx.run(sql, &values).await? > 0)
}

fn column(organization: Option<OrganizationId>) -> i64 {
    organization.map_or(0, |id| id.0)
}
