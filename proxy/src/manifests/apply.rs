//! A folder made true: settings, then each organization in a transaction of its own. One that is refused stops no other, and
//! one whose file cannot be read is not taken for gone.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tenantry_directory::settings::EarlierPublicUrl;
use tenantry_directory::{BackendSettings, Role, Timestamp};
use tenantry_rules::password;
use tenantry_rules::random::SystemRandom;
use tenantry_store::provision::{self, Admin, AdminOutcome, FirstKey, ProvisionPlan};
use tenantry_store::{Store, StoreError, backend};

use super::organization::{FirstAdmin, Wanted};
use super::{CLUSTER, Read, ServedBackend};
use crate::data::DataFolder;

/// Allowance for clocks after a token's expiry.
const LEEWAY: Duration = Duration::from_secs(30);

/// Makes the database match folders.
#[derive(Clone)]
pub struct Applier {
    /// The database.
    pub store: Store,
    /// Where generated passwords go.
    pub data: Arc<DataFolder>,
}

/// What came of a folder.
#[derive(Default)]
pub struct Applied {
    /// Something was written.
    pub changed: bool,
    /// Refusals, as sentences.
    pub problems: Vec<String>,
    /// What a person should know: who may sign in with which file.
    pub notes: Vec<String>,
}

impl Applied {
    /// Says what came of it.
    pub fn tell(&self) {
        for problem in &self.problems {
            tracing::error!("{problem}");
        }
        for note in &self.notes {
            tracing::info!("{note}");
        }
    }
}

impl Applier {
    /// Writes what differs.
    pub async fn apply(&self, read: &Read) -> Result<Applied, StoreError> {
        let mut applied = Applied::default();
        let Some(served) = &read.backend else { return Ok(applied) };
        applied.changed |= apply_settings(&self.store, &served.settings).await?;
        for wanted in &read.organizations {
            if let Err(sentence) = self.provision(served, read, wanted, &mut applied).await {
                applied.problems.push(format!(
                    "Organization {}/{}: {sentence}",
                    wanted.owner.namespace, wanted.owner.name
                ));
            }
        }
        if read.problems.is_empty() {
            let present: Vec<_> = read.organizations.iter().map(|wanted| wanted.owner.clone()).collect();
            for removed in provision::remove_absent(&self.store, CLUSTER, &present).await? {
                applied.changed = true;
                applied.notes.push(format!(
                    "the manifest of {} is gone: its organization was {}",
                    removed.owner.path(),
                    match removed.policy {
                        tenantry_store::ownership::DeletionPolicy::Retain => "suspended and kept",
                        tenantry_store::ownership::DeletionPolicy::Delete => "closed for good",
                    }
                ));
            }
        }
        Ok(applied)
    }

    async fn provision(
        &self,
        served: &ServedBackend,
        read: &Read,
        wanted: &Wanted,
        applied: &mut Applied,
    ) -> Result<(), String> {
        let first = match &wanted.admin {
            Some(admin) if needs_admin(&self.store, wanted).await? => {
                Some(self.first(served, read, wanted, admin).await?)
            }
            _ => None,
        };
        let plan = ProvisionPlan {
            owner: &wanted.owner,
            slug: &wanted.slug,
            name: &wanted.name,
            max_users: Some(wanted.max_users),
            settings: &wanted.settings,
            suspended: wanted.suspended,
            deletion_policy: wanted.deletion_policy,
            adoption: wanted.adoption,
            admin: first.as_ref().map(|first| Admin {
                email: &first.admin.email,
                full_name: first.admin.name.as_str(),
                role: first.role,
                hashed_password: &first.hash,
                email_verified: true,
                shown_password: None,
            }),
            first_key: FirstKey {
                algorithm: served.policy.algorithm,
                policy: served.policy.keys(&served.settings),
            },
            data_keys: &[],
            rotate: wanted.rotate.as_deref(),
        };
        let provisioned =
            provision::apply(&self.store, &SystemRandom, &plan).await.map_err(|error| error.to_string())?;
        applied.changed |= provisioned.changed;
        if provisioned.created {
            tracing::info!(slug = wanted.slug.as_str(), id = %provisioned.organization_id, "made the organization");
        }
        if let (AdminOutcome::Created, Some(first)) = (provisioned.admin, &first)
            && first.generated
        {
            applied.notes.push(format!(
                "{} may sign in with the password in {}",
                first.admin.email,
                self.data.password_file(&wanted.slug).display()
            ));
        }
        Ok(())
    }

    /// The first administrator with the hash of a password: the manifest's, or one that is in its file already.
    async fn first<'a>(
        &self,
        served: &'a ServedBackend,
        read: &Read,
        wanted: &'a Wanted,
        admin: &'a FirstAdmin,
    ) -> Result<First<'a>, String> {
        let role = served.settings.admin_role().ok_or("the Backend has no roles")?;
        let Some(reference) = &admin.password else {
            let password =
                self.data.generated_password(&wanted.slug).map_err(|failure| failure.to_string())?;
            let hash =
                password::hash_generated(&password, &SystemRandom).map_err(|error| error.to_string())?;
            return Ok(First { admin, role, hash: hash.into(), generated: true });
        };
        let value = read.secrets.get(&wanted.owner.namespace, reference).and_then(|value| value.text());
        let Some(text) = value.map(|text| text.trim_end_matches(['\r', '\n'])) else {
            return Err(format!(
                "spec.admin.passwordSecretRef: the folder has no Secret {} with a text {} in the namespace {}; add it",
                reference.name, reference.key, wanted.owner.namespace
            ));
        };
        let password = SecretString::from(text);
        let policy = served.policy.passwords;
        let words = [admin.email.to_string(), admin.name.to_string(), wanted.name.clone()];
        let hashed = tokio::task::spawn_blocking(move || {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            policy
                .check(&password, &words)
                .map_err(|weak| format!("spec.admin.passwordSecretRef: {weak}"))?;
            password::hash(&password, &SystemRandom).map_err(|error| error.to_string())
        });
        let hash = hashed.await.map_err(|error| error.to_string())??;
        Ok(First { admin, role, hash: hash.into(), generated: false })
    }
}

/// Writes a Backend's settings where they differ; whether they did. Several processes may do so at once.
pub async fn apply_settings(store: &Store, settings: &BackendSettings) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let settings = with_earlier_urls(settings, backend::settings(&mut tx).await?, tx.now);
    let changed = backend::set_settings(&mut tx, &settings).await?;
    tx.commit().await?;
    Ok(changed)
}

/// New settings that still know the public URLs of before: tokens name the one they were made under, and verify until they
/// expire.
fn with_earlier_urls(new: &BackendSettings, old: Option<BackendSettings>, now: Timestamp) -> BackendSettings {
    let mut settings = new.clone();
    let Some(old) = old else { return settings };
    let until = now.plus(old.access_ttl.max(new.access_ttl)).plus(LEEWAY);
    let mut earlier = old.earlier_public_urls;
    if old.public_url != new.public_url {
        earlier.push(EarlierPublicUrl { public_url: old.public_url, until });
    }
    earlier.retain(|earlier| earlier.until > now && earlier.public_url != new.public_url);
    settings.earlier_public_urls = earlier;
    settings
}

struct First<'a> {
    admin: &'a FirstAdmin,
    role: &'a Role,
    hash: SecretString,
    generated: bool,
}

async fn needs_admin(store: &Store, wanted: &Wanted) -> Result<bool, String> {
    provision::needs_admin(store, &wanted.owner).await.map_err(|error| error.to_string())
}
