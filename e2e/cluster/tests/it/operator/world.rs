//! A namespace with its own operator, under the chart's roles, on a database of its own, and perhaps a vault.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tenantry_harness::process::{Watchdog, built, free_port, run};
use tenantry_harness::{Cluster, Database, Postgres, Vault};

/// What a test wants.
#[derive(Default)]
pub struct Wanted {
    /// A Secrets Manager endpoint.
    pub vault: bool,
    /// A database server of its own, to be taken away.
    pub own_postgres: bool,
}

pub struct World {
    pub cluster: Cluster,
    pub namespace: String,
    pub database: Database,
    pub postgres: Option<Postgres>,
    pub vault: Option<Vault>,
    pub operator: Watchdog,
    command: Command,
}

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

impl World {
    pub async fn start(wanted: Wanted) -> Self {
        let cluster = Cluster::shared().await.unwrap().clone();
        let namespace = cluster.namespace("app").await.unwrap();
        Self::start_in(cluster, namespace, wanted).await
    }

    pub async fn start_in(cluster: Cluster, namespace: String, wanted: Wanted) -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let helm = tool(&root, "tools/helm.sh").await;
        install(&cluster, &root, &helm, &namespace).await;
        let postgres = if wanted.own_postgres { Some(Postgres::start().await.unwrap()) } else { None };
        let database = match &postgres {
            Some(postgres) => postgres.create_database().await.unwrap(),
            None => Postgres::shared().await.unwrap().create_database().await.unwrap(),
        };
        let vault = if wanted.vault { Some(Vault::start().await.unwrap()) } else { None };
        let account = format!("{namespace}-tenantry-operator");
        let kubeconfig = cluster.service_account_kubeconfig(&namespace, &account).await.unwrap();
        let operator = Watchdog::new("operator").unwrap();
        let mut command = Command::new(built("tenantry-operator").unwrap());
        command
            .args(["run", "--log-format", "text", "--log", "info,tenantry_operator=debug", "--resync", "20s"])
            .args(["--watch-namespaces", &namespace, "--namespace", &namespace])
            .args(["--metrics-listen", &format!("127.0.0.1:{}", free_port().unwrap())])
            .args(["--cluster-id", &namespace])
            .env("KUBECONFIG", kubeconfig)
            .env(
                "TENANTRY_CONFIG",
                operator.write("operator.yaml", format!("lease: {{ name: {account} }}\n")).unwrap(),
            );
        if let Some(vault) = &vault {
            command.envs(vault.environment());
        }
        let world = Self { cluster, namespace, database, postgres, vault, operator, command };
        world.operator.start("operator", &world.command).unwrap();
        world
    }

    pub async fn kubectl(&self, args: &[&str]) -> String {
        self.try_kubectl(args).await.unwrap_or_else(|error| panic!("kubectl {}: {error}", args.join(" ")))
    }

    pub async fn try_kubectl(&self, args: &[&str]) -> Result<String, String> {
        let mut all = vec!["--namespace", &self.namespace];
        all.extend(args);
        self.cluster.kubectl(&all).await.map_err(|error| error.to_string())
    }

    pub async fn apply(&self, yaml: &str) {
        self.cluster
            .kubectl_stdin(&["--namespace", &self.namespace, "apply", "-f", "-"], yaml)
            .await
            .unwrap_or_else(|error| panic!("{yaml}\n{error}"));
    }

    /// A Backend called `app` on the database, with a Secret of its URL.
    pub async fn backend(&self, more: &str) {
        let ca = std::fs::read_to_string(self.database.ca_path()).unwrap().replace('\n', "\n    ");
        let url = self.database.url();
        let url = url.split('?').next().unwrap();
        let aws = self.vault.as_ref().map_or_else(String::new, |vault| {
            format!("  aws: {{ region: us-east-1, prefix: tenantry, endpoint: \"{}\" }}\n", vault.endpoint())
        });
        self.apply(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{ name: app-db }}\nstringData:\n  DATABASE_URL: {url}\n  ca.crt: |\n    {ca}\n---\n\
             apiVersion: tenantry.io/v1alpha1\nkind: Backend\nmetadata: {{ name: app }}\nspec:\n  publicUrl: https://app.example.com\n  \
             upstream: {{ url: \"http://127.0.0.1:8000\" }}\n  database:\n    urlSecretRef: {{ name: app-db, key: DATABASE_URL }}\n    \
             caSecretRef: {{ name: app-db, key: ca.crt }}\n{aws}{more}"
        ))
        .await;
    }

    /// An Organization; `spec` is more of it, a line each, indented by two.
    pub async fn organization(&self, name: &str, spec: &str) {
        self.apply(&organization(name, spec)).await;
    }

    pub async fn ready(&self, what: &str) {
        self.until(what, "Ready", "True").await;
    }

    /// Waits for a condition; the resource.
    pub async fn until(&self, what: &str, condition: &str, status: &str) -> Value {
        self.wait(&format!("{what}: {condition}={status}"), async || {
            let found = self.get(what).await?;
            let is = find(&found, condition)?["status"] == status;
            is.then_some(found)
        })
        .await
    }

    /// Waits for a condition with this reason; its message.
    pub async fn reason(&self, what: &str, condition: &str, reason: &str) -> String {
        self.wait(&format!("{what}: {condition} because of {reason}"), async || {
            let found = self.get(what).await?;
            let condition = find(&found, condition)?;
            (condition["reason"] == reason)
                .then(|| condition["message"].as_str().unwrap_or_default().to_owned())
        })
        .await
    }

    pub async fn gone(&self, what: &str) {
        self.wait(&format!("{what}: gone"), async || self.get(what).await.is_none().then_some(())).await;
    }

    pub async fn get(&self, what: &str) -> Option<Value> {
        let text = self.try_kubectl(&["get", what, "-o", "json"]).await.ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The texts of a Secret.
    pub async fn secret(&self, name: &str) -> Option<std::collections::BTreeMap<String, String>> {
        let secret = self.get(&format!("secret/{name}")).await?;
        let data = secret["data"].as_object()?.clone();
        let read = |value: &Value| {
            use base64::Engine as _;
            let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap()).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        Some(data.iter().map(|(key, value)| (key.clone(), read(value))).collect())
    }

    pub async fn psql(&self, sql: &str) -> String {
        self.database.psql(sql).await.unwrap().trim().to_owned()
    }

    /// Looks until there is an answer.
    pub async fn wait<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            if began.elapsed() > PATIENCE {
                let state = self.try_kubectl(&["get", "tenantry", "-o", "yaml"]).await;
                panic!(
                    "{what} did not come true\n{}\n{}",
                    state.unwrap_or_default(),
                    self.operator.log("operator")
                );
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Ends the operator at once, as a crash does.
    pub fn kill(&self) {
        self.operator.stop("operator", "KILL").unwrap();
    }

    pub fn start_again(&self) {
        self.operator.start_again("operator").unwrap();
    }
}

pub fn find<'a>(resource: &'a Value, condition: &str) -> Option<&'a Value> {
    resource["status"]["conditions"].as_array()?.iter().find(|found| found["type"] == condition)
}

pub fn organization(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: tenantry.io/v1alpha1\nkind: Organization\nmetadata: {{ name: {name} }}\nspec:\n  displayName: {name}\n{spec}"
    )
}

async fn tool(root: &std::path::Path, script: &str) -> PathBuf {
    let path = run(Command::new(root.join(script)), String::new()).await.unwrap();
    PathBuf::from(path.trim())
}

/// The definitions, and what the chart makes for an operator in this namespace, but for the pods.
async fn install(cluster: &Cluster, root: &std::path::Path, helm: &std::path::Path, namespace: &str) {
    let template = |chart: &str, more: &[&str]| {
        let mut command = Command::new(helm);
        command
            .arg("template")
            .arg(namespace)
            .arg(root.join(chart))
            .args(["--namespace", namespace])
            .args(more);
        run(command, String::new())
    };
    let definitions = template("charts/tenantry-crds", &[]).await.unwrap();
    cluster
        .kubectl_stdin(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &definitions)
        .await
        .unwrap();
    let watch = format!("watchNamespaces={{{namespace}}}");
    let only = ["--show-only", "templates/rbac.yaml", "--show-only", "templates/serviceaccount.yaml"];
    let more: Vec<&str> =
        ["--set", &watch, "--set", "rbac.aggregate=false"].into_iter().chain(only).collect();
    let roles = template("charts/tenantry", &more).await.unwrap();
    cluster.apply(&roles).await.unwrap();
    let established =
        ["wait", "--for=condition=Established", "crd/backends.tenantry.io", "crd/organizations.tenantry.io"];
    cluster.kubectl(&established).await.unwrap();
}
