//! The entry of an organization in AWS Secrets Manager: a projection of its rows, written as seldom as possible.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Plan, Step, projections};
use crate::content::Content;
use crate::names::key;
use crate::organization::desired::{Desired, VaultPlace};
use crate::organization::observed::Observed;
use crate::stores::rows::Row;
use crate::stores::vault::{Tags, VaultSecret};
use crate::trouble::Trouble;

/// Whoever changes an entry again and again does not make us pay for each change.
const PAUSE: Duration = Duration::from_mins(15);

pub(super) fn plan(desired: &Desired, observed: &Observed, row: &Row, now: DateTime<Utc>, plan: &mut Plan) {
    let Some(place) = &desired.vault else { return };
    match &observed.vault {
        Err(trouble) => plan.vault = Some(trouble.clone()),
        Ok(entry) => {
            let content = projections::content(row);
            // The Secret still shows the older keys: new ones were asked for a moment ago.
            let shown = observed.secret.as_ref().ok().and_then(Option::as_ref);
            let rotates = shown.is_some_and(|shown| is_rotation(&shown.content, &content));
            keep(place, entry.as_ref(), content, rotates, now, plan);
        }
    }
}

/// Keeps one entry as its content says. New keys that were asked for do not wait.
pub(crate) fn keep(
    place: &VaultPlace,
    entry: Option<&VaultSecret>,
    content: Content,
    rotates: bool,
    now: DateTime<Utc>,
    plan: &mut Plan,
) {
    let Some(entry) = entry else {
        plan.add(Step::CreateEntry(place.clone(), content));
        return;
    };
    let found = entry.content.as_ref().and_then(Content::from_json);
    // Somebody took our tags off and left the rest.
    let is_unmarked = place.may_be(&entry.tags) && found.as_ref() == Some(&content);
    if !place.owns(&entry.tags) && !is_unmarked {
        plan.vault = Some(foreign(place));
        return;
    }
    if entry.deletion_scheduled {
        plan.add(Step::RestoreEntry(place.clone()));
        return;
    }
    if let Some(wanted) = place.kms_key_id.as_ref().filter(|wanted| !entry.is_encrypted_with(wanted)) {
        plan.add(Step::KeyEntry(place.clone(), wanted.clone()));
    }
    if found.as_ref() != Some(&content) {
        let since = entry.changed_at.and_then(|changed| (now - changed).to_std().ok()).unwrap_or(PAUSE);
        let revoked =
            entry.tags.get(crate::names::tag::STATE).is_some_and(|state| state == crate::names::tag::DELETED);
        if since >= PAUSE || revoked || rotates || found.is_some_and(|found| is_rotation(&found, &content)) {
            plan.add(Step::PutEntry(place.clone(), content, entry.version.clone()));
        } else {
            let message = "the entry was changed by somebody a moment ago: it is put right within 15 minutes of that change";
            plan.vault = Some(Trouble::until("ChangedByOthers", PAUSE.saturating_sub(since), message));
        }
    }
    let differing: Tags = place
        .tags
        .iter()
        .filter(|(tag, value)| entry.tags.get(*tag) != Some(value))
        .map(|(tag, value)| (tag.clone(), value.clone()))
        .collect();
    if !differing.is_empty() {
        plan.add(Step::TagEntry(place.clone(), differing));
    }
}

/// Whether the content differs from what stands there only by newer keys.
fn is_rotation(found: &Content, wanted: &Content) -> bool {
    [key::DATA_KEYS, key::ENCRYPTION_KEYS].iter().any(|list| {
        let text = |content: &Content| {
            content.get(list).map(|text| secrecy::ExposeSecret::expose_secret(text).to_owned())
        };
        match (text(found), text(wanted)) {
            (Some(found), Some(wanted)) => !found.is_empty() && wanted.ends_with(&format!(",{found}")),
            _ => false,
        }
    })
}

/// An entry of our name that is not ours.
pub(crate) fn foreign(place: &VaultPlace) -> Trouble {
    let message = format!(
        "the secret {} in AWS Secrets Manager bears no tags of this manifest and is never overwritten: \
         rename or delete it, or choose another spec.aws.prefix for the Backend",
        place.name
    );
    Trouble::standing("ForeignAwsSecret", message)
}
