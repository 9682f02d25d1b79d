//! The leader's part: it makes what is missing or grows old, and tells the API server. At rest it only looks.

use chrono::Utc;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::held::{Data, Held};
use super::plan::Terms;
use super::webhook::{Webhook, trusts};
use crate::leader::Leadership;
use crate::names::{self, label};
use crate::stores::kubernetes::trouble;
use crate::trouble::Trouble;

/// Where the certificate is kept, and who is told.
pub struct Keeper {
    secrets: Api<Secret>,
    namespace: String,
    name: String,
    webhook: Webhook,
    terms: Terms,
    leadership: Leadership,
    /// What this process saw last: a Secret that somebody deletes is made again as it was.
    known: Option<Held>,
}

impl Keeper {
    /// Keeps the Secret `name` of the operator's own namespace, and the webhook's configuration.
    pub fn new(
        client: &Client,
        namespace: &str,
        settings: &crate::settings::Injection,
        leadership: &Leadership,
    ) -> Self {
        Self {
            secrets: Api::namespaced(client.clone(), namespace),
            namespace: namespace.to_owned(),
            name: settings.secret.clone(),
            webhook: Webhook::new(client.clone(), &settings.webhook, leadership.clone()),
            terms: Terms {
                names: settings.names.clone(),
                certificate: settings.certificate_lasts.0,
                authority: settings.authority_lasts.0,
            },
            leadership: leadership.clone(),
            known: None,
        }
    }

    /// Keeps it for good.
    pub async fn keep(mut self) {
        let pause = super::shown::glance(self.terms.certificate);
        let mut told = None;
        loop {
            let trouble = self.turn().await.err();
            // What lasts is told once.
            if trouble != told
                && let Some(trouble) = &trouble
            {
                if trouble.needs_person() {
                    tracing::error!(reason = trouble.reason, "{}", trouble.message);
                } else {
                    tracing::warn!(reason = trouble.reason, "{}", trouble.message);
                }
            }
            told = trouble;
            tokio::time::sleep(pause).await;
        }
    }

    /// Looks once, and does what follows.
    async fn turn(&mut self) -> Result<(), Trouble> {
        let (mut held, mut version) = self.held().await?;
        let seen = self.webhook.observe().await?;
        loop {
            let is_told = seen.as_ref().is_some_and(|seen| trusts(seen, &held.bundle()));
            let next = self.terms.next(&held, is_told, Utc::now())?;
            let Some(next) = next else { break };
            version = self.write(&next, &held, &version).await?;
            held = next;
        }
        self.known = Some(held.clone());
        match seen {
            Some(seen) if trusts(&seen, &held.bundle()) => Ok(()),
            Some(seen) => self.webhook.tell(&seen, &held.bundle()).await,
            None => Err(Trouble::standing(
                "WebhookMissing",
                "the MutatingWebhookConfiguration of the chart is not there: pods get no gate; helm upgrade makes it, or take injection \
                 out of the settings",
            )),
        }
    }

    /// What is held, made where there is nothing, and the version of its Secret.
    async fn held(&self) -> Result<(Held, String), Trouble> {
        let found = self.secrets.get_opt(&self.name).await.map_err(|error| self.trouble(&error))?;
        let Some(secret) = found else { return self.make().await };
        let labels = secret.metadata.labels.unwrap_or_default();
        if labels.get(label::MANAGED_BY).is_none_or(|manager| manager != names::MANAGER) {
            let message = format!("{} is somebody else's: rename or delete it", self.what());
            return Err(Trouble::standing("ForeignSecret", message));
        }
        let version = secret.metadata.resource_version.unwrap_or_default();
        let data = secret.data.unwrap_or_default();
        if let Ok(held) = Held::read(&data) {
            return Ok((held, version));
        }
        tracing::warn!("{} is damaged and is written anew", self.what());
        let held = self.anew()?;
        let version = self.replace(&held.data(), &data, &version).await?;
        Ok((held, version))
    }

    fn anew(&self) -> Result<Held, Trouble> {
        match &self.known {
            Some(known) => Ok(known.clone()),
            None => Ok(self.terms.begin(Utc::now())?),
        }
    }

    async fn make(&self) -> Result<(Held, String), Trouble> {
        self.leadership.check()?;
        let held = self.anew()?;
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                labels: Some([(label::MANAGED_BY.to_owned(), names::MANAGER.to_owned())].into()),
                ..ObjectMeta::default()
            },
            data: Some(held.data()),
            ..Secret::default()
        };
        let params = PostParams { field_manager: Some(names::MANAGER.to_owned()), ..PostParams::default() };
        let made = self.secrets.create(&params, &secret).await.map_err(|error| self.trouble(&error))?;
        tracing::info!("{} is new", self.what());
        Ok((held, made.metadata.resource_version.unwrap_or_default()))
    }

    async fn write(&self, next: &Held, seen: &Held, version: &str) -> Result<String, Trouble> {
        let version = self.replace(&next.data(), &seen.data(), version).await?;
        let (ends, signed_by) = (next.shown.says.ends, &next.shown.says.issuer);
        tracing::info!(%ends, signed_by, authorities = 1 + u8::from(next.next.is_some()), "the webhook's certificate");
        Ok(version)
    }

    /// Writes over exactly the version that was seen; the version since.
    async fn replace(&self, data: &Data, seen: &Data, version: &str) -> Result<String, Trouble> {
        self.leadership.check()?;
        let gone =
            seen.keys().filter(|name| !data.contains_key(*name)).map(|name| (name.clone(), Value::Null));
        let data = data.iter().map(|(name, bytes)| (name.clone(), json!(bytes))).chain(gone);
        let data: serde_json::Map<String, Value> = data.collect();
        let patch = json!({ "metadata": { "resourceVersion": version }, "data": data });
        let params = PatchParams { field_manager: Some(names::MANAGER.to_owned()), ..PatchParams::default() };
        let written = self.secrets.patch(&self.name, &params, &Patch::Merge(&patch)).await;
        let written = written.map_err(|error| self.trouble(&error))?;
        Ok(written.metadata.resource_version.unwrap_or_default())
    }

    fn what(&self) -> String {
        format!("the Secret {}/{} with the webhook's certificate", self.namespace, self.name)
    }

    fn trouble(&self, error: &kube::Error) -> Trouble {
        trouble(&self.what(), error)
    }
}
