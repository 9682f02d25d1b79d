//! The data plane. It terminates TLS, decides each request from what the directory says, and forwards it with an
//! identity that the backend can trust. It holds no secret that could mint an access token, and calls nobody per request.
//!
//! [`Gate::start`] binds the listeners and starts `worker`s, one a core, each with a runtime, token cache and upstream pool
//! of its own. `directory` keeps what they know up to date. A connection (`tls`, `connection`) carries requests through the
//! steps of `request` to the backend or the `authority` (`upstream`). `admin` answers probes and metrics.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod admin;
mod assertion;
mod authority;
mod body;
mod config;
mod connection;
mod directory;
mod listen;
mod metrics;
mod request;
mod said;
mod shared;
mod start;
mod tls;
mod upstream;
mod worker;

pub use authority::{Credential, CredentialError, Fingerprint, FingerprintError, Trust, TrustError};
pub use config::{AuthorityEndpoint, GateClock, GateConfig, TlsSource};
pub use directory::{Connecting, DirectorySource, FrameReader, Opened, RemoteDirectory};
pub use start::{Addresses, Drained, Gate, Running, StartError, TlsError};
