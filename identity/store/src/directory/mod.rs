//! The directory, as read from the tables. In the order data flows through: triggers leave marks
//! (`schema::triggers`), `advance` looks at what they mark and chains them, `changes` and `snapshot` read the state
//! that gates follow, `prune` forgets marks that nobody will ask for.

mod advance;
mod changes;
mod prune;
mod snapshot;
mod state;

pub use changes::Changes;
pub use prune::Pruned;
pub use snapshot::SnapshotError;

use crate::{StoreError, Tx};

/// Version of the newest mark. One small read: what a publisher polls.
pub async fn head(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.one("SELECT version FROM tenantry.directory_head WHERE only_row = 1", &[]).await?.int("version")
}
