//! Notices that a folder changed: by the file system's events, and by looking every few seconds where those do not come
//! (network file systems, exhausted watches).

use std::path::Path;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// Editors write in several steps; a folder is read when it has been quiet for so long.
const QUIET: Duration = Duration::from_millis(200);
/// Between two looks without an event.
const LOOK: Duration = Duration::from_secs(10);

/// A folder that is being watched.
pub struct Changes {
    events: mpsc::Receiver<()>,
    _watcher: Option<RecommendedWatcher>,
}

/// Begins to watch `folder`.
pub fn watch(folder: &Path) -> Changes {
    let (tell, events) = mpsc::channel(1);
    let started = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let reads_only = event.as_ref().is_ok_and(|event| event.kind.is_access());
        if !reads_only {
            // A full channel says already what this event would.
            tell.try_send(()).ok();
        }
    });
    let watching = started.and_then(|mut watcher| {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    match watching {
        Ok(watcher) => Changes { events, _watcher: Some(watcher) },
        Err(error) => {
            tracing::warn!(%error, "changes of the manifests are looked for every {} s only", LOOK.as_secs());
            Changes { events, _watcher: None }
        }
    }
}

impl Changes {
    /// Returns when the folder may have changed.
    pub async fn next(&mut self) {
        match tokio::time::timeout(LOOK, self.events.recv()).await {
            Err(_) => return,
            // The watcher is gone; looking goes on.
            Ok(None) => return tokio::time::sleep(LOOK).await,
            Ok(Some(())) => {}
        }
        while let Ok(Some(())) = tokio::time::timeout(QUIET, self.events.recv()).await {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_changed_file_is_noticed_once_it_is_quiet() {
        let folder = tempfile::tempdir().unwrap();
        let mut changes = watch(folder.path());
        std::fs::write(folder.path().join("a.yaml"), "kind: Backend").unwrap();
        tokio::time::timeout(Duration::from_secs(5), changes.next()).await.unwrap();
    }
}
