//! The directory as gates follow it: a snapshot, then changes, and a heartbeat each second that says when the database was
//! last read. One line a frame, the same bytes in one process and over a network.
//!
//! [`reader`] alone looks at the database, however many follow; [`log`] keeps what it read; [`follower`] brings one of them up to
//! date from there.

mod follower;
mod log;
mod reader;

use std::time::Duration;

use tenantry_directory::{Frame, Snapshot, encode};
use tokio::time::Instant;

pub(crate) use follower::to_follower;
pub(crate) use log::Log;
pub(crate) use reader::read_for_all;

/// Between two looks at the head of the directory.
const POLL: Duration = Duration::from_millis(250);
const HEARTBEAT: Duration = Duration::from_secs(1);
const ALMOST_A_MILLISECOND: Duration = Duration::from_nanos(999_999);

/// When the database was read, as frames say it on a stream that was asked for at `asked_at`: rounded towards the past, since nothing
/// may seem younger than it is.
fn moment_ms(read_at: Instant, asked_at: Instant) -> i64 {
    let millis = |distance: Duration| i64::try_from(distance.as_millis()).unwrap_or(i64::MAX);
    match read_at.checked_duration_since(asked_at) {
        Some(after) => millis(after),
        None => -millis(asked_at.duration_since(read_at) + ALMOST_A_MILLISECOND),
    }
}

/// The line of a snapshot that was read some time ago.
fn line_of(snapshot: Snapshot, read_at: Instant, asked_at: Instant) -> Vec<u8> {
    let read = Snapshot { read_at_ms: moment_ms(read_at, asked_at), ..snapshot };
    encode(&Frame::Snapshot(Box::new(read)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_is_never_said_to_be_later_than_it_was() {
        let asked_at = Instant::now() + Duration::from_mins(1);
        let micros = Duration::from_micros;
        for (read_at, expected) in [
            (asked_at, 0),
            (asked_at + micros(1_999), 1),
            (asked_at + micros(60_000_000), 60_000),
            (asked_at.checked_sub(micros(1)).unwrap(), -1),
            (asked_at.checked_sub(micros(250_500)).unwrap(), -251),
        ] {
            assert_eq!(moment_ms(read_at, asked_at), expected);
        }
    }
}
