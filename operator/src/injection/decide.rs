//! Decides what becomes of a pod: its Backend from what is known, the authority's certificate from the API server. What cannot be found
//! out in time is refused: a pod is never let in without its gate.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::api::ListParams;
use kube::core::admission::{AdmissionRequest, Operation};
use kube::{Api, Client};
use tenantry_crds::Backend;

use super::choose::choose;
use super::patch::{Injection, inject};
use super::refusal::Refusal;
use super::trust;
use crate::backend::secret_owner;
use crate::certificates::Ca;
use crate::names::{self, key, label};
use crate::run::Caches;
use crate::settings::Gate;
use crate::stores::kubernetes::{trouble, view};
use crate::trouble::Trouble;

/// How long a decision may take: the API server waits for five seconds.
const PATIENCE: Duration = Duration::from_secs(4);

/// Why a pod is not let in.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// It cannot be.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Whether it can be is not known.
    #[error("whether the pod can get its gate is not known: {}", .0.message)]
    Undecided(Trouble),
}

impl From<Trouble> for Denied {
    fn from(trouble: Trouble) -> Self {
        Self::Undecided(trouble)
    }
}

/// Who decides.
pub struct Decider {
    client: Client,
    backends: Caches<Backend>,
    gate: Gate,
    runs_authorities: bool,
}

impl Decider {
    /// By the Backends that are known. Where the operator runs their authorities it made what gates are to trust, and is sure of it.
    pub fn new(client: Client, backends: Caches<Backend>, gate: Gate, runs_authorities: bool) -> Self {
        Self { client, backends, gate, runs_authorities }
    }

    /// What is done to a pod; `None`: nothing has to be.
    pub async fn decide(&self, request: &AdmissionRequest<Pod>) -> Result<Option<Injection>, Denied> {
        let Some(pod) = request.object.as_ref().filter(|_| request.operation == Operation::Create) else {
            return Ok(None);
        };
        let label = pod.metadata.labels.as_ref().and_then(|labels| labels.get(label::INJECT));
        if label.is_none_or(|value| value != "true") {
            return Ok(None);
        }
        let namespace = request.namespace.as_deref().unwrap_or_default();
        let decided = tokio::time::timeout(PATIENCE, self.inject(pod, namespace)).await;
        let late =
            || Trouble::passing("ApiServerUnavailable", "the API server did not answer the operator in time");
        Ok(Some(decided.map_err(|_| late())??))
    }

    async fn inject(&self, pod: &Pod, namespace: &str) -> Result<Injection, Denied> {
        if let Ok(backend) = choose(&pod.metadata, namespace, &self.backends.all())
            && let Ok(done) = self.inject_for(pod, &backend).await
        {
            return Ok(done);
        }
        // The Backend may be newer than what is known of it: nobody is refused by memory.
        let backend = choose(&pod.metadata, namespace, &self.read(namespace).await?)?;
        self.inject_for(pod, &backend).await
    }

    async fn inject_for(&self, pod: &Pod, backend: &Backend) -> Result<Injection, Denied> {
        let pin = self.pin(backend).await?;
        Ok(inject(pod, backend, pin.as_deref(), &self.gate)?)
    }

    /// The Backends of a namespace as they are now.
    async fn read(&self, namespace: &str) -> Result<Vec<Arc<Backend>>, Trouble> {
        let api: Api<Backend> = Api::namespaced(self.client.clone(), namespace);
        let found = api.list(&ListParams::default()).await;
        let found =
            found.map_err(|error| trouble(&format!("the Backends of the namespace {namespace}"), &error))?;
        Ok(found.items.into_iter().map(Arc::new).collect())
    }

    /// The fingerprints of the authorities that a Backend's gates are to trust, once there are any.
    ///
    /// Whoever may write the `ConfigMap` that tells gates of them is not believed: what signs is in a Secret of the operator's.
    async fn pin(&self, backend: &Backend) -> Result<Option<String>, Trouble> {
        if self.runs_authorities {
            return self.pin_what_signs(backend).await;
        }
        let (namespace, name) = (backend.namespace(), names::trust(backend.name()));
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        let found = api.get_opt(&name).await;
        let found = found.map_err(|error| trouble(&format!("the ConfigMap {namespace}/{name}"), &error))?;
        Ok(found.and_then(|found| trust::fingerprints(found.data?.get(key::AUTHORITIES)?)))
    }

    async fn pin_what_signs(&self, backend: &Backend) -> Result<Option<String>, Trouble> {
        let (namespace, name) = (backend.namespace(), names::ca_secret(backend.name()));
        let api: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let found = api.get_opt(&name).await;
        let found = found.map_err(|error| trouble(&format!("the Secret {namespace}/{name}"), &error))?;
        let ours = found.map(view).filter(|found| found.owner == Some(secret_owner(backend)));
        let ca = ours.and_then(|found| Ca::read(&found.content).ok());
        Ok(ca.and_then(|ca| trust::fingerprints(&ca.bundle())))
    }
}
