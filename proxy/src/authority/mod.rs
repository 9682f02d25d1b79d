//! `authority`: the half that holds the keys, for gates that run elsewhere.
//!
//! `folder` serves a folder of manifests, `cluster` a Backend of the cluster; [`run`] starts either and waits for a signal.

mod cluster;
mod folder;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tenantry_authority::{Authority, AuthorityConfig, Gates, Limiter, Quotas, Running, SharedLimiter};
use tenantry_process::{Failure, Signals, Watched, logs};
use tenantry_store::Store;
use tokio_util::sync::CancellationToken;

use crate::manifests::ServedBackend;
use crate::settings::{AuthoritySettings, Served};

/// How long a first read of the directory may take before it is told.
const READY: Duration = Duration::from_secs(10);

/// Serves until SIGINT or SIGTERM.
pub fn run(settings: &AuthoritySettings) -> Result<(), Failure> {
    logs::install(settings.log_format, &settings.log)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().thread_name("authority").enable_all().build().map_err(
            |error| {
                Failure::new(format!("no threads can be started: {error}"), "Raise the limit of processes.")
            },
        )?;
    runtime.block_on(serve(settings))
}

/// What keeps the authority's settings true from now on.
type Following = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What runs.
struct Parts {
    store: Store,
    authority: Arc<Running>,
    following: Following,
}

async fn serve(settings: &AuthoritySettings) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let stop = CancellationToken::new();
    let starting = async {
        match &settings.served {
            Served::Folder { .. } => folder::start(settings, stop.clone()).await,
            Served::Backend { .. } => cluster::start(settings, stop.clone()).await,
        }
    };
    // A start may wait for the database or the API server for long.
    let parts = tokio::select! {
        started = starting => started?,
        () = signals.next() => return Ok(()),
    };
    let addresses = parts.authority.addresses();
    tracing::info!(
        requests = %addresses.requests,
        stream = addresses.stream.map(tracing::field::display),
        admin = addresses.admin.map(tracing::field::display),
        "the authority listens"
    );
    if !parts.authority.wait_ready(READY).await {
        tracing::warn!("the directory could not be read yet; gates wait until it can be");
    }
    let following = tokio::spawn(parts.following);
    let mut certificate = Watched::new(vec![settings.tls.certificate.clone(), settings.tls.key.clone()]);
    loop {
        tokio::select! {
            () = signals.next() => break,
            () = certificate.changed() => match parts.authority.reload_tls() {
                Ok(()) => tracing::info!("the certificate changed; new connections get the new one"),
                Err(error) => tracing::error!(%error, "the changed certificate cannot be used; the old one serves on"),
            },
        }
    }
    tracing::info!("stopping");
    parts.authority.leave();
    let ended = async {
        tokio::time::sleep(settings.linger).await;
        stop.cancel();
        drop(following.await);
        parts.authority.stop().await;
        parts.store.close().await;
    };
    tokio::select! {
        () = ended => {}
        () = signals.interrupted() => tracing::warn!("stopped at once"),
    }
    Ok(())
}

/// Starts the authority of a Backend.
fn start(
    settings: &AuthoritySettings,
    store: Store,
    served: &ServedBackend,
    gates: Arc<dyn Gates>,
) -> Result<Arc<Running>, Failure> {
    let started = Authority::start(AuthorityConfig {
        listen: settings.listen,
        stream: Some(settings.stream),
        admin: Some(settings.admin),
        tls: Some(settings.tls.clone()),
        connections: settings.connections,
        gates,
        policy: served.policy.clone(),
        limiter: Some(limiter(store.clone(), served.quotas)),
        store,
        random: None,
    });
    started.map(Arc::new).map_err(|error| Failure::of(&error))
}

/// Limits that all authorities on a database share.
fn limiter(store: Store, quotas: Quotas) -> Box<dyn Limiter> {
    Box::new(SharedLimiter::new(store, quotas))
}
