//! What must hold once everything works again and nothing changes any more.

use secrecy::ExposeSecret;
use tenantry_operator::conditions;
use tenantry_operator::names::{self, tag};
use tenantry_operator::stores::secrets::SecretOwner;

use crate::drive::entry_name;
use crate::world::{State, keys};

/// Everything that does not hold.
pub fn check(state: &mut State) -> Vec<String> {
    let mut wrong = Vec::new();
    manifests(state, &mut wrong);
    secrets(state, &mut wrong);
    rows(state, &mut wrong);
    entries(state, &mut wrong);
    wrong
}

fn manifests(state: &mut State, wrong: &mut Vec<String>) {
    for (place, manifest) in state.manifests.clone() {
        let mut say = |text: &str| wrong.push(format!("{place:?}: {text}"));
        if manifest.metadata.deletion_timestamp.is_some() {
            say("its deletion did not end");
            continue;
        }
        let Some(status) = &manifest.status else {
            say("has no status");
            continue;
        };
        let row = state.database.rows.values().find(|kept| kept.owner.as_ref() == Some(&place)).cloned();
        if !conditions::holds(&status.conditions, conditions::READY) {
            let ready = conditions::find(&status.conditions, conditions::READY).unwrap();
            let allowed = [
                "SlugTaken",
                "SlugUnowned",
                "SlugDeleted",
                "ForeignSecret",
                "ForeignAwsSecret",
                "Deleted",
                "SlugChanged",
            ];
            if !conditions::holds(&status.conditions, conditions::STALLED)
                || !allowed.contains(&ready.reason.as_str())
            {
                say(&format!("is not ready: {} {}", ready.reason, ready.message));
            }
            continue;
        }
        let Some(kept) = row else {
            say("is ready without rows");
            continue;
        };
        if kept.row.name != manifest.spec.display_name
            || kept.row.suspended != manifest.spec.suspended
            || kept.row.retained
        {
            say("its rows differ");
        }
        if manifest.spec.admin.is_some() && kept.row.generated_admin.is_none() {
            say("has no administrator");
        }
        let shown: Vec<String> =
            kept.row.data_keys.iter().map(|key| key.expose_secret().to_owned()).collect();
        if let Some(must) = state.must_keep.get(&place)
            && !must.iter().all(|key| shown.contains(key))
        {
            say("lost a key");
        }
        match state.secret(&place, &names::organization_secret(&place.name)) {
            Some(secret) if keys(&secret.content) == shown => {}
            _ => say("its Secret differs"),
        }
        if kept.row.generated_admin.is_some()
            && manifest.spec.admin.is_some()
            && state.secret(&place, &names::admin_secret(&place.name)).is_none()
        {
            say("the Secret of its administrator is missing");
        }
        let entry = state.vault.get(&entry_name(&place));
        let content = entry.and_then(|entry| entry.versions.get(&entry.current));
        let content = content.and_then(tenantry_operator::content::Content::from_json).unwrap_or_default();
        if entry.is_none_or(|entry| entry.scheduled || entry.tags.is_empty()) || keys(&content) != shown {
            say("its entry of the vault differs");
        }
    }
}

fn secrets(state: &State, wrong: &mut Vec<String>) {
    for ((cluster, namespace, name), secret) in &state.secrets {
        let Some(SecretOwner::Organization(owner)) = &secret.owner else { continue };
        let owned = state
            .manifests
            .keys()
            .any(|place| (&place.cluster, &place.namespace, &place.name) == (cluster, namespace, owner));
        if !owned {
            wrong.push(format!("the Secret {cluster}/{namespace}/{name} is an orphan"));
        }
    }
}

fn rows(state: &State, wrong: &mut Vec<String>) {
    for kept in state.database.rows.values() {
        let Some(owner) = &kept.owner else { continue };
        if !state.manifests.contains_key(owner) && !kept.row.retained && !kept.row.buried {
            wrong.push(format!("the organization {} of {owner:?} is an orphan", kept.row.id));
        }
    }
}

fn entries(state: &State, wrong: &mut Vec<String>) {
    for (name, entry) in &state.vault {
        if entry.scheduled {
            continue;
        }
        if entry.tags.is_empty() {
            // Nothing says any more that it is ours.
            continue;
        }
        let is = |tag: &str| entry.tags.get(tag).cloned().unwrap_or_default();
        let owned = state.manifests.keys().any(|place| {
            place.cluster == is(tag::CLUSTER)
                && place.namespace == is(tag::NAMESPACE)
                && format!("Organization/{}", place.name) == is(tag::OWNER)
        });
        if !owned && is(tag::STATE) != tag::LIVE {
            wrong.push(format!("the entry {name} is an orphan"));
        }
    }
}
