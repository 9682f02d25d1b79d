//! An authority in a cluster: its Backend is read from the API server and followed there. What the Backend says of the directory is
//! written to the database, where every authority of it finds the same; Organizations are the operator's.

use std::sync::Arc;

use tenantry_authority::{Cluster, Reviews, Running, ServiceAccounts};
use tenantry_crds::Backend;
use tenantry_process::Failure;
use tenantry_store::Store;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Parts;
use crate::database::{self, Wanted};
use crate::manifests::{ServedBackend, apply_settings};
use crate::settings::{AuthoritySettings, Served};

/// Waits for the Backend and starts to serve.
pub(super) async fn start(settings: &AuthoritySettings, stop: CancellationToken) -> Result<Parts, Failure> {
    let Served::Backend { namespace, name, cluster_id, keyring, database } = &settings.served else {
        return Err(Failure::usage("no Backend is named", "Name one with --backend NAMESPACE/NAME."));
    };
    let cluster = Cluster::connect()
        .await
        .map_err(|error| Failure::new(error.to_string(), "Outside a cluster serve a folder: --manifests."))?;
    let mut backends = cluster.backend(namespace, name, stop);
    let read = tokio::select! {
        read = first(&mut backends) => read,
        () = told(namespace, name) => None,
    };
    let Some(backend) = read else {
        return Err(Failure::new("the Backend is followed no more", "Start again."));
    };
    let served = ServedBackend::new(&backend, false, None, None).map_err(|problem| {
        Failure::new(format!("the Backend {namespace}/{name}: {problem}"), "Correct the Backend.")
    })?;
    let store = database::open(Wanted {
        url: Some(database.clone()),
        ca: settings.database_ca.clone(),
        keyring: Some(keyring.clone()),
        data: None,
        backend: served.settings.audience.clone(),
        cluster: cluster_id.clone(),
    })
    .await?;
    apply_settings(&store, &served.settings).await.map_err(|error| {
        Failure::new(format!("the Backend's settings cannot be written: {error}"), "See to the database.")
    })?;
    let gates = Arc::new(Reviews::new(cluster.reviewer(), accounts(&backend)));
    let authority = super::start(settings, store.clone(), &served, gates.clone())?;
    let follower =
        Follower { backends, store: store.clone(), authority: Arc::clone(&authority), gates, served };
    Ok(Parts { store, authority, following: Box::pin(follower.follow()) })
}

async fn first(backends: &mut watch::Receiver<Option<Arc<Backend>>>) -> Option<Arc<Backend>> {
    backends.wait_for(Option::is_some).await.ok()?.clone()
}

/// Says again and again what a start waits for; never returns.
async fn told(namespace: &str, name: &str) {
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        tracing::warn!("waiting for the Backend {namespace}/{name} to be read from the API server");
    }
}

fn accounts(backend: &Backend) -> ServiceAccounts {
    ServiceAccounts {
        namespace: backend.namespace().to_owned(),
        names: backend.spec.gates.service_accounts.iter().map(ToString::to_string).collect(),
    }
}

/// The Backend as it changes.
struct Follower {
    backends: watch::Receiver<Option<Arc<Backend>>>,
    store: Store,
    authority: Arc<Running>,
    gates: Arc<Reviews>,
    served: ServedBackend,
}

impl Follower {
    /// Until nobody tells of changes any more.
    async fn follow(mut self) {
        while self.backends.changed().await.is_ok() {
            let backend = self.backends.borrow_and_update().clone();
            if let Some(backend) = backend {
                self.take(&backend).await;
            }
        }
    }

    /// Takes what a change says; a Backend that cannot be served changes nothing but who may be a gate.
    async fn take(&mut self, backend: &Backend) {
        self.gates.list(accounts(backend));
        let served = match ServedBackend::new(backend, false, None, None) {
            Ok(served) => served,
            Err(problem) => {
                tracing::error!(%problem, "the changed Backend cannot be served; as it was before it is served on");
                return;
            }
        };
        self.authority.set_policy(served.policy.clone());
        if self.served.quotas != served.quotas {
            self.authority.set_limiter(super::limiter(self.store.clone(), served.quotas));
        }
        self.served = served;
        while let Err(error) = apply_settings(&self.store, &self.served.settings).await {
            tracing::error!(%error, "the Backend's settings could not be written, and will be again");
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
            // A later change says more.
            if self.backends.has_changed().unwrap_or(true) {
                return;
            }
        }
        self.authority.changed();
    }
}
