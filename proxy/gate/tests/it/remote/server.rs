use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tenantry_directory::{Change, ChangeState, Frame, Position, Snapshot, encode};
use tenantry_harness::certificates::Signed;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::world::{Recorded, receive};

const BEAT: Duration = Duration::from_millis(200);
const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";

/// An authority as a gate sees it: requests are recorded and answered with 200, the directory is streamed.
pub struct Remote {
    pub address: SocketAddr,
    inner: Arc<Inner>,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

struct Inner {
    tls: Mutex<TlsAcceptor>,
    seen: Mutex<Vec<Recorded>>,
    connections: AtomicUsize,
    /// Connections that are closed at once.
    closing: AtomicUsize,
    history: Mutex<History>,
    /// Instead of the stream.
    instead: Mutex<Option<String>>,
    /// How long requests wait for their answers.
    slow: Mutex<Duration>,
}

struct History {
    snapshot: Snapshot,
    changes: Vec<Change>,
    /// How often a stream began, and how often with a snapshot.
    streams: usize,
    snapshots: usize,
    followers: Vec<Follower>,
}

/// Who follows, and when it asked for that.
struct Follower {
    lines: UnboundedSender<Vec<u8>>,
    asked_at: Instant,
}

impl Follower {
    fn beat(&self) -> bool {
        let read_at_ms = i64::try_from(self.asked_at.elapsed().as_millis()).unwrap();
        self.lines.send(encode(&Frame::Heartbeat { read_at_ms })).is_ok()
    }
}

impl History {
    fn positions(&self) -> Vec<Position> {
        let first = Position { version: self.snapshot.version, digest: self.snapshot.digest };
        let after = |change: &Change| Position { version: change.version, digest: change.digest };
        std::iter::once(first).chain(self.changes.iter().map(after)).collect()
    }

    fn follow(&mut self, since: Option<Position>, asked_at: Instant) -> UnboundedReceiver<Vec<u8>> {
        let (send, receive) = unbounded_channel();
        self.streams += 1;
        let known = since.and_then(|since| self.positions().iter().position(|found| *found == since));
        if known.is_none() {
            self.snapshots += 1;
            send.send(encode(&Frame::Snapshot(Box::new(self.snapshot.clone())))).unwrap();
        }
        for change in self.changes.iter().skip(known.unwrap_or(0)) {
            send.send(encode(&Frame::Change(Box::new(change.clone())))).unwrap();
        }
        let follower = Follower { lines: send, asked_at };
        follower.beat();
        self.followers.push(follower);
        receive
    }

    fn beat(&mut self) {
        self.followers.retain(Follower::beat);
    }

    fn send(&mut self, bytes: &[u8]) {
        self.followers.retain(|follower| follower.lines.send(bytes.to_vec()).is_ok());
    }
}

impl Remote {
    pub async fn start(address: SocketAddr, certificate: &Signed, snapshot: Snapshot) -> Self {
        let history = History { snapshot, changes: vec![], streams: 0, snapshots: 0, followers: vec![] };
        let inner = Arc::new(Inner {
            tls: Mutex::new(acceptor(certificate)),
            seen: Mutex::default(),
            connections: AtomicUsize::new(0),
            closing: AtomicUsize::new(0),
            history: Mutex::new(history),
            instead: Mutex::default(),
            slow: Mutex::default(),
        });
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = Mutex::new(Some(tokio::spawn(accept(Arc::clone(&inner), listener))));
        Self { address, inner, accepting }
    }

    /// Ends as a killed process does: every connection is cut, and new ones are refused.
    pub async fn stop(&self) {
        let accepting = self.accepting.lock().unwrap().take().unwrap();
        accepting.abort();
        drop(accepting.await);
    }

    /// Begins again at the same address, with the same history.
    pub async fn begin_again(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        *self.accepting.lock().unwrap() = Some(tokio::spawn(accept(Arc::clone(&self.inner), listener)));
    }

    pub fn set_certificate(&self, certificate: &Signed) {
        *self.inner.tls.lock().unwrap() = acceptor(certificate);
    }

    /// Closes so many of the next connections before a word was said.
    pub fn close_next(&self, count: usize) {
        self.inner.closing.store(count, Ordering::SeqCst);
    }

    /// Answers requests so much later.
    pub fn answer_after(&self, slow: Duration) {
        *self.inner.slow.lock().unwrap() = slow;
    }

    /// Answers like this instead of streaming; `None` streams again.
    pub fn instead(&self, answer: Option<&str>) {
        *self.inner.instead.lock().unwrap() = answer.map(str::to_owned);
    }

    /// A change for all who follow now or later; its version.
    pub fn change(&self, kind: &str, key: &str, state: ChangeState) -> i64 {
        let mut history = self.inner.history.lock().unwrap();
        let at = *history.positions().last().unwrap();
        let change = Change::following(&at.digest, at.version + 1, kind, key, "nonce", state);
        history.changes.push(change.clone());
        history.send(&encode(&Frame::Change(Box::new(change))));
        at.version + 1
    }

    /// Bytes for those who follow now.
    pub fn send(&self, bytes: &[u8]) {
        self.inner.history.lock().unwrap().send(bytes);
    }

    /// Ends the streams in good order, after these bytes.
    pub fn close_streams_after(&self, bytes: &[u8]) {
        let mut history = self.inner.history.lock().unwrap();
        history.send(bytes);
        history.followers.clear();
    }

    pub fn close_streams(&self) {
        self.close_streams_after(b"");
    }

    /// Waits until so many streams have begun since the start.
    pub async fn until_streams(&self, count: usize) {
        let begun = Instant::now();
        while self.streams() < count {
            assert!(begun.elapsed() < Duration::from_secs(20), "there were {} streams", self.streams());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn streams(&self) -> usize {
        self.inner.history.lock().unwrap().streams
    }

    pub fn snapshots(&self) -> usize {
        self.inner.history.lock().unwrap().snapshots
    }

    pub fn connections(&self) -> usize {
        self.inner.connections.load(Ordering::SeqCst)
    }

    /// Requests that arrived, those for the directory too.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.inner.seen.lock().unwrap())
    }

    /// The targets of the streams that were asked for.
    pub fn take_streams(&self) -> Vec<String> {
        let line = |one: Recorded| one.line().split(' ').nth(1).unwrap_or_default().to_owned();
        self.take().into_iter().map(line).filter(|target| target.starts_with("/internal/directory")).collect()
    }
}

fn acceptor(certificate: &Signed) -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(certificate.certificate.as_bytes()).collect::<Result<_, _>>();
    let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.unwrap(), key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn accept(inner: Arc<Inner>, listener: TcpListener) {
    // Dropped with this task, and with them every connection.
    let mut connections = JoinSet::new();
    let mut beat = tokio::time::interval(BEAT);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted.unwrap().0,
            _ = beat.tick() => {
                inner.history.lock().unwrap().beat();
                continue;
            }
        };
        inner.connections.fetch_add(1, Ordering::SeqCst);
        let closes = |left: usize| left.checked_sub(1);
        if inner.closing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, closes).is_ok() {
            continue;
        }
        let (acceptor, inner) = (inner.tls.lock().unwrap().clone(), Arc::clone(&inner));
        connections.spawn(async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(&inner, stream).await;
            }
        });
    }
}

async fn serve(inner: &Inner, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    while let Some(request) = receive(&mut stream).await {
        let asked_at = Instant::now();
        let target = request.line().split(' ').nth(1).unwrap_or_default().to_owned();
        inner.seen.lock().unwrap().push(request);
        let Some(query) = target.strip_prefix("/internal/directory?") else {
            let slow = *inner.slow.lock().unwrap();
            tokio::time::sleep(slow).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            if stream.write_all(answer).await.is_err() {
                return;
            }
            continue;
        };
        let instead = inner.instead.lock().unwrap().clone();
        if let Some(answer) = instead {
            drop(stream.write_all(answer.as_bytes()).await);
            drop(stream.shutdown().await);
            return;
        }
        let query: HashMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let since = query.get("since").map(|text| text.parse().unwrap());
        let lines = inner.history.lock().unwrap().follow(since, asked_at);
        // Whoever went away is not told.
        drop(stream_lines(&mut stream, lines).await);
    }
}

async fn stream_lines(
    stream: &mut (impl AsyncWrite + Unpin),
    mut lines: UnboundedReceiver<Vec<u8>>,
) -> std::io::Result<()> {
    stream.write_all(STREAM.as_bytes()).await?;
    stream.flush().await?;
    while let Some(line) = lines.recv().await {
        if line.is_empty() {
            continue;
        }
        stream.write_all(format!("{:x}\r\n", line.len()).as_bytes()).await?;
        stream.write_all(&line).await?;
        stream.write_all(b"\r\n").await?;
        stream.flush().await?;
    }
    stream.write_all(b"0\r\n\r\n").await?;
    stream.flush().await
}
