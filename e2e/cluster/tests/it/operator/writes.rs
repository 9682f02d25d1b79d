//! Who wrote what: the API server's audit log, the database's counter of transactions that wrote, the calls to AWS.

use std::time::{Duration, Instant};

use tenantry_harness::{AuditEvent, AuditMark};

use super::world::{PATIENCE, World};

/// A moment after which writes count.
pub struct Mark {
    at: String,
    audit: AuditMark,
    vault: usize,
    transactions: String,
}

impl World {
    /// The user that the API server takes the first operator for.
    pub fn user(&self) -> String {
        self.user_of(&format!("{}-tenantry-operator", self.namespace))
    }

    /// The user of another service account.
    pub fn user_of(&self, account: &str) -> String {
        format!("system:serviceaccount:{}:{account}", self.namespace)
    }

    /// This moment. The world has a database server of its own, where nobody else writes.
    pub async fn mark(&self) -> Mark {
        assert!(self.postgres.is_some(), "writes are counted on a server of one's own");
        Mark {
            at: chrono::Utc::now().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
            audit: self.cluster.audit_mark(),
            vault: self.vault.as_ref().map_or(0, tenantry_harness::Vault::mark),
            transactions: self.transactions().await,
        }
    }

    /// Everything that an operator wrote since, but for its lease.
    pub async fn written_since(&self, mark: &Mark) -> Vec<String> {
        let events = self.cluster.audit_since(mark.audit).unwrap_or_default();
        // The API server gives up after a minute on whoever stopped in the middle of a request, which then was begun before. One that was
        // on its way out of the process may get there once it goes on, which breaks it off at once: 504, and nothing is written.
        let is_given_up =
            |event: &AuditEvent| event.code == 504 || (event.code >= 400 && event.timestamp < mark.at);
        let events = events.iter().filter(|event| self.is_operators(event) && is_write(event));
        let events = events.filter(|event| !is_lease(event) && !is_given_up(event));
        let mut written: Vec<String> = events.map(told).collect();
        if let Some(vault) = &self.vault {
            let calls = vault.writes_since(mark.vault);
            written.extend(calls.iter().map(|call| format!("{} {}", call.action, call.name)));
        }
        let transactions = self.transactions().await;
        if transactions != mark.transactions {
            written.push(format!("transactions of the database: {} to {transactions}", mark.transactions));
        }
        written
    }

    /// Waits until no operator has written anything for a while: what goes on just now is not known by what it leaves.
    pub async fn rested(&self, quiet: Duration) {
        let began = Instant::now();
        loop {
            let mark = self.mark().await;
            tokio::time::sleep(quiet).await;
            let written = self.written_since(&mark).await;
            if written.is_empty() {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "it goes on writing: {written:#?}");
        }
    }

    /// Whether a request is an operator's of this namespace.
    pub fn is_operators(&self, event: &AuditEvent) -> bool {
        event.user.starts_with(&self.user_of(""))
    }

    /// The number that the next transaction gets which writes or locks a row.
    async fn transactions(&self) -> String {
        self.psql("SELECT pg_snapshot_xmax(pg_current_snapshot())").await
    }

    /// Keeps the database server from writing by itself.
    pub async fn no_vacuum(&self) {
        self.psql("ALTER SYSTEM SET autovacuum = off").await;
        self.psql("SELECT pg_reload_conf()").await;
    }
}

pub fn is_write(event: &AuditEvent) -> bool {
    !["get", "list", "watch"].contains(&event.verb.as_str())
}

pub fn is_lease(event: &AuditEvent) -> bool {
    event.resource == "leases"
}

/// A request in one line.
pub fn told(event: &AuditEvent) -> String {
    format!(
        "{} {} {} {}/{} {} {}",
        event.timestamp, event.user, event.verb, event.resource, event.subresource, event.name, event.code
    )
}

/// What a test leaves out on a cluster that it did not start.
#[allow(clippy::print_stderr, reason = "why something was left out")]
pub fn no_audit_log() {
    eprintln!("the cluster that KUBECONFIG names shows no audit log: what it would say is not looked at");
}
