//! What the operator makes for a Backend's authority and its gates. There is no node: pods stay pending, or [`super::node`] runs them.

mod runs;
mod stands;

use serde_json::Value;

use super::world::{Wanted, World};

/// Everything that is there for the Backend `app` besides Secrets.
pub const OBJECTS: [&str; 10] = [
    "ServiceAccount/app-authority",
    "Role/app-authority",
    "RoleBinding/app-authority",
    "NetworkPolicy/app-authority",
    "NetworkPolicy/app-gates",
    "Service/app-authority",
    "PodDisruptionBudget/app-authority",
    "Deployment/app-authority",
    "ConfigMap/tenantry-trust-app",
    "ConfigMap/tenantry-gates-trust-app",
];

const SELECTOR: &str = "  selector: { app: app }\n";

/// A world that runs authorities.
async fn world() -> World {
    World::start(Wanted { authority: Some(""), ..Wanted::default() }).await
}

/// What of an object the operator decides.
fn decided(object: &Value) -> Value {
    let mut decided = object.clone();
    for field in ["resourceVersion", "generation", "managedFields", "uid", "creationTimestamp", "annotations"]
    {
        decided["metadata"].as_object_mut().unwrap().remove(field);
    }
    decided.as_object_mut().unwrap().remove("status");
    for field in ["clusterIP", "clusterIPs"] {
        decided["spec"].as_object_mut().and_then(|spec| spec.remove(field));
    }
    decided
}

async fn stands(world: &World, what: &str) -> Value {
    let found = world.wait(&format!("{what}: made"), async || world.get(what).await).await;
    decided(&found)
}

/// Waits until a Deployment's pods are all that is missing.
async fn waits_for_pods(world: &World) {
    world.reason("backend/app", "AuthorityReady", "AuthorityUnavailable").await;
}
