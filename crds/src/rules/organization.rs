//! The rules of an Organization.

use super::{Rule, Ruled, raw};
use crate::organization::AdoptionPolicy;
use crate::{Organization, forms};

/// Longest name: `tenantry-org-<name>` still is one DNS label.
const LONGEST_NAME: usize = 50;

type Of = Rule<Organization>;

impl Ruled for Organization {
    fn rules() -> Vec<Rule<Self>> {
        let slug = |of: &str| format!("(has({of}.spec.slug) ? {of}.spec.slug : {of}.metadata.name)");
        vec![
            Of::holds(
                ("", "metadata.name"),
                format!(
                    "size(self.metadata.name) <= {LONGEST_NAME} && self.metadata.name.matches({})",
                    raw(forms::LABEL_NAME)
                ),
                format!(
                    "is no short DNS label: write at most {LONGEST_NAME} lower-case letters, digits or hyphens, beginning and ending with a letter or digit"
                ),
                |organization| super::is_label(organization.name(), LONGEST_NAME),
            ),
            Of::holds(
                ("", "spec.slug"),
                format!("has(self.spec.slug) || self.metadata.name.matches({})", raw(forms::SLUG)),
                "is missing, and metadata.name cannot stand for it: write lower-case letters and digits, words joined by single hyphens, such as mini-corp",
                |organization| {
                    organization.spec.slug.is_some() || super::matches(forms::SLUG, organization.name())
                },
            ),
            Of::change(
                ("", "spec.slug"),
                format!("{} == {}", slug("self"), slug("oldSelf")),
                "cannot be changed (left out, it is metadata.name): write the old one again, or make another Organization",
                |old, new| old.slug() == new.slug(),
            ),
            Of::change(
                ("spec", "backendRef"),
                "!has(oldSelf.backendRef) || (has(self.backendRef) && self.backendRef == oldSelf.backendRef)",
                "cannot be changed, because an organization cannot move to another Backend: write the old one again, or make another Organization",
                |old, new| old.spec.backend_ref.is_none() || old.spec.backend_ref == new.spec.backend_ref,
            ),
            Of::holds(
                ("spec", "adoptId"),
                "!has(self.adoptId) || self.adoptionPolicy == 'Adopt'",
                "needs adoptionPolicy: Adopt: write that, or leave adoptId out",
                |organization| {
                    organization.spec.adopt_id.is_none()
                        || organization.spec.adoption_policy == AdoptionPolicy::Adopt
                },
            ),
        ]
    }
}
