//! The trait of the resources themselves: finalizers, status, events.

use std::sync::Arc;

use async_trait::async_trait;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::conditions;
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

/// Resources of one kind, `R`, whose status is an `S`.
#[async_trait]
pub trait Manifests<R, S>: Send + Sync {
    /// Adds or removes our finalizer on exactly this version of it; the version that follows.
    async fn set_finalizer(&self, resource: &R, present: bool) -> Result<Arc<R>, Trouble>;
    /// Writes the status; what is gone has none.
    async fn report(&self, resource: &R, status: &S) -> Result<(), Trouble>;
    /// Publishes an event, unless another operator leads by now.
    async fn note(&self, resource: &R, note: Note);
}

/// What a deletion that was abandoned leaves.
pub(crate) const ABANDONED: &str = "the deletion was ended as tenantry.io/abandon says; what stands in the stores stays there, and \
    rows that can be reached are closed";

/// Writes a status that says something new, and tells what is worth telling of it.
pub(crate) async fn say<R, S: PartialEq>(
    manifests: &dyn Manifests<R, S>,
    resource: &R,
    old: Option<&S>,
    new: &S,
    of: fn(&S) -> &Vec<Condition>,
) -> Result<(), Trouble> {
    if old == Some(new) {
        return Ok(());
    }
    manifests.report(resource, new).await?;
    let before = old.map_or(&[][..], |old| of(old).as_slice());
    if let Some(note) = conditions::news(before, of(new)) {
        manifests.note(resource, note).await;
    }
    Ok(())
}
