use secrecy::SecretString;
use tenantry_rules::random::{NoRandomness, Random};
use tenantry_rules::secrets::{encryption_key, is_encryption_key, jwt_secret_key};

use crate::secrets::{self, SecretName};
use crate::{Store, StoreError, Tx, backend};

/// A Backend's own keys.
#[derive(Clone, Debug, Default)]
pub struct BackendKeys {
    /// `JWT_SECRET_KEY`.
    pub jwt_secret_key: Option<SecretString>,
    /// `ENCRYPTION_KEYS`, the newest first.
    pub encryption_keys: Vec<SecretString>,
}

/// Why a Backend has no keys. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum BackendKeysError {
    /// A key to be kept cannot be one.
    #[error(
        "ENCRYPTION_KEY to be kept is not URL-safe base64 of 32 bytes (44 characters); correct it in the Secret that it comes from"
    )]
    Form,
    /// None could be made.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The Backend's keys as they are; reads only.
pub async fn observe_backend_keys(store: &Store) -> Result<BackendKeys, StoreError> {
    let mut tx = store.read().await?;
    let keys = read(&mut tx).await?;
    tx.rollback().await?;
    Ok(keys)
}

/// The Backend's keys. Each that is missing is taken from `import`, or else made; once there, it is never replaced.
pub async fn backend_keys(
    store: &Store,
    random: &dyn Random,
    import: &BackendKeys,
) -> Result<BackendKeys, BackendKeysError> {
    let keys = observe_backend_keys(store).await?;
    if keys.jwt_secret_key.is_some() && !keys.encryption_keys.is_empty() {
        return Ok(keys);
    }
    let mut tx = store.write().await?;
    backend::lock(&mut tx).await?;
    let jwt = match &import.jwt_secret_key {
        Some(key) => key.clone(),
        None => jwt_secret_key(random)?,
    };
    secrets::create_first(&mut tx, None, SecretName::JwtSecretKey, &jwt).await?;
    if secrets::list(&mut tx, None, SecretName::EncryptionKey).await?.is_empty() {
        if !import.encryption_keys.iter().all(is_encryption_key) {
            return Err(BackendKeysError::Form);
        }
        let mut wanted = import.encryption_keys.clone();
        if wanted.is_empty() {
            wanted.push(encryption_key(random)?);
        }
        for key in wanted.iter().rev() {
            secrets::create_next(&mut tx, None, SecretName::EncryptionKey, key).await?;
        }
    }
    let keys = read(&mut tx).await?;
    tx.commit().await?;
    Ok(keys)
}

async fn read(tx: &mut Tx) -> Result<BackendKeys, StoreError> {
    let jwt = secrets::list(tx, None, SecretName::JwtSecretKey).await?;
    let encryption = secrets::list(tx, None, SecretName::EncryptionKey).await?;
    Ok(BackendKeys {
        jwt_secret_key: jwt.into_iter().next().map(|secret| secret.value),
        encryption_keys: encryption.into_iter().map(|secret| secret.value).collect(),
    })
}
