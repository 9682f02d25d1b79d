//! That a control plane comes, goes away, comes back, and leaves nothing behind.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};
use tenantry_harness::{
    Cluster, ClusterOptions,
    process::{accepts, wait_until},
};

/// The command lines of running programs that mention `folder`: each is given files of the cluster's folder.
fn programs_of(folder: &Path) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(&*folder.to_string_lossy())).collect()
}

fn port_of(kubeconfig: &Path) -> u16 {
    let config: serde_json::Value = serde_json::from_slice(&std::fs::read(kubeconfig).unwrap()).unwrap();
    let server = config["clusters"][0]["cluster"]["server"].as_str().unwrap();
    server.rsplit(':').next().unwrap().parse().unwrap()
}

fn is_gone(folder: &Path, port: u16) -> bool {
    wait_until(Duration::from_secs(20), || {
        !folder.exists() && programs_of(folder).is_empty() && !accepts(port)
    })
}

#[tokio::test]
async fn the_api_goes_away_and_comes_back_with_its_data_and_everything_goes_on_drop() {
    let cluster = Cluster::start(ClusterOptions { controller_manager: false }).await.unwrap();
    let folder = cluster.kubeconfig().parent().unwrap().to_owned();
    let port = port_of(cluster.kubeconfig());
    assert_eq!(cluster.kubectl(&["get", "--raw", "/readyz"]).await.unwrap(), "ok");
    let namespace = cluster.namespace("kept").await.unwrap();

    cluster.kubectl(&["create", "serviceaccount", "one", "--namespace", &namespace]).await.unwrap();
    let token = cluster.service_account_kubeconfig(&namespace, "one").await.unwrap();

    cluster.stop_api().await.unwrap();
    assert!(!accepts(port));
    assert!(cluster.kubectl(&["get", "namespace", &namespace]).await.is_err());
    cluster.start_api().await.unwrap();
    cluster.kubectl(&["get", "namespace", &namespace]).await.unwrap();
    let who = ["--kubeconfig", token.to_str().unwrap(), "auth", "whoami"];
    assert!(cluster.kubectl(&who).await.unwrap().contains(&namespace), "a token outlives the API server");
    let created = |events: &[tenantry_harness::AuditEvent]| {
        events.iter().any(|event| event.verb == "create" && event.name == namespace && event.code == 201)
    };
    assert!(created(&cluster.audit().unwrap()), "the audit log goes on");

    assert!(!programs_of(&folder).is_empty());
    drop(cluster);
    assert!(is_gone(&folder, port), "{:?}", programs_of(&folder));
}

#[test]
fn everything_goes_when_the_process_that_held_it_is_killed() {
    let mut holder =
        Command::new(env!("CARGO_BIN_EXE_control-plane")).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let kubeconfig = PathBuf::from(line.trim().strip_prefix("export KUBECONFIG=").unwrap());
    let (folder, port) = (kubeconfig.parent().unwrap(), port_of(&kubeconfig));
    assert!(accepts(port) && programs_of(folder).len() >= 3, "{:?}", programs_of(folder));
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(is_gone(folder, port), "{:?}", programs_of(folder));
}
