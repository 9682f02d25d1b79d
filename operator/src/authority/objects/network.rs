//! Who reaches which pods. The backend's own let in nothing but what is for their gate: a pod that has none is closed, not open.

use serde_json::{Value, json};
use tenantry_crds::Backend;

use super::{ADMIN, REQUESTS, STREAM, Wanted, pods, wanted};
use crate::injection::gate;
use crate::names;
use crate::stores::objects::Kind;

/// Whether the backend's pods are known, and so are closed to all that goes past their gates.
pub fn is_closed(backend: &Backend) -> bool {
    !backend.spec.selector.is_empty()
}

/// For the backend's pods.
pub fn gates(backend: &Backend) -> Wanted {
    let spec = json!({
        "podSelector": { "matchLabels": backend.spec.selector.0 },
        "policyTypes": ["Ingress"],
        "ingress": [{ "ports": ports(&[gate::DATA, gate::ADMIN]) }],
    });
    wanted(backend, Kind::NETWORK_POLICY, names::gates(backend.name()), json!({ "spec": spec }))
}

/// For the authority's: gates alone.
pub fn authority(backend: &Backend) -> Wanted {
    let gates =
        if is_closed(backend) { json!({ "matchLabels": backend.spec.selector.0 }) } else { json!({}) };
    let spec = json!({
        "podSelector": { "matchLabels": pods(backend) },
        "policyTypes": ["Ingress"],
        "ingress": [
            { "from": [{ "podSelector": gates }], "ports": ports(&[REQUESTS, STREAM]) },
            { "ports": ports(&[ADMIN]) },
        ],
    });
    wanted(backend, Kind::NETWORK_POLICY, names::authority(backend.name()), json!({ "spec": spec }))
}

fn ports(all: &[i32]) -> Vec<Value> {
    all.iter().map(|port| json!({ "port": port, "protocol": "TCP" })).collect()
}
