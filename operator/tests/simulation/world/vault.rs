use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use tenantry_operator::stores::Store;
use tenantry_operator::stores::vault::{Tags, Vault, VaultError, VaultSecret, Wanted};
use tenantry_operator::trouble::Trouble;

use super::{Actor, Entry, State};

impl Actor {
    async fn vault_call<T>(
        &self,
        write: bool,
        effect: impl FnOnce(&mut State) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let mut refused = None;
        let outcome = self
            .call(Store::Aws, write, |state| {
                effect(state).map_err(|error| {
                    refused = Some(error);
                    Trouble::passing("Aws", "")
                })
            })
            .await;
        outcome.map_err(|trouble| refused.unwrap_or(VaultError::Unavailable(trouble.message)))
    }
}

fn open<'a>(state: &'a mut State, name: &str) -> Result<&'a mut Entry, VaultError> {
    let entry = state.vault.get_mut(name).ok_or_else(|| VaultError::Conflict("it is gone".into()))?;
    if entry.scheduled {
        return Err(VaultError::Conflict("its deletion is scheduled".into()));
    }
    Ok(entry)
}

#[async_trait]
impl Vault for Actor {
    async fn observe(&self, name: &str) -> Result<Option<VaultSecret>, VaultError> {
        self.vault_call(false, |state| {
            Ok(state.vault.get(name).map(|entry| VaultSecret {
                arn: format!("arn:{name}"),
                version: if entry.scheduled { String::new() } else { entry.current.clone() },
                previous: entry.previous.clone(),
                content: entry.versions.get(&entry.current).filter(|_| !entry.scheduled).cloned(),
                tags: entry.tags.clone(),
                kms_key_id: None,
                changed_at: Some(entry.changed_at),
                deletion_scheduled: entry.scheduled,
            }))
        })
        .await
    }

    async fn create(&self, wanted: &Wanted<'_>) -> Result<String, VaultError> {
        self.vault_call(true, |state| {
            if state.vault.contains_key(wanted.name) {
                return Err(VaultError::Conflict("it is there".into()));
            }
            let entry = Entry {
                versions: [(wanted.token.to_owned(), wanted.content.clone())].into(),
                current: wanted.token.to_owned(),
                previous: String::new(),
                tags: wanted.tags.clone(),
                changed_at: state.now,
                scheduled: false,
            };
            state.vault.insert(wanted.name.to_owned(), entry);
            state.wrote(format!("entry {} made", wanted.name));
            Ok(format!("arn:{}", wanted.name))
        })
        .await
    }

    async fn put(&self, name: &str, content: &SecretString, token: &str) -> Result<(), VaultError> {
        self.vault_call(true, |state| {
            let now = state.now;
            let entry = open(state, name)?;
            match entry.versions.get(token) {
                Some(known) if known.expose_secret() != content.expose_secret() => {
                    return Err(VaultError::Conflict("the token was used for another content".into()));
                }
                Some(_) => return Ok(()),
                None => {}
            }
            entry.versions.insert(token.to_owned(), content.clone());
            entry.previous = std::mem::replace(&mut entry.current, token.to_owned());
            entry.changed_at = now;
            state.wrote(format!("entry {name} put"));
            Ok(())
        })
        .await
    }

    async fn tag(&self, name: &str, tags: &Tags) -> Result<(), VaultError> {
        self.vault_call(true, |state| {
            open(state, name)?.tags.extend(tags.clone());
            state.wrote(format!("entry {name} tagged"));
            Ok(())
        })
        .await
    }

    async fn set_key(&self, name: &str, _: &str) -> Result<(), VaultError> {
        self.vault_call(true, |state| open(state, name).map(drop)).await
    }

    async fn restore(&self, name: &str) -> Result<(), VaultError> {
        self.vault_call(true, |state| {
            if let Some(entry) = state.vault.get_mut(name) {
                entry.scheduled = false;
            }
            state.wrote(format!("entry {name} restored"));
            Ok(())
        })
        .await
    }

    async fn delete(&self, name: &str, _: u32) -> Result<(), VaultError> {
        self.vault_call(true, |state| {
            if let Some(entry) = state.vault.get_mut(name) {
                entry.scheduled = true;
            }
            state.wrote(format!("entry {name} scheduled for deletion"));
            Ok(())
        })
        .await
    }
}
