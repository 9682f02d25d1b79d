//! Secrets of the real cluster. Written over by a merge patch of exactly the version that was seen.

use std::collections::BTreeMap;

use async_trait::async_trait;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Resource};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{Cluster, trouble};
use crate::names::{self, label};
use crate::stores::secrets::{SecretOwner, SecretView, SecretWanted, Secrets};
use crate::trouble::Trouble;

impl Cluster {
    /// Whether a Secret, as a watch tells of it, stands as this process wrote it.
    pub async fn wrote(&self, meta: &ObjectMeta) -> bool {
        self.written.is(meta).await
    }

    fn secrets(&self, namespace: &str) -> Api<Secret> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

fn what(namespace: &str, name: &str) -> String {
    format!("the Secret {namespace}/{name}")
}

/// Whose a Secret is, by its labels.
pub fn owner(labels: Option<&BTreeMap<String, String>>) -> Option<SecretOwner> {
    let labels = labels?;
    if labels.get(label::MANAGED_BY).is_none_or(|manager| manager != names::MANAGER) {
        return None;
    }
    let organization = labels.get(label::ORGANIZATION).map(|name| SecretOwner::Organization(name.clone()));
    organization.or_else(|| labels.get(label::BACKEND).map(|name| SecretOwner::Backend(name.clone())))
}

fn labels(owner: &SecretOwner) -> BTreeMap<String, String> {
    let (label, name) = match owner {
        SecretOwner::Organization(name) => (label::ORGANIZATION, name),
        SecretOwner::Backend(name) => (label::BACKEND, name),
    };
    [(label::MANAGED_BY.to_owned(), names::MANAGER.to_owned()), (label.to_owned(), name.clone())].into()
}

/// What a Secret says.
pub(crate) fn view(secret: Secret) -> SecretView {
    let texts = secret.data.unwrap_or_default().into_iter().map(|(key, ByteString(bytes))| {
        (key, SecretString::from(String::from_utf8_lossy(&bytes).into_owned()))
    });
    SecretView {
        uid: secret.metadata.uid.unwrap_or_default(),
        version: secret.metadata.resource_version.unwrap_or_default(),
        owner: owner(secret.metadata.labels.as_ref()),
        content: texts.collect(),
    }
}

fn bytes(wanted: &SecretWanted) -> BTreeMap<String, ByteString> {
    let texts = wanted.content.iter();
    texts.map(|(key, text)| (key.to_owned(), ByteString(text.expose_secret().as_bytes().to_vec()))).collect()
}

#[async_trait]
impl Secrets for Cluster {
    async fn observe(&self, namespace: &str, name: &str) -> Result<Option<SecretView>, Trouble> {
        let found = self.secrets(namespace).get_opt(name).await;
        Ok(found.map_err(|error| trouble(&what(namespace, name), &error))?.map(view))
    }

    async fn create(&self, wanted: &SecretWanted) -> Result<SecretView, Trouble> {
        self.leadership.check()?;
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(wanted.name.clone()),
                namespace: Some(wanted.namespace.clone()),
                labels: Some(labels(&wanted.owner)),
                ..ObjectMeta::default()
            },
            type_: Some("Opaque".to_owned()),
            data: Some(bytes(wanted)),
            ..Secret::default()
        };
        let post = PostParams { field_manager: Some(names::MANAGER.to_owned()), ..PostParams::default() };
        let writing = self.written.begin(&wanted.namespace, &wanted.name);
        let made = self.secrets(&wanted.namespace).create(&post, &secret).await;
        let made = made.map_err(|error| trouble(&what(&wanted.namespace, &wanted.name), &error))?;
        writing.ended(&made.metadata);
        Ok(view(made))
    }

    async fn replace(&self, wanted: &SecretWanted, seen: &SecretView) -> Result<SecretView, Trouble> {
        self.leadership.check()?;
        let mut data: BTreeMap<String, Value> =
            bytes(wanted).into_iter().map(|(key, bytes)| (key, json!(bytes))).collect();
        for (key, _) in seen.content.iter() {
            data.entry(key.to_owned()).or_insert(Value::Null);
        }
        let patch = json!({
            "metadata": { "uid": seen.uid, "resourceVersion": seen.version, "labels": labels(&wanted.owner) },
            "data": data,
        });
        let params = PatchParams { field_manager: Some(names::MANAGER.to_owned()), ..PatchParams::default() };
        let secrets = self.secrets(&wanted.namespace);
        let writing = self.written.begin(&wanted.namespace, &wanted.name);
        let written = secrets.patch(&wanted.name, &params, &Patch::Merge(&patch)).await;
        let written = written.map_err(|error| trouble(&what(&wanted.namespace, &wanted.name), &error))?;
        writing.ended(&written.metadata);
        Ok(view(written))
    }

    async fn delete(&self, namespace: &str, name: &str, seen: &SecretView) -> Result<(), Trouble> {
        self.leadership.check()?;
        let params = DeleteParams {
            preconditions: Some(Preconditions { uid: Some(seen.uid.clone()), resource_version: None }),
            ..DeleteParams::default()
        };
        self.written.forget(namespace, name);
        match self.secrets(namespace).delete(name, &params).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(trouble(&what(namespace, name), &error)),
        }
    }
}

/// The resource that a Secret of ours belongs to, where it is of the kind `R`.
pub fn belongs_to<R: Resource<DynamicType = ()>>(meta: &ObjectMeta) -> Option<String> {
    let owner = owner(meta.labels.as_ref())?;
    match owner {
        SecretOwner::Organization(name) if R::kind(&()) == "Organization" => Some(name),
        SecretOwner::Backend(name) if R::kind(&()) == "Backend" => Some(name),
        _ => None,
    }
}
