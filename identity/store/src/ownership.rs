//! Which manifest a row belongs to: cluster, namespace and name say who may touch it.

use tenantry_directory::{OrganizationId, Timestamp};
use tenantry_rules::holds::Hold;

use crate::sql::Row;
use crate::{StoreError, Tx};

/// A manifest, as an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// UID of kube-system, or what stands for it where there is no cluster.
    pub cluster: String,
    /// The manifest's namespace.
    pub namespace: String,
    /// The manifest's name.
    pub name: String,
    /// The manifest's UID: changes when it is re-created; the rest does not.
    pub uid: String,
}

impl Owner {
    /// `<cluster>/<namespace>/<name>`: how an audit event names it.
    pub fn path(&self) -> String {
        format!("{}/{}/{}", self.cluster, self.namespace, self.name)
    }

    /// Whether `other` is the same manifest, or one that took its place.
    pub fn is_same_place(&self, other: &Self) -> bool {
        (&self.cluster, &self.namespace, &self.name) == (&other.cluster, &other.namespace, &other.name)
    }
}

/// What becomes of an organization whose manifest is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// It is closed and kept.
    #[default]
    Retain,
    /// Its credentials are revoked for good; its row stays as a tombstone.
    Delete,
}

impl DeletionPolicy {
    fn as_str(self) -> &'static str {
        match self {
            Self::Retain => "Retain",
            Self::Delete => "Delete",
        }
    }
}

/// What is recorded of an owned organization.
#[derive(Clone, Debug)]
pub struct Ownership {
    /// Which organization.
    pub organization_id: OrganizationId,
    /// Whose it is.
    pub owner: Owner,
    /// What the manifest last said of its end.
    pub deletion_policy: DeletionPolicy,
    /// When its first admin was made: once, even if that user is deleted later.
    pub bootstrap_admin_at: Option<Timestamp>,
    /// The manifest's last request for new keys that was followed.
    pub rotate_seen: Option<String>,
}

/// What [`read`] reads, of a table called `w`.
macro_rules! columns {
    () => {
        "w.organization_id, w.cluster, w.namespace, w.name AS manifest, w.uid, w.deletion_policy, w.bootstrap_admin_at, \
         w.rotate_seen"
    };
}
pub(crate) use columns;

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM tenantry.ownership w ", $rest)
    };
}

pub(crate) fn read(row: &Row) -> Result<Ownership, StoreError> {
    Ok(Ownership {
        organization_id: row.organization("organization_id")?,
        owner: Owner {
            cluster: row.text("cluster")?,
            namespace: row.text("namespace")?,
            name: row.text("manifest")?,
            uid: row.text("uid")?,
        },
        deletion_policy: match row.text("deletion_policy")?.as_str() {
            "Delete" => DeletionPolicy::Delete,
            _ => DeletionPolicy::Retain,
        },
        bootstrap_admin_at: row.opt_at("bootstrap_admin_at")?,
        rotate_seen: row.opt_text("rotate_seen")?,
    })
}

/// Who owns this organization, if anybody.
pub async fn of(tx: &mut Tx, id: OrganizationId) -> Result<Option<Ownership>, StoreError> {
    tx.maybe(select!("WHERE organization_id = $1"), &[id.into()]).await?.as_ref().map(read).transpose()
}

/// What the manifest at this place owns.
pub async fn at(tx: &mut Tx, owner: &Owner) -> Result<Option<Ownership>, StoreError> {
    let values = [(&owner.cluster).into(), (&owner.namespace).into(), (&owner.name).into()];
    let sql = select!("WHERE cluster = $1 AND namespace = $2 AND name = $3");
    tx.maybe(sql, &values).await?.as_ref().map(read).transpose()
}

/// Everything that manifests of this cluster own.
pub async fn list(tx: &mut Tx, cluster: &str) -> Result<Vec<Ownership>, StoreError> {
    let sql = select!("WHERE cluster = $1 ORDER BY namespace, name");
    tx.all(sql, &[cluster.into()]).await?.iter().map(read).collect()
}

/// What manifests of this cluster own and neither keep after them nor have deleted with them.
pub(crate) async fn list_living(tx: &mut Tx, cluster: &str) -> Result<Vec<Ownership>, StoreError> {
    let sql = select!(
        "WHERE w.cluster = $1 \
         AND EXISTS (SELECT 1 FROM organizations o WHERE o.id = w.organization_id) \
         AND NOT EXISTS (SELECT 1 FROM tenantry.tombstones t WHERE t.organization_id = w.organization_id) \
         AND NOT EXISTS (SELECT 1 FROM tenantry.holds h WHERE h.organization_id = w.organization_id AND h.kind = $2) \
         ORDER BY w.namespace, w.name"
    );
    tx.all(sql, &[cluster.into(), Hold::Retained.name().into()]).await?.iter().map(read).collect()
}

pub(crate) async fn claim(
    tx: &mut Tx,
    id: OrganizationId,
    owner: &Owner,
    policy: DeletionPolicy,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO tenantry.ownership \
          (organization_id, cluster, namespace, name, uid, deletion_policy, claimed_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = [
        id.into(),
        (&owner.cluster).into(),
        (&owner.namespace).into(),
        (&owner.name).into(),
        (&owner.uid).into(),
        policy.as_str().into(),
        tx.now.into(),
    ];
    tx.run(sql, &values).await.map(drop)
}

/// Follows a re-created manifest's UID and its deletion policy; what is unchanged is not written.
pub(crate) async fn follow(
    tx: &mut Tx,
    id: OrganizationId,
    uid: &str,
    policy: DeletionPolicy,
) -> Result<bool, StoreError> {
    let sql = "UPDATE tenantry.ownership SET uid = $2, deletion_policy = $3 \
        WHERE organization_id = $1 AND (uid <> $2 OR deletion_policy <> $3)";
    Ok(tx.run(sql, &[id.into(), uid.into(), policy.as_str().into()]).await? > 0)
}

/// Whether this call is the one that may make the first admin.
pub(crate) async fn take_bootstrap(tx: &mut Tx, id: OrganizationId) -> Result<bool, StoreError> {
    let sql = "UPDATE tenantry.ownership SET bootstrap_admin_at = $2 \
        WHERE organization_id = $1 AND bootstrap_admin_at IS NULL";
    Ok(tx.run(sql, &[id.into(), tx.now.into()]).await? > 0)
}

/// Notes a manifest's request for new keys as followed.
pub(crate) async fn see_rotate(tx: &mut Tx, id: OrganizationId, rotate: &str) -> Result<(), StoreError> {
    let sql = "UPDATE tenantry.ownership SET rotate_seen = $2 WHERE organization_id = $1";
    tx.run(sql, &[id.into(), rotate.into()]).await.map(drop)
}

pub(crate) async fn release(tx: &mut Tx, id: OrganizationId) -> Result<(), StoreError> {
    tx.run("DELETE FROM tenantry.ownership WHERE organization_id = $1", &[id.into()]).await.map(drop)
}
