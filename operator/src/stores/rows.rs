//! The trait of the database: what a manifest's rows are, and the transactions that change them.

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::trouble::Trouble;

/// Where a manifest stands: this, and not its UID, says what it owns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The cluster.
    pub cluster: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// What becomes of the rows with the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// They are closed and kept.
    Retain,
    /// Their credentials are revoked, and they go once nothing refers to them.
    Delete,
}

/// What is done with a row that nothing owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// It is a conflict.
    Fail,
    /// It is taken over, unless it registered itself.
    Adopt,
    /// The one with this id is, even then.
    AdoptId(i64),
}

/// A manifest's rows and who has the slug.
#[derive(Clone, Debug, PartialEq)]
pub struct RowsView {
    /// What the manifest owns.
    pub mine: Option<Row>,
    /// Who has the slug that it wants.
    pub slug: SlugState,
}

/// Who has a slug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlugState {
    /// Nobody.
    Free,
    /// The manifest at this place.
    Owned(Place),
    /// A row that nothing owns.
    Unowned {
        /// Its id.
        id: i64,
        /// Whether it registered itself.
        registered: bool,
    },
    /// A tombstone.
    Deleted {
        /// Its id.
        id: i64,
    },
}

/// An organization's rows, as far as a manifest says what they are.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is an independent fact of the rows")]
pub struct Row {
    /// The id.
    pub id: i64,
    /// The slug.
    pub slug: String,
    /// The name.
    pub name: String,
    /// The most users.
    pub max_users: Option<i64>,
    /// The application's settings.
    pub settings: Map<String, Value>,
    /// The UID of the manifest that last wrote it.
    pub uid: String,
    /// What becomes of it with the manifest.
    pub policy: Policy,
    /// Whether the manifest keeps it closed.
    pub suspended: bool,
    /// Whether it is kept after a manifest.
    pub retained: bool,
    /// Whether it is a tombstone.
    pub buried: bool,
    /// Whether its first administrator was made.
    pub admin_made: bool,
    /// The administrator's address and password, where that was generated.
    pub generated_admin: Option<(String, SecretString)>,
    /// Its data keys, the newest first.
    pub data_keys: Vec<SecretString>,
    /// Whether it ever had a signing key.
    pub has_signing_key: bool,
    /// The value of the annotation `tenantry.io/rotate` that was last followed.
    pub rotate_seen: Option<String>,
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        (self.id, &self.uid, self.data_keys.len()) == (other.id, &other.uid, other.data_keys.len())
    }
}

/// What a manifest's rows are to be.
#[derive(Clone, Debug)]
pub struct Provision {
    /// Whose.
    pub place: Place,
    /// The manifest's UID.
    pub uid: String,
    /// The slug.
    pub slug: String,
    /// The name.
    pub name: String,
    /// The most users.
    pub max_users: u32,
    /// The settings that are the manifest's to repair.
    pub settings: Map<String, Value>,
    /// Whether the manifest keeps it closed.
    pub suspended: bool,
    /// What becomes of it with the manifest.
    pub policy: Policy,
    /// What is done with a row that nothing owns.
    pub adoption: Adoption,
    /// The first administrator, where none was made.
    pub admin: Option<NewAdmin>,
    /// Data keys that stand in a projection, the newest first; those that the rows lack are added to them. None, and none in the
    /// rows: one is made.
    pub data_keys: Vec<SecretString>,
    /// The annotation `tenantry.io/rotate`.
    pub rotate: Option<String>,
}

/// A first administrator.
#[derive(Clone, Debug)]
pub struct NewAdmin {
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// The password.
    pub password: Password,
}

/// An administrator's first password.
#[derive(Clone, Debug)]
pub enum Password {
    /// The manifest's.
    Given(SecretString),
    /// One found in a projection whose row is gone.
    Found(SecretString),
    /// One that is to be made.
    Generated,
}

/// What came of [`Rows::provision`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provisioned {
    /// The id.
    pub id: i64,
    /// Whether the organization was made now.
    pub created: bool,
    /// Whether the keys were changed as asked for.
    pub rotated: bool,
}

/// What came of [`Rows::purge`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purged {
    /// The rows are gone.
    Done,
    /// Other rows refer to them: `events (12441 rows)`, ….
    Blocked(Vec<String>),
}

/// A Backend's database.
#[async_trait]
pub trait Rows: Send + Sync {
    /// What stands there for a manifest; reads only.
    async fn observe(&self, place: &Place, slug: &str) -> Result<RowsView, Trouble>;
    /// Makes the rows as they are to be, in one transaction.
    async fn provision(&self, wanted: &Provision) -> Result<Provisioned, Trouble>;
    /// Closes the organization and keeps it.
    async fn retain(&self, place: &Place) -> Result<(), Trouble>;
    /// Revokes every credential and leaves a tombstone that the manifest still owns.
    async fn bury(&self, place: &Place) -> Result<(), Trouble>;
    /// Removes what [`Rows::bury`] left, unless something refers to it.
    async fn purge(&self, place: &Place) -> Result<Purged, Trouble>;
    /// Where manifests of the cluster own rows that are neither retained nor buried.
    async fn owned(&self, cluster: &str) -> Result<Vec<Place>, Trouble>;
    /// Gives the rows up as they are.
    async fn release(&self, place: &Place) -> Result<(), Trouble>;
}
