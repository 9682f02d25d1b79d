//! Which Backend an Organization belongs to, and whether that one lets it in.

use std::collections::BTreeMap;
use std::sync::Arc;

use tenantry_crds::backend::{AllowedNamespaces, NamespacesFrom};
use tenantry_crds::{Backend, Organization};

use crate::trouble::Trouble;

/// The Backend of an Organization. `labels` gives a namespace's labels.
pub fn backend_of(
    organization: &Organization,
    backends: &[Arc<Backend>],
    labels: impl Fn(&str) -> Option<BTreeMap<String, String>>,
) -> Result<Arc<Backend>, Trouble> {
    let namespace = organization.namespace();
    let Some(reference) = &organization.spec.backend_ref else {
        let here: Vec<_> = backends.iter().filter(|backend| backend.namespace() == namespace).collect();
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
    let there = reference.namespace.as_deref().unwrap_or(namespace);
    let found =
        backends.iter().find(|backend| backend.namespace() == there && backend.name() == reference.name);
    let Some(backend) = found else {
        let message =
            format!("there is no Backend {there}/{}: make it, or correct spec.backendRef", reference.name);
        return Err(Trouble::passing("BackendMissing", message));
    };
    if there == namespace || lets_in(&backend.spec.allowed_namespaces, namespace, labels) {
        return Ok(Arc::clone(backend));
    }
    let message = format!(
        "the Backend {there}/{} does not let Organizations of the namespace {namespace} in: allow it in the Backend's \
         spec.allowedNamespaces, or move the Organization",
        reference.name
    );
    Err(Trouble::standing("NamespaceNotAllowed", message))
}

/// Refuses to follow an Organization into another Backend than the one that it was made in: its rows and keys are there.
pub fn moved(organization: &Organization, backend: &Backend) -> Option<Trouble> {
    let before = organization.status.as_ref()?.backend.as_ref()?;
    let now = backend.audience();
    (*before != now).then(|| {
        let message = format!(
            "it was made in the Backend {before} and belongs to {now} by now: name {before} in spec.backendRef, or delete the \
             Organization and make it again"
        );
        Trouble::standing("BackendChanged", message)
    })
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

    fn resolved(organization: &Organization, backends: &[Arc<Backend>]) -> Result<String, &'static str> {
        let labels = |namespace: &str| Some([("tier".to_owned(), namespace.to_owned())].into());
        backend_of(organization, backends, labels)
            .map(|backend| backend.audience())
            .map_err(|trouble| trouble.reason)
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
        let mut organization = organization("a", &serde_json::Value::Null);
        assert_eq!(moved(&organization, &one), None);
        organization.status.get_or_insert_default().backend = Some("a/one".into());
        assert_eq!(moved(&organization, &one), None);
        organization.status.get_or_insert_default().backend = Some("a/two".into());
        assert_eq!(moved(&organization, &one).map(|trouble| trouble.reason), Some("BackendChanged"));
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
