//! What a node does for pods of ours, as the control plane has none: the program of each runs here with the arguments, environment, files
//! and account that the pod gives it, on ports of the loopback address, and the API server is told once it is ready. Files follow the
//! Secrets and `ConfigMap`s that they are from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tenantry_harness::Cluster;
use tenantry_harness::process::{PartError, Watchdog, blocking, built, free_port};
use tokio::task::JoinHandle;

use super::world::asked;

const GLANCE: Duration = Duration::from_millis(400);

/// Runs pods of ours for as long as it is kept.
pub struct Node {
    programs: Arc<Watchdog>,
    running: Arc<Mutex<BTreeMap<String, Running>>>,
    work: JoinHandle<()>,
}

/// A pod whose program runs here.
#[derive(Clone)]
pub struct Running {
    /// Its name.
    pub pod: String,
    /// What its program is called here.
    pub program: String,
    /// Where its ports are, by their names.
    pub ports: BTreeMap<String, u16>,
    is_ready: bool,
}

impl Node {
    /// For the pods of all namespaces of a cluster.
    pub fn of(cluster: Cluster) -> Self {
        Self::within(cluster, None)
    }

    /// For those of one namespace.
    pub fn within(cluster: Cluster, namespace: Option<String>) -> Self {
        let programs = Arc::new(Watchdog::new("tenantry-node-").unwrap());
        let running = Arc::default();
        let work = tokio::spawn(keep(cluster, namespace, Arc::clone(&programs), Arc::clone(&running)));
        Self { programs, running, work }
    }

    /// The pods that are ready.
    pub fn ready(&self) -> Vec<Running> {
        self.running.lock().unwrap().values().filter(|running| running.is_ready).cloned().collect()
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

async fn keep(
    cluster: Cluster,
    namespace: Option<String>,
    programs: Arc<Watchdog>,
    all: Arc<Mutex<BTreeMap<String, Running>>>,
) {
    let mut started = 0;
    loop {
        tokio::time::sleep(GLANCE).await;
        let Ok(pods) = pods(&cluster, namespace.as_deref()).await else { continue };
        let uid = |pod: &Value| pod["metadata"]["uid"].as_str().unwrap().to_owned();
        let gone: Vec<Running> = {
            let mut all = all.lock().unwrap();
            let known: Vec<String> = all.keys().cloned().collect();
            let gone = known.iter().filter(|known| !pods.iter().any(|pod| uid(pod) == **known));
            gone.filter_map(|known| all.remove(known)).collect()
        };
        for Running { program, .. } in gone {
            let programs = Arc::clone(&programs);
            blocking(move || programs.stop(&program, "TERM")).await.unwrap();
        }
        for pod in &pods {
            let uid = uid(pod);
            let known = all.lock().unwrap().get(&uid).cloned();
            let Some(here) = known else {
                let program = format!("pod{started}");
                // What it refers to may be made a moment after it.
                let Ok((command, ports)) = command(&cluster, pod, programs.file(&program)).await else {
                    continue;
                };
                programs.start(&program, &command).unwrap();
                started += 1;
                let pod = pod["metadata"]["name"].as_str().unwrap().to_owned();
                all.lock().unwrap().insert(uid, Running { pod, program, ports, is_ready: false });
                continue;
            };
            // Broken off by a Secret that is being replaced it is done at the next glance.
            drop(files(&cluster, pod, &programs.file(&here.program)).await);
            if !here.is_ready
                && answers(here.ports["metrics"]).await
                && tell_ready(&cluster, pod).await.is_ok()
                && let Some(here) = all.lock().unwrap().get_mut(&uid)
            {
                here.is_ready = true;
            }
        }
    }
}

async fn pods(cluster: &Cluster, namespace: Option<&str>) -> Result<Vec<Value>, PartError> {
    let within = namespace.map_or_else(String::new, |namespace| format!("/namespaces/{namespace}"));
    let path = format!("/api/v1{within}/pods?labelSelector=app.kubernetes.io%2Fpart-of%3Dtenantry");
    let found = cluster.read(&path).await?.unwrap_or_default();
    Ok(found["items"].as_array().cloned().unwrap_or_default())
}

/// The program of a pod's only container, with its files in this folder, and its ports.
async fn command(
    cluster: &Cluster,
    pod: &Value,
    folder: PathBuf,
) -> Result<(Command, BTreeMap<String, u16>), PartError> {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap();
    let container = &pod["spec"]["containers"][0];
    let account = pod["spec"]["serviceAccountName"].as_str().unwrap();
    let kubeconfig = cluster.service_account_kubeconfig(namespace, account).await?;
    files(cluster, pod, &folder).await?;
    let here = |text: &str| {
        let mounts = list(&container["volumeMounts"]);
        mounts.iter().fold(text.to_owned(), |text, mount| {
            let at = folder.join(mount["name"].as_str().unwrap());
            text.replace(mount["mountPath"].as_str().unwrap(), at.to_str().unwrap())
        })
    };
    let is_operator = container["name"] == "operator";
    let mut command = Command::new(built(if is_operator { "tenantry-operator" } else { "tenantry-proxy" })?);
    for argument in list(&container["args"]) {
        command.arg(here(argument.as_str().unwrap()));
    }
    for variable in list(&container["env"]) {
        let (field, secret) =
            (&variable["valueFrom"]["fieldRef"]["fieldPath"], &variable["valueFrom"]["secretKeyRef"]);
        let value = match (field.as_str(), secret["name"].as_str()) {
            (Some(path), _) => pod.pointer(&format!("/{}", path.replace('.', "/"))).unwrap().clone(),
            (None, Some(name)) => {
                let data = data(cluster, &format!("/api/v1/namespaces/{namespace}/secrets/{name}")).await?;
                let bytes = STANDARD.decode(data[secret["key"].as_str().unwrap()].as_str().unwrap()).unwrap();
                json!(String::from_utf8(bytes).unwrap())
            }
            _ => variable["value"].clone(),
        };
        command.env(variable["name"].as_str().unwrap(), here(value.as_str().unwrap()));
    }
    let mut ports = BTreeMap::new();
    for (name, variables) in [
        ("metrics", ["TENANTRY_METRICS_LISTEN", "TENANTRY_ADMIN"]),
        ("webhook", ["TENANTRY_INJECTION_LISTEN", ""]),
        ("requests", ["", "TENANTRY_LISTEN"]),
        ("stream", ["", "TENANTRY_STREAM"]),
    ] {
        let variable = variables[usize::from(!is_operator)];
        if !variable.is_empty() {
            let port = free_port().map_err(PartError::io("127.0.0.1:0"))?;
            command.env(variable, format!("127.0.0.1:{port}"));
            ports.insert(name.to_owned(), port);
        }
    }
    command.env("KUBECONFIG", kubeconfig);
    Ok((command, ports))
}

/// Writes what differs of the files of a pod's volumes.
async fn files(cluster: &Cluster, pod: &Value, folder: &std::path::Path) -> Result<(), PartError> {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap();
    for volume in list(&pod["spec"]["volumes"]) {
        let of = |kind: &str, name: &str| format!("/api/v1/namespaces/{namespace}/{kind}/{name}");
        let (config, secret) = (&volume["configMap"], &volume["secret"]);
        let path = match (config["name"].as_str(), secret["secretName"].as_str()) {
            (Some(name), _) => of("configmaps", name),
            (None, Some(name)) => of("secrets", name),
            (None, None) => continue,
        };
        let items = [list(&config["items"]), list(&secret["items"])].concat();
        let folder = folder.join(volume["name"].as_str().unwrap());
        std::fs::create_dir_all(&folder).map_err(PartError::io(&folder))?;
        for (key, text) in data(cluster, &path).await?.as_object().unwrap() {
            let item = items.iter().find(|item| item["key"] == key.as_str());
            if !items.is_empty() && item.is_none() {
                continue;
            }
            let text = text.as_str().unwrap();
            let bytes =
                if config.is_null() { STANDARD.decode(text).unwrap() } else { text.as_bytes().to_vec() };
            let file = folder.join(item.map_or(key.as_str(), |item| item["path"].as_str().unwrap()));
            if std::fs::read(&file).ok().as_ref() != Some(&bytes) {
                write(&file, &bytes).map_err(PartError::io(&file))?;
            }
        }
    }
    Ok(())
}

/// For nobody else to read, and whole or not at all.
fn write(file: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let partial = file.with_extension("partial");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).open(&partial)?.write_all(bytes)?;
    std::fs::rename(partial, file)
}

/// The texts of a Secret or `ConfigMap`.
async fn data(cluster: &Cluster, path: &str) -> Result<Value, PartError> {
    let found = cluster.read(path).await?;
    let found = found.ok_or_else(|| PartError::io(path)(std::io::ErrorKind::NotFound.into()))?;
    Ok(found["data"].clone())
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
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
