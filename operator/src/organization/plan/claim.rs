//! The manifest owns no rows yet: whether the slug may be its, and with which keys.

use super::keys::{self, Keys};
use super::{Plan, Step};
use crate::organization::desired::Desired;
use crate::organization::observed::Observed;
use crate::stores::rows::{Adoption, Provision, SlugState};
use crate::trouble::Trouble;

pub(super) fn plan(desired: &Desired, observed: &Observed, slug: &SlugState, plan: &mut Plan) {
    if let Some(conflict) = conflict(desired, slug) {
        plan.database = Some(conflict);
        return;
    }
    match keys::lost(desired, observed) {
        Keys::Wait(store, trouble) => keys::wait(plan, store, trouble),
        Keys::First(step) => plan.add(step),
        Keys::These(data_keys) => {
            plan.add(Step::Provision(Box::new(Provision { data_keys, ..provision(desired) })));
        }
    }
}

/// What the manifest asks of its rows, without keys or an administrator.
pub(super) fn provision(desired: &Desired) -> Provision {
    Provision {
        place: desired.place.clone(),
        uid: desired.uid.clone(),
        slug: desired.slug.clone(),
        name: desired.name.clone(),
        max_users: desired.max_users,
        settings: desired.settings.clone(),
        suspended: desired.suspended,
        policy: desired.policy,
        adoption: desired.adoption,
        admin: None,
        data_keys: Vec::new(),
        rotate: desired.rotate.clone(),
    }
}

/// Why the slug is not to be had. Nothing is written then, not even the finalizer.
fn conflict(desired: &Desired, slug: &SlugState) -> Option<Trouble> {
    let wanted = &desired.slug;
    let (reason, message) = match (slug, desired.adoption) {
        (SlugState::Owned(other), _) if *other != desired.place => {
            let elsewhere = if other.cluster == desired.place.cluster {
                String::new()
            } else {
                format!(" of the cluster {}", other.cluster)
            };
            let message = format!(
                "the slug {wanted:?} belongs to the Organization {}/{}{elsewhere}: choose another slug, or delete that one first",
                other.namespace, other.name
            );
            ("SlugTaken", message)
        }
        (SlugState::Unowned { id, registered: true }, adoption) if adoption != Adoption::AdoptId(*id) => {
            let message = format!(
                "an organization with the slug {wanted:?} registered itself (id {id}): to take it over with the \
                 administrators it has, set adoptionPolicy: Adopt and adoptId: {id}; otherwise choose another slug"
            );
            ("SlugRegistered", message)
        }
        (SlugState::Unowned { id, registered: false }, Adoption::Fail) => {
            let message = format!(
                "an organization with the slug {wanted:?} exists (id {id}) and no manifest owns it: \
                 to take it over, set adoptionPolicy: Adopt; otherwise choose another slug"
            );
            ("SlugUnowned", message)
        }
        (SlugState::Unowned { id, .. }, Adoption::AdoptId(other)) if other != *id => (
            "AdoptIdWrong",
            format!("adoptId is {other}, and the organization with the slug {wanted:?} has the id {id}"),
        ),
        (SlugState::Deleted { id }, _) => {
            let message = format!(
                "the slug {wanted:?} belonged to an organization that was deleted (id {id}) and whose rows are still \
                 referred to: choose another slug, or remove those rows"
            );
            ("SlugDeleted", message)
        }
        _ => return None,
    };
    Some(Trouble::standing(reason, message))
}
