//! What an API server makes of the least that can be written.

use tenantry_crds::backend::BackendSpec;
use tenantry_crds::{Backend, Organization, SCHEMA_ANNOTATION, schema_digest};

use super::{backend, installed, organization};

#[tokio::test]
async fn what_is_left_out_is_what_the_types_leave_out() {
    let cluster = installed().await;
    let namespace = cluster.namespace("defaults").await.unwrap();
    let least = format!("{}---\n{}", backend("incidents", ""), organization("mini-corp", ""));
    cluster.kubectl_stdin(&["apply", "--namespace", &namespace, "--filename", "-"], &least).await.unwrap();
    let read = async |what: &str| {
        let words = ["get", what, "--namespace", &namespace, "--output", "json"];
        cluster.kubectl(&words).await.unwrap()
    };
    let stored: Backend = serde_json::from_str(&read("tb/incidents").await).unwrap();
    assert_eq!(stored.spec, BackendSpec::new("https://xdr.example.com", "http://127.0.0.1:8000"));
    let stored: serde_json::Value = serde_json::from_str(&read("org/mini-corp").await).unwrap();
    let written: Organization = serde_json::from_value(serde_json::json!({
        "apiVersion": "tenantry.io/v1alpha1", "kind": "Organization", "metadata": {}, "spec": { "displayName": "mini corp" },
    }))
    .unwrap();
    // Both ways: what the server filled in is what is written back.
    assert_eq!(stored["spec"], serde_json::to_value(&written.spec).unwrap());
    let stored: Organization = serde_json::from_value(stored).unwrap();
    assert_eq!(stored.spec, written.spec);
}

#[tokio::test]
async fn the_installed_definitions_name_the_schema_they_are_of() {
    let cluster = installed().await;
    let annotation = SCHEMA_ANNOTATION.replace('.', "\\.");
    for (name, digest) in [
        ("backends.tenantry.io", schema_digest::<Backend>()),
        ("organizations.tenantry.io", schema_digest::<Organization>()),
    ] {
        let output = format!("jsonpath={{.metadata.annotations.{annotation}}}");
        assert_eq!(cluster.kubectl(&["get", "crd", name, "--output", &output]).await.unwrap(), digest);
    }
}

#[tokio::test]
async fn both_kinds_are_listed_as_tenantry_with_what_operators_look_for() {
    let cluster = installed().await;
    let namespace = cluster.namespace("listed").await.unwrap();
    let both = format!(
        "{}---\n{}",
        backend("incidents", ""),
        organization("mini-corp", "  backendRef: { name: incidents }\n")
    );
    cluster.kubectl_stdin(&["apply", "--namespace", &namespace, "--filename", "-"], &both).await.unwrap();
    let listed =
        cluster.kubectl(&["get", "tenantry", "--namespace", &namespace, "--output", "wide"]).await.unwrap();
    let words: Vec<Vec<_>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(
        words.contains(&vec!["NAME", "READY", "URL", "IDENTITY", "ORGANIZATIONS", "AGE", "REASON"]),
        "{listed}"
    );
    assert!(words.contains(&vec!["NAME", "READY", "BACKEND", "SLUG", "ID", "AGE", "REASON"]), "{listed}");
    assert!(
        listed.contains("backend.tenantry.io/incidents") && listed.contains("https://xdr.example.com"),
        "{listed}"
    );
    let explained = cluster.kubectl(&["explain", "org.spec.slug"]).await.unwrap();
    assert!(explained.contains("it cannot be changed"), "{explained}");
}
