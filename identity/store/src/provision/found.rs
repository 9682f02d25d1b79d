use secrecy::{ExposeSecret, SecretString};
use tenantry_directory::OrganizationId;
use tenantry_rules::audit::AuditKind;
use tenantry_rules::random::{NoRandomness, Random};
use tenantry_rules::secrets::encryption_key;
use tenantry_rules::signing::{self, GeneratedKey, NoKey};

use super::plan::{Admin, FirstKey};
use crate::audit::{NewEvent, record};
use crate::secrets::{SecretName, create_first, create_next};
use crate::users::{NewUser, User, UserError};
use crate::{StoreError, Tx, signing_keys, users};

/// Why an organization could not be given what it needs.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// No signing key could be made.
    #[error("no signing key could be made")]
    Key(#[source] NoKey),
    /// No secret could be made.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an organization was given.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Given {
    /// Anything at all.
    pub any: bool,
    /// Data keys that something else still showed.
    pub known_elsewhere: bool,
}

/// Gives an organization its data key and its first signing key, where it has none yet.
pub(super) async fn give_keys(
    tx: &mut Tx,
    random: &dyn Random,
    id: OrganizationId,
    actor: &str,
    first_key: FirstKey,
    data_keys: &[SecretString],
) -> Result<Given, FoundError> {
    let known = crate::secrets::list(tx, Some(id), SecretName::DataKey).await?;
    let is_known =
        |key: &SecretString| known.iter().any(|known| known.value.expose_secret() == key.expose_secret());
    let mut given = Given::default();
    for key in data_keys.iter().rev().filter(|key| !is_known(key)) {
        create_next(tx, Some(id), SecretName::DataKey, key).await?;
        note(tx, id, actor, AuditKind::DataKeyImported, None).await?;
        given = Given { any: true, known_elsewhere: true };
    }
    if known.is_empty() && !given.any {
        given.any |= create_first(tx, Some(id), SecretName::DataKey, &encryption_key(random)?).await?;
    }
    if !signing_keys::has_any(tx, id).await? {
        let key = generate(first_key).await.map_err(FoundError::Key)?;
        signing_keys::create(tx, id, &key, Some(first_key.policy.bounds(tx.now))).await?;
        let subject = format!("key:{}", key.kid);
        note(tx, id, actor, AuditKind::KeyCreated, Some(&subject)).await?;
        given.any = true;
    }
    Ok(given)
}

/// Off the request threads: RSA takes its time.
async fn generate(first_key: FirstKey) -> Result<GeneratedKey, NoKey> {
    tokio::task::spawn_blocking(move || signing::generate(first_key.algorithm)).await.map_err(|_| NoKey)?
}

/// Makes the first administrator.
pub(super) async fn make_admin(
    tx: &mut Tx,
    id: OrganizationId,
    actor: &str,
    admin: &Admin<'_>,
) -> Result<User, UserError> {
    let new = NewUser {
        organization_id: id,
        email: admin.email,
        full_name: admin.full_name,
        role: admin.role,
        hashed_password: admin.hashed_password,
        email_verified: admin.email_verified,
    };
    let user = users::create(tx, &new).await?;
    if let Some(password) = admin.shown_password {
        let text = SecretString::from(format!("{}\n{}", admin.email, password.expose_secret()));
        create_first(tx, Some(id), SecretName::AdminPassword, &text).await?;
    }
    note(tx, id, actor, AuditKind::AdminCreated, Some(&format!("user:{}", user.id))).await?;
    Ok(user)
}

pub(super) async fn note(
    tx: &mut Tx,
    id: OrganizationId,
    actor: &str,
    kind: AuditKind,
    subject: Option<&str>,
) -> Result<(), StoreError> {
    let event =
        NewEvent { organization_id: Some(id), actor, action: kind.name(), subject, ..NewEvent::default() };
    record(tx, &event).await
}
