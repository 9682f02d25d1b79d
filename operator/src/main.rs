//! tenantry-operator: makes the world match the Backends and Organizations of a cluster.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tenantry_operator::settings::Overrides;
use tenantry_operator::{run, telemetry};

/// Makes the world match the Backends and Organizations of a cluster
#[derive(Parser)]
#[command(name = "tenantry-operator", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Work for as long as the lease is ours, wait for it otherwise
    Run(Overrides),
    /// Read the settings, say what is wrong with them, and end
    Check(Overrides),
}

fn main() -> ExitCode {
    match work(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr, reason = "the last word of a program that could not begin")]
fn complain(error: &anyhow::Error) {
    eprintln!("tenantry-operator: {error:#}");
}

fn work(command: Command) -> anyhow::Result<()> {
    let (Command::Run(overrides) | Command::Check(overrides)) = &command;
    let settings = overrides.settings()?;
    if matches!(command, Command::Check(_)) {
        return Ok(());
    }
    telemetry::init(&settings)?;
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another TLS provider was installed"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async { run::run(run::start(overrides, settings).await?).await })
}
