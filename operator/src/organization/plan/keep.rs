//! The manifest owns its rows: they and what follows from them stay as it says.

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::keys::{self, Keys};
use super::{Plan, Step, claim, projections, vault};
use crate::names::key;
use crate::organization::desired::{Desired, DesiredAdmin, GivenPassword};
use crate::organization::observed::Observed;
use crate::stores::rows::{NewAdmin, Password, Row};
use crate::trouble::Trouble;

pub(super) fn plan(desired: &Desired, observed: &Observed, row: &Row, now: DateTime<Utc>, plan: &mut Plan) {
    if row.buried {
        plan.database = Some(Trouble::standing(
            "Deleted",
            format!(
                "the organization {} was deleted with an earlier manifest of this name and its rows are still referred to: \
                 choose another name and slug, or remove those rows",
                row.id
            ),
        ));
        return;
    }
    if row.slug != desired.slug {
        let message = format!(
            "the slug cannot be changed from {:?} to {:?}: set it back, or make another Organization",
            row.slug, desired.slug
        );
        plan.database = Some(Trouble::standing("SlugChanged", message));
        return;
    }
    if !desired.has_finalizer {
        // Nothing that a deletion must see to is made before it.
        plan.add(Step::AddFinalizer);
        return;
    }
    let mut provision = claim::provision(desired);
    let mut differs = differs(desired, row);
    if row.data_keys.is_empty() {
        match keys::lost(desired, observed) {
            Keys::Wait(store, trouble) => return keys::wait(plan, store, trouble),
            Keys::First(step) => return plan.add(step),
            Keys::These(keys) => provision.data_keys = keys,
        }
        differs = true;
    } else {
        provision.data_keys = keys::newer(desired, observed, row);
        differs |= !provision.data_keys.is_empty();
    }
    if let Some(wanted) = desired.admin.as_ref().filter(|_| !row.admin_made) {
        match admin(desired, wanted, observed) {
            Ok(admin) => {
                provision.admin = Some(admin);
                differs = true;
            }
            Err(trouble) => plan.admin = Some(trouble),
        }
    }
    if differs {
        // What follows from the rows is planned once they have been seen as they are then.
        plan.add(Step::Provision(Box::new(provision)));
        return;
    }
    projections::plan(desired, observed, row, plan);
    vault::plan(desired, observed, row, now, plan);
}

fn differs(desired: &Desired, row: &Row) -> bool {
    let other_settings = desired.settings.iter().any(|(key, value)| row.settings.get(key) != Some(value));
    row.name != desired.name
        || row.max_users != Some(i64::from(desired.max_users))
        || other_settings
        || row.suspended != desired.suspended
        || row.retained
        || row.policy != desired.policy
        || row.uid != desired.uid
        || !row.has_signing_key
        || (desired.rotate.is_some() && desired.rotate != row.rotate_seen)
}

fn admin(desired: &Desired, wanted: &DesiredAdmin, observed: &Observed) -> Result<NewAdmin, Trouble> {
    let password = match &wanted.password {
        Some(reference) => match observed.password.as_ref().map_err(Clone::clone)? {
            GivenPassword::Found(password) => Password::Given(password.clone()),
            GivenPassword::Missing | GivenPassword::NotNeeded => {
                let message = format!(
                    "spec.admin.passwordSecretRef: there is no Secret {} with the key {} in the namespace {}: make it; \
                     the administrator is made then",
                    reference.name, reference.key, desired.place.namespace
                );
                return Err(Trouble::passing("PasswordSecretMissing", message));
            }
        },
        None => {
            let secret = observed.admin_secret.as_ref().map_err(Clone::clone)?;
            found(desired, secret.as_ref()).map_or(Password::Generated, Password::Found)
        }
    };
    Ok(NewAdmin { email: wanted.email.clone(), name: wanted.name.clone(), password })
}

/// A password in a Secret of ours whose row is gone.
fn found(desired: &Desired, secret: Option<&crate::stores::secrets::SecretView>) -> Option<SecretString> {
    secret.filter(|secret| desired.owns(secret))?.content.get(key::PASSWORD).cloned()
}
