use std::collections::HashMap;

use tenantry_directory::{Change, ChangeState, Digest, Position};

use super::advance::{advance, read_digest};
use super::state::{self, Memory};
use crate::sql::Row;
use crate::{Store, StoreError, Tx};

/// Changes handed out at a time.
const BATCH: i64 = 1000;

/// What happened since a position.
#[derive(Debug)]
pub enum Changes {
    /// These, contiguous from the position; none: it is the newest.
    Following(Vec<Change>),
    /// The position is not of this database's history (it was restored or failed over), lies too far back, or
    /// everything must be read anew: a snapshot is needed.
    Gap,
}

impl Store {
    /// What happened since `since`, at most a thousand changes, each with its row's state now. One consistent read.
    pub async fn changes(&self, since: Position) -> Result<Changes, StoreError> {
        advance(self).await?;
        let mut tx = self.read().await?;
        let changes = read(&mut tx, since).await?;
        tx.rollback().await?;
        Ok(changes)
    }
}

async fn read(tx: &mut Tx, since: Position) -> Result<Changes, StoreError> {
    if !is_of_this_history(tx, since).await? {
        return Ok(Changes::Gap);
    }
    let sql = "SELECT version, kind, key, nonce, digest FROM tenantry.directory_changes \
        WHERE version > $1 ORDER BY version LIMIT $2";
    let rows = tx.all(sql, &[since.version.into(), BATCH.into()]).await?;
    let memory = Memory::read(tx).await?;
    let mut states: HashMap<(String, String), ChangeState> = HashMap::new();
    let mut changes = Vec::with_capacity(rows.len());
    let mut last = since;
    for row in &rows {
        let Some(digest) = read_digest(row)? else { break };
        let mark = Mark::read(row)?;
        if mark.version != last.version + 1 || mark.kind == "everything" {
            return Ok(Changes::Gap);
        }
        let key = (mark.kind.clone(), mark.key.clone());
        let state = if let Some(state) = states.get(&key) {
            state.clone()
        } else {
            let Some(state) = state::of(tx, &memory, &mark.kind, &mark.key).await? else {
                return Ok(Changes::Gap);
            };
            states.insert(key, state.clone());
            state
        };
        let change = Change::following(&last.digest, mark.version, mark.kind, mark.key, mark.nonce, state);
        if change.digest != digest {
            return Ok(Changes::Gap);
        }
        last = Position { version: change.version, digest };
        changes.push(change);
    }
    Ok(Changes::Following(changes))
}

struct Mark {
    version: i64,
    kind: String,
    key: String,
    nonce: String,
}

impl Mark {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            version: row.int("version")?,
            kind: row.text("kind")?,
            key: row.text("key")?,
            nonce: row.text("nonce")?,
        })
    }
}

async fn is_of_this_history(tx: &mut Tx, since: Position) -> Result<bool, StoreError> {
    if since.version == 0 {
        return Ok(since.digest == Digest::genesis(tx.backend_identity()));
    }
    let sql = "SELECT digest FROM tenantry.directory_changes WHERE version = $1";
    let row = tx.maybe(sql, &[since.version.into()]).await?;
    Ok(row.map(|row| read_digest(&row)).transpose()?.flatten() == Some(since.digest))
}
