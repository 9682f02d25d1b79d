use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{FRESH_WITHIN, Frame, FrameError, Freshness, decode};
use crate::{ApplyError, Timestamp, View};

/// Keeps up with the stream. Pure: lines and moments of a monotonic clock go in, views and freshness come out.
#[derive(Debug, Default)]
pub struct Follower {
    view: Option<Arc<View>>,
    /// The last moment at which the database was known to have been read.
    read_at: Option<Instant>,
    /// After a gap nothing but a snapshot counts, heartbeats neither: what they confirm is not what we know.
    lost: bool,
    /// Something critical was not understood: what we know may allow what it forbids.
    closed: bool,
}

/// What a line did.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A snapshot replaced the view.
    Replaced(Arc<View>),
    /// A change led to the next view.
    Advanced(Arc<View>),
    /// The view still holds.
    Alive,
    /// A frame of a newer version that may be ignored.
    Skipped,
}

/// The stream must be asked for a snapshot; until it comes, the last view ages.
#[derive(Debug, thiserror::Error)]
pub enum NeedSnapshot {
    /// A line that cannot be used.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A change that does not follow, or a key that is none.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// A change or heartbeat before a snapshot, or after a gap.
    #[error("no snapshot to build on")]
    NoSnapshot,
}

impl Follower {
    /// One that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The newest view, however old; ask [`Follower::freshness`] whether it may be used.
    pub fn view(&self) -> Option<&Arc<View>> {
        self.view.as_ref()
    }

    /// The version to name in `since`; `None` asks for a snapshot.
    pub fn since(&self) -> Option<i64> {
        if self.lost || self.closed { None } else { self.view.as_ref().map(|view| view.version) }
    }

    /// Takes one line that arrived at `now`.
    pub fn take(&mut self, line: &[u8], now: Instant) -> Result<Step, NeedSnapshot> {
        let step = self.step(line, now);
        if let Err(need) = &step {
            self.lost = true;
            self.closed |= matches!(need, NeedSnapshot::Frame(FrameError::UnknownCritical(_)));
        }
        step
    }

    fn step(&mut self, line: &[u8], now: Instant) -> Result<Step, NeedSnapshot> {
        match decode(line)? {
            None => Ok(Step::Skipped),
            Some(Frame::Snapshot(snapshot)) => {
                let read_age = Duration::from_millis(snapshot.read_age_ms);
                let view = Arc::new(View::from_snapshot(*snapshot)?);
                self.view = Some(Arc::clone(&view));
                self.read_at = now.checked_sub(read_age);
                (self.lost, self.closed) = (false, false);
                Ok(Step::Replaced(view))
            }
            Some(Frame::Change(change)) => {
                let view = Arc::new(self.usable()?.apply(&change)?);
                self.view = Some(Arc::clone(&view));
                Ok(Step::Advanced(view))
            }
            Some(Frame::Heartbeat { read_age_ms }) => {
                self.usable()?;
                let read_at = now.checked_sub(Duration::from_millis(read_age_ms));
                self.read_at = self.read_at.max(read_at);
                Ok(Step::Alive)
            }
        }
    }

    fn usable(&self) -> Result<&View, NeedSnapshot> {
        self.view.as_deref().filter(|_| !self.lost).ok_or(NeedSnapshot::NoSnapshot)
    }

    /// How far the view can be trusted at `now`.
    pub fn freshness(&self, now: Instant) -> Freshness {
        let (Some(view), Some(read_at), false) = (&self.view, self.read_at, self.closed) else {
            return Freshness::Expired;
        };
        match now.saturating_duration_since(read_at) {
            age if age > view.backend.max_staleness => Freshness::Expired,
            age if age < FRESH_WITHIN => Freshness::Fresh,
            age => Freshness::Stale { age },
        }
    }

    /// Drops revocations and keys whose time is over; the smaller view, if it changed. Call it now and then.
    pub fn prune(&mut self, now: Timestamp) -> Option<Arc<View>> {
        let pruned = Arc::new(self.view.as_ref()?.pruned(now)?);
        self.view = Some(Arc::clone(&pruned));
        Some(pruned)
    }
}
