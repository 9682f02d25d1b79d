//! The only part that speaks SQL. It keeps organizations, users and everything that follows from them in
//! PostgreSQL or an embedded SQLite, with the same rules on both.
//!
//! - [`Store`], [`Options`]: opening, by whose certificate ([`Authorities`]), migrating (`schema`), transactions ([`Tx`], `sql`)
//! - [`provision`]: what a manifest or a registration makes, in one transaction
//! - `fence`: an operator that was replaced writes nothing
//! - [`organizations`], [`ownership`], [`holds`]: tenants, whose they are, why they are closed
//! - [`users`], [`accounts`], [`lockout`], [`invitations`], [`sessions`]: their people
//! - [`signing_keys`], [`secrets`]: sealed under the keyring (`sealed`)
//! - [`backend`], [`directory`]: what gates follow
//! - [`audit`]: what happened; [`rate_limits`]: how often

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod accounts;
pub mod audit;
mod authorities;
pub mod backend;
pub mod directory;
mod error;
mod fence;
pub mod holds;
pub mod invitations;
pub mod lockout;
mod open;
pub mod organizations;
pub mod ownership;
pub mod provision;
pub mod rate_limits;
mod schema;
mod sealed;
pub mod secrets;
pub mod sessions;
pub mod signing_keys;
mod sql;
pub mod users;

pub use accounts::Account;
pub use authorities::Authorities;
pub use error::{StoreError, with_causes};
pub use open::{OpenError, Options, Store};
pub use organizations::Organization;
pub use sql::Tx;
pub use users::User;
