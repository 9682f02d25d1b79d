//! The gate on the wire: real TLS, real sockets, a backend that records what reaches it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod authority;
mod connections;
mod credentials;
mod framing;
mod headers;
mod messages;
mod paths;
mod program;
mod remote;
mod revocation;
mod streams;
mod world;
