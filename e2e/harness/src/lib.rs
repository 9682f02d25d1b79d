//! Real parts for whole-system tests: each is started on a free loopback port, is ready when its constructor
//! returns, and is gone when it is dropped or when the test process dies in whatever way.
//!
//! In the order a test meets them: [`postgres`], a throw-away PostgreSQL server that speaks TLS only.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod postgres;

pub use postgres::{Database, Postgres, StartError};
