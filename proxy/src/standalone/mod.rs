//! `standalone`: gate and authority in one process. They share nothing but a loopback connection and the directory's frames.
//!
//! `start` opens the data folder and the database and starts the parts, and [`run`] applies the manifests as they change, waits for a signal and ends everything in order.

mod start;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::manifests;
use crate::settings::Settings;
use tenantry_process::{Failure, Signals, Watched, logs};

/// How long requests in flight may take to end.
const DRAIN: Duration = Duration::from_secs(10);
/// Threads of the authority; traffic has threads of its own.
const AUTHORITY_THREADS: usize = 2;

/// Serves until SIGINT or SIGTERM.
pub fn run(settings: &Settings) -> Result<(), Failure> {
    logs::install(settings.log_format, &settings.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(AUTHORITY_THREADS)
        .thread_name("authority")
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(format!("no threads can be started: {error}"), "Raise the limit of processes.")
        })?;
    runtime.block_on(serve(settings))
}

async fn serve(settings: &Settings) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let parts = start::start(settings).await?;
    let stop = CancellationToken::new();
    let following = tokio::spawn(manifests::follow(parts.follower(), stop.clone()));
    let named =
        settings.tls.iter().flat_map(|files| [files.certificate.clone(), files.key.clone()]).collect();
    let mut certificate = Watched::new(named);
    loop {
        tokio::select! {
            () = signals.next() => break,
            () = certificate.changed() => match parts.gate.reload_tls() {
                Ok(()) => tracing::info!("the certificate changed; new connections get the new one"),
                Err(error) => tracing::error!(%error, "the changed certificate cannot be used; the old one serves on"),
            },
        }
    }
    tracing::info!("stopping: requests in flight have {} s", DRAIN.as_secs());
    stop.cancel();
    drop(following.await);
    parts.data.remove_addresses();
    let ended = async {
        let drained = parts.gate.drain(DRAIN).await;
        if drained.cut > 0 {
            tracing::warn!(connections = drained.cut, "cut what had not ended in time");
        }
        parts.authority.stop().await;
        parts.store.close().await;
    };
    tokio::select! {
        () = ended => {}
        () = signals.interrupted() => tracing::warn!("stopped at once"),
    }
    Ok(())
}
