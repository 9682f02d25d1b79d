//! How fast the operator works, as a multiple of what the same writes cost without it, measured side by side in one run: the control
//! plane and the database ([`parts`]), a concurrent client of the API server ([`client`]), the plain writes ([`plain`]), and what is
//! read from metrics, the audit log and `/proc` ([`figures`]). `ORGANIZATIONS` says with how many.

mod client;
mod figures;
mod parts;
mod plain;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use parts::{Operator, Parts};

/// Nothing that is measured may take longer.
const PATIENCE: Duration = Duration::from_mins(40);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another TLS provider was installed"))?;
    let count = match std::env::var("ORGANIZATIONS") {
        Ok(text) if !text.is_empty() => text.parse().context("ORGANIZATIONS")?,
        _ => 10_000,
    };
    say(&format!("{count} Organizations"));
    let parts = Parts::start().await?;
    let mut first = parts.operator("one")?;
    parts.backend().await?;
    converge(&parts, &first, count).await?;
    rest(&parts).await?;
    first.stop("TERM")?;
    restart(&mut first, count).await?;
    failover(&parts, &first, count).await
}

/// From the first apply until all are Ready, and the same writes without an operator.
#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
async fn converge(parts: &Parts, operator: &Operator, count: usize) -> anyhow::Result<()> {
    let before = (operator.figures().await?, parts.written().await?, parts.cluster.audit_mark());
    let began = Instant::now();
    parts.client.organizations(&parts.namespace, count).await?;
    let applied = began.elapsed();
    let enough = before.0.organizations + count as u64;
    operator.reconciled(enough, PATIENCE).await?;
    while parts.client.ready(&parts.namespace).await? < count {
        anyhow::ensure!(began.elapsed() < PATIENCE, "not all became Ready\n{}", operator.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let ready = began.elapsed();
    let (resident, highest) = operator.memory()?;
    // What follows from the last writes belongs to them.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = (operator.figures().await?, parts.written().await?);
    let calls = figures::calls(&parts.cluster, before.2, &parts.account())?;
    let rows = after.1.rows - before.1.rows;
    let transactions = after.1.transactions - before.1.transactions;
    let writes = count + calls.iter().filter(|call| call.is_write()).map(|call| call.count).sum::<usize>();
    let plain = plain::write(parts, count, writes, rows, transactions).await?;

    let each = |total: f64| total / count as f64;
    say(&format!("applied by the client in        {:8.1} s", applied.as_secs_f64()));
    say(&format!("all Ready after                 {:8.1} s", ready.as_secs_f64()));
    say(&format!("the same writes without it      {:8.1} s", plain.both.as_secs_f64()));
    say(&format!("  ConfigMaps {writes:>8}           {:8.1} s", plain.config_maps.as_secs_f64()));
    say(&format!("  rows {rows:>8} in {transactions:>6} tx   {:8.1} s", plain.rows.as_secs_f64()));
    say(&format!("multiple (aim 1.5)              {:8.2}", ready.as_secs_f64() / plain.both.as_secs_f64()));
    say(&format!("the same calls by a client       {:8.1} s", plain.same.as_secs_f64()));
    say(&format!("multiple of that                {:8.2}", ready.as_secs_f64() / plain.same.as_secs_f64()));
    say(&format!("memory (aim 64 MiB)             {resident:8} MiB, {highest} MiB at most"));
    let reconciles = after.0.organizations - before.0.organizations;
    say(&format!("reconciles an Organization      {:8.2}", each(reconciles as f64)));
    say("calls to the API server an Organization:");
    for call in &calls {
        say(&format!("  {:6.2} {} {}", each(call.count as f64), call.verb, call.resource));
    }
    Ok(())
}

/// What is asked while nothing changes.
async fn rest(parts: &Parts) -> anyhow::Result<()> {
    let mark = parts.cluster.audit_mark();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let writes: usize = figures::calls(&parts.cluster, mark, &parts.account())?
        .iter()
        .filter(|call| call.is_write())
        .map(|call| call.count)
        .sum();
    say(&format!("writes in 10 s at rest          {writes:8} (but for the Lease)"));
    Ok(())
}

/// From a start until all were looked at.
async fn restart(operator: &mut Operator, count: usize) -> anyhow::Result<()> {
    let began = Instant::now();
    operator.start_again()?;
    operator.reconciled(count as u64, PATIENCE).await?;
    say(&format!("start until settled             {:8.1} s", began.elapsed().as_secs_f64()));
    let (resident, highest) = operator.memory()?;
    say(&format!("memory after it                 {resident:8} MiB, {highest} MiB at most"));
    Ok(())
}

/// From the death of the one that leads until the other leads, and until it has looked at all.
async fn failover(parts: &Parts, leader: &Operator, count: usize) -> anyhow::Result<()> {
    let other = parts.operator("two")?;
    other.answers(PATIENCE).await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    anyhow::ensure!(!other.figures().await?.leads, "both lead");
    leader.stop("KILL")?;
    let began = Instant::now();
    other.leads(PATIENCE).await?;
    say(&format!("failover until the other leads  {:8.1} s", began.elapsed().as_secs_f64()));
    other.reconciled(count as u64, PATIENCE).await?;
    say(&format!("failover until settled          {:8.1} s", began.elapsed().as_secs_f64()));
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the result")]
fn say(text: &str) {
    println!("{text}");
}
