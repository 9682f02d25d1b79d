//! Logs on standard error: readable at a terminal, one JSON object a line anywhere else.

use std::io::IsTerminal;

use clap::ValueEnum;
use serde::Deserialize;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::Failure;

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Readable at a terminal, JSON otherwise
    #[default]
    Auto,
    /// Readable
    Text,
    /// One JSON object a line
    Json,
}

impl LogFormat {
    fn is_json(self, terminal: bool) -> bool {
        match self {
            Self::Auto => !terminal,
            Self::Text => false,
            Self::Json => true,
        }
    }
}

/// Installs the process's log. `filter` is a level or a list such as `info,tenantry_gate=debug`.
pub fn install(format: LogFormat, filter: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::usage(
            format!("the log filter {filter:?} is not understood: {error}"),
            "Give a level (error, warn, info, debug, trace) or a list such as info,tenantry_gate=debug.",
        )
    })?;
    let terminal = std::io::stderr().is_terminal();
    let registry = tracing_subscriber::registry().with(filter);
    let installed = if format.is_json(terminal) {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init()
    } else {
        let colours = terminal && std::env::var_os("NO_COLOR").is_none();
        registry
            .with(fmt::layer().with_ansi(colours).with_target(false).with_writer(std::io::stderr))
            .try_init()
    };
    installed.map_err(|error| Failure::new(format!("the log could not be started: {error}"), ""))
}
