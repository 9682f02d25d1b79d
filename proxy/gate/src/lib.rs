//! The data plane. It terminates TLS, decides each request from what the directory says, and forwards it with an
//! identity that the backend can trust. It holds no secret that could mint an access token, and calls nobody per request.

mod config;
mod start;

pub use config::{
    AuthorityEndpoint, Connecting, DirectorySource, FrameReader, GateClock, GateConfig, TlsSource,
};
pub use start::{Addresses, Drained, Gate, Running, StartError, TlsError};
