//! The Secrets of an organization: projections of its rows, kept byte for byte.

use super::{Plan, Step};
use crate::content::Content;
use crate::names::key;
use crate::organization::desired::Desired;
use crate::organization::observed::{Observed, Seen};
use crate::stores::rows::Row;
use crate::stores::secrets::{SecretView, SecretWanted};
use crate::trouble::Trouble;

pub(super) fn plan(desired: &Desired, observed: &Observed, row: &Row, plan: &mut Plan) {
    keep(desired, desired.secret_name(), content(row), &observed.secret, plan);
    let generates = desired.admin.as_ref().is_some_and(|admin| admin.password.is_none());
    if let Some((email, password)) = row.generated_admin.as_ref().filter(|_| generates) {
        let content =
            Content::default().with(key::EMAIL, email.as_str()).with(key::PASSWORD, password.clone());
        keep(desired, desired.admin_secret_name(), content, &observed.admin_secret, plan);
    }
}

/// What the rows say that the Secret, and the entry of the vault, hold.
pub(super) fn content(row: &Row) -> Content {
    let newest = row.data_keys.first().cloned().unwrap_or_default();
    Content::default()
        .with(key::ORGANIZATION_ID, row.id.to_string())
        .with(key::ORGANIZATION_SLUG, row.slug.as_str())
        .with(key::DATA_KEY, newest)
        .with_list(key::DATA_KEYS, &row.data_keys)
}

fn keep(desired: &Desired, name: String, content: Content, seen: &Seen<Option<SecretView>>, plan: &mut Plan) {
    let namespace = desired.place.namespace.clone();
    let wanted = SecretWanted { namespace, name, owner: desired.secret_owner(), content };
    match seen {
        Err(trouble) => plan.secrets = Some(trouble.clone()),
        Ok(None) if desired.namespace_ends => {
            let message = "the namespace is being deleted: nothing can be made in it";
            plan.secrets = Some(Trouble::passing("NamespaceTerminating", message));
        }
        Ok(None) => plan.add(Step::CreateSecret(wanted)),
        Ok(Some(secret)) if desired.owns(secret) => {
            if secret.content != wanted.content {
                plan.add(Step::ReplaceSecret(wanted, secret.clone()));
            }
        }
        // Somebody took our labels off and left the rest.
        Ok(Some(secret)) if secret.content == wanted.content => {
            plan.add(Step::ReplaceSecret(wanted, secret.clone()));
        }
        Ok(Some(_)) => plan.secrets = Some(foreign(&wanted.namespace, &wanted.name)),
    }
}

/// A Secret of our name that is not ours.
pub(crate) fn foreign(namespace: &str, name: &str) -> Trouble {
    let message = format!(
        "the Secret {name} in the namespace {namespace} is not ours and is never overwritten: rename or delete it"
    );
    Trouble::standing("ForeignSecret", message)
}
