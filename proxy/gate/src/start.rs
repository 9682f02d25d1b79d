//! Starting, reloading and draining a gate.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::assertion::AssertionKey;
use crate::authority::{is_loopback, keep_current};
use crate::config::GateConfig;
use crate::directory::DirectorySource;
use crate::metrics::Metrics;
use crate::shared::{Phase, Shared};
use crate::tls::Certificates;
use crate::worker::{self, Sockets};
use crate::{admin, directory, listen};

/// The data plane of one Backend.
pub struct Gate;

/// A started gate. Dropping it stops it without waiting for what is in flight.
pub struct Running {
    addresses: Addresses,
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    control: Option<JoinHandle<()>>,
}

/// What was bound, in the order it was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// TLS listeners.
    pub tls: Vec<SocketAddr>,
    /// Plaintext listeners.
    pub plain: Vec<SocketAddr>,
    /// Probes and metrics.
    pub admin: Option<SocketAddr>,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still open at the deadline and were cut.
    pub cut: usize,
}

/// Why a gate did not start. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process listens there, or the address is not this machine's.
    #[error("cannot listen on {address}: {source}; stop what listens there, or choose another address")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// A plaintext listener that other machines could reach.
    #[error("the plaintext listener may only be on a loopback address such as 127.0.0.1 or [::1], not {0}")]
    PlainNotLoopback(SocketAddr),
    /// An authority on another machine, to which passwords would go in clear.
    #[error("the authority at {0} is not on this machine and must be spoken to over TLS; give its CA bundle")]
    AuthorityInClear(String),
    /// The certificate or its key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The assertion key set could not be written.
    #[error("cannot write the assertion key set {path}: {source}; make the folder writable")]
    AssertionFolder {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A thread or a runtime could not be made.
    #[error("cannot start a worker thread: {0}")]
    Thread(#[source] io::Error),
    /// A key or random bytes could not be made.
    #[error("the cryptographic library refused to make a key; check the machine's random source")]
    Crypto,
}

/// What is wrong with a certificate or its key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read or written.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file without what is expected in it.
    #[error("{path} holds no {what} in PEM form")]
    Pem {
        /// The file.
        path: PathBuf,
        /// "certificate" or "private key".
        what: &'static str,
    },
    /// The two do not belong together, or are of a kind that is not supported.
    #[error("the certificate {path} cannot be used: {reason}; check that the key belongs to it")]
    Pair {
        /// The certificate's file.
        path: PathBuf,
        /// What the TLS library says.
        reason: String,
    },
    /// A private key that others could read.
    #[error("{path} can be read by others (mode {mode:o}); run: chmod 600 {path}")]
    KeyMode {
        /// The key's file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}; check that the names are host names or addresses")]
    Generate(String),
}

impl Gate {
    /// Binds every listener, then starts the threads. Blocks only for the files it reads.
    pub fn start(config: GateConfig) -> Result<Running, StartError> {
        if let Some(address) = config.plain.iter().find(|address| !address.ip().is_loopback()) {
            return Err(StartError::PlainNotLoopback(*address));
        }
        if config.authority.tls.is_none() && !is_loopback(&config.authority.address) {
            return Err(StartError::AuthorityInClear(config.authority.address));
        }
        let workers = match config.workers {
            0 => thread::available_parallelism().map_or(1, usize::from),
            count => count,
        };
        let certificates = Certificates::open(config.tls)?;
        let acceptor = TlsAcceptor::from(Arc::new(certificates.server_config()?));
        let mut addresses = Addresses::default();
        let tls = bind_all(&config.listen, workers, &mut addresses.tls)?;
        let plain = bind_all(&config.plain, workers, &mut addresses.plain)?;
        let mut admin = Vec::new();
        let admin_sockets = bind_all(config.admin.as_slice(), 1, &mut admin)?;
        addresses.admin = admin.first().copied();
        let assertion = AssertionKey::generate()?;
        if let Some(folder) = &config.assertion_folder {
            assertion.publish(folder)?;
        }
        let shared = Arc::new(Shared {
            known: ArcSwapOption::empty(),
            clock: config.clock,
            authority: config.authority,
            assertion,
            certificates,
            metrics: Metrics::new(),
            phase: watch::Sender::new(Phase::Serving),
            workers,
        });
        let control = control(Arc::clone(&shared), config.directory, admin_sockets)?;
        let mut running = Running { addresses, shared, workers: Vec::new(), control: Some(control) };
        for sockets in share(tls, plain, workers, &acceptor) {
            let shared = Arc::clone(&running.shared);
            let name = format!("gate-{}", running.workers.len());
            let thread = thread::Builder::new().name(name).spawn(move || {
                if let Err(error) = worker::run(shared, sockets) {
                    tracing::error!(%error, "a worker could not run");
                }
            });
            running.workers.push(thread.map_err(StartError::Thread)?);
        }
        Ok(running)
    }
}

/// For each address the sockets of all workers.
fn bind_all(
    addresses: &[SocketAddr],
    workers: usize,
    bound: &mut Vec<SocketAddr>,
) -> Result<Vec<Vec<TcpListener>>, StartError> {
    addresses
        .iter()
        .map(|address| {
            let (address, sockets) = listen::bind(*address, workers)?;
            bound.push(address);
            Ok(sockets)
        })
        .collect()
}

/// Each worker's share: one socket of every address.
fn share(
    mut tls: Vec<Vec<TcpListener>>,
    mut plain: Vec<Vec<TcpListener>>,
    workers: usize,
    acceptor: &TlsAcceptor,
) -> Vec<Sockets> {
    let one_of_each =
        |all: &mut Vec<Vec<TcpListener>>| all.iter_mut().filter_map(Vec::pop).collect::<Vec<_>>();
    (0..workers)
        .map(|_| Sockets {
            tls: one_of_each(&mut tls),
            plain: one_of_each(&mut plain),
            acceptor: acceptor.clone(),
        })
        .collect()
}

/// The thread beside the workers: it follows the directory and answers probes.
fn control(
    shared: Arc<Shared>,
    source: Arc<dyn DirectorySource>,
    admin_sockets: Vec<Vec<TcpListener>>,
) -> Result<JoinHandle<()>, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(StartError::Thread)?;
    let run = move || {
        runtime.block_on(async move {
            tokio::spawn(directory::follow(Arc::clone(&shared), source));
            tokio::spawn(directory::tell(Arc::clone(&shared)));
            tokio::spawn(keep_current(shared.authority.clone()));
            for listener in admin_sockets.into_iter().flatten() {
                tokio::spawn(admin::serve(Arc::clone(&shared), listener));
            }
            // An error means that the gate is gone.
            drop(shared.phase.subscribe().wait_for(|phase| *phase == Phase::Stopped).await);
        });
        // A name that is being looked up does not hold up the end.
        runtime.shutdown_background();
    };
    thread::Builder::new().name("gate-control".to_owned()).spawn(run).map_err(StartError::Thread)
}

impl Running {
    /// What was bound.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// True once a first directory snapshot has been read.
    pub fn is_ready(&self) -> bool {
        self.shared.known().is_some()
    }

    /// Waits until the gate is ready, at most `limit`; false where it was not in time.
    pub async fn wait_ready(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while !self.is_ready() {
            if Instant::now() >= until {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }

    /// Reads the certificate again. Connections that stand keep theirs; a bad pair is refused and the old one serves on.
    pub fn reload_tls(&self) -> Result<(), TlsError> {
        self.shared.certificates.reload()
    }

    /// Sends clients elsewhere, and serves on: probes are told no, each answer over HTTP/1.1 ends its connection (RFC 9112 9.6), HTTP/2
    /// connections are told to go (RFC 9113 6.8). For the time in which others still have to hear that this gate ends.
    pub fn leave(&self) {
        self.shared.phase.send_if_modified(|phase| {
            let is_first = *phase == Phase::Serving;
            if is_first {
                *phase = Phase::Leaving;
            }
            is_first
        });
    }

    /// Stops accepting, lets requests in flight finish until `deadline` has passed, then cuts what is left.
    pub async fn drain(mut self, deadline: Duration) -> Drained {
        self.shared.phase.send_replace(Phase::Draining);
        let until = Instant::now() + deadline;
        while !self.workers.iter().all(JoinHandle::is_finished) && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let cut = usize::try_from(self.shared.metrics.connections.get()).unwrap_or(0);
        self.stop();
        let threads: Vec<_> = self.workers.drain(..).chain(self.control.take()).collect();
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a thread of the gate panicked");
                }
            }
        });
        if joined.await.is_err() {
            tracing::error!("the threads of the gate could not be waited for");
        }
        Drained { cut }
    }

    fn stop(&self) {
        self.shared.phase.send_replace(Phase::Stopped);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}
