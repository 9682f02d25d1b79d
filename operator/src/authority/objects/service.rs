//! How gates reach the authority.

use serde_json::json;
use tenantry_crds::Backend;

use super::{ADMIN, REQUESTS, STREAM, Wanted, pods, wanted};
use crate::names;
use crate::stores::objects::Kind;

/// The Service, by whose name the authority's certificate is checked.
pub fn service(backend: &Backend) -> Wanted {
    let port =
        |name: &str, port: i32| json!({ "name": name, "port": port, "targetPort": name, "protocol": "TCP" });
    let ports = [port("requests", REQUESTS), port("stream", STREAM), port("metrics", ADMIN)];
    let spec = json!({ "type": "ClusterIP", "selector": pods(backend), "ports": ports });
    wanted(backend, Kind::SERVICE, names::authority(backend.name()), json!({ "spec": spec }))
}
