//! What stands in a Backend's namespace for its authority and its gates, as it is wanted: one file a kind. Pure.

mod account;
mod budget;
mod deployment;
mod network;
mod service;
mod trust;

use serde_json::{Value, json};
use tenantry_crds::Backend;

use super::keep::For;
use crate::names::{self, label};
use crate::stores::objects::{At, Kind};

pub use network::{gates, is_closed};
pub use trust::trust;

/// For gates' requests.
pub const REQUESTS: i32 = 8444;
/// For the directory stream.
pub const STREAM: i32 = 8445;
/// Probes and metrics.
pub const ADMIN: i32 = 9090;

/// An object that is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where.
    pub at: At,
    /// What.
    pub object: Value,
}

/// All that the authority is, in the order in which it is made.
pub fn authority(of: &For<'_>) -> Vec<Wanted> {
    let [account, role, binding] = account::all(of.backend);
    let [service, budget, network] =
        [service::service(of.backend), budget::budget(of.backend), network::authority(of.backend)];
    vec![account, role, binding, network, service, budget, deployment::deployment(of)]
}

/// An object of this name with these fields besides.
fn wanted(backend: &Backend, kind: Kind, name: String, fields: Value) -> Wanted {
    let mut object = fields;
    object["apiVersion"] = json!(kind.api_version());
    object["kind"] = json!(kind.kind);
    object["metadata"] = json!({
        "name": name,
        "namespace": backend.namespace(),
        "labels": labels(backend),
        // What is gone with the Backend, however it goes.
        "ownerReferences": [owner(backend)],
    });
    Wanted { at: At { kind, namespace: backend.namespace().to_owned(), name }, object }
}

fn labels(backend: &Backend) -> Value {
    json!({
        label::MANAGED_BY: names::MANAGER,
        label::BACKEND: backend.name(),
        "app.kubernetes.io/part-of": "tenantry",
    })
}

fn owner(backend: &Backend) -> Value {
    json!({
        "apiVersion": "tenantry.io/v1alpha1",
        "kind": "Backend",
        "name": backend.name(),
        "uid": backend.metadata.uid,
    })
}

/// The labels of the authority's pods.
fn pods(backend: &Backend) -> Value {
    json!({
        "app.kubernetes.io/name": "tenantry-authority",
        "app.kubernetes.io/part-of": "tenantry",
        label::BACKEND: backend.name(),
    })
}
