use secrecy::SecretString;
use tenantry_directory::{KeyAlgorithm, OrganizationId, Role};
use tenantry_rules::email::Email;
use tenantry_rules::key_life::KeyPolicy;
use tenantry_rules::slug::Slug;

use crate::ownership::{DeletionPolicy, Owner};

/// How an organization's first signing key is made, where it has none. It is active at once.
#[derive(Clone, Copy, Debug)]
pub struct FirstKey {
    /// What it signs with.
    pub algorithm: KeyAlgorithm,
    /// How long it lives.
    pub policy: KeyPolicy,
}

/// What a manifest wants.
pub struct ProvisionPlan<'a> {
    /// The manifest.
    pub owner: &'a Owner,
    /// Immutable, unique in the database.
    pub slug: &'a Slug,
    /// What people call it.
    pub name: &'a str,
    /// Most active users; `None`: any number.
    pub max_users: Option<u32>,
    /// Only these top-level keys are the manifest's to repair.
    pub settings: &'a serde_json::Map<String, serde_json::Value>,
    /// Whether the manifest keeps it closed.
    pub suspended: bool,
    /// What becomes of it when the manifest is gone.
    pub deletion_policy: DeletionPolicy,
    /// What to do with a row of this slug that nothing owns.
    pub adoption: Adoption,
    /// Its first administrator, made once. `None` where [`super::needs_admin`] says that there was one.
    pub admin: Option<Admin<'a>>,
    /// How its first signing key is made.
    pub first_key: FirstKey,
    /// Data keys that a projection shows, the newest first: those that the rows lack are added, whatever came first stays.
    /// None, and none in the rows: one is generated.
    pub data_keys: &'a [SecretString],
    /// The manifest's request for new keys, `tenantry.io/rotate`: another value than the last one makes a new data key
    /// and asks the authority for the next signing key. What stands there when the manifest first comes counts as seen.
    pub rotate: Option<&'a str>,
}

/// What to do with a row of the plan's slug that nothing owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Adoption {
    /// Refuse.
    #[default]
    Fail,
    /// Take it over, unless it registered itself.
    Adopt,
    /// Take it over if it is this one, registered or not.
    AdoptId(OrganizationId),
}

/// The first administrator.
#[derive(Clone, Copy)]
pub struct Admin<'a> {
    /// Unique in the database.
    pub email: &'a Email,
    /// What people call them.
    pub full_name: &'a str,
    /// The Backend's last role.
    pub role: &'a Role,
    /// The hash of their password.
    pub hashed_password: &'a SecretString,
    /// A manifest's admin counts as verified; who registers does not.
    pub email_verified: bool,
    /// The password itself, where it was generated and is to be shown in a Secret: it is kept, sealed.
    pub shown_password: Option<&'a SecretString>,
}

/// What came of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioned {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Whether its row was made now.
    pub created: bool,
    /// Whether anything at all was written.
    pub changed: bool,
    /// What came of the administrator.
    pub admin: AdminOutcome,
    /// Whether keys were changed as the manifest asked.
    pub rotated: bool,
}

/// What came of the administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminOutcome {
    /// Made now.
    Created,
    /// Made earlier, by this manifest; perhaps deleted since, and then not made again.
    MadeBefore,
    /// A member of the adopted organization has the address already and is left as it is.
    Existing,
    /// The plan has none.
    None,
}
