//! The trait of the resources themselves: finalizers, status, events.

use std::sync::Arc;

use async_trait::async_trait;
use tenantry_crds::{Organization, OrganizationStatus};

use crate::trouble::Trouble;

/// Something that a person should know of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whether it is a warning.
    pub warning: bool,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
}

impl Note {
    /// Something that went as it should.
    pub fn normal(reason: &str, message: impl Into<String>) -> Self {
        Self { warning: false, reason: reason.to_owned(), message: message.into() }
    }

    /// Something that somebody should look at.
    pub fn warning(reason: &str, message: impl Into<String>) -> Self {
        Self { warning: true, reason: reason.to_owned(), message: message.into() }
    }
}

/// The Organizations of a cluster.
#[async_trait]
pub trait Manifests: Send + Sync {
    /// Adds or removes our finalizer on exactly this version of it; the version that follows.
    async fn set_finalizer(
        &self,
        organization: &Organization,
        present: bool,
    ) -> Result<Arc<Organization>, Trouble>;
    /// Writes the status.
    async fn report(&self, organization: &Organization, status: &OrganizationStatus) -> Result<(), Trouble>;
    /// Publishes an event, unless another operator leads by now.
    async fn note(&self, organization: &Organization, note: Note);
}
