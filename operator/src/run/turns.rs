//! How many Organizations of a Backend are worked on at a time: those of one whose stores answer nothing keep no others waiting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::backend::registry::Key;

/// Turns, by Backend.
#[derive(Clone)]
pub struct Turns {
    each: usize,
    all: Arc<Mutex<HashMap<Key, Arc<Semaphore>>>>,
}

/// Held while it is somebody's turn.
pub struct Turn(#[allow(dead_code, reason = "what counts is that it is held")] Option<OwnedSemaphorePermit>);

impl Turns {
    /// So many at a time for each Backend.
    pub fn new(each: u16) -> Self {
        Self { each: each.into(), all: Arc::default() }
    }

    /// Waits for a turn.
    pub async fn of(&self, backend: Key) -> Turn {
        let semaphore = {
            let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(backend).or_insert_with(|| Arc::new(Semaphore::new(self.each))))
        };
        // Nobody closes it.
        Turn(semaphore.acquire_owned().await.ok())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn those_of_one_backend_wait_for_each_other_alone() {
        let turns = Turns::new(2);
        let of = |name: &str| turns.of(("a".to_owned(), name.to_owned())).now_or_never();
        let (first, second) = (of("one"), of("one"));
        assert!(first.is_some() && second.is_some());
        assert!(of("one").is_none());
        assert!(of("two").is_some());
        drop(first);
        assert!(of("one").is_some());
    }
}
