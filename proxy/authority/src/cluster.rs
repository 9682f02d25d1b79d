//! The cluster that an authority runs in: its Backend as it changes, and who may be a gate.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use tenantry_crds::Backend;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::gates::TokenReviewer;

/// How long the API server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Watches end and begin anew within this; every other call has a time-out of its own.
const READ: Duration = Duration::from_secs(295);

/// A connection to the API server, with the rights of the authority's ServiceAccount: it reads one Backend and has tokens reviewed.
#[derive(Clone)]
pub struct Cluster(Client);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No address is known.
    #[error("no API server is known: run in a cluster, or set KUBECONFIG")]
    Unknown(#[source] kube::config::InferConfigError),
    /// The address or certificate cannot be used.
    #[error("the API server's address or certificate cannot be used: {0}")]
    Unusable(#[source] kube::Error),
}

impl Cluster {
    /// Finds the API server, as kubectl and pods do. Nothing is asked of it yet.
    pub async fn connect() -> Result<Self, ClusterError> {
        let mut config = kube::Config::infer().await.map_err(ClusterError::Unknown)?;
        (config.connect_timeout, config.read_timeout) = (Some(CONNECT), Some(READ));
        Client::try_from(config).map(Self).map_err(ClusterError::Unusable)
    }

    /// Asks the API server whose a token is.
    pub fn reviewer(&self) -> Box<dyn TokenReviewer> {
        Box::new(self.0.clone())
    }

    /// A Backend, now and whenever it changes, until `stop`. A Backend that is deleted stays as it was: whoever serves it goes on until it
    /// is told to stop. While the API server is away so does what was read last.
    pub fn backend(
        &self,
        namespace: &str,
        name: &str,
        stop: CancellationToken,
    ) -> watch::Receiver<Option<Arc<Backend>>> {
        let api: Api<Backend> = Api::namespaced(self.0.clone(), namespace);
        let (tell, hear) = watch::channel(None);
        let seen = watcher::watch_object(api, name).default_backoff();
        let mut seen = Box::pin(seen);
        tokio::spawn(async move {
            let mut said = String::new();
            loop {
                let next = tokio::select! {
                    () = stop.cancelled() => return,
                    next = seen.next() => next,
                };
                match next {
                    Some(Ok(Some(backend))) => {
                        said.clear();
                        tell.send_replace(Some(Arc::new(backend)));
                    }
                    Some(Ok(None)) => {
                        tracing::warn!("there is no such Backend; what was read of it last counts");
                    }
                    Some(Err(error)) => {
                        let text = error.to_string();
                        if text != said {
                            tracing::warn!(%error, "the Backend cannot be read; what was read of it last counts");
                            said = text;
                        }
                    }
                    None => return,
                }
            }
        });
        hear
    }
}
