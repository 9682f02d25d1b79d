//! What gates trust, and what their clients do.

use serde_json::json;
use tenantry_crds::Backend;

use super::{Wanted, wanted};
use crate::names::key;
use crate::stores::objects::Kind;

/// A `ConfigMap` with authorities, in PEM.
pub fn trust(backend: &Backend, name: String, bundle: &str) -> Wanted {
    let data = json!({ key::AUTHORITIES: bundle });
    wanted(backend, Kind::CONFIG_MAP, name, json!({ "data": data }))
}
