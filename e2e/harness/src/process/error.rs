//! Why a part could not be started or asked.

use std::{io, path::PathBuf};

/// Why a part of the test world could not be started or asked.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// A program is missing.
    #[error("{program} not found; {remedy}")]
    NotInstalled {
        /// What was looked for.
        program: String,
        /// How to get it.
        remedy: &'static str,
    },
    /// A program did not come up; the text is the end of its log.
    #[error("{name} did not start:\n{log}")]
    DidNotStart {
        /// The program.
        name: String,
        /// The end of its log.
        log: String,
    },
    /// A command-line tool failed.
    #[error("{name}: {stderr}")]
    Command {
        /// The tool.
        name: String,
        /// What it said.
        stderr: String,
    },
    /// Something was asked for that this part cannot do.
    #[error("{0}")]
    Refused(String),
    /// A key or certificate could not be made.
    #[error("making the test certificates failed")]
    Certificates(#[from] rcgen::Error),
    /// A file or process could not be handled.
    #[error("{path}: {source}")]
    Io {
        /// What was being read, written or run.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The blocking part of a call was cancelled, because the runtime went away.
    #[error("the runtime stopped before the work was done")]
    Cancelled,
}

impl PartError {
    /// The error of handling `path`, for `map_err`.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// Whether a port that was free a moment ago had been taken: worth another try.
    pub fn lost_a_port(&self) -> bool {
        matches!(self, Self::DidNotStart { log, .. } if log.to_lowercase().contains("address already in use"))
    }
}
