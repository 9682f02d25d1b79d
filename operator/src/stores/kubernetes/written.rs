//! The Secrets that this process wrote, by the version that they have since: a watch need not tell it of its own writes. A watch may
//! be faster than the answer to a write, so that what is being written is waited for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::api::ObjectMeta;
use tokio::sync::Notify;

/// How long the answer to a write is waited for. What comes later counts as somebody else's: it is looked at once too often.
const PATIENCE: Duration = Duration::from_secs(2);

type Name = (String, String);

/// What this process wrote.
#[derive(Clone, Default)]
pub(super) struct Written(Arc<Shared>);

#[derive(Default)]
struct Shared {
    versions: Mutex<HashMap<Name, Version>>,
    answered: Notify,
}

#[derive(Clone, PartialEq, Eq)]
enum Version {
    /// The API server was asked and has not answered yet.
    Awaited,
    Is(String),
}

/// A write that is under way. Dropped without an answer, nothing is known of what stands there.
pub(super) struct Writing {
    name: Name,
    version: Option<String>,
    shared: Arc<Shared>,
}

impl Written {
    /// A write of this Secret begins.
    pub(super) fn begin(&self, namespace: &str, name: &str) -> Writing {
        let name = (namespace.to_owned(), name.to_owned());
        self.0.versions().insert(name.clone(), Version::Awaited);
        Writing { name, version: None, shared: Arc::clone(&self.0) }
    }

    /// This Secret is not there any more.
    pub(super) fn forget(&self, namespace: &str, name: &str) {
        self.0.versions().remove(&(namespace.to_owned(), name.to_owned()));
    }

    /// Whether a Secret stands as this process wrote it.
    pub(super) async fn is(&self, meta: &ObjectMeta) -> bool {
        let name = (meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default());
        let Some(seen) = &meta.resource_version else { return false };
        let answer = async {
            loop {
                let answered = self.0.answered.notified();
                tokio::pin!(answered);
                // Registered before it is looked at, so that no answer slips in between.
                answered.as_mut().enable();
                let version = self.0.versions().get(&name).cloned();
                match version {
                    Some(Version::Awaited) => answered.await,
                    Some(Version::Is(version)) => return version == *seen,
                    None => return false,
                }
            }
        };
        tokio::time::timeout(PATIENCE, answer).await.unwrap_or(false)
    }
}

impl Shared {
    fn versions(&self) -> MutexGuard<'_, HashMap<Name, Version>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing {
    /// The API server answered with what stands there now.
    pub(super) fn ended(mut self, meta: &ObjectMeta) {
        self.version.clone_from(&meta.resource_version);
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        match self.version.take() {
            Some(version) => self.shared.versions().insert(name, Version::Is(version)),
            None => self.shared.versions().remove(&name),
        };
        self.shared.answered.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn meta(version: &str) -> ObjectMeta {
        ObjectMeta {
            namespace: Some("a".into()),
            name: Some("one".into()),
            resource_version: Some(version.into()),
            ..ObjectMeta::default()
        }
    }

    #[tokio::test]
    async fn a_version_is_ours_from_the_answer_on_and_until_another_is_seen() {
        let written = Written::default();
        assert!(!written.is(&meta("1")).await);
        written.begin("a", "one").ended(&meta("1"));
        assert!(written.is(&meta("1")).await);
        assert!(!written.is(&meta("2")).await);
        written.forget("a", "one");
        assert!(!written.is(&meta("1")).await);
    }

    #[tokio::test]
    async fn a_watch_that_is_faster_than_the_answer_waits_for_it() {
        let written = Written::default();
        let writing = written.begin("a", "one");
        let (seen, other) = (meta("1"), meta("2"));
        let mut ours = Box::pin(written.is(&seen));
        let mut others = Box::pin(written.is(&other));
        assert!(ours.as_mut().now_or_never().is_none() && others.as_mut().now_or_never().is_none());
        writing.ended(&seen);
        assert!(ours.await);
        assert!(!others.await);
    }

    #[tokio::test]
    async fn a_write_without_an_answer_leaves_nothing_known() {
        let written = Written::default();
        let writing = written.begin("a", "one");
        assert!(!written.is(&meta("1")).await, "it waits no longer than it has to");
        drop(writing);
        assert!(!written.is(&meta("1")).await);
    }
}
