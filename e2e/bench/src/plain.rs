//! The same number of writes without an operator: `ConfigMap`s and rows, at once.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use sqlx::postgres::{PgPool, PgPoolOptions};

use crate::parts::Parts;

/// As many as the operator opens.
const CONNECTIONS: u32 = 12;

/// How long the plain writes took.
pub struct Plain {
    pub config_maps: Duration,
    pub rows: Duration,
    pub both: Duration,
    /// The very calls of the operator, and the rows, by a client that only sends.
    pub same: Duration,
}

pub async fn write(
    parts: &Parts,
    count: usize,
    writes: usize,
    rows: u64,
    transactions: u64,
) -> anyhow::Result<Plain> {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(&parts.database.url()).await?;
    sqlx::query("CREATE TABLE plain (id bigserial PRIMARY KEY, text text NOT NULL)").execute(&pool).await?;
    let began = Instant::now();
    let config_maps = async {
        parts.client.config_maps(&parts.namespace, writes).await?;
        anyhow::Ok(began.elapsed())
    };
    let inserts = async {
        insert(&pool, rows, transactions.max(1)).await?;
        anyhow::Ok(began.elapsed())
    };
    let (config_maps, inserted) = tokio::try_join!(config_maps, inserts)?;
    let namespace = parts.cluster.namespace("same").await?;
    let began = Instant::now();
    tokio::try_join!(parts.client.same_calls(&namespace, count), insert(&pool, rows, transactions.max(1)))?;
    Ok(Plain { config_maps, rows: inserted, both: config_maps.max(inserted), same: began.elapsed() })
}

async fn insert(pool: &PgPool, rows: u64, transactions: u64) -> anyhow::Result<()> {
    let text = "x".repeat(100);
    let text = &text;
    stream::iter(0..transactions)
        .map(|number| async move {
            // Spread evenly, the remainder too.
            let share = (number + 1) * rows / transactions - number * rows / transactions;
            let mut tx = pool.begin().await?;
            for _ in 0..share {
                sqlx::query("INSERT INTO plain (text) VALUES ($1)").bind(text).execute(&mut *tx).await?;
            }
            tx.commit().await?;
            anyhow::Ok(())
        })
        .buffer_unordered(CONNECTIONS as usize)
        .try_collect::<()>()
        .await
}
