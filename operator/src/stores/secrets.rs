//! The trait of Kubernetes Secrets.

use async_trait::async_trait;

use crate::content::Content;
use crate::trouble::Trouble;

/// A Secret that stands there.
#[derive(Clone, Debug, PartialEq)]
pub struct SecretView {
    /// Its UID.
    pub uid: String,
    /// Its version, for writing over exactly this one.
    pub version: String,
    /// Whose it says it is; `None`: not ours.
    pub owner: Option<SecretOwner>,
    /// What it holds.
    pub content: Content,
}

/// Whose a Secret is: a resource of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretOwner {
    /// An Organization's.
    Organization(String),
    /// A Backend's.
    Backend(String),
}

/// What a Secret is to be.
#[derive(Clone, Debug)]
pub struct SecretWanted {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: SecretOwner,
    /// What it holds.
    pub content: Content,
}

/// Secrets of a cluster.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// What stands there.
    async fn observe(&self, namespace: &str, name: &str) -> Result<Option<SecretView>, Trouble>;
    /// Makes it; refused where one stands. What stands there then.
    async fn create(&self, wanted: &SecretWanted) -> Result<SecretView, Trouble>;
    /// Writes over exactly this one; refused where it changed. What stands there then.
    async fn replace(&self, wanted: &SecretWanted, seen: &SecretView) -> Result<SecretView, Trouble>;
    /// Deletes exactly this one; what is gone already is no error.
    async fn delete(&self, namespace: &str, name: &str, seen: &SecretView) -> Result<(), Trouble>;
}
