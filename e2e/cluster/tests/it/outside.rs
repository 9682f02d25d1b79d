//! A cluster that was there before the tests, named by `KUBECONFIG`.

use std::{path::Path, process::Command, time::Duration};
use tenantry_harness::{Cluster, process::wait_until};

/// Run by the test below in a process of its own, with `KUBECONFIG` set.
#[tokio::test]
#[ignore = "started by a_cluster_named_by_kubeconfig_is_used_and_left_running"]
async fn asked_of_a_cluster_that_is_not_ours() {
    let cluster = Cluster::shared().await.unwrap();
    assert!(cluster.audit().is_none());
    assert!(cluster.audit_since(cluster.audit_mark()).is_none());
    let refused = cluster.stop_api().await.unwrap_err().to_string();
    assert!(refused.starts_with("the cluster of KUBECONFIG is not ours to stop"), "{refused}");
    println!("folder={}", cluster.kubeconfig().parent().unwrap().display());
    let namespace = cluster.namespace("outside").await.unwrap();
    cluster.kubectl(&["create", "serviceaccount", "one", "--namespace", &namespace]).await.unwrap();
    let config = cluster.service_account_kubeconfig(&namespace, "one").await.unwrap();
    let who = ["--kubeconfig", config.to_str().unwrap(), "auth", "whoami"];
    assert!(cluster.kubectl(&who).await.unwrap().contains(&format!("system:serviceaccount:{namespace}:one")));
}

#[tokio::test]
async fn a_cluster_named_by_kubeconfig_is_used_and_left_running() {
    let cluster = Cluster::shared().await.unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--ignored", "--nocapture", "--exact", "outside::asked_of_a_cluster_that_is_not_ours"]);
    child.env("KUBECONFIG", cluster.kubeconfig());
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{out}{err}");
    assert!(err.contains("what needs its audit log is left out"), "{err}");
    let folder = out.lines().find_map(|line| line.split("folder=").nth(1)).unwrap();
    assert!(wait_until(Duration::from_secs(10), || !Path::new(folder).exists()), "its keys stay in {folder}");
    let namespaces = cluster.kubectl(&["get", "namespaces", "--output", "name"]).await.unwrap();
    assert!(namespaces.contains("namespace/outside-"), "{namespaces}");
}
