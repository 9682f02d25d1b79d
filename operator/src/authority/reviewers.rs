//! The accounts of authorities that may have tokens reviewed: subjects of one `ClusterRoleBinding`, which the chart makes without any.

use serde_json::{Value, json};

use super::keep::For;
use crate::backend::reconcile::World;
use crate::backend::{may_write, registry};
use crate::names;
use crate::stores::objects::{At, Kind};
use crate::trouble::Trouble;

/// Has a Backend's authority be among them.
pub async fn admit(world: &World<'_>, of: For<'_>) -> Result<(), Trouble> {
    let (namespace, name) = registry::key_of(of.backend);
    let (at, subject) = (at(&of.settings.reviewers), subject(&namespace, &name));
    let Some(seen) = world.objects.observe(&at).await? else {
        let message = format!("{at} of the chart is not there: helm upgrade makes it");
        return Err(Trouble::standing("ReviewersMissing", message));
    };
    let mut subjects = subjects(&seen);
    if subjects.contains(&subject) {
        return Ok(());
    }
    may_write(of.backend, &at.to_string())?;
    subjects.push(subject);
    world.objects.merge(&at, &json!({ "subjects": subjects }), &seen).await
}

/// Takes a Backend's authority out of them.
pub async fn withdraw(world: &World<'_>, key: &registry::Key) -> Result<(), Trouble> {
    let Some(settings) = world.authority else { return Ok(()) };
    let at = at(&settings.reviewers);
    let Some(seen) = world.objects.observe(&at).await? else { return Ok(()) };
    let gone = subject(&key.0, &key.1);
    let mut subjects = subjects(&seen);
    if !subjects.contains(&gone) {
        return Ok(());
    }
    subjects.retain(|subject| *subject != gone);
    world.objects.merge(&at, &json!({ "subjects": subjects }), &seen).await
}

fn at(name: &str) -> At {
    At { kind: Kind::CLUSTER_ROLE_BINDING, namespace: String::new(), name: name.to_owned() }
}

fn subjects(binding: &Value) -> Vec<Value> {
    binding["subjects"].as_array().cloned().unwrap_or_default()
}

fn subject(namespace: &str, backend: &str) -> Value {
    json!({ "kind": "ServiceAccount", "name": names::authority(backend), "namespace": namespace })
}
