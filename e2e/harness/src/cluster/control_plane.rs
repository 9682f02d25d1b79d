//! etcd, kube-apiserver and kube-controller-manager on free loopback ports, held by a watchdog.

use super::{ClusterOptions, audit, kubeconfig, programs};
use crate::{
    certificates::{Authority, Signed},
    process::{PartError, Watchdog, accepts, free_port, on_free_ports},
};
use rcgen::KeyPair;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// On a busy machine; it takes a tenth of this otherwise.
const PATIENCE: Duration = Duration::from_mins(2);
const API: &str = "api";

/// A running control plane; gone on drop.
#[derive(Debug)]
pub(super) struct ControlPlane {
    watchdog: Watchdog,
    kubectl: PathBuf,
    port: u16,
}

impl ControlPlane {
    pub fn start(options: ClusterOptions) -> Result<Self, PartError> {
        on_free_ports(|| Self::attempt(options))
    }

    fn attempt(options: ClusterOptions) -> Result<Self, PartError> {
        let watchdog = Watchdog::new("tenantry-cluster-")?;
        let [etcd, port] = [free_port(), free_port()].map(|port| port.map_err(PartError::io("127.0.0.1:0")));
        let (etcd, port) = (etcd?, port?);
        write_keys(&watchdog)?;
        for client in ["admin", "controllers"] {
            let server = format!("https://127.0.0.1:{port}");
            let config = kubeconfig::with_certificate(&server, watchdog.folder(), client);
            watchdog.write(&format!("{client}.kubeconfig"), config)?;
        }
        watchdog.write("audit-policy", audit::POLICY)?;
        watchdog.write("audit.log", "")?;

        watchdog.start("etcd", &etcd_command(watchdog.folder(), etcd)?)?;
        watchdog.wait_for("etcd", PATIENCE, || accepts(etcd))?;
        watchdog.start(API, &api_command(watchdog.folder(), etcd, port)?)?;
        let plane = Self { watchdog, kubectl: programs::kubernetes("kubectl")?, port };
        plane.wait_for_api()?;
        if options.controller_manager {
            let name = "controllers";
            plane.watchdog.start(name, &controllers_command(plane.watchdog.folder())?)?;
            // The first thing it does that everybody needs.
            let account = ["get", "serviceaccount", "default", "--namespace", "default"];
            plane.watchdog.wait_for(name, PATIENCE, || plane.succeeds(&account))?;
        }
        Ok(plane)
    }

    pub fn folder(&self) -> &Path {
        self.watchdog.folder()
    }

    /// Takes the API server away as a crash does.
    pub fn stop_api(&self) -> Result<(), PartError> {
        self.watchdog.stop(API, "KILL")
    }

    pub fn start_api(&self) -> Result<(), PartError> {
        if self.watchdog.is_alive(API)? {
            return Ok(());
        }
        self.watchdog.start_again(API)?;
        self.wait_for_api()
    }

    fn wait_for_api(&self) -> Result<(), PartError> {
        let ready = || accepts(self.port) && self.succeeds(&["get", "--raw", "/readyz"]);
        self.watchdog.wait_for(API, PATIENCE, ready)
    }

    fn succeeds(&self, args: &[&str]) -> bool {
        let mut command = go(&self.kubectl);
        command.arg("--kubeconfig").arg(self.watchdog.file("admin.kubeconfig"));
        command.arg("--cache-dir").arg(self.watchdog.file("kubectl")).args(args).env("KUBERC", "off");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// `ca`, `api`, `admin` and `controllers`, and the key that signs service accounts' tokens.
fn write_keys(watchdog: &Watchdog) -> Result<(), PartError> {
    let authority = Authority::new("tenantry test cluster")?;
    watchdog.write("ca.crt", authority.pem())?;
    let write = |name: &str, signed: Signed| {
        watchdog.write(&format!("{name}.crt"), signed.certificate)?;
        watchdog.write(&format!("{name}.key"), signed.key)
    };
    write("api", authority.server(&["kubernetes.default.svc"])?)?;
    write("admin", authority.client("admin", Some("system:masters"))?)?;
    write("controllers", authority.client("system:kube-controller-manager", None)?)?;
    let tokens = KeyPair::generate()?;
    watchdog.write("tokens.pub", tokens.public_key_pem())?;
    watchdog.write("tokens.key", tokens.serialize_pem())?;
    Ok(())
}

/// A program written in Go. There is memory to spare, and every second of the cores counts.
pub(super) fn go(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env("GOGC", "400");
    command
}

fn etcd_command(folder: &Path, port: u16) -> Result<Command, PartError> {
    let url = format!("http://127.0.0.1:{port}");
    let mut command = go(programs::etcd()?);
    command.arg("--data-dir").arg(folder.join("etcd"));
    command.args(["--listen-client-urls", &url, "--advertise-client-urls", &url]);
    command.args(["--listen-peer-urls", "http://127.0.0.1:0", "--unsafe-no-fsync"]);
    Ok(command)
}

fn api_command(folder: &Path, etcd: u16, port: u16) -> Result<Command, PartError> {
    let file = |name: &str| folder.join(name).display().to_string();
    let mut command = go(programs::kubernetes("kube-apiserver")?);
    command.args([
        format!("--etcd-servers=http://127.0.0.1:{etcd}"),
        format!("--secure-port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        // A loopback address is not allowed as an endpoint of the service `kubernetes`.
        "--endpoint-reconciler-type=none".to_owned(),
        format!("--tls-cert-file={}", file("api.crt")),
        format!("--tls-private-key-file={}", file("api.key")),
        format!("--client-ca-file={}", file("ca.crt")),
        "--authorization-mode=RBAC".to_owned(),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
        format!("--service-account-key-file={}", file("tokens.pub")),
        format!("--service-account-signing-key-file={}", file("tokens.key")),
        format!("--audit-policy-file={}", file("audit-policy")),
        format!("--audit-log-path={}", file("audit.log")),
        // Never rotated: a mark is a place in this one file.
        "--audit-log-maxsize=100000".to_owned(),
        "--profiling=false".to_owned(),
    ]);
    Ok(command)
}

fn controllers_command(folder: &Path) -> Result<Command, PartError> {
    let file = |name: &str| folder.join(name).display().to_string();
    let mut command = go(programs::kubernetes("kube-controller-manager")?);
    command.args([
        format!("--kubeconfig={}", file("controllers.kubeconfig")),
        format!("--service-account-private-key-file={}", file("tokens.key")),
        format!("--root-ca-file={}", file("ca.crt")),
        "--use-service-account-credentials=true".to_owned(),
        "--leader-elect=false".to_owned(),
        // Nobody asks it anything.
        "--secure-port=0".to_owned(),
    ]);
    Ok(command)
}
