//! What a node does for the operator's pods, as the control plane has none: the program of each runs here with the arguments,
//! environment, configuration and account that the chart gave it, and the API server is told once it is ready.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tenantry_harness::Cluster;
use tenantry_harness::process::{PartError, Watchdog, blocking, built, free_port};
use tokio::task::JoinHandle;

use super::super::world::asked;

const GLANCE: Duration = Duration::from_millis(400);

/// Runs the operator's pods of a cluster for as long as it is kept.
pub struct Node {
    programs: Arc<Watchdog>,
    work: JoinHandle<()>,
}

/// A pod whose program runs here.
struct Running {
    program: String,
    metrics: u16,
    is_ready: bool,
}

impl Node {
    pub fn of(cluster: Cluster) -> Self {
        let programs = Arc::new(Watchdog::new("tenantry-node-").unwrap());
        let work = tokio::spawn(keep(cluster, Arc::clone(&programs)));
        Self { programs, work }
    }

    /// The ends of the logs of all pods that ever ran.
    pub fn logs(&self) -> String {
        let files = std::fs::read_dir(self.programs.folder()).unwrap().flatten();
        let names =
            files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".log").map(str::to_owned));
        names.map(|name| format!("{name}:\n{}", self.programs.log(&name))).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.work.abort();
    }
}

async fn keep(cluster: Cluster, programs: Arc<Watchdog>) {
    let mut running: BTreeMap<String, Running> = BTreeMap::new();
    let mut started = 0;
    loop {
        tokio::time::sleep(GLANCE).await;
        let Ok(pods) = pods(&cluster).await else { continue };
        let uid = |pod: &Value| pod["metadata"]["uid"].as_str().unwrap().to_owned();
        let gone: Vec<String> =
            running.keys().filter(|known| !pods.iter().any(|pod| uid(pod) == **known)).cloned().collect();
        for pod in gone {
            let program = running.remove(&pod).unwrap().program;
            let programs = Arc::clone(&programs);
            blocking(move || programs.stop(&program, "TERM")).await.unwrap();
        }
        for pod in &pods {
            let uid = uid(pod);
            match running.get_mut(&uid) {
                Some(here) if here.is_ready => {}
                Some(here) => {
                    here.is_ready = answers(here.metrics).await && tell_ready(&cluster, pod).await.is_ok();
                }
                None => {
                    let (program, metrics) = (format!("pod{started}"), free_port().unwrap());
                    let webhook = free_port().unwrap();
                    let folder = programs.file(&program);
                    // What it refers to may be made a moment after it.
                    let Ok(mut command) = command(&cluster, pod, folder).await else { continue };
                    command.env("TENANTRY_METRICS_LISTEN", format!("127.0.0.1:{metrics}"));
                    command.env("TENANTRY_INJECTION_LISTEN", format!("127.0.0.1:{webhook}"));
                    programs.start(&program, &command).unwrap();
                    started += 1;
                    running.insert(uid, Running { program, metrics, is_ready: false });
                }
            }
        }
    }
}

async fn pods(cluster: &Cluster) -> Result<Vec<Value>, PartError> {
    let chosen = ["--all-namespaces", "--selector", "app.kubernetes.io/part-of=tenantry", "--output", "json"];
    let text = cluster.kubectl(&[&["get", "pods"][..], &chosen].concat()).await?;
    let found: Value = serde_json::from_str(&text).unwrap();
    Ok(found["items"].as_array().unwrap().clone())
}

/// The program of a pod's only container, with its files in this folder.
async fn command(cluster: &Cluster, pod: &Value, folder: PathBuf) -> Result<Command, PartError> {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap();
    let container = &pod["spec"]["containers"][0];
    let volumes = pod["spec"]["volumes"].as_array().unwrap();
    let config = volumes.iter().find_map(|volume| volume["configMap"]["name"].as_str()).unwrap();
    let config =
        cluster.kubectl(&["get", "configmap", config, "--namespace", namespace, "--output", "json"]).await?;
    let config: Value = serde_json::from_str(&config).unwrap();
    let account = pod["spec"]["serviceAccountName"].as_str().unwrap();
    let kubeconfig = cluster.service_account_kubeconfig(namespace, account).await?;

    std::fs::create_dir_all(&folder).map_err(PartError::io(&folder))?;
    for (name, text) in config["data"].as_object().unwrap() {
        std::fs::write(folder.join(name), text.as_str().unwrap()).map_err(PartError::io(&folder))?;
    }
    let mut command = Command::new(built("tenantry-operator")?);
    for argument in container["args"].as_array().unwrap() {
        command.arg(argument.as_str().unwrap().replace("/etc/tenantry", folder.to_str().unwrap()));
    }
    for variable in container["env"].as_array().unwrap() {
        let field = variable["valueFrom"]["fieldRef"]["fieldPath"].as_str();
        let value = match field {
            Some(path) => pod.pointer(&format!("/{}", path.replace('.', "/"))).unwrap(),
            None => &variable["value"],
        };
        command.env(variable["name"].as_str().unwrap(), value.as_str().unwrap());
    }
    command.env("KUBECONFIG", kubeconfig);
    Ok(command)
}

async fn answers(port: u16) -> bool {
    let answer = asked(("127.0.0.1", port), "/readyz").await;
    answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

async fn tell_ready(cluster: &Cluster, pod: &Value) -> Result<String, PartError> {
    let (namespace, name) =
        (pod["metadata"]["namespace"].as_str().unwrap(), pod["metadata"]["name"].as_str().unwrap());
    let ready = ["ContainersReady", "Ready"].map(|kind| json!({ "type": kind, "status": "True" }));
    let status = json!({ "status": { "phase": "Running", "conditions": ready } }).to_string();
    let patch =
        ["patch", "pod", name, "--namespace", namespace, "--subresource=status", "--type=merge", "-p"];
    cluster.kubectl(&[&patch[..], &[&status]].concat()).await
}
