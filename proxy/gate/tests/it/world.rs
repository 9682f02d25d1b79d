//! A gate in front of a recording backend and a recording authority, fed by a directory that tests change.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tenantry_directory::fixtures;
use tenantry_directory::{Access, Change, ChangeState, Digest, Frame, Route, RouteTable, Snapshot, encode};
use tenantry_gate::{
    AuthorityEndpoint, Connecting, Credential, Gate, GateClock, GateConfig, Opened, Running, TlsSource,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub const HOST: &str = "tenantry.localhost";

/// One request as it arrived, head and body.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub head: String,
    pub body: Vec<u8>,
}

impl Recorded {
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// Every value of a header, by its exact name in lower case.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }
}

/// A server that records requests and answers as told.
#[derive(Clone)]
pub struct Recorder {
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Vec<Recorded>>>,
    pub connections: Arc<Mutex<usize>>,
    pub answer: Arc<Mutex<String>>,
}

impl Recorder {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let recorder = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            connections: Arc::default(),
            answer: Arc::new(Mutex::new("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned())),
        };
        let serving = recorder.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *serving.connections.lock().unwrap() += 1;
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        recorder
    }

    async fn serve(self, mut stream: TcpStream) {
        while let Some(recorded) = receive(&mut stream).await {
            self.seen.lock().unwrap().push(recorded);
            let answer = self.answer.lock().unwrap().clone();
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    pub fn answer(&self, text: &str) {
        text.clone_into(&mut self.answer.lock().unwrap());
    }
}

/// The next request of a connection; `None` where there is no other.
pub async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> Option<Recorded> {
    let mut raw = Vec::new();
    while !ends_message(&raw) {
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => raw.extend_from_slice(&part[..count]),
        }
    }
    let end = head_end(&raw)?;
    Some(Recorded { head: String::from_utf8_lossy(&raw[..end]).into_owned(), body: raw[end..].to_vec() })
}

fn head_end(raw: &[u8]) -> Option<usize> {
    raw.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

fn ends_message(raw: &[u8]) -> bool {
    let Some(end) = head_end(raw) else { return false };
    let head = String::from_utf8_lossy(&raw[..end]).to_lowercase();
    if head.contains("transfer-encoding: chunked") {
        return raw.ends_with(b"0\r\n\r\n");
    }
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    raw.len() >= end + length.unwrap_or(0)
}

/// What the gate follows.
struct Directory {
    lines: Mutex<Vec<Vec<u8>>>,
    streams: Mutex<Vec<mpsc::UnboundedSender<Vec<u8>>>>,
    /// When the last stream was asked for.
    asked_at: Mutex<Instant>,
}

impl Directory {
    fn connect(&self) -> DuplexStream {
        *self.asked_at.lock().unwrap() = Instant::now();
        let (mut ours, theirs) = tokio::io::duplex(1 << 20);
        let (send, mut lines) = mpsc::unbounded_channel::<Vec<u8>>();
        for line in self.lines.lock().unwrap().iter() {
            send.send(line.clone()).unwrap();
        }
        self.streams.lock().unwrap().push(send);
        tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                if ours.write_all(&line).await.is_err() {
                    return;
                }
            }
        });
        theirs
    }

    fn push(&self, frame: &Frame) {
        let line = encode(frame);
        self.lines.lock().unwrap().push(line.clone());
        self.streams.lock().unwrap().retain(|stream| stream.send(line.clone()).is_ok());
    }
}

pub struct World {
    pub gate: Option<Running>,
    pub backend: Recorder,
    pub authority: Recorder,
    pub folder: tempfile::TempDir,
    directory: Arc<Directory>,
    at: Mutex<(i64, Digest)>,
    tls: TlsConnector,
    tls_h2: TlsConnector,
}

/// Settings of the fixture's world with a route of each kind.
pub fn snapshot(backend: SocketAddr) -> Snapshot {
    let mut snapshot = fixtures::snapshot();
    let settings = &mut snapshot.backend;
    settings.upstream.address = backend.to_string();
    let admin =
        Route { roles: vec!["admin".parse().unwrap()], ..Route::new("/admin/**", Access::Authenticated) };
    settings.routes = RouteTable::new(vec![
        Route::new("/public/**", Access::Public),
        Route::new("/agents/**", Access::Passthrough),
        admin,
    ])
    .unwrap();
    settings.cors.allowed_origins = vec!["http://localhost:3000".into()];
    settings.limits.body_bytes = 1 << 20;
    snapshot
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Snapshot)) -> Self {
        let (backend, authority) = (Recorder::start().await, Recorder::start().await);
        let mut snapshot = snapshot(backend.address);
        change(&mut snapshot);
        let at = Mutex::new((snapshot.version, snapshot.digest));
        let directory = Arc::new(Directory {
            lines: Mutex::new(vec![encode(&Frame::Snapshot(Box::new(snapshot)))]),
            streams: Mutex::default(),
            asked_at: Mutex::new(Instant::now()),
        });
        let folder = tempfile::tempdir().unwrap();
        let (source, runtime) = (Arc::clone(&directory), tokio::runtime::Handle::current());
        let gate = Gate::start(GateConfig {
            listen: vec![([127, 0, 0, 1], 0).into()],
            plain: vec![([127, 0, 0, 1], 0).into()],
            admin: Some(([127, 0, 0, 1], 0).into()),
            tls: TlsSource::Folder { folder: folder.path().join("tls"), names: vec![] },
            workers: 1,
            authority: AuthorityEndpoint {
                address: authority.address.to_string(),
                tls: None,
                credential: Credential::fixed("proof-of-a-gate").unwrap(),
            },
            directory: Arc::new(move |_| -> Connecting {
                let _guard = runtime.enter();
                let opened = Opened::here(Instant::now(), Box::new(source.connect()));
                Box::pin(std::future::ready(Ok(opened)))
            }),
            assertion_folder: Some(folder.path().join("assertion")),
            clock: GateClock::from_fn(|| fixtures::NOW.millis() + 60_000),
        })
        .unwrap();
        assert!(gate.wait_ready(Duration::from_secs(5)).await);
        let pem = std::fs::read(folder.path().join("tls/tls.crt")).unwrap();
        let connector = |alpn: &[u8]| {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let mut config = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            config.alpn_protocols = vec![alpn.to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        let (tls, tls_h2) = (connector(b"http/1.1"), connector(b"h2"));
        Self { gate: Some(gate), backend, authority, folder, directory, at, tls, tls_h2 }
    }

    /// Sends a heartbeat: what is known is as old as this.
    pub fn heartbeat(&self, age: Duration) {
        let since = self.directory.asked_at.lock().unwrap().elapsed().checked_sub(age).unwrap();
        self.directory.push(&Frame::Heartbeat { read_at_ms: i64::try_from(since.as_millis()).unwrap() });
    }

    /// Changes the directory, and waits until the gate has heard of it.
    pub async fn change(&self, kind: &str, key: &str, state: ChangeState) {
        let change = {
            let mut at = self.at.lock().unwrap();
            let change = Change::following(&at.1, at.0 + 1, kind, key, "nonce", state);
            *at = (change.version, change.digest);
            change
        };
        let version = change.version;
        self.directory.push(&Frame::Change(Box::new(change)));
        for _ in 0..200 {
            if self.metrics().await.contains(&format!("tenantry_gate_directory_version {version}\n")) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the gate did not hear of version {version}");
    }

    pub async fn metrics(&self) -> String {
        let admin = self.gate.as_ref().unwrap().addresses().admin.unwrap();
        let mut stream = TcpStream::connect(admin).await.unwrap();
        exchange(&mut stream, b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await
    }

    pub fn tls_address(&self) -> SocketAddr {
        self.gate.as_ref().unwrap().addresses().tls[0]
    }

    pub async fn connect(&self) -> TlsStream<TcpStream> {
        self.connect_to(self.tls_address()).await
    }

    /// Connects to any gate, but trusts the certificate of this world's.
    pub async fn connect_to(&self, address: SocketAddr) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(address).await.unwrap();
        self.tls.connect(ServerName::try_from(HOST).unwrap(), stream).await.unwrap()
    }

    /// Sends bytes over TLS and returns everything until the gate closes.
    pub async fn raw(&self, request: &str) -> String {
        exchange(&mut self.connect().await, request.as_bytes()).await
    }

    /// Sends bytes to the plaintext listener.
    pub async fn plain(&self, request: &str) -> String {
        let address = self.gate.as_ref().unwrap().addresses().plain[0];
        exchange(&mut TcpStream::connect(address).await.unwrap(), request.as_bytes()).await
    }

    /// One request with these header lines; the answer's status, and its whole text.
    pub async fn send(&self, method: &str, target: &str, headers: &[&str]) -> (u16, String) {
        let mut request = format!("{method} {target} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n");
        for line in headers {
            request += line;
            request += "\r\n";
        }
        let answer = self.raw(&(request + "\r\n")).await;
        (status(&answer), answer)
    }

    /// A connection over HTTP/2, and when it ends.
    /// A TLS connection that agreed on HTTP/2, on which nothing has been said.
    pub async fn connect_h2_silent(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.tls_address()).await.unwrap();
        self.tls_h2.connect(ServerName::try_from(HOST).unwrap(), stream).await.unwrap()
    }

    pub async fn connect_h2(&self) -> (h2::client::SendRequest<bytes::Bytes>, JoinHandle<()>) {
        let stream = TcpStream::connect(self.tls_address()).await.unwrap();
        let stream = self.tls_h2.connect(ServerName::try_from(HOST).unwrap(), stream).await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        let ended = tokio::spawn(async move { drop(connection.await) });
        (client.ready().await.unwrap(), ended)
    }

    /// As [`send`](Self::send), over HTTP/2; the status alone.
    pub async fn h2(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Result<u16, h2::Error> {
        let (mut client, _) = self.connect_h2().await;
        let mut request = http::Request::builder().method(method).uri(format!("https://{HOST}{target}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (response, _) = client.send_request(request.body(()).unwrap(), true)?;
        Ok(response.await?.status().as_u16())
    }

    /// The one request that reached the backend.
    pub fn only(&self) -> Recorded {
        let mut seen = self.backend.take();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }

    pub fn nothing_reached_the_backend(&self) {
        let seen = self.backend.take();
        assert!(seen.is_empty(), "{seen:?}");
    }
}

pub fn status(answer: &str) -> u16 {
    answer
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

/// `authorization: Bearer …` with the fixture's token.
pub fn bearer() -> String {
    format!("authorization: Bearer {}", fixtures::token(fixtures::NOW))
}

pub async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &[u8]) -> String {
    stream.write_all(request).await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = Vec::new();
    let reading = async {
        let mut part = [0; 4096];
        while let Ok(count) = stream.read(&mut part).await {
            if count == 0 {
                break;
            }
            answer.extend_from_slice(&part[..count]);
        }
    };
    // A connection that is not closed is a failure of the test, which shows in the text.
    drop(tokio::time::timeout(Duration::from_secs(5), reading).await);
    String::from_utf8_lossy(&answer).into_owned()
}
