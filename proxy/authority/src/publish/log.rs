//! What was read of the directory lately, encoded once for all who follow.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tenantry_directory::{Position, Snapshot};
use tenantry_store::Store;
use tenantry_store::directory::SnapshotError;
use tokio::sync::watch;
use tokio::time::Instant;

/// Most changes that are kept; who is further behind gets a snapshot.
const MOST_LINES: usize = 4096;
/// Most bytes of them.
const MOST_BYTES: usize = 16 << 20;

/// The changes that were read last, and how far they reach.
pub(crate) struct Log {
    kept: Mutex<Kept>,
    /// Counts what happened to it.
    moved: watch::Sender<u64>,
    /// The snapshot that the last of those who needed one got.
    snapshot: tokio::sync::Mutex<Option<Taken>>,
}

#[derive(Default)]
struct Kept {
    lines: VecDeque<Line>,
    bytes: usize,
    /// Before the first line, and after the last; nothing is known before the first read.
    reach: Option<(Position, Position)>,
    /// When the database was last read.
    read_at: Option<Instant>,
    /// Counts how often it began anew.
    beginnings: u64,
}

struct Line {
    after: Position,
    bytes: Bytes,
}

/// A snapshot and when it was read.
#[derive(Clone)]
pub(super) struct Taken {
    pub snapshot: Arc<Snapshot>,
    pub read_at: Instant,
    /// The log's beginning at the time: what was read before another one may be of another history.
    beginning: u64,
}

impl Taken {
    pub fn position(&self) -> Position {
        Position { version: self.snapshot.version, digest: self.snapshot.digest }
    }
}

/// What follows a position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// These lines, perhaps none, lead to `to`, which was the newest at `read_at`.
    Lines { lines: Vec<Bytes>, to: Position, read_at: Option<Instant> },
    /// It lies after everything that was read: a snapshot may be newer than the log.
    Ahead,
    /// It lies too far back, or in another history.
    Lost,
}

impl Default for Log {
    fn default() -> Self {
        Self { kept: Mutex::default(), moved: watch::Sender::new(0), snapshot: tokio::sync::Mutex::default() }
    }
}

impl Log {
    /// Wakes whenever the log has changed.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// Forgets everything and goes on from a position.
    pub(super) fn begin(&self, at: Position) {
        let mut kept = self.kept();
        let beginnings = kept.beginnings + 1;
        *kept = Kept { reach: Some((at, at)), read_at: kept.read_at, beginnings, ..Kept::default() };
    }

    /// Adds the line of a change that leads to `after`.
    pub(super) fn push(&self, after: Position, bytes: Bytes) {
        let mut kept = self.kept();
        let Some((mut first, _)) = kept.reach else { return };
        kept.bytes += bytes.len();
        kept.lines.push_back(Line { after, bytes });
        while kept.lines.len() > MOST_LINES || kept.bytes > MOST_BYTES {
            let Some(oldest) = kept.lines.pop_front() else { break };
            kept.bytes -= oldest.bytes.len();
            first = oldest.after;
        }
        kept.reach = Some((first, after));
    }

    /// Everything up to now was read at `at`.
    pub(super) fn read(&self, at: Instant) {
        self.kept().read_at = Some(at);
        self.moved.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Since the last good read of the database; `None` before the first.
    pub(crate) fn read_age(&self) -> Option<std::time::Duration> {
        self.kept().read_at.map(|at| at.elapsed())
    }

    /// What follows `position`.
    pub(super) fn after(&self, position: Position) -> Next {
        let kept = self.kept();
        let Some((first, last)) = kept.reach else { return Next::Ahead };
        if position.version > last.version {
            return Next::Ahead;
        }
        let skipped =
            position.version.checked_sub(first.version).and_then(|count| usize::try_from(count).ok());
        let Some(skipped) = skipped else { return Next::Lost };
        let known = match skipped.checked_sub(1) {
            None => first,
            Some(index) => match kept.lines.get(index) {
                Some(line) => line.after,
                None => return Next::Lost,
            },
        };
        if known != position {
            return Next::Lost;
        }
        let lines = kept.lines.iter().skip(skipped).map(|line| line.bytes.clone()).collect();
        Next::Lines { lines, to: last, read_at: kept.read_at }
    }

    /// A snapshot that the log goes on from; many who ask at once share one.
    pub(super) async fn snapshot(&self, store: &Store) -> Result<Taken, SnapshotError> {
        let mut taken = self.snapshot.lock().await;
        let beginning = self.kept().beginnings;
        let goes_on =
            |taken: &&Taken| taken.beginning == beginning && self.after(taken.position()) != Next::Lost;
        if let Some(taken) = taken.as_ref().filter(goes_on) {
            return Ok(taken.clone());
        }
        let read_at = Instant::now();
        let snapshot = Arc::new(store.snapshot().await?);
        Ok(taken.insert(Taken { snapshot, read_at, beginning }).clone())
    }

    /// Keeps no snapshot in memory that nobody waits for.
    pub(super) fn forget_snapshot(&self) {
        if let Ok(mut taken) = self.snapshot.try_lock() {
            *taken = None;
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tenantry_directory::Digest;

    use super::*;

    fn at(version: i64) -> Position {
        let byte = u8::try_from(version.rem_euclid(251)).unwrap();
        Position { version, digest: Digest::from_bytes([byte; 32]) }
    }

    fn line(version: i64) -> Bytes {
        Bytes::from(format!("{version}\n"))
    }

    fn log(first: i64, last: i64) -> Log {
        let log = Log::default();
        log.begin(at(first));
        for version in first + 1..=last {
            log.push(at(version), line(version));
        }
        log
    }

    #[test]
    fn what_follows_a_position_is_what_came_after_it() {
        let log = log(7, 9);
        let read_at = Instant::now();
        log.read(read_at);
        for (from, lines) in [(7, vec![line(8), line(9)]), (8, vec![line(9)]), (9, vec![])] {
            assert_eq!(log.after(at(from)), Next::Lines { lines, to: at(9), read_at: Some(read_at) });
        }
    }

    #[test]
    fn who_was_in_another_history_or_too_long_away_gets_no_lines() {
        let log = log(7, 9);
        let elsewhere = |version| Position { version, digest: Digest::from_bytes([255; 32]) };
        for lost in [at(6), at(0), at(-1), at(i64::MIN), elsewhere(7), elsewhere(8), elsewhere(9)] {
            assert_eq!(log.after(lost), Next::Lost, "{lost:?}");
        }
        for ahead in [at(10), elsewhere(10), at(i64::MAX)] {
            assert_eq!(log.after(ahead), Next::Ahead);
        }
        assert_eq!(Log::default().after(at(1)), Next::Ahead, "before anything was read");
    }

    #[test]
    fn a_database_that_was_restored_begins_another_log() {
        let log = log(7, 9);
        log.begin(at(3));
        assert_eq!(log.after(at(9)), Next::Ahead);
        assert_eq!(log.after(at(2)), Next::Lost);
        assert!(matches!(log.after(at(3)), Next::Lines { lines, .. } if lines.is_empty()));
    }

    #[test]
    fn it_keeps_no_more_than_it_may() {
        let most = i64::try_from(MOST_LINES).unwrap();
        let log = log(0, most + 10);
        assert_eq!(log.after(at(9)), Next::Lost);
        assert!(matches!(log.after(at(10)), Next::Lines { lines, .. } if lines.len() == MOST_LINES));
        log.push(at(most + 11), Bytes::from(vec![b' '; MOST_BYTES]));
        assert!(matches!(log.after(at(most + 10)), Next::Lines { lines, .. } if lines.len() == 1));
        assert_eq!(log.after(at(most + 9)), Next::Lost);
    }
}
