//! The parts: a control plane, a database, the chart's roles, and operators as the chart runs them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tenantry_harness::process::{Watchdog, built, free_port, run};
use tenantry_harness::{Cluster, ClusterOptions, Database, Postgres};

use crate::client::Client;
use crate::figures::{self, Figures};

/// How often an operator is asked how far it is.
const GLANCE: Duration = Duration::from_millis(50);

pub struct Parts {
    pub cluster: Cluster,
    pub client: Client,
    pub namespace: String,
    pub database: Database,
    kubeconfig: PathBuf,
}

/// What a database has written.
pub struct Written {
    pub rows: u64,
    pub transactions: u64,
}

impl Parts {
    pub async fn start() -> anyhow::Result<Self> {
        let cluster = Cluster::start(ClusterOptions::default()).await?;
        let namespace = cluster.namespace("bench").await?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let helm = run(Command::new(root.join("tools/helm.sh")), String::new()).await?;
        let template = |chart: &str, more: &[&str]| {
            let mut command = Command::new(helm.trim());
            command
                .args(["template", &namespace, "--namespace", &namespace])
                .arg(root.join(chart))
                .args(more);
            run(command, String::new())
        };
        let definitions = template("charts/tenantry-crds", &[]).await?;
        cluster.kubectl_stdin(&["apply", "--server-side", "-f", "-"], &definitions).await?;
        let watch = format!("watchNamespaces={{{namespace}}}");
        let only = ["--show-only", "templates/rbac.yaml", "--show-only", "templates/serviceaccount.yaml"];
        let more = ["--set", &watch, "--set", "rbac.aggregate=false", only[0], only[1], only[2], only[3]];
        cluster.apply(&template("charts/tenantry", &more).await?).await?;
        let definitions = ["crd/backends.tenantry.io", "crd/organizations.tenantry.io"];
        cluster.kubectl(&["wait", "--for=condition=Established", definitions[0], definitions[1]]).await?;
        let account = format!("{namespace}-tenantry-operator");
        Ok(Self {
            client: Client::new(cluster.kubeconfig())?,
            kubeconfig: cluster.service_account_kubeconfig(&namespace, &account).await?,
            database: Postgres::start().await?.create_database().await?,
            cluster,
            namespace,
        })
    }

    /// The operators' user, as the audit log names it.
    pub fn account(&self) -> String {
        format!("system:serviceaccount:{0}:{0}-tenantry-operator", self.namespace)
    }

    /// Starts an operator with the settings of the chart.
    pub fn operator(&self, name: &str) -> anyhow::Result<Operator> {
        let namespace = &self.namespace;
        let watchdog = Watchdog::new("tenantry-bench-")?;
        let lease = format!("lease: {{ name: {namespace}-tenantry-operator }}\n");
        let metrics = format!("127.0.0.1:{}", free_port()?);
        let mut command = Command::new(built("tenantry-operator")?);
        command
            .args(["run", "--watch-namespaces", namespace, "--namespace", namespace])
            .args(["--metrics-listen", &metrics])
            .env("POD_NAME", name)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("TENANTRY_CONFIG", watchdog.write("operator.yaml", lease)?);
        watchdog.start("operator", &command)?;
        Ok(Operator { watchdog, metrics, http: reqwest::Client::new() })
    }

    /// A Backend on the database, until it is Ready.
    pub async fn backend(&self) -> anyhow::Result<()> {
        let ca = std::fs::read_to_string(self.database.ca_path())?.replace('\n', "\n    ");
        let url = self.database.url();
        let url = url.split('?').next().context("a URL")?;
        let yaml = format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{ name: app-db }}\nstringData:\n  DATABASE_URL: {url}\n  ca.crt: |\n    {ca}\n---\n\
             apiVersion: tenantry.io/v1alpha1\nkind: Backend\nmetadata: {{ name: app }}\nspec:\n  publicUrl: https://app.example.com\n  \
             upstream: {{ url: \"http://127.0.0.1:8000\" }}\n  database:\n    urlSecretRef: {{ name: app-db, key: DATABASE_URL }}\n    \
             caSecretRef: {{ name: app-db, key: ca.crt }}\n"
        );
        self.cluster.kubectl_stdin(&["--namespace", &self.namespace, "apply", "-f", "-"], &yaml).await?;
        let wait =
            ["--namespace", &self.namespace, "wait", "--for=condition=Ready", "backend/app", "--timeout=2m"];
        self.cluster.kubectl(&wait).await?;
        Ok(())
    }

    /// What the database has written so far: a server tells of it about a second later.
    pub async fn written(&self) -> anyhow::Result<Written> {
        let sql = "SELECT tup_inserted + tup_updated + tup_deleted, xact_commit FROM pg_stat_database WHERE datname = current_database()";
        let text = self.database.psql(sql).await?;
        let (rows, transactions) = text.trim().split_once('|').context("pg_stat_database")?;
        Ok(Written { rows: rows.parse()?, transactions: transactions.parse()? })
    }
}

pub struct Operator {
    watchdog: Watchdog,
    metrics: String,
    http: reqwest::Client,
}

impl Operator {
    pub async fn figures(&self) -> anyhow::Result<Figures> {
        let url = format!("http://{}/metrics", self.metrics);
        Ok(Figures::read(&self.http.get(url).send().await?.text().await?))
    }

    /// Waits until so many reconciles of Organizations ended well.
    pub async fn reconciled(&self, count: u64, patience: Duration) -> anyhow::Result<()> {
        self.until(patience, |figures| figures.organizations >= count).await
    }

    /// Waits until it leads.
    pub async fn leads(&self, patience: Duration) -> anyhow::Result<()> {
        self.until(patience, |figures| figures.leads).await
    }

    /// Waits until it says anything.
    pub async fn answers(&self, patience: Duration) -> anyhow::Result<()> {
        self.until(patience, |_| true).await
    }

    async fn until(&self, patience: Duration, done: impl Fn(&Figures) -> bool) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            // It does not listen yet, or it is what it should be.
            if self.figures().await.is_ok_and(|figures| done(&figures)) {
                return Ok(());
            }
            anyhow::ensure!(began.elapsed() < patience, "the operator is not as far\n{}", self.log());
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Resident memory now and at most, in MiB.
    pub fn memory(&self) -> anyhow::Result<(u64, u64)> {
        figures::memory(&self.metrics)
    }

    pub fn stop(&self, signal: &str) -> anyhow::Result<()> {
        Ok(self.watchdog.stop("operator", signal)?)
    }

    pub fn start_again(&self) -> anyhow::Result<()> {
        Ok(self.watchdog.start_again("operator")?)
    }

    pub fn log(&self) -> String {
        self.watchdog.log("operator")
    }
}
