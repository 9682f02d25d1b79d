//! `tenantry-proxy`: the gate and the authority in one process, on an embedded database; the authority alone; and the check of
//! a folder of manifests before it is served.
//!
//! In the order a start passes through them: [`settings`] (flags, environment, file), [`data`] (the folder
//! with everything that must survive a restart), [`manifests`] (the folder of resources, read and watched) and
//! [`standalone`], which assembles the parts and runs them until a signal. [`authority`] runs without the gate, for gates that run
//! elsewhere. [`check`] is the other command.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod authority;
pub mod check;
pub mod data;
pub mod database;
pub mod manifests;
pub mod settings;
pub mod standalone;

use std::process::ExitCode;

use settings::{AuthoritySettings, Cli, Command, Settings};

/// Runs the command line of this process and says how it ended: 0 done, 1 refused or failed, 2 not understood.
pub fn main() -> ExitCode {
    let cli = <Cli as clap::Parser>::parse();
    let outcome = match cli.command {
        Command::Standalone(options) => {
            Settings::resolve(*options, std::env::vars_os()).and_then(|settings| standalone::run(&settings))
        }
        Command::Authority(options) => AuthoritySettings::resolve(*options, std::env::vars_os())
            .and_then(|settings| authority::run(&settings)),
        Command::Check(options) => check::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report("tenantry-proxy"),
    }
}
