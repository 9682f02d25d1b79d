//! What a manifest asks for, with the Backend that it belongs to resolved.

use secrecy::SecretString;
use serde_json::{Map, Value};
use tenantry_crds::Organization;
use tenantry_crds::backend::{Aws, SecretRef};
use tenantry_crds::organization::{AdoptionPolicy, DeletionPolicy};

use crate::marks;
use crate::names::{self, annotation};
use crate::stores::rows::{Adoption, Place, Policy};
use crate::stores::vault::Tags;

/// What a manifest asks for.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is an independent fact of the manifest")]
pub struct Desired {
    /// Where the manifest stands.
    pub place: Place,
    /// Its UID.
    pub uid: String,
    /// Whether it bears our finalizer.
    pub has_finalizer: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whether its whole namespace is: nothing can be made there.
    pub namespace_ends: bool,
    /// Whether nothing is to be written.
    pub paused: bool,
    /// Whether its deletion is to end although a store cannot be cleaned.
    pub abandoned: bool,
    /// The annotation that asks for new keys.
    pub rotate: Option<String>,
    /// The slug.
    pub slug: String,
    /// The name.
    pub name: String,
    /// The most users.
    pub max_users: u32,
    /// The settings that are the manifest's.
    pub settings: Map<String, Value>,
    /// Whether it is to be closed.
    pub suspended: bool,
    /// What becomes of it with the manifest.
    pub policy: Policy,
    /// What is done with a row that nothing owns.
    pub adoption: Adoption,
    /// The first administrator.
    pub admin: Option<DesiredAdmin>,
    /// Its Backend, `namespace/name`.
    pub backend: String,
    /// Its entry in the vault, where the Backend has one.
    pub vault: Option<VaultPlace>,
}

/// A manifest's administrator.
#[derive(Clone, Debug)]
pub struct DesiredAdmin {
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// Where the password is; `None`: one is made.
    pub password: Option<SecretRef>,
}

/// Where an entry of the vault stands and how it is kept.
#[derive(Clone, Debug)]
pub struct VaultPlace {
    /// Its whole name.
    pub name: String,
    /// Its tags, ours among them.
    pub tags: Tags,
    /// The KMS key that encrypts it.
    pub kms_key_id: Option<String>,
    /// How long a deleted one can be restored.
    pub recovery_days: u32,
}

impl VaultPlace {
    /// The place of what belongs to a resource, `owner` being its kind and name.
    pub fn new(aws: &Aws, place: &Place, owner: &str, name: String) -> Self {
        let mut tags: Tags = aws.tags.clone();
        tags.extend([
            (names::tag::CLUSTER.to_owned(), place.cluster.clone()),
            (names::tag::NAMESPACE.to_owned(), place.namespace.clone()),
            (names::tag::OWNER.to_owned(), owner.to_owned()),
            (names::tag::STATE.to_owned(), names::tag::LIVE.to_owned()),
        ]);
        let kms_key_id = (!aws.kms_key_id.is_empty()).then(|| aws.kms_key_id.clone());
        Self { name, tags, kms_key_id, recovery_days: aws.recovery_window_days }
    }

    /// Whether tags say that an entry is this place's, whatever its state.
    pub fn owns(&self, tags: &Tags) -> bool {
        [names::tag::CLUSTER, names::tag::NAMESPACE, names::tag::OWNER]
            .iter()
            .all(|tag| tags.get(*tag).is_some() && tags.get(*tag) == self.tags.get(*tag))
    }

    /// Whether tags name no other owner.
    pub fn may_be(&self, tags: &Tags) -> bool {
        [names::tag::CLUSTER, names::tag::NAMESPACE, names::tag::OWNER]
            .iter()
            .all(|tag| tags.get(*tag).is_none_or(|value| Some(value) == self.tags.get(*tag)))
    }
}

impl Desired {
    /// Reads a manifest. `backend` is its Backend, `namespace/name`, `aws` where that keeps its entries of the vault.
    pub fn new(
        organization: &Organization,
        cluster: &str,
        backend: &str,
        aws: Option<&Aws>,
        namespace_ends: bool,
    ) -> Self {
        let spec = &organization.spec;
        let place = place(organization, cluster);
        let meta = &organization.metadata;
        let uid = meta.uid.clone().unwrap_or_default();
        let backend_name = backend.rsplit('/').next().unwrap_or(backend);
        let vault = aws.map(|aws| {
            let name = format!("{}/{backend_name}/{}", aws.prefix.trim_end_matches('/'), place.name);
            VaultPlace::new(aws, &place, &format!("Organization/{}", place.name), name)
        });
        Self {
            has_finalizer: marks::has_finalizer(meta),
            deleting: meta.deletion_timestamp.is_some(),
            namespace_ends,
            paused: marks::is_paused(meta),
            abandoned: marks::is_abandoned(meta),
            rotate: marks::annotation(meta, annotation::ROTATE).map(str::to_owned),
            slug: organization.slug().to_owned(),
            name: spec.display_name.clone(),
            max_users: spec.limits.users,
            settings: spec.settings.clone(),
            suspended: spec.suspended,
            policy: match spec.deletion_policy {
                DeletionPolicy::Retain => Policy::Retain,
                DeletionPolicy::Delete => Policy::Delete,
            },
            adoption: match (spec.adoption_policy, spec.adopt_id) {
                (AdoptionPolicy::Fail, _) => Adoption::Fail,
                (AdoptionPolicy::Adopt, None) => Adoption::Adopt,
                (AdoptionPolicy::Adopt, Some(id)) => Adoption::AdoptId(id),
            },
            admin: spec.admin.as_ref().map(|admin| DesiredAdmin {
                email: admin.email.clone(),
                name: admin.name.clone(),
                password: admin.password_secret_ref.clone(),
            }),
            place,
            uid,
            backend: backend.to_owned(),
            vault,
        }
    }

    /// The Secret with its keys.
    pub fn secret_name(&self) -> String {
        names::organization_secret(&self.place.name)
    }

    /// The Secret with its administrator's generated password.
    pub fn admin_secret_name(&self) -> String {
        names::admin_secret(&self.place.name)
    }
}

/// Where a manifest stands.
pub fn place(organization: &Organization, cluster: &str) -> Place {
    Place {
        cluster: cluster.to_owned(),
        namespace: organization.namespace().to_owned(),
        name: organization.name().to_owned(),
    }
}

/// A password that a manifest refers to.
#[derive(Clone, Debug)]
pub enum GivenPassword {
    /// The manifest refers to none, or none is needed any more.
    NotNeeded,
    /// This one.
    Found(SecretString),
    /// The Secret is not there, or has no such key.
    Missing,
}
