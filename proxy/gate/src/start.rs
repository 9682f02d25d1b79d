//! Starting, reloading and draining a gate.

#![allow(clippy::needless_pass_by_value, clippy::unused_async)]

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::GateConfig;

/// The data plane of one Backend.
#[derive(Debug)]
pub struct Gate;

/// A started gate. Dropping it stops it without waiting for what is in flight.
#[derive(Debug)]
pub struct Running {
    addresses: Addresses,
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
        for address in &config.plain {
            if !address.ip().is_loopback() {
                return Err(StartError::PlainNotLoopback(*address));
            }
        }
        Err(StartError::Thread(io::Error::other("the listeners are not built yet")))
    }
}

impl Running {
    /// What was bound.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// True once a first directory snapshot has been read.
    pub fn is_ready(&self) -> bool {
        false
    }

    /// Waits until the gate is ready, at most `limit`; false where it was not in time.
    pub async fn wait_ready(&self, limit: Duration) -> bool {
        let _ = limit;
        false
    }

    /// Reads the certificate again. Connections that stand keep theirs; a bad pair is refused and the old one serves on.
    pub fn reload_tls(&self) -> Result<(), TlsError> {
        Ok(())
    }

    /// Stops accepting, lets requests in flight finish until `deadline` has passed, then cuts what is left.
    pub async fn drain(self, deadline: Duration) -> Drained {
        let _ = deadline;
        Drained { cut: 0 }
    }
}
