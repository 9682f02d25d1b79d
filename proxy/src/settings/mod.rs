//! What belongs to this process rather than to a Backend: listeners, folders, log. A YAML file, `TENANTRY_…`
//! variables and flags say it, later over earlier.
//!
//! [`cli`] declares the flags and variables, and [`Settings::resolve`] lays them over each other.

mod authority;
mod cli;
mod resolve;

pub use authority::{AuthoritySettings, Served};
pub use cli::{AuthorityOptions, CheckOptions, Cli, Command, StandaloneOptions};
pub use resolve::{Settings, TlsFiles};
