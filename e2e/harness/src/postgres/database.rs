//! One test's database on a shared server.

use super::{Postgres, StartError};
use std::path::PathBuf;

/// An empty database of its own; it goes with the server.
#[derive(Clone, Debug)]
pub struct Database {
    server: Postgres,
    name: String,
}

impl Database {
    pub(super) fn new(server: Postgres, name: String) -> Self {
        Self { server, name }
    }

    /// The superuser's URL: `postgres://…?sslmode=verify-full&sslrootcert=…`.
    pub fn url(&self) -> String {
        self.server.url_of(&self.name)
    }

    /// The certificate authority that signed the server's certificate, as a PEM file.
    pub fn ca_path(&self) -> PathBuf {
        self.server.ca_path()
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `sql` in this database with psql, the way a person would, and returns its unaligned output.
    pub async fn psql(&self, sql: &str) -> Result<String, StartError> {
        self.server.psql_in(&self.name, sql).await
    }
}
