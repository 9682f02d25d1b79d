//! What each program in front of a backend does at its start: it reads its settings ([`file`], [`environment`]), begins its log
//! ([`logs`]), hears what asks it to end ([`Signals`]) and says no in a sentence ([`Failure`]).
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod environment;
mod failure;
pub mod file;
pub mod logs;
mod nearest;
mod plain;
mod signals;
mod watched;

pub use failure::{Failure, parted};
pub use logs::LogFormat;
pub use plain::Plain;
pub use signals::Signals;
pub use watched::Watched;

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use clap::Args;
    use serde::Deserialize;

    /// Settings such as a program has.
    #[derive(Args, Debug, Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    pub struct Sample {
        #[arg(long, env = "TENANTRY_LISTEN")]
        pub listen: Option<SocketAddr>,
        #[arg(long, env = "TENANTRY_PUBLIC_URL")]
        pub public_url: Option<String>,
        #[arg(long, env = "TENANTRY_DATA")]
        pub data: Option<String>,
        #[arg(long, env = "TENANTRY_WORKERS")]
        pub workers: Option<usize>,
    }
}
