//! The one look at the database, for all who follow, and for this process's own view.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tenantry_directory::{Change, Follower, Frame, Position, encode};
use tenantry_store::directory::{Changes, SnapshotError};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::POLL;
use crate::state::AppState;

/// Between two times that revocations nobody can be hurt by any more are dropped.
const PRUNE: Duration = Duration::from_mins(1);
/// Batches of changes in one look.
const MOST_BATCHES: usize = 32;

/// Reads until `stop`: what is new goes into the log, and through the same encoded frames as a gate's into this process's view.
pub(crate) async fn read_for_all(state: AppState, stop: CancellationToken) {
    let mut reader = Reader::default();
    let mut pruned_at = Instant::now();
    loop {
        // Registered before the look, so that a change made while looking is not missed.
        let mut changed = pin!(state.changed.notified());
        changed.as_mut().enable();
        reader.look(&state).await;
        if pruned_at.elapsed() >= PRUNE
            && let Ok(tx) = state.store.read().await
        {
            reader.follower.prune(tx.now);
            state.log.forget_snapshot();
            pruned_at = Instant::now();
        }
        if let Some(view) = reader.follower.view() {
            state.view.store(Some(Arc::clone(view)));
            let version = view.version;
            state.published.send_if_modified(|published| std::mem::replace(published, version) != version);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            _ = timeout(POLL, changed) => {}
        }
    }
}

/// What a look brought.
enum Taken {
    /// Everything there was.
    All,
    /// So much that more may follow.
    Some,
    /// What does not follow from what was known.
    Nonsense,
}

#[derive(Default)]
struct Reader {
    position: Option<Position>,
    follower: Follower,
}

impl Reader {
    /// Takes what is new. Where the database cannot be read nothing is, and all who follow see the age of what they know grow.
    async fn look(&mut self, state: &AppState) {
        let began = Instant::now();
        match self.take(state).await {
            Ok(Taken::All) => state.log.read(began),
            Ok(Taken::Some) => state.changed.notify_waiters(),
            Ok(Taken::Nonsense) => *self = Self::default(),
            Err(SnapshotError::NoSettings) => {}
            Err(SnapshotError::Store(error)) => {
                tracing::warn!(%error, "the directory could not be read; gates go on with what they know");
            }
        }
    }

    async fn take(&mut self, state: &AppState) -> Result<Taken, SnapshotError> {
        let Some(mut position) = self.position else { return self.begin(state).await };
        for _ in 0..MOST_BATCHES {
            let changes = match state.store.changes(position).await? {
                Changes::Following(changes) => changes,
                Changes::Gap => {
                    tracing::info!(
                        "the directory's history does not reach back that far; a new snapshot follows"
                    );
                    return self.begin(state).await;
                }
            };
            // Only when nothing is left is it known that everything was read.
            if changes.is_empty() {
                let alive = self.hear(&encode(&Frame::Heartbeat { read_at_ms: 0 }));
                return Ok(if alive { Taken::All } else { Taken::Nonsense });
            }
            for change in changes {
                let Change { version, digest, .. } = change;
                let line = Bytes::from(encode(&Frame::Change(Box::new(change))));
                if !self.hear(&line) {
                    return Ok(Taken::Nonsense);
                }
                position = Position { version, digest };
                state.log.push(position, line);
                self.position = Some(position);
            }
        }
        Ok(Taken::Some)
    }

    async fn begin(&mut self, state: &AppState) -> Result<Taken, SnapshotError> {
        let began = Instant::now();
        let snapshot = state.store.snapshot().await?;
        let position = Position { version: snapshot.version, digest: snapshot.digest };
        if !self.hear(&super::line_of(snapshot, began, began)) {
            return Ok(Taken::Nonsense);
        }
        state.log.begin(position);
        self.position = Some(position);
        Ok(Taken::All)
    }

    fn hear(&mut self, line: &[u8]) -> bool {
        // No network lies between: what it says was read now.
        let now = std::time::Instant::now();
        let heard = self.follower.take(line, now, now);
        if let Err(reason) = &heard {
            tracing::error!(?reason, "the directory contradicts itself; it is read anew");
        }
        heard.is_ok()
    }
}
