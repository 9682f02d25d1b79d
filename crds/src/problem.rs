//! What is said to the person whose manifest is refused.

use std::{fmt, path::PathBuf};

/// One refusal (or, in the list of warnings, one thing left aside): where it is, what was written, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Problem {
    /// The file, as it was reached from the folder's path.
    pub file: PathBuf,
    /// The line, counted from 1; 0 where it is about the whole file.
    pub line: u64,
    /// Kind, namespace and name: `Backend default/incidents`. Empty where it could not be read.
    pub resource: String,
    /// The field: `spec.routes[2].path`. Empty where it is about the whole document.
    pub path: String,
    /// What was written there, cut to a readable length and never a secret.
    pub value: Option<String>,
    /// What is wrong and what to write instead.
    pub sentence: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        for part in [&self.resource, &self.path].into_iter().filter(|part| !part.is_empty()) {
            write!(f, ": {part}")?;
        }
        if let Some(value) = &self.value {
            write!(f, ": {value}")?;
        }
        write!(f, ": {}", self.sentence)
    }
}
