//! tenantry-operator: makes the world match the Backends and Organizations of a cluster.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use kube::Client;
use tenantry_operator::release::What;
use tenantry_operator::settings::Overrides;
use tenantry_operator::{export, release, run, telemetry};

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
    /// Take finalizers off after the operator was uninstalled; what stands in the stores stays there
    Release(What),
    /// Print the manifests that would own the organizations of a Backend which nothing owns yet
    Export {
        /// The Backend, as NAMESPACE/NAME
        #[arg(value_name = "NAMESPACE/NAME")]
        backend: String,
        #[command(flatten)]
        overrides: Overrides,
    },
}

fn main() -> ExitCode {
    match work(&Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr, reason = "the last word of a program that could not do its work")]
fn complain(error: &anyhow::Error) {
    eprintln!("tenantry-operator: {error:#}");
}

#[allow(clippy::print_stdout, reason = "what was asked for")]
fn answer(text: &str) {
    println!("{text}");
}

fn work(command: &Command) -> anyhow::Result<()> {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another TLS provider was installed"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command {
        Command::Check(overrides) => overrides.settings().map(drop),
        Command::Run(overrides) => {
            let settings = overrides.settings()?;
            telemetry::init(&settings)?;
            runtime.block_on(async { run::run(run::start(overrides, settings).await?).await })
        }
        Command::Release(what) => runtime.block_on(async {
            let count = release::release(&client().await?, what).await?;
            answer(&format!("{count} resources were let go; what stands in the stores stays there"));
            Ok(())
        }),
        Command::Export { backend, overrides } => runtime.block_on(async {
            let cluster = overrides.settings()?.cluster_id;
            let manifests = export::export(&client().await?, &cluster, backend).await?;
            answer(manifests.trim_end());
            Ok(())
        }),
    }
}

async fn client() -> anyhow::Result<Client> {
    Client::try_default().await.context("no API server is known: run in a cluster, or set KUBECONFIG")
}
