//! The data folder: everything that must survive a restart. It is the owner's alone (mode 0700), and one process at a time
//! uses it.
//!
//! - `tenantry.db`: the embedded database
//! - `sealing-keyring.json`: the keys that secrets in it are sealed with ([`keyring`])
//! - `tls/`, `assertion/`: the gate's certificate and the public half of its assertion key
//! - `admin-<slug>.password`: generated first passwords ([`passwords`])
//! - `addresses.json`: what a running process listens on

pub mod keyring;
pub mod passwords;
mod write;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use tenantry_process::Failure;

/// A data folder in use by this process.
pub struct DataFolder {
    path: PathBuf,
    /// Held until the process ends, in whatever way.
    _lock: File,
}

/// What a running process listens on.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Addresses {
    /// TLS.
    pub https: Vec<std::net::SocketAddr>,
    /// Plain HTTP, on loopback.
    pub plain: Vec<std::net::SocketAddr>,
    /// Probes and metrics.
    pub admin: Option<std::net::SocketAddr>,
    /// What clients call this service.
    pub public_url: String,
    /// The process.
    pub pid: u32,
}

impl DataFolder {
    /// Makes the folder where it does not exist, and takes it for this process.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let cannot = |error: io::Error| {
            Failure::new(
                format!("the data folder {} cannot be used: {error}", path.display()),
                "Name a folder of yours with --data, or make this one readable and writable for you.",
            )
        };
        if !path.exists() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(cannot)?;
        }
        let path = path.canonicalize().map_err(cannot)?;
        let mode = fs::metadata(&path).map_err(cannot)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(Failure::new(
                format!("others may read or write the data folder {} (mode {mode:o})", path.display()),
                format!("Run: chmod 700 {}", path.display()),
            ));
        }
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path.join("lock"));
        let lock = file.map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Failure::new(
                format!("another process uses the data folder {}", path.display()),
                "Stop it, or name another folder with --data.",
            )),
            Err(TryLockError::Error(error)) => Err(cannot(error)),
        }
    }

    /// Its path, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The URL of the embedded database.
    pub fn database_url(&self) -> String {
        format!("sqlite://{}", self.path.join("tenantry.db").display())
    }

    /// Whether an embedded database is there already.
    pub fn has_database(&self) -> bool {
        self.path.join("tenantry.db").exists()
    }

    /// Says what this process listens on, for other programs.
    pub fn write_addresses(&self, addresses: &Addresses) -> Result<(), Failure> {
        let path = self.path.join("addresses.json");
        let json = serde_json::to_vec_pretty(addresses).map_err(io::Error::other);
        json.and_then(|json| write::replace(&path, &json, 0o644)).map_err(|error| {
            Failure::new(
                format!("{} cannot be written: {error}", path.display()),
                "Make room on the disk, or make the data folder writable.",
            )
        })
    }

    /// Takes the addresses back: nothing listens any more.
    pub fn remove_addresses(&self) {
        match fs::remove_file(self.path.join("addresses.json")) {
            Ok(()) => {}
            Err(error) => tracing::debug!(%error, "addresses.json not removed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_new_folder_is_its_owners_alone_and_used_once_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let first = DataFolder::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        let second = DataFolder::open(&path).err().unwrap().to_string();
        assert!(second.contains("another process uses the data folder"), "{second}");
        drop(first);
        assert!(DataFolder::open(&path).is_ok());
    }

    #[test]
    fn a_folder_that_others_may_look_into_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(DataFolder::open(folder.path()).err().unwrap().to_string().contains("chmod 700"));
    }

    #[test]
    fn a_file_in_the_way_is_a_sentence() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(DataFolder::open(file.path()).err().unwrap().to_string().contains("cannot be used"));
    }
}
