//! The sealing keyring: made once, never made again, never readable by others.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use secrecy::ExposeSecret as _;
use tenantry_rules::random::SystemRandom;
use tenantry_rules::sealing::Keyring;
use zeroize::Zeroizing;

use super::write;
use tenantry_process::Failure;

/// Reads the keyring at `path`. Where there is none it is made, unless `must_exist` says that something is sealed already.
pub fn open(path: &Path, must_exist: bool) -> Result<Keyring, Failure> {
    match fs::metadata(path) {
        Ok(metadata) => {
            let mode = metadata.mode() & 0o777;
            // Group may read: that is how a mounted Secret arrives for a process that is not root.
            if mode & 0o037 != 0 {
                return Err(Failure::new(
                    format!("others may read the sealing keyring {} (mode {mode:o})", path.display()),
                    format!("Run: chmod 600 {}", path.display()),
                ));
            }
            read(path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && must_exist => Err(Failure::new(
            format!("the sealing keyring {} is missing, but the database it seals is there", path.display()),
            "Restore the file from a backup of the data folder, or name it with --sealing-keyring. \
             Without it the signing keys cannot be read; nothing was changed.",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path),
        Err(error) => Err(cannot(path, &error)),
    }
}

fn cannot(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        format!("the sealing keyring {} cannot be used: {error}", path.display()),
        "Restore the file from a backup, or name another one with --sealing-keyring.",
    )
}

fn read(path: &Path) -> Result<Keyring, Failure> {
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|error| cannot(path, &error))?);
    Keyring::from_json(&text).map_err(|error| cannot(path, &error))
}

fn make(path: &Path) -> Result<Keyring, Failure> {
    let json = Keyring::generate("k1", &SystemRandom).map_err(|error| cannot(path, &error))?;
    write::create(path, json.expose_secret().as_bytes(), 0o600).map_err(|error| cannot(path, &error))?;
    tracing::info!(path = %path.display(), "made the sealing keyring; back it up with the database");
    read(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_keyring_is_made_once_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealing-keyring.json");
        open(&path, false).unwrap();
        let made = fs::read(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        open(&path, true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), made);
    }

    #[test]
    fn a_lost_keyring_is_never_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealing-keyring.json");
        let failure = open(&path, true).err().unwrap().to_string();
        assert!(failure.contains("is missing") && failure.contains("Restore the file"), "{failure}");
        assert!(!path.exists());
    }

    #[test]
    fn a_keyring_that_others_may_read_or_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealing-keyring.json");
        fs::write(&path, "[]").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(open(&path, true).err().unwrap().to_string().contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(open(&path, true).err().unwrap().to_string().contains("has no key"));
    }
}
