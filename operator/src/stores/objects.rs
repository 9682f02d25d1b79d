//! The trait of what stands in a cluster besides resources of ours and Secrets: Deployments, Services and the like, as JSON.

use async_trait::async_trait;
use serde_json::Value;

use crate::trouble::Trouble;

/// A kind of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its group; empty: the core's.
    pub group: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its name.
    pub kind: &'static str,
    /// How the API server has many.
    pub plural: &'static str,
}

impl Kind {
    const fn new(group: &'static str, kind: &'static str, plural: &'static str) -> Self {
        Self { group, version: "v1", kind, plural }
    }

    /// Texts by key.
    pub const CONFIG_MAP: Self = Self::new("", "ConfigMap", "configmaps");
    /// Who pods are.
    pub const SERVICE_ACCOUNT: Self = Self::new("", "ServiceAccount", "serviceaccounts");
    /// How pods are reached.
    pub const SERVICE: Self = Self::new("", "Service", "services");
    /// Pods that are replaced one by one.
    pub const DEPLOYMENT: Self = Self::new("apps", "Deployment", "deployments");
    /// How many pods may be taken away at a time.
    pub const DISRUPTION_BUDGET: Self = Self::new("policy", "PodDisruptionBudget", "poddisruptionbudgets");
    /// Who reaches pods.
    pub const NETWORK_POLICY: Self = Self::new("networking.k8s.io", "NetworkPolicy", "networkpolicies");
    /// What may be done in a namespace.
    pub const ROLE: Self = Self::new("rbac.authorization.k8s.io", "Role", "roles");
    /// Who may do it.
    pub const ROLE_BINDING: Self = Self::new("rbac.authorization.k8s.io", "RoleBinding", "rolebindings");
    /// Who may do what no namespace holds.
    pub const CLUSTER_ROLE_BINDING: Self =
        Self::new("rbac.authorization.k8s.io", "ClusterRoleBinding", "clusterrolebindings");

    /// As `apiVersion` has it.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; empty: it has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let slash = if self.namespace.is_empty() { "" } else { "/" };
        write!(f, "the {} {}{slash}{}", self.kind.kind, self.namespace, self.name)
    }
}

/// Objects of a cluster.
#[async_trait]
pub trait Objects: Send + Sync {
    /// What stands there.
    async fn observe(&self, at: &At) -> Result<Option<Value>, Trouble>;
    /// Makes it; refused where one stands by now that somebody else wrote. What stands there then.
    async fn create(&self, at: &At, wanted: &Value) -> Result<Value, Trouble>;
    /// Has what is wanted stand in exactly the object that was seen, whoever else wrote it, and leaves what others added. What stands
    /// there then.
    async fn apply(&self, at: &At, wanted: &Value, seen: &Value) -> Result<Value, Trouble>;
    /// Writes these fields over those of exactly the version that was seen, and no others.
    async fn merge(&self, at: &At, fields: &Value, seen: &Value) -> Result<(), Trouble>;
    /// Deletes exactly this one; what is gone already is no error.
    async fn delete(&self, at: &At, seen: &Value) -> Result<(), Trouble>;
}
