//! The identity plane: `/api/auth/*`, key sets and pages. Alone it holds private keys, users and sessions; it tells gates
//! what they must know through the directory stream.
//!
//! A request passes `edge` (who asks, over what), `limits`, one file of `routes` and, for a browser, `pages`; passwords
//! are hashed in `hashing`, tokens made in `tokens`, refusals written in `problem`. Beside the requests run `publish` (the
//! directory), `keys` (rotation) and `upkeep`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod answers;
mod auth;
mod cookies;
mod edge;
mod guess;
mod hashing;
mod keys;
mod limits;
mod pages;
mod policy;
mod problem;
mod publish;
mod routes;
mod serve;
mod state;
mod tokens;
mod upkeep;

pub use limits::{Key, Limiter, LocalLimiter, Quotas, Scope};
pub use policy::{JWKS_MAX_AGE, Policy};
pub use problem::Problem;
pub use serve::{Authority, AuthorityConfig, Running, StartError};
