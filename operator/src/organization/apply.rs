//! Carries one step out.

use crate::content::Content;
use crate::stores::manifests::Note;
use crate::stores::rows::{Purged, Rows};
use crate::stores::secrets::{SecretView, Secrets};
use crate::stores::vault::{Vault, VaultError, Wanted, not_connected};
use crate::trouble::Trouble;

use super::desired::{Desired, VaultPlace};
use super::observed::Stores;
use super::plan::Step;

/// The event of an organization that was made.
pub(super) const CREATED: &str = "Created";

/// What came of a step that was carried out.
#[derive(Debug, Default)]
pub struct Applied {
    /// What a person should know of it.
    pub note: Option<Note>,
    /// What keeps a deletion from ending.
    pub blocked: Option<Trouble>,
    /// The Secret that stands there now, where that is known without looking.
    pub secret: Option<SecretView>,
}

impl From<Note> for Applied {
    fn from(note: Note) -> Self {
        Self { note: Some(note), ..Self::default() }
    }
}

/// Carries a step out. The finalizer is not among them: the manifest changes with it.
pub async fn apply(step: &Step, desired: &Desired, stores: Stores<'_>) -> Result<Applied, Trouble> {
    match step {
        Step::AddFinalizer | Step::RemoveFinalizer => Ok(Applied::default()),
        Step::Provision(_) | Step::Retain | Step::Bury | Step::Purge | Step::GiveUp => {
            rows(step, desired, stores.rows).await
        }
        Step::CreateSecret(_) | Step::ReplaceSecret(..) | Step::DeleteSecret(..) => {
            let secret = secret(step, desired, stores.secrets).await?;
            Ok(Applied { secret, ..Applied::default() })
        }
        _ => {
            let vault = stores.vault.ok_or_else(not_connected)?;
            entry(step, vault).await?;
            Ok(Applied::default())
        }
    }
}

async fn rows(step: &Step, desired: &Desired, rows: &dyn Rows) -> Result<Applied, Trouble> {
    let place = &desired.place;
    match step {
        Step::Provision(wanted) => {
            let provisioned = rows.provision(wanted).await?;
            let id = provisioned.id;
            Ok(if provisioned.created {
                Note::normal(CREATED, format!("made the organization {} with the id {id}", desired.slug))
                    .into()
            } else if provisioned.rotated {
                Note::normal(
                    "KeysRotated",
                    "made a new data key and asked for a new signing key, as tenantry.io/rotate says",
                )
                .into()
            } else {
                Applied::default()
            })
        }
        Step::Retain => {
            rows.retain(place).await?;
            Ok(Note::normal(
                "Retained",
                "closed the organization and kept its rows, as deletionPolicy: Retain says",
            )
            .into())
        }
        Step::Bury => {
            rows.bury(place).await?;
            Ok(Note::normal(
                "CredentialsRevoked",
                "revoked every session and key of the organization, as deletionPolicy: Delete says",
            )
            .into())
        }
        Step::GiveUp => {
            rows.release(place).await?;
            Ok(Note::normal(
                "GivenUp",
                "left the tombstone of the organization to itself, as deletionPolicy: Retain says",
            )
            .into())
        }
        _ => Ok(match rows.purge(place).await? {
            Purged::Done => Note::normal("Deleted", "removed the organization's rows").into(),
            Purged::Blocked(references) => {
                Applied { blocked: Some(referenced(&references)), ..Applied::default() }
            }
        }),
    }
}

fn referenced(references: &[String]) -> Trouble {
    let message = format!(
        "ReferencedBy {}: every credential of the organization is revoked; its rows go once these are gone. To keep them, \
         set deletionPolicy: Retain",
        references.join(", ")
    );
    Trouble::standing("ReferencedBy", message)
}

async fn secret(
    step: &Step,
    desired: &Desired,
    secrets: &dyn Secrets,
) -> Result<Option<SecretView>, Trouble> {
    match step {
        Step::CreateSecret(wanted) => secrets.create(wanted).await.map(Some),
        Step::ReplaceSecret(wanted, seen) => secrets.replace(wanted, seen).await.map(Some),
        Step::DeleteSecret(name, seen) => {
            secrets.delete(&desired.place.namespace, name, seen).await.map(|()| None)
        }
        _ => Ok(None),
    }
}

/// Carries a step on an entry of the vault out.
pub(crate) async fn entry(step: &Step, vault: &dyn Vault) -> Result<(), VaultError> {
    match step {
        Step::CreateEntry(place, content) => create(vault, place, content).await,
        Step::PutEntry(place, content, version) => {
            let content = content.to_json();
            vault.put(&place.name, &content, &crate::token::after(&content, version)).await
        }
        Step::TagEntry(place, tags) => vault.tag(&place.name, tags).await,
        Step::KeyEntry(place, key) => vault.set_key(&place.name, key).await,
        Step::RestoreEntry(place) => vault.restore(&place.name).await,
        Step::DeleteEntry(place) => vault.delete(&place.name, place.recovery_days).await,
        _ => Ok(()),
    }
}

async fn create(vault: &dyn Vault, place: &VaultPlace, content: &Content) -> Result<(), VaultError> {
    let content = content.to_json();
    let wanted = Wanted {
        name: &place.name,
        content: &content,
        tags: &place.tags,
        kms_key_id: place.kms_key_id.as_deref(),
        token: &crate::token::after(&content, ""),
    };
    vault.create(&wanted).await.map(drop)
}

impl From<VaultError> for Trouble {
    fn from(error: VaultError) -> Self {
        let message = error.to_string();
        match error {
            VaultError::Denied { .. } => Self::standing("AwsAccessDenied", message),
            VaultError::NoCredentials(_) => Self::standing("AwsCredentialsMissing", message),
            VaultError::Invalid { .. } => Self::standing("AwsRefused", message),
            VaultError::Throttled => Self::passing("AwsThrottled", message),
            VaultError::Conflict(_) => Self::passing("AwsConflict", message),
            VaultError::Unavailable(_) => Self::passing("AwsUnavailable", message),
        }
    }
}
