//! The resources of the real cluster. A finalizer is written to exactly the version that was seen; a status to exactly the resource.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use kube::api::{Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::runtime::events::{Event, EventType, Recorder};
use kube::{Api, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Cluster, trouble};
use crate::marks;
use crate::names;
use crate::stores::manifests::{Manifests, Note};
use crate::trouble::Trouble;

fn what<R: Resource<DynamicType = ()>>(resource: &R) -> String {
    let meta = resource.meta();
    format!(
        "the {} {}/{}",
        R::kind(&()),
        meta.namespace.as_deref().unwrap_or_default(),
        meta.name.as_deref().unwrap_or_default()
    )
}

fn params() -> PatchParams {
    PatchParams { field_manager: Some(names::MANAGER.to_owned()), ..PatchParams::default() }
}

#[async_trait]
impl<R, S> Manifests<R, S> for Cluster
where
    R: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
    S: Serialize + Send + Sync + 'static,
{
    async fn set_finalizer(&self, resource: &R, present: bool) -> Result<Arc<R>, Trouble> {
        self.leadership.check()?;
        let mut finalizers = marks::others_finalizers(resource.meta());
        if present {
            finalizers.push(names::FINALIZER.to_owned());
        }
        let patch = json!({ "metadata": {
            "uid": resource.uid(),
            "resourceVersion": resource.resource_version(),
            "finalizers": finalizers,
        } });
        let api: Api<R> = Api::namespaced(self.client.clone(), &resource.namespace().unwrap_or_default());
        let patched = api.patch(&resource.name_any(), &params(), &Patch::Merge(&patch)).await;
        match patched {
            // The last finalizer of a deleted resource takes it along.
            Err(kube::Error::Api(status)) if status.code == 404 && !present => Ok(Arc::new(resource.clone())),
            patched => patched.map(Arc::new).map_err(|error| trouble(&what(resource), &error)),
        }
    }

    async fn report(&self, resource: &R, status: &S) -> Result<(), Trouble> {
        self.leadership.check()?;
        let patch = json!({
            "apiVersion": R::api_version(&()),
            "kind": R::kind(&()),
            "metadata": { "name": resource.name_any(), "uid": resource.uid() },
            "status": status,
        });
        let api: Api<R> = Api::namespaced(self.client.clone(), &resource.namespace().unwrap_or_default());
        let params = PatchParams { force: true, ..params() };
        match api.patch_status(&resource.name_any(), &params, &Patch::Apply(&patch)).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(trouble(&what(resource), &error)),
        }
    }

    async fn note(&self, resource: &R, note: Note) {
        if self.leadership.check().is_err() {
            return;
        }
        // The API server refuses longer ones.
        let text: String = note.message.chars().take(1_000).collect();
        let event = Event {
            type_: if note.warning { EventType::Warning } else { EventType::Normal },
            reason: note.reason,
            note: Some(text),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        let recorder = if note.warning {
            self.warnings.clone()
        } else {
            // What went well is told once, and no memory of it is kept.
            Recorder::new(self.client.clone(), self.reporter.clone())
        };
        if let Err(error) = recorder.publish(&event, &resource.object_ref(&())).await {
            tracing::warn!(%error, resource = what(resource), "an event could not be published");
        }
    }
}
