//! A Backend's entries of the vault: its own, with its keys and the URLs that it asks for, and the mirror of its keyring.

use std::sync::Arc;

use secrecy::SecretString;

use super::reconcile::Story;
use super::registry::Open;
use super::urls::{self, RedisUrl};
use super::{entry_place, keyring, mirror_place};
use crate::content::Content;
use crate::organization::apply;
use crate::organization::desired::VaultPlace;
use crate::organization::plan::{Plan, Step, vault};
use crate::stores::vault::{Vault, VaultSecret, not_connected};
use crate::trouble::Trouble;

/// An entry that the Backend has, and what stands there.
pub type Entry = Option<(VaultPlace, Option<VaultSecret>)>;

impl Story<'_> {
    /// The mirror of the keyring, where there is a vault.
    pub async fn mirror(&self) -> Result<Entry, Trouble> {
        let Some(aws) = &self.backend.spec.aws else { return Ok(None) };
        let place = mirror_place(self.backend, aws, self.world.cluster);
        let vault = self.vault()?;
        let mut entry = vault.observe(&place.name).await?;
        if entry.as_ref().is_some_and(|entry| entry.deletion_scheduled && place.owns(&entry.tags)) {
            self.may_write("the mirror of the sealing keyring, whose deletion is scheduled,")?;
            vault.restore(&place.name).await?;
            entry = vault.observe(&place.name).await?;
        }
        Ok(Some((place, entry)))
    }

    /// Its own entry, where there is a vault.
    pub async fn entry(&self) -> Result<Entry, Trouble> {
        let Some(aws) = &self.backend.spec.aws else { return Ok(None) };
        let place = entry_place(self.backend, aws, self.world.cluster);
        let entry = self.vault()?.observe(&place.name).await?;
        Ok(Some((place, entry)))
    }

    /// Keeps the mirror of the keyring.
    pub async fn keep_mirror(
        &self,
        text: &SecretString,
        mirror: Result<Entry, Trouble>,
    ) -> Result<(), Trouble> {
        match mirror? {
            Some((place, entry)) => self.keep(&place, entry.as_ref(), keyring::content(text)).await,
            None => Ok(()),
        }
    }

    /// Keeps its own entry. A URL that cannot be read is told, and keeps nothing else from being written.
    pub async fn keep_entry(
        &self,
        open: &Open,
        keys: Content,
        entry: Result<Entry, Trouble>,
    ) -> Result<(), Trouble> {
        let Some((place, entry)) = entry? else { return Ok(()) };
        let (content, unread) = if urls::are_asked_for(self.backend) {
            let (redis, unread) = self.url_of_redis().await;
            let shown = content_of_ours(&place, entry.as_ref());
            (urls::add(keys, &open.url, redis, shown.as_ref()), unread)
        } else {
            (keys, None)
        };
        self.keep(&place, entry.as_ref(), content).await?;
        unread.map_or(Ok(()), Err)
    }

    async fn url_of_redis(&self) -> (RedisUrl, Option<Trouble>) {
        let Some(reference) = urls::of_redis(self.backend) else { return (RedisUrl::None, None) };
        match self.referenced("spec.redis.urlSecretRef", reference).await {
            Ok(url) => (RedisUrl::Known(url), None),
            Err(trouble) => (RedisUrl::Unread, Some(trouble)),
        }
    }

    async fn keep(
        &self,
        place: &VaultPlace,
        entry: Option<&VaultSecret>,
        content: Content,
    ) -> Result<(), Trouble> {
        let puts = self.world.registry.puts();
        // Then what it is to hold has changed, because somebody asked for that: a Secret or the manifest.
        let is_asked_for = entry.is_some_and(VaultSecret::is_as_we_left_it);
        let at_once = is_asked_for && puts.has_room(&place.name, self.now);
        let mut plan = Plan::default();
        vault::keep(place, entry, content, at_once, self.now, &mut plan);
        if !plan.steps.is_empty() {
            self.may_write(&format!("the entry {}", place.name))?;
        }
        for step in &plan.steps {
            if matches!(step, Step::PutEntry(..)) {
                puts.note(&place.name, self.now);
            }
            apply::entry(step, self.vault()?.as_ref()).await?;
            if matches!(step, Step::RestoreEntry(_)) {
                return Err(Trouble::passing(
                    "AwsConflict",
                    "the entry was scheduled for deletion and is looked at again",
                ));
            }
        }
        plan.vault.map_or(Ok(()), Err)
    }

    fn vault(&self) -> Result<&Arc<dyn Vault>, Trouble> {
        self.world.vault.as_ref().ok_or_else(not_connected)
    }
}

/// The content of an entry that is ours.
pub fn content_of_ours(place: &VaultPlace, entry: Option<&VaultSecret>) -> Option<Content> {
    let entry = entry.filter(|entry| place.owns(&entry.tags))?;
    Content::from_json(entry.content.as_ref()?)
}
