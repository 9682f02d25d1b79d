//! Several managers of one resource (server-side apply): whose what is.

use tenantry_harness::Cluster;

use super::{backend, installed};

async fn apply(cluster: &Cluster, namespace: &str, manager: &str, document: &str) -> Result<String, String> {
    let words =
        ["apply", "--server-side", "--field-manager", manager, "--namespace", namespace, "--filename", "-"];
    cluster.kubectl_stdin(&words, document).await.map_err(|error| error.to_string())
}

async fn read(cluster: &Cluster, namespace: &str, path: &str) -> String {
    let output = format!("jsonpath={{{path}}}");
    cluster.kubectl(&["get", "tb/incidents", "--namespace", namespace, "--output", &output]).await.unwrap()
}

#[tokio::test]
async fn two_managers_add_to_a_set_and_neither_takes_the_others_entry() {
    let cluster = installed().await;
    let namespace = cluster.namespace("managers").await.unwrap();
    for (manager, origin) in [("one", "https://one.example"), ("two", "https://two.example")] {
        let more = format!("  cors: {{ allowedOrigins: [\"{origin}\"] }}\n");
        apply(cluster, &namespace, manager, &backend("incidents", &more)).await.unwrap();
    }
    apply(cluster, &namespace, "one", &backend("incidents", "")).await.unwrap();
    assert_eq!(read(cluster, &namespace, ".spec.cors.allowedOrigins[*]").await, "https://two.example");
}

#[tokio::test]
async fn lists_whose_order_counts_belong_to_one_manager() {
    let cluster = installed().await;
    let namespace = cluster.namespace("managers").await.unwrap();
    let with = |roles: &str| backend("incidents", &format!("  roles: [{roles}]\n"));
    apply(cluster, &namespace, "one", &with("viewer, admin")).await.unwrap();
    let conflict = apply(cluster, &namespace, "two", &with("admin, viewer")).await.unwrap_err();
    assert!(conflict.contains("conflict with \"one\": .spec.roles"), "{conflict}");
    apply(cluster, &namespace, "two", &with("viewer, admin")).await.unwrap();
    assert_eq!(read(cluster, &namespace, ".spec.roles[*]").await, "viewer admin");
}

#[tokio::test]
async fn each_condition_belongs_to_who_reports_it() {
    let cluster = installed().await;
    let namespace = cluster.namespace("managers").await.unwrap();
    apply(cluster, &namespace, "one", &backend("incidents", "")).await.unwrap();
    for (manager, kind) in [("one", "Ready"), ("two", "DatabaseReady")] {
        let status = format!(
            "apiVersion: tenantry.io/v1alpha1\nkind: Backend\nmetadata: {{ name: incidents }}\nstatus:\n  conditions: [{{ type: {kind}, status: \"True\", reason: Tried, message: \"\", lastTransitionTime: \"2026-01-01T00:00:00Z\" }}]\n"
        );
        let words = [
            "apply",
            "--server-side",
            "--subresource",
            "status",
            "--field-manager",
            manager,
            "--namespace",
            &namespace,
            "--filename",
            "-",
        ];
        cluster.kubectl_stdin(&words, &status).await.unwrap();
    }
    assert_eq!(read(cluster, &namespace, ".status.conditions[*].type").await, "Ready DatabaseReady");
}
