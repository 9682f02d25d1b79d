//! How many of the authority's pods a drained node may take away at a time.

use serde_json::json;
use tenantry_crds::Backend;

use super::{Wanted, pods, wanted};
use crate::names;
use crate::stores::objects::Kind;

/// The budget: one.
pub fn budget(backend: &Backend) -> Wanted {
    let spec = json!({ "maxUnavailable": 1, "selector": { "matchLabels": pods(backend) } });
    wanted(backend, Kind::DISRUPTION_BUDGET, names::authority(backend.name()), json!({ "spec": spec }))
}
