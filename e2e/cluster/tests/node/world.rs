//! The operator and the examples, installed as the pages say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::Value;
use tenantry_harness::Cluster;
use tenantry_harness::process::run;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(4);
/// In place of the password that the example is too weak with on purpose.
pub const PASSWORD: &str = "copper-lantern-4711-Drift";
/// Where the operator is.
pub const SYSTEM: &str = "tenantry-system";
/// Where the Backend and its pods are.
pub const NAMESPACE: &str = "mini-xdr";

pub struct World {
    cluster: Cluster,
    began: Instant,
}

impl World {
    /// Everything as the examples have it, and ready. What stands from before is used.
    pub async fn start() -> Self {
        let world = Self { cluster: Cluster::shared().await.unwrap().clone(), began: Instant::now() };
        world.tell("the charts are installed");
        world.install().await;
        world.tell("the examples are applied");
        world.apply(&examples()).await;
        // Whatever is in that namespace keeps to the strictest of the standards: the authority, the gates, the backend.
        let standard = "pod-security.kubernetes.io/enforce=restricted";
        world.kubectl(&["label", "--overwrite", "namespace", NAMESPACE, standard]).await;
        for what in ["backend/mini-xdr", "organization/mini-corp", "organization/harbor-lights"] {
            world.ready(what).await;
        }
        world.rolled_out(NAMESPACE, "deployment/mini-xdr-authority").await;
        world.rolled_out(NAMESPACE, "deployment/mini-xdr").await;
        world
    }

    /// Says what is being done.
    #[allow(clippy::print_stderr, reason = "whoever waits for it is told")]
    pub fn tell(&self, text: &str) {
        eprintln!("    {:>4} s  {text}", self.began.elapsed().as_secs());
    }

    async fn install(&self) {
        for chart in ["tenantry-crds", "tenantry"] {
            let mut helm = Command::new(variable("HELM"));
            helm.args(["upgrade", "--install", chart]).arg(repository(&format!("charts/{chart}")));
            helm.args(["--namespace", SYSTEM, "--create-namespace", "--wait", "--timeout", "4m"]);
            helm.env("KUBECONFIG", self.cluster.kubeconfig());
            run(helm, String::new()).await.unwrap_or_else(|error| panic!("{chart}: {error}"));
        }
    }

    pub async fn kubectl(&self, args: &[&str]) -> String {
        self.kubectl_stdin(args, "").await
    }

    pub async fn kubectl_stdin(&self, args: &[&str], input: &str) -> String {
        let done = self.cluster.kubectl_stdin(args, input).await;
        done.unwrap_or_else(|error| panic!("kubectl {}: {error}", args.join(" ")))
    }

    /// The same in the Backend's namespace.
    pub async fn in_namespace(&self, args: &[&str]) -> String {
        self.kubectl(&[&["--namespace", NAMESPACE], args].concat()).await
    }

    /// A command of kubectl that goes on while others are run.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.cluster.kubectl_path());
        command.arg("--kubeconfig").arg(self.cluster.kubeconfig()).env("KUBERC", "off");
        command
    }

    pub async fn apply(&self, yaml: &str) {
        self.kubectl_stdin(&["apply", "--filename", "-"], yaml).await;
    }

    /// Something of the Backend's namespace, as the API server has it.
    pub async fn get(&self, what: &str) -> Value {
        serde_json::from_str(&self.in_namespace(&["get", what, "--output", "json"]).await).unwrap()
    }

    /// Those of a kind in the Backend's namespace that a label selects.
    pub async fn list(&self, kind: &str, selector: &str) -> Vec<Value> {
        let text = self.in_namespace(&["get", kind, "--selector", selector, "--output", "json"]).await;
        let list: Value = serde_json::from_str(&text).unwrap();
        list["items"].as_array().unwrap().clone()
    }

    /// The texts of a Secret of the Backend's namespace.
    pub async fn secret(&self, name: &str) -> BTreeMap<String, String> {
        let secret = self.get(&format!("secret/{name}")).await;
        let text = |value: &Value| {
            let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap()).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        let data = secret["data"].as_object().unwrap();
        data.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }

    async fn ready(&self, what: &str) {
        self.wait(&format!("{what} is ready"), async || {
            let found = self.get(what).await;
            let conditions = found["status"]["conditions"].as_array()?;
            conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True").then_some(())
        })
        .await;
    }

    pub async fn rolled_out(&self, namespace: &str, deployment: &str) {
        self.kubectl(&["--namespace", namespace, "rollout", "status", "--timeout=4m", deployment]).await;
    }

    /// Looks until there is an answer.
    pub async fn wait<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "{what}: did not come true\n{}", self.state().await);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn state(&self) -> String {
        let resources = self.in_namespace(&["get", "tenantry", "--output", "yaml"]).await;
        let pods = self.kubectl(&["get", "pods", "--all-namespaces", "--output", "wide"]).await;
        format!("{resources}\n{pods}")
    }
}

/// The examples as somebody has edited them who was told what to put where.
fn examples() -> String {
    let ca = std::fs::read_to_string(variable("E2E_DATABASE_CA")).unwrap();
    let placeholder = "-----BEGIN CERTIFICATE-----\n    put the authority's certificate here\n    -----END CERTIFICATE-----";
    let edits = [
        ("postgres://tenantry:change-me@db.example.com:5432/mini_xdr", variable("E2E_DATABASE_URL")),
        (placeholder, ca.trim().replace('\n', "\n    ")),
        ("password: change-me ", format!("password: {PASSWORD} ")),
    ];
    let folder = std::fs::read_dir(repository("examples/kubernetes")).unwrap();
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    let texts: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    edits.iter().fold(texts.join("\n---\n"), |text, (from, to)| {
        assert!(text.contains(from), "the examples have no {from} any more");
        text.replace(from, to)
    })
}

/// A path of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: `make e2e-cluster` runs this"))
}
