//! Objects of the real cluster. What is written over is what was seen: by its UID, and where fields of others are written along, by its
//! version.

use async_trait::async_trait;
use kube::Api;
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, Preconditions,
};
use serde_json::{Value, json};

use super::{Cluster, trouble};
use crate::names;
use crate::stores::objects::{At, Kind, Objects};
use crate::trouble::Trouble;

impl Cluster {
    fn objects(&self, at: &At) -> Api<DynamicObject> {
        let Kind { group, version, kind, plural } = at.kind;
        let resource =
            ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
        if at.namespace.is_empty() {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), &at.namespace, &resource)
        }
    }
}

fn text(at: &At, object: &DynamicObject) -> Result<Value, Trouble> {
    serde_json::to_value(object).map_err(|error| unreadable(at, &error))
}

fn unreadable(at: &At, error: &serde_json::Error) -> Trouble {
    Trouble::passing("ApiServerUnavailable", format!("{at}: the API server's answer cannot be read: {error}"))
}

/// What is wanted to stand there, without what is wanted not to: that cannot be applied.
fn without_nulls(wanted: &Value) -> Value {
    match wanted {
        Value::Object(fields) => {
            let some = fields.iter().filter(|(_, value)| !value.is_null());
            some.map(|(name, value)| (name.clone(), without_nulls(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        value => value.clone(),
    }
}

#[async_trait]
impl Objects for Cluster {
    async fn observe(&self, at: &At) -> Result<Option<Value>, Trouble> {
        let found = self.objects(at).get_opt(&at.name).await;
        found.map_err(|error| trouble(&at.to_string(), &error))?.map(|found| text(at, &found)).transpose()
    }

    async fn create(&self, at: &At, wanted: &Value) -> Result<Value, Trouble> {
        self.leadership.check()?;
        // Applied from the first: what an earlier version of the operator wrote otherwise, no later one could take away.
        let params = PatchParams::apply(names::MANAGER);
        let made = self.objects(at).patch(&at.name, &params, &Patch::Apply(without_nulls(wanted))).await;
        text(at, &made.map_err(|error| trouble(&at.to_string(), &error))?)
    }

    async fn apply(&self, at: &At, wanted: &Value, seen: &Value) -> Result<Value, Trouble> {
        self.leadership.check()?;
        let mut wanted = without_nulls(wanted);
        // One that is gone by now is not made anew.
        wanted["metadata"]["uid"] = seen["metadata"]["uid"].clone();
        let params = PatchParams::apply(names::MANAGER).force();
        let applied = self.objects(at).patch(&at.name, &params, &Patch::Apply(&wanted)).await;
        text(at, &applied.map_err(|error| trouble(&at.to_string(), &error))?)
    }

    async fn merge(&self, at: &At, fields: &Value, seen: &Value) -> Result<(), Trouble> {
        self.leadership.check()?;
        let mut fields = fields.clone();
        let of = &seen["metadata"];
        fields["metadata"] = json!({ "uid": of["uid"], "resourceVersion": of["resourceVersion"] });
        let params = PatchParams { field_manager: Some(names::MANAGER.to_owned()), ..PatchParams::default() };
        let merged = self.objects(at).patch(&at.name, &params, &Patch::Merge(&fields)).await;
        merged.map(drop).map_err(|error| trouble(&at.to_string(), &error))
    }

    async fn delete(&self, at: &At, seen: &Value) -> Result<(), Trouble> {
        self.leadership.check()?;
        let uid = seen["metadata"]["uid"].as_str().map(str::to_owned);
        let params = DeleteParams {
            preconditions: Some(Preconditions { uid, resource_version: None }),
            ..DeleteParams::default()
        };
        match self.objects(at).delete(&at.name, &params).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(trouble(&at.to_string(), &error)),
        }
    }
}
