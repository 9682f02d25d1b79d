//! Holds a control plane until it is killed: `KUBECONFIG=… kubectl …` in another terminal looks around in it, and a test
//! kills it to see that nothing stays behind.
#![allow(clippy::print_stdout, reason = "what it is for")]

use tenantry_harness::{Cluster, ClusterOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let cluster = Cluster::start(ClusterOptions::default()).await?;
    println!("export KUBECONFIG={}", cluster.kubeconfig().display());
    tokio::signal::ctrl_c().await?;
    Ok(())
}
