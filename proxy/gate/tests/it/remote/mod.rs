//! A gate whose authority is another process: real TLS between them, a directory that is streamed, files that are replaced.

mod credential;
mod cut_off;
mod held_back;
pub mod server;
mod stream;
mod trust;
mod withdrawn;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tenantry_directory::{Snapshot, fixtures};
use tenantry_gate::{
    AuthorityEndpoint, Credential, Fingerprint, Gate, GateClock, GateConfig, RemoteDirectory, Running,
    TlsSource, Trust,
};
use tenantry_harness::certificates::Authority as Ca;
use tokio::net::TcpStream;

use self::server::Remote;
use crate::world::{Recorder, exchange, snapshot, status};

/// A gate, the authority it follows, and the backend behind it.
pub struct Apart {
    pub ca: Ca,
    pub authority: Remote,
    pub backend: Recorder,
    pub folder: tempfile::TempDir,
    pub gate: Running,
}

impl Apart {
    /// One that is ready.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Snapshot)) -> Self {
        let (ca, backend, folder) =
            (Ca::new("first").unwrap(), Recorder::start().await, tempfile::tempdir().unwrap());
        let authority = remote(&ca, &backend, change).await;
        let files = Files { folder: folder.path().to_owned() };
        files.write_ca(ca.pem());
        files.write_token("first-token");
        let endpoint = files.endpoint(authority.address, vec![]);
        let gate = start(&files, endpoint.clone(), endpoint);
        assert!(gate.wait_ready(Duration::from_secs(10)).await);
        Self { ca, authority, backend, folder, gate }
    }

    pub fn files(&self) -> Files {
        Files { folder: self.folder.path().to_owned() }
    }

    pub async fn get(&self, path: &str, lines: &[&str]) -> u16 {
        get(&self.gate, path, lines).await
    }

    /// How often the stream ended or could not be opened for this reason.
    pub async fn ended(&self, reason: &str) -> f64 {
        metric(&self.gate, &format!("directory_reconnects_total{{reason=\"{reason}\"}}")).await
    }

    /// Waits until a metric stands like this.
    pub async fn until_metric(&self, line: &str) {
        until_metric(&self.gate, line).await;
    }
}

/// An authority with a certificate of `ca`, whose directory names `backend`.
pub async fn remote(ca: &Ca, backend: &Recorder, change: impl FnOnce(&mut Snapshot)) -> Remote {
    let mut snapshot = snapshot(backend.address);
    change(&mut snapshot);
    Remote::start(([127, 0, 0, 1], 0).into(), &ca.server(&[]).unwrap(), snapshot).await
}

/// The files that somebody else keeps for a gate.
pub struct Files {
    folder: PathBuf,
}

impl Files {
    pub fn write_ca(&self, pem: &str) {
        replace(&self.folder.join("ca.crt"), pem);
    }

    pub fn write_token(&self, token: &str) {
        replace(&self.folder.join("token"), token);
    }

    pub fn endpoint(&self, address: SocketAddr, pins: Vec<Fingerprint>) -> AuthorityEndpoint {
        AuthorityEndpoint {
            address: address.to_string(),
            tls: Some(Trust::open(self.folder.join("ca.crt"), pins).unwrap()),
            credential: Credential::file(self.folder.join("token")).unwrap(),
        }
    }
}

/// In one step, as the kubelet does.
fn replace(path: &PathBuf, text: &str) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(&beside, path).unwrap();
}

pub fn start(files: &Files, authority: AuthorityEndpoint, directory: AuthorityEndpoint) -> Running {
    start_following(files, authority, RemoteDirectory::new(directory))
}

pub fn start_following(files: &Files, authority: AuthorityEndpoint, directory: RemoteDirectory) -> Running {
    Gate::start(GateConfig {
        listen: vec![],
        plain: vec![([127, 0, 0, 1], 0).into()],
        admin: Some(([127, 0, 0, 1], 0).into()),
        tls: TlsSource::Folder { folder: files.folder.join("tls"), names: vec![] },
        workers: 1,
        authority,
        directory: Arc::new(directory),
        assertion_folder: None,
        clock: GateClock::from_fn(|| fixtures::NOW.millis() + 60_000),
    })
    .unwrap()
}

/// The status of an answer on the plain listener.
pub async fn get(gate: &Running, path: &str, lines: &[&str]) -> u16 {
    let lines: String = lines.iter().flat_map(|line| [*line, "\r\n"]).collect();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{lines}\r\n");
    let mut stream = TcpStream::connect(gate.addresses().plain[0]).await.unwrap();
    status(&exchange(&mut stream, request.as_bytes()).await)
}

/// What the admin listener answers.
pub async fn admin(gate: &Running, path: &str) -> String {
    let mut stream = TcpStream::connect(gate.addresses().admin.unwrap()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    exchange(&mut stream, request.as_bytes()).await
}

/// The value of a metric, 0 where it is not there.
pub async fn metric(gate: &Running, name: &str) -> f64 {
    let name = format!("tenantry_gate_{name} ");
    let metrics = admin(gate, "/metrics").await;
    metrics.lines().find_map(|line| line.strip_prefix(&name)).map_or(0.0, |value| value.parse().unwrap())
}

pub async fn until_metric(gate: &Running, line: &str) {
    let (begun, line) = (Instant::now(), format!("tenantry_gate_{line}"));
    loop {
        let metrics = admin(gate, "/metrics").await;
        if metrics.lines().any(|found| found.starts_with(&line)) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "never {line}: {metrics}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
