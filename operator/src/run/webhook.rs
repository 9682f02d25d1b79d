//! The webhook of a process, whether or not it leads: its server, the Backends that it knows, the certificate that it shows.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::{join_all, ready};
use futures_util::{FutureExt as _, StreamExt as _};
use kube::{Api, Client};
use tenantry_crds::Backend;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::controllers::Scope;
use super::known::Caches;
use crate::injection::certificate::shown::Shown;
use crate::injection::decide::Decider;
use crate::injection::server;
use crate::metrics::{Health, Metrics};
use crate::settings::Injection;

/// How long it is served on when the process ends: until the API server has heard that it is to ask another.
const LINGER: Duration = Duration::from_secs(5);
/// For answers that are under way then.
const LAST: Duration = Duration::from_secs(6);

/// A webhook that is served.
pub struct Webhook {
    server: JoinHandle<()>,
    others: Vec<JoinHandle<()>>,
    end: watch::Sender<bool>,
}

/// Who serves, and where.
pub struct Serving<'a> {
    /// To whom it speaks.
    pub client: &'a Client,
    /// The operator's own namespace.
    pub namespace: &'a str,
    /// The namespaces whose Backends are known; none: all.
    pub watched: &'a [String],
    /// Whether the operator runs authorities.
    pub runs_authorities: bool,
    /// What is counted.
    pub metrics: &'a Metrics,
    /// Whom it tells that it has a certificate.
    pub health: &'a Health,
}

impl Webhook {
    /// Begins to serve.
    pub async fn start(settings: &Injection, serving: &Serving<'_>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(settings.listen)
            .await
            .with_context(|| format!("injection.listen: {} cannot be listened on", settings.listen))?;
        tracing::info!(address = %listener.local_addr()?, "the webhook that adds gates to pods");
        let client = serving.client.clone();
        let (caches, seen): (Vec<_>, Vec<_>) =
            Scope::of(&client, serving.watched).iter().map(Scope::manifests::<Backend>).unzip();
        let seen = join_all(seen.into_iter().map(|seen| seen.for_each(|_| ready(())))).map(drop);
        let shown = Arc::new(Shown::default());
        let (tls, secrets) = (shown.server(), Api::namespaced(client.clone(), serving.namespace));
        let (name, lasts, health) =
            (settings.secret.clone(), settings.certificate_lasts.0, serving.health.clone());
        let follow = async move { shown.follow(secrets, &name, lasts, health).await };
        let backends = Caches::new(serving.watched, caches);
        let decider = Decider::new(client, backends, settings.gate.clone(), serving.runs_authorities);
        let (end, ended) = watch::channel(false);
        let server = server::serve(listener, tls, decider, serving.metrics.clone(), ended);
        Ok(Self { server: tokio::spawn(server), others: vec![tokio::spawn(seen), tokio::spawn(follow)], end })
    }

    /// Serves on for a moment, then answers what was asked before, and ends.
    pub async fn end(self) {
        tokio::time::sleep(LINGER).await;
        self.end.send_replace(true);
        if tokio::time::timeout(LAST, self.server).await.is_err() {
            tracing::warn!("the webhook did not end in time");
        }
        for other in self.others {
            other.abort();
        }
    }
}
