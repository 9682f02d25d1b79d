//! The trait of the resources themselves: finalizers, status, events.

use std::sync::Arc;

use async_trait::async_trait;

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
