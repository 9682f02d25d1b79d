//! Whether manifests are known: a cache that has not been filled yet says of nothing that it does not exist. [`Caches`] are those of
//! a kind, and whoever decides something asks those alone that matter to it: a namespace that cannot be read keeps no other waiting.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use kube::runtime::reflector::{Lookup, ObjectRef, Store as Cache};
use tenantry_crds::Organization;
use tokio::time::Instant;

use crate::stores::rows::Place;

/// How long reconciles wait for caches, all of them together: what was not read by then may never be.
const WAIT: Duration = Duration::from_secs(10);

/// Between two looks at whether a cache is filled.
const GLANCE: Duration = Duration::from_millis(20);

/// Until when a process that begins to lead now waits for caches.
pub fn deadline() -> Instant {
    Instant::now() + WAIT
}

/// Whether a cache has been filled.
pub fn is_known<K>(cache: &Cache<K>) -> bool
where
    K: Lookup + Clone + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    cache.wait_until_ready().now_or_never().is_some_and(|ready| ready.is_ok())
}

/// Waits for caches to be filled, but no longer than until then.
pub async fn wait<K>(caches: &[&Cache<K>], until: Instant)
where
    K: Lookup + Clone + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    // Looked at again and again, because of several who wait for one cache only the last is woken when it is filled.
    while !caches.iter().all(|cache| is_known(cache)) {
        let now = Instant::now();
        if now >= until {
            tracing::debug!("the manifests of a namespace are not known yet");
            return;
        }
        tokio::time::sleep_until(until.min(now + GLANCE)).await;
    }
}

/// The manifests of a kind: a cache for each namespace that is watched, or one for all.
pub struct Caches<K>
where
    K: Lookup<DynamicType = ()> + Clone + 'static,
{
    /// None: all.
    watched: Vec<String>,
    each: Vec<Cache<K>>,
}

impl<K> Caches<K>
where
    K: Lookup<DynamicType = ()> + Clone + 'static,
{
    /// The caches of the `watched` namespaces, in their order, or the one of all.
    pub fn new(watched: &[String], each: Vec<Cache<K>>) -> Self {
        Self { watched: watched.to_vec(), each }
    }

    /// Every manifest that is known.
    pub fn all(&self) -> Vec<Arc<K>> {
        self.each.iter().flat_map(Cache::state).collect()
    }

    /// Where a namespace's manifests are, if it is watched.
    pub fn of(&self, namespace: &str) -> Option<&Cache<K>> {
        if self.watched.is_empty() {
            return self.each.first();
        }
        let at = self.watched.iter().position(|watched| watched == namespace)?;
        self.each.get(at)
    }

    /// Where the manifests are of the watched namespaces that matter.
    pub fn of_those(&self, matters: impl Fn(&str) -> bool) -> Vec<&Cache<K>> {
        if self.watched.is_empty() {
            return self.each.iter().collect();
        }
        let each = self.watched.iter().zip(&self.each);
        each.filter(|(namespace, _)| matters(namespace)).map(|(_, cache)| cache).collect()
    }

    /// The watched namespaces whose manifests are not known yet; where all are watched, they have no names.
    pub fn unread(&self) -> Vec<String> {
        let each = self.watched.iter().zip(&self.each);
        each.filter(|(_, cache)| !is_known(cache)).map(|(namespace, _)| namespace.clone()).collect()
    }
}

impl Caches<Organization> {
    /// Whether there may be an Organization at a place: it is known, or its namespace is not watched or not known.
    pub fn may_exist(&self, place: &Place) -> bool {
        let Some(cache) = self.of(&place.namespace) else { return true };
        let reference = ObjectRef::<Organization>::new(&place.name).within(&place.namespace);
        !is_known(cache) || cache.get(&reference).is_some()
    }
}

#[cfg(test)]
mod tests {
    use kube::runtime::reflector::store::Writer;
    use kube::runtime::{reflector, watcher};
    use serde_json::json;

    use super::*;

    fn place(namespace: &str, name: &str) -> Place {
        Place { cluster: "c".into(), namespace: namespace.into(), name: name.into() }
    }

    /// The caches of two namespaces, `a` and `b`, of which nothing was read.
    fn two() -> (Caches<Organization>, [Writer<Organization>; 2]) {
        let ((a, of_a), (b, of_b)) = (reflector::store(), reflector::store());
        (Caches::new(&["a".to_owned(), "b".to_owned()], vec![a, b]), [of_a, of_b])
    }

    fn fill(writer: &mut Writer<Organization>, namespace: &str, name: &str) {
        let spec = serde_json::from_value(json!({ "displayName": "One" })).unwrap();
        let mut one = Organization::new(name, spec);
        one.metadata.namespace = Some(namespace.into());
        writer.apply_watcher_event(&watcher::Event::Init);
        writer.apply_watcher_event(&watcher::Event::InitApply(one));
        writer.apply_watcher_event(&watcher::Event::InitDone);
    }

    #[test]
    fn nothing_is_taken_for_vanished_before_its_namespace_is_known() {
        let (caches, [mut a, _b]) = two();
        assert!(caches.may_exist(&place("a", "one")) && caches.unread() == ["a", "b"]);
        fill(&mut a, "a", "one");
        assert_eq!(caches.unread(), ["b"]);
        assert!(caches.may_exist(&place("a", "one")));
        assert!(!caches.may_exist(&place("a", "two")));
        assert!(caches.may_exist(&place("b", "two")), "its namespace is not known");
        assert!(caches.may_exist(&place("c", "two")), "its namespace is not watched");
        let everywhere = Caches::new(&[], caches.each);
        assert!(!everywhere.may_exist(&place("c", "two")));
    }

    #[test]
    fn of_namespaces_that_are_watched_those_alone_are_asked_that_matter() {
        let (caches, [mut a, _b]) = two();
        fill(&mut a, "a", "one");
        let known = |matters: &[&'static str]| {
            caches.of_those(|namespace| matters.contains(&namespace)).into_iter().all(is_known)
        };
        assert!(known(&["a"]) && known(&["a", "c"]));
        assert!(!known(&["b"]) && !known(&["a", "b"]));
        assert_eq!(caches.all().len(), 1);
        let everywhere = Caches::new(&[], caches.each.into_iter().take(1).collect());
        assert_eq!(everywhere.of_those(|_| false).len(), 1, "no namespace has a cache of its own");
    }

    #[tokio::test]
    async fn the_time_for_what_cannot_be_read_is_spent_once() {
        let (caches, [mut a, _b]) = two();
        fill(&mut a, "a", "one");
        let (began, span) = (Instant::now(), Duration::from_millis(300));
        wait(&caches.of_those(|namespace| namespace == "a"), began + span).await;
        assert!(began.elapsed() < span, "it was read");
        for _ in 0..10 {
            wait(&caches.of_those(|_| true), began + span).await;
        }
        let spent = began.elapsed();
        assert!(spent >= span && spent < span * 5, "{spent:?}");
    }
}
