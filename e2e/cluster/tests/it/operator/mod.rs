//! The operator on real parts: API server, PostgreSQL over TLS, a Secrets Manager endpoint. Each test has a namespace, an operator
//! under the chart's roles and a database of its own.
//!
//! [`world`] is what a test starts from, [`node`] runs pods of ours, [`writes`] sees who wrote what.

mod applied;
mod authority;
mod bad_input;
mod canaries;
mod conflict;
mod credentials;
pub mod docs;
mod down;
mod drift;
mod injection;
mod leadership;
mod life;
pub mod node;
mod rbac;
mod story;
mod urls;
pub mod world;
pub mod writes;
