//! What belongs to the process: a YAML file, environment and flags, later over earlier. What belongs to a Backend is in its manifest.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

mod authority;
mod injection;

pub use authority::Authority;
pub use injection::{Gate, Injection, PullPolicy, Resources};

/// The settings of an operator.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// `json` in a cluster, `text` at a terminal.
    pub log_format: LogFormat,
    /// What is logged, as `RUST_LOG` says it.
    pub log: String,
    /// Where metrics and probes are served.
    pub metrics_listen: SocketAddr,
    /// The namespaces that are watched; none: all.
    pub watch_namespaces: Vec<String>,
    /// Organizations of a Backend that are worked on at a time.
    pub workers: u16,
    /// How often everything is looked at again, whether or not anything was told of a change.
    pub resync: Period,
    /// Names the cluster in databases and tags; empty: the UID of the namespace kube-system.
    pub cluster_id: String,
    /// The Lease.
    pub lease: Lease,
    /// The authority that is run for each Backend; none: none is.
    pub authority: Option<Authority>,
    /// The webhook that adds gates to pods; none: there is none.
    pub injection: Option<Injection>,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// An object a line.
    #[default]
    Json,
    /// For people.
    Text,
    /// `text` at a terminal, `json` elsewhere.
    Auto,
}

/// The Lease that says who writes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Lease {
    /// Its name, in the operator's own namespace.
    pub name: String,
    /// How long it lasts without being renewed, 5 s at least.
    pub duration: Period,
}

/// A length of time, such as `15s` or `1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Period(pub Duration);

impl TryFrom<String> for Period {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let period: tenantry_crds::Period = text.parse().map_err(|_| {
            format!("{text:?} is no length of time: write a whole number and one unit, s, m, h or d, such as 15s or 1h")
        })?;
        Ok(Self(period.duration()))
    }
}

impl Default for Lease {
    fn default() -> Self {
        Self { name: "tenantry-operator".to_owned(), duration: Period(Duration::from_secs(10)) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            log_format: LogFormat::Json,
            log: "info".to_owned(),
            metrics_listen: SocketAddr::from(([0, 0, 0, 0], 9090)),
            watch_namespaces: Vec::new(),
            workers: 16,
            resync: Period(Duration::from_hours(1)),
            cluster_id: String::new(),
            lease: Lease::default(),
            authority: None,
            injection: None,
        }
    }
}

/// What the command line and the environment say over the file.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Overrides {
    /// A YAML file of settings
    #[arg(long, env = "TENANTRY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Namespaces to watch, separated by commas; none: all
    #[arg(long, env = "TENANTRY_WATCH_NAMESPACES", value_delimiter = ',', value_name = "NAMES")]
    pub watch_namespaces: Option<Vec<String>>,
    /// Where metrics and probes are served
    #[arg(long, env = "TENANTRY_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,
    /// Where the webhook that adds gates to pods is served, if the file asks for it
    #[arg(long, env = "TENANTRY_INJECTION_LISTEN", value_name = "ADDRESS")]
    pub injection_listen: Option<SocketAddr>,
    /// How often everything is looked at again, such as 1h
    #[arg(long, env = "TENANTRY_RESYNC", value_name = "PERIOD")]
    pub resync: Option<String>,
    /// Names the cluster in databases and tags [default: the UID of the namespace kube-system]
    #[arg(long, env = "TENANTRY_CLUSTER_ID", value_name = "ID")]
    pub cluster_id: Option<String>,
    /// json or text
    #[arg(long, env = "TENANTRY_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// What is logged, such as info or `tenantry_operator=debug`
    #[arg(long, env = "TENANTRY_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// The operator's own namespace, where its Lease is
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAME", default_value = "tenantry-system")]
    pub namespace: String,
    /// The name of this process
    #[arg(long, env = "POD_NAME", value_name = "NAME", default_value = "tenantry-operator")]
    pub instance: String,
}

impl Overrides {
    /// The settings that are in force.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        let mut settings = match &self.config {
            Some(path) => read(path)?,
            None => Settings::default(),
        };
        if let Some(namespaces) = &self.watch_namespaces {
            settings.watch_namespaces = namespaces.iter().filter(|name| !name.is_empty()).cloned().collect();
        }
        if let Some(resync) = &self.resync {
            settings.resync =
                Period::try_from(resync.clone()).map_err(anyhow::Error::msg).context("--resync")?;
        }
        settings.metrics_listen = self.metrics_listen.unwrap_or(settings.metrics_listen);
        if let Some(injection) = &mut settings.injection {
            injection.listen = self.injection_listen.unwrap_or(injection.listen);
            injection.check()?;
        }
        if let Some(authority) = &settings.authority {
            authority.check()?;
        }
        settings.cluster_id = self.cluster_id.clone().unwrap_or(settings.cluster_id);
        settings.log_format = self.log_format.unwrap_or(settings.log_format);
        settings.log = self.log.clone().unwrap_or(settings.log);
        if settings.lease.duration.0 < Duration::from_secs(5) {
            bail!("lease.duration: write at least 5s");
        }
        if settings.workers == 0 {
            bail!("workers: write at least 1");
        }
        if settings.resync.0 < Duration::from_secs(1) {
            bail!("resync: write at least 1s");
        }
        Ok(settings)
    }
}

/// Says where certificates, or those that sign them, end too soon to be renewed.
fn check_lasts(of: &str, certificate: Period, (name, signer): (&str, Period)) -> anyhow::Result<()> {
    ensure!(certificate.0 >= Duration::from_secs(10), "{of}.certificateLasts: write at least 10s");
    ensure!(signer.0 >= certificate.0 * 4, "{of}.{name}: write at least four times certificateLasts");
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Settings> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if text.trim().is_empty() {
        return Ok(Settings::default());
    }
    serde_saphyr::from_str(&text).with_context(|| format!("{} has an error", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> anyhow::Result<Settings> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Overrides { config: Some(file.path().to_owned()), ..Overrides::default() }.settings()
    }

    #[test]
    fn a_file_says_what_differs_from_the_defaults() {
        let settings = from("watchNamespaces: [a, b]\nlease: { duration: 20s }\nresync: 5m\n").unwrap();
        assert_eq!(settings.watch_namespaces, ["a", "b"]);
        assert_eq!(settings.lease, Lease { duration: Period(Duration::from_secs(20)), ..Lease::default() });
        assert_eq!(settings.resync.0, Duration::from_mins(5));
        assert_eq!(settings.workers, Settings::default().workers);
        assert_eq!(from("").unwrap(), Settings::default());
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_name() {
        for (text, named) in [
            ("wachNamespaces: []", "wachNamespaces"),
            ("resync: soon", "soon"),
            ("lease: { duration: 1s }", "lease.duration"),
            ("workers: 0", "workers"),
            ("metricsListen: everywhere", "metricsListen"),
        ] {
            let error = format!("{:#}", from(text).unwrap_err());
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn the_command_line_overrides_the_file() {
        let overrides = Overrides {
            watch_namespaces: Some(vec!["c".into()]),
            resync: Some("2m".into()),
            ..Overrides::default()
        };
        let settings = overrides.settings().unwrap();
        assert_eq!(
            (settings.watch_namespaces, settings.resync.0),
            (vec!["c".into()], Duration::from_mins(2))
        );
    }
}
