//! What the charts make, judged by a real API server.

use std::process::Command;

use tenantry_harness::process::run;

use crate::definitions::installed;
use crate::repository;

#[tokio::test]
async fn every_rendering_is_accepted_and_keeps_to_the_restricted_pod_security_standard() {
    let cluster = installed().await;
    let mut charts = Command::new(repository("tools/charts.sh"));
    charts.arg("--cluster").arg(cluster.kubeconfig());
    charts.env("KUBECTL", cluster.kubectl_path()).env("KUBERC", "off");
    run(charts, String::new()).await.unwrap_or_else(|error| panic!("{error}"));
}
