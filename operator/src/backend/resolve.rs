//! Which Backend an Organization belongs to, and whether that one lets it in. Once it was made in one, its rows are there: it
//! follows that one for as long as its manifest can mean it, and counts as that one's for as long as it exists.

use std::collections::BTreeMap;
use std::sync::Arc;

use tenantry_crds::backend::{AllowedNamespaces, NamespacesFrom};
use tenantry_crds::{Backend, Organization};

use crate::trouble::Trouble;

/// The namespace of an Organization's Backend.
pub fn namespace_of(organization: &Organization) -> &str {
    let reference = organization.spec.backend_ref.as_ref();
    reference.and_then(|reference| reference.namespace.as_deref()).unwrap_or(organization.namespace())
}

/// The Backend of an Organization. `labels` gives a namespace's labels.
pub fn backend_of(
    organization: &Organization,
    backends: &[Arc<Backend>],
    labels: impl Fn(&str) -> Option<BTreeMap<String, String>>,
) -> Result<Arc<Backend>, Trouble> {
    let namespace = organization.namespace();
    let Some(reference) = &organization.spec.backend_ref else {
        let here: Vec<_> = backends.iter().filter(|backend| backend.namespace() == namespace).collect();
        let before = made_in(organization);
        if let Some(backend) = here.iter().find(|backend| before == Some(backend.audience().as_str())) {
            return Ok(Arc::clone(backend));
        }
        return match here.as_slice() {
            [one] => Ok(Arc::clone(one)),
            [] => Err(Trouble::passing(
                "BackendMissing",
                format!("the namespace {namespace} has no Backend: make one, or name one in spec.backendRef"),
            )),
            several => {
                let mut names: Vec<&str> = several.iter().map(|backend| backend.name()).collect();
                // A status that says the same in another order is written again and again.
                names.sort_unstable();
                let message = format!(
                    "the namespace {namespace} has several Backends ({}): name one in spec.backendRef",
                    names.join(", ")
                );
                Err(Trouble::standing("BackendAmbiguous", message))
            }
        };
    };
    let there = namespace_of(organization);
    let found =
        backends.iter().find(|backend| backend.namespace() == there && backend.name() == reference.name);
    let Some(backend) = found else {
        let message =
            format!("there is no Backend {there}/{}: make it, or correct spec.backendRef", reference.name);
        return Err(Trouble::passing("BackendMissing", message));
    };
    if admits(backend, namespace, labels) {
        return Ok(Arc::clone(backend));
    }
    let message = format!(
        "the Backend {there}/{} does not let Organizations of the namespace {namespace} in: allow it in the Backend's \
         spec.allowedNamespaces, or move the Organization",
        reference.name
    );
    Err(Trouble::standing("NamespaceNotAllowed", message))
}

/// Whether an Organization belongs to a Backend: it was made in it, even if it may follow it no more, or is to be made in it.
pub fn is_member(
    organization: &Organization,
    backend: &Backend,
    backends: &[Arc<Backend>],
    labels: impl Fn(&str) -> Option<BTreeMap<String, String>>,
) -> bool {
    let this = backend.audience();
    match made_in(organization) {
        Some(before) => before == this,
        None => backend_of(organization, backends, labels).is_ok_and(|resolved| resolved.audience() == this),
    }
}

/// The Backend that an Organization was made in, as its status says.
fn made_in(organization: &Organization) -> Option<&str> {
    organization.status.as_ref()?.backend.as_deref()
}

/// Refuses to follow an Organization into another Backend than the one that it was made in: its rows and keys are there.
pub fn moved(organization: &Organization, backend: &Backend) -> Option<Trouble> {
    let before = made_in(organization)?;
    let now = backend.audience();
    (before != now).then(|| {
        let message = format!(
            "it was made in the Backend {before} and belongs to {now} by now: name {before} in spec.backendRef, or delete the \
             Organization and make it again"
        );
        Trouble::standing("BackendChanged", message)
    })
}

/// Whether a Backend lets Organizations of a namespace in.
pub fn admits(
    backend: &Backend,
    namespace: &str,
    labels: impl Fn(&str) -> Option<BTreeMap<String, String>>,
) -> bool {
    backend.namespace() == namespace || lets_in(&backend.spec.allowed_namespaces, namespace, labels)
}

fn lets_in(
    allowed: &AllowedNamespaces,
    namespace: &str,
    labels: impl Fn(&str) -> Option<BTreeMap<String, String>>,
) -> bool {
    match (allowed.from, &allowed.selector) {
        (NamespacesFrom::All, _) => true,
        (NamespacesFrom::Selector, Some(selector)) => {
            let labels = labels(namespace).unwrap_or_default();
            selector.match_labels.0.iter().all(|(key, value)| labels.get(key) == Some(value))
        }
        // A selector that is missing selects nothing.
        (NamespacesFrom::Same | NamespacesFrom::Selector, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn backend(namespace: &str, name: &str, allowed: &serde_json::Value) -> Arc<Backend> {
        let spec = json!({
            "publicUrl": "https://app.example.com",
            "upstream": { "url": "http://127.0.0.1:8000" },
            "allowedNamespaces": allowed,
        });
        let mut backend = Backend::new(name, serde_json::from_value(spec).unwrap());
        backend.metadata.namespace = Some(namespace.into());
        Arc::new(backend)
    }

    fn organization(namespace: &str, reference: &serde_json::Value) -> Organization {
        let spec = json!({ "displayName": "A", "backendRef": reference });
        let mut organization = Organization::new("a", serde_json::from_value(spec).unwrap());
        organization.metadata.namespace = Some(namespace.into());
        organization
    }

    fn settled_in(backend: &str, organization: &Organization) -> Organization {
        let mut organization = organization.clone();
        organization.status.get_or_insert_default().backend = Some(backend.into());
        organization
    }

    #[allow(clippy::unnecessary_wraps, reason = "as the caller gives them, who may not know a namespace")]
    fn labels(namespace: &str) -> Option<BTreeMap<String, String>> {
        Some([("tier".to_owned(), namespace.to_owned())].into())
    }

    fn resolved(organization: &Organization, backends: &[Arc<Backend>]) -> Result<String, &'static str> {
        backend_of(organization, backends, labels)
            .map(|backend| backend.audience())
            .map_err(|trouble| trouble.reason)
    }

    /// The Backends that count an Organization as theirs.
    fn counted(organization: &Organization, backends: &[Arc<Backend>]) -> Vec<String> {
        let counts = |backend: &&Arc<Backend>| is_member(organization, backend, backends, labels);
        backends.iter().filter(counts).map(|backend| backend.audience()).collect()
    }

    #[test]
    fn without_a_name_it_is_the_only_one_of_the_namespace() {
        let same = json!({ "from": "Same" });
        let (one, two, other) =
            (backend("a", "one", &same), backend("a", "two", &same), backend("b", "one", &same));
        let nameless = organization("a", &serde_json::Value::Null);
        assert_eq!(resolved(&nameless, &[one.clone(), other.clone()]), Ok("a/one".into()));
        assert_eq!(resolved(&nameless, &[one, two]), Err("BackendAmbiguous"));
        assert_eq!(resolved(&nameless, &[other]), Err("BackendMissing"));
    }

    #[test]
    fn an_organization_does_not_follow_a_name_to_another_backend() {
        let one = backend("a", "one", &json!({ "from": "Same" }));
        let new = organization("a", &serde_json::Value::Null);
        let moved = |organization: &Organization| moved(organization, &one).map(|trouble| trouble.reason);
        assert_eq!(moved(&new), None);
        assert_eq!(moved(&settled_in("a/one", &new)), None);
        assert_eq!(moved(&settled_in("a/two", &new)), Some("BackendChanged"));
    }

    #[test]
    fn an_organization_stays_in_its_backend_when_a_second_one_comes() {
        let same = json!({ "from": "Same" });
        let both = [backend("a", "one", &same), backend("a", "two", &same)];
        let new = organization("a", &serde_json::Value::Null);
        assert_eq!(resolved(&new, &both), Err("BackendAmbiguous"));
        assert!(counted(&new, &both).is_empty());
        for there in ["a/one", "a/two"] {
            let settled = settled_in(there, &new);
            assert_eq!(resolved(&settled, &both), Ok(there.into()));
            assert_eq!(counted(&settled, &both), [there]);
        }
        let elsewhere = settled_in("b/one", &new);
        assert_eq!(resolved(&elsewhere, &both), Err("BackendAmbiguous"), "no status opens another namespace");
    }

    #[test]
    fn an_organization_is_counted_where_its_rows_are_and_not_where_it_may_go() {
        let one = |allowed: &str| backend("a", "one", &json!({ "from": allowed }));
        let two = backend("a", "two", &json!({ "from": "All" }));
        let new = organization("b", &json!({ "name": "one", "namespace": "a" }));
        let settled = settled_in("a/one", &new);
        let (open, closed) = ([one("All"), two.clone()], [one("Same"), two]);
        assert_eq!(counted(&new, &open), ["a/one"]);
        assert_eq!(counted(&settled, &open), ["a/one"]);
        // Its namespace is let in no more.
        assert_eq!(resolved(&settled, &closed), Err("NamespaceNotAllowed"));
        assert!(counted(&new, &closed).is_empty());
        assert_eq!(counted(&settled, &closed), ["a/one"]);
        // Its manifest means another Backend than it was made in.
        assert_eq!(counted(&settled_in("a/two", &new), &open), ["a/two"]);
    }

    #[test]
    fn several_are_named_in_one_order_whatever_the_cache_gives() {
        let same = json!({ "from": "Same" });
        let (one, two) = (backend("a", "one", &same), backend("a", "two", &same));
        let nameless = organization("a", &serde_json::Value::Null);
        let said = |backends: &[Arc<Backend>]| backend_of(&nameless, backends, |_| None).unwrap_err().message;
        assert_eq!(said(&[one.clone(), two.clone()]), said(&[two, one]));
    }

    #[test]
    fn an_organization_of_another_namespace_does_not_join_a_backend_that_does_not_allow_it() {
        let there = organization("b", &json!({ "name": "one", "namespace": "a" }));
        let selected =
            |tier: &str| json!({ "from": "Selector", "selector": { "matchLabels": { "tier": tier } } });
        for (allowed, expected) in [
            (json!({ "from": "Same" }), Err("NamespaceNotAllowed")),
            (json!({ "from": "All" }), Ok("a/one".to_owned())),
            (selected("b"), Ok("a/one".to_owned())),
            (selected("c"), Err("NamespaceNotAllowed")),
        ] {
            assert_eq!(resolved(&there, &[backend("a", "one", &allowed)]), expected, "{allowed}");
        }
    }
}
