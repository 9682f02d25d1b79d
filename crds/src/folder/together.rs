//! What only all documents together show: one Backend, whose Organizations each are, slugs and addresses used once, Secrets
//! that are referred to and not there.

use std::collections::BTreeMap;

use super::Loaded;
use super::document::{Found, Place};
use crate::{Backend, Organization};

pub(super) fn settle(found: Found, loaded: &mut Loaded) {
    let backend = only_backend(found.backends, loaded);
    let mut taken = Taken::default();
    for (place, organization) in found.organizations {
        let before = loaded.problems.len();
        belongs(&place, &organization, backend.as_ref(), loaded);
        taken.judge(&place, &organization, loaded);
        has_password(&place, &organization, loaded);
        if loaded.problems.len() == before {
            loaded.organizations.push(organization);
        }
    }
    loaded.backend = backend;
}

fn only_backend(mut backends: Vec<(Place, Option<Backend>)>, loaded: &mut Loaded) -> Option<Backend> {
    if backends.len() > 1 {
        let names: Vec<_> = backends.iter().map(|(place, _)| place.resource.clone()).collect();
        for (place, _) in &backends[1..] {
            let sentence = format!(
                "one process serves one Backend, and the folder has {}: keep one",
                names.join(" and ")
            );
            loaded.problems.push(place.problem("", sentence));
        }
        return None;
    }
    backends.pop().and_then(|(_, backend)| backend)
}

/// An Organization names the folder's Backend, or none where it is in the same namespace.
fn belongs(place: &Place, organization: &Organization, backend: Option<&Backend>, loaded: &mut Loaded) {
    let assumed = Backend::assumed();
    let backend = match backend {
        Some(backend) => backend,
        // Its own refusal says enough.
        None if loaded.backend_refused => return,
        None => &assumed,
    };
    if let Some(reference) = &organization.spec.backend_ref {
        let namespace = reference.namespace.as_deref().unwrap_or(organization.namespace());
        if (reference.name.as_str(), namespace) != (backend.name(), backend.namespace()) {
            let sentence = format!(
                "names the Backend {namespace}/{}, and the folder has {}: write that one",
                reference.name,
                backend.audience()
            );
            loaded.problems.push(place.problem("spec.backendRef", sentence));
        }
    } else if organization.namespace() != backend.namespace() {
        let sentence = format!(
            "is missing, and the namespace {} has no Backend: name {}",
            organization.namespace(),
            backend.audience()
        );
        loaded.problems.push(place.problem("spec.backendRef", sentence));
    }
}

#[derive(Default)]
struct Taken {
    slugs: BTreeMap<String, String>,
    addresses: BTreeMap<String, String>,
}

impl Taken {
    fn judge(&mut self, place: &Place, organization: &Organization, loaded: &mut Loaded) {
        let mine = place.resource.clone();
        if let Some(other) = self.slugs.insert(organization.slug().to_owned(), mine.clone()) {
            let sentence = format!("{:?} is the slug of {other} too: choose another", organization.slug());
            loaded.problems.push(place.problem("spec.slug", sentence));
        }
        let Some(admin) = &organization.spec.admin else { return };
        if let Some(other) = self.addresses.insert(admin.email.to_ascii_lowercase(), mine) {
            let sentence = format!(
                "{:?} is the administrator of {other} too: a user belongs to one organization",
                admin.email
            );
            loaded.problems.push(place.problem("spec.admin.email", sentence));
        }
    }
}

/// A password that a manifest refers to must be there.
fn has_password(place: &Place, organization: &Organization, loaded: &mut Loaded) {
    let reference = organization.spec.admin.as_ref().and_then(|admin| admin.password_secret_ref.as_ref());
    let Some(reference) = reference else { return };
    let value = loaded.secrets.get(organization.namespace(), reference);
    if value.is_none_or(|value| value.text().is_none_or(str::is_empty)) {
        let sentence = format!(
            "the folder has no Secret {} with a text under {} in the namespace {}: add it, or leave the reference out to have one generated",
            reference.name,
            reference.key,
            organization.namespace()
        );
        loaded.problems.push(place.problem("spec.admin.passwordSecretRef", sentence));
    }
}
