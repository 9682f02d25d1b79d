//! Logs: an object a line in a cluster, readable at a terminal.

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, Settings};

/// The server tells of every trigger that it did not have to drop.
const QUIET: &str = "sqlx::postgres::notice=warn";

/// Begins to log.
pub fn init(settings: &Settings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", settings.log));
    let filter = filter.with_context(|| format!("log: {:?} is no filter", settings.log))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let at_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let begun = match settings.log_format {
        LogFormat::Auto if at_terminal => builder.with_target(false).try_init(),
        LogFormat::Json | LogFormat::Auto => {
            builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
        }
        LogFormat::Text => builder.with_target(false).try_init(),
    };
    begun.map_err(|error| anyhow::anyhow!("logging could not begin: {error}"))
}
