//! The webhook that adds gates to pods: where it listens, what it adds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{bail, ensure};
use serde::Deserialize;

use super::{Period, check_lasts};
use crate::injection::quantity;

/// The settings of the webhook.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Injection {
    /// Where the API server asks.
    #[serde(default = "listen")]
    pub listen: SocketAddr,
    /// The names and addresses by which it does: the certificate is for these.
    pub names: Vec<String>,
    /// The `MutatingWebhookConfiguration` that sends it here.
    pub webhook: String,
    /// The Secret with the certificate, in the operator's own namespace.
    pub secret: String,
    /// What is added to pods.
    pub gate: Gate,
    /// How long a certificate is good for.
    #[serde(default = "certificate_lasts")]
    pub certificate_lasts: Period,
    /// How long the authority is that signs it.
    #[serde(default = "authority_lasts")]
    pub authority_lasts: Period,
}

/// The container that is added to pods, where their annotations say nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gate {
    /// Its image.
    pub image: String,
    /// When that is pulled.
    #[serde(default)]
    pub image_pull_policy: PullPolicy,
    /// What it asks for and may use.
    #[serde(default)]
    pub resources: Resources,
}

/// When an image is pulled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
pub enum PullPolicy {
    /// Whenever a container starts.
    Always,
    /// Where it is not there yet.
    #[default]
    IfNotPresent,
    /// By somebody else.
    Never,
}

/// What a container asks for and may use, such as `cpu: 50m`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Resources {
    /// What it is sure to have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, String>,
    /// What it never gets more of.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, String>,
}

impl Resources {
    /// Says what is no amount.
    pub(super) fn check(&self, named: &str) -> anyhow::Result<()> {
        for (name, amount) in self.requests.iter().chain(&self.limits) {
            if !quantity::is_quantity(amount) {
                bail!("{named}: {amount:?} is no amount of {name}: write one such as 50m or 64Mi");
            }
        }
        Ok(())
    }
}

impl Injection {
    /// Says what makes no sense.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for (named, text) in
            [("webhook", &self.webhook), ("secret", &self.secret), ("gate.image", &self.gate.image)]
        {
            ensure!(!text.is_empty(), "injection.{named}: write a name");
        }
        ensure!(!self.names.is_empty(), "injection.names: write at least one name or address");
        self.gate.resources.check("injection.gate.resources")?;
        check_lasts("injection", self.certificate_lasts, ("authorityLasts", self.authority_lasts))
    }
}

fn listen() -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], 9443))
}

fn certificate_lasts() -> Period {
    Period(Duration::from_hours(24 * 30))
}

fn authority_lasts() -> Period {
    Period(Duration::from_hours(24 * 365))
}

#[cfg(test)]
mod tests {
    use super::super::Settings;

    const LEAST: &str = "names: [a.b.svc], webhook: w, secret: s, gate: { image: i }";

    fn checked(more: &str) -> Result<(), String> {
        let read: Result<Settings, _> = serde_saphyr::from_str(&format!("injection: {{ {more} }}"));
        let injection = read.map_err(|error| error.to_string())?.injection.unwrap();
        injection.check().map_err(|error| error.to_string())
    }

    #[test]
    fn a_webhook_needs_names_and_an_image_and_all_else_has_a_default() {
        assert_eq!(checked(LEAST), Ok(()));
        for (from, to, named) in [
            ("names: [a.b.svc]", "names: []", "injection.names"),
            ("image: i", "image: ''", "injection.gate.image"),
            ("webhook: w", "webhock: w", "webhock"),
            ("image: i", "image: i, resources: { limits: { memory: much } }", "much"),
            ("secret: s", "secret: s, certificateLasts: 1s", "certificateLasts"),
            ("secret: s", "secret: s, authorityLasts: 60d", "four times"),
        ] {
            let error = checked(&LEAST.replace(from, to)).unwrap_err();
            assert!(error.contains(named), "{to}: {error}");
        }
    }
}
