//! Keeps what the gate knows up to date: reads frames, and begins anew with a snapshot where the stream ends or contradicts
//! itself. While it does, the gate goes on with what it knows, and its age grows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tenantry_directory::stream::MAX_FRAME_BYTES;
use tenantry_directory::{Follower, Step};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::time::timeout;

use crate::config::DirectorySource;
use crate::shared::Shared;

/// Between two connections to the source.
const AGAIN: Duration = Duration::from_millis(200);
/// A stream with nothing to say for so long is dead, whatever its socket says: the authority's heartbeat comes each second.
const SILENCE: Duration = Duration::from_secs(10);
/// Between two prunings of what is over.
const PRUNE: Duration = Duration::from_mins(1);

/// Runs for the life of the gate.
pub(crate) async fn follow(shared: Arc<Shared>, source: Arc<dyn DirectorySource>) {
    let mut follower = Follower::new();
    loop {
        if let Err(reason) = stream(&shared, source.as_ref(), &mut follower).await {
            tracing::warn!(%reason, "the directory stream ended; the gate goes on with what it knows");
            shared.metrics.directory_reconnects.inc();
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn stream(
    shared: &Shared,
    source: &dyn DirectorySource,
    follower: &mut Follower,
) -> Result<(), String> {
    let connecting = timeout(SILENCE, source.connect()).await;
    let reader =
        connecting.map_err(|_| "it could not be opened in time")?.map_err(|error| error.to_string())?;
    let mut reader = BufReader::with_capacity(64 * 1024, reader);
    let mut line = Vec::new();
    let mut pruned = Instant::now();
    loop {
        line.clear();
        let most = u64::try_from(MAX_FRAME_BYTES).unwrap_or(u64::MAX);
        let mut bounded = (&mut reader).take(most);
        let count = timeout(SILENCE, bounded.read_until(b'\n', &mut line))
            .await
            .map_err(|_| "it went silent".to_owned())?
            .map_err(|error| error.to_string())?;
        if count == 0 {
            return Err("the authority closed it".to_owned());
        }
        let step = follower.take(&line, Instant::now()).map_err(|need| need.to_string());
        let step = match step {
            Ok(step) => step,
            Err(reason) => {
                publish(shared, follower);
                return Err(reason);
            }
        };
        if let Step::Replaced(view) | Step::Advanced(view) = &step
            && !view.unusable_keys.is_empty()
        {
            let keys = view.unusable_keys.len();
            tracing::warn!(keys, "keys of the directory cannot be used; tokens signed with them are refused");
        }
        if pruned.elapsed() >= PRUNE {
            follower.prune(shared.now());
            pruned = Instant::now();
        }
        publish(shared, follower);
    }
}

fn publish(shared: &Shared, follower: &Follower) {
    if let Some(known) = follower.known() {
        shared.metrics.directory_version.set(known.view.version);
        shared.known.store(Some(Arc::new(known.clone())));
    }
}
