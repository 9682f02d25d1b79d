//! The identity plane: `/api/auth/*`, key sets and pages. Alone it holds private keys, users and sessions; it tells gates
//! what they must know through the directory stream.
//!
//! A request of a gate (`gates`) comes over a connection that `listen` found one of the `places` for, passes `edge` (who asks, over what), `limits`, one file of `routes` and, for a browser, `pages`; passwords
//! are hashed in `hashing`, tokens made in `tokens`, refusals written in `problem`. Beside the requests run `publish` (the
//! directory, which `stream` hands to gates of other processes), `keys` (rotation) and `upkeep`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod admin;
mod answers;
mod auth;
mod cluster;
mod cookies;
mod edge;
mod files;
mod gates;
mod guess;
mod hashing;
mod keys;
mod limits;
mod listen;
mod metrics;
mod pages;
mod places;
mod policy;
mod problem;
mod publish;
mod routes;
mod seldom;
mod serve;
mod state;
mod stream;
mod tokens;
mod upkeep;

pub use cluster::{Cluster, ClusterError};
pub use gates::{
    Bearer, Checking, Gates, NotAGate, OneCredential, Reviewing, Reviews, ServiceAccounts, TokenFile,
    TokenFileError, TokenReviewer,
};
pub use limits::{Counting, Key, Limiter, LocalLimiter, Quotas, Scope, SharedLimiter};
pub use listen::{TlsError, TlsFiles};
pub use policy::{JWKS_MAX_AGE, Policy};
pub use problem::Problem;
pub use serve::{Addresses, Authority, AuthorityConfig, MostConnections, Running, StartError};
