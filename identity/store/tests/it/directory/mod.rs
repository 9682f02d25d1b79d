//! What gates follow: marks in commit order, the state behind each, and knowing when to start over.

mod contiguity;
mod felt;
mod history;
mod snapshot;
mod triggers;

use tenantry_directory::{Change, ChangeState, Position, View};
use tenantry_store::Store;
use tenantry_store::directory::Changes;

/// A gate's picture of the directory, kept up by changes alone.
pub struct Gate {
    pub view: View,
}

impl Gate {
    pub async fn new(store: &Store) -> Self {
        Self { view: View::from_snapshot(store.snapshot().await.unwrap()) }
    }

    pub fn position(&self) -> Position {
        Position { version: self.view.version, digest: self.view.digest }
    }

    /// Takes in what happened since, as a stream would bring it.
    pub async fn catch_up(&mut self, store: &Store) -> Vec<Change> {
        let mut all = Vec::new();
        loop {
            let Changes::Following(changes) = store.changes(self.position()).await.unwrap() else {
                panic!("a gap after {:?}", self.position());
            };
            if changes.is_empty() {
                return all;
            }
            for change in &changes {
                self.view = self.view.apply(change).unwrap();
            }
            all.extend(changes);
        }
    }

    pub async fn is_behind_a_gap(&self, store: &Store) -> bool {
        matches!(store.changes(self.position()).await.unwrap(), Changes::Gap)
    }
}

pub fn states(changes: &[Change]) -> Vec<&ChangeState> {
    changes.iter().map(|change| &change.state).collect()
}
