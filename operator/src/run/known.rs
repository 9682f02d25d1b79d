//! Whether manifests are known: a cache that has not been filled yet says of nothing that it does not exist.

use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

use futures_util::{FutureExt as _, future};
use kube::runtime::reflector::{Lookup, ObjectRef, Store as Cache};
use tenantry_crds::Organization;

use crate::stores::rows::Place;

/// How long a reconcile waits for caches. One namespace that cannot be read is not to keep the others waiting for good.
const WAIT: Duration = Duration::from_secs(10);

/// Whether a cache has been filled.
pub fn is_known<K>(cache: &Cache<K>) -> bool
where
    K: Lookup + Clone + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    cache.wait_until_ready().now_or_never().is_some_and(|ready| ready.is_ok())
}

/// Waits a while for caches to be filled.
pub async fn wait<K>(caches: &[Cache<K>])
where
    K: Lookup + Clone + Debug + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    let ready = future::join_all(caches.iter().map(Cache::wait_until_ready));
    if tokio::time::timeout(WAIT, ready).await.is_err() {
        tracing::debug!("the manifests of a namespace are not known yet");
    }
}

/// Whether there may be an Organization at a place: it is known, or its namespace is not watched or not known. `caches` are those of
/// the `watched` namespaces, in their order, or the one of all namespaces.
pub fn may_exist(watched: &[String], caches: &[Cache<Organization>], place: &Place) -> bool {
    let at = if watched.is_empty() {
        Some(0)
    } else {
        watched.iter().position(|namespace| *namespace == place.namespace)
    };
    let Some(cache) = at.and_then(|at| caches.get(at)) else { return true };
    let reference = ObjectRef::<Organization>::new(&place.name).within(&place.namespace);
    !is_known(cache) || cache.get(&reference).is_some()
}

#[cfg(test)]
mod tests {
    use kube::runtime::{reflector, watcher};
    use serde_json::json;

    use super::*;

    fn place(namespace: &str, name: &str) -> Place {
        Place { cluster: "c".into(), namespace: namespace.into(), name: name.into() }
    }

    #[test]
    fn nothing_is_taken_for_vanished_before_its_namespace_is_known() {
        let (cache, mut writer) = reflector::store::<Organization>();
        let (never, _other) = reflector::store::<Organization>();
        let (caches, watched) = ([cache, never], ["a".to_owned(), "b".to_owned()]);
        let exists = |namespace: &str, name: &str| may_exist(&watched, &caches, &place(namespace, name));
        assert!(exists("a", "one") && !is_known(&caches[0]));
        let spec = serde_json::from_value(json!({ "displayName": "One" })).unwrap();
        let mut one = Organization::new("one", spec);
        one.metadata.namespace = Some("a".into());
        writer.apply_watcher_event(&watcher::Event::Init);
        writer.apply_watcher_event(&watcher::Event::InitApply(one));
        writer.apply_watcher_event(&watcher::Event::InitDone);
        assert!(is_known(&caches[0]));
        assert!(exists("a", "one"));
        assert!(!exists("a", "two"));
        assert!(exists("b", "two"), "its namespace is not known");
        assert!(exists("c", "two"), "its namespace is not watched");
        assert!(!may_exist(&[], &caches, &place("c", "two")));
    }
}
