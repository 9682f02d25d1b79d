use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{FRESH_WITHIN, Frame, FrameError, Freshness, Position, decode};
use crate::{ApplyError, Timestamp, View};

/// Keeps up with the stream. Pure: lines and moments of a monotonic clock go in, what is known comes out.
///
/// When the database was read, the authority counts from when it was asked for the stream, and so does the follower, from just
/// before it asked: what it takes for that moment is never later than it was, however late a line arrives. Over time the two clocks
/// drift apart; whoever follows asks for another stream after some minutes.
#[derive(Clone, Debug, Default)]
pub struct Follower {
    known: Option<Known>,
    /// After a gap nothing but a snapshot counts, heartbeats neither: what they confirm is not what we know.
    lost: bool,
}

/// A view and how far it can be trusted; cheap to clone. Publish it after each line, so that a reader on another
/// thread sees it age even if nobody follows the stream any more.
#[derive(Clone, Debug)]
pub struct Known {
    /// What is known.
    pub view: Arc<View>,
    /// The last moment at which the database was known to have been read; `None` is before the clock began.
    read_at: Option<Instant>,
    /// Something critical was not understood: what we know may allow what it forbids.
    closed: bool,
}

impl Known {
    /// How far the view can be trusted at `now`.
    pub fn freshness(&self, now: Instant) -> Freshness {
        let Some(read_at) = self.read_at.filter(|_| !self.closed) else {
            return Freshness::Expired;
        };
        match now.saturating_duration_since(read_at) {
            age if age > self.view.backend.max_staleness => Freshness::Expired,
            age if age < FRESH_WITHIN => Freshness::Fresh,
            age => Freshness::Stale { age },
        }
    }

    /// Since the last good read of the database, as of `now`; `None` is before the clock began.
    pub fn age(&self, now: Instant) -> Option<Duration> {
        self.read_at.map(|read_at| now.saturating_duration_since(read_at))
    }
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
    /// A change that does not follow.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// A change or heartbeat before a snapshot, or after a gap.
    #[error("no snapshot to build on")]
    NoSnapshot,
    /// A read of the database that is still to come: one of the clocks stood still, and no moment of this stream can be trusted.
    #[error("the clocks of the authority and of this gate do not agree")]
    Ahead,
}

impl Follower {
    /// One that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is known, to be published to those who decide.
    pub fn known(&self) -> Option<&Known> {
        self.known.as_ref()
    }

    /// The newest view, however old; ask [`Follower::freshness`] whether it may be used.
    pub fn view(&self) -> Option<&Arc<View>> {
        self.known.as_ref().map(|known| &known.view)
    }

    /// The position to name in `since`; `None` asks for a snapshot.
    pub fn since(&self) -> Option<Position> {
        let known = self.known.as_ref().filter(|known| !self.lost && !known.closed)?;
        Some(Position { version: known.view.version, digest: known.view.digest })
    }

    /// Takes one line that arrived at `now`, on a stream that was asked for at `asked_at` or later.
    pub fn take(&mut self, line: &[u8], asked_at: Instant, now: Instant) -> Result<Step, NeedSnapshot> {
        let step = self.step(line, asked_at, now);
        if let Err(need) = &step {
            self.lost = true;
            if let (NeedSnapshot::Frame(FrameError::UnknownCritical(_)), Some(known)) =
                (need, &mut self.known)
            {
                known.closed = true;
            }
        }
        step
    }

    fn step(&mut self, line: &[u8], asked_at: Instant, now: Instant) -> Result<Step, NeedSnapshot> {
        match decode(line)? {
            None => Ok(Step::Skipped),
            Some(Frame::Snapshot(snapshot)) => {
                let read_at = moment(asked_at, snapshot.read_at_ms, now)?;
                let view = Arc::new(View::from_snapshot(*snapshot));
                self.known = Some(Known { view: Arc::clone(&view), read_at, closed: false });
                self.lost = false;
                Ok(Step::Replaced(view))
            }
            Some(Frame::Change(change)) => {
                let known = self.usable()?;
                known.view = Arc::new(known.view.apply(&change)?);
                Ok(Step::Advanced(Arc::clone(&known.view)))
            }
            Some(Frame::Heartbeat { read_at_ms }) => {
                let read_at = moment(asked_at, read_at_ms, now)?;
                let known = self.usable()?;
                known.read_at = known.read_at.max(read_at);
                Ok(Step::Alive)
            }
        }
    }

    fn usable(&mut self) -> Result<&mut Known, NeedSnapshot> {
        self.known.as_mut().filter(|_| !self.lost).ok_or(NeedSnapshot::NoSnapshot)
    }

    /// How far what is known can be trusted at `now`.
    pub fn freshness(&self, now: Instant) -> Freshness {
        self.known.as_ref().map_or(Freshness::Expired, |known| known.freshness(now))
    }

    /// Drops revocations and keys whose time is over; the smaller view, if it changed. Call it now and then.
    pub fn prune(&mut self, now: Timestamp) -> Option<Arc<View>> {
        let known = self.known.as_mut()?;
        known.view = Arc::new(known.view.pruned(now)?);
        Some(Arc::clone(&known.view))
    }
}

/// So many milliseconds after `asked_at`; `None` is before the clock began. Clocks that drift may make it a little later than `now`.
fn moment(asked_at: Instant, after_ms: i64, now: Instant) -> Result<Option<Instant>, NeedSnapshot> {
    let distance = Duration::from_millis(after_ms.unsigned_abs());
    if after_ms < 0 {
        return Ok(asked_at.checked_sub(distance));
    }
    match asked_at.checked_add(distance) {
        Some(moment) if moment.saturating_duration_since(now) < FRESH_WITHIN => Ok(Some(moment.min(now))),
        _ => Err(NeedSnapshot::Ahead),
    }
}
