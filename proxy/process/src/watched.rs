//! Notices that somebody renewed files that were named at the start: a certificate and its key, a token.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// Between two looks; renewals come days before the old certificate ends.
const LOOK: Duration = Duration::from_secs(10);

/// The files, and when they were last written.
pub struct Watched {
    files: Vec<PathBuf>,
    seen: Vec<Option<SystemTime>>,
}

impl Watched {
    /// These, as they are now.
    pub fn new(files: Vec<PathBuf>) -> Self {
        let seen = written(&files);
        Self { files, seen }
    }

    /// Returns when one of the files has been written.
    pub async fn changed(&mut self) {
        loop {
            tokio::time::sleep(LOOK).await;
            if self.has_changed() {
                return;
            }
        }
    }

    fn has_changed(&mut self) -> bool {
        let now = written(&self.files);
        let changed = now != self.seen;
        self.seen = now;
        changed
    }
}

fn written(files: &[PathBuf]) -> Vec<Option<SystemTime>> {
    files.iter().map(|file| fs::metadata(file).and_then(|metadata| metadata.modified()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewed_file_is_noticed_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tls.crt");
        fs::write(&file, "a").unwrap();
        let mut watched = Watched::new(vec![file.clone()]);
        assert!(!watched.has_changed());
        let later = SystemTime::now() + Duration::from_secs(5);
        fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
        assert!(watched.has_changed());
        assert!(!watched.has_changed());
    }
}
