//! Data keys that the rows lack but a projection still has: they are imported, never made anew. As long as a projection cannot be
//! seen, nobody knows, and nothing is made.

use secrecy::{ExposeSecret, SecretString};

use super::{Plan, Step};
use crate::content::Content;
use crate::names::{key, tag};
use crate::organization::desired::Desired;
use crate::organization::observed::Observed;
use crate::stores::Store;
use crate::stores::rows::Row;
use crate::trouble::Trouble;

/// Which keys new rows get.
pub(super) enum Keys {
    /// A projection cannot be seen.
    Wait(Store, Trouble),
    /// A projection can only be read after this.
    First(Step),
    /// These; none: new ones are made.
    These(Vec<SecretString>),
}

/// Looks for keys in the projections, the Secret first.
pub(super) fn lost(desired: &Desired, observed: &Observed) -> Keys {
    match &observed.secret {
        Err(trouble) => return Keys::Wait(Store::Secrets, trouble.clone()),
        Ok(Some(secret)) if desired.owns(secret) => {
            let keys = in_content(&secret.content);
            if !keys.is_empty() {
                return Keys::These(keys);
            }
        }
        Ok(_) => {}
    }
    let Some(place) = &desired.vault else { return Keys::These(Vec::new()) };
    match &observed.vault {
        Err(trouble) => Keys::Wait(Store::Aws, trouble.clone()),
        Ok(Some(entry)) if place.owns(&entry.tags) => {
            if entry.tags.get(tag::STATE).is_some_and(|state| state == tag::DELETED) {
                return Keys::These(Vec::new());
            }
            if entry.deletion_scheduled {
                return Keys::First(Step::RestoreEntry(place.clone()));
            }
            let content = entry.content.as_ref().and_then(Content::from_json).unwrap_or_default();
            Keys::These(in_content(&content))
        }
        Ok(_) => Keys::These(Vec::new()),
    }
}

/// Keys on top of those that the rows have, in a projection that is otherwise exactly theirs: a database that was restored from an
/// older backup lacks them. The whole list then, the newest first.
pub(super) fn newer(desired: &Desired, observed: &Observed, row: &Row) -> Vec<SecretString> {
    let secret = observed.secret.as_ref().ok().and_then(Option::as_ref);
    let secret = secret.filter(|secret| desired.owns(secret)).map(|secret| secret.content.clone());
    let entry = observed.vault.as_ref().ok().and_then(Option::as_ref);
    let entry = entry.filter(|entry| desired.vault.as_ref().is_some_and(|place| place.owns(&entry.tags)));
    let entry = entry.and_then(|entry| Content::from_json(entry.content.as_ref()?));
    let candidates = [secret, entry].into_iter().flatten().filter(|content| {
        let text = |key| content.get(key).map(ExposeSecret::expose_secret);
        text(key::ORGANIZATION_ID) == Some(row.id.to_string().as_str())
            && text(key::ORGANIZATION_SLUG) == Some(&row.slug)
    });
    candidates
        .map(|content| in_content(&content))
        .find(|keys| is_on_top(keys, &row.data_keys))
        .unwrap_or_default()
}

fn is_on_top(keys: &[SecretString], of: &[SecretString]) -> bool {
    keys.len() > of.len()
        && keys.iter().all(tenantry_rules::secrets::is_encryption_key)
        && keys[keys.len() - of.len()..].iter().zip(of).all(|(a, b)| a.expose_secret() == b.expose_secret())
}

fn in_content(content: &Content) -> Vec<SecretString> {
    let keys = content.list(key::DATA_KEYS);
    if keys.is_empty() { content.list(key::DATA_KEY) } else { keys }
}

/// Says that the rows wait for a projection to be seen.
pub(super) fn wait(plan: &mut Plan, store: Store, trouble: Trouble) {
    let waits =
        format!("before keys are made it must be known whether there are some already: {}", trouble.message);
    plan.database = Some(Trouble { message: waits, reason: "WaitsForSecrets", ..trouble.clone() });
    if store == Store::Aws {
        plan.vault = Some(trouble);
    } else {
        plan.secrets = Some(trouble);
    }
}
