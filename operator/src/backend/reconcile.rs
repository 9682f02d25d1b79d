//! The story of one Backend: read what it refers to, find or make the keyring, open the database, keep its keys and what shows them,
//! and say how it stands. A step that cannot be taken is told and stops those that need it, no others.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use tenantry_crds::backend::SecretRef;
use tenantry_crds::{Backend, BackendStatus};
use tenantry_rules::random::SystemRandom;
use tenantry_rules::sealing::Keyring;

use super::connect::{self, Opening};
use super::entries::{Entry, content_of_ours};
use super::keyring::{self, SeenKeyring, Source};
use super::registry::{Open, Registry, key_of};
use super::report::{Findings, Members};
use super::{keys, report};
use crate::authority::{self, For};
use crate::conditions;
use crate::content::Content;
use crate::leader::Leadership;
use crate::marks;
use crate::names;
use crate::organization::Outcome;
use crate::organization::plan::projections;
use crate::settings;
use crate::stores::manifests::{Manifests, Note, say};
use crate::stores::objects::Objects;
use crate::stores::secrets::{SecretView, Secrets};
use crate::stores::vault::Vault;
use crate::trouble::Trouble;

/// What a Backend is reconciled with.
pub struct World<'a> {
    /// The cluster's id.
    pub cluster: &'a str,
    /// The resources.
    pub manifests: &'a dyn Manifests<Backend, BackendStatus>,
    /// Secrets.
    pub secrets: &'a dyn Secrets,
    /// What else stands in the cluster.
    pub objects: &'a dyn Objects,
    /// The authority that each Backend has; `None`: it has none.
    pub authority: Option<&'a settings::Authority>,
    /// The Backend's vault, where it has one.
    pub vault: Option<Arc<dyn Vault>>,
    /// What is open.
    pub registry: &'a Registry,
    /// Who writes.
    pub leadership: &'a Leadership,
    /// How many connections to its database there may be at a time.
    pub connections: u32,
    /// The Organizations that belong to it.
    pub members: Members,
}

/// What came of it.
#[derive(Debug)]
pub struct Reconciled {
    /// How it ended.
    pub outcome: Outcome,
    /// Whether its Organizations have to look again.
    pub tell_members: bool,
}

/// Reconciles one Backend.
pub async fn reconcile(world: &World<'_>, backend: Arc<Backend>, now: DateTime<Utc>) -> Reconciled {
    let mut backend = backend;
    if backend.metadata.deletion_timestamp.is_some() {
        // Its Organizations go first, and need its stores for that; those that cannot be read are looked for in its database.
        let is_needed = world.members.all > 0 || !world.members.unread.is_empty();
        let is_new = is_needed && Story { world, backend: &backend, now }.open_to_delete().await;
        let done = super::deletion::reconcile(world, &backend, now).await;
        return Reconciled { tell_members: done.tell_members || is_new, ..done };
    }
    let mut findings = Findings::default();
    let unmarked = if marks::has_finalizer(&backend.metadata) {
        None
    } else {
        let marked = Story { world, backend: &backend, now }.add_finalizer().await;
        marked.map(|next| backend = next).err()
    };
    let story = Story { world, backend: &backend, now };
    let tell_members = match unmarked {
        None => story.tell(&mut findings).await,
        Some(trouble) => {
            findings.database = Some(trouble.clone());
            world.registry.fail(story.key(), trouble)
        }
    };
    let outcome = finish(world, &backend, &findings, now).await;
    Reconciled { outcome, tell_members }
}

/// Writes the status where it says something new, and when to look again.
pub(super) async fn finish(
    world: &World<'_>,
    backend: &Backend,
    findings: &Findings,
    now: DateTime<Utc>,
) -> Outcome {
    let status = report::status(backend, findings, &world.members, now);
    let old = backend.status.as_ref();
    if say(world.manifests, backend, old, &status, |status| &status.conditions).await.is_err() {
        return Outcome::Retry;
    }
    Outcome::of(findings.troubles())
}

/// One Backend as it is looked at once.
pub(super) struct Story<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) backend: &'a Backend,
    pub(super) now: DateTime<Utc>,
}

impl Story<'_> {
    fn key(&self) -> (String, String) {
        key_of(self.backend)
    }

    /// The Backend with our finalizer, before anything is made for it.
    async fn add_finalizer(&self) -> Result<Arc<Backend>, Trouble> {
        self.may_write("everything")?;
        self.world.manifests.set_finalizer(self.backend, true).await
    }

    /// As [`super::may_write`].
    pub(super) fn may_write(&self, what: &str) -> Result<(), Trouble> {
        super::may_write(self.backend, what)
    }

    /// Whether Organizations have to look again.
    async fn tell(&self, findings: &mut Findings) -> bool {
        if let (Some(of), host) = self.authority("") {
            let closed = authority::close(self.world, of, self.now).await;
            findings.authority = closed.err().map(|trouble| (host, Err(trouble)));
        }
        match self.open(findings).await {
            Ok((open, is_new)) => {
                if let Err(trouble) = self.keep_keys(&open, findings).await {
                    findings.secrets.get_or_insert(trouble);
                }
                self.keep_authority(&open, findings).await;
                is_new
            }
            Err(trouble) => {
                let tell = self.world.registry.fail(self.key(), trouble.clone());
                findings.database = Some(trouble);
                tell
            }
        }
    }

    /// Opens what this process has not opened yet; whether Organizations have to look again.
    async fn open_to_delete(&self) -> bool {
        if self.world.registry.get(&self.key()).is_ok() || !marks::has_finalizer(&self.backend.metadata) {
            return false;
        }
        match self.open(&mut Findings::default()).await {
            Ok((_, is_new)) => is_new,
            Err(trouble) => self.world.registry.fail(self.key(), trouble),
        }
    }

    async fn open(&self, findings: &mut Findings) -> Result<(Arc<Open>, bool), Trouble> {
        let registry = self.world.registry;
        let before = registry.get(&self.key()).ok();
        let remembered = registry.keyring(&self.key());
        let Some(database) = &self.backend.spec.database else {
            let message = "spec.database is missing: in a cluster a Backend needs urlSecretRef, the URL of its PostgreSQL database";
            return Err(Trouble::standing("DatabaseUnset", message));
        };
        let url = self.referenced("spec.database.urlSecretRef", &database.url_secret_ref).await?;
        let ca = match &database.ca_secret_ref {
            Some(reference) => Some(self.referenced("spec.database.caSecretRef", reference).await?),
            None => None,
        };
        let name = names::keyring_secret(self.backend.name());
        let secret = self.world.secrets.observe(self.backend.namespace(), &name).await?;
        let mirror = self.mirror().await;
        let mirrored = mirror
            .as_ref()
            .map(|seen| seen.as_ref().and_then(|(place, entry)| content_of_ours(place, entry.as_ref())));
        let mirrored_content = match &mirrored {
            Ok(content) => Ok(content.as_ref()),
            Err(trouble) => Err(*trouble),
        };
        let is_ours = secret
            .as_ref()
            .is_some_and(|secret| secret.owner.as_ref() == Some(&super::secret_owner(self.backend)));
        let seen = SeenKeyring {
            secret: secret.as_ref(),
            is_ours,
            mirror: mirrored_content,
            memory: remembered.as_ref(),
        };
        let (text, is_made) = match keyring::source(&seen)? {
            Source::Secret(text) => (text, false),
            Source::Restore(text) => {
                if let Err(paused) =
                    self.may_write("the Secret of the sealing keyring, which is gone or damaged,")
                {
                    findings.secrets = Some(paused);
                } else {
                    self.write_secret(&name, keyring::content(&text), secret.as_ref()).await?;
                    let text_of =
                        "the Secret of the sealing keyring was gone or damaged and was written again";
                    self.world.manifests.note(self.backend, Note::warning("KeyringRestored", text_of)).await;
                }
                (text, false)
            }
            Source::None => {
                self.may_write("a sealing keyring")?;
                let id = format!("k{}", self.now.timestamp());
                let made = Keyring::generate(&id, &SystemRandom);
                (made.map_err(|error| Trouble::passing("NoRandomness", error.to_string()))?, true)
            }
        };
        let as_it_is = marks::is_paused(&self.backend.metadata);
        let opening = Opening {
            backend: self.backend,
            cluster: self.world.cluster,
            url: &url,
            ca: ca.as_ref(),
            keyring: &text,
            leadership: self.world.leadership,
            connections: self.world.connections,
            as_it_is,
        };
        let digest = opening.digest();
        let opened = before.filter(|open| open.opened_with == digest).map(|open| open.rows.store.clone());
        let is_marked = opened.is_some() || as_it_is;
        let store = match opened {
            Some(store) => store,
            None => opening.open().await?,
        };
        if is_made {
            // Nothing was sealed with it before it is kept.
            self.write_secret(&name, keyring::content(&text), None).await?;
            let text_of = format!(
                "made the Secret {name}, which seals every key in the database: keep a copy of it elsewhere"
            );
            self.world.manifests.note(self.backend, Note::normal("KeyringMade", text_of)).await;
        }
        if !is_marked {
            connect::mark(&store).await?;
        }
        if let Err(trouble) = self.keep_mirror(&text, mirror).await {
            findings.vault = Some(trouble);
        }
        let open = Open {
            rows: opening.rows(store)?,
            vault: self.world.vault.clone(),
            opened_with: digest,
            read: authority::read(&url, ca.as_ref(), &text),
            keyring: text,
            url,
        };
        let is_new = registry.open(self.key(), open.clone());
        if is_new && !as_it_is {
            connect::reseal(open.rows.store.clone());
        }
        Ok((Arc::new(open), is_new))
    }

    /// A text of a Secret that the Backend refers to.
    pub(super) async fn referenced(
        &self,
        field: &str,
        reference: &SecretRef,
    ) -> Result<SecretString, Trouble> {
        let (namespace, SecretRef { name, key }) = (self.backend.namespace(), reference);
        let secret = self.world.secrets.observe(namespace, name).await?;
        let Some(secret) = secret else {
            let message = format!("{field}: there is no Secret {name} in the namespace {namespace}: make it");
            return Err(Trouble::passing("SecretMissing", message));
        };
        let text =
            secret.content.get(key).map(|text| secrecy::ExposeSecret::expose_secret(text).trim().to_owned());
        text.filter(|text| !text.is_empty()).map(SecretString::from).ok_or_else(|| {
            Trouble::passing(
                "SecretKeyMissing",
                format!("{field}: the Secret {name} has no text under the key {key}: add it"),
            )
        })
    }

    /// As [`super::write_secret`].
    async fn write_secret(
        &self,
        name: &str,
        content: Content,
        seen: Option<&SecretView>,
    ) -> Result<(), Trouble> {
        super::write_secret(self.world.secrets, self.backend, name, content, seen).await
    }

    /// Keeps the Backend's own keys, its Secret and its entry of the vault.
    async fn keep_keys(&self, open: &Open, findings: &mut Findings) -> Result<(), Trouble> {
        let name = names::backend_secret(self.backend.name());
        let secret = self.world.secrets.observe(self.backend.namespace(), &name).await?;
        let ours = secret
            .as_ref()
            .filter(|secret| secret.owner.as_ref() == Some(&super::secret_owner(self.backend)));
        let entry = self.entry().await;
        let kept = match keys::observe(&open.rows.store).await {
            Ok(Some(kept)) => kept,
            Err(trouble) => {
                // It was opened once and does not answer now. Opened anew at the next look, it says why.
                self.world.registry.doubt(&self.key());
                findings.database = Some(trouble);
                return Ok(());
            }
            Ok(None) => {
                self.may_write("the first pair of its keys")?;
                self.first_keys(open, ours, &entry).await?
            }
        };
        let content = keys::content(&kept);
        match &secret {
            Some(seen) if ours.is_some() && seen.content == content => {}
            None => {
                self.write_secret(&name, content.clone(), None).await?;
                if self.is_settled() {
                    self.drift_repaired(&name).await;
                }
            }
            Some(seen) if ours.is_some() || seen.content == content => {
                self.write_secret(&name, content.clone(), Some(seen)).await?;
                self.drift_repaired(&name).await;
            }
            Some(_) => return Err(projections::foreign(self.backend.namespace(), &name)),
        }
        if let Err(trouble) = self.keep_entry(open, content, entry).await {
            findings.vault.get_or_insert(trouble);
        }
        Ok(())
    }

    /// What its authority is made of, if it has one, and where that is reached.
    fn authority<'b>(&'b self, read: &'b str) -> (Option<For<'b>>, String) {
        let host = names::authority_host(self.backend.namespace(), self.backend.name());
        let settings = self.world.authority.zip(self.backend.spec.database.as_ref());
        let of = settings.map(|(settings, database)| For {
            backend: self.backend,
            database,
            settings,
            cluster: self.world.cluster,
            read,
        });
        (of, format!("https://{host}:8444"))
    }

    /// Keeps its authority, whatever else is wrong: what it needs is a database that was opened.
    async fn keep_authority(&self, open: &Open, findings: &mut Findings) {
        if let (Some(of), host) = self.authority(&open.read) {
            let stands = authority::keep(self.world, of, self.now).await;
            let closed = findings.authority.take().map_or(Ok(()), |(_, closed)| closed);
            findings.authority = Some((host, closed.and(stands)));
        }
    }

    /// Whether the Backend was once seen to be as its manifest says.
    fn is_settled(&self) -> bool {
        let status = self.backend.status.as_ref();
        status.is_some_and(|status| conditions::holds(&status.conditions, conditions::READY))
    }

    async fn drift_repaired(&self, name: &str) {
        let text = format!("the Secret {name} was not as it should be and was put right");
        self.world.manifests.note(self.backend, Note::warning("DriftRepaired", text)).await;
    }

    /// The database has no keys: those that are to be imported, those that something still shows, and only then new ones.
    async fn first_keys(
        &self,
        open: &Open,
        ours: Option<&SecretView>,
        entry: &Result<Entry, Trouble>,
    ) -> Result<tenantry_store::provision::BackendKeys, Trouble> {
        let imported = match &self.backend.spec.keys {
            Some(wanted) => {
                let (namespace, name) = (self.backend.namespace(), &wanted.import_from.name);
                let secret = self.world.secrets.observe(namespace, name).await?;
                let secret = secret.ok_or_else(|| {
                    let message = format!("spec.keys.importFrom: there is no Secret {name} in the namespace {namespace}: make it");
                    Trouble::passing("SecretMissing", message)
                })?;
                Some(keys::imported(&secret.content).map_err(|key| {
                    let message = format!(
                        "spec.keys.importFrom: the Secret {name} has no text under the key {key}: add it, for a key that is \
                         missing there would be made anew"
                    );
                    Trouble::passing("SecretKeyMissing", message)
                })?)
            }
            None => None,
        };
        let entry = entry.as_ref().map_err(Clone::clone)?.as_ref();
        let shown = entry.and_then(|(place, entry)| content_of_ours(place, entry.as_ref()));
        let contents = [imported.as_ref(), ours.map(|secret| &secret.content), shown.as_ref()];
        keys::keep(&open.rows.store, &keys::found_in(contents.into_iter().flatten())).await
    }
}
