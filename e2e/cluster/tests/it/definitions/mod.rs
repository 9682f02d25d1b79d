//! The definitions of Backend and Organization, judged by a real API server.

mod applying;
mod corpus;
mod defaults;

use tenantry_harness::Cluster;
use tokio::sync::OnceCell;

use crate::repository;

/// The shared cluster with the definitions of the chart in it.
pub async fn installed() -> &'static Cluster {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let cluster = Cluster::shared().await.unwrap();
    let install = async || {
        let chart = repository("charts/tenantry-crds/templates").display().to_string();
        cluster
            .kubectl(&["apply", "--server-side", "--force-conflicts", "--filename", &chart])
            .await
            .unwrap();
        let names = ["crd/backends.tenantry.io", "crd/organizations.tenantry.io"];
        let wait = [&["wait", "--for", "condition=established", "--timeout", "30s"][..], &names].concat();
        cluster.kubectl(&wait).await.unwrap();
    };
    INSTALLED.get_or_init(install).await;
    cluster
}

/// A manifest of one document in a namespace of the test's own.
fn backend(name: &str, more: &str) -> String {
    format!(
        "apiVersion: tenantry.io/v1alpha1\nkind: Backend\nmetadata: {{ name: {name} }}\nspec:\n  publicUrl: https://xdr.example.com\n  upstream: {{ url: http://127.0.0.1:8000 }}\n{more}"
    )
}

fn organization(name: &str, more: &str) -> String {
    format!(
        "apiVersion: tenantry.io/v1alpha1\nkind: Organization\nmetadata: {{ name: {name} }}\nspec:\n  displayName: mini corp\n{more}"
    )
}
