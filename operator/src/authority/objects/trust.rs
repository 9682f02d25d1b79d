//! What gates trust.

use serde_json::json;
use tenantry_crds::Backend;

use super::{Wanted, wanted};
use crate::names::{self, key};
use crate::stores::objects::Kind;

/// The `ConfigMap` with the authorities, in PEM.
pub fn trust(backend: &Backend, bundle: &str) -> Wanted {
    let data = json!({ key::AUTHORITIES: bundle });
    wanted(backend, Kind::CONFIG_MAP, names::trust(backend.name()), json!({ "data": data }))
}
