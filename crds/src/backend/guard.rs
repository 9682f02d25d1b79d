//! Bounds: of connections, heads, bodies and time, and of calls to the auth endpoints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Period;

/// Bounds of connections, heads, bodies and time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// The most bytes of a request's head. Default: 32768.
    #[schemars(range(min = 4_096, max = 1_048_576))]
    pub header_bytes: u32,
    /// The most header lines of a request. Default: 100.
    #[schemars(range(min = 16, max = 1_000))]
    pub header_count: u32,
    /// The most bytes of a request's body. Default: 1073741824 (1 GiB).
    #[schemars(range(min = 1_024, max = 1_099_511_627_776_u64))]
    pub body_bytes: u64,
    /// How long a request's head may take to arrive. Default: 10s.
    pub header_timeout: Period,
    /// How long a connection may be idle. Default: 75s.
    pub idle_timeout: Period,
    /// How long the backend may take to begin its answer. Default: 1m.
    pub request_timeout: Period,
    /// How long connecting to the backend may take. Default: 5s.
    pub connect_timeout: Period,
    /// The most connections at once. Default: 10000.
    #[schemars(range(min = 16, max = 1_000_000))]
    pub connections: u32,
    /// The most streams at once on one HTTP/2 connection. Default: 100.
    #[schemars(range(min = 1, max = 1_000))]
    pub streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 32_768,
            header_count: 100,
            body_bytes: 1 << 30,
            header_timeout: Period::seconds(10),
            idle_timeout: Period::seconds(75),
            request_timeout: Period::minutes(1),
            connect_timeout: Period::seconds(5),
            connections: 10_000,
            streams: 100,
        }
    }
}

/// How often the auth endpoints may be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RateLimits {
    /// Logging in.
    pub login: Rate,
    /// Registering an organization.
    pub register: Rate,
    /// Rotating a refresh token.
    pub refresh: Rate,
    /// Everything else below /api/auth.
    pub other: Rate,
}

impl Default for RateLimits {
    fn default() -> Self {
        let a_minute =
            |per_address, per_account| Rate { per_address, per_account, window: Period::minutes(1) };
        Self {
            login: a_minute(120, 60),
            register: a_minute(30, 10),
            refresh: a_minute(300, 60),
            other: a_minute(300, 120),
        }
    }
}

/// So many calls in so long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Rate {
    /// Calls from one address (IPv6: one /64).
    #[schemars(range(min = 1, max = 1_000_000))]
    pub per_address: u32,
    /// Calls about one account.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub per_account: u32,
    /// The time in which so many calls may be made, from 1s to 1d. Default: 1m.
    pub window: Period,
}

impl Default for Rate {
    fn default() -> Self {
        Self { per_address: 300, per_account: 120, window: Period::minutes(1) }
    }
}
