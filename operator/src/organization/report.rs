//! How an Organization stands, for people and for `kubectl wait`: its status and the events that go with a change of it.

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use tenantry_crds::{Organization, OrganizationStatus};

use super::desired::Desired;
use super::observed::Observed;
use super::plan::{Plan, deletion};
use crate::conditions::{self, Conditions};
use crate::stores::Store;
use crate::trouble::{Trouble, gravest};

/// The last look at an Organization.
pub struct Seen<'a> {
    /// What it asks for.
    pub desired: &'a Desired,
    /// What stands in every store.
    pub observed: &'a Observed,
    /// What stands in the way.
    pub plan: &'a Plan,
    /// Steps that failed.
    pub failed: &'a [(Store, Trouble)],
}

impl Seen<'_> {
    /// Everything that is wrong, the gravest cause first.
    pub fn troubles(&self) -> impl Iterator<Item = &Trouble> {
        self.failed.iter().map(|(_, trouble)| trouble).chain(self.plan.troubles())
    }

    fn of(&self, store: Store) -> Option<&Trouble> {
        let failed = self.failed.iter().find(|(failed, _)| *failed == store).map(|(_, trouble)| trouble);
        failed.or(match store {
            Store::Database => self.plan.database.as_ref(),
            Store::Secrets => self.plan.secrets.as_ref(),
            Store::Aws => self.plan.vault.as_ref(),
            Store::Manifests => None,
        })
    }
}

/// Whether the manifest, as it is, was once seen to be followed: what differs then is drift.
pub fn was_settled(organization: &Organization) -> bool {
    organization.status.as_ref().is_some_and(|status| {
        status.observed_generation == organization.metadata.generation
            && conditions::holds(&status.conditions, conditions::READY)
    })
}

/// The status.
pub fn status(organization: &Organization, seen: &Seen<'_>, now: DateTime<Utc>) -> OrganizationStatus {
    let old = organization.status.clone().unwrap_or_default();
    let row = seen.observed.rows.as_ref().ok().and_then(|rows| rows.mine.as_ref());
    let entry = seen.observed.vault.as_ref().ok().and_then(Option::as_ref);
    let deleting = seen.desired.deleting;
    OrganizationStatus {
        observed_generation: organization.metadata.generation,
        backend: row.map(|_| seen.desired.backend.clone()).or(old.backend.clone()),
        organization_id: row.map(|row| row.id).or(old.organization_id),
        slug: row.map(|row| row.slug.clone()).or(old.slug.clone()),
        secret_name: if deleting {
            old.secret_name
        } else {
            row.map(|_| seen.desired.secret_name()).or(old.secret_name)
        },
        aws_secret_arn: match &seen.desired.vault {
            Some(place) => entry
                .filter(|entry| place.owns(&entry.tags))
                .map(|entry| entry.arn.clone())
                .or(old.aws_secret_arn),
            None => None,
        },
        conditions: list(organization, seen, &old.conditions, row.is_some_and(|row| !row.buried), now),
        ..old
    }
}

fn list(
    organization: &Organization,
    seen: &Seen<'_>,
    old: &[Condition],
    provisioned: bool,
    now: DateTime<Utc>,
) -> Vec<Condition> {
    let mut conditions = Conditions::after(old, organization.metadata.generation, now);
    let paused = seen.plan.paused.filter(|waiting| *waiting > 0).map(|waiting| {
        Trouble::standing(
            "Paused",
            format!("tenantry.io/paused is set: {waiting} steps wait until it is removed"),
        )
    });
    match gravest(seen.troubles()).or(paused.as_ref()) {
        None if seen.desired.deleting => {
            conditions.set(conditions::READY, Some(false), "Deleting", "it is being deleted");
        }
        None => {
            let (reason, message) = if seen.desired.suspended {
                ("Suspended", "spec.suspended is set: every token of the organization is refused")
            } else {
                ("Provisioned", "everything is as the manifest says")
            };
            conditions.set(conditions::READY, Some(true), reason, message);
        }
        Some(trouble) => conditions.set_not_ready(trouble),
    }
    if !seen.desired.deleting {
        for (store, kind) in [
            (Store::Database, conditions::DATABASE),
            (Store::Secrets, conditions::SECRETS),
            (Store::Aws, conditions::AWS),
        ] {
            if store == Store::Aws && seen.desired.vault.is_none() {
                continue;
            }
            match seen.of(store) {
                Some(trouble) => conditions.set(kind, Some(false), trouble.reason, &trouble.message),
                None if provisioned => conditions.set(kind, Some(true), "Written", "as the manifest says"),
                None => conditions.set(
                    kind,
                    None,
                    "WaitsForDatabase",
                    "it follows from the rows, which are not made yet",
                ),
            }
        }
    }
    let drift = seen.plan.vault.as_ref().filter(|trouble| trouble.reason == "ChangedByOthers");
    if let Some(trouble) = drift.or(paused.as_ref()) {
        conditions.set(conditions::DRIFTED, Some(true), trouble.reason, &trouble.message);
    }
    if let Some(trouble) = seen.plan.deletion.clone().or_else(|| failed_deletion(seen)) {
        conditions.set(conditions::DELETION_BLOCKED, Some(true), trouble.reason, &trouble.message);
    }
    conditions.into_list()
}

/// A deletion in which a step failed, with the way out.
fn failed_deletion(seen: &Seen<'_>) -> Option<Trouble> {
    let (_, trouble) = seen.failed.first().filter(|_| seen.desired.deleting)?;
    Some(deletion::blocked(seen.desired, trouble))
}

/// How an Organization stands whose stores cannot be looked at, because there is no Backend to reach them by.
pub fn without_stores(
    organization: &Organization,
    desired: &Desired,
    trouble: &Trouble,
    now: DateTime<Utc>,
) -> OrganizationStatus {
    let mut plan = Plan::default();
    if desired.deleting {
        plan.deletion = Some(deletion::blocked(desired, trouble));
    } else {
        plan.database = Some(trouble.clone());
    }
    let unseen = || Err(trouble.clone());
    let observed = Observed {
        rows: Err(trouble.clone()),
        secret: unseen(),
        admin_secret: unseen(),
        password: Err(trouble.clone()),
        vault: Err(trouble.clone()),
    };
    status(organization, &Seen { desired, observed: &observed, plan: &plan, failed: &[] }, now)
}
