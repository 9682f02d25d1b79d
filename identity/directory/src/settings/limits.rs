use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::millis;

/// Bounds of the data path, each with a default that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Bytes of a request's head: request line and headers together.
    pub header_bytes: usize,
    /// Headers of a request.
    pub header_count: usize,
    /// Bytes of a request's body.
    pub body_bytes: u64,
    /// From the first byte of a request's head to its last.
    #[serde(with = "millis")]
    pub header_read: Duration,
    /// Without a byte in either direction, on a connection or a stream.
    #[serde(with = "millis")]
    pub idle: Duration,
    /// From the request's head to the head of the backend's answer.
    #[serde(with = "millis")]
    pub request: Duration,
    /// To connect to the backend.
    #[serde(with = "millis")]
    pub connect: Duration,
    /// Connections open at a time.
    pub connections: usize,
    /// Concurrent streams of one HTTP/2 connection.
    pub streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 32 * 1024,
            header_count: 100,
            body_bytes: 1 << 30,
            header_read: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            request: Duration::from_mins(1),
            connect: Duration::from_secs(5),
            connections: 10_000,
            streams: 100,
        }
    }
}
