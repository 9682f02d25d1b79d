//! The entry of an organization in AWS Secrets Manager: a projection of its rows, written as seldom as possible.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Plan, Step, foreign, projections};
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

/// Keeps one entry as its content says. New keys that were asked for do not wait, nor does what is to be written `at_once`.
pub(crate) fn keep(
    place: &VaultPlace,
    entry: Option<&VaultSecret>,
    content: Content,
    at_once: bool,
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
        plan.vault = Some(foreign::entry(place, &entry.tags));
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
        if since >= PAUSE || revoked || at_once || found.is_some_and(|found| is_rotation(&found, &content)) {
            plan.add(Step::PutEntry(place.clone(), content, entry.version.clone()));
        } else {
            plan.vault = Some(too_soon(entry, PAUSE.saturating_sub(since)));
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

/// Why a content waits.
fn too_soon(entry: &VaultSecret, after: Duration) -> Trouble {
    let (reason, message) = if entry.is_as_we_left_it() {
        let message = "the entry was written a moment ago and what it shows changed again: it is written within 15 minutes of that \
                       time. If this goes on, find who changes what it shows";
        ("WrittenLately", message)
    } else {
        let message = "the entry was changed by somebody a moment ago: it is put right within 15 minutes of that change";
        ("ChangedByOthers", message)
    };
    Trouble::until(reason, after, message)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;
    use crate::stores::rows::Place;
    use crate::token;

    fn place() -> VaultPlace {
        let aws = serde_json::from_value(json!({ "region": "us-east-1", "prefix": "tenantry" })).unwrap();
        let place = Place { cluster: "c".into(), namespace: "a".into(), name: "app".into() };
        VaultPlace::new(&aws, &place, "Backend/app", "tenantry/app".into())
    }

    fn content(url: &str) -> Content {
        Content::default().with("DATABASE_URL", url)
    }

    /// What becomes of an entry that was written so many minutes ago.
    fn planned(minutes: i64, is_ours: bool, at_once: bool) -> Result<usize, (&'static str, bool)> {
        let (now, json) = (DateTime::UNIX_EPOCH, content("old").to_json());
        let entry = VaultSecret {
            arn: String::new(),
            version: if is_ours { token::after(&json, "before") } else { "theirs".into() },
            previous: "before".into(),
            content: Some(json),
            tags: place().tags,
            kms_key_id: None,
            changed_at: Some(now - TimeDelta::minutes(minutes)),
            deletion_scheduled: false,
        };
        let mut plan = Plan::default();
        keep(&place(), Some(&entry), content("new"), at_once, now, &mut plan);
        match plan.vault {
            Some(trouble) => Err((trouble.reason, plan.steps.is_empty())),
            None => Ok(plan.steps.len()),
        }
    }

    #[test]
    fn a_change_waits_for_a_quarter_of_an_hour_unless_somebody_asked_for_it() {
        assert_eq!(planned(14, false, false), Err(("ChangedByOthers", true)));
        assert_eq!(planned(14, true, false), Err(("WrittenLately", true)));
        assert_eq!(planned(14, true, true), Ok(1));
        assert_eq!(planned(15, false, false), Ok(1));
        assert_eq!(planned(15, true, false), Ok(1));
    }
}
