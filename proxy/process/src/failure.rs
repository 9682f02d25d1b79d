//! Why the process ends without having done what was asked: what is wrong, and what to do about it.

use std::{fmt, process::ExitCode};

/// A sentence for the person at the terminal. It never holds a secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    what: String,
    remedy: String,
    code: u8,
}

impl Failure {
    /// Something in the surroundings stands in the way; exit code 1.
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into(), code: 1 }
    }

    /// What was asked for could not be understood; exit code 2, as for a wrong flag.
    pub fn usage(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code: 2, ..Self::new(what, remedy) }
    }

    /// What our libraries' errors say: what is wrong before the first semicolon, and what to do after it.
    pub fn of(error: &dyn std::error::Error) -> Self {
        let text = error.to_string();
        let (what, remedy) = parted(&text);
        Self::new(what, remedy)
    }

    /// As [`Failure::of`], where the remedy does not read as a sentence by itself.
    pub fn to_mend(error: &dyn std::error::Error) -> Self {
        let text = error.to_string();
        let (what, remedy) = parted(&text);
        Self::new(what, if remedy.is_empty() { String::new() } else { format!("To mend it: {remedy}") })
    }

    /// Writes the sentence to standard error, after the program's name, and returns the exit code.
    #[allow(
        clippy::print_stderr,
        reason = "the last word of the process, also when the log is JSON in a file"
    )]
    pub fn report(&self, program: &str) -> ExitCode {
        eprintln!("{program}: {self}");
        ExitCode::from(self.code)
    }
}

/// What is wrong, and what to do about it, of a sentence that has a semicolon between them.
pub fn parted(text: &str) -> (&str, &str) {
    text.split_once("; ").unwrap_or((text, ""))
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.what)?;
        if !self.remedy.is_empty() {
            write!(out, "\n  {}", self.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
