//! A PostgreSQL server for tests: TLS only, its own certificate authority, scram passwords, no socket file.
//!
//! [`binaries`] finds the server's programs, [`certificates`] writes the keys, [`server`] keeps the process and
//! [`database`] hands out an empty database a test.

mod binaries;
mod certificates;
mod database;
mod server;

pub use database::Database;
pub use server::Postgres;

use std::{io, path::PathBuf};

/// Why a PostgreSQL server could not be started or asked.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No server programs below `/usr/lib/postgresql/*/bin` or on the `PATH`.
    #[error("no PostgreSQL server found; install it with: apt-get install postgresql")]
    NotInstalled,
    /// The server did not come up; the text is the end of its log.
    #[error("PostgreSQL did not start:\n{0}")]
    DidNotStart(String),
    /// `psql` refused a statement.
    #[error("psql: {0}")]
    Sql(String),
    /// A key or certificate could not be made.
    #[error("making the test certificates failed")]
    Certificates(#[from] rcgen::Error),
    /// A file or process of the test server could not be handled.
    #[error("{path}: {source}")]
    Io {
        /// What was being read, written or run.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The blocking part of a call was cancelled, because the runtime went away.
    #[error("the runtime stopped before PostgreSQL was ready")]
    Cancelled,
}

impl StartError {
    fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
