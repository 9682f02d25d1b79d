//! One story of the store, told on SQLite and on PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod accounts;
mod audit;
mod backend_keys;
mod crash;
mod directory;
mod fencing;
mod holds;
mod invitations;
mod lockout;
mod opening;
mod operator;
mod provision;
mod purge;
mod rate_limits;
mod refusals;
mod removal;
mod rights;
mod sealing;
mod sessions;
mod users;
mod world;
