//! What metrics, the audit log and `/proc` say.

use std::collections::BTreeMap;

use anyhow::Context as _;
use tenantry_harness::{AuditMark, Cluster};

/// What an operator says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Whether it leads.
    pub leads: bool,
    /// Reconciles of Organizations that ended well.
    pub organizations: u64,
}

impl Figures {
    /// Reads the text format of Prometheus.
    pub fn read(metrics: &str) -> Self {
        let value = |start: &str| {
            let line = metrics.lines().find(|line| line.starts_with(start));
            line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).unwrap_or_default()
        };
        let settled = r#"tenantry_operator_reconciles_total{resource="organization",outcome="ok"}"#;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter")]
        Self { leads: value("tenantry_operator_leader ") > 0.0, organizations: value(settled) as u64 }
    }
}

/// Calls of one kind.
pub struct Calls {
    pub verb: String,
    pub resource: String,
    pub count: usize,
}

impl Calls {
    pub fn is_write(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }
}

/// The calls of a service account since a mark, but for its Lease.
pub fn calls(cluster: &Cluster, since: AuditMark, user: &str) -> anyhow::Result<Vec<Calls>> {
    let events = cluster.audit_since(since).context("a cluster that is not ours has no audit log to read")?;
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for event in events.into_iter().filter(|event| event.user == user && event.resource != "leases") {
        let refused = if event.code >= 400 { format!(" ({})", event.code) } else { String::new() };
        let part =
            if event.subresource.is_empty() { String::new() } else { format!("/{}", event.subresource) };
        *counts.entry((event.verb, format!("{}{part}{refused}", event.resource))).or_default() += 1;
    }
    Ok(counts.into_iter().map(|((verb, resource), count)| Calls { verb, resource, count }).collect())
}

/// Resident memory now and at most, in MiB, of the process whose command line holds `mark`.
pub fn memory(mark: &str) -> anyhow::Result<(u64, u64)> {
    for entry in std::fs::read_dir("/proc")? {
        let folder = entry?.path();
        let Ok(line) = std::fs::read(folder.join("cmdline")) else { continue };
        let line = String::from_utf8_lossy(&line);
        if !line.split('\0').any(|word| word == mark) {
            continue;
        }
        let status = std::fs::read_to_string(folder.join("status"))?;
        let of = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        let (resident, highest) = of("VmRSS:").zip(of("VmHWM:")).context("/proc tells of no memory")?;
        return Ok((resident / 1024, highest / 1024));
    }
    anyhow::bail!("the operator is gone")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_metrics() {
        let text = "# HELP x y\ntenantry_operator_leader 1\n\
                    tenantry_operator_reconciles_total{resource=\"backend\",outcome=\"ok\"} 7\n\
                    tenantry_operator_reconciles_total{resource=\"organization\",outcome=\"ok\"} 12\n";
        assert_eq!(Figures::read(text), Figures { leads: true, organizations: 12 });
        assert_eq!(Figures::read(""), Figures::default());
    }
}
