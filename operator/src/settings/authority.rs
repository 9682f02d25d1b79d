//! The authority that is run for each Backend.

use std::time::Duration;

use anyhow::ensure;
use serde::Deserialize;

use super::{Period, PullPolicy, Resources, check_lasts};
use crate::certificates::Lasts;

/// The settings of the pods that are a Backend's authority, and of the certificates that they and the gates have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authority {
    /// Their image.
    pub image: String,
    /// When that is pulled.
    #[serde(default)]
    pub image_pull_policy: PullPolicy,
    /// Secrets of a Backend's namespace that it is pulled with.
    #[serde(default)]
    pub image_pull_secrets: Vec<String>,
    /// How many pods there are.
    #[serde(default = "replicas")]
    pub replicas: u16,
    /// What each asks for and may use.
    #[serde(default)]
    pub resources: Resources,
    /// What they log.
    #[serde(default = "log")]
    pub log: String,
    /// The `ClusterRoleBinding` of all authorities: they may have tokens reviewed.
    pub reviewers: String,
    /// How long a certificate is good for.
    #[serde(default = "certificate_lasts")]
    pub certificate_lasts: Period,
    /// How long those are that sign them.
    #[serde(default = "ca_lasts")]
    pub ca_lasts: Period,
}

impl Authority {
    /// How long certificates and those that sign them last.
    pub fn lasts(&self) -> Lasts {
        Lasts { authority: self.ca_lasts.0, certificate: self.certificate_lasts.0 }
    }

    /// Says what makes no sense.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(!self.image.is_empty(), "authority.image: write a name");
        ensure!(!self.reviewers.is_empty(), "authority.reviewers: write a name");
        ensure!(self.replicas > 0, "authority.replicas: write at least 1");
        self.resources.check("authority.resources")?;
        check_lasts("authority", self.certificate_lasts, ("caLasts", self.ca_lasts))
    }
}

fn replicas() -> u16 {
    2
}

fn log() -> String {
    "info".to_owned()
}

fn certificate_lasts() -> Period {
    Period(Duration::from_hours(24 * 90))
}

fn ca_lasts() -> Period {
    Period(Duration::from_hours(24 * 3650))
}

#[cfg(test)]
mod tests {
    use super::super::Settings;

    const LEAST: &str = "image: i, reviewers: r";

    fn checked(more: &str) -> Result<(), String> {
        let read: Result<Settings, _> = serde_saphyr::from_str(&format!("authority: {{ {more} }}"));
        let authority = read.map_err(|error| error.to_string())?.authority.unwrap();
        authority.check().map_err(|error| error.to_string())
    }

    #[test]
    fn an_authority_needs_an_image_and_a_binding_and_all_else_has_a_default() {
        assert_eq!(checked(LEAST), Ok(()));
        for (more, named) in [
            ("image: '', reviewers: r", "authority.image"),
            ("image: i, reviewers: ''", "authority.reviewers"),
            ("image: i, reviewers: r, replicas: 0", "authority.replicas"),
            ("image: i, reviewers: r, replica: 1", "replica"),
            ("image: i, reviewers: r, resources: { limits: { memory: much } }", "much"),
            ("image: i, reviewers: r, certificateLasts: 1s", "certificateLasts"),
            ("image: i, reviewers: r, caLasts: 100d", "four times"),
        ] {
            let error = checked(more).unwrap_err();
            assert!(error.contains(named), "{more}: {error}");
        }
    }
}
