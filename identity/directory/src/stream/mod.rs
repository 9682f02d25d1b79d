//! The directory on the wire: one JSON document a line, bounded, with the version of the stream in each. The
//! [`Follower`] turns lines into views and knows how fresh they are.

mod follower;
mod frame;
mod position;

use std::time::Duration;

pub use follower::{Follower, Known, NeedSnapshot, Step};
pub use frame::{Frame, FrameError, MAX_FRAME_BYTES, STREAM_VERSION, decode, encode};
pub use position::Position;

/// News younger than this is fresh.
pub const FRESH_WITHIN: Duration = Duration::from_secs(2);

/// How far what a gate knows can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The database was read less than [`FRESH_WITHIN`] ago.
    Fresh,
    /// Within the Backend's `maxStaleness`: go on with what is known, and say so.
    Stale {
        /// Since the last good read of the database.
        age: Duration,
    },
    /// Nothing usable: protected routes get 503, public ones still work.
    Expired,
}

#[cfg(test)]
mod tests;
