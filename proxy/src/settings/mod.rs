//! What belongs to this process rather than to a Backend: listeners, folders, log. A YAML file, `TENANTRY_…`
//! variables and flags say it, later over earlier.
//!
//! [`cli`] declares the flags and variables, [`file`] reads the file, [`environment`] refuses misspelled variables,
//! [`nearest`] finds what was probably meant, and [`Settings::resolve`] lays them over each other.

mod cli;
mod environment;
mod file;
mod nearest;
mod plain;
mod resolve;

pub use cli::{CheckOptions, Cli, Command, LogFormat, StandaloneOptions};
pub use plain::Plain;
pub use resolve::{Settings, TlsFiles};
