//! The real cluster: [`manifests`], [`secrets`] and [`objects`]. Every write is asked of the [`Leadership`] first, so that an operator that woke up
//! late writes nothing.

mod manifests;
mod objects;
mod secrets;
mod written;

pub use secrets::belongs_to;
pub(crate) use secrets::view;

use kube::Client;
use kube::runtime::events::{Recorder, Reporter};

use crate::leader::Leadership;
use crate::names;
use crate::trouble::Trouble;

/// A cluster, as this process may use it.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    leadership: Leadership,
    /// Who tells.
    reporter: Reporter,
    /// Counts warnings that are repeated, which takes remembering them.
    warnings: Recorder,
    written: written::Written,
}

impl Cluster {
    /// Uses a client for as long as this process leads. `instance` is the pod's name.
    pub fn new(client: Client, leadership: Leadership, instance: &str) -> Self {
        let reporter =
            Reporter { controller: names::MANAGER.to_owned(), instance: Some(instance.to_owned()) };
        let warnings = Recorder::new(client.clone(), reporter.clone());
        Self { client, leadership, reporter, warnings, written: written::Written::default() }
    }
}

/// What an answer of the API server means. `what` names the object.
pub(crate) fn trouble(what: &str, error: &kube::Error) -> Trouble {
    match error {
        kube::Error::Api(status) => match status.code {
            401 => Trouble::standing(
                "Unauthorized",
                format!("{what}: the API server does not accept the operator's token: {}", status.message),
            ),
            403 if status.message.contains("is being terminated") => {
                Trouble::passing("NamespaceTerminating", format!("{what}: {}", status.message))
            }
            403 => Trouble::standing(
                "RbacMissing",
                format!(
                    "{what}: the operator may not do this: {}; install the chart's Role in this namespace (values: watchNamespaces)",
                    status.message
                ),
            ),
            409 => Trouble::passing("Conflict", format!("{what} changed in between")),
            400 | 422 => Trouble::standing("Refused", format!("{what}: {}", status.message)),
            _ => Trouble::passing("ApiServerUnavailable", format!("{what}: {}", status.message)),
        },
        other => Trouble::passing(
            "ApiServerUnavailable",
            format!("{what}: the API server cannot be reached: {other}"),
        ),
    }
}
