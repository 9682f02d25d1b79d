//! The directory as gates follow it: a snapshot, then changes, and a heartbeat each second that says how old the last good
//! read of the database is. One line a frame, the same bytes in one process and over a network.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tenantry_directory::{Change, Follower, Frame, encode};
use tenantry_store::directory::{Changes, Position, SnapshotError};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::state::AppState;

/// Between two looks at the head of the directory.
const POLL: Duration = Duration::from_millis(250);
/// Between two times that revocations nobody can be hurt by any more are dropped.
const PRUNE: Duration = Duration::from_mins(1);
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Where one follower stands.
#[derive(Default)]
struct Cursor {
    position: Option<Position>,
    read_at: Option<Instant>,
    beat_at: Option<Instant>,
}

impl Cursor {
    /// The frames that bring a follower up to date, and a heartbeat when one is due. A database that cannot be read makes
    /// none: the follower sees its age grow.
    async fn next(&mut self, state: &AppState) -> Vec<Frame> {
        let started = Instant::now();
        let mut frames = match self.read(state).await {
            Ok(frames) => {
                self.read_at = Some(started);
                frames
            }
            Err(SnapshotError::NoSettings) => Vec::new(),
            Err(SnapshotError::Store(error)) => {
                tracing::warn!(%error, "the directory could not be read; gates go on with what they know");
                Vec::new()
            }
        };
        let due = self.beat_at.is_none_or(|beat| started.duration_since(beat) >= HEARTBEAT);
        if let (Some(read_at), true, true) =
            (self.read_at, due || !frames.is_empty(), self.position.is_some())
        {
            let age = u64::try_from(read_at.elapsed().as_millis()).unwrap_or(u64::MAX);
            frames.push(Frame::Heartbeat { read_age_ms: age });
            self.beat_at = Some(started);
        }
        frames
    }

    async fn read(&mut self, state: &AppState) -> Result<Vec<Frame>, SnapshotError> {
        if let Some(position) = self.position {
            match state.store.changes(position).await? {
                Changes::Following(changes) => {
                    if let Some(Change { version, digest, .. }) = changes.last() {
                        self.position = Some(Position { version: *version, digest: *digest });
                    }
                    return Ok(changes.into_iter().map(|change| Frame::Change(Box::new(change))).collect());
                }
                Changes::Gap => tracing::info!(
                    "the directory's history does not reach back that far; a new snapshot follows"
                ),
            }
        }
        let snapshot = state.store.snapshot().await?;
        self.position = Some(Position { version: snapshot.version, digest: snapshot.digest });
        Ok(vec![Frame::Snapshot(Box::new(snapshot))])
    }
}

/// Writes frames to one follower until it goes away or `stop`.
pub(crate) async fn to_follower(state: AppState, mut to: impl AsyncWrite + Unpin, stop: CancellationToken) {
    let mut cursor = Cursor::default();
    let work = async {
        loop {
            // Registered before the look, so that a change made while looking is not missed.
            let mut changed = pin!(state.changed.notified());
            changed.as_mut().enable();
            for frame in cursor.next(&state).await {
                to.write_all(&encode(&frame)).await?;
            }
            to.flush().await?;
            drop(timeout(POLL, changed).await);
        }
    };
    let ended: std::io::Result<()> = tokio::select! {
        () = stop.cancelled() => Ok(()),
        ended = work => ended,
    };
    if let Err(error) = ended {
        tracing::info!(%error, "a gate left the directory stream");
    }
}

/// Keeps this process's own view, through the same encoded frames as a gate's.
pub(crate) async fn to_self(state: AppState, stop: CancellationToken) {
    let (mut cursor, mut follower) = (Cursor::default(), Follower::new());
    let mut pruned_at = Instant::now();
    loop {
        let mut changed = pin!(state.changed.notified());
        changed.as_mut().enable();
        for frame in cursor.next(&state).await {
            let now = std::time::Instant::now();
            if let Err(reason) = follower.take(&encode(&frame), now) {
                tracing::error!(?reason, "the directory contradicts itself; it is read anew");
                (cursor, follower) = (Cursor::default(), Follower::new());
                break;
            }
        }
        if pruned_at.elapsed() >= PRUNE
            && let Ok(tx) = state.store.read().await
        {
            follower.prune(tx.now);
            pruned_at = Instant::now();
        }
        if let Some(view) = follower.view() {
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
