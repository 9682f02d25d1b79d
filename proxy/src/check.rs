//! `check FOLDER`: every problem of a folder of manifests, without serving it.

use crate::manifests;
use crate::settings::{CheckOptions, Settings, StandaloneOptions};
use tenantry_process::Failure;

/// Prints every problem and warning; fails where there is a problem.
#[allow(clippy::print_stdout, reason = "what the command was asked for")]
pub fn run(options: &CheckOptions) -> Result<(), Failure> {
    let read = match &options.config {
        Some(config) => {
            let flags = StandaloneOptions { config: Some(config.clone()), ..StandaloneOptions::default() };
            let settings = Settings::resolve(flags, [])?;
            manifests::read(Some(&options.folder), settings.upstream.as_ref(), settings.public_url.as_ref())
        }
        None => manifests::read(Some(&options.folder), None, None),
    };
    for warning in &read.warnings {
        println!("warning: {warning}");
    }
    for problem in &read.problems {
        println!("problem: {problem}");
    }
    if read.problems.is_empty() {
        let backends = usize::from(read.backend.as_ref().is_some_and(|backend| !backend.assumed));
        println!("{backends} Backend, {} Organizations: no problem found", read.organizations.len());
        return Ok(());
    }
    let count = read.problems.len();
    let noun = if count == 1 { "problem" } else { "problems" };
    Err(Failure::new(
        format!("{count} {noun} in {}", options.folder.display()),
        "Correct what is named above, then check again.",
    ))
}
