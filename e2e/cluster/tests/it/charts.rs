//! What the charts make, judged by a real API server.

use std::process::Command;

use tenantry_harness::process::run;

use crate::definitions::installed;
use crate::operator::world::established;
use crate::repository;

#[tokio::test]
async fn every_rendering_is_accepted_and_keeps_to_the_restricted_pod_security_standard() {
    let cluster = installed().await;
    let mut charts = Command::new(repository("tools/charts.sh"));
    charts.arg("--cluster").arg(cluster.kubeconfig());
    charts.env("KUBECTL", cluster.kubectl_path()).env("KUBERC", "off");
    run(charts, String::new()).await.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn every_example_of_an_edge_is_accepted_by_the_api_server() {
    let cluster = installed().await;
    let folder = run(Command::new(repository("tools/gateway-api.sh")), String::new()).await.unwrap();
    let apply = ["apply", "--server-side", "--force-conflicts", "--filename"];
    cluster.kubectl(&[&apply[..], &[folder.trim()]].concat()).await.unwrap();
    established(cluster, &["--filename", folder.trim()]).await;
    let files = std::fs::read_dir(repository("examples/edge")).unwrap();
    let namespace = cluster.namespace("edge").await.unwrap();
    let mut count = 0;
    for file in files {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let text = text.replace("namespace: mini-xdr", &format!("namespace: {namespace}"));
        let show = ["apply", "--dry-run=server", "--validate=strict", "--filename", "-"];
        cluster.kubectl_stdin(&show, &text).await.unwrap_or_else(|error| panic!("{text}\n{error}"));
        count += 1;
    }
    assert_eq!(count, 3);
}
