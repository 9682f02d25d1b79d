//! The directory as gates follow it: a snapshot, then changes, and a heartbeat each second that says how old the last good
//! read of the database is. One line a frame, the same bytes in one process and over a network.
//!
//! [`reader`] alone looks at the database, however many follow; [`log`] keeps what it read; [`follower`] brings one of them up to
//! date from there.

mod follower;
mod log;
mod reader;

use std::time::Duration;

use tenantry_directory::{Snapshot, encode};
use tokio::time::Instant;

pub(crate) use follower::to_follower;
pub(crate) use log::Log;
pub(crate) use reader::read_for_all;

/// Between two looks at the head of the directory.
const POLL: Duration = Duration::from_millis(250);
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Milliseconds since the database was read, as frames say it.
fn age_ms(read_at: Instant) -> u64 {
    u64::try_from(read_at.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The line of a snapshot that was read some time ago.
fn line_of(snapshot: Snapshot, read_at: Instant) -> Vec<u8> {
    let aged = Snapshot { read_age_ms: age_ms(read_at), ..snapshot };
    encode(&tenantry_directory::Frame::Snapshot(Box::new(aged)))
}
