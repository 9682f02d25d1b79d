//! An Organization, as the database needs it.

use serde_json::{Map, Value};
use tenantry_crds::Organization;
use tenantry_crds::backend::SecretRef;
use tenantry_crds::organization::{AdoptionPolicy, DeletionPolicy as Policy};
use tenantry_directory::OrganizationId;
use tenantry_rules::email::Email;
use tenantry_rules::names::FullName;
use tenantry_rules::slug::Slug;
use tenantry_store::ownership::{DeletionPolicy, Owner};
use tenantry_store::provision::Adoption;

use super::CLUSTER;

/// The annotation whose every new value asks for new keys.
const ROTATE: &str = "tenantry.io/rotate";

/// What a manifest wants, checked.
pub struct Wanted {
    /// The manifest.
    pub owner: Owner,
    /// Its slug.
    pub slug: Slug,
    /// What people call it.
    pub name: String,
    /// Most active users.
    pub max_users: u32,
    /// Settings that are the manifest's.
    pub settings: Map<String, Value>,
    /// Whether it is closed.
    pub suspended: bool,
    /// What becomes of it without its manifest.
    pub deletion_policy: DeletionPolicy,
    /// What to do with a row that nothing owns.
    pub adoption: Adoption,
    /// Its first administrator.
    pub admin: Option<FirstAdmin>,
    /// Its request for new keys.
    pub rotate: Option<String>,
}

/// An administrator to be made once.
pub struct FirstAdmin {
    /// The address to log in with.
    pub email: Email,
    /// Their name.
    pub name: FullName,
    /// Where the password is; `None`: generated.
    pub password: Option<SecretRef>,
}

impl Wanted {
    /// Takes a manifest over.
    pub fn new(organization: &Organization) -> Result<Self, String> {
        let spec = &organization.spec;
        let slug = Slug::parse(organization.slug()).map_err(|error| format!("spec.slug: {error}"))?;
        let admin = spec.admin.as_ref().map(|admin| {
            Ok::<_, String>(FirstAdmin {
                email: Email::parse(&admin.email).map_err(|error| format!("spec.admin.email: {error}"))?,
                name: FullName::parse(&admin.name).map_err(|error| format!("spec.admin.name: {error}"))?,
                password: admin.password_secret_ref.clone(),
            })
        });
        let (namespace, name) = (organization.namespace().to_owned(), organization.name().to_owned());
        Ok(Self {
            owner: Owner {
                cluster: CLUSTER.to_owned(),
                uid: organization
                    .metadata
                    .uid
                    .clone()
                    .unwrap_or_else(|| format!("{CLUSTER}/{namespace}/{name}")),
                namespace,
                name,
            },
            slug,
            name: spec.display_name.clone(),
            max_users: spec.limits.users,
            settings: spec.settings.clone(),
            suspended: spec.suspended,
            deletion_policy: match spec.deletion_policy {
                Policy::Retain => DeletionPolicy::Retain,
                Policy::Delete => DeletionPolicy::Delete,
            },
            adoption: match (spec.adoption_policy, spec.adopt_id) {
                (_, Some(id)) => Adoption::AdoptId(OrganizationId(id)),
                (AdoptionPolicy::Adopt, None) => Adoption::Adopt,
                (AdoptionPolicy::Fail, None) => Adoption::Fail,
            },
            admin: admin.transpose()?,
            rotate: organization.metadata.annotations.as_ref().and_then(|all| all.get(ROTATE)).cloned(),
        })
    }
}
