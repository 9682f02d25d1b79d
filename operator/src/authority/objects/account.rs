//! Who the authority's pods are: an account that may read its own Backend. That it may have tokens reviewed stands elsewhere, for no
//! namespace holds that.

use serde_json::json;
use tenantry_crds::Backend;

use super::{Wanted, wanted};
use crate::names;
use crate::stores::objects::Kind;

const RBAC: &str = "rbac.authorization.k8s.io";

/// The account, its Role, and that it has it.
pub fn all(backend: &Backend) -> [Wanted; 3] {
    let name = || names::authority(backend.name());
    let rule = json!({
        "apiGroups": ["tenantry.io"],
        "resources": ["backends"],
        "resourceNames": [backend.name()],
        "verbs": ["list", "watch"],
    });
    let subject = json!({ "kind": "ServiceAccount", "name": name(), "namespace": backend.namespace() });
    let role = json!({ "apiGroup": RBAC, "kind": "Role", "name": name() });
    [
        wanted(backend, Kind::SERVICE_ACCOUNT, name(), json!({})),
        wanted(backend, Kind::ROLE, name(), json!({ "rules": [rule] })),
        wanted(backend, Kind::ROLE_BINDING, name(), json!({ "roleRef": role, "subjects": [subject] })),
    ]
}
