//! What the process is told (`cli`, `listed`), what that means (`settings`, `listener`), and the life of the gate until a signal (`run`).

mod cli;
mod listed;
mod listener;
mod run;
mod settings;

use std::process::ExitCode;

use clap::Parser as _;

/// Runs the command line of this process and says how it ended: 0 done, 1 refused or failed, 2 not understood.
pub(crate) fn main() -> ExitCode {
    let cli::Cli { options, command } = cli::Cli::parse();
    let outcome = match command {
        Some(cli::Command::Leave { process }) => run::leave(process),
        None => {
            settings::Settings::resolve(options, std::env::vars_os()).and_then(|settings| run::run(&settings))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report("tenantry-gate"),
    }
}
