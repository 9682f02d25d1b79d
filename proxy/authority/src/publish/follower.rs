//! Bringing one follower up to date, and keeping it so.

use std::io;
use std::time::Duration;

use tenantry_directory::{Frame, Position, Snapshot, encode};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::log::Next;
use super::{HEARTBEAT, line_of, moment_ms};
use crate::state::AppState;

/// A follower that takes nothing for so long is gone.
const TAKES_WITHIN: Duration = Duration::from_secs(10);
/// The log comes up with a snapshot within a poll; a position further ahead is of a history that this database does not have.
const AHEAD_FOR: Duration = Duration::from_secs(2);

/// Writes frames to one follower until it goes away or `stop`: from `since`, where that is of this history, else from a snapshot.
/// The moments in them are counted from `asked_at`, before which the follower did not ask.
pub(crate) async fn to_follower(
    state: AppState,
    since: Option<Position>,
    asked_at: Instant,
    mut to: impl AsyncWrite + Unpin,
    stop: CancellationToken,
) {
    let work = follow(&state, since, asked_at, &mut to);
    let ended = tokio::select! {
        () = stop.cancelled() => Ok(()),
        ended = work => ended,
    };
    if let Err(error) = ended {
        tracing::info!(%error, "a gate left the directory stream");
    }
}

async fn follow(
    state: &AppState,
    since: Option<Position>,
    asked_at: Instant,
    to: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let mut moved = state.log.watch();
    let mut position = since;
    // Until when the log may be behind: it was read after a snapshot that was not read for it.
    let mut ahead_until = Some(Instant::now() + AHEAD_FOR);
    let mut beat_at: Option<Instant> = None;
    loop {
        moved.borrow_and_update();
        let next = position.map_or(Next::Lost, |position| state.log.after(position));
        let mut read_at = None;
        match next {
            Next::Lines { lines, to: newest, read_at: read } => {
                ahead_until = None;
                for line in &lines {
                    write(to, line).await?;
                }
                position = Some(newest);
                read_at = read.filter(|_| !lines.is_empty() || is_due(beat_at));
            }
            Next::Ahead if ahead_until.is_some_and(|until| Instant::now() < until) => {}
            // The database was restored to what it was before.
            Next::Ahead => {
                position = None;
                continue;
            }
            Next::Lost => match state.log.snapshot(&state.store).await {
                Ok(taken) => {
                    (position, ahead_until) = (Some(taken.position()), Some(Instant::now() + AHEAD_FOR));
                    let line = tokio::task::spawn_blocking(move || {
                        line_of(Snapshot::clone(&taken.snapshot), taken.read_at, asked_at)
                    });
                    write(to, &line.await.map_err(io::Error::other)?).await?;
                    continue;
                }
                // The reader says why; who has nothing yet waits for it.
                Err(error) => tracing::debug!(%error, "there is no snapshot for a gate yet"),
            },
        }
        if let Some(read_at) = read_at {
            write(to, &encode(&Frame::Heartbeat { read_at_ms: moment_ms(read_at, asked_at) })).await?;
            beat_at = Some(Instant::now());
        }
        timeout(TAKES_WITHIN, to.flush()).await??;
        let until = beat_at.unwrap_or_else(Instant::now) + HEARTBEAT;
        // Whichever comes first; what is due then is seen above.
        drop(timeout_at(until, moved.changed()).await);
    }
}

fn is_due(beat_at: Option<Instant>) -> bool {
    beat_at.is_none_or(|beat| beat.elapsed() >= HEARTBEAT)
}

async fn write(to: &mut (impl AsyncWrite + Unpin), line: &[u8]) -> io::Result<()> {
    timeout(TAKES_WITHIN, to.write_all(line)).await?
}
