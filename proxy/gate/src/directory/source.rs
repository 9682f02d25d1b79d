use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::{Duration, Instant};

use tenantry_directory::Position;
use tokio::io::AsyncRead;
use tokio_util::sync::CancellationToken;

/// One connection's worth of encoded directory frames, a line each.
pub type FrameReader = Box<dyn AsyncRead + Send + Unpin>;

/// The pending connection to a [`DirectorySource`].
pub type Connecting = Pin<Box<dyn Future<Output = io::Result<Opened>> + Send>>;

/// A stream that was opened.
pub struct Opened {
    pub(super) frames: FrameReader,
    pub(super) asked_at: Instant,
    pub(super) life: Option<Duration>,
    /// Cancelled once whoever sends it may be trusted no longer.
    pub(super) withdrawn: CancellationToken,
}

impl Opened {
    /// A stream of this process. It was asked for at `asked_at` or later, from which the moments in its frames are counted: one that
    /// is too late makes old news young.
    pub fn here(asked_at: Instant, frames: FrameReader) -> Self {
        Self { frames, asked_at, life: None, withdrawn: CancellationToken::new() }
    }

    /// A stream of another machine, whose clock may drift away from ours: after half to all of `life` another takes its place, and
    /// after twice that it counts no longer.
    pub fn elsewhere(asked_at: Instant, frames: FrameReader, life: Duration) -> Self {
        Self { life: Some(life), ..Self::here(asked_at, frames) }
    }

    /// It is left at once for another when this is cancelled.
    #[must_use]
    pub fn until(self, withdrawn: CancellationToken) -> Self {
        Self { withdrawn, ..self }
    }
}

/// Where directory frames come from. The gate connects at start, and again whenever the stream ends, what it holds cannot be
/// continued, or its life is over.
pub trait DirectorySource: Send + Sync {
    /// Opens a new stream of frames: what follows `since`, or a snapshot and what follows that. A source that cannot go on from
    /// `since` begins with a snapshot.
    fn connect(&self, since: Option<Position>) -> Connecting;
}

impl<F> DirectorySource for F
where
    F: Fn(Option<Position>) -> Connecting + Send + Sync,
{
    fn connect(&self, since: Option<Position>) -> Connecting {
        self(since)
    }
}
