//! Which Backend a pod belongs to: the one of its namespace whose selector matches its labels.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::api::ObjectMeta;
use tenantry_crds::Backend;

use super::refusal::Refusal;
use crate::marks;
use crate::names::annotation;

/// The Backend of a pod in this namespace, among those of all.
pub fn choose(pod: &ObjectMeta, namespace: &str, backends: &[Arc<Backend>]) -> Result<Arc<Backend>, Refusal> {
    let here: Vec<_> = backends.iter().filter(|backend| backend.namespace() == namespace).collect();
    if let Some(name) = marks::annotation(pod, annotation::BACKEND) {
        let named = here.iter().find(|backend| backend.name() == name);
        let Some(named) = named else {
            return Err(Refusal::BackendMissing { name: name.to_owned(), namespace: namespace.to_owned() });
        };
        if !selects(named, pod.labels.as_ref()) {
            return Err(Refusal::NotSelected { name: name.to_owned() });
        }
        return Ok(Arc::clone(named));
    }
    let matching: Vec<_> = here.into_iter().filter(|backend| selects(backend, pod.labels.as_ref())).collect();
    match matching.as_slice() {
        [one] => Ok(Arc::clone(one)),
        [] => Err(Refusal::NoBackend { namespace: namespace.to_owned() }),
        several => {
            let mut names: Vec<&str> = several.iter().map(|backend| backend.name()).collect();
            names.sort_unstable();
            Err(Refusal::SeveralBackends { names: names.join(", ") })
        }
    }
}

/// Whether all labels of its selector are there. One without any selects nothing.
fn selects(backend: &Backend, labels: Option<&BTreeMap<String, String>>) -> bool {
    let selector = &backend.spec.selector;
    let has = |(name, value): (&String, &String)| {
        labels.and_then(|labels| labels.get(name)).is_some_and(|found| found == value)
    };
    !selector.is_empty() && selector.0.iter().all(has)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tenantry_crds::backend::BackendSpec;

    use super::*;

    fn backend(name: &str, namespace: &str, selector: serde_json::Value) -> Arc<Backend> {
        let mut spec = BackendSpec::new("https://xdr.example.com", "http://127.0.0.1:8000");
        spec.selector = serde_json::from_value(selector).unwrap();
        let mut backend = Backend::new(name, spec);
        backend.metadata.namespace = Some(namespace.to_owned());
        Arc::new(backend)
    }

    fn pod(labels: serde_json::Value, named: Option<&str>) -> ObjectMeta {
        let annotations = named.map(|name| [(annotation::BACKEND.to_owned(), name.to_owned())].into());
        ObjectMeta {
            labels: Some(serde_json::from_value(labels).unwrap()),
            annotations,
            ..ObjectMeta::default()
        }
    }

    #[test]
    fn a_pod_belongs_to_the_backend_of_its_namespace_whose_selector_matches() {
        let backends = [
            backend("xdr", "a", json!({ "app": "xdr" })),
            backend("web", "a", json!({ "app": "web", "tier": "front" })),
            backend("all", "a", json!({})),
            backend("xdr", "b", json!({ "app": "xdr" })),
        ];
        let chosen =
            |labels, named| choose(&pod(labels, named), "a", &backends).map(|found| found.audience());
        assert_eq!(chosen(json!({ "app": "xdr", "more": "1" }), None), Ok("a/xdr".into()));
        assert_eq!(chosen(json!({ "app": "web", "tier": "front" }), None), Ok("a/web".into()));
        assert_eq!(chosen(json!({ "app": "web" }), None), Err(Refusal::NoBackend { namespace: "a".into() }));
        assert_eq!(chosen(json!({}), None), Err(Refusal::NoBackend { namespace: "a".into() }));
        assert_eq!(
            chosen(json!({ "app": "xdr" }), Some("web")),
            Err(Refusal::NotSelected { name: "web".into() })
        );
    }

    #[test]
    fn of_several_the_annotation_picks_one() {
        let backends =
            [backend("two", "a", json!({ "app": "xdr" })), backend("one", "a", json!({ "app": "xdr" }))];
        let chosen = |named| {
            choose(&pod(json!({ "app": "xdr" }), named), "a", &backends).map(|found| found.name().to_owned())
        };
        assert_eq!(chosen(None), Err(Refusal::SeveralBackends { names: "one, two".into() }));
        assert_eq!(chosen(Some("two")), Ok("two".into()));
        let missing = Refusal::BackendMissing { name: "three".into(), namespace: "a".into() };
        assert_eq!(chosen(Some("three")), Err(missing));
    }
}
