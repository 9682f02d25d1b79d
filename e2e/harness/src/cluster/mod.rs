//! A Kubernetes control plane for tests: a real API server with RBAC, admission, service-account tokens and an audit
//! log, and the controllers behind it; no node, so pods stay pending.
//!
//! [`programs`] finds what `tools/kubernetes.sh` built, [`control_plane`] starts and holds it, [`kubeconfig`] writes
//! who may speak to it, [`reader`] reads what is there, [`audit`] what was asked of it.

mod audit;
mod control_plane;
mod kubeconfig;
mod programs;
mod reader;

pub use audit::{AuditEvent, AuditMark};
pub use programs::version;

use crate::process::{PartError, Watchdog, blocking, random_password, run};
use control_plane::ControlPlane;
use reader::Reader;
use serde_json::Value;
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};
use tokio::sync::OnceCell;

/// What a control plane consists of.
#[derive(Clone, Copy, Debug)]
pub struct ClusterOptions {
    /// Whether to run kube-controller-manager. Without it namespaces get no `default` service account and do not go
    /// when they are deleted, nothing is garbage-collected and Deployments make no pods.
    pub controller_manager: bool,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self { controller_manager: true }
    }
}

/// A cluster that tests may do anything in; cloning shares it. Ours are gone on drop or when the test process dies.
#[derive(Clone, Debug)]
pub struct Cluster(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kubectl: PathBuf,
    kubeconfig: PathBuf,
    // Before the control plane, so that it goes first.
    reader: OnceCell<Reader>,
    home: Home,
}

#[derive(Debug)]
enum Home {
    Ours(ControlPlane),
    /// The cluster of `KUBECONFIG`, with a folder for our files about it.
    Theirs(Watchdog),
}

impl Cluster {
    /// Starts a cluster of one's own. Most tests want [`Cluster::shared`].
    pub async fn start(options: ClusterOptions) -> Result<Self, PartError> {
        let plane = blocking(move || ControlPlane::start(options)).await?;
        Ok(Self(Arc::new(Inner {
            kubectl: programs::kubernetes("kubectl")?,
            kubeconfig: plane.folder().join("admin.kubeconfig"),
            reader: OnceCell::new(),
            home: Home::Ours(plane),
        })))
    }

    /// The one cluster of this test process, started by the first caller; tests keep apart by [`Cluster::namespace`].
    /// With `KUBECONFIG` in the environment it is that one's current context, and nothing is started.
    pub async fn shared() -> Result<&'static Self, PartError> {
        static SHARED: OnceCell<Cluster> = OnceCell::const_new();
        let named = std::env::var_os("KUBECONFIG").is_some_and(|path| !path.is_empty());
        SHARED
            .get_or_try_init(|| async {
                if named { Self::outside().await } else { Self::start(ClusterOptions::default()).await }
            })
            .await
    }

    /// The cluster that `KUBECONFIG` names.
    async fn outside() -> Result<Self, PartError> {
        let kubectl = programs::kubectl()?;
        let mut view = Command::new(&kubectl);
        view.args(["config", "view", "--raw", "--flatten", "--minify"]).env("KUBERC", "off");
        let config = run(view, String::new()).await?;
        // Its keys must not stay behind either, and what is shared is never dropped.
        let folder = Watchdog::new("tenantry-cluster-")?;
        let kubeconfig = folder.write("admin.kubeconfig", config)?;
        note("the tests use the cluster of KUBECONFIG; what needs its audit log is left out");
        let reader = OnceCell::new();
        Ok(Self(Arc::new(Inner { kubectl, kubeconfig, reader, home: Home::Theirs(folder) })))
    }

    /// The kubeconfig of a cluster administrator.
    pub fn kubeconfig(&self) -> &Path {
        &self.0.kubeconfig
    }

    /// The `kubectl` that fits the cluster.
    pub fn kubectl_path(&self) -> &Path {
        &self.0.kubectl
    }

    /// Runs kubectl as administrator and returns what it printed; add `--kubeconfig` to be someone else.
    pub async fn kubectl(&self, args: &[&str]) -> Result<String, PartError> {
        self.kubectl_stdin(args, "").await
    }

    /// As [`Cluster::kubectl`], with `input` on its standard input.
    pub async fn kubectl_stdin(&self, args: &[&str], input: &str) -> Result<String, PartError> {
        let mut command = self.command();
        command.args(args);
        run(command, input.to_owned()).await
    }

    fn command(&self) -> Command {
        let mut command = control_plane::go(&self.0.kubectl);
        command.arg("--kubeconfig").arg(&self.0.kubeconfig);
        command.arg("--cache-dir").arg(self.folder().join("kubectl")).env("KUBERC", "off");
        command
    }

    /// What stands at a path of the API, such as `/api/v1/namespaces/default/secrets/one`, as an administrator sees it; `None` where
    /// there is nothing.
    pub async fn read(&self, path: &str) -> Result<Option<Value>, PartError> {
        let start = async || {
            let command = self.command();
            blocking(move || Reader::start(command)).await
        };
        self.0.reader.get_or_try_init(start).await?.read(path).await
    }

    /// Applies documents in YAML as administrator.
    pub async fn apply(&self, yaml: &str) -> Result<String, PartError> {
        self.kubectl_stdin(&["apply", "--filename", "-"], yaml).await
    }

    /// Creates a namespace that nobody else uses, `<prefix>-<random>`.
    pub async fn namespace(&self, prefix: &str) -> Result<String, PartError> {
        let random = random_password().map_err(PartError::io("/dev/urandom"))?;
        let name = format!("{prefix}-{}", &random[..8]);
        self.kubectl(&["create", "namespace", &name]).await?;
        Ok(name)
    }

    /// A kubeconfig with a token for an existing service account, good for an hour.
    pub async fn service_account_kubeconfig(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<PathBuf, PartError> {
        let token = self.kubectl(&["create", "token", name, "--namespace", namespace]).await?;
        let view = ["config", "view", "--raw", "--flatten", "--minify", "--output", "json"];
        let config = kubeconfig::with_token(&self.kubectl(&view).await?, token.trim(), namespace)?;
        let path = self.folder().join(format!("{namespace}.{name}.kubeconfig"));
        std::fs::write(&path, config).map_err(PartError::io(&path))?;
        Ok(path)
    }

    /// Everything the API server was asked; `None` for a cluster that is not ours. An event comes with its answer, or
    /// a moment later when the answer is large. A log that cannot be read panics, as it would prove anything.
    pub fn audit(&self) -> Option<Vec<AuditEvent>> {
        self.audit_since(AuditMark::default())
    }

    /// The end of the audit log as it is now.
    pub fn audit_mark(&self) -> AuditMark {
        AuditMark(std::fs::metadata(self.folder().join("audit.log")).map_or(0, |log| log.len()))
    }

    /// As [`Cluster::audit`], of what was written after `mark`; the end of a watch that began before is among it.
    pub fn audit_since(&self, mark: AuditMark) -> Option<Vec<AuditEvent>> {
        let Home::Ours(plane) = &self.0.home else { return None };
        match audit::read(&plane.folder().join("audit.log"), mark) {
            Ok(events) => Some(events),
            Err(error) => panic!("the audit log cannot be read: {error}"),
        }
    }

    /// Takes the API server away, as a crash does; etcd and the controllers go on. Not for a shared cluster.
    pub async fn stop_api(&self) -> Result<(), PartError> {
        self.with_plane(ControlPlane::stop_api).await
    }

    /// Brings the API server back on the same port with the same data, and waits until it is ready.
    pub async fn start_api(&self) -> Result<(), PartError> {
        self.with_plane(ControlPlane::start_api).await
    }

    async fn with_plane(
        &self,
        work: impl FnOnce(&ControlPlane) -> Result<(), PartError> + Send + 'static,
    ) -> Result<(), PartError> {
        let inner = Arc::clone(&self.0);
        blocking(move || match &inner.home {
            Home::Ours(plane) => work(plane),
            Home::Theirs(_) => Err(PartError::Refused(
                "the cluster of KUBECONFIG is not ours to stop; Cluster::start makes one that is".to_owned(),
            )),
        })
        .await
    }

    fn folder(&self) -> &Path {
        match &self.0.home {
            Home::Ours(plane) => plane.folder(),
            Home::Theirs(folder) => folder.folder(),
        }
    }
}

/// Tells it even for tests that pass: their captured output is not shown, the stream itself is.
fn note(text: &str) {
    // Nobody to tell it to is no reason to fail.
    _ = writeln!(std::io::stderr(), "{text}");
}
