//! The real database of a Backend, through `provision`.

use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use tenantry_directory::{OrganizationId, Role};
use tenantry_rules::email::Email;
use tenantry_rules::holds::Hold;
use tenantry_rules::names::FullName;
use tenantry_rules::password::{self, PasswordPolicy};
use tenantry_rules::random::SystemRandom;
use tenantry_rules::slug::Slug;
use tenantry_store::ownership::{DeletionPolicy, Owner};
use tenantry_store::provision::{self, FirstKey, FoundError, OwnedRow, ProvisionError, ProvisionPlan};
use tenantry_store::{Store, StoreError};

use super::rows::{
    Adoption, NewAdmin, Password, Place, Policy, Provision, Provisioned, Purged, Row, Rows, RowsView,
    SlugState,
};
use crate::leader::Leadership;
use crate::trouble::Trouble;

/// A Backend's database, with what its manifest says of new organizations.
#[derive(Clone)]
pub struct Database {
    /// Fenced by the number of whoever leads.
    pub store: Store,
    /// Asked before every write.
    pub leadership: Leadership,
    /// The role of a first administrator: the Backend's last one.
    pub admin_role: Role,
    /// What a password must be.
    pub passwords: PasswordPolicy,
    /// How a first signing key is made.
    pub first_key: FirstKey,
}

/// What a failure of the store means.
pub(crate) fn trouble(error: &StoreError) -> Trouble {
    match error {
        StoreError::Fenced { .. } => Trouble::passing("LeaseLost", error.to_string()),
        StoreError::Corrupt { .. } | StoreError::AmbiguousEmail | StoreError::Sealing(_) => {
            Trouble::standing("DatabaseContent", tenantry_store::with_causes(error))
        }
        _ if error.lacks_rights() => {
            let said = tenantry_store::with_causes(error);
            let message = format!(
                "the user of the database URL may not do what is needed: {said}; docs/database.md lists its rights"
            );
            Trouble::standing("DatabaseUnusable", message)
        }
        _ => Trouble::passing("DatabaseUnavailable", tenantry_store::with_causes(error)),
    }
}

/// Longer than the database lets a statement take: what is not there by then never comes.
const ANSWERS_WITHIN: Duration = Duration::from_secs(45);

/// A call of the database that ends, even where the network loses everything.
pub(crate) async fn in_time<T>(call: impl Future<Output = Result<T, Trouble>> + Send) -> Result<T, Trouble> {
    tokio::time::timeout(ANSWERS_WITHIN, call).await.unwrap_or_else(|_| {
        let message = "the database did not answer within 45 s: check it and the network to it";
        Err(Trouble::passing("DatabaseUnavailable", message))
    })
}

fn refused(error: ProvisionError) -> Trouble {
    let message = error.to_string();
    let reason = match error {
        ProvisionError::SlugOwned { .. } => "SlugTaken",
        ProvisionError::SlugUnowned { .. } => "SlugUnowned",
        ProvisionError::SlugRegistered { .. } => "SlugRegistered",
        ProvisionError::SlugDeleted { .. } => "SlugDeleted",
        ProvisionError::SlugChanged { .. } => "SlugChanged",
        ProvisionError::AdminEmailTaken { .. } => "AdminEmailTaken",
        ProvisionError::DataKeyForm => "DataKeyForm",
        ProvisionError::NoRoomForAdmin => "NoRoomForAdmin",
        ProvisionError::Found(FoundError::Store(error)) => return trouble(&error),
        ProvisionError::Found(_) => return Trouble::passing("NoRandomness", message),
    };
    Trouble::standing(reason, message)
}

fn owner(place: &Place, uid: &str) -> Owner {
    let Place { cluster, namespace, name } = place.clone();
    Owner { cluster, namespace, name, uid: uid.to_owned() }
}

fn place(owner: Owner) -> Place {
    Place { cluster: owner.cluster, namespace: owner.namespace, name: owner.name }
}

fn slug(text: &str) -> Result<Slug, Trouble> {
    Slug::parse(text).map_err(|error| Trouble::standing("SlugForm", format!("spec.slug: {error}")))
}

fn row(owned: OwnedRow) -> Row {
    let OwnedRow { organization, ownership, holds, buried, data_keys, has_signing_key, admin_password } =
        owned;
    Row {
        id: organization.id.0,
        slug: organization.slug,
        name: organization.name,
        max_users: organization.max_users,
        settings: organization.settings.as_object().cloned().unwrap_or_default(),
        uid: ownership.owner.uid,
        policy: match ownership.deletion_policy {
            DeletionPolicy::Retain => Policy::Retain,
            DeletionPolicy::Delete => Policy::Delete,
        },
        suspended: holds.contains(Hold::Manifest),
        retained: holds.contains(Hold::Retained),
        buried,
        admin_made: ownership.bootstrap_admin_at.is_some(),
        generated_admin: admin_password,
        data_keys: data_keys.into_iter().map(|key| key.value).collect(),
        has_signing_key,
        rotate_seen: ownership.rotate_seen,
    }
}

/// A first administrator, checked and hashed.
struct Hashed {
    email: Email,
    name: FullName,
    hash: SecretString,
    shown: Option<SecretString>,
}

impl Database {
    async fn hash(&self, admin: &NewAdmin, organization: &str) -> Result<Hashed, Trouble> {
        let email = Email::parse(&admin.email)
            .map_err(|error| Trouble::standing("AdminEmail", format!("spec.admin.email: {error}")))?;
        let name = FullName::parse(&admin.name)
            .map_err(|error| Trouble::standing("AdminName", format!("spec.admin.name: {error}")))?;
        let (password, generated) = match &admin.password {
            Password::Given(password) => (trimmed(password), false),
            Password::Found(password) => (password.clone(), true),
            Password::Generated => {
                let made = password::generate(&SystemRandom);
                (made.map_err(|error| Trouble::passing("NoRandomness", error.to_string()))?, true)
            }
        };
        let shown = generated.then(|| password.clone());
        let words = [admin.email.clone(), admin.name.clone(), organization.to_owned()];
        let policy = self.passwords;
        let hash = tokio::task::spawn_blocking(move || {
            if generated {
                return password::hash_generated(&password, &SystemRandom).map_err(|error| error.to_string());
            }
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            policy
                .check(&password, &words)
                .map_err(|weak| format!("spec.admin.passwordSecretRef: {weak}"))?;
            password::hash(&password, &SystemRandom).map_err(|error| error.to_string())
        });
        let hash = hash.await.map_err(|_| Trouble::passing("Interrupted", "hashing was interrupted"))?;
        let hash = hash.map_err(|message| Trouble::standing("WeakPassword", message))?;
        Ok(Hashed { email, name, hash: hash.into(), shown })
    }
}

/// Editors and `kubectl create secret --from-file` leave a line's end behind.
fn trimmed(password: &SecretString) -> SecretString {
    use secrecy::ExposeSecret as _;
    password.expose_secret().trim_end_matches(['\r', '\n']).into()
}

#[async_trait]
impl Rows for Database {
    async fn observe(&self, place: &Place, wanted: &str) -> Result<RowsView, Trouble> {
        let wanted = slug(wanted)?;
        let owner = owner(place, "");
        let seen = in_time(async {
            provision::observe(&self.store, &owner, &wanted).await.map_err(|error| trouble(&error))
        });
        let seen = seen.await?;
        Ok(RowsView {
            mine: seen.owned.map(row),
            slug: match seen.slug {
                provision::SlugState::Free => SlugState::Free,
                provision::SlugState::Owned { owner, .. } => SlugState::Owned(self::place(owner)),
                provision::SlugState::Unowned { id, registered } => {
                    SlugState::Unowned { id: id.0, registered }
                }
                provision::SlugState::Deleted { id } => SlugState::Deleted { id: id.0 },
            },
        })
    }

    async fn provision(&self, wanted: &Provision) -> Result<Provisioned, Trouble> {
        self.leadership.check()?;
        let slug = slug(&wanted.slug)?;
        let hashed = match &wanted.admin {
            Some(admin) => Some(self.hash(admin, &wanted.name).await?),
            None => None,
        };
        let plan = ProvisionPlan {
            owner: &owner(&wanted.place, &wanted.uid),
            slug: &slug,
            name: &wanted.name,
            max_users: Some(wanted.max_users),
            settings: &wanted.settings,
            suspended: wanted.suspended,
            deletion_policy: match wanted.policy {
                Policy::Retain => DeletionPolicy::Retain,
                Policy::Delete => DeletionPolicy::Delete,
            },
            adoption: match wanted.adoption {
                Adoption::Fail => provision::Adoption::Fail,
                Adoption::Adopt => provision::Adoption::Adopt,
                Adoption::AdoptId(id) => provision::Adoption::AdoptId(OrganizationId(id)),
            },
            admin: hashed.as_ref().map(|hashed| provision::Admin {
                email: &hashed.email,
                full_name: hashed.name.as_str(),
                role: &self.admin_role,
                hashed_password: &hashed.hash,
                email_verified: true,
                shown_password: hashed.shown.as_ref(),
            }),
            first_key: self.first_key,
            data_keys: &wanted.data_keys,
            rotate: wanted.rotate.as_deref(),
        };
        let made =
            in_time(async { provision::apply(&self.store, &SystemRandom, &plan).await.map_err(refused) });
        let made = made.await?;
        Ok(Provisioned { id: made.organization_id.0, created: made.created, rotated: made.rotated })
    }

    async fn retain(&self, place: &Place) -> Result<(), Trouble> {
        self.leadership.check()?;
        let owner = owner(place, "");
        in_time(async {
            provision::retain(&self.store, &owner).await.map(drop).map_err(|error| trouble(&error))
        })
        .await
    }

    async fn bury(&self, place: &Place) -> Result<(), Trouble> {
        self.leadership.check()?;
        let owner = owner(place, "");
        in_time(async {
            provision::bury(&self.store, &owner).await.map(drop).map_err(|error| trouble(&error))
        })
        .await
    }

    async fn purge(&self, place: &Place) -> Result<Purged, Trouble> {
        self.leadership.check()?;
        let owner = owner(place, "");
        let purged =
            in_time(async { provision::purge(&self.store, &owner).await.map_err(|error| trouble(&error)) });
        match purged.await? {
            provision::Purged::Done => Ok(Purged::Done),
            provision::Purged::Blocked(references) => {
                Ok(Purged::Blocked(references.iter().map(ToString::to_string).collect()))
            }
        }
    }

    async fn release(&self, place: &Place) -> Result<(), Trouble> {
        self.leadership.check()?;
        let owner = owner(place, "");
        in_time(async {
            provision::release(&self.store, &owner).await.map(drop).map_err(|error| trouble(&error))
        })
        .await
    }

    async fn owned(&self, cluster: &str) -> Result<Vec<Place>, Trouble> {
        let owned = in_time(async {
            provision::owned_by_cluster(&self.store, cluster).await.map_err(|error| trouble(&error))
        });
        let owned = owned.await?;
        Ok(owned.into_iter().map(place).collect())
    }
}
