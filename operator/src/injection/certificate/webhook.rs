//! Whom the API server trusts: `caBundle` in the `MutatingWebhookConfiguration`, which the chart leaves out so that nobody else writes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource};
use serde_json::json;

use crate::leader::Leadership;
use crate::names;
use crate::stores::kubernetes::trouble;
use crate::trouble::Trouble;

/// The configuration, as this process may see it.
pub struct Webhook {
    api: Api<MutatingWebhookConfiguration>,
    name: String,
    leadership: Leadership,
}

impl Webhook {
    /// The one of this name.
    pub fn new(client: Client, name: &str, leadership: Leadership) -> Self {
        Self { api: Api::all(client), name: name.to_owned(), leadership }
    }

    fn what(&self) -> String {
        format!("the MutatingWebhookConfiguration {}", self.name)
    }

    /// The configuration as it stands; `None`: there is none.
    pub async fn observe(&self) -> Result<Option<MutatingWebhookConfiguration>, Trouble> {
        self.api.get_opt(&self.name).await.map_err(|error| trouble(&self.what(), &error))
    }

    /// Has it trust these authorities and no others.
    pub async fn tell(&self, seen: &MutatingWebhookConfiguration, bundle: &str) -> Result<(), Trouble> {
        self.leadership.check()?;
        let webhooks = seen.webhooks.iter().flatten().map(|webhook| {
            json!({ "name": webhook.name, "clientConfig": { "caBundle": STANDARD.encode(bundle) } })
        });
        let patch = json!({
            "apiVersion": MutatingWebhookConfiguration::api_version(&()),
            "kind": MutatingWebhookConfiguration::kind(&()),
            // One that is gone by now is not made anew.
            "metadata": { "name": self.name, "uid": seen.metadata.uid },
            "webhooks": webhooks.collect::<Vec<_>>(),
        });
        let params = PatchParams::apply(names::MANAGER).force();
        let patched = self.api.patch(&self.name, &params, &Patch::Apply(&patch)).await;
        patched.map(drop).map_err(|error| trouble(&self.what(), &error))
    }
}

/// Whether these authorities and no others are trusted.
pub fn trusts(configuration: &MutatingWebhookConfiguration, bundle: &str) -> bool {
    configuration.webhooks.iter().flatten().all(|webhook| {
        webhook.client_config.ca_bundle.as_ref().is_some_and(|found| found.0 == bundle.as_bytes())
    })
}
