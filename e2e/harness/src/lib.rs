//! Real parts for whole-system tests: each is started on a free loopback port, is ready when its constructor
//! returns, and is gone when it is dropped or when the test process dies in whatever way.
//!
//! - [`process`] holds programs so that none of them outlives the test;
//! - [`certificates`] signs for them;
//! - [`postgres`] is a throw-away PostgreSQL server that speaks TLS only;
//! - [`redis`] is a Redis of the same kind;
//! - [`vault`] is an AWS Secrets Manager endpoint, [`account`] an AWS account with IAM;
//! - [`cluster`] is a Kubernetes control plane.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod account;
pub mod certificates;
pub mod cluster;
mod json;
pub mod postgres;
pub mod process;
mod python;
pub mod redis;
pub mod vault;

pub use account::Account;
pub use cluster::{AuditEvent, AuditMark, Cluster, ClusterOptions};
pub use postgres::{Database, Postgres, StartError};
pub use redis::Redis;
pub use vault::Vault;
