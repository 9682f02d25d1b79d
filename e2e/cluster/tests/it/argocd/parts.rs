//! Argo CD's own programs on loopback ports: a repo-server, an application-controller and an applicationset-controller, on a Redis, as an
//! administrator of the cluster.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tenantry_harness::process::{Watchdog, accepts, free_port, run};
use tenantry_harness::{Cluster, Redis};

use crate::operator::world::established;
use crate::repository;

const PATIENCE: Duration = Duration::from_mins(2);

/// What an installation of Argo CD has before anybody's Application.
const INSTALLED: &str = "apiVersion: v1
kind: ConfigMap
metadata: { name: argocd-cm, namespace: argocd, labels: { app.kubernetes.io/part-of: argocd } }
data: { url: https://argocd.example.com }
---
apiVersion: v1
kind: Secret
metadata: { name: argocd-secret, namespace: argocd, labels: { app.kubernetes.io/part-of: argocd } }
stringData: { server.secretkey: for-nobody-but-this-test }
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: { name: default, namespace: argocd }
spec:
  sourceRepos: ['*']
  destinations: [{ namespace: '*', server: '*' }]
  clusterResourceWhitelist: [{ group: '*', kind: '*' }]
";

/// Argo CD, gone on drop.
pub struct Argo {
    cluster: Cluster,
    programs: Watchdog,
    binaries: PathBuf,
    _redis: Redis,
}

impl Argo {
    pub async fn start(cluster: &Cluster) -> Self {
        install(cluster).await;
        let binaries = tool("argocd-server").await;
        let helm = tool("helm").await;
        let redis = Redis::start().await.unwrap();
        let programs = Watchdog::new("tenantry-argocd-").unwrap();
        std::fs::create_dir(programs.file("bin")).unwrap();
        std::os::unix::fs::symlink(helm, programs.file("bin").join("helm")).unwrap();
        let argo = Self { cluster: cluster.clone(), programs, binaries, _redis: redis.clone() };
        let [repo, repo_metrics, metrics, sets, probe, hooks] = [(); 6].map(|()| free_port().unwrap());
        let here = |port: u16| format!("127.0.0.1:{port}");

        let mut server = argo.program("argocd-repo-server", &redis);
        server.args(["--disable-tls", "--client-ca-path=", "--revision-cache-expiration", "3s"]);
        server.args(["--address", "127.0.0.1", "--port", &repo.to_string()]);
        server.args(["--metrics-address", "127.0.0.1", "--metrics-port", &repo_metrics.to_string()]);
        argo.run("repository", &server, repo);

        let asks = ["--repo-server-plaintext", "--namespace", "argocd", "--kubeconfig"];
        let mut controller = argo.program("argocd-application-controller", &redis);
        controller.args(asks).arg(cluster.kubeconfig());
        controller.args(["--repo-server", &here(repo), "--metrics-port", &metrics.to_string()]);
        // A commit is seen, and what is there compared, this often.
        controller.args(["--app-resync", "5", "--app-resync-jitter", "0"]);
        argo.run("applications", &controller, metrics);

        let mut controller = argo.program("argocd-applicationset-controller", &redis);
        controller.args(asks).arg(cluster.kubeconfig()).args(["--argocd-repo-server", &here(repo)]);
        controller.args([
            "--metrics-addr",
            &here(sets),
            "--probe-addr",
            &here(probe),
            "--webhook-addr",
            &here(hooks),
        ]);
        argo.run("sets", &controller, sets);
        argo
    }

    /// One of the programs that Argo CD's only binary is.
    fn program(&self, name: &str, redis: &Redis) -> Command {
        let folder = self.programs.folder();
        let path = [folder.join("bin"), self.binaries.clone()];
        let own = std::env::var_os("PATH").unwrap();
        let path = path.into_iter().chain(std::env::split_paths(&own));
        let mut command = Command::new(self.binaries.join("argocd"));
        command
            .env("ARGOCD_BINARY_NAME", name)
            .env("ARGOCD_FAKE_IN_CLUSTER", "true")
            .env("ARGOCD_GPG_ENABLED", "false")
            .env("ARGOCD_TLS_DATA_PATH", folder)
            .env("ARGOCD_SSH_DATA_PATH", folder)
            .env("ARGOCD_PLUGINSOCKFILEPATH", folder)
            .env("HOSTNAME", format!("{name}-0"))
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("HOME", folder)
            .env("TMPDIR", folder)
            .env("GOGC", "400");
        if name != "argocd-applicationset-controller" {
            command.env("REDIS_USERNAME", "admin").env("REDIS_PASSWORD", redis.password());
            command.args(["--redis", &format!("127.0.0.1:{}", redis.port()), "--redis-use-tls"]);
            command.arg("--redis-ca-certificate").arg(redis.ca_path());
        }
        command
    }

    fn run(&self, name: &str, command: &Command, port: u16) {
        self.programs.start(name, command).unwrap();
        self.programs.wait_for(name, PATIENCE, || accepts(port)).unwrap();
    }

    /// What it says of a resource's health when it is asked on the command line, with the settings of the cluster.
    pub async fn says_of(&self, object: &str) -> String {
        let settings = ["configmap/argocd-cm", "secret/argocd-secret"];
        let mut files = vec![self.programs.write("object.yaml", object).unwrap()];
        for (number, what) in settings.iter().enumerate() {
            let get = ["get", what, "--namespace", "argocd", "--output", "yaml"];
            let text = self.cluster.kubectl(&get).await.unwrap();
            files.push(self.programs.write(&format!("settings{number}.yaml"), text).unwrap());
        }
        let mut command = Command::new(self.binaries.join("argocd"));
        command.args(["admin", "settings", "resource-overrides", "health"]).arg(&files[0]);
        command.arg("--argocd-cm-path").arg(&files[1]).arg("--argocd-secret-path").arg(&files[2]);
        command.env("HOME", self.programs.folder());
        run(command, String::new()).await.unwrap()
    }

    /// The ends of its logs, the lines of a fault first.
    pub fn logs(&self) -> String {
        let of = |name: &str| {
            let log = self.programs.whole_log(name);
            let faults = log.lines().filter(|line| line.contains("\"error\"") || line.contains("\"fatal\""));
            let faults: Vec<&str> = faults.collect();
            let from = faults.len().saturating_sub(20);
            format!("{name}:\n{}\n{}", faults[from..].join("\n"), self.programs.log(name))
        };
        ["repository", "applications", "sets"].map(of).join("\n")
    }

    /// An Application as it stands.
    pub async fn application(&self, name: &str) -> Option<Value> {
        let path = format!("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/{name}");
        self.cluster.read(&path).await.unwrap()
    }
}

/// The definitions, the settings and the project.
async fn install(cluster: &Cluster) {
    cluster.kubectl(&["create", "namespace", "argocd"]).await.unwrap();
    let folder = tool("argocd").await;
    let folder = folder.to_str().unwrap();
    // Server-side, as they are too large for an annotation.
    cluster.kubectl(&["apply", "--server-side", "--filename", folder]).await.unwrap();
    established(cluster, &["--filename", folder]).await;
    cluster.apply(INSTALLED).await.unwrap();
}

/// What `tools/NAME.sh` prints.
async fn tool(name: &str) -> PathBuf {
    let path = run(Command::new(repository(&format!("tools/{name}.sh"))), String::new()).await.unwrap();
    Path::new(path.trim()).to_owned()
}
