//! The operator on real parts: API server, PostgreSQL over TLS, a Secrets Manager endpoint. Each test has a namespace, an operator
//! under the chart's roles and a database of its own.

mod bad_input;
mod conflict;
mod docs;
mod down;
mod drift;
mod life;
pub mod world;
